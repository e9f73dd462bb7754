//! Holds on rows, repairs, audits and the watch.
//!
//! Deliberately not here: the statements of a repair, which stand in the proposal's document.

use crate::rows::{RowCounts, TableRows};
use model::{Actor, Digest, HoldId, Instant, ProposalId, SourceName};
use serde::{Deserialize, Serialize};

/// Rows that the shop must not ship, pay out or refund for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// `H-1` and so on within the incident.
    pub id: HoldId,
    pub rows: Vec<TableRows>,
    pub reason: String,
    pub proposed_by: Actor,
    pub proposed_at: Instant,
    /// It ends by itself then.
    pub until: Instant,
    pub approved: Option<super::people::Signed>,
    pub state: HoldState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum HoldState {
    Proposed,
    Active,
    Lifted {
        by: Actor,
        at: Instant,
        reason: String,
    },
    Expired {
        at: Instant,
    },
    Refused {
        by: Actor,
        at: Instant,
        reason: String,
    },
}

impl HoldState {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Active => "active",
            Self::Lifted { .. } => "lifted",
            Self::Expired { .. } => "expired",
            Self::Refused { .. } => "refused",
        }
    }
}

/// Which rows a repair puts right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum RepairScope {
    /// Every row that stood open when the proposal was made (for proposals too long to name them).
    AllOpen,
    Rows {
        rows: Vec<TableRows>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    pub proposal: ProposalId,
    pub digest: Digest,
    pub source: SourceName,
    pub scope: RepairScope,
    /// Rows that it restores, voids and re-inserts, by their damage.
    pub counts: RowCounts,
    pub made_at: Instant,
    pub proposed_by: Actor,
    pub proposed_at: Instant,
    pub approved: Option<super::people::Signed>,
    pub state: RepairState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RepairState {
    Proposed,
    Approved,
    /// A person set it going; a restart finds out from the shop how it ended.
    Applying {
        by: Actor,
        at: Instant,
    },
    Rejected {
        by: Actor,
        at: Instant,
        reason: String,
    },
    Applied {
        at: Instant,
        repaired: RowCounts,
    },
    Failed {
        at: Instant,
        why: String,
    },
    /// A newer proposal took its place before it was approved.
    Superseded {
        by: ProposalId,
    },
}

impl RepairState {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Applying { .. } => "applying",
            Self::Rejected { .. } => "rejected",
            Self::Applied { .. } => "applied",
            Self::Failed { .. } => "failed",
            Self::Superseded { .. } => "superseded",
        }
    }
}

/// A comparison of every row with the lawful images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    pub source: SourceName,
    /// When the snapshot of the rows was taken.
    pub taken_at: Instant,
    pub recorded_at: Instant,
    pub rows: u64,
    pub discrepancies: u64,
}

/// The watch over the shop after the handling.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Watch {
    pub started_at: Option<Instant>,
    pub last_finding_at: Option<Instant>,
    /// The attacker was still writing when the last findings came.
    pub ongoing: bool,
}
