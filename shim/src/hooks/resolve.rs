//! From a name to the file it leads to, and the verdict on that file.
//!
//! Nothing here reads, creates or truncates anything: a file is pinned by `O_PATH`, named by the kernel and judged; only then
//! is it opened, as that very file.

use core::ffi::{c_int, c_uint};
use core::sync::atomic::{AtomicBool, Ordering};

use palisade_audit::Subject;
use palisade_policy::event::{Access, File, Outcome, Reason, Section, Verdict};

use crate::path::{self, DELETED, Decimal, Name};
use crate::state::State;
use crate::sys::{Errno, Stat};
use crate::{report, room, state, sys};

/// NAME_MAX of Linux (limits.h): a component, without a NUL.
pub const COMPONENT_MAX: usize = 255;

/// MAXSYMLINKS of Linux: path_resolution(7).
pub const LINKS_MAX: usize = 40;

/// The flags that openat2(2) knows; open(2) ignores all others.
pub const KNOWN_FLAGS: c_int = libc::O_ACCMODE
    | libc::O_CREAT
    | libc::O_EXCL
    | libc::O_NOCTTY
    | libc::O_TRUNC
    | libc::O_APPEND
    | libc::O_NONBLOCK
    | libc::O_SYNC
    | libc::O_DSYNC
    | libc::O_ASYNC
    | libc::O_DIRECT
    | libc::O_DIRECTORY
    | libc::O_NOFOLLOW
    | libc::O_NOATIME
    | libc::O_CLOEXEC
    | libc::O_TMPFILE;

/// Does this open create what is not there? `mode` counts only then.
pub const fn creates(flags: c_int) -> bool {
    flags & libc::O_CREAT != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE
}

/// What the flags do to a file that is there.
pub const fn access(flags: c_int) -> Access {
    match flags & libc::O_ACCMODE {
        libc::O_RDONLY if flags & libc::O_TRUNC == 0 => Access::Read,
        libc::O_WRONLY => Access::Write,
        _ => Access::ReadWrite,
    }
}

/// What the flags do to a file that has to be created first.
pub const fn access_of_new(flags: c_int) -> Access {
    match access(flags) {
        Access::Write => Access::Write,
        Access::Read | Access::ReadWrite => Access::ReadWrite,
    }
}

/// The verdict on a resolved name.
#[inline]
fn verdict<'a>(state: &'a State, path: &[u8], access: Access) -> Verdict<'a> {
    if path.starts_with(b"/proc/") {
        verdict_in_proc(state, path, access)
    } else {
        state.decider.file(&File {
            path,
            alias: None,
            access,
        })
    }
}

/// Files of /proc have a second name; and who writes to the memory of a process writes over the hooks.
#[inline(never)]
fn verdict_in_proc<'a>(state: &'a State, path: &[u8], access: Access) -> Verdict<'a> {
    if access != Access::Read && is_memory(path) {
        return state.decider.guard(Reason::MemoryWrite);
    }
    let mut room = Name::new();
    let alias = path::proc_alias(path, sys::getpid(), &mut room);
    state.decider.file(&File {
        path,
        alias,
        access,
    })
}

/// Judges a resolved name and reports what there is to report. `place` is the file itself, or the directory that it would be in.
///
/// # Errors
/// `EACCES`: refused. `EROFS`: it would have been, but nobody can write there: interpreters try to cache what they compiled beside
/// a function's code, and that is no attack.
pub fn judge(state: &State, place: &Pin, path: &[u8], access: Access) -> Result<(), Errno> {
    let verdict = verdict(state, path, access);
    if access != Access::Read
        && (verdict.outcome != Outcome::Allow || state.learns)
        && sys::is_read_only(place.0)
    {
        // Who learns lets the real call say so; no policy needs an entry for it.
        return if state.learns {
            Ok(())
        } else {
            Err(Errno(libc::EROFS))
        };
    }
    report::settle(
        state,
        Section::Filesystem,
        &verdict,
        Subject::File { path, access },
    )
}

