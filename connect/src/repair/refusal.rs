//! Why a repair was not done. In every case the shop's database is as it was, but for a commit
//! that was interrupted: then the feed shows which it is.

use crate::ConnectError;
use model::{Dialect, RepairStep};
use std::path::PathBuf;
use thiserror::Error;

/// What a database said, or what became of the connection with it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Error)]
pub enum RepairError {
    #[error("there is no file {}", path.display())]
    Missing { path: PathBuf },
    #[error("the writing account does not reach the shop's database")]
    Connect(#[source] ConnectError),
    #[error("{what} stayed locked by another writer, or took too long, while {doing}")]
    Locked {
        /// The file, or the row.
        what: String,
        doing: String,
        #[source]
        source: Cause,
    },
    #[error("{what} cannot be written")]
    ReadOnly {
        what: String,
        #[source]
        source: Cause,
    },
    #[error("the proposal is written for another kind of database ({written_for:?})")]
    OtherDatabase { written_for: Dialect },
    #[error("the proposal has no steps")]
    Empty,
    #[error("the repair concerns {rows} rows; at most {most} are allowed")]
    TooManyRows { rows: usize, most: usize },
    #[error(
        "the repair moves {amount_minor} minor units of money; at most {most_minor} are allowed"
    )]
    TooMuchMoney { amount_minor: i128, most_minor: i64 },
    #[error("row {key} of {table}: {fault}")]
    Row {
        table: String,
        key: String,
        fault: Box<RowFault>,
    },
    #[error("row {key} of {table}: the database refused the statement")]
    RowSql {
        table: String,
        key: String,
        #[source]
        source: Cause,
    },
    #[error("the writing account sees no table {table}, or another one of this name first")]
    NoTable { table: String },
    #[error("table {table} is kept by {engine}, which cannot roll back")]
    NotTransactional { table: String, engine: String },
    /// Triggers and rules that the repair would set off, as `table.trigger`.
    #[error("the repair would set off {}", triggers.join(", "))]
    Triggers { triggers: Vec<String> },
    #[error("the writing account may not see the triggers of the shop's tables")]
    TriggersHidden,
    #[error("the database does not count changed rows (track_counts is off)")]
    NotCounted,
    #[error("deferred triggers changed {rows} more rows")]
    Afterwards { rows: u64 },
    #[error("the repair would leave row {} of {table} without its parent in {parent}", rowid.map_or("?".to_owned(), |r| r.to_string()))]
    ForeignKey {
        table: String,
        rowid: Option<i64>,
        parent: String,
    },
    #[error("a constraint that is checked at the end does not hold after the repair")]
    Constraint(#[source] Cause),
    #[error(
        "too many foreign keys of this database are broken to tell which the repair would break"
    )]
    TooManyBrokenKeys,
    #[error("the repair was interrupted")]
    Interrupted,
    /// Before the commit was sent: nothing was written.
    #[error("the connection was lost while {doing}")]
    Lost {
        doing: String,
        #[source]
        source: Cause,
    },
    /// The commit was sent, and what became of it was not heard.
    #[error("the connection was lost while the repair was being committed")]
    Unheard(#[source] Cause),
    #[error("the database failed while {doing}")]
    Sql {
        doing: String,
        #[source]
        source: Cause,
    },
}

/// What stands against one row's repair.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RowFault {
    #[error(
        "column {column} holds {} {}, not {}",
        found.as_deref().unwrap_or("another value"),
        if *afterwards { "after the repair" } else { "now" },
        expected.as_deref().unwrap_or("what the proposal expects")
    )]
    Differs {
        column: String,
        /// `None`: not known to be free of personal data. So it is of the value that was found.
        expected: Option<String>,
        found: Option<String>,
        afterwards: bool,
    },
    #[error("there is no column {column}")]
    NoColumn { column: String },
    #[error(
        "column {column} changed too, from {} to {}",
        before.as_deref().unwrap_or("one value"),
        after.as_deref().unwrap_or("another")
    )]
    AlsoChanged {
        column: String,
        before: Option<String>,
        after: Option<String>,
    },
    #[error("it is not there any more")]
    Gone,
    #[error("it is there, although it should have to be put back")]
    Present,
    #[error("it is still there after its deletion")]
    StillThere,
    #[error("it was taken back already by {rows} entries")]
    TakenBack { rows: u64 },
    #[error("the entry that takes it back does not stand there as it was written")]
    NoEntry,
    #[error("its key names {rows} rows")]
    Ambiguous { rows: u64 },
    #[error("the statement changed {rows} rows instead of one")]
    Touched { rows: u64 },
    #[error("triggers or cascades changed {rows} more rows")]
    SideEffects { rows: u64 },
    #[error("{rows} rows of {table} would be changed with it, by their foreign key")]
    Cascades { table: String, rows: u64 },
    #[error("the statement is not one plain INSERT, UPDATE or DELETE as the step says")]
    Statement,
    #[error("the statement writes to another table, {table}")]
    OtherTable { table: String },
    /// Which table is meant would be up to a search path.
    #[error("the statement names its table without the schema")]
    NoSchema,
    #[error("the step does not say its key, or what must stand there afterwards")]
    NothingExpected,
}

