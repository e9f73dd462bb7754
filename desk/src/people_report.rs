//! Reports by people (P1): durable, and the leading group paged, before the receipt is given.

use crate::account::random;
use crate::commander::Ask;
use crate::dispatch::{REPORT, ReportPage};
use crate::error::CommandError;
use crate::view::{NewReport, ReportState, ReportView};
use crate::{Desk, DeskError};
use incident::{Category, OpenRequest, Origin, Subclass};
use model::{GroupId, IncidentId, Operation, OutboxId, ReceiptNo, Risk};
use serde_json::json;
use store::{Batch, NewOutbox, PutDocument};

const REPORTS: &str = "report";
/// Most characters of a report's longest field.
const MAX_TEXT: usize = 8_000;
const MAX_LINE: usize = 400;

impl Desk {
    /// Stores the report and pages the leading group in one transaction; gives the receipt number.
    /// A repeated request gives the same receipt.
    pub fn report(&self, report: NewReport) -> Result<ReceiptNo, DeskError> {
        check(&report)?;
        let what = report.what.trim();
        let request = format!("request/{}", report.request);
        if let Some(known) = self.store().document("report_request", &request)? {
            return Ok(ReceiptNo::new(known.json));
        }
        let receipt = ReceiptNo::new(receipt_number()?);
        let now = self.now();
        let leaders = self.leaders();
        let view = ReportView {
            receipt: receipt.clone(),
            received_at: now,
            what: what.to_owned(),
            when_text: report.when_text.trim().to_owned(),
            where_seen: report.where_seen.trim().to_owned(),
            risk: report.risk,
            contact: report.contact.trim().to_owned(),
            state: ReportState::Received,
            paged: leaders.len() as u32,
        };
        let document = |collection, id: String, json| PutDocument {
            collection,
            id,
            expect_version: None,
            json,
            at: now,
        };
        let outbox = leaders
            .iter()
            .map(|position| {
                let id = OutboxId::new(format!("{receipt}-{position}"));
                let page = ReportPage {
                    report: receipt.clone(),
                    position: position.clone(),
                };
                let json = serde_json::to_string(&page)?;
                Ok(NewOutbox {
                    id,
                    incident: None,
                    channel: "file".into(),
                    kind: REPORT.into(),
                    due_at: now,
                    json,
                })
            })
            .collect::<Result<_, serde_json::Error>>()?;
        // The record says that a report came in and what it said, not who sent it.
        let leaf = json!({ "kind": "report", "receipt": receipt, "at": now, "what": view.what, "when": view.when_text, "where": view.where_seen, "risk": view.risk });
        self.store().commit(Batch {
            documents: vec![
                document(REPORTS, receipt.to_string(), serde_json::to_string(&view)?),
                document("report_request", request, receipt.to_string()),
            ],
            outbox,
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        self.touched();
        Ok(receipt)
    }

    /// Lead and deputy of the leading group: whoever is reached first sees it.
    fn leaders(&self) -> Vec<model::PositionId> {
        let plan = self.plan();
        let Some(group) = plan.group(&GroupId::new("leading")) else {
            return Vec::new();
        };
        group.everyone().into_iter().cloned().collect()
    }

    pub fn report_by_receipt(&self, receipt: &ReceiptNo) -> Option<ReportView> {
        let found = self.store().document(REPORTS, receipt.as_str()).ok()??;
        serde_json::from_str(&found.json).ok()
    }

    /// Newest first.
    pub fn reports(&self, limit: u32) -> Vec<ReportView> {
        let found = self.store().documents(REPORTS, limit).unwrap_or_default();
        found
            .iter()
            .filter_map(|d| serde_json::from_str(&d.json).ok())
            .collect()
    }

    /// Opens an incident from a report; the report then shows that it is being handled.
    pub fn open_incident_from_report(
        &self,
        op: Operation,
        receipt: &ReceiptNo,
    ) -> Result<IncidentId, CommandError> {
        let plan = self.plan();
        if !plan.allows(plan::Act::OpenIncident, op.actor.positions()) {
            return Err(incident::Refusal::NotAllowed {
                act: plan::Act::OpenIncident,
            }
            .into());
        }
        let stored = self.store().document(REPORTS, receipt.as_str())?;
        let stored =
            stored.ok_or_else(|| DeskError::NotFound(format!("there is no report {receipt}")))?;
        let mut view: ReportView = serde_json::from_str(&stored.json).map_err(DeskError::from)?;
        if let ReportState::Joined { incident } = view.state {
            // To whoever may not know of the incident, the report is not there either.
            let known = self.admit(op, &incident);
            known.map_err(|_| DeskError::NotFound(format!("there is no report {receipt}")))?;
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
                receipt: receipt.clone(),
                text: view.what.clone(),
            },
        };
        let id = request.id.clone();
        view.state = ReportState::Joined {
            incident: id.clone(),
        };
        let batch = Batch {
            documents: vec![PutDocument {
                collection: REPORTS,
                id: receipt.to_string(),
                expect_version: Some(stored.version),
                json: serde_json::to_string(&view).map_err(DeskError::from)?,
                at: view.received_at,
            }],
            ..Batch::default()
        };
        self.ask(Ask::Open {
            op,
            request: Box::new(request),
            with: Vec::new(),
            batch: Box::new(batch),
        })?;
        Ok(id)
    }
}

/// Refuses what is empty or too long, in words that say what to do.
fn check(report: &NewReport) -> Result<(), DeskError> {
    let what = report.what.trim();
    if what.is_empty() || what.chars().count() > MAX_TEXT {
        return Err(DeskError::Refused(format!(
            "say what you saw, in at most {MAX_TEXT} characters"
        )));
    }
    if [&report.when_text, &report.where_seen, &report.contact]
        .iter()
        .any(|t| t.chars().count() > MAX_LINE)
    {
        return Err(DeskError::Refused(format!(
            "a line has at most {MAX_LINE} characters"
        )));
    }
    Ok(())
}

fn category(risk: Risk) -> Category {
    let subclass = match risk {
        Risk::R1 | Risk::R3 => Subclass::Leak,
        Risk::R2 => Subclass::Tampering,
        Risk::R4 => Subclass::Other,
    };
    Category::DataSecurity { subclass }
}

/// Ten digits and letters without those that are mistaken for each other; 50 bits cannot be guessed.
fn receipt_number() -> Result<String, DeskError> {
    const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let mut bytes = [0_u8; 10];
    random(&mut bytes)?;
    let text: String = bytes
        .iter()
        .map(|b| LETTERS[usize::from(b & 31)] as char)
        .collect();
    Ok(format!("{}-{}", &text[..5], &text[5..]))
}
