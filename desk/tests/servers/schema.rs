//! Schemas that change while a shop is guarded, and accounts with only the printed rights.

use crate::shop::{POLICY, World, config, fill, fill_mariadb, shop_name, told};
use desk::config::{Config, SourceConfig};
use desk::source_check::check;
use desk::{DataFolder, Desk, DeskError};
use model::{FindingKind, TablePolicy};
use testkit::{TempFolder, mariadb, postgres};

/// A shop's database, whichever server it is on.
trait Shop {
    fn run(&self, sql: &str);
    fn guarded(&self) -> World;
}

impl Shop for postgres::Database {
    fn run(&self, sql: &str) {
        postgres::Database::run(self, sql);
    }
    fn guarded(&self) -> World {
        fill(self, 20);
        World::new("postgres", &self.url())
    }
}

impl Shop for mariadb::Database {
    fn run(&self, sql: &str) {
        mariadb::Database::run(self, sql);
    }
    fn guarded(&self) -> World {
        fill_mariadb(self, 20);
        World::new("mysql", &self.url())
    }
}

fn on_postgres() -> postgres::Database {
    postgres::Server::shared().database()
}

fn on_mariadb() -> mariadb::Database {
    mariadb::Server::shared().database()
}

fn table<'c>(source: &'c mut SourceConfig, name: &str) -> &'c mut TablePolicy {
    source.table.iter_mut().find(|t| t.name == name).unwrap()
}

/// Until the guard has stopped; what its status says.
fn stopped(world: &World) -> String {
    let mut seen = 0;
    for _ in 0..100 {
        let status = world.desk.sources().remove(0);
        if !status.watching {
            assert!(status.blind_since.is_some(), "{status:?}");
            return status.problem.unwrap();
        }
        seen = (world.desk).wait_for_change(seen, std::time::Duration::from_millis(300));
    }
    panic!("the guard goes on: {:?}", world.desk.sources());
}

/// What was found of rows, in order.
fn of_rows(world: &World) -> Vec<String> {
    let mut found = world.all();
    found.retain(|f| f.rule != "schema_changed");
    told(&found)
}

/// What was said of tables; it calls nobody where the guard goes on.
fn notices(world: &World) -> Vec<(String, String)> {
    let mut found = world.all();
    found.retain(|f| f.rule == "schema_changed");
    assert!(
        found
            .iter()
            .all(|f| f.kind == FindingKind::Unwitnessed && !f.kind.alarms())
    );
    found.into_iter().map(|f| (f.table, f.detail)).collect()
}

/// Tampering before, with and after a change of a table is found, and of the rows nothing else is;
/// the change is said, the guard goes on, and knows the new columns.
fn goes_on(shop: &impl Shop, on: &str, sql: &str, said: &str) -> World {
    let world = shop.guarded();
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 6;");
    shop.run(sql);
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 8;");
    world.findings(3);
    let expected = [
        "orders 6 altered frozen [total]",
        "orders 8 altered frozen [total]",
    ];
    assert_eq!(of_rows(&world), expected, "{sql}");
    let notices_now = notices(&world);
    assert_eq!(notices_now.len(), 1, "{sql}: {notices_now:?}");
    assert_eq!(notices_now[0].0, on);
    assert!(notices_now[0].1.contains(said), "{sql}: {notices_now:?}");
    let audit = world.audited();
    assert_eq!(
        (audit.rows, audit.discrepancies.len()),
        (60, 2),
        "{sql}: {audit:?}"
    );
    assert_eq!(of_rows(&world), expected, "{sql}");
    assert!(world.desk.sources().remove(0).watching, "{sql}");
    // What was adopted is what the next start knows.
    let world = world.stop().start();
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 9;");
    world.findings(4);
    assert_eq!(of_rows(&world).len(), 3, "{sql}");
    assert_eq!(world.audited().discrepancies.len(), 3, "{sql}");
    assert_eq!(notices(&world), notices_now, "{sql}");
    world
}

