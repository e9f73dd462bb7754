//! What an investigation reads by: the log, a view of the image index, and the keys that open
//! personal values. Every row is read by the schema entry that it was journaled under.

use super::RowName;
use super::company::{MOST_NAMED_IN_ALL, Walked};
use crate::ledger::LONG_CELL;
use crate::{Desk, DeskError, Told};
use journal::LogReader;
use journal::index::Snapshot;
use journal::vault::VaultReader;
use model::digest::hex;
use model::entry::{LedgerEntry, RowEntry};
use model::image::ImageRecord;
use model::policy::ForeignKey;
use model::policy::MoneyColumns;
use model::{Key, Row, SourceName, SourcePolicy, TableSchema, Value, ValueRef};
use recover::audit::index_key;
use recover::seal::{RowSealer, SealTable};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

/// Key columns that are read from a person's text; a key of more is given by a finding.
const MOST_KEY_COLUMNS: usize = 6;

pub(super) struct Sight {
    pub source: SourceName,
    pub log: String,
    pub reader: LogReader,
    pub size: u64,
    /// `None`: the guard does not run.
    pub snapshot: Option<Snapshot>,
    /// Personal values stand in the report as they are.
    pub in_full: bool,
    /// Some were masked.
    pub masked: bool,
    /// The schema entry in force.
    newest: u64,
    vault: VaultReader,
    index_key: [u8; 32],
    shapes: BTreeMap<u64, Arc<Shape>>,
    /// Transactions that were walked, by their position.
    pub walked: BTreeMap<u64, Walked>,
    /// Other rows of transactions that may still be named.
    pub may_name: usize,
    /// Entries that whoever asks must not know of: to them they never happened.
    pub hidden: BTreeSet<u64>,
}

/// How rows that point to one schema entry are read.
pub(super) struct Shape {
    pub schemas: Vec<TableSchema>,
    pub policy: SourcePolicy,
    pub sealer: RowSealer,
    /// By table: its rows' subjects are persons of the shop.
    names_persons: Vec<bool>,
}

/// As `desk::open_source` writes it; what it holds besides is not asked for.
#[derive(Deserialize)]
struct SchemaEntry {
    tables: Vec<TableSchema>,
    policy: SourcePolicy,
}

impl Sight {
    pub fn open(desk: &Desk, source: &SourceName, in_full: bool) -> Result<Self, DeskError> {
        let log = format!("ledger/{}", desk.source_number(source)?);
        let reader = desk.log_reader(&log).ok_or_else(|| DeskError::NoBaseline {
            source_name: source.to_string(),
        })?;
        let asked = desk.on_guard(source, |guard| {
            guard.intake.ledger.settle()?;
            Ok(guard.intake.ledger.snapshot())
        });
        // A shop that cannot be reached is when an investigation is needed most.
        let snapshot = asked
            .inspect_err(|error| {
                tracing::info!(%source, %error, "investigating without the guard's index");
            })
            .ok();
        let size = reader.size();
        let marked = desk.store().mark(&format!("schema/{source}"))?;
        let newest = marked.filter(|at| *at < size);
        let newest = newest.ok_or_else(|| DeskError::NoBaseline {
            source_name: source.to_string(),
        })?;
        let keys = desk.inner.subject_keys.lock();
        let vault = keys.unwrap_or_else(PoisonError::into_inner).reader();
        let mut sight = Self::of(source, reader, newest, vault, desk.inner.index_key);
        (sight.log, sight.snapshot, sight.in_full) = (log, snapshot, in_full);
        Ok(sight)
    }

    /// By the log alone, personal values masked.
    pub fn of(
        source: &SourceName,
        reader: LogReader,
        newest: u64,
        vault: VaultReader,
        index_key: [u8; 32],
    ) -> Self {
        Self {
            source: source.clone(),
            log: String::new(),
            size: reader.size(),
            reader,
            snapshot: None,
            in_full: false,
            masked: false,
            newest,
            vault,
            index_key,
            shapes: BTreeMap::new(),
            walked: BTreeMap::new(),
            may_name: MOST_NAMED_IN_ALL,
            hidden: BTreeSet::new(),
        }
    }

