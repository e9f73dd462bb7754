//! Repairs of a real MariaDB shop: everything that was approved or nothing, and each guard has
//! somebody who tries to get round it.

mod repair_shop;

use connect::repair::{RepairError, RepairLimits, apply};
use connect::source::{Location, TlsMode};
use model::policy::ForgedRows;
use model::{Dialect, RepairAction};
use mysql_async::prelude::Queryable;
use repair_shop::{Shop, address, table, told};
use testkit::mariadb::{Database, Server};

const ODD: &str = "x`; DROP TABLE lines; --";

const DDL: &str = r#"
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE customers (id bigint AUTO_INCREMENT PRIMARY KEY, `Full Name` varchar(40));
CREATE TABLE orders (
    id int PRIMARY KEY,
    customer bigint NOT NULL, parent int,
    state enum('placed', 'paid', 'void') NOT NULL,
    total decimal(12,2), doubled decimal(14,2) AS (total * 2) STORED,
    placed timestamp(6) NULL, changed datetime DEFAULT '2026-01-01' ON UPDATE CURRENT_TIMESTAMP,
    day date, raw blob, ratio double, small float, flags bit(3), code char(6),
    latin varchar(20) CHARACTER SET latin1, big bigint unsigned, doc json, bin binary(4), note text,
    FOREIGN KEY (customer) REFERENCES customers (id),
    FOREIGN KEY (parent) REFERENCES orders (id)
);
CREATE TABLE `lines` (
    order_id int, no int, price decimal(12,2), PRIMARY KEY (order_id, no),
    FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE
);
CREATE TABLE ledger (
    id bigint AUTO_INCREMENT PRIMARY KEY, amount decimal(12,2), reverses bigint, note varchar(40) UNIQUE
);
CREATE TABLE `x``; DROP TABLE lines; --` (id varchar(20) PRIMARY KEY, `v'; --` text);
CREATE TABLE other (what text);
INSERT INTO customers VALUES (0, 'Zoë'), (1, 'Ann'), (2, 'Bo');
INSERT INTO orders (id, customer, parent, state, total, placed, day, raw, ratio, small, flags, code, latin, big, doc,
        bin, note)
    SELECT seq, seq % 2, IF(seq = 3, 2, NULL), 'paid', seq * 10.50, '2026-11-22 20:23:25.68015', '2026-11-22',
        X'00FF', 0.1, 0.1, b'101', 'ab', 'é', 18446744073709551615, '{"a":  1}', X'0100', REPEAT('long ', 2000)
    FROM seq_1_to_5;
INSERT INTO `lines` SELECT o.seq, n.seq, n.seq FROM seq_1_to_5 o, seq_1_to_2 n;
INSERT INTO ledger (amount, note) VALUES (10, 'a'), (20, 'b');
INSERT INTO `x``; DROP TABLE lines; --` VALUES ('it''s', 'fine');
"#;

fn shop() -> (Database, Shop) {
    let database = Server::shared().database();
    database.run(DDL);
    let shop = shop_of(&database);
    (database, shop)
}

fn shop_of(database: &Database) -> Shop {
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
    Shop::new(Dialect::Mysql, &database.url(), tables)
}

/// Two altered rows, a deleted family with the row of number 0, two forged rows.
const HARM: &str = r#"
SET sql_mode = '';
UPDATE orders SET total = 0.01, placed = NULL, day = '0000-00-00', raw = '', ratio = 7, small = 7, flags = 0,
    code = 'AB', latin = 'e', big = 1, doc = '{}', bin = X'02', note = 'short', state = 'placed' WHERE id = 1;
UPDATE `x``; DROP TABLE lines; --` SET `v'; --` = 'evil';
DELETE FROM orders WHERE id = 3;
DELETE FROM orders WHERE id = 2;
UPDATE orders SET customer = 2 WHERE customer = 0;
DELETE FROM customers WHERE id = 0;
INSERT INTO orders (id, customer, state, total) VALUES (9, 2, 'paid', 900);
INSERT INTO `lines` VALUES (9, 1, 900), (9, 2, 1);
"#;

