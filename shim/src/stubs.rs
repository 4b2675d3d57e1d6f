//! The exported entries of [`crate::hooks::around`]: a few instructions each, and then a jump, so that the real function sees the
//! caller's own return address and arguments.
//!
//! Until the constructor has run, or while every section is off, each of them jumps straight to the real one.

#![cfg(not(test))]

use core::arch::naked_asm;
use core::ffi::{c_char, c_int, c_void};

use libc::{FILE, mode_t};

use crate::hooks::around::{self, NUMBERS, REAL};
use crate::hooks::inside;
use crate::state::ACTIVE;
use crate::{sys, table};

/// Jumps to the real function in that place of `REAL`; finds it first if nobody has.
#[cfg(target_arch = "x86_64")]
macro_rules! real {
    ($place:literal) => {
        concat!(
            "2:\n",
            "mov rax, [rip + {real} + 8*",
            $place,
            "]\n",
            "test rax, rax\n",
            "jz 3f\n",
            "jmp rax\n",
            "3:\n",
            "push rdi\npush rsi\npush rdx\npush rcx\npush r8\npush r9\nsub rsp, 8\n",
            "call {resolve}\n",
            "add rsp, 8\npop r9\npop r8\npop rcx\npop rdx\npop rsi\npop rdi\n",
            "jmp [rip + {real} + 8*",
            $place,
            "]\n",
        )
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! real {
    ($place:literal) => {
        concat!(
            "2:\n",
            "adrp x16, {real}\n",
            "add x16, x16, :lo12:{real}\n",
            "ldr x17, [x16, #8*", $place, "]\n",
            "cbz x17, 3f\n",
            "br x17\n",
            "3:\n",
            "stp x29, x30, [sp, #-80]!\n",
            "stp x0, x1, [sp, #16]\nstp x2, x3, [sp, #32]\nstp x4, x5, [sp, #48]\nstr x6, [sp, #64]\n",
            "bl {resolve}\n",
            "ldp x0, x1, [sp, #16]\nldp x2, x3, [sp, #32]\nldp x4, x5, [sp, #48]\nldr x6, [sp, #64]\n",
            "ldp x29, x30, [sp], #80\n",
            "adrp x16, {real}\n",
            "add x16, x16, :lo12:{real}\n",
            "ldr x17, [x16, #8*", $place, "]\n",
            "br x17\n",
        )
    };
}

/// Goes on to label 2 unless a section is on.
#[cfg(target_arch = "x86_64")]
macro_rules! unless_active {
    () => {
        "endbr64\ncmp dword ptr [rip + {active}], 0\nje 2f\n"
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! unless_active {
    () => {
        "hint #34\nadrp x16, {active}\nldr w16, [x16, :lo12:{active}]\ncbz w16, 2f\n"
    };
}

/// `RTLD_NEXT` (-1) is for whoever asks: `next` says whether that is one of our hooks, and if not the real function answers, truthfully for
/// the caller, whose address it looks at. `$none` makes the version, which is the third argument of dlvsym(3), none.
#[cfg(target_arch = "x86_64")]
macro_rules! next {
    ($none:literal) => {
        concat!(
            "cmp rdi, -1\njne 4f\n",
            "push rdi\npush rsi\npush rdx\n",
            "mov rdi, rsi\nmov rsi, rdx\n",
            $none,
            "mov rdx, [rsp + 24]\n",
            "call {next}\n",
            "pop rdx\npop rsi\npop rdi\n",
            "test rax, rax\njz 2f\nret\n",
            "4:\n",
        )
    };
}

/// `RTLD_DEFAULT` (0) is answered by the real function, which finds our symbols by itself, for they come first; but for those that we have and
/// do not export.
#[cfg(target_arch = "x86_64")]
macro_rules! unless_default {
    () => {
        concat!(
            "test rdi, rdi\njnz 5f\n",
            "push rdi\npush rsi\npush rdx\n",
            "mov rdi, rsi\n",
            "call {default}\n",
            "pop rdx\npop rsi\npop rdi\n",
            "test rax, rax\njz 2f\nret\n",
            "5:\n",
        )
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! unless_default {
    () => {
        concat!(
            "cbnz x0, 5f\n",
            "stp x29, x30, [sp, #-48]!\nstp x0, x1, [sp, #16]\nstr x2, [sp, #32]\n",
            "mov x0, x1\n",
            "bl {default}\n",
            "mov x9, x0\n",
            "ldp x0, x1, [sp, #16]\nldr x2, [sp, #32]\nldp x29, x30, [sp], #48\n",
            "cbz x9, 2f\n",
            "mov x0, x9\nret\n",
            "5:\n",
        )
    };
}

/// As above.
#[cfg(target_arch = "aarch64")]
macro_rules! next {
    ($none:literal) => {
        concat!(
            "cmn x0, #1\nb.ne 4f\n",
            "stp x29, x30, [sp, #-48]!\nstp x0, x1, [sp, #16]\nstr x2, [sp, #32]\n",
            "mov x0, x1\nmov x1, x2\n",
            $none,
            "mov x2, x30\n",
            "bl {next}\n",
            "mov x9, x0\n",
            "ldp x0, x1, [sp, #16]\nldr x2, [sp, #32]\nldp x29, x30, [sp], #48\n",
            "cbz x9, 2f\n",
            "mov x0, x9\nret\n",
            "4:\n",
        )
    };
}

/// dlsym(3) has no version.
#[cfg(target_arch = "x86_64")]
macro_rules! next_of_dlsym {
    () => {
        next!("xor esi, esi\n")
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! next_of_dlsym {
    () => {
        next!("mov x1, xzr\n")
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    () => {
        "jmp {judged}\n"
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    () => {
        "b {judged}\n"
    };
}

/// `dlsym(3)`.
///
/// # Safety
/// As its manual page says.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlsym() {
    naked_asm!(
        unless_active!(), unless_default!(), next_of_dlsym!(), jump!(), real!(0),
        active = sym ACTIVE, real = sym REAL, resolve = sym around::resolve, judged = sym around::dlsym,
        next = sym around::next, default = sym around::by_default,
    )
}

/// `dlvsym(3)`. A version that is asked for is never ours, so that `RTLD_DEFAULT` would find libc's own.
///
/// # Safety
/// As its manual page says.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlvsym() {
    naked_asm!(
        unless_active!(), next!(""), jump!(), real!(1),
        active = sym ACTIVE, real = sym REAL, resolve = sym around::resolve, judged = sym around::dlvsym,
        next = sym around::next,
    )
}

/// `dlopen(3)` of a file that may be read; and without `RTLD_DEEPBIND`, with which calls out of the library would reach libc past every
/// preload.
///
/// # Safety
/// As its manual page says.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlopen() {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        unless_active!(),
        "push rsi\nsub rsp, 16",
        "call {judge}",
        "add rsp, 16\npop rsi",
        "mov rdi, rax\nand esi, -9",
        real!(2),
        active = sym ACTIVE, real = sym REAL, resolve = sym around::resolve, judge = sym inside::library,
    );
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        unless_active!(),
        "stp x29, x30, [sp, #-32]!\nstr x1, [sp, #16]",
        "bl {judge}",
        "ldr x1, [sp, #16]\nldp x29, x30, [sp], #32",
        "and w1, w1, #-9",
        real!(2),
        active = sym ACTIVE, real = sym REAL, resolve = sym around::resolve, judge = sym inside::library,
    );
}

/// `__libc_dlopen_mode` of glibc before 2.34 for whoever looks it up: dlopen(3), without the bit that says who calls (__RTLD_DLOPEN).
///
/// # Safety
/// As the manual page of dlopen(3) says.
#[unsafe(naked)]
unsafe extern "C" fn dlopen_mode() {
    #[cfg(target_arch = "x86_64")]
    naked_asm!("endbr64\nand esi, 0x7fffffff\njmp {}", sym dlopen);
    #[cfg(target_arch = "aarch64")]
    naked_asm!("hint #34\nand w1, w1, #0x7fffffff\nb {}", sym dlopen);
}

/// `dlmopen(3)`: a new namespace has no preloads.
///
/// # Safety
/// As its manual page says.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlmopen() {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        unless_active!(),
        "test rdi, rdi\njz 2f", // LM_ID_BASE
        "push rdi\npush rsi\npush rdx",
        "call {judge}",
        "pop rdx\npop rsi\npop rdi",
        "test eax, eax\njz 2f",
        "xor eax, eax\nret",
        real!(3),
        active = sym ACTIVE, real = sym REAL, resolve = sym around::resolve, judge = sym around::refuses_namespace,
    );
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        unless_active!(),
        "cbz x0, 2f", // LM_ID_BASE
        "stp x29, x30, [sp, #-48]!\nstp x0, x1, [sp, #16]\nstr x2, [sp, #32]",
        "bl {judge}",
        "mov w9, w0",
        "ldp x0, x1, [sp, #16]\nldr x2, [sp, #32]\nldp x29, x30, [sp], #48",
        "cbz w9, 2f",
        "mov x0, #0\nret",
        real!(3),
        active = sym ACTIVE, real = sym REAL, resolve = sym around::resolve, judge = sym around::refuses_namespace,
    );
}

/// `syscall(2)`. Numbers that are not judged go on after a look into a bit set.
///
/// # Safety
/// As its manual page says.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syscall() {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        unless_active!(),
        "test edi, 0x40000000\njnz 4f", // __X32_SYSCALL_BIT
        "cmp edi, 511\nja 2f", // the kernel takes 32 bits
        "mov eax, edi\nshr eax, 6\nlea r10, [rip + {numbers}]\nmov rax, [r10 + 8*rax]",
        "bt rax, rdi\njnc 2f", // by the lowest six bits
        "4:",
        jump!(),
        real!(4),
        active = sym ACTIVE, real = sym REAL, resolve = sym around::resolve, judged = sym around::syscall,
        numbers = sym NUMBERS,
    );
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        unless_active!(),
        "cmp w0, #511\nb.hi 2f",
        "ubfx x16, x0, #6, #3\nadrp x17, {numbers}\nadd x17, x17, :lo12:{numbers}\nldr x16, [x17, x16, lsl #3]",
        "lsr x16, x16, x0\ntbz x16, #0, 2f", // by the lowest six bits
        jump!(),
        real!(4),
        active = sym ACTIVE, real = sym REAL, resolve = sym around::resolve, judged = sym around::syscall,
        numbers = sym NUMBERS,
    );
}

