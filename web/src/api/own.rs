//! One's own account for programs: how one is reached, sessions, tokens.
//!
//! Deliberately not here: password and second factor, which a person gives to nothing but the
//! login's own pages.

use super::guard::{self, Bare, Done};
use super::schemas::list_of;
use crate::pages::settings::account::own;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use desk::identity::api_token::{NewToken, Scope, TokenOutcome};
use desk::{Address, Profile};
use plan::{Act, Lang};
use serde::Deserialize;
use serde_json::{Value, json};

/// How somebody is reached; what is left out becomes empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileBody {
    #[serde(default)]
    phone: String,
    #[serde(default)]
    mail: String,
    #[serde(default)]
    language: Option<Lang>,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    addresses: Vec<Address>,
}

impl ProfileBody {
    /// Whom one reports to is not among it: need-to-know hangs on it.
    pub fn over(self, known: Profile) -> Profile {
        Profile {
            phone: self.phone,
            mail: self.mail,
            language: self.language,
            time_zone: self.time_zone,
            addresses: self.addresses,
            ..known
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    name: String,
    scopes: Vec<String>,
    days: u32,
}

pub(super) fn profile_shown(profile: &Profile) -> Value {
    json!(profile)
}

pub(crate) fn profile(visit: &Visit) -> Reply {
    match visit.desk().profile(&own(visit)) {
        Ok((profile, version)) => Reply::json(&profile_shown(&profile))
            .with_header(header::ETAG, &format!("\"{version}\"")),
        Err(error) => guard::inside(visit, &error),
    }
}

pub(crate) fn save(visit: &Visit) -> Reply {
    guard::once(visit, |_| {
        guard::by_person(visit)?;
        let seen = guard::if_match(visit)?;
        let body: ProfileBody = guard::body(visit)?;
        let (desk, account) = (visit.desk(), own(visit));
        let save = || {
            let (known, stands) = desk.profile(&account)?;
            let version = seen.map_or(stands, u64::from);
            desk.set_profile(&account, &body.over(known), version)?;
            desk.profile(&account)
        };
        let (_, version) = save().map_err(|error| guard::refused(visit, &error))?;
        Ok(Done {
            version: u32::try_from(version).ok(),
            ..guard::named(StatusCode::OK, account.as_str())
        })
    })
}

pub(crate) fn sessions(visit: &Visit) -> Reply {
    match visit.desk().sessions(&own(visit), visit.token.as_deref()) {
        Ok(items) => Reply::json(&json!({ "items": items })),
        Err(error) => guard::inside(visit, &error),
    }
}

pub(crate) fn end_session(visit: &Visit) -> Reply {
    guard::once(visit, |_| {
        guard::by_person(visit)?;
        let Bare { .. } = guard::body(visit)?;
        let id = visit.params.get("session");
        let ended = visit.desk().end_session_of(&own(visit), id);
        ended.map_err(|error| guard::refused(visit, &error))?;
        Ok(guard::named(StatusCode::OK, id))
    })
}

pub(crate) fn end_others(visit: &Visit) -> Reply {
    guard::once(visit, |_| {
        guard::by_person(visit)?;
        let Bare { .. } = guard::body(visit)?;
        let token = visit.token.as_deref().unwrap_or_default();
        let ended = visit.desk().end_other_sessions(&own(visit), token);
        ended.map_err(|error| guard::refused(visit, &error))?;
        Ok(guard::named(StatusCode::OK, "others"))
    })
}

/// Own tokens; everybody's for who manages accounts.
pub(crate) fn tokens(visit: &Visit) -> Reply {
    let account = own(visit);
    let whose = (!visit.may(Act::ManageAccounts)).then_some(&account);
    match visit.desk().tokens(whose) {
        Ok(items) => Reply::json(&json!({ "items": items })),
        Err(error) => guard::inside(visit, &error),
    }
}

/// The token stands in the first answer alone. No token makes another.
pub(crate) fn make_token(visit: &Visit) -> Reply {
    guard::once_shown(visit, |change| {
        guard::by_person(visit)?;
        let body: TokenBody = guard::body(visit)?;
        let scopes: Option<Vec<Scope>> = body.scopes.iter().map(|s| Scope::parse(s)).collect();
        let asked = NewToken {
            name: body.name,
            scopes: scopes.ok_or_else(|| guard::invalid(visit, "scopes", "no such scope"))?,
            days: body.days,
        };
        let made = visit.desk().new_token(&change.op, asked);
        let (proposal, token) = match made.map_err(|error| guard::refused(visit, &error))? {
            TokenOutcome::Made(token) => (None, json!(token)),
            TokenOutcome::Proposed(proposal) => (Some(proposal.id), Value::Null),
        };
        let done = Done {
            body: json!({ "proposal": proposal }),
            ..guard::named(StatusCode::CREATED, "")
        };
        Ok((done, ("token", token)))
    })
}

pub(crate) fn revoke_token(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        guard::by_person(visit)?;
        let Bare { .. } = guard::body(visit)?;
        let id = visit.params.get("token");
        let revoked = visit.desk().revoke_token(&change.op, id);
        revoked.map_err(|error| guard::refused(visit, &error))?;
        Ok(guard::named(StatusCode::OK, id))
    })
}

fn profile_fields() -> Value {
    let short = json!({ "type": "string", "maxLength": 254 });
    json!({
        "phone": short, "mail": short,
        "language": { "enum": ["zh-CN", "en", null] },
        "time_zone": { "type": ["string", "null"], "maxLength": 64 },
        "addresses": { "type": "array", "maxItems": 20, "items": {
            "type": "object", "required": ["channel", "address"], "additionalProperties": false,
            "properties": { "channel": short, "address": short },
        } },
    })
}

pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let time = json!({ "type": "string", "format": "date-time" });
    let later = json!({ "type": ["string", "null"], "format": "date-time" });
    let codes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.code()).collect();
    json!({
        "Profile": { "type": "object", "properties": {
            "reports_to": { "type": ["string", "null"] },
        } },
        "ProfileBody": {
            "type": "object", "additionalProperties": false, "properties": profile_fields(),
        },
        "OwnSession": { "type": "object", "required": ["id", "created_at"], "properties": {
            "id": text, "device": text, "created_at": time, "expires_at": time,
            "seen_at": later, "own": { "type": "boolean" },
        } },
        "OwnSessions": list_of("OwnSession"),
        "Token": { "type": "object", "required": ["id", "account", "name"], "properties": {
            "id": text, "account": text, "name": text,
            "scopes": { "type": "array", "items": { "enum": codes } },
            "created_at": time, "expires_at": time, "seen_at": later, "revoked_at": later,
        } },
        "Tokens": list_of("Token"),
        "TokenBody": {
            "type": "object", "required": ["name", "scopes", "days"], "additionalProperties": false,
            "properties": {
                "name": { "type": "string", "minLength": 1, "maxLength": 100 },
                "scopes": { "type": "array", "minItems": 1, "items": { "enum": codes } },
                "days": { "type": "integer", "minimum": 1, "maximum": 366 },
            },
        },
        "TokenMade": { "type": "object", "properties": {
            "proposal": { "type": ["string", "null"] }, "token": { "type": ["string", "null"] },
        } },
    })
}
