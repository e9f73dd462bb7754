//! Follows the log file of a server through rotations, in bounded memory.
//!
//! A record ends at a line feed; in CSV at one outside of quotes, so that a statement with line
//! feeds in it is no record of its own. For that reason CSV is read from its beginning, while JSON,
//! whose records have no line feeds, is taken up near its end.

use crate::log_line::Format;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Bytes of a record that are kept; of a longer one the beginning is looked at.
const MOST_RECORD: usize = 256 * 1024;
/// Where a JSON log that is new to us is taken up: so far before its end.
const LOOK_BACK: u64 = 16 * 1024 * 1024;
/// Whether another file has taken the log's place is looked at with every so many quiet reads.
const LOOK_EVERY: u32 = 20;
/// Files of a folder that are looked at for the newest.
const MOST_FILES: usize = 10_000;

/// What is at the end of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    More,
    /// All that is written is read.
    End,
}

/// A log file, or a folder whose newest `.json` or `.csv` file is the log.
pub(crate) struct Tail {
    path: PathBuf,
    open: Option<Open>,
    /// Only the first file is taken up near its end.
    begun: bool,
}

struct Open {
    file: File,
    name: (u64, u64),
    place: u64,
    splitter: Splitter,
    /// Another file has taken its place; what is left of it is read first.
    replaced: bool,
    quiet: u32,
}

/// The format of a log by its file's name; PostgreSQL ends them so.
pub(crate) fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "json" => Some(Format::Json),
        "csv" => Some(Format::Csv),
        _ => None,
    }
}

impl Tail {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: None,
            begun: false,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads once into `buffer` and hands on the records that end in it.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        each: &mut dyn FnMut(Format, &[u8], bool),
    ) -> io::Result<Read> {
        if self.open.is_none() {
            self.open = Some(self.take_up()?);
            self.begun = true;
        }
        let Some(open) = &mut self.open else {
            return Ok(Read::End);
        };
        let count = open.file.read(buffer)?;
        if count > 0 {
            open.place += count as u64;
            open.splitter.take(&buffer[..count], each);
            return Ok(Read::More);
        }
        if open.replaced {
            self.open = None;
            return Ok(Read::More);
        }
        open.quiet = (open.quiet + 1) % LOOK_EVERY;
        if open.quiet != 0 {
            return Ok(Read::End);
        }
        let cut_short = open.file.metadata()?.len() < open.place;
        // Gone for a moment while it is rotated: the next look finds the new one.
        let present = current(&self.path).and_then(|path| std::fs::metadata(path).ok());
        let replaced = present.is_some_and(|m| name_of(&m) != open.name);
        if cut_short {
            self.open = None;
        } else if replaced {
            open.replaced = true;
        }
        Ok(if cut_short || replaced {
            Read::More
        } else {
            Read::End
        })
    }

    fn take_up(&self) -> io::Result<Open> {
        let path = current(&self.path).ok_or(io::ErrorKind::NotFound)?;
        let format = format_of(&path).ok_or(io::ErrorKind::InvalidInput)?;
        // A pipe without a writer would hold us up for ever.
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(nonblocking)
            .open(&path)?;
        let known = file.metadata()?;
        if !known.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let back = format == Format::Json && !self.begun;
        let place = if back {
            known.len().saturating_sub(LOOK_BACK)
        } else {
            0
        };
        file.seek(SeekFrom::Start(place))?;
        Ok(Open {
            file,
            name: name_of(&known),
            place,
            splitter: Splitter::new(format, place > 0),
            replaced: false,
            quiet: 0,
        })
    }
}

