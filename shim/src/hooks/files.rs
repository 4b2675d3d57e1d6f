//! Files: `open(2)`, `openat(2)`, `openat2(2)`, `creat(2)`, `fopen(3)`, `freopen(3)`, `opendir(3)` and their other names.
//!
//! A verdict holds for the file, not for the name under which it was asked for. Most names are the file: the kernel
//! proves it in the same call that opens it (`openat2(2)` with `RESOLVE_NO_SYMLINKS`, Linux 5.6). Only a name that leads
//! over a link, or that the policy does not like, is looked at a second time: pinned by `O_PATH`, which has no side
//! effect, named by the kernel, judged, and then opened as that very file. Nothing is created or truncated before the
//! verdict.

use core::ffi::{c_char, c_int, c_uint, c_void};

use libc::{DIR, FILE, mode_t};
use palisade_policy::event::Section;

use super::resolve::{
    self, KNOWN_FLAGS, Resolved, access, access_of_new, concerned, creates, resolve,
};
use super::{REFUSED, finish, links, tree};
use crate::path::{self, Decimal, Name, Text};
use crate::state::State;
use crate::sys::{Errno, FileId};
use crate::{objects, room, state, sys, table};

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
    let asked = if creates(flags) {
        access_of_new(flags)
    } else {
        access(flags)
    };
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
    if state.proves_names && may_be_as_written() {
        let opened = sys::cancellable(|| {
            // SAFETY: a C string of ours.
            unsafe {
                sys::open_without_links(dir, name.as_ptr(), flags & KNOWN_FLAGS, mode & 0o7777)
            }
        });
        match opened {
            Err(Errno(libc::ELOOP)) if is_followed => {
                if let Some(result) = links::open(state, dir, given, &mut name, flags) {
                    return result;
                }
            }
            // openat2 is stricter than open about something.
            Err(Errno(libc::ELOOP | libc::EINVAL | libc::ENOSYS | libc::EPERM)) => {}
            Ok(fd) if state.learns => {
                resolve::learn(state, name.as_bytes(), asked);
                return Ok(fd);
            }
            result => return result,
        }
    }
    sys::cancellation_point();
    let resolved = resolve(state, dir, &mut name, flags)?;
    resolve::open(state, resolved, &mut name, flags, mode)
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

const CREAT: c_int = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
const CWD: c_int = libc::AT_FDCWD;

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

