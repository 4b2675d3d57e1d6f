//! Where a child of posix_spawn(3) is when it runs its program, and what its file actions open on the way.

use core::ffi::{c_char, c_int};
use core::ptr;

use libc::posix_spawn_file_actions_t;
use palisade_audit::Subject;
use palisade_policy::event::{Access, Section};

use super::REFUSED;
use super::resolve::{Pin, access, resolve};
use crate::path::{Decimal, Name};
use crate::room::{self, UNSEEN};
use crate::state::State;
use crate::sys::Errno;
use crate::{report, state, sys};

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

/// The tags.
const CLOSE: c_int = 0;
const DUP2: c_int = 1;
const OPEN: c_int = 2;
const CHDIR: c_int = 3;
const FCHDIR: c_int = 4;
const CLOSEFROM: c_int = 5;

impl FileAction {
    /// The descriptor of an open, a close and a fchdir, and the old one of a dup2.
    const fn descriptor(&self) -> c_int {
        self.first[0]
    }

    /// The new descriptor of a dup2.
    const fn copy(&self) -> c_int {
        self.first[1]
    }

    /// The path of a chdir, which is where an open has its descriptor.
    const fn directory(&self) -> *const c_char {
        let [low, high] = self.first;
        (low as u32 as u64 | (high as u32 as u64) << 32) as *const c_char
    }
}

/// How a name of the child's is looked at in its parent.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// From a thread with [other descriptors](room::apart).
    pub is_apart: bool,
    /// What the child has done before it uses the name.
    before: &'a [FileAction],
}

/// What leads to the same file in the parent as a name in the child.
pub enum Meaning {
    /// The same name.
    Given,
    /// A descriptor of the parent's, which has another number in the child.
    Inherited(Decimal),
    /// What the child has opened by this path.
    Opened(*const c_char),
}

impl Meaning {
    /// The name, where the child has `given`.
    pub fn as_ptr(&mut self, given: *const c_char) -> *const c_char {
        match self {
            Self::Given => given,
            Self::Inherited(link) => link.as_ptr(),
            Self::Opened(path) => *path,
        }
    }
}

/// What a descriptor of the child's is.
enum Source {
    /// The parent's descriptor of this number.
    Inherited(c_int),
    /// What the action at that index has opened.
    Opened(usize),
    /// Nothing.
    Closed,
}

/// What a process calls its own part of /proc.
const OWN: [&[u8]; 2] = [b"self", b"thread-self"];

impl<'a> View<'a> {
    /// Of a program that takes the caller's place.
    pub const fn of_exec(is_apart: bool) -> Self {
        Self {
            is_apart,
            before: &[],
        }
    }

    /// Of a program that is started behind these file actions.
    ///
    /// # Safety
    /// As for [`Place::after`].
    pub unsafe fn of_spawn(actions: Actions, is_apart: bool) -> Self {
        // SAFETY: the caller's promise.
        let before = unsafe { list(actions) };
        Self { is_apart, before }
    }

    #[inline(never)]
    fn source(self, descriptor: c_int) -> Source {
        let mut fd = descriptor;
        for (index, action) in self.before.iter().enumerate().rev() {
            match action.tag {
                CLOSE if action.descriptor() == fd => return Source::Closed,
                CLOSEFROM if action.descriptor() <= fd => return Source::Closed,
                OPEN if action.descriptor() == fd => return Source::Opened(index),
                DUP2 if action.copy() == fd => fd = action.descriptor(),
                _ => {}
            }
        }
        Source::Inherited(fd)
    }

    /// The path of the open at an index, if it means the same wherever it is used.
    fn opened(self, index: usize) -> Result<(*const c_char, Self), Errno> {
        let before = self.before.get(..index).unwrap_or_default();
        let path = self.before.get(index).map_or(ptr::null(), |open| open.path);
        // SAFETY: a C string that libc has copied.
        match unsafe { sys::c_bytes(path) } {
            Some([b'/', ..]) => Ok((path, Self { before, ..self })),
            _ => Err(UNSEEN),
        }
    }

    /// What the child's descriptor is called in its parent.
    fn named(self, descriptor: c_int) -> Result<(Meaning, Self), Errno> {
        match self.source(descriptor) {
            Source::Inherited(fd) => {
                let link = Decimal::new(b"/proc/self/fd/", fd as u32);
                Ok((Meaning::Inherited(link), Self::of_exec(self.is_apart)))
            }
            Source::Opened(index) => {
                let (path, before) = self.opened(index)?;
                Ok((Meaning::Opened(path), before))
            }
            // The spawn fails by itself.
            Source::Closed => Ok((Meaning::Given, Self::of_exec(self.is_apart))),
        }
    }

