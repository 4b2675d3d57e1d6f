//! The compiled policy: one run of bytes without pointers, so that it can lie in a file or in another process's memory and be used there
//! as it is.
//!
//! The curated lists are such bytes as well ([`known`](crate::known)), with tables but without sections.
//!
//! All numbers are little-endian `u32`. A header of [`HEADER_WORDS`] words says where the tables are:
//!
//! - **slots**: one open-addressing hash table over everything that is looked up by its bytes. A slot is
//!   `hash, tag, key offset, key length, head, count`; `tag` says which space (files, programs, names …) and which kind (whole, beginning,
//!   end, network) the key belongs to, 0 is an empty slot. Of an IPv4 network the key itself stands there, four octets in place of their offset
//!   and its prefix length in place of theirs: to compare it, no other memory is read.
//! - **postings**: what hangs on a key, linked from `head`: `entry, list and access, program, next`. `next` always points backwards.
//! - **segments**: ports of a network or of a name, sorted and disjoint: `ports, deny entry, allow entry, platform`.
//! - **entries**: `place offset, place length, pattern offset, pattern length`, the words of a verdict.
//! - **markers**: entries whose pattern betrays a miner wherever it stands in an argument.
//! - **filter**: a bit for each hash in the slots, as many words as a power of two. Where it is not set, there is no such slot. The first
//!   [`MARKED`] words of each key have two bits as well ([`Hash::way`]): a name that goes another way is left at its first word, however many
//!   keys there are.
//! - **lengths**: for each space, how long the beginnings and the ends are that occur, ascending: `length, bytes`. `bytes` has a bit for
//!   each byte, modulo 32, that stands where such a beginning stops or such an end starts: almost always it is a slash or a dot, so that most
//!   places of a name need no look at any table.

/// `PLSD`
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"PLSD");
/// Changes with every change of the layout.
pub(crate) const FORMAT: u32 = 6;
/// No entry.
pub(crate) const NONE: u32 = u32::MAX;

/// Words of the header.
pub(crate) mod header {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const FORMAT: usize = 1;
    pub(crate) const FLAGS: usize = 2;
    /// Five words, one for each [`Section`](crate::Section).
    pub(crate) const SECTIONS: usize = 3;
    /// Offset and count, as of all tables. What every decision begins with, and all that one on an address needs, is in one line of the cache.
    pub(crate) const FILTER: usize = 8;
    pub(crate) const SLOTS: usize = 10;
    /// Bit set of the prefix lengths of IPv4 that occur: two words.
    pub(crate) const NET4: usize = 12;
    pub(crate) const SEGMENTS: usize = 14;
    /// For each space the beginnings and then the ends.
    pub(crate) const LENGTHS: usize = 16;
    pub(crate) const POSTINGS: usize = LENGTHS + super::SPACES * 4;
    pub(crate) const ENTRIES: usize = POSTINGS + 2;
    pub(crate) const LISTEN: usize = ENTRIES + 2;
    pub(crate) const MARKERS: usize = LISTEN + 2;
    /// The same as [`NET4`], of IPv6: five words.
    pub(crate) const NET6: usize = MARKERS + 2;
    /// What happens to programs that cannot be followed, as a section's word.
    pub(crate) const UNFOLLOWABLE: usize = NET6 + 5;
    /// What happens to the names of mining pools, as a section's word.
    pub(crate) const POOLS: usize = UNFOLLOWABLE + 1;
    /// Offset and length of the timestamp before which nothing is prevented; both 0 without one.
    pub(crate) const ENFORCE_AFTER: usize = POOLS + 1;
    /// Offset and length of the rule's name.
    pub(crate) const RULE: usize = ENFORCE_AFTER + 2;
    /// Of all, in bytes.
    pub(crate) const LENGTH: usize = RULE + 2;
    pub(crate) const WORDS: usize = LENGTH + 1;
}

