//! Moments as text, against dates that are known.

use palisade_audit::Timestamp;

fn text(seconds: i64, nanoseconds: u32) -> String {
    String::from_utf8(
        Timestamp {
            seconds,
            nanoseconds,
        }
        .rfc3339()
        .to_vec(),
    )
    .expect("ASCII")
}

#[test]
fn known_moments_read_as_they_should() {
    // `date -u -d @SECONDS +%Y-%m-%dT%H:%M:%S`
    for (seconds, expected) in [
        (0, "1970-01-01T00:00:00"),
        (-1, "1969-12-31T23:59:59"),
        (-86_400, "1969-12-31T00:00:00"),
        (951_782_400, "2000-02-29T00:00:00"),
        (951_868_800, "2000-03-01T00:00:00"),
        (1_077_926_399, "2004-02-27T23:59:59"),
        (1_709_164_800, "2024-02-29T00:00:00"),
        (1_735_689_599, "2024-12-31T23:59:59"),
        (2_147_483_648, "2038-01-19T03:14:08"),
        (4_107_542_399, "2100-02-28T23:59:59"),
        (4_107_542_400, "2100-03-01T00:00:00"), // 2100 is no leap year
        (-2_203_977_600, "1900-02-28T00:00:00"),
        (-2_203_891_200, "1900-03-01T00:00:00"), // nor was 1900
        (-11_676_096_000, "1600-01-01T00:00:00"),
        (253_402_300_799, "9999-12-31T23:59:59"),
        (-62_167_219_200, "0000-01-01T00:00:00"),
    ] {
        assert_eq!(text(seconds, 0), format!("{expected}.000000Z"), "{seconds}");
    }
}

#[test]
fn the_fraction_counts_forward_before_1970_too() {
    assert_eq!(text(-1, 999_999_999), "1969-12-31T23:59:59.999999Z");
    assert_eq!(text(0, 1_999), "1970-01-01T00:00:00.000001Z");
}

#[test]
fn moments_beyond_four_digits_of_year_become_the_nearest() {
    assert_eq!(text(i64::MAX, u32::MAX), "9999-12-31T23:59:59.999999Z");
    assert_eq!(text(i64::MIN, 0), "0000-01-01T00:00:00.000000Z");
}

#[test]
fn every_day_of_800_years_follows_the_day_before() {
    let (mut year, mut month, mut day) = (1600, 1, 1);
    for days in 0..292_194 {
        let seconds = -11_676_096_000 + days * 86_400;
        assert_eq!(
            text(seconds, 0),
            format!("{year:04}-{month:02}-{day:02}T00:00:00.000000Z")
        );
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > length {
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
}
