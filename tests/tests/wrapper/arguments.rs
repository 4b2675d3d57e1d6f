//! The interpreter's command, as it came.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use palisade_tests::{Run, tool};

use crate::place::{Place, SHELLS, is_defended, show, started, stopped};

fn hostile() -> Vec<OsString> {
    let plain = [
        "",
        " ",
        "  a  b  ",
        "\t",
        "\n",
        "a\nb\n",
        "*",
        "?",
        "[a-z]*",
        "/*",
        "~",
        "$HOME",
        "${x}",
        "$(id)",
        "`id`",
        "'",
        "\"",
        "\\",
        "\\\\n",
        "\\c",
        "%s%n",
        "-c",
        "-e",
        "--",
        "-",
        "-n",
        "!",
        "#",
        ";",
        "&",
        "|",
        ">x",
        "{a,b}",
        "A=1",
        "größe",
        "\u{1b}[2J",
        "\u{1}",
    ];
    let mut all: Vec<OsString> = plain.iter().map(OsString::from).collect();
    all.push(OsStr::from_bytes(b"\xff\xfe\x80").to_owned());
    all.push("x".repeat(100_000).into());
    all.push(OsString::new());
    all
}

#[test]
fn every_argument_reaches_the_program_as_it_came() {
    let place = Place::new();
    let mut expected: Vec<u8> = Vec::new();
    for argument in [show().into_os_string()].iter().chain(&hostile()) {
        expected.extend(argument.as_bytes());
        expected.push(0);
    }
    for shell in SHELLS {
        let outcome = place
            .run(shell)
            .arg(show())
            .args(hostile())
            .env("SHOW", "arguments")
            .file("a-file-to-match", "")
            .go();
        assert!(outcome.stdout == expected, "{shell}: {}", outcome.story());
        assert_eq!(outcome.audits().len(), 0, "{}", outcome.story());
    }
}

#[test]
fn a_program_is_found_in_the_path() {
    let place = Place::new();
    for shell in SHELLS {
        let run = place.run(shell).arg("show").env("SHOW", "arguments");
        symlink(show(), run.folder().join("show")).expect("show");
        let path = run.folder().to_owned();
        let outcome = run
            .env("PATH", format!("{}:/usr/bin:/bin", path.display()))
            .go();
        assert_eq!(outcome.stdout, b"show\0", "{shell}: {}", outcome.story());
    }
}

#[test]
fn the_program_has_the_process_id_of_the_wrapper() {
    let place = Place::new();
    for shell in SHELLS {
        let outcome = place.run(shell).arg(show()).go();
        assert!(is_defended(&outcome), "{}", outcome.story());
        assert_eq!(outcome.audit().pid, outcome.id, "{shell}");
    }
}

#[test]
fn without_a_program_the_start_is_stopped() {
    let place = Place::new();
    for shell in SHELLS {
        let line = stopped(&place.run(shell).go());
        assert!(
            line.msg.contains("was given no program to start"),
            "{}",
            line.msg
        );
    }
}

#[test]
fn what_computes_the_children_is_not_taken_from_the_functions_configuration() {
    let place = Place::new();
    for shell in SHELLS {
        let mut run = place
            .run(shell)
            .arg(show())
            .env("SHOW", "environment")
            .env("KEPT", "as it was");
        for name in ["LOG", "CONTEXT", "COMPILED", "MAIN_PROGRAM", "MAIN_PID"] {
            run = run.env(format!("PALISADE_{name}"), "forged");
        }
        let text = run.go().text();
        assert!(!text.contains("forged"), "{shell}: {text}");
        assert!(text.contains("KEPT=as it was\n"), "{shell}: {text}");
    }
}

#[test]
fn the_wrapper_finds_its_library_by_a_relative_name() {
    for shell in SHELLS {
        for (name, at) in [
            ("opt/palisade-wrapper", "opt"),
            ("./palisade-wrapper", "."),
            ("palisade-wrapper", "."),
            ("./opt/../palisade-wrapper", "."),
        ] {
            let run = started(Run::new(tool(shell)).arg(name).arg(show()));
            let place = Place::new();
            fs::create_dir(run.folder().join("opt")).expect("opt");
            fs::copy(
                place.wrapper(),
                run.folder().join(at).join("palisade-wrapper"),
            )
            .expect("wrapper");
            symlink(
                place.root().join("palisade"),
                run.folder().join(at).join("palisade"),
            )
            .expect("palisade");
            let outcome = run.go();
            assert!(is_defended(&outcome), "{shell} {name}: {}", outcome.story());
        }
    }
}

#[test]
fn the_wrapper_runs_by_its_own_first_line() {
    let place = Place::new();
    let outcome = started(Run::new(place.wrapper()).arg(show())).go();
    assert!(is_defended(&outcome), "{}", outcome.story());
}

#[test]
fn a_link_to_the_wrapper_needs_the_library_beside_it_or_named() {
    let (place, other) = (Place::new(), Place::bare());
    fs::remove_file(other.wrapper()).expect("wrapper");
    symlink(place.wrapper(), other.wrapper()).expect("link");
    for shell in SHELLS {
        let line = stopped(&other.run(shell).arg(show()).go());
        let missing = other.library().display().to_string();
        assert!(
            line.msg.contains(&missing) && line.msg.contains("is missing"),
            "{}",
            line.msg
        );
        let named = other
            .run(shell)
            .arg(show())
            .env("PALISADE_LIBRARY", place.library())
            .go();
        assert!(is_defended(&named), "{}", named.story());
    }
    symlink(place.library(), other.library()).expect("link");
    for shell in SHELLS {
        let outcome = other.run(shell).arg(show()).go();
        assert!(is_defended(&outcome), "{}", outcome.story());
    }
}

/// Forks and execs of a good start.
fn subprocesses(shell: &str) {
    for is_open in [false, true] {
        let place = Place::new();
        let trace = place.root().join("trace");
        let run = place.run(shell).arg("/bin/true").under([
            tool("strace").as_os_str(),
            "-f".as_ref(),
            "-qq".as_ref(),
            "-e".as_ref(),
            "trace=fork,vfork,clone,clone3,execve".as_ref(),
            "-e".as_ref(),
            "signal=none".as_ref(),
            "-o".as_ref(),
            trace.as_os_str(),
        ]);
        let run = if is_open {
            run.env("PALISADE_ON_ERROR", "open")
        } else {
            run
        };
        let outcome = run.go();
        assert_eq!(outcome.code(), 0, "{}", outcome.story());
        let trace = fs::read_to_string(trace).expect("trace");
        let count = |words: &[&str]| {
            trace
                .lines()
                .filter(|line| !line.contains("resumed>"))
                .filter(|line| words.iter().any(|word| line.contains(word)))
                .count()
        };
        assert_eq!(
            count(&["fork(", "clone(", "clone3("]),
            1,
            "{shell}:\n{trace}"
        );
        // The shell, the probe, and the program.
        assert_eq!(count(&["execve("]), 3, "{shell}:\n{trace}");
    }
}

#[test]
fn a_good_start_costs_one_subprocess() {
    subprocesses("dash");
}

#[test]
fn a_good_start_costs_one_subprocess_in_bash_too() {
    subprocesses("bash");
}
