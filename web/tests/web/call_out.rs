//! Call-out: a link answers only when its form is sent, codes are limited, feeds can be revoked,
//! edits of the rota do not overwrite each other.

use crate::world::World;
use axum::http::StatusCode;
use desk::paging::answer::{Answer, AnswerError, CODE_ATTEMPTS};
use incident::people::CallState;
use model::{AccountId, IncidentId};
use std::time::Duration;

/// The path of the link in the message to somebody, and its code, once the file has it.
pub fn message_to(world: &World, who: &str) -> (String, String) {
    let begun = std::time::Instant::now();
    let mut seen = 0;
    loop {
        let text = std::fs::read_to_string(world.desk.folder().outbox()).unwrap_or_default();
        for line in text.lines() {
            let message: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let link = message["link"].as_str().unwrap_or_default();
            if message["to"] == who && link.contains("/answer/") {
                let body = message["body"].as_str().unwrap_or_default();
                let code = body.lines().last().unwrap_or_default();
                let code: String = code.chars().filter(char::is_ascii_digit).collect();
                let at = link.find("/answer/").expect("a path");
                return (link[at..].to_owned(), code);
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no message came");
        seen = world.desk.wait_for_change(seen, Duration::from_millis(50));
    }
}

fn acknowledged(world: &World, id: &IncidentId, who: &str) -> bool {
    let incident = world.desk.incident(id).expect("the incident");
    incident.calls.iter().any(|c| {
        matches!(&c.state, CallState::Acknowledged { by, .. } if by.account().is_some_and(|a| a.as_str() == who))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_link_answers_nothing_and_its_form_does() {
    let world = World::new();
    world.person("chief", &["cio"]);
    let incident = world.attacked();
    let (path, _) = message_to(&world, "chief");
    for _ in 0..3 {
        let opened = world.get(&path, None).await;
        assert_eq!(opened.status, StatusCode::OK, "{}", opened.body);
    }
    assert!(
        !acknowledged(&world, &incident, "chief"),
        "a scanner answered"
    );
    let forged = format!("{}A", &path[..path.len() - 1]);
    if forged != path {
        assert_eq!(world.get(&forged, None).await.status, StatusCode::NOT_FOUND);
    }
    let sent = world.post(&path, None, &[("answer", "yes")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    assert!(acknowledged(&world, &incident, "chief"));
    let again = world.post(&path, None, &[("answer", "yes")]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let view = world.desk.incident(&incident).expect("the incident");
    let reached = world.desk.leads_reached(&view);
    assert!(format!("{reached:?}").contains("Reached"), "{reached:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_answered_for_its_owner_and_guesses_are_counted_in_parallel() {
    let world = World::new();
    world.person("chief", &["cio"]);
    let dispatcher = world.person("dispatcher", &["cs_agent"]);
    let incident = world.attacked();
    let (_, code) = message_to(&world, "chief");
    assert_eq!(code.len(), 6);
    let fields = [("code", code.as_str()), ("answer", "yes")];
    let sent = world
        .post("/call-out/code", Some(&dispatcher), &fields)
        .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    assert!(acknowledged(&world, &incident, "chief"));

    let guesser = AccountId::new("guesser");
    let looked_at = std::thread::scope(|threads| {
        let tries: Vec<_> = (0..40)
            .map(|n| {
                let (desk, guesser) = (world.desk.clone(), guesser.clone());
                let code = format!("{n:06}");
                threads.spawn(move || {
                    matches!(
                        desk.answer_by_code(&guesser, &code, &Answer::Acknowledge),
                        Err(AnswerError::Code)
                    )
                })
            })
            .collect();
        let done = tries.into_iter().map(|t| t.join().expect("a try"));
        done.filter(|looked| *looked).count()
    });
    assert_eq!(looked_at, CODE_ATTEMPTS as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_edited_by_one_at_a_time_and_read_by_a_calendar_until_revoked() {
    let world = World::new();
    let chief = world.person("chief", &["cio"]);
    let agent = world.person("agent", &["cs_agent"]);
    let fields = [
        ("title", "lead, \"day\""),
        ("covers", "position:cio"),
        ("zone", "Asia/Shanghai"),
        ("from", "2026-01-05"),
        ("hand_over", "09:00"),
        ("n", "1"),
        ("unit", "weeks"),
        ("weekday", "1"),
        ("people", "chief"),
    ];
    let refused = world
        .post("/call-out/schedule", Some(&agent), &fields)
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let made = world
        .post("/call-out/schedule", Some(&chief), &fields)
        .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let kept = world.desk.schedules().expect("read").remove(0);
    let version = kept.version.to_string();
    let change = [
        ("schedule", kept.id.as_str()),
        ("version", version.as_str()),
        ("who", "chief"),
        ("from", "2026-12-01T09:00"),
        ("to", "2026-12-02T09:00"),
    ];
    let first = world
        .post("/call-out/override", Some(&chief), &change)
        .await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.body);
    let second = world
        .post("/call-out/override", Some(&chief), &change)
        .await;
    assert_eq!(second.status, StatusCode::CONFLICT, "an edit was lost");
    let shown = world.get("/call-out", Some(&chief)).await;
    assert!(shown.body.contains("lead, &#34;day&#34;"), "{}", shown.body);

    let token = world
        .desk
        .new_feed(&AccountId::new("chief"))
        .expect("a feed");
    let path = format!("/rota/{token}/duty.ics");
    let feed = world.get(&path, None).await;
    assert!(feed.body.contains("BEGIN:VEVENT"), "{}", feed.body);
    assert!(feed.header("content-type").starts_with("text/calendar"));
    world
        .desk
        .revoke_feed(&AccountId::new("chief"))
        .expect("revoked");
    assert_eq!(world.get(&path, None).await.status, StatusCode::NOT_FOUND);

    let sheet = world.desk.folder().emergency().join("call-tree.en.txt");
    let text = std::fs::read_to_string(&sheet).expect("the sheet is on disk");
    assert!(text.contains("chief"), "{text}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&sheet).expect("a file").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn every_refusal_of_the_rota_has_its_words_in_both_languages() {
    use desk::rota_refusal::RotaRefusal;
    let all = RotaRefusal::all();
    let mut codes: Vec<&str> = all.iter().map(RotaRefusal::code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all.len(), "each has a code of its own");
    for lang in plan::Lang::ALL {
        let words = document::words(lang);
        for code in &codes {
            assert!(words.has(&format!("call-out-refusal-{code}")), "{code}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_said_in_the_readers_language() {
    let world = World::new();
    let mut chief = world.person("chief", &["cio"]);
    chief.cookie = format!("balefire_lang=zh-CN; {}", chief.cookie);
    world.person("agent", &["cs_agent"]);
    let good = [
        ("title", "lead"),
        ("covers", "position:cio"),
        ("zone", "Asia/Shanghai"),
        ("from", "2026-01-05"),
        ("hand_over", "09:00"),
        ("n", "1"),
        ("unit", "weeks"),
        ("weekday", "1"),
        ("people", "chief"),
    ];
    let cases = [
        ("people", "agent", 422, "agent不能代表“首席信息官”应答"),
        ("people", "", 422, "一个轮换应有1至60人"),
        ("title", "", 422, "请填写值班表名称，最多80个字"),
        ("zone", "Mars/Olympus", 422, "请从列表中选择时区"),
        ("covers", "", 422, "请选择值班表对应的岗位或小组"),
        ("from", "soon", 422, "请填写首日"),
        ("n", "often", 422, "请填写每班时长"),
        ("hand_over", "", 422, "请填写交接时间"),
        ("schedule", "rota-none", 404, "该值班表已不存在"),
    ];
    for (field, value, status, words) in cases {
        let mut fields: Vec<(&str, &str)> = good.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let sent = world.post("/call-out/schedule", Some(&chief), &fields);
        let sent = sent.await;
        assert_eq!(sent.status.as_u16(), status, "{field}");
        assert!(sent.body.contains(words), "{words} in {}", sent.body);
    }
    let span = [("from", "2026-12-02T09:00"), ("to", "2026-12-01T09:00")];
    let sent = world.post("/call-out/absence", Some(&chief), &span).await;
    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(sent.body.contains("结束应晚于开始"), "{}", sent.body);
    let mut last = None;
    for _ in 0..6 {
        last = Some(world.post("/call-out/test", Some(&chief), &[]).await);
    }
    let last = last.expect("an answer");
    assert_eq!(last.status, StatusCode::CONFLICT);
    assert!(last.body.contains("每小时最多测试呼叫5次"), "{}", last.body);
    assert!(world.desk.schedules().expect("read").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_lie_over_each_other_and_are_moved_and_taken_out() {
    let world = World::new();
    let chief = world.person("chief", &["cio"]);
    world.person("second", &["cio"]);
    let agent = world.person("agent", &["cs_agent"]);
    let mut fields = vec![
        ("title", "lead"),
        ("covers", "position:cio"),
        ("zone", "Europe/Berlin"),
        ("from", "2026-01-05"),
        ("hand_over", "09:00"),
        ("n", "2"),
        ("unit", "weeks"),
        ("weekday", "1"),
        ("people", "chief"),
    ];
    let made = world.post("/call-out/schedule", Some(&chief), &fields);
    assert_eq!(made.await.status, StatusCode::SEE_OTHER);
    let kept = || world.desk.schedules().expect("read").remove(0);
    let id = kept().id;
    fields.retain(|(name, _)| !["people", "until"].contains(name));
    fields.extend([
        ("schedule", id.as_str()),
        ("version", "1"),
        ("people", "second"),
    ]);
    let over = world.post("/call-out/schedule", Some(&chief), &fields);
    assert_eq!(over.await.status, StatusCode::SEE_OTHER);
    let cio = model::PositionId::from("cio");
    let on_duty = || {
        world.desk.duties().on_duty(&cio, world.desk.now()).people[0]
            .id
            .to_string()
    };
    assert_eq!(on_duty(), "second", "the upper one counts");
    let page = world.get("/call-out", Some(&chief)).await.body;
    assert!(page.contains("Every 2 weeks on Monday at 09:00"), "{page}");
    assert!(page.contains("Berlin (Europe/Berlin, UTC+0"), "{page}");

    let edit = async |who, what: &str, layer: &str, version: &str| {
        let fields = [
            ("schedule", id.as_str()),
            ("version", version),
            ("layer", layer),
            ("do", what),
        ];
        let sent = world.post("/call-out/layer", Some(who), &fields).await;
        sent.status.as_u16()
    };
    assert_eq!(edit(&agent, "down", "1", "2").await, 403);
    assert_eq!(
        edit(&chief, "down", "1", "1").await,
        409,
        "an edit was lost"
    );
    assert_eq!(
        edit(&chief, "up", "1", "2").await,
        404,
        "there is none above"
    );
    assert_eq!(
        edit(&chief, "down", "0", "2").await,
        404,
        "there is none below"
    );
    assert_eq!(edit(&chief, "down", "1", "2").await, 303);
    assert_eq!(on_duty(), "chief");
    assert_eq!(edit(&chief, "remove", "7", "3").await, 404);
    assert_eq!(edit(&chief, "remove", "1", "3").await, 303);
    assert_eq!(on_duty(), "second");
    assert_eq!(edit(&chief, "remove", "0", "4").await, 422, "one is left");

    // An override is meant on the clocks of the schedule's zone, and can be taken out again.
    let change = [
        ("schedule", id.as_str()),
        ("version", "4"),
        ("who", "chief"),
        ("from", "2030-12-01T09:00"),
        ("to", "2030-12-02T09:00"),
    ];
    let added = world.post("/call-out/override", Some(&chief), &change);
    assert_eq!(added.await.status, StatusCode::SEE_OTHER);
    let from = kept().schedule.overrides[0].from;
    assert_eq!(from.to_string(), "2030-12-01T08:00:00.000000Z");
    for (at, status) in [("1", 404), ("0", 303)] {
        let fields = [
            ("schedule", id.as_str()),
            ("version", "5"),
            ("override", at),
        ];
        let sent = world.post("/call-out/override/end", Some(&chief), &fields);
        assert_eq!(sent.await.status.as_u16(), status);
    }
    assert!(kept().schedule.overrides.is_empty());
}

/// A schedule of everything as a form sends it; `changes` stand in the place of the usual values.
fn schedule_form<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("form", "new"),
        ("title", "the lead's nights & days"),
        ("covers", "position:cio"),
        ("zone", "Europe/Berlin"),
        ("from", "2026-01-05"),
        ("until", ""),
        ("hand_over", "08:30"),
        ("n", "3"),
        ("unit", "days"),
        ("weekday", "4"),
        ("people", "chief\nsecond"),
    ];
    let changed = |name: &str| changes.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
    usual
        .map(|(name, value)| (name, changed(name).unwrap_or(value)))
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_keeps_what_was_typed_and_says_what_is_wrong_at_its_field() {
    let world = World::new();
    let chief = world.person("chief", &["cio"]);
    world.person("second", &["cio"]);
    world.person("agent", &["cs_agent"]);
    let cases = [
        ("title", " ", "name=\"title\""),
        ("zone", "Mars/Olympus", "name=\"zone\""),
        ("until", "2025-12-31", "name=\"until\""),
        ("hand_over", "nine", "name=\"hand_over\""),
        ("n", "400", "name=\"n\""),
        ("people", "agent", "name=\"people\""),
    ];
    for (name, value, at) in cases {
        let form = schedule_form(&[(name, value)]);
        let sent = world.post("/call-out/schedule", Some(&chief), &form).await;
        assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        let begin = sent.body.find("<details class=\"act\" id=\"new\" open>");
        let new = &sent.body[begin.expect("the form is open")..];
        for kept in [
            "value=\"Europe/Berlin\" selected",
            "value=\"position:cio\" selected",
            "value=\"days\" selected",
            "value=\"4\" selected",
            "value=\"2026-01-05\"",
        ] {
            let changed = name == "zone" && kept.contains("Berlin");
            assert!(changed || new.contains(kept), "{name}: {kept} is lost");
        }
        let title = "value=\"the lead&#39;s nights &#38; days\"";
        assert!(name == "title" || new.contains(title), "{name}: the title");
        let people = ">chief\nsecond</textarea>";
        assert!(name == "people" || new.contains(people), "{name}: people");
        let tag = new.find(at).expect("the field");
        let tag = &new[tag..tag + new[tag..].find('>').expect("its end")];
        assert!(tag.contains("aria-invalid=\"true\""), "{name}: {tag}");
        assert!(tag.contains("why\""), "{name}: {tag}");
        assert_eq!(new.matches("aria-invalid").count(), 1, "{name}");
        assert_eq!(sent.body.matches("id=\"why\"").count(), 1, "{name}");
    }
    assert!(world.desk.schedules().expect("read").is_empty());
    let away = [
        ("form", "away"),
        ("from", "2026-12-02T09:00"),
        ("to", "2026-12-01T09:00"),
    ];
    let sent = world.post("/call-out/absence", Some(&chief), &away).await;
    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let begin = sent.body.find("<details class=\"act\" id=\"away\" open>");
    let form = &sent.body[begin.expect("the form is open")..];
    assert!(form.contains("value=\"2026-12-02T09:00\""));
    assert!(form.contains("value=\"2026-12-01T09:00\" aria-invalid=\"true\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_who_would_be_on_duty_and_keeps_nothing() {
    let world = World::new();
    let chief = world.person("chief", &["cio"]);
    world.person("second", &["cio"]);
    let preview = [
        schedule_form(&[("people", "chief")]),
        vec![("preview", "1")],
    ]
    .concat();
    let shown = world
        .post("/call-out/schedule", Some(&chief), &preview)
        .await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    let kept = || world.desk.schedules().expect("read");
    assert!(kept().is_empty(), "a preview stores nothing");
    let part = |body: &str| {
        let begin = body.find("id=\"preview\"").expect("a preview");
        body[begin..begin + body[begin..].find("</section>").expect("its end")].to_owned()
    };
    assert!(part(&shown.body).contains("<span class=\"strong\">chief"));
    assert!(shown.body.contains("&#38; days\""), "what was typed stands");
    let form = schedule_form(&[("people", "chief")]);
    let made = world.post("/call-out/schedule", Some(&chief), &form).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let (id, version) = (kept()[0].id.clone(), kept()[0].version.to_string());
    let now = jiff::Timestamp::from_microsecond(world.desk.now().0).expect("a time");
    let day = |n: i64| {
        let at = now + jiff::SignedDuration::from_hours(24 * n);
        format!("{}T08:30", at.strftime("%Y-%m-%d"))
    };
    let (from, to, form) = (day(2), day(3), format!("o-{id}"));
    let change = [
        ("form", form.as_str()),
        ("schedule", id.as_str()),
        ("version", version.as_str()),
        ("who", "second"),
        ("from", from.as_str()),
        ("to", to.as_str()),
        ("preview", "1"),
    ];
    let shown = world
        .post("/call-out/override", Some(&chief), &change)
        .await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert_eq!(kept()[0].version.to_string(), version);
    let preview = part(&shown.body);
    assert_eq!(preview.matches("today: chief").count(), 1, "{preview}");
    assert!(preview.contains("<span class=\"strong\">second"));
    assert!(shown.body.contains(&format!("value=\"{from}\"")));
    let other = [
        &change[..4],
        &[
            ("from", to.as_str()),
            ("to", from.as_str()),
            ("preview", "1"),
        ],
    ]
    .concat();
    let refused = world.post("/call-out/override", Some(&chief), &other).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let agent = world.person("agent", &["cs_agent"]);
    let denied = world
        .post("/call-out/override", Some(&agent), &change)
        .await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
}

/// The rota takes whoever stands in for a position, so they are called when it is their turn, and
/// their answer counts.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_stands_in_is_called_when_it_is_their_turn() {
    let world = World::new();
    let chief = world.person("chief", &["cio"]);
    world.person("counsel", &["head_legal"]);
    let agent = world.person("agent", &["cs_agent"]);
    let fields = |who| {
        [
            ("title", "lead"),
            ("covers", "position:cio"),
            ("zone", "Asia/Shanghai"),
            ("from", "2026-01-05"),
            ("hand_over", "09:00"),
            ("n", "1"),
            ("unit", "weeks"),
            ("weekday", "1"),
            ("people", who),
        ]
    };
    let path = "/call-out/schedule";
    let other = world.post(path, Some(&chief), &fields("agent")).await;
    assert_eq!(
        other.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "does not stand in"
    );
    let made = world.post(path, Some(&chief), &fields("counsel")).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let cio = model::PositionId::from("cio");
    let on_duty = world.desk.duties().on_duty(&cio, world.desk.now());
    let names: Vec<&str> = on_duty.people.iter().map(|p| p.id.as_str()).collect();
    assert_eq!((names, on_duty.gap), (vec!["counsel"], false));
    for path in ["/", "/call-out"] {
        let page = world.get(path, Some(&agent)).await.body;
        assert!(page.contains("counsel"), "{path} shows who is on duty");
    }

    let incident = world.attacked();
    let (path, _) = message_to(&world, "counsel");
    let sent = world.post(&path, None, &[("answer", "yes")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    assert!(acknowledged(&world, &incident, "counsel"));
    let view = world.desk.incident(&incident).expect("the incident");
    let reached = world.desk.leads_reached(&view);
    assert!(format!("{reached:?}").contains("Reached"), "{reached:?}");
}
