//! Records picked out of a log in which others write too.

use palisade_audit::{
    Borrowed, Effect, Kind, LINE_MAX, Level, Message, Owned, Record, Subject, Timestamp,
    parse_in_csv, parse_in_json, parse_line, parse_prefix,
};
use proptest::prelude::*;

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
    let read: Owned = parse_line(&line()).expect("a record");
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
    assert_eq!(parse_line::<String>(&prefixed), parse_line(&line()));
}

#[test]
fn fields_of_a_later_version_are_ignored() {
    let read: Owned =
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
        assert_eq!(parse_line::<String>(other), None, "{other}");
    }
}

/// What a parser of all JSON makes of it.
fn by_serde(bytes: &[u8]) -> Option<(Owned, usize)> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter();
    let owned = values.next()?.ok()?;
    Some((owned, values.byte_offset()))
}

#[track_caller]
fn read_alike(bytes: &[u8]) {
    let quick = parse_prefix(bytes)
        .ok()
        .map(|(read, end)| (serde_json::to_value(read).expect("serializes"), end));
    let slow =
        by_serde(bytes).map(|(read, end)| (serde_json::to_value(read).expect("serializes"), end));
    assert_eq!(quick, slow, "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn numbers_and_texts_at_their_limits_are_read_as_json_has_them() {
    let line = line();
    for (from, to) in [
        ("\"count\":7", "\"count\":18446744073709551615"),
        ("\"count\":7", "\"count\":18446744073709551616"),
        ("\"count\":7", "\"count\":07"),
        ("\"count\":7", "\"count\":7.0"),
        ("\"count\":7", "\"count\":7e0"),
        ("\"count\":7", "\"count\":-0"),
        ("\"count\":7", "\"count\":7,\"count\":7"),
        ("\"count\":7", "\"count\":null"),
        ("\"palisade\":1", "\"palisade\":4294967296"),
        ("\"palisade\":1", "\"palisade\": 1"),
        ("\"palisade\":1,", ""),
        ("WARN", "\\ud800"),
        ("WARN", "\\ud83d\\ude00"),
        ("WARN", "\t"),
        ("WARN", "\u{1f600}ä"),
        ("WARN", "\\\\"),
        ("WARN", "\\"),
        ("WARN", ""),
    ] {
        assert!(line.contains(from), "{from} in {line}");
        read_alike(line.replace(from, to).as_bytes());
    }
}

/// A record that is read where it lies is the one that decoding finds there. What is not read so is left to that.
#[track_caller]
fn read_alike_where_it_lies(bytes: &[u8]) {
    let shown = || String::from_utf8_lossy(bytes);
    let json = |read| serde_json::to_value(read).expect("serializes");
    if let Some((read, end)) = parse_in_csv(bytes) {
        let text = String::from_utf8(bytes[..end].to_vec()).expect("UTF-8");
        let rest = text.replace("\"\"", "");
        assert!(!rest.contains('"'), "one quote ends the field: {}", shown());
        let text = text.replace("\"\"", "\"");
        let slow = by_serde(text.as_bytes()).map(|(owned, end)| (json(owned), end));
        assert_eq!(Some((owned(&read), text.len())), slow, "{}", shown());
    }
    if let Some((read, end)) = parse_in_json(bytes) {
        let quoted = [b"\"", &bytes[..end], b"\""].concat();
        let text: String = serde_json::from_slice(&quoted).expect("a string");
        let slow = by_serde(text.as_bytes()).map(|(owned, end)| (json(owned), end));
        assert_eq!(Some((owned(&read), text.len())), slow, "{}", shown());
    }
}

fn owned(read: &Borrowed<'_>) -> serde_json::Value {
    serde_json::to_value(read).expect("serializes")
}

fn in_csv(text: &str) -> String {
    text.replace('"', "\"\"")
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[test]
fn escapes_of_a_text_are_read_through_those_of_its_wrapping() {
    for value in [
        "",
        "\"",
        "\\",
        "\\\"",
        "\"\\",
        "\n",
        "sh -c \"id\"",
        "\u{1}",
        "ä\u{1f600}",
        "\"\"",
        ",\"level\":\"INFO\"",
    ] {
        let escaped = serde_json::Value::from(value).to_string();
        let record = line().trim_end().replace("\"f\"", &escaped);
        let wanted: Owned = parse_line(&record).expect("a record");
        assert_eq!(wanted.function, value);
        let field = in_csv(&record);
        let (read, end) = parse_in_csv(field.as_bytes()).expect("in CSV");
        assert_eq!((read.function.as_str(), end), (value, field.len()));
        let string = in_json(&record);
        let (read, end) = parse_in_json(string.as_bytes()).expect("in JSON");
        assert_eq!((read.function.as_str(), end), (value, string.len()));
        // As tools write it that know ASCII alone.
        let string: String = string
            .chars()
            .map(|letter| match letter {
                ' '..='~' => letter.to_string(),
                _ => {
                    let units = letter.encode_utf16(&mut [0; 2]).to_vec();
                    units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
                }
            })
            .collect();
        let (read, end) = parse_in_json(string.as_bytes()).expect("in ASCII");
        assert_eq!((read.function.as_str(), end), (value, string.len()));
    }
}

type Parse = fn(&[u8]) -> Option<(Borrowed<'_>, usize)>;

#[test]
fn a_record_that_its_wrapping_cuts_is_not_read_there() {
    let record = line();
    for (wrapped, parse) in [
        (in_csv(&record), parse_in_csv as Parse),
        (in_json(&record), parse_in_json),
    ] {
        let whole = parse(wrapped.as_bytes()).map(|(_, end)| end);
        let whole = whole.expect("a record");
        for end in 0..whole {
            assert!(parse(&wrapped.as_bytes()[..end]).is_none(), "{end}");
        }
    }
    // One quote is the end of a field, and of a string.
    assert!(parse_in_csv(record.as_bytes()).is_none());
    assert!(parse_in_json(record.as_bytes()).is_none());
    assert!(parse_in_csv(in_csv(&record).replace("\"\"f\"\"", "\"\"f\"").as_bytes()).is_none());
}

/// A text whose bytes somebody has replaced, added to and taken from.
fn edited(text: String, edits: Vec<(usize, u8, u8)>) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    for (at, what, byte) in edits {
        let at = at % bytes.len();
        match what {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => {
                bytes.remove(at);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_read_quickly_is_read_as_json_has_it(
        edits in prop::collection::vec((0..600_usize, 0..3_u8, prop::sample::select(b"\"\\{}[],:01e-.u \n\x1f\x7f\x80\xff\xc3\xa4az".to_vec())), 0..4),
        end in 0..1000_usize,
    ) {
        let mut bytes = edited(line(), edits);
        bytes.truncate(end.max(1));
        read_alike(&bytes);
    }

    #[test]
    fn what_is_read_where_it_lies_is_read_as_when_it_is_decoded(
        in_json_or_csv: bool,
        edits in prop::collection::vec((0..800_usize, 0..3_u8, prop::sample::select(b"\"\"\"\\\\\\{}[],:01un \n\x1f\x80\xff\xc3\xa4az".to_vec())), 0..4),
    ) {
        let text = line().replace("\"f\"", "\"\\\"\\\\ \\u0041ä\"");
        let whole = if in_json_or_csv { in_json(&text) } else { in_csv(&text) };
        read_alike_where_it_lies(&edited(whole, edits));
    }
}
