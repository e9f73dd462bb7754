//! Personal values sealed under their data subject's key, and keyed digests to compare rows by.
//!
//! Subject: `SHA-256(index key ‖ "subject" ‖ table that the subject is a row of ‖ its key)`, 16
//! bytes; the plain value (an id, a phone number) never stands in the journal. `orders.customer_id`
//! and the row of `customers` that it references are one subject.
//! Row digest: `SHA-256(table and column names ‖ key ‖ row)`, 16 bytes, where the key is the
//! subject's own for tables with personal columns and the index key for the others.
//! Both are cut to half of the hash, so that neither can be extended.

use crate::RecoverError;
use crate::shape::{self, OlderShapes};
use journal::JournalError;
use journal::vault::{Subject, VaultReader};
use model::entry::RowEntry;
use model::image::RowDigest;
use model::row::append_cell;
use model::{Key, Row, TableSchema, Value, ValueRef};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// What the sealer must know of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealTable {
    pub name: String,
    /// Column names in storage order.
    pub columns: Vec<String>,
    /// Positions of the key's columns, in key order.
    pub key: Vec<u16>,
    /// Columns that are sealed, ascending.
    pub personal: Vec<u16>,
    /// Column that names the data subject; `None`: the row itself.
    pub subject: Option<u16>,
    /// Table whose row the subject column names, or the column's own name.
    pub subject_space: String,
}

impl SealTable {
    pub fn new(schema: &TableSchema, key: &[u16], personal: &[u16], subject: Option<u16>) -> Self {
        let subject_space = subject.map_or_else(
            || schema.name.clone(),
            |column| {
                let name = schema.name_of(column);
                let foreign = schema.foreign_keys.iter().find(|f| f.columns == [name]);
                match foreign {
                    _ if key == [column] => schema.name.clone(),
                    Some(foreign) => foreign.table.clone(),
                    None => format!("column {name}"),
                }
            },
        );
        Self {
            name: schema.name.clone(),
            columns: schema.columns.iter().map(|c| c.name.clone()).collect(),
            key: key.to_vec(),
            personal: personal.to_vec(),
            subject,
            subject_space,
        }
    }

    pub fn is_personal(&self, column: u16) -> bool {
        self.personal.binary_search(&column).is_ok()
    }

    pub fn column_name(&self, column: u16) -> &str {
        named(&self.columns, column)
    }
}

fn named(columns: &[String], column: u16) -> &str {
    columns.get(usize::from(column)).map_or("?", String::as_str)
}

/// Seals, opens and digests the rows of one source. Cheap to clone; any thread.
#[derive(Clone)]
pub struct RowSealer {
    vault: VaultReader,
    index_key: [u8; 32],
    tables: Vec<Prepared>,
    /// How entries of other schemas are read.
    older: Arc<OlderShapes>,
}

/// A table with the hash states that all its rows begin with.
#[derive(Clone)]
struct Prepared {
    table: SealTable,
    shape: Sha256,
    subject_space: Sha256,
    row_space: Sha256,
}

impl Prepared {
    /// The key of the row's subject; `None` where nothing is personal or there is no key.
    fn owner<'v>(&self, vault: &'v VaultReader, subject: &[u8]) -> Option<Subject<'v>> {
        if self.table.personal.is_empty() {
            return None;
        }
        vault.subject(subject)
    }

    fn digest(&self, owner: Option<&Subject<'_>>, index_key: &[u8; 32], row: &Row) -> RowDigest {
        let key = owner.map_or(*index_key, Subject::mac_key);
        let state = self.shape.clone().chain_update(key);
        half(state.chain_update(row.as_bytes()))
    }
}

impl RowSealer {
    /// `tables` in the order of the source's policy; `index_key` is the source's own secret.
    pub fn new(vault: VaultReader, index_key: [u8; 32], tables: Vec<SealTable>) -> Self {
        let space = |name: &str| {
            let mut state = Sha256::new_with_prefix(index_key);
            state.update(b"balefire subject\n");
            sized(&mut state, name.as_bytes());
            state
        };
        let tables = tables
            .into_iter()
            .map(|table| {
                let mut shape = Sha256::new_with_prefix(b"balefire row\n");
                sized(&mut shape, table.name.as_bytes());
                for column in &table.columns {
                    sized(&mut shape, column.as_bytes());
                }
                let (subject_space, row_space) = (space(&table.subject_space), space(&table.name));
                Prepared {
                    table,
                    shape,
                    subject_space,
                    row_space,
                }
            })
            .collect();
        Self {
            vault,
            index_key,
            tables,
            older: Arc::default(),
        }
    }

