//! Reads a journal folder as a stranger would and names everything that is not as it was written.
//!
//! Shares no code with the writer: own hashing, own parsing, own notes. It only reads and takes
//! no lock.

mod derived;
mod diagnose;
mod folder;
pub(crate) mod hash;
mod index;
mod log;
pub(crate) mod signed;
mod window;

use crate::keys::VerifierKey;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// A signed checkpoint kept elsewhere: the log that it names must contain it.
    pub checkpoint: Option<String>,
    /// A server is writing meanwhile: a group, tile or index run just being written is no fault.
    pub live: bool,
}

/// How far a verification has come, for progress bars.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub bytes_done: u64,
    pub bytes_total: u64,
    pub entries: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// An entry is not the one that was journaled.
    Entry,
    /// An entry's length was changed.
    EntryLength,
    /// Entries were changed, and nothing is left to say which of the group.
    Group,
    /// The fixed fields at the head of a group.
    GroupHeader,
    /// A checkpoint's text or signature.
    Checkpoint,
    /// Bytes behind the last valid checkpoint.
    TornTail,
    /// Entries are gone from the middle.
    MissingEntries,
    /// A segment that must be there is not, or does not follow the one before.
    MissingSegment,
    /// Acknowledged entries are gone from the tail.
    CutTail,
    /// The log is not the one that a kept checkpoint or the root log describes.
    OtherHistory,
    /// A derived file (tile row or offsets) has a wrong byte.
    Derived,
    /// A derived file is missing, shorter or longer than the log.
    DerivedLength,
    /// An index file.
    Index,
    /// A file that does not belong here.
    UnknownFile,
    /// The kept checkpoint itself cannot be used.
    KeptCheckpoint,
    /// A file that cannot be read.
    Unreadable,
}

impl FaultKind {
    /// The stable name for machine-readable reports and the catalogue of words.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Entry => "entry",
            FaultKind::EntryLength => "entry-length",
            FaultKind::Group => "group",
            FaultKind::GroupHeader => "group-header",
            FaultKind::Checkpoint => "checkpoint",
            FaultKind::TornTail => "torn-tail",
            FaultKind::MissingEntries => "missing-entries",
            FaultKind::MissingSegment => "missing-segment",
            FaultKind::CutTail => "cut-tail",
            FaultKind::OtherHistory => "other-history",
            FaultKind::Derived => "derived",
            FaultKind::DerivedLength => "derived-length",
            FaultKind::Index => "index",
            FaultKind::UnknownFile => "unknown-file",
            FaultKind::KeptCheckpoint => "kept-checkpoint",
            FaultKind::Unreadable => "unreadable",
        }
    }
}

/// One thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Relative to the journal folder.
    pub file: PathBuf,
    pub offset: u64,
    pub kind: FaultKind,
    /// `root`, `record`, `ledger/P`, `index/P`; empty where no log is concerned.
    pub log: String,
    pub entry: Option<u64>,
    /// Plain English for logs and reports.
    pub detail: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} at byte {}: {}",
            self.file.display(),
            self.offset,
            self.kind.name()
        )?;
        if let Some(entry) = self.entry {
            write!(f, ", entry {entry} of {}", self.log)?;
        }
        write!(f, ": {}", self.detail)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedLog {
    pub log: String,
    pub origin: String,
    pub size: u64,
    pub root: crate::Hash,
    /// Checkpoints whose signatures were checked.
    pub checkpoints: u64,
}

#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    pub logs: Vec<VerifiedLog>,
    pub faults: Vec<Fault>,
    pub bytes: u64,
}

impl VerifyReport {
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }
    pub fn entries(&self) -> u64 {
        self.logs.iter().map(|log| log.size).sum()
    }
}

/// Verifies everything below `dir`. Never fails: what cannot be read is a fault.
pub fn verify_dir(
    dir: &Path,
    vkey: &VerifierKey,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress),
) -> VerifyReport {
    folder::verify(dir, vkey, options, progress)
}
