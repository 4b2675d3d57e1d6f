//! Shells: `system(3)`, `popen(3)`, `wordexp(3)`.

use core::cell::Cell;
use core::ffi::{c_char, c_int, c_void};
use core::ptr;

use libc::FILE;
use palisade_policy::event::{Section, Start};

use super::finish;
use super::process::judge_preloads;
use super::program::{Program, Request, SHELL, judge, judged};
use super::spawn::View;
use crate::env::Library;
use crate::sys::Errno;
use crate::{env, state, sys, table};

/// Judges `/bin/sh -c command`, and puts our settings back into the live environment, which libc passes on by itself.
///
/// # Safety
/// `command` is a C string that nobody changes meanwhile, or a bad pointer.
unsafe fn shell(command: *const c_char) -> Result<(), Errno> {
    if let Some(state) = state::judging(Section::Processes) {
        // SAFETY: the caller's promise.
        unsafe {
            let words: [&[u8]; 3] = [b"sh", b"-c", sys::c_bytes(command).unwrap_or(b"exit 0")];
            let request = Request {
                word: &|index: usize| words.get(index).copied(),
                given: SHELL.to_bytes(),
                start: Start::Spawn,
                library: Cell::new(Some(Library::Given)),
            };
            judged(state, &request, &|_| false, &mut |is_apart| {
                let view = View::of_exec(is_apart);
                judge(state, &request, libc::AT_FDCWD, view, &|_| {
                    Program::open(libc::AT_FDCWD, SHELL.as_ptr(), 0, view)
                })
            })?;
        }
    }
    // SAFETY: the live environment.
    unsafe { judge_preloads(ptr::null(), env::current()) }?;
    if let Some(forced) = state::forced() {
        forced.repair();
    }
    Ok(())
}

macro_rules! systems {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`: a shell that cannot be executed is one that ended with 127; where it is only asked for (a null")]
        /// pointer), there is none.
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(command: *const c_char) -> c_int {
            // SAFETY: the caller's argument.
            match (unsafe { shell(command) }, table::$name::next()) {
                // SAFETY: the caller's argument.
                (Ok(()), Some(next)) => unsafe { next(command) },
                (Err(Errno(errno)), _) => {
                    sys::set_errno(errno);
                    if command.is_null() { 0 } else { 127 << 8 }
                }
                (Ok(()), None) => finish(Err(Errno(libc::ENOSYS))),
            }
        }
    )*};
}

systems! { system __libc_system }

macro_rules! popens {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`.")]
        ///
        /// # Safety
        /// As its manual page says.
        #[allow(non_snake_case, reason = "_IO_popen is glibc's name")]
        pub unsafe fn $name(command: *const c_char, mode: *const c_char) -> *mut FILE {
            // SAFETY: the caller's arguments.
            let is_mode = unsafe { is_popen_mode(mode) };
            // A mode that it does not take is passed on as one, whatever another thread makes of it.
            let mode = if is_mode || mode.is_null() { mode } else { c"".as_ptr() };
            // SAFETY: the caller's argument.
            let judged = if is_mode { unsafe { shell(command) } } else { Ok(()) };
            match (judged, table::$name::next()) {
                // SAFETY: the caller's arguments.
                (Ok(()), Some(next)) => unsafe { next(command, mode) },
                (result, _) => {
                    finish(Err(result.err().unwrap_or(Errno(libc::ENOSYS))));
                    ptr::null_mut()
                }
            }
        }
    )*};
}

popens! { popen _IO_popen }

/// Does popen(3) take this mode? It fails by itself if not.
///
/// # Safety
/// `mode` is a C string that nobody changes meanwhile, or a bad pointer.
unsafe fn is_popen_mode(mode: *const c_char) -> bool {
    // SAFETY: the caller's promise.
    let mode = unsafe { sys::libc_text(mode) }.unwrap_or_default();
    mode.iter().all(|byte| matches!(byte, b'r' | b'w' | b'e'))
        && mode.contains(&b'r') != mode.contains(&b'w')
}

/// Has a text a command substitution where one is looked for? Neither an arithmetic expansion nor anything that is quoted by apostrophes or a
/// backslash is one. libc finds some in other places, too.
fn has_command(text: &[u8]) -> bool {
    let (mut is_single, mut is_double) = (false, false);
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'\'' if !is_double => is_single = !is_single,
            _ if is_single => {}
            b'\\' => rest = tail.get(1..).unwrap_or_default(),
            b'"' => is_double = !is_double,
            b'`' => return true,
            b'$' if tail.starts_with(b"(") && !tail.starts_with(b"((") => return true,
            // What is no arithmetic after all is a command: it has no second pair of parentheses at its end.
            b'$' if tail.starts_with(b"((") && !tail.windows(2).any(|pair| pair == b"))") => {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// Could libc find a command substitution in it?
fn may_have_command(text: &[u8]) -> bool {
    text.contains(&b'`') || text.windows(2).any(|pair| pair == b"$(")
}

/// `wordexp(3)`: a command substitution is a shell. Refused, it fails as if `WRDE_NOCMD` had been given.
///
/// Whether there is one is libc's to say, which reads a text in a way of its own: `$((a);(b))`, apostrophes in an arithmetic expansion. Where
/// none is seen it is forbidden to run any, and where it would have, the shell is judged.
///
/// # Safety
/// As its manual page says.
pub unsafe fn wordexp(words: *const c_char, result: *mut c_void, flags: c_int) -> c_int {
    /// Of wordexp.h.
    const WRDE_DOOFFS: c_int = 1 << 0;
    const WRDE_APPEND: c_int = 1 << 1;
    const WRDE_NOCMD: c_int = 1 << 2;
    const WRDE_REUSE: c_int = 1 << 3;
    const WRDE_CMDSUB: c_int = 4;
    let Some(next) = table::wordexp::next() else {
        return WRDE_CMDSUB;
    };
    // SAFETY: the caller's arguments, or a list of our own (struct wordexp_t: how many, the words, an offset).
    unsafe {
        let is_judged = state::forced().is_some() || state::judging(Section::Processes).is_some();
        if flags & WRDE_NOCMD != 0 || !is_judged {
            return next(words, result, flags);
        }
        let text = sys::c_bytes(words).unwrap_or_default();
        let expanded = if has_command(text) {
            WRDE_CMDSUB
        } else if flags & WRDE_APPEND != 0 && may_have_command(text) {
            // Where it fails after the list has grown, glibc gives back the list that was.
            let mut list = [0_usize; 3];
            let own = list.as_mut_ptr().cast();
            let kept = flags & !(WRDE_APPEND | WRDE_REUSE | WRDE_DOOFFS);
            let expanded = next(words, own, kept | WRDE_NOCMD);
            if expanded == 0
                && let Some(free) = table::wordfree::next()
            {
                free(own);
            }
            if expanded == WRDE_CMDSUB {
                expanded
            } else {
                next(words, result, flags | WRDE_NOCMD)
            }
        } else {
            next(words, result, flags | WRDE_NOCMD)
        };
        if expanded != WRDE_CMDSUB || shell(words).is_err() {
            return expanded;
        }
        next(words, result, flags)
    }
}
