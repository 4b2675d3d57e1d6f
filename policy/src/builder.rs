//! Puts the tables of a [`blob`](crate::blob) together.

use crate::blob::{self, Hash, Kind, NONE, Space, header, op, tag};
use crate::glob::{Op, Shape};
use crate::net::{Cidr, Ports};
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

#[derive(Clone, Copy)]
struct PortRule {
    ports: Ports,
    list: u32,
    entry: u32,
}

#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) flags: u32,
    pub(crate) sections: [u32; 5],
    pub(crate) unfollowable: u32,
    pub(crate) pools: u32,
    pub(crate) rule: Option<String>,
    pub(crate) enforce_after: Option<String>,
    pool: Vec<u8>,
    interned: BTreeMap<Vec<u8>, u32>,
    entries: Vec<[u32; 4]>,
    postings: Vec<[u32; 4]>,
    /// Head of the postings of a key, plus one.
    keys: BTreeMap<(u32, Vec<u8>), u32>,
    /// How many programs hang on a key.
    crowds: BTreeMap<(u32, Vec<u8>), usize>,
    plain: BTreeSet<(u32, u32, Vec<u8>)>,
    /// What leads to ports: networks and names.
    nets: BTreeMap<(u32, Vec<u8>), Vec<PortRule>>,
    listen: Vec<PortRule>,
    markers: Vec<u32>,
    lengths: [[BTreeSet<usize>; 2]; blob::SPACES],
    net4: [u32; 2],
    net6: [u32; 5],
}

/// Tables hold at most some millions of rows (the text of a policy is bounded), so this never saturates.
fn word(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(NONE)
}

impl Builder {
    /// An entry: where it stands and what it says. Returns its number.
    pub(crate) fn entry(&mut self, place: &str, pattern: &str) -> u32 {
        let place_at = self.intern(place.as_bytes());
        let pattern_at = self.intern(pattern.as_bytes());
        self.entries
            .push([place_at, word(place.len()), pattern_at, word(pattern.len())]);
        word(self.entries.len() - 1)
    }

    fn intern(&mut self, bytes: &[u8]) -> u32 {
        if let Some(offset) = self.interned.get(bytes) {
            return *offset;
        }
        let offset = word(self.pool.len());
        self.pool.extend_from_slice(bytes);
        self.interned.insert(bytes.to_vec(), offset);
        offset
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
        let key = if space.folds() {
            key.to_ascii_lowercase()
        } else {
            key.clone()
        };
        let tag = tag(space, kind);
        let length = key.len();
        // The same name again, for the same purpose, would never be the one that is reported.
        let meta = list << 8 | access;
        if program.is_none() && !self.plain.insert((tag, meta, key.clone())) {
            return;
        }
        let program = program.map_or(0, |program| self.program(program));
        if program != 0 {
            *self.crowds.entry((tag, key.clone())).or_insert(0) += 1;
        }
        let head = self.keys.entry((tag, key)).or_insert(0);
        self.postings.push([entry, meta, program, *head]);
        *head = word(self.postings.len());
        self.length(space, kind, length);
    }

    /// How many programs hang on a key. One that is in every name counts for as many as there can be.
    fn crowd(&self, space: Space, kind: Kind, key: &[u8]) -> usize {
        if key.is_empty() || key == b"/" {
            return usize::MAX;
        }
        let key = if space.folds() {
            key.to_ascii_lowercase()
        } else {
            key.to_vec()
        };
        self.crowds
            .get(&(tag(space, kind), key))
            .copied()
            .unwrap_or(0)
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
        self.length(Space::Host, kind, key.len());
        self.nets
            .entry((tag(Space::Host, kind), key.to_ascii_lowercase()))
            .or_default()
            .push(PortRule { ports, list, entry });
    }

