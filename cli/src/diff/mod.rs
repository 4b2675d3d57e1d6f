//! `palisade diff`: what a change of a policy newly allows and newly refuses.

#[cfg(test)]
mod properties;
mod replay;
mod rules;
mod scopes;
mod trial;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;

use palisade_policy::Policy;
use serde::Serialize;

use crate::audits::{Filter, Filters};
use crate::failure::Failure;
use crate::output::{self, DIM, Format, GOOD, STRONG, Safe, WARNING};
use crate::source::Source;

/// Say in sentences what a change of a policy newly allows and newly refuses
///
/// What a section of effect `alert` forbids is only reported: its changes are told as what is now reported and what no longer is. Where another rule than before
/// decides for some functions, the two rules are compared.
///
/// Each entry that came or went is tried on both policies with examples that it matches, those among them which other entries are about: a change
/// without effect is told as such, and of one that is effective in part, for what.
/// With --replay, the acts that a log tells of are put to both policies.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade diff old.json new.json
  palisade diff old.json new.json --replay function.log
  git show HEAD:policy.json | palisade diff - policy.json --exit-code

Exit codes:
  0   the difference is on stdout, if there is one
  1   with --exit-code: something is newly allowed, which was refused
  2   wrong usage
  3   with --exit-code: nothing is newly allowed, something is newly refused
  65  a log is not text, or its gzip is cut
  66  a file cannot be read
  74  the output cannot be written
  78  a policy is not valid")]
pub struct Arguments {
    /// The policy as it was; `-` reads standard input
    old: PathBuf,
    /// The policy as it will be
    new: PathBuf,

    /// A log whose acts are put to both policies; may be given more than once
    #[arg(long, value_name = "LOG")]
    replay: Vec<PathBuf>,

    #[command(flatten)]
    filter: Filters,

    /// The AWS account, for rules with a scope
    #[arg(
        long,
        value_name = "NUMBER",
        env = "PALISADE_ACCOUNT",
        default_value = "",
        hide_default_value = true
    )]
    account: String,

    /// Exit with 1 if something is newly allowed, with 3 if something is only newly refused
    #[arg(long)]
    exit_code: bool,

    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// What was refused is possible now.
    Allows,
    /// What was possible, reported or not, is refused now.
    Refuses,
    /// What was possible without a word is reported now, and still possible.
    Reports,
    /// What was reported is possible without a word now.
    Silences,
    /// What else has to be known; others say what it means.
    Changes,
    /// Nothing.
    Neither,
}

/// One difference.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The rule, as a person calls it.
    pub rule: String,
    pub way: Way,
    pub sentence: String,
}

#[derive(Serialize)]
struct Report<'a> {
    differences: &'a [Difference],
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<&'a replay::Replay>,
}

pub fn diff(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let old = Source::read(&arguments.old)?.load()?.policy;
    let new = Source::read(&arguments.new)?.load()?.policy;
    let differences = rules::differences(&old, &new);
    let replay = replayed(arguments, &old, &new)?;
    match arguments.format {
        Format::Json => output::json(&Report {
            differences: &differences,
            replay: replay.as_ref(),
        })?,
        Format::Text => {
            let mut text = String::new();
            tell(&mut text, &differences);
            if let Some(replay) = &replay {
                replay.tell(&mut text);
            }
            output::stdout(&text)?;
        }
    }
    let goes = |way| {
        differences.iter().any(|difference| difference.way == way)
            || replay.as_ref().is_some_and(|replay| replay.goes(way))
    };
    Ok(match () {
        () if arguments.exit_code && goes(Way::Allows) => ExitCode::from(1),
        () if arguments.exit_code && goes(Way::Refuses) => ExitCode::from(3),
        () => ExitCode::SUCCESS,
    })
}

fn replayed(
    arguments: &Arguments,
    old: &Policy,
    new: &Policy,
) -> Result<Option<replay::Replay>, Failure> {
    if arguments.replay.is_empty() {
        return Ok(None);
    }
    let filter = Filter::new(&arguments.filter)?;
    replay::run(&arguments.replay, &filter, &arguments.account, (old, new)).map(Some)
}

/// The difference in sentences, for other commands.
pub fn told(old: &Policy, new: &Policy) -> String {
    let mut text = String::new();
    tell(&mut text, &rules::differences(old, new));
    text
}

fn tell(text: &mut String, differences: &[Difference]) {
    if differences.is_empty() {
        output::line(text, "The policies mean the same.");
        return;
    }
    let mut rule = "";
    for difference in differences {
        if difference.rule != rule {
            rule = &difference.rule;
            output::line(text, format_args!("{STRONG}{}{STRONG:#}", Safe::of(rule)));
        }
        let sentence = Safe::of(&difference.sentence);
        let line = match difference.way {
            Way::Allows => format!("  {WARNING}newly allows{WARNING:#}   {sentence}"),
            Way::Refuses => format!("  {GOOD}newly refuses{GOOD:#}  {sentence}"),
            Way::Reports => format!("  {GOOD}now reports{GOOD:#}    {sentence}"),
            Way::Silences => format!("  {WARNING}no longer reports{WARNING:#}  {sentence}"),
            Way::Changes => format!("  {STRONG}changes{STRONG:#}        {sentence}"),
            Way::Neither => format!("  {DIM}no effect{DIM:#}      {sentence}"),
        };
        output::line(text, line);
    }
}