fn name_of(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// The file itself, or the newest log of a folder; JSON before CSV where both are written.
fn current(path: &Path) -> Option<PathBuf> {
    if format_of(path).is_some() {
        return Some(path.to_owned());
    }
    let mut newest = None;
    for file in std::fs::read_dir(path).ok()?.take(MOST_FILES).flatten() {
        let path = file.path();
        let Some(format) = format_of(&path) else {
            continue;
        };
        let Some(at) = file.metadata().ok().filter(Metadata::is_file) else {
            continue;
        };
        let rank = (format == Format::Json, at.mtime(), at.mtime_nsec(), path);
        newest = newest.max(Some(rank));
    }
    newest.map(|(.., path)| path)
}

/// Cuts a stream of bytes into records.
struct Splitter {
    format: Format,
    record: Vec<u8>,
    quoted: bool,
    too_long: bool,
    /// The first record's beginning is not there.
    torn: bool,
}

impl Splitter {
    fn new(format: Format, torn: bool) -> Self {
        Self {
            format,
            record: Vec::new(),
            quoted: false,
            too_long: false,
            torn,
        }
    }

    fn take(&mut self, bytes: &[u8], each: &mut dyn FnMut(Format, &[u8], bool)) {
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            if self.format == Format::Csv {
                let quotes = line.iter().filter(|b| **b == b'"').count();
                self.quoted ^= quotes % 2 == 1;
            }
            let room = MOST_RECORD.saturating_sub(self.record.len());
            self.too_long |= line.len() > room;
            self.record.extend_from_slice(&line[..line.len().min(room)]);
            if line.ends_with(b"\n") && !self.quoted {
                if !self.torn {
                    each(self.format, &self.record, !self.too_long);
                }
                self.record.clear();
                (self.too_long, self.torn) = (false, false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use testkit::TempFolder;

    fn all(tail: &mut Tail, size: usize) -> Vec<String> {
        let mut told = Vec::new();
        let mut buffer = vec![0; size];
        let mut each = |_: Format, record: &[u8], whole: bool| {
            let text = String::from_utf8_lossy(&record[..record.len().min(40)]);
            let cut = if whole { "" } else { " (cut)" };
            told.push(format!("{}{cut}", text.trim_end()));
        };
        let mut quiet = 0;
        while quiet < 2 * LOOK_EVERY {
            match tail.read(&mut buffer, &mut each) {
                Ok(Read::More) => quiet = 0,
                Ok(Read::End) => quiet += 1,
                Err(_) => break,
            }
        }
        told
    }

    fn append(path: &Path, text: &str) {
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn nothing_is_lost_or_told_twice_through_rotations() {
        let folder = TempFolder::new();
        let path = folder.join("pg.json");
        let mut tail = Tail::new(path.clone());
        assert_eq!(all(&mut tail, 3), Vec::<String>::new());
        append(&path, "a\nb");
        assert_eq!(all(&mut tail, 3), ["a"]);
        append(&path, "b\n");
        assert_eq!(all(&mut tail, 3), ["bb"]);
        // Renamed, written to once more, and a new one in its place.
        std::fs::rename(&path, folder.join("pg.json.1")).unwrap();
        append(&folder.join("pg.json.1"), "c\n");
        append(&path, "d\n");
        assert_eq!(all(&mut tail, 3), ["c", "d"]);
        // Cut short in place; half a record of the old one is no record of the new one.
        append(&path, "half");
        assert_eq!(all(&mut tail, 3), Vec::<String>::new());
        std::fs::write(&path, "e\n").unwrap();
        assert_eq!(all(&mut tail, 3), ["e"]);
    }

    #[test]
    fn of_a_folder_the_newest_file_is_followed() {
        let folder = TempFolder::new();
        append(&folder.join("a.json"), "1\n");
        append(&folder.join("a.log"), "text\n");
        let mut tail = Tail::new(folder.path().to_owned());
        assert_eq!(all(&mut tail, 64), ["1"]);
        append(&folder.join("a.json"), "2\n");
        append(&folder.join("b.json"), "3\n");
        let later = std::time::UNIX_EPOCH + std::time::Duration::from_secs(4_000_000_000);
        let file = File::options().append(true).open(folder.join("b.json"));
        file.unwrap().set_modified(later).unwrap();
        assert_eq!(all(&mut tail, 64), ["2", "3"]);
    }

    #[test]
    fn a_line_feed_within_quotes_ends_no_csv_record() {
        let folder = TempFolder::new();
        let path = folder.join("pg.csv");
        append(&path, "a,\"x\ny \"\"z\"\"\n\",1\nb,2\n");
        for size in [1, 2, 7, 4_096] {
            let told = all(&mut Tail::new(path.clone()), size);
            assert_eq!(told, ["a,\"x\ny \"\"z\"\"\n\",1", "b,2"], "{size}");
        }
    }

    #[test]
    fn a_long_record_is_cut_and_the_next_one_is_whole() {
        let folder = TempFolder::new();
        let path = folder.join("pg.json");
        append(&path, &format!("{}\nb\n", "x".repeat(3 * MOST_RECORD)));
        let told = all(&mut Tail::new(path.clone()), 4_096);
        assert_eq!(told, [format!("{} (cut)", "x".repeat(40)), "b".to_owned()]);
        // Of a long log the end alone, from the first whole record on.
        append(&path, &format!("{}\nc\n", "y".repeat(LOOK_BACK as usize)));
        assert_eq!(all(&mut Tail::new(path), 4_096), ["c"]);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = TempFolder::new();
        std::fs::create_dir(folder.join("pg.json")).unwrap();
        let refused = Tail::new(folder.join("pg.json")).read(&mut [0; 8], &mut |_, _, _| {});
        assert!(refused.is_err());
        let nothing = Tail::new(folder.join("none")).read(&mut [0; 8], &mut |_, _, _| {});
        assert_eq!(nothing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
