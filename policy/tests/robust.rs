//! Whatever bytes come in, nothing panics and everything ends; and where tables do not hold together, a section refuses.

mod common;

use common::rule;
use palisade_policy::{
    Access, Connect, Context, Decider, File, Identity, Outcome, Platform, Process, Reason, Section,
    Start, Surroundings, Verdict, compile, decode, parse,
};
use proptest::prelude::*;

const RICH: &str = r#"
    "processes":{"effect":"prevent","crypto_miners":true,"deny":["/bin/*","py*","/a/**/b?[x-z]"],"allow":["/usr/{bin,sbin}/*"]},
    "network":{"effect":"alert","outbound":{"allow":["10.0.0.0/8:443","*:5432","2001:db8::/32","*.amazonaws.com:443","api.example.com:1-9"],"deny":["169.254.169.254"],"loopback":false},
               "listen":{"allow":["9000-9100"],"deny":[9050]}},
    "dns":{"effect":"prevent","allow":["*.amazonaws.com","*x"],"deny":["a.amazonaws.com"]},
    "filesystem":{"effect":"prevent","allow":["/tmp/**"],"deny":["/proc/*/environ","**/*.pem",{"path":"/w/a*b","access":"write"}]}"#;

fn allows(verdict: Verdict<'_>) -> bool {
    verdict.outcome == Outcome::Allow
}