/// Bytes of a row of each table.
pub(crate) const SLOT: usize = 24;
pub(crate) const POSTING: usize = 16;
pub(crate) const ENTRY: usize = 16;
pub(crate) const SEGMENT: usize = 16;
pub(crate) const MARKER: usize = 4;
pub(crate) const LENGTH: usize = 8;
pub(crate) const FILTER: usize = 4;

/// Bits of [`header::FLAGS`].
pub(crate) mod flag {
    pub(crate) const RULE: u32 = 1;
    pub(crate) const MAIN_ONLY: u32 = 2;
    pub(crate) const MINERS: u32 = 4;
    pub(crate) const LOOPBACK_CLOSED: u32 = 8;
    /// Everything is allowed, and recorded.
    pub(crate) const LEARN: u32 = 16;
    /// Some entry of `network.outbound` is a name.
    pub(crate) const NAMES: u32 = 32;
    /// The files of the platform's list may be used.
    pub(crate) const STANDARD: u32 = 64;
    /// `dns` is active for the names of mining pools alone.
    pub(crate) const POOLS_ONLY: u32 = 128;
    /// Shifted by the section: it has an allow list.
    pub(crate) const ALLOW_LIST: u32 = 1 << 8;
}

/// Values of a section's word.
pub(crate) mod state {
    pub(crate) const OFF: u32 = 0;
    pub(crate) const ALERT: u32 = 1;
    /// Prevents from the time of [`header::ENFORCE_AFTER`] on, and is reported until then.
    pub(crate) const DELAYED: u32 = 2;
    pub(crate) const PREVENT: u32 = 3;
}

/// Entries that every policy has: the settings that can decide by themselves. The first five are the allow lists, by section.
pub(crate) mod setting {
    pub(crate) const MAIN_ONLY: u32 = 5;
    pub(crate) const LOOPBACK: u32 = 6;
    pub(crate) const UNFOLLOWABLE: u32 = 7;
    /// The effect of `processes`.
    pub(crate) const PROCESSES: u32 = 8;
    /// The effect of `dns`.
    pub(crate) const DNS: u32 = 9;
    pub(crate) const MINERS: u32 = 10;
    pub(crate) const COUNT: u32 = 11;
}

/// What kind of name a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Space {
    /// Paths of `filesystem`.
    File = 0,
    /// Paths of `processes`.
    Program = 1,
    /// Base names of `processes`.
    Base = 2,
    /// Base names of miners, without regard to case.
    Miner = 3,
    /// Host names, without regard to case.
    Dns = 4,
    /// Host names of `network.outbound`, without regard to case. A key leads to segments of ports, as a network does.
    Host = 5,
}

pub(crate) const SPACES: usize = 6;

impl Space {
    /// Names match without regard to ASCII case; keys are in lower case.
    pub(crate) const fn folds(self) -> bool {
        matches!(self, Self::Miner | Self::Dns | Self::Host)
    }
}

/// How a key is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    Exact = 0,
    Prefix = 1,
    Suffix = 2,
}

pub(crate) const fn tag(space: Space, kind: Kind) -> u32 {
    1 + (space as u32) * 4 + kind as u32
}

/// How many words of a key, from its first byte or from its last one, have bits in the filter. Most names differ within so many, and more
/// would fill it.
pub(crate) const MARKED: usize = 3;

/// What [`Hash::way`] takes for keys of that tag: ends go from the last byte on, and what is whole goes as a beginning.
pub(crate) const fn direction(tag: u32) -> u32 {
    let kind = if is_suffix(tag) {
        Kind::Suffix
    } else {
        Kind::Prefix
    };
    128 + (tag - 1) / 4 * 4 + kind as u32
}

/// Whether the tag of a key says that it is an end.
pub(crate) const fn is_suffix(tag: u32) -> bool {
    tag < TAG_NET4 && (tag - 1) % 4 == Kind::Suffix as u32
}

pub(crate) const TAG_NET4: u32 = 64;
pub(crate) const TAG_NET6: u32 = 65;

