//! Answers of name servers to programs that bring their own resolver: which addresses the name that was asked for led to.
//!
//! RFC 1035 §4.1: the question comes back in front of the records. An alias counts for the name that was asked for, so the
//! owners of the records do not matter. Pure and safe: the bytes are an attacker's.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::question::{self, Malformed};

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;

/// Calls `note` with the name and each address of the answer to one question about it. Over TCP the message may have its two
/// bytes of length in front (§4.2.2).
pub fn each(message: &[u8], note: &mut dyn FnMut(&[u8], IpAddr)) {
    // A message without them may begin as if it had: its first bytes are any number.
    if read(message, note).is_ok() {
        return;
    }
    if let Some((length, rest)) = message.split_first_chunk::<2>()
        && usize::from(u16::from_be_bytes(*length)) == rest.len()
    {
        let _ = read(rest, note);
    }
}

fn read(message: &[u8], note: &mut dyn FnMut(&[u8], IpAddr)) -> Result<(), Malformed> {
    let header = message.first_chunk::<12>().ok_or(Malformed)?;
    let [
        _,
        _,
        flags,
        code,
        question_high,
        question_low,
        high,
        low,
        ..,
    ] = header;
    let is_answer = flags & 0x80 != 0 && code & 0x0f == 0;
    if !is_answer || [*question_high, *question_low] != [0, 1] {
        return Err(Malformed);
    }
    let (question, mut at) = question::name(message, 12)?;
    // Type and class.
    at += 4;
    for _ in 0..u16::from_be_bytes([*high, *low]) {
        at = behind_name(message, at)?;
        let fixed = message.get(at..).and_then(|rest| rest.first_chunk::<10>());
        let [
            kind_high,
            kind_low,
            class_high,
            class_low,
            _,
            _,
            _,
            _,
            high,
            low,
        ] = fixed.ok_or(Malformed)?;
        at += 10;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let data = message.get(at..at + length).ok_or(Malformed)?;
        at += length;
        if u16::from_be_bytes([*class_high, *class_low]) != CLASS_IN {
            continue;
        }
        match u16::from_be_bytes([*kind_high, *kind_low]) {
            TYPE_A => {
                if let Ok(ip) = <[u8; 4]>::try_from(data) {
                    note(question.name(), IpAddr::V4(Ipv4Addr::from(ip)));
                }
            }
            TYPE_AAAA => {
                if let Ok(ip) = <[u8; 16]>::try_from(data) {
                    note(question.name(), IpAddr::V6(Ipv6Addr::from(ip)));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The place behind a name: labels to the root, or to a pointer (§4.1.4).
fn behind_name(message: &[u8], mut at: usize) -> Result<usize, Malformed> {
    loop {
        let length = *message.get(at).ok_or(Malformed)?;
        match length {
            0 => return Ok(at + 1),
            1..=63 => at += 1 + usize::from(length),
            0xc0.. => return Ok(at + 2),
            _ => return Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// www.example.com, an alias, and then an address of each kind.
    const ANSWER: &[u8] =
        b"\x12\x34\x81\x80\0\x01\0\x03\0\0\0\0\x03www\x07Example\x03com\0\0\x01\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x07\x04real\xc0\x10\
        \xc0\x2d\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01\
        \x04real\xc0\x10\0\x1c\0\x01\0\0\0\x3c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01";

    fn read(message: &[u8]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        each(message, &mut |name, ip| {
            found.push((String::from_utf8_lossy(name).into_owned(), ip.to_string()));
        });
        found
    }

    #[test]
    fn every_address_counts_for_the_name_that_was_asked_for() {
        let name = || "www.Example.com".to_owned();
        let expected = [
            (name(), "192.0.2.1".to_owned()),
            (name(), "2001:db8::1".to_owned()),
        ];
        assert_eq!(read(ANSWER), expected);
        let mut other = ANSWER.to_vec();
        other[..2].copy_from_slice(&(ANSWER.len() as u16 - 2).to_be_bytes());
        assert_eq!(read(&other), expected);
        let framed = [&(ANSWER.len() as u16).to_be_bytes(), ANSWER].concat();
        assert_eq!(read(&framed), expected);
    }

    #[test]
    fn what_is_cut_off_or_no_answer_gives_no_address_that_is_not_there() {
        for end in 0..ANSWER.len() {
            assert!(read(&ANSWER[..end]).len() < 2, "{end}");
        }
        for (place, value) in [(2, 0x01), (3, 0x83), (5, 2), (5, 0)] {
            let mut other = ANSWER.to_vec();
            other[place] = value;
            assert_eq!(read(&other), [], "{place}");
        }
    }

    #[test]
    fn records_of_another_class_or_length_are_no_addresses() {
        let class = ANSWER.len() - 24;
        let mut other = ANSWER.to_vec();
        assert_eq!(&other[class - 2..class + 2], b"\0\x1c\0\x01");
        other[class + 1] = 3;
        assert_eq!(read(&other).len(), 1);
    }
}
