//! Destinations that are written as names.

use crate::common::{connect, rule, rule_on, short};
use palisade_policy::{Connect, Decider, Outcome, Platform, Reason, Verdict};

use Outcome::{Allow, Prevent};

/// Reaches `to`, an address and a port, that was got by resolving `name`.
fn resolved<'a>(decider: Decider<'a>, to: &str, name: &str) -> Verdict<'a> {
    let (ip, port) = to.rsplit_once(' ').unwrap();
    let event = Connect {
        ip: ip.parse().unwrap(),
        port: port.parse().unwrap(),
    };
    decider.connect_resolved(&event, name.as_bytes())
}

fn outbound(entries: &str) -> palisade_policy::Compiled {
    rule(&format!(
        r#""network":{{"effect":"prevent","outbound":{{{entries}}}}}"#
    ))
}

#[test]
fn a_name_allows_the_addresses_that_it_led_to_on_its_ports_and_nothing_else() {
    let compiled = outbound(
        r#""allow":["*.amazonaws.com:443","api.stripe.com","db.internal:5432-5434","*old.com:80","Trailing.org.:1"]"#,
    );
    let d = compiled.decider();
    for (to, name, expected) in [
        ("52.1.1.1 443", "s3.amazonaws.com", Allow),
        ("52.1.1.1 443", "S3.eu-west-1.AmazonAWS.com.", Allow),
        ("2600::1 443", "s3.amazonaws.com", Allow),
        ("52.1.1.1 80", "s3.amazonaws.com", Prevent),
        ("52.1.1.1 443", "amazonaws.com", Prevent),
        ("52.1.1.1 443", "evilamazonaws.com", Prevent),
        ("52.1.1.1 443", "s3.amazonaws.com.evil.org", Prevent),
        ("52.1.1.1 443", "evil.org", Prevent),
        // A name without a port is any port.
        ("54.1.1.1 443", "api.stripe.com", Allow),
        ("54.1.1.1 22", "api.stripe.com", Allow),
        ("54.1.1.1 0", "api.stripe.com", Allow),
        ("54.1.1.1 443", "www.api.stripe.com", Prevent),
        ("10.0.0.1 5432", "db.internal", Allow),
        ("10.0.0.1 5434", "db.internal", Allow),
        ("10.0.0.1 5435", "db.internal", Prevent),
        ("1.1.1.1 80", "evilold.com", Allow),
        ("1.1.1.1 1", "trailing.org", Allow),
        ("1.1.1.1 1", "", Prevent),
        ("1.1.1.1 1", ".", Prevent),
    ] {
        let verdict = resolved(d, to, name);
        let reason = if expected == Allow {
            Reason::Allowed
        } else {
            Reason::Unlisted
        };
        assert_eq!(short(verdict), (expected, reason), "{to} by {name}");
        assert_eq!(
            short(connect(d, to)),
            (Prevent, Reason::Unlisted),
            "{to} by itself: an allow list of names is an allow list"
        );
    }
    let verdict = resolved(d, "10.0.0.1 5433", "DB.internal");
    assert_eq!(
        (verdict.place(), verdict.pattern()),
        (
            Some("rules[0].network.outbound.allow[2]"),
            Some("db.internal:5432-5434")
        )
    );
    assert_eq!(
        connect(d, "10.0.0.1 5433").place(),
        Some("rules[0].network.outbound.allow")
    );
}

#[test]
fn names_and_networks_stand_in_one_list() {
    let compiled = outbound(
        r#""allow":["api.stripe.com:443","10.0.0.0/8:5432","*:123"],"deny":["169.254.169.254","*.evil.com","files.stripe.com:80"]"#,
    );
    let d = compiled.decider();
    for (to, name, expected, place) in [
        ("10.1.1.1 5432", "api.stripe.com", Allow, "allow[1]"),
        ("10.1.1.1 443", "api.stripe.com", Allow, "allow[0]"),
        ("9.9.9.9 123", "time.example.com", Allow, "allow[2]"),
        // Whatever allows it: a name that is denied, or an address that is.
        ("10.1.1.1 5432", "a.evil.com", Prevent, "deny[1]"),
        ("169.254.169.254 443", "api.stripe.com", Prevent, "deny[0]"),
        ("10.1.1.1 80", "files.stripe.com", Prevent, "deny[2]"),
        ("10.1.1.1 5432", "files.stripe.com", Allow, "allow[1]"),
        ("9.9.9.9 443", "files.stripe.com", Prevent, "allow"),
    ] {
        let verdict = resolved(d, to, name);
        assert_eq!(verdict.outcome, expected, "{to} by {name}");
        assert_eq!(
            verdict.place(),
            Some(format!("rules[0].network.outbound.{place}").as_str()),
            "{to} by {name}"
        );
    }
    assert_eq!(connect(d, "10.1.1.1 5432").outcome, Allow);
}

