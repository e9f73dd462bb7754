//! Merging and splitting incidents for programs.
//!
//! Deliberately not here: what may be merged or split (rooms `incident` and `desk`).

use super::act::unchanged;
use super::guard;
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::StatusCode;
use desk::joining::Split;
use model::{FindingId, IncidentId, ReceiptNo};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeBody {
    into: IncidentId,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read by the guard; named so that it is not unknown"
    )]
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitBody {
    #[serde(default)]
    reports: Vec<ReceiptNo>,
    #[serde(default)]
    findings: Vec<FindingId>,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read by the guard; named so that it is not unknown"
    )]
    reason: Option<String>,
}

/// `GET /api/v1/incidents/{id}/similar`: what may be one case with it.
pub(crate) fn similar(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    match (visit.desk()).incidents_similar(&visit.viewer(), &incident) {
        Ok(found) => {
            let items: Vec<Value> = found.iter().map(super::triage::alike_incident).collect();
            Reply::json(&json!({ "items": items }))
        }
        Err(error) => guard::inside(visit, &error),
    }
}

/// `POST /api/v1/incidents/{id}/merge`: it closes, and what goes on goes on in the other one.
pub(crate) fn merge(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let incident = perform::incident(visit).ok_or_else(|| Reply::not_found(visit))?;
        unchanged(visit, &incident)?;
        let asked: MergeBody = guard::body(visit)?;
        (visit.desk())
            .merge_incidents(change.op.clone(), &incident.id, &asked.into)
            .map_err(|error| perform::failed(visit, &incident, &error))?;
        Ok(guard::stands(visit, StatusCode::OK, &asked.into))
    })
}

/// `POST /api/v1/incidents/{id}/split`: what is named becomes an incident of its own.
pub(crate) fn split(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let incident = perform::incident(visit).ok_or_else(|| Reply::not_found(visit))?;
        unchanged(visit, &incident)?;
        let asked: SplitBody = guard::body(visit)?;
        let split = Split {
            reports: asked.reports,
            findings: asked.findings,
        };
        let made = (visit.desk())
            .split_incident(change.op.clone(), &incident.id, &split)
            .map_err(|error| perform::failed(visit, &incident, &error))?;
        Ok(guard::stands(visit, StatusCode::CREATED, &made))
    })
}

pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let some = json!({ "type": "array", "items": text, "maxItems": 1000 });
    let reason = json!({ "type": ["string", "null"], "maxLength": 1000 });
    json!({
        "MergeBody": {
            "type": "object", "required": ["into"], "additionalProperties": false,
            "properties": { "into": text, "reason": reason },
        },
        "SplitBody": {
            "type": "object", "additionalProperties": false,
            "properties": { "reports": some, "findings": some, "reason": reason },
        },
    })
}
