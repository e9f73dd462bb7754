//! Every step of the trade is lawful, and what is held stands still.

use super::holds::Held;
use super::*;
use crate::shop::tests::{rows, small};
use model::SystemClock;
use rusqlite::Connection;
use std::collections::BTreeMap;

const NOON: Instant = Instant::from_secs(1_800_000_000);

/// What no lawful step may change of an order from its payment on.
type Sale = (i64, i64, String, String);

fn orders(shop: &Connection) -> BTreeMap<i64, (String, Sale)> {
    let mut statement = shop
        .prepare_cached(
            "SELECT id, status, customer_id, total_minor, currency, payee_account FROM orders",
        )
        .expect("orders");
    statement
        .query_map([], |row| {
            let sale = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
            Ok((row.get(0)?, (row.get(1)?, sale)))
        })
        .expect("orders")
        .collect::<Result<_, _>>()
        .expect("orders")
}

fn count(shop: &Connection, sql: &str) -> i64 {
    shop.query_row(sql, [], |row| row.get(0)).expect(sql)
}

#[test]
fn every_step_is_lawful() {
    let (_folder, path) = small(5);
    let shop = Connection::open(&path).expect("a shop");
    let mut trader = Trader::new(shop::open(&path).expect("a shop"), 5).expect("a trader");
    let mut stats = TradeStats::default();
    let mut before = orders(&shop);
    let payments = rows(&shop, "payments");
    let lines = rows(&shop, "order_lines");
    for second in 0..400 {
        let step = trader
            .any(NOON.plus_s(second), &Held::default())
            .expect("a step");
        stats.count(&step);
        let after = orders(&shop);
        for (id, (status, sale)) in &after {
            let lawful = match before.get(id).map(|(was, _)| was.as_str()) {
                None => status == "placed",
                Some(was) if was == status => true,
                Some("placed") => matches!(status.as_str(), "paid" | "cancelled"),
                Some("paid") => matches!(status.as_str(), "shipped" | "refunded"),
                Some("shipped") => status == "refunded",
                Some(_) => false,
            };
            assert!(lawful, "order {id} became {status} by {step:?}");
            assert!(
                before.get(id).is_none_or(|(_, was)| was == sale),
                "order {id}"
            );
        }
        assert!(before.keys().all(|id| after.contains_key(id)));
        before = after;
    }
    // Old payments and lines stand as they were; new ones came behind them.
    assert!(rows(&shop, "payments").starts_with(&payments));
    assert!(rows(&shop, "order_lines").starts_with(&lines));
    for kind in [
        stats.placed,
        stats.paid,
        stats.shipped,
        stats.refunded,
        stats.refunds_done,
        stats.cancelled,
        stats.moved,
    ] {
        assert!(kind > 0, "{stats:?}");
    }
    assert_eq!(
        count(
            &shop,
            "SELECT count(*) FROM orders o WHERE status IN ('paid', 'shipped', 'refunded') AND NOT EXISTS
                (SELECT 1 FROM payments p WHERE p.order_id = o.id AND p.amount_minor = o.total_minor)"
        ),
        0
    );
    assert_eq!(
        count(
            &shop,
            "SELECT count(*) FROM refunds r JOIN orders o ON o.id = r.order_id WHERE o.status <> 'refunded'"
        ),
        0
    );
}

#[test]
fn a_seed_repeats_a_trade() {
    let content = |seed| {
        let (_folder, path) = small(2);
        let mut trader = Trader::new(shop::open(&path).expect("a shop"), seed).expect("a trader");
        for second in 0..60 {
            let now = NOON.plus_s(second);
            trader.any(now, &Held::default()).expect("a step");
        }
        let shop = Connection::open(&path).expect("a shop");
        (rows(&shop, "orders"), rows(&shop, "payments"))
    };
    assert!(content(1) == content(1));
    assert!(content(1) != content(2));
}

#[test]
fn a_tampered_order_is_shipped_but_never_refunded() {
    let (_folder, path) = small(4);
    let shop = Connection::open(&path).expect("a shop");
    shop.execute_batch(
        "UPDATE orders SET total_minor = total_minor * 10 WHERE status = 'paid';
         UPDATE orders SET payee_account = 'ELSEWHERE' WHERE status = 'shipped';",
    )
    .expect("tampered");
    let mut trader = Trader::new(shop::open(&path).expect("a shop"), 4).expect("a trader");
    let old_refunds = count(&shop, "SELECT max(id) FROM refunds");
    for second in 0..400 {
        let now = NOON.plus_s(second);
        trader.any(now, &Held::default()).expect("a step");
    }
    let shipped = "SELECT count(*) FROM orders o JOIN payments p ON p.order_id = o.id
        WHERE status = 'shipped' AND total_minor <> amount_minor";
    assert!(count(&shop, shipped) > 0);
    let tampered = format!(
        "SELECT count(*) FROM refunds r
         JOIN orders o ON o.id = r.order_id JOIN payments p ON p.order_id = o.id
         WHERE r.id > {old_refunds}
             AND (p.amount_minor <> o.total_minor OR p.payee_account <> o.payee_account)"
    );
    assert_eq!(count(&shop, &tampered), 0);
}

