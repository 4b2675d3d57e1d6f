//! The text of a policy into a [`Policy`], with every mistake at once.

mod sections;
mod walker;

use crate::blob::Space;
use crate::diagnostics::{Parsed, Problem};
use crate::glob::{self, BadGlob, Op};
use crate::json;
use crate::lint;
use crate::schema::Policy;
use alloc::vec;
use alloc::vec::Vec;

/// Reads a policy, and says what in it is probably not meant. On failure there is one [`Problem`] for each mistake; a syntax error stands
/// alone, since nothing behind it can be read.
///
/// # Errors
/// Anything that the text would have to mean by guessing: see [`Problem`].
pub fn parse(text: &[u8]) -> Result<Parsed, Vec<Problem>> {
    let policy = read(text)?;
    let lints = lint::lints(&policy);
    Ok(Parsed { policy, lints })
}

/// As [`parse`], without the lints: they are for the person who writes the policy, and compare its entries with each other, which a
/// function's start has no time for.
///
/// # Errors
/// As for [`parse`].
pub fn read(text: &[u8]) -> Result<Policy, Vec<Problem>> {
    let document = json::parse(text).map_err(|problem| vec![*problem])?;
    let mut walker = walker::Walker::default();
    match sections::policy(&mut walker, &document) {
        Some(policy) if walker.problems.is_empty() => Ok(policy),
        _ => Err(walker.problems),
    }
}

/// The alternatives of a glob that is matched against names of `space`, if it can match any of them.
pub(crate) fn globs(text: &str, space: Space) -> Result<Vec<Vec<Op>>, BadGlob> {
    let alternatives = glob::compile(text)?;
    match space {
        Space::File | Space::Program => {
            for alternative in &alternatives {
                resolved(alternative)?;
            }
        }
        Space::Base | Space::Miner | Space::Dns | Space::Host => {}
    }
    Ok(alternatives)
}

/// Refuses a pattern that no absolute path without `.`, `..`, `//` and a slash at the end can match: it would silently do nothing.
fn resolved(ops: &[Op]) -> Result<(), BadGlob> {
    let bad = |message, expected| Err(BadGlob { message, expected });
    match ops.first() {
        Some(Op::Byte(b'/') | Op::Rest | Op::Dirs) => {}
        Some(Op::Byte(b'~')) => {
            return bad(
                "`~` is a shell's word for a home directory",
                "the directory itself",
            );
        }
        _ => {
            return bad(
                "the path is relative, and paths are matched as a whole",
                "a path that begins with `/` or `**/`",
            );
        }
    }
    // Components that are plain text, between a slash and the next one or the end.
    let mut rest = ops;
    while let Some(slash) = rest.iter().position(|op| *op == Op::Byte(b'/')) {
        rest = rest.get(slash + 1..).unwrap_or_default();
        match rest {
            [] if ops.len() > 1 => {
                return bad(
                    "a path does not end in `/`, so this matches nothing",
                    "the path without it, or `/**` for all below it",
                );
            }
            [Op::Byte(b'/'), ..] => {
                return bad(
                    "`//` is in no resolved path, so this matches nothing",
                    "one `/`",
                );
            }
            [Op::Byte(b'.')] | [Op::Byte(b'.'), Op::Byte(b'/'), ..] => {
                return bad(
                    "`.` is in no resolved path, so this matches nothing",
                    "the path without it",
                );
            }
            [Op::Byte(b'.'), Op::Byte(b'.')]
            | [Op::Byte(b'.'), Op::Byte(b'.'), Op::Byte(b'/'), ..] => {
                return bad(
                    "`..` is in no resolved path, so this matches nothing",
                    "the path that it leads to",
                );
            }
            _ => {}
        }
    }
    Ok(())
}
