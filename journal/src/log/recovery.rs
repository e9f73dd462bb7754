//! Opening a log: what is there, what a crash left half done, and what must not be touched.

use super::derived::{Addition, Derived};
use super::group::{self, HEADER_BYTES, Header};
use super::segments::Segment;
use super::{LogOptions, Recovery};
use crate::keys::LogKey;
use crate::note::Checkpoint;
use crate::tree::{self, Frontier};
use crate::{JournalError, Result, files};
use std::path::Path;

/// A log as it stands after opening.
pub struct Recovered {
    pub segments: Vec<Segment>,
    pub derived: Derived,
    pub frontier: Frontier,
    pub note: String,
    pub recovery: Recovery,
}

pub fn recover(dir: &Path, origin: &str, key: &LogKey, options: &LogOptions) -> Result<Recovered> {
    files::create_dir(dir)?;
    let mut scan = Scan {
        origin,
        key,
        segments: Segment::list(dir)?,
        derived: Derived::open(dir)?,
        frontier: Frontier::default(),
        note: None,
        rederived: 0,
    };
    // Only what was durable ever got its leaves and offsets written beside: so many entries.
    let acknowledged = scan.derived.leaves()?.min(scan.derived.offsets_known()?);
    let start = scan.starting_segment()?;
    let mut dropped_bytes = 0;
    for index in start..scan.segments.len() {
        if let Some(broken) = scan.segment(index)? {
            dropped_bytes = scan.drop_tail(index, broken, acknowledged, options.accept_loss)?;
        }
    }
    scan.finish(dir, acknowledged, dropped_bytes, options.accept_loss)
}

struct Scan<'a> {
    origin: &'a str,
    key: &'a LogKey,
    segments: Vec<Segment>,
    derived: Derived,
    frontier: Frontier,
    note: Option<String>,
    rederived: u64,
}

/// Where the groups of a segment stop making sense.
struct Broken {
    at: u64,
    what: &'static str,
}

