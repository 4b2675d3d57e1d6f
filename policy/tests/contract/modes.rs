//! Learning, and refusals that begin later.

use crate::common::{NOBODY, connect, policy, read, short, start};
use palisade_policy::{
    Access, Compiled, Connect, Context, Decider, File, Identity, Mode, Outcome, Platform, Policy,
    Reason, Section, compile,
};

use Outcome::{Alert, Allow, Prevent};

const SECTIONS: [Section; 5] = [
    Section::Processes,
    Section::Outbound,
    Section::Listen,
    Section::Dns,
    Section::Filesystem,
];

const STRICT: &str = r#""processes":{"effect":"prevent","main_only":true,"crypto_miners":true},
    "network":{"effect":"prevent","outbound":{"allow":["10.0.0.0/8:443"]},"listen":{"deny":[22]}},
    "dns":{"effect":"alert","allow":["*.amazonaws.com"]},"filesystem":{"effect":"prevent","deny":["/etc/shadow"]}"#;

fn at(policy: &Policy, now: i64) -> Compiled {
    compile(
        policy,
        &Context {
            identity: NOBODY,
            platform: &Platform::default(),
            resolve: &|_| None,
            now,
        },
    )
}

/// One breach of each kind, in the order of its reasons below.
fn breaches(d: Decider<'_>) -> Vec<(Outcome, Reason)> {
    [
        d.process(&start("/bin/sh", "sh")),
        d.process(&start("/tmp/xmrig", "x")),
        d.argument(b"stratum+tcp://pool"),
        d.unfollowable(),
        d.fileless(),
        connect(d, "1.1.1.1 443"),
        d.listen(22),
        d.resolve(b"evil.com"),
        d.resolve(b"pool.supportxmr.com"),
        d.malformed_question(),
        read(d, "/etc/shadow"),
        d.guard(Reason::MemoryWrite),
    ]
    .map(short)
    .to_vec()
}

const REASONS: [Reason; 12] = [
    Reason::UnexpectedProcess,
    Reason::CryptoMiner,
    Reason::CryptoMiner,
    Reason::UnfollowableProgram,
    Reason::FilelessProgram,
    Reason::Unlisted,
    Reason::Denied,
    Reason::Unlisted,
    Reason::CryptoMiner,
    Reason::MalformedQuestion,
    Reason::Denied,
    Reason::MemoryWrite,
];

fn reasons(d: Decider<'_>) -> Vec<Reason> {
    breaches(d).into_iter().map(|(_, reason)| reason).collect()
}

fn outcomes(d: Decider<'_>) -> Vec<Outcome> {
    breaches(d)
        .into_iter()
        .map(|(outcome, _)| outcome)
        .collect()
}

