//! Repairs of a real PostgreSQL shop: everything that was approved or nothing, and each guard has
//! somebody who tries to get round it.

mod repair_shop;

use connect::repair::{RepairError, RepairLimits, apply};
use connect::source::{Location, TlsMode};
use model::policy::ForgedRows;
use model::{Dialect, RepairAction, Value};
use repair_shop::{Shop, address, table, told};
use testkit::postgres::{Database, Server};

const ODD: &str = r#"x"; DROP TABLE lines; --"#;

const DDL: &str = r#"
CREATE TYPE state AS ENUM ('placed', 'paid', 'void');
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Full Name" text);
CREATE TABLE orders (
    id int PRIMARY KEY,
    customer bigint NOT NULL REFERENCES customers,
    parent int REFERENCES orders,
    state state NOT NULL,
    total numeric(12,2),
    doubled numeric GENERATED ALWAYS AS (total * 2) STORED,
    placed timestamptz, day date, tags text[], raw bytea, ratio double precision, small real,
    ok boolean, code character(6), doc json, docb jsonb, address inet, many json[], long text
);
CREATE TABLE lines (
    order_id int REFERENCES orders ON DELETE CASCADE, no int, price numeric(12,2),
    PRIMARY KEY (order_id, no)
);
CREATE TABLE ledger (id bigserial PRIMARY KEY, amount numeric(12,2), reverses bigint, note text);
CREATE TABLE "x""; DROP TABLE lines; --" (id text PRIMARY KEY, "v'; --" text);
CREATE TABLE other (what text);
INSERT INTO customers ("Full Name") VALUES ('Ann'), ('Bo');
INSERT INTO orders (id, customer, parent, state, total, placed, day, tags, raw, ratio, small, ok, code, doc,
        docb, address, many, long)
    SELECT n, 1 + n % 2, CASE WHEN n = 3 THEN 2 END, 'paid'::state, n * 10.50,
    '2026-11-22 20:23:25.68015+00'::timestamptz, '2026-11-22'::date, '{a,"b c"}'::text[], '\x00ff'::bytea,
    0.1, 0.1, true, 'ab', '{"a":  1}'::json, '{"a": 1}'::jsonb, '10.0.0.1'::inet, ARRAY['{"b":2}'::json], repeat('long ', 2000)
    FROM generate_series(1, 5) n;
INSERT INTO lines SELECT o, n, n FROM generate_series(1, 5) o, generate_series(1, 2) n;
INSERT INTO ledger (amount, note) VALUES (10, 'a'), (20, 'b');
INSERT INTO "x""; DROP TABLE lines; --" VALUES ('it''s', 'fine');
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
    Shop::new(Dialect::Postgres, &database.url(), tables)
}

/// Two altered rows, a deleted family of five, two forged rows.
const HARM: &str = r#"
UPDATE orders SET total = 0.01, placed = NULL, day = '2020-01-01', tags = '{}', raw = '', ratio = 'NaN',
    small = 7, ok = false, code = 'x', doc = '{}', docb = '[]', address = '10.0.0.2',
    many = NULL, long = 'short', state = 'placed' WHERE id = 1;
UPDATE "x""; DROP TABLE lines; --" SET "v'; --" = 'evil';
DELETE FROM orders WHERE id IN (2, 3);
UPDATE orders SET customer = 2 WHERE customer = 1;
DELETE FROM customers WHERE id = 1;
INSERT INTO orders (id, customer, state, total) VALUES (9, 2, 'paid', 900);
INSERT INTO lines VALUES (9, 1, 900), (9, 2, 1);
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
    // NaN is not equal to itself.
    let shown = |applied: &connect::repair::Applied| format!("{:?}", applied.steps);
    assert!(shown(&dry) == shown(&applied));
    assert_eq!(applied.side_effects, 0);
    assert!(applied.transaction.as_ref().unwrap().parse::<u32>().is_ok());
    // All is as it was, and what was forged is set aside or gone.
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
        database.value("SELECT count(*) FROM lines WHERE order_id = 9"),
        "0"
    );
    let void = applied.steps.last().unwrap();
    let total = |image: &Option<connect::repair::Image>| {
        let image = image.as_ref().unwrap();
        image.iter().find(|(n, _)| n == "total").unwrap().1.clone()
    };
    assert_eq!(total(&void.before), Value::text("900.00"));
    assert_eq!(total(&void.after), Value::text("900.00"));
    // A second time nothing stands as expected.
    shop.refuses(&proposal, &limits, "row ");
    // Undone, and done again.
    let undo = shop.undo(&proposal);
    assert_eq!(undo.undo_of.as_ref(), Some(&proposal.id));
    shop.apply(&undo).unwrap();
    assert_eq!(shop.rows(), harmed);
    let again = shop.undo(&undo);
    shop.apply(&again).unwrap();
    shop.refuses(&again, &limits, "row ");
}

