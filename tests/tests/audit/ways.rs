//! What the function's log may be, and what a child's streams may be instead.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use palisade_tests::{Log, policy, records};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;

use crate::run;

/// What Lambda, an emulator, a shell, or a supervisor gives a function for its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Pipe,
    FileToAppend,
    File,
    Socket,
    Terminal,
}

pub const KINDS: [Kind; 5] = [
    Kind::Pipe,
    Kind::FileToAppend,
    Kind::File,
    Kind::Socket,
    Kind::Terminal,
];

fn drain(mut reader: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A terminal ends in an error (EIO), said once while what was just written is still to be read: Linux looks for bytes first and
        // for who may still write them afterwards. Only an error with nothing before it is the end.
        let mut errors_in_a_row = 0;
        while errors_in_a_row < 2 {
            let before = bytes.len();
            if reader.read_to_end(&mut bytes).is_ok() {
                break;
            }
            errors_in_a_row = if bytes.len() == before {
                errors_in_a_row + 1
            } else {
                1
            };
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// What was written, once everybody has closed it.
pub enum Reader {
    Stream(Receiver<Vec<u8>>),
    File(std::path::PathBuf),
}

impl Reader {
    pub fn text(self) -> String {
        let bytes = match self {
            Self::Stream(receiver) => receiver
                .recv_timeout(Duration::from_secs(20))
                .expect("the log was not closed"),
            Self::File(path) => fs::read(path).expect("log"),
        };
        String::from_utf8(bytes)
            .expect("text")
            .replace("\r\n", "\n")
    }
}

impl Kind {
    /// A log of this kind: the function's end, and ours.
    pub fn open(self, folder: &std::path::Path) -> (Stdio, Reader) {
        match self {
            Self::Pipe => {
                let (reader, writer) = std::io::pipe().expect("pipe");
                (writer.into(), Reader::Stream(drain(reader)))
            }
            Self::Socket => {
                let (reader, writer) = UnixStream::pair().expect("socketpair");
                (OwnedFd::from(writer).into(), Reader::Stream(drain(reader)))
            }
            Self::File | Self::FileToAppend => {
                let path = folder.join("function.log");
                let file = OpenOptions::new()
                    .create(true)
                    .write(true)
                    .append(self == Self::FileToAppend)
                    .open(&path);
                (file.expect("log").into(), Reader::File(path))
            }
            Self::Terminal => {
                let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
                    .expect("terminal");
                grantpt(&main).expect("terminal");
                unlockpt(&main).expect("terminal");
                let name = ptsname(&main, Vec::new()).expect("terminal");
                let path = name.to_str().expect("a path");
                let end = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(path)
                    .expect(path);
                (end.into(), Reader::Stream(drain(File::from(main))))
            }
        }
    }
}

/// Runs it to its end, or kills it.
pub fn wait(mut command: Command) -> ExitStatus {
    let mut child = command.spawn().expect("program");
    drop(command);
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        match child.try_wait().expect("wait") {
            Some(status) => return status,
            None if Instant::now() < end => thread::sleep(Duration::from_millis(1)),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("it was not done in time");
            }
        }
    }
}

/// What a child makes of its streams before it acts, while descriptor `captured` is a pipe to its parent.
#[rustfmt::skip]
const CAPTURES: &[(&str, &str)] = &[
    ("captured", "dup2(captured, 1); dup2(captured, 2)"),
    ("captured, and everything else closed", "dup2(captured, 1); dup2(captured, 2); close(0); close_range(3, ~0u, 0)"),
    ("thrown away", "int null = open(\"/dev/null\", O_RDWR); dup2(null, 1); dup2(null, 2); close_range(3, ~0u, 0)"),
    ("closed", "close_range(0, ~0u, 0)"),
    ("files", "close_range(0, ~0u, 0); create(\"zero\"); create(\"one\"); create(\"two\")"),
    ("a socket", "int pair[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, pair); dup2(pair[0], 1); dup2(pair[0], 2); close_range(3, ~0u, 0)"),
];

