//! Tables that change while they are guarded: what a change is, when the guard goes on by itself,
//! and which rows it may take as they stand.
//!
//! The ledger holds a schema entry for each shape that the tables had, each naming the one before;
//! images stay in the columns of their own entry and are read in the columns of today by name
//! (`recover::shape`). A change goes this way, whether the feed tells it or a start finds it:
//! ```text
//! feed: the shape is another one ─► what was committed before is judged ─► the guard ends
//!   ─► it starts anew: a schema entry of the new shape ─► index made again from the ledger, read
//!   in that shape ─► a finding says what changed ─► one look at every row ─► the shape is settled
//!   (crash anywhere: the shape is not settled, and all this is done again)
//! ```
//! In that look a row is taken as it stands, by an entry of its own, where it differs from its last
//! image only in columns that are new, or in columns of another type whose values mean the same.
//! Every other difference is the feed's to tell, and is judged as its change; one that it does not
//! tell was made by the very statement that changed the table, or round the log, and is held against it. So an
//! `UPDATE` or a `USING` in the shadow of an `ALTER TABLE` is found, and so is a column that was
//! dropped and put back with other values: columns are the same by their names, not by their numbers.
//!
//! The guard does not go on by itself where the key's columns are others, where a rule of the
//! policy names a column that is gone, or where a guarded table is gone: it stops with a finding.

use super::SchemaEntry;
use crate::DeskError;
use connect::source::GuardedTable;
use journal::LogReader;
use model::entry::LedgerEntry;
use model::policy::ColumnSchema;
use model::{Row, SourceName, SourcePolicy, TablePolicy, TableSchema, ValueRef};
use recover::shape::{OlderShape, OlderShapes, OlderTable};

/// Shapes that are read back to. Older images are read as they stand.
const MOST_SHAPES: usize = 1_000;

/// Name of the mark that holds the schema entry whose shape every row was looked at in.
pub(crate) fn mark_settled(source: &SourceName) -> String {
    format!("shape/{source}")
}

/// The schema entries of a source's ledger, the newest first.
#[derive(Default)]
pub(super) struct History(Vec<(u64, SchemaEntry)>);

impl History {
    /// `newest`: the entry that is marked as in force.
    pub(super) fn read(reader: &LogReader, newest: Option<u64>) -> Result<Self, DeskError> {
        let (mut known, mut next) = (Vec::new(), newest);
        while let Some(at) = next.filter(|at| *at < reader.size() && known.len() < MOST_SHAPES) {
            let LedgerEntry::Schema(json) = LedgerEntry::decode(&reader.entry(at)?)? else {
                break;
            };
            let entry: SchemaEntry = serde_json::from_slice(&json)?;
            // An entry names an earlier one, so that this ends.
            next = entry.before.filter(|before| *before < at);
            known.push((at, entry));
        }
        Ok(Self(known))
    }

    pub(super) fn newest(&self) -> Option<&SchemaEntry> {
        self.0.first().map(|(_, entry)| entry)
    }

    fn entry(&self, at: u64) -> Option<&SchemaEntry> {
        let found = self.0.iter().find(|(index, _)| *index == at);
        found.map(|(_, entry)| entry)
    }

    /// The policy without the names of columns that were there once and are gone: they are told
    /// what they hold, and no rule is about them.
    pub(super) fn without_gone(
        &self,
        mut policy: SourcePolicy,
        schemas: &[TableSchema],
    ) -> SourcePolicy {
        for table in &mut policy.tables {
            let Some(present) = schemas.iter().find(|s| s.name == table.name) else {
                continue;
            };
            let once = |name: &String| {
                let mut shapes = self.0.iter().flat_map(|(_, entry)| &entry.tables);
                shapes.any(|s| s.name == present.name && s.column(name).is_some())
            };
            let stays = |name: &String| present.column(name).is_some() || !once(name);
            let TablePolicy {
                personal,
                plain,
                repairable,
                ..
            } = table;
            plain.retain(stays);
            personal.retain(|name, _| stays(name));
            // An empty list means every column: the last name stays, and is said to be unknown.
            if repairable.iter().any(stays) {
                repairable.retain(stays);
            }
        }
        policy
    }

