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
use crate::findings_again::found_in;
use crate::ledger::{EntryContext, Ledger, has_long_cell, hash_of_long, too_large};
use crate::row_work::{self, Look, SealedImages};
use crate::watch_status::RECENT_CHANGES;
use crate::window::{self, Windows};
use detect::policy::CompiledPolicy;
use detect::{FindingAt, Judge};
use model::entry::EntryKind;
use model::image::{ImageRecord, RowDigest};
use model::proposal::ExpectedImage;
use model::{
    Change, Finding, Instant, Judgement, Key, Observed, Row, SourceTransaction, Stamp, Standing,
    Value, ValueRef, Verdict,
};
use std::sync::Arc;

/// How a batch came to be seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub at: Instant,
    pub witnessed: bool,
    pub coalesced: bool,
    pub source_position: u64,
    /// The batch's transactions, where the source tells them; what is said of a row's own
    /// transaction then goes before what is said of the batch.
    pub transactions: &'a [SourceTransaction],
    /// Whether each of them carries the shop's stamp; empty where none is asked for.
    pub stamps: &'a [Stamp],
}

impl Seen<'_> {
    fn position(&self, transaction: u32) -> u64 {
        self.transactions
            .get(transaction as usize)
            .map_or(self.source_position, |t| t.position)
    }

    fn coalesced(&self, row: &Observed) -> bool {
        if self.transactions.is_empty() {
            self.coalesced
        } else {
            row.coalesced
        }
    }

    fn stamp(&self, transaction: u32) -> Stamp {
        (self.stamps.get(transaction as usize))
            .copied()
            .unwrap_or_default()
    }
}

/// One change with its verdict, for the status strip.
#[derive(Debug)]
pub(crate) struct Judged {
    pub change: Change,
    pub judgement: Judgement,
}

/// What a batch came to, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub changes: u64,
    pub lawful: u64,
    pub inserted: u64,
    pub deleted: u64,
    /// When the last unlawful change was seen.
    pub unlawful_at: Option<Instant>,
    pub last_at: Option<Instant>,
}

