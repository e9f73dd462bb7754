//! Repair: propose, journal what is expected, apply through the writing account, audit again.
//!
//! ```text
//! approved ─► StartRepair stored ─► expected images fsynced ─► COMMIT in the shop ─► feed sees them ─► RepairApplied stored
//!                │ crash: the start     │ crash: nothing was       │ crash: the start finds the rows
//!                │ finds the repair     │ written; the start says  │ as they were expected, says that the
//!                │ applying: failed     │ so: failed, propose anew │ repair was applied, and audits again
//! ```

use crate::audit::AuditReport;
use crate::error::CommandError;
use crate::ledger::{has_long_cell, is_long_cell};
use crate::view::{AuditSummary, ProposalView};
use crate::{Desk, DeskError, Told};
use connect::repair::{Applied, apply};
use incident::containment::RepairScope;
use incident::rows::{RowCounts, TableRows};
use incident::{Command, Incident};
use model::proposal::{ExpectedImage, SetAside};
use model::{
    Actor, IncidentId, Key, Operation, ProposalId, RepairAction, RepairProposal, RequestId, Row,
    SourceName, Standing, TableSchema, Value,
};
use recover::{ProposalLimits, ProposalRequest, RowToRepair};
use std::collections::BTreeMap;

pub(crate) const PROPOSALS: &str = "proposal";
/// Name of the mark that holds where in the ledger a repair's expected images begin.
pub(crate) fn mark_repair(id: &ProposalId) -> String {
    format!("repair/{id}")
}
/// How often, and how long apart, the end of a repair is told to a store that does not take it.
const TELL_TRIES: u32 = 20;
const TELL_EVERY: std::time::Duration = std::time::Duration::from_millis(500);
/// Rows of one proposal that an incident's command can name.
const MOST_ROWS: usize = incident::bounds::MAX_KEYS_PER_COMMAND;
/// Polls of the guard in which a repair's rows must turn up after its COMMIT.
const SEEN_WITHIN_POLLS: u32 = 200;

impl Desk {
    /// Makes a proposal from a fresh audit and puts it before the incident.
    pub fn propose_repair(
        &self,
        op: Operation,
        id: &IncidentId,
    ) -> Result<ProposalId, CommandError> {
        let source = source_of(&*self.incident(id).ok_or(CommandError::UnknownIncident)?)?;
        let rows = self.rows_to_repair(&source)?;
        if rows.is_empty() {
            return Err(DeskError::NotFound(Told::new("nothing-to-repair")).into());
        }
        let (proposal, left_out) = self.make_proposal(&source, rows)?;
        let view = ProposalView {
            digest: proposal.digest(),
            incident: Some(id.clone()),
            proposed_by: name_of(&op.actor),
            approved_by: None,
            state: "proposed".into(),
            left_out,
            proposal,
        };
        self.put_proposal(&view, op.now)?;
        let command = Command::ProposeRepair {
            proposal: view.proposal.id.clone(),
            digest: view.digest,
            source,
            scope: scope(&view.proposal),
            counts: counts(&view.proposal),
            made_at: view.proposal.made_at,
        };
        self.execute(op, id, command)?;
        Ok(view.proposal.id)
    }

    fn make_proposal(
        &self,
        source: &SourceName,
        rows: Vec<RowToRepair>,
    ) -> Result<(RepairProposal, Vec<String>), DeskError> {
        let config = self.source_config(source)?;
        let id = ProposalId::new(self.new_id("r")?);
        let (policy, made_at) = (config.policy(), self.now());
        let dialect = config.dialect();
        let left = self.rows_left(source)?;
        let limits = ProposalLimits {
            max_rows: config.repair.max_rows as usize,
        };
        // What is more than one repair may hold waits for the next one.
        let most = limits.max_rows.min(MOST_ROWS);
        self.on_guard(source, move |guard| {
            let schemas: Vec<_> = guard.tables.iter().map(|t| t.schema.clone()).collect();
            let mut left_out = Vec::new();
            let mut rows = rows;
            rows.retain(|row| {
                let schema = &schemas[usize::from(row.table)];
                let why = why_left_out(row, schema, &left);
                left_out.extend(
                    why.iter()
                        .map(|why| format!("{} {}: {why}", schema.name, row.key)),
                );
                why.is_none()
            });
            if rows.is_empty() {
                return Err(DeskError::NotFound(
                    Told::new("nothing-proposable").with("rows", shortened(&left_out)),
                ));
            }
            if rows.len() > most {
                tracing::warn!(
                    rows = rows.len(),
                    most,
                    "the proposal takes the first of them; propose again after the repair"
                );
            }
            let rows = recover::first_portion(&policy, &schemas, rows, most);
            let sealer = std::sync::Arc::clone(&guard.intake.ledger.sealer);
            let tables: Vec<_> = (0..schemas.len())
                .filter_map(|t| sealer.table(t as u16).cloned())
                .collect();
            let request = ProposalRequest {
                id: &id,
                policy: &policy,
                schemas: &schemas,
                tables: &tables,
                made_at,
                ledger_size: guard.intake.ledger.reader.size(),
                limits,
            };
            let proposed = recover::propose_for(dialect, &request, &rows)?;
            left_out.extend(
                (proposed.needs_person.iter())
                    .map(|row| format!("{} {}: {}", row.table, row.key, row.reason)),
            );
            for row in &left_out {
                tracing::warn!(row, "a row needs a person");
            }
            Ok((proposed.proposal, left_out))
        })
    }

