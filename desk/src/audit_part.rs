//! Audits of a part: some rows every few minutes, so that a big shop is looked through without a
//! long read. It says what share it has covered, and how likely it is that tampered rows were missed.
//!
//! Two ways. *In turn*: the next rows in key order, round and round; finds altered, deleted and
//! forged rows. *By sample*: rows drawn at random from the lawful images; whoever tampers cannot
//! know when a row's turn comes, but a forged row has no image and is never drawn.

use crate::audit::confirmed;
use crate::audit_turns::Amount;
use crate::standing_still::Slot;
use crate::{Desk, DeskError, Told};
use connect::source::{GuardedTable, Location};
use journal::index::Snapshot;
use model::image::ImageRecord;
use model::{Instant, Key, Row, SourceName};
use recover::audit::{Discrepancy, TableAudit, index_key, table_records};
use recover::seal::RowSealer;
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, TryLockError};
use store::{Batch, PutDocument};

const CURSORS: &str = "audit-cursor";
/// Rows compared at once: at 1 KiB each that is 10 MiB.
const CHUNK: u64 = 10_000;
/// Rows confirmed on the guard's thread at once: between two such groups it polls its feed.
const CONFIRMED_AT_ONCE: usize = 1_000;
/// Rows of one turn.
pub const MOST_ROWS: u64 = 10_000_000;

/// Which rows are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// So many of the next rows in key order.
    InTurn { rows: u64 },
    /// So many rows drawn at random.
    Sample { rows: u64 },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartReport {
    pub taken_at: Instant,
    /// Rows compared now.
    pub rows: u64,
    /// Rows that there are, by the lawful images.
    pub total: u64,
    /// Rows covered since this round began (in turn), or now (by sample).
    pub covered: u64,
    /// `covered / total`.
    pub share: f64,
    pub round_began_at: Instant,
    /// In turn: the last row of the round was among those compared now.
    pub round_done: bool,
    /// The probability that so many tampered rows, wherever they lie, would all have been missed.
    pub missed: Vec<Missed>,
    pub discrepancies: Vec<Discrepancy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Missed {
    pub tampered: u32,
    pub probability: f64,
}

/// Where the next turn begins.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cursor {
    table: u16,
    after: Option<Vec<u8>>,
    covered: u64,
    round_began_at: Option<Instant>,
}

/// What one turn went through.
struct Went {
    candidates: Vec<Slot>,
    compared: u64,
    covered: u64,
    round_began_at: Instant,
    round_done: bool,
}

/// What the comparison needs; taken on the guard's thread.
struct Ground {
    location: Location,
    tables: Arc<Vec<GuardedTable>>,
    sealer: Arc<RowSealer>,
    snapshot: Snapshot,
}

impl Desk {
    /// Compares a part of the source's rows with their lawful images. One at a time: a second one
    /// is refused while the first one runs.
    pub fn audit_part(&self, source: &SourceName, part: Part) -> Result<PartReport, DeskError> {
        let (amount, in_turn) = match part {
            Part::InTurn { rows } => (Amount::Rows(rows), true),
            Part::Sample { rows } => (Amount::Rows(rows), false),
        };
        self.audit_amount(source, amount, in_turn)
    }

