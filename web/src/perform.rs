//! Carries out what a form of an incident asks for, and answers with the page to go on with.

use crate::as_seen::{self, NotDone};
use crate::forms::{self, Read};
use crate::narrate;
use crate::pages;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::StatusCode;
use desk::{CommandError, DeskError};
use incident::{Incident, Refusal};
use model::{IncidentId, Operation, RequestId};
use serde_json::json;
use std::sync::Arc;

/// Seconds after which a server that is away is asked again.
const STORE_RETRY_S: &str = "5";

/// The incident that a page or a form speaks of.
pub(crate) fn incident(visit: &Visit) -> Option<Arc<Incident>> {
    visit.incident(&IncidentId::new(visit.params.get("id")))
}

/// A form that stands for commands of the incident.
pub(crate) fn commands(visit: &Visit, read: Read) -> Reply {
    let Some(incident) = incident(visit) else {
        return Reply::not_found(visit);
    };
    let commands = match read(visit, &incident) {
        Ok(commands) => commands,
        Err(refusal) => return refused(visit, &incident, &refusal),
    };
    let op = visit.operation();
    for (number, command) in commands.iter().enumerate() {
        // One request id stands for one command; the first keeps the form's own.
        let request = match number {
            0 => op.request.clone(),
            n => RequestId(format!("{}/{n}", op.request)),
        };
        let op = Operation {
            request,
            ..op.clone()
        };
        let done = match number {
            0 => as_seen::execute(visit, &incident, &op, command),
            // What the form's own first command changed is no surprise.
            _ => (visit.desk().execute(op, &incident.id, command.clone()))
                .map(drop)
                .map_err(NotDone::from),
        };
        match done {
            Ok(()) => {}
            Err(NotDone::Changed) => return changed(visit, &incident),
            Err(NotDone::Failed(error)) => return failed(visit, &incident, &error),
        }
    }
    done(visit, &incident)
}

pub(crate) fn collect_evidence(visit: &Visit) -> Reply {
    by_desk(visit, |incident| {
        visit
            .desk()
            .collect_evidence(visit.operation(), &incident.id)
            .map(drop)
    })
}

pub(crate) fn propose_repair(visit: &Visit) -> Reply {
    by_desk(visit, |incident| {
        visit
            .desk()
            .propose_repair(visit.operation(), &incident.id)
            .map(drop)
    })
}

pub(crate) fn apply_repair(visit: &Visit) -> Reply {
    let proposal = forms::proposal(visit);
    by_desk(visit, |incident| {
        visit
            .desk()
            .apply_repair(visit.operation(), &incident.id, &proposal)
    })
}

pub(crate) fn approve_acceptance(visit: &Visit) -> Reply {
    by_desk(visit, |incident| {
        let asked = (visit.desk()).acceptance_of(incident, visit.form.get("acceptance"))?;
        (visit
            .desk()
            .approve_acceptance(&visit.operation(), &asked.id))?;
        Ok(())
    })
}

/// Whoever asked may take it back; the desk asks others for the right to approve.
pub(crate) fn refuse_acceptance(visit: &Visit) -> Reply {
    by_desk(visit, |incident| {
        let asked = (visit.desk()).acceptance_of(incident, visit.form.get("acceptance"))?;
        (visit
            .desk()
            .refuse_acceptance(&visit.operation(), &asked.id))?;
        Ok(())
    })
}

pub(crate) fn audit(visit: &Visit) -> Reply {
    by_desk(visit, |incident| {
        visit
            .desk()
            .audit(visit.operation(), &incident.id)
            .map(drop)
    })
}

/// What the desk does by several steps of its own.
pub(crate) fn by_desk(
    visit: &Visit,
    act: impl FnOnce(&Incident) -> Result<(), CommandError>,
) -> Reply {
    let Some(incident) = incident(visit) else {
        return Reply::not_found(visit);
    };
    match act(&incident) {
        Ok(()) => done(visit, &incident),
        Err(error) => failed(visit, &incident, &error),
    }
}

fn done(visit: &Visit, incident: &Incident) -> Reply {
    if visit.wants_json {
        return Reply::json(&json!({ "incident": incident.id, "done": true }));
    }
    let name = visit.path.rsplit('/').next().unwrap_or("");
    Reply::see(&format!("{}?done={name}", back(visit, incident)))
}

