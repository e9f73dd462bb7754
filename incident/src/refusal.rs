//! Why a command was not done: values for the caller, with a stable code and parameters.
//!
//! Deliberately not here: words for people, which stand in the catalogue under
//! `incident-refusal-CODE` and `incident-missing-CODE`.

use crate::timeline::{Param, Params};
use plan::Act;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// The plan gives the act to other positions; the positions held are not among them.
    #[error("the plan does not give `{}` to the positions held", act.code())]
    NotAllowed { act: Act },
    /// Only the program itself does this.
    #[error("only the program itself does this")]
    SystemOnly,
    /// Only the persons addressed may answer.
    #[error("this {what} is addressed to somebody else")]
    NotAddressed { what: String },
    /// Two persons are needed, and it is the same one.
    #[error("the person who did the first half must not do the second")]
    SamePerson,
    /// It has changed since it was looked at, or is taken.
    #[error("{what} conflicts with what stands: {why}")]
    Conflict { what: String, why: String },
    /// Everything that is missing.
    #[error("{} conditions are not met", missing.len())]
    Missing { missing: Vec<MissingItem> },
    #[error("{what} is `{state}`, which does not allow this")]
    WrongState { what: String, state: String },
    #[error("a reason is needed")]
    ReasonNeeded,
    #[error("there is no {what} `{id}` in this incident")]
    Unknown { what: String, id: String },
    #[error("`{field}` is not acceptable: {why}")]
    Bad { field: String, why: BadValue },
    /// A named bound is reached.
    #[error("the bound of {bound} ({limit}) is reached")]
    Bound { bound: String, limit: u64 },
    #[error("the incident is closed")]
    Closed,
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadValue {
    Empty,
    TooLong,
    /// Lies in the future, or past where a future time is needed.
    Time,
    /// The lower bound of an estimate lies above the upper one, or a number is negative.
    Number,
    /// Larger than such a number can be.
    TooLarge,
    /// The plan knows no such thing.
    NotInPlan,
    /// The internal level lies below the statutory grade's.
    BelowStatutory,
}

impl BadValue {
    pub const ALL: [Self; 7] = [
        Self::Empty,
        Self::TooLong,
        Self::Time,
        Self::Number,
        Self::TooLarge,
        Self::NotInPlan,
        Self::BelowStatutory,
    ];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too-long",
            Self::Time => "time",
            Self::Number => "number",
            Self::TooLarge => "too-large",
            Self::NotInPlan => "not-in-plan",
            Self::BelowStatutory => "below-statutory",
        }
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Refusal {
    /// Stable code; the catalogue has `incident-refusal-CODE` for each.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "not-allowed",
            Self::SystemOnly => "system-only",
            Self::NotAddressed { .. } => "not-addressed",
            Self::SamePerson => "same-person",
            Self::Conflict { .. } => "conflict",
            Self::Missing { .. } => "missing",
            Self::WrongState { .. } => "wrong-state",
            Self::ReasonNeeded => "reason-needed",
            Self::Unknown { .. } => "unknown",
            Self::Bad { .. } => "bad",
            Self::Bound { .. } => "bound",
            Self::Closed => "closed",
        }
    }
    /// All codes, for the test that holds the catalogue against them.
    pub const CODES: [&'static str; 12] = [
        "not-allowed",
        "system-only",
        "not-addressed",
        "same-person",
        "conflict",
        "missing",
        "wrong-state",
        "reason-needed",
        "unknown",
        "bad",
        "bound",
        "closed",
    ];
    /// Values for the `{ $name }` places of the catalogue's message.
    pub fn params(&self) -> Params {
        match self {
            Self::NotAllowed { act } => vec![(
                "act",
                Param::Code(format!("act-{}", act.code().replace('_', "-"))),
            )],
            Self::NotAddressed { what } => vec![("what", Param::noun(what))],
            Self::Conflict { what, why } => vec![
                ("what", Param::noun(what)),
                ("why", Param::Code(format!("conflict-{why}"))),
            ],
            Self::Missing { missing } => vec![("n", Param::Number(missing.len() as i64))],
            Self::WrongState { what, state } => vec![
                ("what", Param::noun(what)),
                ("state", Param::Code(format!("state-{state}"))),
            ],
            Self::Unknown { what, id } => {
                vec![("what", Param::noun(what)), ("id", Param::Text(id.clone()))]
            }
            Self::Bad { field, why } => vec![
                ("field", Param::Code(format!("field-{field}"))),
                ("why", Param::Code(format!("bad-{}", why.code()))),
            ],
            Self::Bound { bound, limit } => vec![
                ("bound", Param::Code(format!("bound-{bound}"))),
                (
                    "limit",
                    Param::Number(i64::try_from(*limit).unwrap_or(i64::MAX)),
                ),
            ],
            Self::SystemOnly | Self::SamePerson | Self::ReasonNeeded | Self::Closed => Vec::new(),
        }
    }
}

/// One thing that is missing before a step or the incident can be left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingItem {
    /// Stable code; the catalogue has `incident-missing-CODE` for each.
    pub code: String,
    #[serde(default)]
    pub params: Vec<(String, Param)>,
}

impl MissingItem {
    pub fn new(code: &str, params: Params) -> Self {
        Self {
            code: code.to_owned(),
            params: params.into_iter().map(|(n, p)| (n.to_owned(), p)).collect(),
        }
    }
}
