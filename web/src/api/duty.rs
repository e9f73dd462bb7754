//! Call-out for programs: who is on duty, schedules, absences, the pages that went out, answering
//! one by its code, and a test call to oneself.
//!
//! Deliberately not here: who may edit the rota, and who is called (room `desk`).

use super::cursor;
use super::guard::{self, Bare, Done};
use super::schemas::{closed, list_of, page_of};
use crate::pages::settings::account::own;
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::StatusCode;
use desk::identity::api_token::Scope;
use desk::paging::answer::{Answer, AnswerError};
use desk::paging::view::PageView;

use desk::rota_refusal::RotaRefusal;
use desk::{CommandError, KeptSchedule};
use incident::rota::{Absence, Schedule};
use model::{AccountId, Instant, PositionId};
use serde::Deserialize;
use serde_json::{Value, json};

/// How far ahead shifts are told, in seconds: two weeks.
const AHEAD_S: i64 = 14 * 24 * 3600;
/// Shifts of one schedule in an answer.
const MAX_SHIFTS: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AbsenceBody {
    #[serde(default)]
    who: Option<AccountId>,
    from: Instant,
    to: Instant,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AbsenceEnd {
    #[serde(default)]
    who: Option<AccountId>,
    from: Instant,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeBody {
    code: String,
    /// Why not; left out where the call is acknowledged.
    #[serde(default)]
    refuse: Option<String>,
}

/// The lead and the deputy of every group, now.
pub(crate) fn duty(visit: &Visit) -> Reply {
    let (now, duties) = (visit.desk().now(), visit.desk().duties());
    let places = visit.plan.groups.iter().flat_map(|group| {
        let deputies = group.deputy.iter();
        std::iter::once(&group.lead)
            .chain(deputies)
            .map(|position| (group.id.clone(), position))
    });
    let line = |(group, position): (_, &PositionId)| {
        let on_duty = duties.on_duty(position, now);
        let people: Vec<&AccountId> = on_duty.people.iter().map(|p| &p.id).collect();
        json!({
            "group": group, "position": position, "people": people,
            "scheduled": on_duty.scheduled, "gap": on_duty.gap,
        })
    };
    let items: Vec<Value> = places.map(line).collect();
    Reply::json(&json!({ "at": now, "items": items }))
}

pub(crate) fn schedules(visit: &Visit) -> Reply {
    match visit.desk().schedules() {
        Ok(all) => {
            let items: Vec<Value> = all.iter().map(|kept| shown(visit, kept)).collect();
            Reply::json(&json!({ "items": items }))
        }
        Err(error) => guard::inside(visit, &error),
    }
}

pub(crate) fn schedule(visit: &Visit) -> Reply {
    match visit.desk().schedule(visit.params.get("schedule")) {
        Ok(Some(kept)) => Reply::json(&shown(visit, &kept))
            .with_header(axum::http::header::ETAG, &format!("\"{}\"", kept.version)),
        Ok(None) => Reply::not_found(visit),
        Err(error) => guard::inside(visit, &error),
    }
}

/// With the shifts of the next two weeks, gaps among them.
fn shown(visit: &Visit, kept: &KeptSchedule) -> Value {
    let now = visit.desk().now();
    let ahead = visit
        .desk()
        .shifts(&kept.schedule, now, now.plus_s(AHEAD_S));
    let shifts: Vec<_> = ahead.into_iter().take(MAX_SHIFTS).collect();
    json!({
        "id": kept.id, "version": kept.version, "schedule": kept.schedule, "shifts": shifts,
    })
}

pub(crate) fn make_schedule(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let schedule: Schedule = guard::body(visit)?;
        let kept = visit.desk().keep_schedule(&change.op, None, schedule, 0);
        let id = kept.map_err(|error| failed(visit, &error))?;
        Ok(Done {
            version: Some(1),
            ..guard::named(StatusCode::CREATED, &id)
        })
    })
}

/// The whole schedule, its overrides with it, replaces the one that was seen.
pub(crate) fn save_schedule(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let schedule: Schedule = guard::body(visit)?;
        let (id, version) = seen(visit)?;
        let kept = (visit.desk()).keep_schedule(&change.op, Some(&id), schedule, version);
        kept.map_err(|error| failed(visit, &error))?;
        Ok(Done {
            version: u32::try_from(version + 1).ok(),
            ..guard::named(StatusCode::OK, &id)
        })
    })
}

