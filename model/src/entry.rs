//! The bytes of a ledger entry: one row change with its verdict.
//!
//! Layout, big-endian: `u8` version (1), `u8` kind, `u8` flags (1 witnessed, 2 coalesced,
//! 4 last of its source transaction), `u8` verdict, `u16` table, `i64` time in microseconds,
//! `u64` index of the schema entry that names table, columns and policy, `u64` source position,
//! `u64` index of the entry with the row's previous image (all ones: none), `u16`+key,
//! `u16`+subject, `u8` number of rule hits (each `u8`+rule, `u8` number of columns, `u16` each),
//! standing (`u8` tag, for altered rows `u16` count and `u16` each), `u8` whether an image follows,
//! and the image as a [`Row`] whose personal cells are sealed.
//! A schema entry has kind 0 and JSON after the version and kind bytes; so have watch and transaction entries.

use crate::{Instant, Judgement, Key, Row, RuleHit, Standing, Verdict};
use thiserror::Error;

const VERSION: u8 = 1;
/// C2SP tlog-tiles limits an entry to a 16-bit length.
pub const MAX_ENTRY_BYTES: usize = 65_535;
const NONE: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Names table, columns and policy for the entries that point to it.
    Schema = 0,
    /// First image of a row, "as first seen".
    Baseline = 1,
    /// A change that the feed saw.
    Change = 2,
    /// An image that an approved repair is about to write.
    Expected = 3,
    /// The guard started or stopped looking; JSON in place of an image.
    Watch = 4,
    /// A person accepted an unwitnessed change, or lawfully set a row's image.
    Accepted = 5,
    /// The source transaction of the row entries that follow; JSON in place of an image.
    Transaction = 6,
}

impl EntryKind {
    fn of(byte: u8) -> Option<Self> {
        [
            Self::Schema,
            Self::Baseline,
            Self::Change,
            Self::Expected,
            Self::Watch,
            Self::Accepted,
            Self::Transaction,
        ]
        .into_iter()
        .find(|k| *k as u8 == byte)
    }
}

/// A row entry, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct RowEntry {
    pub kind: EntryKind,
    pub witnessed: bool,
    pub coalesced: bool,
    pub last_of_transaction: bool,
    pub table: u16,
    pub at: Instant,
    /// Index of the schema entry in the same log.
    pub schema: u64,
    /// Position in the source (its meaning is the source's).
    pub source_position: u64,
    /// Index of the entry with the previous image of this row.
    pub previous: Option<u64>,
    pub key: Key,
    /// Opaque id of the data subject whose key seals the personal cells; empty when none is sealed.
    pub subject: Vec<u8>,
    pub judgement: Judgement,
    /// The row after the change; `None` when it was deleted.
    pub image: Option<Row>,
}

/// A row entry about to be written, without a copy of anything.
#[derive(Clone, Copy, Debug)]
pub struct RowEntryRef<'a> {
    pub kind: EntryKind,
    pub witnessed: bool,
    pub coalesced: bool,
    pub last_of_transaction: bool,
    pub table: u16,
    pub at: Instant,
    pub schema: u64,
    pub source_position: u64,
    pub previous: Option<u64>,
    pub key: &'a Key,
    pub subject: &'a [u8],
    pub judgement: &'a Judgement,
    /// The bytes of the sealed row.
    pub image: Option<&'a [u8]>,
}

impl RowEntryRef<'_> {
    /// As [`LedgerEntry::encode`].
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EntryError> {
        let start = out.len();
        encode_row(out, self);
        within_bound(out, start)
    }
}

impl RowEntry {
    fn borrowed(&self) -> RowEntryRef<'_> {
        RowEntryRef {
            kind: self.kind,
            witnessed: self.witnessed,
            coalesced: self.coalesced,
            last_of_transaction: self.last_of_transaction,
            table: self.table,
            at: self.at,
            schema: self.schema,
            source_position: self.source_position,
            previous: self.previous,
            key: &self.key,
            subject: &self.subject,
            judgement: &self.judgement,
            image: self.image.as_ref().map(Row::as_bytes),
        }
    }
}

