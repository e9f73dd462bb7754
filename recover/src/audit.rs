//! Whole tables against the lawful images, in one pass over both.
//!
//! A clean row costs two hashes and a comparison of 16 bytes; only suspects are looked at more
//! closely. Rows may change while a table is read, so that a suspect is only a candidate until
//! [`confirm`] has compared it with its present row and record.

use crate::RecoverError;
use crate::seal::{RowSealer, SealTable};
use journal::index::{Records, Snapshot};
use model::image::ImageRecord;
use model::{ColumnChange, Key, Row, SourceName};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscrepancyKind {
    /// Columns hold other than their lawful values.
    Altered,
    /// Lawfully there is no such row.
    Forged,
    /// A lawful row is not there.
    Deleted,
}

/// A row that does not compare equal with its record.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub table: u16,
    pub key: Key,
    pub kind: DiscrepancyKind,
    pub live: Option<Row>,
    /// `None`: the guard has never seen the row.
    pub record: Option<ImageRecord>,
}

/// A row that is not as it lawfully is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discrepancy {
    pub source: SourceName,
    pub table: String,
    /// The row's key as people read it.
    pub key: String,
    pub kind: DiscrepancyKind,
    /// Altered: the columns that differ; else every column that is not personal.
    pub columns: Vec<ColumnChange>,
    /// Ledger entry that the lawful row comes from; for forged rows the last entry of the
    /// forgery, `None` when the guard never saw it.
    pub position: Option<u64>,
}

/// What an audit of one table went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditCounts {
    /// Live rows.
    pub rows: u64,
    pub records: u64,
    pub candidates: u64,
}

/// The index key of a row: table number, big-endian, and the row's key.
pub fn index_key(table: u16, key: &Key) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + key.0.len());
    out.extend_from_slice(&table.to_be_bytes());
    out.extend_from_slice(&key.0);
    out
}

/// The records of one table, for [`TableAudit::new`].
pub fn table_records(snapshot: &Snapshot, table: u16) -> Records<'_> {
    let next = table.checked_add(1).map(u16::to_be_bytes);
    snapshot.range(&table.to_be_bytes(), next.as_ref().map(<[u8; 2]>::as_slice))
}

/// Reads the next record into (key, value); false at the end.
type NextRecord<'a> = dyn FnMut(&mut Vec<u8>, &mut Vec<u8>) -> Result<bool, RecoverError> + 'a;

/// One table's audit: feed it the live rows in key order, then [`TableAudit::finish`].
pub struct TableAudit<'a> {
    sealer: &'a RowSealer,
    table: u16,
    next_record: Box<NextRecord<'a>>,
    // The record at hand; its buffers are used again and again.
    record_key: Vec<u8>,
    record: Vec<u8>,
    has_record: bool,
    last_key: Vec<u8>,
    counts: AuditCounts,
}

impl<'a> TableAudit<'a> {
    pub fn new(
        sealer: &'a RowSealer,
        table: u16,
        mut records: Records<'a>,
    ) -> Result<Self, RecoverError> {
        Self::over(sealer, table, move |key, value| {
            let Some((k, v)) = records.next_record()? else {
                return Ok(false);
            };
            key.clear();
            key.extend_from_slice(k);
            value.clear();
            value.extend_from_slice(v);
            Ok(true)
        })
    }

    fn over(
        sealer: &'a RowSealer,
        table: u16,
        next_record: impl FnMut(&mut Vec<u8>, &mut Vec<u8>) -> Result<bool, RecoverError> + 'a,
    ) -> Result<Self, RecoverError> {
        let mut audit = Self {
            sealer,
            table,
            next_record: Box::new(next_record),
            record_key: Vec::new(),
            record: Vec::new(),
            has_record: false,
            last_key: Vec::new(),
            counts: AuditCounts::default(),
        };
        audit.step()?;
        Ok(audit)
    }

    /// Takes the next live row; keys must ascend.
    pub fn row(
        &mut self,
        key: &Key,
        row: &Row,
        found: &mut dyn FnMut(Candidate),
    ) -> Result<(), RecoverError> {
        if self.counts.rows > 0 && key.0 <= self.last_key {
            let table = self
                .sealer
                .table(self.table)
                .map_or("?", |t| t.name.as_str())
                .to_owned();
            return Err(RecoverError::OutOfOrder { table });
        }
        self.last_key.clear();
        self.last_key.extend_from_slice(&key.0);
        self.counts.rows += 1;
        loop {
            let order = if self.has_record {
                self.record_key[2..].cmp(&key.0)
            } else {
                Ordering::Greater
            };
            match order {
                Ordering::Less => self.missing(found)?,
                Ordering::Equal => return self.compare(key, row, found),
                Ordering::Greater => {
                    self.say(key.clone(), DiscrepancyKind::Forged, Some(row), None, found);
                    return Ok(());
                }
            }
        }
    }

