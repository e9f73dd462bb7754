//! The outbox: everything that went out or is to go out, with its state.

use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::OutboxItem;

const MAX_ITEMS: u32 = 200;

#[derive(Template)]
#[template(path = "outbox.html")]
struct OutboxPage<'a> {
    v: View<'a>,
    items: Vec<OutboxItem>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let items = visit.desk().outbox_for(&visit.viewer(), MAX_ITEMS);
    Reply::page(&OutboxPage {
        v: View::titled(visit, Section::Outbox, "nav-outbox"),
        items,
    })
}

pub(crate) fn mark(state: &str) -> &'static str {
    match state {
        "sent" | "delivered" => "ok",
        "failed" => "bad",
        _ => "info",
    }
}
