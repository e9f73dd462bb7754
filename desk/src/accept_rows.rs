//! Rows that stay as they are: one person asks, a second one approves, and the image that stands in
//! the shop becomes the lawful one.
//!
//! The approval holds for that image only. A row that was written again since it was asked for is
//! asked for anew, so that nobody's later change comes in under it.

use crate::guard::Guard;
use crate::repair::name_of;
use crate::window::account_of;
use crate::{Ask, Desk, DeskError, Told};
use incident::learning::Topic;
use incident::rows::{RowState, TableRows};
use incident::{Command, Incident};
use model::digest::{hex, unhex};
use model::entry::LedgerEntry;
use model::{ColumnChange, Finding, FindingId, IncidentId, Instant, Key, Operation, SourceName};
use plan::Act;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Batch, PutDocument};
use thiserror::Error;

const ACCEPTANCES: &str = "acceptance";
/// Rows of one request: a person is to look at each.
const MOST_ROWS: usize = 500;
/// A request that nobody answers ends by itself, so that it keeps no row out of repair for good.
const DAYS: u8 = 7;
const MOST_REASON_CHARS: usize = 2_000;
/// Requests listed and looked through; older ones stay in the journal.
const MOST_LISTED: u32 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    pub id: String,
    pub source: SourceName,
    /// Where it was decided, if in an incident.
    pub incident: Option<IncidentId>,
    pub reason: String,
    pub rows: Vec<AcceptedRow>,
    pub asked_by: String,
    /// Account of whoever asked, who may not approve.
    asked_by_account: String,
    pub asked_at: Instant,
    pub approved_by: Option<String>,
    pub approved_at: Option<Instant>,
    /// Who refused it, or took it back.
    pub refused_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedRow {
    pub finding: FindingId,
    pub table: String,
    /// As people read it.
    pub key: String,
    /// The same as bytes, in hex.
    key_bytes: String,
    /// What is to become lawful: the lawful and the present value of each column that differs.
    pub columns: Vec<ColumnChange>,
    /// Digest of the row as it stood when it was asked for; `None`: it was gone.
    live: Option<String>,
}

/// Why what was asked for is not approved.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AcceptRefusal {
    #[error("whoever asked may not approve: a second person must")]
    SamePerson,
    #[error("this was approved, refused or taken back already")]
    Ended,
    #[error("this was asked for more than {DAYS} days ago; look at the rows and ask anew")]
    TooOld,
    #[error("{table} {key} was written again since it was asked for; look at it and ask anew")]
    WrittenAgain { table: String, key: String },
}

impl AcceptRefusal {
    /// Name of the reason in the catalogue.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SamePerson => "same-person",
            Self::Ended => "ended",
            Self::TooOld => "too-old",
            Self::WrittenAgain { .. } => "written-again",
        }
    }
}

impl AcceptedRow {
    fn key(&self) -> Option<Key> {
        unhex(&self.key_bytes).map(Key)
    }
}

impl Acceptance {
    /// Approved, refused or taken back.
    pub fn is_over(&self) -> bool {
        self.approved_by.is_some() || self.refused_by.is_some()
    }

    /// Whether it can be approved now.
    pub fn open(&self, now: Instant) -> Result<(), AcceptRefusal> {
        if self.is_over() {
            return Err(AcceptRefusal::Ended);
        }
        if now.since_s(self.asked_at) > f64::from(DAYS) * 86_400.0 {
            return Err(AcceptRefusal::TooOld);
        }
        Ok(())
    }

    /// Whether it was asked for in the incident, or its rows are among those that it follows.
    pub fn concerns(&self, incident: &Incident) -> bool {
        let followed = |row: &AcceptedRow| {
            let findings = &incident.findings;
            findings.row(&self.source, &row.table, &row.key).is_some()
        };
        self.incident.as_ref() == Some(&incident.id) || self.rows.iter().any(followed)
    }

    /// Whether this person asked, who therefore may not approve.
    pub fn asked_by_same(&self, op: &Operation) -> bool {
        self.asked_by_account == account_of(op)
    }
}