#[test]
fn an_undo_is_refused_for_a_row_that_changed_since() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1 WHERE id IN (1, 2)");
    let proposal = shop.proposal(&lawful);
    shop.apply(&proposal).unwrap();
    database.run("UPDATE orders SET total = 11 WHERE id = 2");
    let undo = shop.undo(&proposal);
    shop.refuses(
        &undo,
        &RepairLimits::default(),
        "row 2 of orders: column total holds '11.00' now",
    );
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
    // A second proposal for the same row says the same: it still stands there as forged.
    let forged: Vec<_> = shop.harm(&lawful).into_iter().take(1).collect();
    let second = shop.proposed(&forged).proposal;
    shop.refuses(
        &second,
        &RepairLimits::default(),
        "taken back already by 1 entries",
    );
}

#[test]
fn rows_that_changed_since_the_proposal_stop_everything() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1 WHERE id IN (1, 2); DELETE FROM orders WHERE id = 4");
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    let stale = |shop: &mut Shop, sql: &str, words: &str| {
        database.run(sql);
        shop.refuses(&proposal, &limits, words);
    };
    stale(
        &mut shop,
        "UPDATE orders SET total = 2 WHERE id = 2",
        "row 2 of orders: column total holds '2.00' now, not '1.00'",
    );
    stale(
        &mut shop,
        "UPDATE orders SET total = 1 WHERE id = 2; INSERT INTO orders (id, customer, state) VALUES (4, 1, 'paid')",
        "row 4 of orders: it is there",
    );
    stale(
        &mut shop,
        "DELETE FROM orders WHERE id = 4; DELETE FROM orders WHERE id IN (2, 3)",
        "row 2 of orders: it is not there any more",
    );
    // A lawful change of a column that the repair does not touch goes on.
    let (database, mut shop) = self::shop();
    database.run("UPDATE orders SET total = 1 WHERE id = 2");
    let proposal = shop.proposal(&lawful);
    database.run("UPDATE orders SET code = 'new' WHERE id = 2");
    shop.apply(&proposal).unwrap();
    let row = database.rows("SELECT total, code FROM orders WHERE id = 2");
    assert_eq!(row, [[Some("21.00".to_owned()), Some("new   ".to_owned())]]);
}

