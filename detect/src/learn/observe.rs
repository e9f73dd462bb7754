//! Transactions as a learner sees them: the net change of every row, with what is remembered of it.

use super::MAX_LEARNT_ROWS;
use crate::replay::{late_changes, missing, overlaid, stepped};
use model::policy::WriteKind;
use model::{Key, PartRow, Row, ValueRef, WrittenTransaction};
use std::collections::HashMap;

/// What one transaction did to one row in all.
#[derive(Clone, Debug)]
pub(super) struct Net {
    pub(super) table: u16,
    pub(super) op: WriteKind,
    pub(super) key: Key,
    pub(super) old: Option<Row>,
    pub(super) new: Option<Row>,
    /// Of an update: columns that differ, where both values are known.
    pub(super) changed: Vec<u16>,
    /// Columns that nothing tells.
    pub(super) unknown: Vec<u16>,
    /// Of an insert: columns that got another value later in the same transaction.
    pub(super) late: Vec<u16>,
}

impl Net {
    /// The row after the write, or the one that was deleted.
    pub(super) fn row(&self) -> Option<&Row> {
        self.new.as_ref().or(self.old.as_ref())
    }
    pub(super) fn cell(&self, column: u16) -> ValueRef<'_> {
        self.row()
            .and_then(|row| row.get(usize::from(column)))
            .unwrap_or(ValueRef::Null)
    }
}

/// Rows as they stood last.
#[derive(Debug, Default)]
pub(super) struct Rows {
    known: HashMap<(u16, Key), Known>,
    transactions: u64,
    /// Rows forgotten for want of room.
    pub(super) forgotten: u64,
}

#[derive(Debug)]
struct Known {
    row: Row,
    unknown: Vec<u16>,
    touched: u64,
}

impl Rows {
    pub(super) fn get(&self, table: u16, key: &Key) -> Option<&Row> {
        self.known.get(&(table, key.clone())).map(|k| &k.row)
    }

    /// The net changes in the order in which the rows were first written; takes them in.
    pub(super) fn observe(&mut self, transaction: &WrittenTransaction) -> Vec<Net> {
        self.transactions += 1;
        let mut places: HashMap<(u16, &Key), usize> = HashMap::new();
        let mut groups: Vec<Vec<&model::RowWrite>> = Vec::new();
        for write in &transaction.writes {
            let place = *places
                .entry((write.table, &write.key))
                .or_insert(groups.len());
            if place == groups.len() {
                groups.push(Vec::new());
            }
            groups[place].push(write);
        }
        let nets = groups
            .iter()
            .filter_map(|writes| self.net(writes))
            .collect();
        self.forget_some();
        nets
    }

    fn net(&mut self, writes: &[&model::RowWrite]) -> Option<Net> {
        let (first, last) = (writes.first()?, writes.last()?);
        let place = (first.table, first.key.clone());
        let known = self.known.remove(&place);
        let (old, mut unknown) = before(first, known);
        let parts: Vec<&PartRow> = writes.iter().filter_map(|w| w.new.as_ref()).collect();
        let new = last.new.as_ref().and_then(|_| {
            (writes.iter()).fold(old.clone(), |row, write| Some(stepped(row, write)))
        });
        let changed = match (&old, &new) {
            (Some(old), Some(new)) => {
                let mut changed = old.differing(new);
                changed.retain(|c| !unknown.contains(c));
                changed
            }
            _ => Vec::new(),
        };
        if old.is_none()
            && let Some(new) = &new
        {
            let shown: Vec<Option<&PartRow>> = parts.iter().map(|p| Some(*p)).collect();
            unknown = missing(&shown, new.len());
        }
        let unknown_before = unknown.clone();
        for part in &parts {
            unknown.retain(|c| !part.knows(*c));
        }
        if let Some(row) = &new {
            let touched = self.transactions;
            let (row, unknown) = (row.clone(), unknown);
            self.known.insert(
                place.clone(),
                Known {
                    row,
                    unknown,
                    touched,
                },
            );
        }
        let op = match (&old, &new) {
            (None, Some(_)) => WriteKind::Insert,
            (Some(_), None) => WriteKind::Delete,
            (Some(_), Some(_)) if !changed.is_empty() => WriteKind::Update,
            _ => return None,
        };
        let late = if op == WriteKind::Insert {
            late_changes(writes)
        } else {
            Vec::new()
        };
        Some(Net {
            late,
            table: place.0,
            op,
            key: place.1,
            old,
            new,
            changed,
            unknown: unknown_before,
        })
    }

    /// When it is full, the half that was not written for longest goes.
    fn forget_some(&mut self) {
        if self.known.len() <= MAX_LEARNT_ROWS {
            return;
        }
        let mut touched: Vec<u64> = self.known.values().map(|k| k.touched).collect();
        let middle = touched.len() / 2;
        let (_, since, _) = touched.select_nth_unstable(middle);
        let (since, before) = (*since, self.known.len());
        self.known.retain(|_, known| known.touched > since);
        self.forgotten += (before - self.known.len()) as u64;
    }
}

/// The row before its first write in the transaction, and the columns that nothing tells.
fn before(first: &model::RowWrite, known: Option<Known>) -> (Option<Row>, Vec<u16>) {
    match (first.op, &first.old, known) {
        (WriteKind::Insert, _, _) => (None, Vec::new()),
        (_, Some(part), Some(known)) => {
            let unknown = known.unknown.iter().copied().filter(|c| !part.knows(*c));
            (Some(overlaid(Some(&known.row), part)), unknown.collect())
        }
        (_, None, Some(known)) => (Some(known.row), known.unknown),
        (_, Some(part), None) => {
            let row = overlaid(None, part);
            let unknown = missing(&[Some(part)], row.len());
            (Some(row), unknown)
        }
        (_, None, None) => {
            let row = first.new.as_ref().map(|part| overlaid(None, part));
            let unknown = missing(&[first.new.as_ref()], row.as_ref().map_or(0, Row::len));
            (row, unknown)
        }
    }
}
