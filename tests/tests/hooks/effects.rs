//! What each effect does to each function, wherever it is called.

use std::path::Path;

use palisade_audit::Owned;
use palisade_tests::{Log, Run, compile};
use serde_json::Value;

use crate::batch::{Call, Start, Stories, batches, merged};
use crate::cases::{Case, Effect, cases, look, mark};
use crate::rows::{Kind, Row, rows, source};

/// How programs are compiled: each way lets the compiler choose other names of the same functions.
pub const WAYS: [&[&str]; 3] = [
    &["-O0"],
    &["-O2", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"],
    &["-D_FILE_OFFSET_BITS=64"],
];

/// A network where nobody answers.
pub const OFFLINE: [&str; 2] = ["unshare", "-n"];

/// Makes the calls of these cases.
pub fn made(batch: &[(&'static Row, Case)], place: &str, start: Start<'_>) -> Stories {
    let call = |(row, case): &(&'static Row, Case)| Call {
        row,
        place,
        arguments: case.arguments.clone(),
    };
    let calls: Vec<Call<'_>> = batch.iter().map(call).collect();
    let offline = batch.iter().any(|(_, case)| case.is_offline);
    let under = if offline { &OFFLINE[..] } else { &[] };
    let under = under.iter().copied().chain(start.under).collect();
    Start { under, ..start }.make(&calls)
}

/// Puts back what a call may have changed.
pub fn furnish(batch: &[(&'static Row, Case)]) {
    batch.iter().for_each(|(_, case)| case.room.furnish());
}

pub fn sections_of(batch: &[(&'static Row, Case)]) -> Value {
    merged(batch.iter().map(|(_, case)| &case.sections))
}

/// The cases of all rows of which `is_asked` is true.
pub fn all_cases(
    effect: Effect,
    folder: &Path,
    is_asked: impl Fn(&Row) -> bool,
) -> impl Iterator<Item = (&'static Row, Case)> {
    let asked = rows().filter(move |row| is_asked(row));
    asked.flat_map(move |row| {
        cases(row, effect, folder)
            .into_iter()
            .map(move |case| (row, case))
    })
}

fn check(batch: &[(&'static Row, Case)], effect: Effect, place: &str, way: &[&str]) {
    let sections = sections_of(batch);
    // To standard error where the writer is at work beside the program: it opens a file anew for each line.
    let is_alert = effect == Effect::Alert;
    furnish(batch);
    let natural = (effect != Effect::Prevent).then(|| made(batch, place, Start::new(way, None)));
    let room = |case: &Case| case.untouched.as_deref().map(look);
    furnish(batch);
    let before: Vec<_> = batch.iter().map(|(_, case)| room(case)).collect();
    let ours = made(
        batch,
        place,
        Start {
            log: if is_alert { Log::Unset } else { Log::File },
            ..Start::new(way, Some(&sections))
        },
    );
    assert_eq!(ours.errors, "", "{effect:?} in {place}, {way:?}");
    if let Some(natural) = &natural {
        assert_eq!(natural.errors, "", "{effect:?} in {place}, {way:?}");
    }
    for (index, (row, case)) in batch.iter().enumerate() {
        let story = &ours.each[index];
        let audits: Vec<&Owned> = ours
            .audits
            .iter()
            .filter(|audit| mark(audit) == case.mark)
            .collect();
        let what = format!(
            "{} {effect:?} in {place}, {way:?}, {:?}\n{story:#?}\n{audits:#?}",
            row.symbol, case.arguments
        );
        if let Some(natural) = &natural {
            let natural = &natural.each[index];
            assert_eq!(sorted(&story.said), sorted(&natural.said), "{what}");
            assert_eq!(story.ended, natural.ended, "{what}");
            // The control: the call that is refused elsewhere does not fail by itself in that way.
            assert!(!natural.said.contains(case.refused), "{what}");
        } else {
            let end = if place == "main" {
                ""
            } else {
                "child exited 0\n"
            };
            assert_eq!(story.said, format!("{}{end}", case.refused), "{what}");
            assert_eq!(story.ended, None, "{what}");
            assert_eq!(room(case), before[index], "{what}");
        }
        if effect != Effect::Disable {
            assert_eq!(audits.len(), 1, "exactly one audit line: {what}");
            check_audit(audits[0], case, effect, &what);
            let by = if place == "main" {
                audits[0].pid
            } else {
                audits[0].ppid
            };
            assert_eq!(by, ours.ids[index], "{what}");
            assert_eq!(
                audits[0].process,
                compile(&source(), way).display().to_string(),
                "{what}"
            );
        }
    }
    let wanted = if effect == Effect::Disable {
        0
    } else {
        batch.len()
    };
    assert_eq!(
        ours.audits.len(),
        wanted,
        "of somebody else: {:#?}",
        ours.audits
    );
}

fn check_audit(audit: &Owned, case: &Case, effect: Effect, what: &str) {
    (case.expects)(audit);
    assert_eq!(audit.effect.as_deref(), Some(effect.name()), "{what}");
    let level = if effect == Effect::Alert {
        "WARN"
    } else {
        "ERROR"
    };
    assert_eq!(audit.level, level, "{what}");
    assert_eq!(audit.rule.as_deref(), Some("test"), "{what}");
    assert!(
        !audit.techniques.is_empty() || audit.kind == "network" || audit.kind == "filesystem",
        "{what}"
    );
}

/// Lines of a parent and of its child come in either order.
pub fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Is a row called in a child of vfork(2), too, which may do little else?
fn is_of_place(row: &Row, place: &str) -> bool {
    place != "vfork" || matches!(row.kind, Kind::Exec | Kind::ExecSearched)
}

/// Functions that only programs built with glibc before 2.34 ask for.
pub fn is_old(row: &Row) -> bool {
    row.symbol.starts_with("__res_")
}

fn check_all(effect: Effect, old: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut count = 0;
    for place in ["main", "fork", "vfork"] {
        let asked = |row: &Row| is_old(row) == old && is_of_place(row, place);
        for way in WAYS {
            for batch in batches(all_cases(effect, folder.path(), asked)) {
                check(&batch, effect, place, way);
                count += batch.len();
            }
        }
    }
    assert!(count > if old { 47 } else { 1000 }, "only {count} cases");
}

#[test]
fn a_section_that_is_disabled_changes_nothing_and_reports_nothing() {
    check_all(Effect::Disable, false);
}

#[test]
fn an_alert_changes_nothing_and_leaves_one_line() {
    check_all(Effect::Alert, false);
}

#[test]
fn a_refused_call_fails_as_the_contract_says_and_leaves_one_line() {
    check_all(Effect::Prevent, false);
    check_all(Effect::Prevent, true);
}

#[test]
fn a_program_built_with_an_older_glibc_resolves_names_as_before() {
    check_all(Effect::Disable, true);
    check_all(Effect::Alert, true);
}

#[test]
fn a_process_that_ends_ends_with_its_own_status() {
    for row in rows().filter(|row| row.kind == Kind::End) {
        for place in ["main", "fork", "vfork"] {
            let run = || Run::new(compile(&source(), WAYS[0])).args([row.symbol, place]);
            let (with, without) = (run().go(), run().without_library().go());
            assert_eq!(
                (with.code(), with.text()),
                (without.code(), without.text()),
                "{}",
                row.symbol
            );
            assert!(
                with.code() == 7 || with.text() == "child exited 7\n",
                "{}",
                with.story()
            );
        }
    }
}

#[test]
fn a_call_that_is_reported_keeps_its_errno_whatever_becomes_of_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    for effect in [Effect::Alert, Effect::Prevent] {
        for batch in batches(all_cases(effect, folder.path(), |row| !is_old(row))) {
            let sections = sections_of(&batch);
            for log in ["exec \"$@\" 2>&-", "exec \"$@\" 2>/dev/full"] {
                let with = |sections| {
                    furnish(&batch);
                    let start = Start {
                        log: Log::Unset,
                        under: vec!["sh", "-c", log, "sh"],
                        variables: &[("PALISADE_AUDIT", "stderr")],
                        ..Start::new(WAYS[0], sections)
                    };
                    made(&batch, "main", start)
                };
                let natural = (effect == Effect::Alert).then(|| with(None));
                let ours = with(Some(&sections));
                for (index, (row, case)) in batch.iter().enumerate() {
                    let told = &ours.each[index];
                    let what = format!("{} {log} {effect:?} {told:#?}", row.symbol);
                    match &natural {
                        Some(natural) => {
                            let natural = &natural.each[index];
                            assert_eq!(sorted(&told.said), sorted(&natural.said), "{what}");
                            assert_eq!(told.ended, natural.ended, "{what}");
                        }
                        None => {
                            assert_eq!(told.said, case.refused, "{what}");
                            assert_eq!(told.ended, None, "{what}");
                        }
                    }
                }
            }
        }
    }
}
