//! System calls about files and descriptors.

use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::mem::MaybeUninit;

use super::{Errno, any, call, checked, raw};

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

/// Would [`open_without_links`] be answered by the kernel, with that flag of Linux 5.6 and no filter in front that refuses it (seccomp(2))? Asked
/// with a name that cannot be read: to open and close something would be the longest part of a child's start.
#[inline]
pub fn has_open_without_links() -> bool {
    let flags = libc::O_PATH | libc::O_CLOEXEC;
    // SAFETY: the kernel checks the pointer.
    let answer = unsafe { open_without_links(libc::AT_FDCWD, super::nowhere(), flags, 0) };
    answer == Err(Errno(libc::EFAULT))
}

/// Does the name lead to a file by way of nothing but links that say where they lead? Those of /proc/self/fd do not.
///
/// # Errors
/// `ELOOP`: it does not. Otherwise those of openat2(2).
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
pub unsafe fn lead_by_plain_links(dir: c_int, path: *const c_char) -> Result<(), Errno> {
    let how = (libc::O_PATH | libc::O_CLOEXEC, 0);
    // SAFETY: the caller's promise.
    let opened = unsafe { open_resolving(dir, path, how, libc::RESOLVE_NO_MAGICLINKS) };
    opened.map(close)
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

/// Waits until `fd` can be written to, at most `milliseconds` (ppoll(2)). A pipe that can takes [`PIPE_BUF`](libc::PIPE_BUF) bytes. `false`: it cannot, or
/// something is wrong with it.
pub fn wait_writable(fd: c_int, milliseconds: i64) -> bool {
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
    let ready = unsafe { call!(libc::SYS_ppoll, &raw mut poll, 1, &raw const time, 0, 0) };
    ready.is_ok() && poll.revents == libc::POLLOUT
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

/// The number that no descriptor of the process reaches (`RLIMIT_NOFILE`, getrlimit(2)).
pub fn descriptor_limit() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: room for the limits, and none to set.
    let _ = unsafe {
        call!(
            libc::SYS_prlimit64,
            0,
            libc::RLIMIT_NOFILE,
            0,
            &raw mut limit
        )
    };
    limit.rlim_cur
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
