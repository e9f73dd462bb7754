//! Logging in and out, the one-time link, and the choice of language and look.

use crate::cookies;
use crate::narrate;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::{Theme, Visit};
use askama::Template;
use axum::http::{StatusCode, header};
use desk::LoginError;
use document::Value;
use plan::Lang;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    v: View<'a>,
    refused: Option<String>,
    name: String,
    next: String,
    sign_on: bool,
    /// Where the provider's own session is ended, after a logout.
    elsewhere: Option<String>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    if visit.session.is_some() {
        return Reply::see(&inside(visit.query.get("next")));
    }
    show(visit, StatusCode::OK, None)
}

fn show(visit: &Visit, status: StatusCode, refused: Option<String>) -> Reply {
    let asked = visit.form.given("next").unwrap_or(visit.query.get("next"));
    Reply::page_as(
        status,
        &LoginPage {
            v: View::titled(visit, Section::None, "login-title"),
            refused,
            name: visit.form.get("name").to_owned(),
            next: inside(asked),
            sign_on: visit.desk().has_sign_on(),
            elsewhere: match visit.query.ticked("bye") {
                true => visit.desk().sign_on_end(),
                false => None,
            },
        },
    )
}

pub(crate) fn log_in(visit: &Visit) -> Reply {
    // A password may begin or end with a blank: taken as it came.
    let password = visit
        .form
        .0
        .iter()
        .find(|(n, _)| n == "password")
        .map_or("", |(_, v)| v);
    let name = visit.form.get("name");
    match visit.desk().login_from(name, password, &visit.device) {
        Ok(token) => begin(visit, &token, &inside(visit.form.get("next"))),
        Err(error) => refuse(visit, &error),
    }
}

/// A new session under a new token; the one that the browser brought along ends.
pub(crate) fn begin(visit: &Visit, token: &str, next: &str) -> Reply {
    if let Some(old) = &visit.token {
        visit.desk().logout(old);
    }
    Reply::see(next).with_cookie(cookies::session(token, visit.app.options.secure))
}

/// The same answers for the other ways in.
pub(crate) fn refuse_with(visit: &Visit, error: &LoginError) -> Reply {
    refuse(visit, error)
}

#[derive(Template)]
#[template(path = "login_code.html")]
struct CodePage<'a> {
    v: View<'a>,
    ticket: String,
    next: String,
    refused: Option<String>,
}

/// The second step: the ticket stands in the page, never in an address.
fn ask_code(visit: &Visit, status: StatusCode, ticket: &str, refused: Option<String>) -> Reply {
    let page = CodePage {
        v: View::titled(visit, Section::None, "login-code-title"),
        ticket: ticket.to_owned(),
        next: inside(visit.form.get("next")),
        refused,
    };
    Reply::page_as(status, &page)
}

pub(crate) fn log_in_with_code(visit: &Visit) -> Reply {
    let (ticket, code) = (visit.form.get("ticket"), visit.form.get("code"));
    match visit.desk().login_with_code(ticket, code, &visit.device) {
        Ok(token) => begin(visit, &token, &inside(visit.form.get("next"))),
        Err(LoginError::Wrong) => {
            let text = visit.words().text("login-code-wrong").into_owned();
            ask_code(visit, StatusCode::UNAUTHORIZED, ticket, Some(text))
        }
        Err(error) => refuse(visit, &error),
    }
}

fn refuse(visit: &Visit, error: &LoginError) -> Reply {
    let words = visit.words();
    match error {
        LoginError::SecondFactor { ticket } => ask_code(visit, StatusCode::OK, ticket, None),
        LoginError::TooMany { retry_after_s } => {
            let text = words.with(
                "login-too-many",
                &[("n", Value::from(i64::from(*retry_after_s)))],
            );
            show(visit, StatusCode::TOO_MANY_REQUESTS, Some(text))
                .with_header(header::RETRY_AFTER, &retry_after_s.to_string())
        }
        LoginError::SignOn(error) => {
            tracing::warn!(error = %crate::perform::chain(error), "single sign-on let nobody in");
            let text = words.text("login-sign-on-failed").into_owned();
            show(visit, StatusCode::FORBIDDEN, Some(text))
        }
        LoginError::Link => show(
            visit,
            StatusCode::UNAUTHORIZED,
            Some(words.text("login-link-used").into_owned()),
        ),
        LoginError::Desk(error) => {
            tracing::error!(error = %crate::perform::chain(error), "login failed inside");
            let status = match error.is_away() {
                true => StatusCode::SERVICE_UNAVAILABLE,
                false => StatusCode::INTERNAL_SERVER_ERROR,
            };
            show(visit, status, Some(narrate::desk_error(words, error)))
        }
        // Wrong name, wrong password and a disabled account look the same.
        _ => show(
            visit,
            StatusCode::UNAUTHORIZED,
            Some(words.text("login-wrong").into_owned()),
        ),
    }
}

#[derive(Template)]
#[template(path = "login_link.html")]
struct LinkPage<'a> {
    v: View<'a>,
    token: String,
}

/// Shows a button: previews of messengers and mail scanners open links, and must not use them up.
pub(crate) fn link_page(visit: &Visit) -> Reply {
    let token = visit.query.get("token").to_owned();
    Reply::page(&LinkPage {
        v: View::titled(visit, Section::None, "login-title"),
        token,
    })
}

pub(crate) fn log_in_by_link(visit: &Visit) -> Reply {
    match visit.desk().login_by_link(visit.form.get("token")) {
        Ok(token) => begin(visit, &token, "/"),
        Err(error) => refuse(visit, &error),
    }
}

pub(crate) fn log_out(visit: &Visit) -> Reply {
    if let Some(token) = &visit.token {
        visit.desk().logout(token);
    }
    let elsewhere = visit.session.as_ref().is_some_and(|s| {
        let found = visit.desk().signs_in_elsewhere(&s.account);
        found.unwrap_or(false)
    });
    Reply::see(if elsewhere { "/login?bye=1" } else { "/login" })
        .with_cookie(cookies::end_session(visit.app.options.secure))
}

pub(crate) fn look(visit: &Visit) -> Reply {
    let secure = visit.app.options.secure;
    let mut reply = Reply::see(&inside(visit.form.get("next")));
    if let Ok(lang) = visit.form.get("lang").parse::<Lang>() {
        if let (Some(token), Some(_)) = (&visit.token, &visit.session) {
            visit.desk().set_language(token, lang);
        }
        reply = reply.with_cookie(cookies::choice(cookies::LANGUAGE, lang.tag(), secure));
    }
    if let Some(theme) = visit.form.given("theme") {
        let theme = Theme::parse(theme).code();
        reply = reply.with_cookie(cookies::choice(cookies::THEME, theme, secure));
    }
    reply
}

/// A page of ours to go on with; anything else would send people to another site.
pub(crate) fn inside(path: &str) -> String {
    let sound = path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b));
    if sound {
        path.to_owned()
    } else {
        "/".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn only_our_own_pages_are_gone_on_with() {
        assert_eq!(inside("/incidents/abc"), "/incidents/abc");
        for evil in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "javascript:x",
            "/a\r\nb",
        ] {
            assert_eq!(inside(evil), "/", "{evil:?}");
        }
    }
}