// As those of the table are.
core::arch::global_asm!(
    ".irp name, dlsym, dlvsym, dlopen, dlmopen, syscall, execl, execle, execlp",
    ".protected \\name",
    ".endr",
);

/// `__nss_files_fopen` of glibc, for whoever looks it up: what it opens is read.
///
/// # Safety
/// `path` is a C string.
unsafe extern "C" fn nss_files_fopen(path: *const c_char) -> *mut FILE {
    // SAFETY: the caller's promise.
    unsafe { table::fopen::fopen(path, c"rce".as_ptr()) }
}

/// Hooks that are no cancellation points, where those of the same name without `_nocancel` are ones.
macro_rules! uncancellable {
    ($($name:ident = $hook:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {$(
        /// # Safety
        /// As the manual page of the function says.
        unsafe extern "C" fn $name($($arg: $type),*) -> $result {
            // SAFETY: the caller's promise.
            sys::uncancellable(|| unsafe { table::$hook::$hook($($arg),*) })
        }
    )*};
}

uncancellable! {
    open_nocancel = open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int;
    open64_nocancel = open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int;
    openat_nocancel = openat(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int;
    openat64_nocancel = openat64(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int;
    write_nocancel = write(fd: c_int, buffer: *const c_void, length: usize) -> isize;
    read_nocancel = read(fd: c_int, buffer: *mut c_void, length: usize) -> isize;
}

/// The hook of a function that glibc exports for libraries of its own, which are linked to it and get it: hence these are not exported. Whoever
/// has to look one up is none of those. Before 2.34 there are the first three.
fn private(name: &[u8]) -> Option<*mut c_void> {
    Some(match name {
        b"__libc_dlsym" => dlsym as *mut c_void,
        b"__libc_dlvsym" => dlvsym as *mut c_void,
        b"__libc_dlopen_mode" => dlopen_mode as *mut c_void,
        b"__open_nocancel" => open_nocancel as *mut c_void,
        b"__open64_nocancel" => open64_nocancel as *mut c_void,
        b"__openat_nocancel" => openat_nocancel as *mut c_void,
        b"__openat64_nocancel" => openat64_nocancel as *mut c_void,
        b"__write_nocancel" => write_nocancel as *mut c_void,
        b"__read_nocancel" => read_nocancel as *mut c_void,
        b"__nss_files_fopen" => nss_files_fopen as *mut c_void,
        _ => return None,
    })
}

/// The stub of that name, for `dlsym`: these here, and the variadic ones.
pub fn hook(name: &[u8]) -> Option<*mut c_void> {
    use crate::variadic::{execl, execle, execlp};
    let found: unsafe extern "C" fn() = match name {
        b"dlsym" => dlsym,
        b"dlvsym" => dlvsym,
        b"dlopen" => dlopen,
        b"dlmopen" => dlmopen,
        b"syscall" => syscall,
        b"execl" => execl,
        b"execle" => execle,
        b"execlp" => execlp,
        _ => return private(name),
    };
    Some(found as *mut c_void)
}
