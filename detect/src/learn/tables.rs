//! The shop's tables as a learner knows them: pointers between them, and what each was seen to do.

use super::observe::Net;
use super::roles::{Role, roles_of};
use super::words::{Sort, sort_of, words};
use crate::decimal::Addend;
use model::policy::WriteKind;
use model::{Row, TableSchema, ValueRef};
use std::collections::BTreeMap;

/// Images of a table that are kept to look for sums in.
const MAX_SAMPLES: usize = 400;

/// Values of one column that are told apart.
const MAX_VALUES: usize = 64;

/// Values of a column that no word calls a state; with more of them it is none.
const MAX_PLAIN_VALUES: usize = 16;

/// Longer texts are no states.
const MAX_STATE_BYTES: usize = 64;

/// Steps from state to state that are told apart.
const MAX_STEPS: usize = 400;

/// Updates that show a time of change.
const MANY_MOVES: u64 = 8;

/// A column that holds another table's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) column: u16,
    pub(super) to: u16,
}

#[derive(Debug)]
pub(super) struct Tables {
    pub(super) all: Vec<Table>,
}

/// One table with all that was seen of it.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) schema: TableSchema,
    pub(super) pointers: Vec<Pointer>,
    /// By its name and declared types alone, before any row was seen.
    first_roles: Vec<Role>,
    noise: bool,
    pub(super) inserts: u64,
    pub(super) updates: u64,
    pub(super) deletes: u64,
    pub(super) columns: Vec<Column>,
    /// How often two columns changed in the same update; row by row.
    together: Vec<u32>,
    pub(super) samples: Vec<Row>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    pub(super) changes: u64,
    /// Changes of a value that was not NULL or empty.
    pub(super) replaced: u64,
    /// Changes in the transaction that inserted the row.
    pub(super) late: u64,
    /// Changes to a greater number.
    pub(super) rises: u64,
    /// Moments without a fraction of a second: two changes in one second look like none.
    pub(super) coarse: u64,
    /// Moments of any kind.
    pub(super) moments: u64,
    /// Changes to the next whole number.
    pub(super) ones: u64,
    pub(super) numbers: u64,
    pub(super) others: u64,
    /// Inserts in which it was not NULL.
    pub(super) filled: u64,
    /// (from, to) -> how often; of columns with few values.
    pub(super) steps: BTreeMap<(String, String), u64>,
    pub(super) begins: BTreeMap<String, u64>,
    pub(super) too_many: bool,
}

impl Tables {
    pub(super) fn new(schemas: &[TableSchema]) -> Self {
        let all = schemas.iter().map(Table::new).collect();
        let mut tables = Self { all };
        for at in 0..tables.all.len() {
            tables.all[at].pointers = tables.find_pointers(at);
        }
        tables
    }

    fn find_pointers(&self, at: usize) -> Vec<Pointer> {
        let table = &self.all[at].schema;
        let position = |name: &str| self.all.iter().position(|t| t.schema.name == name);
        let single = |to: usize| self.all[to].schema.primary_key.len() == 1;
        let mut pointers = Vec::new();
        for key in &table.foreign_keys {
            if let ([column], Some(to)) = (key.columns.as_slice(), position(&key.table))
                && single(to)
                && let Some(column) = table.column(column)
            {
                let to = to as u16;
                pointers.push(Pointer { column, to });
            }
        }
        for (column, named) in (0_u16..).zip(&table.columns) {
            if pointers.iter().any(|p| p.column == column)
                || table.primary_key.as_slice() == [column]
            {
                continue;
            }
            if let Some(to) = self.named_by(at, &named.name).filter(|to| single(*to)) {
                pointers.push(Pointer {
                    column,
                    to: to as u16,
                });
            }
        }
        pointers
    }

    /// `order_id` names the table `orders`, `order`, or the one that ends so.
    fn named_by(&self, at: usize, column: &str) -> Option<usize> {
        let mut stem = words(column);
        if stem
            .last()
            .is_none_or(|w| !matches!(w.as_str(), "id" | "uuid" | "fk"))
            || stem.len() < 2
        {
            return None;
        }
        stem.pop();
        let singular = |mut words: Vec<String>| {
            if let Some(last) = words.last_mut() {
                let one = last.strip_suffix("ies").map(|w| format!("{w}y"));
                let one = one.or_else(|| last.strip_suffix('s').map(str::to_owned));
                *last = one.unwrap_or_else(|| last.clone());
            }
            words
        };
        let stem = singular(stem);
        let named: Vec<Vec<String>> = self
            .all
            .iter()
            .map(|t| singular(words(&t.schema.name)))
            .collect();
        let exact = named.iter().position(|name| *name == stem);
        if exact.is_some() {
            return exact;
        }
        // With the same prefix as this table's own name first: shop_line.order_id -> shop_order.
        let own = words(&self.all[at].schema.name);
        let mut prefixed = own.first().cloned().into_iter().collect::<Vec<_>>();
        prefixed.extend(stem.iter().cloned());
        if let Some(found) = named.iter().position(|name| *name == prefixed) {
            return Some(found);
        }
        let mut ends = named
            .iter()
            .enumerate()
            .filter(|(_, name)| name.len() == stem.len() + 1 && name.ends_with(&stem));
        match (ends.next(), ends.next()) {
            (Some((found, _)), None) => Some(found),
            _ => None,
        }
    }

