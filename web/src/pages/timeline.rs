//! The course of events, oldest first or newest first, each line with who recorded it when.

use crate::narrate;
use crate::pages::incident_parts::Head;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use model::Instant;

/// Lines on one page.
const PAGE: usize = 300;
/// Recorded so much later than it happened: worth a word.
const LATE_RECORD_S: f64 = 60.0;

#[derive(Template)]
#[template(path = "timeline.html")]
struct TimelinePage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    lines: Vec<EventLine>,
    older: Option<usize>,
}

struct EventLine {
    sequence: u32,
    at: Instant,
    recorded: Option<Instant>,
    text: String,
    who: String,
    reason: String,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let from: usize = visit.query.get("from").parse().unwrap_or(0);
    let all = incident.timeline.len();
    let lines = incident
        .timeline
        .iter()
        .rev()
        .skip(from)
        .take(PAGE)
        .map(|entry| EventLine {
            sequence: entry.sequence,
            at: entry.at,
            recorded: (entry.recorded_at.since_s(entry.at) > LATE_RECORD_S)
                .then_some(entry.recorded_at),
            text: narrate::event(visit, entry),
            who: narrate::actor(visit, &entry.actor),
            reason: entry.reason.clone(),
        })
        .collect();
    let page = TimelinePage {
        h: Head::of(&v, &incident, "timeline"),
        lines,
        older: (from + PAGE < all).then_some(from + PAGE),
        i: &incident,
        v,
    };
    Reply::page(&page)
}
