//! Globs: `globset`'s language with `literal_separator(true)`, byte for byte.
//!
//! [`syntax`] reads a pattern into tokens, [`expand`] multiplies its braces out, and [`ops`] sorts each alternative by how it
//! is looked up: a whole name, a beginning, an end, or, for true wildcards, a little program that [`crate::nfa`] runs.

pub(crate) mod expand;
pub(crate) mod ops;
pub(crate) mod syntax;
#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
pub(crate) use ops::{Op, Shape};

/// The longest pattern: `PATH_MAX` of Linux, since no path that a system call takes is longer.
pub(crate) const MAX_PATTERN: usize = 4096;
/// The most alternatives that the braces of one pattern may stand for.
pub(crate) const MAX_ALTERNATIVES: usize = 1000;
/// The most states of one alternative's program; sets of them live on the stack of a hook.
pub(crate) const MAX_STATES: usize = 1023;
/// The most classes of one alternative: a program numbers them in a byte.
const MAX_CLASSES: usize = 200;

/// Why a pattern is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadGlob {
    pub(crate) message: &'static str,
    pub(crate) expected: &'static str,
}

/// The alternatives of `pattern`, braces multiplied out.
pub(crate) fn compile(pattern: &str) -> Result<Vec<Vec<Op>>, BadGlob> {
    let bad = |message, expected| Err(BadGlob { message, expected });
    if pattern.is_empty() {
        return bad("the pattern is empty", "a glob");
    }
    if pattern.len() > MAX_PATTERN {
        return bad(
            "the pattern is too long",
            "at most 4,096 bytes, which is the longest path on Linux",
        );
    }
    if pattern.contains('\0') {
        return bad(
            "the pattern holds a NUL byte, which no path can hold",
            "a glob without it",
        );
    }
    // Most entries of a long policy are plain names, or plain up to a slash, and it is read at each start of a function.
    let is_special = |byte| matches!(byte, b'*' | b'?' | b'[' | b'{' | b'}' | b'\\');
    let Some(special) = pattern.bytes().position(is_special) else {
        return Ok(vec![pattern.bytes().map(Op::Byte).collect()]);
    };
    // The slash is for the parser, which takes it together with the stars behind it.
    // What braces multiply is counted there, and so it gets all of it.
    let is_one = !pattern.contains('{');
    let slash = pattern
        .bytes()
        .take(special)
        .rposition(|byte| is_one && byte == b'/');
    let (plain, pattern) = pattern.split_at(slash.unwrap_or(0));
    let tokens = syntax::parse(pattern)?;
    if let [syntax::Token::Prefix] = tokens.as_slice() {
        return Ok(vec![vec![Op::Rest]]);
    }
    let has_braces = |token: &syntax::Token| matches!(token, syntax::Token::Alternates(_));
    let alternatives: Vec<Vec<Op>> = if tokens.iter().any(has_braces) {
        let alternatives = expand::expand(&tokens)?;
        alternatives
            .iter()
            .map(|tokens| ops::lower(plain, tokens))
            .collect()
    } else {
        vec![ops::lower(plain, &tokens)]
    };
    for alternative in &alternatives {
        if ops::program_len(alternative) > MAX_STATES {
            return bad(
                "the pattern is too long for one with wildcards",
                "at most 1,023 characters after the first wildcard",
            );
        }
        if ops::classes(alternative) > MAX_CLASSES {
            return bad(
                "the pattern has too many classes in brackets",
                "at most 200",
            );
        }
    }
    Ok(alternatives)
}

/// `text` as a glob that matches just this text.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | ',' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
