//! Looks names, addresses and ports up in the tables of a compiled policy.

use super::Decider;
use crate::blob::{self, Blob, Hash, Kind, NONE, Space, Table, header, list, tag};
use crate::net;
use crate::nfa;
use core::net::IpAddr;

/// The first entry of each list that matched.
pub(super) struct Hits {
    /// Which bits of access are asked for.
    pub(super) want: u32,
    /// Which lists are asked.
    pub(super) lists: u32,
    pub(super) deny: u32,
    pub(super) allow: u32,
    pub(super) miner: u32,
    pub(super) allowed: u32,
    pub(super) platform: u32,
    /// Which port is asked for, where a name leads to ports.
    pub(super) port: Option<u16>,
    /// A name matched, whatever its ports.
    pub(super) hosts: bool,
}

impl Hits {
    pub(super) fn new(want: u32) -> Self {
        Self {
            want,
            lists: u32::MAX,
            deny: NONE,
            allow: NONE,
            miner: NONE,
            allowed: 0,
            platform: 0,
            port: None,
            hosts: false,
        }
    }

    /// Whether an entry could still change anything.
    fn wants(&self, list: u32, access: u32, entry: u32) -> bool {
        let bits = access & self.want;
        list & self.lists != 0
            && bits != 0
            && match list {
                list::DENY => entry < self.deny,
                list::MINER => entry < self.miner,
                list::ALLOW => entry < self.allow || bits & !self.allowed != 0,
                list::PLATFORM => bits & !self.platform != 0,
                _ => false,
            }
    }

    fn add(&mut self, list: u32, access: u32, entry: u32) {
        match list {
            list::DENY => self.deny = self.deny.min(entry),
            list::MINER => self.miner = self.miner.min(entry),
            list::ALLOW => {
                self.allow = self.allow.min(entry);
                self.allowed |= access & self.want;
            }
            list::PLATFORM => self.platform |= access & self.want,
            _ => {}
        }
    }
}

