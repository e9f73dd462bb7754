//! Why a repair was not done. In every case the shop's database is as it was, but for a commit
//! that was interrupted: then the feed shows which it is.

use model::RepairStep;
use std::path::{Path, PathBuf};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum RepairError {
    #[error("there is no file {}", path.display())]
    Missing { path: PathBuf },
    #[error("{} stayed locked by another writer while {doing}", path.display())]
    Locked {
        path: PathBuf,
        doing: String,
        #[source]
        source: rusqlite::Error,
    },
    #[error("{} cannot be written", path.display())]
    ReadOnly {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the proposal is written for another kind of database ({written_for:?})")]
    OtherDatabase { written_for: model::Dialect },
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
        source: Box<rusqlite::Error>,
    },
    #[error("the repair would leave row {} of {table} without its parent in {parent}", rowid.map_or("?".to_owned(), |r| r.to_string()))]
    ForeignKey {
        table: String,
        rowid: Option<i64>,
        parent: String,
    },
    #[error(
        "too many foreign keys of this database are broken to tell which the repair would break"
    )]
    TooManyBrokenKeys,
    #[error("the repair was interrupted")]
    Interrupted,
    #[error("the database failed while {doing}")]
    Sql {
        doing: String,
        #[source]
        source: rusqlite::Error,
    },
}

/// What stands against one row's repair.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RowFault {
    #[error("column {column} holds {found} {}, not {expected}", if *afterwards { "after the repair" } else { "now" })]
    Differs {
        column: String,
        expected: String,
        found: String,
        afterwards: bool,
    },
    #[error("it is not there any more")]
    Gone,
    #[error("it is there, although it should have to be put back")]
    Present,
    #[error("its key names {rows} rows")]
    Ambiguous { rows: u64 },
    #[error("the statement changed {rows} rows instead of one")]
    Touched { rows: usize },
    #[error("triggers or cascades changed {rows} more rows")]
    SideEffects { rows: u64 },
    #[error("the statement is not one plain INSERT, UPDATE or DELETE")]
    Statement,
    #[error("the statement writes to another table, {table}")]
    OtherTable { table: String },
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

    pub(super) fn of(path: &Path, doing: &str, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, PermissionDenied, ReadOnly,
        };
        let path = path.to_owned();
        let doing = doing.to_owned();
        match source.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::Locked {
                path,
                doing,
                source,
            },
            Some(CannotOpen | PermissionDenied | ReadOnly) => Self::ReadOnly { path, source },
            _ => Self::Sql { doing, source },
        }
    }

    /// What to do about it, in plain English.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "check the path of the source",
            Self::Locked { .. } => "nothing was changed; try again, or raise the lock timeout",
            Self::ReadOnly { .. } => {
                "open the writing account: the right to write the file and its folder"
            }
            Self::Empty | Self::OtherDatabase { .. } => "make a new proposal",
            Self::TooManyRows { .. } | Self::TooMuchMoney { .. } => {
                "nothing was changed; split the proposal, or have the cap raised by whoever owns it"
            }
            Self::Row { fault, .. } => fault.advice(),
            Self::RowSql { .. } => {
                "nothing was changed; correct the policy's statement and make a new proposal"
            }
            Self::ForeignKey { .. } => {
                "nothing was changed; put the parent row back in the same proposal"
            }
            Self::TooManyBrokenKeys => "nothing was changed; mend the shop's foreign keys first",
            Self::Interrupted | Self::Sql { .. } => {
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
            Self::SideEffects { .. } => {
                "nothing was changed; look at the shop's triggers, then allow side effects if they are wanted"
            }
            _ => "nothing was changed; correct the policy's statement and make a new proposal",
        }
    }
}
