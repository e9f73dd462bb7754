//! Triage (分诊): one stack of what waits for a decision, and one report with everything that helps
//! to decide on it. Every decision is a form that works without scripts.
//!
//! Deliberately not here: what may be decided (`desk::report_triage`), and what is alike (`desk`).

use crate::pages::incidents::IncidentLine;
use crate::pages::triage_words::{Alike, AlikeCase};
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use crate::{narrate, pages};
use askama::Template;
use axum::http::{StatusCode, header};
use desk::triage_stack::{StackFrom, StackLine, StackPage, StackPart, StackQuery, Waiting};
use desk::{CommandError, ReportDecision, ReportState, ReportView};
use incident::{IncidentHead, Refusal};
use model::{Digest, IncidentId, Instant, ReceiptNo, Risk};

/// Hours to filter by.
const HOURS: [u32; 4] = [1, 4, 24, 72];
/// Open incidents offered to join beside the suggested ones, the newest.
const MAX_OFFERED: usize = 100;

#[derive(Template)]
#[template(path = "triage.html")]
struct StackTemplate<'a> {
    v: View<'a>,
    asked: StackQuery,
    lines: Vec<Line>,
    count: usize,
    page: usize,
    pages: usize,
    rest: String,
}

/// One line of the stack.
struct Line {
    urgency: &'static str,
    at: Instant,
    kind: Kind,
}

enum Kind {
    Report(Box<ReportView>, Vec<Alike>),
    Incident(Box<IncidentLine>),
    Unwitnessed(String, u64),
}

impl StackTemplate<'_> {
    fn risks(&self) -> Vec<(String, String, bool)> {
        let risk = |r: Risk| {
            let name = self.v.tt("risk", r.code()).into_owned();
            (r.code().to_owned(), name, self.asked.risk == Some(r))
        };
        Risk::ALL.into_iter().map(risk).collect()
    }
    fn sources(&self) -> Vec<(&'static str, bool)> {
        let from = |f: StackFrom| (f.code(), self.asked.from == Some(f));
        StackFrom::ALL.into_iter().map(from).collect()
    }
    fn hours(&self) -> Vec<(u32, bool)> {
        let hours = HOURS.into_iter();
        hours.map(|h| (h, self.asked.waited_h == Some(h))).collect()
    }
    fn filtered(&self) -> bool {
        self.asked.risk.is_some() || self.asked.from.is_some() || self.asked.waited_h.is_some()
    }
}

/// What the filters ask for; what is not understood is not asked for.
pub(crate) fn query(visit: &Visit) -> StackQuery {
    let get = |name: &str| visit.query.get(name);
    StackQuery {
        risk: Risk::ALL.into_iter().find(|r| r.code() == get("risk")),
        from: StackFrom::ALL.into_iter().find(|f| f.code() == get("came")),
        waited_h: HOURS.into_iter().find(|h| h.to_string() == get("waited")),
        part: StackPart::default(),
    }
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let page = visit.query.get("page").parse().unwrap_or(0);
    let asked = StackQuery {
        part: StackPart::Page(page),
        ..query(visit)
    };
    let found = match visit.desk().triage_stack(&visit.viewer(), &asked) {
        Ok(found) => found,
        Err(error) => return inside(visit, &error),
    };
    if page >= found.pages {
        return Reply::see("/triage");
    }
    let v = View::titled(visit, Section::Triage, "nav-triage");
    let StackPage {
        lines,
        count,
        pages,
        ..
    } = found;
    let rest = [
        asked.risk.map(|r| format!("&risk={}", r.code())),
        asked.from.map(|f| format!("&came={}", f.code())),
        asked.waited_h.map(|h| format!("&waited={h}")),
    ];
    Reply::page(&StackTemplate {
        lines: lines.into_iter().map(|l| line(&v, l)).collect(),
        rest: rest.into_iter().flatten().collect(),
        page,
        asked,
        count,
        pages,
        v,
    })
}

fn line(v: &View<'_>, line: StackLine) -> Line {
    Line {
        urgency: line.urgency.code(),
        at: line.at,
        kind: match line.what {
            Waiting::Report { report, alike } => {
                let alike = alike.iter().map(|a| Alike::of(v, a)).collect();
                Kind::Report(report, alike)
            }
            Waiting::Incident(incident) => {
                let head = IncidentHead::of(&incident, incident.opened_at);
                Kind::Incident(Box::new(IncidentLine::of(v, &head)))
            }
            Waiting::Unwitnessed { source, rows } => Kind::Unwitnessed(source.to_string(), rows),
        },
    }
}

#[derive(Template)]
#[template(path = "triage_report.html")]
struct ReportTemplate<'a> {
    v: View<'a>,
    r: ReportView,
    version: u64,
    problem: Option<String>,
    alike: Vec<Alike>,
    cases: Vec<AlikeCase>,
    offered: Vec<(IncidentId, String)>,
    /// What was typed into a form that was refused.
    question: String,
    reason: String,
}

impl ReportTemplate<'_> {
    fn open(&self) -> bool {
        self.r.state == ReportState::Received
    }
    fn may_reopen(&self) -> bool {
        matches!(
            self.r.state,
            ReportState::Rejected | ReportState::Duplicate { .. }
        )
    }
    /// The original, where the reader may know of it.
    fn original(&self) -> Option<ReceiptNo> {
        let ReportState::Duplicate { of } = &self.r.state else {
            return None;
        };
        let visit = self.v.visit;
        let found = visit.desk().report_for(&visit.viewer(), of).ok().flatten();
        found.map(|_| of.clone())
    }
}

