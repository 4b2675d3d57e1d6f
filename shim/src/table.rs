//! The hooks: one line for each libc function that asks the policy first.
//!
//! A line is the function's name and signature as its manual page has them, and the handler that stands for it. From
//! it come the exported symbol and the slot that holds the function of the same name behind ours: libc's, or that of
//! another preloaded library, so that interposers chain.
//!
//! Slots are filled by the constructor. A call that comes earlier (from the constructor of another library, or from a
//! malloc replacement's first use) finds its slot empty and must not make `dlsym` allocate in that moment, so the
//! handlers of functions that are system calls go straight to the kernel then; see [`crate::hooks`].

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::{
    FILE, addrinfo, mode_t, pid_t, posix_spawn_file_actions_t, posix_spawnattr_t, sockaddr,
    socklen_t,
};

#[cfg(not(test))]
use crate::hooks::{files, names, network, process};

/// `argv` or `envp`: pointers to C strings, ended by a null pointer.
pub type Strings = *const *const c_char;

/// The function of the same name behind ours.
///
/// glibc gives out the address of its own function when `RTLD_NEXT` is asked from our constructor. Relaxed order is
/// enough: the pointer is to code that was mapped before us and never changes.
fn next(slot: &AtomicPtr<c_void>, name: &CStr) -> *mut c_void {
    let known = slot.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: dlsym(3) with a C string.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    slot.store(found, Ordering::Relaxed);
    found
}

macro_rules! hooks {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty = $handler:path;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "` behind ours.")]
            #[allow(non_snake_case, reason = "_Exit(3) is its name")]
            pub mod $name {
                use super::*;
                /// As the manual page declares it; unwinding passes through it, because thread cancellation does.
                pub type Function = unsafe extern "C-unwind" fn($($type),*) -> $result;
                static SLOT: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
                /// The next function of this name, or `None` where libc has none.
                #[inline]
                pub fn next() -> Option<Function> {
                    let name = const {
                        match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                            Ok(name) => name,
                            Err(_) => c"",
                        }
                    };
                    let found = super::next(&SLOT, name);
                    // SAFETY: a function of that name has that signature in every libc, and Option<fn> is null for None.
                    unsafe { core::mem::transmute::<*mut c_void, Option<Function>>(found) }
                }
                #[allow(dead_code, reason = "most handlers may look their function up")]
                /// As `next`, but never looks a symbol up: for callers that may stand inside an allocator.
                #[inline]
                pub fn known() -> Option<Function> {
                    // SAFETY: as in `next`.
                    unsafe { core::mem::transmute::<*mut c_void, Option<Function>>(SLOT.load(Ordering::Relaxed)) }
                }
                /// The exported symbol.
                ///
                /// # Safety
                /// As the manual page of the function says.
                #[cfg(not(test))]
                #[unsafe(no_mangle)]
                pub unsafe extern "C-unwind" fn $name($($arg: $type),*) -> $result {
                    // SAFETY: the caller keeps what the manual page asks; the handler asks for no more.
                    unsafe { $handler($($arg),*) }
                }
            }
        )*

        /// Fills every slot. For the constructor.
        pub fn resolve() {
            $($name::next();)*
        }
    };
}

hooks! {
    execve(path: *const c_char, argv: Strings, envp: Strings) -> c_int = process::execve;
    execv(path: *const c_char, argv: Strings) -> c_int = process::execv;
    execvp(file: *const c_char, argv: Strings) -> c_int = process::execvp;
    execvpe(file: *const c_char, argv: Strings, envp: Strings) -> c_int = process::execvpe;
    execveat(dir: c_int, path: *const c_char, argv: Strings, envp: Strings, flags: c_int) -> c_int = process::execveat;
    fexecve(fd: c_int, argv: Strings, envp: Strings) -> c_int = process::fexecve;
    posix_spawn(pid: *mut pid_t, path: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, argv: Strings, envp: Strings) -> c_int = process::posix_spawn;
    posix_spawnp(pid: *mut pid_t, file: *const c_char, actions: *const posix_spawn_file_actions_t,
        attributes: *const posix_spawnattr_t, argv: Strings, envp: Strings) -> c_int = process::posix_spawnp;
    system(command: *const c_char) -> c_int = process::system;
    popen(command: *const c_char, mode: *const c_char) -> *mut FILE = process::popen;
    _exit(status: c_int) -> () = process::_exit;
    _Exit(status: c_int) -> () = process::_exit;

    connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int = network::connect;
    bind(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int = network::bind;
    listen(fd: c_int, backlog: c_int) -> c_int = network::listen;

    getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo,
        result: *mut *mut addrinfo) -> c_int = names::getaddrinfo;

    open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::open;
    open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::open64;
    openat(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::openat;
    openat64(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int = files::openat64;
    creat(path: *const c_char, mode: mode_t) -> c_int = files::creat;
    creat64(path: *const c_char, mode: mode_t) -> c_int = files::creat64;
    fopen(path: *const c_char, mode: *const c_char) -> *mut FILE = files::fopen;
    fopen64(path: *const c_char, mode: *const c_char) -> *mut FILE = files::fopen64;
}

/// `open(2)`'s mode is variadic in C. On both architectures a variadic integer is passed where the third argument of a
/// function of fixed arity is (System V AMD64 §3.2.3, AAPCS64 §6.8.2), so reading it when the caller gave none reads a
/// register that nobody uses.
const _: () = assert!(size_of::<mode_t>() == size_of::<c_uint>());
