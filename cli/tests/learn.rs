//! `palisade learn`: what was done is allowed, what was not is refused, and what a person decided holds.

mod common;
#[path = "common/samples.rs"]
mod samples;

use common::{Done, Folder, done, fed, palisade};
use palisade_audit::Access;
use palisade_policy::Reason;
use samples::{Speaker, learnt, tail};
use serde_json::{Value, json};

const PAY: Speaker = Speaker::PAY.alerts();

fn start(number: u32) -> String {
    format!("START RequestId: 8f5b2c1e-0000-4000-8000-{number:012} Version: $LATEST\n")
}

/// Forty invocations in two sandboxes; all but one act are done in each of them.
fn log() -> String {
    let other = |log: String| log.replace("[$LATEST]0123", "[$LATEST]ffff");
    tail(&learnt(&invocations(0..20))) + &other(tail(&learnt(&invocations(20..40))))
}

fn invocations(numbers: std::ops::Range<u32>) -> String {
    let mut log = String::new();
    for number in numbers {
        log.push_str(&start(number));
        log.push_str(&PAY.at(i64::from(number)).resolve("api.stripe.com"));
        log.push_str(&PAY.at(i64::from(number)).connect("10.1.2.3:443"));
        log.push_str(&PAY.open(
            &format!("/tmp/tmpab12cd{:02}/x.csv", number),
            Access::Write,
            Reason::Unlisted,
        ));
        if number == 3 {
            log.push_str(&PAY.exec("/usr/bin/git", "git --version", Reason::Unlisted));
        }
    }
    log
}

fn learn(arguments: &[&str], log: &str) -> (Done, Value) {
    let words = [&["learn"], arguments].concat();
    let done = fed(&mut palisade(words), log.as_bytes());
    let policy = serde_json::from_str(&done.out).unwrap_or(Value::Null);
    (done, policy)
}

#[test]
fn a_policy_allows_what_was_done_and_nothing_else() {
    let (done, policy) = learn(&[], &log());
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(
        policy,
        json!({"version": 1, "rules": [{
            "name": "pay-invoice",
            "scope": {"functions": ["pay-invoice"]},
            "processes": {"effect": "prevent", "crypto_miners": true, "allow": ["/usr/bin/git"]},
            "network": {"effect": "prevent", "outbound": {"allow": ["10.1.2.3:443"]}, "listen": {"deny": ["1-65535"]}},
            "dns": {"effect": "prevent", "allow": ["api.stripe.com"]},
            "filesystem": {"effect": "prevent", "allow": [{"path": "/tmp/tmp*/x.csv", "access": "write"}]},
        }]})
    );
    for part in [
        "pay-invoice: 4 entries from 121 events",
        "40 invocations; the last new act was at",
        "1 entry seen in one of 2 sandboxes only",
        "enough: nothing new in the later half",
    ] {
        assert!(done.err.contains(part), "{part}\n{}", done.err);
    }
    let (_, alert) = learn(&["--effect", "alert"], &log());
    assert_eq!(alert["rules"][0]["dns"]["effect"], "alert");
}

#[test]
fn what_was_done_once_is_marked_where_the_log_can_tell() {
    // A sandbox tells each act once, however often it was done.
    let one_sandbox = tail(&learnt(&invocations(0..40)));
    let alerts = tail(&invocations(0..40));
    for (log, mark) in [
        (one_sandbox, None),
        (log(), Some("in one of 2 sandboxes only")),
        (alerts, Some("in one invocation only")),
    ] {
        let (done, _) = learn(&[], &log);
        match mark {
            Some(mark) => assert!(
                done.err.contains(&format!("1 entry seen {mark}")),
                "{}",
                done.err
            ),
            None => assert!(!done.err.contains(" only"), "{}", done.err),
        }
    }
}

/// As the library writes it about an address that the program got by resolving a name.
fn named(line: &str, name: &str) -> String {
    line.replace(
        ",\"techniques\"",
        &format!(",\"domain\":\"{name}\",\"techniques\""),
    )
}

