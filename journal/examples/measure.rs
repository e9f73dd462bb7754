//! Prints this room's rates beside the machine's own: `cargo run --release -p journal --example
//! measure`. Figures of one run on one machine; `balefire bench` is what documents quote.
#![expect(clippy::print_stdout, reason = "printing rates is what it is for")]

use journal::index::ImageIndex;
use journal::keys::LogKey;
use journal::verify::{VerifyOptions, verify_dir};
use journal::{Log, LogOptions};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const ENTRY_BYTES: usize = 600;
const GROUPS: [u64; 4] = [1, 256, 1_024, 4_096];
const ENTRIES: u64 = 600_000;
const RECORDS: u32 = 1_000_000;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let dir = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "target".to_owned());
    let dir = tempfile::tempdir_in(dir)?;
    let key = Arc::new(LogKey::generate("measure.example")?);
    hashing();
    for group in GROUPS {
        let entries = if group == 1 { 2_000 } else { ENTRIES };
        println!("\ngroups of {group}");
        disk(dir.path(), group, entries)?;
        ingest(&dir.path().join(format!("g{group}")), &key, group, entries)?;
    }
    index(&dir.path().join("index"), &key)
}

fn rate(what: &str, count: u64, since: Instant) {
    println!(
        "{what:<44}{:>12.0}/s",
        count as f64 / since.elapsed().as_secs_f64()
    );
}

fn hashing() {
    let entry = [7; ENTRY_BYTES];
    let start = Instant::now();
    let mut last = [0; 32];
    for _ in 0..ENTRIES {
        let leaf: [u8; 32] = Sha256::new()
            .chain_update([0])
            .chain_update(entry)
            .finalize()
            .into();
        let node = [&[1][..], &leaf, &last].concat();
        last = Sha256::digest(node).into();
    }
    std::hint::black_box(last);
    rate("SHA-256 of leaf and node, one core", ENTRIES, start);
}

fn disk(dir: &Path, group: u64, entries: u64) -> Outcome {
    let mut file = File::create(dir.join("plain"))?;
    let bytes = vec![7; group as usize * (ENTRY_BYTES + 2) + 300];
    let start = Instant::now();
    for _ in 0..entries / group {
        file.write_all(&bytes)?;
        file.sync_data()?;
    }
    rate("write and fdatasync alone", entries, start);
    Ok(std::fs::remove_file(dir.join("plain"))?)
}

fn ingest(dir: &Path, key: &Arc<LogKey>, group: u64, entries: u64) -> Outcome {
    let ledger = dir.join("ledger/0");
    std::fs::create_dir_all(dir.join("root"))?;
    let origin = "measure.example/ledger/0";
    let (mut log, _) = Log::open(&ledger, origin, Arc::clone(key), LogOptions::default())?;
    let mut entry = [7; ENTRY_BYTES];
    let start = Instant::now();
    for index in 0..entries {
        entry[..8].copy_from_slice(&index.to_be_bytes());
        log.append(&entry)?;
        if (index + 1) % group == 0 {
            let ticket = log.seal_group()?;
            if group == 1 {
                ticket.wait()?;
            }
        }
    }
    log.seal_group()?.wait()?;
    rate("journal, durable", entries, start);
    let reader = log.reader();
    let start = Instant::now();
    for index in (0..entries).step_by(7) {
        std::hint::black_box(reader.entry(index * 7_919 % entries)?);
    }
    rate("one entry at random", entries.div_ceil(7), start);
    let start = Instant::now();
    reader.for_each(0..entries, |_, bytes| -> journal::Result<()> {
        std::hint::black_box(bytes);
        Ok(())
    })?;
    rate("streaming, each entry checked", entries, start);
    drop(log);
    let start = Instant::now();
    let report = verify_dir(dir, &key.vkey(), &VerifyOptions::default(), &mut |_| ());
    rate("verify, one core", report.entries(), start);
    assert!(report.is_clean(), "{:?}", report.faults.first());
    let start = Instant::now();
    drop(Log::open(
        &ledger,
        origin,
        Arc::clone(key),
        LogOptions::default(),
    )?);
    println!(
        "{:<44}{:>12.1} ms",
        "opening",
        start.elapsed().as_secs_f64() * 1e3
    );
    Ok(std::fs::remove_dir_all(dir)?)
}

fn index(dir: &Path, key: &Arc<LogKey>) -> Outcome {
    println!("\nindex of {RECORDS} records of 120 bytes");
    let (mut index, _) = ImageIndex::open(&dir.join("0"), Arc::clone(key))?;
    let key_of = |number: u32| format!("orders/{:010}", number.wrapping_mul(2_654_435_761));
    let start = Instant::now();
    for number in 0..RECORDS {
        index.put(key_of(number).as_bytes(), &[7; 100])?;
    }
    rate("put", u64::from(RECORDS), start);
    let start = Instant::now();
    index.flush(1)?;
    println!(
        "{:<44}{:>12.1} ms",
        "flush with merge",
        start.elapsed().as_secs_f64() * 1e3
    );
    for number in (0..RECORDS).step_by(10) {
        index.put(key_of(number).as_bytes(), &[8; 100])?;
    }
    let start = Instant::now();
    for number in (0..RECORDS).step_by(9) {
        std::hint::black_box(index.get(key_of(number).as_bytes())?);
    }
    rate("get", u64::from(RECORDS / 9), start);
    for what in ["iterate, one run and memory", "iterate, runs only"] {
        let snapshot = index.snapshot();
        let mut records = snapshot.range(&[], None);
        let start = Instant::now();
        let mut count = 0;
        while let Some(record) = records.next_record()? {
            std::hint::black_box(record);
            count += 1;
        }
        rate(what, count, start);
        index.flush(2)?;
    }
    Ok(())
}
