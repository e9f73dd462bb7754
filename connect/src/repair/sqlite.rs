//! Applies an approved repair to a SQLite shop, in one transaction of its database.
//!
//! What stands between an approval and harm, in order:
//! 1. caps on rows and money, and only plain `INSERT`, `UPDATE` or `DELETE` statements on the
//!    step's own table;
//! 2. `BEGIN IMMEDIATE`: from here on nobody else writes, so what is checked stays so;
//! 3. every row must stand as it stood when the repair was proposed, else nothing is done;
//! 4. the first step is applied and read back alone before the others are touched;
//! 5. each statement must change exactly one row, and nothing beside it through triggers or
//!    cascades unless the limits allow that; each row is read back;
//! 6. no foreign key may be broken that was whole before.
//!
//! Whatever fails rolls everything back. Deliberately not here: who may approve, and which
//! columns a policy allows; the statements were built and shown before.

mod refusal;
mod statement;

pub use refusal::{RepairError, RowFault};

use crate::source::sqlite::{bound, quoted, value_of};
use model::{RepairProposal, RepairStep, Value};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params_from_iter};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub struct RepairLimits {
    pub max_rows: usize,
    pub money: Option<MoneyCap>,
    /// How long to wait for the shop's writers before giving up.
    pub lock_timeout_ms: u32,
    /// Rows that triggers or cascades change beside the repaired one are allowed.
    pub allow_side_effects: bool,
}

impl Default for RepairLimits {
    fn default() -> Self {
        Self {
            max_rows: 1_000,
            money: None,
            lock_timeout_ms: 2_000,
            allow_side_effects: false,
        }
    }
}

/// At most this much money may be moved: the sum of the differences in these columns, in minor
/// units, whatever the currency. Text in such a column counts as nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct MoneyCap {
    /// Table -> its column with the money.
    pub columns: BTreeMap<String, String>,
    pub max_amount_minor: i64,
}

/// What was done, or would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub rows: usize,
    /// Rows that triggers or cascades changed beside them.
    pub side_effects: u64,
    pub amount_minor: i128,
    pub dry_run: bool,
}

/// Applies the proposal as a whole or not at all. A dry run does the same and rolls back.
pub fn apply(
    path: &Path,
    proposal: &RepairProposal,
    limits: &RepairLimits,
    dry_run: bool,
) -> Result<Applied, RepairError> {
    let amount_minor = check_limits(proposal, limits)?;
    let mut db = open(path, limits)?;
    let begin = |e| RepairError::of(path, "taking the write lock", e);
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(begin)?;
    let side_effects = work(&transaction, proposal, limits)?;
    let applied = Applied {
        rows: proposal.steps.len(),
        side_effects,
        amount_minor,
        dry_run,
    };
    if dry_run {
        transaction
            .rollback()
            .map_err(|e| RepairError::of(path, "rolling back", e))?;
        return Ok(applied);
    }
    // A crash before the commit leaves the shop as it was; one after it leaves it repaired, and the
    // feed shows which of the two it is.
    fail::fail_point!("repair-before-commit", |_| Err(RepairError::Interrupted));
    transaction
        .commit()
        .map_err(|e| RepairError::of(path, "committing", e))?;
    fail::fail_point!("repair-after-commit", |_| Err(RepairError::Interrupted));
    Ok(applied)
}

fn check_limits(proposal: &RepairProposal, limits: &RepairLimits) -> Result<i128, RepairError> {
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
        if step.key_values.is_empty() || step.expect_after.is_empty() {
            return Err(RepairError::row(step, RowFault::NothingExpected));
        }
        statement::check(step).map_err(|fault| RepairError::row(step, fault))?;
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
            let found = values
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(column));
            match found.map(|(_, value)| value) {
                Some(Value::Integer(minor)) => Some(i128::from(*minor)),
                // Away from zero, so that a fraction cannot hide; `as` saturates.
                Some(Value::Real(minor)) => Some((minor.abs().ceil().copysign(*minor)) as i128),
                Some(_) => Some(0),
                None => None,
            }
        };
        let (before, after) = (amount(&step.expect_live), amount(&step.expect_after));
        // A column that the repair does not name stays as it is. A row set aside loses its money.
        let before = before.or(if step.expect_live.is_empty() {
            Some(0)
        } else {
            after
        });
        let after = after.or(if step.action == model::RepairAction::Void {
            Some(0)
        } else {
            before
        });
        before
            .unwrap_or(0)
            .saturating_sub(after.unwrap_or(0))
            .saturating_abs()
    }
}

