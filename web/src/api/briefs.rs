//! Briefs to the management as they went out, for programs.
//!
//! Deliberately not here: what stands in a brief (room `incident`).

use super::cursor::{self, Asked};
use super::schemas::page_of;
use crate::pages::brief::sent_brief;
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use serde_json::{Value, json};

/// Numbers and times, the oldest first; those from before briefs were kept cannot be read.
pub(crate) fn list(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let asked = match Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let after: usize = match asked.after.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return cursor::bad(visit, "cursor"),
    };
    let behind = incident.briefs.iter().enumerate().skip(after);
    let items: Vec<Value> = (behind.take(asked.limit))
        .map(|(place, at)| json!({ "number": place + 1, "at": at }))
        .collect();
    let last = after.saturating_add(items.len());
    let more = last < incident.briefs.len();
    let last = last.to_string();
    cursor::page(visit, items, more.then_some(last.as_str()))
}

pub(crate) fn one(visit: &Visit) -> Reply {
    let incident = perform::incident(visit);
    let Some(sent) = incident.and_then(|i| sent_brief(visit, &i)) else {
        return Reply::not_found(visit);
    };
    Reply::json(&json!({
        "number": sent.number,
        "at": sent.at,
        "by": sent.by,
        "brief": sent.brief,
        "text": sent.text,
        "sha256": sent.digest,
        "holds": sent.holds(),
    }))
}

pub(super) fn schemas() -> Value {
    let whole = json!({ "type": "integer", "minimum": 1 });
    let time = json!({ "type": "string", "format": "date-time" });
    json!({
        "BriefPage": page_of("BriefLine"),
        "BriefLine": {
            "type": "object", "required": ["number", "at"],
            "properties": { "number": whole, "at": time },
        },
        "SentBrief": {
            "type": "object", "required": ["number", "at", "by", "brief", "text", "sha256", "holds"],
            "properties": {
                "number": whole, "at": time, "by": { "type": "object" },
                "brief": { "type": "object" },
                "text": { "type": "string" },
                "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                "holds": { "type": "boolean" },
            },
        },
    })
}
