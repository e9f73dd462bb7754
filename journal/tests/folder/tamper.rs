//! Whatever is changed below the journal's folder is found, and named for what it is.

use crate::support::{BASE, Folder, entry, verify};
use journal::index::ImageIndex;
use journal::verify::{Fault, FaultKind};
use journal::{Journal, JournalOptions, Log, LogOptions};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A small journal with everything in it: two ledger segments, facts, anchors, an index of runs.
fn journal() -> Folder {
    let folder = Folder::new();
    let log = LogOptions {
        segment_bytes: 300,
        ..LogOptions::default()
    };
    let options = JournalOptions { ledgers: 1, log };
    let (mut journal, _) = Journal::open_with(folder.path(), folder.key(), BASE, options).unwrap();
    let append = |log: &mut Log, count: u64| {
        for _ in 0..count {
            let next = log.size();
            log.append(&entry(next)).unwrap();
        }
        log.seal_group().unwrap().wait().unwrap();
    };
    append(&mut journal.ledgers[0], 4);
    append(&mut journal.ledgers[0], 2);
    append(&mut journal.record, 2);
    journal.anchor().unwrap();
    append(&mut journal.ledgers[0], 3);
    let (mut index, _) = ImageIndex::open(&folder.path().join("index/0"), folder.key()).unwrap();
    for round in 0..2_u32 {
        // The second run is far smaller, so that both stay.
        for key in 0..100_u32 >> (6 * round) {
            index
                .put(format!("key {key}").as_bytes(), &round.to_be_bytes())
                .unwrap();
        }
        index.flush(4 + u64::from(round)).unwrap();
    }
    folder
}

fn read(dir: &Path) -> Files {
    fn visit(dir: &Path, below: &Path, files: &mut Files) {
        for file in fs::read_dir(dir.join(below))
            .unwrap()
            .map(|file| file.unwrap())
        {
            let name = below.join(file.file_name());
            match file.file_type().unwrap().is_dir() {
                true => visit(dir, &name, files),
                false => drop(files.insert(name, fs::read(file.path()).unwrap())),
            }
        }
    }
    let mut files = Files::new();
    visit(dir, Path::new(""), &mut files);
    files
}

/// What a byte of a segment belongs to.
#[derive(Debug)]
enum Part {
    Header,
    Entry(u64),
    Checkpoint,
}

fn parts(segment: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let number = |at: usize| u32::from_be_bytes(segment[at..at + 4].try_into().unwrap());
    while parts.len() < segment.len() {
        let at = parts.len();
        let (entries, note) = (number(at + 8), number(at + 12));
        let first = u64::from(number(at + 20));
        (0..24).for_each(|_| parts.push(Part::Header));
        for entry in first..first + u64::from(entries) {
            let here = parts.len();
            let length = u16::from_be_bytes([segment[here], segment[here + 1]]);
            (0..length + 2).for_each(|_| parts.push(Part::Entry(entry)));
        }
        (0..note).for_each(|_| parts.push(Part::Checkpoint));
    }
    parts
}

fn check_named(name: &Path, at: usize, parts: &[Part], faults: &[Fault]) {
    let context = format!("{} byte {at}: {faults:?}", name.display());
    assert!(faults.iter().all(|fault| fault.file == name), "{context}");
    assert_eq!(faults.len(), 1, "{context}");
    let fault = &faults[0];
    let log = name.parent().unwrap().to_str().unwrap();
    assert_eq!(fault.log, log, "{context}");
    let offset = fault.offset as usize;
    let end = name.extension().and_then(|end| end.to_str());
    match (end, parts.get(at)) {
        (Some("seg"), Some(Part::Entry(index))) => {
            assert!(
                matches!(fault.kind, FaultKind::Entry | FaultKind::EntryLength),
                "{context}"
            );
            assert_eq!(fault.entry, Some(*index), "{context}");
            assert!(offset <= at, "{context}");
        }
        (Some("seg"), Some(Part::Header)) => {
            assert_eq!(
                (fault.kind, offset),
                (FaultKind::GroupHeader, at),
                "{context}"
            );
        }
        (Some("seg"), Some(Part::Checkpoint)) => {
            assert_eq!(fault.kind, FaultKind::Checkpoint, "{context}");
            assert!(offset <= at && at - offset < 200, "{context}");
        }
        (Some("run"), _) => {
            assert!(fault.kind == FaultKind::Index && offset <= at, "{context}");
        }
        _ if name.ends_with("manifest") => assert_eq!(fault.kind, FaultKind::Index, "{context}"),
        _ => assert_eq!((fault.kind, offset), (FaultKind::Derived, at), "{context}"),
    }
}