fn open(path: &Path, limits: &RepairLimits) -> Result<Connection, RepairError> {
    if !path.is_file() {
        return Err(RepairError::Missing {
            path: path.to_owned(),
        });
    }
    // Without CREATE: a repair never makes a new file.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(Duration::from_millis(u64::from(limits.lock_timeout_ms)))?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        Ok(db)
    };
    open().map_err(|e| RepairError::of(path, "opening it for writing", e))
}

/// Returns the number of rows changed beside those of the steps.
fn work(
    db: &Connection,
    proposal: &RepairProposal,
    limits: &RepairLimits,
) -> Result<u64, RepairError> {
    let sql = |e| RepairError::Sql {
        doing: "preparing the repair".to_owned(),
        source: e,
    };
    // A lawful order and its lines may come back in any sequence; the keys are checked at the end.
    db.pragma_update(None, "defer_foreign_keys", true)
        .map_err(sql)?;
    let tables: BTreeSet<&str> = proposal
        .steps
        .iter()
        .map(|step| step.table.as_str())
        .collect();
    let broken_before = broken_keys(db, &tables)?;
    for step in &proposal.steps {
        expect_live(db, step)?;
    }
    let (first, rest) = proposal.steps.split_first().ok_or(RepairError::Empty)?;
    db.execute_batch("SAVEPOINT first_row").map_err(sql)?;
    let mut side_effects = apply_step(db, first, limits)?;
    db.execute_batch("RELEASE first_row").map_err(sql)?;
    for step in rest {
        side_effects += apply_step(db, step, limits)?;
    }
    // A later step may have undone an earlier one.
    for step in &proposal.steps {
        expect_after(db, step)?;
    }
    let broken = broken_keys(db, &tables)?
        .into_iter()
        .find(|key| !broken_before.contains(key));
    if let Some((table, rowid, parent, _)) = broken {
        return Err(RepairError::ForeignKey {
            table,
            rowid,
            parent,
        });
    }
    Ok(side_effects)
}

fn apply_step(
    db: &Connection,
    step: &RepairStep,
    limits: &RepairLimits,
) -> Result<u64, RepairError> {
    // Looked at again: a step before it may have touched its row.
    expect_live(db, step)?;
    let failed = |e| match e {
        rusqlite::Error::MultipleStatement => RepairError::row(step, RowFault::Statement),
        source => RepairError::RowSql {
            table: step.table.clone(),
            key: step.key.clone(),
            source: Box::new(source),
        },
    };
    let before = db.total_changes();
    let mut statement = db.prepare(&step.sql).map_err(failed)?;
    let changed = statement
        .execute(params_from_iter(step.parameters.iter().map(bound)))
        .map_err(failed)?;
    if changed != 1 {
        return Err(RepairError::row(step, RowFault::Touched { rows: changed }));
    }
    let beside = db.total_changes().saturating_sub(before).saturating_sub(1);
    if beside > 0 && !limits.allow_side_effects {
        return Err(RepairError::row(
            step,
            RowFault::SideEffects { rows: beside },
        ));
    }
    expect_after(db, step)?;
    Ok(beside)
}

fn expect_live(db: &Connection, step: &RepairStep) -> Result<(), RepairError> {
    if step.expect_live.is_empty() {
        return match count(db, step)? {
            0 => Ok(()),
            _ => Err(RepairError::row(step, RowFault::Present)),
        };
    }
    expect(db, step, &step.expect_live, false)
}

