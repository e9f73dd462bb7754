//! One source's ledger: entries with verdicts, the index of images over them, and the keys that
//! seal personal values. Owned by the source's guard thread.

use crate::DeskError;
use crate::row_cache::RowCache;
use crate::row_work::{Look, seal_row, subject_of};
use journal::index::{ImageIndex, Snapshot};
use journal::vault::SubjectKeys;
use journal::{Log, LogReader, Ticket};
use model::entry::{EntryError, EntryKind, LedgerEntry, RowEntry, RowEntryRef};
use model::image::{ImageRecord, RowDigest};
use model::{Change, Instant, Judgement, Key, Row, SourceTransaction, Standing, Value, ValueRef};
use recover::audit::index_key;
use recover::images;
use recover::seal::RowSealer;
use std::sync::{Arc, Mutex, PoisonError};

/// Entries of one group; at 600 bytes each that is 2.5 MB for one fsync.
pub(crate) const GROUP_ENTRIES: usize = 4_096;
/// Entries of a group that is held open for a transaction's sake: the log's own bound is 65,536, or 32 MiB.
const MAX_HELD_ENTRIES: usize = 60_000;
/// Stands before the SHA-256 of a cell that was too long to journal.
pub(crate) const LONG_CELL: &[u8] = b"\0balefire-long-cell-sha256:";

/// What a row entry says beside the change and its judgement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryContext {
    pub kind: EntryKind,
    pub source_position: u64,
    pub last_of_transaction: bool,
}

pub(crate) struct Ledger {
    pub name: String,
    pub log: Log,
    pub reader: LogReader,
    pub index: ImageIndex,
    pub sealer: Arc<RowSealer>,
    keys: Arc<Mutex<SubjectKeys>>,
    /// Index of the schema entry that new entries point to.
    pub schema_entry: u64,
    cache: RowCache,
    /// The newest group on its way to the disk.
    in_flight: Option<Ticket>,
    open_entries: usize,
    /// Entries that the open group may have.
    group_entries: usize,
    scratch: Vec<u8>,
}

impl Ledger {
    pub fn new(
        name: String,
        log: Log,
        index: ImageIndex,
        sealer: Arc<RowSealer>,
        keys: Arc<Mutex<SubjectKeys>>,
    ) -> Self {
        Self {
            name,
            reader: log.reader(),
            log,
            index,
            sealer,
            keys,
            schema_entry: 0,
            cache: RowCache::default(),
            in_flight: None,
            open_entries: 0,
            group_entries: GROUP_ENTRIES,
            scratch: Vec::new(),
        }
    }

    /// The index's record of a row.
    pub fn record(&self, table: u16, key: &Key) -> Result<Option<ImageRecord>, DeskError> {
        let found = self.index.get(&index_key(table, key))?;
        found
            .map(|bytes| ImageRecord::decode(&bytes))
            .transpose()
            .map_err(DeskError::from)
    }

    /// The image seen last, in the clear.
    pub fn live_row(
        &mut self,
        table: u16,
        key: &Key,
        record: &ImageRecord,
    ) -> Result<Option<Row>, DeskError> {
        if record.live.is_none() {
            return Ok(None);
        }
        if let Some(row) = self.cache.get(table, key) {
            return Ok(Some(row));
        }
        self.settle()?;
        Ok(images::entry_image(record.last, &self.reader, &self.sealer)?.1)
    }

    /// As [`Self::live_row`], for a row that is put anew: it goes out of the cache.
    pub fn take_live_row(
        &mut self,
        table: u16,
        key: &Key,
        record: &ImageRecord,
    ) -> Result<Option<Row>, DeskError> {
        match self.cache.take(table, key) {
            Some(row) if record.live.is_some() => Ok(Some(row)),
            _ => self.live_row(table, key, record),
        }
    }

    /// The lawful image, in the clear.
    pub fn lawful_row(
        &mut self,
        table: u16,
        key: &Key,
        record: &ImageRecord,
    ) -> Result<Option<Row>, DeskError> {
        if record.standing == Standing::Clean
            && let Some(row) = self.cache.get(table, key)
        {
            return Ok(Some(row));
        }
        self.settle()?;
        Ok(images::lawful_image(record, &self.reader, &self.sealer)?)
    }

