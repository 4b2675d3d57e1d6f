//! A library that the loader would leave out, and programs that it could not be loaded into.

use std::fs;
use std::path::PathBuf;

use palisade_tests::{compile, library, repository, tool};

use crate::place::{Place, SHELLS, is_defended, show, started, stopped, stops};
use palisade_tests::Run;

/// Offset of e_machine in an ELF header, and of the class (elf(5)).
const MACHINE: usize = 18;
const CLASS: usize = 4;

fn bytes() -> Vec<u8> {
    fs::read(library()).expect("library")
}

/// Another architecture than this one.
fn foreign(mut object: Vec<u8>) -> Vec<u8> {
    object[MACHINE] = if cfg!(target_arch = "aarch64") {
        62
    } else {
        183
    };
    object
}

fn cannot_be_loaded(content: &[u8]) {
    let words = ["cannot be loaded", "Use the layer", "libpalisade.so"];
    stops(&Place::with(content), &show(), &words, |run| run);
}

#[test]
fn a_library_that_is_whole_defends() {
    // The control of all the others.
    let place = Place::with(&bytes());
    for shell in SHELLS {
        let outcome = place.run(shell).arg(show()).go();
        assert!(is_defended(&outcome), "{}", outcome.story());
    }
}

#[test]
fn a_library_that_is_missing_stops_the_start() {
    let place = Place::bare();
    stops(
        &place,
        &show(),
        &["is missing", "Add the Palisade layer"],
        |run| run,
    );
    fs::remove_dir(place.root().join("palisade")).expect("folder");
    stops(&place, &show(), &["is missing"], |run| run);
}

#[test]
fn a_library_of_no_bytes_stops_the_start() {
    cannot_be_loaded(b"");
}

#[test]
fn a_library_of_zeros_stops_the_start() {
    cannot_be_loaded(&[0; 65536]);
}

