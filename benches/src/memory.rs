//! What the library adds to the memory of a process, and its size on disk.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use palisade_tests::repository;
use serde_json::Value;

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
    let length = fs::metadata(&place.library).map_or(f64::NAN, |data| data.len() as f64 / 1024.0);
    table.value(
        "the library",
        "on disk",
        "kB",
        Spread::of(vec![length]),
        Some(600.0),
    );
    let mut programs = vec![
        waiting("sleep", Some("/bin/sleep".into()), &["9"], 30),
        waiting(
            "python3",
            python().map(|path| text(&path)),
            &["-c", "import time; time.sleep(9)"],
            250,
        ),
        waiting(
            "node",
            installed("node").map(|path| text(&path)),
            &["-e", "setTimeout(() => {}, 9000)"],
            500,
        ),
        waiting(
            "ruby",
            installed("ruby").map(|path| text(&path)),
            &["-e", "sleep 9"],
            300,
        ),
    ];
    programs.extend(compiled(place));
    for program in programs {
        match program {
            Ok(program) => one(place, table, &program),
            Err(why) => table.missing(why),
        }
    }
}

/// A runtime that waits.
struct Waiting {
    name: String,
    words: Vec<String>,
    environment: Variables,
    /// How long it takes to get there, and more.
    after: Duration,
}

fn waiting(
    name: &str,
    path: Option<String>,
    arguments: &[&str],
    milliseconds: u64,
) -> Result<Waiting, String> {
    let path = path.ok_or_else(|| format!("memory of {name}: not installed"))?;
    let arguments = arguments.iter().map(|word| (*word).to_owned());
    Ok(Waiting {
        name: name.to_owned(),
        words: std::iter::once(path).chain(arguments).collect(),
        environment: vec![],
        after: Duration::from_millis(milliseconds),
    })
}

/// Those that have to be compiled first.
fn compiled(place: &Place) -> Vec<Result<Waiting, String>> {
    let folder = place.folder.join("waiting");
    let _ = fs::create_dir_all(&folder);
    let mut command = Command::new("python3");
    command
        .arg(repository().join("benches/waiting/commands.py"))
        .arg(&folder);
    let output = command.output().unwrap_or_else(|cause| panic!("{cause}"));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    ["java", "dotnet"]
        .map(|name| {
            let words: Vec<String> = found[name]["words"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|word| Some(word.as_str()?.to_owned()))
                .collect();
            if words.is_empty() {
                let why = found[name]["missing"].as_str().unwrap_or("not installed");
                return Err(format!("memory of {name}: {why}"));
            }
            let environment = found[name]["environment"].as_object().into_iter().flatten();
            Ok(Waiting {
                name: name.to_owned(),
                words,
                environment: environment
                    .map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned()))
                    .collect(),
                after: Duration::from_millis(600),
            })
        })
        .into()
}

fn one(place: &Place, table: &mut Table, program: &Waiting) {
    let words: Vec<&str> = program.words.iter().map(String::as_str).collect();
    let with_own = |mut variables: Variables| {
        variables.extend(program.environment.iter().cloned());
        variables
    };
    for (setting, variables) in [
        ("100 entries", place.main(100)),
        ("10,000 entries", place.main(10_000)),
    ] {
        let (mut with, mut without) = ((vec![], vec![]), (vec![], vec![]));
        for _ in 0..place.rounds(3) {
            let (Some(bare), Some(defended)) = (
                run(place, &with_own(place.bare()), &words, program.after),
                run(place, &with_own(variables.clone()), &words, program.after),
            ) else {
                continue;
            };
            without.0.push(bare.0);
            without.1.push(bare.1);
            with.0.push(defended.0);
            with.1.push(defended.1);
        }
        let name = &program.name;
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
