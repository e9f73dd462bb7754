//! Reporting without login, on any phone, without scripts (事件报告): the leading group is paged
//! before the reporter sees the receipt. The same door takes JSON (`POST /api/v1/reports`).

use crate::narrate;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::{NewReport, ReportState, SeenWhen, Via};
use model::Risk;
use serde_json::json;
use std::sync::PoisonError;

pub(crate) const MAX_WHAT_CHARS: usize = 4_000;
const MAX_LINE_CHARS: usize = 300;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    v: View<'a>,
    problem: Option<String>,
    /// The form's own id: kept when the form is shown again, so that nothing is stored twice.
    request: String,
    what: String,
    when: String,
    when_text: String,
    where_seen: String,
    risk: String,
    contact: String,
    concerns: String,
    anonymous: bool,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    show(visit, StatusCode::OK, None)
}

fn show(visit: &Visit, status: StatusCode, problem: Option<String>) -> Reply {
    let field = |name: &str| visit.form.get(name).to_owned();
    let page = ReportPage {
        v: View::titled(visit, Section::Report, "report-title"),
        problem,
        request: visit.request_id().to_string(),
        what: field("what"),
        when: field("when"),
        when_text: field("when_text"),
        where_seen: field("where"),
        risk: field("risk"),
        contact: field("contact"),
        concerns: field("concerns"),
        anonymous: visit.form.ticked("anonymous"),
    };
    Reply::page_as(status, &page)
}

/// What is wrong, with everything that was typed.
fn again(visit: &Visit, status: StatusCode, key: &str) -> Reply {
    let text = visit.words().text(key).into_owned();
    told(visit, status, text)
}

fn told(visit: &Visit, status: StatusCode, text: String) -> Reply {
    if visit.wants_json {
        return Reply::problem(status, "report", &text, json!({}));
    }
    show(visit, status, Some(text))
}

pub(crate) fn send(visit: &Visit) -> Reply {
    if visit.intake.later {
        let reply = again(visit, StatusCode::TOO_MANY_REQUESTS, "report-later");
        return reply.with_header(axum::http::header::RETRY_AFTER, "60");
    }
    let what = visit.form.get("what").replace("\r\n", "\n");
    if what.is_empty() {
        return again(
            visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            "report-what-needed",
        );
    }
    if let Some(key) = visit.intake.problem {
        return again(visit, StatusCode::UNPROCESSABLE_ENTITY, key);
    }
    match visit.desk().report(read(visit, &what)) {
        Ok(received) if visit.wants_json => Reply::json(&json!({
            "receipt": received.receipt.as_str(),
            "report": received.report,
            "positions_paged": received.paged,
            "files_left_out": visit.intake.left_out,
        })),
        Ok(received) => {
            let left_out = if visit.intake.left_out { "&left=1" } else { "" };
            let receipt = received.receipt.as_str();
            Reply::see(&format!("/report/receipt?no={receipt}&new=1{left_out}"))
        }
        Err(error) => {
            tracing::error!(error = %crate::perform::chain(&error), "a report was not stored");
            let words = visit.words();
            let text = format!(
                "{} {}",
                narrate::desk_error(words, &error),
                words.text("report-call-instead")
            );
            let status = match error.is_away() {
                true => StatusCode::SERVICE_UNAVAILABLE,
                false => StatusCode::INTERNAL_SERVER_ERROR,
            };
            told(visit, status, text)
        }
    }
}

fn read(visit: &Visit, what: &str) -> NewReport {
    // Too long is cut, not refused: whoever reports a fire is not sent away for its length. The
    // whole words go with it as a file.
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let line = |name: &str| cut(visit.form.get(name), MAX_LINE_CHARS);
    let risk = visit.form.get("risk");
    let when = SeenWhen::parse(visit.form.get("when"));
    // Programs may say when in their own words.
    let when_text = match (when, visit.form.given("when_text")) {
        (None, None) => line("when"),
        _ => line("when_text"),
    };
    let account = visit.session.as_ref().map(|s| s.account.clone());
    let mut files = visit.files.lock().unwrap_or_else(PoisonError::into_inner);
    files.extend(whole_words(visit, what));
    NewReport {
        when: when.unwrap_or_default(),
        when_text,
        where_seen: line("where"),
        risk: Risk::ALL.into_iter().find(|r| r.code() == risk),
        contact: line("contact"),
        concerns: line("concerns"),
        anonymous: visit.form.ticked("anonymous"),
        files: std::mem::take(&mut files),
        via: match visit.path.starts_with("/api/") {
            true => Via::Api { account },
            false => Via::Page,
        },
        crowded: visit.intake.crowded,
        ..NewReport::new(cut(what, MAX_WHAT_CHARS), visit.lang, visit.request_id())
    }
}

/// The words as a file, where they are longer than a report shows.
pub(super) fn whole_words(visit: &Visit, what: &str) -> Option<desk::KeptFile> {
    what.chars().nth(MAX_WHAT_CHARS)?;
    let desk = visit.desk();
    let kept = (desk.uploads()).keep("report.txt", what.as_bytes(), desk.now());
    let failed =
        |error| tracing::warn!(%error, "the whole words of a long report could not be kept");
    kept.map_err(failed).ok()
}

/// What a reporter is told; which incident it became is not among it.
pub(crate) fn state(state: &ReportState) -> &'static str {
    match state {
        ReportState::Duplicate { .. } => "joined",
        other => other.code(),
    }
}
