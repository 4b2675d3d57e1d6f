//! The figures of the README and of `docs/performance.md`, out of `target/bench/results.json`.

use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;

use palisade_tests::repository;
use serde_json::Value;

use crate::table::{self, number};

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

/// Replaces what stands between the markers of both pages.
pub fn paste() -> ExitCode {
    let results = repository().join("target/bench/results.json");
    let Ok(text) = fs::read_to_string(&results) else {
        eprintln!("{} is missing: `make bench` makes it", results.display());
        return ExitCode::FAILURE;
    };
    let results: Value = serde_json::from_str(&text).unwrap_or_default();
    let pages = [
        ("README.md", in_short(&results)),
        ("docs/performance.md", in_full(&results)),
    ];
    for (page, figures) in pages {
        if let Err(why) = replace(page, &figures) {
            eprintln!("{page}: {why}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn replace(page: &str, figures: &str) -> Result<(), String> {
    let path = repository().join(page);
    let text = fs::read_to_string(&path).map_err(|cause| cause.to_string())?;
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(format!("no {BEGIN} and {END}"));
    };
    let new = format!("{before}{BEGIN}\n{figures}{END}{after}");
    fs::write(&path, new).map_err(|cause| cause.to_string())
}

fn field<'r>(row: &'r Value, name: &str) -> &'r str {
    row[name].as_str().unwrap_or_default()
}

/// The figure that counts, with its unit.
fn shown(row: &Value, which: &str) -> String {
    let Some(value) = row[which].as_f64() else {
        return String::new();
    };
    match field(row, "kind") {
        "ratio" => format!("{value:.2}×"),
        "difference" => {
            let sign = if value < 0.0 { "" } else { "+" };
            format!("{sign}{} {}", number(value), field(row, "unit"))
        }
        _ => format!("{} {}", number(value), field(row, "unit"))
            .trim_end()
            .to_owned(),
    }
}

fn rows_of<'r>(results: &'r Value, group: &str) -> Vec<&'r Value> {
    let rows = results["rows"].as_array().into_iter().flatten();
    rows.filter(|row| row["group"] == group).collect()
}

fn machine(results: &Value) -> String {
    let machine = &results["machine"];
    format!(
        "{} cores of {}, Linux {}, {}{}",
        machine["cores"],
        field(machine, "processor"),
        field(machine, "kernel"),
        field(machine, "system"),
        if results["quick"] == true {
            ", in few rounds"
        } else {
            ""
        },
    )
}

/// How many of the budgets are met.
fn budgets(results: &Value) -> String {
    let rows = results["rows"].as_array();
    table::budgets(rows.map_or(&[], Vec::as_slice))
}

/// A time in nanoseconds, short.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns >= 1e6 => format!("{:.2} ms", ns / 1e6),
        ns if ns >= 1e3 => format!("{:.1} µs", ns / 1e3),
        ns => format!("{ns:.0} ns"),
    }
}

/// One line for each call, and one column for each setting.
fn calls(results: &Value) -> String {
    let mut out = String::from(
        "| A call | without | a preload that passes it on | sections off | 10 entries | 10,000 entries |\n|---|---|---|---|---|---|\n",
    );
    let rows = rows_of(results, "calls");
    let mut names: Vec<&str> = vec![];
    for row in &rows {
        if !names.contains(&field(row, "what")) {
            names.push(field(row, "what"));
        }
    }
    for name in names {
        let of = |setting: &str| {
            let mut rows = rows.iter();
            rows.find(|row| row["what"] == name && row["setting"] == setting)
        };
        let cell = |setting: &str| of(setting).map_or_else(String::new, |row| shown(row, "median"));
        let without = of("off").and_then(|row| row["without"].as_f64());
        let _ = writeln!(
            out,
            "| `{name}` | {} | {} | {} | {} | {} |",
            without.map_or_else(String::new, time),
            cell("the floor"),
            cell("off"),
            cell("10 entries"),
            cell("10,000 entries")
        );
    }
    out
}

