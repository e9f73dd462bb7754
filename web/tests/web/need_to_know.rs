//! An incident about somebody is not there for them, nor for whoever reports to them: every route
//! of the product is walked as these people.

use crate::world::{Answer, Person, SMALL_SHOP, World, encoded};
use axum::http::StatusCode;
use desk::{CommandError, Profile};
use incident::Command;
use incident::people::Addressee;
use model::{AccountId, Actor, GroupId, IncidentId, Operation, PositionId, RequestId};
use serde_json::{Value, json};
use std::time::Duration;
use web::roles::{Row, Verb, all};

const ORDER: &str = "canary-order-text";
const PAYEE: &str = "13900001111";

struct Suspected {
    world: World,
    id: IncidentId,
    code_name: String,
    /// A repair that was proposed before anybody was suspected.
    repair: String,
    /// The CIO, who is the suspect; the head of security and an administrator below.
    kept_out: Vec<Person>,
    legal: Person,
    /// What each of those kept out saw of the sources before there was anything to hide.
    before: Vec<Value>,
}

fn acting(account: &str, positions: &[&str], world: &World) -> Operation {
    Operation {
        actor: Actor::Person {
            account: AccountId::new(account),
            name: account.to_owned(),
            positions: positions.iter().map(|p| PositionId::new(*p)).collect(),
        },
        reason: "a reason".to_owned(),
        request: RequestId::new(format!("r-{account}-{}", world.desk.now().0)),
        now: world.desk.now(),
    }
}

fn reports_to(world: &World, account: &str, manager: &str) {
    let profile = Profile {
        reports_to: Some(AccountId::new(manager)),
        ..Profile::default()
    };
    world
        .desk
        .set_profile(&AccountId::new(account), &profile, 0)
        .expect("a profile is kept");
}

/// What the sources show but for time and load.
async fn sources(world: &World, who: &Person) -> Value {
    let answer = world.get("/api/v1/sources", Some(who)).await;
    let mut body: Value = serde_json::from_str(&answer.body).expect("JSON");
    for item in body["items"].as_array_mut().expect("items") {
        for volatile in ["lag_ms", "last_change_at", "load", "blind_since", "changes"] {
            item.as_object_mut().expect("an object").remove(volatile);
        }
    }
    body
}

impl Suspected {
    async fn begin() -> Self {
        let world = World::new();
        let boss = world.person("boss", &["cio"]);
        let security = world.person("security", &["ciso", "security_engineer"]);
        let admin = world.person("admin", &["sysadmin", "head_support", "auditor"]);
        let legal = world.person("legal", &["head_legal"]);
        reports_to(&world, "security", "boss");
        reports_to(&world, "admin", "security");
        let kept_out = vec![boss, security, admin];
        let mut before = Vec::new();
        for person in &kept_out {
            before.push(sources(&world, person).await);
        }
        let id = world.attacked();
        let order = Command::IssueOrder {
            to: Addressee::Group(GroupId::new("response")),
            text: ORDER.to_owned(),
            constraint: String::new(),
            due_at: world.desk.now().plus_s(600),
        };
        let op = acting("legal", &["head_legal"], &world);
        world.desk.execute(op, &id, order).expect("an order");
        let op = acting("boss", &["cio"], &world);
        (world.desk.execute(op, &id, Command::SendBrief)).expect("a brief goes out");
        let op = acting("security", &["ciso", "security_engineer"], &world);
        let repair = (world.desk.propose_repair(op, &id)).expect("a repair is proposed");
        let incident = world.desk.incident(&id).expect("there");
        let (code_name, repair) = (incident.code_name.clone(), repair.to_string());
        let named = world
            .post(
                &format!("/incidents/{id}/do/name-suspect"),
                Some(&legal),
                &[
                    ("account", "boss"),
                    ("reason", "the tampering came from their desk"),
                ],
            )
            .await;
        assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
        Self {
            world,
            id,
            code_name,
            repair,
            kept_out,
            legal,
            before,
        }
    }

    fn path(&self, row: &Row, id: &str) -> String {
        row.path
            .replace("{id}", id)
            .replace("{proposal}", &self.repair)
            .replace("{source}", SMALL_SHOP)
            .replace("{window}", "w-none")
            .replace("{number}", "1")
            .replace("{receipt}", "none")
            .replace("{file}", "none")
            .replace("{account}", "nobody-there")
            .replace("{token}", "none")
            .replace("{session}", "none")
            .replace("{format}", "html")
            .replace("{hash}/{name}", "0000/none.css")
            .replace("{*rest}", "record/checkpoint")
    }