/// Asks everything. The short questions have the answers of the long ones, whatever the bytes are.
fn ask(d: Decider<'_>, bytes: &[u8], number: u32) {
    let _ = (d.rule(), d.may_alert(), d.judges_arguments());
    for section in [
        Section::Processes,
        Section::Outbound,
        Section::Listen,
        Section::Dns,
        Section::Filesystem,
    ] {
        let _ = d.active(section);
    }
    let even = number.is_multiple_of(2);
    let event = Process {
        path: bytes,
        given: &bytes[..bytes.len() / 2],
        start: Start::Exec,
        main: even,
        same_program: even,
    };
    let _ = d.process(&event);
    let _ = d.argument(bytes);
    let port = u16::try_from(number & 0xffff).unwrap();
    for ip in [
        std::net::Ipv4Addr::from(number).into(),
        std::net::Ipv6Addr::from(u128::from(number) << 64).into(),
    ] {
        let verdict = d.connect(&Connect { ip, port });
        assert_eq!(d.allows_connect(&Connect { ip, port }), allows(verdict));
        let _ = d.connect_resolved(&Connect { ip, port }, bytes);
    }
    assert_eq!(d.allows_listen(port), allows(d.listen(port)));
    assert_eq!(d.allows_resolve(bytes), allows(d.resolve(bytes)));
    let _ = (d.names_outbound(), d.wants_name(bytes));
    let _ = (d.unfollowable(), d.fileless(), d.malformed_question());
    let _ = (d.guard(Reason::MemoryWrite), d.learns(), d.enforce_after());
    for access in [Access::Read, Access::Write, Access::ReadWrite] {
        let event = File {
            path: bytes,
            alias: Some(bytes),
            access,
        };
        assert_eq!(d.allows_file(&event), allows(d.file(&event)));
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1".to_owned()),
        Just("65536".to_owned()),
        Just("\"prevent\"".to_owned()),
        Just("\"/a/**\"".to_owned()),
        Just("\"*.a.com\"".to_owned()),
        Just("\"10.0.0.0/8:1-2\"".to_owned()),
        Just("\"learn\"".to_owned()),
        Just("\"2026-12-01T00:00:00Z\"".to_owned()),
        "\"[ -~é]{0,12}\"",
        Just("{\"path\":\"/x\",\"access\":\"read\"}".to_owned()),
    ];
    let key = prop_oneof![
        Just("version"),
        Just("rules"),
        Just("name"),
        Just("enabled"),
        Just("scope"),
        Just("functions"),
        Just("processes"),
        Just("network"),
        Just("outbound"),
        Just("listen"),
        Just("dns"),
        Just("filesystem"),
        Just("effect"),
        Just("allow"),
        Just("deny"),
        Just("main_only"),
        Just("unfollowable"),
        Just("crypto_miners"),
        Just("mode"),
        Just("enforce_after"),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|members| {
                let members: Vec<String> = members
                    .into_iter()
                    .map(|(k, v)| format!("\"{k}\":{v}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_into_parse_and_decode(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
        let _ = decode(&bytes);
    }

    #[test]
    fn any_text_into_parse_and_decode(text in ".{0,200}") {
        let _ = parse(text.as_bytes());
        let _ = decode(text.as_bytes());
    }

    #[test]
    fn any_json_into_parse_has_problems_with_a_place_or_compiles(text in json()) {
        match parse(text.as_bytes()) {
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    prop_assert!(!problem.message.is_empty() && !problem.to_string().contains('\n'));
                }
            }
            Ok(parsed) => {
                let context = Context { identity: Identity::default(), platform: &Platform::default(), resolve: &|_| None, now: 0 };
                ask(compile(&parsed.policy, &context).decider(), b"/a/b", 7);
            }
        }
    }

    #[test]
    fn any_bytes_into_a_decider(bytes in prop::collection::vec(any::<u8>(), 0..400), name in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Some(decider) = Decider::from_bytes(&bytes) {
            ask(decider, &name, 1);
        }
    }

    #[test]
    fn damaged_bytes_into_a_decider(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), name in prop::collection::vec(any::<u8>(), 0..64),
        number in any::<u32>(),
    ) {
        let mut bytes = rule(RICH).into_bytes();
        for (at, value) in &damage {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        if let Some(decider) = Decider::from_bytes(&bytes) {
            ask(decider, &name, number);
            ask(decider, b"/proc/1/environ", number);
            ask(decider, b"/a/x/y/bcz", number);
            ask(decider, b"s3.amazonaws.com", number);
        }
    }

    #[test]
    fn any_events_into_a_decider(name in prop::collection::vec(any::<u8>(), 0..600), number in any::<u32>()) {
        ask(rule(RICH).decider(), &name, number);
    }

    #[test]
    fn any_surroundings_into_the_platform(value in ".{0,60}", resolv_conf in "(nameserver .{0,20}\n|.{0,20}\n){0,5}", program in "/?.{0,30}") {
        let platform = Platform::derive(&Surroundings {
            variable: &|_| Some(value.clone()), resolv_conf: &resolv_conf, hostname: &value, program: &program,
        });
        let policy = palisade_policy::default_policy();
        let context = Context { identity: Identity::default(), platform: &platform, resolve: &|path| Some(path.to_vec()), now: 0 };
        let _ = compile(&policy, &context);
    }
}

#[test]
fn cut_bytes_are_no_policy() {
    let compiled = rule(RICH);
    for length in 0..compiled.as_bytes().len() {
        assert!(
            Decider::from_bytes(&compiled.as_bytes()[..length]).is_none(),
            "{length}"
        );
    }
    let longer = [compiled.as_bytes(), b"x"].concat();
    assert!(Decider::from_bytes(&longer).is_none());
    for at in [0, 4, 59 * 4] {
        let mut other = compiled.as_bytes().to_vec();
        other[at] ^= 1;
        assert!(
            Decider::from_bytes(&other).is_none(),
            "magic, format and length: byte {at}"
        );
    }
}

#[test]
fn tables_that_are_not_where_the_header_says_refuse() {
    let compiled = rule(RICH);
    let good = compiled.as_bytes();
    // Every table moved away, one at a time: where `from_bytes` cannot see it, a verdict does.
    let mut refused = 0;
    for word in 8..48 {
        let mut bytes = good.to_vec();
        bytes[word * 4..word * 4 + 4].copy_from_slice(&0u32.to_le_bytes());
        match Decider::from_bytes(&bytes) {
            None => refused += 1,
            Some(decider) => ask(decider, b"/bin/sh", 1),
        }
    }
    assert!(refused >= 2);
}
