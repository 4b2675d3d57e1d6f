//! The writer thread of the main process.
//!
//! It is there for two kinds of lines, and only if one of them can occur: alerts of the main process, which must not
//! be held up by the log for more than a moment, and lines of children that cannot reach the log by themselves ([`Log::is_open_to_children`]). Where
//! neither can be, no thread is started and a program cannot tell that we are there.
//!
//! A line lies in one of a fixed number of slots in memory that `fork` shares. Whoever writes claims a slot with one
//! compare-and-swap and formats the line in place. An alert's slot number goes through a bounded channel; a child's goes through a bit in
//! the shared memory itself, because what the channel allocates is private to the process. Nobody waits for a lock: a
//! full channel is a counted loss.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use core::{ptr, slice};

use alloc::boxed::Box;

use crossbeam_queue::ArrayQueue;
use palisade_audit::LINE_MAX;

use crate::log::{Destination, Hand, LOST, Log};
use crate::objects;
use crate::sys::{self, Errno};

/// Lines that may wait at a time: as many as are written in two milliseconds. The lowest free slot is taken, so that
/// memory grows only as far as lines ever had to wait.
const SLOTS: usize = 1024;
const WORDS: usize = SLOTS / 64;

/// How many milliseconds an alert waits for a slot, if the log takes lines and the thread, which is to write them, gets no processor.
const STAY: u64 = 10;

/// If it is the log that takes none, because who reads it gets no processor or reads no more, alerts wait as long, and then not again for so many
/// milliseconds: a hundredth of the time at most.
const PAUSE: u64 = 100 * STAY;

/// So many waiting lines leave room enough for those that wait for a slot.
const FEW: usize = SLOTS / 4;

/// How often the thread lets others have the processor before it sleeps: who makes one line behind the other need not wake it for each.
const LINGER: u32 = 64;

/// How often it does so for lines that it has already, if they come one behind the other, before it writes fewer than fit into one write: each write
/// wakes who reads the log, too.
const GATHER: u32 = 16;

/// How long a child waits for the main process to write its line, and an exit for the last lines, in milliseconds.
const PATIENCE: i64 = 1000;

/// What the main process and its forked children share.
#[repr(C)]
struct Shared {
    /// A set bit is a free slot.
    free: [AtomicU64; WORDS],
    /// A set bit is a child's line that waits to be written.
    handed: [AtomicU64; WORDS],
    /// A set bit is a child's line that was written; the child takes it off and frees the slot.
    done: [AtomicU64; WORDS],
    /// Grows with each line: the thread sleeps on it (futex).
    posted: AtomicU32,
    /// Grows with each line that was written: children sleep on it.
    written: AtomicU32,
    /// Not 0: alerts wait for a slot (futex).
    crowded: AtomicU32,
    /// When alerts last began to wait for a log that takes no more ([`sys::uptime`]).
    full: AtomicU64,
    /// The thread sleeps, or is about to.
    asleep: AtomicBool,
    /// Lines being written right now.
    busy: AtomicU32,
    lengths: [AtomicU32; SLOTS],
    lines: [core::cell::UnsafeCell<[u8; LINE_MAX]>; SLOTS],
}

#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
static SHARED: AtomicPtr<Shared> = AtomicPtr::new(ptr::null_mut());
#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
static QUEUE: AtomicPtr<Queue> = AtomicPtr::new(ptr::null_mut());

struct Queue {
    waiting: ArrayQueue<u16>,
    log: &'static Log,
}

fn shared() -> Option<&'static Shared> {
    // SAFETY: null, or a mapping of that size that is never unmapped; zero bytes and what `start` wrote are valid values.
    unsafe { SHARED.load(Ordering::Acquire).as_ref() }
}

fn queue() -> Option<&'static Queue> {
    // SAFETY: null, or a leaked box.
    unsafe { QUEUE.load(Ordering::Acquire).as_ref() }
}

