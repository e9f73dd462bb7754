//! A refusal is said in its reader's language, on pages and to programs.

use crate::world::{Answer, World};
use axum::http::StatusCode;

/// Words of English in a row, which no Chinese sentence of the product holds.
fn english(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphabetic() || c == ' ' || c == '\'';
    let runs = text.split(|c: char| !plain(c));
    let found = runs
        .map(str::trim)
        .find(|run| run.split(' ').filter(|word| word.len() > 2).count() > 2);
    found.map(str::to_owned)
}

fn message(answer: &Answer) -> String {
    let page = answer.body.split("data-message>").nth(1);
    let text = page.and_then(|after| after.split('<').next());
    text.map_or_else(
        || {
            let problem: serde_json::Value =
                serde_json::from_str(&answer.body).expect("a message or a problem");
            problem["title"].as_str().expect("a title").to_owned()
        },
        str::to_owned,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_desk_refuses_is_said_in_the_language_of_its_reader() {
    let world = World::new();
    let id = world.attacked();
    let who = world.everything("everybody");
    let long = "x".repeat(400);
    let csrf = who.csrf.as_str();
    let profile = [
        ("addresses", long.as_str()),
        ("version", "0"),
        ("language", "zh-CN"),
    ];
    let address = format!("mail {long}");
    let too_long = [("addresses", address.as_str()), ("version", "0")];
    let zone = [("time_zone", "Nowhere"), ("version", "0")];
    let lines: Vec<String> = (0..40).map(|n| format!("mail a{n}@x.example")).collect();
    let lines = lines.join("\n");
    let many = [("addresses", lines.as_str()), ("version", "0")];
    let summary = format!("/incidents/{id}/do/approve-acceptance");
    let windows = "/api/v1/sources/shop/windows/none/approve";
    let tried: [(&str, &[(&str, &str)]); 7] = [
        ("/settings/account/profile", &profile),
        ("/settings/account/profile", &too_long),
        ("/settings/account/profile", &zone),
        ("/settings/account/profile", &many),
        ("/settings/channels/none/test", &[]),
        (&summary, &[("acceptance", "none")]),
        ("/settings/proposals/none/approve", &[]),
    ];
    let mut said = Vec::new();
    for (path, fields) in tried {
        for lang in ["zh-CN", "en"] {
            let mut all = vec![("csrf", csrf)];
            all.extend_from_slice(fields);
            // The cookie of the language stands before the one that the helper adds.
            let speaker = crate::world::Person {
                cookie: format!("balefire_lang={lang}; {}", who.cookie),
                csrf: who.csrf.clone(),
            };
            let answer = world.post_raw(path, Some(&speaker), &all, &[]).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
            if answer.status == StatusCode::NOT_FOUND && !answer.body.contains("data-message") {
                continue;
            }
            said.push((lang, path, message(&answer)));
        }
    }
    let approve = world
        .post_json(
            windows,
            &who,
            &[
                ("x-csrf-token", csrf),
                ("idempotency-key", "k"),
                ("if-match", "*"),
                ("accept-language", "zh-CN"),
            ],
            "{}",
        )
        .await;
    assert_eq!(approve.status, StatusCode::NOT_FOUND, "{}", approve.body);
    said.push(("zh-CN", windows, message(&approve)));
    assert!(said.len() > 9, "{said:?}");
    for (lang, path, text) in &said {
        assert!(!text.is_empty(), "{path}");
        let chinese = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert_eq!(chinese, *lang == "zh-CN", "{path}: {text}");
        if *lang == "zh-CN" {
            assert_eq!(english(text), None, "{path}: {text}");
        }
    }
}