    async fn ask(&self, row: &Row, id: &str, who: &Person) -> Answer {
        let path = self.path(row, id);
        match row.verb {
            Verb::Get => self.world.get(&path, Some(who)).await,
            Verb::Post if row.path.starts_with("/api/") => {
                self.send(&path, who, &body_of(row.path)).await
            }
            Verb::Post => self.world.post(&path, Some(who), &[]).await,
        }
    }

    /// A program's request as it has to be, so that nothing but the incident can be in its way.
    async fn send(&self, path: &str, who: &Person, body: &Value) -> Answer {
        let key = format!("key-{}", self.world.desk.now().0);
        let headers = [
            ("idempotency-key", key.as_str()),
            ("if-match", "*"),
            ("x-csrf-token", who.csrf.as_str()),
        ];
        let body = body.to_string();
        self.world.post_json(path, who, &headers, &body).await
    }

    fn betrays(&self, body: &str) -> Option<String> {
        let secrets = [
            self.id.as_str(),
            &self.code_name,
            ORDER,
            PAYEE,
            "<canary",
            "&#60;canary",
        ];
        let found = secrets.into_iter().find(|secret| body.contains(secret));
        found.map(str::to_owned)
    }
}

/// A body that the handler of a route reads to its end.
fn body_of(path: &str) -> Value {
    let decision =
        json!({ "command": "record_decision", "topic": { "topic": "general" }, "text": "x" });
    let guest = json!({
        "account": "walk.guest", "name": "Walk", "request": "R-1", "pages": ["orders"],
        "until": "2030-01-01T00:00:00Z",
    });
    let window =
        json!({ "about": "window", "from": "2026-01-01T00:00", "until": "2026-01-02T00:00" });
    let bodies = [
        ("/commands", json!({ "command": decision })),
        ("/acts", json!({ "act": "collect_evidence" })),
        ("/merge", json!({ "into": "i-none", "reason": "x" })),
        ("/split", json!({ "reports": ["none"], "reason": "x" })),
        ("/notes", json!({ "text": "x" })),
        ("/assessment", json!({ "classes": { "credentials": true } })),
        ("{id}/investigation", json!({ "question": window })),
        ("/guests", guest),
    ];
    let found = bodies.into_iter().find(|(end, _)| path.ends_with(end));
    found.map_or_else(|| json!({}), |(_, body)| body)
}

/// A page without what is new in each request: ids of forms and the asked id itself.
fn comparable(answer: &Answer, id: &str) -> String {
    let mut out = String::new();
    let body = answer.body.replace(id, "ID");
    for (n, part) in body.split("name=\"request\" value=\"").enumerate() {
        let rest = match n {
            0 => part,
            _ => part.split_once('"').map_or("", |(_, rest)| rest),
        };
        out.push_str(rest);
    }
    let times = |c: char| c.is_ascii_digit();
    out.replace(times, "#")
}

#[tokio::test(flavor = "multi_thread")]
async fn to_those_kept_out_no_route_knows_the_incident() {
    let case = Suspected::begin().await;
    let missing = "i-0123456789abcdef0123";
    for person in &case.kept_out {
        for row in all().filter(|row| row.path != "/logout") {
            let name = format!("{:?} {}", row.verb, row.path);
            let answer = case.ask(row, case.id.as_str(), person).await;
            assert_eq!(
                case.betrays(&answer.body.replace(&case.path(row, case.id.as_str()), "")),
                None,
                "{name} tells of the incident"
            );
            assert!(answer.status.as_u16() < 500, "{name}: {}", answer.status);
            if row.path.contains("{id}") {
                let other = case.ask(row, missing, person).await;
                assert_eq!(answer.status, other.status, "{name}");
                assert_eq!(
                    comparable(&answer, case.id.as_str()),
                    comparable(&other, missing),
                    "{name} answers otherwise than for an incident that is not there"
                );
            }
        }
    }
}

/// The walk proves something only where the same requests meet the incident when somebody sends
/// them who may know of it.
#[tokio::test(flavor = "multi_thread")]
async fn to_those_who_may_know_the_same_requests_reach_the_incident() {
    let case = Suspected::begin().await;
    let id = case.id.as_str();
    let knows = case.world.everything("knows");
    let mut reached = 0;
    for row in all().filter(|row| row.path.contains("{id}")) {
        let name = format!("{:?} {}", row.verb, row.path);
        let answer = case.ask(row, id, &knows).await;
        let refused = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN];
        // These name a second thing, which is not there.
        let elsewhere = ["/merge", "/split", "/handovers/{number}", "/do/"];
        let guests = row.verb == Verb::Post && row.path.ends_with("/guests");
        if guests || elsewhere.iter().any(|part| row.path.contains(part)) {
            continue;
        }
        reached += 1;
        assert!(!refused.contains(&answer.status), "{name}: {}", answer.body);
        if row.verb == Verb::Post && row.path.starts_with("/api/") {
            assert!(answer.status.is_success(), "{name}: {}", answer.body);
        }
    }
    assert!(reached > 30, "{reached}");
}