/// The data folder as a crash leaves it after every row was looked at in a new shape, and before
/// that was put down: `since` is the shape that counts. `index`: the index was written by then.
fn crashed(folder: &DataFolder, since: u64, index: bool) {
    let store = store::Store::open(&folder.store()).unwrap();
    let batch = store::Batch {
        marks: vec![("shape/shop".to_owned(), since)],
        ..store::Batch::default()
    };
    store.commit(batch).unwrap();
    if !index {
        std::fs::remove_dir_all(folder.journal().join("index")).unwrap();
    }
}

fn settled(folder: &DataFolder) -> u64 {
    let store = store::Store::open(&folder.store()).unwrap();
    store.mark("shape/shop").unwrap().unwrap()
}

fn a_crash_before_the_shape_is_settled(shop: &impl Shop) {
    let halted = shop.guarded().stop();
    let folder = DataFolder::new(halted.folder.join("data"));
    let first = settled(&folder);
    shop.run("ALTER TABLE orders ADD COLUMN gift int NOT NULL DEFAULT 7");
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 6");
    let world = halted.start();
    assert_eq!(world.audited().discrepancies.len(), 1);
    let expected = ["orders 6 altered frozen [total]"];
    assert_eq!(of_rows(&world), expected);
    let halted = world.stop();
    assert_ne!(settled(&folder), first);
    // The same change once more, with and without an index, says nothing new.
    crashed(&folder, first, true);
    let halted = halted.start().stop();
    assert_ne!(settled(&folder), first);
    crashed(&folder, first, false);
    let world = halted.start();
    assert_eq!(world.audited().discrepancies.len(), 1);
    assert_eq!((of_rows(&world).len(), notices(&world).len()), (1, 1));
    // The table changes again before the first change is settled, and a row in its shadow.
    let halted = world.stop();
    crashed(&folder, first, true);
    shop.run("ALTER TABLE orders ADD COLUMN wrap int NOT NULL DEFAULT 3");
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 7");
    let world = halted.start();
    assert_eq!(world.audited().discrepancies.len(), 2);
    let expected = [
        "orders 6 altered frozen [total]",
        "orders 7 altered frozen [total]",
    ];
    assert_eq!(of_rows(&world), expected);
    assert_eq!(notices(&world).len(), 2);
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 8");
    world.findings(5);
    crate::repair::mended(&world);
    assert_eq!(of_rows(&world).len(), 3);
}

/// The binlog does not say which columns its rows are of: those of before a change that nobody saw
/// cannot be read, which is said, and what they did is found by looking at every row.
#[test]
fn mariadb_rows_in_the_old_columns_that_nobody_read_are_found_all_the_same() {
    let shop = on_mariadb();
    let halted = shop.guarded().stop();
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 6");
    shop.run("ALTER TABLE orders ADD COLUMN gift int NOT NULL DEFAULT 7");
    let world = halted.start();
    let found = world.findings(3);
    let blind = found.iter().find(|f| f.rule == "blind").unwrap();
    assert!(
        blind.detail.contains("orders") && blind.kind.alarms(),
        "{blind:?}"
    );
    assert!(of_rows(&world).contains(&"orders 6 altered together [total]".to_owned()));
    assert_eq!(world.audited().discrepancies.len(), 1);
    assert_eq!((of_rows(&world).len(), notices(&world).len()), (2, 1));
}

#[test]
fn postgres_rows_in_the_old_columns_that_nobody_read_are_read() {
    let shop = on_postgres();
    let halted = shop.guarded().stop();
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 6");
    shop.run("ALTER TABLE orders DROP COLUMN note, ADD COLUMN gift int NOT NULL DEFAULT 7");
    let world = halted.start();
    assert_eq!(world.audited().discrepancies.len(), 1);
    assert_eq!(of_rows(&world), ["orders 6 altered frozen [total]"]);
    assert_eq!(notices(&world).len(), 1);
}

#[test]
fn postgres_a_crash_before_the_new_shape_is_settled_changes_nothing() {
    a_crash_before_the_shape_is_settled(&on_postgres());
}

#[test]
fn mariadb_a_crash_before_the_new_shape_is_settled_changes_nothing() {
    a_crash_before_the_shape_is_settled(&on_mariadb());
}

