//! Whatever `diff` says of two policies, their verdicts on acts say too, and the other way round. The entries are of a small vocabulary, and the acts
//! are one at least of every kind that these can tell apart.

use std::net::IpAddr;

use palisade_policy::{Context, Identity, Outcome, Platform, Policy, compile};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use super::witness::Probe;
use super::{Difference, Way, rules};
use crate::act::{Act, Mode};
use crate::ask;

/// A section: where its lists are, what `diff` says of its entries, and a vocabulary.
struct Words {
    effect: &'static str,
    lists: &'static str,
    does: &'static str,
    entries: fn() -> Vec<Value>,
    acts: fn() -> Vec<Probe>,
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
            .map(|path| run(path, path))
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
                "a.x:443",
                "*.x:443",
                "b.x:80-90",
                "*.b.x",
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
            let names = ["", "a.x", "b.x", "c.x", "d.b.x", "x", "y"];
            let mut acts = Vec::new();
            for ip in ips {
                let ip: IpAddr = ip.parse().expect("an address");
                for port in ports {
                    acts.extend(names.map(|name| Probe {
                        act: Act::Connect { ip, port },
                        name: (!name.is_empty()).then(|| name.to_owned()),
                    }));
                }
            }
            acts
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
                .map(|port| Act::Listen { port }.into())
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
            .map(resolve)
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
                    [Mode::Read, Mode::Write, Mode::ReadWrite].map(|access| {
                        Probe::from(Act::File {
                            path: (*path).to_owned(),
                            access,
                        })
                    })
                })
                .collect()
        },
    },
];

fn run(path: &str, command: &str) -> Probe {
    Probe::from(Act::Process {
        path: path.to_owned(),
        command: command.to_owned(),
    })
}

fn resolve(domain: &str) -> Probe {
    Probe::from(Act::Resolve {
        domain: domain.to_owned(),
    })
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| (*text).into()).collect()
}

fn policy(section: &Words, effect: &str, lists: (&[Value], &[Value])) -> Policy {
    dated_policy(section, effect, lists, None)
}

/// The same, which may begin to prevent at some moment.
fn dated_policy(
    section: &Words,
    effect: &str,
    lists: (&[Value], &[Value]),
    enforce_after: Option<&str>,
) -> Policy {
    let lists = json!({"allow": lists.0, "deny": lists.1});
    let mut body = if section.lists.is_empty() {
        lists
    } else {
        json!({section.lists: lists})
    };
    body["effect"] = effect.into();
    let mut rule = json!({"name": "r", section.effect: body});
    if let Some(moment) = enforce_after {
        rule["enforce_after"] = moment.into();
    }
    of_rules(&[rule])
}

fn of_rules(rules: &[Value]) -> Policy {
    let text = json!({"version": 1, "rules": rules}).to_string();
    match palisade_policy::parse(text.as_bytes()) {
        Ok(parsed) => parsed.policy,
        Err(problems) => panic!("{text}: {problems:?}"),
    }
}

/// Each act with what both policies do to it, where that is not the same.
fn changed(acts: &[Probe], old: &Policy, new: &Policy, identity: Identity<'_>) -> Vec<Changed> {
    let compiled = |policy| ask::compiled(policy, identity, None);
    let (before, after) = (compiled(old), compiled(new));
    acts.iter()
        .map(|act| {
            let before = act.judge(&before.decider()).outcome;
            let after = act.judge(&after.decider()).outcome;
            (act.clone(), before, after)
        })
        .filter(|(_, before, after)| before != after)
        .collect()
}

type Changed = (Probe, Outcome, Outcome);

/// What `diff` has to call that.
fn way((_, before, after): &Changed) -> Way {
    match (before, after) {
        (Outcome::Prevent, _) => Way::Allows,
        (_, Outcome::Prevent) => Way::Refuses,
        (Outcome::Alert, _) => Way::Silences,
        _ => Way::Reports,
    }
}

#[track_caller]
fn all_is_said(changed: &[Changed], said: &[Difference]) {
    for act in changed {
        let way = way(act);
        assert!(
            said.iter().any(|difference| difference.way == way),
            "{act:?} goes {way:?}, and nothing says so: {said:?}"
        );
    }
}

const WAYS: [Way; 4] = [Way::Allows, Way::Refuses, Way::Reports, Way::Silences];

/// One that is over, and two to come.
const MOMENTS: [&str; 3] = [
    "2020-01-01T00:00:00Z",
    "2998-01-01T00:00:00Z",
    "2999-01-01T00:00:00Z",
];

