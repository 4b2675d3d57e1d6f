//! Collections, which choose the functions of a rule.

use serde_json::{Value, json};

use crate::import::Notes;

/// The scope of each collection; `false`: nobody can know.
pub(super) fn scopes(
    collections: Option<&Value>,
    place: &str,
    notes: &mut Notes,
) -> Vec<(Value, bool)> {
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
