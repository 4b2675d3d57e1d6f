//! Puts the tables of a [`blob`](crate::blob) together.

mod index;
mod ports;

use crate::blob::{self, Hash, Kind, NONE, Space, header, op, tag};
use crate::glob::{Op, Shape};
use crate::net::{Cidr, Ports};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;
use ports::{PortRule, disjoint};

pub(crate) use index::Index;

#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) flags: u32,
    pub(crate) sections: [u32; 5],
    pub(crate) unfollowable: u32,
    pub(crate) pools: u32,
    /// Where their texts lie in the pool, and how long they are.
    rule: Option<(u32, u32)>,
    enforce_after: Option<(u32, u32)>,
    pool: Vec<u8>,
    /// Texts in the pool that are used more than once.
    texts: Vec<(u32, u32)>,
    text_index: Index,
    entries: Vec<[u32; 4]>,
    postings: Vec<[u32; 4]>,
    keys: Vec<Key>,
    key_index: Index,
    /// What leads to ports: networks and names.
    nets: BTreeMap<(u32, Vec<u8>), Vec<PortRule>>,
    listen: Vec<PortRule>,
    markers: Vec<u32>,
    /// For each space the beginnings and the ends: which bytes stand at the edge, by length.
    lengths: [[BTreeMap<usize, u32>; 2]; blob::SPACES],
    net4: [u32; 2],
    net6: [u32; 5],
}

/// What is looked up by its bytes.
struct Key {
    tag: u32,
    hash: u32,
    /// Its text, in the pool.
    at: u32,
    length: u32,
    /// The last of the postings that hang on it, plus one.
    head: u32,
    /// How many of them are programs.
    programs: usize,
    /// For what it is there without a program: a bit for each list and access.
    plain: u64,
}

/// Tables hold at most some millions of rows (the text of a policy is bounded), so this never saturates.
pub(crate) fn word(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(NONE)
}

impl Builder {
    /// Makes room for so many entries more, as they mostly are: what grows is copied each time, into memory that is touched first.
    #[inline(never)]
    pub(crate) fn reserve(&mut self, count: usize) {
        self.pool.reserve(count * 80);
        self.text_index.reserve(count * 2);
        self.key_index.reserve(count);
    }

    /// An entry: where it stands, in parts, which of a list it is there, and what it says. Returns its number.
    pub(crate) fn entry(&mut self, place: &[&str], index: Option<usize>, pattern: &str) -> u32 {
        // No two entries stand at the same place.
        let place_at = self.pool.len();
        for part in place {
            self.pool.extend_from_slice(part.as_bytes());
        }
        if let Some(index) = index {
            self.pool.push(b'[');
            self.digits(index);
            self.pool.push(b']');
        }
        let length = self.pool.len() - place_at;
        let pattern_at = self.intern(pattern.as_bytes());
        self.entries.push([
            word(place_at),
            word(length),
            pattern_at,
            word(pattern.len()),
        ]);
        word(self.entries.len() - 1)
    }

    /// A number in decimal. By hand: each entry of a long policy has one, and the standard library's way to it is longer than the rest of it.
    fn digits(&mut self, number: usize) {
        if number > 9 {
            self.digits(number / 10);
        }
        self.pool.push(b'0' + (number % 10) as u8);
    }

    fn append(&mut self, bytes: &[u8]) -> u32 {
        let offset = word(self.pool.len());
        self.pool.extend_from_slice(bytes);
        offset
    }

    /// The place of a text in the pool, which holds it once.
    fn intern(&mut self, bytes: &[u8]) -> u32 {
        let hash = Hash::of(bytes, 0);
        let is_it = |number: u32| {
            let found = self.texts.get(number as usize);
            found.is_some_and(|(at, length)| self.text(*at, *length) == bytes)
        };
        if let Some(number) = self.text_index.find(hash, is_it) {
            return self.texts.get(number as usize).map_or(NONE, |(at, _)| *at);
        }
        let offset = self.append(bytes);
        self.text_index.insert(hash, word(self.texts.len()));
        self.texts.push((offset, word(bytes.len())));
        offset
    }

    fn text(&self, at: u32, length: u32) -> &[u8] {
        self.pool
            .get(at as usize..(at as usize).saturating_add(length as usize))
            .unwrap_or_default()
    }

    /// The number of a key, if it is there.
    fn find_key(&self, tag: u32, hash: u32, key: &[u8]) -> Option<u32> {
        self.key_index.find(hash, |number| {
            let found = self.keys.get(number as usize);
            found.is_some_and(|k| k.tag == tag && self.text(k.at, k.length) == key)
        })
    }

