//! What triage decides on a report by a person: open, join, reject, mark as a duplicate, ask back,
//! and take a rejection back.
//!
//! Deliberately not here: suggestions (`triage_stack`), and what the incident makes of it (`incident`).

use crate::commander::Ask;
use crate::error::CommandError;
use crate::people_report::follow_up::put;
use crate::people_report::{Decided, DecisionKind, ReportState, ReportView};
use crate::{Desk, DeskError};
use incident::bounds::MAX_TEXT_CHARS;
use incident::{Category, Command, OpenRequest, Origin, Refusal, Subclass};
use model::{IncidentId, Operation, ReceiptNo, Risk};
use plan::Act;
use serde_json::json;
use store::Batch;

/// Decisions kept with one report.
const MAX_DECIDED: usize = 50;

impl Desk {
    /// Opens an incident from a report; the report then shows that it is being handled.
    pub fn open_incident_from_report(
        &self,
        op: Operation,
        report: &ReceiptNo,
    ) -> Result<IncidentId, CommandError> {
        self.may_triage(&op)?;
        let (mut view, version) = self.report_at(report)?;
        if let ReportState::Joined { incident } = view.state {
            // To whoever may not know of the incident, the report is not there either.
            let known = self.admit(op, &incident);
            known.map_err(|_| DeskError::NotFound(format!("there is no report {report}")))?;
            return Ok(incident);
        }
        let risk = view.risk.unwrap_or(Risk::R2);
        let request = OpenRequest {
            id: IncidentId::new(self.new_id("i")?),
            exercise: false,
            code_name: self.code_name()?,
            risk,
            category: category(risk),
            discovered_at: view.received_at,
            occurred_at: None,
            source: self
                .config()
                .source
                .first()
                .filter(|_| risk == Risk::R2)
                .map(|s| s.name.clone()),
            origin: Origin::Report {
                receipt: report.clone(),
                text: view.what.clone(),
            },
        };
        let id = request.id.clone();
        let state = ReportState::Joined {
            incident: id.clone(),
        };
        decide(&mut view, &op, DecisionKind::Opened, state)?;
        let batch = self.decided_batch(&op, &view, version, DecisionKind::Opened)?;
        self.ask(Ask::Open {
            op,
            request: Box::new(request),
            with: Vec::new(),
            batch: Box::new(batch),
        })?;
        Ok(id)
    }

    /// Joins a report to an incident that stands. The caller has let the person see the incident.
    pub fn join_report(
        &self,
        op: Operation,
        report: &ReceiptNo,
        incident: &IncidentId,
    ) -> Result<(), CommandError> {
        self.may_triage(&op)?;
        let op = self.admit(op, incident)?;
        let (mut view, version) = self.report_at(report)?;
        if let ReportState::Joined { incident: stands } = &view.state {
            if stands == incident {
                return Ok(());
            }
            return Err(taken().into());
        }
        let state = ReportState::Joined {
            incident: incident.clone(),
        };
        decide(&mut view, &op, DecisionKind::Joined, state)?;
        let batch = self.decided_batch(&op, &view, version, DecisionKind::Joined)?;
        let text = view.what.chars().take(MAX_TEXT_CHARS).collect();
        self.ask(Ask::Commands {
            op,
            id: incident.clone(),
            commands: vec![Command::JoinReport {
                receipt: report.clone(),
                text,
            }],
            batch: Box::new(batch),
        })?;
        Ok(())
    }

    /// Rejects a report with the operation's reason, which only staff read.
    pub fn reject_report(&self, op: &Operation, report: &ReceiptNo) -> Result<(), CommandError> {
        self.settle(op, report, DecisionKind::Rejected, ReportState::Rejected)
    }

    /// Marks a report as telling what another one tells.
    pub fn mark_duplicate(
        &self,
        op: &Operation,
        report: &ReceiptNo,
        of: &ReceiptNo,
    ) -> Result<(), CommandError> {
        self.may_triage(op)?;
        let (original, _) = self.report_at(of)?;
        // One step only: a duplicate of a duplicate is one of the original.
        let of = match original.state {
            ReportState::Duplicate { of } => of,
            _ => original.receipt,
        };
        if of == *report {
            return Err(DeskError::Refused("a report is no duplicate of itself".into()).into());
        }
        self.settle(
            op,
            report,
            DecisionKind::Duplicate,
            ReportState::Duplicate { of },
        )
    }

