//! `palisade explain --audit`: the change that it proposes does what it says, and no more.

mod common;
#[path = "common/samples.rs"]
mod samples;

use common::{Folder, done, fed, palisade};
use palisade_audit::Access;
use palisade_policy::Reason;
use samples::Speaker;
use serde_json::Value;

const PAY: Speaker = Speaker::PAY;

const POLICY: &str = r#"{"version": 1, "rules": [
  {"name": "reports", "scope": {"functions": ["report-*"]}, "processes": {"effect": "prevent", "main_only": true}},
  {"name": "payments",
   "processes": {"effect": "prevent", "crypto_miners": true, "allow": ["git"], "deny": ["/usr/bin/dash"]},
   "network": {"effect": "prevent", "outbound": {"allow": ["10.0.0.0/8:443"], "deny": ["169.254.169.254", "169.254.0.0/16"], "loopback": false},
               "listen": {"allow": [8080]}},
   "dns": {"effect": "prevent", "allow": ["*.example.com"], "deny": ["evil.example.com"]},
   "filesystem": {"effect": "prevent", "allow": ["/tmp/**"], "deny": ["/proc/*/environ"]}}
]}"#;

fn ask(line: &str) -> Value {
    let folder = Folder::new();
    folder.file("policy.json", POLICY);
    let result = fed(
        palisade([
            "explain",
            "--policy",
            "policy.json",
            "--format",
            "json",
            "--audit",
            "-",
        ])
        .current_dir(folder.path()),
        line.as_bytes(),
    );
    assert_eq!(result.code, Some(0), "{result:?}");
    serde_json::from_str(&result.out).expect("JSON")
}

/// JSON Patch, as much of it as is proposed.
fn patched(patch: &Value) -> Value {
    let mut policy: Value = serde_json::from_str(POLICY).expect("JSON");
    for step in patch.as_array().expect("steps") {
        let path = step["path"].as_str().expect("a path");
        let (parent, last) = path.rsplit_once('/').expect("a path");
        let target = policy.pointer_mut(parent).expect("a parent");
        match (step["op"].as_str().expect("an operation"), target) {
            ("add", Value::Array(items)) if last == "-" => items.push(step["value"].clone()),
            ("add", Value::Object(members)) => {
                members.insert(last.to_owned(), step["value"].clone());
            }
            ("remove", Value::Array(items)) => {
                items.remove(last.parse().expect("a number"));
            }
            ("remove", Value::Object(members)) => {
                members.remove(last);
            }
            other => panic!("{other:?}"),
        }
    }
    policy
}

#[test]
fn each_breach_has_a_change_that_allows_it_and_the_patch_does() {
    for (line, sentence, exact) in [
        (
            PAY.resolve("yahoo.com"),
            "add \"yahoo.com\" to rules[1].dns.allow",
            true,
        ),
        (
            PAY.connect("198.51.100.7:6667"),
            "add \"198.51.100.7:6667\" to rules[1].network.outbound.allow",
            true,
        ),
        (
            PAY.connect("[2001:db8::1]:80"),
            "add \"[2001:db8::1]:80\" to rules[1].network.outbound.allow",
            true,
        ),
        (
            PAY.connect("127.0.0.1:5432"),
            "add \"127.0.0.1:5432\" to rules[1].network.outbound.allow",
            true,
        ),
        (
            PAY.connect("169.254.169.254:80"),
            "\"169.254.169.254\" would have to go from rules[1].network.outbound.deny[0]",
            false,
        ),
        (
            PAY.listen(4444),
            "add 4444 to rules[1].network.listen.allow",
            true,
        ),
        (
            PAY.exec("/opt/a*b", "x", Reason::Unlisted),
            "add \"/opt/a\\\\*b\" to rules[1].processes.allow",
            true,
        ),
        (
            PAY.exec("/usr/bin/dash", "sh -c id", Reason::Denied),
            "\"/usr/bin/dash\" would have to go from rules[1].processes.deny[0]",
            false,
        ),
        (
            PAY.exec("/tmp/xmrig", "xmrig", Reason::CryptoMiner),
            "rules[1].processes.crypto_miners would have to be false",
            false,
        ),
        (
            PAY.of("report-daily")
                .exec("/usr/bin/git", "git", Reason::UnexpectedProcess),
            "replace rules[0].processes.main_only by \"/usr/bin/git\" in rules[0].processes.allow",
            true,
        ),
        (
            PAY.open("/srv/x", Access::Write, Reason::Unlisted),
            "add {\"access\":\"write\",\"path\":\"/srv/x\"} to rules[1].filesystem.allow",
            true,
        ),
        (
            PAY.open("/proc/77/environ", Access::Read, Reason::Denied),
            "\"/proc/*/environ\" would have to go from rules[1].filesystem.deny[0]",
            false,
        ),
    ] {
        let answer = ask(&line);
        let remedy = &answer["remedy"];
        assert_eq!(remedy["changes"][0], sentence, "{answer}");
        assert_eq!(remedy["works"], true, "{answer}");
        assert_eq!(remedy["exact"], exact, "{answer}");

        // Applied by somebody else, and judged again from the file.
        let folder = Folder::new();
        folder.file("policy.json", patched(&remedy["patch"]).to_string());
        let again = fed(
            palisade([
                "explain",
                "--policy",
                "policy.json",
                "--format",
                "json",
                "--audit",
                "-",
            ])
            .current_dir(folder.path()),
            line.as_bytes(),
        );
        let again: Value = serde_json::from_str(&again.out).expect("JSON");
        assert_eq!(again["verdict"], "allow", "{again}");
        assert_eq!(again["remedy"], Value::Null);
    }
}

