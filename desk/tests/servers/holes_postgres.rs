//! Ways past the guard of a PostgreSQL shop, walked by somebody who may alter its tables, or who
//! has the guard's own account.

use crate::shop::{POLICY, Stopped, World, fill, shop_name, told};
use model::Finding;
use testkit::postgres::{Database, Server};

fn shop() -> (Database, World) {
    let database = Server::shared().database();
    fill(&database, 20);
    let world = World::new("postgres", &database.url());
    (database, world)
}

/// A shop with a partitioned table beside the others.
fn shop_in_parts() -> (Database, World) {
    let database = Server::shared().database();
    fill(&database, 5);
    database.run(
        "CREATE TABLE parts (id bigint PRIMARY KEY, amount numeric NOT NULL) PARTITION BY RANGE (id);
         CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
         CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
         INSERT INTO parts SELECT g, g FROM generate_series(1, 120) g;",
    );
    let parts =
        "[[table]]\nname = \"parts\"\nkey = [\"id\"]\nplain = [\"amount\"]\nappend_only = true\n";
    let world = World::with_policy("postgres", &database.url(), &format!("{POLICY}\n{parts}"));
    (database, world)
}

fn slot(world: &World) -> String {
    world.config.source[0].slot.clone().unwrap()
}

/// From now on the guard has an account that may read and follow, and nothing else.
fn with_least_rights(database: &Database, slot: &str, stopped: &Stopped) {
    let role = format!("role_{slot}");
    let url = database.user(&role, "its word");
    database.run(&format!(
        "ALTER ROLE {role} REPLICATION; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};"
    ));
    testkit::write_url_file(stopped.folder.path(), &url);
}

fn of<'f>(found: &'f [Finding], table: &str, key: &str) -> Vec<&'f Finding> {
    let mut of: Vec<&Finding> = found.iter().filter(|f| f.table == table).collect();
    of.retain(|f| f.key == key);
    of
}

/// The reason that is given for having been blind, once it is.
fn blind(world: &World, findings: usize) -> String {
    let found = world.findings(findings);
    let blind = found.iter().find(|f| f.rule == "blind");
    blind
        .unwrap_or_else(|| panic!("{:?}", told(&found)))
        .detail
        .clone()
}

/// Until the guard has stopped; what its status says.
fn stopped(world: &World) -> String {
    let mut seen = 0;
    for _ in 0..100 {
        let status = world.desk.sources().remove(0);
        if !status.watching {
            return status.problem.unwrap();
        }
        seen = (world.desk).wait_for_change(seen, std::time::Duration::from_millis(300));
    }
    panic!("the guard goes on: {:?}", world.desk.sources());
}

#[test]
fn a_slot_that_another_hand_moves_on_is_said() {
    let (database, world) = shop();
    let slot = slot(&world);
    assert_eq!(world.audited().discrepancies, []);
    // Before the guard is back, within a tenth of a second.
    database.run(&format!(
        "DO $$ BEGIN
           FOR i IN 1..10000 LOOP
             PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{slot}' AND active;
             EXIT WHEN NOT (SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}');
           END LOOP;
           UPDATE orders SET total = 0.05 WHERE id = 5;
           COMMIT;
           PERFORM pg_replication_slot_advance('{slot}', pg_current_wal_lsn());
         END $$;"
    ));
    let said = blind(&world, 2);
    assert!(said.contains(&slot) && said.contains("moved"), "{said}");
    assert_eq!(of(&world.all(), "orders", "5").len(), 1);
    database.run("UPDATE orders SET total = 0.05 WHERE id = 6;");
    assert_eq!(of(&world.findings(3), "orders", "6").len(), 1);
    // Ended without more, it is no gap.
    database.run(&format!(
        "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{slot}';
         UPDATE orders SET total = 0.05 WHERE id = 7;"
    ));
    assert_eq!(of(&world.findings(4), "orders", "7").len(), 1);
    let world = world.stop().start();
    database.run("UPDATE orders SET total = 0.05 WHERE id = 8;");
    world.findings(5);
    assert_eq!(world.audited().discrepancies.len(), 4);
    assert_eq!(world.all().len(), 5, "{:?}", told(&world.all()));
}

