//! The head of an incident: what a list shows and filters by, small enough to be kept for all.
//!
//! Deliberately not here: how heads are stored and found (room `store`), and who may see them.

use crate::access::Access;
use crate::category::Category;
use crate::containment::RepairState;
use crate::incident::{Incident, Status};
use crate::rows::{RowCounts, RowState};
use model::{Grade, IncidentId, Instant, Level, Risk, SourceName};
use plan::StepId;
use serde::{Deserialize, Serialize};

/// Derived from the facts alone; it can be made again at any time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentHead {
    pub id: IncidentId,
    pub code_name: String,
    pub exercise: bool,
    pub risk: Risk,
    pub category: Category,
    pub source: Option<SourceName>,
    pub opened_at: Instant,
    pub closed_at: Option<Instant>,
    /// When its last fact was recorded.
    pub last_at: Instant,
    pub step: StepId,
    pub grade: Grade,
    pub level: Level,
    pub grade_to_confirm: bool,
    /// Findings that joined.
    pub findings: u64,
    pub rows: RowCounts,
    pub rows_open: RowCounts,
    /// Rows of its own source that a person decided may stay as they are.
    #[serde(default)]
    pub rows_accepted: u64,
    /// Number of its facts.
    pub facts: u32,
    /// Who may see it; for the doors, not to be shown.
    #[serde(default)]
    pub access: Access,
}

impl IncidentHead {
    /// `last_at`: when the incident's last fact was recorded.
    pub fn of(incident: &Incident, last_at: Instant) -> Self {
        let own = incident.source.as_ref();
        let tables = own.and_then(|s| incident.findings.rows.get(s.as_str()));
        let rows = tables.into_iter().flat_map(|t| t.values());
        let accepted = rows
            .flat_map(|rows| rows.values())
            .filter(|row| row.state == RowState::Accepted);
        Self {
            id: incident.id.clone(),
            code_name: incident.code_name.clone(),
            exercise: incident.exercise,
            risk: incident.risk,
            category: incident.category,
            source: incident.source.clone(),
            opened_at: incident.opened_at,
            closed_at: match &incident.status {
                Status::Closed { at, .. } => Some(*at),
                Status::Open => None,
            },
            last_at,
            step: incident.step,
            grade: incident.grade(),
            level: incident.level,
            grade_to_confirm: incident.grade_to_confirm(),
            findings: incident.findings.total(),
            rows: incident.findings.counts,
            rows_open: incident.findings.open,
            rows_accepted: accepted.count() as u64,
            facts: incident.next_sequence,
            access: incident.access.clone(),
        }
    }
    pub const fn closed(&self) -> bool {
        self.closed_at.is_some()
    }
}

impl Incident {
    /// Somebody or something still works on it: it is open, or a repair of it is being applied.
    pub fn active(&self) -> bool {
        let applying =
            |r: &crate::containment::Repair| matches!(r.state, RepairState::Applying { .. });
        !self.closed() || self.repairs.iter().any(applying)
    }
}
