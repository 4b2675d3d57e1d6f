//! Moments: as records have them, as people write them, and as tables show them.

use jiff::{Span, Timestamp, tz::TimeZone};

/// Microseconds since 1970 of a timestamp in RFC 3339.
pub fn micros(text: &str) -> Option<i64> {
    // As the library writes it. A log can be millions of these, and a parser of all forms takes long for each.
    written(text.as_bytes()).or_else(|| {
        text.parse::<Timestamp>()
            .ok()
            .map(Timestamp::as_microsecond)
    })
}

/// The same of a timestamp with six digits of microseconds, in UTC. `None`: it has another form, or there is no such moment.
fn written(text: &[u8]) -> Option<i64> {
    const FORM: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";
    let text: &[u8; 27] = text.try_into().ok()?;
    let fits = text.iter().zip(FORM).fold(true, |fits, (byte, form)| {
        fits & if *form == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == form
        }
    });
    if !fits {
        return None;
    }
    let [
        y0,
        y1,
        y2,
        y3,
        _,
        m0,
        m1,
        _,
        d0,
        d1,
        _,
        h0,
        h1,
        _,
        n0,
        n1,
        _,
        s0,
        s1,
        _,
        fraction @ ..,
    ] = text;
    let number = |digits: &[u8]| {
        digits
            .iter()
            .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
    };
    let (year, month, day) = (
        number(&[*y0, *y1, *y2, *y3]),
        number(&[*m0, *m1]),
        number(&[*d0, *d1]),
    );
    let (hour, minute, second) = (
        number(&[*h0, *h1]),
        number(&[*n0, *n1]),
        number(&[*s0, *s1]),
    );
    // The last days of some months, and a second that was put in, are for the other parser to know.
    if !(1..=12).contains(&month)
        || !(1..=28).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    // Days since 1970 in years that begin in March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000 + number(fraction.split_last()?.1))
}

/// [`text`] of a timestamp in RFC 3339.
pub fn of(timestamp: &str) -> Option<String> {
    let micros = micros(timestamp)?;
    // In UTC, and with all its digits, it is there already.
    if let (Some((date, rest)), true) = (timestamp.split_once('T'), timestamp.ends_with('Z'))
        && let (10, Some(time)) = (date.len(), rest.get(..8))
        && time.bytes().filter(|byte| *byte == b':').count() == 2
    {
        return Some(format!("{date} {time}"));
    }
    Some(text(micros))
}

/// Seconds since 1970.
pub fn now() -> i64 {
    Timestamp::now().as_second()
}

/// `2026-11-20 22:13:20`, UTC, of microseconds since 1970.
pub fn text(micros: i64) -> String {
    format(micros, "%Y-%m-%d %H:%M:%S")
}

/// As strftime(3) writes it, in UTC.
pub fn format(micros: i64, format: &str) -> String {
    Timestamp::from_microsecond(micros)
        .map(|moment| moment.strftime(format).to_string())
        .unwrap_or_default()
}

/// What `--since` and `--until` take: a moment (`2026-11-20`, `2026-11-20 22:13`, RFC 3339), in UTC unless it says otherwise, or how long ago
/// (`15m`, `2h30m`, `3 days`).
pub fn parse(text: &str) -> Result<i64, String> {
    parse_at(text, Timestamp::now())
}

fn parse_at(text: &str, now: Timestamp) -> Result<i64, String> {
    let text = text.trim();
    if text == "now" {
        return Ok(now.as_microsecond());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.as_microsecond());
    }
    if let Ok(date) = text.parse::<jiff::civil::DateTime>() {
        return date
            .to_zoned(TimeZone::UTC)
            .map(|moment| moment.timestamp().as_microsecond())
            .map_err(|cause| cause.to_string());
    }
    let ago = text.strip_suffix("ago").unwrap_or(text).trim();
    if let Ok(span) = ago.parse::<Span>() {
        let span = if span.is_negative() { -span } else { span };
        return now
            .to_zoned(TimeZone::UTC)
            .checked_sub(span)
            .map(|moment| moment.timestamp().as_microsecond())
            .map_err(|cause| cause.to_string());
    }
    Err("a moment is needed, as 2026-11-20, `2026-11-20 22:13` or 2026-11-20T22:13:20Z, or how long ago, as 15m, 2h or 3d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_as_it_is_written_is_the_moment_that_any_parser_reads() {
        let slowly = |text: &str| {
            text.parse::<Timestamp>()
                .ok()
                .map(Timestamp::as_microsecond)
        };
        for year in (0..10_000).step_by(7).chain([1900, 1970, 2000, 2026, 9999]) {
            for (month, day) in [(1, 1), (2, 28), (3, 1), (12, 28), (6, 15)] {
                let text = format!("{year:04}-{month:02}-{day:02}T23:59:59.000123Z");
                assert_eq!(written(text.as_bytes()), slowly(&text), "{text}");
                assert_eq!(micros(&text), slowly(&text), "{text}");
            }
        }
        for text in [
            "2026-02-31T00:00:00.000000Z",
            "2024-02-29T00:00:00.000000Z",
            "2026-02-29T00:00:00.000000Z",
            "2026-13-01T00:00:00.000000Z",
            "2026-00-01T00:00:00.000000Z",
            "2026-01-00T00:00:00.000000Z",
            "2026-01-01T24:00:00.000000Z",
            "2026-01-01T00:60:00.000000Z",
            "2026-12-31T23:59:60.000000Z",
            "2026-01-01T00:00:00.00000éZ",
            "2026-01-01T00:00:00.000000z",
            "2026-01-01 00:00:00.000000Z",
            "2026-01-01T00:00:00.00000Z",
            "2026-01-01T00:00:00Z",
            "",
        ] {
            assert_eq!(micros(text), slowly(text), "{text}");
        }
    }

    #[test]
    fn moments_and_spans_are_read() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a moment");
        for (text, moment) in [
            ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
            ("2026-11-20T10:00:00+02:00", "2026-11-20T08:00:00Z"),
            ("2026-11-20 10:30", "2026-11-20T10:30:00Z"),
            ("2026-11-19", "2026-11-19T00:00:00Z"),
            ("15m", "2026-11-20T11:45:00Z"),
            ("2h30m", "2026-11-20T09:30:00Z"),
            ("3d", "2026-11-17T12:00:00Z"),
            ("1 week ago", "2026-11-13T12:00:00Z"),
            ("now", "2026-11-20T12:00:00Z"),
        ] {
            assert_eq!(parse_at(text, now).ok(), micros(moment), "{text}");
        }
        for text in ["", "yesterday-ish", "25:00", "2026-13-01", "h"] {
            assert!(parse_at(text, now).is_err(), "{text}");
        }
    }
}
