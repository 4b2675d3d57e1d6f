//! docs/threat-model.md says what the tests here say.

use std::collections::BTreeMap;

use palisade_tests::repository;

/// Each test, and its verdict: the file or folder that it stands in.
fn tests() -> BTreeMap<String, &'static str> {
    let files = [
        ("stopped", include_str!("stopped/files.rs")),
        ("stopped", include_str!("stopped/functions.rs")),
        ("stopped", include_str!("stopped/network.rs")),
        ("stopped", include_str!("stopped/programs.rs")),
        ("stopped", include_str!("stopped/spawned.rs")),
        ("audited only", include_str!("audited.rs")),
        ("not stopped", include_str!("not_stopped.rs")),
    ];
    let mut tests = BTreeMap::new();
    for (verdict, source) in files {
        for item in source.split("#[test]\n").skip(1) {
            let (attributes, rest) = item.split_once("fn ").expect("a function");
            let (name, _) = rest.split_once('(').expect("its name");
            // A test that is not run asks for what is not so yet.
            let is_open = attributes.contains("#[ignore");
            tests.insert(name.to_owned(), if is_open { "not yet" } else { verdict });
        }
    }
    tests
}

/// Each row of the tables: its test, and its verdict.
fn rows() -> BTreeMap<String, String> {
    let path = repository().join("docs/threat-model.md");
    let text = std::fs::read_to_string(&path).expect("docs/threat-model.md");
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let Some(test) = cells
            .last()
            .and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`'))
        else {
            continue;
        };
        let verdict = cells[1].trim_matches('*').to_owned();
        let before = rows.insert(test.to_owned(), verdict);
        assert_eq!(before, None, "two rows for {test}");
    }
    rows
}

#[test]
fn the_threat_model_has_a_row_for_each_test_and_a_test_for_each_row() {
    let (rows, tests) = (rows(), tests());
    for (test, verdict) in &rows {
        assert_eq!(
            tests.get(test).copied(),
            Some(verdict.as_str()),
            "docs/threat-model.md says of `{test}` that it is {verdict}"
        );
    }
    for test in tests.keys() {
        assert!(
            rows.contains_key(test),
            "docs/threat-model.md has no row for `{test}`"
        );
    }
}
