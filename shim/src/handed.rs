//! What a process hands on of [`crate::resolved`] to the programs that it starts: `PALISADE_NAMES`, a variable of their environment.
//!
//! The text is a ring in static memory, so that a child of vfork(2) needs neither memory nor time to put it into an environment.
//! Entries are appended by whoever notes a name, without a lock; the oldest are written over. An environment that is read while that
//! happens has a torn entry in it, so each carries a sum, and one of which the sum is wrong is none. Only names of which the policy has
//! an entry come here.

use core::ffi::c_char;
use core::net::{IpAddr, Ipv6Addr};
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use palisade_policy::Decider;

use crate::resolved;

/// Name of the variable, with its equals sign.
pub const VARIABLE: &[u8; 15] = b"PALISADE_NAMES=";

/// Some 200 addresses; an environment has room for 32 times as much in one variable (execve(2)).
const SIZE: u32 = 8192;

/// An address in hexadecimal digits, and the sum behind the name.
const IP_DIGITS: usize = 32;
const SUM_DIGITS: usize = 8;

/// Longer names are not handed on (RFC 1035 §2.3.4), nor those with a byte that no host's name has.
const NAME_MAX: usize = 253;

/// The variable, and what else it takes to append to it.
#[repr(C)]
struct Ring {
    variable: [AtomicU8; VARIABLE.len()],
    text: [AtomicU8; SIZE as usize],
    end: u8,
    /// Where the next entry begins; it only grows.
    next: AtomicU32,
}

static RING: Ring = Ring::new();

/// The variable, if there is anything to hand on. Its text may change at any time, and never is without an end.
pub fn variable() -> Option<*const c_char> {
    let is_there = text().next().is_some();
    is_there.then_some((&raw const RING).cast())
}

/// The text, as it is at this moment.
pub fn text() -> impl Iterator<Item = u8> {
    RING.text()
}

/// Appends an address and a name that led to it. `is_known`: it may stand there already; what is resolved again and again must not push
/// the others out.
pub fn add(ip: IpAddr, name: &[u8], is_known: bool) {
    RING.add(ip, name, is_known);
}

fn digit(value: u32) -> u8 {
    let value = (value & 15) as u8;
    value + if value < 10 { b'0' } else { b'a' - 10 }
}

/// FNV-1a.
fn sum(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

impl Ring {
    const fn new() -> Self {
        Self {
            variable: [const { AtomicU8::new(0) }; VARIABLE.len()],
            text: [const { AtomicU8::new(0) }; SIZE as usize],
            end: 0,
            next: AtomicU32::new(0),
        }
    }

    fn text(&self) -> impl Iterator<Item = u8> {
        let bytes = self.text.iter().map(|byte| byte.load(Ordering::Acquire));
        bytes.take_while(|byte| *byte != 0)
    }

    /// Appends an address and a name that led to it.
    fn add(&self, ip: IpAddr, name: &[u8], is_known: bool) {
        let name = name.strip_suffix(b".").unwrap_or(name);
        let is_plain =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(*byte, b'-' | b'_' | b'.');
        if name.len() > NAME_MAX || !name.iter().all(is_plain) {
            return;
        }
        let bits = match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let digits = (0..IP_DIGITS).map(move |index| digit((bits >> (124 - 4 * index)) as u32));
        let body = digits.chain(name.iter().map(u8::to_ascii_lowercase));
        let sum = sum(body.clone());
        let sum = (0..SUM_DIGITS).map(|index| digit(sum >> (28 - 4 * index)));
        // The comma in front is written last: until then a text that has never been full ends there. The one behind parts it from what it
        // has not quite written over.
        let entry = [b','].into_iter().chain(body).chain(sum).chain([b',']);
        let length = (IP_DIGITS + name.len() + SUM_DIGITS + 2) as u32;
        if is_known && self.has(entry.clone()) {
            return;
        }

        // What does not fit before the end of the ring begins at its start.
        let begin = |next: u32| {
            let place = next % SIZE;
            if place + length > SIZE {
                next + (SIZE - place)
            } else {
                next
            }
        };
        let reserved = self
            .next
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |next| {
                begin(next).checked_add(length)
            });
        // After four gigabytes of names nothing more is handed on.
        let Ok(before) = reserved else { return };
        let start = begin(before);
        let at = |place: u32| self.text.get((place % SIZE) as usize);
        for place in before..start {
            if let Some(byte) = at(place) {
                byte.store(b',', Ordering::Relaxed);
            }
        }
        for (place, value) in (start..start + length).zip(entry).skip(1) {
            if let Some(byte) = at(place) {
                byte.store(value, Ordering::Relaxed);
            }
        }
        for (to, from) in self.variable.iter().zip(VARIABLE) {
            to.store(*from, Ordering::Relaxed);
        }
        if let Some(byte) = at(start) {
            byte.store(b',', Ordering::Release);
        }
    }

    /// Does an entry stand in the ring already?
    fn has(&self, entry: impl Iterator<Item = u8> + Clone) -> bool {
        let load = |byte: &AtomicU8| byte.load(Ordering::Relaxed);
        let mut rest = self.text.as_slice();
        while let Some(place) = rest.iter().position(|byte| load(byte) == b',') {
            let here = rest.get(place..).unwrap_or_default();
            let mut entry = entry.clone();
            if here
                .iter()
                .zip(entry.by_ref())
                .all(|(is, wanted)| load(is) == wanted)
                && entry.next().is_none()
            {
                return true;
            }
            rest = here.get(1..).unwrap_or_default();
        }
        false
    }
}

