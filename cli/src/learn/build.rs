//! The policy itself.

use palisade_policy::{
    Connect, Decider, Effect, Identity, Outcome, Policy, Reason, Section, Verdict,
};
use serde_json::{Value, json};

use super::decisions::Decisions;
use super::gather::{Observed, Seen};
use super::generalize::{Entry, Witnessed};
use crate::act::Act;
use crate::ask;
use crate::change::Change;
use crate::failure::Failure;

/// Where the lists of a section are in a rule, without `allow` and `deny`.
pub const fn lists(section: Section) -> &'static str {
    match section {
        Section::Processes => "processes",
        Section::Outbound => "network.outbound",
        Section::Listen => "network.listen",
        Section::Dns => "dns",
        Section::Filesystem => "filesystem",
    }
}

/// A policy that allows nothing but this entry, to see whether it is one.
pub fn probe(section: Section, value: &Value) -> Value {
    let mut policy = json!({"version": 1, "rules": [{}]});
    let lists = lists(section);
    let head = lists.split('.').next().unwrap_or_default();
    if let Some(rule) = policy.pointer_mut("/rules/0") {
        rule[head] = json!({"effect": "alert"});
    }
    let list = format!("rules[0].{lists}.allow");
    Change::Add {
        list,
        entry: value.clone(),
    }
    .apply(&mut policy);
    policy
}

/// Sorts out what the deny rules of the baseline refuse: what is kept, and what is not with the place that says so.
pub fn keep<'a>(
    acts: &[Witnessed<'a>],
    baseline: Option<&Policy>,
    function: &str,
    region: &str,
) -> (Vec<Witnessed<'a>>, Vec<(String, String)>) {
    let Some(baseline) = baseline else {
        return (acts.to_vec(), Vec::new());
    };
    let compiled = ask::compiled(baseline, identity(function, region), None);
    let mut kept = Vec::new();
    let mut refused = Vec::new();
    for (act, seen) in acts {
        let verdict = judge(act, seen, &compiled.decider());
        // What is merely not listed is what there is to learn.
        let open = matches!(
            verdict.reason,
            Reason::Unlisted | Reason::UnexpectedProcess | Reason::LoopbackClosed
        );
        if verdict.outcome == Outcome::Allow || open {
            kept.push((*act, *seen));
        } else {
            refused.push((
                act.asked().to_string(),
                verdict.place().unwrap_or_default().to_owned(),
            ));
        }
    }
    (kept, refused)
}

/// What an existing policy does not allow.
pub fn beyond<'a>(
    acts: &[Witnessed<'a>],
    old: &Policy,
    function: &str,
    region: &str,
) -> Vec<Witnessed<'a>> {
    let compiled = ask::compiled(old, identity(function, region), None);
    acts.iter()
        .copied()
        .filter(|(act, seen)| {
            let verdict = judge(act, seen, &compiled.decider());
            // A deny entry was written by somebody who knew what was meant.
            verdict.outcome != Outcome::Allow
                && matches!(
                    verdict.reason,
                    Reason::Unlisted | Reason::UnexpectedProcess | Reason::LoopbackClosed
                )
        })
        .collect()
}

/// The verdict on an act; on a destination, that on each of the names that led to it.
fn judge<'p>(act: &Act, seen: &Seen, decider: &Decider<'p>) -> Verdict<'p> {
    let plain = act.judge(decider);
    let Act::Connect { ip, port } = act else {
        return plain;
    };
    let event = Connect {
        ip: *ip,
        port: *port,
    };
    let by_name = seen
        .names
        .iter()
        .map(|name| decider.connect_resolved(&event, name.as_bytes()));
    let all: Vec<Verdict<'p>> = by_name.chain(seen.bare.then_some(plain)).collect();
    // Each of them has to be allowed.
    all.into_iter()
        .max_by_key(|verdict| (verdict.reason == Reason::Denied, verdict.outcome))
        .unwrap_or(plain)
}

fn identity<'a>(function: &'a str, region: &'a str) -> Identity<'a> {
    Identity {
        function,
        region,
        account: "",
    }
}

