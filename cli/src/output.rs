//! What reaches the terminal: styled only where a person looks, and never an escape sequence that came out of a policy or a file name.

use std::ffi::OsStr;
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};

use crate::failure::Failure;

pub const ERROR: Style = AnsiColor::Red.on_default().bold();
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
pub const STRONG: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();

/// Text or bytes from outside, safe to print on one line: what acts on a terminal or cannot be seen is written as `\u{…}`, what is no
/// UTF-8 as U+FFFD.
#[derive(Clone, Copy)]
pub struct Safe<'a>(&'a OsStr);

impl<'a> Safe<'a> {
    pub fn of(text: &'a (impl AsRef<OsStr> + ?Sized)) -> Self {
        Self(text.as_ref())
    }
}

impl Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string_lossy().chars() {
            if palisade_audit::is_unseen(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Appends a line.
pub fn line(text: &mut String, line: impl Display) {
    // A `String` takes everything.
    let _ = writeln!(text, "{line}");
}

/// Writes the result of a command. A reader who has gone, as `head` does, is no failure.
pub fn stdout(text: &str) -> Result<(), Failure> {
    let mut stream = anstream::stdout().lock();
    match stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush())
    {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(cause)),
        _ => Ok(()),
    }
}

/// Writes what is said beside the result. There is nobody left to tell if that fails.
pub fn stderr(text: &str) {
    let mut stream = anstream::stderr().lock();
    let _ = stream.write_all(text.as_bytes());
}

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person
    Text,
    /// One JSON object
    Json,
}

/// Writes a result as one JSON object.
pub fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(|e| Failure::Output(e.into()))?;
    text.push('\n');
    // A policy's text is in here too; JSON has its own way to write what must not reach a terminal.
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && palisade_audit::is_unseen(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    stdout(&safe)
}
