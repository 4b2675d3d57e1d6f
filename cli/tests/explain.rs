//! `palisade explain`: the verdict, and the entry that decides.

mod common;

use common::{Done, Folder, done, palisade};
use serde_json::{Value, json};

const POLICY: &str = r#"{"version": 1, "rules": [
  {"name": "reports", "scope": {"functions": ["report-*"]},
   "processes": {"effect": "alert", "allow": ["git"]}},
  {"name": "payments",
   "processes": {"effect": "prevent", "crypto_miners": true, "deny": ["/bin/sh"]},
   "network": {"effect": "prevent", "outbound": {"allow": ["10.0.0.0/8:443", "[2001:db8::/32]:80"], "deny": ["10.9.9.9"]},
               "listen": {"allow": [8080]}},
   "dns": {"effect": "prevent", "allow": ["*.example.com"], "deny": ["evil.example.com"]},
   "filesystem": {"effect": "alert", "deny": ["/proc/*/environ", {"path": "/srv/data/**", "access": "write"}]}}
]}"#;

struct Asked {
    done: Done,
    answer: Value,
}

fn ask(policy: Option<&str>, words: &[&str]) -> Asked {
    let folder = Folder::new();
    let mut arguments = vec!["explain", "--format", "json"];
    if let Some(policy) = policy {
        folder.file("policy.json", policy);
        arguments.extend(["--policy", "policy.json"]);
    }
    arguments.extend(words);
    let done = done(palisade(arguments).current_dir(folder.path()));
    let answer = serde_json::from_str(&done.out).unwrap_or(Value::Null);
    Asked { done, answer }
}

/// Asks, and expects a verdict with its place and pattern.
#[track_caller]
fn expect(words: &[&str], verdict: &str, reason: &str, entry: Option<(&str, &str)>) {
    let asked = ask(Some(POLICY), words);
    let answer = &asked.answer;
    assert_eq!(asked.done.code, Some(0), "{:?}", asked.done);
    assert_eq!(
        (&answer["verdict"], &answer["reason"]),
        (&json!(verdict), &json!(reason)),
        "{answer}"
    );
    assert_eq!(answer["rule"], "payments", "{answer}");
    if let Some((place, pattern)) = entry {
        assert_eq!(
            (&answer["place"], &answer["pattern"]),
            (&json!(place), &json!(pattern)),
            "{answer}"
        );
    }
}

#[test]
fn destinations_are_judged() {
    expect(
        &["connect", "10.1.2.3:443"],
        "allow",
        "allowed",
        Some(("rules[1].network.outbound.allow[0]", "10.0.0.0/8:443")),
    );
    expect(&["connect", "[2001:db8::1]:80"], "allow", "allowed", None);
    expect(
        &["connect", "[::ffff:10.1.2.3]:443"],
        "allow",
        "allowed",
        None,
    );
    expect(
        &["connect", "10.9.9.9:443"],
        "prevent",
        "denied",
        Some(("rules[1].network.outbound.deny[0]", "10.9.9.9")),
    );
    expect(&["connect", "10.1.2.3:80"], "prevent", "unlisted", None);
    expect(&["connect", "127.0.0.1:5432"], "allow", "loopback", None);
}

#[test]
fn ports_are_judged() {
    expect(&["listen", "8080"], "allow", "allowed", None);
    expect(&["listen", "4444"], "prevent", "unlisted", None);
}

#[test]
fn names_are_judged() {
    expect(
        &["resolve", "api.example.com"],
        "allow",
        "allowed",
        Some(("rules[1].dns.allow[0]", "*.example.com")),
    );
    expect(
        &["resolve", "EVIL.example.com."],
        "prevent",
        "denied",
        Some(("rules[1].dns.deny[0]", "evil.example.com")),
    );
    expect(&["resolve", "evil.com"], "prevent", "unlisted", None);
}

#[test]
fn an_address_is_no_name() {
    let asked = ask(Some(POLICY), &["--function", "f", "resolve", "192.0.2.1"]);
    assert_eq!(asked.answer["verdict"], "allow");
    assert_eq!(
        asked.answer["notes"],
        json!(["an address is no name: `explain connect` asks about it"])
    );
}

#[test]
fn files_are_judged_by_access() {
    expect(&["open", "/srv/data/x"], "allow", "unrestricted", None);
    expect(
        &["open", "/srv/data/x", "--write"],
        "alert",
        "denied",
        Some(("rules[1].filesystem.deny[1]", "/srv/data/**")),
    );
    expect(
        &["open", "/srv/data/x", "--read-write"],
        "alert",
        "denied",
        None,
    );
    expect(
        &["open", "/srv/other/../data/x", "--write"],
        "alert",
        "denied",
        None,
    );
}

