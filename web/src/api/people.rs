//! People and their accounts, and what of it waits for a second person, for programs that use a
//! person's session: managing accounts is no token's.
//!
//! Deliberately not here: who may give whom what (the desk's `identity`).

use super::cursor::{self, Asked};
use super::guard::{self, Bare, Change, Done};
use super::own::{ProfileBody, profile_shown};
use super::schemas::{closed, list_of};
use crate::pages::settings::people::link;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use desk::account::Person;
use desk::identity::Collected;
use desk::identity::people::Outcome;
use desk::identity::proposal::AccountProposal;
use desk::{Desk, DeskError};
use model::{AccountId, Operation, PositionId};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteBody {
    account: AccountId,
    name: String,
    positions: Vec<PositionId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonBody {
    name: String,
    /// Left out: as it stands; `null`: nobody.
    #[serde(default, deserialize_with = "given")]
    reports_to: Option<Option<AccountId>>,
    profile: ProfileBody,
}

/// Tells `null` from what is left out.
fn given<'de, D: Deserializer<'de>>(found: D) -> Result<Option<Option<AccountId>>, D::Error> {
    Option::deserialize(found).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PositionsBody {
    positions: Vec<PositionId>,
    /// Those that the caller saw, which the account must still hold.
    held: Vec<PositionId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodesBody {
    count: u32,
}

/// By account, with `q` in id or name.
pub(crate) fn list(visit: &Visit) -> Reply {
    let asked = match Asked::of(visit) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let mut people = match visit.desk().accounts_for(&visit.viewer()) {
        Ok(people) => people,
        Err(error) => return guard::inside(visit, &error),
    };
    let sought = visit.query.get("q").to_lowercase();
    let after = asked.after.unwrap_or_default();
    people.retain(|p| {
        let text = format!("{} {}", p.id, p.name).to_lowercase();
        p.id.as_str() > after.as_str() && text.contains(&sought)
    });
    people.sort_by(|a, b| a.id.cmp(&b.id));
    let more = people.len() > asked.limit;
    people.truncate(asked.limit);
    let last = people.last().filter(|_| more).map(|p| p.id.to_string());
    cursor::page(visit, people.iter().map(shown).collect(), last.as_deref())
}

fn shown(p: &Person) -> Value {
    json!({
        "id": p.id,
        "name": p.name,
        "positions": p.positions,
        "state": p.state_code(),
        "created_at": p.created_at,
    })
}

fn target(visit: &Visit) -> AccountId {
    AccountId::new(visit.params.get("account"))
}

/// With the profile, whose version is the entity tag.
pub(crate) fn one(visit: &Visit) -> Reply {
    let (desk, id) = (visit.desk(), target(visit));
    let read = || -> Result<Option<(Value, u64)>, DeskError> {
        let Some(person) = desk.person_for(&visit.viewer(), &id)? else {
            return Ok(None);
        };
        let (profile, version) = desk.profile(&id)?;
        let mut body = shown(&person);
        body["profile"] = profile_shown(&profile);
        body["second_factor"] = json!(desk.second_factor(&id)?.enrolled);
        body["sessions"] = json!(desk.sessions(&id, visit.token.as_deref())?);
        Ok(Some((body, version)))
    };
    match read() {
        Ok(Some((body, version))) => {
            Reply::json(&body).with_header(header::ETAG, &format!("\"{version}\""))
        }
        Ok(None) => Reply::not_found(visit),
        Err(error) => guard::inside(visit, &error),
    }
}

/// The link stands in the first answer alone.
pub(crate) fn invite(visit: &Visit) -> Reply {
    guard::once_shown(visit, |change| {
        let body: InviteBody = guard::body(visit)?;
        let (id, positions) = (&body.account, &body.positions);
        let invited = (visit.desk()).invite(&change.op, id, &body.name, positions);
        let invited = invited.map_err(|error| guard::refused(visit, &error))?;
        let mut done = guard::named(StatusCode::CREATED, id.as_str());
        done.body["proposal"] = json!(invited.proposed.map(|p| p.id));
        Ok((done, ("link", json!(link(visit, &invited.token)))))
    })
}

pub(crate) fn save(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let seen = guard::if_match(visit)?;
        let body: PersonBody = guard::body(visit)?;
        let (desk, id) = (visit.desk(), target(visit));
        let save = || {
            let (mut known, stands) = desk.profile(&id)?;
            if let Some(manager) = body.reports_to {
                known.reports_to = manager;
            }
            let profile = body.profile.over(known);
            let version = seen.map_or(stands, u64::from);
            desk.edit_person(&change.op, &id, &body.name, &profile, version)?;
            desk.profile(&id)
        };
        let (_, version) = save().map_err(|error| guard::refused(visit, &error))?;
        Ok(Done {
            version: u32::try_from(version).ok(),
            ..guard::named(StatusCode::OK, id.as_str())
        })
    })
}

pub(crate) fn set_positions(visit: &Visit) -> Reply {
    step(visit, |change| {
        let body: PositionsBody = guard::body(visit)?;
        let (id, held) = (target(visit), Some(body.held.as_slice()));
        let set = (visit.desk()).set_positions(&change.op, &id, &body.positions, held);
        set.map_err(|error| guard::refused(visit, &error))
    })
}

pub(crate) fn new_link(visit: &Visit) -> Reply {
    plain(visit, |desk, op, id| {
        Ok(Outcome::Link(desk.new_link(op, id)?))
    })
}

pub(crate) fn disable(visit: &Visit) -> Reply {
    plain(visit, Desk::disable)
}

pub(crate) fn enable(visit: &Visit) -> Reply {
    plain(visit, Desk::enable)
}

pub(crate) fn reset_factor(visit: &Visit) -> Reply {
    plain(visit, Desk::reset_second_factor)
}

pub(crate) fn end_sessions(visit: &Visit) -> Reply {
    plain(visit, |desk, op, id| {
        desk.end_all_sessions(op, id).map(|()| Outcome::Done)
    })
}

type Work = fn(&Desk, &Operation, &AccountId) -> Result<Outcome, DeskError>;

fn plain(visit: &Visit, work: Work) -> Reply {
    step(visit, |change| {
        let Bare { .. } = guard::body(visit)?;
        let done = work(visit.desk(), &change.op, &target(visit));
        done.map_err(|error| guard::refused(visit, &error))
    })
}

/// `proposal` where a second person has to approve it first; a link in the first answer alone.
fn step(visit: &Visit, work: impl FnOnce(&Change<'_>) -> Result<Outcome, Reply>) -> Reply {
    guard::once_shown(visit, |change| {
        let outcome = work(change)?;
        let mut done = guard::named(StatusCode::OK, target(visit).as_str());
        let mut shown = Value::Null;
        match outcome {
            Outcome::Done => {}
            Outcome::Proposed(proposal) => done.body["proposal"] = json!(proposal.id),
            Outcome::Link(token) => shown = json!(link(visit, &token)),
        }
        Ok((done, ("link", shown)))
    })
}

/// The newest first.
pub(crate) fn proposals(visit: &Visit) -> Reply {
    match visit.desk().account_proposals_for(&visit.viewer()) {
        Ok(all) => {
            let items: Vec<Value> = all.iter().map(proposal).collect();
            Reply::json(&json!({ "items": items }))
        }
        Err(error) => guard::inside(visit, &error),
    }
}

fn proposal(p: &AccountProposal) -> Value {
    json!({
        "id": p.id, "proposed": p.proposed, "state": p.state, "by": p.by, "at": p.at,
        "decided_by": p.decided_by, "decided_at": p.decided_at,
    })
}

pub(crate) fn approve(visit: &Visit) -> Reply {
    decide(visit, Desk::approve_account_proposal)
}

pub(crate) fn refuse(visit: &Visit) -> Reply {
    decide(visit, Desk::refuse_account_proposal)
}

fn decide(
    visit: &Visit,
    work: fn(&Desk, &Operation, &str) -> Result<AccountProposal, DeskError>,
) -> Reply {
    guard::once(visit, |change| {
        guard::by_person(visit)?;
        let Bare { .. } = guard::body(visit)?;
        let decided = work(visit.desk(), &change.op, visit.params.get("proposal"));
        let decided = decided.map_err(|error| guard::refused(visit, &error))?;
        Ok(Done {
            body: proposal(&decided),
            ..guard::named(StatusCode::OK, "")
        })
    })
}

/// What an approval gave, for whoever asked for it; in the first answer alone.
pub(crate) fn collect(visit: &Visit) -> Reply {
    guard::once_shown(visit, |change| {
        guard::by_person(visit)?;
        let Bare { .. } = guard::body(visit)?;
        let id = visit.params.get("proposal");
        let collected = (visit.desk()).collect_account_proposal(&change.op, id);
        let secrets = match collected.map_err(|error| guard::refused(visit, &error))? {
            Collected::Codes(codes) => codes,
            Collected::Token(token) => vec![token],
        };
        Ok((
            guard::named(StatusCode::OK, id),
            ("secrets", json!(secrets)),
        ))
    })
}

/// A new set of emergency codes; the codes, or the proposal that somebody else approves first.
pub(crate) fn emergency_codes(visit: &Visit) -> Reply {
    guard::once_shown(visit, |change| {
        let body: CodesBody = guard::body(visit)?;
        let asked = (visit.desk()).ask_break_glass(&change.op, body.count);
        let asked = asked.map_err(|error| guard::refused(visit, &error))?;
        let mut done = guard::named(StatusCode::OK, "break-glass");
        let mut shown = Value::Null;
        match asked {
            Ok(codes) => shown = json!(codes),
            Err(proposal) => done.body["proposal"] = json!(proposal.id),
        }
        Ok((done, ("secrets", shown)))
    })
}

pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let time = json!({ "type": "string", "format": "date-time" });
    let perhaps = json!({ "type": ["string", "null"] });
    let account = json!({ "type": "string", "minLength": 1, "maxLength": 64 });
    let name = json!({ "type": "string", "minLength": 1, "maxLength": 120 });
    let person = json!({
        "id": text, "name": text, "positions": texts,
        "state": { "enum": ["invited", "active", "disabled"] }, "created_at": time,
    });
    let proposal = json!({
        "id": text, "proposed": { "type": "object" }, "by": text, "at": time,
        "state": { "enum": ["open", "approved", "done", "refused"] },
        "decided_by": perhaps, "decided_at": perhaps,
    });
    let required = ["id", "name", "positions", "state"];
    json!({
        "Person": { "type": "object", "required": required, "properties": person },
        "PersonPage": super::schemas::page_of("Person"),
        "PersonDetail": { "allOf": [
            { "$ref": "#/components/schemas/Person" },
            { "type": "object", "required": ["profile", "sessions"], "properties": {
                "profile": { "type": "object" }, "second_factor": { "type": "boolean" },
                "sessions": { "type": "array", "items": { "type": "object" } },
            } },
        ] },
        "InviteBody": closed(&["account", "name", "positions"], json!({
            "account": account, "name": name, "positions": texts,
        })),
        "PersonBody": closed(&["name", "profile"], json!({
            "name": name, "reports_to": perhaps,
            "profile": { "$ref": "#/components/schemas/ProfileBody" },
        })),
        "PositionsBody": closed(&["positions", "held"], json!({
            "positions": texts, "held": texts,
        })),
        "BareBody": closed(&[], json!({
            "reason": { "type": ["string", "null"], "maxLength": 1000 },
        })),
        "CodesBody": closed(&["count"], json!({
            "count": { "type": "integer", "minimum": 1, "maximum": 20 },
        })),
        "AccountStep": { "type": "object", "required": ["id"], "properties": {
            "id": text, "proposal": perhaps, "link": perhaps,
        } },
        "Secrets": { "type": "object", "required": ["id"], "properties": {
            "id": text, "proposal": perhaps,
            "secrets": { "type": ["array", "null"], "items": text },
        } },
        "AccountProposal": {
            "type": "object", "required": ["id", "proposed", "state", "by", "at"],
            "properties": proposal,
        },
        "AccountProposals": list_of("AccountProposal"),
    })
}