    /// Notes that a beginning or an end of that length occurs.
    fn length(&mut self, space: Space, kind: Kind, length: usize) {
        match (kind, self.lengths.get_mut(space as usize)) {
            (Kind::Prefix, Some([prefixes, _])) => {
                prefixes.insert(length);
            }
            (Kind::Suffix, Some([_, suffixes])) => {
                suffixes.insert(length);
            }
            _ => {}
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
        let mut rows: Vec<(u32, u32, Vec<u8>, u32, u32)> = Vec::new();
        for ((tag, key), head) in core::mem::take(&mut self.keys) {
            rows.push((hash(tag, &key), tag, key, head, 0));
        }
        let mut segments = Vec::new();
        for ((tag, key), rules) in core::mem::take(&mut self.nets) {
            let first = segments.len();
            segments.extend(disjoint(&rules));
            let hash = hash(tag, &key);
            rows.push((hash, tag, key, word(first), word(segments.len() - first)));
        }
        let slots = self.slots(&rows);
        let listen = disjoint(&self.listen);

        let mut words = [0u32; header::WORDS];
        let mut body: Vec<u8> = Vec::new();
        let start = header::WORDS * 4 + self.pool.len();
        let mut set = |index: usize, value: u32| {
            if let Some(word) = words.get_mut(index) {
                *word = value;
            }
        };
        let mut table =
            |set: &mut dyn FnMut(usize, u32), index: usize, row: usize, flat: &[u32]| {
                set(index, word(start + body.len()));
                set(index + 1, word(flat.len() * 4 / row));
                body.extend(flat.iter().flat_map(|w| w.to_le_bytes()));
            };
        // Offsets into the pool count from the beginning of the blob.
        let base = word(header::WORDS * 4);
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
        table(&mut set, header::SLOTS, blob::SLOT, slots.as_flattened());
        table(
            &mut set,
            header::POSTINGS,
            blob::POSTING,
            self.postings.as_flattened(),
        );
        table(
            &mut set,
            header::ENTRIES,
            blob::ENTRY,
            self.entries.as_flattened(),
        );
        table(
            &mut set,
            header::SEGMENTS,
            blob::SEGMENT,
            segments.as_flattened(),
        );
        table(
            &mut set,
            header::LISTEN,
            blob::SEGMENT,
            listen.as_flattened(),
        );
        table(&mut set, header::MARKERS, blob::MARKER, &self.markers);
        for (space, kinds) in self.lengths.iter().enumerate() {
            for (kind, lengths) in kinds.iter().enumerate() {
                let lengths: Vec<u32> = lengths.iter().map(|l| word(*l)).collect();
                table(
                    &mut set,
                    header::LENGTHS + space * 4 + kind * 2,
                    blob::LENGTH,
                    &lengths,
                );
            }
        }
        if let Some(name) = &self.rule {
            // The name is an entry's pattern, and so in the pool.
            if let Some(offset) = self.interned.get(name.as_bytes()) {
                set(header::RULE, offset + base);
                set(header::RULE + 1, word(name.len()));
            }
        }
        if let Some(after) = &self.enforce_after
            && let Some(offset) = self.interned.get(after.as_bytes())
        {
            set(header::ENFORCE_AFTER, offset + base);
            set(header::ENFORCE_AFTER + 1, word(after.len()));
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
        set(header::LENGTH, word(start + body.len()));

        let mut bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.append(&mut self.pool);
        bytes.append(&mut body);
        bytes
    }

    /// Names the rule that applies.
    pub(crate) fn name_rule(&mut self, name: &str) {
        self.intern(name.as_bytes());
        self.rule = Some(name.to_owned());
        self.flags |= blob::flag::RULE;
    }

    /// Says until when the rule does not prevent.
    pub(crate) fn delay(&mut self, until: &str) {
        self.intern(until.as_bytes());
        self.enforce_after = Some(until.to_owned());
    }

    fn slots(&mut self, rows: &[(u32, u32, Vec<u8>, u32, u32)]) -> Vec<[u32; 6]> {
        // At most half full, so that a search meets an empty slot soon.
        let size = (rows.len() * 2).next_power_of_two().max(2);
        let mut slots = vec![[0u32; 6]; size];
        for (hash, tag, key, head, count) in rows {
            let key_at = self.intern(key) + word(header::WORDS * 4);
            let mut at = *hash as usize & (size - 1);
            while slots.get(at).is_some_and(|[_, tag, ..]| *tag != 0) {
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = [*hash, *tag, key_at, word(key.len()), *head, *count];
            }
        }
        slots
    }
}

/// Ends are hashed from the last byte on, as they are looked up.
fn hash(tag: u32, key: &[u8]) -> u32 {
    let hash = if blob::is_suffix(tag) {
        Hash::of_reversed(key)
    } else {
        Hash::of(key)
    };
    hash.slot(tag)
}

/// Overlapping ranges of ports into disjoint ones, each with the first entry of each list that covers it.
fn disjoint(rules: &[PortRule]) -> Vec<[u32; 4]> {
    let mut cuts: BTreeMap<u32, Vec<(bool, PortRule)>> = BTreeMap::new();
    for rule in rules {
        cuts.entry(u32::from(rule.ports.low))
            .or_default()
            .push((true, *rule));
        cuts.entry(u32::from(rule.ports.high) + 1)
            .or_default()
            .push((false, *rule));
    }
    let mut open: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    let mut out = Vec::new();
    let mut cuts = cuts.into_iter().peekable();
    while let Some((low, changes)) = cuts.next() {
        for (begins, rule) in changes {
            let count = open.entry((rule.list, rule.entry)).or_insert(0);
            if begins {
                *count += 1;
            } else {
                *count -= 1;
                if *count == 0 {
                    open.remove(&(rule.list, rule.entry));
                }
            }
        }
        let Some((next, _)) = cuts.peek() else { break };
        if open.is_empty() {
            continue;
        }
        let first = |list: u32| {
            open.range((list, 0)..=(list, NONE))
                .next()
                .map_or(NONE, |((_, entry), _)| *entry)
        };
        let high = next - 1;
        let platform = u32::from(first(blob::list::PLATFORM) != NONE);
        out.push([
            low | high << 16,
            first(blob::list::DENY),
            first(blob::list::ALLOW),
            platform,
        ]);
    }
    out
}
