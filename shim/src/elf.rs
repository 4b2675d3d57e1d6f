//! What execve(2) makes of a file, as far as it matters to a preload. Asked by the wrapper's probe before a function starts, and
//! by the hooks before a child does; nothing here allocates.

use crate::path::base_name;
use crate::sys::{self, Errno, FileId};
use core::ffi::{CStr, c_char, c_int};

/// As many interpreters of scripts as the kernel follows.
pub const SCRIPTS_MAX: usize = 5;

/// How a file is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// glibc's loader, which lies there, starts it, on this architecture: the library is loaded with it.
    Dynamic(Interpreter),
    /// It has no program interpreter: statically linked, so no preload reaches it.
    Static,
    /// So, too, but it is a shared object that has a name, as the loader itself is.
    Library,
    /// Another architecture, or no 64 bits.
    OtherMachine,
    /// Another C library's loader, such as musl's, which lies there.
    OtherLibc(Interpreter),
    /// A script: the kernel runs the program that its first line names.
    Script(Interpreter),
    /// Neither. The kernel refuses it (`ENOEXEC`), and execvp(3) and posix_spawnp(3) give it to the shell.
    Text,
}

/// The path of the program that runs another one: from the first line of a script, of which the kernel reads 256 bytes (BINPRM_BUF_SIZE), or a
/// program interpreter's, cut to as many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interpreter {
    bytes: [u8; 256],
    len: usize,
}

impl Interpreter {
    /// The first word after `#!`, of as much as the kernel reads. `None`: the kernel finds none, or no end of it (load_script, Linux 5.1).
    fn read(line: &[u8]) -> Option<Self> {
        let line = match line.iter().position(|byte| *byte == b'\n') {
            Some(end) => line.get(..end)?,
            None => line,
        };
        let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t'))?;
        let rest = line.get(start..)?;
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b' ' | b'\t' | 0));
        let word = rest.get(..length.unwrap_or(rest.len()))?;
        let is_cut = start + word.len() == LINE - 2;
        (!word.is_empty() && !is_cut).then(|| Self::of(word))
    }

    /// Of that path.
    fn of(path: &[u8]) -> Self {
        let mut interpreter = Self {
            bytes: [0; 256],
            len: 0,
        };
        // One byte stays zero: the end of the C string.
        let room = interpreter.bytes.len() - 1;
        for (to, from) in interpreter.bytes.iter_mut().take(room).zip(path) {
            *to = *from;
            interpreter.len += 1;
        }
        interpreter
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// As a C string.
    pub fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }

    /// Can the kernel start it, in that directory, as the first argument of a call in `…at`? If not, it does not start the program either. One that
    /// was cut is not known.
    pub fn is_there(&self, cwd: c_int) -> bool {
        self.file(cwd).is_some()
    }

    /// Is it musl's program loader, and not glibc's under such a name?
    pub fn is_of_musl(&self, cwd: c_int) -> bool {
        base_name(self.as_bytes()).starts_with(b"ld-musl-")
            && self.file(cwd).is_some_and(|file| {
                // SAFETY: a C string.
                let glibc = unsafe { sys::fstatat(libc::AT_FDCWD, LOADER.as_ptr(), 0) };
                glibc.map(|stat| stat.id) != Ok(file)
            })
    }

    /// The file that the kernel starts.
    fn file(&self, cwd: c_int) -> Option<FileId> {
        if self.len == self.bytes.len() - 1 {
            return None;
        }
        // SAFETY: C strings of ours.
        unsafe {
            let stat = sys::fstatat(cwd, self.as_ptr(), 0).ok()?;
            let may_start =
                stat.is(libc::S_IFREG) && sys::may_execute(cwd, self.as_ptr(), 0, &stat);
            may_start.then_some(stat.id)
        }
    }
}

/// Opens a file and looks at it.
///
/// # Errors
/// Those of open(2).
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
pub unsafe fn look(dir: c_int, path: *const c_char) -> Result<Format, Errno> {
    // SAFETY: the caller's promise.
    unsafe { look_at(dir, path) }.map(|(format, _)| format)
}

/// The same, and which file it was that was looked at: `None` where another thread has closed the descriptor meanwhile.
///
/// # Errors
/// Those of open(2).
///
/// # Safety
/// `path` may be any pointer: the kernel checks it.
pub unsafe fn look_at(dir: c_int, path: *const c_char) -> Result<(Format, Option<FileId>), Errno> {
    // SAFETY: handed to the kernel as it is.
    unsafe { sys::openat(dir, path, FLAGS, 0) }.map(look_in)
}

