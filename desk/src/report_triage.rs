//! What triage decides on a report by a person: open, join, reject, mark as a duplicate, ask back,
//! and take a rejection back.
//!
//! A decision names the version that the person looked at: of two at once one is made, the other
//! is told that it came late. Whoever may not read a report decides nothing on it: to them it is
//! not there. Deliberately not here: suggestions (`triage_stack`), and what the incident makes of
//! it (`incident`).

use crate::commander::Ask;
use crate::error::CommandError;
use crate::people_report::follow_up::{asked, changed};
use crate::people_report::{Attachment, Decided, DecisionKind, ReportState, ReportView};
use crate::{Desk, DeskError, Told};
use incident::access::Access;
use incident::bounds::MAX_TEXT_CHARS;
use incident::{Category, Command, OpenRequest, Origin, Refusal, Subclass};
use model::{Actor, Digest, IncidentId, Operation, ReceiptNo, Risk};
use plan::Act;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Batch, StoreError};

/// Decisions kept with one report.
const MAX_DECIDED: usize = 50;

/// What is done with a report. The operation's reason says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReportDecision {
    // With braces, so that serde refuses fields that are none of theirs.
    Open {},
    Join {
        incident: IncidentId,
    },
    /// Needs a reason, which only staff read.
    Reject {},
    Duplicate {
        of: ReceiptNo,
    },
    /// Takes a rejection, or the mark of a duplicate, back.
    Reopen {},
    /// A question to the sender, who reads it with the receipt.
    Ask {
        text: String,
    },
}

impl Desk {
    /// Carries a decision out; gives the incident that the report then belongs to.
    ///
    /// `seen` is the version of the report that the person looked at; a report that changed since
    /// gives `Refusal::Conflict`, and nothing is done.
    pub fn decide_report(
        &self,
        op: Operation,
        report: &ReceiptNo,
        decision: ReportDecision,
        seen: Option<u64>,
    ) -> Result<Option<IncidentId>, CommandError> {
        let (view, version) = self.report_to_decide(&op, report)?;
        if seen.is_some_and(|seen| seen != version) {
            // Sent twice: what was decided stands as asked.
            return match repeated(&view, &op) {
                true => Ok(joined(&view)),
                false => Err(late()),
            };
        }
        match decision {
            ReportDecision::Open {} => self.open_from(op, view, version).map(Some),
            ReportDecision::Join { incident } => {
                // One that was merged meanwhile goes on in another.
                let incident = self.goes_on_in(&incident);
                self.join_to(op, view, version, &incident)?;
                Ok(Some(incident))
            }
            ReportDecision::Reject {} => {
                if op.reason.trim().is_empty() {
                    return Err(Refusal::ReasonNeeded.into());
                }
                self.settle(
                    &op,
                    view,
                    version,
                    DecisionKind::Rejected,
                    ReportState::Rejected,
                )
            }
            ReportDecision::Duplicate { of } => {
                let of = self.original(&op, report, &of)?;
                let state = ReportState::Duplicate { of };
                self.settle(&op, view, version, DecisionKind::Duplicate, state)
            }
            ReportDecision::Reopen {} => self.settle(
                &op,
                view,
                version,
                DecisionKind::Reopened,
                ReportState::Received,
            ),
            ReportDecision::Ask { text } => self.ask_sender(&op, view, version, &text),
        }
    }

    /// Opens an incident from a report as it stands; one that is handled gives its incident.
    pub fn open_incident_from_report(
        &self,
        op: Operation,
        report: &ReceiptNo,
    ) -> Result<IncidentId, CommandError> {
        let (view, version) = self.report_to_decide(&op, report)?;
        match joined(&view) {
            Some(incident) => Ok(incident),
            None => self.open_from(op, view, version),
        }
    }