    /// With the shapes that entries of other schemas have.
    pub fn with_older(self, older: OlderShapes) -> Self {
        Self {
            older: Arc::new(older),
            ..self
        }
    }

    pub fn table(&self, table: u16) -> Option<&SealTable> {
        self.tables.get(usize::from(table)).map(|p| &p.table)
    }

    /// Whether rows of the table have cells to seal, so that their subjects need keys.
    pub fn has_personal(&self, table: u16) -> bool {
        self.table(table).is_some_and(|t| !t.personal.is_empty())
    }

    /// Opaque id of the row's data subject, 16 bytes.
    pub fn subject_of(&self, table: u16, key: &Key, row: &Row) -> Vec<u8> {
        self.subject_id(table, key, row).to_vec()
    }

    /// [`Self::subject_of`] without an allocation.
    pub fn subject_id(&self, table: u16, key: &Key, row: &Row) -> [u8; 16] {
        let Some(prepared) = self.tables.get(usize::from(table)) else {
            return [0; 16];
        };
        let named = prepared.table.subject.and_then(|c| row.get(usize::from(c)));
        let state = match named {
            Some(ValueRef::Integer(i)) => {
                // The bytes of `Key::of`, without its allocation.
                let mut bytes = [1; 9];
                bytes[1..].copy_from_slice(&((i as u64) ^ (1 << 63)).to_be_bytes());
                prepared.subject_space.clone().chain_update(bytes)
            }
            Some(value) => match Key::of([value]) {
                Some(value) => prepared.subject_space.clone().chain_update(&value.0),
                // NULL names nobody: the row stands for itself.
                None => prepared.row_space.clone().chain_update(&key.0),
            },
            None => prepared.row_space.clone().chain_update(&key.0),
        };
        half(state)
    }

    /// The row as a ledger entry may hold it: personal cells that are not NULL are sealed.
    /// The subject must have a key (`SubjectKeys::ensure`).
    pub fn seal(
        &self,
        table: u16,
        key: &Key,
        subject: &[u8],
        row: &Row,
    ) -> Result<Row, RecoverError> {
        let mut bytes = Vec::with_capacity(row.as_bytes().len() + 64);
        self.seal_into(table, key, subject, row, &mut bytes)?;
        Ok(Row::from_bytes(bytes).expect("the bytes were just made in the row's form"))
    }

    /// [`Self::seal`], appending the sealed row's bytes to `out`. After an error `out` holds a part.
    pub fn seal_into(
        &self,
        table: u16,
        key: &Key,
        subject: &[u8],
        row: &Row,
        out: &mut Vec<u8>,
    ) -> Result<(), RecoverError> {
        let prepared = self.prepared(table)?;
        let owner = prepared.owner(&self.vault, subject);
        seal_cells(&prepared.table, key, owner.as_ref(), row, out)
    }

    /// [`Self::seal_into`] and [`Self::digest`] with one look-up of the subject's key.
    pub fn seal_and_digest(
        &self,
        table: u16,
        key: &Key,
        subject: &[u8],
        row: &Row,
        out: &mut Vec<u8>,
    ) -> Result<RowDigest, RecoverError> {
        let prepared = self.prepared(table)?;
        let owner = prepared.owner(&self.vault, subject);
        seal_cells(&prepared.table, key, owner.as_ref(), row, out)?;
        Ok(prepared.digest(owner.as_ref(), &self.index_key, row))
    }

    /// The row that [`Self::seal`] was given.
    pub fn open(
        &self,
        table: u16,
        key: &Key,
        subject: &[u8],
        row: &Row,
    ) -> Result<Row, RecoverError> {
        let table = &self.prepared(table)?.table;
        self.open_cells((&table.name, &table.columns), key, subject, row)
    }

    /// An entry as it reads today: its image opened and in the columns of today, and the columns
    /// that its judgement names at their places of today.
    pub fn open_entry(&self, mut entry: RowEntry) -> Result<(RowEntry, Option<Row>), RecoverError> {
        let table = &self.prepared(entry.table)?.table;
        let older = shape::of(&self.older, &entry);
        let columns = older.map_or(&table.columns, |older| &older.columns);
        let opened = |image: &Row| {
            let row = self.open_cells((&table.name, columns), &entry.key, &entry.subject, image)?;
            Ok::<_, RecoverError>(older.map(|older| older.present(&row)).unwrap_or(row))
        };
        let image = entry.image.as_ref().map(opened).transpose()?;
        if let Some(older) = older {
            shape::judge_by_today(older, &mut entry);
        }
        Ok((entry, image))
    }

