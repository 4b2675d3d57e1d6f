//! The entries and settings of a policy that can decide, in its order.

use palisade_policy::Policy;
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;

/// One of them.
#[derive(Serialize)]
pub struct PolicyEntry {
    /// The rule, as a person calls it.
    pub rule: String,
    /// As verdicts name it.
    pub place: String,
    pub text: String,
}

pub fn of(policy: &Policy) -> Result<Vec<PolicyEntry>, Failure> {
    let value = serde_json::to_value(policy).map_err(|cause| Failure::Output(cause.into()))?;
    let mut out = Vec::new();
    for (index, rule) in value
        .get("rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let title = match rule.get("name").and_then(Value::as_str) {
            Some(name) => format!("{name} (rules[{index}])"),
            None => format!("rules[{index}]"),
        };
        for section in ["processes", "network", "dns", "filesystem"] {
            if let Some(value) = rule.get(section) {
                walk(
                    value,
                    &title,
                    &format!("rules[{index}].{section}"),
                    &mut out,
                );
            }
        }
    }
    Ok(out)
}

fn walk(value: &Value, rule: &str, place: &str, out: &mut Vec<PolicyEntry>) {
    let mut add = |place: String, text: String| {
        out.push(PolicyEntry {
            rule: rule.to_owned(),
            place,
            text,
        });
    };
    match value {
        Value::Array(entries) => {
            // What no entry matches is decided by the list.
            if place.ends_with(".allow") {
                add(place.to_owned(), "whatever is not in the list".to_owned());
            }
            for (index, entry) in entries.iter().enumerate() {
                let text = match (entry.as_str(), entry.get("path"), entry.get("access")) {
                    (Some(text), ..) => text.to_owned(),
                    (_, Some(Value::String(path)), Some(Value::String(access))) => {
                        format!("{path} ({access})")
                    }
                    _ => entry.to_string(),
                };
                add(format!("{place}[{index}]"), text);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                walk(value, rule, &format!("{place}.{key}"), out);
            }
        }
        // `main_only`, `crypto_miners`, `loopback`.
        Value::Bool(on) => add(place.to_owned(), on.to_string()),
        _ => {}
    }
}
