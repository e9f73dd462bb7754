//! The tables of a trace: what the dump says of them, and what their rows show beside it.

use super::dump::SchemaDump;
use super::line::{Fields, Line};
use super::value::{Kind, cell, digits_behind_point};
use model::policy::ColumnSchema;
use model::{Key, PartRow, Row, TableSchema, Value};
use std::collections::HashMap;

/// Table numbers are 16 bits wide; a shop with more tables than this is not one shop.
pub const MAX_TRACE_TABLES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) schemas: Vec<TableSchema>,
    details: Vec<Detail>,
    by_name: HashMap<String, usize>,
    /// Names as the trace writes them -> table.
    resolved: HashMap<String, usize>,
}

#[derive(Debug, Default)]
struct Detail {
    columns: HashMap<String, usize>,
    kinds: Vec<Kind>,
    /// Columns that name a row by the dump's unique constraints.
    unique: Option<Vec<String>>,
    key_seen: bool,
}

impl Tables {
    pub(super) fn new(dump: Option<&SchemaDump>) -> Self {
        let mut tables = Self::default();
        for schema in dump.iter().flat_map(|d| &d.tables) {
            let unique = dump.and_then(|d| d.unique.get(&schema.name));
            tables.add(schema.clone());
            let Some(detail) = tables.details.last_mut() else {
                continue;
            };
            let not_null = |name: &String| {
                schema
                    .column(name)
                    .is_some_and(|c| schema.columns[usize::from(c)].not_null)
            };
            detail.unique = unique
                .into_iter()
                .flatten()
                .find(|columns| columns.iter().all(not_null))
                .cloned();
        }
        tables
    }

    fn add(&mut self, schema: TableSchema) -> usize {
        let at = self.schemas.len();
        let mut detail = Detail::default();
        for (i, column) in schema.columns.iter().enumerate() {
            detail.columns.insert(column.name.clone(), i);
            detail.kinds.push(Kind::of(&column.declared));
        }
        self.by_name.insert(schema.name.clone(), at);
        self.schemas.push(schema);
        self.details.push(detail);
        at
    }

    /// The first look at a line: tables and columns that the dump does not name. `false` when
    /// there are too many tables.
    pub(super) fn notice(&mut self, line: &Line<'_>) -> bool {
        let Some(name) = line.table.as_deref() else {
            return true;
        };
        let at = match self.find(name) {
            Some(at) => at,
            None if self.schemas.len() >= MAX_TRACE_TABLES => return false,
            None => {
                let at = self.add(TableSchema {
                    name: unquoted(name)
                        .strip_prefix("public.")
                        .map_or_else(|| unquoted(name), str::to_owned),
                    columns: Vec::new(),
                    primary_key: Vec::new(),
                    foreign_keys: Vec::new(),
                });
                self.resolved.insert(name.to_owned(), at);
                at
            }
        };
        for fields in [&line.key, &line.new, &line.old].into_iter().flatten() {
            self.notice_columns(at, fields);
        }
        if let Some(key) = &line.key
            && self.schemas[at].primary_key.is_empty()
            && !self.details[at].key_seen
        {
            let columns = key
                .0
                .iter()
                .filter_map(|(name, _)| self.details[at].columns.get(name.as_ref()));
            self.schemas[at].primary_key = columns.map(|c| *c as u16).collect();
            self.details[at].key_seen = true;
        }
        true
    }

    fn notice_columns(&mut self, at: usize, fields: &Fields<'_>) {
        let (detail, schema) = (&mut self.details[at], &mut self.schemas[at]);
        for (name, raw) in &fields.0 {
            let column = match detail.columns.get(name.as_ref()) {
                Some(column) => *column,
                None => {
                    let column = schema.columns.len();
                    detail.columns.insert(name.to_string(), column);
                    detail.kinds.push(Kind::Unknown);
                    schema.columns.push(ColumnSchema {
                        name: name.to_string(),
                        declared: String::new(),
                        not_null: false,
                    });
                    column
                }
            };
            // A column that nobody declared is decimal as soon as one value has a point.
            if let kind @ (Kind::Unknown | Kind::Decimal(_)) = detail.kinds[column]
                && schema.columns[column].declared.is_empty()
                && raw.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                && let Some(digits @ 1..) = digits_behind_point(raw)
            {
                let most = match kind {
                    Kind::Decimal(Some(before)) => before.max(digits),
                    _ => digits,
                };
                detail.kinds[column] = Kind::Decimal(Some(most));
            }
        }
    }