    /// Makes keys for these data subjects: fsynced before anything is sealed with them.
    pub fn prepare(&self, subjects: impl Iterator<Item = [u8; 16]>) -> Result<(), DeskError> {
        let subjects: Vec<[u8; 16]> = subjects.collect();
        let refs: Vec<&[u8]> = subjects.iter().map(<[u8; 16]>::as_slice).collect();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.ensure(&refs)?)
    }

    /// Appends one judged change and takes it into the index. Accepted, not yet durable.
    /// `previous` is the row's record before the change, `look` and `image` its new image's.
    pub fn append(
        &mut self,
        change: &Change,
        judgement: &Judgement,
        previous: Option<&ImageRecord>,
        (look, image): (Option<&Look>, &[u8]),
        context: EntryContext,
    ) -> Result<u64, DeskError> {
        // Of a row that is gone the old image says whose it was.
        let gone = || {
            let row = change.old.as_ref()?;
            subject_of(&self.sealer, change.table, &change.key, row)
        };
        let subject = look.map_or_else(gone, |look| look.subject);
        let entry = RowEntryRef {
            kind: context.kind,
            witnessed: change.witnessed,
            coalesced: change.coalesced,
            last_of_transaction: context.last_of_transaction,
            table: change.table,
            at: change.seen_at,
            schema: self.schema_entry,
            source_position: context.source_position,
            previous: previous.map(|p| p.last),
            key: &change.key,
            subject: subject.as_ref().map_or(&[], |s| s),
            judgement,
            image: change.new.is_some().then_some(image),
        };
        self.scratch.clear();
        entry.encode(&mut self.scratch)?;
        let position = self.push_scratch()?;
        fail::fail_point!("verdict-before-index");
        self.advance(
            change,
            judgement,
            previous,
            position,
            look.map(|l| l.digest),
        )?;
        Ok(position)
    }

    /// Keeps the row of a change that was appended as the one seen last.
    pub fn saw(&mut self, table: u16, key: Key, row: Option<Row>) {
        match row {
            // A value that reads like the hash of a long cell is told from one by the journal only.
            Some(row) if !has_long_cell(&row) => self.cache.put(table, key, row),
            _ => self.cache.forget(table, &key),
        }
    }

    /// Takes a change into the index under the entry `position`; `live` is its new image's digest.
    fn advance(
        &mut self,
        change: &Change,
        judgement: &Judgement,
        previous: Option<&ImageRecord>,
        position: u64,
        live: Option<RowDigest>,
    ) -> Result<(), DeskError> {
        let lawful = self.lawful_digest(change, judgement, live);
        let slot = index_key(change.table, &change.key);
        match images::advance(previous, judgement, position, live, lawful) {
            Some(record) => self.index.put(&slot, &record.encode())?,
            None => self.index.remove(&slot)?,
        }
        Ok(())
    }

    /// Digest of the lawful image after the change.
    fn lawful_digest(
        &self,
        change: &Change,
        judgement: &Judgement,
        live: Option<RowDigest>,
    ) -> Option<RowDigest> {
        let before = match &change.lawful {
            Some(lawful) => lawful.as_ref(),
            None => change.old.as_ref(),
        };
        match &judgement.standing {
            Standing::Clean => live,
            Standing::Forged | Standing::Gone => None,
            Standing::Deleted => {
                before.map(|row| self.sealer.digest_of(change.table, &change.key, row))
            }
            Standing::Altered { columns } => {
                let (new, before) = (change.new.as_ref()?, before?);
                let kept: Vec<(u16, Value)> = columns
                    .iter()
                    .map(|c| {
                        (
                            *c,
                            before
                                .get(usize::from(*c))
                                .unwrap_or(ValueRef::Null)
                                .to_value(),
                        )
                    })
                    .collect();
                Some(
                    self.sealer
                        .digest_of(change.table, &change.key, &new.with(&kept)),
                )
            }
        }
    }

    /// Appends the image that a repair is about to write. The index does not move yet.
    pub fn push_expected(
        &mut self,
        image: &model::proposal::ExpectedImage,
        previous: Option<&ImageRecord>,
        at: Instant,
    ) -> Result<u64, DeskError> {
        let (table, key) = (image.table, &image.key);
        let row = image.row.as_ref();
        let subject = row.and_then(|row| subject_of(&self.sealer, table, key, row));
        self.prepare(subject.into_iter())?;
        let mut sealed = None;
        if let Some(row) = row {
            let mut bytes = Vec::new();
            seal_row(&self.sealer, table, key, subject, row, &mut bytes)?;
            sealed = Row::from_bytes(bytes);
        }
        let standing = if image.row.is_some() {
            Standing::Clean
        } else {
            Standing::Gone
        };
        self.push(&LedgerEntry::Row(RowEntry {
            kind: EntryKind::Expected,
            witnessed: true,
            coalesced: false,
            last_of_transaction: false,
            table,
            at,
            schema: self.schema_entry,
            source_position: 0,
            previous: previous.map(|p| p.last),
            key: key.clone(),
            subject: subject.map_or_else(Vec::new, Vec::from),
            judgement: Judgement::lawful(standing),
            image: sealed,
        }))
    }

    /// While held, the open group grows with its transaction, to a bound beyond which even a
    /// transaction is cut: what of it is durable is recognised when it comes again.
    pub fn hold_group(&mut self, held: bool) {
        self.group_entries = if held {
            MAX_HELD_ENTRIES
        } else {
            GROUP_ENTRIES
        };
    }

    /// Appends what the source tells of a transaction; its rows follow. The stamps stay out: a
    /// token that was seen is nobody's secret, but it proves nothing to a later reader either.
    pub fn push_transaction(&mut self, told: &SourceTransaction) -> Result<u64, DeskError> {
        let told = SourceTransaction {
            stamps: Vec::new(),
            ..told.clone()
        };
        self.push(&LedgerEntry::Transaction(serde_json::to_vec(&told)?))
    }

    /// Appends an entry of any kind.
    pub fn push(&mut self, entry: &LedgerEntry) -> Result<u64, DeskError> {
        self.scratch.clear();
        entry.encode(&mut self.scratch)?;
        self.push_scratch()
    }

    fn push_scratch(&mut self) -> Result<u64, DeskError> {
        let position = self.log.append(&self.scratch)?;
        self.open_entries += 1;
        if self.open_entries >= self.group_entries {
            self.seal_group()?;
        }
        Ok(position)
    }

    /// Hands the open group to the disk; the next group may form meanwhile.
    pub fn seal_group(&mut self) -> Result<(), DeskError> {
        if self.open_entries > 0 {
            self.in_flight = Some(self.log.seal_group()?);
            self.open_entries = 0;
            self.cache.turn(self.log.size(), self.reader.size());
        }
        Ok(())
    }

    /// Returns when everything appended so far is durable.
    pub fn settle(&mut self) -> Result<(), DeskError> {
        self.seal_group()?;
        if let Some(ticket) = self.in_flight.take() {
            ticket.wait()?;
            self.cache.turn(self.log.size(), self.reader.size());
        }
        Ok(())
    }

    pub fn snapshot(&mut self) -> Snapshot {
        self.index.snapshot()
    }

    /// Takes the entries from `covered` on into the index again, after a restart.
    pub fn replay(&mut self, covered: u64) -> Result<(), DeskError> {
        let size = self.reader.size();
        for position in covered..size {
            let bytes = self.reader.entry(position)?;
            let LedgerEntry::Row(entry) = LedgerEntry::decode(&bytes)? else {
                continue;
            };
            if entry.kind == EntryKind::Expected {
                continue;
            }
            let previous = self.record(entry.table, &entry.key)?;
            let (entry, image) = self.sealer.open_entry(entry)?;
            let change = self.change_of(&entry, image, previous.as_ref())?;
            let live = change.new.as_ref();
            let live = live.map(|row| self.sealer.digest_of(entry.table, &entry.key, row));
            self.advance(&change, &entry.judgement, previous.as_ref(), position, live)?;
            self.saw(change.table, change.key, change.new);
            // Everything replayed can be read back.
            self.cache.turn(size, size);
        }
        Ok(())
    }

    /// The change that an entry recorded, with its image and the images that stood before it.
    fn change_of(
        &mut self,
        entry: &RowEntry,
        new: Option<Row>,
        previous: Option<&ImageRecord>,
    ) -> Result<Change, DeskError> {
        let (table, key) = (entry.table, &entry.key);
        let (old, lawful, standing) = match previous {
            None => (None, None, Standing::Gone),
            Some(record) => {
                let old = self.live_row(table, key, record)?;
                let lawful = match record.standing {
                    Standing::Clean => None,
                    _ => Some(self.lawful_row(table, key, record)?),
                };
                (old, lawful, record.standing.clone())
            }
        };
        Ok(Change {
            table,
            key: key.clone(),
            old,
            new,
            lawful,
            standing,
            witnessed: entry.witnessed,
            coalesced: entry.coalesced,
            transaction: 0,
            stamp: model::Stamp::NotAsked,
            seen_at: entry.at,
        })
    }
}