impl Scan<'_> {
    /// Earlier segments are closed: their tile rows were synced before the next one began, so
    /// only the last is read again, unless the rows do not give the root that was signed.
    fn starting_segment(&mut self) -> Result<usize> {
        let vkey = self.key.vkey();
        let Some((last, closed)) = self.segments.split_last() else {
            return Ok(0);
        };
        let mut size = 0;
        let mut newest = None;
        for (segment, next) in closed.iter().zip(&self.segments[1..]) {
            let found = segment.last_checkpoint(self.origin, &vkey)?;
            let ends_well = found
                .as_ref()
                .is_some_and(|(end, _)| end.size == next.first);
            if segment.first != size || !ends_well {
                let what = "this segment does not end where the next one begins";
                return Err(JournalError::damaged(
                    &segment.path,
                    segment.length()?,
                    what,
                ));
            }
            size = next.first;
            newest = found;
        }
        if last.first != size {
            return Err(JournalError::damaged(
                &last.path,
                0,
                "segments before this one are missing",
            ));
        }
        let Some((checkpoint, note)) = newest else {
            return Ok(0);
        };
        let known = self.derived.leaves()?.min(self.derived.offsets_known()?);
        if known >= size {
            let frontier = Frontier::load(size, &mut |height, at| self.derived.subtree(height, at));
            if let Ok(frontier) = frontier
                && frontier.root() == checkpoint.root
            {
                self.frontier = frontier;
                self.note = Some(note);
                return Ok(closed.len());
            }
        }
        Ok(0)
    }

    /// Reads the groups of a segment; what is broken in a closed one is an error at once.
    fn segment(&mut self, index: usize) -> Result<Option<Broken>> {
        let segment = self.segments[index].clone();
        let length = segment.length()?;
        let mut at = 0;
        while at < length {
            match self.group(&segment, at, length)? {
                Ok(end) => at = end,
                Err(what) if index + 1 < self.segments.len() => {
                    return Err(JournalError::damaged(&segment.path, at, what));
                }
                Err(what) => return Ok(Some(Broken { at, what })),
            }
        }
        Ok(None)
    }

    /// Checks one group against its signature and gives the place behind it.
    fn group(
        &mut self,
        segment: &Segment,
        at: u64,
        length: u64,
    ) -> Result<Result<u64, &'static str>> {
        let mut head = [0; HEADER_BYTES];
        if at + HEADER_BYTES as u64 > length {
            return Ok(Err("a group's header is cut off"));
        }
        segment.read(at, &mut head)?;
        let Some(header) = Header::decode(&head) else {
            return Ok(Err("this is not the header of a group"));
        };
        let end = at + header.total_bytes();
        if header.first != self.frontier.size() || end > length {
            return Ok(Err("a group's header does not fit its place"));
        }
        let mut bytes = vec![0; (header.body_bytes + header.note_bytes) as usize];
        segment.read(at + HEADER_BYTES as u64, &mut bytes)?;
        let (body, note) = bytes.split_at(header.body_bytes as usize);
        let Some(entries) = group::entries(body, header.entries) else {
            return Ok(Err("the lengths of a group's entries do not add up"));
        };
        let mut frontier = self.frontier.clone();
        let mut rows = Vec::new();
        let mut offsets = Vec::with_capacity(entries.len() * 4);
        for (place, entry) in &entries {
            push_row(&mut frontier, tree::leaf_hash(entry), &mut rows);
            let place = at as u32 + HEADER_BYTES as u32 + place;
            offsets.extend_from_slice(&place.to_be_bytes());
        }
        let note = String::from_utf8_lossy(note).into_owned();
        let signed = Checkpoint::open(&note, self.origin, &self.key.vkey());
        let Some(signed) = signed else {
            return Ok(Err("a checkpoint's signature does not hold"));
        };
        if signed.size != frontier.size() || signed.root != frontier.root() {
            return Ok(Err(
                "a group's entries do not give the root that was signed",
            ));
        }
        let addition = Addition {
            first: header.first,
            rows: &rows,
            offsets: &offsets,
        };
        if self.derived.mend(&addition)? {
            self.rederived += u64::from(header.entries);
        }
        self.frontier = frontier;
        self.note = Some(note);
        Ok(Ok(end))
    }

    /// Decides about the bytes behind the last valid checkpoint of the last segment.
    ///
    /// One group at most is being written at a time, and nothing of it is acknowledged before its
    /// fsync, after which its leaves are written beside. So a broken tail is a crash's when no
    /// leaves of it stand beside and no whole group follows it; anything else was durable once.
    fn drop_tail(
        &mut self,
        index: usize,
        broken: Broken,
        acknowledged: u64,
        accept_loss: bool,
    ) -> Result<u64> {
        let segment = &self.segments[index];
        let length = segment.length()?;
        if !accept_loss {
            let signed_later = self.checkpoints_behind(segment, broken.at, length)?;
            let group_in_flight = match signed_later.as_slice() {
                [] => true,
                [end] => *end == length,
                _ => false,
            };
            if !group_in_flight || (acknowledged > self.frontier.size() && !signed_later.is_empty())
            {
                return Err(JournalError::damaged(&segment.path, broken.at, broken.what));
            }
            if acknowledged > self.frontier.size() {
                return Err(self.missing(segment, broken.at, acknowledged));
            }
        }
        segment
            .file
            .set_len(broken.at)
            .map_err(JournalError::io("cut", &segment.path))?;
        // A crash before this sync finds the same torn tail again and drops it again.
        segment
            .file
            .sync_all()
            .map_err(JournalError::io("sync", &segment.path))?;
        Ok(length - broken.at)
    }

    /// Where valid checkpoints of larger sizes end, from `at` on. An entry cannot carry one: such
    /// a checkpoint is signed only after the entries before it.
    fn checkpoints_behind(&self, segment: &Segment, at: u64, length: u64) -> Result<Vec<u64>> {
        let mut bytes = vec![0; (length - at) as usize];
        segment.read(at, &mut bytes)?;
        let line = format!("{}\n", self.origin);
        let mut ends = Vec::new();
        let mut from = 0;
        while let Some(found) = find(&bytes[from..], line.as_bytes()) {
            let start = from + found;
            from = start + 1;
            if let Some(note) = note_at(&bytes[start..])
                && let Some(signed) = Checkpoint::open(note, self.origin, &self.key.vkey())
                && signed.size > self.frontier.size()
            {
                ends.push(at + (start + note.len()) as u64);
            }
        }
        Ok(ends)
    }

    fn missing(&self, segment: &Segment, offset: u64, acknowledged: u64) -> JournalError {
        let (file, size) = (segment.path.clone(), self.frontier.size());
        JournalError::AcknowledgedMissing {
            file,
            offset,
            size,
            acknowledged,
        }
    }

    fn finish(
        mut self,
        dir: &Path,
        acknowledged: u64,
        dropped_bytes: u64,
        accept_loss: bool,
    ) -> Result<Recovered> {
        let size = self.frontier.size();
        if acknowledged > size && !accept_loss {
            return Err(match self.segments.last() {
                Some(segment) => self.missing(segment, segment.length()?, acknowledged),
                None => JournalError::AcknowledgedMissing {
                    file: Segment::path_of(dir, 0),
                    offset: 0,
                    size,
                    acknowledged,
                },
            });
        }
        // A segment that was begun but got no group is made again when it is needed.
        if let Some(segment) = self.segments.pop_if(|segment| segment.first == size) {
            let removed = std::fs::remove_file(&segment.path);
            removed.map_err(JournalError::io("remove", &segment.path))?;
            files::sync_dir(dir)?;
        }
        self.derived.cut(size)?;
        let empty = Checkpoint {
            origin: self.origin.to_owned(),
            size: 0,
            root: tree::empty_root(),
        };
        let note = self.note.unwrap_or_else(|| empty.signed(self.key));
        let recovery = Recovery {
            size,
            dropped_bytes,
            lost_entries: acknowledged.saturating_sub(size),
            rederived_entries: self.rederived,
        };
        let Scan {
            segments,
            derived,
            frontier,
            ..
        } = self;
        Ok(Recovered {
            segments,
            derived,
            frontier,
            note,
            recovery,
        })
    }
}

/// Adds a leaf and collects what it completes in the rows of each level.
pub fn push_row(frontier: &mut Frontier, leaf: crate::Hash, rows: &mut Vec<Vec<u8>>) {
    frontier.push(leaf, |level, hash| {
        if rows.len() <= level {
            rows.resize_with(level + 1, Vec::new);
        }
        rows[level].extend_from_slice(hash);
    });
}

/// The note that begins here: text, empty line, one signature line.
fn note_at(bytes: &[u8]) -> Option<&str> {
    let bytes = &bytes[..bytes.len().min(crate::note::MAX_NOTE_BYTES)];
    let text_end = find(bytes, b"\n\n")? + 2;
    let line_end = text_end + find(&bytes[text_end..], b"\n")? + 1;
    std::str::from_utf8(&bytes[..line_end]).ok()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
