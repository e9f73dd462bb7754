//! A repair against a real shop file: it does all of what was approved or nothing, and each guard
//! has somebody who tries to get round it.

use connect::repair::sqlite::{Applied, MoneyCap, RepairError, RepairLimits, RowFault, apply};
use model::{Instant, RepairAction, RepairProposal, RepairStep, Value};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::PathBuf;

struct Shop {
    _folder: tempfile::TempDir,
    path: PathBuf,
    db: Connection,
}

impl Shop {
    /// Order 1 was altered (100 -> 1), order 3 was deleted with its payment, order 9 was forged.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let db = Connection::open(&path).unwrap();
        db.busy_timeout(std::time::Duration::ZERO).unwrap();
        db.pragma_update(None, "journal_mode", "wal").unwrap();
        db.execute_batch(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, total);
             CREATE TABLE payments (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id) ON DELETE CASCADE);
             CREATE TABLE log (text);
             INSERT INTO orders VALUES (1, 'paid', 1), (2, 'paid', 200), (9, 'paid', 900);",
        )
        .unwrap();
        Self {
            _folder: folder,
            path,
            db,
        }
    }
    fn all(&self) -> String {
        let sql = "SELECT group_concat(id || ' ' || status || ' ' || quote(total), ', ') FROM (SELECT * FROM orders ORDER BY id)";
        self.db.query_row(sql, [], |row| row.get(0)).unwrap()
    }
    fn apply(&self, steps: Vec<RepairStep>) -> Result<Applied, RepairError> {
        self.apply_with(steps, &RepairLimits::default())
    }
    fn apply_with(
        &self,
        steps: Vec<RepairStep>,
        limits: &RepairLimits,
    ) -> Result<Applied, RepairError> {
        apply(&self.path, &proposal(steps), limits, false)
    }
    /// The repair is refused for this row and reason, and nothing changed.
    #[track_caller]
    fn refuses(&self, steps: Vec<RepairStep>, key: &str, fault: &RowFault) {
        let before = self.all();
        match self.apply(steps) {
            Err(RepairError::Row {
                key: found_key,
                fault: found,
                ..
            }) => assert_eq!((&*found_key, &*found), (key, fault)),
            other => panic!("{other:?}"),
        }
        assert_eq!(self.all(), before);
    }
}

const BEFORE: &str = "1 paid 1, 2 paid 200, 9 paid 900";
const AFTER: &str = "1 paid 100, 2 paid 200, 3 paid 300, 9 void 900";

fn proposal(steps: Vec<RepairStep>) -> RepairProposal {
    RepairProposal {
        id: "R1".into(),
        source: "shop".into(),
        made_at: Instant::from_secs(1),
        ledger_size: 10,
        policy: model::Digest::of(b""),
        dialect: model::Dialect::Sqlite,
        undo_of: None,
        steps,
    }
}

