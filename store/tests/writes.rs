//! What one call stores: all or nothing, in order, once, also from 64 threads and after a restart.

mod on;

use model::{
    Finding, FindingId, FindingKind, IncidentId, Instant, OutboxId, Risk, SourceName, Verdict,
};
use on::{On, on_both};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use store::{
    Batch, Committed, FindingQuery, FindingRecord, NewFact, NewOutbox, OutboxChange, OutboxUpdate,
    PutDocument, Store, StoreError,
};

on_both!(
    sixty_four_callers_get_consecutive_leaves_of_their_own,
    of_callers_who_write_the_same_sequence_one_alone_succeeds,
    a_batch_that_fails_late_leaves_none_of_its_parts,
    documents_move_from_version_to_version_and_no_other_way,
    a_finding_is_stored_once_and_keeps_its_incident,
    a_large_batch_is_stored_in_its_order,
    pages_of_findings_stay_as_they_are_while_more_arrive,
    the_outbox_gives_what_is_due_and_a_crash_in_sending_puts_it_back,
    values_at_their_bounds_come_back_as_they_went_in,
    a_restart_keeps_everything,
    whoever_waits_is_woken_by_a_commit,
);

fn fact(incident: &str, sequence: u32) -> NewFact {
    NewFact {
        incident: IncidentId::new(incident),
        sequence,
        at: Instant::from_secs(1),
        json: format!("{{\"n\":{sequence}}}"),
    }
}

fn facts(facts: Vec<NewFact>) -> Batch {
    Batch {
        facts,
        ..Batch::default()
    }
}

fn finding(id: &str, source: &str, kind: FindingKind) -> FindingRecord {
    let finding = Finding {
        id: FindingId::new(id),
        risk: Risk::R2,
        kind,
        rule: "frozen".to_owned(),
        source: SourceName::new(source),
        table: "orders".to_owned(),
        key: "7".to_owned(),
        columns: Vec::new(),
        verdict: Verdict::Unlawful,
        log: "ledger/0".to_owned(),
        position: 3,
        seen_at: Instant::from_secs(1),
        stored_at: Instant::from_secs(2),
        at_risk: None,
        subject: None,
        witnessed: true,
        coalesced: false,
        detail: String::new(),
    };
    FindingRecord {
        source: finding.source.clone(),
        finding,
        incident: None,
    }
}

fn document(id: &str, expect_version: Option<u64>, json: &str) -> Batch {
    let put = PutDocument {
        collection: "notices",
        id: id.to_owned(),
        expect_version,
        json: json.to_owned(),
        at: Instant::from_secs(1),
    };
    Batch {
        documents: vec![put],
        ..Batch::default()
    }
}

fn outbox(id: &str, due_s: i64) -> NewOutbox {
    NewOutbox {
        id: OutboxId::new(id),
        incident: Some(IncidentId::new("a")),
        channel: "file".to_owned(),
        kind: "call".to_owned(),
        due_at: Instant::from_secs(due_s),
        json: "{}".to_owned(),
    }
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict { .. }))
}

fn sixty_four_callers_get_consecutive_leaves_of_their_own(on: On) {
    const CALLERS: u32 = 64;
    const EACH: u32 = 25;
    let place = on.place();
    let store = place.open();
    let start = Arc::new(Barrier::new(CALLERS as usize));
    let threads: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (store, start) = (store.clone(), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                (0..EACH)
                    .map(|n| {
                        let leaf = format!("{caller}/{n}").into_bytes();
                        let batch = Batch {
                            leaves: vec![leaf.clone(), leaf],
                            ..facts(vec![fact(&format!("i{caller}"), n)])
                        };
                        (n, store.commit(batch).unwrap())
                    })
                    .map(|(n, done): (u32, Committed)| {
                        assert_eq!(done.next_leaf, done.first_leaf + 2);
                        (done.first_leaf, format!("{caller}/{n}").into_bytes())
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut got: Vec<_> = threads
        .into_iter()
        .flat_map(|t| t.join().unwrap())
        .collect();
    got.sort();
    let total = u64::from(CALLERS * EACH);
    let firsts: Vec<u64> = got.iter().map(|(first, _)| *first).collect();
    assert_eq!(firsts, (0..total).map(|n| n * 2).collect::<Vec<_>>());
    assert_eq!(store.leaf_count().unwrap(), total * 2);
    let leaves = store.leaves_from(0, total as u32 * 2).unwrap();
    for (first, leaf) in &got {
        assert_eq!(&leaves[*first as usize], leaf);
        assert_eq!(&leaves[*first as usize + 1], leaf);
    }
    for caller in 0..CALLERS {
        let stored = store.facts(&IncidentId::new(format!("i{caller}"))).unwrap();
        let order: Vec<u32> = stored.iter().map(|fact| fact.sequence).collect();
        assert_eq!(order, (0..EACH).collect::<Vec<_>>());
    }
}

fn of_callers_who_write_the_same_sequence_one_alone_succeeds(on: On) {
    let place = on.place();
    let store = place.open();
    let start = Arc::new(Barrier::new(32));
    let threads: Vec<_> = (0..32)
        .map(|_| {
            let (store, start) = (store.clone(), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                let batch = Batch {
                    leaves: vec![vec![1]],
                    ..facts(vec![fact("a", 0)])
                };
                store.commit(batch)
            })
        })
        .collect();
    let results: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|r| is_conflict(r)).count(), 31);
    // The losers left nothing behind, though they shared transactions with the winner.
    assert_eq!(store.leaf_count().unwrap(), 1);
    assert_eq!(store.facts(&IncidentId::new("a")).unwrap().len(), 1);
}

