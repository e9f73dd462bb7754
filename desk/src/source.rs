//! Sources: opening their guards, their baseline, and work on a guard's thread.

use crate::config::{Config, SourceConfig};
use crate::guard::{Guard, GuardHandle, mark_looking};
use crate::ledger::{GROUP_ENTRIES, Ledger, WatchEntry};
use crate::open_source::Schema;
use crate::open_source::reshape::mark_settled;
use crate::unfinished::Unfinished;
use crate::unreadable::mark_unreadable;
use crate::view::SourceStatus;
use crate::watch_status::Status;
use crate::{Desk, DeskError};
use journal::Journal;
use model::policy::Sees;
use model::{Instant, Observed, SourceName};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, PoisonError};
use store::{Batch, Store};

/// What a baseline took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineDone {
    pub rows: u64,
    pub unreadable: u64,
}

fn mark_baseline(source: &SourceName) -> String {
    format!("baseline/{source}")
}
pub(crate) fn mark_findings(source: &SourceName) -> String {
    format!("findings/{source}")
}

/// Refuses a ledger that is shorter than what findings were stored up to.
pub(crate) fn check_ledgers(
    store: &Store,
    config: &Config,
    journal: &Journal,
) -> Result<(), DeskError> {
    for (source, log) in config.source.iter().zip(&journal.ledgers) {
        let mark = store.mark(&mark_findings(&source.name))?.unwrap_or(0);
        if log.size() < mark {
            return Err(DeskError::LedgerBehind {
                log: log.size(),
                mark,
            });
        }
    }
    Ok(())
}

impl Desk {
    pub(crate) fn source_config(&self, name: &SourceName) -> Result<&SourceConfig, DeskError> {
        let found = self.config().source.iter().find(|s| s.name == *name);
        found.ok_or_else(|| DeskError::UnknownSource(name.to_string()))
    }

    /// Starts the guards of all sources that have their baseline.
    pub fn start_guards(&self) -> Result<(), DeskError> {
        for source in &self.config().source {
            if self.store().mark(&mark_baseline(&source.name))?.is_some() {
                self.start_or_wait(source)?;
            } else {
                tracing::warn!(source = %source.name, "no baseline yet: not guarded; run `balefire source baseline {}`", source.name);
            }
        }
        Ok(())
    }

    /// A server that cannot be reached yet keeps nobody from the pages: its guard is started when
    /// it can be, and until then it is said that nobody looks.
    fn start_or_wait(&self, source: &SourceConfig) -> Result<(), DeskError> {
        let Err(error) = self.start_guard(&source.name) else {
            return Ok(());
        };
        if source.sees() == Sees::States || !error.may_pass() {
            return Err(error);
        }
        tracing::error!(source = %source.name, error = %error.told(), "the guard cannot start yet");
        let status = Arc::new(Status::new(source.name.as_str(), source.location().kind()));
        status.stopped(self.now(), &error.told());
        status.may_pass(true);
        self.inner
            .guards
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(source.name.clone(), GuardHandle::ended(status));
        Ok(())
    }

