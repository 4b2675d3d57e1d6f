//! System calls of our own, straight into the kernel.
//!
//! Not through libc, for two reasons: libc's names are the ones this library exports, so a call to them
//! would be judged by our own hooks; and a raw call leaves `errno` alone, which a hook must. Pointers that
//! came from the program go to the kernel as they are, so a bad one is an `EFAULT`, never a crash.

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{c_char, c_int, c_long, c_void};
use core::mem::MaybeUninit;

mod files;
mod readable;
mod sockets;
mod threads;

pub use files::*;
pub use readable::*;
pub use sockets::*;
pub use threads::*;

/// An error number of the kernel (errno(3)), always positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub c_int);

/// A raw system call; the result is negative `-errno` on failure.
///
/// # Safety
/// As the manual page of the call says; nothing is checked here.
#[cfg(target_arch = "x86_64")]
#[inline]
unsafe fn raw(n: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let result: isize;
    // SAFETY: the x86-64 ABI of the kernel: number in rax, arguments in these registers, rcx and r11 are lost.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") n as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// A raw system call; the result is negative `-errno` on failure.
///
/// # Safety
/// As the manual page of the call says; nothing is checked here.
#[cfg(target_arch = "aarch64")]
#[inline]
unsafe fn raw(n: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let result: isize;
    // SAFETY: the arm64 ABI of the kernel: number in x8, arguments and result in x0 to x5.
    unsafe {
        core::arch::asm!("svc 0", in("x8") n, inlateout("x0") a as isize => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f, options(nostack));
    }
    result
}

macro_rules! call {
    ($n:expr $(, $arg:expr)*) => { call!(@ $n; $($arg,)* 0, 0, 0, 0, 0, 0,) };
    (@ $n:expr; $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $($rest:expr,)*) => {
        checked(raw($n, $a as usize, $b as usize, $c as usize, $d as usize, $e as usize, $f as usize))
    };
}
use call;

#[inline]
const fn checked(result: isize) -> Result<usize, Errno> {
    if result < 0 {
        Err(Errno(-result as c_int))
    } else {
        Ok(result as usize)
    }
}

/// The calling thread's `errno`.
pub fn errno() -> c_int {
    // SAFETY: `__errno_location` always gives a valid pointer to the thread's own errno.
    unsafe { *libc::__errno_location() }
}

/// Sets the calling thread's `errno`.
pub fn set_errno(value: c_int) {
    // SAFETY: as in `errno`.
    unsafe { *libc::__errno_location() = value }
}

/// getpid(2): asked each time, because a `vfork` child shares every cache with its parent.
pub fn getpid() -> u32 {
    // SAFETY: no arguments, cannot fail.
    unsafe { call!(libc::SYS_getpid) }.unwrap_or(0) as u32
}

/// getppid(2).
pub fn getppid() -> u32 {
    // SAFETY: no arguments, cannot fail.
    unsafe { call!(libc::SYS_getppid) }.unwrap_or(0) as u32
}

/// `_exit(2)` of the whole process.
pub fn exit_group(code: c_int) -> ! {
    loop {
        // SAFETY: does not return.
        let _ = unsafe { call!(libc::SYS_exit_group, code) };
    }
}

/// pidfd_open(2), Linux 5.3.
pub fn pidfd_open(pid: u32) -> Result<c_int, Errno> {
    // SAFETY: no pointers.
    unsafe { call!(libc::SYS_pidfd_open, pid, 0) }.map(|fd| fd as c_int)
}

/// pidfd_getfd(2), Linux 5.6: a copy of another process's descriptor, closed at exec.
pub fn pidfd_getfd(process: c_int, fd: c_int) -> Result<c_int, Errno> {
    // SAFETY: no pointers.
    unsafe { call!(libc::SYS_pidfd_getfd, process, fd, 0) }.map(|fd| fd as c_int)
}

/// Memory of our own, zeroed (mmap(2)); `shared` with the children of fork(2).
pub fn map(length: usize, shared: bool) -> Result<*mut c_void, Errno> {
    let kind = if shared {
        libc::MAP_SHARED
    } else {
        libc::MAP_PRIVATE
    };
    // SAFETY: an anonymous mapping at a place of the kernel's choice.
    unsafe {
        call!(
            libc::SYS_mmap,
            0,
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            kind | libc::MAP_ANONYMOUS,
            -1isize,
            0
        )
    }
    .map(|address| address as *mut c_void)
}

/// munmap(2).
///
/// # Safety
/// The mapping is the caller's own and nobody uses it any more.
pub unsafe fn unmap(address: *mut c_void, length: usize) {
    // SAFETY: the caller's promise.
    let _ = unsafe { call!(libc::SYS_munmap, address, length) };
}

/// CLOCK_REALTIME, through the vDSO once the constructor has run: seconds and nanoseconds. clock_gettime(2) is async-signal-safe and cannot fail
/// here.
pub fn now() -> (i64, u32) {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a valid timespec.
    unsafe {
        match crate::table::clock_gettime::known() {
            Some(clock_gettime) => clock_gettime(libc::CLOCK_REALTIME, &raw mut time),
            None => call!(libc::SYS_clock_gettime, libc::CLOCK_REALTIME, &raw mut time)
                .map_or(-1, |_| 0),
        }
    };
    (time.tv_sec, time.tv_nsec as u32)
}

/// uname(2) nodename, into a string. For the constructor only.
pub fn hostname() -> String {
    let mut name = MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: `name` is the kernel's struct; zeroed, so that a failure leaves empty strings.
    let name = unsafe {
        let _ = call!(libc::SYS_uname, name.as_mut_ptr());
        name.assume_init()
    };
    let bytes: Vec<u8> = name
        .nodename
        .iter()
        .take_while(|c| **c != 0)
        .map(|c| *c as u8)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// execveat(2); returns only on failure.
pub fn execveat(
    dir: c_int,
    path: *const c_char,
    argv: *const *const c_char,
    envp: *const *const c_char,
    flags: c_int,
) -> Result<usize, Errno> {
    // SAFETY: the kernel checks every pointer.
    unsafe { call!(libc::SYS_execveat, dir as isize, path, argv, envp, flags) }
}

/// clock_gettime(2) as the kernel answers it, whatever another preloaded library would have this process believe.
fn kernel_clock(clock: libc::clockid_t) -> Result<libc::timespec, Errno> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let to = (&raw mut time) as usize;
    // SAFETY: a valid timespec.
    unsafe { call!(libc::SYS_clock_gettime, clock as usize, to) }.map(|_| time)
}

/// Seconds since 1970-01-01 UTC. A clock that cannot be read delays nothing.
pub fn true_time() -> i64 {
    kernel_clock(libc::CLOCK_REALTIME).map_or(i64::MAX, |time| time.tv_sec)
}

/// Milliseconds of CLOCK_MONOTONIC, from 1 on; 0: it cannot be read.
pub fn uptime() -> u64 {
    kernel_clock(libc::CLOCK_MONOTONIC).map_or(0, |time| {
        1 + time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
    })
}

/// As many words as a system call takes, of which the last are zeros.
pub fn words(given: &[usize]) -> [usize; 6] {
    core::array::from_fn(|index| given.get(index).copied().unwrap_or(0))
}

/// Any system call, with six arguments.
///
/// # Safety
/// As the manual page of the call says.
pub unsafe fn any(number: c_long, arguments: [usize; 6]) -> Result<usize, Errno> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the caller's promise.
    checked(unsafe { raw(number, a, b, c, d, e, f) })
}

/// geteuid(2), getegid(2).
pub fn effective_ids() -> (u32, u32) {
    // SAFETY: no arguments, cannot fail.
    unsafe {
        (
            call!(libc::SYS_geteuid).unwrap_or(0) as u32,
            call!(libc::SYS_getegid).unwrap_or(0) as u32,
        )
    }
}

/// Is `no_new_privs` set (prctl(2), Linux 3.5)? Then no program gains privileges, and the loader keeps its preloads. Lambda
/// refuses the question, which is a no.
pub fn has_no_new_privs() -> bool {
    // SAFETY: no pointers.
    unsafe { call!(libc::SYS_prctl, libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == Ok(1) }
}
