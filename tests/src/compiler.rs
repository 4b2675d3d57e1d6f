//! C programs, each compiled once.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{repository, tool};

/// System calls that no hook sees, for `#include "raw.h"`.
const RAW: &str = include_str!("raw.h");

/// Compiles `source` with `flags` and gives the program.
///
/// The result is kept under its content's hash, and put in place by a rename, so that tests that run at the same time
/// (in this process or another) share it and never see half of one.
///
/// # Panics
/// If there is no compiler, or it does not like the source.
#[must_use]
pub fn compile(source: &str, flags: &[&str]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (source, flags, RAW).hash(&mut hasher);
    let folder = repository().join("target/tests");
    fs::create_dir_all(&folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    let kind = if flags.contains(&"-shared") {
        ".so"
    } else {
        ""
    };
    let program = folder.join(format!("{:016x}{kind}", hasher.finish()));
    if program.exists() {
        return program;
    }
    let room = tempfile::Builder::new()
        .prefix("cc-")
        .tempdir_in(&folder)
        .unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    let (input, output) = (room.path().join("program.c"), room.path().join("program"));
    fs::write(&input, source).unwrap_or_else(|cause| panic!("{}: {cause}", input.display()));
    let header = room.path().join("raw.h");
    fs::write(&header, RAW).unwrap_or_else(|cause| panic!("{}: {cause}", header.display()));
    let compiled = Command::new(tool("cc"))
        .args([
            "-D_GNU_SOURCE",
            "-std=gnu17",
            "-Wall",
            "-Wno-nonnull",
            "-pthread",
        ])
        .args(flags)
        .arg("-o")
        .arg(&output)
        .arg(&input)
        .arg("-ldl")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|cause| panic!("cc: {cause}"));
    assert!(
        compiled.status.success(),
        "cc {flags:?} failed:\n{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    fs::rename(&output, &program).unwrap_or_else(|cause| panic!("{}: {cause}", program.display()));
    program
}

/// The same, linked to musl.
///
/// # Panics
/// As [`compile`].
#[must_use]
pub fn compile_with_musl(source: &str) -> PathBuf {
    let specs = format!(
        "/usr/lib/{}-linux-musl/musl-gcc.specs",
        std::env::consts::ARCH
    );
    compile(source, &["-specs", &specs])
}
