//! Investigations for programs: the answer, and taking it into custody.
//!
//! Deliberately not here: finding the answer (the desk's `investigate`).

use super::act::unchanged;
use super::guard;
use super::incidents::line;
use crate::pages::investigation::{Asked, FAILED, NoAnswer, answered, keep_answer};
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::StatusCode;
use model::{FindingId, SourceName};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeepBody {
    question: Asked,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read by the guard; named so that it is not unknown"
    )]
    reason: Option<String>,
}

pub(crate) fn answer(visit: &Visit) -> Reply {
    let asked = Asked::of(|name| visit.query.get(name).to_owned());
    match answered(visit, &asked) {
        None => super::cursor::bad(visit, "about"),
        Some(Ok(report)) => Reply::json(&json!(report)),
        Some(Err(NoAnswer::Said(why))) => {
            Reply::problem(StatusCode::NOT_FOUND, "unanswered", &why, json!({}))
        }
        Some(Err(NoAnswer::Inside(error))) => perform::unreadable(visit, &error, FAILED),
    }
}

pub(crate) fn keep(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let incident = perform::incident(visit).ok_or_else(|| Reply::not_found(visit))?;
        unchanged(visit, &incident)?;
        let body: KeepBody = guard::body(visit)?;
        let question = match body.question.question() {
            Some(Ok(question)) => question,
            Some(Err(key)) => {
                return Err(guard::invalid(visit, "question", &visit.words().text(key)));
            }
            None => return Err(guard::invalid(visit, "question", "nothing is asked")),
        };
        keep_answer(visit, &question, &incident.id, change.op.clone())
            .map_err(|error| perform::failed(visit, &incident, &error))?;
        Ok(guard::stands(visit, StatusCode::OK, &incident.id))
    })
}

/// Rows that changed while nobody looked, without values.
pub(crate) fn unwitnessed(visit: &Visit) -> Reply {
    let name = SourceName::new(visit.params.get("source"));
    let known = visit.desk().sources_for(&visit.viewer());
    if !known.iter().any(|s| s.name == name.as_str()) {
        return Reply::not_found(visit);
    }
    let asked = match super::cursor::Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let after = asked.after.map(FindingId);
    let found = visit.desk().unwitnessed_for(&visit.viewer(), &name, after);
    let items: Vec<Value> = found.findings.iter().map(line).collect();
    let next = found.next.map(|id| id.to_string());
    super::cursor::page(visit, items, next.as_deref())
}

pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string", "maxLength": 400 });
    let question = json!({
        "type": "object", "required": ["about"], "additionalProperties": false,
        "properties": {
            "about": { "enum": ["finding", "row", "person", "window"] },
            "source": text, "id": text, "table": text, "key": text, "from": text, "until": text,
        },
    });
    json!({
        "Investigation": { "type": "object" },
        "KeepBody": {
            "type": "object", "required": ["question"], "additionalProperties": false,
            "properties": {
                "question": question,
                "reason": { "type": ["string", "null"], "maxLength": 1000 },
            },
        },
    })
}
