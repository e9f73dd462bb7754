//! The parts of the war room, each made from the incident for one reader.

use crate::view::View;
use incident::brief::Damage;
use incident::communication::NoticeState;
use incident::conditions::reached;
use incident::containment::HoldState;
use incident::people::{CallState, TaskState};
use incident::{Incident, rows};
use model::{Figure, Instant};
use plan::{Act, StepId};

pub(crate) struct GroupLine {
    pub title: String,
    pub reached: bool,
    pub called: bool,
    pub people: Vec<PersonLine>,
}

pub(crate) struct PersonLine {
    pub role: &'static str,
    pub position: String,
    /// Who answered, where somebody did.
    pub name: String,
    pub code: &'static str,
    pub mark: &'static str,
    pub at: Option<Instant>,
    pub due: Option<Instant>,
    /// The reader may answer this call.
    pub answer: Option<u32>,
}

/// Leads and deputies of every group, and others who were called.
pub(crate) fn groups(v: &View<'_>, i: &Incident) -> Vec<GroupLine> {
    let held = v.visit.session.as_ref().map_or(&[][..], |s| &s.positions);
    let groups = v.visit.plan.groups.iter();
    groups
        .map(|group| {
            let mut people: Vec<PersonLine> = Vec::new();
            let heads = std::iter::once(("lead", &group.lead))
                .chain(group.deputy.iter().map(|d| ("deputy", d)));
            let others = i
                .calls
                .iter()
                .filter(|c| c.call.group == group.id)
                .map(|c| (c.call.role.code(), &c.call.position));
            let mut seen = Vec::new();
            for (role, position) in heads.chain(others) {
                if seen.contains(&position) {
                    continue;
                }
                seen.push(position);
                let call = i
                    .calls
                    .iter()
                    .rev()
                    .find(|c| c.call.group == group.id && c.call.position == *position);
                let mut line = PersonLine {
                    role,
                    position: v.position(position),
                    name: String::new(),
                    code: "not-called",
                    mark: "off",
                    at: None,
                    due: None,
                    answer: None,
                };
                if let Some(call) = call {
                    (line.code, line.mark, line.at) = match &call.state {
                        CallState::Called if call.overdue(v.now) => {
                            ("late", "bad", Some(call.called_at))
                        }
                        CallState::Called => ("called", "warn", Some(call.called_at)),
                        CallState::Acknowledged { at, .. } => ("acknowledged", "ok", Some(*at)),
                        CallState::Refused { at, .. } => ("refused", "bad", Some(*at)),
                        CallState::Escalated { at, .. } => ("escalated", "bad", Some(*at)),
                    };
                    if let CallState::Acknowledged { by, .. } | CallState::Refused { by, .. } =
                        &call.state
                    {
                        line.name = person_name(by);
                    }
                    let open = call.state == CallState::Called;
                    line.due = open.then_some(call.call.due_at);
                    line.answer = (open && !i.closed() && held.contains(position))
                        .then_some(call.call.number);
                }
                people.push(line);
            }
            GroupLine {
                title: v.pick(&group.title).to_owned(),
                reached: reached(i, &group.id),
                called: i.calls.iter().any(|c| c.call.group == group.id),
                people,
            }
        })
        .collect()
}

fn person_name(actor: &model::Actor) -> String {
    match actor {
        model::Actor::Person { name, .. } => name.clone(),
        _ => String::new(),
    }
}

pub(crate) struct StepLine {
    pub code: &'static str,
    pub title: String,
    pub class: &'static str,
    pub target_s: u32,
    pub entered: Option<Instant>,
    pub took_s: Option<i64>,
    pub late: bool,
}

