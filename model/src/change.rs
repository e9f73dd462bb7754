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
    /// Columns that the source left out because they did not change (a value that PostgreSQL keeps
    /// out of line, for one); `row` has NULL in their place until intake fills them in.
    pub unsent: Vec<u16>,
    /// Position of the source transaction in its batch; 0 where the source does not tell.
    pub transaction: u32,
    /// Several steps of the row are seen as one.
    pub coalesced: bool,
}

impl Observed {
    /// A row as it stands, seen as a state: nothing is known of its transaction.
    pub fn state(table: u16, key: Key, row: Option<Row>) -> Self {
        Self {
            table,
            key,
            row,
            unsent: Vec::new(),
            transaction: 0,
            coalesced: true,
        }
    }
}

/// One transaction of the source, as its feed tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTransaction {
    /// Where it was committed, in the source's own count; grows with every commit.
    pub position: u64,
    /// The source's name for it: PostgreSQL's transaction id, a GTID.
    pub id: String,
    pub committed_at: Instant,
    /// What the shop stamped it with, verbatim; verified by `detect::stamp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stamps: Vec<Vec<u8>>,
    /// The database account or program that wrote it, where the stream says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who wrote it according to the server's own log, where that had told it by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<LoggedWriter>,
}

/// Who was at work in a transaction, as the server's own log says it. It proves nothing: whoever
/// owns the server can change its log, and a program may call itself anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedWriter {
    /// The database account that had logged in.
    pub role: String,
    /// What the program called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// Where it came from, with its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The server's name for the session.
    pub session: String,
    /// The time that stands in the log, as it stands there.
    pub logged_at: String,
}

/// Whether a transaction carried the shop's stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    /// The policy asks for none, or the source cannot carry one.
    #[default]
    NotAsked,
    Valid,
    Missing,
    /// There is one, but it is not the shop's, or not for this transaction.
    Wrong,
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
    /// Changes of one batch with the same number belong to one source transaction.
    pub transaction: u32,
    pub stamp: Stamp,
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
    /// `frozen`, `initial`, `transition`, `requires`, `parent`, `no_delete`, `append_only`, `together`, `company`,
    /// `only_rise`, `only_fall`, `set_once`, `values`, `equal`, `sum`, `round_the_log`, `unstamped`, `tainted_input`,
    /// `unexpected_repair`.
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
