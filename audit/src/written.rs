//! Records in the form in which [`crate::Record`] writes them: its order of fields, no spaces, and texts that mostly have no escapes.
//!
//! For logs of nothing but records, in which a parser of all JSON is what takes longest. What is written otherwise is left to that parser: here it is only
//! not known. What both can read they read alike; the tests hold one against the other.

use std::vec::Vec;

use crate::read::{Borrowed, Str};

/// The record that `bytes` begin with, and its length. `None`: not in this form; it may still be a record.
pub fn read(bytes: &[u8]) -> Option<(Borrowed<'_>, usize)> {
    let mut rest = Rest(bytes);
    let mut audit = Borrowed::default();
    rest.pass(b"{\"timestamp\":")?;
    audit.timestamp = rest.string()?;
    if rest.has(b",\"level\":") {
        audit.level = rest.string()?;
    }
    rest.pass(b",\"palisade\":")?;
    audit.palisade = rest.number()?.try_into().ok()?;
    if rest.has(b",\"type\":") {
        audit.kind = rest.string()?;
    }
    if rest.has(b",\"attack\":") {
        audit.attack = rest.string()?;
    }
    if rest.has(b",\"effect\":") {
        audit.effect = Some(rest.string()?);
    }
    if rest.has(b",\"rule\":") {
        audit.rule = Some(rest.string()?);
    }
    if rest.has(b",\"enforce_after\":") {
        audit.enforce_after = Some(rest.string()?);
    }
    if rest.has(b",\"msg\":") {
        audit.msg = rest.string()?;
    }
    if rest.has(b",\"function\":") {
        audit.function = rest.string()?;
    }
    if rest.has(b",\"region\":") {
        audit.region = rest.string()?;
    }
    if rest.has(b",\"pid\":") {
        audit.pid = rest.number()?.try_into().ok()?;
    }
    if rest.has(b",\"ppid\":") {
        audit.ppid = rest.number()?.try_into().ok()?;
    }
    if rest.has(b",\"process\":") {
        audit.process = rest.string()?;
    }
    if rest.has(b",\"command\":") {
        audit.command = Some(rest.string()?);
    }
    if rest.has(b",\"ip\":") {
        audit.ip = Some(rest.string()?);
    }
    if rest.has(b",\"port\":") {
        audit.port = Some(rest.number()?.try_into().ok()?);
    }
    if rest.has(b",\"domain\":") {
        audit.domain = Some(rest.string()?);
    }
    if rest.has(b",\"path\":") {
        audit.path = Some(rest.string()?);
    }
    if rest.has(b",\"access\":") {
        audit.access = Some(rest.string()?);
    }
    if rest.has(b",\"count\":") {
        audit.count = Some(rest.number()?);
    }
    if rest.has(b",\"techniques\":") {
        audit.techniques = rest.strings()?;
    }
    if rest.has(b",\"truncated\":") {
        audit.truncated = rest.strings()?;
    }
    rest.pass(b"}")?;
    Some((audit, bytes.len() - rest.0.len()))
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn has(&mut self, text: &[u8]) -> bool {
        self.pass(text).is_some()
    }

    fn pass(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Digits as JSON has them, and so few that they make no number too large.
    fn number(&mut self) -> Option<u64> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit());
        let (digits, rest) = self.0.split_at_checked(length.count())?;
        let plain = match digits {
            [b'0'] => true,
            [first, ..] => *first != b'0' && digits.len() < 19,
            [] => false,
        };
        // A fraction or an exponent may be behind it, or the next bytes of a log that is still being read.
        if !plain || !matches!(rest.first()?, b',' | b'}') {
            return None;
        }
        self.0 = rest;
        let add = |value, digit: &u8| value * 10 + u64::from(digit - b'0');
        Some(digits.iter().fold(0, add))
    }

    fn strings(&mut self) -> Option<Vec<Str<'a>>> {
        let mut strings = Vec::new();
        self.pass(b"[")?;
        if self.has(b"]") {
            return Some(strings);
        }
        loop {
            strings.push(self.string()?);
            if self.has(b"]") {
                return Some(strings);
            }
            self.pass(b",")?;
        }
    }

    fn string(&mut self) -> Option<Str<'a>> {
        let whole = self.0;
        self.pass(b"\"")?;
        let (mut end, mut has_escapes) = (1, false);
        loop {
            end += special(whole.get(end..)?)?;
            match whole.get(end)? {
                b'"' => break,
                b'\\' => {
                    has_escapes = true;
                    end += 2;
                }
                0x80.. => end += 1,
                _ => return None,
            }
        }
        let (text, rest) = whole.split_at_checked(end + 1)?;
        self.0 = rest;
        if has_escapes {
            return serde_json::from_slice(text).ok();
        }
        core::str::from_utf8(text.get(1..end)?).ok().map(Str::from)
    }
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
                let end = read(line).map(|(_, end)| end + 1);
                assert_eq!(end, Some(length), "{}", String::from_utf8_lossy(line));
            }
        }
    }
}
