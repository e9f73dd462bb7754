//! Proposals made for a real SQLite shop and applied to it: everything that was approved or nothing.

mod repair_shop;

use connect::repair::{MoneyCap, RepairLimits, apply};
use model::Dialect;
use model::policy::ForgedRows;
use repair_shop::{Shop, table};
use rusqlite::Connection;

const ODD: &str = r#"x"; DROP TABLE lines; --"#;

const DDL: &str = r#"
CREATE TABLE customers (id INTEGER PRIMARY KEY, "Full Name" TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id),
    parent INTEGER REFERENCES orders (id), state TEXT NOT NULL, total INTEGER,
    doubled INTEGER GENERATED ALWAYS AS (total * 2) STORED, ratio REAL, raw BLOB, code TEXT COLLATE NOCASE
);
CREATE TABLE lines (
    order_id INTEGER REFERENCES orders (id) ON DELETE CASCADE, no INTEGER, price INTEGER, PRIMARY KEY (order_id, no)
);
CREATE TABLE ledger (id INTEGER PRIMARY KEY, amount INTEGER, reverses INTEGER, note TEXT);
CREATE TABLE "x""; DROP TABLE lines; --" (id TEXT PRIMARY KEY, "v'; --" TEXT);
CREATE TABLE other (what TEXT);
INSERT INTO customers VALUES (1, 'Ann'), (2, 'Bo');
INSERT INTO orders (id, customer, parent, state, total, ratio, raw, code) VALUES
    (1, 2, NULL, 'paid', 1050, 0.1, x'00ff', 'ab'), (2, 1, NULL, 'paid', 2100, 0.1, x'', 'ab'),
    (3, 2, 2, 'paid', 3150, 0.1, NULL, 'ab');
INSERT INTO lines VALUES (1, 1, 1), (2, 1, 1), (2, 2, 2), (3, 1, 1);
INSERT INTO ledger (amount, note) VALUES (10, 'a'), (20, 'b');
INSERT INTO "x""; DROP TABLE lines; --" VALUES ('it''s', 'fine');
"#;

struct File {
    db: Connection,
    _folder: tempfile::TempDir,
}

