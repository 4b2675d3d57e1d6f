//! Equal audits near each other are one line with a count.

use std::collections::VecDeque;

use palisade_audit::Borrowed;

use super::line::Line;
use crate::output::Page;

/// So many different audits can be open at once.
const OPEN: usize = 64;

/// The audits that may still be repeated.
pub struct Fold {
    on: bool,
    live: bool,
    open: VecDeque<Group>,
    /// Of the audit at hand; kept for its memory.
    key: Key,
}

/// What makes audits equal: everything but when, and which process number. All of it is compared: nobody can write an audit that is folded into another.
#[derive(Default, PartialEq, Eq)]
struct Key {
    /// Compared first.
    digest: u64,
    text: Vec<u8>,
}

/// An audit and its repeats.
#[derive(Default)]
pub struct Group {
    key: Key,
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
            open: VecDeque::new(),
            key: Key::default(),
        }
    }

    pub fn take(&mut self, audit: &Borrowed<'_>, page: &mut Page) {
        let count = crate::log::events(audit);
        if self.on {
            self.key.fill(audit);
            if let Some(group) = self.open.iter_mut().find(|open| open.key == self.key) {
                group.count += count;
                group.last.clear();
                group.last.push_str(&audit.timestamp);
                return;
            }
        }
        let mut group = Group::default();
        if self.open.len() >= OPEN
            && let Some(oldest) = self.open.pop_front()
        {
            close(&oldest, page);
            // For its memory.
            group = oldest;
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
            std::mem::swap(&mut group.key, &mut self.key);
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
}

impl Key {
    fn fill(&mut self, audit: &Borrowed<'_>) {
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
        self.text.clear();
        for text in [kind, attack, msg, function, region, process] {
            self.add(Some(text.as_bytes()));
        }
        for text in [effect, rule, command, ip, domain, path, access] {
            self.add(text.as_ref().map(|text| text.as_bytes()));
        }
        self.add(port.map(u16::to_le_bytes).as_ref().map(<[u8; 2]>::as_slice));
        // Equal ones have to have the same; different ones nearly always have others.
        self.digest = self.text.chunks_exact(8).fold(0, |digest: u64, eight| {
            let word = eight.try_into().map_or(0, u64::from_le_bytes);
            (digest ^ word)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        });
    }

    /// A value, with its length before it, so that no value can be taken for two.
    fn add(&mut self, value: Option<&[u8]>) {
        let length = value.map_or(u64::MAX, |value| value.len() as u64);
        self.text.extend_from_slice(&length.to_le_bytes());
        self.text.extend_from_slice(value.unwrap_or_default());
    }
}

fn close(group: &Group, page: &mut Page) {
    if group.shown == 0 {
        group.text(page);
    } else if group.count > group.shown {
        group.again(group.count - group.shown, page);
    }
}
