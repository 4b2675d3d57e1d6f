//! What of the program's memory can be read.
//!
//! The kernel answers a bad pointer by `EFAULT`, and who judges a call before the kernel sees it must not end the program for it. So each page is
//! known to be there, or the kernel is asked: by rt_sigprocmask(2), which reads a set of signals before it refuses what is to be done with it.
//! That is a tenth of what opening a file costs, but no program is without it (fork(3), posix_spawn(3) and abort(3) of glibc need it), so
//! that no sandbox refuses it; and nothing comes of it.
//!
//! Known is what nobody unmaps while the calling thread uses it: its own stack, the program that was started, this library, and the heap below
//! its end (brk(2)). There most of what is passed lies, and nothing is asked.

use core::ffi::{c_char, c_void};
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::{Errno, checked, raw, thread};
use crate::table::{self, Strings};

/// No page is smaller, on either architecture.
const PAGE: usize = 4096;

/// The kernel keeps at least so much below the end of the first thread's stack free for it (`mmap_base`, arch/x86/mm/mmap.c and mm/util.c).
const STACK_GAP: usize = 128 << 20;

/// No thread's stack is shorter (`PTHREAD_STACK_MIN`, sysconf(3)). It ends at or above the thread's control block.
const STACK_MIN: usize = 16 << 10;

/// More than any linker gives a program and this library.
const SEGMENTS_MAX: usize = 8;

/// Where the first thread's stack ends; 0 where that is not known.
#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
static STACK_END: AtomicUsize = AtomicUsize::new(0);

/// Where the program lies that was started, and this library: their segments, as one where nothing lies between them.
#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
static SEGMENTS: [[AtomicUsize; 2]; SEGMENTS_MAX] =
    [const { [const { AtomicUsize::new(0) }; 2] }; SEGMENTS_MAX];

/// Where the heap ended when this process started; 0 where that is not known.
#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
static HEAP: AtomicUsize = AtomicUsize::new(0);

/// Notes what is known from the start. For the constructor.
///
/// # Safety
/// `envp` is what `main` gets.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub unsafe fn note_start(envp: Strings) {
    let (mut next, mut last) = (envp, 0);
    // SAFETY: the caller's promise: it ends in a null pointer.
    while let entry @ 1.. = unsafe { *next } as usize {
        last = entry;
        // SAFETY: as above.
        next = unsafe { next.add(1) };
    }
    // The kernel has put the strings at the very end (execve(2)); one that a library has put there since lies elsewhere.
    let end = page_behind(last);
    let is_stack = end.wrapping_sub(here()) < STACK_GAP;
    STACK_END.store(if is_stack { end } else { 0 }, Ordering::Relaxed);
    // SAFETY: no pointer; brk(2) of what lies below the heap says where it ends.
    let heap = checked(unsafe { raw(libc::SYS_brk, 0, 0, 0, 0, 0, 0) });
    HEAP.store(heap.unwrap_or(0), Ordering::Relaxed);
}

/// The stack of the first thread, as far as it is in use: the kernel has put the environment at its end (execve(2)). Empty where that is not known. For the
/// constructor.
pub fn first_stack() -> Range<usize> {
    here()..STACK_END.load(Ordering::Relaxed)
}

/// Notes the readable segments of the program that was started, or of this library, in the order of their addresses. For the constructor.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub fn note_segments(segments: impl Iterator<Item = Range<usize>>) {
    let mut places = SEGMENTS
        .iter()
        .skip_while(|[_, end]| end.load(Ordering::Relaxed) != 0);
    let (mut place, mut last) = (None, 0);
    for segment in segments {
        if place.is_none() || last != segment.start & !(PAGE - 1) {
            place = places.next();
            if let Some([start, _]) = place {
                start.store(segment.start & !(PAGE - 1), Ordering::Relaxed);
            }
        }
        last = segment.end.next_multiple_of(PAGE);
        if let Some([_, end]) = place {
            end.store(last, Ordering::Relaxed);
        }
    }
}

const fn page_behind(address: usize) -> usize {
    (address | (PAGE - 1)).wrapping_add(1)
}

/// An address in the calling thread's stack, above which everything of it is in use.
#[inline(always)]
fn here() -> usize {
    let here: usize;
    // SAFETY: reads a register.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("mov {}, rsp", out(reg) here, options(nostack, preserves_flags, nomem));
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!("mov {}, sp", out(reg) here, options(nostack, preserves_flags, nomem));
    }
    here
}

