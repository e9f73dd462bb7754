//! What can go wrong in the desk, and what to do about it.

use crate::told::Told;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum DeskError {
    #[error("{path}: {detail}", path = path.display())]
    Config { path: PathBuf, detail: String },
    #[error("another balefire process owns the data folder {folder}; stop it, or use another folder (--data DIR)", folder = folder.display())]
    InUse { folder: PathBuf },
    #[error("{path}: the file or folder cannot be used", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "the record log holds {log} entries but the database knows only {database}: an older copy of balefire.db was put back, or [store] names another database. Restore the matching copy of both, or keep this folder as evidence and start a new one"
    )]
    LogAhead { log: u64, database: u64 },
    #[error(
        "the database that [store] names holds the data of another data folder; name that folder (--data DIR), or give this one a database of its own"
    )]
    StoreOfAnother,
    #[error(
        "the ledger holds {log} entries but findings were stored up to {mark}: an older copy of the journal was put back. Restore the matching copy of both; only if there is none, go on without these entries: `balefire serve --accept-loss` puts the loss on the record"
    )]
    LedgerBehind { log: u64, mark: u64 },
    #[error(
        "the source `{source_name}` has no baseline yet; run `balefire source baseline {source_name}` first"
    )]
    NoBaseline { source_name: String },
    #[error(
        "the source `{source_name}` has a baseline already ({rows} rows); confirm to take a second one"
    )]
    HasBaseline { source_name: String, rows: u64 },
    #[error("no source is called `{0}` in the configuration")]
    UnknownSource(String),
    #[error("the policy of `{source_name}` cannot be used:\n{problems}")]
    Policy {
        source_name: String,
        problems: String,
    },
    #[error(
        "the schema of `{table}` is no longer the one of the baseline ({detail}); check the change, mend the policy, and take a new baseline"
    )]
    SchemaChanged { table: String, detail: String },
    #[error("{0}")]
    NotFound(Told),
    #[error("{0}")]
    Refused(Told),
    #[error(transparent)]
    Accept(#[from] crate::accept_rows::AcceptRefusal),
    #[error(transparent)]
    Account(#[from] crate::identity::AccountRefusal),
    #[error(transparent)]
    Rota(#[from] crate::rota_refusal::RotaRefusal),
    #[error(transparent)]
    Webhook(#[from] crate::webhooks::WebhookRefusal),
    #[error(
        "more than {most} rows differ from their last images: the shop was restored, replaced, or changed wholesale. If that was on purpose, take a new baseline; if not, keep the file as evidence first"
    )]
    MassChange { most: usize },
    #[error("{told}")]
    Broken { told: String, may_pass: bool },
    #[error("the guard has stopped: {0}")]
    GuardStopped(String),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    #[error(transparent)]
    Connect(#[from] connect::ConnectError),
    #[error(transparent)]
    Repair(#[from] connect::repair::RepairError),
    #[error(transparent)]
    Contain(#[from] connect::contain::ContainError),
    #[error(transparent)]
    Notify(#[from] connect::notify::NotifyError),
    #[error("a ledger entry cannot be read")]
    Entry(#[from] model::entry::EntryError),
    #[error(transparent)]
    Recover(#[from] recover::RecoverError),
    #[error("an object of ours does not serialise")]
    Json(#[from] serde_json::Error),
}

impl DeskError {
    /// Whether the same thing may work a little later: a locked shop, a full disk, a busy store.
    /// A log that stopped, another schema or another policy stay as they are.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Broken { may_pass, .. } => *may_pass,
            Self::Store(_) | Self::File { .. } => true,
            Self::Connect(error) => error.may_pass() || !needs_person(error),
            _ => false,
        }
    }
    /// Somebody else was faster: what was to be changed is no longer as it was read.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(store::StoreError::Conflict { .. }))
    }

    /// The store cannot be asked just now; the same thing may work a little later.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_away())
    }

    /// What to do about it, in plain English; `None` where the words say so themselves.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Journal(error) => Some(error.advice()),
            Self::Connect(error) => Some(error.advice()),
            Self::Repair(error) => Some(error.advice()),
            Self::Notify(error) => Some(error.advice()),
            Self::File { .. } => {
                Some("check that it exists, that it may be used, and that the disk is not full")
            }
            _ => None,
        }
    }

    /// The error with its causes and what to do, for the status, the log and the command line.
    pub fn told(&self) -> String {
        match self.advice() {
            Some(advice) => format!("{}; {advice}", chain(self)),
            None => chain(self),
        }
    }

    pub fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// Whether trying again changes nothing before somebody has changed a setting, a right or a password.
fn needs_person(error: &connect::ConnectError) -> bool {
    use connect::ConnectError as E;
    matches!(
        error,
        E::AddressFile { .. }
            | E::LoginRefused { .. }
            | E::TlsWanted { .. }
            | E::Tls { .. }
            | E::CannotGuard { .. }
            | E::NotAttached { .. }
            | E::SlotElsewhere { .. }
            | E::KeyOrder { .. }
            | E::Server { .. }
    )
}

/// Why a command on an incident was not carried out.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The plan or the state of the incident does not allow it.
    #[error("refused: {}", .0.code())]
    Refused(incident::Refusal),
    #[error("no such incident")]
    UnknownIncident,
    /// It is no longer as the caller saw it.
    #[error("the incident was changed meanwhile and stands at version {stands}: read it again")]
    Stale { stands: u32 },
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl From<store::StoreError> for CommandError {
    fn from(error: store::StoreError) -> Self {
        Self::Desk(error.into())
    }
}
impl From<crate::rota_refusal::RotaRefusal> for CommandError {
    fn from(refusal: crate::rota_refusal::RotaRefusal) -> Self {
        Self::Desk(refusal.into())
    }
}
impl From<incident::Refusal> for CommandError {
    fn from(refusal: incident::Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// An error with its causes on one line, for the log and the status.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
