//! Which rows a question concerns, and which entries of the ledger are theirs.
//!
//! Two ways meet here: the chain of a row's entries, from the newest that the index knows back to
//! the first, and a bounded sweep of the ledger. The chain is exact and cheap; the sweep finds what
//! no chain leads to: rows lawfully gone, images that a repair expected, rows of a person, times in
//! which nobody looked.

use super::report::{BlindTime, Cut, Question};
use super::sight::Sight;
use super::unanswered::Unanswered;
use super::{MOST_COUNTED, MOST_ROWS, MOST_STEPS, MOST_SWEPT, RowName, row_of_entry};
use crate::DeskError;
use model::entry::{EntryKind, LedgerEntry, RowEntry};
use model::{Finding, Instant, Verdict};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What is known of one row before its life is told.
#[derive(Default)]
pub(super) struct Trail {
    pub entries: BTreeSet<u64>,
    pub unlawful: bool,
    pub unwitnessed: bool,
    pub subject: Option<Vec<u8>>,
    /// Entry and money of the newest image.
    pub money: Option<(u64, i64, String)>,
    pub first_at: Option<Instant>,
    pub last_at: Option<Instant>,
    /// Earlier entries were left out.
    pub cut: bool,
}

#[derive(Default)]
pub(super) struct Trails {
    pub rows: BTreeMap<RowName, Trail>,
    pub cuts: Vec<Cut>,
    watch: Vec<(u64, Watch)>,
}

/// What a watch entry tells; see `desk::ledger`.
#[derive(Deserialize)]
struct Watch {
    watch: String,
    at: Instant,
    #[serde(default)]
    blind_since: Option<Instant>,
    #[serde(default)]
    reason: String,
}

impl Trail {
    fn note(&mut self, index: u64, entry: &RowEntry, sight: &mut Sight) -> Result<(), DeskError> {
        if sight.hidden.contains(&index) || !self.entries.insert(index) {
            return Ok(());
        }
        // An expected image is an intention; the change that follows it counts.
        if entry.kind == EntryKind::Expected {
            return Ok(());
        }
        let verdict = entry.judgement.verdict;
        self.unlawful |= verdict == Verdict::Unlawful || !entry.judgement.hits.is_empty();
        let baseline = entry.kind == EntryKind::Baseline;
        self.unwitnessed |= verdict == Verdict::Unwitnessed || !(entry.witnessed || baseline);
        self.first_at = Some(self.first_at.map_or(entry.at, |at| at.min(entry.at)));
        self.last_at = Some(self.last_at.map_or(entry.at, |at| at.max(entry.at)));
        let shape = sight.shape(entry.schema)?;
        if let Some(subject) = shape.subject(entry) {
            self.subject = Some(subject);
        }
        let newer = self.money.as_ref().is_none_or(|(at, ..)| *at < index);
        if let Some(image) = entry.image.as_ref().filter(|_| newer)
            && let Some((minor, currency)) = shape.money(entry.table, image)
        {
            self.money = Some((index, minor, currency));
        }
        Ok(())
    }
}

impl Trails {
    pub fn of_finding(sight: &mut Sight, finding: &Finding) -> Result<Self, Unanswered> {
        if let Some(name) = row_of_entry(sight, finding) {
            return Ok(Self::of_rows(sight, vec![name])?);
        }
        if finding.table.is_empty() || finding.key.is_empty() {
            return Err(Unanswered::FindingWithoutRow {
                id: finding.id.clone(),
                seen_at: finding.seen_at,
            });
        }
        Self::of_row(sight, &finding.table, &finding.key)
    }

    pub fn of_row(sight: &mut Sight, table: &str, key: &str) -> Result<Self, Unanswered> {
        let shape = sight.shape_now()?;
        let Some(number) = shape.table(table) else {
            let known: Vec<&str> = shape.schemas.iter().map(|s| s.name.as_str()).collect();
            return Err(Unanswered::UnknownTable {
                table: table.to_owned(),
                known: known.join(", "),
            });
        };
        let names: Vec<RowName> = shape
            .keys(number, key)
            .into_iter()
            .map(|key| (number, key))
            .collect();
        if names.is_empty() {
            let columns = shape.sealer.table(number).map_or(0, |t| t.key.len());
            return Err(Unanswered::BadKey {
                table: table.to_owned(),
                key: key.to_owned(),
                columns,
            });
        }
        let trails = Self::of_rows(sight, names)?;
        if trails.rows.is_empty() {
            return Err(Unanswered::NoRow {
                table: table.to_owned(),
                key: key.to_owned(),
            });
        }
        Ok(trails)
    }

