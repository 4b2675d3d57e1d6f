//! A function under AWS's emulator, without and with the layer.

use std::process::Command;

use palisade_tests::repository;
use serde_json::Value;

use crate::place::Place;
use crate::table::{Spread, Table};

/// First and warm invocations.
pub fn measure(place: &Place, table: &mut Table) {
    let target = place.library.parent().and_then(|release| release.parent());
    let mut command = Command::new("python3");
    command.arg(repository().join("benches/functions.py"));
    command.args(if place.quick {
        ["10", "50"]
    } else {
        ["40", "50"]
    });
    command.envs(target.map(|target| ("CARGO_TARGET_DIR", target)));
    let output = command.output().unwrap_or_else(|cause| panic!("{cause}"));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let times = |which: &str, what: &str| -> Vec<f64> {
        let list = results[which][what].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(Value::as_f64).collect()
    };
    if times("with", "first").is_empty() {
        let why = String::from_utf8_lossy(&output.stderr);
        let last = why.lines().last().unwrap_or("no results").to_owned();
        return table.missing(format!("functions under the emulator: {last}"));
    }
    for (what, name, budget) in [
        ("first", "first invocation", None),
        ("p50", "warm invocation, p50", Some(1.01)),
        ("p99", "warm invocation, p99", None),
    ] {
        let (with, without) = (times("with", what), times("without", what));
        table.ratio(name, "an example's policy", "µs", (&with, &without), budget);
        if what == "first" {
            table.value(
                "first invocation, more",
                "an example's policy",
                "µs",
                Spread::difference(&with, &without),
                None,
            );
        }
    }
}
