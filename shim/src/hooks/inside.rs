//! Files that functions of libc open inside themselves, by a name that the program gives: `dlopen(3)`, `shm_open(3)`, `sem_open(3)`, `utmpname(3)` and
//! their kin. What was judged may have been moved when they open it.

use core::ffi::{c_char, c_int, c_uint, c_void};

use libc::mode_t;
use palisade_policy::event::Section;

use super::files::CWD;
use super::resolve::{self, access, concerned, resolve};
use super::{REFUSED, finish, tree};
use crate::path::{Name, Text};
use crate::state::State;
use crate::sys::Errno;
use crate::{room, state, sys, table};

/// Where a refused library is looked for instead: `dlerror(3)` has something to say then, and says this name.
const REFUSED_LIBRARY: &core::ffi::CStr = c"/proc/self/fd/-1/refused-by-a-runtime-rule";

/// What dlopen(3) is to load: the path as it came, judged as an open for reading; or [`REFUSED_LIBRARY`]. The loader resolves and opens it
/// by itself, so that what was judged may have been moved since, as with `rename`.
///
/// # Safety
/// `path` is a C string that nobody changes meanwhile, or a bad pointer.
pub unsafe extern "C" fn library(path: *const c_char, flags: c_int) -> *const c_char {
    // The loader looks at the flags first.
    if flags & (libc::RTLD_LAZY | libc::RTLD_NOW) == 0 {
        return path;
    }
    // SAFETY: the caller's promise.
    let given = unsafe { sys::libc_text(path) };
    // A name without a slash is looked for in the loader's own folders; what is loaded already is not read.
    let Some(given) = given.filter(|given| given.contains(&b'/') && flags & libc::RTLD_NOLOAD == 0)
    else {
        return path;
    };
    let Some(state) = concerned(given, libc::O_RDONLY) else {
        return path;
    };
    // Anything else the loader finds out and says by itself.
    match judge_named(state, given, libc::O_RDONLY) {
        Err(error) if error == REFUSED => REFUSED_LIBRARY.as_ptr(),
        _ => path,
    }
}

/// Judges what a function of libc will open inside itself, and where the program has left no descriptor now, perhaps has left one by then.
///
/// # Errors
/// `EACCES`, `EROFS`: refused.
fn judge_named(state: &State, given: &[u8], flags: c_int) -> Result<(), Errno> {
    judge_inner(state, ([CWD; 2], given), given, flags)
}

/// Judges what the loader of a program reads that is started in the directory `dir`.
///
/// # Errors
/// `EACCES`: refused.
pub fn judge_preload(state: &State, dir: c_int, given: &[u8]) -> Result<(), Errno> {
    judge_inner(state, ([dir; 2], given), given, libc::O_RDONLY)
}

/// The same, of what has been `asked` for and is called `given`.
#[inline(never)]
pub fn judge_inner(
    state: &State,
    asked: resolve::Asked<'_>,
    given: &[u8],
    flags: c_int,
) -> Result<(), Errno> {
    // What is asked for without a name is given by an absolute one.
    let ([dir, _], _) = asked;
    resolve::judged(state, asked, access(flags), &mut || {
        let mut name = Name::new();
        let judged = name
            .push(given)
            .and_then(|()| resolve(state, dir, &mut name, flags));
        match judged {
            Err(error @ (REFUSED | Errno(libc::EROFS))) => Err(error),
            Err(error) if room::is_lacking(error) => Err(error),
            // It fails by itself, or it is allowed.
            _ => Ok(()),
        }
    })
}

/// The same, for a path.
///
/// # Errors
/// As for `judge_inner`.
///
/// # Safety
/// `path` is a C string that nobody changes meanwhile, or a bad pointer.
unsafe fn judge_inner_path(path: *const c_char, flags: c_int) -> Result<(), Errno> {
    let Some(state) = state::judging(Section::Filesystem) else {
        return Ok(());
    };
    // SAFETY: the caller's promise.
    let given = unsafe { sys::libc_text(path) }.filter(|given| !given.is_empty());
    given.map_or(Ok(()), |given| judge_named(state, given, flags))
}

macro_rules! shared {
    ($($name:ident in $folder:expr;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(name: *const c_char) -> c_int {
            // SAFETY: the caller's argument.
            unsafe {
                let judged = judge_shared($folder, name, tree::judge_removed);
                match (judged, table::$name::next()) {
                    (Ok(()), Some(next)) => next(name),
                    (judged, _) => finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS)))),
                }
            }
        }
    )*};
}

