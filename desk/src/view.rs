//! What the pages and the command line are shown.

use model::{
    AccountId, Digest, FindingId, IncidentId, Instant, OutboxId, PositionId, RepairProposal,
    SourceName, Verdict,
};
use plan::Lang;
use serde::{Deserialize, Serialize};

/// A logged-in person.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub account: AccountId,
    pub name: String,
    pub positions: Vec<PositionId>,
    /// Belongs into every form of the session.
    pub csrf: String,
    pub language: Option<Lang>,
    /// Of an API token: what it is good for. `None`: a person's own session.
    pub scopes: Option<Vec<crate::identity::api_token::Scope>>,
    /// The plan's operator asks this person for a second factor, and there is none yet.
    pub needs_second_factor: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SourceStatus {
    pub name: String,
    pub kind: String,
    pub watching: bool,
    pub blind_since: Option<Instant>,
    /// Unlawful changes in the last ten seconds.
    pub still_writing: bool,
    pub rows: u64,
    pub changes: u64,
    pub lawful: u64,
    pub findings: u64,
    pub unwitnessed: u64,
    /// Rows with findings that a person decided may stay as they are.
    pub false_alarms: u64,
    pub last_change_at: Option<Instant>,
    pub lag_ms: u32,
    pub problem: Option<String>,
    /// What watching costs the shop, as far as the source tells.
    pub load: connect::source::SourceLoad,
    /// Newest first, at most `RECENT_CHANGES`.
    pub recent: Vec<RecentChange>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecentChange {
    pub table: String,
    pub key: String,
    /// `+` inserted, `-` deleted, `placed -> paid` for a state, else the columns' names.
    pub what: String,
    pub verdict: Verdict,
    pub at: Instant,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogStatus {
    pub name: String,
    pub size: u64,
    /// Base64 of the root hash.
    pub root: String,
    /// The signed note.
    pub checkpoint: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutboxItem {
    pub id: OutboxId,
    pub incident: Option<IncidentId>,
    pub channel: String,
    pub kind: String,
    pub state: String,
    pub attempts: u32,
    pub created_at: Instant,
    pub due_at: Instant,
    pub sent_at: Option<Instant>,
    pub to: String,
    pub subject: String,
    pub body: String,
    /// Sent more than once may have happened: a crash lay between sending and noting it.
    pub possible_duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalView {
    pub proposal: RepairProposal,
    pub digest: Digest,
    pub incident: Option<IncidentId>,
    pub proposed_by: String,
    pub approved_by: Option<String>,
    pub state: String,
    /// Rows that it leaves to a person, each with the reason, in plain English.
    #[serde(default)]
    pub left_out: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct FindingFilter {
    pub incident: Option<IncidentId>,
    pub source: Option<SourceName>,
    pub after: Option<FindingId>,
    pub limit: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditSummary {
    pub rows: u64,
    pub discrepancies: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    Html,
    Markdown,
}
