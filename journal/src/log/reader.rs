//! The reading end of a log: durable entries, tiles, proofs.

use crate::{Hash, Result};
use std::ops::Range;
use std::time::Duration;

/// Reads what is durable. Cheap to clone; any thread.
#[derive(Clone)]
pub struct LogReader {}

impl LogReader {
    pub fn origin(&self) -> &str {
        todo!()
    }
    /// Durable entries.
    pub fn size(&self) -> u64 {
        todo!()
    }
    /// The newest signed checkpoint.
    pub fn checkpoint(&self) -> String {
        todo!()
    }
    /// The entry at `index`, checked against its leaf hash.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>> {
        todo!("{index}")
    }
    /// Streams entries in order, each checked against its leaf hash. `visit` may stop it with an
    /// error of its own kind.
    pub fn for_each<E: From<crate::JournalError>>(
        &self,
        range: Range<u64>,
        visit: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let _ = (range, visit);
        todo!()
    }
    /// C2SP tlog-tiles: `width` hashes of tile `n` at `level`.
    pub fn tile(&self, level: u8, n: u64, width: u16) -> Result<Vec<u8>> {
        todo!("{level} {n} {width}")
    }
    /// C2SP tlog-tiles: `width` entries of bundle `n`, each behind its 16-bit length.
    pub fn entry_bundle(&self, n: u64, width: u16) -> Result<Vec<u8>> {
        todo!("{n} {width}")
    }
    pub fn root_at(&self, size: u64) -> Result<Hash> {
        todo!("{size}")
    }
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>> {
        todo!("{index} {size}")
    }
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>> {
        todo!("{old} {new}")
    }
    /// Waits until `size` entries are durable; false when the time was up first.
    pub fn wait_for(&self, size: u64, timeout: Duration) -> Result<bool> {
        todo!("{size} {timeout:?}")
    }
}
