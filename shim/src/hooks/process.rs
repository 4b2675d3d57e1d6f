//! Programs: the exec family, `posix_spawn(3)`, `system(3)`, `popen(3)`.
//!
//! libc's functions of this family call each other inside libc, where no interposer sees it, so each public name is
//! hooked and nothing is judged twice. Whatever section is on, a child gets the library and its settings in its
//! environment: that is what keeps it defended.

use core::ffi::{c_char, c_int};
use core::sync::atomic::{AtomicU64, Ordering};

use libc::{FILE, pid_t, posix_spawn_file_actions_t, posix_spawnattr_t};
use palisade_audit::{Subject, Text};
use palisade_policy::event::{Outcome, Process, Section, Start, Verdict};

use super::{REFUSED, finish};
use crate::path::Name;
use crate::state::State;
use crate::sys::{Errno, FileId};
use crate::table::{self, Strings};
use crate::{env, report, state, sys, writer};

/// The shell of system(3) and popen(3): _PATH_BSHELL of paths.h.
const SHELL: &core::ffi::CStr = c"/bin/sh";

/// Where execvp(3) looks if there is no PATH: confstr(3) `_CS_PATH`.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// An open program: `O_PATH`, so that opening it reads nothing, blocks on nothing and needs no permission.
struct Program {
    fd: c_int,
    /// The descriptor is the caller's: closing a copy of it would release the caller's record locks (fcntl_locking(2)).
    is_borrowed: bool,
    id: FileId,
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.is_borrowed {
            sys::close(self.fd);
        }
    }
}

impl Program {
    /// Opens what an exec of that name would run. `Ok(None)`: nothing would run, and the real call says why.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`: nothing can be said about the program. execve(2) gives the same errors.
    ///
    /// # Safety
    /// `path` may be any pointer: the kernel checks it.
    unsafe fn open(dir: c_int, path: *const c_char, flags: c_int) -> Result<Option<Self>, Errno> {
        let nofollow = if flags & libc::AT_SYMLINK_NOFOLLOW == 0 {
            0
        } else {
            libc::O_NOFOLLOW
        };
        // SAFETY: handed to the kernel as it is.
        let is_borrowed =
            flags & libc::AT_EMPTY_PATH != 0 && unsafe { sys::c_bytes(path) } == Some(b"");
        let opened = if is_borrowed {
            Ok(dir)
        } else {
            // SAFETY: as above.
            unsafe { sys::openat(dir, path, libc::O_PATH | libc::O_CLOEXEC | nofollow, 0) }
        };
        let fd = match opened {
            Ok(fd) => fd,
            Err(error @ Errno(libc::EMFILE | libc::ENFILE)) => return Err(error),
            Err(_) => return Ok(None),
        };
        let mut program = Self {
            fd,
            is_borrowed,
            id: FileId {
                device: 0,
                inode: 0,
                special: 0,
            },
        };
        let Ok(stat) = sys::fstat(fd) else {
            return Ok(None);
        };
        program.id = stat.id;
        // SAFETY: the empty string stands for the descriptor.
        let may_run = stat.is(libc::S_IFREG)
            && unsafe { sys::may_execute(fd, c"".as_ptr(), libc::AT_EMPTY_PATH, &stat) };
        Ok(may_run.then_some(program))
    }

