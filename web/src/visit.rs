//! One request, read and let in: who asks, in which language, with which fields.

use crate::app::App;
use crate::fields::Fields;
use crate::intake::{self, Intake};
use crate::reply::Reply;
use crate::roles::{Needs, Row};
use crate::{cookies, language, origin};
use axum::body::Bytes;
use axum::extract::{
    ConnectInfo, Form, FromRequest, FromRequestParts, Query, RawPathParams, Request,
};
use axum::http::{HeaderMap, Method, StatusCode, header, request::Parts};
use desk::identity::api_token::Scope;
use desk::{Desk, DeskError, KeptFile, Session};
use document::Catalogue;
use incident::Incident;
use incident::access::Viewer;
use model::{AccountId, Actor, IncidentId, Operation, PositionId, RequestId};
use plan::{Act, Lang, Plan};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A form that is not here by then is not waited for any longer.
const FORM_WITHIN: Duration = Duration::from_secs(20);
/// Fields of a form or a query; what goes beyond is a mistake or an attack.
const MAX_FIELDS: usize = 400;
const MAX_REQUEST_ID: usize = 64;
/// Addresses of programs: their bodies are JSON.
const API: &str = "/api/";
/// The session's form token, where there is no form.
const CSRF: &str = "x-csrf-token";

pub(crate) struct Visit {
    pub app: Arc<App>,
    pub session: Option<Session>,
    /// Whether there is a session could not be read: the visitor is not thereby logged out.
    pub unread: bool,
    /// The text of the session's cookie.
    pub token: Option<String>,
    /// The token that a program came with.
    pub bearer: Option<String>,
    pub plan: Arc<Plan>,
    pub lang: Lang,
    pub theme: Theme,
    pub path: String,
    pub params: Fields,
    pub query: Fields,
    pub form: Fields,
    /// The body of a request to the API; null where it has none.
    pub json: serde_json::Value,
    pub headers: HeaderMap,
    pub from_ip: String,
    /// Files that came with a report, until it is stored, and whether the crowd left some out.
    pub files: Mutex<Vec<KeptFile>>,
    pub intake: Intake,
    /// What the browser says of itself.
    pub device: String,
    /// What the browser keeps of a single sign-on that was begun.
    pub sign_on: String,
    /// `https://host` as the browser knows it; empty where it does not say.
    pub base: String,
    /// A program asks, not a browser.
    pub wants_json: bool,
    /// Something was sent; what answers stands at an address that cannot be asked for again.
    pub posted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
    pub fn parse(text: &str) -> Self {
        [Self::Light, Self::Dark]
            .into_iter()
            .find(|t| t.code() == text)
            .unwrap_or(Self::System)
    }
}

impl Visit {
    /// A header that is plain text.
    pub fn header(&self, name: &header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
    pub fn desk(&self) -> &Desk {
        &self.app.desk
    }
    pub fn words(&self) -> &'static Catalogue {
        document::words(self.lang)
    }
    /// By their own positions, and by those that they fill in the incident of the address.
    pub fn may(&self, act: Act) -> bool {
        // A token is good for its scopes only, whatever its owner may.
        if !self.session.as_ref().is_some_and(|s| s.scope_allows(act)) {
            return false;
        }
        let own = |s: &Session| self.plan.allows(act, &s.positions);
        self.session.as_ref().is_some_and(own) || self.plan.allows(act, &self.acting())
    }
    fn acting(&self) -> Vec<PositionId> {
        let Some(session) = &self.session else {
            return Vec::new();
        };
        match self.params.given("id") {
            Some(id) => (self.desk()).acting_in(&IncidentId::new(id), &session.positions),
            None => Vec::new(),
        }
    }
    /// Who asks, for the question of what they may know. Nobody without a session.
    pub fn viewer(&self) -> Viewer {
        match &self.session {
            Some(s) => self.desk().viewer(&s.account, &s.positions),
            None => Viewer {
                account: AccountId::new(""),
                positions: Vec::new(),
                managers: Vec::new(),
                line_unread: false,
            },
        }
    }
    /// The one door of pages to an incident; `None` also for whoever may not know of it.
    pub fn incident(&self, id: &IncidentId) -> Option<Arc<Incident>> {
        self.desk().incident_for(&self.viewer(), id)
    }
    /// Open ones, newest first; those that the visitor may know of. For closed ones too, a page at
    /// a time, there is `Desk::incident_list`.
    pub fn open_incidents(&self) -> Vec<Arc<Incident>> {
        self.desk().open_incidents_for(&self.viewer())
    }
    /// Who does what the form says, and why.
    pub fn operation(&self) -> Operation {
        let actor = match &self.session {
            Some(s) => Actor::Person {
                account: s.account.clone(),
                name: s.name.clone(),
                positions: s.positions.clone(),
            },
            None => Actor::Reporter,
        };
        Operation {
            actor,
            reason: self.form.get("reason").to_owned(),
            request: self.request_id(),
            now: self.desk().now(),
        }
    }
    /// The form's own id, so that sending it twice acts once; a new one where it has none.
    pub fn request_id(&self) -> RequestId {
        let given = self.form.get("request");
        let sound = !given.is_empty()
            && given.len() <= MAX_REQUEST_ID
            && given
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if sound {
            RequestId::new(given)
        } else {
            RequestId(random_id())
        }
    }
}

