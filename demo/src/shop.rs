//! The demo shop: one plain SQLite file with customers, staff, orders, lines, payments
//! and refunds, made from a seed. The same seed and number of orders give the same content,
//! byte for byte: nothing in it depends on the clock or on the machine.
//!
//! Deliberately not here: anything of Balefire. The shop does not know that it is guarded.

mod fill;
mod words;

use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use fill::{buyer_account, draw_line, provider_ref, stamp};
pub(crate) use words::{address, phone};

/// The shop's schema, as docs/demo.md prints it.
pub const DDL: &str = include_str!("shop/ddl.sql");

/// Smallest shop: below it there are too few paid orders and refunds to attack distinct rows.
pub const MIN_ORDERS: u32 = 500;
/// Largest shop: about 1.5 GB of SQLite; more says nothing about the guard that this does not.
pub const MAX_ORDERS: u32 = 5_000_000;

/// Currency of everything the shop sells.
pub const CURRENCY: &str = "CNY";
/// The accounts that the shop's payments go to.
pub const PAYEES: [&str; 3] = ["MERCHANT-CNY-01", "MERCHANT-CNY-02", "MERCHANT-CNY-03"];

/// How long a writer of the shop waits for another one.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that a program of the shop keeps prepared; it has about thirty.
const STATEMENTS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopOptions {
    pub orders: u32,
    pub seed: u64,
}

impl Default for ShopOptions {
    fn default() -> Self {
        Self {
            orders: 20_000,
            seed: 1,
        }
    }
}

/// Rows made, by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ShopCounts {
    pub customers: u32,
    pub staff: u32,
    pub orders: u32,
    pub order_lines: u32,
    pub payments: u32,
    pub refunds: u32,
}

/// A row of the shop: its table and the value of its `id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct RowName {
    pub table: String,
    pub id: i64,
}

impl RowName {
    pub fn new(table: &str, id: i64) -> Self {
        Self {
            table: table.to_owned(),
            id,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    #[error("{} is already there; delete it or name another folder", .0.display())]
    AlreadyThere(PathBuf),
    #[error("{} cannot be put in place", path.display())]
    Place {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("a shop of {0} orders cannot be made; choose from {MIN_ORDERS} to {MAX_ORDERS}")]
    Size(u32),
    #[error("the shop's database cannot be used")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the shop holds too few rows to attack: {wanted} {what} wanted, {found} found")]
    TooFew {
        what: &'static str,
        wanted: usize,
        found: usize,
    },
    #[error("the trade cannot be started")]
    Thread(#[source] std::io::Error),
    #[error("the trade has ended")]
    TradeEnded,
}

/// Makes a new shop at `path` and calls `progress` with the number of orders written so far.
///
/// The file appears only when it is whole: it is filled beside its place and renamed, so a
/// crash on the way leaves no half shop that looks like a whole one.
pub fn create(
    path: &Path,
    options: &ShopOptions,
    progress: &mut dyn FnMut(u32),
) -> Result<ShopCounts, ShopError> {
    if !(MIN_ORDERS..=MAX_ORDERS).contains(&options.orders) {
        return Err(ShopError::Size(options.orders));
    }
    if path.exists() {
        return Err(ShopError::AlreadyThere(path.to_owned()));
    }
    fill::whole(path, options, progress)
}

/// The `[[source]]` section of balefire.toml that guards this shop.
pub fn policy_toml() -> String {
    include_str!("shop/policy.toml").to_owned()
}

/// Opens an existing shop as one of its own programs does.
pub(crate) fn open(path: &Path) -> Result<Connection, ShopError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

#[cfg(test)]
pub(crate) mod tests;
