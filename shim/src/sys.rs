//! System calls of our own, straight into the kernel.
//!
//! Not through libc, for two reasons: libc's names are the ones this library exports, so a call to them
//! would be judged by our own hooks; and a raw call leaves `errno` alone, which a hook must. Pointers that
//! came from the program go to the kernel as they are, so a bad one is an `EFAULT`, never a crash.

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::objects::{self, Behind};

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

/// Which file something is: device, inode and, for device files, the device that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// st_dev
    pub device: u64,
    /// st_ino
    pub inode: u64,
    /// st_rdev
    pub special: u64,
}

/// What stat(2) tells, as far as it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Which file.
    pub id: FileId,
    /// st_mode: type and permission bits.
    pub mode: u32,
    /// st_nlink.
    pub links: u64,
    /// st_uid.
    pub user: u32,
    /// st_gid.
    pub group: u32,
}

impl Stat {
    /// Is the file of this type (`S_IFREG`, …)?
    pub const fn is(&self, kind: u32) -> bool {
        self.mode & libc::S_IFMT == kind
    }
}

/// fstatat(2).
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
pub unsafe fn fstatat(dir: c_int, path: *const c_char, flags: c_int) -> Result<Stat, Errno> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: `stat` is large enough for the kernel's struct, which is libc's on 64-bit Linux.
    let stat = unsafe {
        call!(
            libc::SYS_newfstatat,
            dir as isize,
            path,
            stat.as_mut_ptr(),
            flags
        )?;
        stat.assume_init()
    };
    Ok(Stat {
        id: FileId {
            device: stat.st_dev,
            inode: stat.st_ino,
            special: stat.st_rdev,
        },
        mode: stat.st_mode,
        #[allow(clippy::unnecessary_cast, reason = "32 bits on arm64")]
        links: stat.st_nlink as u64,
        user: stat.st_uid,
        group: stat.st_gid,
    })
}

/// fstat(2).
pub fn fstat(fd: c_int) -> Result<Stat, Errno> {
    // SAFETY: the empty string is valid; AT_EMPTY_PATH (2.6.39) stands for the descriptor itself.
    unsafe { fstatat(fd, c"".as_ptr(), libc::AT_EMPTY_PATH) }
}

/// openat(2).
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
pub unsafe fn openat(
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    mode: c_uint,
) -> Result<c_int, Errno> {
    // SAFETY: handed to the kernel as it is.
    unsafe {
        call!(
            libc::SYS_openat,
            dir as isize,
            path,
            flags | libc::O_LARGEFILE,
            mode
        )
    }
    .map(|fd| fd as c_int)
}

/// openat2(2), Linux 5.6, with `RESOLVE_NO_SYMLINKS`: success proves that the name is the file.
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
#[inline]
pub unsafe fn open_without_links(
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    mode: c_uint,
) -> Result<c_int, Errno> {
    // SAFETY: the caller's promise.
    unsafe { open_resolving(dir, path, (flags, mode), libc::RESOLVE_NO_SYMLINKS) }
}

/// Does the name lead to a file by way of nothing but links that say where they lead? Those of /proc/self/fd do not.
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
pub unsafe fn is_behind_plain_links(dir: c_int, path: *const c_char) -> bool {
    let how = (libc::O_PATH | libc::O_CLOEXEC, 0);
    // SAFETY: the caller's promise.
    let opened = unsafe { open_resolving(dir, path, how, libc::RESOLVE_NO_MAGICLINKS) };
    opened.map(close).is_ok()
}