impl File {
    fn run(&self, sql: &str) {
        self.db.execute_batch(sql).unwrap();
    }
    fn value(&self, sql: &str) -> String {
        self.db.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

fn shop() -> (File, Shop) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA journal_mode = wal; PRAGMA foreign_keys = ON")
        .unwrap();
    db.execute_batch(DDL).unwrap();
    let mut orders = table("orders", &["id"]);
    orders.state = Some("state".into());
    orders.void = Some("UPDATE orders SET state = 'void' WHERE id = :id".into());
    let mut lines = table("lines", &["order_id", "no"]);
    lines.forged = ForgedRows::Delete;
    let mut ledger = table("ledger", &["id"]);
    ledger.reverse = Some(
        "INSERT INTO ledger (amount, reverses, note) VALUES (-:amount, :id, 'taken back')".into(),
    );
    let tables = vec![
        lines,
        orders,
        table("customers", &["id"]),
        ledger,
        table(ODD, &["id"]),
    ];
    let shop = Shop::new(Dialect::Sqlite, path.to_str().unwrap(), tables);
    let file = File {
        db,
        _folder: folder,
    };
    (file, shop)
}

const HARM: &str = r#"
UPDATE orders SET total = 1, ratio = 7, raw = NULL, code = 'AB', state = 'placed' WHERE id = 1;
UPDATE "x""; DROP TABLE lines; --" SET "v'; --" = 'evil';
DELETE FROM orders WHERE id IN (2, 3);
DELETE FROM customers WHERE id = 1;
INSERT INTO orders (id, customer, state, total) VALUES (9, 2, 'paid', 900);
INSERT INTO lines VALUES (9, 1, 900), (9, 2, 1);
"#;

#[test]
fn a_harmed_shop_is_put_right_and_wrong_again() {
    let (file, mut shop) = shop();
    let lawful = shop.rows();
    file.run(HARM);
    let harmed = shop.rows();
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    let dry = apply(&shop.writer, &proposal, &limits, true).unwrap();
    assert_eq!(shop.rows(), harmed);
    let applied = shop.apply(&proposal).unwrap();
    assert_eq!((dry.steps, dry.side_effects), (applied.steps, 0));
    let mut repaired = shop.rows();
    let forged = repaired
        .extract_if(.., |place, _| !lawful.contains_key(place))
        .count();
    assert_eq!((repaired, forged), (lawful.clone(), 1));
    assert_eq!(file.value("SELECT state FROM orders WHERE id = 9"), "void");
    shop.refuses(&proposal, &limits, "row ");
    let undo = shop.undo(&proposal);
    shop.apply(&undo).unwrap();
    assert_eq!(shop.rows(), harmed);
    let again = shop.undo(&undo);
    shop.apply(&again).unwrap();
    shop.refuses(&again, &limits, "row ");
}

#[test]
fn a_ledger_is_corrected_by_an_entry_and_only_once() {
    let (file, mut shop) = shop();
    let lawful = shop.rows();
    file.run("INSERT INTO ledger (amount, note) VALUES (-9990, 'forged')");
    let proposal = shop.proposal(&lawful);
    let cap = |most| RepairLimits {
        money: Some(MoneyCap {
            columns: [("ledger".to_owned(), "amount".to_owned())].into(),
            max_amount_minor: most,
            decimals: 2,
        }),
        ..RepairLimits::default()
    };
    shop.refuses(&proposal, &cap(9_989), "moves 9990 minor units");
    let applied = shop.apply_with(&proposal, &cap(9_990)).unwrap();
    let entry = applied.steps[0].entry.clone().unwrap();
    let entry: Vec<String> = entry.iter().map(|(_, v)| v.as_ref().to_string()).collect();
    assert_eq!(entry, ["4", "9990", "3", "taken back"]);
    shop.refuses(&proposal, &cap(9_990), "taken back already by 1 entries");
}

#[test]
fn the_statement_itself_asks_for_what_the_row_must_hold() {
    let (file, mut shop) = shop();
    let lawful = shop.rows();
    file.run("UPDATE orders SET total = 1 WHERE id = 1");
    let mut proposal = shop.proposal(&lawful);
    file.run("UPDATE orders SET total = 2 WHERE id = 1");
    // Even were nothing compared beforehand.
    proposal.steps[0]
        .expect_live
        .retain(|(name, _)| name != "total");
    shop.refuses(&proposal, &RepairLimits::default(), "changed 0 rows");
}

#[test]
fn triggers_that_write_over_a_repair_or_beside_it_stop_it() {
    let (file, mut shop) = shop();
    let lawful = shop.rows();
    file.run("UPDATE orders SET total = 1 WHERE id = 1");
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    let all = RepairLimits {
        allow_side_effects: true,
        ..RepairLimits::default()
    };
    let trigger = |body: &str| {
        file.run(&format!(
            "DROP TRIGGER IF EXISTS t; CREATE TRIGGER t AFTER UPDATE ON orders BEGIN {body}; END"
        ));
    };
    trigger("UPDATE orders SET total = 5 WHERE id = NEW.id");
    shop.refuses(&proposal, &limits, "changed 1 more rows");
    shop.refuses(&proposal, &all, "column total holds 5 after the repair");
    trigger("UPDATE lines SET price = 0 WHERE order_id = 2");
    shop.refuses(&proposal, &limits, "changed 2 more rows");
    assert_eq!(shop.apply_with(&proposal, &all).unwrap().side_effects, 2);
}

#[test]
fn a_cascade_takes_nothing_along_unseen() {
    let (file, mut shop) = shop();
    let lawful = shop.rows();
    shop.policy.tables[1].forged = ForgedRows::Delete;
    file.run("INSERT INTO orders (id, customer, state) VALUES (9, 2, 'paid')");
    let proposal = shop.proposal(&lawful);
    file.run("INSERT INTO lines VALUES (9, 1, 900), (9, 2, 1)");
    shop.refuses(&proposal, &RepairLimits::default(), "changed 2 more rows");
    let proposal = shop.proposal(&lawful);
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
}

#[test]
fn a_proposal_for_another_database_is_not_run() {
    let (file, mut shop) = shop();
    let lawful = shop.rows();
    file.run("UPDATE orders SET total = 1 WHERE id = 1");
    let mut proposal = shop.proposal(&lawful);
    proposal.dialect = Dialect::Postgres;
    shop.refuses(
        &proposal,
        &RepairLimits::default(),
        "another kind of database",
    );
}
