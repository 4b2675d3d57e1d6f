//! How an audit lies in a log: as it was written, inside a string of JSON, or inside a field of CSV.

use std::sync::LazyLock;

use memchr::memmem;
use palisade_audit::{Borrowed, parse_in_csv, parse_in_json};

use super::scan::MARK;

/// Made once: it takes longer to make than to go through a line.
static MARKS: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(MARK));

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
    /// What is before has been looked at, and its audits were handed over.
    Until(usize),
}

/// Whoever takes the audits, one after the other. They lie in the log's bytes, or in a string that was decoded out of them.
pub type Taker<'t> = dyn FnMut(&Borrowed<'_>) + 't;

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

/// Hands over the audits that the mark at `at` stands in.
pub fn audits(window: &Window<'_>, at: usize, take: &mut Taker<'_>) -> Found {
    audits_within(window, at, 0, take)
}

fn audits_within(window: &Window<'_>, at: usize, depth: usize, take: &mut Taker<'_>) -> Found {
    let behind = window
        .bytes
        .get(at + MARK.len()..window.end)
        .unwrap_or_default();
    let before = window.bytes.get(window.from..at).unwrap_or_default();
    if behind.len() < 8 && !window.whole {
        return Found::Cut;
    }
    if before.ends_with(b"\"\"") && is_key(behind, b"\"\"") {
        csv(window, at, take)
    } else if before.ends_with(b"\\\"") && behind.starts_with(b"\\") {
        string(window, at, depth, take)
    } else if before.ends_with(b"\"") && is_key(behind, b"\"") {
        plain(window, at, take)
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
fn plain(window: &Window<'_>, at: usize, take: &mut Taker<'_>) -> Found {
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
        match read(&near, near.from + brace, palisade_audit::parse_prefix) {
            Ok((audit, end)) if end > at => {
                take(&audit);
                return Found::Until(end);
            }
            Ok(_) | Err(Bad::Wrong) => {}
            Err(Bad::Cut) => cut = true,
        }
    }
    if cut { Found::Cut } else { Found::Damaged }
}

/// Inside a string of JSON: `filter-log-events`, subscriptions, and whatever else wraps lines.
fn string(window: &Window<'_>, at: usize, depth: usize, take: &mut Taker<'_>) -> Found {
    let before = window.bytes.get(window.from..at).unwrap_or_default();
    // No string goes beyond its line. One that is longer than any event of a log is passed over as a whole, with all the marks in it.
    let line = || {
        let rest = window.bytes.get(at..window.end).unwrap_or_default();
        Found::Until(at + memchr::memchr(b'\n', rest).unwrap_or(rest.len()))
    };
    let Some(quote) = opening_quote(before) else {
        return line();
    };
    let head = before.get(..quote).unwrap_or_default();
    let start = window.from + quote + 1;
    if depth < DEPTH
        && let Some((audit, end)) = alone(window, start, parse_in_json, IN_JSON)
        && end > at
        && wraps_lines(head)
    {
        take(&audit);
        return Found::Until(end);
    }
    let (text, end) = match read(window, window.from + quote, string_of) {
        Ok((text, end)) if end > at => (text, end),
        Err(Bad::Cut) => return Found::Cut,
        _ => return line(),
    };
    if !wraps_lines(head) {
        return Found::Until(end);
    }
    let mut any = false;
    for line in text.lines() {
        any |= within(line.as_bytes(), depth + 1, take);
    }
    if !any && text.trim_start().starts_with("{\"timestamp\":") {
        return Found::Damaged;
    }
    Found::Until(end)
}

/// Whether there was an audit.
fn within(line: &[u8], depth: usize, take: &mut Taker<'_>) -> bool {
    let mut any = false;
    if depth > DEPTH {
        return any;
    }
    let mut take = |audit: &Borrowed<'_>| {
        any = true;
        take(audit);
    };
    let window = Window {
        bytes: line,
        from: 0,
        end: line.len(),
        whole: true,
    };
    let (mut at, mut tries) = (0, 0);
    while let Some(found) = MARKS.find(line.get(at..).unwrap_or_default()) {
        at += found;
        match audits_within(&window, at, depth, &mut take) {
            Found::Until(end) => at = end,
            _ => at += 1,
        }
        tries += 1;
        if tries > TRIES {
            break;
        }
    }
    any
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
fn csv(window: &Window<'_>, at: usize, take: &mut Taker<'_>) -> Found {
    let rest = window.bytes.get(at..window.end).unwrap_or_default();
    let line = at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let before = window.bytes.get(window.from..at).unwrap_or_default();
    // The nearest quote that is not one of two.
    let mut end = before.len().saturating_sub(2);
    let start = loop {
        match memchr::memrchr(b'"', before.get(..end).unwrap_or_default()) {
            None => return Found::Until(line),
            Some(quote) if quote > 0 && before.get(quote - 1) == Some(&b'"') => end = quote - 1,
            Some(quote) => break window.from + quote + 1,
        }
    };
    if let Some((audit, end)) = alone(window, start, parse_in_csv, IN_CSV)
        && end > at
    {
        take(&audit);
        return Found::Until(end);
    }
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
            _ => return Found::Until(line),
        }
    }
    if from <= at {
        return Found::Nothing;
    }
    let mut any = false;
    let mut rest = text.as_slice();
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, behind) = rest.split_at_checked(end).unwrap_or_default();
        any |= within(line, 1, take);
        rest = behind.get(1..).unwrap_or_default();
    }
    if any {
        Found::Until(from)
    } else {
        Found::Damaged
    }
}

