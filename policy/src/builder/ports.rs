//! Ranges of ports, whose entries may overlap.

use crate::blob::{self, NONE};
use crate::net::Ports;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

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
