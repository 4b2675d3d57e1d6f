//! The unwinder that the standard library is linked against, and that is never called.
//!
//! This library aborts on a panic, so nothing of ours unwinds. std still refers to libgcc_s.so.1, and the loader would
//! map that library into every process of the function: a tenth of a millisecond each, and a start that fails where an image has
//! none (`error while loading shared libraries`, exit 127). These stand-ins satisfy the linker instead. They are hidden, so the unwinder of
//! the program is not touched. The one that can be reached, from a panic message, says that there are no frames.
#![cfg(not(test))]

#[cfg(target_arch = "x86_64")]
macro_rules! end_of_stack {
    () => {
        "mov eax, 5\nret"
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! end_of_stack {
    () => {
        "mov w0, #5\nret"
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
