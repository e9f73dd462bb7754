//! Channels for programs: how each fares, a test message to oneself, a switch; and what went out.
//!
//! Deliberately not here: their settings, which stand in the operator's file.

use super::cursor;
use super::guard::{self, Bare, Done};
use super::schemas::{list_of, page_of};
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::StatusCode;
use desk::channels::ChannelView;
use model::OutboxId;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchBody {
    on: bool,
}

pub(crate) fn list(visit: &Visit) -> Reply {
    let items: Vec<Value> = visit.desk().channel_views().iter().map(shown).collect();
    Reply::json(&json!({ "items": items }))
}

fn shown(c: &ChannelView) -> Value {
    json!({
        "name": c.name,
        "kind": c.kind,
        "personal": c.personal,
        "host": c.host,
        "messages": c.limit.messages,
        "per_s": c.limit.per_s,
        "on": !c.off,
        "state": c.state(),
        "taken": c.taken,
        "failed": c.failed,
        "last_taken": c.last_taken,
        "last_failed": c.last_failed.as_ref().map(|(at, _)| at),
    })
}

/// What the provider says of the message is the answer, not a failure of the request.
pub(crate) fn test(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let Bare { .. } = guard::body(visit)?;
        let who = change.op.actor.account();
        let who = who.ok_or_else(|| Reply::not_found(visit))?;
        let name = visit.params.get("channel");
        let tested = visit.desk().test_channel(&change.op, who, name);
        let outcome = tested.map_err(|error| guard::refused(visit, &error))?;
        Ok(Done {
            body: json!({ "id": name, "outcome": outcome.code(), "why": outcome.why() }),
            ..guard::named(StatusCode::OK, name)
        })
    })
}

pub(crate) fn switch(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let body: SwitchBody = guard::body(visit)?;
        let name = visit.params.get("channel");
        let switched = visit.desk().switch_channel(&change.op, name, body.on);
        switched.map_err(|error| guard::refused(visit, &error))?;
        Ok(guard::named(StatusCode::OK, name))
    })
}

/// What went out or is to go out, the newest first.
pub(crate) fn outbox(visit: &Visit) -> Reply {
    let asked = match cursor::Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let after = asked.after.map(OutboxId::new);
    let limit = u32::try_from(asked.limit).unwrap_or(u32::MAX);
    let found = (visit.desk()).outbox_for(&visit.viewer(), after.as_ref(), limit);
    let found = match found {
        Ok(found) => found,
        Err(error) => return guard::inside(visit, &error),
    };
    let items = found.items.iter().map(|item| json!(item)).collect();
    cursor::page(visit, items, found.next.as_ref().map(OutboxId::as_str))
}

pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let yes_no = json!({ "type": "boolean" });
    let time = json!({ "type": "string", "format": "date-time" });
    let later = json!({ "type": ["string", "null"], "format": "date-time" });
    json!({
        "Channel": { "type": "object", "required": ["name", "kind", "on", "state"], "properties": {
            "name": text, "kind": text, "personal": yes_no, "host": text, "messages": whole,
            "per_s": whole, "on": yes_no,
            "state": { "enum": ["off", "new", "ok", "failing", "broken"] },
            "taken": whole, "failed": whole, "last_taken": later, "last_failed": later,
        } },
        "Channels": list_of("Channel"),
        "SwitchBody": {
            "type": "object", "required": ["on"], "additionalProperties": false,
            "properties": { "on": yes_no },
        },
        "ChannelTested": { "type": "object", "required": ["id", "outcome"], "properties": {
            "id": text, "outcome": { "enum": ["taken", "again", "never", "broken"] }, "why": text,
        } },
        "OutboxItem": {
            "type": "object", "required": ["id", "channel", "kind", "state", "created_at"],
            "properties": {
                "id": text, "channel": text, "kind": text, "state": text, "attempts": whole,
                "created_at": time, "due_at": time, "sent_at": later,
            },
        },
        "Outbox": page_of("OutboxItem"),
    })
}
