//! Every kind of mistake in a policy is said with its place, the value, and what would be right.

use palisade_policy::{Problem, parse};

fn problems(text: &str) -> Vec<Problem> {
    parse(text.as_bytes()).expect_err(text)
}

fn in_rule(rule: &str) -> String {
    format!("{{\"version\":1,\"rules\":[{{{rule}}}]}}")
}

/// Each row: a rule with one mistake, its place, a part of the value, and parts of the message or of what is expected.
#[test]
fn each_mistake_in_a_rule_is_named_with_its_place() {
    let rows: &[(&str, &str, &str, &[&str])] = &[
        // Fields.
        (
            r#""proceses":{}"#,
            "rules[0].proceses",
            "{}",
            &["unknown field", "did you mean `processes`"],
        ),
        (
            r#""process":{}"#,
            "rules[0].process",
            "{}",
            &["did you mean `processes`"],
        ),
        (
            r#""file_system":{}"#,
            "rules[0].file_system",
            "{}",
            &["did you mean `filesystem`"],
        ),
        (
            r#""zebra":1"#,
            "rules[0].zebra",
            "1",
            &["unknown field", "expected one of `name`, `enabled`"],
        ),
        (
            r#""dns":{"effect":"alert","Allow":[]}"#,
            "rules[0].dns.Allow",
            "[]",
            &["did you mean `allow`"],
        ),
        (
            r#""processes":{"effect":"alert","main-only":true}"#,
            "rules[0].processes.main-only",
            "true",
            &["did you mean `main_only`"],
        ),
        (
            r#""processes":{"effect":"alert","cryptominers":true}"#,
            "rules[0].processes.cryptominers",
            "true",
            &["did you mean `crypto_miners`"],
        ),
        (
            r#""network":{"effect":"alert","allow":["1.1.1.1"]}"#,
            "rules[0].network.allow",
            "[\"1.1.1.1\"]",
            &["unknown field"],
        ),
        (r#""a b":1"#, "rules[0].\"a b\"", "1", &["unknown field"]),
        (
            r#""name":"x","name":"y""#,
            "rules[0].name",
            "\"y\"",
            &["twice"],
        ),
        (
            r#""dns":{"effect":"alert","deny":["a.b"],"deny":[]}"#,
            "rules[0].dns.deny",
            "[]",
            &["twice"],
        ),
        // Types.
        (
            r#""enabled":"yes""#,
            "rules[0].enabled",
            "\"yes\"",
            &["a string", "`true` or `false`"],
        ),
        (r#""enabled":1"#, "rules[0].enabled", "1", &["a number"]),
        (r#""name":7"#, "rules[0].name", "7", &["a number", "a name"]),
        (r#""name":"""#, "rules[0].name", "\"\"", &["empty"]),
        (
            r#""name":"a\nb""#,
            "rules[0].name",
            "\"a\\nb\"",
            &["control character"],
        ),
        (
            r#""scope":[]"#,
            "rules[0].scope",
            "[]",
            &["an array", "an object"],
        ),
        (
            r#""dns":null"#,
            "rules[0].dns",
            "null",
            &["null", "an object"],
        ),
        (
            r#""dns":{"effect":"alert","allow":"x.com"}"#,
            "rules[0].dns.allow",
            "\"x.com\"",
            &["a string", "an array of names"],
        ),
        (
            r#""dns":{"effect":"alert","allow":[["x.com"]]}"#,
            "rules[0].dns.allow[0]",
            "[\"x.com\"]",
            &["an array", "a host name"],
        ),
        // Scope.
        (
            r#""scope":{"functions":"pay"}"#,
            "rules[0].scope.functions",
            "\"pay\"",
            &["a string", "an array"],
        ),
        (
            r#""scope":{"functions":["-"]}"#,
            "rules[0].scope.functions[0]",
            "\"-\"",
            &["excludes nothing"],
        ),
        (
            r#""scope":{"functions":[""]}"#,
            "rules[0].scope.functions[0]",
            "\"\"",
            &["empty"],
        ),
        (
            r#""scope":{"region":["eu-*"]}"#,
            "rules[0].scope.region",
            "[\"eu-*\"]",
            &["did you mean `regions`"],
        ),
        (
            r#""scope":{"accounts":[123456789012]}"#,
            "rules[0].scope.accounts[0]",
            "123456789012",
            &["a number"],
        ),
        // Effect.
        (
            r#""dns":{"allow":["x.com"]}"#,
            "rules[0].dns.effect",
            "",
            &["missing", "\"prevent\""],
        ),
        (
            r#""dns":{"effect":"prevnt"}"#,
            "rules[0].dns.effect",
            "\"prevnt\"",
            &["did you mean `prevent`"],
        ),
        (
            r#""dns":{"effect":"block"}"#,
            "rules[0].dns.effect",
            "\"block\"",
            &["did you mean `prevent`"],
        ),
        (
            r#""dns":{"effect":"Alert"}"#,
            "rules[0].dns.effect",
            "\"Alert\"",
            &["did you mean `alert`"],
        ),
        (
            r#""dns":{"effect":true}"#,
            "rules[0].dns.effect",
            "true",
            &["a boolean"],
        ),
        (
            r#""dns":{"effect":"zebra"}"#,
            "rules[0].dns.effect",
            "\"zebra\"",
            &["no such effect"],
        ),
        // Processes.
        (
            r#""processes":{"effect":"alert","main_only":true,"allow":["git"]}"#,
            "rules[0].processes.main_only",
            "true",
            &["either `main_only` or `allow`"],
        ),
        (
            r#""processes":{"effect":"alert","deny":["bin/sh"]}"#,
            "rules[0].processes.deny[0]",
            "\"bin/sh\"",
            &["relative"],
        ),
        (
            r#""processes":{"effect":"alert","deny":["/bin/[a"]}"#,
            "rules[0].processes.deny[0]",
            "\"/bin/[a\"",
            &["`[` is not closed"],
        ),
        (
            r#""processes":{"effect":"alert","deny":[""]}"#,
            "rules[0].processes.deny[0]",
            "\"\"",
            &["empty"],
        ),
        // Addresses.
        (
            r#""network":{"effect":"alert","outbound":{"allow":["1.1.1.1","10.0.0.1/8"]}}"#,
            "rules[0].network.outbound.allow[1]",
            "\"10.0.0.1/8\"",
            &["`10.0.0.0/8`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[2001:db8::1/32]:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "2001",
            &["`2001:db8::/32`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["10.0.0.0/33"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "/33",
            &["not a prefix length", "`/32`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["10.0.0.0/08"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "/08",
            &["not a prefix length"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0.256"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0.256",
            &["not an IPv4 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0",
            &["four numbers"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["2001:::1"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "2001:::1",
            &["not an IPv6 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["fe80::1%eth0"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "fe80",
            &["interface"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["https://1.1.1.1"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["URL"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[::1"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "[::1",
            &["not closed"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[2001:db8::]/32"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "/32",
            &["`[2001:db8::/32]`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":[10]}}"#,
            "rules[0].network.outbound.allow[0]",
            "10",
            &["a number"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"loopback":"no"}}"#,
            "rules[0].network.outbound.loopback",
            "\"no\"",
            &["`true` or `false`"],
        ),
        // Names among destinations.
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.stripe.com/24"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["a name stands alone", "`api.example.com:443`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[api.stripe.com]:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["a name stands alone", "brackets"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.stripe.com:https"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["`https` is not a port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.stripe.com:0"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["port 0"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.stripe.com:*"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["no port at all"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["https://api.stripe.com"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["URL", "only the host"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api..stripe.com:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["a label is empty"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.*.com"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "api",
            &["only stand in front"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["b\u00fccher.de:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "cher.de",
            &["xn--"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["evil com:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "evil",
            &["cannot hold"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["dead:beef"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "dead",
            &["`beef` is not a port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["dead:beef:1"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "dead",
            &["not an IPv6 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0.O:443"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0.O",
            &["not an IPv4 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0.*"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0",
            &["`*` stands alone", "`10.0.0.0/8`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["0x7f.1"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "0x7f",
            &["not an IPv4 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["localhost:6379"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "localhost",
            &["loopback", "`127.0.0.0/8`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["*.localhost"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "localhost",
            &["loopback", "`::1`"],
        ),
        // What cannot be followed.
        (
            r#""processes":{"effect":"alert","unfollowable":"disable"}"#,
            "rules[0].processes.unfollowable",
            "disable",
            &["no such value", "expected `prevent`, `alert` or `allow`"],
        ),
        (
            r#""processes":{"effect":"alert","unfollowable":"alow"}"#,
            "rules[0].processes.unfollowable",
            "alow",
            &["did you mean `allow`"],
        ),
        (
            r#""processes":{"effect":"alert","unfollowable":true}"#,
            "rules[0].processes.unfollowable",
            "true",
            &["a boolean", "`prevent`, `alert` or `allow`"],
        ),
        (
            r#""processes":{"effect":"alert","unfolowable":"alert"}"#,
            "rules[0].processes.unfolowable",
            "alert",
            &["did you mean `unfollowable`"],
        ),
        // Times.
        (
            r#""enforce_after":"2026-12-01""#,
            "rules[0].enforce_after",
            "2026-12-01",
            &["time of day", "`2026-12-01T00:00:00Z`"],
        ),
        (
            r#""enforce_after":"2026-12-01T01:00:00+01:00""#,
            "rules[0].enforce_after",
            "+01:00",
            &["not in UTC", "`2026-12-01T00:00:00Z`"],
        ),
        (
            r#""enforce_after":"2026-12-01T01:00:00""#,
            "rules[0].enforce_after",
            "01:00:00",
            &["time zone", "`Z` at the end"],
        ),
        (
            r#""enforce_after":"2026-02-30T00:00:00Z""#,
            "rules[0].enforce_after",
            "02-30",
            &["no such day"],
        ),
        (
            r#""enforce_after":"soon""#,
            "rules[0].enforce_after",
            "soon",
            &["not a point in time", "RFC 3339"],
        ),
        (
            r#""enforce_after":1796083200"#,
            "rules[0].enforce_after",
            "1796083200",
            &["a number", "RFC 3339"],
        ),
        // Ports.
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:0"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "*:0",
            &["port 0"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:65536"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "65536",
            &["larger than any port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:90-80"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "90-80",
            &["wrong way round", "`80-90`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:https"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["not a port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "*:",
            &["port is missing"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:*"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "*:*",
            &["no port at all"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"allow":[0]}}"#,
            "rules[0].network.listen.allow[0]",
            "0",
            &["no such port"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"allow":[8080.5]}}"#,
            "rules[0].network.listen.allow[0]",
            "8080.5",
            &["no such port"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"allow":["9100-9000"]}}"#,
            "rules[0].network.listen.allow[0]",
            "9100-9000",
            &["`9000-9100`"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"deny":["127.0.0.1:80"]}}"#,
            "rules[0].network.listen.deny[0]",
            "127",
            &["whatever the address"],
        ),
        (
            r#""network":{"effect":"alert","listen":[8080]}"#,
            "rules[0].network.listen",
            "[8080]",
            &["an array", "an object"],
        ),
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
    ];
    for (rule, place, value, gist) in rows {
        let found = problems(&in_rule(rule));
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        let problem = &found[0];
        assert_eq!(problem.place, *place, "{rule}");
        assert!(problem.value.contains(value), "{rule}: {problem:?}");
        let line = problem.to_string();
        assert!(line.starts_with(&format!("{place}: ")), "{line}");
        assert!(!line.contains('\n'), "{line}");
        for part in *gist {
            assert!(line.contains(part), "{line}\n  lacks {part}");
        }
        assert!(!problem.expected.is_empty(), "{problem:?}");
        assert!(
            problem.line == Some(1) && problem.column.is_some(),
            "{problem:?}"
        );
    }
    assert!(rows.len() >= 40);
}