    fn of_rows(sight: &mut Sight, names: Vec<RowName>) -> Result<Self, DeskError> {
        let mut trails = Self::default();
        let range = trails.newest(sight);
        trails.sweep(sight, range, |_, entry, _| {
            names
                .iter()
                .any(|(table, key)| *table == entry.table && *key == entry.key)
        })?;
        for name in names {
            if sight.last_of(&name)?.is_some() {
                trails.rows.entry(name).or_default();
            }
        }
        trails.follow(sight)?;
        Ok(trails)
    }

    pub fn of_person(sight: &mut Sight, table: &str, key: &str) -> Result<Self, Unanswered> {
        let subjects = subjects(sight, table, key)?;
        let mut trails = Self::default();
        let range = trails.newest(sight);
        trails.sweep(sight, range, |known, entry, shape| {
            // Of a row that was deleted the entry may name nobody any more.
            known || shape.subject(entry).is_some_and(|s| subjects.contains(&s))
        })?;
        if trails.rows.is_empty() {
            return Err(Unanswered::NoRowOfPerson {
                table: table.to_owned(),
                key: key.to_owned(),
            });
        }
        trails.follow(sight)?;
        Ok(trails)
    }

    pub fn of_window(sight: &mut Sight, from: Instant, until: Instant) -> Result<Self, Unanswered> {
        if until < from {
            return Err(Unanswered::Backwards { from, until });
        }
        let mut trails = Self::default();
        let start = first_at(sight, from)?;
        // The end of a blind time may be told only after the window.
        let end = sight.size.min(start.saturating_add(MOST_SWEPT));
        let told = first_at(sight, Instant(until.0.saturating_add(1)))?;
        if told > end {
            trails.cuts.push(Cut::Swept {
                from: start,
                until: end,
                of: sight.size,
            });
        }
        trails.sweep(sight, start..end, |_, entry, _| {
            entry.at >= from && entry.at <= until
        })?;
        trails.lives(sight)?;
        Ok(trails)
    }

