//! Triage for programs: the stack, and decisions on reports.

use super::cursor;
use super::guard::{self, Done};
use crate::pages::triage;
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::StatusCode;
use desk::triage_stack::{AlikeIncident, AlikeReport, StackLine, StackPart, StackQuery, Waiting};
use desk::{ReportDecision, ReportState};
use model::{IncidentId, ReceiptNo};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /api/v1/triage`: a page of what waits.
pub(crate) fn stack(visit: &Visit) -> Reply {
    let asked = match cursor::Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let place = asked.after.as_deref().map(serde_json::from_str);
    let Ok(place) = place.transpose() else {
        return cursor::bad(visit, "cursor");
    };
    let query = StackQuery {
        part: StackPart::Behind {
            place,
            limit: asked.limit,
        },
        ..triage::query(visit)
    };
    match visit.desk().triage_stack(&visit.viewer(), &query) {
        Ok(found) => {
            let items: Vec<Value> = found.lines.iter().map(line).collect();
            let last = found.lines.last().filter(|_| found.more);
            let next = last.and_then(|line| serde_json::to_string(&line.place()).ok());
            let body = json!({ "items": items, "count": found.count });
            cursor::page_with(visit, body, next.as_deref())
        }
        Err(error) => guard::inside(visit, &error),
    }
}

fn line(line: &StackLine) -> Value {
    let (kind, mut item) = match &line.what {
        Waiting::Report { report, alike } => (
            "report",
            json!({
                "report": report.receipt, "what": report.what, "where": report.where_seen,
                "when": report.when, "risk": report.risk, "state": report.state.code(),
                "files": report.files.iter().map(|f| json!({ "sha256": f.sha256, "name": f.name })).collect::<Vec<_>>(),
                "alike": alike.iter().map(alike_report).collect::<Vec<_>>(),
            }),
        ),
        Waiting::Incident(incident) => (
            "incident",
            json!({ "incident": incident.id, "level": incident.level, "risk": incident.risk }),
        ),
        Waiting::Unwitnessed { source, rows } => {
            ("unwitnessed", json!({ "source": source, "rows": rows }))
        }
    };
    if let Some(fields) = item.as_object_mut() {
        fields.insert("kind".to_owned(), json!(kind));
        fields.insert("urgency".to_owned(), json!(line.urgency.code()));
        fields.insert("since".to_owned(), json!(line.at));
    }
    item
}

/// `GET /api/v1/triage/{receipt}`: one report with everything that triage sees, what it may belong
/// to, and the version that a decision names as seen.
pub(crate) fn one(visit: &Visit) -> Reply {
    let (viewer, desk) = (visit.viewer(), visit.desk());
    let name = ReceiptNo::new(visit.params.get("receipt"));
    let (report, version) = match desk.report_for(&viewer, &name) {
        Ok(Some(found)) => found,
        Ok(None) => return Reply::not_found(visit),
        Err(error) => return guard::inside(visit, &error),
    };
    let alike = desk.reports_like(&viewer, &report);
    let cases = match desk.incidents_like(&viewer, &report, &alike) {
        Ok(cases) => cases,
        Err(error) => return guard::inside(visit, &error),
    };
    let cases: Vec<Value> = cases.iter().map(alike_incident).collect();
    let alike: Vec<Value> = alike.iter().map(alike_report).collect();
    let known = |id: &IncidentId| visit.incident(id).is_some();
    let original = |of: &ReceiptNo| matches!(desk.report_for(&viewer, of), Ok(Some(_)));
    let (incident, of) = match &report.state {
        ReportState::Joined { incident } => (Some(incident).filter(|id| known(id)), None),
        ReportState::Duplicate { of } => (None, Some(of).filter(|of| original(of))),
        ReportState::Received | ReportState::Rejected | ReportState::Closed => (None, None),
    };
    Reply::json(&json!({
        "report": report.receipt, "version": version, "received_at": report.received_at,
        "what": report.what, "when": report.when, "when_text": report.when_text,
        "where": report.where_seen, "risk": report.risk, "contact": report.contact,
        "concerns": report.concerns, "anonymous": report.anonymous, "via": report.via,
        "paged": report.paged, "state": report.state.code(), "incident": incident, "duplicate_of": of,
        "files": report.files, "messages": report.talk, "decided": report.decided,
        "alike": alike, "incidents": cases,
    }))
}

pub(super) fn alike_incident(alike: &AlikeIncident) -> Value {
    json!({ "incident": alike.head.id, "closed": alike.head.closed(), "points": alike.points })
}

fn alike_report(alike: &AlikeReport) -> Value {
    json!({ "report": alike.report.receipt, "points": alike.likeness.points })
}

/// Shapes of triage, beside those of `schemas`.
pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let things = json!({ "type": "array", "items": { "type": "object" } });
    let decisions = ["open", "join", "reject", "duplicate", "reopen", "ask"];
    json!({
        "AdditionBody": {
            "type": "object", "required": ["text"],
            "properties": {
                "text": { "type": "string", "minLength": 1, "pattern": "\\S" },
                "request": { "type": ["string", "null"] },
            },
        },
        "DecisionBody": {
            "type": "object", "required": ["decision"], "additionalProperties": false,
            "properties": {
                "reason": { "type": ["string", "null"], "maxLength": 1000 },
                "seen": { "type": ["integer", "null"], "minimum": 0 },
                "decision": {
                    "type": "object", "required": ["decision"],
                    "properties": { "decision": { "enum": decisions }, "incident": text, "of": text, "text": text },
                },
            },
        },
        "Decided": {
            "type": "object", "required": ["report", "state"],
            "properties": {
                "report": text, "state": text, "version": { "type": ["integer", "null"] },
                "incident": { "type": ["string", "null"] },
            },
        },
        "TriageReport": {
            "type": "object", "required": ["report", "version", "received_at", "what", "state", "messages", "decided"],
            "properties": {
                "report": text, "version": whole, "received_at": { "type": "string", "format": "date-time" },
                "what": text, "when_text": text, "where": text, "risk": { "type": ["string", "null"] },
                "contact": text, "concerns": text, "anonymous": { "type": "boolean" }, "paged": whole,
                "state": text, "incident": { "type": ["string", "null"] },
                "duplicate_of": { "type": ["string", "null"] },
                "files": things, "messages": things, "decided": things, "alike": things, "incidents": things,
            },
        },
        "TriagePage": {
            "type": "object", "required": ["items", "count", "next"],
            "properties": {
                "items": { "type": "array", "items": { "type": "object" } },
                "count": whole, "next": { "type": ["string", "null"] },
            },
        },
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    decision: ReportDecision,
    /// The version of the report that the caller saw.
    #[serde(default)]
    seen: Option<u64>,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read by the guard; named so that it is not unknown"
    )]
    reason: Option<String>,
}

/// `POST /api/v1/reports/{receipt}/decisions`.
pub(crate) fn decide(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let asked: DecisionBody = guard::body(visit)?;
        let name = ReceiptNo::new(visit.params.get("receipt"));
        let desk = visit.desk();
        let incident = desk
            .decide_report(change.op.clone(), &name, asked.decision, asked.seen)
            .map_err(|error| perform::refused_by_desk(visit, &error))?;
        let stands = desk.report_for(&visit.viewer(), &name);
        let stands = stands.map_err(|error| guard::inside(visit, &error))?;
        let (state, version) = match &stands {
            Some((report, version)) => (report.state.code(), Some(*version)),
            None => ("joined", None),
        };
        Ok(Done {
            status: StatusCode::OK,
            body: json!({ "report": name, "state": state, "version": version, "incident": incident }),
            version: None,
        })
    })
}