fn added(shop: &impl Shop) {
    let sql = "ALTER TABLE orders ADD COLUMN gift int NOT NULL DEFAULT 7";
    let world = goes_on(shop, "orders", sql, "the column gift (int");
    // The new column is in the rows' images: a change of it is seen, and no rule forbids it.
    let found = world.all().len();
    shop.run("UPDATE orders SET gift = 8, updated_at = '2026-01-01' WHERE id = 3;");
    assert_eq!(world.audited().discrepancies.len(), 3);
    assert_eq!(world.all().len(), found);
    // Text that nobody declared is personal: tables without personal columns get their first one.
    shop.run("ALTER TABLE payments ADD COLUMN memo varchar(40) DEFAULT 'none'");
    shop.run("UPDATE payments SET amount = 0.01 WHERE id = 4;");
    world.findings(found + 2);
    assert!(of_rows(&world).contains(&"payments 4 altered frozen [amount]".to_owned()));
    assert_eq!(world.audited().discrepancies.len(), 4);
    assert_eq!(world.all().len(), found + 2, "{:?}", told(&world.all()));
    let world = world.stop().start();
    assert_eq!(world.audited().discrepancies.len(), 4);
    assert_eq!(world.all().len(), found + 2, "{:?}", told(&world.all()));
}

fn dropped(shop: &impl Shop) {
    let sql = "ALTER TABLE orders DROP COLUMN note";
    let world = goes_on(shop, "orders", sql, "the column note (");
    // Lawful values are found again although their columns stand elsewhere now.
    crate::repair::mended(&world);
    assert_eq!(of_rows(&world).len(), 3);
}

fn renamed(shop: &impl Shop) {
    let sql = "ALTER TABLE orders RENAME COLUMN note TO remark";
    goes_on(shop, "orders", sql, "it seems to be renamed");
}

#[test]
fn postgres_the_guard_goes_on_with_a_column_that_is_added() {
    added(&on_postgres());
}

#[test]
fn postgres_the_guard_goes_on_without_a_column_that_is_dropped() {
    dropped(&on_postgres());
}

#[test]
fn postgres_the_guard_goes_on_with_a_column_that_is_renamed() {
    renamed(&on_postgres());
}

#[test]
fn postgres_the_guard_goes_on_with_a_column_of_another_type() {
    let sql = "ALTER TABLE orders ALTER COLUMN total TYPE numeric(14,4)";
    let world = goes_on(
        &on_postgres(),
        "orders",
        sql,
        "the column total was numeric(12,2)",
    );
    crate::repair::mended(&world);
    assert_eq!(of_rows(&world).len(), 3, "{:?}", of_rows(&world));
}

#[test]
fn mariadb_the_guard_goes_on_with_a_column_that_is_added() {
    added(&on_mariadb());
}

#[test]
fn mariadb_the_guard_goes_on_with_a_column_that_is_added_in_the_middle() {
    let sql = "ALTER TABLE orders ADD COLUMN gift int DEFAULT 7 AFTER id";
    goes_on(&on_mariadb(), "orders", sql, "the column gift (int");
}

#[test]
fn mariadb_the_guard_goes_on_without_a_column_that_is_dropped() {
    dropped(&on_mariadb());
}

#[test]
fn mariadb_the_guard_goes_on_with_a_column_that_is_renamed() {
    renamed(&on_mariadb());
}

#[test]
fn mariadb_the_guard_goes_on_with_a_column_of_another_type() {
    let sql = "ALTER TABLE orders MODIFY total decimal(14,4) NOT NULL";
    let world = goes_on(
        &on_mariadb(),
        "orders",
        sql,
        "the column total was decimal(12,2)",
    );
    crate::repair::mended(&world);
    assert_eq!(of_rows(&world).len(), 3, "{:?}", of_rows(&world));
}

/// What a statement that changes a table does to the rows in its shadow.
fn is_no_cover(shop: &impl Shop, sql: &str, expected: &[&str]) {
    let world = shop.guarded();
    shop.run(sql);
    world.findings(expected.len() + 1);
    assert_eq!(of_rows(&world), expected, "{sql}");
    assert_eq!(notices(&world).len(), 1, "{sql}");
    assert_eq!(world.audited().discrepancies.len(), expected.len(), "{sql}");
    assert_eq!(of_rows(&world), expected, "{sql}");
}

