//! Call-out, settings and one's own account through the API: secrets are shown once, what was
//! changed meanwhile is told, and managing accounts is no token's.

use crate::world::{Answer, Person, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use desk::identity::Collected;
use desk::identity::api_token::{NewToken, Scope, TokenOutcome};
use model::{AccountId, Actor, Operation, PositionId, RequestId};
use serde_json::{Value, json};

async fn post(world: &World, who: &Person, path: &str, key: &str, body: &Value) -> Answer {
    at(world, who, path, key, "*", body).await
}

async fn at(
    world: &World,
    who: &Person,
    path: &str,
    key: &str,
    version: &str,
    body: &Value,
) -> Answer {
    let request = Request::post(path)
        .header("cookie", &who.cookie)
        .header("x-csrf-token", &who.csrf)
        .header("content-type", "application/json")
        .header("if-match", version)
        .header("idempotency-key", key);
    let request = request.body(Body::from(body.to_string()));
    world.send(request.expect("a request")).await
}

async fn read(world: &World, who: &Person, path: &str) -> Value {
    let answer = world.get(path, Some(who)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    json_of(&answer)
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_invited_changed_and_disabled_with_four_eyes() {
    let world = World::new();
    let admin = world.person("admin", &["sysadmin"]);
    let second = world.person("second", &["sysadmin"]);
    let agent = world.person("agent", &["cs_agent"]);
    let new = json!({ "account": "li", "name": "<b>Li</b>", "positions": ["cs_agent"] });
    let refused = post(&world, &agent, "/api/v1/people", "k0", &new).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let made = post(&world, &admin, "/api/v1/people", "k1", &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let link = json_of(&made)["link"].as_str().expect("a link").to_owned();
    assert!(link.contains("/welcome?token="));
    let again = post(&world, &admin, "/api/v1/people", "k1", &new).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert!(!again.body.contains("token="), "shown once: {}", again.body);
    let taken = post(&world, &admin, "/api/v1/people", "k2", &new).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(json_of(&taken)["type"], "urn:balefire:problem:name");

    let found = read(&world, &admin, "/api/v1/people?q=LI&limit=1").await;
    assert_eq!(found["items"][0]["id"], "li");
    assert_eq!(found["items"][0]["state"], "invited");
    let all = read(&world, &admin, "/api/v1/people?limit=1").await;
    let next = all["next"].as_str().expect("more");
    let rest = read(
        &world,
        &admin,
        &format!("/api/v1/people?limit=9&cursor={next}"),
    )
    .await;
    let rest = rest["items"].as_array().expect("items");
    assert!(rest.iter().all(|p| p["id"] != all["items"][0]["id"]));

    let path = "/api/v1/people/li/positions";
    let unseen = json!({ "positions": ["sysadmin"], "held": ["cio"] });
    let unseen = post(&world, &admin, path, "k3-unseen", &unseen).await;
    assert_eq!(unseen.status, StatusCode::CONFLICT, "{}", unseen.body);
    assert_eq!(json_of(&unseen)["type"], "urn:balefire:problem:changed");
    let positions = json!({ "positions": ["sysadmin"], "held": ["cs_agent"] });
    let asked = post(&world, &admin, path, "k3", &positions).await;
    let proposal = json_of(&asked)["proposal"].as_str().map(str::to_owned);
    let proposal = proposal.unwrap_or_else(|| panic!("by two: {}", asked.body));
    let approve = format!("/api/v1/account-proposals/{proposal}/approve");
    let own = post(&world, &admin, &approve, "k4", &json!({})).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN, "{}", own.body);
    let done = post(&world, &second, &approve, "k5", &json!({})).await;
    assert_eq!(json_of(&done)["state"], "done", "{}", done.body);
    let person = world.get("/api/v1/people/li", Some(&admin)).await;
    assert_eq!(json_of(&person)["positions"], json!(["sysadmin"]));

    let profile =
        json!({ "name": "Li", "reports_to": "admin", "profile": { "mail": "li@shop.example" } });
    let (etag, path) = (person.header("etag"), "/api/v1/people/li/profile");
    let saved = at(&world, &admin, path, "k6", etag, &profile).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let late = at(&world, &second, path, "k7", "\"77\"", &profile).await;
    assert_eq!(
        late.status,
        StatusCode::PRECONDITION_FAILED,
        "{}",
        late.body
    );
    let person = world.get("/api/v1/people/li", Some(&admin)).await;
    assert_eq!(json_of(&person)["profile"]["reports_to"], "admin");
    // What is left out stays, so that nobody drops out of need-to-know by a form of their own.
    let mut body = json!({ "name": "Li", "profile": { "mail": "li2@shop.example" } });
    let saved = at(
        &world,
        &admin,
        path,
        "k6-kept",
        person.header("etag"),
        &body,
    )
    .await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let person = world.get("/api/v1/people/li", Some(&admin)).await;
    assert_eq!(json_of(&person)["profile"]["reports_to"], "admin");
    body["reports_to"] = Value::Null;
    let saved = at(
        &world,
        &admin,
        path,
        "k6-nobody",
        person.header("etag"),
        &body,
    )
    .await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let person = read(&world, &admin, "/api/v1/people/li").await;
    assert_eq!(person["profile"]["reports_to"], Value::Null);
    let gone = post(
        &world,
        &second,
        "/api/v1/people/agent/disable",
        "k8",
        &json!({}),
    )
    .await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.body);
    let after = world.get("/api/v1/session", Some(&agent)).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_makes_no_other() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    let body = json!({ "name": "reader", "scopes": ["read"], "days": 30 });
    let made = post(&world, &ciso, "/api/v1/tokens", "t1", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let token = json_of(&made)["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let again = post(&world, &ciso, "/api/v1/tokens", "t1", &body).await;
    assert!(!again.body.contains(&token), "{}", again.body);
    let unknown = json!({ "name": "x", "scopes": ["everything"], "days": 30 });
    let unknown = post(&world, &ciso, "/api/v1/tokens", "t2", &unknown).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);

    let acting = acting_token(&world);
    for (path, body) in [
        ("/api/v1/tokens", &body),
        ("/api/v1/account/end-other-sessions", &json!({})),
        ("/api/v1/people/ciso/disable", &json!({})),
        (
            "/api/v1/people",
            &json!({ "account": "x", "name": "x", "positions": [] }),
        ),
    ] {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {acting}"))
            .header("content-type", "application/json")
            .header("idempotency-key", "t3")
            .body(Body::from(body.to_string()));
        let answer = world.send(request.expect("a request")).await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{path}: {}",
            answer.body
        );
    }
    let tokens = read(&world, &ciso, "/api/v1/tokens").await;
    let mut tokens = tokens["items"].as_array().expect("items").iter();
    let reader = tokens.find(|t| t["name"] == "reader").expect("listed");
    let id = reader["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/tokens/{id}/revoke");
    let revoked = post(&world, &ciso, &path, "t4", &json!({})).await;
    assert_eq!(revoked.status, StatusCode::OK, "{}", revoked.body);
    assert!(world.desk.session_of_token(&token).unwrap().is_none());
    let twice = post(&world, &ciso, &path, "t5", &json!({})).await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
}

/// A token that acts, of somebody who manages accounts.
fn acting_token(world: &World) -> String {
    world.person("operator", &["sysadmin"]);
    world.person("other", &["sysadmin"]);
    let by = |account: &str| Operation {
        actor: Actor::Person {
            account: AccountId::new(account),
            name: account.to_owned(),
            positions: vec![PositionId::new("sysadmin")],
        },
        reason: "a program".to_owned(),
        request: RequestId::new(format!("token-{account}")),
        now: world.desk.now(),
    };
    let asked = NewToken {
        name: "acts".to_owned(),
        scopes: Scope::ALL.to_vec(),
        days: 1,
    };
    let TokenOutcome::Proposed(proposal) =
        (world.desk.new_token(&by("operator"), asked)).expect("asked")
    else {
        panic!("a token that acts wants two persons");
    };
    (world
        .desk
        .approve_account_proposal(&by("other"), &proposal.id))
    .expect("approved");
    let collected = world
        .desk
        .collect_account_proposal(&by("operator"), &proposal.id);
    match collected.expect("collected") {
        Collected::Token(token) => token,
        Collected::Codes(_) => panic!("a token was asked for"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rota_is_edited_by_whoever_saw_it_last() {
    let world = World::new();
    let lead = world.everything("lead");
    let agent = world.person("agent", &["cs_agent"]);
    let schedule = json!({
        "title": "Night", "covers": { "kind": "position", "id": "ciso" },
        "time_zone": "Asia/Shanghai",
        "layers": [{
            "every": { "unit": "weeks", "n": 1 }, "from": "2026-01-05", "hand_over": "08:00",
            "weekday": 1, "participants": ["lead"],
        }],
    });
    let refused = post(&world, &agent, "/api/v1/schedules", "s0", &schedule).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let made = post(&world, &lead, "/api/v1/schedules", "s1", &schedule).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let id = json_of(&made)["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/schedules/{id}");
    let seen = world.get(&path, Some(&lead)).await;
    let kept = json_of(&seen);
    assert_eq!(kept["shifts"][0]["duty"]["who"], "lead");
    let mut changed = kept["schedule"].clone();
    changed["title"] = json!("Night and day");
    let saved = at(&world, &lead, &path, "s2", seen.header("etag"), &changed).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let late = at(&world, &lead, &path, "s3", seen.header("etag"), &changed).await;
    assert_eq!(
        late.status,
        StatusCode::PRECONDITION_FAILED,
        "{}",
        late.body
    );
    let mut wrong = changed.clone();
    wrong["time_zone"] = json!("Shanghai");
    let wrong = at(&world, &lead, &path, "s4", "*", &wrong).await;
    assert_eq!(
        wrong.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        wrong.body
    );
    let duty = read(&world, &lead, "/api/v1/duty").await;
    let places = duty["items"].as_array().expect("places");
    let ciso = places
        .iter()
        .find(|p| p["position"] == "ciso")
        .expect("the place");
    assert_eq!(
        (&ciso["people"], &ciso["scheduled"]),
        (&json!(["lead"]), &json!(true))
    );

    let now = world.desk.now();
    let span = json!({ "from": now, "to": now.plus_s(3_600) });
    let away = post(&world, &lead, "/api/v1/absences", "s5", &span).await;
    assert_eq!(away.status, StatusCode::CREATED, "{}", away.body);
    let others = json!({ "who": "lead", "from": now, "to": now.plus_s(60) });
    let others = post(&world, &agent, "/api/v1/absences", "s6", &others).await;
    assert_eq!(others.status, StatusCode::FORBIDDEN, "{}", others.body);
    let all = read(&world, &agent, "/api/v1/absences").await;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(1));
    let end = json!({ "from": now });
    let ended = post(&world, &lead, "/api/v1/absences/end", "s7", &end).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    let none = post(&world, &lead, "/api/v1/absences/end", "s8", &end).await;
    assert!(none.status.is_client_error(), "{}", none.body);
    let retired = post(&world, &lead, &format!("{path}/retire"), "s9", &json!({})).await;
    assert_eq!(retired.status, StatusCode::OK, "{}", retired.body);
    let all = read(&world, &lead, "/api/v1/schedules").await;
    assert_eq!(all["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_parts_say_is_what_the_pages_say() {
    let world = World::new();
    let id = world.attacked();
    let all = world.everything("everything");
    let clerk = world.person("clerk", &["cs_agent"]);
    let here = format!("/api/v1/incidents/{id}");
    let note = json!({ "text": "the bank calls back" });
    let said = post(&world, &all, &format!("{here}/notes"), "p1", &note).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.body);
    let notes = read(&world, &all, &format!("{here}/notes")).await;
    assert_eq!(notes["items"][0]["text"], "the bank calls back");
    for part in [
        "handovers",
        "resources",
        "guests",
        "notices",
        "filings",
        "evidence",
        "briefs",
    ] {
        let items = read(&world, &all, &format!("{here}/{part}")).await;
        assert_eq!(items["items"], json!([]), "{part}");
    }
    let forbidden = world.get(&format!("{here}/access"), Some(&clerk)).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
    let found = read(&world, &all, &format!("{here}/findings")).await;
    let finding = found["items"][0]["id"].as_str().expect("a finding");
    let about = format!("/api/v1/investigation?about=finding&id={finding}");
    let told = read(&world, &all, &about).await;
    assert!(told.is_object() && told["source"].is_string(), "{told}");
    let nothing = world.get("/api/v1/investigation", Some(&all)).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    let keep = json!({ "question": { "about": "finding", "id": finding } });
    let kept = post(&world, &all, &format!("{here}/investigation"), "p2", &keep).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.body);
    let evidence = read(&world, &all, &format!("{here}/evidence")).await;
    assert_eq!(evidence["items"].as_array().map(Vec::len), Some(1));
    let plan = read(&world, &clerk, "/api/v1/plan").await;
    assert_eq!(plan["groups"].as_array().map(Vec::len), Some(4));
    let wrong = json!({ "code": "000000" });
    let wrong = post(&world, &all, "/api/v1/pages/answer", "p3", &wrong).await;
    assert_eq!(
        wrong.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        wrong.body
    );
    let nowhere = json!({ "on": false });
    let nowhere = post(&world, &all, "/api/v1/channels/none/switch", "p4", &nowhere).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND, "{}", nowhere.body);
    let profile = json!({ "mail": "me@shop.example", "time_zone": "Nowhere" });
    let profile = post(&world, &all, "/api/v1/account/profile", "p5", &profile).await;
    assert_eq!(
        profile.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        profile.body
    );
}
