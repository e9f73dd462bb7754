//! The one page for the management: what happened, how grave, what it costs, what comes next; as
//! things stand, and as each one went out.
//!
//! Deliberately not here: what stands in a brief and when it goes out (room `incident`).

use crate::narrate;
use crate::pages::incident_parts::{Head, addressee, five_lines};
use crate::pages::war_parts::{ImpactLine, impact};
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use incident::brief::{ManagementBrief, SentBrief};
use model::Instant;

/// Briefs listed beside the page, the newest first.
const LISTED: usize = 50;

#[derive(Template)]
#[template(path = "brief.html")]
struct BriefPage<'a> {
    v: View<'a>,
    h: Head,
    id: String,
    b: ManagementBrief,
    level: String,
    confirmed: Option<String>,
    five: Vec<(String, String)>,
    impact: Vec<ImpactLine>,
    orders: Vec<OrderRow>,
    deadlines: Vec<(String, Instant)>,
    missing: Vec<String>,
    step: String,
    next_due: Option<Instant>,
    listed: Vec<Listed>,
    /// The brief on the page is one that went out.
    went: Option<Went>,
}

struct OrderRow {
    to: String,
    text: String,
    due_at: Instant,
    overdue: bool,
}

struct Listed {
    number: u32,
    at: Instant,
    shown: bool,
}

struct Went {
    number: u32,
    by: String,
    at: Instant,
    digest: String,
    holds: bool,
}

/// As things stand now.
pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let now = visit.desk().now();
    let brief = incident::brief::management(&incident, &visit.plan, now);
    shown(visit, &incident, brief, None)
}

/// As it went out.
pub(crate) fn sent(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let Some(found) = sent_brief(visit, &incident) else {
        return Reply::not_found(visit);
    };
    shown(visit, &incident, found.brief.clone(), Some(&found))
}

/// The brief of which the number stands in the address.
pub(crate) fn sent_brief(visit: &Visit, incident: &Incident) -> Option<SentBrief> {
    let number: u32 = visit.params.get("number").parse().ok()?;
    visit.desk().sent_brief(&incident.id, number)
}

fn shown(
    visit: &Visit,
    incident: &Incident,
    b: ManagementBrief,
    sent: Option<&SentBrief>,
) -> Reply {
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let clock = |id: &model::ClockId| {
        let known = visit.plan.clocks.iter().find(|c| c.id == *id);
        known.map_or_else(|| id.to_string(), |c| v.pick(&c.title).to_owned())
    };
    let step = visit.plan.step(b.step);
    let page = BriefPage {
        h: Head::of(&v, incident, "brief"),
        id: incident.id.to_string(),
        level: v.tt("incident-level", b.level.0.to_string()).into_owned(),
        confirmed: b.confirmed.as_ref().map(|c| v.actor(&c.by)),
        five: five_lines(&v, &b.five),
        impact: impact(&v, &b.damage),
        orders: order_rows(&v, &b),
        deadlines: b
            .deadlines
            .iter()
            .map(|(id, due, _)| (clock(id), *due))
            .collect(),
        missing: b
            .missing
            .iter()
            .map(|m| narrate::missing(visit, m))
            .collect(),
        step: step.map_or_else(String::new, |s| v.pick(&s.title).to_owned()),
        next_due: incident::brief::next_due(&visit.plan, incident),
        listed: listed(incident, sent.map(|s| s.number)),
        went: sent.map(|s| Went {
            number: s.number,
            by: v.actor(&s.by),
            at: s.at,
            digest: s.digest.to_string(),
            holds: s.holds(),
        }),
        b,
        v,
    };
    Reply::page(&page)
}

fn order_rows(v: &View<'_>, b: &ManagementBrief) -> Vec<OrderRow> {
    let row = |order: &incident::brief::OrderLine| OrderRow {
        to: addressee(v, &order.to),
        text: order.text.clone(),
        due_at: order.due_at,
        overdue: order.overdue,
    };
    b.orders.iter().map(row).collect()
}

fn listed(incident: &Incident, shown: Option<u32>) -> Vec<Listed> {
    let all = (1_u32..).zip(&incident.briefs).map(|(number, at)| Listed {
        number,
        at: *at,
        shown: shown == Some(number),
    });
    let mut all: Vec<Listed> = all.collect();
    all.reverse();
    all.truncate(LISTED);
    all
}
