//! The tree of files: calls that make, move, remove or change entries by name, without opening them.
//!
//! The directory is resolved and the last component is not, where the call itself does not follow it. The real call then
//! gets the arguments as they came: unlike `open`, these calls cannot be made on what was judged without being
//! made differently. Between the verdict and the act another process of the same function may exchange a directory for a
//! link; docs/threat-model.md says so.

use core::ffi::{c_char, c_int, c_long, c_uint, c_void};

use libc::{dev_t, gid_t, mode_t, off_t, timespec, timeval, uid_t};
use palisade_audit::Subject;
use palisade_policy::event::{Access, Reason, Section, Verdict};

use super::resolve::Pin;
use super::{REFUSED, around, finish, resolve};
use crate::path::{DELETED, Decimal, Name};
use crate::state::State;
use crate::sys::Errno;
use crate::{report, room, state, sys, table};

/// What a call does to a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// The file that the name leads to, links followed.
    Followed,
    /// The entry itself, which must be there for the call to have an effect.
    Present,
    /// The entry itself, which must not be there.
    Absent,
    /// The entry itself, there or not.
    Any,
    /// With AT_EMPTY_PATH and no name, the file that the descriptor stands for; with a name, the file that it leads to.
    Descriptor,
}

/// Judges a name. What would fail anyway is left to fail by itself.
///
/// # Errors
/// `EACCES`: refused.
///
/// # Safety
/// `path` is a C string that nobody changes meanwhile, or a bad pointer.
#[inline]
unsafe fn judge(
    dir: c_int,
    path: *const c_char,
    entry: Entry,
    access: Access,
) -> Result<(), Errno> {
    let Some(state) = state::judging(Section::Filesystem) else {
        return Ok(());
    };
    // SAFETY: the caller's promise.
    match unsafe { sys::c_bytes(path) } {
        Some(given) => judge_given(state, dir, given, entry, access),
        None => Ok(()),
    }
}

/// Judges a file that a call makes in passing, as mknod(2) would be.
///
/// # Errors
/// `EACCES`: refused.
pub fn judge_new(state: &State, given: &[u8]) -> Result<(), Errno> {
    judge_given(state, libc::AT_FDCWD, given, Entry::Absent, Access::Write)
}

/// Judges a file that a call removes, as unlink(2) would be.
///
/// # Errors
/// `EACCES`: refused.
pub fn judge_removed(state: &State, given: &[u8]) -> Result<(), Errno> {
    judge_given(state, libc::AT_FDCWD, given, Entry::Present, Access::Write)
}

/// A function of its own, so that a call that is not judged takes no stack for the name.
#[inline(never)]
fn judge_given(
    state: &State,
    dir: c_int,
    given: &[u8],
    entry: Entry,
    access: Access,
) -> Result<(), Errno> {
    if given.is_empty() {
        return if entry == Entry::Descriptor {
            judge_descriptor(state, dir, access)
        } else {
            Ok(())
        };
    }
    resolve::judged(state, ([dir; 2], given), access, &mut || {
        judge_place(state, dir, given, entry, access)
    })
}

