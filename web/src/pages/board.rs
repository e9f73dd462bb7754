//! The duty board (值守看板): what the guard sees right now, what is open, what is due next.

use crate::narrate;
use crate::pages::error;
use crate::pages::incidents::IncidentLine;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::{CommandError, RecentChange, ReportView, SourceStatus};
use incident::IncidentHead;
use incident::clocks::next_deadline;
use model::{Instant, PositionId, ReceiptNo, Verdict};
use plan::Act;

const MAX_REPORTS: u32 = 8;
const MAX_RECENT: usize = 18;

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage<'a> {
    v: View<'a>,
    sources: Vec<SourceStatus>,
    open: Vec<IncidentLine>,
    reports: Vec<ReportView>,
    deadlines: Vec<DeadlineLine>,
    groups: Vec<DutyLine>,
    sees_incidents: bool,
    may_open: bool,
    tampered: Option<String>,
}

/// A group with its lead and deputy, and who holds these positions.
struct DutyLine {
    title: String,
    heads: Vec<(String, String)>,
}

struct DeadlineLine {
    incident: String,
    code_name: String,
    clock: String,
    due: Instant,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let v = View::titled(visit, Section::Board, "nav-board");
    let sees_incidents = visit.may(Act::ViewIncident);
    let open = if sees_incidents {
        visit.open_incidents()
    } else {
        Vec::new()
    };
    let mut deadlines: Vec<DeadlineLine> = open
        .iter()
        .filter_map(|incident| {
            let (clock, due) = next_deadline(&visit.plan, incident, v.now)?;
            Some(DeadlineLine {
                incident: incident.id.to_string(),
                code_name: incident.code_name.clone(),
                clock: v.pick(&clock.title).to_owned(),
                due,
            })
        })
        .collect();
    deadlines.sort_by_key(|d| d.due);
    let page = BoardPage {
        sources: visit.desk().sources_for(&visit.viewer()),
        open: open
            .iter()
            .map(|i| IncidentLine::of(&v, &IncidentHead::of(i, i.opened_at)))
            .collect(),
        reports: if sees_incidents {
            visit.desk().reports_for(&visit.viewer(), MAX_REPORTS)
        } else {
            Vec::new()
        },
        deadlines,
        groups: on_duty(&v),
        sees_incidents,
        may_open: visit.may(Act::OpenIncident),
        tampered: visit.query.given("tampered").map(str::to_owned),
        v,
    };
    Reply::page(&page)
}

fn on_duty(v: &View<'_>) -> Vec<DutyLine> {
    let duties = v.visit.desk().duties();
    let head = |position: &PositionId| {
        let people = duties.on_duty(position, v.now).people;
        let names: Vec<String> = people.into_iter().map(|p| p.name).collect();
        let names = names.join(&v.t("common-list-comma"));
        (
            v.position(position),
            if names.is_empty() {
                v.t("board-nobody").into_owned()
            } else {
                names
            },
        )
    };
    let groups = v.visit.plan.groups.iter();
    groups
        .map(|g| DutyLine {
            title: v.pick(&g.title).to_owned(),
            heads: std::iter::once(&g.lead)
                .chain(&g.deputy)
                .map(head)
                .collect(),
        })
        .collect()
}

/// How a change is marked in the strip.
fn mark(change: &RecentChange) -> &'static str {
    match change.verdict {
        Verdict::Lawful => "ok",
        Verdict::Unlawful => "bad",
        Verdict::Unwitnessed => "warn",
    }
}

fn what(v: &View<'_>, change: &RecentChange) -> String {
    match change.what.as_str() {
        "+" => v.t("what-inserted").into_owned(),
        "-" => v.t("what-deleted").into_owned(),
        other => other.to_owned(),
    }
}

fn shown(source: &SourceStatus) -> &[RecentChange] {
    &source.recent[..source.recent.len().min(MAX_RECENT)]
}

/// Only in the demo: does to the demo shop what an attacker would do, past the program.
pub(crate) fn tamper(visit: &Visit) -> Reply {
    let Some(hooks) = visit.desk().demo() else {
        return Reply::not_found(visit);
    };
    match hooks.tamper() {
        Ok(what) => Reply::see(&format!("/?tampered={}", plain(&what))),
        Err(why) => {
            tracing::warn!(%why, "the demo's tampering did not work");
            Reply::refuse(visit, StatusCode::INTERNAL_SERVER_ERROR, "inside")
        }
    }
}

/// The key of a row, fit for an address.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .take(40)
        .collect()
}

pub(crate) fn open_incident(visit: &Visit) -> Reply {
    let receipt = ReceiptNo::new(visit.params.get("receipt"));
    match visit
        .desk()
        .open_incident_from_report(visit.operation(), &receipt)
    {
        Ok(id) => Reply::see(&format!("/incidents/{id}")),
        Err(CommandError::Refused(refusal)) => {
            let (message, missing) = narrate::refusal(visit, &refusal);
            error::refused_elsewhere(visit, message, missing)
        }
        Err(CommandError::UnknownIncident | CommandError::Stale { .. }) => Reply::not_found(visit),
        Err(CommandError::Desk(error)) => {
            tracing::error!(error = %perform::chain(&error), "no incident was opened");
            error::refused_elsewhere(
                visit,
                narrate::desk_error(visit.words(), &error),
                Vec::new(),
            )
        }
    }
}
