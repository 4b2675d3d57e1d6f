//! `syscall(2)` with a number that is judged: what goes on to the kernel is that number, and not a function of libc's that does the same.

use serde_json::json;

use crate::batch::{Call, Start, Story};
use crate::cases::{Effect, cases};
use crate::effects::WAYS;
use crate::errors::allowing;
use crate::rows::{Kind, Row, rows};

/// Makes every judged call, each in a child, under a policy that judges and under one that does not, with these words for frame.c besides.
/// What is not as `wanted` is told at the end.
fn each(words: &[&str], wanted: impl Fn(&Row, &str) -> bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = String::new();
    for sections in [allowing("prevent"), json!({})] {
        let numbers =
            rows().filter(|row| row.symbol.starts_with("SYS_") && row.kind != Kind::Around);
        let mut calls = Vec::new();
        // Their listeners stay where they are.
        let mut peers = Vec::new();
        for row in numbers {
            let of_row = cases(row, Effect::Prevent, folder.path());
            of_row.iter().for_each(|case| case.room.furnish());
            let all: Vec<Vec<String>> = match row.kind {
                Kind::Receive => vec![vec!["arrived=1".into()]],
                // Not to a name server, which must not get what cannot be read before.
                Kind::Copy => vec![vec!["datagram=127.0.0.1:9".into()]],
                _ => of_row.iter().map(|case| case.arguments.clone()).collect(),
            };
            for mut arguments in all {
                arguments.extend(words.iter().map(|&word| word.to_owned()));
                calls.push(Call {
                    row,
                    place: "fork",
                    arguments,
                });
            }
            peers.extend(of_row);
        }
        let stories = Start::new(WAYS[0], Some(&sections)).make(&calls);
        wrong.push_str(&stories.errors);
        for (call, story) in calls.iter().zip(&stories.each) {
            let Story { said, ended } = story;
            let said = said.strip_suffix("child exited 0\n");
            if ended.is_some() || !said.is_some_and(|said| wanted(call.row, said)) {
                wrong.push_str(&format!(
                    "{} under {sections}: {story:?}\n",
                    call.row.symbol
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
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
        said.starts_with("result ") || (row.kind == Kind::Exec && said.starts_with("ran"))
    });
}
