//! What the standard library would bring along: an allocator, and an end for a panic.
//!
//! This crate does without `std`, which takes more room in every process of the function than all of this library: a panic's backtrace alone
//! carries a reader of DWARF, and each of its tables of functions is relocated at each start.
#![cfg(all(feature = "alone", not(test)))]

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::panic::PanicInfo;

/// malloc(3) as the program has it. Only the constructor and system(3) allocate.
struct Malloc;

#[global_allocator]
static MALLOC: Malloc = Malloc;

/// What malloc(3) aligns to: two words.
const ALIGNED: usize = 2 * size_of::<usize>();

// SAFETY: malloc(3), calloc(3), realloc(3) and posix_memalign(3) give what is asked for or null, and do not unwind.
unsafe impl GlobalAlloc for Malloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNED {
            // SAFETY: any size may be asked for.
            return unsafe { libc::malloc(layout.size()) }.cast();
        }
        let mut place: *mut c_void = core::ptr::null_mut();
        // SAFETY: an alignment of Rust is a power of two, and here a multiple of a pointer's.
        if unsafe { libc::posix_memalign(&raw mut place, layout.align(), layout.size()) } != 0 {
            return core::ptr::null_mut();
        }
        place.cast()
    }

    unsafe fn dealloc(&self, place: *mut u8, _: Layout) {
        // SAFETY: the caller's promise: it was allocated here.
        unsafe { libc::free(place.cast()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNED {
            // SAFETY: any size may be asked for.
            return unsafe { libc::calloc(1, layout.size()) }.cast();
        }
        // SAFETY: the caller's promise, and what was allocated is so long.
        unsafe {
            let place = self.alloc(layout);
            if !place.is_null() {
                place.write_bytes(0, layout.size());
            }
            place
        }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGNED {
            // SAFETY: the caller's promise: it was allocated here.
            return unsafe { libc::realloc(place.cast(), size) }.cast();
        }
        // SAFETY: the caller's promise: both are so long, and the new one has the alignment of the old one.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                place.copy_to_nonoverlapping(new, layout.size().min(size));
                self.dealloc(place, layout);
            }
            new
        }
    }
}

/// A panic is a mistake of ours that no test has found. It ends the process as `std` would, without a word.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: abort(3) does not return.
    unsafe { libc::abort() }
}
