//! The control socket: how the command line reaches the process that owns the data folder.
//!
//! One JSON request a line, one JSON answer a line, over a Unix socket with mode 0600: whoever can
//! open it is the operating-system user that runs Balefire. Acts that the plan gives to persons
//! need a session besides.

use crate::audit_part::Part;
use crate::identity::control::AccountStep;
use crate::view::FindingFilter;
use crate::window::NewWindow;
use crate::{CommandError, Desk, DeskError, LoginError, Told};
use model::{
    AccountId, Actor, FindingId, IncidentId, Operation, PositionId, ProposalId, RequestId,
    SourceName,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// A request line longer than this is refused.
const MAX_REQUEST_BYTES: u64 = 1 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum ControlRequest {
    Findings {
        source: Option<SourceName>,
        limit: u32,
    },
    Audit {
        source: SourceName,
    },
    AuditPart {
        source: SourceName,
        part: Part,
    },
    Baseline {
        source: SourceName,
        again: bool,
    },
    Attach {
        source: SourceName,
    },
    /// A policy learnt from what the guard has seen.
    Learn {
        source: SourceName,
    },
    Shadow {
        source: SourceName,
        days: u32,
    },
    JudgeFinding {
        finding: FindingId,
        lawful: bool,
        reason: String,
        session: String,
    },
    AcceptAsk {
        findings: Vec<FindingId>,
        reason: String,
        session: String,
    },
    AcceptApprove {
        id: String,
        session: String,
    },
    AcceptRefuse {
        id: String,
        session: String,
    },
    Acceptances {
        source: Option<SourceName>,
    },
    WindowAsk {
        window: NewWindow,
        session: String,
    },
    WindowApprove {
        id: String,
        session: String,
    },
    WindowClose {
        id: String,
        session: String,
    },
    Windows {
        source: Option<SourceName>,
    },
    Detach {
        source: SourceName,
    },
    RepairPlan {
        source: SourceName,
        session: String,
    },
    RepairShow {
        id: ProposalId,
    },
    RepairApprove {
        id: ProposalId,
        session: String,
    },
    RepairApply {
        id: ProposalId,
        session: String,
    },
    RepairTry {
        id: ProposalId,
        session: String,
    },
    RepairUndo {
        id: ProposalId,
        session: String,
    },
    AccountAdd {
        id: AccountId,
        name: String,
        positions: Vec<PositionId>,
        password: String,
    },
    AccountList,
    /// A step on an account, as the person of the session.
    AccountStep {
        what: AccountStep,
        session: String,
    },
    /// The second step of a login.
    LoginCode {
        ticket: String,
        code: String,
    },
    Login {
        name: String,
        password: String,
    },
    Incidents,
    Incident {
        id: IncidentId,
    },
    Prove {
        log: String,
        index: u64,
    },
    Checkpoint {
        log: String,
    },
    Key,
    /// The past of rows; a session shows personal values in full to those who may read them.
    Investigate {
        question: crate::investigate::Question,
        session: Option<String>,
        proofs: bool,
    },
}

/// The answer to one request: `Err` carries plain words and, for refusals, what is missing.
#[derive(Debug, Serialize, Deserialize)]
pub struct ControlAnswer {
    pub ok: Option<Value>,
    pub error: Option<String>,
}

/// Carries out one request on a desk that this process owns.
pub fn handle(desk: &Desk, request: ControlRequest) -> ControlAnswer {
    match answer(desk, request) {
        Ok(value) => ControlAnswer {
            ok: Some(value),
            error: None,
        },
        Err(error) => ControlAnswer {
            ok: None,
            error: Some(plain(&error)),
        },
    }
}

/// Asks the process that owns the folder; `None` when none listens.
pub fn ask(socket: &Path, request: &ControlRequest) -> Option<Result<ControlAnswer, DeskError>> {
    let stream = UnixStream::connect(socket).ok()?;
    Some(converse(stream, socket, request))
}

fn converse(
    mut stream: UnixStream,
    socket: &Path,
    request: &ControlRequest,
) -> Result<ControlAnswer, DeskError> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream
        .write_all(&line)
        .map_err(|e| DeskError::file(socket, e))?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .map_err(|e| DeskError::file(socket, e))?;
    Ok(serde_json::from_str(&answer)?)
}

