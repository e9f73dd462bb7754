//! The writer dies just before and just after its commit.

use model::{IncidentId, Instant};
use store::{Batch, NewFact, Store, StoreError};

fn fact(sequence: u32) -> Batch {
    Batch {
        facts: vec![NewFact {
            incident: IncidentId::new("a"),
            sequence,
            at: Instant(0),
            json: "{}".to_owned(),
        }],
        leaves: vec![vec![1]],
        ..Batch::default()
    }
}

/// Facts and leaves that stand after a writer died at `failpoint` while it stored a second batch.
fn stand_after(failpoint: &str) -> (usize, u64) {
    let scenario = fail::FailScenario::setup();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("balefire.db");
    let store = Store::open(&path).unwrap();
    store.commit(fact(0)).unwrap();
    fail::cfg(failpoint, "1*panic(the writer dies here)").unwrap();
    // Not acknowledged, whether it stands or not; and nobody waits for ever.
    for _ in 0..2 {
        let error = store.commit(fact(1)).unwrap_err();
        assert!(matches!(error, StoreError::Closed), "{error:?}");
    }
    drop(store);
    let store = Store::open(&path).unwrap();
    let stand = (
        store.facts(&IncidentId::new("a")).unwrap().len(),
        store.leaf_count().unwrap(),
    );
    scenario.teardown();
    stand
}

#[test]
fn before_the_commit_nothing_of_the_group_stands() {
    assert_eq!(stand_after("store-before-commit"), (1, 1));
}

#[test]
fn after_the_commit_all_of_it_stands_and_a_repetition_is_told_so() {
    assert_eq!(stand_after("store-after-commit"), (2, 2));
}
