//! What every feed and every source gives, whatever database stands behind it.

use super::{GuardedTable, ScanReport, UnreadableRow};
use crate::ConnectError;
use crate::error::ReceiverError;
use model::{Dialect, Key, Observed, Row, SourceTransaction, TableSchema};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use thiserror::Error;

/// Receives observed rows; its error ends the reading.
pub type Receive<'a> = &'a mut dyn FnMut(Observed) -> Result<(), ReceiverError>;
/// Receives rows of audits: number of the table, key, row.
pub type ReceiveRow<'a> = &'a mut dyn FnMut(u16, &Key, &Row) -> Result<(), ReceiverError>;

/// A shop's database, read without guarding it: schema, audits, single rows. Never writes.
///
/// Rows come in canonical bytes: two reads of a value that did not change are the same bytes, in
/// scans, in single reads and in the feed, whatever the session's settings. Keys come in the order
/// of `model::Key` (memcmp), also where the database itself sorts otherwise.
pub trait Source: Send {
    fn dialect(&self) -> Dialect;
    /// All tables that could be guarded, by name.
    fn tables(&mut self) -> Result<Vec<TableSchema>, ConnectError>;
    /// All rows of all tables in one snapshot, table by table in key order, streamed in bounded memory.
    fn scan_all(
        &mut self,
        tables: &[GuardedTable],
        each: ReceiveRow<'_>,
    ) -> Result<ScanReport, ConnectError>;
    /// At most `most` rows of one table in key order, behind `after` (from the start when `None`).
    fn scan_part(
        &mut self,
        number: u16,
        table: &GuardedTable,
        after: Option<&Key>,
        most: u64,
        each: ReceiveRow<'_>,
    ) -> Result<ScanReport, ConnectError>;
    /// The present rows with these keys, in the order of the keys.
    fn read(
        &mut self,
        table: &GuardedTable,
        keys: &[Key],
    ) -> Result<Vec<Option<Row>>, ConnectError>;
    /// Runs one of the shop's own checks.
    fn check(&mut self, sql: &str) -> Result<Vec<CheckRow>, ConnectError>;
    /// Rows of a table, as the database knows without counting where it can.
    fn estimate(&mut self, table: &GuardedTable) -> Result<u64, ConnectError>;
    /// What of the server's settings and the account's rights is in the way, each with how to mend it.
    fn examine(&mut self, tables: &[GuardedTable]) -> Result<Examination, ConnectError>;
}

/// What `source check` says of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    /// Product and version, as the server says it.
    pub server: String,
    /// Without these the source cannot be guarded.
    pub problems: Vec<Advice>,
    /// With these it can, but something is not seen or costs more.
    pub warnings: Vec<Advice>,
    /// The exact statements that give the standing account the least rights it needs.
    pub grants: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// What is wrong, in plain English.
    pub what: String,
    /// What to do: a setting, a statement.
    pub mend: String,
}

/// Follows the changes of the guarded tables.
///
/// Order: rows come in the order of their transactions' commits. Delivery: at least once; what
/// was not acknowledged comes again after a restart, from the position that was resumed from, and
/// never a part of a transaction. Concurrency: one thread at a time.
pub trait Feed: Send {
    /// Looks at every row of every table in one snapshot, table by table in key order, and follows
    /// the changes from then on (feeds of states), or from the resumed position on (feeds of
    /// transactions: what lies between the two comes again as changes).
    fn rescan(&mut self, each: Receive<'_>) -> Result<ScanReport, ConnectError>;
    /// What happened since the last poll; waits at most `timeout` when nothing did.
    fn poll(&mut self, timeout: Duration) -> Result<Polled, ConnectError>;
    /// Asks for all that is committed by now: poll until [`Feed::caught_up`]. A later call counts anew.
    fn request_catch_up(&mut self) -> Result<(), ConnectError>;
    fn caught_up(&self) -> bool;
    /// The present rows with these keys, in the order of the keys: as of the last poll where the
    /// feed sees states, else as of now, which may be ahead of what was polled.
    fn read(&mut self, table: u16, keys: &[Key]) -> Result<Vec<Option<Row>>, ConnectError>;
    /// Runs one of the shop's own checks, at the same moment as [`Feed::read`].
    fn check(&mut self, sql: &str) -> Result<Vec<CheckRow>, ConnectError>;
    /// Everything up to this position of a batch is durable: the source may forget it.
    fn acknowledge(&mut self, position: u64) -> Result<(), ConnectError>;
    /// Position up to which everything was handed over, also where nothing happened: reading goes on
    /// from here after a restart. `None` where a feed cannot be resumed, or before its first look.
    fn position(&self) -> Option<u64> {
        None
    }
    /// Whether changes come as transactions that reading can be resumed between.
    fn sees(&self) -> model::policy::Sees;
    /// What watching costs the shop.
    fn load(&mut self) -> SourceLoad;
}

/// The cost of watching, as far as the source tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceLoad {
    /// How often every row was compared instead of following a log.
    pub whole_comparisons: u64,
    /// Bytes of log that the server keeps for us alone.
    pub retained_bytes: Option<u64>,
    /// Connections held open.
    pub connections: u32,
    /// Seconds between a commit and its arrival here, of the last transaction.
    pub lag_s: Option<f64>,
    /// CPU seconds that the server has spent on our connections.
    pub server_cpu_s: Option<f64>,
}