#[test]
fn the_own_files_of_proc_are_found_under_the_name_a_person_means() {
    let policy = r#"{"version": 1, "rules": [{"filesystem": {"effect": "prevent", "deny": ["/proc/self/environ"]}}]}"#;
    for path in ["/proc/self/environ", "/proc/thread-self/environ"] {
        let asked = ask(Some(policy), &["open", path]);
        assert_eq!(
            asked.answer["verdict"], "prevent",
            "{path} {}",
            asked.answer
        );
        assert_eq!(asked.answer["event"]["path"], "/proc/self/environ");
    }
}

#[test]
fn links_are_resolved_and_the_answer_says_so() {
    let folder = Folder::new();
    let target = folder.file("target", "");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("target", &link).expect("a link");
    let real = target.canonicalize().expect("a path");
    let policy =
        json!({"version": 1, "rules": [{"filesystem": {"effect": "prevent", "deny": [real]}}]});

    let asked = ask(
        Some(&policy.to_string()),
        &["open", link.to_str().expect("UTF-8")],
    );
    assert_eq!(asked.answer["verdict"], "prevent", "{}", asked.answer);
    assert_eq!(asked.answer["event"]["path"], json!(real));
    let note = asked.answer["notes"][0].as_str().expect("a note");
    assert!(note.contains("on this machine"), "{note}");
}

#[test]
fn a_link_without_a_target_leads_to_where_the_file_would_be_created() {
    let folder = Folder::new();
    let root = folder.path().canonicalize().expect("a path");
    let link = root.join("link");
    std::os::unix::fs::symlink("sub/../new", &link).expect("a link");
    let asked = ask(None, &["open", link.to_str().expect("UTF-8")]);
    assert_eq!(asked.answer["event"]["path"], json!(root.join("new")));

    std::os::unix::fs::symlink("loop", root.join("loop")).expect("a link");
    let asked = ask(None, &["open", root.join("loop").to_str().expect("UTF-8")]);
    assert_eq!(asked.done.code, Some(66));
}

#[test]
fn programs_are_judged_with_their_arguments() {
    expect(
        &["exec", "/bin/sh", "-c", "id"],
        "prevent",
        "denied",
        Some(("rules[1].processes.deny[0]", "/bin/sh")),
    );
    expect(&["exec", "sh", "-c", "id"], "prevent", "denied", None);
    expect(
        &["exec", "--child", "/bin/true", "--write"],
        "allow",
        "unrestricted",
        None,
    );
    let miner = ask(
        Some(POLICY),
        &["exec", "/bin/true", "-o", "stratum+tcp://pool:3333"],
    );
    assert_eq!(miner.answer["attack"], "crypto-miner", "{}", miner.answer);
    assert_eq!(miner.answer["verdict"], "prevent");
}

#[test]
fn without_a_policy_the_built_in_default_is_asked() {
    let sh = ask(None, &["exec", "/bin/sh", "-c", "id"]);
    assert_eq!(sh.answer["verdict"], "prevent", "{}", sh.answer);
    assert_eq!(sh.answer["reason"], "unexpected-process");
    assert_eq!(sh.answer["attack"], "unexpected-process");

    let itself = ask(None, &["exec", "--program", "/bin/sh", "/bin/sh"]);
    assert_eq!(itself.answer["verdict"], "allow", "{}", itself.answer);
    let child = ask(
        None,
        &["exec", "--child", "--program", "/bin/sh", "/bin/sh"],
    );
    assert_eq!(child.answer["verdict"], "prevent", "{}", child.answer);

    let name = ask(None, &["resolve", "evil.com"]);
    assert_eq!(
        (&name.answer["verdict"], &name.answer["reason"]),
        (&json!("allow"), &json!("off"))
    );
}

