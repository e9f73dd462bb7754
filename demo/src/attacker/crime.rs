//! What the attacker writes. Each function is one transaction; the rows of all of them are
//! distinct, and so are the orders behind them, so that each harm stands for itself.

use super::AttackedRow;
use crate::shop::{self, CURRENCY, PAYEES, RowName, ShopError};
use fastrand::Rng;
use model::{Clock, Instant};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::collections::HashSet;

// In each, ?1 and ?2 are the edges of what counts as just now (see [`just_now`]).
const PAID: &str = "SELECT id, id FROM orders o WHERE status = 'paid'
    AND updated_at NOT BETWEEN ?1 AND ?2
    AND EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id)";
const PAID_AND_KEPT: &str = "SELECT id, id FROM orders o WHERE status IN ('paid', 'shipped')
    AND updated_at NOT BETWEEN ?1 AND ?2
    AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = o.id)";
const PAYMENTS: &str = "SELECT p.id, p.order_id FROM payments p JOIN orders o ON o.id = p.order_id
    WHERE o.status IN ('paid', 'shipped') AND o.updated_at NOT BETWEEN ?1 AND ?2";
const OPEN_REFUNDS: &str = "SELECT id, order_id FROM refunds WHERE status = 'requested'
    AND created_at NOT BETWEEN ?1 AND ?2";
const REFUNDS: &str = "SELECT id, order_id FROM refunds WHERE status IN ('requested', 'done')
    AND created_at NOT BETWEEN ?1 AND ?2";

/// Seconds that a row must have lain still to be attacked.
const STILL_S: i64 = 10;

/// The edges of what counts as just now, as the shop writes times. Rows that the shop touched
/// just now are left alone: whoever looks at the states of a file, and not at its steps, may see
/// such a row for the first time when it is tampered with already, and then nobody can tell.
/// The demo is about what can be told. Rows dated in the future are as still as old ones.
pub(super) fn just_now(now: Instant) -> [String; 2] {
    [-STILL_S, STILL_S].map(|seconds| shop::stamp(now.plus_s(seconds)))
}

pub(super) struct Crime<'a> {
    rng: Rng,
    clock: &'a dyn Clock,
    /// Orders that were attacked, themselves or through their payment or refund.
    orders: HashSet<i64>,
}

type Rows = Vec<(RowName, &'static [&'static str])>;

impl<'a> Crime<'a> {
    pub fn new(rng: Rng, clock: &'a dyn Clock) -> Self {
        Self {
            rng,
            clock,
            orders: HashSet::new(),
        }
    }

    /// Amounts and payees of paid orders, of payments and of refunds that wait to be paid out.
    pub fn alter(
        &mut self,
        connection: &mut Connection,
        count: usize,
    ) -> Result<Vec<AttackedRow>, ShopError> {
        let (payments, refunds) = (count / 4, count / 6);
        self.transaction(connection, |crime, transaction| {
            let mut rows = Rows::new();
            // A small shop may have paid out all its refunds: then more orders are altered.
            let refunds = crime.some(transaction, OPEN_REFUNDS, refunds)?;
            let orders = count - payments - refunds.len();
            let chosen = crime.choose(transaction, PAID, "paid orders", orders)?;
            for (nth, id) in chosen.into_iter().enumerate() {
                rows.push(crime.alter_order(transaction, nth, id)?);
            }
            for id in crime.choose(transaction, PAYMENTS, "payments", payments)? {
                let sql = "UPDATE payments SET payee_account = ?2 WHERE id = ?1";
                transaction.execute(sql, params![id, crime.own_account()])?;
                rows.push((RowName::new("payments", id), &["payee_account"]));
            }
            for id in refunds {
                let sql = "UPDATE refunds SET payee_account = ?2 WHERE id = ?1";
                transaction.execute(sql, params![id, crime.own_account()])?;
                rows.push((RowName::new("refunds", id), &["payee_account"]));
            }
            Ok(rows)
        })
    }