/// openat2(2), Linux 5.6.
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
unsafe fn open_resolving(
    dir: c_int,
    path: *const c_char,
    (flags, mode): (c_int, c_uint),
    resolve: u64,
) -> Result<c_int, Errno> {
    /// struct open_how of linux/openat2.h, version 0: three 64-bit words.
    #[repr(C)]
    struct OpenHow {
        flags: u64,
        mode: u64,
        resolve: u64,
    }
    let how = OpenHow {
        flags: u64::from(flags as u32),
        mode: u64::from(mode),
        resolve,
    };
    // SAFETY: `how` lives through the call and its size is given.
    unsafe {
        call!(
            libc::SYS_openat2,
            dir as isize,
            path,
            &raw const how,
            size_of::<OpenHow>()
        )
    }
    .map(|fd| fd as c_int)
}

/// close(2). An error leaves nothing to be done: Linux has released the descriptor all the same.
pub fn close(fd: c_int) {
    // SAFETY: the caller opened it.
    let _ = unsafe { call!(libc::SYS_close, fd) };
}

/// fcntl(2).
pub fn fcntl(fd: c_int, command: c_int, argument: usize) -> Result<usize, Errno> {
    // SAFETY: only commands whose argument is a number are used here.
    unsafe { call!(libc::SYS_fcntl, fd, command, argument) }
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

/// faccessat2(2) with the effective ids (Linux 5.8), or the mode bits where it is not there.
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
pub unsafe fn may_execute(dir: c_int, path: *const c_char, flags: c_int, stat: &Stat) -> bool {
    // SAFETY: handed to the kernel as it is.
    match unsafe {
        call!(
            libc::SYS_faccessat2,
            dir as isize,
            path,
            libc::X_OK,
            flags | libc::AT_EACCESS
        )
    } {
        Ok(_) => true,
        Err(Errno(libc::EACCES)) => false,
        Err(_) => stat.mode & 0o111 != 0,
    }
}

/// readlinkat(2) into `out`; the bytes written (cut silently at its length, no NUL).
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
pub unsafe fn readlinkat(
    dir: c_int,
    path: *const c_char,
    out: &mut [MaybeUninit<u8>],
) -> Result<usize, Errno> {
    // SAFETY: `out` is writable for its length.
    unsafe {
        call!(
            libc::SYS_readlinkat,
            dir as isize,
            path,
            out.as_mut_ptr(),
            out.len()
        )
    }
}

/// getcwd(2) into `out`: the bytes without the NUL.
pub fn getcwd(out: &mut [MaybeUninit<u8>]) -> Result<usize, Errno> {
    // SAFETY: `out` is writable for its length.
    unsafe { call!(libc::SYS_getcwd, out.as_mut_ptr(), out.len()) }.map(|n| n.saturating_sub(1))
}

/// The whole of a file. Allocates: for the constructor only.
///
/// # Errors
/// Those of open(2) and read(2); `EFBIG` where there are more than `limit` bytes.
pub fn read_file(path: &CStr, limit: usize) -> Result<Vec<u8>, Errno> {
    // SAFETY: a C string.
    let fd = unsafe {
        openat(
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NOCTTY,
            0,
        )
    }?;
    let mut content = Vec::new();
    let mut chunk = [0u8; 4096];
    let result = loop {
        match pread(fd, &mut chunk, content.len() as u64) {
            Ok(0) => break Ok(content),
            Ok(n) => content.extend_from_slice(chunk.get(..n).unwrap_or_default()),
            Err(error) => break Err(error),
        }
        if content.len() > limit {
            break Err(Errno(libc::EFBIG));
        }
    };
    close(fd);
    result
}

/// pread(2), again when a signal came in between.
pub fn pread(fd: c_int, out: &mut [u8], offset: u64) -> Result<usize, Errno> {
    loop {
        // SAFETY: `out` is writable for its length.
        match unsafe { call!(libc::SYS_pread64, fd, out.as_mut_ptr(), out.len(), offset) } {
            Err(Errno(libc::EINTR)) => {}
            result => return result,
        }
    }
}

/// write(2), once.
pub fn write(fd: c_int, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: `bytes` is readable for its length.
    unsafe { call!(libc::SYS_write, fd, bytes.as_ptr(), bytes.len()) }
}

/// Waits until `fd` can be written to, at most `milliseconds` (ppoll(2)).
pub fn wait_writable(fd: c_int, milliseconds: i64) {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLOUT,
        revents: 0,
    };
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: milliseconds * 1_000_000,
    };
    // SAFETY: one pollfd, a timeout, no signal mask.
    let _ = unsafe { call!(libc::SYS_ppoll, &raw mut poll, 1, &raw const time, 0, 0) };
}

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