/// 128 random bits in hex. Without the machine's randomness there is no safe id: fail stop.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 16];
    #[expect(
        clippy::expect_used,
        reason = "a machine without randomness must not go on"
    )]
    getrandom::fill(&mut bytes).expect("the machine gives random bytes");
    model::digest::hex(&bytes)
}

/// Reads a request and lets it in by its row of the table; `Err` is the answer to who may not.
pub(crate) async fn enter(
    app: Arc<App>,
    row: &'static Row,
    request: Request,
) -> Result<Visit, Reply> {
    let posted = request.method() == Method::POST;
    let (mut parts, body) = request.into_parts();
    let ours = origin::is_ours(&parts.headers);
    let mut visit = read_for(&app, &mut parts, row.open_to_tokens()).await;
    if posted && !ours {
        return Err(Reply::refuse(&visit, StatusCode::FORBIDDEN, "origin"));
    }
    if posted && row.takes_files() {
        if row.needs != Needs::Public {
            admit(&visit, row, posted)?;
        }
        let request = Request::from_parts(parts, body);
        intake::read(&app, &mut visit, request).await?;
    } else if posted && visit.path.starts_with(API) {
        // Whoever may not ask is told so before anything of theirs is read.
        admit(&visit, row, posted)?;
        let request = Request::from_parts(parts, body);
        visit.json = json_body(&visit, request).await?;
    } else if posted {
        let request = Request::from_parts(parts, body);
        let form = Form::<Vec<(String, String)>>::from_request(request, &());
        match tokio::time::timeout(FORM_WITHIN, form).await {
            Ok(Ok(Form(fields))) if fields.len() <= MAX_FIELDS => visit.form = Fields(fields),
            Ok(Err(rejection)) => return Err(Reply::refuse(&visit, rejection.status(), "form")),
            Ok(Ok(_)) => return Err(Reply::refuse(&visit, StatusCode::PAYLOAD_TOO_LARGE, "form")),
            Err(_) => return Err(Reply::refuse(&visit, StatusCode::REQUEST_TIMEOUT, "form")),
        }
    }
    admit(&visit, row, posted)?;
    Ok(visit)
}

/// The JSON of a request; nothing where it is empty.
async fn json_body(visit: &Visit, request: Request) -> Result<serde_json::Value, Reply> {
    let plain = header::CONTENT_TYPE;
    let kind = visit
        .header(&plain)
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    let bytes = Bytes::from_request(request, &());
    let bytes = match tokio::time::timeout(FORM_WITHIN, bytes).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(rejection)) => return Err(Reply::refuse(visit, rejection.status(), "form")),
        Err(_) => return Err(Reply::refuse(visit, StatusCode::REQUEST_TIMEOUT, "form")),
    };
    if bytes.is_empty() {
        return Ok(serde_json::Value::Null);
    }
    if kind != "application/json" && !kind.starts_with("application/json;") {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Reply::refuse(visit, status, "not-json"));
    }
    // serde_json bounds the depth; the size was bounded by the router.
    serde_json::from_slice(&bytes)
        .map_err(|_| Reply::refuse(visit, StatusCode::BAD_REQUEST, "not-json"))
}

