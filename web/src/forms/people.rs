//! Forms about people: call-out, orders, tasks.

use super::{Commands, addressee, bad, one, text, whole};
use crate::visit::Visit;
use incident::refusal::BadValue;
use incident::{Command, Incident};
use model::{OrderId, TaskId};

pub(crate) fn call_out(visit: &Visit, _: &Incident) -> Commands {
    one(Command::CallOut {
        to: addressee(visit)?,
    })
}

pub(crate) fn acknowledge(visit: &Visit, _: &Incident) -> Commands {
    one(Command::Acknowledge { call: call(visit) })
}

pub(crate) fn refuse_call(visit: &Visit, _: &Incident) -> Commands {
    one(Command::RefuseCall { call: call(visit) })
}

/// Zero is no call's number; the incident answers that it is unknown.
fn call(visit: &Visit) -> u32 {
    visit.form.get("call").parse().unwrap_or(0)
}

pub(crate) fn issue_order(visit: &Visit, _: &Incident) -> Commands {
    let minutes = whole(visit, "due_min")?;
    if !(1..=60 * 24 * 90).contains(&minutes) {
        return bad("due_at", BadValue::Time);
    }
    one(Command::IssueOrder {
        to: addressee(visit)?,
        text: text(visit, "text"),
        constraint: text(visit, "constraint"),
        due_at: visit.desk().now().plus_s(minutes * 60),
    })
}

fn order(visit: &Visit) -> OrderId {
    OrderId::new(visit.form.get("order"))
}

pub(crate) fn accept_order(visit: &Visit, _: &Incident) -> Commands {
    one(Command::AcceptOrder {
        order: order(visit),
    })
}

pub(crate) fn refuse_order(visit: &Visit, _: &Incident) -> Commands {
    one(Command::RefuseOrder {
        order: order(visit),
    })
}

pub(crate) fn complete_order(visit: &Visit, _: &Incident) -> Commands {
    one(Command::CompleteOrder {
        order: order(visit),
        result: text(visit, "result"),
    })
}

pub(crate) fn withdraw_order(visit: &Visit, _: &Incident) -> Commands {
    one(Command::WithdrawOrder {
        order: order(visit),
    })
}

fn task(visit: &Visit) -> TaskId {
    TaskId::new(visit.form.get("task"))
}

pub(crate) fn complete_task(visit: &Visit, _: &Incident) -> Commands {
    one(Command::CompleteTask {
        task: task(visit),
        note: text(visit, "note"),
    })
}

pub(crate) fn waive_task(visit: &Visit, _: &Incident) -> Commands {
    one(Command::WaiveTask { task: task(visit) })
}
