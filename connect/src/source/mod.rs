//! Where row changes come from: a shop's SQLite file, its PostgreSQL or MariaDB/MySQL server, or a
//! recorded trace.

pub mod address;
mod feed;
pub mod mysql;
pub mod postgres;
pub mod sqlite;
mod table;
pub mod trace;

pub use address::{Location, ServerAddress, TlsMode};
pub use feed::{
    Advice, CheckRow, Examination, Feed, FeedBatch, LostReason, MAX_CHECK_ROWS, Polled, Receive,
    ReceiveRow, Source, SourceLoad,
};
pub use table::{
    GuardedTable, KeyColumns, MAX_UNREADABLE, ScanReport, UnreadableReason, UnreadableRow,
};
