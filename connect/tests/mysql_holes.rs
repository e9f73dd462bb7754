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

/// A database beside the shop's. Not `test_..`: MariaDB lets everybody into those.
fn beside(shop: &Shop) -> String {
    let name = format!("evil_{}", shop.slot);
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

const PAYEES: &str = "(id INT PRIMARY KEY, acct VARCHAR(9), n INT, FOREIGN KEY (acct) REFERENCES";

/// `shop.payees` -> `evil.p` -> `evil.q`, and back into the shop: `evil.q` -> `shop.r`.
fn chained(shop: &Shop) -> String {
    let (home, evil) = (&shop.slot, beside(shop));
    shop.database.run(&format!(
        "CREATE TABLE r (acct VARCHAR(9) PRIMARY KEY, n INT);
         CREATE TABLE `{evil}`.q (acct VARCHAR(9) PRIMARY KEY, n INT,
           FOREIGN KEY (acct) REFERENCES `{home}`.r (acct) ON UPDATE CASCADE);
         CREATE TABLE `{evil}`.p (acct VARCHAR(9) PRIMARY KEY, n INT,
           FOREIGN KEY (acct) REFERENCES `{evil}`.q (acct) ON UPDATE CASCADE);
         CREATE TABLE payees {PAYEES} `{evil}`.p (acct) ON UPDATE CASCADE);
         INSERT INTO r VALUES ('A', 1), ('B', 1); INSERT INTO `{evil}`.q SELECT * FROM r;
         INSERT INTO `{evil}`.p SELECT * FROM r; INSERT INTO payees VALUES (1, 'A', 1)"
    ));
    evil
}

/// Each is run behind a look at every row, and said; `n` of the parents may change freely.
fn all_said(shop: &Shop, feed: &mut dyn connect::source::Feed, said: &str, steps: &[String]) {
    for sql in steps {
        shop::rescan(feed);
        shop.database
            .run("UPDATE r SET n = n + 1; UPDATE payees SET n = n + 1");
        assert_eq!(shop::keys(&shop::batches(feed)), ["1"], "{sql}");
        shop.database.run(sql);
        let reason = lost(shop::poll_until_told(feed)).to_string();
        assert!(reason.contains(said), "{sql}: {reason}");
    }
}

#[test]
fn keys_into_other_databases_are_followed() {
    let shop = Shop::new("");
    let evil = chained(&shop);
    let guarded = shop.guarded(&[("payees", &["id"])]);
    let examined = shop.source().examine(&guarded).unwrap();
    for parent in [format!("{evil}.p"), format!("{evil}.q"), "r".to_owned()] {
        let warned = |w: &connect::source::Advice| {
            w.what.contains(&format!(
                "rows of payees go or change with rows of {parent} "
            ))
        };
        assert!(
            examined.warnings.iter().any(warned),
            "{parent} {examined:?}"
        );
    }
    assert_eq!(examined.problems, []);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    shop.database.run(&format!(
        "UPDATE `{evil}`.p SET n = n + 1; INSERT INTO r VALUES ('X', 1)"
    ));
    assert!(shop::batches(feed.as_mut()).is_empty());
    let steps = [
        format!(
            "SET foreign_key_checks = 0; UPDATE `{evil}`.p SET acct = 'C' WHERE acct = 'B';
             SET foreign_key_checks = 1"
        ),
        format!(
            "INSERT INTO r VALUES ('D', 1); INSERT INTO `{evil}`.q VALUES ('D', 1);
             INSERT INTO `{evil}`.p VALUES ('D', 1); UPDATE r SET acct = 'E' WHERE acct = 'D'"
        ),
        "UPDATE r SET acct = 'EVIL9' WHERE acct = 'A'".to_owned(),
    ];
    all_said(&shop, feed.as_mut(), "rows of payees with it", &steps);
    assert_eq!(
        shop.database.value("SELECT acct FROM payees"),
        "EVIL9",
        "the cascade went through the whole chain"
    );
    shop::rescan(feed.as_mut());
    // A parent that gets a parent of its own is looked at anew.
    shop.database.run(&format!(
        "CREATE TABLE `{evil}`.s (n INT PRIMARY KEY); UPDATE r SET n = 1; INSERT INTO `{evil}`.s VALUES (1);
         ALTER TABLE r ADD FOREIGN KEY (n) REFERENCES `{evil}`.s (n) ON DELETE CASCADE;
         INSERT INTO `{evil}`.s VALUES (9); DELETE FROM `{evil}`.s WHERE n = 9"
    ));
    let reason = lost(shop::poll_until_told(feed.as_mut())).to_string();
    assert!(reason.contains("rows of payees with it"), "{reason}");
}