/// A policy with one rule for the function.
pub fn fresh(
    function: &str,
    observed: &Observed,
    entries: &[Entry<'_>],
    decisions: &Decisions,
    effect: Effect,
    baseline: Option<&Policy>,
) -> Result<Policy, Failure> {
    let effect = match effect {
        Effect::Alert => "alert",
        _ => "prevent",
    };
    let mut rule = json!({"name": if function.is_empty() { "learnt" } else { function }});
    if !function.is_empty() {
        rule["scope"] = json!({"functions": [function]});
    }
    let mut denied = decisions.denied();
    denied.extend(denied_by(baseline, function, &observed.region)?);
    for section in [
        Section::Processes,
        Section::Outbound,
        Section::Listen,
        Section::Dns,
        Section::Filesystem,
    ] {
        let allow: Vec<&Value> = entries
            .iter()
            .filter(|entry| entry.section == section)
            .map(|entry| &entry.value)
            .collect();
        let deny: Vec<&Value> = denied
            .iter()
            .filter(|(of, _)| *of == section)
            .map(|(_, value)| value)
            .collect();
        // From alerts alone nobody knows what else was done.
        if allow.is_empty() && deny.is_empty() && !observed.whole {
            continue;
        }
        let lists = lists(section);
        let head = lists.split('.').next().unwrap_or_default();
        if rule.get(head).is_none() {
            rule[head] = json!({"effect": effect});
        }
        let mut add = |list: &str, entry: &Value| {
            let list = format!("{lists}.{list}");
            Change::Add {
                list,
                entry: entry.clone(),
            }
            .apply(&mut rule);
        };
        for entry in &allow {
            add("allow", entry);
        }
        for entry in &deny {
            add("deny", entry);
        }
        if allow.is_empty() && observed.whole {
            // An empty list would allow everything.
            match section {
                Section::Processes => {}
                Section::Listen => add("deny", &"1-65535".into()),
                Section::Filesystem => {
                    add("allow", &json!({"path": "/var/task/**", "access": "read"}))
                }
                Section::Outbound | Section::Dns => add("deny", &"*".into()),
            }
        }
        if section == Section::Processes {
            if allow.is_empty() && observed.whole {
                rule["processes"]["main_only"] = true.into();
            }
            rule["processes"]["crypto_miners"] = true.into();
            if unfollowable(entries).next().is_some() {
                rule["processes"]["unfollowable"] = "allow".into();
            }
        }
    }
    parsed(&json!({"version": 1, "rules": [rule]}))
}

/// Programs that a list of programs alone does not allow: the library cannot be loaded into them.
pub fn unfollowable<'e>(entries: &'e [Entry<'_>]) -> impl Iterator<Item = &'e str> {
    entries
        .iter()
        .filter(|entry| entry.acts.iter().any(|(_, seen)| seen.unfollowable))
        .filter_map(|entry| entry.value.as_str())
}

/// The deny entries of the baseline's rule for this function.
fn denied_by(
    baseline: Option<&Policy>,
    function: &str,
    region: &str,
) -> Result<Vec<(Section, Value)>, Failure> {
    let Some(baseline) = baseline else {
        return Ok(Vec::new());
    };
    let Some(index) = rule_of(baseline, function, region) else {
        return Ok(Vec::new());
    };
    let policy = value(baseline)?;
    let mut out = Vec::new();
    for section in [
        Section::Processes,
        Section::Outbound,
        Section::Listen,
        Section::Dns,
        Section::Filesystem,
    ] {
        let path = format!("/rules/{index}/{}/deny", lists(section).replace('.', "/"));
        for entry in policy
            .pointer(&path)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            out.push((section, entry.clone()));
        }
    }
    Ok(out)
}

/// The number of the rule that applies: found by asking a policy in which every rule has its number for a name.
fn rule_of(policy: &Policy, function: &str, region: &str) -> Option<usize> {
    let mut numbered = policy.clone();
    for (index, rule) in numbered.rules.iter_mut().enumerate() {
        rule.name = Some(index.to_string());
    }
    let compiled = ask::compiled(&numbered, identity(function, region), None);
    compiled.decider().rule()?.parse().ok()
}

/// The old policy, wider by these entries.
pub fn merged(
    old: &Policy,
    function: &str,
    region: &str,
    entries: &[Entry<'_>],
    decisions: &Decisions,
) -> Result<Policy, Failure> {
    let Some(index) = rule_of(old, function, region) else {
        return Err(Failure::Usage(format!(
            "no rule of the policy applies to the function {}, so that there is nothing to widen",
            crate::output::Safe::of(function)
        )));
    };
    let mut policy = value(old)?;
    let place = format!("rules[{index}]");
    for (list, entries) in [
        (
            "allow",
            entries
                .iter()
                .map(|entry| (entry.section, entry.value.clone()))
                .collect::<Vec<_>>(),
        ),
        ("deny", decisions.denied()),
    ] {
        for (section, entry) in entries {
            let lists = lists(section);
            let path = format!("/rules/{index}/{}", lists.replace('.', "/"));
            let held = policy
                .pointer(&format!("{path}/{list}"))
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let main_only = section == Section::Processes
                && policy.pointer(&format!("{path}/main_only")) == Some(&true.into());
            // Into an empty allow list that allows everything, an entry would bring refusals.
            let open = list == "allow" && held.is_empty() && !main_only;
            if held.contains(&entry) || open {
                continue;
            }
            if main_only && list == "allow" {
                Change::Replace {
                    place: format!("{place}.processes.main_only"),
                    list: format!("{place}.processes.allow"),
                    entry,
                }
                .apply(&mut policy);
            } else {
                Change::Add {
                    list: format!("{place}.{lists}.{list}"),
                    entry,
                }
                .apply(&mut policy);
            }
        }
    }
    // Where nothing is judged, nothing is in the way.
    let processes = format!("/rules/{index}/processes");
    if let Some(processes) = policy.pointer_mut(&processes)
        && unfollowable(entries).next().is_some()
    {
        processes["unfollowable"] = "allow".into();
    }
    parsed(&policy)
}

fn value(policy: &Policy) -> Result<Value, Failure> {
    serde_json::to_value(policy).map_err(|cause| Failure::Output(cause.into()))
}

fn parsed(policy: &Value) -> Result<Policy, Failure> {
    palisade_policy::parse(policy.to_string().as_bytes())
        .map(|parsed| parsed.policy)
        .map_err(|problems| Failure::Invalid {
            name: "the learnt policy".into(),
            policy: String::new(),
            problems,
        })
}
