//! Statutory grading (定级) from figures: which criterion matched, which are open, what would change it.

use crate::Words;
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
