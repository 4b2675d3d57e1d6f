//! The committed JSON Schema is the one that the types give, and it tells good policies from bad ones.

use palisade_policy::{json_schema, parse};
use serde_json::{Value, json};
use std::path::Path;

const FILE: &str = "schema/palisade-policy-v1.schema.json";

#[test]
fn the_committed_schema_is_the_one_that_the_types_give() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let fresh = format!("{:#}\n", json_schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "run UPDATE_SCHEMA=1 cargo test -p palisade-policy --features schema, and commit {FILE}"
    );
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&json_schema()).unwrap()
}

#[test]
fn the_schema_and_the_parser_both_take_good_policies() {
    let validator = validator();
    for policy in good() {
        let errors: Vec<String> = validator
            .iter_errors(&policy)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{policy}: {errors:?}");
        assert_eq!(parse(policy.to_string().as_bytes()).err(), None, "{policy}");
    }
}

#[test]
fn the_schema_and_the_parser_both_refuse_bad_policies() {
    let validator = validator();
    for policy in bad() {
        assert!(!validator.is_valid(&policy), "the schema takes {policy}");
        assert!(
            parse(policy.to_string().as_bytes()).is_err(),
            "the parser takes {policy}"
        );
    }
}

#[test]
fn a_policy_that_is_written_out_again_is_the_same_policy() {
    for policy in good() {
        let parsed = parse(policy.to_string().as_bytes()).unwrap().policy;
        let text = serde_json::to_string(&parsed).unwrap();
        assert_eq!(parse(text.as_bytes()).unwrap().policy, parsed, "{text}");
        assert!(
            validator().is_valid(&serde_json::from_str(&text).unwrap()),
            "{text}"
        );
    }
    let text = serde_json::to_string(&palisade_policy::default_policy()).unwrap();
    assert_eq!(
        parse(text.as_bytes()).unwrap().policy,
        palisade_policy::default_policy()
    );
}

#[test]
fn every_field_has_a_description_for_the_author_of_a_policy() {
    fn walk(place: &str, value: &Value, missing: &mut Vec<String>) {
        if let Some(Value::Object(properties)) = value.get("properties") {
            for (name, field) in properties {
                if field.get("description").is_none() {
                    missing.push(format!("{place}.{name}"));
                }
            }
        }
        if let Value::Object(members) = value {
            for (name, inner) in members {
                walk(&format!("{place}/{name}"), inner, missing);
            }
        }
    }
    let mut missing = Vec::new();
    walk("", &json_schema(), &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}

fn rule(rule: Value) -> Value {
    json!({ "version": 1, "rules": [rule] })
}

fn good() -> Vec<Value> {
    vec![
        json!({ "$schema": "https://example.com/s.json", "version": 1, "rules": [{}] }),
        rule(
            json!({ "name": "a", "enabled": false, "scope": { "functions": ["pay-*", "-pay-canary"], "regions": [], "accounts": ["*"] } }),
        ),
        rule(
            json!({ "processes": { "effect": "prevent", "main_only": true, "crypto_miners": true, "allow": [], "deny": [] } }),
        ),
        json!({ "version": 1, "mode": "learn", "rules": [{ "enforce_after": "2026-12-01T00:00:00.5Z" }] }),
        json!({ "version": 1, "mode": "enforce", "rules": [{}] }),
        rule(json!({ "processes": { "effect": "prevent", "unfollowable": "prevent" } })),
        rule(
            json!({ "processes": { "effect": "prevent", "main_only": true, "unfollowable": "allow" } }),
        ),
        rule(
            json!({ "network": { "effect": "prevent", "outbound": { "allow": ["*.amazonaws.com:443"], "deny": ["evil.com"] } } }),
        ),
        rule(json!({ "processes": { "effect": "alert", "allow": ["/usr/bin/*", "git"] } })),
        rule(
            json!({ "network": { "effect": "prevent", "outbound": { "allow": ["10.0.0.0/8:443", "*:5432"], "deny": ["169.254.169.254"], "loopback": false },
            "listen": { "allow": [8080, "8081", "9000-9100"], "deny": [22] } } }),
        ),
        rule(
            json!({ "dns": { "effect": "prevent", "allow": ["*.amazonaws.com", "api.stripe.com"], "deny": [] } }),
        ),
        rule(
            json!({ "filesystem": { "effect": "disable", "allow": [], "deny": ["/proc/*/environ", { "path": "/var/task/**", "access": "write" }, { "path": "/x" }] } }),
        ),
    ]
}

fn bad() -> Vec<Value> {
    vec![
        json!([]),
        json!({}),
        json!({ "version": 1 }),
        json!({ "version": 2, "rules": [{}] }),
        json!({ "version": 1, "mode": "observe", "rules": [{}] }),
        json!({ "version": 1, "mode": null, "rules": [{}] }),
        rule(json!({ "enforce_after": "2026-12-01" })),
        rule(json!({ "enforce_after": "2026-12-01T00:00:00+01:00" })),
        rule(json!({ "enforce_after": 1 })),
        rule(json!({ "processes": { "effect": "alert", "unfollowable": "disable" } })),
        rule(json!({ "processes": { "effect": "alert", "unfollowable": null } })),
        json!({ "version": "1", "rules": [{}] }),
        json!({ "version": 1, "rules": [] }),
        json!({ "version": 1, "rules": [{}], "more": 1 }),
        rule(json!({ "name": "" })),
        rule(json!({ "enabled": "yes" })),
        rule(json!({ "scope": { "function": ["a"] } })),
        rule(json!({ "scope": { "functions": "a" } })),
        rule(json!({ "processes": {} })),
        rule(json!({ "processes": null })),
        rule(json!({ "processes": { "effect": "block" } })),
        rule(json!({ "processes": { "effect": "alert", "deny": [""] } })),
        rule(json!({ "network": { "effect": "alert", "outbound": { "allow": [1] } } })),
        rule(json!({ "network": { "effect": "alert", "listen": { "allow": [0] } } })),
        rule(json!({ "network": { "effect": "alert", "listen": { "allow": [65536] } } })),
        rule(json!({ "network": { "effect": "alert", "listen": { "allow": ["http"] } } })),
        rule(json!({ "dns": { "effect": "alert", "allow": "example.com" } })),
        rule(json!({ "filesystem": { "effect": "alert", "allow": [{ "access": "read" }] } })),
        rule(
            json!({ "filesystem": { "effect": "alert", "allow": [{ "path": "/x", "access": "execute" }] } }),
        ),
    ]
}
