//! A view of the index at one moment, and the merge that streams it in key order.

use super::run::{Cursor, Run};
use super::short::KeyBytes;
use crate::{JournalError, Result};
use std::borrow::Cow;
use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;
use std::sync::Arc;

/// Records in memory; a key without a value was removed.
pub type Layer = BTreeMap<KeyBytes, Option<Box<[u8]>>>;

/// What the index held at one moment. Cheap to clone; files that a later flush replaces stay
/// readable through it.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Newest first.
    pub(super) layers: Vec<Arc<Layer>>,
    /// Newest first.
    pub(super) runs: Vec<Arc<Run>>,
}

impl Snapshot {
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        for layer in &self.layers {
            if let Some(value) = layer.get(key) {
                return Ok(value.as_deref().map(<[u8]>::to_vec));
            }
        }
        for run in &self.runs {
            if let Some(value) = run.get(key)? {
                return Ok(value);
            }
        }
        Ok(None)
    }

    /// Records with `from <= key < to` in key order; `to` of `None` means to the end.
    pub fn range(&self, from: &[u8], to: Option<&[u8]>) -> Records<'_> {
        self.merge(from, to, false)
    }

    /// All records; with `removed` also the keys that were removed.
    pub(super) fn merge(&self, from: &[u8], to: Option<&[u8]>, removed: bool) -> Records<'_> {
        let mut records = Records {
            sources: Vec::with_capacity(self.layers.len() + self.runs.len()),
            to: to.map(<[u8]>::to_vec),
            spent: Vec::new(),
            removed,
            failed: None,
        };
        for layer in &self.layers {
            let range = layer.range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
            records.sources.push(Source::Layer { range, now: None });
        }
        for run in &self.runs {
            match Cursor::new(Arc::clone(run), from) {
                Ok(cursor) => records.sources.push(Source::Run { cursor, live: true }),
                Err(error) => records.failed = Some(error),
            }
        }
        records.spent = (0..records.sources.len()).collect();
        records
    }
}

enum Source<'a> {
    Layer {
        range: btree_map::Range<'a, KeyBytes, Option<Box<[u8]>>>,
        now: Option<(&'a [u8], Option<&'a [u8]>)>,
    },
    Run {
        cursor: Cursor,
        live: bool,
    },
}

impl Source<'_> {
    fn advance(&mut self) -> Result<()> {
        match self {
            Source::Layer { range, now } => {
                *now = range.next().map(|(key, value)| (&**key, value.as_deref()));
            }
            Source::Run { cursor, live } => *live = *live && cursor.advance()?,
        }
        Ok(())
    }

    fn key(&self) -> Option<&[u8]> {
        match self {
            Source::Layer { now, .. } => now.map(|(key, _)| key),
            Source::Run { cursor, live } => live.then(|| cursor.key()),
        }
    }

    fn value(&self) -> Option<&[u8]> {
        match self {
            Source::Layer { now, .. } => now.and_then(|(_, value)| value),
            Source::Run { cursor, .. } => cursor.value(),
        }
    }
}

/// Streams records in key order. [`Self::next_record`] lends without allocating; the iterator
/// copies. An error ends the stream.
pub struct Records<'a> {
    /// Newest first: of equal keys the first source's value holds.
    sources: Vec<Source<'a>>,
    to: Option<Vec<u8>>,
    /// Sources whose record was given or hidden and that must go on.
    spent: Vec<usize>,
    removed: bool,
    failed: Option<JournalError>,
}

impl Records<'_> {
    /// The next record, lent until the next call.
    pub fn next_record(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        let next = self.next_source()?;
        Ok(next.and_then(|at| {
            let source = &self.sources[at];
            source
                .key()
                .map(|key| (key, source.value().unwrap_or_default()))
        }))
    }

    /// The next record or removed key.
    #[expect(
        clippy::type_complexity,
        reason = "a lent pair; an alias would hide the lifetimes"
    )]
    pub(super) fn next_raw(&mut self) -> Result<Option<(&[u8], Option<&[u8]>)>> {
        let next = self.next_source()?;
        Ok(next.and_then(|at| {
            let source = &self.sources[at];
            source.key().map(|key| (key, source.value()))
        }))
    }

    fn next_source(&mut self) -> Result<Option<usize>> {
        if let Some(error) = self.failed.take() {
            self.sources.clear();
            self.spent.clear();
            return Err(error);
        }
        loop {
            for at in std::mem::take(&mut self.spent) {
                self.sources[at].advance()?;
            }
            let mut least: Option<(usize, &[u8])> = None;
            for (at, source) in self.sources.iter().enumerate() {
                let Some(key) = source.key() else { continue };
                match least.map(|(_, least)| key.cmp(least)) {
                    Some(std::cmp::Ordering::Greater) => {}
                    Some(std::cmp::Ordering::Equal) => self.spent.push(at),
                    _ => {
                        self.spent.clear();
                        self.spent.push(at);
                        least = Some((at, key));
                    }
                }
            }
            let Some((at, key)) = least else {
                return Ok(None);
            };
            if self.to.as_deref().is_some_and(|to| key >= to) {
                self.spent.clear();
                return Ok(None);
            }
            if self.removed || self.sources[at].value().is_some() {
                return Ok(Some(at));
            }
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(Cow<'a, [u8]>, Cow<'a, [u8]>), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_record() {
            Ok(Some((key, value))) => {
                Some(Ok((Cow::Owned(key.to_vec()), Cow::Owned(value.to_vec()))))
            }
            Ok(None) => None,
            Err(error) => {
                self.sources.clear();
                Some(Err(error))
            }
        }
    }
}
