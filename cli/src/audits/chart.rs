//! Tables with a bar beside each count.

use crate::output::{DIM, GOOD, Page, STRONG, Safe, number};

/// Columns of the longest bar.
const WIDTH: u64 = 24;
/// Columns of a value; longer ones are cut in the middle, since the ends of paths and names tell them apart.
const VALUE: usize = 64;

/// A table: value, count, bar.
pub fn table(page: &mut Page, title: &str, rows: &[(String, u64)], rest: (usize, u64)) {
    page.line("");
    page.line(format_args!("{STRONG}{title}{STRONG:#}"));
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let shown: Vec<String> = rows.iter().map(|(value, _)| cut(value)).collect();
    let width = shown
        .iter()
        .map(|value| value.chars().count())
        .max()
        .unwrap_or(0);
    let digits = number(most).len();
    for (value, (_, count)) in shown.iter().zip(rows) {
        let pad = width.saturating_sub(value.chars().count());
        page.line(format_args!(
            "  {value}{:pad$}  {:>digits$}  {GOOD}{}{GOOD:#}",
            "",
            number(*count),
            bar(*count, most)
        ));
    }
    let (values, count) = rest;
    if count > 0 {
        page.line(format_args!(
            "  {DIM}and {} more, {} in all{DIM:#}",
            number(values as u64),
            number(count)
        ));
    }
}

/// Eighths of a column.
pub fn bar(count: u64, most: u64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths =
        u64::try_from(u128::from(count) * u128::from(WIDTH) * 8 / u128::from(most.max(1)))
            .unwrap_or(0)
            .max(u64::from(count > 0));
    let mut bar = "█".repeat(usize::try_from(eighths / 8).unwrap_or(0));
    bar.push_str(
        PARTS
            .get(usize::try_from(eighths % 8).unwrap_or(0))
            .unwrap_or(&""),
    );
    bar
}

fn cut(value: &str) -> String {
    if value.is_empty() {
        return "(none)".to_owned();
    }
    let safe: Vec<char> = Safe::of(value).to_string().chars().collect();
    if safe.len() <= VALUE {
        return safe.into_iter().collect();
    }
    let half = (VALUE - 1) / 2;
    let (head, tail) = (safe.get(..half), safe.get(safe.len() - half..));
    head.into_iter()
        .flatten()
        .chain(&['…'])
        .chain(tail.into_iter().flatten())
        .collect()
}