    pub fn entry(&self, index: u64) -> Result<LedgerEntry, DeskError> {
        Ok(LedgerEntry::decode(&self.reader.entry(index)?)?)
    }

    pub fn row_entry(&self, index: u64) -> Result<RowEntry, DeskError> {
        match self.entry(index)? {
            LedgerEntry::Row(entry) => Ok(entry),
            _ => Err(recover::RecoverError::NoImage { index }.into()),
        }
    }

    /// The schema in force.
    pub fn shape_now(&mut self) -> Result<Arc<Shape>, DeskError> {
        self.shape(self.newest)
    }

    /// The schema that a row entry points to.
    pub fn shape(&mut self, at: u64) -> Result<Arc<Shape>, DeskError> {
        if let Some(shape) = self.shapes.get(&at) {
            return Ok(Arc::clone(shape));
        }
        let LedgerEntry::Schema(json) = self.entry(at)? else {
            return Err(DeskError::NotFound(
                Told::new("no-schema").with("at", at).with("log", &self.log),
            ));
        };
        let told: SchemaEntry = serde_json::from_slice(&json)?;
        let shape = Arc::new(Shape::new(told, self.vault.clone(), self.index_key));
        self.shapes.insert(at, Arc::clone(&shape));
        Ok(shape)
    }

    /// The schema entries that were used.
    pub fn schemas(&self) -> Vec<u64> {
        self.shapes.keys().copied().collect()
    }

    /// The newest entry of a row by the index; `None` when the row is lawfully gone or there is no index.
    pub fn last_of(&self, (table, key): &RowName) -> Result<Option<u64>, DeskError> {
        let Some(snapshot) = &self.snapshot else {
            return Ok(None);
        };
        let found = snapshot.get(&index_key(*table, key))?;
        let record = found.map(|bytes| ImageRecord::decode(&bytes)).transpose()?;
        Ok(record.map(|r| r.last).filter(|last| *last < self.size))
    }

    /// The image of an entry in the clear. Cells whose key was destroyed stay sealed.
    pub fn image(&mut self, entry: &RowEntry) -> Result<Option<Row>, DeskError> {
        let shape = self.shape(entry.schema)?;
        Ok(entry.image.as_ref().map(|image| {
            let opened = shape
                .sealer
                .open(entry.table, &entry.key, &entry.subject, image);
            opened.unwrap_or_else(|_| image.clone())
        }))
    }

    /// A value as people read it, masked where it is personal and may not be shown.
    pub fn shown(&mut self, value: ValueRef<'_>, personal: bool) -> String {
        let text = match value {
            ValueRef::Blob(bytes) if bytes.starts_with(LONG_CELL) => {
                format!("sha256:{}", hex(&bytes[LONG_CELL.len()..]))
            }
            other => other.to_string(),
        };
        if !personal || self.in_full || matches!(value, ValueRef::Null | ValueRef::Sealed(_)) {
            return text;
        }
        self.masked = true;
        mask(&text)
    }
}

impl Shape {
    fn new(told: SchemaEntry, vault: VaultReader, index_key: [u8; 32]) -> Self {
        let SchemaEntry {
            tables: schemas,
            policy,
        } = told;
        let tables: Vec<SealTable> = schemas
            .iter()
            .zip(&policy.tables)
            .map(|(schema, table)| {
                let declared = table.key.iter().filter_map(|n| schema.column(n));
                let declared: Vec<u16> = declared.collect();
                let key = if declared.is_empty() {
                    schema.primary_key.clone()
                } else {
                    declared
                };
                let subject = table.subject.as_ref().and_then(|name| schema.column(name));
                // Which columns are sealed stands in the cells themselves.
                SealTable::new(schema, &key, &[], subject)
            })
            .collect();
        let spaces = tables.iter().filter(|t| t.subject.is_some());
        let spaces: Vec<String> = spaces.map(|t| t.subject_space.clone()).collect();
        let names = |t: &SealTable| t.subject.is_some() || spaces.contains(&t.name);
        Self {
            // Where nothing names persons, each row with personal values stands for one.
            names_persons: tables
                .iter()
                .map(|t| spaces.is_empty() || names(t))
                .collect(),
            sealer: RowSealer::new(vault, index_key, tables),
            schemas,
            policy,
        }
    }