#[test]
fn addresses_that_were_resolved_are_names_with_ports() {
    let mut log = start(1);
    for number in 0..3 {
        let line = PAY.connect(&format!("198.51.100.{number}:443"));
        log.push_str(&named(&line, "API.example.com."));
    }
    // One address, two names; and one that was used without a name as well.
    let shared = PAY.connect("198.51.100.9:80");
    log.push_str(&named(&shared, "a.example.com"));
    log.push_str(&named(&shared, "b.example.com"));
    log.push_str(&named(&PAY.connect("198.51.100.10:80"), "c.example.com"));
    log.push_str(&PAY.connect("198.51.100.10:80"));
    let (_, policy) = learn(&[], &learnt(&log));
    assert_eq!(
        policy["rules"][0]["network"]["outbound"]["allow"],
        json!([
            "a.example.com:80",
            "api.example.com:443",
            "b.example.com:80",
            "c.example.com:80",
            "198.51.100.10:80"
        ])
    );
    // What a policy allows by its name is nothing new to it.
    let folder = Folder::new();
    folder.file("log", learnt(&log));
    folder.file(
        "old.json",
        r#"{"version": 1, "rules": [{"network": {"effect": "prevent", "outbound": {"allow": ["*.example.com:80", "198.51.100.10"]}}}]}"#,
    );
    let merged = done(palisade(["learn", "--merge", "old.json", "log"]).current_dir(folder.path()));
    let policy: Value = serde_json::from_str(&merged.out).expect("JSON");
    assert_eq!(
        policy["rules"][0]["network"]["outbound"]["allow"],
        json!(["*.example.com:80", "198.51.100.10", "api.example.com:443"])
    );
}

#[test]
fn ports_that_the_kernel_chose_are_its_range() {
    let ports = |ports: &[u16], level: &str| {
        let log: String = ports.iter().map(|port| PAY.listen(*port)).collect();
        let (_, policy) = learn(&["--generalize", level], &learnt(&log));
        policy["rules"][0]["network"]["listen"]["allow"].clone()
    };
    assert_eq!(
        ports(&[8080, 40_001, 40_002], "1"),
        json!([8080, "32768-60999"])
    );
    assert_eq!(ports(&[8080, 50_051, 50_051], "1"), json!([8080, 50_051]));
    assert_eq!(ports(&[40_001, 40_002], "0"), json!([40_001, 40_002]));
}

#[test]
fn a_program_that_cannot_be_followed_is_allowed_and_told() {
    let log = start(1) + &PAY.exec("/opt/tool", "tool", Reason::UnfollowableProgram);
    let (done, policy) = learn(&[], &learnt(&log));
    assert_eq!(
        policy["rules"][0]["processes"],
        json!({"effect": "prevent", "crypto_miners": true, "allow": ["/opt/tool"], "unfollowable": "allow"})
    );
    assert!(
        done.err.contains("careful: /opt/tool cannot be followed"),
        "{}",
        done.err
    );
}

#[test]
fn every_learnt_act_is_allowed_by_the_learnt_policy() {
    let folder = Folder::new();
    folder.file("log", log());
    for level in ["0", "1", "2", "3"] {
        let (_, policy) = learn(&["--generalize", level], &log());
        folder.file("policy.json", policy.to_string());
        folder.file(
            "old.json",
            r#"{"version": 1, "rules": [{"processes": {"effect": "disable"}}]}"#,
        );
        let replay = done(
            palisade([
                "diff",
                "old.json",
                "policy.json",
                "--replay",
                "log",
                "--format",
                "json",
            ])
            .current_dir(folder.path()),
        );
        let replay: Value = serde_json::from_str(&replay.out).expect("JSON");
        assert_eq!(
            (&replay["replay"]["events"], &replay["replay"]["changed"]),
            (&json!(121), &json!(0)),
            "{replay}"
        );
        let lint = done(palisade(["check", "policy.json"]).current_dir(folder.path()));
        assert_eq!(lint.code, Some(0), "{lint:?}");
    }
}

#[test]
fn what_was_never_done_is_closed_but_only_if_everything_was_recorded() {
    let quiet = start(1) + &PAY.resolve("a.example.com");
    let (_, whole) = learn(&[], &learnt(&quiet));
    let rule = &whole["rules"][0];
    assert_eq!(rule["processes"]["main_only"], true);
    assert_eq!(rule["network"]["outbound"]["deny"], json!(["*"]));
    assert_eq!(
        rule["filesystem"]["allow"],
        json!([{"path": "/var/task/**", "access": "read"}])
    );

    let (done, part) = learn(&[], &quiet);
    assert_eq!(
        part["rules"][0].as_object().expect("a rule").len(),
        3,
        "{part}"
    );
    assert!(done.err.contains("learnt from alerts"), "{}", done.err);

    let (none, _) = learn(&[], &Speaker::PAY.resolve("refused.example.com"));
    assert_eq!((none.code, none.out.as_str()), (Some(1), ""));
}