/// Starts the thread. For the constructor of the main process.
///
/// # Errors
/// Those of mmap(2) and clone(2).
pub fn start(log: &'static Log) -> Result<(), Errno> {
    let memory = sys::map(size_of::<Shared>(), true)?.cast::<Shared>();
    // SAFETY: a fresh zeroed mapping of the right size and alignment (pages).
    for word in unsafe { &(*memory).free } {
        word.store(u64::MAX, Ordering::Relaxed);
    }
    SHARED.store(memory, Ordering::Release);
    QUEUE.store(
        Box::into_raw(Box::new(Queue {
            waiting: ArrayQueue::new(SLOTS),
            log,
        })),
        Ordering::Release,
    );

    // The thread inherits the mask: no signal of the program is ever delivered to it.
    let before = sys::mask_signals(libc::SIG_SETMASK, sys::SignalSet::MAX);
    let result = sys::map(STACK, false).and_then(|stack| {
        // SAFETY: the memory is the thread's own from here on, and `run` never returns.
        unsafe { sys::spawn_thread(stack, STACK, run, !needs_own_descriptors(log)) }
    });
    sys::mask_signals(libc::SIG_SETMASK, before);
    if result.is_ok() {
        // quick_exit(3) runs no destructor. Nobody is registered before us, so nobody runs after us.
        /// What at_quick_exit(3) is made of.
        type AtQuickExit = unsafe extern "C" fn(extern "C" fn(*mut c_void), *mut c_void) -> c_int;
        let found = objects::libc_symbol(c"__cxa_at_quick_exit");
        // SAFETY: null is None, and a function of that name has that signature in every libc.
        let register = unsafe { core::mem::transmute::<*mut c_void, Option<AtQuickExit>>(found) };
        if let Some(register) = register {
            // SAFETY: the function lives as long as the library, which is never unloaded.
            unsafe { register(flush_at_quick_exit, ptr::null_mut()) };
        }
    } else {
        QUEUE.store(ptr::null_mut(), Ordering::Release);
        SHARED.store(ptr::null_mut(), Ordering::Release);
    }
    result
}

extern "C" fn flush_at_quick_exit(_: *mut c_void) {
    flush();
}

/// A file is opened for each line. No other thread may meet its descriptor, nor get a higher one than it gets without us, so the
/// thread has a table of its own then. A stream is written to by the program's own descriptor.
const fn needs_own_descriptors(log: &Log) -> bool {
    matches!(log.destination, Destination::File(_))
}

/// The thread's stack: one line, and what it takes to write it, many times over.
const STACK: usize = 64 * 1024;

/// The thread. libc does not know it, so a program that counts its threads in libc, or whose main thread ends by pthread_exit(3),
/// is not kept alive by it; in return nothing here may use libc's thread-local state.
extern "C" fn run() -> ! {
    if queue().is_some_and(|queue| needs_own_descriptors(queue.log)) {
        // What the program closes must not be held open here.
        sys::close_all();
    }
    // A line that comes alone is written at once.
    let mut gathers = 0;
    loop {
        if let (Some(shared), Some(queue)) = (shared(), queue()) {
            let seen = shared.posted.load(Ordering::Acquire);
            drain(shared, queue, Some(&mut Batch::new()), gathers);
            let is_more = || {
                sys::sched_yield();
                shared.posted.load(Ordering::Acquire) != seen
            };
            if (0..LINGER).any(|_| is_more()) {
                gathers = GATHER;
                continue;
            }
            gathers = 0;
            shared.asleep.store(true, Ordering::SeqCst);
            sys::futex_wait(&shared.posted, seen, 0);
            shared.asleep.store(false, Ordering::SeqCst);
        }
    }
}

/// Writes what waits. With room for a batch, as many waiting lines as fit go out in one write, which a pipe takes as one, as it does a single line
/// (PIPE_BUF, pipe(7)): a burst costs two system calls for half a dozen lines. Where nothing waits, it
/// lets others have the processor so many times (`gathers`) and looks again: 0 where a line may be the only one, which is not kept waiting.
fn drain(shared: &Shared, queue: &Queue, mut batch: Option<&mut Batch>, gathers: u32) {
    shared.busy.fetch_add(1, Ordering::SeqCst);
    let next = || {
        queue.waiting.pop().or_else(|| {
            (0..gathers).find_map(|_| {
                sys::sched_yield();
                queue.waiting.pop()
            })
        })
    };
    while let Some(slot) = next() {
        let slot = usize::from(slot);
        match (&mut batch, shared.line(slot)) {
            (Some(batch), Some(line)) => {
                if !batch.add(line) {
                    batch.deliver(queue);
                    batch.add(line);
                    // Alerts that never rest leave the loop no end.
                    take_handed(shared, queue);
                }
            }
            _ => write_slot(shared, queue, slot),
        }
        shared.release(slot);
        if shared.crowded.load(Ordering::Relaxed) != 0 && queue.waiting.len() <= FEW {
            shared.crowded.store(0, Ordering::Relaxed);
            sys::futex_wake(&shared.crowded);
        }
    }
    if let Some(batch) = batch {
        batch.deliver(queue);
    }
    take_handed(shared, queue);
    shared.busy.fetch_sub(1, Ordering::SeqCst);
}

