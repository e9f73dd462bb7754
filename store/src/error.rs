//! What can go wrong in the store, and what to do about it.

use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// SQLite's code for "no room for the shared index of the write-ahead log".
const IOERR_SHMSIZE: i32 = 4874;

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("{}: cannot be opened; check that the folder exists and may be written", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: cannot be opened as the store", path.display())]
    Open {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("{collection} `{id}` was changed by somebody else; look at it again")]
    Conflict { collection: String, id: String },
    #[error("the disk is full; nothing acknowledged is lost. Free some space and try again")]
    Full,
    /// The disk failed a write or its fsync; the writer accepts nothing more.
    #[error("the disk failed under balefire.db ({detail}); check the disk, then start again")]
    Disk { detail: String },
    #[error("another process holds balefire.db; stop it and try again")]
    Busy,
    #[error("balefire.db is damaged; keep the file and restore a backup")]
    Damaged,
    #[error(
        "balefire.db has schema {found}, this program knows {known}; use the newer program that wrote it"
    )]
    Newer { found: u32, known: u32 },
    #[error("too many writes are waiting; try again in a moment")]
    Overloaded,
    #[error("the store is closed")]
    Closed,
    #[error("the database failed while {doing}")]
    Sql {
        doing: &'static str,
        source: rusqlite::Error,
    },
    #[error(
        "more than {most} incidents are hidden from this viewer; nothing is listed. Give incidents back to the usual circle, or ask somebody who sees them"
    )]
    TooManyHidden { most: usize },
    #[error("a stored object cannot be read back")]
    Json(#[from] serde_json::Error),
}

impl StoreError {
    pub(crate) fn of(error: rusqlite::Error, doing: &'static str) -> Self {
        let extended = error.sqlite_error().map(|e| e.extended_code);
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure) if extended == Some(IOERR_SHMSIZE) => Self::Full,
            Some(ErrorCode::SystemIoFailure) => Self::Disk {
                detail: format!("{doing}: {error}"),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            _ => Self::Sql {
                doing,
                source: error,
            },
        }
    }
    pub(crate) fn open(error: rusqlite::Error, path: &Path) -> Self {
        match Self::of(error, "opening") {
            Self::Sql { source, .. } => Self::Open {
                path: path.to_owned(),
                source,
            },
            known => known,
        }
    }
    pub(crate) fn conflict(collection: &str, id: &str) -> Self {
        Self::Conflict {
            collection: collection.to_owned(),
            id: id.to_owned(),
        }
    }
    /// One error for each member of a group that failed together.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Busy => Self::Busy,
            Self::Damaged => Self::Damaged,
            Self::Disk { detail } => Self::Disk {
                detail: detail.clone(),
            },
            _ => Self::Sql {
                doing: "committing a group",
                source: rusqlite::Error::ExecuteReturnedResults,
            },
        }
    }
}
