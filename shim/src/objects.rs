//! The objects that the loader has put into this process (dl_iterate_phdr(3)), and symbols in them.
//!
//! `dlsym(3)` is not used to find what lies behind a hook, for three reasons. A library that exports `dlsym` gets its own symbol for every
//! reference, versioned or not. A name that this libc lacks leaves a message for the program's next `dlerror(3)`, and allocates it.
//! And a hundred look-ups through it cost more than all the rest of the constructor. So the symbol tables are read by hand
//! ([`Symbols`]). No allocation: a malloc replacement may call a hook before our constructor has run.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use libc::dl_phdr_info;

use crate::symbols::{Symbols, hash};
use crate::{path, sys};

/// How many shared objects the C library has. Before glibc 2.34 threads, names and the loader's interface have their own.
const LIBC: usize = 4;

/// Which of the C library's objects has that name. Compared with constants, which takes no call: libc's own code for it would have to be
/// read in at each start.
#[inline(always)]
fn of_libc(base_name: &[u8]) -> Option<usize> {
    match base_name {
        b"libc.so.6" => Some(0),
        b"libpthread.so.0" => Some(1),
        b"libdl.so.2" => Some(2),
        b"libresolv.so.2" => Some(3),
        _ => None,
    }
}

/// The addresses of each object of the C library, in the order of [`of_libc`], once the constructor has noted them.
#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
static RANGES: [[AtomicUsize; 2]; LIBC] = [const { [const { AtomicUsize::new(0) }; 2] }; LIBC];

/// Is the address in the C library?
pub fn is_libc(address: *const c_void) -> bool {
    (0..LIBC).any(|which| is_part(which, address))
}

/// Is it in that part of it?
fn is_part(which: usize, address: *const c_void) -> bool {
    let address = address as usize;
    RANGES.get(which).is_some_and(|[start, end]| {
        start.load(Ordering::Relaxed) <= address && address < end.load(Ordering::Relaxed)
    })
}

/// Notes where the C library is.
fn note(which: usize, info: &dl_phdr_info) {
    if let Some([start, end]) = RANGES.get(which) {
        let range = addresses(info);
        start.store(range.start, Ordering::Relaxed);
        end.store(range.end, Ordering::Relaxed);
    }
}

/// Notes where an object lies that is never unloaded.
fn note_segments(info: &dl_phdr_info) {
    let segments = headers(info)
        .iter()
        .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_R != 0);
    sys::note_segments(segments.map(|segment| {
        let start = (info.dlpi_addr + segment.p_vaddr) as usize;
        start..start + segment.p_memsz as usize
    }));
}

/// Is the address in an object whose file has such a name?
#[cfg(not(test))]
pub fn is_in(address: *const c_void, is_meant: impl Fn(&[u8]) -> bool) -> bool {
    let mut is_in = false;
    each(|info, base_name| {
        is_in |= is_meant(base_name) && addresses(info).contains(&(address as usize));
    });
    is_in
}

/// The function of that name in the C library, in its default version; null if it has none.
pub fn libc_symbol(name: &CStr) -> *mut c_void {
    let mut found: *mut c_void = core::ptr::null_mut();
    let hash = hash(name.to_bytes());
    each(|info, base_name| {
        if found.is_null() && of_libc(base_name).is_some() {
            let symbol = symbols(info).and_then(|symbols| symbols.find(name, hash));
            found = symbol.unwrap_or(core::ptr::null_mut());
        }
    });
    found
}

/// Is there an interposer whose next function of that name ours is not: one that stands between the caller and this library, or the caller
/// itself if it stands behind?
pub fn is_interposed(name: &CStr, caller: usize) -> bool {
    let own = is_interposed as fn(&CStr, usize) -> bool as usize;
    let hash = hash(name.to_bytes());
    let (mut has_seen_caller, mut has_seen_us, mut is_interposed) = (false, false, false);
    each(|info, base_name| {
        let range = addresses(info);
        has_seen_us |= range.contains(&own);
        let is_caller = range.contains(&caller);
        let counts = if has_seen_us {
            is_caller
        } else {
            has_seen_caller
        };
        if counts && !range.contains(&own) && of_libc(base_name).is_none() {
            let symbols = symbols(info);
            is_interposed |= symbols.is_some_and(|symbols| symbols.find(name, hash).is_some());
        }
        has_seen_caller |= is_caller;
    });
    is_interposed
}

/// Room for the objects that [`Behind`] looks at.
pub type Objects<const MAX: usize> = [MaybeUninit<Symbols>; MAX];

/// Room for so many.
pub const fn room<const MAX: usize>() -> Objects<MAX> {
    [const { MaybeUninit::uninit() }; MAX]
}

