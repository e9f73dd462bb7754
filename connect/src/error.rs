//! What can go wrong with a source, in plain words, each with what to do about it.
//!
//! `Display` says what is wrong and never includes the source error; [`ConnectError::advice`]
//! says what to do. The chain is printed once, at the edge.

use std::path::PathBuf;
use thiserror::Error;

/// What a receiver of rows may fail with; it ends the reading.
pub type ReceiverError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("there is no file {}", path.display())]
    Missing { path: PathBuf },
    #[error("{} is not a file", path.display())]
    NotAFile { path: PathBuf },
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is not an SQLite database, or it is encrypted", path.display())]
    NotADatabase { path: PathBuf },
    #[error("{} cannot be opened as a database", path.display())]
    CannotOpen {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("{} is locked by another program", path.display())]
    Locked {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("{} is damaged", path.display())]
    Damaged {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("{} keeps its texts in {encoding}; only UTF-8 databases can be guarded", path.display())]
    Encoding { path: PathBuf, encoding: String },
    #[error("there is no table {table}")]
    TableMissing { table: String },
    #[error("table {table} has no column {column}")]
    ColumnMissing { table: String, column: String },
    #[error("no key is named for table {table}")]
    NoKey { table: String },
    #[error("the key ({}) of table {table} does not name one row: the table has no primary key or unique index on it", columns.join(", "))]
    KeyNotUnique { table: String, columns: Vec<String> },
    #[error("the columns of table {table} are not those it was set up with")]
    SchemaDiffers { table: String },
    #[error("the check is not a single reading statement")]
    CheckWrites,
    #[error("the check gives {found} columns; it must give table, key and detail")]
    CheckColumns { found: usize },
    #[error("the feed has not taken its first look yet")]
    NotScanned,
    #[error("the tree of table {table} is not understood: {detail}")]
    Shape { table: String, detail: String },
    #[error("the database failed while {doing}")]
    Sql {
        doing: String,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the write-ahead log {} cannot be read", path.display())]
    Wal {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} does not hold the address of a server: {what}", path.display())]
    AddressFile { path: PathBuf, what: &'static str },
    #[error("{server} is not on this machine, and TLS is switched off")]
    TlsWanted { server: String },
    #[error("no TLS connection with {server}: {what}")]
    Tls {
        server: String,
        what: String,
        #[source]
        source: Option<std::io::Error>,
    },
    #[error("{server} cannot be reached")]
    Unreachable {
        server: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{server} does not let us in: {message} ({code})")]
    LoginRefused {
        server: String,
        code: String,
        message: String,
    },
    /// The server's own words; its details, which may hold values, are left out.
    #[error("the server refused {doing}: {message} ({code})")]
    Server {
        doing: String,
        code: String,
        message: String,
    },
    #[error("the server's answer is not understood while {doing}: {what}")]
    Protocol { doing: String, what: String },
    #[error("there is no replication slot {slot} on the server")]
    NotAttached { slot: String },
    #[error("the replication slot {slot} belongs to another database of the server, {database}")]
    SlotElsewhere { slot: String, database: String },
    #[error("the publication {publication} does not publish the tables whole: {what}")]
    Publication { publication: String, what: String },
    #[error("table {table} cannot be guarded: {why}")]
    CannotGuard { table: String, why: String },
    #[error("the rows of table {table} do not come in the order of their keys")]
    KeyOrder { table: String },
    #[error("the check gives more than {most} bytes")]
    CheckTooLong { most: usize },
    #[error("whoever receives the rows stopped")]
    Receiver(#[source] ReceiverError),
}

impl ConnectError {
    /// What to do about it, in plain English.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::NotAFile { .. } => {
                "check `path` in the configuration; it must name the shop's database file"
            }
            Self::Unreadable { .. } => "give this account the right to read the file",
            Self::NotADatabase { .. } => {
                "check that the path names the database itself; an encrypted file cannot be guarded"
            }
            Self::CannotOpen { .. } => {
                "give this account the right to read the file and to write in its folder: SQLite keeps \
                 its shared memory file (-shm) there, even for readers"
            }
            Self::Locked { .. } => {
                "wait until the other program ends its work; a program with locking_mode=EXCLUSIVE \
                 must give it up before the file can be guarded"
            }
            Self::Damaged { .. } => {
                "run `PRAGMA integrity_check` in the sqlite3 shell and restore the file from a backup"
            }
            Self::Encoding { .. } => {
                "copy the data into a database made with `PRAGMA encoding='UTF-8'`"
            }
            Self::TableMissing { .. } | Self::ColumnMissing { .. } => {
                "correct the name in the configuration"
            }
            Self::NoKey { .. } | Self::KeyNotUnique { .. } => {
                "name the columns of the primary key, or of a unique index, as `key`"
            }
            Self::SchemaDiffers { .. } => {
                "check the policy against the new columns, then start again"
            }
            Self::CheckWrites => "write the check as one SELECT",
            Self::CheckColumns { .. } => "write the check as SELECT table, key, detail",
            Self::NotScanned => "call `rescan` first",
            Self::Shape { .. } => {
                "run `PRAGMA integrity_check`; if it finds nothing, report this as a fault"
            }
            Self::Sql { .. } | Self::Wal { .. } => "see the cause below; it is tried again",
            Self::AddressFile { .. } => {
                "write one line into the file `url_file`: postgres://user:password@host:port/database \
                 (mysql://... for MySQL); percent-encode special characters"
            }
            Self::TlsWanted { .. } => {
                "set `tls = \"verify\"`, and `ca_file` for a private authority"
            }
            Self::Tls { .. } => {
                "check that the server has TLS on, that `ca_file` names the authority that signed its \
                 certificate, and that the certificate names the host in the address"
            }
            Self::Unreachable { .. } => {
                "check host, port and firewall, and that the server runs; it is tried again"
            }
            Self::LoginRefused { .. } => {
                "check the user and the password in `url_file`, and the server's own rules of access"
            }
            Self::Server { .. } | Self::Publication { .. } => {
                "run `balefire source check`: it names missing rights and settings"
            }
            Self::Protocol { .. } => {
                "check that the address is that of the database itself, not of a pooler in front of it"
            }
            Self::NotAttached { .. } => "run `balefire source attach` first",
            Self::SlotElsewhere { .. } => "give this source a `slot` of its own",
            Self::CannotGuard { .. } => "run `balefire source check`: it says how to mend this",
            Self::KeyOrder { .. } => {
                "run REINDEX on the table; if that does not help, report this as a fault"
            }
            Self::CheckTooLong { .. } => "let the check give fewer or shorter rows",
            Self::Receiver(_) => "see the cause below",
        }
    }

    /// Whether the same thing may work a little later without anybody mending anything.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Locked { .. }
            | Self::Sql { .. }
            | Self::Wal { .. } => true,
            // SQLSTATE classes: connection, rollback, resources, intervention; and locks and slots in use.
            Self::Server { code, .. } | Self::LoginRefused { code, .. } => {
                ["08", "40", "53", "57", "55006", "55P03"]
                    .iter()
                    .any(|class| code.starts_with(class))
            }
            _ => false,
        }
    }
}