/// Reports a file that was opened under its own name, by a process that learns: whose policy allows everything.
#[inline(never)]
pub fn learn(state: &State, path: &[u8], access: Access) {
    let verdict = verdict(state, path, access);
    // It cannot be refused.
    let _ = report::settle(
        state,
        Section::Filesystem,
        &verdict,
        Subject::File { path, access },
    );
}

/// Is this the memory of a process (proc_pid_mem(5))?
pub fn is_memory(path: &[u8]) -> bool {
    path.starts_with(b"/proc/") && path.ends_with(b"/mem")
}

/// Has this process opened the memory of one for reading? Then a descriptor of it may be opened again for writing, under whatever name
/// leads there.
static HOLDS_MEMORY: AtomicBool = AtomicBool::new(false);

/// The value if an open of that name is anybody's concern: always while the `filesystem` section is on; and otherwise, while any
/// other is, if it could write to the memory of a process.
#[inline]
pub fn concerned(given: &[u8], flags: c_int) -> Option<&'static State> {
    state::judging(Section::Filesystem)
        .or_else(|| state::judging_at_all().filter(|_| may_be_memory(given, flags)))
}

/// Could that open write to the memory of a process? By its own name; by the number of a descriptor, or by what stands for one in /dev. Links
/// to it are judged when they are made. No system call is made to find out: whoever has the section off pays for none.
fn may_be_memory(given: &[u8], flags: c_int) -> bool {
    note_memory(given);
    let last = path::base_name(given);
    flags & libc::O_ACCMODE != libc::O_RDONLY
        && (HOLDS_MEMORY.load(Ordering::Relaxed)
            || last.iter().all(u8::is_ascii_digit)
            || last.starts_with(b"std"))
}

/// Notes that a descriptor of the memory of a process may be there from now on.
pub fn note_memory(given: &[u8]) {
    if path::base_name(given) == b"mem" {
        HOLDS_MEMORY.store(true, Ordering::Relaxed);
    }
}

/// Would the name be allowed if no component of it were a link?
pub fn is_allowed_as_written(state: &State, dir: c_int, name: &[u8], access: Access) -> bool {
    if path::is_plain(name) {
        return is_allowed(state, name, access);
    }
    is_allowed_in_other_words(state, dir, name, access)
}

#[inline(never)]
fn is_allowed_in_other_words(state: &State, dir: c_int, name: &[u8], access: Access) -> bool {
    let mut whole = Name::new();
    let is_based = name.first() == Some(&b'/') || path::base_of(dir, &mut whole).is_ok();
    is_based && whole.push_components(name).is_ok() && is_allowed(state, whole.as_bytes(), access)
}

/// Does the policy allow a file of that name, if it is its own?
#[inline(never)]
fn is_allowed(state: &State, path: &[u8], access: Access) -> bool {
    if path.starts_with(b"/proc/") {
        return verdict_in_proc(state, path, access).outcome == Outcome::Allow;
    }
    state.decider.allows_file(&File {
        path,
        alias: None,
        access,
    })
}

/// A file held by `O_PATH`: it can be named and opened, and nothing has happened to it.
pub struct Pin(c_int);

impl Drop for Pin {
    fn drop(&mut self) {
        sys::close(self.0);
    }
}

/// A component of a path, as a C string.
pub type Component = [u8; COMPONENT_MAX + 1];

