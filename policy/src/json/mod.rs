//! JSON (RFC 8259) into a tree that remembers where each value stood and which keys came twice.
//!
//! `serde_json` gives neither, and a policy's author needs both: the line to look at, and the news that the second
//! `"deny"` would have silently replaced the first.

mod reader;

use alloc::string::String;
use alloc::vec::Vec;

pub(crate) use reader::{MAX_TEXT, is_utf16, parse};

/// One value and where it began, both 1-based; columns count characters.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As it was written: a policy has no number that would have to be calculated with.
    Number(String),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) key: String,
    pub(crate) value: Node,
}

impl Value {
    /// The name of the type, as a message says it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The value as compact JSON, cut to what fits into a line of a message.
    pub(crate) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        cut(out)
    }

    fn write(&self, out: &mut String) {
        // What is longer is cut anyway.
        if out.len() > MAX_SHOWN {
            return;
        }
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(n) => out.push_str(n),
            Self::String(s) => write_string(s, out),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.value.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (i, member) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(&member.key, out);
                    out.push(':');
                    member.value.value.write(out);
                }
                out.push('}');
            }
        }
    }
}

const MAX_SHOWN: usize = 120;

fn cut(mut text: String) -> String {
    if text.len() > MAX_SHOWN {
        let mut end = MAX_SHOWN;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// `text` as a JSON string, cut, safe to print.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(text, &mut out);
    cut(out)
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let code = u32::from(c);
                out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    out.push(char::from_digit((code >> shift) & 15, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
        if out.len() > 2 * MAX_SHOWN {
            return;
        }
    }
    out.push('"');
}
