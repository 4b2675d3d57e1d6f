//! What cannot be read, cannot be written or is not what it should be: a clear line, a documented exit code, and nothing half-written.

mod common;
#[path = "common/samples.rs"]
mod samples;

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use common::{Done, Folder, done, palisade};
use samples::{Speaker, learnt};

const PAY: Speaker = Speaker::PAY;

const POLICY: &str = r#"{"version": 1, "rules": [{"name": "x", "dns": {"effect": "prevent", "allow": ["a.example"]}}]}"#;

fn utf16(text: &str, mark: bool) -> Vec<u8> {
    let mark: &[u8] = if mark { &[0xff, 0xfe] } else { &[] };
    let bytes = text.encode_utf16().flat_map(u16::to_le_bytes);
    mark.iter().copied().chain(bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("gzip");
    packed.finish().expect("gzip")
}

/// Logs and policies, good and bad.
fn folder() -> Folder {
    let folder = Folder::new();
    let log: String = (0..200)
        .map(|number| learnt(&PAY.alerts().resolve(&format!("n{number}.example"))))
        .collect();
    folder.file("log", &log);
    folder.file("policy.json", POLICY);
    folder.file(
        "later.json",
        POLICY.replace("\"version\": 1", "\"version\": 2"),
    );
    folder.file("cut.json", &POLICY[..60]);
    folder.file("wide.json", utf16(POLICY, true));
    folder.file("narrow.json", utf16(POLICY, false));
    folder.file("marked.json", format!("\u{feff}{POLICY}"));
    folder.file("wide", utf16(&log, true));
    folder.file("bare", utf16(&log, false));
    let packed = gzip(log.as_bytes());
    folder.file("cut.gz", &packed[..packed.len() / 2]);
    let mut damaged = packed;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    folder.file("damaged.gz", damaged);
    folder.file("latin", b"\xfc\xe4\xf6 caf\xe9\n".repeat(10));
    folder.file("empty", "");
    folder
}

/// The exit codes that the help of a command names.
fn documented(command: &str) -> Vec<i32> {
    let help = done(&mut palisade([command, "--help"])).out;
    let (_, codes) = help.split_once("Exit codes").expect("exit codes");
    codes
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next()?.parse().ok())
        .collect()
}

#[track_caller]
fn expect(words: &[&str], folder: &Folder, code: i32, says: &str) -> Done {
    let before = common::names_in(folder.path());
    let result = done(palisade(words).current_dir(folder.path()));
    assert_eq!(result.code, Some(code), "{words:?} {result:?}");
    assert!(
        documented(words[0]).contains(&code),
        "{words:?}: {code} is not in the help"
    );
    assert!(
        result.err.contains(says),
        "{words:?}: {says:?} is not in {}",
        result.err
    );
    assert!(!result.err.contains("panicked"), "{words:?} {result:?}");
    if code > 3 {
        assert_eq!(
            common::names_in(folder.path()),
            before,
            "{words:?} left something behind"
        );
    }
    result
}

#[test]
fn logs_that_are_none_are_told_by_every_command_that_reads_logs() {
    let folder = folder();
    for reads in [
        &["audits"][..],
        &["audits", "--json"],
        &["audits", "--summary"],
        &["audits", "--to", "ecs"],
        &["learn"],
        &["learn", "-o", "new"],
        &["report", "-o", "report.html"],
        &["diff", "policy.json", "policy.json", "--replay"],
    ] {
        for (log, code, says) in [
            ("absent", 66, "cannot read absent"),
            (".", 66, "cannot read ."),
            ("wide", 65, "wide is UTF-16"),
            ("bare", 65, "bare is UTF-16"),
            ("cut.gz", 65, "cut.gz: its gzip is cut or damaged"),
            ("damaged.gz", 65, "damaged.gz: its gzip is cut or damaged"),
        ] {
            expect(&[reads, &[log]].concat(), &folder, code, says);
        }
        // No failure, but said: other encodings of letters are other people's lines, and nothing is nothing.
        for log in ["latin", "empty", "policy.json"] {
            let code = i32::from(reads[0] == "learn");
            let _ = std::fs::remove_file(folder.path().join("report.html"));
            expect(&[reads, &[log]].concat(), &folder, code, "no audits in");
            let _ = std::fs::remove_file(folder.path().join("report.html"));
        }
    }
}

