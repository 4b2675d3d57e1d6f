//! Where a child of posix_spawn(3) is when it runs its program, and what its file actions open on the way.

use core::ffi::{c_char, c_int};

use libc::posix_spawn_file_actions_t;
use palisade_audit::Subject;
use palisade_policy::event::{Access, Section};

use super::REFUSED;
use super::resolve::{Pin, resolve};
use crate::path::Name;
use crate::state::State;
use crate::sys::Errno;
use crate::{report, room, state, sys};

/// As posix_spawn(3) has them: null for none.
pub type Actions = *const posix_spawn_file_actions_t;

/// Where a child of posix_spawn(3) is when it runs its program: its file actions may have moved it.
pub enum Place {
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

/// The tags that matter here.
const OPEN: c_int = 2;
const CHDIR: c_int = 3;
const FCHDIR: c_int = 4;

impl FileAction {
    /// The descriptor of an open and of a fchdir.
    const fn descriptor(&self) -> c_int {
        self.first[0]
    }

    /// The path of a chdir, which is where an open has its descriptor.
    const fn directory(&self) -> *const c_char {
        let [low, high] = self.first;
        (low as u32 as u64 | (high as u32 as u64) << 32) as *const c_char
    }
}

impl Place {
    /// Its directory, as the first argument of a call in `…at`.
    pub fn dir(&self) -> c_int {
        match self {
            Self::Known(dir) => *dir,
            Self::Moved(pin) => pin.descriptor(),
        }
    }

    /// Follows the file actions, and if `judges` the files that they open inside libc, judges those. `is_apart`: from a thread with
    /// [other descriptors](room::apart).
    ///
    /// # Errors
    /// `EACCES`: a file is refused. `EMFILE`, `ENFILE`: one cannot be looked at, for want of a descriptor.
    ///
    /// # Safety
    /// `actions` is null, or was filled by posix_spawn_file_actions_init(3) and its kin.
    #[inline]
    pub unsafe fn after(actions: Actions, is_apart: bool, judges: bool) -> Result<Self, Errno> {
        if state::judging_at_all().is_none() || !sys::may_point(actions) {
            return Ok(Self::Known(libc::AT_FDCWD));
        }
        // SAFETY: the caller's promise.
        unsafe { Self::after_some(actions, is_apart, judges) }
    }

    /// # Safety
    /// As for [`after`](Self::after), and not null.
    #[inline(never)]
    unsafe fn after_some(actions: Actions, is_apart: bool, judges: bool) -> Result<Self, Errno> {
        let mut place = Self::Known(libc::AT_FDCWD);
        // SAFETY: the caller's promise.
        for action in unsafe { list(actions) } {
            let mut name = Name::new();
            let path = match action.tag {
                OPEN => action.path,
                CHDIR => action.directory(),
                FCHDIR => {
                    place = Self::Known(action.descriptor());
                    continue;
                }
                _ => continue,
            };
            // SAFETY: a C string that libc has copied.
            let given = unsafe { sys::c_bytes(path) };
            let Some(given) = given.filter(|given| name.push(given).is_ok()) else {
                continue;
            };
            if is_apart && room::leads_by_thread(place.dir(), given) {
                return Err(Errno(libc::EMFILE));
            }
            if action.tag == CHDIR {
                match Pin::open(place.dir(), &mut name, libc::O_DIRECTORY) {
                    Ok(pin) => place = Self::Moved(pin),
                    Err(error) if room::is_lacking(error) => return Err(error),
                    // It cannot be entered: the spawn fails and nothing runs.
                    Err(_) => {}
                }
            } else if let Some(state) = state::judging(Section::Filesystem).filter(|_| judges) {
                match resolve(state, place.dir(), &mut name, action.flags) {
                    Err(error) if error == REFUSED || room::is_lacking(error) => {
                        return Err(error);
                    }
                    // What else there is to say libc says.
                    _ => {}
                }
            }
        }
        Ok(place)
    }
}

/// Judges the files that file actions open, where programs are not judged.
///
/// # Errors
/// `EACCES`: a file is refused.
///
/// # Safety
/// As for [`Place::after`].
#[inline]
pub unsafe fn judge_files(actions: Actions) -> Result<(), Errno> {
    match state::judging(Section::Filesystem) {
        // SAFETY: the caller's promise.
        Some(state) if sys::may_point(actions) => unsafe { judge_files_of(state, actions) },
        _ => Ok(()),
    }
}

/// # Safety
/// As for [`Place::after`], and not null.
#[inline(never)]
unsafe fn judge_files_of(state: &State, actions: Actions) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    let judge = |is_apart| unsafe { Place::after(actions, is_apart, true) }.map(drop);
    let mut judged = judge(false);
    if judged == Err(Errno(libc::EMFILE)) {
        // SAFETY: the caller's promise.
        judged = room::apart(&|fd| unsafe { is_entered(actions, fd) }, &mut || {
            judge(true)
        });
    }
    match judged {
        Err(error) if room::is_lacking(error) => {
            let subject = Subject::File {
                path: b"(a file that a child opens)",
                access: Access::ReadWrite,
            };
            let verdict = state.decider.unseen(Section::Filesystem);
            report::settle(state, Section::Filesystem, &verdict, subject)
        }
        result => result,
    }
}

/// Do file actions enter the directory of this descriptor?
///
/// # Safety
/// As for [`Place::after`].
pub unsafe fn is_entered(actions: Actions, fd: c_int) -> bool {
    // SAFETY: the caller's promise.
    sys::may_point(actions)
        && unsafe { list(actions) }
            .iter()
            .any(|action| action.tag == FCHDIR && action.descriptor() == fd)
}

/// # Safety
/// As for [`Place::after`], and not null.
unsafe fn list<'a>(actions: Actions) -> &'a [FileAction] {
    // SAFETY: the caller's promise: glibc's layout, and as many as are used.
    unsafe {
        let list = &*actions.cast::<FileActions>();
        match usize::try_from(list.used) {
            Ok(used) if used > 0 && sys::may_point(list.actions) => {
                core::slice::from_raw_parts(list.actions, used)
            }
            _ => &[],
        }
    }
}