/// How the child that acts comes to be.
const CHILDREN: &[(&str, &str)] = &[
    (
        "forked",
        "STREAMS; tell(\"acted\", act() ? \"let through\" : \"refused\"); _exit(0)",
    ),
    (
        "executed",
        "STREAMS; char *words[] = {\"child\", \"child\", NULL}; execv(\"/proc/self/exe\", words); _exit(1)",
    ),
    (
        "executed with an empty environment",
        "STREAMS; char *words[] = {\"child\", \"child\", NULL}; char *none[] = {NULL}; execve(\"/proc/self/exe\", words, none); _exit(1)",
    ),
];

fn reaches(kind: Kind, number: i32, children: &[(&str, &str)]) -> String {
    let mut failures = String::new();
    for (how, child) in children {
        for (what, streams) in CAPTURES {
            let code = r#"if (count > 1) { tell("acted", act() ? "let through" : "refused"); return 0; }
                int pipes[2]; pipe(pipes); int captured = pipes[1]; dprintf(NUMBER, "before\n");
                if (fork() == 0) { CHILD; }
                close(captured); char bytes[9000]; ssize_t size;
                while ((size = read(pipes[0], bytes, sizeof bytes - 1)) > 0) { bytes[size] = 0; tell("captured", bytes); }
                wait(NULL); dprintf(NUMBER, "between\n"); tell("main", act() ? "let through" : "refused"); dprintf(NUMBER, "after\n")"#
                .replace("CHILD", child)
                .replace("STREAMS", streams)
                .replace("NUMBER", &number.to_string());
            let run = run("prevent", &code).log(Log::Unset).env(
                "PALISADE_AUDIT",
                if number == 1 { "stdout" } else { "stderr" },
            );
            let (log, reader) = kind.open(run.folder());
            let (other, other_reader) = Kind::Pipe.open(run.folder());
            let (out, err) = if number == 1 {
                (log, other)
            } else {
                (other, log)
            };
            let mut command = run.command();
            command.stdin(Stdio::null()).stdout(out).stderr(err);
            let status = wait(command);
            let (text, rest) = (reader.text(), other_reader.text());
            let read = |name: &str| fs::read_to_string(run.folder().join(name)).unwrap_or_default();
            let verdicts = (read("acted"), read("main"));
            let stray: String = ["captured", "zero", "one", "two"].map(read).concat();
            let (ours, theirs): (Vec<&str>, Vec<&str>) = text
                .split_inclusive('\n')
                .partition(|line| line.starts_with('{'));
            let lines = records(ours.concat().as_bytes()).len();
            let is_right = status.success()
                && verdicts == ("refused".to_owned(), "refused".to_owned())
                && stray.is_empty()
                && rest.is_empty()
                && lines == 2
                && theirs == ["before\n", "between\n", "after\n"];
            if !is_right {
                failures.push_str(&format!(
                    "{kind:?} on {number}, a child {how}, its streams {what}: {status} {verdicts:?}\n  log: {text}\n  other stream: {rest}\n  stray: {stray}\n"
                ));
            }
        }
    }
    failures
}

