//! Records picked out of a log in which others write too.

use palisade_audit::{
    Effect, Kind, LINE_MAX, Level, Message, Record, Subject, Timestamp, parse_line,
};

fn line() -> String {
    let mut out = [0; LINE_MAX];
    let length = Record {
        timestamp: Timestamp {
            seconds: 0,
            nanoseconds: 0,
        },
        level: Level::Warn,
        kind: Kind::Dns,
        attack: "denied-domain",
        effect: Some(Effect::Alert),
        rule: Some(b"pay\nments"),
        enforce_after: None,
        msg: Message::Breach,
        function: b"f",
        region: b"r",
        pid: 1,
        ppid: 2,
        process: b"/p",
        subject: Subject::Resolve {
            domain: &[b'a'; 2000],
        },
        count: 7,
        techniques: &["T1071.004"],
    }
    .write(&mut out);
    String::from_utf8(out[..length].to_vec()).expect("UTF-8")
}

#[test]
fn what_was_written_is_read() {
    let read = parse_line(&line()).expect("a record");
    assert_eq!(read.palisade, 1);
    assert_eq!(read.level, "WARN");
    assert_eq!(read.kind, "dns");
    assert_eq!(read.effect.as_deref(), Some("alert"));
    assert_eq!(read.rule.as_deref(), Some("pay\nments"));
    assert_eq!(read.count, Some(7));
    assert_eq!(read.truncated, ["msg", "domain"]);
    assert_eq!(read.ip, None);

    let again = serde_json::to_string(&read).expect("serializes");
    assert_eq!(parse_line(&again), Some(read));
}

#[test]
fn a_date_and_a_stream_before_the_record_are_passed_over() {
    let prefixed = format!("2024-01-01T00:00:00 2024/01/01/[$LATEST]ab12 {}", line());
    assert_eq!(parse_line(&prefixed), parse_line(&line()));
}

#[test]
fn fields_of_a_later_version_are_ignored() {
    let read =
        parse_line(r#"{"palisade":2,"type":"waas","request":{"id":"x"}}"#).expect("a record");
    assert_eq!((read.palisade, read.kind.as_str()), (2, "waas"));
}

#[test]
fn lines_of_the_function_are_no_records() {
    for other in [
        "",
        "{",
        "{}",
        "START RequestId: 1 Version: $LATEST",
        r#"{"level":"INFO","msg":"palisade"}"#,
        r#"{"palisade":"1"}"#,
        r#"{"palisade":null}"#,
        r#"{"palisade":1"#,
        r#"{"palisade":1} and more"#,
        r#"[{"palisade":1}]"#,
    ] {
        assert_eq!(parse_line(other), None, "{other}");
    }
}
