//! What can go wrong, each with what to do about it. `Display` leaves the source chain to the edge.

use rusqlite::ErrorCode;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Extended code of SQLite for "no room for the shared index of the write-ahead log".
const SQLITE_IOERR_SHMSIZE: i32 = 4874;

/// Cloneable, because one failed group answers every batch that was in it.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// Somebody else wrote first. Read again, decide again, repeat.
    #[error("{collection} `{id}` was written by somebody else first; read it again and repeat")]
    Conflict {
        collection: String,
        id: String,
        /// Version or sequence that the caller expected; `None` where it expected nothing there.
        expected: Option<u64>,
        /// What stands there; `None` when nothing does.
        found: Option<u64>,
    },
    /// The batch changes something that is not there (or not any more).
    #[error("there is no {collection} `{id}`")]
    Missing { collection: String, id: String },
    /// Beyond a named bound of this room.
    #[error("{what}: {size} is more than the {limit} allowed")]
    TooLarge {
        what: &'static str,
        size: u64,
        limit: u64,
    },
    /// Nothing acknowledged is lost; writes go on as soon as there is room.
    #[error("no room left for {}; nothing acknowledged is lost: free some space, then repeat", path.display())]
    Full { path: PathBuf },
    #[error("{} is in use by another process; stop it, or let it do the work", path.display())]
    Busy { path: PathBuf },
    #[error(
        "{} has schema version {found}, and this program knows up to {known}; use the newer program, or put back the backup made before the upgrade",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    #[error("{} is damaged ({detail}); keep a copy of it and restore a backup", path.display())]
    Damaged { path: PathBuf, detail: String },
    /// The disk failed. The writer accepts nothing more, since a failed fsync cannot be repeated.
    #[error("the disk failed under {} ({context}); check the disk, then start again", path.display())]
    Disk {
        path: PathBuf,
        context: &'static str,
        #[source]
        source: Arc<rusqlite::Error>,
    },
    #[error("{} cannot be opened or made; check that it may be written", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: Arc<io::Error>,
    },
    /// The store was closed, or its writer ended. A write that was answered so may be stored or not.
    #[error("the store is closed")]
    Closed,
    #[error("the database refused to {context}")]
    Sql {
        context: &'static str,
        #[source]
        source: Arc<rusqlite::Error>,
    },
}

/// For `map_err`: what we were about to do when SQLite refused.
pub(crate) fn sql(context: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Sql {
        context,
        source: Arc::new(source),
    }
}

impl StoreError {
    pub(crate) fn missing(collection: &str, id: &str) -> Self {
        Self::Missing {
            collection: collection.to_owned(),
            id: id.to_owned(),
        }
    }

    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    /// Turns SQLite's codes into the kinds that somebody can act on.
    pub(crate) fn located(self, path: &Path) -> Self {
        let Self::Sql { context, source } = self else {
            return self;
        };
        let path = path.to_owned();
        let code = match &*source {
            rusqlite::Error::SqliteFailure(failure, _) => (failure.code, failure.extended_code),
            // A value that we wrote does not come back as what it was.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => {
                return Self::Damaged {
                    path,
                    detail: source.to_string(),
                };
            }
            _ => return Self::Sql { context, source },
        };
        match code {
            (ErrorCode::DiskFull, _) | (ErrorCode::SystemIoFailure, SQLITE_IOERR_SHMSIZE) => {
                Self::Full { path }
            }
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Self::Busy { path },
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Self::Damaged {
                path,
                detail: source.to_string(),
            },
            (ErrorCode::SystemIoFailure, _) => Self::Disk {
                path,
                context,
                source,
            },
            (ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => {
                Self::file(&path, io::Error::other(source.to_string()))
            }
            _ => Self::Sql { context, source },
        }
    }
}
