//! Bodies of writes, made from the API's own description.

use crate::world::{Answer, Person, SMALL_SHOP, World};
use serde_json::{Map, Value, json};
use web::roles::{Verb, all};

/// Every write of the API that takes JSON: its address about real things, and the bodies that its
/// description knows.
pub async fn writes(world: &World) -> Vec<Write> {
    let incident = world.attacked();
    let receipt = world.report("an order of nobody");
    let document = world.get("/api/v1/openapi.json", None).await;
    let document: Value = serde_json::from_str(&document.body).expect("JSON");
    let posts = all().filter(|row| row.verb == Verb::Post && row.path.starts_with("/api/v1"));
    let made = posts.filter_map(|row| {
        let operation = &document["paths"][row.path]["post"];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let path = (row.path.replace("{id}", incident.as_str()))
            .replace("{receipt}", receipt.as_str())
            .replace("{source}", SMALL_SHOP);
        (!schema.is_null()).then(|| Write {
            route: row.path,
            path,
            bodies: bodies(&document, schema),
        })
    });
    made.collect()
}

pub struct Write {
    pub route: &'static str,
    pub path: String,
    pub bodies: Vec<Value>,
}

/// Sends a body as somebody, under a key of its own and whatever version.
pub async fn send(world: &World, who: &Person, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [
        ("idempotency-key", key),
        ("if-match", "*"),
        ("x-csrf-token", who.csrf.as_str()),
    ];
    let body = body.to_string();
    world.post_json(path, who, &headers, &body).await
}

/// A key of a map, which takes any: nothing is smuggled into one.
pub const OF_A_MAP: &str = "of_a_map";
/// Maps that take some keys alone, each with one of them.
pub const MAPS: [(&str, &str); 3] = [
    ("classes", "transactions"),
    ("facts", "affected_persons"),
    ("numbers", "affected_persons"),
];

/// The bodies that a schema describes: each alternative once, whatever else may vary at its first.
pub fn bodies(document: &Value, schema: &Value) -> Vec<Value> {
    if !schema["const"].is_null() {
        return vec![schema["const"].clone()];
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().take(1).cloned().collect();
    }
    let own = schema["properties"]
        .as_object()
        .map(|_| object(document, schema));
    let mut found = own.unwrap_or_else(|| vec![json!({})]);
    let mut compound = schema["properties"].is_object();
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.trim_start_matches('#'));
        found = joined(&found, &bodies(document, target.expect("a schema")));
        compound = true;
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        found = joined(&found, &bodies(document, part));
        compound = true;
    }
    for key in ["oneOf", "anyOf"] {
        let Some(parts) = schema[key].as_array() else {
            continue;
        };
        let parts = parts.iter().filter(|part| part["type"] != "null");
        let options: Vec<Value> = parts.flat_map(|part| bodies(document, part)).collect();
        found = joined(&found, &options);
        compound = true;
    }
    if compound {
        found
    } else {
        simple(document, schema)
    }
}

/// An object with all that it may have, and once more for each thing that one of its parts may be.
fn object(document: &Value, schema: &Value) -> Vec<Value> {
    let properties = schema["properties"].as_object().expect("properties");
    let options = properties
        .iter()
        .map(|(name, part)| (name.clone(), with_its_key(name, bodies(document, part))));
    let options: Vec<(String, Vec<Value>)> = options.filter(|(_, of)| !of.is_empty()).collect();
    let first: Map<String, Value> = options
        .iter()
        .map(|(name, of)| (name.clone(), of[0].clone()))
        .collect();
    let mut found = vec![Value::Object(first.clone())];
    for (name, of) in &options {
        for other in &of[1..] {
            let mut changed = first.clone();
            changed.insert(name.clone(), other.clone());
            found.push(Value::Object(changed));
        }
    }
    found
}

/// Maps of this name with a key that they take.
fn with_its_key(name: &str, maps: Vec<Value>) -> Vec<Value> {
    let Some((_, key)) = MAPS.iter().find(|(map, _)| *map == name) else {
        return maps;
    };
    let renamed = maps.into_iter().map(|map| match map.get(OF_A_MAP) {
        Some(value) => json!({ *key: value }),
        None => map,
    });
    renamed.collect()
}

/// Every one of the left with every one of the right; what is no object takes the place of it.
fn joined(left: &[Value], right: &[Value]) -> Vec<Value> {
    let both = left.iter().flat_map(|l| right.iter().map(move |r| (l, r)));
    both.map(|(l, r)| match (l, r) {
        (Value::Object(l), Value::Object(r)) => {
            Value::Object(l.clone().into_iter().chain(r.clone()).collect())
        }
        (_, r) => r.clone(),
    })
    .collect()
}

fn simple(document: &Value, schema: &Value) -> Vec<Value> {
    let kind = schema["type"].as_str();
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    match (kind, schema["format"].as_str()) {
        (Some("array"), _) if schema["prefixItems"].is_array() => {
            let items = schema["prefixItems"].as_array().expect("items");
            vec![
                items
                    .iter()
                    .map(|item| bodies(document, item)[0].clone())
                    .collect(),
            ]
        }
        (Some("array"), _) => {
            let items = bodies(document, &schema["items"]);
            items.into_iter().map(|item| json!([item])).collect()
        }
        (Some("object"), _) if schema["additionalProperties"].is_object() => {
            let values = bodies(document, &schema["additionalProperties"]);
            values
                .into_iter()
                .map(|value| json!({ OF_A_MAP: value }))
                .collect()
        }
        (Some("object"), _) => vec![json!({})],
        (Some("integer"), _) => vec![schema["minimum"].as_i64().unwrap_or(1).max(1).into()],
        (Some("number"), _) => vec![json!(1)],
        (Some("boolean"), _) => vec![json!(true)],
        (_, Some("date-time")) => vec![json!("2026-07-14T08:00:00Z")],
        (_, Some("date")) => vec![json!("2026-07-14")],
        (_, Some("uri")) => vec![json!("https://example.com/")],
        (Some("string"), _) if pattern.contains("2[0-3]") => vec![json!("09:00")],
        (Some("string"), _) if pattern.contains("{64}") => vec![json!("0".repeat(64))],
        (Some("string"), _) => vec![json!("1")],
        _ => vec![Value::Null],
    }
}