/// More objects than most programs are started with. Room for these alone is on pages of the stack that the loader has used before us.
pub const OBJECTS: usize = 16;

/// More objects than any function's interpreter is started with.
pub const OBJECTS_MAX: usize = 96;

/// The objects behind this library, in the order in which the loader searches them (`RTLD_NEXT`, dlsym(3)).
pub struct Behind<'a> {
    symbols: &'a mut [MaybeUninit<Symbols>],
    /// How many there are, with those for which there was no room.
    count: usize,
    /// The C library's, in the order of [`of_libc`].
    libc: [Option<Symbols>; LIBC],
    /// Where `libc.so.6` stands among the objects behind.
    first: usize,
    /// Its build ID, if it has one.
    build: &'static [u8],
    /// The path under which the loader found this library.
    own: *const c_char,
}

impl<'a> Behind<'a> {
    /// Looks at what is loaded now, and notes where the C library is. Until the program opens libraries by itself, that is the global
    /// scope.
    #[inline(always)]
    pub fn now<const MAX: usize>(room: &'a mut Objects<MAX>) -> Self {
        let mut behind = Self {
            symbols: room,
            count: 0,
            libc: [None; LIBC],
            first: usize::MAX,
            build: b"",
            own: c"".as_ptr(),
        };
        behind.look();
        behind
    }

    #[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
    fn look(&mut self) {
        let behind = self;
        let own = Self::look as fn(&mut Self) as usize;
        let mut is_behind = false;
        let mut is_first = true;
        each(|info, base_name| {
            // dl_iterate_phdr(3): the program itself comes first.
            if core::mem::take(&mut is_first) {
                note_segments(info);
            }
            let which = of_libc(base_name);
            let symbols = if is_behind || which.is_some() {
                symbols(info)
            } else {
                None
            };
            if let Some(which) = which {
                note(which, info);
                if let Some(place) = behind.libc.get_mut(which) {
                    *place = symbols;
                }
                if which == 0 && is_behind {
                    behind.first = behind.count;
                    behind.build = build_id(info);
                }
            }
            if is_behind {
                if let Some(symbols) = symbols {
                    if let Some(place) = behind.symbols.get_mut(behind.count) {
                        place.write(symbols);
                    }
                    behind.count += 1;
                }
            } else if addresses(info).contains(&own) {
                is_behind = true;
                note_segments(info);
                behind.own = info.dlpi_name;
            }
        });
    }

    /// Was there room for all of them?
    pub fn is_whole(&self) -> bool {
        self.count <= self.symbols.len()
    }

    /// The path under which the loader found this library. It lives as long as the library, which is never unloaded.
    pub fn library(&self) -> &'static CStr {
        // SAFETY: a C string of the loader, or the empty one.
        unsafe { CStr::from_ptr(self.own) }
    }

    /// The build ID of `libc.so.6`, which tells it from any other; nothing where it has none, or where it does not stand behind.
    pub fn build(&self) -> &'static [u8] {
        self.build
    }

    /// `libc.so.6`, if nothing stands before it that could have a function of the same name.
    pub fn libc_alone(&self) -> Option<&Symbols> {
        let [libc, ..] = &self.libc;
        libc.as_ref().filter(|_| self.first == 0)
    }

    /// How far into `libc.so.6` a function lies; 0 if it has none of that name. `found` is what [`Behind::find`] gave for it.
    pub fn offset(&self, name: &CStr, hash: u32, found: *const c_void) -> u32 {
        let [libc, ..] = &self.libc;
        let Some(libc) = libc else { return 0 };
        let found = match self.libc_alone() {
            // Where libc has it, it was looked for nowhere else.
            Some(_) if is_part(0, found) => Some(found),
            Some(_) => None,
            None => libc.find(name, hash).map(<*mut c_void>::cast_const),
        };
        found.and_then(|found| libc.offset_of(found)).unwrap_or(0)
    }

    /// As [`libc_symbol`], of what was there. `known` is what [`Behind::offset`] gave for this name and such a `libc.so.6`.
    pub fn in_libc(&self, name: &CStr, known: Option<u32>) -> *mut c_void {
        if let (Some(offset @ 1..), [Some(symbols), ..]) = (known, &self.libc) {
            return symbols.at(offset);
        }
        let hash = hash(name.to_bytes());
        let mut objects = self.libc.iter().flatten();
        objects
            .find_map(|symbols| symbols.find(name, hash))
            .unwrap_or(core::ptr::null_mut())
    }

    /// The first function of that name, in its default version; null if there is none. `hash` is that of [`hash`].
    ///
    /// An object that has a function of that name and calls another of that name (libattr's `setxattr`, which has a version of its own, calls
    /// libc's) is not next: what it calls is ours.
    ///
    /// `known` is what [`Behind::offset`] gave for this name and such a `libc.so.6`.
    #[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
    pub fn find(&self, name: &CStr, hash: u32, known: Option<u32>) -> *mut c_void {
        for (place, symbols) in self.symbols.iter().take(self.count).enumerate() {
            // SAFETY: as many as `count` have been written, or all.
            let symbols = unsafe { symbols.assume_init_ref() };
            let found = match known {
                Some(0) if place == self.first => None,
                Some(offset) if place == self.first => return symbols.at(offset),
                _ => symbols.find(name, hash),
            };
            if let Some(found) = found
                && (is_libc(found) || !symbols.asks_for(name))
            {
                return found;
            }
        }
        core::ptr::null_mut()
    }
}

