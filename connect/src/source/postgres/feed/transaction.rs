//! One transaction of the shop, put together from the messages of the log: for each row what the
//! transaction made of it in the end.

use super::super::guarded::Access;
use super::super::kind::Kind;
use super::super::pgoutput::{Cell, Old, Relation, Tuple};
use crate::source::{UnreadableReason, UnreadableRow};
use model::row::RowBuilder;
use model::{Instant, Key, Observed, Row, SourceTransaction, ValueRef};
use std::collections::HashMap;

/// What one transaction may take in memory while it is put together.
pub(super) const MAX_ROWS: usize = if cfg!(test) { 100 } else { 1_000_000 };
const MAX_BYTES: usize = 512 << 20;
/// A pending row beside its bytes.
const ROW_BYTES: usize = 160;
/// Stamps of one transaction; a shop writes one.
const MAX_STAMPS: usize = 16;
const MAX_STAMP_BYTES: usize = 4_096;
/// From 1970 to 2000.
const EPOCH_US: i64 = 946_684_800_000_000;

/// How a relation's messages become rows of a guarded table.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    number: u16,
    /// For each guarded column: its place in the messages, and its kind. `None`: it was not there,
    /// or was of another type, when the message was written.
    places: Vec<(Option<usize>, Kind)>,
    key: Vec<u16>,
    /// The messages are written under the very schema that is guarded.
    pub(super) same: bool,
    /// The log says of changed and deleted rows which ones they were.
    pub(super) named: bool,
}

impl Shape {
    pub(super) fn of(access: &Access, relation: &Relation<'_>) -> Self {
        let columns = &access.table.columns;
        let same = columns.len() == relation.columns.len()
            && columns
                .iter()
                .zip(&relation.columns)
                .all(|(column, (name, kind))| {
                    column.name.as_bytes() == *name && column.type_oid == *kind
                });
        let place = |column: &super::super::catalog::Column| {
            relation.columns.iter().position(|(name, kind)| {
                column.name.as_bytes() == *name && column.type_oid == *kind
            })
        };
        let named = access.guarded.key.0.iter().all(|c| {
            let column = columns.get(usize::from(*c));
            let at = column.and_then(place);
            at.is_some_and(|at| relation.identity.get(at) == Some(&true))
        });
        Self {
            named,
            number: access.number,
            places: columns.iter().map(|c| (place(c), c.kind)).collect(),
            key: access.guarded.key.0.clone(),
            same,
        }
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// Rows can be told apart.
    pub(super) fn keyed(&self) -> bool {
        let known = |c: &u16| {
            self.places
                .get(usize::from(*c))
                .is_some_and(|p| p.0.is_some())
        };
        self.key.iter().all(known)
    }

    fn cell<'t>(&self, column: usize, tuple: &Tuple<'t>) -> Option<Cell<'t>> {
        tuple.get(self.places.get(column)?.0?).copied()
    }

    /// The key as this tuple has it.
    fn key(&self, tuple: &Tuple<'_>, scratch: &mut Vec<u8>) -> Option<Key> {
        let mut builder = RowBuilder::default();
        for column in &self.key {
            let column = usize::from(*column);
            match self.cell(column, tuple)? {
                Cell::Text(text) => self.places[column].1.push_text(text, scratch, &mut builder),
                Cell::Null | Cell::Unchanged => return None,
            }
        }
        Key::of(builder.finish().iter())
    }
}

/// What a transaction made of one row.
#[derive(Debug)]
struct Pending {
    number: u16,
    key: Key,
    row: Option<Row>,
    unsent: Vec<u16>,
    /// It was there before the transaction.
    was_there: bool,
    steps: u32,
    /// It came here from another key, so that what is unsent stood under that one.
    moved: bool,
}

/// A whole transaction.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) source: SourceTransaction,
    pub(super) rows: Vec<Observed>,
    /// Rows that came from another key with columns left out.
    pub(super) moved: Vec<usize>,
    pub(super) unreadable: Vec<UnreadableRow>,
    pub(super) marks: Vec<Vec<u8>>,
    pub(super) bytes: usize,
}

