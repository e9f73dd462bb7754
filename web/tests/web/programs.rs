//! The API as programs use it: sent twice acts once, what was changed meanwhile is told, lists
//! come in pages, and what is not asked for is refused.

use crate::world::{Answer, Person, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use model::IncidentId;
use serde_json::{Value, json};

struct Program {
    world: World,
    id: IncidentId,
    who: Person,
}

impl Program {
    fn begin() -> Self {
        let world = World::new();
        let id = world.attacked();
        let who = world.everything("program");
        Self { world, id, who }
    }

    fn commands(&self) -> String {
        format!("/api/v1/incidents/{}/commands", self.id)
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::post(path)
            .header("cookie", &self.who.cookie)
            .header("x-csrf-token", &self.who.csrf)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Body::from(body.to_owned());
        self.world
            .send(request.body(body).expect("a request"))
            .await
    }

    /// A note for the record, with a key and whatever version.
    async fn decide(&self, key: &str, version: &str, text: &str) -> Answer {
        let headers = [("idempotency-key", key), ("if-match", version)];
        self.post(&self.commands(), &headers, &decision(text)).await
    }

    fn decisions(&self) -> usize {
        let incident = self.world.desk.incident(&self.id).expect("there");
        incident.decisions.len()
    }

    async fn get(&self, path: &str) -> Answer {
        self.world.get(path, Some(&self.who)).await
    }
}

/// What it is called, its headers, its body, and the status that it gets.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], String, u16);

fn decision(text: &str) -> String {
    let command =
        json!({ "command": "record_decision", "topic": { "topic": "general" }, "text": text });
    json!({ "command": command, "reason": "for the record" }).to_string()
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_twice_acts_once() {
    let case = Program::begin();
    let first = case.decide("\"key-1\"", "*", "stop the refunds").await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let again = case.decide("key-1", "*", "stop the refunds").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("etag"), first.header("etag"));
    let other = case.decide("key-1", "*", "another text").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(case.decisions(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_parallel_requests_with_one_key_one_acts() {
    let case = Program::begin();
    let tries = (0..100).map(|_| case.decide("one-key", "*", "freeze the payouts"));
    let answers = futures_util::future::join_all(tries).await;
    for answer in &answers {
        let known = [StatusCode::OK, StatusCode::CONFLICT];
        assert!(
            known.contains(&answer.status),
            "{}: {}",
            answer.status,
            answer.body
        );
    }
    assert!(answers.iter().any(|a| a.status == StatusCode::OK));
    assert_eq!(case.decisions(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_meanwhile_is_never_overwritten() {
    let case = Program::begin();
    let path = format!("/api/v1/incidents/{}", case.id);
    let seen = case.get(&path).await;
    let etag = seen.header("etag").to_owned();
    assert_eq!(format!("\"{}\"", body(&seen)["version"]), etag);
    let keys: Vec<String> = (0..20).map(|n| format!("writer-{n}")).collect();
    let tries = keys.iter().map(|key| case.decide(key, &etag, key));
    let answers = futures_util::future::join_all(tries).await;
    let won = answers
        .iter()
        .filter(|a| a.status == StatusCode::OK)
        .count();
    let lost = answers
        .iter()
        .filter(|a| a.status == StatusCode::PRECONDITION_FAILED);
    assert_eq!((won, lost.count()), (1, 19));
    assert_eq!(case.decisions(), 1);
    let request = Request::get(&path)
        .header("cookie", &case.who.cookie)
        .header(
            "if-none-match",
            answers
                .iter()
                .find(|a| a.status == StatusCode::OK)
                .expect("one won")
                .header("etag"),
        )
        .body(Body::empty());
    let unchanged = case.world.send(request.expect("a request")).await;
    assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_too_much_is_named() {
    let case = Program::begin();
    let path = case.commands();
    let (key, any) = (("idempotency-key", "k"), ("if-match", "*"));
    let extra = json!({ "command": { "command": "start_watch", "by": "somebody" } }).to_string();
    let owned = json!({ "command": { "command": "start_watch" }, "sequence": 4 }).to_string();
    let system = json!({ "command": { "command": "escalate", "call": 1 } }).to_string();
    let cases: [Case<'_>; 9] = [
        ("no key", &[any], decision("x"), 400),
        ("no version", &[key], decision("x"), 428),
        (
            "a version of long ago",
            &[key, ("if-match", "\"0\"")],
            decision("x"),
            412,
        ),
        (
            "a tag of somebody else",
            &[key, ("if-match", "\"abc\"")],
            decision("x"),
            412,
        ),
        ("an unknown field of the command", &[key, any], extra, 422),
        ("a field that the program owns", &[key, any], owned, 422),
        ("a command of the program itself", &[key, any], system, 403),
        ("no JSON", &[key, any], "{".to_owned(), 400),
        ("too deep", &[key, any], "[".repeat(10_000), 400),
    ];
    for (name, headers, text, status) in cases {
        let answer = case.post(&path, headers, &text).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.body);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{name}"
        );
        assert_eq!(body(&answer)["status"], json!(status), "{name}");
    }
    let form = [("content-type", "text/plain"), key, any];
    let request = Request::post(&path).header("cookie", &case.who.cookie);
    let request = form.iter().fold(
        request.header("x-csrf-token", &case.who.csrf),
        |r, (n, v)| r.header(*n, *v),
    );
    let sent = case
        .world
        .send(request.body(Body::from(decision("x"))).expect("a request"))
        .await;
    assert_eq!(sent.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // Another site's page can send neither the header nor JSON.
    let request = Request::post(&path)
        .header("cookie", &case.who.cookie)
        .header("content-type", "application/json")
        .header("idempotency-key", "k")
        .header("if-match", "*");
    let forged = case
        .world
        .send(request.body(Body::from(decision("x"))).expect("a request"))
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert_eq!(case.decisions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_that_lead_to_the_end() {
    let case = Program::begin();
    for n in 0..7 {
        let answer = case
            .decide(&format!("n-{n}"), "*", &format!("decision {n}"))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    let mut path = format!("/api/v1/incidents/{}/timeline?limit=5", case.id);
    let mut seen = Vec::new();
    loop {
        let answer = case.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let page = body(&answer);
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 5);
        seen.extend(
            items
                .iter()
                .map(|i| i["sequence"].as_u64().expect("a number")),
        );
        let link = answer.header("link");
        assert_eq!(link.is_empty(), page["next"].is_null());
        match link.strip_prefix('<').and_then(|l| l.split_once('>')) {
            Some((next, _)) => path = next.to_owned(),
            None => break,
        }
    }
    let incident = case.world.desk.incident(&case.id).expect("there");
    let all: Vec<u64> = incident
        .timeline
        .iter()
        .map(|l| u64::from(l.sequence))
        .collect();
    assert_eq!(seen, all);
    for wrong in [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=%25",
        "cursor=QUJD",
    ] {
        let answer = case.get(&format!("/api/v1/incidents?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_puts_words_on_the_record_once_with_both_times() {
    let program = Program::begin();
    let path = format!("/api/v1/incidents/{}/notes", program.id);
    let said_at = program.world.desk.now().plus_s(-3_600);
    let words = json!({
        "text": "@cio the bank confirms",
        "mark": "decision",
        "said": { "by": "<b>Wang</b>", "place": "Feishu", "at": said_at },
    })
    .to_string();
    let key = [("idempotency-key", "msg-1")];
    let first = program.post(&path, &key, &words).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    let second = program.post(&path, &key, &words).await;
    assert_eq!((second.status, &second.body), (first.status, &first.body));
    let incident = program.world.desk.incident(&program.id).expect("there");
    let [note] = &incident.room.notes[..] else {
        panic!("{:?}", incident.room.notes)
    };
    assert_eq!(note.at(), said_at);
    assert!(note.signed.at > said_at, "recorded later than it was said");
    assert_eq!(note.mentions.len(), 1);
    let line = incident.timeline.last().expect("a line");
    assert_eq!((line.at, line.recorded_at), (said_at, note.signed.at));

    let cases: &[Case<'_>] = &[
        ("no key", &[], words.clone(), 400),
        ("empty", &[("idempotency-key", "a")], json!({ "text": " " }).to_string(), 422),
        ("long", &[("idempotency-key", "b")], json!({ "text": "x".repeat(2_001) }).to_string(), 422),
        ("unknown field", &[("idempotency-key", "c")], json!({ "text": "x", "by": "me" }).to_string(), 422),
        ("not yet said", &[("idempotency-key", "d")], json!({ "text": "x", "said": { "by": "Wang", "at": program.world.desk.now().plus_s(7_200) } }).to_string(), 422),
        ("no such note", &[("idempotency-key", "e")], json!({ "text": "x", "corrects": 77 }).to_string(), 404),
    ];
    for (name, headers, body, status) in cases {
        let answer = program.post(&path, headers, body).await;
        assert_eq!(answer.status.as_u16(), *status, "{name}: {}", answer.body);
    }
    let incident = program.world.desk.incident(&program.id).expect("there");
    assert_eq!(
        incident.room.notes.len(),
        1,
        "what is refused leaves no word"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_splits_an_incident_and_merges_it_back_once_each() {
    let program = Program::begin();
    let here = format!("/api/v1/incidents/{}", program.id);
    let seen = program.get(&here).await.header("etag").to_owned();
    let found = body(&program.get(&format!("{here}/findings")).await);
    let finding = found["items"][0]["id"].as_str().expect("a finding");
    let apart = json!({ "findings": [finding], "reason": "another attacker" }).to_string();
    let split = format!("{here}/split");
    let late = [("idempotency-key", "late"), ("if-match", "\"1\"")];
    let refused = program.post(&split, &late, &apart).await;
    assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED);
    let now = [("idempotency-key", "apart"), ("if-match", seen.as_str())];
    let first = program.post(&split, &now, &apart).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    let again = program.post(&split, &now, &apart).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    let new = body(&first)["id"].as_str().expect("an id").to_owned();
    assert_eq!(program.world.desk.open_incidents().len(), 2);

    let back = format!("/api/v1/incidents/{new}/merge");
    let into = |id: &str| json!({ "into": id, "reason": "one after all" }).to_string();
    let any = ("if-match", "*");
    for (key, to, status) in [
        ("nowhere", "i-none", StatusCode::NOT_FOUND),
        ("itself", new.as_str(), StatusCode::CONFLICT),
        ("back", program.id.as_str(), StatusCode::OK),
    ] {
        let headers = [("idempotency-key", key), any];
        let answer = program.post(&back, &headers, &into(to)).await;
        assert_eq!(answer.status, status, "{to}: {}", answer.body);
    }
    let open = program.world.desk.open_incidents();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].id, program.id);
    assert_eq!(open[0].joining.absorbed[0].incident.as_str(), new);
}
