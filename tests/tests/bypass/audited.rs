//! Not stopped, and on record.

use serde_json::json;

use crate::{passed, run, static_program};

#[test]
fn a_static_program_that_the_policy_reports() {
    let code = format!(
        r#"char *words[] = {{"static", NULL}}; through(RAN(execve("{}", words, environ)))"#,
        static_program().display()
    );
    let audits = passed(
        || run(&code),
        |_| json!({ "processes": { "effect": "prevent", "deny": ["none"], "unfollowable": "alert" } }),
    );
    assert_eq!(audits.len(), 1);
    assert_eq!(
        (&*audits[0].attack, audits[0].effect.as_deref()),
        ("unfollowable-program", Some("alert"))
    );
}

#[test]
fn a_start_that_may_go_undefended() {
    let outcome = run(r#"through(open("secret", O_RDONLY) >= 0)"#)
        .env("PALISADE_POLICY", "{")
        .env("PALISADE_ON_ERROR", "open")
        .go();
    assert_eq!(outcome.text(), "through\n", "{}", outcome.story());
    assert_eq!(&*outcome.audit().attack, "undefended");
}
