//! One transaction of the trade. All waits, threads and files are elsewhere.
//!
//! The shop's own rules, which any shop keeps: it ships only what was paid; it pays back only
//! where the order and its payment agree on amount and payee, and only once. So a tampered
//! amount is not carried on into a refund, whoever tampered with it.

use super::holds::{Action, Held};
use crate::shop::{self, CURRENCY, PAYEES, RowName, ShopError};
use fastrand::Rng;
use model::Instant;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

/// Candidates looked at for one step; all of them held means that the step is passed over.
const CANDIDATES: u32 = 8;

/// Rows that are ready for something: `id`s of `table`, to which conditions on `id` are added.
#[derive(Clone, Copy)]
struct Work {
    table: &'static str,
    action: Action,
    sql: &'static str,
}

/// Orders of one state that may be refunded. One state at a time, because SQLite walks the
/// index of a single state in key order without sorting.
macro_rules! refundable {
    ($status:literal) => {
        Work {
            table: "orders",
            action: Action::Refund,
            sql: concat!(
                "SELECT id FROM orders o WHERE status = '",
                $status,
                "' AND 1 = (SELECT count(*) FROM payments p WHERE p.order_id = o.id)
                AND EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id
                    AND p.amount_minor = o.total_minor AND p.payee_account = o.payee_account
                    AND p.currency = o.currency AND p.customer_id = o.customer_id)
                AND NOT EXISTS (SELECT 1 FROM refunds r
                    WHERE r.order_id = o.id AND r.status <> 'void')"
            ),
        }
    };
}

impl Work {
    const PAY: Self = Self {
        table: "orders",
        action: Action::Pay,
        sql: "SELECT id FROM orders WHERE status = 'placed'",
    };
    const SHIP: Self = Self {
        table: "orders",
        action: Action::Ship,
        sql: "SELECT id FROM orders o WHERE status = 'paid'
            AND EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id)",
    };
    const REFUND_PAID: Self = refundable!("paid");
    const REFUND_SHIPPED: Self = refundable!("shipped");
    const FINISH: Self = Self {
        table: "refunds",
        action: Action::Refund,
        sql: "SELECT id FROM refunds r WHERE status = 'requested'
            AND EXISTS (SELECT 1 FROM orders o WHERE o.id = r.order_id AND o.status = 'refunded')",
    };
    const CANCEL: Self = Self {
        action: Action::Cancel,
        ..Self::PAY
    };
}

/// What a transaction did; ids are those of the row in the step's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Placed(i64),
    Paid(i64),
    Shipped(i64),
    Refunded {
        order: i64,
    },
    RefundDone(i64),
    Cancelled(i64),
    Moved(i64),
    /// The row is held.
    Held,
    /// There was nothing to do.
    Nothing,
}

pub(super) struct Trader {
    connection: Connection,
    rng: Rng,
    customers: i64,
}

/// A row found for a step.
enum Found {
    Row(i64),
    OnlyHeld,
    None,
}

impl Trader {
    pub fn new(connection: Connection, seed: u64) -> Result<Self, ShopError> {
        let customers =
            connection.query_row("SELECT coalesce(max(id), 0) FROM customers", [], |row| {
                row.get(0)
            })?;
        Ok(Self {
            connection,
            rng: Rng::with_seed(seed),
            customers,
        })
    }

    /// One transaction of whatever kind comes up. Orders come in a little faster than they go
    /// out, so that there is always something to pay, ship and refund.
    pub fn any(&mut self, now: Instant, held: &Held) -> Result<Step, ShopError> {
        let kind = self.rng.u8(..100);
        let rng = &mut self.rng;
        let customers = self.customers;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let step = match kind {
            0..36 => place(&transaction, rng, customers, now)?,
            36..66 => at_one(&transaction, rng, Work::PAY, held, |t, rng, id| {
                pay(t, rng, id, now)
            })?,
            66..84 => at_one(&transaction, rng, Work::SHIP, held, |t, _, id| {
                ship(t, id, now)
            })?,
            84..89 => {
                let work = if rng.bool() {
                    Work::REFUND_PAID
                } else {
                    Work::REFUND_SHIPPED
                };
                at_one(&transaction, rng, work, held, |t, _, id| refund(t, id, now))?
            }
            89..94 => at_one(&transaction, rng, Work::FINISH, held, |t, _, id| {
                finish(t, held, id)
            })?,
            94..98 => at_one(&transaction, rng, Work::CANCEL, held, |t, _, id| {
                cancel(t, id, now)
            })?,
            _ => relocate(&transaction, rng, customers)?,
        };
        transaction.commit()?;
        Ok(step)
    }

