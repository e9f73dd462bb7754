//! What programs read of the session, the sources and an incident.

use crate::reply::Reply;
use crate::visit::Visit;
use incident::{Incident, IncidentHead};
use model::IncidentId;
use serde_json::{Value, json};

pub(crate) fn health(_: &Visit) -> Reply {
    Reply::json(&json!({ "status": "ok" }))
}

pub(crate) fn session(visit: &Visit) -> Reply {
    let session = visit.session.as_ref();
    Reply::json(&json!({
        "account": session.map(|s| &s.account),
        "name": session.map(|s| &s.name),
        "positions": session.map(|s| &s.positions),
        "csrf": session.map(|s| &s.csrf),
    }))
}

pub(crate) fn sources(visit: &Visit) -> Reply {
    answer(
        visit,
        serde_json::to_value(visit.desk().sources_for(&visit.viewer()))
            .map(|sources| json!({ "items": sources })),
    )
}

pub(super) fn head(i: &IncidentHead) -> Value {
    json!({
        "id": i.id,
        "code_name": i.code_name,
        "exercise": i.exercise,
        "opened_at": i.opened_at,
        "closed": i.closed(),
        "step": i.step,
        "grade": i.grade.number(),
        "level": i.level,
        "grade_to_confirm": i.grade_to_confirm,
        "findings": i.findings,
        "rows": i.rows,
        "rows_open": i.rows_open,
    })
}

/// The incident as it stands, without row keys and data subjects, which the findings page shows by rights.
pub(super) fn incident(visit: &Visit, incident: &Incident) -> Reply {
    let mut body = head(&IncidentHead::of(incident, incident.opened_at));
    let parts = json!({
        "steps": incident.steps,
        "calls": incident.calls,
        "orders": incident.orders,
        "tasks": incident.tasks,
        "holds": incident.holds.iter().map(|h| json!({ "id": h.id, "state": h.state, "until": h.until })).collect::<Vec<_>>(),
        "repairs": incident.repairs.iter().map(|r| json!({
            "proposal": r.proposal, "digest": r.digest, "state": r.state, "counts": r.counts,
        })).collect::<Vec<_>>(),
        "audits": incident.audits,
        "evidence": incident.evidence.iter().map(|e| json!({ "id": e.id, "name": e.item.name, "sha256": e.item.sha256 })).collect::<Vec<_>>(),
        "notices": incident.notices.iter().map(|n| json!({ "id": n.id, "kind": n.kind, "state": n.state })).collect::<Vec<_>>(),
        "objective": incident.room.objective().map(|o| &o.text),
        "joining": joining(visit, incident),
        "version": incident.next_sequence,
    });
    if let (Some(body), Value::Object(parts)) = (body.as_object_mut(), parts) {
        body.extend(parts);
    }
    Reply::json(&body)
}

/// The incidents with which it hangs together, as far as the reader may know of them.
fn joining(visit: &Visit, incident: &Incident) -> Value {
    let known = |id: &&IncidentId| visit.incident(id).is_some();
    let joining = &incident.joining;
    let absorbed: Vec<_> = (joining.absorbed.iter().map(|c| &c.incident))
        .filter(known)
        .collect();
    let split: Vec<_> = joining.split_into.iter().filter(known).collect();
    json!({
        "merged_into": joining.merged_into.as_ref().filter(known),
        "absorbed": absorbed,
        "split_into": split,
        "split_from": joining.split_from.as_ref().filter(known),
    })
}

fn answer(visit: &Visit, value: serde_json::Result<Value>) -> Reply {
    match value {
        Ok(value) => Reply::json(&value),
        Err(error) => {
            tracing::error!(%error, "an answer does not serialise");
            Reply::refuse(
                visit,
                axum::http::StatusCode::INTERNAL_SERVER_ERROR,
                "inside",
            )
        }
    }
}
