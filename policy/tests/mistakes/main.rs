//! Every kind of mistake in a policy is said with its place, the value, and what would be right.

mod around;
mod names_and_files;
mod network;
mod processes;
mod rules;

use palisade_policy::{Problem, parse};

fn problems(text: &str) -> Vec<Problem> {
    parse(text.as_bytes()).expect_err(text)
}

fn in_rule(rule: &str) -> String {
    format!("{{\"version\":1,\"rules\":[{{{rule}}}]}}")
}

/// Each row: a rule with one mistake, its place, a part of the value, and parts of the message or of what is expected.
fn each_is_named(rows: &[(&str, &str, &str, &[&str])]) {
    for (rule, place, value, gist) in rows {
        let found = problems(&in_rule(rule));
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        let problem = &found[0];
        assert_eq!(problem.place, *place, "{rule}");
        assert!(problem.value.contains(value), "{rule}: {problem:?}");
        let line = problem.to_string();
        assert!(line.starts_with(&format!("{place}: ")), "{line}");
        assert!(!line.contains('\n'), "{line}");
        for part in *gist {
            assert!(line.contains(part), "{line}\n  lacks {part}");
        }
        assert!(!problem.expected.is_empty(), "{problem:?}");
        assert!(
            problem.line == Some(1) && problem.column.is_some(),
            "{problem:?}"
        );
    }
}
