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
    /// Before the last commit of the last scan.
    before_last: Option<Cursor>,
}

impl WalReader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            cursor: None,
            before_last: None,
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
        self.before_last = None;
    }

    /// Goes back before the last commit that was scanned.
    pub(super) fn step_back(&mut self) {
        if let Some(before) = self.before_last.take() {
            self.cursor = Some(before);
        }
    }

    /// Whether the log's head is another one than when it was scanned.
    pub(super) fn began_anew(&mut self) -> io::Result<bool> {
        let generation = self.generation()?;
        Ok(generation != self.cursor.map(|cursor| cursor.generation))
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
                let next = old.generation.salts[0].wrapping_add(1);
                // A held log may be cut off several times with nothing in it.
                if (generation.salts[0] != next && !held)
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
        self.before_last = self.read(&mut cursor, changed)?;
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

    /// Moves the cursor over all whole transactions behind it; gives the place before the last of them.
    fn read(&self, cursor: &mut Cursor, changed: &mut Changed) -> io::Result<Option<Cursor>> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let mut last = None;
        let generation = cursor.generation;
        let frame_bytes = FRAME_HEADER + generation.page_size as usize;
        let mut buffer = vec![0; frame_bytes * (READ_BYTES / frame_bytes).max(1)];
        let (mut frame, mut sum) = (cursor.frames, cursor.sum);
        let mut open = Uncommitted::default();
        loop {
            let filled = read_at(file, &mut buffer, cursor.offset(frame))?;
            for bytes in buffer[..filled].chunks_exact(frame_bytes) {
                let Some((page, commits, next)) = parse_frame(bytes, &generation, sum) else {
                    return Ok(last);
                };
                sum = next;
                frame += 1;
                open.add(page, &bytes[FRAME_HEADER..], changed.most);
                if commits {
                    last = Some(*cursor);
                    changed.add(&mut open);
                    (cursor.frames, cursor.sum) = (frame, sum);
                }
            }
            if filled < buffer.len() {
                return Ok(last);
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

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    struct Log {
        folder: tempfile::TempDir,
        db: Connection,
        reader: WalReader,
    }

    impl Log {
        /// 60 rows, each on a page of its own, and a log that was scanned to its end.
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("t.db");
            let db = Connection::open(&path).unwrap();
            db.pragma_update(None, "journal_mode", "wal").unwrap();
            db.execute_batch(
                "CREATE TABLE t (id INTEGER PRIMARY KEY, x);
                 WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 60)
                 INSERT INTO t SELECT v, zeroblob(3000) FROM n",
            )
            .unwrap();
            let mut log = Self {
                reader: WalReader::new(folder.path().join("t.db-wal")),
                folder,
                db,
            };
            assert!(log.scan().unwrap().commits > 0);
            assert_eq!(log.scan().unwrap().commits, 0);
            log
        }
        fn touch(&self, ids: std::ops::Range<i64>) {
            let sql = "UPDATE t SET x = randomblob(3000) WHERE id >= ?1 AND id < ?2";
            self.db.execute(sql, (ids.start, ids.end)).unwrap();
        }
        fn checkpoint(&self, mode: &str) {
            self.db
                .execute_batch(&format!("PRAGMA wal_checkpoint({mode})"))
                .unwrap();
        }
        /// A scan after a time in which nothing held the log.
        fn scan(&mut self) -> Result<Changed, LostReason> {
            let mut changed = Changed::new(1_000);
            match self.reader.scan(false, &mut changed) {
                Ok(()) => Ok(changed),
                Err(WalError::Lost(reason)) => Err(reason),
                Err(WalError::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn frames_left_of_an_old_generation_are_taken_up() {
        let mut log = Log::new();
        log.touch(10..12);
        log.touch(20..21);
        log.checkpoint("RESTART");
        log.touch(30..31);
        assert!(log.reader.began_anew().unwrap());
        let changed = log.scan().unwrap();
        assert_eq!((changed.commits, changed.images.len()), (3, 4));
        // Nothing unseen in the old generation: nothing is lost either.
        log.touch(40..41);
        assert_eq!(log.scan().unwrap().commits, 1);
        log.checkpoint("RESTART");
        log.touch(41..42);
        assert_eq!(log.scan().unwrap().commits, 1);
    }

    #[test]
    fn gaps_are_said() {
        let mut log = Log::new();
        log.touch(10..12);
        log.checkpoint("RESTART");
        log.touch(1..60);
        log.touch(1..60);
        assert_eq!(log.scan().unwrap_err(), LostReason::Overwritten);

        let mut log = Log::new();
        log.touch(10..12);
        log.checkpoint("TRUNCATE");
        assert_eq!(log.scan().unwrap_err(), LostReason::Truncated);
        log.touch(10..12);
        assert_eq!(log.scan().unwrap_err(), LostReason::Truncated);

        let mut log = Log::new();
        for _ in 0..2 {
            log.checkpoint("RESTART");
            log.touch(1..2);
        }
        assert_eq!(log.scan().unwrap_err(), LostReason::Generations);
    }

    #[test]
    fn a_damaged_frame_ends_the_reading() {
        let log = Log::new();
        let path = log.folder.path().join("t.db-wal");
        let whole = std::fs::read(&path).unwrap();
        let frames = log.reader.frames();
        let copy = log.folder.path().join("copy-wal");
        for at in [0, 9, 17, 25, 40, 5_000, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&copy, &bytes).unwrap();
            let mut reader = WalReader::new(copy.clone());
            reader.scan(false, &mut Changed::new(1_000)).unwrap();
            assert!(reader.frames() < frames, "byte {at} was not noticed");
        }
    }
}