impl Desk {
    /// Asks that the rows of these findings stay as they are now.
    pub fn ask_acceptance(
        &self,
        op: &Operation,
        findings: &[FindingId],
        reason: &str,
    ) -> Result<Acceptance, DeskError> {
        let mut found = Vec::with_capacity(findings.len());
        for id in findings {
            let finding = self.store().finding(id)?;
            let missing = || DeskError::NotFound(Told::new("finding-unknown").with("id", id));
            found.push(finding.ok_or_else(missing)?);
        }
        self.ask_for(op, None, &found, reason)
    }

    /// The same for rows that were named in an incident.
    pub(crate) fn ask_acceptance_of_rows(
        &self,
        op: &Operation,
        incident: &IncidentId,
        rows: &[TableRows],
        reason: &str,
    ) -> Result<(), DeskError> {
        let named = |f: &Finding| {
            let mut of_table = rows
                .iter()
                .filter(|r| r.source == f.source && r.table == f.table);
            of_table.any(|r| r.keys.contains(&f.key))
        };
        let mut found = self.findings_of(incident)?;
        found.retain(named);
        let mut sources: Vec<_> = found.iter().map(|f| f.source.clone()).collect();
        sources.sort();
        sources.dedup();
        for source in sources {
            let of_source = found.iter().filter(|f| f.source == source);
            let of_source: Vec<Finding> = of_source.cloned().collect();
            for portion in of_source.chunks(MOST_ROWS) {
                self.ask_for(op, Some(incident), portion, reason)?;
            }
        }
        Ok(())
    }

    fn ask_for(
        &self,
        op: &Operation,
        incident: Option<&IncidentId>,
        findings: &[Finding],
        reason: &str,
    ) -> Result<Acceptance, DeskError> {
        self.may(op, Act::AcceptUnwitnessed)?;
        let refused = |why: Told| Err(DeskError::Refused(why));
        if reason.trim().is_empty() || reason.chars().count() > MOST_REASON_CHARS {
            return refused(Told::new("say-why").with("most", MOST_REASON_CHARS));
        }
        let Some(first) = findings.first() else {
            return refused(Told::new("name-findings"));
        };
        if findings.len() > MOST_ROWS {
            return refused(Told::new("most-findings").with("most", MOST_ROWS));
        }
        if findings.iter().any(|f| f.source != first.source) {
            return refused(Told::new("one-source"));
        }
        let wanted = findings.to_vec();
        let rows = self.on_guard(&first.source, move |guard| rows_of(guard, &wanted))?;
        let acceptance = Acceptance {
            id: self.new_id("a")?,
            source: first.source.clone(),
            incident: incident.cloned(),
            reason: reason.to_owned(),
            rows,
            asked_by: name_of(&op.actor),
            asked_by_account: account_of(op),
            asked_at: op.now,
            approved_by: None,
            approved_at: None,
            refused_by: None,
        };
        self.put_acceptance(&acceptance, None, op.now)?;
        Ok(acceptance)
    }

    /// The second person's word: from here on the rows are lawful as they stand.
    pub fn approve_acceptance(&self, op: &Operation, id: &str) -> Result<Acceptance, DeskError> {
        self.may(op, Act::ApproveRepair)?;
        let (mut acceptance, version) = self.acceptance(id)?;
        if acceptance.asked_by_same(op) {
            return Err(AcceptRefusal::SamePerson.into());
        }
        acceptance.open(op.now)?;
        let (rows, at) = (acceptance.rows.clone(), op.now);
        acceptance.approved_by = Some(name_of(&op.actor));
        acceptance.approved_at = Some(op.now);
        let approved = acceptance.clone();
        // Who approved is durable before anything becomes lawful. A crash in between leaves rows
        // that are approved and still unlawful: they are asked for anew.
        let desk = self.clone();
        self.on_guard(&acceptance.source, move |guard| {
            guard.catch_up_with_shop()?;
            let slots = as_asked(guard, &rows)?;
            desk.put_acceptance(&approved, Some(version), at)?;
            for (table, key) in slots {
                guard.intake.accept(table, &key, at)?;
            }
            Ok(())
        })?;
        self.settle_in_incidents(op, &acceptance);
        Ok(acceptance)
    }

    /// Refused as if there were none when it is of another incident: who names an id of what is
    /// kept from them learns nothing by it.
    pub fn acceptance_of(&self, incident: &Incident, id: &str) -> Result<Acceptance, DeskError> {
        let missing = || DeskError::NotFound(Told::new("acceptance-unknown").with("id", id));
        let (acceptance, _) = self.acceptance(id)?;
        match acceptance.concerns(incident) {
            true => Ok(acceptance),
            false => Err(missing()),
        }
    }

