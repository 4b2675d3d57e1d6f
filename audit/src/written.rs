//! Records in the form in which [`crate::Record`] writes them: its order of fields, no spaces, and texts that mostly have no escapes; as they were
//! written, or as they lie in a field of CSV or in a string of JSON, whose own decoding would copy each of them first.
//!
//! For logs of nothing but records, in which a parser of all JSON is what takes longest. What is written otherwise is left to that parser: here it is only
//! not known. What both can read they read alike; the tests hold one against the other.

use core::marker::PhantomData;
use std::string::String;
use std::vec::Vec;

use crate::read::{Borrowed, Str};

/// What became of the bytes of a record on their way into a log.
pub trait Wrapping {
    /// What stands for a quote of the record.
    const QUOTE: &'static str;

    /// At a quote, a backslash, or what else cannot be passed over in a text: what that is, and how many bytes it takes. `None`: no record can have it
    /// here.
    fn at(bytes: &[u8]) -> Option<(Special, usize)>;

    /// The bytes of a text, between its quotes, as they were in the record.
    fn unwrap(text: &str, into: &mut Vec<u8>) -> Option<()>;
}

/// What a text has besides letters.
pub enum Special {
    /// The end of it.
    Quote,
    /// An escape of the record's own, or one that it was wrapped in.
    Escape,
    /// A byte beyond ASCII.
    Beyond,
}

/// As it was written.
pub struct Plain;

impl Wrapping for Plain {
    const QUOTE: &'static str = "\"";

    #[inline]
    fn at(bytes: &[u8]) -> Option<(Special, usize)> {
        match bytes {
            [b'"', ..] => Some((Special::Quote, 1)),
            [b'\\', _, ..] => Some((Special::Escape, 2)),
            [byte, ..] if !byte.is_ascii() => Some((Special::Beyond, 1)),
            _ => None,
        }
    }

    fn unwrap(text: &str, into: &mut Vec<u8>) -> Option<()> {
        into.extend_from_slice(text.as_bytes());
        Some(())
    }
}

/// In a quoted field of CSV (RFC 4180): a quote is two.
pub struct Csv;

impl Wrapping for Csv {
    const QUOTE: &'static str = "\"\"";

    #[inline]
    fn at(bytes: &[u8]) -> Option<(Special, usize)> {
        match bytes {
            [b'"', b'"', ..] => Some((Special::Quote, 2)),
            [b'\\', b'"', b'"', ..] => Some((Special::Escape, 3)),
            // One quote is the end of the field.
            [b'\\', b'"', ..] => None,
            [b'\\', _, ..] => Some((Special::Escape, 2)),
            [byte, ..] if !byte.is_ascii() => Some((Special::Beyond, 1)),
            _ => None,
        }
    }

    fn unwrap(text: &str, into: &mut Vec<u8>) -> Option<()> {
        let mut parts = text.split("\"\"");
        into.extend_from_slice(parts.next()?.as_bytes());
        for part in parts {
            into.push(b'"');
            into.extend_from_slice(part.as_bytes());
        }
        Some(())
    }
}

/// In a string of JSON: a quote has a backslash before it, as a backslash has.
pub struct Json;

impl Wrapping for Json {
    const QUOTE: &'static str = "\\\"";

    #[inline]
    fn at(bytes: &[u8]) -> Option<(Special, usize)> {
        match bytes {
            [b'\\', b'"', ..] => Some((Special::Quote, 2)),
            [b'\\', b'\\', b'\\', _, ..] => Some((Special::Escape, 4)),
            // One quote is the end of the string.
            [b'\\', b'\\', b'"', ..] => None,
            [b'\\', b'\\', _, ..] => Some((Special::Escape, 3)),
            // An escape that only the wrapping has; if it stands for a quote or a backslash, the text cannot be read.
            [b'\\', _, ..] => Some((Special::Escape, 2)),
            [byte, ..] if !byte.is_ascii() => Some((Special::Beyond, 1)),
            _ => None,
        }
    }

    fn unwrap(text: &str, into: &mut Vec<u8>) -> Option<()> {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('"');
        quoted.push_str(text);
        quoted.push('"');
        let unwrapped: String = serde_json::from_str(&quoted).ok()?;
        into.extend_from_slice(unwrapped.as_bytes());
        Some(())
    }
}

/// Most records are not longer, and no record is longer than so many bytes with all that its wrapping adds.
const MOSTLY: usize = 1 << 10;
const LONGEST: usize = 1 << 14;