#[test]
fn levels_say_how_much_more_than_was_seen() {
    let mut log = start(1);
    for number in 0..12 {
        log.push_str(&PAY.resolve(&format!("shard{number}.db.example.com")));
        log.push_str(&PAY.resolve(&format!("bucket{number}.s3.amazonaws.com")));
        log.push_str(&PAY.connect(&format!("198.51.100.{number}:5432")));
        log.push_str(&PAY.open(
            &format!("/srv/data/part{number}"),
            Access::Read,
            Reason::Unlisted,
        ));
        log.push_str(&PAY.open(
            &format!("/etc/part{number}"),
            Access::Read,
            Reason::Unlisted,
        ));
    }
    let log = learnt(&log);
    let entries = |level: &str| {
        let (_, policy) = learn(&["--generalize", level], &log);
        let rule = policy["rules"][0].clone();
        (
            rule["dns"]["allow"].clone(),
            rule["network"]["outbound"]["allow"].clone(),
            rule["filesystem"]["allow"].clone(),
        )
    };
    let count = |value: &Value| value.as_array().expect("a list").len();
    let (names, addresses, files) = entries("1");
    assert_eq!(
        (count(&names), count(&addresses), count(&files)),
        (24, 12, 24)
    );
    let (names, addresses, files) = entries("2");
    // Whoever wants can have a bucket: below `s3.amazonaws.com` nothing is in one hand.
    assert_eq!(count(&names), 13, "{names}");
    assert!(
        names
            .as_array()
            .expect("a list")
            .contains(&json!("*.db.example.com")),
        "{names}"
    );
    assert_eq!(addresses, json!(["198.51.100.0/24:5432"]));
    assert_eq!(count(&files), 13, "{files}");
    assert!(files.to_string().contains("/srv/data/**"), "{files}");
}