/// A transaction whose commit has not come yet.
#[derive(Debug, Default)]
pub(super) struct Open {
    committed_us: i64,
    xid: u32,
    /// It was seen already: only its marks count.
    pub(super) skipped: bool,
    rows: Vec<Pending>,
    index: HashMap<(u16, Key), usize>,
    bytes: usize,
    unreadable: Vec<UnreadableRow>,
    stamps: Vec<Vec<u8>>,
    by: Option<String>,
    marks: Vec<Vec<u8>>,
    scratch: Vec<u8>,
}

impl Open {
    pub(super) fn new(xid: u32, committed_us: i64, skipped: bool) -> Self {
        Self {
            xid,
            committed_us,
            skipped,
            ..Self::default()
        }
    }

    pub(super) fn too_large(&self) -> bool {
        self.rows.len() > MAX_ROWS || self.bytes > MAX_BYTES
    }

    /// Gives the rows up; the transaction goes on being read to its end.
    pub(super) fn skip(&mut self) {
        *self = Self {
            marks: std::mem::take(&mut self.marks),
            ..Self::new(self.xid, self.committed_us, true)
        };
    }

    pub(super) fn origin(&mut self, name: &[u8]) {
        self.by = Some(String::from_utf8_lossy(name).into_owned());
    }

    pub(super) fn stamp(&mut self, content: &[u8]) {
        if self.stamps.len() < MAX_STAMPS && content.len() <= MAX_STAMP_BYTES {
            self.stamps.push(content.to_vec());
        }
    }

    pub(super) fn mark(&mut self, content: &[u8]) {
        if self.marks.len() < MAX_STAMPS && content.len() <= MAX_STAMP_BYTES {
            self.marks.push(content.to_vec());
        }
    }

    pub(super) fn insert(&mut self, shape: &Shape, new: &Tuple<'_>) {
        self.write(shape, new, None, None);
    }

    /// False when the old key is told, but not whole.
    pub(super) fn update(&mut self, shape: &Shape, old: Option<&Old<'_>>, new: &Tuple<'_>) -> bool {
        let full = match old {
            Some(Old::Full(tuple)) => Some(tuple),
            _ => None,
        };
        let before = old.and_then(|old| shape.key(tuple_of(old), &mut self.scratch));
        if old.is_some() && before.is_none() {
            return false;
        }
        let after = shape.key(new, &mut self.scratch);
        match before {
            Some(before) if after.as_ref() != Some(&before) => {
                // What the old key's row held is needed for columns that the log leaves out.
                let from = self.index.get(&(shape.number, before.clone())).copied();
                let held = from.and_then(|i| {
                    self.rows[i]
                        .row
                        .clone()
                        .map(|row| (row, self.rows[i].unsent.clone()))
                });
                self.remove(shape.number, before);
                self.write(shape, new, full, Some(held));
            }
            _ => self.write_in_place(shape, new, full),
        }
        true
    }

    /// False when the key is not told whole.
    pub(super) fn delete(&mut self, shape: &Shape, old: &Old<'_>) -> bool {
        let key = shape.key(tuple_of(old), &mut self.scratch);
        let told = key.is_some();
        if let Some(key) = key {
            self.remove(shape.number, key);
        }
        told
    }

    fn write_in_place(&mut self, shape: &Shape, new: &Tuple<'_>, full: Option<&Tuple<'_>>) {
        let Some(key) = shape.key(new, &mut self.scratch) else {
            return self.unreadable(shape.number);
        };
        let at = self.index.get(&(shape.number, key.clone())).copied();
        let held = at.and_then(|i| {
            self.rows[i]
                .row
                .as_ref()
                .map(|row| (row, self.rows[i].unsent.as_slice()))
        });
        let (row, unsent) = built(shape, new, full, held, &mut self.scratch);
        self.bytes += row.as_bytes().len();
        match at {
            Some(i) => {
                let pending = &mut self.rows[i];
                pending.row = Some(row);
                pending.unsent = unsent;
                pending.steps += 1;
            }
            None => self.push(shape.number, key, Some(row), unsent, true, false),
        }
    }

