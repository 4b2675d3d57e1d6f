//! What the sections of a policy say of an event: which entry or setting decides, in which order.

use super::Decider;
use super::lookup::Hits;
use super::ruling::Ruling;
use crate::blob::{Blob, NONE, Space, access, flag, header, list, setting, state};
use crate::domain;
use crate::event::{Access, Connect, File, Process, Reason, Section, Start};
use crate::known;
use crate::net;

/// The curated lists, which are the same for every policy.
pub(super) static LISTS: Decider<'static> = Decider {
    blob: Blob(known::BYTES),
};

pub(super) const fn wanted(asked: Access) -> u32 {
    match asked {
        Access::Read => access::READ,
        Access::Write => access::WRITE,
        Access::ReadWrite => access::BOTH,
    }
}

impl Decider<'_> {
    pub(super) fn judge_process(&self, event: &Process<'_>) -> Option<Ruling> {
        const SECTION: Section = Section::Processes;
        let mut hits = Hits::new(access::BOTH);
        self.scan_program(event.path, &mut hits)?;
        if event.given != event.path {
            // A name that the caller chose can only speak against it.
            hits.lists = list::DENY;
            self.scan_program(event.given, &mut hits)?;
        }
        if self.flag(flag::MINERS) {
            let miner = [event.path, event.given].into_iter().find_map(|path| {
                let base = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
                LISTS.listed(Space::Miner, base)
            });
            if let Some(miner) = miner {
                return self.miner(self.state(SECTION), miner);
            }
        }
        if hits.deny != NONE {
            return self.breach(SECTION, Reason::Denied, hits.deny);
        }
        let itself = event.main && event.start == Start::Exec && event.same_program;
        if self.flag(flag::MAIN_ONLY) {
            if itself {
                return self.pass(Reason::MainProgram, Some(setting::MAIN_ONLY));
            }
            return self.breach(SECTION, Reason::UnexpectedProcess, setting::MAIN_ONLY);
        }
        if hits.allow != NONE {
            return self.pass(Reason::Allowed, Some(hits.allow));
        }
        if itself {
            return self.pass(Reason::MainProgram, None);
        }
        self.unlisted(SECTION)
    }

    fn scan_program(&self, path: &[u8], hits: &mut Hits) -> Option<()> {
        let base = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
        self.scan(Space::Program, path, hits)?;
        self.scan(Space::Base, base, hits)
    }

    pub(super) fn judge_argument(&self, argument: &[u8]) -> Option<Ruling> {
        let markers = LISTS.blob.table(header::MARKERS)?;
        for i in 0..markers.count {
            let [entry] = LISTS.blob.row(markers, i)?;
            let (_, marker) = LISTS.entry(entry)?;
            let first = *marker.as_bytes().first()?;
            let found = argument.windows(marker.len()).any(|part| {
                part.first().is_some_and(|b| b.eq_ignore_ascii_case(&first))
                    && part.eq_ignore_ascii_case(marker.as_bytes())
            });
            if found {
                return self.miner(self.state(Section::Processes), entry);
            }
        }
        self.pass(Reason::Unrestricted, None)
    }

    #[inline]
    pub(super) fn judge_connect(&self, event: &Connect, name: Option<&[u8]>) -> Option<Ruling> {
        const SECTION: Section = Section::Outbound;
        let ip = net::normal(event.ip);
        let mut hits = match name {
            Some(name) if self.names_outbound() => self.find_host(name, Some(event.port))?,
            _ => Hits::new(access::BOTH),
        };
        let mut loopback = ip.is_loopback();
        let mut next = Some(ip);
        while let Some(ip) = next {
            self.scan_net(ip, event.port, &mut hits)?;
            next = net::instead_of(ip);
            loopback |= next.is_some();
        }
        if hits.platform != 0 {
            return self.pass(Reason::Platform, None);
        }
        if hits.deny != NONE {
            return self.breach(SECTION, Reason::Denied, hits.deny);
        }
        let closed = self.flag(flag::LOOPBACK_CLOSED);
        if loopback && !closed {
            return self.pass(Reason::Loopback, None);
        }
        if hits.allow != NONE {
            return self.pass(Reason::Allowed, Some(hits.allow));
        }
        if loopback {
            return self.breach(SECTION, Reason::LoopbackClosed, setting::LOOPBACK);
        }
        self.unlisted(SECTION)
    }

    #[inline]
    pub(super) fn judge_listen(&self, port: u16) -> Option<Ruling> {
        const SECTION: Section = Section::Listen;
        let mut hits = Hits::new(access::BOTH);
        self.scan_listen(port, &mut hits)?;
        if hits.platform != 0 {
            return self.pass(Reason::Platform, None);
        }
        if hits.deny != NONE {
            return self.breach(SECTION, Reason::Denied, hits.deny);
        }
        if hits.allow != NONE {
            return self.pass(Reason::Allowed, Some(hits.allow));
        }
        self.unlisted(SECTION)
    }

    pub(super) fn judge_name(&self, name: &[u8]) -> Option<Ruling> {
        const SECTION: Section = Section::Dns;
        let plain = name.strip_suffix(b".").unwrap_or(name);
        if domain::is_localhost(plain) || domain::is_numeric(name) {
            return self.pass(Reason::Unrestricted, None);
        }
        let name = plain;
        let pools = self.blob.header(header::POOLS)?;
        if pools != state::OFF
            && let Some(pool) = LISTS.listed(Space::Dns, name)
        {
            return self.miner(pools, pool);
        }
        let mut hits = Hits::new(access::BOTH);
        self.scan(Space::Dns, name, &mut hits)?;
        if hits.platform != 0 {
            return self.pass(Reason::Platform, None);
        }
        if hits.deny != NONE {
            return self.breach(SECTION, Reason::Denied, hits.deny);
        }
        if hits.allow != NONE {
            return self.pass(Reason::Allowed, Some(hits.allow));
        }
        self.unlisted(SECTION)
    }

    /// Whether a file is allowed because no entry means it, as far as that can be told at a glance.
    #[inline]
    pub(super) fn is_of_no_entry(&self, event: &File<'_>) -> bool {
        !self.has_allow_list(Section::Filesystem)
            && event.alias.is_none()
            && self.is_of_no_key(Space::File, event.path) == Some(true)
    }

    #[inline(never)]
    pub(super) fn judge_file(&self, event: &File<'_>) -> Option<Ruling> {
        const SECTION: Section = Section::Filesystem;
        let want = wanted(event.access);
        let mut hits = Hits::new(want);
        let names = [Some(event.path), event.alias];
        for name in names.into_iter().flatten() {
            self.scan(Space::File, name, &mut hits)?;
        }
        if hits.deny != NONE {
            return self.breach(SECTION, Reason::Denied, hits.deny);
        }
        if !self.has_allow_list(SECTION) {
            return self.pass(Reason::Unrestricted, None);
        }
        self.platform_has_file(event, want, &mut hits)?;
        if hits.platform == want {
            return self.pass(Reason::Platform, None);
        }
        if hits.allow != NONE && hits.platform | hits.allowed == want {
            return self.pass(Reason::Allowed, Some(hits.allow));
        }
        self.unlisted(SECTION)
    }

    /// The entries of `network.outbound` that match a name and, if one is given, a port.
    pub(super) fn find_host(&self, name: &[u8], port: Option<u16>) -> Option<Hits> {
        let mut hits = Hits::new(access::BOTH);
        hits.port = port;
        let plain = name.strip_suffix(b".").unwrap_or(name);
        // Neither is a name that anybody was asked for.
        if !domain::is_localhost(plain) && !domain::is_numeric(name) {
            self.scan(Space::Host, plain, &mut hits)?;
        }
        Some(hits)
    }

    /// The entry of the curated lists that names a miner.
    fn listed(&self, space: Space, name: &[u8]) -> Option<u32> {
        let mut hits = Hits::new(access::BOTH);
        self.scan(space, name, &mut hits)?;
        (hits.miner != NONE).then_some(hits.miner)
    }
}
