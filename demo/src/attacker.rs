//! The attacker: writes into the shop's database file from a connection of his own, past the
//! shop's programs and without knowing of Balefire.
//!
//! He returns what he did, for the demo's own report only: what Balefire found is counted from
//! what Balefire stored, never from this list.

mod crime;

use crate::shop::{self, RowName, ShopError};
use fastrand::Rng;
use model::{Clock, Instant};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// How much harm is done. Forged rows are half orders, half refunds; of the altered rows a
/// quarter are payments, a sixth refunds, the rest paid orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttackOptions {
    pub seed: u64,
    pub altered: usize,
    pub forged: usize,
    pub deleted: usize,
    pub undetectable: usize,
}

impl Default for AttackOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            altered: 12,
            forged: 6,
            deleted: 4,
            undetectable: 1,
        }
    }
}

/// One attacked row.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AttackedRow {
    #[serde(flatten)]
    pub row: RowName,
    /// Columns altered; empty for rows inserted or deleted.
    pub columns: Vec<String>,
    /// Read just before the COMMIT was issued, so that a time measured from it can only be
    /// too long.
    pub committed_at: Instant,
}

/// Everything the attacker did. All rows are distinct.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Injected {
    pub altered: Vec<AttackedRow>,
    pub forged: Vec<AttackedRow>,
    pub deleted: Vec<AttackedRow>,
    /// Forged orders with lines and a matching payment: no policy over rows can tell them from
    /// real ones. Only the order is listed; its lines and its payment belong to it.
    pub undetectable: Vec<AttackedRow>,
    /// The first COMMIT.
    pub committed_at: Instant,
}

impl Injected {
    /// Altered rows that the trade can lawfully carry on: paid orders, refunds not yet done.
    pub fn nudgeable(&self) -> Vec<RowName> {
        self.altered
            .iter()
            .map(|attacked| &attacked.row)
            .filter(|row| row.table != "payments")
            .cloned()
            .collect()
    }
}

/// The whole attack: four transactions, one for each kind of harm.
pub fn attack(
    path: &Path,
    options: &AttackOptions,
    clock: &dyn Clock,
) -> Result<Injected, ShopError> {
    let mut connection = shop::open(path)?;
    let mut crime = crime::Crime::new(Rng::with_seed(options.seed), clock);
    let altered = crime.alter(&mut connection, options.altered)?;
    let forged = crime.forge(&mut connection, options.forged)?;
    let deleted = crime.delete(&mut connection, options.deleted)?;
    let undetectable = crime.forge_perfectly(&mut connection, options.undetectable)?;
    let first = [&altered, &forged, &deleted, &undetectable]
        .into_iter()
        .flatten()
        .map(|row| row.committed_at)
        .min();
    Ok(Injected {
        altered,
        forged,
        deleted,
        undetectable,
        committed_at: first.unwrap_or_default(),
    })
}

/// One order tampered with by hand.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Tampered {
    #[serde(flatten)]
    pub attacked: AttackedRow,
    pub total_before_minor: i64,
    pub total_after_minor: i64,
}

/// Multiplies one paid order's total by ten, directly in the file: what the page's button does.
/// `None` takes a paid order of its own choice.
pub fn tamper_one(
    path: &Path,
    order: Option<i64>,
    clock: &dyn Clock,
) -> Result<Tampered, ShopError> {
    let mut connection = shop::open(path)?;
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let order = match order {
        Some(order) => order,
        None => choose(&transaction, clock.now().0 as u64, clock)?,
    };
    let total = |connection: &Connection| {
        connection
            .query_row(
                "SELECT total_minor FROM orders WHERE id = ?1",
                [order],
                |row| row.get::<_, i64>(0),
            )
            .optional()
    };
    let nothing = ShopError::TooFew {
        what: "orders",
        wanted: 1,
        found: 0,
    };
    let Some(total_before_minor) = total(&transaction)? else {
        return Err(nothing);
    };
    transaction.execute(TAMPER, [order])?;
    let total_after_minor = total(&transaction)?.unwrap_or(total_before_minor);
    let committed_at = clock.now();
    transaction.commit()?;
    Ok(Tampered {
        attacked: AttackedRow {
            row: RowName::new("orders", order),
            columns: vec!["total_minor".into()],
            committed_at,
        },
        total_before_minor,
        total_after_minor,
    })
}

const TAMPER: &str = "UPDATE orders SET total_minor = total_minor * 10 WHERE id = ?1";

/// A paid order for [`tamper_line`] to name; another one for another `seed`.
pub fn paid_order(path: &Path, seed: u64, clock: &dyn Clock) -> Result<i64, ShopError> {
    choose(&shop::open(path)?, seed, clock)
}

/// The line for a POSIX shell that does with the sqlite3 program what [`tamper_one`] does.
pub fn tamper_line(path: &Path, order: i64) -> String {
    let path = path.to_string_lossy().replace('\'', r"'\''");
    let sql = TAMPER.replace("?1", &order.to_string());
    format!("sqlite3 -cmd '.timeout 5000' '{path}' '{sql}'")
}

fn choose(connection: &Connection, seed: u64, clock: &dyn Clock) -> Result<i64, ShopError> {
    let last: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM orders", [], |row| {
        row.get(0)
    })?;
    let from = Rng::with_seed(seed).i64(0..=last);
    let [low, high] = crime::just_now(clock.now());
    connection
        .query_row(
            "SELECT id FROM orders WHERE status IN ('paid', 'shipped')
                 AND updated_at NOT BETWEEN ?2 AND ?3
             ORDER BY id < ?1, id LIMIT 1",
            rusqlite::params![from, low, high],
            |row| row.get(0),
        )
        .optional()?
        .ok_or(ShopError::TooFew {
            what: "paid orders",
            wanted: 1,
            found: 0,
        })
}

#[cfg(test)]
mod tests;

impl std::fmt::Display for Tampered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (before, after) = (self.total_before_minor, self.total_after_minor);
        write!(
            f,
            "{} {}: total_minor {before} → {after}",
            self.attacked.row.table, self.attacked.row.id
        )
    }
}
