//! Environments: the one that this process started with, and the one that a child must have.
//!
//! Never through getenv(3): bash exports its own `getenv`, `setenv` and `unsetenv`, and a preloaded library gets those.

use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};
use core::ops::Range;
use core::{mem, ptr, slice};

use crate::handed;
use crate::sys::{self, Errno, ListReader};
use crate::table::Strings;

unsafe extern "C" {
    /// environ(7), as it is at this moment.
    static mut environ: Strings;
}

/// The live environment of this process.
pub fn current() -> Strings {
    // SAFETY: reads one pointer. A program that replaces it at the same time from another thread races with libc as well.
    unsafe { environ }
}

/// The entries of an environment or an argument vector, without their NULs.
///
/// # Safety
/// `strings` is null, or pointers to C strings ended by a null pointer, unchanged while the iterator is used.
pub unsafe fn entries<'a>(strings: Strings) -> impl Iterator<Item = &'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe { entries_that(strings, |_| true) }
}

/// What stands behind the first beginning of that kind, such as a name with its equals sign.
///
/// # Safety
/// As for [`entries`].
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
#[inline(never)]
pub unsafe fn setting<'a>(strings: Strings, name: &[u8]) -> Option<&'a [u8]> {
    let mut next = strings;
    // SAFETY: not past the null pointer, as the caller promises, nor past the NUL of an entry, which no byte of a name is.
    unsafe {
        while !next.is_null() && !(*next).is_null() {
            let entry = (*next).cast::<u8>();
            let mut bytes = name.iter().enumerate();
            if bytes.all(|(at, byte)| *entry.add(at) == *byte) {
                return Some(CStr::from_ptr(entry.add(name.len()).cast()).to_bytes());
            }
            next = next.add(1);
        }
    }
    None
}

/// What stands behind that beginning. Here and not the standard library's, which stands elsewhere: each stretch of code that a child runs through
/// has to be read in.
#[inline(always)]
pub fn behind<'a>(text: &'a [u8], beginning: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(beginning.len())?;
    (head == beginning).then_some(rest)
}

/// As [`entries`], those alone whose first two bytes are wanted: of the others nothing more is looked at, however long they are. A shorter one
/// has NULs there.
///
/// # Safety
/// As for [`entries`].
#[inline]
pub unsafe fn entries_that<'a>(
    strings: Strings,
    is_wanted: impl Fn([u8; 2]) -> bool,
) -> impl Iterator<Item = &'a [u8]> {
    let mut next = strings;
    core::iter::from_fn(move || {
        if next.is_null() {
            return None;
        }
        // SAFETY: not past the null pointer, as the caller promises; each entry is a C string.
        unsafe {
            loop {
                let entry = *next;
                if entry.is_null() {
                    return None;
                }
                next = next.add(1);
                let first = *entry.cast::<u8>();
                let second = if first == 0 {
                    0
                } else {
                    *entry.cast::<u8>().add(1)
                };
                if is_wanted([first, second]) {
                    return Some(CStr::from_ptr(entry).to_bytes());
                }
            }
        }
    })
}

/// Can all of an environment be read? If not, the call that gets it fails with `EFAULT`, as it should. A null pointer is an empty environment
/// (execve(2), NOTES).
///
/// # Safety
/// Nobody changes the environment meanwhile.
pub unsafe fn is_readable(strings: Strings) -> bool {
    let (mut list, mut next) = (ListReader::new(), strings);
    if next.is_null() {
        return true;
    }
    loop {
        // SAFETY: the caller's promise.
        match unsafe { list.text(next) } {
            Ok(Some(_)) => next = next.wrapping_add(1),
            end => return end.is_ok(),
        }
    }
}

/// The value of the first entry of that name, as getenv(3) gives it.
///
/// # Safety
/// As for [`entries`].
#[inline(never)]
pub unsafe fn value<'a>(strings: Strings, name: &[u8]) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe { entries(strings) }.find_map(|entry| entry.strip_prefix(name)?.strip_prefix(b"="))
}

/// The variable that names the libraries to be loaded first.
pub const PRELOAD: &[u8] = b"LD_PRELOAD=";
/// Variables of the loader that a child has only as the function was started with them: an auditing library binds symbols as it likes
/// (rtld-audit(7)), past every preload; and the others have the loader write files before there is anything of ours in the process (ld.so(8)).
pub const KEPT: [&[u8]; 4] = [
    b"LD_AUDIT=",
    b"LD_DEBUG_OUTPUT=",
    b"LD_PROFILE=",
    b"LD_PROFILE_OUTPUT=",
];
const OURS: &[u8] = b"PALISADE_";
/// What a preload is called that is none any more; its value is what is left of the text.
const EXEMPT: &[u8] = b"PALISADE_EXEMPT=";

