//! A pattern also names what the links in its plain part lead to.

use super::Compiler;
use crate::blob::Hash;
use crate::builder::{Index, word};
use crate::glob::{self, Op, ops};
use alloc::vec::Vec;

impl Compiler<'_> {
    /// The same pattern with the part of it that is a plain path resolved. A whole path has two such names: the file that it leads to,
    /// and, since a link can itself be removed or renamed, its own name in the directory that it really lies in.
    pub(super) fn aliases(&mut self, ops: &[Op]) -> Vec<Vec<Op>> {
        let literal = ops::literal_prefix(ops);
        let slash = literal.iter().rposition(|b| *b == b'/');
        let directory = literal.get(..slash.unwrap_or(0)).unwrap_or_default();
        let in_directory = self.existing(directory);
        let itself = (literal.len() == ops.len())
            .then(|| self.existing(&literal))
            .flatten();
        let mut aliases = Vec::new();
        for (old, new) in itself.into_iter().chain(in_directory) {
            if literal.get(..old) == Some(new.as_slice()) {
                continue;
            }
            let rest = ops.iter().skip(old).cloned();
            let alias: Vec<Op> = new.iter().map(|b| Op::Byte(*b)).chain(rest).collect();
            // A name longer than any that Linux takes matches nothing.
            if new.len() <= glob::MAX_PATTERN && !aliases.contains(&alias) {
                aliases.push(alias);
            }
        }
        aliases
    }

    /// Resolves `path`, or as much of its beginning as exists: the length of that, and what it really is.
    fn existing(&mut self, path: &[u8]) -> Option<(usize, Vec<u8>)> {
        let mut path = path;
        while path.len() > 1 && path.starts_with(b"/") {
            let context = self.context;
            let found = self.resolved.get(path, context.resolve);
            // realpath(3) gives absolute paths; anything else would be a name of nothing.
            if let Some(real) = found.filter(|real| real.starts_with(b"/")) {
                return Some((path.len(), own_proc(real.clone())));
            }
            let slash = path.iter().rposition(|b| *b == b'/')?;
            path = path.get(..slash)?;
        }
        None
    }
}

/// What paths lead to, as far as it has been asked. By hash: a tree would compare the beginnings that paths have in common again and again.
#[derive(Default)]
pub(super) struct Resolved {
    index: Index,
    paths: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Resolved {
    /// What a path leads to; `resolve` is asked once for each.
    fn get(&mut self, path: &[u8], resolve: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Option<&Vec<u8>> {
        let hash = Hash::of(path, 0);
        let is_it = |number: u32| {
            let known = self.paths.get(number as usize);
            known.is_some_and(|(known, _)| known == path)
        };
        let number = self.index.find(hash, is_it).unwrap_or_else(|| {
            let number = word(self.paths.len());
            self.paths.push((path.to_vec(), resolve(path)));
            self.index.insert(hash, number);
            number
        });
        self.paths.get(number as usize)?.1.as_ref()
    }
}

/// `/proc/self`, resolved, names the process that compiles, and the policy is for its children too: back to `/proc/self`, under which the
/// caller of [`Decider::file`] hands every process its own.
fn own_proc(mut path: Vec<u8>) -> Vec<u8> {
    while path.len() > 1 && path.ends_with(b"/") {
        path.pop();
    }
    if path == b"/" {
        path.clear();
    }
    let Some(rest) = path.strip_prefix(b"/proc/") else {
        return path;
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    match rest.get(digits..) {
        Some(tail) if digits > 0 && (tail.is_empty() || tail.starts_with(b"/")) => {
            [b"/proc/self", tail].concat()
        }
        _ => path,
    }
}
