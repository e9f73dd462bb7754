//! A folder's logs together: `ledger/P`, `record`, and the `root` log over their checkpoints.

use crate::keys::LogKey;
use crate::{Durable, Log, LogOptions, Recovery, Result};
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// Partitions of the ledger.
    pub ledgers: u32,
    pub log: LogOptions,
}

impl Default for JournalOptions {
    fn default() -> Self {
        JournalOptions {
            ledgers: 1,
            log: LogOptions::default(),
        }
    }
}

/// What opening found in one log.
#[derive(Clone, Debug)]
pub struct LogRecovery {
    /// `root`, `record` or `ledger/P`.
    pub log: String,
    pub recovery: Recovery,
}

pub type JournalRecovery = Vec<LogRecovery>;

/// The open logs. The fields are public so that each can move to the thread that owns it.
pub struct Journal {
    pub root: RootLog,
    pub record: Log,
    pub ledgers: Vec<Log>,
}

impl Journal {
    /// One ledger partition, default options. `origin_base` is the key's name or below it.
    pub fn open(
        dir: &Path,
        keys: Arc<LogKey>,
        origin_base: &str,
    ) -> Result<(Journal, JournalRecovery)> {
        Self::open_with(dir, keys, origin_base, JournalOptions::default())
    }

    pub fn open_with(
        dir: &Path,
        keys: Arc<LogKey>,
        origin_base: &str,
        options: JournalOptions,
    ) -> Result<(Journal, JournalRecovery)> {
        todo!("{dir:?} {} {origin_base} {options:?}", keys.name())
    }

    /// Appends the logs' newest checkpoints to the root log and waits until it is durable.
    pub fn anchor(&mut self) -> Result<Option<Durable>> {
        self.root.anchor()
    }
}

/// The log over the other logs' checkpoints.
pub struct RootLog {}

impl RootLog {
    /// Appends the checkpoints that changed since the last time; `None` when none did.
    pub fn anchor(&mut self) -> Result<Option<Durable>> {
        todo!()
    }
    pub fn reader(&self) -> crate::LogReader {
        todo!()
    }
}
