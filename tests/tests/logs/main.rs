//! Does the tool make of a log what the library meant? Every log here was written by the library.

mod imports;
mod remedy;
mod replay;
mod views;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use palisade_tests::{Outcome, Run, compile, library, repository};
use serde_json::Value;

/// The program that does one act.
pub fn acts() -> PathBuf {
    compile(
        include_str!("acts.c"),
        &["-O1", "-D_FORTIFY_SOURCE=0", "-ldl"],
    )
}

/// What a command of the tool did.
#[derive(Debug)]
pub struct Said {
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// The tool as `make build` leaves it, in a folder, with `input` on standard input.
pub fn palisade(folder: &Path, arguments: &[&str], input: &[u8]) -> Said {
    let mut child = Command::new(tool())
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("palisade runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // It need not read to the end.
        scope.spawn(move || stdin.write_all(input));
        let output = child.wait_with_output().expect("it ends");
        Said {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    })
}

/// The tool itself.
pub fn tool() -> PathBuf {
    let tool = repository().join("target/release/palisade");
    assert!(
        tool.is_file(),
        "{} is not there: run make build",
        tool.display()
    );
    tool
}

/// The act under the policy, by `palisade run`, on a network without a way out. `policy.json` and `audit.jsonl` are in the folder afterwards.
pub fn run(folder: &Path, policy: &Value, act: &[&str]) -> Outcome {
    fs::write(folder.join("policy.json"), policy.to_string()).expect("a policy");
    let log = folder.join("audit.jsonl");
    let _ = fs::remove_file(&log);
    Run::new(tool())
        .without_library()
        .within(30)
        .under(["unshare", "-n"])
        .arg("run")
        .arg("--policy")
        .arg(folder.join("policy.json"))
        .arg("--audit")
        .arg(format!("file:{}", log.display()))
        .arg("--library")
        .arg(library())
        .arg("--")
        .arg(acts())
        .args(act)
        .go()
}

/// The lines that the last [`run`] left.
pub fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("audit.jsonl")).unwrap_or_default()
}
