//! Schemas that change while a shop is guarded, and accounts with only the printed rights.

use crate::shop::{POLICY, World, config, fill, fill_mariadb, shop_name, told};
use desk::config::{Config, SourceConfig};
use desk::source_check::check;
use desk::{DataFolder, Desk, DeskError};
use model::TablePolicy;
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

/// A guarded table is changed: what was committed before it is judged, the change is a finding,
/// the guard says what to do, and after a person's new baseline it goes on with the new policy.
fn a_change_is_found(shop: &impl Shop, on: &str, sql: &str, mend: impl Fn(&mut SourceConfig)) {
    let world = shop.guarded();
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 6;");
    shop.run(sql);
    let found = world.findings(2);
    let schema: Vec<_> = (found.iter())
        .filter(|f| f.rule == "schema_changed")
        .map(|f| (f.table.as_str(), f.detail.as_str()))
        .collect();
    assert_eq!(
        schema,
        [(on, "its columns are other ones, or it is gone")],
        "{sql}"
    );
    let lines = told(&found);
    let before = "orders 6 altered frozen [total]".to_owned();
    assert!(lines.contains(&before), "{sql}: {lines:?}");
    let problem = stopped(&world);
    for told in [on, "mend the policy", "take a new baseline"] {
        assert!(problem.contains(told), "{sql}: {problem}");
    }
    let audit = world.desk.audit_source(&shop_name());
    assert!(matches!(audit, Err(DeskError::GuardStopped(_))), "{sql}");

    // Nothing goes on by itself, neither with the old policy nor with the new one.
    let mut halted = world.stop();
    let folder = DataFolder::new(halted.folder.join("data"));
    let desk = Desk::open(folder.clone(), halted.config.clone()).unwrap();
    assert!(desk.start_guards().is_err(), "{sql}");
    desk.stop();
    drop(desk);
    mend(&mut halted.config.source[0]);
    let desk = Desk::open(folder, halted.config.clone()).unwrap();
    assert!(desk.start_guards().is_err(), "{sql}");
    let refused = desk.baseline(&shop_name(), false, &mut |_, _| {});
    assert!(matches!(refused, Err(DeskError::HasBaseline { .. })));
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
    shop.run("UPDATE orders SET total = 0.01 WHERE id = 8;");
    let lines = told(&world.findings(3));
    let after = "orders 8 altered frozen [total]".to_owned();
    assert!(lines.contains(&after), "{sql}: {lines:?}");
    assert!(world.desk.sources().remove(0).watching, "{sql}");
}

fn added(shop: &impl Shop) {
    let sql = "ALTER TABLE orders ADD COLUMN gift int";
    a_change_is_found(shop, "orders", sql, |source| {
        table(source, "orders").plain.push("gift".into());
    });
}

fn dropped(shop: &impl Shop) {
    let sql = "ALTER TABLE orders DROP COLUMN note";
    a_change_is_found(shop, "orders", sql, |source| {
        table(source, "orders").plain.retain(|c| c != "note");
    });
}

fn renamed(shop: &impl Shop) {
    let sql = "ALTER TABLE orders RENAME COLUMN note TO remark";
    a_change_is_found(shop, "orders", sql, |source| {
        let plain = &mut table(source, "orders").plain;
        plain.retain(|c| c != "note");
        plain.push("remark".into());
    });
}

#[test]
fn postgres_a_column_that_is_added_is_found() {
    added(&on_postgres());
}

#[test]
fn postgres_a_column_that_is_dropped_is_found() {
    dropped(&on_postgres());
}

#[test]
fn postgres_a_column_that_is_renamed_is_found() {
    renamed(&on_postgres());
}

#[test]
fn postgres_a_column_of_another_type_is_found() {
    let sql = "ALTER TABLE payments ALTER COLUMN state TYPE varchar(60)";
    a_change_is_found(&on_postgres(), "payments", sql, |_| {});
}

#[test]
fn mariadb_a_column_that_is_added_is_found() {
    added(&on_mariadb());
}

#[test]
fn mariadb_a_column_that_is_dropped_is_found() {
    dropped(&on_mariadb());
}

#[test]
fn mariadb_a_column_that_is_renamed_is_found() {
    renamed(&on_mariadb());
}

#[test]
fn mariadb_a_column_of_another_type_is_found() {
    let sql = "ALTER TABLE payments MODIFY state varchar(60) NOT NULL";
    a_change_is_found(&on_mariadb(), "payments", sql, |_| {});
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