/// The record that `bytes` begin with, and its length. `None`: not in this form; it may still be a record.
pub fn read<W: Wrapping>(bytes: &[u8]) -> Option<(Borrowed<'_>, usize)> {
    let start = bytes
        .strip_prefix(b"{")?
        .strip_prefix(W::QUOTE.as_bytes())?;
    let start = start.strip_prefix(b"timestamp")?;
    let start = start
        .strip_prefix(W::QUOTE.as_bytes())?
        .strip_prefix(b":")?;
    let from = bytes.len() - start.len();
    // That it is text is seen once for all of it: for each of its words by itself takes as long as all the rest.
    // No record goes beyond its line, however it is wrapped.
    let within = |most: usize| {
        let near = bytes.get(..bytes.len().min(most))?;
        let near = near.get(..memchr::memchr(b'\n', near).unwrap_or(near.len()))?;
        let text = core::str::from_utf8(near)
            .or_else(|cut| core::str::from_utf8(near.get(..cut.valid_up_to()).unwrap_or_default()));
        fields::<W>(text.ok()?, from)
    };
    within(MOSTLY).or_else(|| (bytes.len() > MOSTLY).then(|| within(LONGEST))?)
}

/// What `text` says from the first value on.
fn fields<W: Wrapping>(text: &str, from: usize) -> Option<(Borrowed<'_>, usize)> {
    let mut rest = Rest::<W>(text.get(from..)?, PhantomData);
    let mut audit = Borrowed {
        timestamp: rest.string()?,
        ..Borrowed::default()
    };
    if rest.next("level") {
        audit.level = rest.string()?;
    }
    if !rest.next("palisade") {
        return None;
    }
    audit.palisade = rest.number()?.try_into().ok()?;
    if rest.next("type") {
        audit.kind = rest.string()?;
    }
    if rest.next("attack") {
        audit.attack = rest.string()?;
    }
    if rest.next("effect") {
        audit.effect = Some(rest.string()?);
    }
    if rest.next("rule") {
        audit.rule = Some(rest.string()?);
    }
    if rest.next("enforce_after") {
        audit.enforce_after = Some(rest.string()?);
    }
    if rest.next("msg") {
        audit.msg = rest.string()?;
    }
    if rest.next("function") {
        audit.function = rest.string()?;
    }
    if rest.next("region") {
        audit.region = rest.string()?;
    }
    if rest.next("pid") {
        audit.pid = rest.number()?.try_into().ok()?;
    }
    if rest.next("ppid") {
        audit.ppid = rest.number()?.try_into().ok()?;
    }
    if rest.next("process") {
        audit.process = rest.string()?;
    }
    if rest.next("command") {
        audit.command = Some(rest.string()?);
    }
    if rest.next("ip") {
        audit.ip = Some(rest.string()?);
    }
    if rest.next("port") {
        audit.port = Some(rest.number()?.try_into().ok()?);
    }
    if rest.next("domain") {
        audit.domain = Some(rest.string()?);
    }
    if rest.next("path") {
        audit.path = Some(rest.string()?);
    }
    if rest.next("access") {
        audit.access = Some(rest.string()?);
    }
    if rest.next("count") {
        audit.count = Some(rest.number()?);
    }
    if rest.next("techniques") {
        audit.techniques = rest.strings()?;
    }
    if rest.next("truncated") {
        audit.truncated = rest.strings()?;
    }
    rest.pass("}")?;
    Some((audit, text.len() - rest.0.len()))
}

/// What is still to be read.
struct Rest<'a, W>(&'a str, PhantomData<W>);

impl<'a, W: Wrapping> Rest<'a, W> {
    #[inline]
    fn has(&mut self, text: &str) -> bool {
        self.pass(text).is_some()
    }

