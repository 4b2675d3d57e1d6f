//! Rule by rule: what came, what went, and what that means.

use std::collections::HashSet;

use palisade_policy::{Policy, Section};
use serde_json::{Value, json};

use super::trial::Trial;
use super::{Difference, Way, scopes};

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
pub fn differences(old_policy: &Policy, new_policy: &Policy) -> Vec<Difference> {
    let (old, new) = (value(old_policy), value(new_policy));
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
    let partners = partners(&before, &after);
    let partner = |rule: usize| partners.get(rule).copied().flatten();
    let (moved, all) = scopes::moved((old_policy, new_policy), &partner);
    let moves = |old: Option<usize>, new: Option<usize>| {
        moved
            .iter()
            .any(|moved| (old.is_some() && moved.old == old) || (new.is_some() && moved.new == new))
    };
    // What a rule that came, went or has another scope means is said by the rules that decide in its place.
    let told = |moves: bool| if moves { Way::Changes } else { Way::Neither };
    for (index, rule) in after.iter().enumerate() {
        let mut add = |way, sentence| {
            out.push(Difference {
                rule: title(rule, index),
                way,
                sentence,
            });
        };
        let before_it = partner(index).and_then(|other| before.get(other));
        let Some(old) = before_it else {
            add(
                told(moves(None, Some(index))),
                format!("the rule is new, for {}", scope(rule)),
            );
            continue;
        };
        let way = told(moves(partner(index), Some(index)));
        match (is_enabled(old), is_enabled(rule)) {
            (true, false) => add(way, "the rule is disabled now".to_owned()),
            (false, true) => add(way, "the rule is enabled now".to_owned()),
            _ => {}
        }
        if old.get("scope") != rule.get("scope") {
            let sentence = format!(
                "the rule is for {} now, and was for {}",
                scope(rule),
                scope(old)
            );
            add(way, sentence);
        }
        rule_changes(old, rule, &mut add);
    }
    for (index, rule) in before.iter().enumerate() {
        if !partners.contains(&Some(index)) {
            out.push(Difference {
                rule: title(rule, index),
                way: told(moves(Some(index), None)),
                sentence: format!("the rule is gone; it was for {}", scope(rule)),
            });
        }
    }
    if !partners.iter().flatten().is_sorted() {
        out.push(Difference {
            rule: "order".to_owned(),
            way: told(!moved.is_empty()),
            sentence: "the rules are in another order".to_owned(),
        });
    }
    let none = json!({});
    for moved in moved {
        let side = |rules: &[&Value], place: Option<usize>| {
            let rule = place.and_then(|place| Some((place, *rules.get(place)?)));
            rule.map(|(place, rule)| (title(rule, place), rule.clone()))
        };
        let (was, old) = side(&before, moved.old).unzip();
        let (is, new) = side(&after, moved.new).unzip();
        let heading = format!(
            "{} in place of {}, as for {}",
            is.as_deref().unwrap_or("no rule"),
            was.as_deref().unwrap_or("none"),
            moved.example
        );
        let start = out.len();
        rule_changes(
            old.as_ref().unwrap_or(&none),
            new.as_ref().unwrap_or(&none),
            &mut |way, sentence| {
                out.push(Difference {
                    rule: heading.clone(),
                    way,
                    sentence,
                });
            },
        );
        if out.len() == start {
            out.push(Difference {
                rule: heading,
                way: Way::Neither,
                sentence: "both say the same".to_owned(),
            });
        }
    }
    if !all {
        out.push(Difference {
            rule: "scopes".to_owned(),
            way: Way::Changes,
            sentence: "they are too many to try them all; --replay shows what a change means for functions of a log".to_owned(),
        });
    }
    out
}

/// For each rule of the new policy the place of its old version: the rule of that name, or, of one without a name, that at its place.
fn partners(before: &[&Value], after: &[&Value]) -> Vec<Option<usize>> {
    let mut used = vec![false; before.len()];
    let of = |(index, rule): (usize, &&Value)| {
        let partner = before.iter().enumerate().position(|(other, old)| {
            used.get(other) == Some(&false)
                && match rule.get("name") {
                    Some(name) => old.get("name") == Some(name),
                    None => old.get("name").is_none() && other == index,
                }
        });
        if let Some(used) = partner.and_then(|other| used.get_mut(other)) {
            *used = true;
        }
        partner
    };
    after.iter().enumerate().map(of).collect()
}

