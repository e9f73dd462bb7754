//! A MySQL shop under guard, on MySQL's own server: `BALEFIRE_MYSQLD=/path/to/mysqld cargo test -p
//! desk --features mysql-server --test servers mysql`. Debian stable has no such server, so that
//! these stand behind the feature and are no part of the usual run.

use crate::repair::{lines, mended_and_taken_back};
use crate::shop::{TABLES, World, told};
use testkit::mariadb::{Database, Server};

fn shop(server: &Server, orders: u32) -> (Database, World) {
    let database = server.database();
    let tables = TABLES
        .replace("timestamptz", "datetime(6)")
        .replace("numeric", "decimal")
        .replace("\"bankAccount\"", "bankAccount");
    database.run(&tables);
    let counted = format!(
        "(WITH RECURSIVE s(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM s WHERE seq < {orders}) SELECT seq FROM s) s"
    );
    database.run(&format!(
        "INSERT INTO customers SELECT seq, CONCAT('customer ', seq), CONCAT('1380000', seq), CONCAT('CN', seq) FROM {counted};
         INSERT INTO orders SELECT seq, seq, 'paid', 10.00 + seq, 'CNY', REPEAT(SHA2(seq, 256), 150), NOW(6) FROM {counted};
         INSERT INTO payments SELECT seq, seq, 10.00 + seq, 'settled', NOW(6) FROM {counted};"
    ));
    let world = World::new("mysql", &database.url());
    (database, world)
}

const LAWFUL: &str = "
BEGIN; INSERT INTO orders VALUES (1001, 3, 'placed', 7.50, 'CNY', NULL, NOW(6));
       UPDATE orders SET total = 8.50, updated_at = NOW(6) WHERE id = 1001; COMMIT;
BEGIN; INSERT INTO payments VALUES (1001, 1001, 8.50, 'settled', NOW(6));
       UPDATE orders SET status = 'paid', updated_at = NOW(6) WHERE id = 1001; COMMIT;
UPDATE customers SET phone = '139' WHERE id = 3;
BEGIN; UPDATE orders SET total = 0 WHERE id = 4; ROLLBACK;
";

#[test]
fn lawful_trade_is_quiet_and_tampering_is_named_by_column() {
    let (database, world) = shop(Server::shared_mysql(), 50);
    database.run(LAWFUL);
    assert_eq!(world.audited().discrepancies, []);
    assert_eq!(told(&world.all()), Vec::<String>::new());
    database.run(
        "UPDATE orders SET total = 0.01, updated_at = NOW(6) WHERE id = 7;
         UPDATE customers SET bankAccount = 'EVIL' WHERE id = 8;
         DELETE FROM payments WHERE id = 9;
         UPDATE orders SET status = 'refunded' WHERE id = 10;
         INSERT INTO orders VALUES (2000, 5, 'paid', 1, 'CNY', NULL, NOW(6));",
    );
    let expected = [
        "customers 8 altered frozen [bankAccount]",
        "orders 10 altered together [status]",
        "orders 2000 forged initial []",
        "orders 7 altered frozen [total]",
        "payments 9 deleted no_delete []",
    ];
    assert_eq!(told(&world.findings(5)), expected);
    let audit = world.audited();
    assert_eq!(audit.discrepancies.len(), 5, "{:?}", audit.discrepancies);
    assert_eq!(world.all().len(), 5, "an audit finds nothing new");
}

#[test]
fn what_happened_while_nobody_ran_is_told_by_the_log_once() {
    let server = Server::start_mysql(&["binlog-transaction-compression=ON"]);
    let (database, world) = shop(&server, 20);
    database.run(LAWFUL);
    let stopped = world.stop();
    server.kill_and_start();
    database.run(
        "UPDATE orders SET total = 0.01 WHERE id = 7;
         UPDATE orders SET total = 17.00 WHERE id = 7;
         UPDATE orders SET total = 0.02 WHERE id = 8;",
    );
    let world = stopped.start();
    let found = world.findings(2);
    let expected = [
        "orders 7 altered frozen [total]",
        "orders 8 altered frozen [total]",
    ];
    assert_eq!(told(&found), expected);
    assert!(found.iter().all(|f| f.witnessed), "{found:?}");
    server.restart();
    database.run("UPDATE orders SET total = 0.01 WHERE id = 9;");
    assert_eq!(world.findings(3).len(), 3);
    assert_eq!(world.audited().discrepancies.len(), 2);
    world.desk.stop();
}

#[test]
fn a_shop_is_mended_and_the_repair_taken_back() {
    let (database, world) = shop(Server::shared_mysql(), 20);
    let rows = "SELECT id, total, status FROM orders WHERE id IN (7, 9) \
                UNION ALL SELECT id, amount, state FROM payments WHERE id IN (7, 9) ORDER BY 1, 2";
    mended_and_taken_back(&world, &|sql| database.run(sql), &|| {
        lines(database.rows(rows))
    });
}
