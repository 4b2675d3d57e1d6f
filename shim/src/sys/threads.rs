//! Signals, waiting, cancellation, and threads of our own.

use core::ffi::{c_int, c_void};

use super::{Errno, call, checked, raw};
use crate::table;

/// The kernel's own signal set: 64 signals.
pub type SignalSet = u64;

/// rt_sigprocmask(2) on the calling thread; gives the mask before.
pub fn mask_signals(how: c_int, set: SignalSet) -> SignalSet {
    let mut before: SignalSet = 0;
    // SAFETY: both sets are eight bytes, as the fourth argument says.
    let _ = unsafe {
        call!(
            libc::SYS_rt_sigprocmask,
            how,
            &raw const set,
            &raw mut before,
            size_of::<SignalSet>()
        )
    };
    before
}

/// rt_sigpending(2): the signals that wait for the calling thread.
pub fn pending_signals() -> SignalSet {
    let mut set: SignalSet = 0;
    // SAFETY: eight bytes, as the second argument says.
    let _ = unsafe {
        call!(
            libc::SYS_rt_sigpending,
            &raw mut set,
            size_of::<SignalSet>()
        )
    };
    set
}

/// Takes one pending signal of `set` off, without waiting (rt_sigtimedwait(2)).
pub fn take_signal(set: SignalSet) {
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a set of eight bytes and a timeout; no siginfo wanted.
    let _ = unsafe {
        call!(
            libc::SYS_rt_sigtimedwait,
            &raw const set,
            0,
            &raw const time,
            size_of::<SignalSet>()
        )
    };
}

/// futex(2) `FUTEX_WAIT` on a word that other processes may share, at most `milliseconds` (0: for ever).
pub fn futex_wait(word: &core::sync::atomic::AtomicU32, expected: u32, milliseconds: i64) {
    let time = libc::timespec {
        tv_sec: milliseconds / 1000,
        tv_nsec: milliseconds % 1000 * 1_000_000,
    };
    let time = if milliseconds == 0 {
        core::ptr::null()
    } else {
        &raw const time
    };
    // SAFETY: the word is valid; the kernel only reads it.
    let _ = unsafe {
        call!(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            expected,
            time
        )
    };
}

/// sched_yield(2).
pub fn sched_yield() {
    // SAFETY: no arguments.
    let _ = unsafe { call!(libc::SYS_sched_yield) };
}

/// What tells the calling thread from all others, without a system call: the address of its thread control block (ELF Handling For Thread-Local
/// Storage), which is never 0.
pub fn thread() -> usize {
    let block: usize;
    // SAFETY: on x86-64 the first word of the block is its own address; on arm64 it is in a register. Nothing is written.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("mov {}, fs:[0]", out(reg) block, options(nostack, preserves_flags, readonly));
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!("mrs {}, tpidr_el0", out(reg) block, options(nostack, preserves_flags, nomem));
    }
    block
}

/// futex(2) `FUTEX_WAKE` of everybody who waits on the word.
pub fn futex_wake(word: &core::sync::atomic::AtomicU32) {
    // SAFETY: the word is valid; the kernel does not write to it.
    let _ = unsafe { call!(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, c_int::MAX) };
}

/// Calls `open`, which is a cancellation point (pthreads(7)) and may block, as on a FIFO, so that the thread can be cancelled in it.
///
/// Cancellation unwinds the thread through our frames, which hold nothing that would have to be given back but a pin.
pub fn cancellable<R>(open: impl FnOnce() -> R) -> R {
    /// Of pthread.h.
    const PTHREAD_CANCEL_ASYNCHRONOUS: c_int = 1;
    let set = table::pthread_setcanceltype::known();
    with_cancellation(set, PTHREAD_CANCEL_ASYNCHRONOUS, open)
}

/// Ends the thread here if it is to be cancelled, as pthread_testcancel(3) does, which libc itself has only since glibc 2.34: for a call that is a
/// cancellation point and may fail, or hold a descriptor, before it comes to the one that would be [`cancellable`].
pub fn cancellation_point() {
    cancellable(|| ());
}

/// Calls what is no cancellation point and may lead to one of ours.
pub fn uncancellable<R>(call: impl FnOnce() -> R) -> R {
    /// Of pthread.h.
    const PTHREAD_CANCEL_DISABLE: c_int = 1;
    let set = table::pthread_setcancelstate::known();
    with_cancellation(set, PTHREAD_CANCEL_DISABLE, call)
}

/// pthread_setcanceltype(3) or pthread_setcancelstate(3), once the constructor has found it.
type SetCancel = unsafe extern "C" fn(c_int, *mut c_int) -> c_int;

fn with_cancellation<R>(set: Option<SetCancel>, value: c_int, call: impl FnOnce() -> R) -> R {
    let Some(set) = set else {
        return call();
    };
    let mut before = 0;
    // SAFETY: `before` is writable. What is made cancellable between the two calls is one system call and nothing else that cancellation
    // could tear apart.
    unsafe { set(value, &raw mut before) };
    let result = call();
    // SAFETY: as above.
    unsafe { set(before, core::ptr::null_mut()) };
    result
}

