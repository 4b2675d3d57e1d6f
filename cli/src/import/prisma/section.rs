//! What the sections have in common: an effect, a list of what is allowed and one of what is denied, under the names of several releases.

use serde_json::Value;

use super::says_something;
use crate::import::{Notes, entry};

/// Where a section, or a part of it in later releases, has an effect.
const EFFECTS: [&str; 8] = [
    "effect",
    "defaultEffect",
    "denyEffect",
    "deniedList.effect",
    "domainList.effect",
    "outboundPorts.effect",
    "listeningPorts.effect",
    "cryptoMinersEffect",
];

/// The effect of a section.
pub(super) fn effect(section: &Value, place: &str, notes: &mut Notes) -> &'static str {
    if section.get("disabled") == Some(&Value::Bool(true)) {
        return "disable";
    }
    let of = |key: &str| {
        let found = key
            .split('.')
            .try_fold(section, |value, part| value.get(part));
        found
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let mut given = EFFECTS.iter().filter_map(|key| Some((*key, of(key)?)));
    let text = given.next().map_or("disable", |(_, text)| text);
    for (key, other) in given.filter(|(_, other)| *other != text) {
        notes.add(
            format!("{place}.{key}"),
            format!("\"{other}\" is another effect than that of the section, which has one for all of it here: \"{text}\""),
        );
    }
    match text {
        "alert" => "alert",
        "prevent" => "prevent",
        "block" => {
            notes.add(
                format!("{place}.effect"),
                "\"block\" ends the whole sandbox; here the one act is refused",
            );
            "prevent"
        }
        "disable" | "" => "disable",
        other => {
            notes.add(
                format!("{place}.effect"),
                format!("\"{other}\" is not known; the section is off"),
            );
            "disable"
        }
    }
}

/// The strings of the first of these keys that has any, with their places.
pub(super) fn strings(section: &Value, keys: &[&str], place: &str) -> Vec<(String, String)> {
    for key in keys {
        let found = key
            .split('.')
            .try_fold(section, |value, part| value.get(part))
            .and_then(Value::as_array);
        if let Some(items) = found.filter(|items| !items.is_empty()) {
            return items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| {
                    Some((
                        item.as_str()?.trim().to_owned(),
                        format!("{place}.{key}[{index}]"),
                    ))
                })
                .collect();
        }
    }
    Vec::new()
}

pub(super) const ALLOW: [&str; 3] = ["whitelist", "allowedList", "domainList.allowed"];
pub(super) const DENY: [&str; 4] = [
    "blacklist",
    "deniedList.paths",
    "deniedList",
    "domainList.denied",
];

/// What is left of a section after `known` keys, as notes.
pub(super) fn rest(section: &Value, known: &[&str], place: &str, notes: &mut Notes) {
    for (key, value) in section.as_object().into_iter().flatten() {
        if !known.contains(&key.as_str()) && says_something(value) {
            notes.add(format!("{place}.{key}"), "has no equal");
        }
    }
}

/// Both lists of strings of a section; an exclusion in one belongs into the other.
pub(super) fn lists(
    rule: &mut Value,
    section: &Value,
    (name, place): (&str, &str),
    notes: &mut Notes,
    translate: &dyn Fn(&str) -> Result<Vec<Value>, String>,
) {
    for (keys, list, other) in [(&ALLOW[..], "allow", "deny"), (&DENY[..], "deny", "")] {
        let found = strings(section, keys, place);
        let closes = list == "allow" && found.iter().any(|(text, _)| !text.starts_with('-'));
        for (text, place) in found {
            let (text, list) = match text.strip_prefix('-') {
                Some(excluded) if !other.is_empty() => (excluded.to_owned(), other),
                Some(_) => {
                    notes.add(place, format!("\"{text}\" takes something out of a deny list; `deny` has no exceptions here"));
                    continue;
                }
                None => (text, list),
            };
            match translate(&text) {
                Ok(entries) => {
                    for value in entries {
                        entry(rule, &format!("{name}.{list}"), value, &place, notes);
                    }
                }
                Err(why) => notes.add(place, why),
            }
        }
        if closes {
            stay_closed(rule, name, place, notes);
        }
    }
}

/// A list of what is allowed, none of whose entries could be taken over, would be empty, and allow everything. `list`: the section, or its part.
pub(super) fn stay_closed(rule: &mut Value, list: &str, place: &str, notes: &mut Notes) {
    let pointer = format!("/{}/allow", list.replace('.', "/"));
    if rule.pointer(&pointer).is_some() {
        return;
    }
    // What is reserved (RFC 6761, RFC 5737, RFC 1078), or not there.
    let nothing = match list {
        "dns" => "nothing.invalid",
        "network.outbound" => "192.0.2.1:1",
        "network.listen" => "1",
        _ => "/nonexistent",
    };
    notes.add(
        place,
        format!("none of what it allows could be taken over, and an empty list allows everything: \"{nothing}\" stands in `{list}.allow`, so that it stays closed"),
    );
    entry(rule, &format!("{list}.allow"), nothing.into(), place, notes);
}
