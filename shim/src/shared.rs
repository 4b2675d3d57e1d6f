//! A compiled policy that is too long for an environment, in memory that the processes of the function share (sysvipc(7)).
//!
//! Of all that survives an exec it is the only thing that is neither a descriptor, which a program could meet, nor a file, which it could
//! write to, nor part of what an exec copies each time. The segment is marked for removal as soon as it is there, so that it goes with the last
//! process that has it mapped; on Linux it can still be attached by its number until then (shmctl(2), NOTES). Nobody can attach it for writing
//! who is not root, and the main process, which wrote it, judges by a copy of its own.
//!
//! Where there is no such memory (a kernel without it, a sandbox that refuses it, another namespace) a child compiles the policy again.

use alloc::string::String;
use core::mem::MaybeUninit;

use crate::settings;
use crate::sys::{self, Errno};
use palisade_policy::format;

/// What stands before the numbers in the setting: that of the segment, a colon, and how many bytes are in it.
const PREFIX: &[u8] = b"shm:";

/// The first word of a segment, together with the number of its bytes: another namespace may have another segment under the same number (ipc_namespaces(7)).
/// To ask the kernel how long it is would be one more call for each child.
const STAMP: u64 = u64::from_le_bytes(*b"palisade");

/// Where the bytes begin: on a line of the cache.
const HEAD: usize = 64;

/// Only its user reads it, and nobody writes.
const READ_ONLY: u32 = 0o400;

/// Puts bytes into a new segment, which stays for as long as this process lives and is one program. The text by which [`take`] finds it.
pub fn lay(bytes: &[u8]) -> Option<String> {
    let id = create(HEAD + bytes.len()).ok()?;
    let laid = fill(id, bytes);
    // Removed with its last user, or at once if there is none.
    // SAFETY: takes no pointer.
    let _ = unsafe { sys::any(libc::SYS_shmctl, [id, libc::IPC_RMID as usize, 0, 0, 0, 0]) };
    laid.ok().map(|()| format!("shm:{id}:{}", bytes.len()))
}

/// The bytes that [`lay`] was given, in this process or another. `None`: it is no such text, or they are not there any more.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub fn take(text: &[u8]) -> Option<&'static [u8]> {
    let numbers = text.strip_prefix(PREFIX)?;
    let colon = numbers.iter().position(|byte| *byte == b':')?;
    let id = settings::number(numbers.get(..colon)?)?;
    let length = settings::number(numbers.get(colon + 1..)?)?;
    let id = usize::try_from(i32::try_from(id).ok()?).ok()?;
    let place = attach(id, libc::SHM_RDONLY).ok()?;
    // SAFETY: each segment has a page at least.
    let stamp = unsafe { *(place as *const u64) };
    if stamp != STAMP ^ length {
        let _ = detach(place);
        return None;
    }
    // SAFETY: a segment with that many bytes behind its head, which is never detached here, and which nobody writes to: whoever could has this
    // process's memory.
    Some(unsafe { core::slice::from_raw_parts((place + HEAD) as *const u8, length as usize) })
}

fn create(length: usize) -> Result<usize, Errno> {
    let flags = libc::IPC_CREAT as usize | 0o600;
    let arguments = [libc::IPC_PRIVATE as usize, length, flags, 0, 0, 0];
    // SAFETY: takes no pointer.
    unsafe { sys::any(libc::SYS_shmget, arguments) }
}

/// Writes the bytes, and leaves the segment attached, for reading alone.
fn fill(id: usize, bytes: &[u8]) -> Result<(), Errno> {
    let place = attach(id, 0)?;
    // SAFETY: a new segment of that length, which nobody else knows. Then it is detached, and not used any more.
    unsafe {
        *(place as *mut u64) = STAMP ^ bytes.len() as u64;
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), (place + HEAD) as *mut u8, bytes.len());
    }
    detach(place)?;
    let mut description = describe(id)?;
    description.shm_perm.mode = READ_ONLY as _;
    let set = [
        id,
        libc::IPC_SET as usize,
        &raw const description as usize,
        0,
        0,
        0,
    ];
    // SAFETY: the kernel's struct.
    unsafe { sys::any(libc::SYS_shmctl, set) }?;
    attach(id, libc::SHM_RDONLY).map(|_| ())
}

fn attach(id: usize, flags: i32) -> Result<usize, Errno> {
    // SAFETY: at a place of the kernel's choice.
    unsafe { sys::any(libc::SYS_shmat, [id, 0, flags as usize, 0, 0, 0]) }
}

/// Takes a segment back that nobody uses.
fn detach(place: usize) -> Result<(), Errno> {
    // SAFETY: what `attach` gave.
    unsafe { sys::any(libc::SYS_shmdt, [place, 0, 0, 0, 0, 0]) }.map(|_| ())
}

fn describe(id: usize) -> Result<libc::shmid_ds, Errno> {
    let mut description = MaybeUninit::<libc::shmid_ds>::zeroed();
    let stat = [
        id,
        libc::IPC_STAT as usize,
        description.as_mut_ptr() as usize,
        0,
        0,
        0,
    ];
    // SAFETY: the kernel's struct on 64-bit Linux, zeroed.
    unsafe {
        sys::any(libc::SYS_shmctl, stat)?;
        Ok(description.assume_init())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_down_is_taken_up_as_it_was_and_cannot_be_written() {
        let bytes: Vec<u8> = (0..100_001u32).map(|i| (i * 31) as u8).collect();
        let text = lay(&bytes).unwrap();
        assert_eq!(take(text.as_bytes()), Some(bytes.as_slice()));
        let (id, length) = text.strip_prefix("shm:").unwrap().split_once(':').unwrap();
        assert_eq!(length, "100001");
        let id: usize = id.parse().unwrap();
        assert_eq!(
            u32::from(describe(id).unwrap().shm_perm.mode) & 0o777,
            READ_ONLY
        );
    }

    #[test]
    fn a_segment_of_somebody_elses_is_let_go_of() {
        // Of one page, and asked for more.
        let id = create(1).unwrap();
        let place = attach(id, 0).unwrap();
        for stamp in [0, STAMP, STAMP ^ 99_999] {
            // SAFETY: a page of our own.
            unsafe { *(place as *mut u64) = stamp };
            let text = ["shm:", &id.to_string(), ":100000"].concat();
            assert!(take(text.as_bytes()).is_none());
            assert_eq!(describe(id).unwrap().shm_nattch, 1);
        }
        detach(place).unwrap();
        // SAFETY: takes no pointer.
        unsafe { sys::any(libc::SYS_shmctl, [id, libc::IPC_RMID as usize, 0, 0, 0, 0]) }.unwrap();
    }

    #[test]
    fn what_is_not_there_is_not_taken_up() {
        for text in [
            "",
            "shm:",
            "shm:1",
            "shm:x:1",
            "shm:-1:1",
            "shm:1:x",
            "shm:2147483647:1",
            "shm:99999999999:1",
            "3:abcd",
        ] {
            assert!(take(text.as_bytes()).is_none(), "{text}");
        }
    }
}
