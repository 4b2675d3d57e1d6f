//! A preload that has the shape of the library: what is left of a start is the kernel's and the loader's, or what a child has to take over as well.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::program;

/// Sections that the loader and the kernel only map, and how many bytes they have.
const CODE: [&str; 1] = [".text"];
const CONSTANTS: [&str; 3] = [".rodata", ".eh_frame", ".eh_frame_hdr"];
const ZEROS: [&str; 1] = [".bss"];

/// What the constructor does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Constructor {
    Nothing,
    /// It takes over by hand what a child of ours is told.
    Child,
}

/// The same exported functions, the same references to libc, as many relocations, and code, constants and zeros of the same length. `None` where
/// the library cannot be read: readelf is of the package that brings the linker.
pub fn preload(library: &Path, constructor: Constructor) -> Option<PathBuf> {
    let read = |option: &str| {
        let output = Command::new("readelf")
            .args(["--wide", option])
            .arg(library)
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (symbols, relocations, sections) = (
        read("--dyn-syms")?,
        read("--relocs")?,
        read("--section-headers")?,
    );
    let relative = relocations
        .lines()
        .filter(|line| line.contains("_RELATIVE"))
        .count();
    let size = |names: &[&str]| -> usize {
        let words = sections.lines().map(|line| {
            // The number of a section is in brackets, with a space in front where it has one digit.
            let (_, rest) = line.split_once(']').unwrap_or_default();
            rest.split_whitespace().collect::<Vec<_>>()
        });
        words
            .filter(|words| words.first().is_some_and(|name| names.contains(name)))
            .filter_map(|words| usize::from_str_radix(words.get(4)?, 16).ok())
            .sum()
    };

    let mut text = String::from(".text\n");
    let (mut references, mut exported) = (String::new(), 0);
    for line in symbols.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, _, _, kind, _, _, section, name, ..] = words.as_slice() else {
            continue;
        };
        let name = name.split('@').next().unwrap_or(name);
        if *section == "UND" {
            let _ = writeln!(references, ".quad {name}");
        } else if *kind == "FUNC" {
            exported += 1;
            let _ = writeln!(
                text,
                ".globl {name}\n.protected {name}\n.type {name},%function\n{name}: ret"
            );
        }
    }
    assert!(exported > 100 && relative > 10, "{symbols}{relocations}");
    let _ = write!(
        text,
        "floor: ret\n.fill {},1,0\n.section .rodata,\"a\"\n.fill {},1,1\n.section .data.rel.ro,\"aw\"\n.balign 8\n",
        size(&CODE),
        size(&CONSTANTS)
    );
    // Those of the two arrays below are relocations, too.
    text.push_str(&".quad floor\n".repeat(relative.saturating_sub(2)));
    text.push_str(&references);
    if constructor == Constructor::Nothing {
        text.push_str(".section .init_array,\"aw\",%init_array\n.balign 8\n.quad floor\n");
    }
    let _ = write!(
        text,
        ".section .fini_array,\"aw\",%fini_array\n.balign 8\n.quad floor\n.bss\n.fill {},1,0\n",
        size(&ZEROS)
    );
    let mut source = text
        .lines()
        .fold(String::from("__asm__(\n"), |mut source, line| {
            let _ = writeln!(source, "\"{}\\n\"", line.replace('"', "\\\""));
            source
        });
    source.push_str(");\n");
    if constructor == Constructor::Child {
        source.push_str(include_str!("../c/child.c"));
    }
    let flags = [
        "-shared",
        "-fPIC",
        "-nostartfiles",
        "-Wl,-z,now",
        "-Wl,-z,relro",
        // What is only read lies with the code.
        "-Wl,-z,noseparate-code",
    ];
    Some(program(&source, &flags))
}
