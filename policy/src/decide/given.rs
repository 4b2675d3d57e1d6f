//! What every policy lets pass that does not deny it.

use super::Decider;
use super::judge::{LISTS, wanted};
use super::lookup::Hits;
use crate::blob::{Space, access, flag};
use crate::domain;
use crate::event::{Connect, File};
use crate::net;

impl Decider<'_> {
    /// Whether every policy lets a destination be reached that does not deny it: the platform needs it, or it is loopback. A policy that
    /// [learns](Self::learns) has no need of an entry for it; any other knows of the platform's needs only where its own sections ask.
    #[must_use]
    pub fn is_given_destination(&self, event: &Connect) -> bool {
        let ip = net::normal(event.ip);
        let mut hits = Hits::new(access::BOTH);
        ip.is_loopback()
            || ip.is_unspecified()
            || self
                .scan_net(ip, event.port, &mut hits)
                .is_some_and(|()| hits.platform != 0)
    }

    /// The same for a port to listen on.
    #[must_use]
    pub fn is_given_port(&self, port: u16) -> bool {
        let mut hits = Hits::new(access::BOTH);
        self.scan_listen(port, &mut hits)
            .is_some_and(|()| hits.platform != 0)
    }

    /// The same for a name; what is no name (a numeric host, `localhost`) is not judged by any policy.
    #[must_use]
    pub fn is_given_name(&self, name: &[u8]) -> bool {
        let plain = name.strip_suffix(b".").unwrap_or(name);
        let mut hits = Hits::new(access::BOTH);
        domain::is_numeric(name)
            || domain::is_localhost(plain)
            || self
                .scan(Space::Dns, plain, &mut hits)
                .is_some_and(|()| hits.platform != 0)
    }

    /// The same for a file.
    #[must_use]
    pub fn is_given_file(&self, event: &File<'_>) -> bool {
        let want = wanted(event.access);
        let mut hits = Hits::new(want);
        [Some(event.path), event.alias]
            .into_iter()
            .flatten()
            .all(|name| self.scan(Space::File, name, &mut hits).is_some())
            && self.platform_has_file(event, want, &mut hits).is_some()
            && hits.platform == want
    }

    /// Looks a file up among those that the platform needs, where `hits` does not have it yet.
    pub(super) fn platform_has_file(
        &self,
        event: &File<'_>,
        want: u32,
        hits: &mut Hits,
    ) -> Option<()> {
        if hits.platform != want && self.flag(flag::STANDARD) {
            for name in [Some(event.path), event.alias].into_iter().flatten() {
                LISTS.scan(Space::File, name, hits)?;
            }
        }
        Some(())
    }
}
