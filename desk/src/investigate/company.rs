//! The source transaction of a step, and the other rows that it wrote.
//!
//! The rows of one transaction stand together in the ledger, behind the entry that tells of it; a
//! source that sees states and no transactions has one position for all that it saw in one look.

use super::report::{Company, CompanyRow, Write};
use super::sight::Sight;
use crate::DeskError;
use model::SourceTransaction;
use model::entry::{EntryKind, LedgerEntry, RowEntry};

/// Other rows that are named.
const MOST_NAMED: usize = 50;
/// Entries walked in either direction; a larger transaction's count is a lower bound.
const MOST_WALKED: u64 = 20_000;

/// A transaction whose rows were walked once.
#[derive(Clone, Default)]
pub(super) struct Walked {
    first: u64,
    last: u64,
    told: Option<(u64, SourceTransaction)>,
    rows: Vec<CompanyRow>,
    count: u64,
    cut: bool,
}

/// What the entry at `index` was written with; `None` when the source's position is unknown.
pub(super) fn of(
    sight: &mut Sight,
    index: u64,
    entry: &RowEntry,
) -> Result<Option<Company>, DeskError> {
    if entry.source_position == 0 {
        return Ok(None);
    }
    let known = sight.walked.get(&entry.source_position);
    let walked = match known.filter(|w| (w.first..=w.last).contains(&index)) {
        Some(walked) => walked.clone(),
        None => {
            let walked = walk(sight, index, entry)?;
            sight.walked.insert(entry.source_position, walked.clone());
            walked
        }
    };
    let (at, told) = walked
        .told
        .map_or((None, None), |(at, t)| (Some(at), Some(t)));
    let told = told.unwrap_or_default();
    let rows = walked.rows.into_iter().filter(|row| row.entry != index);
    Ok(Some(Company {
        position: entry.source_position,
        entry: at,
        id: Some(told.id).filter(|id| !id.is_empty()),
        committed_at: at.map(|_| told.committed_at),
        by: told.by,
        others: walked.count.saturating_sub(1),
        at_least: walked.cut,
        rows: rows.take(MOST_NAMED).collect(),
    }))
}

fn walk(sight: &mut Sight, index: u64, entry: &RowEntry) -> Result<Walked, DeskError> {
    let position = entry.source_position;
    let mut out = Walked {
        first: index,
        last: index,
        ..Walked::default()
    };
    let mut before = Vec::new();
    let start = index.saturating_sub(MOST_WALKED);
    for at in (start..index).rev() {
        match sight.entry(at)? {
            LedgerEntry::Transaction(json) => {
                let told: SourceTransaction = serde_json::from_slice(&json)?;
                if told.position == position {
                    out.told = Some((at, told));
                }
                break;
            }
            // The end of the transaction before.
            LedgerEntry::Row(row) if row.last_of_transaction => break,
            LedgerEntry::Row(row) if belongs(&row, position) => {
                out.first = at;
                before.push((at, row));
            }
            LedgerEntry::Row(_) | LedgerEntry::Watch(_) | LedgerEntry::Schema(_) => break,
        }
        out.cut |= at == start && start > 0;
    }
    before.reverse();
    for (at, row) in before.iter().map(|(at, row)| (*at, row)) {
        out.take(sight, at, row)?;
    }
    out.take(sight, index, entry)?;
    let end = sight.size.min(index.saturating_add(MOST_WALKED));
    let mut ended = entry.last_of_transaction;
    let mut at = index + 1;
    while !ended && at < end {
        match sight.entry(at)? {
            LedgerEntry::Row(row) if belongs(&row, position) => {
                out.last = at;
                ended = row.last_of_transaction;
                out.take(sight, at, &row)?;
            }
            _ => ended = true,
        }
        at += 1;
    }
    out.cut |= !ended && end < sight.size;
    Ok(out)
}

fn belongs(row: &RowEntry, position: u64) -> bool {
    row.source_position == position && row.kind == EntryKind::Change
}

impl Walked {
    fn take(&mut self, sight: &mut Sight, at: u64, row: &RowEntry) -> Result<(), DeskError> {
        self.count += 1;
        // One more than is named: the row itself is taken out later.
        if self.rows.len() <= MOST_NAMED {
            let shape = sight.shape(row.schema)?;
            self.rows.push(CompanyRow {
                entry: at,
                table: shape.table_name(row.table).to_owned(),
                key: row.key.to_string(),
                write: match (row.previous, &row.image) {
                    (_, None) => Write::Delete,
                    (None, _) => Write::Insert,
                    _ => Write::Update,
                },
                verdict: row.judgement.verdict,
            });
        }
        Ok(())
    }
}