#[test]
fn the_deny_rules_of_a_baseline_hold_whatever_was_seen() {
    let folder = Folder::new();
    folder.file("log", log());
    folder.file("base.json", r#"{"version": 1, "rules": [{"processes": {"effect": "prevent", "deny": ["git"]}, "dns": {"effect": "alert", "deny": ["*.evil.example"]}}]}"#);
    let result =
        done(palisade(["learn", "--baseline", "base.json", "log"]).current_dir(folder.path()));
    let policy: Value = serde_json::from_str(&result.out).expect("JSON");
    assert!(
        result.err.contains("not learnt: exec of /usr/bin/git"),
        "{}",
        result.err
    );
    assert_eq!(
        policy["rules"][0]["processes"],
        json!({"effect": "prevent", "main_only": true, "crypto_miners": true, "deny": ["git"]})
    );
    assert_eq!(policy["rules"][0]["dns"]["deny"], json!(["*.evil.example"]));
}

#[test]
fn decisions_hold_when_learning_goes_on() {
    let folder = Folder::new();
    folder.file("log", log());
    let run = |words: &[&str]| {
        let words = [&["learn", "-o", "out"], words, &["log"]].concat();
        let result = done(palisade(words).current_dir(folder.path()));
        assert_eq!(result.code, Some(0), "{result:?}");
        let read = |name: &str| -> Value {
            let text = std::fs::read(folder.path().join("out").join(name)).expect("a file");
            serde_json::from_slice(&text).expect("JSON")
        };
        (read("pay-invoice.json"), read("pay-invoice.reasons.json"))
    };
    let flags = [
        "--allow",
        "resolve *.example.com",
        "--deny",
        "exec /usr/bin/git",
        "--deny",
        "open /etc/shadow",
    ];
    let (first, reasons) = run(&flags);
    let rule = &first["rules"][0];
    assert_eq!(
        rule["dns"]["allow"],
        json!(["api.stripe.com", "*.example.com"])
    );
    assert_eq!(rule["processes"]["deny"], json!(["/usr/bin/git"]));
    assert_eq!(
        rule["filesystem"]["deny"],
        json!([{"path": "/etc/shadow", "access": "read"}])
    );
    assert_eq!(reasons["entries"][0]["event"], "connect 10.1.2.3:443");
    assert_eq!(reasons["entries"][0]["count"], 40);
    assert_eq!(reasons["coverage"]["invocations"], 40);
    let (second, _) = run(&[]);
    assert_eq!(first, second);
    for wrong in ["resolve", "fly away", "connect 10.1.2.3:x", "listen x"] {
        let result = done(&mut palisade(["learn", "--allow", wrong, "/dev/null"]));
        assert_eq!(result.code, Some(2), "{wrong} {result:?}");
    }
}

#[test]
fn an_existing_policy_is_widened_by_what_it_does_not_allow() {
    let folder = Folder::new();
    folder.file("log", log());
    folder.file("old.json", r#"{"version": 1, "rules": [{"name": "other", "scope": {"functions": ["x"]}, "dns": {"effect": "prevent", "deny": ["*"]}},
        {"name": "pay", "processes": {"effect": "prevent", "main_only": true}, "dns": {"effect": "prevent", "allow": ["*.amazonaws.com"]},
         "network": {"effect": "prevent", "outbound": {"deny": ["169.254.169.254"]}}}]}"#);
    let result = done(palisade(["learn", "--merge", "old.json", "log"]).current_dir(folder.path()));
    let policy: Value = serde_json::from_str(&result.out).expect("JSON");
    assert_eq!(
        policy["rules"][1],
        json!({"name": "pay", "processes": {"effect": "prevent", "allow": ["/usr/bin/git"]}, "dns": {"effect": "prevent", "allow": ["*.amazonaws.com", "api.stripe.com"]},
            "network": {"effect": "prevent", "outbound": {"deny": ["169.254.169.254"]}}})
    );
    assert!(
        result
            .err
            .contains("newly allows   resolving api.stripe.com"),
        "{}",
        result.err
    );
}

#[test]
fn many_functions_get_a_file_each() {
    let log = log() + &learnt(&PAY.of("report-daily").resolve("b.example.com"));
    let (done_, _) = learn(&[], &log);
    assert_eq!(done_.code, Some(2));
    assert!(
        done_
            .err
            .contains("2 functions (pay-invoice, report-daily)"),
        "{}",
        done_.err
    );
    let (one, policy) = learn(&["--function", "report-*"], &log);
    assert_eq!(
        (one.code, &policy["rules"][0]["name"]),
        (Some(0), &json!("report-daily"))
    );

    let folder = Folder::new();
    folder.file("log", &log);
    let result = done(palisade(["learn", "-o", "out", "log"]).current_dir(folder.path()));
    assert_eq!(result.code, Some(0), "{result:?}");
    let names = common::names_in(&folder.path().join("out"));
    assert_eq!(
        names,
        [
            "pay-invoice.json",
            "pay-invoice.reasons.json",
            "report-daily.json",
            "report-daily.reasons.json"
        ]
    );
}

#[test]
fn a_name_that_no_function_can_have_is_passed_over() {
    for name in ["../../etc/x", "*", "a b"] {
        let log = log()
            + &learnt(
                &Speaker {
                    function: "x",
                    ..PAY
                }
                .resolve("b.example")
                .replace("\"function\":\"x\"", &format!("\"function\":\"{name}\"")),
            );
        let (done, policy) = learn(&[], &log);
        assert_eq!(policy["rules"][0]["name"], "pay-invoice");
        assert!(done.err.contains("1 audit passed over"), "{}", done.err);
    }
}

