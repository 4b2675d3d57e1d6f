//! Rule by rule: what came, what went, and what that means.

use std::collections::HashSet;

use palisade_policy::{Policy, Section};
use serde_json::Value;

use super::trial::Trial;
use super::{Difference, Way};

/// A section of a rule that has lists.
pub struct Part {
    pub section: Section,
    /// Where its effect is, and its lists.
    pub effect: &'static str,
    pub lists: &'static str,
    /// What one does with its entries.
    does: &'static str,
    /// What is left when none matches.
    rest: &'static str,
}

const PARTS: [Part; 5] = [
    Part {
        section: Section::Processes,
        effect: "processes",
        lists: "processes",
        does: "running",
        rest: "program",
    },
    Part {
        section: Section::Outbound,
        effect: "network",
        lists: "network/outbound",
        does: "connecting to",
        rest: "destination",
    },
    Part {
        section: Section::Listen,
        effect: "network",
        lists: "network/listen",
        does: "listening on port",
        rest: "port",
    },
    Part {
        section: Section::Dns,
        effect: "dns",
        lists: "dns",
        does: "resolving",
        rest: "name",
    },
    Part {
        section: Section::Filesystem,
        effect: "filesystem",
        lists: "filesystem",
        does: "using",
        rest: "file",
    },
];

/// Everything that is different, in the order of the new policy.
pub fn differences(old: &Policy, new: &Policy) -> Vec<Difference> {
    let (old, new) = (value(old), value(new));
    let mut out = Vec::new();
    if old.get("mode") != new.get("mode") {
        let learns = new.get("mode").is_some_and(|mode| mode == "learn");
        let (way, sentence) = if learns {
            (Way::Allows, "everything: the policy is in mode `learn` now")
        } else {
            (
                Way::Refuses,
                "what the rules say: the policy is no longer in mode `learn`",
            )
        };
        out.push(Difference {
            rule: "policy".to_owned(),
            way,
            sentence: sentence.to_owned(),
        });
    }
    let (before, after) = (rules(&old), rules(&new));
    let mut used = vec![false; before.len()];
    let mut order = Vec::new();
    for (index, rule) in after.iter().enumerate() {
        let title = title(rule, index);
        let partner = before.iter().enumerate().position(|(other, old)| {
            used.get(other) == Some(&false)
                && match rule.get("name") {
                    Some(name) => old.get("name") == Some(name),
                    None => old.get("name").is_none() && other == index,
                }
        });
        match partner {
            Some(other) => {
                order.push(other);
                if let Some(used) = used.get_mut(other) {
                    *used = true;
                }
                let mut add = |way, sentence| {
                    out.push(Difference {
                        rule: title.clone(),
                        way,
                        sentence,
                    });
                };
                if let Some(old) = before.get(other) {
                    rule_changes(old, rule, &mut add);
                }
            }
            None => out.push(Difference {
                rule: title,
                way: Way::Refuses,
                sentence: format!(
                    "what this new rule forbids, for {}{}",
                    scope(rule),
                    if index == 0 {
                        ""
                    } else {
                        ", unless a rule before it applies"
                    }
                ),
            }),
        }
    }
    for (index, rule) in before.iter().enumerate() {
        if used.get(index) == Some(&false) {
            out.push(Difference {
                rule: title(rule, index),
                way: Way::Allows,
                sentence: format!(
                    "what only this rule forbade, for {}: the rule is gone",
                    scope(rule)
                ),
            });
        }
    }
    if !order.is_sorted() {
        out.push(Difference {
            rule: "order".to_owned(),
            way: Way::Neither,
            sentence: "the rules are in another order: where two apply to a function, the other one decides now; --replay shows what that means".to_owned(),
        });
    }
    out
}

fn value(policy: &Policy) -> Value {
    serde_json::to_value(policy).unwrap_or_default()
}

