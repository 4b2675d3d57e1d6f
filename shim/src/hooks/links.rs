//! Files that are reached over a link, opened without a look into /proc.

use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};

use super::resolve::{self, KNOWN_FLAGS, access, creates};
use crate::path::Name;
use crate::state::State;
use crate::sys::{self, Errno};

/// What names have led over a link, a word for each; 0 is none. Where one did, the call that would prove that it does not is left out. It is a
/// hint: nothing else depends on it.
static SEEN: [AtomicU32; 64] = [const { AtomicU32::new(0) }; 64];
/// Is there any? A program that opens no link need not be looked at for one.
static ANY: AtomicU32 = AtomicU32::new(0);

/// Where a name has its word, and what it is.
fn word_of(dir: c_int, name: &[u8]) -> Option<(&'static AtomicU32, u32)> {
    let (words, rest) = name.as_chunks::<8>();
    let step = |hash: u64, word: u64| {
        let mixed = (hash ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    };
    let words = words.iter().map(|word| u64::from_ne_bytes(*word));
    let hash = words.fold(dir as u64, step);
    let few = rest.iter().fold(1, |few, byte| few << 8 | u64::from(*byte));
    let hash = step(hash, few);
    Some((SEEN.get((hash >> 58) as usize)?, hash as u32 | 1))
}

/// As [`open`], if that name has led over a link before. `None`: it has not, or does so no more.
#[inline]
pub fn open_again(
    state: &State,
    dir: c_int,
    given: &[u8],
    name: &mut Name,
    flags: c_int,
) -> Option<Result<c_int, Errno>> {
    if ANY.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let (place, word) = word_of(dir, name.as_bytes())?;
    if place.load(Ordering::Relaxed) != word {
        return None;
    }
    let opened = open_behind(state, dir, given, name, flags);
    if opened.is_none() {
        place.store(0, Ordering::Relaxed);
    }
    opened
}

/// Has an absolute name led over a link before?
pub fn has_led(name: &[u8]) -> bool {
    let word = word_of(libc::AT_FDCWD, name);
    ANY.load(Ordering::Relaxed) != 0
        && word.is_some_and(|(place, word)| place.load(Ordering::Relaxed) == word)
}

/// Notes that it does, or that it does so no more.
pub fn note(name: &[u8], leads: bool) {
    if let Some((place, word)) = word_of(libc::AT_FDCWD, name) {
        place.store(if leads { word } else { 0 }, Ordering::Relaxed);
        ANY.store(1, Ordering::Relaxed);
    }
}

/// Opens a file behind links, as [`open_behind`] does, and remembers that its name leads over some.
pub fn open(
    state: &State,
    dir: c_int,
    given: &[u8],
    name: &mut Name,
    flags: c_int,
) -> Option<Result<c_int, Errno>> {
    let word = word_of(dir, name.as_bytes());
    let opened = open_behind(state, dir, given, name, flags)?;
    if let Some((place, word)) = word {
        place.store(word, Ordering::Relaxed);
        ANY.store(1, Ordering::Relaxed);
    }
    Some(opened)
}

/// Opens a file that is there by way of links, each of which is taken out of the name until the kernel can prove it. `None`: that
/// does not go on, or the name that comes of it is not allowed; nothing has happened, `name` is what the program has `given`, and the file has to
/// be looked at by itself.
///
/// A pinned file costs more: its name is asked for in /proc, where each descriptor gets an inode of its own for the while.
#[inline(never)]
fn open_behind(
    state: &State,
    dir: c_int,
    given: &[u8],
    name: &mut Name,
    flags: c_int,
) -> Option<Result<c_int, Errno>> {
    if creates(flags) || flags & libc::O_NOFOLLOW != 0 {
        return None;
    }
    // The kernel follows them, too: into what a sticky directory holds of others it would not (fs.protected_symlinks), and a link of
    // /proc/self/fd leads elsewhere than it says.
    // SAFETY: a C string of ours.
    if unsafe { sys::lead_by_plain_links(dir, name.as_ptr()) }.is_err() {
        return None;
    }
    let opened = open_step_by_step(state, dir, name, flags);
    if opened.is_none() {
        // Not a second name on the stack: there may be no more than sixteen kilobytes of it.
        name.clear();
        name.push(given).ok()?;
    }
    opened
}

fn open_step_by_step(
    state: &State,
    dir: c_int,
    name: &mut Name,
    flags: c_int,
) -> Option<Result<c_int, Errno>> {
    /// What a chain of links is followed to in this way; a file behind a longer one is pinned.
    const STEPS: usize = 4;
    for _ in 0..STEPS {
        name.follow(dir).ok()?;
        if !resolve::is_allowed_as_written(state, dir, name.as_bytes(), access(flags)) {
            return None;
        }
        let opened = sys::cancellable(|| {
            // SAFETY: a C string of ours.
            unsafe { sys::open_without_links(dir, name.as_ptr(), flags & KNOWN_FLAGS, 0) }
        });
        match opened {
            Err(Errno(libc::ELOOP)) => {}
            // Somebody has moved something meanwhile, or openat2 is stricter than open about something.
            Err(Errno(
                libc::ENOENT | libc::ENOTDIR | libc::ENAMETOOLONG | libc::EINVAL | libc::EPERM,
            )) => return None,
            // What the file itself answers. To ask a second time would be to wait a second time, where a signal has ended the first.
            result => return Some(result),
        }
    }
    None
}
