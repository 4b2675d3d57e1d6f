//! Files: `open(2)`, `openat(2)`, `openat2(2)`, `creat(2)`, `opendir(3)` and their other names.
//!
//! A verdict holds for the file, not for the name under which it was asked for. Most names are the file: the kernel
//! proves it in the same call that opens it (`openat2(2)` with `RESOLVE_NO_SYMLINKS`, Linux 5.6). Only a name that leads
//! over a link, or that the policy does not like, is looked at a second time: pinned by `O_PATH`, which has no side
//! effect, named by the kernel, judged, and then opened as that very file. Nothing is created or truncated before the
//! verdict.

use core::ffi::{c_char, c_int, c_uint, c_void};

use libc::{DIR, mode_t};
use palisade_policy::event::{Access, Section};

use super::resolve::{self, KNOWN_FLAGS, access, access_of_new, concerned, creates, resolve};
use super::{finish, links};
use crate::path::{self, Name};
use crate::state::State;
use crate::sys::Errno;
use crate::{state, sys, table};

/// The judged open. `None`: nothing to judge, the real call is to be made; until that is known, next to no stack is taken, for the
/// program may stand on one that has no more.
///
/// # Safety
/// `path` is a C string that nobody changes meanwhile, or a bad pointer.
#[inline]
unsafe fn open_judged(
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    mode: c_uint,
) -> Option<Result<c_int, Errno>> {
    state::judging_at_all()?;
    // SAFETY: the caller's promise.
    let given = match unsafe { sys::c_bytes(path) } {
        Some(given) if !given.is_empty() => given,
        found => return Some(open_bad(dir, found.is_some(), flags, mode)),
    };
    // The kernel looks at these before it looks at the name, and some it takes since Linux 6.4 no more.
    let invalid = Err(Errno(libc::EINVAL));
    if is_unusual(flags) && open_bad(dir, true, flags, mode) == invalid {
        return Some(invalid);
    }
    if flags & libc::O_PATH != 0 {
        // It neither reads nor writes; what is done with the descriptor later is judged then.
        resolve::note_memory(given);
        return None;
    }
    let state = concerned(given, flags)?;
    let mode = if creates(flags) { mode } else { 0 };
    Some(open_given(state, dir, given, flags, mode))
}

/// Flags that open(2) may refuse by themselves: a temporary file that is not to be written, and what is a file and a folder.
const fn is_unusual(flags: c_int) -> bool {
    const BOTH: c_int = libc::O_CREAT | libc::O_DIRECTORY;
    flags & (libc::O_TMPFILE & !libc::O_DIRECTORY) != 0 || flags & BOTH == BOTH
}

/// The open of a name that cannot be read, or that is empty: the kernel says what is wrong with it.
#[cold]
#[inline(never)]
fn open_bad(dir: c_int, is_empty: bool, flags: c_int, mode: c_uint) -> Result<c_int, Errno> {
    let bad = if is_empty {
        c"".as_ptr()
    } else {
        sys::nowhere()
    };
    // SAFETY: no pointer of the program's.
    sys::cancellable(|| unsafe { sys::openat(dir, bad, flags, mode) })
}

#[inline(never)]
fn open_given(
    state: &State,
    dir: c_int,
    given: &[u8],
    flags: c_int,
    mode: c_uint,
) -> Result<c_int, Errno> {
    // A copy: what is judged is what the kernel gets, whatever another thread writes meanwhile.
    let mut name = Name::new();
    if let Err(errno) = name.push(given) {
        sys::cancellation_point();
        return Err(errno);
    }
    let asked = asked_of(flags);
    let is_concern_of_files = state::judging(Section::Filesystem).is_some();
    let is_followed = state.proves_names && !state.learns && is_concern_of_files;
    if is_followed && let Some(result) = links::open_again(state, dir, given, &mut name, flags) {
        return result;
    }
    // A learning policy wants to see each file by its resolved name, and as it is before something is made of it.
    let may_be_as_written = || {
        if flags & libc::O_TMPFILE == libc::O_TMPFILE {
            // The name is the folder's, and what is made lies in it.
            return false;
        }
        if state.learns {
            return !creates(flags) && path::is_plain(name.as_bytes());
        }
        is_concern_of_files && resolve::is_allowed_as_written(state, dir, name.as_bytes(), asked)
    };
    let mut opened = None;
    if state.proves_names && may_be_as_written() {
        let result = sys::cancellable(|| {
            // SAFETY: a C string of ours.
            unsafe {
                sys::open_without_links(dir, name.as_ptr(), flags & KNOWN_FLAGS, mode & 0o7777)
            }
        });
        if !state.learns && result.is_ok() {
            return result;
        }
        opened = Some(result);
    }
    let is_followed = is_followed.then_some(given);
    open_otherwise(state, (dir, is_followed), &mut name, (flags, mode), opened)
}

/// What is not `opened` by its name, as far as that has been tried; by the links of the name that was given, or else by what it turns out to be.
/// Apart, so that most opens are in few lines of the caches.
#[cold]
#[inline(never)]
fn open_otherwise(
    state: &State,
    (dir, followed): (c_int, Option<&[u8]>),
    name: &mut Name,
    (flags, mode): (c_int, c_uint),
    opened: Option<Result<c_int, Errno>>,
) -> Result<c_int, Errno> {
    match (opened, followed) {
        (Some(Err(Errno(libc::ELOOP))), Some(given)) => {
            if let Some(result) = links::open(state, dir, given, name, flags) {
                return result;
            }
        }
        // openat2 is stricter than open about something.
        (None | Some(Err(Errno(libc::ELOOP | libc::EINVAL | libc::ENOSYS | libc::EPERM))), _) => {}
        (Some(Ok(fd)), _) if state.learns => {
            resolve::learn(state, name.as_bytes(), asked_of(flags));
            return Ok(fd);
        }
        (Some(result), _) => return result,
    }
    sys::cancellation_point();
    let resolved = resolve(state, dir, name, flags)?;
    resolve::open(state, resolved, name, flags, mode)
}

