//! The measures as a table for people.

use crate::Measure;
use std::fmt::Write as _;

/// A plain table, one line a measure.
pub fn render(measures: &[Measure]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:<28} {:>14} {:<9} {:>14} {:>7}  what",
        "measure", "value", "unit", "machine", "ratio"
    );
    for m in measures {
        let limit = m.limit.map_or(String::new(), figure);
        let ratio = m.ratio.map_or(String::new(), |r| format!("{r:.2}"));
        let _ = writeln!(
            out,
            "{:<28} {:>14} {:<9} {:>14} {:>7}  {}",
            m.name,
            m.value.map_or("-".to_owned(), figure),
            m.unit,
            limit,
            ratio,
            m.how
        );
    }
    out
}

/// Whole numbers with thousands' commas from 1,000 on, two decimals below 100.
fn figure(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn figures_are_readable() {
        assert_eq!(super::figure(1_234_567.4), "1,234,567");
        assert_eq!(super::figure(0.5), "0.50");
        assert_eq!(super::figure(999.0), "999");
    }
}
