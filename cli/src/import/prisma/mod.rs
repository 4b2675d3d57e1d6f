//! Prisma Cloud Compute: the serverless runtime policy, as its API gives it (`GET /api/v…/policies/runtime/serverless`).
//!
//! Strings match without regard to case, `*` may stand at either end, a leading `-` excludes. Older releases name lists `whitelist` and
//! `blacklist`, later ones `allowedList` and `deniedList`.

mod files;
mod network;
mod scopes;
mod section;

use serde_json::{Value, json};

use super::Notes;
use files::{filesystem, processes};
use network::{dns, network};
use scopes::scopes;

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
