//! DNS questions of programs that bring their own resolver: read out of the message that they are about to send.
//!
//! RFC 1035 §4.1: a header of twelve bytes, then as many questions as QDCOUNT says, each a name in labels, a type and a class.
//! Over TCP two bytes of length come first (§4.2.2). Pure and safe: the bytes are an attacker's.

/// The longest name in text, without its root: RFC 1035 §3.1 has 255 bytes on the wire.
const NAME_MAX: usize = 254;

/// A message that is no question, or of which the names cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A name in text: labels joined by dots. A dot or a backslash within a label is escaped (RFC 4343 §2.1), so that it
/// cannot pass for a boundary of labels.
pub struct Question {
    name: [u8; 4 * NAME_MAX],
    len: usize,
}

impl Question {
    /// The name, without the dot of the root; empty for the root itself.
    pub fn name(&self) -> &[u8] {
        self.name.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let room = self
            .name
            .get_mut(self.len..self.len + bytes.len())
            .ok_or(Malformed)?;
        room.copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }
}

/// Calls `judge` with the name of each question of a message, until one says otherwise. `Ok(None)`: none did.
///
/// A compression pointer has no place in a question, before which there is no name to point to.
///
/// # Errors
/// `Malformed`: an answer instead of a question, no question at all, or one that does not end where its bytes do.
pub fn each<R>(
    message: &[u8],
    mut judge: impl FnMut(&[u8]) -> Option<R>,
) -> Result<Option<R>, Malformed> {
    let header = message.get(..12).ok_or(Malformed)?;
    let [_, _, flags, _, high, low, ..] = header else {
        return Err(Malformed);
    };
    let count = u16::from_be_bytes([*high, *low]);
    if flags & 0x80 != 0 || count == 0 {
        return Err(Malformed);
    }
    let mut at = 12;
    for _ in 0..count {
        let (question, behind) = name(message, at)?;
        at = behind;
        // Type and class.
        message.get(at..at + 4).ok_or(Malformed)?;
        at += 4;
        if let Some(result) = judge(question.name()) {
            return Ok(Some(result));
        }
    }
    Ok(None)
}

/// The name at a place of a message, in labels to the root, and the place behind it.
///
/// # Errors
/// `Malformed`: it does not end, or is longer than a name may be, or is not all there.
pub fn name(message: &[u8], start: usize) -> Result<(Question, usize), Malformed> {
    let mut question = Question {
        name: [0; 4 * NAME_MAX],
        len: 0,
    };
    let mut at = start;
    loop {
        let length = usize::from(*message.get(at).ok_or(Malformed)?);
        at += 1;
        if length == 0 {
            return Ok((question, at));
        }
        if length > 63 || at + length - start > NAME_MAX {
            return Err(Malformed);
        }
        let label = message.get(at..at + length).ok_or(Malformed)?;
        at += length;
        if question.len > 0 {
            question.push(b".")?;
        }
        for byte in label {
            match byte {
                b'.' | b'\\' => question.push(&[b'\\', *byte])?,
                _ => question.push(&[*byte])?,
            }
        }
    }
}

/// Is this one message and nothing behind it: a header, and as many questions and records as it counts (RFC 1035 §4.1)?
pub fn is_whole(message: &[u8]) -> bool {
    walk(message) == Some(message.len())
}

/// Where a message ends.
fn walk(message: &[u8]) -> Option<usize> {
    let count = |at: usize| -> Option<usize> {
        let bytes = message.get(at..at + 2)?;
        Some(usize::from(u16::from_be_bytes(bytes.try_into().ok()?)))
    };
    let (questions, records) = (count(4)?, count(6)? + count(8)? + count(10)?);
    let mut at = 12;
    for index in 0..questions + records {
        // A name ends in the root or in a pointer.
        loop {
            let length = usize::from(*message.get(at)?);
            at += 1;
            match length {
                0 => break,
                192.. => {
                    at += 1;
                    break;
                }
                1..=63 => at += length,
                _ => return None,
            }
        }
        // Type and class; of a record also how long it lives, and its data with their length.
        at += 4;
        if index >= questions {
            at += 6 + count(at + 4)?;
        }
        if at > message.len() {
            return None;
        }
    }
    Some(at)
}

