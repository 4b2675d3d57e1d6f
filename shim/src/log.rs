//! Where the lines go: the function's own log, and nothing that merely has its number.
//!
//! A program may close descriptor 1, put a file or a socket there, or start a child whose output it captures. So the
//! log is known by what it *is* (device, inode), noted once when the main process starts, and no descriptor of it is
//! kept: a kept one would be visible, inherited, and closed by the first `closefrom`. A line looks for the log among the
//! descriptors that are there, opens it anew by way of the main process where it is not, and as the last way hands the
//! line to the main process itself ([`crate::writer`]).

use core::ffi::{CStr, c_int};
use core::sync::atomic::{AtomicU64, Ordering};

use crate::path::Decimal;
use crate::sys::{self, Errno, FileId};
use crate::{room, writer};

/// Lines that reached nobody; reported as soon as one does. Counted, never silently lost.
pub static LOST: AtomicU64 = AtomicU64::new(0);

/// How far descriptors are searched for the log; a program that moved its output away keeps it near.
const NEAR: c_int = 32;

/// How long a line waits for full pipes, whatever ways it tries, before it counts as lost: about one second.
const PATIENCE: usize = 10;

/// Whose thread it is that writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// The program's own: a SIGPIPE has to be kept from it.
    Program,
    /// The writer's, which blocks every signal and is sent none.
    Writer,
}

/// How a line is written: by whom, and how many tenths of a second it may still wait.
struct Effort {
    hand: Hand,
    patience: usize,
}

impl Effort {
    const fn whole(hand: Hand) -> Self {
        Self {
            hand,
            patience: PATIENCE,
        }
    }
}

/// `PALISADE_AUDIT`.
#[derive(Clone, Copy)]
pub enum Destination {
    /// Descriptor 1 or 2 of the main process at its start.
    Stream(c_int),
    /// A file, opened for each line and closed again.
    File(&'static CStr),
}

/// One of the main process's standard streams, as it was at the start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// Its number there: 1 or 2.
    pub number: c_int,
    /// What it is.
    pub id: FileId,
    /// May a process that lacks it open it anew through `/proc/<main>/fd`? A pipe of another user, a socket, or a file that
    /// is not opened for appending may not.
    pub reopen: bool,
}

/// The log.
#[derive(Clone, Copy)]
pub struct Log {
    /// What the settings say.
    pub destination: Destination,
    /// The streams, the one that is the log first; the other is better than no evidence at all.
    pub streams: [Option<Stream>; 2],
    /// The main process.
    pub main: u32,
}

impl Log {
    /// Notes what descriptors 1 and 2 of the calling process are. For the start of the main process.
    pub fn of_main(destination: Destination, main: u32) -> Self {
        let streams = match destination {
            Destination::Stream(number) => {
                let first = Stream::note(number, None);
                [first, Stream::note(3 - number, first)]
            }
            // Whoever named a file wants no line elsewhere.
            Destination::File(_) => [None; 2],
        };
        Self {
            destination,
            streams,
            main,
        }
    }

    /// Can every child of the main process reach the log by itself?
    pub fn is_open_to_children(&self) -> bool {
        match self.destination {
            Destination::File(_) => true,
            Destination::Stream(_) => self
                .streams
                .first()
                .is_some_and(|s| s.is_some_and(|s| s.reopen)),
        }
    }

    /// Writes a line to the log, by whatever way leads there. `false`: none did, and the line is counted as lost.
    pub fn deliver(&self, line: &[u8]) -> bool {
        self.deliver_all(line, 1, Hand::Program)
    }

    /// As [`deliver`](Self::deliver), of so many lines that together are no longer than one may be.
    pub fn deliver_all(&self, lines: &[u8], count: u64, hand: Hand) -> bool {
        let is_written = match self.write_by(lines, Effort::whole(hand)) {
            Err(Errno(libc::EMFILE)) => hand == Hand::Program && self.write_apart(lines).is_ok(),
            written => written.is_ok(),
        };
        if !is_written {
            LOST.fetch_add(count, Ordering::Relaxed);
        }
        is_written
    }

