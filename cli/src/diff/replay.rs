//! What a log tells of, put to two policies.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use palisade_policy::{Compiled, Identity, Outcome, Policy};
use serde::{Serialize, Serializer};

use super::Way;
use crate::act::Act;
use crate::ask;
use crate::audits::Filter;
use crate::explain::outcome;
use crate::failure::Failure;
use crate::log::{Entry, Flow, Logs};
use crate::output::{self, DIM, GOOD, STRONG, Safe, WARNING};

/// So many different acts, and policies for so many different functions, are kept.
const ACTS: usize = 100_000;
const FUNCTIONS: usize = 1024;
/// So many are shown to a person.
const SHOWN: usize = 100;

/// What changes.
#[derive(Debug, Default, Serialize)]
pub struct Replay {
    /// Events that were put to both.
    events: u64,
    /// Of these, those whose verdict is another.
    changed: u64,
    #[serde(serialize_with = "acts")]
    acts: BTreeMap<Key, u64>,
}

/// Function, old and new verdict, and the act.
type Key = (String, u8, u8, Act);

#[derive(Serialize)]
struct Changed<'a> {
    function: &'a str,
    old: &'static str,
    new: &'static str,
    event: crate::event::Asked,
    count: u64,
}

fn acts<S: Serializer>(acts: &BTreeMap<Key, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        acts.iter()
            .map(|((function, old, new, act), count)| Changed {
                function,
                old: word(*old),
                new: word(*new),
                event: act.asked(),
                count: *count,
            }),
    )
}

const OUTCOMES: [Outcome; 3] = [Outcome::Allow, Outcome::Alert, Outcome::Prevent];

fn word(index: u8) -> &'static str {
    OUTCOMES
        .get(usize::from(index))
        .map_or("", |verdict| outcome(*verdict))
}

fn index(verdict: Outcome) -> u8 {
    match verdict {
        Outcome::Allow => 0,
        Outcome::Alert => 1,
        Outcome::Prevent => 2,
    }
}

pub fn run(
    files: &[PathBuf],
    filter: &Filter,
    account: &str,
    (old, new): (&Policy, &Policy),
) -> Result<Replay, Failure> {
    let mut replay = Replay::default();
    let mut policies: HashMap<(String, String), (Compiled, Compiled)> = HashMap::new();
    let logs = Logs {
        files,
        follow: false,
        starts: false,
        progress: true,
    };
    let seen = logs.read(&mut |entry| {
        if let Entry::Audit { audit, .. } = entry
            && filter.accepts(audit)
            && let Some(act) = Act::of(audit)
        {
            if policies.len() >= FUNCTIONS {
                policies.clear();
            }
            let (before, after) = policies
                .entry((audit.function.to_string(), audit.region.to_string()))
                .or_insert_with(|| {
                    let identity = Identity {
                        function: &audit.function,
                        region: &audit.region,
                        account,
                    };
                    (
                        ask::compiled(old, identity, None),
                        ask::compiled(new, identity, None),
                    )
                });
            let before = act.judge_again(audit, &before.decider()).outcome;
            let after = act.judge_again(audit, &after.decider()).outcome;
            let count = crate::log::events(audit);
            replay.events += count;
            if before != after {
                replay.changed += count;
                let key = (audit.function.to_string(), index(before), index(after), act);
                if replay.acts.len() < ACTS || replay.acts.contains_key(&key) {
                    *replay.acts.entry(key).or_default() += count;
                }
            }
        }
        Ok(Flow::Continue)
    })?;
    seen.tell();
    Ok(replay)
}

impl Replay {
    /// Whether some verdict changes in that way.
    pub fn goes(&self, way: Way) -> bool {
        // What is reported is possible: only a refusal that came or went is one of these ways.
        let refused = index(Outcome::Prevent);
        self.acts.keys().any(|(_, old, new, _)| match way {
            Way::Allows => *old == refused && *new != refused,
            Way::Refuses => *new == refused && *old != refused,
            Way::Reports | Way::Silences | Way::Changes | Way::Neither => false,
        })
    }

    pub fn tell(&self, text: &mut String) {
        output::line(text, "");
        output::line(
            text,
            format_args!(
                "{STRONG}Replay{STRONG:#}: {} of {} would have another verdict",
                output::number(self.changed),
                output::counted(self.events, "event")
            ),
        );
        let mut rows: Vec<(&Key, &u64)> = self.acts.iter().collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for ((function, old, new, act), count) in rows.iter().take(SHOWN) {
            let style = if new < old { WARNING } else { GOOD };
            let asked = act.asked().to_string();
            output::line(
                text,
                format_args!(
                    "  {} → {style}{}{style:#}  {}  {DIM}{} ×{}{DIM:#}",
                    word(*old),
                    word(*new),
                    Safe::of(&asked),
                    Safe::of(function),
                    output::number(**count)
                ),
            );
        }
        if rows.len() > SHOWN {
            output::line(
                text,
                format_args!(
                    "  {DIM}and {} more; --format json has them all{DIM:#}",
                    rows.len() - SHOWN
                ),
            );
        }
    }
}
