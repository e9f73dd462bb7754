//! Pages that say what went wrong and what to do.

use crate::as_seen;
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
    let page = NotDonePage {
        v: View::titled(visit, Section::Incidents, "not-done"),
        message,
        missing,
        back: perform::back(visit, incident),
        written: written(visit, LONG),
    };
    Reply::page_as(status, &page)
}

/// Somebody else was first: everything that was written is shown, if only a number.
pub(crate) fn changed(visit: &Visit, incident: &Incident, message: String) -> Reply {
    let page = NotDonePage {
        v: View::titled(visit, Section::Incidents, "not-done"),
        message,
        missing: Vec::new(),
        back: perform::back(visit, incident),
        written: written(visit, 1),
    };
    Reply::page_as(StatusCode::CONFLICT, &page)
}

/// What a person wrote into the form, where it has at least `shortest` characters.
fn written(visit: &Visit, shortest: usize) -> Vec<(String, String)> {
    let v = View::titled(visit, Section::Incidents, "not-done");
    let hidden = ["csrf", "request", "next", "digest", "order", as_seen::FIELD];
    let fields = visit.form.0.iter().filter(|(name, value)| {
        !hidden.contains(&name.as_str()) && value.chars().count() >= shortest
    });
    fields
        .map(|(name, value)| (label(&v, name), value.clone()))
        .collect()
}

/// What a field is called on the page. Figures are named after their metric; their upper bound
/// stands in a field of its own.
fn label(v: &View<'_>, name: &str) -> String {
    const PREFIXES: [&str; 6] = [
        "field",
        "incident-field",
        "metric",
        "impact",
        "incident-fact",
        "anchor",
    ];
    let (base, upper) = match name.strip_suffix("-high") {
        Some(base) => (base, true),
        None => (name, false),
    };
    let key = base.strip_prefix("m-").unwrap_or(base).replace('_', "-");
    let named = |prefix: &&str| v.visit.words().get(&format!("{prefix}-{key}"));
    let found = PREFIXES.iter().find_map(named);
    let found = found.map_or_else(|| base.to_owned(), |text| text.into_owned());
    match upper {
        true => format!("{found} · {}", v.t("figures-high")),
        false => found,
    }
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
