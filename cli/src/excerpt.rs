//! The line of a policy that a problem is in, with the value underlined.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::output::Safe;

/// So many characters of the line are shown on either side: a policy in a variable is one line, however long.
const AROUND: usize = 48;

/// Lines to print below the problem; `None` where the policy has no such place. `line` and `column` are counted from 1, in characters.
pub fn underlined(policy: &str, line: usize, column: usize) -> Option<String> {
    let whole = policy.split('\n').nth(line.checked_sub(1)?)?;
    // Behind the last character stands what is missing.
    let mut places = whole.char_indices().map(|(at, _)| at).chain([whole.len()]);
    let at = places.nth(column.checked_sub(1)?)?;
    if whole.is_empty() {
        return None;
    }
    let (before, rest) = whole.split_at_checked(at)?;
    let (value, after) = rest.split_at_checked(value_length(rest))?;
    let before = Safe::of(before).to_string();
    let cut = before
        .char_indices()
        .rev()
        .nth(AROUND)
        .map_or(0, |(at, _)| at);
    let shown = before.get(cut..)?;
    let dots = if cut > 0 { "…" } else { "" };
    let (value, after) = (beginning(value), beginning(after.trim_end()));
    let start = dots.len() + shown.len();
    let text = format!("{dots}{shown}{value}{after}");
    let snippet = Snippet::source(text)
        .line_start(line)
        .annotation(AnnotationKind::Primary.span(start..start + value.len()));
    let frame = Renderer::styled().render(&[Group::with_level(Level::ERROR).element(snippet)]);
    Some(frame.lines().fold(String::new(), |text, line| {
        text + "  " + line.trim_end() + "\n"
    }))
}

/// The first characters of a text, safe to print.
fn beginning(text: &str) -> String {
    let text = Safe::of(text).to_string();
    match text.char_indices().nth(AROUND) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text,
    }
}

/// The bytes of the value at the beginning of a line's rest: a text with its quotes, a number or a word; of an object or a list its bracket.
fn value_length(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in rest.char_indices() {
        let is_text = rest.starts_with('"');
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' if is_text && at > 0 => return at + 1,
            _ if is_text => {}
            '{' | '[' if at == 0 => return 1,
            ',' | ']' | '}' | ':' | ' ' | '\t' | '\r' => return at.max(character.len_utf8()),
            _ => {}
        }
    }
    rest.len()
}
