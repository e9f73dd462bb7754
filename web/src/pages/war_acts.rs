//! The forms of the war room: each one only for those to whom the plan gives the act.

use crate::forms::METRICS;
use crate::view::View;
use incident::Incident;
use model::{Figure, Grade, Instant};
use plan::Act;

const ZONE: &str = "Asia/Shanghai";

/// What the reader may do now.
pub(crate) struct Acts {
    pub confirm_grade: bool,
    pub figures: bool,
    pub call_out: bool,
    pub order: bool,
    pub decide: bool,
    pub hold: bool,
    pub evidence: bool,
    pub repair: bool,
    pub watch: bool,
    pub advance: bool,
    pub handled: bool,
    pub close: bool,
    pub open_rows: u64,
    pub grades: Vec<(u8, String, bool)>,
    pub levels: Vec<(u8, String)>,
    pub metrics: Vec<Metric>,
    pub qualitative: Vec<(String, String, bool)>,
    pub triggers: Vec<(&'static str, Option<bool>)>,
    pub occurred: String,
    pub money: Vec<Metric>,
    pub next_step: String,
}

/// One figure in a form: its name and the values that stand.
pub(crate) struct Metric {
    pub name: String,
    pub label: String,
    pub low: String,
    pub high: String,
}

impl Acts {
    pub fn of(v: &View<'_>, i: &Incident) -> Self {
        let may = |act| !i.closed() && v.may(act);
        let plan = &v.visit.plan;
        let grades = Grade::ALL
            .iter()
            .map(|g| (g.number(), v.grade(g), *g == i.grade()))
            .collect();
        Self {
            confirm_grade: may(Act::ConfirmGrade),
            figures: may(Act::RecordImpact),
            call_out: may(Act::IssueOrder),
            order: may(Act::IssueOrder),
            decide: may(Act::RecordDecision),
            hold: may(Act::ProposeHold) && i.findings.open.total() > 0,
            evidence: may(Act::CollectEvidence),
            repair: may(Act::ProposeRepair),
            watch: may(Act::CompleteTask) && i.watch.started_at.is_none(),
            advance: may(Act::AdvanceStep) && i.step.next().is_some(),
            handled: may(Act::AdvanceStep) && i.anchors.handled.is_none(),
            close: may(Act::Close) && i.step.next().is_none(),
            open_rows: i.findings.open.total(),
            grades,
            levels: plan
                .levels
                .iter()
                .map(|l| (l.level.0, v.pick(&l.title).to_owned()))
                .collect(),
            metrics: metrics(v, i),
            qualitative: qualitative(v, i),
            triggers: triggers(i),
            occurred: i.anchors.occurred.map_or_else(String::new, local),
            money: money(v, i),
            next_step: i
                .step
                .next()
                .and_then(|s| plan.step(s))
                .map_or_else(String::new, |s| {
                    format!("{} {}", s.id.code(), v.pick(&s.title))
                }),
        }
    }
    pub fn any(&self) -> bool {
        self.figures
            || self.order
            || self.decide
            || self.hold
            || self.evidence
            || self.repair
            || self.advance
            || self.confirm_grade
            || self.watch
            || self.handled
            || self.close
    }
}

/// A moment as `<input type=datetime-local>` wants it.
fn local(at: Instant) -> String {
    at.in_zone(ZONE).get(..16).unwrap_or("").replace(' ', "T")
}

fn shown(figure: Figure) -> (String, String) {
    match figure {
        Figure::Known { value } => (value.to_string(), String::new()),
        Figure::Estimated { low, high } => (low.to_string(), high.to_string()),
        Figure::Unknown => (String::new(), String::new()),
    }
}

fn metrics(v: &View<'_>, i: &Incident) -> Vec<Metric> {
    let one = |(metric, name): &(plan::Metric, &str)| {
        let (low, high) = shown(i.figures.number(*metric));
        Metric {
            name: format!("m-{name}"),
            label: v.tt("metric", name).into_owned(),
            low,
            high,
        }
    };
    METRICS.iter().map(one).collect()
}

fn qualitative(v: &View<'_>, i: &Incident) -> Vec<(String, String, bool)> {
    let rules = v.visit.plan.schemes.first().map_or(&[][..], |s| &s.grades);
    rules
        .iter()
        .flat_map(|rule| rule.qualitative.iter().map(move |q| (rule.grade, q)))
        .map(|(grade, q)| {
            let ticked = i
                .figures
                .qualitative
                .contains(&(grade.number(), q.id.clone()));
            let label = format!("{} {}", grade.roman(), v.pick(&q.title));
            (format!("{}:{}", grade.number(), q.id), label, ticked)
        })
        .collect()
}

fn triggers(i: &Incident) -> Vec<(&'static str, Option<bool>)> {
    let facts = &i.trigger_facts;
    vec![
        ("personal_information", facts.personal_information),
        ("suspected_crime", facts.suspected_crime),
        ("interested_parties", facts.interested_parties),
        ("unauthorised_payment", facts.unauthorised_payment),
        ("cii", facts.cii),
    ]
}

fn money(v: &View<'_>, i: &Incident) -> Vec<Metric> {
    let none = incident::grading::MoneyImpact::default();
    let cny = i.impact.money.get("CNY").unwrap_or(&none);
    let yuan = |figure: Figure| match figure {
        Figure::Known { value } => (fen(value), String::new()),
        Figure::Estimated { low, high } => (fen(low), fen(high)),
        Figure::Unknown => (String::new(), String::new()),
    };
    let plain = [("orders", i.impact.orders), ("persons", i.impact.persons)];
    let sums = [
        ("out", cny.out_minor),
        ("held", cny.held_minor),
        ("recovered", cny.recovered_minor),
    ];
    let plain = plain
        .into_iter()
        .map(|(name, figure)| (name, shown(figure)));
    let sums = sums.into_iter().map(|(name, figure)| (name, yuan(figure)));
    plain
        .chain(sums)
        .map(|(name, (low, high))| Metric {
            name: name.to_owned(),
            label: v.tt("impact", name).into_owned(),
            low,
            high,
        })
        .collect()
}

fn fen(value: i64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}
