//! What gives a crypto miner away.

/// One line of `data/miners.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miner {
    /// A glob for the base name of the program, in lower case.
    Program(&'static str),
    /// A piece of an argument.
    Argument(&'static str),
}

/// The curated list of mining pools: these domains, and every name below them. In lower case.
pub(crate) fn pools() -> impl Iterator<Item = &'static str> {
    include_str!("../data/pools.txt")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pool "))
}

/// The curated list.
pub(crate) fn all() -> impl Iterator<Item = Miner> {
    include_str!("../data/miners.txt")
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            match line.split_once(' ')? {
                ("program", name) => Some(Miner::Program(name)),
                ("argument", text) => Some(Miner::Argument(text)),
                _ => None,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::{Miner, all};
    use crate::glob::{self, Shape, ops};

    #[test]
    fn every_line_is_read_and_every_program_is_looked_up_without_regard_to_case() {
        let lines = include_str!("../data/miners.txt")
            .lines()
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
            .count();
        assert_eq!(all().count(), lines);
        for miner in all() {
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
            }
        }
    }
}
