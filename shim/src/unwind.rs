//! What the parts of Rust's library that know of unwinding are linked against.
//!
//! This library aborts on a panic, so nothing of ours unwinds. `alloc` was compiled for programs that do, and refers to a
//! personality routine and to an unwinder, which would be libgcc_s.so.1: the loader would map that library into every process of the function,
//! a tenth of a millisecond each, and a start would fail where an image has none (`error while loading shared libraries`, exit 127). These
//! stand-ins satisfy the linker instead. They are hidden, so the unwinder of the program is not touched.
//!
//! The program's own unwinder passes through our frames when a thread is cancelled, and asks the personality routine of those that have one:
//! there is nothing to be done in them.
#![cfg(not(test))]

#[cfg(all(target_arch = "x86_64", not(feature = "alone")))]
macro_rules! end_of_stack {
    () => {
        "mov eax, 5\nret"
    };
}
#[cfg(all(target_arch = "aarch64", not(feature = "alone")))]
macro_rules! end_of_stack {
    () => {
        "mov w0, #5\nret"
    };
}
#[cfg(all(target_arch = "x86_64", feature = "alone"))]
macro_rules! go_on {
    () => {
        "mov eax, 8\nret"
    };
}
#[cfg(all(target_arch = "aarch64", feature = "alone"))]
macro_rules! go_on {
    () => {
        "mov w0, #8\nret"
    };
}
#[cfg(target_arch = "x86_64")]
macro_rules! trap {
    () => {
        "ud2"
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! trap {
    () => {
        "brk #1"
    };
}

#[cfg(feature = "alone")]
core::arch::global_asm!(
    ".pushsection .text.palisade_unwind,\"ax\",@progbits",
    ".hidden rust_eh_personality",
    ".globl rust_eh_personality",
    "rust_eh_personality:",
    go_on!(), // _URC_CONTINUE_UNWIND
    ".hidden _Unwind_Resume",
    ".globl _Unwind_Resume",
    "_Unwind_Resume:",
    trap!(),
    ".popsection",
);

// The standard library has a personality routine, and asks for more. What can be reached, from a panic message, says that there are no frames.
#[cfg(not(feature = "alone"))]
core::arch::global_asm!(
    ".pushsection .text.palisade_unwind,\"ax\",@progbits",
    ".hidden _Unwind_Backtrace",
    ".globl _Unwind_Backtrace",
    "_Unwind_Backtrace:",
    end_of_stack!(), // _URC_END_OF_STACK
    ".irp name, GetCFA, GetDataRelBase, GetIP, GetIPInfo, GetLanguageSpecificData, GetRegionStart, GetTextRelBase, \
     Resume, SetGR, SetIP, DeleteException, FindEnclosingFunction, RaiseException",
    ".hidden _Unwind_\\name",
    ".globl _Unwind_\\name",
    "_Unwind_\\name:",
    ".endr",
    trap!(),
    ".popsection",
);
