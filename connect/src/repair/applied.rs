//! What a repair did, row by row, or in a dry run would have done.

use model::{RepairAction, Value};

/// Columns of one row with their values, generated ones left out.
pub type Image = Vec<(String, Value)>;

#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    pub rows: usize,
    /// Rows that triggers or cascades changed beside them.
    pub side_effects: u64,
    pub amount_minor: i128,
    pub dry_run: bool,
    /// In the order of the proposal's steps.
    pub steps: Vec<StepDone>,
    /// The database's own name of the transaction, as its feed says it: PostgreSQL's transaction id,
    /// MariaDB's GTID. `None` where it has none, or nothing was committed.
    pub transaction: Option<String>,
    /// From the first lock to the end, by the database's own clock.
    pub duration_ms: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StepDone {
    pub action: RepairAction,
    pub table: String,
    /// The row's key as people read it.
    pub key: String,
    /// The whole row as it stood; `None`: it was not there.
    pub before: Option<Image>,
    pub after: Option<Image>,
    /// The reversing entry, with what the database filled in.
    pub entry: Option<Image>,
    /// Rows changed beside this one by its statement.
    pub side_effects: u64,
}
