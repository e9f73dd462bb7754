//! The discussion in the war room: said, named, put right, on the record.

use crate::world::{Person, World};
use axum::http::StatusCode;
use serde_json::json;
use std::time::Duration;
use testkit::Browser;

const WITHIN: Duration = Duration::from_secs(240);

async fn say(
    world: &World,
    incident: &str,
    who: &Person,
    fields: &[(&str, &str)],
) -> (StatusCode, String) {
    let path = format!("/incidents/{incident}/do/write-note");
    let answer = world.post(&path, Some(who), fields).await;
    (answer.status, answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_is_seen_by_the_others_and_names_whom_it_names() {
    let world = World::new();
    let id = world.attacked();
    let incident = id.to_string();
    let cio = world.person("cio", &["cio"]);
    let admin = world.person("admin", &["sysadmin"]);
    let clerk = world.person("clerk", &["auditor"]);
    let note = [
        ("text", "ask <@admin>, not a@admin.example"),
        ("mark", "decision"),
    ];
    assert_eq!(
        say(&world, &incident, &cio, &note).await.0,
        StatusCode::SEE_OTHER
    );
    let refused = say(&world, &incident, &clerk, &[("text", "hm")]).await;
    assert_eq!(refused.0, StatusCode::FORBIDDEN);
    let long = "长".repeat(2_001);
    let (status, body) = say(&world, &incident, &admin, &[("text", &long)]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains(&long), "what was typed comes back");

    let page = format!("/incidents/{incident}/discussion");
    let seen = world.get(&page, Some(&admin)).await.body;
    assert!(seen.contains("ask &#60;@admin&#62;"), "{seen}");
    assert!(
        !seen.contains("?correct=1"),
        "only the author puts it right"
    );
    let own = world.get(&page, Some(&cio)).await.body;
    assert!(own.contains("?correct=1"));
    let room = world
        .get(&format!("/incidents/{incident}"), Some(&admin))
        .await
        .body;
    assert!(room.contains("ask &#60;@admin&#62;"));

    let i = world.desk.incident(&id).expect("there");
    assert_eq!(i.room.notes.len(), 1);
    assert_eq!(i.room.notes[0].mentions.len(), 1, "an address names nobody");
    let rows = world.desk.outbox(Some(&id), 500);
    let told: Vec<_> = rows
        .iter()
        .filter(|row| row.subject.contains("提到") || row.subject.contains("named"))
        .collect();
    assert_eq!(told.len(), 1, "{rows:?}");
    assert!(
        !told[0].body.contains("ask"),
        "a message carries no words of it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_know_is_told_nothing_by_a_mention() {
    let world = World::new();
    let id = world.attacked();
    let incident = id.to_string();
    let legal = world.person("legal", &["head_legal"]);
    let boss = world.person("boss", &["cio"]);
    world.person("admin", &["sysadmin"]);
    let name = [("account", "boss"), ("reason", "it came from their desk")];
    let path = format!("/incidents/{incident}/do/name-suspect");
    let named = world.post(&path, Some(&legal), &name).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
    let note = [("text", "@admin, ask @boss what they did")];
    let said = say(&world, &incident, &legal, &note).await;
    assert_eq!(said.0, StatusCode::SEE_OTHER);
    let page = format!("/incidents/{incident}/discussion");
    let seen = world.get(&page, Some(&boss)).await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
    let refused = say(&world, &incident, &boss, &[("text", "hm")]).await;
    assert_eq!(refused.0, StatusCode::NOT_FOUND);
    assert!(!refused.1.contains("they did"));
    let viewer = (world.desk).viewer(&"legal".into(), &["head_legal".into()]);
    // The dispatcher takes both rows up a moment after the command was answered.
    let (mut seen, began) = (0, world.desk.now());
    let pages = loop {
        let mut pages = world.desk.recent_pages(&viewer).expect("pages");
        pages.retain(|p| p.page.incident.as_ref() == Some(&id) && p.page.call.is_none());
        if pages.len() >= 2 {
            break pages;
        }
        assert!(world.desk.now().since_s(began) < 20.0, "nobody was told");
        seen = (world.desk).wait_for_change(seen, Duration::from_millis(100));
    };
    let told = pages.iter().flat_map(|p| &p.receivers);
    let told: Vec<_> = told.filter_map(|r| r.account.as_ref()).collect();
    assert_eq!(told, [&model::AccountId::from("admin")]);
    let mut gaps = pages
        .iter()
        .filter_map(|p| p.page.red.map(|red| red.code()));
    assert!(!gaps.any(|code| code == "nobody-on-duty"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_lose_no_word() {
    let world = World::new();
    let id = world.attacked();
    let incident = id.to_string();
    let cio = world.person("cio", &["cio"]);
    let texts: Vec<String> = (0..100).map(|n| format!("note {n}.")).collect();
    let sent = texts.iter().map(|text| {
        let (world, incident, cio) = (&world, &incident, &cio);
        async move { say(world, incident, cio, &[("text", text)]).await.0 }
    });
    for status in futures_util::future::join_all(sent).await {
        assert_eq!(status, StatusCode::SEE_OTHER);
    }
    let i = world.desk.incident(&id).expect("there");
    let numbers: Vec<u32> = i.room.notes.iter().map(|n| n.number).collect();
    assert_eq!(numbers, (1..=100).collect::<Vec<u32>>());
    let mut said: Vec<&str> = i.room.notes.iter().map(|n| n.text.as_str()).collect();
    said.sort_unstable();
    let mut expected: Vec<&str> = texts.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(said, expected);
    // Page by page, none twice and none left out.
    let mut path = format!("/incidents/{incident}/discussion");
    let mut found = 0;
    while found < 100 {
        let body = world.get(&path, Some(&cio)).await.body;
        found += body.matches("class=\"note ").count();
        let Some(rest) = body.split("&amp;before=").nth(1) else {
            break;
        };
        let before = rest.split('"').next().unwrap_or_default();
        path = format!("/incidents/{incident}/discussion?before={before}");
    }
    assert_eq!(found, 100);
}

#[test]
fn on_a_bad_line_nothing_typed_is_lost_and_nothing_is_recorded_twice() {
    let Some(browser) = Browser::ready(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let world = World::new();
    let incident = world.attacked();
    let cio = world.person("cio", &["cio"]);
    let admin = world.person("admin", &["sysadmin", "ciso"]);
    let served = web::start(world.desk.clone(), web::WebOptions::default()).expect("served");
    let input = json!({
        "base": served.url(), "incident": incident.to_string(),
        "cookie": cio.cookie, "other": admin.cookie,
    });
    let script = include_str!("browser/discussion.mjs");
    let ended = browser.run("discussion", script, &input.to_string(), WITHIN);
    served.stop();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
}
