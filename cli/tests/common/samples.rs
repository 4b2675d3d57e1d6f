//! Logs as functions leave them: every audit is written by the writer that the library has.
#![allow(dead_code, reason = "each test program has its own copy of this file")]

use palisade_audit::{
    Access, Effect, Kind, LINE_MAX, Level, Message, Record, Subject, Timestamp, techniques,
};
use palisade_policy::{Reason, Section};
use serde_json::json;

/// Who speaks, and when.
#[derive(Clone, Copy)]
pub struct Speaker {
    pub seconds: i64,
    pub function: &'static str,
    pub process: &'static str,
    pub rule: &'static str,
    pub effect: Effect,
    pub pid: u32,
}

/// 2023-11-14T22:13:20Z
pub const BEGIN: i64 = 1_700_000_000;

impl Speaker {
    pub const PAY: Self = Self {
        seconds: BEGIN,
        function: "pay-invoice",
        process: "/usr/bin/python3.12",
        rule: "payments",
        effect: Effect::Prevent,
        pid: 17,
    };

    pub const fn at(self, seconds: i64) -> Self {
        Self {
            seconds: BEGIN + seconds,
            ..self
        }
    }

    pub const fn alerts(self) -> Self {
        Self {
            effect: Effect::Alert,
            ..self
        }
    }

    pub const fn of(self, function: &'static str) -> Self {
        Self { function, ..self }
    }

    pub fn says(&self, section: Section, reason: Reason, subject: Subject<'_>) -> String {
        self.record(Record {
            kind: Kind::from(section),
            attack: reason.attack(section),
            techniques: techniques(&subject, reason),
            subject,
            effect: Some(self.effect),
            rule: Some(self.rule.as_bytes()),
            level: Level::from(self.effect),
            ..self.empty()
        })
    }

    pub fn notice(&self, attack: &'static str, text: &str) -> String {
        self.record(Record {
            attack,
            msg: Message::Text(text.into()),
            ..self.empty()
        })
    }

    pub fn resolve(&self, domain: &str) -> String {
        let subject = Subject::Resolve {
            domain: domain.as_bytes(),
        };
        self.says(Section::Dns, Reason::Unlisted, subject)
    }

    pub fn connect(&self, destination: &str) -> String {
        let destination: std::net::SocketAddr = destination.parse().expect("an address");
        let subject = Subject::Connect {
            ip: destination.ip(),
            port: destination.port(),
            name: None,
        };
        self.says(Section::Outbound, Reason::Unlisted, subject)
    }

    pub fn listen(&self, port: u16) -> String {
        let subject = Subject::Listen {
            ip: Some(std::net::Ipv4Addr::UNSPECIFIED.into()),
            port,
        };
        self.says(Section::Listen, Reason::Unlisted, subject)
    }

    pub fn exec(&self, path: &str, command: &str, reason: Reason) -> String {
        let subject = Subject::Process {
            path: path.as_bytes(),
            command: command.into(),
        };
        self.says(Section::Processes, reason, subject)
    }

    pub fn open(&self, path: &str, access: Access, reason: Reason) -> String {
        let subject = Subject::File {
            path: path.as_bytes(),
            access,
        };
        self.says(Section::Filesystem, reason, subject)
    }

    fn empty<'a>(&self) -> Record<'a> {
        Record {
            timestamp: Timestamp {
                seconds: self.seconds,
                nanoseconds: 123_456_000,
            },
            level: Level::Info,
            kind: Kind::Policy,
            attack: "",
            effect: None,
            rule: None,
            enforce_after: None,
            msg: Message::Breach,
            function: self.function.as_bytes(),
            region: b"eu-west-1",
            pid: self.pid,
            ppid: 8,
            process: self.process.as_bytes(),
            subject: Subject::None,
            count: 1,
            techniques: &[],
        }
    }

    fn record(&self, record: Record<'_>) -> String {
        let mut line = [0; LINE_MAX];
        let length = record.write(&mut line);
        String::from_utf8(line[..length].to_vec()).expect("UTF-8")
    }
}