#[test]
fn a_harmed_shop_is_put_right_and_wrong_again() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run(HARM);
    let harmed = shop.rows();
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    let dry = apply(&shop.writer, &proposal, &limits, true).unwrap();
    assert!(dry.dry_run && dry.transaction.is_none());
    assert_eq!(shop.rows(), harmed);
    let applied = shop.apply(&proposal).unwrap();
    assert_eq!((dry.steps, dry.side_effects), (applied.steps, 0));
    let gtid = applied.transaction.unwrap();
    assert_eq!(gtid.split('-').count(), 3, "{gtid}");
    // All is as it was, `changed` included, and what was forged is set aside or gone.
    let mut repaired = shop.rows();
    let forged = repaired
        .extract_if(.., |place, _| !lawful.contains_key(place))
        .count();
    assert_eq!((repaired, forged), (lawful.clone(), 1));
    assert_eq!(
        database.value("SELECT state FROM orders WHERE id = 9"),
        "void"
    );
    assert_eq!(
        database.value("SELECT count(*) FROM `lines` WHERE order_id = 9"),
        "0"
    );
    // A second time nothing stands as expected.
    shop.refuses(&proposal, &limits, "row ");
    // Undone, and done again.
    let undo = shop.undo(&proposal);
    shop.apply(&undo).unwrap();
    assert_eq!(shop.rows(), harmed);
    let again = shop.undo(&undo);
    shop.apply(&again).unwrap();
    shop.refuses(&again, &limits, "row ");
}

#[test]
fn a_ledger_is_corrected_by_an_entry_and_only_once() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("INSERT INTO ledger (amount, note) VALUES (-99.90, 'forged')");
    let proposal = shop.proposal(&lawful);
    let applied = shop.apply(&proposal).unwrap();
    let entry = applied.steps[0].entry.clone().unwrap();
    let entry: Vec<String> = entry.iter().map(|(_, v)| v.as_ref().to_string()).collect();
    assert_eq!(entry, ["4", "99.90", "3", "taken back"]);
    assert_eq!(database.value("SELECT sum(amount) FROM ledger"), "30.00");
    shop.refuses(
        &proposal,
        &RepairLimits::default(),
        "taken back already by 1 entries",
    );
}

#[test]
fn rows_that_changed_since_the_proposal_stop_everything() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1, changed = changed WHERE id IN (1, 2); DELETE FROM orders WHERE id = 4");
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    let stale = |shop: &mut Shop, sql: &str, words: &str| {
        database.run(sql);
        shop.refuses(&proposal, &limits, words);
    };
    stale(
        &mut shop,
        "UPDATE orders SET total = 2, changed = changed WHERE id = 2",
        "row 2 of orders: column total holds '2.00' now, not '1.00'",
    );
    stale(
        &mut shop,
        "UPDATE orders SET total = 1, changed = changed WHERE id = 2; INSERT INTO orders (id, customer, state) VALUES (4, 1, 'paid')",
        "row 4 of orders: it is there",
    );
    stale(
        &mut shop,
        "DELETE FROM orders WHERE id = 4; DELETE FROM orders WHERE id = 3; DELETE FROM orders WHERE id = 2",
        "row 2 of orders: it is not there any more",
    );
    // A lawful change of a column that the repair does not touch goes on. The server's collation
    // calls both texts the same; they are not.
    let (database, mut shop) = self::shop();
    let lawful = shop.rows();
    database.run(
        "UPDATE orders SET total = 1, changed = changed WHERE id = 2; UPDATE orders SET code = 'AB', changed = changed WHERE id = 1",
    );
    let proposal = shop.proposal(&lawful);
    database.run("UPDATE orders SET note = 'new', changed = changed WHERE id = 2");
    shop.apply(&proposal).unwrap();
    assert_eq!(
        database.value("SELECT note FROM orders WHERE id = 2"),
        "new"
    );
    assert_eq!(database.value("SELECT code FROM orders WHERE id = 1"), "ab");
    database.run("UPDATE orders SET code = 'Ab', changed = changed WHERE id = 1");
    let proposal = shop.proposal(&lawful);
    database.run("UPDATE orders SET code = 'aB', changed = changed WHERE id = 1");
    shop.refuses(&proposal, &limits, "column code holds 'aB' now, not 'Ab'");
}

