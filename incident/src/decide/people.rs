//! Orders and tasks.

use super::checks::{self, answers_for, bad, room, unknown, wrong_state};
use super::{Asked, Decision};
use crate::bounds::{MAX_ORDERS, MAX_TEXT_CHARS};
use crate::communication::NoticeKind;
use crate::fact::Fact;
use crate::people::{Addressee, Order, OrderState, Task, TaskState};
use crate::refusal::{BadValue, Refusal};
use model::{Instant, OrderId, TaskId};
use plan::TaskKind;

pub(super) fn issue_order(
    asked: Asked<'_>,
    to: Addressee,
    text: String,
    constraint: String,
    due_at: Instant,
) -> Decision {
    let orders = &asked.incident.orders;
    room("orders", orders.len(), MAX_ORDERS)?;
    known(asked, &to)?;
    checks::long_text("text", &text)?;
    checks::no_longer("constraint", &constraint, MAX_TEXT_CHARS)?;
    checks::future("due", due_at, asked.op.now)?;
    let number = (orders.len() + 1) as u32;
    let order = OrderId::new(format!("O-{number}"));
    Ok(vec![Fact::OrderIssued {
        order,
        number,
        to,
        text,
        constraint,
        due_at,
    }])
}

/// The plan knows whom it goes to; that a person has an account is the caller's to look up.
pub(crate) fn known(asked: Asked<'_>, to: &Addressee) -> Result<(), Refusal> {
    let known = match to {
        Addressee::Group(group) => asked.plan.group(group).is_some(),
        Addressee::Position(position) => asked.plan.position(position).is_some(),
        Addressee::Person(person) => {
            checks::name("to", &person.name)?;
            asked.plan.position(&person.position).is_some()
        }
    };
    match known {
        true => Ok(()),
        false => Err(bad("to", BadValue::NotInPlan)),
    }
}

pub(crate) fn find<'a>(asked: Asked<'a>, id: &OrderId) -> Result<&'a Order, Refusal> {
    let order = asked.incident.orders.iter().find(|o| o.id == *id);
    order.ok_or_else(|| unknown("order", id))
}

/// An order of the wanted state that is addressed to the actor.
fn addressed(asked: Asked<'_>, id: &OrderId, state: &OrderState) -> Result<(), Refusal> {
    let order = find(asked, id)?;
    let mine = match &order.to {
        Addressee::Position(position) => answers_for(asked.plan, &asked.op.actor, position),
        Addressee::Person(person) => asked.op.actor.account() == Some(&person.account),
        Addressee::Group(group) => asked.plan.group(group).is_some_and(|group| {
            let mut everyone = group.everyone().into_iter();
            everyone.any(|p| answers_for(asked.plan, &asked.op.actor, p))
        }),
    };
    if !mine {
        return Err(Refusal::NotAddressed {
            what: "order".to_owned(),
        });
    }
    if order.state != *state {
        return Err(wrong_state("order", order.state.code()));
    }
    Ok(())
}

pub(super) fn accept_order(asked: Asked<'_>, order: OrderId, seen: Option<u32>) -> Decision {
    let version = find(asked, &order)?.course.version;
    if seen.is_some_and(|seen| seen != version) {
        return Err(checks::conflict("order", "changed"));
    }
    addressed(asked, &order, &OrderState::Issued)?;
    Ok(vec![Fact::OrderAccepted { order }])
}

pub(super) fn refuse_order(asked: Asked<'_>, order: OrderId) -> Decision {
    addressed(asked, &order, &OrderState::Issued)?;
    checks::reason(asked)?;
    Ok(vec![Fact::OrderRefused { order }])
}

pub(super) fn complete_order(asked: Asked<'_>, order: OrderId, result: String) -> Decision {
    addressed(asked, &order, &OrderState::Accepted)?;
    checks::long_text("result", &result)?;
    Ok(vec![Fact::OrderCompleted { order, result }])
}

pub(super) fn withdraw_order(asked: Asked<'_>, order: OrderId) -> Decision {
    let found = find(asked, &order)?;
    if !found.open() {
        return Err(wrong_state("order", found.state.code()));
    }
    checks::reason(asked)?;
    Ok(vec![Fact::OrderWithdrawn { order }])
}

fn open_task<'a>(asked: Asked<'a>, id: &TaskId) -> Result<&'a Task, Refusal> {
    let task = asked.incident.tasks.iter().find(|t| t.planned.id == *id);
    let task = task.ok_or_else(|| unknown("task", id))?;
    match task.state {
        TaskState::Open => Ok(task),
        _ => Err(wrong_state("task", task.state.code())),
    }
}

pub(super) fn complete_task(asked: Asked<'_>, task: TaskId, note: String) -> Decision {
    let found = open_task(asked, &task)?;
    crate::tasks::in_turn(asked, found)?;
    checks::no_longer("note", &note, MAX_TEXT_CHARS)?;
    Ok(vec![Fact::TaskCompleted {
        task,
        note,
        by_itself: false,
    }])
}

pub(super) fn waive_task(asked: Asked<'_>, task: TaskId) -> Decision {
    open_task(asked, &task)?;
    checks::reason(asked)?;
    Ok(vec![Fact::TaskWaived { task }])
}

/// A task whose work a fact has just done is done: the first open one of its kind.
pub(super) fn follow(asked: Asked<'_>, fact: &Fact) -> Option<Fact> {
    let kind = match fact {
        Fact::GradeConfirmed { .. } => TaskKind::ConfirmGrade,
        Fact::OrderIssued { .. } => TaskKind::IssueOrders,
        Fact::EvidenceCollected { .. } => TaskKind::CollectEvidence,
        Fact::HoldApproved { .. } => TaskKind::Hold,
        Fact::RepairProposed { .. } => TaskKind::ProposeRepair,
        Fact::RepairApplied { .. } => TaskKind::ApplyRepair,
        Fact::AuditRecorded {
            discrepancies: 0, ..
        } => TaskKind::Audit,
        Fact::NoticeSent { notice, .. } => {
            let sent = asked.incident.notices.iter().find(|n| n.id == *notice)?;
            (sent.kind == NoticeKind::User).then_some(TaskKind::Notice)?
        }
        Fact::LessonRecorded { measures, .. } if !measures.is_empty() => TaskKind::Lessons,
        _ => return None,
    };
    let task = asked
        .incident
        .tasks
        .iter()
        .find(|t| t.open() && t.planned.kind == kind)?;
    Some(Fact::TaskCompleted {
        task: task.planned.id.clone(),
        note: String::new(),
        by_itself: true,
    })
}
