//! `palisade audits`, its exports, and `palisade report`, of a log that the library wrote.

use std::fs;

use palisade_tests::policy;
use serde_json::{Value, json};

use crate::{log, palisade, run};

#[test]
fn what_the_library_wrote_is_found_counted_and_exported() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    let rules = policy(json!({
        "processes": {"effect": "prevent", "main_only": true},
        "dns": {"effect": "alert", "allow": ["good.example"]},
        "filesystem": {"effect": "prevent", "deny": ["/proc/*/environ"]},
    }));
    let mut whole = String::new();
    for (act, code) in [
        (&["exec", "/usr/bin/true", "\u{1b}[2J", "<script>"][..], 1),
        (&["resolve", "evil.example"], 0),
        (&["resolve", "evil.example"], 0),
        (&["read", "/proc/self/environ"], 1),
    ] {
        let outcome = run(place, &rules, act);
        assert_eq!(outcome.code(), code, "{}", outcome.story());
        whole.push_str("a line of the function\n");
        whole.push_str(&log(place));
    }
    fs::write(place.join("function.log"), &whole).expect("a log");
    fs::write(place.join("policy.json"), rules.to_string()).expect("a policy");
    let audits = |arguments: &[&str]| {
        let said = palisade(
            place,
            &[&["audits", "function.log"], arguments].concat(),
            b"",
        );
        assert_eq!(said.code, Some(0), "{said:?}");
        said.out
    };
    let json = audits(&["--json"]);
    let attacks: Vec<String> = json
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["attack"]
                .as_str()
                .expect("text")
                .to_owned()
        })
        .collect();
    assert_eq!(
        attacks,
        [
            "unexpected-process",
            "unlisted-domain",
            "unlisted-domain",
            "denied-file"
        ]
    );
    // Nothing is lost of what the library wrote.
    let written: Vec<Value> = whole
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let read: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(read, written);
    for (arguments, lines) in [
        (&["--effect", "alert", "--json"][..], 2),
        (&["--type", "process,filesystem", "--json"], 2),
        (&["--attack", "unlisted-*", "--json"], 2),
        (&["--process", "*/target/tests/*", "--json"], 4),
        (&["--rule", "test", "--match", "environ", "--json"], 1),
        (&["--since", "1h", "--json"], 4),
        (&["--until", "1h", "--json"], 0),
        (&["--function", "nobody", "--json"], 0),
        (&["--to", "ocsf"], 4),
        (&["--to", "ecs"], 4),
        (&["--to", "asff", "--account", "123456789012"], 1),
    ] {
        let out = audits(arguments);
        assert_eq!(out.lines().count(), lines, "{arguments:?}\n{out}");
    }
    let summary = audits(&["--summary"]);
    assert!(summary.contains("4 audits, 4 events"), "{summary}");
    assert!(!summary.contains('\u{1b}') && !audits(&[]).contains('\u{1b}'));

    let made = palisade(
        place,
        &[
            "report",
            "function.log",
            "--policy",
            "policy.json",
            "-o",
            "report.html",
        ],
        b"",
    );
    assert_eq!(made.code, Some(0), "{made:?}");
    let page = fs::read_to_string(place.join("report.html")).expect("a page");
    assert_eq!(page.matches("<script").count(), 2);
    assert!(page.contains("\"place\":[") && page.contains("rules[0].processes.main_only"));
}
