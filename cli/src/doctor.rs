//! `palisade doctor`: what this place allows, and how Palisade would fare in it.
//!
//! Everything is tried, nothing is looked up by the name of the place: what a sandbox refuses is only known to who asks. The function in
//! `examples/doctor` asks the same on an account of one's own.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use rustix::fs::{MemfdFlags, Mode, OFlags, ResolveFlags};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, DIM, ERROR, Format, GOOD, STRONG, Safe, WARNING};
use crate::room;
use crate::source::Source;

/// Say what this place allows, and how Palisade would fare in it
///
/// Run it where the function runs: in its container image, or on the machine that stands in for Lambda.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade doctor
  palisade doctor --format json

Exit codes:
  0   Palisade would start here
  1   it would not, or would start undefended
  2   wrong usage
  74  the output cannot be written")]
pub struct Arguments {
    /// The library [default: that of the layer, /opt/palisade/libpalisade.so]
    #[arg(long, value_name = "PATH", env = "PALISADE_LIBRARY")]
    library: Option<PathBuf>,

    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What a finding means for Palisade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be, or of no consequence.
    Good,
    /// It works, with something missing.
    Warning,
    /// It would not work.
    Bad,
}

/// One answer.
#[derive(Serialize)]
struct Finding {
    name: &'static str,
    value: String,
    state: State,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'static str,
}

/// The answers about one thing.
#[derive(Serialize)]
struct Part {
    about: &'static str,
    findings: Vec<Finding>,
}

/// `--format json`.
#[derive(Serialize)]
struct Report {
    fit: bool,
    parts: Vec<Part>,
}

