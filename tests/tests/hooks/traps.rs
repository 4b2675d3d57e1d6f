//! What a hook must not do, and is caught at (traps.c): take memory, take a lock, wait.

use palisade_tests::{Run, compile, policy};

use crate::cases::{Effect, cases};
use crate::effects::{OFFLINE, WAYS};
use crate::errors::allowing;
use crate::rows::{Kind, Row, rows, source};

/// With traps behind ours for everything that a hook must not do, once the program has begun.
fn trapped(row: &Row, arguments: &[String]) -> Run {
    let traps = compile(include_str!("traps.c"), &["-shared", "-fPIC", "-O1"]);
    let run = Run::new(compile(&source(), WAYS[0])).args([row.symbol, "main"]);
    run.preload_behind(traps).arg("traps=1").args(arguments)
}

#[test]
fn no_refusal_takes_memory_or_a_lock_or_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    // freopen(3) closes its stream in any case, and frees what was its own.
    for row in rows().filter(|row| !row.symbol.starts_with("freopen")) {
        for case in cases(row, Effect::Prevent, folder.path()) {
            case.room.furnish();
            let run = trapped(row, &case.arguments).policy(&policy(case.sections));
            let run = if case.is_offline {
                run.under(OFFLINE)
            } else {
                run
            };
            let outcome = run.go();
            assert_eq!(
                outcome.text(),
                case.refused,
                "{} {}",
                row.symbol,
                outcome.story()
            );
            assert_eq!(outcome.errors(), "", "{} {}", row.symbol, outcome.story());
        }
    }
}

#[test]
fn no_call_that_is_judged_and_allowed_takes_memory_or_a_lock_or_waits() {
    // Those in which libc itself takes none.
    let plain = |row: &&Row| {
        use Kind::*;
        // aio(7) is threads of libc's.
        !row.symbol.contains("io_")
            && matches!(
                row.kind,
                Connect
                    | Send
                    | SendTo
                    | Receive
                    | Bind
                    | Listen
                    | Accept
                    | Open
                    | OpenExisting
                    | Create
                    | Remove
                    | RemoveFolder
                    | Rename
                    | Make
                    | Change
                    | ReadLink
                    | Temporary
                    | Exec
                    | Spawn
            )
    };
    let folder = tempfile::tempdir().expect("a folder");
    let allowing = policy(allowing("prevent"));
    for row in rows().filter(plain) {
        let cases = cases(row, Effect::Prevent, folder.path());
        cases.iter().for_each(|case| case.room.furnish());
        let mut all: Vec<Vec<String>> = cases.iter().map(|case| case.arguments.clone()).collect();
        if row.kind == Kind::Receive {
            all.push(vec!["arrived=1".into()]);
        }
        for arguments in all {
            let outcome = trapped(row, &arguments).policy(&allowing).go();
            assert_eq!(outcome.errors(), "", "{} {}", row.symbol, outcome.story());
            assert!(outcome.code() == 0, "{} {}", row.symbol, outcome.story());
        }
    }
}

#[test]
fn the_traps_spring() {
    let traps = compile(include_str!("traps.c"), &["-shared", "-fPIC", "-O1"]);
    for (does, said) in [
        ("free(malloc(9))", "malloc in a hook\n"),
        (
            "pthread_mutex_lock(&lock)",
            "pthread_mutex_lock in a hook\n",
        ),
    ] {
        let source = format!(
            r#"#include <pthread.h>
               #include <stdlib.h>
               extern void trap(int) __attribute__((weak)); static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
               int main(void) {{ (void)lock; trap(1); {does}; return 0; }}"#
        );
        let run = Run::new(compile(&source, &["-O0"])).preload_behind(&traps);
        let outcome = run.without_library().go();
        assert_eq!((outcome.code(), &*outcome.errors()), (120, said));
    }
}