impl RepairError {
    pub(super) fn row(step: &RepairStep, fault: RowFault) -> Self {
        Self::Row {
            table: step.table.clone(),
            key: step.key.clone(),
            fault: Box::new(fault),
        }
    }

    pub(super) fn row_sql(step: &RepairStep, source: impl Into<Cause>) -> Self {
        Self::RowSql {
            table: step.table.clone(),
            key: step.key.clone(),
            source: source.into(),
        }
    }

    /// What to do about it, in plain English.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "check the path of the source",
            Self::Connect(error) => error.advice(),
            Self::Locked { .. } => "nothing was changed; try again, or raise the lock timeout",
            Self::ReadOnly { .. } => {
                "open the writing account: the right to write the file and its folder, or SELECT, INSERT, \
                 UPDATE and DELETE on the tables"
            }
            Self::Empty | Self::OtherDatabase { .. } => "make a new proposal",
            Self::TooManyRows { .. } | Self::TooMuchMoney { .. } => {
                "nothing was changed; split the proposal, or have the cap raised by whoever owns it"
            }
            Self::Row { fault, .. } => fault.advice(),
            Self::RowSql { .. } => {
                "nothing was changed; correct the policy's statement and make a new proposal. In PostgreSQL \
                 a repair's search path is the system's alone: a function that the table's triggers, checks or \
                 defaults call must name what it uses with its schema, or set its own path (ALTER FUNCTION ... \
                 SET search_path = public, pg_temp)"
            }
            Self::NoTable { .. } => {
                "nothing was changed; check the rights and the search path of the writing account"
            }
            Self::NotTransactional { .. } => {
                "nothing was changed; such a table can only be repaired by hand, or after ALTER TABLE ... ENGINE=InnoDB"
            }
            Self::Triggers { .. } => {
                "nothing was changed; look at what they do, then allow those that may run by name"
            }
            Self::TriggersHidden => {
                "nothing was changed; GRANT TRIGGER on the tables to the writing account, which makes them visible"
            }
            Self::NotCounted => "nothing was changed; switch track_counts on",
            Self::Afterwards { .. } => {
                "nothing was changed; look at the shop's deferred triggers, then allow side effects if they are wanted"
            }
            Self::ForeignKey { .. } | Self::Constraint(_) => {
                "nothing was changed; put the parent row back in the same proposal"
            }
            Self::TooManyBrokenKeys => "nothing was changed; mend the shop's foreign keys first",
            Self::Lost { .. } => "nothing was changed; try again",
            Self::Interrupted | Self::Sql { .. } | Self::Unheard(_) => {
                "audit the source to see whether the repair was committed, then try again"
            }
        }
    }
}

impl RowFault {
    fn advice(&self) -> &'static str {
        match self {
            Self::Differs {
                afterwards: false, ..
            }
            | Self::Gone
            | Self::Present => {
                "nothing was changed; the row changed since the proposal was made: audit again and make a new one"
            }
            Self::TakenBack { .. } => {
                "nothing was changed; accept the row as taken back, so that it is not proposed again"
            }
            Self::SideEffects { .. } | Self::AlsoChanged { .. } => {
                "nothing was changed; look at the shop's triggers, then allow side effects if they are wanted"
            }
            Self::Cascades { .. } => {
                "nothing was changed; set the rows that hang on it aside in the same proposal"
            }
            Self::NoColumn { .. } => {
                "nothing was changed; the table's columns are others now: audit again and make a new proposal"
            }
            _ => "nothing was changed; correct the policy's statement and make a new proposal",
        }
    }
}
