//! Five lines for whoever joins late, and the one-page brief for the management, as data.
//!
//! Deliberately not here: words; lines have a key (`incident-brief-KEY`) and parameters.

use crate::clocks;
use crate::conditions::{self, Leaving};
use crate::containment::{HoldState, RepairState};
use crate::fact::{Fact, Recorded};
use crate::grading::Impact;
use crate::incident::Incident;
use crate::people::{Addressee, Order, Signed};
use crate::refusal::MissingItem;
use crate::rows::RowCounts;
use crate::timeline::{Param, Params};
use model::{Actor, ClockId, Digest, Figure, Grade, Instant, Level, Money, OrderId, Risk};
use plan::{Metric, Plan, StepId};
use serde::{Deserialize, Serialize};

/// One line: its key in the catalogue and the values for its places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub key: String,
    pub params: Vec<(String, Param)>,
}

fn line(key: &str, params: Params) -> Line {
    Line {
        key: key.to_owned(),
        params: params.into_iter().map(|(n, p)| (n.to_owned(), p)).collect(),
    }
}

fn number(n: impl TryInto<i64>) -> Param {
    Param::Number(n.try_into().unwrap_or(i64::MAX))
}

/// How long before a brief is due those who lead are reminded, in seconds; half the time where
/// briefs come more often than that.
const REMIND_BEFORE_S: u32 = 600;

/// When the next brief to the management goes out by the level's cadence; `None` once the handling
/// has ended.
pub fn next_due(plan: &Plan, incident: &Incident) -> Option<Instant> {
    let over = incident.closed() || incident.anchors.handled.is_some();
    let every_s = plan.level(incident.level)?.brief_every_s;
    let last = incident.briefs.last().copied();
    let due = last
        .unwrap_or(incident.opened_at)
        .plus_s(i64::from(every_s));
    (!over && every_s > 0).then_some(due)
}

/// The brief that is near and of which nobody was reminded yet.
pub fn to_remind(plan: &Plan, incident: &Incident, now: Instant) -> Option<Instant> {
    let due = next_due(plan, incident)?;
    let every_s = plan.level(incident.level)?.brief_every_s;
    let before = i64::from(REMIND_BEFORE_S.min(every_s / 2));
    let near = now >= due.plus_s(-before) && now < due;
    (near && incident.room.brief_reminded < Some(due)).then_some(due)
}

/// What happened, how grave, where we are, what presses, what comes next.
pub fn five_lines(incident: &Incident, plan: &Plan, now: Instant) -> [Line; 5] {
    [
        what(incident),
        grade(incident),
        here(incident, now),
        deadline(incident, plan, now),
        next(incident, plan, now),
    ]
}

fn what(incident: &Incident) -> Line {
    let counts = incident.findings.counts;
    line(
        "what",
        vec![
            ("since", Param::Time(incident.opened_at)),
            ("altered", number(counts.altered)),
            ("forged", number(counts.forged)),
            ("deleted", number(counts.deleted)),
        ],
    )
}

fn grade(incident: &Incident) -> Line {
    let key = if incident.grade_to_confirm() {
        "grade-proposed"
    } else {
        "grade-confirmed"
    };
    let grade = ("grade", Param::Grade(incident.grade()));
    line(key, vec![grade, ("level", Param::Level(incident.level))])
}

fn here(incident: &Incident, now: Instant) -> Line {
    let open = incident.orders.iter().filter(|o| o.open()).count();
    let overdue = incident.orders.iter().filter(|o| o.overdue(now)).count();
    line(
        "here",
        vec![
            ("step", Param::Step(incident.step)),
            ("open", number(open)),
            ("overdue", number(overdue)),
        ],
    )
}

fn deadline(incident: &Incident, plan: &Plan, now: Instant) -> Line {
    match clocks::next_deadline(plan, incident, now) {
        Some((clock, due)) => line(
            "deadline",
            vec![
                ("clock", Param::Clock(clock.id.clone())),
                ("due", Param::Time(due)),
            ],
        ),
        None => line("no-deadline", Vec::new()),
    }
}