/// A violation that a check found, as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRow {
    pub table: String,
    pub key: String,
    pub detail: String,
}

/// A check that finds more than this is wrong itself, or says the same thing again and again.
pub const MAX_CHECK_ROWS: usize = 10_000;

/// What happened since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedBatch {
    /// Rows that really changed. States: table by table, in rowid order (key order where there is
    /// none). Transactions: in the order of their commits; a row stands in a batch only once, so
    /// that a batch ends before a transaction that touches one of its rows again.
    pub observed: Vec<Observed>,
    /// Rows whose key became NULL.
    pub unreadable: Vec<UnreadableRow>,
    /// Where the source stands after this batch. SQLite: the log's generation (checkpoint sequence)
    /// in the upper 32 bits, its frame in the lower, for people and records only. Databases with a
    /// log of transactions: the position of the last one, from which reading is resumed.
    pub position: u64,
    /// Commits seen; 0 where the file cannot tell.
    pub commits: u32,
    /// The transactions that [`Observed::transaction`] counts, where the source tells them.
    pub transactions: Vec<SourceTransaction>,
    /// Several commits may have been seen as one.
    pub coalesced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Polled {
    /// Nothing that concerns the guarded tables.
    Quiet,
    Changes(FeedBatch),
    /// A guarded table's columns changed, a statement may have written its rows though the columns
    /// look as before, or the table is gone; open the feed anew with the schema as it is now.
    SchemaChanged {
        tables: Vec<String>,
    },
    /// Something may have happened unseen; call [`Feed::rescan`]. Said again until that is done.
    Lost {
        reason: LostReason,
    },
}

/// Why nothing can be said about what happened since the last look.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LostReason {
    #[error("the write-ahead log was started anew and written over frames that were not seen")]
    Overwritten,
    #[error("the write-ahead log was cut off while it was not held")]
    Truncated,
    #[error("the write-ahead log was started anew more than once, or by another hand")]
    Generations,
    #[error("another file stands in the database's place")]
    Replaced,
    #[error("the journal mode of the database changed")]
    JournalMode,
    #[error("more than {most} rows changed at once")]
    TooManyRows { most: usize },
    #[error("the last look at the database failed half-way")]
    Failed,
    #[error("a page of the database is not where its tree says: {detail}")]
    Misread { detail: String },
    /// PostgreSQL: dropped, or invalidated because it held back more log than the server allows.
    #[error("the replication slot {slot} is gone: {detail}")]
    SlotGone { slot: String, detail: String },
    /// PostgreSQL: what lies between was confirmed by somebody else, and never sent to us.
    #[error("the replication slot {slot} was moved on by another hand, from {from} to {to}")]
    SlotMoved {
        slot: String,
        from: String,
        to: String,
    },
    /// MySQL: purged before it was read.
    #[error("the server no longer has the binlog {file}")]
    LogPurged { file: String },
    /// A standby was promoted, a backup put back, another server stands behind the address.
    #[error("the server's history is another one: {detail}")]
    OtherHistory { detail: String },
    /// The log does not say which rows were there.
    #[error("the table {table} was emptied by TRUNCATE")]
    TableTruncated { table: String },
    /// PostgreSQL: a table may have been taken out and put back, or its replica identity changed.
    #[error("the publication {publication} or what it covers was changed")]
    PublicationChanged { publication: String },
    #[error(
        "changes of {table} were written while its key had other columns, and cannot be read any more"
    )]
    OldShape { table: String },
    /// PostgreSQL: columns renamed and named back, a partial publication.
    #[error("the columns of {table} were others for a while, and rows were written meanwhile")]
    ColumnsForAWhile { table: String },
    /// PostgreSQL: an identity without the key, set and taken back.
    #[error(
        "the replica identity of {table} left its key out for a while, so the log does not say which rows changed"
    )]
    IdentityForAWhile { table: String },
    /// PostgreSQL: the shop reads rows of the child as rows of the table; nobody guards them.
    #[error("the table {child} inherits from {table}, and its rows are not guarded")]
    Inherited { table: String, child: String },
    /// MySQL: a statement, an engine's cascade, or a form of logging that leaves rows out.
    #[error("the binlog does not say which rows changed: {what}")]
    Unlogged { what: String },
}
