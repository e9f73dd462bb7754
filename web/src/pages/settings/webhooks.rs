//! Subscriptions of other programs: list, one with its log, and what a person does to it.
//!
//! Deliberately not here: what is sent and to whom (the desk's `webhooks`), and the secret, which
//! is shown once when it is made.

use super::{failed, once, only};
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::DeskError;
use desk::webhooks::{
    DeliveryState, DeliveryView, EventKind, NewWebhook, WebhookChange, WebhookRefusal, WebhookView,
};
use plan::Act;
use std::collections::BTreeSet;

const HERE: &str = "/settings/webhooks";
/// Deliveries on one page.
const SHOWN: usize = 50;
/// Hours for which an old secret stays good, as the form offers them.
const OVERLAPS_H: [u32; 4] = [0, 24, 72, 168];

/// A kind of event, ticked or not.
struct KindLine {
    code: &'static str,
    key: String,
    on: bool,
}

#[derive(Template)]
#[template(path = "settings_webhooks.html")]
struct ListPage<'a> {
    v: View<'a>,
    tab: &'static str,
    hooks: Vec<WebhookView>,
    kinds: Vec<KindLine>,
    may_detail: bool,
}

struct DeliveryLine {
    d: DeliveryView,
    kind: String,
    mark: &'static str,
}

#[derive(Template)]
#[template(path = "settings_webhook.html")]
struct OnePage<'a> {
    v: View<'a>,
    tab: &'static str,
    h: WebhookView,
    kinds: Vec<KindLine>,
    may_detail: bool,
    overlaps: [u32; 4],
    deliveries: Vec<DeliveryLine>,
}

/// Codes have a dot, keys of the catalogue must not.
fn key(kind: EventKind) -> String {
    kind.code().replace(['.', '_'], "-")
}

fn kinds(on: &BTreeSet<EventKind>) -> Vec<KindLine> {
    let line = |kind: EventKind| KindLine {
        code: kind.code(),
        key: key(kind),
        on: on.contains(&kind),
    };
    EventKind::ALL.into_iter().map(line).collect()
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let usual = [EventKind::Opened, EventKind::Graded, EventKind::Closed];
    Reply::page(&ListPage {
        v: View::titled(visit, Section::Settings, "settings-tab-webhooks"),
        tab: "webhooks",
        hooks: visit.desk().webhooks(),
        kinds: kinds(&usual.into_iter().collect()),
        may_detail: visit.may(Act::RestrictAccess),
    })
}

pub(crate) fn one(visit: &Visit) -> Reply {
    let id = visit.params.get("webhook");
    let Some(h) = visit.desk().webhook(id) else {
        return Reply::not_found(visit);
    };
    let line = |d: DeliveryView| DeliveryLine {
        kind: key(d.kind),
        mark: match d.state {
            DeliveryState::Delivered => "ok",
            DeliveryState::Waiting if d.tries.is_empty() => "info",
            DeliveryState::Waiting => "warn",
            DeliveryState::Failed => "bad",
            DeliveryState::Withheld => "off",
        },
        d,
    };
    let found = (visit.desk()).webhook_deliveries(&visit.viewer(), id, SHOWN);
    let deliveries = match found {
        Ok(found) => found.into_iter().map(line).collect(),
        Err(error) => return failed(visit, &error, HERE),
    };
    Reply::page(&OnePage {
        v: View::new(visit, Section::Settings, h.name.clone()),
        tab: "webhooks",
        kinds: kinds(&h.kinds),
        may_detail: visit.may(Act::RestrictAccess),
        overlaps: OVERLAPS_H,
        deliveries,
        h,
    })
}

pub(crate) fn make(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["name", "url", "kind", "details"]) {
        return reply;
    }
    let made = chosen(visit).and_then(|kinds| {
        let asked = NewWebhook {
            name: visit.form.get("name").to_owned(),
            url: visit.form.get("url").to_owned(),
            kinds,
            details: visit.form.get("details") == "yes",
        };
        visit.desk().new_webhook(&visit.operation(), &asked)
    });
    match made {
        Ok((_, secret)) => once(visit, "webhooks", "webhooks-secret", vec![secret], HERE),
        Err(error) => failed(visit, &error, HERE),
    }
}

