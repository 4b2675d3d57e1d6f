//! `execl(3)`, `execlp(3)`, `execle(3)`: the three that take a list of arguments.
//!
//! Rust cannot define a variadic function, and collecting the list would need memory that a child of `vfork` has not
//! got. The list is nearly an array as it is: the first words in registers, the rest on the stack in order. These stubs store
//! the registers right in front of the rest, and the array is there, of any length, without a copy.

#![cfg(not(test))]

use core::arch::naked_asm;

use crate::hooks::process;

/// System V AMD64 ABI §3.2.3: path in rdi, five words in rsi to r9, the others above the return address, which therefore
/// has to move below them, and back again before it returns: as deep as it was, so a shadow stack agrees.
#[cfg(target_arch = "x86_64")]
macro_rules! stub {
    ($handler:path) => {
        naked_asm!(
            ".cfi_startproc",
            "endbr64",
            "pop rax",
            ".cfi_def_cfa_offset 0",
            "push r9",
            "push r8",
            "push rcx",
            "push rdx",
            "push rsi",
            "mov rsi, rsp",
            "push rax",
            ".cfi_def_cfa_offset 48",
            ".cfi_offset rip, -48",
            "call {}",
            "pop rcx",
            "add rsp, 40",
            ".cfi_def_cfa_offset 0",
            "push rcx",
            ".cfi_def_cfa_offset 8",
            ".cfi_offset rip, -8",
            "ret",
            ".cfi_endproc",
            sym $handler,
        )
    };
}

/// AAPCS64 §6.4.2: path in x0, seven words in x1 to x7, the others from the stack pointer up.
#[cfg(target_arch = "aarch64")]
macro_rules! stub {
    ($handler:path) => {
        naked_asm!(
            ".cfi_startproc",
            "stp x29, x30, [sp, #-80]!",
            ".cfi_def_cfa_offset 80",
            ".cfi_offset x29, -80",
            ".cfi_offset x30, -72",
            "mov x29, sp",
            "stp x1, x2, [sp, #24]",
            "stp x3, x4, [sp, #40]",
            "stp x5, x6, [sp, #56]",
            "str x7, [sp, #72]",
            "add x1, sp, #24",
            "bl {}",
            "ldp x29, x30, [sp], #80",
            ".cfi_def_cfa_offset 0",
            "ret",
            ".cfi_endproc",
            sym $handler,
        )
    };
}

/// `execl(3)`.
///
/// # Safety
/// As its manual page says.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execl() {
    stub!(process::execl)
}

/// `execlp(3)`.
///
/// # Safety
/// As its manual page says.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execlp() {
    stub!(process::execlp)
}

/// `execle(3)`.
///
/// # Safety
/// As its manual page says.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execle() {
    stub!(process::execle)
}
