//! Exact decimals: what databases print of their numbers, compared, multiplied and added.
//!
//! Deliberately not here: division, and anything that loses a digit. A number that does not fit
//! is none (`None`), and the rules treat it as such: they hold it against the row.

use model::ValueRef;
use std::cmp::Ordering;

/// `mantissa / 10^scale`, without zeros at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

/// Digits that an `i128` surely holds.
const MAX_DIGITS: usize = 38;

/// Digits behind the point in a sum.
const SUM_SCALE: u8 = 12;

/// Greatest amount in a sum, in units of `10^-12`: 10^19, more than any 64-bit integer. Seventeen
/// million of them fit into an `i128`, and adding wraps, so that what is taken out again fits.
const MAX_ADDEND: i128 = 10_i128.pow(31);

impl Decimal {
    pub const ZERO: Self = Self {
        mantissa: 0,
        scale: 0,
    };

    fn new(mantissa: i128, scale: u8) -> Self {
        let (mut mantissa, mut scale) = (mantissa, scale);
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }

    /// Reads `-12.50` as databases write it. No exponent, no sign `+`, no blanks, and no zeros in
    /// front: `007` is a code and not the number 7.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let point = digits.iter().position(|b| *b == b'.');
        let (whole, part) = match point {
            Some(at) => (&digits[..at], &digits[at + 1..]),
            None => (digits, &[][..]),
        };
        let is_whole = match whole {
            [] => false,
            [b'0'] => true,
            [first, ..] => *first != b'0',
        };
        if !is_whole || point.is_some() && part.is_empty() {
            return None;
        }
        let end = part.iter().rposition(|b| *b != b'0').map_or(0, |at| at + 1);
        let kept = &part[..end];
        if whole.len() + kept.len() > MAX_DIGITS || !part.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut mantissa: i128 = 0;
        for digit in whole.iter().chain(kept) {
            if !digit.is_ascii_digit() {
                return None;
            }
            mantissa = mantissa
                .checked_mul(10)?
                .checked_add(i128::from(digit - b'0'))?;
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        Some(Self::new(mantissa, kept.len() as u8))
    }

    /// The number that a value holds: integers, texts that are decimals, and reals as their
    /// shortest decimal. NULL, other texts, blobs, NaN and the infinities are no numbers.
    pub fn of(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(i) => Some(Self::new(i128::from(i), 0)),
            ValueRef::Text(text) => Self::parse(text),
            // Negative zero prints as `-0`.
            ValueRef::Real(r) => Self::parse(r.to_string().as_bytes()),
            _ => None,
        }
    }

    pub fn times(self, other: Self) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        Some(Self::new(mantissa, self.scale.checked_add(other.scale)?))
    }

    /// In units of `10^-digits`; digits beyond are rounded away from zero, so that money at risk
    /// is never said too low.
    pub fn in_units(self, digits: u32) -> Option<i128> {
        let scale = u32::from(self.scale);
        if scale <= digits {
            return self
                .mantissa
                .checked_mul(10_i128.checked_pow(digits - scale)?);
        }
        let unit = 10_i128.checked_pow(scale - digits)?;
        let whole = self.mantissa / unit;
        Some(if self.mantissa % unit == 0 {
            whole
        } else {
            whole + self.mantissa.signum()
        })
    }

    pub(crate) fn to_bytes(self) -> [u8; 18] {
        let mut bytes = [1; 18];
        bytes[1] = self.scale;
        bytes[2..].copy_from_slice(&self.mantissa.to_be_bytes());
        bytes
    }

    fn is_negative(self) -> bool {
        self.mantissa < 0
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.is_negative() != other.is_negative() {
            return other.is_negative().cmp(&self.is_negative());
        }
        let unit = |scale: u8| 10_i128.checked_pow(u32::from(scale)).unwrap_or(i128::MAX);
        let (a, b) = (unit(self.scale), unit(other.scale));
        // Whole parts first: what is behind the point then fits at the greater scale.
        let whole = (self.mantissa / a).cmp(&(other.mantissa / b));
        let scale = self.scale.max(other.scale);
        let part =
            |of: &Self, own: i128| (of.mantissa % own).saturating_mul(unit(scale - of.scale));
        whole.then_with(|| part(self, a).cmp(&part(other, b)))
    }
}

/// How two values compare as numbers; `None` when one of them is no number.
pub fn compare(a: ValueRef<'_>, b: ValueRef<'_>) -> Option<Ordering> {
    if let (ValueRef::Real(a), ValueRef::Real(b)) = (a, b) {
        return a.partial_cmp(&b);
    }
    Some(Decimal::of(a)?.cmp(&Decimal::of(b)?))
}

/// One part of a sum, in units of `10^-12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addend {
    pub units: i128,
    /// It came from a floating number, which the shop itself may have rounded.
    pub real: bool,
}

impl Addend {
    pub const ZERO: Self = Self {
        units: 0,
        real: false,
    };

