//! Programs: the exec family, `posix_spawn(3)`.
//!
//! libc's functions of this family call each other inside libc, where no interposer sees it, so each public name is
//! hooked and nothing is judged twice. Whatever section is on, a child gets the library and its settings in its
//! environment: that is what keeps it defended.

use core::cell::Cell;
use core::ffi::{c_char, c_int};
use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering};

use libc::{pid_t, posix_spawn_file_actions_t, posix_spawnattr_t};
use palisade_policy::event::{Access, Section, Start};

use super::program::{self, Program, Request, judge, judged};
use super::spawn::{self, Actions, Place, View};
use super::{finish, inside};
use crate::env::Library;
use crate::path::PATH_MAX;
use crate::state::State;
use crate::sys::{Errno, ListReader};
use crate::table::{self, Strings};
use crate::{env, state, sys, writer};

/// The word at an index of an argument vector; `None` behind the last, and for one that cannot be read.
///
/// # Safety
/// Nobody changes the words while the result is in use, and no earlier index gave `None`.
unsafe fn word<'a>(reader: &Cell<ListReader>, argv: Strings, index: usize) -> Option<&'a [u8]> {
    let mut list = reader.get();
    // SAFETY: the caller's promise.
    let word = unsafe { list.text(argv.wrapping_add(index)) };
    reader.set(list);
    word.ok()?
}

/// How a program is named.
#[derive(Clone, Copy)]
enum Target {
    /// `execveat(2)`: directory, path, flags.
    At(c_int, *const c_char, c_int),
    /// `execvp(3)`: by PATH, from a working directory.
    Searched(c_int, *const c_char),
}

/// A name that no call takes: it stands for any other that is too long to be copied, so that the real call refuses it in its own way.
/// Written by whoever needs it, always with the same bytes: as a constant it would be four kilobytes of the library.
static TOO_LONG: [AtomicU8; PATH_MAX + 1] = [const { AtomicU8::new(0) }; PATH_MAX + 1];

fn too_long() -> *const c_char {
    for byte in TOO_LONG.iter().take(PATH_MAX) {
        byte.store(b'/', Ordering::Relaxed);
    }
    TOO_LONG.as_ptr().cast()
}

impl Target {
    const fn name(self) -> *const c_char {
        match self {
            Self::At(_, path, _) | Self::Searched(_, path) => path,
        }
    }

    /// The working directory of the program: a child's may be another one.
    const fn cwd(self, how: Start) -> c_int {
        match (how, self) {
            (Start::Spawn, Self::At(dir, ..) | Self::Searched(dir, _)) => dir,
            (Start::Exec, _) => libc::AT_FDCWD,
        }
    }

    /// The same beside a process that is in `dir`.
    const fn within(self, dir: c_int) -> Self {
        match self {
            Self::At(_, path, flags) => Self::At(dir, path, flags),
            Self::Searched(_, file) => Self::Searched(dir, file),
        }
    }

    /// Itself and how it is looked at, where its file actions lead to `place`.
    ///
    /// # Safety
    /// As for [`Place::after`].
    unsafe fn seen_from<'a>(
        self,
        place: &Place,
        actions: Actions,
        is_apart: bool,
    ) -> (Self, View<'a>) {
        if actions.is_null() {
            return (self, View::of_exec(is_apart));
        }
        // SAFETY: the caller's promise.
        let view = unsafe { View::of_spawn(actions, is_apart) };
        (self.within(place.dir()), view)
    }

    /// Opens it: from the directory of that number on, where it is looked for in PATH.
    ///
    /// # Errors
    /// Those of [`Program::open`].
    ///
    /// # Safety
    /// As for [`start`].
    unsafe fn open(self, from: usize, view: View<'_>) -> Result<Option<Program>, Errno> {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::At(dir, path, flags) => Program::open(dir, path, flags, view),
                Self::Searched(dir, file) => Program::find(dir, file, from, view),
            }
        }
    }

    const fn with_name(self, name: *const c_char) -> Self {
        match self {
            Self::At(dir, _, flags) => Self::At(dir, name, flags),
            Self::Searched(dir, _) => Self::Searched(dir, name),
        }
    }
}

