//! What one call costs, in a program that makes each of them many times.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::place::{Place, Variables, program, text};
use crate::policies;
use crate::shape::{self, Constructor};
use crate::table::{Table, median};

/// The name of a call, as the C program prints it, and the most that it may take with a section on.
const BUDGETS: [(&str, f64); 11] = [
    ("open", 1.10),
    ("open relative", 1.10),
    ("open through a link", 3.0),
    ("open, name in a mapping", 1.10),
    ("fopen", 1.10),
    ("connect udp", 1.03),
    ("connect tcp", 1.03),
    ("bind and listen", 1.03),
    ("sendto", 1.03),
    ("getaddrinfo number", 1.03),
    ("getaddrinfo localhost", 1.03),
];

/// Acts that are learnt already, which is what nearly all are while a policy is learnt.
const LEARNING: &str = "learning, known acts";

/// What to stand before a call takes at least.
const FLOOR: &str = "the floor";

/// The same, in front of programs that load a library of the shape of ours, which takes over by hand what a child of ours is told.
const SHAPED: &str = "the floor, our shape";

/// What a verdict on ten entries takes at least, and on ten thousand.
const BY_HAND: &str = "judged by hand";
const MANY_BY_HAND: &str = "judged by hand, 10,000 entries";

/// The calls that are judged there.
const JUDGED_BY_HAND: [&str; 11] = [
    "open",
    "open relative",
    "open, name in a mapping",
    "fopen",
    "connect udp",
    "connect tcp",
    "bind and listen",
    "sendto",
    "getaddrinfo localhost",
    "posix_spawn",
    "vfork+execve",
];

/// Programs are started unjudged, and their children have the other sections.
const PROCESSES_OFF: &str = "processes off";

/// The calls that start a program.
const STARTS: [&str; 2] = ["posix_spawn", "vfork+execve"];

/// Settings that no budget is set for.
const UNBUDGETED: [&str; 5] = [FLOOR, SHAPED, BY_HAND, MANY_BY_HAND, LEARNING];

/// Nanoseconds of each call, one value a batch.
pub type Taken = BTreeMap<String, Vec<f64>>;