    /// A file that came with a report, for somebody who may decide on it; that it was read stands
    /// on the record before the bytes are given.
    pub fn report_file(
        &self,
        op: &Operation,
        report: &ReceiptNo,
        sha256: &Digest,
    ) -> Result<(Attachment, Vec<u8>), CommandError> {
        let (view, _) = self.report_to_decide(op, report)?;
        let file = view.files.into_iter().find(|f| f.sha256 == *sha256);
        let file = file.ok_or_else(|| DeskError::NotFound(Told::new("report-file-unknown")))?;
        let bytes = self.uploads().read(sha256)?;
        let leaf = json!({ "kind": "report-file-read", "receipt": report, "sha256": sha256,
            "by": op.actor, "at": op.now });
        self.store()
            .commit(Batch {
                leaves: vec![serde_json::to_vec(&leaf).map_err(DeskError::from)?],
                ..Batch::default()
            })
            .map_err(DeskError::from)?;
        self.touched();
        Ok((file, bytes))
    }

    pub(crate) fn may_triage(&self, op: &Operation) -> Result<(), CommandError> {
        let act = Act::OpenIncident;
        if self.plan().allows(act, op.actor.positions()) {
            return Ok(());
        }
        Err(Refusal::NotAllowed { act }.into())
    }

    /// The report with its version, where the person may read it and decide on it.
    fn report_to_decide(
        &self,
        op: &Operation,
        report: &ReceiptNo,
    ) -> Result<(ReportView, u64), CommandError> {
        self.may_triage(op)?;
        let found = self.report_at(report)?;
        if let Actor::Person {
            account, positions, ..
        } = &op.actor
            && !self.sees_report(&self.viewer(account, positions), &found.0)
        {
            return Err(
                DeskError::NotFound(Told::new("report-unknown").with("name", report)).into(),
            );
        }
        Ok(found)
    }

    fn open_from(
        &self,
        op: Operation,
        before: ReportView,
        version: u64,
    ) -> Result<IncidentId, CommandError> {
        free(&before)?;
        let mut view = before.clone();
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
                receipt: view.receipt.clone(),
                text: view.what.clone(),
            },
            access: Access {
                suspects: view.access.suspects.clone(),
                stand_ins: self.places(&view.access).0,
                ..Access::default()
            },
        };
        let id = request.id.clone();
        let state = ReportState::Joined {
            incident: id.clone(),
        };
        decide(&mut view, &op, DecisionKind::Opened, state)?;
        let batch = decided_batch(&op, &before, &view, version, DecisionKind::Opened)?;
        self.ask_unless_late(
            &view.receipt,
            version,
            Ask::Open {
                op,
                request: Box::new(request),
                with: Vec::new(),
                batch: Box::new(batch),
            },
        )?;
        Ok(id)
    }

    fn join_to(
        &self,
        op: Operation,
        before: ReportView,
        version: u64,
        incident: &IncidentId,
    ) -> Result<(), CommandError> {
        if joined(&before).as_ref() == Some(incident) {
            return Ok(());
        }
        let op = self.admit(op, incident)?;
        free(&before)?;
        if !self.keeps_as_well(&before, incident) {
            return Err(conflict("concerns"));
        }
        let mut view = before.clone();
        let state = ReportState::Joined {
            incident: incident.clone(),
        };
        decide(&mut view, &op, DecisionKind::Joined, state)?;
        let batch = decided_batch(&op, &before, &view, version, DecisionKind::Joined)?;
        let text = view.what.chars().take(MAX_TEXT_CHARS).collect();
        self.ask_unless_late(
            &view.receipt,
            version,
            Ask::Commands {
                op,
                id: incident.clone(),
                commands: vec![Command::JoinReport {
                    receipt: view.receipt.clone(),
                    text,
                }],
                batch: Box::new(batch),
            },
        )
    }

    /// One step only: a duplicate of a duplicate is one of the original.
    fn original(
        &self,
        op: &Operation,
        report: &ReceiptNo,
        of: &ReceiptNo,
    ) -> Result<ReceiptNo, CommandError> {
        let (original, _) = self.report_to_decide(op, of)?;
        let of = match original.state {
            ReportState::Duplicate { of } => of,
            _ => original.receipt,
        };
        match of == *report {
            true => Err(conflict("own-duplicate")),
            false => Ok(of),
        }
    }

    fn settle(
        &self,
        op: &Operation,
        before: ReportView,
        version: u64,
        kind: DecisionKind,
        state: ReportState,
    ) -> Result<Option<IncidentId>, CommandError> {
        if before.state == state && kind != DecisionKind::Rejected {
            return Ok(None);
        }
        free(&before)?;
        let mut view = before.clone();
        decide(&mut view, op, kind, state)?;
        let batch = decided_batch(op, &before, &view, version, kind)?;
        self.commit_decided(batch)?;
        Ok(None)
    }

    fn ask_sender(
        &self,
        op: &Operation,
        before: ReportView,
        version: u64,
        text: &str,
    ) -> Result<Option<IncidentId>, CommandError> {
        let mut view = before.clone();
        if asked(&mut view, op, text)? {
            let mut batch = changed(&before, &view, version)?;
            let leaf = json!({ "kind": "report-question", "receipt": view.receipt, "at": op.now,
                "by": op.actor, "text": text });
            (batch.leaves).push(serde_json::to_vec(&leaf).map_err(DeskError::from)?);
            self.commit_decided(batch)?;
        }
        Ok(joined(&view))
    }

    fn commit_decided(&self, batch: Batch) -> Result<(), CommandError> {
        match self.store().commit(batch) {
            Ok(_) => {
                self.touched();
                Ok(())
            }
            Err(StoreError::Conflict { .. }) => Err(late()),
            Err(error) => Err(DeskError::from(error).into()),
        }
    }

    /// The commander's answer; a refusal because the report changed meanwhile says so.
    fn ask_unless_late(
        &self,
        report: &ReceiptNo,
        version: u64,
        ask: Ask,
    ) -> Result<(), CommandError> {
        self.ask(ask).map(drop).map_err(|error| {
            let stands = self.report_at(report).map(|(_, stands)| stands);
            match stands {
                Ok(stands) if stands != version => late(),
                _ => error,
            }
        })
    }
}

