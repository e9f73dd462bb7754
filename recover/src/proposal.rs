//! The repair proposal: statement by statement, with what must stand there before and after.
//!
//! Order: deleted rows come back first, parents before children, so that foreign keys hold; then
//! tainted columns are restored; then forged rows are set aside, children before parents. A row that
//! the policy gives no sure way for is left out and named, never guessed at.

use crate::audit::DiscrepancyKind;
use crate::seal::{SealTable, cell};
use crate::step::Table;
use crate::{RecoverError, order};
use model::proposal::{ExpectedImage, SetAside};
use model::{
    Dialect, Instant, Key, ProposalId, RepairAction, RepairProposal, RepairStep, Row, SourcePolicy,
    TableSchema, Value,
};
use std::fmt;

/// A confirmed discrepancy with its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct RowToRepair {
    pub table: u16,
    pub key: Key,
    pub kind: DiscrepancyKind,
    pub live: Option<Row>,
    pub lawful: Option<Row>,
    /// Ledger entry that the lawful image comes from; for forged rows that of the forgery.
    pub position: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct ProposalLimits {
    /// A proposal with more rows is refused: nobody could review it, and one transaction on the
    /// shop would hold its lock too long.
    pub max_rows: usize,
}

impl Default for ProposalLimits {
    fn default() -> Self {
        Self { max_rows: 1_000 }
    }
}

/// What a proposal is made for and by.
#[derive(Clone, Copy, Debug)]
pub struct ProposalRequest<'a> {
    pub id: &'a ProposalId,
    pub policy: &'a SourcePolicy,
    /// The shop's tables, in any order.
    pub schemas: &'a [TableSchema],
    /// In the order of the policy's tables.
    pub tables: &'a [SealTable],
    pub made_at: Instant,
    pub ledger_size: u64,
    pub limits: ProposalLimits,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Proposed {
    pub proposal: RepairProposal,
    /// What the proposal leaves out, wholly or in part.
    pub needs_person: Vec<NeedsPerson>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedsPerson {
    pub table: String,
    /// The row's key as people read it.
    pub key: String,
    pub reason: PersonReason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonReason {
    /// The policy names no statement to set a forged row aside.
    NoVoid,
    /// The statement is not of the form whose outcome is known beforehand.
    VoidNotUnderstood,
    /// The policy's `reverse` is not of the form whose outcome is known beforehand.
    ReverseNotUnderstood,
    /// Rows of these tables hang on each other in a circle, and the database cannot defer its keys.
    Circle { tables: Vec<String> },
    /// The policy does not let a repair write these columns; the row's others are repaired.
    NotRepairable { columns: Vec<String> },
    /// The shop's table has other columns now than the lawful row.
    SchemaChanged,
    /// The row is void already; only its lawful image is missing.
    AlreadyVoid,
}

impl fmt::Display for PersonReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVoid => f.write_str("the policy does not say how a forged row is set aside"),
            Self::VoidNotUnderstood => f.write_str(
                "the policy's `void` statement is more than `UPDATE table SET column = literal \
                 WHERE key = :key`, so that its outcome cannot be checked",
            ),
            Self::ReverseNotUnderstood => f.write_str(
                "the policy's `reverse` statement is more than `INSERT INTO table (column, ...) \
                 VALUES (literal | :column | -:column, ...)` with the row's whole key among the \
                 values, so that its outcome cannot be checked",
            ),
            Self::Circle { tables } => write!(
                f,
                "rows of {} point to each other in a circle, which this database checks at once",
                tables.join(", ")
            ),
            Self::NotRepairable { columns } => {
                write!(
                    f,
                    "the policy does not allow a repair to write {}",
                    columns.join(", ")
                )
            }
            Self::SchemaChanged => {
                f.write_str("the table's columns changed since the lawful row was recorded")
            }
            Self::AlreadyVoid => f.write_str("the forged row is set aside already"),
        }
    }
}

/// Words the repair of `rows` for a SQLite file; see [`propose_for`].
pub fn propose(
    request: &ProposalRequest<'_>,
    rows: &[RowToRepair],
) -> Result<Proposed, RecoverError> {
    propose_for(Dialect::Sqlite, request, rows)
}

/// Words the repair of `rows` for this kind of database. The order of `rows` does not matter to the
/// result.
pub fn propose_for(
    dialect: Dialect,
    request: &ProposalRequest<'_>,
    rows: &[RowToRepair],
) -> Result<Proposed, RecoverError> {
    if rows.len() > request.limits.max_rows {
        let max = request.limits.max_rows;
        return Err(RecoverError::TooManyRows {
            rows: rows.len(),
            max,
        });
    }
    let mut proposed = Proposed {
        proposal: RepairProposal {
            id: request.id.clone(),
            source: request.policy.source.clone(),
            made_at: request.made_at,
            ledger_size: request.ledger_size,
            policy: request.policy.digest(),
            dialect,
            undo_of: None,
            steps: Vec::new(),
        },
        needs_person: Vec::new(),
    };
    for row in in_order(dialect, request, rows, &mut proposed.needs_person)? {
        let table = Table::of(dialect, request, row.table)?;
        let mut ask = |reason| {
            proposed.needs_person.push(table.ask(row, reason));
        };
        let step = match (row.kind, &row.live, &row.lawful) {
            (DiscrepancyKind::Altered, Some(live), Some(lawful)) => {
                table.restore(row, live, lawful, &mut ask)
            }
            (DiscrepancyKind::Deleted, None, Some(lawful)) => table.reinsert(row, lawful, &mut ask),
            (DiscrepancyKind::Forged, Some(live), None) => table.set_aside(row, live, &mut ask),
            _ => {
                let (table, key) = (table.seal.name.clone(), row.key.to_string());
                return Err(RecoverError::NotAsExpected { table, key });
            }
        };
        proposed.proposal.steps.extend(step);
    }
    Ok(proposed)
}

