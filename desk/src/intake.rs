//! Intake: observed rows become judged, journaled, durable changes, and findings.
//!
//! The order of one batch, and what a crash means at each point:
//! ```text
//! keys of new subjects fsynced ─► entries appended ─► group fsynced ─► findings stored ─► index flushed (later)
//!          │ crash: keys unused        │ crash: the rows are      │ crash: findings are     │ crash: the index
//!          │                           │ seen again at the next   │ made again by replay,   │ is replayed from
//!          │                           │ start, as unwitnessed    │ with the same ids       │ what it covers
//! ```

use crate::DeskError;
use crate::expectation::{Expectation, Match};
use crate::ledger::{EntryContext, Ledger, has_long_cell, hash_of_long, too_large};
use detect::policy::CompiledPolicy;
use detect::{FindingAt, Judge};
use model::entry::{EntryKind, LedgerEntry, RowEntry};
use model::image::ImageRecord;
use model::proposal::ExpectedImage;
use model::{
    Change, Finding, Instant, Judgement, Key, Observed, Row, Standing, Value, ValueRef, Verdict,
};
use std::sync::Arc;

/// How a batch came to be seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub at: Instant,
    pub witnessed: bool,
    pub coalesced: bool,
    pub source_position: u64,
}

/// One change with its verdict, for the status strip.
#[derive(Debug)]
pub(crate) struct Judged {
    pub change: Change,
    pub judgement: Judgement,
}

#[derive(Debug, Default)]
pub(crate) struct Ingested {
    pub judged: Vec<Judged>,
    pub findings: Vec<Finding>,
}

/// A batch sorted into what a repair wrote and what is to be judged.
#[derive(Default)]
struct Sorted {
    changes: Vec<Change>,
    /// The rows' records before `changes`.
    records: Vec<Option<ImageRecord>>,
    repaired: Vec<(Change, Option<ImageRecord>)>,
    /// What happened to repaired rows after the repair.
    after: Vec<Change>,
}

pub(crate) struct Intake {
    pub ledger: Ledger,
    pub policy: Arc<CompiledPolicy>,
    pub judge: Judge,
    /// Images that an approved repair is about to write.
    pub expected: Expectation,
    judgements: Vec<Judgement>,
}

impl Intake {
    pub fn new(ledger: Ledger, policy: Arc<CompiledPolicy>) -> Self {
        Self {
            ledger,
            judge: Judge::new(Arc::clone(&policy)),
            policy,
            expected: Expectation::default(),
            judgements: Vec::new(),
        }
    }

    /// Takes one batch of whole source transactions. What it returns is durable only after
    /// `Ledger::settle`; findings must not be stored before that.
    pub fn ingest(&mut self, observed: &[Observed], seen: Seen) -> Result<Ingested, DeskError> {
        let Sorted {
            mut changes,
            mut records,
            repaired,
            after,
        } = self.sort_out(observed, seen)?;
        let rows = changes.iter().chain(repaired.iter().map(|(c, _)| c));
        let rows = rows
            .chain(&after)
            .filter_map(|c| Some((c.table, &c.key, c.new.as_ref().or(c.old.as_ref())?)));
        self.ledger.prepare(rows)?;
        // Repaired rows first: what comes with them in the batch is judged by the mended state.
        let mut out = Ingested::default();
        for (change, record) in repaired {
            self.judge
                .learn(change.table, &change.key, change.new.as_ref());
            let judgement = Judgement::lawful(standing_of(change.new.as_ref()));
            self.journal(change, judgement, record.as_ref(), seen, false, &mut out)?;
        }
        for change in after {
            records.push(self.ledger.record(change.table, &change.key)?);
            changes.push(change);
        }
        let mut judgements = std::mem::take(&mut self.judgements);
        self.judge.judge(&changes, &mut judgements);
        let last = changes.len().saturating_sub(1);
        for (i, ((change, record), judgement)) in changes
            .into_iter()
            .zip(records)
            .zip(judgements.drain(..))
            .enumerate()
        {
            self.journal(
                change,
                judgement,
                record.as_ref(),
                seen,
                i == last,
                &mut out,
            )?;
        }
        self.judgements = judgements;
        self.ledger.seal_group()?;
        Ok(out)
    }

