//! Files made from the segments: `tile.L` holds the hashes of every tile row of level `L` one
//! after another, `offsets` the place of each entry in its segment (u32, big-endian).
//!
//! They are written after a group's fsync and not synced themselves: a crash may lose some, and
//! opening makes them again. That order is also evidence: a leaf that stands here belonged to
//! a group that was durable.

use crate::tree::{TILE_HEIGHT, fold_row};
use crate::{Hash, JournalError, Result};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Rows at level 8 would need 2^64 entries.
pub const MAX_LEVELS: usize = 8;
pub const HASH_BYTES: u64 = 32;
pub const OFFSET_BYTES: u64 = 4;

pub struct Derived {
    dir: PathBuf,
    rows: [OnceLock<File>; MAX_LEVELS],
    offsets: OnceLock<File>,
}

/// What one group adds.
pub struct Addition<'a> {
    /// The index of the group's first entry.
    pub first: u64,
    /// New hashes per level, those of level 0 being the leaves.
    pub rows: &'a [Vec<u8>],
    pub offsets: &'a [u8],
}

impl Derived {
    pub fn open(dir: &Path) -> Result<Derived> {
        let derived = Derived {
            dir: dir.to_owned(),
            rows: Default::default(),
            offsets: OnceLock::new(),
        };
        for (slot, path) in derived.slots() {
            if path.exists() {
                slot.set(open_file(&path)?).ok();
            }
        }
        Ok(derived)
    }

    pub fn row_path(&self, level: usize) -> PathBuf {
        self.dir.join(format!("tile.{level}"))
    }

    pub fn offsets_path(&self) -> PathBuf {
        self.dir.join("offsets")
    }

    /// Entries whose leaves stand here: at least so many were once durable.
    pub fn leaves(&self) -> Result<u64> {
        records(&self.rows[0], &self.row_path(0), HASH_BYTES)
    }

    pub fn offsets_known(&self) -> Result<u64> {
        records(&self.offsets, &self.offsets_path(), OFFSET_BYTES)
    }

    pub fn append(&self, addition: &Addition<'_>) -> Result<()> {
        self.each(addition, |slot, path, at, bytes| {
            let file = created(slot, path)?;
            file.write_all_at(bytes, at)
                .map_err(JournalError::io("write", path))
        })
    }

    /// Writes what differs; true when something did.
    pub fn mend(&self, addition: &Addition<'_>) -> Result<bool> {
        let mut mended = false;
        self.each(addition, |slot, path, at, bytes| {
            let file = created(slot, path)?;
            let mut found = vec![0; bytes.len()];
            if file.read_exact_at(&mut found, at).is_err() || found != bytes {
                mended = true;
                file.write_all_at(bytes, at)
                    .map_err(JournalError::io("write", path))?;
            }
            Ok(())
        })?;
        Ok(mended)
    }

    fn each(
        &self,
        addition: &Addition<'_>,
        mut visit: impl FnMut(&OnceLock<File>, &Path, u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        for (level, bytes) in addition.rows.iter().enumerate() {
            if !bytes.is_empty() {
                let before = addition.first >> (TILE_HEIGHT as usize * level);
                visit(
                    &self.rows[level],
                    &self.row_path(level),
                    before * HASH_BYTES,
                    bytes,
                )?;
            }
        }
        let at = addition.first * OFFSET_BYTES;
        visit(&self.offsets, &self.offsets_path(), at, addition.offsets)
    }

    /// Leaves exactly what belongs to a log of `size` entries.
    pub fn cut(&mut self, size: u64) -> Result<()> {
        let mut ends = Vec::new();
        for level in 0..MAX_LEVELS {
            ends.push((
                self.row_path(level),
                (size >> (TILE_HEIGHT as usize * level)) * HASH_BYTES,
            ));
        }
        ends.push((self.offsets_path(), size * OFFSET_BYTES));
        let slots = self.rows.iter_mut().chain([&mut self.offsets]);
        for (slot, (path, length)) in slots.zip(ends) {
            let Some(file) = slot.get() else { continue };
            file.set_len(length)
                .map_err(JournalError::io("cut", &path))?;
            if length == 0 {
                slot.take();
                std::fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
            }
        }
        Ok(())
    }

    pub fn sync(&self) -> Result<()> {
        for (slot, path) in self.slots() {
            if let Some(file) = slot.get() {
                file.sync_data().map_err(JournalError::io("sync", &path))?;
            }
        }
        Ok(())
    }

    pub fn read_row(&self, level: usize, first: u64, out: &mut [u8]) -> Result<()> {
        read(
            self.rows.get(level),
            &self.row_path(level),
            first * HASH_BYTES,
            out,
        )
    }

    pub fn read_offsets(&self, first: u64, out: &mut [u8]) -> Result<()> {
        read(
            Some(&self.offsets),
            &self.offsets_path(),
            first * OFFSET_BYTES,
            out,
        )
    }

    /// The hash of the complete subtree at `height` and `position`, from the rows.
    pub fn subtree(&self, height: u32, position: u64) -> Result<Hash> {
        let (level, above) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let mut bytes = vec![0; (HASH_BYTES as usize) << above];
        self.read_row(level as usize, position << above, &mut bytes)?;
        let (hashes, _) = bytes.as_chunks::<{ HASH_BYTES as usize }>();
        Ok(fold_row(hashes.to_vec()))
    }

    fn slots(&self) -> impl Iterator<Item = (&OnceLock<File>, PathBuf)> {
        let rows = self
            .rows
            .iter()
            .enumerate()
            .map(|(level, slot)| (slot, self.row_path(level)));
        rows.chain([(&self.offsets, self.offsets_path())])
    }
}

fn open_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).map_err(JournalError::io("open", path))
}

fn created<'a>(slot: &'a OnceLock<File>, path: &Path) -> Result<&'a File> {
    if let Some(file) = slot.get() {
        return Ok(file);
    }
    let file = open_file(path)?;
    Ok(slot.get_or_init(|| file))
}

fn records(slot: &OnceLock<File>, path: &Path, width: u64) -> Result<u64> {
    let Some(file) = slot.get() else { return Ok(0) };
    let length = file
        .metadata()
        .map_err(JournalError::io("measure", path))?
        .len();
    Ok(length / width)
}

fn read(slot: Option<&OnceLock<File>>, path: &Path, at: u64, out: &mut [u8]) -> Result<()> {
    let file = slot.and_then(OnceLock::get);
    let file = file.ok_or_else(|| JournalError::damaged(path, 0, "the file is missing"))?;
    file.read_exact_at(out, at)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                JournalError::damaged(path, at, "the file is too short")
            }
            _ => JournalError::io("read", path)(error),
        })
}
