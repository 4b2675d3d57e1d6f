//! Programs: the exec family, `posix_spawn(3)`, `system(3)`, `popen(3)`.
//!
//! libc's functions of this family call each other inside libc, where no interposer sees it, so each public name is
//! hooked and nothing is judged twice. Whatever section is on, a child gets the library and its settings in its
//! environment: that is what keeps it defended.

use core::ffi::{c_char, c_int, c_void};
use core::sync::atomic::{AtomicU64, Ordering};

use libc::{FILE, pid_t, posix_spawn_file_actions_t, posix_spawnattr_t};
use palisade_audit::{Subject, Text};
use palisade_policy::event::{Outcome, Process, Reason, Section, Start, Verdict};

use super::resolve::{Pin, resolve};
use super::{REFUSED, finish};
use crate::elf::{self, Format, Interpreter};
use crate::path::{Decimal, Name};
use crate::state::State;
use crate::sys::{Errno, FileId, Stat};
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
    stat: Stat,
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
        // SAFETY: a C string, or a pointer that cannot be one.
        let is_borrowed =
            flags & libc::AT_EMPTY_PATH != 0 && unsafe { sys::c_bytes(path) } == Some(b"");
        let opened = if is_borrowed {
            Ok(dir)
        } else {
            // SAFETY: handed to the kernel as it is.
            unsafe { sys::openat(dir, path, libc::O_PATH | libc::O_CLOEXEC | nofollow, 0) }
        };
        let fd = match opened {
            Ok(fd) => fd,
            Err(error @ Errno(libc::EMFILE | libc::ENFILE)) => return Err(error),
            Err(_) => return Ok(None),
        };
        let Ok(stat) = sys::fstat(fd) else {
            if !is_borrowed {
                sys::close(fd);
            }
            return Ok(None);
        };
        let program = Self {
            fd,
            is_borrowed,
            stat,
        };
        // SAFETY: the empty string stands for the descriptor.
        let may_run = stat.is(libc::S_IFREG)
            && unsafe { sys::may_execute(fd, c"".as_ptr(), libc::AT_EMPTY_PATH, &stat) };
        Ok(may_run.then_some(program))
    }

    /// How the kernel would run it. A file that cannot be read cannot be vouched for.
    fn format(&self) -> Format {
        let mut link = Decimal::new(b"/proc/thread-self/fd/", self.fd as u32);
        // SAFETY: a C string on the stack.
        unsafe { elf::look(libc::AT_FDCWD, link.as_ptr()) }.unwrap_or(Format::Static)
    }

    /// Would it run with privileges that the caller has not got? Then the loader drops every preload (AT_SECURE, ld.so(8)).
    fn gains_privileges(&self) -> bool {
        let (user, group) = sys::effective_ids();
        let is_set = |bit: u32| self.stat.mode & bit != 0;
        let changes_id = is_set(libc::S_ISUID) && self.stat.user != user
            || is_set(libc::S_ISGID) && is_set(libc::S_IXGRP) && self.stat.group != group;
        let mut link = Decimal::new(b"/proc/thread-self/fd/", self.fd as u32);
        // SAFETY: a C string on the stack.
        (changes_id || user != 0 && unsafe { sys::has_capabilities(link.as_ptr()) })
            && !sys::has_no_new_privs()
    }

    /// Finds a program as execvp(3) does in the working directory `dir`: in the directories of PATH, unless the name has a slash.
    ///
    /// # Errors
    /// As for `open`.
    ///
    /// # Safety
    /// `file` is a C string, or a pointer that cannot be one.
    #[inline(never)]
    unsafe fn find(dir: c_int, file: *const c_char) -> Result<Option<Self>, Errno> {
        // SAFETY: the caller's promise; the live environment.
        let (Some(name), path) =
            (unsafe { (sys::c_bytes(file), env::value(env::current(), b"PATH")) })
        else {
            return Ok(None);
        };
        if name.contains(&b'/') || name.is_empty() {
            // SAFETY: as above.
            return unsafe { Self::open(dir, file, 0) };
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
                let found = unsafe { Self::open(dir, candidate.as_ptr(), 0) }?;
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
/// A file may stand for another one that runs in its place: a script for its interpreter, the program loader for the program
/// that it is given. Each of them is judged; the first that the policy does not like is the event.
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
    let Some(mut program) = program else {
        return Ok(());
    };
    let mut path = Name::new();
    let pid = sys::getpid();
    let main = state.is_main(pid);
    let mut stand_in = StandIn::None;
    let mut verdict;
    let mut step = 0;
    loop {
        let given = stand_in.name().unwrap_or(given);
        if path.read_descriptor(program.fd).is_err() {
            path.clear();
            path.push(given)?;
        }
        let same_program = state.program == Some(program.stat.id);
        verdict = if program.stat.links == 0 {
            state.decider.fileless()
        } else {
            ALLOWED
        };
        if verdict.outcome == Outcome::Allow {
            verdict = state.decider.process(&Process {
                path: path.as_bytes(),
                given,
                start,
                main,
                same_program,
            });
        }
        if verdict.outcome == Outcome::Allow && !same_program && program.gains_privileges() {
            verdict = state.decider.unfollowable();
        }
        if verdict.outcome != Outcome::Allow || same_program || step == elf::SCRIPTS_MAX {
            break;
        }
        step += 1;
        stand_in = match program.format() {
            Format::Dynamic => break,
            Format::Script(interpreter) => StandIn::Interpreter(interpreter),
            Format::Text => StandIn::Path(SHELL.to_bytes_with_nul()),
            Format::Static if elf::is_loader(base_name(path.as_bytes())) => {
                match loader_target(word) {
                    Some(target) => StandIn::Path(target),
                    None => break,
                }
            }
            Format::Static | Format::OtherMachine | Format::OtherLibc => {
                verdict = state.decider.unfollowable();
                break;
            }
        };
        // SAFETY: each of them is a C string: on the stack, a constant, or a word of the argument vector.
        match unsafe { Program::open(libc::AT_FDCWD, stand_in.as_ptr(), 0) }? {
            Some(next) => program = next,
            // The real call fails, and says why.
            None => break,
        }
    }
    if verdict.outcome < Outcome::Prevent && state.decider.judges_arguments() {
        verdict = judge_arguments(state, verdict, word);
    }
    let id = program.stat.id;
    drop(program);
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

const ALLOWED: Verdict<'static> = Verdict {
    outcome: Outcome::Allow,
    reason: Reason::Off,
    place: None,
    pattern: None,
};

#[expect(
    clippy::large_enum_variant,
    reason = "a hook has no heap to put the larger one on"
)]
/// What runs in place of a file.
enum StandIn<'a> {
    /// Nothing: the file itself.
    None,
    /// The interpreter that a script names.
    Interpreter(Interpreter),
    /// A program, by its path; a C string, with its NUL or with one behind it.
    Path(&'a [u8]),
}

