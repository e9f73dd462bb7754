//! In what company a kind of write came, every time: which other rows its transaction wrote.

use super::observe::Net;
use super::pointers::ShownPointers;
use super::tables::Tables;
use model::policy::WriteKind;
use model::{Key, ValueRef};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Sets of companions that are told apart for one kind of write; beyond it only those companions
/// count that were there every time.
pub(super) const MAX_SIGNATURES: usize = 256;

/// Kinds of write for which company is kept; further values of a state are not told apart.
const MAX_CLASSES: usize = 20_000;

/// Rows of one transaction that are looked at; a bulk load shows nothing more after so many.
const MAX_ROWS: usize = 2_000;

/// A kind of write that may need company.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Class {
    pub(super) table: u16,
    pub(super) op: WriteKind,
    /// Of updates: the column that changed; of inserts: the column that tells them apart.
    pub(super) column: Option<u16>,
    /// The value of that column after the write.
    pub(super) value: Option<String>,
}

/// How another row hangs together with the one in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Link {
    /// This column of the other row points here.
    Via(u16),
    /// This column of this row points there.
    To(u16),
    Any,
}

/// Another write, as company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Feature {
    pub(super) table: u16,
    pub(super) op: WriteKind,
    pub(super) link: Link,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) times: u64,
    pub(super) with: BTreeMap<Feature, Always>,
    /// Sets of companions -> how often.
    pub(super) signatures: BTreeMap<Vec<Feature>, u64>,
    pub(super) too_varied: bool,
}

/// What a companion was like every time.
#[derive(Clone, Debug, Default)]
pub(super) struct Always {
    pub(super) times: u64,
    /// Columns that changed, when it was an update.
    pub(super) changed: Columns,
    /// What it was told apart by.
    pub(super) values: BTreeSet<String>,
}

/// A set of columns; those beyond the 256th are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns([u64; 4]);

impl Columns {
    fn of(columns: &[u16]) -> Self {
        let mut set = Self::default();
        for c in columns.iter().filter(|c| **c < 256) {
            set.0[usize::from(c / 64)] |= 1 << (c % 64);
        }
        set
    }
    fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }
    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }
    pub(super) fn contains(&self, c: u16) -> bool {
        c < 256 && self.0[usize::from(c / 64)] >> (c % 64) & 1 != 0
    }
}

#[derive(Debug, Default)]
pub(super) struct Company {
    pub(super) classes: HashMap<Class, Seen>,
    /// Transactions that wrote anything but noise, and those of them that wrote several tables.
    pub(super) transactions: u64,
    pub(super) several: u64,
    /// Columns that held the key of a row written beside them.
    pub(super) shown: ShownPointers,
}

impl Company {
    pub(super) fn observe(&mut self, tables: &Tables, nets: &[Net]) {
        let nets = &nets[..nets.len().min(MAX_ROWS)];
        let written: BTreeSet<u16> = nets
            .iter()
            .map(|net| net.table)
            .filter(|t| !tables.is_noise(*t))
            .collect();
        self.transactions += u64::from(!written.is_empty());
        self.several += u64::from(written.len() > 1);
        let by_key: HashMap<(u16, &Key), usize> = nets
            .iter()
            .enumerate()
            .map(|(at, net)| ((net.table, &net.key), at))
            .collect();
        self.shown.observe(tables, nets, &by_key);
        let mut pointing: HashMap<usize, Vec<(usize, u16)>> = HashMap::new();
        let mut pointed: Vec<Vec<(usize, u16)>> = vec![Vec::new(); nets.len()];
        for (at, net) in nets.iter().enumerate() {
            let shown = self.shown.of(net.table);
            for pointer in tables.pointers(net.table).iter().chain(shown.iter()) {
                let Some(key) = key_in(net, pointer.column) else {
                    continue;
                };
                if let Some(&to) = by_key.get(&(pointer.to, &key))
                    && to != at
                {
                    pointing.entry(to).or_default().push((at, pointer.column));
                    pointed[at].push((to, pointer.column));
                }
            }
        }
        for (at, net) in nets.iter().enumerate() {
            let mut with: BTreeMap<Feature, Always> = BTreeMap::new();
            let mut add = |other: usize, link: Link| {
                let other = &nets[other];
                let feature = Feature {
                    table: other.table,
                    op: other.op,
                    link,
                };
                let always = with.entry(feature).or_default();
                always.changed = always.changed.or(Columns::of(&other.changed));
                if let Some(column) = tables.telling_column(other.table) {
                    always.values.insert(other.cell(column).to_string());
                }
            };
            for (other, column) in pointing.get(&at).into_iter().flatten() {
                add(*other, Link::Via(*column));
            }
            for (other, column) in &pointed[at] {
                add(*other, Link::To(*column));
            }
            for (other, row) in nets.iter().enumerate() {
                if other != at && !tables.is_noise(row.table) && tables.has_key(row.table) {
                    add(other, Link::Any);
                }
            }
            for class in classes_of(tables, net) {
                self.count(class, &with);
            }
        }
    }

    fn count(&mut self, class: Class, with: &BTreeMap<Feature, Always>) {
        if self.classes.len() >= MAX_CLASSES && !self.classes.contains_key(&class) {
            return;
        }
        let seen = self.classes.entry(class).or_default();
        seen.times += 1;
        for (feature, now) in with {
            let always = seen.with.entry(*feature).or_insert_with(|| now.clone());
            always.times += 1;
            always.changed = always.changed.and(now.changed);
            always.values.retain(|value| now.values.contains(value));
        }
        let signature: Vec<Feature> = with.keys().copied().collect();
        if seen.signatures.len() >= MAX_SIGNATURES && !seen.signatures.contains_key(&signature) {
            seen.too_varied = true;
        } else {
            *seen.signatures.entry(signature).or_default() += 1;
        }
    }
}

/// The key that a column points to.
pub(super) fn key_in(net: &Net, column: u16) -> Option<Key> {
    let pointed = |row: &Option<model::Row>| {
        let cell = row.as_ref()?.get(usize::from(column))?;
        (cell != ValueRef::Null).then(|| Key::of([cell]))?
    };
    pointed(&net.new).or_else(|| pointed(&net.old))
}

fn classes_of(tables: &Tables, net: &Net) -> Vec<Class> {
    let class = |column: Option<u16>, value: Option<String>| Class {
        table: net.table,
        op: net.op,
        column,
        value,
    };
    let value = |c: u16| match net.cell(c) {
        ValueRef::Null => None,
        cell => Some(cell.to_string()),
    };
    match net.op {
        WriteKind::Insert => {
            let mut classes = vec![class(None, None)];
            if let Some(c) = tables.telling_column(net.table) {
                classes.extend(value(c).map(|v| class(Some(c), Some(v))));
            }
            classes
        }
        WriteKind::Delete => vec![class(None, None)],
        WriteKind::Update => {
            let mut classes = vec![class(None, None)];
            for &c in &net.changed {
                classes.push(class(Some(c), None));
                if tables.has_few_values(net.table, c)
                    && let Some(v) = value(c)
                {
                    classes.push(class(Some(c), Some(v)));
                }
            }
            classes
        }
    }
}