/// What each act goes through as time goes on: before [`MOMENTS`] that are to come, between them, and after.
fn changed_in_time(acts: &[Probe], old: &Policy, new: &Policy) -> Vec<Vec<Changed>> {
    let seconds = |moment: &str| crate::moment::micros(moment).expect("a moment") / 1_000_000;
    let times = [
        crate::moment::now(),
        seconds(MOMENTS[1]),
        seconds(MOMENTS[2]),
    ];
    let platform = Platform::default();
    let compiled = |policy| {
        times.map(|now| {
            let context = Context {
                identity: Identity::default(),
                platform: &platform,
                resolve: &|_| None,
                now,
            };
            compile(policy, &context)
        })
    };
    let (before, after) = (compiled(old), compiled(new));
    let of = |act: &Probe| {
        let both = before.iter().zip(&after).map(|(before, after)| {
            let before = act.judge(&before.decider()).outcome;
            (act.clone(), before, act.judge(&after.decider()).outcome)
        });
        both.filter(|(_, before, after)| before != after).collect()
    };
    acts.iter().map(of).collect()
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
        let changed = changed(&(section.acts)(), &old, &new, Identity::default());
        all_is_said(&changed, &said);
        entries_are_true(section, &changed, &said);
        prop_assert!(lists[..2] != lists[2..] || said.is_empty(), "{said:?}");
    }

    /// Effects too: what is let pass that was not, is stopped, reported or no longer reported, is said, and of what is only reported nothing else.
    #[test]
    fn no_act_changes_its_way_in_silence(
        (section, lists, effects) in (0..SECTIONS.len()).prop_flat_map(|section| {
            let list = || subsequence((SECTIONS[section].entries)(), 0..=3);
            let effect = || select(vec!["disable", "alert", "alert", "prevent"]);
            (Just(section), [list(), list(), list(), list()], [effect(), effect()])
        })
    ) {
        let section = &SECTIONS[section];
        let [allow, deny, new_allow, new_deny] = &lists;
        let old = policy(section, effects[0], (allow, deny));
        let new = policy(section, effects[1], (new_allow, new_deny));
        let said = rules::differences(&old, &new);
        let changed = changed(&(section.acts)(), &old, &new, Identity::default());
        all_is_said(&changed, &said);
        entries_are_true(section, &changed, &said);
        if !effects.contains(&"prevent") {
            let refuses = said.iter().find(|one| matches!(one.way, Way::Allows | Way::Refuses));
            prop_assert!(refuses.is_none(), "nothing was or is refused: {refuses:?}");
        }
    }

    /// Refusals that begin later: whatever becomes of an act at any time from now on is said, and nothing is said where nothing ever changes.
    #[test]
    fn what_is_said_of_a_rule_that_begins_to_prevent_later_is_so_at_some_time(
        (section, lists, effects, moments) in (0..SECTIONS.len()).prop_flat_map(|section| {
            let list = || subsequence((SECTIONS[section].entries)(), 0..=2);
            let effect = || select(vec!["disable", "alert", "prevent", "prevent", "prevent"]);
            let moment = || select([None].into_iter().chain(MOMENTS.map(Some)).collect::<Vec<_>>());
            (Just(section), (list(), list()), [effect(), effect()], [moment(), moment()])
        }),
        same in any::<bool>(),
        other in subsequence(vec![0, 1], 0..=2),
    ) {
        let section = &SECTIONS[section];
        let (allow, deny) = (lists.0.as_slice(), lists.1.as_slice());
        let effect = if same { effects[0] } else { effects[1] };
        let new_lists = (if other.contains(&0) { &[][..] } else { allow }, if other.contains(&1) { &[][..] } else { deny });
        let old = dated_policy(section, effects[0], (allow, deny), moments[0]);
        let new = dated_policy(section, effect, new_lists, moments[1]);
        let said = rules::differences(&old, &new);
        let changed = changed_in_time(&(section.acts)(), &old, &new);
        for act in &changed {
            let ways: Vec<Way> = act.iter().map(way).collect();
            // What is refused at last is only reported until then, and what is no longer refused was: one sentence says both.
            let ways = match ways.as_slice() {
                [first @ .., Way::Refuses] if first.iter().all(|way| matches!(way, Way::Reports | Way::Refuses)) => &ways[first.len()..],
                [first @ .., Way::Allows] if first.iter().all(|way| matches!(way, Way::Silences | Way::Allows)) => &ways[first.len()..],
                ways => ways,
            };
            for way in ways {
                prop_assert!(said.iter().any(|one| one.way == *way), "{act:?} goes {way:?}, and nothing says so: {said:?}");
            }
        }
        // Lists may refuse none of these acts; and where an entry goes as well, nothing may be left that could be put off.
        let at_once = ask::compiled(&policy(section, "prevent", (allow, deny)), Identity::default(), None);
        let refuses = new_lists == (allow, deny)
            && (section.acts)().iter().any(|act| act.judge(&at_once.decider()).outcome == Outcome::Prevent);
        for one in said.iter().filter(|one| one.sentence.contains("enforce_after") || one.sentence.contains("until")) {
            let is_so = one.way == Way::Neither || changed.iter().flatten().any(|act| way(act) == one.way);
            prop_assert!(is_so || !refuses, "{one:?}, and no act does, at any time");
        }
    }

    /// Settings of programs, and what they have to do with lists.
    #[test]
    fn what_is_said_of_programs_with_their_settings_is_what_both_policies_decide(
        (rules, effects) in {
            let section = || (subsequence((SECTIONS[0].entries)(), 0..=2), subsequence((SECTIONS[0].entries)(), 0..=2), any::<[bool; 2]>());
            let effect = || select(vec!["alert", "prevent"]);
            ([section(), section()], [effect(), effect()])
        }
    ) {
        let one = |index: usize| {
            let (allow, deny, [main_only, crypto_miners]) = &rules[index];
            let allow = if *main_only { &[] } else { allow.as_slice() };
            of_rules(&[json!({"name": "r", "processes": {
                "effect": effects[index], "allow": allow, "deny": deny, "main_only": main_only, "crypto_miners": crypto_miners,
            }})])
        };
        let (old, new) = (one(0), one(1));
        let mut acts = (SECTIONS[0].acts)();
        acts.push(run("/usr/bin/xmrig", "xmrig"));
        acts.push(run("/srv/bin/gix", "gix -o stratum+tcp://pool.example:3333"));
        let said = rules::differences(&old, &new);
        let changed = changed(&acts, &old, &new, Identity::default());
        all_is_said(&changed, &said);
        prop_assert!(old != new || said.is_empty(), "{said:?}");
    }

    /// Several rules, which are for some functions each, come, go, and change their place: whatever changes for any function is said.
    #[test]
    fn what_changes_for_any_function_by_its_rule_is_said(
        policies in [rules_of_scopes(), rules_of_scopes()]
    ) {
        let [old, new] = policies.map(|rules| of_rules(&rules));
        let said = rules::differences(&old, &new);
        let acts: Vec<Probe> = ["a.x", "b.x", "c.x", "y.z"].map(resolve).into();
        let mut any = Vec::new();
        for function in ["pay-x", "pay-canary", "pay-eu", "q-eu", "q"] {
            for region in ["eu-west-1", "us-east-1", "ap-south-1"] {
                for account in ["", "123456789012"] {
                    let identity = Identity { function, region, account };
                    any.extend(changed(&acts, &old, &new, identity));
                }
            }
        }
        all_is_said(&any, &said);
        prop_assert!(old != new || said.is_empty(), "{said:?}");
        // A rule by itself is told as it is, for whatever functions; of one that decides for others than before, what is said has to be so for some.
        for one in said.iter().filter(|one| WAYS.contains(&one.way) && one.rule.contains(" in place of ") && one.sentence.starts_with("resolving ")) {
            prop_assert!(any.iter().any(|act| way(act) == one.way), "{one:?}, and no act does");
        }
    }
}

