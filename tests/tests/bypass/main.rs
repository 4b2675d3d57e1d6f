//! Ways around the hooks: which are stopped, which are only seen, which are neither. Each test is a row of docs/threat-model.md,
//! and the file or folder that it stands in is the verdict there.

mod audited;
mod not_stopped;
mod stopped;
mod table;

use std::fs;
use std::path::PathBuf;

use palisade_audit::Owned;
use palisade_tests::{Outcome, Run, compile, policy};
use serde_json::{Value, json};

/// `code` as the body of main() of frame.c.
pub fn program(code: &str) -> PathBuf {
    program_with(code, &["-O1"])
}

/// The same, compiled with these flags.
pub fn program_with(code: &str, flags: &[&str]) -> PathBuf {
    compile(&include_str!("frame.c").replace("CODE", code), flags)
}

/// A folder with a file `secret`, and a run of `code` in it.
pub fn run(code: &str) -> Run {
    Run::new(program(code)).file("secret", "secret")
}

/// A policy that denies the file `secret` of that run.
pub fn secret(run: &Run) -> Value {
    let secret = fs::canonicalize(run.folder().join("secret")).expect("secret");
    json!({ "filesystem": { "effect": "prevent", "deny": [secret] } })
}

/// The same, and every program may start; `unfollowable` says what becomes of one that cannot be followed.
pub fn secret_from_programs(run: &Run, unfollowable: &str) -> Value {
    let mut sections = secret(run);
    sections["processes"] =
        json!({ "effect": "prevent", "allow": ["**"], "unfollowable": unfollowable });
    sections
}

/// Two programs that are called `program`, in the directories `one` and `two`: statements in C, for files of these names in the run's folder.
pub fn in_two_places(first: &str, second: &str) -> String {
    format!(
        r#"if (raw_mkdir("one", 0755) || raw_mkdir("two", 0755) || raw_chmod("{first}", 0755) || raw_chmod("{second}", 0755)
        || raw(SYS_renameat, AT_FDCWD, "{first}", AT_FDCWD, "one/program") || raw(SYS_renameat, AT_FDCWD, "{second}", AT_FDCWD, "two/program")) abort();"#
    )
}

/// Denies writing to the file `secret`, which may be read.
pub fn secret_writes(run: &Run) -> Value {
    let secret = fs::canonicalize(run.folder().join("secret")).expect("secret");
    json!({ "filesystem": { "effect": "prevent", "deny": [{ "path": secret, "access": "write" }] } })
}

/// Denies these programs.
pub fn programs(deny: &[&str]) -> Value {
    json!({ "processes": { "effect": "prevent", "deny": deny } })
}

/// The name `denied.test` is denied.
pub fn names() -> Value {
    json!({ "dns": { "effect": "prevent", "deny": ["denied.test"] } })
}

/// What became of it without the library: it must lead through there.
fn natural(make: impl Fn() -> Run) {
    let natural = make().without_library().go();
    assert!(
        natural.text().ends_with("through\n"),
        "the control: {}",
        natural.story()
    );
}

/// It leads through without the library. With it, it is refused with `errno`, and there is one line, of `attack`.
pub fn refused(
    make: impl Fn() -> Run,
    sections: impl Fn(&Run) -> Value,
    errno: i32,
    attack: &str,
) -> Owned {
    natural(&make);
    let outcome = with(&make, sections);
    assert!(
        outcome.text().ends_with(&format!("stopped {errno}\n")),
        "{attack}: {}",
        outcome.story()
    );
    let audit = outcome.audit();
    assert_eq!(audit.attack, attack, "{}", outcome.story());
    assert_eq!(
        audit.effect.as_deref(),
        Some("prevent"),
        "{}",
        outcome.story()
    );
    audit
}

/// It leads through with the library as without it; the lines that are left.
pub fn passed(make: impl Fn() -> Run, sections: impl Fn(&Run) -> Value) -> Vec<Owned> {
    natural(&make);
    let outcome = with(&make, sections);
    assert!(
        outcome.text().ends_with("through\n"),
        "it is stopped now; say so in docs/threat-model.md: {}",
        outcome.story()
    );
    outcome.audits()
}

/// A race (`goes_on` of frame.c) that is won at some time without the library, and never with it.
pub fn lost(make: impl Fn() -> Run, sections: impl Fn(&Run) -> Value) {
    natural(|| make().env("UNTIL_WON", "1"));
    let outcome = with(&make, sections);
    assert_eq!(outcome.text(), "stopped 13\n", "{}", outcome.story());
}

/// A run under that policy.
pub fn with(make: impl Fn() -> Run, sections: impl Fn(&Run) -> Value) -> Outcome {
    let run = make();
    let rules = policy(sections(&run));
    run.policy(&rules).go()
}

/// The compiler's flags for a program without libc.
pub const BARE: &[&str] = &[
    "-O1",
    "-static",
    "-nostdlib",
    "-nostartfiles",
    "-fno-stack-protector",
    "-DBARE",
];

/// A static program that ends with 0, or with 1 if the file `secret` cannot be opened.
pub fn static_program() -> PathBuf {
    let source = r#"
        static int errno_; int *__errno_location(void) { return &errno_; }
        #include "raw.h"
        void _start(void) { int fd = raw(SYS_openat, -100, "secret", 0); raw(SYS_exit_group, fd < 0); __builtin_unreachable(); }"#;
    compile(source, BARE)
}