#[test]
fn the_rule_is_chosen_by_who_the_function_is() {
    let reports = ask(
        Some(POLICY),
        &["--function", "report-daily", "exec", "/bin/sh"],
    );
    assert_eq!(reports.answer["rule"], "reports");
    assert_eq!(
        (&reports.answer["verdict"], &reports.answer["attack"]),
        (&json!("alert"), &json!("unlisted-process"))
    );
    assert!(
        !reports.answer["notes"].to_string().contains("--function"),
        "{}",
        reports.answer
    );

    let nobody = ask(Some(POLICY), &["exec", "/bin/sh"]);
    assert_eq!(nobody.answer["rule"], "payments");
    assert!(
        nobody.answer["notes"].to_string().contains("--function"),
        "{}",
        nobody.answer
    );

    let scoped = r#"{"version": 1, "rules": [{"scope": {"functions": ["x"]}, "dns": {"effect": "prevent", "deny": ["*"]}}]}"#;
    let none = ask(Some(scoped), &["--function", "y", "resolve", "evil.com"]);
    assert_eq!(
        (&none.answer["verdict"], &none.answer["rule"]),
        (&json!("allow"), &Value::Null)
    );
    assert!(
        none.answer["why"]
            .as_str()
            .is_some_and(|why| why.starts_with("No rule")),
        "{}",
        none.answer
    );
}

#[test]
fn the_exit_code_tells_the_verdict_only_on_demand() {
    for (event, code) in [
        (&["resolve", "api.example.com"][..], 0),
        (&["resolve", "evil.com"], 1),
        (&["open", "/srv/data/x", "--write"], 3),
    ] {
        assert_eq!(ask(Some(POLICY), event).done.code, Some(0));
        let asked: Vec<&str> = ["--exit-code"].iter().chain(event).copied().collect();
        assert_eq!(ask(Some(POLICY), &asked).done.code, Some(code), "{event:?}");
    }
}

#[test]
fn a_person_reads_verdict_rule_entry_and_why() {
    let folder = Folder::new();
    folder.file("policy.json", POLICY);
    let asked = done(
        palisade([
            "explain",
            "--function",
            "f",
            "resolve",
            "evil.example.com",
            "--policy",
            "policy.json",
        ])
        .current_dir(folder.path()),
    );
    assert_eq!(
        asked.out,
        "prevent resolution of evil.example.com\n  \
           rule     payments\n  \
           entry    \"evil.example.com\" at rules[1].dns.deny[0]\n  \
           why      The entry of `deny` matches, and `deny` beats `allow`. The program gets EAI_FAIL, and an audit line at ERROR says so.\n  \
           attack   denied-domain\n"
    );
}

#[test]
fn wrong_questions_are_usage_errors_that_help() {
    for (event, help) in [
        (&["connect", "example.com:443"][..], "explain resolve NAME"),
        (&["connect", "10.1.2.3"], "10.1.2.3:443"),
        (&["listen", "70000"], "65535"),
        (&["exec", "no-such-program-anywhere"], "not in PATH"),
        (&["open"], "PATH"),
        (&[], "Usage"),
    ] {
        let asked = ask(None, event).done;
        assert_eq!(asked.code, Some(2), "{event:?} {asked:?}");
        assert!(asked.err.contains(help), "{event:?} {}", asked.err);
    }
}

#[test]
fn a_policy_with_mistakes_answers_no_question() {
    let asked = ask(
        Some(r#"{"version": 1, "rules": [{"dns": {"effect": "no"}}]}"#),
        &["listen", "1"],
    )
    .done;
    assert_eq!(asked.code, Some(78));
    assert!(asked.err.contains("rules[0].dns.effect"), "{}", asked.err);
    assert_eq!(asked.out, "");
}

#[test]
fn hostile_bytes_in_a_question_are_not_printed() {
    for format in ["text", "json"] {
        let asked = done(&mut palisade([
            "explain",
            "--format",
            format,
            "resolve",
            "\x1b[2J\u{202e}x\n",
        ]));
        assert!(!asked.out.contains(['\x1b', '\u{202e}']), "{:?}", asked.out);
    }
}

/// Who tries the command beside the README's policy has to see the policy at work.
#[test]
fn the_question_in_the_readme_is_refused_by_the_policy_in_the_readme() {
    let readme = include_str!("../../README.md");
    let part = |begin: &str, end: &str| {
        let (_, rest) = readme.split_once(begin).expect(begin);
        rest.split_once(end).expect(end).0
    };
    let folder = Folder::new();
    folder.file("palisade.json", part("```json\n", "```"));
    let words = part("$ palisade explain ", "\n").split_whitespace();
    let result = done(palisade(["explain"].into_iter().chain(words)).current_dir(folder.path()));
    assert_eq!(result.code, Some(0), "{result:?}");
    assert!(result.out.starts_with("prevent "), "{}", result.out);
    assert!(result.out.contains("payments"), "{}", result.out);
}