/// Deleted rows parents first, then altered ones, then forged ones children first.
fn in_order<'a>(
    dialect: Dialect,
    request: &ProposalRequest<'_>,
    rows: &'a [RowToRepair],
    needs_person: &mut Vec<NeedsPerson>,
) -> Result<Vec<&'a RowToRepair>, RecoverError> {
    let of = |kind| rows.iter().filter(move |r| r.kind == kind);
    let (policy, schemas) = (request.policy, request.schemas);
    let sorted = |kind| order::parents_first(policy, schemas, &of(kind).collect::<Vec<_>>());
    // In a circle SQLite defers its keys, and PostgreSQL those that may be deferred; where one may
    // not, the repair fails as a whole. MySQL cannot.
    let mut circle = |ordered: &mut order::Ordered<'a>| -> Result<(), RecoverError> {
        let mut names: Vec<&str> = Vec::new();
        for row in &ordered.circle {
            names.push(&Table::of(dialect, request, row.table)?.schema.name);
        }
        names.dedup();
        let tables: Vec<String> = names.into_iter().map(str::to_owned).collect();
        for row in std::mem::take(&mut ordered.circle) {
            let table = Table::of(dialect, request, row.table)?;
            let moved = row.kind == DiscrepancyKind::Deleted || table.deletes_forged();
            if dialect == Dialect::Mysql && moved {
                let tables = tables.clone();
                needs_person.push(table.ask(row, PersonReason::Circle { tables }));
            } else {
                ordered.rows.push(row);
            }
        }
        Ok(())
    };
    let mut deleted = sorted(DiscrepancyKind::Deleted);
    circle(&mut deleted)?;
    let mut forged = sorted(DiscrepancyKind::Forged);
    circle(&mut forged)?;
    let mut altered: Vec<&RowToRepair> = of(DiscrepancyKind::Altered).collect();
    altered.sort_by_key(|row| (row.table, &row.key));
    let mut all = deleted.rows;
    all.extend(altered);
    all.extend(forged.rows.into_iter().rev());
    Ok(all)
}

/// Every row as it will stand after its step, for the journal to expect. `live` gives a row as
/// it stands now; a row that no longer is as the proposal expects makes the proposal stale. A
/// reversing entry of which the database fills in a part has none.
pub fn expected_images(
    proposal: &RepairProposal,
    tables: &[SealTable],
    mut live: impl FnMut(u16, &Key) -> Option<Row>,
) -> Result<Vec<ExpectedImage>, RecoverError> {
    let image = |step: &RepairStep| {
        let number = tables.iter().position(|t| t.name == step.table)?;
        let (number, table) = (u16::try_from(number).ok()?, &tables[number]);
        let key = Key::of(step.key_values.iter().map(|(_, value)| value.as_ref()))?;
        let after = by_column(table, &step.expect_after)?;
        let row = match (step.action, live(number, &key)) {
            (RepairAction::Reinsert, None) => {
                let nulls = Row::from_values(table.columns.iter().map(|_| model::ValueRef::Null));
                nulls.with(&after)
            }
            (RepairAction::RestoreColumns | RepairAction::Void, Some(row)) => {
                let before = by_column(table, &step.expect_live)?;
                let as_expected = before.iter().all(|(c, v)| same(&cell(&row, *c), v));
                as_expected.then(|| row.with(&after))?
            }
            _ => return None,
        };
        let image = |key, row| {
            Some(ExpectedImage {
                table: number,
                key,
                row,
            })
        };
        Some(match step.set_aside {
            SetAside::Mark => image(key, Some(row)),
            SetAside::Delete => image(key, None),
            SetAside::Entry => {
                let entry = by_column(table, &step.entry)?;
                let nulls = Row::from_values(table.columns.iter().map(|_| model::ValueRef::Null));
                let row = nulls.with(&entry);
                let cells = table.key.iter().map(|c| row.get(usize::from(*c)));
                let key = Key::of(cells.collect::<Option<Vec<_>>>()?);
                // What the database itself fills in is not known before it is there.
                let whole = entry.len() == table.columns.len();
                key.filter(|_| whole).and_then(|key| image(key, Some(row)))
            }
        })
    };
    let mut image = image;
    let mut images = Vec::with_capacity(proposal.steps.len());
    for step in &proposal.steps {
        let expected = image(step).ok_or_else(|| RecoverError::NotAsExpected {
            table: step.table.clone(),
            key: step.key.clone(),
        })?;
        images.extend(expected);
    }
    Ok(images)
}

fn by_column(table: &SealTable, named: &[(String, Value)]) -> Option<Vec<(u16, Value)>> {
    let at = |name: &String| table.columns.iter().position(|c| c == name);
    named
        .iter()
        .map(|(name, value)| Some((at(name)? as u16, value.clone())))
        .collect()
}

/// Equal as stored; reals by bits.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}