#[test]
fn policies_that_are_none_are_told_by_every_command_that_reads_policies() {
    let folder = folder();
    for (reads, code) in [
        (&["check"][..], 1),
        (&["explain", "listen", "1", "--policy"], 78),
        (&["diff", "policy.json"], 78),
        (&["learn", "log", "--baseline"], 78),
        (&["learn", "log", "--merge"], 78),
        (&["report", "log", "-o", "report.html", "--policy"], 78),
    ] {
        for (policy, code, says) in [
            ("absent", 66, "cannot read absent"),
            (".", 66, "cannot read ."),
            (
                "later.json",
                code,
                "this version of the format is not known",
            ),
            ("cut.json", code, "cut.json:1:"),
            ("wide.json", code, "`iconv -f UTF-16 -t UTF-8` makes it so"),
            (
                "narrow.json",
                code,
                "`iconv -f UTF-16 -t UTF-8` makes it so",
            ),
            ("empty", code, "empty"),
            ("log", code, "log:"),
        ] {
            let result = expect(&[reads, &[policy]].concat(), &folder, code, says);
            assert_eq!(result.out, "", "{reads:?} {policy}");
        }
    }
}

#[test]
fn a_byte_order_mark_before_a_policy_is_nothing() {
    let folder = folder();
    for words in [
        &["check", "marked.json"][..],
        &["explain", "--policy", "marked.json", "resolve", "a.example"],
        &["diff", "policy.json", "marked.json", "--exit-code"],
        &["learn", "log", "--baseline", "marked.json"],
        &["learn", "log", "--merge", "marked.json"],
        &[
            "report",
            "log",
            "-o",
            "of-marked.html",
            "--policy",
            "marked.json",
        ],
    ] {
        let result = done(palisade(words).current_dir(folder.path()));
        assert_eq!(result.code, Some(0), "{words:?} {result:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure_and_a_reader_who_has_gone_is_none() {
    let folder = folder();
    folder.file("shield.json", r#"{"read_write_tmp": "block"}"#);
    for words in [
        &["audits", "log"][..],
        &["audits", "--json", "log"],
        &["audits", "--summary", "log"],
        &["audits", "--to", "ocsf", "log"],
        &["learn", "log"],
        &["check", "policy.json"],
        &["explain", "listen", "1"],
        &["diff", "policy.json", "policy.json"],
        &["new", "--template", "strict"],
        &["completions", "bash"],
        &["import", "functionshield", "shield.json"],
        &["doctor"],
    ] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let output = palisade(words)
            .current_dir(folder.path())
            .stdout(full)
            .output()
            .expect("it runs");
        let result = Done::from(output);
        assert_eq!(result.code, Some(74), "{words:?} {result:?}");
        assert!(
            result.err.contains("cannot write the output"),
            "{words:?} {result:?}"
        );
        assert!(documented(words[0]).contains(&74), "{words:?}");

        let mut child = palisade(words)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        drop(child.stdout.take());
        let mut told = String::new();
        child
            .stderr
            .take()
            .expect("a pipe")
            .read_to_string(&mut told)
            .expect("text");
        let code = child.wait().expect("it ends").code();
        assert!(matches!(code, Some(0 | 1)), "{words:?} {code:?} {told}");
        assert!(!told.contains("cannot write"), "{words:?} {told}");
    }
}

/// As root it is easily done: `-o /dev/stdout` must not make a file of the device.
#[test]
fn what_is_no_file_is_written_to_and_a_link_stays_a_link() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo")
            .success()
    );
    let mut reader = Command::new("cat")
        .arg(&pipe)
        .stdout(Stdio::piped())
        .spawn()
        .expect("cat");
    let result = done(palisade(["report", "log", "-o", "pipe"]).current_dir(folder.path()));
    assert_eq!(result.code, Some(0), "{result:?}");
    let kind = std::fs::symlink_metadata(&pipe)
        .expect("the pipe")
        .file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&kind), "{kind:?}");
    let mut page = String::new();
    reader
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut page)
        .expect("text");
    assert!(page.starts_with("<!doctype html>"));
    reader.wait().expect("it ends");

    folder.file("real.html", "old");
    std::os::unix::fs::symlink("real.html", folder.path().join("link.html")).expect("a link");
    let result = done(palisade(["report", "log", "-o", "link.html"]).current_dir(folder.path()));
    assert_eq!(result.code, Some(0), "{result:?}");
    assert!(
        std::fs::symlink_metadata(folder.path().join("link.html"))
            .expect("a link")
            .is_symlink()
    );
    let real = std::fs::read_to_string(folder.path().join("real.html")).expect("a page");
    assert!(real.starts_with("<!doctype html>"));
}

