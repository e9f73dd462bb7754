//! What the guard cannot guard is a finding too: rows without a key, and tables that are no longer
//! the ones it knows (`reshaped`). Nothing is skipped in silence.

use crate::guard::Guard;
use crate::intake::Intake;
use crate::{Desk, DeskError};
use connect::source::UnreadableRow;
use model::{Digest, Finding, FindingKind, Instant, Key, Risk, SourceName, Verdict};

/// Characters of a key that are listed.
const MOST_KEY_CHARS: usize = 200;

/// Said of a row that no entry can hold.
const TOO_LARGE: &str = "the row is too large to be journaled: an entry has at most 65,535 bytes; it cannot be guarded \
                         until it is shorter";

/// Name of the mark that holds how many rows had no key when the baseline was taken.
pub(crate) fn mark_unreadable(source: &SourceName) -> String {
    format!("unreadable/{source}")
}

/// One finding a row; the same row without a key is one finding, whenever it is seen.
pub(crate) fn rows(
    intake: &Intake,
    source: &SourceName,
    rows: &[UnreadableRow],
    at: Instant,
) -> Vec<Finding> {
    let finding = |row: &UnreadableRow| {
        let table = intake.policy.table(row.table)?;
        let key = row
            .rowid
            .map_or_else(String::new, |id| format!("rowid {id}"));
        let detail = format!(
            "{}; give it a key, or take the row out: it cannot be guarded",
            row.reason
        );
        Some(of(
            intake,
            source,
            ["unreadable", table.name(), &key],
            detail,
            at,
        ))
    };
    rows.iter().filter_map(finding).collect()
}

/// A key of any length, short enough for a list and still the row's own.
pub(crate) fn shown(key: &str) -> String {
    if key.chars().count() <= MOST_KEY_CHARS {
        return key.to_owned();
    }
    let start: String = key.chars().take(MOST_KEY_CHARS).collect();
    format!("{start}... ({})", Digest::of(key.as_bytes()).short())
}

pub(crate) fn of(
    intake: &Intake,
    source: &SourceName,
    [rule, table, key]: [&str; 3],
    detail: String,
    at: Instant,
) -> Finding {
    let log = intake.ledger.name.clone();
    let place = format!("{rule}\n{table}\n{key}");
    Finding {
        id: Finding::derive_id(&intake.policy.digest(), &log, 0, &place),
        risk: Risk::R2,
        kind: FindingKind::Unreadable,
        rule: rule.to_owned(),
        source: source.clone(),
        table: table.to_owned(),
        key: key.to_owned(),
        columns: Vec::new(),
        verdict: Verdict::Unlawful,
        log,
        position: intake.ledger.reader.size().saturating_sub(1),
        seen_at: at,
        stored_at: at,
        at_risk: None,
        subject: None,
        witnessed: true,
        coalesced: true,
        detail,
    }
}

/// More rows changed at once than the guard takes in: it stops, and this is what it leaves.
pub(crate) fn mass_change(
    intake: &Intake,
    source: &SourceName,
    error: &DeskError,
    at: Instant,
) -> Option<Finding> {
    let wholesale = matches!(error, DeskError::MassChange { .. });
    wholesale.then(|| {
        // Each time it happens is a finding of its own.
        let size = intake.ledger.reader.size().to_string();
        of(
            intake,
            source,
            ["mass_change", "", &size],
            error.to_string(),
            at,
        )
    })
}

/// The source's log is gone: from the last look until the next one nobody knows what was done.
pub(crate) fn blind(intake: &Intake, source: &SourceName, reason: &str, at: Instant) -> Finding {
    let size = intake.ledger.reader.size().to_string();
    let detail = format!(
        "blind since {at}: {reason}; every row is looked at again, and what differs is listed as unwitnessed"
    );
    of(intake, source, ["blind", "", &size], detail, at)
}

impl Intake {
    /// Such a row stays as it was seen last: each look finds it anew, which is one finding.
    pub fn cannot_journal(&mut self, table: u16, key: &Key, at: Instant) {
        let rules = self.policy.table(table);
        let name = rules.map_or_else(String::new, |table| table.name().to_owned());
        let key = shown(&key.to_string());
        tracing::error!(table = name, key, "a row is too large to be journaled");
        let place = ["unreadable", name.as_str(), key.as_str()];
        let found = of(self, self.policy.source(), place, TOO_LARGE.into(), at);
        self.not_journaled.push(found);
    }
}

impl Desk {
    /// A wholesale change found at the start is raised although no guard will run.
    pub(crate) fn raise_mass_change(
        &self,
        intake: &Intake,
        source: &SourceName,
        error: &DeskError,
        at: Instant,
    ) {
        let Some(found) = mass_change(intake, source, error, at) else {
            return;
        };
        let raised = self
            .store_findings(source, vec![found], intake.ledger.reader.size())
            .map_err(crate::CommandError::from)
            .and_then(|new| crate::triage::raise(self, source, &new).map(drop));
        if let Err(error) = raised {
            tracing::error!(%error, "a wholesale change could not be raised");
        }
    }

    /// What of a first look's rows without a key is news: none while there are no more of them
    /// than the baseline told of.
    pub(crate) fn new_unreadable(
        &self,
        intake: &Intake,
        source: &SourceName,
        seen: &[UnreadableRow],
        at: Instant,
    ) -> Result<Vec<Finding>, DeskError> {
        let known = self.store().mark(&mark_unreadable(source))?.unwrap_or(0);
        if seen.len() as u64 <= known {
            return Ok(Vec::new());
        }
        Ok(rows(intake, source, seen, at))
    }
}

impl Guard {
    /// Stores and raises rows that lost their key.
    pub fn without_key(&mut self, seen: &[UnreadableRow], at: Instant) -> Result<(), DeskError> {
        if seen.is_empty() {
            return Ok(());
        }
        self.status.problem_is(format!(
            "{} rows have a NULL key and cannot be guarded",
            seen.len()
        ));
        let found = rows(&self.intake, &self.source, seen, at);
        self.store_at_once(found)
    }
}
