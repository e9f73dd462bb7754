//! A small shop for the black-box tests: orders, lines, payments, refunds, and rows for them.

use model::policy::{ColumnSchema, ForeignKey};
use model::{Change, Instant, Key, Row, SourcePolicy, Standing, TableSchema, ValueRef};

pub const ORDERS: u16 = 0;
pub const LINES: u16 = 1;
pub const PAYMENTS: u16 = 2;
pub const REFUNDS: u16 = 3;

pub const POLICY: &str = r#"
source = "shop"

[[tables]]
name = "orders"
key = ["id"]
personal = { phone = "phone" }
plain = ["currency", "note"]
state = "status"
initial = ["placed"]
transitions = { placed = ["paid", "cancelled"], paid = ["shipped", "refunded"], shipped = ["refunded"] }
requires = { paid = "payments" }
frozen = { from = ["paid", "shipped", "refunded"], columns = ["total_minor", "payee"] }
no_delete = true
void = "UPDATE orders SET status = 'void' WHERE id = :id"
money = { amount = "total_minor", currency = "currency" }

[[tables]]
name = "order_lines"
key = ["order_id", "line"]
append_only = true
parent = { table = "orders", via = "order_id" }
money = { amount = "unit_minor", fixed = "CNY" }

[[tables]]
name = "payments"
key = ["id"]
parent = { table = "orders", via = "order_id", states = ["paid", "shipped", "refunded"] }
frozen = { columns = ["order_id", "amount_minor"] }
no_delete = true
money = { amount = "amount_minor", fixed = "CNY" }

[[tables]]
name = "refunds"
key = ["id"]
state = "status"
initial = ["requested"]
transitions = { requested = ["done"] }
parent = { table = "orders", via = "order_id", states = ["refunded"] }
frozen = { columns = ["order_id", "amount_minor"] }
no_delete = true
money = { amount = "amount_minor", fixed = "CNY" }
"#;

pub fn schemas() -> Vec<TableSchema> {
    let table = |name: &str, columns: &[(&str, &str)], primary_key: &[u16]| TableSchema {
        name: name.into(),
        columns: columns
            .iter()
            .map(|(name, declared)| ColumnSchema {
                name: (*name).into(),
                declared: (*declared).into(),
                not_null: false,
            })
            .collect(),
        primary_key: primary_key.to_vec(),
        foreign_keys: if name == "orders" {
            Vec::new()
        } else {
            vec![ForeignKey {
                columns: vec!["order_id".into()],
                table: "orders".into(),
                references: Vec::new(),
            }]
        },
    };
    vec![
        table(
            "orders",
            &[
                ("id", "INTEGER"),
                ("status", "TEXT"),
                ("total_minor", "INTEGER"),
                ("currency", "TEXT"),
                ("payee", "VARCHAR(40)"),
                ("phone", "TEXT"),
                ("note", "TEXT"),
            ],
            &[0],
        ),
        table(
            "order_lines",
            &[
                ("order_id", "INTEGER"),
                ("line", "INTEGER"),
                ("unit_minor", "INTEGER"),
            ],
            &[0, 1],
        ),
        table(
            "payments",
            &[
                ("id", "INTEGER"),
                ("order_id", "INTEGER"),
                ("amount_minor", "INTEGER"),
            ],
            &[0],
        ),
        table(
            "refunds",
            &[
                ("id", "INTEGER"),
                ("order_id", "INTEGER"),
                ("amount_minor", "INTEGER"),
                ("status", "TEXT"),
            ],
            &[0],
        ),
    ]
}

pub fn policy() -> SourcePolicy {
    toml::from_str(POLICY).unwrap()
}

pub fn key(id: i64) -> Key {
    Key::of([ValueRef::Integer(id)]).unwrap()
}

fn text(text: &str) -> ValueRef<'_> {
    ValueRef::Text(text.as_bytes())
}

pub fn order(id: i64, status: &str, total: i64) -> Row {
    order_to(id, status, total, "ACCT-1")
}

pub fn order_to(id: i64, status: &str, total: i64, payee: &str) -> Row {
    Row::from_values([
        ValueRef::Integer(id),
        text(status),
        ValueRef::Integer(total),
        text("CNY"),
        text(payee),
        text("13800000000"),
        text(""),
    ])
}

pub fn payment(id: i64, order: i64, amount: i64) -> Row {
    Row::from_values([id, order, amount].map(ValueRef::Integer))
}

pub fn refund(id: i64, order: i64, amount: i64, status: &str) -> Row {
    Row::from_values([
        ValueRef::Integer(id),
        ValueRef::Integer(order),
        ValueRef::Integer(amount),
        text(status),
    ])
}

/// A witnessed change, step by step, of a clean row whose first column is its key.
pub fn change(table: u16, old: Option<Row>, new: Option<Row>) -> Change {
    let id = new
        .as_ref()
        .or(old.as_ref())
        .and_then(|row| row.get(0))
        .unwrap()
        .as_i64()
        .unwrap();
    Change {
        table,
        key: key(id),
        standing: if old.is_some() {
            Standing::Clean
        } else {
            Standing::Gone
        },
        old,
        new,
        lawful: None,
        witnessed: true,
        coalesced: false,
        transaction: 0,
        stamp: model::Stamp::NotAsked,
        seen_at: Instant::from_secs(1),
    }
}
