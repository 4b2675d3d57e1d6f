//! What a learning process has reported already: each act once.
//!
//! A fixed set of hashes in static memory, without a lock: a child of fork(2) has its parent's. Where a hash finds no place the act
//! is reported again, and whoever reads the log folds it.

use core::sync::atomic::{AtomicU64, Ordering};

use palisade_audit::Subject;
use palisade_policy::event::Section;

const PLACES: usize = 8192;

/// How far from its place a hash is looked for.
const REACH: usize = 32;

static SET: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];

/// Is this the first time?
pub fn is_new(section: Section, subject: &Subject<'_>) -> bool {
    let mut hash = Hash::new(section);
    match subject {
        Subject::None => {}
        Subject::Process { path, .. } => hash.add(path),
        Subject::Connect { ip, port } => {
            hash.add_ip(*ip);
            hash.add(&port.to_be_bytes());
        }
        Subject::Listen { port, .. } => hash.add(&port.to_be_bytes()),
        Subject::Resolve { domain } => hash.add(domain),
        Subject::File { path, access } => {
            hash.add(&[*access as u8]);
            hash.add(path);
        }
    }
    insert(hash.0.max(1))
}

/// FNV-1a, 64 bits.
struct Hash(u64);

impl Hash {
    fn new(section: Section) -> Self {
        let mut hash = Self(0xcbf2_9ce4_8422_2325);
        hash.add(&[section as u8]);
        hash
    }

    fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |h, byte| {
            (h ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    }

    fn add_ip(&mut self, ip: core::net::IpAddr) {
        match ip {
            core::net::IpAddr::V4(ip) => self.add(&ip.octets()),
            core::net::IpAddr::V6(ip) => self.add(&ip.octets()),
        }
    }
}

fn insert(hash: u64) -> bool {
    for step in 0..REACH {
        let Some(place) = SET.get((hash as usize).wrapping_add(step) % PLACES) else {
            return true;
        };
        match place.compare_exchange(0, hash, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(known) if known == hash => return false,
            Err(_) => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_policy::event::Access;

    #[test]
    fn each_act_is_new_once() {
        let read = Subject::File {
            path: b"/a",
            access: Access::Read,
        };
        let write = Subject::File {
            path: b"/a",
            access: Access::Write,
        };
        let ask = Subject::Resolve { domain: b"/a" };
        for _ in 0..2 {
            let _ = is_new(Section::Filesystem, &read);
        }
        assert!(!is_new(Section::Filesystem, &read));
        assert!(is_new(Section::Filesystem, &write));
        assert!(is_new(Section::Dns, &ask));
        assert!(!is_new(Section::Dns, &ask));
    }
}