fn rules(policy: &Value) -> Vec<&Value> {
    policy
        .get("rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect()
}

fn title(rule: &Value, index: usize) -> String {
    match rule.get("name").and_then(Value::as_str) {
        Some(name) => format!("{name} (rules[{index}])"),
        None => format!("rules[{index}]"),
    }
}

fn scope(rule: &Value) -> String {
    match rule.get("scope").and_then(Value::as_object) {
        None => "every function".to_owned(),
        Some(fields) => fields
            .iter()
            .map(|(name, values)| {
                format!(
                    "{name} {}",
                    listed(values.as_array().map_or(&[], Vec::as_slice))
                )
            })
            .collect::<Vec<_>>()
            .join(" and "),
    }
}

fn listed(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(entry).collect();
    texts.join(", ")
}

fn entry(value: &Value) -> String {
    match (value.get("path"), value.get("access")) {
        (Some(path), Some(access)) if access != "any" => {
            format!("{} ({})", entry(path), entry(access))
        }
        (Some(path), _) => entry(path),
        _ => match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        },
    }
}

fn rule_changes(old: &Value, new: &Value, add: &mut dyn FnMut(Way, String)) {
    let enabled = |rule: &Value| rule.get("enabled") != Some(&Value::Bool(false));
    match (enabled(old), enabled(new)) {
        (true, false) => add(
            Way::Allows,
            "what only this rule forbade: it is disabled now".to_owned(),
        ),
        (false, true) => add(
            Way::Refuses,
            "what this rule forbids: it is enabled now".to_owned(),
        ),
        _ => {}
    }
    if old.get("scope") != new.get("scope") {
        let sentence = format!(
            "the rule is for {} now, and was for {}; --replay shows what that means",
            scope(new),
            scope(old)
        );
        add(Way::Neither, sentence);
    }
    if old.get("enforce_after") != new.get("enforce_after") {
        match new.get("enforce_after").and_then(Value::as_str) {
            Some(after) => {
                let moment = |text: &str| crate::moment::micros(text);
                let before = old.get("enforce_after").and_then(Value::as_str);
                let (way, was) = match before {
                    None => (Way::Allows, String::new()),
                    Some(before) if moment(after) > moment(before) => {
                        (Way::Allows, format!(", and was until {before}"))
                    }
                    Some(before) if moment(after) == moment(before) => {
                        (Way::Neither, format!(", as it was until {before}"))
                    }
                    Some(before) => (Way::Refuses, format!(", and was until {before}")),
                };
                add(
                    way,
                    format!(
                        "what this rule prevents, until {after}: it is only reported until then{was}"
                    ),
                );
            }
            None => add(
                Way::Refuses,
                "what this rule prevents, at once: `enforce_after` is gone".to_owned(),
            ),
        }
    }
    let mut told = Vec::new();
    for part in &PARTS {
        let (before, after) = (effect(old, part), effect(new, part));
        if !told.contains(&part.effect) {
            told.push(part.effect);
            effects(part.effect, before, after, add);
        }
        if before != "disable" && after != "disable" {
            settings(part, old, new, add);
            lists(part, old, new, add);
        }
    }
}

fn effect<'v>(rule: &'v Value, part: &Part) -> &'v str {
    rule.pointer(&format!("/{}/effect", part.effect))
        .and_then(Value::as_str)
        .unwrap_or("disable")
}

fn effects(section: &str, before: &str, after: &str, add: &mut dyn FnMut(Way, String)) {
    match (before, after) {
        _ if before == after => {}
        ("prevent", "alert") => add(
            Way::Allows,
            format!("what `{section}` forbids: it is only reported now"),
        ),
        ("prevent", _) => add(
            Way::Allows,
            format!("everything in `{section}`: the section is off now, and nothing is reported"),
        ),
        ("alert", "disable") => add(
            Way::Neither,
            format!("what `{section}` forbids is not reported any more: the section is off now"),
        ),
        (_, "prevent") => add(
            Way::Refuses,
            format!("what `{section}` forbids: its effect was {before}"),
        ),
        _ => add(
            Way::Neither,
            format!("what `{section}` forbids is reported now; it was not looked at"),
        ),
    }
}

