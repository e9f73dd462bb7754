//! Overview, grade with its reason, impact.

use super::phrase::duration;
use super::{Block, Section, Subject};
use incident::Status;
use incident::brief::{affected_orders, persons};
use incident::grading::{ClockChange, ConfirmedGrade};
use incident::rows::Damage;
use model::{Grade, Level};
use plan::grading::OpenReason;

pub(super) fn overview(on: &Subject<'_>) -> Section {
    let (i, say) = (on.incident, &on.say);
    let status = match &i.status {
        Status::Open => say.text("summary-status-open"),
        Status::Closed { at, by } => {
            let values = [("at", say.time(*at).into()), ("by", say.actor(by).into())];
            say.words().with("summary-status-closed", &values)
        }
    };
    let risk = format!(
        "{} {}",
        i.risk.code(),
        say.code(&format!("risk-{}", i.risk.code().to_lowercase()))
    );
    let handled = match i.anchors.handled {
        Some(at) => say.time(at),
        None => say.text("summary-not-yet"),
    };
    let facts = vec![
        ("summary-incident", i.id.to_string()),
        ("summary-code-name", i.code_name.clone()),
        (
            "summary-category",
            say.code(&format!("category-{}", i.category.code())),
        ),
        ("summary-risk", risk),
        ("summary-status", status),
        ("summary-occurred", say.maybe_time(i.anchors.occurred)),
        ("summary-discovered", say.maybe_time(i.anchors.discovered)),
        ("summary-opened", say.time(i.opened_at)),
        ("summary-handled", handled),
        (
            "summary-duration",
            duration(i.elapsed_s(on.extras.generated_at)),
        ),
        ("summary-plan-version", i.plan_version.clone()),
        ("summary-plan-digest", i.plan_digest.to_string()),
        ("summary-generated", say.time(on.extras.generated_at)),
    ];
    on.section("summary-overview", vec![on.facts(facts)])
}

pub(super) fn grade(on: &Subject<'_>) -> Section {
    let (i, say) = (on.incident, &on.say);
    let side_by_side = vec![
        vec![
            say.text("summary-statutory"),
            say.grade(i.assessment.grade),
            say.grade(i.grade()),
        ],
        vec![
            say.text("summary-internal"),
            say.level(i.assessment.level),
            say.level(i.level),
        ],
    ];
    let head = ["summary-figure", "summary-proposed", "summary-in-force"];
    let history = i.grades.iter().map(|c| confirmed_row(on, c)).collect();
    let head_of_history = [
        "summary-time",
        "summary-statutory",
        "summary-internal",
        "summary-by",
        "summary-criteria",
        "summary-reason",
        "summary-clock-changes",
    ];
    let blocks = vec![
        on.table(&head, side_by_side),
        on.facts(why(on)),
        on.heading("summary-history"),
        on.table(&head_of_history, history),
    ];
    on.section("summary-grade", blocks)
}

/// Who confirmed the grade, and what the tables say for it and against it.
fn why(on: &Subject<'_>) -> Vec<(&'static str, String)> {
    let (i, say) = (on.incident, &on.say);
    let confirmed = match i.confirmed() {
        Some(c) => format!("{} · {}", say.actor(&c.by), say.time(c.at)),
        None => say.text("summary-not-confirmed"),
    };
    let scheme = on.plan.schemes.iter().find(|s| s.id == i.assessment.scheme);
    let scheme = scheme.map_or_else(|| i.assessment.scheme.clone(), |s| say.own(&s.title));
    let none = || say.text("summary-none");
    let open: Vec<String> = i
        .assessment
        .open
        .iter()
        .map(|o| {
            format!(
                "{} ({})",
                criterion(on, o.grade, &o.criterion),
                open_reason(on, o.why)
            )
        })
        .collect();
    let raised: Vec<String> = i
        .assessment
        .raised_by
        .iter()
        .map(|id| own(on, id))
        .collect();
    vec![
        ("summary-confirmed-by", confirmed),
        ("summary-scheme", scheme),
        ("summary-matched", matched(on, &i.assessment.matched)),
        (
            "summary-raised-by",
            if raised.is_empty() {
                none()
            } else {
                raised.join("; ")
            },
        ),
        (
            "summary-open-criteria",
            if open.is_empty() {
                none()
            } else {
                open.join("; ")
            },
        ),
    ]
}