/// Calls `visit` with each loaded object and the last component of its path.
fn each<F: FnMut(&dl_phdr_info, &[u8])>(mut visit: F) {
    #[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
    unsafe extern "C" fn step<F: FnMut(&dl_phdr_info, &[u8])>(
        info: *mut dl_phdr_info,
        _: usize,
        visit: *mut c_void,
    ) -> c_int {
        // SAFETY: the loader's info, and the reference that `each` passed.
        let (info, visit) = unsafe { (&*info, &mut *visit.cast::<F>()) };
        if !info.dlpi_name.is_null() {
            // SAFETY: a C string of the loader, which has it for longer than the call.
            visit(info, unsafe { base_name(info.dlpi_name) });
        }
        0
    }
    if let Some(iterate) = iterate() {
        // SAFETY: `step` only uses the pointer during the call.
        unsafe { iterate(step::<F>, (&raw mut visit).cast()) };
    }
}

/// The last component of a path.
///
/// # Safety
/// A C string, which stays as long as the result is used.
#[inline(always)]
unsafe fn base_name<'a>(path: *const c_char) -> &'a [u8] {
    // SAFETY: the caller's promise.
    path::base_name(unsafe { CStr::from_ptr(path) }.to_bytes())
}

type Step = unsafe extern "C" fn(*mut dl_phdr_info, usize, *mut c_void) -> c_int;
type Iterate = unsafe extern "C" fn(Step, *mut c_void) -> c_int;

/// What the loader knows of an object, as far as link.h has it.
#[repr(C)]
struct LinkMap {
    base: usize,
    path: *const c_char,
    dynamic: *const [i64; 2],
    next: *const LinkMap,
}

/// What the loader shows to debuggers, as far as it is read here.
#[repr(C)]
struct Debug {
    version: c_int,
    objects: *const LinkMap,
}

unsafe extern "C" {
    static _r_debug: Debug;
}

/// libc's `dl_iterate_phdr(3)`. By its name alone it could be somebody else's: the runtime of ThreadSanitizer has one, which jumps to a null pointer until
/// `dlsym(3)` has told it of libc's, and that is a hook which comes here.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
fn iterate() -> Option<Iterate> {
    #[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
    static FOUND: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
    let mut found = FOUND.load(Ordering::Relaxed);
    if found.is_null() {
        const NAME: &CStr = c"dl_iterate_phdr";
        // SAFETY: the loader's list, which has the C library among the objects that are there from the start and never leave; the
        // name of each is a C string, and its dynamic section is mapped.
        unsafe {
            let mut object = _r_debug.objects;
            while let Some(map) = object.as_ref() {
                if of_libc(base_name(map.path)) == Some(0) {
                    found =
                        Symbols::by(map.base, map.dynamic)?.find(NAME, hash(NAME.to_bytes()))?;
                    break;
                }
                object = map.next;
            }
        }
        FOUND.store(found, Ordering::Relaxed);
    }
    // SAFETY: a function of that name has that signature in every libc, and Option<fn> is null for None.
    unsafe { core::mem::transmute::<*mut c_void, Option<Iterate>>(found) }
}

fn headers(info: &dl_phdr_info) -> &[libc::Elf64_Phdr] {
    // SAFETY: the loader gives so many program headers.
    unsafe { core::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) }
}

fn addresses(info: &dl_phdr_info) -> Range<usize> {
    let base = info.dlpi_addr as usize;
    // They are in the order of their addresses (elf(5)).
    let last = headers(info)
        .iter()
        .rfind(|header| header.p_type == libc::PT_LOAD);
    let end = last.map_or(0, |header| header.p_vaddr + header.p_memsz);
    base..base + end as usize
}