    /// Takes back what one asked for oneself, or refuses what somebody else did.
    pub fn refuse_acceptance(&self, op: &Operation, id: &str) -> Result<Acceptance, DeskError> {
        let (mut acceptance, version) = self.acceptance(id)?;
        if !acceptance.asked_by_same(op) {
            self.may(op, Act::ApproveRepair)?;
        }
        if acceptance.is_over() {
            return Err(AcceptRefusal::Ended.into());
        }
        acceptance.refused_by = Some(name_of(&op.actor));
        self.put_acceptance(&acceptance, Some(version), op.now)?;
        Ok(acceptance)
    }

    /// Newest first.
    pub fn acceptances(&self, source: Option<&SourceName>) -> Result<Vec<Acceptance>, DeskError> {
        let mut all = Vec::new();
        for stored in self.store().documents(ACCEPTANCES, MOST_LISTED)? {
            let acceptance: Acceptance = serde_json::from_str(&stored.json)?;
            if source.is_none_or(|source| acceptance.source == *source) {
                all.push(acceptance);
            }
        }
        all.sort_by(|a, b| (b.asked_at, &b.id).cmp(&(a.asked_at, &a.id)));
        Ok(all)
    }

    /// Rows that somebody wants to leave as they are, with the name of whoever asked: no repair is
    /// proposed for them meanwhile.
    pub(crate) fn rows_left(
        &self,
        source: &SourceName,
    ) -> Result<BTreeMap<(String, Key), String>, DeskError> {
        let now = self.now();
        let mut left = BTreeMap::new();
        for asked in self.acceptances(Some(source))? {
            if asked.open(now).is_err() {
                continue;
            }
            for row in asked.rows {
                if let Some(key) = row.key() {
                    left.insert((row.table, key), asked.asked_by.clone());
                }
            }
        }
        Ok(left)
    }

    fn acceptance(&self, id: &str) -> Result<(Acceptance, u64), DeskError> {
        let stored = self.store().document(ACCEPTANCES, id)?;
        let missing = || DeskError::NotFound(Told::new("acceptance-unknown").with("id", id));
        let stored = stored.ok_or_else(missing)?;
        Ok((serde_json::from_str(&stored.json)?, stored.version))
    }

    /// Open incidents that follow these rows are told; one that may not be is only warned of, for
    /// the guard takes the rows as lawful already.
    fn settle_in_incidents(&self, op: &Operation, acceptance: &Acceptance) {
        for incident in self.open_incidents() {
            let open = |row: &&AcceptedRow| {
                let tracked = incident
                    .findings
                    .row(&acceptance.source, &row.table, &row.key);
                tracked.is_some_and(|row| row.state == RowState::Open)
            };
            let mut rows: Vec<TableRows> = Vec::new();
            for row in acceptance.rows.iter().filter(open) {
                match rows.iter_mut().find(|r| r.table == row.table) {
                    Some(table) => table.keys.push(row.key.clone()),
                    None => rows.push(TableRows {
                        source: acceptance.source.clone(),
                        table: row.table.clone(),
                        keys: vec![row.key.clone()],
                    }),
                }
            }
            if rows.is_empty() {
                continue;
            }
            let told = self.ask(Ask::Command {
                op: op.clone(),
                id: incident.id.clone(),
                command: Box::new(Command::RecordDecision {
                    topic: Topic::AcceptRows { rows },
                    text: acceptance.reason.clone(),
                }),
            });
            if let Err(error) = told {
                tracing::warn!(incident = %incident.id, error = %crate::error::chain(&error), "the incident could not be told that rows were accepted");
            }
        }
    }

