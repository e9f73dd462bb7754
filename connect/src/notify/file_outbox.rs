//! An outbox that is a file: one JSON object a line, appended and fsynced.
//!
//! A message is sent at least once and carries a stable id; an id that stands in the file
//! already is not appended again, so that after a crash a retry makes no second line.
//!
//! Deliberately not here: what is said to whom.

use model::{Instant, OutboxId};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A line longer than this is no message.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// One message; the fields of `content` stand beside `id` and `at` in the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxMessage {
    pub id: OutboxId,
    pub at: Instant,
    #[serde(flatten)]
    pub content: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Appended,
    /// It stood there already.
    Repeated,
}

#[derive(Debug, Error)]
pub enum NotifyError {
    #[error("the outbox file {} cannot be {doing}", path.display())]
    File {
        path: PathBuf,
        doing: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("line {line} of the outbox file {} is no message", path.display())]
    NotAMessage { path: PathBuf, line: u64 },
    #[error("the message has {bytes} bytes; at most {MAX_MESSAGE_BYTES} can be sent")]
    TooLong { bytes: usize },
}

impl NotifyError {
    /// What to do about it, in plain English.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::File { .. } => {
                "check that the folder exists, is writable and not full; it is tried again"
            }
            Self::NotAMessage { .. } => {
                "somebody else wrote to the file: move it aside; a new one is begun"
            }
            Self::TooLong { .. } => "send a shorter text that points to the page",
        }
    }
}

#[derive(Debug)]
pub struct FileOutbox {
    path: PathBuf,
    file: File,
    /// 64 bytes or so a message; a file of a million messages wants an archive first.
    ids: HashSet<OutboxId>,
    /// End of the last whole line.
    end: u64,
}

impl FileOutbox {
    /// Opens or makes the file. A last line without its end was never acknowledged; it is cut off.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, NotifyError> {
        let path = path.as_ref().to_owned();
        let failed = |doing| {
            let path = path.clone();
            move |source| NotifyError::File {
                path,
                doing,
                source,
            }
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("opened"))?;
        let (mut ids, mut end, mut number) = (HashSet::new(), 0, 0);
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader
                .read_until(b'\n', &mut line)
                .map_err(failed("read"))?;
            if line.pop_if(|last| *last == b'\n').is_none() {
                break;
            }
            number += 1;
            let message: OutboxMessage =
                serde_json::from_slice(&line).map_err(|_| NotifyError::NotAMessage {
                    path: path.clone(),
                    line: number,
                })?;
            ids.insert(message.id);
            end += read as u64;
        }
        file.set_len(end).map_err(failed("mended"))?;
        // The folder's entry of a new file must be on disk before a message in it counts as sent.
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(failed("made durable"))?;
        Ok(Self {
            path,
            file,
            ids,
            end,
        })
    }

    /// Appends the message and returns when it is on disk.
    pub fn send(&mut self, message: &OutboxMessage) -> Result<Sent, NotifyError> {
        if self.ids.contains(&message.id) {
            return Ok(Sent::Repeated);
        }
        let failed = |source| NotifyError::File {
            path: self.path.clone(),
            doing: "written",
            source,
        };
        let mut line = serde_json::to_vec(message).map_err(|e| failed(e.into()))?;
        line.push(b'\n');
        if line.len() > MAX_MESSAGE_BYTES {
            return Err(NotifyError::TooLong { bytes: line.len() });
        }
        // Written at the end of the last whole line: a half line of a failed write is written over.
        let write = |mut file: &File| -> io::Result<()> {
            file.set_len(self.end)?;
            file.seek(SeekFrom::Start(self.end))?;
            file.write_all(&line)?;
            file.sync_all()
        };
        write(&self.file).map_err(failed)?;
        self.end += line.len() as u64;
        self.ids.insert(message.id.clone());
        Ok(Sent::Appended)
    }

    pub fn contains(&self, id: &OutboxId) -> bool {
        self.ids.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> OutboxMessage {
        let content = [
            ("channel".to_owned(), "sms".into()),
            ("text".to_owned(), "请立即到岗\n1".into()),
        ];
        OutboxMessage {
            id: id.into(),
            at: Instant::from_secs(5),
            content: content.into_iter().collect(),
        }
    }

    #[test]
    fn a_retry_after_a_restart_makes_no_second_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.jsonl");
        let mut outbox = FileOutbox::open(&path).unwrap();
        assert_eq!(outbox.send(&message("m1")).unwrap(), Sent::Appended);
        assert_eq!(outbox.send(&message("m1")).unwrap(), Sent::Repeated);
        let mut outbox = FileOutbox::open(&path).unwrap();
        assert_eq!(outbox.send(&message("m1")).unwrap(), Sent::Repeated);
        assert_eq!(outbox.send(&message("m2")).unwrap(), Sent::Appended);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<OutboxMessage> = text
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(lines, [message("m1"), message("m2")]);
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_sent_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.jsonl");
        FileOutbox::open(&path)
            .unwrap()
            .send(&message("m1"))
            .unwrap();
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_within(..20);
        std::fs::write(&path, torn).unwrap();
        let mut outbox = FileOutbox::open(&path).unwrap();
        assert_eq!(outbox.send(&message("m2")).unwrap(), Sent::Appended);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_strange_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.jsonl");
        FileOutbox::open(&path)
            .unwrap()
            .send(&message("m1"))
            .unwrap();
        let mut text = std::fs::read(&path).unwrap();
        text.extend_from_slice(b"hello\n");
        std::fs::write(&path, text).unwrap();
        assert!(matches!(
            FileOutbox::open(&path),
            Err(NotifyError::NotAMessage { line: 2, .. })
        ));
    }
}
