//! What is missing before a step can be left or entered, or the incident closed.
//!
//! One pure function of plan, incident and time. Deliberately not here: words; an item has a
//! code (`incident-missing-CODE` in the catalogue) and parameters.

use crate::clocks;
use crate::communication::{NoticeKind, NoticeState};
use crate::containment::{HoldState, RepairState};
use crate::incident::Incident;
use crate::learning::Topic;
use crate::people::{Order, OrderState};
use crate::refusal::MissingItem;
use crate::timeline::{Param, Params};
use model::{GroupId, Instant};
use plan::{Condition, Plan, StepId};

/// What is to be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The current step, for the next one.
    Step,
    /// The incident.
    Incident,
}

/// Every code of a missing item, for the test that holds the catalogue against them.
pub const CODES: [&str; 30] = [
    "reported",
    "called-out",
    "lead-reached",
    "grade-confirmed",
    "grade-reconfirmed",
    "order-issued",
    "order-answered",
    "order-done",
    "evidence-collected",
    "loss-contained",
    "data-recovered",
    "rows-untracked",
    "audit-clean",
    "audit-missing",
    "users-told",
    "notice-unsent",
    "duty-open",
    "duty-undecided",
    "watched-quiet",
    "hold-open",
    "task-open",
    "task-before",
    "resource-asked",
    "resource-out",
    "lessons",
    "lesson-measures",
    "step-open",
    "last-step",
    "repair-open",
    "handling-ended",
];

/// Everything that is missing; empty when it may be done.
pub fn missing(
    plan: &Plan,
    incident: &Incident,
    leaving: Leaving,
    now: Instant,
) -> Vec<MissingItem> {
    let mut out = Vec::new();
    match leaving {
        Leaving::Step => leave_step(plan, incident, now, &mut out),
        Leaving::Incident => leave_incident(plan, incident, now, &mut out),
    }
    out
}

/// What one condition lacks.
pub fn lacking(
    plan: &Plan,
    incident: &Incident,
    condition: Condition,
    step: StepId,
    now: Instant,
) -> Vec<MissingItem> {
    let mut out = Vec::new();
    evaluate(plan, incident, condition, step, now, &mut out);
    out
}

fn leave_step(plan: &Plan, incident: &Incident, now: Instant, out: &mut Vec<MissingItem>) {
    let current = incident.step;
    let Some(next) = current.next() else {
        push(out, "last-step", vec![("step", Param::Step(current))]);
        return;
    };
    let exit = plan.step(current).map_or(&[][..], |s| &s.exit);
    let entry = plan.step(next).map_or(&[][..], |s| &s.entry);
    for condition in exit {
        evaluate(plan, incident, *condition, current, now, out);
    }
    for condition in entry {
        evaluate(plan, incident, *condition, next, now, out);
    }
}

/// The exit conditions of every step hold still, and nothing is left in flight.
fn leave_incident(plan: &Plan, incident: &Incident, now: Instant, out: &mut Vec<MissingItem>) {
    for step in StepId::ALL.into_iter().filter(|step| *step > incident.step) {
        push(out, "step-open", vec![("step", Param::Step(step))]);
    }
    for step in &plan.steps {
        for condition in &step.exit {
            evaluate(plan, incident, *condition, step.id, now, out);
        }
    }
    for condition in [
        Condition::GradeConfirmed,
        Condition::OrdersDone,
        Condition::HoldsLifted,
        Condition::DutiesMet,
    ] {
        evaluate(plan, incident, condition, incident.step, now, out);
    }
    for repair in &incident.repairs {
        if matches!(
            repair.state,
            RepairState::Proposed | RepairState::Approved | RepairState::Applying { .. }
        ) {
            let id = Param::Text(repair.proposal.0.clone());
            push(out, "repair-open", vec![("repair", id)]);
        }
    }
    unsent_notices(incident, out);
    resources_back(incident, out);
    if incident.anchors.handled.is_none() {
        push(out, "handling-ended", Vec::new());
    }
}

/// Nothing that was granted is left with a closed incident, and nobody waits for an answer.
fn resources_back(incident: &Incident, out: &mut Vec<MissingItem>) {
    for request in &incident.resources.requests {
        let id = || vec![("request", Param::Text(request.id.clone()))];
        if request.asked() {
            push(out, "resource-asked", id());
        }
        if request.out() > 0 {
            push(out, "resource-out", id());
        }
    }
}