pub fn doctor(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let parts = vec![
        part("place", place()),
        part("sandbox", sandbox()),
        part("log", vec![stream("stdout", 1), stream("stderr", 2)]),
        part("palisade", palisade(arguments)),
    ];
    let fit = parts
        .iter()
        .flat_map(|part| &part.findings)
        .all(|finding| finding.state != State::Bad);
    let report = Report { fit, parts };
    match arguments.format {
        Format::Json => output::json(&report)?,
        Format::Text => output::stdout(&text(&report))?,
    }
    Ok(if fit {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

const fn part(about: &'static str, findings: Vec<Finding>) -> Part {
    Part { about, findings }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for part in &report.parts {
        output::line(&mut text, format_args!("{STRONG}{}{STRONG:#}", part.about));
        for finding in &part.findings {
            let (style, word) = match finding.state {
                State::Good => (GOOD, "ok  "),
                State::Warning => (WARNING, "note"),
                State::Bad => (ERROR, "BAD "),
            };
            let value = Safe::of(&finding.value);
            output::line(
                &mut text,
                format_args!("  {style}{word}{style:#}  {:<16} {value}", finding.name),
            );
            if !finding.note.is_empty() {
                output::line(
                    &mut text,
                    format_args!("{:25}{DIM}{}{DIM:#}", "", finding.note),
                );
            }
        }
    }
    output::line(
        &mut text,
        if report.fit {
            format!("{GOOD}Palisade would start here.{GOOD:#}")
        } else {
            format!("{ERROR}Palisade would not defend a function here.{ERROR:#}")
        },
    );
    text
}

const fn good(name: &'static str, value: String) -> Finding {
    finding(name, value, State::Good, "")
}

const fn finding(name: &'static str, value: String, state: State, note: &'static str) -> Finding {
    Finding {
        name,
        value,
        state,
        note,
    }
}

/// Good with this text, or else what the kernel said, with this consequence.
fn tried<T, E: std::fmt::Display>(
    name: &'static str,
    result: Result<T, E>,
    otherwise: State,
    note: &'static str,
) -> Finding {
    match result {
        Ok(_) => good(name, "works".to_owned()),
        Err(cause) => finding(name, format!("refused: {cause}"), otherwise, note),
    }
}

fn place() -> Vec<Finding> {
    let kernel = rustix::system::uname();
    let name = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let writable: Vec<&str> = [
        "/",
        "/tmp",
        "/dev/shm",
        "/var/task",
        "/opt",
        "/home",
        "/run",
    ]
    .into_iter()
    .filter(|folder| may_write(folder))
    .collect();
    let user = format!(
        "{}:{}",
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw()
    );
    vec![
        good(
            "kernel",
            format!("{} {}", name(kernel.release()), name(kernel.machine())),
        ),
        libc(),
        runtime(),
        good("user", user),
        finding(
            "writable",
            writable.join(" "),
            if writable.contains(&"/tmp") {
                State::Good
            } else {
                State::Warning
            },
            "",
        ),
    ]
}

/// The C library that this program has been loaded with, which is the one that the shell and the interpreter of the same image have.
fn libc() -> Finding {
    const NAME: &str = "libc";
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let path = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .find(|path| {
            path.contains("/libc.so") || path.contains("/libc-2.") || path.contains("/ld-musl")
        });
    let Some(path) = path else {
        let note = "this program is statically linked, or /proc is not there; ask with a program of the image";
        return finding(NAME, "unknown".to_owned(), State::Warning, note);
    };
    if path.contains("musl") {
        let note = "Palisade needs glibc: use an Amazon Linux or Debian base";
        return finding(NAME, format!("musl, {path}"), State::Bad, note);
    }
    let content = fs::read(path).unwrap_or_default();
    let version = memchr::memmem::find(&content, b"release version ")
        .and_then(|at| content.get(at + 16..at + 21))
        .map(|bytes| {
            String::from_utf8_lossy(bytes)
                .trim_end_matches(['.', ','])
                .to_owned()
        });
    good(
        NAME,
        format!(
            "glibc {}, {path}",
            version
                .as_deref()
                .unwrap_or("of a version that it does not tell")
        ),
    )
}

/// Which of Lambda's runtimes this is, by what their images have at these places.
fn runtime() -> Finding {
    const NAME: &str = "runtime";
    let named = std::env::var("AWS_EXECUTION_ENV").ok();
    let found = [
        ("Python", "/var/lang/bin/python3"),
        ("Node.js", "/var/lang/bin/node"),
        ("Java", "/var/lang/bin/java"),
        ("Ruby", "/var/lang/bin/ruby"),
        (".NET", "/var/lang/bin/dotnet"),
    ]
    .into_iter()
    .find(|(_, path)| Path::new(path).exists());
    match (named, found) {
        (Some(name), Some((_, path))) => good(NAME, format!("{name}, {path}")),
        (None, Some((name, path))) => good(NAME, format!("{name}, {path}")),
        (Some(name), None) => good(NAME, name),
        (None, None) => finding(
            NAME,
            "none of Lambda's".to_owned(),
            State::Warning,
            "a custom runtime has to start its interpreter through the wrapper itself",
        ),
    }
}

fn sandbox() -> Vec<Finding> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map_or("unknown", str::trim)
            .to_owned()
    };
    let seccomp = match field("Seccomp").as_str() {
        "0" => "none".to_owned(),
        "1" => "strict".to_owned(),
        "2" => "a filter".to_owned(),
        other => other.to_owned(),
    };
    vec![
        good("capabilities", field("CapEff")),
        good("seccomp", seccomp),
        good("no_new_privs", field("NoNewPrivs")),
        tried(
            "prctl",
            rustix::thread::no_new_privs(),
            State::Good,
            "as in Lambda; Palisade can do without",
        ),
        tried(
            "memfd_create",
            rustix::fs::memfd_create("palisade", MemfdFlags::CLOEXEC),
            State::Good,
            "Palisade does not need it",
        ),
        tried(
            "openat2",
            rustix::fs::openat2(
                rustix::fs::CWD,
                "/",
                OFlags::PATH | OFlags::CLOEXEC,
                Mode::empty(),
                ResolveFlags::NO_SYMLINKS,
            ),
            State::Good,
            "each open of a file under a filesystem policy then costs three system calls more",
        ),
        tried(
            "threads",
            std::thread::Builder::new()
                .spawn(|| ())
                .map(std::thread::JoinHandle::join),
            State::Warning,
            "clone3 must work or give ENOSYS: after any other error glibc from 2.34 on gives up",
        ),
        tried(
            "posix_spawn",
            Command::new("/bin/sh")
                .args(["-c", ":"])
                .stdin(Stdio::null())
                .status(),
            State::Warning,
            "no program can be started: by clone3 (as for threads), or because Palisade is at work already",
        ),
        io_uring(),
    ]
}

/// Asking the call itself takes unsafe code, which this program has none of; the function in examples/doctor does.
fn io_uring() -> Finding {
    let switch = fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    let value = match switch.as_deref().map(str::trim) {
        Ok("0") => "allowed by the kernel; a filter may still refuse it",
        Ok("1") => "for a group only (kernel.io_uring_disabled is 1)",
        Ok(_) => "off (kernel.io_uring_disabled is 2)",
        Err(_) => "not known to this kernel's settings (before Linux 6.6, or none)",
    };
    good("io_uring", value.to_owned())
}

/// Where audit lines may go: what a descriptor is, and whether children can open it again by its name in /proc.
fn stream(name: &'static str, descriptor: u32) -> Finding {
    let path = format!("/proc/self/fd/{descriptor}");
    let Ok(metadata) = fs::metadata(&path) else {
        return finding(
            name,
            "closed".to_owned(),
            State::Warning,
            "audit lines need another place: PALISADE_AUDIT=file:/tmp/audit.jsonl",
        );
    };
    let kind = metadata.file_type();
    let kind = if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() {
        "a character device"
    } else {
        "a file"
    };
    match OpenOptions::new().append(true).open(&path) {
        Ok(_) => good(name, format!("{kind}, can be opened again")),
        Err(cause) => finding(
            name,
            format!("{kind}, cannot be opened again: {cause}"),
            State::Good,
            "children hand their lines to the main process instead",
        ),
    }
}

fn palisade(arguments: &Arguments) -> Vec<Finding> {
    let library = arguments
        .library
        .clone()
        .unwrap_or_else(|| "/opt/palisade/libpalisade.so".into());
    vec![
        wrapper(),
        loads(&library),
        policy(),
        good(
            "at work here",
            if is_at_work() {
                "yes: the library is loaded into this very process"
            } else {
                "no"
            }
            .to_owned(),
        ),
    ]
}

/// Has this process been started under Palisade?
fn is_at_work() -> bool {
    fs::read_to_string("/proc/self/maps").is_ok_and(|maps| maps.contains("libpalisade.so"))
}

fn wrapper() -> Finding {
    const NAME: &str = "wrapper";
    match std::env::var("AWS_LAMBDA_EXEC_WRAPPER") {
        Ok(path) if Path::new(&path).is_file() => good(NAME, path),
        Ok(path) => finding(
            NAME,
            format!("{path} is not there"),
            State::Bad,
            "Lambda starts nothing then",
        ),
        Err(_) => finding(
            NAME,
            "AWS_LAMBDA_EXEC_WRAPPER is not set".to_owned(),
            State::Warning,
            "set it to /opt/palisade-wrapper",
        ),
    }
}

/// The wrapper's own probe: a shell with the library in it, which ends with 99 if that could be loaded. Where Palisade is at work, it keeps its
/// variables, the probe's among them, out of what is started; but then there is nothing left to ask.
fn loads(library: &Path) -> Finding {
    const NAME: &str = "library";
    let shown = library.display();
    if !library.is_file() {
        return finding(
            NAME,
            format!("{shown} is not there"),
            State::Bad,
            "add the layer, or name the library with --library",
        );
    }
    if is_at_work() {
        return good(NAME, format!("{shown} is there, and one is loaded"));
    }
    let probe = Command::new("/bin/sh")
        .args(["-c", ":", "/bin/sh"])
        .env("LD_PRELOAD", library)
        .env("PALISADE_PROBE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match probe.map(|status| status.code()) {
        Ok(Some(99)) => good(NAME, format!("{shown} can be loaded")),
        Ok(_) => finding(
            NAME,
            format!("{shown} cannot be loaded"),
            State::Bad,
            "it is of another architecture than /bin/sh, truncated, or that shell is not linked against glibc",
        ),
        Err(cause) => finding(
            NAME,
            format!("{shown}: nothing could be started: {cause}"),
            State::Warning,
            "",
        ),
    }
}

/// The policy that a function here would find, in the library's own order.
fn policy() -> Finding {
    const NAME: &str = "policy";
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let (place, problems) = if let Some(value) = variable("PALISADE_POLICY") {
        let read = palisade_policy::read(value.as_bytes());
        if read.is_ok() && !room::fits(value.len()) {
            return finding(
                NAME,
                "PALISADE_POLICY is valid".to_owned(),
                State::Warning,
                "too long for Lambda, which takes 4 KB of variables in all; palisade check says what to do",
            );
        }
        ("PALISADE_POLICY".to_owned(), read.map(|_| ()).err())
    } else {
        let named = variable("PALISADE_POLICY_FILE").map(PathBuf::from);
        let found = named.or_else(|| {
            ["/var/task/palisade.json", "/opt/palisade/policy.json"]
                .into_iter()
                .map(PathBuf::from)
                .find(|path| path.exists())
        });
        let Some(path) = found else {
            return good(
                NAME,
                "the built-in default: only the main process may run programs".to_owned(),
            );
        };
        let place = path.display().to_string();
        match readable(&path) {
            Ok(source) => (place, source.parse_plain().map(|_| ()).err()),
            Err(why) => {
                let note = "the start would be stopped (exit 78)";
                return finding(NAME, format!("{place}: {why}"), State::Bad, note);
            }
        }
    };
    match problems.as_deref() {
        None => good(NAME, format!("{place} is valid")),
        Some(problems) => {
            let first = problems
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            finding(
                NAME,
                format!("{place} is not valid: {first}"),
                State::Bad,
                "the start would be stopped (exit 78); palisade check tells everything that is wrong",
            )
        }
    }
}

fn readable(path: &Path) -> Result<Source, String> {
    if !path.is_absolute() {
        return Err("the path is relative; expected an absolute one".to_owned());
    }
    let mut first = [0];
    File::open(path)
        .and_then(|mut file| file.read(&mut first))
        .map_err(|cause| cause.to_string())?;
    Source::read(path).map_err(|failure| failure.to_string())
}

/// Only an attempt tells: neither the mode nor the mount says what a sandbox does.
fn may_write(folder: &str) -> bool {
    let path = Path::new(folder).join(format!(".palisade-doctor-{}", std::process::id()));
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .is_ok();
    made && fs::remove_file(&path).is_ok()
}