/// Writes the lines of children, which wait for it.
fn take_handed(shared: &Shared, queue: &Queue) {
    for (index, (handed, done)) in shared.handed.iter().zip(&shared.done).enumerate() {
        let mut bits = handed.load(Ordering::Acquire);
        while bits != 0 {
            let bit = bits & bits.wrapping_neg();
            bits &= !bit;
            // The exiting thread drains too: whoever takes the bit off writes the line.
            if handed.fetch_and(!bit, Ordering::AcqRel) & bit != 0 {
                write_slot(shared, queue, index * 64 + bit.trailing_zeros() as usize);
                done.fetch_or(bit, Ordering::Release);
                shared.written.fetch_add(1, Ordering::Release);
                sys::futex_wake(&shared.written);
            }
        }
    }
}

fn write_slot(shared: &Shared, queue: &Queue, slot: usize) {
    if shared
        .line(slot)
        .is_some_and(|line| queue.log.deliver(line))
    {
        crate::report::losses(queue.log);
    }
}

/// Lines that are written at once, by the writer's thread, on whose stack it lies.
struct Batch {
    bytes: [MaybeUninit<u8>; LINE_MAX],
    length: usize,
    lines: u64,
}

impl Batch {
    #[inline(always)]
    const fn new() -> Self {
        Self {
            // SAFETY: bytes that need not be initialised, each by itself.
            bytes: unsafe { MaybeUninit::uninit().assume_init() },
            length: 0,
            lines: 0,
        }
    }

    /// `false`: there is no room.
    fn add(&mut self, line: &[u8]) -> bool {
        let end = self.length + line.len();
        let Some(room) = self.bytes.get_mut(self.length..end) else {
            return false;
        };
        // SAFETY: the room is as long as the line, and they are different memory.
        unsafe { ptr::copy_nonoverlapping(line.as_ptr(), room.as_mut_ptr().cast(), line.len()) };
        self.length = end;
        self.lines += 1;
        true
    }

    fn deliver(&mut self, queue: &Queue) {
        // SAFETY: so many bytes have been written.
        let lines = unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), self.length) };
        if self.lines > 0 && queue.log.deliver_all(lines, self.lines, Hand::Writer) {
            crate::report::losses(queue.log);
        }
        (self.length, self.lines) = (0, 0);
    }
}

impl Shared {
    fn claim(&self) -> Option<usize> {
        for (index, word) in self.free.iter().enumerate() {
            let mut bits = word.load(Ordering::Relaxed);
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                match word.compare_exchange_weak(
                    bits,
                    bits & !(1 << bit),
                    Ordering::Acquire,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return Some(index * 64 + bit),
                    Err(now) => bits = now,
                }
            }
        }
        None
    }

    /// A slot, once the thread has had a processor: a program that never rests may leave it none, where there is one for both.
    #[cold]
    #[inline(never)]
    fn wait_for_slot(&self, log: &Log) -> Option<usize> {
        for _ in 0..STAY {
            if !log.is_ready() {
                // Who reads it may wait for this processor, too.
                sys::sched_yield();
                if !log.is_ready() && !self.waits_for_log() {
                    return None;
                }
            }
            self.crowded.store(1, Ordering::SeqCst);
            sys::futex_wait(&self.crowded, 1, 1);
            if let Some(slot) = self.claim() {
                return Some(slot);
            }
        }
        None
    }

    /// May an alert wait for a log that takes no more?
    #[cold]
    #[inline(never)]
    fn waits_for_log(&self) -> bool {
        let now = sys::uptime();
        let since = self.full.load(Ordering::Relaxed);
        if now == 0 {
            return false;
        }
        let begins = now >= since + PAUSE;
        if begins {
            self.full.store(now, Ordering::Relaxed);
        }
        begins || now < since + STAY
    }

    /// The line in a slot that its writer has handed over.
    fn line(&self, slot: usize) -> Option<&[u8]> {
        let (length, line) = (self.lengths.get(slot)?, self.lines.get(slot)?);
        let length = length.load(Ordering::Acquire) as usize;
        // SAFETY: the slot is claimed and its writer has handed it over: nobody else touches it until it is free again.
        unsafe { &*line.get() }.get(..length)
    }

    fn release(&self, slot: usize) {
        if let Some(word) = self.free.get(slot / 64) {
            word.fetch_or(1 << (slot % 64), Ordering::Release);
        }
    }

    fn wake(&self) {
        self.posted.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            sys::futex_wake(&self.posted);
        }
    }
}