/// The real call, which is made once. Not generic: each instance would be two kilobytes of the library.
type Act<'a> = &'a mut dyn FnMut(*const c_char, Strings) -> c_int;

/// Judges, and if it may be, lets the real call happen with the name that was judged and with an environment that keeps the child
/// defended.
///
/// # Errors
/// `EACCES` where it is refused, `ENFILE`, `ENOMEM` where nothing can be judged or prepared.
///
/// # Safety
/// The pointers are what the manual page of the hooked function asks; `actions` is null for all but a spawn.
unsafe fn start(
    target: Target,
    actions: Actions,
    argv: Strings,
    envp: Strings,
    how: Start,
    act: Act<'_>,
) -> Result<c_int, Errno> {
    /// Almost every name is shorter than the first, and all but a few than the second: a thread on 16 KiB has no 4 KiB to spare for a longer one.
    const SHORT: usize = 256;
    const LONG: usize = 512;
    // SAFETY: the caller's promise.
    unsafe {
        spawn::judge_files(actions)?;
        judge_preloads(actions, envp)?;
        let Some(state) = state::judging(Section::Processes) else {
            let library = library_unjudged(target, actions, how);
            return pass(target.name(), envp, library, how, act);
        };
        let given = sys::c_bytes(target.name()).unwrap_or_default();
        if given.len() < SHORT {
            start_judged::<SHORT>(state, target, actions, argv, envp, how, act)
        } else if given.len() < LONG {
            start_judged::<LONG>(state, target, actions, argv, envp, how, act)
        } else {
            start_judged::<PATH_MAX>(state, target, actions, argv, envp, how, act)
        }
    }
}

/// Judges the libraries that a child is to load first, beside ours and those that are in this process from its start: its loader reads them
/// before there is anything of ours in it.
///
/// # Errors
/// `EACCES`: one is refused.
///
/// # Safety
/// As for [`start`].
#[inline]
pub unsafe fn judge_preloads(actions: Actions, envp: Strings) -> Result<(), Errno> {
    match (state::judging(Section::Filesystem), state::forced()) {
        // SAFETY: the caller's promise.
        (Some(state), Some(forced)) => unsafe { judge_preloads_of(state, forced, actions, envp) },
        _ => Ok(()),
    }
}

/// # Safety
/// As for [`start`].
#[inline(never)]
unsafe fn judge_preloads_of(
    state: &State,
    forced: &env::Forced,
    actions: Actions,
    envp: Strings,
) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe {
        if !env::is_readable(envp) {
            return Ok(());
        }
        let mut place = None;
        forced.strange_preloads(envp).try_for_each(|path| {
            if place.is_none() {
                match Place::after(actions, false, None) {
                    Ok(found) => place = Some(found),
                    Err(_) => return spawn::refuse_unseen(state, path, Access::Read),
                }
            }
            let dir = place.as_ref().map_or(libc::AT_FDCWD, Place::dir);
            inside::judge_preload(state, dir, path)
        })
    }
}

/// As [`start`], with room for a name of less than `N` bytes.
///
/// # Errors
/// As for `start`.
///
/// # Safety
/// As for `start`.
#[inline(never)]
unsafe fn start_judged<const N: usize>(
    state: &State,
    target: Target,
    actions: Actions,
    argv: Strings,
    envp: Strings,
    how: Start,
    act: Act<'_>,
) -> Result<c_int, Errno> {
    let mut room = [0; N];
    // SAFETY: the caller's promise.
    unsafe {
        let (target, library) = judge_copy(state, target, actions, &mut room, argv, how)?;
        let library = match library {
            Some(library) => library,
            None => library_of(target, actions, how),
        };
        pass(target.name(), envp, library, how, act)
    }
}

/// Does a program get the library that nobody judges?
///
/// # Safety
/// As for [`start`].
#[inline(always)]
unsafe fn library_unjudged(target: Target, actions: Actions, how: Start) -> Library {
    if state::get().is_some_and(|state| state.looks_for_musl) {
        // SAFETY: the caller's promise.
        unsafe { library_of(target, actions, how) }
    } else {
        Library::Given
    }
}