    /// Paid orders that nobody paid, and refunds of orders that nobody sent back.
    pub fn forge(
        &mut self,
        connection: &mut Connection,
        count: usize,
    ) -> Result<Vec<AttackedRow>, ShopError> {
        let refunds = count / 2;
        self.transaction(connection, |crime, transaction| {
            let now = crime.clock.now();
            let mut rows = Rows::new();
            for _ in refunds..count {
                let order = crime.insert_order(transaction, now)?;
                crime.orders.insert(order);
                rows.push((RowName::new("orders", order), &[]));
            }
            for order in crime.choose(transaction, PAID_AND_KEPT, "paid orders", refunds)? {
                transaction.execute(
                    "INSERT INTO refunds (order_id, customer_id, amount_minor, currency,
                         payee_account, status, created_at)
                     SELECT order_id, customer_id, amount_minor, currency, ?2, 'requested', ?3
                     FROM payments WHERE order_id = ?1",
                    params![order, crime.own_account(), shop::stamp(now)],
                )?;
                rows.push((
                    RowName::new("refunds", transaction.last_insert_rowid()),
                    &[],
                ));
            }
            Ok(rows)
        })
    }

    pub fn delete(
        &mut self,
        connection: &mut Connection,
        count: usize,
    ) -> Result<Vec<AttackedRow>, ShopError> {
        self.transaction(connection, |crime, transaction| {
            let mut rows = Rows::new();
            for id in crime.choose(transaction, REFUNDS, "refunds", count)? {
                transaction.execute("DELETE FROM refunds WHERE id = ?1", [id])?;
                rows.push((RowName::new("refunds", id), &[]));
            }
            Ok(rows)
        })
    }

    /// An order with lines and a payment that agrees with it, just as the shop writes them.
    pub fn forge_perfectly(
        &mut self,
        connection: &mut Connection,
        count: usize,
    ) -> Result<Vec<AttackedRow>, ShopError> {
        self.transaction(connection, |crime, transaction| {
            let now = crime.clock.now();
            let mut rows = Rows::new();
            for _ in 0..count {
                let order = crime.insert_order(transaction, now)?;
                transaction.execute(
                    "INSERT INTO order_lines (order_id, sku, title, quantity, unit_minor)
                     SELECT id, 'ELE-003', '机械键盘 87键', 1, total_minor FROM orders WHERE id = ?1",
                    [order],
                )?;
                transaction.execute(
                    "INSERT INTO payments (order_id, customer_id, amount_minor, currency,
                         payee_account, provider_ref, paid_at)
                     SELECT id, customer_id, total_minor, currency, payee_account, ?2, ?3
                     FROM orders WHERE id = ?1",
                    params![
                        order,
                        shop::provider_ref(&mut crime.rng),
                        shop::stamp(now)
                    ],
                )?;
                rows.push((RowName::new("orders", order), &[]));
            }
            Ok(rows)
        })
    }

    fn transaction(
        &mut self,
        connection: &mut Connection,
        work: impl FnOnce(&mut Self, &Transaction<'_>) -> Result<Rows, ShopError>,
    ) -> Result<Vec<AttackedRow>, ShopError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let rows = work(self, &transaction)?;
        let committed_at = self.clock.now();
        transaction.commit()?;
        let attacked = |(row, columns): (RowName, &[&str])| AttackedRow {
            row,
            columns: columns.iter().map(|&c| c.to_owned()).collect(),
            committed_at,
        };
        Ok(rows.into_iter().map(attacked).collect())
    }

    /// `count` random rows of `sql` (row id, order id) whose orders were not attacked yet.
    fn choose(
        &mut self,
        transaction: &Transaction<'_>,
        sql: &str,
        what: &'static str,
        count: usize,
    ) -> Result<Vec<i64>, ShopError> {
        let found = self.some(transaction, sql, count)?;
        if found.len() < count {
            return Err(ShopError::TooFew {
                what,
                wanted: count,
                found: found.len(),
            });
        }
        Ok(found)
    }

    /// As [`Crime::choose`], but as many as there are, up to `most`.
    fn some(
        &mut self,
        transaction: &Transaction<'_>,
        sql: &str,
        most: usize,
    ) -> Result<Vec<i64>, ShopError> {
        let mut found = transaction
            .prepare(sql)?
            .query_map(just_now(self.clock.now()), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<Vec<(i64, i64)>, _>>()?;
        self.rng.shuffle(&mut found);
        let mut chosen = Vec::new();
        for (id, order) in found {
            // Two payments of one order are not two harms.
            if chosen.len() < most && self.orders.insert(order) {
                chosen.push(id);
            }
        }
        Ok(chosen)
    }

    /// In turn the amount, the payee, and both.
    fn alter_order(
        &mut self,
        transaction: &Transaction<'_>,
        nth: usize,
        id: i64,
    ) -> Result<(RowName, &'static [&'static str]), ShopError> {
        let columns: &[&str] = match nth % 3 {
            0 => &["total_minor"],
            1 => &["payee_account"],
            _ => &["total_minor", "payee_account"],
        };
        if columns.contains(&"total_minor") {
            let sql = "UPDATE orders SET total_minor = total_minor * ?2 + 1 WHERE id = ?1";
            transaction.execute(sql, [id, self.rng.i64(2..=9)])?;
        }
        if columns.contains(&"payee_account") {
            let sql = "UPDATE orders SET payee_account = ?2 WHERE id = ?1";
            transaction.execute(sql, params![id, self.own_account()])?;
        }
        Ok((RowName::new("orders", id), columns))
    }

    fn insert_order(
        &mut self,
        transaction: &Transaction<'_>,
        now: Instant,
    ) -> Result<i64, ShopError> {
        let total = self.rng.i64(50_000..900_000);
        let payee = PAYEES[self.rng.usize(..PAYEES.len())];
        let draw = self.rng.u32(..);
        transaction.execute(
            "INSERT INTO orders (customer_id, status, total_minor, currency, payee_account,
                 receiver_phone, placed_at, updated_at)
             SELECT id, 'paid', ?2, ?3, ?4, phone, ?5, ?5 FROM customers
             ORDER BY id LIMIT 1 OFFSET ?1 % (SELECT count(*) FROM customers)",
            params![draw, total, CURRENCY, payee, shop::stamp(now)],
        )?;
        Ok(transaction.last_insert_rowid())
    }

    fn own_account(&mut self) -> String {
        format!("ACCT-{:08}", self.rng.u32(..100_000_000))
    }
}