fn evaluate(
    plan: &Plan,
    incident: &Incident,
    condition: Condition,
    step: StepId,
    now: Instant,
    out: &mut Vec<MissingItem>,
) {
    let mut need = |code, holds: bool| {
        if !holds {
            push(out, code, Vec::new());
        }
    };
    match condition {
        Condition::Reported => {
            let findings = incident.findings.total() > 0;
            need("reported", findings || !incident.reports.is_empty());
        }
        Condition::CalledOut => called_out(plan, incident, out),
        Condition::LeadsReached => leads_reached(plan, incident, out),
        Condition::GradeConfirmed => {
            let confirmed = incident.confirmed().is_some();
            need("grade-confirmed", confirmed);
            need(
                "grade-reconfirmed",
                !confirmed || !incident.grade_to_confirm(),
            );
        }
        Condition::OrderIssued => need("order-issued", !incident.orders.is_empty()),
        Condition::OrdersAnswered => orders(incident, out, "order-answered", |order| {
            order.state == OrderState::Issued
        }),
        Condition::OrdersDone => orders(incident, out, "order-done", |order| !order.settled()),
        Condition::EvidenceCollected => need("evidence-collected", !incident.evidence.is_empty()),
        Condition::LossContained => need("loss-contained", contained(incident)),
        Condition::DataRecovered => data_recovered(incident, out),
        Condition::AuditClean => audit_clean(incident, out),
        Condition::UsersTold => users_told(incident, out),
        Condition::DutiesMet => duties_met(plan, incident, now, out),
        Condition::WatchedQuiet => watched_quiet(plan, incident, now, out),
        Condition::HoldsLifted => {
            for hold in &incident.holds {
                if matches!(hold.state, HoldState::Active | HoldState::Proposed) {
                    push(
                        out,
                        "hold-open",
                        vec![("hold", Param::Text(hold.id.0.clone()))],
                    );
                }
            }
        }
        Condition::TasksDone => tasks_done(incident, step, out),
        Condition::LessonsRecorded => {
            need("lessons", !incident.lessons.is_empty());
            let measures = incident.lessons.iter().any(|l| !l.measures.is_empty());
            need("lesson-measures", incident.lessons.is_empty() || measures);
        }
    }
}

/// Each item stands once, however many conditions ask for it.
fn push(out: &mut Vec<MissingItem>, code: &str, params: Params) {
    let item = MissingItem::new(code, params);
    if !out.contains(&item) {
        out.push(item);
    }
}

fn groups_of_level<'a>(plan: &'a Plan, incident: &Incident) -> &'a [GroupId] {
    plan.level(incident.level)
        .map_or(&[], |rule| &rule.call_out)
}

fn called_out(plan: &Plan, incident: &Incident, out: &mut Vec<MissingItem>) {
    for group in groups_of_level(plan, incident) {
        if !incident.calls.iter().any(|c| c.call.group == *group) {
            push(
                out,
                "called-out",
                vec![("group", Param::Group(group.clone()))],
            );
        }
    }
}

fn leads_reached(plan: &Plan, incident: &Incident, out: &mut Vec<MissingItem>) {
    let called = incident.calls.iter().map(|c| &c.call.group);
    let mut groups: Vec<&GroupId> = groups_of_level(plan, incident)
        .iter()
        .chain(called)
        .collect();
    groups.sort();
    groups.dedup();
    for group in groups {
        if !reached(incident, group) {
            push(
                out,
                "lead-reached",
                vec![("group", Param::Group(group.clone()))],
            );
        }
    }
}

/// The lead or the deputy of a group, or whoever stands in, has acknowledged.
pub fn reached(incident: &Incident, group: &GroupId) -> bool {
    incident
        .calls
        .iter()
        .any(|c| c.call.group == *group && c.reaches_the_lead())
}

fn orders(
    incident: &Incident,
    out: &mut Vec<MissingItem>,
    code: &str,
    lacks: impl Fn(&Order) -> bool,
) {
    for order in incident.orders.iter().filter(|o| lacks(o)) {
        push(out, code, vec![("order", Param::Text(order.id.0.clone()))]);
    }
}

fn contained(incident: &Incident) -> bool {
    let held = incident.holds.iter().any(|h| h.approved.is_some());
    held || incident.decisions.iter().any(|d| d.topic == Topic::NoHold)
}

