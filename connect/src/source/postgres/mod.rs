//! A PostgreSQL shop: read, followed, examined. See docs/postgres-feed.md.
//!
//! Deliberately not here: a pool, an async runtime, statements that write (beside slot and
//! publication, which `attach` makes).

mod attach;
mod catalog;
mod check;
mod examine;
mod feed;
mod guarded;
mod kind;
mod login;
mod lsn;
mod moment;
mod pgoutput;
mod scan;
mod session;
mod slot;
mod snapshot;
mod source;
mod tls;
mod url;
mod wire;

pub use attach::{attach, detach};
pub use feed::PostgresFeed;
pub use source::PostgresSource;