/// Up to where the calling thread's stack is known, if the address lies in it; otherwise 0.
#[inline(always)]
fn stack_from(address: usize) -> usize {
    let here = here();
    let mut end = STACK_END.load(Ordering::Relaxed);
    if end.wrapping_sub(here) >= STACK_GAP {
        end = thread().min(here + STACK_MIN);
    }
    if here <= address && address < end {
        end
    } else {
        0
    }
}

/// Up to where all is known to be readable from the address on; 0 where the kernel has to be asked.
fn known_from(address: usize) -> usize {
    for [start, end] in &SEGMENTS {
        let (start, end) = (start.load(Ordering::Relaxed), end.load(Ordering::Relaxed));
        if start <= address && address < end {
            return end;
        }
        if end == 0 {
            break;
        }
    }
    let heap = HEAP.load(Ordering::Relaxed);
    if heap != 0
        && heap <= address
        && let Some(end) = table::__curbrk::known()
    {
        // SAFETY: a variable of libc's, which is a pointer. Another thread may write to it.
        let end = unsafe { (end as *const usize).read_volatile() };
        if address < end {
            return end;
        }
    }
    0
}

/// Asks the kernel.
#[cold]
#[inline(never)]
fn is_mapped(address: usize) -> bool {
    const SET: usize = size_of::<u64>();
    // What is to be done with the set of signals (`SIG_BLOCK` and so on): none of that, so that it is read and refused.
    const NOTHING: usize = usize::MAX;
    // SAFETY: the kernel reads eight bytes, which lie in one page, or says that it cannot.
    let asked = unsafe {
        raw(
            libc::SYS_rt_sigprocmask,
            NOTHING,
            address & !(SET - 1),
            0,
            SET,
            0,
            0,
        )
    };
    checked(asked) != Err(Errno(libc::EFAULT))
}

/// Reads what a program passes, and remembers where it has found that it can be read. For one act: later it may have been unmapped.
#[derive(Clone, Copy)]
pub struct Reader {
    from: usize,
    to: usize,
}

impl Reader {
    /// One that has found nothing yet.
    pub const fn new() -> Self {
        Self { from: 0, to: 0 }
    }

    /// Up to where all can be read from the address on; 0 where it cannot be read.
    #[inline]
    fn readable_from(&mut self, address: usize) -> usize {
        if self.from <= address && address < self.to {
            return self.to;
        }
        let end = readable_from(address);
        *self = Self {
            from: address,
            to: end,
        };
        end
    }

    /// Can so many bytes be read from there on? From a null pointer not even none.
    #[inline]
    pub fn has<T>(&mut self, start: *const T, length: usize) -> bool {
        !start.is_null() && self.up_to(start, length) == length
    }

    /// As many of so many bytes as can be read from there on.
    #[inline]
    pub fn up_to<T>(&mut self, start: *const T, length: usize) -> usize {
        self.bytes_up_to(start as usize, length)
    }

    #[inline(never)]
    fn bytes_up_to(&mut self, start: usize, length: usize) -> usize {
        let mut known = 0;
        while known < length {
            match self.readable_from(start.wrapping_add(known)) {
                0 => return known,
                until => known = until - start,
            }
        }
        length
    }

    /// Can the value there be read?
    #[inline]
    pub fn is_there<T>(&mut self, value: *const T) -> bool {
        self.has(value, size_of::<T>())
    }

    /// The bytes of a C string of the program, without the NUL; `None` where one of them cannot be read.
    ///
    /// # Safety
    /// Nobody changes or unmaps the text while the result is in use.
    #[inline(never)]
    pub unsafe fn text<'a>(&mut self, text: *const c_char) -> Option<&'a [u8]> {
        let start = text as usize;
        let mut next = start;
        loop {
            let until = self.readable_from(next);
            if until == 0 {
                return None;
            }
            // SAFETY: it has just been found to be readable; the caller's promise.
            unsafe {
                let end = nul_from(next, until);
                if end < until {
                    return Some(core::slice::from_raw_parts(text.cast(), end - start));
                }
            }
            next = until;
        }
    }
}

/// Reads a list of texts that ends in a null pointer, such as an environment. The texts lie elsewhere than the list of them, and each near the one
/// before.
#[derive(Clone, Copy)]
pub struct ListReader {
    list: Reader,
    texts: Reader,
}

impl ListReader {
    /// One that has found nothing yet.
    pub const fn new() -> Self {
        Self {
            list: Reader::new(),
            texts: Reader::new(),
        }
    }

