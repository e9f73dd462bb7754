//! Append-only Merkle logs on disk, their signed checkpoints and proofs, an index of
//! last images over opaque keys, and the vault of data subjects' keys.
//!
//! Deliberately not here: what an entry means. This room knows bytes, never rows, people or
//! incidents. The [`verify`] module reads the same files with code of its own and shares
//! nothing with the writer, so that one mistake cannot hide in both.
//!
//! Formats: RFC 6962 hashing; C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-proof.

mod error;
mod files;
pub mod index;
mod journal;
pub mod keys;
mod log;
mod note;
pub mod proof;
mod tree;
pub mod vault;
pub mod verify;

pub use error::JournalError;
pub use journal::{Journal, JournalOptions, JournalRecovery, LogRecovery, RootLog};
pub use log::{Durable, Log, LogOptions, LogReader, Recovery, Ticket};

/// A SHA-256 hash: of a leaf, a node, or a tree.
pub type Hash = [u8; 32];

/// The longest entry: entry bundles carry lengths as 16 bits (C2SP tlog-tiles).
pub const MAX_ENTRY_BYTES: usize = 65_535;

pub type Result<T, E = JournalError> = std::result::Result<T, E>;

/// What other rooms move between threads and share.
const _: () = {
    const fn moves<T: Send>() {}
    const fn shared<T: Send + Sync + Clone>() {}
    moves::<(Log, Ticket, Journal, index::ImageIndex, vault::SubjectKeys)>();
    shared::<(LogReader, index::Snapshot, vault::VaultReader)>();
};
