//! Prisma Cloud Compute: the serverless runtime policy, as its API gives it (`GET /api/v…/policies/runtime/serverless`).
//!
//! Strings match without regard to case, `*` may stand at either end, a leading `-` excludes. Older releases name lists `whitelist` and
//! `blacklist`, later ones `allowedList` and `deniedList`.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{Notes, entry};
use crate::change::exactly;

/// Fields that say nothing about what is allowed.
const SILENT: [&str; 12] = [
    "name",
    "previousName",
    "notes",
    "owner",
    "modified",
    "disabled",
    "collections",
    "processes",
    "network",
    "dns",
    "filesystem",
    "_id",
];

/// The rules, in their order.
pub fn rules(text: &str, notes: &mut Notes) -> Result<Vec<Value>, String> {
    let value: Value = serde_json::from_str(text).map_err(|cause| format!("not JSON: {cause}"))?;
    let rules: Vec<&Value> = match &value {
        Value::Array(rules) => rules.iter().collect(),
        Value::Object(members) => match members.get("rules") {
            Some(Value::Array(rules)) => rules.iter().collect(),
            None if ["processes", "network", "dns", "filesystem"]
                .iter()
                .any(|key| members.contains_key(*key)) =>
            {
                vec![&value]
            }
            _ => return Err("a policy of Prisma Cloud has a list `rules`".to_owned()),
        },
        _ => return Err("a policy of Prisma Cloud is an object with a list `rules`".to_owned()),
    };
    if rules.is_empty() {
        return Err("the policy has no rules".to_owned());
    }
    let mut out: Vec<Value> = Vec::new();
    for (index, prisma) in rules.into_iter().enumerate() {
        let place = format!("rules[{index}]");
        let Some(members) = prisma.as_object() else {
            return Err(format!("{place} is not an object"));
        };
        for (key, value) in members {
            if !SILENT.contains(&key.as_str()) && says_something(value) {
                notes.add(format!("{place}.{key}"), "has no equal");
            }
        }
        let mut rule = json!({});
        processes(
            &mut rule,
            prisma.get("processes"),
            &format!("{place}.processes"),
            notes,
        );
        network(
            &mut rule,
            prisma.get("network"),
            &format!("{place}.network"),
            notes,
        );
        dns(&mut rule, prisma.get("dns"), &format!("{place}.dns"), notes);
        filesystem(
            &mut rule,
            prisma.get("filesystem"),
            &format!("{place}.filesystem"),
            notes,
        );
        if prisma.get("disabled") == Some(&Value::Bool(true)) {
            rule["enabled"] = false.into();
        }
        let name = prisma.get("name").and_then(Value::as_str).unwrap_or("rule");
        let name: String = name.chars().take(100).collect();
        // Collections are alternatives, and each restricts by several fields at once.
        for (scope, known) in scopes(prisma.get("collections"), &place, notes) {
            let mut rule = rule.clone();
            if !known {
                rule["enabled"] = false.into();
            }
            if scope.as_object().is_some_and(|fields| !fields.is_empty()) {
                rule["scope"] = scope;
            }
            let mut unique = name.clone();
            let mut number = 1;
            while out.iter().any(|other| other["name"] == unique.as_str()) {
                number += 1;
                unique = format!("{name} ({number})");
            }
            rule["name"] = unique.into();
            out.push(rule);
        }
    }
    Ok(out)
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty() && text != "disable",
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => members.values().any(says_something),
        _ => true,
    }
}

