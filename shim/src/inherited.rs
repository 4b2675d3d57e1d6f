//! The start of a child of the main process, which finds all that it has to know in its environment.
//!
//! The main process has found the policy, compiled it, looked at its log and written all of that into the environment that each child is given
//! ([`crate::env::Forced`]). A child copies it, reads a few numbers, and is done: it parses no policy, looks at no file, and allocates
//! nothing, so that its malloc is as untouched as without us. What it copies is never changed and never freed; the environment itself
//! may be written over by a program that sets its title there.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::mem::MaybeUninit;
use core::sync::atomic::AtomicU32;

use palisade_policy::Decider;
use palisade_policy::event::Section;

use crate::env::{self, Forced, behind};
use crate::hooks::names;
use crate::log::Destination;
use crate::report::Origin;
use crate::settings::{self, Environment};
use crate::state::State;
use crate::{handed, learned, shared, sixbit, start, sys};

/// More settings than there are.
const SETTINGS_MAX: usize = 24;

/// Settings and policy of almost every function; more than that lies in a mapping of its own.
const ROOM: usize = 64 * 1024;

/// What a child keeps.
#[repr(C)]
struct Kept {
    state: UnsafeCell<MaybeUninit<State>>,
    settings: UnsafeCell<[MaybeUninit<&'static CStr>; SETTINGS_MAX]>,
    /// Last, and from the middle of a page on, so that nothing stands between what is written. Pages that are not written to take no memory.
    bytes: UnsafeCell<[u8; ROOM]>,
}

// SAFETY: the constructor alone writes it, before anybody else may know of it.
unsafe impl Sync for Kept {}

#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
static KEPT: Kept = Kept {
    state: UnsafeCell::new(MaybeUninit::uninit()),
    settings: UnsafeCell::new([const { MaybeUninit::uninit() }; SETTINGS_MAX]),
    bytes: UnsafeCell::new([0; ROOM]),
};

/// The settings, as they came.
struct Settings {
    /// As many as `count` are there.
    entries: [MaybeUninit<&'static [u8]>; SETTINGS_MAX],
    count: usize,
    preloads: &'static [u8],
    /// What the parent's names led to: it is not kept, but noted.
    names: Option<&'static [u8]>,
    /// Bytes of all of them, each with a NUL.
    length: usize,
}

impl Settings {
    /// `None`: more than there can be.
    fn collect(environment: Environment) -> Option<Self> {
        let mut settings = Self {
            entries: [const { MaybeUninit::uninit() }; SETTINGS_MAX],
            count: 0,
            preloads: b"",
            names: None,
            length: 0,
        };
        let are_wanted = |first: [u8; 2]| first == *b"PA" || first == *b"LD";
        // SAFETY: the loader's environment, which the constructor reads before anybody can change it.
        for entry in unsafe { env::entries_that(environment.0, are_wanted) } {
            if let Some(names) = behind(entry, handed::VARIABLE) {
                settings.names = Some(names);
            } else if entry.starts_with(b"PALISADE_") {
                settings.entries.get_mut(settings.count)?.write(entry);
                settings.count += 1;
                settings.length += entry.len() + 1;
            } else if let Some(value) = behind(entry, env::PRELOAD) {
                settings.preloads = value;
                settings.length += value.len() + 1;
            } else if env::kept_place(entry).is_some() {
                // Hardly a function is started with one.
                return None;
            }
        }
        Some(settings)
    }
}

/// Room that is given out from the front.
struct Room(&'static mut [u8]);

impl Room {
    /// Memory of that length.
    fn of(length: usize) -> Option<Self> {
        if length <= ROOM {
            // SAFETY: the constructor runs once.
            return Some(Self(unsafe { &mut *KEPT.bytes.get() }));
        }
        let memory = sys::map(length, false).ok()?.cast::<u8>();
        // SAFETY: a fresh mapping of that length, which nobody ever unmaps.
        Some(Self(unsafe {
            core::slice::from_raw_parts_mut(memory, length)
        }))
    }

    fn take(&mut self, length: usize) -> Option<&'static mut [u8]> {
        let (taken, rest) = core::mem::take(&mut self.0).split_at_mut_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A copy of parts, one behind the other, with a NUL behind the last.
    #[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
    fn copy(&mut self, parts: &[&[u8]]) -> Option<&'static CStr> {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let room = self.take(length + 1)?;
        let mut rest = &mut *room;
        for part in parts {
            let (to, behind) = rest.split_at_mut_checked(part.len())?;
            to.copy_from_slice(part);
            rest = behind;
        }
        *rest.first_mut()? = 0;
        // SAFETY: no part of an environment has a NUL within.
        Some(unsafe { CStr::from_bytes_with_nul_unchecked(room) })
    }
}

/// What this process is to know, if it is a child of the main process and all of it is in its environment. `None`: it is not, and
/// everything has to be found out.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub fn state(environment: Environment, library: &'static CStr) -> Option<&'static State> {
    let settings = Settings::collect(environment)?;
    let (mut main, mut log, mut context, mut compiled) = (None, None, None, None);
    let mut learned = None;
    let mut destination: &CStr = c"";
    // SAFETY: as many as `count` have been written.
    let given: &[&'static [u8]] =
        unsafe { core::slice::from_raw_parts(settings.entries.as_ptr().cast(), settings.count) };
    // First of all, so that a process that was handed nothing has lost no time.
    let policy = given
        .iter()
        .find_map(|entry| behind(entry, settings::COMPILED))?;

    // The context without its escapes is no longer than it came.
    let unpacked = sixbit::room(policy);
    let mut room = Room::of(
        2 * settings.length + unpacked.unwrap_or_default() + 2 * library.count_bytes() + 64,
    )?;
    // SAFETY: the constructor runs once.
    let kept = unsafe { &mut *KEPT.settings.get() };
    for (place, entry) in kept.iter_mut().zip(given) {
        let copy = room.copy(&[entry])?;
        let entry = copy.to_bytes();
        let equals = entry.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (entry.get(9..equals)?, entry.get(equals + 1..)?);
        match name {
            b"MAIN_PID" => fill(&mut main, value)?,
            b"LOG" => fill(&mut log, value)?,
            b"CONTEXT" => fill(&mut context, value)?,
            b"COMPILED" => fill(&mut compiled, value)?,
            b"LEARNED" => fill(&mut learned, value)?,
            b"AUDIT" if destination.is_empty() => {
                // SAFETY: the end of a C string is one.
                destination = unsafe { CStr::from_ptr(copy.as_ptr().add(equals + 1)) };
            }
            // Another wrapper is at work, or a setting that is none here.
            b"MAIN_PROGRAM" | b"NEXT_WRAPPER" | b"PROBE" | b"AUDIT" => return None,
            _ => {}
        }
        place.write(copy);
    }
    let (main, own) = (settings::number(main?)?, sys::getpid());
    if main == u64::from(own) {
        return None;
    }
    let main = u32::try_from(main).ok()?;

    let compiled = compiled?;
    let bytes = match shared::take(compiled) {
        Some(bytes) => bytes,
        None => sixbit::decode(compiled, room.take(unpacked?)?)?,
    };
    let decider = Decider::from_bytes(bytes)?;
    let mut origin = Origin {
        function: b"",
        region: b"",
        program: b"",
    };
    let mut search = [None; 2];
    let mut has_musl = false;
    let (mut region, mut default_region) = (b"".as_slice(), b"".as_slice());
    for entry in context?.split(|byte| *byte == b';') {
        if let Some(value) = behind(entry, b"AWS_LAMBDA_FUNCTION_NAME=") {
            origin.function = unescape(value, &mut room)?;
        } else if let Some(value) = behind(entry, b"AWS_REGION=") {
            region = unescape(value, &mut room)?;
        } else if let Some(value) = behind(entry, b"AWS_DEFAULT_REGION=") {
            default_region = unescape(value, &mut room)?;
        }
        has_musl |= entry == settings::HAS_MUSL;
        for (place, name) in search.iter_mut().zip(names::SEARCH) {
            if let Some(value) = behind(entry, name.as_bytes()).and_then(|rest| behind(rest, b"="))
            {
                *place = Some(unescape(value, &mut room)?);
            }
        }
    }
    origin.region = if region.is_empty() {
        default_region
    } else {
        region
    };
    let destination = destination_of(destination, !origin.function.is_empty())?;
    if let Some(set) = learned.and_then(learned::join) {
        learned::publish(set);
    }
    let forced = Forced {
        library: library.to_bytes(),
        preload: room.copy(&[b"LD_PRELOAD=", library.to_bytes()])?,
        kept: [None; env::KEPT.len()],
        preloads: room.copy(&[settings.preloads])?.to_bytes(),
        // SAFETY: as many have been written as there are entries.
        settings: unsafe { core::slice::from_raw_parts(kept.as_ptr().cast(), settings.count) },
    };
    handed::take_over(&decider, settings.names);
    // SAFETY: the constructor runs once.
    let state = unsafe { &mut *KEPT.state.get() };
    Some(state.write(State {
        decider,
        // Nearly no rule has such a time: what reads it is not run through.
        enforces_at: decider.enforce_after().and_then(|_| decider.enforces_at()),
        learns: decider.learns(),
        rule: decider.rule_bytes(),
        origin,
        program: None,
        log: settings::log_of(log?, destination, main)?,
        forced: [forced, forced],
        // Only who waits asks for it.
        runtime_api: None,
        proves_names: decider.active(Section::Filesystem) && start::proves_names(),
        looks_for_musl: !decider.active(Section::Processes) && has_musl,
        search,
        own,
        main: AtomicU32::new(main),
    }))
}

/// Notes a setting; `None` for a second one of the same name.
fn fill<'a>(place: &mut Option<&'a [u8]>, value: &'a [u8]) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value);
    Some(())
}

/// As [`settings::destination`], of a setting that is right.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
fn destination_of(value: &'static CStr, is_in_lambda: bool) -> Option<Destination> {
    Some(match value.to_bytes() {
        b"" if is_in_lambda => Destination::Stream(1),
        b"stdout" => Destination::Stream(1),
        b"" | b"stderr" => Destination::Stream(2),
        bytes => {
            const FILE: &[u8] = b"file:";
            if !bytes.strip_prefix(FILE)?.starts_with(b"/") {
                return None;
            }
            // SAFETY: the end of a C string is one.
            Destination::File(unsafe { CStr::from_ptr(value.as_ptr().add(FILE.len())) })
        }
    })
}

/// A value of the context, in `room` if it is not as it stands there.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
fn unescape(value: &'static [u8], room: &mut Room) -> Option<&'static [u8]> {
    if !value.contains(&b'%') {
        return Some(value);
    }
    let plain = room.take(value.len())?;
    let mut length = 0;
    let mut rest = value.iter();
    while let Some(byte) = rest.next() {
        let byte = if *byte == b'%' {
            let mut digit = || char::from(*rest.next()?).to_digit(16);
            u8::try_from(digit()? << 4 | digit()?).ok()?
        } else {
            *byte
        };
        *plain.get_mut(length)? = byte;
        length += 1;
    }
    plain.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::c_char;

    fn kept(entries: &[&CStr]) -> Option<&'static State> {
        let mut envp: Vec<*const c_char> = entries.iter().map(|entry| entry.as_ptr()).collect();
        envp.push(core::ptr::null());
        state(Environment(Vec::leak(envp).as_ptr()), c"/opt/p.so")
    }

    #[test]
    fn what_was_handed_on_is_understood_as_it_was_written() {
        let policy = palisade_policy::default_policy();
        let compiled = palisade_policy::compile(
            &policy,
            &palisade_policy::Context {
                identity: palisade_policy::Identity::default(),
                platform: &palisade_policy::Platform::default(),
                resolve: &|_| None,
                now: 0,
            },
        );
        let text = format!(
            "PALISADE_COMPILED={}\0",
            str::from_utf8(&sixbit::encode(b"", compiled.as_bytes())).unwrap()
        );
        let text = CStr::from_bytes_with_nul(text.as_bytes()).unwrap();
        let all = [
            c"A=1",
            text,
            c"PALISADE_MAIN_PID=1",
            c"PALISADE_LOG=1,2,3,4,1/",
            c"PALISADE_CONTEXT=AWS_LAMBDA_FUNCTION_NAME=a%3bb;AWS_DEFAULT_REGION=eu",
            c"PALISADE_AUDIT=file:/tmp/x",
            c"LD_PRELOAD=/opt/p.so:/b.so",
        ];
        // One after the other: what is kept is there once. Each of the first is not what a main process hands on.
        for without in 1..5 {
            let some: Vec<&CStr> = (0..7).filter(|i| *i != without).map(|i| all[i]).collect();
            assert!(kept(&some).is_none(), "{without}");
        }
        for more in [
            c"LD_AUDIT=/a.so",
            c"LD_PROFILE=x",
            c"PALISADE_MAIN_PROGRAM=/x",
            c"PALISADE_LOG=",
            c"PALISADE_AUDIT=stdout",
            c"PALISADE_X",
        ] {
            let mut some = all.to_vec();
            some.push(more);
            assert!(kept(&some).is_none(), "{more:?}");
        }
        let state = kept(&all).unwrap();
        assert_eq!(state.origin.function, b"a;b");
        assert_eq!(state.origin.region, b"eu");
        assert!(state.decider.active(Section::Processes));
        assert_eq!(state.forced[1].settings, &all[1..6]);
        assert_eq!(state.forced[1].preloads, b"/opt/p.so:/b.so");
        assert_eq!(state.forced[1].preload, c"LD_PRELOAD=/opt/p.so");
        assert!(matches!(state.log.destination, Destination::File(path) if path == c"/tmp/x"));
        assert_eq!(state.log.main, 1);
    }
}
