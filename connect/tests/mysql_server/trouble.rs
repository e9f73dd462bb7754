//! A MySQL shop when things go wrong, or otherwise than usual: restarts, lost logs, wrong
//! certificates, least rights, other forms of logging.

use crate::shop::{self, Shop};
use connect::ConnectError;
use connect::source::{Location, LostReason, Polled, TlsMode};
use model::Value;
use std::collections::BTreeMap;
use testkit::mariadb::Server;

const ORDERS: &str = "CREATE TABLE o (id INT PRIMARY KEY, state VARCHAR(20), n INT, note TEXT)";

fn lost(told: Polled) -> LostReason {
    match told {
        Polled::Lost { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn restarts_and_kills_lose_and_double_nothing() {
    let server = Server::start_mysql(&[]);
    let shop = Shop::on(&server, ORDERS);
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    let mut seen = Vec::new();
    let insert = |id: i32| {
        shop.database
            .run(&format!("INSERT INTO o VALUES ({id}, 'a', 1, '')"))
    };
    insert(1);
    seen.extend(shop::keys(&[shop::next_batch(feed.as_mut())]));
    insert(2);
    server.restart();
    insert(3);
    while seen.len() < 3 {
        seen.extend(shop::keys(&[shop::next_batch(feed.as_mut())]));
    }
    insert(4);
    server.kill();
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["4"]);
    assert_eq!(
        feed.poll(std::time::Duration::from_millis(50)).unwrap(),
        Polled::Quiet
    );
    server.start_again();
    insert(5);
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["5"]);
    assert_eq!(seen, ["1", "2", "3"]);

    // Purged before it was read.
    let position = feed.position();
    drop(feed);
    insert(6);
    shop.database.run("FLUSH BINARY LOGS; FLUSH BINARY LOGS");
    let last = shop.database.rows("SHOW BINARY LOG STATUS")[0][0]
        .clone()
        .unwrap();
    // The server keeps what it still sends to the connection that was given up, until it notices.
    let purged = (0..500).any(|_| {
        shop.database.run(&format!("PURGE BINARY LOGS TO '{last}'"));
        shop.database.rows("SHOW BINARY LOGS").len() == 1
    });
    assert!(purged);
    let mut feed = shop.feed(&guarded, position);
    assert_eq!(shop::rescan(feed.as_mut()).len(), 6);
    let reason = lost(shop::poll_until_told(feed.as_mut()));
    assert!(matches!(reason, LostReason::LogPurged { .. }), "{reason}");
    assert_eq!(shop::rescan(feed.as_mut()).len(), 6);
    insert(7);
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["7"]);

    // The log began anew, and grew beyond where we were.
    drop(feed);
    let mut feed = shop.feed(&guarded, Some(9 << 32 | 4));
    shop::rescan(feed.as_mut());
    let reason = lost(shop::poll_until_told(feed.as_mut()));
    assert!(
        matches!(reason, LostReason::OtherHistory { .. }),
        "{reason}"
    );
    shop::rescan(feed.as_mut());
    insert(8);
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["8"]);
    shop.database.run("RESET BINARY LOGS AND GTIDS");
    for id in 10..40 {
        insert(id);
    }
    let told = shop::poll_until_told(feed.as_mut());
    let reason = lost(told);
    assert!(
        matches!(
            reason,
            LostReason::OtherHistory { .. } | LostReason::LogPurged { .. }
        ),
        "{reason}"
    );
    assert_eq!(shop::rescan(feed.as_mut()).len(), 38);
}

#[test]
fn a_position_within_a_transaction_is_not_read_from() {
    let shop = Shop::on(Server::shared_mysql(), ORDERS);
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    shop.database.run("INSERT INTO o VALUES (1, 'a', 1, '')");
    shop::batches(feed.as_mut());
    let file = feed.position().unwrap() >> 32;
    let events = shop
        .database
        .rows(&format!("SHOW BINLOG EVENTS IN 'binlog.{file:06}'"));
    let rows = events
        .iter()
        .rfind(|e| e[2].as_deref() == Some("Table_map"))
        .unwrap();
    let within = rows[1].as_deref().unwrap().parse::<u64>().unwrap();
    let mut feed = shop.feed(&guarded, Some(file << 32 | within));
    shop::rescan(feed.as_mut());
    let reason = lost(shop::poll_until_told(feed.as_mut()));
    assert!(
        matches!(reason, LostReason::OtherHistory { .. }),
        "{reason}"
    );
    let mut feed = shop.feed(&guarded, Some(file << 32 | (within + 3)));
    shop::rescan(feed.as_mut());
    lost(shop::poll_until_told(feed.as_mut()));
}

