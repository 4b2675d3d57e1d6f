//! What the start of a program costs.

use std::fmt::Write as _;
use std::path::PathBuf;

use palisade_tests::wrapper;

use crate::place::{Place, Variables, installed, program, text};
use crate::shape::{self, Constructor};
use crate::table::Table;

/// Starts commands in turns; microseconds of each.
fn run(place: &Place, rounds: usize, cases: &[(&Variables, &[&str])]) -> Vec<Vec<f64>> {
    let starter = program(include_str!("../c/starts.c"), &[]);
    let mut command = place.command(starter, &place.bare());
    command.arg(rounds.to_string());
    for (index, (variables, words)) in cases.iter().enumerate() {
        let mut case = String::new();
        for (name, value) in *variables {
            let _ = writeln!(case, "{name}={value}");
        }
        case.push('\n');
        for word in *words {
            let _ = writeln!(case, "{word}");
        }
        command.arg(place.write(&format!("case-{index}"), case));
    }
    let output = command.output().unwrap_or_else(|cause| panic!("{cause}"));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            line.split(' ')
                .filter_map(|time| time.parse::<f64>().ok())
                .map(|time| time / 1000.0)
                .collect()
        })
        .collect()
}

/// The interpreter itself, where what is in PATH is a script that looks for it.
pub fn python() -> Option<PathBuf> {
    let output = std::process::Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .ok()?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    path.is_file().then_some(path)
}

/// What any wrapper has to do: to be a shell, to start something that proves that the library can be loaded, and to become a main process.
const UNCHECKED: &str = "a shell that starts one and becomes a main process";

/// What a child is told, taken over by the fewest instructions. A long policy lies in memory that is shared, and is attached.
const BY_HAND: &str = "a child of the library's shape, by hand";

