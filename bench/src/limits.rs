//! The machine's own limits: SHA-256 in the shape of a Merkle log, and write + fdatasync.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// Bytes of one benchmarked entry.
pub const ENTRY_BYTES: usize = 600;

/// Merkle leaves and nodes of `ENTRY_BYTES` entries hashed per second on one core
/// (one leaf hash and, on average, one node hash an entry; RFC 6962).
pub fn sha256_entries_per_s(entries: u32) -> f64 {
    let mut entry = [0x5a_u8; ENTRY_BYTES + 1];
    entry[0] = 0;
    let mut node = [1_u8; 65];
    let start = Instant::now();
    for i in 0..entries {
        entry[1..5].copy_from_slice(&i.to_be_bytes());
        node[1..33].copy_from_slice(&Sha256::digest(entry));
        let parent = Sha256::digest(node);
        node[33..].copy_from_slice(&parent);
    }
    std::hint::black_box(node);
    f64::from(entries) / start.elapsed().as_secs_f64()
}

/// Entries per second when groups of `group` entries are written and fdatasynced one after another.
pub fn fsync_entries_per_s(folder: &Path, group: usize, rounds: u32) -> std::io::Result<f64> {
    let path = folder.join("limit.bin");
    let block = vec![0xa5_u8; group * ENTRY_BYTES];
    let mut file = File::create(&path)?;
    // The first write allocates; it is not counted.
    file.write_all(&block)?;
    file.sync_data()?;
    let start = Instant::now();
    for _ in 0..rounds {
        file.write_all(&block)?;
        file.sync_data()?;
    }
    let rate = f64::from(rounds) * group as f64 / start.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}

/// CPU time of all threads of this process so far, in seconds; 0 where it cannot be read.
pub fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Whether the folder lies in memory (tmpfs), where an fsync says nothing.
pub fn lies_in_memory(folder: &Path) -> std::io::Result<bool> {
    const TMPFS: i64 = 0x0102_1994;
    Ok(rustix::fs::statfs(folder)?.f_type as i64 == TMPFS)
}
