//! The pages in a real Chromium: accessible by axe's rules in both languages and colour schemes,
//! within their own policy, and never wider than a phone.

use crate::call_out::message_to;
use crate::guests::Case;
use crate::pages::{for_visitors, pages};
use crate::story::story;
use crate::world::{Person, World};
use desk::Desk;
use model::AccountId;
use plan::Lang;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::Browser;

/// Some 60 pages in four looks, with the answers to forms, take 400 s on two busy cores.
const WITHIN: Duration = Duration::from_secs(900);

/// Opens pages as a script does; `who` is their cookie, and `more` goes with its input.
fn walk(name: &str, script: &str, desk: &Desk, who: &Person, all: &[String], more: &Value) {
    let Some(browser) = Browser::ready(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let served = web::start(desk.clone(), web::WebOptions::default()).expect("pages are served");
    let visitors: Vec<_> = all.iter().filter(|path| for_visitors(path)).collect();
    let mut input = json!({
        "base": served.url(),
        "cookie": who.cookie,
        "visitors": visitors,
        "pages": all,
        "oneScreen": [],
        "langs": Lang::ALL.map(|lang| lang.tag()),
    });
    if let (Value::Object(input), Value::Object(more)) = (&mut input, more.clone()) {
        input.extend(more);
    }
    let ended = browser.run(name, script, &input.to_string(), WITHIN);
    served.stop();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
}

const PAGES: &str = include_str!("browser/pages.mjs");
const DRAFTS: &str = include_str!("browser/drafts.mjs");
const KEYBOARD: &str = include_str!("browser/keyboard.mjs");

// The pages are served by a runtime of their own, which another one must not hold.
fn made<T>(it: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(it)
}

#[test]
fn every_page_is_gone_through_with_the_keyboard_alone() {
    let story = made(story());
    let all = pages(&story);
    let more = json!({ "incident": story.incident });
    walk(
        "keyboard",
        KEYBOARD,
        &story.world.desk,
        &story.all,
        &all,
        &more,
    );
}

#[test]
fn nothing_typed_is_lost_on_any_page_or_on_a_line_that_is_cut() {
    let story = made(story());
    let all = pages(&story);
    let more = json!({ "incident": story.incident });
    walk("drafts", DRAFTS, &story.world.desk, &story.all, &all, &more);
}

/// A form sent from a page, and the status of what answers it.
fn then(action: &str, status: u16, fields: &[(&str, &str)]) -> Value {
    let fields: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
        .collect();
    json!({ "action": action, "status": status, "fields": fields })
}

#[test]
fn every_page_is_accessible_in_both_languages_and_schemes() {
    let story = made(story());
    let desk = &story.world.desk;
    let mut all = pages(&story);
    let war_room = format!("/incidents/{}", story.incident);
    let projected = format!("{war_room}?view=wall");
    let link = desk.login_link(&AccountId::from("helper")).expect("a link");
    let missing = "/incidents/i-none".to_owned();
    all.extend([
        projected.clone(),
        story.receipt.clone(),
        format!("/welcome?token={}", story.invitation),
        format!("/login/link?token={link}"),
        missing.clone(),
    ]);
    let act = |name: &str| format!("{war_room}/do/{name}");
    let rota = [
        ("title", "a rota"),
        ("covers", "position:cio"),
        ("zone", "Asia/Shanghai"),
        ("from", "2026-01-05"),
        ("hand_over", "09:00"),
        ("n", "1"),
        ("unit", "weeks"),
        ("weekday", "1"),
        ("people", "everything"),
    ];
    let preview = [&rota[..], &[("preview", "1")]].concat();
    let invited = [
        ("account", "new.$n"),
        ("name", "New"),
        ("position", "cs_agent"),
    ];
    let token = [("name", "a program"), ("days", "30"), ("scope", "read")];
    let expert = [
        ("request_id", "R-1"),
        ("name", "Li"),
        ("account", "an.expert.$n"),
        ("may_act", "1"),
        ("days", "7"),
        ("page", "orders"),
    ];
    let guests = format!("{war_room}/guests");
    let order = [("to", "position:ciso"), ("due_min", "soon"), ("text", "x")];
    let stale = [("text", "another"), ("as-seen", "0000")];
    let answers = json!({
        "/login": [then("/login", 401, &[("name", "nobody"), ("password", "of any")])],
        "/report": [then("/report", 422, &[])],
        "/call-out": [
            then("/call-out/schedule", 200, &preview),
            then("/call-out/schedule", 422, &rota[1..]),
            then("/call-out/absence", 422, &[]),
            then("/call-out/code", 422, &[("code", "123456"), ("answer", "yes")]),
        ],
        "/settings/people": [
            then("/settings/people", 200, &invited),
            then("/settings/people", 422, &invited[..1]),
        ],
        "/settings/tokens": [
            then("/settings/tokens", 200, &token),
            then("/settings/tokens", 422, &token[..1]),
        ],
        "/settings/account": [
            then("/settings/account/factor", 200, &[]),
            then("/settings/account/password", 422, &[("old", "x"), ("password", "y")]),
        ],
        war_room.as_str(): [
            then(&act("issue-order"), 422, &order),
            then(&act("set-objective"), 409, &stale),
            then(&guests, 409, &expert),
            then("/incidents/i-none/do/write-note", 404, &[("text", "x")]),
        ],
    });
    let more = json!({
        "oneScreen": [war_room, projected],
        "wide": [war_room, projected],
        "statuses": { missing: 404 },
        "then": answers,
    });
    walk("pages", PAGES, desk, &story.all, &all, &more);
}

/// Somebody with one position and little to do: pages without rights, lists without lines.
#[test]
fn what_is_empty_or_not_for_everybody_is_accessible_too() {
    let world = World::new();
    let agent = world.person("agent", &["cs_agent"]);
    let refused = ["/settings/people", "/settings/webhooks", "/outbox"];
    let empty = ["/", "/incidents", "/orders", "/call-out", "/triage"];
    let all: Vec<String> = empty
        .iter()
        .chain(&refused)
        .map(|p| (*p).to_owned())
        .collect();
    let more =
        json!({ "statuses": refused.map(|p| (p, 403)).into_iter().collect::<BTreeMap<_, _>>() });
    walk("empty", PAGES, &world.desk, &agent, &all, &more);
}

/// The page behind a link in a message, the pages of an expert from outside before and after they
/// agreed to keep silent, and the link by which somebody sets their password.
#[test]
fn what_opens_by_a_link_is_accessible_too() {
    let (case, guest) = made(async {
        let case = Case::begin().await;
        let guest = case.guest(&["orders", "findings", "timeline"]).await;
        (case, guest)
    });
    let (answer, _) = message_to(&case.world, "chief");
    let first = ["/guest".to_owned(), answer];
    walk("link", PAGES, &case.world.desk, &guest, &first, &json!({}));
    let kept = made(case.world.post("/guest/agree", Some(&guest), &[]));
    assert_eq!(kept.location(), "/guest", "{}", kept.body);
    let second = ["/guest".to_owned()];
    walk(
        "guest",
        PAGES,
        &case.world.desk,
        &guest,
        &second,
        &json!({}),
    );
}