/// Listens until the process ends; each connection has a thread, so that a long audit holds up nobody.
pub fn listen(desk: &Desk) -> Result<(), DeskError> {
    let path = desk.folder().socket();
    // We hold the folder's lock, so a socket that is there is a dead process's.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(|e| DeskError::file(&path, e))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .map_err(|e| DeskError::file(&path, e))?;
    let desk = desk.clone();
    spawn("control", move || {
        for stream in listener.incoming().flatten() {
            let desk = desk.clone();
            if let Err(error) = spawn("control-request", move || serve(&desk, stream)) {
                tracing::error!(%error, "a command line could not be answered");
            }
        }
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), DeskError> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread
        .spawn(run)
        .map(drop)
        .map_err(|e| DeskError::GuardStopped(e.to_string()))
}

fn serve(desk: &Desk, stream: UnixStream) {
    let Ok(writer) = stream.try_clone() else {
        return;
    };
    let mut line = String::new();
    let read = BufReader::new(stream.take(MAX_REQUEST_BYTES)).read_line(&mut line);
    if read.is_err() || line.is_empty() {
        return;
    }
    let reply = match serde_json::from_str(&line) {
        Ok(request) => handle(desk, request),
        Err(error) => ControlAnswer {
            ok: None,
            error: Some(format!("the request cannot be read: {error}")),
        },
    };
    if let Ok(mut bytes) = serde_json::to_vec(&reply) {
        bytes.push(b'\n');
        // The asker may have gone; there is nobody to tell.
        let _ = (&writer).write_all(&bytes);
    }
}

/// What concerns a source.
fn answer(desk: &Desk, request: ControlRequest) -> Result<Value, CommandError> {
    use ControlRequest as R;
    Ok(match request {
        R::Learn { source } => {
            let proposal = desk.learn(&source)?;
            json!({
                "policy": proposal.to_toml(source.as_str()),
                "transactions": proposal.transactions,
                "changes": proposal.writes,
                "rules": proposal.rules(),
                "tables": proposal.tables.len(),
                "forgotten": proposal.forgotten,
            })
        }
        R::Shadow { source, days } => json(&desk.shadow_report(&source, days)?)?,
        R::Attach { source } => json!({ "made": desk.attach(&source)? }),
        R::Detach { source } => json!({ "removed": desk.detach(&source)? }),
        R::Findings { source, limit } => {
            let filter = FindingFilter {
                source,
                limit,
                ..FindingFilter::default()
            };
            json(&desk.findings_told(&filter))?
        }
        R::AuditPart { source, part } => json(&desk.audit_part(&source, part)?)?,
        R::Audit { source } => json(&desk.audit_source(&source)?)?,
        R::Baseline { source, again } => {
            let done = desk.baseline(&source, again, &mut |_, _| {})?;
            desk.start_guard(&source)?;
            json(&done)?
        }
        R::Investigate {
            question,
            session,
            proofs,
        } => json(&desk.investigate_for(&question, session.as_deref(), proofs)?)?,
        other => return of_windows(desk, other),
    })
}

/// Planned changes, opinions of findings, and rows that stay as they are.
fn of_windows(desk: &Desk, request: ControlRequest) -> Result<Value, CommandError> {
    use ControlRequest as R;
    Ok(match request {
        R::JudgeFinding {
            finding,
            lawful,
            reason,
            session,
        } => {
            let op = operation(desk, &session)?;
            json(&desk.judge_finding(&op, &finding, lawful, &reason)?)?
        }
        R::AcceptAsk {
            findings,
            reason,
            session,
        } => {
            let op = operation(desk, &session)?;
            json(&desk.ask_acceptance(&op, &findings, &reason)?)?
        }
        R::AcceptApprove { id, session } => {
            json(&desk.approve_acceptance(&operation(desk, &session)?, &id)?)?
        }
        R::AcceptRefuse { id, session } => {
            json(&desk.refuse_acceptance(&operation(desk, &session)?, &id)?)?
        }
        R::Acceptances { source } => json(&desk.acceptances(source.as_ref())?)?,
        R::WindowAsk { window, session } => {
            json(&desk.ask_window(&operation(desk, &session)?, window)?)?
        }
        R::WindowApprove { id, session } => {
            json(&desk.approve_window(&operation(desk, &session)?, &id)?)?
        }
        R::WindowClose { id, session } => {
            json(&desk.close_window(&operation(desk, &session)?, &id)?)?
        }
        R::Windows { source } => json(&desk.windows(source.as_ref())?)?,
        other => return of_repairs(desk, other),
    })
}

/// Repairs.
fn of_repairs(desk: &Desk, request: ControlRequest) -> Result<Value, CommandError> {
    use ControlRequest as R;
    Ok(match request {
        R::RepairPlan { source, session } => {
            let op = operation(desk, &session)?;
            let incident = desk
                .open_incident_of(&source)
                .ok_or_else(|| DeskError::NotFound(Told::new("nothing-open")))?;
            let id = desk.propose_repair(op, &incident)?;
            proposal(desk, &id)?
        }
        R::RepairShow { id } => proposal(desk, &id)?,
        R::RepairApprove { id, session } => {
            let view = view(desk, &id)?;
            let incident = incident_of(&view)?;
            let command = incident::Command::ApproveRepair {
                proposal: id.clone(),
                digest: view.digest,
            };
            desk.execute(operation(desk, &session)?, &incident, command)?;
            proposal(desk, &id)?
        }
        R::RepairTry { id, session } => {
            let tried = desk.try_repair(&operation(desk, &session)?, &id)?;
            json!({
                "rows": tried.rows,
                "side_effects": tried.side_effects,
                "amount_minor": tried.amount_minor.to_string(),
                "duration_ms": tried.duration_ms,
                "dry_run": tried.dry_run,
            })
        }
        R::RepairUndo { id, session } => {
            let incident = incident_of(&view(desk, &id)?)?;
            let undo = desk.propose_undo(operation(desk, &session)?, &incident, &id)?;
            proposal(desk, &undo)?
        }
        R::RepairApply { id, session } => {
            let incident = incident_of(&view(desk, &id)?)?;
            desk.apply_repair(operation(desk, &session)?, &incident, &id)?;
            proposal(desk, &id)?
        }
        other => return of_records(desk, other),
    })
}

/// People, incidents, the journal.
fn of_records(desk: &Desk, request: ControlRequest) -> Result<Value, CommandError> {
    use ControlRequest as R;
    Ok(match request {
        R::AccountAdd {
            id,
            name,
            positions,
            password,
        } => {
            desk.add_account(&id, &name, &positions, &password)?;
            json!({ "account": id, "positions": positions })
        }
        R::AccountList => json(&desk.accounts()?)?,
        R::AccountStep { what, session } => desk.account_step(&operation(desk, &session)?, what)?,
        R::Login { name, password } => logged_in(desk.login_from(&name, &password, CLI))?,
        R::LoginCode { ticket, code } => logged_in(desk.login_with_code(&ticket, &code, CLI))?,
        R::Incidents => json(&desk.newest_incidents()?)?,
        R::Incident { id } => json(&desk.incident(&id).ok_or(CommandError::UnknownIncident)?)?,
        R::Prove { log, index } => json!({ "bundle": desk.prove(&log, index)? }),
        R::Checkpoint { log } => {
            let status = desk.logs().into_iter().find(|l| l.name == log);
            let status = status
                .ok_or_else(|| DeskError::NotFound(Told::new("log-unknown").with("log", log)))?;
            json!({ "checkpoint": status.checkpoint, "size": status.size })
        }
        R::Key => json!({ "key": desk.vkey() }),
        // `answer`, `of_windows` and `of_repairs` have taken all others.
        _ => return Err(DeskError::Refused(Told::new("request-unknown")).into()),
    })
}

/// What a session of the command line is called among a person's sessions.
const CLI: &str = "balefire login";

fn logged_in(result: Result<String, LoginError>) -> Result<Value, DeskError> {
    match result {
        Ok(session) => Ok(json!({ "session": session })),
        Err(LoginError::SecondFactor { ticket }) => Ok(json!({ "ticket": ticket })),
        Err(error) => Err(DeskError::Refused(Told::new("said").with("text", error))),
    }
}

fn json<T: Serialize>(value: &T) -> Result<Value, DeskError> {
    Ok(serde_json::to_value(value)?)
}

fn view(desk: &Desk, id: &ProposalId) -> Result<crate::ProposalView, DeskError> {
    desk.proposal(id)
        .ok_or_else(|| DeskError::NotFound(Told::new("proposal-unknown").with("id", id)))
}

fn proposal(desk: &Desk, id: &ProposalId) -> Result<Value, DeskError> {
    json(&view(desk, id)?)
}

fn incident_of(view: &crate::ProposalView) -> Result<IncidentId, DeskError> {
    view.incident
        .clone()
        .ok_or_else(|| DeskError::NotFound(Told::new("proposal-alone")))
}

/// The person behind a session acts.
fn operation(desk: &Desk, session: &str) -> Result<Operation, DeskError> {
    let person = desk
        .session(session)
        .ok_or_else(|| DeskError::Refused(Told::new("log-in-first")))?;
    Ok(Operation {
        actor: Actor::Person {
            account: person.account,
            name: person.name,
            positions: person.positions,
        },
        reason: String::new(),
        request: RequestId::new(crate::account::token()?),
        now: desk.now(),
    })
}

fn plain(error: &CommandError) -> String {
    match error {
        CommandError::Refused(refusal) => refused(refusal),
        CommandError::Desk(error) => error.told(),
        CommandError::UnknownIncident | CommandError::Stale { .. } => error.to_string(),
    }
}

/// A refusal with everything that is missing.
fn refused(refusal: &incident::Refusal) -> String {
    let incident::Refusal::Missing { missing } = refusal else {
        return refusal.to_string();
    };
    let codes: Vec<&str> = missing.iter().map(|item| item.code.as_str()).collect();
    format!("{refusal}: {}", codes.join(", "))
}