    /// The number of a key, which is there from now on.
    fn key(&mut self, tag: u32, key: &[u8]) -> u32 {
        let hash = hash(tag, key);
        if let Some(number) = self.find_key(tag, hash, key) {
            return number;
        }
        let number = word(self.keys.len());
        let at = self.intern(key);
        self.key_index.insert(hash, number);
        self.keys.push(Key {
            tag,
            hash,
            at,
            length: word(key.len()),
            head: 0,
            programs: 0,
            plain: 0,
        });
        number
    }

    /// One way in which a pattern matches, for `list` and the bits of `access`.
    pub(crate) fn shape(
        &mut self,
        space: Space,
        shape: &Shape,
        list: u32,
        access: u32,
        entry: u32,
    ) {
        let (kind, key, program) = match shape {
            Shape::Exact(key) => (Kind::Exact, key, None),
            Shape::Prefix(key) => (Kind::Prefix, key, None),
            Shape::Suffix(key) => (Kind::Suffix, key, None),
            Shape::Wild {
                prefix,
                suffix,
                program,
                tail,
            } => {
                // Whichever fewer others hang on, so that neither `/proc/*/…` nor `…/*/config.json` a thousand times makes a long list.
                let (before, after) = (
                    self.crowd(space, Kind::Prefix, prefix),
                    self.crowd(space, Kind::Suffix, suffix),
                );
                if program.is_empty() || (before, suffix.len()) <= (after, prefix.len()) {
                    (Kind::Prefix, prefix, Some(tail))
                } else {
                    (Kind::Suffix, suffix, Some(program))
                }
            }
        };
        let number = self.key(tag(space, kind), &folded(space, key));
        let program = program.map_or(0, |program| self.program(program));
        if let Some(key) = self.keys.get_mut(number as usize) {
            if program == 0 {
                // The same name again, for the same purpose, would never be the one that is reported.
                let purpose = 1 << ((list << 2) | access);
                if key.plain & purpose != 0 {
                    return;
                }
                key.plain |= purpose;
            }
            key.programs += usize::from(program != 0);
            self.postings
                .push([entry, list << 8 | access, program, key.head]);
            key.head = word(self.postings.len());
        }
        self.length(space, kind, key);
    }

    /// How many programs hang on a key. One that is in every name counts for as many as there can be.
    fn crowd(&self, space: Space, kind: Kind, key: &[u8]) -> usize {
        if key.is_empty() || key == b"/" {
            return usize::MAX;
        }
        let (tag, key) = (tag(space, kind), folded(space, key));
        let number = self.find_key(tag, hash(tag, &key), &key);
        let found = number.and_then(|number| self.keys.get(number as usize));
        found.map_or(0, |key| key.programs)
    }

