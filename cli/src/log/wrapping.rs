//! How an audit lies in a log: as it was written, inside a string of JSON, or inside a field of CSV.

use memchr::memmem;
use palisade_audit::Owned;
use serde::de::DeserializeOwned;

use super::scan::MARK;

/// The bytes around a mark.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    pub bytes: &'a [u8],
    pub from: usize,
    pub end: usize,
    /// Nothing will come behind `end` that could matter.
    pub whole: bool,
}

/// What a mark stands for.
pub enum Found {
    /// Somebody wrote the word.
    Nothing,
    /// More bytes are needed to know.
    Cut,
    /// An audit that cannot be read.
    Damaged,
    /// Audits, and where to go on.
    Audits(Vec<Owned>, usize),
}

/// The keys under which services of AWS and their like wrap a line of a log. A string under any other key is not looked into: in an audit
/// that came through a tool which sorts fields, the attacker's own words may look like one.
const KEYS: [&[u8]; 10] = [
    b"message",
    b"@message",
    b"Message",
    b"value",
    b"log",
    b"body",
    b"line",
    b"event",
    b"_raw",
    b"textPayload",
];

/// Strings inside strings are looked into so many times.
const DEPTH: usize = 3;

/// So far before and after its mark an audit reaches: 4,096 bytes, three times as many where another tool wrote `\uXXXX` for what is not ASCII.
const LONGEST: usize = 1 << 14;
/// Hostile lines can hold a mark in every twelve bytes; after so many in vain the line is given up.
pub const TRIES: usize = 16;

/// The audits that the mark at `at` stands in.
pub fn audits(window: &Window<'_>, at: usize) -> Found {
    audits_within(window, at, 0)
}

fn audits_within(window: &Window<'_>, at: usize, depth: usize) -> Found {
    let behind = window
        .bytes
        .get(at + MARK.len()..window.end)
        .unwrap_or_default();
    let before = window.bytes.get(window.from..at).unwrap_or_default();
    if behind.len() < 8 && !window.whole {
        return Found::Cut;
    }
    if before.ends_with(b"\"\"") && is_key(behind, b"\"\"") {
        csv(window, at)
    } else if before.ends_with(b"\\\"") && behind.starts_with(b"\\") {
        string(window, at, depth)
    } else if before.ends_with(b"\"") && is_key(behind, b"\"") {
        plain(window, at)
    } else {
        Found::Nothing
    }
}

fn is_key(behind: &[u8], quote: &[u8]) -> bool {
    behind
        .strip_prefix(quote)
        .is_some_and(|rest| rest.trim_ascii_start().first() == Some(&b':'))
}

/// As it was written. What stands before the object is passed over, since log viewers put a date and a stream name there, and other writers
/// do not always end their lines.
fn plain(window: &Window<'_>, at: usize) -> Found {
    let near = window.around(at, LONGEST);
    let before = near.bytes.get(near.from..at).unwrap_or_default();
    let line = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let first = memchr::memchr(b'{', before.get(line..).unwrap_or_default()).map(|at| line + at);
    // Then as the writer begins it, as tools that sort fields do, and as those do that print an object on many lines. None of these can lie
    // in a string, whose quotes and newlines have a backslash before them. What is left is the nearest brace.
    let candidates: [&dyn Fn() -> Option<usize>; 5] = [
        &|| first,
        &|| memmem::rfind(before, b"{\"timestamp\":\""),
        &|| memmem::rfind(before, b"{\"attack\":\""),
        &|| memmem::rfind(before, b"{\n"),
        &|| memchr::memrchr(b'{', before),
    ];
    let mut cut = false;
    for brace in candidates.into_iter().filter_map(|find| find()) {
        match value::<Owned>(&near, near.from + brace) {
            Ok((audit, end)) if end > at => return Found::Audits(vec![audit], end),
            Ok(_) | Err(Bad::Wrong) => {}
            Err(Bad::Cut) => cut = true,
        }
    }
    if cut { Found::Cut } else { Found::Damaged }
}

/// Inside a string of JSON: `filter-log-events`, subscriptions, and whatever else wraps lines.
fn string(window: &Window<'_>, at: usize, depth: usize) -> Found {
    let before = window.bytes.get(window.from..at).unwrap_or_default();
    // No string goes beyond its line. One that is longer than any event of a log is passed over as a whole, with all the marks in it.
    let rest = window.bytes.get(at..window.end).unwrap_or_default();
    let line = at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let Some(quote) = opening_quote(before) else {
        return Found::Audits(Vec::new(), line);
    };
    let head = before.get(..quote).unwrap_or_default();
    let (text, end) = match value::<String>(window, window.from + quote) {
        Ok((text, end)) if end > at => (text, end),
        Err(Bad::Cut) => return Found::Cut,
        _ => return Found::Audits(Vec::new(), line),
    };
    if !wraps_lines(head) {
        return Found::Audits(Vec::new(), end);
    }
    let mut audits = Vec::new();
    for line in text.lines() {
        within(line.as_bytes(), depth + 1, &mut audits);
    }
    if audits.is_empty() && text.trim_start().starts_with("{\"timestamp\":") {
        return Found::Damaged;
    }
    Found::Audits(audits, end)
}

