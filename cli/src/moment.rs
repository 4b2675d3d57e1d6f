//! Moments: as records have them, as people write them, and as tables show them.

use jiff::{Span, Timestamp, tz::TimeZone};

/// Microseconds since 1970 of a timestamp in RFC 3339.
pub fn micros(text: &str) -> Option<i64> {
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_microsecond)
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