impl Pin {
    /// Holds the file that `name` leads to.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(dir: c_int, name: &mut Name, flags: c_int) -> Result<Self, Errno> {
        // SAFETY: a C string of ours.
        unsafe {
            sys::openat(
                dir,
                name.as_ptr(),
                libc::O_PATH | libc::O_CLOEXEC | flags,
                0,
            )
        }
        .map(Self)
    }

    /// Its descriptor, as long as it lives.
    pub const fn descriptor(&self) -> c_int {
        self.0
    }

    /// Holds the directory of a path, and gives the last component, which nothing has been asked about yet. The path is cut to
    /// its directory.
    ///
    /// # Errors
    /// `None`: the path ends in `.`, `..` or a slash. Otherwise those of open(2).
    pub fn parent(dir: c_int, name: &mut Name) -> Option<Result<(Self, Component), Errno>> {
        let (parent, last) = path::split_last(name.as_bytes())?;
        let mut component = [0; COMPONENT_MAX + 1];
        if last.len() > COMPONENT_MAX {
            return Some(Err(Errno(libc::ENAMETOOLONG)));
        }
        component
            .iter_mut()
            .zip(last)
            .for_each(|(to, from)| *to = *from);
        let parent = parent.len();
        name.truncate(parent);
        if parent == 0
            && let Err(error) = name.push(b".")
        {
            return Some(Err(error));
        }
        Some(Self::open(dir, name, libc::O_DIRECTORY).map(|pin| (pin, component)))
    }

    /// Writes the name that the kernel has for it into `name`, which holds the one it was found by, starting from `dir`. `true` if
    /// that can be used as a path.
    ///
    /// Where /proc is not mounted, the name stays in its own words. What has no name that a system call would take, because
    /// it is too long, gets one that no entry of a policy but `/**` and its like can mean: it is refused by an allow list, and a
    /// deny list knows no such file.
    fn describe(&self, dir: c_int, name: &mut Name) -> bool {
        match name.read_descriptor(self.0) {
            Ok(()) => return true,
            Err(Errno(libc::ENAMETOOLONG)) => {}
            Err(_) if name.as_bytes().first() == Some(&b'/') => return true,
            Err(_) => {
                let mut whole = Name::new();
                if path::base_of(dir, &mut whole).is_ok()
                    && whole.push_components(name.as_bytes()).is_ok()
                {
                    name.clear();
                    return name.push(whole.as_bytes()).is_ok();
                }
            }
        }
        name.clear();
        let _ = name.push("/(a path that is too long)".as_bytes());
        false
    }

    /// As [`describe`](Self::describe), and one component more.
    fn describe_within(&self, dir: c_int, component: &Component, name: &mut Name) -> bool {
        let is_named = self.describe(dir, name);
        let last = component
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        // What does not fit any more is judged by its directory.
        name.push_components(last).is_ok() && is_named
    }

    /// Moves out of the way: the descriptor that the program gets must be the lowest free one (open(2)), as without us.
    ///
    /// # Errors
    /// `EMFILE`, `EINVAL`: there is no higher one.
    fn step_aside(&mut self) -> Result<(), Errno> {
        let above = usize::try_from(self.0).unwrap_or_default() + 1;
        let higher = sys::fcntl(self.0, libc::F_DUPFD_CLOEXEC, above)?;
        sys::close(core::mem::replace(&mut self.0, higher as c_int));
        Ok(())
    }
}

/// What a name led to, after the policy has agreed. The name holds what the kernel calls it.
#[expect(
    clippy::large_enum_variant,
    reason = "a hook has no heap to put the larger one on"
)]
pub enum Resolved {
    /// This file, what it is, and whether its name can be used as a path.
    Existing(Pin, Stat, bool),
    /// Nothing yet: it would be created in this directory under this name.
    New(Pin, Component, bool),
}

