//! What each effect does to each function, wherever it is called.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use palisade_audit::Owned;
use palisade_tests::{Log, Run, compile, policy, records};
use serde_json::{Value, json};

use crate::rows::{Kind, Row, rows, source};

/// How programs are compiled: each way lets the compiler choose other names of the same functions.
const WAYS: [&[&str]; 3] = [
    &["-O0"],
    &["-O2", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"],
    &["-D_FILE_OFFSET_BITS=64"],
];

/// All of these ways; only the first with `PALISADE_TEST_WAYS=first`, for an emulated machine, where each call takes its time.
pub fn ways() -> impl Iterator<Item = &'static [&'static str]> {
    let is_first = std::env::var_os("PALISADE_TEST_WAYS").is_some_and(|ways| ways == "first");
    WAYS.into_iter().take(if is_first { 1 } else { WAYS.len() })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Disable,
    Alert,
    Prevent,
}

impl Effect {
    fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Alert => "alert",
            Self::Prevent => "prevent",
        }
    }
}

/// One thing that a policy forbids, and the call that does it.
pub struct Case {
    /// KEY=VALUE for frame.c.
    pub arguments: Vec<String>,
    pub sections: Value,
    /// What a refused call says.
    refused: &'static str,
    /// What the record says about it.
    expects: Box<dyn Fn(&Owned)>,
    /// A file that a refused call must leave as it is, or not there.
    untouched: Option<String>,
    /// The call needs a network where nobody answers.
    is_offline: bool,
    /// Keeps the other end of a connection there.
    _peer: Option<TcpListener>,
}

impl Case {
    fn new(
        arguments: Vec<String>,
        sections: Value,
        refused: &'static str,
        expects: impl Fn(&Owned) + 'static,
    ) -> Self {
        Self {
            arguments,
            sections,
            refused,
            expects: Box::new(expects),
            untouched: None,
            is_offline: false,
            _peer: None,
        }
    }
}

fn echo() -> String {
    fs::canonicalize("/bin/echo")
        .expect("/bin/echo")
        .display()
        .to_string()
}

/// Has this machine's C library a function of that name?
pub fn libc_has(name: &str) -> bool {
    crate::symbols::libc().contains(name)
}

/// A port that nobody has right now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("an address").port()
}

fn program(row: &Row, effect: Effect, arguments: Vec<String>, refused: &'static str) -> Case {
    let is_shell = matches!(row.kind, Kind::Shell | Kind::StreamOfShell | Kind::Words);
    let is_word = row.kind == Kind::Words;
    let path = if is_shell {
        fs::canonicalize("/bin/sh")
            .expect("/bin/sh")
            .display()
            .to_string()
    } else {
        echo()
    };
    let sections = json!({ "processes": { "effect": effect.name(), "deny": [path] } });
    Case::new(arguments, sections, refused, move |audit| {
        assert_eq!(
            (&*audit.kind, &*audit.attack),
            ("process", "denied-process")
        );
        assert_eq!(audit.path.as_deref(), Some(&*path));
        let command = match is_shell {
            true if is_word => "sh -c $(echo ran)",
            true => "sh -c echo ran",
            false => "echo ran",
        };
        assert_eq!(audit.command.as_deref(), Some(command));
        assert_eq!(
            audit.msg,
            format!(
                "Process {path} launched by {} explicitly denied by a runtime rule.",
                audit.process
            )
        );
    })
}

