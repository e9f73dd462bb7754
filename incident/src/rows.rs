//! The rows of the shop that an incident is about, each followed until it is put right.
//!
//! Deliberately not here: values and columns of the rows, which stand in the findings.

use crate::bounds::{MAX_CURRENCIES, MAX_KEYS_PER_COMMAND, MAX_ROWS, MAX_SUBJECTS};
use model::{Figure, Finding, FindingKind, Instant, Money, SourceName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of one table, by the keys that people read.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct TableRows {
    pub source: SourceName,
    pub table: String,
    pub keys: Vec<String>,
}

/// Number of rows of all tables given.
pub fn count(rows: &[TableRows]) -> usize {
    rows.iter().map(|r| r.keys.len()).sum()
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    Altered,
    Forged,
    Deleted,
}

impl Damage {
    pub const ALL: [Self; 3] = [Self::Altered, Self::Forged, Self::Deleted];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Forged => "forged",
            Self::Deleted => "deleted",
        }
    }
    pub const fn of(kind: FindingKind) -> Option<Self> {
        match kind {
            FindingKind::Altered => Some(Self::Altered),
            FindingKind::Forged => Some(Self::Forged),
            FindingKind::Deleted => Some(Self::Deleted),
            _ => None,
        }
    }
}

/// Findings that join an incident, as one command and one fact carry them.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FindingsBatch {
    /// Findings by kind, each finding once in the life of the incident.
    pub by_kind: Vec<(FindingKind, u32)>,
    /// The rows concerned, by what happened to them.
    pub rows: Vec<(Damage, TableRows)>,
    /// Opaque ids of the data subjects concerned.
    pub subjects: Vec<String>,
    /// Money at risk, one amount a currency.
    pub at_risk: Vec<Money>,
    pub first_seen_at: Option<Instant>,
    pub last_seen_at: Option<Instant>,
    /// True when rows are written at this moment: the attacker goes on.
    #[serde(default)]
    pub ongoing: bool,
}

impl FindingsBatch {
    /// Sums findings up, in as many batches as the bounds of a command need. Order is kept.
    pub fn of(findings: &[Finding]) -> Vec<Self> {
        findings
            .chunks(MAX_KEYS_PER_COMMAND / 2)
            .map(Self::sum)
            .collect()
    }

    fn sum(findings: &[Finding]) -> Self {
        let mut batch = Self::default();
        for finding in findings {
            match batch.by_kind.iter_mut().find(|(k, _)| *k == finding.kind) {
                Some((_, n)) => *n += 1,
                None => batch.by_kind.push((finding.kind, 1)),
            }
            batch.add_row(finding);
            if let Some(subject) = &finding.subject
                && !batch.subjects.contains(subject)
            {
                batch.subjects.push(subject.clone());
            }
            if let Some(money) = &finding.at_risk {
                add_money(&mut batch.at_risk, money);
            }
            let seen = Some(finding.seen_at);
            batch.first_seen_at = batch.first_seen_at.min(seen).or(seen);
            batch.last_seen_at = batch.last_seen_at.max(seen);
        }
        batch
    }

    fn add_row(&mut self, finding: &Finding) {
        let Some(damage) = Damage::of(finding.kind) else {
            return;
        };
        let rows = self.rows.iter_mut().find(|(d, rows)| {
            *d == damage && rows.source == finding.source && rows.table == finding.table
        });
        match rows {
            Some((_, rows)) if rows.keys.contains(&finding.key) => {}
            Some((_, rows)) => rows.keys.push(finding.key.clone()),
            None => self.rows.push((
                damage,
                TableRows {
                    source: finding.source.clone(),
                    table: finding.table.clone(),
                    keys: vec![finding.key.clone()],
                },
            )),
        }
    }

    /// Number of row keys in it.
    pub fn key_count(&self) -> usize {
        self.rows.iter().map(|(_, rows)| rows.keys.len()).sum()
    }
}

/// A known number, or an estimate where some were counted without being told apart.
fn counted(exact: u64, more: u64) -> Figure {
    let low = i64::try_from(exact).unwrap_or(i64::MAX);
    if more == 0 {
        return Figure::Known { value: low };
    }
    let high = low.saturating_add(i64::try_from(more).unwrap_or(i64::MAX));
    Figure::Estimated { low, high }
}