    /// How the rows of each older schema entry are read in the columns of `tables`.
    pub(super) fn older(&self, tables: &[TableSchema]) -> OlderShapes {
        let mut shapes = OlderShapes::new();
        let mut after: Vec<&TableSchema> = tables.iter().collect();
        let mut maps: Vec<Vec<Option<u16>>> = (tables.iter())
            .map(|table| (0..table.columns.len() as u16).map(Some).collect())
            .collect();
        for (at, entry) in &self.0 {
            for (number, map) in maps.iter_mut().enumerate() {
                // Tables of another name under the same number are of before a new baseline.
                let Some(then) = entry
                    .tables
                    .get(number)
                    .filter(|t| t.name == after[number].name)
                else {
                    continue;
                };
                let step = |column: u16| then.column(after[number].name_of(column));
                map.iter_mut().for_each(|from| *from = from.and_then(step));
                after[number] = then;
            }
            let older = maps.iter().zip(&after).zip(tables);
            let shape = OlderShape {
                tables: older
                    .map(|((map, then), now)| older_table(map, then, now))
                    .collect(),
            };
            if !shape
                .tables
                .iter()
                .zip(tables)
                .all(|(then, now)| is_same(then, now))
            {
                shapes.insert(*at, shape);
            }
        }
        shapes
    }

    /// What the present shape has that the settled one has not; `None` when they are the same.
    pub(super) fn since(&self, settled: Option<u64>, now: &SchemaEntry) -> Option<Reshape> {
        let settled = settled?;
        let then = self.entry(settled)?;
        let older = self.older(&now.tables);
        let shape = older.get(&settled);
        let mut reshape = Reshape {
            since: settled,
            ..Reshape::default()
        };
        for (number, table) in now.tables.iter().enumerate() {
            let before = then.tables.get(number).filter(|t| t.name == table.name);
            let from = shape.and_then(|shape| shape.tables.get(number));
            let from = from.map_or_else(
                || (0..table.columns.len() as u16).map(Some).collect(),
                |older| older.from.clone(),
            );
            reshape
                .tables
                .push(before.map_or_else(TableReshape::default, |before| {
                    let sealed = |entry: &SchemaEntry| entry.personal.get(number).copied();
                    TableReshape::of(before, table, &from, (sealed(then), sealed(now)))
                }));
        }
        let resealed = reshape.tables.iter().any(|t| t.sealed_otherwise);
        reshape.images_read_otherwise = shape.is_some() || resealed;
        let same =
            !reshape.images_read_otherwise && reshape.tables.iter().all(|t| t.said.is_empty());
        (!same).then_some(reshape)
    }
}

fn older_table(from: &[Option<u16>], then: &TableSchema, now: &TableSchema) -> OlderTable {
    let scale = |(column, from): (&ColumnSchema, &Option<u16>)| {
        let was = then.columns.get(usize::from((*from)?))?;
        (was.declared != column.declared).then(|| decimals(&column.declared))?
    };
    OlderTable {
        columns: then.columns.iter().map(|c| c.name.clone()).collect(),
        scales: now.columns.iter().zip(from).map(scale).collect(),
        from: from.to_vec(),
    }
}

/// Digits behind the point of `numeric(12,2)` or `decimal(12,2)`.
fn decimals(declared: &str) -> Option<u8> {
    let declared = declared.to_lowercase();
    let sizes = declared
        .strip_prefix("numeric(")
        .or(declared.strip_prefix("decimal("))?;
    let (sizes, _) = sizes.split_once(')')?;
    sizes
        .split_once(',')
        .map_or(Some(0), |(_, scale)| scale.trim().parse().ok())
}

fn is_same(then: &OlderTable, now: &TableSchema) -> bool {
    let names = then.columns.iter().eq(now.columns.iter().map(|c| &c.name));
    let written = then.scales.iter().all(Option::is_none);
    names && written && (then.from.iter().enumerate()).all(|(i, from)| *from == Some(i as u16))
}

