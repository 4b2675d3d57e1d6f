//! Which addresses this process got by resolving which names, so that a policy may allow a destination by its name.
//!
//! A fixed table in static memory: a child of fork(2) has its parent's, and a program that is executed gets it by its
//! environment ([`crate::handed`]). Nobody waits:
//! an entry has a sequence number that is odd while it is written, a reader who meets that or a change passes on, and
//! a writer who finds nothing free overwrites the next in turn. What is lost that way is an allowed connection, never a
//! refused one: the program resolves the name again.

use core::net::IpAddr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use crate::handed;

/// Entries: a function speaks to a few dozen names, with up to eight addresses each.
const ENTRIES: usize = 512;

/// How far from its place an address is looked for.
const REACH: usize = 16;

/// Words of a name: a byte of length, and up to 255 bytes (RFC 1035 §2.3.4).
const WORDS: usize = 32;

struct Entry {
    sequence: AtomicU32,
    ip: [AtomicU64; 2],
    name: [AtomicU64; WORDS],
}

static TABLE: [Entry; ENTRIES] = [const {
    Entry {
        sequence: AtomicU32::new(0),
        ip: [const { AtomicU64::new(0) }; 2],
        name: [const { AtomicU64::new(0) }; WORDS],
    }
}; ENTRIES];

/// Whose turn it is to be overwritten.
static TURN: AtomicU32 = AtomicU32::new(0);

/// A name in lower case, without the dot of the root.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Known {
    words: [u64; WORDS],
}

impl Known {
    fn new(name: &[u8]) -> Option<Self> {
        let name = name.strip_suffix(b".").unwrap_or(name);
        let mut bytes = [0u8; WORDS * 8];
        let (length, room) = bytes.split_first_mut()?;
        *length = u8::try_from(name.len()).ok()?;
        room.iter_mut()
            .zip(name)
            .for_each(|(to, from)| *to = from.to_ascii_lowercase());
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_ne_bytes(*bytes);
        }
        Some(Self { words })
    }

    /// Calls `act` with the bytes of the name.
    pub fn with<R>(&self, act: impl FnOnce(&[u8]) -> R) -> R {
        let mut bytes = [0u8; WORDS * 8];
        for (bytes, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.words) {
            *bytes = word.to_ne_bytes();
        }
        let length = bytes.first().copied().map_or(0, usize::from);
        act(bytes.get(1..=length).unwrap_or_default())
    }
}

/// The words of an address, IPv4 as IPv4 mapped into IPv6.
#[inline]
fn key(ip: IpAddr) -> [u64; 2] {
    match ip {
        IpAddr::V4(ip) => [0, 0xffff << 32 | u64::from(ip.to_bits())],
        IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            [(bits >> 64) as u64, bits as u64]
        }
    }
}

/// The entries where an address may be.
fn places([high, low]: [u64; 2]) -> impl Iterator<Item = &'static Entry> {
    let place =
        (high ^ low.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 40;
    (0..REACH).filter_map(move |step| TABLE.get((place as usize + step) % ENTRIES))
}

impl Entry {
    /// Its content, if nobody wrote it meanwhile.
    fn read(&self) -> Option<([u64; 2], Known)> {
        let before = self.sequence.load(Ordering::Acquire);
        if before == 0 || before % 2 == 1 {
            return None;
        }
        let [high, low] = &self.ip;
        let ip = [high.load(Ordering::Relaxed), low.load(Ordering::Relaxed)];
        let mut known = Known { words: [0; WORDS] };
        for (to, from) in known.words.iter_mut().zip(&self.name) {
            *to = from.load(Ordering::Relaxed);
        }
        fence(Ordering::Acquire);
        (self.sequence.load(Ordering::Relaxed) == before).then_some((ip, known))
    }

