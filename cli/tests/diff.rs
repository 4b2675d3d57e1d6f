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
            "newly refuses  every name but a.b: there was no allow list",
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
        &["no effect      what `dns` forbids is not reported any more: the section is off now"],
    );
    for (before, after, line) in [
        (
            "2026-12-01",
            "2026-12-24",
            "newly allows   what this rule prevents, until 2026-12-24T00:00:00Z: it is only reported until then, and was until 2026-12-01T00:00:00Z",
        ),
        (
            "2026-12-24",
            "2026-12-01",
            "newly refuses  what this rule prevents, until 2026-12-01T00:00:00Z: it is only reported until then, and was until 2026-12-24T00:00:00Z",
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
    let result = compare(two, one, &[], "");
    assert!(
        result.out.contains(
            "newly allows   what only this rule forbade, for functions a-*: the rule is gone"
        ),
        "{}",
        result.out
    );
    let result = compare(one, two, &[], "");
    assert!(
        result
            .out
            .contains("newly refuses  what this new rule forbids, for functions a-*"),
        "{}",
        result.out
    );
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
    assert_eq!(json["differences"][0]["way"], "neither");
}

#[test]
fn the_exit_code_tells_the_way_only_on_demand() {
    let wider = rule(r#""dns": {"effect": "prevent", "allow": ["*.example.com", "a.b"]}"#);
    let narrower = rule(
        r#""dns": {"effect": "prevent", "allow": ["*.example.com"], "deny": ["a.example.com"]}"#,
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
