//! What a person may ask about, and how it is put to the policy.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use palisade_policy::{
    Access, Connect, Decider, File, Outcome, Process, Reason, Section, Start, Verdict,
};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Safe;
use crate::paths;

/// What the function would be about to do.
#[derive(clap::Subcommand)]
pub enum Event {
    /// Start a program: exec /bin/sh -c id
    Exec {
        /// A child of the main process does it, not the main process itself
        #[arg(long)]
        child: bool,
        /// In a new process (posix_spawn, system, popen), not in place of the caller
        #[arg(long)]
        spawn: bool,
        /// The program that the main process runs, if that matters: it may run itself again
        #[arg(long, value_name = "PATH")]
        program: Option<PathBuf>,
        /// The program, looked up in PATH if it has no slash, and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Connect, or send a datagram: connect 10.1.2.3:443, connect '[::1]:80'
    Connect {
        /// Address and port
        #[arg(value_parser = destination)]
        destination: SocketAddr,
    },
    /// Open a port for others: listen 8080
    Listen {
        /// The port
        port: u16,
    },
    /// Resolve a host name: resolve example.com
    Resolve {
        /// The name
        name: OsString,
    },
    /// Open a file: open /etc/passwd, open /tmp/x --write
    Open {
        /// The file; links are resolved on this machine
        path: PathBuf,
        /// To write it, not to read it
        #[arg(long)]
        write: bool,
        /// To do both
        #[arg(long, conflicts_with = "write")]
        read_write: bool,
    },
}

fn destination(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "an address and a port are needed, as 10.1.2.3:443 or [2001:db8::1]:443; \
         host names are judged by `explain resolve NAME`"
            .to_owned()
    })
}

/// What was asked, as it was put to the policy.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Asked {
    Exec {
        command: Vec<String>,
        path: String,
        start: &'static str,
        main: bool,
    },
    Connect {
        ip: IpAddr,
        port: u16,
    },
    Listen {
        port: u16,
    },
    Resolve {
        domain: String,
    },
    Open {
        path: String,
        access: &'static str,
    },
}

/// An event and the answer to it.
pub struct Judged<'a> {
    /// What was asked.
    pub asked: Asked,
    /// The section that answered.
    pub section: Section,
    /// The answer.
    pub verdict: Verdict<'a>,
    /// What a person should know about how the question was understood.
    pub notes: Vec<String>,
}

impl Event {
    /// The program that the main process runs, where the question names it.
    pub fn program(&self) -> Option<&Path> {
        match self {
            Self::Exec { program, .. } => program.as_deref(),
            _ => None,
        }
    }

    /// Asks the policy.
    pub fn judge<'a>(&self, decider: &Decider<'a>) -> Result<Judged<'a>, Failure> {
        Ok(match self {
            Self::Exec {
                child,
                spawn,
                program,
                command,
            } => exec(decider, !child, *spawn, program.as_deref(), command)?,
            Self::Connect { destination } => {
                let ip = destination.ip().to_canonical();
                let port = destination.port();
                Judged {
                    asked: Asked::Connect { ip, port },
                    section: Section::Outbound,
                    verdict: decider.connect(&Connect { ip, port }),
                    notes: Vec::new(),
                }
            }
            Self::Listen { port } => Judged {
                asked: Asked::Listen { port: *port },
                section: Section::Listen,
                verdict: decider.listen(*port),
                notes: Vec::new(),
            },
            Self::Resolve { name } => resolve(decider, name),
            Self::Open {
                path,
                write,
                read_write,
            } => {
                let access = match (write, read_write) {
                    (true, _) => Access::Write,
                    (_, true) => Access::ReadWrite,
                    _ => Access::Read,
                };
                open(decider, path, access)?
            }
        })
    }
}