pub fn cases(row: &Row, effect: Effect, folder: &Path) -> Vec<Case> {
    const REFUSED: &str = "result -1 errno 13\n";
    let name = effect.name();
    let network = |outbound: Value, listen: Value| json!({ "network": { "effect": name, "outbound": outbound, "listen": listen } });
    let file = |access: &'static str, path: String, arguments: Vec<String>| {
        let refused = match row.kind {
            Kind::Stream | Kind::Folder | Kind::TemporaryFolder | Kind::TemporaryStream => {
                "result null errno 13\n"
            }
            _ => REFUSED,
        };
        let sections = json!({ "filesystem": { "effect": name, "deny": [path] } });
        let denied = path.clone();
        let mut case = Case::new(arguments, sections, refused, move |audit| {
            assert_eq!(
                (&*audit.kind, &*audit.attack),
                ("filesystem", "denied-file")
            );
            assert_eq!(audit.path.as_deref(), Some(&*denied));
            assert_eq!(audit.access.as_deref(), Some(access));
        });
        case.untouched = Some(path);
        case
    };
    let resolved = |domain: &'static str, arguments: &[&str], refused| {
        let sections = json!({ "dns": { "effect": name, "deny": [domain] } });
        let arguments = arguments.iter().map(|&a| a.to_owned()).collect();
        let mut case = Case::new(arguments, sections, refused, move |audit| {
            assert_eq!((&*audit.kind, &*audit.attack), ("dns", "denied-domain"));
            assert_eq!(audit.domain.as_deref(), Some(domain));
            assert_eq!(
                audit.msg,
                format!(
                    "DNS resolution of domain name {domain} triggered by {} explicitly denied by a runtime rule.",
                    audit.process
                )
            );
        });
        case.is_offline = true;
        case
    };
    // Somebody's own resolver, which puts its question to a name server; nobody need be there.
    let asked = |key: &str| {
        let mut case = resolved("denied.test", &[&format!("{key}=127.0.0.1:53")], REFUSED);
        case.is_offline = false;
        case
    };
    let existing = folder.join("existing").display().to_string();
    let new = folder.join("new").display().to_string();
    let inner = folder.join("folder").display().to_string();
    let link = folder.join("link").display().to_string();
    let template = folder.join("tempXXXXXX").display().to_string();
    let at = |path: &str, more: &[&str]| {
        let mut arguments = vec![format!("path={path}")];
        arguments.extend(more.iter().map(|&a| a.to_owned()));
        arguments
    };
    let creates = libc_flags(&["O_WRONLY", "O_CREAT", "O_TRUNC"]);
    if row.symbol.starts_with("pidfd_") && !libc_has(row.symbol) {
        return vec![];
    }
    match row.kind {
        Kind::Exec => vec![program(row, effect, vec!["path=/bin/echo".into()], REFUSED)],
        Kind::ExecSearched => vec![
            program(row, effect, vec!["base=echo".into()], REFUSED),
            program(row, effect, vec!["base=/bin/echo".into()], REFUSED),
        ],
        Kind::Spawn => vec![program(
            row,
            effect,
            vec!["path=/bin/echo".into()],
            "result 13 errno 4242\n",
        )],
        Kind::SpawnSearched => vec![program(
            row,
            effect,
            vec!["base=echo".into()],
            "result 13 errno 4242\n",
        )],
        // 127, as of a shell that cannot be executed.
        Kind::Shell => vec![program(row, effect, vec![], "result 32512 errno 13\n")],
        Kind::StreamOfShell => vec![program(row, effect, vec![], "result null errno 13\n")],
        Kind::Connect => {
            let peer = TcpListener::bind("127.0.0.1:0").expect("loopback");
            let port = peer.local_addr().expect("an address").port();
            let sections = network(json!({ "deny": [format!("127.0.0.1:{port}")] }), json!({}));
            let mut case = Case::new(
                vec![format!("to=127.0.0.1:{port}")],
                sections,
                REFUSED,
                move |audit| {
                    assert_eq!(
                        (&*audit.kind, &*audit.attack),
                        ("network", "denied-destination")
                    );
                    assert_eq!(
                        (audit.ip.as_deref(), audit.port),
                        (Some("127.0.0.1"), Some(port))
                    );
                },
            );
            case._peer = Some(peer);
            vec![case]
        }
        Kind::Send => vec![asked("resolver")],
        Kind::Copy => {
            let sections = json!({ "dns": { "effect": name, "deny": ["denied.test"] } });
            vec![Case::new(
                vec!["resolver=127.0.0.1:53".into()],
                sections,
                REFUSED,
                |audit| {
                    assert_eq!(
                        (&*audit.kind, &*audit.attack),
                        ("dns", "malformed-question")
                    );
                },
            )]
        }
        Kind::SendTo => {
            let port = free_port();
            let sections = network(json!({ "deny": [format!("127.0.0.1:{port}")] }), json!({}));
            let datagram = Case::new(
                vec![format!("datagram=127.0.0.1:{port}")],
                sections,
                REFUSED,
                move |audit| {
                    assert_eq!(
                        (&*audit.kind, &*audit.attack),
                        ("network", "denied-destination")
                    );
                    assert_eq!(
                        (audit.ip.as_deref(), audit.port),
                        (Some("127.0.0.1"), Some(port))
                    );
                },
            );
            vec![datagram, asked("datagram"), asked("resolver")]
        }
        Kind::Bind => {
            let port = free_port();
            let sections = network(json!({}), json!({ "deny": [port] }));
            let internet = Case::new(
                vec![format!("to=127.0.0.1:{port}")],
                sections,
                REFUSED,
                move |audit| {
                    assert_eq!((&*audit.kind, &*audit.attack), ("network", "denied-port"));
                    assert_eq!(audit.port, Some(port));
                },
            );
            vec![
                internet,
                file("write", new.clone(), vec![format!("unix={new}")]),
            ]
        }
        Kind::Listen | Kind::Accept => {
            let sections = network(json!({}), json!({ "allow": [1] }));
            let prepared = if row.kind == Kind::Listen {
                "bound=127.0.0.1:0"
            } else {
                "pending=1"
            };
            vec![Case::new(
                vec![prepared.into()],
                sections,
                REFUSED,
                move |audit| {
                    assert_eq!((&*audit.kind, &*audit.attack), ("network", "unlisted-port"));
                    assert!(audit.port.is_some_and(|port| port != 0));
                },
            )]
        }
        // EAI_FAIL of netdb.h, NO_RECOVERY of netdb.h.
        Kind::Name => vec![resolved(
            "denied.test",
            &["name=denied.test"],
            "result -4 errno 4242\n",
        )],
        Kind::Entry => vec![resolved(
            "denied.test",
            &["name=denied.test"],
            "result null h_errno 3 errno 4242\n",
        )],
        Kind::EntryInRoom => vec![resolved(
            "denied.test",
            &["name=denied.test"],
            "result 13 h_errno 3 errno 4242\n",
        )],
        Kind::Lookup => vec![resolved(
            "denied.test",
            &["name=denied.test"],
            "result -1 h_errno 3 errno 4242\n",
        )],
        Kind::LookupWithin => vec![resolved(
            "denied.test",
            &["name=denied", "host=test"],
            "result -1 h_errno 3 errno 4242\n",
        )],
        Kind::Reverse => vec![resolved(
            "9.113.0.203.in-addr.arpa",
            &["reverse=203.0.113.9"],
            "result null h_errno 3 errno 4242\n",
        )],
        Kind::ReverseInRoom => vec![resolved(
            "9.113.0.203.in-addr.arpa",
            &["reverse=203.0.113.9"],
            "result 13 h_errno 3 errno 4242\n",
        )],
        Kind::ReverseAddress => vec![resolved(
            "9.113.0.203.in-addr.arpa",
            &["to=203.0.113.9:80"],
            "result -4 errno 4242\n",
        )],
        Kind::Open => vec![
            file("read", existing.clone(), at(&existing, &["flags=0"])),
            file("write", existing.clone(), at(&existing, &[&creates])),
            file("write", new.clone(), at(&new, &[&creates])),
        ],
        Kind::OpenExisting => vec![
            file("read", existing.clone(), at(&existing, &["flags=0"])),
            file(
                "write",
                existing.clone(),
                at(&existing, &[&libc_flags(&["O_WRONLY", "O_TRUNC"])]),
            ),
        ],
        Kind::Create => vec![
            file("write", existing.clone(), at(&existing, &[])),
            file("write", new.clone(), at(&new, &[])),
        ],
        Kind::Stream => {
            let with = |path: &str, mode| at(path, &[mode, "reopen=/dev/null"]);
            vec![
                file("read", existing.clone(), with(&existing, "mode=r")),
                file("write", existing.clone(), with(&existing, "mode=w")),
                file("read-write", new.clone(), with(&new, "mode=a+")),
            ]
        }
        Kind::Folder | Kind::List => vec![file("read", inner.clone(), at(&inner, &[]))],
        Kind::Remove => vec![file("write", existing.clone(), at(&existing, &[]))],
        Kind::RemoveFolder => vec![file("write", inner.clone(), at(&inner, &[]))],
        Kind::Rename => {
            let both = |path: &str| at(path, &[&format!("second={new}")]);
            vec![
                file("read-write", existing.clone(), both(&existing)),
                file("write", new.clone(), both(&existing)),
            ]
        }
        Kind::Make => vec![file("write", new.clone(), at(&new, &[]))],
        Kind::Change => vec![file("write", existing.clone(), at(&existing, &[]))],
        Kind::Look => vec![file("read", existing.clone(), at(&existing, &[]))],
        Kind::SharedMemory | Kind::SharedMemoryGone => {
            let name = format!("/palisade-{}-{}", std::process::id(), row.symbol);
            let opened = row.kind == Kind::SharedMemory;
            let (access, flags) = if opened {
                ("read-write", libc_flags(&["O_RDWR", "O_CREAT"]))
            } else {
                ("write", libc_flags(&[]))
            };
            let mut case = file(
                access,
                format!("/dev/shm{name}"),
                vec![format!("name={name}"), flags],
            );
            case.untouched = None;
            vec![case]
        }
        Kind::ReadLink => vec![file("read", link.clone(), at(&link, &[]))],
        Kind::Temporary | Kind::TemporaryFolder => {
            vec![file(
                "read-write",
                template.clone(),
                vec![format!("template={template}")],
            )]
        }
        Kind::TemporaryStream => vec![file("read-write", "/tmp/tmpfXXXXXX".into(), vec![])],
        Kind::Words => vec![program(
            row,
            effect,
            vec!["command=$(echo ran)".into()],
            // WRDE_CMDSUB of wordexp.h
            "result 4 errno 4242\n",
        )],
        Kind::Receive | Kind::Settle => vec![],
        Kind::Around => vec![],
        Kind::End => vec![],
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

pub fn prepared(row: &Row, place: &str, way: &[&str], folder: &Path) -> Run {
    for name in ["existing", "new", "folder", "link"] {
        let path = folder.join(name);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
    }
    fs::write(folder.join("existing"), "old").expect("a file");
    fs::create_dir(folder.join("folder")).expect("a folder");
    symlink("existing", folder.join("link")).expect("a link");
    Run::new(compile(&source(), way)).args([row.symbol, place])
}

/// Everything that a call could have changed about a file; `None` if it is not there.
fn look(path: &str) -> Option<(u32, i64, i64, u32, u64, Vec<u8>)> {
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

fn check(row: &Row, effect: Effect, place: &str, way: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    for case in cases(row, effect, folder.path()) {
        let run = || {
            let run = prepared(row, place, way, folder.path()).args(&case.arguments);
            if case.is_offline {
                run.under(["unshare", "-n"])
            } else {
                run
            }
        };
        let prepared = run().policy(&policy(case.sections.clone()));
        // To standard error where the writer is at work beside the program: it opens a file anew for each line.
        let is_alert = effect == Effect::Alert;
        let prepared = prepared.log(if is_alert { Log::Unset } else { Log::File });
        let before = case.untouched.as_deref().map(look);
        let outcome = prepared.go();
        let what = format!(
            "{} {effect:?} in {place}, {way:?}, {:?}\n{}",
            row.symbol,
            case.arguments,
            outcome.story()
        );
        if effect == Effect::Prevent {
            let end = if place == "main" {
                ""
            } else {
                "child exited 0\n"
            };
            assert_eq!(outcome.text(), format!("{}{end}", case.refused), "{what}");
            assert_eq!(case.untouched.as_deref().map(look), before, "{what}");
        } else {
            let natural = run().without_library().go();
            assert_eq!(sorted(&outcome.text()), sorted(&natural.text()), "{what}");
            assert_eq!(natural.errors(), "", "{what}");
            assert!(is_alert || outcome.errors().is_empty(), "{what}");
            // The control: the call that is refused elsewhere does not fail by itself in that way.
            assert!(!natural.text().contains(case.refused), "{what}");
        }
        if effect == Effect::Disable {
            assert_eq!(outcome.audits().len(), 0, "{what}");
            continue;
        }
        let audits = records(if is_alert {
            &outcome.stderr
        } else {
            &outcome.log
        });
        assert_eq!(audits.len(), 1, "exactly one audit line: {what}");
        let audit = &audits[0];
        (case.expects)(audit);
        assert_eq!(audit.effect.as_deref(), Some(effect.name()), "{what}");
        assert_eq!(
            audit.level,
            if effect == Effect::Alert {
                "WARN"
            } else {
                "ERROR"
            },
            "{what}"
        );
        assert_eq!(audit.rule.as_deref(), Some("test"), "{what}");
        assert_eq!(
            audit.process,
            compile(&source(), way).display().to_string(),
            "{what}"
        );
        if place == "main" {
            if !case.is_offline {
                assert_eq!(audit.pid, outcome.id, "{what}");
            }
        } else {
            assert_eq!(
                audit.ppid,
                outcome.id.max(if case.is_offline { audit.ppid } else { 0 }),
                "{what}"
            );
        }
        assert!(
            !audit.techniques.is_empty() || audit.kind == "network" || audit.kind == "filesystem",
            "{what}"
        );
    }
}

/// With traps behind ours for everything that a hook must not do, once the program has begun.
fn trapped(row: &Row, arguments: &[String], folder: &Path) -> Run {
    let traps = compile(include_str!("traps.c"), &["-shared", "-fPIC", "-O1"]);
    let run = prepared(row, "main", WAYS[0], folder);
    run.preload_behind(traps).arg("traps=1").args(arguments)
}

#[test]
fn no_refusal_takes_memory_or_a_lock_or_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    // freopen(3) closes its stream in any case, and frees what was its own.
    for row in rows().filter(|row| !row.symbol.starts_with("freopen")) {
        for case in cases(row, Effect::Prevent, folder.path()) {
            let run = trapped(row, &case.arguments, folder.path()).policy(&policy(case.sections));
            let run = if case.is_offline {
                run.under(["unshare", "-n"])
            } else {
                run
            };
            let outcome = run.go();
            assert_eq!(
                outcome.text(),
                case.refused,
                "{} {}",
                row.symbol,
                outcome.story()
            );
            assert_eq!(outcome.errors(), "", "{} {}", row.symbol, outcome.story());
        }
    }
}

#[test]
fn no_call_that_is_judged_and_allowed_takes_memory_or_a_lock_or_waits() {
    // Those in which libc itself takes none.
    let plain = |row: &&Row| {
        use Kind::*;
        // aio(7) is threads of libc's.
        !row.symbol.contains("io_")
            && matches!(
                row.kind,
                Connect
                    | Send
                    | SendTo
                    | Receive
                    | Bind
                    | Listen
                    | Accept
                    | Open
                    | OpenExisting
                    | Create
                    | Remove
                    | RemoveFolder
                    | Rename
                    | Make
                    | Change
                    | ReadLink
                    | Temporary
                    | Exec
                    | Spawn
            )
    };
    let folder = tempfile::tempdir().expect("a folder");
    let allowing = policy(crate::errors::allowing());
    for row in rows().filter(plain) {
        let mut all: Vec<Vec<String>> = cases(row, Effect::Prevent, folder.path())
            .into_iter()
            .map(|case| case.arguments)
            .collect();
        if row.kind == Kind::Receive {
            all.push(vec!["arrived=1".into()]);
        }
        for arguments in all {
            let outcome = trapped(row, &arguments, folder.path())
                .policy(&allowing)
                .go();
            assert_eq!(outcome.errors(), "", "{} {}", row.symbol, outcome.story());
            assert!(outcome.code() == 0, "{} {}", row.symbol, outcome.story());
        }
    }
}

/// How many bytes of stack each case of a row takes under these sections, and what is said otherwise.
fn stack_of(row: &Row, case: &Case, folder: &Path, sections: Option<&Value>) -> (usize, String) {
    let run = prepared(row, "main", WAYS[0], folder)
        .env("LD_BIND_NOW", "1")
        .arg("measure=1")
        .args(&case.arguments);
    let run = if case.is_offline {
        run.under(["unshare", "-n"])
    } else {
        run
    };
    let outcome = match sections {
        Some(sections) => run.policy(&policy(sections.clone())).go(),
        None => run.without_library().go(),
    };
    let text = outcome.text();
    let (lines, rest): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("stack "));
    let depth = lines.first().and_then(|line| line[6..].parse().ok());
    let depth = depth.unwrap_or_else(|| panic!("{} {}", row.symbol, outcome.story()));
    (depth, rest.join("\n"))
}