#[test]
fn a_statement_does_one_thing_to_its_own_row() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1 WHERE id = 1");
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    for (sql, words) in [
        (
            "UPDATE other SET what = $1",
            "writes to another table, other",
        ),
        (
            "UPDATE public.orders SET total = 10.50 WHERE id = 1; DROP TABLE lines",
            "not one plain",
        ),
        ("UPDATE public.orders SET total = 10.50", "changed 5 rows"),
        (
            "UPDATE public.orders SET total = 10.50 WHERE id = 77",
            "changed 0 rows",
        ),
        (
            "UPDATE public.orders SET total = 10.50 WHERE id = 2",
            "column total holds '1.00' after",
        ),
        (
            "UPDATE public.orders SET total = 10.50, code = 'x' WHERE id = 1",
            "column code changed too",
        ),
        (
            "UPDATE public.orders SET nothing = 1 WHERE id = 1",
            "refused the statement",
        ),
        (
            "WITH x AS (DELETE FROM lines) UPDATE public.orders SET total = 10.50 WHERE id = 1",
            "not one plain",
        ),
        (
            "UPDATE public.orders SET total = (WITH x AS (SELECT 1) SELECT 10.50) WHERE id = 1 AND pg_sleep(0) IS NULL",
            "changed 0 rows",
        ),
        ("DELETE FROM orders WHERE id = 1", "not one plain"),
        (
            "UPDATE orders SET total = 10.50 WHERE id = 1",
            "without the schema",
        ),
        ("TRUNCATE orders", "not one plain"),
    ] {
        let mut changed = proposal.clone();
        changed.steps[0].sql = sql.into();
        changed.steps[0]
            .parameters
            .truncate(sql.matches('$').count());
        shop.refuses(&changed, &limits, words);
    }
    let mut other = proposal.clone();
    other.dialect = Dialect::Mysql;
    shop.refuses(&other, &limits, "another kind of database");
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
    let money = RepairLimits {
        money: Some(connect::repair::MoneyCap {
            columns: [("orders".to_owned(), "total".to_owned())].into(),
            max_amount_minor: 949,
            decimals: 2,
        }),
        ..RepairLimits::default()
    };
    shop.refuses(&proposal, &money, "moves 950 minor units");
    shop.apply(&proposal).unwrap();
}

#[test]
fn a_name_is_never_read_as_sql() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run(r#"DELETE FROM "x""; DROP TABLE lines; --""#);
    let proposal = shop.proposal(&lawful);
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
    // A value likewise.
    database
        .run("UPDATE orders SET long = $$'; DROP TABLE lines; --$$, code = $$\\'$$ WHERE id = 1");
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
    database.run(
        "UPDATE orders SET total = 1 WHERE id = 1;
         CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS
           $$BEGIN NEW.total := 5; RETURN NEW; END$$;
         CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql
           SET search_path = public, pg_temp AS
           $$BEGIN UPDATE lines SET price = 0 WHERE order_id = 2; RETURN NULL; END$$;
         CREATE FUNCTION beside() RETURNS trigger LANGUAGE plpgsql AS
           $$BEGIN NEW.code := 'evil'; RETURN NEW; END$$;
         CREATE TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION rewrite();
         CREATE TRIGGER not_mine BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION rewrite();",
    );
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    shop.refuses(&proposal, &limits, "would set off orders.t");
    shop.refuses(
        &proposal,
        &allowing("orders.t"),
        "column total holds '5.00' after the repair",
    );
    database.run(
        "DROP TRIGGER t ON orders;
         CREATE TRIGGER t AFTER UPDATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION elsewhere();",
    );
    shop.refuses(&proposal, &allowing("orders.t"), "changed 2 more rows");
    database.run(
        "DROP TRIGGER t ON orders;
         CREATE TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION beside();",
    );
    shop.refuses(
        &proposal,
        &allowing("orders.t"),
        "column code changed too, from one value to another",
    );
    database.run(
        "DROP TRIGGER t ON orders;
         CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON orders DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION elsewhere();",
    );
    shop.refuses(
        &proposal,
        &allowing("orders.t"),
        "deferred triggers changed 2 more rows",
    );
    let mut all = allowing("orders.t");
    all.allow_side_effects = true;
    let applied = shop.apply_with(&proposal, &all).unwrap();
    assert_eq!(applied.side_effects, 2);
    database.run(
        "DROP TRIGGER t ON orders; UPDATE orders SET total = 1 WHERE id = 1;
         CREATE RULE r AS ON UPDATE TO orders DO ALSO INSERT INTO other VALUES ('x');",
    );
    shop.refuses(&proposal, &limits, "would set off orders.r");
    shop.refuses(&proposal, &allowing("orders.r"), "changed 1 more rows");
}

#[test]
fn a_cascade_takes_nothing_along_unseen() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    shop.policy.tables[1].forged = ForgedRows::Delete;
    database.run("INSERT INTO orders (id, customer, state) VALUES (9, 2, 'paid')");
    let proposal = shop.proposal(&lawful);
    database.run("INSERT INTO lines VALUES (9, 1, 900), (9, 2, 1)");
    shop.refuses(&proposal, &RepairLimits::default(), "changed 2 more rows");
    // With its children in the proposal, they go first.
    let proposal = shop.proposal(&lawful);
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
}