    /// Writes it, unless somebody else does.
    fn write(&self, ip: [u64; 2], known: &Known) {
        let before = self.sequence.load(Ordering::Relaxed);
        let odd = before.wrapping_add(1);
        if before % 2 == 1
            || self
                .sequence
                .compare_exchange(before, odd, Ordering::Acquire, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        fence(Ordering::Release);
        for (to, from) in self.ip.iter().zip(ip) {
            to.store(from, Ordering::Relaxed);
        }
        for (to, from) in self.name.iter().zip(known.words) {
            to.store(from, Ordering::Relaxed);
        }
        // Zero means empty, also after four billion writes.
        self.sequence
            .store(odd.wrapping_add(1).max(2), Ordering::Release);
    }
}

/// Notes that `name` led to `ip`.
pub fn note(ip: IpAddr, name: &[u8]) {
    let Some(known) = Known::new(name) else {
        return;
    };
    let plain = ip;
    let ip = key(ip);
    let mut free = None;
    for entry in places(ip) {
        match entry.read() {
            Some(content) if content == (ip, known) => {
                handed::add(plain, name, true);
                return;
            }
            Some(_) => {}
            None if entry.sequence.load(Ordering::Relaxed) == 0 => {
                free = Some(entry);
                break;
            }
            None => {}
        }
    }
    let turn = TURN.fetch_add(1, Ordering::Relaxed) as usize % REACH;
    if let Some(entry) = free.or_else(|| places(ip).nth(turn)) {
        entry.write(ip, &known);
    }
    handed::add(plain, name, false);
}

/// Could a name have led to `ip`? Where it would stand first there is something, be it of another address.
#[inline]
pub fn may_have_names(ip: IpAddr) -> bool {
    let first = places(key(ip)).next();
    first.is_some_and(|entry| entry.sequence.load(Ordering::Relaxed) != 0)
}

/// The names that led to `ip`.
pub fn names(ip: IpAddr) -> impl Iterator<Item = Known> {
    let ip = key(ip);
    // They are taken in their order and never given back: behind an empty one there is nothing.
    places(ip)
        .take_while(|entry| entry.sequence.load(Ordering::Relaxed) != 0)
        .filter_map(Entry::read)
        .filter(move |(found, _)| *found == ip)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::*;

    /// The table is one for all tests, and one of them fills it.
    fn alone() -> MutexGuard<'static, ()> {
        static TABLE_IN_USE: Mutex<()> = Mutex::new(());
        TABLE_IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(ip: &str) -> Vec<String> {
        let mut known: Vec<String> = names(ip.parse().unwrap())
            .map(|known| known.with(|name| String::from_utf8_lossy(name).into_owned()))
            .collect();
        known.sort();
        known
    }

    #[test]
    fn an_address_is_known_by_every_name_that_led_to_it() {
        let _alone = alone();
        note("192.0.2.1".parse().unwrap(), b"A.example.");
        note("192.0.2.1".parse().unwrap(), b"a.example");
        note("::ffff:192.0.2.1".parse().unwrap(), b"b.example");
        assert_eq!(known("192.0.2.1"), ["a.example", "b.example"]);
        assert!(known("192.0.2.2").is_empty());
    }

    #[test]
    fn a_full_table_forgets_and_stays_true() {
        let _alone = alone();
        for n in 0..20_000u32 {
            note(
                IpAddr::from((0x0a00_0000 + n).to_be_bytes()),
                format!("n{n}.example").as_bytes(),
            );
        }
        let right = (0..20_000u32).filter(|n| {
            let names = known(&IpAddr::from((0x0a00_0000 + n).to_be_bytes()).to_string());
            assert!(
                names.iter().all(|name| *name == format!("n{n}.example")),
                "{n}: {names:?}"
            );
            !names.is_empty()
        });
        assert!(right.count() > 100);
    }

    #[test]
    fn a_name_of_every_length_comes_back() {
        let _alone = alone();
        for length in [0, 1, 7, 8, 9, 253, 255] {
            let name = vec![b'x'; length];
            assert_eq!(Known::new(&name).unwrap().with(<[u8]>::to_vec), name);
        }
        assert!(Known::new(&[b'x'; 256]).is_none());
    }
}
