//! The index against a plain map: puts, removals, reopening, moves to runs, compaction.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Put(u8, Vec<u8>),
    Remove(u8),
    Flush,
    MoveToRun,
    Snapshot,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..600))
            .prop_map(|(key, value)| Step::Put(key, value)),
        4 => any::<u8>().prop_map(Step::Remove),
        1 => Just(Step::Flush),
        1 => Just(Step::MoveToRun),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Reopen),
    ]
}

fn key_bytes(key: u8) -> Vec<u8> {
    // Keys of several lengths, some a beginning of others.
    vec![b'a' + key % 16; 1 + usize::from(key / 16)]
}

fn all(snapshot: &Snapshot, from: &[u8], to: Option<&[u8]>) -> Map {
    let records = snapshot.range(from, to).map(|record| record.unwrap());
    let pairs: Vec<_> = records
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    assert!(pairs.is_sorted_by(|a, b| a.0 < b.0));
    pairs.into_iter().collect()
}

fn check(index: &mut ImageIndex, map: &Map) {
    let snapshot = index.snapshot();
    assert_eq!(&all(&snapshot, &[], None), map);
    let (from, to) = (key_bytes(40), key_bytes(90));
    let within = map.range(from.clone()..to.clone());
    let within: Map = within
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    assert_eq!(all(&snapshot, &from, Some(&to)), within);
    for key in 0..=255 {
        let key = key_bytes(key);
        assert_eq!(index.get(&key).unwrap(), map.get(&key).cloned());
        assert_eq!(snapshot.get(&key).unwrap(), map.get(&key).cloned());
    }
}

fn log_key() -> Arc<LogKey> {
    Arc::new(LogKey::from_seed("shop.example/journal", &[7; 32]).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn it_behaves_like_a_map(steps in proptest::collection::vec(step(), 1..300)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0");
        let (mut index, _) = ImageIndex::open(&path, log_key()).unwrap();
        let (mut map, mut flushed) = (Map::new(), Map::new());
        let mut kept = Vec::new();
        for (covered, step) in steps.into_iter().enumerate() {
            match step {
                Step::Put(key, value) => {
                    index.put(&key_bytes(key), &value).unwrap();
                    map.insert(key_bytes(key), value);
                }
                Step::Remove(key) => {
                    index.remove(&key_bytes(key)).unwrap();
                    map.remove(&key_bytes(key));
                }
                Step::Flush => {
                    index.flush(covered as u64).unwrap();
                    flushed.clone_from(&map);
                }
                Step::MoveToRun => index.move_to_run().unwrap(),
                Step::Snapshot => kept.push((index.snapshot(), map.clone())),
                Step::Reopen => {
                    let covered = index.covered();
                    drop(index);
                    let (again, from) = ImageIndex::open(&path, log_key()).unwrap();
                    prop_assert_eq!(from, covered);
                    index = again;
                    map.clone_from(&flushed);
                }
            }
        }
        check(&mut index, &map);
        prop_assert!(index.runs.len() <= 12);
        for (snapshot, then) in kept {
            prop_assert_eq!(all(&snapshot, &[], None), then);
        }
    }
}

#[test]
fn a_damaged_index_is_named_and_can_be_reset() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0");
    let (mut index, _) = ImageIndex::open(&path, log_key()).unwrap();
    for key in 0..2_000_u32 {
        index.put(&key.to_be_bytes(), &[7; 50]).unwrap();
    }
    index.flush(9).unwrap();
    let file = index.runs[0].path.clone();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[60_000] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let (mut index, covered) = ImageIndex::open(&path, log_key()).unwrap();
    assert_eq!(covered, 9);
    let read: Result<Vec<_>> = index
        .snapshot()
        .range(&[], None)
        .map(|r| r.map(|_| ()))
        .collect();
    let Err(JournalError::Damaged {
        file: named,
        offset,
        ..
    }) = read
    else {
        panic!("it must be found")
    };
    assert!(named == file && offset <= 60_000 && offset > 50_000);
    let end = bytes.len() - 1;
    bytes[end] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    assert!(ImageIndex::open(&path, log_key()).is_err());
    let index = ImageIndex::reset(&path, log_key()).unwrap();
    assert_eq!((index.covered(), index.get(&[0; 4]).unwrap()), (0, None));
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
}
