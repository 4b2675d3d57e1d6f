//! Host names: patterns for them, and what is no name at all.

use crate::blob;
use crate::format;
use crate::net::BadEntry;
use alloc::borrow::ToOwned;
use alloc::string::String;
use core::net::{Ipv4Addr, Ipv6Addr};

/// A pattern of `dns`, in lower case and without a dot at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// This name.
    Exact(String),
    /// Names that end so: `.example.com` for `*.example.com`.
    Suffix(String),
    /// `*`
    Everything,
}

impl Pattern {
    pub(crate) fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, _) => true,
            (Self::Suffix(a), Self::Suffix(b)) => b.ends_with(a.as_str()),
            (Self::Suffix(a), Self::Exact(b)) => b.ends_with(a.as_str()),
            (Self::Exact(a), Self::Exact(b)) => a == b,
            _ => false,
        }
    }
}

const FORMS: &str =
    "a name such as `api.example.com`, `*.example.com` for every name below one, or `*`";

/// Reads an entry of `dns`. Lengths are those of RFC 1035 §2.3.4.
pub(crate) fn pattern(text: &str) -> Result<Pattern, BadEntry> {
    let bad = |message: &str, expected: &str| {
        Err(BadEntry {
            message: message.to_owned(),
            expected: expected.to_owned(),
        })
    };
    if text.is_empty() {
        return bad("the entry is empty", FORMS);
    }
    if text.contains("://") {
        return bad("this is a URL", "only the host name in it");
    }
    if text.contains('/') {
        return bad("this is a path or a network, not a name", FORMS);
    }
    if text.contains(':') {
        if text.parse::<Ipv6Addr>().is_ok() {
            return bad(
                "an address is not a name, and is never judged as one",
                "the address in `network.outbound`",
            );
        }
        return bad(
            "a name has no port",
            "the name alone; ports belong into `network.outbound`",
        );
    }
    if !text.is_ascii() {
        return bad(
            "names are looked up in ASCII",
            "the name as it is on the wire, beginning with `xn--` (RFC 5891)",
        );
    }
    if text == "*" {
        return Ok(Pattern::Everything);
    }
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('.').unwrap_or(&lower);
    let (wild, rest) = match lower.strip_prefix('*') {
        Some(rest) => (true, rest),
        None => (false, lower),
    };
    if rest.contains('*') || rest.contains('?') {
        return bad(
            "a wildcard can only stand in front",
            "`*.example.com`, or `*` for every name",
        );
    }
    if let Some(c) = rest
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
    {
        let shown = if c.is_ascii_graphic() {
            format!("`{c}`")
        } else {
            format!("the character U+{:04X}", u32::from(c))
        };
        return bad(
            &format!("a name cannot hold {shown}"),
            "letters, digits, `-`, `_` and dots",
        );
    }
    let labels = if wild {
        rest.strip_prefix('.').unwrap_or(rest)
    } else {
        rest
    };
    if labels.split('.').any(str::is_empty) {
        return bad("a label is empty", FORMS);
    }
    if labels.split('.').any(|label| label.len() > 63) {
        return bad(
            "a label is longer than any in the DNS",
            "at most 63 characters between two dots (RFC 1035)",
        );
    }
    if labels.len() > 253 {
        return bad(
            "the name is longer than any in the DNS",
            "at most 253 characters (RFC 1035)",
        );
    }
    Ok(if wild {
        Pattern::Suffix(rest.to_owned())
    } else {
        Pattern::Exact(rest.to_owned())
    })
}

/// `localhost` and names below it (RFC 6761 §6.3): the sandbox itself.
pub(crate) fn is_localhost(name: &[u8]) -> bool {
    let Some((head, tail)) = name.split_last_chunk::<9>() else {
        return false;
    };
    let [word @ .., last] = tail;
    // Few names end so, and all are asked.
    matches!(last, b't' | b'T')
        && blob::lower(u64::from_le_bytes(*word)) == u64::from_le_bytes(*b"localhos")
        && head.last().is_none_or(|b| *b == b'.')
}

/// What getaddrinfo(3) takes as an address without asking anybody: IPv4 in any of the forms of inet_aton(3), IPv6 with an optional
/// scope.
pub(crate) fn is_numeric(name: &[u8]) -> bool {
    // IPv4 begins with a digit in every form, and without a colon nothing is IPv6: that is the answer for nearly every name.
    if !name.first().is_some_and(u8::is_ascii_digit) && !blob::holds(name, b':') {
        return false;
    }
    let Ok(text) = core::str::from_utf8(name) else {
        return false;
    };
    if text.contains(':') {
        let address = text.split_once('%').map_or(text, |(address, _)| address);
        return address.parse::<Ipv6Addr>().is_ok();
    }
    text.parse::<Ipv4Addr>().is_ok() || is_aton(text)
}

/// inet_aton(3): one to four numbers, decimal, octal or hexadecimal, of which the last fills what is left of the 32 bits.
fn is_aton(text: &str) -> bool {
    let mut left: u32 = 4;
    let mut parts = text.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(value) = number(part) else {
            return false;
        };
        if parts.peek().is_none() {
            return left > 0 && value < 1 << (8 * left);
        }
        if left <= 1 || value > 255 {
            return false;
        }
        left -= 1;
    }
    false
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    if digits.starts_with(['+', '-']) || digits.len() > 16 {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}
