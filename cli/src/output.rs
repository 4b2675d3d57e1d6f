//! What reaches the terminal: styled only where a person looks, and never an escape sequence that came out of a policy or a file name.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

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

impl Safe<'_> {
    fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        // What Latin letters are made of acts on nothing, and most texts are of nothing else.
        if let Some(text) = self.0.to_str()
            && is_printable(text)
        {
            return out.write_str(text);
        }
        for character in self.0.to_string_lossy().chars() {
            if palisade_audit::is_unseen(character) {
                write!(out, "{}", character.escape_unicode())?;
            } else {
                out.write_char(character)?;
            }
        }
        Ok(())
    }

    /// Appends it.
    pub fn add_to(self, text: &mut String) {
        // A `String` takes everything.
        let _ = self.write(text);
    }
}

impl Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

/// Nothing but ASCII that is seen. Without an early end, so that it goes by many bytes at once.
fn is_printable(text: &str) -> bool {
    text.bytes()
        .fold(true, |all, byte| all & (b' '..=b'~').contains(&byte))
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

/// A result that is written while it comes.
pub struct Page {
    text: String,
    /// So much is gathered before it is written.
    room: usize,
    styled: bool,
    /// One value of JSON; kept for its memory.
    json: Vec<u8>,
}

impl Page {
    /// `live`: a person waits for each line.
    pub fn new(live: bool) -> Self {
        Self {
            text: String::new(),
            room: if live { 0 } else { 1 << 16 },
            styled: anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
            json: Vec::new(),
        }
    }

    /// The style where there is colour, and none elsewhere: what is taken away again costs more than all the rest of a line.
    pub fn style(&self, style: Style) -> Style {
        if self.styled { style } else { Style::new() }
    }

    /// To append to.
    pub fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Appends a line.
    pub fn line(&mut self, text: impl Display) {
        line(&mut self.text, text);
    }

    /// Appends a value as JSON, on one line.
    pub fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        self.json.clear();
        serde_json::to_writer(&mut self.json, value).map_err(|e| Failure::Output(e.into()))?;
        let json = str::from_utf8(&self.json).unwrap_or_default();
        if is_printable(json) {
            self.text.push_str(json);
        } else {
            self.text.push_str(&safe_json(json));
        }
        self.text.push('\n');
        Ok(())
    }

    /// Writes what has gathered, if there is enough of it or `now`. `false`: the reader has gone.
    pub fn write(&mut self, now: bool) -> Result<bool, Failure> {
        if self.text.is_empty() || !(now || self.text.len() > self.room) {
            return Ok(true);
        }
        // anstream looks at each byte for what it takes away; here nothing but styles of ours begins with an escape.
        let text = if self.styled {
            Cow::Borrowed(self.text.as_str())
        } else {
            without_styles(&self.text)
        };
        let mut stream = io::stdout().lock();
        let written = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
        self.text.clear();
        match written {
            Ok(()) => Ok(true),
            Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(cause) => Err(Failure::Output(cause)),
        }
    }
}

/// Text without the styles that were put into it: `ESC [ … m`.
fn without_styles(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\x1b', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, style)) =
        memchr::memchr(b'\x1b', rest.as_bytes()).and_then(|escape| rest.split_at_checked(escape))
    {
        plain.push_str(before);
        rest = memchr::memchr(b'm', style.as_bytes())
            .and_then(|end| style.get(end + 1..))
            .unwrap_or_default();
    }
    plain.push_str(rest);
    Cow::Owned(plain)
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
    // A policy's text is in here too.
    stdout(&safe_json(&text))
}

/// Writes a file beside its place first, so that whoever reads it never sees half of it, and what was there stays if it fails. A link stays a link,
/// and what is no file (a pipe, a device, `/dev/stdout`) is written to.
pub fn replace(file: &Path, text: String) -> Result<(), Failure> {
    Staged::new(file, text)?.put()
}

/// A file that is written, and not yet in its place: all of several can be written before the first of them is seen. Dropped, it leaves nothing.
pub struct Staged {
    /// As the user named it.
    file: PathBuf,
    place: PathBuf,
    text: String,
    /// `None`: the place is no file, and has to be written to.
    beside: Option<PathBuf>,
}

impl Staged {
    pub fn new(file: &Path, text: String) -> Result<Self, Failure> {
        let unwritable = |cause| Failure::unwritable(file, cause);
        let place = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let mut staged = Self {
            file: file.to_owned(),
            place,
            text,
            beside: None,
        };
        let place = &staged.place;
        if place.is_dir() {
            return Err(unwritable(io::ErrorKind::IsADirectory.into()));
        }
        if place.metadata().is_ok_and(|there| !there.is_file()) {
            return Ok(staged);
        }
        if let Some(directory) = place.parent().filter(|path| !path.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(unwritable)?;
        }
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let beside = place.with_file_name(name);
        let mut open = std::fs::File::create(&beside).map_err(unwritable)?;
        staged.beside = Some(beside);
        open.write_all(staged.text.as_bytes())
            .and_then(|()| open.sync_all())
            .map_err(unwritable)?;
        Ok(staged)
    }

    /// Puts it in its place.
    pub fn put(mut self) -> Result<(), Failure> {
        let done = match &self.beside {
            Some(beside) => std::fs::rename(beside, &self.place),
            None => std::fs::OpenOptions::new()
                .write(true)
                .open(&self.place)
                .and_then(|mut open| open.write_all(self.text.as_bytes())),
        };
        done.map_err(|cause| Failure::unwritable(&self.file, cause))?;
        self.beside = None;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _ = std::fs::remove_file(beside);
        }
    }
}

/// `1 rule`, `2 rules`.
pub fn counted(count: impl Into<u64>, what: &str) -> String {
    let count = count.into();
    format!(
        "{} {what}{}",
        number(count),
        if count == 1 { "" } else { "s" }
    )
}

/// `1,234,567`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes as a person says it.
pub fn size(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => counted(bytes, "byte"),
    }
}

/// JSON that is safe to print: what acts on a terminal or cannot be seen is written as `\uXXXX`, as JSON has it.
pub fn safe_json(text: &str) -> String {
    if is_printable(text) {
        return text.to_owned();
    }
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
    safe
}