/// Follows `name` to its file without any side effect, and judges it. Leaves the resolved name in `name`.
///
/// # Errors
/// `EACCES` where the policy refuses; otherwise what the open would have failed with.
pub fn resolve(
    state: &State,
    dir: c_int,
    name: &mut Name,
    flags: c_int,
) -> Result<Resolved, Errno> {
    let creates = flags & libc::O_CREAT != 0;
    let is_exclusive = creates && flags & libc::O_EXCL != 0;
    if creates && flags & libc::O_DIRECTORY != 0 {
        // Linux 6.4 refuses the two together, whatever the name; before, O_DIRECTORY had no effect on what is created.
        // SAFETY: a C string.
        let asked = unsafe { sys::openat(libc::AT_FDCWD, c"".as_ptr(), flags, 0) };
        if asked == Err(Errno(libc::EINVAL)) {
            return Err(Errno(libc::EINVAL));
        }
    }
    if creates && name.as_bytes().last() == Some(&b'/') {
        // Never a file: open(2) cannot create a directory. The kernel knows which error it is.
        // SAFETY: a C string of ours.
        let opened = unsafe { sys::openat(dir, name.as_ptr(), flags, 0) };
        return opened.and_then(|fd| {
            sys::close(fd);
            Err(Errno(libc::EISDIR))
        });
    }
    let mut keeps = flags & (libc::O_NOFOLLOW | if creates { 0 } else { libc::O_DIRECTORY });
    if is_exclusive {
        // A link is something that exists, wherever it leads (open(2)).
        keeps |= libc::O_NOFOLLOW;
    }
    let mut base = dir;
    let mut held: Option<Pin> = None;
    for _ in 0..LINKS_MAX {
        match Pin::open(base, name, keeps) {
            Ok(_) if is_exclusive => return Err(Errno(libc::EEXIST)),
            Ok(pin) => return existing(state, base, pin, name, flags),
            Err(Errno(libc::ENOENT)) if creates => {}
            Err(error) => return Err(error),
        }
        let Some(parent) = Pin::parent(base, name) else {
            return Err(Errno(libc::ENOENT));
        };
        let (parent, component) = parent?;
        // SAFETY: a C string of ours.
        let is_link = unsafe { name.read_link(parent.0, component.as_ptr().cast()) }.is_ok();
        if !is_link {
            let is_named = parent.describe_within(base, &component, name);
            judge(state, &parent, name.as_bytes(), access_of_new(flags))?;
            return Ok(Resolved::New(parent, component, is_named));
        }
        // A link to nothing: open(2) creates what it points to, unless it was told not to follow.
        if flags & libc::O_NOFOLLOW != 0 {
            return Err(Errno(libc::ELOOP));
        }
        if make_absolute(&parent, name) {
            base = libc::AT_FDCWD;
            drop(held.take());
        } else {
            base = parent.0;
            // Open as long as `base` names it; the one before is done with.
            drop(held.replace(parent));
        }
    }
    Err(Errno(libc::ELOOP))
}

/// Makes the target of a link in `parent` absolute, so that no descriptor has to be held for it. `false`: it would be too long.
#[inline(never)]
fn make_absolute(parent: &Pin, name: &mut Name) -> bool {
    if name.as_bytes().first() == Some(&b'/') {
        return true;
    }
    let mut whole = Name::new();
    let is_made = whole.read_descriptor(parent.0).is_ok()
        && whole
            .push(b"/")
            .and_then(|()| whole.push(name.as_bytes()))
            .is_ok();
    if is_made {
        name.clear();
    }
    is_made && name.push(whole.as_bytes()).is_ok()
}

fn existing(
    state: &State,
    dir: c_int,
    pin: Pin,
    name: &mut Name,
    flags: c_int,
) -> Result<Resolved, Errno> {
    let stat = sys::fstat(pin.0)?;
    if stat.is(libc::S_IFLNK) {
        return Err(Errno(libc::ELOOP));
    }
    let mut is_named = pin.describe(dir, name);
    if stat.links == 0 && name.as_bytes().ends_with(DELETED) {
        let len = name.as_bytes().len() - DELETED.len();
        name.truncate(len);
        is_named = false;
    }
    // Pipes, sockets, memory files: reached through /proc/self/fd, and no part of the file system.
    let is_file = name.as_bytes().first() == Some(&b'/')
        && !(stat.links == 0 && name.as_bytes().starts_with(b"/memfd:"));
    if is_file {
        if flags & libc::O_TMPFILE == libc::O_TMPFILE {
            // A file in that directory, which has no name yet (open(2)).
            let len = name.as_bytes().len();
            let _ = name.push_components(b"#tmpfile");
            judge(state, &pin, name.as_bytes(), access(flags))?;
            name.truncate(len);
        } else {
            judge(state, &pin, name.as_bytes(), access(flags))?;
        }
    }
    if flags & (libc::O_CREAT | libc::O_PATH) == libc::O_CREAT && stat.is(libc::S_IFDIR) {
        // The kernel's first answer to O_CREAT, which is gone from the flags where the file is opened through its descriptor.
        return Err(Errno(libc::EISDIR));
    }
    Ok(Resolved::Existing(pin, stat, is_named && is_file))
}