fn a_batch_that_fails_late_leaves_none_of_its_parts(on: On) {
    let place = on.place();
    let store = place.open();
    store.commit(document("d", None, "1")).unwrap();
    let bad = Batch {
        facts: vec![fact("a", 0)],
        findings: vec![finding("f", "shop", FindingKind::Altered)],
        outbox: vec![outbox("o", 1)],
        leaves: vec![vec![1]],
        marks: vec![("m".to_owned(), 1)],
        ..document("d", Some(9), "2")
    };
    assert!(is_conflict(&store.commit(bad)));
    assert!(store.incident_ids().unwrap().is_empty());
    let all = FindingQuery {
        limit: 10,
        ..FindingQuery::default()
    };
    assert!(store.findings(&all).unwrap().is_empty());
    assert!(store.outbox(None, None, 10).unwrap().is_empty());
    assert_eq!(
        (store.leaf_count().unwrap(), store.mark("m").unwrap()),
        (0, None)
    );
    assert!(is_conflict(
        &store.commit(facts(vec![fact("a", 0), fact("a", 2)]))
    ));
    assert!(store.facts(&IncidentId::new("a")).unwrap().is_empty());
}

fn documents_move_from_version_to_version_and_no_other_way(on: On) {
    let place = on.place();
    let store = place.open();
    let version = || {
        store
            .document("notices", "d")
            .unwrap()
            .map(|d| (d.version, d.json))
    };
    assert!(is_conflict(&store.commit(document("d", Some(1), "x"))));
    assert_eq!(version(), None);
    store.commit(document("d", None, "one")).unwrap();
    assert!(is_conflict(&store.commit(document("d", None, "x"))));
    store.commit(document("d", Some(1), "two")).unwrap();
    assert!(is_conflict(&store.commit(document("d", Some(1), "x"))));
    assert_eq!(version(), Some((2, "two".to_owned())));
    assert_eq!(store.document("other", "d").unwrap(), None);
}

fn a_finding_is_stored_once_and_keeps_its_incident(on: On) {
    let place = on.place();
    let store = place.open();
    let batch = || Batch {
        findings: vec![
            finding("f1", "shop", FindingKind::Altered),
            finding("f2", "shop", FindingKind::Forged),
            finding("f1", "shop", FindingKind::Deleted),
        ],
        ..Batch::default()
    };
    let ids = [FindingId::new("f1"), FindingId::new("f2")];
    assert_eq!(store.commit(batch()).unwrap().new_findings, ids);
    let assign = vec![(ids[0].clone(), IncidentId::new("a"))];
    store
        .commit(Batch {
            assign,
            ..Batch::default()
        })
        .unwrap();
    assert!(store.commit(batch()).unwrap().new_findings.is_empty());
    let of_a = FindingQuery {
        incident: Some(IncidentId::new("a")),
        limit: 10,
        ..FindingQuery::default()
    };
    let found = store.findings(&of_a).unwrap();
    assert_eq!(found, [finding("f1", "shop", FindingKind::Altered).finding]);
}

