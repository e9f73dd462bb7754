//! Nobody smuggles a field into a write: what a body does not name, it does not take, at any depth.
//! The bodies are made from the API's own description, one of every kind that it knows.

use crate::made::{MAPS, OF_A_MAP, send, writes};
use crate::world::World;
use axum::http::StatusCode;
use serde_json::{Value, json};

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

#[tokio::test(flavor = "multi_thread")]
async fn no_write_takes_a_field_that_it_does_not_name_at_any_depth() {
    let world = World::new();
    let who = world.everything("program");
    // Whoever reports a fire is not sent away for a field too many.
    let public = ["/api/v1/reports", "/api/v1/reports/{receipt}/additions"];
    let mut writes = writes(&world).await;
    writes.retain(|write| !public.contains(&write.route));
    let (mut tried, mut taken) = (0, Vec::new());
    for write in &writes {
        let path = &write.path;
        for (at, body) in write.bodies.iter().flat_map(smuggling) {
            tried += 1;
            let answer = send(&world, &who, path, &format!("try-{tried}"), &body).await;
            let named = answer.body.contains(SMUGGLED);
            if answer.status != StatusCode::UNPROCESSABLE_ENTITY || !named {
                let (status, said) = (answer.status, answer.body);
                taken.push(format!("{path} {at}: {status} {said}\n    {body}"));
            }
        }
    }
    assert!(tried > 800, "{tried}");
    assert!(
        taken.is_empty(),
        "{} of {tried}:\n{}",
        taken.len(),
        taken.join("\n")
    );
}