#[test]
fn certificates_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (good, other) = (folder.path().join("good"), folder.path().join("other"));
    std::fs::create_dir_all(&good).unwrap();
    std::fs::create_dir_all(&other).unwrap();
    let good = testkit::certificates(&good);
    let other = testkit::certificates(&other);
    let server = Server::start_mysql_with_tls(&good);
    let shop = Shop::on(&server, ORDERS);
    let open = |url: &str, ca| shop.location_of(url, TlsMode::Verify, ca).source();
    let url = shop.database.user("tls", "geheim$'\"");
    shop.database
        .run("GRANT SELECT ON *.* TO tls@127.0.0.1; ALTER USER tls@127.0.0.1 REQUIRE SSL");
    let mut source = open(&url, Some(good.ca.clone())).unwrap();
    assert_eq!(source.tables().unwrap().len(), 1);
    let refused = open(&url, Some(other.ca)).err().unwrap();
    assert!(matches!(refused, ConnectError::Tls { .. }), "{refused}");
    let refused = shop
        .location_of(&url, TlsMode::Off, None)
        .source()
        .err()
        .unwrap();
    assert!(
        matches!(refused, ConnectError::LoginRefused { .. }),
        "{refused}"
    );
    let wrong = url.replace("geheim", "falsch");
    let refused = open(&wrong, Some(good.ca)).err().unwrap();
    let told = format!("{refused} {refused:?} {}", refused.advice());
    assert!(
        matches!(refused, ConnectError::LoginRefused { .. }),
        "{refused}"
    );
    assert!(
        !told.contains("falsch") && !told.contains("geheim"),
        "{told}"
    );
    let far = "mysql://a:b@192.0.2.1/shop";
    let refused = shop
        .location_of(far, TlsMode::Off, None)
        .source()
        .err()
        .unwrap();
    assert!(
        matches!(refused, ConnectError::TlsWanted { .. }),
        "{refused}"
    );
}

#[test]
fn the_printed_rights_are_enough_and_needed() {
    let shop = Shop::on(Server::shared_mysql(), ORDERS);
    let guarded = shop.guarded(&[("o", &["id"])]);
    let user = format!("g_{}", &shop.slot[5..]);
    let url = shop.database.user(&user, "word");
    shop.database.run(&format!(
        "GRANT SELECT ON `{}`.o TO '{user}'@'127.0.0.1'",
        shop.slot
    ));
    let location = shop.location_of(&url, TlsMode::Off, None);
    let poor = location.source().unwrap().examine(&guarded).unwrap();
    assert_eq!(poor.problems.len(), 3, "{poor:?}");
    assert!(poor.server.contains("MySQL"), "{}", poor.server);
    let refused = location.attach(&guarded).unwrap_err();
    assert!(
        matches!(refused, ConnectError::CannotGuard { .. }),
        "{refused}"
    );
    shop.database.run(&format!(
        "REVOKE SELECT ON `{}`.o FROM '{user}'@'127.0.0.1'",
        shop.slot
    ));
    for grant in &poor.grants {
        shop.database.run(grant);
    }
    let mut source = location.source().unwrap();
    let rich = source.examine(&guarded).unwrap();
    assert_eq!(rich.problems, [], "{rich:?}");
    assert!(
        !rich.warnings.iter().any(|w| w.what.contains("may write")),
        "{rich:?}"
    );
    assert_eq!(location.attach(&guarded).unwrap().len(), 2);
    let mut feed = location.feed(guarded.clone(), None).unwrap();
    shop::rescan(feed.as_mut());
    shop.database
        .run("INSERT INTO o VALUES (1, 'a', 1, ''), (2, 'a', 1, '')");
    let batch = shop::next_batch(feed.as_mut());
    assert_eq!(shop::keys(std::slice::from_ref(&batch)), ["1", "2"]);
    let keys: Vec<_> = batch.observed.iter().map(|o| o.key.clone()).collect();
    assert!(feed.read(0, &keys).unwrap().iter().all(Option::is_some));
    assert_eq!(feed.check("SELECT 'o', id, state FROM o").unwrap().len(), 2);
    assert_eq!(feed.load().connections, 2);
    let ours = format!("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{user}'");
    for connection in shop.database.rows(&ours) {
        let id = connection[0].clone().unwrap();
        drop(shop.database.try_run(&format!("KILL {id}")));
    }
    shop.database.run("INSERT INTO o VALUES (3, 'a', 1, '')");
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["3"]);
    assert_eq!(location.detach().unwrap().len(), 1);
    let root = shop.source().examine(&guarded).unwrap();
    assert!(
        root.warnings.iter().any(|w| w.what.contains("may write")),
        "{root:?}"
    );
}

