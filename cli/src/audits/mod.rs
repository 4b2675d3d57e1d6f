//! `palisade audits`: what happened, out of any log.

mod chart;
mod fields;
mod filter;
mod fold;
mod line;
mod tally;

use std::path::PathBuf;
use std::process::ExitCode;

use palisade_audit::Borrowed;

use crate::export::{self, Target};
use crate::failure::Failure;
use crate::log::{Entry, Flow, Logs};
use crate::output::Page;
use fold::Fold;
use tally::{Groups, Summary};

pub use fields::Field;
pub use filter::{Filter, Filters};

/// Show the audits in logs: filter, count, sum up, follow, hand on
///
/// Reads lines of JSON between those of other writers, the JSON of `aws logs filter-log-events`, CSV of Logs Insights, the text of
/// `aws logs tail`, and all of them as gzip. Nothing has to be said about the format. Equal audits near each other are one line with a count.
///
/// Whoever can write to the log can write a line that looks like an audit.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade audits function.log
  palisade audits --effect prevent --since 2h --type dns,network *.log.gz
  aws logs tail /aws/lambda/pay --follow | palisade audits -f
  palisade audits --summary export.json
  palisade audits --group-by function,attack logs/*
  palisade audits --to ocsf function.log > events.jsonl

Exit codes:
  0   done, whether there were audits or not
  2   wrong usage
  65  a log is not text, or its gzip is cut
  66  a log cannot be read
  74  the output cannot be written")]
pub struct Arguments {
    /// Logs; `-` or none reads standard input
    #[arg(value_name = "LOG")]
    logs: Vec<PathBuf>,

    /// Wait for more, as `tail -f` does; one file, or standard input
    #[arg(short, long)]
    follow: bool,

    #[command(flatten)]
    filter: Filters,

    /// Count by one field or more
    #[arg(
        long,
        value_name = "FIELD",
        value_enum,
        value_delimiter = ',',
        conflicts_with_all = ["summary", "to", "follow"]
    )]
    group_by: Vec<Field>,

    /// Tables of what was seen most, and when
    #[arg(long, conflicts_with_all = ["to", "follow"])]
    summary: bool,

    /// So many lines in each table
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,

    /// JSON: one audit a line, never folded; with --group-by and --summary one object
    #[arg(long, conflicts_with = "to")]
    json: bool,

    /// One line for each audit, equal or not
    #[arg(long)]
    no_fold: bool,

    /// For other systems: `ocsf` and `ecs` give an event a line, `asff` an array a line, as `securityhub batch-import-findings` takes it
    #[arg(long, value_name = "FORMAT", value_enum)]
    to: Option<Target>,

    /// The AWS account, which audits do not say; needed by `asff`
    #[arg(long, value_name = "NUMBER", env = "PALISADE_ACCOUNT")]
    account: Option<String>,
}

/// What becomes of the audits.
enum Sink {
    Lines(Fold),
    Json,
    Groups(Groups),
    Summary(Box<Summary>),
    Export(export::Exporter),
}

pub fn audits(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let filter = Filter::new(&arguments.filter)?;
    let mut page = Page::new(arguments.follow);
    let mut sink = match arguments.to {
        Some(target) => Sink::Export(export::Exporter::new(target, arguments.account.clone())?),
        None if arguments.summary => Sink::Summary(Box::default()),
        None if !arguments.group_by.is_empty() => {
            Sink::Groups(Groups::new(arguments.group_by.clone()))
        }
        None if arguments.json => Sink::Json,
        None => Sink::Lines(Fold::new(!arguments.no_fold, arguments.follow)),
    };
    let quiet = !matches!(sink, Sink::Summary(_) | Sink::Groups(_));
    let logs = Logs {
        files: &arguments.logs,
        follow: arguments.follow,
        starts: false,
        progress: !(quiet && std::io::IsTerminal::is_terminal(&std::io::stdout())),
    };
    let read = logs.read(&mut |entry| {
        match entry {
            Entry::Audit { audit, .. } if filter.accepts(audit) => sink.take(audit, &mut page)?,
            Entry::Idle => {
                if let Sink::Lines(fold) = &mut sink {
                    fold.idle(&mut page);
                }
            }
            _ => {}
        }
        page.turn(arguments.follow)
    });
    // What came before a failure is shown all the same; a sum of it would be taken for one of all.
    if read.is_ok() || quiet {
        sink.end(&mut page, arguments)?;
        page.turn(true)?;
    }
    read?.tell();
    Ok(ExitCode::SUCCESS)
}

impl Sink {
    fn take(&mut self, audit: &Borrowed<'_>, page: &mut Page) -> Result<(), Failure> {
        match self {
            Self::Lines(fold) => fold.take(audit, page),
            Self::Json => page.json(audit)?,
            Self::Groups(groups) => groups.take(audit),
            Self::Summary(summary) => summary.take(audit),
            Self::Export(exporter) => exporter.take(audit, page)?,
        }
        Ok(())
    }

    fn end(self, page: &mut Page, arguments: &Arguments) -> Result<(), Failure> {
        let top = usize::from(arguments.top);
        match self {
            Self::Lines(fold) => fold.end(page),
            Self::Json => {}
            Self::Export(exporter) => exporter.end(page)?,
            Self::Groups(mut groups) if arguments.json => page.json(&groups.json(top))?,
            Self::Groups(mut groups) => groups.text(top, page),
            Self::Summary(mut summary) if arguments.json => page.json(&summary.json(top))?,
            Self::Summary(mut summary) => summary.text(top, page),
        }
        Ok(())
    }
}

impl Page {
    /// Writes what has gathered, if it is much or if it must not wait.
    fn turn(&mut self, now: bool) -> Result<Flow, Failure> {
        Ok(if self.write(now)? {
            Flow::Continue
        } else {
            Flow::Stop
        })
    }
}