    /// What a name in the child means to its parent: its descriptors are others by then, and its working directory. Names that
    /// lead by neither are proven by the kernel (openat2(2), Linux 5.6), or have no component that could.
    ///
    /// # Errors
    /// [`UNSEEN`]; `EMFILE`, `ENFILE` for want of a descriptor.
    ///
    /// # Safety
    /// `given` is a C string that nobody changes meanwhile, or a bad pointer.
    pub unsafe fn meaning(self, dir: c_int, given: *const c_char) -> Result<Meaning, Errno> {
        let (mut view, mut meaning) = (self, Meaning::Given);
        while !view.before.is_empty() {
            let path = meaning.as_ptr(given);
            // SAFETY: the caller's promise, or a C string that libc has copied.
            let Some(text) = (unsafe { sys::c_bytes(path) }) else {
                break;
            };
            if text == b"/proc/self/exe" {
                break;
            }
            if let Some(number) = number_in(text) {
                (meaning, view) = view.named(number)?;
                continue;
            }
            // SAFETY: the pointer that the text was read by.
            return match unsafe { sys::lead_by_plain_links(dir, path) } {
                Ok(()) => Ok(meaning),
                Err(Errno(libc::ELOOP)) => Err(UNSEEN),
                Err(error) if room::is_lacking(error) => Err(error),
                // There is nothing here, but perhaps there is in the child; or the kernel is older.
                Err(_) if room::leads_by(dir, text, &OWN) => Err(UNSEEN),
                Err(_) => Ok(meaning),
            };
        }
        Ok(meaning)
    }
}

/// The number of a descriptor, in the ways in which it is mostly named.
#[inline(never)]
fn number_in(text: &[u8]) -> Option<c_int> {
    match text {
        b"/dev/stdin" => Some(0),
        b"/dev/stdout" => Some(1),
        b"/dev/stderr" => Some(2),
        _ => {
            let digits = text
                .strip_prefix(b"/proc/self/fd/")
                .or_else(|| text.strip_prefix(b"/dev/fd/"))?;
            let number = digits.iter().try_fold(0 as c_int, |number, digit| {
                let digit = digit.wrapping_sub(b'0');
                let more = number.checked_mul(10)?.checked_add(c_int::from(digit))?;
                (digit < 10).then_some(more)
            });
            number.filter(|_| !digits.is_empty())
        }
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

    /// Follows the file actions, and where `files` is given judges by it what they open inside libc.
    ///
    /// # Errors
    /// `EACCES`: a file is refused. `EMFILE`, `ENFILE`: one cannot be looked at.
    ///
    /// # Safety
    /// `actions` is null, or was filled by posix_spawn_file_actions_init(3) and its kin.
    #[inline]
    pub unsafe fn after(
        actions: Actions,
        is_apart: bool,
        files: Option<&State>,
    ) -> Result<Self, Errno> {
        // SAFETY: the caller's promise.
        match unsafe { list(actions) } {
            [] => Ok(Self::Known(libc::AT_FDCWD)),
            // SAFETY: the caller's promise.
            actions => unsafe { Self::after_some(actions, is_apart, files) },
        }
    }

    /// # Safety
    /// As for [`after`](Self::after).
    #[inline(never)]
    unsafe fn after_some(
        actions: &[FileAction],
        is_apart: bool,
        files: Option<&State>,
    ) -> Result<Self, Errno> {
        let mut place = Self::Known(libc::AT_FDCWD);
        for (index, action) in actions.iter().enumerate() {
            let before = actions.get(..index).unwrap_or_default();
            let view = View { is_apart, before };
            let path = match action.tag {
                OPEN if files.is_some() => action.path,
                CHDIR => action.directory(),
                FCHDIR => match view.source(action.descriptor()) {
                    Source::Inherited(fd) => {
                        place = Self::Known(fd);
                        continue;
                    }
                    Source::Opened(index) => {
                        let (path, view) = view.opened(index)?;
                        // SAFETY: a C string that libc has copied.
                        place = unsafe { view.enter(libc::AT_FDCWD, path) }?.unwrap_or(place);
                        continue;
                    }
                    // The spawn fails by itself.
                    Source::Closed => continue,
                },
                _ => continue,
            };
            if action.tag == CHDIR {
                // SAFETY: a C string that libc has copied.
                place = unsafe { view.enter(place.dir(), path) }?.unwrap_or(place);
            } else if let Some(state) = files {
                // SAFETY: as above.
                unsafe { view.judge_open(state, place.dir(), path, action.flags) }?;
            }
        }
        Ok(place)
    }
}

impl View<'_> {
    /// Writes the name that a path of the child's has here.
    ///
    /// # Errors
    /// As for [`meaning`](Self::meaning). `ENAMETOOLONG`: no system call takes it.
    unsafe fn name(self, dir: c_int, path: *const c_char, name: &mut Name) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        let mut meaning = unsafe { self.meaning(dir, path) }?;
        let meant = meaning.as_ptr(path);
        // SAFETY: as above, or a C string of ours.
        let meant = unsafe { sys::c_bytes(meant) }.unwrap_or_default();
        if self.is_apart && room::leads_by_thread(dir, meant) {
            return Err(UNSEEN);
        }
        name.push(meant)
    }

    /// Goes to a directory. `None`: it cannot be entered, so the spawn fails and nothing runs.
    ///
    /// # Errors
    /// As for [`meaning`](Self::meaning).
    #[inline(never)]
    unsafe fn enter(self, dir: c_int, path: *const c_char) -> Result<Option<Place>, Errno> {
        // SAFETY: the caller's promise.
        let given = unsafe { sys::c_bytes(path) }.unwrap_or_default();
        if number_in(given).is_none() && room::leads_by(dir, given, &OWN) {
            // The child's own part of /proc, which is not there yet.
            return Err(UNSEEN);
        }
        let mut name = Name::new();
        // SAFETY: the caller's promise.
        let pin = unsafe { self.name(dir, path, &mut name) }
            .and_then(|()| Pin::open(dir, &mut name, libc::O_DIRECTORY));
        match pin {
            Ok(pin) => Ok(Some(Place::Moved(pin))),
            Err(error) if error == UNSEEN || room::is_lacking(error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// # Errors
    /// `EACCES`: it is refused. `EMFILE`, `ENFILE`: it cannot be looked at, for want of a descriptor.
    #[inline(never)]
    unsafe fn judge_open(
        self,
        state: &State,
        dir: c_int,
        path: *const c_char,
        flags: c_int,
    ) -> Result<(), Errno> {
        let mut name = Name::new();
        // SAFETY: the caller's promise.
        let judged = unsafe { self.name(dir, path, &mut name) };
        match judged.and_then(|()| resolve(state, dir, &mut name, flags)) {
            Err(UNSEEN) => {
                // SAFETY: as above.
                let given = unsafe { sys::c_bytes(path) }.unwrap_or_default();
                refuse_unseen(state, given, access(flags))
            }
            Err(error) if error == REFUSED || room::is_lacking(error) => Err(error),
            // What else there is to say libc says.
            _ => Ok(()),
        }
    }
}

/// Settles what becomes of a file that nobody could look at.
///
/// # Errors
/// `EACCES`: it is refused.
#[cold]
pub fn refuse_unseen(state: &State, path: &[u8], access: Access) -> Result<(), Errno> {
    let verdict = state.decider.unseen(Section::Filesystem);
    let subject = Subject::File { path, access };
    report::settle(state, Section::Filesystem, &verdict, subject)
}

/// Judges the files that file actions open.
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
        Some(state) if !actions.is_null() => unsafe { judge_files_of(state, actions) },
        _ => Ok(()),
    }
}