/// Does this program get the library? It does where nothing can be said.
///
/// # Safety
/// As for [`start`].
#[cold]
#[inline(never)]
unsafe fn library_of(target: Target, actions: Actions, how: Start) -> Library {
    // SAFETY: the caller's promise.
    unsafe {
        let Ok(place) = Place::after(actions, false, None) else {
            return Library::Given;
        };
        let (target, view) = target.seen_from(&place, actions, false);
        program::look_for_library(
            &|from| target.open(from, view),
            target.name(),
            target.cwd(how),
            view,
        )
    }
}

/// Judges the program that a copy of the name stands for, and gives the target with that copy: what is judged is what the kernel gets, whatever
/// another thread writes meanwhile. And whether it gets the library, where that has been found out.
///
/// # Errors
/// As for [`start`].
///
/// # Safety
/// As for [`start`]. The result is not used for longer than `room` is there.
#[inline(never)]
unsafe fn judge_copy(
    state: &State,
    target: Target,
    actions: Actions,
    room: &mut [u8],
    argv: Strings,
    how: Start,
) -> Result<(Target, Option<Library>), Errno> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut target = target;
        let mut length = 0;
        let given = sys::c_bytes(target.name());
        if given.is_none() {
            target = target.with_name(sys::nowhere());
        }
        if let Some(given) = given {
            let fits = given.len() < room.len();
            for (to, from) in room.iter_mut().zip(given).filter(|_| fits) {
                *to = *from;
            }
            // Another thread may have shortened the text since it was measured.
            length = room.iter().position(|byte| *byte == 0).unwrap_or_default();
            target = target.with_name(if fits {
                room.as_ptr().cast()
            } else {
                too_long()
            });
        }
        let reader = Cell::new(ListReader::new());
        let request = Request {
            word: &|index| word(&reader, argv, index),
            given: room.get(..length).unwrap_or_default(),
            start: how,
            library: Cell::new(Some(Library::Given)),
        };
        let is_kept = |fd| {
            matches!(target, Target::At(dir, ..) if dir == fd) || spawn::is_entered(actions, fd)
        };
        judged(state, &request, &is_kept, &mut |is_apart| {
            let place = Place::after(actions, is_apart, None)?;
            let (target, view) = target.seen_from(&place, actions, is_apart);
            judge(state, &request, target.cwd(how), view, &|from| {
                target.open(from, view)
            })
        })?;
        Ok((target, request.library.get()))
    }
}

/// Lets the call happen, with an environment that keeps the child defended.
///
/// # Errors
/// `ENOMEM`: it cannot be prepared.
///
/// # Safety
/// As for [`start`].
unsafe fn pass(
    name: *const c_char,
    envp: Strings,
    library: Library,
    how: Start,
    act: Act<'_>,
) -> Result<c_int, Errno> {
    if how == Start::Exec {
        // The image that holds the waiting alerts is about to go.
        writer::flush();
    }
    match state::forced() {
        // SAFETY: the caller's promise.
        Some(forced) => unsafe { forced.with(envp, library, &mut |envp| act(name, envp)) },
        None => Ok(act(name, envp)),
    }
}

fn exec_result(result: Result<c_int, Errno>) -> c_int {
    result.unwrap_or_else(|errno| finish(Err(errno)))
}

/// `execve(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn execve(
    next: Option<table::execve::Function>,
    path: *const c_char,
    argv: Strings,
    envp: Strings,
) -> c_int {
    let target = Target::At(libc::AT_FDCWD, path, 0);
    let mut act = |path, envp| match next {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(path, argv, envp) },
        None => finish(Err(Errno(libc::ENOSYS))),
    };
    // SAFETY: the caller's arguments.
    exec_result(unsafe { start(target, ptr::null(), argv, envp, Start::Exec, &mut act) })
}

/// `execv(3)`: with the environment as it is at the call.
///
/// # Safety
/// As its manual page says.
pub unsafe fn execv(path: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's arguments, and the live environment.
    unsafe { execve(table::execve::next(), path, argv, env::current()) }
}

/// `execvpe(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn execvpe(file: *const c_char, argv: Strings, envp: Strings) -> c_int {
    let mut act = |file, envp| match table::execvpe::next() {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(file, argv, envp) },
        None => finish(Err(Errno(libc::ENOSYS))),
    };
    // SAFETY: the caller's arguments.
    exec_result(unsafe {
        start(
            Target::Searched(libc::AT_FDCWD, file),
            ptr::null(),
            argv,
            envp,
            Start::Exec,
            &mut act,
        )
    })
}