/// # Errors
/// `EACCES`: refused. Those of open(2) for want of a descriptor.
#[inline(never)]
fn judge_place(
    state: &State,
    dir: c_int,
    given: &[u8],
    entry: Entry,
    access: Access,
) -> Result<(), Errno> {
    let mut name = Name::new();
    if name.push(given).is_err() {
        return Ok(());
    }
    let place = match entry {
        Entry::Followed | Entry::Descriptor => resolve::follow(dir, &mut name).map(Some),
        Entry::Present | Entry::Absent | Entry::Any => {
            resolve::locate(dir, &mut name).map(|(place, found)| {
                let is_concerned = match entry {
                    Entry::Present => found.is_some(),
                    Entry::Absent => found.is_none(),
                    _ => true,
                };
                is_concerned.then_some(place)
            })
        }
    };
    match place {
        Ok(Some(place)) => resolve::judge(state, &place, name.as_bytes(), access),
        Err(error) if room::is_lacking(error) => Err(error),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Judges the file that a descriptor stands for. Pipes, sockets and memory are none.
///
/// # Errors
/// `EACCES`: refused.
#[inline(never)]
fn judge_descriptor(state: &State, fd: c_int, access: Access) -> Result<(), Errno> {
    // Through its own link, for a descriptor of a file is no directory to begin from.
    resolve::judged(state, ([fd; 2], b""), access, &mut || {
        judge_link_of(state, fd, access)
    })
}

#[inline(never)]
fn judge_link_of(state: &State, fd: c_int, access: Access) -> Result<(), Errno> {
    let mut name = Name::new();
    name.push(Decimal::new(b"/proc/thread-self/fd/", fd as u32).text())?;
    let place = match resolve::follow(libc::AT_FDCWD, &mut name) {
        Ok(place) => place,
        Err(error) if room::is_lacking(error) => return Err(error),
        Err(_) => return Ok(()),
    };
    if sys::fstat(fd).is_ok_and(|stat| stat.links == 0) {
        if name.as_bytes().starts_with(b"/memfd:") {
            return Ok(());
        }
        if name.as_bytes().ends_with(DELETED) {
            let len = name.as_bytes().len() - DELETED.len();
            name.truncate(len);
        }
    }
    if name.as_bytes().first() != Some(&b'/') {
        return Ok(());
    }
    resolve::judge(state, &place, name.as_bytes(), access)
}

/// Judges a change of the open file itself. What is open by `O_PATH` alone cannot be changed so.
///
/// # Errors
/// `EACCES`: refused.
#[inline]
pub fn judge_change(fd: c_int) -> Result<(), Errno> {
    match state::judging(Section::Filesystem) {
        Some(state) => judge_open_file(state, fd),
        None => Ok(()),
    }
}

#[inline(never)]
fn judge_open_file(state: &State, fd: c_int) -> Result<(), Errno> {
    match sys::fcntl(fd, libc::F_GETFL, 0) {
        Ok(flags) if flags as c_int & libc::O_PATH == 0 => {
            judge_descriptor(state, fd, Access::Write)
        }
        _ => Ok(()),
    }
}

macro_rules! open_files {
    ($($name:ident($fd:ident: c_int $(, $arg:ident: $type:ty)*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`: a change of a file that may only be read.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(next: Option<table::$name::Function>, $fd: c_int $(, $arg: $type)*) -> c_int {
            match (judge_change($fd), next) {
                // SAFETY: the caller's arguments.
                (Ok(()), Some(next)) => unsafe { next($fd $(, $arg)*) },
                (judged, _) => finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS)))),
            }
        }
    )*};
}

open_files! {
    fchmod(fd: c_int, mode: mode_t);
    fchown(fd: c_int, user: uid_t, group: gid_t);
    futimes(fd: c_int, times: *const timeval);
    futimens(fd: c_int, times: *const timespec);
    fsetxattr(fd: c_int, name: *const c_char, value: *const c_void, size: usize, flags: c_int);
    fremovexattr(fd: c_int, name: *const c_char);
}

/// Does a `…at` call with these flags follow a link at the end of the name?
const fn follows(flags: c_int) -> Entry {
    if flags & libc::AT_EMPTY_PATH != 0 {
        Entry::Descriptor
    } else if flags & libc::AT_SYMLINK_NOFOLLOW == 0 {
        Entry::Followed
    } else {
        Entry::Present
    }
}

/// What linkat(2), which does not follow unless it is told to, does with these flags.
const fn links(flags: c_int) -> Entry {
    if flags & libc::AT_EMPTY_PATH != 0 {
        Entry::Descriptor
    } else if flags & libc::AT_SYMLINK_FOLLOW != 0 {
        Entry::Followed
    } else {
        Entry::Present
    }
}

/// A call that names files: who is judged how, in order; and then the call itself.
macro_rules! tree {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty: $(($dir:expr, $path:expr, $entry:expr, $access:ident)),+;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(next: Option<table::$name::Function>, $($arg: $type),*) -> $result {
            // SAFETY: the caller's arguments.
            unsafe {
                $(
                    if let Err(errno) = judge($dir, $path, $entry, Access::$access) {
                        return finish(Err(errno)) as $result;
                    }
                )+
                match next {
                    Some(next) => next($($arg),*),
                    None => finish(Err(Errno(libc::ENOSYS))) as $result,
                }
            }
        }
    )*};
}

const CWD: c_int = libc::AT_FDCWD;

// A new name for a file is a way around what forbids the old one, for reading as for writing: so the old name of a rename
// or a link is judged for both.
tree! {
    unlink(path: *const c_char) -> c_int: (CWD, path, Entry::Present, Write);
    unlinkat(dir: c_int, path: *const c_char, flags: c_int) -> c_int: (dir, path, Entry::Present, Write);
    remove(path: *const c_char) -> c_int: (CWD, path, Entry::Present, Write);
    rmdir(path: *const c_char) -> c_int: (CWD, path, Entry::Present, Write);
    link(old: *const c_char, new: *const c_char) -> c_int:
        (CWD, old, Entry::Present, ReadWrite), (CWD, new, Entry::Absent, Write);
    linkat(old_dir: c_int, old: *const c_char, new_dir: c_int, new: *const c_char, flags: c_int) -> c_int:
        (old_dir, old, links(flags), ReadWrite),
        (new_dir, new, Entry::Absent, Write);
    mkdir(path: *const c_char, mode: mode_t) -> c_int: (CWD, path, Entry::Absent, Write);
    mkdirat(dir: c_int, path: *const c_char, mode: mode_t) -> c_int: (dir, path, Entry::Absent, Write);
    mknod(path: *const c_char, mode: mode_t, device: dev_t) -> c_int: (CWD, path, Entry::Absent, Write);
    mknodat(dir: c_int, path: *const c_char, mode: mode_t, device: dev_t) -> c_int: (dir, path, Entry::Absent, Write);
    __xmknod(version: c_int, path: *const c_char, mode: mode_t, device: *mut dev_t) -> c_int:
        (CWD, path, Entry::Absent, Write);
    __xmknodat(version: c_int, dir: c_int, path: *const c_char, mode: mode_t, device: *mut dev_t) -> c_int:
        (dir, path, Entry::Absent, Write);
    mkfifo(path: *const c_char, mode: mode_t) -> c_int: (CWD, path, Entry::Absent, Write);
    mkfifoat(dir: c_int, path: *const c_char, mode: mode_t) -> c_int: (dir, path, Entry::Absent, Write);
    truncate(path: *const c_char, length: off_t) -> c_int: (CWD, path, Entry::Followed, Write);
    truncate64(path: *const c_char, length: off_t) -> c_int: (CWD, path, Entry::Followed, Write);
    chmod(path: *const c_char, mode: mode_t) -> c_int: (CWD, path, Entry::Followed, Write);
    lchmod(path: *const c_char, mode: mode_t) -> c_int: (CWD, path, Entry::Present, Write);
    fchmodat(dir: c_int, path: *const c_char, mode: mode_t, flags: c_int) -> c_int: (dir, path, follows(flags), Write);
    chown(path: *const c_char, user: uid_t, group: gid_t) -> c_int: (CWD, path, Entry::Followed, Write);
    lchown(path: *const c_char, user: uid_t, group: gid_t) -> c_int: (CWD, path, Entry::Present, Write);
    fchownat(dir: c_int, path: *const c_char, user: uid_t, group: gid_t, flags: c_int) -> c_int:
        (dir, path, follows(flags), Write);
    utime(path: *const c_char, times: *const c_void) -> c_int: (CWD, path, Entry::Followed, Write);
    utimes(path: *const c_char, times: *const timeval) -> c_int: (CWD, path, Entry::Followed, Write);
    lutimes(path: *const c_char, times: *const timeval) -> c_int: (CWD, path, Entry::Present, Write);
    futimesat(dir: c_int, path: *const c_char, times: *const timeval) -> c_int: (dir, path, Entry::Followed, Write);
    utimensat(dir: c_int, path: *const c_char, times: *const timespec, flags: c_int) -> c_int:
        (dir, path, follows(flags), Write);
    setxattr(path: *const c_char, name: *const c_char, value: *const c_void, size: usize, flags: c_int) -> c_int:
        (CWD, path, Entry::Followed, Write);
    lsetxattr(path: *const c_char, name: *const c_char, value: *const c_void, size: usize, flags: c_int) -> c_int:
        (CWD, path, Entry::Present, Write);
    removexattr(path: *const c_char, name: *const c_char) -> c_int: (CWD, path, Entry::Followed, Write);
    lremovexattr(path: *const c_char, name: *const c_char) -> c_int: (CWD, path, Entry::Present, Write);
    readlink(path: *const c_char, room: *mut c_char, size: usize) -> isize: (CWD, path, Entry::Present, Read);
    readlinkat(dir: c_int, path: *const c_char, room: *mut c_char, size: usize) -> isize:
        (dir, path, Entry::Present, Read);
    __readlink_chk(path: *const c_char, room: *mut c_char, size: usize, limit: usize) -> isize:
        (CWD, path, Entry::Present, Read);
    __readlinkat_chk(dir: c_int, path: *const c_char, room: *mut c_char, size: usize, limit: usize) -> isize:
        (dir, path, Entry::Present, Read);
    scandir(path: *const c_char, list: *mut c_void, filter: *const c_void, compare: *const c_void) -> c_int:
        (CWD, sys::touch(path), Entry::Followed, Read);
    scandir64(path: *const c_char, list: *mut c_void, filter: *const c_void, compare: *const c_void) -> c_int:
        (CWD, sys::touch(path), Entry::Followed, Read);
    scandirat(dir: c_int, path: *const c_char, list: *mut c_void, filter: *const c_void, compare: *const c_void) -> c_int:
        (dir, sys::touch(path), Entry::Followed, Read);
    scandirat64(dir: c_int, path: *const c_char, list: *mut c_void, filter: *const c_void, compare: *const c_void) -> c_int:
        (dir, sys::touch(path), Entry::Followed, Read);
    mkstemp(template: *mut c_char) -> c_int: (CWD, sys::touch_text(template), Entry::Any, ReadWrite);
    mkstemp64(template: *mut c_char) -> c_int: (CWD, sys::touch_text(template), Entry::Any, ReadWrite);
    mkstemps(template: *mut c_char, suffix: c_int) -> c_int: (CWD, sys::touch_text(template), Entry::Any, ReadWrite);
    mkstemps64(template: *mut c_char, suffix: c_int) -> c_int: (CWD, sys::touch_text(template), Entry::Any, ReadWrite);
    mkostemp(template: *mut c_char, flags: c_int) -> c_int: (CWD, sys::touch_text(template), Entry::Any, ReadWrite);
    mkostemp64(template: *mut c_char, flags: c_int) -> c_int: (CWD, sys::touch_text(template), Entry::Any, ReadWrite);
    mkostemps(template: *mut c_char, suffix: c_int, flags: c_int) -> c_int: (CWD, sys::touch_text(template), Entry::Any, ReadWrite);
    mkostemps64(template: *mut c_char, suffix: c_int, flags: c_int) -> c_int: (CWD, sys::touch_text(template), Entry::Any, ReadWrite);
}

/// System calls that no libc has a function for.
macro_rules! calls {
    ($($name:ident($dir:ident: c_int, $path:ident: *const c_char, $flags:ident: c_int $(, $arg:ident: usize)*) by $number:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name($dir: c_int, $path: *const c_char, $flags: c_int $(, $arg: usize)*) -> c_int {
            let arguments = sys::words(&[$dir as usize, $path as usize, $flags as usize $(, $arg)*]);
            // SAFETY: the caller's arguments.
            finish(unsafe {
                judge($dir, $path, follows($flags), Access::Write)
                    .and_then(|()| sys::any(around::numbers::$number, arguments))
            })
        }
    )*};
}

calls! {
    setxattrat(dir: c_int, path: *const c_char, flags: c_int, name: usize, value: usize, size: usize) by SYS_setxattrat;
    removexattrat(dir: c_int, path: *const c_char, flags: c_int, name: usize) by SYS_removexattrat;
}

/// Judges what a rename does to the names of what lies in a folder.
///
/// # Errors
/// `EACCES`: refused.
///
/// # Safety
/// The paths are C strings that nobody changes meanwhile, or bad pointers.
#[inline(never)]
unsafe fn judge_move(
    (old_dir, old): (c_int, *const c_char),
    (new_dir, new): (c_int, *const c_char),
) -> Result<(), Errno> {
    let Some(state) = state::judging(Section::Filesystem) else {
        return Ok(());
    };
    // SAFETY: the caller's promise.
    let (Some(old), Some(new)) = (unsafe { (sys::c_bytes(old), sys::c_bytes(new)) }) else {
        return Ok(());
    };
    let asked = ([old_dir, new_dir], old);
    resolve::judged(
        state,
        asked,
        Access::ReadWrite,
        &mut || match judge_move_of(state, (old_dir, old), (new_dir, new)) {
            Err(error) if error != REFUSED && !room::is_lacking(error) => Ok(()),
            result => result,
        },
    )
}

/// # Errors
/// `EACCES`: refused. Any other: it fails anyway, or there is no room to look.
#[inline(never)]
fn judge_move_of(
    state: &State,
    (old_dir, old): (c_int, &[u8]),
    new: (c_int, &[u8]),
) -> Result<(), Errno> {
    /// The verdict, and room for the new name only as long as it takes.
    #[inline(never)]
    fn verdict<'a>(
        state: &'a State,
        old: &mut Name,
        (dir, new): (c_int, &[u8]),
    ) -> Result<Verdict<'a>, Errno> {
        let mut name = Name::new();
        name.push(new)?;
        resolve::locate(dir, &mut name)?;
        let end = old.as_bytes().len();
        old.push(b"/")?;
        name.push(b"/")?;
        #[inline(never)]
        fn is_there(place: &[u8]) -> bool {
            let mut name = Name::new();
            // SAFETY: a C string on the stack.
            name.push(place).is_ok()
                && unsafe { sys::fstatat(CWD, name.as_ptr(), libc::AT_SYMLINK_NOFOLLOW) }.is_ok()
        }
        let verdict = state
            .decider
            .moves(old.as_bytes(), name.as_bytes(), &is_there);
        old.truncate(end);
        Ok(verdict)
    }
    let mut name = Name::new();
    name.push(old)?;
    let (_, entry) = resolve::locate(old_dir, &mut name)?;
    if !entry.is_some_and(|entry| entry.is(libc::S_IFDIR)) {
        return Ok(());
    }
    let verdict = verdict(state, &mut name, new)?;
    let (path, access) = (name.as_bytes(), Access::ReadWrite);
    let subject = Subject::File { path, access };
    report::settle(state, Section::Filesystem, &verdict, subject)
}

/// `symlink(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn symlink(
    next: Option<table::symlink::Function>,
    target: *const c_char,
    path: *const c_char,
) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe {
        match (judge_link(target, CWD, path), next) {
            (Ok(()), Some(next)) => next(target, path),
            (judged, _) => finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS)))),
        }
    }
}

/// `symlinkat(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn symlinkat(
    next: Option<table::symlinkat::Function>,
    target: *const c_char,
    dir: c_int,
    path: *const c_char,
) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe {
        match (judge_link(target, dir, path), next) {
            (Ok(()), Some(next)) => next(target, dir, path),
            (judged, _) => finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS)))),
        }
    }
}

