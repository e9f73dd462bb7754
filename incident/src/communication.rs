//! Notices, filings with authorities, waived duties.
//!
//! Deliberately not here: texts of the plan and the sending.

use crate::people::Signed;
use model::{Actor, ClockId, Instant, NoticeId};
use plan::Lang;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    User,
    Merchant,
    Authority,
    Police,
    Management,
}

impl NoticeKind {
    pub const ALL: [Self; 5] = [
        Self::User,
        Self::Merchant,
        Self::Authority,
        Self::Police,
        Self::Management,
    ];
    pub const fn code(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Merchant => "merchant",
            Self::Authority => "authority",
            Self::Police => "police",
            Self::Management => "management",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// `N-1` and so on within the incident.
    pub id: NoticeId,
    pub kind: NoticeKind,
    pub texts: BTreeMap<Lang, String>,
    /// How many it goes to.
    pub audience: u64,
    pub drafted_by: Actor,
    pub drafted_at: Instant,
    pub approved: Option<Signed>,
    pub state: NoticeState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum NoticeState {
    Draft,
    /// Approved and handed over for sending.
    Approved,
    Rejected {
        by: Actor,
        at: Instant,
        reason: String,
    },
    Sent {
        at: Instant,
        /// Recipients that it was handed over for.
        delivered: u64,
        failed: u64,
    },
}

impl NoticeState {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Sent { .. } => "sent",
        }
    }
}

/// A duty met: a report that was filed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filing {
    pub clock: ClockId,
    pub filed_at: Instant,
    pub channel: String,
    /// Receipt number, or whom it was told by telephone.
    pub receipt: String,
    pub by: Actor,
    pub recorded_at: Instant,
}

/// A duty that a person holds not to be owed, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    pub clock: ClockId,
    pub reason: String,
    pub by: Actor,
    pub at: Instant,
}
