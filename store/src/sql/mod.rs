//! The one seam between the store and its databases: SQLite in a file, or a PostgreSQL server.
//!
//! One text serves both wherever it can: values stand as `?1`, all integers have 64 bits, and
//! upserts are written `ON CONFLICT`. Where the two differ, both texts stand side by side at the
//! caller. Deliberately not here: tables, and when a transaction begins or ends.

mod error;
pub(crate) mod postgres;
pub(crate) mod sqlite;
mod value;

pub use error::SqlError;
pub(crate) use value::{Row, Value, values};

use std::ops::ControlFlow;

/// A connection, used by one thread at a time. Statements are prepared once and kept.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<postgres::Link>),
}

/// Which text a statement needs where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Connection {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Whether the transaction that was begun can still be committed.
    pub fn in_transaction(&self) -> bool {
        match self {
            // After a full disk SQLite may have rolled the whole transaction back by itself.
            Self::Sqlite(db) => !db.is_autocommit(),
            Self::Postgres(link) => !link.is_lost(),
        }
    }

    /// Nothing can be asked here any more; another connection must be made.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Postgres(link) if link.is_lost())
    }

    /// Runs statements without values.
    pub fn run(&self, script: &str) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(db) => Ok(db.execute_batch(script)?),
            Self::Postgres(link) => link.run(script),
        }
    }

    /// Rows that were changed.
    pub fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, SqlError> {
        match self {
            Self::Sqlite(db) => {
                let values = rusqlite::params_from_iter(values);
                Ok(db.prepare_cached(sql)?.execute(values)? as u64)
            }
            Self::Postgres(link) => link.execute(sql, values),
        }
    }

    /// Runs one statement with many rows of values, in their order; the rows that each changed. To
    /// a server they go without waiting for each answer.
    pub fn execute_all(&self, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<Vec<u64>, SqlError> {
        match self {
            Self::Sqlite(_) => rows.iter().map(|row| self.execute(sql, row)).collect(),
            Self::Postgres(link) => link.execute_all(sql, rows),
        }
    }

    /// Shows row after row, until there are no more or the visitor has enough. From SQLite rows
    /// come one by one; a server sends all that the statement's own limit lets through.
    pub fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, SqlError>,
    ) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(db) => {
                let mut statement = db.prepare_cached(sql)?;
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                while let Some(row) = rows.next()? {
                    if visit(&Row::Sqlite(row))?.is_break() {
                        break;
                    }
                }
            }
            Self::Postgres(link) => {
                for row in &link.query(sql, values)? {
                    if visit(&Row::Postgres(row))?.is_break() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    pub fn query<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let mut all = Vec::new();
        self.each(sql, values, |row| {
            all.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// The first row, if there is one.
    pub fn optional<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Option<T>, SqlError> {
        let mut found = None;
        self.each(sql, values, |row| {
            found = Some(read(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The first row of a statement that always gives one.
    pub fn one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.optional(sql, values, read)?.ok_or(SqlError::NoRow)
    }
}