/// Children, the main process, the wrapper and the runtimes.
pub fn measure(place: &Place, table: &mut Table) {
    const TRUE: &[&str] = &["/bin/true"];
    let bare = place.bare();
    let mut nothing = bare.clone();
    nothing.push(("LD_PRELOAD".into(), text(&place.nothing)));
    let (off, ten, hundred, thousand) = (
        place.child(0),
        place.main(10),
        place.main(100),
        place.main(1000),
    );
    let most = place.main(10_000);
    let child = place.child(10);
    // The environment of a child is a part of what its start takes.
    let of_shape = |constructor, child: &Variables| {
        let preload = shape::preload(&place.library, constructor)?;
        let others = child.iter().filter(|(name, _)| name != "LD_PRELOAD");
        let mut variables: Variables = others.cloned().collect();
        variables.push(("LD_PRELOAD".into(), text(&preload)));
        Some(variables)
    };
    // They find the policy in memory that a main process shares with them, as long as it lives.
    let (large_main, large) = place.family(1000);
    let (largest_main, largest) = place.family(10_000);
    let shape = of_shape(Constructor::Nothing, &child);
    let by_hand = of_shape(Constructor::Child, &child);
    let largest_by_hand = of_shape(Constructor::Child, &largest);
    if shape.is_none() {
        table.missing("a preload of the library's shape: readelf is not installed".to_owned());
    }
    let has_shape = shape.is_some();
    let shape = shape.unwrap_or_else(|| nothing.clone());
    let by_hand = by_hand.unwrap_or_else(|| nothing.clone());
    let largest_by_hand = largest_by_hand.unwrap_or_else(|| nothing.clone());
    let mut wrapped = place.settings(100);
    wrapped.push(("PALISADE_LIBRARY".into(), text(&place.library)));
    let script = text(&wrapper());
    let shell: &[&str] = &["/bin/sh", "-c", "exec /bin/true"];
    let probing: &[&str] = &["/bin/sh", "-c", "/bin/true; exec /bin/true"];
    let unchecked_script = format!(
        "/bin/true; export LD_PRELOAD={}; exec /bin/true",
        text(&place.library)
    );
    let unchecked: &[&str] = &["/bin/sh", "-c", &unchecked_script];
    let times = run(
        place,
        place.rounds(600),
        &[
            (&bare, TRUE),
            (&nothing, TRUE),
            (&shape, TRUE),
            (&by_hand, TRUE),
            (&largest_by_hand, TRUE),
            (&off, TRUE),
            (&child, TRUE),
            (&large, TRUE),
            (&largest, TRUE),
            (&ten, TRUE),
            (&hundred, TRUE),
            (&thousand, TRUE),
            (&bare, shell),
            (&bare, probing),
            (&wrapped, unchecked),
            (&wrapped, &[&script, "/bin/true"]),
        ],
    );
    let [
        bare_times,
        nothing_times,
        shape_times,
        by_hand_times,
        largest_by_hand_times,
        off_times,
        child_times,
        large_times,
        largest_times,
        ten_times,
        hundred_times,
        thousand_times,
        shell_times,
        probing_times,
        unchecked_times,
        wrapped_times,
    ] = times.as_slice()
    else {
        panic!("sixteen cases");
    };
    drop((large_main, largest_main));
    for (what, setting, times, against, budget) in [
        (
            "a preload of nothing",
            "the floor",
            nothing_times,
            bare_times,
            None,
        ),
        (
            "a preload of the library's shape",
            "the floor",
            shape_times,
            bare_times,
            None,
        ),
        (BY_HAND, "10 entries", by_hand_times, bare_times, None),
        (
            BY_HAND,
            "10,000 entries",
            largest_by_hand_times,
            bare_times,
            None,
        ),
        ("a child", "off", off_times, bare_times, Some(80.0)),
        ("a child", "10 entries", child_times, bare_times, Some(80.0)),
        (
            "a child",
            "1,000 entries",
            large_times,
            bare_times,
            Some(80.0),
        ),
        (
            "a child",
            "10,000 entries",
            largest_times,
            bare_times,
            Some(80.0),
        ),
        (
            "a child, above the library's shape",
            "10 entries",
            child_times,
            shape_times,
            None,
        ),
        (
            "the main process",
            "10 entries",
            ten_times,
            bare_times,
            None,
        ),
        (
            "the main process",
            "100 entries",
            hundred_times,
            bare_times,
            Some(1000.0),
        ),
        (
            "the main process",
            "1,000 entries",
            thousand_times,
            bare_times,
            None,
        ),
        (
            "a shell that does nothing",
            "the floor",
            shell_times,
            bare_times,
            None,
        ),
        (
            "a shell that starts one and becomes a program",
            "the floor",
            probing_times,
            bare_times,
            None,
        ),
        (UNCHECKED, "the floor", unchecked_times, bare_times, None),
        (
            "wrapper and main process",
            "100 entries",
            wrapped_times,
            bare_times,
            Some(2000.0),
        ),
    ] {
        if has_shape || !what.contains("shape") {
            table.difference(what, setting, "µs", (times, against), budget);
        }
    }
    let shape = ("a preload of the library's shape", "the floor");
    table.floor("a child", &["off"], shape);
    table.floor("a child", &["10 entries"], (BY_HAND, "10 entries"));
    let large = ["1,000 entries", "10,000 entries"];
    table.floor("a child", &large, (BY_HAND, "10,000 entries"));
    let wrapper = ["100 entries"];
    table.floor(
        "wrapper and main process",
        &wrapper,
        (UNCHECKED, "the floor"),
    );
    let times = run(place, place.rounds(20), &[(&bare, TRUE), (&most, TRUE)]);
    if let [without, with] = times.as_slice() {
        table.difference(
            "the main process",
            "10,000 entries",
            "µs",
            (with, without),
            None,
        );
    }
    let runtimes: [(&str, Option<PathBuf>, &[&str]); 3] = [
        ("python3 -c pass", python(), &["-c", "pass"]),
        ("node -e 0", installed("node"), &["-e", "0"]),
        ("java -version", installed("java"), &["-version"]),
    ];
    for (what, path, arguments) in runtimes {
        let Some(path) = path else {
            table.missing(format!("{what}: not installed"));
            continue;
        };
        let path = text(&path);
        let words: Vec<&str> = std::iter::once(&*path)
            .chain(arguments.iter().copied())
            .collect();
        let rounds = place.rounds(if what.starts_with("python") { 40 } else { 20 });
        let times = run(place, rounds, &[(&bare, &words), (&hundred, &words)]);
        if let [without, with] = times.as_slice() {
            table.difference(what, "100 entries", "µs", (with, without), None);
            table.ratio(what, "100 entries", "µs", (with, without), None);
        }
    }
}