fn a_large_batch_is_stored_in_its_order(on: On) {
    let place = on.place();
    let store = place.open();
    let id = |n: u32| format!("f{}", n * 7_919 % 1_000);
    // Every third is there twice.
    let findings: Vec<_> = (0..1_000)
        .flat_map(|n| vec![n; if n % 3 == 0 { 2 } else { 1 }])
        .map(|n| finding(&id(n), "shop", FindingKind::Altered))
        .collect();
    let leaves: Vec<Vec<u8>> = (0..700_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    let batch = Batch {
        findings,
        leaves: leaves.clone(),
        ..Batch::default()
    };
    let wanted: Vec<FindingId> = (0..1_000).map(|n| FindingId::new(id(n))).collect();
    let done = store.commit(batch.clone()).unwrap();
    assert_eq!(done.new_findings, wanted);
    assert_eq!((done.first_leaf, done.next_leaf), (0, 700));
    let again = store.commit(batch).unwrap();
    assert_eq!((again.new_findings, again.first_leaf), (Vec::new(), 700));
    let all = FindingQuery {
        limit: 5_000,
        ..FindingQuery::default()
    };
    let stored = store.findings(&all).unwrap().into_iter().map(|f| f.id);
    assert_eq!(stored.collect::<Vec<_>>(), wanted);
    assert_eq!(store.leaves_from(0, 700).unwrap(), leaves);
}

fn pages_of_findings_stay_as_they_are_while_more_arrive(on: On) {
    let place = on.place();
    let store = place.open();
    let put = |from: u32| {
        let findings = (from..from + 5)
            .flat_map(|n| {
                let source = |name| finding(&format!("{name}{n}"), name, FindingKind::Altered);
                [source("shop"), source("depot")]
            })
            .collect();
        store
            .commit(Batch {
                findings,
                ..Batch::default()
            })
            .unwrap();
    };
    put(0);
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let query = FindingQuery {
            source: Some(SourceName::new("shop")),
            after: after.clone(),
            limit: 2,
            ..FindingQuery::default()
        };
        let page = store.findings(&query).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        seen.extend(page.iter().map(|f| f.id.to_string()));
        if seen.len() == 2 {
            put(5);
        }
    }
    assert_eq!(
        seen,
        (0..10).map(|n| format!("shop{n}")).collect::<Vec<_>>()
    );
    let counts = store.finding_counts(&SourceName::new("depot")).unwrap();
    assert_eq!(counts, [("altered".to_owned(), 10)]);
}

fn the_outbox_gives_what_is_due_and_a_crash_in_sending_puts_it_back(on: On) {
    let place = on.place();
    let store = place.open();
    let new = || vec![outbox("late", 30), outbox("early", 10), outbox("later", 99)];
    store
        .commit(Batch {
            outbox: new(),
            ..Batch::default()
        })
        .unwrap();
    store
        .commit(Batch {
            outbox: new(),
            ..Batch::default()
        })
        .unwrap();
    let due = |store: &Store, now| -> Vec<String> {
        let rows = store.outbox_due(Instant::from_secs(now), 10).unwrap();
        rows.iter().map(|row| row.id.to_string()).collect()
    };
    assert_eq!(due(&store, 9), [""; 0]);
    assert_eq!(due(&store, 30), ["early", "late"]);
    let change = |store: &Store, id: &str, change| {
        let outbox_updates = vec![OutboxUpdate {
            id: OutboxId::new(id),
            change,
        }];
        store
            .commit(Batch {
                outbox_updates,
                ..Batch::default()
            })
            .unwrap();
    };
    change(&store, "early", OutboxChange::Sending);
    change(&store, "late", OutboxChange::Sending);
    change(
        &store,
        "late",
        OutboxChange::Again {
            due_at: Instant::from_secs(60),
        },
    );
    assert_eq!(due(&store, 30), [""; 0]);
    drop(store);

    let store = place.open();
    assert_eq!(store.outbox_recover().unwrap(), 1);
    assert_eq!(due(&store, 60), ["early", "late"]);
    change(&store, "early", OutboxChange::Sending);
    change(
        &store,
        "early",
        OutboxChange::Sent {
            at: Instant::from_secs(61),
        },
    );
    let newest = store.outbox(Some(&IncidentId::new("a")), None, 10).unwrap();
    let states: Vec<_> = newest
        .iter()
        .map(|r| (r.id.as_str(), r.state.as_str(), r.attempts))
        .collect();
    assert_eq!(
        states,
        [
            ("later", "pending", 0),
            ("early", "sent", 1),
            ("late", "pending", 1)
        ]
    );
    assert_eq!(newest[1].sent_at, Some(Instant::from_secs(61)));
    assert_eq!(store.outbox_recover().unwrap(), 0);
}

