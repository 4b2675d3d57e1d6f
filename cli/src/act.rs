//! What an audit says was done, so that a policy can be asked about it again.

use std::borrow::Cow;
use std::net::IpAddr;

use palisade_audit::Borrowed;
use palisade_policy::{
    Access, Connect, Decider, File, Outcome, Process, Reason, Section, Start, Verdict,
};

use crate::event::Asked;

/// An act, as much of it as an audit keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// A program was to be started; `command` are its arguments, joined by spaces.
    Process { path: String, command: String },
    /// A connection or a datagram.
    Connect { ip: IpAddr, port: u16 },
    /// A port was to be opened.
    Listen { port: u16 },
    /// A name was to be resolved.
    Resolve { domain: String },
    /// A file was to be opened or changed.
    File { path: String, access: Mode },
}

/// [`Access`], with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    Read,
    Write,
    ReadWrite,
}

impl Mode {
    fn of(audit: &Borrowed<'_>) -> Option<Self> {
        [Self::Read, Self::Write, Self::ReadWrite]
            .into_iter()
            .find(|mode| Some(mode.name()) == audit.access.as_deref())
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadWrite => "read-write",
        }
    }

    const fn access(self) -> Access {
        match self {
            Self::Read => Access::Read,
            Self::Write => Access::Write,
            Self::ReadWrite => Access::ReadWrite,
        }
    }
}

impl Act {
    /// `None`: a notice, or a record that lacks what was asked for.
    pub fn of(audit: &Borrowed<'_>) -> Option<Self> {
        Some(match audit.kind.as_str() {
            "process" => Self::Process {
                path: audit.path.as_deref()?.to_owned(),
                command: audit.command.as_deref().unwrap_or_default().to_owned(),
            },
            "network" if is_listening(audit) => Self::Listen { port: audit.port? },
            "network" => Self::Connect {
                ip: audit.ip.as_deref()?.parse::<IpAddr>().ok()?.to_canonical(),
                port: audit.port?,
            },
            "dns" => Self::Resolve {
                domain: audit.domain.as_deref()?.to_owned(),
            },
            "filesystem" => Self::File {
                path: audit.path.as_deref()?.to_owned(),
                access: Mode::of(audit)?,
            },
            _ => return None,
        })
    }

    pub const fn section(&self) -> Section {
        match self {
            Self::Process { .. } => Section::Processes,
            Self::Connect { .. } => Section::Outbound,
            Self::Listen { .. } => Section::Listen,
            Self::Resolve { .. } => Section::Dns,
            Self::File { .. } => Section::Filesystem,
        }
    }

    /// The list of a rule that can allow it.
    pub const fn list(&self) -> &'static str {
        match self {
            Self::Process { .. } => "processes.allow",
            Self::Connect { .. } => "network.outbound.allow",
            Self::Listen { .. } => "network.listen.allow",
            Self::Resolve { .. } => "dns.allow",
            Self::File { .. } => "filesystem.allow",
        }
    }

    /// What it was done to, in one word: a path, an address, a name.
    pub fn target(&self) -> String {
        match self {
            Self::Process { path, .. } | Self::File { path, .. } => path.clone(),
            Self::Connect { ip, port } => destination(*ip, *port),
            Self::Listen { port } => port.to_string(),
            Self::Resolve { domain } => domain.clone(),
        }
    }

    /// The same of an audit, without keeping the act.
    pub fn target_of<'a>(audit: &'a Borrowed<'_>) -> Option<Cow<'a, str>> {
        let text = match audit.kind.as_str() {
            "process" => audit.path.as_deref(),
            "dns" => audit.domain.as_deref(),
            "filesystem" if Mode::of(audit).is_some() => audit.path.as_deref(),
            "network" => return Self::of(audit).map(|act| act.target().into()),
            _ => None,
        };
        text.map(Cow::Borrowed)
    }

    /// As `explain` puts it.
    pub fn asked(&self) -> Asked {
        match self.clone() {
            Self::Process { path, command } => Asked::Exec {
                command: command.split(' ').map(str::to_owned).collect(),
                path,
                start: "exec",
                main: false,
            },
            Self::Connect { ip, port } => Asked::Connect { ip, port },
            Self::Listen { port } => Asked::Listen { port },
            Self::Resolve { domain } => Asked::Resolve { domain },
            Self::File { path, access } => Asked::Open {
                path,
                access: access.name(),
            },
        }
    }

    /// Asks a policy about what an audit tells. Its reason matters where it says what no name of the act does: that the program is one which
    /// cannot be followed, that it has no file, that the hooks themselves were to be passed by.
    pub fn judge_again<'p>(&self, audit: &Borrowed<'_>, decider: &Decider<'p>) -> Verdict<'p> {
        let verdict = self.judge(decider);
        if verdict.outcome == Outcome::Prevent {
            return verdict;
        }
        let besides = match audit.attack.as_str() {
            "unfollowable-program" => decider.unfollowable(),
            "fileless-program" => decider.fileless(),
            "unfollowable-library" => decider.guard(Reason::UnfollowableLibrary),
            "process-memory-write" => decider.guard(Reason::MemoryWrite),
            "malformed-question" => decider.malformed_question(),
            _ => return verdict,
        };
        if besides.outcome > verdict.outcome {
            besides
        } else {
            verdict
        }
    }

    /// Asks a policy. What the audit does not keep is taken at its worst for the program: a child of the main process starts it, under the
    /// name in its arguments as well as that of its file.
    pub fn judge<'p>(&self, decider: &Decider<'p>) -> Verdict<'p> {
        match self {
            Self::Process { path, command } => {
                let ask = |given: &str| {
                    decider.process(&Process {
                        path: path.as_bytes(),
                        given: given.as_bytes(),
                        start: Start::Exec,
                        main: false,
                        same_program: false,
                    })
                };
                let mut verdict = ask(command.split(' ').next().unwrap_or_default());
                if verdict.outcome == Outcome::Allow && decider.judges_arguments() {
                    verdict = command
                        .split(' ')
                        .map(|word| decider.argument(word.as_bytes()))
                        .find(|verdict| verdict.outcome != Outcome::Allow)
                        .unwrap_or(verdict);
                }
                verdict
            }
            Self::Connect { ip, port } => decider.connect(&Connect {
                ip: *ip,
                port: *port,
            }),
            Self::Listen { port } => decider.listen(*port),
            Self::Resolve { domain } => decider.resolve(domain.as_bytes()),
            Self::File { path, access } => {
                let own = own_process(path);
                decider.file(&File {
                    path: path.as_bytes(),
                    alias: own.as_ref().map(|alias| alias.as_bytes()),
                    access: access.access(),
                })
            }
        }
    }
}

/// The writer names the ports that a function opens by their own reason; a sentence says it where the reason is another.
fn is_listening(audit: &Borrowed<'_>) -> bool {
    audit.attack == Reason::Unlisted.attack(Section::Listen)
        || audit.ip.is_none()
        || audit.msg.starts_with("Listening on port ")
}

/// `10.0.0.1:443`, `[2001:db8::1]:443`: as the entries of a policy have it.
pub fn destination(ip: IpAddr, port: u16) -> String {
    match ip {
        IpAddr::V4(ip) => format!("{ip}:{port}"),
        IpAddr::V6(ip) => format!("[{ip}]:{port}"),
    }
}

/// A process names its own files in /proc by its number; a policy says `self`.
fn own_process(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/proc/")?;
    let (pid, file) = rest.split_once('/')?;
    let number = !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| format!("/proc/self/{file}"))
}
