//! Whether enough was seen.

use super::gather::Observed;
use super::generalize::Entry;
use crate::output::{counted, number};

/// Fewer invocations than this say nothing.
const FEW: u64 = 20;

/// What a person should know before they trust the policy.
pub fn lines(observed: &Observed, entries: &[Entry<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    let (at, when) = last_new(entries);
    let since = observed.invocations.saturating_sub(at);
    lines.push(match observed.invocations {
        0 => format!("the log has no `START` lines, so that nobody knows how many invocations this is; the last new act was at {when}"),
        total => format!("{}; the last new act was at {when}, {} ago", counted(total, "invocation"), counted(since, "invocation")),
    });
    let sandboxes = observed.sandboxes.len() as u64;
    let rare = entries
        .iter()
        .filter(|entry| is_rare(observed, entry))
        .count();
    if rare > 0 {
        let once = counted(rare as u64, "entry").replace("entrys", "entries");
        lines.push(if observed.whole {
            format!("{once} seen in one of {sandboxes} sandboxes only: look at these first")
        } else {
            format!("{once} seen in one invocation only: look at these first")
        });
    }
    if observed.overflows {
        lines.push("the function did more different acts than the library remembers, so that some were told more than once".to_owned());
    }
    if observed.beyond > 0 {
        lines.push(format!("{} different acts beyond what is kept were passed over: a list does not describe this function", number(observed.beyond)));
    }
    lines.push(advice(observed, entries).to_owned());
    lines
}

/// Whether an entry was seen once only, of several times. A policy that learns has each act told once by each sandbox, so that sandboxes
/// are what can be counted.
pub fn is_rare(observed: &Observed, entry: &Entry<'_>) -> bool {
    let several = if observed.whole {
        observed.sandboxes.len() > 1
    } else {
        observed.invocations > 1
    };
    several && entry.once()
}

/// Whether it is time to stop.
pub fn advice(observed: &Observed, entries: &[Entry<'_>]) -> &'static str {
    let since = observed.invocations.saturating_sub(last_new(entries).0);
    match observed.invocations {
        _ if !observed.whole => {
            "learnt from alerts: what the policy allowed already is not in here"
        }
        0..FEW => "go on learning: too few invocations",
        total if since * 2 >= total => "enough: nothing new in the later half of the invocations",
        _ => "go on learning: new acts still appear",
    }
}

/// The number of the invocation, and the time, that last brought an entry of its own. A new name for the same temporary file is not new.
pub fn last_new<'a>(entries: &'a [Entry<'_>]) -> (u64, &'a str) {
    entries
        .iter()
        .filter_map(|entry| {
            entry
                .acts
                .iter()
                .map(|(_, seen)| (seen.born, seen.first.as_str()))
                .min()
        })
        .max()
        .unwrap_or_default()
}
