//! The two threads behind a log: one hashes and signs a sealed group, one writes and syncs it.
//!
//! ```text
//! owner   | fill 1 | fill 2 | fill 3 | ...
//! hash    |        | hash 1 | hash 2 | ...
//! write   |                 | fsync 1| fsync 2 ...
//! ```

use super::derived::{Addition, Derived};
use super::group::{HEADER_BYTES, Header};
use super::recovery::push_row;
use super::segments::Segment;
use super::{Durable, LogOptions};
use crate::keys::LogKey;
use crate::note::Checkpoint;
use crate::tree::{self, Frontier};
use crate::{Hash, JournalError, Result};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

/// Spare buffers kept for the next groups: one filling and as many as may be on their way.
const MAX_SPARE_BUFFERS: usize = super::MAX_GROUPS_IN_FLIGHT + 1;
/// A spare buffer larger than this is given back, so that one huge group does not stay in memory.
const MAX_SPARE_BYTES: usize = 8 << 20;

/// What the owner, the threads and the readers share.
pub struct Shared {
    pub origin: String,
    pub derived: Derived,
    pub segments: RwLock<Vec<Segment>>,
    published: Mutex<Published>,
    changed: Condvar,
    spare: Mutex<Vec<Filling>>,
}

/// What readers may rely on.
pub struct Published {
    pub durable: Durable,
    pub note: Arc<str>,
    /// Why the log takes nothing more.
    pub stopped: Option<String>,
}

/// A group's bytes, header space first, and where each entry's length stands behind the header.
#[derive(Default)]
pub struct Filling {
    pub bytes: Vec<u8>,
    pub places: Vec<u32>,
}

/// A sealed group on its way to the hashing thread.
pub struct Sealed {
    pub first: u64,
    pub filling: Filling,
    pub root: Arc<OnceLock<Hash>>,
}

/// A group ready to be written.
pub struct Signed {
    first: u64,
    filling: Filling,
    rows: Vec<Vec<u8>>,
    durable: Durable,
    note: String,
}

impl Shared {
    pub fn new(
        origin: &str,
        derived: Derived,
        segments: Vec<Segment>,
        published: Published,
    ) -> Self {
        Shared {
            origin: origin.to_owned(),
            derived,
            segments: RwLock::new(segments),
            published: Mutex::new(published),
            changed: Condvar::new(),
            spare: Mutex::default(),
        }
    }

    pub fn published(&self) -> MutexGuard<'_, Published> {
        // Nothing panics while it is held; were it so, the values are still whole.
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `size` entries are durable.
    pub fn wait_durable(&self, size: u64) -> Result<()> {
        let waiting = |state: &mut Published| state.durable.size < size && state.stopped.is_none();
        let state = self.changed.wait_while(self.published(), waiting);
        reached(&state.unwrap_or_else(PoisonError::into_inner), size)
    }

    pub fn wait_durable_for(&self, size: u64, timeout: std::time::Duration) -> Result<bool> {
        let waiting = |state: &mut Published| state.durable.size < size && state.stopped.is_none();
        let state = self
            .changed
            .wait_timeout_while(self.published(), timeout, waiting);
        let (state, timed_out) = state.unwrap_or_else(PoisonError::into_inner);
        if timed_out.timed_out() && state.durable.size < size {
            return Ok(false);
        }
        reached(&state, size).map(|()| true)
    }

    pub fn stop(&self, reason: String) {
        self.published().stopped.get_or_insert(reason);
        self.changed.notify_all();
    }

    pub fn check_running(&self) -> Result<()> {
        stopped(&self.published())
    }

    pub fn take_spare(&self) -> Filling {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filling = spare.pop().unwrap_or_default();
        filling.bytes.resize(HEADER_BYTES, 0);
        filling
    }

    fn give_back(&self, mut filling: Filling) {
        filling.bytes.clear();
        filling.places.clear();
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MAX_SPARE_BUFFERS && filling.bytes.capacity() <= MAX_SPARE_BYTES {
            spare.push(filling);
        }
    }
}

fn reached(state: &Published, size: u64) -> Result<()> {
    if state.durable.size >= size {
        Ok(())
    } else {
        stopped(state)
    }
}

fn stopped(state: &Published) -> Result<()> {
    match &state.stopped {
        Some(reason) => Err(JournalError::Stopped {
            reason: reason.clone(),
        }),
        None => Ok(()),
    }
}

/// Stops the log when a thread ends by panic, so that nobody waits for it for ever.
struct StopOnPanic(Arc<Shared>);

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop("a thread of the log panicked".to_owned());
        }
    }
}

