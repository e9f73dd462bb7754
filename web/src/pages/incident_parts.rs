//! What the pages of one incident share: its head, its tabs, its alarms, its lines.

use crate::as_seen;
use crate::narrate;
use crate::view::View;
use desk::SourceStatus;
use incident::people::{Addressee, Order, OrderState};
use incident::{Incident, Status};
use model::Instant;
use plan::clock::ClockState;
use plan::{Act, Plan};

/// The head of every page of an incident.
pub(crate) struct Head {
    pub code_name: String,
    pub exercise: bool,
    pub closed_at: Option<Instant>,
    pub tabs: Vec<Tab>,
}

pub(crate) struct Tab {
    pub code: &'static str,
    pub path: String,
    pub current: bool,
}

impl Head {
    pub fn of(v: &View<'_>, incident: &Incident, current: &str) -> Self {
        let mut tabs = vec![
            ("war-room", ""),
            ("discussion", "/discussion"),
            ("assessment", "/assessment"),
            ("orders", "/orders"),
            ("resources", "/resources"),
            ("findings", "/findings"),
            ("repair", "/repair"),
        ];
        if v.may(Act::ReadEvidence) {
            tabs.push(("custody", "/evidence"));
        }
        tabs.extend([
            ("notices", "/notices"),
            ("timeline", "/timeline"),
            ("brief", "/brief"),
            ("handover", "/handover"),
            ("report", "/report"),
        ]);
        tabs.push(("joining", "/joining"));
        if v.may(Act::RestrictAccess) {
            tabs.push(("access", "/access"));
        }
        let tab = |(code, path): (&'static str, &str)| Tab {
            code,
            path: format!("/incidents/{}{path}", incident.id),
            current: code == current,
        };
        Self {
            code_name: incident.code_name.clone(),
            exercise: incident.exercise,
            closed_at: match &incident.status {
                Status::Closed { at, .. } => Some(*at),
                Status::Open => None,
            },
            tabs: tabs.into_iter().map(tab).collect(),
        }
    }
}

/// What must be seen before anything else: each one a whole sentence.
pub(crate) fn alarms(v: &View<'_>, incident: &Incident, sources: &[SourceStatus]) -> Vec<String> {
    if incident.closed() {
        return Vec::new();
    }
    let ours = |s: &&SourceStatus| {
        incident
            .source
            .as_ref()
            .is_none_or(|name| name.as_str() == s.name)
    };
    let mut out = Vec::new();
    for source in sources.iter().filter(ours) {
        if source.still_writing {
            out.push(v.w("alarm-still-writing", "source", &source.name));
        }
        if !source.watching || source.blind_since.is_some() {
            out.push(v.w("alarm-blind", "source", &source.name));
        }
    }
    out
}

/// A statutory clock as the pages list it.
pub(crate) struct ClockLine {
    pub id: String,
    pub title: String,
    pub instrument: String,
    pub recipient: String,
    pub code: &'static str,
    pub mark: &'static str,
    /// Why it has not started or does not apply; empty for the others.
    pub reason: String,
    pub due: Option<Instant>,
    pub settled: Option<Instant>,
    /// The due time is our own target, not the law's.
    pub ours: bool,
    pub may_settle: bool,
    /// Runs, waits for a fact, or is late: shown first.
    pub pressing: bool,
}

pub(crate) fn any_presses(lines: &[ClockLine]) -> bool {
    lines.iter().any(|line| line.pressing)
}

/// Running clocks first, then what could start, then the rest.
pub(crate) fn clock_lines(v: &View<'_>, incident: &Incident) -> Vec<ClockLine> {
    let may = v.may(Act::FileReport);
    let clocks = incident::clocks::clocks(&v.visit.plan, incident, v.now);
    let mut lines: Vec<ClockLine> = clocks
        .iter()
        .map(|c| {
            let settled = match &c.state {
                ClockState::Filed { at, .. } | ClockState::Waived { at } => Some(*at),
                _ => None,
            };
            ClockLine {
                id: c.clock.id.to_string(),
                title: v.pick(&c.clock.title).to_owned(),
                instrument: format!("{} {}", v.pick(&c.clock.instrument), c.clock.article),
                recipient: v.pick(&c.clock.recipient).to_owned(),
                code: incident::clocks::state_code(&c.state),
                mark: clock_mark(&c.state),
                reason: clock_reason(v, &c.state),
                due: incident::clocks::due(&c.state).or(match &c.state {
                    ClockState::Duty { target, .. } => *target,
                    _ => None,
                }),
                settled,
                ours: matches!(c.state, ClockState::Duty { .. }),
                pressing: clock_rank(incident::clocks::state_code(&c.state)) <= 2,
                may_settle: may
                    && settled.is_none()
                    && !matches!(c.state, ClockState::NotApplicable { .. }),
            }
        })
        .collect();
    lines.sort_by_key(|l| (clock_rank(l.code), l.due));
    lines
}

fn clock_rank(code: &str) -> u8 {
    match code {
        "overdue" | "due_soon" | "running" => 0,
        "duty" => 1,
        "undecided" => 2,
        "not_started" => 3,
        "filed" | "filed_late" | "waived" => 4,
        _ => 5,
    }
}

