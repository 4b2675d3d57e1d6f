//! Environments: the one that this process started with, and the one that a child must have.
//!
//! Never through getenv(3): bash exports its own `getenv`, `setenv` and `unsetenv`, and a preloaded library gets those.

use core::ffi::{CStr, c_char, c_int};
use core::{ptr, slice};

use crate::sys::{self, Errno};
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
    let mut next = strings;
    core::iter::from_fn(move || {
        if next.is_null() {
            return None;
        }
        // SAFETY: not past the null pointer, as the caller promises; each entry is a C string.
        unsafe {
            let entry = *next;
            if entry.is_null() {
                return None;
            }
            next = next.add(1);
            Some(CStr::from_ptr(entry).to_bytes())
        }
    })
}

/// The value of the first entry of that name, as getenv(3) gives it.
///
/// # Safety
/// As for [`entries`].
pub unsafe fn value<'a>(strings: Strings, name: &[u8]) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe { entries(strings) }.find_map(|entry| entry.strip_prefix(name)?.strip_prefix(b"="))
}

const PRELOAD: &[u8] = b"LD_PRELOAD=";
const OURS: &[u8] = b"PALISADE_";

/// What the environment of every child has, whatever its parent gave it.
#[derive(Clone, Copy)]
pub struct Forced {
    /// Path of this library, as `LD_PRELOAD` names it.
    pub library: &'static [u8],
    /// `LD_PRELOAD=<library>`.
    pub preload: &'static CStr,
    /// Every variable of ours, `PALISADE_NAME=value`: all that are there, and no others.
    pub settings: &'static [&'static CStr],
}

/// What an environment lacks.
struct Survey<'a> {
    /// Number of entries.
    count: usize,
    /// The entry that the loader takes its preloads from: the last of that name (ld.so(8)), and its value.
    preload: Option<(usize, &'a [u8])>,
    /// Settings that are there exactly once and as they must be.
    settings: usize,
    /// Entries that begin like settings of ours and are none.
    strangers: usize,
}

impl Forced {
    /// # Safety
    /// As for [`entries`].
    unsafe fn survey<'a>(&self, envp: Strings) -> Survey<'a> {
        let mut survey = Survey {
            count: 0,
            preload: None,
            settings: 0,
            strangers: 0,
        };
        // SAFETY: the caller's promise.
        for entry in unsafe { entries::<'a>(envp) } {
            if let Some(value) = entry.strip_prefix(PRELOAD) {
                survey.preload = Some((survey.count, value));
            } else if entry.starts_with(OURS) {
                if self.is_setting(entry) {
                    survey.settings += 1;
                } else {
                    survey.strangers += 1;
                }
            }
            survey.count += 1;
        }
        survey
    }

    fn is_setting(&self, entry: &[u8]) -> bool {
        self.settings
            .iter()
            .any(|setting| setting.to_bytes() == entry)
    }

    /// Is the library among the preloads? They are separated by colons or spaces (ld.so(8)).
    fn names_library(&self, preloads: &[u8]) -> bool {
        preloads
            .split(|byte| matches!(byte, b':' | b' '))
            .any(|path| path == self.library)
    }

    /// Calls `act` with `envp`, in which the library and its settings are, byte-exact otherwise.
    ///
    /// An environment that has them already, which is the rule, is passed on as it is. Another is put together on the
    /// stack; a very large one in a mapping of its own, which a child of vfork(2) leaves behind in its parent.
    ///
    /// # Errors
    /// `ENOMEM`.
    ///
    /// # Safety
    /// As for [`entries`].
    pub unsafe fn with<R>(
        &self,
        envp: Strings,
        act: impl FnOnce(Strings) -> R,
    ) -> Result<R, Errno> {
        // SAFETY: the caller's promise.
        let survey = unsafe { self.survey(envp) };
        let is_preloaded = survey
            .preload
            .is_some_and(|(_, value)| self.names_library(value));
        if is_preloaded && survey.strangers == 0 && survey.settings == self.settings.len() {
            return Ok(act(envp));
        }
        let pointers = survey.count + self.settings.len() + 2;
        let bytes = PRELOAD.len()
            + self.library.len()
            + survey.preload.map_or(0, |(_, value)| value.len())
            + 2;
        // SAFETY: the caller's promise.
        unsafe {
            if pointers <= 96 && bytes <= 512 {
                self.on_stack::<96, R>(envp, &survey, act)
            } else if pointers <= 1024 && bytes <= 512 {
                self.on_stack::<1024, R>(envp, &survey, act)
            } else {
                self.on_map(envp, &survey, pointers, bytes, act)
            }
        }
    }

    #[inline(never)]
    unsafe fn on_stack<const N: usize, R>(
        &self,
        envp: Strings,
        survey: &Survey<'_>,
        act: impl FnOnce(Strings) -> R,
    ) -> Result<R, Errno> {
        let mut room = [ptr::null(); N];
        let mut text = [0; 512];
        // SAFETY: the caller's promise.
        let made = unsafe { self.make(envp, survey, &mut room, &mut text) };
        Ok(act(made))
    }

