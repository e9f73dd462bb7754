//! Our trees, tiles, notes and proofs against known vectors and a foreign implementation.

use journal::keys::{LogKey, VerifierKey};
use journal::{Hash, Log, LogOptions, LogReader, proof};
use proptest::prelude::*;
use signed_note::{Note, StandardVerifier, VerifierList};
use std::sync::Arc;
use tlog_tiles::{Checkpoint, HashReader, Tile, check_record, check_tree, record_hash};

const ORIGIN: &str = "shop.example/journal/ledger/0";

fn key() -> Arc<LogKey> {
    Arc::new(LogKey::from_seed("shop.example/journal", &[7; 32]).unwrap())
}

fn log_of(entries: &[Vec<u8>], group: usize, segment_bytes: u64) -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions {
        segment_bytes,
        ..LogOptions::default()
    };
    let (mut log, _) = Log::open(dir.path(), ORIGIN, key(), options).unwrap();
    for group in entries.chunks(group) {
        for entry in group {
            log.append(entry).unwrap();
        }
        drop(log.seal_group().unwrap());
    }
    log.seal_group().unwrap().wait().unwrap();
    (dir, log)
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The test tree of the certificate-transparency project: eight leaves, a root for each size.
#[test]
fn roots_are_those_of_the_public_test_tree() {
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let byte = |text: &str| u8::from_str_radix(text, 16).unwrap();
    let entries: Vec<Vec<u8>> = leaves
        .iter()
        .map(|leaf| {
            (0..leaf.len() / 2)
                .map(|i| byte(&leaf[2 * i..2 * i + 2]))
                .collect()
        })
        .collect();
    let (_dir, log) = log_of(&entries, 3, 1 << 20);
    let reader = log.reader();
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(
            hex(&reader.root_at(size as u64).unwrap()),
            *root,
            "size {size}"
        );
    }
    let path: Vec<String> = reader
        .inclusion_proof(0, 8)
        .unwrap()
        .iter()
        .map(|hash| hex(hash))
        .collect();
    assert_eq!(
        path,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
}

/// All hashes of a tree in the order of the foreign implementation's storage.
struct Stored(Vec<tlog_tiles::Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes
            .iter()
            .map(|index| self.0[*index as usize])
            .collect())
    }
}

fn stored(entries: &[Vec<u8>]) -> Stored {
    let mut stored = Stored(Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let new = tlog_tiles::stored_hashes(index as u64, entry, &stored).unwrap();
        stored.0.extend(new);
    }
    stored
}

fn foreign(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|hash| tlog_tiles::Hash(*hash)).collect()
}

