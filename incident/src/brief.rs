//! Five lines for whoever joins late, and the one-page brief for the management, as data.
//!
//! Deliberately not here: words; lines have a key (`incident-brief-KEY`) and parameters.

use crate::clocks;
use crate::conditions::{self, Leaving};
use crate::containment::{HoldState, RepairState};
use crate::grading::Impact;
use crate::incident::Incident;
use crate::learning::Decision;
use crate::people::{Order, Signed};
use crate::refusal::MissingItem;
use crate::rows::RowCounts;
use crate::timeline::{Param, Params};
use model::{ClockId, Figure, Grade, Instant, Level, Money, Risk};
use plan::{Plan, StepId};
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
    pub found: RowCounts,
    pub still_open: RowCounts,
    pub at_risk: Vec<Money>,
    pub persons: Figure,
    pub impact: Impact,
    pub active_holds: u32,
    pub repaired: RowCounts,
    pub ongoing: bool,
    /// Open orders, the overdue first.
    pub orders: Vec<Order>,
    /// The last decisions, the newest first.
    pub decisions: Vec<Decision>,
    /// Clocks that run or are overdue, by their time.
    pub deadlines: Vec<(ClockId, Instant, bool)>,
    pub missing: Vec<MissingItem>,
}

/// Decisions named in a brief.
const BRIEF_DECISIONS: usize = 5;

pub fn management(incident: &Incident, plan: &Plan, now: Instant) -> ManagementBrief {
    let mut orders: Vec<Order> = incident
        .orders
        .iter()
        .filter(|o| o.open())
        .cloned()
        .collect();
    orders.sort_by_key(|o| (!o.overdue(now), o.due_at));
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
        found: incident.findings.counts,
        still_open: incident.findings.open,
        at_risk: incident.findings.at_risk.clone(),
        persons: persons(incident),
        impact: incident.impact.clone(),
        active_holds: u32::try_from(active.count()).unwrap_or(u32::MAX),
        repaired: repaired(incident),
        ongoing: incident.watch.ongoing,
        orders,
        decisions: incident
            .decisions
            .iter()
            .rev()
            .take(BRIEF_DECISIONS)
            .cloned()
            .collect(),
        deadlines,
        missing: objective(incident, plan, now),
    }
}

/// Persons affected: what a person recorded, else the data subjects counted.
pub fn persons(incident: &Incident) -> Figure {
    if incident.impact.persons != Figure::Unknown {
        return incident.impact.persons;
    }
    incident.findings.persons()
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