/// To which list of its section an entry belongs.
pub(crate) mod list {
    pub(crate) const DENY: u32 = 1;
    pub(crate) const ALLOW: u32 = 2;
    pub(crate) const PLATFORM: u32 = 4;
    pub(crate) const MINER: u32 = 8;
}

/// Bits of an access.
pub(crate) mod access {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 2;
    pub(crate) const BOTH: u32 = 3;
}

/// Codes of a program's operations; a program is `states: u16, classes: u16`, two bytes for each state (code and operand) and 32 for each
/// class.
pub(crate) mod op {
    pub(crate) const BYTE: u8 = 0;
    pub(crate) const ANY: u8 = 1;
    pub(crate) const CLASS: u8 = 2;
    pub(crate) const STAR: u8 = 3;
    pub(crate) const REST: u8 = 4;
    pub(crate) const DIRS: u8 = 5;
}

/// The bit of a filter of so many words, a power of two, that stands for a hash.
#[inline]
pub(crate) const fn filter_bit(hash: u32, words: usize) -> usize {
    // Other bits than those that choose the slot.
    (hash.wrapping_mul(0x9e37_79b1) >> 4) as usize & (words * 32 - 1)
}

/// The bit for a byte at the edge of a beginning or an end. Letters have the same in upper and lower case.
#[inline]
pub(crate) const fn edge_bit(byte: u8) -> u32 {
    1 << (byte & 31)
}

/// A hash over words of eight bytes, which can be asked for its value after any number of bytes: a multiplication for each word, where one
/// for each byte would take most of the time of a verdict.
#[derive(Clone, Copy)]
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// Goes on by a whole word.
    #[inline]
    pub(crate) const fn step(self, word: u64) -> Self {
        let mixed = (self.0 ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        Self(mixed ^ (mixed >> 32))
    }

    /// The value after `length` bytes, of which the last, fewer than eight, are in `rest`. Mixed with the tag, so that equal bytes in different
    /// spaces spread; the low bits are good for an index.
    #[inline]
    pub(crate) const fn slot(self, rest: u64, length: usize, tag: u32) -> u32 {
        let Self(mixed) = self.step(rest);
        let tag = (length as u64) << 32 | tag as u64;
        ((mixed ^ tag).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }

    /// What stands in the filter for all keys that go on from here: two values, so that what goes another way is hardly ever taken for one.
    #[inline]
    pub(crate) const fn way(self, direction: u32) -> [u32; 2] {
        let Self(mixed) = self;
        let both = (mixed ^ direction as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        [(both >> 32) as u32, (both >> 16) as u32]
    }

    /// The ways of a key: where it is after each of its first words.
    pub(crate) fn ways(key: &[u8], tag: u32) -> impl Iterator<Item = u32> {
        let mut hash = Self::new();
        let words = key.len() / 8;
        (0..words.min(MARKED)).flat_map(move |i| {
            let start = if is_suffix(tag) {
                key.len() - 8 * (i + 1)
            } else {
                8 * i
            };
            let word = key.get(start..).and_then(<[u8]>::first_chunk);
            hash = hash.step(word.map_or(0, |word| u64::from_le_bytes(*word)));
            hash.way(direction(tag))
        })
    }

    /// Of a whole key, from its first byte on.
    pub(crate) fn of(key: &[u8], tag: u32) -> u32 {
        let (words, rest) = key.as_chunks::<8>();
        let hash = words.iter().fold(Self::new(), |hash, word| {
            hash.step(u64::from_le_bytes(*word))
        });
        hash.slot(few(rest), key.len(), tag)
    }

    /// Of a whole key, from its last byte on.
    pub(crate) fn of_reversed(key: &[u8], tag: u32) -> u32 {
        let (rest, words) = key.as_rchunks::<8>();
        let hash = words.iter().rev().fold(Self::new(), |hash, word| {
            hash.step(u64::from_le_bytes(*word))
        });
        hash.slot(few(rest), key.len(), tag)
    }
}

/// Fewer than eight bytes as a word.
fn few(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// What comes behind the whole words of a key: its last bytes, fewer than eight, as a word.
#[inline]
pub(crate) fn tail(key: &[u8]) -> u64 {
    match key.last_chunk() {
        // In two steps, for no bytes are a shift by 64 bits.
        Some(last) => u64::from_le_bytes(*last) >> 1 >> (63 - key.len() % 8 * 8),
        None => few(key),
    }
}

/// What stands before the whole words of a key that is read from its end: its first bytes, fewer than eight, as a word.
#[inline]
pub(crate) fn head(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(first) => u64::from_le_bytes(*first) & ((1 << (key.len() % 8 * 8)) - 1),
        None => few(key),
    }
}

/// Multiplied by a byte: a word of eight of it.
const EACH: u64 = 0x0101_0101_0101_0101;

/// A word with its ASCII letters in lower case.
#[inline]
pub(crate) const fn lower(word: u64) -> u64 {
    let low = word & (EACH * 0x7f);
    let from_a = low + EACH * (0x80 - b'A' as u64);
    let behind_z = low + EACH * (0x7f - b'Z' as u64);
    word | ((from_a ^ behind_z) & !word & (EACH * 0x80)) >> 2
}

/// The highest bit of each byte of a word that is this one. Behind the first of them, others may have it as well.
#[inline]
const fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (EACH * byte as u64);
    differs.wrapping_sub(EACH) & !differs & (EACH * 0x80)
}

/// Whether that byte is in the name, looked for eight at a time: most names are short, and all are asked.
#[inline]
pub(crate) fn holds(name: &[u8], byte: u8) -> bool {
    let has = |word: &[u8; 8]| equal(u64::from_le_bytes(*word), byte) != 0;
    let (words, rest) = name.as_chunks::<8>();
    words.iter().any(has)
        || match name.last_chunk::<8>() {
            Some(last) => has(last),
            None => rest.contains(&byte),
        }
}

/// The place of the first of either byte in the name, looked for in the same way.
#[inline]
pub(crate) fn place(name: &[u8], one: u8, other: u8) -> Option<usize> {
    let (words, rest) = name.as_chunks::<8>();
    let mut passed = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = equal(word, one) | equal(word, other);
        if found != 0 {
            return Some(passed + found.trailing_zeros() as usize / 8);
        }
        passed += 8;
    }
    let found = rest.iter().position(|byte| *byte == one || *byte == other);
    found.map(|at| passed + at)
}