    /// Starts one guard: replays what its index lacks, takes in what happened meanwhile, then watches.
    pub fn start_guard(&self, name: &SourceName) -> Result<(), DeskError> {
        if self.store().mark(&mark_baseline(name))?.is_none() {
            return Err(DeskError::NoBaseline {
                source_name: name.to_string(),
            });
        }
        let opened = self.open_source(name, Schema::OfBaseline)?;
        let covered = opened.covered;
        let status = Arc::new(Status::new(
            name.as_str(),
            self.source_config(name)?.location().kind(),
        ));
        let mut guard = Guard::new(name.clone(), self.clone(), opened, Arc::clone(&status));
        let ended = match self.begin(&mut guard, covered) {
            Ok(ended) => ended,
            Err(error) => {
                self.give_back(name, guard.intake.ledger)?;
                return Err(error);
            }
        };
        status.rows(self.store().mark(&mark_baseline(name))?.unwrap_or(0));
        status.looking();
        let handle = GuardHandle::start(guard)?;
        self.inner
            .guards
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.clone(), handle);
        for (repair, written) in ended {
            self.end_repair(repair, written)?;
        }
        Ok(())
    }

    /// Brings a guard to where shop and ledger stand together; gives the repairs that a crash cut
    /// short, each with whether it was written.
    fn begin(&self, guard: &mut Guard, covered: u64) -> Result<Vec<(Unfinished, bool)>, DeskError> {
        let name = guard.source.clone();
        guard.intake.ledger.replay(covered)?;
        self.findings_of_replay(&name, &mut guard.intake, covered)?;
        let at = self.now();
        let looked = self
            .store()
            .mark(&mark_looking(&name))?
            .map(|t| Instant(t as i64));
        // A log that is read on from where it was left tells all that happened since.
        let told_by_log = guard.resumed_from().is_some();
        let started = WatchEntry::Started {
            at,
            blind_since: looked.filter(|_| !told_by_log),
        };
        guard.intake.ledger.push(&started.entry()?)?;
        let unfinished = self.unfinished_repairs(&name, &mut guard.intake)?;
        for (kind, count) in self.store().finding_counts(&name)? {
            match kind.as_str() {
                "unwitnessed" => guard.status.earlier_findings(0, count),
                "in_window" => {}
                _ => guard.status.earlier_findings(count, 0),
            }
        }
        guard.take_first_look(at)?;
        if let (Some(since), None) = (looked, guard.resumed_from()) {
            guard.was_blind(since, at);
        }
        let mut ended = Vec::with_capacity(unfinished.len());
        for repair in unfinished {
            let written = repair.was_written(&guard.intake);
            if written {
                repair.follow_up(&mut guard.intake, at)?;
            }
            ended.push((repair, written));
        }
        guard.intake.expected.clear();
        Ok(ended)
    }

    /// Takes the first images of every row. A second baseline makes what stands there lawful.
    pub fn baseline(
        &self,
        name: &SourceName,
        again: bool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BaselineDone, DeskError> {
        if let Some(rows) = self.store().mark(&mark_baseline(name))?
            && !again
        {
            return Err(DeskError::HasBaseline {
                source_name: name.to_string(),
                rows,
            });
        }
        self.stop_guard(name)?;
        let total = self.count_rows(name)?;
        let opened = self.open_source(name, Schema::Any)?;
        let covered = opened.covered;
        let status = Arc::new(Status::new(name.as_str(), "baseline"));
        let mut guard = Guard::new(name.clone(), self.clone(), opened, status);
        let taken = self.take_baseline(&mut guard, covered, &mut |rows| progress(rows, total));
        self.give_back(name, guard.intake.ledger)?;
        taken
    }

    fn take_baseline(
        &self,
        guard: &mut Guard,
        covered: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<BaselineDone, DeskError> {
        guard.intake.ledger.replay(covered)?;
        let (at, start) = (self.now(), guard.intake.ledger.log.size());
        let mut group: Vec<Observed> = Vec::with_capacity(GROUP_ENTRIES);
        let mut rows = 0_u64;
        let (feed, intake) = (&mut guard.feed, &mut guard.intake);
        let tells = feed.sees() == Sees::Transactions;
        let report = feed.rescan(&mut |seen| {
            if seen.row.is_none() {
                return Ok(());
            }
            if tells {
                intake.judge.learn(seen.table, &seen.key, seen.row.as_ref());
            }
            group.push(seen);
            rows += 1;
            if group.len() >= GROUP_ENTRIES {
                let full = Vec::with_capacity(GROUP_ENTRIES);
                intake.baseline(std::mem::replace(&mut group, full), at)?;
                progress(rows);
            }
            Ok(())
        })?;
        intake.baseline(group, at)?;
        crate::rebaseline::forget_gone(intake, start, at)?;
        intake.ledger.settle()?;
        intake.ledger.index.flush(intake.ledger.reader.size())?;
        progress(rows);
        if tells {
            // What was committed while the snapshot was read is a change like any other; taken in
            // now, so that the position from which the guard goes on is known exactly.
            guard.catch_up_with_shop()?;
        }
        // Only now does the baseline count; a crash before it leaves none.
        let name = &guard.source;
        let covered = guard.intake.ledger.reader.size();
        let mut marks = vec![
            (mark_baseline(name), rows),
            (mark_unreadable(name), report.unreadable_rows),
            (mark_findings(name), covered),
            (mark_settled(name), guard.intake.ledger.schema_entry),
        ];
        marks.extend(guard.position_marks(covered));
        self.store_marks(marks)?;
        Ok(BaselineDone {
            rows,
            unreadable: report.unreadable_rows,
        })
    }

    /// Makes on the server what following its changes needs; what was made, as people read it.
    pub fn attach(&self, name: &SourceName) -> Result<Vec<String>, DeskError> {
        let config = self.source_config(name)?;
        let location = config.location();
        let schemas = location.source()?.tables()?;
        let tables = crate::open_source::guarded(&config.policy(), &schemas)?;
        Ok(location.attach(&tables)?)
    }

    /// Stops the guard and removes from the server what [`Desk::attach`] made.
    pub fn detach(&self, name: &SourceName) -> Result<Vec<String>, DeskError> {
        self.stop_guard(name)?;
        Ok(self.source_config(name)?.location().detach()?)
    }

    fn count_rows(&self, name: &SourceName) -> Result<u64, DeskError> {
        let config = self.source_config(name)?;
        let mut source = config.location().source()?;
        let tables = crate::open_source::guarded(&config.policy(), &source.tables()?)?;
        let mut rows = 0;
        for table in &tables {
            rows += source.estimate(table)?;
        }
        Ok(rows)
    }

    /// Starts guards anew that stopped for a reason that may have passed: replay, one look at every
    /// row, and on. What happened meanwhile counts as unwitnessed, and the blind time is shown.
    pub(crate) fn revive_guards(&self) {
        for source in &self.config().source {
            let guards = self
                .inner
                .guards
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let stopped = guards.get(&source.name).filter(|g| g.status.is_passing());
            let Some(status) = stopped.map(|g| Arc::clone(&g.status)) else {
                continue;
            };
            drop(guards);
            status.may_pass(false);
            let revived = self
                .stop_guard(&source.name)
                .and_then(|()| self.start_guard(&source.name));
            match revived {
                Ok(()) => tracing::warn!(source = %source.name, "the guard goes on"),
                Err(error) => {
                    tracing::error!(source = %source.name, error = %error.told(), "the guard cannot go on yet");
                    status.stopped(self.now(), &error.told());
                    status.may_pass(error.may_pass());
                    self.inner
                        .guards
                        .write()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(source.name.clone(), GuardHandle::ended(status));
                }
            }
        }
    }

    fn stop_guard(&self, name: &SourceName) -> Result<(), DeskError> {
        let stopped = self
            .inner
            .guards
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        match stopped.and_then(|mut guard| guard.stop()) {
            Some(guard) => self.give_back(name, guard.intake.ledger),
            None => Ok(()),
        }
    }

    /// The log goes back to where the next guard takes it from.
    pub(crate) fn give_back(&self, name: &SourceName, ledger: Ledger) -> Result<(), DeskError> {
        let number = self.source_number(name)?;
        let mut ledgers = self
            .inner
            .ledgers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ledgers.insert(number, ledger.log);
        Ok(())
    }

    pub(crate) fn source_number(&self, name: &SourceName) -> Result<usize, DeskError> {
        let at = self.config().source.iter().position(|s| s.name == *name);
        at.ok_or_else(|| DeskError::UnknownSource(name.to_string()))
    }

    /// Findings whose entries are durable but which a crash kept from being stored, and findings
    /// that were stored but joined no incident yet.
    fn findings_of_replay(
        &self,
        name: &SourceName,
        intake: &mut crate::intake::Intake,
        covered: u64,
    ) -> Result<(), DeskError> {
        let from = self.store().mark(&mark_findings(name))?.unwrap_or(covered);
        let found = crate::findings_again::findings_since(intake, from)?;
        let size = intake.ledger.reader.size();
        if found.is_empty() {
            self.store_mark(&mark_findings(name), size)?;
        } else {
            self.store_findings(name, found, size)?;
        }
        if self.source_config(name)?.shadow {
            return Ok(());
        }
        crate::triage::raise_waiting(self, name)
            .map_err(|e| DeskError::GuardStopped(crate::error::chain(&e)))
    }

    /// Runs work on the source's guard thread.
    pub(crate) fn on_guard<T: Send + 'static>(
        &self,
        name: &SourceName,
        work: impl FnOnce(&mut Guard) -> Result<T, DeskError> + Send + 'static,
    ) -> Result<T, DeskError> {
        let guards = self
            .inner
            .guards
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let guard = guards.get(name).ok_or_else(|| self.no_guard(name))?;
        guard.ask(work)
    }

    fn no_guard(&self, name: &SourceName) -> DeskError {
        match (
            self.source_config(name),
            self.store().mark(&mark_baseline(name)),
        ) {
            (Err(error), _) => error,
            (_, Ok(Some(_))) => {
                DeskError::GuardStopped("it is being started; try again in a moment".into())
            }
            _ => DeskError::NoBaseline {
                source_name: name.to_string(),
            },
        }
    }

    /// Rows of the source that were found and that a person decided may stay as they are.
    fn accepted_rows(&self, source: &SourceName) -> u64 {
        self.store().accepted_rows(source).unwrap_or_else(|error| {
            tracing::error!(error = %crate::error::chain(&error), "the rows that may stay cannot be counted");
            0
        })
    }

    pub fn sources(&self) -> Vec<SourceStatus> {
        let now = self.now();
        let guards = self
            .inner
            .guards
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let status = |name: &SourceName| {
            guards.get(name).map_or_else(
                || SourceStatus {
                    name: name.to_string(),
                    kind: self
                        .source_config(name)
                        .map_or("", |c| c.location().kind())
                        .into(),
                    ..SourceStatus::default()
                },
                |g| g.status.view(now),
            )
        };
        let status = |name: &SourceName| SourceStatus {
            false_alarms: self.accepted_rows(name),
            ..status(name)
        };
        self.config()
            .source
            .iter()
            .map(|s| status(&s.name))
            .collect()
    }

    pub(crate) fn store_mark(&self, name: &str, value: u64) -> Result<(), DeskError> {
        self.store_marks(vec![(name.to_owned(), value)])
    }
    pub(crate) fn store_marks(&self, marks: Vec<(String, u64)>) -> Result<(), DeskError> {
        self.store().commit(Batch {
            marks,
            ..Batch::default()
        })?;
        Ok(())
    }
}
