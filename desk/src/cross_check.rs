//! Checks across tables, in the shop's own SQL, run in the guard's snapshot at most once a second
//! and only after something changed.

use crate::Desk;
use crate::error::chain;
use crate::intake::Intake;
use connect::source::{CheckRow, Feed};
use model::policy::CrossCheck;
use model::{Finding, FindingKind, Instant, Risk, SourceName, Verdict};
use std::collections::HashSet;

/// Violations remembered, so that each is found once; beyond it they are found again after a restart only.
const REMEMBERED: usize = 100_000;

pub(crate) struct CrossChecks {
    checks: Vec<CrossCheck>,
    /// Violations of the last run.
    standing: HashSet<String>,
    /// Violations of any run of this process.
    ever: HashSet<String>,
    changed: bool,
    ran_at: Instant,
}

impl CrossChecks {
    pub fn of(desk: &Desk, source: &SourceName) -> Self {
        let checks = desk
            .source_config(source)
            .map(|c| c.check.clone())
            .unwrap_or_default();
        Self {
            checks,
            standing: HashSet::new(),
            ever: HashSet::new(),
            changed: true,
            ran_at: Instant::default(),
        }
    }

    /// The shop has changed since the last run.
    pub fn changed(&mut self) {
        self.changed = true;
    }

    pub fn due(&self, now: Instant, every_s: f64) -> bool {
        self.changed && !self.checks.is_empty() && now.since_s(self.ran_at).abs() >= every_s
    }

    /// Violations that the run before did not have. A check that cannot run is one itself, so that
    /// nobody silences a check by making it fail.
    pub fn run(
        &mut self,
        source: &SourceName,
        feed: &mut dyn Feed,
        intake: &Intake,
        now: Instant,
    ) -> Vec<Finding> {
        self.changed = false;
        self.ran_at = now;
        let mut standing = HashSet::new();
        let mut found = Vec::new();
        for check in &self.checks {
            let rows = feed.check(&check.sql).unwrap_or_else(|error| {
                vec![CheckRow {
                    table: String::new(),
                    key: String::new(),
                    detail: format!("the check cannot run: {}", chain(&error)),
                }]
            });
            let rule = format!("check:{}", check.name);
            for row in rows {
                let place = format!("{rule}\n{}\n{}", row.table, row.key);
                if standing.len() >= REMEMBERED || !standing.insert(place.clone()) {
                    continue;
                }
                if !self.standing.contains(&place) {
                    let again = !self.ever.insert(place.clone());
                    found.push(finding(source, intake, &rule, &place, again, row, now));
                }
            }
        }
        self.standing = standing;
        found
    }
}

fn finding(
    source: &SourceName,
    intake: &Intake,
    rule: &str,
    place: &str,
    again: bool,
    row: CheckRow,
    now: Instant,
) -> Finding {
    let size = intake.ledger.reader.size();
    // The same violation is one finding in every run and after every restart; one that was put
    // right and came back is another.
    let at = if again { size } else { 0 };
    Finding {
        id: Finding::derive_id(&intake.policy.digest(), &intake.ledger.name, at, place),
        risk: Risk::R2,
        kind: FindingKind::CheckFailed,
        rule: rule.to_owned(),
        source: source.clone(),
        table: row.table,
        key: row.key,
        columns: Vec::new(),
        verdict: Verdict::Unlawful,
        log: intake.ledger.name.clone(),
        position: size.saturating_sub(1),
        seen_at: now,
        stored_at: now,
        at_risk: None,
        subject: None,
        witnessed: true,
        coalesced: true,
        detail: row.detail,
    }
}