#[test]
fn a_slot_that_was_moved_on_while_nobody_ran_hides_no_row() {
    let (database, world) = shop();
    let slot = slot(&world);
    let halted = world.stop();
    let free =
        format!("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}' AND active");
    while database.value(&free) != "0" {}
    database.run("UPDATE orders SET total = 0.05 WHERE id = 5;");
    database.run(&format!(
        "SELECT pg_replication_slot_advance('{slot}', pg_current_wal_lsn())"
    ));
    let world = halted.start();
    assert_eq!(of(&world.findings(1), "orders", "5").len(), 1);
    assert_eq!(world.audited().discrepancies.len(), 1);
}

const PARTIAL: &str = "SET TABLE customers, payments, orders (id, customer_id, status, currency, note, updated_at), \
                       order_changes WHERE (id < 0)";

#[test]
fn a_publication_that_leaves_something_out_is_put_right_and_said_where_the_account_may() {
    let (database, world) = shop();
    let slot = slot(&world);
    let halted = world.stop();
    database.run(&format!("ALTER PUBLICATION {slot} {PARTIAL}"));
    let world = halted.start();
    let said = blind(&world, 1);
    assert!(said.contains("publication"), "{said}");
    database.run("UPDATE orders SET total = 0.01 WHERE id = 7;");
    assert_eq!(of(&world.findings(2), "orders", "7").len(), 1);
    // The same while the guard runs, at a time when it does not look.
    database.run(&format!(
        "ALTER PUBLICATION {slot} {PARTIAL};
         UPDATE orders SET total = 0.01 WHERE id = 8;
         INSERT INTO order_changes VALUES (60, 3, 'x');"
    ));
    let found = world.findings(4);
    assert_eq!(of(&found, "orders", "8").len(), 1, "{:?}", told(&found));
    let whole = "SELECT count(*) FROM pg_publication_tables t WHERE t.pubname = '%' AND \
                 (rowfilter IS NOT NULL OR (tablename = 'orders' AND NOT 'total' = ANY (attnames)))";
    assert_eq!(database.value(&whole.replace('%', &slot)), "0");
    assert_eq!(world.audited().discrepancies.len(), 2);
}

#[test]
fn a_publication_that_leaves_something_out_stops_a_guard_that_may_not_mend_it() {
    let (database, world) = shop();
    let slot = slot(&world);
    let halted = world.stop();
    with_least_rights(&database, &slot, &halted);
    database.run(&format!("ALTER PUBLICATION {slot} {PARTIAL}"));
    let world = halted.start();
    let refused = stopped(&world);
    for part in ["columns of orders", "rows of order_changes", "SET TABLE"] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    let report = desk::source_check::check(&world.config, &shop_name()).unwrap();
    let said = format!("{:?}", report.problems);
    assert!(said.contains("columns of orders"), "{said}");
    let halted = world.stop();
    // An owner puts it right, and the slot goes on.
    database.run(&format!(
        "ALTER PUBLICATION {slot} SET TABLE customers, payments, orders, order_changes;
         UPDATE orders SET total = 0.01 WHERE id = 7;"
    ));
    let world = halted.start();
    assert_eq!(
        told(&world.findings(1)),
        ["orders 7 altered frozen [total]"]
    );
    database.run(&format!("ALTER PUBLICATION {slot} {PARTIAL}"));
    let said = stopped(&world);
    assert!(said.contains("columns of orders"), "{said}");
}

#[test]
fn a_partition_that_is_taken_out_written_and_put_back_is_said() {
    let (database, world) = shop_in_parts();
    database.run(
        "BEGIN; ALTER TABLE parts DETACH PARTITION parts1; UPDATE parts1 SET amount = 0 WHERE id = 7;
         ALTER TABLE parts ATTACH PARTITION parts1 FOR VALUES FROM (0) TO (100); COMMIT;",
    );
    let found = world.findings(2);
    assert_eq!(of(&found, "parts", "7").len(), 1, "{:?}", told(&found));
    assert_eq!(world.audited().discrepancies.len(), 1);
}

