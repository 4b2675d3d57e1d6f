//! What holds of every line, whatever bytes are in it.

use std::net::{IpAddr, Ipv6Addr};

use palisade_audit::{
    Access, Effect, Kind, LINE_MAX, Level, Message, Record, Subject, Text, Timestamp,
};
use proptest::prelude::*;
use serde_json::Value;

const NOW: Timestamp = Timestamp {
    seconds: 1_700_000_000,
    nanoseconds: 123_456_789,
};

fn record<'a>(kind: Kind, subject: Subject<'a>) -> Record<'a> {
    Record {
        timestamp: NOW,
        level: Level::Error,
        kind,
        attack: "unlisted-domain",
        effect: Some(Effect::Prevent),
        rule: Some(b"payments"),
        enforce_after: None,
        msg: Message::Breach,
        function: b"pay-invoice",
        region: b"eu-west-1",
        pid: 17,
        ppid: 8,
        process: b"/usr/bin/wget",
        subject,
        count: 1,
        techniques: &["T1071.004"],
    }
}

fn line(record: &Record<'_>) -> String {
    // What the buffer held before must not show.
    let mut out = [b'x'; LINE_MAX];
    let length = record.write(&mut out);
    String::from_utf8(out[..length].to_vec()).expect("a line is UTF-8")
}

fn json(record: &Record<'_>) -> Value {
    let line = line(record);
    assert!(line.len() <= LINE_MAX);
    assert_eq!(line.find('\n'), Some(line.len() - 1), "one line: {line:?}");
    if let Some(bad) = line
        .trim_end_matches('\n')
        .chars()
        .find(|c| unprintable(*c))
    {
        panic!("{bad:?} is written as it is in {line:?}");
    }
    serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in {line}"))
}

fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn fields_stand_in_the_order_of_the_contract() {
    let mut record = record(
        Kind::Process,
        Subject::Process {
            path: b"/usr/bin/dash",
            command: Text::Parts(&[b"/bin/sh -c ", b"id"]),
        },
    );
    record.attack = "unexpected-process";
    record.count = 3;
    record.techniques = &["T1059", "T1496"];
    assert_eq!(
        line(&record),
        concat!(
            r#"{"timestamp":"2023-11-14T22:13:20.123456Z","level":"ERROR","palisade":1,"type":"process","#,
            r#""attack":"unexpected-process","effect":"prevent","rule":"payments","#,
            r#""msg":"Process /usr/bin/dash launched by /usr/bin/wget explicitly denied by a runtime rule.","#,
            r#""function":"pay-invoice","region":"eu-west-1","pid":17,"ppid":8,"process":"/usr/bin/wget","#,
            r#""command":"/bin/sh -c id","path":"/usr/bin/dash","count":3,"techniques":["T1059","T1496"]}"#,
            "\n"
        )
    );
}

#[test]
fn a_notice_has_neither_effect_nor_rule_nor_count() {
    let mut notice = record(Kind::Policy, Subject::None);
    notice.level = Level::Info;
    notice.attack = "no-rule";
    notice.effect = None;
    notice.rule = None;
    notice.msg = Message::Text("No rule matches this function.".into());
    notice.techniques = &[];
    assert_eq!(
        line(&notice),
        concat!(
            r#"{"timestamp":"2023-11-14T22:13:20.123456Z","level":"INFO","palisade":1,"type":"policy","#,
            r#""attack":"no-rule","msg":"No rule matches this function.","function":"pay-invoice","#,
            r#""region":"eu-west-1","pid":17,"ppid":8,"process":"/usr/bin/wget","techniques":[]}"#,
            "\n"
        )
    );
}

fn sentence(subject: Subject<'_>) -> String {
    json(&record(Kind::Network, subject))["msg"]
        .as_str()
        .expect("a string")
        .to_owned()
}

