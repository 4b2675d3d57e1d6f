//! What one call costs, in a program that makes each of them many times.

use std::collections::BTreeMap;

use crate::place::{Place, Variables, program};
use crate::table::{Table, median};

/// Sections that are off.
const OFF: usize = 0;

/// The name of a call, as the C program prints it, and the most that it may take with a section on.
const BUDGETS: [(&str, f64); 10] = [
    ("open", 1.10),
    ("open relative", 1.10),
    ("open through a link", 3.0),
    ("fopen", 3.0),
    ("connect udp", 1.03),
    ("connect tcp", 1.03),
    ("getaddrinfo number", 1.03),
    ("getaddrinfo localhost", 1.03),
    ("posix_spawn", 1.15),
    ("vfork+execve", 1.15),
];

/// Nanoseconds of each call, one value a run.
pub type Taken = BTreeMap<String, Vec<f64>>;

/// Runs the program once and adds what each call took in the middle of its batches.
pub fn run(place: &Place, variables: &Variables, before: &[&str], taken: &mut Taken) {
    let calls = program(include_str!("../c/calls.c"), &[]);
    let batches = if place.quick { "9" } else { "15" };
    let mut words = before
        .iter()
        .map(|word| (*word).to_owned())
        .collect::<Vec<_>>();
    words.push(calls.to_string_lossy().into_owned());
    let mut command = place.command(&words[0], variables);
    command.args(&words[1..]).arg(batches);
    let output = command.output().unwrap_or_else(|cause| panic!("{cause}"));
    assert!(
        output.status.success(),
        "{words:?} {variables:?}: {output:?}"
    );
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let mut fields = line.split('\t');
        let name = fields.next().unwrap_or_default().to_owned();
        let times: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
        taken.entry(name).or_default().push(median(&times));
    }
}

/// The bare program in turns with each of the others.
pub fn in_turns(place: &Place, rounds: usize, settings: &[Variables]) -> (Taken, Vec<Taken>) {
    let bare = place.bare();
    let mut without = Taken::new();
    let mut with = vec![Taken::new(); settings.len()];
    for round in 0..rounds {
        run(place, &bare, &[], &mut without);
        for at in 0..settings.len() {
            // No setting always runs right behind the same other one.
            let at = (at + round) % settings.len();
            run(place, &settings[at], &[], &mut with[at]);
        }
    }
    (without, with)
}

/// Every call under every setting.
pub fn measure(place: &Place, table: &mut Table) {
    let sizes = [OFF, 10, 10_000];
    let settings: Vec<Variables> = sizes.iter().map(|size| place.main(*size)).collect();
    let (without, with) = in_turns(place, place.rounds(25), &settings);
    let empty = without.get("nothing").map_or(0.0, |times| median(times));
    for (call, bare) in &without {
        for (size, taken) in sizes.iter().zip(&with) {
            let (Some(times), false) = (taken.get(call), call == "nothing") else {
                continue;
            };
            let setting = match size {
                0 => "off".to_owned(),
                size => format!("{size} entries"),
            };
            if call.starts_with("syscall") || call.starts_with("dlsym") {
                let less =
                    |times: &[f64]| times.iter().map(|time| time - empty).collect::<Vec<_>>();
                let budget = call.starts_with("syscall").then_some(5.0);
                table.difference(call, &setting, "ns", (&less(times), &less(bare)), budget);
                continue;
            }
            let is_start = call.contains("spawn") || call.contains("exec");
            let budget = match *size {
                // A program that is started has the library to load, whatever the policy says.
                OFF if is_start => Some(1.15),
                OFF => Some(1.02),
                // The policy is too long for an environment, so that each child compiles it again.
                10_000 if is_start => None,
                _ => BUDGETS
                    .iter()
                    .find(|(name, _)| name == call)
                    .map(|(_, budget)| *budget),
            };
            table.ratio(call, &setting, "ns", (times, bare), budget);
        }
    }
}