    #[inline(never)]
    unsafe fn on_map<R>(
        &self,
        envp: Strings,
        survey: &Survey<'_>,
        pointers: usize,
        bytes: usize,
        act: impl FnOnce(Strings) -> R,
    ) -> Result<R, Errno> {
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
            let result = act(self.make(envp, survey, room, text));
            sys::unmap(memory, size);
            Ok(result)
        }
    }

    /// Writes the environment into `room`, which is large enough: one pointer for each entry and setting, one for a
    /// preload entry and the null pointer.
    ///
    /// # Safety
    /// As for [`entries`].
    unsafe fn make(
        &self,
        envp: Strings,
        survey: &Survey<'_>,
        room: &mut [*const c_char],
        text: &mut [u8],
    ) -> Strings {
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
        let mut has = [0u64; 2];
        // SAFETY: the caller's promise, and not past the last entry.
        for (index, entry) in unsafe { entries(envp) }.enumerate() {
            let original = unsafe_entry(envp, index);
            if survey.preload.is_some_and(|(last, _)| last == index) && !preload.is_null() {
                put(preload);
            } else if !entry.starts_with(OURS) {
                put(original);
            } else if let Some(known) = self.settings.iter().position(|s| s.to_bytes() == entry)
                && let Some(word) = has.get_mut(known / 64)
                && *word & 1 << (known % 64) == 0
            {
                *word |= 1 << (known % 64);
                put(original);
            }
        }
        if survey.preload.is_none() {
            put(preload);
        }
        for (index, setting) in self.settings.iter().enumerate() {
            if has
                .get(index / 64)
                .is_none_or(|word| word & 1 << (index % 64) == 0)
            {
                put(setting.as_ptr());
            }
        }
        put(ptr::null());
        room.as_ptr()
    }

    /// Puts into the live environment what is missing, for system(3) and popen(3), which pass it on from inside libc. They
    /// are not async-signal-safe and allocate by themselves, so setenv(3) may be used; libc's own, which is behind ours,
    /// and not the one that bash exports.
    pub fn repair(&self) {
        // SAFETY: the live environment.
        let survey = unsafe { self.survey(current()) };
        let is_preloaded = survey
            .preload
            .is_some_and(|(_, value)| self.names_library(value));
        if is_preloaded && survey.settings >= self.settings.len() {
            return;
        }
        type Setenv = unsafe extern "C" fn(*const c_char, *const c_char, c_int) -> c_int;
        // SAFETY: dlsym(3) with a C string; the function has that signature (setenv(3)), and null is None.
        let Some(setenv) = (unsafe {
            core::mem::transmute::<*mut core::ffi::c_void, Option<Setenv>>(libc::dlsym(
                libc::RTLD_NEXT,
                c"setenv".as_ptr(),
            ))
        }) else {
            return;
        };
        let set = |entry: &[u8]| {
            let Some(equals) = entry.iter().position(|byte| *byte == b'=') else {
                return;
            };
            let (name, value) = entry.split_at(equals);
            let mut text = Vec::with_capacity(entry.len() + 1);
            text.extend_from_slice(name);
            text.push(0);
            text.extend_from_slice(value.get(1..).unwrap_or_default());
            text.push(0);
            // SAFETY: two C strings, one behind the other; setenv copies them.
            unsafe {
                setenv(
                    text.as_ptr().cast(),
                    text.as_ptr().add(equals + 1).cast(),
                    1,
                )
            };
        };
        if !is_preloaded {
            let others = survey.preload.map_or(&b""[..], |(_, value)| value);
            let separator: &[u8] = if others.is_empty() { b"" } else { b":" };
            set(&[PRELOAD, self.library, separator, others].concat());
        }
        for setting in self.settings {
            set(setting.to_bytes());
        }
    }
}

/// The pointer at an index that [`entries`] has reached.
fn unsafe_entry(strings: Strings, index: usize) -> *const c_char {
    // SAFETY: `entries` has read this pointer and found it not null.
    unsafe { *strings.add(index) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORCED: Forced = Forced {
        library: b"/opt/p.so",
        preload: c"LD_PRELOAD=/opt/p.so",
        settings: &[c"PALISADE_MAIN_PID=7", c"PALISADE_AUDIT=stdout"],
    };

    fn given(entries: &[&str]) -> Vec<String> {
        let owned: Vec<std::ffi::CString> = entries
            .iter()
            .map(|e| std::ffi::CString::new(*e).unwrap())
            .collect();
        let mut pointers: Vec<*const c_char> = owned.iter().map(|e| e.as_ptr()).collect();
        pointers.push(ptr::null());
        let read = |made: Strings| {
            // SAFETY: made by `with`.
            unsafe { super::entries(made) }
                .map(|e| String::from_utf8_lossy(e).into_owned())
                .collect()
        };
        // SAFETY: a vector of C strings with a null pointer at its end.
        unsafe { FORCED.with(pointers.as_ptr(), read) }.unwrap()
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