fn add_money(sums: &mut Vec<Money>, money: &Money) {
    let Some(sum) = sums.iter_mut().find(|m| m.currency == money.currency) else {
        if sums.len() < MAX_CURRENCIES {
            sums.push(money.clone());
        }
        return;
    };
    sum.amount_minor = sum.amount_minor.saturating_add(money.amount_minor);
}

/// One row and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackedRow {
    pub damage: Damage,
    pub found_at: Instant,
    pub state: RowState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    Open,
    /// An applied repair put it right, or a later audit found it lawful.
    Repaired,
    /// A person decided that it stays as it is.
    Accepted,
}

/// Rows by what happened to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowCounts {
    pub altered: u64,
    pub forged: u64,
    pub deleted: u64,
}

impl RowCounts {
    pub const fn total(self) -> u64 {
        self.altered + self.forged + self.deleted
    }
    pub const fn of(self, damage: Damage) -> u64 {
        match damage {
            Damage::Altered => self.altered,
            Damage::Forged => self.forged,
            Damage::Deleted => self.deleted,
        }
    }
    pub(crate) fn add(&mut self, damage: Damage, n: u64) {
        let count = match damage {
            Damage::Altered => &mut self.altered,
            Damage::Forged => &mut self.forged,
            Damage::Deleted => &mut self.deleted,
        };
        *count = count.saturating_add(n);
    }
}

/// Everything that findings told about an incident.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FindingsSummary {
    pub by_kind: Vec<(FindingKind, u64)>,
    pub first_seen_at: Option<Instant>,
    pub last_seen_at: Option<Instant>,
    /// When findings were last added.
    pub last_added_at: Option<Instant>,
    pub at_risk: Vec<Money>,
    /// `source`, then `table`, then key.
    pub rows: BTreeMap<String, BTreeMap<String, BTreeMap<String, TrackedRow>>>,
    pub counts: RowCounts,
    pub open: RowCounts,
    /// Rows beyond [`MAX_ROWS`], which are counted only.
    pub untracked: u64,
    pub subjects: BTreeSet<String>,
    /// Subjects beyond [`MAX_SUBJECTS`]; some of them may be counted twice.
    pub more_subjects: u64,
}

impl FindingsSummary {
    pub fn total(&self) -> u64 {
        self.by_kind.iter().map(|(_, n)| n).sum()
    }
    pub fn row(&self, source: &SourceName, table: &str, key: &str) -> Option<&TrackedRow> {
        self.rows.get(source.as_str())?.get(table)?.get(key)
    }
    /// Rows that are neither repaired nor decided on, as tables.
    pub fn open_rows(&self) -> Vec<TableRows> {
        let mut out = Vec::new();
        for (source, tables) in &self.rows {
            for (table, rows) in tables {
                let keys: Vec<String> = rows
                    .iter()
                    .filter(|(_, row)| row.state == RowState::Open)
                    .map(|(key, _)| key.clone())
                    .collect();
                if !keys.is_empty() {
                    out.push(TableRows {
                        source: SourceName::new(source.clone()),
                        table: table.clone(),
                        keys,
                    });
                }
            }
        }
        out
    }

    /// Data subjects counted; an estimate once they are more than are followed one by one.
    pub fn persons(&self) -> Figure {
        counted(self.subjects.len() as u64, self.more_subjects)
    }

    /// Rows and persons as they will stand with one more batch.
    pub(crate) fn counted_with(&self, batch: &FindingsBatch) -> (Figure, Figure) {
        let mut new = BTreeSet::new();
        for (_, rows) in &batch.rows {
            for key in &rows.keys {
                if self.row(&rows.source, &rows.table, key).is_none() {
                    new.insert((&rows.source, &rows.table, key));
                }
            }
        }
        let all = self.counts.total() + new.len() as u64;
        let followed = all.min(MAX_ROWS as u64);
        let rows = counted(followed, all - followed + self.untracked);
        let subjects = batch
            .subjects
            .iter()
            .filter(|s| !self.subjects.contains(*s));
        let all = (self.subjects.len() + subjects.collect::<BTreeSet<_>>().len()) as u64;
        let followed = all.min(MAX_SUBJECTS as u64);
        (rows, counted(followed, all - followed + self.more_subjects))
    }