    pub(super) fn observe(&mut self, net: &Net) {
        if let Some(table) = self.all.get_mut(usize::from(net.table)) {
            table.observe(net);
        }
    }
    pub(super) fn pointers(&self, table: u16) -> &[Pointer] {
        self.all
            .get(usize::from(table))
            .map_or(&[], |t| &t.pointers)
    }
    pub(super) fn is_noise(&self, table: u16) -> bool {
        self.all.get(usize::from(table)).is_none_or(|t| t.noise)
    }
    pub(super) fn has_key(&self, table: u16) -> bool {
        self.all
            .get(usize::from(table))
            .is_some_and(|t| !t.schema.primary_key.is_empty())
    }
    pub(super) fn is_state(&self, table: u16, column: u16) -> bool {
        self.all
            .get(usize::from(table))
            .is_some_and(|t| t.first_roles.get(usize::from(column)) == Some(&Role::State))
    }
    /// A state by its name, or a column that was seen to hold few values.
    pub(super) fn has_few_values(&self, table: u16, column: u16) -> bool {
        let few = |t: &Table| !t.columns[usize::from(column)].too_many;
        self.is_state(table, column) || self.all.get(usize::from(table)).is_some_and(few)
    }
    pub(super) fn has_single_key(&self, table: u16) -> bool {
        self.all
            .get(usize::from(table))
            .is_some_and(|t| t.schema.primary_key.len() == 1)
    }
    /// The column that tells one sort of row from another, if there is one.
    pub(super) fn telling_column(&self, table: u16) -> Option<u16> {
        let table = self.all.get(usize::from(table))?;
        (0..)
            .zip(&table.first_roles)
            .filter(|(_, role)| **role == Role::Discriminator)
            .map(|(c, _)| c)
            .min_by_key(|c| {
                let name = table.schema.name_of(*c).to_ascii_lowercase();
                // Frameworks keep the name of a class in `discriminator`.
                (name.contains("discriminator"), !name.ends_with("type"), *c)
            })
    }
}

impl Table {
    fn new(schema: &TableSchema) -> Self {
        let width = schema.columns.len();
        let first_roles = roles_of(schema, |c| {
            is_number(&schema.columns[usize::from(c)].declared)
        });
        Self {
            noise: sort_of(schema, &[]) == Sort::Noise,
            first_roles,
            schema: schema.clone(),
            pointers: Vec::new(),
            inserts: 0,
            updates: 0,
            deletes: 0,
            columns: vec![Column::default(); width],
            together: vec![0; width * width],
            samples: Vec::new(),
        }
    }

    /// With what the rows showed of columns whose type nobody declared.
    pub(super) fn roles(&self) -> Vec<Role> {
        let mut roles = roles_of(&self.schema, |c| {
            let (seen, declared) = (
                &self.columns[usize::from(c)],
                &self.schema.columns[usize::from(c)].declared,
            );
            is_number(declared) || declared.is_empty() && seen.numbers > 0 && seen.others == 0
        });
        for pointer in &self.pointers {
            roles[usize::from(pointer.column)] = Role::Other;
        }
        for (column, role) in self.columns.iter().zip(&mut roles) {
            if matches!(role, Role::Other | Role::Flag | Role::Code) && self.moves_along(column) {
                *role = Role::Touched;
            }
        }
        roles
    }

    /// A time or a version that moves on with nearly every update, whatever its name.
    fn moves_along(&self, column: &Column) -> bool {
        let time = column.others > 0 && column.moments == column.others && column.numbers == 0;
        let version = column.others == 0 && column.ones == column.changes;
        self.updates >= MANY_MOVES
            && column.changes * 10 >= self.updates * 9
            && column.replaced * 10 >= column.changes * 9
            && (time || version)
    }

    /// A time of change that may stay as it is when two changes come quickly.
    pub(super) fn is_coarse(&self, column: u16) -> bool {
        let seen = &self.columns[usize::from(column)];
        seen.coarse > 0 && seen.replaced > 0
    }

    /// Updates in which both columns changed.
    pub(super) fn both(&self, a: u16, b: u16) -> u64 {
        let at = usize::from(a) * self.schema.columns.len() + usize::from(b);
        u64::from(self.together.get(at).copied().unwrap_or(0))
    }

