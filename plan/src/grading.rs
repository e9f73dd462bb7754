//! Statutory grading (定级) from figures: which criterion matched, which are open, what would change it.

use crate::{OwnCriterion, Plan, Words};
use model::{Figure, Grade, Level};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is measured. Numbers are whole: persons, yuan (CNY, whole), minutes, rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Distinct citizens whose personal information leaked.
    AffectedPersons,
    SensitivePersons,
    /// Direct economic loss in whole yuan.
    DirectLossCny,
    CiiTotalOutageMin,
    CiiMainFunctionOutageMin,
    /// Persons whose daily life (shopping included) is affected.
    DailyLifePersons,
    /// Own criteria: rows of orders, payments, refunds tampered with or forged.
    RowsTampered,
    /// Own criteria: orders affected.
    OrdersAffected,
    /// Own criteria: money at risk, whole yuan.
    MoneyAtRiskCny,
    /// Own criteria: users whose transactions are affected.
    UsersAffected,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// `cn_cac_2025`
    pub id: String,
    pub title: Words,
    pub effective_from: String,
    pub grades: Vec<GradeRule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeRule {
    pub grade: Grade,
    pub numeric: Vec<Criterion>,
    /// A person judges these.
    pub qualitative: Vec<Qualitative>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    pub id: String,
    pub metric: Metric,
    /// At least this much (以上 includes the number). `None`: the number could not be read
    /// in the official text; it needs legal confirmation and is never guessed.
    #[serde(default)]
    pub at_least: Option<i64>,
    pub confidence: String,
    pub title: Words,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qualitative {
    pub id: String,
    pub title: Words,
    pub confidence: String,
}

/// The figures of an incident and the qualitative criteria that a person holds to be met.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    #[serde(default)]
    pub numbers: BTreeMap<Metric, Figure>,
    /// `(grade number, criterion id)`, judged by a person.
    #[serde(default)]
    pub qualitative: Vec<(u8, String)>,
}

/// What the tables say about the figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    pub scheme: String,
    /// The statutory grade by what is certain.
    pub grade: Grade,
    /// Criteria that matched, `(grade, criterion id)`; empty for 一般, which is the rest.
    pub matched: Vec<(Grade, String)>,
    /// Criteria that could match within the estimates, or whose figure is unknown, or whose number needs legal confirmation.
    pub open: Vec<OpenCriterion>,
    /// The internal level: the graver of the statutory grade's and that of the own criteria.
    pub level: Level,
    /// Own criteria that raised it.
    pub raised_by: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCriterion {
    pub grade: Grade,
    pub criterion: String,
    pub why: OpenReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenReason {
    /// Nobody knows the figure yet.
    Unknown,
    /// The upper bound of the estimate would reach it.
    WithinEstimate,
    /// The law's number needs legal confirmation.
    NumberUnconfirmed,
}

/// Grades an incident by its figures: the first scheme gives the statutory grade by what is
/// certain, the own criteria may raise the level and never lower it.
///
/// A criterion is met from its number on (以上 includes the number). Among `open` stand only
/// criteria that would make the grade graver. A metric that nobody named is unknown.
pub fn assess(plan: &Plan, figures: &Figures) -> Assessment {
    let Some(scheme) = plan.schemes.first() else {
        return with_own_criteria(plan, figures, String::new(), Grade::General, vec![], vec![]);
    };
    let mut rules: Vec<&GradeRule> = scheme.grades.iter().collect();
    rules.sort_by_key(|rule| rule.grade.number());
    let mut matched: Vec<(Grade, String)> = Vec::new();
    let mut open = Vec::new();
    let mut met_by_graver: Vec<Metric> = Vec::new();
    for rule in rules {
        for criterion in &rule.numeric {
            let figure = figures.number(criterion.metric);
            match reaches(figure, criterion.at_least) {
                Reach::Met if met_by_graver.contains(&criterion.metric) => {}
                Reach::Met => {
                    met_by_graver.push(criterion.metric);
                    matched.push((rule.grade, criterion.id.clone()));
                }
                Reach::Open(why) => open.push(OpenCriterion {
                    grade: rule.grade,
                    criterion: criterion.id.clone(),
                    why,
                }),
                Reach::Missed => {}
            }
        }
        for criterion in &rule.qualitative {
            let judged = (rule.grade.number(), criterion.id.clone());
            if figures.qualitative.contains(&judged) {
                matched.push((rule.grade, criterion.id.clone()));
            }
        }
    }
    let grade = matched
        .iter()
        .map(|(grade, _)| *grade)
        .max()
        .unwrap_or(Grade::General);
    open.retain(|criterion| criterion.grade > grade);
    with_own_criteria(plan, figures, scheme.id.clone(), grade, matched, open)
}

impl Figures {
    /// The figure of a metric; unknown when nobody gave one.
    pub fn number(&self, metric: Metric) -> Figure {
        self.numbers.get(&metric).copied().unwrap_or_default()
    }
}

enum Reach {
    Met,
    Missed,
    Open(OpenReason),
}

fn reaches(figure: Figure, at_least: Option<i64>) -> Reach {
    let Some(threshold) = at_least else {
        // Whatever the law's number is, nobody affected does not reach it.
        return match figure.at_most() {
            Some(most) if most <= 0 => Reach::Missed,
            _ => Reach::Open(OpenReason::NumberUnconfirmed),
        };
    };
    match (figure.at_least(), figure.at_most()) {
        (Some(least), _) if least >= threshold => Reach::Met,
        (_, Some(most)) if most >= threshold => Reach::Open(OpenReason::WithinEstimate),
        (_, Some(_)) => Reach::Missed,
        (_, None) => Reach::Open(OpenReason::Unknown),
    }
}

fn with_own_criteria(
    plan: &Plan,
    figures: &Figures,
    scheme: String,
    grade: Grade,
    matched: Vec<(Grade, String)>,
    open: Vec<OpenCriterion>,
) -> Assessment {
    let statutory = Level::of_grade(grade);
    let met = |own: &&OwnCriterion| {
        let least = figures.number(own.metric).at_least();
        least.is_some_and(|least| least >= own.at_least)
    };
    let level = plan
        .own_criteria
        .iter()
        .filter(met)
        .fold(statutory, |level, own| level.graver(own.level));
    // Only those that gave the level are its reason.
    let raised_by = plan
        .own_criteria
        .iter()
        .filter(met)
        .filter(|own| level != statutory && own.level == level)
        .map(|own| own.id.clone())
        .collect();
    Assessment {
        scheme,
        grade,
        matched,
        open,
        level,
        raised_by,
    }
}
