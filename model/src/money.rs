//! Money in integer minor units; never a float.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in minor units (分, cents) of an ISO 4217 currency.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub amount_minor: i64,
    pub currency: String,
}

impl Money {
    pub fn new(amount_minor: i64, currency: impl Into<String>) -> Self {
        Self {
            amount_minor,
            currency: currency.into(),
        }
    }
    /// Sum in the same currency; `None` on overflow or on mixed currencies.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| self.amount_minor.checked_add(other.amount_minor))
            .flatten()
            .map(|sum| Self::new(sum, self.currency.clone()))
    }
}

/// Digits behind the point: ISO 4217 has 0 for a few and 2 for most currencies.
pub fn digits(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "VND" | "CLP" => 0,
        "KWD" | "BHD" | "TND" => 3,
        _ => 2,
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u64.pow(digits(&self.currency));
        let (sign, abs) = (
            if self.amount_minor < 0 { "-" } else { "" },
            self.amount_minor.unsigned_abs(),
        );
        let whole = (abs / unit).to_string();
        let mut grouped = String::new();
        for (i, c) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(c);
        }
        match digits(&self.currency) {
            0 => write!(f, "{} {sign}{grouped}", self.currency),
            n => write!(
                f,
                "{} {sign}{grouped}.{:0width$}",
                self.currency,
                abs % unit,
                width = n as usize
            ),
        }
    }
}
