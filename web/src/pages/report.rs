//! Reporting without login, on any phone, without scripts (事件报告): the leading group is paged
//! before the reporter sees the receipt.

use crate::narrate;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::{NewReport, ReportState, ReportView};
use model::{ReceiptNo, Risk};

const MAX_WHAT_CHARS: usize = 4_000;
const MAX_LINE_CHARS: usize = 300;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    v: View<'a>,
    problem: Option<String>,
    what: String,
    when_text: String,
    where_seen: String,
    risk: String,
    contact: String,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    show(visit, StatusCode::OK, None)
}

fn show(visit: &Visit, status: StatusCode, problem: Option<String>) -> Reply {
    let field = |name: &str| visit.form.get(name).to_owned();
    let page = ReportPage {
        v: View::titled(visit, Section::Report, "report-title"),
        problem,
        what: field("what"),
        when_text: field("when"),
        where_seen: field("where"),
        risk: field("risk"),
        contact: field("contact"),
    };
    Reply::page_as(status, &page)
}

pub(crate) fn send(visit: &Visit) -> Reply {
    let words = visit.words();
    let what = visit.form.get("what").replace("\r\n", "\n");
    if what.is_empty() {
        return show(
            visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            Some(words.text("report-what-needed").into_owned()),
        );
    }
    // Too long is cut, not refused: whoever reports a fire is not sent away for its length.
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let line = |name: &str| cut(visit.form.get(name), MAX_LINE_CHARS);
    let risk = visit.form.get("risk");
    let report = NewReport {
        what: cut(&what, MAX_WHAT_CHARS),
        when_text: line("when"),
        where_seen: line("where"),
        risk: Risk::ALL.into_iter().find(|r| r.code() == risk),
        contact: line("contact"),
        from_ip: visit.from_ip.clone(),
        lang: visit.lang,
        request: visit.request_id(),
    };
    match visit.desk().report(report) {
        Ok(receipt) => Reply::see(&format!("/report/receipt?no={receipt}&new=1")),
        Err(error) => {
            tracing::error!(error = %crate::perform::chain(&error), "a report was not stored");
            let text = format!(
                "{} {}",
                narrate::desk_error(words, &error),
                words.text("report-call-instead")
            );
            show(visit, StatusCode::INTERNAL_SERVER_ERROR, Some(text))
        }
    }
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage<'a> {
    v: View<'a>,
    asked: String,
    fresh: bool,
    report: Option<ReportView>,
    state: &'static str,
}

pub(crate) fn receipt(visit: &Visit) -> Reply {
    let asked = visit.query.get("no").to_owned();
    let report = (!asked.is_empty())
        .then(|| {
            visit
                .desk()
                .report_by_receipt(&ReceiptNo::new(asked.clone()))
        })
        .flatten();
    let state = report.as_ref().map_or("", |r| state(&r.state));
    let status = if !asked.is_empty() && report.is_none() {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    let page = ReceiptPage {
        v: View::titled(visit, Section::Report, "receipt-title"),
        asked,
        fresh: visit.query.ticked("new"),
        report,
        state,
    };
    Reply::page_as(status, &page)
}

/// What a reporter is told; which incident it became is not among it.
pub(crate) fn state(state: &ReportState) -> &'static str {
    match state {
        ReportState::Received => "received",
        ReportState::Joined { .. } => "joined",
        ReportState::Closed => "closed",
    }
}
