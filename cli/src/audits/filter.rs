//! Which audits are meant.

use palisade_audit::Borrowed;
use regex::{Regex, RegexBuilder};

use crate::failure::Failure;
use crate::moment;

/// Shared by every command that reads audits.
#[derive(Clone, Default, clap::Args)]
#[command(
    next_help_heading = "Filters (`*` stands for anything, a leading `-` excludes, commas separate, case does not matter)"
)]
pub struct Filters {
    /// process, network, dns, filesystem, policy
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    kind: Vec<String>,

    /// alert, prevent, learn; `none` for notices
    #[arg(
        long,
        value_name = "EFFECT",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    effect: Vec<String>,

    /// Name of the rule
    #[arg(
        long,
        value_name = "RULE",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    rule: Vec<String>,

    /// Name of the function
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    function: Vec<String>,

    /// Path of the program that acted
    #[arg(
        long,
        value_name = "PATH",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    process: Vec<String>,

    /// The reason, as unlisted-domain
    #[arg(
        long,
        value_name = "ATTACK",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    attack: Vec<String>,

    /// Not before: 2026-11-20, `2026-11-20 22:13` (UTC), or how long ago: 15m, 2h, 3d
    #[arg(long, value_name = "WHEN", value_parser = moment::parse, allow_hyphen_values = true)]
    since: Option<i64>,

    /// Before: as --since
    #[arg(long, value_name = "WHEN", value_parser = moment::parse, allow_hyphen_values = true)]
    until: Option<i64>,

    /// A regular expression for the sentence, or for what was asked for
    #[arg(long = "match", value_name = "REGEX")]
    matches: Option<String>,
}

impl Filters {
    /// For commands that have only these.
    pub fn of(function: Option<&str>, since: Option<i64>, until: Option<i64>) -> Self {
        Self {
            function: function.map(str::to_owned).into_iter().collect(),
            since,
            until,
            ..Self::default()
        }
    }
}

/// The filters, ready.
#[derive(Default)]
pub struct Filter {
    kind: Names,
    effect: Names,
    rule: Names,
    function: Names,
    process: Names,
    attack: Names,
    since: Option<i64>,
    until: Option<i64>,
    matches: Option<Regex>,
}

impl Filter {
    pub fn new(arguments: &Filters) -> Result<Self, Failure> {
        let matches = match &arguments.matches {
            None => None,
            Some(text) => Some(
                RegexBuilder::new(text)
                    .case_insensitive(true)
                    .build()
                    .map_err(|cause| Failure::Usage(format!("--match: {cause}")))?,
            ),
        };
        Ok(Self {
            kind: Names::new(&arguments.kind)?,
            effect: Names::new(&arguments.effect)?,
            rule: Names::new(&arguments.rule)?,
            function: Names::new(&arguments.function)?,
            process: Names::new(&arguments.process)?,
            attack: Names::new(&arguments.attack)?,
            since: arguments.since,
            until: arguments.until,
            matches,
        })
    }

    pub fn accepts(&self, audit: &Borrowed<'_>) -> bool {
        self.kind.accept(&audit.kind)
            && self
                .effect
                .accept(audit.effect.as_deref().unwrap_or("none"))
            && self.rule.accept(audit.rule.as_deref().unwrap_or_default())
            && self.function.accept(&audit.function)
            && self.process.accept(&audit.process)
            && self.attack.accept(&audit.attack)
            && self.in_time(audit)
            && self
                .matches
                .as_ref()
                .is_none_or(|regex| found(regex, audit))
    }

    fn in_time(&self, audit: &Borrowed<'_>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        // Who asks for a time does not mean what has none.
        moment::micros(&audit.timestamp).is_some_and(|at| {
            self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
        })
    }
}

fn found(regex: &Regex, audit: &Borrowed<'_>) -> bool {
    regex.is_match(&audit.msg)
        || [&audit.command, &audit.path, &audit.domain, &audit.ip]
            .into_iter()
            .flatten()
            .any(|text| regex.is_match(text))
}

/// Names with wildcards: any of those that include, if there are any, and none of those that exclude.
#[derive(Default)]
struct Names {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
}

impl Names {
    fn new(texts: &[String]) -> Result<Self, Failure> {
        let mut names = Self::default();
        for text in texts {
            let (list, text) = match text.strip_prefix('-') {
                Some(rest) => (&mut names.exclude, rest),
                None => (&mut names.include, text.as_str()),
            };
            let pattern = regex::escape(text).replace("\\*", ".*").replace("\\?", ".");
            let regex = RegexBuilder::new(&format!("^(?:{pattern})$"))
                .case_insensitive(true)
                .dot_matches_new_line(true)
                .build()
                .map_err(|cause| Failure::Usage(cause.to_string()))?;
            list.push(regex);
        }
        Ok(names)
    }

    fn accept(&self, value: &str) -> bool {
        (self.include.is_empty() || self.include.iter().any(|regex| regex.is_match(value)))
            && !self.exclude.iter().any(|regex| regex.is_match(value))
    }
}
