//! Streams: `fopen(3)`, `freopen(3)`, `setmntent(3)` and their other names.

use core::ffi::{c_char, c_int, c_void};

use libc::FILE;
use palisade_policy::event::{Access, Section};

use super::files::{CREAT, CWD};
use super::inside::judge_inner;
use super::resolve::{self, Resolved, access, concerned, resolve};
use super::{REFUSED, finish, links};
use crate::path::{Decimal, Name, Text};
use crate::state::State;
use crate::sys::{Errno, FileId};
use crate::{objects, state, sys, table};

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
///
/// # Safety
/// `mode` is a C string that nobody changes meanwhile, or a bad pointer.
#[inline]
unsafe fn flags_of_plain(mode: *const c_char) -> Option<c_int> {
    // SAFETY: the caller's promise.
    let (b'r', rest) = unsafe { sys::c_bytes(mode)? }.split_first()? else {
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
/// As for [`fopen_judged`].
#[inline(never)]
unsafe fn fopen_at_once(
    state: &State,
    path: *const c_char,
    mode: *const c_char,
) -> Option<*mut FILE> {
    if !state.proves_names || state.learns {
        return None;
    }
    // SAFETY: the caller's promise.
    let (flags, given) = unsafe { (flags_of_plain(mode)?, sys::c_bytes(path)?) };
    let mut name = Name::new();
    name.push(given).ok()?;
    if given.is_empty()
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
            let mode = if access(flags) == Access::Read {
                c"r"
            } else {
                c"r+"
            };
            // SAFETY: a descriptor and a text of ours.
            let stream = table::fdopen::next().map_or(core::ptr::null_mut(), |fdopen| unsafe {
                fdopen(fd, mode.as_ptr())
            });
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

/// libc's function that is stood in front of, if it has it.
#[derive(Clone, Copy)]
enum Next {
    /// Like fopen(3).
    Open(Option<unsafe extern "C" fn(*const c_char, *const c_char) -> *mut FILE>),
    /// Like freopen(3), and the stream.
    Reopen(
        Option<unsafe extern "C" fn(*const c_char, *const c_char, *mut FILE) -> *mut FILE>,
        *mut FILE,
    ),
}

impl Next {
    /// # Safety
    /// As the manual page of the function says.
    #[inline(always)]
    unsafe fn call(self, path: *const c_char, mode: *const c_char) -> *mut FILE {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::Open(Some(next)) => next(path, mode),
                Self::Reopen(Some(next), stream) => next(path, mode, stream),
                Self::Open(None) | Self::Reopen(None, _) => core::ptr::null_mut(),
            }
        }
    }
}

/// Judges what `fopen` would open, calls it, and makes sure that it opened what was judged. `of_libc`: what it puts behind the mode.
///
/// libc's own function does the opening, because what it makes of the descriptor (position, buffer, character set)
/// cannot be had by fdopen(3) in every mode.
///
/// # Safety
/// `path` and `mode` are C strings that nobody changes meanwhile, or bad pointers.
#[inline(always)]
unsafe fn fopen_judged(
    path: *const c_char,
    mode: *const c_char,
    next: Next,
    of_libc: &[u8],
) -> *mut FILE {
    // SAFETY: the caller's promise.
    unsafe {
        if of_libc.is_empty()
            && let Next::Open(Some(replaced)) = next
            && let Some(state) = state::judging(Section::Filesystem)
        {
            // Another library that wants to see each fopen(3) gets to, and what libc puts behind a mode fdopen(3) might not understand.
            if objects::is_libc(replaced as *const c_void)
                && let Some(stream) = fopen_at_once(state, path, mode)
            {
                return stream;
            }
        } else if state::judging_at_all().is_none() {
            return next.call(path, mode);
        }
        fopen_by_libc(path, mode, next, of_libc)
    }
}

/// The same, where libc is to open it.
///
/// # Safety
/// As for [`fopen_judged`].
#[inline(never)]
unsafe fn fopen_by_libc(
    path: *const c_char,
    mode: *const c_char,
    next: Next,
    of_libc: &[u8],
) -> *mut FILE {
    // SAFETY: the caller's promise.
    let open = |path, mode| unsafe { next.call(path, mode) };
    let is_reopened = matches!(next, Next::Reopen(..));
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
    let judged = match next {
        // SAFETY: the caller's promise.
        Next::Reopen(_, stream) if path.is_null() => unsafe { judge_reopened(stream, asked) },
        _ => Ok(()),
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
        let given = given?;
        let flags = flags_of(asked?)?;
        Some((concerned(given, flags)?, given, flags))
    };
    match concerns() {
        Some((state, given, flags)) => {
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
    ($($name:ident($($stream:ident)?) as $next:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        #[allow(non_snake_case, reason = "_IO_fopen is glibc's name")]
        pub unsafe fn $name(path: *const c_char, mode: *const c_char $(, $stream: *mut FILE)?) -> *mut FILE {
            // SAFETY: the caller's arguments.
            unsafe { fopen_judged(path, mode, Next::$next(table::$name::next() $(, $stream)?), b"") }
        }
    )*};
}

fopen_family! {
    fopen() as Open;
    fopen64() as Open;
    _IO_fopen() as Open;
    freopen(stream) as Reopen;
    freopen64(stream) as Reopen;
}

macro_rules! mount_tables {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`: libc opens it in a mode of its own.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(path: *const c_char, mode: *const c_char) -> *mut FILE {
            // SAFETY: the caller's arguments.
            unsafe { fopen_judged(path, mode, Next::Open(table::$name::next()), b"ce") }
        }
    )*};
}

mount_tables! { setmntent __setmntent }

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
