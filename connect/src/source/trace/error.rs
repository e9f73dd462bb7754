//! What can be wrong with a trace or a schema dump: which line, and what to do.

use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum TraceError {
    #[error("{} cannot be read; give the path of a file that this account may read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "{}, line {line}: the line is not a whole JSON object; mend or remove it \
         (a last line cut short means that the recording was still going on)",
        path.display()
    )]
    NotJson {
        path: PathBuf,
        line: u64,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "{}, line {line}: the line is longer than {most} bytes; a trace has one row change a line",
        path.display()
    )]
    LineTooLong {
        path: PathBuf,
        line: u64,
        most: usize,
    },
    #[error("{}, line {line}: {what}", path.display())]
    Line {
        path: PathBuf,
        line: u64,
        what: String,
    },
    #[error(
        "{} holds no row change; a trace has one JSON object a line, with table, op, key, old and new",
        path.display()
    )]
    Empty { path: PathBuf },
    #[error(
        "{} holds no CREATE TABLE; give what `pg_dump --schema-only`, `mysqldump --no-data` \
         or `.schema` of sqlite3 writes",
        path.display()
    )]
    NoTables { path: PathBuf },
    #[error(
        "{} has more than {most} bytes; write a dump without data (`pg_dump --schema-only`, \
         `mysqldump --no-data`)",
        path.display()
    )]
    DumpTooLong { path: PathBuf, most: u64 },
    #[error(
        "{} names more than {most} tables; leave out those that need no guard",
        path.display()
    )]
    TooManyTables { path: PathBuf, most: usize },
}
