//! How many lines a second come through, and what becomes of the rest.

use std::io::{BufRead, BufReader, Read as _};
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::place::{Place, program};
use crate::policies::rule;
use crate::table::{Spread, Table};

/// What a run of acts left behind.
struct Outcome {
    acts: f64,
    seconds: f64,
    lines: f64,
    /// Acts that the log says it has no line for.
    lost: f64,
    /// Microseconds from the time in a line to its arrival.
    late: Vec<f64>,
}

fn run(place: &Place, effect: &str, rate: f64, seconds: f64) -> Outcome {
    let outbound = json!({ "deny": ["127.0.0.9"] });
    let policy = rule(json!({ "network": { "effect": effect, "outbound": outbound } }));
    let mut variables = place.main(0);
    variables.retain(|(name, _)| name != "PALISADE_AUDIT" && name != "PALISADE_POLICY_FILE");
    variables.push(("PALISADE_POLICY".into(), policy));
    variables.push(("PALISADE_AUDIT".into(), "stdout".into()));
    let alerts = program(include_str!("../c/alerts.c"), &[]);
    let mut command = place.command(alerts, &variables);
    command
        .args([rate.to_string(), seconds.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|cause| panic!("{cause}"));
    let mut reader = BufReader::with_capacity(
        1 << 20,
        child.stdout.take().unwrap_or_else(|| panic!("no pipe")),
    );
    // Whatever the reader does for a line is taken from the processors that the line is made on: it looks at where the lines end, and at those
    // that are not about an act.
    let (mut lines, mut lost, mut late) = (0.0, 0.0, vec![]);
    let mut line = vec![];
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|length| length > 0)
    {
        if is_notice(&line) {
            let record: Value = serde_json::from_slice(&line).unwrap_or_default();
            if record["attack"] == "audit-lost" {
                lost += record["count"].as_f64().unwrap_or(1.0);
            }
        } else {
            lines += 1.0;
            if lines % 997.0 == 1.0 {
                late.extend(age(&line));
            }
        }
        line.clear();
    }
    let mut text = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let _ = errors.read_to_string(&mut text);
    }
    let _ = child.wait();
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [acts, nanoseconds] = *numbers.as_slice() else {
        panic!("alerts: {text}");
    };
    Outcome {
        acts,
        seconds: nanoseconds / 1e9,
        lines,
        lost,
        late,
    }
}

/// Whether a line is about Palisade itself: by what stands behind its timestamp and its level.
fn is_notice(line: &[u8]) -> bool {
    const LEVEL: usize = r#"{"timestamp":"2026-01-01T00:00:00.000000Z","level":""#.len();
    let behind = line.get(LEVEL..).and_then(|rest| {
        let end = rest.iter().position(|byte| *byte == b'"')?;
        rest.get(end..)
    });
    behind.is_some_and(|rest| rest.starts_with(br#"","palisade":1,"type":"policy""#))
}

/// Microseconds since the time that a line bears; both ends are within a minute.
fn age(line: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, rest) = text.split_once(r#""timestamp":""#)?;
    let (stamp, _) = rest.split_once('Z')?;
    let seconds: f64 = stamp.rsplit(':').next()?.parse().ok()?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()?
        .as_secs_f64()
        % 60.0;
    Some((now - seconds).rem_euclid(60.0) * 1e6)
}

/// Lines a second that are made and written without Palisade, so many at a time.
fn floor(place: &Place, lines: &str, seconds: f64) -> f64 {
    let pipe = program(include_str!("../c/pipe.c"), &["-pthread"]);
    let mut command = place.command(pipe, &place.bare());
    command
        .args([lines, &seconds.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|cause| panic!("{cause}"));
    if let Some(mut out) = child.stdout.take() {
        let mut room = vec![0; 1 << 16];
        while out.read(&mut room).is_ok_and(|length| length > 0) {}
    }
    let output = child.wait_with_output();
    let output = output.unwrap_or_else(|cause| panic!("{cause}"));
    let text = String::from_utf8_lossy(&output.stderr);
    text.trim().parse().unwrap_or(f64::NAN)
}

/// The middle of some runs, of which a neighbour may have spoilt one.
fn middle(runs: usize, run: impl Fn() -> f64) -> Spread {
    Spread::of((0..runs).map(|_| run()).collect())
}

/// Offered rates, by alerts and by refusals.
pub fn measure(place: &Place, table: &mut Table) {
    let seconds = if place.quick { 0.5 } else { 1.5 };
    let runs = if place.quick { 1 } else { 3 };
    for (name, rate) in [
        ("10,000/s", 1e4),
        ("100,000/s", 1e5),
        ("450,000/s", 4.5e5),
        ("1,000,000/s", 1e6),
    ] {
        let outcomes: Vec<Outcome> = (0..runs)
            .map(|_| run(place, "alert", rate, seconds))
            .collect();
        let each =
            |figure: &dyn Fn(&Outcome) -> f64| Spread::of(outcomes.iter().map(figure).collect());
        table.value(
            "alerts: acts",
            name,
            "/s",
            each(&|o| o.acts / o.seconds),
            None,
        );
        let lines = each(&|o| o.lines / o.seconds);
        if rate >= 1e6 {
            table.at_least("alerts: lines", name, "/s", lines, 500_000.0);
        } else {
            table.value("alerts: lines", name, "/s", lines, None);
        }
        let budget = (rate < 5e5).then_some(0.0);
        table.value(
            "alerts: counted as lost",
            name,
            "%",
            each(&|o| 100.0 * o.lost / o.acts),
            budget,
        );
        table.value(
            "alerts: lost in silence",
            name,
            "",
            each(&|o| o.acts - o.lines - o.lost),
            Some(0.0),
        );
        let late = outcomes.iter().flat_map(|o| o.late.iter().copied());
        table.value(
            "alerts: act to line",
            name,
            "µs",
            Spread::of(late.collect()),
            None,
        );
    }
    for (what, lines) in [
        ("floor: one line a write", "1"),
        ("floor: six lines a write", "6"),
    ] {
        let figure = middle(runs, || floor(place, lines, seconds));
        table.value(what, "as fast as it can", "/s", figure, None);
    }
    table.floor(
        "alerts: lines",
        &["1,000,000/s"],
        ("floor: six lines a write", "as fast as it can"),
    );
    let outcome = run(place, "prevent", 1e6, seconds);
    let lost = outcome.acts - outcome.lines;
    table.value(
        "refusals: lines",
        "as fast as it can",
        "/s",
        Spread::of(vec![outcome.lines / outcome.seconds]),
        None,
    );
    table.value(
        "refusals: lost",
        "as fast as it can",
        "",
        Spread::of(vec![lost]),
        Some(0.0),
    );
}
