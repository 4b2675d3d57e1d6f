//! What the standard library would bring along: an allocator, and an end for a panic.
//!
//! This crate does without `std`, which takes more room in every process of the function than all of this library: a panic's backtrace alone
//! carries a reader of DWARF, and each of its tables of functions is relocated at each start.
//!
//! What the constructor needs it takes from mappings of its own, by [`for_the_constructor`]. So the program's heap begins as it would without us,
//! whichever malloc(3) it has; and a policy of thousands of entries, which is a hundred thousand small pieces for a while, is compiled in three
//! quarters of the time.

#[cfg(all(feature = "alone", not(test)))]
pub use alone::for_the_constructor;

/// With the standard library, as in the tests of this crate, everybody has the same memory.
#[cfg(not(all(feature = "alone", not(test))))]
pub fn for_the_constructor(work: impl FnOnce()) {
    work();
}

#[cfg(all(feature = "alone", not(test)))]
mod alone {
    use core::alloc::{GlobalAlloc, Layout};
    use core::cell::UnsafeCell;
    use core::ffi::c_void;
    use core::panic::PanicInfo;
    use core::ptr::null_mut;
    use core::sync::atomic::{AtomicUsize, Ordering};

    use crate::{sys, table};

    /// Who allocates: the thread that runs the constructor has memory of its own while it does, everybody else malloc(3).
    struct Memory {
        /// The thread that runs the constructor ([`sys::thread`]); 0 before and after.
        constructor: AtomicUsize,
        /// Only that thread uses it.
        arena: UnsafeCell<Arena>,
    }

    // SAFETY: `arena` is for one thread, which `constructor` names.
    unsafe impl Sync for Memory {}

    #[global_allocator]
    static MEMORY: Memory = Memory {
        constructor: AtomicUsize::new(0),
        arena: UnsafeCell::new(Arena {
            free: [null_mut(); CLASSES],
            next: 0,
            end: 0,
            mappings: null_mut(),
        }),
    };

    /// Runs what allocates a lot and frees most of it, with memory that is not the program's. What is left of it is never given back.
    pub fn for_the_constructor(work: impl FnOnce()) {
        MEMORY.constructor.store(sys::thread(), Ordering::Relaxed);
        work();
        MEMORY.constructor.store(0, Ordering::Relaxed);
    }

    /// What malloc(3) aligns to: two words.
    const ALIGNED: usize = 2 * size_of::<usize>();
    /// Sizes are rounded up to powers of two, from [`ALIGNED`] to [`LARGEST`]. Whatever is larger is a mapping of its own.
    const CLASSES: usize = 12;
    const LARGEST: usize = ALIGNED << (CLASSES - 1);
    /// What the pieces are cut from, in bytes.
    const CHUNK: usize = 128 * 1024;

    /// A piece that was given back, in the list of those of its size.
    struct Free {
        next: *mut Free,
    }

    /// In front of each mapping.
    #[repr(align(16))]
    struct Mapping {
        next: *mut Mapping,
        length: usize,
    }

    struct Arena {
        free: [*mut Free; CLASSES],
        /// What is left of the newest chunk: its first and its last address.
        next: usize,
        end: usize,
        mappings: *mut Mapping,
    }

    /// The power of two that such a piece takes, counted from [`ALIGNED`].
    fn class(size: usize) -> usize {
        let bits = size.max(ALIGNED).next_power_of_two().trailing_zeros();
        (bits - ALIGNED.trailing_zeros()) as usize
    }

    impl Arena {
        /// A new mapping with room for so many bytes behind its head.
        fn map(&mut self, size: usize) -> Option<(usize, usize)> {
            let length = size
                .checked_add(size_of::<Mapping>())?
                .next_multiple_of(4096);
            let mapping = sys::map(length, false).ok()?.cast::<Mapping>();
            let head = Mapping {
                next: self.mappings,
                length,
            };
            // SAFETY: a fresh mapping, which is aligned to pages.
            unsafe { mapping.write(head) };
            self.mappings = mapping;
            let address = mapping as usize;
            Some((address + size_of::<Mapping>(), address + length))
        }

        fn take(&mut self, layout: Layout) -> *mut u8 {
            let class = class(layout.size());
            if layout.size() > LARGEST {
                // Aligned to two words, which is all that pieces of such a size are asked to be.
                return match self.map(layout.size()) {
                    Some((address, _)) if layout.align() <= ALIGNED => address as *mut u8,
                    _ => null_mut(),
                };
            }
            // Pieces that were given back are aligned to two words for sure.
            if layout.align() <= ALIGNED
                && let Some(first) = self.free.get_mut(class)
                && !first.is_null()
            {
                let piece = *first;
                // SAFETY: what is in a list was cut here, given back, and holds where the next one is.
                *first = unsafe { (*piece).next };
                return piece.cast();
            }
            let size = ALIGNED << class;
            let mut address = self.next.next_multiple_of(layout.align().max(ALIGNED));
            if address + size > self.end {
                let Some((first, end)) = self.map(CHUNK.max(layout.align() + size)) else {
                    return null_mut();
                };
                (address, self.end) = (first.next_multiple_of(layout.align().max(ALIGNED)), end);
            }
            self.next = address + size;
            address as *mut u8
        }