#[test]
fn row_security_never_hides_a_row_silently() {
    let (database, world) = shop_in_parts();
    let slot = slot(&world);
    let halted = world.stop();
    with_least_rights(&database, &slot, &halted);
    let hide = "BEGIN; ALTER TABLE parts DETACH PARTITION parts1;
         INSERT INTO parts1 VALUES (0, 99); ALTER TABLE parts ATTACH PARTITION parts1 FOR VALUES FROM (0) TO (100);
         CREATE POLICY p ON parts USING (id <> 0); ALTER TABLE parts ENABLE ROW LEVEL SECURITY; COMMIT;";
    let world = halted.start();
    database.run(hide);
    let said = stopped(&world);
    assert!(said.contains("row-level security"), "{said}");
    let report = desk::source_check::check(&world.config, &shop_name()).unwrap();
    let said = format!("{:?}", report.problems);
    assert!(said.contains("BYPASSRLS"), "{said}");
    // With the right to see all rows it goes on, and finds it.
    database.run(&format!("ALTER ROLE role_{slot} BYPASSRLS"));
    let world = world.stop().start();
    let found = world.findings(2);
    assert_eq!(of(&found, "parts", "0").len(), 1, "{:?}", told(&found));
}

const RENAMED: &str =
    "BEGIN; ALTER TABLE orders RENAME total TO x; UPDATE orders SET x = 0.02 WHERE id = 7;
     ALTER TABLE orders RENAME x TO total; COMMIT;";

#[test]
fn a_column_that_has_another_name_while_it_is_written_is_no_unsent_value() {
    let (database, world) = shop();
    database.run(RENAMED);
    let found = world.findings(2);
    assert_eq!(of(&found, "orders", "7").len(), 1, "{:?}", told(&found));
    let said = blind(&world, 2);
    assert!(said.contains("orders"), "{said}");
    database.run("UPDATE orders SET total = 0.02 WHERE id = 8;");
    assert_eq!(of(&world.findings(3), "orders", "8").len(), 1);
    // The same while nobody reads.
    let halted = world.stop();
    database.run(&RENAMED.replace("id = 7", "id = 9"));
    let world = halted.start();
    assert_eq!(of(&world.findings(4), "orders", "9").len(), 1);
    assert_eq!(world.audited().discrepancies.len(), 3);
    assert_eq!(world.all().len(), 4, "{:?}", told(&world.all()));
}

#[test]
fn a_replica_identity_that_leaves_the_key_out_for_a_while_is_said() {
    let (database, world) = shop();
    database.run("CREATE UNIQUE INDEX oc ON order_changes (order_id)");
    database.run("INSERT INTO order_changes VALUES (60, 3, 'x'), (70, 4, 'y');");
    assert_eq!(world.audited().discrepancies, []);
    database.run(
        "BEGIN; ALTER TABLE order_changes REPLICA IDENTITY USING INDEX oc;
         UPDATE order_changes SET id = 61, order_id = 9 WHERE id = 60;
         ALTER TABLE order_changes REPLICA IDENTITY DEFAULT; COMMIT;",
    );
    let found = world.findings(2);
    let lines = told(&found);
    assert_eq!(of(&found, "order_changes", "60").len(), 1, "{lines:?}");
    let said = blind(&world, 2);
    assert!(said.contains("replica identity of order_changes"), "{said}");
    let before = world.all().len();
    // Here the log does not even say that the key was another one.
    database.run(
        "BEGIN; ALTER TABLE order_changes REPLICA IDENTITY USING INDEX oc;
         UPDATE order_changes SET id = 71 WHERE id = 70;
         ALTER TABLE order_changes REPLICA IDENTITY DEFAULT; COMMIT;",
    );
    let found = world.findings(before + 2);
    assert_eq!(
        of(&found, "order_changes", "70").len(),
        1,
        "{:?}",
        told(&found)
    );
    assert_eq!(world.audited().rows, 62);
}

