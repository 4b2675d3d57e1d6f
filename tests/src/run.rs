//! One run of one program, under a watch.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use palisade_audit::Owned;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{library, wrapper};

/// Where a run's audit lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// A file of the run's own (`PALISADE_AUDIT=file:`).
    File,
    /// What the library takes if nothing is set: standard error, outside Lambda.
    Unset,
}

/// How the library gets into the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    None,
    Preload,
    Wrapper,
}

/// A program that is about to be run. Its environment is `PATH` and what the test adds.
pub struct Run {
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    way: Way,
    log: Log,
    patience: Duration,
    folder: TempDir,
    shell: Vec<OsString>,
    before: Vec<PathBuf>,
    behind: Vec<PathBuf>,
}

impl Run {
    /// A program, with the library preloaded and no policy (the built-in default applies).
    ///
    /// # Panics
    /// If there is no room for temporary files.
    #[must_use]
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            variables: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
            way: Way::Preload,
            log: Log::File,
            patience: Duration::from_secs(60),
            folder: tempfile::tempdir().unwrap_or_else(|cause| panic!("temporary folder: {cause}")),
            shell: Vec::new(),
            before: Vec::new(),
            behind: Vec::new(),
        }
    }

    /// Another preloaded library, in front of ours.
    #[must_use]
    pub fn preload_before(mut self, library: impl AsRef<Path>) -> Self {
        self.before.push(library.as_ref().to_owned());
        self
    }

    /// Another preloaded library, behind ours.
    #[must_use]
    pub fn preload_behind(mut self, library: impl AsRef<Path>) -> Self {
        self.behind.push(library.as_ref().to_owned());
        self
    }

    /// All preloaded libraries, ours among them if it is preloaded.
    fn preloads(&self) -> OsString {
        let ours = (self.way == Way::Preload).then(library);
        let all = self.before.iter().chain(&ours).chain(&self.behind);
        let all: Vec<&OsStr> = all.map(|path| path.as_os_str()).collect();
        all.join(OsStr::new(":"))
    }

    /// An argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// A variable of the environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The policy, in `PALISADE_POLICY`.
    #[must_use]
    pub fn policy(self, policy: &Value) -> Self {
        let text = policy.to_string();
        self.env("PALISADE_POLICY", text)
    }

    /// The negative control: without the library.
    #[must_use]
    pub fn without_library(mut self) -> Self {
        self.way = Way::None;
        self
    }

    /// Through the layer's wrapper, as Lambda does it.
    #[must_use]
    pub fn wrapped(mut self) -> Self {
        self.way = Way::Wrapper;
        self
    }

    /// As arguments of this command: `strace -f`, `unshare -n`.
    #[must_use]
    pub fn under<S: AsRef<OsStr>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.shell = command.into_iter().map(|a| a.as_ref().to_owned()).collect();
        self
    }

    /// Where the audit lines go; a file of the run's own unless this says otherwise.
    #[must_use]
    pub fn log(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    /// After how many seconds the run has failed.
    #[must_use]
    pub fn within(mut self, seconds: u64) -> Self {
        self.patience = Duration::from_secs(seconds);
        self
    }

    /// The run's own folder: its working directory.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in the run's own folder.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
        self
    }

    /// The command, for a test that watches it by itself.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut words: Vec<&OsStr> = self.shell.iter().map(OsString::as_os_str).collect();
        let script = wrapper();
        if self.way == Way::Wrapper {
            words.push(script.as_os_str());
        }
        words.push(self.program.as_os_str());
        words.extend(self.arguments.iter().map(OsString::as_os_str));
        let (first, rest) = words.split_first().unwrap_or_else(|| panic!("no program"));
        let mut command = Command::new(first);
        command
            .args(rest)
            .env_clear()
            .current_dir(self.folder.path());
        match self.way {
            Way::None if self.preloads().is_empty() => {}
            Way::None | Way::Preload if self.shell.is_empty() => {
                command.env("LD_PRELOAD", self.preloads());
            }
            // The command before the program is not the function: it puts the library into the program alone.
            Way::None | Way::Preload => {
                let mut with_env: Vec<OsString> = self.shell.clone();
                with_env.push("/usr/bin/env".into());
                let mut preload = OsString::from("LD_PRELOAD=");
                preload.push(self.preloads());
                with_env.push(preload);
                with_env.push(self.program.clone().into_os_string());
                with_env.extend(self.arguments.iter().cloned());
                command = Command::new(&with_env[0]);
                command
                    .args(&with_env[1..])
                    .env_clear()
                    .current_dir(self.folder.path());
            }
            Way::Wrapper => {
                command.env("PALISADE_LIBRARY", library());
            }
        }
        if self.log == Log::File && self.way != Way::None {
            let mut destination = OsString::from("file:");
            destination.push(self.folder.path().join("audit.jsonl"));
            command.env("PALISADE_AUDIT", destination);
        }
        command.envs(self.variables.iter().map(|(n, v)| (n, v)));
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// If it cannot be started, or is not done in time. Then it and its children are killed.
    #[must_use]
    pub fn go(self) -> Outcome {
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command
            .spawn()
            .unwrap_or_else(|cause| panic!("{}: {cause}", self.program.display()));
        let id = child.id();
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let end = Instant::now() + self.patience;
        let mut nap = Duration::from_micros(200);
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < end => thread::sleep(nap),
                Ok(None) => break None,
                Err(cause) => panic!("{}: {cause}", self.program.display()),
            }
            nap = (nap * 2).min(Duration::from_millis(10));
        };
        let rest = end
            .saturating_duration_since(Instant::now())
            .max(Duration::from_secs(1));
        let (out, err) = (stdout.recv_timeout(rest), stderr.recv_timeout(rest));
        let (Some(status), Ok(stdout), Ok(stderr)) = (status, out, err) else {
            // The whole group is ours: `process_group(0)` above.
            if let Some(group) = Pid::from_raw(id.cast_signed()) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait();
            panic!(
                "{} {:?} was not done in {:?}, or left something behind that holds its output",
                self.program.display(),
                self.arguments,
                self.patience
            );
        };
        let log = fs::read(self.folder.path().join("audit.jsonl")).unwrap_or_default();
        Outcome {
            status,
            id,
            stdout,
            stderr,
            log,
            folder: self.folder,
        }
    }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// What became of a run.
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// The process id that it had.
    pub id: u32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// What is in the run's audit file.
    pub log: Vec<u8>,
    /// The run's own folder, which is there as long as this is.
    pub folder: TempDir,
}

