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
    let once = entries.iter().filter(|entry| entry.once()).count();
    if once > 0 && observed.invocations > 1 {
        lines.push(format!(
            "{} seen in one invocation only: look at these first",
            counted(once as u64, "entry").replace("entrys", "entries")
        ));
    }
    if observed.beyond > 0 {
        lines.push(format!("{} different acts beyond what is kept were passed over: a list does not describe this function", number(observed.beyond)));
    }
    lines.push(advice(observed, entries).to_owned());
    lines
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
