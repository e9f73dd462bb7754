//! What can go wrong while lawful images are read, compared and proposed.

use journal::JournalError;
use model::entry::EntryError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum RecoverError {
    #[error("the journal could not give an entry or a key")]
    Journal(#[from] JournalError),
    /// The entry was read whole but is none of ours: a newer program wrote it.
    #[error("ledger entry {index} cannot be read")]
    Entry {
        index: u64,
        #[source]
        source: EntryError,
    },
    /// The image index is derived: build it anew from the ledger.
    #[error("the image index names ledger entry {index}, which holds no image of this row")]
    NoImage { index: u64 },
    #[error("the image index holds a record that cannot be read")]
    Record(#[source] EntryError),
    #[error("a sealed value of table `{table}`, column `{column}` is no value")]
    SealedValue { table: String, column: String },
    #[error("no table has number {table}")]
    NoTable { table: u16 },
    /// Our own mistake or a source without a total order of keys.
    #[error("rows of table `{table}` came out of key order")]
    OutOfOrder { table: String },
    #[error("{rows} rows would be repaired; one proposal may have {max}")]
    TooManyRows { rows: usize, max: usize },
    /// The row changed or vanished since the proposal was made; make a new one.
    #[error("table `{table}`, row {key}: the row is not as the proposal expects it")]
    NotAsExpected { table: String, key: String },
    #[error(
        "table `{table}`, row {key}: the repair cannot be undone: the table's columns are others now, or it \
         wrote a reversing entry, which can only be reversed by another one"
    )]
    CannotUndo { table: String, key: String },
}