#[test]
fn the_sentences_are_those_that_users_search_for() {
    let path = b"/etc/passwd";
    let file = |access| sentence(Subject::File { path, access });
    assert_eq!(
        sentence(Subject::Resolve {
            domain: b"yahoo.com"
        }),
        "DNS resolution of domain name yahoo.com triggered by /usr/bin/wget explicitly denied by a runtime rule."
    );
    assert_eq!(
        sentence(Subject::Connect {
            ip: "10.1.2.3".parse().expect("an address"),
            port: 443,
            name: None,
        }),
        "Outbound connection to 10.1.2.3 on port 443 triggered by /usr/bin/wget explicitly denied by a runtime rule."
    );
    assert_eq!(
        sentence(Subject::Listen {
            ip: None,
            port: 8080
        }),
        "Listening on port 8080 by /usr/bin/wget explicitly denied by a runtime rule."
    );
    assert_eq!(
        sentence(Subject::Process {
            path: b"/usr/bin/dash",
            command: "sh -c id".into()
        }),
        "Process /usr/bin/dash launched by /usr/bin/wget explicitly denied by a runtime rule."
    );
    assert_eq!(
        file(Access::Read),
        "Read access to file /etc/passwd by /usr/bin/wget explicitly denied by a runtime rule."
    );
    assert_eq!(
        file(Access::Write),
        "Write access to file /etc/passwd by /usr/bin/wget explicitly denied by a runtime rule."
    );
    assert_eq!(
        file(Access::ReadWrite),
        "Read and write access to file /etc/passwd by /usr/bin/wget explicitly denied by a runtime rule."
    );
}

#[test]
fn an_alert_that_will_be_a_refusal_says_from_when_on() {
    let alert = Record {
        enforce_after: Some("2026-12-01T00:00:00Z"),
        ..record(Kind::Policy, Subject::None)
    };
    assert_eq!(json(&alert)["enforce_after"], "2026-12-01T00:00:00Z");
    assert!(
        json(&record(Kind::Policy, Subject::None))
            .get("enforce_after")
            .is_none()
    );
}

#[test]
fn each_subject_names_what_was_asked_for() {
    let connect = json(&record(
        Kind::Network,
        Subject::Connect {
            ip: "::1".parse().expect("an address"),
            port: 0,
            name: Some(b"a.example"),
        },
    ));
    assert_eq!(
        (&connect["ip"], &connect["port"], &connect["domain"]),
        (&"::1".into(), &0.into(), &"a.example".into())
    );

    let mapped = json(&record(
        Kind::Network,
        Subject::Listen {
            ip: Some("::ffff:10.0.0.1".parse().expect("an address")),
            port: 65535,
        },
    ));
    assert_eq!(
        (&mapped["ip"], &mapped["port"]),
        (&"10.0.0.1".into(), &65535.into())
    );

    let anywhere = json(&record(
        Kind::Network,
        Subject::Listen { ip: None, port: 1 },
    ));
    assert_eq!(anywhere.get("ip"), None);

    for (access, name) in [
        (Access::Read, "read"),
        (Access::Write, "write"),
        (Access::ReadWrite, "read-write"),
    ] {
        let file = json(&record(
            Kind::Filesystem,
            Subject::File {
                path: b"/x",
                access,
            },
        ));
        assert_eq!(
            (&file["path"], &file["access"]),
            (&"/x".into(), &name.into())
        );
    }
}

#[test]
fn words_are_joined_by_one_space_and_empty_ones_count() {
    for (words, expected) in [
        (&[][..], ""),
        (&["id"][..], "id"),
        (&["sh", "-c", "id; id"][..], "sh -c id; id"),
        (&["", "", "x", ""][..], "  x "),
    ] {
        let word = |index: usize| words.get(index).map(|word: &&str| word.as_bytes());
        let value = json(&record(
            Kind::Process,
            Subject::Process {
                path: b"/x",
                command: Text::Words(&word),
            },
        ));
        assert_eq!(value["command"], expected);
    }
}

#[test]
fn characters_that_deceive_or_act_are_escaped_and_all_others_are_not() {
    let domain =
        "a\"\\/\n\x1b[2J\x7f\u{9b}é漢😀\u{2028}\u{202e}\u{2066}\u{200f}\u{61c}\u{feff}\u{e0041}z";
    let record = record(
        Kind::Dns,
        Subject::Resolve {
            domain: domain.as_bytes(),
        },
    );
    assert_eq!(json(&record)["domain"], domain);
    assert!(line(&record).contains(concat!(
        r#""domain":"a\"\\/\u000a\u001b[2J\u007f\u009bé漢😀"#,
        r#"\u2028\u202e\u2066\u200f\u061c\ufeff\udb40\udc41z""#
    )));
}