#[test]
fn a_review_decides_entry_by_entry_and_resumes() {
    let folder = Folder::new();
    folder.file("log", log());
    let review = |answers: &str| {
        let result = fed(
            palisade(["learn", "--review", "--reasons", "why.json", "log"])
                .current_dir(folder.path()),
            answers.as_bytes(),
        );
        assert_eq!(result.code, Some(0), "{result:?}");
        let policy: Value = serde_json::from_str(&result.out).expect("JSON");
        (result.err, policy)
    };
    // git is denied; the address is broadened; then a break.
    let (first, _) = review("?\nd\nb\na\nq\n");
    assert!(
        first.contains("1/4  exec /usr/bin/git") && first.contains("in one sandbox only"),
        "{first}"
    );
    assert!(first.contains("connect 10.1.2.0/24:443"), "{first}");
    // Only what is left is asked.
    let (second, policy) = review("a\nn\na\n");
    assert!(
        !second.contains("1/4") && second.contains("3/4  resolve api.stripe.com"),
        "{second}"
    );
    let rule = &policy["rules"][0];
    assert_eq!(rule["processes"]["deny"], json!(["/usr/bin/git"]));
    assert_eq!(
        rule["network"]["outbound"]["allow"],
        json!(["10.1.2.0/24:443"])
    );
    assert_eq!(rule["dns"]["allow"], json!(["api.stripe.com"]));
    assert_eq!(
        rule["filesystem"]["allow"]
            .as_array()
            .expect("a list")
            .len(),
        40
    );
    let (third, same) = review("");
    assert!(!third.contains("[a]llow"), "{third}");
    assert_eq!(policy, same);
}

/// The names of temporary files are others in each run: whoever takes those that were seen has to know that they will not come again.
#[test]
fn narrowing_a_name_that_changes_is_warned_of_when_it_is_chosen_and_wherever_it_is_kept() {
    let folder = Folder::new();
    let open = |name: &str| PAY.open(name, Access::ReadWrite, Reason::Unlisted);
    let log = start(1)
        + &open("/tmp/receipt-ab12cd_9.txt")
        + &open("/tmp/receipt-7y3e0355.txt")
        + &open("/srv/prices.json");
    folder.file("log", tail(&learnt(&log)));
    let run = |arguments: &[&str], answers: &str| {
        let words = ["learn", "--reasons", "why.json", "log"];
        let result = fed(
            palisade(words).args(arguments).current_dir(folder.path()),
            answers.as_bytes(),
        );
        assert_eq!(result.code, Some(0), "{result:?}");
        let why = std::fs::read(folder.path().join("why.json")).expect("the side file");
        let why: Value = serde_json::from_slice(&why).expect("JSON");
        (result, why)
    };
    // A name that stays may be narrowed in silence; so may one that changes be taken as it is.
    let (result, why) = run(&["--review"], "n\na\nn\nb\nn\na\n");
    assert_eq!(
        result.err.matches("hardly come again").count(),
        2,
        "{result:?}"
    );
    let chosen = result.err.find("hardly come again").expect("a warning");
    let other = result.err.find("2/2").expect("a second entry");
    assert!(chosen > other, "{result:?}");
    let warned = |why: &Value| -> Vec<(String, u64)> {
        why["entries"]
            .as_array()
            .expect("entries")
            .iter()
            .filter(|entry| entry["warning"].is_string())
            .map(|entry| {
                (
                    entry["event"].as_str().expect("an event").to_owned(),
                    entry["count"].as_u64().expect("a count"),
                )
            })
            .collect()
    };
    // Each has the count of its own acts.
    let both = [
        ("open /tmp/receipt-7y3e0355.txt --read-write".to_owned(), 1),
        ("open /tmp/receipt-ab12cd_9.txt --read-write".to_owned(), 1),
    ];
    assert_eq!(warned(&why), both);
    assert_eq!(why["entries"].as_array().expect("entries").len(), 3);
    // Whoever learns on is told again what the policy will not match.
    let (result, why) = run(&[], "");
    assert!(
        result
            .err
            .contains("careful: what 2 entries spell out changes with every run"),
        "{result:?}"
    );
    assert_eq!(warned(&why), both);
}

#[test]
fn nothing_is_left_half_written() {
    let folder = Folder::new();
    folder.file("log", log());
    folder.file("out", "a file where the folder should be");
    let result = done(palisade(["learn", "-o", "out", "log"]).current_dir(folder.path()));
    assert_eq!(result.code, Some(73), "{result:?}");
    folder.file("why.json", "{\"decisions\": {\"fly away\": \"allow\"}}");
    let result =
        done(palisade(["learn", "--reasons", "why.json", "log"]).current_dir(folder.path()));
    assert_eq!(
        (result.code, result.out.as_str()),
        (Some(65), ""),
        "{result:?}"
    );
}
