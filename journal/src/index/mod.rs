//! The index of last images: opaque keys to opaque values, as sorted runs on disk below a table
//! in memory. Derived: whoever fills it can fill it again by replay.

use crate::keys::LogKey;
use crate::{JournalError, Result};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

pub struct ImageIndex {}

impl ImageIndex {
    /// Opens the index, empty when there is none. `covered` is what the last [`Self::flush`] said:
    /// the caller replays the ledger from there. A damaged index is an error that names the
    /// place; [`Self::reset`] starts over.
    pub fn open(dir: &Path, key: Arc<LogKey>) -> Result<(ImageIndex, u64)> {
        todo!("{dir:?} {}", key.name())
    }
    /// Throws away what is there.
    pub fn reset(dir: &Path, key: Arc<LogKey>) -> Result<ImageIndex> {
        todo!("{dir:?} {}", key.name())
    }
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        todo!("{key:?} {value:?}")
    }
    pub fn remove(&mut self, key: &[u8]) -> Result<()> {
        todo!("{key:?}")
    }
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        todo!("{key:?}")
    }
    /// Makes everything put so far durable, as covering ledger entries below `covered`.
    pub fn flush(&mut self, covered: u64) -> Result<()> {
        todo!("{covered}")
    }
    /// Whether enough is in memory that a flush at the next good place is worth its cost.
    pub fn wants_flush(&self) -> bool {
        todo!()
    }
    /// A consistent view that later puts do not change. Cheap.
    pub fn snapshot(&mut self) -> Snapshot {
        todo!()
    }
}

/// What the index held at one moment.
#[derive(Clone)]
pub struct Snapshot {}

impl Snapshot {
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        todo!("{key:?}")
    }
    /// Records with `from <= key < to` in key order; `to` of `None` means to the end.
    pub fn range(&self, from: &[u8], to: Option<&[u8]>) -> Records<'_> {
        todo!("{from:?} {to:?}")
    }
}

/// Streams records in key order. [`Self::next_record`] lends without allocating.
pub struct Records<'a> {
    _snapshot: &'a Snapshot,
}

impl Records<'_> {
    #[expect(
        clippy::type_complexity,
        reason = "a lent pair; an alias would hide the lifetimes"
    )]
    pub fn next_record(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        todo!()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(Cow<'a, [u8]>, Cow<'a, [u8]>), JournalError>;
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
