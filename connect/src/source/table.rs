//! Tables as they are guarded, and what a whole look at them gives.

use crate::ConnectError;
use model::{Key, Row, TableSchema};
use thiserror::Error;

/// Positions of the columns that name a row, in key order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyColumns(pub Vec<u16>);

/// A table to be guarded. Its number (`Observed::table`) is its position in the list handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardedTable {
    pub schema: TableSchema,
    pub key: KeyColumns,
}

impl GuardedTable {
    /// Finds the key's columns by name.
    pub fn new<S: AsRef<str>>(schema: TableSchema, key: &[S]) -> Result<Self, ConnectError> {
        let mut columns = Vec::with_capacity(key.len());
        for name in key {
            let found = schema.column(name.as_ref());
            columns.push(found.ok_or_else(|| ConnectError::ColumnMissing {
                table: schema.name.clone(),
                column: name.as_ref().to_owned(),
            })?);
        }
        if columns.is_empty() {
            return Err(ConnectError::NoKey { table: schema.name });
        }
        Ok(Self {
            schema,
            key: KeyColumns(columns),
        })
    }

    /// The row's key; `None` when one of its columns is NULL.
    pub fn key_of(&self, row: &Row) -> Option<Key> {
        let values: Option<Vec<_>> = self
            .key
            .0
            .iter()
            .map(|column| row.get(usize::from(*column)))
            .collect();
        Key::of(values?)
    }
}

/// A row that cannot be guarded as it stands. It is reported, not skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRow {
    pub table: u16,
    /// SQLite's own number of the row, where the table has one.
    pub rowid: Option<i64>,
    pub reason: UnreadableReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnreadableReason {
    #[error("a column of its key is NULL")]
    NullKey,
}

/// What a whole look at the tables found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    pub rows: u64,
    /// At most [`MAX_UNREADABLE`] of them.
    pub unreadable: Vec<UnreadableRow>,
    /// All of them.
    pub unreadable_rows: u64,
}

/// A table with a million NULL keys must not fill the memory; the count stays exact.
pub const MAX_UNREADABLE: usize = 1_000;

impl ScanReport {
    pub(crate) fn unreadable(&mut self, table: u16, rowid: Option<i64>) {
        self.unreadable_rows += 1;
        if self.unreadable.len() < MAX_UNREADABLE {
            self.unreadable.push(UnreadableRow {
                table,
                rowid,
                reason: UnreadableReason::NullKey,
            });
        }
    }
}
