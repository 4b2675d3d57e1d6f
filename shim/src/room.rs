//! Room in the table of descriptors, where the program has left none.
//!
//! To be judged, a file is held by a descriptor for a moment. A program that has used up all it may have (`RLIMIT_NOFILE`, getrlimit(2)) can still
//! start programs, and change and remove files by name: libc needs no descriptor for that in this process. Then the looking is done in a
//! thread of our own that has a copy of the table and closes a few in it. Nothing is closed for the program: neither the file, nor its record
//! locks, which belong to the table (fcntl_locking(2)), nor what poll(2) and epoll(7) wait for.
//!
//! It costs a copy of the table and a thread, some dozens of microseconds, and only where there was no other way.

use core::ffi::c_int;

use crate::path::Name;
use crate::state;
use crate::sys::{self, Errno};

/// How many descriptors are closed in the copy: a file and its directory, an interpreter and its look, and the log of a line.
const PLACES: usize = 8;

/// Nobody can say what is there. No call fails with it.
pub const UNSEEN: Errno = Errno(0);

/// Is this what a call fails with for want of a descriptor?
pub const fn is_lacking(error: Errno) -> bool {
    matches!(error, Errno(libc::EMFILE | libc::ENFILE))
}

/// Calls `act` in a thread whose table has room.
///
/// # Errors
/// Those of `act`; `EMFILE` where there can be no such thread.
#[inline(never)]
pub fn apart(
    is_kept: &dyn Fn(c_int) -> bool,
    act: &mut dyn FnMut() -> Result<(), Errno>,
) -> Result<(), Errno> {
    let mut result = Err(Errno(libc::EMFILE));
    let errno = sys::errno();
    let mut run = || {
        make_room(is_kept);
        result = act();
    };
    // No handler of the program may run there: its descriptors are not all there.
    let before = sys::mask_signals(libc::SIG_SETMASK, sys::SignalSet::MAX);
    let called = sys::with_own_descriptors(&mut run);
    sys::mask_signals(libc::SIG_SETMASK, before);
    sys::set_errno(errno);
    called.map_err(|_| Errno(libc::EMFILE)).and(result)
}

/// Closes some descriptors below the limit, but for the log, where a line may go.
fn make_room(is_kept: &dyn Fn(c_int) -> bool) {
    let limit = c_int::try_from(sys::descriptor_limit()).unwrap_or(c_int::MAX);
    let logs = state::get().map_or([None; 2], |state| state.log.descriptors());
    (0..limit)
        .rev()
        .filter(|fd| !is_kept(*fd) && !logs.contains(&Some(*fd)))
        .take(PLACES)
        .for_each(sys::close);
}

/// Does a name lead through the calling thread's own part of /proc (`/proc/thread-self`, Linux 3.17)? There, [`apart`] has other descriptors
/// than the program.
pub fn leads_by_thread(dir: c_int, given: &[u8]) -> bool {
    leads_by(dir, given, &[b"thread-self"])
}

/// Is one of these a component of a name, or of what the links in it say, where it may stand in /proc?
#[inline(never)]
pub fn leads_by(dir: c_int, given: &[u8], components: &[&[u8]]) -> bool {
    let mut name = Name::new();
    if name.push(given).is_err() {
        return false;
    }
    for _ in 0..=crate::hooks::resolve::LINKS_MAX {
        let mut before: &[u8] = b"..";
        for component in name.as_bytes().split(|byte| *byte == b'/') {
            if components.contains(&component) && matches!(before, b".." | b"proc") {
                return true;
            }
            if !matches!(component, b"" | b".") {
                before = component;
            }
        }
        if name.follow_first(dir).is_err() {
            return false;
        }
    }
    // More links than the kernel follows.
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_by_the_thread_if_it_or_a_link_of_it_says_so() {
        let link = std::env::temp_dir().join(format!("palisade-thread-{}", std::process::id()));
        std::os::unix::fs::symlink("/proc/thread-self/fd", &link).unwrap();
        let (through, beyond) = (link.join("1"), link.join("9999"));
        for (name, leads) in [
            ("/proc/thread-self/fd/1", true),
            ("/proc/self/fd/1", false),
            ("/proc/self/exe", false),
            ("//proc/.//thread-self/exe", true),
            ("/proc/1/../thread-self", true),
            ("thread-self/exe", true),
            ("/home/thread-self/x", false),
            ("/bin/sh", false),
            ("/none/such", false),
            ("", false),
            (through.to_str().unwrap(), true),
            (beyond.to_str().unwrap(), true),
        ] {
            assert_eq!(
                leads_by_thread(libc::AT_FDCWD, name.as_bytes()),
                leads,
                "{name}"
            );
        }
        std::fs::remove_file(link).unwrap();
    }
}
