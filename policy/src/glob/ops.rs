//! Tokens into the operations of a matcher, and the shape by which a pattern is looked up.

use super::syntax::{ByteSet, Token};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// One state of a pattern's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// This byte.
    Byte(u8),
    /// One byte, not `/`.
    Any,
    /// One byte of the set.
    Class(Box<ByteSet>),
    /// Any bytes but `/`, or none.
    Star,
    /// Any bytes, or none.
    Rest,
    /// Nothing, or any bytes up to and with a `/`.
    Dirs,
}

/// How an alternative is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Exactly this name.
    Exact(Vec<u8>),
    /// Every name that begins so.
    Prefix(Vec<u8>),
    /// Every name that ends so.
    Suffix(Vec<u8>),
    /// Names that begin and end so, and are what the program says: `program` as a whole, `tail` behind the beginning.
    Wild {
        prefix: Vec<u8>,
        suffix: Vec<u8>,
        program: Vec<Op>,
        tail: Vec<Op>,
    },
}

/// One alternative as operations, behind what is plain.
pub(crate) fn lower(plain: &str, tokens: &[Token]) -> Vec<Op> {
    // A token makes one, but for a few at the ends.
    let mut ops = Vec::with_capacity(plain.len() + tokens.len() + 2);
    ops.extend(plain.bytes().map(Op::Byte));
    for token in tokens {
        match token {
            Token::Literal(c @ '\0'..='\x7f') => ops.push(Op::Byte(*c as u8)),
            Token::Literal(c) => ops.extend(c.encode_utf8(&mut [0; 4]).bytes().map(Op::Byte)),
            Token::Any => ops.push(Op::Any),
            // `**` next to something else is two of them, which is one.
            Token::Star if ops.last() == Some(&Op::Star) => {}
            Token::Star => ops.push(Op::Star),
            Token::Prefix => ops.push(Op::Dirs),
            Token::Suffix => ops.extend([Op::Byte(b'/'), Op::Rest]),
            Token::Middle => ops.extend([Op::Byte(b'/'), Op::Dirs]),
            Token::Class(set) => ops.push(Op::Class(set.clone())),
            // Multiplied out before.
            Token::Alternates(_) => {}
        }
    }
    ops
}

fn byte(op: &Op) -> Option<u8> {
    match op {
        Op::Byte(b) => Some(*b),
        _ => None,
    }
}

/// How many bytes every match begins with.
fn literal_len(ops: &[Op]) -> usize {
    ops.iter().take_while(|op| byte(op).is_some()).count()
}

/// The bytes of operations that are nothing else.
fn bytes(ops: &[Op]) -> Vec<u8> {
    ops.iter().map(|op| byte(op).unwrap_or(0)).collect()
}

/// The bytes with which every match begins.
pub(crate) fn literal_prefix(ops: &[Op]) -> Vec<u8> {
    bytes(ops.get(..literal_len(ops)).unwrap_or_default())
}

fn literal_suffix(ops: &[Op]) -> Vec<u8> {
    let count = ops.iter().rev().take_while(|op| byte(op).is_some()).count();
    bytes(ops.get(ops.len() - count..).unwrap_or_default())
}

/// How many states the program has that is run for a match.
pub(crate) fn program_len(ops: &[Op]) -> usize {
    ops.len() - literal_len(ops)
}

pub(crate) fn classes(ops: &[Op]) -> usize {
    ops.iter().filter(|op| matches!(op, Op::Class(_))).count()
}

/// Sorts an alternative. `flat`: it is matched against single names, in which no `/` occurs.
pub(crate) fn shapes(ops: &[Op], flat: bool) -> Vec<Shape> {
    let prefix = literal_prefix(ops);
    if prefix.len() == ops.len() {
        return vec![Shape::Exact(prefix)];
    }
    let suffix = literal_suffix(ops);
    let head = ops.get(..ops.len() - suffix.len()).unwrap_or_default();
    let tail = ops.get(prefix.len()..).unwrap_or_default();
    match (head, tail) {
        // `/dir/**`
        (_, [Op::Rest]) => return vec![Shape::Prefix(prefix)],
        (_, [Op::Star]) if flat => return vec![Shape::Prefix(prefix)],
        // `**/name`: the name itself, or a path that ends in `/name`.
        ([Op::Dirs], _) => {
            let mut end = vec![b'/'];
            end.extend_from_slice(&suffix);
            return vec![Shape::Exact(suffix), Shape::Suffix(end)];
        }
        // `**/*.so`
        ([Op::Dirs, Op::Star] | [Op::Rest] | [Op::Rest, Op::Star], _) => {
            return vec![Shape::Suffix(suffix)];
        }
        ([Op::Star], _) if flat => return vec![Shape::Suffix(suffix)],
        _ => {}
    }
    let program = if ops.len() <= super::MAX_STATES {
        ops.to_vec()
    } else {
        Vec::new()
    };
    vec![Shape::Wild {
        prefix,
        suffix,
        program,
        tail: tail.to_vec(),
    }]
}