/// Puts an alert of the main process on its way. `format` writes the line and gives its length.
///
/// `false`: there is no thread, the caller has to write by itself. A line for which there is no room is counted as lost: at once where it is the log
/// that takes no more.
pub fn post(format: impl FnOnce(&mut [u8; LINE_MAX]) -> usize) -> bool {
    let (Some(shared), Some(queue)) = (shared(), queue()) else {
        return false;
    };
    let Some(slot) = shared.claim().or_else(|| shared.wait_for_slot(queue.log)) else {
        LOST.fetch_add(1, Ordering::Relaxed);
        return true;
    };
    shared.fill(slot, format);
    match queue.waiting.push(slot as u16) {
        Ok(()) => shared.wake(),
        Err(_) => {
            LOST.fetch_add(1, Ordering::Relaxed);
            shared.release(slot);
        }
    }
    true
}

impl Shared {
    fn fill(&self, slot: usize, format: impl FnOnce(&mut [u8; LINE_MAX]) -> usize) {
        if let (Some(length), Some(line)) = (self.lengths.get(slot), self.lines.get(slot)) {
            // SAFETY: the slot is claimed by the caller alone.
            let written = format(unsafe { &mut *line.get() });
            length.store(written as u32, Ordering::Release);
        }
    }
}

/// Gives a child's line to the main process and waits until it is written, so that a refusal is on record before the
/// program sees it. `false`: there is no thread to give it to, or it did not answer.
pub fn hand_over(line: &[u8]) -> bool {
    let (Some(shared), Some(queue)) = (shared(), queue()) else {
        return false;
    };
    if sys::getpid() == queue.log.main {
        return false;
    }
    let Some(slot) = shared.claim() else {
        return false;
    };
    shared.fill(slot, |room| {
        room.iter_mut().zip(line).for_each(|(to, from)| *to = *from);
        line.len().min(LINE_MAX)
    });
    let (Some(handed), Some(done)) = (shared.handed.get(slot / 64), shared.done.get(slot / 64))
    else {
        return false;
    };
    let bit = 1 << (slot % 64);
    handed.fetch_or(bit, Ordering::Release);
    shared.wake();
    for _ in 0..PATIENCE / 10 {
        let seen = shared.written.load(Ordering::Acquire);
        if done.fetch_and(!bit, Ordering::AcqRel) & bit != 0 {
            shared.release(slot);
            return true;
        }
        sys::futex_wait(&shared.written, seen, 10);
    }
    // Nobody came. If the line is still ours, take it back; if not, it is being written, and its slot is given up.
    let taken_back = handed.fetch_and(!bit, Ordering::AcqRel) & bit != 0;
    if taken_back {
        shared.release(slot);
    }
    !taken_back
}

/// Writes what waits, before the main process ends or turns into another program.
#[cold]
#[inline(never)]
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub fn flush() {
    let (Some(shared), Some(queue)) = (shared(), queue()) else {
        return;
    };
    if sys::getpid() != queue.log.main {
        return;
    }
    drain(shared, queue, None, 0);
    // The thread may hold a line that it has taken and not yet written.
    for _ in 0..PATIENCE {
        if shared.busy.load(Ordering::SeqCst) == 0 {
            break;
        }
        sys::futex_wait(&shared.written, shared.written.load(Ordering::Acquire), 1);
    }
}
