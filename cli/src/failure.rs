//! Why a command could not do its work, and the exit code that says so.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use palisade_policy::Problem;

use crate::output::{self, ERROR, Safe};
use crate::report;

/// sysexits.h: an input file does not exist or cannot be read.
pub const NO_INPUT: u8 = 66;
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

    #[error("{} is not a valid policy", Safe::of(.name))]
    Invalid {
        name: OsString,
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
    const fn code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } => NO_INPUT,
            Self::Invalid { .. } | Self::LibraryMissing(_) => CONFIG,
            Self::Usage(_) => USAGE,
            Self::CommandNotFound(_) => NOT_FOUND,
            Self::CommandNotExecutable { .. } | Self::Start { .. } => NOT_EXECUTABLE,
            Self::Output(_) => 74, // EX_IOERR
        }
    }

    /// Says it on stderr, and gives the exit code.
    pub fn tell(&self) -> ExitCode {
        let mut text = String::new();
        if let Self::Invalid { name, problems } = self {
            report::problems(&mut text, name, problems);
        }
        output::line(&mut text, format_args!("{ERROR}error{ERROR:#}: {self}"));
        output::stderr(&text);
        ExitCode::from(self.code())
    }
}
