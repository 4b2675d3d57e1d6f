//! What one call costs, in a program that makes each of them many times.

use std::collections::BTreeMap;

use crate::place::{Place, Variables, program};
use crate::table::{Table, median};

/// The name of a call, as the C program prints it, and the most that it may take with a section on.
const BUDGETS: [(&str, f64); 12] = [
    ("open", 1.10),
    ("open relative", 1.10),
    ("open through a link", 3.0),
    ("fopen", 1.10),
    ("connect udp", 1.03),
    ("connect tcp", 1.03),
    ("bind and listen", 1.03),
    ("sendto", 1.03),
    ("getaddrinfo number", 1.03),
    ("getaddrinfo localhost", 1.03),
    ("posix_spawn", 1.15),
    ("vfork+execve", 1.15),
];

/// Nanoseconds of each call, one value a run.
pub type Taken = BTreeMap<String, Vec<f64>>;

/// Runs the program once and adds what each call took in the middle of its batches.
pub fn run(place: &Place, variables: &Variables, before: &[&str], taken: &mut Taken) {
    run_list(place, variables, before, "calls", taken);
}

fn run_list(place: &Place, variables: &Variables, before: &[&str], list: &str, taken: &mut Taken) {
    let calls = program(include_str!("../c/calls.c"), &[]);
    let batches = if place.quick { "9" } else { "15" };
    let mut words = before
        .iter()
        .map(|word| (*word).to_owned())
        .collect::<Vec<_>>();
    words.push(calls.to_string_lossy().into_owned());
    let mut command = place.command(&words[0], variables);
    command.args(&words[1..]).args([list, batches]);
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
    let settings = [
        ("the floor", place.preloading(&place.passing)),
        ("off", place.main(0)),
        ("10 entries", place.main(10)),
        ("10,000 entries", place.main(10_000)),
    ];
    let variables: Vec<Variables> = settings.iter().map(|(_, v)| v.clone()).collect();
    let (without, with) = in_turns(place, place.rounds(25), &variables);
    let empty = without.get("nothing").map_or(0.0, |times| median(times));
    for (call, bare) in &without {
        for ((setting, _), taken) in settings.iter().zip(&with) {
            let (Some(times), false) = (taken.get(call), call == "nothing") else {
                continue;
            };
            if call.starts_with("syscall") || call.starts_with("dlsym") {
                let less =
                    |times: &[f64]| times.iter().map(|time| time - empty).collect::<Vec<_>>();
                let is_budgeted = call.starts_with("syscall") && *setting != "the floor";
                let budget = is_budgeted.then_some(5.0);
                table.difference(call, setting, "ns", (&less(times), &less(bare)), budget);
                continue;
            }
            let is_start = call.contains("spawn") || call.contains("exec");
            let budget = match *setting {
                "the floor" => None,
                // A program that is started has the library to load, whatever the policy says.
                "off" if is_start => Some(1.15),
                "off" => Some(1.02),
                _ => BUDGETS
                    .iter()
                    .find(|(name, _)| name == call)
                    .map(|(_, budget)| *budget),
            };
            table.ratio(call, setting, "ns", (times, bare), budget);
        }
    }
}

/// What a hook that asks for a file's own name cannot do without, made by hand in a program without a library: the system calls alone.
pub fn measure_floors(place: &Place, table: &mut Table) {
    let mut taken = Taken::new();
    for _ in 0..place.rounds(25) {
        run_list(place, &place.bare(), &[], "floors", &mut taken);
    }
    for (call, by_hand) in &taken {
        if let Some(bare) = call
            .strip_suffix(", by hand")
            .and_then(|call| taken.get(call))
        {
            table.ratio(call, "system calls alone", "ns", (by_hand, bare), None);
        }
    }
}
