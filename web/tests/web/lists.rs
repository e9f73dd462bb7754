//! The list of incidents: searched and filtered from an address, in both languages.

use crate::world::{World, encoded};
use axum::http::StatusCode;
use incident::Command;
use incident::learning::Topic;
use model::{Actor, IncidentId, Operation, RequestId};
use plan::Lang;

fn operation(world: &World, request: &str) -> Operation {
    let plan = world.desk.plan();
    let positions = plan.positions.iter().map(|p| p.id.clone());
    Operation {
        actor: Actor::Person {
            account: model::AccountId::new("everybody"),
            name: "everybody".to_owned(),
            positions: positions.collect(),
        },
        reason: "because".to_owned(),
        request: RequestId::new(request),
        now: world.desk.now(),
    }
}

fn open(world: &World, what: &str, n: usize) -> IncidentId {
    let receipt = world.report(what);
    let op = operation(world, &format!("open-{n}"));
    world
        .desk
        .open_incident_from_report(op, &receipt)
        .expect("an incident")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_found_by_what_people_wrote_in_either_language() {
    let world = World::new();
    let who = world.everything("seeker");
    let chinese = open(&world, "客户投诉订单金额被改成一元", 1);
    let english = open(&world, "refunds leave the shop twice", 2);
    let decision = Command::RecordDecision {
        topic: Topic::General,
        text: "先保全证据，再冻结退款通道".to_owned(),
    };
    let op = operation(&world, "decide");
    world
        .desk
        .execute(op, &english, decision)
        .expect("a decision");
    for (words, found, not) in [
        ("订单金额", Some(&chinese), Some(&english)),
        ("金额 投诉", Some(&chinese), Some(&english)),
        ("冻结退款", Some(&english), Some(&chinese)),
        ("refun", Some(&english), Some(&chinese)),
        ("订单被改", None, Some(&chinese)),
        ("\"refunds twice\"", None, Some(&english)),
        ("<script>alert(1)</script>", None, Some(&english)),
    ] {
        for lang in [Lang::Zh, Lang::En] {
            let path = format!("/incidents?q={}", encoded(words));
            let page = world.get_in(&path, Some(&who), lang).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(!page.body.contains("<script>alert"), "{path}");
            let holds = |id: &IncidentId| page.body.contains(&format!("href=\"/incidents/{id}\""));
            assert!(found.is_none_or(holds), "{words} finds nothing");
            assert!(!not.is_some_and(holds), "{words} finds what it is not in");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_the_one_before_ended() {
    let world = World::new();
    let who = world.everything("reader");
    let mut all: Vec<String> = (0..5)
        .map(|n| open(&world, &format!("report {n}"), n).to_string())
        .collect();
    all.reverse();
    let mut got = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/v1/incidents?limit=2&state=open{after}");
        let page = world.get(&path, Some(&who)).await;
        let page: serde_json::Value = serde_json::from_str(&page.body).expect("JSON");
        assert_eq!(page["count"], 5);
        let items = page["items"].as_array().expect("items");
        got.extend(
            items
                .iter()
                .map(|i| i["id"].as_str().expect("an id").to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&cursor={}", encoded(next)),
            None => break,
        }
    }
    assert_eq!(got, all);
    let closed = world
        .get("/api/v1/incidents?state=closed", Some(&who))
        .await;
    assert!(closed.body.contains("\"count\":0"), "{}", closed.body);
    let bad = world
        .get("/api/v1/incidents?cursor=nonsense", Some(&who))
        .await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let page = world
        .get("/incidents?after=nonsense&state=open", Some(&who))
        .await;
    assert_eq!(page.location(), "/incidents?state=open");
}
