//! A recorded trace of row changes (one JSON object a line) and the schema dump beside it.
//!
//! [`Trace`] reads a file of any length with bounded memory and gives whole transactions;
//! [`SchemaDump`] reads what `pg_dump --schema-only`, `mysqldump` and `.schema` of sqlite3 write.
//! Deliberately not here: any judgement of what is read (see `detect::replay`, `detect::learn`).

mod dump;
mod error;
mod expect;
mod group;
mod line;
mod reader;
mod sql;
mod tables;
mod value;

pub use dump::{MAX_DUMP_BYTES, SchemaDump};
pub use error::TraceError;
pub use group::{MAX_TRANSACTION_LINES, OPEN_LINES};
pub use reader::{MAX_LINE_BYTES, Trace, Transactions};
pub use tables::MAX_TRACE_TABLES;