#[test]
fn where_nothing_can_be_written_what_was_there_stays() {
    let folder = folder();
    folder.file("file", "mine");
    for words in [
        &["report", "log", "-o", "file/report.html"][..],
        &["report", "log", "-o", "/proc/nobody/report.html"],
        &["learn", "log", "-o", "file"],
        &["man", "file"],
        &["new", "--template", "strict", "-o", "file"],
        &["new", "--template", "strict", "-o", "absent/policy.json"],
    ] {
        expect(words, &folder, 73, "cannot write");
    }
    assert_eq!(
        std::fs::read_to_string(folder.path().join("file")).expect("a file"),
        "mine"
    );
}

/// Who ends a command in the middle finds the old page, whole, and no other.
#[test]
fn a_command_that_is_interrupted_leaves_nothing_half_written() {
    let folder = folder();
    folder.file("report.html", "the old one");
    let before = common::names_in(folder.path());
    // Who starts the tests in the background of a shell ignores interrupts, and so would this.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_palisade")]);
    let mut child = command
        .args(["report", "-", "-o", "report.html"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("a pipe");
    let log = PAY.resolve("yahoo.com").repeat(5000);
    input.write_all(log.as_bytes()).expect("it reads");
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupted.expect("kill").success());
    let status = child.wait().expect("it ends");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(2)
    );
    assert_eq!(common::names_in(folder.path()), before);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("report.html")).expect("a page"),
        "the old one"
    );
}

#[test]
fn a_learnt_policy_is_never_beside_reasons_that_are_not_its_own() {
    let folder = folder();
    let out = folder.path().join("out");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("a file");
    let learn = |limit: &str| {
        // Blocks of 512 bytes; what would be longer fails as on a disk that is full.
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" learn -o out log");
        let mut shell = Command::new("dash");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_palisade")]);
        done(shell.current_dir(folder.path()))
    };
    assert_eq!(learn("unlimited").code, Some(0));
    let (policy, reasons) = ("pay-invoice.json", "pay-invoice.reasons.json");
    let (length, whole) = (read(policy).len(), read(reasons).len());
    assert!(length * 3 < whole, "{length} {whole}");
    std::fs::write(out.join(policy), "the old policy").expect("a file");
    std::fs::write(out.join(reasons), "{}").expect("a file");
    let names = common::names_in(&out);
    // Neither fits, and only the reasons do not.
    for blocks in [1, length / 512 + 2] {
        let result = learn(&blocks.to_string());
        assert_eq!(result.code, Some(73), "{blocks}: {result:?}");
        assert_eq!(read(policy), "the old policy", "{blocks}");
        assert_eq!(read(reasons), "{}", "{blocks}");
        assert_eq!(common::names_in(&out), names, "{blocks}");
    }
    // Only the policy cannot be written.
    std::fs::remove_file(out.join(policy)).expect("it is there");
    std::fs::create_dir(out.join(policy)).expect("a folder");
    let result = learn("unlimited");
    assert_eq!(result.code, Some(73), "{result:?}");
    assert_eq!(read(reasons), "{}");
    assert_eq!(common::names_in(&out), names);
    // One file cannot be both.
    let words = [
        "learn",
        "-o",
        "out",
        "--reasons",
        "out/pay-invoice.json",
        "log",
    ];
    let result = done(palisade(words).current_dir(folder.path()));
    assert_eq!(result.code, Some(2), "{result:?}");
}

