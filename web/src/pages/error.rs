//! Pages that say what went wrong and what to do.

use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use incident::Incident;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    v: View<'a>,
    status: u16,
    advice: String,
}

pub(crate) fn page(visit: &Visit, status: StatusCode, key: &str) -> Reply {
    let v = View::titled(visit, Section::None, &format!("error-{key}"));
    let advice = v.t(&format!("error-{key}-advice")).into_owned();
    Reply::page_as(
        status,
        &ErrorPage {
            v,
            status: status.as_u16(),
            advice,
        },
    )
}

#[derive(Template)]
#[template(path = "not_done.html")]
struct NotDonePage<'a> {
    v: View<'a>,
    message: String,
    missing: Vec<String>,
    back: String,
    /// What was written into the form, so that nothing is lost: names and values.
    written: Vec<(String, String)>,
}

/// A command that was refused: why, everything that is missing, and what was written.
pub(crate) fn not_done(
    visit: &Visit,
    incident: &Incident,
    status: StatusCode,
    message: String,
    missing: Vec<String>,
) -> Reply {
    const LONG: usize = 12;
    let v = View::titled(visit, Section::Incidents, "not-done");
    let written = visit
        .form
        .0
        .iter()
        .filter(|(name, value)| {
            !matches!(name.as_str(), "csrf" | "request" | "next" | "digest")
                && value.chars().count() >= LONG
        })
        .map(|(name, value)| (v.known("field", name).into_owned(), value.clone()))
        .collect();
    Reply::page_as(
        status,
        &NotDonePage {
            v,
            message,
            missing,
            back: perform::back(visit, incident),
            written,
        },
    )
}

/// The same where no incident stands behind the form.
pub(crate) fn refused_elsewhere(visit: &Visit, message: String, missing: Vec<String>) -> Reply {
    let v = View::titled(visit, Section::Board, "not-done");
    let page = NotDonePage {
        v,
        message,
        missing,
        back: "/".to_owned(),
        written: Vec::new(),
    };
    Reply::page_as(StatusCode::CONFLICT, &page)
}

/// The same for a form of a source, with the page that it stands on.
pub(crate) fn refused_at(
    visit: &Visit,
    status: StatusCode,
    message: String,
    back: String,
) -> Reply {
    refused_in(visit, Section::Sources, status, message, back)
}

/// The same for any part of the product.
pub(crate) fn refused_in(
    visit: &Visit,
    section: Section,
    status: StatusCode,
    message: String,
    back: String,
) -> Reply {
    let page = NotDonePage {
        v: View::titled(visit, section, "not-done"),
        message,
        missing: Vec::new(),
        back,
        written: Vec::new(),
    };
    Reply::page_as(status, &page)
}