/// What tells the calling thread from all others, without a system call: the address of its thread control block (ELF Handling For Thread-Local
/// Storage), which is never 0.
#[cfg(all(feature = "alone", not(test)))]
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

/// getsockopt(2) at `SOL_SOCKET` for an integer option.
pub fn socket_option(fd: c_int, option: c_int) -> Result<c_int, Errno> {
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: `value` is as long as `length` says.
    unsafe {
        call!(
            libc::SYS_getsockopt,
            fd,
            libc::SOL_SOCKET,
            option,
            &raw mut value,
            &raw mut length
        )
    }?;
    Ok(value)
}

/// getsockname(2); the bytes that the kernel wrote.
pub fn getsockname(fd: c_int, out: &mut [u8; 128]) -> Result<usize, Errno> {
    socket_address(libc::SYS_getsockname, fd, out)
}

/// bind(2) to the name in `address`.
pub fn bind(fd: c_int, address: &[u8]) -> Result<(), Errno> {
    // SAFETY: the address is as long as is said.
    unsafe { call!(libc::SYS_bind, fd, address.as_ptr(), address.len()) }.map(|_| ())
}

/// getpeername(2); the bytes that the kernel wrote.
pub fn getpeername(fd: c_int, out: &mut [u8; 128]) -> Result<usize, Errno> {
    socket_address(libc::SYS_getpeername, fd, out)
}

fn socket_address(number: c_long, fd: c_int, out: &mut [u8; 128]) -> Result<usize, Errno> {
    let mut length = out.len() as libc::socklen_t;
    // SAFETY: `out` is as long as `length` says.
    unsafe { call!(number, fd, out.as_mut_ptr(), &raw mut length) }?;
    Ok((length as usize).min(out.len()))
}

