//! The settings: own account, people, positions, tokens, and what waits for a second person.
//!
//! Deliberately not here: decisions (the desk's `membership`), and who may open which page (`roles`).

pub(crate) mod account;
pub(crate) mod channels;
mod device;
pub(crate) mod factor;
pub(crate) mod people;
pub(crate) mod person;
pub(crate) mod positions;
pub(crate) mod proposals;
pub(crate) mod tokens;
pub(crate) mod webhooks;

use crate::narrate;
use crate::pages::error;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::DeskError;
use desk::identity::AccountRefusal;
use plan::Act;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage<'a> {
    v: View<'a>,
    tab: &'static str,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    Reply::page(&SettingsPage {
        v: View::titled(visit, Section::Settings, "nav-settings"),
        tab: "overview",
    })
}

/// A secret that is shown once: codes, a token, a link.
#[derive(Template)]
#[template(path = "settings_once.html")]
struct OncePage<'a> {
    v: View<'a>,
    tab: &'static str,
    intro: String,
    lines: Vec<String>,
    back: &'static str,
    printed: bool,
}

/// `key` has the catalogue's entries `KEY-title` and `KEY-intro`.
pub(crate) fn once(
    visit: &Visit,
    tab: &'static str,
    key: &str,
    lines: Vec<String>,
    back: &'static str,
) -> Reply {
    let v = View::titled(visit, Section::Settings, &format!("{key}-title"));
    let intro = v.t(&format!("{key}-intro")).into_owned();
    Reply::page(&OncePage {
        printed: lines.len() > 1,
        tab,
        intro,
        lines,
        back,
        v,
    })
}

/// Refuses fields that the form does not have: nothing is taken over by its name alone.
pub(crate) fn only(visit: &Visit, known: &[&str]) -> Result<(), Reply> {
    let fits = |name: &str| known.contains(&name) || matches!(name, "csrf" | "request");
    match visit.form.0.iter().all(|(name, _)| fits(name)) {
        true => Ok(()),
        false => Err(Reply::refuse(
            visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            "unknown-field",
        )),
    }
}

/// A field as it came: a password may begin or end with a blank.
pub(crate) fn raw<'a>(visit: &'a Visit, name: &str) -> &'a str {
    let found = visit.form.0.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, value)| value)
}

/// The status that says why something was left as it is.
pub(crate) fn status_of(error: &DeskError) -> StatusCode {
    use AccountRefusal as A;
    match error {
        DeskError::NotFound(_) => StatusCode::NOT_FOUND,
        DeskError::Account(A::NotActive | A::NotManager | A::Own | A::SecondPerson) => {
            StatusCode::FORBIDDEN
        }
        DeskError::Account(A::TooMany) => StatusCode::TOO_MANY_REQUESTS,
        DeskError::Account(A::State | A::Changed | A::Decided | A::LastManager | A::Full) => {
            StatusCode::CONFLICT
        }
        DeskError::Webhook(refusal) => webhooks::status(*refusal),
        DeskError::Rota(refusal) => super::call_out::rota_status(refusal),
        DeskError::Account(_) | DeskError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        _ if error.is_conflict() => StatusCode::CONFLICT,
        _ if error.is_away() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Status and words for it; what the program itself is at fault for is logged.
pub(crate) fn told(visit: &Visit, error: &DeskError) -> (StatusCode, String) {
    let status = status_of(error);
    if status.is_server_error() {
        tracing::error!(error = %crate::perform::chain(error), "a setting was left as it is");
    }
    let text = match error.is_conflict() {
        true => visit.words().text("settings-conflict").into_owned(),
        false => narrate::desk_error(visit.words(), error),
    };
    (status, text)
}

/// Why something was left as it is.
pub(crate) fn failed(visit: &Visit, error: &DeskError, back: &str) -> Reply {
    let (status, text) = told(visit, error);
    if status == StatusCode::NOT_FOUND {
        return Reply::not_found(visit);
    }
    error::refused_in(visit, Section::Settings, status, text, back.to_owned())
}
