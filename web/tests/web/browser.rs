//! The pages in a real Chromium: accessible by axe's rules in both languages and colour schemes,
//! within their own policy, and never wider than a phone.

use crate::pages::{for_visitors, pages, story};
use plan::Lang;
use serde_json::json;
use std::time::Duration;
use testkit::Browser;

/// Some 25 pages in four looks take 100 s on two busy cores.
const WITHIN: Duration = Duration::from_secs(900);

#[test]
fn every_page_is_gone_through_with_the_keyboard_alone() {
    let Some(browser) = Browser::ready(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let made = tokio::runtime::Runtime::new().expect("a runtime");
    let story = made.block_on(story());
    let desk = story.world.desk.clone();
    let served = web::start(desk, web::WebOptions::default()).expect("the pages are served");
    let all = pages(&story);
    let input = json!({
        "base": served.url(),
        "cookie": story.all.cookie,
        "visitors": all.iter().filter(|path| for_visitors(path)).collect::<Vec<_>>(),
        "pages": all,
        "incident": story.incident,
        "langs": Lang::ALL.map(|lang| lang.tag()),
    });
    let script = include_str!("browser/keyboard.mjs");
    let ended = browser.run("keyboard", script, &input.to_string(), WITHIN);
    served.stop();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
}

#[test]
fn every_page_is_accessible_accessible_in_both_languages_and_schemes() {
    let Some(browser) = Browser::ready(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    // The pages are served by a runtime of their own, which another one must not hold.
    let made = tokio::runtime::Runtime::new().expect("a runtime");
    let story = made.block_on(story());
    let desk = story.world.desk.clone();
    let served = web::start(desk, web::WebOptions::default()).expect("the pages are served");
    let mut all = pages(&story);
    let war_room = format!("/incidents/{}", story.incident);
    let projected = format!("{war_room}?view=wall");
    all.push(projected.clone());
    let input = json!({
        "base": served.url(),
        "cookie": story.all.cookie,
        "visitors": all.iter().filter(|path| for_visitors(path)).collect::<Vec<_>>(),
        "pages": all,
        "oneScreen": [war_room, projected],
        "langs": Lang::ALL.map(|lang| lang.tag()),
    });
    let script = include_str!("browser/pages.mjs");
    let ended = browser.run("pages", script, &input.to_string(), WITHIN);
    served.stop();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
}