    /// Writes lines where the program has left no descriptor to open the log with.
    #[cold]
    #[inline(never)]
    fn write_apart(&self, lines: &[u8]) -> Result<(), Errno> {
        room::apart(&|_| false, &mut || {
            self.write_by(lines, Effort::whole(Hand::Program))
        })
    }

    /// Writes a line to the log, and waits no more than `patience` tenths of a second for it.
    ///
    /// # Errors
    /// Those of the last way that was tried.
    pub fn write(&self, line: &[u8], patience: usize) -> Result<(), Errno> {
        let hand = Hand::Program;
        self.write_by(line, Effort { hand, patience })
    }

    /// Descriptors of this process that lead to the log, one for each stream.
    pub fn descriptors(&self) -> [Option<c_int>; 2] {
        let near = |stream: Option<Stream>| stream.and_then(|stream| stream.near().next());
        match (self.destination, self.streams) {
            (Destination::File(_), _) => [None; 2],
            (Destination::Stream(_), [Some(first), Some(second)]) if first.id == second.id => {
                [near(Some(first)), None]
            }
            (Destination::Stream(_), streams) => streams.map(near),
        }
    }

    /// Would a line be written at once? Only the way of the main process is looked at.
    pub fn is_ready(&self) -> bool {
        let [stream, _] = &self.streams;
        match (self.destination, stream) {
            (Destination::File(_), _) => true,
            (Destination::Stream(_), Some(stream)) => {
                let first = stream.near().next();
                first.is_some_and(|fd| sys::wait_writable(fd, 0))
            }
            (Destination::Stream(_), None) => false,
        }
    }

    fn write_by(&self, line: &[u8], mut effort: Effort) -> Result<(), Errno> {
        if let Destination::File(path) = self.destination {
            let flags =
                libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC | libc::O_NOCTTY;
            // SAFETY: a C string.
            let opened = unsafe { sys::openat(libc::AT_FDCWD, path.as_ptr(), flags, 0o640) };
            return opened.and_then(|fd| {
                let result = write_line(fd, line, &mut effort);
                sys::close(fd);
                result
            });
        }
        let mut result = Err(Errno(libc::EBADF));
        for stream in self.streams.iter().flatten() {
            result = stream
                .write_near(line, &mut effort)
                .or_else(|_| stream.write_by_way_of(self.main, line, &mut effort));
            if result.is_ok() {
                return result;
            }
            // Better by the hand of the main process to the right place than by our own to the other one.
            if writer::hand_over(line) {
                return Ok(());
            }
        }
        result
    }
}

impl Stream {
    /// `other` is what the other one was found to be: where both are the same pipe, it is opened once.
    fn note(number: c_int, other: Option<Self>) -> Option<Self> {
        let stat = sys::fstat(number).ok()?;
        let kind = stat.mode & libc::S_IFMT;
        let appends = sys::fcntl(number, libc::F_GETFL, 0)
            .is_ok_and(|flags| flags as c_int & libc::O_APPEND != 0);
        let candidate = Self {
            number,
            id: stat.id,
            reopen: true,
        };
        let reopen = match kind {
            libc::S_IFIFO | libc::S_IFCHR => match other {
                Some(other) if other.id == stat.id => other.reopen,
                _ => candidate.open_at(sys::getpid()).map(sys::close).is_ok(),
            },
            // A second description has its own offset: what it writes, the first would write over.
            libc::S_IFREG => appends && candidate.open_at(sys::getpid()).map(sys::close).is_ok(),
            _ => false,
        };
        Some(Self {
            reopen,
            ..candidate
        })
    }

    /// Descriptors of this process that are the stream: its own number first.
    fn near(&self) -> impl Iterator<Item = c_int> {
        let others = (0..NEAR).filter(|fd| *fd != self.number);
        core::iter::once(self.number)
            .chain(others)
            .filter(|fd| sys::fstat(*fd).is_ok_and(|stat| stat.id == self.id))
    }

