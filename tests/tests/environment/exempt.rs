//! A function in which nothing is ever judged: what it starts is as without us, whoever starts it and by whatever call.

use std::os::unix::fs::PermissionsExt as _;

use palisade_tests::{Log, Outcome, Run, compile, records};
use serde_json::{Value, json};

fn run() -> Run {
    let program = compile(include_str!("exempt.c"), &[]);
    Run::new(program).env("AWS_LAMBDA_FUNCTION_NAME", "pay")
}

/// Its lines, without the numbers of variables.
fn lines(outcome: &Outcome) -> Vec<String> {
    assert_eq!(outcome.code(), 0, "{}", outcome.story());
    let text = outcome.text();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 9, "{}", outcome.story());
    lines
}

/// How many lines are of children that the library is in, or that are told to preload it.
fn with_it(lines: &[String]) -> usize {
    let is_with = |line: &&String| line.contains("defended") || line.contains(", named");
    lines.iter().filter(is_with).count()
}

fn rules(rule: Value) -> Value {
    json!({ "version": 1, "rules": [rule] })
}

/// Policies under which nothing is judged in the function.
fn exempting() -> [(&'static str, Value); 4] {
    [
        ("a rule without a section", rules(json!({ "name": "off" }))),
        (
            "a rule whose sections are off",
            rules(json!({
                "processes": { "effect": "disable", "deny": ["**"] },
                "network": { "effect": "disable", "outbound": { "deny": ["10.0.0.0/8"] } },
                "dns": { "effect": "disable", "deny": ["*"] },
                "filesystem": { "effect": "disable", "deny": ["/**"] },
            })),
        ),
        (
            "no rule for it",
            rules(
                json!({ "scope": { "functions": ["other-*"] }, "filesystem": { "effect": "prevent", "deny": ["/none/such"] } }),
            ),
        ),
        (
            "a rule of its own before the one for all",
            json!({ "version": 1, "rules": [
                { "scope": { "functions": ["pay"] } },
                { "filesystem": { "effect": "prevent", "deny": ["/none/such"] } },
            ] }),
        ),
    ]
}

#[test]
fn what_an_exempt_function_starts_does_not_load_the_library() {
    for (what, policy) in exempting() {
        for make in [run, || run().wrapped()] {
            let with = make().policy(&policy).go();
            let found = lines(&with);
            assert_eq!(with_it(&found), 0, "{what}: {}", with.story());
            assert!(
                found.iter().all(|line| !line.contains("an empty one")),
                "{what}: {}",
                with.story()
            );
        }
    }
}

#[test]
fn what_any_other_function_starts_does() {
    for (what, policy) in [
        (
            "one section",
            rules(json!({ "filesystem": { "effect": "prevent", "deny": ["/none/such"] } })),
        ),
        (
            "pools alone",
            rules(json!({ "processes": { "effect": "alert", "crypto_miners": true } })),
        ),
        (
            "not before a time",
            rules(
                json!({ "enforce_after": "2999-01-01T00:00:00Z", "dns": { "effect": "prevent", "deny": ["x.example"] } }),
            ),
        ),
        (
            "learning",
            json!({ "version": 1, "mode": "learn", "rules": [{ "name": "off" }] }),
        ),
    ] {
        for make in [run, || run().wrapped()] {
            let with = make().policy(&policy).go();
            assert_eq!(with_it(&lines(&with)), 8, "{what}: {}", with.story());
        }
    }
}

#[test]
fn other_preloads_are_left_to_the_children_of_an_exempt_function() {
    let (_, policy) = &exempting()[0];
    for make in [
        || run().preload_behind("libm.so.6"),
        || run().preload_before("libm.so.6"),
        || {
            run()
                .preload_before("libm.so.6")
                .preload_behind("librt.so.1")
        },
    ] {
        let found = lines(&make().policy(policy).go());
        let without = lines(&make().without_library().go());
        let numberless = |lines: &[String]| -> Vec<String> {
            let head = |line: &String| line.rsplit_once(',').map(|(head, _)| head.to_owned());
            lines.iter().filter_map(head).collect()
        };
        let kept = numberless(&without);
        assert!(
            kept.iter().take(8).all(|line| line.contains("math")),
            "{kept:?}"
        );
        assert_eq!(numberless(&found)[..8], kept[..8]);
    }
}

#[test]
fn what_a_function_starts_that_runs_undefended_by_choice_does_not_load_it_either() {
    let with = run()
        .env("PALISADE_POLICY", "{")
        .env("PALISADE_ON_ERROR", "open")
        .log(Log::Unset)
        .env("PALISADE_AUDIT", "stderr")
        .go();
    assert_eq!(with_it(&lines(&with)), 0, "{}", with.story());
    let said = records(&with.stderr);
    assert_eq!(
        said.len(),
        1,
        "once, and not by each child: {}",
        with.story()
    );
    assert_eq!(said[0].attack, "undefended");
}

/// A wrapper of somebody else's, which puts the policy there before it starts the interpreter.
pub fn behind_one_that_mends(first: &str, then: &Value, run: Run) -> Run {
    let path = run.folder().join("policy.json");
    let script = format!(
        "#!/bin/sh\ncat >'{}' <<'END'\n{then}\nEND\nexec \"$@\"\n",
        path.display()
    );
    let run = run.file("next", script).file("policy.json", first);
    let next = run.folder().join("next");
    std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o755)).expect("next");
    run.wrapped()
        .env("PALISADE_NEXT_WRAPPER", next)
        .env("PALISADE_POLICY_FILE", path)
        .env("PALISADE_ON_ERROR", "open")
}

#[test]
fn what_is_wrong_while_another_wrapper_is_at_work_is_asked_again_by_the_interpreter() {
    let denying =
        rules(json!({ "filesystem": { "effect": "prevent", "deny": ["/etc/hostname"] } }));
    let read = Run::new("/bin/cat").arg("/etc/hostname");
    let with = behind_one_that_mends("{", &denying, read).go();
    assert_eq!((&*with.text(), with.code()), ("", 1), "{}", with.story());
    let attacks: Vec<_> = with.audits().into_iter().map(|line| line.attack).collect();
    assert_eq!(attacks, ["undefended", "denied-file"], "{}", with.story());
}

#[test]
fn an_environment_that_may_be_a_constant_is_not_written_to() {
    let constant = compile(
        r#"
        #include <stdlib.h>
        __attribute__((constructor)) static void start(void) { putenv((char *)"LD_PRELOAD=" LIBRARY ":libm.so.6"); }"#,
        &[
            "-shared",
            "-fPIC",
            &format!("-DLIBRARY=\"{}\"", palisade_tests::library().display()),
        ],
    );
    let (_, policy) = &exempting()[0];
    let with = Run::new("/bin/echo")
        .arg("hello")
        .preload_behind(constant)
        .policy(policy)
        .go();
    assert_eq!(
        (&*with.text(), with.code()),
        ("hello\n", 0),
        "{}",
        with.story()
    );
}
