//! Whatever `diff` says of two policies, their verdicts on acts say too, and the other way round. The entries are of a small vocabulary, and the acts
//! are one at least of every kind that these can tell apart.

use std::net::IpAddr;

use palisade_policy::{Identity, Outcome, Policy};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use super::{Way, rules};
use crate::act::{Act, Mode};
use crate::ask;

/// A section: where its lists are, what `diff` says of its entries, and a vocabulary.
struct Words {
    effect: &'static str,
    lists: &'static str,
    does: &'static str,
    entries: fn() -> Vec<Value>,
    acts: fn() -> Vec<Act>,
}

const SECTIONS: [Words; 5] = [
    Words {
        effect: "processes",
        lists: "",
        does: "running ",
        entries: || texts(&["gix", "/srv/bin/*", "/srv/bin/gix", "/opt/q/**", "g*"]),
        acts: || {
            [
                "/srv/bin/gix",
                "/srv/bin/lx",
                "/srv/bin/gx",
                "/opt/q/gx",
                "/opt/q/r/gx",
                "/opt/q/r/gix",
                "/opt/gix",
                "/opt/q/gix",
                "/opt/q/r/x",
                "/opt/gx",
                "/x",
            ]
            .map(|path| Act::Process {
                path: path.to_owned(),
                command: path.to_owned(),
            })
            .into()
        },
    },
    Words {
        effect: "network",
        lists: "outbound",
        does: "connecting to ",
        entries: || {
            texts(&[
                "10.0.0.0/8:443",
                "10.1.0.0/16",
                "10.1.2.3:80-90",
                "*:443",
                "*:90-443",
                "*",
                "192.0.2.0/24:85",
                "[2001:db8::/32]:443",
            ])
        },
        acts: || {
            let ips = [
                "10.200.0.1",
                "10.1.0.1",
                "10.1.2.3",
                "192.0.2.7",
                "203.0.113.9",
                "2001:db8::7",
                "2001:db9::7",
            ];
            let ports = [79, 80, 85, 86, 90, 91, 443, 444];
            ips.iter()
                .flat_map(|ip| {
                    let ip: IpAddr = ip.parse().expect("an address");
                    ports.map(|port| Act::Connect { ip, port })
                })
                .collect()
        },
    },
    Words {
        effect: "network",
        lists: "listen",
        does: "listening on port ",
        entries: || texts(&["80", "80-90", "85-100", "90-91", "1-65535", "8000-9000"]),
        acts: || {
            (1..=120)
                .chain([7999, 8000, 8500, 9000, 9001, 65535])
                .map(|port| Act::Listen { port })
                .collect()
        },
    },
    Words {
        effect: "dns",
        lists: "",
        does: "resolving ",
        entries: || texts(&["a.x", "b.x", "*.x", "*.b.x", "y.z", "*.z", "*", "d.b.x"]),
        acts: || {
            [
                "a.x", "b.x", "c.x", "d.b.x", "e.b.x", "e.c.x", "x", "z", "y.z", "w.z", "v",
            ]
            .map(|domain| Act::Resolve {
                domain: domain.to_owned(),
            })
            .into()
        },
    },
    Words {
        effect: "filesystem",
        lists: "",
        does: "using ",
        entries: || {
            let mut entries = texts(&[
                "/q/**",
                "/q/a",
                "/q/*.txt",
                "/q/d/*",
                "/r/**",
                "/q/example*",
                "**/e.txt",
            ]);
            for path in ["/q/**", "/q/a", "/q/*.txt"] {
                entries.push(json!({"path": path, "access": "write"}));
                entries.push(json!({"path": path, "access": "read"}));
            }
            entries
        },
        acts: || {
            let paths = [
                "/q/a",
                "/q/b",
                "/q/c.txt",
                "/q/e.txt",
                "/q/d/e",
                "/q/d/e.txt",
                "/q/d/f.txt",
                "/q/d/e/f",
                "/q/d/e/e.txt",
                "/q/example1",
                "/q/example1.txt",
                "/r/x",
                "/r/e.txt",
                "/s/x",
                "/s/e.txt",
            ];
            paths
                .iter()
                .flat_map(|path| {
                    [Mode::Read, Mode::Write, Mode::ReadWrite].map(|access| Act::File {
                        path: (*path).to_owned(),
                        access,
                    })
                })
                .collect()
        },
    },
];

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| (*text).into()).collect()
}