fn is_enabled(rule: &Value) -> bool {
    rule.get("enabled") != Some(&Value::Bool(false))
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
    let prevents = |rule: &Value| PARTS.iter().any(|part| effect(rule, part) == "prevent");
    // Where nothing was prevented, or will be, there is nothing to put off.
    if prevents(old) && prevents(new) {
        put_off(old, new, add);
    }
    let later = to_come(new);
    let mut add = |way, mut sentence: String| {
        if let (Way::Refuses, Some(after)) = (way, later) {
            sentence.push_str(&format!(
                " (from {after} on; it is only reported until then)"
            ));
        }
        add(way, sentence);
    };
    let mut told = Vec::new();
    for part in &PARTS {
        let (before, after) = (effect(old, part), effect(new, part));
        if !told.contains(&part.effect) {
            told.push(part.effect);
            effects(part.effect, before, after, &mut add);
        }
        if before != "disable" && after != "disable" {
            unfollowable(part, old, new, &mut add);
            // What an effect of `alert` forbids is possible all the same.
            let mut add = |way, sentence| {
                let way = match way {
                    Way::Allows if before == "alert" => Way::Silences,
                    Way::Refuses if after == "alert" => Way::Reports,
                    way => way,
                };
                add(way, sentence);
            };
            settings(part, old, new, &mut add);
            lists(part, old, new, &mut add);
        }
    }
}

/// The time from which the rule prevents, unless it does so by now.
fn to_come(rule: &Value) -> Option<&str> {
    let after = rule.get("enforce_after").and_then(Value::as_str)?;
    let seconds = crate::moment::micros(after)?.div_euclid(1_000_000);
    (seconds > crate::moment::now()).then_some(after)
}

/// What `enforce_after` does to a rule that prevents, and has done so before.
fn put_off(old: &Value, new: &Value, add: &mut dyn FnMut(Way, String)) {
    if old.get("enforce_after") == new.get("enforce_after") {
        return;
    }
    let moment = |text: &str| crate::moment::micros(text);
    let (way, sentence) = match (to_come(old), to_come(new)) {
        (None, None) => (
            Way::Neither,
            "`enforce_after`: what this rule prevents is refused by now, with it or without it"
                .to_owned(),
        ),
        (Some(before), None) => {
            let why = match new.get("enforce_after").and_then(Value::as_str) {
                Some(after) => {
                    format!("`enforce_after` was {before} and is {after}, which is over")
                }
                None => "`enforce_after` is gone".to_owned(),
            };
            (
                Way::Refuses,
                format!("what this rule prevents, at once: {why}"),
            )
        }
        (before, Some(after)) => {
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
            (
                way,
                format!(
                    "what this rule prevents, until {after}: it is only reported until then{was}"
                ),
            )
        }
    };
    add(way, sentence);
}

/// The effect of the section.
pub fn effect<'v>(rule: &'v Value, part: &Part) -> &'v str {
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
            Way::Silences,
            format!("what `{section}` forbids: the section is off now"),
        ),
        (_, "prevent") => add(
            Way::Refuses,
            format!("what `{section}` forbids: its effect was {before}"),
        ),
        _ => add(
            Way::Reports,
            format!("what `{section}` forbids: the section was off"),
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

/// Programs that cannot be followed have an effect of their own, or else that of the section.
fn unfollowable(part: &Part, old: &Value, new: &Value, add: &mut dyn FnMut(Way, String)) {
    let own = |rule: &Value| rule.pointer("/processes/unfollowable").map(entry);
    if part.section != Section::Processes || own(old) == own(new) {
        return;
    }
    let whole = |rule: &Value| own(rule).unwrap_or_else(|| effect(rule, part).to_owned());
    let (was, is) = (whole(old), whole(new));
    let way = match (was.as_str(), is.as_str()) {
        (was, is) if was == is => Way::Neither,
        ("prevent", _) => Way::Allows,
        (_, "prevent") => Way::Refuses,
        ("alert", _) => Way::Silences,
        _ => Way::Reports,
    };
    add(
        way,
        format!("programs that cannot be followed: their effect is {is} now, and was {was}"),
    );
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
