//! `syscall(2)` with a number that is judged: what goes on to the kernel is that number, and not a function of libc's that does the same.

use std::path::Path;

use palisade_tests::policy;
use serde_json::json;

use crate::effects::{Effect, cases, prepared};
use crate::errors::allowing;
use crate::rows::{Kind, Row, rows};

/// Runs every judged number, under a policy that judges and under one that does not, with these words for frame.c besides. What is not as
/// `wanted` is told at the end.
fn each(words: &[&str], wanted: impl Fn(&Row, &str) -> bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = String::new();
    let numbers = rows().filter(|row| row.symbol.starts_with("SYS_") && row.kind != Kind::Around);
    for row in numbers {
        for arguments in arguments(row, folder.path()) {
            for sections in [allowing(), json!({})] {
                let run = prepared(row, "main", &["-O0"], folder.path());
                let outcome = run
                    .args(&arguments)
                    .args(words)
                    .policy(&policy(sections.clone()))
                    .go();
                if !wanted(row, &outcome.text()) || !outcome.errors().is_empty() {
                    let story = outcome.story();
                    wrong.push_str(&format!("{} under {sections}: {story}\n", row.symbol));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn arguments(row: &Row, folder: &Path) -> Vec<Vec<String>> {
    if row.kind == Kind::Receive {
        return vec![vec!["arrived=1".into()]];
    }
    if row.kind == Kind::Copy {
        // Not to a name server, which must not get what cannot be read before.
        return vec![vec!["datagram=127.0.0.1:9".into()]];
    }
    let cases = cases(row, Effect::Prevent, folder);
    cases.into_iter().map(|case| case.arguments).collect()
}

#[test]
fn a_judged_number_has_the_kernels_own_answer() {
    // ENOSYS is the answer of a kernel without the call; 4000 no kernel has, so that it can only be the answer to this number. What opens
    // a file is opened as it was judged.
    for errno in [38, 4000] {
        let answer = format!("result -1 errno {errno}\n");
        each(&[&format!("kernel={errno}")], |row, said| {
            said == answer || matches!(row.kind, Kind::Open | Kind::Create)
        });
    }
}

#[test]
fn a_judged_number_ends_no_thread_that_is_to_be_cancelled() {
    // libc's functions of these names are cancellation points (pthreads(7)), and syscall(2) is none.
    each(&["cancelled=1"], |row, said| {
        said.starts_with("result ") || (row.kind == Kind::Exec && said == "ran\n")
    });
}