/// Calls `note` with each entry of a text that is whole.
pub fn read(text: &[u8], note: &mut dyn FnMut(IpAddr, &[u8])) {
    for entry in text.split(|byte| *byte == b',') {
        let parts = entry.split_at_checked(IP_DIGITS).and_then(|(ip, rest)| {
            Some((
                ip,
                rest.split_at_checked(rest.len().checked_sub(SUM_DIGITS)?)?,
            ))
        });
        let Some((ip, (name, stated))) = parts else {
            continue;
        };
        let (Some(bits), Some(stated)) = (number(ip), number(stated)) else {
            continue;
        };
        if u128::from(sum(ip.iter().chain(name).copied())) == stated {
            note(IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical(), name);
        }
    }
}

fn number(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(number << 4 | u128::from(value))
    })
}

/// Notes what the parent handed on, if the policy asks for it.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub fn take_over(decider: &Decider<'_>, text: Option<&[u8]>) {
    if let Some(text) = text
        && (decider.names_outbound() || decider.learns())
    {
        read(text, &mut |ip, name| resolved::note(ip, name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;

    fn handed(ring: &Ring) -> Vec<(String, String)> {
        let mut found = Vec::new();
        read(&ring.text().collect::<Vec<u8>>(), &mut |ip, name| {
            found.push((ip.to_string(), String::from_utf8_lossy(name).into_owned()));
        });
        found
    }

    #[test]
    fn the_last_entries_are_handed_on_whole_whatever_was_before_them() {
        static RING: Ring = Ring::new();
        let add = |ip: &str, name: &[u8]| RING.add(ip.parse().unwrap(), name, true);
        for _ in 0..3 {
            add("192.0.2.1", b"A.example.");
        }
        add("2001:db8::1", b"b.example");
        add("2001:db8::1", b"b,example");
        add("2001:db8::1", &[b'b'; 254]);
        let both = [("192.0.2.1", "a.example"), ("2001:db8::1", "b.example")];
        assert_eq!(
            handed(&RING),
            both.map(|(ip, name)| (ip.to_owned(), name.to_owned()))
        );
        // SAFETY: the ring has an end, and nobody writes to it now.
        let whole = unsafe { CStr::from_ptr((&raw const RING).cast()) };
        let value = whole.to_bytes().strip_prefix(VARIABLE);
        assert_eq!(value.unwrap(), RING.text().collect::<Vec<u8>>());
        for n in 0..1000_u32 {
            let name = format!("{}{n}.example", "x".repeat(n as usize % 40));
            let ip = IpAddr::from(n.to_be_bytes());
            RING.add(ip, name.as_bytes(), false);
            let known = handed(&RING);
            assert!(known.len() > 80 || n < 100, "{n}: {}", known.len());
            assert!(known.contains(&(ip.to_string(), name)), "{n}");
        }
        assert_eq!(RING.text().count(), SIZE as usize);
    }

    #[test]
    fn what_is_not_whole_is_nothing() {
        let mut found = 0;
        let long = ",00000000000000000000ffffc0000201a.example00000000";
        for text in ["", ",", ",,", ",0123", long] {
            read(text.as_bytes(), &mut |_, _| found += 1);
        }
        assert_eq!(found, 0);
    }
}