#[test]
fn checks_only_read() {
    let shop = Shop::on(Server::shared_mysql(), ORDERS);
    let mut source = shop.source();
    shop.database.run(
        "DELIMITER //\nCREATE FUNCTION w() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN DELETE FROM o; RETURN 1; END//",
    );
    for sql in [
        "DELETE FROM o",
        "SELECT 1, 2, w()",
        "COMMIT",
        "SET @a = 1",
        "/*!DELETE FROM o*/",
    ] {
        let refused = source.check(sql).unwrap_err();
        assert!(
            matches!(refused, ConnectError::CheckWrites),
            "{sql}: {refused}"
        );
    }
    for sql in ["SELECT 1 FROM o", "SELECT 1, 2"] {
        let refused = source.check(sql).unwrap_err();
        assert!(
            matches!(refused, ConnectError::CheckColumns { .. }),
            "{sql}: {refused}"
        );
    }
    assert!(source.check("SELECT 1, 2, 3; DELETE FROM o").is_err());
    let found = source.check("SELECT 'ü', NULL, 1.50").unwrap();
    assert_eq!(
        (
            found[0].table.as_str(),
            found[0].key.as_str(),
            found[0].detail.as_str()
        ),
        ("ü", "NULL", "1.50")
    );
}

#[test]
fn other_forms_of_logging_are_read_too() {
    let server = Server::start_mysql(&[
        "binlog-transaction-compression=ON",
        "binlog-checksum=NONE",
        "binlog-row-metadata=FULL",
        "gtid-mode=OFF",
        "binlog-row-value-options=PARTIAL_JSON",
    ]);
    let shop = Shop::on(
        &server,
        &format!(
            "{ORDERS}; CREATE TABLE my (id INT PRIMARY KEY, n INT) ENGINE=MyISAM;
             CREATE TABLE j (id INT PRIMARY KEY, a JSON, b JSON)"
        ),
    );
    let guarded = shop.guarded(&[("o", &["id"]), ("my", &["id"]), ("j", &["id"])]);
    let examined = shop.source().examine(&guarded).unwrap();
    assert_eq!(examined.problems, []);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    shop.database.run(
        "INSERT INTO o SELECT * FROM (WITH RECURSIVE s(seq) AS (SELECT 1 UNION ALL SELECT seq+1 FROM s WHERE seq<50)
             SELECT seq, 'placed', seq AS n, REPEAT('x', 500) FROM s) s;
         INSERT INTO my VALUES (1, 1), (2, 2); UPDATE my SET n = 5 WHERE id = 1;
         INSERT INTO j VALUES (1, '{\"a\": 1, \"b\": [1, 2, {\"c d\": \"x\\\\\\\"]y\"}], \"long\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}', '[1.5, 2]'), (2, '{}', NULL);
         UPDATE j SET a = JSON_SET(a, '$.a', 2.50, '$.b[1]', JSON_ARRAY(1), '$.zz', true, '$.\"ü k\"', NULL, '$.b[2].\"c d\"', 'q\\n') WHERE id = 1;
         UPDATE j SET a = JSON_REMOVE(JSON_SET(a, '$.b[2].e', CAST('2026-11-23' AS DATE), '$.a', CAST(1.25 AS DECIMAL(9,3))), '$.b[0]'), b = JSON_SET(b, '$[0]', 7) WHERE id = 1;
         UPDATE j SET b = JSON_REPLACE(b, '$[1]', 'last') WHERE id = 1; UPDATE j SET a = '{\"new\": 1}' WHERE id = 2;
         SET GLOBAL binlog_checksum = CRC32; UPDATE o SET note = 'short', n = 0 WHERE id < 10; DELETE FROM o WHERE id = 20;",
    );
    let seen = shop::state_after(feed.as_mut(), BTreeMap::new());
    assert_eq!(seen, shop.scan(&guarded));
    assert_eq!(seen.len(), 53);
    // One payload may be passed over in the middle of the file, and read from behind it.
    let position = feed.position();
    shop.database.run("INSERT INTO o VALUES (100, 'a', 1, '')");
    let mut feed = shop.feed(&guarded, position);
    shop::rescan(feed.as_mut());
    let batch = shop::next_batch(feed.as_mut());
    let told = &batch.transactions[0];
    assert!(
        told.id.split(':').count() == 2 && !told.id.contains('-'),
        "{told:?}"
    );
    assert_eq!(shop::keys(&[batch]), ["100"]);
}

