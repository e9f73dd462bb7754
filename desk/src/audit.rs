//! The audit: every row of a source against its lawful image, while the shop trades.
//!
//! The bulk of the work is one pass over the tables on a connection of its own, beside a snapshot
//! of the index. What differs there is only a candidate: rows change while the pass runs. The
//! guard confirms candidates on its own thread, where shop and ledger stand still together.

use crate::guard::Guard;
use crate::intake::unfold;
use crate::standing_still;
use crate::{Desk, DeskError};
use connect::source::{GuardedTable, Location};
use journal::index::Snapshot;
use model::{Instant, Key, SourceName};
use recover::RowToRepair;
use recover::audit::{Candidate, Discrepancy, TableAudit, confirm, table_records};
use recover::seal::RowSealer;
use serde::Serialize;
use std::sync::Arc;

/// Candidates kept of one audit; a shop with more differing rows is another shop.
const MAX_CANDIDATES: usize = 200_000;

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditReport {
    pub rows: u64,
    pub discrepancies: Vec<Discrepancy>,
    pub taken_at: Instant,
    /// Rows of the source whose key is NULL: they cannot be guarded.
    pub unreadable: u64,
    /// Changes that nobody witnessed and no person has accepted yet; their rows compare as lawful.
    pub unwitnessed: u64,
}

/// What the pass over the tables needs; taken on the guard's thread.
pub(crate) struct Plan {
    pub location: Location,
    pub tables: Arc<Vec<GuardedTable>>,
    pub sealer: Arc<RowSealer>,
    pub snapshot: Snapshot,
}

impl Desk {
    /// Compares every row of the source with its lawful image.
    pub fn audit_source(&self, source: &SourceName) -> Result<AuditReport, DeskError> {
        let taken_at = self.now();
        let plan = self.audit_plan(source)?;
        let Passed {
            rows,
            unreadable,
            candidates,
        } = pass(&plan)?;
        let discrepancies = self.on_guard(source, move |guard| confirmed(guard, &candidates))?;
        Ok(AuditReport {
            rows,
            discrepancies: discrepancies.into_iter().map(|(d, _)| d).collect(),
            taken_at,
            unreadable,
            unwitnessed: self.open_unwitnessed(source)?,
        })
    }

    fn audit_plan(&self, source: &SourceName) -> Result<Plan, DeskError> {
        let location = self.source_config(source)?.location();
        self.on_guard(source, move |guard| {
            guard.intake.ledger.settle()?;
            Ok(Plan {
                location,
                tables: Arc::clone(&guard.tables),
                sealer: Arc::clone(&guard.intake.ledger.sealer),
                snapshot: guard.intake.ledger.snapshot(),
            })
        })
    }

    /// The rows that do not stand as they lawfully should, with both images.
    pub(crate) fn rows_to_repair(
        &self,
        source: &SourceName,
    ) -> Result<Vec<RowToRepair>, DeskError> {
        let plan = self.audit_plan(source)?;
        let Passed { candidates, .. } = pass(&plan)?;
        let rows = self.on_guard(source, move |guard| confirmed(guard, &candidates))?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }
}

/// What one pass over the tables gave.
pub(crate) struct Passed {
    pub rows: u64,
    /// Rows whose key is NULL.
    pub unreadable: u64,
    pub candidates: Vec<(u16, Key)>,
}

/// One pass over all tables in one snapshot: rows, unreadable rows, candidates.
pub(crate) fn pass(plan: &Plan) -> Result<Passed, DeskError> {
    let mut source = plan.location.source()?;
    let mut candidates: Vec<(u16, Key)> = Vec::new();
    let mut rows = 0;
    let mut audit: Option<(u16, TableAudit<'_>)> = None;
    let mut finish = |audit: Option<(u16, TableAudit<'_>)>,
                      into: &mut Vec<(u16, Key)>|
     -> Result<(), DeskError> {
        if let Some((_, done)) = audit {
            rows += done
                .finish(&mut |c: Candidate| into.push((c.table, c.key)))?
                .rows;
        }
        Ok(())
    };
    let report = source.scan_all(&plan.tables, &mut |table, key, row| {
        while audit.as_ref().is_none_or(|(at, _)| *at != table) {
            let next = audit.as_ref().map_or(0, |(at, _)| at + 1);
            finish(audit.take(), &mut candidates)?;
            audit = Some((next, TableAudit::new(&plan.sealer, next, table_records(&plan.snapshot, next))?));
        }
        if let Some((_, audit)) = &mut audit {
            audit.row(key, row, &mut |c: Candidate| candidates.push((c.table, c.key)))?;
        }
        if candidates.len() > MAX_CANDIDATES {
            return Err(format!("more than {MAX_CANDIDATES} rows differ; if the shop was replaced, take a new baseline").into());
        }
        Ok(())
    })?;
    let left = audit.as_ref().map_or(0, |(at, _)| at + 1);
    finish(audit.take(), &mut candidates)?;
    for table in left..plan.tables.len() as u16 {
        let empty = TableAudit::new(&plan.sealer, table, table_records(&plan.snapshot, table))?;
        finish(Some((table, empty)), &mut candidates)?;
    }
    Ok(Passed {
        rows,
        unreadable: report.unreadable_rows,
        candidates,
    })
}

/// Confirms candidates where shop and ledger stand still together.
pub(crate) fn confirmed(
    guard: &mut Guard,
    candidates: &[(u16, Key)],
) -> Result<Vec<(Discrepancy, RowToRepair)>, DeskError> {
    // What the feed never told is put on the ledger first: it becomes a finding, not only a line here.
    guard.take_in_what_went_round(candidates)?;
    let mut out = Vec::new();
    for (table, key, live) in standing_still::differing(guard, candidates)? {
        let record = guard.intake.ledger.record(table, &key)?;
        let lawful = match &record {
            Some(record) => guard.intake.ledger.lawful_row(table, &key, record)?,
            None => None,
        };
        // A long cell is journaled by its hash; where the shop holds that very cell, nothing differs.
        let lawful = match (lawful, &live) {
            (Some(lawful), Some(live)) => Some(unfold(lawful, live)),
            (lawful, _) => lawful,
        };
        let sealer = Arc::clone(&guard.intake.ledger.sealer);
        let Some(seal_table) = sealer.table(table) else {
            continue;
        };
        let found = confirm(
            &guard.source,
            seal_table,
            &key,
            live.as_ref(),
            record.as_ref(),
            lawful.as_ref(),
        );
        let Some(discrepancy) = found else { continue };
        let row = RowToRepair {
            table,
            key,
            kind: discrepancy.kind,
            live,
            lawful,
            position: discrepancy.position.unwrap_or_default(),
        };
        out.push((discrepancy, row));
    }
    Ok(out)
}
