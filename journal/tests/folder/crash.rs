//! What a crash may leave behind, and that opening drops nothing that was acknowledged.

use crate::support::{Folder, entry, verify};
use journal::{Journal, JournalError, JournalOptions, Log, LogOptions};
use std::fs;

#[test]
fn a_torn_last_group_is_dropped_at_every_cut() {
    let folder = Folder::new();
    folder.write_groups(&[3, 2]);
    let derived = folder.read_derived();
    let before = folder.read_segment();
    folder.write_groups(&[2]);
    let whole = folder.read_segment();
    for cut in before.len()..whole.len() {
        // As if the crash came before the last group's fsync: its leaves were never written.
        folder.put_derived(&derived);
        folder.put_segment(&whole[..cut]);
        let faults = folder.verify_ledger();
        assert_eq!(faults.is_empty(), cut == before.len(), "cut at {cut}");
        assert!(
            faults
                .iter()
                .all(|fault| fault.offset == before.len() as u64),
            "{faults:?}"
        );
        let (log, recovery) = folder.open_ledger().unwrap();
        assert_eq!(recovery.size, 5);
        assert_eq!(recovery.dropped_bytes, (cut - before.len()) as u64);
        drop(log);
        assert_eq!(folder.verify_ledger(), []);
    }
}

#[test]
fn a_group_torn_in_the_middle_with_its_checkpoint_written_is_dropped_too() {
    let folder = Folder::new();
    folder.write_groups(&[3]);
    let derived = folder.read_derived();
    let before = folder.read_segment();
    folder.write_groups(&[2]);
    let mut whole = folder.read_segment();
    whole[before.len() + 30..before.len() + 60].fill(0);
    folder.put_segment(&whole);
    folder.put_derived(&derived);
    let (_, recovery) = folder.open_ledger().unwrap();
    assert_eq!((recovery.size, recovery.lost_entries), (3, 0));
}

#[test]
fn a_cut_of_acknowledged_entries_is_refused_and_named() {
    let folder = Folder::new();
    folder.write_groups(&[3, 2, 2]);
    let whole = folder.read_segment();
    for cut in 0..whole.len() {
        folder.put_segment(&whole[..cut]);
        match folder.open_ledger().map(|_| ()) {
            Err(JournalError::AcknowledgedMissing {
                size, acknowledged, ..
            }) => {
                assert!(size < acknowledged && acknowledged == 7, "cut at {cut}");
            }
            other => panic!("cut at {cut}: {other:?}"),
        }
        assert_eq!(folder.read_segment(), &whole[..cut], "nothing is touched");
        assert!(!folder.verify_ledger().is_empty());
    }
    folder.put_segment(&whole[..whole.len() - 1]);
    let options = LogOptions {
        accept_loss: true,
        ..LogOptions::default()
    };
    let (log, recovery) = folder.open_ledger_with(options).unwrap();
    assert_eq!((recovery.size, recovery.lost_entries), (5, 2));
    drop(log);
    assert_eq!(folder.verify_ledger(), []);
}

#[test]
fn a_broken_byte_is_never_dropped_silently() {
    let folder = Folder::new();
    folder.write_groups(&[2, 2]);
    let whole = folder.read_segment();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        folder.put_segment(&bytes);
        let opened = folder.open_ledger().map(|(_, recovery)| recovery);
        match opened {
            Err(JournalError::Damaged { .. } | JournalError::AcknowledgedMissing { .. }) => {}
            other => panic!("byte {at}: {other:?}"),
        }
        assert_eq!(folder.read_segment(), bytes);
    }
}

#[test]
fn derived_files_are_made_again() {
    let folder = Folder::new();
    folder.write_groups(&[300, 200, 100]);
    let derived = folder.read_derived();
    assert!(
        derived.len() == 3,
        "leaves, one row above, offsets: {derived:?}"
    );
    for (name, bytes) in &derived {
        for (what, changed) in [("cut", &bytes[..bytes.len() / 3]), ("gone", &[][..])] {
            let path = folder.ledger().join(name);
            fs::write(&path, changed).unwrap();
            if changed.is_empty() {
                fs::remove_file(&path).unwrap();
            }
            assert!(!folder.verify_ledger().is_empty());
            let (log, recovery) = folder.open_ledger().unwrap();
            assert_eq!(recovery.size, 600);
            assert!(recovery.rederived_entries > 0, "{name} {what}");
            drop(log);
            assert_eq!(folder.read_derived(), derived, "{name} {what}");
            assert_eq!(folder.verify_ledger(), []);
        }
    }
}

