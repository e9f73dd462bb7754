//! The one-time link of an invitation or a lost password, and the emergency code.
//!
//! Looking at the link does not use it up: messengers and mail scanners look too.

use crate::narrate;
use crate::pages::login::{begin, refuse_with};
use crate::pages::settings::{only, raw};
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::LoginError;

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage<'a> {
    v: View<'a>,
    token: String,
    refused: Option<String>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    show(visit, StatusCode::OK, visit.query.get("token"), None)
}

fn show(visit: &Visit, status: StatusCode, token: &str, refused: Option<String>) -> Reply {
    let page = WelcomePage {
        v: View::titled(visit, Section::None, "welcome-title"),
        token: token.to_owned(),
        refused,
    };
    Reply::page_as(status, &page)
}

/// Sets the password; whoever has a second factor logs in with it then.
pub(crate) fn set_password(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["token", "password"]) {
        return reply;
    }
    let (token, password) = (visit.form.get("token"), raw(visit, "password"));
    let set = (visit.desk().set_password_by_link(token, password)).and_then(|id| {
        visit
            .desk()
            .login_from(id.as_str(), password, &visit.device)
    });
    match set {
        Ok(session) => begin(visit, &session, "/settings/account?done=settings-password"),
        Err(LoginError::SecondFactor { .. }) => Reply::see("/login"),
        Err(LoginError::Desk(error @ desk::DeskError::Account(_))) => {
            let text = narrate::desk_error(visit.words(), &error);
            show(visit, StatusCode::UNPROCESSABLE_ENTITY, token, Some(text))
        }
        Err(error) => refuse_with(visit, &error),
    }
}

#[derive(Template)]
#[template(path = "login_emergency.html")]
struct EmergencyPage<'a> {
    v: View<'a>,
    who: String,
    reason: String,
    refused: Option<String>,
}

pub(crate) fn emergency(visit: &Visit) -> Reply {
    show_emergency(visit, StatusCode::OK, None)
}

fn show_emergency(visit: &Visit, status: StatusCode, key: Option<&str>) -> Reply {
    let page = EmergencyPage {
        v: View::titled(visit, Section::None, "emergency-title"),
        who: visit.form.get("who").to_owned(),
        reason: visit.form.get("reason").to_owned(),
        refused: key.map(|key| visit.words().text(key).into_owned()),
    };
    Reply::page_as(status, &page)
}

pub(crate) fn use_code(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["code", "who", "reason"]) {
        return reply;
    }
    let (code, form) = (raw(visit, "code"), &visit.form);
    let desk = visit.desk();
    match desk.break_glass_login(code, form.get("who"), form.get("reason"), &visit.device) {
        Ok(session) => begin(visit, &session, "/"),
        Err(LoginError::Wrong) => {
            show_emergency(visit, StatusCode::UNAUTHORIZED, Some("emergency-wrong"))
        }
        Err(LoginError::Incomplete) => show_emergency(
            visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            Some("emergency-incomplete"),
        ),
        Err(error) => refuse_with(visit, &error),
    }
}
