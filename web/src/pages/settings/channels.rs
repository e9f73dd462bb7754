//! The channels: how each fares, a test message to oneself, and a switch.
//!
//! Deliberately not here: their settings. They stand in the operator's file, and secrets in files
//! beside it, so that nobody who takes over a session can point a channel elsewhere.

use super::{failed, only};
use crate::pages::error;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::channels::{ChannelView, Outcome};
use desk::{DeskError, Told};
use plan::Act;

const HERE: &str = "/settings/channels";
/// What an operator without a channel starts from.
const EXAMPLE: &str = r#"[[channel]]
name = "mail"
kind = "mail"
host = "smtp.shop.example"
from = "Balefire <balefire@shop.example>"
user = "balefire"
password_file = "mail.password"

[[channel]]
name = "duty-robot"
kind = "dingtalk"
url_file = "duty-robot.url"
secret_file = "duty-robot.secret""#;

struct Line {
    c: ChannelView,
    mark: &'static str,
    limit: String,
    counted: String,
}

#[derive(Template)]
#[template(path = "settings_channels.html")]
struct ChannelsPage<'a> {
    v: View<'a>,
    tab: &'static str,
    lines: Vec<Line>,
    example: &'static str,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let words = visit.words();
    let line = |c: ChannelView| Line {
        mark: match c.state() {
            "ok" => "ok",
            "failing" => "warn",
            "broken" => "bad",
            "off" => "off",
            _ => "info",
        },
        limit: words.with(
            "channels-limit",
            &[
                ("messages", c.limit.messages.into()),
                ("seconds", c.limit.per_s.into()),
            ],
        ),
        counted: words.with(
            "channels-counted",
            &[("taken", c.taken.into()), ("failed", c.failed.into())],
        ),
        c,
    };
    Reply::page(&ChannelsPage {
        v: View::titled(visit, Section::Settings, "settings-tab-channels"),
        tab: "channels",
        lines: visit.desk().channel_views().into_iter().map(line).collect(),
        example: EXAMPLE,
    })
}

pub(crate) fn test(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    let op = visit.operation();
    let Some(who) = op.actor.account() else {
        return Reply::not_found(visit);
    };
    let name = visit.params.get("channel");
    match visit.desk().test_channel(&op, who, name) {
        Ok(Outcome::Taken) => Reply::see(&format!("{HERE}?done=channels-tested")),
        Ok(outcome) => {
            let key = format!("channels-tested-{}", outcome.code());
            let text = format!("{} ({})", visit.words().text(&key), outcome.why());
            let status = StatusCode::BAD_GATEWAY;
            error::refused_in(visit, Section::Settings, status, text, HERE.to_owned())
        }
        Err(error) => failed(visit, &error, HERE),
    }
}

pub(crate) fn switch(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["on"]) {
        return reply;
    }
    let on = match visit.form.get("on") {
        "yes" => true,
        "no" => false,
        _ => {
            let error = DeskError::Refused(Told::new("on-or-off"));
            return failed(visit, &error, HERE);
        }
    };
    let name = visit.params.get("channel");
    match visit.desk().switch_channel(&visit.operation(), name, on) {
        Ok(()) => Reply::see(&format!("{HERE}?done=channels-switched")),
        Err(error) => failed(visit, &error, HERE),
    }
}
