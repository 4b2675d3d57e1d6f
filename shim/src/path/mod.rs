//! Names of files: what a program wrote, what it means, and what the kernel says it is.

mod plain;

use core::ffi::{CStr, c_char, c_int};
use core::mem::MaybeUninit;

pub use plain::is_plain;

use crate::sys::{self, Errno};

/// PATH_MAX of Linux (limits.h): a path with its NUL. No system call takes a longer one.
pub const PATH_MAX: usize = 4096;

/// A text on the stack, of fewer bytes than `SIZE`, so that a NUL fits behind it. Not initialised beyond its length: zeroing 4 KiB for each
/// `open` would cost more than the verdict.
pub struct Text<const SIZE: usize> {
    bytes: [MaybeUninit<u8>; SIZE],
    len: usize,
}

/// A path, never longer than the kernel takes.
pub type Name = Text<PATH_MAX>;

impl<const SIZE: usize> Text<SIZE> {
    /// Empty.
    #[inline(always)]
    pub const fn new() -> Self {
        Self {
            // Not as an array of uninitialised bytes, which the compiler has filled with zeros.
            // SAFETY: bytes that need not be initialised, each by itself.
            bytes: unsafe { MaybeUninit::uninit().assume_init() },
            len: 0,
        }
    }

    /// The text, without a NUL.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: every way to raise `len` has written the bytes below it first, and it stays below SIZE.
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.len) }
    }

    /// The text as a C string. Writes the NUL behind the last byte, for which `push` leaves room.
    pub fn as_ptr(&mut self) -> *const c_char {
        if let Some(end) = self.bytes.get_mut(self.len) {
            end.write(0);
        }
        self.bytes.as_ptr().cast()
    }

    /// Empties it.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Cuts it to `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `ENAMETOOLONG` where the text with its NUL would pass SIZE; of a path, that is what path_resolution(7) has.
    pub fn push(&mut self, more: &[u8]) -> Result<(), Errno> {
        let start = self.len;
        let end = start + more.len();
        let Some(room) = self.bytes.get_mut(start..end).filter(|_| end < SIZE) else {
            return Err(Errno(libc::ENAMETOOLONG));
        };
        // SAFETY: the room is as long as the bytes, and other memory than theirs.
        unsafe {
            core::ptr::copy_nonoverlapping(more.as_ptr(), room.as_mut_ptr().cast(), more.len());
        }
        self.len = end;
        // Another thread may have shortened the text since it was measured.
        let text = self.as_ptr();
        // SAFETY: there is a NUL behind the last byte, and all before it is written.
        self.len = start + unsafe { CStr::from_ptr(text.add(start)) }.count_bytes();
        Ok(())
    }
}

