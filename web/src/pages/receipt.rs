//! Coming back with a receipt: how it stands in plain words, what triage asks, and adding more.
//! Nothing inside is shown: neither incident nor names nor reasons of a rejection.

use crate::narrate;
use crate::pages::report::{MAX_WHAT_CHARS, state};
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::{DeskError, More, ReportView};
use serde_json::json;
use std::sync::PoisonError;

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage<'a> {
    v: View<'a>,
    asked: String,
    fresh: bool,
    left_out: bool,
    added: bool,
    problem: Option<String>,
    text: String,
    request: String,
    report: Option<ReportView>,
    state: &'static str,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let asked = visit.query.get("no").to_owned();
    show(visit, asked, None)
}

fn show(visit: &Visit, asked: String, problem: Option<(StatusCode, String)>) -> Reply {
    if !asked.is_empty() && !visit.app.flood.look(&visit.from_ip, visit.desk().now()) {
        return Reply::refuse(visit, StatusCode::TOO_MANY_REQUESTS, "too-many");
    }
    let report = (!asked.is_empty())
        .then(|| visit.desk().report_by_receipt(&asked))
        .flatten();
    let status = match &problem {
        Some((status, _)) => *status,
        None if !asked.is_empty() && report.is_none() => StatusCode::NOT_FOUND,
        None => StatusCode::OK,
    };
    let page = ReceiptPage {
        v: View::titled(visit, Section::Report, "receipt-title"),
        asked,
        fresh: visit.query.ticked("new"),
        left_out: visit.query.ticked("left"),
        added: visit.query.ticked("added"),
        text: visit.form.get("text").to_owned(),
        request: visit.request_id().to_string(),
        problem: problem.map(|(_, text)| text),
        state: report.as_ref().map_or("", |r| state(&r.state)),
        report,
    };
    Reply::page_as(status, &page)
}

/// Why nothing was added.
enum NotAdded {
    /// Key of the catalogue.
    Because(StatusCode, &'static str),
    NoSuchReport,
    Failed(DeskError),
}

/// More words or files to the report of this receipt.
fn take(visit: &Visit, no: &str) -> Result<(), NotAdded> {
    if visit.intake.later {
        let status = StatusCode::TOO_MANY_REQUESTS;
        return Err(NotAdded::Because(status, "report-later"));
    }
    let unfit = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(key) = visit.intake.problem {
        return Err(NotAdded::Because(unfit, key));
    }
    let text = visit.form.get("text").replace("\r\n", "\n");
    let mut files =
        std::mem::take(&mut *visit.files.lock().unwrap_or_else(PoisonError::into_inner));
    if text.is_empty() && files.is_empty() {
        return Err(NotAdded::Because(unfit, "receipt-more-needed"));
    }
    files.extend(super::report::whole_words(visit, &text));
    let more = More {
        text: text.chars().take(MAX_WHAT_CHARS).collect(),
        files,
        request: visit.request_id(),
    };
    match visit.desk().add_to_report(no, more) {
        Ok(()) => Ok(()),
        Err(DeskError::NotFound(_)) => Err(NotAdded::NoSuchReport),
        Err(error) => {
            tracing::error!(error = %crate::perform::chain(&error), "more of a report was not stored");
            Err(NotAdded::Failed(error))
        }
    }
}

/// What a sender is told; `None` where there is no such report.
fn told(visit: &Visit, why: NotAdded) -> Option<(StatusCode, String)> {
    let words = visit.words();
    match why {
        NotAdded::Because(status, key) => Some((status, words.text(key).into_owned())),
        NotAdded::NoSuchReport => None,
        NotAdded::Failed(error) => {
            let why = narrate::desk_error(words, &error);
            let instead = words.text("report-call-instead");
            Some((StatusCode::CONFLICT, format!("{why} {instead}")))
        }
    }
}

pub(crate) fn add(visit: &Visit) -> Reply {
    let no = visit.form.get("no").to_owned();
    match take(visit, &no) {
        Ok(()) => {
            let plain: String = no.chars().filter(char::is_ascii_alphanumeric).collect();
            Reply::see(&format!("/report/receipt?no={plain}&added=1"))
        }
        Err(why) => {
            let problem = told(visit, why);
            show(visit, no, problem)
        }
    }
}

/// `POST /api/v1/reports/{receipt}/additions`: the same for programs; answers how it stands.
pub(crate) fn api_add(visit: &Visit) -> Reply {
    match take(visit, visit.params.get("receipt")) {
        Ok(()) => api(visit),
        Err(why) => match told(visit, why) {
            Some((status, text)) => Reply::problem(status, "report", &text, json!({})),
            None => Reply::not_found(visit),
        },
    }
}

/// `GET /api/v1/reports/{receipt}`: the same for programs.
pub(crate) fn api(visit: &Visit) -> Reply {
    if !visit.app.flood.look(&visit.from_ip, visit.desk().now()) {
        return Reply::refuse(visit, StatusCode::TOO_MANY_REQUESTS, "too-many");
    }
    let found = visit.desk().report_by_receipt(visit.params.get("receipt"));
    let Some(report) = found else {
        return Reply::not_found(visit);
    };
    let talk: Vec<_> = report
        .talk
        .iter()
        .map(|s| json!({ "at": s.at, "by_sender": s.by_sender, "text": s.text }))
        .collect();
    Reply::json(&json!({
        "state": state(&report.state),
        "received_at": report.received_at,
        "messages": talk,
    }))
}
