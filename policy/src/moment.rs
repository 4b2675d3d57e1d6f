//! Points in time as a policy writes them: RFC 3339, in UTC.

use crate::format;
use crate::net::BadEntry;
use alloc::borrow::ToOwned;
use alloc::string::String;

/// What is expected of one.
pub(crate) const FORM: &str = "a time in UTC such as `2026-12-01T00:00:00Z` (RFC 3339)";

/// Seconds since 1970-01-01 UTC. A fraction is left out of account.
pub(crate) fn seconds(text: &str) -> Result<i64, BadEntry> {
    let bad = |message: &str, expected: &str| {
        Err(BadEntry {
            message: message.to_owned(),
            expected: expected.to_owned(),
        })
    };
    let Some(time) = Time::read(text) else {
        if let Some((year, month, day)) = date(text) {
            let expected = format!("`{year:04}-{month:02}-{day:02}T00:00:00Z`, say");
            return bad("the time of day is missing", &expected);
        }
        return bad("this is not a point in time", FORM);
    };
    let Some(seconds) = time.seconds() else {
        return bad("there is no such day, or no such time of day", FORM);
    };
    match time.zone {
        Zone::Utc => Ok(seconds),
        Zone::Missing => bad("the time zone is missing", "`Z` at the end, for UTC"),
        Zone::Offset(offset) => bad(
            "the time is not in UTC",
            &format!("`{}`", text_of(seconds - offset)),
        ),
    }
}

struct Time {
    date: (i64, i64, i64),
    clock: (i64, i64, i64),
    zone: Zone,
}

enum Zone {
    Utc,
    Missing,
    /// Seconds by which the local time is ahead.
    Offset(i64),
}

impl Time {
    fn read(text: &str) -> Option<Self> {
        let (day, rest) = text.split_once(['T', 't', ' '])?;
        let date = date(day)?;
        let clock = (
            number(rest.get(..2)?)?,
            number(rest.get(2..5)?.strip_prefix(':')?)?,
            number(rest.get(5..8)?.strip_prefix(':')?)?,
        );
        let rest = rest.get(8..)?;
        let rest = match rest.strip_prefix('.') {
            None => rest,
            Some(fraction) => {
                let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
                if !(1..=9).contains(&digits) {
                    return None;
                }
                fraction.get(digits..)?
            }
        };
        let zone = match rest {
            "" => Zone::Missing,
            "Z" | "z" => Zone::Utc,
            _ => {
                let sign = match rest.get(..1)? {
                    "+" => 1,
                    "-" => -1,
                    _ => return None,
                };
                let (hours, minutes) = rest.get(1..)?.split_once(':')?;
                Zone::Offset(sign * (two(hours)? * 3600 + two(minutes)? * 60))
            }
        };
        // A space is what people write and RFC 3339 lets applications take; one spelling is enough.
        let spelled = !text.contains(' ') || !matches!(zone, Zone::Utc);
        spelled.then_some(Self { date, clock, zone })
    }

    fn seconds(&self) -> Option<i64> {
        let ((year, month, day), (hour, minute, second)) = (self.date, self.clock);
        let exists = (1..=12).contains(&month)
            && (1..=days_of(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        exists.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
    }
}

/// `YYYY-MM-DD`
fn date(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Some((number(year)?, two(month)?, two(day)?))
}

fn two(text: &str) -> Option<i64> {
    if text.len() != 2 {
        return None;
    }
    number(text)
}

fn number(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years begin in March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The reverse of [`seconds`].
fn text_of(seconds: i64) -> String {
    let (whole, rest) = (
        seconds.div_euclid(86_400) + 719_468,
        seconds.rem_euclid(86_400),
    );
    let (era, day_of_era) = (whole.div_euclid(146_097), whole.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let part = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * part + 2) / 5 + 1;
    let month = if part < 10 { part + 3 } else { part - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::{seconds, text_of};

    #[test]
    fn seconds_are_those_of_the_calendar() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-12-01T00:00:00Z", 1_796_083_200),
            ("2026-12-01t00:00:00.999999999z", 1_796_083_200),
            ("2038-01-19T03:14:08Z", 2_147_483_648),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_is_read_back() {
        for day in -146_097..146_097 {
            let text = text_of(day * 86_400 + 1);
            assert_eq!(seconds(&text).unwrap(), day * 86_400 + 1, "{text}");
        }
    }

    #[test]
    fn what_is_right_is_said_of_each_mistake() {
        for (text, expected) in [
            ("2026-12-01", "2026-12-01T00:00:00Z"),
            ("2026-12-01T00:30:00+01:00", "2026-11-30T23:30:00Z"),
            ("2026-12-01T00:30:00-00:30", "2026-12-01T01:00:00Z"),
            ("2026-12-01T00:00:00", "`Z` at the end"),
            ("2026-02-29T00:00:00Z", "RFC 3339"),
            ("2026-12-01T24:00:00Z", "RFC 3339"),
            ("2026-12-01T00:00:60Z", "RFC 3339"),
            ("2026-12-01T00:00:00.Z", "RFC 3339"),
            ("2026-12-01 00:00:00Z", "RFC 3339"),
            ("2026-12-01T00:00:00ZZ", "RFC 3339"),
            ("2026-12-01T0:00:00Z", "RFC 3339"),
            ("26-12-01T00:00:00Z", "RFC 3339"),
            ("1 December", "RFC 3339"),
            ("é", "RFC 3339"),
            ("2026-12-01Té0:00:00Z", "RFC 3339"),
        ] {
            let bad = seconds(text).unwrap_err();
            assert!(bad.expected.contains(expected), "{text}: {bad:?}");
        }
    }
}
