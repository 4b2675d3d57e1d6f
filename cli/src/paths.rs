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
    let mut start = [0; 64];
    let Ok(length) = std::fs::File::open(path).and_then(|mut file| file.read(&mut start)) else {
        return false;
    };
    let Some(line) = start
        .get(..length)
        .and_then(|start| start.strip_prefix(b"#!"))
    else {
        return false;
    };
    let interpreter = line
        .trim_ascii_start()
        .split(u8::is_ascii_whitespace)
        .next()
        .unwrap_or_default();
    interpreter.ends_with(b"/env")
}

fn executable(path: &Path) -> io::Result<()> {
    let metadata = path.metadata()?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}
