//! `palisade diff --replay` and `palisade report --policy`: what the log of one policy says about another.

use std::fs;

use palisade_tests::policy;
use serde_json::{Value, json};

use crate::{log, palisade, run};

/// One act of each kind, under a policy that reports all of them.
const ACTS: [&[&str]; 5] = [
    &["exec", "/usr/bin/true"],
    &["connect", "198.51.100.7", "80"],
    &["listen", "4444"],
    &["resolve", "evil.example.com"],
    &["read", "/etc/hostname"],
];

fn rules(effect: &str) -> Value {
    policy(json!({
        "processes": {"effect": effect, "deny": ["/usr/bin/true"]},
        "network": {"effect": effect, "outbound": {"deny": ["198.51.100.0/24"]}, "listen": {"deny": ["4444"]}},
        "dns": {"effect": effect, "deny": ["*.example.com"]},
        "filesystem": {"effect": effect, "deny": ["/etc/hostname"]},
    }))
}

#[test]
fn acts_of_the_log_change_their_verdict_as_the_policy_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    let mut whole =
        String::from("START RequestId: 8f5b2c1e-0000-4000-8000-000000000001 Version: $LATEST\n");
    for act in ACTS {
        let outcome = run(place, &rules("alert"), act);
        assert_eq!(outcome.code(), 0, "{}", outcome.story());
        whole.push_str(&log(place));
        whole.push_str("something else that the function prints\n");
    }
    fs::write(place.join("function.log"), &whole).expect("a log");
    fs::write(place.join("old.json"), rules("alert").to_string()).expect("a policy");
    fs::write(place.join("new.json"), rules("prevent").to_string()).expect("a policy");
    fs::write(place.join("none.json"), rules("disable").to_string()).expect("a policy");

    let diff = |old: &str, new: &str| {
        palisade(
            place,
            &["diff", old, new, "--replay", "function.log", "--exit-code"],
            b"",
        )
    };
    let stricter = diff("old.json", "new.json");
    assert_eq!(stricter.code, Some(3), "{stricter:?}");
    for line in [
        "Replay: 5 of 5 events would have another verdict",
        "  alert → prevent  exec of /usr/bin/true by a child of the main process",
        "  alert → prevent  connection to 198.51.100.7 on port 80",
        "  alert → prevent  listening on port 4444",
        "  alert → prevent  resolution of evil.example.com",
        "  alert → prevent  read access to /etc/hostname",
    ] {
        assert!(stricter.out.contains(line), "{line}\n{stricter:?}");
    }
    let open = diff("old.json", "none.json");
    // Nothing that was refused is let through: reports alone end.
    assert_eq!(open.code, Some(0), "{open:?}");
    assert!(
        open.out
            .contains("alert → allow  resolution of evil.example.com"),
        "{open:?}"
    );
    // What the new policy says beforehand is what it does.
    for act in ACTS {
        let outcome = run(place, &rules("prevent"), act);
        assert_eq!(outcome.code(), 1, "{}", outcome.story());
    }
    let same = diff("old.json", "old.json");
    assert_eq!(same.code, Some(0), "{same:?}");
    assert!(same.out.contains("Replay: 0 of 5 events"), "{same:?}");
}