/// An id in a body is no other way in: what names the incident is answered as if it were none.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_a_form_or_a_body_is_as_one_that_is_not_there() {
    let case = Suspected::begin().await;
    let (hidden, missing) = (case.id.as_str(), "i-0123456789abcdef0123");
    let receipt = case.world.report("something that all may know");
    let boss = &case.kept_out[0];
    let op = acting("boss", &["cio"], &case.world);
    let second = case.world.report("another thing that all may know");
    let seen = (case.world.desk.open_incident_from_report(op, &second)).expect("opened");
    let merge = format!("/incidents/{seen}/do/merge");
    let triage = format!("/triage/{receipt}");
    let (api_merge, decisions) = (
        format!("/api/v1/incidents/{seen}/merge"),
        format!("/api/v1/reports/{receipt}/decisions"),
    );
    let ask = async |id: &str| {
        let reason = ("reason", "one and the same");
        let join = json!({ "decision": { "decision": "join", "incident": id }, "reason": "x" });
        let into = json!({ "into": id, "reason": "x" });
        [
            case.world
                .post(&merge, Some(boss), &[("into", id), reason])
                .await,
            (case.world)
                .post(
                    &triage,
                    Some(boss),
                    &[("decision", "join"), ("incident", id), reason],
                )
                .await,
            case.send(&api_merge, boss, &into).await,
            case.send(&decisions, boss, &join).await,
        ]
    };
    for (one, other) in ask(hidden).await.iter().zip(&ask(missing).await) {
        assert_eq!(one.status, StatusCode::NOT_FOUND, "{}", one.body);
        assert_eq!(one.status, other.status);
        assert_eq!(comparable(one, hidden), comparable(other, missing));
    }
    // One that they may know of is found by the same requests.
    let found = ask(seen.as_str()).await;
    assert!(found.iter().all(|a| a.status != StatusCode::NOT_FOUND));
}

