//! Row writes grouped by the transaction that made them: what a recorded trace holds, what a
//! policy is learnt from and replayed over. A live feed gives [`crate::Observed`] instead.

use crate::policy::WriteKind;
use crate::{Instant, Key, Row};

/// One transaction with its writes in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WrittenTransaction {
    /// The source's name for it, as it stands in the record.
    pub id: String,
    pub writes: Vec<RowWrite>,
}

/// One write of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowWrite {
    /// Position of the table in the list of schemas that the record came with.
    pub table: u16,
    pub op: WriteKind,
    pub key: Key,
    /// The row before, as far as the record tells.
    pub old: Option<PartRow>,
    /// The row after; `None` for a delete.
    pub new: Option<PartRow>,
    pub at: Instant,
    /// The same moment in the record's own words.
    pub said_at: String,
    /// Where it stands in the record: a line number.
    pub line: u64,
}

/// A row of which some columns may be unknown: they stand as NULL in `row`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRow {
    pub row: Row,
    /// Positions of the columns that are known, ascending; `None`: all of them.
    pub known: Option<Vec<u16>>,
}

impl PartRow {
    pub fn whole(row: Row) -> Self {
        Self { row, known: None }
    }
    pub fn knows(&self, column: u16) -> bool {
        self.known
            .as_ref()
            .is_none_or(|known| known.binary_search(&column).is_ok())
    }
}
