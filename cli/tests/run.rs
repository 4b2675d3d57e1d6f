//! `palisade run`: what the wrapper and the library are given, and what becomes of the program.
//!
//! The library here is a stand-in that says what it found in the constructor; that the real one defends is asked in `tests/`.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

use common::{Folder, done, palisade};

const POLICY: &str =
    r#"{"version": 1, "rules": [{"dns": {"effect": "prevent", "allow": ["example.com"]}}]}"#;

/// A folder with a policy and a library that tells what it was given.
fn prepared() -> (Folder, PathBuf) {
    let folder = Folder::new();
    folder.file("policy.json", POLICY);
    let source = folder.file(
        "stand-in.c",
        r#"#include <stdio.h>
           #include <stdlib.h>
           #include <unistd.h>
           static const char *names[] = {"PALISADE_POLICY", "PALISADE_POLICY_FILE", "PALISADE_AUDIT", "PALISADE_ON_ERROR"};
           __attribute__((constructor)) static void tell(void) {
               if (getenv("PALISADE_PROBE")) _exit(99); /* the wrapper asks whether the library can be loaded */
               const char *path = getenv("STAND_IN");
               FILE *file = path ? fopen(path, "a") : NULL;
               if (!file) return;
               for (int i = 0; i < 4; i++) fprintf(file, "%s=%s\n", names[i], getenv(names[i]) ? getenv(names[i]) : "(none)");
               fclose(file);
           }"#,
    );
    let library = folder.path().join("libpalisade.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .expect("a C compiler");
    assert!(compiled.success());
    (folder, library)
}

fn run(folder: &Folder, library: &PathBuf, arguments: &[&str]) -> Command {
    let mut command = palisade(["run", "--library"]);
    command
        .arg(library)
        .args(arguments)
        .env("STAND_IN", folder.path().join("told"))
        .current_dir(folder.path());
    command
}

fn told(folder: &Folder) -> String {
    std::fs::read_to_string(folder.path().join("told")).unwrap_or_default()
}

#[test]
fn the_program_runs_with_the_library_and_its_settings() {
    let (folder, library) = prepared();
    let result = done(
        run(
            &folder,
            &library,
            &[
                "--policy",
                "policy.json",
                "--audit",
                "file:audit.log",
                "--on-error",
                "open",
            ],
        )
        .args(["--", "/bin/echo", "a b", "", "c\nd", "--policy"])
        .env("PALISADE_POLICY", "{}"),
    );
    assert_eq!(result.code, Some(0), "{result:?}");
    assert_eq!(result.out, "a b  c\nd --policy\n");
    let told = told(&folder);
    let here = folder.path().display();
    for line in [
        "PALISADE_POLICY=(none)".to_owned(), // it would be looked at first
        format!("PALISADE_POLICY_FILE={here}/policy.json"),
        format!("PALISADE_AUDIT=file:{here}/audit.log"),
        "PALISADE_ON_ERROR=open".to_owned(),
    ] {
        assert!(
            told.lines().any(|found| found == line),
            "{line:?} is not in\n{told}"
        );
    }
}

#[test]
fn without_options_the_function_finds_its_own_settings() {
    let (folder, library) = prepared();
    let result = done(
        run(&folder, &library, &["true"])
            .env("PALISADE_POLICY", POLICY)
            .env("PALISADE_AUDIT", "stdout"),
    );
    assert_eq!(result.code, Some(0), "{result:?}");
    let told = told(&folder);
    assert!(
        told.contains(&format!("PALISADE_POLICY={POLICY}\n")),
        "{told}"
    );
    assert!(told.contains("PALISADE_AUDIT=stdout\n"), "{told}");
}

#[test]
fn exit_codes_and_signals_are_those_of_the_program() {
    let (folder, library) = prepared();
    let code = done(&mut run(&folder, &library, &["--", "sh", "-c", "exit 7"]));
    assert_eq!(code.code, Some(7), "{code:?}");
    let status = run(&folder, &library, &["--", "sh", "-c", "kill -TERM $$"])
        .status()
        .expect("it runs");
    assert_eq!(status.signal(), Some(15));
}

#[test]
fn the_program_keeps_the_process_id() {
    let (folder, library) = prepared();
    let mut child = run(&folder, &library, &["--", "sh", "-c", "echo $$"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    let id = child.id();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().expect("a pipe"), &mut text)
        .expect("it writes");
    child.wait().expect("it ends");
    assert_eq!(text.trim(), id.to_string());
}

#[test]
fn a_command_that_cannot_run_has_the_codes_of_a_shell() {
    let (folder, library) = prepared();
    let plain = folder.file("plain", "#!/bin/sh\n");
    for (command, code) in [
        ("no-such-program-anywhere", 127),
        ("/no/such/program", 127),
        ("", 127),
        (plain.to_str().expect("UTF-8"), 126),
        ("/tmp", 126),
        ("plain", 126),
    ] {
        let path = format!("/usr/bin:/bin:{}", folder.path().display());
        let result = done(run(&folder, &library, &["--", command]).env("PATH", path));
        assert_eq!(result.code, Some(code), "{command:?} {result:?}");
        assert!(result.err.starts_with("error: "), "{}", result.err);
    }
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    assert_eq!(
        done(&mut run(&folder, &library, &["./plain"])).code,
        Some(0)
    );
}

#[test]
fn an_option_that_is_not_there_is_not_taken_for_the_command() {
    let (folder, library) = prepared();
    for option in ["--function", "--polic", "-p"] {
        let result = done(&mut run(
            &folder,
            &library,
            &[option, "x", "--", "echo", "ran"],
        ));
        assert_eq!(
            (result.code, result.out.as_str()),
            (Some(2), ""),
            "{option}"
        );
        let named = format!("unexpected argument '{option}'");
        assert!(result.err.contains(&named), "{}", result.err);
    }
    for arguments in [
        &["echo", "--version", "-x", "--", "y"][..],
        &["--", "echo", "--version", "-x", "--", "y"],
        &["--audit", "stderr", "echo", "--version", "-x", "--", "y"],
    ] {
        let result = done(&mut run(&folder, &library, arguments));
        assert_eq!(
            result.out, "--version -x -- y\n",
            "{arguments:?} {}",
            result.err
        );
    }
}

#[test]
fn a_policy_with_mistakes_stops_the_start_and_names_them_all() {
    let (folder, library) = prepared();
    folder.file(
        "bad.json",
        r#"{"version": 1, "rules": [{"dns": {"effect": "no"}, "network": {"effect": "prevent", "outbound": {"allow": ["1.2.3"]}}}]}"#,
    );
    let result = done(&mut run(
        &folder,
        &library,
        &["--policy", "bad.json", "echo", "ran"],
    ));
    assert_eq!((result.code, result.out.as_str()), (Some(78), ""));
    assert!(result.err.contains("rules[0].dns.effect"), "{}", result.err);
    assert!(
        result.err.contains("rules[0].network.outbound.allow[0]"),
        "{}",
        result.err
    );
    assert_eq!(told(&folder), "");

    let open = done(&mut run(
        &folder,
        &library,
        &["--policy", "bad.json", "--on-error", "open", "echo", "ran"],
    ));
    assert_eq!(
        (open.code, open.out.as_str()),
        (Some(0), "ran\n"),
        "{open:?}"
    );
    assert!(open.err.contains("undefended"), "{}", open.err);

    let unreadable = done(&mut run(
        &folder,
        &library,
        &["--policy", "nowhere.json", "echo", "ran"],
    ));
    assert_eq!((unreadable.code, unreadable.out.as_str()), (Some(66), ""));
}

#[test]
fn a_file_that_the_library_would_not_take_is_not_taken() {
    use base64::Engine;
    let (folder, library) = prepared();
    folder.file(
        "encoded",
        base64::engine::general_purpose::STANDARD.encode(POLICY),
    );
    let result = done(&mut run(
        &folder,
        &library,
        &["--policy", "encoded", "echo", "ran"],
    ));
    assert_eq!((result.code, result.out.as_str()), (Some(78), ""));
}

#[test]
fn a_script_that_turns_into_a_second_program_is_told_apart() {
    let (folder, library) = prepared();
    for (first, warned) in [("#!/usr/bin/env sh", true), ("#!/bin/sh", false)] {
        let script = folder.file("script", format!("{first}\necho ran\n"));
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        let result = done(&mut run(&folder, &library, &["./script"]));
        assert_eq!((result.code, result.out.as_str()), (Some(0), "ran\n"));
        assert_eq!(result.err.contains("main_only"), warned, "{}", result.err);
    }
}

#[test]
fn a_missing_library_is_told_with_what_to_do() {
    let (folder, _) = prepared();
    let nowhere = folder.path().join("nowhere.so");
    let result = done(&mut run(&folder, &nowhere, &["echo", "ran"]));
    assert_eq!((result.code, result.out.as_str()), (Some(78), ""));
    assert!(
        result.err.contains("nowhere.so") && result.err.contains("make build"),
        "{}",
        result.err
    );
}

#[test]
fn the_library_is_found_beside_the_program_and_in_its_folder() {
    let (folder, library) = prepared();
    let own = folder.path().join("palisade-copy");
    std::fs::copy(env!("CARGO_BIN_EXE_palisade"), &own).expect("a copy");
    let start = || {
        let mut command = Command::new(&own);
        command
            .args(["run", "--policy", "policy.json", "true"])
            .env_remove("PALISADE_LIBRARY")
            .env("STAND_IN", folder.path().join("told"))
            .current_dir(folder.path());
        done(&mut command)
    };
    assert_eq!(start().code, Some(0));
    assert_ne!(told(&folder), "");

    std::fs::remove_file(folder.path().join("told")).expect("it was told");
    std::fs::create_dir(folder.path().join("palisade")).expect("a folder");
    std::fs::rename(&library, folder.path().join("palisade/libpalisade.so")).expect("a move");
    assert_eq!(start().code, Some(0));
    assert_ne!(told(&folder), "");
}

#[test]
fn wrong_usage_starts_nothing() {
    let (folder, library) = prepared();
    for arguments in [
        &[][..],
        &["--audit", "syslog", "true"],
        &["--audit", "file:", "true"],
        &["--on-error", "maybe", "true"],
        &["--policy", "-", "true"],
    ] {
        let result = done(&mut run(&folder, &library, arguments));
        assert_eq!(result.code, Some(2), "{arguments:?} {result:?}");
    }
    assert_eq!(told(&folder), "");
}
