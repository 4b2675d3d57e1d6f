//! RFC 3339 without a calendar library: `gmtime_r` may take a lock, and crates for dates may take memory.

/// A moment on `CLOCK_REALTIME` (clock_gettime(2)): seconds since 1970-01-01T00:00:00Z, and nanoseconds into that second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// 0 to 999,999,999; more is taken as 999,999,999.
    pub nanoseconds: u32,
}

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: RFC 3339 has four digits for a year.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;

impl Timestamp {
    /// `YYYY-MM-DDThh:mm:ss.uuuuuuZ`, in ASCII. Years beyond 0000 to 9999 are taken as the nearest moment within.
    #[must_use]
    pub fn rfc3339(self) -> [u8; 27] {
        let seconds = self.seconds.clamp(FIRST, LAST);
        let micros = self.nanoseconds.min(999_999_999) / 1000;
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let second = seconds.rem_euclid(86_400);

        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut text, 0..4, year);
        digits(&mut text, 5..7, month);
        digits(&mut text, 8..10, day);
        digits(&mut text, 11..13, second / 3600);
        digits(&mut text, 14..16, second / 60 % 60);
        digits(&mut text, 17..19, second % 60);
        digits(&mut text, 20..26, i64::from(micros));
        text
    }
}

/// Year, month and day of a count of days since 1970-01-01, in the proleptic Gregorian calendar.
///
/// Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`: a year that begins in March has its leap day last,
/// so that the length of a month does not depend on the year.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468; // since 0000-03-01
    let era = days.div_euclid(146_097); // 400 years
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153; // 0 is March
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The lowest decimal digits of `value`, right-aligned into `place`.
fn digits(text: &mut [u8], place: core::ops::Range<usize>, mut value: i64) {
    for digit in text.get_mut(place).into_iter().flatten().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}