/// Changes each byte of the files that `wanted` picks, and expects exactly one right fault.
fn flip_every_byte(wanted: impl Fn(&Path) -> bool) {
    let folder = journal();
    assert_eq!(verify(folder.path(), &folder, None), []);
    let files = read(folder.path());
    let picked: Vec<_> = files.iter().filter(|(name, _)| wanted(name)).collect();
    assert!(!picked.is_empty());
    for (name, bytes) in picked {
        let segment = name.extension().is_some_and(|end| end == "seg");
        let parts = if segment { parts(bytes) } else { Vec::new() };
        let path = folder.path().join(name);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, &changed).unwrap();
            check_named(name, at, &parts, &verify(folder.path(), &folder, None));
        }
        fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn every_byte_of_the_ledger_is_found() {
    flip_every_byte(|name| name.starts_with("ledger"));
}

#[test]
fn every_byte_of_facts_and_anchors_is_found() {
    flip_every_byte(|name| name.starts_with("record") || name.starts_with("root"));
}

#[test]
fn every_byte_of_the_index_is_found() {
    flip_every_byte(|name| name.starts_with("index"));
}

#[test]
fn every_removed_byte_is_found_in_its_file_and_entry() {
    let folder = journal();
    for (name, bytes) in read(folder.path()) {
        let segment = name.extension().is_some_and(|end| end == "seg");
        let parts = if segment { parts(&bytes) } else { Vec::new() };
        let step = if segment { 1 } else { 7 };
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed.remove(at);
            fs::write(folder.path().join(&name), &changed).unwrap();
            let faults = verify(folder.path(), &folder, None);
            let context = format!("{} byte {at}: {faults:?}", name.display());
            assert!(!faults.is_empty(), "{context}");
            assert!(faults.iter().all(|fault| fault.file == name), "{context}");
            if let Some(Part::Entry(entry)) = parts.get(at) {
                assert_eq!(faults[0].entry, Some(*entry), "{context}");
            }
        }
        fs::write(folder.path().join(&name), &bytes).unwrap();
    }
}