    /// Writes a program into the pool. Its offset there is never 0, which stands for none.
    fn program(&mut self, ops: &[Op]) -> u32 {
        if self.pool.is_empty() {
            self.pool.push(0);
        }
        let mut classes: Vec<[u8; 32]> = Vec::new();
        let mut code = Vec::with_capacity(ops.len() * 2);
        for operation in ops {
            let pair = match operation {
                Op::Byte(b) => [op::BYTE, *b],
                Op::Any => [op::ANY, 0],
                Op::Star => [op::STAR, 0],
                Op::Rest => [op::REST, 0],
                Op::Dirs => [op::DIRS, 0],
                Op::Class(set) => {
                    let index = classes.iter().position(|c| *c == **set).unwrap_or_else(|| {
                        classes.push(**set);
                        classes.len() - 1
                    });
                    [op::CLASS, u8::try_from(index).unwrap_or(u8::MAX)]
                }
            };
            code.extend(pair);
        }
        let mut bytes = Vec::new();
        bytes.extend(u16::try_from(ops.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend(
            u16::try_from(classes.len())
                .unwrap_or(u16::MAX)
                .to_le_bytes(),
        );
        bytes.extend(code);
        bytes.extend(classes.concat());
        self.intern(&bytes)
    }

    /// A network of `network.outbound`.
    pub(crate) fn net(&mut self, cidr: Cidr, ports: Ports, list: u32, entry: u32) {
        let mut key = vec![cidr.length];
        let bits = match cidr.address {
            IpAddr::V4(four) => {
                key.extend(four.octets());
                self.net4.get_mut(usize::from(cidr.length >> 5))
            }
            IpAddr::V6(six) => {
                key.extend(six.octets());
                self.net6.get_mut(usize::from(cidr.length >> 5))
            }
        };
        if let Some(bits) = bits {
            *bits |= 1 << (cidr.length & 31);
        }
        let tag = if cidr.address.is_ipv4() {
            blob::TAG_NET4
        } else {
            blob::TAG_NET6
        };
        self.nets
            .entry((tag, key))
            .or_default()
            .push(PortRule { ports, list, entry });
    }

    /// A name of `network.outbound`: a shape without a program.
    pub(crate) fn host(&mut self, shape: &Shape, ports: Ports, list: u32, entry: u32) {
        let (kind, key) = match shape {
            Shape::Exact(key) => (Kind::Exact, key),
            Shape::Suffix(key) => (Kind::Suffix, key),
            Shape::Prefix(key) => (Kind::Prefix, key),
            Shape::Wild { .. } => return,
        };
        self.flags |= blob::flag::NAMES;
        self.length(Space::Host, kind, key);
        self.nets
            .entry((tag(Space::Host, kind), key.to_ascii_lowercase()))
            .or_default()
            .push(PortRule { ports, list, entry });
    }

    /// Notes that a beginning or an end of that length occurs, and what stands at its edge.
    fn length(&mut self, space: Space, kind: Kind, key: &[u8]) {
        let (which, edge) = match kind {
            Kind::Exact => return,
            Kind::Prefix => (0, key.last()),
            Kind::Suffix => (1, key.first()),
        };
        let both = self.lengths.get_mut(space as usize);
        if let Some(lengths) = both.and_then(|both| both.get_mut(which)) {
            // Without a byte there is no edge, and it is in every name.
            *lengths.entry(key.len()).or_default() |= edge.map_or(u32::MAX, |b| blob::edge_bit(*b));
        }
    }

    /// Ports of `network.listen`.
    pub(crate) fn listen(&mut self, ports: Ports, list: u32, entry: u32) {
        self.listen.push(PortRule { ports, list, entry });
    }

    /// An entry whose pattern betrays a miner wherever it stands in an argument.
    #[allow(
        dead_code,
        reason = "only the curated lists have them, and build.rs compiles those"
    )]
    pub(crate) fn marker(&mut self, entry: u32) {
        self.markers.push(entry);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let keys = core::mem::take(&mut self.keys);
        let mut rows: Vec<[u32; 6]> = keys
            .iter()
            .map(|key| [key.hash, key.tag, key.at, key.length, key.head, 0])
            .collect();
        let mut segments = Vec::new();
        for ((tag, key), rules) in core::mem::take(&mut self.nets) {
            let first = segments.len();
            segments.extend(disjoint(&rules));
            let (hash, count) = (hash(tag, &key), segments.len() - first);
            let [key, length] = match *key {
                [size, a, b, c, d] if tag == blob::TAG_NET4 => {
                    [u32::from_le_bytes([a, b, c, d]), u32::from(size)]
                }
                _ => [self.intern(&key), word(key.len())],
            };
            rows.push([hash, tag, key, length, word(first), word(count)]);
        }
        let mut words = [0u32; header::WORDS];
        let mut set = |index: usize, value: u32| {
            if let Some(word) = words.get_mut(index) {
                *word = value;
            }
        };
        // What each decision reads lies beside the header, in the same page.
        let mut lengths: Vec<[u32; 2]> = Vec::new();
        for (space, kinds) in self.lengths.iter().enumerate() {
            for (kind, these) in kinds.iter().enumerate() {
                let index = header::LENGTHS + space * 4 + kind * 2;
                let start = header::WORDS * 4 + lengths.len() * blob::LENGTH;
                set(index, word(start));
                set(index + 1, word(these.len()));
                lengths.extend(these.iter().map(|(l, edges)| [word(*l), *edges]));
            }
        }
        let pool = header::WORDS * 4 + lengths.len() * blob::LENGTH;
        let slots = slots(&rows, pool);
        let filter = self.filter(&rows, slots.len());
        let listen = disjoint(&self.listen);

        // Offsets into the pool count from the beginning of the blob.
        let base = word(pool);
        for row in &mut self.entries {
            let [place, _, pattern, _] = row;
            *place += base;
            *pattern += base;
        }
        for row in &mut self.postings {
            let [_, _, program, _] = row;
            if *program != 0 {
                *program += base;
            }
        }
        let tables: [(usize, usize, &[u32]); 7] = [
            (header::SLOTS, blob::SLOT, slots.as_flattened()),
            (
                header::POSTINGS,
                blob::POSTING,
                self.postings.as_flattened(),
            ),
            (header::ENTRIES, blob::ENTRY, self.entries.as_flattened()),
            (header::SEGMENTS, blob::SEGMENT, segments.as_flattened()),
            (header::LISTEN, blob::SEGMENT, listen.as_flattened()),
            (header::MARKERS, blob::MARKER, &self.markers),
            (header::FILTER, blob::FILTER, &filter),
        ];
        let mut end = pool + self.pool.len();
        for (index, row, flat) in tables {
            set(index, word(end));
            set(index + 1, word(flat.len() * 4 / row));
            end += flat.len() * 4;
        }
        for (index, text) in [
            (header::RULE, self.rule),
            (header::ENFORCE_AFTER, self.enforce_after),
        ] {
            if let Some((at, length)) = text {
                set(index, at + base);
                set(index + 1, length);
            }
        }
        set(header::UNFOLLOWABLE, self.unfollowable);
        set(header::POOLS, self.pools);
        set(header::MAGIC, blob::MAGIC);
        set(header::FORMAT, blob::FORMAT);
        set(header::FLAGS, self.flags);
        for (i, state) in self.sections.iter().enumerate() {
            set(header::SECTIONS + i, *state);
        }
        for (i, bits) in self.net4.iter().enumerate() {
            set(header::NET4 + i, *bits);
        }
        for (i, bits) in self.net6.iter().enumerate() {
            set(header::NET6 + i, *bits);
        }
        set(header::LENGTH, word(end));

        // Once, and as large as it gets: memory that is touched first costs more than what is done in it.
        let mut bytes = Vec::with_capacity(end);
        append_words(&mut bytes, &words);
        append_words(&mut bytes, lengths.as_flattened());
        bytes.extend_from_slice(&self.pool);
        for (_, _, flat) in tables {
            append_words(&mut bytes, flat);
        }
        bytes
    }

