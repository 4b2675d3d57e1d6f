//! The contract with the user (`docs`, "Shape of a policy"), sentence by sentence: rules, processes, network and listen. Names and files are in
//! `contract_names_and_files.rs`.

mod common;

use common::{connect, policy, rule, rule_on, run, short, start};
use palisade_policy::{
    Compiled, Context, Decider, Identity, Outcome, Platform, Process, Reason, Section, Start,
    compile, default_policy,
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
            identity: common::NOBODY,
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
        assert_eq!(common::read(decider, "/x").outcome, outcome);
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
        (
            common::read(d, "/d/t").outcome,
            common::read(d, "/d/s").outcome
        ),
        (Allow, Prevent)
    );
}

#[test]
fn main_only_lets_the_main_process_load_and_run_itself_and_nobody_anything_else() {
    let compiled = rule(r#""processes":{"effect":"prevent","main_only":true}"#);
    for (main, same_program, how, expected) in [
        (true, true, Start::Exec, (Allow, Reason::MainProgram)),
        (
            true,
            true,
            Start::Spawn,
            (Prevent, Reason::UnexpectedProcess),
        ),
        (
            true,
            false,
            Start::Exec,
            (Prevent, Reason::UnexpectedProcess),
        ),
        (
            true,
            false,
            Start::Spawn,
            (Prevent, Reason::UnexpectedProcess),
        ),
        (
            false,
            true,
            Start::Exec,
            (Prevent, Reason::UnexpectedProcess),
        ),
        (
            false,
            false,
            Start::Exec,
            (Prevent, Reason::UnexpectedProcess),
        ),
    ] {
        let event = Process {
            path: b"/usr/bin/java",
            given: b"java",
            start: how,
            main,
            same_program,
        };
        let verdict = compiled.decider().process(&event);
        assert_eq!(short(verdict), expected, "{event:?}");
        assert_eq!(verdict.place, Some("rules[0].processes.main_only"));
        assert_eq!(verdict.pattern, None);
    }
}

#[test]
fn an_allow_list_does_not_keep_the_main_process_from_running_itself() {
    let compiled = rule(r#""processes":{"effect":"prevent","allow":["git"]}"#);
    let mut event = start("/usr/bin/java", "java");
    event.same_program = true;
    assert_eq!(
        short(compiled.decider().process(&event)),
        (Allow, Reason::MainProgram)
    );
    event.main = false;
    assert_eq!(
        short(compiled.decider().process(&event)),
        (Prevent, Reason::Unlisted)
    );
}

#[test]
fn a_program_is_matched_by_its_resolved_path_or_base_name_and_deny_looks_at_the_given_name_too() {
    let compiled =
        rule(r#""processes":{"effect":"prevent","deny":["nc","/opt/tools/*","python3*"]}"#);
    for (path, given, expected) in [
        ("/usr/bin/nc", "/usr/bin/nc", Prevent),
        ("/usr/bin/ncat", "nc", Prevent),
        ("/usr/bin/nc.openbsd", "/usr/bin/nc", Prevent),
        ("/usr/bin/ncat", "ncat", Allow),
        ("/usr/bin/x", "/opt/tools/y", Prevent),
        ("/opt/tools/y", "/usr/bin/x", Prevent),
        ("/opt/tools/a/y", "y", Allow),
        ("/usr/bin/python3.11", "py", Prevent),
    ] {
        assert_eq!(
            compiled.decider().process(&start(path, given)).outcome,
            expected,
            "{path} {given}"
        );
    }
    let compiled = rule(r#""processes":{"effect":"prevent","allow":["python3","/usr/bin/git"]}"#);
    for (path, given, expected) in [
        ("/usr/bin/python3", "x", Allow),
        ("/usr/bin/python3.11", "/usr/bin/python3", Prevent),
        ("/tmp/evil", "python3", Prevent),
        ("/tmp/evil", "/usr/bin/git", Prevent),
        ("/usr/bin/git", "git", Allow),
    ] {
        assert_eq!(
            compiled.decider().process(&start(path, given)).outcome,
            expected,
            "{path} {given}"
        );
    }
}

#[test]
fn a_pattern_also_names_the_file_that_a_link_in_it_leads_to() {
    let resolve = |path: &[u8]| -> Option<Vec<u8>> {
        match path {
            b"/bin" => Some(b"/usr/bin".to_vec()),
            b"/bin/sh" => Some(b"/usr/bin/dash".to_vec()),
            b"/usr" | b"/usr/bin" | b"/" => Some(path.to_vec()),
            _ => None,
        }
    };
    let compiled = rule_on(
        r#""processes":{"effect":"prevent","deny":["/bin/sh"]}"#,
        &Platform::default(),
        &resolve,
    );
    assert_eq!(run(compiled.decider(), "/usr/bin/dash"), Prevent);
    assert_eq!(run(compiled.decider(), "/usr/bin/sh"), Prevent);
    assert_eq!(run(compiled.decider(), "/usr/bin/bash"), Allow);
    let verdict = compiled
        .decider()
        .process(&start("/usr/bin/dash", "/usr/bin/dash"));
    assert_eq!(
        verdict.pattern,
        Some("/bin/sh"),
        "the entry is named as it stands in the policy"
    );
    let compiled = rule_on(
        r#""processes":{"effect":"prevent","allow":["/bin/*"]}"#,
        &Platform::default(),
        &resolve,
    );
    assert_eq!(run(compiled.decider(), "/usr/bin/git"), Allow);
    assert_eq!(run(compiled.decider(), "/usr/local/bin/git"), Prevent);
}

#[test]
fn crypto_miners_are_known_by_program_and_by_argument_before_anything_else() {
    let compiled = rule(
        r#""processes":{"effect":"prevent","crypto_miners":true,"allow":["xmrig","git"],"deny":["xmrig"]}"#,
    );
    let decider = compiled.decider();
    assert!(decider.judges_arguments());
    for name in [
        "/tmp/xmrig",
        "/tmp/XMRig",
        "/tmp/xmrig-6.21",
        "/x/minerd",
        "/x/lolMiner",
        "/x/t-rex",
        "/x/cpuminer-avx2",
    ] {
        let verdict = decider.process(&start(name, "x"));
        assert_eq!(short(verdict), (Prevent, Reason::CryptoMiner), "{name}");
        assert_eq!(verdict.place, Some("rules[0].processes.crypto_miners"));
        assert!(verdict.pattern.is_some());
    }
    assert_eq!(
        decider.process(&start("/tmp/x", "/tmp/xmrig")).reason,
        Reason::CryptoMiner
    );
    for (argument, outcome) in [
        ("stratum+tcp://pool:3333", Prevent),
        ("-ostratum+SSL://pool", Prevent),
        ("x --donate-level=1", Prevent),
        ("http://pool", Allow),
        ("", Allow),
        ("stratum", Allow),
    ] {
        assert_eq!(
            decider.argument(argument.as_bytes()).outcome,
            outcome,
            "{argument}"
        );
    }
    assert_eq!(
        decider.argument(b"stratum+tcp://x").pattern,
        Some("stratum+tcp://")
    );
    assert!(
        !rule(r#""processes":{"effect":"prevent","deny":["x"]}"#)
            .decider()
            .judges_arguments()
    );
    let main = rule(r#""processes":{"effect":"alert","crypto_miners":true,"main_only":true}"#);
    assert_eq!(
        short(main.decider().process(&start("/x/xmrig", "x"))),
        (Alert, Reason::CryptoMiner)
    );
}

#[test]
fn outbound_entries_are_addresses_and_networks_with_ports() {
    let compiled = rule(
        r#""network":{"effect":"prevent","outbound":{"allow":["10.0.0.0/8:443","*:5432","1.2.3.4","5.6.7.8:80-90","[2001:db8::/32]:443","2001:db9::1"]}}"#,
    );
    for (to, expected) in [
        ("10.255.0.1 443", Allow),
        ("10.255.0.1 444", Prevent),
        ("11.0.0.1 443", Prevent),
        ("11.0.0.1 5432", Allow),
        ("2001:dead::1 5432", Allow),
        ("1.2.3.4 1", Allow),
        ("1.2.3.4 0", Allow),
        ("1.2.3.5 1", Prevent),
        ("5.6.7.8 80", Allow),
        ("5.6.7.8 90", Allow),
        ("5.6.7.8 79", Prevent),
        ("5.6.7.8 91", Prevent),
        ("2001:db8:1::1 443", Allow),
        ("2001:db8:1::1 80", Prevent),
        ("2001:db9::1 80", Allow),
        ("2001:db9::2 80", Prevent),
        ("::ffff:10.0.0.1 443", Allow),
        ("::ffff:10.0.0.1 80", Prevent),
    ] {
        let verdict = connect(compiled.decider(), to);
        assert_eq!(verdict.outcome, expected, "{to}");
        assert_eq!(
            verdict.reason,
            if expected == Allow {
                Reason::Allowed
            } else {
                Reason::Unlisted
            }
        );
    }
    let mapped = rule(
        r#""network":{"effect":"prevent","outbound":{"deny":["::ffff:10.0.0.0/104","0.0.0.0/0:25"]}}"#,
    );
    assert_eq!(connect(mapped.decider(), "10.9.9.9 1").outcome, Prevent);
    assert_eq!(connect(mapped.decider(), "8.8.8.8 25").outcome, Prevent);
    assert_eq!(connect(mapped.decider(), "2001::1 25").outcome, Allow);
}

#[test]
fn loopback_stays_open_to_connect_unless_the_policy_closes_it() {
    let open = rule(
        r#""network":{"effect":"prevent","outbound":{"allow":["10.0.0.0/8"],"deny":["127.0.0.1:6379"]}}"#,
    );
    for to in [
        "127.0.0.1 80",
        "127.9.9.9 1",
        "::1 80",
        "::ffff:127.0.0.1 80",
        "0.0.0.0 80",
        ":: 80",
    ] {
        assert_eq!(
            short(connect(open.decider(), to)),
            (Allow, Reason::Loopback),
            "{to}"
        );
    }
    for to in ["127.0.0.1 6379", "::ffff:127.0.0.1 6379", "0.0.0.0 6379"] {
        assert_eq!(
            short(connect(open.decider(), to)),
            (Prevent, Reason::Denied),
            "{to}"
        );
    }
    let platform = Platform {
        endpoints: vec![("127.0.0.1".parse().unwrap(), 9001)],
        ..Platform::default()
    };
    let closed = r#""network":{"effect":"prevent","outbound":{"loopback":false,"allow":["127.0.0.1:8000"]}}"#;
    let closed = rule_on(closed, &platform, &|_| None);
    for (to, expected) in [
        ("127.0.0.1 80", (Prevent, Reason::LoopbackClosed)),
        ("::1 8000", (Prevent, Reason::LoopbackClosed)),
        ("0.0.0.0 80", (Prevent, Reason::LoopbackClosed)),
        ("127.0.0.1 8000", (Allow, Reason::Allowed)),
        ("0.0.0.0 8000", (Allow, Reason::Allowed)),
        ("127.0.0.1 9001", (Allow, Reason::Platform)),
        ("1.1.1.1 80", (Prevent, Reason::Unlisted)),
    ] {
        assert_eq!(short(connect(closed.decider(), to)), expected, "{to}");
    }
    let alone = rule(r#""network":{"effect":"prevent","outbound":{"loopback":false}}"#);
    assert_eq!(
        short(connect(alone.decider(), "127.0.0.1 80")),
        (Prevent, Reason::LoopbackClosed)
    );
    assert_eq!(
        connect(alone.decider(), "127.0.0.1 80").place,
        Some("rules[0].network.outbound.loopback")
    );
    assert_eq!(
        short(connect(alone.decider(), "1.1.1.1 80")),
        (Allow, Reason::Unrestricted)
    );
}

#[test]
fn what_the_platform_needs_works_whatever_a_policy_denies() {
    let platform = Platform {
        endpoints: vec![
            ("169.254.100.1".parse().unwrap(), 9001),
            ("127.0.0.1".parse().unwrap(), 2772),
        ],
        resolvers: vec!["10.0.0.2".parse().unwrap(), "fd00::2".parse().unwrap()],
        names: vec!["sandbox.localdomain".to_owned()],
        ..Platform::default()
    };
    let strict = r#""network":{"effect":"prevent","outbound":{"deny":["*"],"loopback":false},"listen":{"allow":[1],"deny":[2772]}},
        "dns":{"effect":"prevent","deny":["*"]}"#;
    let compiled = rule_on(strict, &platform, &|_| None);
    let d = compiled.decider();
    for to in [
        "169.254.100.1 9001",
        "127.0.0.1 2772",
        "10.0.0.2 53",
        "fd00::2 53",
        "::ffff:10.0.0.2 53",
    ] {
        assert_eq!(short(connect(d, to)), (Allow, Reason::Platform), "{to}");
    }
    for to in ["169.254.100.1 80", "10.0.0.2 80", "127.0.0.1 1"] {
        assert_eq!(connect(d, to).outcome, Prevent, "{to}");
    }
    assert_eq!(short(d.listen(2772)), (Allow, Reason::Platform));
    assert_eq!(
        d.listen(9001).outcome,
        Prevent,
        "an endpoint elsewhere is no port of ours"
    );
    assert_eq!(
        short(d.resolve(b"Sandbox.LocalDomain.")),
        (Allow, Reason::Platform)
    );
}

#[test]
fn listen_is_judged_by_port_whatever_overlaps() {
    let compiled = rule(
        r#""network":{"effect":"prevent","listen":{"allow":[8080,"9000-9100","9050-9200","65535"],"deny":["9060-9070"]}}"#,
    );
    let d = compiled.decider();
    for (port, expected, place) in [
        (8080, Allow, "allow[0]"),
        (8079, Prevent, "allow"),
        (8081, Prevent, "allow"),
        (9000, Allow, "allow[1]"),
        (9055, Allow, "allow[1]"),
        (9060, Prevent, "deny[0]"),
        (9070, Prevent, "deny[0]"),
        (9071, Allow, "allow[1]"),
        (9101, Allow, "allow[2]"),
        (9201, Prevent, "allow"),
        (65535, Allow, "allow[3]"),
        (0, Prevent, "allow"),
    ] {
        let verdict = d.listen(port);
        assert_eq!(verdict.outcome, expected, "{port}");
        assert_eq!(
            verdict.place,
            Some(format!("rules[0].network.listen.{place}").as_str()),
            "{port}"
        );
    }
    let only_deny = rule(r#""network":{"effect":"prevent","listen":{"deny":[22]}}"#);
    assert_eq!(
        short(only_deny.decider().listen(0)),
        (Allow, Reason::Unrestricted)
    );
    assert!(!only_deny.decider().active(Section::Outbound));
}

#[test]
fn a_verdict_names_the_rule_the_place_and_the_entry() {
    let text = r#"{"version":1,"rules":[{"enabled":false},{"name":"payments","dns":{"effect":"prevent","allow":["*.a.com","B.com"]}}]}"#;
    let compiled = for_function(text, common::NOBODY);
    assert_eq!(compiled.decider().rule(), Some("payments"));
    let verdict = compiled.decider().resolve(b"b.COM");
    assert_eq!(
        (verdict.place, verdict.pattern),
        (Some("rules[1].dns.allow[1]"), Some("B.com"))
    );
    let verdict = compiled.decider().resolve(b"c.com");
    assert_eq!(
        (verdict.place, verdict.pattern),
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
