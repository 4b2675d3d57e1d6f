//! How much stack a call takes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::batch::{Start, Stories, Story, batches};
use crate::cases::{Case, Effect};
use crate::effects::{WAYS, all_cases, furnish, is_old, made, sections_of};
use crate::rows::{Kind, Row};

/// Asks each call how many bytes of stack it takes, and gives what is said otherwise.
fn depths(batch: &[(&'static Row, Case)], sections: Option<&Value>) -> Vec<(usize, String)> {
    let start = Start {
        variables: &[("LD_BIND_NOW", "1")],
        ..Start::new(WAYS[0], sections)
    };
    furnish(batch);
    let Stories { each, .. } = made(batch, "main", start);
    let depth = |(story, (row, _)): (&Story, &(&'static Row, Case))| {
        let (lines, rest): (Vec<&str>, Vec<&str>) = story
            .said
            .lines()
            .partition(|line| line.starts_with("stack "));
        let depth = lines.first().and_then(|line| line[6..].parse().ok());
        let depth = depth.unwrap_or_else(|| panic!("{} {story:#?}", row.symbol));
        (depth, rest.join("\n"))
    };
    each.iter().zip(batch).map(depth).collect()
}

/// The cases of all rows of which `is_asked` is true, with the stack looked at.
fn measured(folder: &Path, is_asked: impl Fn(&Row) -> bool) -> Vec<Vec<(&'static Row, Case)>> {
    let cases = all_cases(Effect::Prevent, folder, move |row| {
        !is_old(row) && is_asked(row)
    });
    batches(cases.map(|(row, mut case)| {
        case.arguments.insert(0, "measure=1".into());
        (row, case)
    }))
}

#[test]
fn a_call_that_is_not_judged_takes_no_more_stack_than_without_the_library() {
    // Handlers of signals have what is left of 8 KiB (SIGSTKSZ) once the kernel has written there.
    const MORE: usize = 512;
    let folder = tempfile::tempdir().expect("a folder");
    let mut deep = String::new();
    // Where musl's loader is, what is started is looked at, for musl cannot load the library.
    let looks = fs::exists(format!("/lib/ld-musl-{}.so.1", std::env::consts::ARCH)).unwrap_or(true);
    let off = json!({});
    let ports = json!({ "network": { "effect": "prevent", "listen": { "deny": [9] } } });
    // A program that runs has no stack to look at.
    let asked = |row: &Row| !matches!(row.kind, Kind::Exec | Kind::ExecSearched);
    for batch in measured(folder.path(), asked) {
        let natural = depths(&batch, None);
        for sections in [&off, &ports] {
            let ours = depths(&batch, Some(sections));
            for (((row, case), (natural, _)), (ours, _)) in batch.iter().zip(&natural).zip(&ours) {
                let is_port = matches!(row.kind, Kind::Bind | Kind::Listen | Kind::Accept);
                if is_port && sections == &ports {
                    continue;
                }
                // Programs get what keeps them defended also where none is judged.
                let starts = matches!(
                    row.kind,
                    Kind::Spawn
                        | Kind::SpawnSearched
                        | Kind::Shell
                        | Kind::StreamOfShell
                        | Kind::Words
                );
                let more = match (starts, looks) {
                    (false, _) => MORE,
                    (true, false) => 2048,
                    (true, true) => 3072,
                };
                if *ours > natural + more {
                    deep.push_str(&format!(
                        "{} {:?}: {ours} bytes under {sections}, {natural} without\n",
                        row.symbol, case.arguments
                    ));
                }
            }
        }
    }
    assert!(deep.is_empty(), "{deep}");
}

#[test]
fn a_call_that_is_judged_takes_a_bounded_stack() {
    // A path of 4 KiB and a line of 4 KiB, and what a search through both takes; a thread has 16 KiB at least (PTHREAD_STACK_MIN).
    const MOST: usize = 15 * 1024;
    let folder = tempfile::tempdir().expect("a folder");
    let mut deep = String::new();
    for batch in measured(folder.path(), |_| true) {
        let depths = depths(&batch, Some(&sections_of(&batch)));
        for ((row, case), (refused, said)) in batch.iter().zip(depths) {
            assert_eq!(said, case.refused.trim_end(), "{}", row.symbol);
            if refused > MOST {
                deep.push_str(&format!(
                    "{} {:?}: {refused} bytes\n",
                    row.symbol, case.arguments
                ));
            }
        }
    }
    assert!(deep.is_empty(), "{deep}");
}