    /// Applies an approved proposal, waits until the feed has seen it, and audits again.
    pub fn apply_repair(
        &self,
        op: Operation,
        id: &IncidentId,
        proposal: &ProposalId,
    ) -> Result<(), CommandError> {
        let view = self.proposal(proposal).ok_or_else(|| {
            DeskError::NotFound(Told::new("proposal-unknown").with("id", proposal))
        })?;
        // The incident's facts say what was approved; the stored document is only what it names.
        let incident = self.incident(id).ok_or(CommandError::UnknownIncident)?;
        let approved = incident.repairs.iter().find(|r| r.proposal == *proposal);
        if approved.is_none_or(|r| r.digest != view.proposal.digest()) {
            return Err(DeskError::Refused(Told::new("proposal-changed")).into());
        }
        let system = |part: &str| Operation {
            actor: Actor::system("repair"),
            reason: String::new(),
            request: RequestId::new(format!("{}/{part}", op.request)),
            now: self.now(),
        };
        self.execute(
            op.clone(),
            id,
            Command::StartRepair {
                proposal: proposal.clone(),
            },
        )?;
        match self.write_to_shop(&view.proposal) {
            Ok(()) => {
                let repaired = counts(&view.proposal);
                let applied = Command::RepairApplied {
                    proposal: proposal.clone(),
                    repaired,
                };
                self.told(system("applied"), id, applied)?;
                self.audit(system("audit"), id)?;
                Ok(())
            }
            Err(error) => {
                let why = crate::error::chain(&error);
                let failed = Command::RepairFailed {
                    proposal: proposal.clone(),
                    why,
                };
                self.told(system("failed"), id, failed)?;
                Err(error.into())
            }
        }
    }

    /// Puts on the record how a repair ended. The shop is written already, so a store that is full
    /// or busy is asked again for a while; after that the next start finds out from the shop.
    fn told(&self, op: Operation, id: &IncidentId, ended: Command) -> Result<(), CommandError> {
        let mut tries = 0;
        loop {
            match self.execute(op.clone(), id, ended.clone()) {
                Err(CommandError::Desk(error)) if tries < TELL_TRIES => {
                    tracing::error!(error = %error.told(), "the end of a repair could not be stored; trying again");
                    tries += 1;
                    self.pause(TELL_EVERY);
                }
                answer => return answer.map(drop),
            }
        }
    }

    fn write_to_shop(&self, proposal: &RepairProposal) -> Result<(), DeskError> {
        let (writer, limits) = self.repair_terms(&proposal.source)?;
        let proposal = proposal.clone();
        self.on_guard(&proposal.source.clone(), move |guard| {
            guard.catch_up_with_shop()?;
            untouched_since(guard, &proposal)?;
            let sealer = std::sync::Arc::clone(&guard.intake.ledger.sealer);
            let tables: Vec<_> = (0..guard.tables.len())
                .filter_map(|t| sealer.table(t as u16).cloned())
                .collect();
            let feed = &mut guard.feed;
            let images = recover::expected_images(&proposal, &tables, |table, key| {
                feed.read(table, std::slice::from_ref(key))
                    .ok()?
                    .pop()
                    .flatten()
            })?;
            let now = guard.desk.now();
            // A crash from here on: the start looks for the expected images from this entry on.
            let mark = mark_repair(&proposal.id);
            guard
                .desk
                .store_mark(&mark, guard.intake.ledger.reader.size())?;
            guard.intake.expect(images, now)?;
            let applied = match apply(&writer, &proposal, &limits, false) {
                Ok(applied) => applied,
                Err(error) => {
                    guard.intake.expected.clear();
                    return Err(error.into());
                }
            };
            // The shop is repaired, whatever the feed or the disk makes of it now: to call it failed
            // would be untrue. The audit that follows says how the rows stand.
            if let Err(error) = after_commit(guard, &proposal, &applied) {
                tracing::error!(error = %crate::error::chain(&error), "the repair was written, and could not be followed up");
            }
            Ok(())
        })
    }

