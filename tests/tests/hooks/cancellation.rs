//! A thread that is to be cancelled ends in the calls in which it would end without the library, and in no other.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::batch::{Call, Start, Story};
use crate::cases::{Case, Effect};
use crate::effects::{OFFLINE, WAYS, all_cases, furnish, sorted};
use crate::errors::{allowing, calls, variants};
use crate::rows::{Kind, Row, rows};

/// What cannot be asked. A shell is killed where its caller is cancelled, perhaps before it has said what it is to say; what the kernel takes
/// from elsewhere is refused where it goes to a name server; and glibc makes up the name of a temporary file in a way that is a cancellation
/// point now and then (`getrandom(2)`), by chance.
fn is_asked(call: &Call<'_>) -> bool {
    let refuses = |word: &String| match call.row.kind {
        Kind::Shell => word.starts_with("command=") && word != "command=exit 3",
        Kind::Copy => word == "resolver=127.0.0.1:53",
        Kind::Temporary | Kind::TemporaryFolder => true,
        _ => false,
    };
    !call.arguments.iter().any(refuses)
}

/// What becomes of calls of each row, each made in a child by a thread that is to be cancelled: those that fail, and those that do something.
fn stories(
    doing: &[(&'static Row, Case)],
    sections: Option<&Value>,
) -> impl Iterator<Item = (String, Story)> {
    let folder = tempfile::tempdir().expect("a folder");
    let failing: Vec<_> = rows()
        .filter(|row| row.kind != Kind::End)
        .map(|row| {
            // Of these there are some two hundred for each function: each path, and each mode, are among a fifth of them.
            let step = if row.kind == Kind::Stream { 5 } else { 1 };
            (row, variants(row).into_iter().step_by(step).collect())
        })
        .collect();
    let mut online = calls(&failing, "fork", folder.path());
    let mut offline = Vec::new();
    furnish(doing);
    for (row, case) in doing {
        let calls = if case.is_offline {
            &mut offline
        } else {
            &mut online
        };
        calls.push(Call {
            row,
            place: "fork",
            arguments: case.arguments.clone(),
        });
    }
    let mut all = Vec::new();
    for (mut calls, under) in [(online, vec![]), (offline, OFFLINE.to_vec())] {
        calls.retain(is_asked);
        for call in &mut calls {
            call.arguments.push("cancelled=1".into());
        }
        let start = Start {
            under,
            ..Start::new(WAYS[0], sections)
        };
        let names = calls
            .iter()
            .map(|call| format!("{} {:.90?}", call.row.symbol, call.arguments));
        all.extend(names.zip(start.make(&calls).each));
    }
    all.into_iter()
}

#[test]
fn a_call_ends_a_thread_that_is_to_be_cancelled_where_libcs_function_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let doing: Vec<_> = all_cases(Effect::Prevent, folder.path(), |_| true).collect();
    let natural: Vec<_> = stories(&doing, None).collect();
    let mut differences = BTreeSet::new();
    for sections in [json!({}), allowing("prevent")] {
        for ((call, natural), (_, ours)) in natural.iter().zip(stories(&doing, Some(&sections))) {
            let said = [&natural.said, &ours.said].map(|said| sorted(said));
            if said[0] != said[1] || natural.ended != ours.ended {
                differences.insert(format!(
                    "{call} {sections}\n  without: {natural:?}\n  with:    {ours:?}\n"
                ));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{}",
        Vec::from_iter(differences).concat()
    );
}
