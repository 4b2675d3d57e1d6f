//! Looks names, addresses and ports up in the tables of a compiled policy.

use super::Decider;
use crate::blob::{self, Hash, Kind, NONE, Space, access, header, list, tag};
use crate::net;
use crate::nfa;
use core::net::IpAddr;
use core::ops::Range;

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
    #[inline]
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

/// A word as it is hashed: of a space that [folds](Space::folds) in lower case.
#[inline]
const fn folded(word: u64, folds: bool) -> u64 {
    if folds { blob::lower(word) } else { word }
}

/// How far a name has been hashed, from one of its ends.
#[derive(Clone, Copy)]
struct Walk {
    hash: Hash,
    /// Bytes; [`LOST`](Self::LOST) where no key goes on.
    done: usize,
}

impl Walk {
    const LOST: usize = usize::MAX;

    /// After the first word, if there is one. Most names are no key's beginning, and lost there.
    #[inline]
    fn begun(filter: Filter<'_>, word: Option<&[u8; 8]>, space: Space, kind: Kind) -> Self {
        let mut walk = Self {
            hash: Hash::new(),
            done: 0,
        };
        if let Some(word) = word {
            walk.step(filter, word, space, kind);
        }
        walk
    }

    /// Whether no key has these bytes and more.
    #[inline]
    const fn is_lost(self) -> bool {
        self.done == Self::LOST
    }

    /// How long a key can be that is still to come, in a name of that length: where the first word is lost, shorter than a word.
    #[inline]
    const fn longest(self, name: usize) -> usize {
        if self.is_lost() && name > 7 { 7 } else { name }
    }

    /// Goes on by a word, if there are keys that do.
    #[inline]
    fn step(&mut self, filter: Filter<'_>, word: &[u8; 8], space: Space, kind: Kind) {
        let word = folded(u64::from_le_bytes(*word), space.folds());
        self.hash = self.hash.step(word);
        self.done += 8;
        let is_marked = self.done <= 8 * blob::MARKED;
        if is_marked && !filter.leads_on(self.hash, space, kind) {
            self.done = Self::LOST;
        }
    }

    /// Goes on to where `part` of the name ends, or begins if it is an end: the hash under which it would be looked up, if there may be such a key.
    #[inline(never)]
    fn halt(
        &mut self,
        filter: Filter<'_>,
        part: &[u8],
        space: Space,
        kind: Kind,
    ) -> Option<Option<u32>> {
        let mut hash = Hash::new();
        if part.len() >= 8 {
            if self.is_lost() {
                return Some(None);
            }
            // Lengths ascend; where they do not, nobody's compiler wrote them.
            let mut left = part.len().checked_sub(self.done)?;
            while left >= 8 {
                let word = match kind {
                    Kind::Suffix => part.get(..left)?.last_chunk()?,
                    Kind::Exact | Kind::Prefix => part.get(self.done..)?.first_chunk()?,
                };
                self.step(filter, word, space, kind);
                if self.is_lost() {
                    return Some(None);
                }
                left -= 8;
            }
            hash = self.hash;
        }
        let rest = match kind {
            Kind::Suffix => blob::head(part),
            Kind::Exact | Kind::Prefix => blob::tail(part),
        };
        let value = hash.slot(folded(rest, space.folds()), part.len(), tag(space, kind));
        Some(filter.may_hold(value)?.then_some(value))
    }
}

/// Whether there may be a beginning, or an end, of that length that has the first bytes, or the last ones, of a name. Its first word, or last one,
/// is `word`.
#[inline(never)]
fn goes_on(filter: Filter<'_>, word: &[u8; 8], length: usize, space: Space, kind: Kind) -> bool {
    let word = folded(u64::from_le_bytes(*word), space.folds());
    if length > 7 {
        return filter.leads_on(Hash::new().step(word), space, kind);
    }
    // In two steps, for no bytes are a shift by 64 bits.
    let others = 56 - 8 * length as u32;
    let rest = match kind {
        Kind::Suffix => word >> 8 >> others,
        Kind::Exact | Kind::Prefix => word << 8 << others >> 8 >> others,
    };
    filter.may_hold(Hash::new().slot(rest, length, tag(space, kind))) != Some(false)
}

/// Whether an edge is that of a beginning or an end; one without a byte is.
#[inline]
fn stops(edge: Option<&u8>, edges: u32) -> bool {
    edge.is_none_or(|byte| edges & blob::edge_bit(*byte) != 0)
}

/// The words of the filter.
#[derive(Clone, Copy)]
struct Filter<'a>(&'a [[u8; 4]]);

