//! `palisade check`: is this policy without mistakes, and what would it do?

use std::path::PathBuf;
use std::process::ExitCode;

use palisade_policy::{Lint, Parsed, Problem};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, ERROR, Format, GOOD, Safe};
use crate::room::TooLong;
use crate::source::Source;
use crate::{problems, summary};

/// Check a policy: every mistake at once, and what looks like one
///
/// A policy without mistakes is summed up, rule by rule; a note says if it is too long for a function's environment. Problems name the place, the value, what is wrong with it and what would be
/// right.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade check palisade.json
  palisade check --deny-warnings --format json palisade.json
  printenv PALISADE_POLICY | palisade check -

Exit codes:
  0   the policy is valid; there may be warnings
  1   the policy has errors, or warnings with --deny-warnings
  2   wrong usage
  66  the file cannot be read
  74  the output cannot be written")]
pub struct Arguments {
    /// The policy: JSON, or what the variable PALISADE_POLICY takes (base64 of it, or of its gzip); `-` reads standard input
    file: PathBuf,

    /// Exit with 1 if there are warnings
    #[arg(long)]
    deny_warnings: bool,

    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn check(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let source = Source::read(&arguments.file)?;
    let result = source.parse();
    let too_long = result.as_ref().ok().and(TooLong::of(source.bytes()));
    match arguments.format {
        Format::Text => text(&source, &result, too_long.as_ref())?,
        Format::Json => output::json(&Report::of(&result, too_long.as_ref()))?,
    }
    let good = match &result {
        Ok(parsed) => parsed.lints.is_empty() || !arguments.deny_warnings,
        Err(_) => false,
    };
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is wrong goes to stderr, as every compiler has it; the summary is the result.
fn text(
    source: &Source,
    result: &Result<Parsed, Vec<Problem>>,
    too_long: Option<&TooLong>,
) -> Result<(), Failure> {
    let (mut beside, mut out) = (String::new(), String::new());
    let name = Safe::of(&source.name);
    match result {
        Ok(parsed) => {
            problems::lints(&mut beside, &source.name, &parsed.lints);
            if let Some(too_long) = too_long {
                let message = too_long.to_string();
                problems::note(&mut beside, &source.name, TooLong::CODE, &message);
            }
            let warnings = match parsed.lints.len() {
                0 => String::new(),
                count => format!(", {}", output::counted(count as u64, "warning")),
            };
            let rules = output::counted(parsed.policy.rules.len() as u64, "rule");
            output::line(
                &mut out,
                format_args!("{name}: {GOOD}valid{GOOD:#}, {rules}{warnings}"),
            );
            summary::policy(&mut out, &parsed.policy);
        }
        Err(problems) => {
            problems::problems(&mut beside, &source.name, &source.text(), problems);
            let errors = output::counted(problems.len() as u64, "error");
            output::line(
                &mut beside,
                format_args!("{name}: {ERROR}not valid{ERROR:#}, {errors}"),
            );
        }
    }
    output::stderr(&beside);
    output::stdout(&out)
}

/// `--format json`. Places are those of the text form; absent fields are not known.
#[derive(Serialize)]
struct Report<'a> {
    valid: bool,
    errors: Vec<Error<'a>>,
    warnings: Vec<Warning<'a>>,
    notes: Vec<Note>,
}

#[derive(Serialize)]
struct Error<'a> {
    place: &'a str,
    value: &'a str,
    message: &'a str,
    expected: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

#[derive(Serialize)]
struct Warning<'a> {
    code: &'a str,
    place: &'a str,
    value: &'a str,
    message: &'a str,
}

/// Nothing that is wrong, and `--deny-warnings` lets it be.
#[derive(Serialize)]
struct Note {
    code: &'static str,
    message: String,
}

impl<'a> Report<'a> {
    fn of(result: &'a Result<Parsed, Vec<Problem>>, too_long: Option<&TooLong>) -> Self {
        let (lints, problems): (&[Lint], &[Problem]) = match result {
            Ok(parsed) => (&parsed.lints, &[]),
            Err(problems) => (&[], problems),
        };
        Self {
            valid: result.is_ok(),
            errors: problems
                .iter()
                .map(|problem| Error {
                    place: &problem.place,
                    value: &problem.value,
                    message: &problem.message,
                    expected: &problem.expected,
                    line: problem.line,
                    column: problem.column,
                })
                .collect(),
            warnings: lints
                .iter()
                .map(|lint| Warning {
                    code: lint.code,
                    place: &lint.place,
                    value: &lint.value,
                    message: &lint.message,
                })
                .collect(),
            notes: too_long
                .into_iter()
                .map(|too_long| Note {
                    code: TooLong::CODE,
                    message: too_long.to_string(),
                })
                .collect(),
        }
    }
}