impl StandIn<'_> {
    fn name(&self) -> Option<&[u8]> {
        match self {
            Self::None => None,
            Self::Interpreter(interpreter) => Some(interpreter.as_bytes()),
            Self::Path(path) => Some(path.strip_suffix(b"\0").unwrap_or(path)),
        }
    }

    fn as_ptr(&self) -> *const c_char {
        match self {
            Self::None => core::ptr::null(),
            Self::Interpreter(interpreter) => interpreter.as_ptr(),
            Self::Path(path) => path.as_ptr().cast(),
        }
    }
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// The program that ld.so(8) is told to run: the first word behind its options.
fn loader_target<'a>(word: Words<'a>) -> Option<&'a [u8]> {
    /// Options that take the next word.
    const WITH_VALUE: [&[u8]; 7] = [
        b"--library-path",
        b"--inhibit-rpath",
        b"--audit",
        b"--preload",
        b"--argv0",
        b"--glibc-hwcaps-prepend",
        b"--glibc-hwcaps-mask",
    ];
    let mut words = (0..).map_while(word).skip(1);
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(&word) {
            words.next();
        } else if !word.starts_with(b"--") {
            return Some(word);
        }
    }
    None
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

    let base = base_name(given);
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
    if !sys::may_point(argv) {
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
    /// `execvp(3)`: by PATH, from a working directory.
    Searched(c_int, *const c_char),
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
                Target::Searched(dir, file) => (Program::find(dir, file)?, sys::c_bytes(file)),
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
    exec_result(unsafe {
        start(
            Target::Searched(libc::AT_FDCWD, file),
            argv,
            envp,
            Start::Exec,
            act,
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
    if argv.is_null() || envp.is_null() {
        // Unlike execve(2), glibc takes no null pointer here.
        return finish(Err(Errno(libc::EINVAL)));
    }
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
        execve(path, argv, (*argv.add(count + 1)).cast())
    }
}

/// Where a child of posix_spawn(3) is when it runs its program: its file actions may have moved it.
enum Place {
    /// Where the caller is, or in a directory that the caller has open.
    Known(c_int),
    /// In a directory that it was told to go to.
    Moved(Pin),
}

/// struct posix_spawn_file_actions_t of glibc, the same since 2.1: how many, and an array of them.
#[repr(C)]
struct FileActions {
    allocated: c_int,
    used: c_int,
    actions: *const FileAction,
}

/// struct __spawn_action of glibc: what, and then the arguments.
#[repr(C)]
struct FileAction {
    tag: c_int,
    _padding: c_int,
    /// The descriptor of an open and of a fchdir, or the low half of a path.
    first: [c_int; 2],
    path: *const c_char,
    flags: c_int,
}

impl Place {
    fn dir(&self) -> c_int {
        match self {
            Self::Known(dir) => *dir,
            Self::Moved(pin) => pin.descriptor(),
        }
    }

    /// Follows the file actions, and judges the files that they open inside libc.
    ///
    /// # Errors
    /// `EACCES`: a file is refused.
    ///
    /// # Safety
    /// `actions` is null, or was filled by posix_spawn_file_actions_init(3) and its kin.
    unsafe fn after(actions: *const posix_spawn_file_actions_t) -> Result<Self, Errno> {
        /// The tags that matter here.
        const OPEN: c_int = 2;
        const CHDIR: c_int = 3;
        const FCHDIR: c_int = 4;
        let mut place = Self::Known(libc::AT_FDCWD);
        if state::judging_at_all().is_none() || !sys::may_point(actions) {
            return Ok(place);
        }
        // SAFETY: the caller's promise: glibc's layout.
        let list = unsafe { &*actions.cast::<FileActions>() };
        for index in 0..usize::try_from(list.used).unwrap_or(0) {
            // SAFETY: as many as are used.
            let action = unsafe { &*list.actions.add(index) };
            let mut name = Name::new();
            // The path of a chdir is where an open has its descriptor.
            let [low, high] = action.first;
            let path = match action.tag {
                OPEN => action.path,
                CHDIR => (u64::from(low as u32) | u64::from(high as u32) << 32) as *const c_char,
                FCHDIR => {
                    place = Self::Known(low);
                    continue;
                }
                _ => continue,
            };
            // SAFETY: a C string that libc has copied.
            let is_usable =
                unsafe { sys::c_bytes(path) }.is_some_and(|path| name.push(path).is_ok());
            if !is_usable {
                continue;
            }
            if action.tag == CHDIR {
                // If it cannot be entered, the spawn fails and nothing runs.
                if let Ok(pin) = Pin::open(place.dir(), &mut name, libc::O_DIRECTORY) {
                    place = Self::Moved(pin);
                }
            } else if let Some(state) = state::judging(Section::Filesystem)
                && let Err(REFUSED) = resolve(state, place.dir(), &mut name, action.flags)
            {
                return Err(REFUSED);
            }
        }
        Ok(place)
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
            let act = |envp| match table::$name::next() {
                // SAFETY: the caller's arguments.
                Some(next) => unsafe { next(pid, path, actions, attributes, argv, envp) },
                None => libc::ENOSYS,
            };
            // SAFETY: the caller's arguments.
            let started = unsafe { Place::after(actions) }.and_then(|place| unsafe {
                start($target(place.dir(), path), argv, envp, Start::Spawn, act)
            });
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
            let judged = if unsafe { is_popen_mode(mode) } { unsafe { shell(command) } } else { Ok(()) };
            match (judged, table::$name::next()) {
                // SAFETY: the caller's arguments.
                (Ok(()), Some(next)) => unsafe { next(command, mode) },
                (result, _) => {
                    finish(Err(result.err().unwrap_or(Errno(libc::ENOSYS))));
                    core::ptr::null_mut()
                }
            }
        }
    )*};
}

