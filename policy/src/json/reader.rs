//! From text to a tree; where the text is no JSON, what stands there and what would be right.

use super::{Member, Node, Value, quoted};
use crate::diagnostics::Problem;
use crate::format;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;

/// The longest text that is read at all.
pub(crate) const MAX_TEXT: usize = 1 << 20;
/// Deeper than any policy, shallow enough for the 36 KiB stacks on which a library may be loaded.
const MAX_DEPTH: usize = 32;

/// With the mark at its beginning, or without one but with every second byte of its first characters, which a document has in ASCII, empty.
pub(crate) fn is_utf16(text: &[u8]) -> bool {
    match text {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] => *a != 0 && *b != 0,
        _ => false,
    }
}

/// Reads one document.
pub(crate) fn parse(text: &[u8]) -> Result<Node, Box<Problem>> {
    if text.len() > MAX_TEXT {
        let length = format!("{} bytes", text.len());
        return Err(Box::new(Problem::document(
            length,
            "the policy is too long",
            "at most 1 MiB of JSON",
        )));
    }
    if is_utf16(text) {
        let problem = Problem::document(
            String::new(),
            "the policy is UTF-16, as PowerShell's `>` writes it",
            "JSON text in UTF-8: `iconv -f UTF-16 -t UTF-8` makes it so",
        );
        return Err(Box::new(problem));
    }
    let text = match core::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let (good, bad) = text.split_at(error.valid_up_to());
            let (line, column) = position(core::str::from_utf8(good).unwrap_or_default());
            let byte = bad
                .first()
                .map_or(String::new(), |b| format!("byte 0x{b:02x}"));
            let problem = Problem::document(byte, "the policy is not UTF-8", "JSON text in UTF-8");
            return Err(Box::new(problem.at(line, column)));
        }
    };
    // Some editors on Windows put a byte order mark in front; RFC 8259 §8.1 lets a reader ignore it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser {
        text,
        at: 0,
        line: 1,
        line_start: 0,
        counted: Cell::new((0, 0)),
    };
    parser.space();
    parser.begins()?;
    let node = parser.value(0)?;
    parser.space();
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(parser.unexpected(
            "text goes on after the end of the policy",
            "nothing after the last `}`",
        )),
    }
}

