//! Row changes judged, sealed, journaled and durable per second, through the desk's real intake;
//! and the verification of the journal that they made.

use crate::limits::cpu_seconds;
use crate::workload::{self, BATCH};
use crate::{BenchError, Measure};
use desk::config::Config;
use desk::{DataFolder, Desk};
use journal::verify::{VerifyOptions, verify_dir};
use model::{Clock as _, Observed, SourceName, SystemClock};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Batches before the clock starts: from the third on each is half inserts, half updates.
const WARM_UP: i64 = 4;

/// A journal that the ingest left behind.
pub struct Written {
    pub journal: PathBuf,
    pub vkey: String,
    pub entries: u64,
}

/// Measures in `folder`, which is new. `machine` is the smaller of the machine's two limits.
pub fn run(
    folder: &Path,
    batches: i64,
    machine: f64,
) -> Result<(Vec<Measure>, Written), BenchError> {
    std::fs::create_dir_all(folder)?;
    rusqlite::Connection::open(folder.join("shop.db"))?.execute_batch(workload::DDL)?;
    std::fs::write(folder.join("balefire.toml"), workload::POLICY)?;
    let config = Config::load(&folder.join("balefire.toml"))?;
    let desk = Desk::open(DataFolder::new(folder), config)?;
    let mut intake = desk.bare_intake(&SourceName::new("shop"))?;
    intake.take(workload::customers(), SystemClock.now())?;
    for number in 0..WARM_UP {
        intake.take(workload::batch(number), SystemClock.now())?;
    }
    intake.settle()?;
    let work: Vec<Vec<Observed>> = (WARM_UP..WARM_UP + batches).map(workload::batch).collect();
    let changes = work.iter().map(Vec::len).sum::<usize>();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut lawful = 0;
    for batch in work {
        lawful += intake.take(batch, SystemClock.now())?.lawful;
    }
    intake.settle()?;
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    if lawful != changes as u64 {
        return Err(BenchError::Unsound(format!(
            "{lawful} of {changes} lawful changes were taken as such"
        )));
    }
    drop(intake);
    desk.stop();
    let changes = changes as f64;
    let how =
        format!("600-byte row changes judged, sealed, journaled and durable; groups of {BATCH}");
    let measures = vec![
        Measure::new("ingest", changes / seconds, "per_s", how).beside(machine),
        Measure::new(
            "ingest per CPU second",
            changes / cpu,
            "per_cpu_s",
            "the same, by CPU time of all threads",
        ),
    ];
    let entries = desk
        .log_reader("ledger/0")
        .map_or(0, |reader| reader.size());
    Ok((
        measures,
        Written {
            journal: desk.folder().journal(),
            vkey: desk.vkey(),
            entries,
        },
    ))
}

/// Verifies the whole journal as a stranger would: hashes, tree, tiles, checkpoints, index.
pub fn verify(written: &Written, sha256: f64) -> Result<Vec<Measure>, BenchError> {
    let vkey = written.vkey.parse()?;
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let report = verify_dir(
        &written.journal,
        &vkey,
        &VerifyOptions::default(),
        &mut |_| (),
    );
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    if !report.is_clean() || report.entries() < written.entries {
        return Err(BenchError::Unsound(
            "the journal that the bench wrote does not verify".into(),
        ));
    }
    let entries = report.entries() as f64;
    let bytes = report.bytes as f64 / entries;
    let how =
        format!("every byte of the journal just written, one thread, {bytes:.0} bytes an entry");
    Ok(vec![
        Measure::new("verify", entries / seconds, "per_s", how).beside(sha256),
        Measure::new(
            "verify per CPU second",
            entries / cpu,
            "per_cpu_s",
            "the same by CPU time",
        ),
    ])
}