        /// # Safety
        /// The piece was taken here with that layout, and is not used any more.
        unsafe fn give_back(&mut self, piece: *mut u8, layout: Layout) {
            if layout.size() > LARGEST {
                let gone = (piece as usize - size_of::<Mapping>()) as *mut Mapping;
                let mut link = &raw mut self.mappings;
                // SAFETY: the list's heads stay mapped while they are in it, and the caller's piece lies behind one of them.
                unsafe {
                    while !(*link).is_null() && *link != gone {
                        link = &raw mut (**link).next;
                    }
                    if !(*link).is_null() {
                        *link = (*gone).next;
                        sys::unmap(gone.cast(), (*gone).length);
                    }
                }
                return;
            }
            if let Some(first) = self.free.get_mut(class(layout.size())) {
                let piece = piece.cast::<Free>();
                // SAFETY: the caller's promise; a piece has room for an address, and is aligned to it.
                unsafe { piece.write(Free { next: *first }) };
                *first = piece;
            }
        }

        /// Does it lie in a mapping of ours?
        fn has(&self, piece: *const u8) -> bool {
            let mut mapping = self.mappings;
            while !mapping.is_null() {
                // SAFETY: the heads of the list stay mapped.
                let Mapping { next, length } = unsafe { mapping.read() };
                if (mapping as usize..mapping as usize + length).contains(&(piece as usize)) {
                    return true;
                }
                mapping = next;
            }
            false
        }
    }

    impl Memory {
        /// The arena, for the thread that runs the constructor: nobody else may touch it until that is over.
        fn arena(&self) -> Option<*mut Arena> {
            let constructor = self.constructor.load(Ordering::Relaxed);
            (constructor != 0 && constructor == sys::thread()).then(|| self.arena.get())
        }

        /// malloc(3), or posix_memalign(3).
        unsafe fn malloc(layout: Layout) -> *mut u8 {
            if layout.align() <= ALIGNED {
                // SAFETY: any size may be asked for.
                return table::malloc::next()
                    .map_or(null_mut(), |malloc| unsafe { malloc(layout.size()) })
                    .cast();
            }
            let mut place: *mut c_void = null_mut();
            // SAFETY: an alignment of Rust is a power of two, and here a multiple of a pointer's.
            let errno = table::posix_memalign::next()
                .map(|give| unsafe { give(&raw mut place, layout.align(), layout.size()) });
            if errno == Some(0) {
                place.cast()
            } else {
                null_mut()
            }
        }
    }

    // Called from a thousand places, of which none is in a hurry: what is inlined there makes the library a sixth larger.
    // SAFETY: what the arena and malloc(3) give is what is asked for or null, and they do not unwind. Each piece goes back to whom it came from: the
    // constructor has nothing before it begins, and of what it leaves behind the mappings know the addresses.
    unsafe impl GlobalAlloc for Memory {
        #[inline(never)]
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            match self.arena() {
                // SAFETY: nobody else is this thread, and `take` does not allocate.
                Some(arena) => unsafe { (*arena).take(layout) },
                // SAFETY: the caller's promise.
                None => unsafe { Self::malloc(layout) },
            }
        }

        #[inline(never)]
        unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
            if let Some(arena) = self.arena() {
                // SAFETY: nobody else is this thread; the caller's promise, and the constructor takes from nowhere else.
                return unsafe { (*arena).give_back(place, layout) };
            }
            // SAFETY: the constructor is over, and nobody changes the list any more.
            if !unsafe { &*self.arena.get() }.has(place)
                && let Some(free) = table::free::next()
            {
                // SAFETY: the caller's promise: it came from malloc(3).
                unsafe { free(place.cast()) }
            }
        }

        #[inline(never)]
        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            // SAFETY: the caller's promise.
            let place = unsafe { self.alloc(layout) };
            let is_fresh = layout.size() > LARGEST && self.arena().is_some();
            if !place.is_null() && !is_fresh {
                // SAFETY: it was allocated with that size.
                unsafe { place.write_bytes(0, layout.size()) };
            }
            place
        }

        #[inline(never)]
        unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            let is_same = layout.size().max(size) <= LARGEST && class(layout.size()) == class(size);
            if is_same && self.arena().is_some() {
                return place;
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
        if let Some(abort) = table::abort::next() {
            // SAFETY: abort(3) may be called at any time.
            unsafe { abort() }
        }
        sys::exit_group(128 + libc::SIGABRT)
    }
}
