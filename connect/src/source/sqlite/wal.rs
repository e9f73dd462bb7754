//! Reads new frames of a write-ahead log with plain file reads.
//!
//! Source of the layout: the SQLite file format, section 4 (sqlite.org/fileformat2.html). A log
//! has generations: SQLite starts it anew from its beginning, with a new salt, once everything
//! in it stands in the database file. A frame counts when it bears the generation's salts, its
//! rolling checksum follows from the frame before, and a commit frame stands at or behind it.
//!
//! Deliberately not here: what the pages mean. This module never writes.

use super::LostReason;
use super::page::be32;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Read at once: 64 frames of 4 KiB, enough to keep the number of reads small.
const READ_BYTES: usize = 64 * (FRAME_HEADER + 4096);

/// The pages that commits changed since the last look, each with its newest image.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) images: HashMap<u32, Box<[u8]>>,
    pub(super) commits: u32,
    /// More pages changed than are worth keeping: the images are gone, look at everything.
    pub(super) too_many: bool,
    most: usize,
}

impl Changed {
    pub(super) fn new(most: usize) -> Self {
        Self {
            images: HashMap::new(),
            commits: 0,
            too_many: false,
            most,
        }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.commits == 0
    }
    fn add(&mut self, frames: &mut Uncommitted) {
        self.commits += 1;
        self.too_many |= frames.too_many;
        for (page, image) in frames.images.drain() {
            self.images.insert(page, image);
        }
        self.too_many |= self.images.len() > self.most;
        if self.too_many {
            self.images = HashMap::new();
        }
        frames.too_many = false;
    }
}

/// Frames of a transaction whose commit frame was not reached yet.
#[derive(Debug, Default)]
struct Uncommitted {
    images: HashMap<u32, Box<[u8]>>,
    too_many: bool,
}

impl Uncommitted {
    fn add(&mut self, page: u32, image: &[u8], most: usize) {
        if self.images.len() >= most && !self.images.contains_key(&page) {
            self.too_many = true;
            self.images = HashMap::new();
        }
        if !self.too_many {
            self.images.insert(page, image.into());
        }
    }
}

/// The head of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Generation {
    big_endian: bool,
    page_size: u32,
    sequence: u32,
    salts: [u32; 2],
    sum: Sum,
}

type Sum = (u32, u32);

/// Where reading stands: behind the last commit seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    generation: Generation,
    pub(super) frames: u32,
    sum: Sum,
}

impl Cursor {
    pub(super) fn position(&self) -> u64 {
        u64::from(self.generation.sequence) << 32 | u64::from(self.frames)
    }
    fn begin(generation: Generation) -> Self {
        Self {
            generation,
            frames: 0,
            sum: generation.sum,
        }
    }
    fn offset(&self, frame: u32) -> u64 {
        HEADER as u64
            + u64::from(frame) * (FRAME_HEADER as u64 + u64::from(self.generation.page_size))
    }
}

#[derive(Debug)]
pub(super) enum WalError {
    Lost(LostReason),
    Io(io::Error),
}

impl From<io::Error> for WalError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[derive(Debug)]
pub(super) struct WalReader {
    pub(super) path: PathBuf,
    file: Option<File>,
    cursor: Option<Cursor>,
}

