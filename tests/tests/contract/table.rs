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

#[test]
fn the_pages_about_places_and_wrappers_name_tests_and_files_that_exist() {
    let mut tests = BTreeSet::new();
    named_tests(&repository().join("tests"), &mut tests);
    let mut named = 0;
    for page in ["platforms", "runtimes", "wrappers"] {
        let path = repository().join(format!("docs/{page}.md"));
        let text = std::fs::read_to_string(path).expect("a page");
        for code in text.split('`').skip(1).step_by(2) {
            let is_name = |name: &str| name.chars().all(|c| c == '_' || c.is_ascii_lowercase());
            let is_there = match code.strip_prefix('…') {
                Some(end) if end.contains('_') && is_name(end) => {
                    tests.iter().any(|name| name.ends_with(end))
                }
                None if code.starts_with("test_") && is_name(code) => tests.contains(code),
                None if code.starts_with("tests/") || code.starts_with("examples/") => {
                    repository().join(code).exists()
                }
                _ => continue,
            };
            named += 1;
            assert!(is_there, "docs/{page}.md: there is no {code}");
        }
    }
    assert!(named >= 20, "{named}");
}
