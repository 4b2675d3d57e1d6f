//! Which part of time a chart shows: that in which nearly all of it lies. The time of an audit is what its line says, and whoever can write to the
//! log can write a line of the year 1970 or 9999, beside which all that is honest would be one bar.

use std::ops::RangeInclusive;

/// Shorter than this, in microseconds, no time is too short to be looked at.
const SHORTEST: i64 = 3600 * 1_000_000;

/// The whole is this many times as long as the part that is shown in its place: if next to all lies in it, or if only more than half does.
const STRETCHED: i64 = 16;
const FORGED: i64 = 1000;
/// What may be left out for the first of them, in percent.
const FEW: u64 = 5;

/// The part to show, of moments in order (in microseconds) with how many lie in each; `None`: all of it. Counts are those of lines, since what a
/// line says that it stands for may be forged as well.
pub fn shown(moments: &[(i64, u64)]) -> Option<RangeInclusive<i64>> {
    let total: u64 = moments.iter().map(|(_, lines)| lines).sum();
    let mut rest = moments;
    // Once more, as long as it helps: beside the year 9999 that of 1970 looks close.
    while let Some(next) = narrower(rest, total) {
        let from = rest.partition_point(|(at, _)| at < next.start());
        let end = rest.partition_point(|(at, _)| at <= next.end());
        rest = rest.get(from..end).unwrap_or_default();
    }
    (rest.len() < moments.len()).then_some(rest.first()?.0..=rest.last()?.0)
}

fn narrower(moments: &[(i64, u64)], of: u64) -> Option<RangeInclusive<i64>> {
    let (first, last) = (moments.first()?.0, moments.last()?.0);
    let whole = last.saturating_sub(first);
    let total: u64 = moments.iter().map(|(_, lines)| lines).sum();
    // The most that can be had: whoever forges a tenth of the lines must not hide a tenth of the honest ones as well.
    (1..50_u64).find_map(|out| {
        let stretched = if out <= FEW { STRETCHED } else { FORGED };
        let needed = total - total * out / 100;
        if needed == total || needed * 2 <= of {
            return None;
        }
        let (from, to) = densest(moments, needed)?;
        let length = to.saturating_sub(from).max(SHORTEST);
        if whole / stretched < length {
            return None;
        }
        // What lies close by belongs to it.
        let margin = length / 8;
        Some(from.saturating_sub(margin).max(first)..=to.saturating_add(margin).min(last))
    })
}

/// The shortest time in which so many lie.
fn densest(moments: &[(i64, u64)], needed: u64) -> Option<(i64, i64)> {
    let mut best: Option<(i64, i64)> = None;
    let (mut held, mut begin) = (0, moments.iter());
    let mut from = begin.next()?;
    for (to, lines) in moments {
        held += lines;
        while held >= needed {
            if best.is_none_or(|(a, b)| to.saturating_sub(from.0) < b.saturating_sub(a)) {
                best = Some((from.0, *to));
            }
            held -= from.1;
            match begin.next() {
                Some(next) => from = next,
                None => return best,
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600 * 1_000_000;

    /// A line each `step`, so many.
    fn each(from: i64, step: i64, lines: i64) -> Vec<(i64, u64)> {
        (0..lines).map(|line| (from + line * step, 1)).collect()
    }

    fn shown_of(mut moments: Vec<(i64, u64)>) -> Option<RangeInclusive<i64>> {
        moments.sort_unstable();
        shown(&moments)
    }

    #[test]
    fn what_is_honest_is_shown_whole() {
        let day = 24 * HOUR;
        assert_eq!(shown(&[]), None);
        assert_eq!(shown(&[(5, 1)]), None);
        assert_eq!(shown_of(each(0, HOUR / 100, 1000)), None);
        // Nothing but a handful in a month, and a day of much within a week.
        assert_eq!(shown(&[(0, 1), (day, 1), (30 * day, 1)]), None);
        let burst = [each(0, 2 * HOUR, 84), each(3 * day, HOUR / 60, 1440)].concat();
        assert_eq!(shown_of(burst), None);
        // Two busy hours of two months.
        let twice = [each(0, HOUR / 60, 60), each(60 * day, HOUR / 60, 60)].concat();
        assert_eq!(shown_of(twice), None);
    }

    #[test]
    fn what_is_forged_far_away_is_left_out_up_to_nearly_a_half() {
        let begin = 1_700_000_000_000_000;
        let honest = each(begin, HOUR / 1000, 1000);
        let year = 365 * 24 * HOUR;
        for forged in [1, 10, 100, 400, 900] {
            for far in [
                each(begin + 8000 * year, 1, forged),
                each(begin - 50 * year, year / 100, forged),
                // From now to the end of all years.
                each(begin + year, 8 * year, forged),
            ] {
                let part = shown_of([honest.clone(), far].concat());
                let part = part.unwrap_or_else(|| panic!("{forged}"));
                assert!(
                    *part.start() <= begin && *part.end() >= begin + HOUR - HOUR / 1000,
                    "{forged}: nothing honest is left out"
                );
                assert!(part.end() - part.start() < 2 * HOUR, "{forged}");
            }
        }
    }
}
