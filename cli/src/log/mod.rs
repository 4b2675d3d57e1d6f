//! Audits out of logs: many files, gigabytes, and mostly other people's lines.
//!
//! A log may be lines of JSON between those of the function, `aws logs tail` with its prefix, the JSON of `filter-log-events`,
//! CSV of Logs Insights, or any of these as gzip. None of that has to be said: an audit is known by its field `palisade`, and the bytes around
//! that field say how it is wrapped. Memory stays within a few MiB, however long the log or a line of it is.

mod progress;
mod scan;
mod source;
mod wrapping;

use std::path::PathBuf;

use palisade_audit::{Borrowed, RECORD_VERSION};

use crate::failure::Failure;
use crate::output::{self, Safe, WARNING};
use progress::Progress;
use scan::Scanner;
use source::{Feed, Source};

/// What a log gives.
pub enum Entry<'a> {
    /// An audit. Its values are hostile.
    Audit {
        /// What it says.
        audit: &'a Borrowed<'a>,
        /// The log stream it lies in; empty if unknown, and unless [`Logs::starts`] is set.
        stream: &'a str,
    },
    /// An invocation begins: its request, and the log stream it belongs to as far as the line tells.
    Start {
        /// As Lambda wrote it.
        request: &'a str,
        /// Empty if unknown.
        stream: &'a str,
    },
    /// A log that is followed has been silent for a moment.
    Idle,
}

/// How many events an audit stands for. A line can be forged: what it says is kept to what one line can mean, so that no sum runs over.
pub fn events(audit: &Borrowed<'_>) -> u64 {
    audit.count.unwrap_or(1).clamp(1, 1 << 32)
}

/// Whether to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Yes.
    Continue,
    /// Enough was seen.
    Stop,
}

/// Which logs, and what of them.
pub struct Logs<'a> {
    /// Files, `-` for standard input; none: standard input.
    pub files: &'a [PathBuf],
    /// Wait for more at the end.
    pub follow: bool,
    /// Give [`Entry::Start`] too.
    pub starts: bool,
    /// Show on a terminal how far it is.
    pub progress: bool,
}

/// What was seen on the way.
#[derive(Debug, Default)]
pub struct Seen {
    /// Bytes, after decompression.
    pub bytes: u64,
    /// Audits that could be read.
    pub audits: u64,
    /// What has the mark of an audit, and is none: cut lines, for the most part.
    pub damaged: u64,
    /// Where the first of those is: file and offset in bytes.
    pub first_damaged: Option<(String, u64)>,
    /// Audits of a later version of the record than this program knows.
    pub newer: u64,
}

impl Logs<'_> {
    /// Reads all of it, one file after the other.
    pub fn read(
        &self,
        entry: &mut dyn FnMut(Entry<'_>) -> Result<Flow, Failure>,
    ) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        let standard_input = [PathBuf::from("-")];
        let files = match self.files {
            [] => &standard_input,
            files => files,
        };
        if self.follow && files.len() > 1 {
            return Err(Failure::Usage("only one log can be followed".to_owned()));
        }
        // All of them, before the first line of output: a name that is mistyped should not be found after an hour.
        for file in files {
            Source::check(file)?;
        }
        let mut progress = Progress::new(self.progress && !self.follow);
        for file in files {
            let mut source = Source::open(file, self.follow)?;
            let mut scanner = Scanner::new(self.starts);
            let name = source.name().to_owned();
            loop {
                let feed = source.fill(scanner.buffer())?;
                if matches!(feed, Feed::Idle) {
                    if entry(Entry::Idle)? == Flow::Stop {
                        return Ok(seen);
                    }
                    continue;
                }
                let end = matches!(feed, Feed::End);
                if scanner.run(end, &name, &mut seen, entry)? == Flow::Stop {
                    return Ok(seen);
                }
                progress.tell(&seen);
                if end {
                    break;
                }
            }
        }
        Ok(seen)
    }
}

impl Seen {
    /// Says on stderr what a person should know about the logs.
    pub fn tell(&self) {
        let mut text = String::new();
        if let Some((file, offset)) = &self.first_damaged {
            output::line(
                &mut text,
                format_args!(
                    "{WARNING}warning{WARNING:#}: {} that should be an audit is cut or damaged, the first at byte {offset} of {}",
                    output::counted(self.damaged, "line"),
                    Safe::of(file)
                ),
            );
        }
        if self.newer > 0 {
            output::line(
                &mut text,
                format_args!(
                    "{WARNING}warning{WARNING:#}: {} of a later version than {RECORD_VERSION}; fields that this program does not know are ignored",
                    output::counted(self.newer, "audit")
                ),
            );
        }
        if self.audits == 0 {
            output::line(
                &mut text,
                format_args!(
                    "no audits in {}; is it the log of a function with Palisade?",
                    output::size(self.bytes)
                ),
            );
        }
        output::stderr(&text);
    }
}
