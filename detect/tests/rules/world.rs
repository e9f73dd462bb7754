//! A shop of any tables, written as text: its rows as they stand and as they lawfully are.
//!
//! Tables: `orders id state total; lines id order_id price`. The first column is the key. Rows:
//! `orders 1 paid #12.50`, where a number is an integer, `#` makes it a text, an `r` behind it a
//! real, and `NULL` is NULL. A batch is one line a row, `- orders 1` for a deletion, and `--`
//! between transactions.

use detect::{Judge, compile_for};
use model::policy::{ColumnSchema, Sees};
use model::{
    Change, Instant, Judgement, Key, Row, SourcePolicy, Stamp, Standing, TableSchema, Value,
    Verdict,
};
use std::collections::BTreeMap;

#[derive(Clone, Default)]
struct Stands {
    live: Option<Row>,
    lawful: Option<Row>,
    standing: Standing,
}

pub struct World {
    pub judge: Judge,
    names: Vec<String>,
    rows: BTreeMap<(u16, Key), Stands>,
    pub stamp: Stamp,
    pub witnessed: bool,
    pub coalesced: bool,
}

pub fn schemas(tables: &str) -> Vec<TableSchema> {
    tables
        .split(';')
        .map(|table| {
            let mut names = table.split_whitespace();
            TableSchema {
                name: names.next().unwrap().into(),
                columns: names
                    .map(|name| ColumnSchema {
                        name: name.into(),
                        declared: "NUMERIC".into(),
                        not_null: false,
                    })
                    .collect(),
                primary_key: vec![0],
                foreign_keys: Vec::new(),
            }
        })
        .collect()
}

/// Every table of the schema is guarded, those that the policy leaves out too.
pub fn policy(tables: &str, policy: &str) -> SourcePolicy {
    let none = if policy.contains("[[tables]]") {
        ""
    } else {
        "tables = []"
    };
    let text = format!("source = \"shop\"\n{none}\n{policy}");
    let mut policy: SourcePolicy = toml::from_str(&text).unwrap();
    for schema in schemas(tables) {
        if policy.table(&schema.name).is_none() {
            let table = format!("name = {:?}", schema.name);
            policy.tables.push(toml::from_str(&table).unwrap());
        }
    }
    policy
}

impl World {
    pub fn new(tables: &str, rules: &str) -> Self {
        Self::seen(tables, rules, Sees::Transactions)
    }

    pub fn seen(tables: &str, rules: &str, sees: Sees) -> Self {
        let policy = policy(tables, rules);
        let compiled = compile_for(&policy, &schemas(tables), sees)
            .unwrap_or_else(|problems| panic!("{problems:#?}"));
        Self {
            judge: Judge::new(compiled),
            names: policy.tables.iter().map(|t| t.name.clone()).collect(),
            rows: BTreeMap::new(),
            stamp: Stamp::NotAsked,
            witnessed: true,
            coalesced: false,
        }
    }

    /// Rows of the baseline.
    pub fn learn(mut self, rows: &str) -> Self {
        for line in rows.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let (table, key, row) = self.read(line);
            self.judge.learn(table, &key, row.as_ref());
            let stands = Stands {
                live: row.clone(),
                lawful: row,
                standing: Standing::Clean,
            };
            self.rows.insert((table, key), stands);
        }
        self
    }

    fn read(&self, line: &str) -> (u16, Key, Option<Row>) {
        let (gone, line) = match line.strip_prefix("- ") {
            Some(line) => (true, line),
            None => (false, line),
        };
        let mut words = line.split_whitespace();
        let name = words.next().unwrap();
        let table = self.names.iter().position(|n| n == name).unwrap() as u16;
        let values: Vec<Value> = words.map(value).collect();
        let key = Key::of([values[0].as_ref()]).unwrap();
        let row = (!gone).then(|| Row::from_values(values.iter().map(Value::as_ref)));
        (table, key, row)
    }

    /// The changes of a batch, against the rows as they stand.
    pub fn changes(&self, batch: &str) -> Vec<Change> {
        let mut transaction = 0;
        let mut changes = Vec::new();
        for line in batch.lines().map(str::trim).filter(|l| !l.is_empty()) {
            if line == "--" {
                transaction += 1;
                continue;
            }
            let (table, key, new) = self.read(line);
            let stands = self.rows.get(&(table, key.clone())).cloned();
            let Stands {
                live,
                lawful,
                standing,
            } = stands.unwrap_or(Stands {
                standing: Standing::Gone,
                ..Stands::default()
            });
            changes.push(Change {
                table,
                key,
                lawful: (live != lawful).then_some(lawful),
                old: live,
                new,
                standing,
                witnessed: self.witnessed,
                coalesced: self.coalesced,
                transaction,
                stamp: self.stamp,
                seen_at: Instant::from_secs(1),
            });
        }
        changes
    }

    /// Judges a batch and says what is not lawful in it.
    pub fn batch(&mut self, batch: &str) -> String {
        let changes = self.changes(batch);
        self.judged(changes)
    }

    pub fn judged(&mut self, changes: Vec<Change>) -> String {
        let mut out = Vec::new();
        self.judge.judge(&changes, &mut out);
        let mut said = Vec::new();
        for (change, judgement) in changes.into_iter().zip(out) {
            if judgement.verdict != Verdict::Lawful || !judgement.hits.is_empty() {
                let name = &self.names[usize::from(change.table)];
                said.push(format!("{name} {}: {}", change.key, shown(&judgement)));
            }
            self.take(change, &judgement);
        }
        said.sort();
        said.join("\n")
    }

    fn take(&mut self, change: Change, judgement: &Judgement) {
        let stands = self.rows.entry((change.table, change.key)).or_default();
        let before = stands.lawful.take();
        stands.lawful = match (&judgement.standing, &change.new, before) {
            (Standing::Altered { columns }, Some(new), Some(lawful)) => {
                let kept: Vec<(u16, Value)> = columns
                    .iter()
                    .map(|c| (*c, lawful.get(usize::from(*c)).unwrap().to_value()))
                    .collect();
                Some(new.with(&kept))
            }
            (Standing::Clean, Some(new), _) => Some(new.clone()),
            (Standing::Deleted, _, before) => before,
            _ => None,
        };
        stands.live = change.new;
        stands.standing = judgement.standing.clone();
    }
}

fn value(word: &str) -> Value {
    if word == "NULL" {
        return Value::Null;
    }
    if let Some(text) = word.strip_prefix('#') {
        return Value::text(text);
    }
    if let Some(real) = word.strip_suffix('r')
        && let Ok(real) = real.parse()
    {
        return Value::Real(real);
    }
    match word.parse() {
        Ok(integer) => Value::Integer(integer),
        Err(_) => Value::text(word),
    }
}

fn shown(judgement: &Judgement) -> String {
    let standing = match &judgement.standing {
        Standing::Altered { columns } => format!("Altered{columns:?}"),
        other => format!("{other:?}"),
    };
    let hits: Vec<String> = judgement
        .hits
        .iter()
        .map(|h| format!("{}{:?}", h.rule, h.columns))
        .collect();
    let verdict = match judgement.verdict {
        Verdict::Unlawful => String::new(),
        other => format!("{other:?} "),
    };
    format!("{verdict}{standing} {}", hits.join(" "))
}