fn policy(section: &Words, effect: &str, lists: (&[Value], &[Value])) -> Policy {
    let lists = json!({"allow": lists.0, "deny": lists.1});
    let mut body = if section.lists.is_empty() {
        lists
    } else {
        json!({section.lists: lists})
    };
    body["effect"] = effect.into();
    let text = json!({"version": 1, "rules": [{"name": "r", section.effect: body}]}).to_string();
    match palisade_policy::parse(text.as_bytes()) {
        Ok(parsed) => parsed.policy,
        Err(problems) => panic!("{text}: {problems:?}"),
    }
}

/// Each act with what both policies do to it, where that is not the same.
fn changed(section: &Words, old: &Policy, new: &Policy) -> Vec<(Act, Outcome, Outcome)> {
    let compiled = |policy| ask::compiled(policy, Identity::default(), None);
    let (before, after) = (compiled(old), compiled(new));
    (section.acts)()
        .into_iter()
        .map(|act| {
            let before = act.judge(&before.decider()).outcome;
            let after = act.judge(&after.decider()).outcome;
            (act, before, after)
        })
        .filter(|(_, before, after)| before != after)
        .collect()
}

/// The same cases each time: globs are crossed by trying, and a test must not depend on luck.
const SEED: u64 = 1;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, rng_seed: RngSeed::Fixed(SEED), failure_persistence: None, ..ProptestConfig::default() })]

    /// Lists: what is said is so, and what is so is said.
    #[test]
    fn what_diff_says_of_lists_is_what_both_policies_decide(
        (section, lists) in (0..SECTIONS.len()).prop_flat_map(|section| {
            let list = || subsequence((SECTIONS[section].entries)(), 0..=4);
            (Just(section), [list(), list(), list(), list()])
        })
    ) {
        let section = &SECTIONS[section];
        let [allow, deny, new_allow, new_deny] = &lists;
        let old = policy(section, "prevent", (allow, deny));
        let new = policy(section, "prevent", (new_allow, new_deny));
        let said = rules::differences(&old, &new);
        let (allowed, refused): (Vec<_>, Vec<_>) = changed(section, &old, &new)
            .into_iter()
            .partition(|(_, before, after)| after < before);
        for (way, acts) in [(Way::Allows, allowed), (Way::Refuses, refused)] {
            let mut sentences = said.iter().filter(|difference| difference.way == way);
            prop_assert!(
                acts.is_empty() || sentences.clone().next().is_some(),
                "{acts:?} go {way:?}, and nothing says so: {said:?}"
            );
            let of_entry = sentences.find(|one| one.sentence.starts_with(section.does));
            prop_assert!(of_entry.is_none() || !acts.is_empty(), "{of_entry:?}, and no act does");
        }
        prop_assert!(lists[..2] != lists[2..] || said.is_empty(), "{said:?}");
    }

    /// Effects too: what is let pass that was not, or is stopped that was not, is said.
    #[test]
    fn no_act_changes_its_way_in_silence(
        (section, lists, effects) in (0..SECTIONS.len()).prop_flat_map(|section| {
            let list = || subsequence((SECTIONS[section].entries)(), 0..=3);
            let effect = || select(vec!["disable", "alert", "prevent"]);
            (Just(section), [list(), list(), list(), list()], [effect(), effect()])
        })
    ) {
        let section = &SECTIONS[section];
        let [allow, deny, new_allow, new_deny] = &lists;
        let old = policy(section, effects[0], (allow, deny));
        let new = policy(section, effects[1], (new_allow, new_deny));
        let said = rules::differences(&old, &new);
        for (act, before, after) in changed(section, &old, &new) {
            let way = match (before, after) {
                (Outcome::Prevent, _) => Way::Allows,
                (_, Outcome::Prevent) => Way::Refuses,
                // It is reported now, or is no longer.
                _ => {
                    prop_assert!(!said.is_empty(), "{act:?}");
                    continue;
                }
            };
            let is_said = said.iter().any(|difference| difference.way == way);
            prop_assert!(is_said, "{act:?} goes {way:?}, and nothing says so: {said:?}");
        }
    }
}
