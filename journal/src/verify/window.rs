//! Reads a file front to back in large pieces and lends any part of the piece at hand.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Several usual groups; a longer part is read alone.
const PIECE_BYTES: usize = 8 << 20;

pub struct Window {
    file: File,
    /// The file's length when it was opened: what is appended meanwhile does not exist.
    pub length: u64,
    start: u64,
    bytes: Vec<u8>,
    filled: usize,
}

impl Window {
    pub fn open(path: &Path) -> std::io::Result<Window> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Window {
            file,
            length,
            start: 0,
            bytes: Vec::new(),
            filled: 0,
        })
    }

    /// The bytes `[at, at + count)`; `None` when the file ends before.
    pub fn part(&mut self, at: u64, count: usize) -> std::io::Result<Option<&[u8]>> {
        if at
            .checked_add(count as u64)
            .is_none_or(|end| end > self.length)
        {
            return Ok(None);
        }
        let held = at >= self.start && at + count as u64 <= self.start + self.filled as u64;
        if !held {
            let piece = count.max(PIECE_BYTES).min((self.length - at) as usize);
            if self.bytes.len() < piece {
                self.bytes.resize(piece, 0);
            }
            self.filled = 0;
            self.file.read_exact_at(&mut self.bytes[..piece], at)?;
            (self.start, self.filled) = (at, piece);
        }
        let from = (at - self.start) as usize;
        Ok(Some(&self.bytes[from..from + count]))
    }
}
