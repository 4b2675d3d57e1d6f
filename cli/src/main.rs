//! `palisade`: what a person does with a policy before it guards a function, on any machine.
//!
//! `check` finds mistakes, `explain` asks for one verdict, `run` starts a program under the very wrapper and library that lie in the
//! Lambda layer. Verdicts come from `palisade_policy` alone, so that this tool and the library cannot disagree.
#![forbid(unsafe_code)]

mod act;
mod ask;
mod audits;
mod change;
mod check;
mod diff;
mod doctor;
mod event;
mod excerpt;
mod explain;
mod export;
mod failure;
mod import;
mod learn;
mod log;
mod manners;
mod moment;
mod new;
mod output;
mod paths;
mod problems;
mod remedy;
mod report;
mod room;
mod run;
mod source;
mod spread;
mod summary;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// Runtime defence for serverless functions: check a policy, ask it, run a program under it.
#[derive(Parser)]
#[command(name = "palisade", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Audits(audits::Arguments),
    Check(check::Arguments),
    Diff(diff::Arguments),
    Doctor(doctor::Arguments),
    Completions(manners::Completions),
    Explain(explain::Arguments),
    Import(import::Arguments),
    Learn(learn::Arguments),
    Man(manners::Man),
    New(new::Arguments),
    Report(report::Arguments),
    Run(run::Arguments),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return tell(&answer),
    };
    let done = match cli.command {
        Command::Audits(arguments) => audits::audits(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Diff(arguments) => diff::diff(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Completions(arguments) => manners::completions(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Import(arguments) => import::import(&arguments),
        Command::Learn(arguments) => learn::learn(&arguments),
        Command::Man(arguments) => manners::man(&arguments),
        Command::New(arguments) => new::new(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Run(arguments) => run::run(&arguments),
    };
    done.unwrap_or_else(|failure| failure.tell())
}

/// Prints the help that was asked for, or what is wrong with the usage, which is exit code 2.
fn tell(answer: &clap::Error) -> ExitCode {
    let told = answer.print().and_then(|()| io::stdout().flush());
    match told {
        // Help that was not printed is none. A reader who has gone, as `head` does, is no failure.
        Err(cause) if !answer.use_stderr() && cause.kind() != io::ErrorKind::BrokenPipe => {
            Failure::Output(cause).tell()
        }
        _ => ExitCode::from(if answer.use_stderr() { 2 } else { 0 }),
    }
}