/// What became of the tables since every row was last looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reshape {
    /// The schema entry of that look.
    pub since: u64,
    tables: Vec<TableReshape>,
    /// The index's digests are of another shape.
    pub images_read_otherwise: bool,
}

/// What became of one table.
#[derive(Clone, Debug, Default)]
struct TableReshape {
    name: String,
    /// Columns that were not there.
    new: Vec<u16>,
    /// Columns of another type, and what of their values means the same.
    retyped: Vec<(u16, Meaning)>,
    /// Personal columns where there were none, or none any more: digests are made with other keys.
    sealed_otherwise: bool,
    /// Every row is to be journaled anew, under its subject's key.
    every_row: bool,
    /// In plain English.
    said: Vec<String>,
}

impl TableReshape {
    fn of(
        before: &TableSchema,
        now: &TableSchema,
        from: &[Option<u16>],
        (was_sealed, is_sealed): (Option<bool>, Option<bool>),
    ) -> Self {
        let mut this = Self {
            name: now.name.clone(),
            ..Self::default()
        };
        for (place, column) in now.columns.iter().enumerate() {
            let then = from.get(place).copied().flatten();
            match then.and_then(|c| before.columns.get(usize::from(c))) {
                None => this.new.push(place as u16),
                Some(then) if then.declared != column.declared => {
                    let meaning = Meaning::of(&then.declared, &column.declared);
                    this.retyped.push((place as u16, meaning));
                }
                Some(_) => {}
            }
        }
        this.said = differences(before, now);
        if let (Some(was), Some(is)) = (was_sealed, is_sealed) {
            this.sealed_otherwise = was != is;
            this.every_row = !was && is;
        }
        this
    }
}

impl Reshape {
    /// Tables that changed, each with what is to be said of it.
    pub fn told(&self) -> impl Iterator<Item = (&str, String)> {
        let changed = self.tables.iter().filter(|t| !t.said.is_empty());
        changed.map(|table| {
            let said = format!(
                "{}; the guard goes on: rows that differ in nothing else are taken as they stand, every other \
                 difference is judged. Whoever keeps the policy should know of this change, and says what rule \
                 a new column needs",
                table.said.join("; ")
            );
            (table.name.as_str(), said)
        })
    }

    /// Whether every row of the table is journaled anew, also where it is as it was.
    pub fn takes_every_row(&self, table: u16) -> bool {
        self.tables
            .get(usize::from(table))
            .is_some_and(|t| t.every_row)
    }

    /// Whether a row differs from its last image only in what the change of its table explains.
    pub fn explains(&self, table: u16, last: &Row, live: &Row) -> bool {
        let Some(table) = self.tables.get(usize::from(table)) else {
            return false;
        };
        let explained = |column: &u16| {
            let cell = |row: &Row| row.get(usize::from(*column)).map(ValueRef::to_value);
            let means_the_same = |meaning: Meaning| match (cell(last), cell(live)) {
                (Some(last), Some(live)) => meaning.same(last.as_ref(), live.as_ref()),
                _ => false,
            };
            let mut retyped = table.retyped.iter();
            let retyped = retyped.find(|(retyped, _)| retyped == column);
            table.new.contains(column) || retyped.is_some_and(|(_, m)| means_the_same(*m))
        };
        last.differing(live).iter().all(explained)
    }
}

/// Which values of a column that changed its type are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Meaning {
    /// One of the types is of numbers: they are compared by their value. Between texts the zeros
    /// in front belong to a telephone number or an account.
    numbers: bool,
    /// One of the types pads its texts with blanks.
    padded: bool,
}

impl Meaning {
    fn of(was: &str, is: &str) -> Self {
        Self {
            numbers: is_of_numbers(was) || is_of_numbers(is),
            padded: is_padded(was) || is_padded(is),
        }
    }