/// Judges a new link: its own name, and whether it leads to the memory of a process, which an open through it might not be seen to do.
///
/// # Safety
/// As for [`judge`].
unsafe fn judge_link(target: *const c_char, dir: c_int, path: *const c_char) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe {
        judge(dir, path, Entry::Absent, Access::Write)?;
        let Some(state) = state::judging_at_all() else {
            return Ok(());
        };
        match sys::c_bytes(target) {
            Some(given) if given.ends_with(b"/mem") => judge_memory(state, given, dir, path),
            _ => Ok(()),
        }
    }
}

/// # Safety
/// As for [`judge`].
#[inline(never)]
unsafe fn judge_memory(
    state: &State,
    target: &[u8],
    dir: c_int,
    path: *const c_char,
) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    let Some(path) = (unsafe { sys::c_bytes(path) }) else {
        return Ok(());
    };
    let mut judged = judge_target(state, target, (dir, path), false);
    if judged == Err(Errno(libc::EMFILE)) {
        judged = room::apart(&|fd| fd == dir, &mut || {
            judge_target(state, target, (dir, path), true)
        });
    }
    match judged {
        Err(error) if room::is_lacking(error) => {
            // Nobody could look; what is called so is not made in passing.
            let (path, access) = (target, Access::Write);
            let verdict = state.decider.guard(Reason::MemoryWrite);
            let subject = Subject::File { path, access };
            report::settle(state, Section::Filesystem, &verdict, subject)
        }
        result => result,
    }
}

