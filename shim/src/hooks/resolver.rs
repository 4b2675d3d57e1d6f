//! What the resolver's own modules send while they resolve a name: it has been judged by the name that the program asked for.
//!
//! glibc before 2.34 has its resolver in libraries of its own (`libresolv.so.2`, `libnss_dns.so.2`), which call `connect` and `send` by symbols that
//! are ours; and modules of nsswitch.conf(5) do so with every glibc. Two things tell their calls from the program's, and both have to hold: a name is being
//! resolved in this thread, and the call comes from such a library. The first alone also holds for the handler of a signal that comes meanwhile; and for
//! good, once such a handler has left by siglongjmp(3), as timeouts of old are made. The second alone would have to be looked up at each call.

#[cfg(not(test))]
use core::ffi::c_void;

#[cfg(not(test))]
use crate::objects;

// libc's resolver is at work in this thread. One byte in the static TLS block (tls.pdf §4.4.6, "initial exec"), which is there before the
// first constructor and needs no call to be found.
core::arch::global_asm!(
    ".pushsection .tbss.palisade_resolving,\"awT\",@nobits",
    ".hidden palisade_resolving",
    ".globl palisade_resolving",
    ".type palisade_resolving, @object",
    ".size palisade_resolving, 1",
    "palisade_resolving:",
    ".zero 1",
    ".popsection",
);

#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
extern "C" fn is_resolving_here() -> *mut bool {
    core::arch::naked_asm!(
        "mov rax, qword ptr [rip + palisade_resolving@GOTTPOFF]",
        "add rax, qword ptr fs:[0]",
        "ret",
    )
}

#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
extern "C" fn is_resolving_here() -> *mut bool {
    core::arch::naked_asm!(
        "adrp x0, :gottprel:palisade_resolving",
        "ldr x0, [x0, :gottprel_lo12:palisade_resolving]",
        "mrs x1, tpidr_el0",
        "add x0, x0, x1",
        "ret",
    )
}

/// Marks this thread while `act` lets libc resolve a name.
pub fn resolving<R>(act: impl FnOnce() -> R) -> R {
    let place = is_resolving_here();
    // SAFETY: the calling thread's own byte, which only ever holds what is written here, or zero.
    let before = unsafe { place.replace(true) };
    let result = act();
    // SAFETY: as above.
    unsafe { place.write(before) };
    result
}

/// Is there code of the resolver at that address? libc itself does not count: since it has the resolver in it, its calls do not come to us, and what
/// returns to it need not be called by it: the handler of a signal may end in a jump to `connect`.
#[cfg(not(test))]
pub extern "C" fn is_own(caller: *const c_void) -> bool {
    const MODULES: [&[u8]; 2] = [b"libresolv", b"libnss_"];
    objects::is_in(caller, |name| {
        MODULES.iter().any(|module| name.starts_with(module))
    })
}

/// The exported symbol of a hook that lets the resolver's own modules pass to the function behind ours: two instructions and a branch for everybody
/// else. `$judged` is the hook, `$slots` and `$place` say where the function behind it is.
#[cfg(all(target_arch = "x86_64", not(test)))]
macro_rules! unless_resolver {
    ($judged:path, $slots:path, $place:expr) => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            "endbr64",
            "mov rax, qword ptr [rip + palisade_resolving@GOTTPOFF]",
            "cmp byte ptr fs:[rax], 0",
            "je {judged}",
            "push rdi\npush rsi\npush rdx\npush rcx\npush r8\npush r9\nsub rsp, 8",
            ".cfi_def_cfa_offset 64",
            "mov rdi, [rsp + 56]", // the return address
            "call {is_own}",
            "add rsp, 8\npop r9\npop r8\npop rcx\npop rdx\npop rsi\npop rdi",
            ".cfi_def_cfa_offset 8",
            "test al, al",
            "jz {judged}",
            "mov rax, [rip + {slots} + {place}]",
            "test rax, rax",
            "jz {judged}",
            "jmp rax",
            ".cfi_endproc",
            judged = sym $judged,
            slots = sym $slots,
            place = const 8 * $place as usize,
            is_own = sym $crate::hooks::resolver::is_own,
        )
    };
}

#[cfg(all(target_arch = "aarch64", not(test)))]
macro_rules! unless_resolver {
    ($judged:path, $slots:path, $place:expr) => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            "hint #34",
            "adrp x16, :gottprel:palisade_resolving",
            "ldr x16, [x16, :gottprel_lo12:palisade_resolving]",
            "mrs x17, tpidr_el0",
            "ldrb w16, [x17, x16]",
            "cbnz w16, 2f",
            "1:",
            "b {judged}",
            "2:",
            "stp x29, x30, [sp, #-64]!",
            ".cfi_def_cfa_offset 64",
            ".cfi_offset x29, -64",
            ".cfi_offset x30, -56",
            "stp x0, x1, [sp, #16]\nstp x2, x3, [sp, #32]\nstp x4, x5, [sp, #48]",
            "mov x0, x30", // the return address
            "bl {is_own}",
            "mov w9, w0",
            "ldp x0, x1, [sp, #16]\nldp x2, x3, [sp, #32]\nldp x4, x5, [sp, #48]",
            "ldp x29, x30, [sp], #64",
            ".cfi_restore x29",
            ".cfi_restore x30",
            ".cfi_def_cfa_offset 0",
            "tbz w9, #0, 1b",
            "adrp x16, {slots}",
            "add x16, x16, :lo12:{slots}",
            "ldr x17, [x16, #{place}]",
            "cbz x17, 1b",
            "br x17",
            ".cfi_endproc",
            judged = sym $judged,
            slots = sym $slots,
            place = const 8 * $place as usize,
            is_own = sym $crate::hooks::resolver::is_own,
        )
    };
}

#[cfg(not(test))]
pub(crate) use unless_resolver;
