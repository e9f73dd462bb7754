//! The repair proposal: statement by statement, with what must stand there before and after.
//!
//! Order: deleted rows come back first, parents before children, so that foreign keys hold; then
//! tainted columns are restored; then forged rows are set aside. A row that the policy gives no
//! sure way for is left out and named, never guessed at.

use crate::audit::{DiscrepancyKind, column_changes};
use crate::seal::{SealTable, cell};
use crate::{RecoverError, void};
use model::proposal::ExpectedImage;
use model::{
    Instant, Key, ProposalId, RepairAction, RepairProposal, RepairStep, Row, SourcePolicy,
    TablePolicy, TableSchema, Value,
};
use std::collections::BTreeMap;
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

/// Words the repair of `rows`. The order of `rows` does not matter to the result.
pub fn propose(
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
    let ranks = parents_first(request);
    let mut order: Vec<&RowToRepair> = rows.iter().collect();
    order.sort_by_key(|row| {
        let (phase, rank) = match row.kind {
            DiscrepancyKind::Deleted => (0, ranks.get(&row.table).copied().unwrap_or(0)),
            DiscrepancyKind::Altered => (1, 0),
            DiscrepancyKind::Forged => (2, 0),
        };
        (phase, rank, row.table, &row.key)
    });
    let mut steps = Vec::new();
    let mut needs_person = Vec::new();
    for row in order {
        let table = Table::of(request, row.table)?;
        let mut ask = |reason| {
            let (table, key) = (table.seal.name.clone(), row.key.to_string());
            needs_person.push(NeedsPerson { table, key, reason });
        };
        steps.extend(match (row.kind, &row.live, &row.lawful) {
            (DiscrepancyKind::Altered, Some(live), Some(lawful)) => {
                table.restore(row, live, lawful, &mut ask)
            }
            (DiscrepancyKind::Deleted, None, Some(lawful)) => table.reinsert(row, lawful, &mut ask),
            (DiscrepancyKind::Forged, Some(live), None) => table.set_aside(row, live, &mut ask),
            _ => {
                let (table, key) = (table.seal.name.clone(), row.key.to_string());
                return Err(RecoverError::NotAsExpected { table, key });
            }
        });
    }
    let proposal = RepairProposal {
        id: request.id.clone(),
        source: request.policy.source.clone(),
        made_at: request.made_at,
        ledger_size: request.ledger_size,
        policy: request.policy.digest(),
        steps,
    };
    Ok(Proposed {
        proposal,
        needs_person,
    })
}

/// Every row as it will stand after its step, for the journal to expect. `live` gives a row as
/// it stands now; a row that no longer is as the proposal expects makes the proposal stale.
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
                before
                    .iter()
                    .all(|(c, v)| same(&cell(&row, *c), v))
                    .then(|| row.with(&after))?
            }
            _ => return None,
        };
        Some(ExpectedImage {
            table: number,
            key,
            row: Some(row),
        })
    };
    let mut image = image;
    proposal
        .steps
        .iter()
        .map(|step| {
            image(step).ok_or_else(|| RecoverError::NotAsExpected {
                table: step.table.clone(),
                key: step.key.clone(),
            })
        })
        .collect()
}

fn by_column(table: &SealTable, named: &[(String, Value)]) -> Option<Vec<(u16, Value)>> {
    let at = |name: &String| table.columns.iter().position(|c| c == name);
    named
        .iter()
        .map(|(name, value)| Some((at(name)? as u16, value.clone())))
        .collect()
}

/// Equal as stored; reals by bits.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