#[test]
fn every_reopening_goes_on_from_there_and_verifies() {
    let folder = Folder::new();
    let options = || LogOptions {
        segment_bytes: 600,
        ..LogOptions::default()
    };
    let mut size = 0;
    for round in 0..12_u64 {
        let (mut log, recovery) = folder.open_ledger_with(options()).unwrap();
        assert_eq!((recovery.size, recovery.dropped_bytes), (size, 0));
        for _ in 0..=round % 3 {
            for _ in 0..5 {
                assert_eq!(log.append(&entry(size)).unwrap(), size);
                size += 1;
            }
            let durable = log.seal_group().unwrap().wait().unwrap();
            assert_eq!(durable.size, size);
            assert_eq!(folder.verify_ledger(), [], "while it is open");
        }
        let reader = log.reader();
        let mut next = 0;
        reader
            .for_each(0..size, |index, bytes| -> Result<(), JournalError> {
                assert_eq!((index, bytes), (next, entry(next).as_slice()));
                next += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(next, size);
    }
    assert!(
        fs::read_dir(folder.ledger()).unwrap().count() > 8,
        "many segments"
    );
    fs::remove_file(folder.ledger().join(format!("{:020}.seg", 0))).unwrap();
    assert!(folder.open_ledger().is_err());
}

#[test]
fn a_log_behind_its_anchor_is_refused() {
    let folder = Folder::new();
    let open =
        |options| Journal::open_with(folder.path(), folder.key(), crate::support::BASE, options);
    let (mut journal, _) = open(JournalOptions::default()).unwrap();
    journal.record.append(b"first").unwrap();
    journal.record.seal_group().unwrap().wait().unwrap();
    let old = fs::read_dir(folder.path().join("record")).unwrap();
    let old: Vec<_> = old
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    journal.record.append(b"second").unwrap();
    journal.record.seal_group().unwrap().wait().unwrap();
    assert!(journal.anchor().unwrap().is_some());
    assert!(journal.anchor().unwrap().is_none(), "nothing new");
    drop(journal);
    assert!(verify(folder.path(), &folder, None).is_empty());
    for (path, bytes) in old {
        fs::write(path, bytes).unwrap();
    }
    let refused = open(JournalOptions::default()).map(|_| ());
    assert!(matches!(
        refused,
        Err(JournalError::NotAsAnchored {
            size: 1,
            anchored: 2,
            ..
        })
    ));
    let faults = verify(folder.path(), &folder, None);
    assert!(faults.iter().any(|fault| fault.log == "record"
        && fault.kind == journal::verify::FaultKind::CutTail
        && fault.entry == Some(1)));
}

#[test]
fn what_cannot_be_taken_is_refused() {
    let folder = Folder::new();
    let (mut log, _) = folder.open_ledger().unwrap();
    let too_large = log.append(&vec![0; 65_536]);
    assert!(matches!(
        too_large,
        Err(JournalError::EntryTooLarge { size: 65_536 })
    ));
    log.append(&vec![7; 65_535]).unwrap();
    log.append(b"").unwrap();
    log.seal_group().unwrap().wait().unwrap();
    assert_eq!(log.reader().entry(0).unwrap().len(), 65_535);
    assert_eq!(log.reader().entry(1).unwrap(), b"");
    assert!(log.reader().entry(2).is_err());
    let foreign = Log::open(
        folder.path(),
        "elsewhere",
        folder.key(),
        LogOptions::default(),
    );
    assert!(matches!(
        foreign.map(|_| ()),
        Err(JournalError::OriginNotUnderKey { .. })
    ));
}

#[test]
fn a_log_being_written_verifies_live() {
    let folder = Folder::new();
    let options = JournalOptions {
        ledgers: 1,
        log: LogOptions {
            segment_bytes: 20_000,
            ..LogOptions::default()
        },
    };
    let opened = Journal::open_with(folder.path(), folder.key(), crate::support::BASE, options);
    let (mut journal, _) = opened.unwrap();
    let writer = std::thread::spawn(move || {
        for group in 0..150_u64 {
            for _ in 0..group % 40 {
                let next = journal.ledgers[0].size();
                journal.ledgers[0].append(&entry(next)).unwrap();
            }
            drop(journal.ledgers[0].seal_group().unwrap());
            if group % 10 == 0 {
                journal.anchor().unwrap();
            }
        }
        journal.anchor().unwrap();
    });
    let live = journal::verify::VerifyOptions {
        checkpoint: None,
        live: true,
    };
    let mut rounds = 0;
    while !writer.is_finished() || rounds == 0 {
        let vkey = folder.key().vkey();
        let report = journal::verify::verify_dir(folder.path(), &vkey, &live, &mut |_| ());
        assert_eq!(report.faults, []);
        rounds += 1;
    }
    writer.join().unwrap();
    assert_eq!(folder.verify_ledger(), []);
}
