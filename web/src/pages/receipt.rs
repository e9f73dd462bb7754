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

/// More words or files to a report.
pub(crate) fn add(visit: &Visit) -> Reply {
    let no = visit.form.get("no").to_owned();
    let words = visit.words();
    let again = |status, key: &str| {
        show(
            visit,
            no.clone(),
            Some((status, words.text(key).into_owned())),
        )
    };
    if visit.intake.later {
        return again(StatusCode::TOO_MANY_REQUESTS, "report-later");
    }
    if let Some(key) = visit.intake.problem {
        return again(StatusCode::UNPROCESSABLE_ENTITY, key);
    }
    let text = visit.form.get("text").replace("\r\n", "\n");
    let files = std::mem::take(&mut *visit.files.lock().unwrap_or_else(PoisonError::into_inner));
    if text.is_empty() && files.is_empty() {
        return again(StatusCode::UNPROCESSABLE_ENTITY, "receipt-more-needed");
    }
    let more = More {
        text: text.chars().take(MAX_WHAT_CHARS).collect(),
        files,
        request: visit.request_id(),
    };
    match visit.desk().add_to_report(&no, more) {
        Ok(()) => {
            let plain: String = no.chars().filter(char::is_ascii_alphanumeric).collect();
            Reply::see(&format!("/report/receipt?no={plain}&added=1"))
        }
        Err(DeskError::NotFound(_)) => show(visit, no, None),
        Err(error) => {
            tracing::error!(error = %crate::perform::chain(&error), "more of a report was not stored");
            let text = format!(
                "{} {}",
                narrate::desk_error(words, &error),
                words.text("report-call-instead")
            );
            show(visit, no, Some((StatusCode::CONFLICT, text)))
        }
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
