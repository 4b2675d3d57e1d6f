//! Files: `open(2)`, `openat(2)`, `creat(2)`, `fopen(3)` and their 64-bit names.
//!
//! A verdict holds for the file, not for the name under which it was asked for. Most names are the file: the kernel
//! proves it in the same call that opens it (`openat2(2)` with `RESOLVE_NO_SYMLINKS`, Linux 5.6). Only a name that leads
//! over a link, or that the policy does not like, is looked at a second time: pinned by `O_PATH`, which has no side
//! effect, named by the kernel, judged, and then opened as that very file. Nothing is created or truncated before the
//! verdict.

use core::ffi::{c_char, c_int, c_uint};

use libc::{FILE, mode_t};
use palisade_audit::Subject;
use palisade_policy::event::{Access, File, Outcome, Section, Verdict};

use super::{REFUSED, finish};
use crate::path::{self, DELETED, Name};
use crate::state::State;
use crate::sys::{Errno, FileId};
use crate::{report, state, sys, table};

/// NAME_MAX of Linux (limits.h): a component, without a NUL.
const COMPONENT_MAX: usize = 255;

/// MAXSYMLINKS of Linux: path_resolution(7).
const LINKS_MAX: usize = 40;

/// The flags that openat2(2) knows; open(2) ignores all others.
const KNOWN_FLAGS: c_int = libc::O_ACCMODE
    | libc::O_CREAT
    | libc::O_EXCL
    | libc::O_NOCTTY
    | libc::O_TRUNC
    | libc::O_APPEND
    | libc::O_NONBLOCK
    | libc::O_SYNC
    | libc::O_DSYNC
    | libc::O_ASYNC
    | libc::O_DIRECT
    | libc::O_DIRECTORY
    | libc::O_NOFOLLOW
    | libc::O_NOATIME
    | libc::O_CLOEXEC
    | libc::O_TMPFILE;

/// Does this open create what is not there? `mode` counts only then.
const fn creates(flags: c_int) -> bool {
    flags & libc::O_CREAT != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE
}

/// What the flags do to a file that is there.
const fn access(flags: c_int) -> Access {
    match flags & libc::O_ACCMODE {
        libc::O_RDONLY if flags & libc::O_TRUNC == 0 => Access::Read,
        libc::O_WRONLY => Access::Write,
        _ => Access::ReadWrite,
    }
}

/// What the flags do to a file that has to be created first.
const fn access_of_new(flags: c_int) -> Access {
    match access(flags) {
        Access::Write => Access::Write,
        Access::Read | Access::ReadWrite => Access::ReadWrite,
    }
}

/// The verdict on a resolved name, and on the second name that a file of /proc has.
#[inline(never)]
fn verdict<'a>(state: &'a State, path: &[u8], access: Access) -> Verdict<'a> {
    if !path.starts_with(b"/proc/") {
        return state.decider.file(&File {
            path,
            alias: None,
            access,
        });
    }
    let mut room = Name::new();
    let alias = path::proc_alias(path, sys::getpid(), &mut room);
    state.decider.file(&File {
        path,
        alias,
        access,
    })
}

/// Judges a resolved name and reports what there is to report.
///
/// # Errors
/// `EACCES`: refused.
fn judge(state: &State, path: &[u8], access: Access) -> Result<(), Errno> {
    let verdict = verdict(state, path, access);
    if verdict.outcome != Outcome::Allow {
        report::breach(
            state,
            Section::Filesystem,
            &verdict,
            Subject::File { path, access },
        );
    }
    if verdict.outcome == Outcome::Prevent {
        Err(REFUSED)
    } else {
        Ok(())
    }
}

/// Would the name be allowed if no component of it were a link?
fn is_allowed_as_written(state: &State, dir: c_int, name: &[u8], access: Access) -> bool {
    if path::is_plain(name) {
        return verdict(state, name, access).outcome == Outcome::Allow;
    }
    is_allowed_in_other_words(state, dir, name, access)
}

#[inline(never)]
fn is_allowed_in_other_words(state: &State, dir: c_int, name: &[u8], access: Access) -> bool {
    let mut whole = Name::new();
    let is_based = name.first() == Some(&b'/') || path::base_of(dir, &mut whole).is_ok();
    is_based
        && whole.push_components(name).is_ok()
        && state
            .decider
            .file(&File {
                path: whole.as_bytes(),
                alias: None,
                access,
            })
            .outcome
            == Outcome::Allow
}

/// A file held by `O_PATH`: it can be named and opened, and nothing has happened to it.
struct Pin(c_int);

impl Drop for Pin {
    fn drop(&mut self) {
        sys::close(self.0);
    }
}