#[test]
fn what_is_no_utf8_becomes_one_replacement_per_maximal_subpart() {
    for bytes in [
        &b"\xff\xfe"[..],
        b"a\xc3",
        b"\xe2\x82",
        b"\xe2\x82z\xf0\x9f\x98",
        b"\xc0\xaf",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xf4\x90\x80\x80",
        b"\x80\x80",
    ] {
        let value = json(&record(Kind::Dns, Subject::Resolve { domain: bytes }));
        assert_eq!(value["domain"], lossy(bytes), "{bytes:x?}");
        assert_eq!(value.get("truncated"), None);
    }
}

#[test]
fn a_long_value_is_cut_between_characters_and_its_field_named() {
    // At whatever offset the characters fall, the value ends in a whole one.
    for offset in 0..12 {
        for character in ["a", "\"", "\n", "é", "漢", "😀", "\u{e0041}"] {
            let mut domain = "x".repeat(offset);
            domain.push_str(&character.repeat(600));
            let record = record(
                Kind::Dns,
                Subject::Resolve {
                    domain: domain.as_bytes(),
                },
            );
            let value = json(&record);
            let kept = value["domain"]
                .as_str()
                .and_then(|text| text.strip_suffix('…'))
                .expect("an ellipsis");
            assert!(domain.starts_with(kept));
            assert_eq!(
                value["truncated"],
                serde_json::json!(["msg", "domain"]),
                "{offset} {character:?}"
            );
            let msg = value["msg"].as_str().expect("a string");
            assert!(
                msg.ends_with("… triggered by /usr/bin/wget explicitly denied by a runtime rule.")
            );
        }
    }
}

#[test]
fn a_value_that_just_fits_is_whole() {
    let whole = |length: usize| {
        let domain = vec![b'a'; length];
        json(&record(Kind::Dns, Subject::Resolve { domain: &domain }))
            .get("truncated")
            .is_none()
    };
    let longest = (0..4096).take_while(|length| whole(*length)).count() - 1;
    assert_eq!(longest, 512);
}

#[test]
fn an_argument_of_a_mebibyte_fills_the_line_and_is_not_read_to_its_end() {
    let argument = vec![b'A'; 1 << 20];
    let asked = std::cell::Cell::new(0);
    let word = |index: usize| {
        asked.set(asked.get() + 1);
        match index {
            0 => Some(&b"/bin/echo"[..]),
            1 => Some(&argument[..]),
            _ => panic!("no room is left for word {index}"),
        }
    };
    let record = record(
        Kind::Process,
        Subject::Process {
            path: b"/bin/echo",
            command: Text::Words(&word),
        },
    );
    let value = json(&record);
    assert_eq!(value["truncated"], serde_json::json!(["command"]));
    let command = value["command"].as_str().expect("a string");
    assert!(command.starts_with("/bin/echo AAAA") && command.ends_with("A…"));
    assert!(command.len() > 2500, "{}", command.len());
    assert_eq!(asked.get(), 2);
}

#[test]
fn what_lies_beyond_the_room_is_not_read() {
    // Never touched, so no memory stands behind it yet. Reading it 400 times over is 100 GiB.
    let argument = vec![0; 1 << 28];
    let record = record(
        Kind::Process,
        Subject::Process {
            path: &argument,
            command: Text::Bytes(&argument),
        },
    );
    let start = std::time::Instant::now();
    for _ in 0..400 {
        let _ = record.write(&mut [0; LINE_MAX]);
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(3));
}

#[test]
fn words_without_end_end() {
    let word = |_: usize| Some(&b""[..]);
    let value = json(&record(
        Kind::Process,
        Subject::Process {
            path: b"/x",
            command: Text::Words(&word),
        },
    ));
    assert_eq!(value["truncated"], serde_json::json!(["command"]));
}

#[test]
fn technique_ids_that_do_not_fit_are_left_out_whole() {
    let ids = ["T1071.004"; 64];
    let mut record = record(Kind::Policy, Subject::None);
    record.techniques = &ids;
    let value = json(&record);
    let written = value["techniques"].as_array().expect("an array");
    assert!(written.len() >= 8 && written.iter().all(|id| id == "T1071.004"));
    assert_eq!(value["truncated"], serde_json::json!(["techniques"]));
}