    /// A value, `times` another where given. NULL counts as 0; `None`: no number, or one with
    /// more digits than a sum has.
    pub fn of(value: ValueRef<'_>, times: Option<ValueRef<'_>>) -> Option<Self> {
        let times = times.unwrap_or(ValueRef::Integer(1));
        if value == ValueRef::Null || times == ValueRef::Null {
            return Some(Self::ZERO);
        }
        let real = matches!(value, ValueRef::Real(_)) || matches!(times, ValueRef::Real(_));
        let product = Decimal::of(value)?.times(Decimal::of(times)?)?;
        if product.scale > SUM_SCALE && !real {
            return None;
        }
        let units = product.in_units(u32::from(SUM_SCALE))?;
        (units.abs() <= MAX_ADDEND).then_some(Self { units, real })
    }

    /// Added, and taken out again, without loss.
    pub fn plus(self, other: Self) -> Self {
        Self {
            units: self.units.wrapping_add(other.units),
            real: self.real || other.real,
        }
    }

    pub fn negated(self) -> Self {
        Self {
            units: self.units.wrapping_neg(),
            ..self
        }
    }

    /// Whether the difference of two sums is none. Floating numbers may differ by a thousand
    /// millionth of `size`: they were added in another order.
    pub fn is_nothing(self, within: i128, size: i128) -> bool {
        let floating = if self.real {
            (size.saturating_abs() / 1_000_000_000).max(1_000)
        } else {
            0
        };
        self.units.saturating_abs() <= within.max(floating)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> ValueRef<'_> {
        ValueRef::Text(text.as_bytes())
    }

    #[test]
    fn numbers_are_read_as_databases_write_them() {
        let is = |a: &str, b: &str| Decimal::parse(a.as_bytes()) == Decimal::parse(b.as_bytes());
        assert!(is("1.0", "1.00") && is("-0", "0") && is("-0.00", "0") && is("10", "10.0"));
        assert!(!is("1.0", "1.01") && !is("1", "-1"));
        for wrong in [
            "", "-", ".", "1.", ".5", "007", "00", "+1", " 1", "1 ", "1e3", "NaN", "Infinity",
            "0x1", "1.2.3", "--1", "1,000", "１",
        ] {
            assert_eq!(Decimal::parse(wrong.as_bytes()), None, "{wrong}");
        }
        let long = format!("{}.{}", "9".repeat(30), "0".repeat(500));
        assert!(is(&long, &"9".repeat(30)));
        assert_eq!(Decimal::parse("9".repeat(39).as_bytes()), None);
    }

    #[test]
    fn numbers_of_any_size_and_kind_compare() {
        let check = |a, b, expected| assert_eq!(compare(a, b), expected, "{a} {b}");
        check(text("12.5"), text("12.50"), Some(Ordering::Equal));
        check(text("-2"), text("-10"), Some(Ordering::Greater));
        check(ValueRef::Integer(2), text("10"), Some(Ordering::Less));
        check(ValueRef::Real(0.1), text("0.1"), Some(Ordering::Equal));
        check(text("0.1"), text("-0.1"), Some(Ordering::Greater));
        let (big, small) = ("9".repeat(38), format!("0.{}1", "0".repeat(36)));
        check(text(&big), text(&small), Some(Ordering::Greater));
        check(text(&small), text("0"), Some(Ordering::Greater));
        check(ValueRef::Real(f64::NAN), ValueRef::Real(1.0), None);
        check(ValueRef::Real(f64::NAN), ValueRef::Integer(1), None);
        check(ValueRef::Null, ValueRef::Integer(1), None);
        check(text("abc"), text("abc"), None);
    }

    #[test]
    fn money_is_never_rounded_down() {
        let minor = |text: &str, digits| Decimal::parse(text.as_bytes())?.in_units(digits);
        assert_eq!(minor("12.50", 2), Some(1250));
        assert_eq!(minor("12.5000", 2), Some(1250));
        assert_eq!(minor("12.501", 2), Some(1251));
        assert_eq!(minor("-12.501", 2), Some(-1251));
        assert_eq!(minor("1250", 0), Some(1250));
    }

    proptest! {
        #[test]
        fn order_is_that_of_the_numbers(a in -9999_i64..9999, b in -9999_i64..9999, zeros in 0_usize..4) {
            let shown = |i: i64, zeros| {
                let sign = if i < 0 { "-" } else { "" };
                format!("{sign}{}.{:02}{}", i.abs() / 100, i.abs() % 100, "0".repeat(zeros))
            };
            let (x, y) = (shown(a, zeros), shown(b, 0));
            prop_assert_eq!(compare(text(&x), text(&y)), Some(a.cmp(&b)));
            let sum = Addend::of(text(&x), None).unwrap().plus(Addend::of(text(&y), None).unwrap());
            let expected = shown(a + b, 1);
            prop_assert_eq!(Some(sum), Addend::of(text(&expected), None));
        }
    }
}