/// An environment, and what stands in front of the command in it.
pub type Setting<'s> = (Variables, &'s [&'s str]);

/// A program that makes a batch of calls whenever it is asked to.
struct Program {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    calls: Vec<String>,
}

impl Program {
    fn start(place: &Place, (variables, before): &Setting<'_>, list: &str) -> Self {
        let program = text(&program(
            concat!(include_str!("../c/stay.c"), include_str!("../c/calls.c")),
            &[],
        ));
        let mut words = before.to_vec();
        words.extend([&*program, list]);
        let mut command = place.command(words[0], variables);
        let mut child = command
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|cause| panic!("{words:?}: {cause}"));
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            panic!("{words:?}: no pipes");
        };
        let mut program = Self {
            child,
            to,
            from: BufReader::new(from),
            calls: Vec::new(),
        };
        program.calls = program.line().split('\t').map(str::to_owned).collect();
        program
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.from.read_line(&mut line);
        assert!(
            matches!(read, Ok(1..)),
            "{read:?} {:?}",
            self.child.try_wait()
        );
        line.trim_end().to_owned()
    }

    /// A batch of the call with that number; nanoseconds of each.
    fn batch(&mut self, call: usize) -> f64 {
        writeln!(self.to, "{call}").unwrap_or_else(|cause| panic!("{cause}"));
        let line = self.line();
        line.parse().unwrap_or_else(|_| panic!("{line}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It ends with its input, and there is no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each call in batches, which the programs of all settings make in turns, one right after the other.
pub fn in_turns(
    place: &Place,
    rounds: usize,
    list: &str,
    settings: &[Setting<'_>],
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<Taken> {
    let mut programs: Vec<Program> = settings
        .iter()
        .map(|setting| Program::start(place, setting, list))
        .collect();
    let calls = programs[0].calls.clone();
    let mut taken = vec![Taken::new(); settings.len()];
    for round in 0..rounds {
        for (number, call) in calls.iter().enumerate() {
            if !is_wanted(call) {
                continue;
            }
            for at in 0..settings.len() {
                // Of two, none always comes right behind the other.
                let at = (at + round) % settings.len();
                let time = programs[at].batch(number);
                taken[at].entry(call.clone()).or_default().push(time);
            }
        }
    }
    taken
}

/// Each of the calls in turns with the first program alone, which is what stands against it. A few rounds of each program, and of all of them again:
/// whatever else the machine does meets all alike.
fn in_pairs<const SETTINGS: usize>(
    place: &Place,
    rounds: usize,
    without: &Setting<'_>,
    settings: [Setting<'_>; SETTINGS],
    is_wanted: impl Fn(&str) -> bool,
) -> [(Taken, Taken); SETTINGS] {
    const FEW: usize = 10;
    let mut bare = Program::start(place, without, "calls");
    let mut pairs = settings.map(|setting| {
        let program = Program::start(place, &setting, "calls");
        (program, (Taken::new(), Taken::new()))
    });
    let calls = bare.calls.clone();
    let wanted = calls.iter().enumerate().filter(|(_, call)| is_wanted(call));
    for _ in 0..rounds.div_ceil(FEW) {
        for (program, (without, with)) in &mut pairs {
            for (number, call) in wanted.clone() {
                // The first round of each few fills the caches.
                for round in 0..=FEW {
                    let mut times = [0.0; 2];
                    // Every other round backwards, so that none always follows the other.
                    for which in [round % 2, 1 - round % 2] {
                        let of = if which == 0 { &mut bare } else { &mut *program };
                        times[which] = of.batch(number);
                    }
                    if round > 0 {
                        without.entry(call.clone()).or_default().push(times[0]);
                        with.entry(call.clone()).or_default().push(times[1]);
                    }
                }
            }
        }
    }
    pairs.map(|(_, taken)| taken)
}

/// The environment of a preload that stands in for ours: its children get that of a child of Palisade's, and load a library of the same shape, which
/// takes over by hand what they are told.
fn in_place(place: &Place, mut child: Variables, preload: &Path) -> Variables {
    let shape =
        shape::preload(&place.library, Constructor::Child).unwrap_or_else(|| place.nothing.clone());
    child.retain(|(name, _)| name != "LD_PRELOAD");
    child.push(("LD_PRELOAD".into(), text(preload)));
    child.push(("FLOOR_CHILD".into(), format!("LD_PRELOAD={}", text(&shape))));
    child
}

/// Every call under every setting.
pub fn measure(place: &Place, table: &mut Table) {
    let mut learning = place.main(10);
    learning.push(("PALISADE_MODE".into(), "learn".into()));
    // What its children are told lies in memory that a main process shares with them, as long as it lives.
    let (family, many) = place.family(10_000);
    let mut many = in_place(place, many, &place.judging);
    many.push(("FLOOR_MANY".into(), "1".into()));
    let settings = [
        (FLOOR, place.preloading(&place.passing)),
        (
            SHAPED,
            in_place(place, place.child(policies::PROCESSES_OFF), &place.passing),
        ),
        (BY_HAND, in_place(place, place.child(10), &place.judging)),
        (MANY_BY_HAND, many),
        ("off", place.main(0)),
        (PROCESSES_OFF, place.main(policies::PROCESSES_OFF)),
        ("10 entries", place.main(10)),
        ("10,000 entries", place.main(10_000)),
        (LEARNING, learning),
    ];
    let bare: Setting<'_> = (place.bare(), &[]);
    let is_of_calls = |setting: &&(&str, Variables)| ![SHAPED, PROCESSES_OFF].contains(&setting.0);
    let of_calls: Vec<_> = settings.iter().filter(is_of_calls).collect();
    let mut all = vec![bare.clone()];
    all.extend(of_calls.iter().map(|(_, v)| (v.clone(), [].as_slice())));
    let is_start = |call: &str| STARTS.contains(&call);
    let rounds = place.rounds(400);
    let mut taken = in_turns(place, rounds, "calls", &all, |call| !is_start(call));
    let (without, with) = (taken.remove(0), taken);
    let empty = without.get("nothing").map_or(0.0, |times| median(times));
    for (call, bare) in &without {
        for ((setting, _), taken) in of_calls.iter().zip(&with) {
            let is_there = match *setting {
                BY_HAND | MANY_BY_HAND => JUDGED_BY_HAND.contains(&call.as_str()),
                _ => call != "nothing",
            };
            let (Some(times), true) = (taken.get(call), is_there) else {
                continue;
            };
            if call.starts_with("syscall") || call.starts_with("dlsym") {
                let less =
                    |times: &[f64]| times.iter().map(|time| time - empty).collect::<Vec<_>>();
                let is_budgeted = call.starts_with("syscall") && !UNBUDGETED.contains(setting);
                let budget = is_budgeted.then_some(5.0);
                table.difference(call, setting, "ns", (&less(times), &less(bare)), budget);
                continue;
            }
            let budget = match *setting {
                setting if UNBUDGETED.contains(&setting) => None,
                "off" => Some(1.02),
                _ => BUDGETS
                    .iter()
                    .find(|(name, _)| name == call)
                    .map(|(_, budget)| *budget),
            };
            table.ratio(call, setting, "ns", (times, bare), budget);
        }
    }
    // One start fills the caches, where hundreds of other calls have them to themselves: so each setting is alone with the bare program, as a
    // function is alone with itself.
    let each = settings.each_ref().map(|(_, v)| (v.clone(), [].as_slice()));
    let starts = in_pairs(place, rounds, &bare, each, is_start);
    for call in STARTS {
        for ((setting, _), (without, with)) in settings.iter().zip(&starts) {
            if let [Some(without), Some(with)] = [without.get(call), with.get(call)] {
                let budget = match *setting {
                    setting if UNBUDGETED.contains(&setting) => None,
                    "off" | PROCESSES_OFF => Some(1.02),
                    _ => Some(1.15),
                };
                table.ratio(call, setting, "ns", (with, without), budget);
            }
        }
    }
    drop(family);
    floors(table, without.keys().map(String::as_str).chain(STARTS));
}

/// What stands beside the budgets: a preload that does as little as a verdict takes, or nothing.
fn floors<'c>(table: &mut Table, calls: impl Iterator<Item = &'c str>) {
    for call in calls {
        table.floor(call, &["off"], (call, FLOOR));
        table.floor(call, &[PROCESSES_OFF], (call, SHAPED));
        table.floor(call, &["10 entries"], (call, BY_HAND));
        table.floor(call, &["10,000 entries"], (call, MANY_BY_HAND));
    }
}

/// What a hook that asks for a file's own name cannot do without, made by hand in a program without a library: the system calls alone.
pub fn measure_floors(place: &Place, table: &mut Table) {
    let settings: [Setting<'_>; 1] = [(place.bare(), &[])];
    let taken = in_turns(place, place.rounds(400), "floors", &settings, |_| true).remove(0);
    for (call, by_hand) in &taken {
        if let Some(bare) = call
            .strip_suffix(", by hand")
            .and_then(|call| taken.get(call))
        {
            table.ratio(call, "system calls alone", "ns", (by_hand, bare), None);
        }
    }
}
