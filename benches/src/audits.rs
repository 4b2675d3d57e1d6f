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
    let (mut lines, mut lost, mut late) = (0.0, 0.0, vec![]);
    let mut line = vec![];
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|length| length > 0)
    {
        if line.windows(12).any(|part| part == b"\"audit-lost\"") {
            let record: Value = serde_json::from_slice(&line).unwrap_or_default();
            lost += record["count"].as_f64().unwrap_or(1.0);
        } else {
            lines += 1.0;
            // Looking at each would slow the reader down, and so what is measured.
            if lines % 97.0 == 1.0 {
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

/// Offered rates, by alerts and by refusals.
pub fn measure(place: &Place, table: &mut Table) {
    let seconds = if place.quick { 0.5 } else { 2.0 };
    for (name, rate) in [("10,000/s", 1e4), ("100,000/s", 1e5), ("1,000,000/s", 1e6)] {
        let outcome = run(place, "alert", rate, seconds);
        let one = |value: f64| Spread::of(vec![value]);
        table.value(
            "alerts: acts",
            name,
            "/s",
            one(outcome.acts / outcome.seconds),
            None,
        );
        let rate_of_lines = outcome.lines / outcome.seconds;
        if rate >= 1e6 {
            table.at_least("alerts: lines", name, "/s", rate_of_lines, 500_000.0);
        } else {
            table.value("alerts: lines", name, "/s", one(rate_of_lines), None);
        }
        table.value(
            "alerts: counted as lost",
            name,
            "%",
            one(100.0 * outcome.lost / outcome.acts),
            None,
        );
        let unknown = outcome.acts - outcome.lines - outcome.lost;
        table.value("alerts: lost in silence", name, "", one(unknown), Some(0.0));
        table.value(
            "alerts: act to line",
            name,
            "µs",
            Spread::of(outcome.late),
            None,
        );
    }
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
