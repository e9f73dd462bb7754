//! Forms about people: call-out, orders, tasks.

use super::{Commands, addressee, addressee_of, bad, one, text, whole};
use crate::visit::Visit;
use incident::orders::OrderCommand;
use incident::refusal::BadValue;
use incident::tasks::TaskCommand;
use incident::{Command, Incident, Refusal};
use model::{Instant, OrderId, TaskId};

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

/// With the constraints of the plan's list and the wish for a check as a second command.
pub(crate) fn issue_order(visit: &Visit, _: &Incident) -> Commands {
    let issue = Command::IssueOrder {
        to: addressee(visit)?,
        text: text(visit, "text"),
        constraint: text(visit, "constraint"),
        due_at: due(visit)?,
    };
    let constraints: Vec<String> = visit.form.all("bind").map(str::to_owned).collect();
    let verify = visit.form.ticked("verify");
    let mut commands = vec![issue];
    if verify || !constraints.is_empty() {
        commands.push(Command::Order(OrderCommand::Bind {
            constraints,
            verify,
        }));
    }
    Ok(commands)
}

fn due(visit: &Visit) -> Result<Instant, Refusal> {
    let minutes = whole(visit, "due_min")?;
    if !(1..=60 * 24 * 90).contains(&minutes) {
        return bad("due_at", BadValue::Time);
    }
    Ok(visit.desk().now().plus_s(minutes * 60))
}

/// The version that the person looked at; without one nothing that stands can match.
fn seen(visit: &Visit) -> u32 {
    visit.form.get("seen").parse().unwrap_or(u32::MAX)
}

pub(crate) fn change_order(visit: &Visit, incident: &Incident) -> Commands {
    let order = order(visit);
    let to = match visit.form.given("new_to") {
        Some(to) => addressee_of(visit, to)?,
        // Left as it stands: also somebody whose account is closed by now.
        None => match incident.orders.iter().find(|o| o.id == order) {
            Some(standing) => standing.to.clone(),
            None => addressee(visit)?,
        },
    };
    one(Command::Order(OrderCommand::Change {
        order,
        seen: seen(visit),
        to,
        text: text(visit, "text"),
        due_at: due(visit)?,
    }))
}

pub(crate) fn verify_order(visit: &Visit, _: &Incident) -> Commands {
    one(Command::Order(OrderCommand::Verify {
        order: order(visit),
        seen: seen(visit),
    }))
}

pub(crate) fn send_back_order(visit: &Visit, _: &Incident) -> Commands {
    one(Command::Order(OrderCommand::SendBack {
        order: order(visit),
        seen: seen(visit),
    }))
}

fn order(visit: &Visit) -> OrderId {
    OrderId::new(visit.form.get("order"))
}

pub(crate) fn accept_order(visit: &Visit, _: &Incident) -> Commands {
    one(Command::AcceptOrder {
        order: order(visit),
        seen: visit.form.given("seen").map(|_| seen(visit)),
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

pub(crate) fn start_task(visit: &Visit, _: &Incident) -> Commands {
    one(Command::Task(TaskCommand::Start { task: task(visit) }))
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