#[test]
fn appended_bytes_lost_files_and_foreign_files_are_found() {
    let folder = journal();
    let files = read(folder.path());
    for (name, bytes) in &files {
        let path = folder.path().join(name);
        for added in [&b"\0"[..], b"BFG1", &bytes[..bytes.len().min(24)]] {
            fs::write(&path, [bytes, added].concat()).unwrap();
            let faults = verify(folder.path(), &folder, None);
            assert!(
                faults.iter().any(|fault| fault.file == *name),
                "{name:?}: {faults:?}"
            );
        }
        fs::remove_file(&path).unwrap();
        let faults = verify(folder.path(), &folder, None);
        assert!(
            faults.iter().any(|fault| fault.file == *name),
            "{name:?}: {faults:?}"
        );
        fs::write(&path, bytes).unwrap();
    }
    for name in [
        "x",
        "ledger/0/tile.5",
        "ledger/0/note.txt",
        "ledger/readme",
        "index/0/9.run",
    ] {
        fs::write(folder.path().join(name), b"").unwrap();
        let faults = verify(folder.path(), &folder, None);
        assert!(
            faults.iter().any(|fault| fault.file == Path::new(name)),
            "{name}: {faults:?}"
        );
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert_eq!(verify(folder.path(), &folder, None), []);
}

#[test]
fn swapped_removed_and_repeated_entries_are_named() {
    let folder = Folder::new();
    folder.write_groups(&[6, 6, 6]);
    let whole = folder.read_segment();
    let parts = parts(&whole);
    let span = |wanted: u64| {
        let is = |part: &Part| matches!(part, Part::Entry(entry) if *entry == wanted);
        let start = parts.iter().position(is).unwrap();
        start..start + parts.iter().filter(|part| is(part)).count()
    };
    // Entries 7 and 9 have other lengths, 0 and 5 the same.
    let swap = |a: u64, b: u64| {
        let (a, b) = (span(a), span(b));
        [
            &whole[..a.start],
            &whole[b.clone()],
            &whole[a.end..b.start],
            &whole[a],
            &whole[b.end..],
        ]
        .concat()
    };
    folder.put_segment(&swap(0, 5));
    let named: Vec<_> = folder
        .verify_ledger()
        .iter()
        .map(|fault| fault.entry)
        .collect();
    assert_eq!(named, [Some(0), Some(5)]);
    folder.put_segment(&swap(7, 9));
    assert_eq!(folder.verify_ledger()[0].entry, Some(7));
    let group = whole.len() / 3;
    let starts: Vec<usize> = (0..whole.len())
        .filter(|at| whole[*at..].starts_with(b"BFG1"))
        .collect();
    assert!(starts.len() == 3 && group > 0);
    let without = [&whole[..starts[1]], &whole[starts[2]..]].concat();
    folder.put_segment(&without);
    let faults = folder.verify_ledger();
    assert_eq!(
        (faults[0].kind, faults[0].entry, faults[0].offset),
        (FaultKind::MissingEntries, Some(6), starts[1] as u64)
    );
    let twice = [&whole[..starts[2]], &whole[starts[1]..]].concat();
    folder.put_segment(&twice);
    let faults = folder.verify_ledger();
    assert_eq!(
        (faults[0].kind, faults[0].entry),
        (FaultKind::Group, Some(6))
    );
    folder.put_segment(&whole);
    assert_eq!(folder.verify_ledger(), []);
}

#[test]
fn without_leaves_the_group_is_named() {
    let folder = Folder::new();
    folder.write_groups(&[3, 3]);
    let mut bytes = folder.read_segment();
    let last = parts(&bytes)
        .iter()
        .rposition(|part| matches!(part, Part::Entry(4)))
        .unwrap();
    bytes[last] ^= 1;
    folder.put_segment(&bytes);
    fs::remove_file(folder.ledger().join("tile.0")).unwrap();
    let faults = folder.verify_ledger();
    assert_eq!(
        (faults[0].kind, faults[0].entry),
        (FaultKind::Group, Some(3))
    );
}

#[test]
fn an_old_copy_is_found_against_a_kept_checkpoint() {
    let folder = Folder::new();
    let first = folder.write_groups(&[4]);
    let old = read(folder.path());
    let second = folder.write_groups(&[3]);
    for note in [&first, &second] {
        assert_eq!(verify(folder.path(), &folder, Some(note.clone())), []);
    }
    for (name, bytes) in old {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    assert_eq!(folder.verify_ledger(), [], "nothing inside tells");
    let faults = verify(folder.path(), &folder, Some(second.clone()));
    assert_eq!(faults.len(), 1);
    assert_eq!(
        (faults[0].kind, faults[0].entry),
        (FaultKind::CutTail, Some(4))
    );
    // The owner of the key goes on from the old copy with another history.
    let (mut log, _) = folder.open_ledger().unwrap();
    for _ in 0..3 {
        log.append(b"something else").unwrap();
    }
    log.seal_group().unwrap().wait().unwrap();
    drop(log);
    assert_eq!(folder.verify_ledger(), []);
    let faults = verify(folder.path(), &folder, Some(second.clone()));
    assert_eq!(
        (faults[0].kind, faults[0].entry),
        (FaultKind::OtherHistory, Some(7))
    );
    let forged = second.replace("\n7\n", "\n6\n");
    let faults = verify(folder.path(), &folder, Some(forged));
    assert_eq!(faults[0].kind, FaultKind::KeptCheckpoint);
}

#[test]
fn a_single_file_from_an_old_copy_is_found() {
    let folder = journal();
    let old = read(folder.path());
    let (mut journal, _) = Journal::open(folder.path(), folder.key(), BASE).unwrap();
    for log in [&mut journal.ledgers[0], &mut journal.record] {
        log.append(b"later").unwrap();
        log.seal_group().unwrap().wait().unwrap();
    }
    journal.anchor().unwrap();
    drop(journal);
    assert_eq!(verify(folder.path(), &folder, None), []);
    let new = read(folder.path());
    let mut tried = 0;
    for (name, bytes) in old.iter().filter(|(name, bytes)| new[*name] != **bytes) {
        fs::write(folder.path().join(name), bytes).unwrap();
        let faults = verify(folder.path(), &folder, None);
        assert!(
            faults.iter().any(|fault| fault.file == *name),
            "{name:?}: {faults:?}"
        );
        fs::write(folder.path().join(name), &new[name]).unwrap();
        tried += 1;
    }
    assert!(tried >= 8, "{tried}");
}