impl Pin {
    fn open(dir: c_int, name: &mut Name, flags: c_int) -> Result<Self, Errno> {
        // SAFETY: a C string of ours.
        unsafe {
            sys::openat(
                dir,
                name.as_ptr(),
                libc::O_PATH | libc::O_CLOEXEC | flags,
                0,
            )
        }
        .map(Self)
    }

    /// Moves out of the way: the descriptor that the program gets must be the lowest free one (open(2)), as without us.
    ///
    /// # Errors
    /// `EMFILE`, `EINVAL`: there is no higher one.
    fn step_aside(&mut self) -> Result<(), Errno> {
        let above = usize::try_from(self.0).unwrap_or_default() + 1;
        let higher = sys::fcntl(self.0, libc::F_DUPFD_CLOEXEC, above)?;
        sys::close(core::mem::replace(&mut self.0, higher as c_int));
        Ok(())
    }
}

#[expect(
    clippy::large_enum_variant,
    reason = "a hook has no heap to put the larger one on"
)]
/// What a name led to, after the policy has agreed.
enum Resolved {
    /// This file. The name holds what the kernel calls it.
    Existing(Pin, FileId),
    /// Nothing yet: it would be created in this directory under this name. The name holds the whole.
    New(Pin, [u8; COMPONENT_MAX + 1]),
}

/// Follows `name` to its file without any side effect, and judges it. Leaves the resolved name in `name`.
///
/// # Errors
/// `EACCES` where the policy refuses; otherwise what the open would have failed with.
fn resolve(state: &State, dir: c_int, name: &mut Name, flags: c_int) -> Result<Resolved, Errno> {
    const EXCLUSIVE: c_int = libc::O_CREAT | libc::O_EXCL;
    let mut base = dir;
    let mut held: Option<Pin>;
    for _ in 0..LINKS_MAX {
        match Pin::open(base, name, flags & (libc::O_NOFOLLOW | libc::O_DIRECTORY)) {
            Ok(_) if flags & EXCLUSIVE == EXCLUSIVE => return Err(Errno(libc::EEXIST)),
            Ok(pin) => {
                let stat = sys::fstat(pin.0)?;
                if stat.is(libc::S_IFLNK) {
                    return Err(Errno(libc::ELOOP));
                }
                // Where /proc is not mounted the name stays as the program wrote it, and is judged so.
                let _ = name.read_descriptor(pin.0);
                if stat.links == 0 && name.as_bytes().ends_with(DELETED) {
                    let len = name.as_bytes().len() - DELETED.len();
                    name.truncate(len);
                }
                // Pipes, sockets, memory files: reached through /proc/self/fd, and no part of the file system.
                let is_file = name.as_bytes().first() == Some(&b'/')
                    && !(stat.links == 0 && name.as_bytes().starts_with(b"/memfd:"));
                if is_file {
                    judge(state, name.as_bytes(), access(flags))?;
                }
                return Ok(Resolved::Existing(pin, stat.id));
            }
            Err(Errno(libc::ENOENT)) if flags & libc::O_CREAT != 0 => {
                let Some((parent, last)) = path::split_last(name.as_bytes()) else {
                    return Err(Errno(libc::EISDIR));
                };
                let mut component = [0; COMPONENT_MAX + 1];
                if last.len() > COMPONENT_MAX {
                    return Err(Errno(libc::ENAMETOOLONG));
                }
                component
                    .iter_mut()
                    .zip(last)
                    .for_each(|(to, from)| *to = *from);
                let (parent_len, last_len) = (parent.len(), last.len());
                name.truncate(parent_len);
                if parent_len == 0 {
                    name.push(b".")?;
                }
                let parent = Pin::open(base, name, libc::O_DIRECTORY)?;
                // SAFETY: a C string of ours.
                if unsafe { name.read_link(parent.0, component.as_ptr().cast()) }.is_ok() {
                    // A link to nothing: open(2) creates what it points to, unless it was told not to follow.
                    if flags & libc::O_EXCL != 0 {
                        return Err(Errno(libc::EEXIST));
                    }
                    if flags & libc::O_NOFOLLOW != 0 {
                        return Err(Errno(libc::ELOOP));
                    }
                    base = parent.0;
                    held = Some(parent);
                    // The pin stays open as long as `base` names it.
                    let _ = &held;
                    continue;
                }
                name.read_descriptor(parent.0)?;
                name.push_components(component.get(..last_len).unwrap_or_default())?;
                judge(state, name.as_bytes(), access_of_new(flags))?;
                return Ok(Resolved::New(parent, component));
            }
            Err(error) => return Err(error),
        }
    }
    Err(Errno(libc::ELOOP))
}

