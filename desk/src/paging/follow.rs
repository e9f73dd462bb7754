//! What a page means for its incident, and an incident for its pages. Pure.
//!
//! Deliberately not here: storing, sending, and who is called next (room `incident`).

use super::page::{Paged, Receiver};
use incident::people::CallState;
use incident::{Command, Incident};
use model::{Actor, IncidentId, Instant, Operation, RequestId};

/// A call that reaches nobody goes on to the next in the plan's order, at once. The request id
/// makes a second try after a crash harmless.
pub(super) fn pass_on(page: &Paged, now: Instant) -> Option<(Operation, IncidentId, Command)> {
    let (incident, call, _) = (page.incident.clone()?, page.call?, page.red?);
    let op = Operation {
        actor: Actor::system("call-out"),
        reason: String::new(),
        request: RequestId::new(format!("pass-{}", page.id)),
        now,
    };
    Some((op, incident, Command::PassCall { call }))
}

/// Nobody needs the page any more: its call was answered, or its incident is closed. Everybody
/// whom it is for has been tried at least once by then.
pub(super) fn settled(page: &Paged, incident: &Incident) -> bool {
    let tried = |r: &Receiver| r.done() || r.messages.iter().any(|m| m.tries > 0);
    if page.settled || !page.receivers.iter().all(tried) {
        return false;
    }
    let mut calls = incident.calls.iter();
    let call = calls.find(|c| Some(c.call.number) == page.call);
    let answered = call.is_some_and(|c| {
        matches!(
            c.state,
            CallState::Acknowledged { .. } | CallState::Refused { .. }
        )
    });
    answered || incident.closed()
}