    /// A table that a policy names, with columns that it names; those of the trace stay as they are.
    /// Without a dump the policy also says what the key is.
    pub(super) fn expect(&mut self, name: &str, columns: &[&str], key: &[String]) {
        let at = match self.find(name) {
            Some(at) => at,
            None => self.add(TableSchema {
                name: name.to_owned(),
                columns: Vec::new(),
                primary_key: Vec::new(),
                foreign_keys: Vec::new(),
            }),
        };
        let (detail, schema) = (&mut self.details[at], &mut self.schemas[at]);
        for column in columns {
            if !detail.columns.contains_key(*column) {
                detail
                    .columns
                    .insert((*column).to_owned(), schema.columns.len());
                detail.kinds.push(Kind::Unknown);
                schema.columns.push(ColumnSchema {
                    name: (*column).to_owned(),
                    declared: String::new(),
                    not_null: false,
                });
            }
        }
        if !key.is_empty() {
            let columns: Option<Vec<u16>> = key.iter().map(|n| schema.column(n)).collect();
            schema.primary_key = columns.unwrap_or_else(|| std::mem::take(&mut schema.primary_key));
        }
    }

    /// After the first look: a key for every table that has one.
    pub(super) fn settle(&mut self) {
        for (schema, detail) in self.schemas.iter_mut().zip(&self.details) {
            if schema.primary_key.is_empty() {
                let named = detail
                    .unique
                    .clone()
                    .unwrap_or_else(|| vec!["id".to_owned()]);
                let columns: Option<Vec<u16>> = named.iter().map(|n| schema.column(n)).collect();
                schema.primary_key = columns.unwrap_or_default();
            }
        }
    }

    /// Exactly, without quotes and `public.`, or by its last part where only one table ends so.
    pub(super) fn find(&mut self, name: &str) -> Option<usize> {
        if let Some(at) = self.resolved.get(name) {
            return Some(*at);
        }
        let bare = unquoted(name);
        let tail = bare.rsplit('.').next().unwrap_or(&bare);
        let direct = [bare.as_str(), bare.strip_prefix("public.").unwrap_or(&bare)]
            .iter()
            .find_map(|n| self.by_name.get(*n).copied());
        let at = direct.or_else(|| {
            let mut ends = self
                .schemas
                .iter()
                .enumerate()
                .filter(|(_, s)| s.name.rsplit('.').next() == Some(tail));
            match (ends.next(), ends.next()) {
                (Some((at, _)), None) => Some(at),
                _ => None,
            }
        })?;
        self.resolved.insert(name.to_owned(), at);
        Some(at)
    }

    pub(super) fn image(
        &self,
        at: usize,
        fields: &Fields<'_>,
        key: Option<&Fields<'_>>,
    ) -> PartRow {
        let (detail, width) = (&self.details[at], self.schemas[at].columns.len());
        let mut values = vec![Value::Null; width];
        let mut known = vec![false; width];
        for fields in [key, Some(fields)].into_iter().flatten() {
            for (name, raw) in &fields.0 {
                if let Some(&column) = detail.columns.get(name.as_ref()) {
                    values[column] = cell(raw, detail.kinds[column]);
                    known[column] = true;
                }
            }
        }
        let row = Row::from_values(values.iter().map(Value::as_ref));
        let whole = known.iter().all(|k| *k);
        let positions = || {
            (0_u16..)
                .zip(&known)
                .filter(|(_, k)| **k)
                .map(|(c, _)| c)
                .collect()
        };
        PartRow {
            row,
            known: (!whole).then(positions),
        }
    }

    /// The row's key from the line's own `key`, else from its images. `Err` names the column that is missing.
    pub(super) fn key_of(&self, at: usize, line: &Line<'_>) -> Result<Key, String> {
        let (schema, detail) = (&self.schemas[at], &self.details[at]);
        let images: Vec<&Fields<'_>> = [&line.key, &line.old, &line.new]
            .into_iter()
            .flatten()
            .collect();
        let value = |column: u16| {
            let name = schema.name_of(column);
            let raw = images
                .iter()
                .find_map(|fields| fields.get(name))
                .filter(|raw| *raw != "null");
            raw.map(|raw| cell(raw, detail.kinds[usize::from(column)]))
                .ok_or_else(|| name.to_owned())
        };
        let values: Vec<Value> = if schema.primary_key.is_empty() {
            // Nothing names a row of this table but all that is known of it.
            let fields = line
                .key
                .as_ref()
                .or(line.old.as_ref())
                .or(line.new.as_ref());
            let cells = fields.into_iter().flat_map(|f| &f.0).map(|(name, raw)| {
                let kind = detail
                    .columns
                    .get(name.as_ref())
                    .map_or(Kind::Unknown, |c| detail.kinds[*c]);
                cell(raw, kind)
            });
            cells.filter(|v| *v != Value::Null).collect()
        } else {
            schema
                .primary_key
                .iter()
                .map(|c| value(*c))
                .collect::<Result<_, _>>()?
        };
        Key::of(values.iter().map(Value::as_ref)).ok_or_else(|| "key".to_owned())
    }
}

/// `public."order"` and `` `shop`.`order` `` without their quotes.
fn unquoted(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '"' | '`')).collect()
}