    /// Carries one given row a lawful step on.
    pub fn push_on(&mut self, row: &RowName, now: Instant, held: &Held) -> Result<Step, ShopError> {
        let rng = &mut self.rng;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut step = Step::Nothing;
        for work in [Work::SHIP, Work::PAY, Work::FINISH] {
            if work.table != row.table || !is_ready(&transaction, work, row.id)? {
                continue;
            }
            step = match work.action {
                action if held.holds(&row.table, row.id, action) => Step::Held,
                Action::Ship => ship(&transaction, row.id, now)?,
                Action::Pay => pay(&transaction, rng, row.id, now)?,
                Action::Refund | Action::Cancel => finish(&transaction, held, row.id)?,
            };
            break;
        }
        transaction.commit()?;
        Ok(step)
    }
}

fn is_ready(transaction: &Transaction<'_>, work: Work, id: i64) -> Result<bool, ShopError> {
    let sql = format!("SELECT EXISTS ({} AND id = ?1)", work.sql);
    let mut statement = transaction.prepare_cached(&sql)?;
    Ok(statement.query_row([id], |row| row.get(0))?)
}

/// Finds a row by `work` from a random place on, and does `then` with it.
fn at_one(
    transaction: &Transaction<'_>,
    rng: &mut Rng,
    work: Work,
    held: &Held,
    then: impl FnOnce(&Transaction<'_>, &mut Rng, i64) -> Result<Step, ShopError>,
) -> Result<Step, ShopError> {
    match find(transaction, rng, work, held)? {
        Found::Row(id) => then(transaction, rng, id),
        Found::OnlyHeld => Ok(Step::Held),
        Found::None => Ok(Step::Nothing),
    }
}

fn find(
    transaction: &Transaction<'_>,
    rng: &mut Rng,
    work: Work,
    held: &Held,
) -> Result<Found, ShopError> {
    let last: i64 = transaction
        .prepare_cached(&format!("SELECT coalesce(max(id), 0) FROM {}", work.table))?
        .query_row([], |row| row.get(0))?;
    let from = rng.i64(0..=last);
    let mut any_held = false;
    // From the random place to the end, then from the beginning.
    for (low, high) in [(from, i64::MAX), (0, from)] {
        let sql = format!(
            "{} AND id >= ?1 AND id < ?2 ORDER BY id LIMIT {CANDIDATES}",
            work.sql
        );
        let mut statement = transaction.prepare_cached(&sql)?;
        let mut rows = statement.query([low, high])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            if !held.holds(work.table, id, work.action) {
                return Ok(Found::Row(id));
            }
            any_held = true;
        }
    }
    Ok(if any_held {
        Found::OnlyHeld
    } else {
        Found::None
    })
}

fn place(
    transaction: &Transaction<'_>,
    rng: &mut Rng,
    customers: i64,
    now: Instant,
) -> Result<Step, ShopError> {
    let lines: Vec<_> = (0..rng.u8(1..=3)).map(|_| shop::draw_line(rng)).collect();
    let total: i64 = lines.iter().map(|l| l.quantity * l.unit_minor).sum();
    transaction
        .prepare_cached(
            "INSERT INTO orders (customer_id, status, total_minor, currency, payee_account,
                 receiver_phone, placed_at, updated_at)
             VALUES (?1, 'placed', ?2, ?3, ?4, ?5, ?6, ?6)",
        )?
        .execute(params![
            rng.i64(1..=customers.max(1)),
            total,
            CURRENCY,
            PAYEES[rng.usize(..PAYEES.len())],
            shop::phone(rng),
            shop::stamp(now)
        ])?;
    let order = transaction.last_insert_rowid();
    for line in &lines {
        transaction
            .prepare_cached(
                "INSERT INTO order_lines (order_id, sku, title, quantity, unit_minor)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                order,
                line.sku,
                line.title,
                line.quantity,
                line.unit_minor
            ])?;
    }
    Ok(Step::Placed(order))
}

