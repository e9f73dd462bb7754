//! Lines into transactions. Lines of transactions that ran at the same time stand mixed in a
//! trace, and none says that it is the last of its own.
//!
//! ```text
//! line   1  2  3  4  5            a transaction ends with its last line,
//! tx     A  B  A  B  C   ─► A, B, C   and they are given in the order of their ends
//! ```

use model::{RowWrite, WrittenTransaction};
use std::collections::{BTreeMap, HashMap};

/// A transaction of which so many lines nothing came is over. Two steps of a shop that ran for
/// longer beside each other would be seen as more transactions than they were.
pub const OPEN_LINES: u64 = 5_000;

/// A transaction with more lines is given in parts, so that one bulk load does not fill the memory.
pub const MAX_TRANSACTION_LINES: usize = 200_000;

#[derive(Debug, Default)]
pub(super) struct Groups {
    open: HashMap<String, Open>,
    /// Last line -> transaction.
    ends: BTreeMap<u64, String>,
    /// Transactions that were given in parts.
    pub(super) in_parts: u64,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    writes: Vec<RowWrite>,
}

impl Groups {
    /// Gives a transaction back when it has grown too large to wait for its end.
    pub(super) fn push(&mut self, tx: String, write: RowWrite) -> Option<WrittenTransaction> {
        let open = self.open.entry(tx.clone()).or_default();
        if open.last != 0 {
            self.ends.remove(&open.last);
        }
        open.last = write.line;
        open.writes.push(write);
        if open.writes.len() >= MAX_TRANSACTION_LINES {
            self.in_parts += 1;
            return self.take(&tx);
        }
        self.ends.insert(open.last, tx);
        None
    }

    /// The next transaction that is over at `line`; at the end of the file all of them are.
    pub(super) fn over(&mut self, line: Option<u64>) -> Option<WrittenTransaction> {
        let (&last, _) = self.ends.first_key_value()?;
        if line.is_some_and(|line| last + OPEN_LINES > line) {
            return None;
        }
        let tx = self.ends.remove(&last)?;
        self.take(&tx)
    }

    fn take(&mut self, tx: &str) -> Option<WrittenTransaction> {
        let (id, open) = self.open.remove_entry(tx)?;
        Some(WrittenTransaction {
            id,
            writes: open.writes,
        })
    }
}