    /// Finds a program as execvp(3) does: in the directories of PATH, unless the name has a slash.
    ///
    /// # Errors
    /// As for `open`.
    ///
    /// # Safety
    /// `file` is a C string, or a pointer that cannot be one.
    #[inline(never)]
    unsafe fn find(file: *const c_char) -> Result<Option<Self>, Errno> {
        // SAFETY: the caller's promise; the live environment.
        let (Some(name), path) =
            (unsafe { (sys::c_bytes(file), env::value(env::current(), b"PATH")) })
        else {
            return Ok(None);
        };
        if name.contains(&b'/') || name.is_empty() {
            // SAFETY: as above.
            return unsafe { Self::open(libc::AT_FDCWD, file, 0) };
        }
        let mut candidate = Name::new();
        for directory in path.unwrap_or(DEFAULT_PATH).split(|byte| *byte == b':') {
            candidate.clear();
            let parts: [&[u8]; 3] = if directory.is_empty() {
                [b"", b"", name]
            } else {
                [directory, b"/", name]
            };
            if parts
                .iter()
                .try_for_each(|part| candidate.push(part))
                .is_ok()
            {
                // SAFETY: a C string on the stack.
                let found = unsafe { Self::open(libc::AT_FDCWD, candidate.as_ptr(), 0) }?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }
}

/// The words of a command, by index from 0; `None` behind the last.
type Words<'a> = &'a dyn Fn(usize) -> Option<&'a [u8]>;

/// Judges the start of `program` and reports what there is to report.
///
/// # Errors
/// `EACCES`: refused.
#[inline(never)]
fn judge(
    state: &State,
    program: Option<Program>,
    given: &[u8],
    word: Words<'_>,
    start: Start,
) -> Result<(), Errno> {
    let Some(program) = program else {
        return Ok(());
    };
    let mut path = Name::new();
    let id = program.id;
    if path.read_descriptor(program.fd).is_err() {
        path.clear();
        path.push(given)?;
    }
    drop(program);

    let pid = sys::getpid();
    let event = Process {
        path: path.as_bytes(),
        given,
        start,
        main: state.is_main(pid),
        same_program: state.program == Some(id),
    };
    let mut verdict = state.decider.process(&event);
    if verdict.outcome < Outcome::Prevent && state.decider.judges_arguments() {
        verdict = judge_arguments(state, verdict, word);
    }
    if verdict.outcome == Outcome::Allow {
        return Ok(());
    }
    if start == Start::Spawn || !is_repeat(pid, id, given) {
        let word = |index| word(index);
        let subject = Subject::Process {
            path: path.as_bytes(),
            command: Text::Words(&word),
        };
        report::breach(state, Section::Processes, &verdict, subject);
    }
    if verdict.outcome == Outcome::Prevent {
        Err(REFUSED)
    } else {
        Ok(())
    }
}

fn judge_arguments<'a>(state: &'a State, verdict: Verdict<'a>, word: Words<'_>) -> Verdict<'a> {
    let words = (0..).map_while(word);
    words
        .map(|word| state.decider.argument(word))
        .find(|v| v.outcome != Outcome::Allow)
        .unwrap_or(verdict)
}

/// A caller that searches PATH by itself (Python's `subprocess`, a shell) asks for the same file again under its next name,
/// `/bin/sh` after `/usr/bin/sh`: one event. The same name again is a new one.
///
/// What is kept is eight words for each of sixteen processes, written without a lock: a child of vfork(2) writes into its
/// parent's memory, and a word that another process has overwritten costs no more than one line too many.
fn is_repeat(pid: u32, id: FileId, given: &[u8]) -> bool {
    /// The file, the name without its directory, and the process; the whole name; how often it was folded.
    static LAST: [[AtomicU64; 3]; 16] = [const { [const { AtomicU64::new(0) }; 3] }; 16];
    /// A search has no more steps than a PATH has directories. Beyond that somebody hides behind the folding.
    const STEPS: u64 = 32;

    let base = given.rsplit(|byte| *byte == b'/').next().unwrap_or(given);
    let file = [u64::from(pid), id.device, id.inode]
        .iter()
        .fold(hash(base), |h, word| hash_on(h, &word.to_ne_bytes()));
    let name = hash(given);
    let Some([last_file, last_name, folded]) = LAST.get(pid as usize % 16) else {
        return false;
    };
    let is_same_file = last_file.swap(file, Ordering::Relaxed) == file;
    let is_same_name = last_name.swap(name, Ordering::Relaxed) == name;
    if is_same_file && !is_same_name && folded.fetch_add(1, Ordering::Relaxed) < STEPS {
        return true;
    }
    folded.store(0, Ordering::Relaxed);
    false
}

fn hash(bytes: &[u8]) -> u64 {
    hash_on(0xcbf2_9ce4_8422_2325, bytes)
}

