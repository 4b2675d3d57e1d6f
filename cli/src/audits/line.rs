//! One audit on one line, for a person.

use std::fmt::Write;
use std::ops::Range;

use anstyle::Style;
use palisade_audit::Borrowed;

use super::fold::Group;
use crate::moment;
use crate::output::{DIM, ERROR, GOOD, Page, STRONG, Safe, WARNING, number};

/// `2026-11-20 22:13:20  prevent  pay-invoice  DNS resolution of … denied by a runtime rule.  unlisted-domain, rule payments`
#[derive(Default)]
pub struct Line {
    text: String,
    /// Where what the record says lies in it.
    sentence: Range<usize>,
}

impl Line {
    pub fn fill(&mut self, audit: &Borrowed<'_>, page: &Page) {
        let text = &mut self.text;
        text.clear();
        let (word, style) = effect(audit);
        let [style, dim, strong] = [style, DIM, STRONG].map(|style| page.style(style));
        within(text, dim, |text| when(text, &audit.timestamp));
        text.push_str("  ");
        within(text, style, |text| text.push_str(word));
        let widest = "prevent".len();
        text.extend(std::iter::repeat_n(
            ' ',
            widest.saturating_sub(word.len()) + 2,
        ));
        if !audit.function.is_empty() {
            within(text, strong, |text| Safe::of(&audit.function).add_to(text));
            text.push_str("  ");
        }
        let start = text.len();
        Safe::of(&audit.msg).add_to(text);
        // The arguments where there are any, since the sentence has none.
        if let Some(command) = audit.command.as_ref().filter(|command| !command.is_empty()) {
            text.push_str("  ");
            within(text, dim, |text| {
                text.push_str("$ ");
                Safe::of(command).add_to(text);
            });
        }
        self.sentence = start..text.len();
        text.push_str("  ");
        within(text, dim, |text| {
            Safe::of(&audit.attack).add_to(text);
            if let Some(rule) = &audit.rule {
                text.push_str(", rule ");
                Safe::of(rule).add_to(text);
            }
        });
    }
}

/// Appends what is in this style. Where there is none nothing is asked of it: a line has five of them.
fn within(text: &mut String, style: Style, what: impl FnOnce(&mut String)) {
    // A `String` takes everything.
    if !style.is_plain() {
        let _ = write!(text, "{style}");
    }
    what(text);
    if !style.is_plain() {
        let _ = write!(text, "{style:#}");
    }
}

impl Group {
    /// The line, and `×3 to 22:14:02` behind it.
    pub fn text(&self, page: &mut Page) {
        let [dim, strong] = [DIM, STRONG].map(|style| page.style(style));
        let text = page.text();
        text.push_str(&self.line.text);
        if self.count > 1 {
            let _ = write!(text, "  {strong}×{}{strong:#}", number(self.count));
            if !self.last.is_empty() {
                let _ = write!(text, " {dim}to ");
                when(text, &self.last);
                let _ = write!(text, "{dim:#}");
            }
        }
        text.push('\n');
    }

    /// Live: more of what is on screen already.
    pub fn again(&self, more: u64, page: &mut Page) {
        let [dim, strong] = [DIM, STRONG].map(|style| page.style(style));
        let text = page.text();
        let _ = write!(text, "{dim}");
        when(text, &self.last);
        let sentence = self.line.text.get(self.line.sentence.clone());
        let _ = writeln!(
            text,
            "{dim:#}  {strong}×{}{strong:#} more: {}",
            number(more),
            sentence.unwrap_or_default()
        );
    }
}

fn effect(audit: &Borrowed<'_>) -> (&'static str, Style) {
    match audit.effect.as_deref() {
        Some("prevent") => ("prevent", ERROR),
        Some("alert") => ("alert", WARNING),
        Some("learn") => ("learn", GOOD),
        Some(_) => ("?", WARNING),
        None if audit.level == "ERROR" => ("error", ERROR),
        None if audit.level == "WARN" => ("warning", WARNING),
        None => ("notice", DIM),
    }
}

fn when(text: &mut String, timestamp: &str) {
    match moment::of(timestamp) {
        Some(moment) => text.push_str(&moment),
        None => {
            let _ = write!(text, "{:<19}", Safe::of(timestamp).to_string());
        }
    }
}