/// The flags that fopen(3) opens a file with; `None` for a mode that it refuses.
fn flags_of(mode: &[u8]) -> Option<c_int> {
    let (first, rest) = mode.split_first()?;
    // glibc looks at six characters more, whatever they are: a comma and what follows it (the coded character set), too.
    let rest = rest.iter().take(6);
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

/// No file has this name, and none can be created under it.
const NOWHERE: &core::ffi::CStr = c"/proc/self/fd/-1/nowhere";

/// What a stream must turn out to be.
enum Expected {
    /// This file.
    File(FileId),
    /// A new file of the resolved name.
    Name,
    /// A new file, with a name that is too long to be asked for.
    Unnamed,
}

/// The flags of a mode in which fdopen(3) makes of a descriptor what fopen(3) makes of a name: an existing file to be read, from its beginning,
/// in no character set of its own. `None` for all others.
fn flags_of_plain(mode: &[u8]) -> Option<c_int> {
    let (b'r', rest) = mode.split_first()? else {
        return None;
    };
    if rest.len() > 6 {
        return None;
    }
    rest.iter()
        .try_fold(libc::O_RDONLY, |flags, byte| match byte {
            b'b' => Some(flags),
            b'e' => Some(flags | libc::O_CLOEXEC),
            b'+' => Some(flags & !libc::O_ACCMODE | libc::O_RDWR),
            _ => None,
        })
}

/// `fopen(3)` of a file whose name is its own, or leads to it by plain links. `None`: it has to be looked at further.
///
/// # Safety
/// `mode` is a C string, and `asked` its text.
#[inline(never)]
unsafe fn fopen_plain(
    state: &State,
    given: &[u8],
    (mode, asked): (*const c_char, &[u8]),
) -> Option<*mut FILE> {
    let flags = flags_of_plain(asked)?;
    let mut name = Name::new();
    name.push(given).ok()?;
    if !state.proves_names
        || state.learns
        || state::judging(Section::Filesystem).is_none()
        || !resolve::is_allowed_as_written(state, CWD, name.as_bytes(), access(flags))
    {
        return None;
    }
    let opened = sys::cancellable(|| {
        // SAFETY: a C string of ours.
        unsafe { sys::open_without_links(CWD, name.as_ptr(), flags, 0) }
    });
    let opened = match opened {
        Err(Errno(libc::ELOOP)) => links::open(state, CWD, given, &mut name, flags)?,
        Err(Errno(libc::EINVAL | libc::ENOSYS | libc::EPERM)) => return None,
        result => result,
    };
    Some(match opened {
        Ok(fd) => {
            // SAFETY: a descriptor of ours, and the caller's mode.
            let stream = table::fdopen::next()
                .map_or(core::ptr::null_mut(), |fdopen| unsafe { fdopen(fd, mode) });
            if stream.is_null() {
                sys::close(fd);
            }
            stream
        }
        Err(errno) => {
            finish(Err(errno));
            core::ptr::null_mut()
        }
    })
}

/// Room for a mode of fopen(3) with the name of a character set (`r,ccs=UTF-8`), and its NUL.
const MODE_MAX: usize = 64;

/// Is fopen(3) a cancellation point in that mode, behind which libc puts characters of its own? A `c` makes it none, where glibc looks at it.
fn may_be_cancelled(mode: &[u8], of_libc: &[u8]) -> bool {
    mode.iter()
        .chain(of_libc)
        .skip(1)
        .take(6)
        .all(|byte| *byte != b'c')
}

/// Judges what `fopen` would open, calls it, and makes sure that it opened what was judged. `of_libc`: what it puts behind the mode.
///
/// libc's own function does the opening, because what it makes of the descriptor (position, buffer, character set)
/// cannot be had by fdopen(3) in every mode. `stream` is what freopen(3) is to open anew, or null.
///
/// # Safety
/// `path` and `mode` are C strings that nobody changes meanwhile, or bad pointers.
#[inline]
unsafe fn fopen_judged(
    path: *const c_char,
    mode: *const c_char,
    stream: *mut FILE,
    of_libc: &[u8],
    replaced: *const c_void,
    open: impl Fn(*const c_char, *const c_char) -> *mut FILE,
) -> *mut FILE {
    if state::judging_at_all().is_none() {
        return open(path, mode);
    }
    // SAFETY: the caller's promise.
    let (given, asked) = unsafe { (sys::c_bytes(path), sys::c_bytes(mode)) };
    // What could not be judged is not what is opened: another thread may have made something of it since.
    let path = match given {
        Some(b"") => c"".as_ptr(),
        None if !path.is_null() => sys::nowhere(),
        _ => path,
    };
    // So with the mode. One that is longer than any needs to be is passed on as it is.
    let mut copy = Text::<MODE_MAX>::new();
    let (mode, asked) = match asked {
        Some(text) if copy.push(text).is_ok() => (copy.as_ptr(), Some(copy.as_bytes())),
        Some(_) => (mode, asked),
        // libc looks at the first byte by itself, and at no more where it begins no mode.
        None if sys::can_read(mode.cast(), 1) => (c"".as_ptr(), None),
        None => (sys::nowhere(), None),
    };
    let is_reopened = !stream.is_null();
    let judged = if is_reopened && path.is_null() {
        // SAFETY: the caller's promise.
        unsafe { judge_reopened(stream, asked) }
    } else {
        Ok(())
    };
    if let Err(errno) = judged {
        // As in `fopen_given`.
        open(NOWHERE.as_ptr(), mode);
        finish(Err(errno));
        return core::ptr::null_mut();
    }
    let given = given.filter(|given| !given.is_empty());
    let is_cancellation_point = asked.is_some_and(|mode| may_be_cancelled(mode, of_libc));
    let concerns = || {
        let (given, asked) = (given?, asked?);
        let flags = flags_of(asked)?;
        Some((concerned(given, flags)?, given, asked, flags))
    };
    match concerns() {
        Some((state, given, asked, flags)) => {
            // Another library that wants to see each fopen(3) gets to.
            if !is_reopened && objects::is_libc(replaced) {
                // SAFETY: the caller's promise; it has been read.
                if let Some(stream) = unsafe { fopen_plain(state, given, (mode, asked)) } {
                    return stream;
                }
            }
            // What freopen(3) does then is libc's.
            if !is_reopened && is_cancellation_point {
                sys::cancellation_point();
            }
            fopen_given(state, given, flags, is_reopened, &|nowhere| {
                open(nowhere.unwrap_or(path), mode)
            })
        }
        None => open(path, mode),
    }
}

#[inline(never)]
fn fopen_given(
    state: &State,
    given: &[u8],
    flags: c_int,
    is_reopened: bool,
    open: &dyn Fn(Option<*const c_char>) -> *mut FILE,
) -> *mut FILE {
    let mut name = Name::new();
    let judged = name
        .push(given)
        .and_then(|()| resolve(state, libc::AT_FDCWD, &mut name, flags));
    let expected = match &judged {
        Ok(Resolved::Existing(_, stat, _)) => Expected::File(stat.id),
        Ok(Resolved::New(_, _, true)) => Expected::Name,
        Ok(Resolved::New(_, _, false)) => Expected::Unnamed,
        Err(errno) => {
            if is_reopened {
                // freopen(3) closes its stream also where it fails. libc does that best: with a name that leads nowhere.
                open(Some(NOWHERE.as_ptr()));
            }
            finish(Err(*errno));
            return core::ptr::null_mut();
        }
    };
    // The pin goes: the stream gets the lowest free descriptor, as without us.
    drop(judged);
    let stream = open(None);
    if stream.is_null() {
        return stream;
    }
    // SAFETY: a stream that fopen(3) has just given.
    let fd = unsafe { number_of(stream) };
    let is_same = match expected {
        Expected::File(id) => sys::fstat(fd).is_ok_and(|stat| stat.id == id),
        Expected::Name => resolve::is_named(fd, name.as_bytes()),
        Expected::Unnamed => true,
    };
    if !is_same {
        // The name led elsewhere the second time. Whoever moved it meant to pass by the verdict.
        if let Some(fclose) = table::fclose::next() {
            // SAFETY: as above; nobody else has seen it.
            unsafe { fclose(stream) };
        }
        finish(Err(REFUSED));
        return core::ptr::null_mut();
    }
    stream
}

/// fileno(3).
///
/// # Safety
/// `stream` is open.
unsafe fn number_of(stream: *mut FILE) -> c_int {
    // SAFETY: the caller's promise.
    table::fileno::next().map_or(-1, |fileno| unsafe { fileno(stream) })
}

/// Judges what freopen(3) opens without a name: the file of the stream's own descriptor, in another mode.
///
/// # Errors
/// As for `judge_inner`.
///
/// # Safety
/// `stream` is open.
unsafe fn judge_reopened(stream: *mut FILE, asked: Option<&[u8]>) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    let fd = unsafe { number_of(stream) };
    let (Some(flags), Ok(fd)) = (asked.and_then(flags_of), u32::try_from(fd)) else {
        return Ok(());
    };
    let link = Decimal::new(b"/proc/thread-self/fd/", fd);
    match concerned(link.text(), flags) {
        Some(state) => judge_inner(state, ([fd as c_int; 2], b""), link.text(), flags),
        None => Ok(()),
    }
}