    /// The text at a place of the list; `None` at its end.
    ///
    /// # Errors
    /// `EFAULT`: the place, or the text, cannot be read.
    ///
    /// # Safety
    /// As for [`Reader::text`].
    pub unsafe fn text<'a>(&mut self, place: Strings) -> Result<Option<&'a [u8]>, Errno> {
        const BAD: Errno = Errno(libc::EFAULT);
        if !self.list.is_there(place) {
            return Err(BAD);
        }
        // SAFETY: it has just been found to be readable; the caller's promise.
        unsafe {
            let text = *place;
            if text.is_null() {
                return Ok(None);
            }
            self.texts.text(text).map(Some).ok_or(BAD)
        }
    }
}

/// Where the next NUL is; `until` or further on if there is none before.
///
/// Word by word, each in one page: a function of libc's would read on to the NUL, wherever that is.
///
/// # Safety
/// All pages from `start` to `until` are readable.
#[inline(always)]
unsafe fn nul_from(start: usize, until: usize) -> usize {
    let mut place = start & !(WORD - 1);
    // What stands before the text is none of its bytes.
    // SAFETY: an aligned word of a page that is readable.
    let mut zeros = unsafe { zeros_of(place, start - place) };
    while zeros == 0 {
        place += WORD;
        if place >= until {
            return until;
        }
        // SAFETY: as above.
        zeros = unsafe { zeros_of(place, 0) };
    }
    place + zeros.trailing_zeros() as usize / ZERO
}

/// How many bytes are looked at at a time, and how many bits stand for each in what [`zeros_of`] finds.
#[cfg(target_arch = "x86_64")]
const WORD: usize = 16;
#[cfg(target_arch = "x86_64")]
const ZERO: usize = 1;
#[cfg(not(target_arch = "x86_64"))]
const WORD: usize = size_of::<u64>();
#[cfg(not(target_arch = "x86_64"))]
const ZERO: usize = 8;

/// The lowest bit that is set is one of those of the first byte of the word that is zero, leaving out so many bytes in front.
///
/// # Safety
/// The word is aligned and readable. Another thread may write to it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn zeros_of(place: usize, skipped: usize) -> u64 {
    use core::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_setzero_si128};
    // SAFETY: every x86-64 has SSE2; the caller's promise.
    let zeros = unsafe {
        let word = (place as *const __m128i).read_volatile();
        _mm_movemask_epi8(_mm_cmpeq_epi8(word, _mm_setzero_si128()))
    };
    u64::from(zeros as u32) & u64::MAX << skipped
}

/// The same, eight bytes at a time.
///
/// # Safety
/// As above.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
unsafe fn zeros_of(place: usize, skipped: usize) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; WORD]);
    // SAFETY: the caller's promise.
    let word = unsafe { (place as *const u64).read_volatile() }.to_le();
    let word = word | ((1 << (8 * skipped)) - 1);
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

/// As [`Reader::readable_from`].
#[inline(always)]
fn readable_from(address: usize) -> usize {
    match stack_from(address) {
        0 => found_from(address),
        end => end,
    }
}

/// As [`Reader::readable_from`], of what is not on the stack.
#[inline(never)]
fn found_from(address: usize) -> usize {
    // The first page and the kernel's half of the address space are never mapped for a program.
    if address < PAGE || (address as isize) < 0 {
        return 0;
    }
    match known_from(address) {
        0 if is_mapped(address) => page_behind(address),
        end => end,
    }
}

/// Where nothing can ever be read: in the kernel's half of the addresses. It is passed on in place of what could not be read when it was
/// judged, for another thread may have mapped something there since.
pub const fn nowhere<T>() -> *const T {
    core::ptr::without_provenance(PAGE.wrapping_neg())
}

/// Can so many bytes of the program's be read from there on? From a null pointer not even none.
#[inline]
pub fn can_read(start: *const c_void, length: usize) -> bool {
    let from = start as usize;
    let end = readable_from(from);
    let rest = length.saturating_sub(end.saturating_sub(from));
    end != 0 && (rest == 0 || Reader::new().has(end as *const u8, rest))
}

/// As [`Reader::text`] of a new one, without what it would have to remember: nearly every text ends where it was found that it begins.
///
/// # Safety
/// As for [`Reader::text`].
#[inline(never)]
pub unsafe fn c_bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    let start = text as usize;
    let until = readable_from(start);
    if until == 0 {
        return None;
    }
    // SAFETY: it has just been found to be readable; the caller's promise.
    unsafe {
        let end = nul_from(start, until);
        if end < until {
            return Some(core::slice::from_raw_parts(text.cast(), end - start));
        }
        Reader::new().text(text)
    }
}

