//! The verdict on one event, read from the bytes of a compiled policy. This file has the questions that can be asked; what the sections say of
//! them is in `judge`, how a verdict is made of that in `ruling`, how tables are read in `lookup`.
//!
//! Nothing here allocates, locks, recurses or panics; the deepest call needs less than 1 KiB of stack.
//!
//! Reads are checked, whatever the bytes are: none is outside of them, every loop over them ends, and where a table or a row is not
//! what it should be, the section refuses. That is no protection against somebody who writes the bytes. A changed word can as well say that
//! a section is off, or that an entry allows what it denied, and so can any policy that is compiled and well formed; a checksum would not
//! change that, since whoever writes the bytes writes the sum. Whoever hands them on has to keep them where the function cannot write.

mod given;
mod judge;
mod lookup;
mod ruling;

use crate::blob::{self, Blob, NONE, flag, header, setting, state};
use crate::event::{Access, Connect, File, Outcome, Process, Reason, Section, Verdict};
use crate::moment;
use ruling::Ruling;
pub(crate) use ruling::Words;

/// A compiled policy, ready to judge. A view on bytes that somebody else keeps: copying it costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Decider<'a> {
    blob: Blob<'a>,
}

const SECTIONS: [Section; 5] = [
    Section::Processes,
    Section::Outbound,
    Section::Listen,
    Section::Dns,
    Section::Filesystem,
];

const OFF: Verdict<'static> = Verdict::new(Outcome::Allow, Reason::Off);

