//! The throwaway servers are what they say, and nothing of them stays.

use std::path::{Path, PathBuf};
use std::time::Duration;
use testkit::{Program, TempFolder, certificates, mariadb, pause, postgres};

const LONG: Duration = Duration::from_secs(120);
/// Set for the copy of this test program that is killed; see [`killed_with_its_server`].
const VICTIM: &str = "BALEFIRE_TESTKIT_VICTIM";

fn process_exists(id: &str) -> bool {
    // A dead one that nobody waited for is as good as gone.
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Uid under which a process runs.
fn uid(process: i32) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(format!("/proc/{process}")).unwrap().uid()
}

fn wait_until_gone(what: &str, mut there: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if !there() {
            return;
        }
        pause(Duration::from_millis(50));
    }
    panic!("still there: {what}");
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn postgres_is_ready_for_logical_replication_and_not_root() {
    let server = postgres::Server::shared();
    let (one, two) = (server.database(), server.database());
    one.run("CREATE TABLE \"T t\" (a int, b text); INSERT INTO \"T t\" VALUES (1, NULL), (2, ''), (3, E'x\\n\"y\" é\\t|')");
    assert_eq!(
        one.rows("SELECT a, b FROM \"T t\" ORDER BY a"),
        [
            vec![some("1"), None],
            vec![some("2"), some("")],
            vec![some("3"), some("x\n\"y\" é\t|")]
        ]
    );
    assert!(one.rows("SELECT 1 WHERE false").is_empty());
    let said = two.try_run("SELECT * FROM \"T t\"").unwrap_err();
    assert!(said.contains("does not exist"), "{said}");
    for (setting, value) in [
        ("wal_level", "logical"),
        ("max_replication_slots", "50"),
        ("max_wal_senders", "50"),
        ("fsync", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", "127.0.0.1"),
    ] {
        assert_eq!(one.value(&format!("SHOW {setting}")), value, "{setting}");
    }
    assert_ne!(uid(server.process()), 0);
    assert!(
        one.url()
            .ends_with(&format!("127.0.0.1:{}/{}", server.port(), one.name()))
    );
}

#[test]
fn postgres_wants_a_password_from_everybody_but_its_superuser() {
    let database = postgres::Server::shared().database();
    let url = database.user("guard of testkit", "p@ss:w/rd");
    assert!(url.starts_with("postgres://guard%20of%20testkit:p%40ss%3Aw%2Frd@127.0.0.1:"));
    let ask = |password| database.try_run_as("guard of testkit", password, "SELECT 7");
    assert!(ask("p@ss:w/rd").unwrap().contains('7'));
    assert!(
        ask("wrong")
            .unwrap_err()
            .contains("password authentication failed")
    );
    let right = database.try_run_as("guard of testkit", "p@ss:w/rd", "CREATE DATABASE x");
    assert!(right.unwrap_err().contains("permission denied"));
}

#[test]
fn postgres_keeps_its_data_over_a_restart_and_a_kill() {
    let server = postgres::Server::start_with(&["work_mem=1234kB"]);
    let database = server.database();
    database.run("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let first = server.process();
    server.restart();
    assert_ne!(server.process(), first);
    assert_eq!(database.value("SHOW work_mem"), "1234kB");
    database.run("INSERT INTO t VALUES (2)");
    server.kill_and_start();
    assert_eq!(database.value("SELECT sum(a) FROM t"), "3");
    assert!(server.log().contains("was interrupted"), "{}", server.log());
    server.stop();
    assert!(database.try_run("SELECT 1").is_err());
    server.start_again();
    assert_eq!(database.value("SELECT count(*) FROM t"), "2");
    let (folder, process) = (server.folder().to_owned(), server.process().to_string());
    drop(server);
    assert!(!folder.exists() && !process_exists(&process));
}

#[test]
fn postgres_speaks_tls_with_a_certificate_for_loopback() {
    let folder = TempFolder::new();
    let (ours, stranger) = (folder.join("ours"), folder.join("stranger"));
    std::fs::create_dir(&ours).unwrap();
    std::fs::create_dir(&stranger).unwrap();
    let (ours, stranger) = (certificates(&ours), certificates(&stranger));
    let server = postgres::Server::start_with_tls(&ours);
    let connect = |ca: &Path| {
        let rest = format!(
            "host=127.0.0.1 port={} user=postgres dbname=postgres sslmode=verify-full sslrootcert={}",
            server.port(),
            ca.display()
        );
        Program::at(&server.programs().join("psql"))
            .args([
                "-XAtc",
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
                &rest,
            ])
            .run(LONG)
    };
    assert_eq!(connect(&ours.ca).out, "t");
    let refused = connect(&stranger.ca);
    assert!(
        refused.err.contains("certificate verify failed"),
        "{}",
        refused.err
    );
}

#[test]
fn mariadb_writes_a_row_binlog_and_is_not_root() {
    let server = mariadb::Server::shared();
    let (one, two) = (server.database(), server.database());
    one.run("CREATE TABLE `T t` (a int, b text); INSERT INTO `T t` VALUES (1, NULL), (2, ''), (3, 'NULL'), (4, 'x\\n<b>\"é🙂\\t&amp;')");
    assert_eq!(
        one.rows("SELECT a, b FROM `T t` ORDER BY a"),
        [
            vec![some("1"), None],
            vec![some("2"), some("")],
            vec![some("3"), some("NULL")],
            vec![some("4"), some("x\n<b>\"é🙂\t&amp;")]
        ]
    );
    assert!(one.rows("SELECT 1 FROM DUAL WHERE false").is_empty());
    let said = two.try_run("SELECT * FROM `T t`").unwrap_err();
    assert!(said.contains("doesn't exist"), "{said}");
    for (setting, value) in [
        ("log_bin", "1"),
        ("binlog_format", "ROW"),
        ("binlog_row_image", "FULL"),
        ("binlog_annotate_row_events", "1"),
        ("character_set_server", "utf8mb4"),
        ("bind_address", "127.0.0.1"),
    ] {
        assert_eq!(
            one.value(&format!("SELECT @@global.{setting}")),
            value,
            "{setting}"
        );
    }
    assert_ne!(uid(server.process()), 0);
    assert!(
        one.try_run_as("root", "", "SELECT 1").is_ok(),
        "root gets in over TCP"
    );
}

#[test]
fn mariadb_wants_the_password_of_an_account() {
    let database = mariadb::Server::shared().database();
    let url = database.user("guard", "p@ss'word");
    assert!(
        url.starts_with("mysql://guard:p%40ss%27word@127.0.0.1:"),
        "{url}"
    );
    database.run(&format!(
        "GRANT SELECT ON {}.* TO guard@127.0.0.1",
        database.name()
    ));
    let ask = |password, sql| database.try_run_as("guard", password, sql);
    assert!(ask("p@ss'word", "SELECT 7").unwrap().contains('7'));
    assert!(
        ask("wrong", "SELECT 7")
            .unwrap_err()
            .contains("Access denied")
    );
    assert!(
        ask("p@ss'word", "CREATE TABLE t (a int)")
            .unwrap_err()
            .contains("denied")
    );
}

#[test]
fn mariadb_keeps_its_data_over_a_restart_and_a_kill() {
    let server = mariadb::Server::start_with(&["innodb-lock-wait-timeout=7"]);
    let database = server.database();
    database.run("CREATE TABLE t (a int) ENGINE=InnoDB; INSERT INTO t VALUES (1)");
    let first = server.process();
    server.restart_with(&["binlog-row-image=MINIMAL"]);
    assert_ne!(server.process(), first);
    assert_eq!(database.value("SELECT @@innodb_lock_wait_timeout"), "7");
    assert_eq!(
        database.value("SELECT @@global.binlog_row_image"),
        "MINIMAL"
    );
    database.run("INSERT INTO t VALUES (2)");
    server.kill_and_start();
    assert_eq!(database.value("SELECT sum(a) FROM t"), "3");
    assert!(server.log().contains("crash recovery"), "{}", server.log());
    let (folder, process) = (server.folder().to_owned(), server.process().to_string());
    drop(server);
    assert!(!folder.exists() && !process_exists(&process));
}

#[test]
fn mariadb_speaks_tls_with_a_certificate_for_loopback() {
    let folder = TempFolder::new();
    let ours = certificates(folder.path());
    let server = mariadb::Server::start_with_tls(&ours);
    let connected = Program::at(Path::new("mariadb"))
        .args([
            "--no-defaults",
            "--batch",
            "--host=127.0.0.1",
            "--user=root",
        ])
        .args([
            format!("--port={}", server.port()),
            format!("--ssl-ca={}", ours.ca.display()),
        ])
        .args([
            "--ssl-verify-server-cert",
            "--execute=SHOW STATUS LIKE 'Ssl_version'",
        ])
        .run(LONG);
    assert!(connected.out.contains("TLSv1."), "{connected:?}");
}

#[test]
#[should_panic(expected = "unrecognized configuration parameter \"no_such_setting\"")]
fn postgres_that_ends_at_its_start_says_why() {
    postgres::Server::start_with(&["no_such_setting=1"]);
}

#[test]
#[should_panic(expected = "unknown option '--no-such-setting'")]
fn mariadb_that_ends_at_its_start_says_why() {
    mariadb::Server::start_with(&["no-such-setting"]);
}

#[test]
fn a_server_whose_port_is_taken_meanwhile_starts_again_when_it_is_free() {
    let server = postgres::Server::start_with(&["fsync=off"]);
    server.stop();
    let taken = std::net::TcpListener::bind(("127.0.0.1", server.port())).unwrap();
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.start_again()));
    let said = failed.expect_err("the port is taken");
    let said = said.downcast_ref::<String>().unwrap();
    assert!(said.contains("Address already in use"), "{said}");
    drop(taken);
    server.start_again();
    server.maintenance().run("SELECT 1");
}

