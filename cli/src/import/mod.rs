//! `palisade import`: the policies of other products, and what of them has no equal here.

mod functionshield;
mod prisma;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::change::{self, Change};
use crate::failure::Failure;
use crate::output::{self, Safe, WARNING};
use crate::problems;
use crate::source::read_text;

/// Turn the policy of another product into one of Palisade
///
/// The policy goes to standard output. Each thing that has no equal gets a line on standard error, with its place in the file.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade import prisma serverless-runtime.json > palisade.json
  palisade import functionshield handler.js > palisade.json

Exit codes:
  0   the policy is on stdout; lines on stderr may say what is not in it
  1   with --strict: something has no equal
  2   wrong usage
  65  the file is not a policy of that product
  66  the file cannot be read
  74  the output cannot be written")]
pub struct Arguments {
    /// Whose policy: `prisma` is the JSON of Prisma Cloud's serverless runtime policy, `functionshield` the `policy` object of FunctionShield, in JSON or
    /// within the source that configures it
    #[arg(value_enum)]
    product: Product,

    /// The file; `-` reads standard input
    file: PathBuf,

    /// Exit with 1 if something has no equal
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Product {
    Prisma,
    Functionshield,
}

/// What has no equal: where, and why.
#[derive(Default)]
pub struct Notes(Vec<(String, String)>);

impl Notes {
    pub fn add(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.0.push((place.into(), what.into()));
    }
}

pub fn import(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let text = read_text(&arguments.file)?;
    let mut notes = Notes::default();
    let rules = match arguments.product {
        Product::Prisma => prisma::rules(&text, &mut notes),
        Product::Functionshield => functionshield::rules(&text, &mut notes),
    }
    .map_err(|message| Failure::Unfit {
        file: arguments.file.clone(),
        message,
    })?;
    let policy = json!({"version": 1, "rules": rules});
    let parsed = palisade_policy::parse(policy.to_string().as_bytes()).map_err(|problems| {
        Failure::Invalid {
            name: "the imported policy".into(),
            policy: String::new(),
            problems,
        }
    })?;
    let mut beside = String::new();
    for (place, what) in &notes.0 {
        output::line(
            &mut beside,
            format_args!(
                "{WARNING}no equal{WARNING:#}: {}: {}",
                Safe::of(place),
                Safe::of(what)
            ),
        );
    }
    problems::lints(&mut beside, "the imported policy".as_ref(), &parsed.lints);
    output::stderr(&beside);
    output::json(&parsed.policy)?;
    Ok(if arguments.strict && !notes.0.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Adds an entry to a list of a rule if the policy crate takes it there, and says so if not.
pub fn entry(rule: &mut Value, list: &str, entry: Value, place: &str, notes: &mut Notes) {
    match change::fits(list, &entry) {
        Ok(()) => Change::Add {
            list: list.to_owned(),
            entry,
        }
        .apply(rule),
        Err(why) => notes.add(place, why),
    }
}
