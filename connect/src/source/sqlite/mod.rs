//! Guarding a live SQLite file: no triggers, no schema change, no long read, no writer ever
//! made to wait.
//!
//! How the feed works (docs/sqlite-feed.md says it at length):
//! - The pages that a commit changed stand in the write-ahead log (`-wal`). [`wal`] reads its
//!   frames with plain file reads, verifies the chain of salts and checksums, and keeps the
//!   image of each changed page up to the last commit.
//! - [`tree`] knows the shape of each guarded table's b-tree: which leaf pages it has, from
//!   which to which rowid each of them holds rows, and which overflow pages belong to which
//!   row. The changed pages give the ranges of rowids in which something may have changed.
//! - [`watch`] reads these ranges again through SQL, in a short read transaction, and compares
//!   a keyed hash of each row with the one remembered. Only real differences come out.
//! - [`feed`] holds it together: a read transaction is handed from one connection to the next,
//!   so that SQLite cannot start the log anew over frames that were not seen; when the log
//!   has grown so far that this would harm the shop's checkpoints, it lets go, and proves from
//!   the log's remains that nothing was missed, or says [`Polled::Lost`].
//!
//! Why rows are read through SQL and not out of the page images: defaults of added columns,
//! reals stored as integers and later changes of the file format are then right by
//! construction. Why the database file is never opened with plain reads: closing any
//! descriptor of it would silently drop every lock that this process holds on it, other
//! connections' too (POSIX advisory locks); the `-wal` file carries no locks.
//!
//! What a SQLite file cannot tell: who changed a row, with which statement, in how many steps,
//! or when to the microsecond. Commits that fall between two polls are seen as one.

mod check;
mod feed;
mod guarded;
mod open;
mod page;
mod read;
mod schema;
mod shape;
mod source;
mod tree;
mod wal;
mod watch;

pub use feed::{Feed, FeedOptions, FeedWaker};
pub use source::SqliteSource;

pub(crate) use read::{bound, value_of};
pub(crate) use schema::quoted;

pub use super::{
    CheckRow, FeedBatch, GuardedTable, KeyColumns, LostReason, Polled, ScanReport,
    UnreadableReason, UnreadableRow,
};
