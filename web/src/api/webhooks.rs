//! Subscriptions of other programs, for programs: the same as the page under the settings.
//!
//! Deliberately not here: what is sent and to whom (the desk's `webhooks`).

use super::guard::{self, Done};
use super::schemas::list_of;
use crate::narrate;
use crate::pages::settings::webhooks::status;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use desk::DeskError;
use desk::webhooks::{EventKind, NewWebhook, WebhookChange, WebhookRefusal, WebhookView};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Deliveries of one answer; no more are kept for long.
const SHOWN: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBody {
    name: String,
    url: String,
    kinds: Vec<String>,
    #[serde(default)]
    details: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    name: Option<String>,
    url: Option<String>,
    kinds: Option<Vec<String>>,
    details: Option<bool>,
    enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretBody {
    overlap_h: u32,
}

pub(crate) fn list(visit: &Visit) -> Reply {
    let items: Vec<Value> = visit.desk().webhooks().iter().map(shown).collect();
    Reply::json(&json!({ "items": items }))
}

pub(crate) fn one(visit: &Visit) -> Reply {
    match visit.desk().webhook(visit.params.get("webhook")) {
        Some(hook) => {
            let reply = Reply::json(&shown(&hook));
            reply.with_header(header::ETAG, &format!("\"{}\"", hook.version))
        }
        None => Reply::not_found(visit),
    }
}

pub(crate) fn deliveries(visit: &Visit) -> Reply {
    let id = visit.params.get("webhook");
    match (visit.desk()).webhook_deliveries(&visit.viewer(), id, SHOWN) {
        Ok(items) => Reply::json(&json!({ "items": items })),
        Err(error) => failed(visit, &error),
    }
}

/// The only answers that hold the secret; what is kept for a repeated request does not.
pub(crate) fn make(visit: &Visit) -> Reply {
    guard::once_shown(visit, |change| {
        let body: NewBody = guard::body(visit)?;
        let asked = NewWebhook {
            name: body.name,
            url: body.url,
            kinds: kinds(visit, &body.kinds)?,
            details: body.details,
        };
        let made = visit.desk().new_webhook(&change.op, &asked);
        let (hook, secret) = made.map_err(|error| failed(visit, &error))?;
        Ok((done(StatusCode::CREATED, &hook), ("secret", json!(secret))))
    })
}

pub(crate) fn rotate(visit: &Visit) -> Reply {
    guard::once_shown(visit, |change| {
        let seen = guard::if_match(visit)?.map(u64::from);
        let body: SecretBody = guard::body(visit)?;
        let id = visit.params.get("webhook");
        let turned = (visit.desk()).rotate_webhook(&change.op, id, seen, body.overlap_h);
        let (hook, secret) = turned.map_err(|error| failed(visit, &error))?;
        Ok((done(StatusCode::OK, &hook), ("secret", json!(secret))))
    })
}

pub(crate) fn change(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let seen = guard::if_match(visit)?.map(u64::from);
        let body: ChangeBody = guard::body(visit)?;
        let wanted = WebhookChange {
            name: body.name,
            url: body.url,
            kinds: body.kinds.map(|list| kinds(visit, &list)).transpose()?,
            details: body.details,
            enabled: body.enabled,
        };
        let id = visit.params.get("webhook");
        let changed = visit.desk().change_webhook(&change.op, id, seen, &wanted);
        let hook = changed.map_err(|error| failed(visit, &error))?;
        Ok(done(StatusCode::OK, &hook))
    })
}

pub(crate) fn delete(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let seen = guard::if_match(visit)?.map(u64::from);
        let id = visit.params.get("webhook");
        let gone = visit.desk().delete_webhook(&change.op, id, seen);
        gone.map_err(|error| failed(visit, &error))?;
        Ok(guard::named(StatusCode::OK, id))
    })
}

pub(crate) fn test(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let id = visit.params.get("webhook");
        let sent = visit.desk().test_webhook(&change.op, id);
        Ok(guard::named(
            StatusCode::OK,
            &sent.map_err(|error| failed(visit, &error))?,
        ))
    })
}

