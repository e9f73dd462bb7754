//! Triage on its pages: the stack with its suggestions, each decision on a report, two people who
//! decide at once, files, and reports about somebody who must not read them.

use crate::world::{Answer, Person, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use desk::{NewReport, Profile, ReportState, SeenWhen};
use model::{AccountId, PositionId, ReceiptNo, RequestId, Risk};
use plan::Lang;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn reported(world: &World, what: &str, change: impl FnOnce(&mut NewReport)) -> ReceiptNo {
    let request = RequestId::new(format!("request-of-{}", world.desk.now().0));
    let mut report = NewReport::new(what, Lang::Zh, request);
    change(&mut report);
    world
        .desk
        .report(report)
        .expect("a report is stored")
        .report
}

fn state(world: &World, name: &ReceiptNo) -> ReportState {
    let report = world.desk.report_named(name).expect("readable");
    report.expect("there").state
}

async fn decide(world: &World, name: &ReceiptNo, who: &Person, fields: &[(&str, &str)]) -> Answer {
    let fresh = format!("form-{}", world.desk.now().0);
    let mut all = vec![("request", fresh.as_str())];
    all.extend_from_slice(fields);
    world
        .post(&format!("/triage/{name}"), Some(who), &all)
        .await
}

fn version(body: &str) -> String {
    let (_, rest) = body.split_once("name=\"seen\" value=\"").expect("a form");
    rest.split('"').next().expect("a number").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_shows_what_waits_the_most_urgent_first_and_what_is_alike() {
    let world = World::new();
    let agent = world.person("agent", &["cs_agent"]);
    let empty = world.get("/triage", Some(&agent)).await;
    assert!(empty.body.contains("Nothing waits."), "{}", empty.body);
    let calm = reported(&world, "订单 SO-20261122-0007 金额不对 <b>", |_| {});
    let urgent = reported(&world, "顾客说订单SO-20261122-0007被改价", |r| {
        r.when = SeenWhen::Now;
        r.risk = Some(Risk::R2);
    });
    for lang in Lang::ALL {
        let page = world.get_in("/triage", Some(&agent), lang).await;
        assert_eq!(page.status, StatusCode::OK);
        let at = |name: &ReceiptNo| page.body.find(&format!("/triage/{name}")).expect("listed");
        assert!(at(&urgent) < at(&calm), "the urgent one stands first");
        assert!(
            page.body.contains("so-20261122-0007"),
            "why it is suggested"
        );
        assert!(!page.body.contains("<b>"));
    }
    let only = world
        .get("/triage?risk=R2&came=people", Some(&agent))
        .await
        .body;
    assert!(
        only.contains(urgent.as_str())
            && !only.contains(&format!("href=\"/triage/{calm}\"><span class=\"strong"))
    );
    let old = world.get("/triage?waited=72", Some(&agent)).await.body;
    assert!(old.contains("fits these filters"));
    let beyond = world.get("/triage?page=999", Some(&agent)).await;
    assert_eq!(beyond.location(), "/triage");
    let id = world.attacked();
    let page = world.get("/triage?came=detectors", Some(&agent)).await.body;
    assert!(
        page.contains(&format!("/incidents/{id}")),
        "opened by detectors, graded by nobody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_decision_is_made_and_shown_and_can_be_taken_back() {
    let world = World::new();
    let agent = world.person("agent", &["cs_agent"]);
    let first = reported(&world, "后台有人批量导出用户手机号和收货地址", |_| {});
    let second = reported(&world, "有人在后台批量导出了用户的手机号、收货地址", |_| {});
    let page = world.get(&format!("/triage/{second}"), Some(&agent)).await;
    assert!(
        page.body.contains(&format!("value=\"{first}\"")),
        "suggested as a duplicate"
    );
    let seen = version(&page.body);

    let no_reason = decide(
        &world,
        &second,
        &agent,
        &[("decision", "reject"), ("seen", &seen)],
    )
    .await;
    assert_eq!(no_reason.status, StatusCode::UNPROCESSABLE_ENTITY);
    let own = [
        ("decision", "duplicate"),
        ("of", second.as_str()),
        ("seen", &seen),
    ];
    assert_eq!(
        decide(&world, &second, &agent, &own).await.status,
        StatusCode::CONFLICT
    );
    let mark = [
        ("decision", "duplicate"),
        ("of", first.as_str()),
        ("seen", &seen),
    ];
    let marked = decide(&world, &second, &agent, &mark).await;
    assert_eq!(marked.status, StatusCode::SEE_OTHER, "{}", marked.body);
    assert_eq!(
        state(&world, &second),
        ReportState::Duplicate { of: first.clone() }
    );
    // What was looked at no longer stands.
    let late = decide(&world, &second, &agent, &mark).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.body.contains("somebody changed it since you looked"),
        "{}",
        late.body
    );
    let reopen = [("decision", "reopen"), ("reason", "not the same shop")];
    assert_eq!(
        decide(&world, &second, &agent, &reopen).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(state(&world, &second), ReportState::Received);

    let ask = [("decision", "ask"), ("text", "Which shop was it?")];
    assert_eq!(
        decide(&world, &second, &agent, &ask).await.status,
        StatusCode::SEE_OTHER
    );
    let reject = [("decision", "reject"), ("reason", "a test <i> of ours")];
    assert_eq!(
        decide(&world, &second, &agent, &reject).await.status,
        StatusCode::SEE_OTHER
    );
    let page = world
        .get(&format!("/triage/{second}"), Some(&agent))
        .await
        .body;
    assert!(page.contains("a test &#60;i&#62; of ours") && page.contains("Which shop was it?"));

    let opened = decide(&world, &first, &agent, &[("decision", "open")]).await;
    let incident = opened
        .location()
        .trim_start_matches("/incidents/")
        .to_owned();
    assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.body);
    decide(&world, &second, &agent, &[("decision", "reopen")]).await;
    let page = world
        .get(&format!("/triage/{second}"), Some(&agent))
        .await
        .body;
    assert!(page.contains("holds a report that is alike"), "{page}");
    let unknown = [("decision", "join"), ("incident", "i-none")];
    assert_eq!(
        decide(&world, &second, &agent, &unknown).await.status,
        StatusCode::NOT_FOUND
    );
    let join = [("decision", "join"), ("incident", incident.as_str())];
    assert_eq!(
        decide(&world, &second, &agent, &join).await.status,
        StatusCode::SEE_OTHER
    );
    for name in [&first, &second] {
        assert_eq!(state(&world, name).code(), "joined");
    }
    let stack = world.get("/triage?came=people", Some(&agent)).await.body;
    assert!(stack.contains("Nothing waits"), "all is decided");
    let unsound = decide(&world, &second, &agent, &[("decision", "burn")]).await;
    assert_eq!(unsound.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_decide_at_once_one_does_and_the_other_is_told() {
    let world = World::new();
    let name = reported(&world, "two look at this one", |_| {});
    let people: Vec<Person> = (0..4)
        .map(|n| world.person(&format!("agent-{n}"), &["cs_agent"]))
        .collect();
    let page = world
        .get(&format!("/triage/{name}"), Some(&people[0]))
        .await;
    let seen = version(&page.body);
    let fields: Vec<[(&str, &str); 3]> = ["open", "reject", "open", "reject"]
        .map(|d| {
            [
                ("decision", d),
                ("seen", seen.as_str()),
                ("reason", "no danger"),
            ]
        })
        .to_vec();
    let (a, b, c, d) = tokio::join!(
        decide(&world, &name, &people[0], &fields[0]),
        decide(&world, &name, &people[1], &fields[1]),
        decide(&world, &name, &people[2], &fields[2]),
        decide(&world, &name, &people[3], &fields[3]),
    );
    let answers = [a, b, c, d];
    let done = answers.iter().filter(|a| a.status == StatusCode::SEE_OTHER);
    assert_eq!(done.count(), 1, "one decides");
    for late in answers.iter().filter(|a| a.status != StatusCode::SEE_OTHER) {
        assert_eq!(late.status, StatusCode::CONFLICT);
        assert!(
            late.body.contains("somebody changed it since you looked"),
            "{}",
            late.body
        );
    }
    assert!(world.desk.open_incidents().len() <= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_saved_by_staff_never_opened_and_its_reading_recorded() {
    let world = World::new();
    let agent = world.person("agent", &["cs_agent"]);
    let mut upload = world
        .desk
        .uploads()
        .begin("ev\"il.html", world.desk.now())
        .expect("begun");
    upload.write(b"<script>alert(1)</script>").expect("written");
    let file = upload.finish().expect("kept");
    let sha256 = file.attachment.sha256;
    let name = reported(&world, "see the file", |r| r.files = vec![file]);
    let path = format!("/triage/{name}/files/{sha256}");
    assert_eq!(world.get(&path, None).await.status, StatusCode::SEE_OTHER);
    let before = world
        .desk
        .logs()
        .iter()
        .find(|l| l.name == "record")
        .map(|l| l.size);
    let saved = world.get(&path, Some(&agent)).await;
    assert_eq!(saved.status, StatusCode::OK);
    assert_eq!(saved.body, "<script>alert(1)</script>");
    assert_eq!(saved.header("content-type"), "application/octet-stream");
    assert_eq!(saved.header("x-content-type-options"), "nosniff");
    assert!(
        saved
            .header("content-disposition")
            .starts_with("attachment; ")
    );
    assert!(!saved.header("content-disposition").contains("ev\"il"));
    assert!(before.is_some());
    for wrong in ["00", &"0".repeat(64)] {
        let path = format!("/triage/{name}/files/{wrong}");
        assert_eq!(
            world.get(&path, Some(&agent)).await.status,
            StatusCode::NOT_FOUND
        );
    }
}

fn reports_to(world: &World, account: &str, manager: &str) {
    let profile = Profile {
        reports_to: Some(AccountId::new(manager)),
        ..Profile::default()
    };
    let kept = world
        .desk
        .set_profile(&AccountId::new(account), &profile, 0);
    kept.expect("a profile is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_about_a_leader_is_kept_from_them_and_theirs_from_the_first_page_on() {
    let world = World::new();
    let boss = world.person("boss", &["cio"]);
    let below = world.person("below", &["ciso", "security_engineer"]);
    let legal = world.person("legal", &["head_legal"]);
    reports_to(&world, "below", "boss");
    let other = reported(&world, "the canary words of another one", |_| {});
    let name = reported(&world, "they sell the canary customers", |r| {
        r.concerns = "our CIO, Mr. Boss".to_owned();
    });
    // Nobody kept out is paged; whoever stands in for them is.
    let paged: BTreeSet<String> = loop {
        let pages = world
            .desk
            .recent_pages(&world.desk.viewer(&AccountId::new("legal"), &[]))
            .expect("pages");
        let own = pages
            .iter()
            .filter(|p| p.page.id.as_str().starts_with(name.as_str()));
        let own: Vec<_> = own.collect();
        if own.len() as u32
            == world
                .desk
                .report_named(&name)
                .expect("read")
                .expect("there")
                .paged
        {
            break own
                .iter()
                .flat_map(|p| p.page.receivers.iter().map(|r| r.who.clone()))
                .collect();
        }
        world
            .desk
            .wait_for_change(0, std::time::Duration::from_millis(50));
    };
    assert!(
        !paged.contains("boss") && !paged.contains("below"),
        "{paged:?}"
    );
    assert!(paged.contains("legal"), "{paged:?}");

    let report = format!("/triage/{name}");
    for who in [&boss, &below] {
        for path in ["/triage", "/", "/outbox", "/call-out", "/api/v1/triage"] {
            let page = world.get(path, Some(who)).await;
            assert!(!page.body.contains(name.as_str()), "{path} betrays it");
            assert!(!page.body.contains("sell the canary"), "{path} betrays it");
        }
        assert_eq!(
            world.get(&report, Some(who)).await.status,
            StatusCode::NOT_FOUND
        );
        for fields in [
            &[("decision", "open")][..],
            &[("decision", "reject"), ("reason", "nothing")],
            &[("decision", "ask"), ("text", "who are you?")],
        ] {
            let refused = decide(&world, &name, who, fields).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND);
        }
        let twin = [("decision", "duplicate"), ("of", name.as_str())];
        let refused = decide(&world, &other, who, &twin).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
        let suggested = world.get(&format!("/triage/{other}"), Some(who)).await;
        assert!(!suggested.body.contains(name.as_str()));
    }
    // An incident that they see does not take it; one opened from it is kept from them too.
    let shared = decide(&world, &other, &legal, &[("decision", "open")]).await;
    let shared = shared
        .location()
        .trim_start_matches("/incidents/")
        .to_owned();
    let join = [("decision", "join"), ("incident", shared.as_str())];
    assert_eq!(
        decide(&world, &name, &legal, &join).await.status,
        StatusCode::CONFLICT
    );
    let opened = decide(&world, &name, &legal, &[("decision", "open")]).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.body);
    let path = opened.location().to_owned();
    for who in [&boss, &below] {
        assert_eq!(
            world.get(&path, Some(who)).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            world.get(&report, Some(who)).await.status,
            StatusCode::NOT_FOUND
        );
    }
    assert_eq!(world.get(&path, Some(&legal)).await.status, StatusCode::OK);
    let id = model::IncidentId::new(path.trim_start_matches("/incidents/"));
    let incident = world.desk.incident(&id).expect("there");
    let cio = world.desk.holders_in(&incident, &PositionId::new("cio"));
    assert_eq!(
        cio.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(),
        ["legal"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_read_the_stack_and_decide_once() {
    let world = World::new();
    let agent = world.person("agent", &["cs_agent"]);
    let name = reported(&world, "for a program", |_| {});
    let stack = world.get("/api/v1/triage?came=people", Some(&agent)).await;
    let stack: Value = serde_json::from_str(&stack.body).expect("JSON");
    assert_eq!(stack["items"][0]["report"], json!(name));
    let ask = |key: &str, body: Value| {
        Request::post(format!("/api/v1/reports/{name}/decisions"))
            .header("cookie", &agent.cookie)
            .header("x-csrf-token", &agent.csrf)
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Body::from(body.to_string()))
            .expect("a request")
    };
    let reject = json!({ "decision": { "decision": "reject" }, "reason": "no danger" });
    for _ in 0..2 {
        let done = world.send(ask("key-1", reject.clone())).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.body);
        assert!(done.body.contains("\"rejected\""));
    }
    let stale = json!({ "decision": { "decision": "open" }, "seen": 1 });
    assert_eq!(
        world.send(ask("key-2", stale)).await.status,
        StatusCode::CONFLICT
    );
    let more = json!({ "decision": { "decision": "open", "as": "root" } });
    let refused = world.send(ask("key-3", more)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}