/// Opens what the policy has agreed to: that very file, whatever its name leads to by now.
///
/// # Errors
/// Those of open(2).
pub fn open(
    state: &State,
    resolved: Resolved,
    name: &mut Name,
    flags: c_int,
    mode: c_uint,
) -> Result<c_int, Errno> {
    match resolved {
        Resolved::New(mut parent, component, is_named) => {
            if parent.step_aside().is_err() && is_named {
                drop(parent);
                return by_name(state, name, flags, mode);
            }
            // With O_EXCL no link is followed, and unlike O_NOFOLLOW it leaves no trace in F_GETFL. Somebody else who made
            // the file in between is met by its name.
            // SAFETY: a C string on the stack.
            match unsafe {
                sys::openat(
                    parent.0,
                    component.as_ptr().cast(),
                    flags | libc::O_EXCL,
                    mode,
                )
            } {
                Err(Errno(libc::EEXIST)) if flags & libc::O_EXCL == 0 && is_named => {
                    drop(parent);
                    by_name(state, name, flags, mode)
                }
                result => result,
            }
        }
        Resolved::Existing(mut pin, stat, is_named) => {
            // By its name where O_CREAT comes with it, for only then does the kernel guard files in shared directories
            // (fs.protected_regular, proc_sys_fs(5)); with O_NOFOLLOW, which a program may ask for by F_GETFL; and where the
            // table of descriptors has just one place left; and where the open may wait (fifo(7)), for a thread that is cancelled then closes no pin. A file of one's own is guarded against nobody, and without openat2
            // its name would take an O_NOFOLLOW that F_GETFL shows.
            let is_aside = pin.step_aside().is_ok();
            let creates = flags & libc::O_CREAT != 0
                && (state.proves_names || flags & libc::O_EXCL != 0 || !is_own(&pin));
            let may_wait =
                state.proves_names && stat.is(libc::S_IFIFO) && flags & libc::O_NONBLOCK == 0;
            if is_named && (creates || may_wait || flags & libc::O_NOFOLLOW != 0 || !is_aside) {
                drop(pin);
                return by_name(state, name, flags, mode);
            }
            let mut link = Decimal::new(b"/proc/thread-self/fd/", pin.0 as u32);
            let flags = flags & !(libc::O_CREAT | libc::O_NOFOLLOW);
            // SAFETY: a C string on the stack.
            sys::cancellable(|| unsafe { sys::openat(libc::AT_FDCWD, link.as_ptr(), flags, mode) })
        }
    }
}

/// Does the file belong to who opens it? Asked by stat(2), which a filter of the program's own lets through where it lets files be opened.
fn is_own(pin: &Pin) -> bool {
    // The folder of a thread belongs to its effective user (proc(5)).
    // SAFETY: a C string.
    let thread = unsafe { sys::fstatat(libc::AT_FDCWD, c"/proc/thread-self/".as_ptr(), 0) };
    matches!((sys::fstat(pin.0), thread), (Ok(file), Ok(thread)) if file.user == thread.user)
}

fn by_name(state: &State, name: &mut Name, flags: c_int, mode: c_uint) -> Result<c_int, Errno> {
    // SAFETY: a C string of ours.
    sys::cancellable(|| unsafe {
        if state.proves_names {
            sys::open_without_links(
                libc::AT_FDCWD,
                name.as_ptr(),
                flags & KNOWN_FLAGS,
                mode & 0o7777,
            )
        } else {
            sys::openat(
                libc::AT_FDCWD,
                name.as_ptr(),
                flags | libc::O_NOFOLLOW,
                mode,
            )
        }
    })
}

