//! Does the library hold in forks, threads, signal handlers, and small stacks?

mod full;
mod hosts;
mod interpreters;
mod table;
mod threads;

use std::fs;
use std::path::PathBuf;

use palisade_tests::{Run, compile, policy};
use serde_json::{Value, json};

/// `code` as the body of main(), with threads.h before it.
pub fn program(code: &str) -> PathBuf {
    compile(&include_str!("frame.c").replace("CODE", code), &["-O1"])
}

/// A run in a folder with a file `secret` and a pipe `pipe`.
pub fn run(code: &str) -> Run {
    Run::new(program(code)).file("secret", "secret")
}

/// Every section on, each forbidding one thing and allowing the rest.
pub fn strict(effect: &str, run: &Run) -> Value {
    let secret = fs::canonicalize(run.folder().join("secret")).expect("secret");
    policy(json!({
        "processes": { "effect": effect, "deny": ["echo"] },
        "network": { "effect": effect, "outbound": { "deny": ["127.0.0.1:9"] }, "listen": { "deny": [9] } },
        "dns": { "effect": effect, "deny": ["denied.test"] },
        "filesystem": { "effect": effect, "deny": [secret] },
    }))
}

/// All sections on, none of them hears anything.
pub fn quiet(effect: &str) -> Value {
    policy(json!({
        "processes": { "effect": effect, "deny": ["/none/such"] },
        "network": { "effect": effect, "outbound": { "deny": ["203.0.113.9"] }, "listen": { "deny": [9] } },
        "dns": { "effect": effect, "deny": ["denied.test"] },
        "filesystem": { "effect": effect, "deny": ["/none/such"] },
    }))
}

/// The same output and the same end with every kind of policy as without the library.
pub fn same(code: &str) {
    let natural = run(code).within(20).without_library().go();
    let mut unjudged = quiet("prevent");
    let rule = unjudged
        .pointer_mut("/rules/0")
        .and_then(Value::as_object_mut);
    assert!(rule.is_some_and(|rule| rule.remove("processes").is_some()));
    let policies = [
        ("off", policy(json!({}))),
        ("processes off", unjudged),
        ("alert", quiet("alert")),
        ("prevent", quiet("prevent")),
    ];
    for (effect, policy) in policies {
        let ours = run(code).within(20).policy(&policy).go();
        assert_eq!(
            (ours.text(), ours.errors(), ours.code()),
            (natural.text(), natural.errors(), natural.code()),
            "{effect}"
        );
        assert_eq!(ours.audits().len(), 0, "{effect}: {}", ours.story());
    }
}
