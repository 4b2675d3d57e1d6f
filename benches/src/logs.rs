//! How fast a log is read, in how much memory, and how soon a page of it opens.

#[path = "../../cli/tests/common/browser.rs"]
mod browser;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use palisade_tests::repository;

use crate::place::{Place, installed};
use crate::table::{Spread, Table};

/// MB/s on one core, whatever the log is like.
const LEAST: f64 = 300.0;

/// An audit for every so many lines of a function's own.
const RARE: usize = 100;

/// How the lines of a function lie in a log.
#[derive(Clone, Copy)]
enum Shape {
    /// As they are: subscriptions, and what `palisade run` prints.
    Lines,
    /// `aws logs tail`
    Tail,
    /// `aws logs filter-log-events`, on one line and on many.
    Events,
    Pretty,
    /// Logs Insights.
    Csv,
}

const SHAPES: [(&str, Shape); 4] = [
    ("aws logs tail", Shape::Tail),
    ("filter-log-events", Shape::Events),
    ("filter-log-events, indented", Shape::Pretty),
    ("Insights CSV", Shape::Csv),
];

impl Shape {
    /// What [`crate::parsers`] calls it.
    const fn parser(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Tail => "tail",
            Self::Csv => "csv",
            Self::Events | Self::Pretty => "events",
        }
    }

    /// What stands before and behind all lines.
    const fn around(self) -> (&'static str, &'static str) {
        match self {
            Self::Lines | Self::Tail => ("", ""),
            Self::Events => ("{\"events\":[", "]}\n"),
            Self::Pretty => ("{\n    \"events\": [\n", "\n    ]\n}\n"),
            Self::Csv => ("@timestamp,@message,@log\n", ""),
        }
    }

    /// A line, which has its newline.
    fn wrap(self, line: &str, first: bool, out: &mut String) {
        const STREAM: &str = "2026/11/25/[$LATEST]0123456789abcdef0123456789abcdef";
        const EVENT: &str = "37000000000000000000000000000000000000000000000000000000";
        let comma = if first { "" } else { "," };
        let _ = match self {
            Self::Lines => write!(out, "{line}"),
            Self::Tail => write!(out, "2026-11-25T18:47:00.123000+00:00 {STREAM} {line}"),
            Self::Csv => writeln!(
                out,
                "2026-11-25 18:47:00.123,\"{}\",123456789012:/aws/lambda/pay-invoice",
                line.replace('"', "\"\"")
            ),
            Self::Events => write!(
                out,
                r#"{comma}{{"logStreamName":"{STREAM}","timestamp":1764096420123,"message":{},"ingestionTime":1764096420200,"eventId":"{EVENT}"}}"#,
                serde_json::Value::from(line)
            ),
            Self::Pretty => write!(
                out,
                "{comma}{}        {{\n            \"logStreamName\": \"{STREAM}\",\n            \"timestamp\": 1764096420123,\n            \"message\": {},\n            \"ingestionTime\": 1764096420200,\n            \"eventId\": \"{EVENT}\"\n        }}",
                if first { "" } else { "\n" },
                serde_json::Value::from(line)
            ),
        };
    }
}

/// Writes a log of so many lines, of which every `nth` is an audit; gives its size in bytes.
fn write(file: &Path, shape: Shape, lines: usize, nth: usize) -> f64 {
    let open = fs::File::create(file).unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
    let mut out = BufWriter::with_capacity(1 << 20, open);
    let (mut line, mut wrapped) = (String::new(), shape.around().0.to_owned());
    for number in 0..lines {
        line.clear();
        let second = number / 50 % 60;
        let _ = if number % nth == 0 {
            let name = number / nth % 5000;
            writeln!(
                line,
                r#"{{"timestamp":"2026-11-25T18:47:{second:02}.253175Z","level":"ERROR","palisade":1,"type":"dns","attack":"unlisted-domain","effect":"prevent","rule":"payments","msg":"DNS resolution of domain name n{name}.example.org triggered by /usr/bin/python3.12 explicitly denied by a runtime rule.","function":"pay-invoice","region":"eu-west-1","pid":17,"ppid":8,"process":"/usr/bin/python3.12","domain":"n{name}.example.org","techniques":["T1071.004"]}}"#
            )
        } else {
            writeln!(
                line,
                r#"{{"level":"INFO","timestamp":"2026-11-25T18:47:{second:02}Z","msg":"order {number:08} is done","ms":12}}"#
            )
        };
        shape.wrap(&line, number == 0, &mut wrapped);
        out.write_all(wrapped.as_bytes())
            .unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
        wrapped.clear();
    }
    out.write_all(shape.around().1.as_bytes())
        .unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
    out.flush()
        .unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
    drop(out);
    fs::metadata(file).map_or(0.0, |found| found.len() as f64)
}

/// Seconds of processor that a command took, and the most memory that it held, in MiB. It has one thread, so that this is one core.
fn run(tool: &Path, file: &Path, arguments: &[&str]) -> (f64, f64) {
    let mut child = Command::new(tool)
        .args(arguments)
        .arg(file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|cause| panic!("{}: {cause}", tool.display()));
    let (status, schedstat) = ["status", "schedstat"]
        .map(|name| format!("/proc/{}/{name}", child.id()))
        .into();
    let mut most = 0.0_f64;
    // One that has ended has no memory, and is there until it is waited for.
    while let Some(peak) = fs::read_to_string(&status)
        .ok()
        .and_then(|text| peak_in(&text))
    {
        most = most.max(peak);
        thread::sleep(Duration::from_millis(5));
    }
    // proc_pid_schedstat(5): nanoseconds on a processor come first.
    let text = fs::read_to_string(&schedstat).unwrap_or_default();
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|first| first.parse::<f64>().ok())
        .unwrap_or_else(|| panic!("{schedstat}: {text:?}"));
    let ended = child.wait();
    assert!(ended.is_ok_and(|status| status.success()), "{arguments:?}");
    (nanoseconds / 1e9, most)
}

