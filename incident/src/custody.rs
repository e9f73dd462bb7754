//! Evidence and its chain of custody (证据保管链, form F-06).
//!
//! Deliberately not here: the bytes of the evidence; only their hash, size and place.

use model::{Actor, Digest, EvidenceId, Instant};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An entry of a journal log that a piece of evidence rests on.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct JournalPosition {
    /// `ledger/0`, `record` and so on.
    pub log: String,
    pub index: u64,
}

/// What is taken into custody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceItem {
    pub name: String,
    /// `rows`, `log`, `disk`, `memory`, `traffic`, `document`, `other`.
    pub kind: String,
    /// Device, account or path that it comes from.
    pub source: String,
    #[serde(default)]
    pub witness: Option<String>,
    pub collected_at: Instant,
    /// Method and tool with its version.
    pub method: String,
    pub sha256: Digest,
    pub size_bytes: u64,
    #[serde(default)]
    pub positions: Vec<JournalPosition>,
    /// Where it is kept.
    pub location: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `E-1` and so on within the incident.
    pub id: EvidenceId,
    #[serde(flatten)]
    pub item: EvidenceItem,
    pub collected_by: Actor,
    pub recorded_at: Instant,
    pub transfers: Vec<Transfer>,
}

/// One hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    pub at: Instant,
    pub by: Actor,
    pub to: String,
    pub purpose: String,
    /// Hash taken at the hand-over.
    pub sha256: Digest,
    /// It is the hash of the collection.
    pub intact: bool,
}