    fn same(self, last: ValueRef<'_>, live: ValueRef<'_>) -> bool {
        let numbers = self.numbers.then(|| number(last).zip(number(live)));
        match (numbers.flatten(), last, live) {
            (Some((last, live)), ..) => last == live,
            (None, ValueRef::Text(last), ValueRef::Text(live)) if self.padded => {
                last.trim_ascii_end() == live.trim_ascii_end()
            }
            (None, last, live) => last == live,
        }
    }
}

/// The declared type's own name, without sizes and what follows them.
fn base_of(declared: &str) -> String {
    let end = declared.find(['(', ' ']).unwrap_or(declared.len());
    declared[..end].to_ascii_lowercase()
}

fn is_of_numbers(declared: &str) -> bool {
    const NUMBERS: [&str; 20] = [
        "int",
        "integer",
        "bigint",
        "smallint",
        "tinyint",
        "mediumint",
        "int2",
        "int4",
        "int8",
        "numeric",
        "decimal",
        "dec",
        "real",
        "double",
        "float",
        "float4",
        "float8",
        "bit",
        "serial",
        "bigserial",
    ];
    NUMBERS.contains(&base_of(declared).as_str())
}

fn is_padded(declared: &str) -> bool {
    let varies = declared.to_ascii_lowercase().contains("varying");
    !varies && ["char", "character", "bpchar"].contains(&base_of(declared).as_str())
}

/// A decimal number as (negative, digits before the point, digits behind it), without zeros that say
/// nothing.
fn number(value: ValueRef<'_>) -> Option<(bool, String, String)> {
    let text = match value {
        ValueRef::Integer(i) => i.to_string(),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.to_owned(),
        _ => return None,
    };
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text.as_str()), |d| (true, d));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) {
        return None;
    }
    let whole = whole.trim_start_matches('0').to_owned();
    let part = part.trim_end_matches('0').to_owned();
    let zero = whole.is_empty() && part.is_empty();
    Some((negative && !zero, whole, part))
}

/// What a table has now that it had not, and the other way round.
fn differences(before: &TableSchema, now: &TableSchema) -> Vec<String> {
    let missing = |of: &TableSchema, in_: &TableSchema| -> Vec<(usize, ColumnSchema)> {
        let columns = of.columns.iter().cloned().enumerate();
        columns
            .filter(|(_, c)| in_.column(&c.name).is_none())
            .collect()
    };
    let (mut gone, mut new) = (missing(before, now), missing(now, before));
    let mut said = Vec::new();
    // The same place and type: most likely another name.
    gone.retain(|(place, old)| {
        let renamed = |(at, c): &(usize, ColumnSchema)| at == place && c.declared == old.declared;
        let Some(found) = new.iter().position(renamed) else {
            return true;
        };
        let (_, new) = new.remove(found);
        said.push(format!(
            "the column {} is gone and {} ({}) is new in its place: it seems to be renamed, and counts as another column",
            old.name, new.name, new.declared
        ));
        false
    });
    let added = new
        .iter()
        .map(|(_, c)| format!("the column {} ({}) is new", c.name, c.declared));
    said.extend(added);
    let dropped = gone.iter().map(|(_, c)| {
        format!(
            "the column {} ({}) is gone, and its last values stay in the journal",
            c.name, c.declared
        )
    });
    said.extend(dropped);
    for column in &now.columns {
        let then = before
            .column(&column.name)
            .map(|c| &before.columns[usize::from(c)]);
        if let Some(then) = then.filter(|then| then.declared != column.declared) {
            said.push(format!(
                "the column {} was {} and is {} now",
                column.name, then.declared, column.declared
            ));
        }
    }
    let same = before.columns.len() == now.columns.len() && said.is_empty();
    if same
        && !before
            .columns
            .iter()
            .map(|c| &c.name)
            .eq(now.columns.iter().map(|c| &c.name))
    {
        said.push(
            "its columns stand in another order: one may have been dropped and put back, and is compared with what it \
             was"
                .to_owned(),
        );
    }
    said
}

