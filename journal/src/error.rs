//! What can go wrong in this room, with enough in each case to say what to do about it.

use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk or the permissions: nothing about the journal's content.
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    /// A byte is not what was written. Restore the file from a copy; nothing was changed.
    #[error("{} is damaged at byte {offset}: {what}", file.display())]
    Damaged {
        file: PathBuf,
        offset: u64,
        what: String,
    },
    /// Entries that had been acknowledged are no longer there. Restore the file from a copy,
    /// or open once with [`crate::LogOptions::accept_loss`] to go on without them.
    #[error(
        "{} ends at byte {offset} with {size} entries, but {acknowledged} had been acknowledged",
        file.display()
    )]
    AcknowledgedMissing {
        file: PathBuf,
        offset: u64,
        size: u64,
        acknowledged: u64,
    },
    /// A log is shorter than, or another than, the checkpoint that the root log holds of it.
    #[error(
        "the log {origin} does not contain its checkpoint of {anchored} entries kept in the root log; it has {size}"
    )]
    NotAsAnchored {
        origin: String,
        size: u64,
        anchored: u64,
    },
    #[error("the origin {origin} is not under the key's name {name}")]
    OriginNotUnderKey { origin: String, name: String },
    /// A key file or key text cannot be used.
    #[error("bad key in {place}: {why}")]
    BadKey { place: String, why: &'static str },
    /// Journal the digest and keep the bytes elsewhere.
    #[error(
        "an entry of {size} bytes is longer than the {} allowed",
        crate::MAX_ENTRY_BYTES
    )]
    EntryTooLarge { size: usize },
    #[error("a {what} of {size} bytes is longer than the {max} allowed")]
    TooLarge {
        what: &'static str,
        size: usize,
        max: usize,
    },
    #[error("{what} {index} lies outside the log of {size} entries")]
    OutOfRange {
        what: &'static str,
        index: u64,
        size: u64,
    },
    /// A write or fsync failed. What had been acknowledged stands; nothing more is taken until
    /// the log is opened anew, because after a failed fsync the page cache cannot be trusted.
    #[error("the log has stopped: {reason}")]
    Stopped { reason: String },
    #[error("the operating system gives no random numbers")]
    NoRandom,
    /// The subject has no key here: never made, or destroyed.
    #[error("there is no key for this data subject")]
    NoSubjectKey,
    /// The value was sealed under another key or for another place, or was changed.
    #[error("a sealed value does not open: {why}")]
    Unsealable { why: &'static str },
    #[error("the proof does not hold: {why}")]
    BadProof { why: &'static str },
}

impl JournalError {
    /// What to do about it, in plain English.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "free space on the disk and check its rights, then start again; what was acknowledged stands"
            }
            Self::Damaged { .. } => {
                "nothing was changed; keep the folder as evidence, find the place with `balefire journal verify`, and restore the file from a copy"
            }
            Self::AcknowledgedMissing { .. } => {
                "restore the file from a copy; only if there is none, go on without these entries: `balefire serve --accept-loss` puts the loss on the record"
            }
            Self::NotAsAnchored { .. } => {
                "an older or other copy of this log was put back; restore the matching copy of the whole journal folder, or, if there is none, `balefire serve --accept-loss`"
            }
            Self::OriginNotUnderKey { .. } | Self::BadKey { .. } => {
                "restore the folder's keys from a copy; a new key cannot continue these logs"
            }
            Self::Stopped { .. } => {
                "free space on the disk or mend it, then start Balefire again; what was acknowledged stands"
            }
            Self::EntryTooLarge { .. } | Self::TooLarge { .. } => {
                "journal the digest and keep the bytes elsewhere"
            }
            Self::OutOfRange { .. } => "ask for an index below the log's size",
            Self::NoRandom => "check the operating system, then start again",
            Self::NoSubjectKey => "the value was erased by law, or its key file is an older copy",
            Self::Unsealable { .. } => "restore keys/subjects.keys and keys/master.key from a copy",
            Self::BadProof { .. } => "ask for the proof again, and check the verifier key",
        }
    }

    pub(crate) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> JournalError {
        let path = path.to_owned();
        move |source| JournalError::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn damaged(file: &Path, offset: u64, what: impl Into<String>) -> JournalError {
        JournalError::Damaged {
            file: file.to_owned(),
            offset,
            what: what.into(),
        }
    }
}
