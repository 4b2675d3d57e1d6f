//! Programs that cannot be followed, ways around the hooks, mining pools.

use crate::common::{rule, short, start};
use palisade_policy::{Outcome, Reason, Section};

use Outcome::{Alert, Allow, Prevent};

#[test]
fn a_program_that_cannot_be_followed_has_the_sections_effect_unless_the_setting_says_otherwise() {
    let reason = Reason::UnfollowableProgram;
    for (section, expected) in [
        (r#""effect":"prevent","main_only":true"#, (Prevent, reason)),
        (r#""effect":"alert","main_only":true"#, (Alert, reason)),
        (r#""effect":"prevent","deny":["sh"]"#, (Prevent, reason)),
        (
            r#""effect":"prevent","deny":["sh"],"unfollowable":"alert""#,
            (Alert, reason),
        ),
        (
            r#""effect":"alert","deny":["sh"],"unfollowable":"prevent""#,
            (Prevent, reason),
        ),
        (
            r#""effect":"prevent","deny":["sh"],"unfollowable":"allow""#,
            (Allow, Reason::Allowed),
        ),
        // The setting alone makes the section active, if it asks for something.
        (
            r#""effect":"prevent","unfollowable":"prevent""#,
            (Prevent, reason),
        ),
        (
            r#""effect":"prevent","unfollowable":"alert""#,
            (Alert, reason),
        ),
        (
            r#""effect":"prevent","unfollowable":"allow""#,
            (Allow, Reason::Off),
        ),
        (r#""effect":"prevent""#, (Allow, Reason::Off)),
        (
            r#""effect":"disable","main_only":true,"unfollowable":"prevent""#,
            (Allow, Reason::Off),
        ),
    ] {
        let compiled = rule(&format!("\"processes\":{{{section}}}"));
        let d = compiled.decider();
        let verdict = d.unfollowable();
        assert_eq!(short(verdict), expected, "{section}");
        let off = expected.1 == Reason::Off;
        assert_eq!(d.active(Section::Processes), !off, "{section}");
        assert_eq!(
            verdict.place(),
            (!off).then_some("rules[0].processes.unfollowable"),
            "{section}"
        );
        assert_eq!(verdict.pattern(), None);
    }
    let none = rule(r#""dns":{"effect":"prevent","deny":["x.com"]}"#);
    assert_eq!(short(none.decider().unfollowable()), (Allow, Reason::Off));
}

#[test]
fn unfollowable_alone_leaves_programs_that_can_be_followed_alone() {
    let compiled = rule(r#""processes":{"effect":"prevent","unfollowable":"alert"}"#);
    let d = compiled.decider();
    assert_eq!(
        short(d.process(&start("/bin/sh", "sh"))),
        (Allow, Reason::Unrestricted)
    );
    assert!(
        d.may_alert(),
        "the setting alerts though the section prevents"
    );
    let compiled = rule(r#""processes":{"effect":"prevent","unfollowable":"prevent"}"#);
    assert!(!compiled.decider().may_alert());
}

#[test]
fn a_program_without_a_file_has_the_effect_of_an_active_section() {
    let reason = Reason::FilelessProgram;
    for (section, expected) in [
        (r#""effect":"prevent","main_only":true"#, (Prevent, reason)),
        (r#""effect":"alert","allow":["/bin/*"]"#, (Alert, reason)),
        (
            r#""effect":"prevent","crypto_miners":true,"unfollowable":"allow""#,
            (Prevent, reason),
        ),
        (r#""effect":"prevent""#, (Allow, Reason::Off)),
        (
            r#""effect":"disable","main_only":true"#,
            (Allow, Reason::Off),
        ),
    ] {
        let compiled = rule(&format!("\"processes\":{{{section}}}"));
        assert_eq!(short(compiled.decider().fileless()), expected, "{section}");
    }
    let compiled = rule(r#""processes":{"effect":"prevent","main_only":true}"#);
    assert_eq!(
        compiled.decider().fileless().place(),
        Some("rules[0].processes.effect")
    );
}

#[test]
fn a_way_around_the_hooks_meets_the_strictest_of_all_active_sections() {
    for (sections, expected) in [
        (r#""dns":{"effect":"alert","deny":["x.com"]}"#, Alert),
        (
            r#""dns":{"effect":"alert","deny":["x.com"]},"filesystem":{"effect":"prevent","deny":["/x"]}"#,
            Prevent,
        ),
        (
            r#""network":{"effect":"prevent","listen":{"deny":[22]}},"processes":{"effect":"alert","main_only":true}"#,
            Prevent,
        ),
        (
            r#""dns":{"effect":"alert","deny":["x.com"]},"filesystem":{"effect":"prevent"},"network":{"effect":"disable","listen":{"deny":[1]}}"#,
            Alert,
        ),
        (r#""filesystem":{"effect":"prevent"}"#, Allow),
        ("", Allow),
    ] {
        let compiled = rule(sections);
        for reason in [Reason::MemoryWrite, Reason::UnfollowableLibrary] {
            let verdict = compiled.decider().guard(reason);
            assert_eq!(short(verdict), (expected, reason), "{sections}");
            assert_eq!((verdict.place(), verdict.pattern()), (None, None));
        }
    }
}

#[test]
fn what_nobody_could_look_at_has_the_effect_of_its_section() {
    for (sections, processes, files) in [
        (
            r#""processes":{"effect":"prevent","deny":["x"],"unfollowable":"allow"},"filesystem":{"effect":"alert","allow":["/**"]}"#,
            (Prevent, Reason::UnfollowableProgram),
            (Alert, Reason::Unlisted),
        ),
        (
            r#""processes":{"effect":"alert","deny":["x"]},"filesystem":{"effect":"prevent"}"#,
            (Alert, Reason::UnfollowableProgram),
            (Allow, Reason::Off),
        ),
    ] {
        let compiled = rule(sections);
        let decider = compiled.decider();
        assert_eq!(
            short(decider.unseen(Section::Processes)),
            processes,
            "{sections}"
        );
        assert_eq!(
            short(decider.unseen(Section::Filesystem)),
            files,
            "{sections}"
        );
    }
}

#[test]
fn a_malformed_question_has_the_effect_of_the_dns_section() {
    let reason = Reason::MalformedQuestion;
    for (sections, expected, place) in [
        (
            r#""dns":{"effect":"prevent","deny":["x.com"]}"#,
            (Prevent, reason),
            Some("rules[0].dns.effect"),
        ),
        (
            r#""dns":{"effect":"alert","allow":["x.com"]}"#,
            (Alert, reason),
            Some("rules[0].dns.effect"),
        ),
        (r#""dns":{"effect":"prevent"}"#, (Allow, Reason::Off), None),
        (
            r#""processes":{"effect":"prevent","main_only":true}"#,
            (Allow, Reason::Off),
            None,
        ),
        // A question that cannot be read may ask for a pool.
        (
            r#""processes":{"effect":"prevent","crypto_miners":true}"#,
            (Prevent, reason),
            Some("rules[0].processes.crypto_miners"),
        ),
    ] {
        let compiled = rule(sections);
        let verdict = compiled.decider().malformed_question();
        assert_eq!(short(verdict), expected, "{sections}");
        assert_eq!(verdict.place(), place, "{sections}");
    }
}

#[test]
fn the_names_of_mining_pools_are_refused_even_without_a_dns_section() {
    let compiled = rule(r#""processes":{"effect":"prevent","crypto_miners":true}"#);
    let d = compiled.decider();
    assert!(d.active(Section::Dns));
    for name in [
        "supportxmr.com",
        "pool.supportxmr.com",
        "POOL.SupportXMR.com.",
        "gulf.moneroocean.stream",
        "xmr-eu1.nanopool.org",
        "pool.hashvault.pro",
        "xmr.2miners.com",
        "rx.unmineable.com",
        "randomxmonero.auto.nicehash.com",
        "de.monero.herominers.com",
        "donate.v2.xmrig.com",
    ] {
        let verdict = d.resolve(name.as_bytes());
        assert_eq!(short(verdict), (Prevent, Reason::CryptoMiner), "{name}");
        assert_eq!(verdict.place(), Some("rules[0].processes.crypto_miners"));
        assert!(verdict.pattern().is_some(), "{name}");
    }
    assert_eq!(
        d.resolve(b"pool.supportxmr.com").pattern(),
        Some("supportxmr.com")
    );
    for name in [
        "example.com",
        "notsupportxmr.com",
        "supportxmr.com.example.org",
        "nicehash.com",
        "api2.nicehash.com",
        "xmrig.com",
        "com",
        "",
        "localhost",
        "10.0.0.1",
    ] {
        assert_eq!(
            short(d.resolve(name.as_bytes())),
            (Allow, Reason::Unrestricted),
            "{name}"
        );
    }
    let without = rule(r#""processes":{"effect":"prevent","main_only":true}"#);
    assert!(!without.decider().active(Section::Dns));
    assert_eq!(
        short(without.decider().resolve(b"supportxmr.com")),
        (Allow, Reason::Off)
    );
}

#[test]
fn pools_meet_the_stricter_effect_of_processes_and_dns() {
    let pool = b"pool.supportxmr.com";
    for (processes, dns, expected, other) in [
        ("prevent", "alert", Prevent, Alert),
        ("alert", "prevent", Prevent, Prevent),
        ("alert", "alert", Alert, Alert),
        ("alert", "disable", Alert, Allow),
        ("prevent", "disable", Prevent, Allow),
        ("disable", "alert", Alert, Alert),
    ] {
        // An entry of `allow` does not let a miner through, as it does not among programs.
        let compiled = rule(&format!(
            r#""processes":{{"effect":"{processes}","crypto_miners":true}},"dns":{{"effect":"{dns}","allow":["*.example.com"]}}"#
        ));
        let d = compiled.decider();
        assert_eq!(d.resolve(pool).outcome, expected, "{processes} {dns}");
        assert_eq!(
            d.resolve(b"evil.org").outcome,
            other,
            "{processes} {dns}: what the dns section says stays"
        );
        assert!(d.active(Section::Dns));
    }
    let allowed = rule(
        r#""processes":{"effect":"prevent","crypto_miners":true},"dns":{"effect":"prevent","allow":["*"]}"#,
    );
    assert_eq!(
        short(allowed.decider().resolve(pool)),
        (Prevent, Reason::CryptoMiner)
    );
    let off = rule(
        r#""processes":{"effect":"disable","crypto_miners":true},"dns":{"effect":"prevent","allow":["*"]}"#,
    );
    assert_eq!(short(off.decider().resolve(pool)), (Allow, Reason::Allowed));
    let alerts = rule(
        r#""processes":{"effect":"alert","crypto_miners":true},"dns":{"effect":"prevent","deny":["x.com"]}"#,
    );
    assert!(alerts.decider().may_alert());
}

#[test]
fn each_reason_has_its_name_whatever_the_section() {
    for (reason, name) in [
        (Reason::CryptoMiner, "crypto-miner"),
        (Reason::UnfollowableProgram, "unfollowable-program"),
        (Reason::FilelessProgram, "fileless-program"),
        (Reason::UnfollowableLibrary, "unfollowable-library"),
        (Reason::MemoryWrite, "process-memory-write"),
        (Reason::MalformedQuestion, "malformed-question"),
    ] {
        for section in [
            Section::Processes,
            Section::Outbound,
            Section::Listen,
            Section::Dns,
            Section::Filesystem,
        ] {
            assert_eq!(reason.attack(section), name);
        }
    }
    assert_eq!(Reason::Denied.attack(Section::Listen), "denied-port");
    assert_eq!(Reason::Unlisted.attack(Section::Listen), "unlisted-port");
}