    /// Audits the incident's source and puts the result on the record.
    pub fn audit(&self, op: Operation, id: &IncidentId) -> Result<AuditSummary, CommandError> {
        let source = source_of(&*self.incident(id).ok_or(CommandError::UnknownIncident)?)?;
        let report: AuditReport = self.audit_source(&source)?;
        let summary = AuditSummary {
            rows: report.rows,
            discrepancies: report.discrepancies.len() as u64,
        };
        let op = Operation {
            actor: Actor::system("audit"),
            ..op
        };
        let command = Command::RecordAudit {
            source,
            taken_at: report.taken_at,
            rows: summary.rows,
            discrepancies: summary.discrepancies,
        };
        self.execute(op, id, command)?;
        Ok(summary)
    }
}

fn after_commit(
    guard: &mut crate::guard::Guard,
    proposal: &RepairProposal,
    applied: &Applied,
) -> Result<(), DeskError> {
    expect_entries(guard, applied)?;
    see_repair(guard)?;
    taken_back(guard, proposal)
}

/// Polls until every expected image was matched by what the feed saw. A row that somebody wrote
/// over at once never shows as expected; it is a change of its own then, and the audit names it.
fn see_repair(guard: &mut crate::guard::Guard) -> Result<(), DeskError> {
    guard.intake.expected.written();
    for _ in 0..SEEN_WITHIN_POLLS {
        guard.poll()?;
        if guard.intake.expected.is_empty() {
            return Ok(());
        }
    }
    tracing::warn!("the feed did not see every repaired row as it was written");
    Ok(())
}

/// Reversing entries with what the database filled in, their keys above all: known only since the
/// COMMIT, and not seen by the feed before this thread polls it again. A crash in between leaves
/// them to the policy, like any other row of the shop.
fn expect_entries(guard: &mut crate::guard::Guard, applied: &Applied) -> Result<(), DeskError> {
    let mut images = Vec::new();
    for step in &applied.steps {
        let Some(entry) = &step.entry else { continue };
        let place = (guard.tables.iter()).position(|t| t.schema.name == step.table);
        let Some(table) = place.and_then(|t| u16::try_from(t).ok()) else {
            continue;
        };
        let Some(sealed) = guard.intake.ledger.sealer.table(table) else {
            continue;
        };
        let cell = |c: &u16| {
            let name = sealed.columns.get(usize::from(*c))?;
            let found = entry.iter().find(|(column, _)| column == name);
            found.map(|(_, value)| value.as_ref())
        };
        let cells: Option<Vec<_>> = sealed.key.iter().map(cell).collect();
        let Some(key) = cells.and_then(Key::of) else {
            continue;
        };
        if guard.intake.expected.expects(&(table, key.clone())) {
            continue;
        }
        let read = guard.feed.read(table, std::slice::from_ref(&key))?;
        // One that somebody wrote over at once is not the entry any more.
        let written = |row: &Row| {
            let same = |(name, value): &(String, Value)| {
                let at = sealed.columns.iter().position(|column| column == name);
                at.and_then(|at| row.get(at)) == Some(value.as_ref())
            };
            entry.iter().all(same)
        };
        if let Some(row) = read.into_iter().flatten().next().filter(written) {
            images.push(ExpectedImage {
                table,
                key,
                row: Some(row),
            });
        }
    }
    if images.is_empty() {
        return Ok(());
    }
    let now = guard.desk.now();
    guard.intake.expect(images, now)
}

