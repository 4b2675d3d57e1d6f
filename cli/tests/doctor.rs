//! `palisade doctor`, which tries what there is to try.

mod common;

use common::{done, palisade};
use serde_json::Value;

/// The findings of a report, by name.
fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .flat_map(|part| part["findings"].as_array().expect("findings"))
        .find(|finding| finding["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {report}"))
}

fn report(command: &mut std::process::Command) -> (Option<i32>, Value) {
    let done = done(command);
    let report = serde_json::from_str(&done.out).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    (done.code, report)
}

#[test]
fn without_a_layer_it_says_so_and_fails() {
    let done = done(&mut palisade([
        "doctor",
        "--library",
        "/nonexistent/libpalisade.so",
    ]));
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(
        done.out
            .contains("BAD   library          /nonexistent/libpalisade.so is not there"),
        "{done:?}"
    );
    assert!(
        done.out
            .ends_with("Palisade would not defend a function here.\n"),
        "{done:?}"
    );
}

#[test]
fn what_the_kernel_and_libc_are_is_found_out() {
    let (_, report) = report(&mut palisade(["doctor", "--format", "json"]));
    assert!(
        finding(&report, "libc")["value"]
            .as_str()
            .expect("text")
            .starts_with("glibc 2."),
        "{report}"
    );
    assert_eq!(
        finding(&report, "stdout")["value"],
        "a pipe, can be opened again"
    );
    for name in [
        "kernel",
        "runtime",
        "user",
        "writable",
        "seccomp",
        "no_new_privs",
        "memfd_create",
        "openat2",
        "threads",
        "io_uring",
    ] {
        assert!(finding(&report, name)["value"].is_string(), "{name}");
    }
}

#[test]
fn a_policy_is_found_where_the_library_would_find_it() {
    let (_, built_in) = report(&mut palisade(["doctor", "--format", "json"]));
    assert!(
        finding(&built_in, "policy")["value"]
            .as_str()
            .expect("text")
            .contains("default"),
        "{built_in}"
    );

    let (code, wrong) = report(
        palisade(["doctor", "--format", "json"]).env("PALISADE_POLICY", r#"{"version": 7}"#),
    );
    assert_eq!(code, Some(1));
    assert_eq!(finding(&wrong, "policy")["state"], "bad", "{wrong}");

    let (_, right) = report(palisade(["doctor", "--format", "json"]).env(
        "PALISADE_POLICY",
        r#"{"version": 1, "rules": [{"name": "all"}]}"#,
    ));
    assert_eq!(
        finding(&right, "policy")["value"],
        "PALISADE_POLICY is valid",
        "{right}"
    );

    let (_, missing) = report(
        palisade(["doctor", "--format", "json"])
            .env("PALISADE_POLICY_FILE", "/nonexistent/policy.json"),
    );
    assert_eq!(finding(&missing, "policy")["state"], "bad", "{missing}");
}

#[test]
fn a_policy_in_the_environment_that_lambda_would_not_take_is_noted() {
    let policy = format!(
        r#"{{"version": 1, "rules": [{:4100}]}}"#,
        r#"{"name": "all"}"#
    );
    let (_, report) =
        report(palisade(["doctor", "--format", "json"]).env("PALISADE_POLICY", policy));
    let found = finding(&report, "policy");
    assert_eq!(found["state"], "warning", "{report}");
    assert!(
        found["note"].as_str().expect("a note").contains("4 KB"),
        "{report}"
    );
}
