//! Ways around the hooks that hooks can close: `syscall(2)`, `dlsym(3)`, `dlvsym(3)`, `dlopen(3)`, `dlmopen(3)`.
//!
//! `dlsym` and `dlopen` look at their caller's address, and `syscall` is called a million times by programs that have
//! nothing to hide. So what is exported are stubs that decide in a few instructions and jump on, with the stack and every argument as
//! they were.

use core::ffi::{CStr, c_char, c_int, c_long, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::{iovec, off_t};
use palisade_audit::{Subject, Text};
use palisade_policy::event::{Outcome, Reason, Section};

use super::{answers, files, finish, indirect, memory, messages, network, process, tree};
use crate::objects::Behind;
use crate::offsets::Offsets;
use crate::sys::Errno;
use crate::{objects, report, state, symbols, sys, table, writer};

/// The real functions, filled by [`resolve_among`].
#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
pub static REAL: [AtomicPtr<c_void>; 5] = [const { AtomicPtr::new(core::ptr::null_mut()) }; 5];

/// How many there are.
pub const COUNT: usize = REAL.len();

/// Places in [`REAL`].
const DLSYM: usize = 0;
const DLVSYM: usize = 1;
const NAMES: [&CStr; 5] = [c"dlsym", c"dlvsym", c"dlopen", c"dlmopen", c"syscall"];

/// Finds the real functions. For the constructor.
pub fn resolve_among(behind: &Behind, handed: Option<&Offsets>) {
    let mut offsets = handed.into_iter().flat_map(Offsets::of_around);
    for (slot, name) in REAL.iter().zip(NAMES) {
        slot.store(behind.in_libc(name, offsets.next()), Ordering::Relaxed);
    }
}

/// Where libc has them, for [`Offsets`]. They have been found.
pub fn offsets(behind: &Behind) -> impl Iterator<Item = u32> {
    REAL.iter().zip(NAMES).map(|(slot, name)| {
        let hash = symbols::hash(name.to_bytes());
        behind.offset(name, hash, slot.load(Ordering::Relaxed))
    })
}

/// Finds the real functions, for a stub that is called before the constructor.
pub extern "C" fn resolve() {
    for (slot, name) in REAL.iter().zip(NAMES) {
        slot.store(objects::libc_symbol(name), Ordering::Relaxed);
    }
}

/// The hook instead of libc's own function; anything else as it was found. A library may well have a `send` of its own.
///
/// # Safety
/// `found` is what the real function gave for that name.
unsafe fn hooked(found: *mut c_void, name: *const c_char) -> *mut c_void {
    if found.is_null() || !objects::is_libc(found) {
        return found;
    }
    // SAFETY: the real function has found something of that name, so it has read it.
    table::hook(unsafe { CStr::from_ptr(name) }.to_bytes()).unwrap_or(found)
}

/// `dlsym(3)` for a handle of a library, while a policy is at work.
///
/// # Safety
/// As its manual page says.
pub unsafe extern "C" fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void {
    type Function = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;
    let real = REAL
        .get(DLSYM)
        .map_or(core::ptr::null_mut(), |slot| slot.load(Ordering::Relaxed));
    // SAFETY: the stub has made sure of it; the caller's arguments.
    unsafe {
        match core::mem::transmute::<*mut c_void, Option<Function>>(real) {
            Some(real) => hooked(real(handle, name), name),
            None => core::ptr::null_mut(),
        }
    }
}

/// `dlvsym(3)` for a handle of a library, while a policy is at work.
///
/// # Safety
/// As its manual page says.
pub unsafe extern "C" fn dlvsym(
    handle: *mut c_void,
    name: *const c_char,
    version: *const c_char,
) -> *mut c_void {
    type Function = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> *mut c_void;
    let real = REAL
        .get(DLVSYM)
        .map_or(core::ptr::null_mut(), |slot| slot.load(Ordering::Relaxed));
    // SAFETY: the stub has made sure of it; the caller's arguments.
    unsafe {
        match core::mem::transmute::<*mut c_void, Option<Function>>(real) {
            Some(real) => hooked(real(handle, name, version), name),
            None => core::ptr::null_mut(),
        }
    }
}

/// What `RTLD_NEXT` is for a caller at that address: our hook, or null where only the real function can say. `version` may be null.
///
/// Ours is the answer where libc's would be, unless the caller, or an object in front of ours that comes behind the caller, has a function of
/// that name of its own. Such an interposer has its place in a chain, and its next one would be led back to it.
///
/// # Safety
/// `name` and `version` are C strings that nobody changes meanwhile, or bad pointers.
pub unsafe extern "C" fn next(
    name: *const c_char,
    version: *const c_char,
    caller: usize,
) -> *mut c_void {
    type Plain = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;
    type Versioned = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> *mut c_void;
    const NOTHING: *mut c_void = core::ptr::null_mut();
    let real = |which: usize| {
        REAL.get(which)
            .map_or(NOTHING, |slot| slot.load(Ordering::Relaxed))
    };
    // SAFETY: the caller's promise.
    let Some(hook) = (unsafe { sys::libc_text(name) }).and_then(table::hook) else {
        return NOTHING;
    };
    // What comes behind us, for it is we who ask.
    // SAFETY: the functions that the constructor has found, and the caller's arguments.
    let found = unsafe {
        if version.is_null() {
            core::mem::transmute::<*mut c_void, Option<Plain>>(real(DLSYM))
                .map_or(NOTHING, |real| real(libc::RTLD_NEXT, name))
        } else {
            core::mem::transmute::<*mut c_void, Option<Versioned>>(real(DLVSYM))
                .map_or(NOTHING, |real| real(libc::RTLD_NEXT, name, version))
        }
    };
    // SAFETY: the caller's promise, and it has been read before.
    if objects::is_libc(found) && !objects::is_interposed(unsafe { CStr::from_ptr(name) }, caller) {
        hook
    } else {
        NOTHING
    }
}

/// What `RTLD_DEFAULT` is for the names that we have hooks for and do not export, where libc has them; or null.
///
/// # Safety
/// `name` is a C string that nobody changes meanwhile, or a bad pointer.
pub unsafe extern "C" fn by_default(name: *const c_char) -> *mut c_void {
    // SAFETY: the caller's promise.
    let given = unsafe { sys::libc_text(name) };
    let is_private = |given: &&[u8]| {
        given.starts_with(b"__libc_dl")
            || given.ends_with(b"_nocancel")
            || *given == b"__nss_files_fopen"
    };
    given
        .filter(is_private)
        .and_then(table::hook)
        // SAFETY: the caller's promise, and it has been read.
        .filter(|_| !objects::libc_symbol(unsafe { CStr::from_ptr(name) }).is_null())
        .unwrap_or(core::ptr::null_mut())
}

/// System calls that are judged when they come through `syscall(2)`, as a set of numbers.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would say so"
)]
pub static NUMBERS: [u64; 8] = {
    let mut words = [0u64; 8];
    let mut index = 0;
    while index < JUDGED.len() {
        let number = JUDGED[index] as usize;
        words[number / 64] |= 1 << (number % 64);
        index += 1;
    }
    words
};