/// The same where the name is the file's own, without a link.
///
/// # Errors
/// `ELOOP`: there is one. Otherwise those of openat2(2).
///
/// # Safety
/// `path` is a C string.
pub unsafe fn look_without_links(path: *const c_char) -> Result<(Format, Option<FileId>), Errno> {
    // SAFETY: the caller's promise.
    unsafe { sys::open_without_links(libc::AT_FDCWD, path, FLAGS, 0) }.map(look_in)
}

/// BINPRM_BUF_SIZE of Linux: as much the kernel reads of a script.
const LINE: usize = 256;

/// So that nothing is waited for, and no terminal becomes that of the process.
const FLAGS: c_int = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;

#[inline(never)]
fn look_in(fd: c_int) -> (Format, Option<FileId>) {
    let format = format(&|offset, out| sys::pread(fd, out, offset).unwrap_or(0));
    let file = sys::fstat(fd).map(|stat| stat.id);
    sys::close(fd);
    (format, file.ok())
}

/// Looks at a file by reading pieces of it: `read` fills as much of the buffer as there is from an offset on.
///
/// elf(5), 64-bit little-endian: every architecture that Lambda has.
fn format(read: &dyn Fn(u64, &mut [u8]) -> usize) -> Format {
    const ET_EXEC: u16 = 2;
    const ET_DYN: u16 = 3;
    const PT_INTERP: u32 = 3;
    const PT_DYNAMIC: u32 = 2;
    const MACHINE: u16 = if cfg!(target_arch = "aarch64") {
        183
    } else {
        62
    };
    /// Size of Elf64_Phdr.
    const HEADER: usize = 56;
    /// The loader's own first read has as much, too: it holds the headers of nearly every program, and the name of its loader behind them.
    const HEAD: usize = 832;
    let mut head = [0u8; HEAD];
    let length = read(0, &mut head);
    let head = head.get(..length).unwrap_or_default();
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.get(..LINE - 2).unwrap_or(line);
        return Interpreter::read(line).map_or(Format::Text, Format::Script);
    }
    if !head.starts_with(b"\x7fELF") {
        return Format::Text;
    }
    let half = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let long =
        |bytes: &[u8], at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    if !matches!(half(16), Some(ET_EXEC | ET_DYN)) {
        return Format::Text;
    }
    if head.get(4..6) != Some(&[2, 1])
        || half(18) != Some(MACHINE)
        || half(54) != Some(HEADER as u16)
    {
        return Format::OtherMachine;
    }
    let (Some(start), Some(count)) = (long(head, 32), half(56)) else {
        return Format::OtherMachine;
    };
    let mut dynamic = None;
    for index in 0..u64::from(count) {
        let mut room = [0u8; HEADER];
        let at = start.saturating_add(index * HEADER as u64);
        let Some(header) = piece(head, at, &mut room, read).filter(|p| p.len() == HEADER) else {
            break;
        };
        if header.get(..4) == Some(&PT_DYNAMIC.to_le_bytes()) {
            dynamic = long(header, 8).zip(long(header, 32));
        }
        if header.get(..4) != Some(&PT_INTERP.to_le_bytes()) {
            continue;
        }
        let mut room = [0u8; 256];
        let at = long(header, 8).unwrap_or(u64::MAX);
        // Its length, with its NUL; a longer one than there is room for is none of glibc's.
        let whole = long(header, 32).unwrap_or(0);
        let length = whole.min(room.len() as u64) as usize;
        let room = room.get_mut(..length).unwrap_or_default();
        let path = piece(head, at, room, read).unwrap_or_default();
        if length as u64 == whole && path.last() != Some(&0) {
            // ENOEXEC.
            return Format::Text;
        }
        let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
        let interpreter = Interpreter::of(path);
        return if is_loader(base_name(path)) {
            Format::Dynamic(interpreter)
        } else {
            Format::OtherLibc(interpreter)
        };
    }
    match dynamic {
        Some((at, length)) if has_name(head, at, length, read) => Format::Library,
        _ => Format::Static,
    }
}

