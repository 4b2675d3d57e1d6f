//! docs/robustness.md names tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use palisade_tests::repository;

/// The tests of a folder: functions of Rust behind `#[test]` that are not left out, and methods of Python.
fn collect(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, tests);
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

#[test]
fn every_bug_of_others_has_its_test() {
    let mut tests = BTreeSet::new();
    collect(&repository().join("tests/tests"), &mut tests);
    collect(&repository().join("tests/runtimes"), &mut tests);
    collect(&repository().join("tests/platforms"), &mut tests);
    let text =
        fs::read_to_string(repository().join("docs/robustness.md")).expect("docs/robustness.md");
    let mut numbers = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, _, _, named] = cells[..] else {
            continue;
        };
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        numbers.push(number);
        let names: Vec<&str> = named
            .split(", ")
            .map(|name| name.trim_matches('`'))
            .collect();
        assert!(
            !names.is_empty() && !names.contains(&""),
            "row {number} names no test"
        );
        for name in names {
            assert!(
                tests.contains(name),
                "row {number} of docs/robustness.md: there is no test {name}, or it is not run"
            );
        }
    }
    assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>());
    assert!(numbers.len() >= 30, "{}", numbers.len());
}
