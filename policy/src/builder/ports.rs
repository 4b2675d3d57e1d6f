//! Ranges of ports, whose entries may overlap.

use crate::blob::{self, NONE};
use crate::net::Ports;
use alloc::collections::{BTreeMap, BinaryHeap};
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

#[derive(Clone, Copy)]
pub(super) struct PortRule {
    pub(super) ports: Ports,
    pub(super) list: u32,
    pub(super) entry: u32,
}

/// Overlapping ranges of ports into disjoint ones, each with the first entry of each list that covers it.
pub(super) fn disjoint(rules: &[PortRule]) -> Vec<[u32; 4]> {
    if let [rule] = rules {
        let of = |list: u32| if rule.list == list { rule.entry } else { NONE };
        return vec![[
            u32::from(rule.ports.low) | u32::from(rule.ports.high) << 16,
            of(blob::list::DENY),
            of(blob::list::ALLOW),
            u32::from(rule.list == blob::list::PLATFORM),
        ]];
    }
    let mut cuts: BTreeMap<u32, Vec<(bool, PortRule)>> = BTreeMap::new();
    for rule in rules {
        cuts.entry(u32::from(rule.ports.low))
            .or_default()
            .push((true, *rule));
        cuts.entry(u32::from(rule.ports.high) + 1)
            .or_default()
            .push((false, *rule));
    }
    let mut open = Open::default();
    let mut out = Vec::new();
    let mut cuts = cuts.into_iter().peekable();
    while let Some((low, changes)) = cuts.next() {
        for (begins, rule) in changes {
            open.change(rule.list, rule.entry, begins);
        }
        let Some((next, _)) = cuts.peek() else { break };
        let first = [blob::list::DENY, blob::list::ALLOW, blob::list::PLATFORM]
            .map(|list| open.first(list));
        let [deny, allow, platform] = first;
        if first != [NONE; 3] {
            let high = next - 1;
            let is_platform = u32::from(platform != NONE);
            out.push([low | high << 16, deny, allow, is_platform]);
        }
    }
    out
}

/// The entries of each list that cover a port.
#[derive(Default)]
struct Open {
    /// How often an entry of a list covers it.
    counts: BTreeMap<(u32, u32), usize>,
    /// Those entries, list by list in the order of their bits, and such as have covered a port before.
    entries: [BinaryHeap<Reverse<u32>>; 3],
}

impl Open {
    fn change(&mut self, list: u32, entry: u32, begins: bool) {
        let count = self.counts.entry((list, entry)).or_default();
        if !begins {
            *count -= 1;
            return;
        }
        *count += 1;
        if *count == 1
            && let Some(entries) = self.entries.get_mut(list.trailing_zeros() as usize)
        {
            entries.push(Reverse(entry));
        }
    }

    /// The first entry of a list; `NONE` for none.
    fn first(&mut self, list: u32) -> u32 {
        let Some(entries) = self.entries.get_mut(list.trailing_zeros() as usize) else {
            return NONE;
        };
        while let Some(Reverse(entry)) = entries.peek() {
            if self.counts.get(&(list, *entry)).is_some_and(|n| *n > 0) {
                return *entry;
            }
            entries.pop();
        }
        NONE
    }
}
