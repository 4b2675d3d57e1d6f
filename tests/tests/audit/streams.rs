//! Descriptors that are closed, replaced, or read by nobody.

use std::fs;
use std::process::Stdio;

use palisade_tests::{Log, records};

use crate::run;
use crate::ways::{KINDS, Kind, wait};

/// A run whose destination is the stream, or what the library takes by itself.
fn to(destination: &str, effect: &str, code: &str) -> palisade_tests::Run {
    run(effect, code)
        .log(Log::Unset)
        .env("PALISADE_AUDIT", destination)
}

#[test]
fn descriptors_that_are_closed_at_the_start_stay_the_programs_in_every_subset() {
    let code = r#"int denied = act(), fds[3] = {create("a"), create("b"), create("c")}; denied |= act() << 1;
        for (int i = 0; i < 3; i++) if (write(fds[i], "theirs", 6) != 6) abort();
        char text[99]; sprintf(text, "%d %d %d, %d", fds[0], fds[1], fds[2], denied); tell("told", text)"#;
    for destination in ["", "stdout", "stderr"] {
        for effect in ["prevent", "alert"] {
            for subset in 0..8 {
                let closed: String = (0..3)
                    .filter(|fd| subset & 1 << fd != 0)
                    .map(|fd| format!(" {fd}>&-"))
                    .collect();
                let make = || {
                    to(destination, effect, code).under([
                        "/bin/sh",
                        "-c",
                        &format!("exec \"$@\"{closed}"),
                        "sh",
                    ])
                };
                let (ours, natural) = (make().go(), make().without_library().go());
                let read = |outcome: &palisade_tests::Outcome, name: &str| {
                    fs::read_to_string(outcome.folder.path().join(name)).unwrap_or_default()
                };
                let case = format!("to {destination:?}, {effect}, closed:{closed}");
                assert_eq!(ours.code(), 0, "{case}: {}", ours.story());
                for name in ["a", "b", "c"] {
                    assert_eq!(read(&ours, name), "theirs", "{case}");
                }
                let denied = if effect == "prevent" { 0 } else { 3 };
                let expected = read(&natural, "told").replace(", 3", &format!(", {denied}"));
                assert!(!expected.is_empty(), "{case}: the control");
                assert_eq!(read(&ours, "told"), expected, "{case}");
                let lines = records(&[&*ours.stdout, &*ours.stderr].concat()).len();
                assert_eq!(
                    lines,
                    if subset & 6 == 6 { 0 } else { 2 },
                    "{case}: {}",
                    ours.story()
                );
            }
        }
    }
}

#[test]
fn not_a_byte_of_ours_is_in_what_takes_the_place_of_the_log() {
    for (what, replacement) in [
        (
            "a file",
            r#"int pipes[2] = {-1, -1}; int other = create("other")"#,
        ),
        (
            "a pipe",
            r#"int pipes[2]; pipe(pipes); int other = pipes[1]"#,
        ),
        (
            "a socket",
            r#"int pipes[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, pipes); int other = pipes[1]"#,
        ),
    ] {
        for effect in ["prevent", "alert"] {
            for both in [false, true] {
                let code = format!(
                    r#"{replacement}; int kept = fcntl(1, F_DUPFD_CLOEXEC, 20); dup2(other, 1); if ({both}) {{ dup2(other, 2); }} act();
                       if (fork() == 0) {{ act(); _exit(0); }} wait(NULL);
                       if (fork() == 0) {{ close(kept); act(); _exit(0); }} wait(NULL);
                       puts("theirs"); fflush(stdout); close(1); if ({both}) close(2); close(other); char bytes[9000]; ssize_t size = 0;
                       if ({is_file}) {{ int again = open("other", O_RDONLY); size = read(again, bytes, sizeof bytes); }}
                       else size = read(pipes[0], bytes, sizeof bytes);
                       bytes[size] = 0; tell("told", bytes)"#,
                    is_file = i32::from(what == "a file"),
                    both = i32::from(both),
                );
                let outcome = to("stdout", effect, &code).go();
                let told =
                    fs::read_to_string(outcome.folder.path().join("told")).unwrap_or_default();
                assert_eq!(told, "theirs\n", "{what}, {effect}: {}", outcome.story());
                let lines = records(&outcome.stdout).len();
                let others = records(&outcome.stderr).len();
                assert!(lines >= 2, "{what}, {effect}: {}", outcome.story());
                assert!(
                    both || lines + others == 3,
                    "{what}, {effect}: {}",
                    outcome.story()
                );
            }
        }
    }
}

#[test]
fn a_log_that_is_gone_for_good_leaves_its_lines_to_the_other_stream() {
    for effect in ["prevent", "alert"] {
        let code = r#"int other = create("other"); dup2(other, 1); act(); puts("theirs")"#;
        let outcome = to("stdout", effect, code).go();
        let other = fs::read_to_string(outcome.folder.path().join("other")).expect("other");
        assert_eq!((&*other, outcome.stdout.len()), ("theirs\n", 0));
        assert_eq!(records(&outcome.stderr).len(), 1, "{}", outcome.story());
    }
}

