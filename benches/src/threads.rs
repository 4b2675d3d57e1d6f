//! Does what is allowed cost more where many threads do it at once?

use crate::place::{Place, Variables, program};
use crate::table::Table;

fn run(place: &Place, variables: &Variables, threads: usize) -> f64 {
    let work = program(include_str!("../c/threads.c"), &["-pthread"]);
    let mut command = place.command(work, variables);
    command.args([&threads.to_string(), "0.15"]);
    let output = command.output().unwrap_or_else(|cause| panic!("{cause}"));
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .unwrap_or_else(|cause| panic!("{cause}: {output:?}"))
}

/// One thread, and eight, in turns without and with. What is counted is the time of the processors, so that a line of memory that all of them
/// write to would show, and their number does not.
pub fn measure(place: &Place, table: &mut Table) {
    let (bare, on) = (place.bare(), place.main(10));
    for threads in [1, 2, 8] {
        let (mut without, mut with) = (vec![], vec![]);
        for _ in 0..place.rounds(20) {
            without.push(run(place, &bare, threads));
            with.push(run(place, &on, threads));
        }
        let setting = match threads {
            1 => "1 thread".to_owned(),
            many => format!("{many} threads"),
        };
        table.ratio(
            "open, connect, getaddrinfo",
            &setting,
            "ns",
            (&with, &without),
            None,
        );
    }
}