    /// The cells of a row of the table `name` with these columns.
    fn open_cells(
        &self,
        (name, columns): (&str, &[String]),
        key: &Key,
        subject: &[u8],
        row: &Row,
    ) -> Result<Row, RecoverError> {
        // By the cells and not by today's policy: a column may have been personal when it was sealed.
        let mut out = Row::builder();
        let mut place = Place::new(name, columns, key);
        for (column, value) in (0..).zip(row.iter()) {
            let ValueRef::Sealed(sealed) = value else {
                out.push(value);
                continue;
            };
            let plain = self.vault.open(subject, place.of(column), sealed)?;
            let plain = Row::from_bytes(plain).filter(|row| row.len() == 1);
            let value = plain.as_ref().and_then(|row| row.get(0));
            out.push(value.ok_or_else(|| RecoverError::SealedValue {
                table: name.to_owned(),
                column: named(columns, column).to_owned(),
            })?);
        }
        Ok(out.finish())
    }

    /// Keyed digest of a plain row. Rows of a subject without a key are digested under the
    /// index key, so that they compare with nothing that was journaled for the subject.
    pub fn digest(&self, table: u16, subject: &[u8], row: &Row) -> RowDigest {
        let Some(prepared) = self.tables.get(usize::from(table)) else {
            return [0; 16];
        };
        let owner = prepared.owner(&self.vault, subject);
        prepared.digest(owner.as_ref(), &self.index_key, row)
    }

    /// [`Self::digest`] under the row's own subject; no allocation.
    pub fn digest_of(&self, table: u16, key: &Key, row: &Row) -> RowDigest {
        if !self.has_personal(table) {
            return self.digest(table, &[], row);
        }
        self.digest(table, &self.subject_id(table, key, row), row)
    }

    fn prepared(&self, table: u16) -> Result<&Prepared, RecoverError> {
        self.tables
            .get(usize::from(table))
            .ok_or(RecoverError::NoTable { table })
    }
}

impl std::fmt::Debug for RowSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The keys stay out of every log.
        f.debug_struct("RowSealer")
            .field("tables", &self.tables.len())
            .finish_non_exhaustive()
    }
}

/// Appends the sealed row's bytes.
fn seal_cells(
    table: &SealTable,
    key: &Key,
    owner: Option<&Subject<'_>>,
    row: &Row,
    out: &mut Vec<u8>,
) -> Result<(), RecoverError> {
    if table.personal.is_empty() {
        out.extend_from_slice(row.as_bytes());
        return Ok(());
    }
    // The key is expanded once, and only if there is something to seal.
    let mut sealing = None;
    let mut place = Place::new(&table.name, &table.columns, key);
    let (mut plain, mut sealed) = (Vec::new(), Vec::new());
    out.extend_from_slice(&(row.len() as u16).to_be_bytes());
    for (column, value) in (0..).zip(row.iter()) {
        if !table.is_personal(column) || value == ValueRef::Null {
            append_cell(out, value);
            continue;
        }
        // A sealed value is a row of one cell, so that its type is sealed with it.
        plain.clear();
        plain.extend_from_slice(&1_u16.to_be_bytes());
        append_cell(&mut plain, value);
        sealed.clear();
        let sealing = match &sealing {
            Some(ready) => ready,
            None => {
                let owner = owner.ok_or(JournalError::NoSubjectKey)?;
                sealing.insert(owner.sealing())
            }
        };
        sealing.seal(place.of(column), &plain, &mut sealed)?;
        append_cell(out, ValueRef::Sealed(&sealed));
    }
    Ok(())
}

/// Where a sealed cell belongs: a cell moved to another row, column or table does not open.
struct Place<'a> {
    columns: &'a [String],
    bytes: Vec<u8>,
    row_end: usize,
}

impl<'a> Place<'a> {
    fn new(table: &str, columns: &'a [String], key: &Key) -> Self {
        let mut bytes = Vec::with_capacity(64);
        for part in [table.as_bytes(), &key.0] {
            bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Self {
            columns,
            row_end: bytes.len(),
            bytes,
        }
    }

    fn of(&mut self, column: u16) -> &[u8] {
        self.bytes.truncate(self.row_end);
        self.bytes
            .extend_from_slice(named(self.columns, column).as_bytes());
        &self.bytes
    }
}

fn sized(state: &mut Sha256, bytes: &[u8]) {
    state.update((bytes.len() as u32).to_be_bytes());
    state.update(bytes);
}

fn half(state: Sha256) -> [u8; 16] {
    let hash: [u8; 32] = state.finalize().into();
    let mut out = [0; 16];
    out.copy_from_slice(&hash[..16]);
    out
}

/// The value of a column, NULL where the row has none.
pub(crate) fn cell(row: &Row, column: u16) -> Value {
    row.get(usize::from(column))
        .map_or(Value::Null, ValueRef::to_value)
}