    /// Rows concerned that are known.
    pub fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The rows whose lives are told: unlawful ones first, then those that nobody saw.
    pub fn order(&self) -> Vec<RowName> {
        let mut names: Vec<(&RowName, &Trail)> = self.rows.iter().collect();
        names.sort_by_key(|(_, trail)| (!trail.unlawful, !trail.unwitnessed));
        names.truncate(MOST_ROWS);
        names.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// When the guard was not looking, from the first step on; for a window, within it.
    pub fn blind_times(&self, question: &Question) -> Vec<BlindTime> {
        let first = self.rows.values().filter_map(|t| t.first_at).min();
        let (from, until) = match question {
            Question::Window { from, until, .. } => (Some(*from), Some(*until)),
            _ => (first, None),
        };
        let times = self.watch.iter().filter_map(|(entry, watch)| {
            let since = match watch.watch.as_str() {
                "started" => Some(watch.blind_since?),
                "lost" => watch.blind_since,
                _ => return None,
            };
            Some(BlindTime {
                from: since,
                until: watch.at,
                reason: watch.reason.clone(),
                entry: *entry,
            })
        });
        times
            .filter(|t| from.is_none_or(|from| t.until >= from))
            .filter(|t| until.is_none_or(|until| t.from.unwrap_or(t.until) <= until))
            .collect()
    }

    /// The newest entries that one question may look through.
    fn newest(&mut self, sight: &Sight) -> Range<u64> {
        let from = sight.size.saturating_sub(MOST_SWEPT);
        if from > 0 {
            self.cuts.push(Cut::Swept {
                from,
                until: sight.size,
                of: sight.size,
            });
        }
        if sight.snapshot.is_none() {
            self.cuts.push(Cut::NoIndex);
        }
        from..sight.size
    }

    /// Streams the entries of a range and notes the rows that `wanted` picks; it is told whether
    /// the row is known already.
    fn sweep(
        &mut self,
        sight: &mut Sight,
        range: Range<u64>,
        wanted: impl Fn(bool, &RowEntry, &super::sight::Shape) -> bool,
    ) -> Result<(), DeskError> {
        let reader = sight.reader.clone();
        let mut left_out = false;
        reader.for_each(range, |index, bytes| -> Result<(), DeskError> {
            match LedgerEntry::decode(bytes)? {
                LedgerEntry::Watch(json) => {
                    self.watch.push((index, serde_json::from_slice(&json)?))
                }
                LedgerEntry::Row(entry) => {
                    let name = (entry.table, entry.key.clone());
                    let known = self.rows.contains_key(&name);
                    let shape = sight.shape(entry.schema)?;
                    if !wanted(known, &entry, &shape) {
                        return Ok(());
                    }
                    if known || self.rows.len() < MOST_COUNTED {
                        let trail = self.rows.entry(name).or_default();
                        trail.note(index, &entry, sight)?;
                    } else {
                        left_out = true;
                    }
                }
                LedgerEntry::Schema(_) | LedgerEntry::Transaction(_) => {}
            }
            Ok(())
        })?;
        if left_out {
            self.cuts.push(Cut::Counted {
                counted: self.rows.len() as u64,
            });
        }
        Ok(())
    }

    /// Follows the chains of the rows that are told, and takes what they lead to into the scope.
    fn follow(&mut self, sight: &mut Sight) -> Result<(), DeskError> {
        for name in self.order() {
            let Some(trail) = self.rows.get_mut(&name) else {
                continue;
            };
            for (index, entry) in chain(sight, &name, trail)? {
                trail.note(index, &entry, sight)?;
            }
        }
        Ok(())
    }

    /// As [`Self::follow`], but what lies outside the window belongs to their lives, not to the scope.
    fn lives(&mut self, sight: &mut Sight) -> Result<(), DeskError> {
        for name in self.order() {
            let Some(trail) = self.rows.get_mut(&name) else {
                continue;
            };
            let steps = chain(sight, &name, trail)?;
            trail.entries.extend(steps.into_iter().map(|(i, _)| i));
        }
        Ok(())
    }
}

/// The entries of a row's chain, newest first.
fn chain(
    sight: &Sight,
    name: &RowName,
    trail: &mut Trail,
) -> Result<Vec<(u64, RowEntry)>, DeskError> {
    let known = trail.entries.last().copied();
    let mut next = sight.last_of(name)?.max(known);
    let mut out = Vec::new();
    while let Some(index) = next {
        let entry = sight.row_entry(index)?;
        if (entry.table, &entry.key) != (name.0, &name.1) {
            return Err(recover::RecoverError::NoImage { index }.into());
        }
        if out.len() >= MOST_STEPS {
            trail.cut = true;
            break;
        }
        // A chain only ever leads back.
        next = entry.previous.filter(|p| *p < index);
        out.push((index, entry));
    }
    Ok(out)
}

/// The first row entry that was seen at this time or later; entries are in the order of time.
fn first_at(sight: &Sight, at: Instant) -> Result<u64, DeskError> {
    let (mut low, mut high) = (0, sight.size);
    while low < high {
        let middle = low + (high - low) / 2;
        // Entries of other kinds carry no time of their own: the next row entry speaks for them.
        let mut probe = middle;
        let mut seen = None;
        while probe < high && seen.is_none() {
            if let LedgerEntry::Row(entry) = sight.entry(probe)? {
                seen = Some(entry.at);
            }
            probe += 1;
        }
        match seen {
            Some(seen) if seen < at => low = probe,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The data subjects whom a row, or the value of a subject column, names.
fn subjects(sight: &mut Sight, table: &str, key: &str) -> Result<Vec<Vec<u8>>, Unanswered> {
    let shape = sight.shape_now()?;
    let mut out = shape.subjects_named(table, key);
    if let Some(number) = shape.table(table) {
        for key in shape.keys(number, key) {
            if let Some(last) = sight.last_of(&(number, key))? {
                out.extend(shape.subject(&sight.row_entry(last)?));
            }
        }
    }
    if out.is_empty() {
        let columns = shape.policy.tables.iter().filter_map(|t| t.subject.clone());
        let columns: BTreeSet<String> = columns.collect();
        let known: Vec<String> = columns.into_iter().collect();
        return Err(Unanswered::NamesNobody {
            table: table.to_owned(),
            key: key.to_owned(),
            columns: known.join(", "),
        });
    }
    Ok(out)
}