/// Checked reading. `None` only for bytes that no compiler of ours wrote.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blob<'a>(pub(crate) &'a [u8]);

/// The words of a row; 0 for what it does not have.
#[inline(always)]
pub(crate) fn words<const N: usize>(row: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    for (word, chunk) in words.iter_mut().zip(row.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*chunk);
    }
    words
}

/// A table: where it begins and how many rows it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) offset: usize,
    pub(crate) count: usize,
}

impl<'a> Blob<'a> {
    #[inline]
    pub(crate) fn word(self, offset: usize) -> Option<u32> {
        let bytes = self.0.get(offset..offset.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    #[inline]
    pub(crate) fn half(self, offset: usize) -> Option<usize> {
        let bytes = self.0.get(offset..offset.checked_add(2)?)?;
        Some(usize::from(u16::from_le_bytes(bytes.try_into().ok()?)))
    }

    #[inline]
    pub(crate) fn header(self, word: usize) -> Option<u32> {
        self.word(word * 4)
    }

    #[inline]
    pub(crate) fn table(self, word: usize) -> Option<Table> {
        Some(Table {
            offset: self.header(word)? as usize,
            count: self.header(word + 1)? as usize,
        })
    }

    /// The words of row `index`.
    #[inline]
    pub(crate) fn row<const N: usize>(self, table: Table, index: usize) -> Option<[u32; N]> {
        if index >= table.count {
            return None;
        }
        let start = table.offset.checked_add(index.checked_mul(N * 4)?)?;
        let bytes = self.0.get(start..start.checked_add(N * 4)?)?;
        Some(words(bytes))
    }

    /// The rows, of so many bytes each, of the table that a word of the header begins.
    #[inline]
    pub(crate) fn rows<const N: usize>(self, word: usize) -> Option<&'a [[u8; N]]> {
        let table = self.table(word)?;
        let end = table.count.checked_mul(N)?.checked_add(table.offset)?;
        Some(self.0.get(table.offset..end)?.as_chunks().0)
    }

    /// The lengths, and the bytes at the edge, of the table that a word of the header begins.
    #[inline]
    pub(crate) fn lengths(
        self,
        word: usize,
    ) -> Option<impl ExactSizeIterator<Item = (usize, u32)> + use<'a>> {
        let rows = self.rows::<LENGTH>(word)?;
        Some(rows.iter().map(|row| {
            let both = u64::from_le_bytes(*row);
            (both as u32 as usize, (both >> 32) as u32)
        }))
    }

