//! Failing writes: what was acknowledged stands, nothing more is taken, opening goes on from it.

use fail::FailScenario;
use journal::index::ImageIndex;
use journal::keys::LogKey;
use journal::vault::{MasterKey, SubjectKeys};
use journal::verify::{VerifyOptions, verify_dir};
use journal::{JournalError, Log, LogOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const BASE: &str = "shop.example/journal";

fn key() -> Arc<LogKey> {
    Arc::new(LogKey::from_seed(BASE, &[7; 32]).unwrap())
}

fn open(dir: &Path) -> Log {
    std::fs::create_dir_all(dir.join("root")).unwrap();
    let origin = format!("{BASE}/ledger/0");
    Log::open(&dir.join("ledger/0"), &origin, key(), LogOptions::default())
        .unwrap()
        .0
}

fn faults(dir: &Path) -> usize {
    let found = verify_dir(dir, &key().vkey(), &VerifyOptions::default(), &mut |_| ());
    found.faults.len()
}

/// Failpoints are the whole process's: one test goes through all of them in turn.
#[test]
fn a_failed_write_stops_the_writer_and_loses_nothing_acknowledged() {
    let scenario = FailScenario::setup();
    for (point, action) in [
        ("journal-before-fsync", "return"),
        ("journal-after-fsync", "return"),
        ("journal-before-fsync", "panic"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path());
        log.append(b"acknowledged").unwrap();
        log.seal_group().unwrap().wait().unwrap();
        fail::cfg(point, action).unwrap();
        log.append(b"not so").unwrap();
        let failed = log.seal_group().unwrap().wait();
        assert!(
            matches!(failed, Err(JournalError::Stopped { .. })),
            "{point} {action}"
        );
        fail::remove(point);
        // It stays stopped although the disk is well again.
        assert!(log.append(b"later").is_err() && log.seal_group().is_err());
        let reader = log.reader();
        assert_eq!(
            (reader.size(), reader.entry(0).unwrap()),
            (1, b"acknowledged".to_vec())
        );
        assert!(reader.wait_for(2, Duration::from_millis(1)).is_err());
        drop(log);
        let mut log = open(dir.path());
        // What was written may be there or not; what was acknowledged is.
        assert!((1..=2).contains(&log.size()));
        log.append(b"again").unwrap();
        log.seal_group().unwrap().wait().unwrap();
        drop(log);
        assert_eq!(faults(dir.path()), 0, "{point} {action}");
    }
    index_goes_back_to_the_last_flush();
    vault_stops();
    scenario.teardown();
}

fn index_goes_back_to_the_last_flush() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("index/0");
    let (mut index, _) = ImageIndex::open(&path, key()).unwrap();
    index.put(b"a", b"1").unwrap();
    index.flush(1).unwrap();
    index.put(b"a", b"2").unwrap();
    fail::cfg("journal-index-flush", "return").unwrap();
    assert!(index.flush(2).is_err());
    fail::remove("journal-index-flush");
    drop(index);
    let (index, covered) = ImageIndex::open(&path, key()).unwrap();
    assert_eq!(
        (covered, index.get(b"a").unwrap()),
        (1, Some(b"1".to_vec()))
    );
    assert_eq!(
        std::fs::read_dir(&path).unwrap().count(),
        2,
        "manifest and one run"
    );
}

fn vault_stops() {
    let dir = tempfile::tempdir().unwrap();
    let master = MasterKey::from_bytes([3; 32]);
    let mut keys = SubjectKeys::open(dir.path(), &master).unwrap();
    keys.ensure(&[b"ann"]).unwrap();
    fail::cfg("journal-vault-append", "return").unwrap();
    assert!(keys.ensure(&[b"bob"]).is_err());
    fail::remove("journal-vault-append");
    assert!(keys.ensure(&[b"cem"]).is_err(), "it stays stopped");
    assert_eq!(keys.reader().mac_key(b"bob"), None);
    drop(keys);
    let mut keys = SubjectKeys::open(dir.path(), &master).unwrap();
    keys.ensure(&[b"ann", b"bob", b"cem"]).unwrap();
    assert_eq!(keys.reader().subjects(), 3);
}
