//! `palisade diff`: what a change of a policy means, and what it would have meant.

mod common;
#[path = "common/samples.rs"]
mod samples;

use common::{Done, Folder, done, palisade};
use palisade_policy::Reason;
use samples::Speaker;
use serde_json::Value;

const PAY: Speaker = Speaker::PAY;

fn rule(inside: &str) -> String {
    format!(r#"{{"version": 1, "rules": [{{"name": "payments", {inside}}}]}}"#)
}

fn compare(old: &str, new: &str, arguments: &[&str], log: &str) -> Done {
    let folder = Folder::new();
    folder.file("old.json", old);
    folder.file("new.json", new);
    folder.file("log", log);
    let words = [&["diff", "old.json", "new.json"], arguments].concat();
    done(palisade(words).current_dir(folder.path()))
}

#[track_caller]
fn expect(old: &str, new: &str, lines: &[&str]) {
    let result = compare(&rule(old), &rule(new), &[], "");
    assert_eq!(result.code, Some(0), "{result:?}");
    let found: Vec<&str> = result.out.lines().skip(1).map(str::trim).collect();
    assert_eq!(found, lines, "{}", result.out);
}

const DNS: &str = r#""dns": {"effect": "prevent", "allow": ["*.example.com"]}"#;

#[test]
fn entries_that_came_and_went_are_tried_on_both() {
    expect(
        DNS,
        r#""dns": {"effect": "prevent", "allow": ["*.example.com", "api.stripe.com", "www.example.com"], "deny": ["evil.example.com", "else.where"]}"#,
        &[
            "newly allows   resolving api.stripe.com",
            "no effect      resolving www.example.com: it was allowed before and still is by dns.allow[0]",
            "newly refuses  resolving evil.example.com",
            "no effect      resolving else.where: it was refused before and still is by dns.deny[1]",
        ],
    );
    expect(
        r#""network": {"effect": "prevent", "outbound": {"allow": ["10.0.0.0/8:443", "*:5432"]}, "listen": {"allow": ["9000-9100"]}}"#,
        r#""network": {"effect": "prevent", "outbound": {"allow": ["10.0.0.0/8:443", "[2001:db8::/32]:80"]}, "listen": {"allow": [9000]}}"#,
        &[
            "newly allows   connecting to [2001:db8::/32]:80",
            "newly refuses  connecting to *:5432",
            "no effect      listening on port 9000: it was allowed before and still is by network.listen.allow[0]",
            "newly refuses  listening on port 9000-9100: for one, listening on port 9100",
        ],
    );
    expect(
        r#""filesystem": {"effect": "prevent", "deny": ["/proc/*/environ"]}"#,
        r#""filesystem": {"effect": "prevent", "deny": [{"path": "/var/task/**", "access": "write"}]}"#,
        &[
            "newly refuses  using /var/task/** (write)",
            "newly allows   using /proc/*/environ",
        ],
    );
}

/// What comes to mind first may have an entry of its own.
#[test]
fn an_entry_that_is_wider_than_its_first_example_is_not_without_effect() {
    expect(
        r#""network": {"effect": "prevent", "listen": {"allow": [9000]}}"#,
        r#""network": {"effect": "prevent", "listen": {"allow": ["9000-9100"]}}"#,
        &[
            "newly allows   listening on port 9000-9100: for one, listening on port 9100",
            "no effect      listening on port 9000: it was allowed before and still is by network.listen.allow[0]",
        ],
    );
    expect(
        r#""dns": {"effect": "prevent", "allow": ["example.x.org"]}"#,
        r#""dns": {"effect": "prevent", "allow": ["example.x.org", "*.x.org"]}"#,
        &["newly allows   resolving *.x.org: for one, resolution of q7z.x.org"],
    );
    expect(
        r#""processes": {"effect": "prevent", "allow": ["/usr/bin/git"]}"#,
        r#""processes": {"effect": "prevent", "allow": ["/usr/bin/git"], "deny": ["/usr/bin/*"]}"#,
        &[
            "newly refuses  running /usr/bin/*: for one, exec of /usr/bin/git by a child of the main process",
        ],
    );
    expect(
        r#""filesystem": {"effect": "prevent", "allow": ["/srv/x/**"]}"#,
        r#""filesystem": {"effect": "prevent", "allow": ["/srv/x/**"], "deny": ["**/*.pem"]}"#,
        &["newly refuses  using **/*.pem: for one, read access to /srv/x/.pem"],
    );
}

#[test]
fn lists_that_begin_or_end_and_settings_are_told() {
    expect(
        r#""dns": {"effect": "prevent", "deny": ["x.y"]}, "processes": {"effect": "prevent", "main_only": true}"#,
        r#""dns": {"effect": "alert", "deny": ["x.y"], "allow": ["a.b"]}, "processes": {"effect": "prevent", "allow": ["git"]}"#,
        &[
            "newly allows   running git",
            "newly allows   what `dns` forbids: it is only reported now",
            "now reports    every name but a.b: there was no allow list",
        ],
    );
    expect(
        r#""processes": {"effect": "prevent", "allow": ["git"]}"#,
        r#""processes": {"effect": "prevent", "main_only": true}"#,
        &["newly refuses  running any program but the main process's own: `main_only` is on"],
    );
    expect(
        r#""processes": {"effect": "prevent", "main_only": true}"#,
        r#""processes": {"effect": "prevent", "deny": ["git"]}"#,
        &[
            "newly allows   running other programs than the main process's own: `main_only` is off",
            "no effect      running git: it was refused before and still is by processes.deny[0]",
        ],
    );
    expect(
        r#""dns": {"effect": "alert", "deny": ["x.y"]}"#,
        r#""dns": {"effect": "disable"}"#,
        &["no longer reports  what `dns` forbids: the section is off now"],
    );
    expect(
        r#""dns": {"effect": "disable"}"#,
        r#""dns": {"effect": "alert", "deny": ["x.y"]}"#,
        &["now reports    what `dns` forbids: the section was off"],
    );
    // Nothing is refused where there is nothing but alerts.
    expect(
        r#""dns": {"effect": "alert", "allow": ["*.x.y"]}"#,
        r#""dns": {"effect": "alert", "allow": ["*.x.y", "a.b"], "deny": ["c.x.y", "d.e"]}"#,
        &[
            "no longer reports  resolving a.b",
            "now reports    resolving c.x.y",
            "no effect      resolving d.e: it was reported before and still is by dns.deny[1]",
        ],
    );
    expect(
        r#""processes": {"effect": "alert", "deny": ["x"], "unfollowable": "prevent"}"#,
        r#""processes": {"effect": "alert", "deny": ["x"]}"#,
        &[
            "newly allows   programs that cannot be followed: their effect is alert now, and was prevent",
        ],
    );
    // Names of destinations have examples too.
    expect(
        r#""network": {"effect": "prevent", "outbound": {"allow": ["*.x.y:443"]}}"#,
        r#""network": {"effect": "prevent", "outbound": {"allow": ["*.x.y:443", "a.x.y:443", "b.x.y:80"]}}"#,
        &[
            "no effect      connecting to a.x.y:443: it was allowed before and still is by network.outbound.allow[0]",
            "newly allows   connecting to b.x.y:80",
        ],
    );
    for (before, after, line) in [
        (
            "2998-12-01",
            "2998-12-24",
            "newly allows   what this rule prevents, until 2998-12-24T00:00:00Z: it is only reported until then, and was until 2998-12-01T00:00:00Z",
        ),
        (
            "2998-12-24",
            "2998-12-01",
            "newly refuses  what this rule prevents, until 2998-12-01T00:00:00Z: it is only reported until then, and was until 2998-12-24T00:00:00Z",
        ),
        (
            "2020-12-01",
            "2021-12-24",
            "no effect      `enforce_after`: what this rule prevents is refused by now, with it or without it",
        ),
        (
            "2998-12-01",
            "2021-12-24",
            "newly refuses  what this rule prevents, at once: `enforce_after` was 2998-12-01T00:00:00Z and is 2021-12-24T00:00:00Z, which is over",
        ),
        (
            "2020-12-01",
            "2998-12-24",
            "newly allows   what this rule prevents, until 2998-12-24T00:00:00Z: it is only reported until then",
        ),
    ] {
        let dated = |day: &str| format!(r#""enforce_after": "{day}T00:00:00Z", {DNS}"#);
        expect(&dated(before), &dated(after), &[line]);
    }
    expect(
        DNS,
        r#""dns": {"effect": "disable"}"#,
        &["newly allows   everything in `dns`: the section is off now, and nothing is reported"],
    );
}

#[test]
fn rules_that_came_and_went_are_told() {
    let two = r#"{"version": 1, "rules": [{"name": "a", "scope": {"functions": ["a-*"]}, "dns": {"effect": "prevent", "deny": ["x.y"]}},
        {"name": "b", "dns": {"effect": "prevent", "deny": ["x.y"]}}]}"#;
    let one = r#"{"version": 1, "rules": [{"name": "b", "dns": {"effect": "prevent", "deny": ["x.y"]}}]}"#;
    let alone = r#"{"version": 1, "rules": [{"name": "a", "scope": {"functions": ["a-*"]}, "dns": {"effect": "prevent", "deny": ["x.y"]}}]}"#;
    let wider = r#"{"version": 1, "rules": [{"name": "a", "scope": {"functions": ["*"]}, "dns": {"effect": "prevent", "deny": ["x.y"]}},
        {"name": "b", "processes": {"effect": "prevent", "main_only": true}, "dns": {"effect": "prevent", "deny": ["x.y"]}}]}"#;
    let stricter = r#"{"version": 1, "rules": [{"name": "a", "scope": {"functions": ["a-*"]}, "dns": {"effect": "prevent", "deny": ["x.y"]}},
        {"name": "b", "processes": {"effect": "prevent", "main_only": true}, "dns": {"effect": "prevent", "deny": ["x.y"]}}]}"#;
    for (old, new, lines) in [
        (
            two,
            one,
            &[
                "a (rules[0])",
                "  changes        the rule is gone; it was for functions a-*",
                "b (rules[0]) in place of a (rules[0]), as for function a-x",
                "  no effect      both say the same",
            ][..],
        ),
        (
            one,
            two,
            &[
                "a (rules[0])",
                "  changes        the rule is new, for functions a-*",
                "a (rules[0]) in place of b (rules[0]), as for function a-x",
                "  no effect      both say the same",
            ],
        ),
        (
            two,
            alone,
            &[
                "b (rules[1])",
                "  changes        the rule is gone; it was for every function",
                "no rule in place of b (rules[1]), as for function any-other",
                "  newly allows   everything in `dns`: the section is off now, and nothing is reported",
            ],
        ),
        // A rule that takes the place of a stricter one allows what that forbade.
        (
            stricter,
            wider,
            &[
                "a (rules[0])",
                "  changes        the rule is for functions * now, and was for functions a-*",
                "a (rules[0]) in place of b (rules[1]), as for function any-other",
                "  newly allows   everything in `processes`: the section is off now, and nothing is reported",
            ],
        ),
    ] {
        let result = compare(old, new, &["--exit-code"], "");
        let found: Vec<&str> = result.out.lines().collect();
        assert_eq!(found, lines, "{}", result.out);
        let allows = lines.iter().any(|line| line.contains("newly allows"));
        assert_eq!(result.code, Some(i32::from(allows)));
    }
    assert_eq!(
        compare(two, two, &[], "").out,
        "The policies mean the same.\n"
    );
}