impl WalReader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            cursor: None,
        }
    }

    /// Frames committed in the present generation, as far as seen.
    pub(super) fn frames(&self) -> u32 {
        self.cursor.map_or(0, |c| c.frames)
    }
    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// Forgets where reading stood; the next scan begins with the log's first frame.
    pub(super) fn reset(&mut self) {
        self.file = None;
        self.cursor = None;
    }

    /// Takes up what was committed since the last scan. `held` says that a read transaction was
    /// open all the time since then, so that a new generation cannot have begun over unseen frames:
    /// SQLite begins one only when no reader needs the old log and all of it stands in the
    /// database, and what our snapshot does not hold may not be put there.
    pub(super) fn scan(&mut self, held: bool, changed: &mut Changed) -> Result<(), WalError> {
        let Some(generation) = self.generation()? else {
            return self.emptied(held);
        };
        let mut cursor = match self.cursor {
            Some(cursor) if cursor.generation == generation => cursor,
            Some(old) => {
                if generation.salts[0] != old.generation.salts[0].wrapping_add(1)
                    || generation.page_size != old.generation.page_size
                {
                    return Err(WalError::Lost(LostReason::Generations));
                }
                if !held {
                    self.remains(old, generation, changed)?;
                }
                Cursor::begin(generation)
            }
            None => Cursor::begin(generation),
        };
        self.read(&mut cursor, changed)?;
        self.cursor = Some(cursor);
        Ok(())
    }

    /// The log is empty or absent: never used yet, or cut off by a TRUNCATE checkpoint.
    fn emptied(&mut self, held: bool) -> Result<(), WalError> {
        if !held && self.frames() > 0 {
            return Err(WalError::Lost(LostReason::Truncated));
        }
        self.cursor = None;
        Ok(())
    }

    /// A generation ended while nothing held it. New frames overwrite the old ones from the
    /// beginning on; what stands behind the new ones is what was there before. So when the
    /// first unseen place is not overwritten yet, all unseen frames of the old generation
    /// still stand there, and their checksums prove it.
    fn remains(&self, old: Cursor, new: Generation, changed: &mut Changed) -> Result<(), WalError> {
        let Some(file) = &self.file else {
            return Err(WalError::Lost(LostReason::Overwritten));
        };
        if file.metadata()?.len() < old.offset(old.frames) {
            return Err(WalError::Lost(LostReason::Truncated));
        }
        let mut rest = old;
        self.read(&mut rest, changed)?;
        // Writers go from front to back: what is not overwritten now was not while it was read.
        let mut head = [0; FRAME_HEADER];
        if read_at(file, &mut head, old.offset(old.frames))? == FRAME_HEADER
            && salts_of(&head) == Some(new.salts)
        {
            return Err(WalError::Lost(LostReason::Overwritten));
        }
        Ok(())
    }

    /// The log's head; `None` when there is none, or while it is being written.
    fn generation(&mut self) -> io::Result<Option<Generation>> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(e),
            }
        }
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let mut head = [0; HEADER];
        if read_at(file, &mut head, 0)? < HEADER {
            return Ok(None);
        }
        Ok(parse_head(&head))
    }

    /// Moves the cursor over all whole transactions behind it.
    fn read(&self, cursor: &mut Cursor, changed: &mut Changed) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let generation = cursor.generation;
        let frame_bytes = FRAME_HEADER + generation.page_size as usize;
        let mut buffer = vec![0; frame_bytes * (READ_BYTES / frame_bytes).max(1)];
        let (mut frame, mut sum) = (cursor.frames, cursor.sum);
        let mut open = Uncommitted::default();
        loop {
            let filled = read_at(file, &mut buffer, cursor.offset(frame))?;
            for bytes in buffer[..filled].chunks_exact(frame_bytes) {
                let Some((page, commits, next)) = parse_frame(bytes, &generation, sum) else {
                    return Ok(());
                };
                sum = next;
                frame += 1;
                open.add(page, &bytes[FRAME_HEADER..], changed.most);
                if commits {
                    changed.add(&mut open);
                    (cursor.frames, cursor.sum) = (frame, sum);
                }
            }
            if filled < buffer.len() {
                return Ok(());
            }
        }
    }
}

/// As many bytes as there are.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

fn parse_head(head: &[u8; HEADER]) -> Option<Generation> {
    let big_endian = match be32(head, 0)? {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return None,
    };
    let page_size = be32(head, 8)?;
    let sum = checksum((0, 0), &head[..24], big_endian);
    let sizes = 512..=65_536;
    (sizes.contains(&page_size)
        && page_size.is_power_of_two()
        && sum == (be32(head, 24)?, be32(head, 28)?))
        .then_some(Generation {
            big_endian,
            page_size,
            sequence: be32(head, 12)?,
            salts: [be32(head, 16)?, be32(head, 20)?],
            sum,
        })
}

fn salts_of(frame: &[u8]) -> Option<[u32; 2]> {
    Some([be32(frame, 8)?, be32(frame, 12)?])
}

/// The frame's page, whether it commits, and the checksum after it; `None` for what is no frame
/// of this generation in this place.
fn parse_frame(frame: &[u8], generation: &Generation, sum: Sum) -> Option<(u32, bool, Sum)> {
    let page = be32(frame, 0)?;
    if page == 0 || salts_of(frame)? != generation.salts {
        return None;
    }
    let sum = checksum(sum, &frame[..8], generation.big_endian);
    let sum = checksum(sum, &frame[FRAME_HEADER..], generation.big_endian);
    (sum == (be32(frame, 16)?, be32(frame, 20)?)).then_some((page, be32(frame, 4)? != 0, sum))
}

fn checksum((mut a, mut b): Sum, bytes: &[u8], big_endian: bool) -> Sum {
    let word = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    };
    for pair in bytes.chunks_exact(8) {
        a = a.wrapping_add(word(&pair[..4])).wrapping_add(b);
        b = b.wrapping_add(word(&pair[4..])).wrapping_add(a);
    }
    (a, b)
}