fn clock_mark(state: &ClockState) -> &'static str {
    match state {
        ClockState::Overdue { .. } | ClockState::Filed { late: true, .. } => "bad",
        ClockState::DueSoon { .. } | ClockState::Undecided { .. } => "warn",
        ClockState::Running { .. } | ClockState::Duty { .. } => "info",
        ClockState::Filed { .. } => "ok",
        _ => "off",
    }
}

fn clock_reason(v: &View<'_>, state: &ClockState) -> String {
    match state {
        ClockState::NotApplicable { reason } => {
            v.w("clock-because", "what", v.known("incident-fact", reason))
        }
        ClockState::Undecided { missing } => v.w(
            "clock-undecided-because",
            "what",
            v.known("incident-fact", missing),
        ),
        ClockState::NotStarted { anchor } => v.w(
            "clock-waits-for",
            "what",
            v.known("anchor", v.anchor_code(anchor)),
        ),
        _ => String::new(),
    }
}

/// An order as the pages list it.
pub(crate) struct OrderLine {
    /// What the forms carry of it.
    pub as_seen: String,
    pub id: String,
    pub to: String,
    pub text: String,
    pub constraint: String,
    pub issuer: String,
    pub issued_at: Instant,
    pub due_at: Instant,
    pub code: &'static str,
    pub mark: &'static str,
    pub open: bool,
    pub overdue: bool,
    pub answer: String,
    pub may_accept: bool,
    pub may_answer: bool,
    pub may_withdraw: bool,
}

/// Overdue orders first, then the open ones by their time, then the rest, newest first.
pub(crate) fn order_lines(v: &View<'_>, incident: &Incident) -> Vec<OrderLine> {
    let mut orders: Vec<&Order> = incident.orders.iter().collect();
    orders.sort_by_key(|o| {
        (
            !o.overdue(v.now),
            !o.open(),
            if o.open() { o.due_at.0 } else { -o.issued_at.0 },
        )
    });
    orders
        .into_iter()
        .map(|o| order_line(v, incident, o))
        .collect()
}

pub(crate) fn order_line(v: &View<'_>, incident: &Incident, order: &Order) -> OrderLine {
    let overdue = order.overdue(v.now);
    let answers =
        !incident.closed() && order.open() && v.may(Act::AnswerOrder) && addressed(v, &order.to);
    let answer = match &order.state {
        OrderState::Refused { by, reason, .. } | OrderState::Withdrawn { by, reason, .. } => {
            format!("{}: {reason}", v.actor(by))
        }
        OrderState::Done { by, result, .. } => format!("{}: {result}", v.actor(by)),
        OrderState::Issued | OrderState::Accepted => order
            .accepted
            .as_ref()
            .map_or_else(String::new, |s| v.actor(&s.by)),
    };
    OrderLine {
        id: order.id.to_string(),
        as_seen: as_seen::of_order(order),
        to: addressee(v, &order.to),
        text: order.text.clone(),
        constraint: order.constraint.clone(),
        issuer: v.actor(&order.issuer),
        issued_at: order.issued_at,
        due_at: order.due_at,
        code: order.state.code(),
        mark: match &order.state {
            _ if overdue => "bad",
            OrderState::Issued => "warn",
            OrderState::Accepted => "info",
            OrderState::Done { .. } => "ok",
            _ => "off",
        },
        open: order.open(),
        overdue,
        answer,
        may_accept: answers && order.state == OrderState::Issued,
        may_answer: answers,
        may_withdraw: !incident.closed() && order.open() && v.may(Act::IssueOrder),
    }
}

pub(crate) fn addressee(v: &View<'_>, to: &Addressee) -> String {
    match to {
        Addressee::Group(id) => v
            .visit
            .plan
            .group(id)
            .map_or_else(|| id.to_string(), |g| v.pick(&g.title).to_owned()),
        Addressee::Position(id) => v.position(id),
        Addressee::Person(person) => person.name.clone(),
    }
}

/// The reader holds a position that is addressed, or stands in for it.
pub(crate) fn addressed(v: &View<'_>, to: &Addressee) -> bool {
    let held = v.visit.session.as_ref().map_or(&[][..], |s| &s.positions);
    let plan: &Plan = &v.visit.plan;
    match to {
        Addressee::Group(id) => plan
            .group(id)
            .is_some_and(|g| g.everyone().iter().any(|p| held.contains(p))),
        Addressee::Position(id) => {
            let stand_ins = plan.position(id).map_or(&[][..], |p| &p.stand_ins);
            held.contains(id) || stand_ins.iter().any(|p| held.contains(p))
        }
        Addressee::Person(person) => v.account() == Some(&person.account),
    }
}

/// The missing things before the next step or the end, in words.
pub(crate) fn missing(v: &View<'_>, incident: &Incident) -> Vec<String> {
    let items = incident::brief::objective(incident, &v.visit.plan, v.now);
    items
        .iter()
        .map(|item| narrate::missing(v.visit, item))
        .collect()
}

/// The five lines for whoever joins late: what a line is about, and the line.
pub(crate) fn five_lines(v: &View<'_>, lines: &[incident::brief::Line]) -> Vec<(String, String)> {
    const ABOUT: [&str; 5] = ["what", "grade", "here", "deadline", "next"];
    ABOUT
        .iter()
        .zip(lines)
        .map(|(about, line)| {
            (
                v.tt("brief", about).into_owned(),
                narrate::brief(v.visit, line),
            )
        })
        .collect()
}
