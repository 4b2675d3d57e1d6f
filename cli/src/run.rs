//! `palisade run`: a program on this machine, under the very wrapper and library that lie in the Lambda layer.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::failure::Failure;
use crate::output::{self, Safe, WARNING};
use crate::source::Source;
use crate::{paths, problems};

/// The wrapper of the layer. It is part of this program, so that the two are never of different versions.
const WRAPPER: &str = include_str!("../../wrapper-script/palisade-wrapper");

/// Run a program under a policy on this machine: same wrapper, same library, no Lambda needed
///
/// The program replaces this process, so that its process id, exit code and signals are its own.
#[derive(clap::Args)]
#[command(after_help = "\
The function that rules with a scope look at is AWS_LAMBDA_FUNCTION_NAME in AWS_REGION of\nPALISADE_ACCOUNT, as in Lambda.

Examples:
  palisade run -- python3 handler.py
  palisade run --policy palisade.json --audit file:audit.jsonl -- node index.mjs
  AWS_LAMBDA_FUNCTION_NAME=pay palisade run --policy palisade.json -- sh -c id

Exit codes: those of the program, and
  2    wrong usage
  66   the policy cannot be read
  78   the policy is not valid, or the library is missing or not fit for this machine
  126  the command cannot be run
  127  the command is not found")]
pub struct Arguments {
    /// The policy, as a file of JSON; without one, what the function itself would find: PALISADE_POLICY, PALISADE_POLICY_FILE, … or the built-in
    /// default
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Where audit lines go: stdout, stderr or file:PATH [default: PALISADE_AUDIT, or stderr outside Lambda]
    #[arg(long, value_name = "DEST", value_parser = destination)]
    audit: Option<String>,

    /// What becomes of the program if the defence cannot start [default: PALISADE_ON_ERROR, or stop]
    #[arg(long, value_name = "WHAT", value_enum)]
    on_error: Option<OnError>,

    /// The library [default: libpalisade.so beside this program, or in its folder `palisade`]
    #[arg(long, value_name = "PATH", env = "PALISADE_LIBRARY")]
    library: Option<PathBuf>,

    /// The program, looked up in PATH if it has no slash, and its arguments
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OnError {
    /// It does not start either
    Stop,
    /// It runs undefended, and the log says so
    Open,
}

/// The program may change its working directory, and the library reads the path again in its children.
fn destination(text: &str) -> Result<String, String> {
    match text.strip_prefix("file:") {
        _ if text == "stdout" || text == "stderr" => Ok(text.to_owned()),
        Some(path) if !path.is_empty() => match std::path::absolute(path) {
            Ok(path) => Ok(format!("file:{}", path.display())),
            Err(cause) => Err(cause.to_string()),
        },
        _ => Err("stdout, stderr or file:PATH is needed".to_owned()),
    }
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let open = match arguments.on_error {
        Some(chosen) => chosen == OnError::Open,
        None => std::env::var_os("PALISADE_ON_ERROR").is_some_and(|value| value == "open"),
    };
    let mut wrapper = Command::new("/bin/sh");

    if let Some(file) = &arguments.policy {
        check(file, open)?;
        wrapper
            .env("PALISADE_POLICY_FILE", absolute(file)?)
            .env_remove("PALISADE_POLICY"); // would be looked at first
    }
    let library = library(arguments.library.as_deref())?;
    if !library.is_file() && !open {
        return Err(Failure::LibraryMissing(library));
    }
    wrapper.env("PALISADE_LIBRARY", &library);
    if let Some(destination) = &arguments.audit {
        wrapper.env("PALISADE_AUDIT", destination);
    }
    match arguments.on_error {
        Some(OnError::Open) => wrapper.env("PALISADE_ON_ERROR", "open"),
        Some(OnError::Stop) => wrapper.env_remove("PALISADE_ON_ERROR"),
        None => &mut wrapper,
    };
    // The shell would say it too, but in its own words, and after the defence has started.
    if let Some(command) = arguments.command.first() {
        let program = paths::find_program(command)?;
        if paths::starts_another(&program) {
            output::stderr(&format!(
                "{WARNING}warning{WARNING:#}: {} is a script for env, which turns into a second program; \
                 `main_only` refuses that: name the interpreter itself\n",
                Safe::of(&program)
            ));
        }
    }

    let cause = wrapper
        .arg("-c")
        .arg(WRAPPER)
        .arg("palisade-wrapper")
        .args(&arguments.command)
        .exec();
    Err(Failure::Start {
        program: "/bin/sh".into(),
        cause,
    })
}

/// Mistakes are told here, all of them, where the library in the function has room for one line.
fn check(file: &Path, open: bool) -> Result<(), Failure> {
    if file == Path::new("-") {
        return Err(Failure::Usage(
            "run needs the policy as a file, since the library reads it".to_owned(),
        ));
    }
    let source = Source::read(file)?;
    let mut text = String::new();
    match source.parse_plain() {
        Ok(parsed) => problems::lints(&mut text, &source.name, &parsed.lints),
        Err(problems) if open => {
            problems::problems(&mut text, &source.name, &source.text(), &problems);
            output::line(
                &mut text,
                format_args!(
                    "{WARNING}warning{WARNING:#}: {} is not a valid policy; the program runs undefended",
                    Safe::of(file)
                ),
            );
        }
        Err(problems) => {
            return Err(source.invalid(problems));
        }
    }
    output::stderr(&text);
    Ok(())
}

fn library(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(library) = given {
        return absolute(library);
    }
    let own = std::env::current_exe().map_err(|cause| Failure::Unreadable {
        file: "/proc/self/exe".into(),
        cause,
    })?;
    let beside = own.with_file_name("libpalisade.so");
    let below = own.with_file_name("palisade").join("libpalisade.so");
    Ok(if !beside.is_file() && below.is_file() {
        below
    } else {
        beside
    })
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|cause| Failure::Unreadable {
        file: path.to_owned(),
        cause,
    })
}
