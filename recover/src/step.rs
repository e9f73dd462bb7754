//! One row's step of a repair: what is written, and what must stand there before and after.

use crate::RecoverError;
use crate::audit::column_changes;
use crate::proposal::{NeedsPerson, PersonReason, ProposalRequest, RowToRepair, same};
use crate::seal::{SealTable, cell};
use crate::statement::Words;
use crate::{reverse, void};
use model::policy::ForgedRows;
use model::proposal::SetAside;
use model::{
    ColumnChange, Dialect, RepairAction, RepairStep, Row, TablePolicy, TableSchema, Value,
};

/// One table's declarations, to write its statements by.
pub(crate) struct Table<'a> {
    pub(crate) dialect: Dialect,
    policy: &'a TablePolicy,
    pub(crate) schema: &'a TableSchema,
    pub(crate) seal: &'a SealTable,
}

/// Asks a person about a row, for this reason.
type Ask<'a> = &'a mut dyn FnMut(PersonReason);

impl<'a> Table<'a> {
    pub(crate) fn of(
        dialect: Dialect,
        request: &ProposalRequest<'a>,
        table: u16,
    ) -> Result<Self, RecoverError> {
        let found = || {
            let policy = request.policy.tables.get(usize::from(table))?;
            let schema = request.schemas.iter().find(|s| s.name == policy.name)?;
            Some(Self {
                dialect,
                policy,
                schema,
                seal: request.tables.get(usize::from(table))?,
            })
        };
        found().ok_or(RecoverError::NoTable { table })
    }

    pub(crate) fn ask(&self, row: &RowToRepair, reason: PersonReason) -> NeedsPerson {
        NeedsPerson {
            table: self.seal.name.clone(),
            key: row.key.to_string(),
            reason,
        }
    }

    pub(crate) fn deletes_forged(&self) -> bool {
        self.policy.forged == ForgedRows::Delete
    }

    pub(crate) fn restore(
        &self,
        row: &RowToRepair,
        live: &Row,
        lawful: &Row,
        ask: Ask<'_>,
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
        let set: Vec<_> = columns.iter().map(|c| (*c, cell(lawful, *c))).collect();
        let mut watched: Vec<u16> = self.seal.key.clone();
        watched.extend(&columns);
        watched.extend(self.state());
        let written = self.names(&columns);
        let mut changes = column_changes(self.seal, Some(lawful), Some(live));
        changes.retain(|change| written.contains(&change.name));
        let step = self.step(RepairAction::RestoreColumns, row, changes);
        Some(self.update(step, live, &set, watched))
    }

    /// By deletion, by a reversing entry, or by a mark, as the policy says.
    pub(crate) fn set_aside(
        &self,
        row: &RowToRepair,
        live: &Row,
        ask: Ask<'_>,
    ) -> Option<RepairStep> {
        if live.len() != self.schema.columns.len() {
            ask(PersonReason::SchemaChanged);
            return None;
        }
        // For people: what is set aside, not what the row lawfully is not.
        let shown = column_changes(self.seal, None, Some(live));
        let step = self.step(RepairAction::Void, row, shown);
        if self.deletes_forged() {
            return Some(self.delete(step, live));
        }
        if let Some(sql) = &self.policy.reverse {
            let step = self.entry(step, live, sql);
            if step.is_none() {
                ask(PersonReason::ReverseNotUnderstood);
            }
            return step;
        }
        let Some(sql) = &self.policy.void else {
            ask(PersonReason::NoVoid);
            return None;
        };
        let Some(void) = void::parse(self.dialect, sql, self.schema, &self.seal.key) else {
            ask(PersonReason::VoidNotUnderstood);
            return None;
        };
        if void.set.iter().all(|(c, v)| same(&cell(live, *c), v)) {
            ask(PersonReason::AlreadyVoid);
            return None;
        }
        Some(self.update(step, live, &void.set, self.all()))
    }

