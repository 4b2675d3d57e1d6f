//! docs/contract.md names tests that exist.

use std::collections::BTreeSet;

use palisade_tests::{named_tests, repository};

#[test]
fn every_promise_has_its_tests() {
    let mut tests = BTreeSet::new();
    for folder in [
        "tests/tests",
        "tests/runtimes",
        "tests/emulator",
        "policy",
        "audit",
    ] {
        named_tests(&repository().join(folder), &mut tests);
    }
    let path = repository().join("docs/contract.md");
    let text = std::fs::read_to_string(path).expect("docs/contract.md");
    let mut rows = 0;
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let (promise, named) = line
            .trim_matches('|')
            .rsplit_once(" | ")
            .expect("two cells");
        if named.trim() == "Test" {
            continue;
        }
        rows += 1;
        for name in named.trim().split(", ") {
            let name = name.trim_matches('`');
            assert!(
                tests.contains(name),
                "docs/contract.md,{promise}: there is no test {name}, or it is not run"
            );
        }
    }
    assert!(rows >= 30, "{rows}");
}