/// What the environment of every child has, whatever its parent gave it.
#[derive(Clone, Copy)]
pub struct Forced {
    /// Path of this library, as `LD_PRELOAD` names it.
    pub library: &'static [u8],
    /// `LD_PRELOAD=<library>`.
    pub preload: &'static CStr,
    /// The only ones of [`KEPT`] that a child may have: those that the function was started with.
    pub kept: [Option<&'static [u8]>; KEPT.len()],
    /// The preloads that this process was started with, ours among them.
    pub preloads: &'static [u8],
    /// Every variable of ours, `PALISADE_NAME=value`: all that are there, and no others.
    pub settings: &'static [&'static CStr],
}

/// What becomes of the library in a child.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// Its environment names it, whatever its parent gave it.
    Given,
    /// Its environment does not: musl's loader starts the program, and would end it over ours.
    Withheld,
}

/// What is done with an environment, once. Not generic: each instance would be two kilobytes of the library.
pub type Act<'a> = &'a mut dyn FnMut(Strings) -> c_int;

/// The environment that a child is given, what becomes of the library there, and the names that are handed on to it.
type Given = (Strings, Library, Option<*const c_char>);

/// What an environment lacks.
struct Survey<'a> {
    /// Number of entries.
    count: usize,
    /// The entry that the loader takes its preloads from: the last of that name (ld.so(8)), and its value.
    preload: Option<(usize, &'a [u8])>,
    /// Settings that are there, as a set of their places in the list.
    settings: Places,
    /// Entries that begin like settings of ours and are none, or that a child may not have.
    strangers: usize,
}

impl Forced {
    /// # Safety
    /// As for [`entries`].
    #[inline(never)]
    unsafe fn survey<'a>(&self, envp: Strings) -> Survey<'a> {
        let mut survey = Survey {
            count: 0,
            preload: None,
            settings: Places::default(),
            strangers: 0,
        };
        // SAFETY: the caller's promise.
        for entry in unsafe { entries::<'a>(envp) } {
            if let Some(value) = entry.strip_prefix(PRELOAD) {
                survey.preload = Some((survey.count, value));
            } else if entry.starts_with(OURS) {
                // A second one of the same name is a stranger, too: it could stand in for one that is missing.
                if !self
                    .setting(entry)
                    .is_some_and(|place| survey.settings.add(place))
                {
                    survey.strangers += 1;
                }
            } else if self.is_strange(entry) {
                survey.strangers += 1;
            }
            survey.count += 1;
        }
        survey
    }

    /// Is this a variable of the loader that the child may not have?
    fn is_strange(&self, entry: &[u8]) -> bool {
        kept_place(entry)
            .is_some_and(|place| self.kept.get(place).copied().flatten() != Some(entry))
    }

    /// The preloads of an environment, by their paths, that neither are the library nor were in the process when it started.
    ///
    /// # Safety
    /// As for [`entries`].
    pub unsafe fn strange_preloads<'a>(&self, envp: Strings) -> impl Iterator<Item = &'a [u8]> {
        // SAFETY: the caller's promise.
        let survey = unsafe { self.survey(envp) };
        let value = survey.preload.map_or(&b""[..], |(_, value)| value);
        let known = self.preloads;
        preloads(value)
            .filter(move |path| path.contains(&b'/') && preloads(known).all(|known| known != *path))
    }

    /// The place of a setting that is as it must be.
    fn setting(&self, entry: &[u8]) -> Option<usize> {
        self.settings
            .iter()
            .position(|setting| setting.to_bytes() == entry)
    }

    #[inline(never)]
    fn is_complete(&self, survey: &Survey<'_>) -> bool {
        let is_preloaded = survey
            .preload
            .is_some_and(|(_, value)| self.names_library(value));
        is_preloaded
            && survey.strangers == 0
            && (0..self.settings.len()).all(|place| survey.settings.has(place))
    }

    /// Is the library among the preloads?
    fn names_library(&self, value: &[u8]) -> bool {
        preloads(value).any(|path| path == self.library)
    }