fn settings(part: &Part, old: &Value, new: &Value, add: &mut dyn FnMut(Way, String)) {
    let changed = |setting: &str, default: bool| {
        let read = |rule: &Value| {
            rule.pointer(&format!("/{}/{setting}", part.lists))
                .and_then(Value::as_bool)
                .unwrap_or(default)
        };
        (read(old) != read(new)).then(|| read(new))
    };
    match part.section {
        Section::Processes => {
            match changed("main_only", false) {
                Some(true) => add(
                    Way::Refuses,
                    "running any program but the main process's own: `main_only` is on".to_owned(),
                ),
                // Where a list came instead, it is its entries that are allowed now.
                Some(false) if list(part, new, "allow").is_empty() => add(
                    Way::Allows,
                    "running other programs than the main process's own: `main_only` is off"
                        .to_owned(),
                ),
                Some(false) | None => {}
            }
            match changed("crypto_miners", false) {
                Some(true) => add(Way::Refuses, "crypto miners".to_owned()),
                Some(false) => add(
                    Way::Allows,
                    "crypto miners that nothing else forbids".to_owned(),
                ),
                None => {}
            }
            let kept = |rule: &Value| rule.pointer("/processes/unfollowable").map(entry);
            if kept(old) != kept(new) {
                let word = |text: Option<String>| {
                    text.unwrap_or_else(|| "the section's effect".to_owned())
                };
                add(
                    Way::Neither,
                    format!(
                        "programs that cannot be followed have {} now, and had {}",
                        word(kept(new)),
                        word(kept(old))
                    ),
                );
            }
        }
        Section::Outbound => match changed("loopback", true) {
            Some(true) => add(Way::Allows, "connecting to loopback".to_owned()),
            Some(false) => add(
                Way::Refuses,
                "connecting to loopback, but for what `allow` names".to_owned(),
            ),
            None => {}
        },
        _ => {}
    }
}

fn lists(part: &Part, old: &Value, new: &Value, add: &mut dyn FnMut(Way, String)) {
    let allow = (list(part, old, "allow"), list(part, new, "allow"));
    let deny = (list(part, old, "deny"), list(part, new, "deny"));
    let mut trial = Trial::new(part, old, new);
    let mut tell = |changed: &[&Value], way: Way, add: &mut dyn FnMut(Way, String)| {
        for changed in changed {
            let (way, why) = trial.of(changed, way);
            add(way, format!("{} {}{why}", part.does, entry(changed)));
        }
    };
    // Without a list `main_only` says what may run, and a list that came in its place allows more, not less.
    let is_open = |rule: &Value, list: &[Value]| list.is_empty() && !is_main_only(part, rule);
    match (is_open(old, allow.0), is_open(new, allow.1)) {
        (true, false) if !allow.1.is_empty() => add(
            Way::Refuses,
            format!(
                "every {} but {}: there was no allow list",
                part.rest,
                listed(allow.1)
            ),
        ),
        (false, true) if !allow.0.is_empty() => add(
            Way::Allows,
            format!(
                "every {} that `deny` does not name: the allow list is gone",
                part.rest
            ),
        ),
        // The setting's own sentence says it.
        _ if is_main_only(part, new) => {}
        _ => {
            tell(&without(allow.1, allow.0), Way::Allows, add);
            tell(&without(allow.0, allow.1), Way::Refuses, add);
        }
    }
    tell(&without(deny.1, deny.0), Way::Refuses, add);
    tell(&without(deny.0, deny.1), Way::Allows, add);
}

/// The entries that only the first list has.
fn without<'v>(entries: &'v [Value], others: &[Value]) -> Vec<&'v Value> {
    let others: HashSet<&Value> = others.iter().collect();
    entries
        .iter()
        .filter(|entry| !others.contains(entry))
        .collect()
}

/// One of the lists of a section; none is an empty one.
pub fn list<'v>(part: &Part, rule: &'v Value, name: &str) -> &'v [Value] {
    rule.pointer(&format!("/{}/{name}", part.lists))
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn is_main_only(part: &Part, rule: &Value) -> bool {
    part.section == Section::Processes
        && rule.pointer("/processes/main_only") == Some(&Value::Bool(true))
}