impl<'a> Decider<'a> {
    /// Takes bytes that [`Compiled::as_bytes`](crate::Compiled::as_bytes) gave. `None`: they are cut, or from another version, or something
    /// else altogether. The time does not depend on their length: the header is checked, and everything else when it is read.
    ///
    /// They must come from where the function cannot write: what is well formed is believed.
    #[must_use]
    #[inline(always)]
    pub fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        let blob = Blob(bytes);
        if blob.header(header::MAGIC)? != blob::MAGIC
            || blob.header(header::FORMAT)? != blob::FORMAT
            || blob.header(header::LENGTH)? as usize != bytes.len()
        {
            return None;
        }
        let fits = |word: usize, row: usize| {
            let table = blob.table(word)?;
            let end = table.count.checked_mul(row)?.checked_add(table.offset)?;
            (end <= bytes.len()).then_some(table)
        };
        let slots = fits(header::SLOTS, blob::SLOT)?;
        if !slots.count.is_power_of_two() {
            return None;
        }
        let filter = fits(header::FILTER, blob::FILTER)?;
        // Bits are counted in 32 bits, too.
        if !filter.count.is_power_of_two() || filter.count > 1 << 26 {
            return None;
        }
        fits(header::POSTINGS, blob::POSTING)?;
        let entries = fits(header::ENTRIES, blob::ENTRY)?;
        if entries.count < setting::COUNT as usize {
            return None;
        }
        fits(header::SEGMENTS, blob::SEGMENT)?;
        fits(header::LISTEN, blob::SEGMENT)?;
        fits(header::MARKERS, blob::MARKER)?;
        for i in 0..blob::SPACES * 2 {
            fits(header::LENGTHS + i * 2, blob::LENGTH)?;
        }
        let decider = Self { blob };
        let name = blob.table(header::RULE)?;
        blob.bytes(
            u32::try_from(name.offset).ok()?,
            u32::try_from(name.count).ok()?,
        )?;
        let after = blob.table(header::ENFORCE_AFTER)?;
        blob.bytes(
            u32::try_from(after.offset).ok()?,
            u32::try_from(after.count).ok()?,
        )?;
        Some(decider)
    }

    /// Bytes that come straight from the compiler.
    pub(crate) fn trusted(bytes: &'a [u8]) -> Self {
        Self { blob: Blob(bytes) }
    }

    /// The name of the rule that applies (`rules[0]` for one without a name). `None`: no rule matches the function, nothing is judged.
    #[must_use]
    pub fn rule(&self) -> Option<&'a str> {
        core::str::from_utf8(self.rule_bytes()?).ok()
    }

    /// As [`rule`](Self::rule), for whoever puts the name where any bytes may stand.
    #[must_use]
    #[inline]
    pub fn rule_bytes(&self) -> Option<&'a [u8]> {
        if self.blob.header(header::FLAGS)? & flag::RULE == 0 {
            return None;
        }
        self.blob.bytes(
            self.blob.header(header::RULE)?,
            self.blob.header(header::RULE + 1)?,
        )
    }

    /// Whether anything in that section can ever be reported. `false`: it is off, or has nothing to judge by, and the policy does not
    /// [learn](Self::learns).
    #[must_use]
    #[inline]
    pub fn active(&self, section: Section) -> bool {
        self.state(section) != state::OFF || self.learns()
    }

    /// Whether the policy is there to learn: every section is [active](Self::active), and every verdict is to allow, with the reason that
    /// it would have had.
    #[must_use]
    #[inline]
    pub fn learns(&self) -> bool {
        self.flag(flag::LEARN)
    }

    /// When the rule begins to prevent, as it stands in the policy. `None`: it does so already, or has no such time.
    #[must_use]
    #[inline(always)]
    pub fn enforce_after(&self) -> Option<&'a str> {
        let length = self.blob.header(header::ENFORCE_AFTER + 1)?;
        // Most rules have none, and each child asks.
        if length == 0 {
            return None;
        }
        self.blob
            .text(self.blob.header(header::ENFORCE_AFTER)?, length)
    }

    /// The same in seconds since 1970-01-01 UTC. Who has a clock makes a [delayed](Verdict::delayed) verdict to prevent from then on.
    #[must_use]
    pub fn enforces_at(&self) -> Option<i64> {
        moment::seconds(self.enforce_after()?).ok()
    }

    /// Whether something can be let through and reported: by an effect, or because the policy [learns](Self::learns).
    #[must_use]
    pub fn may_alert(&self) -> bool {
        self.learns()
            || SECTIONS
                .into_iter()
                .map(|section| self.state(section))
                .chain([self.word(header::UNFOLLOWABLE), self.word(header::POOLS)])
                .any(|state| matches!(state, state::ALERT | state::DELAYED))
    }

    /// Whether a program may be started.
    #[must_use]
    pub fn process(&self, event: &Process<'_>) -> Verdict<'a> {
        if self.is_off(Section::Processes) {
            return OFF;
        }
        self.told(self.judge_process(event))
    }

    /// What happens to a program that the library cannot be loaded into. To be asked after [`process`](Self::process), which knows nothing of
    /// that.
    #[must_use]
    pub fn unfollowable(&self) -> Verdict<'a> {
        if self.is_off(Section::Processes) {
            return OFF;
        }
        let state = self.word(header::UNFOLLOWABLE);
        let verdict = if state == state::OFF {
            self.pass(Reason::Allowed, Some(setting::UNFOLLOWABLE))
        } else {
            self.refuse(
                state,
                Reason::UnfollowableProgram,
                Some(setting::UNFOLLOWABLE),
            )
        };
        self.told(verdict)
    }

    /// What happens to a program without a file that a policy could name: one in memory, or deleted.
    #[must_use]
    pub fn fileless(&self) -> Verdict<'a> {
        if self.is_off(Section::Processes) {
            return OFF;
        }
        self.told(self.breach(
            Section::Processes,
            Reason::FilelessProgram,
            setting::PROCESSES,
        ))
    }

    /// What happens to a program or a file that nobody could look at, so that nothing but the name that was asked for is known of it: what the
    /// section does, whatever its lists say.
    #[must_use]
    pub fn unseen(&self, section: Section) -> Verdict<'a> {
        if self.is_off(section) {
            return OFF;
        }
        let (reason, decided) = match section {
            Section::Processes => (Reason::UnfollowableProgram, Some(setting::PROCESSES)),
            _ => (Reason::Unlisted, None),
        };
        self.told(self.refuse(self.state(section), reason, decided))
    }

    /// The verdict on a way around the hooks themselves, which no single section answers for: the strictest effect of those that are on.
    #[must_use]
    pub fn guard(&self, reason: Reason) -> Verdict<'a> {
        let strictest = SECTIONS
            .into_iter()
            .map(|section| self.state(section))
            .max()
            .unwrap_or(state::OFF);
        if strictest == state::OFF {
            return Verdict { reason, ..OFF };
        }
        self.told(self.refuse(strictest, reason, None))
    }

    /// Whether [`argument`](Self::argument) can find anything: `crypto_miners` is on.
    #[must_use]
    pub fn judges_arguments(&self) -> bool {
        !self.is_off(Section::Processes) && self.flag(flag::MINERS)
    }

    /// Judges one argument of a program that is about to be started: refused only if none but a miner takes it.
    #[must_use]
    pub fn argument(&self, argument: &[u8]) -> Verdict<'a> {
        if !self.judges_arguments() {
            return OFF;
        }
        self.told(self.judge_argument(argument))
    }

    /// Whether a destination may be reached. Entries that are names do not match, since nothing is known of how the address was got.
    #[must_use]
    pub fn connect(&self, event: &Connect) -> Verdict<'a> {
        if self.is_off(Section::Outbound) {
            return OFF;
        }
        self.told(self.judge_connect(event, None))
    }

    /// Whether [`connect`](Self::connect) allows it. Most acts are allowed, and nobody wants to know more of them.
    #[must_use]
    #[inline]
    pub fn allows_connect(&self, event: &Connect) -> bool {
        self.is_off(Section::Outbound) || Ruling::allows(self.judge_connect(event, None))
    }

    /// Whether a destination may be reached whose address was got by resolving `name`: as [`connect`](Self::connect), and entries that are
    /// names count as well. An address that several names led to is judged once for each; it may be reached if any of them lets it and none
    /// is denied.
    #[must_use]
    pub fn connect_resolved(&self, event: &Connect, name: &[u8]) -> Verdict<'a> {
        if self.is_off(Section::Outbound) {
            return OFF;
        }
        self.told(self.judge_connect(event, Some(name)))
    }

    /// Whether some entry of `network.outbound` is a name, so that it matters which names led to which addresses.
    #[must_use]
    #[inline]
    pub fn names_outbound(&self) -> bool {
        self.flag(flag::NAMES)
    }

    /// Whether some entry of `network.outbound` matches `name`, whatever its ports: the addresses of no other name need to be remembered.
    #[must_use]
    pub fn wants_name(&self, name: &[u8]) -> bool {
        // Bytes that do not hold together want every name, as they refuse every address.
        self.names_outbound() && self.find_host(name, None).is_none_or(|hits| hits.hosts)
    }

    /// Whether a port may be opened. Port 0 lets the kernel choose, so only a section without an allow list lets it pass: judge the port
    /// that was chosen.
    #[must_use]
    pub fn listen(&self, port: u16) -> Verdict<'a> {
        if self.is_off(Section::Listen) {
            return OFF;
        }
        self.told(self.judge_listen(port))
    }

    /// Whether [`listen`](Self::listen) allows it.
    #[must_use]
    #[inline]
    pub fn allows_listen(&self, port: u16) -> bool {
        self.is_off(Section::Listen) || Ruling::allows(self.judge_listen(port))
    }

    /// Whether a host name may be resolved. Any bytes may be asked.
    #[must_use]
    pub fn resolve(&self, name: &[u8]) -> Verdict<'a> {
        if self.is_off(Section::Dns) {
            return OFF;
        }
        self.told(self.judge_name(name))
    }

    /// Whether [`resolve`](Self::resolve) allows it.
    #[must_use]
    pub fn allows_resolve(&self, name: &[u8]) -> bool {
        self.is_off(Section::Dns) || Ruling::allows(self.judge_name(name))
    }

    /// What happens to bytes for a name server that are no question that could be judged.
    #[must_use]
    pub fn malformed_question(&self) -> Verdict<'a> {
        if self.is_off(Section::Dns) {
            return OFF;
        }
        let decided = if self.flag(flag::POOLS_ONLY) {
            setting::MINERS
        } else {
            setting::DNS
        };
        self.told(self.breach(Section::Dns, Reason::MalformedQuestion, decided))
    }

    /// Whether a file may be used.
    #[must_use]
    pub fn file(&self, event: &File<'_>) -> Verdict<'a> {
        if self.is_off(Section::Filesystem) {
            return OFF;
        }
        self.told(self.judge_file(event))
    }

    /// Whether [`file`](Self::file) allows it.
    #[must_use]
    pub fn allows_file(&self, event: &File<'_>) -> bool {
        self.is_off(Section::Filesystem)
            || self.is_of_no_entry(event)
            || self.lets_file(event.path, event.alias, event.access)
    }

    /// As far as no glance tells. Its arguments are not one event, so that who asks has to put none together unless it comes to this.
    #[cold]
    #[inline(never)]
    fn lets_file(&self, path: &[u8], alias: Option<&[u8]>, access: Access) -> bool {
        Ruling::allows(self.judge_file(&File {
            path,
            alias,
            access,
        }))
    }

    /// Whether a folder may get another name: `old` and `new` end in a slash. An entry of `deny` that means something below the one and not below
    /// the other would be passed by, so it denies the move; the folder's own names are for [`file`](Self::file) to judge. `is_there` says
    /// whether there is a file of that name.
    ///
    /// Unlike every other verdict, this one takes time that grows with the policy.
    #[must_use]
    pub fn moves(&self, old: &[u8], new: &[u8], is_there: &dyn Fn(&[u8]) -> bool) -> Verdict<'a> {
        if self.is_off(Section::Filesystem) {
            return OFF;
        }
        let judge = || {
            let hits = self.scan_below(old, new, is_there)?;
            if hits.deny == NONE {
                return self.pass(Reason::Unrestricted, None);
            }
            self.breach(Section::Filesystem, Reason::Denied, hits.deny)
        };
        self.told(judge())
    }

    #[inline]
    fn state(&self, section: Section) -> u32 {
        // Bytes that cannot be read are a section that prevents.
        self.blob
            .header(header::SECTIONS + section as usize)
            .unwrap_or(state::PREVENT)
    }

    #[inline]
    fn is_off(&self, section: Section) -> bool {
        self.state(section) == state::OFF
    }

    /// A word of the header with the meaning of a section's.
    fn word(&self, word: usize) -> u32 {
        self.blob.header(word).unwrap_or(state::PREVENT)
    }

    #[inline]
    fn flag(&self, bit: u32) -> bool {
        self.blob
            .header(header::FLAGS)
            .is_some_and(|flags| flags & bit != 0)
    }

    #[inline]
    fn has_allow_list(&self, section: Section) -> bool {
        self.flag(flag::ALLOW_LIST << section as u32)
    }
}