pub(crate) fn retire_schedule(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let Bare { .. } = guard::body(visit)?;
        let (id, version) = seen(visit)?;
        let retired = visit.desk().retire_schedule(&change.op, &id, version);
        retired.map_err(|error| failed(visit, &error))?;
        Ok(guard::named(StatusCode::OK, &id))
    })
}

/// The schedule of the address, and the version that the caller saw.
fn seen(visit: &Visit) -> Result<(String, u64), Reply> {
    let matched = guard::if_match(visit)?;
    let id = visit.params.get("schedule");
    let kept = visit.desk().schedule(id);
    let kept = kept.map_err(|error| guard::inside(visit, &error))?;
    let kept = kept.ok_or_else(|| Reply::not_found(visit))?;
    Ok((kept.id, matched.map_or(kept.version, u64::from)))
}

pub(crate) fn absences(visit: &Visit) -> Reply {
    match visit.desk().absences() {
        Ok(items) => Reply::json(&json!({ "items": items })),
        Err(error) => guard::inside(visit, &error),
    }
}

pub(crate) fn add_absence(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let body: AbsenceBody = guard::body(visit)?;
        let who = body.who.unwrap_or_else(|| own(visit));
        let (from, to) = (body.from, body.to);
        let add = || -> Result<(), CommandError> {
            let (mut all, version) = visit.desk().absences_of(&who)?;
            all.push(Absence {
                who: who.clone(),
                from,
                to,
            });
            visit.desk().set_absences(&change.op, &who, all, version)
        };
        add().map_err(|error| failed(visit, &error))?;
        Ok(guard::named(StatusCode::CREATED, who.as_str()))
    })
}

pub(crate) fn end_absence(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let body: AbsenceEnd = guard::body(visit)?;
        let who = body.who.unwrap_or_else(|| own(visit));
        let end = || -> Result<(), CommandError> {
            let (mut all, version) = visit.desk().absences_of(&who)?;
            let before = all.len();
            all.retain(|a| a.from != body.from);
            if all.len() == before {
                return Err(RotaRefusal::NoAbsence.into());
            }
            visit.desk().set_absences(&change.op, &who, all, version)
        };
        end().map_err(|error| failed(visit, &error))?;
        Ok(guard::named(StatusCode::OK, who.as_str()))
    })
}

/// What went out lately, as far as the reader may know of it.
pub(crate) fn pages(visit: &Visit) -> Reply {
    let asked = match cursor::Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let pages = match visit.desk().recent_pages(&visit.viewer()) {
        Ok(pages) => pages,
        Err(error) => return guard::inside(visit, &error),
    };
    let behind = cursor::behind(&pages, asked.after.as_deref(), |view| view.page.id.as_str());
    let items: Vec<Value> = behind.iter().take(asked.limit).map(page).collect();
    let more = behind.len() > asked.limit;
    let last = behind.get(asked.limit - 1).filter(|_| more);
    cursor::page(visit, items, last.map(|view| view.page.id.as_str()))
}

/// Without addresses: a message's channel and state say enough.
fn page(view: &PageView) -> Value {
    let p = &view.page;
    json!({
        "id": p.id, "kind": p.kind, "incident": p.incident, "position": p.position,
        "urgent": p.urgent, "exercise": p.exercise, "due_at": p.due_at, "red": p.red,
        "settled": p.settled, "receivers": view.receivers,
    })
}

pub(crate) fn answer(visit: &Visit) -> Reply {
    guard::once(visit, |_| {
        let body: CodeBody = guard::body(visit)?;
        let answers = (visit.session.as_ref()).is_some_and(|s| s.scoped(Scope::ActIncident));
        guard::allowed(visit, answers)?;
        let answer = match body.refuse {
            Some(reason) => Answer::Refuse { reason },
            None => Answer::Acknowledge,
        };
        let answered = (visit.desk()).answer_by_code(&own(visit), &body.code, &answer);
        match answered {
            Ok(person) => Ok(guard::named(StatusCode::OK, person.id.as_str())),
            Err(AnswerError::Code | AnswerError::Link) => {
                let text = visit.words().text("call-out-code-wrong").into_owned();
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Err(Reply::problem(status, "code", &text, json!({})))
            }
            Err(AnswerError::TooMany { retry_after_s }) => {
                let n = [("n", i64::from(retry_after_s).into())];
                let text = visit.words().with("login-too-many", &n);
                let status = StatusCode::TOO_MANY_REQUESTS;
                Err(Reply::problem(status, "too-many", &text, json!({})))
            }
            Err(AnswerError::Command(error)) => Err(failed(visit, &error)),
        }
    })
}

