//! One change of a policy: in words, as JSON Patch, and done.

use serde_json::{Value, json};

use crate::output::Safe;

/// A place is written as the policy crate does: `rules[0].dns.allow[2]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An entry behind the others of a list, which need not be there yet.
    Add { list: String, entry: Value },
    /// An entry goes.
    Remove { place: String, entry: String },
    /// A setting gets another value.
    Set { place: String, value: Value },
    /// `main_only` gives way to a list of programs; the two exclude each other.
    Replace {
        place: String,
        list: String,
        entry: Value,
    },
}

impl Change {
    /// For a person.
    pub fn sentence(&self) -> String {
        match self {
            Self::Add { list, entry } => format!("add {} to {list}", Safe::of(&entry.to_string())),
            Self::Remove { place, entry } => {
                let entry = Value::from(entry.as_str()).to_string();
                format!("{} would have to go from {place}", Safe::of(&entry))
            }
            Self::Set { place, value } => {
                format!("{place} would have to be {}", Safe::of(&value.to_string()))
            }
            Self::Replace { place, list, entry } => {
                format!(
                    "replace {place} by {} in {list}",
                    Safe::of(&entry.to_string())
                )
            }
        }
    }

    /// Whether nothing but what was asked about becomes possible.
    pub const fn is_exact(&self) -> bool {
        matches!(self, Self::Add { .. } | Self::Replace { .. })
    }

    /// RFC 6902.
    pub fn patch(&self, policy: &Value) -> Vec<Value> {
        match self {
            Self::Add { list, entry } => add(policy, list, entry),
            Self::Remove { place, .. } => vec![json!({"op": "remove", "path": pointer(place)})],
            Self::Set { place, value } => {
                vec![json!({"op": "add", "path": pointer(place), "value": value})]
            }
            Self::Replace { place, list, entry } => {
                let mut patch = vec![json!({"op": "remove", "path": pointer(place)})];
                patch.extend(add(policy, list, entry));
                patch
            }
        }
    }

    /// Does it.
    pub fn apply(&self, policy: &mut Value) {
        match self {
            Self::Add { list, entry } => push(policy, list, entry.clone()),
            Self::Remove { place, .. } => remove(policy, place),
            Self::Set { place, value } => {
                if let Some(target) = reach(policy, place) {
                    *target = value.clone();
                }
            }
            Self::Replace { place, list, entry } => {
                remove(policy, place);
                push(policy, list, entry.clone());
            }
        }
    }
}

/// Whether an entry can stand in that list of a rule (`network.outbound.allow`), and why not.
pub fn fits(list: &str, entry: &Value) -> Result<(), String> {
    let section = list.split('.').next().unwrap_or_default();
    let mut policy = json!({"version": 1, "rules": [{section: {"effect": "alert"}}]});
    push(&mut policy, &format!("rules[0].{list}"), entry.clone());
    match palisade_policy::parse(policy.to_string().as_bytes()) {
        Ok(_) => Ok(()),
        Err(problems) => Err(problems
            .first()
            .map(|problem| format!("{}: {}", problem.value, problem.message))
            .unwrap_or_default()),
    }
}

fn add(policy: &Value, list: &str, entry: &Value) -> Vec<Value> {
    let path = pointer(list);
    if policy.pointer(&path).is_some() {
        return vec![json!({"op": "add", "path": format!("{path}/-"), "value": entry})];
    }
    let mut patch = Vec::new();
    // Sections that are not there yet: `add` needs the object around.
    let parts: Vec<&str> = path.split('/').collect();
    for length in 2..parts.len() {
        let parent = parts.get(..length).unwrap_or_default().join("/");
        if policy.pointer(&parent).is_none() {
            patch.push(json!({"op": "add", "path": parent, "value": {}}));
        }
    }
    patch.push(json!({"op": "add", "path": path, "value": [entry]}));
    patch
}

fn push(policy: &mut Value, list: &str, entry: Value) {
    if let Some(target) = reach(policy, list) {
        match target {
            Value::Array(entries) => entries.push(entry),
            other => *other = Value::Array(vec![entry]),
        }
    }
}

fn remove(policy: &mut Value, place: &str) {
    let path = pointer(place);
    let Some((parent, last)) = path.rsplit_once('/') else {
        return;
    };
    match policy.pointer_mut(parent) {
        Some(Value::Array(entries)) => {
            if let Ok(index) = last.parse::<usize>()
                && index < entries.len()
            {
                entries.remove(index);
            }
        }
        Some(Value::Object(members)) => {
            members.remove(last);
        }
        _ => {}
    }
}

/// The value at a place; objects on the way are made.
fn reach<'v>(policy: &'v mut Value, place: &str) -> Option<&'v mut Value> {
    let path = pointer(place);
    let mut value = policy;
    for part in path.split('/').skip(1) {
        value = match value {
            Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?)?,
            Value::Object(members) => members.entry(part.to_owned()).or_insert(Value::Null),
            empty @ Value::Null => {
                *empty = json!({});
                empty
                    .as_object_mut()?
                    .entry(part.to_owned())
                    .or_insert(Value::Null)
            }
            _ => return None,
        };
    }
    Some(value)
}

/// `rules[0].dns.allow[2]` as RFC 6901 has it. The names in a place are those of the format, which need no escape.
fn pointer(place: &str) -> String {
    let mut path = String::from("/");
    for character in place.chars() {
        match character {
            '.' | '[' => path.push('/'),
            ']' => {}
            other => path.push(other),
        }
    }
    path
}

/// A glob that matches this path and no other.
pub fn exactly(path: &str) -> String {
    let mut glob = String::new();
    for character in path.chars() {
        if matches!(
            character,
            '*' | '?' | '[' | ']' | '{' | '}' | '\\' | ',' | '!'
        ) {
            glob.push('\\');
        }
        glob.push(character);
    }
    glob
}
