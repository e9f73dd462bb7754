//! Where a source with a log of transactions is read on from after a restart.
//!
//! The ledger is the truth: each entry carries its transaction's position. A mark in the store is
//! a copy that spares reading the whole ledger; entries behind the mark are looked at one by one.

use crate::ledger::{Ledger, WatchEntry};
use crate::{Desk, DeskError};
use model::SourceName;
use model::entry::{EntryKind, LedgerEntry};

/// Marks that say: of the entries below `ledger_size`, the last whole transaction is at `position`.
pub(crate) fn marks(source: &SourceName, position: u64, ledger_size: u64) -> [(String, u64); 2] {
    [
        (mark_position(source), position),
        (mark_position_at(source), ledger_size),
    ]
}

fn mark_position(source: &SourceName) -> String {
    format!("position/{source}")
}
fn mark_position_at(source: &SourceName) -> String {
    format!("position-at/{source}")
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resumed {
    /// Everything up to here is durable; `None` before the first transaction.
    pub position: Option<u64>,
    /// A transaction of which a crash left only a part in the ledger.
    pub torn: Option<u64>,
}

impl Desk {
    pub(crate) fn resumed(
        &self,
        source: &SourceName,
        ledger: &Ledger,
    ) -> Result<Resumed, DeskError> {
        let from = self.store().mark(&mark_position_at(source))?.unwrap_or(0);
        let mut resumed = Resumed {
            position: self.store().mark(&mark_position(source))?,
            torn: None,
        };
        for index in from.min(ledger.reader.size())..ledger.reader.size() {
            let entry = match LedgerEntry::decode(&ledger.reader.entry(index)?)? {
                LedgerEntry::Row(entry) => entry,
                LedgerEntry::Watch(told) => {
                    // The source's log was lost here; its positions may have begun anew.
                    if let Ok(WatchEntry::Lost { .. }) = serde_json::from_slice(&told) {
                        resumed = Resumed::default();
                    }
                    continue;
                }
                _ => continue,
            };
            if entry.kind != EntryKind::Change || entry.source_position == 0 {
                continue;
            }
            // Entries stand in the order of their commits: the last one counts.
            if entry.last_of_transaction {
                resumed.position = Some(entry.source_position);
                resumed.torn = None;
            } else {
                resumed.torn = Some(entry.source_position);
            }
        }
        Ok(resumed)
    }
}