/// What is said of an entry that came or went is so for some act.
#[track_caller]
fn entries_are_true(section: &Words, changed: &[Changed], said: &[Difference]) {
    for way_said in WAYS {
        let of_entry = said
            .iter()
            .find(|one| one.way == way_said && one.sentence.starts_with(section.does));
        // From or to no verdict at all, since the section's effect is told by a sentence of its own.
        let is_so = changed.iter().any(|act| {
            way(act) == way_said && (act.1 == Outcome::Allow || act.2 == Outcome::Allow)
        });
        assert!(of_entry.is_none() || is_so, "{of_entry:?}, and no act does");
    }
}

/// Rules of few names, for functions, regions and accounts, that judge names.
fn rules_of_scopes() -> impl Strategy<Value = Vec<Value>> {
    let functions = || {
        subsequence(
            vec!["pay-*", "-pay-canary", "*-eu", "pay-x", "-*-eu"],
            0..=2,
        )
    };
    let regions = || subsequence(vec!["eu-*", "us-east-1", "-us-*"], 0..=1);
    let accounts = || subsequence(vec!["1234*", "-123456789012"], 0..=1);
    let list = || subsequence(vec!["a.x", "*.x", "y.z"], 0..=2);
    let effect = || select(vec!["disable", "alert", "prevent", "prevent"]);
    let rule = (
        (functions(), regions(), accounts()),
        (list(), list(), effect()),
        select(vec![true, true, true, false]),
    );
    (
        Just(vec!["a", "b", "c"]).prop_shuffle(),
        proptest::collection::vec(rule, 1..=3),
    )
        .prop_map(|(names, rules)| {
            names
                .iter()
                .zip(rules)
                .map(
                    |(name, ((functions, regions, accounts), (allow, deny, effect), enabled))| {
                        let mut rule = json!({
                            "name": name, "enabled": enabled, "scope": {},
                            "dns": {"effect": effect, "allow": allow, "deny": deny},
                        });
                        for (field, values) in [
                            ("functions", functions),
                            ("regions", regions),
                            ("accounts", accounts),
                        ] {
                            if !values.is_empty() {
                                rule["scope"][field] = json!(values);
                            }
                        }
                        rule
                    },
                )
                .collect()
        })
}