pub(crate) fn change(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["seen", "name", "url", "kind", "details"]) {
        return reply;
    }
    let change = chosen(visit).map(|kinds| WebhookChange {
        name: Some(visit.form.get("name").to_owned()),
        // Nobody types a URL anew that should stay as it is.
        url: visit.form.given("url").map(str::to_owned),
        kinds: Some(kinds),
        details: Some(visit.form.get("details") == "yes"),
        enabled: None,
    });
    settled(visit, change, "webhooks-changed")
}

pub(crate) fn switch(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["seen", "on"]) {
        return reply;
    }
    let change = WebhookChange {
        enabled: Some(visit.form.get("on") == "yes"),
        ..WebhookChange::default()
    };
    settled(visit, Ok(change), "webhooks-switched")
}

fn settled(visit: &Visit, change: Result<WebhookChange, DeskError>, done: &str) -> Reply {
    let (id, op) = (visit.params.get("webhook"), visit.operation());
    let changed = change.and_then(|change| {
        let seen = seen(visit)?;
        visit.desk().change_webhook(&op, id, seen, &change)
    });
    match changed {
        Ok(_) => Reply::see(&format!("{HERE}/{id}?done={done}")),
        Err(error) => failed(visit, &error, &format!("{HERE}/{id}")),
    }
}

pub(crate) fn rotate(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["seen", "hours"]) {
        return reply;
    }
    let (id, op) = (visit.params.get("webhook"), visit.operation());
    let hours = visit.form.get("hours").parse().unwrap_or(u32::MAX);
    let turned = seen(visit).and_then(|seen| visit.desk().rotate_webhook(&op, id, seen, hours));
    match turned {
        Ok((_, secret)) => once(visit, "webhooks", "webhooks-secret", vec![secret], HERE),
        Err(error) => failed(visit, &error, &format!("{HERE}/{id}")),
    }
}

pub(crate) fn delete(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["seen"]) {
        return reply;
    }
    let (id, op) = (visit.params.get("webhook"), visit.operation());
    let gone = seen(visit).and_then(|seen| visit.desk().delete_webhook(&op, id, seen));
    match gone {
        Ok(()) => Reply::see(&format!("{HERE}?done=webhooks-deleted")),
        Err(error) => failed(visit, &error, &format!("{HERE}/{id}")),
    }
}

pub(crate) fn test(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    let id = visit.params.get("webhook");
    match visit.desk().test_webhook(&visit.operation(), id) {
        Ok(_) => Reply::see(&format!("{HERE}/{id}?done=webhooks-tested")),
        Err(error) => failed(visit, &error, &format!("{HERE}/{id}")),
    }
}

pub(crate) fn resend(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    let (id, delivery) = (visit.params.get("webhook"), visit.params.get("delivery"));
    let (op, viewer) = (visit.operation(), visit.viewer());
    match visit.desk().resend_webhook(&op, &viewer, id, delivery) {
        Ok(()) => Reply::see(&format!("{HERE}/{id}?done=webhooks-resent")),
        Err(error) => failed(visit, &error, &format!("{HERE}/{id}")),
    }
}

/// What a refusal is to a browser or a program.
pub(crate) fn status(refusal: WebhookRefusal) -> StatusCode {
    use WebhookRefusal as R;
    match refusal {
        R::NotAllowed | R::Details => StatusCode::FORBIDDEN,
        R::Full | R::Changed | R::Off | R::Waiting | R::Withheld => StatusCode::CONFLICT,
        R::Tests => StatusCode::TOO_MANY_REQUESTS,
        R::Name | R::Kinds | R::Url | R::Plain | R::Inward | R::NoHost | R::Overlap => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

fn chosen(visit: &Visit) -> Result<BTreeSet<EventKind>, DeskError> {
    let kinds: Option<BTreeSet<_>> = visit.form.all("kind").map(EventKind::parse).collect();
    kinds.ok_or_else(|| WebhookRefusal::Kinds.into())
}

/// The version that the form was made from.
fn seen(visit: &Visit) -> Result<Option<u64>, DeskError> {
    let seen = visit.form.get("seen").parse();
    seen.map(Some).map_err(|_| WebhookRefusal::Changed.into())
}