fn reaches_on_both(kind: Kind, children: &[(&str, &str)]) {
    let failures = [1, 2]
        .map(|number| reaches(kind, number, children))
        .concat();
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn a_childs_line_reaches_a_log_that_is_a_pipe() {
    reaches_on_both(Kind::Pipe, CHILDREN);
}

#[test]
fn a_childs_line_reaches_a_log_that_is_a_file_to_append_to() {
    reaches_on_both(Kind::FileToAppend, CHILDREN);
}

#[test]
fn a_childs_line_reaches_a_log_that_is_a_terminal() {
    reaches_on_both(Kind::Terminal, CHILDREN);
}

#[test]
fn a_forked_childs_line_reaches_a_log_that_nobody_can_open_anew() {
    reaches_on_both(Kind::File, &CHILDREN[..1]);
    reaches_on_both(Kind::Socket, &CHILDREN[..1]);
}

#[test]
fn an_executed_childs_line_reaches_a_log_that_is_a_file() {
    reaches_on_both(Kind::File, &CHILDREN[1..]);
}

#[test]
fn an_executed_childs_line_reaches_a_log_that_is_a_socket() {
    reaches_on_both(Kind::Socket, &CHILDREN[1..]);
}

#[test]
fn an_executed_childs_line_goes_to_the_other_stream_where_the_main_process_lends_nothing() {
    // Without pidfd_getfd(2): an older kernel, or one on which a process may not trace its parent (yama).
    let code = r#"if (count > 1) return act() == 0;
        int pipes[2]; if (pipe(pipes)) abort(); char *words[] = {"child", "child", NULL};
        if (fork() == 0) { dup2(pipes[1], 1); execv("/proc/self/exe", words); _exit(1); }
        close(pipes[1]); char bytes[9000]; ssize_t size = read(pipes[0], bytes, sizeof bytes - 1);
        bytes[size < 0 ? 0 : size] = 0; tell("captured", bytes); wait(NULL)"#;
    let run = run("prevent", code)
        .log(Log::Unset)
        .env("PALISADE_AUDIT", "stdout")
        .under([
            "strace",
            "-f",
            "-q",
            "-o",
            "/dev/null",
            "-e",
            "inject=pidfd_getfd:error=EPERM",
        ]);
    let (log, reader) = Kind::Socket.open(run.folder());
    let (other, other_reader) = Kind::Pipe.open(run.folder());
    let mut command = run.command();
    command.stdin(Stdio::null()).stdout(log).stderr(other);
    let status = wait(command);
    let (text, rest) = (reader.text(), other_reader.text());
    let captured = fs::read_to_string(run.folder().join("captured")).unwrap_or_default();
    assert!(status.success(), "{status}");
    assert_eq!((&*text, &*captured), ("", ""));
    assert_eq!(records(rest.as_bytes()).len(), 1, "{rest}");
}

#[test]
fn a_childs_line_is_written_between_alerts_that_never_rest() {
    // Nothing is quicker to report. Without pidfd_getfd(2) a child has to give its lines to the main process.
    let code = r#"struct sock_filter filter[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_pidfd_getfd},
            {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM}, {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
        struct sock_fprog program = {4, filter};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) abort();
        struct sockaddr_in to = {AF_INET, htons(9), {htonl(0x7f000009)}}; int s = socket(AF_INET, SOCK_DGRAM, 0);
        pid_t child = fork();
        if (child == 0) {
            int null = open("/dev/null", O_RDWR); dup2(null, 1); dup2(null, 2); usleep(5000);
            for (int i = 0; i < 5; i++) connect(s, (void *)&to, sizeof to);
            _exit(0);
        }
        do for (int i = 0; i < 1000; i++) connect(s, (void *)&to, sizeof to); while (waitpid(child, NULL, WNOHANG) == 0)"#;
    let outbound = json!({ "deny": ["127.0.0.9"] });
    let run = run("alert", code)
        .policy(&policy(
            json!({ "network": { "effect": "alert", "outbound": outbound } }),
        ))
        .log(Log::Unset);
    let (log, reader) = Kind::Socket.open(run.folder());
    let (other, other_reader) = Kind::Pipe.open(run.folder());
    let mut command = run.command();
    command
        .env("PALISADE_AUDIT", "stdout")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(other);
    let status = wait(command);
    assert!(status.success(), "{status}");
    let (records, rest) = (records(reader.text().as_bytes()), other_reader.text());
    let main: Vec<u32> = records.iter().map(|record| record.pid).collect();
    let of_child = records.iter().filter(|record| main.contains(&record.ppid));
    assert_eq!((of_child.count(), rest.as_str()), (5, ""));
}
