//! How things stand at this moment, for programs: clocks, brief, register, source; and lists that
//! go on by cursor to their end.

use crate::world::{Person, SMALL_SHOP, World};
use axum::http::StatusCode;
use serde_json::{Value, json};

async fn read(world: &World, who: &Person, path: &str) -> Value {
    let answer = world.get(path, Some(who)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

async fn command(world: &World, who: &Person, id: &str, command: Value) {
    let key = format!("key-{}", world.desk.now().0);
    let headers = [
        ("idempotency-key", key.as_str()),
        ("if-match", "*"),
        ("x-csrf-token", who.csrf.as_str()),
    ];
    let body = json!({ "command": command, "reason": "a program" }).to_string();
    let path = format!("/api/v1/incidents/{id}/commands");
    let done = world.post_json(&path, who, &headers, &body).await;
    assert_eq!(done.status, StatusCode::OK, "{command}: {}", done.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_brief_register_and_source_are_as_the_pages_show_them() {
    let world = World::new();
    let all = world.everything("all");
    let id = world.attacked();
    let path = |end: &str| format!("/api/v1/incidents/{id}/{end}");
    let plan = world.desk.plan();

    let clocks = read(&world, &all, &path("clocks")).await;
    let items = clocks["items"].as_array().expect("clocks");
    let ids: Vec<&str> = items.iter().filter_map(|c| c["clock"].as_str()).collect();
    let planned: Vec<&str> = plan.clocks.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, planned);
    let of = |clocks: &Value, id: &str| -> Value {
        let items = clocks["items"].as_array().expect("clocks");
        items.iter().find(|c| c["clock"] == id).expect("it").clone()
    };
    let undecided = items.iter().find(|c| c["state"]["state"] == "undecided");
    assert!(
        undecided.is_some(),
        "nobody has said yet what holds: {clocks}"
    );
    // Personal data are concerned: the duty to tell runs from the discovery.
    let facts = json!({ "command": "set_trigger_facts", "personal_information": true });
    command(&world, &all, id.as_str(), facts).await;
    let clocks = read(&world, &all, &path("clocks")).await;
    let items = clocks["items"].as_array().expect("clocks");
    let runs = |c: &&Value| c["state"]["started"].is_string();
    let running = items.iter().find(runs).expect("one runs by now");
    let clock = running["clock"].as_str().expect("an id").to_owned();
    let filed = json!({
        "command": "file_report", "clock": clock, "filed_at": world.desk.now(),
        "channel": "12387", "receipt": "N-17",
    });
    command(&world, &all, id.as_str(), filed).await;
    let after = of(&read(&world, &all, &path("clocks")).await, &clock);
    assert_eq!(after["state"]["state"], "filed", "{after}");
    assert_eq!(after["filing"]["receipt"], "N-17");

    let brief = read(&world, &all, &path("brief")).await;
    let incident = world.desk.incident(&id).expect("there");
    assert_eq!(brief["code_name"], incident.code_name.as_str());
    assert_eq!(brief["five"].as_array().map(Vec::len), Some(5));
    assert_eq!(brief["found"], json!(incident.findings.counts));

    let in_use = async |entry: &str| -> Value {
        let register = read(&world, &all, "/api/v1/register").await;
        let items = register["items"].as_array().expect("a register").clone();
        assert_eq!(items.len(), plan.register.len());
        items.into_iter().find(|e| e["id"] == entry).expect("it")
    };
    let before = in_use("expert-forensics").await;
    assert_eq!(before["in_use"], 0);
    let due = world.desk.now().plus_s(3_600);
    let ask =
        json!({ "command": "request", "what": "expert-forensics", "amount": 1, "needed_by": due });
    let ask = nested("resource_command", ask);
    command(&world, &all, id.as_str(), ask).await;
    let grant = json!({ "command": "grant", "request": "R-1", "amount": 1, "until": due });
    let second = world.everything("second");
    command(
        &world,
        &second,
        id.as_str(),
        nested("resource_command", grant),
    )
    .await;
    let after = in_use("expert-forensics").await;
    assert_eq!(after["in_use"], 1);
    assert_eq!(after["incidents"], json!([id]));
    let left = before["free"].as_i64().expect("a number") - 1;
    assert_eq!(after["free"], left);

    let source = format!("/api/v1/sources/{SMALL_SHOP}");
    let shown = read(&world, &all, &source).await;
    assert_eq!(shown["name"], SMALL_SHOP);
    assert!(shown["status"]["findings"].as_u64() > Some(0), "{shown}");
    assert!(shown["report"]["days"].is_array());
    for (path, status) in [
        (format!("{source}?days=0"), StatusCode::BAD_REQUEST),
        (format!("{source}?days=x"), StatusCode::BAD_REQUEST),
        ("/api/v1/sources/none".to_owned(), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(world.get(&path, Some(&all)).await.status, status, "{path}");
    }
}

/// Commands of a part carry their own tag beside that of the whole.
fn nested(tag: &str, mut inner: Value) -> Value {
    let name = inner["command"].take();
    inner[tag] = name;
    inner["command"] = json!("resource");
    inner
}

/// All items of a list, `limit` at a time.
async fn walked(world: &World, who: &Person, list: &str, limit: usize, name: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut path = format!("{list}?limit={limit}");
    for _ in 0..200 {
        let page = read(world, who, &path).await;
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= limit, "{path}");
        found.extend(items.iter().map(|item| item[name].clone()));
        match page["next"].as_str() {
            Some(next) => path = format!("{list}?limit={limit}&cursor={next}"),
            None => return found,
        }
    }
    panic!("{list} has no end");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_on_by_cursor_to_their_end() {
    let world = World::new();
    let all = world.everything("all");
    let id = world.attacked();
    let lists = [
        ("/api/v1/outbox".to_owned(), "id"),
        ("/api/v1/pages".to_owned(), "id"),
        ("/api/v1/triage".to_owned(), "report"),
        (format!("/api/v1/incidents/{id}/notes"), "number"),
    ];
    for n in 0..4 {
        world.report(&format!("odd thing {n}"));
    }
    for n in 0..5 {
        let fields = [("text", format!("note {n}"))];
        let fields = fields.each_ref().map(|(name, text)| (*name, text.as_str()));
        let path = format!("/incidents/{id}/do/write-note");
        let written = world.post(&path, Some(&all), &fields).await;
        assert_eq!(written.status, StatusCode::SEE_OTHER, "{}", written.body);
    }
    for (list, name) in lists {
        let whole = walked(&world, &all, &list, 200, name).await;
        assert!(whole.len() > 1, "{list}: {whole:?}");
        for limit in [1, 2] {
            let pages = walked(&world, &all, &list, limit, name).await;
            // What came meanwhile stands before what was there.
            let of_then = pages.iter().filter(|item| whole.contains(item));
            assert!(of_then.eq(&whole), "{list} by {limit}");
        }
        let nonsense = format!("{list}?cursor=%25");
        let refused = world.get(&nonsense, Some(&all)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{nonsense}");
    }
    let whole = walked(&world, &all, "/api/v1/outbox", 200, "id").await;
    let newest = whole[0].as_str().expect("an id");
    let page = world
        .get(&format!("/outbox?before={newest}"), Some(&all))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains(newest), "those before it alone");
    assert!(page.body.contains(whole[1].as_str().expect("an id")));
    assert!(page.body.contains("Back to the first page"));
}

/// Whatever is decided between two pages, what waited then and waits still is on one of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_between_two_pages_of_the_stack_hides_nothing() {
    let world = World::new();
    let all = world.everything("all");
    let reports: Vec<String> = (0..4)
        .map(|n| world.report(&format!("odd thing {n}")).to_string())
        .collect();
    let first = read(&world, &all, "/api/v1/triage?limit=2&came=people").await;
    let next = first["next"].as_str().expect("more");
    let oldest = format!("/triage/{}", reports[0]);
    let fields = [("decision", "reject"), ("reason", "nothing to it")];
    let done = world.post(&oldest, Some(&all), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let path = format!("/api/v1/triage?limit=2&came=people&cursor={next}");
    let second = read(&world, &all, &path).await;
    let of = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("items");
        let names = items.iter().filter_map(|i| i["report"].as_str());
        names.map(str::to_owned).collect()
    };
    assert_eq!([of(&first), of(&second)].concat(), reports);
    assert_eq!(second["next"], Value::Null);
    let nonsense = world.get("/api/v1/triage?cursor=e30", Some(&all)).await;
    assert_eq!(
        nonsense.status,
        StatusCode::BAD_REQUEST,
        "{}",
        nonsense.body
    );
}