/// FNV-1a, 64 bits.
fn hash_on(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |h, byte| {
        (h ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The word at an index of an argument vector that is read from its beginning.
///
/// # Safety
/// `argv` is null or ends in a null pointer, and no earlier index gave `None`.
unsafe fn word<'a>(argv: Strings, index: usize) -> Option<&'a [u8]> {
    if (argv as usize) < 4096 || (argv as isize) < 0 {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { sys::c_bytes(*argv.add(index)) }
}

/// How a program is named.
#[derive(Clone, Copy)]
enum Target {
    /// `execveat(2)`: directory, path, flags.
    At(c_int, *const c_char, c_int),
    /// `execvp(3)`: by PATH.
    Searched(*const c_char),
}

/// Judges, and if it may be, lets the real call happen with an environment that keeps the child defended.
///
/// # Errors
/// `EACCES` where it is refused, `EMFILE`, `ENFILE`, `ENOMEM` where nothing can be judged or prepared.
///
/// # Safety
/// The pointers are what the manual page of the hooked function asks.
unsafe fn start<R>(
    target: Target,
    argv: Strings,
    envp: Strings,
    how: Start,
    act: impl FnOnce(Strings) -> R,
) -> Result<R, Errno> {
    if let Some(state) = state::judging(Section::Processes) {
        // SAFETY: the caller's promise.
        unsafe {
            let (program, given) = match target {
                Target::At(dir, path, flags) => {
                    (Program::open(dir, path, flags)?, sys::c_bytes(path))
                }
                Target::Searched(file) => (Program::find(file)?, sys::c_bytes(file)),
            };
            let words = |index| word(argv, index);
            judge(state, program, given.unwrap_or_default(), &words, how)?;
        }
    }
    if how == Start::Exec {
        // The image that holds the waiting alerts is about to go.
        writer::flush();
    }
    match state::forced() {
        // SAFETY: the caller's promise.
        Some(forced) => unsafe { forced.with(envp, act) },
        None => Ok(act(envp)),
    }
}

fn exec_result(result: Result<c_int, Errno>) -> c_int {
    result.unwrap_or_else(|errno| finish(Err(errno)))
}

/// `execve(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn execve(path: *const c_char, argv: Strings, envp: Strings) -> c_int {
    let target = Target::At(libc::AT_FDCWD, path, 0);
    let act = |envp| match table::execve::next() {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(path, argv, envp) },
        None => finish(Err(Errno(libc::ENOSYS))),
    };
    // SAFETY: the caller's arguments.
    exec_result(unsafe { start(target, argv, envp, Start::Exec, act) })
}

/// `execv(3)`: with the environment as it is at the call.
///
/// # Safety
/// As its manual page says.
pub unsafe fn execv(path: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's arguments, and the live environment.
    unsafe { execve(path, argv, env::current()) }
}

/// `execvpe(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn execvpe(file: *const c_char, argv: Strings, envp: Strings) -> c_int {
    let act = |envp| match table::execvpe::next() {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(file, argv, envp) },
        None => finish(Err(Errno(libc::ENOSYS))),
    };
    // SAFETY: the caller's arguments.
    exec_result(unsafe { start(Target::Searched(file), argv, envp, Start::Exec, act) })
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
    dir: c_int,
    path: *const c_char,
    argv: Strings,
    envp: Strings,
    flags: c_int,
) -> c_int {
    let act = |envp| match table::execveat::next() {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(dir, path, argv, envp, flags) },
        None => finish(sys::execveat(dir, path, argv, envp, flags)),
    };
    // SAFETY: the caller's arguments.
    exec_result(unsafe { start(Target::At(dir, path, flags), argv, envp, Start::Exec, act) })
}

/// `fexecve(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn fexecve(fd: c_int, argv: Strings, envp: Strings) -> c_int {
    let act = |envp| match table::fexecve::next() {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(fd, argv, envp) },
        None => finish(Err(Errno(libc::ENOSYS))),
    };
    // SAFETY: the caller's arguments.
    exec_result(unsafe {
        start(
            Target::At(fd, c"".as_ptr(), libc::AT_EMPTY_PATH),
            argv,
            envp,
            Start::Exec,
            act,
        )
    })
}

/// What stands behind `execl(3)`, once its arguments are an array.
///
/// # Safety
/// As its manual page says.
pub unsafe extern "C-unwind" fn execl(path: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe { execv(path, argv) }
}

/// What stands behind `execlp(3)`, once its arguments are an array.
///
/// # Safety
/// As its manual page says.
pub unsafe extern "C-unwind" fn execlp(file: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's arguments.
    unsafe { execvp(file, argv) }
}