    pub(crate) fn reinsert(
        &self,
        row: &RowToRepair,
        lawful: &Row,
        ask: Ask<'_>,
    ) -> Option<RepairStep> {
        if lawful.len() != self.schema.columns.len() {
            ask(PersonReason::SchemaChanged);
            return None;
        }
        let mut refused = self.all();
        refused.retain(|c| !self.seal.key.contains(c) && !self.may_write(*c));
        if !refused.is_empty() {
            ask(PersonReason::NotRepairable {
                columns: self.names(&refused),
            });
            return None;
        }
        let shown = column_changes(self.seal, Some(lawful), None);
        let mut step = self.step(RepairAction::Reinsert, row, shown);
        step.expect_after = self.values(lawful, &self.all());
        (step.sql, step.parameters) = self.words().insert(&step.expect_after);
        Some(step)
    }

    /// `UPDATE` of `set`; `watched` are the columns that must be as they are now.
    fn update(
        &self,
        mut step: RepairStep,
        live: &Row,
        set: &[(u16, Value)],
        mut watched: Vec<u16>,
    ) -> RepairStep {
        watched.sort_unstable();
        watched.dedup();
        step.expect_live = self.values(live, &watched);
        step.expect_after = self.values(&live.with(set), &watched);
        let mut touched: Vec<u16> = set.iter().map(|(c, _)| *c).chain(self.state()).collect();
        touched.sort_unstable();
        touched.dedup();
        let (sql, parameters) = self.words().update(
            &self.named(set),
            &step.key_values,
            &self.values(live, &touched),
        );
        (step.sql, step.parameters) = (sql, parameters);
        step
    }

    fn delete(&self, mut step: RepairStep, live: &Row) -> RepairStep {
        step.expect_live = self.values(live, &self.all());
        step.set_aside = SetAside::Delete;
        (step.sql, step.parameters) = self.words().delete(&step.key_values, &step.expect_live);
        step
    }

    /// The forged row stays as it is; another row takes it back.
    fn entry(&self, mut step: RepairStep, live: &Row, sql: &str) -> Option<RepairStep> {
        let reverse = reverse::parse(self.dialect, sql, self.schema, &self.seal.key)?;
        let entry = reverse.entry(self.dialect, self.schema, live)?;
        step.expect_live = self.values(live, &self.all());
        step.expect_after = step.expect_live.clone();
        step.set_aside = SetAside::Entry;
        step.entry = self.named(&entry);
        (step.sql, step.parameters) = self.words().insert(&step.entry);
        Some(step)
    }

    /// A step that still lacks its statement and what it expects.
    fn step(
        &self,
        action: RepairAction,
        row: &RowToRepair,
        columns: Vec<ColumnChange>,
    ) -> RepairStep {
        let names = self.seal.key.iter().map(|c| self.schema.name_of(*c));
        let values = row.key.values().unwrap_or_default();
        RepairStep {
            action,
            table: self.schema.name.clone(),
            key: row.key.to_string(),
            columns,
            sql: String::new(),
            parameters: Vec::new(),
            key_values: names.map(str::to_owned).zip(values).collect(),
            expect_live: Vec::new(),
            expect_after: Vec::new(),
            position: row.position,
            set_aside: SetAside::Mark,
            entry: Vec::new(),
        }
    }

    fn words(&self) -> Words<'_> {
        Words {
            dialect: self.dialect,
            schema: self.schema,
        }
    }

    /// Keys are never written over, whatever the policy says.
    fn may_write(&self, column: u16) -> bool {
        let allowed = &self.policy.repairable;
        !self.seal.key.contains(&column)
            && (allowed.is_empty() || allowed.iter().any(|n| n == self.schema.name_of(column)))
    }

    fn state(&self) -> Option<u16> {
        let name = self.policy.state.as_ref()?;
        self.schema.column(name)
    }

    fn all(&self) -> Vec<u16> {
        (0..self.schema.columns.len() as u16).collect()
    }

    fn names(&self, columns: &[u16]) -> Vec<String> {
        let names = columns.iter().map(|c| self.schema.name_of(*c).to_owned());
        names.collect()
    }

    fn named(&self, values: &[(u16, Value)]) -> Vec<(String, Value)> {
        let name = |(c, v): &(u16, Value)| (self.schema.name_of(*c).to_owned(), v.clone());
        values.iter().map(name).collect()
    }

    fn values(&self, row: &Row, columns: &[u16]) -> Vec<(String, Value)> {
        let value = |c: &u16| (self.schema.name_of(*c).to_owned(), cell(row, *c));
        columns.iter().map(value).collect()
    }
}
