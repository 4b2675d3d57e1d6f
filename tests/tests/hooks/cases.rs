//! What a policy forbids, row by row, and the call that does it.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use palisade_audit::Owned;
use serde_json::{Value, json};

use crate::rows::{Kind, Row};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Disable,
    Alert,
    Prevent,
}

impl Effect {
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Alert => "alert",
            Self::Prevent => "prevent",
        }
    }
}

/// A number that only this process and whoever asked for it have.
fn number() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A name for an object of shared memory, which no other process of this machine makes up: those in namespaces of their own share process ids, and /dev/shm.
pub fn object(prefix: &str) -> String {
    format!("{prefix}-{:x}", RandomState::new().build_hasher().finish())
}

/// What is a case's own, so that nothing of another case is taken for its: a folder, a number, an address of loopback and a port.
#[derive(Clone)]
pub struct Room {
    pub folder: PathBuf,
    number: u16,
}

impl Room {
    fn new(parent: &Path) -> Self {
        let number = number();
        let folder = parent.join(number.to_string());
        Self { folder, number }
    }

    /// Puts back what a call may have changed.
    pub fn furnish(&self) {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(self.folder.join("folder")).expect("a folder");
        fs::write(self.path("existing"), "old").expect("a file");
        symlink("existing", self.path("link")).expect("a link");
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// An address for whoever has this process's number, so that another run of the tests at the same time has another.
    fn ip(&self) -> Ipv4Addr {
        let [.., high, low] = std::process::id().to_be_bytes();
        Ipv4Addr::new(127, high | 1, low, 1 + (self.number % 250) as u8)
    }

    /// Below those that the kernel gives by itself.
    fn port(&self) -> u16 {
        20_000 + self.number % 10_000
    }

    fn domain(&self) -> String {
        format!("denied{}.test", self.number)
    }
}

/// What tells the record of one case from those of the others.
pub fn mark(audit: &Owned) -> String {
    let said = match &*audit.kind {
        "process" => audit.command.clone(),
        "dns" => audit.domain.clone(),
        "filesystem" => audit.path.clone(),
        // A port of the kernel's choice.
        _ if audit.attack == "unlisted-port" => audit.ip.clone(),
        _ => audit.port.map(|port| port.to_string()),
    };
    said.unwrap_or_default()
}

/// One thing that a policy forbids, and the call that does it.
pub struct Case {
    pub room: Room,
    /// KEY=VALUE for frame.c.
    pub arguments: Vec<String>,
    pub sections: Value,
    /// What a refused call says.
    pub refused: &'static str,
    /// By which its record is known (`mark`).
    pub mark: String,
    /// What the record says about it.
    pub expects: Box<dyn Fn(&Owned)>,
    /// A file that a refused call must leave as it is, or not there.
    pub untouched: Option<String>,
    /// The call needs a network where nobody answers.
    pub is_offline: bool,
    /// Keeps the other end of a connection there.
    _peer: Option<TcpListener>,
}

/// Has this machine's C library a function of that name?
pub fn libc_has(name: &str) -> bool {
    crate::symbols::libc().contains(name)
}

/// What each row does that a policy can forbid, each in a room of its own below `parent`.
pub fn cases(row: &Row, effect: Effect, parent: &Path) -> Vec<Case> {
    let of_row = |index| {
        in_room(row, effect, &Room::new(parent))
            .into_iter()
            .nth(index)
    };
    (0..).map_while(of_row).collect()
}

fn in_room(row: &Row, effect: Effect, room: &Room) -> Vec<Case> {
    const REFUSED: &str = "result -1 errno 13\n";
    let case =
        |arguments: &[&str], sections: Value, refused, mark: &str, expects: Box<dyn Fn(&Owned)>| {
            Case {
                room: room.clone(),
                arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
                sections,
                refused,
                mark: mark.to_owned(),
                expects,
                untouched: None,
                is_offline: false,
                _peer: None,
            }
        };
    let name = effect.name();
    let program = |arguments: &[&str], refused| {
        let ran = format!("ran{}", room.number);
        let (path, word, command) = match row.kind {
            Kind::Words => (
                "/bin/sh",
                format!("command=$(echo {ran})"),
                format!("sh -c $(echo {ran})"),
            ),
            Kind::Shell | Kind::StreamOfShell => (
                "/bin/sh",
                format!("command=echo {ran}"),
                format!("sh -c echo {ran}"),
            ),
            _ => ("/bin/echo", format!("word={ran}"), format!("echo {ran}")),
        };
        let path = fs::canonicalize(path).expect(path).display().to_string();
        let sections = json!({ "processes": { "effect": name, "deny": [path] } });
        let mark = command.clone();
        let expects = move |audit: &Owned| {
            assert_eq!(
                (&*audit.kind, &*audit.attack),
                ("process", "denied-process")
            );
            assert_eq!(audit.path.as_deref(), Some(&*path));
            assert_eq!(audit.command.as_deref(), Some(&*command));
            let by = &audit.process;
            assert_eq!(
                audit.msg,
                format!("Process {path} launched by {by} explicitly denied by a runtime rule.")
            );
        };
        case(
            &[arguments, &[&word]].concat(),
            sections,
            refused,
            &mark,
            Box::new(expects),
        )
    };
    let network = |outbound: Value, listen: Value| json!({ "network": { "effect": name, "outbound": outbound, "listen": listen } });
    let at_port = |argument: String, sections, attack: &'static str, ip: Ipv4Addr, port: u16| {
        let expects = move |audit: &Owned| {
            assert_eq!((&*audit.kind, &*audit.attack), ("network", attack));
            assert_eq!(
                (audit.ip.as_deref(), audit.port),
                (Some(&*ip.to_string()), Some(port))
            );
        };
        case(
            &[&argument],
            sections,
            REFUSED,
            &port.to_string(),
            Box::new(expects),
        )
    };
    let file = |access: &'static str, path: &str, arguments: &[&str]| {
        let refused = match row.kind {
            Kind::Stream | Kind::Folder | Kind::TemporaryFolder | Kind::TemporaryStream => {
                "result null errno 13\n"
            }
            _ => REFUSED,
        };
        let sections = json!({ "filesystem": { "effect": name, "deny": [path] } });
        let denied = path.to_owned();
        let expects = move |audit: &Owned| {
            assert_eq!(
                (&*audit.kind, &*audit.attack),
                ("filesystem", "denied-file")
            );
            assert_eq!(audit.path.as_deref(), Some(&*denied));
            assert_eq!(audit.access.as_deref(), Some(access));
        };
        let mut made = case(arguments, sections, refused, path, Box::new(expects));
        made.untouched = Some(path.to_owned());
        made
    };
    let resolved = |domain: &str, arguments: &[&str], refused| {
        let sections = json!({ "dns": { "effect": name, "deny": [domain] } });
        let denied = domain.to_owned();
        let expects = move |audit: &Owned| {
            assert_eq!((&*audit.kind, &*audit.attack), ("dns", "denied-domain"));
            assert_eq!(audit.domain.as_deref(), Some(&*denied));
            let by = &audit.process;
            assert_eq!(
                audit.msg,
                format!(
                    "DNS resolution of domain name {denied} triggered by {by} explicitly denied by a runtime rule."
                )
            );
        };
        let mut made = case(arguments, sections, refused, domain, Box::new(expects));
        made.is_offline = true;
        made
    };
    let (domain, ip, port) = (room.domain(), room.ip(), room.port());
    let (named, question) = (format!("name={domain}"), format!("question={domain}"));
    // Its first label alone, and what it lies in.
    let within = format!("name=denied{}", room.number);
    let [a, b] = [room.number / 250 % 250, room.number % 250];
    let (backwards, reverse) = (
        format!("{b}.{a}.0.203.in-addr.arpa"),
        format!("203.0.{a}.{b}"),
    );
    // Somebody's own resolver, which puts its question to a name server; nobody need be there.
    let asked = |key: &str| {
        let mut made = resolved(
            &domain,
            &[&format!("{key}=127.0.0.1:53"), &question],
            REFUSED,
        );
        made.is_offline = false;
        made
    };
    let [existing, new, inner, link, template] =
        ["existing", "new", "folder", "link", "tempXXXXXX"].map(|name| room.path(name));
    let at = |path: &str| format!("path={path}");
    let creates = libc_flags(&["O_WRONLY", "O_CREAT", "O_TRUNC"]);
    if row.symbol.starts_with("pidfd_") && !libc_has(row.symbol) {
        return vec![];
    }
    match row.kind {
        Kind::Exec => vec![program(&["path=/bin/echo"], REFUSED)],
        Kind::ExecSearched => vec![
            program(&["base=echo"], REFUSED),
            program(&["base=/bin/echo"], REFUSED),
        ],
        Kind::Spawn => vec![program(&["path=/bin/echo"], "result 13 errno 4242\n")],
        Kind::SpawnSearched => vec![program(&["base=echo"], "result 13 errno 4242\n")],
        // 127, as of a shell that cannot be executed.
        Kind::Shell => vec![program(&[], "result 32512 errno 13\n")],
        Kind::StreamOfShell => vec![program(&[], "result null errno 13\n")],
        // WRDE_CMDSUB of wordexp.h
        Kind::Words => vec![program(&[], "result 4 errno 4242\n")],
        Kind::Connect => {
            let peer = TcpListener::bind("127.0.0.1:0").expect("loopback");
            let port = peer.local_addr().expect("an address").port();
            let to = format!("127.0.0.1:{port}");
            let sections = network(json!({ "deny": [to] }), json!({}));
            let mut made = at_port(
                format!("to={to}"),
                sections,
                "denied-destination",
                Ipv4Addr::LOCALHOST,
                port,
            );
            made._peer = Some(peer);
            vec![made]
        }
        Kind::Send => vec![asked("resolver")],
        Kind::Copy => {
            let sections = json!({ "dns": { "effect": name, "deny": [domain] } });
            let expects = |audit: &Owned| {
                assert_eq!(
                    (&*audit.kind, &*audit.attack),
                    ("dns", "malformed-question")
                )
            };
            vec![case(
                &["resolver=127.0.0.1:53"],
                sections,
                REFUSED,
                "(malformed question)",
                Box::new(expects),
            )]
        }
        Kind::SendTo => {
            let to = format!("{ip}:{port}");
            let sections = network(json!({ "deny": [to] }), json!({}));
            let datagram = at_port(
                format!("datagram={to}"),
                sections,
                "denied-destination",
                ip,
                port,
            );
            vec![datagram, asked("datagram"), asked("resolver")]
        }
        Kind::Bind => {
            let sections = network(json!({}), json!({ "deny": [port] }));
            let internet = at_port(format!("to={ip}:{port}"), sections, "denied-port", ip, port);
            vec![internet, file("write", &new, &[&format!("unix={new}")])]
        }
        Kind::Listen | Kind::Accept => {
            let sections = network(json!({}), json!({ "allow": [1] }));
            let prepared = match row.kind {
                Kind::Listen => format!("bound={ip}:0"),
                _ => format!("pending={ip}:{port}"),
            };
            let (ip, of_kernel) = (ip.to_string(), row.kind == Kind::Listen);
            let mark = ip.clone();
            let expects = move |audit: &Owned| {
                assert_eq!((&*audit.kind, &*audit.attack), ("network", "unlisted-port"));
                assert_eq!(audit.ip.as_deref(), Some(&*ip));
                let is_its = |said| if of_kernel { said != 0 } else { said == port };
                assert!(audit.port.is_some_and(is_its), "{audit:?}");
            };
            vec![case(
                &[&prepared],
                sections,
                REFUSED,
                &mark,
                Box::new(expects),
            )]
        }
        // EAI_FAIL of netdb.h, NO_RECOVERY of netdb.h.
        Kind::Name => vec![resolved(&domain, &[&named], "result -4 errno 4242\n")],
        Kind::Entry => vec![resolved(
            &domain,
            &[&named],
            "result null h_errno 3 errno 4242\n",
        )],
        Kind::EntryInRoom => vec![resolved(
            &domain,
            &[&named],
            "result 13 h_errno 3 errno 4242\n",
        )],
        Kind::Lookup => vec![resolved(
            &domain,
            &[&named, &question],
            "result -1 h_errno 3 errno 4242\n",
        )],
        Kind::LookupWithin => vec![resolved(
            &domain,
            &[&within, "host=test"],
            "result -1 h_errno 3 errno 4242\n",
        )],
        Kind::Reverse => vec![resolved(
            &backwards,
            &[&format!("reverse={reverse}")],
            "result null h_errno 3 errno 4242\n",
        )],
        Kind::ReverseInRoom => vec![resolved(
            &backwards,
            &[&format!("reverse={reverse}")],
            "result 13 h_errno 3 errno 4242\n",
        )],
        Kind::ReverseAddress => vec![resolved(
            &backwards,
            &[&format!("to={reverse}:80")],
            "result -4 errno 4242\n",
        )],
        Kind::Open => vec![
            file("read", &existing, &[&at(&existing), "flags=0"]),
            file("write", &existing, &[&at(&existing), &creates]),
            file("write", &new, &[&at(&new), &creates]),
        ],
        Kind::OpenExisting => vec![
            file("read", &existing, &[&at(&existing), "flags=0"]),
            file(
                "write",
                &existing,
                &[&at(&existing), &libc_flags(&["O_WRONLY", "O_TRUNC"])],
            ),
        ],
        Kind::Create => vec![
            file("write", &existing, &[&at(&existing)]),
            file("write", &new, &[&at(&new)]),
        ],
        Kind::Stream => vec![
            file(
                "read",
                &existing,
                &[&at(&existing), "mode=r", "reopen=/dev/null"],
            ),
            file(
                "write",
                &existing,
                &[&at(&existing), "mode=w", "reopen=/dev/null"],
            ),
            file(
                "read-write",
                &new,
                &[&at(&new), "mode=a+", "reopen=/dev/null"],
            ),
        ],
        Kind::Folder | Kind::List => vec![file("read", &inner, &[&at(&inner)])],
        Kind::Remove => vec![file("write", &existing, &[&at(&existing)])],
        Kind::RemoveFolder => vec![file("write", &inner, &[&at(&inner)])],
        Kind::Rename => {
            let both = [at(&existing), format!("second={new}")];
            let both: Vec<&str> = both.iter().map(String::as_str).collect();
            vec![
                file("read-write", &existing, &both),
                file("write", &new, &both),
            ]
        }
        Kind::Make => vec![file("write", &new, &[&at(&new)])],
        Kind::Change => vec![file("write", &existing, &[&at(&existing)])],
        Kind::Look => vec![file("read", &existing, &[&at(&existing)])],
        Kind::SharedMemory | Kind::SharedMemoryGone => {
            let memory = object("/palisade");
            let opened = row.kind == Kind::SharedMemory;
            let prefix = if row.symbol.starts_with("sem_") {
                "sem."
            } else {
                ""
            };
            let (access, flags) = if opened {
                ("read-write", libc_flags(&["O_RDWR", "O_CREAT"]))
            } else {
                ("write", libc_flags(&[]))
            };
            let mut made = file(
                access,
                &format!("/dev/shm/{prefix}{}", &memory[1..]),
                &[&format!("name={memory}"), &flags],
            );
            made.untouched = None;
            vec![made]
        }
        Kind::ReadLink => vec![file("read", &link, &[&at(&link)])],
        Kind::Temporary | Kind::TemporaryFolder => vec![file(
            "read-write",
            &template,
            &[&format!("template={template}")],
        )],
        Kind::TemporaryStream => vec![file("read-write", "/tmp/tmpfXXXXXX", &[])],
        Kind::Receive | Kind::Settle | Kind::Around | Kind::End => vec![],
    }
}

/// `flags=` for frame.c: the numbers of asm-generic/fcntl.h, which x86-64 and arm64 share for these.
pub fn libc_flags(names: &[&str]) -> String {
    let number = |name: &&str| match *name {
        "O_RDONLY" => 0,
        "O_WRONLY" => 1,
        "O_RDWR" => 2,
        "O_CREAT" => 0o100,
        "O_EXCL" => 0o200,
        "O_TRUNC" => 0o1000,
        "O_APPEND" => 0o2000,
        "O_NONBLOCK" => 0o4000,
        other => panic!("{other}"),
    };
    format!("flags={}", names.iter().map(number).sum::<u32>())
}

/// Everything that a call could have changed about a file; `None` if it is not there.
pub fn look(path: &str) -> Option<(u32, i64, i64, u32, u64, Vec<u8>)> {
    let meta = fs::symlink_metadata(path).ok()?;
    let content = fs::read(path).unwrap_or_default();
    Some((
        meta.mode(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.uid(),
        meta.nlink(),
        content,
    ))
}
