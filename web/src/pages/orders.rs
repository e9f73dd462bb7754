//! Orders and tasks of one incident, and one person's work over all incidents.
//!
//! Deliberately not here: what may be done with an order (room `incident`).

use crate::pages::incident_parts::{Head, OrderLine, addressed, addressee, order_line};
use crate::pages::plan_tasks::{self, StepTasks, Whose};
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use incident::people::{Addressee, Order};
use model::Instant;
use plan::Act;

/// Settled orders shown; older ones stand in the timeline.
const LAST_SETTLED: usize = 50;
/// Orders of all incidents on one person's page, the most pressing first.
const MOST_OF_MINE: usize = 200;
/// Minutes to choose from for a due time.
const MINUTES: [u32; 7] = [15, 30, 60, 120, 240, 1440, 4320];

#[derive(Template)]
#[template(path = "orders.html")]
struct Page<'a> {
    v: View<'a>,
    h: Head,
    id: String,
    show: &'static str,
    rows: Vec<Row>,
    settled: Vec<Row>,
    steps: Vec<StepTasks>,
    no_tasks: bool,
    may_issue: bool,
    minutes: [u32; 7],
    persons: Vec<(String, String)>,
    constraints: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "my_orders.html")]
struct Mine<'a> {
    v: View<'a>,
    rows: Vec<Row>,
}

/// An order with everything that the reader may do with it.
pub(crate) struct Row {
    pub line: OrderLine,
    pub incident: String,
    pub code_name: String,
    /// Unique on the page: numbers of orders repeat between incidents.
    pub key: String,
    pub version: u32,
    pub constraints: Vec<String>,
    pub verify: bool,
    pub to_verify: bool,
    pub verified: Option<String>,
    pub sent_back: Option<String>,
    pub told: u8,
    pub earlier: Vec<Earlier>,
    pub may_verify: bool,
    pub may_change: bool,
    pub to_value: String,
    pub back: String,
    pub minutes: [u32; 7],
}

pub(crate) struct Earlier {
    pub to: String,
    pub text: String,
    pub due_at: Instant,
    pub until: Instant,
    pub by: String,
    pub reason: String,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let i = &*incident;
    let v = View::titled(visit, Section::Orders, "orders-title");
    let show = match visit.query.get("show") {
        "mine" => "mine",
        "group" => "group",
        _ => "all",
    };
    let back = format!("/incidents/{}/orders", i.id);
    let chosen = |o: &&Order| match show {
        "mine" => mine(&v, o),
        "group" => my_group(&v, o),
        _ => true,
    };
    let (mut rows, mut settled): (Vec<Row>, Vec<Row>) = i
        .orders
        .iter()
        .filter(chosen)
        .map(|o| row(&v, i, o, &back))
        .partition(|r| r.line.open || r.to_verify);
    rows.sort_by_key(|r| (!r.line.overdue, !r.to_verify, r.line.due_at));
    settled.reverse();
    settled.truncate(LAST_SETTLED);
    let whose = match show {
        "mine" => Whose::Mine,
        "group" => Whose::Group,
        _ => Whose::All,
    };
    let steps = plan_tasks::steps(&v, i, whose);
    let may_issue = !i.closed() && v.may(Act::IssueOrder);
    Reply::page(&Page {
        h: Head::of(&v, i, "orders"),
        id: i.id.to_string(),
        show,
        rows,
        settled,
        no_tasks: steps.iter().all(|s| s.groups.is_empty()),
        steps,
        may_issue,
        minutes: MINUTES,
        persons: match may_issue {
            true => persons(visit, i),
            false => Vec::new(),
        },
        constraints: (visit.plan.orders.constraints.iter())
            .map(|c| (c.id.clone(), v.pick(&c.title).to_owned()))
            .collect(),
        v,
    })
}