impl Name {
    /// Goes on with a relative path, in its own words: `.` stays, `..` takes the last component off, doubled slashes
    /// are one. That is the kernel's meaning only where no component is a link.
    ///
    /// # Errors
    /// `ENAMETOOLONG`.
    pub fn push_components(&mut self, path: &[u8]) -> Result<(), Errno> {
        for part in path.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    let parent = self
                        .as_bytes()
                        .iter()
                        .rposition(|byte| *byte == b'/')
                        .unwrap_or(0);
                    self.len = parent;
                }
                _ => {
                    if self.as_bytes().last() != Some(&b'/') {
                        self.push(b"/")?;
                    }
                    self.push(part)?;
                }
            }
        }
        if self.len == 0 {
            self.push(b"/")?;
        }
        Ok(())
    }

    /// Replaces it by the target of a symbolic link. On failure it stays what it was: the kernel writes nothing then.
    ///
    /// # Errors
    /// Those of readlink(2); `ENAMETOOLONG` where the target fills the buffer and so may have been cut.
    ///
    /// # Safety
    /// `path` may be any pointer: the kernel checks it.
    pub unsafe fn read_link(&mut self, dir: c_int, path: *const c_char) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        let len = unsafe { sys::readlinkat(dir, path, &mut self.bytes) }?;
        if len >= PATH_MAX {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        self.len = len;
        Ok(())
    }

    /// Takes one symbolic link out of it, by what the link says: that means the same to the kernel. The last component first, since it
    /// is most often the one, and then from the left.
    ///
    /// # Errors
    /// `EINVAL`: nothing in it is a link. Otherwise those of readlink(2), `ENAMETOOLONG` where there is no room.
    pub fn follow(&mut self, dir: c_int) -> Result<(), Errno> {
        if self.as_bytes().last() == Some(&b'/') {
            return Err(Errno(libc::EINVAL));
        }
        match self.follow_at(dir, self.len) {
            Err(Errno(libc::EINVAL)) => self.follow_folder(dir),
            result => result,
        }
    }

    /// As [`follow`](Self::follow), the first link from the left: what stands behind it is not asked for yet.
    ///
    /// # Errors
    /// As for `follow`.
    pub fn follow_first(&mut self, dir: c_int) -> Result<(), Errno> {
        match self.follow_folder(dir) {
            Err(Errno(libc::EINVAL)) => self.follow_at(dir, self.len),
            result => result,
        }
    }

    /// As [`follow_first`](Self::follow_first), without the last component.
    fn follow_folder(&mut self, dir: c_int) -> Result<(), Errno> {
        let mut from = 0;
        loop {
            // The next slash behind a component.
            let path = self.as_bytes();
            let name = path
                .iter()
                .skip(from)
                .position(|byte| *byte != b'/')
                .map(|at| from + at);
            let slash = name.and_then(|name| {
                let behind = path.iter().skip(name).position(|byte| *byte == b'/');
                behind.map(|at| name + at)
            });
            let Some(end) = slash else {
                return Err(Errno(libc::EINVAL));
            };
            match self.follow_at(dir, end) {
                Err(Errno(libc::EINVAL)) => from = end,
                result => return result,
            }
        }
    }

    /// As [`follow`](Self::follow), where the component that ends at `end` is the link.
    fn follow_at(&mut self, dir: c_int, end: usize) -> Result<(), Errno> {
        const TOO_LONG: Errno = Errno(libc::ENAMETOOLONG);
        let len = self.len;
        let start = self.as_bytes().get(..end).map_or(0, |path| {
            path.iter()
                .rposition(|byte| *byte == b'/')
                .map_or(0, |slash| slash + 1)
        });
        // What stands there, a NUL in its place for the while, and the target behind all of it.
        let place = self.bytes.get_mut(end).ok_or(TOO_LONG)?;
        let kept = if end < len {
            // SAFETY: below `len`, and so written.
            unsafe { place.assume_init() }
        } else {
            0
        };
        place.write(0);
        let (path, room) = self.bytes.split_at_mut_checked(len + 1).ok_or(TOO_LONG)?;
        // SAFETY: a C string of ours, and room behind it.
        let read = unsafe { sys::readlinkat(dir, path.as_ptr().cast(), room) };
        if let Some(place) = self.bytes.get_mut(end) {
            place.write(kept);
        }
        let target = read?;
        if target == 0 || len + 1 + target + 1 >= PATH_MAX {
            return Err(TOO_LONG);
        }
        // SAFETY: the kernel has written so many bytes there.
        let is_absolute = self
            .bytes
            .get(len + 1)
            .is_some_and(|byte| unsafe { byte.assume_init() } == b'/');
        // The rest moves behind the target, and both to where the link stood, or to the front.
        let rest = len - end;
        if len + 1 + target + rest >= PATH_MAX {
            return Err(TOO_LONG);
        }
        self.bytes.copy_within(end..len, len + 1 + target);
        let to = if is_absolute { 0 } else { start };
        self.bytes.copy_within(len + 1..len + 1 + target + rest, to);
        self.len = to + target + rest;
        Ok(())
    }

    /// Replaces it by the name that the kernel has for an open file (proc_pid_fd(5)).
    ///
    /// By way of the thread: `/proc/self` is gone once the first thread of a process has ended (Linux 3.17).
    ///
    /// # Errors
    /// Those of readlink(2), `ENOENT` where /proc is not mounted.
    pub fn read_descriptor(&mut self, fd: c_int) -> Result<(), Errno> {
        let mut link = Decimal::new(b"/proc/thread-self/fd/", fd as u32);
        // SAFETY: a C string on the stack.
        unsafe { self.read_link(libc::AT_FDCWD, link.as_ptr()) }
    }

    /// Replaces it by the working directory.
    ///
    /// # Errors
    /// Those of getcwd(2).
    pub fn read_cwd(&mut self) -> Result<(), Errno> {
        self.len = 0;
        self.len = sys::getcwd(&mut self.bytes)?.min(PATH_MAX - 1);
        Ok(())
    }
}

/// A short text that ends in a number, as a C string.
pub struct Decimal {
    bytes: [u8; 48],
    len: usize,
}

impl Decimal {
    /// `prefix` and then `number` in decimal. A prefix of more than 32 bytes is cut.
    pub fn new(prefix: &[u8], number: u32) -> Self {
        let mut text = Self {
            bytes: [0; 48],
            len: 0,
        };
        for byte in prefix.iter().take(32) {
            text.push(*byte);
        }
        text.number(number);
        text
    }

    /// Appends one byte.
    pub fn push(&mut self, byte: u8) {
        if let Some(end) = self.bytes.get_mut(self.len) {
            *end = byte;
            self.len = (self.len + 1).min(47);
        }
    }

    /// Appends a number in decimal.
    pub fn number(&mut self, number: u32) {
        let mut divisor = 1u32;
        while number / divisor >= 10 {
            divisor *= 10;
        }
        while divisor > 0 {
            self.push(b'0' + (number / divisor % 10) as u8);
            divisor /= 10;
        }
    }

    /// As a C string: the array was zero and its last byte is never written.
    pub fn as_ptr(&mut self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }
}

/// Where relative names begin: the working directory, or what `dirfd` stands for.
///
/// # Errors
/// Those of getcwd(2) and readlink(2).
pub fn base_of(dir: c_int, name: &mut Name) -> Result<(), Errno> {
    if dir == libc::AT_FDCWD {
        name.read_cwd()
    } else {
        name.read_descriptor(dir)
    }
}

