//! What a learning process tree has reported already: each act once.
//!
//! A fixed set of hashes, without a lock. The main process puts it into shared memory of System V, which a child of fork(2) has as well,
//! and which a program that is executed attaches anew by the number that it is handed (`PALISADE_LEARNED`): no descriptor is kept and no file is made, and
//! since the segment is marked for removal at once, the kernel drops it with the last process. Where there is no such memory, each
//! program that is executed has a set of its own, and whoever reads the log folds what is told twice.
//!
//! A set that is full forgets: a new act takes the place of another, which is reported again when it is done again.

use alloc::string::String;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use palisade_audit::{Subject, Text};
use palisade_policy::event::Section;
use palisade_policy::format;

use crate::{settings, sys};

const PLACES: usize = 8192;

/// How far from its place a hash is looked for.
const REACH: usize = 32;

/// More options than this are no more different.
const WORDS: usize = 64;

/// The set. The first words tell a segment of ours from any other that has its number by now.
#[repr(C)]
pub struct Set {
    name: [AtomicU64; 2],
    places: [AtomicU64; PLACES],
}

/// Of this program alone.
static OWN: Set = Set {
    name: [const { AtomicU64::new(0) }; 2],
    places: [const { AtomicU64::new(0) }; PLACES],
};

/// The shared one; null where there is none.
static SHARED: AtomicPtr<Set> = AtomicPtr::new(ptr::null_mut());

/// An act had to take the place of another, and nobody has said so yet.
static OVERFLOW: AtomicBool = AtomicBool::new(false);
static IS_TOLD: AtomicBool = AtomicBool::new(false);

fn set() -> &'static Set {
    // SAFETY: null, or an attached segment of this size that nobody detaches.
    unsafe { SHARED.load(Ordering::Acquire).as_ref() }.unwrap_or(&OWN)
}

/// Takes the acts of this process from here on.
pub fn publish(set: &'static Set) {
    SHARED.store(ptr::from_ref(set).cast_mut(), Ordering::Release);
}

/// Makes a shared set, and says what a child needs to find it. `None` where there is no such memory.
pub fn share() -> Option<(&'static Set, String)> {
    let size = size_of::<Set>();
    let key = [
        libc::IPC_PRIVATE as usize,
        size,
        0o600 | libc::IPC_CREAT as usize,
    ];
    // SAFETY: makes a segment; no memory is touched.
    let id = unsafe { sys::any(libc::SYS_shmget, [key[0], key[1], key[2], 0, 0, 0]) }.ok()?;
    let set = attach(id, 0);
    // Gone with the last process that has it, and until then still to be attached (shmctl(2), NOTES).
    // SAFETY: no memory is touched.
    let removed = unsafe { sys::any(libc::SYS_shmctl, [id, libc::IPC_RMID as usize, 0, 0, 0, 0]) };
    let set = set.filter(|_| removed.is_ok())?;
    let (seconds, nanoseconds) = sys::now();
    let name = [
        seconds as u64,
        u64::from(nanoseconds) << 32 | u64::from(sys::getpid()),
    ];
    for (to, from) in set.name.iter().zip(name) {
        to.store(from, Ordering::Relaxed);
    }
    Some((set, format!("{id},{},{}", name[0], name[1])))
}

/// Attaches the set that [`share`] made, if it is still there.
pub fn join(text: &[u8]) -> Option<&'static Set> {
    let mut numbers = text.split(|byte| *byte == b',').map(settings::number);
    let mut next = || numbers.next().flatten();
    let (id, first, second) = (usize::try_from(next()?).ok()?, next()?, next()?);
    // Looked at before anything can be written: numbers of segments are used again.
    let seen = attach(id, libc::SHM_RDONLY)?;
    let is_ours = seen
        .name
        .iter()
        .zip([first, second])
        .all(|(word, name)| word.load(Ordering::Relaxed) == name);
    let set = if is_ours { attach(id, 0) } else { None };
    // SAFETY: attached above, and nobody looks at it any more.
    let _ = unsafe {
        sys::any(
            libc::SYS_shmdt,
            [ptr::from_ref(seen) as usize, 0, 0, 0, 0, 0],
        )
    };
    set
}

/// A segment. Only its first page is there for certain until its name is known.
fn attach(id: usize, flags: i32) -> Option<&'static Set> {
    // SAFETY: maps it where nothing is.
    let address = unsafe { sys::any(libc::SYS_shmat, [id, 0, flags as usize, 0, 0, 0]) }.ok()?;
    // SAFETY: mapped above, aligned to a page, and all of it atomics. Reads stay within the first page until `join` knows that the
    // segment is one of `share`.
    unsafe { (address as *const Set).as_ref() }
}

