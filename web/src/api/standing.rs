//! How things stand at this moment, for programs: the statutory clocks of an incident, the brief
//! that would go out now, the register of resources with what is in use, a source with its figures.
//!
//! Deliberately not here: what stands in an incident by itself, whatever the time (`read`).

use super::{cursor, guard};
use crate::pages::sources::DAYS;
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use desk::daybook::MOST_DAYS;
use desk::{Desk, DeskError};
use incident::brief::management;
use incident::clocks::{IncidentClock, clocks as all_clocks};
use model::SourceName;
use serde_json::{Value, json};

/// Every clock of the plan, in its order.
pub(crate) fn clocks(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let now = visit.desk().now();
    let clocks = all_clocks(&visit.plan, &incident, now);
    let items: Vec<Value> = clocks.iter().map(clock).collect();
    Reply::json(&json!({ "at": now, "items": items }))
}

fn clock(c: &IncidentClock<'_>) -> Value {
    json!({
        "clock": c.clock.id,
        "direction": c.clock.direction,
        "state": c.state,
        "filing": c.filing,
        "waiver": c.waiver,
    })
}

/// The brief that would go out now.
pub(crate) fn brief(visit: &Visit) -> Reply {
    match perform::incident(visit) {
        Some(incident) => {
            let now = visit.desk().now();
            Reply::json(&json!(management(&incident, &visit.plan, now)))
        }
        None => Reply::not_found(visit),
    }
}

/// The register of the plan; what an incident holds that the reader may not know of is not counted.
pub(crate) fn register(visit: &Visit) -> Reply {
    let used = match visit.desk().register_use(&visit.viewer()) {
        Ok(used) => used,
        Err(error) => return guard::inside(visit, &error),
    };
    let pairs = visit.plan.register.iter().zip(used);
    let items = pairs.map(|(entry, used)| {
        let incidents: Vec<_> = used.incidents.iter().map(|i| &i.id).collect();
        json!({
            "id": entry.id, "kind": entry.kind, "title": entry.title.in_lang(visit.lang),
            "quantity": entry.quantity, "currency": entry.currency, "grantor": entry.grantor,
            "four_eyes": entry.four_eyes, "in_use": used.out, "written_off": used.written_off,
            "free": entry.quantity.saturating_sub(used.out).saturating_sub(used.written_off).max(0),
            "incidents": incidents,
        })
    });
    Reply::json(&json!({ "items": items.collect::<Vec<Value>>() }))
}

/// One source: its guard, its last days, what audits of a part have covered.
pub(crate) fn source(visit: &Visit) -> Reply {
    let days = match visit.query.given("days") {
        None => DAYS,
        Some(text) => match text.parse() {
            Ok(days) if (1..=MOST_DAYS).contains(&days) => days,
            _ => return cursor::bad(visit, "days"),
        },
    };
    match read(visit, visit.desk(), days) {
        Ok(Some(body)) => Reply::json(&body),
        Ok(None) => Reply::not_found(visit),
        Err(error) => guard::inside(visit, &error),
    }
}

fn read(visit: &Visit, desk: &Desk, days: u32) -> Result<Option<Value>, DeskError> {
    let (viewer, name) = (visit.viewer(), SourceName::new(visit.params.get("source")));
    let views = desk.source_views_for(&viewer)?;
    let Some(view) = views.into_iter().find(|view| view.name == name) else {
        return Ok(None);
    };
    let mut body = serde_json::to_value(&view)?;
    body["report"] = serde_json::to_value(desk.shadow_report_for(&viewer, &name, days)?)?;
    body["audits"] = serde_json::to_value(desk.part_audits_for(&viewer, &name)?)?;
    Ok(Some(body))
}

pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let time = json!({ "type": "string", "format": "date-time" });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let yes_no = json!({ "type": "boolean" });
    let thing = json!({ "type": "object" });
    let perhaps = json!({ "type": ["object", "null"] });
    json!({
        "Clocks": { "type": "object", "required": ["at", "items"], "properties": {
            "at": time, "items": { "type": "array", "items": {
                "type": "object", "required": ["clock", "direction", "state"], "properties": {
                    "clock": text, "direction": text, "filing": perhaps, "waiver": perhaps,
                    "state": { "type": "object", "required": ["state"], "properties": {
                        "state": text,
                    } },
                },
            } },
        } },
        "Brief": { "type": "object", "required": ["at", "code_name", "five"], "properties": {
            "at": time, "code_name": text,
            "five": { "type": "array", "minItems": 5, "maxItems": 5, "items": thing },
        } },
        "RegisterItem": {
            "type": "object", "required": ["id", "kind", "title", "quantity", "in_use", "free"],
            "properties": {
                "id": text, "kind": text, "title": text, "quantity": whole, "grantor": text,
                "currency": { "type": ["string", "null"] }, "four_eyes": yes_no,
                "in_use": whole, "written_off": whole, "free": whole, "incidents": texts,
            },
        },
        "Register": super::schemas::list_of("RegisterItem"),
        "Source": {
            "type": "object", "required": ["name", "status", "report", "audits"],
            "properties": {
                "name": text, "status": thing, "shadow": yes_no, "tables": texts,
                "report": thing, "audits": thing,
            },
        },
    })
}