const TAMPERED: [&str; 3] = [
    "orders 6 altered frozen [total]",
    "orders 7 altered frozen [total]",
    "payments 9 deleted no_delete []",
];

#[test]
fn postgres_a_change_of_a_table_is_no_cover_in_its_transaction() {
    is_no_cover(
        &on_postgres(),
        "BEGIN;
         UPDATE orders SET total = 0.01 WHERE id = 6;
         ALTER TABLE orders ADD COLUMN gift int DEFAULT 1;
         UPDATE orders SET total = 0.01, gift = 2 WHERE id = 7;
         DELETE FROM payments WHERE id = 9;
         COMMIT;",
        &TAMPERED,
    );
}

fn no_cover_in_another_transaction(shop: &impl Shop) {
    is_no_cover(
        shop,
        "UPDATE orders SET total = 0.01 WHERE id = 6;
         ALTER TABLE orders ADD COLUMN gift int DEFAULT 1;
         UPDATE orders SET total = 0.01, gift = 2 WHERE id = 7;
         DELETE FROM payments WHERE id = 9;",
        &TAMPERED,
    );
}

#[test]
fn postgres_a_change_of_a_table_is_no_cover_for_other_transactions() {
    no_cover_in_another_transaction(&on_postgres());
}

#[test]
fn mariadb_a_change_of_a_table_is_no_cover_for_other_transactions() {
    no_cover_in_another_transaction(&on_mariadb());
}

/// Every row but this one is as it was.
fn all_but(row: u32) -> Vec<String> {
    let mut lines: Vec<String> = (1..=20)
        .filter(|id| *id != row)
        .map(|id| format!("orders {id} altered together [total]"))
        .collect();
    lines.sort();
    lines
}

fn is_found_in_all_rows(shop: &impl Shop, sql: &str, but: u32) {
    let expected = all_but(but);
    let lines: Vec<&str> = expected.iter().map(String::as_str).collect();
    is_no_cover(shop, sql, &lines);
}

/// The statement writes the rows, and no log says so.
#[test]
fn postgres_what_a_change_of_a_column_writes_is_found() {
    let using = "ALTER TABLE orders ALTER COLUMN total TYPE numeric(14,2) USING 13.00";
    is_found_in_all_rows(&on_postgres(), using, 3);
    // The same type, so that the columns look as before.
    let using = "ALTER TABLE orders ALTER COLUMN total TYPE numeric(12,2) USING 13.00";
    is_found_in_all_rows(&on_postgres(), using, 3);
    let again = "ALTER TABLE orders DROP COLUMN total; ALTER TABLE orders ADD COLUMN total numeric(12,2) NOT NULL DEFAULT 14.00";
    is_found_in_all_rows(&on_postgres(), &format!("BEGIN; {again}; COMMIT"), 4);
}

#[test]
fn mariadb_what_a_change_of_a_column_writes_is_found() {
    let again = "ALTER TABLE orders DROP COLUMN total, ADD COLUMN total decimal(12,2) NOT NULL DEFAULT 14.00";
    is_found_in_all_rows(&on_mariadb(), again, 4);
    // In its place, so that the columns look as before.
    let again = format!("{again} AFTER status");
    is_found_in_all_rows(&on_mariadb(), &again, 4);
}

/// What writes every row anew, and none otherwise, is said and looked into; nobody is called.
fn a_table_made_anew_is_looked_at(shop: &impl Shop, sql: &str) {
    let world = goes_on(shop, "orders", sql, "every row is looked at again");
    assert_eq!(notices(&world).len(), 1, "{sql}");
}

#[test]
fn postgres_a_table_that_is_made_anew_is_looked_at() {
    a_table_made_anew_is_looked_at(&on_postgres(), "VACUUM FULL orders");
}

#[test]
fn mariadb_a_table_that_gets_an_index_is_looked_at() {
    a_table_made_anew_is_looked_at(&on_mariadb(), "ALTER TABLE orders ADD INDEX (currency)");
}