fn expect_after(db: &Connection, step: &RepairStep) -> Result<(), RepairError> {
    expect(db, step, &step.expect_after, true)
}

/// The one row with the step's key must hold just these values, as they are stored.
fn expect(
    db: &Connection,
    step: &RepairStep,
    expected: &[(String, Value)],
    afterwards: bool,
) -> Result<(), RepairError> {
    match count(db, step)? {
        1 => {}
        0 => return Err(RepairError::row(step, RowFault::Gone)),
        rows => return Err(RepairError::row(step, RowFault::Ambiguous { rows })),
    }
    let columns: Vec<String> = expected
        .iter()
        .map(|(name, _)| exact_column(name))
        .collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), by_key(step));
    let failed = |source| RepairError::RowSql {
        table: step.table.clone(),
        key: step.key.clone(),
        source: Box::new(source),
    };
    let mut statement = db.prepare(&sql).map_err(failed)?;
    let mut rows = statement
        .query(params_from_iter(
            step.key_values.iter().map(|(_, v)| bound(v)),
        ))
        .map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else {
        return Err(RepairError::row(step, RowFault::Gone));
    };
    for (i, (column, value)) in expected.iter().enumerate() {
        let found = value_of(row.get_ref(i).map_err(failed)?);
        if !same(&found.to_value(), value) {
            let (expected, found) = (shown(value), shown(&found.to_value()));
            let column = column.clone();
            return Err(RepairError::row(
                step,
                RowFault::Differs {
                    column,
                    expected,
                    found,
                    afterwards,
                },
            ));
        }
    }
    Ok(())
}

fn count(db: &Connection, step: &RepairStep) -> Result<u64, RepairError> {
    let sql = format!("SELECT count(*) FROM {}", by_key(step));
    let values = step.key_values.iter().map(|(_, value)| bound(value));
    db.query_row(&sql, params_from_iter(values), |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
        .map_err(|source| RepairError::RowSql {
            table: step.table.clone(),
            key: step.key.clone(),
            source: Box::new(source),
        })
}

fn by_key(step: &RepairStep) -> String {
    let tests: Vec<String> = step
        .key_values
        .iter()
        .enumerate()
        .map(|(i, (name, _))| format!("{} IS ?{} COLLATE BINARY", exact_column(name), i + 1))
        .collect();
    format!(
        "{table} AS target WHERE {}",
        tests.join(" AND "),
        table = quoted(&step.table)
    )
}

/// With a table in front: SQLite reads a quoted name that is no column as a text otherwise.
fn exact_column(name: &str) -> String {
    format!("target.{}", quoted(name))
}

/// Equal as stored: 1 is not 1.0, and reals compare by bits.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

/// A value with its kind, so that `1`, `1.0` and `'1'` do not read alike.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(_) => format!("'{}'", value.as_ref()),
        Value::Real(real) => format!("{real:?}"),
        other => other.as_ref().to_string(),
    }
}

type BrokenKey = (String, Option<i64>, String, i64);

/// More broken keys than this and the check is given up: the shop does not keep its keys at all.
const MAX_BROKEN_KEYS: usize = 100_000;

/// Foreign keys broken in these tables or towards them.
fn broken_keys(
    db: &Connection,
    tables: &BTreeSet<&str>,
) -> Result<BTreeSet<BrokenKey>, RepairError> {
    let failed = |source| RepairError::Sql {
        doing: "checking foreign keys".to_owned(),
        source,
    };
    let mut statement = db
        .prepare("SELECT \"table\", rowid, parent, fkid FROM pragma_foreign_key_check")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut broken = BTreeSet::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let read = || -> rusqlite::Result<BrokenKey> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let key = read().map_err(failed)?;
        let concerns = |name: &str| tables.iter().any(|table| table.eq_ignore_ascii_case(name));
        if concerns(&key.0) || concerns(&key.2) {
            broken.insert(key);
        }
        if broken.len() > MAX_BROKEN_KEYS {
            return Err(RepairError::TooManyBrokenKeys);
        }
    }
    Ok(broken)
}