    pub fn table_name(&self, table: u16) -> &str {
        self.schemas
            .get(usize::from(table))
            .map_or("?", |s| s.name.as_str())
    }

    pub fn column_name(&self, table: u16, column: u16) -> &str {
        self.schemas
            .get(usize::from(table))
            .map_or("?", |s| s.name_of(column))
    }

    pub fn table(&self, name: &str) -> Option<u16> {
        self.schemas
            .iter()
            .position(|s| s.name == name)
            .map(|i| i as u16)
    }

    /// Kind of a column that the policy declares personal.
    pub fn personal_kind(&self, table: u16, column: u16) -> Option<&str> {
        let policy = self.policy.tables.get(usize::from(table))?;
        let name = self.column_name(table, column);
        policy.personal.get(name).map(String::as_str)
    }

    /// Whether the column may hold personal texts that the policy does not speak of. For a value
    /// that stands in no entry beside it, this errs on the side of the person.
    pub fn may_be_personal(&self, table: u16, column: u16) -> bool {
        let Some(policy) = self.policy.tables.get(usize::from(table)) else {
            return true;
        };
        let name = self.column_name(table, column);
        let spoken_of = policy.plain.iter().chain(&policy.key).chain(&policy.state);
        let money = policy
            .money
            .iter()
            .flat_map(|m| std::iter::once(&m.amount).chain(&m.currency));
        if spoken_of.chain(money).any(|known| known == name) {
            return false;
        }
        let Some(schema) = self.schemas.get(usize::from(table)) else {
            return true;
        };
        let points = |f: &ForeignKey| f.columns.iter().any(|c| c == name);
        let declared = schema.columns.get(usize::from(column));
        !schema.foreign_keys.iter().any(points) && declared.is_none_or(|c| holds_text(&c.declared))
    }

    /// The data subject of an entry's row, where it is a person of the shop.
    pub fn subject(&self, entry: &RowEntry) -> Option<Vec<u8>> {
        if !*self.names_persons.get(usize::from(entry.table))? {
            return None;
        }
        if !entry.subject.is_empty() {
            return Some(entry.subject.clone());
        }
        // A table without personal columns keeps no subject in its entries, but names one.
        self.sealer.table(entry.table)?.subject?;
        let image = entry.image.as_ref()?;
        Some(self.sealer.subject_of(entry.table, &entry.key, image))
    }

    /// Ids of the subject whom a table's row, or a column's value, may name.
    pub fn subjects_named(&self, name: &str, key: &str) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        for (number, schema) in (0..).zip(&self.schemas) {
            let Some(table) = self.sealer.table(number) else {
                continue;
            };
            let Some(column) = table.subject else {
                continue;
            };
            let space = table.subject_space == name;
            if !space && schema.name_of(column) != name {
                continue;
            }
            for value in readings(key) {
                let cells = (0..schema.columns.len()).map(|i| {
                    if i == usize::from(column) {
                        value.as_ref()
                    } else {
                        ValueRef::Null
                    }
                });
                let row = Row::from_values(cells);
                out.push(self.sealer.subject_of(number, &Key(Vec::new()), &row));
            }
        }
        out.sort();
        out.dedup();
        out
    }

    /// The keys that a text may mean in a table: numbers may be stored as texts.
    pub fn keys(&self, table: u16, text: &str) -> Vec<Key> {
        let columns = self.sealer.table(table).map_or(1, |t| t.key.len());
        let parts: Vec<&str> = match columns {
            0 | 1 => vec![text],
            n => text.splitn(n, ',').map(str::trim).collect(),
        };
        if parts.len() != columns.max(1) || parts.len() > MOST_KEY_COLUMNS {
            return Vec::new();
        }
        let mut keys: Vec<Vec<Value>> = vec![Vec::new()];
        for part in parts {
            let longer = keys.iter().flat_map(|key| {
                readings(part).into_iter().map(|value| {
                    let mut key = key.clone();
                    key.push(value);
                    key
                })
            });
            keys = longer.collect();
        }
        keys.iter()
            .filter_map(|values| Key::of(values.iter().map(Value::as_ref)))
            .collect()
    }

    /// The row's money in minor units and its currency. Works on sealed rows: money is not personal.
    pub fn money(&self, table: u16, row: &Row) -> Option<(i64, String)> {
        let policy = self.policy.tables.get(usize::from(table))?;
        let schema = self.schemas.get(usize::from(table))?;
        let MoneyColumns {
            amount,
            currency,
            fixed,
        } = policy.money.as_ref()?;
        let cell = |name: &str| row.get(usize::from(schema.column(name)?));
        let minor = minor_units(cell(amount)?)?;
        let written = currency.as_ref().and_then(|name| cell(name));
        let written = written.as_ref().and_then(ValueRef::as_str);
        let currency = written.or(fixed.as_deref()).unwrap_or("XXX");
        Some((minor, currency.trim().to_owned()))
    }
}

