//! Rows that no decent shop would hold: each is said or named, and nothing stops for it.

use crate::guarded::Guarded;
use rusqlite::Connection;
use testkit::SmallShop;

fn open(guarded: &Guarded) -> Connection {
    Connection::open(guarded.shop()).expect("the shop's file opens")
}

/// The one finding of this row.
fn finding(guarded: &Guarded, table: &str, key: &str) -> serde_json::Value {
    let of_row = |g: &Guarded| -> Vec<serde_json::Value> {
        let mut all = g.findings();
        all.retain(|f| f["table"] == table && f["key"] == key);
        all
    };
    let found = guarded.until(of_row, |found| !found.is_empty());
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

const COUPONS: &str = r#"
[[source]]
name = "shop"
kind = "sqlite"
path = "shop.db"
[[source.table]]
name = "coupons"
key = ["code"]
frozen = { columns = ["worth_minor"] }
no_delete = true
money = { amount = "worth_minor", fixed = "CNY" }
"#;

#[test]
fn a_null_key_is_told_at_the_baseline_and_found_when_it_comes() {
    let mut guarded = Guarded::empty();
    guarded.settings(COUPONS);
    let shop = open(&guarded);
    // SQLite takes NULL in a primary key that is no INTEGER.
    shop.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE coupons (code TEXT PRIMARY KEY, worth_minor INTEGER);
         INSERT INTO coupons VALUES ('SPRING', 500), (NULL, 900);",
    )
    .unwrap();
    guarded.says(
        &["source", "baseline", "shop"],
        0,
        &["1 rows", "NULL key", "cannot be guarded", "Give them a key"],
    );
    guarded.serve();
    let audit = guarded.json(&["audit", "shop"]);
    assert_eq!(
        (&audit["rows"], &audit["unreadable"]),
        (&1.into(), &1.into())
    );
    guarded.says(&["audit", "shop"], 1, &["NULL key"]);
    assert!(
        guarded.findings().is_empty(),
        "what the baseline told is no news"
    );
    shop.execute("INSERT INTO coupons VALUES (NULL, 7700)", [])
        .unwrap();
    let found = finding(&guarded, "coupons", "rowid 3");
    assert_eq!(found["kind"], "unreadable");
    // One more comes while nobody looks; it is found, and the one found before is not doubled.
    guarded.kill();
    shop.execute("INSERT INTO coupons VALUES (NULL, 1)", [])
        .unwrap();
    guarded.serve();
    finding(&guarded, "coupons", "rowid 4");
    finding(&guarded, "coupons", "rowid 3");
    assert_eq!(
        guarded.json(&["incident", "list"]).as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn text_that_is_no_utf_8_is_guarded_byte_by_byte() {
    let (mut guarded, shop) = Guarded::with_shop(20, 5);
    let paid = shop.orders_in("paid")[0];
    let intruder = shop.intruder();
    // While it is placed a phone may be anything; from then on it stands as it was.
    let sql = "INSERT INTO orders (customer_id, phone, status, total_minor, currency)
               VALUES (3, CAST(x'ff00fe' AS TEXT), 'placed', 100, 'CNY')";
    intruder.execute(sql, []).unwrap();
    guarded.serve();
    let sql = "UPDATE orders SET currency = CAST(x'c328' AS TEXT) WHERE id = ?1";
    intruder.execute(sql, [paid]).unwrap();
    let found = finding(&guarded, "orders", &paid.to_string());
    assert_eq!(
        (&found["kind"], &found["columns"][0]["lawful"]),
        (&"altered".into(), &"CNY".into())
    );
    let applied = guarded.repair();
    assert_eq!(applied["state"], "applied", "{applied}");
    guarded.good(&["audit", "shop"]);
    let currency = "SELECT currency FROM orders WHERE id = ?1";
    let currency: String = intruder.query_row(currency, [paid], |r| r.get(0)).unwrap();
    assert_eq!(currency, "CNY");
}

#[test]
fn amounts_beyond_the_integers_are_named_and_put_right() {
    let (mut guarded, shop) = Guarded::with_shop(40, 6);
    guarded.serve();
    let intruder = shop.intruder();
    let paid = shop.orders_in("paid");
    // 2^63 becomes a REAL in SQLite; the second is the largest integer; the third is text.
    for (order, amount) in paid
        .iter()
        .zip(["9223372036854775808", "9223372036854775807", "'much'"])
    {
        let sql = format!("UPDATE orders SET total_minor = {amount} WHERE id = {order}");
        intruder.execute(&sql, []).unwrap();
    }
    let shown = ["92233720368547", "9223372036854775807", "much"];
    for (order, live) in paid.iter().zip(shown) {
        let found = finding(&guarded, "orders", &order.to_string());
        assert_eq!(found["kind"], "altered");
        let text = found["columns"][0]["live"].as_str().unwrap();
        assert!(text.contains(live), "{text}");
    }
    let applied = guarded.repair();
    assert_eq!(applied["state"], "applied", "{applied}");
    guarded.good(&["audit", "shop"]);
    let wrong = "SELECT count(*) FROM orders WHERE typeof(total_minor) <> 'integer'";
    let wrong: i64 = intruder.query_row(wrong, [], |r| r.get(0)).unwrap();
    assert_eq!(wrong, 0);
}

#[test]
fn a_schema_that_changes_under_the_guard_is_an_alarm_and_stops_it() {
    let (mut guarded, shop) = Guarded::with_shop(20, 7);
    guarded.serve();
    let intruder = shop.intruder();
    intruder
        .execute_batch("ALTER TABLE refunds ADD COLUMN note TEXT")
        .unwrap();
    let alarm = |g: &Guarded| -> Vec<serde_json::Value> {
        let mut all = g.findings();
        all.retain(|f| f["rule"] == "schema_changed");
        all
    };
    let found = guarded.until(alarm, |found| !found.is_empty());
    assert_eq!(
        (&found[0]["table"], &found[0]["kind"]),
        (&"refunds".into(), &"unreadable".into())
    );
    let words = ["schema of `refunds`", "mend the policy", "new baseline"];
    // Reports still come in; what needs the guard says why it cannot be done.
    guarded.until(
        |g| g.run(&["audit", "shop"]),
        |ended| ended.err.contains("guard has stopped"),
    );
    guarded.says(&["audit", "shop"], 2, &words);
    // It is the same between runs: the old images do not fit the new table.
    guarded.kill();
    guarded.says(&["serve", "--listen", "127.0.0.1:0"], 2, &words);
    // What the message says to do is done, and helps.
    guarded.says(&["source", "baseline", "shop"], 2, &["already", "confirm"]);
    guarded.good(&["source", "baseline", "shop", "--again"]);
    guarded.serve();
    guarded.good(&["audit", "shop"]);
}

#[test]
fn a_second_baseline_makes_what_stands_there_lawful_and_only_when_confirmed() {
    let (mut guarded, shop): (Guarded, SmallShop) = Guarded::with_shop(20, 8);
    let paid = shop.orders_in("paid")[0];
    shop.intruder()
        .execute("UPDATE orders SET total_minor = 1 WHERE id = ?1", [paid])
        .unwrap();
    guarded.serve();
    guarded.says(&["audit", "shop"], 1, &["orders", "total_minor"]);
    guarded.says(&["source", "baseline", "shop"], 2, &["already", "confirm"]);
    guarded.says(&["audit", "shop"], 1, &["1 discrepancies"]);
    guarded.good(&["source", "baseline", "shop", "--again"]);
    guarded.kill();
    guarded.serve();
    guarded.good(&["audit", "shop"]);
}
