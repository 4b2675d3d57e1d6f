//! Mistakes in `dns` and `filesystem`.

use crate::each_is_named;

#[test]
fn each_mistake_about_names_and_files_is_named_with_its_place() {
    each_is_named(&[
        // Names.
        (
            r#""dns":{"effect":"alert","allow":["https://x.com/"]}"#,
            "rules[0].dns.allow[0]",
            "https",
            &["URL", "host name"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["x.com:443"]}"#,
            "rules[0].dns.allow[0]",
            "443",
            &["no port"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["a.*.com"]}"#,
            "rules[0].dns.allow[0]",
            "a.*.com",
            &["wildcard can only stand in front"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["a..com"]}"#,
            "rules[0].dns.allow[0]",
            "a..com",
            &["label is empty"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["*."]}"#,
            "rules[0].dns.allow[0]",
            "*.",
            &["label is empty"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["a b.com"]}"#,
            "rules[0].dns.allow[0]",
            "a b",
            &["cannot hold"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["bücher.de"]}"#,
            "rules[0].dns.allow[0]",
            "bücher",
            &["xn--"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["2001:db8::1"]}"#,
            "rules[0].dns.allow[0]",
            "2001",
            &["`network.outbound`"],
        ),
        // Files.
        (
            r#""filesystem":{"effect":"alert","deny":["etc/passwd"]}"#,
            "rules[0].filesystem.deny[0]",
            "etc/passwd",
            &["relative"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["*.pem"]}"#,
            "rules[0].filesystem.deny[0]",
            "*.pem",
            &["`**/`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["~/.ssh/*"]}"#,
            "rules[0].filesystem.deny[0]",
            "~",
            &["home directory"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/etc/"]}"#,
            "rules[0].filesystem.deny[0]",
            "/etc/",
            &["does not end in `/`", "`/**`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a/../b"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a/../b",
            &["`..`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a/./b"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a/./b",
            &["`.`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a//b"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a//b",
            &["`//`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a\u0000b"]}"#,
            "rules[0].filesystem.deny[0]",
            "\\u0000",
            &["NUL"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/{a,b"]}"#,
            "rules[0].filesystem.deny[0]",
            "/{a,b",
            &["`{` is not closed"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a}"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a}",
            &["closes nothing"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a{,b}"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a{,b}",
            &["empty"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/[z-a]"]}"#,
            "rules[0].filesystem.deny[0]",
            "[z-a]",
            &["ends before it begins"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a\\"]}"#,
            "rules[0].filesystem.deny[0]",
            "\"/a\\\\\"",
            &["backslash"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":[{"path":"/x","access":"wrte"}]}"#,
            "rules[0].filesystem.deny[0].access",
            "wrte",
            &["did you mean `write`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":[{"path":"/x","acess":"write"}]}"#,
            "rules[0].filesystem.deny[0].acess",
            "write",
            &["did you mean `access`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":[{"access":"write"}]}"#,
            "rules[0].filesystem.deny[0].path",
            "",
            &["missing"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":[7]}"#,
            "rules[0].filesystem.deny[0]",
            "7",
            &["a number", "a glob"],
        ),
    ]);
}
