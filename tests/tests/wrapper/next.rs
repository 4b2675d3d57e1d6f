//! Another product's wrapper behind ours.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::place::{Place, SHELLS, is_defended, show, stopped, stops, undefended};

/// Another wrapper, executable or not.
fn script(place: &Place, text: &str, mode: u32) -> PathBuf {
    let path = place.root().join("next");
    fs::write(&path, text).expect("next");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("next");
    path
}

/// Helpers of the kind that vendors' wrappers run.
const HELPERS: &str = "#!/bin/sh\nversion=$(cat helper-input)\n/bin/true && env true || exit 9\n[ \"$version\" = 7 ] || exit 8\n";

#[test]
fn the_helpers_of_another_wrapper_are_not_judged_and_the_interpreter_is() {
    let place = Place::new();
    let next = script(&place, &format!("{HELPERS}exec \"$@\" 'one more'\n"), 0o755);
    for shell in SHELLS {
        let make = || {
            place
                .run(shell)
                .arg(show())
                .file("helper-input", "7")
                .env("PALISADE_NEXT_WRAPPER", &next)
        };
        let outcome = make().go();
        assert!(is_defended(&outcome), "{shell}: {}", outcome.story());
        let audit = outcome.audit();
        assert_eq!(
            (audit.pid, PathBuf::from(audit.process)),
            (outcome.id, show()),
            "{shell}"
        );
        let arguments = make().arg("a b").env("SHOW", "arguments").go();
        let expected = format!("{}\0a b\0one more\0", show().display());
        assert_eq!(arguments.text(), expected, "{}", arguments.story());
    }
}

#[test]
fn an_interpreter_that_is_the_child_of_another_wrapper_is_defended_once_it_calls_the_runtime_api() {
    let place = Place::new();
    let next = script(
        &place,
        &format!("{HELPERS}\"$@\"\nstatus=$?\n/bin/true\nexit $status\n"),
        0o755,
    );
    for shell in SHELLS {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listener");
        let address = listener.local_addr().expect("address").to_string();
        let outcome = place
            .run(shell)
            .arg(show())
            .file("helper-input", "7")
            .env("PALISADE_NEXT_WRAPPER", &next)
            .env("AWS_LAMBDA_RUNTIME_API", &address)
            .env("SHOW", "runtime")
            .go();
        assert_eq!(
            (outcome.code(), &*outcome.text()),
            (0, "0 refused\n"),
            "{shell}: {}",
            outcome.story()
        );
        let audit = outcome.audit();
        assert_eq!(
            (audit.effect.as_deref(), audit.kind.as_str()),
            (Some("prevent"), "process"),
            "{shell}"
        );
        assert_ne!(
            audit.pid, outcome.id,
            "{shell}: the wrapper is another process"
        );
    }
}

#[test]
fn another_wrapper_is_not_run_for_the_children() {
    let place = Place::new();
    let next = script(&place, "#!/bin/sh\nexec \"$@\"\n", 0o755);
    for shell in SHELLS {
        let outcome = place
            .run(shell)
            .arg(show())
            .env("PALISADE_NEXT_WRAPPER", &next)
            .env("SHOW", "environment")
            .go();
        assert!(
            !outcome.text().contains("PALISADE_NEXT_WRAPPER"),
            "{shell}: {}",
            outcome.text()
        );
    }
}

#[test]
fn another_wrapper_that_is_missing_stops_the_start() {
    let place = Place::new();
    let words = [
        "PALISADE_NEXT_WRAPPER is /none/such",
        "Correct or remove it",
    ];
    stops(&place, &show(), &words, |run| {
        run.env("PALISADE_NEXT_WRAPPER", "/none/such")
    });
}

#[test]
fn another_wrapper_that_is_not_executable_stops_the_start() {
    let place = Place::new();
    let next = script(&place, "#!/bin/sh\nexec \"$@\"\n", 0o644);
    stops(&place, &show(), &["not an executable file"], |run| {
        run.env("PALISADE_NEXT_WRAPPER", &next)
    });
}

#[test]
fn a_folder_in_another_wrappers_place_stops_the_start() {
    let place = Place::new();
    for shell in SHELLS {
        let line = stopped(
            &place
                .run(shell)
                .arg(show())
                .env("PALISADE_NEXT_WRAPPER", "/tmp")
                .go(),
        );
        assert!(line.msg.contains("not an executable file"), "{}", line.msg);
    }
}

#[test]
fn a_folder_in_another_wrappers_place_is_left_out_where_the_start_may_be_open() {
    let place = Place::new();
    for shell in SHELLS {
        let run = place
            .run(shell)
            .arg(show())
            .env("PALISADE_NEXT_WRAPPER", "/tmp");
        undefended(&run.env("PALISADE_ON_ERROR", "open").go());
    }
}

#[test]
fn another_wrapper_runs_all_the_same_where_the_function_runs_undefended() {
    let place = Place::bare();
    let next = script(&place, "#!/bin/sh\necho next >&2\nexec \"$@\"\n", 0o755);
    for shell in SHELLS {
        let run = place
            .run(shell)
            .arg(show())
            .env("PALISADE_NEXT_WRAPPER", &next);
        let outcome = run.env("PALISADE_ON_ERROR", "open").go();
        undefended(&outcome);
        assert_eq!(outcome.errors(), "next\n", "{shell}");
    }
}