shared! {
    shm_unlink in MEMORY;
    sem_unlink in SEMAPHORES;
}

/// What stands before the name of an object of shared memory (shm_overview(7)).
const MEMORY: &[u8] = b"/dev/shm/";
/// What stands before the name of a semaphore (sem_overview(7)).
const SEMAPHORES: &[u8] = b"/dev/shm/sem.";

/// The file of an object of shared memory or a semaphore: its folder, and NAME_MAX. A longer name fails by itself.
type SharedName = Text<{ 16 + resolve::COMPONENT_MAX }>;

/// Writes the file of an object of that name into `path`. `None`: the name is none.
///
/// # Safety
/// `name` is a C string that nobody changes meanwhile, or a bad pointer.
unsafe fn name_shared(folder: &[u8], name: *const c_char, path: &mut SharedName) -> Option<()> {
    // SAFETY: the caller's promise.
    let given = unsafe { sys::libc_text(name) }?;
    let start = given.iter().position(|byte| *byte != b'/')?;
    path.push(folder).ok()?;
    path.push(given.get(start..)?).ok()
}

/// Judges the file of an object of shared memory, or of a semaphore.
///
/// # Errors
/// As for `judge`.
///
/// # Safety
/// `name` is a C string that nobody changes meanwhile, or a bad pointer.
unsafe fn judge_shared(
    folder: &[u8],
    name: *const c_char,
    judge: impl FnOnce(&State, &[u8]) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let Some(state) = state::judging(Section::Filesystem) else {
        return Ok(());
    };
    let mut path = SharedName::new();
    // SAFETY: the caller's promise.
    match unsafe { name_shared(folder, name, &mut path) } {
        Some(()) => judge(state, path.as_bytes()),
        None => Ok(()),
    }
}

/// The same, of one that is opened.
///
/// # Errors
/// As for `judge_named`.
///
/// # Safety
/// As for [`judge_shared`].
unsafe fn judge_opened(folder: &[u8], name: *const c_char, flags: c_int) -> Result<(), Errno> {
    let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let judge = |state: &State, path: &[u8]| judge_named(state, path, flags);
    // SAFETY: the caller's promise.
    unsafe { judge_shared(folder, name, judge) }
}

/// `shm_open(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn shm_open(name: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe {
        let judged = judge_opened(MEMORY, name, flags);
        match (judged, table::shm_open::next()) {
            (Ok(()), Some(next)) => next(name, flags, mode),
            (judged, _) => finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS)))),
        }
    }
}

/// `sem_open(3)`, of whose flags two count. The last arguments are there if it creates one.
///
/// # Safety
/// As its manual page says.
pub unsafe fn sem_open(
    name: *const c_char,
    flags: c_int,
    mode: mode_t,
    value: c_uint,
) -> *mut c_void {
    let asked = libc::O_RDWR | flags & (libc::O_CREAT | libc::O_EXCL);
    // SAFETY: the caller's arguments.
    unsafe {
        let judged = judge_opened(SEMAPHORES, name, asked);
        match (judged, table::sem_open::next()) {
            (Ok(()), Some(next)) => next(name, flags, mode, value),
            (judged, _) => {
                finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS))));
                // SEM_FAILED
                core::ptr::null_mut()
            }
        }
    }
}

macro_rules! logins {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`, which tells by `errno` alone that it has failed.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(path: *const c_char, entry: *const c_void) {
            // SAFETY: the caller's arguments.
            unsafe {
                match (judge_inner_path(path, libc::O_WRONLY), table::$name::next()) {
                    (Ok(()), Some(next)) => next(path, entry),
                    (judged, _) => sys::set_errno(judged.err().map_or(libc::ENOSYS, |error| error.0)),
                }
            }
        }
    )*};
}

logins! { updwtmp updwtmpx }

macro_rules! login_files {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`: the file is opened, for reading as a rule, when it is first asked for an entry.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(path: *const c_char) -> c_int {
            // SAFETY: the caller's argument.
            unsafe {
                match (judge_inner_path(path, libc::O_RDONLY), table::$name::next()) {
                    (Ok(()), Some(next)) => next(path),
                    (judged, _) => finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS)))),
                }
            }
        }
    )*};
}

login_files! { utmpname utmpxname }
