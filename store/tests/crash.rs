//! The writer dies just before and just after its commit.

mod on;

use model::{IncidentId, Instant};
use on::{On, on_both};
use store::{Batch, NewFact, StoreError};

on_both!(
    before_the_commit_nothing_of_the_group_stands,
    after_the_commit_all_of_it_stands_and_a_repetition_is_told_so,
);

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
fn stand_after(on: On, failpoint: &str) -> (usize, u64) {
    let scenario = fail::FailScenario::setup();
    let place = on.place();
    let store = place.open();
    store.commit(fact(0)).unwrap();
    fail::cfg(failpoint, "1*panic(the writer dies here)").unwrap();
    // Not acknowledged, whether it stands or not; and nobody waits for ever.
    for _ in 0..2 {
        let error = store.commit(fact(1)).unwrap_err();
        assert!(matches!(error, StoreError::Closed), "{error:?}");
    }
    drop(store);
    let store = place.open();
    let stand = (
        store.facts(&IncidentId::new("a")).unwrap().len(),
        store.leaf_count().unwrap(),
    );
    scenario.teardown();
    stand
}

fn before_the_commit_nothing_of_the_group_stands(on: On) {
    assert_eq!(stand_after(on, "store-before-commit"), (1, 1));
}

fn after_the_commit_all_of_it_stands_and_a_repetition_is_told_so(on: On) {
    assert_eq!(stand_after(on, "store-after-commit"), (2, 2));
}