#[test]
fn an_account_that_only_reads_sees_what_keys_do_or_is_told() {
    let shop = Shop::new("");
    let evil = chained(&shop);
    shop.database.run(
        "CREATE TABLE kept (id INT PRIMARY KEY, n INT); INSERT INTO kept VALUES (1, 1), (2, 2), (3, 3);
         CREATE TABLE orders (id INT PRIMARY KEY, k INT, FOREIGN KEY (k) REFERENCES kept (id) ON DELETE CASCADE);
         CREATE TABLE items (id INT PRIMARY KEY, k INT, FOREIGN KEY (k) REFERENCES kept (id));
         INSERT INTO orders VALUES (1, 1); INSERT INTO items VALUES (1, 2)",
    );
    let guarded = shop.guarded(&[("payees", &["id"]), ("items", &["id"])]);
    let user = format!("g_{}", &shop.slot[5..]);
    let url = shop.database.user(&user, "word");
    let home = &shop.slot;
    shop.database.run(&format!(
        "GRANT SELECT ON `{home}`.payees TO '{user}'@'127.0.0.1'"
    ));
    let location = shop.location_of(&url, connect::source::TlsMode::Off, None);
    let poor = location.source().unwrap().examine(&guarded).unwrap();
    for grant in &poor.grants[..2] {
        shop.database.run(grant);
    }
    let told = location.source().unwrap().examine(&guarded).unwrap();
    let [problem] = told.problems.as_slice() else {
        panic!("{told:?}");
    };
    assert!(
        problem.what.contains(&format!("may not see {evil}.p")),
        "{problem:?}"
    );
    let mut feed = location.feed(guarded.clone(), None).unwrap();
    shop::rescan(feed.as_mut());
    // A key that does nothing by itself is not taken for one that does.
    shop.database.run("DELETE FROM kept WHERE id = 3");
    assert!(shop::batches(feed.as_mut()).is_empty());
    let evil_9 = format!(
        "INSERT INTO r VALUES ('F', 1); INSERT INTO `{evil}`.q VALUES ('F', 1);
         INSERT INTO `{evil}`.p VALUES ('F', 1); UPDATE `{evil}`.p SET n = 2"
    );
    all_said(&shop, feed.as_mut(), "which cannot be seen", &[evil_9]);

    shop.database.run(&problem.mend);
    let more = location.source().unwrap().examine(&guarded).unwrap();
    let [problem] = more.problems.as_slice() else {
        panic!("{more:?}");
    };
    assert!(problem.what.contains(&format!("{evil}.q")), "{problem:?}");
    shop.database.run(&problem.mend);
    let rich = location.source().unwrap().examine(&guarded).unwrap();
    assert_eq!(rich.problems, []);
    let mut feed = location.feed(guarded, None).unwrap();
    let moved = "UPDATE r SET acct = 'EVIL9' WHERE acct = 'A'".to_owned();
    all_said(&shop, feed.as_mut(), "rows of payees with it", &[moved]);

    // Within one database too.
    let orders = shop.guarded(&[("orders", &["id"])]);
    let mut feed = location.feed(orders, None).unwrap();
    shop::rescan(feed.as_mut());
    shop.database.run("DELETE FROM kept WHERE id = 1");
    let reason = lost(shop::poll_until_told(feed.as_mut())).to_string();
    assert!(reason.contains("rows of orders with it"), "{reason}");
}
