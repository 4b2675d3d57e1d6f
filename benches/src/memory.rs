//! What the library adds to the memory of a process, and its size on disk.

use std::fs;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::place::{Place, Variables, installed, text};
use crate::starts::python;
use crate::table::{Spread, Table};

/// Kilobytes of a process: resident, and private to it.
fn sizes(child: &Child) -> Option<(f64, f64)> {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", child.id())).ok()?;
    let field = |name: &str| {
        let line = rollup.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    Some((
        field("Rss:")?,
        field("Private_Clean:")? + field("Private_Dirty:")?,
    ))
}

fn run(
    place: &Place,
    variables: &Variables,
    words: &[&str],
    after: Duration,
) -> Option<(f64, f64)> {
    let mut command = place.command(words[0], variables);
    let mut child = command
        .args(&words[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    sleep(after);
    let found = sizes(&child);
    let _ = child.kill();
    let _ = child.wait();
    found
}

/// Processes that wait, without and with.
#[expect(clippy::cast_precision_loss, reason = "no library is so large")]
pub fn measure(place: &Place, table: &mut Table) {
    let length = fs::metadata(&place.library).map_or(f64::NAN, |data| data.len() as f64 / 1000.0);
    table.value(
        "the library",
        "on disk",
        "kB",
        Spread::of(vec![length]),
        Some(600.0),
    );
    let node = installed("node").map(|path| text(&path));
    let python = python().map(|path| text(&path));
    let programs: [(&str, Option<&str>, &[&str], u64); 3] = [
        ("sleep", Some("/bin/sleep"), &["9"], 30),
        (
            "python3",
            python.as_deref(),
            &["-c", "import time; time.sleep(9)"],
            250,
        ),
        (
            "node",
            node.as_deref(),
            &["-e", "setTimeout(() => {}, 9000)"],
            500,
        ),
    ];
    for (name, path, arguments, wait) in programs {
        let Some(path) = path else {
            table.missing(format!("memory of {name}: not installed"));
            continue;
        };
        let words: Vec<&str> = std::iter::once(path)
            .chain(arguments.iter().copied())
            .collect();
        for (setting, variables) in [
            ("100 entries", place.main(100)),
            ("10,000 entries", place.main(10_000)),
        ] {
            let (mut with, mut without) = ((vec![], vec![]), (vec![], vec![]));
            for _ in 0..place.rounds(10) {
                let wait = Duration::from_millis(wait);
                let (Some(bare), Some(defended)) = (
                    run(place, &place.bare(), &words, wait),
                    run(place, &variables, &words, wait),
                ) else {
                    continue;
                };
                without.0.push(bare.0);
                without.1.push(bare.1);
                with.0.push(defended.0);
                with.1.push(defended.1);
            }
            table.difference(
                &format!("{name}: resident"),
                setting,
                "kB",
                (&with.0, &without.0),
                None,
            );
            let budget = (setting == "100 entries").then_some(1000.0);
            table.difference(
                &format!("{name}: private"),
                setting,
                "kB",
                (&with.1, &without.1),
                budget,
            );
        }
    }
}
