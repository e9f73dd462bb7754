//! What happened while nobody looked: one look at every row, merged with the index of images.
//!
//! Changes found so are judged like others but count as unwitnessed: a change that keeps to the
//! policy is listed apart until a person accepts it.

use crate::DeskError;
use crate::intake::{Ingested, Intake, Seen};
use crate::ledger::GROUP_ENTRIES;
use crate::open_source::reshape::Reshape;
use connect::source::{Feed, UnreadableRow};
use model::image::ImageRecord;
use model::{Instant, Key, Observed, Row};
use recover::audit::table_records;

/// Rows changed while the guard was away that are taken in at once. Beyond it the shop is another
/// one, and a new baseline is the honest way.
const MAX_MISSED: usize = 500_000;

/// What one look at every row gave.
#[derive(Default)]
pub(crate) struct Caught {
    pub ingested: Ingested,
    /// Rows without a key.
    pub unreadable: Vec<UnreadableRow>,
    /// Rows that differ, where the feed may yet tell why.
    pub open: Vec<(u16, Key)>,
}

/// What becomes of rows that differ from their images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    /// Nobody will ever tell: they are taken in as unwitnessed.
    Unwitnessed,
    /// The feed goes on where it ended, and tells every change since: whoever is left over after
    /// that went round it.
    ToldByFeed,
}

/// Looks at every row through the feed and takes in what differs from the images; rows whose
/// differences `reshape` explains are adopted as they stand.
pub(crate) fn run(
    intake: &mut Intake,
    feed: &mut dyn Feed,
    at: Instant,
    missed_are: Missed,
    reshape: Option<&Reshape>,
) -> Result<Caught, DeskError> {
    intake.ledger.settle()?;
    let snapshot = intake.ledger.snapshot();
    let mut missed: Vec<Observed> = Vec::new();
    let mut adoption = Adoption {
        reshape,
        rows: Vec::new(),
        at,
    };
    let mut merge: Option<Merge<'_>> = None;
    let mut failure = None;
    let looked = feed.rescan(&mut |row: Observed| {
        let step = take(
            &snapshot,
            &mut merge,
            intake,
            (&mut missed, &mut adoption),
            row,
        );
        step.map_err(|error| {
            let text = error.to_string();
            failure = Some(error);
            text.into()
        })
    });
    if let Some(error) = failure {
        return Err(error);
    }
    let unreadable = looked?.unreadable;
    adoption.finish(intake)?;
    let first_left = merge.as_ref().map_or(0, |m| m.table + 1);
    if let Some(done) = merge.take() {
        done.rest(&mut missed)?;
    }
    for table in first_left..intake.policy.tables().len() as u16 {
        Merge::new(&snapshot, table)?.rest(&mut missed)?;
    }
    let seen = Seen {
        at,
        witnessed: false,
        coalesced: true,
        source_position: 0,
        transactions: &[],
        stamps: &[],
    };
    learn_old(intake, &missed, seen)?;
    let mut caught = Caught {
        unreadable,
        ..Caught::default()
    };
    match missed_are {
        Missed::Unwitnessed => caught.ingested = intake.ingest(missed, seen)?,
        Missed::ToldByFeed => {
            caught.open = missed.into_iter().map(|row| (row.table, row.key)).collect();
        }
    }
    (caught.ingested.findings).append(&mut intake.not_journaled);
    Ok(caught)
}

/// The judge must know the rows as they were before what was missed is judged.
fn learn_old(intake: &mut Intake, missed: &[Observed], seen: Seen<'_>) -> Result<(), DeskError> {
    for row in missed {
        match intake.change(row, seen)? {
            Some((change, Some(record))) => {
                intake.learn(change.table, &change.key, &record, change.old.as_ref())?;
            }
            Some((_, None)) => {}
            // Still as it was seen last, and it was gone by then: lawfully it may be there.
            None => {
                if let Some(record) = intake.ledger.record(row.table, &row.key)? {
                    intake.learn(row.table, &row.key, &record, None)?;
                }
            }
        }
    }
    Ok(())
}