    fn sort_out(&mut self, observed: &[Observed], seen: Seen) -> Result<Sorted, DeskError> {
        let mut sorted = Sorted::default();
        for row in observed {
            let Some((change, record)) = self.change(row, seen)? else {
                continue;
            };
            match self.expected.take(&change) {
                Match::Not => {
                    sorted.changes.push(change);
                    sorted.records.push(record);
                }
                Match::Whole => sorted.repaired.push((change, record)),
                Match::Then(image) => {
                    let after = Change {
                        old: image.clone(),
                        lawful: None,
                        standing: standing_of(image.as_ref()),
                        ..change.clone()
                    };
                    let repair = Change {
                        new: image,
                        ..change
                    };
                    sorted.repaired.push((repair, record));
                    sorted.after.push(after);
                }
            }
        }
        Ok(sorted)
    }

    /// First images of rows, "as first seen": journaled without a verdict on how they came to be.
    pub fn baseline(&mut self, rows: &[(u16, Key, Row)], at: Instant) -> Result<(), DeskError> {
        self.ledger
            .prepare(rows.iter().map(|(t, k, r)| (*t, k, r)))?;
        for (table, key, row) in rows {
            let previous = self.ledger.record(*table, key)?;
            let change = Change {
                table: *table,
                key: key.clone(),
                old: None,
                new: Some(row.clone()),
                lawful: None,
                standing: Standing::Gone,
                witnessed: false,
                coalesced: true,
                seen_at: at,
            };
            let context = EntryContext {
                kind: EntryKind::Baseline,
                source_position: 0,
                last_of_transaction: false,
            };
            let judgement = Judgement::lawful(Standing::Clean);
            self.ledger
                .append(&change, &judgement, previous.as_ref(), context)?;
        }
        Ok(())
    }

    /// Journals the images that a repair is about to write, durably, before it writes them.
    pub fn expect(&mut self, images: Vec<ExpectedImage>, at: Instant) -> Result<(), DeskError> {
        for image in images {
            let record = self.ledger.record(image.table, &image.key)?;
            // The entry says what will be written; the index moves only when the feed sees it.
            self.ledger.push_expected(&image, record.as_ref(), at)?;
            self.expected.add((image.table, image.key), image.row);
        }
        self.ledger.settle()?;
        fail::fail_point!("repair-expected-journaled");
        Ok(())
    }

    /// Takes an unwitnessed or baseline state of the judge from a row that did not change.
    pub fn learn(
        &mut self,
        table: u16,
        key: &Key,
        record: &ImageRecord,
        live: Option<&Row>,
    ) -> Result<(), DeskError> {
        if record.standing == Standing::Clean {
            self.judge.learn(table, key, live);
            return Ok(());
        }
        let lawful = self.ledger.lawful_row(table, key, record)?;
        self.judge.learn(table, key, lawful.as_ref());
        self.judge
            .learn_standing(table, key, live, &record.standing);
        Ok(())
    }

    /// The change behind an observed row; `None` when it is as it was seen last.
    pub fn change(
        &mut self,
        seen: &Observed,
        how: Seen,
    ) -> Result<Option<(Change, Option<ImageRecord>)>, DeskError> {
        let (table, key) = (seen.table, &seen.key);
        let record = self.ledger.record(table, key)?;
        let live = seen
            .row
            .as_ref()
            .map(|row| self.ledger.sealer.digest_of(table, key, row));
        if record.as_ref().and_then(|r| r.live) == live {
            return Ok(None);
        }
        let (mut old, mut lawful, mut standing) = (None, None, Standing::Gone);
        if let Some(record) = &record {
            old = self.ledger.live_row(table, key, record)?;
            standing = record.standing.clone();
            if standing != Standing::Clean {
                lawful = Some(self.ledger.lawful_row(table, key, record)?);
            }
        }
        if let Some(new) = &seen.row {
            old = old.map(|row| unfold(row, new));
            lawful = lawful.map(|row| row.map(|row| unfold(row, new)));
        }
        let change = Change {
            table,
            key: key.clone(),
            old,
            new: seen.row.clone(),
            lawful,
            standing,
            witnessed: how.witnessed,
            coalesced: how.coalesced,
            seen_at: how.at,
        };
        Ok(Some((change, record)))
    }

