//! What only a server does: it dies in the middle of commits, is started again under readers, is
//! wanted by a second process, has other settings, versions and owners than it should.

mod address;

use address::settings;
use model::{IncidentId, Instant};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use store::{Batch, NewFact, PostgresSettings, PostgresTls, Store, StoreError};
use testkit::postgres::{Database, Server};
use testkit::{certificates, pause};

fn facts(incident: &str, sequences: [u32; 2]) -> Batch {
    let fact = |sequence| NewFact {
        incident: IncidentId::new(incident),
        sequence,
        at: Instant(0),
        json: format!("{{\"n\":{sequence}}}"),
    };
    Batch {
        facts: sequences.map(fact).to_vec(),
        leaves: sequences
            .map(|n| format!("{incident}/{n}").into_bytes())
            .to_vec(),
        ..Batch::default()
    }
}

fn refused(settings: PostgresSettings) -> StoreError {
    match Store::open_postgres(settings) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn a_server_that_is_killed_in_the_middle_of_commits_has_each_batch_once_and_whole() {
    const WRITERS: u32 = 4;
    const KILLS: u32 = 3;
    let server = Server::start();
    let database = server.database();
    let store = Store::open_postgres(settings(&database)).unwrap();
    let (over, acknowledged) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, over, all) = (store.clone(), Arc::clone(&over), Arc::clone(&acknowledged));
            std::thread::spawn(move || {
                let (incident, mut next) = (format!("i{writer}"), 0);
                while !over.load(Ordering::SeqCst) {
                    match store.commit(facts(&incident, [next, next + 1])) {
                        Ok(_) => {
                            next += 2;
                            all.fetch_add(1, Ordering::SeqCst);
                        }
                        // Nothing of it stands: so the same can be stored again.
                        Err(StoreError::Lost { .. } | StoreError::Unreachable { .. }) => {
                            pause(Duration::from_millis(5));
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
                (incident, next)
            })
        })
        .collect();
    let more = |than: u32| {
        let wanted = acknowledged.load(Ordering::SeqCst) + than;
        for _ in 0..6_000 {
            if acknowledged.load(Ordering::SeqCst) >= wanted {
                return;
            }
            pause(Duration::from_millis(10));
        }
        panic!("nothing is committed any more");
    };
    for _ in 0..KILLS {
        more(40);
        server.kill_and_start();
    }
    more(40);
    over.store(true, Ordering::SeqCst);
    let mut total = 0;
    for writer in writers {
        let (incident, next) = writer.join().unwrap();
        let stored = store.facts(&IncidentId::new(&incident)).unwrap();
        let order: Vec<u32> = stored.iter().map(|fact| fact.sequence).collect();
        assert_eq!(order, (0..next).collect::<Vec<_>>(), "{incident}");
        total += u64::from(next);
    }
    // The leaves of each batch stand side by side, once.
    assert_eq!(store.leaf_count().unwrap(), total);
    let leaves = "SELECT count(DISTINCT bytes) FROM leaf";
    assert_eq!(database.value(leaves), total.to_string());
}

#[test]
fn a_server_that_is_started_again_is_read_and_written_as_before() {
    let server = Server::start();
    let database = server.database();
    let store = Store::open_postgres(settings(&database)).unwrap();
    store.commit(facts("a", [0, 1])).unwrap();
    server.restart();
    let read = |store: &Store| store.facts(&IncidentId::new("a")).map(|facts| facts.len());
    // All read connections are dead; nobody who asks hears of it.
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            std::thread::spawn(move || read(&store).unwrap())
        })
        .collect();
    assert!(
        readers
            .into_iter()
            .all(|reader| reader.join().unwrap() == 2)
    );
    store.commit(facts("a", [2, 3])).unwrap();
    assert_eq!(read(&store).unwrap(), 4);

    server.stop();
    for error in [
        read(&store).unwrap_err(),
        store.commit(facts("a", [4, 5])).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains("see that the server runs"));
    }
    server.start_again();
    assert_eq!(read(&store).unwrap(), 4);
    store.commit(facts("a", [4, 5])).unwrap();
}

/// A tmpfs of 12 MiB that the server may write to, where this user may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mounted() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=12m,mode=0755", "tmpfs"])
            .arg(folder.path())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "the tmpfs stays mounted"
        );
    }
}