fn position(before: &str) -> (usize, usize) {
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    /// How far into the text columns have been counted, and how many there are: each from the one before, since many a policy is one long
    /// line.
    counted: Cell<(usize, usize)>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn column(&self) -> usize {
        let (from, before) = match self.counted.get() {
            (at, columns) if self.line_start <= at && at <= self.at => (at, columns),
            _ => (self.line_start, 0),
        };
        let more = self.text.get(from..self.at).unwrap_or_default();
        // Each character has one byte that goes on with no other.
        let characters = more.bytes().filter(|byte| byte & 0xc0 != 0x80).count();
        let columns = before + characters;
        self.counted.set((self.at, columns));
        columns + 1
    }

    fn space(&mut self) {
        while let Some(b @ (b' ' | b'\t' | b'\n' | b'\r')) = self.peek() {
            self.at += 1;
            if b == b'\n' {
                self.line += 1;
                self.line_start = self.at;
            }
        }
    }

    fn unexpected(&self, message: &str, expected: &str) -> Box<Problem> {
        let value = match self.rest().chars().next() {
            None => "end of text".to_owned(),
            Some(c) => quoted(c.encode_utf8(&mut [0; 4])),
        };
        Box::new(Problem::document(value, message, expected).at(self.line, self.column()))
    }

    /// Says what the whole text is, where it surely is no JSON.
    fn begins(&self) -> Result<(), Box<Problem>> {
        const JSON: &str = "an object in JSON, as `{ \"version\": 1, \"rules\": [ … ] }`";
        let words = ["true", "false", "null"];
        match self.rest().as_bytes() {
            [] => Err(self.unexpected("the policy is empty", JSON)),
            [b'a'..=b'z' | b'A'..=b'Z' | b'#', ..] | [b'-', b'-' | b' ', ..]
                if !words.iter().any(|word| self.rest().starts_with(word)) =>
            {
                let message = "the policy is not JSON; YAML has to be converted";
                Err(self.unexpected(message, JSON))
            }
            _ => Ok(()),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Box<Problem>> {
        if depth > MAX_DEPTH {
            return Err(self.unexpected("values are nested too deeply", "at most 32 levels"));
        }
        let (line, column) = (self.line, self.column());
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            _ => self.word()?,
        };
        Ok(Node {
            line,
            column,
            value,
        })
    }

    fn word(&mut self) -> Result<Value, Box<Problem>> {
        for (word, value) in [
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("null", Value::Null),
        ] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(match self.peek() {
            None => self.unexpected("the text ends where a value should begin", "a JSON value"),
            Some(b'\'') => self.unexpected(
                "strings are not written in single quotes",
                "a string in double quotes",
            ),
            Some(b'/' | b'#') => self.unexpected("JSON has no comments", "a JSON value"),
            Some(b']' | b'}') => self.unexpected(
                "a value is missing (is there a comma too many?)",
                "a JSON value",
            ),
            Some(_) => self.unexpected("this does not begin a value", "a JSON value"),
        })
    }

    fn array(&mut self, depth: usize) -> Result<Value, Box<Problem>> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return Err(self.unexpected("the array is not closed", "`,` or `]`")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Box<Problem>> {
        self.at += 1;
        let mut members = Vec::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let (line, column) = (self.line, self.column());
            if self.peek() != Some(b'"') {
                return Err(self.unexpected(
                    "a field name is missing here",
                    "a field name in double quotes",
                ));
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("the field has no value", "`:` and a value"));
            }
            self.at += 1;
            self.space();
            let value = self.value(depth + 1)?;
            members.push(Member {
                line,
                column,
                key,
                value,
            });
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(members));
                }
                _ => return Err(self.unexpected("the object is not closed", "`,` or `}`")),
            }
        }
    }

    fn number(&mut self) -> Result<String, Box<Problem>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => {
                self.at += 1;
                if matches!(self.peek(), Some(b'0'..=b'9')) {
                    return Err(self.unexpected("numbers have no leading zero", "a JSON number"));
                }
            }
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.unexpected("this is not a number", "a digit")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default().to_owned())
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Box<Problem>> {
        let start = self.at;
        self.digits();
        if start == self.at {
            return Err(self.unexpected("this is not a number", "a digit"));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, Box<Problem>> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return Err(self.unexpected("the string is not closed", "`\"`"));
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(out);
                }
                '\\' => out.push(self.escape()?),
                c if c < ' ' => {
                    return Err(self.unexpected(
                        "a string holds no bare control character",
                        "an escape such as `\\n`",
                    ));
                }
                c => {
                    self.at += c.len_utf8();
                    out.push(c);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Box<Problem>> {
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => {
                return Err(self.unexpected(
                    "JSON knows no such escape",
                    "`\\\\` for a backslash, or one of \\\" \\/ \\b \\f \\n \\r \\t \\u",
                ));
            }
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode(&mut self) -> Result<char, Box<Problem>> {
        let first = self.hex()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            if !self.rest().starts_with("\\u") {
                return Err(self.unexpected(
                    "half of a surrogate pair is missing",
                    "a second `\\u` escape",
                ));
            }
            self.at += 2;
            let second = self.hex()?;
            match second.checked_sub(0xdc00) {
                Some(low) if low < 0x400 => 0x10000 + ((first - 0xd800) << 10) + low,
                _ => return Err(self.unexpected("this is no surrogate pair", "a low surrogate")),
            }
        } else {
            first
        };
        char::from_u32(code)
            .ok_or_else(|| self.unexpected("this escape is no character", "a Unicode scalar value"))
    }

    fn hex(&mut self) -> Result<u32, Box<Problem>> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|d| u32::from_str_radix(d, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(self.unexpected(
                "`\\u` needs four hexadecimal digits",
                "four hexadecimal digits",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Value, parse};
    use proptest::prelude::*;

    /// What `serde_json` would make of the tree; of fields that are there twice it keeps the last.
    fn same(node: &Node, theirs: &serde_json::Value) -> bool {
        match (&node.value, theirs) {
            (Value::Null, serde_json::Value::Null) => true,
            (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
            (Value::Number(a), serde_json::Value::Number(b)) => {
                a.parse::<f64>().ok() == b.as_f64() || *a == b.to_string()
            }
            (Value::String(a), serde_json::Value::String(b)) => a == b,
            (Value::Array(a), serde_json::Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Value::Object(a), serde_json::Value::Object(b)) => b.iter().all(|(key, value)| {
                a.iter()
                    .rev()
                    .find(|m| m.key == *key)
                    .is_some_and(|m| same(&m.value, value))
            }),
            _ => false,
        }
    }

    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just(":"),
            Just("\"a\""),
            Just("\"\\u00e9\\n\""),
            Just("\"\\ud83d\\ude00\""),
            Just("\"\\ud83d\""),
            Just("\"\\udc00\""),
            Just("\"\\/\\\\\""),
            Just("\"\\a\""),
            Just("\"é\""),
            Just("\""),
            Just("1"),
            Just("-"),
            Just("0"),
            Just("1.5"),
            Just("1e3"),
            Just("."),
            Just("e"),
            Just("+"),
            Just("true"),
            Just("false"),
            Just("null"),
            Just("nul"),
            Just(" "),
            Just("\n"),
            Just("\t"),
            Just("\u{b}"),
            Just("\u{feff}"),
            Just("{\"a\":"),
            Just("[1,"),
            Just("/"),
            Just("'"),
        ];
        prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn json_is_what_serde_json_takes_for_json(text in text()) {
            // Ours lets a byte order mark pass at the very beginning.
            let theirs = serde_json::from_str::<serde_json::Value>(text.strip_prefix('\u{feff}').unwrap_or(&text));
            match (parse(text.as_bytes()), theirs) {
                (Ok(ours), Ok(theirs)) => prop_assert!(same(&ours, &theirs), "{:?}: {:?}", text, ours),
                (Err(_), Err(_)) => {}
                (Ok(_), Err(error)) if error.to_string().contains("out of range") => {}
                (ours, theirs) => prop_assert!(false, "{:?}: {:?} {:?}", text, ours, theirs),
            }
        }

        #[test]
        fn what_serde_json_writes_is_read_back(
            key in ".{0,8}", text in ".{0,16}", number in any::<i64>(), float in -1e9f64..1e9, flag in any::<bool>(),
        ) {
            let value = serde_json::json!({ key: [text, number, float, flag, null, {}, []] });
            let ours = parse(value.to_string().as_bytes()).unwrap();
            prop_assert!(same(&ours, &value), "{}: {:?}", value, ours);
        }
    }
}
