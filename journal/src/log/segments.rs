//! The segment files of a log: their names, and what each says at its end.

use crate::keys::VerifierKey;
use crate::note::Checkpoint;
use crate::{JournalError, Result, files};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file of groups; its name is the index of its first entry.
#[derive(Clone)]
pub struct Segment {
    pub first: u64,
    pub path: PathBuf,
    pub file: Arc<File>,
}

impl Segment {
    pub fn path_of(dir: &Path, first: u64) -> PathBuf {
        dir.join(format!("{first:020}.seg"))
    }

    /// Makes the file and its name durable.
    pub fn create(dir: &Path, first: u64) -> Result<Segment> {
        let segment = Self::open(dir, first)?;
        files::sync_dir(dir)?;
        Ok(segment)
    }

    fn open(dir: &Path, first: u64) -> Result<Segment> {
        let path = Self::path_of(dir, first);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options
            .open(&path)
            .map_err(JournalError::io("open", &path))?;
        Ok(Segment {
            first,
            path,
            file: Arc::new(file),
        })
    }

    /// All segments of a log in order. Files of other names are the verifier's business.
    pub fn list(dir: &Path) -> Result<Vec<Segment>> {
        let mut firsts = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(JournalError::io("list", dir))? {
            let name = entry.map_err(JournalError::io("list", dir))?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".seg"));
            if let Some(number) = number.filter(|number| number.len() == 20) {
                firsts.extend(number.parse::<u64>());
            }
        }
        firsts.sort_unstable();
        firsts
            .into_iter()
            .map(|first| Self::open(dir, first))
            .collect()
    }

    pub fn length(&self) -> Result<u64> {
        let data = self
            .file
            .metadata()
            .map_err(JournalError::io("measure", &self.path))?;
        Ok(data.len())
    }

    pub fn read(&self, at: u64, out: &mut [u8]) -> Result<()> {
        self.file
            .read_exact_at(out, at)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => {
                    JournalError::damaged(&self.path, at, "the file is too short")
                }
                _ => JournalError::io("read", &self.path)(error),
            })
    }

    /// The signed checkpoint at the very end, with its note.
    pub fn last_checkpoint(
        &self,
        origin: &str,
        key: &VerifierKey,
    ) -> Result<Option<(Checkpoint, String)>> {
        let length = self.length()?;
        let mut tail = vec![0; length.min(crate::note::MAX_NOTE_BYTES as u64) as usize];
        self.read(length - tail.len() as u64, &mut tail)?;
        let line = format!("{origin}\n");
        let Some(at) = rfind(&tail, line.as_bytes()) else {
            return Ok(None);
        };
        let Ok(note) = std::str::from_utf8(&tail[at..]) else {
            return Ok(None);
        };
        let checkpoint = Checkpoint::open(note, origin, key);
        Ok(checkpoint.map(|checkpoint| (checkpoint, note.to_owned())))
    }
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .rposition(|window| window == wanted)
}
