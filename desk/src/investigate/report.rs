//! What an investigation is asked and what it tells. Plain data: pages, the command line and the
//! exported file all read the same.

use model::{FindingId, Instant, LoggedWriter, SourceName, Standing, Verdict};
use serde::{Deserialize, Serialize};

/// What is asked. Without a source the only one is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Question {
    Finding {
        id: FindingId,
    },
    /// A row, its key as people read it.
    Row {
        source: Option<SourceName>,
        table: String,
        key: String,
    },
    /// The person whom this row names: the row's data subject.
    Person {
        source: Option<SourceName>,
        /// A guarded table, a table that subjects are rows of, or the column that names them.
        table: String,
        key: String,
    },
    /// Everything seen between two times, both ends included.
    Window {
        source: Option<SourceName>,
        from: Instant,
        until: Instant,
    },
}

impl Question {
    pub(super) fn source(&self) -> Option<&SourceName> {
        match self {
            Self::Finding { .. } => None,
            Self::Row { source, .. }
            | Self::Person { source, .. }
            | Self::Window { source, .. } => source.as_ref(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Investigation {
    pub question: Question,
    pub source: SourceName,
    /// The log that all entries named here stand in.
    pub log: String,
    pub made_at: Instant,
    /// Durable entries of the log when it was read.
    pub ledger_size: u64,
    /// Some personal values are masked.
    pub masked: bool,
    /// Entries that say how the rows' bytes are read.
    pub schemas: Vec<u64>,
    pub scope: Scope,
    /// Those with unlawful steps first.
    pub rows: Vec<RowLife>,
    /// When the guard was not looking.
    pub blind: Vec<BlindTime>,
    /// What a bound left out.
    pub cuts: Vec<Cut>,
}

impl Investigation {
    /// Whether anything in it is not lawful.
    pub fn found_something(&self) -> bool {
        self.scope.unlawful + self.scope.unwitnessed > 0
    }

    /// Every ledger entry that the report rests on, in order, each once.
    pub fn cited(&self) -> Vec<u64> {
        let steps = self.rows.iter().flat_map(|row| &row.steps);
        let companies = steps.clone().filter_map(|s| s.company.as_ref()?.entry);
        let mut out: Vec<u64> = self.schemas.clone();
        out.extend(steps.clone().map(|s| s.entry));
        out.extend(companies);
        let others = steps.clone().filter_map(|s| s.company.as_ref());
        out.extend(others.flat_map(|c| c.rows.iter().map(|r| r.entry)));
        out.extend(self.blind.iter().map(|b| b.entry));
        out.sort_unstable();
        out.dedup();
        out
    }
}

/// How far it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    pub rows: u64,
    /// Rows with an unlawful step.
    pub unlawful: u64,
    /// Rows without one, but with a step that nobody saw.
    pub unwitnessed: u64,
    pub tables: Vec<TableScope>,
    /// Distinct data subjects of the rows.
    pub persons: u64,
    /// Distinct data subjects of rows with an unlawful step.
    pub persons_unlawful: u64,
    /// Over all tables: an order and its payment both count.
    pub amounts: Vec<Amount>,
    pub personal: Vec<PersonalKind>,
    pub first_at: Option<Instant>,
    pub last_at: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableScope {
    pub table: String,
    pub rows: u64,
    pub unlawful: u64,
    pub unwitnessed: u64,
    /// Of this table alone.
    pub amounts: Vec<Amount>,
}

/// Money of one currency, by the policy's money columns; minor units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    pub currency: String,
    /// Sum of the rows' last amounts.
    pub minor: i64,
    /// The same of rows with an unlawful step.
    pub unlawful_minor: i64,
    /// By how much unlawful changes moved amounts, added up without sign.
    pub moved_minor: i64,
}

/// A kind of personal data and the columns (`table.column`) that hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonalKind {
    pub kind: String,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowLife {
    pub table: String,
    pub key: String,
    /// How it stands after the last step.
    pub standing: Standing,
    pub unlawful: bool,
    /// Opaque id of its data subject.
    pub subject: Option<String>,
    /// Oldest first.
    pub steps: Vec<Step>,
    /// Findings about it that belong to no step shown.
    pub findings: Vec<FindingId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// As first seen.
    Baseline,
    Change,
    /// What an approved repair was about to write.
    Expected,
    /// A change that an approved repair made.
    Repair,
    /// A person let it stand.
    Accepted,
}

impl StepKind {
    /// The catalogue's name for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Change => "change",
            Self::Expected => "expected",
            Self::Repair => "repair",
            Self::Accepted => "accepted",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    Insert,
    Update,
    Delete,
    /// Nothing changed.
    Same,
}

impl Write {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Same => "same",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Index of its entry in the log.
    pub entry: u64,
    pub kind: StepKind,
    pub write: Write,
    /// When the guard saw it.
    pub at: Instant,
    /// False: it happened while the guard was not looking.
    pub witnessed: bool,
    /// Several steps may have been seen as this one.
    pub coalesced: bool,
    pub verdict: Verdict,
    pub rules: Vec<RuleLine>,
    pub standing: Standing,
    /// Columns that changed; all of them where the row came or went.
    pub changes: Vec<StepColumn>,
    /// The whole row after the step; empty when it is gone.
    pub image: Vec<Cell>,
    pub company: Option<Company>,
    pub findings: Vec<FindingId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleLine {
    pub rule: String,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepColumn {
    pub name: String,
    /// `None`: there was no such row.
    pub old: Option<String>,
    /// `None`: there is no such row any more.
    pub new: Option<String>,
    pub personal: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    pub name: String,
    pub value: String,
    pub personal: bool,
}

/// The source transaction of a step, or, where the source tells none, the look in which it was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Company {
    /// Where the source says it was, in its own count.
    pub position: u64,
    /// Entry that tells the transaction; `None`: the source tells states and no transactions.
    pub entry: Option<u64>,
    /// The source's own name for the transaction.
    pub id: Option<String>,
    pub committed_at: Option<Instant>,
    /// Who wrote it, where the source says so.
    pub by: Option<String>,
    /// Who wrote it according to the server's log: not proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<LoggedWriter>,
    /// Rows that it wrote beside this one.
    pub others: u64,
    /// `others` is a lower bound: the walk was cut off.
    pub at_least: bool,
    /// The first of them.
    pub rows: Vec<CompanyRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompanyRow {
    pub entry: u64,
    pub table: String,
    pub key: String,
    pub write: Write,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlindTime {
    /// `None`: unknown; the feed found at `until` that it had lost its place.
    pub from: Option<Instant>,
    pub until: Instant,
    pub reason: String,
    /// The entry that says so.
    pub entry: u64,
}

/// Something that a bound left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cut", rename_all = "snake_case")]
pub enum Cut {
    /// More rows are concerned than are told.
    Rows { shown: u64, all: u64 },
    /// More rows are concerned than are counted.
    Counted { counted: u64 },
    /// Earlier steps of a row are not told.
    Steps {
        table: String,
        key: String,
        shown: u64,
    },
    /// Only these entries of the log were looked through.
    Swept { from: u64, until: u64, of: u64 },
    /// The guard does not run: rows are found by the entries looked through alone.
    NoIndex,
}