/// The scope of each collection; `false`: nobody can know.
fn scopes(collections: Option<&Value>, place: &str, notes: &mut Notes) -> Vec<(Value, bool)> {
    let mut scopes: Vec<(Value, bool)> = Vec::new();
    for (index, collection) in collections
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let place = format!("{place}.collections[{index}]");
        let mut scope = json!({});
        let mut fields = 0;
        for (key, values) in collection.as_object().into_iter().flatten() {
            let values: Vec<&str> = values
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let restricts = !values.is_empty() && !values.contains(&"*");
            fields += usize::from(!values.is_empty());
            match key.as_str() {
                _ if !restricts => {}
                "functions" => scope["functions"] = values.into(),
                "accountIDs" => scope["accounts"] = values.into(),
                "labels" => {
                    let regions: Vec<&str> = values
                        .iter()
                        .filter_map(|label| label.strip_prefix("region:"))
                        .collect();
                    if regions.len() < values.len() {
                        notes.add(
                            format!("{place}.labels"),
                            "a rule is not chosen by labels, but by function, region and account",
                        );
                    }
                    if !regions.is_empty() {
                        scope["regions"] = regions.into();
                    }
                }
                other => notes.add(
                    format!("{place}.{other}"),
                    "functions have no such thing; the rule is not limited by it",
                ),
            }
        }
        let name = collection
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let known = fields > 0 || name.eq_ignore_ascii_case("all");
        if !known {
            notes.add(&place, format!("what the collection \"{name}\" holds is not in the file; the rule is disabled until it has a `scope`"));
        }
        if !scopes.contains(&(scope.clone(), known)) {
            scopes.push((scope, known));
        }
    }
    if scopes.is_empty() {
        scopes.push((json!({}), true));
    }
    scopes
}

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
fn effect(section: &Value, place: &str, notes: &mut Notes) -> &'static str {
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
fn strings(section: &Value, keys: &[&str], place: &str) -> Vec<(String, String)> {
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

const ALLOW: [&str; 3] = ["whitelist", "allowedList", "domainList.allowed"];
const DENY: [&str; 4] = [
    "blacklist",
    "deniedList.paths",
    "deniedList",
    "domainList.denied",
];

/// What is left of a section after `known` keys, as notes.
fn rest(section: &Value, known: &[&str], place: &str, notes: &mut Notes) {
    for (key, value) in section.as_object().into_iter().flatten() {
        if !known.contains(&key.as_str()) && says_something(value) {
            notes.add(format!("{place}.{key}"), "has no equal");
        }
    }
}

/// Both lists of strings of a section; an exclusion in one belongs into the other.
fn lists(
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
fn stay_closed(rule: &mut Value, list: &str, place: &str, notes: &mut Notes) {
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

fn processes(rule: &mut Value, section: Option<&Value>, place: &str, notes: &mut Notes) {
    let Some(section) = section else { return };
    let known = [
        "effect",
        "defaultEffect",
        "disabled",
        "whitelist",
        "allowedList",
        "blacklist",
        "deniedList",
        "checkCryptoMiners",
        "cryptoMinersEffect",
        "blockAllBinaries",
    ];
    rest(section, &known, place, notes);
    let effect = effect(section, place, notes);
    rule["processes"] = json!({"effect": effect});
    lists(rule, section, ("processes", place), notes, &program);
    note_case(section, place, notes);
    if section.get("checkCryptoMiners") == Some(&Value::Bool(true))
        || section
            .get("cryptoMinersEffect")
            .and_then(Value::as_str)
            .is_some_and(|effect| effect != "disable")
    {
        rule["processes"]["crypto_miners"] = true.into();
    }
    // With a list of programs, that list is what blocks all others.
    if section.get("blockAllBinaries") == Some(&Value::Bool(true))
        && rule["processes"].get("allow").is_none()
    {
        rule["processes"]["main_only"] = true.into();
    }
}

/// A name is any file of that name; a path is that file.
fn program(text: &str) -> Result<Vec<Value>, String> {
    let glob = anchored(wildcards(text)?, text.contains('/'));
    let is_open = text.contains('/') && text.ends_with('*');
    let globs = cased(glob).into_iter();
    Ok(globs
        .flat_map(|glob| {
            // A star goes over slashes there.
            let below = is_open.then(|| Value::from(format!("{glob}/**")));
            [Some(Value::from(glob)), below].into_iter().flatten()
        })
        .collect())
}

/// What begins with a star, which stands for nothing as well, as a path.
fn anchored(glob: String, is_path: bool) -> String {
    match glob.strip_prefix('*') {
        Some(rest) if rest.starts_with('/') => format!("/**{rest}"),
        Some(_) if is_path => format!("/**/{glob}"),
        _ => glob,
    }
}

/// Prisma matches without regard to case, and files differ by it: what was written, and the small letters that nearly every file has.
fn cased(glob: String) -> Vec<String> {
    let small = glob.to_lowercase();
    if small == glob {
        vec![glob]
    } else {
        vec![glob, small]
    }
}

/// Says it where it matters.
fn note_case(section: &Value, place: &str, notes: &mut Notes) {
    let capitals = ALLOW
        .iter()
        .chain(&DENY)
        .flat_map(|key| strings(section, &[key], place))
        .any(|(text, _)| text.chars().any(char::is_uppercase));
    if capitals {
        notes.add(place, "case does not matter there and does here: what has capitals is written in small letters too, and in no other way");
    }
}

fn filesystem(rule: &mut Value, section: Option<&Value>, place: &str, notes: &mut Notes) {
    let Some(section) = section else { return };
    let known = [
        "effect",
        "defaultEffect",
        "disabled",
        "whitelist",
        "allowedList",
        "blacklist",
        "deniedList",
    ];
    rest(section, &known, place, notes);
    let effect = effect(section, place, notes);
    rule["filesystem"] = json!({"effect": effect});
    lists(rule, section, ("filesystem", place), notes, &|text| {
        let text = text.trim_end_matches('/');
        let glob = match anchored(wildcards(text)?, true) {
            glob if glob.starts_with('/') => glob,
            name => format!("/**/{name}"),
        };
        // A directory is everything below it.
        let globs = cased(glob).into_iter();
        Ok(globs
            .flat_map(|glob| [glob.clone().into(), format!("{glob}/**").into()])
            .collect())
    });
    note_case(section, place, notes);
}

/// `*` at either end, and nothing else that a glob would take for more than itself.
fn wildcards(text: &str) -> Result<String, String> {
    let (start, rest) = match text.strip_prefix('*') {
        Some(rest) => ("*", rest),
        None => ("", text),
    };
    let (rest, end) = match rest.strip_suffix('*') {
        Some(rest) => (rest, "*"),
        None => (rest, ""),
    };
    if rest.contains('*') {
        return Err(format!(
            "\"{text}\": a wildcard stands at the start or the end"
        ));
    }
    Ok(format!("{start}{}{end}", exactly(rest)))
}

fn dns(rule: &mut Value, section: Option<&Value>, place: &str, notes: &mut Notes) {
    let Some(section) = section else { return };
    let known = [
        "effect",
        "defaultEffect",
        "disabled",
        "whitelist",
        "blacklist",
        "domainList",
    ];
    rest(section, &known, place, notes);
    let effect = effect(section, place, notes);
    rule["dns"] = json!({"effect": effect});
    lists(rule, section, ("dns", place), notes, &|text| {
        Ok(vec![text.to_ascii_lowercase().into()])
    });
}

fn network(rule: &mut Value, section: Option<&Value>, place: &str, notes: &mut Notes) {
    let Some(section) = section else { return };
    let known = [
        "effect",
        "defaultEffect",
        "denyEffect",
        "disabled",
        "whitelistIPs",
        "allowedIPs",
        "blacklistIPs",
        "deniedIPs",
        "whitelistListeningPorts",
        "blacklistListeningPorts",
        "whitelistOutboundPorts",
        "blacklistOutboundPorts",
        "listeningPorts",
        "outboundPorts",
    ];
    rest(section, &known, place, notes);
    let effect = effect(section, place, notes);
    rule["network"] = json!({"effect": effect});
    for (keys, list) in [
        (["whitelistIPs", "allowedIPs"], "network.outbound.allow"),
        (["blacklistIPs", "deniedIPs"], "network.outbound.deny"),
    ] {
        for (text, place) in strings(section, &keys, place) {
            let (text, list) = match text.strip_prefix('-') {
                Some(rest) if list.ends_with("allow") => (rest.to_owned(), "network.outbound.deny"),
                _ => (text, list),
            };
            match network_of(&text) {
                Some(network) => entry(rule, list, network.into(), &place, notes),
                None => notes.add(place, format!("\"{text}\" is no address and no network")),
            }
        }
    }
    for (keys, list, denied, before) in [
        (
            ["whitelistOutboundPorts", "outboundPorts.allowed"],
            "network.outbound.allow",
            "network.outbound.deny",
            "*:",
        ),
        (
            ["blacklistOutboundPorts", "outboundPorts.denied"],
            "network.outbound.deny",
            "network.outbound.deny",
            "*:",
        ),
        (
            ["whitelistListeningPorts", "listeningPorts.allowed"],
            "network.listen.allow",
            "network.listen.deny",
            "",
        ),
        (
            ["blacklistListeningPorts", "listeningPorts.denied"],
            "network.listen.deny",
            "network.listen.deny",
            "",
        ),
    ] {
        for (range, place) in ranges(section, &keys, place) {
            let number = |key: &str| range.get(key).and_then(Value::as_u64).unwrap_or(0);
            let (start, end) = (number("start"), number("end"));
            let ports = match (start, end) {
                (start, 0) => start.to_string(),
                (start, end) if start == end => start.to_string(),
                (start, end) => format!("{start}-{end}"),
            };
            let list = match range.get("deny") {
                Some(Value::Bool(true)) => denied,
                _ => list,
            };
            entry(rule, list, format!("{before}{ports}").into(), &place, notes);
        }
    }
    for (keys, ports, list) in [
        (
            ["whitelistIPs", "allowedIPs"],
            ["whitelistOutboundPorts", "outboundPorts.allowed"],
            "network.outbound",
        ),
        (
            ["", ""],
            ["whitelistListeningPorts", "listeningPorts.allowed"],
            "network.listen",
        ),
    ] {
        let closes = strings(section, &keys, place)
            .iter()
            .any(|(text, _)| !text.starts_with('-'))
            || ranges(section, &ports, place)
                .iter()
                .any(|(range, _)| range.get("deny") != Some(&Value::Bool(true)));
        if closes {
            stay_closed(rule, list, place, notes);
        }
    }
    let has = |keys: [&str; 2]| {
        keys.iter()
            .any(|key| section.get(*key).is_some_and(says_something))
    };
    if has(["whitelistIPs", "allowedIPs"]) && has(["whitelistOutboundPorts", ""]) {
        notes.add(place, "addresses and outbound ports are one list here: a listed address may be reached on every port, a listed port on every address");
    }
}

fn ranges<'v>(section: &'v Value, keys: &[&str], place: &str) -> Vec<(&'v Value, String)> {
    for key in keys {
        let found = key
            .split('.')
            .try_fold(section, |value, part| value.get(part))
            .and_then(Value::as_array);
        if let Some(items) = found {
            return items
                .iter()
                .enumerate()
                .map(|(index, item)| (item, format!("{place}.{key}[{index}]")))
                .collect();
        }
    }
    Vec::new()
}

/// A network without the bits behind its prefix, which Prisma lets stand; `None`: it is neither that nor an address.
fn network_of(text: &str) -> Option<String> {
    let Some((address, length)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(|ip| ip.to_string());
    };
    let length: u32 = length.parse().ok()?;
    let network = match address.parse().ok()? {
        IpAddr::V4(ip) => {
            let rest = 32_u32.checked_sub(length)?;
            let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::from((u32::from(ip) & mask).to_be_bytes())
        }
        IpAddr::V6(ip) => {
            let rest = 128_u32.checked_sub(length)?;
            let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::from((u128::from(ip) & mask).to_be_bytes())
        }
    };
    Some(format!("{network}/{length}"))
}
