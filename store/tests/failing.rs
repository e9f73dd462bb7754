//! The world's faults: a full disk, a newer or foreign or damaged file, another process.

use model::{IncidentId, Instant};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use store::{Batch, NewFact, Store, StoreError};

fn fact(incident: &str, sequence: u32, bytes: usize) -> Batch {
    Batch {
        facts: vec![NewFact {
            incident: IncidentId::new(incident),
            sequence,
            at: Instant(0),
            json: "x".repeat(bytes),
        }],
        ..Batch::default()
    }
}

/// A disk of 2 MiB of its own: a tmpfs where this user may mount one.
struct SmallDisk {
    folder: tempfile::TempDir,
    mounted: bool,
}

impl SmallDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(folder.path())
            .status()
            .is_ok_and(|status| status.success());
        Self { folder, mounted }
    }
    fn path(&self) -> PathBuf {
        self.folder.path().join("balefire.db")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.mounted {
            let done = Command::new("umount")
                .arg("-l")
                .arg(self.folder.path())
                .status();
            assert!(
                done.is_ok_and(|status| status.success()),
                "the tmpfs stays mounted"
            );
        }
    }
}

/// Writes facts until one is refused; how many were acknowledged, and the refusal.
fn fill(store: &Store, from: u32) -> (u32, StoreError) {
    for sequence in from..from + 10_000 {
        if let Err(error) = store.commit(fact("full", sequence, 8_000)) {
            return (sequence, error);
        }
    }
    panic!("the disk never became full");
}

#[test]
fn a_full_disk_loses_nothing_and_the_store_goes_on_when_there_is_room() {
    let disk = SmallDisk::new();
    if !disk.mounted {
        // The same story with a bound of SQLite's own is told in the writer's tests, for
        // everybody; here a user without the right to mount has nothing to fill.
        assert_ne!(user_id(), "0", "root could not mount a tmpfs");
        return;
    }
    let ballast = disk.folder.path().join("ballast");
    std::fs::write(&ballast, vec![1; 512 << 10]).unwrap();
    let store = Store::open(&disk.path()).unwrap();
    let (acknowledged, error) = fill(&store, 0);
    assert!(matches!(error, StoreError::Full), "{error:?}");
    assert!(acknowledged > 5, "{acknowledged}");
    let stored = || store.facts(&IncidentId::new("full")).unwrap().len() as u32;
    assert_eq!(stored(), acknowledged, "readable while the disk is full");
    std::fs::remove_file(&ballast).unwrap();
    store.commit(fact("full", acknowledged, 8_000)).unwrap();
    assert_eq!(stored(), acknowledged + 1);
    drop(store);
    let again = Store::open(&disk.path()).unwrap();
    assert_eq!(
        again.facts(&IncidentId::new("full")).unwrap().len() as u32,
        acknowledged + 1
    );
}

fn user_id() -> String {
    let out = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn opened(path: &Path) -> StoreError {
    match Store::open(path) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("balefire.db");
    drop(Store::open(&path).unwrap());
    let version = |db: &Connection| -> u32 {
        db.pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    };
    let db = Connection::open(&path).unwrap();
    let newer = version(&db) + 1;
    db.pragma_update(None, "user_version", newer).unwrap();
    let error = opened(&path);
    assert!(
        matches!(error, StoreError::Newer { found, .. } if found == newer),
        "{error:?}"
    );
    assert!(error.to_string().contains("newer program"), "{error}");
    assert_eq!(version(&db), newer);
}

#[test]
fn what_is_no_database_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("balefire.db");
    std::fs::write(
        &path,
        "not a database, but as long as a header of one would be: ".repeat(90),
    )
    .unwrap();
    let error = opened(&path);
    assert!(matches!(error, StoreError::Damaged), "{error:?}");
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = opened(&folder.path().join("nowhere/balefire.db"));
    assert!(matches!(error, StoreError::File { .. }), "{error:?}");
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn a_foreign_writer_makes_a_write_busy_and_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("balefire.db");
    let store = Store::open(&path).unwrap();
    let foreign = Connection::open(&path).unwrap();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.commit(fact("a", 0, 10)).unwrap_err();
    assert!(matches!(error, StoreError::Busy), "{error:?}");
    assert!(store.facts(&IncidentId::new("a")).unwrap().is_empty());
    foreign.execute_batch("ROLLBACK").unwrap();
    store.commit(fact("a", 0, 10)).unwrap();
}

#[test]
fn the_files_belong_to_their_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("balefire.db");
    // Also where a copied backup came with wider rights.
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&path).unwrap();
    store.commit(fact("a", 0, 10)).unwrap();
    for name in ["balefire.db", "balefire.db-wal", "balefire.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
