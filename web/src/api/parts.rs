//! The parts of an incident that its pages show one by one, its guests, and the plan, for programs.
//!
//! Deliberately not here: what changes them (commands and acts).

use super::act::unchanged;
use super::cursor;
use super::guard;
use crate::pages::settings::people::link;
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use desk::guests::GuestInvitation;
use incident::Incident;
use incident::resource::GuestPage;
use model::{AccountId, Instant, ProposalId, SourceName};
use plan::Act;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuestBody {
    account: AccountId,
    name: String,
    /// The granted request that brought the expert.
    request: String,
    pages: Vec<GuestPage>,
    #[serde(default)]
    may_act: bool,
    until: Instant,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read by the guard; named so that it is not unknown"
    )]
    reason: Option<String>,
}

fn part(visit: &Visit, of: impl FnOnce(&Incident) -> Value) -> Reply {
    match perform::incident(visit) {
        Some(incident) => Reply::json(&json!({ "items": of(&incident) }))
            .with_header(header::ETAG, &guard::etag(incident.next_sequence)),
        None => Reply::not_found(visit),
    }
}

pub(crate) fn notes(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let asked = match cursor::Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    // Numbers begin at 1 and go up, the oldest first.
    let after: u32 = match asked.after.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return cursor::bad(visit, "cursor"),
    };
    let mut behind = incident.room.notes.iter().filter(|n| n.number > after);
    let notes: Vec<_> = behind.by_ref().take(asked.limit).collect();
    let last = notes.last().filter(|_| behind.next().is_some());
    let last = last.map(|note| note.number.to_string());
    let items = notes.iter().map(|note| json!(note)).collect();
    cursor::page(visit, items, last.as_deref())
        .with_header(header::ETAG, &guard::etag(incident.next_sequence))
}

pub(crate) fn handovers(visit: &Visit) -> Reply {
    part(visit, |i| json!(i.handovers))
}

pub(crate) fn resources(visit: &Visit) -> Reply {
    part(visit, |i| json!(i.resources.requests))
}

pub(crate) fn guests(visit: &Visit) -> Reply {
    part(visit, |i| json!(i.resources.guests))
}

pub(crate) fn notices(visit: &Visit) -> Reply {
    part(visit, |i| json!(i.notices))
}

pub(crate) fn filings(visit: &Visit) -> Reply {
    part(visit, |i| json!(i.filings))
}

pub(crate) fn decisions(visit: &Visit) -> Reply {
    part(visit, |i| json!(i.decisions))
}

pub(crate) fn lessons(visit: &Visit) -> Reply {
    part(visit, |i| json!(i.lessons))
}

pub(crate) fn evidence(visit: &Visit) -> Reply {
    part(visit, |i| json!(i.evidence))
}

pub(crate) fn access(visit: &Visit) -> Reply {
    match perform::incident(visit) {
        Some(incident) => Reply::json(&json!(incident.access))
            .with_header(header::ETAG, &guard::etag(incident.next_sequence)),
        None => Reply::not_found(visit),
    }
}

/// The steps of a repair; values only for who reads evidence.
pub(crate) fn repair(visit: &Visit) -> Reply {
    let id = ProposalId::new(visit.params.get("proposal"));
    let incident = perform::incident(visit);
    let Some(repair) =
        (incident.as_deref()).and_then(|i| i.repairs.iter().find(|r| r.proposal == id))
    else {
        return Reply::not_found(visit);
    };
    let Some(view) = visit.desk().proposal(&id) else {
        return Reply::not_found(visit);
    };
    let asked = match cursor::Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    // A proposal does not change: a step is named by its place.
    let skip: usize = match asked.after.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(skip)) => skip,
        Some(Err(_)) => return cursor::bad(visit, "cursor"),
    };
    let all = &view.proposal.steps;
    let upto = skip.saturating_add(asked.limit);
    let next = (upto < all.len()).then(|| upto.to_string());
    let steps = all.iter().skip(skip).take(asked.limit);
    let in_full = visit.may(Act::ReadEvidence);
    let steps: Vec<Value> = steps
        .map(|step| match in_full {
            true => json!(step),
            false => json!({ "table": step.table, "key": step.key }),
        })
        .collect();
    let body = json!({
        "proposal": repair.proposal,
        "digest": view.digest,
        "state": repair.state,
        "counts": repair.counts,
        "ledger_size": view.proposal.ledger_size,
        "all": all.len(),
        "steps": steps,
        "left_out": view.left_out,
    });
    cursor::page_with(visit, body, next.as_deref())
}

