//! The handlers behind the exported names, one file for each section of a policy.
//!
//! Each of them: asks whether its section is on at all (one load, one branch); finds out what the call would do, in
//! system calls of our own; asks the policy; reports; and then refuses, or calls the next function of the same name with
//! the arguments as they came. A call that would fail anyway is left to fail by itself, with its own errno and no audit.

pub mod answers;
pub mod around;
pub mod files;
pub mod indirect;
pub mod inside;
pub mod links;
pub mod memory;
pub mod messages;
pub mod names;
pub mod nets;
pub mod network;
pub mod process;
pub mod program;
pub mod queries;
pub mod questions;
pub mod resolve;
pub mod resolver;
pub mod shell;
pub mod spawn;
pub mod streams;
pub mod tree;

use core::ffi::c_int;

use crate::report::REFUSED;
use crate::sys::{Errno, set_errno};

/// The end of a system call as libc presents it: the value, or -1 and `errno`.
fn finish(result: Result<usize, Errno>) -> c_int {
    match result {
        Ok(value) => value as c_int,
        Err(Errno(errno)) => {
            set_errno(errno);
            -1
        }
    }
}
