//! The ticker: compares stored instants with now, once a second. It owns no timer that a crash could lose.

use crate::Desk;
use incident::containment::HoldState;
use incident::people::CallState;
use incident::{Command, Incident};
use model::{Actor, Instant, Operation, RequestId};

/// Acts on what is due now in every open incident; gives the number of commands.
pub(crate) fn tick(desk: &Desk, now: Instant) -> usize {
    let mut done = 0;
    for incident in desk.incidents() {
        if incident.closed() {
            continue;
        }
        for (request, command) in due(&incident, now) {
            let op = Operation {
                actor: Actor::system("clock"),
                reason: String::new(),
                request: RequestId::new(format!("tick-{}-{request}", incident.id)),
                now,
            };
            match desk.execute(op, &incident.id, command) {
                Ok(_) => done += 1,
                // Somebody was faster; the next tick sees the new state.
                Err(error) => tracing::debug!(%error, "a timer came too late"),
            }
        }
    }
    done
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
