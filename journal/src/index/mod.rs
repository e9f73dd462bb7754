//! The index of last images: opaque keys to opaque values, as sorted runs on disk below a table
//! in memory. Derived: whoever fills it can fill it again by replay.
//!
//! What is put lives in memory, or in run files that no manifest names yet, until
//! [`ImageIndex::flush`]; a crash before that goes back to the last flush, all of it.

mod filter;
mod manifest;
mod run;
mod short;
mod snapshot;
#[cfg(test)]
mod tests;

use crate::keys::LogKey;
use crate::{JournalError, Result, files};
use manifest::Manifest;
use run::{Run, RunWriter};
use snapshot::Layer;
pub use snapshot::{Records, Snapshot};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const MAX_KEY_BYTES: usize = 65_535;
pub const MAX_VALUE_BYTES: usize = 16 << 20;
/// Records in memory beyond this are moved to a run file: about 300,000 images of a usual row.
const MAX_MEMORY_BYTES: usize = 48 << 20;
/// What a record costs in memory besides its bytes: a box and its place in the tree.
const RECORD_OVERHEAD: usize = 80;
/// A run is merged with newer ones that have grown to this fraction of it: so there are at most
/// about log4 of the index's size, and each record is rewritten as often.
const MERGE_RATIO: u64 = 4;

pub struct ImageIndex {
    dir: PathBuf,
    key: Arc<LogKey>,
    covered: u64,
    active: Layer,
    /// Frozen by snapshots, newest last.
    frozen: Vec<Arc<Layer>>,
    memory_bytes: usize,
    /// Newest last; the newest may not stand in the manifest yet.
    runs: Vec<Arc<Run>>,
    next_number: u64,
}

impl ImageIndex {
    /// Opens the index, empty when there is none. `covered` is what the last [`Self::flush`] said:
    /// the caller replays the ledger from there. A damaged index is an error that names the
    /// place; [`Self::reset`] starts over. The folder's name is the partition's number.
    pub fn open(dir: &Path, key: Arc<LogKey>) -> Result<(ImageIndex, u64)> {
        files::create_dir(dir)?;
        let Manifest {
            covered,
            runs: names,
        } = Manifest::read(dir, &key)?.unwrap_or_default();
        let mut runs = Vec::new();
        for name in names {
            runs.push(Arc::new(Run::open(dir, name)?));
        }
        let next_number = runs
            .iter()
            .map(|run| run.name.number + 1)
            .max()
            .unwrap_or(0);
        let index = ImageIndex {
            dir: dir.to_owned(),
            key,
            covered,
            active: Layer::new(),
            frozen: Vec::new(),
            memory_bytes: 0,
            runs,
            next_number,
        };
        // What a crash left: runs that no manifest names, and a manifest half written.
        index.remove_unnamed()?;
        Ok((index, covered))
    }