#[test]
fn a_replay_shows_which_acts_change_their_verdict() {
    let log = [
        PAY.resolve("api.stripe.com"),
        PAY.resolve("api.stripe.com"),
        PAY.resolve("yahoo.com"),
        PAY.exec("/usr/bin/dash", "sh -c id", Reason::UnexpectedProcess),
        PAY.notice("no-rule", "x"),
    ]
    .concat();
    let new = r#""dns": {"effect": "prevent", "allow": ["*.example.com", "api.stripe.com"]}, "processes": {"effect": "alert", "main_only": true}"#;
    let result = compare(&rule(DNS), &rule(new), &["--replay", "log"], &log);
    for line in [
        "Replay: 3 of 4 events would have another verdict",
        "  prevent → allow  resolution of api.stripe.com  pay-invoice ×2",
        "  allow → alert  exec of /usr/bin/dash by a child of the main process  pay-invoice ×1",
    ] {
        assert!(
            result.out.lines().any(|found| found == line),
            "{line}\n{}",
            result.out
        );
    }
    let json = compare(
        &rule(DNS),
        &rule(new),
        &["--replay", "log", "--format", "json"],
        &log,
    );
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["replay"]["changed"], 3);
    assert_eq!(json["differences"][0]["way"], "reports");
}

#[test]
fn the_exit_code_tells_the_way_only_on_demand() {
    let wider = rule(r#""dns": {"effect": "prevent", "allow": ["*.example.com", "a.b"]}"#);
    let narrower = rule(
        r#""dns": {"effect": "prevent", "allow": ["*.example.com"], "deny": ["a.example.com"]}"#,
    );
    // What an alert says no longer was never refused.
    let alert = |policy: &str| policy.replace("prevent", "alert");
    assert_eq!(
        compare(&alert(&rule(DNS)), &alert(&wider), &["--exit-code"], "").code,
        Some(0)
    );
    for (new, code) in [(&wider, 1), (&narrower, 3), (&rule(DNS), 0)] {
        assert_eq!(
            compare(&rule(DNS), new, &["--exit-code"], "").code,
            Some(code)
        );
        assert_eq!(compare(&rule(DNS), new, &[], "").code, Some(0));
    }
    let broken = compare("{", "{}", &[], "");
    assert_eq!(broken.code, Some(78));
    assert!(broken.err.contains("old.json"), "{}", broken.err);
}