fn next(incident: &Incident, plan: &Plan, now: Instant) -> Line {
    if incident.closed() {
        return line("closed", Vec::new());
    }
    let n = objective(incident, plan, now).len();
    match incident.step.next() {
        Some(step) => line("next", vec![("n", number(n)), ("step", Param::Step(step))]),
        None => line("next-close", vec![("n", number(n))]),
    }
}

/// The one current objective: what is missing before the next step, or before closing.
pub fn objective(incident: &Incident, plan: &Plan, now: Instant) -> Vec<MissingItem> {
    let leaving = match incident.step.next() {
        Some(_) => Leaving::Step,
        None => Leaving::Incident,
    };
    conditions::missing(plan, incident, leaving, now)
}

/// The one-page brief for the senior management.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManagementBrief {
    pub at: Instant,
    pub code_name: String,
    pub exercise: bool,
    pub elapsed_s: i64,
    pub risk: Risk,
    pub grade: Grade,
    pub level: Level,
    /// `None`: the grade is proposed only.
    pub confirmed: Option<Signed>,
    pub step: StepId,
    pub closed: bool,
    pub five: [Line; 5],
    pub found: RowCounts,
    pub still_open: RowCounts,
    pub damage: Damage,
    pub active_holds: u32,
    pub repaired: RowCounts,
    pub ongoing: bool,
    /// Open orders, the overdue first; at most [`BRIEF_ORDERS`].
    pub orders: Vec<OrderLine>,
    /// Open orders that are not among them.
    pub more_orders: u32,
    /// The last decisions, the newest first.
    pub decisions: Vec<DecisionLine>,
    /// Clocks that run or are overdue, by their time.
    pub deadlines: Vec<(ClockId, Instant, bool)>,
    /// What is missing before the next step; nothing once the incident is closed.
    pub missing: Vec<MissingItem>,
}

/// A decision, as the management needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionLine {
    pub text: String,
    pub by: Actor,
    pub at: Instant,
}

/// An open order, as the management needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    pub id: OrderId,
    pub to: Addressee,
    pub text: String,
    pub due_at: Instant,
    pub overdue: bool,
}

/// Open orders named in a brief: one page has room for no more.
pub const BRIEF_ORDERS: usize = 8;
/// Decisions named in a brief.
const BRIEF_DECISIONS: usize = 5;
/// Missing things named in a brief.
const BRIEF_MISSING: usize = 20;
/// Characters of a person's text in a brief. With the longest texts a brief stays below
/// `MAX_FACT_BYTES`, so that it can always go out.
const BRIEF_CHARS: usize = 300;

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(BRIEF_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A brief as it went out.
#[derive(Clone, Debug, PartialEq)]
pub struct SentBrief {
    /// From 1.
    pub number: u32,
    pub by: Actor,
    pub at: Instant,
    pub brief: ManagementBrief,
    /// The brief as it is stored, in JSON.
    pub text: String,
    /// SHA-256 of the text, taken when it was sent.
    pub digest: Digest,
}

impl SentBrief {
    /// Says whether the text is still the one of which the digest was taken.
    pub fn holds(&self) -> bool {
        Digest::of(self.text.as_bytes()) == self.digest
    }
}

/// The briefs of a course of facts, as they went out. Those from before briefs were kept are not
/// among them.
pub fn sent<'a>(
    facts: impl Iterator<Item = &'a Recorded> + 'a,
) -> impl Iterator<Item = SentBrief> + 'a {
    facts.filter_map(|recorded| match &recorded.fact {
        Fact::BriefSent {
            number,
            kept: Some(kept),
        } => serde_json::from_str(&kept.text)
            .ok()
            .map(|brief| SentBrief {
                number: *number,
                by: recorded.operation.actor.clone(),
                at: recorded.operation.now,
                brief,
                text: kept.text.clone(),
                digest: kept.digest,
            }),
        _ => None,
    })
}

