//! One append-only log: entries are accepted into an open group, a group is sealed with a signed
//! checkpoint and made durable by one write and one fsync while the next group fills.

mod derived;
mod group;
mod pipeline;
mod reader;
mod recovery;
mod segments;

use crate::keys::LogKey;
use crate::{Hash, JournalError, Result};
use group::{HEADER_BYTES, MAX_GROUP_BYTES, MAX_GROUP_ENTRIES};
use pipeline::{Filling, Published, Sealed, Shared, Writer, hash_groups};
pub use reader::LogReader;
use recovery::{Recovered, recover};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// Groups sealed but not durable: one being hashed, one waiting, one being synced. The owner
/// blocks on the next; memory is bounded by these and the one that it fills.
pub const MAX_GROUPS_IN_FLIGHT: usize = 3;

/// How a log is kept. The defaults are right outside tests.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// A segment file is not continued beyond this many bytes.
    pub segment_bytes: u64,
    /// Goes on although acknowledged entries are missing at the tail: an operator's decision,
    /// never a default. [`Recovery`] says what was lost.
    pub accept_loss: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            segment_bytes: 64 << 20,
            accept_loss: false,
        }
    }
}

/// What opening a log found and mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    pub size: u64,
    /// Bytes behind the last valid checkpoint, of a group that was never acknowledged.
    pub dropped_bytes: u64,
    /// Acknowledged entries given up under [`LogOptions::accept_loss`]; 0 otherwise.
    pub lost_entries: u64,
    /// Entries whose tile rows or offsets had to be made again.
    pub rederived_entries: u64,
}

/// A size that survives a crash, and the root of the tree of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    pub size: u64,
    pub root: Hash,
}

/// The writing end of a log. One owner; readers are separate and many. Dropping it waits for
/// the groups that were sealed; entries of the open group were never sealed and are gone.
pub struct Log {
    shared: Arc<Shared>,
    size: u64,
    filling: Filling,
    /// Sizes that the groups on their way lead to, oldest first.
    in_flight: VecDeque<u64>,
    last_root: Arc<OnceLock<Hash>>,
    /// `None` only while dropping.
    to_hash: Option<Sender<Sealed>>,
    threads: Vec<JoinHandle<()>>,
}

impl Log {
    /// Opens or begins the log in `dir`. `origin` is the key's name or below it.
    pub fn open(
        dir: &Path,
        origin: &str,
        key: Arc<LogKey>,
        options: LogOptions,
    ) -> Result<(Log, Recovery)> {
        if !key.vkey().covers(origin) {
            let (origin, name) = (origin.to_owned(), key.name().to_owned());
            return Err(JournalError::OriginNotUnderKey { origin, name });
        }
        let Recovered {
            segments,
            derived,
            frontier,
            note,
            recovery,
        } = recover(dir, origin, &key, &options)?;
        let durable = Durable {
            size: frontier.size(),
            root: frontier.root(),
        };
        let published = Published {
            durable,
            note: note.into(),
            stopped: None,
        };
        let current = match segments.last() {
            Some(segment) => Some((segment.clone(), segment.length()?)),
            None => None,
        };
        let shared = Arc::new(Shared::new(origin, derived, segments, published));
        let writer = Writer {
            dir: dir.to_owned(),
            options,
            shared: Arc::clone(&shared),
            current,
        };
        let (to_hash, sealed) = channel();
        let (to_write, signed) = channel();
        let hashing = Arc::clone(&shared);
        let hash = move || hash_groups(&hashing, &key, frontier, &sealed, &to_write);
        let threads = vec![
            spawn("journal-hash", dir, hash)?,
            spawn("journal-write", dir, move || writer.write_groups(&signed))?,
        ];
        let log = Log {
            filling: shared.take_spare(),
            size: durable.size,
            in_flight: VecDeque::new(),
            last_root: Arc::new(OnceLock::from(durable.root)),
            to_hash: Some(to_hash),
            shared,
            threads,
        };
        Ok((log, recovery))
    }

    /// Takes an entry into the open group and returns its index. *Accepted*, not yet durable.
    /// A group that reaches its bounds is sealed by itself.
    pub fn append(&mut self, entry: &[u8]) -> Result<u64> {
        let Ok(length) = u16::try_from(entry.len()) else {
            return Err(JournalError::EntryTooLarge { size: entry.len() });
        };
        if self.filling.places.len() >= MAX_GROUP_ENTRIES
            || self.filling.bytes.len() >= MAX_GROUP_BYTES
        {
            // The caller learns of this group's fsync by its own next ticket.
            drop(self.seal_group()?);
        }
        if self.filling.places.is_empty() {
            self.shared.check_running()?;
        }
        self.filling
            .places
            .push((self.filling.bytes.len() - HEADER_BYTES) as u32);
        self.filling.bytes.extend_from_slice(&length.to_be_bytes());
        self.filling.bytes.extend_from_slice(entry);
        self.size += 1;
        Ok(self.size - 1)
    }

    /// Hands the open group on to be hashed, signed, written and synced. Returns at once unless
    /// too many groups are on their way. An empty group gives a ticket for what went before.
    pub fn seal_group(&mut self) -> Result<Ticket> {
        self.shared.check_running()?;
        if !self.filling.places.is_empty() {
            self.make_room()?;
            let filling = std::mem::replace(&mut self.filling, self.shared.take_spare());
            let first = self.size - filling.places.len() as u64;
            let root = Arc::new(OnceLock::new());
            self.last_root = Arc::clone(&root);
            let sent = self.to_hash.as_ref().map(|to| {
                to.send(Sealed {
                    first,
                    filling,
                    root,
                })
            });
            if !matches!(sent, Some(Ok(()))) {
                return Err(JournalError::Stopped {
                    reason: "its threads have ended".to_owned(),
                });
            }
            self.in_flight.push_back(self.size);
        }
        let root = Arc::clone(&self.last_root);
        Ok(Ticket {
            shared: Arc::clone(&self.shared),
            size: self.size,
            root,
        })
    }

    /// Blocks while as many groups are on their way as may be.
    fn make_room(&mut self) -> Result<()> {
        let durable = self.shared.published().durable.size;
        while self.in_flight.front().is_some_and(|&size| size <= durable) {
            self.in_flight.pop_front();
        }
        if self.in_flight.len() >= MAX_GROUPS_IN_FLIGHT
            && let Some(oldest) = self.in_flight.pop_front()
        {
            self.shared.wait_durable(oldest)?;
        }
        Ok(())
    }

    /// Entries accepted so far, durable or not.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    pub fn reader(&self) -> LogReader {
        LogReader::new(Arc::clone(&self.shared))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Hanging up ends the hashing thread after the last sealed group, and that one the other.
        self.to_hash = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has already stopped the log.
            thread.join().ok();
        }
    }
}

fn spawn(name: &str, dir: &Path, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(JournalError::io("start a thread for", dir))
}

/// Waits for one group's fsync.
#[must_use = "a group is durable only when its ticket says so"]
pub struct Ticket {
    shared: Arc<Shared>,
    size: u64,
    root: Arc<OnceLock<Hash>>,
}

impl Ticket {
    pub fn wait(self) -> Result<Durable> {
        self.shared.wait_durable(self.size)?;
        // The hashing thread sets the root before it hands the group to the writing thread.
        let root = self.root.get().copied();
        root.map(|root| Durable {
            size: self.size,
            root,
        })
        .ok_or_else(|| JournalError::Stopped {
            reason: "a durable group has no root".to_owned(),
        })
    }
}
