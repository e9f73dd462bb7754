//! A folder's logs together: `ledger/P`, `record`, and the `root` log over their checkpoints.

use crate::keys::{LogKey, VerifierKey};
use crate::note::Checkpoint;
use crate::{Durable, JournalError, Log, LogOptions, LogReader, Recovery, Result};
use std::path::Path;
use std::sync::Arc;

/// Anchors held against the logs when opening, from the newest back; the verifier reads them all.
const MAX_ANCHORS_READ: u64 = 256;

#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// Partitions of the ledger.
    pub ledgers: u32,
    pub log: LogOptions,
}

impl Default for JournalOptions {
    fn default() -> Self {
        JournalOptions {
            ledgers: 1,
            log: LogOptions::default(),
        }
    }
}

/// What opening found in one log.
#[derive(Clone, Debug)]
pub struct LogRecovery {
    /// `root`, `record` or `ledger/P`.
    pub log: String,
    pub recovery: Recovery,
}

pub type JournalRecovery = Vec<LogRecovery>;

/// The open logs. The fields are public so that each can move to the thread that owns it.
pub struct Journal {
    pub root: RootLog,
    pub record: Log,
    pub ledgers: Vec<Log>,
}

impl Journal {
    /// One ledger partition, default options. `origin_base` is the key's name or below it.
    pub fn open(
        dir: &Path,
        keys: Arc<LogKey>,
        origin_base: &str,
    ) -> Result<(Journal, JournalRecovery)> {
        Self::open_with(dir, keys, origin_base, JournalOptions::default())
    }

    pub fn open_with(
        dir: &Path,
        keys: Arc<LogKey>,
        origin_base: &str,
        options: JournalOptions,
    ) -> Result<(Journal, JournalRecovery)> {
        let mut found = Vec::new();
        let mut open = |name: String| -> Result<Log> {
            let origin = format!("{origin_base}/{name}");
            let (log, recovery) = Log::open(
                &dir.join(&name),
                &origin,
                Arc::clone(&keys),
                options.log.clone(),
            )?;
            found.push(LogRecovery {
                log: name,
                recovery,
            });
            Ok(log)
        };
        let root = open("root".to_owned())?;
        let record = open("record".to_owned())?;
        let mut ledgers = Vec::new();
        for partition in 0..options.ledgers {
            ledgers.push(open(format!("ledger/{partition}"))?);
        }
        let watched = [&record]
            .into_iter()
            .chain(&ledgers)
            .map(Log::reader)
            .collect();
        let root = RootLog::new(root, watched, &keys.vkey(), options.log.accept_loss)?;
        Ok((
            Journal {
                root,
                record,
                ledgers,
            },
            found,
        ))
    }

    /// Appends the logs' newest checkpoints to the root log and waits until it is durable.
    pub fn anchor(&mut self) -> Result<Option<Durable>> {
        self.root.anchor()
    }
}

/// The log over the other logs' checkpoints. Its entries are their signed notes, byte for byte.
pub struct RootLog {
    log: Log,
    watched: Vec<Watched>,
}

struct Watched {
    reader: LogReader,
    /// The size of the newest checkpoint of it that the root log holds.
    anchored: u64,
}

impl RootLog {
    fn new(
        log: Log,
        readers: Vec<LogReader>,
        key: &VerifierKey,
        accept_loss: bool,
    ) -> Result<RootLog> {
        let root = log.reader();
        let mut watched: Vec<Watched> = readers
            .into_iter()
            .map(|reader| Watched {
                reader,
                anchored: 0,
            })
            .collect();
        let from = root.size().saturating_sub(MAX_ANCHORS_READ);
        root.for_each(from..root.size(), |_, note| -> Result<()> {
            let note = String::from_utf8_lossy(note);
            for log in &mut watched {
                if let Some(anchor) = Checkpoint::open(&note, log.reader.origin(), key) {
                    log.accept(&anchor, accept_loss)?;
                }
            }
            Ok(())
        })?;
        Ok(RootLog { log, watched })
    }

    /// Appends the checkpoints that changed since the last time; `None` when none did.
    pub fn anchor(&mut self) -> Result<Option<Durable>> {
        let mut changed = false;
        for log in &mut self.watched {
            let (size, note) = log.reader.sized_checkpoint();
            if size > log.anchored {
                self.log.append(note.as_bytes())?;
                log.anchored = size;
                changed = true;
            }
        }
        if changed {
            Ok(Some(self.log.seal_group()?.wait()?))
        } else {
            Ok(None)
        }
    }

    pub fn reader(&self) -> LogReader {
        self.log.reader()
    }
}

impl Watched {
    /// Holds the log against a checkpoint of it that was anchored once.
    fn accept(&mut self, anchor: &Checkpoint, accept_loss: bool) -> Result<()> {
        let size = self.reader.size();
        let kept = anchor.size <= size && self.reader.root_at(anchor.size)? == anchor.root;
        if !kept && !accept_loss {
            let origin = self.reader.origin().to_owned();
            return Err(JournalError::NotAsAnchored {
                origin,
                size,
                anchored: anchor.size,
            });
        }
        self.anchored = if kept { anchor.size } else { 0 };
        Ok(())
    }
}
