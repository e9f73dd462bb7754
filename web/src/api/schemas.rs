//! The shapes of bodies and answers, as JSON Schema 2020-12.

use serde_json::{Value, json};

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

/// A body: what is not named here is refused.
pub(super) fn closed(required: &[&str], properties: Value) -> Value {
    let mut schema = object(required, properties);
    schema["additionalProperties"] = json!(false);
    schema
}

fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A list that comes in one piece.
pub(super) fn list_of(item: &str) -> Value {
    let items = json!({ "type": "array", "items": named(item) });
    object(&["items"], json!({ "items": items }))
}

pub(super) fn page_of(item: &str) -> Value {
    let items = json!({ "type": "array", "items": named(item) });
    object(
        &["items", "next"],
        json!({ "items": items, "next": { "type": ["string", "null"] } }),
    )
}

pub(super) fn all() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let yes_no = json!({ "type": "boolean" });
    let time = json!({ "type": "string", "format": "date-time" });
    let plain = json!({ "type": ["string", "null"] });
    let things = json!({ "type": "array", "items": { "type": "object" } });
    json!({
        "Problem": object(&["type", "title", "status"], json!({
            "type": text, "title": text, "status": whole, "detail": text,
            "errors": { "type": "array", "items": object(&["pointer"], json!({
                "pointer": text, "detail": text,
            })) },
        })),
        "OpenApi": object(&["openapi", "paths"], json!({ "openapi": text, "paths": { "type": "object" } })),
        "Session": object(&["account", "positions"], json!({
            "account": { "type": ["string", "null"] }, "name": { "type": ["string", "null"] },
            "positions": { "type": ["array", "null"], "items": text },
            "csrf": { "type": ["string", "null"] },
        })),
        "Sources": object(&["items"], json!({ "items": things })),
        "IncidentHead": head(&text, &whole, &yes_no, &time),
        "IncidentPage": counted(&whole, &yes_no),
        "Incident": json!({ "allOf": [named("IncidentHead"), object(&["version"], json!({
            "version": whole, "steps": things, "calls": things, "orders": things, "tasks": things,
            "holds": things, "repairs": things, "audits": things, "evidence": things, "notices": things,
            "objective": plain, "joining": { "type": "object" },
        }))] }),
        "Finding": object(&["id", "kind", "rule", "table", "key", "seen_at"], json!({
            "id": text, "risk": text, "kind": text, "rule": text, "source": text, "table": text,
            "key": text, "columns": texts, "log": text, "position": whole, "seen_at": time,
            "witnessed": yes_no,
        })),
        "FindingPage": page_of("Finding"),
        "TimelineLine": object(&["sequence", "at", "recorded_at", "kind"], json!({
            "sequence": whole, "at": time, "recorded_at": time, "kind": text,
            "actor": { "type": "object" }, "reason": text, "params": { "type": "array" },
        })),
        "TimelinePage": page_of("TimelineLine"),
        "Stands": object(&["id", "version"], json!({
            "id": text, "version": { "type": ["integer", "null"] },
        })),
        "ReportBody": object(&["what"], json!({
            "what": { "type": "string", "minLength": 1, "pattern": "\\S" },
            "request": { "type": ["string", "null"] },
            "when": plain, "where": plain, "contact": plain, "concerns": plain, "risk": plain,
            "anonymous": { "type": ["boolean", "string", "null"] },
        })),
        "Receipt": object(&["receipt"], json!({
            "receipt": text, "report": text, "positions_paged": whole, "files_left_out": yes_no,
        })),
        "Mail": { "type": "string", "format": "binary" },
        "MailTaken": super::mail::answer_schema(),
        "ReportState": object(&["state", "received_at", "messages"], json!({
            "state": text, "received_at": time, "messages": things,
        })),
        "Assessment": super::assessment::answer_schema(),
        "AssessmentBody": super::assessment::body_schema(),
        "Made": object(&["id"], json!({ "id": text })),
        "CommandBody": closed(&["command"], json!({
            "reason": { "type": ["string", "null"], "maxLength": 1000 },
            "command": named("Command"),
        })),
        "ActBody": act_body(&text),
        "NoteBody": note_body(&time),
        "WindowBody": closed(&["ticket", "reason", "tables", "most_rows", "until"], json!({
            "ticket": text, "reason": text, "tables": texts, "most_rows": whole,
            "from": { "type": ["string", "null"], "format": "date-time" }, "until": time,
        })),
    })
}

/// Words for the record, and where they come from when they were not first said here.
fn note_body(time: &Value) -> Value {
    let name = |least: u8| json!({ "type": "string", "minLength": least, "maxLength": 200 });
    let said = closed(
        &["by", "at"],
        json!({ "by": name(1), "place": name(0), "at": time }),
    );
    closed(
        &["text"],
        json!({
            "text": { "type": "string", "minLength": 1, "maxLength": 2000 },
            "mark": { "enum": ["plain", "decision", "question"] },
            "corrects": { "type": ["integer", "null"], "minimum": 1, "maximum": 2_000 },
            "said": { "anyOf": [{ "type": "null" }, said] },
        }),
    )
}

/// What the desk does in several steps: each with its own fields and no other.
fn act_body(text: &Value) -> Value {
    let reason = json!({ "type": ["string", "null"], "maxLength": 1000 });
    let one = |act: &str, field: Option<(&str, Value)>| {
        let mut properties = json!({ "act": { "const": act }, "reason": reason });
        let mut required = vec!["act"];
        if let Some((name, schema)) = field {
            properties[name] = schema;
            required.push(name);
        }
        closed(&required, properties)
    };
    let with = |name: &'static str| Some((name, text.clone()));
    json!({ "oneOf": [
        one("collect_evidence", None),
        one("propose_repair", None),
        one("apply_repair", with("proposal")),
        one("audit", None),
        one("approve_acceptance", with("acceptance")),
        one("refuse_acceptance", with("acceptance")),
        one("change_access", Some(("change", named("AccessCommand")))),
    ] })
}

/// A page of incidents, with how many there are on all pages.
fn counted(whole: &Value, yes_no: &Value) -> Value {
    let counts = object(
        &["count", "count_is_least"],
        json!({ "count": whole, "count_is_least": yes_no }),
    );
    json!({ "allOf": [page_of("IncidentHead"), counts] })
}

fn head(text: &Value, whole: &Value, yes_no: &Value, time: &Value) -> Value {
    object(
        &[
            "id",
            "code_name",
            "opened_at",
            "closed",
            "step",
            "grade",
            "level",
        ],
        json!({
            "id": text, "code_name": text, "exercise": yes_no, "opened_at": time, "closed": yes_no,
            "step": text, "grade": whole, "level": whole, "grade_to_confirm": yes_no,
            "findings": whole, "rows": { "type": "object" }, "rows_open": { "type": "object" },
        }),
    )
}
