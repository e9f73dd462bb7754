//! From what a source saw to what the guard judged of it.

use crate::{Instant, Key, Row};
use serde::{Deserialize, Serialize};

/// One row as a source saw it: its present image, or that it is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Position of the table in its `SourcePolicy`.
    pub table: u16,
    pub key: Key,
    /// `None`: the row is no longer there.
    pub row: Option<Row>,
}

/// A row change to be judged: what was seen last, what is lawful, what is there now.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub table: u16,
    pub key: Key,
    /// The image seen last; `None` when the row was not there.
    pub old: Option<Row>,
    pub new: Option<Row>,
    /// The lawful image before this change, where it differs from `old` (tainted, forged or deleted rows).
    /// `Some(None)`: lawfully there is no such row.
    pub lawful: Option<Option<Row>>,
    pub standing: Standing,
    /// False when the guard was not looking while it happened.
    pub witnessed: bool,
    /// True when several steps may have been seen as one (SQLite files).
    pub coalesced: bool,
    pub seen_at: Instant,
}

/// How a row stands against its lawful image.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// As it lawfully is.
    #[default]
    Clean,
    /// Some columns hold unlawful values.
    Altered { columns: Vec<u16> },
    /// Lawfully it is not there at all.
    Forged,
    /// Lawfully it is there, but it was deleted.
    Deleted,
    /// Lawfully gone.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Lawful,
    Unlawful,
    /// Keeps to the policy, but happened while the guard was not looking.
    Unwitnessed,
}

/// A rule that a change broke, and the columns concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHit {
    /// `frozen`, `initial`, `transition`, `requires`, `parent`, `no_delete`, `append_only`, `tainted_input`, `unexpected_repair`.
    pub rule: String,
    pub columns: Vec<u16>,
}

/// The judge's answer for one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    pub verdict: Verdict,
    pub hits: Vec<RuleHit>,
    /// How the row stands after the change.
    pub standing: Standing,
}

impl Judgement {
    pub fn lawful(standing: Standing) -> Self {
        Self {
            verdict: Verdict::Lawful,
            hits: Vec::new(),
            standing,
        }
    }
}
