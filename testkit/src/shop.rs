//! A small shop in a SQLite file: orders, payments and refunds, and the policy that fits them.

use crate::Seed;
use model::policy::{Companion, Frozen, MoneyColumns, Parent};
use model::{SourceName, SourcePolicy, TablePolicy};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SCHEMA: &str = "
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL,
    phone TEXT NOT NULL,
    status TEXT NOT NULL,
    total_minor INTEGER NOT NULL,
    currency TEXT NOT NULL);
CREATE TABLE payments (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id),
    payee TEXT NOT NULL,
    amount_minor INTEGER NOT NULL);
CREATE TABLE refunds (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id),
    status TEXT NOT NULL,
    amount_minor INTEGER NOT NULL);
";
/// The one account that lawful payments go to.
const PAYEE: &str = "shop-account";

/// How many rows each table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopCounts {
    pub orders: u64,
    pub payments: u64,
    pub refunds: u64,
}

/// The shop's own connection: everything it does keeps to [`small_shop_policy`]. A test that
/// tampers opens another connection by [`SmallShop::intruder`].
#[derive(Debug)]
pub struct SmallShop {
    path: PathBuf,
    db: Connection,
    seed: Seed,
}

impl SmallShop {
    /// A new file with `orders` orders in all states, the same for the same seed.
    pub fn create(path: &Path, orders: u64, seed: u64) -> Self {
        let db = Connection::open(path).expect("the shop's file can be made");
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;")
            .expect("the shop's file takes its settings");
        db.execute_batch(SCHEMA)
            .expect("the shop's file was not there before");
        let mut shop = Self {
            path: path.to_owned(),
            db,
            seed: Seed::new(seed),
        };
        shop.db
            .execute_batch("BEGIN")
            .expect("no transaction is open");
        for _ in 0..orders {
            let id = shop.place();
            for step in [Self::pay, Self::ship, Self::refund] {
                // Two thirds go on, so that every state has its rows.
                if shop.seed.chance(33) {
                    break;
                }
                step(&mut shop, id);
            }
        }
        shop.db
            .execute_batch("COMMIT")
            .expect("the rows keep to the schema");
        shop
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Another connection that knows nothing of the shop's rules.
    pub fn intruder(&self) -> Connection {
        Connection::open(&self.path).expect("the shop's file opens")
    }

    /// A new order; its id.
    pub fn place(&mut self) -> i64 {
        let customer = self.seed.below(50) as i64;
        let phone = format!("139{:08}", self.seed.below(100_000_000));
        let total = self.seed.below(90_000) as i64 + 1_000;
        self.run(
            "INSERT INTO orders (customer_id, phone, status, total_minor, currency)
             VALUES (?1, ?2, 'placed', ?3, 'CNY')",
            params![customer, phone, total],
        );
        self.db.last_insert_rowid()
    }

    /// placed -> paid, with its payment.
    pub fn pay(&mut self, order: i64) {
        self.run(
            "INSERT INTO payments (order_id, payee, amount_minor)
             SELECT id, ?2, total_minor FROM orders WHERE id = ?1",
            params![order, PAYEE],
        );
        self.step(order, "placed", "paid");
    }

    /// paid -> shipped.
    pub fn ship(&mut self, order: i64) {
        self.step(order, "paid", "shipped");
    }

    /// shipped -> refunded, with its refund.
    pub fn refund(&mut self, order: i64) {
        self.run(
            "INSERT INTO refunds (order_id, status, amount_minor)
             SELECT id, 'done', total_minor FROM orders WHERE id = ?1",
            params![order],
        );
        self.step(order, "shipped", "refunded");
    }

    /// Ids of the orders in a state, in order.
    pub fn orders_in(&self, status: &str) -> Vec<i64> {
        self.db
            .prepare("SELECT id FROM orders WHERE status = ?1 ORDER BY id")
            .and_then(|mut find| find.query_map([status], |row| row.get(0))?.collect())
            .expect("the shop's orders can be read")
    }

    pub fn counts(&self) -> ShopCounts {
        let count = |table: &str| {
            let query = format!("SELECT count(*) FROM {table}");
            let rows: i64 = self
                .db
                .query_row(&query, [], |row| row.get(0))
                .expect("the shop's tables can be counted");
            rows.unsigned_abs()
        };
        ShopCounts {
            orders: count("orders"),
            payments: count("payments"),
            refunds: count("refunds"),
        }
    }

    fn step(&self, order: i64, from: &str, to: &str) {
        let rows = self.run(
            "UPDATE orders SET status = ?3 WHERE id = ?1 AND status = ?2",
            params![order, from, to],
        );
        assert_eq!(rows, 1, "order {order} is not {from}");
    }

    fn run(&self, statement: &str, bound: &[&dyn rusqlite::ToSql]) -> usize {
        self.db
            .prepare_cached(statement)
            .and_then(|mut prepared| prepared.execute(bound))
            .expect("the shop may write its own file")
    }
}

/// [`small_shop_policy`] as a `balefire.toml` has it; the shop is `shop.db` beside the file.
pub const SMALL_SHOP_SETTINGS: &str = r#"
[[source]]
name = "shop"
kind = "sqlite"
path = "shop.db"

[[source.table]]
name = "orders"
key = ["id"]
subject = "customer_id"
personal = { phone = "phone" }
plain = ["currency"]
state = "status"
initial = ["placed"]
transitions = { placed = ["paid"], paid = ["shipped"], shipped = ["refunded"] }
requires = { paid = { table = "payments", via = "order_id" } }
frozen = { from = ["paid", "shipped", "refunded"], columns = ["total_minor", "currency", "customer_id"] }
no_delete = true
money = { amount = "total_minor", currency = "currency" }

[[source.table]]
name = "payments"
key = ["id"]
plain = ["payee"]
parent = { table = "orders", via = "order_id" }
append_only = true
no_delete = true
money = { amount = "amount_minor", fixed = "CNY" }

[[source.table]]
name = "refunds"
key = ["id"]
state = "status"
initial = ["done"]
transitions = { done = ["void"] }
parent = { table = "orders", via = "order_id", states = ["shipped", "refunded"] }
frozen = { columns = ["order_id", "amount_minor"] }
no_delete = true
void = "UPDATE refunds SET status = 'void' WHERE id = :id"
money = { amount = "amount_minor", fixed = "CNY" }
"#;

/// The policy of [`SmallShop`], as the source `shop`.
pub fn small_shop_policy() -> SourcePolicy {
    SourcePolicy {
        source: SourceName::new("shop"),
        tables: vec![orders(), payments(), refunds()],
        checks: Vec::new(),
    }
}

fn orders() -> TablePolicy {
    let steps = [
        ("placed", "paid"),
        ("paid", "shipped"),
        ("shipped", "refunded"),
    ];
    let after_payment = ["paid", "shipped", "refunded"];
    TablePolicy {
        name: "orders".to_owned(),
        key: words(&["id"]),
        subject: Some("customer_id".to_owned()),
        personal: BTreeMap::from([("phone".to_owned(), "phone".to_owned())]),
        plain: words(&["currency"]),
        state: Some("status".to_owned()),
        initial: words(&["placed"]),
        transitions: steps
            .map(|(from, to)| (from.to_owned(), words(&[to])))
            .into(),
        requires: BTreeMap::from([("paid".to_owned(), companion("payments"))]),
        frozen: vec![Frozen {
            from: words(&after_payment),
            columns: words(&["total_minor", "currency", "customer_id"]),
            unless: Vec::new(),
        }],
        no_delete: true,
        money: Some(MoneyColumns {
            amount: "total_minor".to_owned(),
            currency: Some("currency".to_owned()),
            fixed: None,
        }),
        ..TablePolicy::default()
    }
}

fn payments() -> TablePolicy {
    TablePolicy {
        plain: words(&["payee"]),
        parent: Some(parent(&[])),
        append_only: true,
        ..money_table("payments")
    }
}

fn refunds() -> TablePolicy {
    TablePolicy {
        state: Some("status".to_owned()),
        initial: words(&["done"]),
        transitions: BTreeMap::from([("done".to_owned(), words(&["void"]))]),
        parent: Some(parent(&["shipped", "refunded"])),
        frozen: vec![Frozen {
            from: Vec::new(),
            columns: words(&["order_id", "amount_minor"]),
            unless: Vec::new(),
        }],
        void: Some("UPDATE refunds SET status = 'void' WHERE id = :id".to_owned()),
        ..money_table("refunds")
    }
}

fn money_table(name: &str) -> TablePolicy {
    TablePolicy {
        name: name.to_owned(),
        key: words(&["id"]),
        no_delete: true,
        money: Some(MoneyColumns {
            amount: "amount_minor".to_owned(),
            currency: None,
            fixed: Some("CNY".to_owned()),
        }),
        ..TablePolicy::default()
    }
}

fn companion(table: &str) -> Companion {
    Companion::Via {
        table: table.to_owned(),
        via: "order_id".to_owned(),
    }
}

fn parent(states: &[&str]) -> Parent {
    Parent {
        table: "orders".to_owned(),
        via: "order_id".to_owned(),
        states: words(states),
    }
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
