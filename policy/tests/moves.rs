//! A folder that gets another name: does it pass by what is denied below it?

mod common;

use common::rule;
use palisade_policy::Outcome;

/// The patterns that are denied, the old folder, the new one, and what becomes of it where every place is there.
const ROWS: &[(&[&str], &str, &str, bool)] = &[
    (&["/srv/above/below"], "/srv/above/", "/tmp/x/", true),
    (&["/srv/above/below"], "/srv/", "/other/", true),
    (&["/srv/above/below"], "/srv/ab/", "/tmp/x/", false),
    (&["/srv/above"], "/srv/above/", "/tmp/x/", false),
    (&["/srv/above/**"], "/srv/above/", "/tmp/x/", true),
    (&["/srv/above/*.key"], "/srv/", "/tmp/x/", true),
    (&["/srv/ab*"], "/srv/", "/tmp/x/", true),
    (&["/srv/*/secret"], "/srv/a/", "/tmp/a/", true),
    (&["/srv/*/secret"], "/srv/a/", "/srv/b/", false),
    (&["/srv/*/*/secret"], "/srv/a/b/", "/srv/b/", true),
    (&["/srv/*/secret"], "/srv/a/b/", "/tmp/b/", false),
    (&["/srv/{a,b}/secret"], "/srv/a/", "/srv/b/", true),
    (&["/srv/[ab]/secret"], "/srv/a/", "/srv/b/", false),
    (&["/srv/[ab]/secret"], "/srv/a/", "/srv/c/", true),
    // What is meant wherever it lies still is.
    (
        &["**/secret", "**/*.pem", "/**/*.key"],
        "/srv/a/",
        "/tmp/b/",
        false,
    ),
    (&["/*/secret"], "/srv/", "/tmp/", false),
    (&["/*/secret"], "/srv/", "/tmp/x/", true),
    (&["/srv/**/x/*.d/secret"], "/srv/a/", "/srv/b/", false),
    (&["/srv/**/x/*.d/secret"], "/srv/a/", "/tmp/b/", true),
    // Crowded, so that they are looked up by their ends.
    (
        &["/srv/*/1/x", "/srv/*/2/x", "/srv/*/3/x", "/srv/*/4/y"],
        "/srv/a/",
        "/tmp/b/",
        true,
    ),
    (
        &["/srv/*/1/x", "/srv/*/2/x", "/srv/*/3/x", "/srv/*/4/y"],
        "/srv/a/",
        "/srv/b/",
        false,
    ),
    (&["/proc/*/environ"], "/tmp/a/", "/tmp/b/", false),
];

fn moves(deny: &[&str], old: &str, new: &str, is_there: bool) -> Outcome {
    let compiled = rule(&format!(
        r#""filesystem": {{ "effect": "prevent", "deny": {deny:?} }}"#
    ));
    let decider = compiled.decider();
    decider
        .moves(old.as_bytes(), new.as_bytes(), &|_| is_there)
        .outcome
}

#[test]
fn a_folder_is_not_moved_from_where_something_below_it_is_denied() {
    for (deny, old, new, refused) in ROWS {
        let expected = if *refused {
            Outcome::Prevent
        } else {
            Outcome::Allow
        };
        assert_eq!(
            moves(deny, old, new, true),
            expected,
            "{deny:?} {old} {new}"
        );
    }
}

#[test]
fn what_is_named_in_full_and_not_there_holds_no_folder() {
    assert_eq!(
        moves(&["/srv/above/below"], "/srv/above/", "/tmp/x/", false),
        Outcome::Allow
    );
    assert_eq!(
        moves(&["/srv/above/below/**"], "/srv/above/", "/tmp/x/", false),
        Outcome::Allow
    );
}

#[test]
fn the_entry_that_holds_a_folder_is_named_and_an_entry_that_allows_is_none() {
    let compiled = rule(
        r#""filesystem": { "effect": "alert", "allow": ["/srv/**"], "deny": [{ "path": "/srv/a/b", "access": "write" }] }"#,
    );
    let decider = compiled.decider();
    let verdict = decider.moves(b"/srv/a/", b"/srv/c/", &|_| true);
    assert_eq!(
        (verdict.outcome, verdict.place()),
        (Outcome::Alert, Some("rules[0].filesystem.deny[0]"))
    );
    let verdict = decider.moves(b"/srv/d/", b"/srv/c/", &|_| true);
    assert_eq!(verdict.outcome, Outcome::Allow);
}