    /// Stored and put on the record in one transaction.
    fn put_acceptance(
        &self,
        acceptance: &Acceptance,
        expect_version: Option<u64>,
        at: Instant,
    ) -> Result<(), DeskError> {
        let document = PutDocument {
            collection: ACCEPTANCES,
            id: acceptance.id.clone(),
            expect_version,
            json: serde_json::to_string(acceptance)?,
            at,
        };
        // Values stand in the ledger, sealed; the record names the columns only.
        let mut told = acceptance.clone();
        for column in told.rows.iter_mut().flat_map(|row| &mut row.columns) {
            (column.lawful, column.live) = (None, None);
        }
        let leaf = serde_json::json!({ "record": "acceptance", "at": at, "acceptance": told });
        self.store().commit(Batch {
            documents: vec![document],
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        self.touched();
        Ok(())
    }
}

/// The rows that the findings are about, each once, as they stand.
fn rows_of(guard: &mut Guard, findings: &[Finding]) -> Result<Vec<AcceptedRow>, DeskError> {
    guard.catch_up_with_shop()?;
    let mut rows: Vec<AcceptedRow> = Vec::with_capacity(findings.len());
    for finding in findings {
        let strange = || DeskError::Refused(Told::new("finding-of-no-row").with("id", &finding.id));
        let table = place(guard, &finding.table).ok_or_else(strange)?;
        let entry = LedgerEntry::decode(&guard.intake.ledger.reader.entry(finding.position)?)?;
        let LedgerEntry::Row(entry) = entry else {
            return Err(strange());
        };
        let key_bytes = hex(&entry.key.0);
        let same = |r: &&AcceptedRow| r.table == finding.table && r.key_bytes == key_bytes;
        if rows.iter().any(|r| same(&r)) {
            continue;
        }
        let named = |f: &&Finding| f.table == finding.table && f.key == finding.key;
        let named: Vec<&Finding> = findings.iter().filter(named).collect();
        let (columns, live) = as_named(guard, table, &entry.key, &named)?;
        rows.push(AcceptedRow {
            finding: finding.id.clone(),
            table: finding.table.clone(),
            key: finding.key.clone(),
            key_bytes,
            columns,
            live,
        });
    }
    Ok(rows)
}

/// What of the row is to become lawful, and the digest of the row. Each column that is not lawful
/// must be named by one of the findings, with the value that it has now: what nobody named is
/// accepted by nobody.
fn as_named(
    guard: &mut Guard,
    table: u16,
    key: &Key,
    named: &[&Finding],
) -> Result<(Vec<ColumnChange>, Option<String>), DeskError> {
    let refused = DeskError::Refused;
    let row = || {
        let row = named.first().map(|f| format!("{} {}", f.table, f.key));
        row.unwrap_or_default()
    };
    let ledger = &mut guard.intake.ledger;
    let record = ledger.record(table, key)?;
    let record = record.ok_or_else(|| refused(Told::new("row-gone").with("row", row())))?;
    let live = ledger.live_row(table, key, &record)?;
    let lawful = ledger.lawful_row(table, key, &record)?;
    let sealer = ledger.sealer.clone();
    let shape = sealer
        .table(table)
        .ok_or_else(|| refused(Told::new("row-unguarded").with("row", row())))?;
    let (source, live, lawful) = (&guard.source, live.as_ref(), lawful.as_ref());
    let found = recover::audit::confirm(source, shape, key, live, Some(&record), lawful);
    let columns = found.map_or_else(Vec::new, |found| found.columns);
    let told = |column: &&ColumnChange| {
        let mut cells = named.iter().flat_map(|f| &f.columns);
        cells.any(|c| c.name == column.name && c.live == column.live)
    };
    if let Some(column) = columns.iter().find(|column| !told(column)) {
        return Err(refused(
            Told::new("row-not-told")
                .with("row", row())
                .with("column", &column.name),
        ));
    }
    Ok((columns, record.live.map(|digest| hex(&digest))))
}

/// The rows by their keys, if every one stands as it was asked for.
fn as_asked(guard: &Guard, rows: &[AcceptedRow]) -> Result<Vec<(u16, Key)>, DeskError> {
    let mut slots = Vec::with_capacity(rows.len());
    for row in rows {
        let changed = || AcceptRefusal::WrittenAgain {
            table: row.table.clone(),
            key: row.key.clone(),
        };
        let table = place(guard, &row.table).ok_or_else(changed)?;
        let key = row.key().ok_or_else(changed)?;
        let record = guard.intake.ledger.record(table, &key)?;
        let live = record.ok_or_else(changed)?.live.map(|digest| hex(&digest));
        if live != row.live {
            return Err(changed().into());
        }
        slots.push((table, key));
    }
    Ok(slots)
}

fn place(guard: &Guard, table: &str) -> Option<u16> {
    let place = guard.tables.iter().position(|t| t.schema.name == table)?;
    u16::try_from(place).ok()
}
