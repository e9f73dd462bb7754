//! Incidents for programs: the list, one of them, its findings and its course.

use super::cursor::{self, Asked};
use super::guard;
use super::read;
use crate::narrate;
use crate::pages::incidents::asked_page;
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use desk::{DeskError, FindingFilter};
use model::{Finding, FindingId};
use serde_json::{Value, json};

/// As the page lists them: `q` searches, the rest narrows and orders.
pub(crate) fn incidents(visit: &Visit) -> Reply {
    let asked = match Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let after = asked.after.unwrap_or_default();
    match asked_page(visit, asked.limit as u32, after) {
        Ok(found) => {
            let items: Vec<Value> = found.heads.iter().map(read::head).collect();
            let body = json!({
                "items": items, "count": found.count, "count_is_least": found.more,
            });
            cursor::page_with(visit, body, found.next.as_deref())
        }
        Err(DeskError::NotFound(_)) => cursor::bad(visit, "cursor"),
        Err(error) => guard::inside(visit, &error),
    }
}

/// The incident as it stands; its version is the entity tag.
pub(crate) fn incident(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let etag = guard::etag(incident.next_sequence);
    let known = visit.header(&header::IF_NONE_MATCH);
    if known.is_some_and(|tags| tags.split(',').any(|t| t.trim() == etag || t.trim() == "*")) {
        let reply = Reply::text(StatusCode::NOT_MODIFIED, "application/json", String::new());
        return reply.with_header(header::ETAG, &etag);
    }
    read::incident(visit, &incident).with_header(header::ETAG, &etag)
}

/// Without personal values and row images, which the findings page shows by rights.
pub(crate) fn findings(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let asked = match Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let filter = FindingFilter {
        incident: Some(incident.id.clone()),
        after: asked.after.map(FindingId),
        limit: asked.limit as u32 + 1,
        ..FindingFilter::default()
    };
    let mut found = visit.desk().findings(&filter);
    let more = found.len() > asked.limit;
    found.truncate(asked.limit);
    let last = found.last().filter(|_| more).map(|f| f.id.to_string());
    let items = found.iter().map(line).collect();
    cursor::page(visit, items, last.as_deref())
}

pub(super) fn line(f: &Finding) -> Value {
    let columns: Vec<&str> = f.columns.iter().map(|c| c.name.as_str()).collect();
    json!({
        "id": f.id,
        "risk": f.risk,
        "kind": f.kind,
        "rule": f.rule,
        "source": f.source,
        "table": f.table,
        "key": f.key,
        "columns": columns,
        "log": f.log,
        "position": f.position,
        "seen_at": f.seen_at,
        "witnessed": f.witnessed,
    })
}

/// Lines in the order of recording, each with both times.
pub(crate) fn timeline(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let asked = match Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let after = match asked.after.as_deref().map(str::parse::<u32>) {
        None => None,
        Some(Ok(after)) => Some(after),
        Some(Err(_)) => return cursor::bad(visit, "cursor"),
    };
    let behind = |sequence: u32| after.is_none_or(|after| sequence > after);
    let mut lines = incident.timeline.iter().filter(|l| behind(l.sequence));
    let items: Vec<Value> = lines
        .by_ref()
        .take(asked.limit)
        .map(|l| {
            json!({
                "sequence": l.sequence,
                "at": l.at,
                "recorded_at": l.recorded_at,
                "kind": l.kind,
                "actor": l.actor,
                "reason": l.reason,
                "params": narrate::params(visit, l),
            })
        })
        .collect();
    let more = lines.next().is_some();
    let last = items
        .last()
        .filter(|_| more)
        .map(|i| i["sequence"].to_string());
    cursor::page(visit, items, last.as_deref())
}