#[test]
fn a_statement_does_one_thing_to_its_own_row() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1, changed = changed WHERE id = 1");
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    let still = "changed = changed";
    for (sql, words) in [
        (
            "UPDATE other SET what = 1".to_owned(),
            "writes to another table, other",
        ),
        (
            format!("UPDATE orders SET total = 10.50, {still} WHERE id = 1; DROP TABLE other"),
            "not one plain",
        ),
        (
            format!("UPDATE orders SET total = 10.50, {still}"),
            "changed 5 rows",
        ),
        (
            format!("UPDATE orders SET total = 10.50, {still} WHERE id = 77"),
            "changed 0 rows",
        ),
        (
            format!("UPDATE orders SET total = 10.50, {still} WHERE id = 2"),
            "column total holds '1.00' after",
        ),
        (
            format!("UPDATE orders SET total = 10.50, code = 'x', {still} WHERE id = 1"),
            "column code changed too",
        ),
        // The database would set it by itself.
        (
            "UPDATE orders SET total = 10.50 WHERE id = 1".to_owned(),
            "column changed changed too",
        ),
        (
            "UPDATE orders, other SET total = 10.50".to_owned(),
            "not one plain",
        ),
        (
            "DELETE FROM orders WHERE id = 1".to_owned(),
            "not one plain",
        ),
        (
            "REPLACE INTO orders (id) VALUES (1)".to_owned(),
            "not one plain",
        ),
    ] {
        let mut changed = proposal.clone();
        changed.steps[0].sql = sql;
        changed.steps[0].parameters.clear();
        shop.refuses(&changed, &limits, words);
    }
    let mut short = proposal.clone();
    short.steps[0].parameters.pop();
    shop.refuses(
        &short,
        &limits,
        "row 1 of orders: the database refused the statement",
    );
    let few = RepairLimits {
        max_rows: 0,
        ..RepairLimits::default()
    };
    shop.refuses(&proposal, &few, "at most 0 are allowed");
    shop.apply(&proposal).unwrap();
}

#[test]
fn a_name_is_never_read_as_sql() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("DELETE FROM `x``; DROP TABLE lines; --`");
    let proposal = shop.proposal(&lawful);
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
    // A value likewise.
    database.run(r#"UPDATE orders SET note = '\'; DROP TABLE `lines`; --', code = '\\\'', changed = changed WHERE id = 1"#);
    let proposal = shop.proposal(&lawful);
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
}

fn allowing(trigger: &str) -> RepairLimits {
    RepairLimits {
        allow_triggers: [trigger.to_owned()].into(),
        ..RepairLimits::default()
    }
}

#[test]
fn triggers_do_not_get_in_between() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1, changed = changed WHERE id = 1");
    let proposal = shop.proposal(&lawful);
    let trigger = |body: &str| {
        database.run(&format!("CREATE OR REPLACE TRIGGER t {body}"));
    };
    trigger("BEFORE UPDATE ON orders FOR EACH ROW SET NEW.total = 5");
    shop.refuses(
        &proposal,
        &RepairLimits::default(),
        "would set off orders.t",
    );
    let allowed = allowing("orders.t");
    shop.refuses(
        &proposal,
        &allowed,
        "column total holds '5.00' after the repair",
    );
    trigger("BEFORE UPDATE ON orders FOR EACH ROW SET NEW.code = 'evil'");
    shop.refuses(
        &proposal,
        &allowed,
        "column code changed too, from one value to another",
    );
    trigger("AFTER UPDATE ON orders FOR EACH ROW UPDATE `lines` SET price = 0 WHERE order_id = 2");
    shop.refuses(&proposal, &allowed, "changed 2 more rows");
    trigger("AFTER UPDATE ON orders FOR EACH ROW INSERT INTO other VALUES ('x')");
    shop.refuses(&proposal, &allowed, "changed 1 more rows");
    trigger("AFTER UPDATE ON orders FOR EACH ROW DELETE FROM `lines` WHERE order_id = 2");
    shop.refuses(&proposal, &allowed, "changed 2 more rows");
    trigger("AFTER INSERT ON orders FOR EACH ROW DELETE FROM `lines` WHERE order_id = 2");
    shop.apply(&proposal).unwrap();
}

#[test]
fn a_cascade_takes_nothing_along_unseen() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    shop.policy.tables[1].forged = ForgedRows::Delete;
    database.run("INSERT INTO orders (id, customer, state) VALUES (9, 2, 'paid')");
    let proposal = shop.proposal(&lawful);
    database.run("INSERT INTO `lines` VALUES (9, 1, 900), (9, 2, 1)");
    shop.refuses(
        &proposal,
        &RepairLimits::default(),
        ".lines would be changed with it",
    );
    // With its children in the proposal, they go first.
    let proposal = shop.proposal(&lawful);
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
}