/// # Safety
/// As for [`Place::after`].
#[inline(never)]
unsafe fn judge_files_of(state: &State, actions: Actions) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    let judge = |is_apart| unsafe { Place::after(actions, is_apart, Some(state)) }.map(drop);
    let mut judged = judge(false);
    if judged == Err(Errno(libc::EMFILE)) {
        // SAFETY: the caller's promise.
        judged = room::apart(&|fd| unsafe { is_entered(actions, fd) }, &mut || {
            judge(true)
        });
    }
    match judged {
        Err(error) if error == UNSEEN || room::is_lacking(error) => {
            refuse_unseen(state, b"(a file that a child opens)", Access::ReadWrite)
        }
        result => result,
    }
}

/// Do file actions enter the directory of this descriptor of the parent's?
///
/// # Safety
/// As for [`Place::after`].
pub unsafe fn is_entered(actions: Actions, fd: c_int) -> bool {
    // SAFETY: the caller's promise.
    let actions = unsafe { list(actions) };
    actions.iter().enumerate().any(|(index, action)| {
        let before = actions.get(..index).unwrap_or_default();
        let view = View {
            is_apart: false,
            before,
        };
        action.tag == FCHDIR
            && matches!(view.source(action.descriptor()), Source::Inherited(inherited) if inherited == fd)
    })
}

/// # Safety
/// As for [`Place::after`].
unsafe fn list<'a>(actions: Actions) -> &'a [FileAction] {
    if !sys::can_read(actions.cast(), size_of::<FileActions>()) {
        return &[];
    }
    // SAFETY: the caller's promise: glibc's layout, and as many as are used.
    unsafe {
        let list = &*actions.cast::<FileActions>();
        match usize::try_from(list.used) {
            Ok(used) if sys::can_read(list.actions.cast(), used * size_of::<FileAction>()) => {
                core::slice::from_raw_parts(list.actions, used)
            }
            _ => &[],
        }
    }
}