/// A rule names what is gone: it can no longer be held, so that the guard stops and says so; after a
/// person has mended the policy and taken a new baseline it goes on.
fn a_rule_without_its_column_stops(shop: &impl Shop, sql: &str, mend: impl Fn(&mut SourceConfig)) {
    let world = shop.guarded();
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 6;");
    shop.run(sql);
    let found = world.findings(2);
    let schema = found.iter().find(|f| f.rule == "schema_changed").unwrap();
    assert!(
        schema.kind.alarms() && schema.table == "orders",
        "{schema:?}"
    );
    assert!(schema.detail.contains("total"), "{schema:?}");
    assert_eq!(of_rows(&world), ["orders 6 altered frozen [total]"]);
    let problem = stopped(&world);
    for told in ["orders", "total", "mend the policy", "take a new baseline"] {
        assert!(problem.contains(told), "{sql}: {problem}");
    }
    let audit = world.desk.audit_source(&shop_name());
    assert!(matches!(audit, Err(DeskError::GuardStopped(_))), "{sql}");

    // Nothing goes on by itself with the old policy.
    let mut halted = world.stop();
    let folder = DataFolder::new(halted.folder.join("data"));
    let desk = Desk::open(folder.clone(), halted.config.clone()).unwrap();
    assert!(desk.start_guards().is_err(), "{sql}");
    desk.stop();
    drop(desk);
    mend(&mut halted.config.source[0]);
    let desk = Desk::open(folder, halted.config.clone()).unwrap();
    desk.baseline(&shop_name(), true, &mut |_, _| {}).unwrap();
    desk.start_guards().unwrap();
    let world = World {
        desk,
        folder: halted.folder,
        config: halted.config,
    };
    let audit = world.audited();
    assert_eq!((audit.rows, audit.discrepancies.len()), (60, 0), "{sql}");
    assert_eq!(world.all().len(), 2, "{sql}: {:?}", told(&world.all()));
    shop.run("UPDATE orders SET currency = 'XXX' WHERE id = 8;");
    let lines = told(&world.findings(3));
    let after = "orders 8 altered frozen [currency]".to_owned();
    assert!(lines.contains(&after), "{sql}: {lines:?}");
    assert!(world.desk.sources().remove(0).watching, "{sql}");
}

fn a_ruled_column_is_dropped(shop: &impl Shop) {
    let sql = "ALTER TABLE orders DROP COLUMN total";
    a_rule_without_its_column_stops(shop, sql, |source| {
        let orders = table(source, "orders");
        orders.plain.retain(|c| c != "total");
        orders.money = None;
        orders
            .frozen
            .iter_mut()
            .for_each(|f| f.columns.retain(|c| c != "total"));
        orders
            .together
            .iter_mut()
            .for_each(|t| t.columns.retain(|c| c != "total"));
    });
}

#[test]
fn postgres_a_column_that_a_rule_names_is_dropped() {
    a_ruled_column_is_dropped(&on_postgres());
}

#[test]
fn mariadb_a_column_that_a_rule_names_is_dropped() {
    a_ruled_column_is_dropped(&on_mariadb());
}

/// A guarded table that is gone, or goes by another name.
fn a_table_that_goes_is_found(shop: &impl Shop, sql: &str) {
    let world = shop.guarded();
    shop.run(sql);
    let found = world.findings(1);
    let schema = found.iter().find(|f| f.rule == "schema_changed");
    assert_eq!(schema.unwrap().table, "order_changes", "{sql}");
    assert!(stopped(&world).contains("order_changes"), "{sql}");
}

#[test]
fn postgres_a_guarded_table_that_goes_is_found() {
    let sql = "ALTER TABLE order_changes RENAME TO old_changes";
    a_table_that_goes_is_found(&on_postgres(), sql);
    a_table_that_goes_is_found(&on_postgres(), "DROP TABLE order_changes");
}

#[test]
fn mariadb_a_guarded_table_that_goes_is_found() {
    let sql = "RENAME TABLE order_changes TO old_changes";
    a_table_that_goes_is_found(&on_mariadb(), sql);
    a_table_that_goes_is_found(&on_mariadb(), "DROP TABLE order_changes");
}