impl Filter<'_> {
    /// Whether there can be a key of that hash. Most that are asked for are not there, and this is found out in a sixteenth of the memory.
    #[inline]
    fn may_hold(self, hash: u32) -> Option<bool> {
        let bit = blob::filter_bit(hash, self.0.len());
        let word = u32::from_le_bytes(*self.0.get(bit / 32)?);
        Some(word >> (bit % 32) & 1 == 1)
    }

    /// Whether there may be keys that go on from where one of their first words, or last ones, ends. What cannot be read is found to be so where
    /// a key is looked up.
    #[inline]
    fn leads_on(self, hash: Hash, space: Space, kind: Kind) -> bool {
        let ways = hash.way(blob::direction(tag(space, kind)));
        ways.into_iter()
            .all(|way| self.may_hold(way) != Some(false))
    }
}

/// The tables of keys.
struct Index<'a> {
    filter: Filter<'a>,
    slots: &'a [[u8; blob::SLOT]],
}

impl Decider<'_> {
    /// Whether no key of `space` is `name`, its beginning or its end, because none begins or ends as it does. `Some(false)`: that cannot be told at
    /// a glance.
    ///
    /// What most names are is found out here in a fraction of the code that it takes to follow a key: between two calls of a program the kernel
    /// has been in the caches, and each line of code is fetched anew.
    #[inline]
    pub(super) fn is_of_no_key(&self, space: Space, name: &[u8]) -> Option<bool> {
        let filter = self.filter()?;
        let lengths = header::LENGTHS + space as usize * 4;
        let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) else {
            return Some(false);
        };
        let mut ends = self.blob.lengths(lengths + 2)?;
        while let Some((length, edges)) = ends.next() {
            let Some(start) = name.len().checked_sub(length) else {
                break;
            };
            let is_long = length > 7;
            // Where there are more, what is asked for all of them takes less than to look at each.
            let is_asked = is_long && ends.len() > 0 || stops(name.get(start), edges);
            if is_asked && goes_on(filter, last, length, space, Kind::Suffix) {
                return Some(false);
            }
            // Where no end has the last word, none that is longer has.
            if is_long {
                break;
            }
        }
        for (length, edges) in self.blob.lengths(lengths)? {
            if length > 7 {
                break;
            }
            if stops(name.get(length.wrapping_sub(1)), edges)
                && goes_on(filter, first, length, space, Kind::Prefix)
            {
                return Some(false);
            }
        }
        // What is whole goes as a beginning.
        Some(!goes_on(filter, first, name.len(), space, Kind::Prefix))
    }

    /// Asks everything that could match `name`: whole, by its beginnings, by its ends.
    pub(super) fn scan(&self, space: Space, name: &[u8], hits: &mut Hits) -> Option<()> {
        let slots = self.blob.rows(header::SLOTS)?;
        self.halts(space, name, |kind, length, hash| {
            self.take(slots, (space, kind), hash, name, length, hits)
        })
    }

    /// Walks over `name` from its end and from its beginning, as far as there are keys that go the same way, and halts at each length that occurs,
    /// if the byte there can be the edge of such an end or beginning. Where there may be a key, `ask` gets its kind, its length and its hash.
    #[inline(always)]
    fn halts(
        &self,
        space: Space,
        name: &[u8],
        mut ask: impl FnMut(Kind, usize, u32) -> Option<()>,
    ) -> Option<()> {
        let filter = self.filter()?;
        let lengths = header::LENGTHS + space as usize * 4;

        let mut walk = Walk::begun(filter, name.last_chunk(), space, Kind::Suffix);
        let longest = walk.longest(name.len());
        for (length, edges) in self.blob.lengths(lengths + 2)? {
            if length > longest {
                break;
            }
            let start = name.len() - length;
            if stops(name.get(start), edges)
                && let Some(hash) = walk.halt(filter, name.get(start..)?, space, Kind::Suffix)?
            {
                ask(Kind::Suffix, length, hash)?;
            }
        }

        let mut walk = Walk::begun(filter, name.first_chunk(), space, Kind::Prefix);
        let longest = walk.longest(name.len());
        for (length, edges) in self.blob.lengths(lengths)? {
            if length > longest {
                break;
            }
            if stops(name.get(length.wrapping_sub(1)), edges)
                && let Some(hash) = walk.halt(filter, name.get(..length)?, space, Kind::Prefix)?
            {
                ask(Kind::Prefix, length, hash)?;
            }
        }
        if longest == name.len()
            && let Some(hash) = walk.halt(filter, name, space, Kind::Exact)?
        {
            ask(Kind::Exact, name.len(), hash)?;
        }
        Some(())
    }

    /// The first entry of `deny` that means something below the folder `old` and not the same below `new`; both end in a slash. `is_there` is
    /// asked about places that an entry names in full, for what is not there is not moved.
    ///
    /// Every key is looked at, for it is asked of folders alone.
    pub(super) fn scan_below(
        &self,
        old: &[u8],
        new: &[u8],
        is_there: &dyn Fn(&[u8]) -> bool,
    ) -> Option<Hits> {
        const KINDS: [Kind; 3] = [Kind::Exact, Kind::Prefix, Kind::Suffix];
        let mut hits = Hits::new(access::BOTH);
        hits.lists = list::DENY;
        let slots = self.blob.rows::<{ blob::SLOT }>(header::SLOTS)?;
        for slot in slots {
            let [_, slot_tag, key, length, head, _] = blob::words(slot);
            let kind = KINDS
                .into_iter()
                .find(|kind| tag(Space::File, *kind) == slot_tag);
            let Some(kind) = kind else {
                continue;
            };
            let key = self.blob.bytes(key, length)?;
            let is_below = kind != Kind::Suffix && key.starts_with(old);
            // Up to its last component, of which a beginning may be no more than a part.
            let place = if kind == Kind::Exact {
                key
            } else {
                let end = key.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                key.get(..end)?
            };
            if is_below && !is_there(place) {
                continue;
            }
            self.postings(head, &mut hits, &mut |program| match kind {
                _ if is_below => Some(true),
                // What every name with that beginning or end is, the folder is as well, or it still is elsewhere.
                _ if program == 0 => Some(false),
                Kind::Exact => Some(false),
                Kind::Suffix => nfa::loses(self.blob, program, old, new),
                Kind::Prefix => match (old.strip_prefix(key), new.strip_prefix(key)) {
                    (None, _) => Some(false),
                    (Some(old), Some(new)) => nfa::loses(self.blob, program, old, new),
                    (Some(old), None) => nfa::loses(self.blob, program, old, b"\0"),
                },
            })?;
        }
        Some(hits)
    }

    /// The words of the filter.
    #[inline]
    fn filter(&self) -> Option<Filter<'_>> {
        let words = self.blob.rows(header::FILTER)?;
        Some(Filter(words))
    }

    /// Where the keys are.
    #[inline]
    fn index(&self) -> Option<Index<'_>> {
        Some(Index {
            filter: self.filter()?,
            slots: self.blob.rows(header::SLOTS)?,
        })
    }

    /// Takes what hangs on a key, if there is such a one.
    #[inline(never)]
    fn take(
        &self,
        slots: &[[u8; blob::SLOT]],
        (space, kind): (Space, Kind),
        hash: u32,
        name: &[u8],
        length: usize,
        hits: &mut Hits,
    ) -> Option<()> {
        let (key, rest) = match kind {
            Kind::Exact => (name, [].as_slice()),
            Kind::Prefix => (name.get(..length)?, name.get(length..)?),
            Kind::Suffix => (name.get(name.len().checked_sub(length)?..)?, name),
        };
        let equal = |at, length| {
            let k = self.blob.bytes(at, length)?;
            Some(if space.folds() {
                k.eq_ignore_ascii_case(key)
            } else {
                k == key
            })
        };
        let Some((head, count)) = self.find(slots, tag(space, kind), hash, equal)? else {
            return Some(());
        };
        if space == Space::Host {
            hits.hosts = true;
            return match hits.port {
                Some(port) => self.scan_segments(head, count, port, hits),
                None => Some(()),
            };
        }
        self.postings(head, hits, &mut |program| {
            if program == 0 {
                Some(true)
            } else {
                nfa::matches(self.blob, program, rest)
            }
        })
    }

    /// Takes the postings from `head` on of whose program `is_meant` says so.
    #[inline]
    fn postings(
        &self,
        head: u32,
        hits: &mut Hits,
        is_meant: &mut dyn FnMut(u32) -> Option<bool>,
    ) -> Option<()> {
        let postings = self.blob.table(header::POSTINGS)?;
        let mut next = head;
        while let Some(index) = next.checked_sub(1) {
            let [entry, meta, program, before] = self.blob.row(postings, index as usize)?;
            let (list, bits) = (meta >> 8, meta & 0xff);
            if hits.wants(list, bits, entry) && is_meant(program)? {
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

    /// Head and count of the slot with that key, if there is one. `equal` is asked with the two words that say where the key is and how long, or what it is.
    #[inline]
    fn find(
        &self,
        slots: &[[u8; blob::SLOT]],
        tag: u32,
        hash: u32,
        equal: impl Fn(u32, u32) -> Option<bool>,
    ) -> Option<Option<(u32, u32)>> {
        let last = slots.len().checked_sub(1)?;
        let mut at = hash as usize & last;
        for _ in slots {
            let [slot_hash, slot_tag, key, length, head, count] = blob::words(slots.get(at)?);
            if slot_tag == 0 {
                return Some(None);
            }
            if slot_hash == hash && slot_tag == tag && equal(key, length)? {
                return Some(Some((head, count)));
            }
            at = (at + 1) & last;
        }
        Some(None)
    }

    /// Looks an address up in every network size that occurs.
    #[inline]
    pub(super) fn scan_net(&self, ip: IpAddr, port: u16, hits: &mut Hits) -> Option<()> {
        match ip {
            IpAddr::V4(four) => self.scan_net4(u32::from(four), port, hits),
            IpAddr::V6(_) => self.scan_net6(ip, port, hits),
        }
    }

    #[inline]
    fn scan_net4(&self, address: u32, port: u16, hits: &mut Hits) -> Option<()> {
        let index = self.index()?;
        self.each_size(header::NET4..header::NET4 + 2, |size| {
            // Shifted in 64 bits, where no size is out of range.
            let network = (u64::from(address) & u64::from(u32::MAX) << (32 - size.min(32))) as u32;
            // The size and four octets fit into one word, so that the hash needs no loop.
            let octets = u32::from_le_bytes(network.to_be_bytes());
            let word = u64::from(octets) << 8 | u64::from(size);
            let hash = Hash::new().slot(word, 5, blob::TAG_NET4);
            let equal = |key, length| Some(key == octets && length == u32::from(size));
            self.take_net(&index, (blob::TAG_NET4, hash), equal, port, hits)
        })
    }

    #[inline(never)]
    fn scan_net6(&self, ip: IpAddr, port: u16, hits: &mut Hits) -> Option<()> {
        let index = self.index()?;
        self.each_size(header::NET6..header::NET6 + 5, |size| {
            let mut net = [size; 17];
            if let (IpAddr::V6(six), [_, octets @ ..]) = (net::masked(ip, size), &mut net) {
                *octets = six.octets();
            }
            let hash = Hash::of(&net, blob::TAG_NET6);
            // As an array, whose length is known, so that no function is called to compare a few bytes.
            let equal = |at, length| {
                let key = <&[u8; 17]>::try_from(self.blob.bytes(at, length)?);
                Some(key.is_ok_and(|key| *key == net))
            };
            self.take_net(&index, (blob::TAG_NET6, hash), equal, port, hits)
        })
    }

    /// Calls `ask` with each size whose bit is set in these words of the header.
    #[inline]
    fn each_size(&self, words: Range<usize>, mut ask: impl FnMut(u8) -> Option<()>) -> Option<()> {
        for (i, word) in words.enumerate() {
            let mut bits = self.blob.header(word)?;
            while bits != 0 {
                ask(u8::try_from(i * 32 + bits.trailing_zeros() as usize).ok()?)?;
                bits &= bits - 1;
            }
        }
        Some(())
    }

    /// Takes the ports of a network, if there is one of that key.
    #[inline(always)]
    fn take_net(
        &self,
        index: &Index<'_>,
        (tag, hash): (u32, u32),
        equal: impl Fn(u32, u32) -> Option<bool>,
        port: u16,
        hits: &mut Hits,
    ) -> Option<()> {
        if !index.filter.may_hold(hash)? {
            return Some(());
        }
        if let Some((first, count)) = self.find(index.slots, tag, hash, equal)? {
            self.scan_segments(first, count, port, hits)?;
        }
        Some(())
    }

    /// The segments of one network or one name.
    #[inline]
    fn scan_segments(&self, first: u32, count: u32, port: u16, hits: &mut Hits) -> Option<()> {
        let all = self.blob.rows(header::SEGMENTS)?;
        let first = first as usize;
        let these = all.get(first..first.checked_add(count as usize)?)?;
        scan_ports(these, port, hits)
    }

    /// The segments of the ports that are opened.
    #[inline]
    pub(super) fn scan_listen(&self, port: u16, hits: &mut Hits) -> Option<()> {
        scan_ports(self.blob.rows(header::LISTEN)?, port, hits)
    }
}

/// Finds the segment that holds the port: they are sorted and do not overlap.
#[inline]
fn scan_ports(segments: &[[u8; blob::SEGMENT]], port: u16, hits: &mut Hits) -> Option<()> {
    let port = u32::from(port);
    let (mut low, mut high) = (0, segments.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        let [ports, deny, allow, platform] = blob::words(segments.get(middle)?);
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
