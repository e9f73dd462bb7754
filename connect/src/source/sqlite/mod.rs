//! Guarding a live SQLite file: no triggers, no schema change, no long read, no writer ever
//! made to wait.
//!
//! How the feed works (docs/sqlite-feed.md says it at length):
//! - The pages that a commit changed stand in the write-ahead log (`-wal`). [`wal`] reads its
//!   frames with plain file reads, verifies the chain of salts and checksums, and keeps the
//!   image of each changed page up to the last commit.
//! - [`tree`] knows the shape of each guarded table's b-tree: which leaf pages it has, from
//!   which to which rowid each of them holds rows, and which overflow pages belong to which
//!   row. The changed pages give the ranges of rowids in which something may have changed.
//! - [`watch`] reads these ranges again through SQL, in a short read transaction, and compares
//!   a keyed hash of each row with the one remembered. Only real differences come out.
//! - [`feed`] holds it together: a read transaction is handed from one connection to the next,
//!   so that SQLite cannot start the log anew over frames that were not seen; when the log
//!   has grown so far that this would harm the shop's checkpoints, it lets go, and proves from
//!   the log's remains that nothing was missed, or says [`Polled::Lost`].
//!
//! Why rows are read through SQL and not out of the page images: defaults of added columns,
//! reals stored as integers and later changes of the file format are then right by
//! construction. Why the database file is never opened with plain reads: closing any
//! descriptor of it would silently drop every lock that this process holds on it, other
//! connections' too (POSIX advisory locks); the `-wal` file carries no locks.
//!
//! What a SQLite file cannot tell: who changed a row, with which statement, in how many steps,
//! or when to the microsecond. Commits that fall between two polls are seen as one.

mod check;
mod feed;
mod open;
mod page;
mod read;
mod schema;
mod shape;
mod source;
mod tree;
mod wal;
mod watch;

pub use check::CheckRow;
pub use feed::{Feed, FeedOptions, FeedWaker};
pub use source::SqliteSource;

pub(crate) use read::{bound, value_of};
pub(crate) use schema::quoted;

use crate::ConnectError;
use model::{Key, Observed, Row, TableSchema};
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

/// What happened since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedBatch {
    /// Rows that really changed: table by table, in rowid order (key order where there is none).
    pub observed: Vec<Observed>,
    /// Rows whose key became NULL.
    pub unreadable: Vec<UnreadableRow>,
    /// Where the log stands: its generation (checkpoint sequence) in the upper 32 bits, its frame in
    /// the lower; without a log a running number. For people and records; reading cannot be resumed from it.
    pub position: u64,
    /// Commits seen; 0 where the file cannot tell.
    pub transactions: u32,
    /// Several commits may have been seen as one.
    pub coalesced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Polled {
    /// Nothing that concerns the guarded tables.
    Quiet,
    Changes(FeedBatch),
    /// A guarded table's columns changed or the table is gone; open the feed anew with the new schema.
    SchemaChanged {
        tables: Vec<String>,
    },
    /// Something may have happened unseen; call [`Feed::rescan`]. Said again until that is done.
    Lost {
        reason: LostReason,
    },
}

/// Why nothing can be said about what happened since the last look.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LostReason {
    #[error("the write-ahead log was started anew and written over frames that were not seen")]
    Overwritten,
    #[error("the write-ahead log was cut off while it was not held")]
    Truncated,
    #[error("the write-ahead log was started anew more than once, or by another hand")]
    Generations,
    #[error("another file stands in the database's place")]
    Replaced,
    #[error("the journal mode of the database changed")]
    JournalMode,
    #[error("more than {most} rows changed at once")]
    TooManyRows { most: usize },
    #[error("the last look at the database failed half-way")]
    Failed,
    #[error("a page of the database is not where its tree says: {detail}")]
    Misread { detail: String },
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
    fn unreadable(&mut self, table: u16, rowid: Option<i64>) {
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