fn data_recovered(incident: &Incident, out: &mut Vec<MissingItem>) {
    let open = incident.findings.open;
    if open.total() > 0 {
        let number = |n: u64| Param::Number(i64::try_from(n).unwrap_or(i64::MAX));
        let params = vec![
            ("altered", number(open.altered)),
            ("forged", number(open.forged)),
            ("deleted", number(open.deleted)),
        ];
        push(out, "data-recovered", params);
    }
    let added = incident.findings.last_added_at;
    let settled =
        |d: &crate::learning::Decision| d.topic == Topic::AcceptOpenRows && Some(d.at) >= added;
    if incident.findings.untracked > 0 && !incident.decisions.iter().any(settled) {
        let n = i64::try_from(incident.findings.untracked).unwrap_or(i64::MAX);
        push(out, "rows-untracked", vec![("n", Param::Number(n))]);
    }
}

/// The last audit of each source found nothing, and was taken after the last repair.
fn audit_clean(incident: &Incident, out: &mut Vec<MissingItem>) {
    let repaired = incident.repairs.iter().filter_map(|r| match r.state {
        RepairState::Applied { at, .. } => Some((&r.source, at)),
        _ => None,
    });
    let audited = incident.audits.iter().map(|a| &a.source);
    let mut sources: Vec<_> = incident
        .source
        .iter()
        .chain(repaired.clone().map(|(source, _)| source))
        .chain(audited)
        .collect();
    sources.sort();
    sources.dedup();
    if sources.is_empty() && incident.audits.is_empty() {
        push(
            out,
            "audit-missing",
            vec![("source", Param::Text(String::new()))],
        );
    }
    for source in sources {
        let last = incident.audits.iter().rev().find(|a| a.source == *source);
        let since = repaired
            .clone()
            .filter(|(s, _)| *s == source)
            .map(|(_, at)| at)
            .max();
        let name = ("source", Param::Text(source.0.clone()));
        match last {
            Some(audit) if Some(audit.taken_at) >= since && audit.discrepancies == 0 => {}
            Some(audit) if Some(audit.taken_at) >= since => {
                let n = i64::try_from(audit.discrepancies).unwrap_or(i64::MAX);
                push(out, "audit-clean", vec![name, ("n", Param::Number(n))]);
            }
            _ => push(out, "audit-missing", vec![name]),
        }
    }
}

fn users_told(incident: &Incident, out: &mut Vec<MissingItem>) {
    let told = incident
        .notices
        .iter()
        .any(|n| n.kind == NoticeKind::User && matches!(n.state, NoticeState::Sent { .. }));
    let decided = incident
        .decisions
        .iter()
        .any(|d| d.topic == Topic::NoNotice);
    if !told && !decided {
        push(out, "users-told", Vec::new());
    }
}

fn unsent_notices(incident: &Incident, out: &mut Vec<MissingItem>) {
    for notice in incident
        .notices
        .iter()
        .filter(|n| n.state == NoticeState::Approved)
    {
        push(
            out,
            "notice-unsent",
            vec![("notice", Param::Text(notice.id.0.clone()))],
        );
    }
}

fn duties_met(plan: &Plan, incident: &Incident, now: Instant, out: &mut Vec<MissingItem>) {
    for clock in clocks::clocks(plan, incident, now)
        .iter()
        .filter(|c| clocks::blocks(c))
    {
        let id = ("clock", Param::Clock(clock.clock.id.clone()));
        match &clock.state {
            plan::clock::ClockState::Undecided { missing } => {
                let fact = Param::Code(format!("fact-{}", missing.replace('_', "-")));
                push(out, "duty-undecided", vec![id, ("fact", fact)]);
            }
            _ => push(out, "duty-open", vec![id]),
        }
    }
}

/// Since when nothing new was found, and a repair or the start of the watch is not younger.
pub fn quiet_since(incident: &Incident) -> Instant {
    let repaired = incident.repairs.iter().filter_map(|r| match r.state {
        RepairState::Applied { at, .. } => Some(at),
        _ => None,
    });
    [incident.watch.last_finding_at, incident.watch.started_at]
        .into_iter()
        .flatten()
        .chain(repaired)
        .max()
        .unwrap_or(incident.opened_at)
}

fn watched_quiet(plan: &Plan, incident: &Incident, now: Instant, out: &mut Vec<MissingItem>) {
    let until = quiet_since(incident).plus_s(i64::from(plan.watch_quiet_s));
    if now < until {
        push(out, "watched-quiet", vec![("until", Param::Time(until))]);
    }
}

fn tasks_done(incident: &Incident, step: StepId, out: &mut Vec<MissingItem>) {
    for task in &incident.tasks {
        if task.step == step && task.planned.required && task.open() {
            push(
                out,
                "task-open",
                vec![("task", Param::Task(task.planned.id.clone()))],
            );
        }
    }
}
