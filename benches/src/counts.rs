//! Instructions, which do not depend on what else the machine does (callgrind).

use std::fs;

use crate::place::{Place, Variables, installed, text};
use crate::policies;
use crate::starts::python;
use crate::table::{Spread, Table};

/// The loader, which is told what to preload by an option: by its variable it would preload it into valgrind's own program, too, which would
/// then be the main process, and what is counted one that finds the policy compiled.
const LOADER: &str = if cfg!(target_arch = "aarch64") {
    "/lib/ld-linux-aarch64.so.1"
} else {
    "/lib64/ld-linux-x86-64.so.2"
};

/// The instructions of a program from its first, the loader's, to its last, in thousands.
fn count(place: &Place, variables: &Variables, words: &[&str]) -> Option<f64> {
    let folder = tempfile::tempdir().ok()?;
    let (preload, others): (Variables, Variables) = variables
        .iter()
        .cloned()
        .partition(|(name, _)| name == "LD_PRELOAD");
    let mut command = place.command("valgrind", &others);
    command
        .args(["-q", "--tool=callgrind"])
        .arg(format!(
            "--callgrind-out-file={}/%p",
            folder.path().display()
        ))
        .arg(LOADER);
    for (_, library) in preload {
        command.args(["--preload", &library]);
    }
    let output = command.args(words).output().ok()?;
    let found = fs::read_dir(folder.path())
        .ok()?
        .flatten()
        .find_map(|entry| {
            let text = fs::read_to_string(entry.path()).ok()?;
            let total = text.lines().find_map(|line| {
                line.strip_prefix("summary: ")
                    .or_else(|| line.strip_prefix("totals: "))
            })?;
            total.trim().parse::<f64>().ok()
        });
    if found.is_none() {
        eprintln!("  callgrind: {words:?}: {output:?}");
    }
    found.map(|count| count / 1000.0)
}

/// Starts, in thousands of instructions.
pub fn measure(place: &Place, table: &mut Table) {
    if installed("valgrind").is_none() {
        return table.missing("instructions: valgrind is not installed (apt-get install valgrind)");
    }
    let words: &[&str] = &["/bin/true"];
    let bare = place.bare();
    let mut nothing = bare.clone();
    nothing.push(("LD_PRELOAD".into(), text(&place.nothing)));
    let (main, largest) = place.family(10_000);
    let settings = [
        ("/bin/true", "a preload of nothing", nothing),
        (
            "/bin/true",
            "a child, processes off",
            place.child(policies::PROCESSES_OFF),
        ),
        ("/bin/true", "a child, 10 entries", place.child(10)),
        ("/bin/true", "a child, 10,000 entries", largest),
        ("/bin/true", "main, 10 entries", place.main(10)),
        ("/bin/true", "main, 100 entries", place.main(100)),
        ("/bin/true", "main, 1,000 entries", place.main(1000)),
        ("/bin/true", "main, 10,000 entries", place.main(10_000)),
    ];
    let Some(without) = count(place, &bare, words) else {
        return table.missing("instructions: callgrind counted nothing");
    };
    table.value("/bin/true", "without", "k", Spread::of(vec![without]), None);
    for (what, setting, variables) in settings {
        match count(place, &variables, words) {
            Some(with) => table.difference(what, setting, "k", (&[with], &[without]), None),
            None => table.missing(format!("instructions: {setting}")),
        }
    }
    drop(main);
    if let Some(python) = python().filter(|_| !place.quick) {
        let words = [&*text(&python), "-c", "pass"];
        if let (Some(with), Some(without)) = (
            count(place, &place.main(100), &words),
            count(place, &bare, &words),
        ) {
            table.difference(
                "python3 -c pass",
                "main, 100 entries",
                "k",
                (&[with], &[without]),
                None,
            );
        }
    }
}
