//! One audit on one line, for a person.

use anstyle::Style;
use palisade_audit::Owned;

use super::fold::Group;
use crate::moment;
use crate::output::{DIM, ERROR, GOOD, STRONG, Safe, WARNING, number};

/// `2026-11-20 22:13:20  prevent  pay-invoice  DNS resolution of … denied by a runtime rule.  unlisted-domain, rule payments  ×3 to 22:14:02`
pub fn text(group: &Group) -> String {
    let audit = &group.audit;
    let (word, style) = effect(audit);
    let mut line = format!(
        "{DIM}{}{DIM:#}  {style}{word:<7}{style:#}  ",
        when(&audit.timestamp)
    );
    if !audit.function.is_empty() {
        line.push_str(&format!(
            "{STRONG}{}{STRONG:#}  ",
            Safe::of(&audit.function)
        ));
    }
    line.push_str(&sentence(audit));
    line.push_str(&format!("  {DIM}{}", Safe::of(&audit.attack)));
    if let Some(rule) = &audit.rule {
        line.push_str(&format!(", rule {}", Safe::of(rule)));
    }
    line.push_str(&format!("{DIM:#}"));
    if group.count > 1 {
        line.push_str(&format!("  {STRONG}×{}{STRONG:#}", number(group.count)));
        if let Some(last) = &group.last {
            line.push_str(&format!(" {DIM}to {}{DIM:#}", when(last)));
        }
    }
    line
}

/// Live: more of what is on screen already.
pub fn again(group: &Group, more: u64) -> String {
    format!(
        "{DIM}{}{DIM:#}  {STRONG}×{}{STRONG:#} more: {}",
        when(group.last.as_deref().unwrap_or(&group.audit.timestamp)),
        number(more),
        sentence(&group.audit)
    )
}

/// What the record says, and the arguments where there are any, since the sentence has none.
pub fn sentence(audit: &Owned) -> String {
    let mut text = Safe::of(&audit.msg).to_string();
    if let Some(command) = audit.command.as_ref().filter(|command| !command.is_empty()) {
        text.push_str(&format!("  {DIM}$ {}{DIM:#}", Safe::of(command)));
    }
    text
}

fn effect(audit: &Owned) -> (&'static str, Style) {
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

fn when(timestamp: &str) -> String {
    match moment::micros(timestamp) {
        Some(micros) => moment::text(micros),
        None => format!("{:<19}", Safe::of(timestamp).to_string()),
    }
}
