//! The files derived from a log: held against what the segments say, and heard as witnesses when
//! a segment is damaged.

use super::folder::Findings;
use super::hash::Hash;
use super::{Fault, FaultKind};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const LEVELS: usize = 8;
const HASH_BYTES: u64 = 32;
const PLACE_BYTES: u64 = 4;

/// What a group adds to the derived files.
#[derive(Default)]
pub struct Rows {
    pub levels: [Vec<u8>; LEVELS],
    pub places: Vec<u8>,
}

impl Rows {
    pub fn clear(&mut self) {
        self.levels.iter_mut().for_each(Vec::clear);
        self.places.clear();
    }

    /// Takes a completed subtree; only every eighth height is a row of tiles.
    pub fn take(&mut self, height: u32, hash: &Hash) {
        if height.is_multiple_of(8)
            && let Some(row) = self.levels.get_mut(height as usize / 8)
        {
            row.extend_from_slice(hash);
        }
    }
}

struct DerivedFile {
    name: PathBuf,
    file: Option<File>,
    length: u64,
}

pub struct Derived {
    levels: Vec<DerivedFile>,
    places: DerivedFile,
    scratch: Vec<u8>,
}

impl Derived {
    /// `log` is the log's folder relative to the journal's.
    pub fn open(log: &str, findings: &mut Findings<'_>) -> Derived {
        let mut open = |name: String| -> DerivedFile {
            let name = Path::new(log).join(name);
            let path = findings.dir.join(&name);
            findings.claim(&name);
            let file = File::open(&path).ok();
            let length = file
                .as_ref()
                .and_then(|file| file.metadata().ok())
                .map_or(0, |m| m.len());
            DerivedFile { name, file, length }
        };
        let levels = (0..LEVELS)
            .map(|level| open(format!("tile.{level}")))
            .collect();
        Derived {
            levels,
            places: open("offsets".to_owned()),
            scratch: Vec::new(),
        }
    }

    /// Entries of which both files of single entries know: they were durable once.
    pub fn witnessed(&self) -> u64 {
        (self.levels[0].length / HASH_BYTES).min(self.places.length / PLACE_BYTES)
    }

    /// The leaf hashes of `[from, to)`, if they stand there.
    pub fn leaves(&self, from: u64, to: u64) -> Option<Vec<Hash>> {
        let count = usize::try_from(to.checked_sub(from)?).ok()?;
        if to > self.levels[0].length / HASH_BYTES {
            return None;
        }
        let mut bytes = vec![0; count * HASH_BYTES as usize];
        self.levels[0]
            .file
            .as_ref()?
            .read_exact_at(&mut bytes, from * HASH_BYTES)
            .ok()?;
        let (hashes, _) = bytes.as_chunks::<32>();
        Some(hashes.to_vec())
    }

    /// Where entry `index` stands in its segment.
    pub fn place(&self, index: u64) -> Option<u64> {
        let mut bytes = [0; PLACE_BYTES as usize];
        self.places
            .file
            .as_ref()?
            .read_exact_at(&mut bytes, index * PLACE_BYTES)
            .ok()?;
        Some(u64::from(u32::from_be_bytes(bytes)))
    }

    /// Compares what a sound group from entry `first` on adds with what stands there.
    pub fn compare(&mut self, first: u64, rows: &Rows, findings: &mut Findings<'_>) {
        let levels = self.levels.iter().zip(&rows.levels).enumerate();
        for (level, (file, bytes)) in levels {
            let at = (first >> (8 * level)) * HASH_BYTES;
            compare(
                file,
                at,
                bytes,
                &mut self.scratch,
                HASH_BYTES,
                level,
                findings,
            );
        }
        let at = first * PLACE_BYTES;
        compare(
            &self.places,
            at,
            &rows.places,
            &mut self.scratch,
            PLACE_BYTES,
            0,
            findings,
        );
    }

    /// Holds the lengths against a log of `size` entries. True when the files of single entries
    /// both know more: then the log's tail was cut, which is for the caller to say.
    pub fn check_lengths(&self, size: u64, findings: &mut Findings<'_>) -> bool {
        if self.witnessed() > size {
            return true;
        }
        let levels = self.levels.iter().enumerate();
        let expected = levels.map(|(level, file)| (file, (size >> (8 * level)) * HASH_BYTES));
        for (file, length) in expected.chain([(&self.places, size * PLACE_BYTES)]) {
            if file.length == length && (length > 0) == file.file.is_some() {
                continue;
            }
            let detail = match &file.file {
                None => "the file is missing".to_owned(),
                Some(_) => format!("the file has {} bytes instead of {length}", file.length),
            };
            findings.add(Fault {
                file: file.name.clone(),
                offset: file.length.min(length),
                kind: FaultKind::DerivedLength,
                log: findings.log.clone(),
                entry: None,
                detail,
            });
        }
        false
    }
}

fn compare(
    file: &DerivedFile,
    at: u64,
    expected: &[u8],
    scratch: &mut Vec<u8>,
    width: u64,
    level: usize,
    findings: &mut Findings<'_>,
) {
    let Some(handle) = &file.file else { return };
    // What lies behind the end is the length's fault.
    let count = expected.len().min(file.length.saturating_sub(at) as usize);
    scratch.resize(count, 0);
    if handle.read_exact_at(scratch, at).is_err() {
        findings.unreadable(&file.name, at);
        return;
    }
    if scratch[..] == expected[..count] {
        return;
    }
    let wrong = scratch
        .iter()
        .zip(expected)
        .position(|(found, expected)| found != expected);
    let offset = at + wrong.unwrap_or_default() as u64;
    findings.add(Fault {
        file: file.name.clone(),
        offset,
        kind: FaultKind::Derived,
        log: findings.log.clone(),
        entry: (level == 0).then_some(offset / width),
        detail: "a derived file differs from what the segments give".to_owned(),
    });
}
