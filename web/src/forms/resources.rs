//! Forms about resources of the plan's register.

use super::{Commands, bad, one, parse_fen, parse_whole, text, whole};
use crate::visit::Visit;
use incident::refusal::BadValue;
use incident::resource::{ResourceCommand, ReturnCondition};
use incident::{Command, Incident, Refusal};
use model::{Instant, OrderId, TaskId};

/// The longest time that a form can ask for: a quarter of a year.
const MAX_MINUTES: i64 = 60 * 24 * 92;

/// Pieces or persons; yuan for a budget. Never through a float.
fn amount(visit: &Visit, what: &str) -> Result<i64, Refusal> {
    let given = visit.form.get("amount");
    let entry = visit.plan.registered(what);
    let read = match entry.is_some_and(|e| e.currency.is_some()) {
        true => parse_fen(given),
        false => parse_whole(given),
    };
    read.map_or_else(|| bad("amount", BadValue::Number), Ok)
}

fn in_minutes(visit: &Visit, field: &str, about: &str) -> Result<Instant, Refusal> {
    let minutes = whole(visit, field)?;
    if !(1..=MAX_MINUTES).contains(&minutes) {
        return bad(about, BadValue::Time);
    }
    Ok(visit.desk().now().plus_s(minutes * 60))
}

fn request(visit: &Visit) -> String {
    visit.form.get("request_id").to_owned()
}

/// What the request of the form asked for; empty for one that is not there.
fn what_of(visit: &Visit, incident: &Incident) -> String {
    let found = incident.resources.request(visit.form.get("request_id"));
    found.map_or_else(String::new, |r| r.what.clone())
}

pub(crate) fn request_resource(visit: &Visit, _: &Incident) -> Commands {
    let what = visit.form.get("what").to_owned();
    let purpose = visit.form.get("for").split_once(':');
    one(Command::Resource(ResourceCommand::Request {
        amount: amount(visit, &what)?,
        what,
        order: purpose
            .filter(|(kind, _)| *kind == "order")
            .map(|(_, id)| OrderId::new(id)),
        task: purpose
            .filter(|(kind, _)| *kind == "task")
            .map(|(_, id)| TaskId::new(id)),
        needed_by: in_minutes(visit, "needed_min", "needed-by")?,
    }))
}

pub(crate) fn grant_resource(visit: &Visit, incident: &Incident) -> Commands {
    one(Command::Resource(ResourceCommand::Grant {
        request: request(visit),
        amount: amount(visit, &what_of(visit, incident))?,
        conditions: text(visit, "conditions"),
        until: in_minutes(visit, "until_min", "until")?,
    }))
}

pub(crate) fn refuse_resource(visit: &Visit, _: &Incident) -> Commands {
    let request = request(visit);
    one(Command::Resource(ResourceCommand::Refuse { request }))
}

pub(crate) fn withdraw_resource(visit: &Visit, _: &Incident) -> Commands {
    let request = request(visit);
    one(Command::Resource(ResourceCommand::Withdraw { request }))
}

pub(crate) fn return_resource(visit: &Visit, incident: &Incident) -> Commands {
    let given = visit.form.get("condition");
    let known = ReturnCondition::ALL.into_iter().find(|c| c.code() == given);
    let Some(condition) = known else {
        return bad("condition", BadValue::Empty);
    };
    one(Command::Resource(ResourceCommand::Return {
        request: request(visit),
        amount: amount(visit, &what_of(visit, incident))?,
        condition,
    }))
}
