//! Forms about what is known: figures, times, grade, impact, decisions, lessons, the steps.

use super::{
    Commands, bad, figure, named_rows, one, parse_fen, parse_whole, split, text, time, whole,
};
use crate::visit::Visit;
use incident::grading::{Impact, MoneyImpact};
use incident::learning::{Measure, Topic};
use incident::refusal::BadValue;
use incident::{Command, Incident, Refusal};
use model::{Figure, Grade, Level, PositionId};
use plan::Metric;
use plan::grading::Figures;
use std::collections::BTreeMap;

/// The metrics of the forms, with the name that their fields carry.
pub(crate) const METRICS: [(Metric, &str); 10] = [
    (Metric::AffectedPersons, "affected-persons"),
    (Metric::SensitivePersons, "sensitive-persons"),
    (Metric::DirectLossCny, "direct-loss-cny"),
    (Metric::CiiTotalOutageMin, "cii-total-outage-min"),
    (
        Metric::CiiMainFunctionOutageMin,
        "cii-main-function-outage-min",
    ),
    (Metric::DailyLifePersons, "daily-life-persons"),
    (Metric::RowsTampered, "rows-tampered"),
    (Metric::OrdersAffected, "orders-affected"),
    (Metric::MoneyAtRiskCny, "money-at-risk-cny"),
    (Metric::UsersAffected, "users-affected"),
];

pub(crate) fn set_figures(visit: &Visit, _: &Incident) -> Commands {
    let mut figures = Figures::default();
    for (metric, name) in METRICS {
        let value = figure(visit, &format!("m-{name}"), parse_whole)?;
        if value != Figure::Unknown {
            figures.numbers.insert(metric, value);
        }
    }
    for criterion in visit.form.all("q") {
        let parsed = criterion
            .split_once(':')
            .and_then(|(g, id)| Some((g.parse().ok()?, id.to_owned())));
        match parsed {
            Some(pair) => figures.qualitative.push(pair),
            None => return bad("qualitative", BadValue::NotInPlan),
        }
    }
    one(Command::SetFigures { figures })
}

pub(crate) fn set_anchors(visit: &Visit, _: &Incident) -> Commands {
    one(Command::SetAnchors {
        occurred: time(visit, "occurred")?,
        discovered: time(visit, "discovered")?,
    })
}

pub(crate) fn set_trigger_facts(visit: &Visit, _: &Incident) -> Commands {
    let fact = |name: &str| match visit.form.get(name) {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    one(Command::SetTriggerFacts {
        cii: fact("cii"),
        personal_information: fact("personal_information"),
        suspected_crime: fact("suspected_crime"),
        interested_parties: fact("interested_parties"),
        unauthorised_payment: fact("unauthorised_payment"),
    })
}

pub(crate) fn confirm_grade(visit: &Visit, _: &Incident) -> Commands {
    let grade = visit
        .form
        .get("grade")
        .parse()
        .ok()
        .and_then(Grade::from_number);
    let Some(grade) = grade else {
        return bad("grade", BadValue::Empty);
    };
    let level = match visit.form.given("level") {
        None => None,
        Some(text) => match text.parse() {
            Ok(n @ 1..=4) => Some(Level(n)),
            _ => return bad("level", BadValue::NotInPlan),
        },
    };
    one(Command::ConfirmGrade { grade, level })
}

pub(crate) fn record_impact(visit: &Visit, incident: &Incident) -> Commands {
    let money = MoneyImpact {
        out_minor: figure(visit, "out", parse_fen)?,
        held_minor: figure(visit, "held", parse_fen)?,
        recovered_minor: figure(visit, "recovered", parse_fen)?,
    };
    // Other currencies than the form's stay as they are.
    let mut by_currency: BTreeMap<String, MoneyImpact> = incident.impact.money.clone();
    by_currency.insert("CNY".to_owned(), money);
    let impact = Impact {
        orders: figure(visit, "orders", parse_whole)?,
        persons: figure(visit, "persons", parse_whole)?,
        money: by_currency,
        figures_at: Some(visit.desk().now()),
        note: text(visit, "note"),
    };
    one(Command::RecordImpact { impact })
}

pub(crate) fn record_decision(visit: &Visit, incident: &Incident) -> Commands {
    let text = text(visit, "text");
    let one_topic = |topic| {
        one(Command::RecordDecision {
            topic,
            text: text.clone(),
        })
    };
    match visit.form.get("topic") {
        "no-hold" => one_topic(Topic::NoHold),
        "no-notice" => one_topic(Topic::NoNotice),
        "accept-open-rows" => one_topic(Topic::AcceptOpenRows),
        "accept-rows" => Ok(split(named_rows(visit, incident)?)
            .into_iter()
            .map(|rows| Command::RecordDecision {
                topic: Topic::AcceptRows { rows },
                text: text.clone(),
            })
            .collect()),
        _ => one_topic(Topic::General),
    }
}

pub(crate) fn record_lesson(visit: &Visit, _: &Incident) -> Commands {
    one(Command::RecordLesson {
        text: text(visit, "text"),
        measures: measures(visit)?,
    })
}

fn measures(visit: &Visit) -> Result<Vec<Measure>, Refusal> {
    let text = text(visit, "measure");
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let days = whole(visit, "measure_days")?;
    if !(1..=730).contains(&days) {
        return bad("due_at", BadValue::Time);
    }
    Ok(vec![Measure {
        text,
        owner: PositionId::new(visit.form.get("owner")),
        due_at: visit.desk().now().plus_s(days * 86_400),
    }])
}

pub(crate) fn start_watch(_: &Visit, _: &Incident) -> Commands {
    one(Command::StartWatch)
}

pub(crate) fn send_brief(_: &Visit, _: &Incident) -> Commands {
    one(Command::SendBrief)
}

pub(crate) fn advance_step(_: &Visit, _: &Incident) -> Commands {
    one(Command::AdvanceStep)
}

pub(crate) fn handled(_: &Visit, _: &Incident) -> Commands {
    one(Command::Handled)
}

pub(crate) fn close(_: &Visit, _: &Incident) -> Commands {
    one(Command::Close)
}