fn within(line: &[u8], depth: usize, audits: &mut Vec<Owned>) {
    if depth > DEPTH {
        return;
    }
    let window = Window {
        bytes: line,
        from: 0,
        end: line.len(),
        whole: true,
    };
    let (mut at, mut tries) = (0, 0);
    while let Some(found) = memmem::find(line.get(at..).unwrap_or_default(), MARK) {
        at += found;
        match audits_within(&window, at, depth) {
            Found::Audits(found, end) => {
                audits.extend(found);
                at = end;
            }
            _ => at += 1,
        }
        tries += 1;
        if tries > TRIES {
            return;
        }
    }
}

/// The last quote that no backslash stands before.
fn opening_quote(before: &[u8]) -> Option<usize> {
    let mut end = before.len();
    loop {
        let quote = memchr::memrchr(b'"', before.get(..end)?)?;
        let escapes = before
            .get(..quote)?
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if escapes % 2 == 0 {
            return Some(quote);
        }
        end = quote - escapes;
    }
}

/// Whether the string that begins behind `head` is the value of one of [`KEYS`].
fn wraps_lines(head: &[u8]) -> bool {
    let Some(key) = head
        .trim_ascii_end()
        .strip_suffix(b":")
        .and_then(|head| head.trim_ascii_end().strip_suffix(b"\""))
    else {
        return false;
    };
    // In a string, the quotes of a key have a backslash before them; `within` looks at decoded text only.
    KEYS.iter().any(|name| {
        key.strip_suffix(*name)
            .is_some_and(|head| head.ends_with(b"\""))
    })
}

/// Inside a quoted field of CSV (RFC 4180): a quote is two.
fn csv(window: &Window<'_>, at: usize) -> Found {
    let rest = window.bytes.get(at..window.end).unwrap_or_default();
    let line = at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let before = window.bytes.get(window.from..at).unwrap_or_default();
    // The nearest quote that is not one of two.
    let mut end = before.len().saturating_sub(2);
    let start = loop {
        match memchr::memrchr(b'"', before.get(..end).unwrap_or_default()) {
            None => return Found::Audits(Vec::new(), line),
            Some(quote) if quote > 0 && before.get(quote - 1) == Some(&b'"') => end = quote - 1,
            Some(quote) => break window.from + quote + 1,
        }
    };
    let mut text = Vec::new();
    let mut from = start;
    loop {
        let rest = window.bytes.get(from..window.end).unwrap_or_default();
        match memchr::memchr(b'"', rest) {
            Some(quote) if rest.get(quote + 1) == Some(&b'"') => {
                text.extend_from_slice(rest.get(..=quote).unwrap_or_default());
                from += quote + 2;
            }
            Some(quote) if quote + 1 < rest.len() || window.whole => {
                text.extend_from_slice(rest.get(..quote).unwrap_or_default());
                from += quote + 1;
                break;
            }
            _ if !window.whole => return Found::Cut,
            _ => return Found::Audits(Vec::new(), line),
        }
    }
    if from <= at {
        return Found::Nothing;
    }
    let mut audits = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        within(line, 1, &mut audits);
    }
    if audits.is_empty() {
        Found::Damaged
    } else {
        Found::Audits(audits, from)
    }
}

/// Request and log stream of an invocation that begins at the mark at `at`.
pub fn start(window: &Window<'_>, at: usize) -> Option<(String, String)> {
    let behind = window.bytes.get(at..window.end.min(at + 256))?;
    let request = behind
        .windows(36)
        .find(|text| is_uuid(text))
        .map(|text| String::from_utf8_lossy(text).into_owned())?;
    Some((request, stream(window, at)))
}

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// The log stream that is named last before `at`, near it: `2026/11/20/[$LATEST]` and 32 digits, as Lambda names them. Empty: none.
pub fn stream(window: &Window<'_>, at: usize) -> String {
    let before = window
        .bytes
        .get(window.from.max(at.saturating_sub(1024))..at)
        .unwrap_or_default();
    memmem::rfind_iter(before, b"]")
        .find_map(|bracket| {
            let digits = before.get(bracket + 1..bracket + 33)?;
            digits
                .iter()
                .all(u8::is_ascii_hexdigit)
                .then(|| String::from_utf8_lossy(digits).into_owned())
        })
        .unwrap_or_default()
}

impl Window<'_> {
    /// Only what lies within `reach` of `at`.
    fn around(&self, at: usize, reach: usize) -> Self {
        Self {
            bytes: self.bytes,
            from: self.from.max(at.saturating_sub(reach)),
            end: self.end.min(at + reach),
            whole: self.whole || at + reach <= self.end,
        }
    }
}

enum Bad {
    Cut,
    Wrong,
}

/// One JSON value from `from` on, and where it ends.
fn value<T: DeserializeOwned>(window: &Window<'_>, from: usize) -> Result<(T, usize), Bad> {
    let bytes = window.bytes.get(from..window.end).unwrap_or_default();
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok((value, from + values.byte_offset())),
        Some(Err(cause)) if cause.is_eof() && !window.whole => Err(Bad::Cut),
        _ => Err(Bad::Wrong),
    }
}
