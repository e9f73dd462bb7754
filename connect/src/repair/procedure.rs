//! The guards of a repair in their order, the same for every database. What one database does in its
//! own way is a [`Shop`].

use super::applied::{Image, StepDone};
use super::{Applied, RepairError, RepairLimits, RowFault, limits};
use model::proposal::SetAside;
use model::{RepairProposal, RepairStep, Value};

/// One transaction of a shop's database, begun by the writing account. Dropping it rolls back.
pub(super) trait Shop {
    /// Refuses tables that cannot be repaired, and triggers that are not allowed.
    fn examine(
        &mut self,
        proposal: &RepairProposal,
        limits: &RepairLimits,
    ) -> Result<(), RepairError>;
    /// At most two rows of the step's table that hold these values in the database's own sense of
    /// equality, whole but for generated columns. `lock`: nobody else may change them from now on.
    fn rows(
        &mut self,
        step: &RepairStep,
        holding: &[(String, Value)],
        lock: bool,
    ) -> Result<Vec<Image>, RepairError>;
    /// Runs the step's statement; the number of rows that it changed itself.
    fn execute(&mut self, step: &RepairStep) -> Result<u64, RepairError>;
    /// Rows changed so far in this transaction, by whatever.
    fn changed(&mut self) -> Result<u64, RepairError>;
    /// Has what is otherwise checked at the commit checked now.
    fn settle(&mut self, proposal: &RepairProposal) -> Result<(), RepairError>;
    /// Milliseconds by the database's clock.
    fn clock_ms(&mut self) -> Result<i64, RepairError>;
    fn rollback(&mut self) -> Result<(), RepairError>;
    /// Gives the transaction's name where the database has one.
    fn commit(&mut self) -> Result<Option<String>, RepairError>;
}

/// Does the whole repair, and commits it unless this is a dry run.
pub(super) fn run(
    shop: &mut dyn Shop,
    proposal: &RepairProposal,
    limits: &RepairLimits,
    dry_run: bool,
) -> Result<Applied, RepairError> {
    let amount_minor = limits::check(proposal, limits)?;
    let begun = shop.clock_ms()?;
    let steps = work(shop, proposal, limits)?;
    let taken = shop.clock_ms()?.saturating_sub(begun);
    let mut applied = Applied {
        rows: steps.len(),
        side_effects: steps.iter().map(|step| step.side_effects).sum(),
        amount_minor,
        dry_run,
        steps,
        transaction: None,
        duration_ms: u64::try_from(taken).unwrap_or(0),
    };
    if dry_run {
        shop.rollback()?;
        return Ok(applied);
    }
    // A crash before the commit leaves the shop as it was; one after it leaves it repaired, and the
    // feed shows which of the two it is.
    fail::fail_point!("repair-before-commit", |_| Err(RepairError::Interrupted));
    applied.transaction = shop.commit()?;
    fail::fail_point!("repair-after-commit", |_| Err(RepairError::Interrupted));
    Ok(applied)
}

fn work(
    shop: &mut dyn Shop,
    proposal: &RepairProposal,
    limits: &RepairLimits,
) -> Result<Vec<StepDone>, RepairError> {
    shop.examine(proposal, limits)?;
    // Whatever order the steps have, locks are taken in one, so that two repairs never wait for
    // each other.
    let mut by_key: Vec<&RepairStep> = proposal.steps.iter().collect();
    by_key.sort_by_key(|step| (&step.table, key_of(step)));
    for step in by_key {
        let present = present(shop, step, true)?;
        expect_live(step, present.as_ref())?;
    }
    let mut changed = shop.changed()?;
    let mut done = Vec::with_capacity(proposal.steps.len());
    for step in &proposal.steps {
        done.push(apply_step(shop, step, limits, &mut changed)?);
    }
    // Deferred triggers run here, not behind our back.
    shop.settle(proposal)?;
    let afterwards = shop.changed()?.saturating_sub(changed);
    if afterwards > 0 && !limits.allow_side_effects {
        return Err(RepairError::Afterwards { rows: afterwards });
    }
    // A later step may have undone an earlier one.
    for (step, done) in proposal.steps.iter().zip(&mut done) {
        let after = present(shop, step, false)?;
        expect_after(step, after.as_ref())?;
        done.after = after;
    }
    if let Some(last) = done.last_mut() {
        last.side_effects += afterwards;
    }
    Ok(done)
}

/// One row first, and read back; then the next. `changed`: rows changed in the transaction so far.
fn apply_step(
    shop: &mut dyn Shop,
    step: &RepairStep,
    limits: &RepairLimits,
    changed: &mut u64,
) -> Result<StepDone, RepairError> {
    // Looked at again: a step before it may have touched its row.
    let before = present(shop, step, false)?;
    expect_live(step, before.as_ref())?;
    if step.set_aside == SetAside::Entry {
        let rows = entries(shop, step)?.len() as u64;
        if rows > 0 {
            return Err(RepairError::row(step, RowFault::TakenBack { rows }));
        }
    }
    let rows = shop.execute(step)?;
    if rows != 1 {
        return Err(RepairError::row(step, RowFault::Touched { rows }));
    }
    let so_far = shop.changed()?;
    let beside = so_far.saturating_sub(*changed).saturating_sub(1);
    *changed = so_far;
    if beside > 0 && !limits.allow_side_effects {
        let fault = RowFault::SideEffects { rows: beside };
        return Err(RepairError::row(step, fault));
    }
    let after = present(shop, step, false)?;
    expect_after(step, after.as_ref())?;
    if !limits.allow_side_effects {
        expect_rest(step, before.as_ref(), after.as_ref())?;
    }
    let entry = match step.set_aside {
        SetAside::Entry => {
            let mut found = entries(shop, step)?;
            let entry = found.pop().filter(|_| found.is_empty());
            Some(entry.ok_or_else(|| RepairError::row(step, RowFault::NoEntry))?)
        }
        SetAside::Mark | SetAside::Delete => None,
    };
    Ok(StepDone {
        action: step.action,
        table: step.table.clone(),
        key: step.key.clone(),
        before,
        after,
        entry,
        side_effects: beside,
    })
}