/// A forged ledger row that a reversing entry took back stays where it is, and is right that way.
fn taken_back(guard: &mut crate::guard::Guard, proposal: &RepairProposal) -> Result<(), DeskError> {
    let now = guard.desk.now();
    for step in &proposal.steps {
        if step.set_aside != SetAside::Entry {
            continue;
        }
        let place = (guard.tables.iter()).position(|t| t.schema.name == step.table);
        let key = Key::of(step.key_values.iter().map(|(_, value)| value.as_ref()));
        if let (Some(table), Some(key)) = (place, key) {
            let table = table as u16;
            guard.intake.accept_taken_back(step, table, &key, now)?;
        }
    }
    Ok(())
}

/// A row whose tainted columns the proposal does not all restore would come out of the repair as
/// wholly lawful: it was altered again since, or a column of it may not be repaired.
fn untouched_since(
    guard: &crate::guard::Guard,
    proposal: &RepairProposal,
) -> Result<(), DeskError> {
    for step in &proposal.steps {
        if step.action != RepairAction::RestoreColumns {
            continue;
        }
        let place = guard
            .tables
            .iter()
            .position(|t| t.schema.name == step.table);
        let key = Key::of(step.key_values.iter().map(|(_, value)| value.as_ref()));
        let (Some(table), Some(key)) = (place, key) else {
            continue;
        };
        let Some(record) = guard.intake.ledger.record(table as u16, &key)? else {
            continue;
        };
        let Standing::Altered { columns } = record.standing else {
            continue;
        };
        let schema = &guard.tables[table].schema;
        let restored = |c: &u16| {
            step.expect_after
                .iter()
                .any(|(name, _)| name == schema.name_of(*c))
        };
        if !columns.iter().all(restored) {
            return Err(DeskError::Refused(
                Told::new("step-altered")
                    .with("table", &step.table)
                    .with("key", &step.key),
            ));
        }
    }
    Ok(())
}

/// A row that is not proposed at all. Where one long cell differs, its other columns wait with it: a
/// row that is repaired in part would be taken for wholly lawful.
fn why_left_out(
    row: &RowToRepair,
    schema: &TableSchema,
    left: &BTreeMap<(String, Key), String>,
) -> Option<String> {
    if let Some(name) = left.get(&(schema.name.clone(), row.key.clone())) {
        return Some(format!(
            "asked to stay as it is by {name}, not yet approved"
        ));
    }
    let lawful = row.lawful.as_ref().filter(|lawful| has_long_cell(lawful))?;
    let long = (0..)
        .zip(lawful.iter())
        .filter(|(_, cell)| is_long_cell(*cell));
    let names: Vec<&str> = long.map(|(column, _)| schema.name_of(column)).collect();
    Some(format!(
        "the lawful value of {} is too long for the journal, which holds its hash: bring it from a backup",
        names.join(", ")
    ))
}

/// For an error's one line.
fn shortened(rows: &[String]) -> String {
    let first: Vec<&str> = rows.iter().take(3).map(String::as_str).collect();
    let more = rows.len().saturating_sub(first.len());
    match more {
        0 => first.join("; "),
        more => format!("{}; and {more} more", first.join("; ")),
    }
}

fn source_of(incident: &Incident) -> Result<SourceName, DeskError> {
    incident
        .source
        .clone()
        .ok_or_else(|| DeskError::Refused(Told::new("no-source")))
}

pub(crate) fn name_of(actor: &Actor) -> String {
    match actor {
        Actor::Person { name, .. } => name.clone(),
        Actor::System { part } => part.clone(),
        Actor::Reporter => "reporter".into(),
    }
}

pub(crate) fn counts(proposal: &RepairProposal) -> RowCounts {
    let of = |action| proposal.steps.iter().filter(|s| s.action == action).count() as u64;
    RowCounts {
        altered: of(RepairAction::RestoreColumns),
        forged: of(RepairAction::Void),
        deleted: of(RepairAction::Reinsert),
    }
}

pub(crate) fn scope(proposal: &RepairProposal) -> RepairScope {
    let mut rows: Vec<TableRows> = Vec::new();
    for step in &proposal.steps {
        match rows.iter_mut().find(|r| r.table == step.table) {
            Some(table) => table.keys.push(step.key.clone()),
            None => rows.push(TableRows {
                source: proposal.source.clone(),
                table: step.table.clone(),
                keys: vec![step.key.clone()],
            }),
        }
    }
    RepairScope::Rows { rows }
}