fn named(values: &[(&str, Value)]) -> Vec<(String, Value)> {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

/// A column that the step says is not personal.
fn plain(name: &str) -> model::ColumnChange {
    model::ColumnChange {
        name: name.into(),
        lawful: None,
        live: None,
        personal: false,
    }
}

fn step(
    action: RepairAction,
    table: &str,
    id: i64,
    sql: &str,
    parameters: Vec<Value>,
) -> RepairStep {
    RepairStep {
        action,
        table: table.into(),
        key: id.to_string(),
        columns: ["total", "status"].map(plain).to_vec(),
        sql: sql.into(),
        parameters,
        key_values: named(&[("id", Value::Integer(id))]),
        expect_live: Vec::new(),
        expect_after: Vec::new(),
        position: 3,
        set_aside: model::proposal::SetAside::Mark,
        entry: Vec::new(),
    }
}

fn restore() -> RepairStep {
    let values = vec![Value::Integer(100), Value::Integer(1)];
    let mut step = step(
        RepairAction::RestoreColumns,
        "orders",
        1,
        "UPDATE \"orders\" SET \"total\" = ?1 WHERE \"id\" = ?2",
        values,
    );
    step.expect_live = named(&[("total", Value::Integer(1))]);
    step.expect_after = named(&[("total", Value::Integer(100))]);
    step
}

fn reinsert() -> RepairStep {
    let values = vec![Value::Integer(3), Value::text("paid"), Value::Integer(300)];
    let mut step = step(
        RepairAction::Reinsert,
        "orders",
        3,
        "INSERT INTO \"orders\" (\"id\", \"status\", \"total\") VALUES (?1, ?2, ?3)",
        values,
    );
    step.expect_after = named(&[
        ("status", Value::text("paid")),
        ("total", Value::Integer(300)),
    ]);
    step
}

fn reinsert_payment() -> RepairStep {
    let mut step = step(
        RepairAction::Reinsert,
        "payments",
        5,
        "INSERT INTO payments VALUES (5, 3)",
        Vec::new(),
    );
    step.expect_after = named(&[("order_id", Value::Integer(3))]);
    step
}

fn void() -> RepairStep {
    let mut step = step(
        RepairAction::Void,
        "orders",
        9,
        "UPDATE orders SET status = 'void' WHERE id = ?1",
        vec![Value::Integer(9)],
    );
    step.expect_live = named(&[
        ("status", Value::text("paid")),
        ("total", Value::Integer(900)),
    ]);
    step.expect_after = named(&[("status", Value::text("void"))]);
    step
}

#[test]
fn a_repair_is_done_and_a_dry_run_is_not() {
    let shop = Shop::new();
    // The payment comes before its order: the keys are checked at the end.
    let steps = || vec![restore(), reinsert_payment(), reinsert(), void()];
    let dry = apply(
        &shop.path,
        &proposal(steps()),
        &RepairLimits::default(),
        true,
    )
    .unwrap();
    assert_eq!((dry.rows, dry.dry_run), (4, true));
    assert_eq!(shop.all(), BEFORE);
    let done = shop.apply(steps()).unwrap();
    assert_eq!((done.rows, done.side_effects, done.dry_run), (4, 0, false));
    assert_eq!(shop.all(), AFTER);
    // A second time nothing stands as expected.
    let found = RowFault::Differs {
        column: "total".into(),
        expected: Some("1".into()),
        found: Some("100".into()),
        afterwards: false,
    };
    shop.refuses(steps(), "1", &found);
}

#[test]
fn a_row_that_changed_in_between_stops_everything() {
    let shop = Shop::new();
    shop.db
        .execute_batch("UPDATE orders SET total = 901 WHERE id = 9")
        .unwrap();
    let found = RowFault::Differs {
        column: "total".into(),
        expected: Some("900".into()),
        found: Some("901".into()),
        afterwards: false,
    };
    shop.refuses(vec![restore(), void()], "9", &found);
    // The same number of another kind is another value.
    shop.db
        .execute_batch("UPDATE orders SET total = '900' WHERE id = 9")
        .unwrap();
    let found = RowFault::Differs {
        column: "total".into(),
        expected: Some("900".into()),
        found: Some("'900'".into()),
        afterwards: false,
    };
    shop.refuses(vec![restore(), void()], "9", &found);
    shop.db
        .execute_batch("DELETE FROM orders WHERE id = 9")
        .unwrap();
    shop.refuses(vec![restore(), void()], "9", &RowFault::Gone);
    shop.db
        .execute_batch("INSERT INTO orders VALUES (3, 'paid', 300)")
        .unwrap();
    shop.refuses(vec![restore(), reinsert()], "3", &RowFault::Present);
}

#[test]
fn a_statement_must_change_one_row_of_its_table() {
    let shop = Shop::new();
    let with = |sql: &str| {
        let mut step = restore();
        step.sql = sql.into();
        vec![step]
    };
    shop.refuses(
        with("UPDATE orders SET total = ?1 WHERE id <= ?2 + 1"),
        "1",
        &RowFault::Touched { rows: 2 },
    );
    shop.refuses(
        with("UPDATE orders SET total = ?1 WHERE id = ?2 + 70"),
        "1",
        &RowFault::Touched { rows: 0 },
    );
    shop.refuses(
        with("UPDATE orders SET total = ?1 WHERE id = ?2; DROP TABLE log"),
        "1",
        &RowFault::Statement,
    );
    shop.refuses(
        with("UPDATE log SET text = ?1 WHERE rowid = ?2"),
        "1",
        &RowFault::OtherTable {
            table: "log".into(),
        },
    );
    let other = RowFault::Differs {
        column: "total".into(),
        expected: Some("100".into()),
        found: Some("1".into()),
        afterwards: true,
    };
    shop.refuses(
        with("UPDATE orders SET total = ?1 WHERE id = ?2 + 1"),
        "1",
        &other,
    );
    let mut blind = restore();
    blind.expect_after.clear();
    shop.refuses(vec![blind], "1", &RowFault::NothingExpected);
    // A misspelt column is not read as a text.
    let mut misspelt = restore();
    misspelt.expect_live = named(&[("totl", Value::text("totl"))]);
    let column = "totl".to_owned();
    shop.refuses(vec![misspelt], "1", &RowFault::NoColumn { column });
}

#[test]
fn a_step_that_undoes_another_is_found() {
    let shop = Shop::new();
    let mut undo = void();
    undo.sql = "UPDATE orders SET status = 'void' WHERE id = ?1".into();
    let mut first = restore();
    first.expect_after = named(&[("total", Value::Integer(100))]);
    // A second step for the same row, which sees what the first wrote, is not what was approved.
    let again = restore();
    let found = RowFault::Differs {
        column: "total".into(),
        expected: Some("1".into()),
        found: Some("100".into()),
        afterwards: false,
    };
    shop.refuses(vec![first, undo, again], "1", &found);
}

#[test]
fn a_failing_last_step_rolls_all_back() {
    let shop = Shop::new();
    let mut last = void();
    last.sql = "UPDATE orders SET status = 'void', nothing = 1 WHERE id = ?1".into();
    let refused = shop.apply(vec![restore(), reinsert(), last]);
    assert!(
        matches!(&refused, Err(RepairError::RowSql { key, .. }) if key == "9"),
        "{refused:?}"
    );
    assert_eq!(shop.all(), BEFORE);
    // Without its order the payment hangs in the air.
    let refused = shop.apply(vec![restore(), reinsert_payment()]);
    assert!(
        matches!(&refused, Err(RepairError::ForeignKey { table, parent, .. }) if table == "payments" && parent == "orders"),
        "{refused:?}"
    );
    assert_eq!(shop.all(), BEFORE);
}

#[test]
fn keys_broken_before_do_not_stop_a_repair() {
    let shop = Shop::new();
    shop.db
        .execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO payments VALUES (77, 1234)")
        .unwrap();
    shop.apply(vec![restore(), reinsert(), void()]).unwrap();
    assert_eq!(shop.all(), AFTER);
}

#[test]
fn triggers_and_cascades_are_not_let_through_unasked() {
    let shop = Shop::new();
    shop.db
        .execute_batch(
            "CREATE TRIGGER t AFTER UPDATE ON orders BEGIN INSERT INTO log VALUES ('changed'); END",
        )
        .unwrap();
    shop.refuses(vec![restore()], "1", &RowFault::SideEffects { rows: 1 });
    let limits = RepairLimits {
        allow_side_effects: true,
        ..RepairLimits::default()
    };
    assert_eq!(
        shop.apply_with(vec![restore()], &limits)
            .unwrap()
            .side_effects,
        1
    );
}

#[test]
fn caps_hold() {
    let shop = Shop::new();
    let limits = RepairLimits {
        max_rows: 1,
        ..RepairLimits::default()
    };
    let refused = shop.apply_with(vec![restore(), void()], &limits);
    assert!(
        matches!(refused, Err(RepairError::TooManyRows { rows: 2, most: 1 })),
        "{refused:?}"
    );
    // 99 restored, 300 put back, 900 set aside.
    let cap = |most| {
        let columns = BTreeMap::from([("orders".to_owned(), "total".to_owned())]);
        RepairLimits {
            money: Some(MoneyCap {
                columns,
                max_amount_minor: most,
                decimals: 2,
            }),
            ..RepairLimits::default()
        }
    };
    let steps = || vec![restore(), reinsert(), void()];
    let refused = shop.apply_with(steps(), &cap(1_298));
    assert!(
        matches!(
            refused,
            Err(RepairError::TooMuchMoney {
                amount_minor: 1_299,
                ..
            })
        ),
        "{refused:?}"
    );
    assert_eq!(shop.all(), BEFORE);
    assert_eq!(
        shop.apply_with(steps(), &cap(1_299)).unwrap().amount_minor,
        1_299
    );
    assert!(matches!(shop.apply(Vec::new()), Err(RepairError::Empty)));
}

#[test]
fn a_shop_that_is_writing_is_not_waited_for_for_ever() {
    let shop = Shop::new();
    shop.db
        .execute_batch("BEGIN IMMEDIATE; UPDATE orders SET total = 5 WHERE id = 2")
        .unwrap();
    let limits = RepairLimits {
        lock_timeout_ms: 20,
        ..RepairLimits::default()
    };
    let refused = shop.apply_with(vec![restore()], &limits);
    assert!(
        matches!(refused, Err(RepairError::Locked { .. })),
        "{refused:?}"
    );
    shop.db.execute_batch("COMMIT").unwrap();
    shop.apply_with(vec![restore()], &limits).unwrap();
}