/// CLOCK_REALTIME, through the vDSO: seconds and nanoseconds. clock_gettime(2) is async-signal-safe and cannot fail here.
pub fn now() -> (i64, u32) {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a valid timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
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

/// Can this be a pointer into the program's memory?
///
/// The first page and the kernel's half of the address space are never mapped for a program: there the real call gives
/// `EFAULT`, and so will it. Any other pointer is read as the real call would read it.
pub fn may_point<T>(pointer: *const T) -> bool {
    (pointer as usize) >= 4096 && (pointer as isize) > 0
}

/// The bytes of a C string of the program, without the NUL; `None` for a pointer that cannot be one.
///
/// # Safety
/// `text` is a C string that nobody changes while the result is in use, or a pointer that cannot be one ([`may_point`]).
pub unsafe fn c_bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    if !may_point(text) {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { CStr::from_ptr(text) }.to_bytes())
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

/// openat2(2) as the program asks for it.
pub fn openat2(
    dir: c_int,
    path: *const c_char,
    how: *const c_void,
    size: usize,
) -> Result<usize, Errno> {
    // SAFETY: the kernel checks every pointer.
    unsafe { call!(libc::SYS_openat2, dir as isize, path, how, size) }
}

/// Seconds since 1970-01-01 UTC as the kernel has them, whatever another preloaded library would have this process believe.
pub fn true_time() -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a valid timespec.
    let asked = unsafe {
        call!(
            libc::SYS_clock_gettime,
            libc::CLOCK_REALTIME as usize,
            (&raw mut time) as usize
        )
    };
    // A clock that cannot be read delays nothing.
    asked.map_or(i64::MAX, |_| time.tv_sec)
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

/// Has the file capabilities of its own (xattr(7), capabilities(7))?
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
pub unsafe fn has_capabilities(path: *const c_char) -> bool {
    // SAFETY: a size of 0 asks for the length only.
    unsafe {
        call!(
            libc::SYS_getxattr,
            path,
            c"security.capability".as_ptr(),
            0,
            0
        )
    }
    .is_ok()
}

/// libc's pthread_setcanceltype(3) and pthread_setcancelstate(3), once the constructor has found them.
#[cfg_attr(not(test), unsafe(link_section = ".data"))]
static SET_CANCEL: [AtomicPtr<c_void>; 2] = [const { AtomicPtr::new(core::ptr::null_mut()) }; 2];

const SET_CANCEL_NAMES: [&CStr; 2] = [c"pthread_setcanceltype", c"pthread_setcancelstate"];

/// Finds what [`cancellable`] and [`uncancellable`] need. For the constructor.
pub fn find_cancellation(behind: &Behind) {
    for (slot, name) in SET_CANCEL.iter().zip(SET_CANCEL_NAMES) {
        let found = behind.find(name, objects::hash(name.to_bytes()));
        slot.store(found, Ordering::Relaxed);
    }
}

/// Calls `open`, which is a cancellation point (pthreads(7)) and may block, as on a FIFO, so that the thread can be cancelled in it.
///
/// Cancellation unwinds the thread through our frames, which hold nothing that would have to be given back but a pin.
pub fn cancellable<R>(open: impl FnOnce() -> R) -> R {
    /// Of pthread.h.
    const PTHREAD_CANCEL_ASYNCHRONOUS: c_int = 1;
    let [set, _] = &SET_CANCEL;
    with_cancellation(set, PTHREAD_CANCEL_ASYNCHRONOUS, open)
}

/// Calls what is no cancellation point and may lead to one of ours.
pub fn uncancellable<R>(call: impl FnOnce() -> R) -> R {
    /// Of pthread.h.
    const PTHREAD_CANCEL_DISABLE: c_int = 1;
    let [_, set] = &SET_CANCEL;
    with_cancellation(set, PTHREAD_CANCEL_DISABLE, call)
}

fn with_cancellation<R>(set: &AtomicPtr<c_void>, value: c_int, call: impl FnOnce() -> R) -> R {
    type Function = unsafe extern "C" fn(c_int, *mut c_int) -> c_int;
    let found = set.load(Ordering::Relaxed);
    // SAFETY: null is None; both functions have that signature in every libc.
    let Some(set) = (unsafe { core::mem::transmute::<*mut c_void, Option<Function>>(found) })
    else {
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

/// Closes every descriptor of the calling thread's own table: close_range(2), and before Linux 5.9 one by one as many as a function may have
/// (AWS Lambda quotas).
pub fn close_all() {
    const MANY: c_int = 1024;
    // SAFETY: takes no pointer; the table is nobody else's.
    let closed = unsafe { any(libc::SYS_close_range, [0, u32::MAX as usize, 0, 0, 0, 0]) };
    if closed.is_err() {
        (0..MANY).for_each(close);
    }
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

/// Is the file system mounted read-only (fstatfs(2))? Works on `O_PATH` from Linux 3.12 on.
pub fn is_read_only(fd: c_int) -> bool {
    /// ST_RDONLY of statvfs(3), also in `f_flags` (Linux 2.6.36).
    const ST_RDONLY: u64 = 1;
    // struct statfs of asm-generic, fifteen words on 64-bit Linux; the flags are the eleventh.
    let mut stat = [0u64; 15];
    // SAFETY: `stat` is as large as the kernel's struct.
    let result = unsafe { call!(libc::SYS_fstatfs, fd, stat.as_mut_ptr()) };
    result.is_ok() && stat.get(10).is_some_and(|flags| flags & ST_RDONLY != 0)
}
