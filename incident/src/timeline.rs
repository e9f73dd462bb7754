//! The course of events as lines with two times: when it happened and when it was recorded.
//!
//! Deliberately not here: words. A line has a kind (`incident-event-KIND` in the catalogue) and
//! parameters that the edge puts into a language.

use crate::bounds::MAX_TIMELINE;
use crate::fact::{Fact, Recorded};
use crate::incident::Incident;
use crate::people::Addressee;
use crate::rows::{Damage, RowCounts};
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
    pub(crate) fn note(&mut self, recorded: &Recorded) {
        let (kind, params) = line(&recorded.fact);
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
        _ => None,
    }
}

fn number(n: impl TryInto<i64>) -> Param {
    Param::Number(n.try_into().unwrap_or(i64::MAX))
}

fn text(text: impl ToString) -> Param {
    Param::Text(text.to_string())
}

fn addressee(to: &Addressee) -> Param {
    match to {
        Addressee::Group(group) => Param::Group(group.clone()),
        Addressee::Position(position) => Param::Position(position.clone()),
    }
}

fn counts(counts: RowCounts) -> Params {
    Damage::ALL
        .into_iter()
        .map(|d| (d.code(), number(counts.of(d))))
        .collect()
}

/// Kind and parameters of a fact's line.
fn line(fact: &Fact) -> (&'static str, Params) {
    match fact {
        Fact::Opened(opening) => {
            let category = Param::Code(format!("category-{}", opening.category.code()));
            let risk = Param::Code(format!("risk-{}", opening.risk.code().to_lowercase()));
            ("opened", vec![("category", category), ("risk", risk)])
        }
        Fact::FindingsAdded { batch } => {
            let n: u32 = batch.by_kind.iter().map(|(_, n)| n).sum();
            let rows = number(batch.key_count());
            (FINDINGS, vec![("n", number(n)), ("rows", rows)])
        }
        Fact::ReportJoined { receipt, .. } => ("report-joined", vec![("receipt", text(receipt))]),
        Fact::FiguresSet { figures, .. } => {
            ("figures-set", vec![("n", number(figures.numbers.len()))])
        }
        Fact::Assessed { assessment, level } => {
            let grade = ("grade", Param::Grade(assessment.grade));
            ("assessed", vec![grade, ("level", Param::Level(*level))])
        }
        Fact::AnchorsSet { .. } => ("anchors-set", Vec::new()),
        Fact::TriggerFactsSet { .. } => ("trigger-facts-set", Vec::new()),
        Fact::GradeConfirmed { grade, level, .. } => (
            "grade-confirmed",
            vec![
                ("grade", Param::Grade(*grade)),
                ("level", Param::Level(*level)),
            ],
        ),
        Fact::ImpactRecorded { .. } => ("impact-recorded", Vec::new()),
        Fact::WatchStarted => ("watch-started", Vec::new()),
        Fact::StepEntered { step, .. } => ("step-entered", vec![("step", Param::Step(*step))]),
        Fact::StepLeft { step } => ("step-left", vec![("step", Param::Step(*step))]),
        Fact::HandlingEnded => ("handling-ended", Vec::new()),
        Fact::BriefSent { number: n } => ("brief-sent", vec![("n", number(*n))]),
        Fact::Closed => ("closed", Vec::new()),
        Fact::DecisionRecorded {
            number: n,
            text: words,
            ..
        } => (
            "decision-recorded",
            vec![("n", number(*n)), ("text", text(words))],
        ),
        Fact::LessonRecorded {
            number: n,
            text: words,
            ..
        } => (
            "lesson-recorded",
            vec![("n", number(*n)), ("text", text(words))],
        ),
        other => people_line(other).unwrap_or_else(|| work_line(other)),
    }
}

fn people_line(fact: &Fact) -> Option<(&'static str, Params)> {
    let call = |n: &u32| ("call", number(*n));
    let order = |id: &model::OrderId| ("order", text(id));
    let task = |id: &TaskId| ("task", Param::Task(id.clone()));
    Some(match fact {
        Fact::CalledOut { call: c } => (
            "called-out",
            vec![
                ("call", number(c.number)),
                ("group", Param::Group(c.group.clone())),
                ("position", Param::Position(c.position.clone())),
                ("why", Param::Code(format!("call-{}", c.reason.code()))),
            ],
        ),
        Fact::CallAcknowledged { call: n } => ("call-acknowledged", vec![call(n)]),
        Fact::CallRefused { call: n } => ("call-refused", vec![call(n)]),
        Fact::CallEscalated { call: n, .. } => ("call-escalated", vec![call(n)]),
        Fact::OrderIssued {
            order: id,
            to,
            text: words,
            due_at,
            ..
        } => (
            "order-issued",
            vec![
                order(id),
                ("to", addressee(to)),
                ("text", text(words)),
                ("due", Param::Time(*due_at)),
            ],
        ),
        Fact::OrderAccepted { order: id } => ("order-accepted", vec![order(id)]),
        Fact::OrderRefused { order: id } => ("order-refused", vec![order(id)]),
        Fact::OrderCompleted { order: id, result } => {
            ("order-completed", vec![order(id), ("result", text(result))])
        }
        Fact::OrderWithdrawn { order: id } => ("order-withdrawn", vec![order(id)]),
        Fact::TaskCompleted {
            task: id,
            by_itself: true,
            ..
        } => ("task-completed-by-itself", vec![task(id)]),
        Fact::TaskCompleted { task: id, .. } => ("task-completed", vec![task(id)]),
        Fact::TaskWaived { task: id } => ("task-waived", vec![task(id)]),
        _ => return None,
    })
}