/// # Errors
/// `EACCES`: refused. Those of open(2) for want of a descriptor.
#[inline(never)]
fn judge_target(
    state: &State,
    target: &[u8],
    (dir, path): (c_int, &[u8]),
    is_apart: bool,
) -> Result<(), Errno> {
    let mut name = Name::new();
    let place = name
        .push(path)
        .and_then(|()| Pin::parent(dir, &mut name).unwrap_or(Err(Errno(libc::EINVAL))))
        .and_then(|(parent, _)| {
            let parent_of = parent.descriptor();
            if is_apart && room::leads_by_thread(parent_of, target) {
                return Err(Errno(libc::EMFILE));
            }
            name.clear();
            name.push(target)?;
            resolve::follow(parent_of, &mut name)
        });
    match place {
        // With the access that is denied to it while any section is on.
        Ok(place) if resolve::is_memory(name.as_bytes()) => {
            resolve::judge(state, &place, name.as_bytes(), Access::Write)
        }
        Err(error) if room::is_lacking(error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The renames. With `RENAME_EXCHANGE` (rename(2), Linux 3.15) the new name is an old one as well.
macro_rules! renames {
    ($($name:ident($($arg:ident: $type:ty),*): $old:expr, $new:expr, $flags:expr;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(next: Option<table::$name::Function>, $($arg: $type),*) -> c_int {
            // SAFETY: the caller's arguments.
            unsafe {
                if let Err(errno) = judge_rename($old, $new, $flags & libc::RENAME_EXCHANGE != 0) {
                    return finish(Err(errno));
                }
                match next {
                    Some(next) => next($($arg),*),
                    None => finish(Err(Errno(libc::ENOSYS))),
                }
            }
        }
    )*};
}

renames! {
    rename(old: *const c_char, new: *const c_char): (CWD, old), (CWD, new), 0;
    renameat(old_dir: c_int, old: *const c_char, new_dir: c_int, new: *const c_char): (old_dir, old), (new_dir, new), 0;
    renameat2(old_dir: c_int, old: *const c_char, new_dir: c_int, new: *const c_char, flags: c_uint):
        (old_dir, old), (new_dir, new), flags;
}

/// # Safety
/// As for [`judge`].
unsafe fn judge_rename(
    old: (c_int, *const c_char),
    new: (c_int, *const c_char),
    exchanges: bool,
) -> Result<(), Errno> {
    if state::judging(Section::Filesystem).is_none() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe {
        judge(old.0, old.1, Entry::Present, Access::ReadWrite)?;
        if exchanges {
            judge(new.0, new.1, Entry::Present, Access::ReadWrite)?;
            judge_move(new, old)?;
        } else {
            judge(new.0, new.1, Entry::Any, Access::Write)?;
        }
        judge_move(old, new)
    }
}

/// A call that gives a pointer.
macro_rules! tree_pointer {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty: ($path:expr);)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`: judged as its template stands.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name($($arg: $type),*) -> $result {
            // SAFETY: the caller's arguments.
            unsafe {
                let judged = judge(CWD, $path, Entry::Any, Access::ReadWrite);
                match (judged, table::$name::next()) {
                    (Ok(()), Some(next)) => next($($arg),*),
                    (judged, _) => {
                        finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS))));
                        core::ptr::null_mut()
                    }
                }
            }
        }
    )*};
}

/// Where tmpfile(3) makes its file: P_tmpdir of stdio.h, and a name as glibc makes them.
const TMPFILE: *const c_char = c"/tmp/tmpfXXXXXX".as_ptr();

tree_pointer! {
    mkdtemp(template: *mut c_char) -> *mut c_char: (sys::touch_text(template));
    tmpfile() -> *mut libc::FILE: (TMPFILE);
    tmpfile64() -> *mut libc::FILE: (TMPFILE);
}

const _: () = assert!(size_of::<off_t>() == size_of::<c_long>());
