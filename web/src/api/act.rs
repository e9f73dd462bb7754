//! Changes through the API: commands on an incident, and what the desk does in several steps.

use super::guard::{self, Change, Done};
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::StatusCode;
use desk::CommandError;
use desk::window::NewWindow;
use incident::access::AccessCommand;
use incident::{Command, Incident, Refusal};
use model::{IncidentId, Instant, ProposalId, ReceiptNo, SourceName};
use plan::Act;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// What stands beside the fields of an act.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandBody {
    command: Command,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read by the guard; named so that it is not unknown"
    )]
    reason: Option<String>,
}

/// Any command that a person may give; what the program alone may say is refused.
pub(crate) fn command(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let incident = known(visit)?;
        let version = guard::if_match(visit)?;
        let asked: CommandBody = guard::body(visit)?;
        guard::nothing_else(visit, "command", &asked.command)?;
        guard::within_scope(visit, &asked.command)?;
        whole(visit, &incident, &asked.command)?;
        let (desk, op) = (visit.desk(), change.op.clone());
        let outcome = match (asked.command, version) {
            (Command::Access(command), version) => {
                desk.change_access(op, &incident.id, command, version)
            }
            (command, Some(version)) => {
                (desk.execute_at(op, &incident.id, command, version)).map(drop)
            }
            (command, None) => desk.execute(op, &incident.id, command).map(drop),
        };
        outcome.map_err(|error| perform::failed(visit, &incident, &error))?;
        Ok(stands(visit, &incident))
    })
}

/// Refuses a part of an act without the rest of it.
fn whole(visit: &Visit, incident: &Incident, command: &Command) -> Result<(), Reply> {
    let alone = command.part_of_an_act();
    let refused = || perform::failed(visit, incident, &Refusal::SystemOnly.into());
    (!alone).then_some(()).ok_or_else(refused)
}

/// Acts on an incident that are more than one command.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
enum IncidentAct {
    // Braces, so that serde refuses unknown fields here too.
    CollectEvidence {},
    ProposeRepair {},
    ApplyRepair { proposal: ProposalId },
    Audit {},
    ApproveAcceptance { acceptance: String },
    RefuseAcceptance { acceptance: String },
    ChangeAccess { change: AccessCommand },
}

impl IncidentAct {
    /// The act of the plan that it is, as on the pages.
    const fn act(&self) -> Act {
        match self {
            Self::CollectEvidence {} => Act::CollectEvidence,
            // An audit reads every row: theirs who then propose what to put right.
            Self::ProposeRepair {} | Self::Audit {} => Act::ProposeRepair,
            Self::ApplyRepair { .. } => Act::ApplyRepair,
            Self::ApproveAcceptance { .. } => Act::ApproveRepair,
            Self::RefuseAcceptance { .. } => Act::AcceptUnwitnessed,
            Self::ChangeAccess { .. } => Act::RestrictAccess,
        }
    }
}

pub(crate) fn incident_act(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let incident = known(visit)?;
        unchanged(visit, &incident)?;
        let version = guard::if_match(visit)?;
        let mut fields = visit.json.clone();
        if let Some(fields) = fields.as_object_mut() {
            fields.remove("reason");
        }
        let act: IncidentAct = serde_json::from_value(fields)
            .map_err(|error| guard::invalid(visit, "", &error.to_string()))?;
        guard::allowed(visit, visit.may(act.act()))?;
        carry_out(change, &incident, version, act)
            .map_err(|error| perform::failed(visit, &incident, &error))?;
        Ok(stands(visit, &incident))
    })
}

fn carry_out(
    change: &Change<'_>,
    incident: &Incident,
    version: Option<u32>,
    act: IncidentAct,
) -> Result<(), CommandError> {
    let (desk, op, id) = (change.visit.desk(), change.op.clone(), &incident.id);
    match act {
        IncidentAct::CollectEvidence {} => desk.collect_evidence(op, id).map(drop),
        IncidentAct::ProposeRepair {} => desk.propose_repair(op, id).map(drop),
        IncidentAct::ApplyRepair { proposal } => desk.apply_repair(op, id, &proposal),
        IncidentAct::Audit {} => desk.audit(op, id).map(drop),
        IncidentAct::ApproveAcceptance { acceptance } => {
            let asked = desk.acceptance_of(incident, &acceptance)?;
            Ok(desk.approve_acceptance(&op, &asked.id).map(drop)?)
        }
        IncidentAct::RefuseAcceptance { acceptance } => {
            let asked = desk.acceptance_of(incident, &acceptance)?;
            Ok(desk.refuse_acceptance(&op, &asked.id).map(drop)?)
        }
        IncidentAct::ChangeAccess { change } => desk.change_access(op, id, change, version),
    }
}

/// Opens an incident from a report.
pub(crate) fn report_opens(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let receipt = ReceiptNo::new(visit.params.get("receipt"));
        let opened = visit
            .desk()
            .open_incident_from_report(change.op.clone(), &receipt);
        match opened {
            Ok(id) => Ok(Done {
                status: StatusCode::CREATED,
                body: json!({ "id": id, "version": version(visit, &id) }),
                version: version(visit, &id),
            }),
            Err(error) => Err(failed(visit, &error)),
        }
    })
}

/// A maintenance window that somebody asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowBody {
    ticket: String,
    reason: String,
    tables: Vec<String>,
    most_rows: u64,
    #[serde(default)]
    from: Option<Instant>,
    until: Instant,
}

pub(crate) fn window_ask(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let asked: WindowBody = guard::body(visit)?;
        let new = NewWindow {
            source: SourceName::new(visit.params.get("source")),
            ticket: asked.ticket,
            reason: asked.reason,
            tables: asked.tables,
            most_rows: asked.most_rows,
            from: asked.from.unwrap_or(change.op.now),
            until: asked.until,
        };
        let made = visit.desk().ask_window(&change.op, new);
        let window = made.map_err(|error| failed(visit, &error.into()))?;
        Ok(Done {
            status: StatusCode::CREATED,
            body: json!({ "id": window.id }),
            version: None,
        })
    })
}

/// `approve` or `close`, as the address says.
pub(crate) fn window_act(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let id = visit.params.get("window");
        let done = match visit.path.ends_with("/approve") {
            true => visit.desk().approve_window(&change.op, id),
            false => visit.desk().close_window(&change.op, id),
        };
        let window = done.map_err(|error| failed(visit, &error.into()))?;
        Ok(Done {
            status: StatusCode::OK,
            body: json!({ "id": window.id }),
            version: None,
        })
    })
}

fn known(visit: &Visit) -> Result<Arc<Incident>, Reply> {
    perform::incident(visit).ok_or_else(|| Reply::not_found(visit))
}

fn version(visit: &Visit, id: &IncidentId) -> Option<u32> {
    visit.incident(id).map(|i| i.next_sequence)
}

/// How the incident stands after the act.
fn stands(visit: &Visit, before: &Incident) -> Done {
    guard::stands(visit, StatusCode::OK, &before.id)
}

/// Refuses where the incident is no longer as the caller saw it.
pub(super) fn unchanged(visit: &Visit, incident: &Incident) -> Result<(), Reply> {
    match guard::if_match(visit)? {
        Some(version) if version != incident.next_sequence => Err(stale(visit)),
        _ => Ok(()),
    }
}

fn stale(visit: &Visit) -> Reply {
    Reply::refuse(visit, StatusCode::PRECONDITION_FAILED, "stale")
}

/// Refusals where no incident is at hand whose words they would use.
fn failed(visit: &Visit, error: &CommandError) -> Reply {
    perform::refused_by_desk(visit, error)
}