    #[inline]
    pub(crate) fn bytes(self, offset: u32, length: u32) -> Option<&'a [u8]> {
        let start = offset as usize;
        self.0.get(start..start.checked_add(length as usize)?)
    }

    pub(crate) fn text(self, offset: u32, length: u32) -> Option<&'a str> {
        core::str::from_utf8(self.bytes(offset, length)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Hash, few, head, holds, lower, place, tail};

    #[test]
    fn letters_alone_are_folded() {
        for first in 0..=255u8 {
            for second in [0, b'@', b'A', b'Z', b'[', b'z', 0x80, 0xc1, 0xff] {
                let bytes = [first, second, second, first, 0, first, second, 0x7f];
                let expected = bytes.map(|byte| byte.to_ascii_lowercase());
                assert_eq!(lower(u64::from_le_bytes(bytes)).to_le_bytes(), expected);
            }
        }
    }

    #[test]
    fn a_byte_is_found_wherever_it_stands() {
        for length in 0..20 {
            for byte in 0..=255u8 {
                // Those that differ from it by a carry or by the highest bit.
                for other in [
                    byte ^ 0x80,
                    byte ^ 1,
                    byte.wrapping_add(1),
                    byte.wrapping_sub(1),
                ] {
                    let mut name = [other; 20];
                    assert!(!holds(&name[..length], byte), "{byte} {other} {length}");
                    assert_eq!(place(&name[..length], byte, byte), None);
                    for at in 0..length {
                        name[at] = byte;
                        assert!(holds(&name[..length], byte), "{byte} {other} {length} {at}");
                        // One that is not there, and one that is everywhere else.
                        assert_eq!(place(&name[..length], byte, byte ^ 0x55), Some(at));
                        assert_eq!(place(&name[..length], byte ^ 0x55, byte), Some(at));
                        assert_eq!(place(&name[..length], byte, other), Some(0));
                        name[at] = other;
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_beside_the_whole_words_of_a_name_are_its_bytes() {
        let name: [u8; 21] = core::array::from_fn(|i| i as u8 + 1);
        for length in 0..=name.len() {
            let (key, rest) = (&name[..length], length % 8);
            assert_eq!(tail(key), few(&key[length - rest..]), "{length}");
            assert_eq!(head(key), few(&key[..rest]), "{length}");
        }
    }

    #[test]
    fn every_byte_counts_in_both_directions() {
        let name: [u8; 21] = core::array::from_fn(|i| i as u8 + 1);
        for length in 0..name.len() {
            let key = &name[..length];
            assert_ne!(Hash::of(key, 1), Hash::of(key, 2));
            assert_ne!(Hash::of(key, 1), Hash::of(&name[..=length], 1));
            for at in 0..length {
                let mut other = name;
                other[at] ^= 0x40;
                assert_ne!(Hash::of(key, 1), Hash::of(&other[..length], 1));
                assert_ne!(
                    Hash::of_reversed(key, 1),
                    Hash::of_reversed(&other[..length], 1)
                );
            }
        }
    }
}
