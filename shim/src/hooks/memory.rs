//! The memory of a process, where it is written without its file (`/proc/PID/mem` is for [`super::files`]).

use core::ffi::{c_int, c_ulong};

use libc::{iovec, pid_t};
use palisade_audit::Subject;
use palisade_policy::event::{Access, Reason, Section};

use super::finish;
use crate::path::Decimal;
use crate::sys::Errno;
use crate::{report, state, sys, table};

/// Judges a write to the memory of a process, as one to its file.
///
/// # Errors
/// `EACCES`: refused.
fn judge(pid: pid_t) -> Result<(), Errno> {
    let Some(state) = state::judging_at_all() else {
        return Ok(());
    };
    let mut path = Decimal::new(b"/proc/", pid as u32);
    for byte in b"/mem" {
        path.push(*byte);
    }
    // SAFETY: a C string on the stack.
    if unsafe { sys::fstatat(libc::AT_FDCWD, path.as_ptr(), 0) } == Err(Errno(libc::ENOENT)) {
        // Of nobody: the call fails by itself.
        return Ok(());
    }
    let verdict = state.decider.guard(Reason::MemoryWrite);
    let (path, access) = (path.text(), Access::Write);
    let subject = Subject::File { path, access };
    report::settle(state, Section::Filesystem, &verdict, subject)
}

/// `process_vm_writev(2)`.
///
/// # Safety
/// As its manual page says.
pub unsafe fn process_vm_writev(
    next: Option<table::process_vm_writev::Function>,
    pid: pid_t,
    local: *const iovec,
    local_count: c_ulong,
    remote: *const iovec,
    remote_count: c_ulong,
    flags: c_ulong,
) -> isize {
    match (judge(pid), next) {
        // SAFETY: the caller's arguments.
        (Ok(()), Some(next)) => unsafe {
            next(pid, local, local_count, remote, remote_count, flags)
        },
        (judged, _) => {
            let error: c_int = finish(Err(judged.err().unwrap_or(Errno(libc::ENOSYS))));
            error as isize
        }
    }
}
