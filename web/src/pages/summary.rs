//! The summary report (总结报告): shown, printed, and downloaded as HTML or Markdown.

use crate::pages::incident_parts::{Head, missing};
use crate::perform;
use crate::reply::Reply;
use crate::security;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::header;
use desk::ReportFormat;
use incident::Incident;

#[derive(Template)]
#[template(path = "summary.html")]
struct SummaryPage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    /// The report is there: only closing makes one.
    ready: bool,
    missing: Vec<String>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let page = SummaryPage {
        h: Head::of(&v, &incident, "report"),
        ready: incident.closed(),
        missing: if incident.closed() {
            Vec::new()
        } else {
            missing(&v, &incident)
        },
        i: &incident,
        v,
    };
    // The report is a document of its own; this page alone may show one in a frame.
    let policy = format!("{}; frame-src 'self'", security::POLICY);
    Reply::page(&page).with_header(header::CONTENT_SECURITY_POLICY, &policy)
}

/// A whole document of its own, with its own style: it may not run anything.
const DOCUMENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; sandbox allow-popups";

pub(crate) fn file(visit: &Visit) -> Reply {
    let (format, kind, end) = match visit.params.get("format") {
        "html" => (ReportFormat::Html, "text/html; charset=utf-8", "html"),
        "markdown" => (ReportFormat::Markdown, "text/markdown; charset=utf-8", "md"),
        _ => return Reply::not_found(visit),
    };
    let incident = perform::incident(visit);
    let text = incident.and_then(|i| visit.desk().summary_report(&i.id, visit.lang, format));
    let Some(text) = text else {
        return Reply::not_found(visit);
    };
    let reply = Reply::bytes(kind, text.into_bytes())
        .with_header(header::CONTENT_SECURITY_POLICY, DOCUMENT_POLICY)
        .with_header(header::X_FRAME_OPTIONS, "SAMEORIGIN");
    if end == "md" || visit.query.ticked("download") {
        let name = format!("attachment; filename=\"balefire-report.{end}\"");
        return reply.with_header(header::CONTENT_DISPOSITION, &name);
    }
    reply
}
