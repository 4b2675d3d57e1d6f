//! Which program an exec or a spawn would run, and the verdict on it.

use core::cell::Cell;
use core::ffi::{c_char, c_int};
use core::sync::atomic::{AtomicU64, Ordering};

use palisade_audit::{Subject, Text};
use palisade_policy::event::{Outcome, Process, Reason, Section, Start, Verdict};

use super::spawn::View;
use super::{REFUSED, links};
use crate::elf::{self, Format};
use crate::env::Library;
use crate::path::{self, Decimal, Name, PATH_MAX, base_name};
use crate::room::{self, UNSEEN};
use crate::state::State;
use crate::sys::{Errno, FileId, Stat};
use crate::{env, report, sys};

/// The shell of system(3) and popen(3): _PATH_BSHELL of paths.h.
pub const SHELL: &core::ffi::CStr = c"/bin/sh";

/// Where execvp(3) looks if there is no PATH: confstr(3) `_CS_PATH`.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// An open program: `O_PATH`, so that opening it reads nothing, blocks on nothing and needs no permission.
pub struct Program {
    fd: c_int,
    /// The descriptor is the caller's: closing a copy of it would release the caller's record locks (fcntl_locking(2)).
    is_borrowed: bool,
    stat: Stat,
    /// Where it was found in PATH, the number of the directory behind that one; 0 where it was not looked for there.
    behind: usize,
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.is_borrowed {
            sys::close(self.fd);
        }
    }
}

impl Program {
    /// Opens what an exec of that name would run, as it is seen from here. `Ok(None)`: nothing would run, and the real call says why.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`: nothing can be said about the program, for want of a descriptor. [`UNSEEN`]: nothing at all.
    ///
    /// # Safety
    /// `path` may be any pointer: the kernel checks it.
    #[inline(always)]
    pub unsafe fn open(
        dir: c_int,
        path: *const c_char,
        flags: c_int,
        view: View<'_>,
    ) -> Result<Option<Self>, Errno> {
        // SAFETY: the caller's promise.
        unsafe { Self::hold(dir, path, flags, view, true) }
    }

    /// The same. Not `is_executed`: what the loader reads may be a program that nobody may execute.
    ///
    /// # Errors
    /// As for `open`.
    ///
    /// # Safety
    /// As for `open`.
    #[inline(never)]
    unsafe fn hold(
        dir: c_int,
        path: *const c_char,
        flags: c_int,
        view: View<'_>,
        is_executed: bool,
    ) -> Result<Option<Self>, Errno> {
        let nofollow = if flags & libc::AT_SYMLINK_NOFOLLOW == 0 {
            0
        } else {
            libc::O_NOFOLLOW
        };
        // SAFETY: a C string, or a bad pointer.
        let given = unsafe { sys::c_bytes(path) };
        let is_borrowed = flags & libc::AT_EMPTY_PATH != 0 && given == Some(b"");
        if view.is_apart && given.is_some_and(|given| room::leads_by_thread(dir, given)) {
            return Err(UNSEEN);
        }
        // SAFETY: the caller's promise.
        let mut meaning = unsafe { view.meaning(dir, path) }?;
        let path = meaning.as_ptr(path);
        let opened = if is_borrowed {
            Ok(dir)
        } else {
            // SAFETY: handed to the kernel as it is.
            unsafe { sys::openat(dir, path, libc::O_PATH | libc::O_CLOEXEC | nofollow, 0) }
        };
        let fd = match opened {
            Ok(fd) => fd,
            Err(error) if room::is_lacking(error) => return Err(error),
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
            behind: 0,
        };
        // SAFETY: the empty string stands for the descriptor.
        let may_run = stat.is(libc::S_IFREG)
            && (!is_executed
                || unsafe { sys::may_execute(fd, c"".as_ptr(), libc::AT_EMPTY_PATH, &stat) });
        Ok(may_run.then_some(program))
    }

    /// Is it still held? Another thread may close every descriptor that it does not know, and what is found out by way of the number is
    /// about something else from then on.
    fn is_held(&self) -> bool {
        sys::fstat(self.fd).is_ok_and(|stat| stat.id == self.stat.id)
    }

