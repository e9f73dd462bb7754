//! The list of incidents, newest first.

use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::{Incident, Status};
use model::Instant;

/// Lines on one page; older incidents follow on the next.
const PAGE: usize = 50;

/// One incident in a list.
pub(crate) struct IncidentLine {
    pub id: String,
    pub code_name: String,
    pub exercise: bool,
    pub what: String,
    pub grade: String,
    pub grade_number: u8,
    pub level: u8,
    pub step: String,
    pub opened_at: Instant,
    pub closed_at: Option<Instant>,
}

impl IncidentLine {
    pub fn of(v: &View<'_>, incident: &Incident) -> Self {
        Self {
            id: incident.id.to_string(),
            code_name: incident.code_name.clone(),
            exercise: incident.exercise,
            what: format!(
                "{} · {}",
                v.tt("incident-category", incident.category.code()),
                v.n("incident-found", incident.findings.total())
            ),
            grade: v.grade(&incident.grade()),
            grade_number: incident.grade().number(),
            level: incident.level.0,
            step: incident.step.code().to_owned(),
            opened_at: incident.opened_at,
            closed_at: match &incident.status {
                Status::Closed { at, .. } => Some(*at),
                Status::Open => None,
            },
        }
    }
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage<'a> {
    v: View<'a>,
    lines: Vec<IncidentLine>,
    all: usize,
    older: Option<usize>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let v = View::titled(visit, Section::Incidents, "nav-incidents");
    let from: usize = visit.query.get("from").parse().unwrap_or(0);
    let incidents = visit.incidents();
    let lines = incidents
        .iter()
        .skip(from)
        .take(PAGE)
        .map(|i| IncidentLine::of(&v, i))
        .collect();
    let older = (from + PAGE < incidents.len()).then_some(from + PAGE);
    Reply::page(&IncidentsPage {
        lines,
        all: incidents.len(),
        older,
        v,
    })
}
