//! The outbox: everything that went out or is to go out, with its state.

use crate::pages::investigation::encoded;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::OutboxItem;
use model::OutboxId;

const MAX_ITEMS: u32 = 100;

#[derive(Template)]
#[template(path = "outbox.html")]
struct OutboxPage<'a> {
    v: View<'a>,
    items: Vec<OutboxItem>,
    /// These are not the newest.
    inside: bool,
    older: Option<String>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let before = visit.query.given("before").map(OutboxId::new);
    let found = (visit.desk()).outbox_for(&visit.viewer(), before.as_ref(), MAX_ITEMS);
    let found = match found {
        Ok(found) => found,
        Err(error) => return crate::perform::unreadable(visit, &error, "the outbox is not shown"),
    };
    Reply::page(&OutboxPage {
        v: View::titled(visit, Section::Outbox, "nav-outbox"),
        items: found.items,
        inside: before.is_some(),
        older: found
            .next
            .map(|id| format!("/outbox?before={}", encoded(id.as_str()))),
    })
}

pub(crate) fn mark(state: &str) -> &'static str {
    match state {
        "sent" | "delivered" => "ok",
        "failed" => "bad",
        _ => "info",
    }
}