    /// The value of a preload entry that names the library.
    fn named_in<'a>(&self, entry: &'a [u8]) -> Option<&'a [u8]> {
        let value = entry.strip_prefix(PRELOAD)?;
        self.names_library(value).then_some(value)
    }

    /// Calls `act` with `envp`, in which the library and its settings are, or no preload names the library; byte-exact otherwise.
    ///
    /// An environment that has them already, which is the rule, is passed on as it is. Another is put together on the
    /// stack; a very large one in a mapping of its own, which a child of vfork(2) leaves behind in its parent.
    ///
    /// # Errors
    /// `ENOMEM`.
    ///
    /// # Safety
    /// As for [`entries`].
    pub unsafe fn with(
        &self,
        envp: Strings,
        library: Library,
        act: Act<'_>,
    ) -> Result<c_int, Errno> {
        // SAFETY: the caller's promise.
        if !unsafe { is_readable(envp) } {
            return Ok(act(envp));
        }
        // SAFETY: the caller's promise, and all of it can be read.
        let survey = unsafe { self.survey(envp) };
        let (names, is_right, bytes) = match library {
            Library::Given => {
                let names = handed::variable();
                let others = survey.preload.map_or(0, |(_, value)| value.len());
                let bytes = PRELOAD.len() + self.library.len() + others + 2;
                let is_right = names.is_none() && self.is_complete(&survey);
                (names, is_right, bytes)
            }
            Library::Withheld => {
                // SAFETY: the caller's promise, and all of it can be read.
                let naming =
                    unsafe { entries(envp) }.filter(|entry| self.named_in(entry).is_some());
                let bytes = naming.map(|entry| entry.len() + 1).sum();
                (None, bytes == 0, bytes)
            }
        };
        if is_right {
            return Ok(act(envp));
        }
        let given = (envp, library, names);
        let pointers = survey.count + self.settings.len() + 3;
        // SAFETY: the caller's promise.
        unsafe {
            if pointers <= 96 && bytes <= 512 {
                self.on_stack::<96>(given, &survey, act)
            } else if pointers <= 1024 && bytes <= 512 {
                self.on_stack::<1024>(given, &survey, act)
            } else {
                self.on_map(given, &survey, (pointers, bytes), act)
            }
        }
    }

    #[inline(never)]
    unsafe fn on_stack<const N: usize>(
        &self,
        given: Given,
        survey: &Survey<'_>,
        act: Act<'_>,
    ) -> Result<c_int, Errno> {
        let mut room = [ptr::null(); N];
        let mut text = [0; 512];
        // SAFETY: the caller's promise.
        let made = unsafe { self.make(given, survey, &mut room, &mut text) };
        Ok(act(made))
    }

    #[inline(never)]
    unsafe fn on_map(
        &self,
        given: Given,
        survey: &Survey<'_>,
        (pointers, bytes): (usize, usize),
        act: Act<'_>,
    ) -> Result<c_int, Errno> {
        let size = pointers * size_of::<*const c_char>() + bytes;
        let memory = sys::map(size, false)?;
        // SAFETY: fresh zeroed memory, `pointers` aligned words and then `bytes` bytes; envp as the caller promises. It
        // is unmapped when nobody uses it any more: `act` is done.
        unsafe {
            let room = slice::from_raw_parts_mut(memory.cast::<*const c_char>(), pointers);
            let text = slice::from_raw_parts_mut(
                memory.cast::<*const c_char>().add(pointers).cast::<u8>(),
                bytes,
            );
            let result = act(self.make(given, survey, room, text));
            sys::unmap(memory, size);
            Ok(result)
        }
    }

    /// Writes the environment into `room`, which is large enough: one pointer for each entry and setting, one each for a
    /// preload entry, for the names that are handed on, and the null pointer.
    ///
    /// # Safety
    /// As for [`entries`].
    #[inline(never)]
    unsafe fn make(
        &self,
        given: Given,
        survey: &Survey<'_>,
        room: &mut [*const c_char],
        text: &mut [u8],
    ) -> Strings {
        let (envp, library, names) = given;
        if library == Library::Withheld {
            // SAFETY: the caller's promise.
            return unsafe { self.make_without(envp, room, text) };
        }
        let preload = match survey.preload {
            Some((_, value)) if !self.names_library(value) => {
                let mut to = text.iter_mut();
                let parts: [&[u8]; 4] = [PRELOAD, self.library, b":", value];
                for byte in parts.iter().flat_map(|part| part.iter()).chain([&0]) {
                    if let Some(to) = to.next() {
                        *to = *byte;
                    }
                }
                text.as_ptr().cast()
            }
            Some(_) => ptr::null(),
            None => self.preload.as_ptr(),
        };
        let mut place = room.iter_mut();
        let mut put = |pointer: *const c_char| {
            if let Some(place) = place.next() {
                *place = pointer;
            }
        };
        let mut has = Places::default();
        // SAFETY: the caller's promise, and not past the last entry.
        for (index, entry) in unsafe { entries(envp) }.enumerate() {
            let original = pointer_at(envp, index);
            if survey.preload.is_some_and(|(last, _)| last == index) && !preload.is_null() {
                put(preload);
            } else if entry.starts_with(OURS) {
                if self.setting(entry).is_some_and(|place| has.add(place)) {
                    put(original);
                }
            } else if !self.is_strange(entry) {
                put(original);
            }
        }
        if survey.preload.is_none() {
            put(preload);
        }
        for (place, setting) in self.settings.iter().enumerate() {
            if !has.has(place) {
                put(setting.as_ptr());
            }
        }
        if let Some(names) = names {
            put(names);
        }
        put(ptr::null());
        room.as_ptr()
    }

    /// The same without the library: one pointer for each entry and the null pointer, and as many bytes as the entries have that name it.
    ///
    /// # Safety
    /// As for [`entries`].
    #[inline(always)]
    unsafe fn make_without(
        &self,
        envp: Strings,
        room: &mut [*const c_char],
        text: &mut [u8],
    ) -> Strings {
        let (mut place, mut rest) = (room.iter_mut(), text);
        // SAFETY: the caller's promise.
        for (index, entry) in unsafe { entries(envp) }.enumerate() {
            let mut pointer = pointer_at(envp, index);
            if let Some(value) = self.named_in(entry) {
                let length = self.write_others(value, rest);
                if length == 0 {
                    continue;
                }
                let (written, behind) = mem::take(&mut rest).split_at_mut(length);
                rest = behind;
                pointer = written.as_ptr().cast();
            }
            if let Some(place) = place.next() {
                *place = pointer;
            }
        }
        room.as_ptr()
    }

    /// Writes an entry of an environment that names the other preloads of a value, and its NUL, over zeros; the bytes written, none for no other.
    #[inline]
    fn write_others(&self, value: &[u8], text: &mut [u8]) -> usize {
        let mut length = 0;
        let mut to = text.iter_mut();
        for path in preloads(value).filter(|path| !path.is_empty() && *path != self.library) {
            let before = if length == 0 { PRELOAD } else { b":" };
            for (byte, to) in before.iter().chain(path).zip(to.by_ref()) {
                *to = *byte;
                length += 1;
            }
        }
        if length == 0 { 0 } else { length + 1 }
    }

    /// Puts into the live environment what is missing, for system(3) and popen(3), which pass it on from inside libc. They
    /// are not async-signal-safe and allocate by themselves, so setenv(3) may be used; libc's own, which is behind ours,
    /// and not the one that bash exports.
    pub fn repair(&self) {
        // SAFETY: the live environment.
        if !unsafe { is_readable(current()) } {
            return;
        }
        // SAFETY: the live environment, all of which can be read.
        let survey = unsafe { self.survey(current()) };
        let names = handed::variable();
        if names.is_none() && self.is_complete(&survey) {
            return;
        }
        // SAFETY: the live environment, copied before it is changed.
        let strangers: Vec<Vec<u8>> = unsafe { entries(current()) }
            .filter(|entry| entry.starts_with(OURS) || self.is_strange(entry))
            .map(|entry| [name_of(entry), b"\0"].concat())
            .collect();
        for name in strangers {
            // SAFETY: a C string.
            unsafe { change::unsetenv(name.as_ptr().cast()) };
        }
        if !survey
            .preload
            .is_some_and(|(_, value)| self.names_library(value))
        {
            let others = survey.preload.map_or(&b""[..], |(_, value)| value);
            let separator: &[u8] = if others.is_empty() { b"" } else { b":" };
            change::set(&[PRELOAD, self.library, separator, others].concat());
        }
        for setting in self.settings {
            change::set(setting.to_bytes());
        }
        if names.is_some() {
            let variable = handed::VARIABLE.iter().copied();
            change::set(&variable.chain(handed::text()).collect::<Vec<u8>>());
        }
    }
}