/// What concerns no guarded table is passed over; a new table is guarded when the policy names it.
fn other_tables_are_passed_over(shop: &impl Shop) {
    let world = shop.guarded();
    shop.run(
        "CREATE TABLE refunds (id bigint PRIMARY KEY, amount int);
         INSERT INTO refunds VALUES (1, 10), (2, 20);
         ALTER TABLE refunds ADD COLUMN why varchar(60);
         CREATE TABLE lists (id bigint PRIMARY KEY);
         ALTER TABLE lists RENAME TO plans;
         DROP TABLE plans;
         CREATE INDEX by_status ON orders (currency);
         CREATE VIEW paid AS SELECT id FROM orders;
         UPDATE refunds SET amount = 11 WHERE id = 1;",
    );
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 8;");
    assert_eq!(
        told(&world.findings(1)),
        ["orders 8 altered frozen [total]"]
    );
    assert_eq!(world.audited().discrepancies.len(), 1);
    assert!(world.desk.sources().remove(0).watching);

    let mut halted = world.stop();
    let policy = format!(
        "[[source]]\nname = \"shop\"\nkind = \"postgres\"\nurl_file = \"u\"\n{}\n{}",
        POLICY.replace("[[table", "[[source.table"),
        "[[source.table]]\nname = \"refunds\"\nkey = [\"id\"]\nplain = [\"amount\"]\nfrozen = { columns = [\"amount\"] }\n"
    );
    halted.config.source[0].table = Config::parse(&policy).unwrap().source.remove(0).table;
    let folder = DataFolder::new(halted.folder.join("data"));
    let desk = Desk::open(folder, halted.config.clone()).unwrap();
    desk.attach(&shop_name()).unwrap();
    desk.baseline(&shop_name(), true, &mut |_, _| {}).unwrap();
    desk.start_guards().unwrap();
    let world = World {
        desk,
        folder: halted.folder,
        config: halted.config,
    };
    shop.run("UPDATE refunds SET amount = 99 WHERE id = 2;");
    let lines = told(&world.findings(2));
    assert_eq!(
        lines,
        [
            "orders 8 altered frozen [total]",
            "refunds 2 altered frozen [amount]"
        ]
    );
}

#[test]
fn postgres_other_tables_are_passed_over() {
    other_tables_are_passed_over(&on_postgres());
}

#[test]
fn mariadb_other_tables_are_passed_over() {
    other_tables_are_passed_over(&on_mariadb());
}

/// A guard with this account: baseline, lawful trade, tampering, audit.
fn guards(config: Config, folder: TempFolder, made: &str, run: impl Fn(&str)) {
    let desk = Desk::open(DataFolder::new(folder.join("data")), config.clone()).unwrap();
    // Nothing else is made: the first line says it all.
    let attached = desk.attach(&shop_name()).unwrap();
    assert!(attached[0].starts_with(made), "{attached:?}");
    let report = check(&config, &shop_name()).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    desk.baseline(&shop_name(), false, &mut |_, _| {}).unwrap();
    desk.start_guards().unwrap();
    let world = World {
        desk,
        folder,
        config,
    };
    run("UPDATE customers SET phone = '139' WHERE id = 3;");
    let audit = world.audited();
    assert_eq!((audit.rows, audit.discrepancies.len()), (60, 0));
    run("UPDATE orders SET total = 0.01 WHERE id = 7; DELETE FROM payments WHERE id = 9;");
    let expected = [
        "orders 7 altered frozen [total]",
        "payments 9 deleted no_delete []",
    ];
    assert_eq!(told(&world.findings(2)), expected);
    assert_eq!(world.audited().discrepancies.len(), 2);
    world.desk.stop();
}

