//! The curated lists (`data/`): what the platform needs wherever a function runs, and what gives a crypto miner away.
//!
//! They are the same for every policy, so `build.rs` compiles them, with this very code, and a start finds the tables done.

use crate::blob::{Space, access, list};
use crate::builder::Builder;
use crate::format;
use crate::glob::{self, Shape, ops};
use alloc::vec::Vec;

/// Files of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// A glob of files that are read.
    Read(&'static str),
    /// A glob of files that are written.
    Write(&'static str),
}

/// What a miner is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miner {
    /// A glob for the base name of the program, in lower case.
    Program(&'static str),
    /// A piece of an argument.
    Argument(&'static str),
    /// A domain of a pool, in lower case: itself and every name below it.
    Pool(&'static str),
}

fn lines(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
}

/// `data/platform.txt`
pub(crate) fn files() -> impl Iterator<Item = File> {
    lines(include_str!("../data/platform.txt")).filter_map(|line| match line {
        ("read", glob) => Some(File::Read(glob)),
        ("write", glob) => Some(File::Write(glob)),
        _ => None,
    })
}

/// `data/miners.txt` and `data/pools.txt`
pub(crate) fn miners() -> impl Iterator<Item = Miner> {
    lines(include_str!("../data/miners.txt"))
        .chain(lines(include_str!("../data/pools.txt")))
        .filter_map(|line| match line {
            ("program", name) => Some(Miner::Program(name)),
            ("argument", text) => Some(Miner::Argument(text)),
            ("pool", name) => Some(Miner::Pool(name)),
            _ => None,
        })
}

/// The tables of all lists, in the form of a compiled policy without sections.
pub(crate) fn compile() -> Vec<u8> {
    let mut out = Builder::default();
    // What the platform needs is no entry of a policy, and is never named.
    let nobody = out.entry(&[], None, "");
    for file in files() {
        let (text, access) = match file {
            File::Read(text) => (text, access::READ),
            File::Write(text) => (text, access::WRITE),
        };
        add(&mut out, Space::File, text, list::PLATFORM, access, nobody);
    }
    for miner in miners() {
        match miner {
            Miner::Program(name) => {
                let entry = out.entry(&[], None, name);
                add(
                    &mut out,
                    Space::Miner,
                    name,
                    list::MINER,
                    access::BOTH,
                    entry,
                );
            }
            Miner::Argument(text) => {
                let entry = out.entry(&[], None, text);
                out.marker(entry);
            }
            Miner::Pool(name) => {
                let entry = out.entry(&[], None, name);
                let below = format!(".{name}").into_bytes();
                for shape in [Shape::Exact(name.into()), Shape::Suffix(below)] {
                    out.shape(Space::Dns, &shape, list::MINER, access::BOTH, entry);
                }
            }
        }
    }
    out.finish()
}

fn add(out: &mut Builder, space: Space, text: &str, list: u32, access: u32, entry: u32) {
    // The test below says that every line is a glob.
    for alternative in glob::compile(text).unwrap_or_default() {
        for shape in ops::shapes(&alternative, space == Space::Miner) {
            out.shape(space, &shape, list, access, entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{File, Miner, compile, files, miners};
    use crate::blob::Space;
    use crate::domain::{self, Pattern};
    use crate::glob::{self, Shape, ops};
    use crate::parse;
    use alloc::collections::BTreeSet;

    #[test]
    fn every_line_is_read_and_stands_there_once() {
        let texts = [
            include_str!("../data/platform.txt"),
            include_str!("../data/miners.txt"),
            include_str!("../data/pools.txt"),
        ];
        let lines = texts
            .iter()
            .flat_map(|text| text.lines())
            .filter(|l| !l.is_empty() && !l.starts_with('#'));
        assert_eq!(files().count() + miners().count(), lines.clone().count());
        assert_eq!(lines.clone().collect::<BTreeSet<_>>().len(), lines.count());
    }

    #[test]
    fn every_file_is_a_glob_for_resolved_paths() {
        for file in files() {
            let (File::Read(text) | File::Write(text)) = file;
            assert!(parse::globs(text, Space::File).is_ok(), "{text}");
        }
    }

    #[test]
    fn every_miner_is_looked_up_without_regard_to_case() {
        for miner in miners() {
            match miner {
                Miner::Program(name) => {
                    assert_eq!(name, name.to_ascii_lowercase());
                    for alternative in glob::compile(name).unwrap() {
                        for shape in ops::shapes(&alternative, true) {
                            // Programs of wildcards compare bytes as they are.
                            assert!(!matches!(shape, Shape::Wild { .. }), "{name}");
                        }
                    }
                }
                Miner::Argument(text) => {
                    assert!(text.len() > 8, "{text} is too short to mean nothing else")
                }
                Miner::Pool(name) => {
                    assert_eq!(domain::pattern(name).unwrap(), Pattern::Exact(name.into()));
                    assert!(name.contains('.'), "{name} is no domain");
                }
            }
        }
    }

    #[test]
    fn the_tables_that_were_built_are_those_of_the_lists() {
        assert!(crate::known::BYTES == compile());
        assert!(crate::Decider::from_bytes(crate::known::BYTES).is_none_or(|d| d.rule().is_none()));
    }
}
