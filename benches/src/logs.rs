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

/// An audit for every so many lines of a function's own.
const RARE: usize = 100;

/// Writes a log of so many lines, of which every `nth` is an audit; gives its size in bytes.
fn write(file: &Path, lines: usize, nth: usize) -> f64 {
    let open = fs::File::create(file).unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
    let mut out = BufWriter::with_capacity(1 << 20, open);
    let mut line = String::new();
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
        out.write_all(line.as_bytes())
            .unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
    }
    out.flush()
        .unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
    drop(out);
    fs::metadata(file).map_or(0.0, |found| found.len() as f64)
}

/// Seconds of processor that a command took, and the most memory that it held, in MiB. It has one thread, so that this is one core.
fn run(file: &Path, arguments: &[&str]) -> (f64, f64) {
    let tool = repository().join("target/release/palisade");
    let mut child = Command::new("sh")
        .args([
            "-c",
            "\"$@\" >/dev/null & echo $! >&2; wait $!; times",
            "sh",
        ])
        .arg(tool)
        .args(arguments)
        .arg(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|cause| panic!("palisade: {cause}"));
    let mut errors = child.stderr.take().unwrap_or_else(|| panic!("no pipe"));
    let mut pid = String::new();
    let mut byte = [0];
    while std::io::Read::read(&mut errors, &mut byte).is_ok_and(|read| read == 1) && byte != *b"\n"
    {
        pid.push(char::from(byte[0]));
    }
    let status = format!("/proc/{pid}/status");
    let mut most = 0.0_f64;
    while let Ok(text) = fs::read_to_string(&status) {
        let peak = text.lines().find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        });
        let Some(peak) = peak else { break };
        most = most.max(peak / 1024.0);
        thread::sleep(Duration::from_millis(5));
    }
    let output = child
        .wait_with_output()
        .unwrap_or_else(|cause| panic!("palisade: {cause}"));
    // The second line is that of the children: `0m0.310s 0m0.197s`.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seconds = text
        .lines()
        .nth(1)
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|time| {
            let (minutes, seconds) = time.trim_end_matches('s').split_once('m')?;
            Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
        })
        .sum();
    (seconds, most)
}

/// Throughput, memory, and the page.
pub fn measure(place: &Place, table: &mut Table) {
    let lines = if place.quick { 1_000_000 } else { 10_000_000 };
    let file = place.write("bench.log", "");
    for (setting, lines, nth) in [
        ("1 in 100 lines", lines, RARE),
        ("audits alone", lines / 20, 1),
    ] {
        let bytes = write(&file, lines, nth);
        for arguments in [
            &["audits", "--summary"][..],
            &["audits", "--json"],
            &["audits"],
        ] {
            let runs: Vec<(f64, f64)> = (0..3).map(|_| run(&file, arguments)).collect();
            let name = arguments.join(" ");
            let fastest = runs
                .iter()
                .map(|(seconds, _)| *seconds)
                .fold(f64::INFINITY, f64::min);
            let speed = bytes / fastest / 1e6;
            if nth == RARE {
                table.at_least(&name, setting, "MB/s", Spread::of(vec![speed]), 300.0);
            } else {
                table.value(&name, setting, "MB/s", Spread::of(vec![speed]), None);
            }
            let memory = runs.iter().map(|(_, memory)| *memory).collect();
            let what = format!("{name}: memory");
            table.value(&what, setting, "MiB", Spread::of(memory), Some(64.0));
        }
    }
    page(place, table, &file);
    let _ = fs::remove_file(&file);
}

/// Milliseconds until a page of 100,000 audits can be used.
fn page(place: &Place, table: &mut Table, file: &Path) {
    if installed("chromium").is_none() {
        table.missing("the page of palisade report: chromium is not installed");
        return;
    }
    let _ = write(file, 100_000, 1);
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