/// Whole numbers are minor units; a decimal text is in major ones, to two digits.
fn minor_units(value: ValueRef<'_>) -> Option<i64> {
    if let Some(whole) = value.as_i64() {
        return Some(whole);
    }
    let text = value.as_str()?;
    let Some((whole, digits)) = text.split_once('.') else {
        return text.parse().ok();
    };
    let digits: String = digits.chars().chain("00".chars()).take(2).collect();
    format!("{whole}{digits}").parse().ok()
}

/// Whether a declared type may hold text; numbers and times cannot.
fn holds_text(declared: &str) -> bool {
    let declared = declared.to_ascii_lowercase();
    let plain = [
        "int", "serial", "numeric", "decimal", "real", "double", "float", "bool", "date", "time",
    ];
    !plain.iter().any(|word| declared.contains(word))
}

/// The values that a text may mean.
fn readings(text: &str) -> Vec<Value> {
    let mut out = Vec::new();
    if let Ok(whole) = text.parse::<i64>() {
        out.push(Value::Integer(whole));
    } else if let Ok(real) = text.parse::<f64>() {
        out.push(Value::Real(real));
    }
    out.push(Value::text(text));
    if let Some(bytes) = text.strip_prefix("x'").and_then(|t| t.strip_suffix('\'')) {
        let pairs = bytes.as_bytes().chunks(2);
        let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        out.extend(bytes.collect::<Option<Vec<u8>>>().map(Value::Blob));
    }
    out
}

/// Leaves at most the last two characters, and never more than a quarter of the value.
fn mask(value: &str) -> String {
    let count = value.chars().count();
    let keep = (count / 4).min(2);
    let tail: String = value.chars().skip(count - keep).collect();
    format!("••••{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_from_numbers_and_decimal_texts() {
        for (value, minor) in [
            (Value::Integer(1250), Some(1250)),
            (Value::text("12.50"), Some(1250)),
            (Value::text("-12.5"), Some(-1250)),
            (Value::text("12.509"), Some(1250)),
            (Value::text("1250"), Some(1250)),
            (Value::text("much"), None),
            (Value::Null, None),
        ] {
            assert_eq!(minor_units(value.as_ref()), minor, "{value:?}");
        }
    }

    #[test]
    fn a_text_may_name_a_number_or_a_text() {
        assert_eq!(readings("17"), [Value::Integer(17), Value::text("17")]);
        assert_eq!(readings("a-1"), [Value::text("a-1")]);
        assert_eq!(
            readings("x'00ff'"),
            [Value::text("x'00ff'"), Value::Blob(vec![0, 255])]
        );
    }

    #[test]
    fn a_masked_value_tells_little() {
        for (value, shown) in [("13800138000", "••••00"), ("王小明", "••••"), ("", "••••")]
        {
            assert_eq!(mask(value), shown);
        }
    }
}