/// Takes the library out of what an environment has preloaded, so that no child loads it, whoever starts it and by whatever call. `false`: the
/// entry that counts does not name it in these words, has no room for another name, or does not lie in `writable`, and stays.
///
/// An entry that names nothing else becomes a variable of ours, and beside others separators stand where the library stood. Each byte of it stays
/// where it is: behind the last entry is what programs look for there (getauxval(3)), and who reads `/proc/self/environ` stops at an empty entry.
///
/// # Safety
/// As for [`entries`]. What lies at these addresses may be written to, and nobody else reads it meanwhile.
#[cold]
#[inline(never)]
pub unsafe fn leave(strings: Strings, library: &[u8], writable: &Range<usize>) -> bool {
    let mut is_out = false;
    // SAFETY: the caller's promise.
    for (index, entry) in unsafe { entries::<'static>(strings) }.enumerate() {
        let Some(value) = entry.strip_prefix(PRELOAD) else {
            continue;
        };
        let (mut is_named, mut has_others) = (false, false);
        for path in preloads(value) {
            is_named |= path == library;
            has_others |= !path.is_empty() && path != library;
        }
        let has_room = has_others || entry.len() >= EXEMPT.len();
        // The last one counts (ld.so(8)).
        is_out = is_named && has_room && writable.contains(&(entry.as_ptr() as usize));
        if !is_out {
            continue;
        }
        let (at, length) = (pointer_at(strings, index).cast_mut().cast(), entry.len());
        // SAFETY: the bytes of this entry, which may be written to, as the caller promises; nobody else reads them, and `entry` is not used any more.
        let bytes: &mut [u8] = unsafe { slice::from_raw_parts_mut(at, length) };
        if has_others {
            let value = bytes.get_mut(PRELOAD.len()..).unwrap_or_default();
            for path in value.split_mut(|byte| matches!(byte, b':' | b' ')) {
                if path == library {
                    path.fill(b':');
                }
            }
        } else if let Some(name) = bytes.get_mut(..EXEMPT.len()) {
            name.copy_from_slice(EXEMPT);
        }
    }
    is_out
}