/// Reads what stands outside the body. Never refuses: a request without a session is a visitor's.
pub(crate) async fn read(app: &Arc<App>, parts: &mut Parts) -> Visit {
    let of_programs = parts.uri.path().starts_with(API);
    read_for(app, parts, of_programs).await
}

/// `tokens`: whether a program may come to this address with its token.
async fn read_for(app: &Arc<App>, parts: &mut Parts, tokens: bool) -> Visit {
    let secure = app.options.secure;
    let Asker {
        found,
        token,
        bearer,
    } = who(app, parts, secure, tokens);
    let unread = found.as_ref().err().is_some();
    let session = found.unwrap_or_else(|error| {
        tracing::error!(error = %crate::perform::chain(&error), "who asks cannot be read");
        None
    });
    let lang = language::negotiate(
        session.as_ref().and_then(|s| s.language),
        cookies::read(&parts.headers, cookies::LANGUAGE),
        header_text(&parts.headers, header::ACCEPT_LANGUAGE.as_str()),
        app.options.language,
    );
    let theme = Theme::parse(cookies::read(&parts.headers, cookies::THEME).unwrap_or(""));
    let path = parts.uri.path().to_owned();
    let accept = header_text(&parts.headers, header::ACCEPT.as_str()).unwrap_or("");
    let wants_json =
        bearer.is_some() || path.starts_with(API) || accept.starts_with("application/json");
    let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
        .map_or_else(|_| Vec::new(), |Query(fields)| fields);
    let from_ip = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or_else(String::new, |info| {
            crate::flood::sender(info.0.ip(), &parts.headers, &app.options.trusted_proxies)
                .to_string()
        });
    let device = header_text(&parts.headers, header::USER_AGENT.as_str()).unwrap_or("");
    let device = device.to_owned();
    let sign_on = cookies::read(&parts.headers, cookies::SIGN_ON).unwrap_or("");
    let sign_on = sign_on.to_owned();
    let base = base(header_text(&parts.headers, header::HOST.as_str()), secure);
    let params = match RawPathParams::from_request_parts(parts, &()).await {
        Ok(params) => params
            .iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect(),
        Err(_) => Vec::new(),
    };
    Visit {
        app: app.clone(),
        session,
        unread,
        token,
        bearer,
        plan: app.desk.plan(),
        lang,
        theme,
        path,
        params: Fields(params),
        query: Fields(query),
        form: Fields::default(),
        json: serde_json::Value::Null,
        headers: parts.headers.clone(),
        from_ip,
        files: Mutex::default(),
        intake: Intake::default(),
        device,
        sign_on,
        base,
        wants_json,
        posted: parts.method == Method::POST,
    }
}

/// Who asks, and by what.
struct Asker {
    found: Result<Option<Session>, DeskError>,
    /// The text of the session's cookie.
    token: Option<String>,
    /// The token of a program.
    bearer: Option<String>,
}

/// The session of the cookie; where programs may come, what the `Authorization` header says. With a
/// header the cookie is not looked at: a bad token is nobody, not the browser's person.
fn who(app: &Arc<App>, parts: &Parts, secure: bool, tokens: bool) -> Asker {
    let header = header_text(&parts.headers, header::AUTHORIZATION.as_str());
    if tokens && parts.headers.contains_key(header::AUTHORIZATION) {
        let scheme = header.and_then(|h| h.split_once(' '));
        let bearer = scheme.filter(|(name, _)| name.eq_ignore_ascii_case("bearer"));
        let bearer = bearer.map_or("", |(_, text)| text.trim());
        return Asker {
            found: app.desk.session_of_token(bearer),
            token: None,
            bearer: Some(bearer.to_owned()),
        };
    }
    let token = cookies::read(&parts.headers, cookies::session_name(secure)).map(str::to_owned);
    let found = token.as_deref().map(|t| app.desk.find_session(t));
    Asker {
        found: found.unwrap_or(Ok(None)),
        token,
        bearer: None,
    }
}

