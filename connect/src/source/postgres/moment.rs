//! Dates and times as PostgreSQL writes them under `DateStyle = ISO` and `TimeZone = UTC`.
//!
//! Days and microseconds count from 2000-01-01. The calendar is the proleptic Gregorian one.

const DAY_US: i64 = 86_400_000_000;
/// Days from 0000-03-01 to 2000-01-01.
const EPOCH_DAYS: i64 = 730_425;

pub(super) fn date(days: i32, out: &mut Vec<u8>) {
    match days {
        i32::MAX => out.extend_from_slice(b"infinity"),
        i32::MIN => out.extend_from_slice(b"-infinity"),
        _ => {
            let bc = calendar(days.into(), out);
            era(bc, out);
        }
    }
}

pub(super) fn time(us: i64, out: &mut Vec<u8>) {
    let us = us.unsigned_abs();
    let (seconds, fraction) = (us / 1_000_000, us % 1_000_000);
    number(seconds / 3600, 2, out);
    out.push(b':');
    number(seconds / 60 % 60, 2, out);
    out.push(b':');
    number(seconds % 60, 2, out);
    if fraction > 0 {
        out.push(b'.');
        number(fraction, 6, out);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// `zone` stands between the time and the era.
pub(super) fn timestamp(us: i64, zone: &str, out: &mut Vec<u8>) {
    match us {
        i64::MAX => out.extend_from_slice(b"infinity"),
        i64::MIN => out.extend_from_slice(b"-infinity"),
        _ => {
            let bc = calendar(us.div_euclid(DAY_US), out);
            out.push(b' ');
            time(us.rem_euclid(DAY_US), out);
            out.extend_from_slice(zone.as_bytes());
            era(bc, out);
        }
    }
}

/// Year, month and day; true before the year 1. (H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`.)
fn calendar(days: i64, out: &mut Vec<u8>) -> bool {
    let shifted = days + EPOCH_DAYS;
    let (cycle, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_cycle = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    let shown = if year > 0 { year } else { 1 - year };
    number(shown.unsigned_abs(), 4, out);
    out.push(b'-');
    number(month.unsigned_abs(), 2, out);
    out.push(b'-');
    number(
        (day_of_year - (153 * month_from_march + 2) / 5 + 1).unsigned_abs(),
        2,
        out,
    );
    year <= 0
}

fn era(bc: bool, out: &mut Vec<u8>) {
    if bc {
        out.extend_from_slice(b" BC");
    }
}

/// At least `width` digits.
fn number(value: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut at) = (value, digits.len());
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[at.min(digits.len() - width)..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(us: i64) -> String {
        let mut out = Vec::new();
        timestamp(us, "+00", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_stand_as_the_server_writes_them() {
        assert_eq!(stamp(0), "2000-01-01 00:00:00+00");
        assert_eq!(stamp(-1), "1999-12-31 23:59:59.999999+00");
        assert_eq!(stamp(500_000), "2000-01-01 00:00:00.5+00");
        assert_eq!(stamp(i64::MAX), "infinity");
        assert_eq!(stamp(-211_813_488_000_000_000), "4714-11-24 00:00:00+00 BC");
        let day = |days| {
            let mut out = Vec::new();
            date(days, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(day(0), "2000-01-01");
        assert_eq!(day(59), "2000-02-29");
        assert_eq!(day(i32::MIN), "-infinity");
        assert_eq!(day(-730_119), "0001-01-01");
        assert_eq!(day(-730_120), "0001-12-31 BC");
        let mut out = Vec::new();
        time(DAY_US, &mut out);
        assert_eq!(out, b"24:00:00");
    }
}
