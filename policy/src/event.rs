//! What a program may be about to do, in the terms that a policy judges.
//!
//! Every path is bytes, as Linux gives them: no encoding is assumed.

use crate::decide::Words;
use core::fmt;
use core::net::IpAddr;

/// One section of a rule, as a switch that a hook asks for before it does any work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Section {
    /// `processes`
    Processes = 0,
    /// `network.outbound`
    Outbound = 1,
    /// `network.listen`
    Listen = 2,
    /// `dns`
    Dns = 3,
    /// `filesystem`
    Filesystem = 4,
}

/// How a program is about to be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The calling process turns into the program (`execve(2)` and its family).
    Exec,
    /// A new process runs the program (`posix_spawn(3)`, `system(3)`, `popen(3)`).
    Spawn,
}

/// A program is about to be started.
#[derive(Clone, Copy, Debug)]
pub struct Process<'a> {
    /// The file that would run: absolute, every link resolved.
    pub path: &'a [u8],
    /// The name that the caller gave, before links are resolved.
    pub given: &'a [u8],
    /// Exec or spawn.
    pub start: Start,
    /// The caller is the main process (the one that the wrapper became), not a child of it.
    pub main: bool,
    /// The file is the very program that the caller already runs (same device and inode).
    pub same_program: bool,
}

/// A connection, or a datagram, is about to go out.
#[derive(Clone, Copy, Debug)]
pub struct Connect {
    /// Destination. IPv4 mapped into IPv6 (RFC 4291 §2.5.5.2) is judged as the IPv4 address.
    pub ip: IpAddr,
    /// Destination port, host byte order.
    pub port: u16,
}

/// What is about to be done to a file. Opening `O_RDWR` is both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The content is read.
    Read,
    /// The content or the directory entry is changed.
    Write,
    /// Both at once.
    ReadWrite,
}

/// A file is about to be opened or changed.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The file: absolute, `..` and every link resolved.
    pub path: &'a [u8],
    /// A second name under which a person may have meant the same file: `/proc/self/…` for `/proc/<own pid>/…`.
    pub alias: Option<&'a [u8]>,
    /// Read, write or both.
    pub access: Access,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It goes on and nobody hears of it.
    Allow,
    /// It goes on and is reported.
    Alert,
    /// It is refused and reported.
    Prevent,
}

/// Why the verdict is what it is. [`Reason::attack`] is the stable name that goes into an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Reason {
    /// The section is off, or no rule applies.
    Off = 0,
    /// Nothing forbids it: the section has no allow list and no entry of `deny` matches.
    Unrestricted = 1,
    /// The platform itself needs it (`lambda-facts`: Runtime API, X-Ray, resolver, the runtime's files).
    Platform = 2,
    /// Loopback is the sandbox itself.
    Loopback = 3,
    /// An entry of `allow` matches.
    Allowed = 4,
    /// The main process runs itself again (`main_only`).
    MainProgram = 5,
    /// `main_only`: somebody else, or something else, would run.
    UnexpectedProcess = 6,
    /// An entry of `deny` matches.
    Denied = 7,
    /// There is an allow list, and nothing in it matches.
    Unlisted = 8,
    /// `network.outbound.loopback` is `false` and the destination is loopback that no entry allows.
    LoopbackClosed = 9,
    /// `crypto_miners`: a known miner program, an argument that only miners take, or the name of a mining pool.
    CryptoMiner = 10,
    /// `processes.unfollowable`: the program is one that the library cannot be loaded into (static, privileged, of another architecture or libc).
    UnfollowableProgram = 11,
    /// The program has no file that a policy could name: a `memfd_create(2)`, or a file that was deleted.
    FilelessProgram = 12,
    /// A shared object would come in where the hooks do not reach: `dlmopen(3)`, `RTLD_DEEPBIND`, `LD_AUDIT`.
    UnfollowableLibrary = 13,
    /// The memory of a process would be changed from outside its own code: `/proc/*/mem`, `process_vm_writev(2)`.
    MemoryWrite = 14,
    /// What goes to a name server is no question that could be judged.
    MalformedQuestion = 15,
}

impl Reason {
    /// The kebab-case name of a breach in `section`, for the `attack` field of an audit; stable between releases.
    #[must_use]
    pub const fn attack(self, section: Section) -> &'static str {
        match (self, section) {
            (Self::CryptoMiner, _) => "crypto-miner",
            (Self::UnfollowableProgram, _) => "unfollowable-program",
            (Self::FilelessProgram, _) => "fileless-program",
            (Self::UnfollowableLibrary, _) => "unfollowable-library",
            (Self::MemoryWrite, _) => "process-memory-write",
            (Self::MalformedQuestion, _) => "malformed-question",
            (Self::UnexpectedProcess, _) => "unexpected-process",
            (Self::Denied, Section::Processes) => "denied-process",
            (_, Section::Processes) => "unlisted-process",
            (Self::Denied, Section::Outbound) => "denied-destination",
            (_, Section::Outbound) => "unlisted-destination",
            (Self::Denied, Section::Listen) => "denied-port",
            (_, Section::Listen) => "unlisted-port",
            (Self::Denied, Section::Dns) => "denied-domain",
            (_, Section::Dns) => "unlisted-domain",
            (Self::Denied, Section::Filesystem) => "denied-file",
            (_, Section::Filesystem) => "unlisted-file",
        }
    }
}

/// The answer to one event.
#[derive(Clone, Copy)]
pub struct Verdict<'a> {
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Which entry or setting decided, whose words are read only for who asks.
    pub(crate) words: Words<'a>,
    /// It is an alert because of `enforce_after` only: from then on the same act is refused.
    pub delayed: bool,
}

impl<'a> Verdict<'a> {
    /// One that no entry and no setting stands behind.
    #[must_use]
    #[inline]
    pub const fn new(outcome: Outcome, reason: Reason) -> Self {
        Self {
            outcome,
            reason,
            words: Words::NONE,
            delayed: false,
        }
    }

    /// JSON path of the entry or the setting that decided, as `rules[0].dns.deny[2]`.
    #[must_use]
    pub fn place(&self) -> Option<&'a str> {
        self.words.place()
    }

    /// The entry itself, as it stands in the policy.
    #[must_use]
    pub fn pattern(&self) -> Option<&'a str> {
        self.words.pattern()
    }
}

impl PartialEq for Verdict<'_> {
    fn eq(&self, other: &Self) -> bool {
        let all = |verdict: &Self| (verdict.outcome, verdict.reason, verdict.delayed);
        all(self) == all(other)
            && (self.place(), self.pattern()) == (other.place(), other.pattern())
    }
}

impl Eq for Verdict<'_> {}

impl fmt::Debug for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdict")
            .field("outcome", &self.outcome)
            .field("reason", &self.reason)
            .field("place", &self.place())
            .field("pattern", &self.pattern())
            .field("delayed", &self.delayed)
            .finish()
    }
}
