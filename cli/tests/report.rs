//! `palisade report`: one page that loads nothing, holds everything, and is never led by what is in a log.

mod common;
#[path = "common/samples.rs"]
mod samples;

use common::{Folder, done, palisade};
use palisade_policy::Reason;
use samples::{Speaker, mixed};
use serde_json::Value;

const PAY: Speaker = Speaker::PAY;

const POLICY: &str = r#"{"version": 1, "rules": [{"name": "payments",
  "processes": {"effect": "prevent", "main_only": true},
  "network": {"effect": "prevent", "listen": {"deny": ["1-65535"]}},
  "dns": {"effect": "prevent", "allow": ["*.example.com"], "deny": ["never.example.com"]},
  "filesystem": {"effect": "prevent", "deny": ["/proc/*/environ"]}}]}"#;

fn page(log: &str, arguments: &[&str]) -> (Folder, String) {
    let folder = Folder::new();
    folder.file("log", log);
    folder.file("policy.json", POLICY);
    let words = [&["report", "log", "-o", "report.html"], arguments].concat();
    let result = done(palisade(words).current_dir(folder.path()));
    assert_eq!(
        (result.code, result.out.as_str()),
        (Some(0), ""),
        "{result:?}"
    );
    let page = std::fs::read_to_string(folder.path().join("report.html")).expect("a page");
    (folder, page)
}

/// The text between two marks of the page itself.
fn between<'p>(page: &'p str, open: &str, close: &str) -> &'p str {
    let (_, rest) = page.split_once(open).expect("the opening");
    rest.split_once(close).expect("the closing").0
}

fn data(page: &str) -> Value {
    let json = between(
        page,
        "<script id=\"data\" type=\"application/json\">",
        "</script>",
    );
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn every_audit_is_in_the_page_with_what_it_says() {
    let (_, page) = page(&mixed(), &[]);
    let data = data(&page);
    let text = |column: &str, row: usize| -> String {
        let number = data["columns"][column][row].as_u64().expect("a number");
        data["strings"][usize::try_from(number).expect("small")]
            .as_str()
            .expect("text")
            .to_owned()
    };
    let attacks: Vec<String> = (0..7).map(|row| text("attack", row)).collect();
    assert_eq!(attacks[0], "unlisted-domain");
    assert_eq!(text("target", 1), "198.51.100.7:6667");
    assert_eq!(data["columns"]["time"].as_array().map(Vec::len), Some(7));
    assert_eq!(data["columns"]["time"][0], 1_700_000_000_123_u64);
}

#[test]
fn nothing_in_a_log_becomes_markup() {
    let hostile = "</script><script>alert(1)</script><!--<script>]]>\u{2028}@DATA@ @SCRIPT@ <img src=x onerror=alert(1)>&lt;";
    let log = [
        PAY.exec(&format!("/{hostile}"), hostile, Reason::Unlisted),
        PAY.resolve(hostile),
        PAY.resolve("x")
            .replace("pay-invoice", &hostile.replace('\u{2028}', "")),
    ]
    .concat();
    let (_, page) = page(&log, &["--policy", "policy.json"]);
    // What the page itself has: two scripts and one style, and not a comment.
    for (text, count) in [
        ("<script", 2),
        ("</script", 2),
        ("<style", 1),
        ("<!--", 0),
        ("<img", 0),
        ("alert(1)", 0),
    ] {
        let found = page.matches(text).count();
        let own = match text {
            // As text, with its brackets escaped.
            "alert(1)" => {
                page.matches("\\u003cscript\\u003ealert(1)").count()
                    + page.matches("onerror=alert(1)").count()
            }
            _ => count,
        };
        assert_eq!(found, own, "{text}");
    }
    assert!(!page.contains('\u{2028}'));
    assert_eq!(
        data(&page)["columns"]["time"].as_array().map(Vec::len),
        Some(3)
    );
    let function = between(&page, "\"strings\":[", "]");
    assert!(!function.contains(['<', '>', '&']), "{function}");
}

#[test]
fn the_page_loads_nothing() {
    let (_, page) = page(&mixed(), &["--policy", "policy.json"]);
    let own = page.replace(
        between(
            &page,
            "<script id=\"data\" type=\"application/json\">",
            "</script>",
        ),
        "",
    );
    for text in [
        "http:",
        "https:",
        "//cdn",
        "src=",
        "@import",
        "url(",
        "fetch(",
        "XMLHttpRequest",
        "innerHTML",
        "eval(",
    ] {
        assert!(!own.contains(text), "{text}");
    }
    assert!(own.contains("default-src 'none'"));
    assert!(!own.contains("unsafe-inline"));
}

#[test]
fn the_policy_is_beside_it_with_what_decided_and_what_never_did() {
    let log = mixed() + &PAY.resolve("yahoo.com");
    let (_, page) = page(&log, &["--policy", "policy.json"]);
    let data = data(&page);
    let entries = data["policy"].as_array().expect("entries");
    let hits = |place: &str| {
        let index = entries.iter().position(|entry| entry["place"] == place);
        let index = index.unwrap_or_else(|| panic!("{place} is not in {entries:?}"));
        let rows = data["columns"]["place"].as_array().expect("a column");
        rows.iter().filter(|row| **row == index).count()
    };
    assert_eq!(hits("rules[0].dns.allow"), 2);
    assert_eq!(hits("rules[0].dns.deny[0]"), 0);
    assert_eq!(hits("rules[0].filesystem.deny[0]"), 1);
    assert_eq!(hits("rules[0].network.listen.deny[0]"), 1);
    assert_eq!(hits("rules[0].processes.main_only"), 2);
}

#[test]
fn equal_audits_of_a_second_are_one_and_what_is_too_much_is_told() {
    let log: String = (0..50).map(|_| PAY.resolve("yahoo.com")).collect();
    let (_, page_of_one) = page(&log, &[]);
    assert_eq!(
        data(&page_of_one)["columns"]["count"],
        serde_json::json!([50])
    );
    let log: String = (0..50)
        .map(|n| PAY.resolve(&format!("n{n}.example")))
        .collect();
    let (_, cut) = page(&log, &["--limit", "10"]);
    assert_eq!(data(&cut)["beyond"], 40);
    let (_, empty) = page("", &[]);
    assert_eq!(data(&empty)["columns"]["time"], serde_json::json!([]));
}

/// An alert that comes back every hour is no single bar at the hour of the first.
#[test]
fn equal_audits_of_different_times_keep_their_times() {
    let log: String = [0, 0, 0, 3600, 7200]
        .map(|second| PAY.at(second).resolve("yahoo.com"))
        .concat();
    let (_, page) = page(&log, &[]);
    let columns = &data(&page)["columns"];
    assert_eq!(columns["count"], serde_json::json!([3, 1, 1]));
    assert_eq!(
        columns["time"],
        serde_json::json!([
            1_700_000_000_123_i64,
            1_700_003_600_123_i64,
            1_700_007_200_123_i64
        ])
    );
}
