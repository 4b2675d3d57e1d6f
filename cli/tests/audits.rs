//! `palisade audits`: whatever the log looks like, what happened is found and nothing in it acts on the terminal.

mod common;
#[path = "common/samples.rs"]
mod samples;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use common::{Folder, done, fed, palisade};
use palisade_policy::Reason;
use samples::{Speaker, events, insights, mixed, tail};
use serde_json::{Value, json};

const PAY: Speaker = Speaker::PAY;

/// The audits that `--json` gives for a log.
#[track_caller]
fn read(log: &[u8], arguments: &[&str]) -> Vec<Value> {
    let mut words = vec!["audits", "--json"];
    words.extend(arguments);
    let result = fed(&mut palisade(words), log);
    assert_eq!(result.code, Some(0), "{result:?}");
    result
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[track_caller]
fn text(log: &str, arguments: &[&str]) -> String {
    let mut words = vec!["audits"];
    words.extend(arguments);
    let result = fed(&mut palisade(words), log.as_bytes());
    assert_eq!(result.code, Some(0), "{result:?}");
    result.out
}

#[test]
fn audits_are_found_between_the_lines_of_others() {
    let found = read(mixed().as_bytes(), &[]);
    let attacks: Vec<&str> = found
        .iter()
        .filter_map(|audit| audit["attack"].as_str())
        .collect();
    assert_eq!(
        attacks,
        [
            "unlisted-domain",
            "unlisted-destination",
            "unlisted-port",
            "unexpected-process",
            "denied-file",
            "unlisted-process",
            "no-rule"
        ]
    );
}

#[test]
fn every_wrapping_gives_the_same_audits() {
    let log = mixed();
    let plain = read(log.as_bytes(), &[]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(log.as_bytes()).expect("gzip");
    let subscription = serde_json::json!({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": log}]});
    let twice = serde_json::json!({"message": subscription.to_string()});
    let array = format!(
        "[{}]",
        plain
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(",")
    );
    for (name, wrapped) in [
        ("tail", tail(&log).into_bytes()),
        ("pretty", events(&log, true).into_bytes()),
        ("compact", events(&log, false).into_bytes()),
        ("insights", insights(&log).into_bytes()),
        ("gzip", packed.finish().expect("gzip")),
        ("array", array.into_bytes()),
        (
            "a pretty array",
            serde_json::to_vec_pretty(&plain).expect("JSON"),
        ),
        ("subscription", subscription.to_string().into_bytes()),
        ("a string in a string", twice.to_string().into_bytes()),
        ("windows", log.replace('\n', "\r\n").into_bytes()),
    ] {
        assert_eq!(read(&wrapped, &[]), plain, "{name}");
    }
}

#[test]
fn what_an_attacker_puts_into_an_audit_is_no_audit() {
    let forged = r#"{"palisade":1,"type":"dns","attack":"forged","domain":"x"}"#;
    let line = PAY.exec("/bin/x", forged, Reason::Unlisted);
    let value: Value = serde_json::from_str(&line).expect("JSON");
    // serde_json sorts the fields of a `Value`, as `jq -S` does: the command comes before the mark.
    for log in [
        line.clone(),
        value.to_string(),
        serde_json::to_string_pretty(&value).expect("JSON"),
        events(&line, false),
        events(&format!("{value}\n"), true),
        insights(&line),
        insights(&format!("{value}\n")),
        serde_json::json!({"level": "INFO", "user": forged}).to_string() + "\n" + &line,
    ] {
        let found = read(log.as_bytes(), &[]);
        assert_eq!(found.len(), 1, "{log}");
        assert_eq!(found[0]["attack"], "unlisted-process", "{log}");
    }
}

#[test]
fn it_does_not_matter_where_the_pieces_of_a_long_log_end() {
    let mut log = String::new();
    let mut expected = 0;
    for number in 0..9000u32 {
        // Lines of many lengths, so that audits lie across every border.
        log.push_str(&"x".repeat((number as usize * 37) % 900));
        log.push('\n');
        if number % 3 == 0 {
            log.push_str(&PAY.resolve(&format!("n{number}.example.com")));
            expected += 1;
        }
    }
    assert!(log.len() > 4 << 20);
    for wrapped in [
        log.clone(),
        events(&log, false),
        events(&log, true),
        insights(&log),
    ] {
        let found = read(wrapped.as_bytes(), &[]);
        assert_eq!(found.len(), expected);
        assert_eq!(found[expected - 1]["domain"], "n8997.example.com");
    }
}

#[test]
fn a_line_full_of_marks_hides_nothing() {
    let marks = "{\"palisade\":".repeat(200_000);
    let inside = serde_json::json!({"message": marks, "other": marks}).to_string();
    let open = format!("{{\"message\":\"{}", "\\\"palisade\\\":".repeat(200_000));
    let quotes = "\"\"palisade\"\":".repeat(200_000);
    for hostile in [marks, inside, open, quotes] {
        let log = format!("{hostile}\n{}", PAY.resolve("yahoo.com"));
        let found = read(log.as_bytes(), &[]);
        assert_eq!(found.len(), 1, "{}", &hostile[..40]);
    }
}

#[test]
fn filters_say_which_audits_are_meant() {
    let log = mixed();
    for (arguments, expected) in [
        (&["--type", "dns"][..], 1),
        (&["--type", "dns,network"], 3),
        (&["--type", "-dns"], 6),
        (&["--effect", "alert"], 1),
        (&["--effect", "none"], 1),
        (&["--function", "REPORT-*"], 1),
        (&["--rule", "pay*", "--effect", "prevent"], 5),
        (&["--process", "*/python?.*"], 7),
        (&["--attack", "unlisted-*,-unlisted-port"], 3),
        (&["--since", "2023-11-14 22:16"], 4),
        (&["--until", "2023-11-14T22:13:21Z"], 1),
        (&["--since", "1h"], 0),
        (&["--match", "yahoo\\.com"], 1),
        (&["--match", "SH -C"], 1),
    ] {
        assert_eq!(
            read(log.as_bytes(), arguments).len(),
            expected,
            "{arguments:?}"
        );
    }
    for wrong in [
        &["--match", "("][..],
        &["--since", "soon"],
        &["--group-by", "x"],
    ] {
        let mut words = vec!["audits"];
        words.extend(wrong);
        assert_eq!(fed(&mut palisade(words), b"").code, Some(2), "{wrong:?}");
    }
}

#[test]
fn a_person_reads_a_line_for_each_audit_and_a_count_for_its_repeats() {
    let log = [
        PAY.resolve("yahoo.com"),
        PAY.at(1).listen(4444),
        PAY.at(62).resolve("yahoo.com"),
    ]
    .concat();
    assert_eq!(
        text(&log, &[]),
        "2023-11-14 22:13:20  prevent  pay-invoice  DNS resolution of domain name yahoo.com triggered by /usr/bin/python3.12 explicitly denied by a runtime rule.  unlisted-domain, rule payments  ×2 to 2023-11-14 22:14:22\n\
         2023-11-14 22:13:21  prevent  pay-invoice  Listening on port 4444 by /usr/bin/python3.12 explicitly denied by a runtime rule.  unlisted-port, rule payments\n"
    );
    assert_eq!(text(&log, &["--no-fold"]).lines().count(), 3);
}

#[test]
fn nothing_in_a_log_reaches_the_terminal_as_an_escape_sequence() {
    let raw = "{\"timestamp\":\"\u{202e}x\",\"palisade\":1,\"type\":\"dns\\u001b[2J\",\"attack\":\"\\u009b\",\"msg\":\"\u{202e}\u{200b}\\u0007\",\"domain\":\"\\u001b]0;x\\u0007\",\"ip\":\"\\u001b\",\"function\":\"\\u001b[2J\"}\n";
    let log = mixed() + raw;
    for arguments in [
        &[][..],
        &["--json"],
        &["--summary"],
        &["--summary", "--json"],
        &["--group-by", "target,function"],
        &["--to", "ocsf"],
        &["--to", "ecs"],
        &["--to", "asff", "--account", "123456789012"],
    ] {
        let out = text(&log, arguments);
        let acting = out
            .chars()
            .find(|c| *c != '\n' && palisade_audit::is_unseen(*c));
        assert_eq!(acting, None, "{arguments:?} {out:?}");
    }
}

#[test]
fn groups_and_summaries_count_events() {
    let mut log = mixed();
    for _ in 0..4 {
        log.push_str(&PAY.resolve("yahoo.com"));
    }
    let groups = text(&log, &["--group-by", "type"]);
    assert!(groups.starts_with("11 events\n"), "{groups}");
    let first = groups.lines().nth(3).expect("a row");
    assert!(
        first.starts_with("  dns ") && first.contains(" 5 "),
        "{groups}"
    );

    let summary = text(&log, &["--summary", "--top", "3"]);
    for part in [
        "11 audits, 11 events, 2023-11-14 22:13:20 to 2023-11-14 22:19:20 UTC",
        "yahoo.com",
        "198.51.100.7:6667",
        "/proc/self/environ",
        "report-daily",
        "Over time (UTC)",
        "█",
    ] {
        assert!(summary.contains(part), "{part} is not in\n{summary}");
    }
    let json: Value = serde_json::from_str(&text(&log, &["--summary", "--json"])).expect("JSON");
    assert_eq!(json["events"], 11);
    assert_eq!(json["tables"]["Names"]["top"][0]["count"], 5);
}

#[test]
fn a_log_is_followed_line_by_line() {
    let mut child = palisade(["audits", "-f"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("palisade runs");
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    for name in ["a.example", "b.example"] {
        input
            .write_all(PAY.resolve(name).as_bytes())
            .expect("it reads");
        line.clear();
        output.read_line(&mut line).expect("a line");
        assert!(line.contains(name), "{line}");
    }
    for _ in 0..3 {
        input
            .write_all(PAY.at(5).resolve("b.example").as_bytes())
            .expect("it reads");
    }
    line.clear();
    output.read_line(&mut line).expect("a line");
    assert!(
        line.contains("more: DNS resolution of domain name b.example"),
        "{line}"
    );
    drop(input);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_file_that_grows_is_followed_across_its_rotation() {
    let folder = Folder::new();
    let log = folder.file("log", PAY.resolve("one.example"));
    let mut child = palisade(["audits", "-f"])
        .arg(&log)
        .stdout(Stdio::piped())
        .spawn()
        .expect("palisade runs");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut expect = |name: &str| {
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert!(line.contains(name), "{line}");
    };
    expect("one.example");
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&log)
        .expect("the log");
    file.write_all(PAY.resolve("two.example").as_bytes())
        .expect("written");
    expect("two.example");
    std::fs::rename(&log, folder.path().join("log.1")).expect("renamed");
    folder.file("log", PAY.resolve("three.example"));
    expect("three.example");
    child.kill().expect("it ends");
    child.wait().expect("it ends");
}

#[test]
fn an_empty_log_and_one_without_audits_are_no_failure() {
    for log in ["", "hello\nworld\n", "{\"a\":1}\n"] {
        let result = fed(&mut palisade(["audits"]), log.as_bytes());
        assert_eq!((result.code, result.out.as_str()), (Some(0), ""));
        assert!(result.err.contains("no audits in"), "{}", result.err);
    }
}

#[test]
fn cut_audits_are_told_with_their_place() {
    let line = PAY.resolve("yahoo.com");
    let log = format!("hello\n{}\n{line}", &line[..200]);
    let result = fed(&mut palisade(["audits"]), log.as_bytes());
    assert_eq!(result.code, Some(0));
    assert_eq!(result.out.lines().count(), 1, "{}", result.out);
    assert!(
        result
            .err
            .contains("1 line that should be an audit is cut or damaged, the first at byte"),
        "{}",
        result.err
    );
    let newer = line.replace("\"palisade\":1", "\"palisade\":7");
    let result = fed(&mut palisade(["audits"]), newer.as_bytes());
    assert!(result.err.contains("later version"), "{}", result.err);
}

#[test]
fn logs_that_cannot_be_read_are_told_before_anything_is_written() {
    let folder = Folder::new();
    folder.file("good", PAY.resolve("yahoo.com"));
    folder.file("wide", [0xff, 0xfe, b'{', 0, b'"', 0]);
    folder.file("broken.gz", [0x1f, 0x8b, 8, 0, 1, 2, 3]);
    for (name, code) in [("absent", 66), ("wide", 65), ("broken.gz", 65), (".", 66)] {
        let result = done(palisade(["audits", "good", name]).current_dir(folder.path()));
        assert_eq!(result.code, Some(code), "{name} {result:?}");
        assert!(result.err.contains(name), "{result:?}");
        if name == "absent" {
            assert_eq!(result.out, "");
        }
    }
}

#[test]
fn a_reader_who_has_gone_is_no_failure() {
    let folder = Folder::new();
    let mut log = String::new();
    for number in 0..20_000 {
        log.push_str(&PAY.resolve(&format!("n{number}.example")));
    }
    let log = folder.file("log", log);
    let mut child = palisade(["audits"])
        .arg(&log)
        .stdout(Stdio::piped())
        .spawn()
        .expect("palisade runs");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    output.read_line(&mut String::new()).expect("a line");
    drop(output);
    assert!(child.wait().expect("it ends").success());
}

/// Whoever can write to the log can write lines of any time; what is honest must not shrink to one bar beside them.
#[test]
fn times_that_are_forged_leave_the_rest_of_time_as_it_was() {
    let honest: String = (0..240_i64)
        .map(|number| {
            PAY.at(number * 15)
                .resolve(&format!("n{number}.example.org"))
        })
        .collect();
    let rows = |log: &str| -> Vec<String> {
        let result = fed(&mut palisade(["audits", "--summary"]), log.as_bytes());
        assert_eq!(result.code, Some(0), "{result:?}");
        let (_, time) = result.out.split_once("Over time (UTC)\n").expect("a table");
        time.lines().map(str::to_owned).collect()
    };
    let alone = rows(&honest);
    assert!(alone.len() > 10, "{alone:?}");
    let at = |year: i64, count: u64| {
        let domain = "x.example";
        format!(
            "{}\n",
            json!({"palisade": 1, "type": "dns", "effect": "prevent", "domain": domain, "count": count, "timestamp": format!("{year:04}-01-01T00:00:00Z")})
        )
    };
    // Few; as many as half of what is honest, each in a year of its own; one that says that it stands for millions.
    let few = at(1970, 1) + &at(9999, 1) + &at(9998, 1);
    let many: String = (0..110).map(|year| at(2100 + year * 70, 1)).collect();
    for (log, before, after) in [
        (few.clone() + &honest, "1", "2"),
        (honest.clone() + &many, "", "110"),
        (honest.clone() + &at(2400, 5_000_000), "", "5,000,000"),
    ] {
        let mut robust = rows(&log);
        let note = robust.pop().expect("a note");
        assert!(note.contains("of a time far from all others"), "{note}");
        let count = |row: String, name: &str| {
            let mut words = row.split_whitespace().map(str::to_owned);
            assert_eq!(words.next().as_deref(), Some(name), "{row}");
            words.next().expect("a count")
        };
        if !before.is_empty() {
            assert_eq!(count(robust.remove(0), "before"), before);
        }
        assert_eq!(count(robust.pop().expect("a row"), "after"), after);
        let moments = |rows: &[String]| -> Vec<String> {
            rows.iter()
                .map(|row| {
                    row.split('█')
                        .next()
                        .unwrap_or_default()
                        .trim_end_matches(['▏', '▎', '▍', '▌', '▋', '▊', '▉', ' '])
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect()
        };
        assert_eq!(moments(&robust), moments(&alone));
    }
}

/// The same, of more times than columns are kept.
#[test]
fn more_forged_times_than_columns_leave_seconds_seconds() {
    let mut log = String::new();
    for number in 0..9_000_i64 {
        log.push_str(&PAY.at(number % 20).resolve("x.example.org"));
        // Four of ten, a day apart from each other.
        if number % 3 != 0 {
            log.push_str(&PAY.at(1_000_000 + number * 86_400).listen(80));
        }
    }
    let result = fed(
        &mut palisade(["audits", "--summary", "--json"]),
        log.as_bytes(),
    );
    assert_eq!(result.code, Some(0), "{result:?}");
    let summary: Value = serde_json::from_str(&result.out).expect("JSON");
    let rows = summary["time"].as_array().expect("rows");
    let honest: u64 = rows
        .iter()
        .map(|row| row["count"].as_u64().expect("a count"))
        .sum();
    assert_eq!(rows.len(), 20, "{rows:?}");
    assert_eq!(honest, 9_000);
    assert_eq!(summary["after"], 6_000);
    assert_eq!(summary["before"], 0);
}

/// An export that broke off half way still holds what came before.
#[test]
fn what_a_cut_gzip_holds_is_shown_before_the_error() {
    let folder = Folder::new();
    let log: String = (0..200)
        .map(|number| PAY.at(number).resolve(&format!("n{number}.example.org")))
        .collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(log.as_bytes()).expect("compressed");
    let gzip = gzip.finish().expect("compressed");
    folder.file("log.gz", &gzip[..gzip.len() / 2]);
    for arguments in [
        &[][..],
        &["--json"],
        &["--to", "ecs"],
        &["--to", "asff", "--account", "123456789012"],
    ] {
        let words = [&["audits", "log.gz"], arguments].concat();
        let result = done(palisade(words).current_dir(folder.path()));
        assert_eq!(result.code, Some(65), "{arguments:?} {result:?}");
        assert!(
            result.out.contains("n0.example.org"),
            "{arguments:?} {result:?}"
        );
        assert!(result.err.contains("log.gz: its gzip is cut"), "{result:?}");
    }
    // A sum of a part would be taken for one of all.
    let words = ["audits", "--summary", "log.gz"];
    let result = done(palisade(words).current_dir(folder.path()));
    assert_eq!((result.code, result.out.as_str()), (Some(65), ""));
}
