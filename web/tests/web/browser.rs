//! The pages in a real Chromium: accessible by axe's rules in both languages and colour schemes,
//! within their own policy, and never wider than a phone.

use crate::call_out::message_to;
use crate::guests::Case;
use crate::pages::{for_visitors, pages, story};
use crate::world::Person;
use desk::Desk;
use plan::Lang;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::Browser;

/// Some 25 pages in four looks take 100 s on two busy cores.
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

#[test]
fn every_page_is_accessible_in_both_languages_and_schemes() {
    let story = made(story());
    let mut all = pages(&story);
    let war_room = format!("/incidents/{}", story.incident);
    let projected = format!("{war_room}?view=wall");
    all.push(projected.clone());
    let more = json!({ "oneScreen": [war_room, projected] });
    walk("pages", PAGES, &story.world.desk, &story.all, &all, &more);
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