#[test]
fn a_reader_that_is_gone_sends_no_signal() {
    let code = r#"sigset_t pending; signal(SIGPIPE, SIG_DFL); for (int i = 0; i < 10; i++) act();
        if (fork() == 0) { act(); _exit(0); } int status; wait(&status);
        sigpending(&pending); usleep(20000); tell("told", status || sigismember(&pending, SIGPIPE) ? "signalled" : "alive")"#;
    for effect in ["prevent", "alert"] {
        for kind in [Kind::Pipe, Kind::Socket] {
            let run = to("stdout", effect, code);
            let (out, err): (Stdio, Stdio) = match kind {
                Kind::Pipe => (
                    std::io::pipe().expect("pipe").1.into(),
                    std::io::pipe().expect("pipe").1.into(),
                ),
                _ => {
                    let end = || std::os::unix::net::UnixStream::pair().expect("pair").1;
                    (
                        std::os::fd::OwnedFd::from(end()).into(),
                        std::os::fd::OwnedFd::from(end()).into(),
                    )
                }
            };
            let mut command = run.command();
            command.stdin(Stdio::null()).stdout(out).stderr(err);
            let status = wait(command);
            let told = fs::read_to_string(run.folder().join("told")).unwrap_or_default();
            assert_eq!(
                (status.code(), &*told),
                (Some(0), "alive"),
                "{effect} {kind:?} {status}"
            );
        }
    }
}

#[test]
fn a_pending_signal_of_the_programs_own_stays_pending() {
    let code = r#"sigset_t set, pending; sigemptyset(&set); sigaddset(&set, SIGPIPE); sigprocmask(SIG_BLOCK, &set, NULL); raise(SIGPIPE);
        act(); sigpending(&pending); tell("told", sigismember(&pending, SIGPIPE) ? "pending" : "taken")"#;
    let run = to("stdout", "prevent", code);
    let mut command = run.command();
    command
        .stdin(Stdio::null())
        .stdout(std::io::pipe().expect("pipe").1)
        .stderr(std::io::pipe().expect("pipe").1);
    assert!(wait(command).success());
    assert_eq!(
        fs::read_to_string(run.folder().join("told")).expect("told"),
        "pending"
    );
}

#[test]
fn the_setting_says_which_stream() {
    for (name, value, is_stdout) in [
        ("PALISADE_AUDIT", "stdout", true),
        ("PALISADE_AUDIT", "stderr", false),
        ("PALISADE_AUDIT", "", false),
        ("AWS_LAMBDA_FUNCTION_NAME", "pay-invoice", true),
        ("AWS_REGION", "eu-west-1", false),
    ] {
        for effect in ["prevent", "alert"] {
            let outcome = run(effect, "act()").log(Log::Unset).env(name, value).go();
            let lines = (
                records(&outcome.stdout).len(),
                records(&outcome.stderr).len(),
            );
            assert_eq!(
                lines,
                if is_stdout { (1, 0) } else { (0, 1) },
                "{name}={value} {effect}: {}",
                outcome.story()
            );
        }
    }
}

#[test]
fn a_file_is_appended_to_and_kept_open_by_nobody() {
    let code = r#"act(); char text[9]; sprintf(text, "%d", create("next")); tell("told", text); act(); if (fork() == 0) { act(); _exit(0); } wait(NULL)"#;
    for effect in ["prevent", "alert"] {
        let outcome = run(effect, code)
            .file("audit.jsonl", "{\"palisade\":1}\n")
            .go();
        assert_eq!(outcome.audits().len(), 4, "{}", outcome.story());
        assert!(
            outcome.stdout.is_empty() && outcome.stderr.is_empty(),
            "{}",
            outcome.story()
        );
        let told = fs::read_to_string(outcome.folder.path().join("told")).expect("told");
        assert_eq!(told, "3", "the program's own descriptors: {effect}");
    }
}

#[test]
fn descriptors_have_the_numbers_that_they_have_without_us_while_alerts_are_written() {
    let code = r#"int odd = 0, expected = open("/dev/null", O_RDONLY); close(expected);
        for (int i = 0; i < 20000; i++) { int fd = open(i % 8 ? "/dev/null" : "secret", O_RDONLY); odd += fd != expected; close(fd); }
        char line[32]; snprintf(line, sizeof line, "%d odd\n", odd); tell("told", line)"#;
    // A file, which is opened for each line, and streams that take none, so that every other way is tried.
    for (destination, ends) in [
        (None, ""),
        (Some("stderr"), "2>/dev/full"),
        (Some("stderr"), "2>&- >/dev/full"),
    ] {
        let script = format!("exec \"$@\" {ends}");
        let run = destination.map_or_else(|| run("alert", code), |name| to(name, "alert", code));
        let outcome = run.under(["sh", "-c", &script, "sh"]).go();
        assert_eq!(
            fs::read_to_string(outcome.folder.path().join("told"))
                .ok()
                .as_deref(),
            Some("0 odd\n"),
            "{destination:?} {ends} {}",
            outcome.story()
        );
    }
}

#[test]
fn no_line_is_written_over_what_the_program_writes_to_its_log() {
    let code = r#"for (int i = 0; i < 50; i++) { dprintf(1, "theirs %d\n", i); act(); if (fork() == 0) { dprintf(1, "child %d\n", i); act(); _exit(0); } wait(NULL); }"#;
    for kind in KINDS {
        for effect in ["prevent", "alert"] {
            let run = to("stdout", effect, code);
            let (log, reader) = kind.open(run.folder());
            let mut command = run.command();
            command
                .stdin(Stdio::null())
                .stdout(log)
                .stderr(Stdio::null());
            assert!(wait(command).success(), "{kind:?}");
            let text = reader.text();
            let (ours, theirs): (Vec<&str>, Vec<&str>) = text
                .split_inclusive('\n')
                .partition(|line| line.starts_with('{'));
            assert_eq!(
                records(ours.concat().as_bytes()).len(),
                100,
                "{kind:?} {effect}: {text}"
            );
            let expected: Vec<String> = (0..50)
                .flat_map(|i| [format!("theirs {i}\n"), format!("child {i}\n")])
                .collect();
            assert_eq!(theirs, expected, "{kind:?} {effect}");
        }
    }
}
