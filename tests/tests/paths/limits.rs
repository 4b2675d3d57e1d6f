//! What is known not to be the same, each with the reason.

use std::fs;

use palisade_tests::{Run, policy};
use serde_json::json;

use crate::{furnish, program};

#[test]
fn a_second_hard_link_is_a_file_of_its_own() {
    // Two names of equal right: the kernel itself cannot say which of them a person meant. Entries of a policy should
    // therefore name what cannot be linked to, such as files of another owner (fs.protected_hardlinks, proc_sys_fs(5)).
    let ways = [("a hard link", r#"fd = open("hard", O_RDONLY)"#)];
    let run = Run::new(program(&ways)).arg("0");
    furnish(run.folder());
    // Somebody else made it: the function itself cannot link to what it may not read.
    fs::hard_link(run.folder().join("secret"), run.folder().join("hard")).expect("a hard link");
    let folder = fs::canonicalize(run.folder()).expect("the folder");
    let deny = json!({ "filesystem": { "effect": "prevent", "deny": [folder.join("secret")] } });
    let outcome = run.policy(&policy(deny)).go();
    assert!(
        outcome.text().ends_with(": secret\n"),
        "{}",
        outcome.story()
    );
    assert_eq!(outcome.audits().len(), 0);
}
