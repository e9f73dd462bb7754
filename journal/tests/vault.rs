//! The vault: what is sealed opens only with its subject's key, and never after its destruction.

use journal::JournalError;
use journal::vault::{MasterKey, SEAL_BYTES, SubjectKeys, VaultReader};
use std::collections::HashSet;
use std::fs;
use std::path::Path;

fn open(dir: &Path) -> Result<SubjectKeys, JournalError> {
    SubjectKeys::open(dir, &MasterKey::from_bytes([3; 32]))
}

fn seal(reader: &VaultReader, subject: &[u8], value: &[u8]) -> Vec<u8> {
    let mut sealed = b"before".to_vec();
    reader
        .seal(subject, b"orders.phone", value, &mut sealed)
        .unwrap();
    assert!(sealed.starts_with(b"before"));
    sealed.split_off(6)
}

#[test]
fn sealed_values_open_only_in_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = open(dir.path()).unwrap();
    keys.ensure(&[b"ann", b"bob", b"ann"]).unwrap();
    let reader = keys.reader();
    let sealed = seal(&reader, b"ann", b"13800000000");
    assert_eq!(sealed.len(), 11 + SEAL_BYTES);
    assert_eq!(
        reader.open(b"ann", b"orders.phone", &sealed).unwrap(),
        b"13800000000"
    );
    assert!(reader.open(b"bob", b"orders.phone", &sealed).is_err());
    assert!(reader.open(b"ann", b"orders.email", &sealed).is_err());
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(
            reader.open(b"ann", b"orders.phone", &changed).is_err(),
            "byte {at}"
        );
        assert!(
            reader.open(b"ann", b"orders.phone", &sealed[..at]).is_err(),
            "cut {at}"
        );
    }
    let nobody = reader.seal(b"eve", b"", b"x", &mut Vec::new());
    assert!(matches!(nobody, Err(JournalError::NoSubjectKey)));
    assert_ne!(reader.mac_key(b"ann"), reader.mac_key(b"bob"));
    assert_eq!(reader.mac_key(b"eve"), None);
}

#[test]
fn nonces_are_unique_across_openings() {
    let dir = tempfile::tempdir().unwrap();
    let mut nonces = HashSet::new();
    for _ in 0..5 {
        let mut keys = open(dir.path()).unwrap();
        keys.ensure(&[b"ann"]).unwrap();
        let reader = keys.reader();
        for _ in 0..2_000 {
            assert!(nonces.insert(seal(&reader, b"ann", b"")[1..13].to_vec()));
        }
    }
}

#[test]
fn keys_survive_reopening_and_destruction_is_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = open(dir.path()).unwrap();
    keys.ensure(&[b"ann"]).unwrap();
    keys.ensure(&[b"bob"]).unwrap();
    let (of_ann, of_bob) = (
        seal(&keys.reader(), b"ann", b"1"),
        seal(&keys.reader(), b"bob", b"2"),
    );
    let before = fs::metadata(dir.path().join("subjects.keys"))
        .unwrap()
        .len();
    keys.ensure(&[b"ann", b"bob"]).unwrap();
    assert_eq!(
        fs::metadata(dir.path().join("subjects.keys"))
            .unwrap()
            .len(),
        before
    );
    let shared = keys.reader();
    assert!(keys.destroy(b"ann").unwrap());
    assert!(!keys.destroy(b"ann").unwrap());
    for reopened in [false, true] {
        let mut again = open(dir.path()).unwrap();
        for reader in [&shared, &again.reader()] {
            let gone = reader.open(b"ann", b"orders.phone", &of_ann);
            assert!(matches!(gone, Err(JournalError::NoSubjectKey)));
            assert!(reader.is_destroyed(b"ann") && !reader.is_destroyed(b"bob"));
            assert_eq!(reader.open(b"bob", b"orders.phone", &of_bob).unwrap(), b"2");
        }
        if reopened {
            // The person comes back: a new key, which opens nothing of before.
            again.ensure(&[b"ann"]).unwrap();
            assert!(
                again
                    .reader()
                    .open(b"ann", b"orders.phone", &of_ann)
                    .is_err()
            );
            assert!(!again.reader().is_destroyed(b"ann"));
        }
    }
}

#[test]
fn a_torn_batch_is_dropped_and_a_damaged_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("subjects.keys");
    let mut keys = open(dir.path()).unwrap();
    keys.ensure(&[b"ann"]).unwrap();
    let first = fs::read(&path).unwrap().len();
    keys.ensure(&[b"bob", b"cem"]).unwrap();
    drop(keys);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 2;
        fs::write(&path, &changed).unwrap();
        let opened = open(dir.path());
        assert!(
            matches!(opened, Err(JournalError::Damaged { .. })),
            "byte {at}"
        );
    }
    for cut in first + 1..whole.len() {
        let mut torn = whole[..cut].to_vec();
        if cut > first + 4 {
            // A crash before the fsync: the batch is not marked as settled.
            torn[first + 4] = 0;
        }
        fs::write(&path, &torn).unwrap();
        let keys = open(dir.path()).unwrap();
        assert_eq!(keys.reader().subjects(), 1, "cut {cut}");
        assert_eq!(fs::read(&path).unwrap(), &whole[..first]);
    }
    fs::write(&path, &whole).unwrap();
    assert!(SubjectKeys::open(dir.path(), &MasterKey::from_bytes([4; 32])).is_err());
    assert_eq!(open(dir.path()).unwrap().reader().subjects(), 3);
}

#[test]
fn a_master_key_file_is_made_once_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys/master.key");
    let made = MasterKey::load_or_create(&path).unwrap().derive("x");
    assert_eq!(MasterKey::load_or_create(&path).unwrap().derive("x"), made);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::write(&path, b"nonsense").unwrap();
    assert!(MasterKey::load_or_create(&path).is_err());
}
