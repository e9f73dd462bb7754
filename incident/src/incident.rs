//! An incident as its facts have made it.
//!
//! Deliberately not here: how facts come about (`decide`) and how each one is folded (`apply`).

use crate::access::Access;
use crate::assessing::Assessing;
use crate::bounds::REMEMBERED_REQUESTS;
use crate::category::Category;
use crate::communication::{Filing, Notice, Waiver};
use crate::containment::{Audit, Hold, Repair, Watch};
use crate::custody::Evidence;
use crate::fact::{Fact, Opening, Recorded};
use crate::grading::{ConfirmedGrade, Impact};
use crate::handover::Handover;
use crate::joining::Joining;
use crate::learning::{Decision, Lesson};
use crate::open::Origin;
use crate::people::{CallOut, Order, Task};
use crate::resource::Resources;
use crate::room::Room;
use crate::rows::FindingsSummary;
use crate::timeline::TimelineEntry;
use model::{
    Actor, Digest, Grade, IncidentId, Instant, Level, Operation, ReceiptNo, RequestId, Risk,
    SourceName,
};
use plan::clock::{Anchors, TriggerFacts};
use plan::grading::Figures;
use plan::{Assessment, Metric, StepId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};
use thiserror::Error;

/// How an incident stands. Made by folding facts, and only so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    pub code_name: String,
    /// An exercise never touches the real outside.
    pub exercise: bool,
    pub plan_version: String,
    pub plan_digest: Digest,
    pub risk: Risk,
    pub category: Category,
    pub source: Option<SourceName>,
    pub origin: Origin,
    pub opened_at: Instant,
    pub opened_by: Actor,
    pub status: Status,
    pub anchors: Anchors,
    pub trigger_facts: TriggerFacts,
    pub step: StepId,
    pub steps: Vec<StepRecord>,
    pub figures: Figures,
    /// Figures that a person set; the program's own counts do not displace them.
    pub figures_by_person: BTreeSet<Metric>,
    /// What the tables say now.
    pub assessment: Assessment,
    /// Confirmed grades, the last one in force.
    pub grades: Vec<ConfirmedGrade>,
    /// The level in force.
    pub level: Level,
    pub impact: Impact,
    pub findings: FindingsSummary,
    /// Reports that joined, the opening one included.
    pub reports: Vec<ReceiptNo>,
    pub calls: Vec<CallOut>,
    pub orders: Vec<Order>,
    pub tasks: Vec<Task>,
    #[serde(default)]
    pub room: Room,
    #[serde(default)]
    pub handovers: Vec<Handover>,
    /// With which other incidents it hangs together.
    #[serde(default)]
    pub joining: Joining,
    pub evidence: Vec<Evidence>,
    pub holds: Vec<Hold>,
    pub repairs: Vec<Repair>,
    pub audits: Vec<Audit>,
    pub notices: Vec<Notice>,
    pub filings: Vec<Filing>,
    pub waivers: Vec<Waiver>,
    pub decisions: Vec<Decision>,
    pub lessons: Vec<Lesson>,
    pub watch: Watch,
    /// Who may see it.
    #[serde(default)]
    pub access: Access,
    /// Where the figures come from, and what waits for a second person.
    #[serde(default)]
    pub assessing: Assessing,
    #[serde(default)]
    pub resources: Resources,
    /// Times of the briefs sent to the management.
    pub briefs: Vec<Instant>,
    /// Sequence number of the next fact: the incident's version.
    pub next_sequence: u32,
    pub timeline: Vec<TimelineEntry>,
    /// Lines beyond the timeline's bound; their facts are kept.
    pub timeline_left_out: u32,
    /// The last request ids, oldest first.
    pub requests: VecDeque<RequestId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    Open,
    Closed { at: Instant, by: Actor },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    pub step: StepId,
    pub entered_at: Instant,
    pub left_at: Option<Instant>,
    pub target_s: u32,
}

impl StepRecord {
    /// Seconds from entering to leaving, or to `now` while it runs.
    pub fn took_s(&self, now: Instant) -> f64 {
        self.left_at.unwrap_or(now).since_s(self.entered_at)
    }
    pub fn late(&self, now: Instant) -> bool {
        self.took_s(now) > f64::from(self.target_s)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    #[error("an incident's facts are empty or do not begin with its opening")]
    NoOpening,
    #[error("fact {expected} of incident {incident} is missing: the next one stored is {found}")]
    Gap {
        incident: IncidentId,
        expected: u32,
        found: u32,
    },
}

impl Incident {
    /// The incident that an opening begins, before any other fact.
    /// `None` when the fact is no opening.
    pub fn opened(recorded: &Recorded) -> Option<Self> {
        let Fact::Opened(opening) = &recorded.fact else {
            return None;
        };
        let mut incident = Self::begin(opening, &recorded.operation);
        incident.note(recorded);
        incident.remember(recorded);
        Some(incident)
    }

    /// The incident again from all its facts in order.
    pub fn replay(facts: &[Recorded]) -> Result<Self, ReplayError> {
        let (first, rest) = facts.split_first().ok_or(ReplayError::NoOpening)?;
        let mut incident = Self::opened(first).ok_or(ReplayError::NoOpening)?;
        for recorded in rest {
            if recorded.sequence != incident.next_sequence {
                return Err(ReplayError::Gap {
                    incident: incident.id,
                    expected: incident.next_sequence,
                    found: recorded.sequence,
                });
            }
            incident.apply(recorded);
        }
        Ok(incident)
    }