#[test]
fn a_call_that_is_not_judged_takes_no_more_stack_than_without_the_library() {
    // Handlers of signals have what is left of 8 KiB (SIGSTKSZ) once the kernel has written there.
    const MORE: usize = 512;
    let folder = tempfile::tempdir().expect("a folder");
    let mut deep = String::new();
    // A program that runs has no stack to look at.
    let asked = |row: &&Row| !matches!(row.kind, Kind::Exec | Kind::ExecSearched);
    for row in rows().filter(asked).filter(|row| !is_old(row)) {
        for case in cases(row, Effect::Prevent, folder.path()) {
            let (natural, _) = stack_of(row, &case, folder.path(), None);
            // Programs get what keeps them defended also where none is judged.
            let starts = matches!(
                row.kind,
                Kind::Spawn | Kind::SpawnSearched | Kind::Shell | Kind::StreamOfShell | Kind::Words
            );
            let more = if starts { 2048 } else { MORE };
            let ports = json!({ "network": { "effect": "prevent", "listen": { "deny": [9] } } });
            let is_port = matches!(row.kind, Kind::Bind | Kind::Listen | Kind::Accept);
            let others = (!is_port).then_some(ports);
            for sections in [Some(json!({})), others].into_iter().flatten() {
                let (ours, _) = stack_of(row, &case, folder.path(), Some(&sections));
                if ours > natural + more {
                    deep.push_str(&format!(
                        "{} {:?}: {ours} bytes under {sections}, {natural} without\n",
                        row.symbol, case.arguments
                    ));
                }
            }
        }
    }
    assert!(deep.is_empty(), "{deep}");
}