/// Opens what the policy has agreed to: that very file, whatever its name leads to by now.
fn open_resolved(
    state: &State,
    resolved: Resolved,
    name: &mut Name,
    flags: c_int,
    mode: c_uint,
) -> Result<c_int, Errno> {
    let keeps = flags & !libc::O_NOFOLLOW;
    let mut pin = match resolved {
        Resolved::New(mut parent, component) => {
            parent.step_aside()?;
            // SAFETY: a C string on the stack.
            return unsafe {
                sys::openat(
                    parent.0,
                    component.as_ptr().cast(),
                    flags | libc::O_NOFOLLOW,
                    mode,
                )
            };
        }
        Resolved::Existing(pin, _) => pin,
    };
    // By its name where O_CREAT comes with it, for only then does the kernel guard files in shared directories
    // (fs.protected_regular, proc_sys_fs(5)); and where the table of descriptors has just one place left.
    if flags & libc::O_CREAT != 0 || pin.step_aside().is_err() {
        drop(pin);
        // SAFETY: a C string of ours.
        return unsafe {
            if state.proves_names {
                sys::open_without_links(
                    libc::AT_FDCWD,
                    name.as_ptr(),
                    keeps & KNOWN_FLAGS,
                    mode & 0o7777,
                )
            } else {
                sys::openat(
                    libc::AT_FDCWD,
                    name.as_ptr(),
                    keeps | libc::O_NOFOLLOW,
                    mode,
                )
            }
        };
    }
    let mut link = path::Decimal::new(b"/proc/thread-self/fd/", pin.0 as u32);
    // SAFETY: a C string on the stack.
    unsafe { sys::openat(libc::AT_FDCWD, link.as_ptr(), keeps, mode) }
}

/// The judged open. `None`: nothing to judge, the real call is to be made.
///
/// # Safety
/// `path` is a C string, or a pointer that cannot be one.
unsafe fn open_judged(
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    mode: c_uint,
) -> Option<Result<c_int, Errno>> {
    let state = state::judging(Section::Filesystem)?;
    if flags & libc::O_PATH != 0 {
        // It neither reads nor writes; what is done with the descriptor later is judged then.
        return None;
    }
    // SAFETY: the caller's promise.
    let given = unsafe { sys::c_bytes(path) }.filter(|given| !given.is_empty())?;
    let mode = if creates(flags) { mode } else { 0 };
    // A copy: what is judged is what the kernel gets, whatever another thread writes meanwhile.
    let mut name = Name::new();
    if let Err(error) = name.push(given) {
        return Some(Err(error));
    }
    let asked = if creates(flags) {
        access_of_new(flags)
    } else {
        access(flags)
    };
    if state.proves_names && is_allowed_as_written(state, dir, name.as_bytes(), asked) {
        // SAFETY: a C string of ours.
        match unsafe {
            sys::open_without_links(dir, name.as_ptr(), flags & KNOWN_FLAGS, mode & 0o7777)
        } {
            // A link is in the way, or openat2 is stricter than open about something.
            Err(Errno(libc::ELOOP | libc::EINVAL | libc::ENOSYS | libc::EPERM)) => {}
            result => return Some(result),
        }
    }
    let resolved = resolve(state, dir, &mut name, flags);
    Some(resolved.and_then(|resolved| open_resolved(state, resolved, &mut name, flags, mode)))
}