    /// Throws away what is there.
    pub fn reset(dir: &Path, key: Arc<LogKey>) -> Result<ImageIndex> {
        files::create_dir(dir)?;
        // The manifest goes first: without it the runs count for nothing.
        let manifest = manifest::path(dir);
        if manifest.exists() {
            std::fs::remove_file(&manifest).map_err(JournalError::io("remove", &manifest))?;
            files::sync_dir(dir)?;
        }
        Ok(Self::open(dir, key)?.0)
    }

    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        check_size("value", value, MAX_VALUE_BYTES)?;
        self.set(key, Some(value))
    }

    pub fn remove(&mut self, key: &[u8]) -> Result<()> {
        self.set(key, None)
    }

    fn set(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        check_size("key", key, MAX_KEY_BYTES)?;
        self.memory_bytes += key.len() + value.map_or(0, <[u8]>::len) + RECORD_OVERHEAD;
        self.active.insert(key.into(), value.map(Into::into));
        if self.memory_bytes > MAX_MEMORY_BYTES {
            self.move_to_run()
        } else {
            Ok(())
        }
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if let Some(value) = self.active.get(key) {
            return Ok(value.as_deref().map(<[u8]>::to_vec));
        }
        for layer in self.frozen.iter().rev() {
            if let Some(value) = layer.get(key) {
                return Ok(value.as_deref().map(<[u8]>::to_vec));
            }
        }
        for run in self.runs.iter().rev() {
            if let Some(value) = run.get(key)? {
                return Ok(value);
            }
        }
        Ok(None)
    }

    /// Makes everything put so far durable, as covering ledger entries below `covered`.
    pub fn flush(&mut self, covered: u64) -> Result<()> {
        self.move_to_run()?;
        let replaced = self.compact()?;
        let runs = self.runs.iter().map(|run| run.name.clone()).collect();
        // A crash before the manifest is replaced goes back to the last flush, whose runs are
        // still there; after it only files that count for nothing are left over.
        fail::fail_point!("journal-index-flush", |_| Err(JournalError::io(
            "sync", &self.dir
        )(
            std::io::Error::other("a failpoint")
        )));
        Manifest { covered, runs }.write(&self.dir, &self.key)?;
        self.covered = covered;
        if replaced {
            self.remove_unnamed()
        } else {
            Ok(())
        }
    }

    /// The ledger entries that the last flush covered.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Whether enough is in memory that a flush at the next good place is worth its cost.
    pub fn wants_flush(&self) -> bool {
        self.memory_bytes > MAX_MEMORY_BYTES / 2
    }

    /// A consistent view that later puts do not change. Cheap.
    pub fn snapshot(&mut self) -> Snapshot {
        if !self.active.is_empty() {
            self.freeze();
        }
        self.view()
    }

    /// Sets the table in memory aside. Small frozen ones are joined so that there are never many.
    fn freeze(&mut self) {
        let mut newer = std::mem::take(&mut self.active);
        while let Some(older) = self.frozen.pop_if(|older| older.len() <= 2 * newer.len()) {
            let mut joined = Arc::unwrap_or_clone(older);
            joined.append(&mut newer);
            newer = joined;
        }
        self.frozen.push(Arc::new(newer));
    }

    fn view(&self) -> Snapshot {
        let layers = self.frozen.iter().rev().map(Arc::clone).collect();
        Snapshot {
            layers,
            runs: self.runs.iter().rev().map(Arc::clone).collect(),
        }
    }

    fn move_to_run(&mut self) -> Result<()> {
        if !self.active.is_empty() {
            self.freeze();
        }
        if self.frozen.is_empty() {
            return Ok(());
        }
        let layers = self.frozen.iter().rev().map(Arc::clone).collect();
        let run = self.write_run(
            &Snapshot {
                layers,
                runs: Vec::new(),
            },
            self.runs.is_empty(),
        )?;
        self.runs.extend(run);
        self.frozen.clear();
        self.memory_bytes = 0;
        Ok(())
    }

    /// Joins the newest runs while an older one is not much larger; true when it did.
    fn compact(&mut self) -> Result<bool> {
        let size = |run: &Arc<Run>| run.name.total_bytes();
        let mut keep = self.runs.len().saturating_sub(1);
        let mut joined: u64 = self.runs[keep..].iter().map(size).sum();
        while keep > 0 && size(&self.runs[keep - 1]) <= MERGE_RATIO * joined {
            keep -= 1;
            joined += size(&self.runs[keep]);
        }
        if self.runs.len() - keep < 2 {
            return Ok(false);
        }
        let runs = self.runs[keep..].iter().rev().map(Arc::clone).collect();
        let run = self.write_run(
            &Snapshot {
                layers: Vec::new(),
                runs,
            },
            keep == 0,
        )?;
        self.runs.truncate(keep);
        self.runs.extend(run);
        Ok(true)
    }

    /// Writes a view as one run; removed keys are kept unless nothing older lies below. `None`
    /// when nothing is left.
    fn write_run(&mut self, view: &Snapshot, oldest: bool) -> Result<Option<Arc<Run>>> {
        let number = self.next_number;
        self.next_number += 1;
        let mut writer = RunWriter::create(&self.dir, number)?;
        let mut records = view.merge(&[], None, !oldest);
        let mut empty = true;
        while let Some((key, value)) = records.next_raw()? {
            writer.add(key, value)?;
            empty = false;
        }
        let name = writer.finish()?;
        if empty {
            let path = name.path(&self.dir);
            std::fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
            return Ok(None);
        }
        Ok(Some(Arc::new(Run::open(&self.dir, name)?)))
    }

    fn remove_unnamed(&self) -> Result<()> {
        let dir = &self.dir;
        for entry in std::fs::read_dir(dir).map_err(JournalError::io("list", dir))? {
            let path = entry.map_err(JournalError::io("list", dir))?.path();
            let ours = path
                .extension()
                .is_some_and(|end| end == "run" || end == "new");
            if ours && !self.runs.iter().any(|run| run.path == path) {
                std::fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
            }
        }
        Ok(())
    }
}

fn check_size(what: &'static str, bytes: &[u8], max: usize) -> Result<()> {
    let size = bytes.len();
    if size > max {
        Err(JournalError::TooLarge { what, size, max })
    } else {
        Ok(())
    }
}