/// The bytes of a C string that libc itself reads, without the NUL; `None` for a null pointer.
///
/// Where it cannot be read, the program gets its signal here as it would there. If its handler makes something of the text, that is what is
/// judged.
///
/// # Safety
/// Nobody changes or unmaps the text while the result is in use.
#[inline]
pub unsafe fn libc_text<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    match unsafe { c_bytes(text) } {
        // SAFETY: as above.
        None if !text.is_null() => Some(unsafe { libc_text_read(text) }),
        found => found,
    }
}

/// # Safety
/// As for [`libc_text`]; no null pointer.
#[cold]
#[inline(never)]
unsafe fn libc_text_read<'a>(text: *const c_char) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: as libc would read it.
    unsafe {
        while text.wrapping_add(length).read_volatile() != 0 {
            length += 1;
        }
        core::slice::from_raw_parts(text.cast(), length)
    }
}

/// As [`libc_text`], for who judges it later.
///
/// # Safety
/// As for [`libc_text`].
pub unsafe fn touch_text(text: *const c_char) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { libc_text(text) };
    text
}

/// Reads what libc itself reads first of a text, as libc would: see [`libc_text`].
///
/// # Safety
/// The program has given it to be read.
#[inline]
pub unsafe fn touch(text: *const c_char) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text.read_volatile() };
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys;

    /// Two pages, of which the second is gone.
    fn edge() -> usize {
        let room = sys::map(2 * PAGE, false).unwrap() as usize;
        // SAFETY: nobody uses it.
        unsafe { sys::unmap((room + PAGE) as *mut c_void, PAGE) };
        room + PAGE
    }

    #[test]
    fn a_text_ends_at_its_nul_wherever_it_lies() {
        let edge = edge();
        for end in 1..=40 {
            for length in 0..40_usize.min(2 * end) {
                let start = edge - end - length;
                // SAFETY: in the first page.
                let text = unsafe {
                    core::ptr::write_bytes((edge - PAGE) as *mut u8, 0, PAGE - end - length);
                    core::ptr::write_bytes(start as *mut u8, b'x', length);
                    core::ptr::write_bytes((start + length) as *mut u8, 0xff, end);
                    *((start + length) as *mut u8) = 0;
                    c_bytes(start as *const c_char)
                };
                assert_eq!(text, Some(&[b'x'; 40][..length]), "{end} {length}");
            }
        }
    }

    #[test]
    fn a_text_without_a_nul_before_the_end_of_what_is_mapped_is_none() {
        let edge = edge();
        // SAFETY: in the first page.
        unsafe { core::ptr::write_bytes((edge - 100) as *mut u8, 0x80, 100) };
        for start in edge - 100..=edge {
            // SAFETY: nobody changes it.
            assert_eq!(unsafe { c_bytes(start as *const c_char) }, None);
        }
        // A whole page of it, and the page behind.
        let room = sys::map(3 * PAGE, false).unwrap() as usize;
        // SAFETY: as above.
        let text = unsafe {
            core::ptr::write_bytes((room + 5) as *mut u8, b'x', 2 * PAGE);
            c_bytes((room + 5) as *const c_char)
        };
        assert_eq!(text.map(<[u8]>::len), Some(2 * PAGE));
    }

    #[test]
    fn what_can_be_read_ends_where_the_mapping_does() {
        let edge = edge();
        let mut reader = Reader::new();
        for before in 0..20 {
            for length in 0..40 {
                let start = (edge - before) as *const u8;
                assert_eq!(Reader::new().up_to(start, length), length.min(before));
                assert_eq!(reader.has(start, length), length <= before);
                assert_eq!(
                    can_read(start.cast(), length),
                    length <= before && before > 0
                );
            }
        }
        for bad in [0, 1, PAGE - 1, usize::MAX, usize::MAX - 7, 1 << 63] {
            assert!(!reader.is_there(bad as *const u64), "{bad:x}");
            assert!(!can_read(bad as *const c_void, 8), "{bad:x}");
        }
        assert!(!can_read(nowhere(), 1));
        assert!(!can_read(core::ptr::null(), 0));
    }

    #[test]
    fn what_is_in_use_is_readable() {
        let (on_stack, on_heap) = ([7_u8; 300], vec![7_u8; 300]);
        for place in [on_stack.as_ptr(), on_heap.as_ptr(), b"text".as_ptr()] {
            assert!(can_read(place.cast(), 4));
        }
    }
}