/// The page that the form stands on; only pages of this incident.
pub(crate) fn back(visit: &Visit, incident: &Incident) -> String {
    let home = format!("/incidents/{}", incident.id);
    let next = visit.form.get("next");
    let inside = next.strip_prefix(&home).is_some_and(|rest| {
        rest.is_empty()
            || (rest.starts_with('/')
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b)))
    });
    if inside { next.to_owned() } else { home }
}

pub(crate) fn failed(visit: &Visit, incident: &Incident, error: &CommandError) -> Reply {
    match error {
        CommandError::Stale { .. } => {
            Reply::refuse(visit, StatusCode::PRECONDITION_FAILED, "stale")
        }
        CommandError::Refused(refusal) => refused(visit, incident, refusal),
        CommandError::UnknownIncident => Reply::not_found(visit),
        CommandError::Desk(error) => {
            let status = desk_status(error);
            if status.is_server_error() {
                tracing::error!(error = %chain(error), "a command was not carried out");
            }
            let message = narrate::desk_error(visit.words(), error);
            if visit.wants_json {
                return Reply::problem(status, "not-done", &message, json!({}));
            }
            pages::error::not_done(visit, incident, status, message, Vec::new())
        }
    }
}

/// Somebody else changed, meanwhile, what the form is about: nothing is overwritten, and what was
/// typed is shown to be used again.
fn changed(visit: &Visit, incident: &Incident) -> Reply {
    let message = visit.words().text("changed-meanwhile");
    if visit.wants_json {
        return Reply::problem(
            StatusCode::CONFLICT,
            "changed-meanwhile",
            &message,
            json!({}),
        );
    }
    pages::error::changed(visit, incident, message.into_owned())
}

pub(crate) fn refused(visit: &Visit, incident: &Incident, refusal: &Refusal) -> Reply {
    let status = refusal_status(refusal);
    let (message, missing) = narrate::refusal(visit, refusal);
    if visit.wants_json {
        return Reply::problem(
            status,
            refusal.code(),
            &message,
            json!({ "missing": missing }),
        );
    }
    pages::error::not_done(visit, incident, status, message, missing)
}

/// A refusal for a program where no incident is at hand.
pub(crate) fn refused_by_desk(visit: &Visit, error: &CommandError) -> Reply {
    match error {
        CommandError::Stale { .. } => {
            Reply::refuse(visit, StatusCode::PRECONDITION_FAILED, "stale")
        }
        CommandError::UnknownIncident => Reply::not_found(visit),
        CommandError::Refused(refusal) => {
            let (message, missing) = narrate::refusal(visit, refusal);
            let extra = json!({ "missing": missing });
            Reply::problem(refusal_status(refusal), refusal.code(), &message, extra)
        }
        CommandError::Desk(error) => {
            let status = desk_status(error);
            if status.is_server_error() {
                tracing::error!(error = %chain(error), "a request was not carried out");
            }
            let message = narrate::desk_error(visit.words(), error);
            Reply::problem(status, "not-done", &message, json!({}))
        }
    }
}

fn desk_status(error: &DeskError) -> StatusCode {
    match error {
        DeskError::NotFound(_) | DeskError::UnknownSource(_) => StatusCode::NOT_FOUND,
        DeskError::Refused(_) | DeskError::Accept(_) => StatusCode::CONFLICT,
        _ => pages::settings::status_of(error),
    }
}

pub(crate) fn refusal_status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NotAllowed { .. }
        | Refusal::SystemOnly
        | Refusal::NotAddressed { .. }
        | Refusal::SamePerson => StatusCode::FORBIDDEN,
        Refusal::Unknown { .. } => StatusCode::NOT_FOUND,
        Refusal::Bad { .. } | Refusal::ReasonNeeded => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    }
}

/// Logs what the program itself, or its store, is at fault for, and says so without details.
pub(crate) fn unreadable(visit: &Visit, error: &DeskError, what: &'static str) -> Reply {
    tracing::error!(error = %chain(error), path = visit.path, "{what}");
    if error.is_away() {
        return store_away(visit);
    }
    Reply::refuse(visit, StatusCode::INTERNAL_SERVER_ERROR, "inside")
}

pub(crate) fn store_away(visit: &Visit) -> Reply {
    Reply::refuse(visit, StatusCode::SERVICE_UNAVAILABLE, "store-away")
        .with_header(axum::http::header::RETRY_AFTER, STORE_RETRY_S)
}

/// The error with everything behind it, for the program's own log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        out.push_str(": ");
        out.push_str(&inner.to_string());
        source = inner.source();
    }
    out
}