impl Decider<'_> {
    /// Asks everything that could match `name`: whole, by its beginnings, by its ends.
    pub(super) fn scan(&self, space: Space, name: &[u8], hits: &mut Hits) -> Option<()> {
        let fold = space.folds();
        let step = |hash: Hash, byte: u8| {
            hash.step(if fold {
                byte.to_ascii_lowercase()
            } else {
                byte
            })
        };
        let lengths = header::LENGTHS + space as usize * 4;

        let mut prefixes = Lengths::new(self.blob, lengths)?;
        let mut hash = Hash::new();
        prefixes.at(0, || self.probe(space, Kind::Prefix, hash, name, 0, hits))?;
        for (i, byte) in name.iter().enumerate() {
            hash = step(hash, *byte);
            prefixes.at(i + 1, || {
                self.probe(space, Kind::Prefix, hash, name, i + 1, hits)
            })?;
        }
        self.probe(space, Kind::Exact, hash, name, name.len(), hits)?;

        let mut suffixes = Lengths::new(self.blob, lengths + 2)?;
        let mut hash = Hash::new();
        suffixes.at(0, || self.probe(space, Kind::Suffix, hash, name, 0, hits))?;
        for (i, byte) in name.iter().rev().enumerate() {
            if suffixes.next.is_none() {
                break;
            }
            hash = step(hash, *byte);
            suffixes.at(i + 1, || {
                self.probe(space, Kind::Suffix, hash, name, i + 1, hits)
            })?;
        }
        Some(())
    }

    /// Looks one key up: the first or last `length` bytes of `name`, or all of them.
    fn probe(
        &self,
        space: Space,
        kind: Kind,
        hash: Hash,
        name: &[u8],
        length: usize,
        hits: &mut Hits,
    ) -> Option<()> {
        let (key, rest) = match kind {
            Kind::Exact => (name, [].as_slice()),
            Kind::Prefix => (name.get(..length)?, name.get(length..)?),
            Kind::Suffix => (name.get(name.len().checked_sub(length)?..)?, name),
        };
        let Some((head, count)) = self.find(tag(space, kind), hash, |k| {
            if space.folds() {
                k.eq_ignore_ascii_case(key)
            } else {
                k == key
            }
        })?
        else {
            return Some(());
        };
        if space == Space::Host {
            hits.hosts = true;
            return match hits.port {
                Some(port) => self.scan_segments(head, count, port, hits),
                None => Some(()),
            };
        }
        let postings = self.blob.table(header::POSTINGS)?;
        let mut next = head;
        while let Some(index) = next.checked_sub(1) {
            let [entry, meta, program, before] = self.blob.row(postings, index as usize)?;
            let (list, bits) = (meta >> 8, meta & 0xff);
            if hits.wants(list, bits, entry)
                && (program == 0 || nfa::matches(self.blob, program, rest)?)
            {
                hits.add(list, bits, entry);
            }
            // Only backwards, so that it ends.
            if before >= next {
                return None;
            }
            next = before;
        }
        Some(())
    }

    /// Head and count of the slot with that key, if there is one.
    fn find(
        &self,
        tag: u32,
        hash: Hash,
        equal: impl Fn(&[u8]) -> bool,
    ) -> Option<Option<(u32, u32)>> {
        let slots = self.blob.table(header::SLOTS)?;
        let hash = hash.slot(tag);
        let mut at = hash as usize & slots.count.checked_sub(1)?;
        for _ in 0..slots.count {
            let [slot_hash, slot_tag, key, length, head, count] = self.blob.row(slots, at)?;
            if slot_tag == 0 {
                return Some(None);
            }
            if slot_hash == hash && slot_tag == tag && equal(self.blob.bytes(key, length)?) {
                return Some(Some((head, count)));
            }
            at = (at + 1) & (slots.count - 1);
        }
        Some(None)
    }

    /// Looks an address up in every network size that occurs.
    pub(super) fn scan_net(&self, ip: IpAddr, port: u16, hits: &mut Hits) -> Option<()> {
        let (tag, words, size) = match ip {
            IpAddr::V4(_) => (blob::TAG_NET4, header::NET4..header::NET6, 5),
            IpAddr::V6(_) => (blob::TAG_NET6, header::NET6..header::WORDS, 17),
        };
        for (i, word) in words.enumerate() {
            let mut bits = self.blob.header(word)?;
            while bits != 0 {
                let length = u8::try_from(i * 32 + bits.trailing_zeros() as usize).ok()?;
                bits &= bits - 1;
                let mut key = [length; 17];
                let octets = key.get_mut(1..size)?;
                match net::masked(ip, length) {
                    IpAddr::V4(four) => octets.copy_from_slice(&four.octets()),
                    IpAddr::V6(six) => octets.copy_from_slice(&six.octets()),
                }
                let key = key.get(..size)?;
                if let Some((first, count)) = self.find(tag, Hash::of(key), |k| k == key)? {
                    self.scan_segments(first, count, port, hits)?;
                }
            }
        }
        Some(())
    }

    /// The segments of one network or one name.
    fn scan_segments(&self, first: u32, count: u32, port: u16, hits: &mut Hits) -> Option<()> {
        let all = self.blob.table(header::SEGMENTS)?;
        let (first, count) = (first as usize, count as usize);
        if first.checked_add(count)? > all.count {
            return None;
        }
        let segments = Table {
            offset: all.offset + first * blob::SEGMENT,
            count,
        };
        self.scan_ports(segments, port, hits)
    }

    /// Finds the segment that holds the port: they are sorted and do not overlap.
    pub(super) fn scan_ports(&self, segments: Table, port: u16, hits: &mut Hits) -> Option<()> {
        let port = u32::from(port);
        let (mut low, mut high) = (0, segments.count);
        while low < high {
            let middle = usize::midpoint(low, high);
            let [ports, deny, allow, platform] = self.blob.row(segments, middle)?;
            if port < ports & 0xffff {
                high = middle;
            } else if port > ports >> 16 {
                low = middle + 1;
            } else {
                hits.deny = hits.deny.min(deny);
                hits.allow = hits.allow.min(allow);
                hits.platform |= platform;
                break;
            }
        }
        Some(())
    }
}

/// Walks over the lengths that occur, ascending.
struct Lengths<'a> {
    blob: Blob<'a>,
    table: Table,
    index: usize,
    next: Option<usize>,
}

impl<'a> Lengths<'a> {
    fn new(blob: Blob<'a>, header: usize) -> Option<Self> {
        let table = blob.table(header)?;
        let mut lengths = Self {
            blob,
            table,
            index: 0,
            next: None,
        };
        lengths.advance()?;
        Some(lengths)
    }

    fn advance(&mut self) -> Option<()> {
        self.next = if self.index < self.table.count {
            let [length] = self.blob.row(self.table, self.index)?;
            Some(length as usize)
        } else {
            None
        };
        self.index += 1;
        Some(())
    }

    /// Calls `probe` if `length` is the next that occurs.
    #[inline]
    fn at(&mut self, length: usize, probe: impl FnOnce() -> Option<()>) -> Option<()> {
        if self.next == Some(length) {
            probe()?;
            self.advance()?;
        }
        Some(())
    }
}
