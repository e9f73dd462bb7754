//! Ways past the guard of a MariaDB shop that were found once: statements that look harmless, and
//! keys that reach into other databases.

#[path = "mysql/shop.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod shop;

use connect::source::{LostReason, Polled};
use shop::Shop;
use testkit::mariadb::Server;

const ORDERS: &str =
    "CREATE TABLE o (id INT PRIMARY KEY, n INT); INSERT INTO o VALUES (1, 1), (2, 2);
    CREATE TABLE other (id INT)";
const STATEMENT: &str = "SET SESSION binlog_format = STATEMENT";

fn lost(told: Polled) -> LostReason {
    match told {
        Polled::Lost { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// A database beside the shop's; the server's are thrown away with it.
fn beside(shop: &Shop) -> String {
    let name = format!("{}_evil", shop.slot);
    shop.database.run(&format!("CREATE DATABASE `{name}`"));
    name
}

#[test]
fn a_statement_behind_set_statement_is_looked_at() {
    let shop = Shop::new(ORDERS);
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    let mut rows = shop::rescan(feed.as_mut()).len();
    shop.database
        .run("SET STATEMENT max_statement_time=100 FOR TRUNCATE TABLE other");
    assert!(shop::batches(feed.as_mut()).is_empty());
    shop.database
        .run("SET STATEMENT max_statement_time=100 FOR ALTER TABLE o ADD INDEX (n)");
    let changed = Polled::SchemaChanged {
        tables: vec!["o".to_owned()],
    };
    assert_eq!(shop::poll_until_told(feed.as_mut()), changed);
    assert_eq!(shop::rescan(feed.as_mut()).len(), rows);
    shop.database
        .run("SET STATEMENT max_statement_time=100 FOR TRUNCATE TABLE o");
    let reason = lost(shop::poll_until_told(feed.as_mut()));
    assert!(
        matches!(reason, LostReason::TableTruncated { .. }),
        "{reason}"
    );
    rows = shop::rescan(feed.as_mut()).len();
    assert_eq!(rows, 0);
}

#[test]
fn whatever_writes_as_a_statement_is_said_from_wherever_it_was_run() {
    // What one database logs as a statement may concern any other.
    let server = Server::start();
    let shop = Shop::on(&server, ORDERS);
    let (home, evil) = (shop.slot.clone(), beside(&shop));
    shop.database.run(&format!(
        "CREATE VIEW `{evil}`.v AS SELECT * FROM `{home}`.o"
    ));
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    for sql in [
        "SET STATEMENT max_statement_time=100 FOR UPDATE o SET n = 5".to_owned(),
        "ANALYZE UPDATE o SET n = 6".to_owned(),
        format!("USE `{evil}`; UPDATE v SET n = 7"),
        format!("USE `{evil}`; SET STATEMENT max_statement_time=9 FOR ANALYZE UPDATE v SET n = 8"),
        format!("USE `{evil}`; WITH a AS (SELECT 1) SELECT * FROM a; DELETE FROM v WHERE id = 2"),
        "EXECUTE IMMEDIATE 'UPDATE o SET n = 9'".to_owned(),
    ] {
        shop::rescan(feed.as_mut());
        shop.database.run(&format!("{STATEMENT}; {sql}"));
        let reason = lost(shop::poll_until_told(feed.as_mut()));
        assert!(
            reason.to_string().contains("logged as a statement"),
            "{sql}: {reason}"
        );
    }
}
