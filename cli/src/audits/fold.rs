//! Equal audits near each other are one line with a count.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use palisade_audit::Borrowed;

use super::line::Line;
use crate::output::Page;

/// So many different audits can be open at once.
const OPEN: usize = 64;

/// The audits that may still be repeated.
pub struct Fold {
    on: bool,
    live: bool,
    /// What makes audits equal, of each that is open.
    keys: VecDeque<u64>,
    open: VecDeque<Group>,
    /// With a secret of its own: nobody can write an audit that is folded into another.
    hasher: RandomState,
}

/// An audit and its repeats.
#[derive(Default)]
pub struct Group {
    /// The line for a person, but for how often it was.
    pub line: Line,
    pub count: u64,
    /// Timestamp of the last, where it is not the first; else empty.
    pub last: String,
    /// Live: how many of the count are on screen.
    shown: u64,
}

impl Fold {
    /// `live`: the first of its kind is shown at once, its repeats when there is a pause.
    pub fn new(on: bool, live: bool) -> Self {
        Self {
            on,
            live,
            keys: VecDeque::new(),
            open: VecDeque::new(),
            hasher: RandomState::new(),
        }
    }

    pub fn take(&mut self, audit: &Borrowed<'_>, page: &mut Page) {
        let count = crate::log::events(audit);
        let key = if self.on { self.key(audit) } else { 0 };
        if self.on
            && let Some(place) = self.keys.iter().position(|open| *open == key)
            && let Some(group) = self.open.get_mut(place)
        {
            group.count += count;
            group.last.clear();
            group.last.push_str(&audit.timestamp);
            return;
        }
        let mut group = Group::default();
        if self.open.len() >= OPEN {
            self.keys.pop_front();
            if let Some(oldest) = self.open.pop_front() {
                close(&oldest, page);
                // For its memory.
                group = oldest;
            }
        }
        group.line.fill(audit, page);
        group.count = count;
        group.last.clear();
        group.shown = 0;
        if self.live || !self.on {
            group.text(page);
            group.shown = count;
        }
        if self.on {
            self.keys.push_back(key);
            self.open.push_back(group);
        }
    }

    /// Nothing came for a moment.
    pub fn idle(&mut self, page: &mut Page) {
        for group in &mut self.open {
            close(group, page);
            group.shown = group.count;
        }
    }

    pub fn end(self, page: &mut Page) {
        for group in &self.open {
            close(group, page);
        }
    }

    /// Everything but when, and which process number.
    fn key(&self, audit: &Borrowed<'_>) -> u64 {
        let Borrowed {
            kind,
            attack,
            effect,
            rule,
            msg,
            function,
            region,
            process,
            command,
            ip,
            port,
            domain,
            path,
            access,
            ..
        } = audit;
        self.hasher.hash_one((
            (kind, attack, effect, rule, msg, function, region),
            (process, command, ip, port, domain, path, access),
        ))
    }
}

fn close(group: &Group, page: &mut Page) {
    if group.shown == 0 {
        group.text(page);
    } else if group.count > group.shown {
        group.again(group.count - group.shown, page);
    }
}