#[test]
fn tagged_names_of_transactions_are_read() {
    let shop = Shop::on(Server::shared_mysql(), ORDERS);
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    shop.database.run(
        "SET gtid_next = 'AUTOMATIC:shop_2'; INSERT INTO o VALUES (1, 'a', 1, ''); INSERT INTO o VALUES (2, 'a', 1, '');",
    );
    let told: Vec<String> = shop::batches(feed.as_mut())
        .into_iter()
        .flat_map(|b| b.transactions)
        .map(|t| t.id)
        .collect();
    let uuid = shop.database.value("SELECT @@server_uuid");
    let expected = [1, 2].map(|n| format!("{uuid}:shop_2:{n}"));
    assert_eq!(told, expected);
}

#[test]
fn images_with_columns_left_out() {
    let shop = Shop::on(Server::shared_mysql(), ORDERS);
    let guarded = shop.guarded(&[("o", &["id"])]);
    shop.database
        .run("INSERT INTO o VALUES (1, 'a', 1, 'x'), (2, 'b', 1, 'y')");
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    let minimal = "SET SESSION binlog_row_image = MINIMAL;";
    shop.database.run(&format!(
        "{minimal} START TRANSACTION; UPDATE o SET n = 7 WHERE id = 1; UPDATE o SET state = 'c' WHERE id = 1;
         DELETE FROM o WHERE id = 2; COMMIT"
    ));
    let batch = shop::next_batch(feed.as_mut());
    let [changed, deleted] = batch.observed.as_slice() else {
        panic!("{batch:?}");
    };
    let row = changed.row.as_ref().unwrap();
    let values: Vec<Value> = row.iter().map(|v| v.to_value()).collect();
    assert_eq!(
        values,
        [
            Value::Integer(1),
            Value::text("c"),
            Value::Integer(7),
            Value::Null
        ]
    );
    assert_eq!(
        (changed.unsent.as_slice(), deleted.row.is_none()),
        (&[3][..], true)
    );
    shop.database
        .run(&format!("{minimal} INSERT INTO o (id) VALUES (3)"));
    let reason = lost(shop::poll_until_told(feed.as_mut()));
    assert!(
        reason.to_string().contains("without all of its columns"),
        "{reason}"
    );
}

/// MySQL 9.6 and later carries foreign keys out itself, and logs what they do.
#[test]
fn what_a_cascade_takes_is_told_row_by_row() {
    let shop = Shop::on(
        Server::shared_mysql(),
        "CREATE TABLE p (id INT PRIMARY KEY, n INT);
         CREATE TABLE m (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE);
         CREATE TABLE c (id INT PRIMARY KEY, m INT, FOREIGN KEY (m) REFERENCES m (id) ON DELETE CASCADE ON UPDATE CASCADE);
         INSERT INTO p VALUES (1, 1), (2, 1); INSERT INTO m VALUES (1, 1), (2, 2); INSERT INTO c VALUES (1, 1), (2, 2)",
    );
    let guarded = shop.guarded(&[("c", &["id"])]);
    let examined = shop.source().examine(&guarded).unwrap();
    assert!(
        !examined
            .warnings
            .iter()
            .any(|w| w.what.contains("rows of c go")),
        "{examined:?}"
    );
    let mut feed = shop.feed(&guarded, None);
    let before = shop::rescan(feed.as_mut());
    shop.database
        .run("DELETE FROM p WHERE id = 1; UPDATE m SET id = 9 WHERE id = 2");
    let seen = shop::state_after(feed.as_mut(), before);
    assert_eq!(seen, shop.scan(&guarded));
    assert_eq!(seen.len(), 1);
}