    /// Puts facts that `decide` gave under an operation into the form that is stored.
    /// The incident is not changed; [`Incident::apply`] each one.
    pub fn record(&self, operation: &Operation, facts: Vec<Fact>) -> Vec<Recorded> {
        number(self.next_sequence, operation, facts)
    }

    /// The same for the facts that `open` gave.
    pub fn record_opening(operation: &Operation, facts: Vec<Fact>) -> Vec<Recorded> {
        number(0, operation, facts)
    }

    pub fn closed(&self) -> bool {
        matches!(self.status, Status::Closed { .. })
    }
    pub fn confirmed(&self) -> Option<&ConfirmedGrade> {
        self.grades.last()
    }
    /// The statutory grade in force: the confirmed one; the proposed one until then, or where new
    /// facts propose a graver one than stood when it was confirmed.
    pub fn grade(&self) -> Grade {
        match self.confirmed() {
            Some(confirmed) if self.assessment.grade > confirmed.proposed_grade => {
                confirmed.grade.max(self.assessment.grade)
            }
            Some(confirmed) => confirmed.grade,
            None => self.assessment.grade,
        }
    }
    /// The tables propose something graver than a person confirmed or nobody confirmed yet.
    pub fn grade_to_confirm(&self) -> bool {
        self.confirmed().is_none_or(|confirmed| {
            self.assessment.grade > confirmed.proposed_grade
                || self.assessment.level.0 < confirmed.proposed_level.0
        })
    }
    pub fn step_record(&self, step: StepId) -> Option<&StepRecord> {
        self.steps.iter().rev().find(|r| r.step == step)
    }
    /// Seconds since the incident was opened; until it was closed, once it is.
    pub fn elapsed_s(&self, now: Instant) -> f64 {
        let end = match &self.status {
            Status::Closed { at, .. } => *at,
            Status::Open => now,
        };
        end.since_s(self.opened_at)
    }

    fn begin(opening: &Opening, operation: &Operation) -> Self {
        let receipt = match &opening.origin {
            Origin::Report { receipt, .. } => Some(receipt.clone()),
            Origin::Findings => None,
        };
        Self {
            id: opening.id.clone(),
            code_name: opening.code_name.clone(),
            exercise: opening.exercise,
            plan_version: opening.plan_version.clone(),
            plan_digest: opening.plan_digest,
            risk: opening.risk,
            category: opening.category,
            source: opening.source.clone(),
            origin: opening.origin.clone(),
            opened_at: operation.now,
            opened_by: operation.actor.clone(),
            status: Status::Open,
            anchors: Anchors {
                occurred: opening.occurred_at,
                discovered: Some(opening.discovered_at),
                ..Anchors::default()
            },
            trigger_facts: TriggerFacts::default(),
            step: StepId::P1,
            steps: Vec::new(),
            figures: Figures::default(),
            figures_by_person: BTreeSet::new(),
            assessment: Assessment {
                scheme: String::new(),
                grade: Grade::General,
                matched: Vec::new(),
                open: Vec::new(),
                level: Level::of_grade(Grade::General),
                raised_by: Vec::new(),
            },
            grades: Vec::new(),
            level: Level::of_grade(Grade::General),
            impact: Impact::default(),
            findings: FindingsSummary::default(),
            reports: receipt.into_iter().collect(),
            calls: Vec::new(),
            orders: Vec::new(),
            tasks: Vec::new(),
            room: Room::default(),
            handovers: Vec::new(),
            joining: Joining::default(),
            evidence: Vec::new(),
            holds: Vec::new(),
            repairs: Vec::new(),
            audits: Vec::new(),
            notices: Vec::new(),
            filings: Vec::new(),
            waivers: Vec::new(),
            decisions: Vec::new(),
            lessons: Vec::new(),
            watch: Watch::default(),
            access: opening.access.clone(),
            assessing: Assessing::default(),
            resources: Resources::default(),
            briefs: Vec::new(),
            next_sequence: 1,
            timeline: Vec::new(),
            timeline_left_out: 0,
            requests: VecDeque::new(),
        }
    }

    pub(crate) fn remember(&mut self, recorded: &Recorded) {
        let request = &recorded.operation.request;
        if self.requests.back() == Some(request) {
            return;
        }
        if self.requests.len() >= REMEMBERED_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request.clone());
    }
}

fn number(from: u32, operation: &Operation, facts: Vec<Fact>) -> Vec<Recorded> {
    (from..)
        .zip(facts)
        .map(|(sequence, fact)| Recorded {
            sequence,
            operation: operation.clone(),
            fact,
        })
        .collect()
}

/// An incident that was closed: what the summary report is made of. Only closing makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosedIncident(Incident);

impl ClosedIncident {
    /// `Err` gives an incident back that is not closed.
    pub fn of(incident: Incident) -> Result<Self, Box<Incident>> {
        if incident.closed() {
            Ok(Self(incident))
        } else {
            Err(Box::new(incident))
        }
    }
    pub fn incident(&self) -> &Incident {
        &self.0
    }
    pub fn into_incident(self) -> Incident {
        self.0
    }
}
