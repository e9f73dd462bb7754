//! What a token may be used for: on every route of the API, whoever its owner is.

use crate::world::{Answer, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use desk::identity::Collected;
use desk::identity::api_token::{NewToken, Scope, TokenOutcome};
use model::{AccountId, Actor, Operation, PositionId, RequestId};
use serde_json::{Value, json};
use web::roles::{Needs, Verb, all};

/// A token of somebody who holds every position, which a second person allowed where it acts.
pub fn token(world: &World, owner: &str, scopes: &[Scope]) -> String {
    let plan = world.desk.plan();
    let positions: Vec<PositionId> = plan.positions.iter().map(|p| p.id.clone()).collect();
    let second = format!("second-to-{owner}");
    let (_, _) = (world.everything(owner), world.everything(&second));
    let by = |account: &str| Operation {
        actor: Actor::Person {
            account: AccountId::new(account),
            name: account.to_owned(),
            positions: positions.clone(),
        },
        reason: "a program".to_owned(),
        request: RequestId::new(format!("token-{account}")),
        now: world.desk.now(),
    };
    let asked = NewToken {
        name: owner.to_owned(),
        scopes: scopes.to_vec(),
        days: 1,
    };
    let outcome = (world.desk).new_token(&by(owner), asked);
    let proposal = match outcome.expect("a token is asked for") {
        TokenOutcome::Made(token) => return token,
        TokenOutcome::Proposed(proposal) => proposal,
    };
    (world.desk)
        .approve_account_proposal(&by(&second), &proposal.id)
        .expect("another person allows it");
    let collected = (world.desk).collect_account_proposal(&by(owner), &proposal.id);
    match collected.expect("its owner collects it") {
        Collected::Token(token) => token,
        Collected::Codes(_) => panic!("a token was asked for"),
    }
}

async fn post(world: &World, token: &str, path: &str, body: &Value) -> Answer {
    let key = format!("key-{}", world.desk.now().0);
    let request = Request::post(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .header("if-match", "*")
        .body(Body::from(body.to_string()));
    world.send(request.expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_only_reads_changes_nothing_on_any_route() {
    let world = World::new();
    let id = world.attacked();
    let reader = token(&world, "reader", &[Scope::Read, Scope::Export]);
    let before = world.desk.incident(&id).expect("there").next_sequence;
    let decision =
        json!({ "command": "record_decision", "topic": { "topic": "general" }, "text": "pay" });
    // Where a body decides what is done, one that would do something.
    let bodies = [
        ("/commands", json!({ "command": decision })),
        ("/acts", json!({ "act": "audit" })),
        ("/assessment", json!({ "facts": {} })),
        ("/pages/answer", json!({ "code": "000000" })),
    ];
    let mut tried = 0;
    for row in all().filter(|r| r.verb == Verb::Post && r.path.starts_with("/api/")) {
        if row.needs == Needs::Public {
            continue;
        }
        let path = row.path.replace("{id}", id.as_str());
        let path: String = (path.split('/'))
            .map(|part| if part.starts_with('{') { "none" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let body = bodies.iter().find(|(end, _)| path.ends_with(end));
        let body = body.map_or_else(|| json!({}), |(_, body)| body.clone());
        let answer = post(&world, &reader, &path, &body).await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{path}: {}",
            answer.body
        );
        tried += 1;
    }
    assert!(tried > 40, "{tried} routes");
    assert_eq!(
        world.desk.incident(&id).expect("there").next_sequence,
        before
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_gives_the_commands_of_its_scopes_and_no_others() {
    let world = World::new();
    let id = world.attacked();
    let path = |end: &str| format!("/api/v1/incidents/{id}/{end}");
    let decision = |topic: Value| json!({ "command": { "command": "record_decision", "topic": topic, "text": "so be it" } });
    let general = decision(json!({ "topic": "general" }));
    let accept = decision(json!({ "topic": "accept_open_rows" }));
    let audit = json!({ "act": "audit" });
    let code = json!({ "code": "000000" });
    let (no, yes) = (StatusCode::FORBIDDEN, StatusCode::OK);
    let wrong_code = StatusCode::UNPROCESSABLE_ENTITY;
    let commands = path("commands");
    let cases = [
        (Scope::ActNotice, "notices", [no, no, no, no]),
        (Scope::ActIncident, "incidents", [yes, no, no, wrong_code]),
        (Scope::ActContainment, "holds", [no, no, yes, no]),
        (Scope::Report, "reports", [no, no, no, no]),
    ];
    for (scope, owner, expected) in cases {
        let token = token(&world, owner, &[Scope::Read, scope]);
        let asked = [
            (commands.as_str(), &general),
            (commands.as_str(), &accept),
            (&path("acts"), &audit),
            ("/api/v1/pages/answer", &code),
        ];
        for ((to, body), status) in asked.into_iter().zip(expected) {
            let answer = post(&world, &token, to, body).await;
            assert_eq!(answer.status, status, "{owner} {body}: {}", answer.body);
        }
    }
    let both = token(
        &world,
        "both",
        &[Scope::Read, Scope::ActIncident, Scope::ActContainment],
    );
    let answer = post(&world, &both, &commands, &accept).await;
    assert_eq!(answer.status, yes, "{}", answer.body);
    // People have no scopes: who may only look is told by their positions.
    let looker = world.person("looker", &["auditor"]);
    let headers = [
        ("idempotency-key", "a"),
        ("if-match", "*"),
        ("x-csrf-token", looker.csrf.as_str()),
    ];
    let (acts, audit) = (path("acts"), audit.to_string());
    let answer = world.post_json(&acts, &looker, &headers, &audit).await;
    assert_eq!(answer.status, no, "{}", answer.body);
}

/// Files and the stream answer programs as they are; pages do not, and the browser's session is not
/// asked where a program came with a token.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_files_to_take_along_and_no_page() {
    let world = World::new();
    let id = world.attacked();
    let report = world.report("odd payouts");
    let scopes = [Scope::Read, Scope::Export, Scope::Report];
    let reader = token(&world, "reader", &scopes);
    let person = world.everything("person");
    let get = |path: &str, bearer: &str| {
        let request = Request::get(path)
            .header("cookie", person.cookie.as_str())
            .header("authorization", format!("Bearer {bearer}"));
        world.send(request.body(Body::empty()).expect("a request"))
    };
    let mut files = 0;
    for row in all().filter(|r| r.verb == Verb::Get && r.open_to_tokens()) {
        let path = row.path.replace("{id}", id.as_str());
        if path.starts_with("/api/") {
            continue;
        }
        let path = (path.replace("{format}", "html"))
            .replace("{*rest}", "root/checkpoint")
            .replace("{receipt}", report.as_str())
            .replace("/evidence/proof", "/evidence/proof?log=record&entry=0");
        let told = get(&path, "no-such-token").await;
        let public = told.status != StatusCode::UNAUTHORIZED;
        assert!(
            !public || told.status == StatusCode::NOT_FOUND,
            "{path}: {}",
            told.status
        );
        let opened = get(&path, &reader).await;
        // The report has no files; a door that is shut would say 401 or 403.
        let wanted = match row.path {
            "/triage/{receipt}/files/{file}" => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        };
        assert_eq!(opened.status, wanted, "{path}: {}", opened.body);
        files += 1;
    }
    assert_eq!(files, 7);
    let csv = get(&format!("/incidents/{id}/timeline/csv"), &reader).await;
    assert_eq!(
        (csv.status, csv.body.contains("sequence")),
        (StatusCode::OK, true)
    );
    // A page is a person's: the token is not looked at, the session is.
    let page = get(&format!("/incidents/{id}"), "no-such-token").await;
    assert_eq!(page.status, StatusCode::OK);
    let bare = Request::get(format!("/incidents/{id}"))
        .header("authorization", format!("Bearer {reader}"))
        .body(Body::empty());
    let bare = world.send(bare.expect("a request")).await;
    assert_eq!(bare.status, StatusCode::SEE_OTHER, "{}", bare.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn triage_decisions_and_lessons_are_read_as_the_pages_show_them() {
    let world = World::new();
    let id = world.attacked();
    let report = world.report("odd payouts");
    let asker = token(
        &world,
        "asker",
        &[Scope::Read, Scope::Report, Scope::ActIncident],
    );
    let get = |path: String| {
        let request = Request::get(path).header("authorization", format!("Bearer {asker}"));
        let request = request.body(Body::empty()).expect("a request");
        async { serde_json::from_str::<Value>(&world.send(request).await.body).expect("JSON") }
    };
    let read = get(format!("/api/v1/triage/{report}")).await;
    assert_eq!(read["what"], "odd payouts");
    assert_eq!(read["state"], "received");
    let seen = read["version"].as_u64().expect("a version");
    let path = format!("/api/v1/reports/{report}/decisions");
    let ask = json!({ "decision": { "decision": "ask", "text": "which orders?" }, "seen": seen });
    let asked = post(&world, &asker, &path, &ask).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.body);
    let read = get(format!("/api/v1/triage/{report}")).await;
    assert!(read["version"].as_u64() > Some(seen));
    assert_eq!(read["messages"][0]["text"], "which orders?");

    let person = world.everything("person");
    let form = |name: &str| format!("/incidents/{id}/do/{name}");
    let decide = [("topic", "general"), ("text", "payouts stay frozen")];
    world
        .post(&form("record-decision"), Some(&person), &decide)
        .await;
    let learn = [
        ("text", "two people sign"),
        ("measure", ""),
        ("owner", "ciso"),
        ("measure_days", "3"),
    ];
    world
        .post(&form("record-lesson"), Some(&person), &learn)
        .await;
    for (list, text) in [
        ("decisions", "payouts stay frozen"),
        ("lessons", "two people sign"),
    ] {
        let items = get(format!("/api/v1/incidents/{id}/{list}")).await;
        assert_eq!(items["items"][0]["text"], text, "{items}");
    }
}

/// A monitoring script that hands reports in is not thereby a reader of all reports.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_reports_reads_no_reports() {
    let world = World::new();
    let report = world.report("odd payouts");
    let only = token(&world, "script", &[Scope::Report]);
    let reader = token(&world, "reader", &[Scope::Report, Scope::Read]);
    let get = |path: &str, bearer: &str| {
        let request = Request::get(path).header("authorization", format!("Bearer {bearer}"));
        world.send(request.body(Body::empty()).expect("a request"))
    };
    let one = format!("/api/v1/triage/{report}");
    for path in ["/api/v1/triage", &one] {
        assert_eq!(
            get(path, &only).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        assert_eq!(get(path, &reader).await.status, StatusCode::OK, "{path}");
    }
    let file = format!("/triage/{report}/files/none");
    assert_eq!(get(&file, &reader).await.status, StatusCode::FORBIDDEN);
    let taker = token(&world, "taker", &[Scope::Report, Scope::Export]);
    assert_eq!(get(&file, &taker).await.status, StatusCode::NOT_FOUND);
    let opens = Request::post(format!("/api/v1/reports/{report}/incident"))
        .header("authorization", format!("Bearer {only}"))
        .header("content-type", "application/json")
        .header("idempotency-key", "open-it")
        .body(Body::from("{}"));
    let opened = world.send(opens.expect("a request")).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
}