#[test]
fn deferred_keys_hold_at_the_end() {
    let database = Server::shared().database();
    database.run(
        "CREATE TABLE a (id int PRIMARY KEY, b int);
         CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a DEFERRABLE);
         ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b DEFERRABLE;
         BEGIN; SET CONSTRAINTS ALL DEFERRED;
         INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1); COMMIT;",
    );
    let tables = vec![table("a", &["id"]), table("b", &["id"])];
    let mut shop = Shop::new(Dialect::Postgres, &database.url(), tables);
    let lawful = shop.rows();
    database.run("BEGIN; SET CONSTRAINTS ALL DEFERRED; DELETE FROM a; DELETE FROM b; COMMIT");
    let proposal = shop.proposal(&lawful);
    let mut half = proposal.clone();
    half.steps.pop();
    shop.refuses(
        &half,
        &RepairLimits::default(),
        "violates foreign key constraint",
    );
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
}

/// Another session of the shop.
struct Session {
    runtime: tokio::runtime::Runtime,
    client: tokio_postgres::Client,
}

impl Session {
    fn open(database: &Database) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let url = database.url();
        let connecting = tokio_postgres::connect(&url, tokio_postgres::NoTls);
        let (client, connection) = runtime.block_on(connecting).unwrap();
        runtime.spawn(connection);
        Self { runtime, client }
    }
    fn run(&self, sql: &str) {
        self.runtime
            .block_on(self.client.batch_execute(sql))
            .unwrap();
    }
    /// Rows that a query gives.
    fn count(&self, sql: &str) -> usize {
        let rows = self.runtime.block_on(self.client.query(sql, &[]));
        rows.unwrap().len()
    }
}

fn hasty() -> RepairLimits {
    RepairLimits {
        lock_timeout_ms: 200,
        ..RepairLimits::default()
    }
}

#[test]
fn a_lock_of_the_shop_is_not_waited_for_for_ever() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1 WHERE id IN (1, 2)");
    let proposal = shop.proposal(&lawful);
    let trader = Session::open(&database);
    trader.run("BEGIN; UPDATE orders SET code = 'busy' WHERE id = 2");
    shop.refuses(&proposal, &hasty(), "row 2 of orders stayed locked");
    // What it wrote meanwhile is seen once the lock is free.
    trader.run("UPDATE orders SET total = 3 WHERE id = 2; COMMIT");
    shop.refuses(&proposal, &hasty(), "column total holds '3.00' now");
}