/// What may be between a record and the quote that ends what it is wrapped in: nothing, or a newline, as each wrapping has it.
type Ends = [&'static [u8]; 2];
const IN_JSON: Ends = [b"\"", b"\\n\""];
const IN_CSV: Ends = [b"\"", b"\n\""];

/// The record that begins at `start` and is all that its string or field holds, as services of AWS have it mostly, and where that ends. It is read
/// where it lies; everything else is decoded first.
fn alone<'a>(
    window: &Window<'a>,
    start: usize,
    parse: impl Fn(&'a [u8]) -> Option<(Borrowed<'a>, usize)>,
    ends: Ends,
) -> Option<(Borrowed<'a>, usize)> {
    let bytes = window.bytes.get(start..window.end)?;
    let (audit, length) = parse(bytes)?;
    let behind = bytes.get(length..)?;
    let end = ends.into_iter().find(|end| behind.starts_with(end))?.len();
    // In CSV two quotes are one; what is behind the last byte is not known unless nothing follows.
    match behind.get(end) {
        Some(b'"') => None,
        None if !window.whole => None,
        _ => Some((audit, start + length + end)),
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

/// What `parse` makes of the bytes from `from` on, and where it ends.
fn read<'a, T>(
    window: &Window<'a>,
    from: usize,
    parse: impl Fn(&'a [u8]) -> serde_json::Result<(T, usize)>,
) -> Result<(T, usize), Bad> {
    let bytes = window.bytes.get(from..window.end).unwrap_or_default();
    match parse(bytes) {
        Ok((value, length)) => Ok((value, from + length)),
        Err(cause) if cause.is_eof() && !window.whole => Err(Bad::Cut),
        Err(_) => Err(Bad::Wrong),
    }
}

/// The string of JSON that the bytes begin with.
fn string_of(bytes: &[u8]) -> serde_json::Result<(String, usize)> {
    if let Some(read) = quickly(bytes) {
        return Ok(read);
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter();
    let text = values.next().unwrap_or_else(|| Ok(String::new()))?;
    Ok((text, values.byte_offset()))
}

/// The same, of one whose escapes are of one letter, as in lines of logs nearly all are, with one copy and no calls between them.
fn quickly(bytes: &[u8]) -> Option<(String, usize)> {
    let whole = bytes.strip_prefix(b"\"")?;
    let mut text = Vec::with_capacity(1024);
    let mut rest = whole;
    loop {
        let (plain, behind) = rest.split_at_checked(memchr::memchr2(b'"', b'\\', rest)?)?;
        text.extend_from_slice(plain);
        rest = match behind {
            [b'"', rest @ ..] => {
                let length = bytes.len() - rest.len();
                let raw = bytes.get(..length)?;
                // Without an early end, so that it goes by many bytes at once.
                let control = raw.iter().fold(false, |any, byte| any | (*byte < b' '));
                let text = String::from_utf8(text).ok()?;
                return (!control).then_some((text, length));
            }
            [_, escaped, rest @ ..] => {
                text.push(match escaped {
                    b'"' | b'\\' | b'/' => *escaped,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return None,
                });
                rest
            }
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_field_holds_beside_a_record_its_audits_are_those_of_its_lines() {
        const AUDIT: &str = r#"{"timestamp":"2026-11-25T18:47:00Z","palisade":1,"msg":"a \"b\" ä \\","domain":"x.example"}"#;
        const OTHER: &str = r#"{"palisade":1,"timestamp":"","domain":"y.example"}"#;
        let texts = [
            "{1}",
            "{1}\n",
            "{1}\r\n",
            "{1}\n\n",
            "{1} ",
            "{1}\"",
            "{1}\"\n",
            "{1}\\",
            "{1}x",
            "{1}\n{1}\n",
            "{1}{2}",
            "{1}\n{2}",
            "{2}",
            " {1}",
            "2026 {1}",
            "\n{1}",
            "\"{1}\"",
            "\"{1}",
            "[{1},{2}]",
            "{1}\nsaid \"palisade\"\n",
            "{\"message\":\"{1}\"}",
        ];
        for text in texts {
            let text = text.replace("{1}", AUDIT).replace("{2}", OTHER);
            let mut wanted = Vec::new();
            for line in text.lines() {
                within(line.as_bytes(), 1, &mut |audit| {
                    wanted.push(audit.domain.as_deref().map(str::to_owned))
                });
            }
            let csv = format!("a,\"{}\",b\n", text.replace('"', "\"\""));
            let json = format!(
                "{{\"message\":{}}}\n",
                serde_json::Value::from(text.as_str())
            );
            let under_another_key =
                format!("{{\"words\":{}}}\n", serde_json::Value::from(text.as_str()));
            for (wrapped, wanted) in [
                (csv, wanted.as_slice()),
                (json, &wanted),
                (under_another_key, &[]),
            ] {
                for whole in [true, false] {
                    let mut found = Vec::new();
                    let window = Window {
                        bytes: wrapped.as_bytes(),
                        from: 0,
                        end: wrapped.len(),
                        whole,
                    };
                    let mut at = 0;
                    while let Some(mark) =
                        MARKS.find(wrapped.as_bytes().get(at..).unwrap_or_default())
                    {
                        at += mark;
                        match audits(&window, at, &mut |audit| {
                            found.push(audit.domain.as_deref().map(str::to_owned))
                        }) {
                            Found::Until(end) => at = end,
                            Found::Cut => panic!("{wrapped}"),
                            _ => at += 1,
                        }
                    }
                    assert_eq!(found, wanted, "{wrapped}");
                }
            }
        }
    }

    #[test]
    fn a_string_is_read_quickly_as_json_has_it() {
        let pieces = [
            "",
            "\"",
            "\\",
            "\\\"",
            "\\n",
            "\\/",
            "\\u0041",
            "\\x",
            "\n",
            "\x1f",
            "a b",
            "ä\u{1f600}",
            ",",
            "\u{7f}",
        ];
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let json = format!("\"{first}{second}x{third}");
                    let slow = serde_json::Deserializer::from_str(&json)
                        .into_iter::<String>()
                        .next()
                        .and_then(Result::ok);
                    let quick = string_of(json.as_bytes()).ok().map(|(text, _)| text);
                    assert_eq!(quick, slow, "{json:?}");
                    if let Some((text, length)) = quickly(json.as_bytes()) {
                        let read = json.get(..length).map(serde_json::from_str::<String>);
                        assert_eq!(read.map(Result::ok), Some(Some(text)), "{json:?}");
                    }
                }
            }
        }
        let mut broken = b"\"\xff\"".to_vec();
        assert!(string_of(&broken).is_err());
        broken.pop();
        assert!(string_of(&broken).is_err());
        assert!(quickly(b"\"a \\\"b\\\"\"").is_some());
    }
}
