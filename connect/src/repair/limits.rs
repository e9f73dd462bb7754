//! How much one repair may do, whatever was approved.

use super::{RepairError, RowFault, statement};
use model::proposal::SetAside;
use model::{RepairAction, RepairProposal, RepairStep, Value};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq)]
pub struct RepairLimits {
    pub max_rows: usize,
    pub money: Option<MoneyCap>,
    /// How long to wait for the shop's writers before giving up.
    pub lock_timeout_ms: u32,
    /// How long one statement may run (PostgreSQL, MariaDB).
    pub statement_timeout_ms: u32,
    /// Triggers and rules that may run, as `table.trigger` (PostgreSQL, MySQL). Any other one that a
    /// statement of the repair would set off makes the whole fail before anything is written.
    pub allow_triggers: BTreeSet<String>,
    /// Rows that triggers or cascades change beside the repaired one are allowed, and other columns of
    /// the repaired one too. The feed does not know these, and calls them findings.
    pub allow_side_effects: bool,
}

impl Default for RepairLimits {
    fn default() -> Self {
        Self {
            max_rows: 1_000,
            money: None,
            lock_timeout_ms: 2_000,
            statement_timeout_ms: 30_000,
            allow_triggers: BTreeSet::new(),
            allow_side_effects: false,
        }
    }
}

/// At most this much money may be moved: the sum of the differences in these columns, in minor
/// units, whatever the currency. Text that is no number counts as nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MoneyCap {
    /// Table -> its column with the money.
    pub columns: BTreeMap<String, String>,
    pub max_amount_minor: i64,
    /// Decimals of the minor unit in columns that hold major ones (`numeric`, `DECIMAL`): 2 for cents.
    pub decimals: u32,
}

/// What can be told from the proposal alone; gives the money that it moves.
pub(super) fn check(proposal: &RepairProposal, limits: &RepairLimits) -> Result<i128, RepairError> {
    let rows = proposal.steps.len();
    if rows == 0 {
        return Err(RepairError::Empty);
    }
    if rows > limits.max_rows {
        return Err(RepairError::TooManyRows {
            rows,
            most: limits.max_rows,
        });
    }
    for step in &proposal.steps {
        let expects = match step.set_aside {
            SetAside::Mark => !step.expect_after.is_empty(),
            SetAside::Delete => !step.expect_live.is_empty() && step.expect_after.is_empty(),
            SetAside::Entry => !step.expect_live.is_empty() && !step.entry.is_empty(),
        };
        if step.key_values.is_empty() || !expects {
            return Err(RepairError::row(step, RowFault::NothingExpected));
        }
        statement::check(proposal.dialect, step).map_err(|fault| RepairError::row(step, fault))?;
    }
    let Some(cap) = &limits.money else {
        return Ok(0);
    };
    let amount: i128 = proposal.steps.iter().map(|step| cap.moved(step)).sum();
    if amount > i128::from(cap.max_amount_minor) {
        return Err(RepairError::TooMuchMoney {
            amount_minor: amount,
            most_minor: cap.max_amount_minor,
        });
    }
    Ok(amount)
}

impl MoneyCap {
    fn moved(&self, step: &RepairStep) -> i128 {
        let column = self
            .columns
            .iter()
            .find(|(table, _)| table.eq_ignore_ascii_case(&step.table));
        let Some((_, column)) = column else { return 0 };
        let amount = |values: &[(String, Value)]| {
            let mut named = values.iter();
            let found = named.find(|(name, _)| name.eq_ignore_ascii_case(column));
            found.map(|(_, value)| self.minor(value))
        };
        if step.set_aside == SetAside::Entry {
            return amount(&step.entry).unwrap_or(0).saturating_abs();
        }
        let (before, after) = (amount(&step.expect_live), amount(&step.expect_after));
        // A column that the repair does not name stays as it is. A row set aside loses its money.
        let before = before.or(if step.expect_live.is_empty() {
            Some(0)
        } else {
            after
        });
        let after = after.or(if step.action == RepairAction::Void {
            Some(0)
        } else {
            before
        });
        let difference = before.unwrap_or(0).saturating_sub(after.unwrap_or(0));
        difference.saturating_abs()
    }

    /// Away from zero, so that a fraction cannot hide.
    fn minor(&self, value: &Value) -> i128 {
        match value {
            Value::Integer(minor) => i128::from(*minor),
            // `as` saturates.
            Value::Real(minor) => minor.abs().ceil().copysign(*minor) as i128,
            Value::Text(text) => std::str::from_utf8(text)
                .ok()
                .and_then(|text| decimal(text, self.decimals))
                .unwrap_or(0),
            Value::Null | Value::Blob(_) => 0,
        }
    }
}

/// A decimal number as a count of its `decimals`-th places; what is smaller counts as a whole one.
fn decimal(text: &str, decimals: u32) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all(whole) || !all(fraction) {
        return None;
    }
    let places = decimals as usize;
    let (kept, cut) = fraction.split_at(fraction.len().min(places));
    let padded = format!("{whole}{kept}{}", "0".repeat(places - kept.len()));
    let rest = i128::from(cut.bytes().any(|b| b != b'0'));
    let amount = padded.parse().unwrap_or(i128::MAX).saturating_add(rest);
    Some(if negative { -amount } else { amount })
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals_are_counted_in_minor_units() {
        assert_eq!(decimal("12.50", 2), Some(1_250));
        assert_eq!(decimal("-0.001", 2), Some(-1));
        assert_eq!(decimal("7", 2), Some(700));
        assert_eq!(decimal("7.9", 0), Some(8));
        assert_eq!(decimal("1e5", 2), None);
        assert_eq!(decimal("", 2), None);
        assert_eq!(decimal(&"9".repeat(60), 2), Some(i128::MAX));
    }
}