/// Replaces a name by that of the file it leads to.
///
/// # Errors
/// Those of open(2): by none, so that a call on it fails anyway; unless there was [no room to look](room::is_lacking).
pub fn follow(dir: c_int, name: &mut Name) -> Result<Pin, Errno> {
    let pin = Pin::open(dir, name, 0)?;
    pin.describe(dir, name);
    Ok(pin)
}

/// Replaces a name by the resolved one of its directory and its own last component. Gives the directory, and what the entry is, if there is
/// one.
///
/// # Errors
/// As for [`follow`].
pub fn locate(dir: c_int, name: &mut Name) -> Result<(Pin, Option<Stat>), Errno> {
    // A directory may be named with slashes behind it.
    let end = name
        .as_bytes()
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |last| last + 1);
    name.truncate(end);
    let (parent, component) = Pin::parent(dir, name).unwrap_or(Err(Errno(libc::EINVAL)))?;
    // SAFETY: a C string on the stack.
    let entry = unsafe {
        sys::fstatat(
            parent.0,
            component.as_ptr().cast(),
            libc::AT_SYMLINK_NOFOLLOW,
        )
    }
    .ok();
    parent.describe_within(dir, &component, name);
    Ok((parent, entry))
}

/// What is judged: the directories that a call has, and its name. Without one, the first is a descriptor of the file itself.
pub type Asked<'a> = ([c_int; 2], &'a [u8]);

/// Judges what is asked for, also where the program has left no descriptor to look with. `judge` is called once or twice; it fails with `EMFILE` or
/// `ENFILE` where it cannot look.
///
/// # Errors
/// Those of `judge`; `EACCES` where nobody could look and so nothing may be done.
#[inline]
pub fn judged(
    state: &State,
    asked: Asked<'_>,
    access: Access,
    judge: &mut dyn FnMut() -> Result<(), Errno>,
) -> Result<(), Errno> {
    match judge() {
        Err(error) if room::is_lacking(error) => judged_apart(state, asked, access, error, judge),
        result => result,
    }
}

#[cold]
#[inline(never)]
fn judged_apart(
    state: &State,
    (dirs, given): Asked<'_>,
    access: Access,
    error: Errno,
    judge: &mut dyn FnMut() -> Result<(), Errno>,
) -> Result<(), Errno> {
    let [dir, _] = dirs;
    let judged = if error == Errno(libc::ENFILE) || room::leads_by_thread(dir, given) {
        Err(error)
    } else {
        room::apart(&|fd| dirs.contains(&fd), judge)
    };
    match judged {
        Err(error) if room::is_lacking(error) => {
            let link = Decimal::new(b"/proc/self/fd/", dir as u32);
            let path = if given.is_empty() { link.text() } else { given };
            let subject = Subject::File { path, access };
            let verdict = state.decider.unseen(Section::Filesystem);
            report::settle(state, Section::Filesystem, &verdict, subject)
        }
        result => result,
    }
}

/// The name of an open file, compared with one that was resolved before.
#[inline(never)]
pub fn is_named(fd: c_int, name: &[u8]) -> bool {
    let mut now = Name::new();
    now.read_descriptor(fd).is_err() || now.as_bytes() == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_say_what_is_done_to_a_file() {
        assert_eq!(access(libc::O_RDONLY | libc::O_CLOEXEC), Access::Read);
        assert_eq!(access(libc::O_RDONLY | libc::O_TRUNC), Access::ReadWrite);
        assert_eq!(access(libc::O_WRONLY), Access::Write);
        assert_eq!(access(libc::O_RDWR), Access::ReadWrite);
        assert_eq!(
            access_of_new(libc::O_RDONLY | libc::O_CREAT),
            Access::ReadWrite
        );
    }
}