#[test]
fn a_call_that_is_judged_takes_a_bounded_stack() {
    // A path of 4 KiB and a line of 4 KiB, and what a search through both takes; a thread has 16 KiB at least (PTHREAD_STACK_MIN).
    const MOST: usize = 15 * 1024;
    let folder = tempfile::tempdir().expect("a folder");
    let mut deep = String::new();
    for row in rows().filter(|row| !is_old(row)) {
        for case in cases(row, Effect::Prevent, folder.path()) {
            let (refused, said) = stack_of(row, &case, folder.path(), Some(&case.sections));
            assert_eq!(said, case.refused.trim_end(), "{}", row.symbol);
            if refused > MOST {
                deep.push_str(&format!(
                    "{} {:?}: {refused} bytes\n",
                    row.symbol, case.arguments
                ));
            }
        }
    }
    assert!(deep.is_empty(), "{deep}");
}

#[test]
fn the_traps_spring() {
    let traps = compile(include_str!("traps.c"), &["-shared", "-fPIC", "-O1"]);
    for (does, said) in [
        ("free(malloc(9))", "malloc in a hook\n"),
        (
            "pthread_mutex_lock(&lock)",
            "pthread_mutex_lock in a hook\n",
        ),
    ] {
        let source = format!(
            r#"#include <pthread.h>
               #include <stdlib.h>
               extern void trap(int) __attribute__((weak)); static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
               int main(void) {{ (void)lock; trap(1); {does}; return 0; }}"#
        );
        let run = Run::new(compile(&source, &["-O0"])).preload_behind(&traps);
        let outcome = run.without_library().go();
        assert_eq!((outcome.code(), &*outcome.errors()), (120, said));
    }
}

