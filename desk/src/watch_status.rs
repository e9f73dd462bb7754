//! What a source's guard shows of itself: counts and the strip of recent changes.

use crate::intake::{Ingested, Judged};
use crate::view::{RecentChange, SourceStatus};
use detect::policy::CompiledPolicy;
use model::{Change, Finding, FindingKind, Instant};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Changes shown on the strip.
pub const RECENT_CHANGES: usize = 50;
/// The attacker counts as still writing for this long after an unlawful change.
const STILL_WRITING_S: f64 = 10.0;

#[derive(Debug, Default)]
pub(crate) struct Status {
    inner: Mutex<(SourceStatus, Option<Instant>)>,
    /// The guard stopped for a reason that may pass by itself.
    passing: AtomicBool,
}

impl Status {
    pub fn new(name: &str, kind: &str) -> Self {
        let status = SourceStatus {
            name: name.to_owned(),
            kind: kind.to_owned(),
            ..SourceStatus::default()
        };
        Self {
            inner: Mutex::new((status, None)),
            passing: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, (SourceStatus, Option<Instant>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn view(&self, now: Instant) -> SourceStatus {
        let held = self.lock();
        let mut view = held.0.clone();
        view.still_writing = held.1.is_some_and(|at| now.since_s(at) < STILL_WRITING_S);
        view
    }

    pub fn looking(&self) {
        let mut held = self.lock();
        held.0.watching = true;
        held.0.blind_since = None;
        held.0.problem = None;
    }

    pub fn blind_since(&self, at: Instant) {
        self.lock().0.blind_since = Some(at);
    }

    pub fn stopped(&self, at: Instant, problem: &str) {
        let mut held = self.lock();
        held.0.watching = false;
        // Each attempt to start it anew that fails comes here again: it is blind since the first.
        held.0.blind_since.get_or_insert(at);
        held.0.problem = Some(problem.to_owned());
    }

    /// Whether it is worth starting the guard anew by itself.
    pub fn may_pass(&self, passing: bool) {
        self.passing.store(passing, Ordering::SeqCst);
    }

    pub fn is_passing(&self) -> bool {
        self.passing.load(Ordering::SeqCst)
    }

    pub fn problem(&self) -> String {
        self.lock()
            .0
            .problem
            .clone()
            .unwrap_or_else(|| "it was stopped".to_owned())
    }

    pub fn problem_is(&self, problem: String) {
        self.lock().0.problem = Some(problem);
    }

    pub fn rows(&self, rows: u64) {
        self.lock().0.rows = rows;
    }

    /// Of one kind of findings; each kind comes by itself.
    pub fn earlier_findings(&self, findings: u64, unwitnessed: u64) {
        let mut held = self.lock();
        held.0.findings += findings;
        held.0.unwitnessed += unwitnessed;
    }

    pub fn load(&self, load: connect::source::SourceLoad) {
        self.lock().0.load = load;
    }

    /// Counts a durable batch and puts its newest changes on the strip.
    pub fn judged(
        &self,
        policy: &CompiledPolicy,
        ingested: &Ingested,
        new: &[Finding],
        now: Instant,
    ) {
        let mut held = self.lock();
        let tally = &ingested.tally;
        held.1 = tally.unlawful_at.or(held.1);
        let status = &mut held.0;
        status.changes += tally.changes;
        status.lawful += tally.lawful;
        status.rows = (status.rows + tally.inserted).saturating_sub(tally.deleted);
        status.findings += new.iter().filter(|f| f.kind.alarms()).count() as u64;
        status.unwitnessed += new
            .iter()
            .filter(|f| f.kind == FindingKind::Unwitnessed)
            .count() as u64;
        if let Some(last_at) = tally.last_at {
            status.last_change_at = Some(last_at);
            status.lag_ms = (now.since_s(last_at).max(0.0) * 1e3) as u32;
        }
        let newest = ingested
            .recent
            .iter()
            .rev()
            .take(RECENT_CHANGES)
            .filter_map(|item| recent(policy, item));
        let mut strip: Vec<RecentChange> = newest.collect();
        strip.append(&mut status.recent);
        strip.truncate(RECENT_CHANGES);
        status.recent = strip;
    }
}

fn recent(policy: &CompiledPolicy, item: &Judged) -> Option<RecentChange> {
    let table = policy.table(item.change.table)?;
    Some(RecentChange {
        table: table.name().to_owned(),
        key: item.change.key.to_string(),
        what: what(policy, &item.change),
        verdict: item.judgement.verdict,
        at: item.change.seen_at,
    })
}

/// `+`, `-`, `placed → paid`, or the names of the changed columns; never a value of another column.
fn what(policy: &CompiledPolicy, change: &Change) -> String {
    let (Some(old), Some(new)) = (&change.old, &change.new) else {
        return if change.new.is_some() {
            "+".into()
        } else {
            "-".into()
        };
    };
    let Some(table) = policy.table(change.table) else {
        return String::new();
    };
    let differing = old.differing(new);
    if let Some(state) = table.state_column().filter(|c| differing.contains(c)) {
        let text = |row: &model::Row| {
            row.get(usize::from(state))
                .map_or(String::new(), |v| v.to_string())
        };
        return format!("{} → {}", text(old), text(new));
    }
    let names: Vec<&str> = differing
        .iter()
        .filter_map(|c| table.columns().get(usize::from(*c)).map(String::as_str))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_blind_since_it_stopped_first() {
        let status = Status::new("shop", "postgres");
        let at = Instant::from_secs(1_000);
        status.looking();
        status.stopped(at, "it cannot be reached");
        status.stopped(at.plus_s(5), "it still cannot be reached");
        let view = status.view(at.plus_s(5));
        assert_eq!(view.blind_since, Some(at));
        assert_eq!(view.problem.as_deref(), Some("it still cannot be reached"));
        status.looking();
        assert_eq!(status.view(at.plus_s(6)).blind_since, None);
    }

    #[test]
    fn findings_of_earlier_runs_add_up_over_their_kinds() {
        let status = Status::new("shop", "sqlite");
        status.earlier_findings(2, 0);
        status.earlier_findings(1, 0);
        status.earlier_findings(0, 4);
        let view = status.view(Instant::from_secs(0));
        assert_eq!((view.findings, view.unwitnessed), (3, 4));
    }
}