    /// How the kernel would run it. A file that cannot be read cannot be vouched for. `may_retry`: there is another attempt, so that
    /// what can come of a descriptor which another thread has closed need not be taken for an answer.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`: nothing can be said about the program. `None`: what was looked at was not it.
    ///
    /// It is written into `format`, which lies where its reader has room: a line is written above that.
    #[inline(never)]
    fn format(&self, may_retry: bool, format: &mut Format) -> Result<(), Option<Errno>> {
        let mut link = Decimal::new(b"/proc/thread-self/fd/", self.fd as u32);
        // SAFETY: a C string on the stack.
        *format = match unsafe { elf::look_at(libc::AT_FDCWD, link.as_ptr()) } {
            Ok((format, file)) if file == Some(self.stat.id) => format,
            Ok(_) => return Err(None),
            Err(error) if room::is_lacking(error) => return Err(Some(error)),
            Err(Errno(libc::ENOENT)) if may_retry => return Err(None),
            Err(_) => Format::Static,
        };
        Ok(())
    }

    /// Finds its own name, and how the kernel would run it, from the name that it was `given`: links are taken out of that until the kernel proves
    /// that what is left has none, and it has to lead to this very file. `false`: it has to be asked for in /proc, where each descriptor gets
    /// an inode of its own for the while. After another program has run, that took longer than all other calls of the judgement.
    #[inline(never)]
    fn is_found_by(&self, given: &[u8], path: &mut Name, format: &mut Format) -> bool {
        /// A file behind a longer chain of links is asked for in /proc.
        const STEPS: usize = 4;
        path.clear();
        if !path::is_plain(given) || path.push(given).is_err() {
            return false;
        }
        let has_led = links::has_led(given);
        let mut leads = has_led;
        for _ in 0..=STEPS {
            if leads && path.follow_first(libc::AT_FDCWD).is_err() {
                // Somebody has changed something.
                links::note(given, false);
                return false;
            }
            if !path::is_plain(path.as_bytes()) {
                return false;
            }
            // SAFETY: a C string of ours.
            match unsafe { elf::look_without_links(path.as_ptr()) } {
                Ok((found, file)) if file == Some(self.stat.id) => {
                    if leads && !has_led {
                        links::note(given, true);
                    }
                    *format = found;
                    return true;
                }
                Err(Errno(libc::ELOOP)) => leads = true,
                _ => return false,
            }
        }
        false
    }

