//! Which addresses may be reached, and which ports opened.

use crate::common::{connect, rule, rule_on, short};
use palisade_policy::{Outcome, Platform, Reason, Section};

use Outcome::{Allow, Prevent};

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
        connect(alone.decider(), "127.0.0.1 80").place(),
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
            verdict.place(),
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
