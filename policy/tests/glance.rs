//! What is told at a glance is what the whole decision says: for names that an entry means, nearly means, and does not mean.

mod common;

use common::rule;
use palisade_policy::{Access, Connect, File, Outcome, Reason, Verdict};
use proptest::prelude::*;
use serde_json::json;

fn allows(verdict: Verdict<'_>) -> bool {
    verdict.outcome == Outcome::Allow
}

/// Parts of names and of patterns: short ones and such as are longer than a word of eight bytes, alone and beside a wildcard.
fn part(wildcards: bool) -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        Just("a"),
        Just("b"),
        Just("ab"),
        Just("seven77"),
        Just("eight888"),
        Just("nine99999"),
        Just("a-name-of-more-than-two-words"),
    ];
    let wild = prop_oneof![
        Just("*"),
        Just("**"),
        Just("a*"),
        Just("*b"),
        Just("?b"),
        Just("[a-c]b"),
        Just("{a,nine99999}"),
    ];
    let wild = wild.prop_map(move |wild| if wildcards { wild } else { "a" });
    prop_oneof![4 => plain, 1 => wild].prop_map(str::to_owned)
}

fn joined(wildcards: bool, edge: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(part(wildcards), 1..5).prop_map(move |parts| parts.join(edge))
}

fn paths(wildcards: bool) -> impl Strategy<Value = String> {
    let begin = move |begin: &'static str| {
        joined(wildcards, "/").prop_map(move |rest| format!("{begin}{rest}"))
    };
    let wild = if wildcards { "**/" } else { "/a/" };
    prop_oneof![3 => begin("/"), 1 => begin(wild)]
}

fn domains(wildcards: bool) -> impl Strategy<Value = String> {
    let label = part(false).prop_map(|label| label.replace('*', "a"));
    let name = prop::collection::vec(label, 1..4).prop_map(|labels| labels.join("."));
    (name, any::<bool>(), any::<bool>()).prop_map(move |(name, is_wild, is_upper)| {
        let name = if wildcards && is_wild {
            format!("*.{name}")
        } else {
            name
        };
        if is_upper { name.to_uppercase() } else { name }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_are_told_as_they_are_decided(
        denied in prop::collection::vec(paths(true), 1..12),
        asked in prop::collection::vec(paths(false), 40),
    ) {
        let policy = json!({ "filesystem": { "effect": "prevent", "deny": denied } }).to_string();
        let compiled = rule(&policy[1..policy.len() - 1]);
        let decider = compiled.decider();
        for path in &asked {
            for access in [Access::Read, Access::Write, Access::ReadWrite] {
                let event = File { path: path.as_bytes(), alias: None, access };
                prop_assert_eq!(decider.allows_file(&event), allows(decider.file(&event)), "{} {:?}", path, denied);
            }
        }
    }

    #[test]
    fn names_are_told_as_they_are_decided(
        denied in prop::collection::vec(domains(true), 1..12),
        asked in prop::collection::vec(domains(false), 40),
        dot in any::<bool>(),
    ) {
        let hosts: Vec<_> = denied.iter().map(|name| format!("{name}:443")).collect();
        let policy = json!({
            "dns": { "effect": "prevent", "deny": denied },
            "network": { "effect": "prevent", "outbound": { "deny": hosts } },
        }).to_string();
        let compiled = rule(&policy[1..policy.len() - 1]);
        let decider = compiled.decider();
        let to = Connect { ip: [203, 0, 113, 9].into(), port: 443 };
        for name in &asked {
            let name = if dot { format!("{name}.") } else { name.clone() };
            let name = name.as_bytes();
            let verdict = decider.resolve(name);
            prop_assert_eq!(decider.allows_resolve(name), allows(verdict), "{} {:?}", name.escape_ascii(), denied);
            let is_meant = decider.connect_resolved(&to, name).reason == Reason::Denied;
            prop_assert_eq!(decider.wants_name(name), is_meant, "{} {:?}", name.escape_ascii(), denied);
        }
    }
}
