//! A verdict in numbers, and the words that are read for it.

use super::Decider;
use super::judge::LISTS;
use crate::blob::{Blob, NONE, header, setting, state};
use crate::event::{Outcome, Reason, Section, Verdict};

/// The words of a verdict, as long as nobody has asked for them. Words that cannot be read are none.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    blob: Blob<'a>,
    /// The entry or the setting that decided; [`NONE`] for none.
    entry: u32,
    /// The entry of the curated lists that names a miner; [`NONE`] for none.
    listed: u32,
}

impl<'a> Words<'a> {
    pub(crate) const NONE: Self = Self {
        blob: Blob(&[]),
        entry: NONE,
        listed: NONE,
    };

    pub(crate) fn place(&self) -> Option<&'a str> {
        let (place, _) = Decider { blob: self.blob }.entry(self.entry)?;
        (!place.is_empty()).then_some(place)
    }

    pub(crate) fn pattern(&self) -> Option<&'a str> {
        let listed = LISTS.entry(self.listed);
        let (_, pattern) = listed.or_else(|| Decider { blob: self.blob }.entry(self.entry))?;
        (!pattern.is_empty()).then_some(pattern)
    }
}

/// A verdict in numbers: who only wants to know whether something is let pass reads no text for it.
#[derive(Clone, Copy)]
pub(super) struct Ruling {
    outcome: Outcome,
    reason: Reason,
    /// The entry or the setting that decided.
    entry: Option<u32>,
    /// The entry of the curated lists that names a miner.
    listed: Option<u32>,
    delayed: bool,
}

impl Ruling {
    #[inline]
    pub(super) fn allows(ruling: Option<Self>) -> bool {
        ruling.is_some_and(|ruling| ruling.outcome == Outcome::Allow)
    }
}

impl<'a> Decider<'a> {
    /// A miner: the setting decided, and the list says which it is.
    pub(super) fn miner(&self, state: u32, entry: u32) -> Option<Ruling> {
        let ruling = self.refuse(state, Reason::CryptoMiner, Some(setting::MINERS))?;
        Some(Ruling {
            listed: Some(entry),
            ..ruling
        })
    }

    /// What is left when no entry matched.
    #[inline]
    pub(super) fn unlisted(&self, section: Section) -> Option<Ruling> {
        if self.has_allow_list(section) {
            return self.breach(section, Reason::Unlisted, section as u32);
        }
        self.pass(Reason::Unrestricted, None)
    }

    #[inline]
    pub(super) fn breach(&self, section: Section, reason: Reason, entry: u32) -> Option<Ruling> {
        self.refuse(self.state(section), reason, Some(entry))
    }

    #[inline]
    pub(super) fn refuse(&self, state: u32, reason: Reason, entry: Option<u32>) -> Option<Ruling> {
        let outcome = match state {
            _ if self.learns() => Outcome::Allow,
            state::ALERT | state::DELAYED => Outcome::Alert,
            _ => Outcome::Prevent,
        };
        Some(Ruling {
            outcome,
            reason,
            entry,
            listed: None,
            delayed: outcome == Outcome::Alert && state == state::DELAYED,
        })
    }

    /// Place and pattern of an entry.
    pub(super) fn entry(&self, entry: u32) -> Option<(&'a str, &'a str)> {
        let entries = self.blob.table(header::ENTRIES)?;
        let [place_at, place_length, pattern_at, pattern_length] =
            self.blob.row(entries, entry as usize)?;
        let place = self.blob.text(place_at, place_length)?;
        let pattern = self.blob.text(pattern_at, pattern_length)?;
        Some((place, pattern))
    }

    #[inline]
    pub(super) fn pass(&self, reason: Reason, entry: Option<u32>) -> Option<Ruling> {
        Some(Ruling {
            outcome: Outcome::Allow,
            reason,
            entry,
            listed: None,
            delayed: false,
        })
    }

    /// The verdict, whose words are those of the entry that decided.
    #[inline(never)]
    pub(super) fn told(&self, ruling: Option<Ruling>) -> Verdict<'a> {
        let Some(ruling) = ruling else {
            // The bytes do not hold together.
            return Verdict::new(Outcome::Prevent, Reason::Unlisted);
        };
        Verdict {
            outcome: ruling.outcome,
            reason: ruling.reason,
            words: Words {
                blob: self.blob,
                entry: ruling.entry.unwrap_or(NONE),
                listed: ruling.listed.unwrap_or(NONE),
            },
            delayed: ruling.delayed,
        }
    }
}
