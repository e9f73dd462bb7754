//! Row changes of a trading shop, made before the clock starts: orders are placed, then paid (a
//! payment comes with it), then shipped. Half are inserts, half updates; every row has 600 bytes.

use model::row::RowBuilder;
use model::{Key, Observed, Row, ValueRef};

/// Bytes of one row in its canonical form.
pub const ROW_BYTES: usize = 600;
/// Row changes of one batch, and entries of one fsynced group.
pub const BATCH: usize = 4_096;
/// New orders of a batch: each later brings a payment and two updates.
const ORDERS: i64 = BATCH as i64 / 4;
/// Data subjects; their keys are made before the clock starts.
const CUSTOMERS: i64 = 20_000;

const CUSTOMER_TABLE: u16 = 0;
const ORDER_TABLE: u16 = 1;
const PAYMENT_TABLE: u16 = 2;

/// The shop that these rows belong to.
pub const DDL: &str = "
PRAGMA journal_mode = WAL;
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name TEXT, phone TEXT, email TEXT, address TEXT, note TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), status TEXT,
    total_minor INTEGER, currency TEXT, payee_account TEXT, receiver_name TEXT,
    receiver_phone TEXT, address TEXT, placed_at TEXT, updated_at TEXT, cart TEXT);
CREATE TABLE payments (
    id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id),
    customer_id INTEGER REFERENCES customers (id), amount_minor INTEGER, currency TEXT,
    payee_account TEXT, payer_account TEXT, provider_ref TEXT, paid_at TEXT, receipt TEXT);
";

/// Its policy, with every kind of rule that the intake judges by.
pub const POLICY: &str = r#"
[[source]]
name = "shop"
kind = "sqlite"
path = "shop.db"

[[source.table]]
name = "customers"
key = ["id"]
subject = "id"
personal = { name = "name", phone = "phone", email = "email", address = "address" }
plain = ["note"]
no_delete = true

[[source.table]]
name = "orders"
key = ["id"]
subject = "customer_id"
personal = { receiver_name = "name", receiver_phone = "phone", address = "address" }
plain = ["status", "currency", "payee_account", "placed_at", "updated_at", "cart"]
state = "status"
initial = ["placed"]
transitions = { placed = ["paid", "cancelled"], paid = ["shipped"] }
requires = { paid = "payments", shipped = "payments" }
frozen = { from = ["paid", "shipped"], columns = ["total_minor", "currency", "customer_id", "payee_account"] }
no_delete = true
money = { amount = "total_minor", currency = "currency" }

[[source.table]]
name = "payments"
key = ["id"]
subject = "customer_id"
personal = { payer_account = "bank_account" }
plain = ["currency", "payee_account", "provider_ref", "paid_at", "receipt"]
parent = { table = "orders", via = "order_id", states = ["paid", "shipped"] }
frozen = { columns = ["order_id", "customer_id", "amount_minor", "currency", "payee_account"] }
no_delete = true
money = { amount = "amount_minor", currency = "currency" }
"#;

/// The customers, as one batch.
pub fn customers() -> Vec<Observed> {
    let row = |id: i64| {
        let mut row = Row::builder();
        row.push(ValueRef::Integer(id));
        for part in ["name", "phone", "email", "address"] {
            row.push(ValueRef::Text(format!("{part} {id:08}").as_bytes()));
        }
        observed(CUSTOMER_TABLE, id, padded(row))
    };
    (0..CUSTOMERS).map(row).collect()
}

/// Batch `number`: orders placed in it, and those of the two batches before carried on. The
/// first two batches are smaller, since they have fewer orders before them.
pub fn batch(number: i64) -> Vec<Observed> {
    let of = |batch: i64| (batch * ORDERS)..((batch + 1).max(0) * ORDERS);
    let mut out = Vec::with_capacity(BATCH);
    out.extend(of(number).map(|id| order(id, "placed", number)));
    if number >= 1 {
        for id in of(number - 1) {
            out.push(order(id, "paid", number));
            out.push(payment(id, number));
        }
    }
    if number >= 2 {
        out.extend(of(number - 2).map(|id| order(id, "shipped", number)));
    }
    out
}

fn order(id: i64, status: &str, batch: i64) -> Observed {
    let mut row = Row::builder();
    row.push(ValueRef::Integer(id));
    row.push(ValueRef::Integer(customer(id)));
    row.push(ValueRef::Text(status.as_bytes()));
    row.push(ValueRef::Integer(9_900 + id % 1_000));
    row.push(ValueRef::Text(b"CNY"));
    row.push(ValueRef::Text(b"MERCHANT-CNY-01"));
    row.push(ValueRef::Text(format!("receiver {id:08}").as_bytes()));
    row.push(ValueRef::Text(format!("138{id:08}").as_bytes()));
    row.push(ValueRef::Text(
        format!("room {id:08}, a street of some length, a district, a city").as_bytes(),
    ));
    row.push(ValueRef::Text(b"2026-06-01T08:00:00Z"));
    row.push(ValueRef::Text(
        format!("2026-06-01T09:{batch:08}Z").as_bytes(),
    ));
    observed(ORDER_TABLE, id, padded(row))
}

fn payment(id: i64, batch: i64) -> Observed {
    let mut row = Row::builder();
    row.push(ValueRef::Integer(id));
    row.push(ValueRef::Integer(id));
    row.push(ValueRef::Integer(customer(id)));
    row.push(ValueRef::Integer(9_900 + id % 1_000));
    row.push(ValueRef::Text(b"CNY"));
    row.push(ValueRef::Text(b"MERCHANT-CNY-01"));
    row.push(ValueRef::Text(format!("62220000{id:011}").as_bytes()));
    row.push(ValueRef::Text(format!("provider-{id:016x}").as_bytes()));
    row.push(ValueRef::Text(
        format!("2026-06-01T09:{batch:08}Z").as_bytes(),
    ));
    observed(PAYMENT_TABLE, id, padded(row))
}

/// Customers come back in no order.
fn customer(order: i64) -> i64 {
    order.wrapping_mul(7_919).rem_euclid(CUSTOMERS)
}

/// Fills the last text column up, so that the row has [`ROW_BYTES`].
fn padded(row: RowBuilder) -> Row {
    const TEXT_HEADER: usize = 5;
    let so_far = row.finish().into_bytes();
    let text: String = ('a'..='z')
        .cycle()
        .take(ROW_BYTES - TEXT_HEADER - so_far.len())
        .collect();
    let values = Row::from_bytes(so_far).unwrap_or_default();
    let padding = [ValueRef::Text(text.as_bytes())];
    Row::from_values(values.iter().chain(padding))
}

fn observed(table: u16, id: i64, row: Row) -> Observed {
    // An integer is never NULL, so that it always makes a key.
    let key = Key::of([ValueRef::Integer(id)]).unwrap_or(Key(Vec::new()));
    Observed::state(table, key, Some(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_batches_are_half_inserts_and_all_rows_have_their_bytes() {
        let batch = batch(2);
        assert_eq!(batch.len(), BATCH);
        let seen: std::collections::HashSet<_> = (0..2)
            .flat_map(super::batch)
            .map(|o| (o.table, o.key))
            .collect();
        let updates = batch
            .iter()
            .filter(|o| seen.contains(&(o.table, o.key.clone())));
        assert_eq!(updates.count(), BATCH / 2);
        for row in batch.iter().chain(&customers()) {
            assert_eq!(
                row.row.as_ref().map(|r| r.as_bytes().len()),
                Some(ROW_BYTES)
            );
        }
    }
}
