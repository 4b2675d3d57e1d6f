//! The exported names.

use std::collections::BTreeSet;
use std::process::Command;

use palisade_tests::{library, repository, tool};

use crate::rows::ROWS;

fn exported() -> BTreeSet<String> {
    let nm = Command::new(tool("nm"))
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(library())
        .output()
        .expect("nm");
    assert!(
        nm.status.success(),
        "{}",
        String::from_utf8_lossy(&nm.stderr)
    );
    String::from_utf8_lossy(&nm.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(|name| name.split('@').next().unwrap_or(name).to_owned())
        .collect()
}

/// The names that stand in the shim's own table of hooks, and in the file of those that take a variable list.
fn declared() -> BTreeSet<String> {
    let read = |file: &str| {
        let path = repository().join("shim/src").join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
    };
    let table = read("table.rs");
    let (_, hooks) = table.split_once("\nhooks! {").expect("the table of hooks");
    let (hooks, _) = hooks.split_once("\n}").expect("its end");
    let fixed = hooks
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .filter_map(|line| line.split_once('('))
        .map(|(name, _)| name)
        .filter(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
    let variadic = read("variadic.rs");
    let variadic = variadic
        .split("extern \"C-unwind\" fn ")
        .skip(1)
        .filter_map(|rest| rest.split_once('(').map(|(name, _)| name));
    fixed.chain(variadic).map(str::to_owned).collect()
}

#[test]
fn the_library_exports_its_table_and_nothing_else() {
    assert_eq!(exported(), declared());
}

#[test]
fn every_exported_function_has_a_row_in_these_tests() {
    let tested: BTreeSet<String> = ROWS.iter().map(|row| row.symbol.to_owned()).collect();
    assert_eq!(tested.len(), ROWS.len(), "two rows of one name");
    let untested: Vec<_> = exported().difference(&tested).cloned().collect();
    assert!(
        untested.is_empty(),
        "add a row to rows.rs for each of {untested:?}"
    );
    let gone: Vec<_> = tested.difference(&exported()).cloned().collect();
    assert!(gone.is_empty(), "not exported any more: {gone:?}");
}
