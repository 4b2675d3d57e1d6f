//! A policy as a person writes it: parsed, compiled, and asked.
#![no_main]

#[path = "common/mod.rs"]
mod common;

use common::{SECTIONS, ask};
use libfuzzer_sys::fuzz_target;
use palisade_policy::{
    Context, Decider, Effect, Identity, Outcome, Platform, Rule, compile, decode, parse,
};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let _ = decode(data);
    let parsed = match parse(data) {
        Ok(parsed) => parsed,
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                let text = problem.to_string();
                assert!(
                    !problem.message.is_empty() && !text.contains('\n'),
                    "{text}"
                );
            }
            return;
        }
    };
    let policy = parsed.policy;

    // What was understood is what is written down again.
    let text = serde_json::to_string(&policy).unwrap();
    let again = parse(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}: {text}"));
    assert_eq!(policy, again.policy);

    let platform = Platform::default();
    let context = Context {
        identity: Identity {
            function: "pay-invoice",
            region: "eu-west-1",
            account: "123456789012",
        },
        platform: &platform,
        resolve: &|_| None,
        now: 1_800_000_000,
    };
    let compiled = compile(&policy, &context);
    let decider = Decider::from_bytes(compiled.as_bytes()).unwrap();
    let applies = decider.rule().is_some();
    let json: Value = serde_json::from_str(&text).unwrap();
    let rule = strings(&json);
    for (index, name) in rule.iter().map(|s| s.as_bytes()).chain([data]).enumerate() {
        let number = name
            .iter()
            .fold(index as u32, |n, b| n.rotate_left(5) ^ u32::from(*b));
        for (section, verdict) in ask(decider, name, number) {
            if let Some(section) = section
                && !decider.active(section)
            {
                assert_eq!(verdict.outcome, Outcome::Allow, "{section:?} is off");
            }
            if !applies || decider.learns() {
                assert_eq!(
                    verdict.outcome,
                    Outcome::Allow,
                    "no rule applies, or it learns"
                );
            }
            if let (Some(place), Some(pattern)) = (verdict.place(), verdict.pattern()) {
                assert_eq!(at(&json, place), pattern, "{place}");
            }
        }
    }
    if policy.rules.iter().all(is_quiet) {
        assert!(!decider.may_alert() || decider.learns());
    }
    if policy.rules.iter().all(|r| !r.enabled) {
        assert!(SECTIONS.iter().all(|s| !decider.active(*s)) || decider.learns());
    }
});

/// Nothing in it can be let through and reported.
fn is_quiet(rule: &Rule) -> bool {
    let quiet = |effect: Effect| effect != Effect::Alert;
    rule.enforce_after.is_none()
        && rule
            .processes
            .as_ref()
            .is_none_or(|s| quiet(s.effect) && s.unfollowable.is_none())
        && rule.network.as_ref().is_none_or(|s| quiet(s.effect))
        && rule.dns.as_ref().is_none_or(|s| quiet(s.effect))
        && rule.filesystem.as_ref().is_none_or(|s| quiet(s.effect))
}

/// All text in the policy: what a name has to be to match, or nearly.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone(), text.replace(['*', '?'], "x")],
        Value::Array(items) => items.iter().flat_map(strings).take(64).collect(),
        Value::Object(members) => members.values().flat_map(strings).take(64).collect(),
        _ => Vec::new(),
    }
}

/// The entry at a place such as `rules[0].dns.deny[2]`, as the policy has it.
fn at(json: &Value, place: &str) -> String {
    let pointer: String = place
        .replace(']', "")
        .split(['.', '['])
        .flat_map(|step| ["/", step])
        .collect();
    match json.pointer(&pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(entry)) => entry["path"].as_str().unwrap().to_owned(),
        Some(Value::Number(port)) => port.to_string(),
        // A setting, which is written down only where it is not what it is by itself.
        _ => String::new(),
    }
}