    /// Does a plain name lead to it? Then that says, too, how the kernel would run it, and it need not be asked for in /proc.
    ///
    /// # Safety
    /// `name` is a C string that nobody changes meanwhile, or a bad pointer.
    unsafe fn is_named(&self, name: *const c_char, format: &mut Format) -> bool {
        // SAFETY: the caller's promise.
        let is_plain = unsafe { sys::c_bytes(name) }.is_some_and(path::is_plain);
        // SAFETY: as above.
        is_plain
            && unsafe { elf::look_at(libc::AT_FDCWD, name) }.is_ok_and(|(found, file)| {
                *format = found;
                file == Some(self.stat.id)
            })
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

    /// Finds a program as execvp(3) does in the working directory `dir`: in the directories of PATH from number `from` on, unless the name has a
    /// slash.
    ///
    /// # Errors
    /// As for `open`.
    ///
    /// # Safety
    /// `file` is a C string that nobody changes meanwhile, or a bad pointer.
    #[inline(never)]
    pub unsafe fn find(
        dir: c_int,
        file: *const c_char,
        from: usize,
        view: View<'_>,
    ) -> Result<Option<Self>, Errno> {
        /// A directory of PATH and a name are almost always shorter together.
        const SHORT: usize = 256;
        /// Of limits.h: no file has a longer name.
        const NAME_MAX: usize = 255;
        // SAFETY: the caller's promise; the live environment.
        let (Some(name), path) =
            (unsafe { (sys::c_bytes(file), env::value(env::current(), b"PATH")) })
        else {
            return Ok(None);
        };
        if name.contains(&b'/') || name.is_empty() {
            // SAFETY: as above.
            return unsafe { Self::open(dir, file, 0, view) };
        }
        if name.len() > NAME_MAX {
            // libc says so.
            return Ok(None);
        }
        let path = path.unwrap_or(DEFAULT_PATH);
        match Self::find_in::<SHORT>(dir, (path, from), name, view) {
            Err(Errno(libc::ENAMETOOLONG)) => {
                Self::find_in::<PATH_MAX>(dir, (path, from), name, view)
            }
            found => found,
        }
    }

    /// Finds it in these directories, by paths of less than `N` bytes.
    ///
    /// # Errors
    /// As for `open`; `ENAMETOOLONG`: one is longer, and yet not too long for the kernel. Those that are, it passes over.
    #[inline(never)]
    fn find_in<const N: usize>(
        dir: c_int,
        (path, from): (&[u8], usize),
        name: &[u8],
        view: View<'_>,
    ) -> Result<Option<Self>, Errno> {
        let mut candidate = path::Text::<N>::new();
        let directories = path.split(|byte| *byte == b':').enumerate();
        for (number, directory) in directories.skip(from) {
            candidate.clear();
            let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
            let mut parts = [directory, slash, name].into_iter();
            if let Err(error) = parts.try_for_each(|part| candidate.push(part)) {
                if N < PATH_MAX {
                    return Err(error);
                }
                if directory.len() < PATH_MAX {
                    continue;
                }
                // glibc takes such a directory for the one that it is in.
                candidate.clear();
                if candidate.push(name).is_err() {
                    continue;
                }
            }
            // SAFETY: a C string on the stack.
            let mut found = unsafe { Self::open(dir, candidate.as_ptr(), 0, view) }?;
            if let Some(found) = &mut found {
                found.behind = number + 1;
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// Opens the program that is asked for: from the directory of that number on, where it is looked for in PATH.
pub type Opens<'a> = &'a dyn Fn(usize) -> Result<Option<Program>, Errno>;

/// The words of a command, by index from 0; `None` behind the last.
pub type Words<'a> = &'a dyn Fn(usize) -> Option<&'a [u8]>;

/// What is asked for: the words of the command, the name of the program, and where it is to be started, as the first argument of a call in `…at`.
pub struct Request<'a> {
    /// The words of the command.
    pub word: Words<'a>,
    /// The name of the program, as it was given.
    pub given: &'a [u8],
    /// In place of this process, or beside it.
    pub start: Start,
    /// Does the child get the library? Written by the judgement; `None` where it did not come to look.
    pub library: Cell<Option<Library>>,
}

/// Judges the start of a program, also where the process has left no descriptor to look with. `judge` is told whether it is called in a thread
/// with [other descriptors](room::apart), among which are those that `is_kept` names.
///
/// # Errors
/// `EACCES`: refused. `ENFILE`, as execve(2) itself would have it. Others of `judge`.
pub fn judged(
    state: &State,
    request: &Request<'_>,
    is_kept: &dyn Fn(c_int) -> bool,
    judge: &mut dyn FnMut(bool) -> Result<(), Errno>,
) -> Result<(), Errno> {
    match judge(false) {
        Err(error @ (Errno(libc::EMFILE) | UNSEEN)) => {
            judged_apart(state, request, is_kept, error, judge)
        }
        result => result,
    }
}

#[cold]
#[inline(never)]
fn judged_apart(
    state: &State,
    request: &Request<'_>,
    is_kept: &dyn Fn(c_int) -> bool,
    error: Errno,
    judge: &mut dyn FnMut(bool) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let judged = if error == UNSEEN {
        Err(error)
    } else {
        room::apart(is_kept, &mut || judge(true))
    };
    match judged {
        Err(Errno(libc::EMFILE) | UNSEEN) => {
            let word = |index| (request.word)(index);
            let subject = Subject::Process {
                path: request.given,
                command: Text::Words(&word),
            };
            let verdict = state.decider.unseen(Section::Processes);
            report::settle(state, Section::Processes, &verdict, subject)
        }
        result => result,
    }
}

/// Judges the start of the program that `open` holds, and reports what there is to report. `cwd`: the working directory that it is
/// started in, as the first argument of a call in `…at`. Where libc would go on with the next directory of PATH, because the kernel cannot start
/// what is found in one, so does this.
///
/// # Errors
/// `EACCES`: refused. Those of `open`; `EMFILE` where another thread closes whatever is opened.
#[inline(never)]
pub fn judge(
    state: &State,
    request: &Request<'_>,
    cwd: c_int,
    view: View<'_>,
    open: Opens<'_>,
) -> Result<(), Errno> {
    /// More often than any honest thread closes everything in a row.
    const ATTEMPTS: usize = 100;
    let (mut from, mut attempt) = (0, 1);
    while attempt <= ATTEMPTS {
        let may_retry = attempt < ATTEMPTS;
        match judge_held(state, (open, from), request, cwd, view, may_retry) {
            Err(None) => attempt += 1,
            Err(Some(errno)) => return Err(errno),
            Ok(0) => return Ok(()),
            Ok(behind) => from = behind,
        }
    }
    Err(Errno(libc::EMFILE))
}

/// Judges the start of the program that `open` holds and reports what there is to report. Gives the number of the directory in PATH where libc goes
/// on if that cannot be started, or 0.
///
/// A file may stand for another one that runs in its place: a script for its interpreter, the program loader for the program
/// that it is given. Each of them is judged; the first that the policy does not like is the event.
///
/// # Errors
/// `EACCES`: refused. Those of `open` and [`Program::format`]; `None`: it is held no more, and nothing has been reported.
#[inline(never)]
fn judge_held(
    state: &State,
    (open, from): (Opens<'_>, usize),
    request: &Request<'_>,
    cwd: c_int,
    view: View<'_>,
    may_retry: bool,
) -> Result<usize, Option<Errno>> {
    /// A file without a first line, which the shell gets, as many scripts as the kernel follows, and the program behind them.
    const STEPS_MAX: usize = 1 + elf::SCRIPTS_MAX + 1;
    let Request {
        word, given, start, ..
    } = *request;
    request.library.set(Some(Library::Given));
    let Some(mut program) = open(from).map_err(Some)? else {
        return Ok(0);
    };
    let (behind, mut goes_on) = (program.behind, 0);
    let mut path = Name::new();
    let pid = sys::getpid();
    let main = state.is_main(pid);
    let mut format = Format::Text;
    let mut stand_in = StandIn::None;
    if start == Start::Spawn
        && main
        && state.origin.program.ends_with(JAVA)
        && path.read_descriptor(program.fd).is_ok()
        && is_launcher(state.origin.program, path.as_bytes())
    {
        return Ok(0);
    }
    let mut verdict;
    let mut step = 0;
    // Nothing has been found out by its descriptor since that was last looked at.
    let mut is_sure = false;
    loop {
        let is_known = step == 0 && program.is_found_by(given, &mut path, &mut format);
        let given = match stand_in {
            StandIn::None => given,
            _ => stand_in.name(&format).unwrap_or(given),
        };
        if !is_known && path.read_descriptor(program.fd).is_err() {
            path.clear();
            path.push(given).map_err(Some)?;
        }
        let same_program = state.runs(program.stat.id);
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
            verdict = unfollowable(state);
        }
        // The loader is another program with each that it is given; and in PATH there may be one behind it.
        let is_itself = same_program && behind == 0 && !elf::is_loader(base_name(path.as_bytes()));
        if verdict.outcome != Outcome::Allow || is_itself || step == STEPS_MAX {
            if !is_itself {
                request.library.set(None);
            }
            break;
        }
        step += 1;
        let is_given = matches!(stand_in, StandIn::None);
        if !is_known {
            program.format(may_retry, &mut format)?;
        }
        if !program.is_held() {
            return Err(None);
        }
        is_sure = true;
        if state.learns && matches!(format, Format::Script(_) | Format::Text) {
            // What runs in its place is an act of its own.
            settle(state, &verdict, &path, word).map_err(Some)?;
        }
        stand_in = match format {
            Format::Dynamic(loader) | Format::OtherLibc(loader) => {
                if behind != 0 && !loader.is_there(cwd) {
                    goes_on = behind;
                }
                if matches!(format, Format::OtherLibc(_)) {
                    request.library.set(Some(library_for(&format, cwd)));
                    verdict = unfollowable(state);
                }
                break;
            }
            Format::Script(_) => StandIn::Interpreter,
            Format::Text => StandIn::Path(SHELL.to_bytes_with_nul()),
            // As the interpreter of a script it would be told by the script what to run.
            Format::Library if is_given && elf::is_loader(base_name(path.as_bytes())) => {
                match loader_target(word) {
                    Some(target) => StandIn::Path(target),
                    None => break,
                }
            }
            Format::Static | Format::Library | Format::OtherMachine => {
                verdict = unfollowable(state);
                break;
            }
        };
        // What the loader is given needs not be executable, and if it is not there, the loader says so.
        let is_loaded = matches!(format, Format::Library);
        let name = stand_in.as_ptr(&format);
        // SAFETY: each of them is a C string: on the stack, a constant, or a word of the argument vector.
        let next = unsafe { Program::hold(cwd, name, 0, view, !is_loaded) };
        match next.map_err(Some)? {
            Some(next) => {
                program = next;
                is_sure = false;
            }
            // The real call fails, and says why.
            None => {
                if !is_loaded {
                    goes_on = behind;
                }
                break;
            }
        }
    }
    if !is_sure && !program.is_held() {
        return Err(None);
    }
    if state.outcome(&verdict) < Outcome::Prevent && state.decider.judges_arguments() {
        verdict = judge_arguments(state, verdict, word);
    }
    let id = program.stat.id;
    drop(program);
    if start == Start::Exec && verdict.outcome != Outcome::Allow && is_repeat(pid, id, given) {
        return if state.outcome(&verdict) == Outcome::Prevent {
            Err(Some(REFUSED))
        } else {
            Ok(goes_on)
        };
    }
    if state.learns && main && start == Start::Exec && state.runs(id) {
        // A program may always turn into itself.
        return Ok(0);
    }
    settle(state, &verdict, &path, word).map_err(Some)?;
    Ok(goes_on)
}

/// Does a program of that format get the library?
fn library_for(format: &Format, cwd: c_int) -> Library {
    match format {
        Format::OtherLibc(loader) if loader.is_of_musl(cwd) => Library::Withheld,
        _ => Library::Given,
    }
}

/// Does the program get the library that `open` opens, or the one that runs in its place? It does where nothing can be said. `given` and `cwd` are
/// those of [`judge`].
///
/// # Safety
/// `given` is a C string that nobody changes meanwhile, or a bad pointer.
#[cold]
#[inline(never)]
pub unsafe fn look_for_library(
    open: Opens<'_>,
    given: *const c_char,
    cwd: c_int,
    view: View<'_>,
) -> Library {
    let (mut opened, mut format, mut behind) = (open(0), Format::Text, 0);
    let mut step = 0;
    while let Ok(Some(program)) = opened {
        if step == 0 {
            behind = program.behind;
        }
        // SAFETY: the caller's promise.
        let is_named = step == 0 && unsafe { program.is_named(given, &mut format) };
        if !is_named && program.format(false, &mut format).is_err() {
            break;
        }
        drop(program);
        step += 1;
        match &format {
            Format::Script(interpreter) if step <= elf::SCRIPTS_MAX => {
                // SAFETY: a C string on the stack.
                opened = unsafe { Program::open(cwd, interpreter.as_ptr(), 0, view) };
                if !matches!(opened, Ok(None)) || behind == 0 {
                    continue;
                }
            }
            Format::Dynamic(loader) | Format::OtherLibc(loader)
                if behind != 0 && !loader.is_there(cwd) => {}
            _ => return library_for(&format, cwd),
        }
        // It cannot be started, and libc goes on.
        (opened, step) = (open(behind), 0);
    }
    Library::Given
}

#[inline(never)]
fn settle(state: &State, verdict: &Verdict<'_>, path: &Name, word: Words<'_>) -> Result<(), Errno> {
    let word = |index| word(index);
    let subject = Subject::Process {
        path: path.as_bytes(),
        command: Text::Words(&word),
    };
    report::settle(state, Section::Processes, verdict, subject)
}

/// The verdict on a program that the library cannot be loaded into; who learns notes that it is one.
#[cold]
#[inline(never)]
fn unfollowable(state: &State) -> Verdict<'_> {
    let mut verdict = state.decider.unfollowable();
    if state.learns {
        verdict.reason = Reason::UnfollowableProgram;
    }
    verdict
}

/// How the path of the main process ends that may have such a helper.
const JAVA: &[u8] = b"/bin/java";

/// Is this the helper of the JDK's own installation, which starts every program for it (JDK 12 and later, `jspawnhelper`)? It gets the library like
/// any child, and what it executes is judged then, once, under its own name.
fn is_launcher(main: &[u8], path: &[u8]) -> bool {
    let installation = main.strip_suffix(JAVA);
    installation
        .is_some_and(|installation| path.strip_prefix(installation) == Some(b"/lib/jspawnhelper"))
}

const ALLOWED: Verdict<'static> = Verdict::new(Outcome::Allow, Reason::Off);

/// What runs in place of a file.
enum StandIn<'a> {
    /// Nothing: the file itself.
    None,
    /// The interpreter that a script names, which is its format.
    Interpreter,
    /// A program, by its path; a C string, with its NUL or with one behind it.
    Path(&'a [u8]),
}

impl StandIn<'_> {
    fn name<'a>(&'a self, format: &'a Format) -> Option<&'a [u8]> {
        match (self, format) {
            (Self::Interpreter, Format::Script(interpreter)) => Some(interpreter.as_bytes()),
            (Self::Path(path), _) => Some(path.strip_suffix(b"\0").unwrap_or(path)),
            _ => None,
        }
    }

    fn as_ptr(&self, format: &Format) -> *const c_char {
        match (self, format) {
            (Self::Interpreter, Format::Script(interpreter)) => interpreter.as_ptr(),
            (Self::Path(path), _) => path.as_ptr().cast(),
            _ => core::ptr::null(),
        }
    }
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
#[inline(never)]
fn hash_on(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |h, byte| {
        (h ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
