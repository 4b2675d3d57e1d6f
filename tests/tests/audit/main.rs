//! Does every line reach the function's log, and nothing else?

mod ends;
mod hostile;
mod streams;
mod ways;

use std::fs;
use std::path::PathBuf;

use palisade_tests::{Run, compile, policy};
use serde_json::{Value, json};

/// `code` as the body of main(), with frame.c before it.
pub fn program(code: &str) -> PathBuf {
    compile(
        &include_str!("frame.c").replace("CODE", code),
        &["-O1", "-Wno-unused-result"],
    )
}

/// A run in a folder with a file `secret`, which is denied with this effect.
pub fn run(effect: &str, code: &str) -> Run {
    let run = Run::new(program(code)).file("secret", "secret").within(30);
    let rules = denied(effect, &run);
    run.policy(&rules)
}

/// The policy that denies the file.
pub fn denied(effect: &str, run: &Run) -> Value {
    let secret = fs::canonicalize(run.folder().join("secret")).expect("secret");
    policy(json!({ "filesystem": { "effect": effect, "deny": [secret] } }))
}