/// The same request has decided already.
fn repeated(view: &ReportView, op: &Operation) -> bool {
    let decided = view.decided.last();
    decided.is_some_and(|d| d.request == op.request.as_str())
        || view.talk.iter().any(|s| s.request == op.request.as_str())
}

fn joined(view: &ReportView) -> Option<IncidentId> {
    match &view.state {
        ReportState::Joined { incident } => Some(incident.clone()),
        _ => None,
    }
}

/// Refused where the report belongs to an incident: from there it goes only by splitting it.
fn free(view: &ReportView) -> Result<(), CommandError> {
    match view.state {
        ReportState::Joined { .. } => Err(conflict("in-an-incident")),
        _ => Ok(()),
    }
}

fn late() -> CommandError {
    conflict("changed")
}

fn conflict(why: &str) -> CommandError {
    CommandError::Refused(Refusal::Conflict {
        what: "report".to_owned(),
        why: why.to_owned(),
    })
}

pub(crate) fn decided_batch(
    op: &Operation,
    before: &ReportView,
    view: &ReportView,
    version: u64,
    kind: DecisionKind,
) -> Result<Batch, DeskError> {
    let mut batch = changed(before, view, version)?;
    let leaf = json!({ "kind": "report-decided", "receipt": view.receipt, "decision": kind,
        "state": view.state, "operation": op });
    batch.leaves.push(serde_json::to_vec(&leaf)?);
    Ok(batch)
}

pub(crate) fn decide(
    view: &mut ReportView,
    op: &Operation,
    what: DecisionKind,
    state: ReportState,
) -> Result<(), DeskError> {
    if view.decided.len() >= MAX_DECIDED {
        return Err(DeskError::Refused(
            Told::new("decided-enough").with("most", MAX_DECIDED),
        ));
    }
    let by = match &op.actor {
        Actor::Person { name, .. } => name.clone(),
        _ => String::new(),
    };
    view.state = state;
    view.decided.push(Decided {
        at: op.now,
        by,
        what,
        reason: op.reason.clone(),
        request: op.request.to_string(),
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
