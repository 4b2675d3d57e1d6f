//! The files: whole, or as they were.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use palisade_policy::Policy;
use serde_json::{Value, json};

use super::cover;
use super::decisions::Decisions;
use super::gather::Observed;
use super::generalize::Entry;
use crate::failure::Failure;
use crate::output::{self, Staged};

/// Where policy and reasons of a function go.
pub struct Place {
    /// `None`: standard output.
    pub policy: Option<PathBuf>,
    pub reasons: Option<PathBuf>,
}

impl Place {
    pub fn of(directory: Option<&Path>, reasons: Option<&Path>, function: &str) -> Self {
        // Names of functions have nothing in them that a file name could not have.
        let name = if function.is_empty() {
            "learnt"
        } else {
            function
        };
        let beside =
            |ending: &str| directory.map(|directory| directory.join(format!("{name}{ending}")));
        Self {
            policy: beside(".json"),
            reasons: reasons
                .map(Path::to_owned)
                .or_else(|| beside(".reasons.json")),
        }
    }
}

/// The policy, and its reasons if they have a file. Both are written before one of them is in its place, and the reasons come first: a policy is never
/// beside reasons that are older than it, whatever ends this in between.
pub fn both(place: &Place, policy: &Policy, reasons: Option<Staged>) -> Result<(), Failure> {
    let Some(file) = &place.policy else {
        output::json(policy)?;
        return reasons.map_or(Ok(()), Staged::put);
    };
    let policy = staged(file, policy)?;
    let Some(reasons) = reasons else {
        return policy.put();
    };
    reasons.put()?;
    policy.put().map_err(|failure| match failure {
        Failure::Unwritable { file, cause } => Failure::Unfit {
            message: format!(
                "it cannot be written, and the reasons beside it are newer than it: {cause}"
            ),
            file,
        },
        other => other,
    })
}

/// Why each entry is there, what was decided, and how much was seen. `fleeting`: the entries that will hardly match again.
pub fn reasons(
    file: &Path,
    entries: &[Entry<'_>],
    fleeting: &BTreeSet<String>,
    decisions: &Decisions,
    observed: &Observed,
) -> Result<Staged, Failure> {
    let last_new = cover::last_new(entries);
    let advice = cover::advice(observed, entries);
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let seens = entry.acts.iter().map(|(_, seen)| seen);
            let processes: BTreeSet<&String> =
                seens.clone().flat_map(|seen| &seen.processes).collect();
            let example = entry
                .acts
                .first()
                .map(|(act, seen)| match seen.command.as_str() {
                    "" => act.asked().to_string(),
                    command => format!("{}: {command}", act.asked()),
                });
            let event = entry.event();
            let warning = fleeting.contains(&event).then_some(
                "this changes with every run and will hardly come again; the policy refuses the next one",
            );
            let mut reason = json!({
                "event": event,
                "count": seens.clone().map(|seen| seen.count).sum::<u64>(),
                "first": seens.clone().map(|seen| seen.first.as_str()).min(),
                "last": seens.map(|seen| seen.last.as_str()).max(),
                "acts": entry.acts.len(),
                "by": processes,
                "example": example,
                "once": cover::is_rare(observed, entry),
            });
            if let Some(warning) = warning {
                reason["warning"] = warning.into();
            }
            reason
        })
        .collect();
    let value = json!({
        "entries": entries,
        "decisions": decisions,
        "coverage": {
            "events": observed.events,
            "invocations": observed.invocations,
            "last_new": {"at": last_new.1, "invocation": last_new.0},
            "advice": advice,
        },
    });
    staged(file, &value)
}

fn staged(file: &Path, value: &impl serde::Serialize) -> Result<Staged, Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|cause| Failure::Output(cause.into()))?;
    Staged::new(file, output::safe_json(&text) + "\n")
}