/// Lines of a parent and of its child come in either order.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn places(row: &Row) -> &'static [&'static str] {
    match row.kind {
        Kind::Exec | Kind::ExecSearched => &["main", "fork", "vfork"],
        _ => &["main", "fork"],
    }
}

/// Functions that only programs built with glibc before 2.34 ask for.
pub fn is_old(row: &Row) -> bool {
    row.symbol.starts_with("__res_")
}

fn check_all(effect: Effect, old: bool) {
    for row in rows().filter(|row| is_old(row) == old) {
        for place in places(row) {
            for way in ways() {
                check(row, effect, place, way);
            }
        }
    }
}

#[test]
fn a_section_that_is_disabled_changes_nothing_and_reports_nothing() {
    check_all(Effect::Disable, false);
}

#[test]
fn an_alert_changes_nothing_and_leaves_one_line() {
    check_all(Effect::Alert, false);
}

#[test]
fn a_refused_call_fails_as_the_contract_says_and_leaves_one_line() {
    check_all(Effect::Prevent, false);
    check_all(Effect::Prevent, true);
}

#[test]
fn a_program_built_with_an_older_glibc_resolves_names_as_before() {
    check_all(Effect::Disable, true);
    check_all(Effect::Alert, true);
}

#[test]
fn a_process_that_ends_ends_with_its_own_status() {
    for row in rows().filter(|row| row.kind == Kind::End) {
        for place in ["main", "fork", "vfork"] {
            let run = || Run::new(compile(&source(), WAYS[0])).args([row.symbol, place]);
            let (with, without) = (run().go(), run().without_library().go());
            assert_eq!(
                (with.code(), with.text()),
                (without.code(), without.text()),
                "{}",
                row.symbol
            );
            assert!(
                with.code() == 7 || with.text() == "child exited 7\n",
                "{}",
                with.story()
            );
        }
    }
}

