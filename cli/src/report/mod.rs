//! `palisade report`: one page to look at, which needs nothing but a browser.

mod entries;
mod page;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use palisade_audit::Borrowed;
use palisade_policy::{Compiled, Identity, Policy};
use serde::Serialize;

use crate::act::Act;
use crate::ask;
use crate::audits::{Field, Filter, Filters};
use crate::failure::Failure;
use crate::log::{Entry, Flow, Logs, events};
use crate::moment;
use crate::output::{self, Safe};
use crate::source::Source;
use crate::spread;
use entries::PolicyEntry;

/// Write a page that shows what happened: over time, by function, kind, rule and reason
///
/// The page is one file and loads nothing. It filters in the browser, works by keyboard, on a phone and in the dark, and holds every
/// audit up to --limit. With --policy, it shows how often each entry of the policy decided, and which never did.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  palisade report function.log -o report.html
  palisade report --policy palisade.json --since 7d logs/*.gz -o week.html

Exit codes:
  0   the page is written
  2   wrong usage
  65  a log is not text, or its gzip is cut
  66  a log or the policy cannot be read
  73  the page cannot be written
  78  the policy is not valid")]
pub struct Arguments {
    /// Logs, as `audits` takes them
    #[arg(value_name = "LOG")]
    logs: Vec<PathBuf>,

    /// The page
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The policy whose entries are shown beside the audits
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// The AWS account, for rules with a scope
    #[arg(
        long,
        value_name = "NUMBER",
        env = "PALISADE_ACCOUNT",
        default_value = "",
        hide_default_value = true
    )]
    account: String,

    /// So many audits at most; equal ones of a second are one with a count
    #[arg(long, value_name = "N", default_value_t = 500_000)]
    limit: usize,

    #[command(flatten)]
    filter: Filters,
}

/// What the page holds: a table by columns, whose texts are numbers into one list.
#[derive(Default, Serialize)]
struct Data {
    strings: Vec<String>,
    columns: Columns,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Vec<PolicyEntry>>,
    beyond: u64,
    /// The part of time that its bars are for, in milliseconds, where that is not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<(i64, i64)>,
    #[serde(skip)]
    numbers: HashMap<String, u32>,
}

#[derive(Default, Serialize)]
struct Columns {
    time: Vec<Option<i64>>,
    count: Vec<u64>,
    pid: Vec<u32>,
    place: Vec<i32>,
    timestamp: Vec<u32>,
    r#type: Vec<u32>,
    effect: Vec<u32>,
    attack: Vec<u32>,
    rule: Vec<u32>,
    function: Vec<u32>,
    region: Vec<u32>,
    process: Vec<u32>,
    target: Vec<u32>,
    command: Vec<u32>,
    access: Vec<u32>,
    message: Vec<u32>,
    techniques: Vec<u32>,
}

pub fn report(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let filter = Filter::new(&arguments.filter)?;
    let policy = match &arguments.policy {
        Some(file) => Some(Source::read(file)?.load()?.policy),
        None => None,
    };
    let mut data = Data {
        policy: policy.as_ref().map(entries::of).transpose()?,
        ..Data::default()
    };
    let places: HashMap<String, i32> = data
        .policy
        .iter()
        .flatten()
        .zip(0..)
        .map(|(entry, index)| (entry.place.clone(), index))
        .collect();
    let mut judge = policy.map(|policy| Judge {
        policy,
        account: &arguments.account,
        compiled: HashMap::new(),
        places,
    });
    let logs = Logs {
        files: &arguments.logs,
        follow: false,
        starts: false,
        progress: true,
    };
    let seen = logs.read(&mut |entry| {
        if let Entry::Audit { audit, .. } = entry
            && filter.accepts(audit)
        {
            if data.columns.time.len() < arguments.limit {
                let place = judge.as_mut().map_or(-1, |judge| judge.place(audit));
                data.add(audit, place);
            } else {
                data.beyond += 1;
            }
        }
        Ok(Flow::Continue)
    })?;
    data.shown = data.columns.shown();
    let page = page::page(&data).map_err(|cause| Failure::Output(cause.into()))?;
    output::replace(&arguments.output, page)?;
    seen.tell();
    output::stderr(&format!(
        "{}: {} of {}{}\n",
        Safe::of(&arguments.output),
        output::counted(data.columns.time.len() as u64, "row"),
        output::counted(seen.audits, "audit"),
        if data.beyond > 0 {
            format!("; {} beyond --limit", output::number(data.beyond))
        } else {
            String::new()
        }
    ));
    Ok(ExitCode::SUCCESS)
}

impl Columns {
    fn shown(&self) -> Option<(i64, i64)> {
        let mut times: Vec<(i64, u64)> = self
            .time
            .iter()
            .flatten()
            .map(|time| (time * 1000, 1))
            .collect();
        times.sort_unstable();
        let shown = spread::shown(&times)?;
        Some((shown.start().div_euclid(1000), shown.end().div_euclid(1000)))
    }
}

impl Data {
    /// The number of a text, in the form in which it can be shown: what acts or cannot be seen is written out here, since the browser would
    /// let it turn the line around, or hide a part of it.
    fn number(&mut self, text: &str) -> u32 {
        let text = Safe::of(text).to_string();
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        let number = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        self.strings.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    fn add(&mut self, audit: &Borrowed<'_>, place: i32) {
        let count = events(audit);
        let timestamp = self.number(&audit.timestamp);
        let numbers = [
            Field::Type.of(audit),
            Field::Effect.of(audit),
            Field::Attack.of(audit),
            Field::Rule.of(audit),
            Field::Function.of(audit),
            Field::Region.of(audit),
            Field::Process.of(audit),
            Field::Target.of(audit),
            Field::Command.of(audit),
            audit.access.as_deref().unwrap_or_default().into(),
            audit.msg.as_str().into(),
            Field::Technique.of(audit),
        ]
        .map(|text| self.number(&text));
        let columns = &mut self.columns;
        let [
            kind,
            effect,
            attack,
            rule,
            function,
            region,
            process,
            target,
            command,
            access,
            message,
            techniques,
        ] = numbers;
        let texts: [(&mut Vec<u32>, u32); 12] = [
            (&mut columns.r#type, kind),
            (&mut columns.effect, effect),
            (&mut columns.attack, attack),
            (&mut columns.rule, rule),
            (&mut columns.function, function),
            (&mut columns.region, region),
            (&mut columns.process, process),
            (&mut columns.target, target),
            (&mut columns.command, command),
            (&mut columns.access, access),
            (&mut columns.message, message),
            (&mut columns.techniques, techniques),
        ];
        let time = moment::micros(&audit.timestamp).map(|micros| micros.div_euclid(1000));
        // Of the same second, or its bars would all stand where the first of them does.
        let second = |time: &Option<i64>| time.map(|time| time.div_euclid(1000));
        let repeats = columns.pid.last() == Some(&audit.pid)
            && columns.time.last().map(second) == Some(second(&time))
            && texts
                .iter()
                .all(|(column, number)| column.last() == Some(number));
        if let Some(last) = columns.count.last_mut().filter(|_| repeats) {
            *last += count;
            return;
        }
        for (column, number) in texts {
            column.push(number);
        }
        columns.time.push(time);
        columns.timestamp.push(timestamp);
        columns.count.push(count);
        columns.pid.push(audit.pid);
        columns.place.push(place);
    }
}

/// Finds the entry of the policy that decides on an audit.
struct Judge<'a> {
    policy: Policy,
    account: &'a str,
    compiled: HashMap<(String, String), Compiled>,
    places: HashMap<String, i32>,
}

impl Judge<'_> {
    /// `-1`: none.
    fn place(&mut self, audit: &Borrowed<'_>) -> i32 {
        /// Functions whose policies are kept.
        const FUNCTIONS: usize = 1024;
        let Some(act) = Act::of(audit) else {
            return -1;
        };
        if self.compiled.len() >= FUNCTIONS {
            self.compiled.clear();
        }
        let compiled = self
            .compiled
            .entry((audit.function.to_string(), audit.region.to_string()))
            .or_insert_with(|| {
                let identity = Identity {
                    function: &audit.function,
                    region: &audit.region,
                    account: self.account,
                };
                ask::compiled(&self.policy, identity, None)
            });
        act.judge_again(audit, &compiled.decider())
            .place()
            .and_then(|place| self.places.get(place))
            .copied()
            .unwrap_or(-1)
    }
}