    fn observe(&mut self, net: &Net) {
        match net.op {
            WriteKind::Insert => self.inserts += 1,
            WriteKind::Update => self.updates += 1,
            WriteKind::Delete => self.deletes += 1,
        }
        for &c in &net.late {
            if let Some(column) = self.columns.get_mut(usize::from(c)) {
                column.late += 1;
            }
        }
        let width = self.schema.columns.len();
        for &a in &net.changed {
            if let Some(column) = self.columns.get_mut(usize::from(a)) {
                column.changes += 1;
                let before = net.old.as_ref().and_then(|old| old.get(usize::from(a)));
                let none = matches!(before, None | Some(ValueRef::Null | ValueRef::Text(b"")));
                column.replaced += u64::from(!none);
                let number = |cell| Addend::of(cell, None).map(|a| a.units);
                let after = net.new.as_ref().and_then(|new| new.get(usize::from(a)));
                let rose = match (before.and_then(number), after.and_then(number)) {
                    (Some(before), Some(after)) => after > before,
                    _ => false,
                };
                column.rises += u64::from(rose);
                column.ones += u64::from(is_next(before, after));
            }
            for &b in &net.changed {
                if let Some(count) = self
                    .together
                    .get_mut(usize::from(a) * width + usize::from(b))
                {
                    *count += 1;
                }
            }
        }
        let Some(new) = &net.new else { return };
        for (c, cell) in (0_u16..).zip(new.iter()) {
            self.notice(net, c, cell);
        }
        if !self.noise && net.unknown.is_empty() {
            // The newest images take the place of old ones in turn.
            let written = (self.inserts + self.updates) as usize;
            if self.samples.len() < MAX_SAMPLES {
                self.samples.push(new.clone());
            } else {
                self.samples[written % MAX_SAMPLES] = new.clone();
            }
        }
    }

    fn notice(&mut self, net: &Net, c: u16, cell: ValueRef<'_>) {
        let state = self.first_roles.get(usize::from(c)) == Some(&Role::State);
        let Some(column) = self.columns.get_mut(usize::from(c)) else {
            return;
        };
        match cell {
            ValueRef::Null => {}
            ValueRef::Integer(_) | ValueRef::Real(_) => column.numbers += 1,
            ValueRef::Text(text) if crate::decimal::Decimal::parse(text).is_some() => {
                column.numbers += 1;
            }
            ValueRef::Text(text) => {
                column.others += 1;
                column.moments += u64::from(is_moment(text));
                column.coarse += u64::from(is_coarse_moment(text));
            }
            _ => column.others += 1,
        }
        let insert = net.op == WriteKind::Insert;
        let none = matches!(cell, ValueRef::Null | ValueRef::Text(b""));
        column.filled += u64::from(insert && !none);
        if !state {
            let long = matches!(cell, ValueRef::Text(text) if text.len() > MAX_STATE_BYTES)
                || matches!(cell, ValueRef::Blob(_));
            column.too_many |= long
                || column.begins.len() > MAX_PLAIN_VALUES
                || column.steps.len() > MAX_PLAIN_VALUES * 2;
            if column.too_many {
                column.steps.clear();
                return;
            }
        }
        if insert {
            if column.begins.len() < MAX_VALUES {
                *column.begins.entry(cell.to_string()).or_default() += 1;
            } else {
                column.too_many = true;
            }
        } else if net.changed.contains(&c) {
            let from = net.old.as_ref().and_then(|old| old.get(usize::from(c)));
            let step = (from.unwrap_or(ValueRef::Null).to_string(), cell.to_string());
            if column.steps.len() < MAX_STEPS || column.steps.contains_key(&step) {
                *column.steps.entry(step).or_default() += 1;
            } else {
                column.too_many = true;
            }
        }
    }
}

fn is_next(before: Option<ValueRef<'_>>, after: Option<ValueRef<'_>>) -> bool {
    match (before, after) {
        (Some(ValueRef::Integer(before)), Some(ValueRef::Integer(after))) => {
            before.checked_add(1) == Some(after)
        }
        _ => false,
    }
}

/// Begins with a date: `2026-11-22 20:23:25.68`.
fn is_moment(text: &[u8]) -> bool {
    text.len() >= 10 && text[4] == b'-' && text[7] == b'-' && text[0].is_ascii_digit()
}

/// `2026-11-22 20:23:25`, `2026-11-22`.
fn is_coarse_moment(text: &[u8]) -> bool {
    let date = text.get(4) == Some(&b'-') && text.get(7) == Some(&b'-');
    date && (text.len() == 10 || text.get(13) == Some(&b':') && !text.contains(&b'.'))
}

pub(super) fn is_number(declared: &str) -> bool {
    let declared = declared.to_ascii_lowercase();
    let base = declared.split(['(', ' ']).next().unwrap_or_default();
    !declared.ends_with(']')
        && declared != "tinyint(1)"
        && matches!(
            base,
            "integer"
                | "int"
                | "bigint"
                | "smallint"
                | "tinyint"
                | "mediumint"
                | "int2"
                | "int4"
                | "int8"
                | "numeric"
                | "decimal"
                | "real"
                | "double"
                | "float"
                | "float4"
                | "float8"
                | "money"
        )
}
