//! The exported names.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use palisade_tests::{library, repository, tool};

use crate::rows::rows;

/// The names that an object defines for others.
fn defined(object: &Path) -> BTreeSet<String> {
    let nm = Command::new(tool("nm"))
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(object)
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

fn exported() -> BTreeSet<String> {
    defined(&library())
}

/// What this machine's C library defines.
pub fn libc() -> &'static BTreeSet<String> {
    static LIBC: OnceLock<BTreeSet<String>> = OnceLock::new();
    LIBC.get_or_init(|| defined(&palisade_tests::libc()))
}

fn source_of(file: &str) -> String {
    let path = repository().join("shim/src").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// The names that stand with a handler in the shim's own table of functions, and in the files of stubs.
fn declared() -> BTreeSet<String> {
    let table = source_of("table.rs");
    let (_, hooks) = table.split_once("\nhooks! {").expect("the table of hooks");
    let (hooks, _) = hooks.split_once("\n}").expect("its end");
    let code: String = hooks
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .collect();
    let fixed = code
        .split(';')
        // What has no handler is called and not hooked.
        .filter(|line| line.contains(" = "))
        .filter_map(|line| line.split_once('('))
        .map(|(name, _)| name)
        .filter(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
    let stubs = source_of("variadic.rs") + &source_of("stubs.rs");
    let stubs = stubs
        .split("#[unsafe(no_mangle)]")
        .skip(1)
        .filter_map(|rest| rest.split_once("extern \"C\" fn "))
        .filter_map(|(_, rest)| rest.split_once('(').map(|(name, _)| name));
    fixed.chain(stubs).map(str::to_owned).collect()
}

/// The numbers that stand in the shim's own table of system calls.
fn numbers() -> BTreeSet<String> {
    let around = source_of("hooks/around.rs");
    let (_, calls) = around
        .split_once("\njudged_calls! {")
        .expect("the table of system calls");
    let (calls, _) = calls.split_once("\n}").expect("its end");
    let mut is_of_x86 = false;
    let mut numbers = BTreeSet::new();
    for line in calls.lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" => ")
            && (!is_of_x86 || cfg!(target_arch = "x86_64"))
        {
            numbers.insert(name.to_owned());
        }
        is_of_x86 = line.starts_with("#[cfg(target_arch = \"x86_64\")]");
    }
    numbers
}

/// The rows, by whether they are of a function or of a number.
fn tested(number: bool) -> BTreeSet<String> {
    let of_kind = || rows().filter(|row| row.symbol.starts_with("SYS_") == number);
    let tested: BTreeSet<String> = of_kind().map(|row| row.symbol.to_owned()).collect();
    assert_eq!(tested.len(), of_kind().count(), "two rows of one name");
    tested
}

#[test]
fn the_library_exports_its_table_and_nothing_else() {
    assert_eq!(exported(), declared());
}

fn same(known: &BTreeSet<String>, tested: &BTreeSet<String>) {
    let untested: Vec<_> = known.difference(tested).collect();
    assert!(
        untested.is_empty(),
        "add a row to rows.rs for each of {untested:?}"
    );
    let gone: Vec<_> = tested.difference(known).collect();
    assert!(gone.is_empty(), "not there any more: {gone:?}");
}

#[test]
fn every_exported_function_has_a_row_in_these_tests() {
    same(&exported(), &tested(false));
}

#[test]
fn every_judged_system_call_has_a_row_in_these_tests() {
    same(&numbers(), &tested(true));
}