#[test]
fn the_worst_of_every_value_at_once_still_fits() {
    for hostile in [&b"\x01"[..], b"\xff", b"\"", b"a", "\u{e0041}".as_bytes()] {
        let long = hostile.repeat(8192);
        let attack: &'static str = "\u{1}".repeat(200).leak();
        let ids = ["\u{1}\u{1}\u{1}"; 64];
        let text = lossy(&long);
        let ip = IpAddr::V6(Ipv6Addr::from([0xfe; 16]));
        for subject in [
            Subject::None,
            Subject::Process {
                path: &long,
                command: Text::Bytes(&long),
            },
            Subject::Connect {
                ip,
                port: 65535,
                name: Some(&long),
            },
            Subject::Listen {
                ip: Some(ip),
                port: 65535,
            },
            Subject::Resolve { domain: &long },
            Subject::File {
                path: &long,
                access: Access::ReadWrite,
            },
        ] {
            for msg in [Message::Breach, Message::Text(text.as_str().into())] {
                json(&Record {
                    timestamp: NOW,
                    level: Level::Error,
                    kind: Kind::Filesystem,
                    attack,
                    effect: Some(Effect::Prevent),
                    rule: Some(&long),
                    enforce_after: None,
                    msg,
                    function: &long,
                    region: &long,
                    pid: u32::MAX,
                    ppid: u32::MAX,
                    process: &long,
                    subject,
                    count: u64::MAX,
                    techniques: &ids,
                });
            }
        }
    }
}

/// Bytes of all lengths, of which many are next to each other in what makes UTF-8 hard.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..5000),
        proptest::collection::vec(any::<char>(), 0..1500)
            .prop_map(|chars| chars.into_iter().collect::<String>().into_bytes()),
        proptest::collection::vec(
            proptest::sample::select(
                b"\xe2\x80\xa8\xf3\xa0\x81\xed\xbf\xc2\x00\x1b\n\"\\a".to_vec()
            ),
            0..200
        ),
    ]
}

proptest! {
    #[test]
    fn any_bytes_in_every_value_make_one_printable_line_of_json(
        rule in hostile(), function in hostile(), region in hostile(), process in hostile(),
        first in hostile(), second in hostile(), message in proptest::option::of(hostile()),
        which in 0..6_u8, port: u16, address: [u8; 16], seconds: i64, nanoseconds: u32,
        pid: u32, ppid: u32, count: u64,
    ) {
        let ip = IpAddr::from(address);
        let words = [&first[..], &second[..]];
        let word = |index: usize| words.get(index).copied();
        let record = Record {
            timestamp: Timestamp { seconds, nanoseconds },
            level: Level::Warn,
            kind: Kind::Network,
            attack: "unlisted-destination",
            effect: Some(Effect::Alert),
            rule: Some(&rule),
            enforce_after: None,
            msg: message.as_deref().map_or(Message::Breach, |text| Message::Text(text.into())),
            function: &function,
            region: &region,
            pid,
            ppid,
            process: &process,
            subject: match which {
                0 => Subject::None,
                1 => Subject::Process { path: &first, command: Text::Words(&word) },
                2 => Subject::Connect { ip, port, name: Some(&first) },
                3 => Subject::Listen { ip: Some(ip), port },
                4 => Subject::Resolve { domain: &first },
                _ => Subject::File { path: &first, access: Access::ReadWrite },
            },
            count,
            techniques: &["T1071", "T1041"],
        };
        let value = json(&record);
        let cut: Vec<&str> = value.get("truncated").and_then(Value::as_array).into_iter().flatten()
            .filter_map(Value::as_str).collect();
        let check = |field: &str, expected: String| {
            let Some(written) = value.get(field).and_then(Value::as_str) else { return };
            if cut.contains(&field) {
                let kept = written.strip_suffix('…').unwrap_or_else(|| panic!("{field} has no ellipsis"));
                assert!(expected.starts_with(kept), "{field}: {kept:?} does not begin {expected:?}");
                assert!(kept.len() < expected.len());
            } else {
                assert_eq!(written, expected, "{field}");
            }
        };
        check("rule", lossy(&rule));
        check("function", lossy(&function));
        check("region", lossy(&region));
        check("process", lossy(&process));
        check("command", format!("{} {}", lossy(&first), lossy(&second)));
        check("domain", lossy(&first));
        check("path", lossy(&first));
        if let Some(text) = &message {
            check("msg", lossy(text));
        }
        prop_assert_eq!(value["pid"].as_u64(), Some(u64::from(pid)));
        prop_assert_eq!(value.get("count").and_then(Value::as_u64), Some(count).filter(|count| *count > 1));
    }
}
