//! What a person decided about entries: by flag or in a review, and kept in the side file so that it holds when learning goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use palisade_policy::Section;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::generalize::{self, Entry, event};
use crate::failure::Failure;

/// One decision about one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is in, as it is.
    Allow,
    /// It is out, and in `deny`.
    Deny,
    /// It is out.
    Skip,
    /// These are in, in its place.
    Instead(Vec<String>),
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decisions(pub BTreeMap<String, Decision>);

impl Decisions {
    pub fn of_flags(allow: &[String], deny: &[String]) -> Result<Self, Failure> {
        let mut decisions = Self::default();
        for (texts, decision) in [(allow, Decision::Allow), (deny, Decision::Deny)] {
            for text in texts {
                let (section, value) = parse(text)?;
                decisions.0.insert(event(section, &value), decision.clone());
            }
        }
        Ok(decisions)
    }

    /// Those of a side file that is there.
    pub fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let Some(file) = file else {
            return Ok(Self::default());
        };
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(cause)
                if matches!(
                    cause.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Self::default());
            }
            Err(cause) => return Err(Failure::unreadable(file, cause)),
        };
        #[derive(Deserialize)]
        struct Reasons {
            #[serde(default)]
            decisions: Decisions,
        }
        let unfit = |message| Failure::Unfit {
            file: file.to_owned(),
            message,
        };
        let reasons: Reasons = serde_json::from_slice(&text)
            .map_err(|cause| unfit(format!("not a side file of `learn`: {cause}")))?;
        for text in reasons.decisions.0.keys() {
            parse(text).map_err(|cause| unfit(cause.to_string()))?;
        }
        Ok(reasons.decisions)
    }

    /// Later ones go before earlier ones.
    pub fn add(&mut self, later: &Self) {
        self.0.extend(later.0.clone());
    }

    /// The entries as they were decided on.
    pub fn apply<'a>(&self, entries: Vec<Entry<'a>>) -> Vec<Entry<'a>> {
        let mut out: Vec<Entry<'a>> = Vec::new();
        let mut push = |entry: Entry<'a>| match out
            .iter_mut()
            .find(|other| other.section == entry.section && other.value == entry.value)
        {
            Some(other) => other.acts.extend(entry.acts),
            None => out.push(entry),
        };
        for entry in entries {
            match self.0.get(&entry.event()) {
                None | Some(Decision::Allow) => push(entry),
                Some(Decision::Deny | Decision::Skip) => {}
                Some(Decision::Instead(events)) => {
                    for (section, value) in events.iter().filter_map(|text| parse(text).ok()) {
                        let acts = entry.acts_of(&value);
                        push(Entry {
                            section,
                            value,
                            acts,
                        });
                    }
                }
            }
        }
        for (section, value) in self.of(&Decision::Allow) {
            push(Entry {
                section,
                value,
                acts: Vec::new(),
            });
        }
        out
    }

    /// What was taken although it changes with every run, as events.
    pub fn fleeting(&self, entries: &[Entry<'_>]) -> BTreeSet<String> {
        let taken = entries
            .iter()
            .filter_map(|entry| match self.0.get(&entry.event()) {
                Some(Decision::Instead(events)) => Some((entry, events)),
                _ => None,
            });
        taken
            .flat_map(|(entry, events)| {
                let mut fleeting = generalize::fleeting(entry);
                fleeting.retain(|event| events.contains(event));
                fleeting
            })
            .collect()
    }

    /// Entries for `deny`.
    pub fn denied(&self) -> Vec<(Section, Value)> {
        self.of(&Decision::Deny)
    }

    fn of(&self, decision: &Decision) -> Vec<(Section, Value)> {
        self.0
            .iter()
            .filter(|(_, found)| *found == decision)
            .filter_map(|(text, _)| parse(text).ok())
            .collect()
    }
}

/// `resolve *.stripe.com`: what `explain` takes, with patterns.
pub fn parse(text: &str) -> Result<(Section, Value), Failure> {
    let wrong = || {
        Failure::Usage(format!(
            "`{}` is no event: `exec PATH`, `connect ADDRESS:PORT`, `listen PORT`, `resolve NAME` or `open PATH [--write|--read-write]`",
            crate::output::Safe::of(text)
        ))
    };
    let (verb, rest) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let rest = rest.trim();
    let (section, value) = match verb {
        "exec" => (Section::Processes, rest.into()),
        "connect" => (Section::Outbound, rest.into()),
        "listen" => (
            Section::Listen,
            rest.parse::<u16>()
                .map_or_else(|_| rest.into(), Value::from),
        ),
        "resolve" => (Section::Dns, rest.into()),
        "open" => (
            Section::Filesystem,
            match rest.rsplit_once(' ') {
                Some((path, "--write")) => json!({"path": path.trim(), "access": "write"}),
                Some((path, "--read-write")) => path.trim().into(),
                _ => json!({"path": rest, "access": "read"}),
            },
        ),
        _ => return Err(wrong()),
    };
    // What is wrong with it is told now, and not when the policy is read.
    let policy = super::build::probe(section, &value);
    match palisade_policy::parse(policy.to_string().as_bytes()) {
        Ok(_) => Ok((section, value)),
        Err(problems) => Err(Failure::Usage(format!(
            "`{}`: {}",
            crate::output::Safe::of(text),
            problems
                .first()
                .map(|problem| format!("{}; expected {}", problem.message, problem.expected))
                .unwrap_or_default()
        ))),
    }
}
