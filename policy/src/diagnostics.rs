//! What is said to the author of a policy: problems, which stop it, and lints, which do not.

use crate::schema::Policy;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// A mistake in a policy: where, what stands there, what is wrong with it, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON path of the value, as `rules[0].network.outbound.allow[2]`; empty: the document as a whole.
    pub place: String,
    /// The value as JSON, cut if it is long; empty where there is none.
    pub value: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub expected: String,
    /// Line of the value, from 1, where one is known.
    pub line: Option<usize>,
    /// Column of the value in characters, from 1, where one is known.
    pub column: Option<usize>,
}

impl Problem {
    pub(crate) fn document(value: String, message: &str, expected: &str) -> Self {
        Self {
            place: String::new(),
            value,
            message: message.to_owned(),
            expected: expected.to_owned(),
            line: None,
            column: None,
        }
    }

    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }
}

impl fmt::Display for Problem {
    /// One line: `rules[0].dns.allow[1]: "a b" holds a space; expected a domain name such as …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        } else if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.value.is_empty() {
            write!(f, "{}: ", self.value)?;
        }
        write!(f, "{}", self.message)?;
        if !self.expected.is_empty() {
            write!(f, "; expected {}", self.expected)?;
        }
        Ok(())
    }
}

impl core::error::Error for Problem {}

/// Something that is legal and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// Stable kebab-case name of the kind.
    pub code: &'static str,
    /// JSON path, as in [`Problem::place`].
    pub place: String,
    /// The value as JSON, cut if it is long; empty where there is none.
    pub value: String,
    /// What happens, and what to write instead.
    pub message: String,
}

impl fmt::Display for Lint {
    /// One line: `rules[0].dns.allow[1]: "*amazon.com": … (suffix-without-dot)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        if !self.value.is_empty() {
            write!(f, "{}: ", self.value)?;
        }
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// A policy without mistakes, and what may still be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The policy.
    pub policy: Policy,
    /// Warnings.
    pub lints: Vec<Lint>,
}

/// The candidate that is most like `word`, if one is like it at all.
pub(crate) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let word = word.to_ascii_lowercase();
    let mut best: Option<(usize, &'c str)> = None;
    for candidate in candidates {
        let distance = distance(&word, candidate);
        // `process` is meant as `processes`, `main-only` as `main_only`, `fs` as nothing that could be known.
        let related =
            word.len() >= 3 && (candidate.starts_with(&word) || word.starts_with(candidate));
        let near = distance <= candidate.len().max(word.len()) / 3;
        if (near || related) && best.is_none_or(|(d, _)| distance < d) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let get = |r: &[usize], k: usize| r.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut d = (get(&row, j) + 1)
                .min(get(&last, j + 1) + 1)
                .min(get(&last, j) + usize::from(ca != cb));
            if i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca) {
                d = d.min(get(&before, j - 1) + 1);
            }
            row.push(d);
        }
        before = core::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}
