//! Warnings about `processes` and `filesystem`.

use super::Lints;
use crate::blob::Space;
use crate::format;
use crate::glob::{Op, Shape, ops};
use crate::parse;
use crate::schema::{Effect, FileAccess, Filesystem, PathEntry, Processes};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// A pattern: its alternatives, for which access, and whether it is for base names.
struct Pattern {
    alternatives: Vec<Vec<Op>>,
    access: FileAccess,
    flat: bool,
}

impl Pattern {
    fn read(text: &str, space: Space, access: FileAccess) -> Option<(String, Self)> {
        let flat = space == Space::Base;
        Some((
            text.to_owned(),
            Self {
                alternatives: parse::globs(text, space).ok()?,
                access,
                flat,
            },
        ))
    }

    /// Whether it surely matches all that `other` does; `false` where that would take more than a look.
    fn covers(&self, other: &Self) -> bool {
        let access = self.access == FileAccess::Any || self.access == other.access;
        access
            && other.alternatives.iter().all(|o| {
                self.alternatives
                    .iter()
                    .any(|s| self.covers_one(s, o, other.flat))
            })
    }

    fn covers_one(&self, mine: &[Op], other: &[Op], flat: bool) -> bool {
        if self.flat == flat && mine == other {
            return true;
        }
        let literal = ops::literal_prefix(other);
        let whole = literal.len() == other.len();
        ops::shapes(mine, self.flat)
            .iter()
            .any(|shape| match shape {
                Shape::Prefix(key) if key.is_empty() => true,
                Shape::Prefix(key) => self.flat == flat && literal.starts_with(key),
                // The base name of a whole path, or a whole path.
                Shape::Exact(key) if self.flat && !flat => {
                    whole && literal.rsplit(|b| *b == b'/').next() == Some(key.as_slice())
                }
                Shape::Suffix(key) => whole && self.flat == flat && literal.ends_with(key),
                _ => false,
            })
    }

    /// Whether one of the platform's directories can no longer be read.
    fn hides_platform(&self) -> bool {
        let hides = |shape: &Shape| match shape {
            Shape::Prefix(key) => PLATFORM.iter().any(|directory| directory.starts_with(key)),
            _ => false,
        };
        self.access != FileAccess::Write
            && self
                .alternatives
                .iter()
                .any(|ops| ops::shapes(ops, self.flat).iter().any(hides))
    }

    fn is_everything(&self) -> bool {
        self.access == FileAccess::Any
            && self.alternatives.iter().any(|ops| {
                ops::shapes(ops, self.flat).iter().any(|shape| match shape {
                    Shape::Prefix(key) | Shape::Suffix(key) => {
                        key.is_empty() || (!self.flat && key == b"/")
                    }
                    _ => false,
                })
            })
    }
}

impl Lints {
    pub(super) fn processes(&mut self, section: &Processes, place: &str) {
        self.inactive(
            place,
            section.effect,
            section.judges(),
            "`main_only`, `crypto_miners`, `unfollowable`, `allow` or `deny`",
        );
        if section.main_only && !section.deny.is_empty() {
            let message = "`main_only` lets no other program run, so these entries only change what an audit calls the attack";
            self.add("moot-deny", format!("{place}.deny"), "", message);
        }
        let read = |entries: &[String]| -> Vec<(String, Pattern)> {
            let space = |text: &str| {
                if text.contains('/') {
                    Space::Program
                } else {
                    Space::Base
                }
            };
            entries
                .iter()
                .filter_map(|text| Pattern::read(text, space(text), FileAccess::Any))
                .collect()
        };
        let (allow, deny) = (read(&section.allow), read(&section.deny));
        self.globs(place, &allow, &deny);
        for (i, (text, pattern)) in allow.iter().enumerate() {
            if pattern.flat && !pattern.is_everything() {
                let message = "without a `/` this matches a program of that name in any directory, one that an attacker can write to included, \
                               and not a link of that name; write the whole path";
                self.add(
                    "name-matches-anywhere",
                    format!("{place}.allow[{i}]"),
                    text,
                    message,
                );
            }
        }
    }

    pub(super) fn filesystem(&mut self, section: &Filesystem, place: &str) {
        let something = !section.allow.is_empty() || !section.deny.is_empty();
        self.inactive(place, section.effect, something, "`allow` or `deny`");
        let read = |entries: &[PathEntry]| -> Vec<(String, Pattern)> {
            entries
                .iter()
                .filter_map(|e| Pattern::read(e.path(), Space::File, e.access()))
                .collect()
        };
        let (allow, deny) = (read(&section.allow), read(&section.deny));
        self.globs(place, &allow, &deny);
        if section.effect == Effect::Prevent {
            self.hidden(&deny, place);
        }
        let only =
            |access| !allow.is_empty() && allow.iter().all(|(_, pattern)| pattern.access == access);
        if only(FileAccess::Write) {
            let message = "every entry is for writing, and an allow list is for both, so nothing but the platform's own files can be read; \
                           add what is to be read";
            self.add("allow-denies-reads", format!("{place}.allow"), "", message);
        }
        for (i, (text, pattern)) in allow.iter().enumerate() {
            if pattern.access == FileAccess::Read
                && pattern.alternatives.iter().all(|ops| is_platform(ops))
            {
                let message = "the runtime's own files can be read anyway";
                self.add(
                    "platform-allows",
                    format!("{place}.allow[{i}]"),
                    text,
                    message,
                );
            }
        }
    }

    /// `deny` goes before what the platform needs.
    fn hidden(&mut self, deny: &[(String, Pattern)], place: &str) {
        for (i, (text, pattern)) in deny.iter().enumerate() {
            if pattern.hides_platform() {
                let message = "the runtime's own files, or the function's, are among these, so that it may not start; deny what it must not \
                               have, or only its writing: `{ \"path\": …, \"access\": \"write\" }`";
                self.add(
                    "denies-runtime",
                    format!("{place}.deny[{i}]"),
                    text,
                    message,
                );
            }
        }
    }

    fn globs(&mut self, place: &str, allow: &[(String, Pattern)], deny: &[(String, Pattern)]) {
        for (name, entries) in [("allow", allow), ("deny", deny)] {
            let keys = entries
                .iter()
                .map(|(text, pattern)| ((text.clone(), pattern.access as u8), text.clone()));
            self.duplicates(&format!("{place}.{name}"), keys);
        }
        self.shadowed(place, allow, deny, Pattern::covers);
        for (i, (text, pattern)) in allow.iter().enumerate() {
            if pattern.is_everything() {
                self.moot(format!("{place}.allow[{i}]"), text);
            }
        }
    }
}

/// Where the files are that every function may read: see [`Platform`](crate::Platform).
const PLATFORM: [&[u8]; 8] = [
    b"/var/lang/",
    b"/var/runtime/",
    b"/var/task/",
    b"/opt/",
    b"/usr/lib/",
    b"/usr/lib64/",
    b"/etc/ssl/",
    b"/etc/pki/",
];

fn is_platform(ops: &[Op]) -> bool {
    let literal = ops::literal_prefix(ops);
    PLATFORM
        .iter()
        .any(|directory| literal.starts_with(directory))
}
