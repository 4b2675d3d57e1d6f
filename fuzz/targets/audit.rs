//! The line that goes out, whatever bytes an attacker put in: JSON, short enough, safe to print, and true.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use palisade_audit::{
    Access, Effect, Kind, LINE_MAX, Level, Message, Owned, Record, Subject, Text, Timestamp, is_unseen,
    parse_line,
};
use serde_json::Value;
use std::net::IpAddr;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    when: (u32, u32),
    numbers: (u32, u32, u64),
    rule: Option<&'a [u8]>,
    function: &'a [u8],
    region: &'a [u8],
    process: &'a [u8],
    message: Option<&'a [u8]>,
    subject: What<'a>,
}

#[derive(Arbitrary, Debug)]
enum What<'a> {
    Nothing,
    Process {
        path: &'a [u8],
        words: Vec<&'a [u8]>,
    },
    Connect {
        ip: IpAddr,
        port: u16,
    },
    Listen {
        ip: Option<IpAddr>,
        port: u16,
    },
    Resolve {
        domain: &'a [u8],
    },
    File {
        path: &'a [u8],
        access: u8,
    },
}

fuzz_target!(|input: Input<'_>| {
    let words = |index| match &input.subject {
        What::Process { words, .. } => words.get(index).copied(),
        _ => None,
    };
    let (kind, subject) = match input.subject {
        What::Nothing => (Kind::Policy, Subject::None),
        What::Process { path, .. } => {
            let command = Text::Words(&words);
            (Kind::Process, Subject::Process { path, command })
        }
        What::Connect { ip, port } => (Kind::Network, Subject::Connect { ip, port, name: None }),
        What::Listen { ip, port } => (Kind::Network, Subject::Listen { ip, port }),
        What::Resolve { domain } => (Kind::Dns, Subject::Resolve { domain }),
        What::File { path, access } => {
            let access = match access % 3 {
                0 => Access::Read,
                1 => Access::Write,
                _ => Access::ReadWrite,
            };
            (Kind::Filesystem, Subject::File { path, access })
        }
    };
    let record = Record {
        timestamp: Timestamp {
            seconds: input.when.0.into(),
            nanoseconds: input.when.1 % 1_000_000_000,
        },
        level: Level::Warn,
        kind,
        attack: "unlisted-thing",
        effect: input.rule.map(|_| Effect::Alert),
        rule: input.rule,
        enforce_after: None,
        msg: input
            .message
            .map_or(Message::Breach, |text| Message::Text(Text::Bytes(text))),
        function: input.function,
        region: input.region,
        pid: input.numbers.0,
        ppid: input.numbers.1,
        process: input.process,
        subject,
        count: input.numbers.2,
        techniques: &["T1059", "T1071.004"],
    };
    let mut room = [0xff; LINE_MAX];
    let length = record.write(&mut room);
    let line = std::str::from_utf8(&room[..length]).expect("valid UTF-8");
    let text = line.strip_suffix('\n').expect("one newline, at its end");
    assert!(
        !text.chars().any(|c| c.is_control() || is_unseen(c)),
        "{text:?}"
    );

    let json: Value = serde_json::from_str(text).expect("JSON");
    let read: Owned = parse_line(text).expect("a record");
    assert_eq!((read.pid, read.ppid), (record.pid, record.ppid));
    let cut: Vec<&str> = json["truncated"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|v| v.as_str().unwrap())
        .collect();
    let says = |field: &str, value: &[u8]| {
        let said = json[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field} in {text}"));
        let whole = String::from_utf8_lossy(value);
        if cut.contains(&field) {
            let kept = said
                .strip_suffix('…')
                .unwrap_or_else(|| panic!("{field} has no end mark: {said}"));
            assert!(whole.starts_with(kept), "{field}: {said} of {whole}");
        } else {
            assert_eq!(said, whole, "{field}");
        }
    };
    says("function", record.function);
    says("region", record.region);
    says("process", record.process);
    if let Some(rule) = record.rule {
        says("rule", rule);
    }
    if let Message::Text(Text::Bytes(message)) = record.msg {
        says("msg", message);
    }
    match &input.subject {
        What::Process { path, words } => {
            says("path", path);
            if !words.iter().any(|word| std::str::from_utf8(word).is_err()) {
                says("command", &words.join(&b' '));
            }
        }
        What::Resolve { domain } => says("domain", domain),
        What::File { path, .. } => says("path", path),
        What::Connect { port, .. } | What::Listen { port, .. } => assert_eq!(json["port"], *port),
        What::Nothing => {}
    }
});
