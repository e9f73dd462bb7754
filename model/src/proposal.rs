//! A repair proposal: what would be written to the shop, row by row, and its digest.

use crate::{ColumnChange, Digest, Instant, Key, ProposalId, Row, SourceName, Value};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairAction {
    /// Write the lawful values back into tainted columns.
    RestoreColumns,
    /// Insert a lawful row that was deleted.
    Reinsert,
    /// Set a forged row aside by the policy's statement; the row is kept as evidence.
    Void,
}

/// One row's repair. `live` is what must stand there when it is applied; anything else stops the repair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairStep {
    pub action: RepairAction,
    pub table: String,
    /// The row's key as people read it.
    pub key: String,
    /// For people: every column concerned, lawful and live.
    pub columns: Vec<ColumnChange>,
    /// The statement that will be run.
    pub sql: String,
    /// Values bound to `?1`, `?2`, ... of `sql`.
    pub parameters: Vec<Value>,
    /// Key columns and their values, to read the row back by.
    pub key_values: Vec<(String, Value)>,
    /// Guarded columns (name, value) that must stand there before; empty when the row must be absent.
    pub expect_live: Vec<(String, Value)>,
    /// Columns (name, value) that must stand there afterwards.
    pub expect_after: Vec<(String, Value)>,
    /// Ledger entry that the lawful image comes from; for forged rows that of the forgery.
    pub position: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairProposal {
    pub id: ProposalId,
    pub source: SourceName,
    pub made_at: Instant,
    /// Size of the ledger that the lawful images come from.
    pub ledger_size: u64,
    pub policy: Digest,
    pub steps: Vec<RepairStep>,
}

impl RepairProposal {
    /// What an approval is bound to: SHA-256 of the proposal's JSON.
    pub fn digest(&self) -> Digest {
        // A struct of strings and numbers always serialises; reals are never NaN in JSON, they become null.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The image that a repair is about to write, as the feed will see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedImage {
    pub table: u16,
    pub key: Key,
    pub row: Option<Row>,
}