/// System call numbers: libc's, and those that it has for x86-64 only.
pub mod numbers {
    pub use libc::*;

    /// fchmodat2(2), Linux 6.6: the same on every architecture.
    #[cfg(target_arch = "aarch64")]
    #[expect(non_upper_case_globals, reason = "named as libc names the others")]
    pub const SYS_fchmodat2: c_long = 452;

    /// setxattrat(2), Linux 6.13: the same on every architecture.
    #[expect(non_upper_case_globals, reason = "named as libc names the others")]
    pub const SYS_setxattrat: c_long = 463;

    /// removexattrat(2).
    #[expect(non_upper_case_globals, reason = "named as libc names the others")]
    pub const SYS_removexattrat: c_long = 466;
}

/// A hook that goes on to the kernel by the number that the program gave; in parentheses, what it goes on to instead, or nothing where it
/// is a hook of the system call itself.
macro_rules! judged_call {
    ($number:ident, $module:ident, $function:ident, [$($argument:expr),*]) => {
        $module::$function(Some(table::$function::by_number::<{ numbers::$number }>), $($argument as _),*)
    };
    ($number:ident, $module:ident, $function:ident, ($next:expr) [$($argument:expr),*]) => {
        $module::$function(Some($next), $($argument as _),*)
    };
    ($number:ident, $module:ident, $function:ident, () [$($argument:expr),*]) => {
        $module::$function($($argument as _),*)
    };
}

