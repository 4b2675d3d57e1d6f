//! Which rule applies, and what its sections, effects and lists mean.

use crate::common::{NOBODY, connect, policy, read, rule, run, short, start};
use palisade_policy::{
    Compiled, Context, Decider, Identity, Outcome, Platform, Reason, Section, compile,
    default_policy,
};

use Outcome::{Alert, Allow, Prevent};

fn for_function(text: &str, identity: Identity<'_>) -> Compiled {
    compile(
        &policy(text),
        &Context {
            identity,
            platform: &Platform::default(),
            resolve: &|_| None,
            now: 0,
        },
    )
}

fn selected(scopes: &[&str], function: &str, region: &str, account: &str) -> Option<String> {
    let rules: Vec<String> = scopes
        .iter()
        .enumerate()
        .map(|(i, s)| format!("{{\"name\":\"r{i}\",{s}}}"))
        .collect();
    let text = format!("{{\"version\":1,\"rules\":[{}]}}", rules.join(","));
    for_function(
        &text,
        Identity {
            function,
            region,
            account,
        },
    )
    .decider()
    .rule()
    .map(str::to_owned)
}

#[test]
fn the_default_policy_lets_only_the_main_process_run_programs_and_leaves_everything_else_off() {
    let platform = Platform::default();
    let compiled = compile(
        &default_policy(),
        &Context {
            identity: NOBODY,
            platform: &platform,
            resolve: &|_| None,
            now: 0,
        },
    );
    let decider = compiled.decider();
    assert!(decider.active(Section::Processes));
    for section in [
        Section::Outbound,
        Section::Listen,
        Section::Dns,
        Section::Filesystem,
    ] {
        assert!(!decider.active(section));
    }
    assert!(!decider.may_alert() && !decider.judges_arguments());
    assert_eq!(
        short(decider.process(&start("/bin/sh", "/bin/sh"))),
        (Prevent, Reason::UnexpectedProcess)
    );
    assert_eq!(short(connect(decider, "1.1.1.1 80")), (Allow, Reason::Off));
    assert_eq!(short(decider.resolve(b"evil.com")), (Allow, Reason::Off));
    assert_eq!(short(decider.listen(80)), (Allow, Reason::Off));
}

#[test]
fn the_first_enabled_rule_whose_scope_matches_decides_and_no_other_is_read() {
    let off = r#""enabled":false"#;
    let pay = r#""scope":{"functions":["pay-*"]}"#;
    let all = r#""enabled":true"#;
    assert_eq!(
        selected(&[off, pay, all], "pay-eu", "", "").as_deref(),
        Some("r1")
    );
    assert_eq!(
        selected(&[off, pay, all], "other", "", "").as_deref(),
        Some("r2")
    );
    assert_eq!(
        selected(&[all, pay], "pay-eu", "", "").as_deref(),
        Some("r0")
    );
    let text = r#"{"version":1,"rules":[{"scope":{"functions":["a"]},"dns":{"effect":"prevent","deny":["*"]}},
        {"processes":{"effect":"prevent","deny":["*"]}}]}"#;
    let compiled = for_function(
        text,
        Identity {
            function: "a",
            region: "",
            account: "",
        },
    );
    assert_eq!(compiled.decider().rule(), Some("rules[0]"));
    assert!(
        !compiled.decider().active(Section::Processes),
        "a later rule is not read"
    );
}

