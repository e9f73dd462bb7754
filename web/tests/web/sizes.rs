//! Fields of every size: each field of each write beyond every bound, empty, and with characters
//! that mean something to somebody. Nothing breaks the program, and no text without end is taken.

use crate::made::{send, writes};
use crate::world::World;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Longer than any field may be, shorter than any body may be.
const LONG: usize = 50_000;

/// What stands in a field instead of what belongs there.
fn odd(value: &Value) -> Vec<Value> {
    match value {
        Value::String(_) => vec![
            json!("汉".repeat(LONG)),
            json!(""),
            json!(" \t\n"),
            json!("a\u{0}b\u{7f}\u{1b}[31m"),
            json!("\u{202e}gnp.exe\u{2066}\u{feff}\u{200b}"),
            json!("Z\u{0351}".repeat(50)),
            json!("{{7*7}} ${jndi:x} %s %n ../../etc/passwd '; DROP TABLE people; --"),
            json!("9999-12-31T23:59:59.999999999Z"),
            json!("-262144-01-01T00:00:00Z"),
        ],
        Value::Number(_) => vec![
            json!(0),
            json!(-1),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e308),
        ],
        Value::Bool(_) => vec![Value::Null],
        Value::Array(_) => vec![json!([]), Value::Array(vec![json!("1"); 20_000])],
        _ => Vec::new(),
    }
}

/// The body once for each odd value in each of its fields, with the field's place.
fn oddly(body: &Value) -> Vec<(String, Value)> {
    let mut places = vec![String::new()];
    let mut found = Vec::new();
    while let Some(at) = places.pop() {
        let here = body.pointer(&at).expect("a place of the body");
        for value in odd(here) {
            let mut changed = body.clone();
            *changed.pointer_mut(&at).expect("the same place") = value;
            found.push((at.clone(), changed));
        }
        match here {
            Value::Object(fields) => {
                // Which command it is stays; what is in it is odd.
                let tag = |name: &str| name == "command" || name.ends_with("_command");
                let fields = fields.iter().filter(|(n, v)| !(tag(n) && v.is_string()));
                places.extend(fields.map(|(name, _)| format!("{at}/{name}")));
            }
            Value::Array(items) => places.extend((0..items.len()).map(|n| format!("{at}/{n}"))),
            _ => {}
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_field_of_a_write_breaks_the_program_or_takes_a_text_without_end() {
    let world = World::new();
    let who = world.everything("program");
    let mut writes = writes(&world).await;
    // These end the walk's own session.
    writes.retain(|write| !write.route.contains("sessions"));
    let (mut tried, mut wrong) = (0_u32, Vec::new());
    let mut seen = BTreeMap::new();
    for write in &writes {
        let path = &write.path;
        for (at, body) in write.bodies.iter().flat_map(oddly) {
            tried += 1;
            // A report alone is taken however long it is; what is too long goes to a file.
            let long = body.to_string().len() > LONG && write.route != "/api/v1/reports";
            let answer = send(&world, &who, path, &format!("odd-{tried}"), &body).await;
            *seen.entry(answer.status.as_u16()).or_insert(0_u32) += 1;
            let refused = answer.status.is_client_error();
            let fine = refused || !long && !answer.status.is_server_error();
            if !fine {
                let shown: String = body.to_string().chars().take(200).collect();
                let said: String = answer.body.chars().take(300).collect();
                wrong.push(format!(
                    "{path} {at}: {} {said}\n    {shown}",
                    answer.status
                ));
            }
        }
    }
    // Not all of it is refused for another reason.
    assert!(tried > 5_000 && seen[&200] > 50, "{tried} {seen:?}");
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let still = world.get("/incidents", Some(&who)).await;
    assert_eq!(still.status, StatusCode::OK);
}