impl Outcome {
    /// Standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text, but for what QEMU says there of a program that is killed.
    #[must_use]
    pub fn errors(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        text.split_inclusive('\n')
            .filter(|line| !line.starts_with("qemu: uncaught target signal "))
            .collect()
    }

    /// The exit code, or minus the number of the signal.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| -self.status.signal().unwrap_or(0))
    }

    /// The records in the audit file, in which nothing else may be.
    ///
    /// # Panics
    /// If a line is not what a line must be: one record, at most 4,096 bytes, nothing in it that a terminal would act on.
    #[must_use]
    pub fn audits(&self) -> Vec<Owned> {
        records(&self.log)
    }

    /// The one record in the audit file.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[must_use]
    pub fn audit(&self) -> Owned {
        let mut audits = self.audits();
        assert_eq!(audits.len(), 1, "exactly one audit line: {audits:#?}");
        audits.remove(0)
    }

    /// Everything, for the message of a failed assertion.
    #[must_use]
    pub fn story(&self) -> String {
        format!(
            "status: {}\nstdout: {}\nstderr: {}\naudit: {}",
            self.status,
            self.text(),
            self.errors(),
            String::from_utf8_lossy(&self.log)
        )
    }
}

/// Splits a log into records, and proves of each line what the contract says of lines.
///
/// # Panics
/// If a line is not a record.
#[must_use]
pub fn records(log: &[u8]) -> Vec<Owned> {
    assert!(
        log.is_empty() || log.ends_with(b"\n"),
        "the last line has no end: {:?}",
        String::from_utf8_lossy(log)
    );
    log.split_inclusive(|byte| *byte == b'\n')
        .map(record)
        .collect()
}

fn record(line: &[u8]) -> Owned {
    assert!(
        line.len() <= palisade_audit::LINE_MAX,
        "{} bytes",
        line.len()
    );
    let text = std::str::from_utf8(line).unwrap_or_else(|cause| panic!("{cause}: {line:?}"));
    let body = text.trim_end_matches('\n');
    assert!(
        !body.chars().any(char::is_control),
        "a control character: {body:?}"
    );
    let whole: Value = serde_json::from_str(body).unwrap_or_else(|cause| panic!("{cause}: {body}"));
    assert!(whole.is_object(), "{body}");
    palisade_audit::parse_line(text).unwrap_or_else(|| panic!("not a record: {body}"))
}

/// A policy of one rule named `test` with these sections.
#[must_use]
pub fn policy(sections: Value) -> Value {
    let mut rule = json!({ "name": "test" });
    if let (Some(rule), Value::Object(sections)) = (rule.as_object_mut(), sections) {
        rule.extend(sections);
    }
    json!({ "version": 1, "rules": [rule] })
}

/// The run that `make` describes, with the library and without it.
#[must_use]
pub fn both(make: impl Fn() -> Run) -> (Outcome, Outcome) {
    (make().go(), make().without_library().go())
}