#[test]
fn an_exact_change_allows_nothing_beside() {
    let answer = ask(&PAY.exec("/opt/a*b", "x", Reason::Unlisted));
    let folder = Folder::new();
    folder.file(
        "policy.json",
        patched(&answer["remedy"]["patch"]).to_string(),
    );
    for (path, verdict) in [
        ("/opt/a*b", "allow"),
        ("/opt/axb", "prevent"),
        ("/opt/a*bc", "prevent"),
    ] {
        let asked = done(
            palisade([
                "explain",
                "--policy",
                "policy.json",
                "--function",
                "pay-invoice",
                "--format",
                "json",
                "exec",
                path,
            ])
            .current_dir(folder.path()),
        );
        let asked: Value = serde_json::from_str(&asked.out).expect("JSON");
        assert_eq!(asked["verdict"], verdict, "{asked}");
    }
}

#[test]
fn what_was_cut_and_what_is_allowed_already_have_no_remedy() {
    let cut = ask(&PAY.open(
        &format!("/srv/{}", "x".repeat(2000)),
        Access::Read,
        Reason::Unlisted,
    ));
    assert_eq!(cut["remedy"], Value::Null);
    assert!(cut["notes"].to_string().contains("only a part"), "{cut}");
    let allowed = ask(&PAY.resolve("api.example.com"));
    assert_eq!(allowed["verdict"], "allow");
    assert!(
        allowed["notes"]
            .to_string()
            .contains("this policy allows it"),
        "{allowed}"
    );
}

#[test]
fn a_person_reads_the_change_and_that_it_was_checked() {
    let folder = Folder::new();
    folder.file("policy.json", POLICY);
    let result = done(
        palisade([
            "explain",
            "--policy",
            "policy.json",
            "--exit-code",
            "--audit",
            &PAY.resolve("yahoo.com"),
        ])
        .current_dir(folder.path()),
    );
    assert_eq!(result.code, Some(1));
    assert_eq!(
        result.out,
        "prevent resolution of yahoo.com\n  \
           rule     payments\n  \
           entry    rules[1].dns.allow\n  \
           why      There is an allow list, and none of its entries matches.\n\
         \n\
         This one change would allow exactly that:\n  \
           add \"yahoo.com\" to rules[1].dns.allow\n  \
           checked: with it, the policy allows this\n  \
           patch [{\"op\":\"add\",\"path\":\"/rules/1/dns/allow/-\",\"value\":\"yahoo.com\"}]\n"
    );
}

#[test]
fn what_is_no_audit_is_wrong_usage() {
    for line in ["", "hello", "{}", &PAY.notice("no-rule", "x")] {
        let result = done(&mut palisade(["explain", "--audit", line]));
        assert_eq!(result.code, Some(2), "{line} {result:?}");
    }
    let both = done(&mut palisade([
        "explain",
        "--audit",
        &PAY.resolve("x.y"),
        "listen",
        "1",
    ]));
    assert_eq!(both.code, Some(2));
    assert!(both.err.contains("one question"), "{}", both.err);
}