pub(crate) fn hash_of_long(value: ValueRef<'_>) -> Vec<u8> {
    let bytes = match value {
        ValueRef::Text(b) | ValueRef::Blob(b) => b,
        _ => &[],
    };
    [LONG_CELL, &model::Digest::of(bytes).0].concat()
}

/// Whether a lawful image holds a cell of which only the hash was journaled.
pub(crate) fn has_long_cell(row: &Row) -> bool {
    row.iter().any(is_long_cell)
}

pub(crate) fn is_long_cell(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Blob(b) if b.starts_with(LONG_CELL))
}

/// The time at which a watch entry says that the guard began or ceased to look.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(tag = "watch", rename_all = "snake_case")]
pub(crate) enum WatchEntry {
    Started {
        at: Instant,
        blind_since: Option<Instant>,
    },
    Stopped {
        at: Instant,
    },
    Lost {
        at: Instant,
        reason: String,
    },
}

impl WatchEntry {
    pub fn entry(&self) -> Result<LedgerEntry, DeskError> {
        Ok(LedgerEntry::Watch(serde_json::to_vec(self)?))
    }
}

/// Rows beyond the entry bound are refused here with the same error as in the journal.
pub(crate) fn too_large(error: &DeskError) -> bool {
    matches!(error, DeskError::Entry(EntryError::TooLarge(_)))
}
