//! Problems and lints as a person wants them: what, where, and what would be right.

use std::ffi::OsStr;

use palisade_policy::{Lint, Problem};

use crate::excerpt;
use crate::output::{self, DIM, ERROR, STRONG, Safe, WARNING};

/// Everything that is wrong with the policy called `name`, from its top to its bottom. `policy` is its text, as far as a person wrote one.
pub fn problems(text: &mut String, name: &OsStr, policy: &str, problems: &[Problem]) {
    let mut ordered: Vec<&Problem> = problems.iter().collect();
    ordered.sort_by_key(|problem| (problem.line, problem.column));
    for problem in ordered {
        let message = spoken(&problem.value, &problem.message);
        output::line(
            text,
            format_args!(
                "{ERROR}error{ERROR:#}{STRONG}: {}{STRONG:#}",
                Safe::of(&message)
            ),
        );
        place(text, name, &problem.place, problem.line, problem.column);
        if let (Some(line), Some(column)) = (problem.line, problem.column) {
            text.push_str(&excerpt::underlined(policy, line, column).unwrap_or_default());
        }
        if !problem.expected.is_empty() {
            output::line(
                text,
                format_args!("  {DIM}expected{DIM:#} {}", Safe::of(&problem.expected)),
            );
        }
        text.push('\n');
    }
}

/// What is legal and probably not meant.
pub fn lints(text: &mut String, name: &OsStr, lints: &[Lint]) {
    for lint in lints {
        let message = spoken(&lint.value, &lint.message);
        output::line(
            text,
            format_args!(
                "{WARNING}warning{WARNING:#}[{}]{STRONG}: {}{STRONG:#}",
                lint.code,
                Safe::of(&message)
            ),
        );
        place(text, name, &lint.place, None, None);
        text.push('\n');
    }
}

/// What is as it should be, and may be good to know.
pub fn note(text: &mut String, name: &OsStr, code: &str, message: &str) {
    output::line(
        text,
        format_args!("{STRONG}note{STRONG:#}: {message} ({code})"),
    );
    place(text, name, "", None, None);
    text.push('\n');
}

fn spoken(value: &str, message: &str) -> String {
    if value.is_empty() {
        message.to_owned()
    } else {
        format!("{value}: {message}")
    }
}

/// `  at policy.json:7:12, rules[0].dns.allow[1]`: file, line and column as editors and CI take them for a link.
fn place(text: &mut String, name: &OsStr, place: &str, line: Option<usize>, column: Option<usize>) {
    let mut at = Safe::of(name).to_string();
    for number in [line, column].into_iter().flatten() {
        at.push(':');
        at.push_str(&number.to_string());
    }
    if !place.is_empty() {
        at.push_str(", ");
        at.push_str(&Safe::of(place).to_string());
    }
    output::line(text, format_args!("  {DIM}at{DIM:#} {at}"));
}