#[test]
fn a_full_disk_of_the_server_loses_nothing_and_the_store_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mounted() else {
        // As on SQLite: a user without the right to mount has nothing to fill.
        let id = Command::new("id").arg("-u").output().unwrap().stdout;
        assert_ne!(id, b"0\n", "root could not mount a tmpfs");
        return;
    };
    // After the disk: it ends before the disk goes.
    let server = Server::start();
    let its = std::fs::metadata(server.folder().join("data")).unwrap();
    let (space, ballast) = (disk.0.path().join("space"), disk.0.path().join("ballast"));
    std::fs::create_dir(&space).unwrap();
    std::os::unix::fs::chown(&space, Some(its.uid()), Some(its.gid())).unwrap();
    let world = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(disk.0.path(), world).unwrap();
    std::fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let maintenance = server.maintenance();
    maintenance.run(&format!(
        "CREATE TABLESPACE small LOCATION '{}'",
        space.display()
    ));
    let database = server.database();
    let name = database.name();
    maintenance.run(&format!(
        "ALTER DATABASE {name} SET default_tablespace = 'small'"
    ));

    let store = Store::open_postgres(settings(&database)).unwrap();
    let big = |n: u32| {
        let mut batch = facts("full", [2 * n, 2 * n + 1]);
        // Letters that do not compress.
        let odd =
            |i: u64| char::from(b'a' + (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8 % 26);
        batch.facts[0].json = (0..40_000)
            .map(|i| odd(i + u64::from(n) * 40_000))
            .collect();
        batch
    };
    let mut acknowledged = 0;
    let error = loop {
        match store.commit(big(acknowledged)) {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 5_000, "the disk never became full");
    };
    assert!(matches!(error, StoreError::Full), "{error:?}");
    assert!(acknowledged > 5, "{acknowledged}");
    let stored = || store.facts(&IncidentId::new("full")).unwrap().len() as u32 / 2;
    assert_eq!(stored(), acknowledged, "readable while the disk is full");
    std::fs::remove_file(&ballast).unwrap();
    store.commit(big(acknowledged)).unwrap();
    assert_eq!(stored(), acknowledged + 1);
}

#[test]
fn a_second_process_is_refused_until_the_first_has_gone() {
    let database = Server::shared().database();
    let store = Store::open_postgres(settings(&database)).unwrap();
    let error = refused(settings(&database));
    assert!(matches!(error, StoreError::Taken { .. }), "{error:?}");
    assert!(error.to_string().contains("stop that one"), "{error}");
    store.commit(facts("a", [0, 1])).unwrap();
    drop(store);
    Store::open_postgres(settings(&database)).unwrap();
}

/// Ends the connection of the writer behind its back.
fn cut_off_the_writer(database: &Database) {
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(database.value(cut), "1");
}

#[test]
fn a_writer_that_was_cut_off_goes_on_but_not_where_another_has_written() {
    let database = Server::shared().database();
    let store = Store::open_postgres(settings(&database)).unwrap();
    store.commit(facts("a", [0, 1])).unwrap();
    cut_off_the_writer(&database);
    store.commit(facts("a", [2, 3])).unwrap();

    cut_off_the_writer(&database);
    drop(Store::open_postgres(settings(&database)).unwrap());
    for _ in 0..2 {
        let error = store.commit(facts("a", [4, 5])).unwrap_err();
        assert!(matches!(error, StoreError::Overtaken { .. }), "{error:?}");
        assert!(error.to_string().contains("another Balefire"), "{error}");
    }
    assert_eq!(store.facts(&IncidentId::new("a")).unwrap().len(), 4);
}

#[test]
fn a_server_that_lost_acknowledged_writes_is_noticed() {
    let database = Server::shared().database();
    let store = Store::open_postgres(settings(&database)).unwrap();
    for n in [0, 2, 4] {
        store.commit(facts("a", [n, n + 1])).unwrap();
    }
    // As a standby that had not heard of the last ones and took over.
    database.run("UPDATE writer_mark SET number = number - 1; DELETE FROM fact WHERE sequence > 3");
    cut_off_the_writer(&database);
    let error = store.commit(facts("a", [6, 7])).unwrap_err();
    assert!(matches!(error, StoreError::Overtaken { .. }), "{error:?}");
    assert!(error.to_string().contains("acknowledged"), "{error}");
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let database = Server::shared().database();
    drop(Store::open_postgres(settings(&database)).unwrap());
    database.run("UPDATE schema_version SET version = version + 1");
    let before = database.value("SELECT version FROM schema_version");
    let error = refused(settings(&database));
    assert!(matches!(error, StoreError::Newer { .. }), "{error:?}");
    assert_eq!(database.value("SELECT version FROM schema_version"), before);
}