fn take<'s>(
    snapshot: &'s journal::index::Snapshot,
    merge: &mut Option<Merge<'s>>,
    intake: &mut Intake,
    (missed, adoption): (&mut Vec<Observed>, &mut Adoption<'_>),
    row: Observed,
) -> Result<(), DeskError> {
    while merge.as_ref().is_none_or(|m| m.table != row.table) {
        let next = merge.as_ref().map_or(0, |m| m.table + 1);
        if let Some(done) = merge.take() {
            done.rest(missed)?;
        }
        *merge = Some(Merge::new(snapshot, next)?);
    }
    let Some(merge) = merge else { return Ok(()) };
    if missed.len() >= MAX_MISSED {
        return Err(DeskError::MassChange { most: MAX_MISSED });
    }
    let record = merge.at(&row.key, missed)?;
    let Some(image) = &row.row else { return Ok(()) };
    let live = intake.ledger.sealer.digest_of(row.table, &row.key, image);
    match record {
        Some(record) if adoption.takes(intake, &row, &record, record.live == Some(live))? => {
            adoption.add(intake, row)
        }
        Some(record) if record.live == Some(live) => {
            intake.learn(row.table, &row.key, &record, Some(image as &Row))
        }
        _ => {
            missed.push(row);
            Ok(())
        }
    }
}

/// Adopts those of the rows that `reshape` explains, and gives the others back.
pub(crate) fn explained(
    intake: &mut Intake,
    reshape: Option<&Reshape>,
    rows: Vec<Observed>,
    at: Instant,
) -> Result<Vec<Observed>, DeskError> {
    let mut left = Vec::new();
    let mut adoption = Adoption {
        reshape,
        rows: Vec::new(),
        at,
    };
    for row in rows {
        let takes = match intake.ledger.record(row.table, &row.key)? {
            Some(record) => adoption.takes(intake, &row, &record, false)?,
            None => false,
        };
        if takes {
            adoption.add(intake, row)?;
        } else {
            left.push(row);
        }
    }
    adoption.finish(intake)?;
    Ok(left)
}

/// Rows that are taken as they stand, because their table's new shape explains all that differs.
struct Adoption<'r> {
    reshape: Option<&'r Reshape>,
    rows: Vec<Observed>,
    at: Instant,
}

impl Adoption<'_> {
    /// `same`: the row is as it was seen last.
    fn takes(
        &self,
        intake: &mut Intake,
        row: &Observed,
        record: &ImageRecord,
        same: bool,
    ) -> Result<bool, DeskError> {
        let (Some(reshape), Some(live)) = (self.reshape, &row.row) else {
            return Ok(false);
        };
        if same {
            return Ok(reshape.takes_every_row(row.table));
        }
        let last = intake.last_seen(row.table, &row.key, record, live)?;
        Ok(last.is_some_and(|last| reshape.explains(row.table, &last, live)))
    }

    fn add(&mut self, intake: &mut Intake, row: Observed) -> Result<(), DeskError> {
        self.rows.push(row);
        if self.rows.len() >= GROUP_ENTRIES {
            intake.adopt(std::mem::take(&mut self.rows), self.at)?;
        }
        Ok(())
    }

    fn finish(self, intake: &mut Intake) -> Result<(), DeskError> {
        intake.adopt(self.rows, self.at)?;
        intake.ledger.settle()
    }
}

/// The records of one table beside its rows, both in key order.
struct Merge<'s> {
    table: u16,
    records: journal::index::Records<'s>,
    next: Option<(Key, ImageRecord)>,
}

impl<'s> Merge<'s> {
    fn new(snapshot: &'s journal::index::Snapshot, table: u16) -> Result<Self, DeskError> {
        let mut merge = Self {
            table,
            records: table_records(snapshot, table),
            next: None,
        };
        merge.step()?;
        Ok(merge)
    }

    fn step(&mut self) -> Result<(), DeskError> {
        self.next = match self.records.next_record()? {
            Some((key, value)) => Some((Key(key[2..].to_vec()), ImageRecord::decode(value)?)),
            None => None,
        };
        Ok(())
    }

    /// The record of `key`; rows of the records before it are gone.
    fn at(
        &mut self,
        key: &Key,
        missed: &mut Vec<Observed>,
    ) -> Result<Option<ImageRecord>, DeskError> {
        while let Some((next, record)) = &self.next {
            match next.cmp(key) {
                std::cmp::Ordering::Less => {
                    gone(self.table, next, record, missed);
                    self.step()?;
                }
                std::cmp::Ordering::Equal => {
                    let found = record.clone();
                    self.step()?;
                    return Ok(Some(found));
                }
                std::cmp::Ordering::Greater => return Ok(None),
            }
        }
        Ok(None)
    }

    fn rest(mut self, missed: &mut Vec<Observed>) -> Result<(), DeskError> {
        while let Some((key, record)) = self.next.take() {
            gone(self.table, &key, &record, missed);
            self.step()?;
        }
        Ok(())
    }
}

fn gone(table: u16, key: &Key, record: &ImageRecord, missed: &mut Vec<Observed>) {
    // A row that was deleted unlawfully before is no change, but the judge must know of it.
    if record.live.is_some() || record.lawful.is_some() {
        missed.push(Observed::state(table, key.clone(), None));
    }
}
