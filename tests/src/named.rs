//! The names of the tests that there are, for tables in the documentation that name them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The tests of a folder: functions of Rust behind `#[test]` that are not left out, and methods of Python.
///
/// # Panics
/// If the folder cannot be read.
pub fn named_tests(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            named_tests(&path, tests);
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let is_rust = path.extension().is_some_and(|end| end == "rs");
        let (before, opening) = if is_rust {
            ("#[test]\n", "fn ")
        } else {
            ("\n    ", "def test_")
        };
        for item in text.split(before).skip(1) {
            let item = item.trim_start();
            // An attribute between the two would be the one that leaves a test out.
            if let Some((name, _)) = item
                .strip_prefix(opening)
                .and_then(|rest| rest.split_once('('))
            {
                tests.insert(
                    opening
                        .trim_start_matches("fn ")
                        .trim_start_matches("def ")
                        .to_owned()
                        + name,
                );
            }
        }
    }
}
