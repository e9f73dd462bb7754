//! One append-only log: entries are accepted into an open group, a group is sealed with a signed
//! checkpoint and made durable by one write and one fsync while the next group fills.

mod reader;

use crate::keys::LogKey;
use crate::{Hash, Result};
pub use reader::LogReader;
use std::path::Path;
use std::sync::Arc;

/// How a log is kept. The defaults are right outside tests.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// A segment file is not continued beyond this many bytes.
    pub segment_bytes: u64,
    /// Goes on although acknowledged entries are missing at the tail: an operator's decision,
    /// never a default. [`Recovery`] says what was lost.
    pub accept_loss: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            segment_bytes: 64 << 20,
            accept_loss: false,
        }
    }
}

/// What opening a log found and mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    pub size: u64,
    /// Bytes behind the last valid checkpoint, of a group that was never acknowledged.
    pub dropped_bytes: u64,
    /// Acknowledged entries given up under [`LogOptions::accept_loss`]; 0 otherwise.
    pub lost_entries: u64,
    /// Entries whose tile rows or offsets had to be made again.
    pub rederived_entries: u64,
}

/// A size that survives a crash, and the root of the tree of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    pub size: u64,
    pub root: Hash,
}

/// The writing end of a log. One owner; readers are separate and many.
pub struct Log {}

impl Log {
    pub fn open(
        dir: &Path,
        origin: &str,
        key: Arc<LogKey>,
        options: LogOptions,
    ) -> Result<(Log, Recovery)> {
        todo!("{dir:?} {origin} {:?} {options:?}", key.name())
    }

    /// Takes an entry into the open group and returns its index. *Accepted*, not yet durable.
    pub fn append(&mut self, entry: &[u8]) -> Result<u64> {
        todo!("{entry:?}")
    }

    /// Hands the open group on to be hashed, signed, written and synced. Returns at once unless
    /// too many groups are on their way. An empty group gives a ticket for what went before.
    pub fn seal_group(&mut self) -> Result<Ticket> {
        todo!()
    }

    /// Entries accepted so far, durable or not.
    pub fn size(&self) -> u64 {
        todo!()
    }

    pub fn origin(&self) -> &str {
        todo!()
    }

    pub fn reader(&self) -> LogReader {
        todo!()
    }
}

/// Waits for one group's fsync.
#[must_use = "a group is durable only when its ticket says so"]
pub struct Ticket {}

impl Ticket {
    pub fn wait(self) -> Result<Durable> {
        todo!()
    }
}