fn hold_everything(shop: &Connection) -> String {
    let mut holds = Vec::new();
    for table in ["orders", "refunds"] {
        for (id, _) in rows(shop, table) {
            holds.push(serde_json::json!({"table": table, "key": id.to_string()}));
        }
    }
    serde_json::json!({ "holds": holds }).to_string()
}

#[test]
fn held_rows_stand_still_until_they_are_released() {
    let (folder, path) = small(6);
    let shop = Connection::open(&path).expect("a shop");
    let holds = folder.path().join("holds.json");
    std::fs::write(&holds, hold_everything(&shop)).expect("written");
    let before = (rows(&shop, "orders"), rows(&shop, "refunds"));
    let mut options = TradeOptions::new(&path, &holds);
    options.transactions_per_s = FASTEST;
    let trade = start(&options, Arc::new(SystemClock)).expect("a trade");
    let paid = first(&shop, "SELECT id FROM orders WHERE status = 'paid'");
    assert!(
        trade
            .nudge(&[RowName::new("orders", paid)])
            .expect("an answer")
            .is_empty()
    );
    assert!(trade.wait_for(40, Duration::from_secs(20)));
    assert!(trade.stats().held > 0);
    let after = (rows(&shop, "orders"), rows(&shop, "refunds"));
    assert!(after.0.starts_with(&before.0) && after.1.starts_with(&before.1));
    std::fs::write(&holds, r#"{"holds":[]}"#).expect("written");
    let row = RowName::new("orders", paid);
    assert_eq!(
        trade.nudge(std::slice::from_ref(&row)).expect("an answer"),
        [row]
    );
    trade.stop().expect("a good end");
}

fn first(shop: &Connection, sql: &str) -> i64 {
    shop.query_row(&format!("{sql} ORDER BY id LIMIT 1"), [], |row| row.get(0))
        .expect(sql)
}

#[test]
fn a_nudge_carries_rows_one_lawful_step_on() {
    let (folder, path) = small(9);
    let shop = Connection::open(&path).expect("a shop");
    let named = |table, sql| RowName::new(table, first(&shop, sql));
    let placed = named("orders", "SELECT id FROM orders WHERE status = 'placed'");
    let paid = named("orders", "SELECT id FROM orders WHERE status = 'paid'");
    let cancelled = named("orders", "SELECT id FROM orders WHERE status = 'cancelled'");
    let requested = named(
        "refunds",
        "SELECT id FROM refunds WHERE status = 'requested'",
    );
    let gone = RowName::new("refunds", 1_000_000);
    let mut options = TradeOptions::new(&path, folder.path().join("holds.json"));
    options.transactions_per_s = 1;
    let trade = start(&options, Arc::new(SystemClock)).expect("a trade");
    let asked = [placed, paid, cancelled, requested, gone];
    let changed = trade.nudge(&asked).expect("an answer");
    let stands = |row: &RowName| -> String {
        let sql = format!("SELECT status FROM {} WHERE id = ?1", row.table);
        shop.query_row(&sql, [row.id], |row| row.get(0))
            .expect("a row")
    };
    assert_eq!(
        changed,
        [asked[0].clone(), asked[1].clone(), asked[3].clone()]
    );
    assert_eq!(
        asked[..4].iter().map(stands).collect::<Vec<_>>(),
        ["paid", "shipped", "cancelled", "done"]
    );
    let stats = trade.stop().expect("a good end");
    assert!(stats.paid >= 1 && stats.shipped >= 1 && stats.refunds_done >= 1);
}

#[test]
fn a_shop_that_breaks_ends_the_trade_with_its_error() {
    let (folder, path) = small(1);
    let mut options = TradeOptions::new(&path, folder.path().join("holds.json"));
    options.transactions_per_s = 1;
    let trade = start(&options, Arc::new(SystemClock)).expect("a trade");
    Connection::open(&path)
        .and_then(|shop| shop.execute_batch("ALTER TABLE orders RENAME TO elsewhere"))
        .expect("renamed");
    let outcome = trade.nudge(&[RowName::new("orders", 1)]);
    assert!(matches!(outcome, Err(ShopError::TradeEnded)));
    assert!(matches!(trade.stop(), Err(ShopError::Sqlite(_))));
}

#[test]
fn waiting_never_exceeds_one_pace_however_the_clock_jumps() {
    let pace = Duration::from_millis(33);
    assert_eq!(until(NOON.plus_s(3_600), NOON, pace), pace);
    assert_eq!(until(NOON, NOON.plus_s(3_600), pace), Duration::ZERO);
    assert_eq!(
        until(Instant(NOON.0 + 5), NOON, pace),
        Duration::from_micros(5)
    );
}