/// What a person or a detector may fill, as long and as odd as it comes.
fn values_at_their_bounds_come_back_as_they_went_in(on: On) {
    let place = on.place();
    let store = place.open();
    let texts = [
        String::new(),
        "'\"\\%_?1$1;--".to_owned(),
        "\u{1}\u{7f}\u{fffd}\u{10ffff}订单😀".to_owned(),
        serde_json::to_string("a\0b").unwrap(),
        "长".repeat(2_000_000),
    ];
    let batch = Batch {
        facts: (0..)
            .zip(&texts)
            .map(|(sequence, json)| NewFact {
                at: Instant([i64::MIN, 0, i64::MAX][sequence as usize % 3]),
                json: json.clone(),
                ..fact("a", sequence)
            })
            .collect(),
        leaves: vec![vec![], (0..=255).collect(), vec![0; 3_000_000]],
        marks: vec![("most".to_owned(), u64::MAX), ("least".to_owned(), 0)],
        ..document(&"键".repeat(400), None, "x")
    };
    store.commit(batch.clone()).unwrap();
    drop(store);

    let store = place.open();
    let stored = store.facts(&IncidentId::new("a")).unwrap();
    let json: Vec<&str> = stored.iter().map(|fact| fact.json.as_str()).collect();
    assert!(json == texts, "a text came back as another");
    assert!(
        store.leaves_from(0, 9).unwrap() == batch.leaves,
        "a leaf came back as another"
    );
    assert_eq!(store.mark("most").unwrap(), Some(i64::MAX as u64));
    assert_eq!(store.mark("least").unwrap(), Some(0));
    let id = &batch.documents[0].id;
    assert_eq!(store.document("notices", id).unwrap().unwrap().id, *id);
    // What a stranger types as a name finds nothing, and is no error.
    for odd in ["", "a\0b", "\0", &"x".repeat(100_000)] {
        assert_eq!(store.document("notices", odd).unwrap(), None);
        assert_eq!(store.account(&model::AccountId::new(odd)).unwrap(), None);
    }
}

fn a_restart_keeps_everything(on: On) {
    let place = on.place();
    let store = place.open();
    let batch = Batch {
        facts: vec![fact("b", 0), fact("a", 0), fact("b", 1)],
        findings: vec![finding("f", "shop", FindingKind::Forged)],
        leaves: vec![vec![1], vec![], vec![2, 3]],
        marks: vec![("ledger/0".to_owned(), 77)],
        ..document("d", None, "one")
    };
    store.commit(batch).unwrap();
    drop(store);

    let store = place.open();
    assert_eq!(
        store.incident_ids().unwrap(),
        [IncidentId::new("b"), IncidentId::new("a")]
    );
    let latest = store.facts_after(1, 10).unwrap();
    let numbers: Vec<_> = latest
        .iter()
        .map(|f| (f.number, f.incident.as_str()))
        .collect();
    assert_eq!(numbers, [(2, "a"), (3, "b")]);
    assert_eq!(latest[1].json, "{\"n\":1}");
    assert_eq!(store.leaves_from(1, 10).unwrap(), [vec![], vec![2, 3]]);
    assert_eq!(store.mark("ledger/0").unwrap(), Some(77));
    let next = store
        .commit(Batch {
            leaves: vec![vec![4]],
            ..Batch::default()
        })
        .unwrap();
    assert_eq!((next.first_leaf, next.next_leaf), (3, 4));
    store
        .commit(Batch {
            marks: vec![("ledger/0".to_owned(), 9)],
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(store.mark("ledger/0").unwrap(), Some(9));
}

fn whoever_waits_is_woken_by_a_commit(on: On) {
    let place = on.place();
    let store = place.open();
    let seen = store.wait_for_change(0, Duration::ZERO);
    let waiting = {
        let store = store.clone();
        std::thread::spawn(move || store.wait_for_change(seen, Duration::from_secs(30)))
    };
    store.commit(facts(vec![fact("a", 0)])).unwrap();
    assert!(waiting.join().unwrap() > seen);
    let seen = store.wait_for_change(0, Duration::ZERO);
    assert_eq!(store.wait_for_change(seen, Duration::from_millis(5)), seen);
    // What was refused is no change.
    assert!(is_conflict(&store.commit(facts(vec![fact("a", 5)]))));
    assert_eq!(store.facts_after(0, 10).unwrap().len(), 1);
}
