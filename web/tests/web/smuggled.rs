//! Nobody smuggles a field into a write: what a body does not name, it does not take, at any depth.
//! The bodies are made from the API's own description, one of every kind that it knows.

use crate::made::{MAPS, OF_A_MAP, bodies};
use crate::world::{Answer, Person, SMALL_SHOP, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use web::roles::{Verb, all};

/// Sorted before every other name, so that it is met first.
const SMUGGLED: &str = "a_smuggled_field";

/// The body once for each object in it, with a field there that nothing knows.
fn smuggling(body: &Value) -> Vec<(String, Value)> {
    let mut places = vec![String::new()];
    let mut found = Vec::new();
    while let Some(at) = places.pop() {
        let here = body.pointer(&at).expect("a place of the body");
        match here {
            Value::Object(fields) => {
                places.extend(fields.keys().map(|name| format!("{at}/{name}")));
                let name = at.rsplit('/').next().unwrap_or_default();
                if fields.contains_key(OF_A_MAP) || MAPS.iter().any(|(map, _)| *map == name) {
                    continue;
                }
                let mut smuggles = body.clone();
                smuggles.pointer_mut(&at).expect("the same place")[SMUGGLED] = json!(true);
                found.push((at, smuggles));
            }
            Value::Array(items) => places.extend((0..items.len()).map(|n| format!("{at}/{n}"))),
            _ => {}
        }
    }
    found
}

async fn post(world: &World, who: &Person, path: &str, key: &str, body: &Value) -> Answer {
    let request = Request::post(path)
        .header("cookie", &who.cookie)
        .header("x-csrf-token", &who.csrf)
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .header("if-match", "*")
        .body(Body::from(body.to_string()));
    world.send(request.expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_takes_a_field_that_it_does_not_name_at_any_depth() {
    let world = World::new();
    let incident = world.attacked();
    let receipt = world.report("an order of nobody").to_string();
    let who = world.everything("program");
    let document = world.get("/api/v1/openapi.json", None).await;
    let document: Value = serde_json::from_str(&document.body).expect("JSON");
    let (mut tried, mut taken) = (0, Vec::new());
    for row in all().filter(|row| row.verb == Verb::Post && row.path.starts_with("/api/v1")) {
        let operation = &document["paths"][row.path]["post"];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        // Whoever reports a fire is not sent away for a field too many.
        let public = ["/api/v1/reports", "/api/v1/reports/{receipt}/additions"];
        if schema.is_null() || public.contains(&row.path) {
            continue;
        }
        let path = row.path.replace("{id}", &incident.to_string());
        let path = path
            .replace("{receipt}", &receipt)
            .replace("{source}", SMALL_SHOP);
        for (at, body) in bodies(&document, schema).iter().flat_map(smuggling) {
            tried += 1;
            let answer = post(&world, &who, &path, &format!("try-{tried}"), &body).await;
            let named = answer.body.contains(SMUGGLED);
            if answer.status != StatusCode::UNPROCESSABLE_ENTITY || !named {
                taken.push(format!(
                    "{path} {at}: {} {}\n    {body}",
                    answer.status, answer.body
                ));
            }
        }
    }
    assert!(tried > 300, "{tried}");
    assert!(
        taken.is_empty(),
        "{} of {tried}:\n{}",
        taken.len(),
        taken.join("\n")
    );
}