    fn journal(
        &mut self,
        change: Change,
        judgement: Judgement,
        record: Option<&ImageRecord>,
        seen: Seen,
        last_of_transaction: bool,
        out: &mut Ingested,
    ) -> Result<(), DeskError> {
        let context = EntryContext {
            kind: EntryKind::Change,
            source_position: seen.source_position,
            last_of_transaction,
        };
        let position = match self.ledger.append(&change, &judgement, record, context) {
            Err(error) if too_large(&error) => {
                // Hundreds of long cells in one row; the audit still compares the digest of the baseline.
                tracing::error!(table = change.table, key = %change.key, "a row is too large to be journaled");
                return Ok(());
            }
            other => other?,
        };
        if judgement.verdict != Verdict::Lawful || !judgement.hits.is_empty() {
            let at = FindingAt {
                log: &self.ledger.name,
                position,
                stored_at: seen.at,
            };
            let mut found = detect::finding(&self.policy, &change, &judgement, at);
            let subject = self.subject(&change);
            found
                .iter_mut()
                .for_each(|f| f.subject.clone_from(&subject));
            out.findings.append(&mut found);
        }
        out.judged.push(Judged { change, judgement });
        Ok(())
    }

    /// Opaque id of the data subject, to count persons.
    pub fn subject(&self, change: &Change) -> Option<String> {
        self.policy.subject_column(change.table)?;
        let row = change.old.as_ref().or(change.new.as_ref())?;
        Some(model::digest::hex(&self.ledger.sealer.subject_id(
            change.table,
            &change.key,
            row,
        )))
    }
}

fn standing_of(row: Option<&Row>) -> Standing {
    if row.is_some() {
        Standing::Clean
    } else {
        Standing::Gone
    }
}

/// Puts a long cell back where the journal holds its hash and the new row still has the same cell.
fn unfold(journaled: Row, new: &Row) -> Row {
    if !has_long_cell(&journaled) {
        return journaled;
    }
    let same: Vec<(u16, Value)> = journaled
        .iter()
        .zip(new.iter())
        .enumerate()
        .filter(|(_, (old, new))| matches!(old, ValueRef::Blob(b) if *b == hash_of_long(*new).as_slice()))
        .map(|(c, (_, new))| (c as u16, new.to_value()))
        .collect();
    journaled.with(&same)
}

/// Findings of the ledger's entries from `from` on, made again from what was journaled: the same
/// verdicts and the same ids, whatever the policy says by now.
pub(crate) fn findings_since(intake: &mut Intake, from: u64) -> Result<Vec<Finding>, DeskError> {
    let size = intake.ledger.reader.size();
    let mut found = Vec::new();
    for position in from..size {
        let bytes = intake.ledger.reader.entry(position)?;
        let LedgerEntry::Row(entry) = LedgerEntry::decode(&bytes)? else {
            continue;
        };
        let judgement = entry.judgement.clone();
        if entry.kind != EntryKind::Change
            || (judgement.verdict == Verdict::Lawful && judgement.hits.is_empty())
        {
            continue;
        }
        let change = change_again(intake, entry)?;
        let at = FindingAt {
            log: &intake.ledger.name,
            position,
            stored_at: change.seen_at,
        };
        let mut again = detect::finding(&intake.policy, &change, &judgement, at);
        let subject = intake.subject(&change);
        again
            .iter_mut()
            .for_each(|f| f.subject.clone_from(&subject));
        found.append(&mut again);
    }
    Ok(found)
}

/// The change that an entry recorded, with the images before it taken from the chain of entries.
fn change_again(intake: &Intake, entry: RowEntry) -> Result<Change, DeskError> {
    let (reader, sealer) = (&intake.ledger.reader, &intake.ledger.sealer);
    let open = |index| recover::images::entry_image(index, reader, sealer);
    let (mut old, mut lawful, mut standing) = (None, None, Standing::Gone);
    let mut next = entry.previous;
    let mut first = true;
    while let Some(index) = next {
        let (earlier, image) = open(index)?;
        if first {
            old.clone_from(&image);
            standing = earlier.judgement.standing.clone();
            first = false;
        }
        if earlier.judgement.standing == Standing::Clean {
            // The newest image that was wholly lawful holds the lawful values of what is tainted since.
            lawful = image;
            break;
        }
        next = earlier.previous;
    }
    let new = match &entry.image {
        Some(image) => Some(sealer.open(entry.table, &entry.key, &entry.subject, image)?),
        None => None,
    };
    Ok(Change {
        table: entry.table,
        key: entry.key,
        old,
        new,
        lawful: (standing != Standing::Clean && standing != Standing::Gone).then_some(lawful),
        standing,
        witnessed: entry.witnessed,
        coalesced: entry.coalesced,
        seen_at: entry.at,
    })
}
