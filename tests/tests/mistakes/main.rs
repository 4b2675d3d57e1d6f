//! Does a wrong policy stop the start?

mod table;

use std::os::unix::fs::PermissionsExt;

use palisade_tests::{Log, Outcome, Run, records};
use serde_json::json;
use table::{DOCUMENTS, MISTAKES};

/// How the library comes into the program.
type Way = (&'static str, fn(Run) -> Run);
const WAYS: [Way; 2] = [("preloaded", |run| run), ("wrapped", Run::wrapped)];

fn run() -> Run {
    Run::new("/bin/echo").arg("started")
}

/// `text` without its `{` and the rest, put into a rule of a policy that is right otherwise.
fn in_rule(text: &str) -> String {
    format!(r#"{{"version":1,"rules":[{{"name":"test",{text}}}]}}"#)
}

/// Every policy of the two tables, with its place and what would be right.
fn all() -> impl Iterator<Item = (String, &'static str, &'static str)> {
    let rules = MISTAKES
        .iter()
        .map(|(text, place, expected)| (in_rule(text), *place, *expected));
    let documents = DOCUMENTS
        .iter()
        .map(|(text, place, expected)| ((*text).to_owned(), *place, *expected));
    rules.chain(documents)
}

/// What is wrong with a start that had to be stopped; the empty text if it was stopped as it must be.
fn complaint(outcome: &Outcome, log: &[u8], words: &[&str]) -> String {
    let mut found = Vec::new();
    if outcome.code() != 78 {
        found.push("it does not end with 78".to_owned());
    }
    if !outcome.stdout.is_empty() {
        found.push("the program was started".to_owned());
    }
    let lines = records(log);
    match lines.as_slice() {
        [line] => {
            let said = (&*line.level, &*line.kind, &*line.attack);
            if said != ("ERROR", "policy", "start-stopped") {
                found.push(format!("the line is of another kind: {said:?}"));
            }
            if !line.msg.starts_with("Nothing was started (exit 78). ") {
                found.push("it does not say first what became of the start".to_owned());
            }
            let missing = words.iter().filter(|word| !line.msg.contains(**word));
            found.extend(missing.map(|word| format!("it does not say {word:?}")));
        }
        _ => found.push(format!("{} lines", lines.len())),
    }
    if found.is_empty() {
        String::new()
    } else {
        format!("{}\n{}\n", found.join(", "), outcome.story())
    }
}

/// The start is stopped both ways, and the line has all the words.
fn stopped(what: &str, make: impl Fn() -> Run, words: &[&str]) -> String {
    let mut complaints = String::new();
    for (way, load) in WAYS {
        let outcome = load(make()).go();
        let complaint = complaint(&outcome, &outcome.log, words);
        if !complaint.is_empty() || !outcome.stderr.is_empty() {
            complaints.push_str(&format!("{what}, {way}: {complaint}{}\n", outcome.errors()));
        }
    }
    complaints
}

#[test]
fn a_policy_without_mistakes_starts_the_program_and_says_nothing() {
    for (way, load) in WAYS {
        let outcome = load(run().env(
            "PALISADE_POLICY",
            in_rule(r#""processes":{"effect":"alert"}"#),
        ))
        .go();
        assert_eq!(
            (outcome.code(), &*outcome.text(), outcome.audits().len()),
            (0, "started\n", 0),
            "{way}: {}",
            outcome.story()
        );
    }
}

#[test]
fn there_are_more_than_twenty_kinds_of_mistakes() {
    let mut kinds: Vec<&str> = all().map(|(_, _, expected)| expected).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert!(kinds.len() > 20, "{kinds:?}");
}

#[test]
fn every_mistake_in_a_variable_stops_the_start_with_its_place() {
    let complaints: String = all()
        .map(|(text, place, expected)| {
            let words = ["The policy in PALISADE_POLICY", place, expected];
            stopped(&text, || run().env("PALISADE_POLICY", &text), &words)
        })
        .collect();
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn every_mistake_in_base64_stops_the_start_with_its_place() {
    let complaints: String = all()
        .map(|(text, place, expected)| {
            let words = [place, expected];
            stopped(
                &text,
                || run().env("PALISADE_POLICY", base64(text.as_bytes())),
                &words,
            )
        })
        .collect();
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn every_mistake_in_a_file_stops_the_start_with_its_place_and_the_name_of_the_file() {
    let complaints: String = all()
        .map(|(text, place, expected)| {
            let make = || {
                let run = run().file("mine.json", &text);
                let path = run.folder().join("mine.json");
                run.env("PALISADE_POLICY_FILE", path)
            };
            let words = ["/mine.json (PALISADE_POLICY_FILE)", place, expected];
            stopped(&text, make, &words)
        })
        .collect();
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn every_mistake_is_forgiven_where_the_start_may_be_open_and_the_log_says_so() {
    let mut complaints = String::new();
    for (text, place, expected) in all() {
        for (way, load) in WAYS {
            let outcome = load(
                run()
                    .env("PALISADE_POLICY", &text)
                    .env("PALISADE_ON_ERROR", "open"),
            )
            .go();
            let audits = outcome.audits();
            let is_said = matches!(audits.as_slice(), [line] if line.level == "ERROR"
                && line.attack == "undefended"
                && line.msg.starts_with("The function runs UNDEFENDED, because PALISADE_ON_ERROR is open. ")
                && line.msg.contains(place) && line.msg.contains(expected));
            if !is_said || outcome.text() != "started\n" || outcome.code() != 0 {
                complaints.push_str(&format!("{text}, {way}: {}\n", outcome.story()));
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn any_other_word_than_open_stops_the_start() {
    for word in ["", "OPEN", "Open", "open ", "yes", "1", "closed"] {
        let complaints = stopped(
            word,
            || {
                run()
                    .env("PALISADE_POLICY", "{")
                    .env("PALISADE_ON_ERROR", word)
            },
            &["expected"],
        );
        assert!(complaints.is_empty(), "{complaints}");
    }
}

#[test]
fn several_mistakes_are_all_in_the_one_line() {
    let policy = json!({ "version": 2, "rules": [{ "dns": {}, "filesystem": { "effect": "deny" } }], "extra": 1 });
    let words = [
        "version: 2",
        "rules[0].dns",
        "rules[0].filesystem.effect",
        "extra",
    ];
    let complaints = stopped(
        "several",
        || run().env("PALISADE_POLICY", policy.to_string()),
        &words,
    );
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn ten_thousand_mistakes_are_still_one_line_that_names_the_first() {
    let names = vec!["a b"; 5_000];
    let policy =
        json!({ "version": 1, "rules": [{ "dns": { "effect": "prevent", "allow": names } }] });
    let complaints = stopped(
        "many",
        || run().env("PALISADE_POLICY", policy.to_string()),
        &["rules[0].dns.allow[0]", "expected"],
    );
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn a_mistake_with_hostile_bytes_is_one_line_without_them() {
    for hostile in [
        b"{\"version\":1,\"rules\":[],\"\x1b[2J\":0}".as_slice(),
        b"{\"version\":1,\n\"rules\":\n[{\"name\":\"a\\nb\"}]}",
        b"\xff\xfe\x00",
        b"{\"ver\xffsion\":1}",
        "{\"version\":1,\"rules\":[],\"\u{2028}\u{202e}\":0}".as_bytes(),
    ] {
        let make = || {
            let run = run().file("mine.json", hostile);
            let path = run.folder().join("mine.json");
            run.env("PALISADE_POLICY_FILE", path)
        };
        let complaints = stopped("hostile", make, &["expected"]);
        assert!(complaints.is_empty(), "{complaints}");
    }
}

#[test]
fn a_value_that_is_neither_json_nor_base64_stops_the_start() {
    for (value, expected) in [
        ("", "expected"),
        ("   ", "expected"),
        ("policy", "expected"),
        ("/opt/palisade/policy.json", "expected"),
        ("e30=e30=", "expected"),
        ("H4sIAAAA", "expected"),
    ] {
        let complaints = stopped(
            value,
            || run().env("PALISADE_POLICY", value),
            &["PALISADE_POLICY", expected],
        );
        assert!(complaints.is_empty(), "{complaints}");
    }
}

#[test]
fn a_policy_file_that_cannot_be_read_stops_the_start() {
    let absolute = "expected an absolute path";
    let readable = "expected a readable policy file";
    for (value, why, expected) in [
        ("/none/such.json", "there is no such file", readable),
        ("/tmp", "it is a directory", readable),
        ("/etc/passwd/policy.json", "it cannot be read", readable),
        ("policy.json", "the path is relative", absolute),
        ("", "the path is relative", absolute),
        ("file:///opt/policy.json", "the path is relative", absolute),
    ] {
        let make = || {
            run()
                .file("policy.json", "{}")
                .env("PALISADE_POLICY_FILE", value)
        };
        let words = ["(PALISADE_POLICY_FILE)", value, why, expected];
        let complaints = stopped(value, make, &words);
        assert!(complaints.is_empty(), "{complaints}");
    }
}

#[test]
fn a_policy_file_of_more_than_a_mebibyte_stops_the_start() {
    let make = || {
        let run = run().file("large.json", vec![b' '; (1 << 20) + 1]);
        let path = run.folder().join("large.json");
        run.env("PALISADE_POLICY_FILE", path)
    };
    let complaints = stopped(
        "large",
        make,
        &["/large.json", "it has more than 1 MiB", "expected"],
    );
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn a_policy_file_that_only_another_user_may_read_stops_the_start() {
    // Root reads it all the same, so the program is started as nobody.
    let run = run().file("mine.json", in_rule(r#""processes":{"effect":"alert"}"#));
    let path = run.folder().join("mine.json");
    let folder = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(run.folder(), folder).expect("folder");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mine.json");
    let tool = palisade_tests::tool("setpriv");
    let outcome = run
        .env("PALISADE_POLICY_FILE", &path)
        .under([
            tool.as_os_str(),
            "--reuid=65534".as_ref(),
            "--clear-groups".as_ref(),
        ])
        .go();
    let words = ["permission denied", "expected a readable policy file"];
    let complaint = complaint(&outcome, &outcome.log, &words);
    assert!(complaint.is_empty(), "{complaint}");
}

#[test]
fn the_variable_counts_before_the_file() {
    let good = in_rule(r#""processes":{"effect":"alert"}"#);
    let outcome = run()
        .env("PALISADE_POLICY", good)
        .env("PALISADE_POLICY_FILE", "/none/such.json")
        .go();
    assert_eq!(
        (outcome.code(), outcome.audits().len()),
        (0, 0),
        "{}",
        outcome.story()
    );
}

#[test]
fn a_destination_that_is_none_stops_the_start() {
    for value in [
        "syslog",
        "STDOUT",
        "stdout ",
        "1",
        "file:",
        "file:audit.jsonl",
        "/tmp/audit.jsonl",
        "File:/tmp/audit.jsonl",
    ] {
        for (way, load) in WAYS {
            let make = || load(run().log(Log::Unset).env("PALISADE_AUDIT", value));
            let outcome = make().go();
            let expected = "expected stdout, stderr, or file: and an absolute path";
            let words = ["PALISADE_AUDIT is", value, expected];
            let complaint = complaint(&outcome, &outcome.stderr, &words);
            assert!(complaint.is_empty(), "{value}, {way}: {complaint}");

            let open = make().env("PALISADE_ON_ERROR", "open").go();
            let lines = records(&open.stderr);
            assert_eq!(
                (open.code(), &*open.text()),
                (0, "started\n"),
                "{}",
                open.story()
            );
            assert_eq!(lines.len(), 1, "{value}, {way}: {}", open.story());
            assert_eq!(lines[0].attack, "undefended");
        }
    }
}

#[test]
fn a_destination_that_is_empty_is_the_default() {
    let outcome = run()
        .log(Log::Unset)
        .env("PALISADE_AUDIT", "")
        .env("PALISADE_POLICY", "{")
        .go();
    assert_eq!(records(&outcome.stderr).len(), 1, "{}", outcome.story());
}

#[test]
fn a_mode_that_is_none_stops_the_start() {
    for value in ["LEARN", "learn ", "Learn", "observe", "prevent", "off"] {
        let make = || run().env("PALISADE_MODE", value);
        let complaints = stopped(
            value,
            make,
            &["PALISADE_MODE is", value, "expected learn or enforce"],
        );
        assert!(complaints.is_empty(), "{complaints}");
    }
}

#[test]
fn a_mode_that_is_one_starts_the_program() {
    for value in ["", "learn", "enforce"] {
        let outcome = run().env("PALISADE_MODE", value).go();
        assert_eq!(
            (outcome.code(), &*outcome.text()),
            (0, "started\n"),
            "{}",
            outcome.story()
        );
    }
}

#[test]
fn a_wrong_mode_and_a_wrong_policy_are_both_said() {
    let outcome = run()
        .env("PALISADE_MODE", "off")
        .env("PALISADE_POLICY", r#"{"version":2,"rules":[{}]}"#)
        .go();
    let words = ["PALISADE_MODE is", "version: 2"];
    let complaint = complaint(&outcome, &outcome.log, &words);
    assert!(complaint.is_empty(), "{complaint}");
    let outcome = run().env("PALISADE_MODE", "off").go();
    assert!(
        !outcome.audit().msg.contains("The policy in"),
        "{}",
        outcome.story()
    );
}

/// RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0u32, |word, (index, byte)| {
            word | u32::from(*byte) << (16 - 8 * index)
        });
        for index in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * index)) as usize & 63];
            text.push(if index <= chunk.len() {
                letter.into()
            } else {
                '='
            });
        }
    }
    text
}