popens! { popen _IO_popen }

/// Does popen(3) take this mode? It fails by itself if not.
///
/// # Safety
/// `mode` is a C string, or a pointer that cannot be one.
unsafe fn is_popen_mode(mode: *const c_char) -> bool {
    // SAFETY: the caller's promise.
    let mode = unsafe { sys::c_bytes(mode) }.unwrap_or_default();
    mode.iter().all(|byte| matches!(byte, b'r' | b'w' | b'e'))
        && mode.contains(&b'r') != mode.contains(&b'w')
}

/// `wordexp(3)`: a command substitution is a shell. Refused, it fails as if `WRDE_NOCMD` had been given.
///
/// # Safety
/// As its manual page says.
pub unsafe fn wordexp(words: *const c_char, result: *mut c_void, flags: c_int) -> c_int {
    /// Of wordexp.h.
    const WRDE_NOCMD: c_int = 1 << 2;
    const WRDE_CMDSUB: c_int = 4;
    // SAFETY: the caller's arguments.
    unsafe {
        let text = sys::c_bytes(words).unwrap_or_default();
        let substitutes = text.contains(&b'`') || text.windows(2).any(|pair| pair == b"$(");
        if flags & WRDE_NOCMD == 0 && substitutes && shell(words).is_err() {
            return WRDE_CMDSUB;
        }
        match table::wordexp::next() {
            Some(next) => next(words, result, flags),
            None => WRDE_CMDSUB,
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