#[test]
fn a_partition_whose_identity_leaves_the_key_out_for_a_while_is_said() {
    let (database, world) = shop_in_parts();
    database.run("CREATE UNIQUE INDEX pa ON parts1 (amount)");
    database.run("ALTER TABLE parts1 ALTER COLUMN amount SET NOT NULL");
    assert_eq!(world.audited().discrepancies, []);
    let before = world.all().len();
    database.run(
        "BEGIN; ALTER TABLE parts1 REPLICA IDENTITY USING INDEX pa;
         UPDATE parts SET id = 0 WHERE id = 50;
         ALTER TABLE parts1 REPLICA IDENTITY DEFAULT; COMMIT;",
    );
    let found = world.findings(before + 2);
    assert_eq!(of(&found, "parts", "50").len(), 1, "{:?}", told(&found));
    // For good, it is no table that can be guarded.
    database.run(
        "ALTER TABLE parts1 REPLICA IDENTITY USING INDEX pa;
         UPDATE parts SET amount = -1 WHERE id = 51;",
    );
    let said = stopped(&world);
    assert!(said.contains("parts1"), "{said}");
    let report = desk::source_check::check(&world.config, &shop_name()).unwrap();
    let said = format!("{:?}", report.problems);
    assert!(said.contains("parts1 REPLICA IDENTITY DEFAULT"), "{said}");
    database.run("ALTER TABLE parts1 REPLICA IDENTITY DEFAULT");
    let world = world.stop().start();
    let found = world.findings(before + 3);
    assert!(!of(&found, "parts", "51").is_empty(), "{:?}", told(&found));
}

#[test]
fn a_check_reads_the_shops_tables_and_no_others_of_their_names() {
    let database = Server::shared().database();
    fill(&database, 20);
    // In the schema that the account's own search path names first.
    database.run("CREATE SCHEMA AUTHORIZATION CURRENT_USER");
    let shadow = "CREATE VIEW %I.payments AS SELECT * FROM public.payments WHERE amount >= 0";
    database.run(&format!(
        "DO $$ BEGIN EXECUTE format('{shadow}', current_user); END $$"
    ));
    let check = "[[source.check]]\nname = \"no negative sum\"\n\
                 sql = \"SELECT 'payments', id, amount FROM payments WHERE amount < 0\"\n";
    let policy = format!("{POLICY}\n{check}");
    let world = World::with_policy("postgres", &database.url(), &policy);
    database.run("INSERT INTO payments VALUES (900, 3, -5, 'settled', now());");
    let found = world.findings(1);
    let violated = found
        .iter()
        .any(|f| f.table == "payments" && f.key == "900");
    assert!(violated, "{:?}", told(&found));
}

#[test]
fn a_table_that_inherits_from_a_guarded_one_is_said_and_stops_nothing() {
    let (database, world) = shop();
    database.run(
        "CREATE TABLE payments_old () INHERITS (payments);
         INSERT INTO payments_old VALUES (9, 9, 1, 'settled', now());
         UPDATE payments SET amount = 0 WHERE id = 8;",
    );
    let found = world.findings(2);
    assert_eq!(of(&found, "payments", "8").len(), 1, "{:?}", told(&found));
    let said = blind(&world, 2);
    assert!(said.contains("payments_old"), "{said}");
    assert_eq!(world.audited().discrepancies.len(), 1);
    let report = desk::source_check::check(&world.config, &shop_name()).unwrap();
    let said = format!("{:?}", report.problems);
    assert!(said.contains("payments_old"), "{said}");
    // A start says it again, and the guard goes on.
    let world = world.stop().start();
    let found = world.findings(3);
    let again = found.iter().filter(|f| f.detail.contains("payments_old"));
    assert_eq!(again.count(), 2, "{:?}", told(&found));
    database.run("UPDATE payments SET amount = 0 WHERE id = 7;");
    assert_eq!(of(&world.findings(4), "payments", "7").len(), 1);
    assert_eq!(world.audited().discrepancies.len(), 2);
}