#[test]
fn without_a_match_there_is_no_defence_and_no_rule() {
    assert_eq!(
        selected(&[r#""scope":{"functions":["a"]}"#], "b", "", ""),
        None
    );
    let text = r#"{"version":1,"rules":[{"scope":{"functions":["a"]},"processes":{"effect":"prevent","main_only":true}}]}"#;
    let compiled = for_function(
        text,
        Identity {
            function: "b",
            region: "",
            account: "",
        },
    );
    assert_eq!(run(compiled.decider(), "/bin/sh"), Allow);
    assert!(!compiled.decider().active(Section::Processes));
}

#[test]
fn scope_fields_are_anded_and_their_values_ored_without_regard_to_case() {
    let scope = r#""scope":{"functions":["Pay-*","-pay-canary","bill?"],"regions":["eu-*"],"accounts":["*"]}"#;
    for (function, region, account, expected) in [
        ("pay-1", "eu-west-1", "1", true),
        ("PAY-1", "EU-WEST-1", "1", true),
        ("pay-1", "eu-west-1", "", true),
        ("bills", "eu-west-1", "1", true),
        ("bill", "eu-west-1", "1", false),
        ("pay-1", "us-east-1", "1", false),
        ("pay-1", "", "1", false),
        ("", "eu-west-1", "1", false),
        ("pay-canary", "eu-west-1", "1", false),
        ("PAY-CANARY", "eu-west-1", "1", false),
        ("repay-1", "eu-west-1", "1", false),
    ] {
        assert_eq!(
            selected(&[scope], function, region, account).is_some(),
            expected,
            "{function} {region} {account}"
        );
    }
}

#[test]
fn an_exclusion_is_looked_at_first_and_alone_leaves_all_the_rest() {
    let order = r#""scope":{"functions":["pay-canary","-pay-*"]}"#;
    assert_eq!(selected(&[order], "pay-canary", "", ""), None);
    let only = r#""scope":{"functions":["-pay-*"]}"#;
    assert_eq!(selected(&[only], "pay-1", "", ""), None);
    assert!(selected(&[only], "other", "", "").is_some());
    assert!(selected(&[only], "", "", "").is_some());
    assert!(selected(&[r#""scope":{"functions":[]}"#], "x", "", "").is_some());
    assert!(selected(&[r#""scope":{}"#], "", "", "").is_some());
}

#[test]
fn effect_is_disable_alert_or_prevent_for_each_section() {
    for (effect, outcome, active) in [
        ("disable", Allow, false),
        ("alert", Alert, true),
        ("prevent", Prevent, true),
    ] {
        let compiled = rule(&format!(
            r#""processes":{{"effect":"{effect}","deny":["sh"]}},"dns":{{"effect":"{effect}","deny":["x.com"]}},
               "network":{{"effect":"{effect}","outbound":{{"deny":["1.1.1.1"]}},"listen":{{"allow":[1]}}}},
               "filesystem":{{"effect":"{effect}","deny":["/x"]}}"#
        ));
        let decider = compiled.decider();
        assert_eq!(run(decider, "/bin/sh"), outcome);
        assert_eq!(decider.resolve(b"x.com").outcome, outcome);
        assert_eq!(connect(decider, "1.1.1.1 1").outcome, outcome);
        assert_eq!(decider.listen(2).outcome, outcome);
        assert_eq!(read(decider, "/x").outcome, outcome);
        assert_eq!(decider.may_alert(), effect == "alert");
        for section in [
            Section::Processes,
            Section::Outbound,
            Section::Listen,
            Section::Dns,
            Section::Filesystem,
        ] {
            assert_eq!(decider.active(section), active, "{effect} {section:?}");
        }
    }
}

#[test]
fn a_section_with_nothing_to_judge_is_not_active() {
    let compiled = rule(
        r#""processes":{"effect":"prevent"},"network":{"effect":"alert"},"dns":{"effect":"alert"},"filesystem":{"effect":"alert","allow":[]}"#,
    );
    for section in [
        Section::Processes,
        Section::Outbound,
        Section::Listen,
        Section::Dns,
        Section::Filesystem,
    ] {
        assert!(!compiled.decider().active(section), "{section:?}");
    }
    assert!(!compiled.decider().may_alert());
}

#[test]
fn an_empty_allow_allows_everything_and_one_entry_denies_all_the_rest() {
    let compiled = rule(r#""processes":{"effect":"prevent","allow":["/usr/bin/git"]}"#);
    assert_eq!(
        short(compiled.decider().process(&start("/usr/bin/git", "git"))),
        (Allow, Reason::Allowed)
    );
    assert_eq!(
        short(compiled.decider().process(&start("/bin/sh", "sh"))),
        (Prevent, Reason::Unlisted)
    );
    let compiled = rule(r#""processes":{"effect":"prevent","allow":[],"deny":["sh"]}"#);
    assert_eq!(
        short(compiled.decider().process(&start("/usr/bin/git", "git"))),
        (Allow, Reason::Unrestricted)
    );
}

#[test]
fn deny_beats_allow() {
    let compiled = rule(
        r#""processes":{"effect":"prevent","allow":["/bin/*"],"deny":["/bin/sh"]},
           "network":{"effect":"prevent","outbound":{"allow":["10.0.0.0/8"],"deny":["10.1.0.0/16:22"]},"listen":{"allow":["1-100"],"deny":[22]}},
           "dns":{"effect":"prevent","allow":["*.x.com"],"deny":["a.x.com"]},"filesystem":{"effect":"prevent","allow":["/d/**"],"deny":["/d/s"]}"#,
    );
    let d = compiled.decider();
    assert_eq!((run(d, "/bin/ls"), run(d, "/bin/sh")), (Allow, Prevent));
    assert_eq!(
        (
            connect(d, "10.1.1.1 23").outcome,
            connect(d, "10.1.1.1 22").outcome
        ),
        (Allow, Prevent)
    );
    assert_eq!(
        (d.listen(23).outcome, d.listen(22).outcome),
        (Allow, Prevent)
    );
    assert_eq!(
        (d.resolve(b"b.x.com").outcome, d.resolve(b"a.x.com").outcome),
        (Allow, Prevent)
    );
    assert_eq!(
        (read(d, "/d/t").outcome, read(d, "/d/s").outcome),
        (Allow, Prevent)
    );
}

#[test]
fn a_verdict_names_the_rule_the_place_and_the_entry() {
    let text = r#"{"version":1,"rules":[{"enabled":false},{"name":"payments","dns":{"effect":"prevent","allow":["*.a.com","B.com"]}}]}"#;
    let compiled = for_function(text, NOBODY);
    assert_eq!(compiled.decider().rule(), Some("payments"));
    let verdict = compiled.decider().resolve(b"b.COM");
    assert_eq!(
        (verdict.place(), verdict.pattern()),
        (Some("rules[1].dns.allow[1]"), Some("B.com"))
    );
    let verdict = compiled.decider().resolve(b"c.com");
    assert_eq!(
        (verdict.place(), verdict.pattern()),
        (Some("rules[1].dns.allow"), None)
    );
}

#[test]
fn a_compiled_policy_means_the_same_wherever_its_bytes_lie() {
    let compiled = rule(r#""processes":{"effect":"prevent","deny":["/a/*","b"]}"#);
    for shift in 0..8 {
        let mut moved = vec![0xaa; shift];
        moved.extend_from_slice(compiled.as_bytes());
        let decider = Decider::from_bytes(&moved[shift..]).unwrap();
        assert_eq!(run(decider, "/a/x"), Prevent);
        assert_eq!(run(decider, "/c"), Allow);
    }
    assert_eq!(compiled.clone().into_bytes(), compiled.as_bytes());
}