fn check_tiles(reader: &LogReader, stored: &Stored, entries: &[Vec<u8>]) {
    for tile in Tile::new_tiles(8, 0, entries.len() as u64) {
        let ours = reader
            .tile(tile.level(), tile.level_index(), tile.width() as u16)
            .unwrap();
        assert_eq!(ours, tile.read_data(stored).unwrap(), "{}", tile.path());
        if tile.level() == 0 {
            let bundle = reader
                .entry_bundle(tile.level_index(), tile.width() as u16)
                .unwrap();
            let start = tile.level_index() as usize * 256;
            let mut expected = Vec::new();
            for entry in &entries[start..start + tile.width() as usize] {
                expected.extend_from_slice(&(entry.len() as u16).to_be_bytes());
                expected.extend_from_slice(entry);
            }
            assert_eq!(bundle, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn a_foreign_implementation_agrees(
        size in 1_usize..2000,
        group in 1_usize..300,
        picks in proptest::collection::vec(any::<(u32, u32)>(), 24),
    ) {
        let entries: Vec<Vec<u8>> = (0..size)
            .map(|i| format!("entry {i} ").repeat(i % 7).into_bytes())
            .collect();
        // Small segments, so that tiles and proofs cross their borders.
        let (_dir, log) = log_of(&entries, group.max(size / 40), 8_000);
        let reader = log.reader();
        let stored = stored(&entries);
        let root_of = |size: u64| tlog_tiles::tree_hash(size, &stored).unwrap();
        check_tiles(&reader, &stored, &entries);
        for (a, b) in picks {
            let new = u64::from(a) % size as u64 + 1;
            let index = u64::from(b) % new;
            prop_assert_eq!(reader.root_at(new).unwrap(), root_of(new).0);
            let path = foreign(&reader.inclusion_proof(index, new).unwrap());
            let leaf = record_hash(&entries[index as usize]);
            check_record(&path, new, root_of(new), index, leaf).unwrap();
            let old = index + 1;
            let between = foreign(&reader.consistency_proof(old, new).unwrap());
            check_tree(&between, new, root_of(new), old, root_of(old)).unwrap();
            prop_assert_eq!(&reader.entry(index).unwrap(), &entries[index as usize]);
            let bundle = proof::make(&reader, index).unwrap();
            let proven = proof::open(&bundle, &key().vkey()).unwrap();
            prop_assert_eq!((proven.index, proven.size), (index, size as u64));
        }
        let note = Note::from_bytes(reader.checkpoint().as_bytes()).unwrap();
        let vkey = key().vkey().for_origin(ORIGIN).to_string();
        let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
        let (verified, _) = note.verify(&known).unwrap();
        prop_assert_eq!(verified.len(), 1);
        let checkpoint = Checkpoint::from_bytes(note.text()).unwrap();
        prop_assert_eq!(checkpoint.origin(), ORIGIN);
        prop_assert_eq!(checkpoint.size(), size as u64);
        prop_assert_eq!(checkpoint.hash(), &root_of(size as u64));
    }
}

#[test]
fn a_bundle_proves_only_its_own_entry() {
    let entries: Vec<Vec<u8>> = (0..300)
        .map(|i| format!("entry {i}").into_bytes())
        .collect();
    let (_dir, log) = log_of(&entries, 100, 1 << 20);
    let bundle = proof::make(&log.reader(), 42).unwrap();
    let vkey = key().vkey();
    let proven = proof::verify(&bundle, b"entry 42", &vkey).unwrap();
    assert_eq!(
        (proven.origin.as_str(), proven.index, proven.size),
        (ORIGIN, 42, 300)
    );
    assert!(proof::verify(&bundle, b"entry 43", &vkey).is_err());
    let other = LogKey::from_seed("shop.example/journal", &[8; 32])
        .unwrap()
        .vkey();
    assert!(proof::open(&bundle, &other).is_err());
    let elsewhere = LogKey::from_seed("shop.example", &[7; 32]).unwrap().vkey();
    assert!(
        proof::open(&bundle, &elsewhere).is_ok(),
        "a name above covers the log"
    );
    let foreign = LogKey::from_seed("other.example", &[7; 32]).unwrap().vkey();
    assert!(proof::open(&bundle, &foreign).is_err());
    // Any changed byte before the signature makes it fail, and none makes it panic.
    let signature = bundle.rfind('\u{2014}').unwrap();
    for at in 0..bundle.len() {
        let mut bytes = bundle.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        let opened = proof::open(&text, &vkey);
        assert!(opened.is_err() || at >= signature, "byte {at}");
        assert!(opened.is_err(), "byte {at}");
    }
}

#[test]
fn a_log_of_one_entry_has_an_empty_path() {
    let (_dir, log) = log_of(&[b"only".to_vec()], 1, 1 << 20);
    let bundle = proof::make(&log.reader(), 0).unwrap();
    assert_eq!(proof::open(&bundle, &key().vkey()).unwrap().extra, b"only");
}

#[test]
fn verifier_keys_are_those_of_signed_note() {
    let vkey = key().vkey();
    assert!(StandardVerifier::new(&vkey.to_string()).is_ok());
    assert_eq!(vkey.to_string().parse::<VerifierKey>().unwrap(), vkey);
    // The example key of the Go package golang.org/x/mod/sumdb/note.
    let known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(known.parse::<VerifierKey>().unwrap().to_string(), known);
    let wrong_id = known.replace("c74f20a3", "c74f20a4");
    assert!(wrong_id.parse::<VerifierKey>().is_err());
}
