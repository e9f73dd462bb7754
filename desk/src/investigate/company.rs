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

/// Other rows named in one report; beyond it they are counted only.
pub(super) const MOST_NAMED_IN_ALL: usize = 20_000;
/// Transactions kept for their other rows' steps.
const MOST_KEPT: usize = 1_000;

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
            if sight.walked.len() >= MOST_KEPT {
                sight.walked.clear();
            }
            sight.walked.insert(entry.source_position, walked.clone());
            walked
        }
    };
    let (at, told) = walked
        .told
        .map_or((None, None), |(at, t)| (Some(at), Some(t)));
    let told = told.unwrap_or_default();
    let rows = walked.rows.into_iter().filter(|row| row.entry != index);
    let rows: Vec<CompanyRow> = rows.take(MOST_NAMED.min(sight.may_name)).collect();
    sight.may_name -= rows.len();
    Ok(Some(Company {
        position: entry.source_position,
        entry: at,
        id: Some(told.id).filter(|id| !id.is_empty()),
        committed_at: at.map(|_| told.committed_at),
        by: told.by,
        logged: told.logged,
        others: walked.count.saturating_sub(1),
        at_least: walked.cut,
        rows,
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

#[cfg(test)]
mod tests {
    use super::*;
    use journal::Journal;
    use journal::keys::LogKey;
    use journal::vault::{MasterKey, SubjectKeys};
    use model::{Instant, Judgement, Key, Row, SourceName, Standing, ValueRef, Verdict};
    use serde_json::json;
    use std::sync::Arc;

    const SCHEMA: u64 = 0;

    fn row(position: u64, key: i64, last: bool) -> RowEntry {
        RowEntry {
            kind: EntryKind::Change,
            witnessed: true,
            coalesced: false,
            last_of_transaction: last,
            table: 0,
            at: Instant(position as i64),
            schema: SCHEMA,
            source_position: position,
            previous: None,
            key: Key::of([ValueRef::Integer(key)]).unwrap(),
            subject: Vec::new(),
            judgement: Judgement::lawful(Standing::Clean),
            image: Some(Row::from_values([ValueRef::Integer(key)])),
        }
    }

    fn transaction(position: u64, by: Option<&str>) -> LedgerEntry {
        let told = SourceTransaction {
            position,
            id: format!("tx-{position}"),
            committed_at: Instant(position as i64 * 10),
            stamps: Vec::new(),
            by: by.map(str::to_owned),
            logged: None,
        };
        LedgerEntry::Transaction(serde_json::to_vec(&told).unwrap())
    }

    fn schema() -> LedgerEntry {
        let column = json!({ "name": "id", "declared": "INTEGER", "not_null": true });
        let table = json!({ "name": "orders", "columns": [column], "primary_key": [0], "foreign_keys": [] });
        let policy = json!({ "source": "shop", "tables": [{ "name": "orders", "key": ["id"] }] });
        let entry = json!({ "source": "shop", "tables": [table], "policy": policy });
        LedgerEntry::Schema(entry.to_string().into_bytes())
    }

    /// What the ledger tells of the entry `index` in a log of these entries.
    fn told(entries: &[LedgerEntry], index: u64) -> Option<Company> {
        let folder = tempfile::tempdir().unwrap();
        let key = Arc::new(LogKey::generate("test").unwrap());
        let (journal, _) = Journal::open(&folder.path().join("journal"), key, "test").unwrap();
        let mut log = journal.ledgers.into_iter().next().unwrap();
        for entry in entries {
            let mut bytes = Vec::new();
            entry.encode(&mut bytes).unwrap();
            log.append(&bytes).unwrap();
        }
        log.seal_group().unwrap().wait().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        let keys = SubjectKeys::open(&keys, &MasterKey::generate().unwrap()).unwrap();
        let source = SourceName::new("shop");
        let mut sight = Sight::of(&source, log.reader(), SCHEMA, keys.reader(), [0; 32]);
        let entry = sight.row_entry(index).unwrap();
        of(&mut sight, index, &entry).unwrap()
    }

    #[test]
    fn a_transaction_is_told_with_its_writer_and_its_other_rows() {
        let mut unlawful = row(7, 3, false);
        unlawful.judgement.verdict = Verdict::Unlawful;
        unlawful.image = None;
        let entries = [
            schema(),
            transaction(6, Some("shop")),
            LedgerEntry::Row(row(6, 1, true)),
            transaction(7, Some("mallory")),
            LedgerEntry::Row(row(7, 2, false)),
            LedgerEntry::Row(unlawful),
            LedgerEntry::Row(row(7, 4, true)),
            transaction(8, None),
            LedgerEntry::Row(row(8, 5, true)),
        ];
        for index in 4..=6 {
            let company = told(&entries, index).unwrap();
            assert_eq!((company.entry, company.others), (Some(3), 2));
            assert_eq!(company.id.as_deref(), Some("tx-7"));
            assert_eq!(company.by.as_deref(), Some("mallory"));
            assert_eq!(company.committed_at, Some(Instant(70)));
            let places: Vec<u64> = company.rows.iter().map(|r| r.entry).collect();
            let others: Vec<u64> = (4..=6).filter(|i| *i != index).collect();
            assert_eq!(places, others);
        }
        let first = told(&entries, 4).unwrap();
        assert_eq!(first.rows[0].key, "3");
        assert_eq!(first.rows[0].write, Write::Delete);
        assert_eq!(first.rows[0].verdict, Verdict::Unlawful);
        let alone = told(&entries, 8).unwrap();
        assert_eq!((alone.others, alone.by), (0, None));
    }

    #[test]
    fn a_look_without_transactions_is_told_as_such() {
        let entries = [
            schema(),
            LedgerEntry::Row(row(9, 1, false)),
            LedgerEntry::Row(row(9, 2, true)),
            LedgerEntry::Row(row(0, 3, false)),
        ];
        let company = told(&entries, 1).unwrap();
        assert_eq!((company.entry, company.id), (None, None));
        assert_eq!((company.others, company.committed_at), (1, None));
        assert_eq!(told(&entries, 3), None);
    }
}