/// The most memory that a process has held, in MiB, as its `/proc/PID/status` says; `None` for one that has ended.
fn peak_in(status: &str) -> Option<f64> {
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = peak.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

/// Throughput, memory, and the page.
pub fn measure(place: &Place, table: &mut Table) {
    let lines = if place.quick { 1_000_000 } else { 2_500_000 };
    let file = place.write("bench.log", "");
    let tool = repository().join("target/release/palisade");
    for (setting, lines, nth) in [
        ("1 in 100 lines", lines, RARE),
        ("audits alone", lines / 10, 1),
    ] {
        let bytes = write(&file, Shape::Lines, lines, nth);
        for arguments in [
            &["audits", "--summary"][..],
            &["audits", "--json"],
            &["audits"],
        ] {
            let runs: Vec<(f64, f64)> = (0..3).map(|_| run(&tool, &file, arguments)).collect();
            let name = arguments.join(" ");
            let fastest = runs
                .iter()
                .map(|(seconds, _)| *seconds)
                .fold(f64::INFINITY, f64::min);
            let speed = bytes / fastest / 1e6;
            table.at_least(&name, setting, "MB/s", Spread::of(vec![speed]), LEAST);
            let memory = runs.iter().map(|(_, memory)| *memory).collect();
            let what = format!("{name}: memory");
            table.value(&what, setting, "MiB", Spread::of(memory), Some(64.0));
        }
        if nth == 1 {
            let parsers = std::env::current_exe();
            let parsers = parsers.unwrap_or_else(|cause| panic!("this program: {cause}"));
            let parse = ["--parse", Shape::Lines.parser()];
            let fastest = (0..3)
                .map(|_| run(&parsers, &file, &parse).0)
                .fold(f64::INFINITY, f64::min);
            let parsed = Spread::of(vec![bytes / fastest / 1e6]);
            table.value("serde_json alone", setting, "MB/s", parsed, None);
            for name in ["audits --json", "audits"] {
                table.floor(name, &[setting], ("serde_json alone", setting));
            }
        }
    }
    shapes(&tool, table, &file, lines / 8);
    page(place, table, &file);
    let _ = fs::remove_file(&file);
}

/// The same lines as services of AWS hand them out, what it takes to look at each byte of them once, and, where there is nothing but audits, what
/// parsers of JSON and CSV take that do nothing else.
fn shapes(tool: &Path, table: &mut Table, file: &Path, lines: usize) {
    let parsers = std::env::current_exe().unwrap_or_else(|cause| panic!("this program: {cause}"));
    for (share, nth) in [
        ("1 in 100 lines", RARE),
        ("1 in 10 lines", 10),
        ("audits alone", 1),
    ] {
        let lines = if nth == 1 { lines / 4 } else { lines };
        for (name, shape) in SHAPES {
            let bytes = write(file, shape, lines, nth);
            let speed = |tool: &Path, arguments: &[&str]| {
                let fastest = (0..3)
                    .map(|_| run(tool, file, arguments).0)
                    .fold(f64::INFINITY, f64::min);
                Spread::of(vec![bytes / fastest / 1e6])
            };
            let setting = format!("{name}, {share}");
            let mut commands = vec![&["audits", "--summary"][..]];
            if nth == 1 {
                commands.extend([&["audits", "--json"][..], &["audits"]]);
            }
            for arguments in commands {
                let read = speed(tool, arguments);
                table.at_least(&arguments.join(" "), &setting, "MB/s", read, LEAST);
            }
            if nth == RARE {
                let counted = speed(Path::new("wc"), &["-l"]);
                table.value("wc -l", &setting, "MB/s", counted, None);
            }
            if nth == 1 {
                let parsed = speed(&parsers, &["--parse", shape.parser()]);
                let what = match shape {
                    Shape::Csv => "csv and serde_json alone",
                    _ => "serde_json alone",
                };
                table.value(what, &setting, "MB/s", parsed, None);
                for name in ["audits --json", "audits"] {
                    table.floor(name, &[&setting], (what, &setting));
                }
            }
        }
    }
}

/// Milliseconds until a page of 100,000 audits can be used.
fn page(place: &Place, table: &mut Table, file: &Path) {
    if installed("chromium").is_none() {
        table.missing("the page of palisade report: chromium is not installed");
        return;
    }
    let _ = write(file, Shape::Lines, 100_000, 1);
    let report = file.with_extension("html");
    let made = Command::new(repository().join("target/release/palisade"))
        .arg("report")
        .arg(file)
        .arg("-o")
        .arg(&report)
        .stderr(Stdio::null())
        .status();
    assert!(made.is_ok_and(|status| status.success()), "palisade report");
    let opened = (0..place.rounds(5))
        .map(|_| {
            let mut browser = browser::Browser::start();
            browser.open(&report);
            let ready = browser.text("document.documentElement.dataset.ready");
            ready.parse().unwrap_or(f64::NAN)
        })
        .collect();
    table.value(
        "report: 100,000 audits open",
        "chromium",
        "ms",
        Spread::of(opened),
        Some(2000.0),
    );
    let _ = fs::remove_file(report);
}
