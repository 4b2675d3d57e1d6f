//! Every figure in the README and in `docs/performance.md`: `make bench`, or `make bench-readme` to paste them there.
//!
//! Neighbours on a machine make every absolute time a matter of luck, so nothing here stands alone: each measurement is run in turns with the
//! same work without Palisade, one right after the other, and what counts is the median of the ratios or of the differences of such pairs, with
//! the quartiles as the spread. Instruction counts (callgrind) do not depend on neighbours at all.
//!
//! `--quick` takes fewer rounds and leaves out what takes long; `--only GROUP` takes one group of measurements.

mod audits;
mod calls;
mod counts;
mod deciding;
mod functions;
mod memory;
mod peers;
mod place;
mod policies;
mod readme;
mod starts;
mod table;

use std::process::ExitCode;

use place::Place;
use table::Table;

/// Measures one group.
type Measure = fn(&Place, &mut Table);

/// The groups, in the order in which they are measured and shown.
const GROUPS: [(&str, Measure); 8] = [
    ("calls", calls::measure),
    ("decisions", deciding::measure),
    ("starts", starts::measure),
    ("instructions", counts::measure),
    ("audits", audits::measure),
    ("memory", memory::measure),
    ("functions", functions::measure),
    ("peers", peers::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if has("--readme") {
        return readme::paste();
    }
    let only = arguments
        .iter()
        .position(|argument| argument == "--only")
        .and_then(|at| arguments.get(at + 1));
    let place = Place::new(has("--quick"));
    let mut table = Table::default();
    for (name, measure) in GROUPS {
        if only.is_none_or(|only| only == name) {
            eprintln!("{name} …");
            table.begin(name);
            measure(&place, &mut table);
        }
    }
    table.print();
    table.write(&place);
    ExitCode::SUCCESS
}