#[test]
fn a_policy_that_learns_allows_everything_and_says_why_it_would_not_have() {
    let text = format!(r#"{{"version":1,"mode":"learn","rules":[{{"name":"r",{STRICT}}}]}}"#);
    let compiled = at(&policy(&text), 0);
    let d = compiled.decider();
    assert!(d.learns() && d.may_alert());
    assert_eq!(d.rule(), Some("r"));
    assert_eq!(reasons(d), REASONS);
    assert_eq!(outcomes(d), [Allow; 12]);
    assert_eq!(
        d.resolve(b"evil.com").place(),
        Some("rules[0].dns.allow"),
        "the place that would have decided"
    );
    for section in SECTIONS {
        assert!(d.active(section), "{section:?}");
    }
}

#[test]
fn learning_needs_no_section_and_no_rule() {
    let everything = r#"{"version":1,"mode":"learn","rules":[{"dns":{"effect":"disable"}}]}"#;
    let nobody = r#"{"version":1,"mode":"learn","rules":[{"scope":{"functions":["x"]}}]}"#;
    for text in [everything, nobody] {
        let compiled = at(&policy(text), 0);
        let d = compiled.decider();
        assert!(d.learns() && d.may_alert());
        for section in SECTIONS {
            assert!(d.active(section), "{section:?}");
        }
        assert_eq!(outcomes(d), [Allow; 12]);
        assert_eq!(
            short(d.process(&start("/bin/sh", "sh"))),
            (Allow, Reason::Off)
        );
        assert_eq!(short(d.resolve(b"x")), (Allow, Reason::Off));
    }
}

#[test]
fn enforcing_is_the_default_and_can_be_said() {
    for mode in ["", r#""mode":"enforce","#] {
        let policy = policy(&format!(r#"{{"version":1,{mode}"rules":[{{{STRICT}}}]}}"#));
        assert_eq!(policy.mode, Mode::Enforce);
        let compiled = at(&policy, 0);
        assert!(!compiled.decider().learns());
        assert_eq!(reasons(compiled.decider()), REASONS);
        assert_eq!(
            compiled.decider().process(&start("/bin/sh", "sh")).outcome,
            Prevent
        );
    }
}

#[test]
fn the_mode_can_be_set_after_parsing() {
    let mut policy = policy(&format!(r#"{{"version":1,"rules":[{{{STRICT}}}]}}"#));
    policy.mode = Mode::Learn;
    assert!(at(&policy, 0).decider().learns());
    policy.mode = Mode::Enforce;
    assert!(!at(&policy, 0).decider().learns());
}

#[test]
fn until_enforce_after_each_prevent_is_an_alert() {
    let text =
        format!(r#"{{"version":1,"rules":[{{"enforce_after":"2026-12-01T00:00:00Z",{STRICT}}}]}}"#);
    let policy = policy(&text);
    let date = 1_796_083_200;
    for now in [0, date - 1] {
        let compiled = at(&policy, now);
        let d = compiled.decider();
        assert_eq!(d.enforce_after(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(outcomes(d), [Alert; 12], "{now}");
        assert_eq!(reasons(d), REASONS, "only the outcome changes");
        assert_eq!(d.enforces_at(), Some(date));
        assert!(
            d.listen(22).delayed && !d.resolve(b"evil.com").delayed,
            "dns says alert"
        );
        assert!(d.may_alert());
    }
    for now in [date, date + 1, i64::MAX] {
        let compiled = at(&policy, now);
        let d = compiled.decider();
        assert_eq!((d.enforce_after(), d.enforces_at()), (None, None));
        assert!(!d.listen(22).delayed);
        let expected: Vec<Outcome> = REASONS
            .iter()
            .enumerate()
            .map(|(i, _)| if i == 7 || i == 9 { Alert } else { Prevent })
            .collect();
        assert_eq!(outcomes(d), expected, "{now}");
    }
}

#[test]
fn enforce_after_holds_off_the_rule_that_says_it_and_no_other() {
    let text = r#"{"version":1,"rules":[
        {"scope":{"functions":["a"]},"enforce_after":"2026-12-01T00:00:00Z","dns":{"effect":"prevent","deny":["x.com"]},
         "processes":{"effect":"alert","deny":["sh"],"unfollowable":"prevent"}},
        {"dns":{"effect":"prevent","deny":["x.com"]}}]}"#;
    let policy = policy(text);
    for (function, outcome, after) in [
        ("a", Alert, Some("2026-12-01T00:00:00Z")),
        ("b", Prevent, None),
    ] {
        let compiled = compile(
            &policy,
            &Context {
                identity: Identity {
                    function,
                    region: "",
                    account: "",
                },
                platform: &Platform::default(),
                resolve: &|_| None,
                now: 0,
            },
        );
        let d = compiled.decider();
        assert_eq!(d.resolve(b"x.com").outcome, outcome);
        assert_eq!(d.enforce_after(), after);
        if function == "a" {
            let unfollowable = d.unfollowable();
            assert_eq!((unfollowable.outcome, unfollowable.delayed), (Alert, true));
            let shell = d.process(&start("/bin/sh", "sh"));
            assert_eq!(
                (shell.outcome, shell.delayed),
                (Alert, false),
                "it says alert"
            );
        }
    }
}

#[test]
fn what_every_policy_lets_be_is_known_to_one_that_learns() {
    let platform = Platform {
        endpoints: vec![
            ("127.0.0.1".parse().unwrap(), 9001),
            ("169.254.100.1".parse().unwrap(), 9001),
        ],
        resolvers: vec!["192.0.2.53".parse().unwrap()],
        names: vec!["host".to_owned()],
        standard: true,
        read: vec!["/var/task/**".to_owned()],
        write: vec![],
    };
    let learns = |text: &str| {
        let context = Context {
            identity: Identity::default(),
            platform: &platform,
            resolve: &|_| None,
            now: 0,
        };
        compile(&policy(text), &context)
    };
    for sections in [
        "",
        r#""filesystem":{"effect":"prevent","allow":["/tmp/x"]},"dns":{"effect":"alert","deny":["host"]}"#,
    ] {
        let compiled = learns(&format!(
            r#"{{"version":1,"mode":"learn","rules":[{{{sections}}}]}}"#
        ));
        let d = compiled.decider();
        let file = |path: &'static str, access| {
            d.is_given_file(&File {
                path: path.as_bytes(),
                alias: None,
                access,
            })
        };
        assert!(file("/var/task/a/b", Access::Read) && file("/etc/hosts", Access::Read));
        assert!(file("/dev/null", Access::ReadWrite));
        assert!(!file("/var/task/a", Access::Write) && !file("/etc/shadow", Access::Read));
        let own = File {
            path: b"/proc/7/status",
            alias: Some(b"/proc/self/status"),
            access: Access::Read,
        };
        assert!(d.is_given_file(&own));
        let to = |ip: &str, port| {
            d.is_given_destination(&Connect {
                ip: ip.parse().unwrap(),
                port,
            })
        };
        assert!(
            to("169.254.100.1", 9001) && to("192.0.2.53", 53) && to("127.0.0.9", 1) && to("::1", 1)
        );
        assert!(!to("192.0.2.53", 54) && !to("192.0.2.1", 443));
        assert!(d.is_given_port(9001) && !d.is_given_port(8080));
        for name in [
            "host",
            "HOST.",
            "localhost",
            "a.localhost",
            "127.0.0.1",
            "::1",
        ] {
            assert!(d.is_given_name(name.as_bytes()), "{name}");
        }
        assert!(!d.is_given_name(b"a.example"));
    }
}

#[test]
fn a_hand_made_policy_with_a_bad_time_is_enforced_at_once() {
    let mut policy = policy(&format!(r#"{{"version":1,"rules":[{{{STRICT}}}]}}"#));
    policy.rules[0].enforce_after = Some("some day".to_owned());
    let compiled = at(&policy, 0);
    assert_eq!(compiled.decider().enforce_after(), None);
    assert_eq!(compiled.decider().listen(22).outcome, Prevent);
}

#[test]
fn what_is_allowed_stays_allowed_in_every_mode() {
    for mode in ["enforce", "learn"] {
        let text = format!(
            r#"{{"version":1,"mode":"{mode}","rules":[{{"filesystem":{{"effect":"prevent","allow":["/tmp/**"]}}}}]}}"#
        );
        let compiled = at(&policy(&text), 0);
        let event = File {
            path: b"/tmp/x",
            alias: None,
            access: Access::ReadWrite,
        };
        assert_eq!(
            short(compiled.decider().file(&event)),
            (Allow, Reason::Allowed)
        );
    }
}