/// The hashing thread: until the owner hangs up.
pub fn hash_groups(
    shared: &Arc<Shared>,
    key: &LogKey,
    mut frontier: Frontier,
    groups: &Receiver<Sealed>,
    ready: &Sender<Signed>,
) {
    let _guard = StopOnPanic(Arc::clone(shared));
    for group in groups {
        let signed = hash_group(&shared.origin, key, &mut frontier, group);
        if ready.send(signed).is_err() {
            return;
        }
    }
}

fn hash_group(origin: &str, key: &LogKey, frontier: &mut Frontier, group: Sealed) -> Signed {
    let Sealed {
        first,
        mut filling,
        root,
    } = group;
    let mut rows = vec![Vec::with_capacity(filling.places.len() * 32)];
    let body = &filling.bytes[HEADER_BYTES..];
    let ends = filling.places[1..]
        .iter()
        .copied()
        .chain([body.len() as u32]);
    for (&place, end) in filling.places.iter().zip(ends) {
        let entry = &body[place as usize + 2..end as usize];
        push_row(frontier, tree::leaf_hash(entry), &mut rows);
    }
    let durable = Durable {
        size: frontier.size(),
        root: frontier.root(),
    };
    // Whoever waits reads it only after the fsync; it is set once, here.
    root.set(durable.root).ok();
    let checkpoint = Checkpoint {
        origin: origin.to_owned(),
        size: durable.size,
        root: durable.root,
    };
    let note = checkpoint.signed(key);
    let header = Header {
        body_bytes: body.len() as u32,
        entries: filling.places.len() as u32,
        note_bytes: note.len() as u32,
        first,
    };
    filling.bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
    filling.bytes.extend_from_slice(note.as_bytes());
    Signed {
        first,
        filling,
        rows,
        durable,
        note,
    }
}

/// The writing thread's own state.
pub struct Writer {
    pub dir: PathBuf,
    pub options: LogOptions,
    pub shared: Arc<Shared>,
    /// The segment being continued and its length; `None` before the first group.
    pub current: Option<(Segment, u64)>,
}

impl Writer {
    /// Until the hashing thread hangs up, or the first error.
    pub fn write_groups(mut self, groups: &Receiver<Signed>) {
        let _guard = StopOnPanic(Arc::clone(&self.shared));
        for group in groups {
            if let Err(error) = self.write_group(group) {
                tracing::error!(%error, origin = self.shared.origin, "the log stops");
                self.shared.stop(reason(&error));
                return;
            }
        }
    }

    fn write_group(&mut self, group: Signed) -> Result<()> {
        let Signed {
            first,
            filling,
            rows,
            durable,
            note,
        } = group;
        let (segment, at) = self.segment_for(first)?;
        let path = &segment.path;
        segment
            .file
            .write_all_at(&filling.bytes, at)
            .map_err(JournalError::io("write", path))?;
        // A crash before this fsync may leave any part of the group: nobody was told of it.
        fail::fail_point!("journal-before-fsync", |_| Err(failed(
            path,
            std::io::Error::other("a failpoint")
        )));
        segment
            .file
            .sync_data()
            .map_err(|error| failed(path, error))?;
        // A crash from here on keeps the group; its owner may hear of it only by opening again.
        fail::fail_point!("journal-after-fsync", |_| Err(failed(
            path,
            std::io::Error::other("a failpoint")
        )));
        let mut offsets = Vec::with_capacity(filling.places.len() * 4);
        for place in &filling.places {
            let place = at as u32 + HEADER_BYTES as u32 + place;
            offsets.extend_from_slice(&place.to_be_bytes());
        }
        self.shared.derived.append(&Addition {
            first,
            rows: &rows,
            offsets: &offsets,
        })?;
        self.current = Some((segment, at + filling.bytes.len() as u64));
        let mut published = self.shared.published();
        published.durable = durable;
        published.note = note.into();
        drop(published);
        self.shared.changed.notify_all();
        self.shared.give_back(filling);
        Ok(())
    }

    /// Where the group that begins with entry `first` goes.
    fn segment_for(&mut self, first: u64) -> Result<(Segment, u64)> {
        if let Some((segment, at)) = &self.current
            && *at < self.options.segment_bytes
        {
            return Ok((segment.clone(), *at));
        }
        // Opening trusts the rows of closed segments, so they are synced before one is closed.
        self.shared.derived.sync()?;
        let segment = Segment::create(&self.dir, first)?;
        let mut segments = self
            .shared
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        segments.push(segment.clone());
        Ok((segment, 0))
    }
}

fn failed(segment: &Path, error: std::io::Error) -> JournalError {
    JournalError::io("sync", segment)(error)
}

/// The error with its causes, for those who ask later.
fn reason(error: &JournalError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
