//! Resources on their pages: asked for, granted once though two want it, given back or written off.

use crate::world::{Person, World};
use axum::http::StatusCode;
use model::{AccountId, Actor, IncidentId, Operation, RequestId};

const DONE: StatusCode = StatusCode::SEE_OTHER;

fn opened(world: &World, what: &str) -> IncidentId {
    let receipt = world.report(what);
    let op = Operation {
        actor: Actor::Person {
            account: AccountId::new("opener"),
            name: "opener".into(),
            positions: vec!["ciso".into()],
        },
        reason: String::new(),
        request: RequestId::new(format!("open-{receipt}")),
        now: world.desk.now(),
    };
    let opened = world.desk.open_incident_from_report(op, &receipt);
    opened.expect("the report opens an incident")
}

async fn act(
    world: &World,
    id: &IncidentId,
    who: &Person,
    name: &str,
    fields: &[(&str, &str)],
) -> StatusCode {
    let path = format!("/incidents/{id}/do/{name}");
    world.post(&path, Some(who), fields).await.status
}

async fn ask(world: &World, id: &IncidentId, who: &Person, what: &str, amount: &str) {
    let fields = [
        ("what", what),
        ("amount", amount),
        ("for", ""),
        ("needed_min", "60"),
        ("reason", "to <restore> on"),
    ];
    assert_eq!(act(world, id, who, "request-resource", &fields).await, DONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_incidents_are_never_granted_the_same_servers() {
    let world = World::new();
    let (one, two) = (opened(&world, "first"), opened(&world, "second"));
    let admin = world.person("admin", &["sysadmin"]);
    let head = world.person("head", &["head_support"]);
    for id in [&one, &two] {
        ask(&world, id, &admin, "standby-database-server", "2").await;
    }
    let all = [("request_id", "R-1"), ("amount", "2"), ("until_min", "60")];
    let (a, b) = tokio::join!(
        act(&world, &one, &head, "grant-resource", &all),
        act(&world, &two, &head, "grant-resource", &all),
    );
    let mut both = [a, b];
    both.sort();
    assert_eq!(both, [DONE, StatusCode::CONFLICT]);
    let (has, lacks) = if a == DONE {
        (&one, &two)
    } else {
        (&two, &one)
    };
    let page = world.get("/resources", Some(&head)).await.body;
    assert!(
        page.contains(&format!("/incidents/{has}/resources")),
        "{page}"
    );
    assert!(!page.contains(&format!("/incidents/{lacks}/resources")));
    // One comes back, the other is lost: one is left for both of them together.
    let good = [
        ("request_id", "R-1"),
        ("amount", "1"),
        ("condition", "good"),
    ];
    assert_eq!(
        act(&world, has, &admin, "return-resource", &good).await,
        DONE
    );
    let lost = [
        ("request_id", "R-1"),
        ("amount", "1"),
        ("condition", "written-off"),
        ("reason", "burnt"),
    ];
    assert_eq!(
        act(&world, has, &head, "return-resource", &lost).await,
        DONE
    );
    let conflict = act(&world, lacks, &head, "grant-resource", &all).await;
    assert_eq!(
        conflict,
        StatusCode::CONFLICT,
        "what was written off is gone for all"
    );
    // To whoever must not know of the incident nothing was written off there.
    world.person("boss", &["cio"]);
    let ciso = world.person("ciso", &["ciso"]);
    let gone = async || {
        let register = world.get("/api/v1/register", Some(&ciso)).await.body;
        let register: serde_json::Value = serde_json::from_str(&register).expect("JSON");
        let mut items = register["items"].as_array().expect("a list").iter();
        let item = items.find(|item| item["id"] == "standby-database-server");
        item.expect("registered")["written_off"].clone()
    };
    assert_eq!(gone().await, 1);
    let lead = world.everything("lead");
    let named = [("account", "ciso"), ("reason", "the logs name them")];
    assert_eq!(act(&world, has, &lead, "name-suspect", &named).await, DONE);
    assert_eq!(gone().await, 0);
    let one = [("request_id", "R-1"), ("amount", "1"), ("until_min", "60")];
    assert_eq!(
        act(&world, lacks, &head, "grant-resource", &one).await,
        DONE
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_in_yuan_and_the_page_escapes_what_people_write() {
    let world = World::new();
    let id = opened(&world, "first");
    let (cio, ciso) = (
        world.person("cio", &["cio"]),
        world.person("ciso", &["ciso"]),
    );
    ask(&world, &id, &ciso, "response-budget", "1,234.50").await;
    let path = format!("/incidents/{id}/resources");
    for lang in plan::Lang::ALL {
        let page = world.get_in(&path, Some(&cio), lang).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("CNY 1,234.50"), "{}", page.body);
        assert!(page.body.contains("to &#60;restore&#62; on"));
        assert_eq!(
            world.get_in("/resources", Some(&cio), lang).await.status,
            StatusCode::OK
        );
    }
    let own = world.get(&path, Some(&ciso)).await.body;
    assert!(!own.contains("do/grant-resource") && own.contains("do/withdraw-resource"));
    for amount in ["1.234", "99999999999999999999", "-1", "x", ""] {
        let fields = [
            ("request_id", "R-1"),
            ("amount", amount),
            ("until_min", "60"),
        ];
        let refused = act(&world, &id, &cio, "grant-resource", &fields).await;
        assert_eq!(refused, StatusCode::UNPROCESSABLE_ENTITY, "{amount}");
    }
    let fields = [
        ("request_id", "R-1"),
        ("amount", "1234.5"),
        ("until_min", "60"),
        ("conditions", "<b>"),
    ];
    assert_eq!(
        act(&world, &id, &cio, "grant-resource", &fields).await,
        DONE
    );
    let page = world.get(&path, Some(&cio)).await.body;
    assert!(page.contains("&#60;b&#62;"), "{page}");
    let line = world
        .get(&format!("/incidents/{id}/timeline"), Some(&cio))
        .await
        .body;
    assert!(
        line.contains("Resource granted (R-1): Response budget CNY 1,234.50"),
        "{line}"
    );
}