fn work_line(fact: &Fact) -> (&'static str, Params) {
    let hold = |id: &model::HoldId| vec![("hold", text(id))];
    let repair = |id: &model::ProposalId| vec![("repair", text(id))];
    let notice = |id: &model::NoticeId| vec![("notice", text(id))];
    let evidence = |id: &model::EvidenceId| ("evidence", text(id));
    match fact {
        Fact::EvidenceCollected { evidence: id, item } => (
            "evidence-collected",
            vec![evidence(id), ("name", text(&item.name))],
        ),
        Fact::EvidenceTransferred {
            evidence: id,
            to,
            intact,
            ..
        } => {
            let intact = Param::Code(
                if *intact {
                    "hash-intact"
                } else {
                    "hash-differs"
                }
                .to_owned(),
            );
            (
                "evidence-transferred",
                vec![evidence(id), ("to", text(to)), ("hash", intact)],
            )
        }
        Fact::HoldProposed {
            hold: id,
            rows,
            until,
        } => {
            let rows = ("rows", number(crate::rows::count(rows)));
            (
                "hold-proposed",
                vec![("hold", text(id)), rows, ("until", Param::Time(*until))],
            )
        }
        Fact::HoldApproved { hold: id } => ("hold-approved", hold(id)),
        Fact::HoldRefused { hold: id } => ("hold-refused", hold(id)),
        Fact::HoldLifted { hold: id } => ("hold-lifted", hold(id)),
        Fact::HoldExpired { hold: id } => ("hold-expired", hold(id)),
        Fact::RepairProposed {
            proposal,
            digest,
            counts: n,
            ..
        } => {
            let mut params = counts(*n);
            params.push(("repair", text(proposal)));
            params.push(("digest", text(digest.short())));
            ("repair-proposed", params)
        }
        Fact::RepairApproved { proposal, digest } => {
            let mut params = repair(proposal);
            params.push(("digest", text(digest.short())));
            ("repair-approved", params)
        }
        Fact::RepairRejected { proposal } => ("repair-rejected", repair(proposal)),
        Fact::RepairStarted { proposal } => ("repair-started", repair(proposal)),
        Fact::RepairApplied { proposal, repaired } => {
            let mut params = counts(*repaired);
            params.push(("repair", text(proposal)));
            ("repair-applied", params)
        }
        Fact::RepairFailed { proposal, why } => {
            let mut params = repair(proposal);
            params.push(("why", text(why)));
            ("repair-failed", params)
        }
        Fact::AuditRecorded {
            source,
            rows,
            discrepancies,
            ..
        } => {
            let found = ("discrepancies", number(*discrepancies));
            (
                "audit-recorded",
                vec![("source", text(source)), ("rows", number(*rows)), found],
            )
        }
        Fact::NoticeDrafted {
            notice: id,
            kind,
            audience,
            ..
        } => {
            let kind = Param::Code(format!("notice-{}", kind.code()));
            let audience = ("audience", number(*audience));
            (
                "notice-drafted",
                vec![("notice", text(id)), ("kind", kind), audience],
            )
        }
        Fact::NoticeApproved { notice: id } => ("notice-approved", notice(id)),
        Fact::NoticeRejected { notice: id } => ("notice-rejected", notice(id)),
        Fact::NoticeSent {
            notice: id,
            delivered,
            failed,
        } => {
            let (delivered, failed) = (number(*delivered), number(*failed));
            let sent = vec![
                ("notice", text(id)),
                ("delivered", delivered),
                ("failed", failed),
            ];
            ("notice-sent", sent)
        }
        Fact::ReportFiled {
            clock,
            channel,
            receipt,
            ..
        } => (
            "report-filed",
            vec![
                ("clock", Param::Clock(clock.clone())),
                ("channel", text(channel)),
                ("receipt", text(receipt)),
            ],
        ),
        Fact::DutyWaived { clock } => ("duty-waived", vec![("clock", Param::Clock(clock.clone()))]),
        // Every other fact has its line above; a test walks through them all.
        _ => ("closed", Vec::new()),
    }
}