#[test]
fn a_database_that_cannot_hold_the_store_is_refused_with_its_reason() {
    let server = Server::shared();
    let name = format!("{}_latin", server.database().name());
    server.maintenance().run(&format!(
        "CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ));
    let error = refused(settings(&server.database_named(&name)));
    assert!(matches!(error, StoreError::Unfit { .. }), "{error:?}");
    assert!(error.to_string().contains("ENCODING 'UTF8'"), "{error}");

    let away = PostgresSettings {
        host: "db.example".to_owned(),
        ..settings(&server.database())
    };
    let error = refused(away);
    assert!(error.to_string().contains("TLS is off"), "{error}");
}

#[test]
fn the_password_stands_in_its_file_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let database = Server::shared().database();
    let user = format!("{}_user", database.name());
    drop(database.user(&user, "the right word"));
    database.run(&format!("GRANT CREATE ON SCHEMA public TO \"{user}\""));
    let file = folder.path().join("store.password");
    let asked = PostgresSettings {
        user,
        password_file: Some(file.clone()),
        ..settings(&database)
    };
    let error = refused(asked.clone());
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    std::fs::write(&file, "the wrong word\n").unwrap();
    let error = refused(asked.clone());
    assert!(
        matches!(error, StoreError::LoginRefused { .. }),
        "{error:?}"
    );
    let said = format!("{error} {error:?} {asked:?}");
    assert!(
        said.contains("password_file") && !said.contains("wrong word"),
        "{said}"
    );
    std::fs::write(&file, "the right word\n").unwrap();
    let store = Store::open_postgres(asked).unwrap();
    store.commit(facts("a", [0, 1])).unwrap();
}

#[test]
fn over_tls_the_certificate_and_the_name_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let made = certificates(folder.path());
    let server = Server::start_with_tls(&made);
    let asked = PostgresSettings {
        tls: PostgresTls::Verify,
        ca_file: Some(made.ca.clone()),
        ..settings(&server.database())
    };
    let store = Store::open_postgres(asked.clone()).unwrap();
    store.commit(facts("a", [0, 1])).unwrap();
    drop(store);
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = PostgresSettings {
        ca_file: Some(certificates(elsewhere.path()).ca),
        ..asked.clone()
    };
    let error = refused(stranger);
    assert!(matches!(error, StoreError::Tls { .. }), "{error:?}");
    let without = PostgresSettings {
        port: Server::shared().port(),
        ..asked
    };
    let error = refused(without);
    assert!(matches!(error, StoreError::Tls { .. }), "{error:?}");
}

/// Tables and columns of both, but for what each database needs for itself.
#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("balefire.db");
    drop(Store::open(&path).unwrap());
    let db = rusqlite::Connection::open(&path).unwrap();
    let sql = "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'incident_text%'";
    let mut one: Vec<String> = db
        .prepare(sql)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    one.sort();
    let database = Server::shared().database();
    drop(Store::open_postgres(settings(&database)).unwrap());
    let rows = database.rows(
        "SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = 'public'
         AND table_name NOT IN ('incident_text', 'schema_version', 'writer_mark')",
    );
    let mut other: Vec<String> = rows.into_iter().flatten().flatten().collect();
    other.sort();
    assert_eq!(one, other);
    let odd = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'
               AND table_name <> 'incident_text' AND data_type NOT IN ('bigint', 'text', 'bytea')";
    assert_eq!(database.value(odd), "0");
}

#[test]
fn a_caller_inside_a_runtime_may_wait_for_the_store() {
    let database = Server::shared().database();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let store = Store::open_postgres(settings(&database)).unwrap();
        store.commit(facts("a", [0, 1])).unwrap();
        assert_eq!(store.facts(&IncidentId::new("a")).unwrap().len(), 2);
    });
}
