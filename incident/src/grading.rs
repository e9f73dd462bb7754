//! Confirmed grades with their history, and the impact as people know it.
//!
//! Deliberately not here: the tables and their evaluation (`plan::grading`).

use model::{Actor, ClockId, Figure, Grade, Instant, Level};
use plan::grading::Figures;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A grade that a person confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedGrade {
    /// The statutory grade.
    pub grade: Grade,
    /// The internal level; never below the grade's.
    pub level: Level,
    pub by: Actor,
    pub at: Instant,
    pub reason: String,
    /// Who asked for it, where a second person confirmed a milder grade.
    #[serde(default)]
    pub asked_by: Option<Actor>,
    /// The facts at that moment.
    #[serde(default)]
    pub figures: Figures,
    /// Criteria that the tables matched at that moment.
    pub matched: Vec<(Grade, String)>,
    /// What was proposed at that moment.
    pub proposed_grade: Grade,
    pub proposed_level: Level,
    /// Clocks whose state this grade changed.
    pub clock_changes: Vec<ClockChange>,
}

/// A statutory clock before and after a change of grade, by the state's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockChange {
    pub clock: ClockId,
    pub before: String,
    pub after: String,
}

/// What the incident cost so far.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    #[serde(default)]
    pub orders: Figure,
    #[serde(default)]
    pub persons: Figure,
    /// By ISO 4217 currency, in minor units.
    #[serde(default)]
    pub money: BTreeMap<String, MoneyImpact>,
    /// The time that the figures speak of.
    #[serde(default)]
    pub figures_at: Option<Instant>,
    #[serde(default)]
    pub note: String,
}

/// Money in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct MoneyImpact {
    pub out_minor: Figure,
    pub held_minor: Figure,
    pub recovered_minor: Figure,
}