/// Has a shared object whose dynamic section lies there a name (DT_SONAME)? Programs have none.
fn has_name(head: &[u8], at: u64, length: u64, read: &dyn Fn(u64, &mut [u8]) -> usize) -> bool {
    const DT_SONAME: u64 = 14;
    /// Size of Elf64_Dyn.
    const ENTRY: usize = 16;
    // As many as are looked at: the linker puts it in front.
    let mut room = [0; 16 * ENTRY];
    let length = length.min(room.len() as u64) as usize;
    let room = room.get_mut(..length).unwrap_or_default();
    let entries = piece(head, at, room, read).unwrap_or_default();
    entries
        .chunks_exact(ENTRY)
        .any(|entry| entry.starts_with(&DT_SONAME.to_le_bytes()))
}

/// As many bytes of a file from `at` on as there is room for: of what has been read of it, or read now.
fn piece<'b>(
    head: &'b [u8],
    at: u64,
    room: &'b mut [u8],
    read: &dyn Fn(u64, &mut [u8]) -> usize,
) -> Option<&'b [u8]> {
    let known = usize::try_from(at)
        .ok()
        .and_then(|at| head.get(at..at.checked_add(room.len())?));
    if known.is_some() {
        return known;
    }
    let length = read(at, room);
    room.get(..length)
}

/// Is this the base name of glibc's program loader (ld.so(8))?
pub fn is_loader(base: &[u8]) -> bool {
    let is_arch = |name: &[u8]| name.starts_with(b"ld-linux");
    is_arch(base)
        || matches!(base, b"ld.so" | b"ld.so.1" | b"ld64.so.1" | b"ld64.so.2")
        || is_numbered(base)
}

/// Where programs of glibc look for its loader.
const LOADER: &CStr = if cfg!(target_arch = "aarch64") {
    c"/lib/ld-linux-aarch64.so.1"
} else {
    c"/lib64/ld-linux-x86-64.so.2"
};

/// Where programs of musl look for its loader.
const LOADER_OF_MUSL: &CStr = if cfg!(target_arch = "aarch64") {
    c"/lib/ld-musl-aarch64.so.1"
} else {
    c"/lib/ld-musl-x86_64.so.1"
};

/// Has this system musl's program loader?
pub fn has_musl() -> bool {
    // SAFETY: a C string.
    let found = unsafe { sys::fstatat(libc::AT_FDCWD, LOADER_OF_MUSL.as_ptr(), 0) };
    found.is_ok_and(|stat| stat.is(libc::S_IFREG))
}

