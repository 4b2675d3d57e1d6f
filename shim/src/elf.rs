//! Can the loader put this library into a program? Asked once, by the wrapper, before a function starts.

use crate::sys;
use std::ffi::CString;

/// What execve(2) would run, as far as it matters to a preload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loading {
    /// glibc's loader starts it, on this architecture; or it cannot be read, and the exec itself will say why.
    Possible,
    /// It has no program interpreter: statically linked, so no preload reaches it.
    Static,
    /// Another architecture.
    OtherMachine,
    /// Another C library's loader, such as musl's.
    OtherLibc,
}

/// Reads the head of a program; for a script, of its interpreter, as deep as execve(2) goes.
pub fn loading(program: &[u8]) -> Loading {
    let mut path = program.to_vec();
    // Linux follows five interpreters (BINPRM_MAX_RECURSION).
    for _ in 0..5 {
        let Some(head) = CString::new(path)
            .ok()
            .and_then(|path| sys::read_head(&path).ok())
        else {
            return Loading::Possible;
        };
        match head.strip_prefix(b"#!") {
            Some(line) => path = script_interpreter(line),
            None => return examine(&head),
        }
    }
    Loading::Possible
}

fn script_interpreter(line: &[u8]) -> Vec<u8> {
    let line = line
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    line.split(|byte| matches!(byte, b' ' | b'\t'))
        .next()
        .unwrap_or_default()
        .to_vec()
}

/// elf(5), 64-bit little-endian: every architecture that Lambda has.
fn examine(head: &[u8]) -> Loading {
    const PT_INTERP: u32 = 3;
    const MACHINE: u16 = if cfg!(target_arch = "aarch64") {
        183
    } else {
        62
    };
    let half = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let word = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let long =
        |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?) as usize);
    if !head.starts_with(b"\x7fELF") {
        return Loading::Possible;
    }
    if head.get(4..6) != Some(&[2, 1]) || half(18) != Some(MACHINE) {
        return Loading::OtherMachine;
    }
    let interpreter = || {
        let (start, size, count) = (long(32)?, half(54)?, half(56)?);
        let headers = (0..usize::from(count)).map(|n| start + n * usize::from(size));
        let at = headers
            .into_iter()
            .find(|at| word(*at) == Some(PT_INTERP))?;
        let (offset, length) = (long(at + 8)?, long(at + 32)?);
        head.get(offset..offset.checked_add(length)?)
    };
    match interpreter() {
        None => Loading::Static,
        Some(path) if path.windows(7).any(|part| part == b"ld-musl") => Loading::OtherLibc,
        Some(_) => Loading::Possible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_machine_can_be_preloaded() {
        assert_eq!(loading(b"/bin/sh"), Loading::Possible);
    }

    #[test]
    fn a_program_that_is_not_there_is_left_to_the_exec() {
        assert_eq!(loading(b"/nonexistent"), Loading::Possible);
        assert_eq!(loading(b"/nul\0"), Loading::Possible);
    }

    #[test]
    fn a_header_says_machine_and_loader() {
        let mut head = vec![0u8; 256];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        assert_eq!(examine(&head), Loading::OtherMachine);
        head[18] = if cfg!(target_arch = "aarch64") {
            183
        } else {
            62
        };
        assert_eq!(examine(&head), Loading::Static);
        (head[32], head[54], head[56], head[64]) = (64, 56, 1, 3);
        (head[64 + 8], head[64 + 32]) = (128, 24);
        head[128..152].copy_from_slice(b"/lib64/ld-linux-x86-64.s");
        assert_eq!(examine(&head), Loading::Possible);
        head[128..152].copy_from_slice(b"/lib/ld-musl-x86_64.so.1");
        assert_eq!(examine(&head), Loading::OtherLibc);
        assert_eq!(examine(&head[..60]), Loading::Static);
    }

    #[test]
    fn the_interpreter_of_a_script_is_its_first_word() {
        assert_eq!(
            script_interpreter(b" /usr/bin/env python3\nx"),
            b"/usr/bin/env"
        );
    }
}