/// Who limits an incident to positions says which they saw: two at once do not undo each other.
#[tokio::test(flavor = "multi_thread")]
async fn a_restriction_that_was_changed_meanwhile_is_not_overwritten() {
    let world = World::new();
    let boss = world.person("boss", &["cio"]);
    let legal = world.person("legal", &["head_legal"]);
    let id = world.attacked();
    let path = format!("/incidents/{id}/do/restrict");
    let first = [("position", "cio"), ("position", "head_legal")];
    let done = world.post(&path, Some(&legal), &first).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let second = [("position", "cio"), ("position", "ciso")];
    let late = world.post(&path, Some(&boss), &second).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
    let access = &world.desk.incident(&id).expect("there").access;
    assert!(access.positions.contains(&PositionId::new("head_legal")));
    let page = world
        .get(&format!("/incidents/{id}/access"), Some(&boss))
        .await;
    assert!(page.body.contains("name=\"seen\" value=\"head_legal\""));
    let seen = [("seen", "cio"), ("seen", "head_legal")];
    let now: Vec<_> = second.into_iter().chain(seen).collect();
    let done = world.post(&path, Some(&boss), &now).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_and_lists_are_as_if_nothing_had_happened() {
    let case = Suspected::begin().await;
    let key = |finding: &model::Finding| (finding.table.clone(), finding.key.clone());
    let findings = case.world.desk.findings(&desk::FindingFilter {
        incident: Some(case.id.clone()),
        limit: 100,
        ..desk::FindingFilter::default()
    });
    for (person, before) in case.kept_out.iter().zip(&case.before) {
        assert_eq!(sources(&case.world, person).await, *before);
        let list = case.world.get("/api/v1/incidents", Some(person)).await;
        let nothing = r#"{"count":0,"count_is_least":false,"items":[],"next":null}"#;
        assert_eq!(list.body, nothing);
        for words in [case.code_name.as_str(), case.id.as_str(), "order"] {
            let path = format!("/api/v1/incidents?q={}", encoded(words));
            let found = case.world.get(&path, Some(person)).await;
            assert_eq!(found.body, nothing, "{path}");
        }
        let stream = format!("/events?incident={}", case.id);
        let refused = case.world.get(&stream, Some(person)).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{stream}");
        for (table, row) in findings.iter().map(key) {
            let path =
                format!("/investigation?about=row&source={SMALL_SHOP}&table={table}&key={row}");
            let told = case.world.get(&path, Some(person)).await;
            assert_eq!(case.betrays(&told.body), None, "{path}");
            assert!(!told.body.contains("verdict-unlawful"), "{path}");
            assert!(
                findings.iter().all(|f| !told.body.contains(f.id.as_str())),
                "{path}"
            );
        }
        for finding in &findings {
            let path = format!("/investigation?about=finding&id={}", finding.id);
            let told = case.world.get(&path, Some(person)).await;
            assert_eq!(told.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    let list = case.world.get("/api/v1/incidents", Some(&case.legal)).await;
    assert!(list.body.contains(case.id.as_str()), "legal sees it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_closed_and_entries_of_hidden_findings_too() {
    let case = Suspected::begin().await;
    let admin = &case.kept_out[2];
    let entries = |log: &str| {
        let size = case.world.desk.log_reader(log).expect("a log").size();
        let width = size % 256;
        match size / 256 {
            0 => format!("/journal/{log}/tile/entries/000.p/{width}"),
            n => format!("/journal/{log}/tile/entries/{n:03}.p/{width}"),
        }
    };
    for log in ["record", "ledger/0"] {
        let kept = case.world.get(&entries(log), Some(admin)).await;
        assert_eq!(kept.status, StatusCode::NOT_FOUND, "{log}");
        let proof = format!(
            "/evidence/proof?log={log}&entry={}",
            case.world.desk.log_reader(log).expect("a log").size() - 1
        );
        let kept = case.world.get(&proof, Some(admin)).await;
        assert_eq!(kept.status, StatusCode::NOT_FOUND, "{proof}");
    }
    // The copier brings the leaf to the log a moment after the command was answered.
    let (mut seen, began) = (0, case.world.desk.now());
    loop {
        let read = case.world.get(&entries("record"), Some(&case.legal)).await;
        assert_eq!(read.status, StatusCode::OK);
        if read.body.contains(ORDER) {
            break;
        }
        let waited_s = case.world.desk.now().since_s(began);
        assert!(waited_s < 20.0, "the order never came to the record");
        seen = (case.world.desk).wait_for_change(seen, Duration::from_millis(100));
    }
    // An engineer reads evidence, and never the record of all incidents.
    let engineer = case.world.person("engineer", &["security_engineer"]);
    let shut = case.world.get(&entries("record"), Some(&engineer)).await;
    assert_eq!(shut.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_those_kept_out_meet_nothing_and_the_stand_in_commands() {
    let case = Suspected::begin().await;
    let desk = &case.world.desk;
    let confirm = || Command::ConfirmGrade {
        grade: model::Grade::General,
        level: None,
    };
    for (account, positions) in [
        ("boss", "cio"),
        ("security", "ciso"),
        ("admin", "head_support"),
    ] {
        let op = acting(account, &[positions], &case.world);
        let refused = desk.execute(op, &case.id, confirm());
        assert!(
            matches!(refused, Err(CommandError::UnknownIncident)),
            "{account}"
        );
    }
    let incident = desk.incident(&case.id).expect("there");
    let holders = desk.holders_in(&incident, &PositionId::new("cio"));
    let names: Vec<&str> = holders.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(names, ["legal"], "who is told what goes to the CIO");
    // Head of legal alone may not confirm a grade; filling the CIO's place they may.
    let path = format!("/incidents/{}/do/confirm-grade", case.id);
    let fields = [("grade", "4"), ("reason", "as the tables say")];
    let confirmed = case.world.post(&path, Some(&case.legal), &fields).await;
    assert_eq!(
        confirmed.status,
        StatusCode::SEE_OTHER,
        "{}",
        confirmed.body
    );
    // Nobody names themselves, and somebody must be left who can command.
    let name = |account: &'static str| {
        let path = format!("/incidents/{}/do/name-suspect", case.id);
        let fields = [("account", account), ("reason", "a reason")];
        let (world, legal) = (&case.world, &case.legal);
        async move { world.post(&path, Some(legal), &fields).await.status }
    };
    assert_eq!(name("legal").await, StatusCode::FORBIDDEN);
    assert_eq!(name("nobody-of-that-name").await, StatusCode::NOT_FOUND);
    // Cleared, it is there again.
    let clear = format!("/incidents/{}/do/clear-suspect", case.id);
    let fields = [("account", "boss"), ("reason", "an alibi")];
    let cleared = case.world.post(&clear, Some(&case.legal), &fields).await;
    assert_eq!(cleared.status, StatusCode::SEE_OTHER, "{}", cleared.body);
    let page = format!("/incidents/{}", case.id);
    let seen = case.world.get(&page, Some(&case.kept_out[0])).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(
        desk.incident(&case.id)
            .expect("there")
            .access
            .stand_ins
            .is_empty()
    );
}