/// Is this the first time?
pub fn is_new(section: Section, subject: &Subject<'_>) -> bool {
    let mut hash = Hash::new(section);
    match subject {
        Subject::None => {}
        Subject::Process { path, command } => {
            hash.add(path);
            hash.add_options(command);
        }
        Subject::Connect { ip, port, name } => {
            match name {
                // A name has as many addresses as it likes, and new ones each minute.
                Some(name) => hash.add(name),
                None => hash.add_ip(*ip),
            }
            hash.add(&port.to_be_bytes());
        }
        Subject::Listen { port, .. } => hash.add(&port.to_be_bytes()),
        Subject::Resolve { domain } => hash.add(domain),
        Subject::File { path, access } => {
            hash.add(&[*access as u8]);
            hash.add(path);
        }
    }
    insert(&set().places, hash.0.max(1))
}

/// Whether the set is full since this was asked last; true only once in a program.
pub fn overflows() -> bool {
    OVERFLOW.load(Ordering::Relaxed) && !IS_TOLD.swap(true, Ordering::Relaxed)
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

    /// The kind of the arguments: the options without their values. What is no option is another one each time.
    fn add_options(&mut self, command: &Text<'_>) {
        let Text::Words(word) = command else { return };
        for word in (1..WORDS).map_while(word) {
            if word.starts_with(b"-") {
                let is_value = |byte: &u8| *byte == b'=' || byte.is_ascii_digit();
                let end = word.iter().position(is_value).unwrap_or(word.len());
                self.add(word.get(..end).unwrap_or_default());
                self.add(b" ");
            }
        }
    }
}

fn insert(places: &[AtomicU64; PLACES], hash: u64) -> bool {
    let place_at = |step: usize| places.get((hash as usize).wrapping_add(step) % PLACES);
    for place in (0..REACH).filter_map(place_at) {
        match place.compare_exchange(0, hash, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(known) if known == hash => return false,
            Err(_) => {}
        }
    }
    // Bits that the place does not depend on choose whose place it is.
    if let Some(place) = place_at((hash >> 40) as usize % REACH) {
        place.store(hash, Ordering::Relaxed);
    }
    OVERFLOW.store(true, Ordering::Relaxed);
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

    #[test]
    fn programs_differ_by_their_options_and_not_by_what_they_are_given() {
        let is_new = |words: &[&'static [u8]]| {
            let word = |index: usize| words.get(index).copied();
            let subject = Subject::Process {
                path: b"/usr/bin/git",
                command: Text::Words(&word),
            };
            super::is_new(Section::Processes, &subject)
        };
        assert!(is_new(&[b"git", b"log", b"-n5", b"--since=1"]));
        assert!(!is_new(&[b"git", b"show", b"-n7", b"--since=2", b"x"]));
        assert!(is_new(&[b"git", b"log", b"--all"]));
    }

    #[test]
    fn a_name_is_one_act_whatever_its_addresses() {
        let connect = |ip: &str, name| Subject::Connect {
            ip: ip.parse().unwrap(),
            port: 443,
            name,
        };
        let name = Some(b"a.example".as_slice());
        assert!(is_new(Section::Outbound, &connect("192.0.2.1", name)));
        assert!(!is_new(Section::Outbound, &connect("192.0.2.2", name)));
        assert!(is_new(Section::Outbound, &connect("192.0.2.1", None)));
        assert!(is_new(Section::Outbound, &connect("192.0.2.2", None)));
    }

    #[test]
    fn a_full_set_takes_what_is_new_and_folds_what_is_frequent() {
        let places = [const { AtomicU64::new(0) }; PLACES];
        let hash = |n: u64| {
            let mut hash = Hash::new(Section::Dns);
            hash.add(&n.to_ne_bytes());
            hash.0
        };
        for n in 0..4 * PLACES as u64 {
            assert!(insert(&places, hash(n)), "{n} is new");
            assert!(!insert(&places, hash(n)), "{n} has just been there");
        }
        assert!(OVERFLOW.load(Ordering::Relaxed));
    }

    #[test]
    fn what_is_shared_is_found_by_its_number_and_nothing_else_is_written_to() {
        let (set, text) = share().unwrap();
        let again = join(text.as_bytes()).unwrap();
        assert!(!ptr::eq(set, again), "attached anew");
        assert!(insert(&set.places, 77) && !insert(&again.places, 77));
        let other = text.replacen(',', ",1", 1);
        for wrong in ["", "x", "1,2", "4294967295,1,2", &other] {
            assert!(join(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