/// Refuses what the guard cannot go on with by itself.
pub(super) fn can_go_on(known: &SchemaEntry, tables: &[GuardedTable]) -> Result<(), DeskError> {
    for (number, now) in tables.iter().enumerate() {
        let Some(then) = known
            .tables
            .get(number)
            .filter(|t| t.name == now.schema.name)
        else {
            continue;
        };
        let declared = |schema: &TableSchema, name: &str| {
            let column = schema.column(name)?;
            Some(schema.columns[usize::from(column)].declared.clone())
        };
        for column in &now.key.0 {
            let name = now.schema.name_of(*column);
            let (was, is) = (declared(then, name), declared(&now.schema, name));
            if was != is {
                return Err(DeskError::SchemaChanged {
                    table: now.schema.name.clone(),
                    detail: format!(
                        "its key's column {name} was {} and is {}",
                        was.as_deref().unwrap_or("not there"),
                        is.as_deref().unwrap_or("not there")
                    ),
                });
            }
        }
        let key = |policy: &SourcePolicy| policy.tables.get(number).map(|t| t.key.clone());
        let names = (now.key.0.iter()).map(|c| now.schema.name_of(*c).to_owned());
        if key(&known.policy).is_some_and(|key| key != names.collect::<Vec<_>>()) {
            return Err(DeskError::SchemaChanged {
                table: now.schema.name.clone(),
                detail: "its key has other columns".to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Value;

    fn schema(columns: &[(&str, &str)]) -> TableSchema {
        let column = |(name, declared): &(&str, &str)| ColumnSchema {
            name: (*name).to_owned(),
            declared: (*declared).to_owned(),
            not_null: false,
        };
        TableSchema {
            name: "orders".to_owned(),
            columns: columns.iter().map(column).collect(),
            primary_key: vec![0],
            foreign_keys: Vec::new(),
        }
    }

    fn entry(columns: &[(&str, &str)]) -> SchemaEntry {
        SchemaEntry {
            source: SourceName::new("shop"),
            tables: vec![schema(columns)],
            policy: SourcePolicy {
                source: SourceName::new("shop"),
                tables: vec![TablePolicy {
                    name: "orders".to_owned(),
                    key: vec!["id".to_owned()],
                    plain: vec!["note".to_owned(), "nonsense".to_owned()],
                    ..TablePolicy::default()
                }],
                checks: Vec::new(),
            },
            personal: vec![false],
            before: None,
        }
    }

    const FIRST: &[(&str, &str)] = &[("id", "int"), ("note", "text"), ("total", "numeric(12,2)")];

    fn row(values: &[Value]) -> Row {
        Row::from_values(values.iter().map(Value::as_ref))
    }

    #[test]
    fn a_row_is_explained_by_new_columns_and_by_nothing_else() {
        let now = entry(&[FIRST[0], FIRST[1], FIRST[2], ("gift", "int")]);
        let history = History(vec![(3, entry(FIRST))]);
        let reshape = history.since(Some(3), &now).unwrap();
        let cells = |total: &str, gift| {
            row(&[
                Value::Integer(1),
                Value::text("a"),
                Value::text(total),
                gift,
            ])
        };
        let last = cells("10.00", Value::Null);
        assert!(reshape.explains(0, &last, &cells("10.00", Value::Integer(7))));
        assert!(!reshape.explains(0, &last, &cells("0.01", Value::Integer(7))));
        assert!(!reshape.explains(1, &last, &cells("10.00", Value::Integer(7))));
        assert!(history.since(Some(3), &entry(FIRST)).is_none());
    }

    #[test]
    fn a_column_of_another_type_is_explained_where_it_means_the_same() {
        let now = entry(&[FIRST[0], FIRST[1], ("total", "numeric(14,4)")]);
        let history = History(vec![(3, entry(FIRST))]);
        let reshape = history.since(Some(3), &now).unwrap();
        let cells = |total: &str| row(&[Value::Integer(1), Value::text("a"), Value::text(total)]);
        assert!(reshape.explains(0, &cells("10.00"), &cells("10.0000")));
        assert!(!reshape.explains(0, &cells("10.00"), &cells("10.0100")));
        assert!(!reshape.explains(0, &cells("10.00"), &cells("-10.00")));
    }

    #[test]
    fn a_column_that_was_put_back_is_compared_with_what_it_was_then() {
        // Dropped and put back between two looks: the name is the same, and so is the column.
        let now = entry(&[FIRST[0], FIRST[2], FIRST[1]]);
        let history = History(vec![(3, entry(FIRST))]);
        let older = history.older(&now.tables);
        assert_eq!(older[&3].tables[0].from, [Some(0), Some(2), Some(1)]);
        let reshape = history.since(Some(3), &now).unwrap();
        let last = row(&[Value::Integer(1), Value::text("10.00"), Value::text("a")]);
        let live = row(&[Value::Integer(1), Value::text("0.01"), Value::text("a")]);
        assert!(!reshape.explains(0, &last, &live));
        // Dropped, settled without it, and put back: it is a new column.
        let without = entry(&[FIRST[0], FIRST[2]]);
        let history = History(vec![(5, without), (3, entry(FIRST))]);
        let older = history.older(&now.tables);
        assert_eq!(older[&3].tables[0].from, [Some(0), Some(2), None]);
    }

    #[test]
    fn names_of_columns_that_are_gone_leave_the_policy_and_others_stay() {
        let history = History(vec![(3, entry(FIRST))]);
        let now = schema(&[FIRST[0], FIRST[2]]);
        let policy = history.without_gone(entry(FIRST).policy, &[now]);
        assert_eq!(policy.tables[0].plain, ["nonsense"]);
    }

    #[test]
    fn another_key_is_no_change_to_go_on_with() {
        let guarded = |columns: &[(&str, &str)], key: &str| {
            vec![GuardedTable::new(schema(columns), &[key]).unwrap()]
        };
        let known = entry(FIRST);
        assert!(can_go_on(&known, &guarded(FIRST, "id")).is_ok());
        assert!(can_go_on(&known, &guarded(FIRST, "note")).is_err());
        assert!(can_go_on(&known, &guarded(&[("id", "text"), FIRST[2]], "id")).is_err());
    }

    #[test]
    fn what_changed_is_said() {
        let now = schema(&[
            FIRST[0],
            ("remark", "text"),
            ("total", "bigint"),
            ("gift", "int"),
        ]);
        let said = differences(&schema(FIRST), &now);
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].contains("note is gone and remark (text) is new in its place"));
        assert!(said[1].contains("gift (int) is new"));
        assert!(said[2].contains("total was numeric(12,2) and is bigint"));
    }

    #[test]
    fn numbers_are_compared_by_their_value() {
        let between = |was: &str, is: &str, a: Value, b: Value| {
            Meaning::of(was, is).same(a.as_ref(), b.as_ref())
        };
        let same = |a: Value, b: Value| between("character(9)", "numeric(9,2)", a, b);
        assert!(same(Value::Integer(5), Value::text("5.00")));
        assert!(same(Value::text("-0.0"), Value::Integer(0)));
        assert!(same(Value::text("a  "), Value::text("a")));
        assert!(!same(Value::text("5.01"), Value::text("5.00")));
        assert!(!same(Value::Null, Value::text("")));
        // An account is no number, whatever it is made of.
        let texts = |a, b| {
            between(
                "character varying(20)",
                "text",
                Value::text(a),
                Value::text(b),
            )
        };
        assert!(texts("0098765", "0098765"));
        assert!(!texts("0098765", "98765"));
        assert!(!texts("5.0", "5.00"));
        assert!(!texts("a  ", "a"));
        let padded = |a, b| between("char(8)", "varchar(8)", Value::text(a), Value::text(b));
        assert!(padded("a  ", "a"));
        assert!(!padded("007", "7"));
        assert!(between(
            "bigint",
            "text",
            Value::Integer(7),
            Value::text("7")
        ));
        assert!(between(
            "BIGINT unsigned",
            "varchar(20)",
            Value::Integer(7),
            Value::text("7")
        ));
    }
}
