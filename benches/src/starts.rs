//! What the start of a program costs.

use std::fmt::Write as _;
use std::path::PathBuf;

use palisade_tests::wrapper;

use crate::place::{Place, Variables, installed, program, text};
use crate::policies;
use crate::shape::{self, Constructor};
use crate::table::Table;

/// Microseconds of the same number of starts without and with.
type Pair = (Vec<f64>, Vec<f64>);

/// A command and its environment.
type Case<'c> = (&'c Variables, &'c [&'c str]);

/// Starts each command in turns with the first one, which is what stands against it.
fn run<const CASES: usize>(
    place: &Place,
    rounds: usize,
    without: Case<'_>,
    cases: [Case<'_>; CASES],
) -> [Pair; CASES] {
    let starter = program(
        concat!(include_str!("../c/stay.c"), include_str!("../c/starts.c")),
        &[],
    );
    let mut command = place.command(starter, &place.bare());
    command.arg(rounds.to_string());
    for (index, (variables, words)) in [without].iter().chain(&cases).enumerate() {
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
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {errors}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().map(|line| {
        line.split(' ')
            .filter_map(|time| time.parse::<f64>().ok())
            .map(|time| time / 1000.0)
            .collect()
    });
    cases.map(|_| {
        let pair = lines.next().zip(lines.next());
        pair.unwrap_or_else(|| panic!("a line is missing"))
    })
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

/// What is left of a start is the kernel's and the loader's.
const SHAPE: &str = "a preload of the library's shape";

/// What a child is told, taken over by the fewest instructions. A long policy lies in memory that is shared, and is attached.
const BY_HAND: &str = "a child of the library's shape, by hand";

/// Children, the main process, the wrapper and the runtimes.
pub fn measure(place: &Place, table: &mut Table) {
    const TRUE: &[&str] = &["/bin/true"];
    let bare = place.bare();
    let mut nothing = bare.clone();
    nothing.push(("LD_PRELOAD".into(), text(&place.nothing)));
    let (unjudged, ten, hundred, thousand) = (
        place.child(policies::PROCESSES_OFF),
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
    // Nothing is judged in it, and the library is not loaded.
    let (exempt_main, exempt) = place.family(0);
    let (large_main, large) = place.family(1000);
    let (largest_main, largest) = place.family(10_000);
    let shape = of_shape(Constructor::Nothing, &child);
    let by_hand = of_shape(Constructor::Child, &child);
    let unjudged_by_hand = of_shape(Constructor::Child, &unjudged);
    let largest_by_hand = of_shape(Constructor::Child, &largest);
    if shape.is_none() {
        table.missing("a preload of the library's shape: readelf is not installed".to_owned());
    }
    let has_shape = shape.is_some();
    let shape = shape.unwrap_or_else(|| nothing.clone());
    let by_hand = by_hand.unwrap_or_else(|| nothing.clone());
    let unjudged_by_hand = unjudged_by_hand.unwrap_or_else(|| nothing.clone());
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
    let wrapper_of_true = [&*script, "/bin/true"];
    let floor = "the floor";
    let rows: [(&str, &str, Case<'_>, Option<f64>); 17] = [
        ("a preload of nothing", floor, (&nothing, TRUE), None),
        (SHAPE, floor, (&shape, TRUE), None),
        (BY_HAND, "processes off", (&unjudged_by_hand, TRUE), None),
        (BY_HAND, "10 entries", (&by_hand, TRUE), None),
        (BY_HAND, "10,000 entries", (&largest_by_hand, TRUE), None),
        ("a child", "off", (&exempt, TRUE), Some(80.0)),
        ("a child", "processes off", (&unjudged, TRUE), Some(80.0)),
        ("a child", "10 entries", (&child, TRUE), Some(80.0)),
        ("a child", "1,000 entries", (&large, TRUE), Some(80.0)),
        ("a child", "10,000 entries", (&largest, TRUE), Some(80.0)),
        ("the main process", "10 entries", (&ten, TRUE), None),
        (
            "the main process",
            "100 entries",
            (&hundred, TRUE),
            Some(1000.0),
        ),
        ("the main process", "1,000 entries", (&thousand, TRUE), None),
        ("a shell that does nothing", floor, (&bare, shell), None),
        (
            "a shell that starts one and becomes a program",
            floor,
            (&bare, probing),
            None,
        ),
        (UNCHECKED, floor, (&wrapped, unchecked), None),
        (
            "wrapper and main process",
            "100 entries",
            (&wrapped, &wrapper_of_true),
            Some(2000.0),
        ),
    ];
    let cases = rows.map(|(_, _, case, _)| case);
    let times = run(place, place.rounds(450), (&bare, TRUE), cases);
    for ((what, setting, _, budget), (without, with)) in rows.iter().zip(&times) {
        if has_shape || ![SHAPE, BY_HAND].contains(what) {
            table.difference(what, setting, "µs", (with, without), *budget);
        }
    }
    if has_shape {
        let [(without, with)] = run(place, place.rounds(450), (&shape, TRUE), [(&child, TRUE)]);
        let what = "a child, above the library's shape";
        table.difference(what, "10 entries", "µs", (&with, &without), None);
    }
    drop((exempt_main, large_main, largest_main));
    for setting in ["processes off", "10 entries"] {
        table.floor("a child", &[setting], (BY_HAND, setting));
    }
    let large = ["1,000 entries", "10,000 entries"];
    table.floor("a child", &large, (BY_HAND, "10,000 entries"));
    let wrapper = ["100 entries"];
    table.floor("wrapper and main process", &wrapper, (UNCHECKED, floor));
    let [(without, with)] = run(place, place.rounds(20), (&bare, TRUE), [(&most, TRUE)]);
    let what = "the main process";
    table.difference(what, "10,000 entries", "µs", (&with, &without), None);
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
        let [(without, with)] = run(place, rounds, (&bare, &words), [(&hundred, &words)]);
        table.difference(what, "100 entries", "µs", (&with, &without), None);
        table.ratio(what, "100 entries", "µs", (&with, &without), None);
    }
}
