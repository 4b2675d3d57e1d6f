//! Why a command could not do its work, and the exit code that says so.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use palisade_policy::Problem;

use crate::output::{self, ERROR, Safe};
use crate::problems;

/// sysexits.h: an input file does not exist or cannot be read.
pub const NO_INPUT: u8 = 66;
/// sysexits.h: the content of an input file is not what it must be.
pub const DATA: u8 = 65;
/// sysexits.h: a file cannot be written.
pub const CANNOT_CREATE: u8 = 73;
/// sysexits.h: something that is configured is not as it must be. The wrapper ends a start with the same code.
pub const CONFIG: u8 = 78;
/// What clap uses too.
pub const USAGE: u8 = 2;
/// A shell's codes for a command that is there but cannot be run, and for one that is not there.
pub const NOT_EXECUTABLE: u8 = 126;
pub const NOT_FOUND: u8 = 127;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("cannot read {}: {cause}", Safe::of(.file))]
    Unreadable { file: PathBuf, cause: io::Error },

    #[error("{} is UTF-16, as PowerShell writes it; `iconv -f UTF-16 -t UTF-8` makes it readable", Safe::of(.0))]
    NotUtf8(PathBuf),

    #[error("cannot write {}: {cause}", Safe::of(.file))]
    Unwritable { file: PathBuf, cause: io::Error },

    #[error("{}: {message}", Safe::of(.file))]
    Unfit { file: PathBuf, message: String },

    #[error("{} is not a valid policy", Safe::of(.name))]
    Invalid {
        name: OsString,
        /// As a person wrote it; empty where nobody did.
        policy: String,
        problems: Vec<Problem>,
    },

    #[error("{0}")]
    Usage(String),

    #[error(
        "the library {} is not there; build it with `make build`, or name it with --library",
        Safe::of(.0)
    )]
    LibraryMissing(PathBuf),

    #[error("{}: command not found", Safe::of(.0))]
    CommandNotFound(OsString),

    #[error("{}: {cause}", Safe::of(.command))]
    CommandNotExecutable { command: OsString, cause: io::Error },

    #[error("cannot start {}: {cause}", Safe::of(.program))]
    Start { program: OsString, cause: io::Error },

    #[error("cannot write the output: {0}")]
    Output(io::Error),
}

impl Failure {
    /// A file that cannot be read.
    pub fn unreadable(file: &Path, cause: io::Error) -> Self {
        Self::Unreadable {
            file: file.to_owned(),
            cause,
        }
    }

    /// A file that cannot be written.
    pub fn unwritable(file: &Path, cause: io::Error) -> Self {
        Self::Unwritable {
            file: file.to_owned(),
            cause,
        }
    }

    const fn code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } => NO_INPUT,
            Self::Invalid { .. } | Self::LibraryMissing(_) => CONFIG,
            Self::Usage(_) => USAGE,
            Self::CommandNotFound(_) => NOT_FOUND,
            Self::CommandNotExecutable { .. } | Self::Start { .. } => NOT_EXECUTABLE,
            Self::NotUtf8(_) | Self::Unfit { .. } => DATA,
            Self::Unwritable { .. } => CANNOT_CREATE,
            Self::Output(_) => 74, // EX_IOERR
        }
    }

    /// Says it on stderr, and gives the exit code.
    pub fn tell(&self) -> ExitCode {
        let mut text = String::new();
        if let Self::Invalid {
            name,
            policy,
            problems,
        } = self
        {
            problems::problems(&mut text, name, policy, problems);
        }
        output::line(&mut text, format_args!("{ERROR}error{ERROR:#}: {self}"));
        output::stderr(&text);
        ExitCode::from(self.code())
    }
}