/// How deep each table hangs below others by foreign keys. A circle of tables stops at the
/// number of tables: such shops defer their foreign keys, and any order is as good.
fn parents_first(request: &ProposalRequest<'_>) -> BTreeMap<u16, usize> {
    let number = |name: &str| request.policy.table(name).map(|(number, _)| number);
    let mut ranks: BTreeMap<u16, usize> = BTreeMap::new();
    for _ in 0..request.policy.tables.len() {
        for schema in request.schemas {
            let Some(child) = number(&schema.name) else {
                continue;
            };
            let above = schema
                .foreign_keys
                .iter()
                .filter_map(|f| number(&f.table))
                .filter(|parent| *parent != child)
                .map(|parent| ranks.get(&parent).copied().unwrap_or(0) + 1)
                .max();
            ranks.insert(child, above.unwrap_or(0).min(request.policy.tables.len()));
        }
    }
    ranks
}

/// One table's declarations, to write its statements by.
struct Table<'a> {
    policy: &'a TablePolicy,
    schema: &'a TableSchema,
    seal: &'a SealTable,
}

impl<'a> Table<'a> {
    fn of(request: &ProposalRequest<'a>, table: u16) -> Result<Self, RecoverError> {
        let found = || {
            let policy = request.policy.tables.get(usize::from(table))?;
            let schema = request.schemas.iter().find(|s| s.name == policy.name)?;
            Some(Self {
                policy,
                schema,
                seal: request.tables.get(usize::from(table))?,
            })
        };
        found().ok_or(RecoverError::NoTable { table })
    }

    fn restore(
        &self,
        row: &RowToRepair,
        live: &Row,
        lawful: &Row,
        ask: &mut dyn FnMut(PersonReason),
    ) -> Option<RepairStep> {
        if live.len() != lawful.len() || live.len() != self.schema.columns.len() {
            ask(PersonReason::SchemaChanged);
            return None;
        }
        let (columns, refused): (Vec<u16>, Vec<u16>) = lawful
            .differing(live)
            .into_iter()
            .partition(|c| self.may_write(*c));
        if !refused.is_empty() {
            ask(PersonReason::NotRepairable {
                columns: self.names(&refused),
            });
        }
        if columns.is_empty() {
            return None;
        }
        let set = columns.iter().map(|c| (*c, cell(lawful, *c))).collect();
        let mut watched: Vec<u16> = self.seal.key.clone();
        watched.extend(&columns);
        watched.extend(self.state());
        Some(self.update(RepairAction::RestoreColumns, row, live, set, watched))
    }

    fn set_aside(
        &self,
        row: &RowToRepair,
        live: &Row,
        ask: &mut dyn FnMut(PersonReason),
    ) -> Option<RepairStep> {
        if live.len() != self.schema.columns.len() {
            ask(PersonReason::SchemaChanged);
            return None;
        }
        let Some(sql) = &self.policy.void else {
            ask(PersonReason::NoVoid);
            return None;
        };
        let Some(void) = void::parse(sql, self.schema, &self.seal.key) else {
            ask(PersonReason::VoidNotUnderstood);
            return None;
        };
        if void.set.iter().all(|(c, v)| same(&cell(live, *c), v)) {
            ask(PersonReason::AlreadyVoid);
            return None;
        }
        let all = (0..live.len() as u16).collect();
        Some(self.update(RepairAction::Void, row, live, void.set, all))
    }

    /// `UPDATE` of `set`; `watched` are the columns that must be as they are now.
    fn update(
        &self,
        action: RepairAction,
        row: &RowToRepair,
        live: &Row,
        set: Vec<(u16, Value)>,
        mut watched: Vec<u16>,
    ) -> RepairStep {
        watched.sort_unstable();
        watched.dedup();
        let after = live.with(&set);
        let mut parameters: Vec<Value> = set.iter().map(|(_, value)| value.clone()).collect();
        let assignments = self.bound(set.iter().map(|(c, _)| *c), 1, ", ");
        let place = self.bound(self.seal.key.iter().copied(), parameters.len() + 1, " AND ");
        let keys = row.key.values().unwrap_or_default();
        parameters.extend(keys.iter().cloned());
        RepairStep {
            action,
            table: self.schema.name.clone(),
            key: row.key.to_string(),
            columns: match action {
                // For people: what the statement changes, not what the row lawfully is not.
                RepairAction::Void => column_changes(self.seal, None, Some(live)),
                _ => {
                    let mut changes = column_changes(self.seal, row.lawful.as_ref(), Some(live));
                    let written = self.names(&set.iter().map(|(c, _)| *c).collect::<Vec<_>>());
                    changes.retain(|change| written.contains(&change.name));
                    changes
                }
            },
            sql: format!(
                "UPDATE {} SET {assignments} WHERE {place}",
                quoted(&self.schema.name)
            ),
            parameters,
            key_values: self.key_names().zip(keys).collect(),
            expect_live: self.values(live, &watched),
            expect_after: self.values(&after, &watched),
            position: row.position,
        }
    }