impl Tally {
    fn count(&mut self, change: &Change, verdict: Verdict) {
        self.changes += 1;
        self.lawful += u64::from(verdict == Verdict::Lawful);
        match (&change.old, &change.new) {
            (None, Some(_)) => self.inserted += 1,
            (Some(_), None) => self.deleted += 1,
            _ => {}
        }
        self.last_at = Some(change.seen_at);
        if verdict == Verdict::Unlawful {
            self.unlawful_at = self.last_at;
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ingested {
    pub tally: Tally,
    /// The last ones, as many as the strip shows.
    pub recent: Vec<Judged>,
    pub findings: Vec<Finding>,
}

/// Changes, each with its row's record before it and what its new image was looked at.
#[derive(Default)]
struct Rows {
    changes: Vec<Change>,
    records: Vec<Option<ImageRecord>>,
    looks: Vec<Option<Look>>,
}

impl Rows {
    fn push(&mut self, change: Change, record: Option<ImageRecord>, look: Option<Look>) {
        self.changes.push(change);
        self.records.push(record);
        self.looks.push(look);
    }
}

/// A batch sorted into what a repair wrote and what is to be judged.
#[derive(Default)]
struct Sorted {
    rows: Rows,
    repaired: Rows,
    /// What happened to repaired rows after the repair; their records are not known yet.
    after: Rows,
    images: SealedImages,
}

pub(crate) struct Intake {
    pub ledger: Ledger,
    pub policy: Arc<CompiledPolicy>,
    pub judge: Judge,
    /// Images that an approved repair is about to write.
    pub expected: Expectation,
    /// Maintenance windows that are open, or will be.
    pub windows: Windows,
    judgements: Vec<Judgement>,
    /// Rows that no entry can hold, to be told with the next batch.
    pub not_journaled: Vec<Finding>,
}

impl Intake {
    pub fn new(ledger: Ledger, policy: Arc<CompiledPolicy>) -> Self {
        Self {
            ledger,
            judge: Judge::new(Arc::clone(&policy)),
            policy,
            expected: Expectation::default(),
            windows: Windows::default(),
            judgements: Vec::new(),
            not_journaled: Vec::new(),
        }
    }

    /// Takes one batch of whole source transactions. What it returns is durable only after
    /// `Ledger::settle`; findings must not be stored before that.
    pub fn ingest(
        &mut self,
        observed: Vec<Observed>,
        seen: Seen<'_>,
    ) -> Result<Ingested, DeskError> {
        // No group ends within a transaction, so that a crash leaves whole ones.
        self.ledger.hold_group(!seen.transactions.is_empty());
        let ingested = self.ingest_whole(observed, seen);
        self.ledger.hold_group(false);
        ingested
    }

    /// As [`Self::ingest`], of rows that differ although log and shop stand together: whatever was
    /// done to them went round the log.
    pub fn ingest_what_went_round(
        &mut self,
        observed: Vec<Observed>,
        seen: Seen<'_>,
    ) -> Result<Ingested, DeskError> {
        self.judge.judge_what_went_round(true);
        let ingested = self.ingest(observed, seen);
        self.judge.judge_what_went_round(false);
        ingested
    }

    fn ingest_whole(
        &mut self,
        observed: Vec<Observed>,
        seen: Seen<'_>,
    ) -> Result<Ingested, DeskError> {
        let Sorted {
            mut rows,
            repaired,
            after,
            images,
        } = self.sort_out(observed, seen)?;
        // Repaired rows first: what comes with them in the batch is judged by the mended state.
        let mut out = Ingested::default();
        let mut mended = Vec::with_capacity(repaired.changes.len());
        for change in &repaired.changes {
            let image = change.new.as_ref();
            self.judge.learn(change.table, &change.key, image);
            mended.push(Judgement::lawful(standing_of(image)));
        }
        self.journal_all(repaired, &mended, &images, (seen, false), &mut out)?;
        for (change, look) in after.changes.into_iter().zip(after.looks) {
            let record = self.ledger.record(change.table, &change.key)?;
            rows.push(change, record, look);
        }
        let mut judgements = std::mem::take(&mut self.judgements);
        self.judge.judge(&rows.changes, &mut judgements);
        window::apply(self, &rows.changes, seen, &mut judgements);
        self.journal_all(rows, &judgements, &images, (seen, true), &mut out)?;
        self.judgements = judgements;
        self.ledger.seal_group()?;
        out.findings.append(&mut self.not_journaled);
        Ok(out)
    }

    fn sort_out(&mut self, observed: Vec<Observed>, seen: Seen<'_>) -> Result<Sorted, DeskError> {
        let (looks, images) = self.look(&observed)?;
        let mut sorted = Sorted {
            images,
            ..Sorted::default()
        };
        for (row, look) in observed.into_iter().zip(looks) {
            let digest = look.as_ref().map(|look| look.digest);
            let Some((change, record)) = self.take_change(row, digest, seen)? else {
                continue;
            };
            match self.expected.take(&change) {
                Match::Not => sorted.rows.push(change, record, look),
                Match::Whole => sorted.repaired.push(change, record, look),
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
                    // Its subject has a key since it was expected.
                    let (table, sealer) = (repair.table, &self.ledger.sealer);
                    let add = |row| sorted.images.add(sealer, table, &repair.key, row);
                    let repaired = repair.new.as_ref().map(add).transpose()?;
                    sorted.repaired.push(repair, record, repaired);
                    sorted.after.push(after, None, look);
                }
            }
        }
        Ok(sorted)
    }

    /// Makes the keys of new subjects durable, then digests and seals the rows.
    pub fn look(
        &self,
        observed: &[Observed],
    ) -> Result<(Vec<Option<Look>>, SealedImages), DeskError> {
        let subjects = row_work::subjects(&self.ledger.sealer, observed);
        self.ledger.prepare(subjects.iter().filter_map(|s| *s))?;
        row_work::look(&self.ledger.sealer, observed, &subjects)
    }

    /// First images of rows, "as first seen": journaled without a verdict on how they came to be.
    pub fn baseline(&mut self, observed: Vec<Observed>, at: Instant) -> Result<(), DeskError> {
        let (looks, images) = self.look(&observed)?;
        let mut rows = Rows::default();
        for (row, look) in observed.into_iter().zip(looks) {
            let previous = self.ledger.record(row.table, &row.key)?;
            let change = Change {
                table: row.table,
                key: row.key,
                old: None,
                new: row.row,
                lawful: None,
                standing: Standing::Gone,
                witnessed: false,
                coalesced: true,
                transaction: 0,
                stamp: model::Stamp::NotAsked,
                seen_at: at,
            };
            rows.push(change, previous, look);
        }
        let context = EntryContext {
            kind: EntryKind::Baseline,
            source_position: 0,
            last_of_transaction: false,
        };
        let judgement = Judgement::lawful(Standing::Clean);
        for (i, change) in rows.changes.into_iter().enumerate() {
            let (record, look) = (rows.records[i].as_ref(), rows.looks[i].as_ref());
            let image = images.of(look);
            self.ledger
                .append(&change, &judgement, record, (look, image), context)?;
            self.ledger.saw(change.table, change.key, change.new);
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
        how: Seen<'_>,
    ) -> Result<Option<(Change, Option<ImageRecord>)>, DeskError> {
        let digest = |row| self.ledger.sealer.digest_of(seen.table, &seen.key, row);
        let digest = seen.row.as_ref().map(digest);
        self.take_change(seen.clone(), digest, how)
    }

    /// As [`Self::change`]; `digest` is the seen row's.
    fn take_change(
        &mut self,
        seen: Observed,
        digest: Option<RowDigest>,
        how: Seen<'_>,
    ) -> Result<Option<(Change, Option<ImageRecord>)>, DeskError> {
        let (table, key) = (seen.table, &seen.key);
        let record = self.ledger.record(table, key)?;
        if record.as_ref().and_then(|r| r.live) == digest {
            return Ok(None);
        }
        let (mut old, mut lawful, mut standing) = (None, None, Standing::Gone);
        if let Some(record) = &record {
            standing = record.standing.clone();
            if standing != Standing::Clean {
                lawful = Some(self.ledger.lawful_row(table, key, record)?);
            }
            old = self.ledger.take_live_row(table, key, record)?;
        }
        if let Some(new) = &seen.row {
            old = old.map(|row| unfold(row, new));
            lawful = lawful.map(|row| row.map(|row| unfold(row, new)));
        }
        let coalesced = how.coalesced(&seen);
        let change = Change {
            table,
            key: seen.key,
            old,
            new: seen.row,
            lawful,
            standing,
            witnessed: how.witnessed,
            coalesced,
            transaction: seen.transaction,
            stamp: how.stamp(seen.transaction),
            seen_at: how.at,
        };
        Ok(Some((change, record)))
    }

    fn journal_all(
        &mut self,
        rows: Rows,
        judgements: &[Judgement],
        images: &SealedImages,
        (seen, ends_transaction): (Seen<'_>, bool),
        out: &mut Ingested,
    ) -> Result<(), DeskError> {
        let count = rows.changes.len();
        let of: Vec<u32> = rows.changes.iter().map(|c| c.transaction).collect();
        let changes = rows.changes.into_iter().zip(judgements);
        for (i, (change, judgement)) in changes.enumerate() {
            let left = count - i;
            let first = i == 0 || of[i - 1] != of[i];
            let last = left == 1 || of[i + 1] != of[i];
            if let Some(told) = seen.transactions.get(of[i] as usize).filter(|_| first) {
                self.ledger.push_transaction(told)?;
            }
            let context = EntryContext {
                kind: EntryKind::Change,
                source_position: seen.position(of[i]),
                last_of_transaction: ends_transaction && last,
            };
            let (record, look) = (rows.records[i].as_ref(), rows.looks[i].as_ref());
            let looked = (look, images.of(look));
            let appended = self
                .ledger
                .append(&change, judgement, record, looked, context);
            let position = match appended {
                Err(error) if too_large(&error) => {
                    // Hundreds of long cells in one row, or an endless key.
                    self.cannot_journal(change.table, &change.key, seen.at);
                    continue;
                }
                other => other?,
            };
            self.conclude(change, judgement, position, (seen.at, left), out);
        }
        Ok(())
    }

    /// What follows from a change that was journaled; `left` changes of the batch are left.
    fn conclude(
        &mut self,
        change: Change,
        judgement: &Judgement,
        position: u64,
        (at, left): (Instant, usize),
        out: &mut Ingested,
    ) {
        out.tally.count(&change, judgement.verdict);
        if judgement.verdict != Verdict::Lawful || !judgement.hits.is_empty() {
            let at = FindingAt {
                log: &self.ledger.name,
                position,
                stored_at: at,
            };
            let mut found = found_in(&self.policy, &change, judgement, at);
            let subject = self.subject(&change);
            found
                .iter_mut()
                .for_each(|f| f.subject.clone_from(&subject));
            out.findings.append(&mut found);
        }
        if left <= RECENT_CHANGES {
            let (key, row) = (change.key.clone(), change.new.clone());
            self.ledger.saw(change.table, key, row);
            let judgement = judgement.clone();
            out.recent.push(Judged { change, judgement });
        } else {
            self.ledger.saw(change.table, change.key, change.new);
        }
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
pub(crate) fn unfold(journaled: Row, new: &Row) -> Row {
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