/// Starts a thread that libc does not know (clone(2)): it shares everything with the process but, unless `shares_descriptors`, its
/// descriptors, of which it gets copies; and the thread-local storage of the thread that starts it.
///
/// # Errors
/// Those of clone(2).
///
/// # Safety
/// `stack` is the lowest address of `size` bytes that nobody else uses, a multiple of 16. `run` does not use thread-local
/// storage, so it calls nothing of libc that sets errno.
#[cfg(not(test))]
pub unsafe fn spawn_thread(
    stack: *mut c_void,
    size: usize,
    run: extern "C" fn() -> !,
    shares_descriptors: bool,
) -> Result<(), Errno> {
    const FLAGS: c_int = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM;
    let files = if shares_descriptors {
        libc::CLONE_FILES
    } else {
        0
    };
    // SAFETY: the caller's promise.
    checked(unsafe { clone_thread((FLAGS | files) as usize, stack.cast::<u8>().add(size), run) })
        .map(|_| ())
}

/// In the test build nothing starts a thread.
///
/// # Safety
/// None is needed.
#[cfg(test)]
pub unsafe fn spawn_thread(
    _: *mut c_void,
    _: usize,
    _: extern "C" fn() -> !,
    _: bool,
) -> Result<(), Errno> {
    Err(Errno(libc::ENOSYS))
}

/// clone(2), and in the new thread a call of `run` on the new stack.
#[cfg(all(target_arch = "x86_64", not(test)))]
#[unsafe(naked)]
unsafe extern "C" fn clone_thread(
    flags: usize,
    stack: *mut u8,
    run: extern "C" fn() -> !,
) -> isize {
    core::arch::naked_asm!(
        "mov r9, rdx",
        "xor edx, edx",
        "xor r10d, r10d",
        "xor r8d, r8d",
        "mov eax, {number}",
        "syscall",
        "test rax, rax",
        "jnz 2f",
        "xor ebp, ebp",
        "call r9",
        "ud2",
        "2:",
        "ret",
        number = const libc::SYS_clone,
    )
}

/// clone(2), and in the new thread a call of `run` on the new stack.
#[cfg(all(target_arch = "aarch64", not(test)))]
#[unsafe(naked)]
unsafe extern "C" fn clone_thread(
    flags: usize,
    stack: *mut u8,
    run: extern "C" fn() -> !,
) -> isize {
    core::arch::naked_asm!(
        "mov x9, x2",
        "mov x2, xzr",
        "mov x3, xzr",
        "mov x4, xzr",
        "mov x8, #{number}",
        "svc 0",
        "cbnz x0, 2f",
        "mov x29, xzr",
        "blr x9",
        "brk #1",
        "2:",
        "ret",
        number = const libc::SYS_clone,
    )
}

/// Calls `act` in a thread that shares everything with the calling one but its descriptors, of which it has copies (clone(2)); the calling one sleeps
/// for as long, and its stack and thread-local storage are used.
///
/// # Errors
/// Those of clone(2): `act` was not called.
pub fn with_own_descriptors(act: &mut dyn FnMut()) -> Result<(), Errno> {
    const FLAGS: c_int = libc::CLONE_VM
        | libc::CLONE_VFORK
        | libc::CLONE_FS
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM;
    extern "C" fn run(act: *mut c_void) {
        // SAFETY: the pointer below, to what lives until this thread has ended.
        unsafe { (*act.cast::<&mut dyn FnMut()>())() }
    }
    let mut act = act;
    // SAFETY: with CLONE_VFORK the calling thread goes on when the other has ended, so that one of them at a time is on this stack, and the
    // other writes only below where this one stands.
    checked(unsafe { clone_and_wait(FLAGS as usize, run, (&raw mut act).cast()) }).map(|_| ())
}

/// clone(2), and in the new thread a call of `run` on the same stack, and its end.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn clone_and_wait(
    flags: usize,
    run: extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> isize {
    core::arch::naked_asm!(
        "mov r9, rsi",
        "mov r8, rdx",
        "xor esi, esi",
        "xor edx, edx",
        "xor r10d, r10d",
        "mov eax, {clone}",
        "syscall",
        "test rax, rax",
        "jnz 2f",
        "sub rsp, 8",
        "mov rdi, r8",
        "call r9",
        "xor edi, edi",
        "mov eax, {exit}",
        "syscall",
        "ud2",
        "2:",
        "ret",
        clone = const libc::SYS_clone,
        exit = const libc::SYS_exit,
    )
}

/// clone(2), and in the new thread a call of `run` on the same stack, and its end.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn clone_and_wait(
    flags: usize,
    run: extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> isize {
    core::arch::naked_asm!(
        "mov x9, x1",
        "mov x10, x2",
        "mov x1, xzr",
        "mov x2, xzr",
        "mov x3, xzr",
        "mov x4, xzr",
        "mov x8, #{clone}",
        "svc 0",
        "cbnz x0, 2f",
        "mov x29, xzr",
        "mov x0, x10",
        "blr x9",
        "mov x0, xzr",
        "mov x8, #{exit}",
        "svc 0",
        "brk #1",
        "2:",
        "ret",
        clone = const libc::SYS_clone,
        exit = const libc::SYS_exit,
    )
}