/// The same audits with the effect that a policy in mode `learn` gives them.
pub fn learnt(log: &str) -> String {
    log.replace(r#""level":"WARN""#, r#""level":"INFO""#)
        .replace(r#""effect":"alert""#, r#""effect":"learn""#)
}

/// One of each kind, among the lines of a function.
pub fn mixed() -> String {
    let pay = Speaker::PAY;
    let hostile =
        "/tmp/\u{1b}[31m\u{202e}x\n{\"palisade\":1,\"type\":\"dns\",\"attack\":\"forged\"}";
    [
        "START RequestId: 8f5b2c1e-0000-4000-8000-000000000001 Version: $LATEST\n",
        "{\"level\":\"INFO\",\"msg\":\"palisade is on\"}\n",
        &pay.resolve("yahoo.com"),
        "progress 50%",
        &pay.at(60).connect("198.51.100.7:6667"),
        &pay.at(120).alerts().listen(4444),
        "{\"palisade\" is not json\n",
        &pay.at(180)
            .exec("/usr/bin/dash", "sh -c id", Reason::UnexpectedProcess),
        &pay.at(240)
            .of("report-daily")
            .open("/proc/self/environ", Access::Read, Reason::Denied),
        &pay.at(300).exec(hostile, "x", Reason::Unlisted),
        &pay.at(360)
            .notice("no-rule", "No rule of the policy applies to this function."),
        "END RequestId: 8f5b2c1e-0000-4000-8000-000000000001\n",
    ]
    .concat()
}

/// As `aws logs tail` prints it.
pub fn tail(log: &str) -> String {
    log.lines()
        .map(|line| format!("2023-11-14T22:13:20.123000+00:00 2023/11/14/[$LATEST]0123456789abcdef0123456789abcdef {line}\n"))
        .collect()
}

/// As `aws logs filter-log-events` prints it.
pub fn events(log: &str, pretty: bool) -> String {
    let events: Vec<serde_json::Value> = log
        .split_inclusive('\n')
        .map(|line| {
            serde_json::json!({
                "logStreamName": "2023/11/14/[$LATEST]0123456789abcdef0123456789abcdef",
                "timestamp": BEGIN * 1000,
                "message": line,
                "ingestionTime": BEGIN * 1000,
                "eventId": "37",
            })
        })
        .collect();
    let export = serde_json::json!({"events": events, "searchedLogStreams": []});
    if pretty {
        serde_json::to_string_pretty(&export).expect("JSON")
    } else {
        export.to_string()
    }
}

/// As the console of Logs Insights saves it.
pub fn insights(log: &str) -> String {
    let rows: String = log
        .split_inclusive('\n')
        .map(|line| {
            format!(
                "2023-11-14 22:13:20.123,\"{}\",lambda\n",
                line.replace('"', "\"\"")
            )
        })
        .collect();
    format!("@timestamp,@message,@log\n{rows}")
}

/// Lines that whoever can write to the log can write: audits by their form, with values that no writer of ours gives.
pub fn forged() -> Vec<String> {
    let wide = "x".repeat(3000);
    let acts = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\u{9b}31m\u{200b}\u{2028}\r\n\t\u{0}\u{feff}";
    let markup = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&lt;'\"`";
    let strange = [
        json!({"type": "dns", "effect": "prevent", "domain": ""}),
        json!({"type": "dns", "effect": "prevent", "domain": "   ", "msg": "   ", "function": " ", "region": " ", "attack": " ", "rule": " ", "process": " "}),
        json!({"type": "dns", "effect": "alert", "domain": wide, "msg": wide, "function": wide, "region": wide, "attack": wide, "rule": wide, "process": wide}),
        json!({"type": "dns", "effect": "prevent", "domain": acts, "msg": acts, "function": acts, "region": acts, "attack": acts, "rule": acts, "process": acts, "timestamp": acts, "level": acts, "techniques": [acts]}),
        json!({"type": "dns", "effect": "prevent", "domain": markup, "msg": markup, "function": markup, "region": markup, "attack": markup, "rule": markup, "process": markup}),
        json!({"type": "network", "effect": "prevent", "ip": "not-an-ip", "port": 80}),
        json!({"type": "network", "effect": "prevent", "ip": "::ffff:192.0.2.1", "port": 0}),
        json!({"type": "network", "effect": "prevent", "attack": "unlisted-port", "ip": "everywhere", "port": 65535}),
        json!({"type": "filesystem", "effect": "prevent", "path": "", "access": "write"}),
        json!({"type": "filesystem", "effect": "alert", "path": "/", "access": "read"}),
        json!({"type": "filesystem", "effect": "prevent", "path": "/x/", "access": "execute"}),
        json!({"type": "process", "effect": "prevent", "path": "", "command": ""}),
        json!({"type": "process", "effect": "prevent", "path": markup, "command": acts, "techniques": ["", "T1", "<b>", "T1059.004", "T1059", "T1059.4.4"]}),
        json!({"type": "process", "effect": "prevent", "path": "/x", "pid": u32::MAX, "ppid": u32::MAX, "count": u64::MAX}),
        json!({"type": "process", "effect": "prevent", "path": "/x", "pid": u32::MAX, "ppid": u32::MAX, "count": u64::MAX}),
        json!({"type": "process", "effect": "prevent", "path": "/x", "count": 0, "timestamp": "9999-12-31T23:59:59.999999Z"}),
        json!({"type": "process", "effect": "prevent", "path": "/x", "timestamp": "-009999-01-02T00:00:00Z"}),
        json!({"type": "policy", "level": "ERROR", "attack": markup, "msg": acts}),
        json!({"type": "policy", "level": "INFO"}),
        json!({"type": acts, "effect": acts, "access": acts, "truncated": [acts]}),
        json!({}),
    ];
    strange
        .into_iter()
        .map(|mut audit| {
            audit["palisade"] = 1.into();
            format!("{audit}\n")
        })
        .collect()
}

/// So many audits, few of them equal, over weeks.
pub fn many(number: u32) -> String {
    let mut log = String::new();
    for number in 0..number {
        let pay = Speaker::PAY.at(i64::from(number) * 7);
        log.push_str(&match number % 4 {
            0 => pay.resolve(&format!("n{}.example.org", number % 1000)),
            1 => pay
                .of("report-daily")
                .connect(&format!("198.51.100.{}:443", number % 250)),
            2 => pay.alerts().exec(
                "/usr/bin/dash",
                &format!("sh -c {number}"),
                Reason::UnexpectedProcess,
            ),
            _ => pay.listen(1024 + u16::try_from(number % 5000).expect("a port")),
        });
    }
    log
}
