//! What changed, for those who wait for it: a counter, and which incidents the last changes were of.
//!
//! Deliberately not here: what a waiter may see of it.

use model::IncidentId;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Changes remembered with what they were of; whoever comes later takes everything for changed.
const REMEMBERED: usize = 4_096;

/// Rises with every stored change.
#[derive(Default)]
pub(crate) struct Changes {
    inner: Mutex<Inner>,
    risen: Condvar,
}

#[derive(Default)]
struct Inner {
    count: u64,
    /// The last changes, oldest first; `None` is of no incident.
    of: VecDeque<Option<IncidentId>>,
}

/// What changed after a count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// The counter now.
    pub count: u64,
    /// Something that is of no incident: sources, findings, accounts, the outbox.
    pub general: bool,
    /// Incidents, each once, in the order of their last change.
    pub incidents: Vec<IncidentId>,
    /// Too much changed for it to be said what.
    pub all: bool,
}

impl Changes {
    /// Of no incident in particular.
    pub fn touch(&self) {
        self.rise([None]);
    }
    pub fn touch_incidents(&self, ids: impl IntoIterator<Item = IncidentId>) {
        self.rise(ids.into_iter().map(Some));
    }

    fn rise(&self, of: impl IntoIterator<Item = Option<IncidentId>>) {
        let mut inner = self.lock();
        for change in of {
            inner.count += 1;
            if inner.of.len() >= REMEMBERED {
                inner.of.pop_front();
            }
            inner.of.push_back(change);
        }
        drop(inner);
        self.risen.notify_all();
    }

    /// Returns when the counter is above `after`, or at the time-out; gives the counter.
    pub fn wait(&self, after: u64, timeout: Duration) -> u64 {
        let quiet = |inner: &mut Inner| inner.count <= after;
        let waited = self.risen.wait_timeout_while(self.lock(), timeout, quiet);
        waited.unwrap_or_else(PoisonError::into_inner).0.count
    }

    /// Waits while `go_on` is true, at most for the time given; looked at after every change.
    pub fn pause(&self, timeout: Duration, go_on: impl Fn() -> bool) {
        let waited = self
            .risen
            .wait_timeout_while(self.lock(), timeout, |_| go_on());
        drop(waited);
    }

    pub fn since(&self, seen: u64) -> Changed {
        let inner = self.lock();
        let behind = inner.count.saturating_sub(seen);
        let mut changed = Changed {
            count: inner.count,
            all: behind > inner.of.len() as u64,
            ..Changed::default()
        };
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        for of in inner.of.iter().rev().take(behind) {
            match of {
                None => changed.general = true,
                Some(id) if changed.incidents.contains(id) => {}
                Some(id) => changed.incidents.push(id.clone()),
            }
        }
        changed.incidents.reverse();
        changed
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_is_told_what_changed_after_it_looked_last() {
        let changes = Changes::default();
        let id = IncidentId::new;
        changes.touch_incidents([id("a"), id("b")]);
        let seen = changes.since(0);
        assert_eq!((seen.count, seen.general, seen.all), (2, false, false));
        assert_eq!(seen.incidents, [id("a"), id("b")]);
        changes.touch();
        changes.touch_incidents([id("b"), id("a"), id("b")]);
        let next = changes.since(seen.count);
        assert!(next.general);
        assert_eq!(next.incidents, [id("a"), id("b")]);
        assert_eq!(changes.since(next.count).incidents, []);
        assert!(!changes.since(next.count).general);
    }

    #[test]
    fn who_comes_too_late_takes_everything_for_changed() {
        let changes = Changes::default();
        changes.touch_incidents((0..=REMEMBERED).map(|n| IncidentId::new(format!("i{n}"))));
        assert!(changes.since(0).all);
        assert!(!changes.since(1).all);
    }
}
