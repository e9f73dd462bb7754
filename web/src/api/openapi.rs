//! The OpenAPI 3.1 document, made of the operations and of the role matrix.

use super::doc::{self, Change, Doc};
use super::{cursor, schemas};
use crate::reply::Reply;
use crate::roles::{self, Needs, Verb};
use crate::visit::Visit;
use document::Catalogue;
use serde_json::{Map, Value, json};

pub(crate) fn document(visit: &Visit) -> Reply {
    Reply::json(&of(visit.words()))
}

/// Those of single areas stand beside what answers with them.
fn all_schemas() -> Value {
    let mut all = schemas::all();
    let more = [
        super::briefs::schemas(),
        super::command_schema::schemas(),
        super::channels::schemas(),
        super::duty::schemas(),
        super::investigation::schemas(),
        super::joining::schemas(),
        super::own::schemas(),
        super::parts::schemas(),
        super::standing::schemas(),
        super::people::schemas(),
        super::triage::schemas(),
        super::webhooks::schemas(),
    ];
    for more in more {
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
            all.extend(more);
        }
    }
    all
}

/// The document with its words from one language.
fn of(words: &Catalogue) -> Value {
    let mut paths = Map::new();
    for doc in doc::all() {
        let verb = match doc.verb {
            Verb::Get => "get",
            Verb::Post => "post",
        };
        let path = paths
            .entry(doc.path.to_owned())
            .or_insert_with(|| json!({}));
        path[verb] = operation(words, doc);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": words.text("app-name"),
            "version": "1",
            "description": words.text("api-about"),
        },
        "paths": paths,
        "components": {
            "schemas": all_schemas(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "balefire_session" },
                "form-token": { "type": "apiKey", "in": "header", "name": "X-CSRF-Token" },
            },
        },
    })
}

fn operation(words: &Catalogue, doc: &Doc) -> Value {
    let needs = roles::all()
        .find(|row| row.path == doc.path && row.verb == doc.verb)
        .map_or(Needs::LoggedIn, |row| row.needs);
    let public = needs == Needs::Public;
    let security = match (public, doc.verb) {
        (true, _) => json!([{}]),
        _ if needs == Needs::Intake => json!([{ "token": [] }]),
        (false, Verb::Get) => json!([{ "token": [] }, { "session": [] }]),
        (false, Verb::Post) => json!([{ "token": [] }, { "session": [], "form-token": [] }]),
    };
    let mut out = json!({
        "operationId": doc.id,
        "tags": [doc.tag],
        "summary": words.text(&format!("api-op-{}", doc.id)),
        "security": security,
        "parameters": parameters(words, doc),
        "responses": responses(words, doc, public),
    });
    if let Some(body) = doc.body {
        let kind = match body {
            "Mail" => "message/rfc822",
            _ => "application/json",
        };
        out["requestBody"] = json!({
            "required": true,
            "content": { kind: { "schema": schema(body) } },
        });
    }
    if let Needs::Act(act) = needs {
        // What the plan calls the right to it.
        out["x-balefire-act"] = json!(act.code());
    }
    out
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn parameters(words: &Catalogue, doc: &Doc) -> Vec<Value> {
    let text = json!({ "type": "string", "minLength": 1 });
    let mut out = Vec::new();
    for part in doc.path.split('/') {
        let name = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
        if let Some(name) = name {
            out.push(json!({ "name": name, "in": "path", "required": true, "schema": text }));
        }
    }
    for name in doc.query {
        let schema = match *name {
            "limit" => json!({ "type": "integer", "minimum": 1, "maximum": cursor::MAX_LIMIT }),
            _ => json!({ "type": "string" }),
        };
        let about = words.text(&format!("api-query-{name}"));
        out.push(json!({ "name": name, "in": "query", "schema": schema, "description": about }));
    }
    let mut header = |name: &str, pattern: &str| {
        let schema = json!({ "type": "string", "pattern": pattern });
        let about = words.text(&format!("api-header-{}", name.to_lowercase()));
        out.push(json!({
            "name": name, "in": "header", "required": true, "schema": schema, "description": about,
        }));
    };
    if doc.change != Change::None {
        header("Idempotency-Key", "^[A-Za-z0-9_.:-]{1,64}$");
    }
    if doc.change == Change::OnceAt {
        header("If-Match", "^(\\*|\"[0-9]{1,9}\")$");
    }
    out
}

fn responses(words: &Catalogue, doc: &Doc, public: bool) -> Value {
    let mut out = Map::new();
    let success = json!({
        "description": words.text("api-success"),
        "content": { "application/json": { "schema": schema(doc.answer) } },
    });
    out.insert(doc.success.to_string(), success);
    for status in refusals(doc, public) {
        let problem = json!({
            "description": words.text(&format!("api-status-{status}")),
            "content": { "application/problem+json": { "schema": schema("Problem") } },
        });
        out.insert(status.to_string(), problem);
    }
    Value::Object(out)
}

/// Statuses that say no, by what the operation takes.
fn refusals(doc: &Doc, public: bool) -> Vec<u16> {
    let mut out = Vec::new();
    if !doc.query.is_empty() || doc.change != Change::None {
        out.push(400);
    }
    if !public {
        // 503: the store is away, and with it the answer to who asks.
        out.extend([401, 403, 503]);
    }
    if doc.path.contains('{') || doc.id == "investigation" {
        out.push(404);
    }
    let reports = doc.tag == "reports" && (public || doc.path == roles::reports::MAIL);
    // Tries and tests are counted.
    if reports || ["test-webhook", "answer-call"].contains(&doc.id) {
        out.push(429);
    }
    if doc.body.is_some() && doc.change == Change::None {
        out.extend([400, 408, 409, 413, 415, 422, 503]);
    }
    if doc.change != Change::None {
        out.extend([408, 409, 413, 415, 422, 503]);
    }
    if doc.change == Change::OnceAt {
        out.extend([412, 428]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::Lang;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_of_the_api_is_described_and_every_description_has_its_route() {
        let routes: BTreeSet<_> = roles::all()
            .filter(|row| row.path.starts_with("/api/"))
            .map(|row| (row.path, row.verb == Verb::Post))
            .collect();
        let described: BTreeSet<_> = doc::all()
            .map(|doc| (doc.path, doc.verb == Verb::Post))
            .collect();
        assert_eq!(routes, described);
        assert_eq!(described.len(), doc::all().count(), "none twice");
    }

    #[test]
    fn it_is_made_in_both_languages_and_every_schema_that_it_names_is_there() {
        for lang in Lang::ALL {
            let document = of(document::words(lang));
            let text = document.to_string();
            let known = &document["components"]["schemas"];
            for name in text.split("#/components/schemas/").skip(1) {
                let name = name.split('"').next().unwrap_or_default();
                assert!(known.get(name).is_some(), "{name}");
            }
        }
    }
}