    pub(crate) fn audit_amount(
        &self,
        source: &SourceName,
        amount: Amount,
        in_turn: bool,
    ) -> Result<PartReport, DeskError> {
        let _one = match self.inner.auditing.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(held)) => PoisonError::into_inner(held),
            Err(TryLockError::WouldBlock) => {
                return Err(DeskError::Refused(Told::new("part-audited")));
            }
        };
        let taken_at = self.now();
        if let Amount::Rows(rows) = amount
            && (rows == 0 || rows > MOST_ROWS)
        {
            return Err(DeskError::Refused(
                Told::new("part-rows").with("most", MOST_ROWS),
            ));
        }
        let ground = self.ground(source)?;
        let total = count(&ground)?;
        let rows = amount.rows_of(total);
        let went = if in_turn {
            self.next_rows(source, &ground, rows, taken_at)?
        } else {
            let (candidates, drawn) = sample(&ground, rows)?;
            Went {
                candidates,
                compared: drawn,
                covered: drawn,
                round_began_at: taken_at,
                round_done: false,
            }
        };
        let mut discrepancies = Vec::new();
        for group in went.candidates.chunks(CONFIRMED_AT_ONCE) {
            let group = group.to_vec();
            let found = self.on_guard(source, move |guard| confirmed(guard, &group))?;
            discrepancies.extend(found.into_iter().map(|(d, _)| d));
        }
        let share = if total == 0 {
            1.0
        } else {
            (went.covered as f64 / total as f64).min(1.0)
        };
        let report = PartReport {
            taken_at,
            rows: went.compared,
            total,
            covered: went.covered,
            share,
            round_began_at: went.round_began_at,
            round_done: went.round_done,
            missed: missed(share),
            discrepancies,
        };
        self.note_part(source, &report, in_turn)?;
        Ok(report)
    }

    fn ground(&self, source: &SourceName) -> Result<Ground, DeskError> {
        let location = self.source_config(source)?.location();
        self.on_guard(source, move |guard| {
            guard.catch_up_with_shop()?;
            Ok(Ground {
                location,
                tables: Arc::clone(&guard.tables),
                sealer: Arc::clone(&guard.intake.ledger.sealer),
                snapshot: guard.intake.ledger.snapshot(),
            })
        })
    }

    fn next_rows(
        &self,
        source: &SourceName,
        ground: &Ground,
        rows: u64,
        now: Instant,
    ) -> Result<Went, DeskError> {
        let stored = self.store().document(CURSORS, source.as_str())?;
        let mut cursor: Cursor = match &stored {
            Some(document) => serde_json::from_str(&document.json)?,
            None => Cursor::default(),
        };
        if usize::from(cursor.table) >= ground.tables.len() {
            cursor = Cursor::default();
        }
        let mut database = ground.location.source()?;
        let (mut candidates, mut compared) = (Vec::new(), 0);
        let stopping = &self.inner.stopping;
        while !stopping.load(Ordering::SeqCst) {
            cursor.round_began_at.get_or_insert(now);
            // When all are compared, one more row says whether the table goes on: a round ends with
            // its last row, not with a turn of none.
            let most = CHUNK.min(rows - compared).max(1);
            let chunk = chunk(database.as_mut(), ground, &cursor, most)?;
            if compared == rows && !chunk.is_empty() {
                break;
            }
            compare(ground, &cursor, &chunk, most, &mut candidates)?;
            compared += chunk.len() as u64;
            cursor.covered += chunk.len() as u64;
            if chunk.len() as u64 == most {
                cursor.after = chunk.last().map(|(key, _)| key.0.clone());
                continue;
            }
            cursor.after = None;
            cursor.table += 1;
            if usize::from(cursor.table) == ground.tables.len() {
                break;
            }
        }
        let went = Went {
            candidates,
            compared,
            covered: cursor.covered,
            round_began_at: cursor.round_began_at.unwrap_or(now),
            round_done: usize::from(cursor.table) == ground.tables.len(),
        };
        if went.round_done {
            cursor = Cursor::default();
        }
        let document = PutDocument {
            collection: CURSORS,
            id: source.to_string(),
            expect_version: stored.map(|document| document.version),
            json: serde_json::to_string(&cursor)?,
            at: now,
        };
        self.store().commit(Batch {
            documents: vec![document],
            ..Batch::default()
        })?;
        Ok(went)
    }
}

fn chunk(
    database: &mut dyn connect::source::Source,
    ground: &Ground,
    cursor: &Cursor,
    most: u64,
) -> Result<Vec<(Key, Row)>, DeskError> {
    let mut rows = Vec::new();
    let after = cursor.after.clone().map(Key);
    let table = &ground.tables[usize::from(cursor.table)];
    database.scan_part(
        cursor.table,
        table,
        after.as_ref(),
        most,
        &mut |_, key, row| {
            rows.push((key.clone(), row.clone()));
            Ok(())
        },
    )?;
    Ok(rows)
}

