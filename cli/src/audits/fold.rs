//! Equal audits near each other are one line with a count.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use palisade_audit::Owned;

use super::line;
use crate::output::Page;

/// So many different audits can be open at once.
const OPEN: usize = 64;

/// The audits that may still be repeated.
pub struct Fold {
    on: bool,
    live: bool,
    open: VecDeque<Group>,
}

/// An audit and its repeats.
pub struct Group {
    key: u64,
    pub audit: Owned,
    pub count: u64,
    /// Timestamp of the last, where it is not the first.
    pub last: Option<String>,
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
        }
    }

    pub fn take(&mut self, audit: Owned, page: &mut Page) {
        let count = crate::log::events(&audit);
        let key = key(&audit);
        if self.on
            && let Some(group) = self.open.iter_mut().find(|group| group.key == key)
        {
            group.count += count;
            group.last = Some(audit.timestamp);
            return;
        }
        let mut group = Group {
            key,
            audit,
            count,
            last: None,
            shown: 0,
        };
        if self.live || !self.on {
            page.line(line::text(&group));
            group.shown = count;
        }
        if !self.on {
            return;
        }
        self.open.push_back(group);
        if self.open.len() > OPEN
            && let Some(oldest) = self.open.pop_front()
        {
            close(&oldest, page);
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

fn close(group: &Group, page: &mut Page) {
    if group.shown == 0 {
        page.line(line::text(group));
    } else if group.count > group.shown {
        page.line(line::again(group, group.count - group.shown));
    }
}

/// Everything but when, and which process number.
fn key(audit: &Owned) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Owned {
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
    (kind, attack, effect, rule, msg, function, region).hash(&mut hasher);
    (process, command, ip, port, domain, path, access).hash(&mut hasher);
    hasher.finish()
}
