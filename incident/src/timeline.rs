//! The course of events as lines with two times: when it happened and when it was recorded.
//!
//! Deliberately not here: words. A line has a kind (`incident-event-KIND` in the catalogue) and
//! parameters that the edge puts into a language.

mod line;

pub(crate) use line::of as line_of;

use crate::bounds::MAX_TIMELINE;
use crate::fact::{Fact, Recorded};
use crate::incident::Incident;
use model::{Actor, ClockId, Grade, GroupId, Instant, Level, Money, PositionId, TaskId};
use plan::StepId;
use serde::{Deserialize, Serialize};

/// Named values of a message.
pub type Params = Vec<(&'static str, Param)>;

/// A value of a message, still without words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Param {
    Text(String),
    Number(i64),
    Time(Instant),
    Money(Money),
    /// Titles of these stand in the plan.
    Group(GroupId),
    Position(PositionId),
    Step(StepId),
    Clock(ClockId),
    Task(TaskId),
    Grade(Grade),
    Level(Level),
    /// So much of an entry of the plan's register.
    Resource {
        id: String,
        amount: i64,
    },
    /// Key of the catalogue without its first part: `act-close` is `incident-act-close`.
    Code(String),
}

impl Param {
    /// What a refusal speaks of: `order`, `hold` and so on.
    pub fn noun(what: &str) -> Self {
        Self::Code(format!("noun-{what}"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Sequence number of the fact.
    pub sequence: u32,
    /// When it happened.
    pub at: Instant,
    pub recorded_at: Instant,
    pub actor: Actor,
    /// For example `order-issued`.
    pub kind: String,
    #[serde(default)]
    pub params: Vec<(String, Param)>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Incident {
    /// Adds the line of a fact; a run of findings by the program makes one line.
    /// Called before the fact is folded.
    pub(crate) fn note(&mut self, recorded: &Recorded) {
        if self.says_nothing_new(&recorded.fact) {
            return;
        }
        let (kind, params) = line::of(&recorded.fact);
        if kind == FINDINGS
            && let Some(last) = self.timeline.last_mut()
            && last.kind == FINDINGS
        {
            join_findings(last, &params, recorded.operation.now);
            return;
        }
        if self.timeline.len() >= MAX_TIMELINE {
            self.timeline_left_out = self.timeline_left_out.saturating_add(1);
            return;
        }
        self.timeline.push(TimelineEntry {
            sequence: recorded.sequence,
            at: happened_at(&recorded.fact).unwrap_or(recorded.operation.now),
            recorded_at: recorded.operation.now,
            actor: recorded.operation.actor.clone(),
            kind: kind.to_owned(),
            params: params
                .into_iter()
                .map(|(name, param)| (name.to_owned(), param))
                .collect(),
            reason: recorded.operation.reason.clone(),
        });
    }

    /// The program's own counts, and assessments that leave grade and level as they are, come with
    /// every finding: their facts are kept, lines of them would hide what matters.
    fn says_nothing_new(&self, fact: &Fact) -> bool {
        match fact {
            Fact::FiguresSet { by_person, .. } => !by_person,
            Fact::Assessed { assessment, level } => {
                let first = self.assessment.scheme.is_empty();
                let same = assessment.grade == self.assessment.grade && *level == self.level;
                !first && same
            }
            Fact::Assess(fact) => fact.silent(),
            _ => false,
        }
    }

    /// The course of events, by the time when things happened.
    pub fn timeline(&self) -> Vec<&TimelineEntry> {
        let mut lines: Vec<&TimelineEntry> = self.timeline.iter().collect();
        lines.sort_by_key(|line| (line.at, line.sequence));
        lines
    }
}

const FINDINGS: &str = "findings-added";

/// Every kind of a line, for the test that holds the catalogue against them.
pub const KINDS: [&str; 49] = [
    "opened",
    FINDINGS,
    "report-joined",
    "figures-set",
    "assessed",
    "anchors-set",
    "trigger-facts-set",
    "grade-confirmed",
    "called-out",
    "call-acknowledged",
    "call-refused",
    "call-escalated",
    "order-issued",
    "order-accepted",
    "order-refused",
    "order-completed",
    "order-withdrawn",
    "task-completed",
    "task-waived",
    "evidence-collected",
    "evidence-transferred",
    "hold-proposed",
    "hold-approved",
    "hold-refused",
    "hold-lifted",
    "hold-expired",
    "repair-proposed",
    "repair-approved",
    "repair-rejected",
    "repair-started",
    "repair-applied",
    "repair-failed",
    "audit-recorded",
    "notice-drafted",
    "notice-approved",
    "notice-rejected",
    "notice-sent",
    "report-filed",
    "duty-waived",
    "decision-recorded",
    "lesson-recorded",
    "impact-recorded",
    "watch-started",
    "step-entered",
    "step-left",
    "handling-ended",
    "brief-sent",
    "closed",
    "task-completed-by-itself",
];

fn join_findings(line: &mut TimelineEntry, more: &Params, now: Instant) {
    for (name, param) in more {
        let sum = line.params.iter_mut().find(|(n, _)| n == name);
        if let (Some((_, Param::Number(sum))), Param::Number(n)) = (sum, param) {
            *sum = sum.saturating_add(*n);
        }
    }
    line.recorded_at = now;
}

/// When it happened, where that is not when it was recorded.
fn happened_at(fact: &Fact) -> Option<Instant> {
    match fact {
        Fact::Opened(opening) => Some(opening.discovered_at),
        Fact::FindingsAdded { batch } => batch.first_seen_at,
        Fact::EvidenceCollected { item, .. } => Some(item.collected_at),
        Fact::AuditRecorded { taken_at, .. } => Some(*taken_at),
        Fact::ReportFiled { filed_at, .. } => Some(*filed_at),
        Fact::Room(said) => said.happened_at(),
        _ => None,
    }
}