#[test]
fn a_library_of_text_stops_the_start() {
    cannot_be_loaded(b"#!/bin/sh\nexit 99\n");
    cannot_be_loaded(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
}

#[test]
fn a_library_of_another_architecture_stops_the_start() {
    cannot_be_loaded(&foreign(bytes()));
}

#[test]
fn a_library_of_32_bits_stops_the_start() {
    let mut content = bytes();
    content[CLASS] = 1;
    cannot_be_loaded(&content);
}

#[test]
fn another_library_under_the_name_of_ours_stops_the_start() {
    let other = compile(
        "int palisade_test_other(void) { return 1; }",
        &["-shared", "-fPIC"],
    );
    cannot_be_loaded(&fs::read(other).expect("other"));
}

/// Where the dynamic section lies in the file (elf(5), `PT_DYNAMIC`).
fn dynamic_section(library: &[u8]) -> std::ops::Range<usize> {
    let word = |at: usize| {
        let bytes = library[at..at + 8].try_into().expect("eight bytes");
        u64::from_le_bytes(bytes) as usize
    };
    let header = (0..)
        .map(|index| word(32) + index * 56)
        .find(|header| word(*header) as u32 == 2)
        .expect("a dynamic section");
    let start = word(header + 8);
    start..start + word(header + 32)
}

#[test]
fn a_library_that_is_cut_off_stops_the_start_or_defends() {
    let whole = bytes();
    let mut stopped_at = 0;
    let sizes = [1, 4, 16, 63, 64, 512, 4095, 4096, 65536]
        .into_iter()
        .chain((1..32).map(|part| whole.len() * part / 32))
        .chain((0..32).map(|part| whole.len() - part * 256))
        // In each word of the dynamic section, which without its end may say where functions are, and not how many.
        .chain(dynamic_section(&whole).step_by(8));
    for size in sizes {
        let place = Place::with(&whole[..size]);
        let outcome = place.run("dash").arg(show()).go();
        if outcome.code() == 78 {
            stopped(&outcome);
            stopped_at = stopped_at.max(size);
        } else {
            assert!(is_defended(&outcome), "{size} bytes: {}", outcome.story());
        }
    }
    assert!(
        stopped_at > whole.len() * 9 / 10,
        "cut off at {stopped_at} of {}",
        whole.len()
    );
}

#[test]
fn a_library_that_is_cut_in_half_stops_the_start_in_every_shell() {
    let whole = bytes();
    cannot_be_loaded(&whole[..whole.len() / 2]);
}

#[test]
fn a_folder_a_pipe_and_a_dead_link_in_the_librarys_place_stop_the_start() {
    let place = Place::bare();
    fs::create_dir(place.library()).expect("folder");
    stops(&place, &show(), &["cannot be read", "chmod 644"], |run| run);
    let place = Place::bare();
    std::os::unix::fs::symlink("/none/such", place.library()).expect("link");
    stops(&place, &show(), &["is missing"], |run| run);
    let place = Place::bare();
    let made = std::process::Command::new(tool("mkfifo"))
        .arg(place.library())
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    stops(&place, &show(), &["cannot be read"], |run| run);
}

#[test]
fn a_path_at_which_the_loader_would_cut_stops_the_start() {
    let place = Place::new();
    for name in ["with space", "with:colon", " ", ":"] {
        let folder = place.root().join(name);
        fs::create_dir(&folder).expect("folder");
        let path = folder.join("libpalisade.so");
        std::os::unix::fs::symlink(library(), &path).expect("library");
        stops(&place, &show(), &["a space or a colon"], |run| {
            run.env("PALISADE_LIBRARY", &path)
        });
        // The wrapper itself in such a place.
        let wrapper = folder.join("palisade-wrapper");
        fs::copy(place.wrapper(), &wrapper).expect("wrapper");
        fs::create_dir(folder.join("palisade")).expect("folder");
        std::os::unix::fs::symlink(library(), folder.join("palisade/libpalisade.so"))
            .expect("library");
        let outcome = started(Run::new(&wrapper).arg(show())).go();
        assert!(
            stopped(&outcome).msg.contains("a space or a colon"),
            "{name:?}"
        );
    }
}

#[test]
fn a_relative_name_of_the_library_stops_the_start() {
    stops(
        &Place::new(),
        &show(),
        &["expected an absolute path"],
        |run| run.env("PALISADE_LIBRARY", "palisade/libpalisade.so"),
    );
}

fn never_loads() -> [(PathBuf, &'static str); 2] {
    [
        (
            compile(include_str!("show.c"), &["-static"]),
            "statically linked",
        ),
        (
            compile(include_str!("show.c"), &["-static-pie"]),
            "statically linked",
        ),
    ]
}

#[test]
fn a_static_program_stops_the_start() {
    for (program, why) in never_loads() {
        stops(
            &Place::new(),
            &program,
            &[why, "no preload can defend it"],
            |run| run,
        );
    }
}

#[test]
fn a_script_of_a_static_interpreter_stops_the_start() {
    let place = Place::new();
    let [(program, why), _] = never_loads();
    let script = place.root().join("script");
    fs::write(&script, format!("#!{}\n", program.display())).expect("script");
    let made = std::process::Command::new(tool("chmod"))
        .arg("755")
        .arg(&script)
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    stops(&place, &script, &[why], |run| run);
}

#[test]
fn a_program_of_another_architecture_stops_the_start() {
    let place = Place::new();
    let program = place.root().join("foreign");
    fs::write(&program, foreign(fs::read(show()).expect("show"))).expect("program");
    for shell in SHELLS {
        let line = stopped(&place.run(shell).arg(&program).go());
        assert!(
            line.msg.contains("is of another architecture"),
            "{}",
            line.msg
        );
    }
}

#[test]
fn the_line_goes_where_the_librarys_lines_would_go() {
    let place = Place::bare();
    for shell in SHELLS {
        for (name, value, is_stdout) in [
            ("PALISADE_AUDIT", "stdout", true),
            ("PALISADE_AUDIT", "stderr", false),
            ("PALISADE_AUDIT", "", false),
            ("PALISADE_AUDIT", "nonsense", false),
            ("PALISADE_AUDIT", "file:/none/such/log", false),
            ("AWS_LAMBDA_FUNCTION_NAME", "pay-invoice", true),
        ] {
            let run = Run::new(tool(shell))
                .arg(place.wrapper())
                .arg(show())
                .without_library();
            let outcome = run.env(name, value).go();
            let (there, elsewhere) = if is_stdout {
                (&outcome.stdout, &outcome.stderr)
            } else {
                (&outcome.stderr, &outcome.stdout)
            };
            let lines = there.split_inclusive(|byte| *byte == b'\n');
            // The shell says by itself what is wrong with a file that it cannot open.
            let ours: Vec<&[u8]> = lines.filter(|line| line.starts_with(b"{")).collect();
            let ours = palisade_tests::records(&ours.concat());
            assert_eq!(
                (outcome.code(), ours.len()),
                (78, 1),
                "{shell} {value}: {}",
                outcome.story()
            );
            assert!(elsewhere.is_empty(), "{shell} {value}: {}", outcome.story());
        }
    }
}

#[test]
fn hostile_text_in_the_line_is_escaped() {
    let place = Place::new();
    for shell in SHELLS {
        for text in [
            "a\"b",
            "a\\b",
            "a\nb",
            "a\u{1b}[2Jb",
            "größe",
            "%s%n\\n",
            "a\\",
            "\"",
            "\u{7f}",
        ] {
            let outcome = place
                .run(shell)
                .arg(show())
                .env("PALISADE_LIBRARY", format!("/none/{text}.so"))
                .env("AWS_LAMBDA_FUNCTION_NAME", text)
                .env("AWS_REGION", text)
                .go();
            let line = stopped(&outcome);
            let seen: String = text
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            assert!(line.msg.contains(&seen), "{shell} {text:?}: {}", line.msg);
            assert_eq!((&line.function, &line.region), (&seen, &seen), "{shell}");
        }
    }
}

#[test]
fn bytes_that_are_no_utf_8_leave_the_line_valid() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    for shell in SHELLS {
        let path = std::ffi::OsStr::from_bytes(b"/none/\xff\xfe.so");
        stopped(
            &place
                .run(shell)
                .arg(show())
                .env("PALISADE_LIBRARY", path)
                .go(),
        );
    }
}

#[test]
fn a_path_that_is_too_long_leaves_the_line_short_enough() {
    let place = Place::new();
    for shell in SHELLS {
        let path = format!("/{}.so", "x".repeat(10_000));
        stopped(
            &place
                .run(shell)
                .arg(show())
                .env("PALISADE_LIBRARY", path)
                .go(),
        );
    }
}

#[test]
fn the_wrapper_is_the_one_of_the_repository() {
    assert_eq!(
        fs::read(Place::new().wrapper()).expect("copy"),
        fs::read(repository().join("wrapper-script/palisade-wrapper")).expect("wrapper")
    );
}