    /// Takes a rejection, or the mark of a duplicate, back.
    pub fn reopen_report(&self, op: &Operation, report: &ReceiptNo) -> Result<(), CommandError> {
        self.settle(op, report, DecisionKind::Reopened, ReportState::Received)
    }

    /// Asks the sender something.
    pub fn ask_reporter(
        &self,
        op: &Operation,
        report: &ReceiptNo,
        text: &str,
    ) -> Result<(), CommandError> {
        self.may_triage(op)?;
        Ok(self.ask_sender(op, report, text)?)
    }

    /// Bytes of a file that came with a report; `NotFound` when the report names no such file.
    /// The caller has checked who asks.
    pub fn report_file(
        &self,
        report: &ReceiptNo,
        sha256: &model::Digest,
    ) -> Result<(crate::Attachment, Vec<u8>), DeskError> {
        let (view, _) = self.report_at(report)?;
        let attachment = view.files.into_iter().find(|f| f.sha256 == *sha256);
        let attachment =
            attachment.ok_or_else(|| DeskError::NotFound("the report has no such file".into()))?;
        let bytes = self.uploads().read(sha256)?;
        Ok((attachment, bytes))
    }

    pub(crate) fn may_triage(&self, op: &Operation) -> Result<(), CommandError> {
        let act = Act::OpenIncident;
        if self.plan().allows(act, op.actor.positions()) {
            return Ok(());
        }
        Err(Refusal::NotAllowed { act }.into())
    }

    fn settle(
        &self,
        op: &Operation,
        report: &ReceiptNo,
        kind: DecisionKind,
        state: ReportState,
    ) -> Result<(), CommandError> {
        self.may_triage(op)?;
        if kind == DecisionKind::Rejected && op.reason.trim().is_empty() {
            return Err(Refusal::ReasonNeeded.into());
        }
        let leaf = leaf(op, report, kind);
        self.change_report(report, Vec::new(), &leaf, |view| {
            if view.state == state {
                return Ok(false);
            }
            if matches!(view.state, ReportState::Joined { .. }) {
                return Err(taken());
            }
            decide(view, op, kind, state.clone())?;
            Ok(true)
        })?;
        Ok(())
    }

    pub(crate) fn decided_batch(
        &self,
        op: &Operation,
        view: &ReportView,
        version: u64,
        kind: DecisionKind,
    ) -> Result<Batch, DeskError> {
        Ok(Batch {
            documents: vec![put(view, version)?],
            leaves: vec![serde_json::to_vec(&leaf(op, &view.receipt, kind))?],
            ..Batch::default()
        })
    }
}

fn leaf(op: &Operation, report: &ReceiptNo, kind: DecisionKind) -> serde_json::Value {
    json!({ "kind": "report-decided", "receipt": report, "decision": kind, "operation": op })
}

fn taken() -> DeskError {
    DeskError::Refused("this report belongs to an incident already; look at it again".into())
}

pub(crate) fn decide(
    view: &mut ReportView,
    op: &Operation,
    what: DecisionKind,
    state: ReportState,
) -> Result<(), DeskError> {
    if view.decided.len() >= MAX_DECIDED {
        return Err(DeskError::Refused(format!(
            "a report is decided on at most {MAX_DECIDED} times"
        )));
    }
    let by = match &op.actor {
        model::Actor::Person { name, .. } => name.clone(),
        _ => String::new(),
    };
    view.state = state;
    view.decided.push(Decided {
        at: op.now,
        by,
        what,
        reason: op.reason.clone(),
    });
    Ok(())
}

pub(crate) fn category(risk: Risk) -> Category {
    let subclass = match risk {
        Risk::R1 | Risk::R3 => Subclass::Leak,
        Risk::R2 => Subclass::Tampering,
        Risk::R4 => Subclass::Other,
    };
    Category::DataSecurity { subclass }
}