macro_rules! fopen_family {
    ($($name:ident($($stream:ident)?) of $reopened:expr;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        #[allow(non_snake_case, reason = "_IO_fopen is glibc's name")]
        pub unsafe fn $name(path: *const c_char, mode: *const c_char $(, $stream: *mut FILE)?) -> *mut FILE {
            // SAFETY: the caller's arguments.
            unsafe {
                let next = table::$name::next();
                let replaced = next.map_or(core::ptr::null(), |next| next as *const c_void);
                fopen_judged(path, mode, $reopened, b"", replaced, |path, mode| {
                    next.map_or(core::ptr::null_mut(), |next| next(path, mode $(, $stream)?))
                })
            }
        }
    )*};
}

fopen_family! {
    fopen() of core::ptr::null_mut();
    fopen64() of core::ptr::null_mut();
    _IO_fopen() of core::ptr::null_mut();
    freopen(stream) of stream;
    freopen64(stream) of stream;
}

macro_rules! mount_tables {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`: libc opens it in a mode of its own.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(path: *const c_char, mode: *const c_char) -> *mut FILE {
            // SAFETY: the caller's arguments.
            unsafe {
                fopen_judged(path, mode, core::ptr::null_mut(), b"ce", core::ptr::null(), |path, mode| {
                    table::$name::next().map_or(core::ptr::null_mut(), |next| next(path, mode))
                })
            }
        }
    )*};
}

mount_tables! { setmntent __setmntent }

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
fn judge_inner(
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

/// Judges an object of shared memory, or a semaphore, that is opened.
///
/// # Errors
/// As for `judge_named`.
///
/// # Safety
/// `name` is a C string that nobody changes meanwhile, or a bad pointer.
unsafe fn judge_shared(folder: &[u8], name: *const c_char, flags: c_int) -> Result<(), Errno> {
    let Some(state) = state::judging(Section::Filesystem) else {
        return Ok(());
    };
    let mut path = tree::SharedName::new();
    let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the caller's promise.
    match unsafe { tree::name_shared(folder, name, &mut path) } {
        Some(()) => judge_named(state, path.as_bytes(), flags),
        None => Ok(()),
    }
}

/// `shm_open(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn shm_open(name: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe {
        let judged = judge_shared(tree::MEMORY, name, flags);
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
        let judged = judge_shared(tree::SEMAPHORES, name, asked);
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
            ("r,ccs=x+", Some(libc::O_RDONLY | libc::O_EXCL)),
            ("r,+", Some(libc::O_RDWR)),
            ("", None),
            ("q", None),
        ] {
            assert_eq!(flags_of(mode.as_bytes()), flags, "{mode}");
        }
    }
}