pub(crate) fn resend(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let (id, delivery) = (visit.params.get("webhook"), visit.params.get("delivery"));
        let sent = (visit.desk()).resend_webhook(&change.op, &visit.viewer(), id, delivery);
        sent.map_err(|error| failed(visit, &error))?;
        Ok(guard::named(StatusCode::OK, delivery))
    })
}

fn shown(hook: &WebhookView) -> Value {
    json!(hook)
}

fn done(status: StatusCode, hook: &WebhookView) -> Done {
    Done {
        status,
        body: shown(hook),
        version: u32::try_from(hook.version).ok(),
    }
}

fn kinds(visit: &Visit, names: &[String]) -> Result<BTreeSet<EventKind>, Reply> {
    let kinds: Option<_> = names.iter().map(|name| EventKind::parse(name)).collect();
    kinds.ok_or_else(|| failed(visit, &WebhookRefusal::Kinds.into()))
}

fn failed(visit: &Visit, error: &DeskError) -> Reply {
    match error {
        DeskError::NotFound(_) => Reply::not_found(visit),
        // The version that `If-Match` names is no longer the one that stands.
        DeskError::Webhook(WebhookRefusal::Changed) => {
            Reply::refuse(visit, StatusCode::PRECONDITION_FAILED, "stale")
        }
        DeskError::Webhook(refusal) => {
            let title = narrate::desk_error(visit.words(), error);
            Reply::problem(status(*refusal), refusal.code(), &title, json!({}))
        }
        _ => guard::inside(visit, error),
    }
}

/// Shapes of webhooks, beside those of `schemas`.
pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let time = json!({ "type": "string", "format": "date-time" });
    let yes_no = json!({ "type": "boolean" });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let codes: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.code()).collect();
    let kinds = json!({ "type": "array", "minItems": 1, "items": { "enum": codes } });
    let name = json!({ "type": "string", "minLength": 1, "maxLength": 80 });
    let url = json!({ "type": "string", "format": "uri", "maxLength": 2048 });
    let or_null = |of: &Value| json!({ "anyOf": [of, { "type": "null" }] });
    json!({
        "Webhook": {
            "type": "object",
            "required": ["id", "version", "name", "origin", "kinds", "details", "enabled"],
            "properties": {
                "id": text, "version": whole, "name": text, "origin": text, "kinds": kinds,
                "details": yes_no, "enabled": yes_no,
                "off_why": { "enum": ["person", "gone", "failing", "behind"] }, "off_at": time,
                "created_by": text, "created_at": time, "changed_at": time, "secret_at": time,
                "old_secret_until": time, "failing_since": time, "delivered_at": time,
                // In the first answer alone.
                "secret": text,
            },
        },
        "Webhooks": list_of("Webhook"),
        "WebhookBody": {
            "type": "object", "required": ["name", "url", "kinds"], "additionalProperties": false,
            "properties": { "name": name, "url": url, "kinds": kinds, "details": yes_no },
        },
        "WebhookChangeBody": {
            "type": "object", "additionalProperties": false,
            "properties": {
                "name": or_null(&name), "url": or_null(&url), "kinds": or_null(&kinds),
                "details": { "type": ["boolean", "null"] },
                "enabled": { "type": ["boolean", "null"] },
            },
        },
        "WebhookSecretBody": {
            "type": "object", "required": ["overlap_h"], "additionalProperties": false,
            "properties": { "overlap_h": { "type": "integer", "minimum": 0, "maximum": 168 } },
        },
        "WebhookDelivery": {
            "type": "object", "required": ["id", "kind", "made_at", "state", "tries"],
            "properties": {
                "id": text, "kind": text, "incident": text, "report": text, "made_at": time,
                "state": { "enum": ["waiting", "delivered", "failed", "withheld"] },
                "due_at": time, "again_by": text, "body": text,
                "tries": { "type": "array", "items": {
                    "type": "object", "required": ["at"], "properties": {
                        "at": time, "status": { "type": ["integer", "null"] }, "why": text,
                        "said": text,
                    },
                } },
            },
        },
        "WebhookDeliveries": list_of("WebhookDelivery"),
    })
}
