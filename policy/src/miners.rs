//! What gives a crypto miner away.

/// One line of `data/miners.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miner {
    /// A glob for the base name of the program, in lower case.
    Program(&'static str),
    /// A piece of an argument.
    Argument(&'static str),
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