    /// The bits of the rows' hashes and of their ways: a sixteenth of the slots' size, so that most of what is not there is found out in memory
    /// that is near.
    fn filter(&self, rows: &[[u32; 6]], slots: usize) -> Vec<u32> {
        let mut words = vec![0u32; (slots / 4).max(1)];
        let mut set = |hash: u32| {
            let bit = blob::filter_bit(hash, words.len());
            if let Some(word) = words.get_mut(bit / 32) {
                *word |= 1 << (bit % 32);
            }
        };
        for [hash, tag, at, length, ..] in rows {
            set(*hash);
            if *tag < blob::TAG_NET4 {
                Hash::ways(self.text(*at, *length), *tag).for_each(&mut set);
            }
        }
        words
    }

    /// Names the rule that applies.
    pub(crate) fn name_rule(&mut self, name: &str) {
        self.rule = Some((self.intern(name.as_bytes()), word(name.len())));
        self.flags |= blob::flag::RULE;
    }

    /// Says until when the rule does not prevent.
    pub(crate) fn delay(&mut self, until: &str) {
        self.enforce_after = Some((self.intern(until.as_bytes()), word(until.len())));
    }
}

/// Word by word: a million bytes one by one would take most of the time.
fn append_words(bytes: &mut Vec<u8>, words: &[u32]) {
    let start = bytes.len();
    bytes.resize(start + words.len() * 4, 0);
    let (to, _) = bytes.get_mut(start..).unwrap_or_default().as_chunks_mut();
    for (to, word) in to.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
}

/// The hash table over rows that are to be its slots, with their keys in the pool that begins there.
fn slots(rows: &[[u32; 6]], pool: usize) -> Vec<[u32; 6]> {
    // At most half full, so that a search meets an empty slot soon.
    let size = (rows.len() * 2).next_power_of_two().max(2);
    let mut slots = vec![[0u32; 6]; size];
    for row in rows {
        let [hash, tag, at, ..] = *row;
        let mut place = hash as usize & (size - 1);
        while slots.get(place).is_some_and(|[_, tag, ..]| *tag != 0) {
            place = (place + 1) & (size - 1);
        }
        if let Some(slot) = slots.get_mut(place) {
            *slot = *row;
            if tag != blob::TAG_NET4 {
                slot[2] = at + word(pool);
            }
        }
    }
    slots
}

/// A key as it is looked up.
fn folded(space: Space, key: &[u8]) -> Cow<'_, [u8]> {
    if space.folds() {
        Cow::Owned(key.to_ascii_lowercase())
    } else {
        Cow::Borrowed(key)
    }
}

/// Ends are hashed from the last byte on, as they are looked up.
fn hash(tag: u32, key: &[u8]) -> u32 {
    if blob::is_suffix(tag) {
        Hash::of_reversed(key, tag)
    } else {
        Hash::of(key, tag)
    }
}
