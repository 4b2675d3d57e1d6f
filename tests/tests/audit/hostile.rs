//! Bytes that an attacker chose.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use palisade_tests::{Outcome, Run, compile, policy};
use serde_json::json;

use crate::{program, run};

/// As C strings, and what must be in the record of them.
const TEXTS: &[(&str, &str)] = &[
    (r#"a\nb"#, "a\nb"),
    (r#"a\r\nb"#, "a\r\nb"),
    (r#"\x1b[2J\x1b]0;x\x07"#, "\u{1b}[2J\u{1b}]0;x\u{7}"),
    (r#"\xff\xfe"#, "\u{fffd}\u{fffd}"),
    (r#"a\xc3"#, "a\u{fffd}"),
    (r#"\xed\xa0\x80"#, "\u{fffd}\u{fffd}\u{fffd}"),
    (
        r#"\"},{\"palisade\":1,\"attack\":\"x"#,
        "\"},{\"palisade\":1,\"attack\":\"x",
    ),
    (r#"\\\\\\"#, "\\\\\\"),
    (r#"\xe2\x80\xae\xe2\x80\xa8"#, "\u{202e}\u{2028}"),
    (r#"\x7f\x01\x1f"#, "\u{7f}\u{1}\u{1f}"),
    (r#"%s%n%d"#, "%s%n%d"),
    (r#"</script>"#, "</script>"),
];

/// A run in which nothing may be started, opened by an absolute name under /hostile, or resolved.
fn defended(code: &str) -> Outcome {
    let rules = policy(json!({
        "processes": { "effect": "prevent", "allow": ["/none"] },
        "dns": { "effect": "prevent", "deny": ["*"] },
        "filesystem": { "effect": "prevent", "deny": ["/hostile/**"] },
    }));
    let outcome = Run::new(program(code)).policy(&rules).go();
    assert_eq!(outcome.code(), 0, "{code}\n{}", outcome.story());
    outcome
}

#[test]
fn hostile_bytes_in_a_command_are_one_line_that_says_them() {
    for (text, seen) in TEXTS {
        let outcome = defended(&format!(
            r#"char *words[] = {{"true", "{text}", NULL}}; return execve("/bin/true", words, environ) != -1"#
        ));
        let audit = outcome.audit();
        let command = audit.command.expect("command");
        assert!(command.contains(seen), "{text}: {command:?}");
    }
}

/// A run in whose folder no file may be made.
fn in_folder(code: &str) -> (Run, String) {
    let run = Run::new(program(code));
    let folder = std::fs::canonicalize(run.folder()).expect("folder");
    let folder = folder.display().to_string();
    let rules =
        policy(json!({ "filesystem": { "effect": "prevent", "deny": [format!("{folder}/**")] } }));
    (run.policy(&rules), folder)
}

#[test]
fn hostile_bytes_in_the_path_of_a_file_are_one_line_that_says_them() {
    for (text, seen) in TEXTS.iter().filter(|(text, _)| !text.contains('/')) {
        let (run, folder) = in_folder(&format!(
            r#"return open("{text}", O_RDWR | O_CREAT, 0600) != -1"#
        ));
        let outcome = run.go();
        assert_eq!(outcome.code(), 0, "{text}: {}", outcome.story());
        let path = outcome.audit().path.expect("path");
        assert_eq!(path, format!("{folder}/{seen}"), "{text}");
    }
}

#[test]
fn hostile_bytes_in_a_name_are_one_line() {
    for (text, _) in TEXTS {
        let outcome = defended(&format!(
            r#"struct addrinfo *found; return getaddrinfo("{text}.test", NULL, NULL, &found) == 0"#
        ));
        assert_eq!(outcome.audits().len(), 1, "{text}: {}", outcome.story());
    }
}

#[test]
fn hostile_bytes_in_the_environment_are_one_line() {
    for bytes in [
        b"a\nb\x1b[2J".as_slice(),
        b"\xff\xfe",
        b"\"}\\",
        b"\xe2\x80\xae",
    ] {
        let outcome = run("prevent", "return act()")
            .env("AWS_LAMBDA_FUNCTION_NAME", OsStr::from_bytes(bytes))
            .env("AWS_REGION", OsStr::from_bytes(bytes))
            .go();
        let audit = outcome.audit();
        let seen = String::from_utf8_lossy(bytes);
        assert_eq!((&*audit.function, &*audit.region), (&*seen, &*seen));
    }
}

#[test]
fn a_program_with_a_hostile_name_is_one_line() {
    for bytes in [b"a\nb".as_slice(), b"\x1b[2J", b"\xff\xfe", b"\"\\"] {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(OsStr::from_bytes(bytes));
        std::fs::copy(program("return act()"), &path).expect("program");
        let run = Run::new(&path).file("secret", "secret");
        let rules = crate::denied("prevent", &run);
        let outcome = run.policy(&rules).go();
        let seen = String::from_utf8_lossy(bytes);
        assert!(
            outcome.audit().process.ends_with(&*seen),
            "{}",
            outcome.story()
        );
    }
}

#[test]
fn an_argument_of_a_mebibyte_is_one_short_line() {
    for fill in [r#"x"#, r#"\n"#, r#"\xff"#, r#"\""#, r#"\xf0"#] {
        let outcome = defended(&format!(
            r#"char *large = malloc((1 << 20) + 1), *words[] = {{"true", large, "end", NULL}};
               memset(large, "{fill}"[0], 1 << 20); large[1 << 20] = 0;
               return execve("/bin/true", words, environ) != -1"#
        ));
        let audit = outcome.audit();
        assert_eq!(audit.truncated, ["command"], "{fill}");
        assert!(
            audit.command.is_some_and(|command| command.ends_with('…')),
            "{fill}"
        );
    }
}

#[test]
fn everything_hostile_and_long_at_once_is_one_short_line() {
    let long = "\u{1b}\"\\\n".repeat(2000);
    let code = r#"char name[256]; memset(name, '\n', 255); name[255] = 0; return open(name, O_RDWR | O_CREAT, 0600) != -1"#;
    let outcome = in_folder(code)
        .0
        .env("AWS_LAMBDA_FUNCTION_NAME", &long)
        .env("AWS_REGION", &long)
        .go();
    assert_eq!(outcome.code(), 0, "{}", outcome.story());
    assert!(!outcome.audit().truncated.is_empty());
}

#[test]
fn lines_of_many_processes_never_mix() {
    let code = r#"for (int i = 0; i < 20; i++) if (fork() == 0) { char *large = malloc(9000), *words[] = {"x", large, NULL};
            memset(large, 'a' + i, 8999); large[8999] = 0; for (int j = 0; j < 50; j++) execve("/bin/true", words, environ); _exit(0); }
        while (wait(NULL) > 0) {}"#;
    let outcome = defended(code);
    let audits = outcome.audits();
    assert_eq!(audits.len(), 1000);
    for audit in audits {
        let command = audit.command.expect("command");
        let mut letters = command.chars().skip(2);
        let first = letters.next().expect("letter");
        assert!(
            letters.all(|letter| letter == first || letter == '…'),
            "{command}"
        );
    }
}

#[test]
fn the_control_without_the_library_is_let_through() {
    let source = "#include <fcntl.h>\nint main(void) { return open(\"secret\", O_RDONLY) < 0; }";
    let outcome = Run::new(compile(source, &[]))
        .file("secret", "")
        .without_library()
        .go();
    assert_eq!(outcome.code(), 0);
}
