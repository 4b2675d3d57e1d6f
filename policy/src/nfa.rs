//! Runs the program of a true wildcard over a name: all states at once, as a bit set on the stack.
//!
//! No memory, no recursion, no backtracking: at most (bytes of the name) × (states of the program) steps, whatever the pattern is.

use crate::blob::{self, Blob, op};
use crate::glob::MAX_STATES;

/// Words of a set of any program's states, and of that of almost every one's.
const MANY: usize = MAX_STATES.div_ceil(64) + 1;
const FEW: usize = 1;

#[derive(Clone, Copy)]
struct Set<const N: usize>([u64; N]);

impl<const N: usize> Set<N> {
    fn insert(&mut self, state: usize) {
        if let Some(word) = self.0.get_mut(state >> 6) {
            *word |= 1 << (state & 63);
        }
    }

    fn has(&self, state: usize) -> bool {
        self.0
            .get(state >> 6)
            .is_some_and(|word| word >> (state & 63) & 1 == 1)
    }
}

struct Program<'a> {
    ops: &'a [u8],
    classes: &'a [u8],
    states: usize,
}

impl Program<'_> {
    /// Whether a program of nothing but bytes and one star matches, as most do: there is one place for all that stands before the star and one for
    /// all that stands behind it. `None`: it is another one.
    fn matches_around_a_star(&self, name: &[u8]) -> Option<bool> {
        let (ops, _) = self.ops.as_chunks();
        let is_other = |[code, _]: &[u8; 2]| *code != op::BYTE;
        let (before, rest) = ops.split_at_checked(ops.iter().position(is_other)?)?;
        let ([star, _], behind) = rest.split_first()?;
        if !matches!(*star, op::STAR | op::REST) || behind.iter().any(is_other) {
            return None;
        }
        let is = |ops: &[[u8; 2]], bytes: &[u8]| {
            let mut both = ops.iter().zip(bytes);
            both.all(|([_, wanted], byte)| wanted == byte)
        };
        let Some((start, rest)) = name.split_at_checked(before.len()) else {
            return Some(false);
        };
        let Some(end) = rest.len().checked_sub(behind.len()) else {
            return Some(false);
        };
        let (swallowed, end) = rest.split_at_checked(end)?;
        let is_match = is(before, start)
            && is(behind, end)
            && (*star == op::REST || blob::place(swallowed, b'/', b'/').is_none());
        Some(is_match)
    }

    fn op(&self, state: usize) -> Option<(u8, u8)> {
        match self.ops.get(state * 2..state * 2 + 2)? {
            [code, operand] => Some((*code, *operand)),
            _ => None,
        }
    }

    /// Enters `state`, and those that can be had from it for nothing.
    fn enter<const N: usize>(&self, set: &mut Set<N>, mut state: usize) -> Option<()> {
        loop {
            set.insert(state);
            if state >= self.states {
                return Some(());
            }
            match self.op(state)?.0 {
                op::STAR | op::REST | op::DIRS => state += 1,
                _ => return Some(()),
            }
        }
    }

    /// Where nothing but a star is at work, and one byte that it waits for: what is left from there on, if that is not here. Most of a name is
    /// passed so, at a fraction of what a step takes.
    fn skip<'n, const N: usize>(&self, now: &Set<N>, rest: &'n [u8]) -> Option<&'n [u8]> {
        let first = *now.0.first()?;
        if now.0.iter().skip(1).any(|word| *word != 0) {
            return None;
        }
        let star = first.trailing_zeros();
        let passed = match (
            first.checked_shr(star)?,
            self.op(star as usize)?,
            self.op(star as usize + 1),
        ) {
            (3, (op::STAR, _), Some((op::BYTE, wanted))) => blob::place(rest, wanted, b'/'),
            (3, (op::REST, _), Some((op::BYTE, wanted))) => blob::place(rest, wanted, wanted),
            (1, (op::DIRS, _), _) => blob::place(rest, b'/', b'/'),
            _ => return None,
        };
        match passed {
            Some(0) => None,
            passed => rest.get(passed.unwrap_or(rest.len())..),
        }
    }
}

/// Whether the program at `offset` matches the whole of `name`. `None`: the bytes are not a program.
pub(crate) fn matches(blob: Blob<'_>, offset: u32, name: &[u8]) -> Option<bool> {
    let program = program(blob, offset)?;
    let states = program.states;
    if let Some(is_match) = program.matches_around_a_star(name) {
        Some(is_match)
    } else if states < 64 * FEW {
        Some(run::<FEW>(&program, name)?.has(states))
    } else {
        Some(run::<MANY>(&program, name)?.has(states))
    }
}

/// Whether there is a name that the program matches behind `old` and not behind `new`. Says so also where it only may be.
pub(crate) fn loses(blob: Blob<'_>, offset: u32, old: &[u8], new: &[u8]) -> Option<bool> {
    fn lost<const N: usize>(program: &Program<'_>, old: &[u8], new: &[u8]) -> Option<bool> {
        let (old, new) = (run::<N>(program, old)?, run::<N>(program, new)?);
        // From the last state nothing goes on.
        Some((0..program.states).any(|state| old.has(state) && !new.has(state)))
    }
    let program = program(blob, offset)?;
    if program.states < 64 * FEW {
        lost::<FEW>(&program, old, new)
    } else {
        lost::<MANY>(&program, old, new)
    }
}

fn program(blob: Blob<'_>, offset: u32) -> Option<Program<'_>> {
    let offset = offset as usize;
    let states = blob.half(offset)?;
    let classes = blob.half(offset + 2)?;
    if states > MAX_STATES {
        return None;
    }
    let ops = offset + 4;
    let sets = ops + states * 2;
    Some(Program {
        ops: blob.0.get(ops..sets)?,
        classes: blob.0.get(sets..sets + classes * 32)?,
        states,
    })
}

/// The states behind a name.
fn run<const N: usize>(program: &Program<'_>, name: &[u8]) -> Option<Set<N>> {
    let states = program.states;
    let used = states / 64 + 1;
    let mut now = Set([0; N]);
    program.enter(&mut now, 0)?;
    let mut rest = name;
    while let Some((byte, behind)) = rest.split_first() {
        if let Some(skipped) = program.skip(&now, rest) {
            rest = skipped;
            continue;
        }
        rest = behind;
        let mut next = Set([0; N]);
        let mut alive = 0;
        for (index, word) in now.0.iter().enumerate().take(used) {
            let mut left = *word;
            while left != 0 {
                let state = index * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                if state >= states {
                    continue;
                }
                let (code, operand) = program.op(state)?;
                match code {
                    op::BYTE if *byte != operand => {}
                    op::ANY if *byte == b'/' => {}
                    op::CLASS => {
                        let cell = usize::from(operand) * 32 + usize::from(byte >> 3);
                        if program.classes.get(cell)? >> (byte & 7) & 1 == 1 {
                            program.enter(&mut next, state + 1)?;
                        }
                    }
                    op::BYTE | op::ANY => program.enter(&mut next, state + 1)?,
                    op::STAR if *byte == b'/' => {}
                    op::STAR | op::REST => program.enter(&mut next, state)?,
                    op::DIRS => {
                        // It goes on swallowing; only a `/` lets what follows begin.
                        next.insert(state);
                        if *byte == b'/' {
                            program.enter(&mut next, state + 1)?;
                        }
                    }
                    _ => return None,
                }
            }
        }
        for word in next.0.iter().take(used) {
            alive |= word;
        }
        now = next;
        if alive == 0 {
            break;
        }
    }
    Some(now)
}
