//! What a record says, in the terms of the one who writes it. Everything is borrowed, so that a hook can fill it in on its stack.

use core::net::IpAddr;

use palisade_policy::event::{Access, Outcome, Section};

use crate::{LINE_MAX, Timestamp, line};

/// How loud a line is. Lambda's log filter drops lines that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A notice: nothing was attacked.
    Info,
    /// A breach that was let pass.
    Warn,
    /// A breach that was refused, or a defence that could not start.
    Error,
}

impl Level {
    /// As it stands in the line: `INFO`, `WARN`, `ERROR`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl From<Effect> for Level {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Learn => Self::Info,
            Effect::Alert => Self::Warn,
            Effect::Prevent => Self::Error,
        }
    }
}

/// The part of a policy that the record is about; the field `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A program was about to be started.
    Process,
    /// A connection was about to go out, or a port about to be opened.
    Network,
    /// A name was about to be resolved.
    Dns,
    /// A file was about to be opened or changed.
    Filesystem,
    /// Notices of Palisade itself.
    Policy,
}

impl Kind {
    /// As it stands in the line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Network => "network",
            Self::Dns => "dns",
            Self::Filesystem => "filesystem",
            Self::Policy => "policy",
        }
    }
}

impl From<Section> for Kind {
    fn from(section: Section) -> Self {
        match section {
            Section::Processes => Self::Process,
            Section::Outbound | Section::Listen => Self::Network,
            Section::Dns => Self::Dns,
            Section::Filesystem => Self::Filesystem,
        }
    }
}

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing was judged: an act was seen for the first time, while a policy is learned.
    Learn,
    /// It went on.
    Alert,
    /// It was refused.
    Prevent,
}

impl Effect {
    /// As it stands in the line: `learn`, `alert`, `prevent`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Learn => "learn",
            Self::Alert => "alert",
            Self::Prevent => "prevent",
        }
    }

    /// The effect of a verdict; `None` for one that nobody hears of.
    #[must_use]
    pub const fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Allow => None,
            Outcome::Alert => Some(Self::Alert),
            Outcome::Prevent => Some(Self::Prevent),
        }
    }
}

/// Text as the program gave it: any bytes, of any length. No more of it is read than fits into the line.
#[derive(Clone, Copy)]
pub enum Text<'a> {
    /// In one piece.
    Bytes(&'a [u8]),
    /// Pieces, one right after the other. A character does not span two of them.
    Parts(&'a [&'a [u8]]),
    /// Words, joined by one space: the function gives the word of each index from 0, and `None` after the last. Right for an `argv`, whose
    /// length nobody has counted yet.
    Words(&'a dyn Fn(usize) -> Option<&'a [u8]>),
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a [u8]> for Text<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

/// The sentence for a person; the field `msg`.
#[derive(Clone, Copy)]
pub enum Message<'a> {
    /// The sentence of a breach, made of `process` and `subject`.
    Breach,
    /// Own words.
    Text(Text<'a>),
}

/// What was asked for.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// Nothing: a notice.
    None,
    /// A program: `command`, `path`.
    Process {
        /// The file that would run.
        path: &'a [u8],
        /// Its arguments, with the zeroth.
        command: Text<'a>,
    },
    /// A connection or a datagram: `ip`, `port`, and `domain` where it is known.
    Connect {
        /// Destination. IPv4 mapped into IPv6 is written as the IPv4 address, as it is judged.
        ip: IpAddr,
        /// Destination port, host byte order.
        port: u16,
        /// The name that the program resolved to get the address.
        name: Option<&'a [u8]>,
    },
    /// A port that would be open to others: `ip` where known, `port`.
    Listen {
        /// The local address.
        ip: Option<IpAddr>,
        /// The local port, host byte order.
        port: u16,
    },
    /// A name: `domain`.
    Resolve {
        /// As the program gave it.
        domain: &'a [u8],
    },
    /// A file: `path`, `access`.
    File {
        /// The resolved name.
        path: &'a [u8],
        /// What was to be done to it; `read`, `write` or `read-write` in the line.
        access: Access,
    },
}

/// One record.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// When.
    pub timestamp: Timestamp,
    /// How loud.
    pub level: Level,
    /// The field `type`.
    pub kind: Kind,
    /// A stable kebab-case reason (`Reason::attack` of the policy crate, or the name of a notice).
    pub attack: &'static str,
    /// What became of it. Notices have none, and then the field is absent.
    pub effect: Option<Effect>,
    /// Name of the rule that decided; absent if `None`.
    pub rule: Option<&'a [u8]>,
    /// The time from which the same act is refused, as it stands in the policy; absent if `None`.
    pub enforce_after: Option<&'a str>,
    /// The sentence.
    pub msg: Message<'a>,
    /// Name of the Lambda function.
    pub function: &'a [u8],
    /// AWS region.
    pub region: &'a [u8],
    /// Process id of the acting process.
    pub pid: u32,
    /// Process id of its parent.
    pub ppid: u32,
    /// Path of the program that the acting process runs.
    pub process: &'a [u8],
    /// What was asked for.
    pub subject: Subject<'a>,
    /// How many equal events this record stands for. The field is absent unless there is more than one.
    pub count: u64,
    /// ATT&CK technique ids; see [`techniques`](crate::techniques()).
    pub techniques: &'a [&'a str],
}

impl Record<'_> {
    /// Writes the line, newline included, to the front of `out` and gives its length in bytes. What `out` holds beyond that is undefined.
    ///
    /// Cannot fail, and neither allocates nor locks. Calls the function of [`Text::Words`] once per word until the line has
    /// no more room for them.
    #[must_use = "only this many bytes of the buffer are the line"]
    pub fn write(&self, out: &mut [u8; LINE_MAX]) -> usize {
        line::write(self, out)
    }
}