    pub(crate) fn add(&mut self, batch: &FindingsBatch, at: Instant) {
        for (kind, n) in &batch.by_kind {
            match self.by_kind.iter_mut().find(|(k, _)| k == kind) {
                Some((_, sum)) => *sum += u64::from(*n),
                None => self.by_kind.push((*kind, u64::from(*n))),
            }
        }
        for (damage, rows) in &batch.rows {
            for key in &rows.keys {
                self.add_row(*damage, rows, key, at);
            }
        }
        for subject in &batch.subjects {
            if self.subjects.len() < MAX_SUBJECTS {
                self.subjects.insert(subject.clone());
            } else if !self.subjects.contains(subject) {
                self.more_subjects += 1;
            }
        }
        batch
            .at_risk
            .iter()
            .for_each(|money| add_money(&mut self.at_risk, money));
        self.first_seen_at = [self.first_seen_at, batch.first_seen_at]
            .into_iter()
            .flatten()
            .min();
        self.last_seen_at = self.last_seen_at.max(batch.last_seen_at);
        self.last_added_at = Some(at);
    }

    fn add_row(&mut self, damage: Damage, rows: &TableRows, key: &str, at: Instant) {
        let full = self.counts.total() >= MAX_ROWS as u64;
        let table = self
            .rows
            .entry(rows.source.0.clone())
            .or_default()
            .entry(rows.table.clone())
            .or_default();
        match table.get_mut(key) {
            // Found once more after it was put right, or differently: it is open again, counted once.
            Some(row) => {
                if row.state != RowState::Open {
                    row.state = RowState::Open;
                    self.open.add(row.damage, 1);
                }
                row.found_at = at;
            }
            None if full => self.untracked += 1,
            None => {
                let row = TrackedRow {
                    damage,
                    found_at: at,
                    state: RowState::Open,
                };
                table.insert(key.to_owned(), row);
                self.counts.add(damage, 1);
                self.open.add(damage, 1);
            }
        }
    }

    /// Leaves rows out that another incident follows from now on.
    pub(crate) fn remove(&mut self, rows: &[TableRows]) {
        for named in rows {
            let tables = self.rows.get_mut(named.source.as_str());
            let Some(table) = tables.and_then(|tables| tables.get_mut(&named.table)) else {
                continue;
            };
            for row in named.keys.iter().filter_map(|key| table.remove(key)) {
                self.counts.take(row.damage);
                if row.state == RowState::Open {
                    self.open.take(row.damage);
                }
            }
        }
    }

    /// Marks rows found not later than `until` as settled; rows that are not followed are left out.
    pub(crate) fn settle(&mut self, rows: &[TableRows], until: Instant, state: RowState) {
        for named in rows {
            let Some(table) = self
                .rows
                .get_mut(named.source.as_str())
                .and_then(|tables| tables.get_mut(&named.table))
            else {
                continue;
            };
            for key in &named.keys {
                if let Some(row) = table.get_mut(key)
                    && row.state == RowState::Open
                    && row.found_at <= until
                {
                    row.state = state;
                    self.open.take(row.damage);
                }
            }
        }
    }

    /// Marks every open row of a source found not later than `until` as settled; of all sources
    /// where none is named.
    pub(crate) fn settle_all(
        &mut self,
        source: Option<&SourceName>,
        until: Instant,
        state: RowState,
    ) {
        let of_source = |name: &String| source.is_none_or(|source| source.as_str() == name);
        for row in self
            .rows
            .iter_mut()
            .filter(|(name, _)| of_source(name))
            .flat_map(|(_, tables)| tables.values_mut())
            .flat_map(|rows| rows.values_mut())
        {
            if row.state == RowState::Open && row.found_at <= until {
                row.state = state;
                self.open.take(row.damage);
            }
        }
    }
}

impl RowCounts {
    fn take(&mut self, damage: Damage) {
        let count = match damage {
            Damage::Altered => &mut self.altered,
            Damage::Forged => &mut self.forged,
            Damage::Deleted => &mut self.deleted,
        };
        *count = count.saturating_sub(1);
    }
}
