//! docs/robustness.md names tests that exist.

use std::collections::BTreeSet;
use std::fs;

use palisade_tests::{named_tests, repository};

#[test]
fn every_bug_of_others_has_its_test() {
    let mut tests = BTreeSet::new();
    named_tests(&repository().join("tests/tests"), &mut tests);
    named_tests(&repository().join("tests/runtimes"), &mut tests);
    named_tests(&repository().join("tests/platforms"), &mut tests);
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
