//! Decisions on the record, lessons and follow-up measures.

use crate::rows::TableRows;
use model::{Actor, Instant, PositionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Numbered from 1 within the incident.
    pub number: u32,
    pub topic: Topic,
    pub text: String,
    pub by: Actor,
    pub at: Instant,
}

/// What a decision settles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "topic", rename_all = "snake_case")]
pub enum Topic {
    General,
    /// Why affected rows are not held.
    NoHold,
    /// Why users are not told.
    NoNotice,
    /// These rows stay as they are.
    AcceptRows {
        rows: Vec<TableRows>,
    },
    /// What is open now is settled otherwise, rows that are only counted included.
    AcceptOpenRows,
}

impl Topic {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::General => "general",
            Self::NoHold => "no-hold",
            Self::NoNotice => "no-notice",
            Self::AcceptRows { .. } => "accept-rows",
            Self::AcceptOpenRows => "accept-open-rows",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    pub number: u32,
    pub text: String,
    pub measures: Vec<Measure>,
    pub by: Actor,
    pub at: Instant,
}

/// A follow-up measure with its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Measure {
    pub text: String,
    pub owner: PositionId,
    pub due_at: Instant,
}
