//! Where the bytes of a log come from: files, gzip, standard input, and what is still being written.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::failure::Failure;

/// How much is asked for at once: what a processor keeps near, so that it is not fetched again for each look at it.
const CHUNK: usize = 1 << 18;
/// How often a file that is followed is looked at, and after how long standard input counts as silent.
const PAUSE: Duration = Duration::from_millis(300);

/// What came of asking for more.
pub enum Feed {
    /// Bytes, possibly none.
    More,
    /// There will be none.
    End,
    /// None for now.
    Idle,
}

enum Bytes {
    Whole(Box<dyn Read>),
    /// A file that grows. It may be cut (`logrotate` with `copytruncate`) or replaced.
    Growing(File),
    /// Standard input that is waited for by a thread, so that silence can be noticed.
    Live(Receiver<io::Result<Vec<u8>>>),
}

/// An open log.
pub struct Source {
    path: PathBuf,
    name: String,
    bytes: Bytes,
    started: bool,
}

impl Source {
    /// Whether it can be opened at all.
    pub fn check(path: &Path) -> Result<(), Failure> {
        if path == Path::new("-") {
            return Ok(());
        }
        let unreadable = |cause| Failure::unreadable(path, cause);
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        Ok(())
    }

    pub fn open(path: &Path, follow: bool) -> Result<Self, Failure> {
        let unreadable = |cause| Failure::unreadable(path, cause);
        let (name, bytes) = if path == Path::new("-") {
            let bytes = if follow {
                Bytes::Live(live())
            } else {
                Bytes::Whole(unpacked(io::stdin().lock()).map_err(unreadable)?)
            };
            ("<stdin>".to_owned(), bytes)
        } else {
            let file = File::open(path).map_err(unreadable)?;
            let bytes = if follow {
                Bytes::Growing(file)
            } else {
                Bytes::Whole(unpacked(file).map_err(unreadable)?)
            };
            (path.to_string_lossy().into_owned(), bytes)
        };
        Ok(Self {
            path: path.to_owned(),
            name,
            bytes,
            started: false,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Appends what is there to `buffer`.
    pub fn fill(&mut self, buffer: &mut Vec<u8>) -> Result<Feed, Failure> {
        let start = buffer.len();
        let feed = match &mut self.bytes {
            Bytes::Whole(reader) => chunk(reader, buffer).map(|length| match length {
                0 => Feed::End,
                _ => Feed::More,
            }),
            Bytes::Growing(file) => grown(file, &self.path, buffer),
            Bytes::Live(incoming) => match incoming.recv_timeout(PAUSE) {
                Ok(Ok(bytes)) => {
                    buffer.extend_from_slice(&bytes);
                    Ok(Feed::More)
                }
                Ok(Err(cause)) => Err(cause),
                Err(RecvTimeoutError::Timeout) => Ok(Feed::Idle),
                Err(RecvTimeoutError::Disconnected) => Ok(Feed::End),
            },
        }
        .map_err(|cause| match (&self.bytes, cause.kind()) {
            // The decoder's words for a file that ends too early, or was damaged on its way.
            (
                Bytes::Whole(_),
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidData,
            ) => Failure::Unfit {
                file: self.path.clone(),
                message: format!(
                    "its gzip is cut or damaged, and nothing behind that place can be read: {cause}"
                ),
            },
            _ => Failure::unreadable(&self.path, cause),
        })?;
        if !self.started && buffer.len() >= start + 2 {
            self.started = true;
            if is_utf16(buffer.get(start..).unwrap_or_default()) {
                return Err(Failure::NotUtf8(self.path.clone()));
            }
        }
        Ok(feed)
    }
}

/// With the mark at its beginning, or without one but with every second byte of plain letters empty.
fn is_utf16(start: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [a, 0, b, 0, c, 0, d, 0, ..] | [0, a, 0, b, 0, c, 0, d, ..] => {
            [a, b, c, d].into_iter().all(plain)
        }
        _ => false,
    }
}

fn chunk(reader: &mut dyn Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let start = buffer.len();
    buffer.resize(start + CHUNK, 0);
    let read = loop {
        match reader.read(buffer.get_mut(start..).unwrap_or_default()) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    buffer.truncate(start + read.as_ref().copied().unwrap_or(0));
    read
}

/// What came to the file, or to the one that took its name.
fn grown(file: &mut File, path: &Path, buffer: &mut Vec<u8>) -> io::Result<Feed> {
    if chunk(file, buffer)? > 0 {
        return Ok(Feed::More);
    }
    std::thread::sleep(PAUSE);
    let old = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(new) if (new.dev(), new.ino()) != (old.dev(), old.ino()) => *file = File::open(path)?,
        _ if old.len() < file.stream_position()? => {
            file.rewind()?;
        }
        _ => return Ok(Feed::Idle),
    }
    Ok(Feed::More)
}

/// CloudWatch exports to S3 as gzip, in members one after the other.
fn unpacked(mut reader: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    // As much as it takes to know it, and UTF-16 as well.
    let mut start = [0; 8];
    let mut length = 0;
    while let Some(rest) = start.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    let packed = start.starts_with(&[0x1f, 0x8b]);
    let whole = io::Cursor::new(start.get(..length).unwrap_or_default().to_vec()).chain(reader);
    Ok(if packed {
        Box::new(flate2::read::MultiGzDecoder::new(whole))
    } else {
        Box::new(whole)
    })
}

fn live() -> Receiver<io::Result<Vec<u8>>> {
    let (send, receive) = sync_channel(8);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut bytes = vec![0; 1 << 16];
            let message = match input.read(&mut bytes) {
                Ok(0) => return,
                Ok(length) => {
                    bytes.truncate(length);
                    Ok(bytes)
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => Err(cause),
            };
            // Nobody listens any more, or nothing more is to come.
            let last = message.is_err();
            if send.send(message).is_err() || last {
                return;
            }
        }
    });
    receive
}
