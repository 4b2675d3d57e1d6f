//! What the functions in a log did, each act once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use palisade_policy::{Reason, Section};

use crate::act::Act;
use crate::audits::Filter;
use crate::change;
use crate::failure::Failure;
use crate::log::{Entry, Flow, Logs};
use crate::output::{self, WARNING};
use crate::remedy;

/// So many different acts of one function are kept; a function that does more is not one that a list could describe.
const ACTS: usize = 200_000;
/// What the library says when its set is full.
const OVERFLOWS: &str = "learning-overflows";
/// The reason that the library gives for a program which no entry allows.
const UNFOLLOWABLE: &str = Reason::UnfollowableProgram.attack(Section::Processes);
/// So many acting programs and invocations are named for one act.
const NAMED: usize = 4;

/// One act, over time.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub count: u64,
    pub first: String,
    pub last: String,
    /// The number of the invocation that did it first.
    pub born: u64,
    /// Who did it.
    pub processes: BTreeSet<String>,
    /// Requests during which it was done, as far as the log tells; no more than [`NAMED`].
    pub requests: BTreeSet<String>,
    /// Arguments, for programs.
    pub command: String,
    /// The names that the address was resolved from, where the audits say it.
    pub names: BTreeSet<String>,
    /// An address that was used without a name to it, too.
    pub bare: bool,
    /// Log streams (a sandbox has one) that tell of it; no more than [`NAMED`].
    pub streams: BTreeSet<String>,
    /// It was recorded by a policy that learns: once in each sandbox, however often it was done.
    pub folded: bool,
    /// Process ids of who did it; no more than [`NAMED`].
    pub pids: BTreeSet<u32>,
    /// A program that the library cannot be loaded into.
    pub unfollowable: bool,
}

/// One function.
#[derive(Debug, Default)]
pub struct Observed {
    pub acts: BTreeMap<Act, Seen>,
    pub events: u64,
    pub region: String,
    /// The policy was in mode `learn`, so that what is not here was not done.
    pub whole: bool,
    /// Invocations that the log tells of.
    pub invocations: u64,
    /// Log streams, and with them sandboxes.
    pub sandboxes: BTreeSet<String>,
    /// The library had to forget what it had reported: the function does more than a set can hold.
    pub overflows: bool,
    /// Acts that were too many.
    pub beyond: u64,
}

/// Reads the logs, and gives each function by its name.
pub fn read(files: &[PathBuf], filter: &Filter) -> Result<BTreeMap<String, Observed>, Failure> {
    let mut functions: BTreeMap<String, Observed> = BTreeMap::new();
    // The request that runs in a log stream, and the function that the stream belongs to.
    let mut running: HashMap<String, String> = HashMap::new();
    let mut owners: HashMap<String, String> = HashMap::new();
    let mut waiting: HashMap<String, u64> = HashMap::new();
    let mut forged = 0_u64;
    let logs = Logs {
        files,
        follow: false,
        starts: true,
        progress: true,
    };
    let seen = logs.read(&mut |entry| {
        match entry {
            Entry::Start { request, stream } => {
                running.insert(stream.to_owned(), request.to_owned());
                match owners.get(stream).and_then(|name| functions.get_mut(name)) {
                    Some(observed) => observed.invocations += 1,
                    // Whose it is, the first audit tells.
                    None => *waiting.entry(stream.to_owned()).or_default() += 1,
                }
            }
            Entry::Audit { audit, .. } if audit.attack == OVERFLOWS => {
                // It comes behind the acts.
                if let Some(observed) = functions.get_mut(audit.function.as_str()) {
                    observed.overflows = true;
                }
            }
            Entry::Audit { audit, stream } => {
                let learnt = matches!(audit.effect.as_deref(), Some("learn" | "alert"));
                let Some(act) = Act::of(audit).filter(|_| learnt && filter.accepts(audit)) else {
                    return Ok(Flow::Continue);
                };
                // Lambda has no other characters in a name; here it becomes the name of a file and the scope of a rule.
                let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                if !audit.function.chars().all(usual) || audit.function.len() > 140 {
                    forged += 1;
                    return Ok(Flow::Continue);
                }
                let observed = functions.entry(audit.function.to_string()).or_default();
                if owners
                    .insert(stream.to_owned(), audit.function.to_string())
                    .is_none()
                {
                    observed.invocations += waiting.remove(stream).unwrap_or(0);
                }
                let count = crate::log::events(audit);
                observed.events += count;
                let folded = audit.effect.as_deref() == Some("learn");
                observed.whole |= folded;
                if !observed.sandboxes.contains(stream) {
                    observed.sandboxes.insert(stream.to_owned());
                }
                observed.region = audit.region.to_string();
                let is_new = !observed.acts.contains_key(&act);
                // A line that says what nobody can do is not the library's; an entry made of it would spoil the whole policy.
                if is_new && change::fits(act.list(), &remedy::entry(&act)).is_err() {
                    forged += 1;
                    return Ok(Flow::Continue);
                }
                if is_new && observed.acts.len() >= ACTS {
                    observed.beyond += 1;
                    return Ok(Flow::Continue);
                }
                let seen = observed.acts.entry(act).or_default();
                if is_new {
                    seen.born = observed.invocations;
                }
                seen.count += count;
                if seen.first.is_empty() || *audit.timestamp < *seen.first {
                    seen.first = audit.timestamp.to_string();
                }
                if *audit.timestamp > *seen.last {
                    seen.last = audit.timestamp.to_string();
                }
                if seen.processes.len() < NAMED {
                    seen.processes.insert(audit.process.to_string());
                }
                if let Some(request) = running.get(stream)
                    && seen.requests.len() < NAMED
                {
                    seen.requests.insert(request.clone());
                }
                if seen.command.is_empty() {
                    seen.command = audit.command.as_deref().unwrap_or_default().to_owned();
                }
                if seen.streams.len() < NAMED {
                    seen.streams.insert(stream.to_owned());
                }
                if seen.pids.len() < NAMED {
                    seen.pids.insert(audit.pid);
                }
                seen.folded |= folded;
                seen.unfollowable |= audit.attack == UNFOLLOWABLE;
                match audit.domain.as_deref().filter(|_| audit.kind == "network") {
                    Some(name) => {
                        let name = name.trim_end_matches('.').to_ascii_lowercase();
                        seen.names.insert(name);
                    }
                    None => seen.bare = true,
                }
            }
            Entry::Idle => {}
        }
        Ok(Flow::Continue)
    })?;
    seen.tell();
    if forged > 0 {
        output::stderr(&format!(
            "{WARNING}warning{WARNING:#}: {} passed over, for a name that no function of Lambda can have, or an act that nobody can do\n",
            output::counted(forged, "audit")
        ));
    }
    Ok(functions)
}