/// What stands behind `execle(3)`, once its arguments are an array: the environment follows the null pointer.
///
/// # Safety
/// As its manual page says.
pub unsafe extern "C-unwind" fn execle(path: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's arguments: a null pointer ends them, and one more follows.
    unsafe {
        let count = (0..)
            .take_while(|index| !(*argv.add(*index)).is_null())
            .count();
        execve(path, argv, (*argv.add(count + 1)).cast())
    }
}

/// `posix_spawn(3)`: gives the error number, and leaves `errno` alone.
///
/// # Safety
/// As its manual page says.
pub unsafe fn posix_spawn(
    pid: *mut pid_t,
    path: *const c_char,
    actions: *const posix_spawn_file_actions_t,
    attributes: *const posix_spawnattr_t,
    argv: Strings,
    envp: Strings,
) -> c_int {
    let act = |envp| match table::posix_spawn::next() {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(pid, path, actions, attributes, argv, envp) },
        None => libc::ENOSYS,
    };
    // SAFETY: the caller's arguments.
    unsafe {
        start(
            Target::At(libc::AT_FDCWD, path, 0),
            argv,
            envp,
            Start::Spawn,
            act,
        )
    }
    .unwrap_or_else(|errno| errno.0)
}

/// `posix_spawnp(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn posix_spawnp(
    pid: *mut pid_t,
    file: *const c_char,
    actions: *const posix_spawn_file_actions_t,
    attributes: *const posix_spawnattr_t,
    argv: Strings,
    envp: Strings,
) -> c_int {
    let act = |envp| match table::posix_spawnp::next() {
        // SAFETY: the caller's arguments.
        Some(next) => unsafe { next(pid, file, actions, attributes, argv, envp) },
        None => libc::ENOSYS,
    };
    // SAFETY: the caller's arguments.
    unsafe { start(Target::Searched(file), argv, envp, Start::Spawn, act) }
        .unwrap_or_else(|errno| errno.0)
}

/// Judges `/bin/sh -c command`, and puts our settings back into the live environment, which libc passes on by itself.
///
/// # Safety
/// `command` is a C string, or a pointer that cannot be one.
unsafe fn shell(command: *const c_char) -> Result<(), Errno> {
    if let Some(state) = state::judging(Section::Processes) {
        // SAFETY: the caller's promise.
        unsafe {
            let words: [&[u8]; 3] = [b"sh", b"-c", sys::c_bytes(command).unwrap_or(b"exit 0")];
            let word = |index: usize| words.get(index).copied();
            let program = Program::open(libc::AT_FDCWD, SHELL.as_ptr(), 0)?;
            judge(state, program, SHELL.to_bytes(), &word, Start::Spawn)?;
        }
    }
    if let Some(forced) = state::forced() {
        forced.repair();
    }
    Ok(())
}

/// `system(3)`: a shell that cannot be executed is one that ended with 127; where it is only asked for (a null pointer),
/// there is none.
///
/// # Safety
/// As its manual page says.
pub unsafe fn system(command: *const c_char) -> c_int {
    // SAFETY: the caller's argument.
    match (unsafe { shell(command) }, table::system::next()) {
        // SAFETY: the caller's argument.
        (Ok(()), Some(next)) => unsafe { next(command) },
        (Err(Errno(errno)), _) => {
            sys::set_errno(errno);
            if command.is_null() { 0 } else { 127 << 8 }
        }
        (Ok(()), None) => finish(Err(Errno(libc::ENOSYS))),
    }
}

/// `popen(3)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn popen(command: *const c_char, mode: *const c_char) -> *mut FILE {
    // SAFETY: the caller's argument.
    match (unsafe { shell(command) }, table::popen::next()) {
        // SAFETY: the caller's arguments.
        (Ok(()), Some(next)) => unsafe { next(command, mode) },
        (result, _) => {
            finish(Err(result.err().unwrap_or(Errno(libc::ENOSYS))));
            core::ptr::null_mut()
        }
    }
}

/// `_exit(2)`, `_Exit(3)`: they end the process without the destructor that writes the waiting alerts.
///
/// # Safety
/// None is needed.
pub unsafe fn _exit(status: c_int) {
    writer::flush();
    sys::exit_group(status)
}