#[test]
fn postgres_the_printed_rights_are_enough_where_nobody_is_superuser() {
    let server = postgres::Server::start();
    let database = server.database();
    fill(&database, 20);
    // As on a managed server: an owner who is no superuser, and nothing for everybody.
    let (owner, word) = ("shop_owner", "owner's word");
    database.user(owner, word);
    let name = database.name();
    let owned: String = ["customers", "orders", "payments", "order_changes"]
        .iter()
        .map(|table| format!("ALTER TABLE {table} OWNER TO {owner};"))
        .collect();
    database.run(&format!(
        "ALTER DATABASE {name} OWNER TO {owner}; ALTER SCHEMA public OWNER TO {owner}; {owned}
         REVOKE ALL ON DATABASE {name} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC;"
    ));
    let folder = TempFolder::new();
    let config = config(&folder, "postgres", &database.url());
    let report = check(&config, &shop_name()).unwrap();
    let [make_role, rest @ ..] = report.grants.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!(
        make_role,
        "CREATE ROLE \"balefire\" LOGIN REPLICATION PASSWORD 'choose one'"
    );
    database.run(make_role);
    for statement in rest {
        let ran = database.try_run_as(owner, word, statement);
        assert!(ran.is_ok(), "{statement}: {ran:?}");
    }
    let as_guard = |sql: &str| database.try_run_as("balefire", "choose one", sql);
    for refused in [
        "UPDATE orders SET total = 0",
        "DELETE FROM order_changes",
        "INSERT INTO order_changes VALUES (1, 1, '')",
        "TRUNCATE order_changes",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE orders ADD COLUMN mine int",
        "SELECT 1 FROM pg_authid",
    ] {
        let said = as_guard(refused).unwrap_err();
        let told = said.contains("permission denied") || said.contains("must be owner");
        assert!(told, "{refused}: {said}");
    }
    // The same file now has the guard's own account.
    testkit::write_url_file(folder.path(), &database.url_for("balefire", "choose one"));
    let slot = config.source[0].slot.clone().unwrap();
    guards(
        config,
        folder,
        &format!("made the replication slot {slot}"),
        |sql| database.run(sql),
    );
}

#[test]
fn mariadb_the_printed_rights_are_enough_where_nobody_is_superuser() {
    let server = mariadb::Server::start();
    // Not `test_...`: MariaDB lets everybody into databases that are called so.
    server.database().run("CREATE DATABASE shop");
    let database = server.database_named("shop");
    fill_mariadb(&database, 20);
    let folder = TempFolder::new();
    let config = config(&folder, "mysql", &database.url());
    let report = check(&config, &shop_name()).unwrap();
    database.user("guard", "its word");
    for statement in &report.grants {
        let (rights, _) = statement.split_once(" TO ").unwrap();
        database.run(&format!("{rights} TO 'guard'@'127.0.0.1'"));
    }
    let as_guard = |sql: &str| database.try_run_as("guard", "its word", sql);
    for refused in [
        "UPDATE orders SET total = 0",
        "DELETE FROM order_changes",
        "INSERT INTO order_changes VALUES (1, 1, '')",
        "TRUNCATE order_changes",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE orders ADD COLUMN mine int",
        "SELECT 1 FROM mysql.global_priv",
        "SET GLOBAL binlog_format = STATEMENT",
        "PURGE BINARY LOGS BEFORE NOW()",
    ] {
        let said = as_guard(refused).unwrap_err();
        assert!(said.contains("denied"), "{refused}: {said}");
    }
    testkit::write_url_file(folder.path(), &database.url_for("guard", "its word"));
    guards(config, folder, "nothing has to be made", |sql| {
        database.run(sql)
    });
}

/// A table that is added is told once, and that it is one that nothing guards.
fn a_new_table(shop: &dyn Shop) {
    let world = shop.guarded();
    let look = || world.desk.look_for_new_tables(&shop_name()).unwrap();
    assert_eq!(look(), [""; 0], "the first look tells nothing");
    shop.run("CREATE TABLE refunds (id bigint PRIMARY KEY, amount numeric(12,2))");
    assert_eq!(look(), ["refunds"]);
    assert_eq!(look(), [""; 0]);
    let found = world.all();
    assert_eq!(
        told(&found),
        [format!(
            "refunds {} unwitnessed table_added []",
            found[0].key
        )]
    );
    assert_eq!(world.desk.open_incident_of(&shop_name()), None);
    shop.run("DROP TABLE refunds");
    assert_eq!(look(), [""; 0]);
    world.desk.stop();
}

#[test]
fn a_new_table_of_a_postgres_shop_is_told() {
    a_new_table(&on_postgres());
}

#[test]
fn a_new_table_of_a_mariadb_shop_is_told() {
    a_new_table(&on_mariadb());
}