fn pay(
    transaction: &Transaction<'_>,
    rng: &mut Rng,
    order: i64,
    now: Instant,
) -> Result<Step, ShopError> {
    transaction
        .prepare_cached(
            "INSERT INTO payments (order_id, customer_id, amount_minor, currency,
                 payee_account, provider_ref, paid_at)
             SELECT id, customer_id, total_minor, currency, payee_account, ?2, ?3
             FROM orders WHERE id = ?1",
        )?
        .execute(params![order, shop::provider_ref(rng), shop::stamp(now)])?;
    move_order(transaction, order, "paid", now)?;
    Ok(Step::Paid(order))
}

fn ship(transaction: &Transaction<'_>, order: i64, now: Instant) -> Result<Step, ShopError> {
    move_order(transaction, order, "shipped", now)?;
    transaction
        .prepare_cached("UPDATE orders SET shipped_at = updated_at WHERE id = ?1")?
        .execute([order])?;
    Ok(Step::Shipped(order))
}

fn refund(transaction: &Transaction<'_>, order: i64, now: Instant) -> Result<Step, ShopError> {
    move_order(transaction, order, "refunded", now)?;
    let customer: i64 = transaction
        .prepare_cached("SELECT customer_id FROM orders WHERE id = ?1")?
        .query_row([order], |row| row.get(0))?;
    transaction
        .prepare_cached(
            "INSERT INTO refunds (order_id, customer_id, amount_minor, currency,
                 payee_account, status, created_at)
             SELECT order_id, customer_id, amount_minor, currency, ?2, 'requested', ?3
             FROM payments WHERE order_id = ?1",
        )?
        .execute(params![
            order,
            shop::buyer_account(customer),
            shop::stamp(now)
        ])?;
    Ok(Step::Refunded { order })
}

/// Pays a refund out, unless its order is held: a hold on either stops the money.
fn finish(transaction: &Transaction<'_>, held: &Held, refund: i64) -> Result<Step, ShopError> {
    let order: Option<i64> = transaction
        .prepare_cached("SELECT order_id FROM refunds WHERE id = ?1")?
        .query_row([refund], |row| row.get(0))
        .optional()?;
    if order.is_none_or(|order| held.holds("orders", order, Action::Refund)) {
        return Ok(Step::Held);
    }
    transaction
        .prepare_cached("UPDATE refunds SET status = 'done' WHERE id = ?1")?
        .execute([refund])?;
    Ok(Step::RefundDone(refund))
}

fn cancel(transaction: &Transaction<'_>, order: i64, now: Instant) -> Result<Step, ShopError> {
    move_order(transaction, order, "cancelled", now)?;
    Ok(Step::Cancelled(order))
}

fn relocate(
    transaction: &Transaction<'_>,
    rng: &mut Rng,
    customers: i64,
) -> Result<Step, ShopError> {
    let customer = rng.i64(1..=customers.max(1));
    transaction
        .prepare_cached("UPDATE customers SET address = ?2 WHERE id = ?1")?
        .execute(params![customer, shop::address(rng)])?;
    Ok(Step::Moved(customer))
}

fn move_order(
    transaction: &Transaction<'_>,
    order: i64,
    status: &str,
    now: Instant,
) -> Result<(), ShopError> {
    transaction
        .prepare_cached("UPDATE orders SET status = ?2, updated_at = ?3 WHERE id = ?1")?
        .execute(params![order, status, shop::stamp(now)])?;
    Ok(())
}