/// Makes the guest's account; the link stands in the first answer alone.
pub(crate) fn invite_guest(visit: &Visit) -> Reply {
    guard::once_shown(visit, |change| {
        guard::by_person(visit)?;
        let incident = perform::incident(visit).ok_or_else(|| Reply::not_found(visit))?;
        unchanged(visit, &incident)?;
        let body: GuestBody = guard::body(visit)?;
        let asked = GuestInvitation {
            account: body.account,
            name: body.name,
            request: body.request,
            pages: body.pages,
            may_act: body.may_act,
            until: body.until,
        };
        let invited = (visit.desk()).invite_guest(change.op.clone(), &incident.id, asked);
        let token = invited.map_err(|error| perform::failed(visit, &incident, &error))?;
        let done = guard::stands(visit, StatusCode::CREATED, &incident.id);
        Ok((done, ("link", json!(link(visit, &token)))))
    })
}

/// The plan in force.
pub(crate) fn plan(visit: &Visit) -> Reply {
    Reply::json(&json!(*visit.plan))
}

fn source(visit: &Visit) -> SourceName {
    SourceName::new(visit.params.get("source"))
}

pub(crate) fn windows(visit: &Visit) -> Reply {
    let name = source(visit);
    let known = visit.desk().sources_for(&visit.viewer());
    if !known.iter().any(|s| s.name == name.as_str()) {
        return Reply::not_found(visit);
    }
    let asked = match cursor::Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let all = match visit.desk().windows(Some(&name)) {
        Ok(all) => all,
        Err(error) => return guard::inside(visit, &error),
    };
    let behind = cursor::behind(&all, asked.after.as_deref(), |w| w.id.as_str());
    let shown = &behind[..behind.len().min(asked.limit)];
    let last = (shown.last()).filter(|_| shown.len() < behind.len());
    let items = shown.iter().map(|window| json!(window)).collect();
    cursor::page(visit, items, last.map(|window| window.id.as_str()))
}

pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let things = json!({ "type": "array", "items": { "type": "object" } });
    let pages: Vec<Value> = GuestPage::ALL.iter().map(|page| json!(page)).collect();
    json!({
        "NotePage": super::schemas::page_of("Note"),
        "Note": { "type": "object", "required": ["number", "text"], "properties": {
            "number": whole, "text": text,
        } },
        "WindowPage": super::schemas::page_of("Window"),
        "Window": { "type": "object", "required": ["id", "ticket", "tables", "until"], "properties": {
            "id": text, "ticket": text, "tables": texts, "until": { "type": "string", "format": "date-time" },
        } },
        "Part": { "type": "object", "required": ["items"], "properties": { "items": things } },
        "Access": { "type": "object", "properties": {
            "positions": texts, "admitted": texts, "suspects": texts,
        } },
        "Repair": { "type": "object", "required": ["proposal", "digest", "state", "steps"], "properties": {
            "proposal": text, "digest": text, "counts": { "type": "object" },
            "ledger_size": whole, "all": whole, "steps": things, "left_out": texts,
            "next": { "type": ["string", "null"] },
        } },
        "GuestBody": {
            "type": "object", "additionalProperties": false,
            "required": ["account", "name", "request", "pages", "until"],
            "properties": {
                "account": { "type": "string", "minLength": 1, "maxLength": 64 },
                "name": { "type": "string", "minLength": 1, "maxLength": 120 },
                "request": text, "pages": { "type": "array", "items": { "enum": pages } },
                "may_act": { "type": "boolean" },
                "until": { "type": "string", "format": "date-time" },
                "reason": { "type": ["string", "null"], "maxLength": 1000 },
            },
        },
        "GuestInvited": { "type": "object", "required": ["id"], "properties": {
            "id": text, "version": { "type": ["integer", "null"] },
            "link": { "type": ["string", "null"] },
        } },
        "Plan": { "type": "object" },
    })
}