    /// A row that was not there under this key before. `moved`: it came from another key, with what
    /// is known of it there.
    fn write(
        &mut self,
        shape: &Shape,
        new: &Tuple<'_>,
        full: Option<&Tuple<'_>>,
        moved: Option<Option<(Row, Vec<u16>)>>,
    ) {
        let Some(key) = shape.key(new, &mut self.scratch) else {
            return self.unreadable(shape.number);
        };
        let held = moved.as_ref().and_then(|held| held.as_ref());
        let held = held.map(|(row, unsent)| (row, unsent.as_slice()));
        let (row, unsent) = built(shape, new, full, held, &mut self.scratch);
        self.bytes += row.as_bytes().len();
        let at = self.index.get(&(shape.number, key.clone())).copied();
        match at {
            Some(i) => {
                let pending = &mut self.rows[i];
                pending.row = Some(row);
                pending.unsent = unsent;
                pending.moved = moved.is_some();
                pending.steps += 1;
            }
            None => self.push(shape.number, key, Some(row), unsent, false, moved.is_some()),
        }
    }

    fn remove(&mut self, number: u16, key: Key) {
        match self.index.get(&(number, key.clone())) {
            Some(i) => {
                let pending = &mut self.rows[*i];
                pending.row = None;
                pending.unsent.clear();
                pending.steps += 1;
            }
            None => self.push(number, key, None, Vec::new(), true, false),
        }
    }

    fn push(
        &mut self,
        number: u16,
        key: Key,
        row: Option<Row>,
        unsent: Vec<u16>,
        was_there: bool,
        moved: bool,
    ) {
        self.bytes += ROW_BYTES + 2 * key.0.len();
        self.index.insert((number, key.clone()), self.rows.len());
        self.rows.push(Pending {
            number,
            key,
            row,
            unsent,
            was_there,
            steps: 1,
            moved,
        });
    }

    fn unreadable(&mut self, table: u16) {
        if self.unreadable.len() < crate::source::MAX_UNREADABLE {
            self.unreadable.push(UnreadableRow {
                table,
                rowid: None,
                reason: UnreadableReason::NullKey,
            });
        }
    }

    /// The commit came; the transaction ends at this position.
    pub(super) fn done(self, position: u64) -> Transaction {
        let mut transaction = Transaction {
            source: SourceTransaction {
                position,
                id: self.xid.to_string(),
                committed_at: Instant(self.committed_us.saturating_add(EPOCH_US)),
                stamps: self.stamps,
                by: self.by,
                logged: None,
            },
            rows: Vec::with_capacity(self.rows.len()),
            moved: Vec::new(),
            unreadable: self.unreadable,
            marks: self.marks,
            bytes: self.bytes,
        };
        for pending in self.rows {
            if pending.row.is_none() && !pending.was_there {
                continue;
            }
            if pending.moved && !pending.unsent.is_empty() {
                transaction.moved.push(transaction.rows.len());
            }
            transaction.rows.push(Observed {
                table: pending.number,
                key: pending.key,
                row: pending.row,
                unsent: pending.unsent,
                transaction: 0,
                coalesced: pending.steps > 1,
            });
        }
        transaction
    }
}

fn tuple_of<'a, 't>(old: &'a Old<'t>) -> &'a Tuple<'t> {
    let (Old::Key(tuple) | Old::Full(tuple)) = old;
    tuple
}

/// The row of a tuple. What it leaves out is taken from the full old row, else from what is known
/// of the row so far; what is known nowhere is listed.
fn built(
    shape: &Shape,
    new: &Tuple<'_>,
    full: Option<&Tuple<'_>>,
    held: Option<(&Row, &[u16])>,
    scratch: &mut Vec<u8>,
) -> (Row, Vec<u16>) {
    let mut builder = RowBuilder::default();
    let mut unsent = Vec::new();
    for (column, (_, kind)) in shape.places.iter().enumerate() {
        let cell = match shape.cell(column, new) {
            Some(Cell::Unchanged) | None => full.and_then(|old| shape.cell(column, old)),
            sent => sent,
        };
        match cell {
            Some(Cell::Text(text)) => kind.push_text(text, scratch, &mut builder),
            Some(Cell::Null) => builder.push(ValueRef::Null),
            Some(Cell::Unchanged) | None => {
                let known = held.filter(|(_, missing)| !missing.contains(&(column as u16)));
                match known.and_then(|(row, _)| row.get(column)) {
                    Some(value) => builder.push(value),
                    None => {
                        builder.push(ValueRef::Null);
                        unsent.push(column as u16);
                    }
                }
            }
        }
    }
    (builder.finish(), unsent)
}