/// Only what a host and a port may hold: the header is a stranger's.
fn base(host: Option<&str>, secure: bool) -> String {
    let plain = |h: &&str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b".:-[]".contains(&b);
        h.len() <= 255 && h.bytes().all(fits)
    };
    let scheme = if secure { "https" } else { "http" };
    let host = host.filter(plain);
    host.map_or_else(String::new, |h| format!("{scheme}://{h}"))
}

/// Where somebody who owes a second factor may go: to where it is set up, and out.
fn sets_up(path: &str) -> bool {
    path == "/settings/account" || path.starts_with("/settings/account/") || path == "/logout"
}

/// Whether a token that may act may also look: to hand a report in is not to read them all, nor to
/// take their files along. Persons may look where they may act.
fn reads(visit: &Visit, row: &Row, posted: bool) -> bool {
    let Some(session) = visit.session.as_ref().filter(|_| !posted) else {
        return posted;
    };
    match row.needs {
        Needs::Act(Act::OpenIncident) if row.path.contains("/files/") => {
            session.scoped(Scope::Export)
        }
        Needs::Act(Act::OpenIncident) => session.scoped(Scope::Read),
        _ => true,
    }
}

/// Deny by default: what a row does not grant is refused.
fn admit(visit: &Visit, row: &Row, posted: bool) -> Result<(), Reply> {
    let needs = row.needs;
    let held = visit.session.as_ref().map_or(&[][..], |s| &s.positions);
    let guest = visit.desk().is_guest(held);
    let granted = match needs {
        Needs::Public => return Ok(()),
        Needs::Journal if visit.app.options.public_journal => return Ok(()),
        Needs::LoggedIn => visit.session.as_ref().is_some_and(|s| {
            let scope = if posted {
                Scope::ActIncident
            } else {
                Scope::Read
            };
            s.scoped(scope)
        }),
        Needs::Act(act) => visit.may(act) && reads(visit, row, posted),
        Needs::Guest => guest && visit.session.as_ref().is_some_and(|s| s.scopes.is_none()),
        Needs::Intake => visit
            .session
            .as_ref()
            .is_some_and(|s| s.scopes.is_some() && s.scoped(Scope::Intake)),
        Needs::Journal => visit.may(Act::ReadEvidence),
    };
    if visit.unread {
        return Err(crate::perform::store_away(visit));
    }
    let Some(session) = &visit.session else {
        return Err(ask_to_log_in(visit, posted));
    };
    if guest && !row.open_to_guests() && !sets_up(&visit.path) {
        return Err(match visit.path == "/" && !posted {
            true => Reply::see("/guest"),
            false => Reply::refuse(visit, StatusCode::FORBIDDEN, "forbidden"),
        });
    }
    // A token that only reads changes nothing, even where reading is all that a person needs.
    if !granted || (posted && !session.changes()) {
        return Err(Reply::refuse(visit, StatusCode::FORBIDDEN, "forbidden"));
    }
    if session.needs_second_factor && !sets_up(&visit.path) {
        return Err(
            match visit.wants_json || posted || visit.path == "/events" {
                true => Reply::refuse(visit, StatusCode::FORBIDDEN, "second-factor"),
                false => Reply::see("/settings/account"),
            },
        );
    }
    // No browser sends a token's header by itself: nothing can be forged with it.
    let forgeable = session.scopes.is_none();
    // A program that uses a browser's session brings its form token in a header.
    let brought = visit.headers.get(CSRF).and_then(|v| v.to_str().ok());
    let token = brought.unwrap_or_else(|| visit.form.get("csrf"));
    if posted && forgeable && !origin::same_token(&session.csrf, token) {
        return Err(Reply::refuse(visit, StatusCode::FORBIDDEN, "token"));
    }
    Ok(())
}

fn ask_to_log_in(visit: &Visit, posted: bool) -> Reply {
    if visit.wants_json || visit.path.starts_with("/journal/") || visit.path == "/events" {
        return Reply::refuse(visit, StatusCode::UNAUTHORIZED, "login");
    }
    // What was typed into a form of an ended session cannot be sent for the person later.
    let next = if posted || visit.path == "/" {
        String::new()
    } else {
        format!("?next={}", visit.path.replace('&', "%26"))
    };
    Reply::see(&format!("/login{next}"))
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}