/// The kernel adds this to the name of a file that has no name any more (proc_pid_fd(5)).
pub const DELETED: &[u8] = b" (deleted)";

/// The second name under which a person may have meant a file of /proc: a thread's files are its process's, and our own
/// process is `self`. Written into `out`; `None` where there is no second name.
pub fn proc_alias<'n>(path: &[u8], own: u32, out: &'n mut Name) -> Option<&'n [u8]> {
    let rest = path.strip_prefix(b"/proc/")?;
    let end = rest.iter().position(|byte| *byte == b'/')?;
    let (pid, mut tail) = (rest.get(..end)?, rest.get(end..)?);
    if pid.is_empty() || !pid.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut changed = false;
    if let Some(thread) = tail.strip_prefix(b"/task/")
        && let Some(end) = thread.iter().position(|byte| *byte == b'/')
    {
        tail = thread.get(end..)?;
        changed = true;
    }
    let is_own = Decimal::new(b"", own).text() == pid;
    if !changed && !is_own {
        return None;
    }
    out.clear();
    out.push(b"/proc/").ok()?;
    out.push(if is_own { b"self" } else { pid }).ok()?;
    out.push(tail).ok()?;
    Some(out.as_bytes())
}

impl Decimal {
    /// The text, without the NUL.
    pub fn text(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// What stands behind the last slash of a path, as basename(3) of string.h gives it.
pub fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// The last component of a path: `None` where it ends in a slash, `.` or `..`, none of which can be created.
pub fn split_last(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = path
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |slash| slash + 1);
    let (parent, last) = path.split_at_checked(start)?;
    if matches!(last, b"" | b"." | b"..") {
        None
    } else {
        Some((parent, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_taken_out_one_at_a_time() {
        let folder = std::env::temp_dir().join(format!("palisade-links-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("real/deep")).unwrap();
        for (link, target) in [
            ("whole", "/etc/passwd"),
            ("jump", "real"),
            ("real/back", "../jump/deep"),
            ("long", &"x/".repeat(1500)),
        ] {
            std::os::unix::fs::symlink(target, folder.join(link)).unwrap();
        }
        let base = folder.to_str().unwrap();
        for (given, expected) in [
            ("whole", Ok("/etc/passwd".to_owned())),
            ("jump", Ok(format!("{base}/real"))),
            ("jump/deep", Ok(format!("{base}/real/deep"))),
            ("jump//deep/x", Err(Errno(libc::ENOENT))),
            ("real/back", Ok(format!("{base}/real/../jump/deep"))),
            ("real/deep", Err(Errno(libc::EINVAL))),
            ("jump/", Err(Errno(libc::EINVAL))),
            ("none", Err(Errno(libc::ENOENT))),
            ("long", Ok(format!("{base}/{}", "x/".repeat(1500)))),
        ] {
            let mut name = Name::new();
            name.push(format!("{base}/{given}").as_bytes()).unwrap();
            let result = name.follow(libc::AT_FDCWD);
            let found = String::from_utf8_lossy(name.as_bytes()).into_owned();
            assert_eq!(result.map(|()| found), expected, "{given}");
        }
        let mut name = Name::new();
        name.push(format!("{base}/jump/{}", "y".repeat(2000)).as_bytes())
            .unwrap();
        assert_eq!(name.follow(libc::AT_FDCWD), Err(Errno(libc::ENAMETOOLONG)));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn components_are_taken_in_their_own_words() {
        for (base, path, expected) in [
            ("/srv", "a/b", "/srv/a/b"),
            ("/srv", "../a//./b/", "/a/b"),
            ("/", "../../etc", "/etc"),
            ("/srv/x", "..", "/srv"),
            ("/srv", "..", "/"),
            ("", "/a/../b", "/b"),
        ] {
            let mut name = Name::new();
            name.push(base.as_bytes()).unwrap();
            name.push_components(path.as_bytes()).unwrap();
            assert_eq!(
                String::from_utf8_lossy(name.as_bytes()),
                expected,
                "{base} {path}"
            );
        }
    }

    #[test]
    fn a_path_that_no_system_call_takes_is_too_long() {
        let mut name = Name::new();
        assert!(name.push(&[b'a'; PATH_MAX - 1]).is_ok());
        assert_eq!(name.push(b"b"), Err(Errno(libc::ENAMETOOLONG)));
    }

    #[test]
    fn files_of_proc_have_the_name_that_a_person_means() {
        for (path, expected) in [
            ("/proc/42/environ", Some("/proc/self/environ")),
            ("/proc/42/task/43/environ", Some("/proc/self/environ")),
            ("/proc/7/task/9/mem", Some("/proc/7/mem")),
            ("/proc/7/environ", None),
            ("/proc/meminfo", None),
            ("/proc/42", None),
            ("/process/42/x", None),
        ] {
            let mut out = Name::new();
            let alias = proc_alias(path.as_bytes(), 42, &mut out)
                .map(|a| String::from_utf8_lossy(a).into_owned());
            assert_eq!(alias.as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 4_294_967_295] {
            assert_eq!(
                Decimal::new(b"/x/", number).text(),
                format!("/x/{number}").as_bytes()
            );
        }
    }
}