#[test]
fn a_circle_of_keys_goes_to_a_person() {
    let database = Server::shared().database();
    database.run(
        "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a (id));
         INSERT INTO a VALUES (1, 1), (2, NULL); INSERT INTO b VALUES (1, 1);
         ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id);",
    );
    let tables = vec![table("a", &["id"]), table("b", &["id"])];
    let mut shop = Shop::new(Dialect::Mysql, &database.url(), tables);
    let lawful = shop.rows();
    database.run("SET foreign_key_checks = 0; DELETE FROM a; DELETE FROM b");
    let harm = shop.harm(&lawful);
    let proposed = shop.proposed(&harm);
    assert_eq!(proposed.proposal.steps.len(), 1);
    let said = proposed.needs_person.iter().map(|p| p.reason.to_string());
    let said: Vec<_> = said.collect();
    assert_eq!(said.len(), 2);
    assert!(
        said[0].starts_with("rows of a, b point to each other in a circle"),
        "{said:?}"
    );
    shop.apply(&proposed.proposal).unwrap();
}

/// Another session of the shop.
struct Session {
    runtime: tokio::runtime::Runtime,
    connection: mysql_async::Conn,
}

impl Session {
    fn open(database: &Database) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let url = database.url();
        let connecting = mysql_async::Conn::from_url(url);
        let connection = runtime.block_on(connecting).unwrap();
        Self {
            runtime,
            connection,
        }
    }
    fn run(&mut self, sql: &str) {
        self.runtime
            .block_on(self.connection.query_drop(sql))
            .unwrap();
    }
    fn number(&mut self, sql: &str) -> Option<u64> {
        let asked = self.connection.query_first(sql);
        self.runtime.block_on(asked).unwrap()
    }
}

#[test]
fn a_lock_of_the_shop_is_not_waited_for_for_ever() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1, changed = changed WHERE id IN (1, 2)");
    let proposal = shop.proposal(&lawful);
    let mut trader = Session::open(&database);
    trader.run("BEGIN");
    trader.run("UPDATE orders SET code = 'busy', changed = changed WHERE id = 2");
    let hasty = RepairLimits {
        lock_timeout_ms: 1_000,
        ..RepairLimits::default()
    };
    shop.refuses(&proposal, &hasty, "row 2 of orders stayed locked");
    // What it wrote meanwhile is seen once the lock is free.
    trader.run("UPDATE orders SET total = 3, changed = changed WHERE id = 2");
    trader.run("COMMIT");
    shop.refuses(&proposal, &hasty, "column total holds '3.00' now");
}

#[test]
fn a_connection_that_dies_half_way_leaves_nothing() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1, changed = changed WHERE id = 1; DELETE FROM ledger WHERE id = 2");
    let mut proposal = shop.proposal(&lawful);
    // The row's own first, so that something is written when the other one waits.
    proposal.steps.reverse();
    assert_eq!(proposal.steps[0].action, RepairAction::RestoreColumns);
    let before = shop.rows();
    let mut trader = Session::open(&database);
    let patient = RepairLimits {
        lock_timeout_ms: 30_000,
        statement_timeout_ms: 40_000,
        ..RepairLimits::default()
    };
    // No row of the repair, but one with a value of its row: it waits at its INSERT.
    trader.run("BEGIN");
    trader.run("INSERT INTO ledger (amount, note) VALUES (7, 'b')");
    let writer = shop.writer.clone();
    let mut guard = Session::open(&database);
    let error = std::thread::scope(|scope| {
        let repair = scope.spawn(|| apply(&writer, &proposal, &patient, false));
        let waiting = "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() \
                       AND ID <> CONNECTION_ID() AND INFO LIKE 'INSERT INTO `ledger`%' AND TIME_MS > 20";
        loop {
            if let Some(thread) = guard.number(waiting) {
                guard.run(&format!("KILL CONNECTION {thread}"));
                break;
            }
            assert!(!repair.is_finished(), "{:?}", repair.join());
            testkit::pause(std::time::Duration::from_millis(5));
        }
        repair.join().unwrap().unwrap_err()
    });
    assert!(
        matches!(error, RepairError::Lost { .. }),
        "{}",
        told(&error)
    );
    trader.run("ROLLBACK");
    assert_eq!(shop.rows(), before);
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
}