/// What a reader wants to know first.
fn in_short(results: &Value) -> String {
    /// Rows that the README shows besides the calls: group, what, setting.
    const SHOWN: &[(&str, &str, &str)] = &[
        ("decisions", "file: no entry", "10 entries"),
        ("decisions", "file: a wildcard", "10 entries"),
        ("decisions", "resolve: no entry", "10 entries"),
        ("decisions", "compile", "10000 entries"),
        ("starts", "a preload of nothing", "the floor"),
        ("starts", "a child", "off"),
        ("starts", "a child", "processes off"),
        ("starts", "a child", "10 entries"),
        ("starts", "a child", "10,000 entries"),
        ("starts", "the main process", "100 entries"),
        ("starts", "wrapper and main process", "100 entries"),
        ("functions", "warm invocation, p50", "an example's policy"),
        ("functions", "first invocation, more", "an example's policy"),
        ("audits", "alerts: lines", "1,000,000/s"),
        ("audits", "alerts: act to line", "10,000/s"),
        ("memory", "the library", "on disk"),
        ("memory", "python3: private", "100 entries"),
    ];
    let mut out = format!(
        "Medians of pairs, with and without Palisade in turns, by `make bench` on {}: {}. All of them, with their spread, their budgets and \
         what makes them so: [`docs/performance.md`](docs/performance.md).\n\n",
        machine(results),
        budgets(results)
    );
    out.push_str(&calls(results));
    out.push_str("\n| Else | | |\n|---|---|---|\n");
    for (group, what, setting) in SHOWN {
        let rows = rows_of(results, group);
        let found = rows
            .iter()
            .find(|row| row["what"] == *what && row["setting"] == *setting);
        if let Some(row) = found {
            let _ = writeln!(out, "| {what} | {setting} | {} |", shown(row, "median"));
        }
    }
    out.push_str("\n| Others, at the same calls | | |\n|---|---|---|\n");
    for row in rows_of(results, "peers") {
        let figure = shown(row, "median");
        let _ = writeln!(
            out,
            "| {} | `{}` | {figure} |",
            field(row, "setting"),
            field(row, "what")
        );
    }
    out.push('\n');
    out
}

/// Every figure with its quartiles and its budget.
fn in_full(results: &Value) -> String {
    const GROUPS: &[(&str, &str)] = &[
        ("calls", "A call"),
        (
            "floors",
            "What a file's own name takes, by system calls alone",
        ),
        ("threads", "Many threads at once, in time of the processors"),
        ("decisions", "A decision, and to get ready for it"),
        ("starts", "A start"),
        ("instructions", "A start, in thousands of instructions"),
        ("audits", "Audit lines"),
        ("memory", "Memory"),
        ("functions", "A function under AWS's emulator"),
        ("peers", "Others, at the same calls"),
    ];
    let mut out = format!("On {}: {}.\n", machine(results), budgets(results));
    for (group, title) in GROUPS {
        let rows = rows_of(results, group);
        if rows.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "\n| {title} | | without | with | median | quartiles | budget |\n|---|---|---|---|---|---|---|\n"
        );
        for row in rows {
            let plain = |name: &str| {
                let value = row[name].as_f64();
                value.map_or_else(String::new, |value| {
                    format!("{} {}", number(value), field(row, "unit"))
                })
            };
            let budget = row["budget"].as_f64().map_or_else(String::new, |budget| {
                let mark = if row["met"] == true { "" } else { " **over**" };
                let floor = table::over_floor(row)
                    .map_or_else(String::new, |floor| format!(", floor {floor}"));
                format!("{}{mark}{floor}", number(budget))
            });
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} … {} | {budget} |",
                field(row, "what"),
                field(row, "setting"),
                plain("without"),
                plain("with"),
                shown(row, "median"),
                shown(row, "low"),
                shown(row, "high"),
            );
        }
    }
    for why in results["missing"].as_array().into_iter().flatten() {
        let _ = write!(out, "\nLeft out: {}\n", why.as_str().unwrap_or_default());
    }
    out.push('\n');
    out
}
