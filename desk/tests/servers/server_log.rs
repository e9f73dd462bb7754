//! Who wrote, by PostgreSQL's own log: whatever way a client writes, its role, program and address
//! stand by the finding, and what the log does not say is not made up.

use crate::shop::{World, config, fill, shop_name};
use desk::config::Config;
use desk::expected_writers::WritersConfig;
use desk::server_log::{AuditLogConfig, FindingTold};
use desk::{DataFolder, Desk, FindingFilter};
use model::LoggedWriter;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use testkit::TempFolder;
use testkit::postgres::{Database, Server};

/// Settings under which every statement's line is written within its transaction.
const STATISTICS: &str = "log_executor_stats=on";
const PLANS: &str = "session_preload_libraries=auto_explain";

fn server(destination: &str, more: &[&str]) -> Server {
    let destination = format!("log_destination={destination}");
    let mut settings = vec!["fsync=off", "logging_collector=on", destination.as_str()];
    settings.extend(more);
    Server::start_with(&settings)
}

fn logs(server: &Server) -> PathBuf {
    server.folder().join("data/log")
}

fn guarded(database: &Database, log: &Path) -> World {
    let folder = TempFolder::new();
    let mut config = config(&folder, "postgres", &database.url());
    config.source[0].audit_log = Some(AuditLogConfig {
        files: vec![log.to_owned()],
    });
    started(folder, config)
}

fn started(folder: TempFolder, config: Config) -> World {
    let desk = Desk::open(DataFolder::new(folder.join("data")), config.clone()).unwrap();
    desk.attach(&shop_name()).unwrap();
    desk.baseline(&shop_name(), false, &mut |_, _| {}).unwrap();
    desk.start_guards().unwrap();
    World {
        desk,
        folder,
        config,
    }
}

fn client(server: &Server, database: &Database, program: &str, sql: &str) {
    let mut psql = Command::new(server.programs().join("psql"));
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "-c", sql])
        .args(["--host=127.0.0.1", "--username=postgres"])
        .args(["--port", &server.port().to_string(), database.name()])
        .env("PGAPPNAME", program);
    let done = psql.output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// Waits until `count` findings have their writers; by `table key`.
fn writers(world: &World, count: usize) -> BTreeMap<String, LoggedWriter> {
    let mut seen = 0;
    let filter = FindingFilter {
        limit: 1_000,
        ..FindingFilter::default()
    };
    for _ in 0..100 {
        let told: Vec<FindingTold> = world.desk.findings_told(&filter);
        let named = told.into_iter().filter_map(|t| {
            let finding = format!("{} {}", t.finding.table, t.finding.key);
            t.logged.map(|logged| (finding, logged))
        });
        let named: BTreeMap<_, _> = named.collect();
        if named.len() >= count {
            return named;
        }
        seen = world.desk.wait_for_change(seen, Duration::from_millis(300));
    }
    panic!("{count} writers were not told: {:?}", world.all());
}

const TAMPERED: [(&str, &str); 4] = [
    ("by hand", "UPDATE orders SET total = 0 WHERE id = 1"),
    (
        "in a transaction",
        "BEGIN; UPDATE orders SET total = 0 WHERE id = 2; COMMIT",
    ),
    (
        "in a function",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE orders SET total = 0 WHERE id = 3'; SELECT f()",
    ),
    (
        "prepared",
        "PREPARE p AS UPDATE orders SET total = 0 WHERE id = 4; EXECUTE p",
    ),
];

fn every_way_is_told(destination: &str, settings: &[&str]) {
    let server = server(destination, settings);
    let database = server.database();
    fill(&database, 20);
    let world = guarded(&database, &logs(&server));
    for (program, sql) in TAMPERED {
        client(&server, &database, program, sql);
    }
    let named = writers(&world, 4);
    for (i, (program, _)) in TAMPERED.iter().enumerate() {
        let writer = &named[&format!("orders {}", i + 1)];
        assert_eq!(writer.role, "postgres");
        assert_eq!(writer.application.as_deref(), Some(*program));
        let address = writer.address.as_deref().unwrap();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
    }
    lawful_changes_have_their_writers(&server, &database, &world);
    // The same in the whole life of the row.
    let finding = world.all().remove(0);
    let question = desk::investigate::Question::Finding { id: finding.id };
    let report = world.desk.investigate(&question, false).unwrap();
    let steps = report.rows.iter().flat_map(|row| &row.steps);
    let logged = steps.filter_map(|s| s.company.as_ref()?.logged.as_ref());
    let programs: Vec<_> = logged.map(|w| w.application.as_deref()).collect();
    assert_eq!(programs, [Some("by hand")]);
}