/// What waits for the reader, in every open incident that they may know of.
pub(crate) fn my_page(visit: &Visit) -> Reply {
    let v = View::titled(visit, Section::Orders, "orders-mine-title");
    let mut rows = Vec::new();
    for i in visit.open_incidents() {
        let waiting = |o: &&Order| (o.open() && addressed(&v, &o.to)) || to_check_by(&v, o);
        rows.extend(i.orders.iter().filter(waiting).map(|o| row(&v, &i, o, "")));
    }
    rows.sort_by_key(|r| (!r.line.overdue, r.line.due_at));
    rows.truncate(MOST_OF_MINE);
    Reply::page(&Mine { rows, v })
}

fn mine(v: &View<'_>, order: &Order) -> bool {
    let person = match &order.to {
        Addressee::Group(_) => false,
        to => addressed(v, to),
    };
    let accepted = order.accepted.as_ref().and_then(|s| s.by.account());
    person || to_check_by(v, order) || (accepted.is_some() && accepted == v.account())
}

/// Addressed to a group that the reader belongs to, or to anybody in it.
fn my_group(v: &View<'_>, order: &Order) -> bool {
    let held = v.visit.session.as_ref().map_or(&[][..], |s| &s.positions);
    let groups = v.visit.plan.groups.iter();
    let mut ours = groups.filter(|g| g.everyone().iter().any(|p| held.contains(p)));
    ours.any(|group| match &order.to {
        Addressee::Group(id) => group.id == *id,
        Addressee::Position(id) => group.everyone().contains(&id),
        Addressee::Person(person) => group.everyone().contains(&&person.position),
    })
}

fn to_check_by(v: &View<'_>, order: &Order) -> bool {
    let doer = order.doer().and_then(|d| d.account());
    order.to_verify() && v.may(Act::IssueOrder) && doer != v.account()
}

pub(crate) fn row(v: &View<'_>, i: &Incident, order: &Order, back: &str) -> Row {
    let rules = &v.visit.plan.orders;
    let title = |id: &String| {
        let known = rules.constraint(id);
        known.map_or_else(|| id.clone(), |c| v.pick(&c.title).to_owned())
    };
    let course = &order.course;
    let earlier = course.earlier.iter().rev().map(|e| Earlier {
        to: addressee(v, &e.to),
        text: e.text.clone(),
        due_at: e.due_at,
        until: e.until,
        by: v.actor(&e.changed_by),
        reason: e.reason.clone(),
    });
    Row {
        line: order_line(v, i, order),
        incident: i.id.to_string(),
        code_name: i.code_name.clone(),
        key: format!("{}-{}", i.id, order.id),
        version: course.version,
        constraints: course.constraints.iter().map(title).collect(),
        verify: course.verify,
        to_verify: order.to_verify(),
        verified: course.verified.as_ref().map(|s| v.actor(&s.by)),
        sent_back: (course.sent_back.as_ref())
            .filter(|_| order.open())
            .map(|(s, why)| format!("{}: {why}", v.actor(&s.by))),
        told: course.reminded,
        earlier: earlier.collect(),
        may_verify: !i.closed() && to_check_by(v, order),
        may_change: !i.closed() && order.open() && v.may(Act::IssueOrder),
        to_value: to_value(&order.to),
        back: back.to_owned(),
        minutes: MINUTES,
    }
}

fn to_value(to: &Addressee) -> String {
    match to {
        Addressee::Group(id) => format!("group:{id}"),
        Addressee::Position(id) => format!("position:{id}"),
        Addressee::Person(person) => format!("person:{}", person.account),
    }
}

/// People whom an order may go to: whoever holds a position and may know of the incident.
fn persons(visit: &Visit, incident: &Incident) -> Vec<(String, String)> {
    let people = visit
        .desk()
        .accounts_for(&visit.viewer())
        .unwrap_or_default();
    let knows = |p: &desk::account::Person| {
        let viewer = visit.desk().viewer(&p.id, &p.positions);
        !p.disabled && !p.positions.is_empty() && visit.desk().sees(&viewer, incident)
    };
    people
        .into_iter()
        .filter(knows)
        .map(|p| (format!("person:{}", p.id), p.name))
        .collect()
}
