//! `palisade new`: a policy to begin with.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::output::{self, DIM, STRONG};

/// Write a policy to begin with
///
/// Without --template, the templates are listed. Each works as it is with the runtimes of AWS; what a function needs beyond it is
/// found with `palisade learn`, or with `palisade explain --audit` for one act.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade new
  palisade new --template aws-only -o palisade.json

Exit codes:
  0   done
  2   wrong usage
  73  the file cannot be written, or is there already
  74  the output cannot be written")]
pub struct Arguments {
    /// Which
    #[arg(long, value_enum)]
    template: Option<Template>,

    /// Where to [default: standard output]; a file that is there is kept
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Template {
    /// The built-in policy: only the main process runs programs, all else is open
    Default,
    /// A caller of HTTPS APIs: no programs, no other ports, no metadata service, no credentials out of /proc
    ApiOnly,
    /// Nothing goes out and no name is resolved
    NoEgress,
    /// Reads what it likes and writes nothing, not even to /tmp
    ReadOnly,
    /// Reaches services of AWS and nothing else
    AwsOnly,
    /// All of it at once; files only of the runtime, of the function and below /tmp
    Strict,
}

impl Template {
    const fn text(self) -> &'static str {
        match self {
            Self::Default => include_str!("../templates/default.json"),
            Self::ApiOnly => include_str!("../templates/api-only.json"),
            Self::NoEgress => include_str!("../templates/no-egress.json"),
            Self::ReadOnly => include_str!("../templates/read-only.json"),
            Self::AwsOnly => include_str!("../templates/aws-only.json"),
            Self::Strict => include_str!("../templates/strict.json"),
        }
    }
}

pub fn new(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Some(template) = arguments.template else {
        let mut text = String::new();
        for template in Template::value_variants() {
            if let Some(value) = template.to_possible_value() {
                let help = value
                    .get_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                output::line(
                    &mut text,
                    format_args!(
                        "{STRONG}{:<10}{STRONG:#} {DIM}{help}{DIM:#}",
                        value.get_name()
                    ),
                );
            }
        }
        output::stdout(&text)?;
        return Ok(ExitCode::SUCCESS);
    };
    match &arguments.output {
        None => output::stdout(template.text())?,
        Some(file) => OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(file)
            .and_then(|mut open| {
                open.write_all(template.text().as_bytes())
                    .inspect_err(|_| drop(std::fs::remove_file(file)))
            })
            .map_err(|cause| Failure::Unwritable {
                file: file.clone(),
                cause,
            })?,
    }
    Ok(ExitCode::SUCCESS)
}
