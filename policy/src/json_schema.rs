//! The JSON Schema of a policy.

/// The JSON Schema (draft 2020-12) of a policy, for editors.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(crate::schema::Policy).to_value()
}

/// Lets a policy name its schema, as editors expect it.
pub(crate) fn finish(schema: &mut schemars::Schema) {
    if let Some(serde_json::Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert(
            "$schema".to_owned(),
            serde_json::json!({ "type": "string", "minLength": 1, "description": "Address of this schema, for editors." }),
        );
    }
}
