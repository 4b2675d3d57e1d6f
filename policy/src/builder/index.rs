//! Numbers that are found by hash.

use alloc::vec;
use alloc::vec::Vec;

/// Numbers by hash: open addressing, at most half full. A tree of the texts themselves would compare the beginnings that places and paths
/// have in common again and again.
#[derive(Default)]
pub(crate) struct Index {
    /// Hash, and number plus one; 0 is free.
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Index {
    /// The number that was inserted with that hash, if it is the one.
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = hash as usize;
        loop {
            let (slot_hash, number) = *self.slots.get(at & self.slots.len().checked_sub(1)?)?;
            let number = number.checked_sub(1)?;
            if slot_hash == hash && is_it(number) {
                return Some(number);
            }
            at = at.wrapping_add(1);
        }
    }

    /// Makes room for so many numbers more.
    pub(crate) fn reserve(&mut self, count: usize) {
        let least = (self.used + count) * 2;
        if least <= self.slots.len() {
            return;
        }
        let size = least.next_power_of_two().max(64);
        let old = core::mem::replace(&mut self.slots, vec![(0, 0); size]);
        for (hash, number) in old.into_iter().filter(|(_, number)| *number != 0) {
            self.place(hash, number);
        }
    }

    /// Adds a number, which is not there yet.
    pub(crate) fn insert(&mut self, hash: u32, number: u32) {
        self.reserve(1);
        self.used += 1;
        self.place(hash, number + 1);
    }

    fn place(&mut self, hash: u32, number: u32) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        while self.slots.get(at).is_some_and(|(_, number)| *number != 0) {
            at = (at + 1) & mask;
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = (hash, number);
        }
    }
}