    fn reinsert(
        &self,
        row: &RowToRepair,
        lawful: &Row,
        ask: &mut dyn FnMut(PersonReason),
    ) -> Option<RepairStep> {
        if lawful.len() != self.schema.columns.len() {
            ask(PersonReason::SchemaChanged);
            return None;
        }
        let all: Vec<u16> = (0..lawful.len() as u16).collect();
        let refused: Vec<u16> = all
            .iter()
            .copied()
            .filter(|c| !self.seal.key.contains(c) && !self.may_write(*c))
            .collect();
        if !refused.is_empty() {
            ask(PersonReason::NotRepairable {
                columns: self.names(&refused),
            });
            return None;
        }
        let names: Vec<String> = self
            .schema
            .columns
            .iter()
            .map(|column| quoted(&column.name))
            .collect();
        let marks: Vec<String> = (1..=all.len()).map(|n| format!("?{n}")).collect();
        Some(RepairStep {
            action: RepairAction::Reinsert,
            table: self.schema.name.clone(),
            key: row.key.to_string(),
            columns: column_changes(self.seal, Some(lawful), None),
            sql: format!(
                "INSERT INTO {} ({}) VALUES ({})",
                quoted(&self.schema.name),
                names.join(", "),
                marks.join(", ")
            ),
            parameters: all.iter().map(|c| cell(lawful, *c)).collect(),
            key_values: self
                .key_names()
                .zip(row.key.values().unwrap_or_default())
                .collect(),
            expect_live: Vec::new(),
            expect_after: self.values(lawful, &all),
            position: row.position,
        })
    }

    /// Keys are never written over, whatever the policy says.
    fn may_write(&self, column: u16) -> bool {
        let allowed = &self.policy.repairable;
        !self.seal.key.contains(&column)
            && (allowed.is_empty() || allowed.iter().any(|n| n == self.schema.name_of(column)))
    }

    fn state(&self) -> Option<u16> {
        self.policy
            .state
            .as_ref()
            .and_then(|name| self.schema.column(name))
    }

    fn names(&self, columns: &[u16]) -> Vec<String> {
        columns
            .iter()
            .map(|c| self.schema.name_of(*c).to_owned())
            .collect()
    }

    fn key_names(&self) -> impl Iterator<Item = String> {
        self.seal
            .key
            .iter()
            .map(|c| self.schema.name_of(*c).to_owned())
    }

    fn values(&self, row: &Row, columns: &[u16]) -> Vec<(String, Value)> {
        columns
            .iter()
            .map(|c| (self.schema.name_of(*c).to_owned(), cell(row, *c)))
            .collect()
    }

    /// `"a" = ?1, "b" = ?2`, counted from `first`.
    fn bound(&self, columns: impl Iterator<Item = u16>, first: usize, between: &str) -> String {
        let parts: Vec<String> = columns
            .zip(first..)
            .map(|(column, n)| format!("{} = ?{n}", quoted(self.schema.name_of(column))))
            .collect();
        parts.join(between)
    }
}

/// A name as SQL takes it whatever its letters (ISO 9075-2, delimited identifier).
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