macro_rules! open_family {
    ($($name:ident($($arg:ident: $type:ty),*) as ($($asked:expr),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name($($arg: $type),*) -> c_int {
            // SAFETY: the caller's arguments.
            unsafe {
                match open_judged($($asked),*) {
                    Some(result) => finish(result.map(|fd| fd as usize)),
                    None => match table::$name::known() {
                        Some(next) => next($($arg),*),
                        // Before the constructor: perhaps inside an allocator, where no symbol may be looked up.
                        None => finish(sys::openat($($asked),*).map(|fd| fd as usize)),
                    },
                }
            }
        }
    )*};
}

const CREAT: c_int = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;

open_family! {
    open(path: *const c_char, flags: c_int, mode: mode_t) as (libc::AT_FDCWD, path, flags, mode);
    open64(path: *const c_char, flags: c_int, mode: mode_t) as (libc::AT_FDCWD, path, flags, mode);
    openat(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) as (dir, path, flags, mode);
    openat64(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) as (dir, path, flags, mode);
    creat(path: *const c_char, mode: mode_t) as (libc::AT_FDCWD, path, CREAT, mode);
    creat64(path: *const c_char, mode: mode_t) as (libc::AT_FDCWD, path, CREAT, mode);
}

/// The flags that fopen(3) opens a file with; `None` for a mode that it refuses.
fn flags_of(mode: &[u8]) -> Option<c_int> {
    let (first, rest) = mode.split_first()?;
    // What follows a comma is the coded character set; glibc looks at no more than seven characters before it.
    let rest = rest.split(|byte| *byte == b',').next()?;
    let mut flags = match first {
        b'r' => libc::O_RDONLY,
        b'w' => CREAT,
        b'a' => libc::O_CREAT | libc::O_WRONLY | libc::O_APPEND,
        _ => return None,
    };
    for byte in rest {
        match byte {
            b'+' => flags = flags & !libc::O_ACCMODE | libc::O_RDWR,
            b'x' => flags |= libc::O_EXCL,
            _ => {}
        }
    }
    Some(flags)
}

/// Judges what `fopen` would open, calls it, and makes sure that it opened what was judged.
///
/// libc's own function does the opening, because what it makes of the descriptor (position, buffer, character set)
/// cannot be had by fdopen(3) in every mode.
///
/// # Safety
/// `path` and `mode` are C strings, or pointers that cannot be ones.
unsafe fn fopen_judged(
    path: *const c_char,
    mode: *const c_char,
    open: impl Fn() -> *mut FILE,
) -> *mut FILE {
    // SAFETY: the caller's promise.
    let (given, mode) = unsafe { (sys::c_bytes(path), sys::c_bytes(mode)) };
    let given = given.filter(|given| !given.is_empty());
    let (Some(state), Some(given), Some(flags)) = (
        state::judging(Section::Filesystem),
        given,
        mode.and_then(flags_of),
    ) else {
        return open();
    };
    let mut name = Name::new();
    let judged = name
        .push(given)
        .and_then(|()| resolve(state, libc::AT_FDCWD, &mut name, flags));
    let known = match judged {
        Ok(Resolved::Existing(_, id)) => Some(id),
        Ok(Resolved::New(..)) => None,
        Err(errno) => {
            finish(Err(errno));
            return core::ptr::null_mut();
        }
    };
    let stream = open();
    if stream.is_null() {
        return stream;
    }
    // SAFETY: a stream that fopen(3) has just given.
    let fd = unsafe { libc::fileno(stream) };
    let is_same = match known {
        Some(id) => sys::fstat(fd).is_ok_and(|stat| stat.id == id),
        None => is_named(fd, name.as_bytes()),
    };
    if !is_same {
        // The name led elsewhere the second time. Whoever moved it meant to pass by the verdict.
        // SAFETY: as above; nobody else has seen it.
        unsafe { libc::fclose(stream) };
        finish(Err(REFUSED));
        return core::ptr::null_mut();
    }
    stream
}

#[inline(never)]
fn is_named(fd: c_int, name: &[u8]) -> bool {
    let mut now = Name::new();
    now.read_descriptor(fd).is_err() || now.as_bytes() == name
}

/// `fopen(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn fopen(path: *const c_char, mode: *const c_char) -> *mut FILE {
    // SAFETY: the caller's arguments.
    unsafe {
        fopen_judged(path, mode, || {
            table::fopen::next().map_or(core::ptr::null_mut(), |next| next(path, mode))
        })
    }
}

/// `fopen64(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn fopen64(path: *const c_char, mode: *const c_char) -> *mut FILE {
    // SAFETY: the caller's arguments.
    unsafe {
        fopen_judged(path, mode, || {
            table::fopen64::next().map_or(core::ptr::null_mut(), |next| next(path, mode))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_of_fopen_are_flags_of_open() {
        for (mode, flags) in [
            ("r", Some(libc::O_RDONLY)),
            ("rb+", Some(libc::O_RDWR)),
            ("w", Some(CREAT)),
            (
                "w+x",
                Some(libc::O_CREAT | libc::O_RDWR | libc::O_TRUNC | libc::O_EXCL),
            ),
            ("ae", Some(libc::O_CREAT | libc::O_WRONLY | libc::O_APPEND)),
            ("r,ccs=x+", Some(libc::O_RDONLY)),
            ("", None),
            ("q", None),
        ] {
            assert_eq!(flags_of(mode.as_bytes()), flags, "{mode}");
        }
    }

    #[test]
    fn flags_say_what_is_done_to_a_file() {
        assert_eq!(access(libc::O_RDONLY | libc::O_CLOEXEC), Access::Read);
        assert_eq!(access(libc::O_RDONLY | libc::O_TRUNC), Access::ReadWrite);
        assert_eq!(access(libc::O_WRONLY), Access::Write);
        assert_eq!(access(libc::O_RDWR), Access::ReadWrite);
        assert_eq!(
            access_of_new(libc::O_RDONLY | libc::O_CREAT),
            Access::ReadWrite
        );
    }
}
