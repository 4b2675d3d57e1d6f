//! Where a child of posix_spawn(3) is when it runs its program, and what its file actions open on the way.

use core::ffi::{c_char, c_int};

use libc::posix_spawn_file_actions_t;
use palisade_policy::event::Section;

use super::REFUSED;
use super::resolve::{Pin, resolve};
use crate::path::Name;
use crate::sys::Errno;
use crate::{state, sys};

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

impl Place {
    /// Its directory, as the first argument of a call in `…at`.
    pub fn dir(&self) -> c_int {
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
    #[inline]
    pub unsafe fn after(actions: *const posix_spawn_file_actions_t) -> Result<Self, Errno> {
        if state::judging_at_all().is_none() || !sys::may_point(actions) {
            return Ok(Self::Known(libc::AT_FDCWD));
        }
        // SAFETY: the caller's promise.
        unsafe { Self::after_some(actions) }
    }

    /// # Safety
    /// As for [`after`](Self::after), and not null.
    #[inline(never)]
    unsafe fn after_some(actions: *const posix_spawn_file_actions_t) -> Result<Self, Errno> {
        /// The tags that matter here.
        const OPEN: c_int = 2;
        const CHDIR: c_int = 3;
        const FCHDIR: c_int = 4;
        let mut place = Self::Known(libc::AT_FDCWD);
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