    #[inline]
    fn pass(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Whether the next field is this one; its name is passed then. Within its caller, where the name is known, it is compared without a call.
    #[inline(always)]
    fn next(&mut self, name: &str) -> bool {
        let mut rest = self.0;
        for part in [",", W::QUOTE, name, W::QUOTE, ":"] {
            let Some(behind) = rest.strip_prefix(part) else {
                return false;
            };
            rest = behind;
        }
        self.0 = rest;
        true
    }

    /// Digits as JSON has them, and so few that they make no number too large.
    fn number(&mut self) -> Option<u64> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit);
        let (digits, rest) = self.0.split_at_checked(digits.count())?;
        let plain = match digits.as_bytes() {
            [b'0'] => true,
            [first, ..] => *first != b'0' && digits.len() < 19,
            [] => false,
        };
        // A fraction or an exponent may be behind it, or the next bytes of a log that is still being read.
        if !plain || !rest.starts_with([',', '}']) {
            return None;
        }
        self.0 = rest;
        let add = |value, digit: u8| value * 10 + u64::from(digit - b'0');
        Some(digits.bytes().fold(0, add))
    }

    fn strings(&mut self) -> Option<Vec<Str<'a>>> {
        let mut strings = Vec::new();
        self.pass("[")?;
        if self.has("]") {
            return Some(strings);
        }
        loop {
            strings.push(self.string()?);
            if self.has("]") {
                return Some(strings);
            }
            self.pass(",")?;
        }
    }

    fn string(&mut self) -> Option<Str<'a>> {
        self.pass(W::QUOTE)?;
        let whole = self.0;
        let bytes = whole.as_bytes();
        let (mut end, mut has_escapes) = (0, false);
        let after = loop {
            end += special(bytes.get(end..)?)?;
            match W::at(bytes.get(end..)?)? {
                (Special::Quote, length) => break end + length,
                (Special::Escape, length) => {
                    has_escapes = true;
                    end += length;
                }
                (Special::Beyond, length) => end += length,
            }
        };
        let text = whole.get(..end)?;
        self.0 = whole.get(after..)?;
        if has_escapes {
            return decoded::<W>(text);
        }
        Some(Str::from(text))
    }
}

/// A text with escapes, given without its quotes.
#[cold]
fn decoded<'a, W: Wrapping>(text: &str) -> Option<Str<'a>> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    quoted.push(b'"');
    W::unwrap(text, &mut quoted)?;
    quoted.push(b'"');
    let text: String = serde_json::from_slice(&quoted).ok()?;
    Some(Str::from(text))
}

/// Where the first byte is that is more than a letter of a text: a quote, a backslash, a control character, one beyond ASCII.
fn special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHS: u64 = ONES << 7;
    let mut passed = 0;
    let mut rest = bytes;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        // The high bit of each byte that is less than `limit`. A borrow may mark bytes above the lowest of these, which is the one that counts.
        let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let escape = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = (quote | escape | below(word, 0x20) | word) & HIGHS;
        if found != 0 {
            return Some(passed + found.trailing_zeros() as usize / 8);
        }
        passed += 8;
        rest = behind;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20 | 0x80..);
    rest.iter().position(is_special).map(|at| passed + at)
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;
    use crate::{Effect, Kind, Level, Message, Record, Subject, Text, Timestamp};

    /// The other parser would read it too, so that only the speed would tell.
    #[test]
    fn what_the_writer_writes_is_known() {
        let subjects = [
            Subject::None,
            Subject::Process {
                path: b"/usr/bin/dash",
                command: Text::Parts(&[b"sh -c \"id\"\n\xff"]),
            },
            Subject::Connect {
                ip: [10, 1, 2, 3].into(),
                port: 443,
                name: Some(b"a.example"),
            },
            Subject::Listen { ip: None, port: 80 },
            Subject::Resolve {
                domain: "ä.example".as_bytes(),
            },
            Subject::File {
                path: &[b'x'; 5000],
                access: crate::Access::ReadWrite,
            },
        ];
        for subject in subjects {
            for count in [1, 7] {
                let mut out = [0; crate::LINE_MAX];
                let length = Record {
                    timestamp: Timestamp {
                        seconds: 0,
                        nanoseconds: 0,
                    },
                    level: Level::Warn,
                    kind: Kind::Dns,
                    attack: "unlisted-domain",
                    effect: Some(Effect::Alert),
                    rule: Some(b"pay\nments"),
                    enforce_after: Some("2026-12-01T00:00:00Z"),
                    msg: Message::Breach,
                    function: b"pay-invoice",
                    region: b"eu-west-1",
                    pid: 17,
                    ppid: 0,
                    process: b"/usr/bin/wget",
                    subject,
                    count,
                    techniques: &["T1059", "T1071.004"],
                }
                .write(&mut out);
                let line = out.get(..length).unwrap_or_default();
                let text = String::from_utf8_lossy(line);
                let end = read::<Plain>(line).map(|(_, end)| end + 1);
                assert_eq!(end, Some(length), "{text}");
                let field = text.replace('"', "\"\"");
                let end = read::<Csv>(field.as_bytes()).map(|(_, end)| end + 1);
                assert_eq!(end, Some(field.len()), "{field}");
                let string = text.replace('\\', "\\\\").replace('"', "\\\"");
                let end = read::<Json>(string.as_bytes()).map(|(_, end)| end + 1);
                assert_eq!(end, Some(string.len()), "{string}");
            }
        }
    }
}