pub(crate) fn steps(v: &View<'_>, i: &Incident) -> Vec<StepLine> {
    let line = |step: StepId| {
        let planned = v.visit.plan.step(step);
        let record = i.step_record(step);
        let done = record.is_some_and(|r| r.left_at.is_some()) || (i.closed() && record.is_some());
        StepLine {
            code: step.code(),
            title: planned.map_or_else(String::new, |s| v.pick(&s.title).to_owned()),
            class: if done {
                "done"
            } else if step == i.step {
                "now"
            } else {
                "next"
            },
            target_s: record.map_or(planned.map_or(0, |s| s.target_s), |r| r.target_s),
            entered: record.filter(|_| !done).map(|r| r.entered_at),
            took_s: record.filter(|_| done).map(|r| r.took_s(v.now) as i64),
            late: record.is_some_and(|r| r.late(v.now)),
        }
    };
    StepId::ALL.into_iter().map(line).collect()
}

pub(crate) struct ImpactLine {
    pub label: String,
    pub value: String,
    pub certainty: &'static str,
}

pub(crate) fn impact(v: &View<'_>, damage: &Damage) -> Vec<ImpactLine> {
    let mut out = Vec::new();
    for money in &damage.at_risk {
        out.push(ImpactLine {
            label: v.t("impact-at-risk").into_owned(),
            value: v.yuan(money),
            certainty: "known",
        });
    }
    let none = incident::grading::MoneyImpact::default();
    let cny = damage.impact.money.get("CNY").unwrap_or(&none);
    for (key, figure) in [
        ("out", cny.out_minor),
        ("held", cny.held_minor),
        ("recovered", cny.recovered_minor),
    ] {
        out.push(ImpactLine {
            label: v.tt("impact", key).into_owned(),
            value: minor(v, figure),
            certainty: v.certainty(&figure),
        });
    }
    for (key, figure) in [("orders", damage.orders), ("persons", damage.persons)] {
        out.push(ImpactLine {
            label: v.tt("impact", key).into_owned(),
            value: v.figure(&figure),
            certainty: v.certainty(&figure),
        });
    }
    out
}

/// Money in fen as yuan.
fn minor(v: &View<'_>, figure: Figure) -> String {
    let yuan = |fen: i64| v.yuan(&model::Money::new(fen, "CNY"));
    match figure {
        Figure::Known { value } => yuan(value),
        Figure::Estimated { low, high } => format!("{} – {}", yuan(low), yuan(high)),
        Figure::Unknown => v.t("common-unknown-figure").into_owned(),
    }
}

/// Who has been told what and when.
pub(crate) struct ToldLine {
    pub who: String,
    pub what: String,
    pub at: Instant,
    pub mark: &'static str,
    /// Where what they were told can be read again; empty where nowhere.
    pub href: String,
}

pub(crate) fn told(v: &View<'_>, i: &Incident, most: usize) -> Vec<ToldLine> {
    let mut out = Vec::new();
    for notice in &i.notices {
        if let NoticeState::Sent {
            at,
            delivered,
            failed,
        } = &notice.state
        {
            let values = [
                ("delivered", (*delivered).into()),
                ("failed", (*failed).into()),
            ];
            out.push(ToldLine {
                who: v.tt("incident-notice", notice.kind.code()).into_owned(),
                what: v.visit.words().with("told-notice", &values),
                at: *at,
                mark: if *failed == 0 { "ok" } else { "warn" },
                href: String::new(),
            });
        }
    }
    for filing in &i.filings {
        let clock = v.visit.plan.clocks.iter().find(|c| c.id == filing.clock);
        out.push(ToldLine {
            who: clock.map_or_else(
                || filing.clock.to_string(),
                |c| v.pick(&c.recipient).to_owned(),
            ),
            what: format!("{} · {}", filing.channel, filing.receipt),
            at: filing.filed_at,
            mark: "ok",
            href: String::new(),
        });
    }
    for (number, at) in (1_u32..).zip(&i.briefs) {
        out.push(ToldLine {
            who: v.t("told-management").into_owned(),
            what: v.w("told-brief", "n", number.to_string()),
            at: *at,
            mark: "ok",
            href: format!("/incidents/{}/brief/{number}", i.id),
        });
    }
    out.sort_by_key(|line| std::cmp::Reverse(line.at));
    out.truncate(most);
    out
}