#[test]
fn the_writing_account_needs_its_rights() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1, changed = changed WHERE id = 1");
    let proposal = shop.proposal(&lawful);
    let name = format!("w_{}", database.name());
    let folder = tempfile::tempdir().unwrap();
    let writer = Location::Mysql(address(folder.path(), &database.user(&name, "geheim")));
    let try_as_writer = || apply(&writer, &proposal, &RepairLimits::default(), false);
    let on = format!("ON `{}`.* TO '{name}'@'127.0.0.1'", database.name());
    database.run(&format!("GRANT SELECT {on}"));
    let error = try_as_writer().unwrap_err();
    assert!(
        matches!(error, RepairError::TriggersHidden),
        "{}",
        told(&error)
    );
    database.run(&format!("GRANT TRIGGER {on}"));
    let error = try_as_writer().unwrap_err();
    assert!(
        matches!(error, RepairError::ReadOnly { .. }),
        "{}",
        told(&error)
    );
    database.run(&format!("GRANT UPDATE {on}"));
    try_as_writer().unwrap();
    assert_eq!(shop.rows(), lawful);
    let folder = tempfile::tempdir().unwrap();
    let wrong = Location::Mysql(address(folder.path(), &database.url_for(&name, "falsch")));
    let error = apply(&wrong, &proposal, &RepairLimits::default(), false).unwrap_err();
    let said = told(&error);
    assert!(said.contains("1045") && !said.contains("falsch"), "{said}");
}

#[test]
fn a_table_that_cannot_roll_back_is_not_touched() {
    let database = Server::shared().database();
    database.run(
        "CREATE TABLE a (id int PRIMARY KEY, b int) ENGINE=MyISAM; INSERT INTO a VALUES (1, 1)",
    );
    let mut shop = Shop::new(Dialect::Mysql, &database.url(), vec![table("a", &["id"])]);
    let lawful = shop.rows();
    database.run("UPDATE a SET b = 2");
    let proposal = shop.proposal(&lawful);
    shop.refuses(
        &proposal,
        &RepairLimits::default(),
        "kept by MyISAM, which cannot roll back",
    );
}

#[test]
fn another_machine_is_written_to_through_tls_only() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = testkit::certificates(folder.path());
    let server = Server::start_with_tls(&certificates);
    let database = server.database();
    database.run(DDL);
    let mut shop = shop_of(&database);
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1, changed = changed WHERE id = 1");
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    let mut writer = address(folder.path(), &database.url());
    writer.tls = TlsMode::Verify;
    // The system's authorities did not sign this certificate.
    let error = apply(&Location::Mysql(writer.clone()), &proposal, &limits, false);
    let said = told(&error.unwrap_err());
    assert!(said.contains("no TLS connection"), "{said}");
    writer.ca_file = Some(certificates.ca.clone());
    apply(&Location::Mysql(writer), &proposal, &limits, false).unwrap();
    let far = address(folder.path(), "mysql://a:geheim@192.0.2.1/d");
    let error = apply(&Location::Mysql(far), &proposal, &limits, false).unwrap_err();
    let said = told(&error);
    assert!(
        said.contains("TLS is switched off") && !said.contains("geheim"),
        "{said}"
    );
}

#[test]
fn a_partitioned_table_is_repaired_too() {
    let database = Server::shared().database();
    database.run(
        "CREATE TABLE a (id int, day int, b int, PRIMARY KEY (id, day))
           PARTITION BY RANGE (day) (PARTITION p VALUES LESS THAN (10), PARTITION q VALUES LESS THAN MAXVALUE);
         INSERT INTO a VALUES (1, 1, 1), (2, 20, 2), (3, 3, 3)",
    );
    let mut shop = Shop::new(
        Dialect::Mysql,
        &database.url(),
        vec![table("a", &["id", "day"])],
    );
    shop.policy.tables[0].forged = ForgedRows::Delete;
    let lawful = shop.rows();
    database.run("UPDATE a SET b = 9 WHERE id < 3; DELETE FROM a WHERE id = 3; INSERT INTO a VALUES (4, 4, 4)");
    database.run(
        "CREATE TABLE other (id int PRIMARY KEY);
         CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW INSERT INTO other VALUES (NEW.id)",
    );
    let proposal = shop.proposal(&lawful);
    shop.refuses(&proposal, &allowing("a.t"), "changed 1 more rows");
    database.run("DROP TRIGGER t");
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
}