    /// The live rows are at an end: what is left of the records is missing.
    pub fn finish(mut self, found: &mut dyn FnMut(Candidate)) -> Result<AuditCounts, RecoverError> {
        while self.has_record {
            self.missing(found)?;
        }
        Ok(self.counts)
    }

    /// The record at hand has a live row with its key.
    fn compare(
        &mut self,
        key: &Key,
        row: &Row,
        found: &mut dyn FnMut(Candidate),
    ) -> Result<(), RecoverError> {
        let lawful = ImageRecord::lawful_digest(&self.record).map_err(RecoverError::Record)?;
        let kind = match lawful {
            Some(lawful) if *lawful == self.sealer.digest_of(self.table, key, row) => None,
            Some(_) => Some(DiscrepancyKind::Altered),
            None => Some(DiscrepancyKind::Forged),
        };
        if let Some(kind) = kind {
            let record = ImageRecord::decode(&self.record).map_err(RecoverError::Record)?;
            self.say(key.clone(), kind, Some(row), Some(record), found);
        }
        self.step()
    }

    /// The record at hand has no live row: deleted, unless the row was forged and has vanished.
    fn missing(&mut self, found: &mut dyn FnMut(Candidate)) -> Result<(), RecoverError> {
        let record = ImageRecord::decode(&self.record).map_err(RecoverError::Record)?;
        if record.lawful.is_some() {
            let key = Key(self.record_key[2..].to_vec());
            self.say(key, DiscrepancyKind::Deleted, None, Some(record), found);
        }
        self.step()
    }

    fn step(&mut self) -> Result<(), RecoverError> {
        self.has_record = (self.next_record)(&mut self.record_key, &mut self.record)?;
        self.counts.records += u64::from(self.has_record);
        // Every key of the index begins with its table's number.
        if self.has_record && self.record_key.len() < 2 {
            return Err(RecoverError::Record(model::entry::EntryError::Short));
        }
        Ok(())
    }

    fn say(
        &mut self,
        key: Key,
        kind: DiscrepancyKind,
        live: Option<&Row>,
        record: Option<ImageRecord>,
        found: &mut dyn FnMut(Candidate),
    ) {
        self.counts.candidates += 1;
        found(Candidate {
            table: self.table,
            key,
            kind,
            live: live.cloned(),
            record,
        });
    }
}

/// Compares a candidate's present row with its present record; `None` when they agree after all.
/// `lawful` is the lawful image by that record.
pub fn confirm(
    source: &SourceName,
    table: &SealTable,
    key: &Key,
    live: Option<&Row>,
    record: Option<&ImageRecord>,
    lawful: Option<&Row>,
) -> Option<Discrepancy> {
    let kind = match (live, lawful) {
        (None, None) => return None,
        (Some(live), Some(lawful)) if live == lawful => return None,
        (Some(_), Some(_)) => DiscrepancyKind::Altered,
        (Some(_), None) => DiscrepancyKind::Forged,
        (None, Some(_)) => DiscrepancyKind::Deleted,
    };
    let position = record.map(|record| match kind {
        DiscrepancyKind::Forged => record.last,
        DiscrepancyKind::Altered | DiscrepancyKind::Deleted => lawful_position(record),
    });
    Some(Discrepancy {
        source: source.clone(),
        table: table.name.clone(),
        key: key.to_string(),
        kind,
        columns: column_changes(table, lawful, live),
        position,
    })
}

/// The newest entry that an altered column's lawful value stands in; the base where the guard
/// has seen nothing wrong with the row.
pub fn lawful_position(record: &ImageRecord) -> u64 {
    let tainted = record.exceptions.iter().map(|(_, at)| *at).max();
    tainted.unwrap_or(record.base)
}

/// Columns that differ; of a whole row every column that is not personal.
pub(crate) fn column_changes(
    table: &SealTable,
    lawful: Option<&Row>,
    live: Option<&Row>,
) -> Vec<ColumnChange> {
    let columns: Vec<u16> = match (lawful, live) {
        (Some(lawful), Some(live)) => lawful.differing(live),
        _ => (0..table.columns.len() as u16)
            .filter(|c| !table.is_personal(*c))
            .collect(),
    };
    let text = |row: Option<&Row>, column: u16| {
        row.and_then(|row| row.get(usize::from(column)))
            .map(|v| v.to_string())
    };
    columns
        .into_iter()
        .map(|column| ColumnChange {
            name: table.column_name(column).to_owned(),
            lawful: text(lawful, column),
            live: text(live, column),
            personal: table.is_personal(column),
        })
        .collect()
}
