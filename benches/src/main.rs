//! Every figure in the README and in `docs/performance.md`: `make bench`, or `make bench-readme` to paste them there.
//!
//! Neighbours on a machine make every absolute time a matter of luck, so nothing here stands alone: each measurement is run in turns with the
//! same work without Palisade, one right after the other, and what counts is the median of the ratios or of the differences of such pairs, with
//! the quartiles as the spread. Instruction counts (callgrind) do not depend on neighbours at all. What is absolute nevertheless is measured several
//! times over the whole run.
//!
//! `--quick` takes fewer rounds and leaves out what takes long; `--only GROUP` takes one group of measurements.

mod audits;
mod calls;
mod counts;
mod deciding;
mod functions;
mod logs;
mod memory;
mod parsers;
mod peers;
mod place;
mod policies;
mod readme;
mod shape;
mod starts;
mod table;
mod threads;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use place::Place;
use serde_json::Value;
use table::{Results, Table, quieter};

/// Measures one group.
type Measure = fn(&Place, &mut Table);

/// The groups, in the order in which they are measured and shown.
const GROUPS: [(&str, Measure); 11] = [
    ("calls", calls::measure),
    ("floors", calls::measure_floors),
    ("threads", threads::measure),
    ("decisions", deciding::measure),
    ("starts", starts::measure),
    ("instructions", counts::measure),
    ("audits", audits::measure),
    ("memory", memory::measure),
    ("functions", functions::measure),
    ("peers", peers::measure),
    ("logs", logs::measure),
];

/// Groups of which more than the ratios counts, and how often they are measured. A machine is half as fast from one minute to the next, and slower only
/// by its neighbours: these are measured again later on, and of each row the pass is shown in which the work took least. Starts take as long as some
/// others together, and logs as long without having a budget that a call or a start pays for.
const ABSOLUTE: [(&str, usize); 2] = [("decisions", 3), ("starts", 2)];

/// The most often that one is.
const PASSES: usize = 3;

/// More time than any group takes.
const PATIENCE: Duration = Duration::from_secs(240);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let behind = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    if has("--readme") {
        return readme::paste();
    }
    if let (Some(shape), Some(file)) = (behind("--parse"), arguments.last()) {
        return parsers::parse(shape, file);
    }
    let quick = has("--quick");
    if let Some(group) = behind("--group") {
        return one(group, quick);
    }
    let is_wanted = |name: &&str| behind("--only").is_none_or(|only| only == *name);
    let names = GROUPS.map(|(name, _)| name).into_iter().filter(is_wanted);
    let passes = |name: &str| {
        let found = ABSOLUTE.into_iter().find(|(group, _)| *group == name);
        found.map_or(1, |(_, passes)| passes)
    };
    let (again, once): (Vec<&str>, Vec<&str>) = names.partition(|name| passes(name) > 1);
    let mut tables: BTreeMap<&str, Result<Value, String>> = BTreeMap::new();
    let mut others = once.chunks(once.len().div_ceil(PASSES).max(1));
    for pass in 1..=PASSES {
        let due = again.iter().filter(|name| pass <= passes(name));
        for name in due.chain(others.next().unwrap_or_default()) {
            eprint!("{name} …");
            let start = Instant::now();
            let table = in_a_process(name, quick);
            eprint!(" {} s", start.elapsed().as_secs());
            if passes(name) > 1 {
                eprint!(", {pass} of {}", passes(name));
            }
            eprintln!();
            let table = match (tables.remove(name), table) {
                (Some(Ok(known)), Ok(table)) => Ok(quieter(known, &table)),
                (Some(Ok(known)), Err(_)) => Ok(known),
                (_, table) => table,
            };
            tables.insert(name, table);
        }
    }
    let mut results = Results::default();
    for (name, _) in GROUPS {
        match tables.get(name) {
            Some(Ok(table)) => results.add(table),
            Some(Err(why)) => results.fail(format!("{name}: {why}")),
            None => {}
        }
    }
    results.print();
    results.write(quick);
    ExitCode::SUCCESS
}

/// Measures one group, and leaves its table in a file.
fn one(group: &str, quick: bool) -> ExitCode {
    let Some((name, measure)) = GROUPS.into_iter().find(|(name, _)| *name == group) else {
        eprintln!("no group {group}");
        return ExitCode::FAILURE;
    };
    let place = Place::new(quick);
    let mut table = Table::default();
    table.begin(name);
    measure(&place, &mut table);
    place.write(
        &format!("group-{name}.json"),
        table.into_value().to_string(),
    );
    ExitCode::SUCCESS
}

/// Measures one group in a process of its own: one that fails or hangs takes none of the others with it.
fn in_a_process(group: &str, quick: bool) -> Result<Value, String> {
    let path = place::folder().join(format!("group-{group}.json"));
    let _ = fs::remove_file(&path);
    let program = std::env::current_exe().map_err(|cause| cause.to_string())?;
    let mut command = Command::new(program);
    command.args(["--group", group]).process_group(0);
    if quick {
        command.arg("--quick");
    }
    let mut child = command.spawn().map_err(|cause| cause.to_string())?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|cause| cause.to_string())? {
            break status;
        }
        if start.elapsed() > PATIENCE {
            // With all that it has started: the group is its own.
            let _ = Command::new("kill")
                .args(["-KILL", "--", &format!("-{}", child.id())])
                .status();
            let _ = child.wait();
            return Err(format!("took more than {} s", PATIENCE.as_secs()));
        }
        sleep(Duration::from_millis(50));
    };
    if !status.success() {
        return Err(status.to_string());
    }
    let text = fs::read_to_string(&path).map_err(|cause| cause.to_string())?;
    serde_json::from_str(&text).map_err(|cause| cause.to_string())
}