/// `ld-2.26.so`: the file behind the name of the loader before glibc 2.34.
fn is_numbered(base: &[u8]) -> bool {
    base.strip_prefix(b"ld-2.")
        .and_then(|rest| rest.strip_suffix(b".so"))
        .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Format {
        format(&|offset, out| {
            let rest = bytes.get(offset as usize..).unwrap_or_default();
            let length = rest.len().min(out.len());
            out[..length].copy_from_slice(&rest[..length]);
            length
        })
    }

    #[test]
    fn a_program_of_this_machine_is_dynamic() {
        // SAFETY: C strings.
        unsafe {
            let format = look(libc::AT_FDCWD, c"/bin/sh".as_ptr());
            let loader = Interpreter::of(LOADER.to_bytes());
            assert_eq!(format, Ok(Format::Dynamic(loader)));
            assert_eq!(look(libc::AT_FDCWD, LOADER.as_ptr()), Ok(Format::Library));
            let here = libc::AT_FDCWD;
            assert!(loader.is_there(here) && !loader.is_of_musl(here));
            assert!(!Interpreter::of(b"/none/ld-musl-x86_64.so.1").is_of_musl(here));
            assert_eq!(
                look(libc::AT_FDCWD, c"/nonexistent".as_ptr()),
                Err(Errno(libc::ENOENT))
            );
        }
    }

    #[test]
    fn a_header_says_machine_and_loader() {
        let mut head = vec![0u8; 512];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        // Neither a program nor a shared object: ENOEXEC.
        assert_eq!(of(&head), Format::Text);
        head[16] = 3;
        assert_eq!(of(&head), Format::OtherMachine);
        head[18] = if cfg!(target_arch = "aarch64") {
            183
        } else {
            62
        };
        head[54] = 56;
        assert_eq!(of(&head), Format::Static);
        (head[32], head[56], head[64]) = (64, 1, 3);
        (head[64 + 8], head[64 + 9], head[64 + 32]) = (0, 1, 28);
        head[256..284].copy_from_slice(b"/lib64/ld-linux-x86-64.so.2\0");
        assert!(matches!(of(&head), Format::Dynamic(_)));
        head[64 + 32] = 27;
        assert_eq!(of(&head), Format::Text);
        head[64 + 32] = 28;
        head[256..284].copy_from_slice(b"/lib/ld-musl-x86_64.so.1\0\0\0\0");
        let Format::OtherLibc(loader) = of(&head) else {
            panic!()
        };
        assert_eq!(loader.as_bytes(), b"/lib/ld-musl-x86_64.so.1");
        head[4] = 1;
        assert_eq!(of(&head), Format::OtherMachine);
    }

    #[test]
    fn headers_are_found_wherever_they_lie() {
        // Within what is read first, across its end, and behind it.
        for headers in [64, 800, 832, 3000] {
            for name in [820, 960, 4000, 200] {
                if name < headers + 112 && headers < name + 28 {
                    continue;
                }
                let mut file = vec![0u8; 5000];
                file[..6].copy_from_slice(b"\x7fELF\x02\x01");
                file[16] = 2;
                file[18] = if cfg!(target_arch = "aarch64") {
                    183
                } else {
                    62
                };
                file[32..40].copy_from_slice(&(headers as u64).to_le_bytes());
                (file[54], file[56]) = (56, 2);
                file[headers + 56] = 3;
                file[headers + 64..headers + 72].copy_from_slice(&(name as u64).to_le_bytes());
                file[headers + 88] = 28;
                file[name..name + 28].copy_from_slice(b"/lib64/ld-linux-x86-64.so.2\0");
                assert!(matches!(of(&file), Format::Dynamic(_)), "{headers} {name}");
                file[name + 7..name + 15].copy_from_slice(b"ld-musl-");
                assert!(
                    matches!(of(&file), Format::OtherLibc(_)),
                    "{headers} {name}"
                );
            }
        }
    }

    #[test]
    fn of_a_script_as_much_is_read_as_the_kernel_reads() {
        // The buffer has 256 bytes: the interpreter's name has to end within.
        let line = |length: usize| [b"#!/".as_slice(), &vec![b'x'; length - 1], b"\nmore"].concat();
        let Format::Script(interpreter) = of(&line(253)) else {
            panic!()
        };
        assert_eq!(interpreter.as_bytes().len(), 253);
        assert_eq!(of(&line(254)), Format::Text);
        assert_eq!(
            of(&[b"#!/".as_slice(), &[b'x'; 400]].concat()),
            Format::Text
        );
        for nothing in [
            b"#!\n/bin/sh".as_slice(),
            b"#!",
            b"#! \t \n",
            b"#!\0/bin/sh\n",
        ] {
            assert_eq!(of(nothing), Format::Text, "{nothing:?}");
        }
    }

    #[test]
    fn a_header_that_points_nowhere_is_no_way_through() {
        let mut head = vec![0u8; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[16] = 3;
        head[18] = if cfg!(target_arch = "aarch64") {
            183
        } else {
            62
        };
        head[54] = 56;
        head[32..40].fill(0xff);
        head[56..58].fill(0xff);
        assert_eq!(of(&head), Format::Static);
    }

    #[test]
    fn the_interpreter_of_a_script_is_its_first_word() {
        let Format::Script(interpreter) = of(b"#! /usr/bin/env python3\nx") else {
            panic!()
        };
        assert_eq!(interpreter.as_bytes(), b"/usr/bin/env");
        // Only what the kernel takes for white space.
        let Format::Script(interpreter) = of(b"#!\t \r/ok\t-x\n") else {
            panic!()
        };
        assert_eq!(interpreter.as_bytes(), b"\r/ok");
        assert_eq!(of(b"echo"), Format::Text);
        assert_eq!(of(b""), Format::Text);
    }

    #[test]
    fn the_loader_is_known_by_its_names() {
        for name in [
            "ld-linux-x86-64.so.2",
            "ld-linux-aarch64.so.1",
            "ld.so",
            "ld-2.26.so",
        ] {
            assert!(is_loader(name.as_bytes()), "{name}");
        }
        for name in ["ld-musl-x86_64.so.1", "ld", "ld.gold", "old-2.26.so"] {
            assert!(!is_loader(name.as_bytes()), "{name}");
        }
    }
}
