//! What must hold of a data folder after every crash.

use crate::guarded::Guarded;
use model::Digest;
use rusqlite::Connection;
use serde_json::Value;

use std::collections::BTreeSet;

type Hash = [u8; 32];

/// Facts of every incident are numbered without gaps, and no request was carried out twice.
pub fn facts(store: &Connection) {
    let mut all = store
        .prepare("SELECT incident, sequence, json FROM fact ORDER BY incident, sequence")
        .expect("facts can be read");
    let rows = all.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
    });
    let mut expected = (String::new(), 0);
    for row in rows.expect("facts can be read") {
        let (incident, sequence) = row.expect("a fact can be read");
        if incident != expected.0 {
            expected = (incident.clone(), 0);
        }
        assert_eq!(sequence, expected.1, "a gap in the facts of {incident}");
        expected.1 += 1;
    }
}

/// Every finding that alarms belongs to an incident: nobody is left untold.
pub fn alarms_are_raised(store: &Connection) {
    let waiting: u32 = store
        .query_row(
            "SELECT count(*) FROM finding WHERE incident IS NULL AND kind <> 'unwitnessed'",
            [],
            |row| row.get(0),
        )
        .expect("findings can be counted");
    assert_eq!(waiting, 0, "findings joined no incident");
}

/// Nothing waits to be sent, each message stands once in the file, and nothing sent is missing.
pub fn outbox(guarded: &Guarded) {
    let pending = |g: &Guarded| -> u32 {
        let sql = "SELECT count(*) FROM outbox WHERE state <> 'sent'";
        g.store()
            .query_row(sql, [], |row| row.get(0))
            .expect("the outbox can be counted")
    };
    guarded.until(pending, |n| *n == 0);
    let text = std::fs::read_to_string(guarded.path("outbox.jsonl")).unwrap_or_default();
    let mut ids = BTreeSet::new();
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).expect("a line of the outbox is JSON");
        let id = message["id"]
            .as_str()
            .expect("a message has an id")
            .to_owned();
        assert!(ids.insert(id.clone()), "{id} stands twice in the outbox");
    }
    let store = guarded.store();
    let mut sent = store
        .prepare("SELECT id FROM outbox WHERE kind IN ('page', 'report')")
        .expect("the outbox can be read");
    let sent = sent.query_map([], |row| row.get::<_, String>(0));
    for id in sent.expect("the outbox can be read").map(Result::unwrap) {
        assert!(
            ids.iter().any(|have| have.starts_with(&id)),
            "{id} counts as sent and is not in the file"
        );
    }
}

/// The `record` log holds the stored leaves, byte for byte: its root is theirs.
pub fn record_log(guarded: &Guarded) {
    let store = guarded.store();
    let mut find = store
        .prepare("SELECT bytes FROM leaf ORDER BY sequence")
        .expect("leaves can be read");
    let leaves: Vec<Hash> = find
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .expect("leaves can be read")
        .map(|bytes| leaf_hash(&bytes.expect("a leaf can be read")))
        .collect();
    let checkpoint = guarded.until(
        |g| g.json(&["journal", "checkpoint", "record"]),
        |answer| answer["size"].as_u64() >= Some(leaves.len() as u64),
    );
    // The ticker may have added facts since; those before are what we hold it against.
    let size = checkpoint["size"].as_u64().unwrap_or_default() as usize;
    if size > leaves.len() {
        return record_log(guarded);
    }
    let note = checkpoint["checkpoint"].as_str().expect("a checkpoint");
    let root = note.lines().nth(2).expect("a root in its third line");
    assert_eq!(root, base64(&tree_root(&leaves)));
}

/// RFC 6962, section 2.1, as it is written there.
fn tree_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Digest::of(&[]).0,
        [one] => *one,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            let parts = [&[1][..], &tree_root(left), &tree_root(right)].concat();
            Digest::of(&parts).0
        }
    }
}

fn leaf_hash(bytes: &[u8]) -> Hash {
    Digest::of(&[&[0][..], bytes].concat()).0
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let bits = chunk
                .iter()
                .enumerate()
                .fold(0_u32, |bits, (i, b)| bits | u32::from(*b) << (16 - 8 * i));
            (0..4).map(move |i| match i <= chunk.len() {
                true => LETTERS[(bits >> (18 - 6 * i) & 63) as usize] as char,
                false => '=',
            })
        })
        .collect()
}

/// Every byte of the journal is good.
pub fn journal(guarded: &Guarded) {
    guarded.good(&["journal", "verify"]);
}

#[test]
fn base64_is_that_of_the_rfc() {
    // RFC 4648, section 10.
    for (plain, coded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(base64(plain.as_bytes()), coded);
    }
}
