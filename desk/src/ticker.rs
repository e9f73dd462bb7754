//! The ticker: compares stored instants with now, once a second. It owns no timer that a crash could lose.

use crate::{Desk, DeskError};
use incident::containment::HoldState;
use incident::orders::OrderCommand;
use incident::people::CallState;
use incident::room::RoomCommand;
use incident::{Command, Incident};
use model::{Actor, Instant, Operation, RequestId};
use plan::Plan;
use serde_json::json;
use std::time::Duration;
use store::Batch;

/// A clock is set by a few milliseconds all the time; a second back is an event.
const BACK_S: f64 = -1.0;

/// Puts it on the record when the clock went back since the last look; gives the time now.
/// Durations are never taken from the clock alone, so that nothing waits for the lost time.
pub(crate) fn watch_clock(desk: &Desk, last: Instant) -> Instant {
    let now = desk.now();
    let moved_s = now.since_s(last);
    if moved_s < BACK_S {
        tracing::warn!(
            back_s = -moved_s,
            "the clock went back; check the time synchronisation: times on the record are those of the clock"
        );
        let leaf = json!({ "kind": "clock_back", "from": last, "to": now });
        let stored = serde_json::to_vec(&leaf)
            .map_err(DeskError::from)
            .and_then(|leaf| {
                let batch = Batch {
                    leaves: vec![leaf],
                    ..Batch::default()
                };
                desk.store().commit(batch)?;
                Ok(desk.store().outbox_hasten(now).map(drop)?)
            });
        if let Err(error) = stored {
            tracing::error!(error = %error.told(), "that the clock went back is not on the record");
        }
    }
    now
}

/// Acts on what is due now in every open incident; gives the number of commands.
pub(crate) fn tick(desk: &Desk, now: Instant) -> usize {
    let mut done = 0;
    if let Err(error) = desk.close_ended_guests() {
        tracing::warn!(error = %error.told(), "accounts of guests whose access has ended are closed later");
    }
    for incident in desk.open_incidents() {
        settle(desk, &incident);
        let late = late_orders(&incident, desk.plan().orders.escalate_after_s, now);
        let briefs = briefs(&desk.plan(), &incident, now);
        let lent = crate::register_use::late(&incident, now);
        let all = due(&incident, now).into_iter().chain(late).chain(briefs);
        for (request, command) in all.chain(lent) {
            let op = operation(&incident, &request, now);
            match desk.execute(op, &incident.id, command) {
                Ok(_) => done += 1,
                // Somebody was faster; the next tick sees the new state.
                Err(error) => tracing::debug!(%error, "a timer came too late"),
            }
        }
    }
    done
}

pub(crate) fn operation(incident: &Incident, request: &str, now: Instant) -> Operation {
    Operation {
        actor: Actor::system("clock"),
        reason: String::new(),
        request: RequestId::new(format!("tick-{}-{request}", incident.id)),
        now,
    }
}

/// How long the ticker may rest: until the first call is overdue, so that whoever is next is not
/// called late, and never longer than `most`.
pub(crate) fn rest<'a>(
    open: impl Iterator<Item = &'a Incident>,
    now: Instant,
    most: Duration,
) -> Duration {
    let calls = open.flat_map(|i| &i.calls);
    let waits = calls.filter(|c| c.state == CallState::Called && !c.overdue(now));
    // A call is overdue just behind its time.
    let left = waits.map(|c| c.call.due_at.0.saturating_sub(now.0).saturating_add(1));
    let left = left.min().and_then(|us| u64::try_from(us).ok());
    left.map_or(most, |us| Duration::from_micros(us).min(most))
}

/// People come, go and change managers while a suspicion stands; who fills a place follows.
fn settle(desk: &Desk, incident: &Incident) {
    if incident.access.suspects.is_empty() {
        return;
    }
    let request = RequestId::new(format!("settle-{}-{}", incident.id, incident.next_sequence));
    if let Err(error) = desk.settle_stand_ins(&incident.id, &request) {
        tracing::warn!(incident = %incident.id, %error, "who stands in is not on the record yet");
    }
}

/// The management's brief by the level's cadence, and the reminder before it. Pure.
fn briefs(plan: &Plan, incident: &Incident, now: Instant) -> Vec<(String, Command)> {
    let sent = incident.briefs.len();
    let next = incident::brief::next_due(plan, incident);
    let send = next
        .filter(|due| now >= *due)
        .map(|_| (format!("brief-{sent}"), Command::SendBrief));
    let remind = incident::brief::to_remind(plan, incident, now).map(|due_at| {
        let command = Command::Room(RoomCommand::RemindBrief { due_at });
        (format!("brief-soon-{}", due_at.0), command)
    });
    send.into_iter().chain(remind).collect()
}

/// Orders whose reminder is due: one command a stage and version. Pure.
fn late_orders(incident: &Incident, escalate_after_s: u32, now: Instant) -> Vec<(String, Command)> {
    let due = |o: &incident::people::Order| {
        let stage = o.reminder_due(escalate_after_s, now)?;
        let request = format!("late-{}-{}-{stage}", o.id, o.course.version);
        let order = o.id.clone();
        Some((
            request,
            Command::Order(OrderCommand::Remind { order, stage }),
        ))
    };
    incident.orders.iter().filter_map(due).collect()
}

/// What is due: pure, so that it can be tested. The request id makes a retry harmless.
pub(crate) fn due(incident: &Incident, now: Instant) -> Vec<(String, Command)> {
    let calls = incident
        .calls
        .iter()
        .filter(|c| c.state == CallState::Called && c.overdue(now))
        .map(|c| {
            (
                format!("call-{}", c.call.number),
                Command::Escalate {
                    call: c.call.number,
                },
            )
        });
    let holds = incident
        .holds
        .iter()
        .filter(|h| h.state == HoldState::Active && now >= h.until)
        .map(|h| {
            (
                format!("hold-{}", h.id),
                Command::ExpireHold { hold: h.id.clone() },
            )
        });
    calls.chain(holds).collect()
}
