//! The text of a glob into tokens, as `globset` 0.4 reads it.
//!
//! Two forms that `globset` accepts are refused because they do not do what they seem to: an empty alternative (`a{,b}`), which it drops
//! silently, and a character outside ASCII in a class, of which it matches single bytes.

use super::BadGlob;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Literal(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `**/` at the beginning, or `**` by itself.
    Prefix,
    /// `/**` at the end.
    Suffix,
    /// `/**/`
    Middle,
    /// `[…]`, as a set of bytes with the negation worked in.
    Class(Box<ByteSet>),
    Alternates(Vec<Vec<Token>>),
}

/// A set of bytes: bit `b & 7` of byte `b >> 3`.
pub(crate) type ByteSet = [u8; 32];

const MAX_DEPTH: usize = 10;

pub(crate) fn parse(pattern: &str) -> Result<Vec<Token>, BadGlob> {
    let mut parser = Parser {
        chars: pattern.chars().peekable(),
        prev: None,
        cur: None,
        open: Vec::new(),
        branches: vec![Vec::with_capacity(pattern.len())],
    };
    while let Some(c) = parser.bump() {
        match c {
            '?' => parser.push(Token::Any),
            '*' => parser.star(),
            '[' => parser.class()?,
            '{' => {
                if parser.open.len() >= MAX_DEPTH {
                    return bad("braces are nested too deeply", "at most 10 levels");
                }
                parser.open.push(parser.branches.len());
                parser.branches.push(Vec::new());
            }
            '}' => parser.close()?,
            ',' if !parser.open.is_empty() => parser.branches.push(Vec::new()),
            '\\' => match parser.bump() {
                Some(c) => parser.push(Token::Literal(c)),
                None => {
                    return bad(
                        "a backslash at the end escapes nothing",
                        "`\\\\` for a backslash itself",
                    );
                }
            },
            c => parser.push(Token::Literal(c)),
        }
    }
    if !parser.open.is_empty() {
        return bad(
            "`{` is not closed",
            "`}`, or `\\{` for the character itself",
        );
    }
    Ok(parser.branches.pop().unwrap_or_default())
}

fn bad<T>(message: &'static str, expected: &'static str) -> Result<T, BadGlob> {
    Err(BadGlob { message, expected })
}

struct Parser<'a> {
    chars: core::iter::Peekable<core::str::Chars<'a>>,
    prev: Option<char>,
    cur: Option<char>,
    /// For each open brace, how many branches there were before it.
    open: Vec<usize>,
    branches: Vec<Vec<Token>>,
}

impl Parser<'_> {
    fn bump(&mut self) -> Option<char> {
        self.prev = self.cur;
        self.cur = self.chars.next();
        self.cur
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().copied()
    }

    fn push(&mut self, token: Token) {
        if let Some(branch) = self.branches.last_mut() {
            branch.push(token);
        }
    }

    fn close(&mut self) -> Result<(), BadGlob> {
        let Some(start) = self.open.pop() else {
            return bad(
                "`}` closes nothing",
                "`{` before it, or `\\}` for the character itself",
            );
        };
        let branches: Vec<Vec<Token>> = self.branches.drain(start..).collect();
        if branches.iter().any(Vec::is_empty) {
            return bad(
                "an alternative in the braces is empty and would never match",
                "two patterns, with and without",
            );
        }
        self.push(Token::Alternates(branches));
        Ok(())
    }

    fn star(&mut self) {
        let prev = self.prev;
        if self.peek() != Some('*') {
            return self.push(Token::Star);
        }
        self.bump();
        let next = self.peek();
        let two_stars = |parser: &mut Self| {
            parser.push(Token::Star);
            parser.push(Token::Star);
        };
        if self.branches.last().is_none_or(Vec::is_empty) {
            if next.is_some_and(|c| c != '/') {
                return two_stars(self);
            }
            self.push(Token::Prefix);
            self.bump();
            return;
        }
        if prev != Some('/')
            && (self.branches.len() <= 1 || (prev != Some(',') && prev != Some('{')))
        {
            return two_stars(self);
        }
        let suffix = match next {
            None => true,
            Some(',' | '}') if self.branches.len() >= 2 => true,
            Some('/') => {
                self.bump();
                false
            }
            Some(_) => return two_stars(self),
        };
        let last = self.branches.last_mut().and_then(Vec::pop);
        self.push(match last {
            Some(Token::Prefix) => Token::Prefix,
            Some(Token::Suffix) => Token::Suffix,
            _ if suffix => Token::Suffix,
            _ => Token::Middle,
        });
    }

    fn class(&mut self) -> Result<(), BadGlob> {
        let negated = matches!(self.peek(), Some('!' | '^'));
        if negated {
            self.bump();
        }
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        let mut in_range = false;
        let mut first = true;
        loop {
            let Some(c) = self.bump() else {
                return bad(
                    "`[` is not closed",
                    "`]`, or `\\[` for the character itself",
                );
            };
            let Some(byte) = u8::try_from(c).ok().filter(u8::is_ascii) else {
                return bad(
                    "a class in brackets matches one byte, and this character is several",
                    "ASCII characters, or braces",
                );
            };
            match byte {
                b']' if !first => break,
                b'-' if !first && !in_range => in_range = true,
                byte if in_range => {
                    in_range = false;
                    if let Some(range) = ranges.last_mut() {
                        range.1 = byte;
                        if range.1 < range.0 {
                            return bad(
                                "a range in brackets ends before it begins",
                                "the lower character first, as in `[a-z]`",
                            );
                        }
                    }
                }
                byte => ranges.push((byte, byte)),
            }
            first = false;
        }
        if in_range {
            ranges.push((b'-', b'-'));
        }
        let mut set: ByteSet = [0; 32];
        for b in 0..=u8::MAX {
            if ranges.iter().any(|(low, high)| (*low..=*high).contains(&b)) != negated
                && let Some(cell) = set.get_mut(usize::from(b >> 3))
            {
                *cell |= 1 << (b & 7);
            }
        }
        self.push(Token::Class(Box::new(set)));
        Ok(())
    }
}