macro_rules! judged_calls {
    ($($(#[$cfg:meta])? $number:ident => $module:ident::$function:ident $(($($next:expr)?))? [$($index:tt),*];)*) => {
        /// The numbers of the table below.
        const JUDGED: &[c_long] = &[libc::SYS_exit_group, libc::SYS_io_uring_setup, $($(#[$cfg])? numbers::$number,)*];

        /// Calls the hook of that system call with its arguments, or the kernel for one that has no hook.
        ///
        /// What every hook takes of the stack is here, and nothing of it in [`syscall`], which ends in this call.
        ///
        /// # Safety
        /// As the manual page of the system call says.
        #[inline(never)]
        unsafe extern "C" fn hook_of(
            number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize,
        ) -> c_long {
            let arguments = (a, b, c, d, e, f, 0_usize);
            $(
                $(#[$cfg])?
                if number == numbers::$number {
                    // SAFETY: the caller's arguments, of which the kernel would take as many.
                    return unsafe {
                        judged_call!($number, $module, $function, $(($($next)?))? [$(arguments.$index),*])
                    } as c_long;
                }
            )*
            // SAFETY: the caller's arguments.
            unsafe { unjudged(number, a, b, c, d, e, f) }
        }
    };
}

/// # Safety
/// As the manual page of the system call says.
unsafe fn unjudged(
    number: c_long,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> c_long {
    // SAFETY: the caller's arguments.
    match unsafe { sys::any(number, [a, b, c, d, e, f]) } {
        Ok(value) => value as c_long,
        Err(errno) => c_long::from(finish(Err(errno))),
    }
}

// Which arguments of the system call the hook takes. The seventh is a zero, for flags that the system call has not got.
judged_calls! {
    SYS_execve => process::execve[0, 1, 2];
    SYS_execveat => process::execveat[0, 1, 2, 3, 4];
    #[cfg(target_arch = "x86_64")]
    SYS_open => files::open[0, 1, 2];
    #[cfg(target_arch = "x86_64")]
    SYS_creat => files::creat[0, 1];
    SYS_openat => files::openat[0, 1, 2, 3];
    SYS_openat2 => files::openat2[0, 1, 2, 3];
    SYS_connect => network::connect[0, 1, 2];
    SYS_bind => network::bind[0, 1, 2];
    SYS_listen => network::listen[0, 1];
    SYS_accept => network::accept[0, 1, 2];
    SYS_accept4 => network::accept4[0, 1, 2, 3];
    SYS_sendmsg => messages::sendmsg[0, 1, 2];
    SYS_sendmmsg => messages::sendmmsg[0, 1, 2, 3];
    SYS_write => messages::write[0, 1, 2];
    SYS_writev => messages::writev[0, 1, 2];
    SYS_io_submit => indirect::io_submit()[0, 1, 2];
    SYS_read => answers::read[0, 1, 2];
    SYS_readv => answers::readv[0, 1, 2];
    SYS_recvfrom => answers::recvfrom[0, 1, 2, 3, 4, 5];
    SYS_recvmsg => answers::recvmsg[0, 1, 2];
    SYS_recvmmsg => answers::recvmmsg[0, 1, 2, 3, 4];
    SYS_pwritev2 => messages::pwritev2(placed_write)[0, 1, 2, 3, 5];
    SYS_sendfile => indirect::sendfile[0, 1, 2, 3];
    SYS_splice => indirect::splice[0, 1, 2, 3, 4, 5];
    #[cfg(target_arch = "x86_64")]
    SYS_unlink => tree::unlink[0];
    #[cfg(target_arch = "x86_64")]
    SYS_rmdir => tree::rmdir[0];
    SYS_unlinkat => tree::unlinkat[0, 1, 2];
    #[cfg(target_arch = "x86_64")]
    SYS_rename => tree::rename[0, 1];
    SYS_renameat => tree::renameat[0, 1, 2, 3];
    SYS_renameat2 => tree::renameat2[0, 1, 2, 3, 4];
    #[cfg(target_arch = "x86_64")]
    SYS_link => tree::link[0, 1];
    SYS_linkat => tree::linkat[0, 1, 2, 3, 4];
    #[cfg(target_arch = "x86_64")]
    SYS_symlink => tree::symlink[0, 1];
    SYS_symlinkat => tree::symlinkat[0, 1, 2];
    #[cfg(target_arch = "x86_64")]
    SYS_mkdir => tree::mkdir[0, 1];
    SYS_mkdirat => tree::mkdirat[0, 1, 2];
    #[cfg(target_arch = "x86_64")]
    SYS_mknod => tree::mknod[0, 1, 2];
    SYS_mknodat => tree::mknodat[0, 1, 2, 3];
    SYS_truncate => tree::truncate[0, 1];
    #[cfg(target_arch = "x86_64")]
    SYS_chmod => tree::chmod[0, 1];
    SYS_fchmod => tree::fchmod[0, 1];
    SYS_fchown => tree::fchown[0, 1, 2];
    SYS_process_vm_writev => memory::process_vm_writev[0, 1, 2, 3, 4, 5];
    SYS_fchmodat => tree::fchmodat[0, 1, 2, 6];
    SYS_fchmodat2 => tree::fchmodat[0, 1, 2, 3];
    #[cfg(target_arch = "x86_64")]
    SYS_chown => tree::chown[0, 1, 2];
    #[cfg(target_arch = "x86_64")]
    SYS_lchown => tree::lchown[0, 1, 2];
    SYS_fchownat => tree::fchownat[0, 1, 2, 3, 4];
    #[cfg(target_arch = "x86_64")]
    SYS_utime => tree::utime[0, 1];
    #[cfg(target_arch = "x86_64")]
    SYS_utimes => tree::utimes[0, 1];
    #[cfg(target_arch = "x86_64")]
    SYS_futimesat => tree::futimesat[0, 1, 2];
    SYS_utimensat => tree::utimensat[0, 1, 2, 3];
    SYS_setxattr => tree::setxattr[0, 1, 2, 3, 4];
    SYS_lsetxattr => tree::lsetxattr[0, 1, 2, 3, 4];
    SYS_fsetxattr => tree::fsetxattr[0, 1, 2, 3, 4];
    SYS_setxattrat => tree::setxattrat()[0, 1, 2, 3, 4, 5];
    SYS_removexattr => tree::removexattr[0, 1];
    SYS_lremovexattr => tree::lremovexattr[0, 1];
    SYS_fremovexattr => tree::fremovexattr[0, 1];
    SYS_removexattrat => tree::removexattrat()[0, 1, 2, 3];
    #[cfg(target_arch = "x86_64")]
    SYS_readlink => tree::readlink[0, 1, 2];
    SYS_readlinkat => tree::readlinkat[0, 1, 2, 3];
    SYS_sendto => messages::sendto[0, 1, 2, 3, 4, 5];
}

/// The system call pwritev2(2), which takes its offset in two words; 64 bits are all in the first.
///
/// # Safety
/// As its manual page says.
unsafe extern "C" fn placed_write(
    fd: c_int,
    vectors: *const iovec,
    count: c_int,
    offset: off_t,
    flags: c_int,
) -> isize {
    let words = [
        fd as usize,
        vectors as usize,
        count as usize,
        offset as usize,
        0,
        flags as usize,
    ];
    // SAFETY: the caller's arguments.
    match unsafe { sys::any(libc::SYS_pwritev2, words) } {
        Ok(written) => written as isize,
        Err(errno) => finish(Err(errno)) as isize,
    }
}

/// __X32_SYSCALL_BIT of asm/unistd.h: the same calls under other numbers. No program of ours can be one of that ABI.
const X32: c_long = if cfg!(target_arch = "x86_64") {
    0x4000_0000
} else {
    0
};

/// Like libc's function, the hook is a place where a thread can be cancelled (pthreads(7)); `syscall(2)` is none. A function of its own, so that
/// [`syscall`] has no variable that keeps its stack while a hook is at work.
///
/// # Safety
/// As the manual page of the system call says.
#[inline(never)]
unsafe extern "C" fn opened(
    number: c_long,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> c_long {
    // SAFETY: the caller's arguments.
    sys::uncancellable(|| unsafe { hook_of(number, a, b, c, d, e, f) })
}

/// Numbers whose hooks open files by themselves.
#[cfg(target_arch = "x86_64")]
const OPENS: [c_long; 3] = [libc::SYS_open, libc::SYS_creat, libc::SYS_openat];
#[cfg(not(target_arch = "x86_64"))]
const OPENS: [c_long; 1] = [libc::SYS_openat];

/// `syscall(2)` of a number in [`NUMBERS`]: judged as its libc function is, and then made by the same number. Any other number goes to the
/// kernel with its six arguments as they are.
///
/// # Safety
/// As the manual page of the system call says.
pub unsafe extern "C" fn syscall(
    number: c_long,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> c_long {
    // The kernel takes the lower half.
    let number = c_long::from(number as u32);
    if number & X32 != 0 {
        // As a kernel without x32 answers.
        return c_long::from(finish(Err(Errno(libc::ENOSYS))));
    }
    if number == libc::SYS_exit_group {
        writer::flush();
    }
    if number == libc::SYS_io_uring_setup {
        // A ring opens and connects without any call that could be judged. This is the answer of a kernel without it, for which
        // every program has another way (io_uring_setup(2)).
        return c_long::from(finish(Err(Errno(libc::ENOSYS))));
    }
    // SAFETY: as the caller asked.
    unsafe {
        if number == libc::SYS_utimensat && b == 0 {
            // Without a path it is about a descriptor, which libc's utimensat refuses and the kernel does not (utimensat(2)).
            return match tree::judge_change(a as c_int) {
                Ok(()) => unjudged(number, a, b, c, d, e, f),
                Err(errno) => c_long::from(finish(Err(errno))),
            };
        }
        if OPENS.contains(&number) {
            return opened(number, a, b, c, d, e, f);
        }
        hook_of(number, a, b, c, d, e, f)
    }
}

/// The stub of dlopen(3) takes this bit off.
const _: () = assert!(libc::RTLD_DEEPBIND == 8);

/// Is a new namespace refused? It has a C library of its own, and no preloads. 1 or 0, for the stub of dlmopen(3).
pub extern "C" fn refuses_namespace() -> c_int {
    let Some(state) = state::get() else { return 0 };
    let verdict = state.decider.guard(Reason::UnfollowableLibrary);
    if verdict.outcome == Outcome::Allow {
        return 0;
    }
    let subject = Subject::Process {
        path: b"dlmopen",
        command: Text::Bytes(b"dlmopen into a new namespace"),
    };
    c_int::from(report::settle(state, Section::Processes, &verdict, subject).is_err())
}
