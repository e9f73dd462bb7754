//! The war room (作战室): the whole incident on one screen.

use crate::pages::discussion::Discussion;
use crate::pages::incident_parts::{
    ClockLine, Head, OrderLine, alarms, clock_lines, five_lines, missing, order_lines,
};
use crate::pages::war_acts::Acts;
use crate::pages::war_parts;
use crate::pages::war_parts::{GroupLine, HoldLine, ImpactLine, StepLine, TaskLine, ToldLine};
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;

const LAST_DECISIONS: usize = 5;
const LAST_ORDERS: usize = 12;
const LAST_TOLD: usize = 12;

#[derive(Template)]
#[template(path = "war_room.html")]
struct WarRoom<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    alarms: Vec<String>,
    grade: GradeView,
    next_deadline: Option<(String, model::Instant)>,
    five: Vec<(String, String)>,
    groups: Vec<GroupLine>,
    steps: Vec<StepLine>,
    step_title: String,
    step_purpose: String,
    missing: Vec<String>,
    orders: Vec<OrderLine>,
    decisions: Vec<DecisionLine>,
    impact: Vec<ImpactLine>,
    figures_at: Option<model::Instant>,
    told: Vec<ToldLine>,
    holds: Vec<HoldLine>,
    tasks: Vec<TaskLine>,
    clocks: Vec<ClockLine>,
    acts: Acts,
    id: String,
    d: Discussion,
    back: String,
    objective: Option<Goal>,
    may_aim: bool,
    next_brief: Option<model::Instant>,
    /// For a projector: nothing to click on, larger, what is below the first screen left out.
    wall: bool,
}

struct DecisionLine {
    text: String,
    about: String,
    who: String,
    at: model::Instant,
}

/// The last decisions, those of the discussion among them.
fn decisions(v: &View<'_>, i: &Incident) -> Vec<DecisionLine> {
    let formal = i
        .decisions
        .iter()
        .rev()
        .take(LAST_DECISIONS)
        .map(|d| DecisionLine {
            text: d.text.clone(),
            about: v.tt("incident-topic", d.topic.code()).into_owned(),
            who: v.actor(&d.by),
            at: d.at,
        });
    let said = i
        .room
        .decisions()
        .take(LAST_DECISIONS)
        .map(|note| DecisionLine {
            text: note.text.clone(),
            about: v.t("discussion-title").into_owned(),
            who: v.actor(&note.signed.by),
            at: note.at(),
        });
    let mut all: Vec<DecisionLine> = formal.chain(said).collect();
    all.sort_by_key(|line| std::cmp::Reverse(line.at));
    all.truncate(LAST_DECISIONS);
    all
}

/// The one current objective.
struct Goal {
    text: String,
    who: String,
    at: model::Instant,
}

pub(crate) struct GradeView {
    pub grade: String,
    pub number: u8,
    pub confirmed: Option<String>,
    pub reason: String,
    pub level: String,
    pub level_reason: String,
    pub open: String,
    pub to_confirm: bool,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let i = &*incident;
    let v = View::new(visit, Section::Incidents, i.code_name.clone());
    let step = visit.plan.step(i.step);
    let mut orders = order_lines(&v, i);
    orders.truncate(LAST_ORDERS.max(orders.iter().filter(|o| o.open).count()));
    let next = incident::clocks::next_deadline(&visit.plan, i, v.now);
    let page = WarRoom {
        h: Head::of(&v, i, "war-room"),
        alarms: alarms(&v, i, &visit.desk().sources()),
        grade: grade(&v, i),
        next_deadline: next.map(|(clock, due)| (v.pick(&clock.title).to_owned(), due)),
        five: five_lines(&v, &incident::brief::five_lines(i, &visit.plan, v.now)),
        groups: war_parts::groups(&v, i),
        steps: war_parts::steps(&v, i),
        step_title: step.map_or_else(String::new, |s| v.pick(&s.title).to_owned()),
        step_purpose: step.map_or_else(String::new, |s| v.pick(&s.purpose).to_owned()),
        missing: if i.closed() {
            Vec::new()
        } else {
            missing(&v, i)
        },
        orders,
        decisions: decisions(&v, i),
        impact: war_parts::impact(&v, &incident::brief::damage(i)),
        figures_at: i.impact.figures_at.or(i.findings.last_seen_at),
        told: war_parts::told(&v, i, LAST_TOLD),
        holds: war_parts::holds(&v, i),
        tasks: war_parts::tasks(&v, i),
        clocks: clock_lines(&v, i),
        acts: Acts::of(&v, i),
        id: i.id.to_string(),
        d: Discussion::of(&v, i),
        back: format!("/incidents/{}", i.id),
        objective: i.room.objective().map(|o| Goal {
            text: o.text.clone(),
            who: v.actor(&o.signed.by),
            at: o.signed.at,
        }),
        wall: visit.query.get("view") == "wall",
        next_brief: incident::brief::next_due(&visit.plan, i),
        may_aim: !i.closed() && v.may(plan::Act::IssueOrder),
        i,
        v,
    };
    Reply::page(&page)
}

/// The statutory grade and the internal level side by side, each with its reason.
pub(crate) fn grade(v: &View<'_>, i: &Incident) -> GradeView {
    let plan = &v.visit.plan;
    let criterion = |id: &str| {
        let mut rules = plan.schemes.iter().flat_map(|s| &s.grades);
        rules
            .find_map(|r| {
                let numeric = r.numeric.iter().find(|c| c.id == id).map(|c| &c.title);
                numeric.or_else(|| r.qualitative.iter().find(|q| q.id == id).map(|q| &q.title))
            })
            .map_or_else(|| id.to_owned(), |w| v.pick(w).to_owned())
    };
    let comma = v.t("common-list-comma");
    let matched: Vec<String> = i
        .assessment
        .matched
        .iter()
        .map(|(_, id)| criterion(id))
        .collect();
    let own = |id: &String| {
        let known = plan.own_criteria.iter().find(|c| c.id == *id);
        known.map_or_else(|| id.clone(), |c| v.pick(&c.title).to_owned())
    };
    let raised: Vec<String> = i.assessment.raised_by.iter().map(own).collect();
    let person = i.confirmed().filter(|_| !i.grade_to_confirm());
    GradeView {
        grade: v.grade(&i.grade()),
        number: i.grade().number(),
        confirmed: person.map(|c| v.actor(&c.by)),
        reason: match (person.filter(|c| !c.reason.is_empty()), matched.is_empty()) {
            (Some(c), _) => c.reason.clone(),
            (None, true) => v.t("grade-no-criterion").into_owned(),
            (None, false) => matched.join(&comma),
        },
        level: v.tt("incident-level", i.level.0.to_string()).into_owned(),
        level_reason: if raised.is_empty() {
            v.t("level-as-grade").into_owned()
        } else {
            raised.join(&comma)
        },
        open: if i.assessment.open.is_empty() {
            String::new()
        } else {
            v.n("grade-open", i.assessment.open.len())
        },
        to_confirm: i.grade_to_confirm(),
    }
}