pub(crate) fn report(visit: &Visit) -> Reply {
    show(visit, StatusCode::OK, None)
}

fn show(visit: &Visit, status: StatusCode, problem: Option<String>) -> Reply {
    let viewer = visit.viewer();
    let name = ReceiptNo::new(visit.params.get("receipt"));
    let (r, version) = match visit.desk().report_for(&viewer, &name) {
        Ok(Some(found)) => found,
        Ok(None) => return Reply::not_found(visit),
        Err(error) => return inside(visit, &error),
    };
    let v = View::titled(visit, Section::Triage, "triage-report");
    let alike = visit.desk().reports_like(&viewer, &r);
    let cases = match visit.desk().incidents_like(&viewer, &r, &alike) {
        Ok(cases) => cases,
        Err(error) => return inside(visit, &error),
    };
    let offered = visit.open_incidents().into_iter().take(MAX_OFFERED);
    Reply::page_as(
        status,
        &ReportTemplate {
            alike: alike.iter().map(|a| Alike::of(&v, a)).collect(),
            cases: cases.iter().map(|c| AlikeCase::of(&v, c)).collect(),
            offered: offered
                .map(|i| (i.id.clone(), i.code_name.clone()))
                .collect(),
            question: visit.form.get("text").to_owned(),
            reason: visit.form.get("reason").to_owned(),
            r,
            version,
            problem,
            v,
        },
    )
}

/// What the form asks for; `None` for a form that is none of ours.
fn decision(visit: &Visit) -> Option<ReportDecision> {
    let form = &visit.form;
    Some(match form.get("decision") {
        "open" => ReportDecision::Open {},
        "join" => ReportDecision::Join {
            incident: IncidentId::new(form.get("incident")),
        },
        "reject" => ReportDecision::Reject {},
        "duplicate" => ReportDecision::Duplicate {
            of: ReceiptNo::new(form.get("of").trim()),
        },
        "reopen" => ReportDecision::Reopen {},
        "ask" => ReportDecision::Ask {
            text: form.get("text").replace("\r\n", "\n"),
        },
        _ => return None,
    })
}

pub(crate) fn decide(visit: &Visit) -> Reply {
    let Some(decision) = decision(visit) else {
        return Reply::refuse(visit, StatusCode::BAD_REQUEST, "form");
    };
    let name = ReceiptNo::new(visit.params.get("receipt"));
    let seen = visit.form.get("seen").parse().ok();
    let code = visit.form.get("decision");
    let done = (visit.desk()).decide_report(visit.operation(), &name, decision, seen);
    match done {
        Ok(Some(incident)) if matches!(code, "open" | "join") => {
            Reply::see(&format!("/incidents/{incident}"))
        }
        Ok(_) => Reply::see(&format!("/triage/{name}?done=triage-{code}")),
        Err(error) => refused(visit, &error),
    }
}

/// The report again with what went wrong, and with what was typed.
fn refused(visit: &Visit, error: &CommandError) -> Reply {
    if visit.wants_json {
        return perform::refused_by_desk(visit, error);
    }
    let status = match error {
        CommandError::Refused(Refusal::NotAllowed { .. }) => StatusCode::FORBIDDEN,
        CommandError::Refused(Refusal::ReasonNeeded | Refusal::Bad { .. }) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        CommandError::Refused(_) | CommandError::Stale { .. } => StatusCode::CONFLICT,
        CommandError::UnknownIncident => StatusCode::NOT_FOUND,
        CommandError::Desk(desk::DeskError::NotFound(_)) => StatusCode::NOT_FOUND,
        CommandError::Desk(desk::DeskError::Refused(_)) => StatusCode::CONFLICT,
        CommandError::Desk(error) => return inside(visit, error),
    };
    let text = match error {
        CommandError::Refused(refusal) => narrate::refusal(visit, refusal).0,
        CommandError::Desk(error) => narrate::desk_error(visit.words(), error),
        CommandError::UnknownIncident => visit.words().text("triage-no-incident").into_owned(),
        CommandError::Stale { .. } => visit.words().text("error-stale").into_owned(),
    };
    show(visit, status, Some(text))
}

/// A file of a report: never shown in the page's place, only saved.
pub(crate) fn file(visit: &Visit) -> Reply {
    let name = ReceiptNo::new(visit.params.get("receipt"));
    let Ok(sha256) = visit.params.get("file").parse::<Digest>() else {
        return Reply::not_found(visit);
    };
    match (visit.desk()).report_file(&visit.operation(), &name, &sha256) {
        Ok((file, bytes)) => {
            let saved = format!(
                "attachment; filename=\"{}.bin\"; filename*=UTF-8''{}",
                sha256.short(),
                pages::incidents::escaped(&file.name)
            );
            // What it says to be is the sender's word; a browser is told to open none of it.
            Reply::bytes("application/octet-stream", bytes)
                .with_header(header::CONTENT_DISPOSITION, &saved)
                .with_header(
                    header::CONTENT_SECURITY_POLICY,
                    "default-src 'none'; sandbox",
                )
        }
        Err(CommandError::Desk(desk::DeskError::NotFound(_))) => Reply::not_found(visit),
        Err(CommandError::Desk(error)) => inside(visit, &error),
        Err(error) => perform::refused_by_desk(visit, &error),
    }
}

fn inside(visit: &Visit, error: &desk::DeskError) -> Reply {
    perform::unreadable(visit, error, "triage cannot be shown")
}