/// What an open with these flags asks for.
fn asked_of(flags: c_int) -> Access {
    if creates(flags) {
        access_of_new(flags)
    } else {
        access(flags)
    }
}

/// One of the names that open(2) has without a mode?
const fn ends_in_2(name: &str) -> bool {
    matches!(name.as_bytes(), [.., b'_', b'2'])
}

const fn flags_in(_: c_int, _: *const c_char, flags: c_int, _: c_uint) -> c_int {
    flags
}

macro_rules! open_family {
    ($($name:ident($($arg:ident: $type:ty),*) as ($($asked:expr),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(next: Option<table::$name::Function>, $($arg: $type),*) -> c_int {
            // SAFETY: the caller's arguments.
            unsafe {
                // glibc ends the program when a mode is needed and none is given.
                let judged = if ends_in_2(stringify!($name)) && creates(flags_in($($asked),*)) {
                    None
                } else {
                    open_judged($($asked),*)
                };
                match judged {
                    Some(result) => finish(result.map(|fd| fd as usize)),
                    None => match next {
                        Some(next) => next($($arg),*),
                        // Before the constructor: perhaps inside an allocator, where no symbol may be looked up.
                        None => finish(sys::openat($($asked),*).map(|fd| fd as usize)),
                    },
                }
            }
        }
    )*};
}

pub const CREAT: c_int = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
pub const CWD: c_int = libc::AT_FDCWD;

// The names in `_2` are what open(2) without a mode becomes under _FORTIFY_SOURCE.
open_family! {
    open(path: *const c_char, flags: c_int, mode: mode_t) as (CWD, path, flags, mode);
    open64(path: *const c_char, flags: c_int, mode: mode_t) as (CWD, path, flags, mode);
    __open(path: *const c_char, flags: c_int, mode: mode_t) as (CWD, path, flags, mode);
    __open64(path: *const c_char, flags: c_int, mode: mode_t) as (CWD, path, flags, mode);
    __open_2(path: *const c_char, flags: c_int) as (CWD, path, flags, 0);
    __open64_2(path: *const c_char, flags: c_int) as (CWD, path, flags, 0);
    openat(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) as (dir, path, flags, mode);
    openat64(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) as (dir, path, flags, mode);
    __openat_2(dir: c_int, path: *const c_char, flags: c_int) as (dir, path, flags, 0);
    __openat64_2(dir: c_int, path: *const c_char, flags: c_int) as (dir, path, flags, 0);
    creat(path: *const c_char, mode: mode_t) as (CWD, path, CREAT, mode);
    creat64(path: *const c_char, mode: mode_t) as (CWD, path, CREAT, mode);
}

/// `openat2(2)`, which glibc has from 2.43 on. What it may not resolve over is the caller's to say, so the call is made as it
/// came once its name is judged.
///
/// # Safety
/// As its manual page says.
pub unsafe fn openat2(
    next: Option<table::openat2::Function>,
    dir: c_int,
    path: *const c_char,
    how: *const c_void,
    size: usize,
) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe {
        let is_known = state::judging_at_all().is_some() && size >= 8 && sys::can_read(how, 8);
        let flags = if is_known {
            *how.cast::<u64>() as c_int
        } else {
            0
        };
        let given = sys::c_bytes(path).filter(|given| is_known && !given.is_empty());
        if let Some((state, given)) =
            given.and_then(|given| Some((concerned(given, flags)?, given)))
            && let Err(errno) = judge_given(state, dir, given, flags)
        {
            return finish(Err(errno));
        }
        // Not looked for anew: libc has it or has it not, and a search takes 8 KiB of stack.
        match next {
            Some(next) => next(dir, path, how, size),
            None => finish(sys::openat2(dir, path, how, size)),
        }
    }
}

/// Judges the name of an open that is made as it came.
///
/// # Errors
/// `EACCES`, or `EMFILE` and `ENFILE` where nothing can be judged.
#[inline(never)]
fn judge_given(state: &State, dir: c_int, given: &[u8], flags: c_int) -> Result<(), Errno> {
    let mut name = Name::new();
    let judged = name
        .push(given)
        .and_then(|()| resolve(state, dir, &mut name, flags));
    match judged {
        Err(errno @ Errno(libc::EACCES | libc::EMFILE | libc::ENFILE))
            if flags & libc::O_PATH == 0 =>
        {
            Err(errno)
        }
        // Anything else the kernel says by itself, and may say differently: it looks at the flags first.
        _ => Ok(()),
    }
}

/// `opendir(3)`: the directory is opened as it was judged, with the flags of glibc's own.
///
/// # Safety
/// As its manual page says.
pub unsafe fn opendir(path: *const c_char) -> *mut DIR {
    const FLAGS: c_int = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the caller's argument.
    unsafe {
        let judged = match state::judging_at_all() {
            // libc looks at the first byte by itself. Unlike open(2) it is no cancellation point in glibc.
            Some(_) => sys::uncancellable(|| open_judged(CWD, sys::touch(path), FLAGS, 0)),
            None => None,
        };
        match judged {
            Some(Ok(fd)) => {
                let stream = table::fdopendir::next()
                    .map_or(core::ptr::null_mut(), |fdopendir| fdopendir(fd));
                if stream.is_null() {
                    sys::close(fd);
                }
                stream
            }
            Some(Err(errno)) => {
                finish(Err(errno));
                core::ptr::null_mut()
            }
            None => table::opendir::next().map_or(core::ptr::null_mut(), |next| next(path)),
        }
    }
}