/// The one row with the step's key, if it is there.
fn present(
    shop: &mut dyn Shop,
    step: &RepairStep,
    lock: bool,
) -> Result<Option<Image>, RepairError> {
    let mut found = shop.rows(step, &step.key_values, lock)?;
    // 1.0 = 1.00 and 'a' = 'A' in SQL, but they are two keys here.
    found.retain(|row| holds(row, &step.key_values));
    match found.len() {
        0 | 1 => Ok(found.pop()),
        rows => {
            let rows = rows as u64;
            Err(RepairError::row(step, RowFault::Ambiguous { rows }))
        }
    }
}

fn entries(shop: &mut dyn Shop, step: &RepairStep) -> Result<Vec<Image>, RepairError> {
    let mut found = shop.rows(step, &step.entry, false)?;
    found.retain(|row| holds(row, &step.entry));
    Ok(found)
}

fn holds(row: &Image, values: &[(String, Value)]) -> bool {
    let holds = |(name, value): &(String, Value)| cell(row, name).is_some_and(|c| same(c, value));
    values.iter().all(holds)
}

fn expect_live(step: &RepairStep, row: Option<&Image>) -> Result<(), RepairError> {
    match (row, step.expect_live.is_empty()) {
        (None, true) => Ok(()),
        (Some(_), true) => Err(RepairError::row(step, RowFault::Present)),
        (None, false) => Err(RepairError::row(step, RowFault::Gone)),
        (Some(row), false) => expect(step, row, &step.expect_live, false),
    }
}

fn expect_after(step: &RepairStep, row: Option<&Image>) -> Result<(), RepairError> {
    match (row, step.expect_after.is_empty()) {
        (None, true) => Ok(()),
        (Some(_), true) => Err(RepairError::row(step, RowFault::StillThere)),
        (None, false) => Err(RepairError::row(step, RowFault::Gone)),
        (Some(row), false) => expect(step, row, &step.expect_after, true),
    }
}

/// The row must hold just these values, as they are stored.
fn expect(
    step: &RepairStep,
    row: &Image,
    expected: &[(String, Value)],
    afterwards: bool,
) -> Result<(), RepairError> {
    for (column, value) in expected {
        let fault = match cell(row, column) {
            Some(found) if same(found, value) => continue,
            Some(found) => RowFault::Differs {
                column: column.clone(),
                expected: shown(step, column, value),
                found: shown(step, column, found),
                afterwards,
            },
            None => RowFault::NoColumn {
                column: column.clone(),
            },
        };
        return Err(RepairError::row(step, fault));
    }
    Ok(())
}

/// Columns that the step does not name stay as they were.
fn expect_rest(
    step: &RepairStep,
    before: Option<&Image>,
    after: Option<&Image>,
) -> Result<(), RepairError> {
    let (Some(before), Some(after)) = (before, after) else {
        return Ok(());
    };
    let named = |column: &str| step.expect_after.iter().any(|(name, _)| name == column);
    for (column, was) in before.iter().filter(|(column, _)| !named(column)) {
        let Some(is) = cell(after, column).filter(|is| !same(is, was)) else {
            continue;
        };
        let fault = RowFault::AlsoChanged {
            column: column.clone(),
            before: shown(step, column, was),
            after: shown(step, column, is),
        };
        return Err(RepairError::row(step, fault));
    }
    Ok(())
}

fn cell<'r>(row: &'r Image, name: &str) -> Option<&'r Value> {
    let found = row.iter().find(|(column, _)| column == name);
    found.map(|(_, value)| value)
}

/// Equal as stored: 1 is not 1.0, and reals compare by bits.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

/// A value with its kind, so that `1`, `1.0` and `'1'` do not read alike. `None` unless the step says
/// of the column that it is not personal: what stands here goes into records that nobody can erase.
fn shown(step: &RepairStep, column: &str, value: &Value) -> Option<String> {
    let mut told = step.columns.iter();
    if !told.any(|c| c.name == column && !c.personal) {
        return None;
    }
    Some(match value {
        Value::Text(_) => format!("'{}'", value.as_ref()),
        Value::Real(real) => format!("{real:?}"),
        other => other.as_ref().to_string(),
    })
}

/// Keys compare as bytes; a NULL in one, which names no row, is found later.
fn key_of(step: &RepairStep) -> Option<model::Key> {
    model::Key::of(step.key_values.iter().map(|(_, value)| value.as_ref()))
}