/// An entry of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub enum LedgerEntry {
    /// JSON: see `desk::intake`.
    Schema(Vec<u8>),
    /// JSON: start and stop of the guard, blind intervals.
    Watch(Vec<u8>),
    /// JSON: a [`crate::SourceTransaction`]; the row entries with its position belong to it.
    Transaction(Vec<u8>),
    Row(RowEntry),
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum EntryError {
    #[error("the ledger entry is of version {0}; this program reads version 1")]
    Version(u8),
    #[error("the ledger entry ends before it is whole")]
    Short,
    #[error("the ledger entry has an unknown code")]
    Code,
    #[error("the entry has {0} bytes; an entry may have 65535")]
    TooLarge(usize),
}

impl LedgerEntry {
    /// Appends the bytes of this entry to `out`. On `TooLarge`, `out` is as before.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EntryError> {
        let start = out.len();
        match self {
            Self::Schema(json) => json_entry(out, EntryKind::Schema, json),
            Self::Watch(json) => json_entry(out, EntryKind::Watch, json),
            Self::Transaction(json) => json_entry(out, EntryKind::Transaction, json),
            Self::Row(row) => encode_row(out, &row.borrowed()),
        }
        within_bound(out, start)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut r = Reader(bytes);
        let version = r.u8()?;
        if version != VERSION {
            return Err(EntryError::Version(version));
        }
        match EntryKind::of(r.u8()?).ok_or(EntryError::Code)? {
            EntryKind::Schema => Ok(Self::Schema(r.0.to_vec())),
            EntryKind::Watch => Ok(Self::Watch(r.0.to_vec())),
            EntryKind::Transaction => Ok(Self::Transaction(r.0.to_vec())),
            kind => decode_row(kind, &mut r).map(Self::Row),
        }
    }
}

fn json_entry(out: &mut Vec<u8>, kind: EntryKind, json: &[u8]) {
    out.extend_from_slice(&[VERSION, kind as u8]);
    out.extend_from_slice(json);
}

/// Takes an entry that is too large back out.
fn within_bound(out: &mut Vec<u8>, start: usize) -> Result<(), EntryError> {
    let len = out.len() - start;
    if len > MAX_ENTRY_BYTES {
        out.truncate(start);
        return Err(EntryError::TooLarge(len));
    }
    Ok(())
}

fn encode_row(out: &mut Vec<u8>, row: &RowEntryRef<'_>) {
    let flags = u8::from(row.witnessed)
        | u8::from(row.coalesced) << 1
        | u8::from(row.last_of_transaction) << 2;
    out.extend_from_slice(&[VERSION, row.kind as u8, flags, row.judgement.verdict as u8]);
    out.extend_from_slice(&row.table.to_be_bytes());
    out.extend_from_slice(&row.at.0.to_be_bytes());
    out.extend_from_slice(&row.schema.to_be_bytes());
    out.extend_from_slice(&row.source_position.to_be_bytes());
    out.extend_from_slice(&row.previous.unwrap_or(NONE).to_be_bytes());
    for bytes in [row.key.0.as_slice(), row.subject] {
        out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        out.extend_from_slice(bytes);
    }
    out.push(row.judgement.hits.len() as u8);
    for hit in &row.judgement.hits {
        out.push(hit.rule.len() as u8);
        out.extend_from_slice(hit.rule.as_bytes());
        out.push(hit.columns.len() as u8);
        hit.columns
            .iter()
            .for_each(|c| out.extend_from_slice(&c.to_be_bytes()));
    }
    encode_standing(out, &row.judgement.standing);
    out.push(u8::from(row.image.is_some()));
    if let Some(image) = row.image {
        out.extend_from_slice(image);
    }
}

pub(crate) fn encode_standing(out: &mut Vec<u8>, standing: &Standing) {
    match standing {
        Standing::Clean => out.push(0),
        Standing::Altered { columns } => {
            out.push(1);
            out.extend_from_slice(&(columns.len() as u16).to_be_bytes());
            columns
                .iter()
                .for_each(|c| out.extend_from_slice(&c.to_be_bytes()));
        }
        Standing::Forged => out.push(2),
        Standing::Deleted => out.push(3),
        Standing::Gone => out.push(4),
    }
}

pub(crate) fn decode_standing(r: &mut Reader<'_>) -> Result<Standing, EntryError> {
    Ok(match r.u8()? {
        0 => Standing::Clean,
        1 => {
            let count = r.u16()?;
            Standing::Altered {
                columns: (0..count).map(|_| r.u16()).collect::<Result<_, _>>()?,
            }
        }
        2 => Standing::Forged,
        3 => Standing::Deleted,
        4 => Standing::Gone,
        _ => return Err(EntryError::Code),
    })
}