pub fn management(incident: &Incident, plan: &Plan, now: Instant) -> ManagementBrief {
    let (orders, more_orders) = orders(incident, now);
    let mut deadlines: Vec<(ClockId, Instant, bool)> = clocks::clocks(plan, incident, now)
        .into_iter()
        .filter_map(|c| Some((c.clock.id.clone(), clocks::due(&c.state)?, now)))
        .map(|(id, due, now)| (id, due, now > due))
        .collect();
    deadlines.sort_by_key(|(_, due, _)| *due);
    let active = incident
        .holds
        .iter()
        .filter(|h| h.state == HoldState::Active);
    ManagementBrief {
        at: now,
        code_name: incident.code_name.clone(),
        exercise: incident.exercise,
        elapsed_s: incident.elapsed_s(now) as i64,
        risk: incident.risk,
        grade: incident.grade(),
        level: incident.level,
        confirmed: incident
            .confirmed()
            .filter(|_| !incident.grade_to_confirm())
            .map(|c| Signed {
                by: c.by.clone(),
                at: c.at,
            }),
        step: incident.step,
        closed: incident.closed(),
        five: five_lines(incident, plan, now),
        found: incident.findings.counts,
        still_open: incident.findings.open,
        damage: damage(incident),
        active_holds: u32::try_from(active.count()).unwrap_or(u32::MAX),
        repaired: repaired(incident),
        ongoing: incident.watch.ongoing,
        orders,
        more_orders,
        decisions: incident
            .decisions
            .iter()
            .rev()
            .take(BRIEF_DECISIONS)
            .map(|d| DecisionLine {
                text: shortened(&d.text),
                by: d.by.clone(),
                at: d.at,
            })
            .collect(),
        deadlines,
        missing: match incident.closed() {
            true => Vec::new(),
            false => {
                let mut all = objective(incident, plan, now);
                all.truncate(BRIEF_MISSING);
                all
            }
        },
    }
}

/// The open orders that have room, and how many have none.
fn orders(incident: &Incident, now: Instant) -> (Vec<OrderLine>, u32) {
    let mut open: Vec<&Order> = incident.orders.iter().filter(|o| o.open()).collect();
    open.sort_by_key(|o| (!o.overdue(now), o.due_at));
    let more = open.len().saturating_sub(BRIEF_ORDERS);
    let lines = open.into_iter().take(BRIEF_ORDERS).map(|o| OrderLine {
        id: o.id.clone(),
        to: o.to.clone(),
        text: shortened(&o.text),
        due_at: o.due_at,
        overdue: o.overdue(now),
    });
    (lines.collect(), u32::try_from(more).unwrap_or(u32::MAX))
}

/// What it costs, as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Damage {
    /// Of the rows that are found, by currency.
    pub at_risk: Vec<Money>,
    pub orders: Figure,
    pub persons: Figure,
    /// What people recorded.
    pub impact: Impact,
}

pub fn damage(incident: &Incident) -> Damage {
    Damage {
        at_risk: incident.findings.at_risk.clone(),
        orders: affected_orders(incident),
        persons: persons(incident),
        impact: Impact {
            note: shortened(&incident.impact.note),
            ..incident.impact.clone()
        },
    }
}

/// Persons affected: what a person recorded, else what the assessment holds of a person's word,
/// else the data subjects counted.
pub fn persons(incident: &Incident) -> Figure {
    let given = |metric| {
        let by_person = incident.figures_by_person.contains(&metric);
        by_person.then(|| incident.figures.number(metric))
    };
    let told = [Metric::AffectedPersons, Metric::UsersAffected];
    let assessed = told.into_iter().filter_map(given);
    let graver = assessed.max_by_key(|figure| figure.at_most());
    [Some(incident.impact.persons), graver]
        .into_iter()
        .flatten()
        .find(|figure| *figure != Figure::Unknown)
        .unwrap_or_else(|| incident.findings.persons())
}

/// Orders affected: what a person recorded, else what the assessment holds, of a person's word or
/// counted from the findings.
pub fn affected_orders(incident: &Incident) -> Figure {
    match incident.impact.orders {
        Figure::Unknown => incident.figures.number(Metric::OrdersAffected),
        recorded => recorded,
    }
}

/// Rows put right by all repairs applied.
pub fn repaired(incident: &Incident) -> RowCounts {
    let mut sum = RowCounts::default();
    for repair in &incident.repairs {
        if let RepairState::Applied { repaired, .. } = &repair.state {
            sum.altered += repaired.altered;
            sum.forged += repaired.forged;
            sum.deleted += repaired.deleted;
        }
    }
    sum
}