fn exec<'a>(
    decider: &Decider<'a>,
    main: bool,
    spawn: bool,
    program: Option<&Path>,
    command: &[OsString],
) -> Result<Judged<'a>, Failure> {
    let mut notes = Vec::new();
    let Some(given) = command.first() else {
        return Err(Failure::Usage("exec needs a program".to_owned()));
    };
    let name = if given.as_bytes().contains(&b'/') {
        PathBuf::from(given)
    } else {
        paths::find_program(given).map_err(|_| {
            Failure::Usage(format!(
                "{} is not in PATH on this machine; give the path that it has in the function, as /usr/bin/{0}",
                Safe::of(given)
            ))
        })?
    };
    let path = resolved(&name, &mut notes)?;
    let same_program =
        program.is_some_and(|program| paths::resolve(program).is_ok_and(|program| program == path));
    let mut verdict = decider.process(&Process {
        path: path.as_os_str().as_bytes(),
        given: given.as_bytes(),
        start: if spawn { Start::Spawn } else { Start::Exec },
        main,
        same_program,
    });
    // The zeroth argument too: a miner under another file's name is still called what it is.
    if verdict.outcome < Outcome::Prevent && decider.judges_arguments() {
        let found = command
            .iter()
            .map(|word| (word, decider.argument(word.as_bytes())))
            .find(|(_, verdict)| verdict.outcome != Outcome::Allow);
        if let Some((argument, of_argument)) = found {
            notes.push(format!(
                "it is the argument {} that decides",
                Safe::of(argument)
            ));
            verdict = of_argument;
        }
    }
    if program.is_none() && verdict.reason == Reason::UnexpectedProcess && main && !spawn {
        notes.push(
            "the main process may turn into its own program again: --program says which that is"
                .to_owned(),
        );
    }
    Ok(Judged {
        asked: Asked::Exec {
            command: command
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            path: path.to_string_lossy().into_owned(),
            start: if spawn { "spawn" } else { "exec" },
            main,
        },
        section: Section::Processes,
        verdict,
        notes,
    })
}

fn resolve<'a>(decider: &Decider<'a>, name: &OsString) -> Judged<'a> {
    let mut notes = Vec::new();
    if name
        .to_str()
        .is_some_and(|name| name.parse::<IpAddr>().is_ok())
    {
        notes.push("an address is no name: `explain connect` asks about it".to_owned());
    }
    Judged {
        asked: Asked::Resolve {
            domain: name.to_string_lossy().into_owned(),
        },
        section: Section::Dns,
        verdict: decider.resolve(name.as_bytes()),
        notes,
    }
}

fn open<'a>(decider: &Decider<'a>, given: &Path, access: Access) -> Result<Judged<'a>, Failure> {
    let mut notes = Vec::new();
    let path = resolved(given, &mut notes)?;
    let alias = paths::proc_alias(&path);
    let verdict = decider.file(&File {
        path: path.as_os_str().as_bytes(),
        alias: alias.as_ref().map(|alias| alias.as_os_str().as_bytes()),
        access,
    });
    // The process of whoever asks is nobody's concern; a function has its own.
    let path = match alias {
        Some(alias) => {
            notes = vec![
                "this is a file of the process itself, judged by its number in /proc too"
                    .to_owned(),
            ];
            alias
        }
        None => path,
    };
    Ok(Judged {
        asked: Asked::Open {
            path: path.to_string_lossy().into_owned(),
            access: match access {
                Access::Read => "read",
                Access::Write => "write",
                Access::ReadWrite => "read-write",
            },
        },
        section: Section::Filesystem,
        verdict,
        notes,
    })
}

/// The file that is judged, with a note if that is not what was written, or if nobody can know.
fn resolved(given: &Path, notes: &mut Vec<String>) -> Result<PathBuf, Failure> {
    let path = paths::resolve(given).map_err(|cause| Failure::Unreadable {
        file: given.to_owned(),
        cause,
    })?;
    if path != given {
        notes.push(format!(
            "{} is {} on this machine, and that is the name that is judged",
            Safe::of(given),
            Safe::of(&path)
        ));
    }
    if std::fs::symlink_metadata(&path).is_err() {
        notes.push(format!(
            "{} is not on this machine; if it is a link in the function, its target is judged there",
            Safe::of(&path)
        ));
    }
    Ok(path)
}
