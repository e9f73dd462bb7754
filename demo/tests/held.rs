//! The trade honours the hold list as `connect` writes it.

use connect::contain::{HeldAction, HeldRow, Hold, HoldList};
use demo::shop::{self, RowName, ShopOptions};
use demo::trade::{self, TradeOptions};
use model::{Clock, HoldId, IncidentId, SystemClock};
use rusqlite::Connection;
use std::sync::Arc;

#[test]
fn a_hold_placed_stops_shipping_and_paying_out_and_a_hold_lifted_lets_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, list) = (
        folder.path().join("shop.db"),
        folder.path().join("holds.json"),
    );
    let options = ShopOptions {
        orders: shop::MIN_ORDERS,
        seed: 1,
    };
    shop::create(&path, &options, &mut |_| ()).expect("a shop");
    let shop = Connection::open(&path).expect("a shop");
    let first = |table: &str, status: &str| -> RowName {
        let sql = format!("SELECT id FROM {table} WHERE status = ?1 ORDER BY id LIMIT 1");
        let id = shop.query_row(&sql, [status], |row| row.get(0));
        RowName::new(table, id.expect("a row"))
    };
    let rows = [first("orders", "paid"), first("refunds", "requested")];
    let now = SystemClock.now();
    let held = |row: &RowName| HeldRow {
        table: row.table.clone(),
        key: row.id.to_string(),
    };
    let hold = Hold {
        id: HoldId::from("h-1"),
        incident: IncidentId::from("i-1"),
        rows: rows.iter().map(held).collect(),
        forbids: vec![HeldAction::Ship, HeldAction::Refund],
        from: now,
        until: now.plus_s(3_600),
    };
    let mut holds = HoldList::open(&list).expect("a list");
    holds.place(hold.clone()).expect("placed");

    let mut options = TradeOptions::new(&path, &list);
    options.transactions_per_s = 1;
    let trade = trade::start(&options, Arc::new(SystemClock)).expect("a trade");
    assert_eq!(trade.nudge(&rows).expect("an answer"), []);
    assert!(trade.stats().held >= 2);
    holds.lift(&hold.id).expect("lifted");
    assert_eq!(trade.nudge(&rows).expect("an answer"), rows);
    trade.stop().expect("a good end");
}