pub(crate) struct HoldLine {
    pub id: String,
    pub rows: usize,
    pub tables: String,
    pub reason: String,
    pub by: String,
    pub until: Instant,
    pub code: &'static str,
    pub mark: &'static str,
    pub active: bool,
    pub may_decide: bool,
    pub may_lift: bool,
}

/// Holds that wait or act first, the newest first.
pub(crate) fn holds(v: &View<'_>, i: &Incident) -> Vec<HoldLine> {
    let me = v.account();
    let mut out: Vec<HoldLine> = i
        .holds
        .iter()
        .rev()
        .map(|hold| {
            let tables: Vec<String> = hold
                .rows
                .iter()
                .map(|r| format!("{} ({})", r.table, r.keys.len()))
                .collect();
            let mine = hold.proposed_by.account().is_some_and(|a| Some(a) == me);
            HoldLine {
                id: hold.id.to_string(),
                rows: rows::count(&hold.rows),
                tables: tables.join(&v.t("common-list-comma")),
                reason: hold.reason.clone(),
                by: v.actor(&hold.proposed_by),
                until: hold.until,
                code: hold.state.code(),
                mark: match hold.state {
                    HoldState::Active => "info",
                    HoldState::Proposed => "warn",
                    _ => "off",
                },
                active: hold.state == HoldState::Active,
                may_decide: hold.state == HoldState::Proposed
                    && !mine
                    && !i.closed()
                    && v.may(Act::ApproveHold),
                may_lift: hold.state == HoldState::Active && !i.closed() && v.may(Act::LiftHold),
            }
        })
        .collect();
    out.sort_by_key(|h| !(h.active || h.code == "proposed"));
    out
}

pub(crate) struct TaskLine {
    pub id: String,
    pub title: String,
    pub owner: String,
    pub due_at: Instant,
    pub required: bool,
    pub code: &'static str,
    pub mark: &'static str,
    pub open: bool,
    pub note: String,
    pub may: bool,
}

/// The tasks of the step that runs.
pub(crate) fn tasks(v: &View<'_>, i: &Incident) -> Vec<TaskLine> {
    let plan = &v.visit.plan;
    let may = !i.closed() && v.may(Act::CompleteTask);
    let mut out: Vec<TaskLine> = i
        .tasks
        .iter()
        .filter(|t| t.step == i.step)
        .map(|task| {
            let template = plan
                .steps
                .iter()
                .flat_map(|s| &s.tasks)
                .find(|t| t.id == task.planned.id.as_str());
            let overdue = task.overdue(v.now);
            TaskLine {
                id: task.planned.id.to_string(),
                title: template.map_or_else(
                    || task.planned.id.to_string(),
                    |t| v.pick(&t.title).to_owned(),
                ),
                owner: v.position(&task.planned.owner),
                due_at: task.planned.due_at,
                required: task.planned.required,
                code: if overdue {
                    "overdue"
                } else {
                    task.state.code()
                },
                mark: match &task.state {
                    TaskState::Open if overdue => "bad",
                    TaskState::Open => "info",
                    TaskState::Done { .. } => "ok",
                    TaskState::Waived { .. } => "off",
                },
                open: task.open() && !i.closed(),
                note: match &task.state {
                    TaskState::Open => String::new(),
                    TaskState::Done { by, note, .. } => joined(&v.actor(by), note),
                    TaskState::Waived { by, reason, .. } => joined(&v.actor(by), reason),
                },
                may: may && task.open(),
            }
        })
        .collect();
    out.sort_by_key(|t| (!t.open, t.due_at));
    out
}

fn joined(who: &str, text: &str) -> String {
    if text.is_empty() {
        who.to_owned()
    } else {
        format!("{who}: {text}")
    }
}
