//! Sources: opening their guards, their baseline, and work on a guard's thread.

use crate::catch_up::{self, Caught};
use crate::config::{Config, SourceConfig};
use crate::guard::{Guard, GuardHandle, mark_looking};
use crate::intake::Intake;
use crate::ledger::{GROUP_ENTRIES, WatchEntry};
use crate::open_source::{Opened, Schema};
use crate::unreadable::mark_unreadable;
use crate::view::SourceStatus;
use crate::watch_status::Status;
use crate::{Desk, DeskError};
use connect::source::sqlite::SqliteSource;
use incident::rows::RowState;
use journal::Journal;
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
                self.start_guard(&source.name)?;
            } else {
                tracing::warn!(source = %source.name, "no baseline yet: not guarded; run `balefire source baseline {}`", source.name);
            }
        }
        Ok(())
    }

    /// Starts one guard: replays what its index lacks, takes in what happened meanwhile, then watches.
    pub fn start_guard(&self, name: &SourceName) -> Result<(), DeskError> {
        if self.store().mark(&mark_baseline(name))?.is_none() {
            return Err(DeskError::NoBaseline {
                source_name: name.to_string(),
            });
        }
        let Opened {
            mut intake,
            mut feed,
            tables,
            covered,
        } = self.open_source(name, Schema::OfBaseline)?;
        intake.ledger.replay(covered)?;
        self.findings_of_replay(name, &mut intake, covered)?;
        let at = self.now();
        let looked = self
            .store()
            .mark(&mark_looking(name))?
            .map(|t| Instant(t as i64));
        intake.ledger.push(
            &WatchEntry::Started {
                at,
                blind_since: looked,
            }
            .entry()?,
        )?;
        let unfinished = self.unfinished_repairs(name, &mut intake)?;
        let Caught {
            ingested,
            unreadable,
        } = catch_up::run(&mut intake, &mut feed, at)
            .inspect_err(|error| self.raise_mass_change(&intake, name, error, at))?;
        let without_key = self.new_unreadable(&intake, name, &unreadable, at)?;
        let ended: Vec<_> = unfinished
            .into_iter()
            .map(|repair| {
                let written = repair.was_written(&intake);
                (repair, written)
            })
            .collect();
        intake.expected.clear();
        let status = Arc::new(Status::new(name.as_str(), "sqlite"));
        for (kind, count) in self.store().finding_counts(name)? {
            match kind.as_str() {
                "unwitnessed" => status.earlier_findings(0, count),
                _ => status.earlier_findings(count, 0),
            }
        }
        let mut guard = Guard::new(
            name.clone(),
            self.clone(),
            intake,
            feed,
            tables,
            Arc::clone(&status),
        );
        guard.store(ingested)?;
        guard.store_at_once(without_key)?;
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
        let Opened {
            mut intake,
            mut feed,
            covered,
            ..
        } = self.open_source(name, Schema::Any)?;
        intake.ledger.replay(covered)?;
        let (at, start) = (self.now(), intake.ledger.log.size());
        let mut group: Vec<Observed> = Vec::with_capacity(GROUP_ENTRIES);
        let mut rows = 0_u64;
        let report = feed.rescan(&mut |seen| {
            if seen.row.is_none() {
                return Ok(());
            }
            group.push(seen);
            rows += 1;
            if group.len() >= GROUP_ENTRIES {
                let full = Vec::with_capacity(GROUP_ENTRIES);
                intake.baseline(std::mem::replace(&mut group, full), at)?;
                progress(rows, total);
            }
            Ok(())
        })?;
        intake.baseline(group, at)?;
        crate::rebaseline::forget_gone(&mut intake, start, at)?;
        intake.ledger.settle()?;
        intake.ledger.index.flush(intake.ledger.reader.size())?;
        progress(rows, total);
        // Only now does the baseline count; a crash before it leaves none.
        self.store_marks(vec![
            (mark_baseline(name), rows),
            (mark_unreadable(name), report.unreadable_rows),
            (mark_findings(name), intake.ledger.reader.size()),
        ])?;
        drop(feed);
        self.give_back(name, intake)?;
        Ok(BaselineDone {
            rows,
            unreadable: report.unreadable_rows,
        })
    }

    fn count_rows(&self, name: &SourceName) -> Result<u64, DeskError> {
        let config = self.source_config(name)?;
        let source = SqliteSource::open(&config.path)?;
        let counts = config.table.iter().map(|t| {
            format!(
                "SELECT 'rows', count(*), '' FROM \"{}\"",
                t.name.replace('"', "\"\"")
            )
        });
        let sql: Vec<String> = counts.collect();
        if sql.is_empty() {
            return Ok(0);
        }
        let rows = source.check(&sql.join(" UNION ALL "))?;
        Ok(rows.iter().filter_map(|r| r.key.parse::<u64>().ok()).sum())
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
            Some(guard) => self.give_back(name, guard.intake),
            None => Ok(()),
        }
    }

    /// The log goes back to where the next guard takes it from.
    fn give_back(&self, name: &SourceName, intake: Intake) -> Result<(), DeskError> {
        let number = self.source_number(name)?;
        let mut ledgers = self
            .inner
            .ledgers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ledgers.insert(number, intake.ledger.log);
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
        intake: &mut Intake,
        covered: u64,
    ) -> Result<(), DeskError> {
        let from = self.store().mark(&mark_findings(name))?.unwrap_or(covered);
        let found = crate::intake::findings_since(intake, from)?;
        let size = intake.ledger.reader.size();
        if found.is_empty() {
            self.store_mark(&mark_findings(name), size)?;
        } else {
            self.store_findings(name, found, size)?;
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
        let guard = guards
            .get(name)
            .ok_or_else(|| match self.source_config(name) {
                Ok(_) => DeskError::NoBaseline {
                    source_name: name.to_string(),
                },
                Err(error) => error,
            })?;
        guard.ask(work)
    }

    /// Rows of the source that were found and that a person decided may stay as they are.
    fn accepted_rows(&self, source: &SourceName) -> u64 {
        let incidents = self.incidents();
        let tables = incidents
            .iter()
            .filter_map(|i| i.findings.rows.get(source.as_str()));
        let rows = tables.flat_map(|tables| tables.values().flat_map(|rows| rows.values()));
        rows.filter(|row| row.state == RowState::Accepted).count() as u64
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
                    kind: "sqlite".into(),
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
