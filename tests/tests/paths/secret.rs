//! One file, and every way to it.

use std::fs;

use palisade_tests::{Log, Run, policy, records};
use serde_json::json;

use crate::{Way, furnish, program};

/// Ways to read `secret`, which is there.
#[rustfmt::skip]
const TO_READ: &[Way] = &[
    ("its name", r#"fd = open(text("%s/secret", root), O_RDONLY)"#),
    ("a relative name", r#"fd = open("secret", O_RDONLY)"#),
    ("a dot before it", r#"fd = open("./secret", O_RDONLY)"#),
    ("doubled slashes", r#"fd = open(text("/%s//secret", root), O_RDONLY)"#),
    ("a way down and up", r#"fd = open("dir/../secret", O_RDONLY)"#),
    ("more ways up than there are", r#"fd = open(text("/../../../%s/secret", root), O_RDONLY)"#),
    ("from below", r#"if (chdir("dir")) abort(); fd = open("../secret", O_RDONLY)"#),
    ("a link", r#"fd = open("link", O_RDONLY)"#),
    ("a link to a link", r#"fd = open("chain", O_RDONLY)"#),
    ("an absolute link", r#"fd = open("absolute", O_RDONLY)"#),
    ("a link that goes up", r#"fd = open("dir/up", O_RDONLY)"#),
    ("up from the target of a link", r#"fd = open("jump/../../secret", O_RDONLY)"#),
    ("a link to here", r#"fd = open("here/here/secret", O_RDONLY)"#),
    ("a link through /proc", r#"fd = open("magic", O_RDONLY)"#),
    ("a directory's descriptor", r#"fd = openat(open(".", O_PATH), "secret", O_RDONLY)"#),
    ("a deeper directory's descriptor", r#"fd = openat(open("dir", O_RDONLY), "../link", O_RDONLY)"#),
    ("a directory's descriptor that does not matter", r#"fd = openat(-1, text("%s/secret", root), O_RDONLY)"#),
    ("/proc/self/root", r#"fd = open(text("/proc/self/root%s/secret", root), O_RDONLY)"#),
    ("/proc/self/cwd", r#"fd = open("/proc/self/cwd/secret", O_RDONLY)"#),
    ("/proc/thread-self/root", r#"fd = open(text("/proc/thread-self/root%s/secret", root), O_RDONLY)"#),
    ("/proc/PID/cwd", r#"fd = open(text("/proc/%d/cwd/secret", getpid()), O_RDONLY)"#),
    ("/proc/self/task/TID/root", r#"fd = open(text("/proc/self/task/%d/root%s/secret", getpid(), root), O_RDONLY)"#),
    ("/proc/self/fd of its pin", r#"other = open("secret", O_PATH); fd = open(text("/proc/self/fd/%d", other), O_RDONLY)"#),
    ("/dev/fd of its pin", r#"other = open("secret", O_PATH); fd = open(text("/dev/fd/%d", other), O_RDONLY)"#),
    ("/proc/self/fd of its folder", r#"other = open(".", O_PATH); fd = open(text("/proc/self/fd/%d/secret", other), O_RDONLY)"#),
    ("relative to /proc/self/fd", r#"other = open("secret", O_PATH); fd = openat(open("/proc/self/fd", O_PATH), text("%d", other), O_RDONLY)"#),
    ("not following", r#"fd = open("secret", O_RDONLY | O_NOFOLLOW)"#),
    ("not following the last link", r#"fd = open("here/secret", O_RDONLY | O_NOFOLLOW)"#),
    ("truncating", r#"fd = open("link", O_RDONLY | O_TRUNC)"#),
    ("perhaps creating", r#"fd = open("link", O_RDWR | O_CREAT, 0600)"#),
    ("creating through creat", r#"fd = creat("chain", 0600)"#),
    ("fopen", r#"fd = stream(fopen("chain", "r"))"#),
    ("fopen to change", r#"fd = stream(fopen("link", "r+"))"#),
    ("fopen to write", r#"fd = stream(fopen("jump/../../secret", "w"))"#),
    ("flags that nobody knows", r#"fd = open("secret", O_RDONLY | 0x40000000)"#),
    ("a vfork child's eyes", r#"int status; if (vfork() == 0) _exit((fd = open("link", O_RDONLY)) >= 0); wait(&status); if (fd >= 0) errno = 4242"#),
];

/// Ways to read `secret` that do not give the same descriptor yet.
#[rustfmt::skip]
const DIFFERENT: &[Way] = &[
    ("/proc/self/fd of its pin after it was deleted", r#"other = open("secret", O_PATH); raw_unlink("secret"); fd = open(text("/proc/self/fd/%d", other), O_RDONLY)"#),
];

/// Ways to create `secret.new`, which is not there.
#[rustfmt::skip]
const TO_CREATE: &[Way] = &[
    ("its name", r#"fd = open(text("%s/secret.new", root), O_RDWR | O_CREAT, 0600)"#),
    ("a relative name", r#"fd = open("dir/../secret.new", O_RDWR | O_CREAT, 0600)"#),
    ("a link to nothing", r#"fd = open("dangling", O_RDWR | O_CREAT, 0600)"#),
    ("a chain of links to nothing", r#"fd = open("chain.new", O_RDWR | O_CREAT, 0600)"#),
    ("a link in its folder's name", r#"fd = open("here/secret.new", O_RDWR | O_CREAT | O_EXCL, 0600)"#),
    ("/proc/self/cwd", r#"fd = open("/proc/self/cwd/secret.new", O_RDWR | O_CREAT, 0600)"#),
    ("a directory's descriptor", r#"fd = openat(open("dir", O_PATH), "../secret.new", O_RDWR | O_CREAT, 0600)"#),
    ("creat", r#"fd = creat("chain.new", 0600)"#),
    ("fopen", r#"fd = stream(fopen("dangling", "w"))"#),
    ("fopen to append", r#"fd = stream(fopen("here/secret.new", "a+"))"#),
    ("fopen that must be the first", r#"fd = stream(fopen("here/secret.new", "wx"))"#),
];

fn every_way(ways: &[Way], creates: bool) {
    let program = program(ways);
    for (index, (way, _)) in ways.iter().enumerate() {
        let make = || {
            let run = Run::new(&program).arg(index.to_string());
            furnish(run.folder());
            run
        };
        let run = make();
        let folder = fs::canonicalize(run.folder()).expect("the folder");
        let secret = folder.join(if creates { "secret.new" } else { "secret" });
        let deny = json!({ "filesystem": { "effect": "prevent", "deny": [secret] } });
        let refused = run.policy(&policy(deny)).go();
        assert_eq!(
            refused.text(),
            "-1 errno 13\n",
            "{way}: {}",
            refused.story()
        );
        let audits = refused.audits();
        assert_eq!(
            audits.len(),
            1,
            "exactly one audit line for {way}: {}",
            refused.story()
        );
        assert_eq!(audits[0].path.as_deref(), secret.to_str(), "{way}");
        let content = fs::read_to_string(&secret).ok();
        if creates {
            assert_eq!(content, None, "{way}: it was created all the same");
        } else if !way.contains("deleted") {
            assert_eq!(
                content.as_deref(),
                Some("secret"),
                "{way}: it was changed all the same"
            );
        }

        let natural = make().without_library().go();
        assert!(
            !natural.text().starts_with("-1"),
            "{way} is no way: {}",
            natural.story()
        );
        let other = json!({ "filesystem": { "effect": "prevent", "deny": ["/none/such"] } });
        let allowed = make().policy(&policy(other)).go();
        assert_eq!(
            allowed.text(),
            natural.text(),
            "{way}, to a file that is allowed"
        );
        assert_eq!(
            allowed.audits().len(),
            0,
            "{way}, to a file that is allowed"
        );
        let run = make();
        let folder = fs::canonicalize(run.folder()).expect("the folder");
        let deny = json!({ "filesystem": { "effect": "alert", "deny": [folder.join("secret*")] } });
        let alerted = run.policy(&policy(deny)).log(Log::Unset).go();
        assert_eq!(alerted.text(), natural.text(), "{way}, with an alert");
        assert_eq!(records(&alerted.stderr).len(), 1, "{way}, with an alert");
    }
}

#[test]
fn a_denied_file_cannot_be_opened_by_any_name() {
    every_way(TO_READ, false);
}

#[test]
fn a_denied_file_cannot_be_created_by_any_name() {
    every_way(TO_CREATE, true);
}

#[test]
fn a_denied_file_cannot_be_opened_after_it_was_deleted() {
    every_way(DIFFERENT, false);
}
