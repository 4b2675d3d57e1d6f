//! Mistakes in `processes`.

use crate::each_is_named;

#[test]
fn each_mistake_about_programs_is_named_with_its_place() {
    each_is_named(&[
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
    ]);
}
