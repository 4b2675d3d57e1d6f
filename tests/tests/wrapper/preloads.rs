//! Other products preload libraries, too.

use std::path::{Path, PathBuf};

use palisade_tests::compile;

use crate::place::{Place, SHELLS, is_defended, show};

fn others() -> [PathBuf; 2] {
    ["one", "two"].map(|name| {
        let source = format!("int palisade_test_{name}(void) {{ return 1; }}");
        compile(&source, &["-shared", "-fPIC"])
    })
}

/// With this `LD_PRELOAD`, all of `expected` are loaded in that order, ours before them.
fn loads(preload: Option<&str>, expected: &[&Path]) {
    let place = Place::new();
    for shell in SHELLS {
        let make = || {
            let run = place.run(shell).arg(show());
            match preload {
                Some(preload) => run.env("LD_PRELOAD", preload),
                None => run,
            }
        };
        let outcome = make().env("SHOW", "objects").go();
        let text = outcome.text();
        let mut lines = text.lines();
        let ours = place.library().display().to_string();
        let variable = match preload {
            None | Some("") => ours.clone(),
            Some(preload) => format!("{ours}:{preload}"),
        };
        assert_eq!(lines.next(), Some(&*variable), "{shell}");
        let objects: Vec<&str> = lines.filter(|line| !line.contains("vdso")).collect();
        let wanted: Vec<String> = expected
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        assert_eq!(objects.first(), Some(&&*ours), "{shell}: {text}");
        assert_eq!(objects[1..=wanted.len()], wanted, "{shell}: {text}");
        assert!(outcome.stderr.is_empty(), "{shell}: {}", outcome.errors());
        let defended = make().go();
        assert!(is_defended(&defended), "{shell}: {}", defended.story());
    }
}

#[test]
fn without_another_preload_ours_is_the_only_one() {
    loads(None, &[]);
    loads(Some(""), &[]);
}

#[test]
fn one_other_preload_is_loaded_behind_ours() {
    let [one, _] = others();
    loads(Some(&one.display().to_string()), &[&one]);
}

#[test]
fn two_other_preloads_are_loaded_behind_ours_however_they_are_parted() {
    let [one, two] = others();
    for separator in [":", " ", "::", "  ", " :"] {
        let preload = format!("{}{separator}{}", one.display(), two.display());
        loads(Some(&preload), &[&one, &two]);
        let preload = format!("{separator}{preload}{separator}");
        loads(Some(&preload), &[&one, &two]);
    }
}

#[test]
fn a_shell_that_is_defended_itself_starts_nothing_and_says_so() {
    // Somebody has set LD_PRELOAD to our library by hand: then the shell is the main process, and the probe a program that it starts.
    let place = Place::new();
    for shell in SHELLS {
        let run = place.run(shell).arg(show());
        let outcome = run.env("LD_PRELOAD", place.library()).go();
        assert_eq!(
            (outcome.code(), &*outcome.text()),
            (78, ""),
            "{shell}: {}",
            outcome.story()
        );
        let last = outcome.audits().pop().expect("a line");
        assert_eq!(last.attack, "start-stopped", "{shell}: {}", outcome.story());
    }
}