fn confirmed_row(on: &Subject<'_>, c: &ConfirmedGrade) -> Vec<String> {
    let say = &on.say;
    let proposed = |shown: String, proposed: String| match shown == proposed {
        true => shown,
        false => format!("{shown} ({}: {proposed})", say.text("summary-proposed")),
    };
    let grade = |g: Grade| say.grade(g);
    let level = |l: Level| say.level(l);
    let change = |c: &ClockChange| {
        let (before, after) = (clock_state(on, &c.before), clock_state(on, &c.after));
        format!("{}: {before} → {after}", say.clock(&c.clock))
    };
    let changes: Vec<String> = c.clock_changes.iter().map(change).collect();
    vec![
        say.time(c.at),
        proposed(grade(c.grade), grade(c.proposed_grade)),
        proposed(level(c.level), level(c.proposed_level)),
        match &c.asked_by {
            None => say.actor(&c.by),
            Some(asked) => format!(
                "{} ({}: {})",
                say.actor(&c.by),
                say.text("summary-asked-by"),
                say.actor(asked)
            ),
        },
        matched(on, &c.matched),
        c.reason.clone(),
        changes.join("; "),
    ]
}

pub(super) fn clock_state(on: &Subject<'_>, code: &str) -> String {
    on.say.code(&format!("clock-{code}"))
}

fn matched(on: &Subject<'_>, matched: &[(Grade, String)]) -> String {
    if matched.is_empty() {
        return on.say.text("summary-matched-none");
    }
    let criteria: Vec<String> = matched
        .iter()
        .map(|(grade, id)| format!("{}: {}", on.say.grade(*grade), criterion(on, *grade, id)))
        .collect();
    criteria.join("; ")
}

fn criterion(on: &Subject<'_>, grade: Grade, id: &str) -> String {
    let rules = on.plan.schemes.first().map_or(&[][..], |s| &s.grades);
    let rule = rules.iter().find(|r| r.grade == grade);
    let title = rule.and_then(|r| {
        let numeric = r.numeric.iter().find(|c| c.id == id).map(|c| &c.title);
        numeric.or_else(|| r.qualitative.iter().find(|c| c.id == id).map(|c| &c.title))
    });
    title.map_or_else(|| id.to_owned(), |words| on.say.own(words))
}

fn own(on: &Subject<'_>, id: &str) -> String {
    let criterion = on.plan.own_criteria.iter().find(|c| c.id == id);
    criterion.map_or_else(|| id.to_owned(), |c| on.say.own(&c.title))
}

fn open_reason(on: &Subject<'_>, why: OpenReason) -> String {
    on.say.text(match why {
        OpenReason::Unknown => "summary-open-unknown",
        OpenReason::WithinEstimate => "summary-open-within-estimate",
        OpenReason::NumberUnconfirmed => "summary-open-number-unconfirmed",
    })
}

pub(super) fn impact(on: &Subject<'_>) -> Section {
    let (i, say) = (on.incident, &on.say);
    let mut rows: Vec<Vec<String>> = Damage::ALL
        .into_iter()
        .map(|damage| {
            let what = say.code(&format!("damage-{}", damage.code()));
            let name = format!("{}: {what}", say.text("summary-rows"));
            let (all, open) = (i.findings.counts.of(damage), i.findings.open.of(damage));
            vec![
                name,
                format!("{all}; {} {open}", say.text("summary-rows-open")),
            ]
        })
        .collect();
    let mut line = |name: String, value: String| rows.push(vec![name, value]);
    line(
        say.text("summary-orders-affected"),
        say.figure(affected_orders(i)),
    );
    line(say.text("summary-persons-affected"), say.figure(persons(i)));
    let at_risk: Vec<String> = i.findings.at_risk.iter().map(ToString::to_string).collect();
    let at_risk = if at_risk.is_empty() {
        say.text("summary-unknown")
    } else {
        at_risk.join("; ")
    };
    line(say.text("summary-money-at-risk"), at_risk);
    for (currency, money) in &i.impact.money {
        for (key, figure) in [
            ("summary-money-out", money.out_minor),
            ("summary-money-held", money.held_minor),
            ("summary-money-recovered", money.recovered_minor),
        ] {
            let name = say
                .words()
                .with(key, &[("currency", currency.as_str().into())]);
            line(name, say.money_figure(figure, currency));
        }
    }
    line(
        say.text("summary-figures-at"),
        say.maybe_time(i.impact.figures_at),
    );
    let mut blocks = vec![on.table(&["summary-figure", "summary-value"], rows)];
    if !i.impact.note.is_empty() {
        blocks.push(Block::Paragraph(i.impact.note.clone()));
    }
    on.section("summary-impact", blocks)
}