#[test]
fn a_call_that_is_reported_keeps_its_errno_whatever_becomes_of_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    for row in rows().filter(|row| !is_old(row)) {
        for log in ["2>&-", "2>/dev/full"] {
            for effect in [Effect::Alert, Effect::Prevent] {
                for case in cases(row, effect, folder.path()) {
                    let script = format!("exec \"$@\" {log}");
                    let shell: &[&str] = if case.is_offline {
                        &["unshare", "-n"]
                    } else {
                        &[]
                    };
                    let under = || shell.iter().copied().chain(["sh", "-c", &script, "sh"]);
                    let run = || {
                        prepared(row, "main", WAYS[0], folder.path())
                            .args(&case.arguments)
                            .log(Log::Unset)
                            .under(under())
                    };
                    let sections = &case.sections;
                    let ours = run()
                        .env("PALISADE_AUDIT", "stderr")
                        .policy(&policy(sections.clone()))
                        .go();
                    let what = format!("{} {log} {effect:?} {}", row.symbol, ours.story());
                    if effect == Effect::Prevent {
                        // The line goes to the other stream where this one is closed.
                        let told: String = ours
                            .text()
                            .lines()
                            .filter(|line| !line.starts_with('{'))
                            .map(|line| format!("{line}\n"))
                            .collect();
                        assert_eq!(told, case.refused, "{what}");
                    } else {
                        let natural = run().without_library().go();
                        let text = ours.text();
                        let told: Vec<&str> = sorted(&text)
                            .into_iter()
                            .filter(|line| !line.starts_with('{'))
                            .collect();
                        assert_eq!(told, sorted(&natural.text()), "{what}");
                    }
                }
            }
        }
    }
}