#[test]
fn a_connection_that_dies_half_way_leaves_nothing() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1 WHERE id = 1; DELETE FROM ledger WHERE id = 2");
    let mut proposal = shop.proposal(&lawful);
    // The row's own first, so that something is written when the other one waits.
    proposal.steps.reverse();
    assert_eq!(proposal.steps[0].action, RepairAction::RestoreColumns);
    let before = shop.rows();
    let trader = Session::open(&database);
    // The repair does not see the row, and waits at its INSERT.
    trader.run("BEGIN; INSERT INTO ledger (id, amount) VALUES (2, 7)");
    let patient = RepairLimits {
        lock_timeout_ms: 30_000,
        statement_timeout_ms: 40_000,
        ..RepairLimits::default()
    };
    let writer = shop.writer.clone();
    let guard = Session::open(&database);
    let error = std::thread::scope(|scope| {
        let repair = scope.spawn(|| apply(&writer, &proposal, &patient, false));
        let end = "SELECT 1 FROM (SELECT pg_terminate_backend(pid) AS t FROM pg_stat_activity \
                   WHERE application_name = 'balefire repair' AND wait_event_type = 'Lock' \
                   AND datname = current_database()) e WHERE t";
        while guard.count(end) == 0 {
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
fn the_writing_account_needs_its_rights_and_another_table_is_never_meant() {
    let (database, mut shop) = shop();
    let lawful = shop.rows();
    database.run("UPDATE orders SET total = 1 WHERE id = 1");
    let proposal = shop.proposal(&lawful);
    let name = format!("w_{}", database.name());
    let folder = tempfile::tempdir().unwrap();
    let writer = address(folder.path(), &database.user(&name, "geheim"));
    let try_as_writer = || {
        let location = Location::Postgres(writer.clone());
        apply(&location, &proposal, &RepairLimits::default(), false)
    };
    database.run(&format!(
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{name}\""
    ));
    let error = try_as_writer().unwrap_err();
    assert!(
        matches!(error, RepairError::ReadOnly { .. }),
        "{}",
        told(&error)
    );
    database.run(&format!(
        "GRANT UPDATE ON ALL TABLES IN SCHEMA public TO \"{name}\""
    ));
    // A table of the same name that the account's search path finds first.
    database.run(&format!(
        "CREATE SCHEMA \"{name}\"; GRANT USAGE ON SCHEMA \"{name}\" TO \"{name}\";
         CREATE TABLE \"{name}\".orders (LIKE public.orders)"
    ));
    // These rights are enough.
    try_as_writer().unwrap();
    assert_eq!(shop.rows(), lawful);
    database.run(&format!("DROP SCHEMA \"{name}\" CASCADE"));
    let wrong = address(folder.path(), &database.url_for(&name, "falsch"));
    let error = apply(
        &Location::Postgres(wrong),
        &proposal,
        &RepairLimits::default(),
        false,
    );
    let said = told(&error.unwrap_err());
    assert!(said.contains("28P01") && !said.contains("falsch"), "{said}");
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
    database.run("UPDATE orders SET total = 1 WHERE id = 1");
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    let url = database.url();
    let mut writer = address(folder.path(), &url);
    writer.tls = TlsMode::Verify;
    // The system's authorities did not sign this certificate.
    let error = apply(
        &Location::Postgres(writer.clone()),
        &proposal,
        &limits,
        false,
    );
    let said = told(&error.unwrap_err());
    assert!(said.contains("no TLS connection"), "{said}");
    writer.ca_file = Some(certificates.ca.clone());
    apply(&Location::Postgres(writer), &proposal, &limits, false).unwrap();
    let mut far = address(folder.path(), "postgres://a:geheim@192.0.2.1/d");
    far.tls = TlsMode::Off;
    let error = apply(&Location::Postgres(far), &proposal, &limits, false).unwrap_err();
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
        "CREATE TABLE a (id int, day int, b int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
         CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (0) TO (10);
         CREATE TABLE a2 PARTITION OF a FOR VALUES FROM (10) TO (100);
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
         INSERT INTO a VALUES (1, 1, 1), (2, 20, 2), (3, 3, 3)",
    );
    let mut shop = Shop::new(
        Dialect::Postgres,
        &database.url(),
        vec![table("a", &["id", "day"])],
    );
    shop.policy.tables[0].forged = ForgedRows::Delete;
    let lawful = shop.rows();
    database.run(
        "UPDATE a SET b = 9 WHERE id < 3; DELETE FROM a WHERE id = 3; INSERT INTO a VALUES (4, 4, 4);
         CREATE TRIGGER t BEFORE UPDATE ON a2 FOR EACH ROW EXECUTE FUNCTION f()",
    );
    let proposal = shop.proposal(&lawful);
    // On a partition, not on the table that the repair names.
    shop.refuses(&proposal, &RepairLimits::default(), "would set off a.t");
    database.run("DROP TRIGGER t ON a2");
    shop.apply(&proposal).unwrap();
    assert_eq!(shop.rows(), lawful);
}

/// What is refused goes into the incident's record, which is kept: no personal value goes with it.
#[test]
fn a_refusal_names_no_personal_value() {
    let database = Server::shared().database();
    database.run(
        "CREATE TABLE people (id int PRIMARY KEY, iban text, level int);
         INSERT INTO people VALUES (1, 'DE-LAWFUL', 1)",
    );
    let people = table("people", &["id"]);
    let mut shop = Shop::new(Dialect::Postgres, &database.url(), vec![people]);
    let lawful = shop.rows();
    let forge = "UPDATE people SET iban = 'DE-FORGED', level = 2";
    database.run(forge);
    let mut proposal = shop.proposal(&lawful);
    for column in &mut proposal.steps[0].columns {
        column.personal = column.name == "iban";
    }
    let refused = |now: &str| {
        database.run(now);
        let limits = RepairLimits::default();
        told(&apply(&shop.writer, &proposal, &limits, false).unwrap_err())
    };
    assert_eq!(
        refused("UPDATE people SET iban = 'DE-SECRET'"),
        "row 1 of people: column iban holds another value now, not what the proposal expects"
    );
    // What is not personal is told.
    assert_eq!(
        refused("UPDATE people SET iban = 'DE-FORGED', level = 3"),
        "row 1 of people: column level holds 3 now, not 2"
    );
    // Nor does a column say anything that the step does not speak of.
    proposal.steps[0].columns.clear();
    let error = apply(&shop.writer, &proposal, &RepairLimits::default(), false);
    let said = told(&error.unwrap_err());
    assert!(said.contains("column level holds another value"), "{said}");
}

/// Operators, functions and casts that the shop's owner made are never taken for the system's: they
/// would run with the rights of the writing account, in a dry run too.
#[test]
fn nobody_elses_code_runs_as_the_writing_account() {
    let database = Server::shared().database();
    database.run(
        "CREATE TYPE mood AS ENUM ('good', 'bad');
         CREATE TABLE people (id varchar(20) PRIMARY KEY, iban varchar(40), mood mood, moods mood[]);
         INSERT INTO people VALUES ('a', 'DE1', 'good', '{good}'), ('b', 'DE2', 'good', '{bad}')",
    );
    let mut people = table("people", &["id"]);
    people.forged = ForgedRows::Delete;
    let mut shop = Shop::new(Dialect::Postgres, &database.url(), vec![people]);
    let lawful = shop.rows();
    database.run(
        "UPDATE people SET iban = 'XX', mood = 'bad', moods = '{}' WHERE id = 'a';
         DELETE FROM people WHERE id = 'b';
         INSERT INTO people VALUES ('c', 'XX', 'bad', '{bad}');
         CREATE SEQUENCE ran;
         CREATE FUNCTION same(varchar, varchar) RETURNS bool LANGUAGE sql
             AS $$ SELECT nextval('public.ran') > 0 AND $1::text OPERATOR(pg_catalog.=) $2::text $$;
         CREATE OPERATOR = (FUNCTION = same, LEFTARG = varchar, RIGHTARG = varchar);
         CREATE FUNCTION same(mood, mood) RETURNS bool LANGUAGE sql
             AS $$ SELECT nextval('public.ran') > 0 AND $1::text OPERATOR(pg_catalog.=) $2::text $$;
         CREATE OPERATOR = (FUNCTION = same, LEFTARG = mood, RIGHTARG = mood);
         CREATE FUNCTION read(text) RETURNS mood LANGUAGE plpgsql
             AS $$ BEGIN PERFORM nextval('public.ran'); RETURN 'good'; END $$;
         CREATE CAST (text AS mood) WITH FUNCTION read(text);
         CREATE FUNCTION said(mood[]) RETURNS text LANGUAGE plpgsql
             AS $$ BEGIN PERFORM nextval('public.ran'); RETURN '{}'; END $$;
         CREATE CAST (mood[] AS text) WITH FUNCTION said(mood[])",
    );
    // A database whose path finds the shop's names first, as most have it.
    database.run(&format!(
        "ALTER DATABASE \"{}\" SET search_path = public, pg_catalog",
        database.name()
    ));
    let proposal = shop.proposal(&lawful);
    let limits = RepairLimits::default();
    let ran = || database.value("SELECT is_called FROM public.ran");
    let dry = apply(&shop.writer, &proposal, &limits, true);
    assert_eq!((ran().as_str(), dry.map(|d| d.rows).ok()), ("f", Some(3)));
    shop.apply(&proposal).unwrap();
    shop.apply(&shop.undo(&proposal)).unwrap();
    assert_eq!(ran(), "f");
    let again = shop.proposal(&lawful);
    shop.apply(&again)
        .unwrap_or_else(|e| panic!("{}", told(&e)));
    assert_eq!((ran().as_str(), shop.rows()), ("f", lawful));
}
