//! `palisade learn`: from what a function does to the policy that allows just that.

mod build;
mod cover;
mod decisions;
mod gather;
mod generalize;
mod review;
mod volatile;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use palisade_policy::{Effect, Policy};

use crate::audits::{Filter, Filters};
use crate::failure::Failure;
use crate::moment;
use crate::output::{self, STRONG, Safe, WARNING};
use crate::source::Source;
use decisions::Decisions;
use gather::Observed;

/// Learn a policy from what functions did
///
/// Reads the audits of functions whose policy is in mode `learn`, and those of effect `alert`. Where the log speaks of one function, its policy goes
/// to standard output; for many, -o names a directory. What was refused (effect `prevent`) is not learnt.
///
/// Learnt from `learn` audits, a policy closes what the function never did: no programs, no names, no connections, no ports. Alerts tell only what an
/// existing policy does not allow; they are for --merge.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade learn function.log > palisade.json
  palisade learn -o policies/ logs/*.gz
  aws logs filter-log-events --log-group-name /aws/lambda/pay | palisade learn --effect alert
  palisade learn --merge palisade.json --allow 'resolve *.stripe.com' function.log
  palisade learn --review --reasons pay.reasons.json -o . function.log

Exit codes:
  0   the policy is written
  1   there is nothing to learn from
  2   wrong usage
  65  a log is not text, or its gzip is cut
  66  a log or a policy cannot be read
  73  a file cannot be written
  74  the output cannot be written
  78  a policy is not valid")]
pub struct Arguments {
    /// Logs, as `audits` takes them
    #[arg(value_name = "LOG")]
    logs: Vec<PathBuf>,

    /// Only this function, if the log speaks of many; `*` stands for anything
    #[arg(long, value_name = "NAME")]
    function: Option<String>,

    /// Only what was done from then on: 2026-11-20, or how long ago: 3d
    #[arg(long, value_name = "WHEN", value_parser = moment::parse, allow_hyphen_values = true)]
    since: Option<i64>,

    /// Only what was done before
    #[arg(long, value_name = "WHEN", value_parser = moment::parse, allow_hyphen_values = true)]
    until: Option<i64>,

    /// What the policy does to everything else
    #[arg(long, value_name = "EFFECT", value_enum, default_value_t = Does::Prevent)]
    effect: Does,

    /// How much more than what was seen: 0 nothing, 1 names that change with every run, 2 directories and domains of which much was seen,
    /// 3 those of which little was seen
    #[arg(long, value_name = "LEVEL", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=3))]
    generalize: u8,

    /// A policy whose deny rules hold whatever was seen; they are in the result too
    #[arg(long, value_name = "POLICY")]
    baseline: Option<PathBuf>,

    /// Always allowed, as `explain` puts it: 'resolve *.stripe.com', 'connect 10.0.0.0/8:5432', 'open /srv/** --write', 'exec /usr/bin/git', 'listen 8080'
    #[arg(long, value_name = "EVENT")]
    allow: Vec<String>,

    /// Never allowed, whatever was seen
    #[arg(long, value_name = "EVENT")]
    deny: Vec<String>,

    /// Widen this policy by what it does not allow, instead of writing a new one; the difference is told on stderr
    #[arg(long, value_name = "OLD")]
    merge: Option<PathBuf>,

    /// Where to: a file for each function, and beside it the reasons [default: standard output, for one function]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// The side file: why each entry is there, and what was decided; decisions in it hold again [default: beside the policy, with -o]
    #[arg(long, value_name = "FILE")]
    reasons: Option<PathBuf>,

    /// Walk through the entries and decide on each; ends and goes on where you left off
    #[arg(long)]
    review: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Does {
    Prevent,
    Alert,
}

impl Does {
    const fn effect(self) -> Effect {
        match self {
            Self::Prevent => Effect::Prevent,
            Self::Alert => Effect::Alert,
        }
    }
}

/// What is given for all functions.
struct Given {
    baseline: Option<Policy>,
    merge: Option<Policy>,
    flags: Decisions,
}

pub fn learn(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let load = |file: &Option<PathBuf>| -> Result<Option<Policy>, Failure> {
        file.as_ref()
            .map(|file| Ok(Source::read(file)?.load()?.policy))
            .transpose()
    };
    let given = Given {
        baseline: load(&arguments.baseline)?,
        merge: load(&arguments.merge)?,
        flags: Decisions::of_flags(&arguments.allow, &arguments.deny)?,
    };
    let filter = Filter::new(&Filters::of(
        arguments.function.as_deref(),
        arguments.since,
        arguments.until,
    ))?;
    let observed = gather::read(&arguments.logs, &filter)?;
    match (observed.len(), &arguments.output) {
        (0, _) => {
            output::stderr("nothing to learn from: no audits of effect `learn` or `alert`\n");
            return Ok(ExitCode::FAILURE);
        }
        (1, _) | (_, Some(_)) => {}
        (count, None) => {
            let names: Vec<&str> = observed.keys().take(5).map(String::as_str).collect();
            return Err(Failure::Usage(format!(
                "the log speaks of {count} functions ({}{}); -o DIR writes a policy for each, --function picks one",
                Safe::of(&names.join(", ")),
                if count > names.len() { ", …" } else { "" }
            )));
        }
    }
    if observed.len() > 1 && (arguments.reasons.is_some() || arguments.review) {
        return Err(Failure::Usage(
            "--reasons and --review are for one function; --function picks one".to_owned(),
        ));
    }
    for (function, observed) in &observed {
        one(arguments, &given, function, observed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One function, from what was seen to its files.
fn one(
    arguments: &Arguments,
    given: &Given,
    function: &str,
    observed: &Observed,
) -> Result<(), Failure> {
    let place = write::Place::of(
        arguments.output.as_deref(),
        arguments.reasons.as_deref(),
        function,
    );
    if place.policy.is_some() && place.policy == place.reasons {
        return Err(Failure::Usage(
            "--reasons is the file of the policy itself".to_owned(),
        ));
    }
    let mut decisions = Decisions::read(place.reasons.as_deref())?;
    decisions.add(&given.flags);
    let seen: Vec<_> = observed.acts.iter().collect();
    let (kept, refused) = build::keep(&seen, given.baseline.as_ref(), function, &observed.region);
    let new = match &given.merge {
        Some(old) => build::beyond(&kept, old, function, &observed.region),
        None => kept,
    };
    let mut entries = generalize::entries(&new, arguments.generalize);
    if arguments.review {
        let save = |decisions: &Decisions| match &place.reasons {
            Some(file) => write::reasons(
                file,
                &entries,
                &decisions.fleeting(&entries),
                decisions,
                observed,
            )
            .and_then(output::Staged::put),
            None => Ok(()),
        };
        review::walk(&entries, observed, &mut decisions, &save)?;
    }
    let fleeting = decisions.fleeting(&entries);
    entries = decisions.apply(entries);
    let policy = match &given.merge {
        Some(old) => build::merged(old, function, &observed.region, &entries, &decisions)?,
        None => build::fresh(
            function,
            observed,
            &entries,
            &decisions,
            arguments.effect.effect(),
            given.baseline.as_ref(),
        )?,
    };
    tell(function, observed, &entries, &refused, fleeting.len());
    if let Some(old) = &given.merge {
        output::stderr(&crate::diff::told(old, &policy));
    }
    let reasons = place.reasons.as_ref();
    let reasons = reasons
        .map(|file| write::reasons(file, &entries, &fleeting, &decisions, observed))
        .transpose()?;
    write::both(&place, &policy, reasons)
}

fn tell(
    function: &str,
    observed: &Observed,
    entries: &[generalize::Entry],
    refused: &[(String, String)],
    fleeting: usize,
) {
    let mut text = String::new();
    let name = if function.is_empty() {
        "(no name)"
    } else {
        function
    };
    output::line(
        &mut text,
        format_args!(
            "{STRONG}{}{STRONG:#}: {} from {}",
            Safe::of(name),
            match entries.len() {
                1 => "1 entry".to_owned(),
                count => format!("{count} entries"),
            },
            output::counted(observed.events, "event")
        ),
    );
    for (act, place) in refused {
        output::line(
            &mut text,
            format_args!(
                "  {WARNING}not learnt{WARNING:#}: {}, which {} of the baseline denies",
                Safe::of(act),
                Safe::of(place)
            ),
        );
    }
    for program in build::unfollowable(entries) {
        output::line(
            &mut text,
            format_args!(
                "  {WARNING}careful{WARNING:#}: {} cannot be followed (static, privileged or of another C library): what it does is neither learnt nor judged, \
                 and `unfollowable` lets all programs of its kind run that the list has",
                Safe::of(program)
            ),
        );
    }
    if fleeting > 0 {
        output::line(
            &mut text,
            format_args!(
                "  {WARNING}careful{WARNING:#}: {} changes with every run, as it was decided in a review; the file of reasons marks them",
                match fleeting {
                    1 => "what 1 entry spells out".to_owned(),
                    count => format!("what {} entries spell out", output::number(count as u64)),
                }
            ),
        );
    }
    for line in cover::lines(observed, entries) {
        output::line(&mut text, format_args!("  {}", Safe::of(&line)));
    }
    output::stderr(&text);
}