#[test]
fn a_stamp_names_the_transaction_that_its_shop_knew() {
    let shop = Shop::on(Server::shared_mysql(), ORDERS);
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    let stamped = |id: i32| {
        format!(
            "SET @sql = CONCAT('/*balefire:v1.shop.', CONNECTION_ID(), '*/ INSERT INTO o VALUES ({id}, \\'a\\', 1, \\'/*balefire:forged*/\\')');
             PREPARE s FROM @sql; EXECUTE s;"
        )
    };
    shop.database.run(&stamped(1));
    shop.database.run(&stamped(2));
    shop.database
        .run("INSERT INTO o VALUES (3, 'a', 1, '/*balefire:forged*/')");
    let told: Vec<_> = shop::batches(feed.as_mut())
        .into_iter()
        .flat_map(|b| b.transactions)
        .collect();
    assert_eq!(told.len(), 3);
    for told in &told[..2] {
        let stamp = String::from_utf8(told.stamps[0].clone()).unwrap();
        assert_eq!(stamp, format!("v1.shop.{}", told.id), "{told:?}");
    }
    assert_ne!(told[0].id, told[1].id);
    assert!(
        told[2].stamps.is_empty() && told[2].id.contains(':'),
        "{:?}",
        told[2]
    );
}

#[test]
fn xa_transactions_count_when_they_are_committed() {
    let shop = Shop::on(Server::shared_mysql(), ORDERS);
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    let name = &shop.slot;
    let xa = |xid: &str, id: i32| {
        format!(
            "XA START '{name}{xid}'; INSERT INTO o VALUES ({id}, 'a', 1, ''); XA END '{name}{xid}'; XA PREPARE '{name}{xid}';"
        )
    };
    shop.database
        .run(&(xa("a", 1) + &format!("XA ROLLBACK '{name}a'")));
    shop.database.run(&xa("b", 2));
    shop.database.run("INSERT INTO o VALUES (3, 'a', 1, '')");
    shop.database.run(&format!("XA COMMIT '{name}b'"));
    shop.database
        .run(&format!("{} XA COMMIT '{name}c'", xa("c", 4)));
    assert_eq!(shop::keys(&shop::batches(feed.as_mut())), ["3", "2", "4"]);
    shop.database.run(&xa("d", 5));
    shop::batches(feed.as_mut());
    let mut feed = shop.feed(&guarded, feed.position());
    shop::rescan(feed.as_mut());
    shop.database.run(&format!("XA COMMIT '{name}d'"));
    let reason = lost(shop::poll_until_told(feed.as_mut()));
    assert!(reason.to_string().contains("XA"), "{reason}");
}

#[test]
fn a_transaction_that_is_too_large_is_looked_at_instead() {
    let shop = Shop::on(Server::shared_mysql(), ORDERS);
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    shop.database
        .run("SET cte_max_recursion_depth = 300000; INSERT INTO o SELECT seq, 'a', 1, '' FROM (WITH RECURSIVE s(seq) AS (SELECT 1 UNION ALL SELECT seq+1 FROM s WHERE seq<200001) SELECT * FROM s) s");
    let reason = lost(shop::poll_until_told(feed.as_mut()));
    assert!(matches!(reason, LostReason::TooManyRows { .. }), "{reason}");
    let mut rows = 0;
    let report = feed.rescan(&mut |_| {
        rows += 1;
        Ok(())
    });
    assert_eq!((report.unwrap().rows, rows), (200_001, 200_001));
}

#[test]
fn what_cannot_be_guarded_is_said() {
    let shop = Shop::on(Server::shared_mysql(),
        "CREATE TABLE nokey (a INT); CREATE TABLE nullable (a INT UNIQUE); CREATE TABLE prefix (a TEXT, UNIQUE (a(10)));
         CREATE VIEW v AS SELECT * FROM nokey; CREATE TABLE z (id INT PRIMARY KEY, c VECTOR(3))",
    );
    let location: Location = shop.location();
    for (table, key) in [
        ("nokey", "a"),
        ("nullable", "a"),
        ("prefix", "a"),
        ("z", "id"),
    ] {
        let guarded = shop.guarded(&[(table, &[key])]);
        let refused = location.feed(guarded, None).err().unwrap();
        assert!(
            matches!(
                refused,
                ConnectError::KeyNotUnique { .. } | ConnectError::CannotGuard { .. }
            ),
            "{table}: {refused}"
        );
    }
    let names: Vec<String> = shop
        .source()
        .tables()
        .unwrap()
        .into_iter()
        .map(|t| t.name)
        .collect();
    assert!(!names.contains(&"v".to_owned()), "{names:?}");
}