#[test]
fn a_denied_name_goes_before_loopback_and_after_the_platform() {
    let platform = Platform {
        endpoints: vec![("169.254.100.1".parse().unwrap(), 9001)],
        ..Platform::default()
    };
    let text = r#""network":{"effect":"prevent","outbound":{"deny":["*.internal"]}}"#;
    let compiled = rule_on(text, &platform, &|_| None);
    let d = compiled.decider();
    for (to, name, expected) in [
        (
            "169.254.100.1 9001",
            "runtime.internal",
            (Allow, Reason::Platform),
        ),
        ("127.0.0.1 80", "x.internal", (Prevent, Reason::Denied)),
        ("127.0.0.1 80", "x.example", (Allow, Reason::Loopback)),
        ("8.8.8.8 80", "x.example", (Allow, Reason::Unrestricted)),
    ] {
        assert_eq!(short(resolved(d, to, name)), expected, "{to} by {name}");
    }
    assert_eq!(
        short(connect(d, "8.8.8.8 80")),
        (Allow, Reason::Unrestricted),
        "a deny list alone is no allow list"
    );
}

#[test]
fn closed_loopback_is_opened_by_a_name_that_is_allowed() {
    let compiled = outbound(r#""loopback":false,"allow":["cache.local:6379"]"#);
    let d = compiled.decider();
    for (to, name, expected) in [
        ("127.0.0.1 6379", "cache.local", (Allow, Reason::Allowed)),
        (
            "127.0.0.1 6380",
            "cache.local",
            (Prevent, Reason::LoopbackClosed),
        ),
        (
            "127.0.0.1 6379",
            "localhost",
            (Prevent, Reason::LoopbackClosed),
        ),
    ] {
        assert_eq!(short(resolved(d, to, name)), expected, "{to} by {name}");
    }
}

#[test]
fn only_names_that_an_entry_could_match_are_worth_remembering() {
    let compiled = outbound(r#""allow":["*.amazonaws.com:443"],"deny":["evil.com:25"]"#);
    let d = compiled.decider();
    assert!(d.names_outbound());
    for (name, expected) in [
        ("s3.amazonaws.com", true),
        ("S3.AMAZONAWS.COM.", true),
        ("evil.com", true),
        ("amazonaws.com", false),
        ("www.evil.com", false),
        ("", false),
        (".", false),
        ("localhost", false),
        ("10.0.0.1", false),
        ("0x7f.1", false),
        ("::1", false),
    ] {
        assert_eq!(d.wants_name(name.as_bytes()), expected, "{name}");
    }
    let long = [b"a".repeat(5000).as_slice(), b".amazonaws.com"].concat();
    assert!(d.wants_name(&long) && !d.wants_name(b"\xff\x00"));
    for without in [
        r#""allow":["10.0.0.0/8","*:443"]"#,
        r#""loopback":false"#,
        "",
    ] {
        let compiled = outbound(without);
        let d = compiled.decider();
        assert!(
            !d.names_outbound() && !d.wants_name(b"s3.amazonaws.com"),
            "{without}"
        );
    }
    let off = rule(r#""network":{"effect":"disable","outbound":{"allow":["a.com"]}}"#);
    assert!(!off.decider().names_outbound() && !off.decider().wants_name(b"a.com"));
}

#[test]
fn a_numeric_host_is_matched_by_no_name() {
    let compiled = outbound(r#""allow":["*x"],"deny":["*.1x","*f"]"#);
    let d = compiled.decider();
    assert_eq!(
        short(resolved(d, "127.0.0.255 1", "0x7f0000ff")),
        (Allow, Reason::Loopback)
    );
    assert_eq!(resolved(d, "1.1.1.1 1", "ff").outcome, Prevent);
}

#[test]
fn without_a_network_section_names_change_nothing() {
    let compiled = rule(r#""dns":{"effect":"prevent","deny":["a.com"]}"#);
    assert_eq!(
        short(resolved(compiled.decider(), "1.1.1.1 1", "a.com")),
        (Allow, Reason::Off)
    );
}

#[test]
fn an_entry_is_a_name_a_network_or_an_address_and_never_two_of_them() {
    // One-label names that are hexadecimal digits, and addresses that are letters throughout.
    let compiled = outbound(r#""allow":["cafe:443","fe80::/10","dead:beef::cafe","[abcd::]:443"]"#);
    let d = compiled.decider();
    for (to, name, expected) in [
        ("9.9.9.9 443", "cafe", Allow),
        ("9.9.9.9 444", "cafe", Prevent),
        ("fe80::1 1", "x", Allow),
        ("dead:beef::cafe 443", "x", Allow),
        ("dead:beef::caff 443", "x", Prevent),
        ("abcd:: 443", "x", Allow),
        ("abcd:: 444", "x", Prevent),
        ("9.9.9.9 443", "dead", Prevent),
    ] {
        assert_eq!(resolved(d, to, name).outcome, expected, "{to} by {name}");
    }
}