fn decode_row(kind: EntryKind, r: &mut Reader<'_>) -> Result<RowEntry, EntryError> {
    let flags = r.u8()?;
    let verdict = match r.u8()? {
        0 => Verdict::Lawful,
        1 => Verdict::Unlawful,
        2 => Verdict::Unwitnessed,
        _ => return Err(EntryError::Code),
    };
    let table = r.u16()?;
    let at = Instant(r.u64()? as i64);
    let (schema, source_position, previous) = (r.u64()?, r.u64()?, r.u64()?);
    let (key, subject) = (Key(r.sized()?), r.sized()?);
    let mut hits = Vec::new();
    for _ in 0..r.u8()? {
        let len = usize::from(r.u8()?);
        let rule = std::str::from_utf8(r.take(len)?)
            .map_err(|_| EntryError::Code)?
            .to_owned();
        let count = r.u8()?;
        hits.push(RuleHit {
            rule,
            columns: (0..count).map(|_| r.u16()).collect::<Result<_, _>>()?,
        });
    }
    let standing = decode_standing(r)?;
    let image = match r.u8()? {
        0 if r.0.is_empty() => None,
        1 => Some(Row::from_bytes(r.0.to_vec()).ok_or(EntryError::Short)?),
        _ => return Err(EntryError::Code),
    };
    Ok(RowEntry {
        kind,
        witnessed: flags & 1 != 0,
        coalesced: flags & 2 != 0,
        last_of_transaction: flags & 4 != 0,
        table,
        at,
        schema,
        source_position,
        previous: (previous != NONE).then_some(previous),
        key,
        subject,
        judgement: Judgement {
            verdict,
            hits,
            standing,
        },
        image,
    })
}

pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], EntryError> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(EntryError::Short)?;
        self.0 = rest;
        Ok(head)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], EntryError> {
        self.take(N)?.try_into().map_err(|_| EntryError::Short)
    }
    pub(crate) fn u8(&mut self) -> Result<u8, EntryError> {
        Ok(self.take(1)?[0])
    }
    pub(crate) fn u16(&mut self) -> Result<u16, EntryError> {
        Ok(u16::from_be_bytes(self.array()?))
    }
    pub(crate) fn u64(&mut self) -> Result<u64, EntryError> {
        Ok(u64::from_be_bytes(self.array()?))
    }
    fn sized(&mut self) -> Result<Vec<u8>, EntryError> {
        let len = usize::from(self.u16()?);
        Ok(self.take(len)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueRef;

    fn entry() -> RowEntry {
        RowEntry {
            kind: EntryKind::Change,
            witnessed: true,
            coalesced: false,
            last_of_transaction: true,
            table: 3,
            at: Instant(-5),
            schema: 1,
            source_position: 77,
            previous: None,
            key: Key::of([ValueRef::Integer(-9)]).unwrap(),
            subject: vec![1, 2],
            judgement: Judgement {
                verdict: Verdict::Unlawful,
                hits: vec![RuleHit {
                    rule: "frozen".into(),
                    columns: vec![2, 4],
                }],
                standing: Standing::Altered {
                    columns: vec![2, 4],
                },
            },
            image: Some(Row::from_values([
                ValueRef::Integer(1),
                ValueRef::Sealed(b"xx"),
            ])),
        }
    }

    #[test]
    fn an_entry_comes_back_and_no_shorter_one_does() {
        let entry = LedgerEntry::Row(entry());
        let mut bytes = Vec::new();
        entry.encode(&mut bytes).unwrap();
        assert_eq!(LedgerEntry::decode(&bytes).unwrap(), entry);
        for cut in 0..bytes.len() {
            assert!(LedgerEntry::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn too_large_an_entry_is_refused_and_leaves_the_buffer() {
        let mut big = entry();
        big.image = Some(Row::from_values([ValueRef::Blob(&vec![
            0;
            MAX_ENTRY_BYTES
        ])]));
        let mut out = vec![9];
        assert!(matches!(
            LedgerEntry::Row(big).encode(&mut out),
            Err(EntryError::TooLarge(_))
        ));
        assert_eq!(out, vec![9]);
    }
}