/// In the journal itself, with the changes: no finding makes anybody look for them.
fn lawful_changes_have_their_writers(server: &Server, database: &Database, world: &World) {
    for i in 0..10 {
        let sql = format!("UPDATE customers SET phone = '139{i}' WHERE id = 5");
        client(server, database, "the shop", &sql);
    }
    world.audited();
    let question = desk::investigate::Question::Row {
        source: None,
        table: "customers".into(),
        key: "5".into(),
    };
    let report = world.desk.investigate(&question, false).unwrap();
    let steps = report.rows.iter().flat_map(|row| &row.steps);
    let logged = steps.filter_map(|s| s.company.as_ref()?.logged.as_ref());
    let named = logged.filter(|w| w.application.as_deref() == Some("the shop"));
    // A machine that is busy elsewhere may bring a line too late.
    assert!(named.count() > 0);
}

#[test]
fn statistics_lines_tell_the_writer_of_every_statement() {
    every_way_is_told("jsonlog", &[STATISTICS]);
}

#[test]
fn csv_lines_of_plans_tell_the_same() {
    every_way_is_told("csvlog", &[PLANS, "auto_explain.log_min_duration=0"]);
}

#[test]
fn a_line_that_comes_late_is_told_and_one_that_never_comes_is_not_made_up() {
    let server = server("jsonlog", &["log_filename=real", STATISTICS]);
    let database = server.database();
    fill(&database, 20);
    // The log is shipped: what the guard reads comes when it comes.
    let folder = TempFolder::new();
    let shipped = folder.join("shipped.json");
    std::fs::write(&shipped, "{\"torn\":\nno log at all\n").unwrap();
    let world = guarded(&database, &shipped);
    client(&server, &database, "late", TAMPERED[0].1);
    let switched_off = format!("SET log_executor_stats = off; {}", TAMPERED[1].1);
    client(&server, &database, "never", &switched_off);
    assert_eq!(world.findings(2).len(), 2);
    assert_eq!(writers(&world, 0).len(), 0);
    let log = std::fs::read_to_string(logs(&server).join("real.json")).unwrap();
    // What an attacker adds afterwards comes too late for what is told already.
    let forged = log.replace("\"late\"", "\"innocent\"");
    std::fs::write(&shipped, format!("{log}{forged}")).unwrap();
    let named = writers(&world, 1);
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(named["orders 1"].application.as_deref(), Some("late"));
    // It stands in the store: a desk that reads no log tells it still.
    let mut stopped = world.stop();
    stopped.config.source[0].audit_log = None;
    assert_eq!(writers(&stopped.start(), 1), named);
}

#[test]
fn a_lawful_change_by_somebody_unexpected_is_a_finding() {
    let server = server("jsonlog", &[STATISTICS]);
    let database = server.database();
    fill(&database, 20);
    let folder = TempFolder::new();
    let mut config = config(&folder, "postgres", &database.url());
    config.source[0].audit_log = Some(AuditLogConfig {
        files: vec![logs(&server)],
    });
    config.source[0].writers = Some(WritersConfig {
        roles: vec!["postgres".into()],
        applications: vec!["the shop".into()],
    });
    let world = started(folder, config);
    client(
        &server,
        &database,
        "the shop",
        "UPDATE customers SET phone = '1' WHERE id = 5",
    );
    for id in [6, 7] {
        let sql = format!("UPDATE customers SET phone = '2' WHERE id = {id}");
        client(&server, &database, "a stranger", &sql);
    }
    let named = writers(&world, 1);
    assert_eq!(
        named["customers 6"].application.as_deref(),
        Some("a stranger")
    );
    world.audited();
    // The same stranger is told once.
    let found = world.all();
    let told: Vec<_> = found
        .iter()
        .map(|f| (f.rule.as_str(), f.key.as_str()))
        .collect();
    assert_eq!(told, [("writer", "6")]);
    assert!(
        found[0].detail.contains("not proven"),
        "{}",
        found[0].detail
    );
}
