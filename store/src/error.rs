//! What can go wrong in the store, and what to do about it.

use crate::sql::SqlError;
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
    Open { path: PathBuf, source: SqlError },
    /// A file that `[store]` names: of the password or of certificates.
    #[error("{}: cannot be read; [store] names it", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the store's database at {server} cannot be used: {what}")]
    Unfit { server: String, what: String },
    #[error(
        "the store's database at {server} cannot be reached; see that the server runs and that [store] names its host and port. What was asked for was not done"
    )]
    Unreachable {
        server: String,
        source: std::io::Error,
    },
    #[error(
        "the store's database at {server} does not let Balefire in ({code}: {message}); check `user`, `database` and `password_file` in [store]"
    )]
    LoginRefused {
        server: String,
        code: String,
        message: String,
    },
    #[error(
        "TLS to the store's database at {server} failed ({what}); `ca_file` in [store] names the certificate that signs the server's"
    )]
    Tls { server: String, what: String },
    #[error(
        "another Balefire keeps its data in the database at {server}; stop that one, or give this one a database of its own"
    )]
    Taken { server: String },
    /// Nothing of it stands.
    #[error(
        "the connection to the store's database was lost while {doing}; nothing of it was stored. Try again"
    )]
    Lost { doing: &'static str, detail: String },
    /// The answer to a commit was lost and could not be found out; the writer accepts nothing more.
    #[error(
        "the store's database did not say whether the last writes stand, and cannot be asked; nothing more is accepted. See that the server runs, then start Balefire again"
    )]
    InDoubt,
    /// Another process wrote, or the server lost what it had acknowledged; the writer accepts nothing more.
    #[error(
        "the store's database is not as this Balefire left it ({what}); nothing more is accepted. Look after the server, then start Balefire again"
    )]
    Overtaken { what: &'static str },
    #[error("{collection} `{id}` was changed by somebody else; look at it again")]
    Conflict { collection: String, id: String },
    #[error("the disk is full; nothing acknowledged is lost. Free some space and try again")]
    Full,
    /// The disk failed a write or its fsync; the writer accepts nothing more.
    #[error("the disk failed under balefire.db ({detail}); check the disk, then start again")]
    Disk { detail: String },
    #[error("another process holds balefire.db; stop it and try again")]
    Busy,
    #[error("the store is damaged; keep it as it is and restore a backup")]
    Damaged,
    #[error(
        "the store has schema {found}, this program knows {known}; use the newer program that wrote it"
    )]
    Newer { found: u32, known: u32 },
    #[error("too many writes are waiting; try again in a moment")]
    Overloaded,
    #[error("the store is closed")]
    Closed,
    #[error("the database failed while {doing}")]
    Sql {
        doing: &'static str,
        source: SqlError,
    },
    #[error("the database failed while committing a group")]
    Group,
    #[error(
        "more than {most} incidents are hidden from this viewer; nothing is listed. Give incidents back to the usual circle, or ask somebody who sees them"
    )]
    TooManyHidden { most: usize },
    #[error("a stored object cannot be read back")]
    Json(#[from] serde_json::Error),
}

impl StoreError {
    /// The store cannot be asked just now: its server is away, too busy, or the disk is full. The
    /// same thing asked again later may well work.
    pub fn is_away(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Lost { .. }
                | Self::Overloaded
                | Self::Busy
                | Self::Full
        )
    }

    pub(crate) fn of(error: SqlError, doing: &'static str) -> Self {
        match error {
            SqlError::Sqlite(error) => Self::of_sqlite(error, doing),
            SqlError::Lost { detail } => Self::Lost { doing, detail },
            error => match error.code() {
                // disk_full; the class of damaged pages.
                Some("53100") => Self::Full,
                Some("XX001" | "XX002") => Self::Damaged,
                _ => Self::Sql {
                    doing,
                    source: error,
                },
            },
        }
    }

    fn of_sqlite(error: rusqlite::Error, doing: &'static str) -> Self {
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
                source: error.into(),
            },
        }
    }

    pub(crate) fn open(error: SqlError, path: &Path) -> Self {
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

    /// Only a restart reads what is really there.
    pub(crate) const fn ends_the_writer(&self) -> bool {
        matches!(
            self,
            Self::Disk { .. } | Self::InDoubt | Self::Overtaken { .. }
        )
    }

    /// One error for each member of a group that failed together.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Busy => Self::Busy,
            Self::Damaged => Self::Damaged,
            Self::InDoubt => Self::InDoubt,
            Self::Overtaken { what } => Self::Overtaken { what },
            Self::Disk { detail } => Self::Disk {
                detail: detail.clone(),
            },
            Self::Lost { doing, detail } => Self::Lost {
                doing,
                detail: detail.clone(),
            },
            Self::Unreachable { server, source } => Self::Unreachable {
                server: server.clone(),
                source: std::io::Error::other(source.to_string()),
            },
            Self::Taken { server } => Self::Taken {
                server: server.clone(),
            },
            Self::LoginRefused {
                server,
                code,
                message,
            } => Self::LoginRefused {
                server: server.clone(),
                code: code.clone(),
                message: message.clone(),
            },
            _ => Self::Group,
        }
    }
}
