//! Bad pointers: the kernel says `EFAULT`, and so it does where a hook reads first.

use palisade_tests::{Run, compile, policy};
use serde_json::json;

use crate::errors::allowing;

#[test]
fn a_bad_pointer_gives_what_it_gives_without_the_library() {
    let program = compile(include_str!("pointers.c"), &["-O1"]);
    let run = || Run::new(&program).within(120);
    let natural = run().without_library().go();
    let left_to_the_kernel = natural.text().matches(" 0/14").count();
    assert!(left_to_the_kernel > 230, "{}", natural.story());
    let names = natural.text();
    for sections in [json!({}), allowing("alert"), allowing("prevent")] {
        let ours = run().policy(&policy(sections.clone())).go();
        let said = ours.text();
        let differences: Vec<_> = names
            .lines()
            .zip(said.lines())
            .filter(|(a, b)| a != b)
            .collect();
        assert!(differences.is_empty(), "{sections}: {differences:#?}");
        assert_eq!(
            (ours.code(), said.lines().count(), ours.audits().len()),
            (0, names.lines().count(), 0),
            "{}",
            ours.story()
        );
    }
}