pub(crate) fn test_call(visit: &Visit) -> Reply {
    guard::once(visit, |_| {
        let Bare { .. } = guard::body(visit)?;
        let sent = visit.desk().test_call(&own(visit));
        let id = sent.map_err(|error| guard::refused(visit, &error))?;
        Ok(guard::named(StatusCode::OK, id.as_str()))
    })
}

fn failed(visit: &Visit, error: &CommandError) -> Reply {
    match error {
        CommandError::Desk(error) => guard::refused(visit, error),
        _ => perform::refused_by_desk(visit, error),
    }
}

/// A rotation, as the schema of a body.
fn layer(account: &Value) -> Value {
    let day = json!({ "type": "string", "format": "date" });
    closed(
        &["every", "from", "hand_over", "participants"],
        json!({
            "every": closed(&["unit", "n"], json!({
                "unit": { "enum": ["weeks", "days", "hours"] },
                "n": { "type": "integer", "minimum": 1, "maximum": 366 },
            })),
            "from": day,
            "until": { "anyOf": [day, { "type": "null" }] },
            "hand_over": { "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$" },
            // From Monday.
            "weekday": { "type": "integer", "minimum": 1, "maximum": 7 },
            "participants": { "type": "array", "minItems": 1, "maxItems": 60, "items": account },
        }),
    )
}

pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let yes_no = json!({ "type": "boolean" });
    let time = json!({ "type": "string", "format": "date-time" });
    let perhaps = json!({ "type": ["string", "null"] });
    let things = json!({ "type": "array", "items": { "type": "object" } });
    let account = json!({ "type": "string", "minLength": 1, "maxLength": 64 });
    let span = |who: &Value| json!({ "who": who, "from": time, "to": time });
    let layer = layer(&account);
    let mut stands_in = span(&account);
    stands_in["instead_of"] = json!({ "type": ["string", "null"] });
    json!({
        "Duty": { "type": "object", "required": ["at", "items"], "properties": {
            "at": time,
            "items": { "type": "array", "items": {
                "type": "object", "required": ["group", "position", "people"], "properties": {
                    "group": text, "position": text,
                    "people": { "type": "array", "items": text },
                    "scheduled": yes_no, "gap": yes_no,
                },
            } },
        } },
        "ScheduleBody": closed(&["title", "covers", "time_zone", "layers"], json!({
            "title": { "type": "string", "minLength": 1, "maxLength": 80 },
            "covers": closed(&["kind", "id"], json!({
                "kind": { "enum": ["position", "group"] }, "id": text,
            })),
            "time_zone": text,
            "layers": { "type": "array", "minItems": 1, "maxItems": 8, "items": layer },
            "overrides": { "type": "array", "maxItems": 200,
                "items": closed(&["who", "from", "to"], stands_in) },
        })),
        "Schedule": { "type": "object", "required": ["id", "version", "schedule"], "properties": {
            "id": text, "version": whole, "schedule": { "type": "object" }, "shifts": things,
        } },
        "Schedules": list_of("Schedule"),
        "Absence": { "type": "object", "required": ["who", "from", "to"], "properties": span(&text) },
        "Absences": list_of("Absence"),
        "AbsenceBody": closed(&["from", "to"], span(&perhaps)),
        "AbsenceEnd": closed(&["from"], json!({ "who": perhaps, "from": time })),
        "CalledPage": { "type": "object", "required": ["id", "kind", "due_at"], "properties": {
            "id": text, "kind": text, "incident": perhaps, "position": perhaps, "urgent": yes_no,
            "exercise": yes_no, "due_at": time, "red": perhaps, "settled": yes_no,
            "receivers": things,
        } },
        "CalledPages": page_of("CalledPage"),
        "CodeBody": closed(&["code"], json!({ "code": text, "refuse": perhaps })),
    })
}
