//! What has to be there before a test can run.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The root of the repository: where the tests were built, or where `PALISADE_TEST_REPOSITORY` says that it is now.
#[must_use]
pub fn repository() -> &'static Path {
    static MOVED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let moved =
        MOVED.get_or_init(|| std::env::var_os("PALISADE_TEST_REPOSITORY").map(PathBuf::from));
    moved.as_deref().unwrap_or_else(|| {
        let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
        crate_root.parent().unwrap_or(Path::new("/"))
    })
}

/// The library as `make build` leaves it, or as `PALISADE_TEST_LIBRARY` names it.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn library() -> PathBuf {
    let path = std::env::var_os("PALISADE_TEST_LIBRARY").map_or_else(
        || repository().join("target/release/libpalisade.so"),
        PathBuf::from,
    );
    assert!(
        path.is_absolute() && path.is_file(),
        "{} is not there: run make build, or name the library in PALISADE_TEST_LIBRARY by an absolute path",
        path.display()
    );
    path
}

/// The wrapper of the layer.
#[must_use]
pub fn wrapper() -> PathBuf {
    repository().join("wrapper-script/palisade-wrapper")
}

/// The path of a program that a test needs.
///
/// # Panics
/// If it is not installed.
#[must_use]
pub fn tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{name} is not in PATH, and the tests need it: install it first"))
}

/// The C library that programs here are linked with, as the loader finds it; or as `PALISADE_TEST_LIBC` names it.
///
/// # Panics
/// If this process has none.
#[must_use]
pub fn libc() -> PathBuf {
    if let Some(path) = std::env::var_os("PALISADE_TEST_LIBC") {
        return path.into();
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .find(|path| path.ends_with("/libc.so.6"))
        .map_or_else(|| panic!("libc.so.6 is not loaded here"), PathBuf::from)
}
