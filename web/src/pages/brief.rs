//! The one page for the management: what happened, how grave, what it costs, what comes next.

use crate::narrate;
use crate::pages::incident_parts::{Head, five_lines};
use crate::pages::war_parts::{ImpactLine, impact};
use crate::pages::war_room::{GradeView, grade};
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use incident::brief::ManagementBrief;
use model::Instant;

#[derive(Template)]
#[template(path = "brief.html")]
struct BriefPage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    b: ManagementBrief,
    grade: GradeView,
    five: Vec<(String, String)>,
    impact: Vec<ImpactLine>,
    deadlines: Vec<(String, Instant)>,
    missing: Vec<String>,
    step: String,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let b = incident::brief::management(&incident, &visit.plan, v.now);
    let clock = |id: &model::ClockId| {
        let known = visit.plan.clocks.iter().find(|c| c.id == *id);
        known.map_or_else(|| id.to_string(), |c| v.pick(&c.title).to_owned())
    };
    let page = BriefPage {
        h: Head::of(&v, &incident, "brief"),
        grade: grade(&v, &incident),
        five: five_lines(&v, &incident),
        impact: impact(&v, &incident),
        deadlines: b
            .deadlines
            .iter()
            .map(|(id, due, _)| (clock(id), *due))
            .collect(),
        missing: if incident.closed() {
            Vec::new()
        } else {
            b.missing
                .iter()
                .map(|m| narrate::missing(visit, m))
                .collect()
        },
        step: visit
            .plan
            .step(b.step)
            .map_or_else(String::new, |s| v.pick(&s.title).to_owned()),
        b,
        i: &incident,
        v,
    };
    Reply::page(&page)
}
