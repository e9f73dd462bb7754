//! What each change through the API must bring: a key that makes sending it twice act once, and,
//! on an incident, the version that the caller saw.

use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use desk::idempotency::{Answer, Begun};
use desk::identity::api_token::Scope;
use desk::rota_refusal::RotaRefusal;
use incident::Command;
use incident::authority::Authority;
use model::{AccountId, Digest, IncidentId, Operation, RequestId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A client's key: enough for a UUID in any spelling.
const MAX_KEY_CHARS: usize = 64;

/// A change that may go on.
pub(super) struct Change<'v> {
    pub visit: &'v Visit,
    pub op: Operation,
}

/// Carries a change out once: `act` answers with a status, a body and, where there is one, a version.
pub(super) fn once(visit: &Visit, act: impl FnOnce(&Change<'_>) -> Result<Done, Reply>) -> Reply {
    run(visit, |change| Ok((act(change)?, None))).unwrap_or_else(|refusal| refusal)
}

/// The same with a secret in the first answer alone: what is kept for a repeated request, and
/// therefore stored, does not hold it.
pub(super) fn once_shown(
    visit: &Visit,
    act: impl FnOnce(&Change<'_>) -> Result<(Done, Shown), Reply>,
) -> Reply {
    let act = |change: &Change<'_>| act(change).map(|(done, shown)| (done, Some(shown)));
    run(visit, act).unwrap_or_else(|refusal| refusal)
}

/// Name and text of what is shown once.
type Shown = (&'static str, Value);

/// What a change answers with.
pub(super) struct Done {
    pub status: StatusCode,
    pub body: Value,
    pub version: Option<u32>,
}

fn run(
    visit: &Visit,
    act: impl FnOnce(&Change<'_>) -> Result<(Done, Option<Shown>), Reply>,
) -> Result<Reply, Reply> {
    let key = key(visit)?;
    let nobody = AccountId::new("");
    let account = visit.session.as_ref().map_or(&nobody, |s| &s.account);
    let matched = visit.header(&header::IF_MATCH).unwrap_or("");
    let said = format!("POST {}\n{matched}\n{}", visit.path, visit.json);
    let fingerprint = Digest::of(said.as_bytes());
    let begun = (visit.app.keys).begin(visit.desk(), account, &key, fingerprint);
    let running = match begun.map_err(|error| inside(visit, &error))? {
        Begun::Fresh(running) => running,
        Begun::Repeated(answer) => return Ok(repeated(answer)),
        Begun::UnderWay => return Err(Reply::refuse(visit, StatusCode::CONFLICT, "under-way")),
        Begun::Other => {
            return Err(Reply::refuse(
                visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                "key-used",
            ));
        }
        Begun::Busy => {
            return Err(Reply::refuse(
                visit,
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
            ));
        }
    };
    let mut op = visit.operation();
    // Of account and key, so that a retry after a crash is known by the facts themselves.
    let request = Digest::of(format!("{account}\n{key}").as_bytes());
    op.request = RequestId::new(format!("api-{}", request.short()));
    op.reason = reason(visit)?;
    // A refusal is not kept: what was refused may be right a moment later.
    let (mut done, shown) = act(&Change { visit, op })?;
    let etag = done.version.map(etag);
    let body = done.body.to_string();
    let status = done.status;
    if let Err(error) = running.keep(visit.desk(), status.as_u16(), &body, etag.as_deref()) {
        tracing::error!(error = %crate::perform::chain(&error), "an answer is not kept; its key is free again");
    }
    let Some((name, text)) = shown else {
        return Ok(answer(status, body, etag.as_deref()));
    };
    done.body[name] = text;
    Ok(answer(status, done.body.to_string(), etag.as_deref()))
}

fn repeated(kept: Answer) -> Reply {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    answer(status, kept.body, kept.etag.as_deref())
}

fn answer(status: StatusCode, body: String, etag: Option<&str>) -> Reply {
    let reply = Reply::text(status, "application/json", body);
    match etag {
        Some(etag) => reply.with_header(header::ETAG, etag),
        None => reply,
    }
}

pub(super) fn etag(version: u32) -> String {
    format!("\"{version}\"")
}

/// The version that the caller saw; `None` for `*`, which takes any.
pub(super) fn if_match(visit: &Visit) -> Result<Option<u32>, Reply> {
    let Some(text) = visit.header(&header::IF_MATCH) else {
        return Err(Reply::refuse(
            visit,
            StatusCode::PRECONDITION_REQUIRED,
            "if-match",
        ));
    };
    if text.trim() == "*" {
        return Ok(None);
    }
    let inner = text
        .trim()
        .strip_prefix('"')
        .and_then(|t| t.strip_suffix('"'));
    let version = inner.and_then(|t| t.parse().ok());
    // A tag that we never gave matches nothing.
    version
        .map(Some)
        .ok_or_else(|| Reply::refuse(visit, StatusCode::PRECONDITION_FAILED, "stale"))
}

/// A Structured-Header string, or the same without quotes.
fn key(visit: &Visit) -> Result<String, Reply> {
    let given = visit.headers.get("idempotency-key");
    let text = given.and_then(|v| v.to_str().ok()).map(str::trim);
    let inner = text.map(|t| {
        let quoted = t.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        quoted.unwrap_or(t)
    });
    let sound = |key: &&str| {
        (1..=MAX_KEY_CHARS).contains(&key.len())
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    let key = inner.filter(sound).map(str::to_owned);
    key.ok_or_else(|| Reply::refuse(visit, StatusCode::BAD_REQUEST, "key"))
}

fn reason(visit: &Visit) -> Result<String, Reply> {
    match visit.json.get("reason") {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(invalid(visit, "reason", "a text")),
    }
}

/// The whole body as a type that knows its fields; anything else in it is refused.
pub(super) fn body<T: DeserializeOwned>(visit: &Visit) -> Result<T, Reply> {
    serde_json::from_value(visit.json.clone())
        .map_err(|error| invalid(visit, "", &error.to_string()))
}

/// Refuses what the part of the body at `at` (a JSON pointer without its first `/`) does not know:
/// serde lets unknown fields pass in some nested shapes.
pub(super) fn nothing_else(visit: &Visit, at: &str, read: &impl Serialize) -> Result<(), Reply> {
    let known = serde_json::to_value(read).unwrap_or_default();
    let given = visit.json.pointer(&format!("/{at}"));
    match unknown_field(given.unwrap_or(&Value::Null), &known, at.to_owned()) {
        None => Ok(()),
        Some(field) => Err(invalid(visit, &field, "no field is known by this name")),
    }
}

/// The first field of `given` that is not in `known`, as a JSON pointer.
fn unknown_field(given: &Value, known: &Value, at: String) -> Option<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => given.iter().find_map(|(name, value)| {
            let at = format!("{at}/{name}");
            match known.get(name) {
                None => Some(at),
                Some(known) => unknown_field(value, known, at),
            }
        }),
        (Value::Array(given), Value::Array(known)) => {
            let pairs = given.iter().zip(known).enumerate();
            let mut unknown = pairs.map(|(n, (g, k))| unknown_field(g, k, format!("{at}/{n}")));
            unknown.find_map(|found| found)
        }
        _ => None,
    }
}

/// A body that is JSON, and not what the address takes.
pub(super) fn invalid(visit: &Visit, field: &str, detail: &str) -> Reply {
    let title = visit.words().text("api-invalid").into_owned();
    let errors = json!({ "errors": [{ "pointer": format!("#/{field}"), "detail": detail }] });
    Reply::problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid", &title, errors)
}

/// What the desk does not take of somebody, with the status that says why.
pub(super) fn refused(visit: &Visit, error: &desk::DeskError) -> Reply {
    let (status, text) = crate::pages::settings::told(visit, error);
    match (status, error) {
        (StatusCode::NOT_FOUND, _) => Reply::not_found(visit),
        // The version that `If-Match` names is no longer the one that stands.
        (StatusCode::CONFLICT, _) if error.is_conflict() => {
            Reply::refuse(visit, StatusCode::PRECONDITION_FAILED, "stale")
        }
        (_, desk::DeskError::Rota(RotaRefusal::Changed)) => {
            Reply::refuse(visit, StatusCode::PRECONDITION_FAILED, "stale")
        }
        (_, desk::DeskError::Rota(refusal)) => {
            Reply::problem(status, refusal.code(), &text, json!({}))
        }
        (_, desk::DeskError::Account(refusal)) => {
            Reply::problem(status, refusal.code(), &text, json!({}))
        }
        _ => Reply::problem(status, "not-done", &text, json!({})),
    }
}

/// Refuses a command for which a token has no scope, whatever else its owner may: who may read an
/// incident reaches the address of all of them. Persons go on to the decider.
pub(super) fn within_scope(visit: &Visit, command: &Command) -> Result<(), Reply> {
    let Some(session) = visit.session.as_ref().filter(|s| s.scopes.is_some()) else {
        return Ok(());
    };
    let within = match command.authority() {
        Authority::Persons(acts) | Authority::PersonsOrSystem(acts) => {
            acts.iter().any(|act| visit.may(*act))
        }
        Authority::Called => session.scoped(Scope::ActIncident),
        Authority::Anybody => session.scoped(Scope::Report),
        Authority::System => true,
    };
    let further = command.further_act();
    allowed(visit, within && further.is_none_or(|act| visit.may(act)))
}

pub(super) fn allowed(visit: &Visit, may: bool) -> Result<(), Reply> {
    may.then_some(())
        .ok_or_else(|| Reply::refuse(visit, StatusCode::FORBIDDEN, "forbidden"))
}

/// Refuses a token: what is asked for gives or takes away a person's own way in.
pub(super) fn by_person(visit: &Visit) -> Result<(), Reply> {
    let person = visit.session.as_ref().is_some_and(|s| s.scopes.is_none());
    allowed(visit, person)
}

/// The incident and the version at which it stands now, where the reader may still know of it.
pub(super) fn stands(visit: &Visit, status: StatusCode, id: &IncidentId) -> Done {
    let version = visit.incident(id).map(|i| i.next_sequence);
    Done {
        status,
        body: json!({ "id": id, "version": version }),
        version,
    }
}

/// The name of what a request made or changed.
pub(super) fn named(status: StatusCode, id: &str) -> Done {
    Done {
        status,
        body: json!({ "id": id }),
        version: None,
    }
}

/// A body without fields of its own.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bare {
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read by the guard; named so that it is not unknown"
    )]
    reason: Option<String>,
}

pub(super) fn inside(visit: &Visit, error: &desk::DeskError) -> Reply {
    crate::perform::unreadable(visit, error, "an answer cannot be made")
}
