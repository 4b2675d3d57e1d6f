//! What a name means on this machine, as the library would find out in the function.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use crate::failure::Failure;

/// As many links as path_resolution(7) follows before it gives up with `ELOOP`.
const LINKS: usize = 40;

/// The file that a name stands for: absolute, `..` and every link resolved. What is not there is taken by its name, below the
/// deepest directory that is, since a file that is about to be created is not there either.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let mut rest: VecDeque<OsString> = components(&absolute).collect();
    let mut found = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            found.pop();
            continue;
        }
        let next = found.join(&name);
        match std::fs::read_link(&next) {
            Ok(target) => {
                links += 1;
                if links > LINKS {
                    return Err(io::Error::other("too many levels of symbolic links"));
                }
                if target.is_absolute() {
                    found = PathBuf::from("/");
                }
                for part in components(&target).collect::<Vec<_>>().into_iter().rev() {
                    rest.push_front(part);
                }
            }
            // Not a link, or not there, or not to be looked at: the name is all there is.
            Err(_) => found = next,
        }
    }
    Ok(found)
}

/// Names and `..`, in order.
fn components(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

/// realpath(3), for patterns: a name that is not there has none.
pub fn real(path: &[u8]) -> Option<Vec<u8>> {
    let real = std::fs::canonicalize(OsStr::from_bytes(path)).ok()?;
    Some(real.into_os_string().into_vec())
}

/// The name that a person means by a file of this process or of one of its threads in /proc.
pub fn proc_alias(path: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix("/proc").ok()?;
    let mut parts = rest.components();
    let process = parts.next()?.as_os_str();
    if process != OsStr::new(&std::process::id().to_string()) {
        return None;
    }
    let mut tail = parts.as_path();
    if let Ok(thread) = tail.strip_prefix("task") {
        let mut parts = thread.components();
        parts.next();
        tail = parts.as_path();
    }
    (!tail.as_os_str().is_empty()).then(|| Path::new("/proc/self").join(tail))
}

/// The file that execvp(3) would run for `command`.
pub fn find_program(command: &OsStr) -> Result<PathBuf, Failure> {
    if command.as_bytes().contains(&b'/') {
        let path = PathBuf::from(command);
        return match executable(&path) {
            Ok(()) => Ok(path),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                Err(Failure::CommandNotFound(command.to_owned()))
            }
            Err(cause) => Err(Failure::CommandNotExecutable {
                command: command.to_owned(),
                cause,
            }),
        };
    }
    let mut denied = None;
    let search = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    for folder in std::env::split_paths(&search) {
        let path = folder.join(command);
        match executable(&path) {
            Ok(()) => return Ok(path),
            // execvp goes on, and remembers, when it finds a file that it may not run.
            Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => denied = Some(cause),
            Err(_) => {}
        }
    }
    Err(match denied {
        Some(cause) if !command.is_empty() => Failure::CommandNotExecutable {
            command: command.to_owned(),
            cause,
        },
        _ => Failure::CommandNotFound(command.to_owned()),
    })
}

/// A script that begins with `#!/usr/bin/env`: the main process is `env` then, and the interpreter another program. Version managers
/// (pyenv, nvm) put such scripts into PATH under the names of interpreters.
pub fn starts_another(path: &Path) -> bool {
    shebang(path).is_some_and(|interpreter| interpreter.as_os_str().as_bytes().ends_with(b"/env"))
}

/// The file that runs a script on this machine; `None`: it is no script.
pub fn interpreter(path: &Path) -> Option<PathBuf> {
    resolve(&shebang(path)?).ok()
}

/// Whether a program is static, as far as this machine's file tells: an ELF file for which no loader is named (elf(5), `PT_INTERP`).
pub fn is_static(path: &Path) -> bool {
    const INTERPRETER: [u8; 4] = 3_u32.to_le_bytes();
    let read = || {
        path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let mut file = Vec::new();
        std::fs::File::open(path)
            .ok()?
            .take(1 << 16)
            .read_to_end(&mut file)
            .ok()?;
        // 64 bits, little-endian: what Lambda has.
        file.starts_with(b"\x7fELF\x02\x01").then_some(())?;
        let number = |at: usize, length: usize| {
            let bytes = file.get(at..at + length)?;
            bytes.iter().rev().try_fold(0_usize, |sum, byte| {
                sum.checked_mul(256)?.checked_add(usize::from(*byte))
            })
        };
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        Some((0..count).all(|index| {
            let at = size.saturating_mul(index).saturating_add(table);
            file.get(at..at.saturating_add(4)) != Some(INTERPRETER.as_slice())
        }))
    };
    read().unwrap_or(false)
}

/// What the first line of a script names (execve(2)).
fn shebang(path: &Path) -> Option<PathBuf> {
    // A pipe would be waited for.
    path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut start = [0; 256];
    let length = std::fs::File::open(path)
        .and_then(|mut file| file.read(&mut start))
        .ok()?;
    let line = start.get(..length)?.strip_prefix(b"#!")?;
    let name = line
        .trim_ascii_start()
        .split(u8::is_ascii_whitespace)
        .next()
        .filter(|name| name.starts_with(b"/"))?;
    Some(PathBuf::from(OsStr::from_bytes(name)))
}

fn executable(path: &Path) -> io::Result<()> {
    let metadata = path.metadata()?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}