/// `execvp(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn execvp(file: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's arguments, and the live environment.
    unsafe { execvpe(file, argv, env::current()) }
}

/// `execveat(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn execveat(
    next: Option<table::execveat::Function>,
    dir: c_int,
    path: *const c_char,
    argv: Strings,
    envp: Strings,
    flags: c_int,
) -> c_int {
    let mut act = |path, envp| match next {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(dir, path, argv, envp, flags) },
        None => finish(sys::execveat(dir, path, argv, envp, flags)),
    };
    // SAFETY: the caller's arguments.
    exec_result(unsafe {
        let target = Target::At(dir, path, flags);
        start(target, ptr::null(), argv, envp, Start::Exec, &mut act)
    })
}

/// `fexecve(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn fexecve(fd: c_int, argv: Strings, envp: Strings) -> c_int {
    if argv.is_null() || envp.is_null() {
        // Unlike execve(2), glibc takes no null pointer here.
        return finish(Err(Errno(libc::EINVAL)));
    }
    let mut act = |_, envp| match table::fexecve::next() {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(fd, argv, envp) },
        None => finish(Err(Errno(libc::ENOSYS))),
    };
    // SAFETY: the caller's arguments.
    exec_result(unsafe {
        start(
            Target::At(fd, c"".as_ptr(), libc::AT_EMPTY_PATH),
            ptr::null(),
            argv,
            envp,
            Start::Exec,
            &mut act,
        )
    })
}

/// What stands behind `execl(3)`, once its arguments are an array.
///
/// # Safety
/// As its manual page says.
pub unsafe extern "C" fn execl(path: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe { execv(path, argv) }
}

/// What stands behind `execlp(3)`, once its arguments are an array.
///
/// # Safety
/// As its manual page says.
pub unsafe extern "C" fn execlp(file: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe { execvp(file, argv) }
}

/// What stands behind `execle(3)`, once its arguments are an array: the environment follows the null pointer.
///
/// # Safety
/// As its manual page says.
pub unsafe extern "C" fn execle(path: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's arguments: a null pointer ends them, and one more follows.
    unsafe {
        let count = (0..)
            .take_while(|index| !(*argv.add(*index)).is_null())
            .count();
        execve(
            table::execve::next(),
            path,
            argv,
            (*argv.add(count + 1)).cast(),
        )
    }
}

macro_rules! spawns {
    ($($name:ident($pid:ty) of $target:path;)*) => {$(
        #[doc = concat!("`", stringify!($name), "(3)`: gives the error number, and leaves `errno` alone.")]
        ///
        /// # Safety
        /// As its manual page says.
        pub unsafe fn $name(
            pid: $pid,
            path: *const c_char,
            actions: *const posix_spawn_file_actions_t,
            attributes: *const posix_spawnattr_t,
            argv: Strings,
            envp: Strings,
        ) -> c_int {
            let mut act = |path, envp| match table::$name::next() {
                // SAFETY: the caller's arguments.
                Some(next) => unsafe { next(pid, path, actions, attributes, argv, envp) },
                None => libc::ENOSYS,
            };
            // SAFETY: the caller's arguments.
            let started = unsafe {
                start($target(libc::AT_FDCWD, path), actions, argv, envp, Start::Spawn, &mut act)
            };
            started.unwrap_or_else(|errno| errno.0)
        }
    )*};
}

#[expect(non_snake_case, reason = "it stands where a variant of Target does")]
fn ByPath(dir: c_int, path: *const c_char) -> Target {
    Target::At(dir, path, 0)
}

// From glibc 2.39 on there are the two that give a pidfd.
spawns! {
    posix_spawn(*mut pid_t) of ByPath;
    posix_spawnp(*mut pid_t) of Target::Searched;
    pidfd_spawn(*mut c_int) of ByPath;
    pidfd_spawnp(*mut c_int) of Target::Searched;
}

/// `_exit(2)`, `_Exit(3)`: they end the process without the destructor that writes the waiting alerts.
///
/// # Safety
/// None is needed.
pub unsafe fn _exit(status: c_int) {
    writer::flush();
    sys::exit_group(status)
}
