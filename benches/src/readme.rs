//! The figures of the README, out of `target/bench/results.json`.

use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;

use palisade_tests::repository;
use serde_json::Value;

use crate::table::number;

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

/// Replaces what stands between the markers.
pub fn paste() -> ExitCode {
    let results = repository().join("target/bench/results.json");
    let Ok(text) = fs::read_to_string(&results) else {
        eprintln!("{} is missing: `make bench` makes it", results.display());
        return ExitCode::FAILURE;
    };
    let results: Value = serde_json::from_str(&text).unwrap_or_default();
    let path = repository().join("README.md");
    let readme = fs::read_to_string(&path).unwrap_or_default();
    let (Some((before, rest)), Some((_, after))) =
        (readme.split_once(BEGIN), readme.split_once(END))
    else {
        eprintln!("README.md has no {BEGIN} and {END}");
        return ExitCode::FAILURE;
    };
    debug_assert!(rest.contains(END));
    let new = format!("{before}{BEGIN}\n{}{END}{after}", figures(&results));
    match fs::write(&path, new) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("{}: {cause}", path.display());
            ExitCode::FAILURE
        }
    }
}

/// The tables, in Markdown.
fn figures(results: &Value) -> String {
    let rows = results["rows"].as_array().cloned().unwrap_or_default();
    let of =
        |group: &str| -> Vec<&Value> { rows.iter().filter(|row| row["group"] == group).collect() };
    let field = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let shown = |row: &Value| {
        let median = row["median"].as_f64().unwrap_or(f64::NAN);
        match row["kind"].as_str() {
            Some("ratio") => format!("{median:.2}×"),
            Some("difference") => format!("+{} {}", number(median), field(row, "unit")),
            _ => format!("{} {}", number(median), field(row, "unit")),
        }
    };
    let machine = &results["machine"];
    let mut out = format!(
        "Medians of pairs, with and without Palisade in turns, by `make bench` on {} cores of {}, Linux {}, {}. All of them, with their spread and \
         what makes them so: [`docs/performance.md`](docs/performance.md).\n\n",
        machine["cores"],
        machine["processor"].as_str().unwrap_or_default(),
        machine["kernel"].as_str().unwrap_or_default(),
        machine["system"].as_str().unwrap_or_default(),
    );
    out.push_str("| A call | without | sections off | 10 entries | 10,000 entries |\n|---|---|---|---|---|\n");
    let calls = of("calls");
    let mut names: Vec<String> = vec![];
    for row in &calls {
        if !names.contains(&field(row, "what")) {
            names.push(field(row, "what"));
        }
    }
    for name in names {
        let cell = |setting: &str| {
            let found = calls
                .iter()
                .find(|row| row["what"] == *name && row["setting"] == setting);
            found.map_or_else(String::new, |row| shown(row))
        };
        let without = calls
            .iter()
            .find(|row| row["what"] == *name)
            .and_then(|row| row["without"].as_f64());
        let without = without.map_or_else(String::new, |ns| {
            if ns >= 1000.0 {
                format!("{:.1} µs", ns / 1000.0)
            } else {
                format!("{ns:.0} ns")
            }
        });
        let _ = writeln!(
            out,
            "| `{name}` | {without} | {} | {} | {} |",
            cell("off"),
            cell("10 entries"),
            cell("10000 entries")
        );
    }
    for (title, group) in [
        ("A start, and what it takes", "starts"),
        ("A decision, and to get ready for it", "decisions"),
        ("A function under the emulator", "functions"),
        ("Audit lines", "audits"),
        ("Memory", "memory"),
        ("Others, at the same calls", "peers"),
    ] {
        let rows = of(group);
        if rows.is_empty() {
            continue;
        }
        let _ = write!(out, "\n| {title} | | |\n|---|---|---|\n");
        for row in rows {
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                field(row, "what"),
                field(row, "setting"),
                shown(row)
            );
        }
    }
    out.push('\n');
    out
}
