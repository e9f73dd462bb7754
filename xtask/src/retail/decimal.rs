//! Decimal text to integer minor units, without a float on the way.

/// Digits of a minor unit: pence.
const DIGITS: usize = 2;

/// What a text of digits and a point means in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Minor {
    Whole(i64),
    /// A number, but not a whole number of minor units.
    Fraction,
}

/// `None` when `text` is no decimal number, or too large for 64 bits.
pub(super) fn minor(text: &str) -> Option<Minor> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > DIGITS {
        return Some(Minor::Fraction);
    }
    let pence: i64 = format!("{whole}{fraction:0<DIGITS$}").parse().ok()?;
    Some(Minor::Whole(sign * pence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_pence_exactly_or_not_at_all() {
        for (text, pence) in [
            ("2.55", 255),
            ("0.1", 10),
            ("7", 700),
            ("11062.06", 1_106_206),
            ("-11062.06", -1_106_206),
            ("0.290", 29),
            ("-0.05", -5),
            ("0", 0),
        ] {
            assert_eq!(minor(text), Some(Minor::Whole(pence)), "{text}");
        }
        assert_eq!(minor("0.001"), Some(Minor::Fraction));
        for bad in [
            "",
            "-",
            ".5",
            "5.",
            "1e3",
            "1,5",
            "+1",
            "--1",
            "1.-5",
            "99999999999999999999",
        ] {
            assert_eq!(minor(bad), None, "{bad}");
        }
    }
}