/// The place in [`KEPT`] of an entry of an environment.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
#[inline(never)]
pub fn kept_place(entry: &[u8]) -> Option<usize> {
    let mut names = KEPT.iter();
    names.position(|name| entry.starts_with(name))
}

/// The libraries that `LD_PRELOAD` names: they are separated by colons or spaces (ld.so(8)).
fn preloads(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| matches!(byte, b':' | b' '))
}

fn name_of(entry: &[u8]) -> &[u8] {
    entry.split(|byte| *byte == b'=').next().unwrap_or(entry)
}

/// setenv(3) and unsetenv(3) of libc.
mod change {
    use super::{c_char, c_int, name_of};
    use core::ffi::{CStr, c_void};
    use core::mem::transmute;

    fn find(name: &CStr) -> *mut c_void {
        // SAFETY: dlsym(3) with a C string.
        unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }
    }

    /// # Safety
    /// `name` is a C string.
    pub unsafe fn unsetenv(name: *const c_char) {
        type Unsetenv = unsafe extern "C" fn(*const c_char) -> c_int;
        let found = find(c"unsetenv");
        // SAFETY: the function has that signature, and null is None.
        if let Some(unsetenv) = unsafe { transmute::<*mut c_void, Option<Unsetenv>>(found) } {
            // SAFETY: the caller's promise.
            unsafe { unsetenv(name) };
        }
    }

    pub fn set(entry: &[u8]) {
        type Setenv = unsafe extern "C" fn(*const c_char, *const c_char, c_int) -> c_int;
        let name = name_of(entry);
        let value = entry.get(name.len() + 1..).unwrap_or_default();
        let text = [name, b"\0", value, b"\0"].concat();
        // SAFETY: the function has that signature, and null is None.
        if let Some(setenv) = unsafe { transmute::<*mut c_void, Option<Setenv>>(find(c"setenv")) } {
            // SAFETY: two C strings, one behind the other; setenv copies them.
            unsafe {
                setenv(
                    text.as_ptr().cast(),
                    text.as_ptr().add(name.len() + 1).cast(),
                    1,
                )
            };
        }
    }
}

/// A set of small numbers.
#[derive(Default)]
struct Places([u64; 2]);