/// Not a test of its own: what the killed copy of this program does.
#[test]
fn killed_with_its_server() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let (one, two) = (postgres::Server::shared(), mariadb::Server::shared());
    let folders = [one.folder(), two.folder()].map(|folder| folder.display().to_string());
    let line = format!(
        "victim {} {} {} {}",
        one.process(),
        two.process(),
        folders[0],
        folders[1]
    );
    // The test harness keeps what a test prints; what goes around it is seen at once.
    std::fs::write(std::env::var_os(VICTIM).unwrap(), line).unwrap();
    for _ in 0..6000 {
        pause(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_test_process_leaves_no_server_and_no_folder() {
    let folder = TempFolder::new();
    let told = folder.join("told");
    let mut victim = Program::at(&std::env::current_exe().unwrap())
        .args(["--exact", "killed_with_its_server"])
        .env(VICTIM, told.as_os_str())
        .start();
    let mut line = String::new();
    wait_until_gone("a victim without servers", || {
        line = std::fs::read_to_string(&told).unwrap_or_default();
        line.split(' ').count() < 5
    });
    let words: Vec<&str> = line.split(' ').collect();
    let (processes, folders) = (&words[1..3], [words[3], words[4]].map(PathBuf::from));
    assert!(processes.iter().all(|id| process_exists(id)), "{line}");
    victim.kill();
    for process in processes {
        wait_until_gone(&line, || process_exists(process));
    }
    for folder in &folders {
        wait_until_gone(&line, || folder.exists());
    }
}