/// Merges a chunk with the records from where it begins to where it ends.
fn compare(
    ground: &Ground,
    cursor: &Cursor,
    chunk: &[(Key, Row)],
    most: u64,
    candidates: &mut Vec<Slot>,
) -> Result<(), DeskError> {
    let table = cursor.table;
    // The first key behind another one is that key and a zero byte.
    let behind = |key: &Key| [index_key(table, key).as_slice(), &[0]].concat();
    let from = match &cursor.after {
        Some(after) => behind(&Key(after.clone())),
        None => table.to_be_bytes().to_vec(),
    };
    let to = match chunk.last().filter(|_| chunk.len() as u64 == most) {
        Some((key, _)) => Some(behind(key)),
        None => table.checked_add(1).map(|next| next.to_be_bytes().to_vec()),
    };
    let records = ground.snapshot.range(&from, to.as_deref());
    let mut audit = TableAudit::new(&ground.sealer, table, records)?;
    for (key, row) in chunk {
        audit.row(key, row, &mut |c| candidates.push((c.table, c.key)))?;
    }
    audit.finish(&mut |c| candidates.push((c.table, c.key)))?;
    Ok(())
}

/// Draws lawful rows at random (reservoir sampling, Vitter 1985, algorithm R) and compares them.
fn sample(ground: &Ground, rows: u64) -> Result<(Vec<Slot>, u64), DeskError> {
    let mut drawn: Vec<Slot> = Vec::new();
    let mut seen = 0_u64;
    each_lawful(ground, &mut |table, key| {
        seen += 1;
        if (drawn.len() as u64) < rows {
            drawn.push((table, Key(key.to_vec())));
            return;
        }
        let at = fastrand::u64(..seen);
        if at < rows {
            drawn[at as usize] = (table, Key(key.to_vec()));
        }
    })?;
    drawn.sort();
    let count = drawn.len() as u64;
    let mut database = ground.location.source()?;
    let mut candidates = Vec::new();
    for group in drawn.chunk_by(|a, b| a.0 == b.0) {
        let table = group[0].0;
        for part in group.chunks(1_000) {
            let keys: Vec<Key> = part.iter().map(|(_, key)| key.clone()).collect();
            let live = database.read(&ground.tables[usize::from(table)], &keys)?;
            for (key, live) in keys.into_iter().zip(live) {
                let record = ground.snapshot.get(&index_key(table, &key))?;
                let record = record
                    .map(|bytes| ImageRecord::decode(&bytes))
                    .transpose()?;
                let digest = live.map(|row| ground.sealer.digest_of(table, &key, &row));
                if record.and_then(|r| r.lawful) != digest {
                    candidates.push((table, key));
                }
            }
        }
    }
    Ok((candidates, count))
}

fn count(ground: &Ground) -> Result<u64, DeskError> {
    let mut rows = 0;
    each_lawful(ground, &mut |_, _| rows += 1)?;
    Ok(rows)
}

fn each_lawful(ground: &Ground, each: &mut dyn FnMut(u16, &[u8])) -> Result<(), DeskError> {
    for table in 0..ground.tables.len() as u16 {
        let mut records = table_records(&ground.snapshot, table);
        while let Some((key, value)) = records.next_record()? {
            if ImageRecord::decode(value)?.lawful.is_some() {
                each(table, &key[2..]);
            }
        }
    }
    Ok(())
}

/// Each of `n` tampered rows lies in the uncovered share with the same chance.
pub(crate) fn missed(share: f64) -> Vec<Missed> {
    let of = |tampered: u32| Missed {
        tampered,
        probability: (1.0 - share).powi(tampered as i32),
    };
    [1, 10, 100].map(of).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chance_to_miss_falls_with_every_row() {
        let of_half = missed(0.5);
        assert_eq!(of_half[0].probability, 0.5);
        assert!((of_half[1].probability - 1.0 / 1024.0).abs() < 1e-12);
        assert!(missed(1.0).iter().all(|m| m.probability == 0.0));
        assert!(missed(0.0).iter().all(|m| m.probability == 1.0));
    }
}
