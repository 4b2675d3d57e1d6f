//! The JSON Schema of a policy, from the types of [`schema`](crate::schema).

use alloc::borrow::ToOwned;

/// The JSON Schema (draft 2020-12) of a policy, for editors and for other tools. It knows shapes and types; what a glob or a network must
/// look like inside, only [`parse`](crate::parse()) knows.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(crate::schema::Policy).to_value();
    if let serde_json::Value::Object(fields) = &mut schema {
        fields.insert(
            "$id".to_owned(),
            "https://palisade.dev/schema/palisade-policy-v1.schema.json".into(),
        );
        fields.insert("title".to_owned(), "Palisade policy, version 1".into());
    }
    unwrap_lines(&mut schema);
    schema
}

/// Comments are wrapped where the source is wide enough; a description has no line of its own.
fn unwrap_lines(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = text.replace('\n', " "),
        serde_json::Value::Array(items) => items.iter_mut().for_each(unwrap_lines),
        serde_json::Value::Object(members) => members.values_mut().for_each(unwrap_lines),
        _ => {}
    }
}

/// Lets a policy name its schema, as editors expect it.
pub(crate) fn finish(schema: &mut schemars::Schema) {
    if let Some(serde_json::Value::Object(properties)) = schema.get_mut("properties") {
        let field = serde_json::json!({ "type": "string", "minLength": 1, "description": "Address of this schema, for editors." });
        properties.insert("$schema".to_owned(), field);
    }
}