    /// Writes to a descriptor of this process that is the stream.
    fn write_near(&self, line: &[u8], effort: &mut Effort) -> Result<(), Errno> {
        if self.near().any(|fd| write_line(fd, line, effort).is_ok()) {
            Ok(())
        } else {
            Err(Errno(libc::EBADF))
        }
    }

    /// Opens the stream anew in the main process, or takes a descriptor of it from there, and writes to it if it still is what it was.
    ///
    /// Not in the main process itself: there it is the file that has just refused the line, and another thread of the program
    /// could meet the descriptor.
    fn write_by_way_of(&self, main: u32, line: &[u8], effort: &mut Effort) -> Result<(), Errno> {
        if sys::getpid() == main {
            return Err(Errno(libc::EBADF));
        }
        let fd = if self.reopen {
            self.open_at(main)?
        } else {
            self.borrow_from(main)?
        };
        let result = write_line(fd, line, effort);
        sys::close(fd);
        result
    }

    /// A copy of the main process's own descriptor (pidfd_getfd(2), Linux 5.6): of a socket, or of a file with the place where the main
    /// process will write next. Refused where a process may not be traced by its children.
    fn borrow_from(&self, main: u32) -> Result<c_int, Errno> {
        let process = sys::pidfd_open(main)?;
        let taken = sys::pidfd_getfd(process, self.number);
        sys::close(process);
        self.proven(taken?)
    }

    /// The descriptor, if it is the stream.
    fn proven(&self, fd: c_int) -> Result<c_int, Errno> {
        if sys::fstat(fd).is_ok_and(|stat| stat.id == self.id) {
            Ok(fd)
        } else {
            sys::close(fd);
            Err(Errno(libc::ESTALE))
        }
    }

    fn open_at(&self, pid: u32) -> Result<c_int, Errno> {
        let mut path = Decimal::new(b"/proc/", pid);
        for byte in b"/fd/" {
            path.push(*byte);
        }
        path.number(self.number as u32);
        // Not blocking: opening a pipe that nobody reads any more would wait for ever (fifo(7)).
        let flags =
            libc::O_WRONLY | libc::O_APPEND | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;
        // SAFETY: a C string on the stack.
        self.proven(unsafe { sys::openat(libc::AT_FDCWD, path.as_ptr(), flags, 0) }?)
    }
}

/// SIGPIPE and SIGXFSZ, as a set.
const SIGNALS: sys::SignalSet = 1 << (libc::SIGPIPE - 1) | 1 << (libc::SIGXFSZ - 1);

/// Writes a whole line. One write does it on a pipe, a terminal and a file; a socket may take it in pieces. Neither a reader that has
/// gone nor a limit of file sizes (setrlimit(2)) must kill the program by a signal that it never earned.
fn write_line(fd: c_int, line: &[u8], effort: &mut Effort) -> Result<(), Errno> {
    if effort.hand == Hand::Writer {
        return write_whole(fd, line, effort, 0);
    }
    let before = sys::mask_signals(libc::SIG_BLOCK, SIGNALS);
    let pending = sys::pending_signals() & SIGNALS;
    let result = write_whole(fd, line, effort, pending);
    sys::mask_signals(libc::SIG_SETMASK, before);
    result
}

/// As [`write_line`], while those signals are blocked. `pending`: the ones of them that were waiting before, and are the program's.
fn write_whole(
    fd: c_int,
    line: &[u8],
    effort: &mut Effort,
    pending: sys::SignalSet,
) -> Result<(), Errno> {
    let mut rest = line;
    loop {
        match sys::write(fd, rest) {
            Ok(n) => {
                rest = rest.get(n..).unwrap_or_default();
                if rest.is_empty() {
                    break Ok(());
                }
            }
            Err(Errno(libc::EINTR)) => {}
            Err(Errno(libc::EAGAIN)) if effort.patience > 0 => {
                effort.patience -= 1;
                sys::wait_writable(fd, 100);
            }
            Err(error) => {
                if matches!(error, Errno(libc::EPIPE | libc::EFBIG)) && SIGNALS & !pending != 0 {
                    sys::take_signal(SIGNALS & !pending);
                }
                break Err(error);
            }
        }
    }
}
