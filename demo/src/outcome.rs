//! What `balefire demo --json` prints. Counts are rows; everything but `injected` comes from stored
//! findings, from the incident's facts and from a fresh audit, never from the attacker's list.

use crate::attacker::{AttackedRow, Injected};
use crate::shop::RowName;
use incident::Incident;
use incident::rows::{Damage, RowCounts};
use model::{Finding, IncidentId, Instant};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

#[derive(Debug, Serialize)]
pub struct Outcome {
    pub incident: IncidentId,
    pub injected: InjectedCounts,
    pub found: RowCounts,
    pub false_findings: u64,
    pub detected_in_ms: Detected,
    pub called_out_in_ms: u64,
    pub repaired: RowCounts,
    pub audit_after: AuditAfter,
    pub journal: JournalCounts,
    pub steps: Vec<StepTime>,
    pub report: ReportPaths,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InjectedCounts {
    pub altered: u64,
    pub forged: u64,
    pub deleted: u64,
    pub undetectable: u64,
}

/// From the attacker's COMMIT to the stored finding, over the found rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Detected {
    pub p50: u64,
    pub p99: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AuditAfter {
    pub rows: u64,
    pub discrepancies: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct JournalCounts {
    pub ledger_entries: u64,
    pub record_entries: u64,
    pub verified: bool,
}

#[derive(Debug, Serialize)]
pub struct StepTime {
    pub step: String,
    pub at: Instant,
    pub target_s: u32,
    pub took_s: f64,
}

#[derive(Debug, Serialize)]
pub struct ReportPaths {
    pub html: PathBuf,
    pub markdown: PathBuf,
}

/// Percentile by the nearest-rank method; 0 of nothing.
fn nearest_rank(sorted: &[u64], p: f64) -> u64 {
    let rank = ((p / 100.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

impl InjectedCounts {
    pub fn of(injected: &Injected) -> Self {
        Self {
            altered: injected.altered.len() as u64,
            forged: injected.forged.len() as u64,
            deleted: injected.deleted.len() as u64,
            undetectable: injected.undetectable.len() as u64,
        }
    }
}

/// Rows by what the findings say happened to them; each row once.
pub fn found(findings: &[Finding]) -> RowCounts {
    let mut rows: BTreeMap<(&str, &str), Damage> = BTreeMap::new();
    for finding in findings {
        if let Some(damage) = Damage::of(finding.kind) {
            rows.entry((&finding.table, &finding.key)).or_insert(damage);
        }
    }
    let count = |damage| rows.values().filter(|d| **d == damage).count() as u64;
    RowCounts {
        altered: count(Damage::Altered),
        forged: count(Damage::Forged),
        deleted: count(Damage::Deleted),
    }
}

/// Findings on rows that nobody attacked: alarms under lawful trade.
pub fn false_findings(findings: &[Finding], injected: &Injected) -> u64 {
    let attacked: BTreeSet<(String, String)> = all(injected).map(|r| name(&r.row)).collect();
    let known = |f: &&Finding| !attacked.contains(&(f.table.clone(), f.key.clone()));
    findings
        .iter()
        .filter(|f| f.kind.alarms())
        .filter(known)
        .count() as u64
}

/// Milliseconds from the row's COMMIT to its first stored finding.
pub fn detected(findings: &[Finding], injected: &Injected) -> Detected {
    let mut first: BTreeMap<(String, String), Instant> = BTreeMap::new();
    for finding in findings.iter().filter(|f| Damage::of(f.kind).is_some()) {
        let at = first
            .entry((finding.table.clone(), finding.key.clone()))
            .or_insert(finding.stored_at);
        *at = (*at).min(finding.stored_at);
    }
    let mut times: Vec<u64> = all(injected)
        .filter_map(|row| Some(milliseconds(row.committed_at, *first.get(&name(&row.row))?)))
        .collect();
    times.sort_unstable();
    Detected {
        p50: nearest_rank(&times, 50.0),
        p99: nearest_rank(&times, 99.0),
    }
}

/// Seconds and targets of the steps as the incident recorded them.
pub fn steps(incident: &Incident, now: Instant) -> Vec<StepTime> {
    let time = |s: &incident::incident::StepRecord| StepTime {
        step: s.step.code().to_owned(),
        at: s.entered_at,
        target_s: s.target_s,
        took_s: (s.took_s(now) * 1e3).round() / 1e3,
    };
    incident.steps.iter().map(time).collect()
}

pub fn milliseconds(from: Instant, to: Instant) -> u64 {
    (to.since_s(from).max(0.0) * 1e3).round() as u64
}

fn all(injected: &Injected) -> impl Iterator<Item = &AttackedRow> {
    injected
        .altered
        .iter()
        .chain(&injected.forged)
        .chain(&injected.deleted)
        .chain(&injected.undetectable)
}

fn name(row: &RowName) -> (String, String) {
    (row.table.to_string(), row.id.to_string())
}