/// Each example of each help, as it stands there, in a folder that has what it names.
#[test]
fn the_examples_of_the_help_run_as_they_are_written() {
    let folder = folder();
    let bin = folder.path().join("bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    let log = std::fs::read_to_string(folder.path().join("log")).expect("the log");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_palisade"), bin.join("palisade"))
        .expect("a link");
    for (name, text) in [
        ("aws", "#!/bin/sh\ncat \"$HOME/function.log\"\n"),
        ("git", "#!/bin/sh\ncat \"$HOME/old.json\"\n"),
        (
            "man",
            "#!/bin/sh\ntest -s \"$HOME/.local/share/man/man1/$1.1\"\n",
        ),
    ] {
        let file = folder.file(&format!("bin/{name}"), text);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(file, mode).expect("a script");
    }
    for name in [
        "logs",
        "policies",
        ".local/share/bash-completion/completions",
        ".config/fish/completions",
    ] {
        std::fs::create_dir_all(folder.path().join(name)).expect("a folder");
    }
    for name in ["function.log", "export.json"] {
        folder.file(name, &log);
    }
    for name in ["function.log.gz", "logs/monday.log.gz"] {
        folder.file(name, gzip(log.as_bytes()));
    }
    for name in ["policy.json", "palisade.json", "old.json", "new.json"] {
        folder.file(name, POLICY);
    }
    folder.file(
        "handler.js",
        "FunctionShield.configure({policy: {read_write_tmp: 'block'}})",
    );
    folder.file(
        "serverless-runtime.json",
        r#"{"rules": [{"name": "x", "dns": {"effect": "alert", "blacklist": ["a.b"]}}]}"#,
    );

    let top = done(&mut palisade(["--help"])).out;
    let (_, commands) = top.split_once("Commands:").expect("commands");
    let mut tried = 0;
    let names = commands
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    // A summary goes on in the next line.
    for command in names.filter(|name| !name.is_empty()) {
        if ["help", "run", "doctor"].contains(&command) {
            // `run` needs the library, and `doctor` speaks of the machine; their tests are their own.
            continue;
        }
        let help = done(&mut palisade([command, "--help"])).out;
        let codes = documented(command);
        let (_, examples) = help
            .split_once("Examples:\n")
            .unwrap_or_else(|| panic!("{command} has no examples"));
        for example in examples.lines().map_while(|line| line.strip_prefix("  ")) {
            if example.contains("fpath") {
                continue; // an array of zsh
            }
            if example.contains(" new ") {
                // Who begins has none, and `new` would keep it.
                let _ = std::fs::remove_file(folder.path().join("palisade.json"));
            }
            let output = Command::new("sh")
                .args(["-c", example])
                .current_dir(folder.path())
                .env_clear()
                .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
                .env("HOME", folder.path())
                .env("LINE", PAY.resolve("yahoo.com"))
                .env("PALISADE_POLICY", POLICY)
                .stdin(Stdio::null())
                .output()
                .expect("sh runs");
            let result = Done::from(output);
            let code = result.code.expect("a code");
            assert!(code != 2 && codes.contains(&code), "{example}\n{result:?}");
            assert!(!result.err.contains("error"), "{example}\n{result:?}");
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}
