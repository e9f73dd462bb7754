//! Where a shop's database is, and how it is reached: secrets stand in a file, never in a flag or in
//! an environment variable.

use super::{Feed, GuardedTable, Source, mysql, postgres, sqlite};
use crate::ConnectError;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a source's configuration points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    Sqlite { path: PathBuf },
    Postgres(ServerAddress),
    Mysql(ServerAddress),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// File with one line, `postgres://user:password@host:port/database` or `mysql://...`.
    pub url_file: PathBuf,
    pub tls: TlsMode,
    /// Certificates (PEM) that sign the server's; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// Name of the replication slot and of the publication; for MySQL the text that the replica's
    /// server id is derived from. Letters, digits and underscores.
    pub slot: String,
    /// Log that the server may have to keep for the guard, in MiB; beyond it `on_full` says what happens.
    pub max_retained_mib: u64,
    pub on_full: OnFull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// Certificate and host name are checked.
    #[default]
    Verify,
    /// No TLS. Refused for servers that are not on this machine.
    Off,
}

/// What gives way when the guard is behind by more log than it may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// The shop's disk comes first: let go of the log, be blind, audit everything afterwards.
    #[default]
    LetGo,
    /// The record comes first: keep the log and warn.
    Keep,
}

impl Location {
    /// `sqlite`, `postgres` or `mysql`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres(_) => "postgres",
            Self::Mysql(_) => "mysql",
        }
    }

    pub fn source(&self) -> Result<Box<dyn Source>, ConnectError> {
        Ok(match self {
            Self::Sqlite { path } => Box::new(sqlite::SqliteSource::open(path)?),
            Self::Postgres(address) => Box::new(postgres::PostgresSource::open(address)?),
            Self::Mysql(address) => Box::new(mysql::MysqlSource::open(address)?),
        })
    }

    /// Opens the feed; nothing is read before [`Feed::rescan`]. `resume`: position up to which
    /// everything is durable here, for databases with a log of transactions.
    pub fn feed(
        &self,
        tables: Vec<GuardedTable>,
        resume: Option<u64>,
    ) -> Result<Box<dyn Feed>, ConnectError> {
        Ok(match self {
            Self::Sqlite { path } => Box::new(sqlite::Feed::open(
                path,
                tables,
                sqlite::FeedOptions::default(),
            )?),
            Self::Postgres(address) => {
                Box::new(postgres::PostgresFeed::open(address, tables, resume)?)
            }
            Self::Mysql(address) => Box::new(mysql::MysqlFeed::open(address, tables, resume)?),
        })
    }

    /// Makes what following needs on the server (slot and publication); nothing for others.
    pub fn attach(&self, tables: &[GuardedTable]) -> Result<Vec<String>, ConnectError> {
        match self {
            Self::Sqlite { .. } => Ok(Vec::new()),
            Self::Postgres(address) => postgres::attach(address, tables),
            Self::Mysql(address) => mysql::attach(address, tables),
        }
    }

    /// Removes what [`Location::attach`] made. What was removed, as people read it.
    pub fn detach(&self) -> Result<Vec<String>, ConnectError> {
        match self {
            Self::Sqlite { .. } => Ok(Vec::new()),
            Self::Postgres(address) => postgres::detach(address),
            Self::Mysql(address) => mysql::detach(address),
        }
    }
}