/// What the linker has named a build of an object by: a note of type `NT_GNU_BUILD_ID` and owner `GNU` (elf(5)).
fn build_id(info: &dl_phdr_info) -> &'static [u8] {
    const NT_GNU_BUILD_ID: usize = 3;
    /// Length of the owner, length of what is noted, type; then the owner and its NUL.
    const HEAD: usize = 16;
    for header in headers(info)
        .iter()
        .filter(|header| header.p_type == libc::PT_NOTE)
    {
        let start = (info.dlpi_addr + header.p_vaddr) as *const u8;
        // SAFETY: a segment of a library that is loaded for good.
        let mut notes = unsafe { core::slice::from_raw_parts(start, header.p_memsz as usize) };
        while let Some((head, rest)) = notes.split_first_chunk::<HEAD>() {
            let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = *head;
            let word = |bytes| u32::from_ne_bytes(bytes) as usize;
            let (owner, length, kind) =
                (word([a, b, c, d]), word([e, f, g, h]), word([i, j, k, l]));
            if kind == NT_GNU_BUILD_ID && head.ends_with(b"GNU\0") {
                return rest.get(..length).unwrap_or_default();
            }
            let whole = HEAD - 4
                + owner.next_multiple_of(4)
                + length.next_multiple_of(header.p_align.max(4) as usize);
            notes = notes.get(whole..).unwrap_or_default();
        }
    }
    b""
}

/// The symbols of an object. `None` for one without a GNU hash section, such as an empty one.
fn symbols(info: &dl_phdr_info) -> Option<Symbols> {
    let header = headers(info)
        .iter()
        .find(|header| header.p_type == libc::PT_DYNAMIC)?;
    let dynamic = (info.dlpi_addr + header.p_vaddr) as *const [i64; 2];
    // SAFETY: of an object that is loaded.
    unsafe { Symbols::by(info.dlpi_addr as usize, dynamic) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_objects_than_there_is_room_for_it_knows_that_it_has_not_all() {
        let mut all = room::<OBJECTS_MAX>();
        let all = Behind::now(&mut all);
        assert!(all.is_whole() && all.count > 1, "{}", all.count);
        let mut one = room::<1>();
        let one = Behind::now(&mut one);
        assert!(!one.is_whole());
        assert_eq!((one.count, one.first), (all.count, all.first));
        assert_eq!(one.build(), all.build());
    }

    #[test]
    fn libc_has_dlsym_where_dlsym_says() {
        // SAFETY: C strings.
        let known = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"dlsym".as_ptr()) };
        assert!(!known.is_null());
        assert_eq!(libc_symbol(c"dlsym"), known);
        assert!(libc_symbol(c"no_such_function").is_null());
    }

    #[test]
    fn what_lies_behind_is_what_dlsym_finds() {
        let mut room = room::<OBJECTS_MAX>();
        let behind = Behind::now(&mut room);
        for name in [c"open", c"posix_spawn", c"connect", c"fopen"] {
            // SAFETY: C strings.
            let known = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
            // In the test build this code is in the program itself, behind which libc comes.
            let hash = hash(name.to_bytes());
            assert_eq!(behind.find(name, hash, None), known, "{name:?}");
            let offset = behind.offset(name, hash, known);
            assert_eq!(behind.find(name, hash, Some(offset)), known, "{name:?}");
            assert_eq!(behind.in_libc(name, Some(offset)), known, "{name:?}");
        }
        let (name, hash) = (c"no_such_function", hash(b"no_such_function"));
        assert_eq!(behind.offset(name, hash, core::ptr::null()), 0);
        for known in [None, Some(0)] {
            assert!(behind.find(name, hash, known).is_null());
            assert!(behind.in_libc(name, known).is_null());
        }
    }

    #[test]
    fn a_build_of_libc_has_a_name() {
        let mut room = room::<OBJECTS_MAX>();
        let behind = Behind::now(&mut room);
        assert_eq!(behind.build().len(), 20);
        let id: String = behind
            .build()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut libc = Vec::new();
        each(|info, base_name| {
            if of_libc(base_name) == Some(0) {
                // SAFETY: a C string of the loader.
                libc = unsafe { CStr::from_ptr(info.dlpi_name) }
                    .to_bytes()
                    .to_vec();
            }
        });
        let path = String::from_utf8(libc).unwrap();
        let said = std::process::Command::new("readelf")
            .args(["-n", &path])
            .output()
            .unwrap();
        assert!(
            String::from_utf8_lossy(&said.stdout).contains(&id),
            "{said:?}"
        );
    }

    #[test]
    fn addresses_of_libc_are_told_from_others() {
        let mut room = room::<OBJECTS_MAX>();
        let behind = Behind::now(&mut room);
        assert_eq!(behind.in_libc(c"open", None), libc_symbol(c"open"));
        assert!(is_libc(libc_symbol(c"open")));
        assert!(!is_libc(
            addresses_of_libc_are_told_from_others as *const c_void
        ));
    }
}
