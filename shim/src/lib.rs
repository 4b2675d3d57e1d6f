//! `libpalisade.so`: loaded through `LD_PRELOAD` (ld.so(8)), it stands in front of libc and asks the policy before libc
//! acts.
//!
//! What is hooked is in [`table`], one line each. What is not: calls that libc makes inside itself, system calls that a
//! program makes by itself (`syscall(2)`, a static binary), and functions that a program looks up in libc by hand. The
//! README says what that means for a user.
//!
//! # The laws of a hook
//!
//! A hook runs in the child of vfork(2), on a 16 KiB stack, in a signal handler, in a forked child of a process with
//! fifty threads, and before our own constructor. Between entering and leaving it there is therefore
//!
//! - no allocation, no lock, no lazy initialisation, no thread-local value with a destructor;
//! - little stack: at most one path (4 KiB) and one audit line (4 KiB) at a time;
//! - `errno` as it was, unless the call fails;
//! - no descriptor kept, and none that the program could meet;
//! - never a panic.
//!
//! Only the constructor ([`start`]) allocates. What it makes is never changed and never freed.
//!
//! # Unsafe code
//!
//! All of Palisade's is in this crate: system calls ([`sys`]), the reading of what a program passes ([`env`], [`hooks`]),
//! and the shared memory of the writer thread ([`writer`]).
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::string_slice
)]
#![cfg_attr(all(feature = "alone", not(test)), no_std)]
#![cfg_attr(
    test,
    allow(
        dead_code,
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "in the test build nothing is exported, so much of the crate has no caller; tests may fail loudly"
    )
)]

extern crate alloc;

mod answer;
mod elf;
mod env;
mod handed;
mod hooks;
mod inherited;
mod learned;
mod log;
mod memory;
mod objects;
mod offsets;
mod path;
mod question;
mod report;
mod resolved;
mod room;
mod settings;
mod shared;
mod sixbit;
mod start;
mod state;
mod stubs;
mod symbols;
mod sys;
mod table;
mod unwind;
mod variadic;
mod writer;
