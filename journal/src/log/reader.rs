//! The reading end of a log: durable entries, tiles, proofs.

use super::derived::{HASH_BYTES, MAX_LEVELS, OFFSET_BYTES};
use super::pipeline::Shared;
use super::segments::Segment;
use crate::tree::{self, TILE_HEIGHT, TILE_WIDTH};
use crate::{Hash, JournalError, Result};
use std::ops::Range;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// What streaming reads at once, in entries and about in bytes.
const CHUNK_ENTRIES: u64 = 4_096;
const CHUNK_BYTES: u32 = 4 << 20;
/// Most entries are shorter: one read suffices for them.
const FIRST_READ: u64 = 1_024;

/// Reads what is durable. Cheap to clone; any thread.
#[derive(Clone)]
pub struct LogReader {
    shared: Arc<Shared>,
}

impl LogReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        LogReader { shared }
    }

    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// Durable entries.
    pub fn size(&self) -> u64 {
        self.shared.published().durable.size
    }

    /// The newest signed checkpoint.
    pub fn checkpoint(&self) -> String {
        self.shared.published().note.to_string()
    }

    pub(crate) fn sized_checkpoint(&self) -> (u64, String) {
        let published = self.shared.published();
        (published.durable.size, published.note.to_string())
    }

    /// The entry at `index`, checked against its leaf hash.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>> {
        self.check("entry", index, self.size())?;
        let segment = self.segment(index);
        let mut offset = [0; OFFSET_BYTES as usize];
        self.shared.derived.read_offsets(index, &mut offset)?;
        let at = u64::from(u32::from_be_bytes(offset));
        let reach = segment.length()?.saturating_sub(at).min(FIRST_READ);
        let mut bytes = vec![0; reach as usize];
        segment.read(at, &mut bytes)?;
        let Some(length) = bytes.get(..2) else {
            return Err(JournalError::damaged(
                &segment.path,
                at,
                "an entry is cut off",
            ));
        };
        let end = 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        if end > bytes.len() {
            let have = bytes.len();
            bytes.resize(end, 0);
            segment.read(at + have as u64, &mut bytes[have..])?;
        }
        bytes.truncate(end);
        bytes.drain(..2);
        let mut leaf = [0; HASH_BYTES as usize];
        self.shared.derived.read_row(0, index, &mut leaf)?;
        check_leaf(&segment, at, index, &bytes, &leaf)?;
        Ok(bytes)
    }

    /// Streams entries in order, each checked against its leaf hash. `visit` may stop it with an
    /// error of its own kind.
    pub fn for_each<E: From<JournalError>>(
        &self,
        range: Range<u64>,
        mut visit: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let size = self.size();
        if range.end > size {
            self.check("entry", range.end, size)?;
        }
        let (mut data, mut leaves) = (Vec::new(), Vec::new());
        let mut next = range.start;
        while next < range.end {
            let segment = self.segment(next);
            let end = self
                .segment_end(next)
                .min(range.end)
                .min(next + CHUNK_ENTRIES);
            let places = self.places(next..end)?;
            let (start, last) = (places[0], places[places.len() - 1]);
            let longest = u64::from(last - start) + 2 + crate::MAX_ENTRY_BYTES as u64;
            let reach = longest.min(segment.length()?.saturating_sub(u64::from(start)));
            data.resize(reach as usize, 0);
            segment.read(u64::from(start), &mut data)?;
            leaves.resize(places.len() * HASH_BYTES as usize, 0);
            self.shared.derived.read_row(0, next, &mut leaves)?;
            for (place, leaf) in places.iter().zip(leaves.chunks_exact(HASH_BYTES as usize)) {
                let at = u64::from(*place);
                let entry = entry_in(&data, (place - start) as usize).ok_or_else(|| {
                    JournalError::damaged(&segment.path, at, "an entry is cut off")
                })?;
                check_leaf(&segment, at, next, entry, leaf)?;
                visit(next, entry)?;
                next += 1;
            }
        }
        Ok(())
    }

    /// C2SP tlog-tiles: `width` hashes of tile `n` at `level`.
    pub fn tile(&self, level: u8, n: u64, width: u16) -> Result<Vec<u8>> {
        let level = usize::from(level);
        let have = if level < MAX_LEVELS {
            self.size() >> (TILE_HEIGHT as usize * level)
        } else {
            0
        };
        let range = tile_range(n, width, have)?;
        let mut bytes = vec![0; usize::from(width) * HASH_BYTES as usize];
        self.shared
            .derived
            .read_row(level, range.start, &mut bytes)?;
        Ok(bytes)
    }

    /// C2SP tlog-tiles: `width` entries of bundle `n`, each behind its 16-bit length.
    pub fn entry_bundle(&self, n: u64, width: u16) -> Result<Vec<u8>> {
        let mut bundle = Vec::new();
        self.for_each(
            tile_range(n, width, self.size())?,
            |_, entry| -> Result<()> {
                bundle.extend_from_slice(&(entry.len() as u16).to_be_bytes());
                bundle.extend_from_slice(entry);
                Ok(())
            },
        )?;
        Ok(bundle)
    }

    /// The root of the tree of the first `size` entries.
    pub fn root_at(&self, size: u64) -> Result<Hash> {
        self.check("size", size, self.size().saturating_add(1))?;
        tree::range_hash(0, size, &mut |height, at| {
            self.shared.derived.subtree(height, at)
        })
    }

    /// RFC 6962 audit path of entry `index` in the tree of `size` entries.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>> {
        self.check("size", size, self.size().saturating_add(1))?;
        self.check("entry", index, size)?;
        tree::inclusion_proof(index, size, &mut |height, at| {
            self.shared.derived.subtree(height, at)
        })
    }

    /// RFC 6962 proof that the tree of `new` entries begins with that of `old`.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>> {
        self.check("size", new, self.size().saturating_add(1))?;
        self.check("size", old, new.saturating_add(1))?;
        tree::consistency_proof(old, new, &mut |height, at| {
            self.shared.derived.subtree(height, at)
        })
    }

    /// Waits until `size` entries are durable; false when the time was up first.
    pub fn wait_for(&self, size: u64, timeout: Duration) -> Result<bool> {
        self.shared.wait_durable_for(size, timeout)
    }

    fn check(&self, what: &'static str, index: u64, size: u64) -> Result<()> {
        if index < size {
            Ok(())
        } else {
            Err(JournalError::OutOfRange { what, index, size })
        }
    }

    /// The segment of a durable entry; there is always one.
    fn segment(&self, index: u64) -> Segment {
        let segments = self
            .shared
            .segments
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let behind = segments.partition_point(|segment| segment.first <= index);
        segments[behind - 1].clone()
    }

    /// The index at which the segment behind the one of entry `index` begins.
    fn segment_end(&self, index: u64) -> u64 {
        let segments = self
            .shared
            .segments
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let behind = segments.partition_point(|segment| segment.first <= index);
        segments
            .get(behind)
            .map_or(u64::MAX, |segment| segment.first)
    }

    /// Where the entries of one segment stand, as many of the range as one chunk takes.
    fn places(&self, range: Range<u64>) -> Result<Vec<u32>> {
        let mut bytes = vec![0; (range.end - range.start) as usize * OFFSET_BYTES as usize];
        self.shared.derived.read_offsets(range.start, &mut bytes)?;
        let (chunks, _) = bytes.as_chunks::<{ OFFSET_BYTES as usize }>();
        let mut places: Vec<u32> = chunks
            .iter()
            .map(|chunk| u32::from_be_bytes(*chunk))
            .collect();
        if let Some(wrong) = places.windows(2).position(|pair| pair[0] >= pair[1]) {
            let at = (range.start + wrong as u64 + 1) * OFFSET_BYTES;
            let path = self.shared.derived.offsets_path();
            return Err(JournalError::damaged(
                &path,
                at,
                "the places of entries go backwards",
            ));
        }
        let first = places[0];
        let fitting = places.partition_point(|place| place - first < CHUNK_BYTES);
        places.truncate(fitting.max(1));
        Ok(places)
    }
}

fn tile_range(n: u64, width: u16, have: u64) -> Result<Range<u64>> {
    let start = n.saturating_mul(TILE_WIDTH);
    let end = start.saturating_add(u64::from(width));
    if width == 0 || u64::from(width) > TILE_WIDTH || end > have {
        return Err(JournalError::OutOfRange {
            what: "tile",
            index: n,
            size: have,
        });
    }
    Ok(start..end)
}

fn entry_in(data: &[u8], at: usize) -> Option<&[u8]> {
    let length = data.get(at..at + 2)?;
    data.get(at + 2..at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]])))
}

fn check_leaf(segment: &Segment, at: u64, index: u64, entry: &[u8], leaf: &[u8]) -> Result<()> {
    if tree::leaf_hash(entry) == leaf {
        return Ok(());
    }
    let what = format!("entry {index} is not the one that its leaf hash names");
    Err(JournalError::damaged(&segment.path, at, what))
}