/// The name that a text in the escapes of RFC 1035 §5.1 stands for, in the form of [`Question::name`]: what need not be escaped is not.
///
/// It is written into `out`, and cut where that ends.
pub fn unescaped<'o>(text: &[u8], out: &'o mut [u8]) -> &'o [u8] {
    let mut len = 0;
    let mut push = |byte: u8| {
        if let Some(to) = out.get_mut(len) {
            *to = byte;
            len += 1;
        }
    };
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let (byte, behind) = match (first, tail) {
            (b'\\', [a, b, c, behind @ ..]) if [a, b, c].iter().all(|d| d.is_ascii_digit()) => {
                let digits = [a, b, c]
                    .iter()
                    .fold(0, |number, d| number * 10 + u32::from(**d - b'0'));
                // More than 255 is no byte, and no name for any resolver.
                (digits as u8, behind)
            }
            (b'\\', [byte, behind @ ..]) => (*byte, behind),
            _ => {
                push(*first);
                rest = tail;
                continue;
            }
        };
        if matches!(byte, b'.' | b'\\') {
            push(b'\\');
        }
        push(byte);
        rest = behind;
    }
    out.get(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(names: &[&[&[u8]]]) -> Vec<u8> {
        let mut bytes = vec![0, 7, 1, 0, 0, names.len() as u8, 0, 0, 0, 0, 0, 0];
        for labels in names {
            for label in *labels {
                bytes.push(label.len() as u8);
                bytes.extend_from_slice(label);
            }
            bytes.extend_from_slice(&[0, 0, 1, 0, 1]);
        }
        bytes
    }

    fn names(message: &[u8]) -> Result<Vec<String>, Malformed> {
        let mut names = Vec::new();
        each::<()>(message, |name| {
            names.push(String::from_utf8_lossy(name).into_owned());
            None
        })?;
        Ok(names)
    }

    #[test]
    fn every_question_is_read() {
        assert_eq!(
            names(&message(&[&[b"evil", b"example"], &[b"x"]])),
            Ok(vec!["evil.example".into(), "x".into()])
        );
        assert_eq!(names(&message(&[&[]])), Ok(vec![String::new()]));
    }

    #[test]
    fn a_dot_within_a_label_is_no_boundary() {
        assert_eq!(
            names(&message(&[&[b"a.b\\", b"c"]])),
            Ok(vec!["a\\.b\\\\.c".into()])
        );
    }

    #[test]
    fn a_message_is_whole_with_every_record_that_it_counts() {
        let mut padded = message(&[&[b"evil", b"example"]]);
        assert!(is_whole(&padded));
        // An OPT record with four bytes of data (RFC 6891 §6.1.2).
        padded[11] = 1;
        padded.extend_from_slice(&[0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 4, 0, 12, 0, 0]);
        assert!(is_whole(&padded));
        for end in 0..padded.len() {
            assert!(!is_whole(&padded[..end]), "{end} bytes");
        }
        padded.push(0);
        assert!(!is_whole(&padded));
    }

    #[test]
    fn a_text_is_the_name_that_it_stands_for() {
        for (text, name) in [
            ("denied.test", "denied.test"),
            (r"\100enied.test", "denied.test"),
            (r"\d\e\110\105ed.t\est", "denied.test"),
            (r"a\.b.c\\", r"a\.b.c\\"),
            (r"a\046b", r"a\.b"),
            (r"a\", r"a\"),
            (r"\12x", "12x"),
        ] {
            let mut room = [0; 32];
            let found = unescaped(text.as_bytes(), &mut room);
            assert_eq!(String::from_utf8_lossy(found), name, "{text}");
        }
        assert_eq!(unescaped(b"denied", &mut [0; 3]), b"den");
    }

    #[test]
    fn what_is_no_whole_question_is_malformed() {
        let good = message(&[&[b"evil", b"example"]]);
        for end in 0..good.len() {
            assert_eq!(names(&good[..end]), Err(Malformed), "{end} bytes");
        }
        let mut answer = good.clone();
        answer[2] |= 0x80;
        assert_eq!(names(&answer), Err(Malformed));
        let mut pointer = good.clone();
        pointer[12] = 0xc0;
        assert_eq!(names(&pointer), Err(Malformed));
        let mut none = good;
        none[5] = 0;
        assert_eq!(names(&none), Err(Malformed));
    }

    #[test]
    fn a_name_longer_than_the_dns_allows_is_malformed() {
        let label: &[u8] = &[b'a'; 63];
        assert_eq!(
            names(&message(&[&[label, label, label, &[b'a'; 61]]])).map(|n| n[0].len()),
            Ok(253)
        );
        assert_eq!(
            names(&message(&[&[label, label, label, label]])),
            Err(Malformed)
        );
    }
}
