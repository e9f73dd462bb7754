//! Checks across tables, in the shop's own SQL, run in the guard's snapshot at most once a second
//! and only after something changed.

use crate::intake::Intake;
use crate::{Desk, DeskError};
use connect::source::sqlite::Feed;
use model::policy::CrossCheck;
use model::{Finding, FindingKind, Instant, Risk, SourceName, Verdict};
use std::collections::HashSet;

/// Violations remembered, so that each is found once; beyond it they are found again after a restart only.
const REMEMBERED: usize = 100_000;

pub(crate) struct CrossChecks {
    checks: Vec<CrossCheck>,
    seen: HashSet<String>,
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
            seen: HashSet::new(),
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

    /// Violations that were not found before.
    pub fn run(
        &mut self,
        source: &SourceName,
        feed: &mut Feed,
        intake: &Intake,
        now: Instant,
    ) -> Result<Vec<Finding>, DeskError> {
        self.changed = false;
        self.ran_at = now;
        let mut found = Vec::new();
        let size = intake.ledger.reader.size();
        for check in &self.checks {
            for row in feed.check(&check.sql)? {
                let rule = format!("check:{}", check.name);
                let place = format!("{rule}\n{}\n{}", row.table, row.key);
                if self.seen.len() >= REMEMBERED || !self.seen.insert(place.clone()) {
                    continue;
                }
                found.push(Finding {
                    // The same violation is one finding, whenever it is seen.
                    id: Finding::derive_id(&intake.policy.digest(), &intake.ledger.name, 0, &place),
                    risk: Risk::R2,
                    kind: FindingKind::CheckFailed,
                    rule,
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
                });
            }
        }
        Ok(found)
    }
}