impl Places {
    /// Adds a number; `false` if it was there, or has no place.
    fn add(&mut self, place: usize) -> bool {
        let is_new = !self.has(place);
        match self.0.get_mut(place / 64) {
            Some(word) => *word |= 1 << (place % 64),
            None => return false,
        }
        is_new
    }

    fn has(&self, place: usize) -> bool {
        self.0
            .get(place / 64)
            .is_some_and(|word| word & 1 << (place % 64) != 0)
    }
}

/// The pointer at an index that [`entries`] has reached.
fn pointer_at(strings: Strings, index: usize) -> *const c_char {
    // SAFETY: `entries` has read this pointer and found it not null.
    unsafe { *strings.add(index) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORCED: Forced = Forced {
        library: b"/opt/p.so",
        preload: c"LD_PRELOAD=/opt/p.so",
        kept: [
            Some(b"LD_AUDIT=/known.so"),
            None,
            Some(b"LD_PROFILE=x"),
            None,
        ],
        preloads: b"/opt/p.so:/known/a.so",
        settings: &[c"PALISADE_MAIN_PID=7", c"PALISADE_AUDIT=stdout"],
    };

    fn given(entries: &[&str]) -> Vec<String> {
        let owned: Vec<std::ffi::CString> = entries
            .iter()
            .map(|e| std::ffi::CString::new(*e).unwrap())
            .collect();
        let mut pointers: Vec<*const c_char> = owned.iter().map(|e| e.as_ptr()).collect();
        pointers.push(ptr::null());
        let mut read = Vec::new();
        let mut act = |made: Strings| {
            // SAFETY: made by `with`.
            read.extend(
                unsafe { super::entries(made) }.map(|e| String::from_utf8_lossy(e).into_owned()),
            );
            7
        };
        // SAFETY: a vector of C strings with a null pointer at its end.
        let result = unsafe { FORCED.with(pointers.as_ptr(), Library::Given, &mut act) };
        assert_eq!(result, Ok(7));
        read
    }

    const ALL: [&str; 3] = [
        "LD_PRELOAD=/opt/p.so",
        "PALISADE_MAIN_PID=7",
        "PALISADE_AUDIT=stdout",
    ];

    #[test]
    fn an_empty_environment_gets_the_library_and_the_settings() {
        assert_eq!(given(&[]), ALL);
    }

    #[test]
    fn a_complete_environment_stays_as_it_is() {
        let complete = ["A=1", ALL[2], ALL[0], "A=1", "B", ALL[1]];
        assert_eq!(given(&complete), complete);
    }

    #[test]
    fn other_preloads_stay_behind_ours() {
        assert_eq!(
            given(&["LD_PRELOAD=/a.so /b.so", "X=y"]),
            ["LD_PRELOAD=/opt/p.so:/a.so /b.so", "X=y", ALL[1], ALL[2]]
        );
        assert_eq!(
            given(&["LD_PRELOAD=/a.so:/opt/p.so"]),
            ["LD_PRELOAD=/a.so:/opt/p.so", ALL[1], ALL[2]]
        );
    }

    #[test]
    fn the_last_preload_entry_is_the_one_that_counts() {
        assert_eq!(
            given(&["LD_PRELOAD=/opt/p.so", "LD_PRELOAD=/x.so"]),
            [
                "LD_PRELOAD=/opt/p.so",
                "LD_PRELOAD=/opt/p.so:/x.so",
                ALL[1],
                ALL[2]
            ]
        );
    }

    #[test]
    fn a_child_can_neither_change_nor_add_a_setting() {
        assert_eq!(
            given(&["PALISADE_MAIN_PID=8", "PALISADE_POLICY={}", ALL[0]]),
            ALL
        );
    }

    #[test]
    fn a_child_has_no_auditing_library_but_the_one_that_was_there() {
        let known = ["LD_AUDIT=/known.so", ALL[0], ALL[1], ALL[2]];
        assert_eq!(given(&known), known);
        assert_eq!(given(&["LD_AUDIT=/evil.so", ALL[0]]), ALL);
    }

    #[test]
    fn a_child_has_no_loader_that_writes_files_but_as_it_was() {
        let strange = [
            "LD_DEBUG_OUTPUT=/tmp/x",
            "LD_PROFILE=y",
            "LD_PROFILE_OUTPUT=/tmp",
            ALL[0],
        ];
        assert_eq!(given(&strange), ALL);
        let known = ["LD_PROFILE=x", "LD_DEBUG=all", ALL[0], ALL[1], ALL[2]];
        assert_eq!(given(&known), known);
    }

    #[test]
    fn a_preload_is_strange_if_it_is_a_path_that_was_not_there() {
        for (value, expected) in [
            ("/opt/p.so", vec![]),
            ("/opt/p.so:/known/a.so libm.so.6", vec![]),
            (
                "./b.so /opt/p.so:/known/b.so",
                vec!["./b.so", "/known/b.so"],
            ),
        ] {
            let entry = std::ffi::CString::new(format!("LD_PRELOAD={value}")).unwrap();
            let pointers = [
                c"LD_PRELOAD=/first.so".as_ptr(),
                entry.as_ptr(),
                ptr::null(),
            ];
            // SAFETY: a vector of C strings with a null pointer at its end.
            let strange: Vec<_> = unsafe { FORCED.strange_preloads(pointers.as_ptr()) }
                .map(|path| String::from_utf8_lossy(path).into_owned())
                .collect();
            assert_eq!(strange, expected, "{value}");
        }
    }

    #[test]
    fn what_is_left_of_a_preload_has_its_length() {
        for (entries, left, is_out) in [
            (
                vec!["A=1", "LD_PRELOAD=/opt/p.so", "B=2"],
                vec!["A=1", "PALISADE_EXEMPT=p.so", "B=2"],
                true,
            ),
            (
                vec!["LD_PRELOAD=/opt/p.so:"],
                vec!["PALISADE_EXEMPT=p.so:"],
                true,
            ),
            (
                vec!["LD_PRELOAD=/opt/p.so /a.so"],
                vec!["LD_PRELOAD=::::::::: /a.so"],
                true,
            ),
            (
                vec!["LD_PRELOAD=/a.so:/opt/p.so:/opt/p.so:/b.so"],
                vec!["LD_PRELOAD=/a.so:::::::::::::::::::::/b.so"],
                true,
            ),
            (
                vec!["LD_PRELOAD=/opt/p.so", "LD_PRELOAD=/a.so"],
                vec!["PALISADE_EXEMPT=p.so", "LD_PRELOAD=/a.so"],
                false,
            ),
            (
                vec!["LD_PRELOAD=/opt/p.so2"],
                vec!["LD_PRELOAD=/opt/p.so2"],
                false,
            ),
            (
                vec!["LD_PRELOAD=", "A=1"],
                vec!["LD_PRELOAD=", "A=1"],
                false,
            ),
            (vec!["A=1"], vec!["A=1"], false),
            (vec![], vec![], false),
        ] {
            let owned: Vec<*mut c_char> = entries
                .iter()
                .map(|entry| std::ffi::CString::new(*entry).unwrap().into_raw())
                .collect();
            let mut pointers: Vec<*const c_char> =
                owned.iter().map(|entry| entry.cast_const()).collect();
            pointers.push(ptr::null());
            // SAFETY: a vector of C strings with a null pointer at its end, which are nobody else's.
            let found = unsafe { super::leave(pointers.as_ptr(), b"/opt/p.so", &(0..usize::MAX)) };
            let texts = owned.into_iter().map(|entry| {
                // SAFETY: it is as long as it was.
                unsafe { std::ffi::CString::from_raw(entry) }
                    .into_string()
                    .unwrap()
            });
            assert_eq!(texts.collect::<Vec<_>>(), left, "{entries:?}");
            assert_eq!(found, is_out, "{entries:?}");
        }
    }

    #[test]
    fn a_preload_that_may_be_a_constant_stays() {
        let pointers = [c"LD_PRELOAD=/opt/p.so".as_ptr(), ptr::null()];
        // SAFETY: a C string and a null pointer, and nothing is written to.
        assert!(!unsafe { super::leave(pointers.as_ptr(), b"/opt/p.so", &(0..0)) });
    }

    #[test]
    fn environments_of_every_size_are_completed() {
        for count in [90, 95, 500, 1022, 5000] {
            let entries: Vec<String> = (0..count).map(|n| format!("V{n}=\u{fffd}{n}")).collect();
            let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
            let made = given(&entries);
            assert_eq!(made.len(), count + 3, "{count}");
            assert_eq!(made[..count], entries[..], "{count}");
            assert_eq!(made[count..], ALL, "{count}");
        }
    }
}
