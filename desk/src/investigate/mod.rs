//! Forensics: the whole life of rows, read back from the journal, with what it touched.
//!
//! A question names a finding, a row, a person or a window of time. The rows concerned are found
//! by the image index and by a bounded sweep of the ledger; each row's life is its chain of
//! entries. Only the view of the index is taken on the guard's thread, everything else is read
//! beside it. What a bound cuts off is said in the report. Deliberately not here: pages, and any
//! write; an investigation changes nothing.

mod answer;
mod company;
mod life;
mod report;
mod scope;
mod sight;
mod trail;
mod unanswered;

pub use answer::{Answer, MOST_PROOFS, Proof, parse_time};
pub use report::{
    Amount, BlindTime, Cell, Company, CompanyRow, Cut, Investigation, PersonalKind, Question,
    RowLife, RuleLine, Scope, Step, StepColumn, StepKind, TableScope, Write,
};

pub use unanswered::Unanswered;

use crate::{Desk, DeskError};
use incident::access::Viewer;
use model::entry::LedgerEntry;
use model::{Finding, FindingId, Key, SourceName};
use sight::Sight;
use std::collections::BTreeMap;
use trail::Trails;

/// Rows whose lives are told; the scope counts the others too.
pub const MOST_ROWS: usize = 200;
/// Steps of one row's life, the newest ones.
pub const MOST_STEPS: usize = 200;
/// Steps that one report tells, over all rows; a page of them has some 5 MB.
pub const MOST_TOLD: usize = 4_000;
/// Ledger entries that one question looks through: about two seconds.
pub const MOST_SWEPT: u64 = 2_000_000;
/// Rows that the scope counts; at some 200 bytes each this is 20 MB.
pub const MOST_COUNTED: usize = 100_000;
/// Stored findings that are looked through for those of the rows.
const MOST_FINDINGS: usize = 50_000;
const FINDINGS_PAGE: u32 = 10_000;

/// A row by the number of its table.
type RowName = (u16, Key);

impl Desk {
    /// Answers a question about a source's past. With `in_full` personal values stand in the
    /// report as they are; the caller has made sure that whoever asks may read them.
    pub fn investigate(
        &self,
        question: &Question,
        in_full: bool,
    ) -> Result<Investigation, Unanswered> {
        self.investigate_without(question, in_full, &[])
    }

    /// The same for a person: what belongs to incidents that they may not know of is left out as
    /// if it had never happened.
    pub fn investigate_as(
        &self,
        viewer: &Viewer,
        question: &Question,
        in_full: bool,
    ) -> Result<Investigation, Unanswered> {
        let hidden = self.hidden_findings(viewer)?;
        self.investigate_without(question, in_full, &hidden)
    }

    fn investigate_without(
        &self,
        question: &Question,
        in_full: bool,
        hidden: &[Finding],
    ) -> Result<Investigation, Unanswered> {
        let finding = match question {
            Question::Finding { id } if hidden.iter().any(|f| f.id == *id) => {
                return Err(Unanswered::NoFinding { id: id.clone() });
            }
            Question::Finding { id } => Some(self.finding(id)?),
            _ => None,
        };
        let source = match &finding {
            Some(finding) => finding.source.clone(),
            None => self.asked_source(question.source())?,
        };
        let mut sight = Sight::open(self, &source, in_full)?;
        let of_log = hidden.iter().filter(|f| f.log == sight.log);
        sight.hidden = of_log.map(|f| f.position).collect();
        let trails = match (question, &finding) {
            (_, Some(finding)) => Trails::of_finding(&mut sight, finding)?,
            (Question::Row { table, key, .. }, _) => Trails::of_row(&mut sight, table, key)?,
            (Question::Person { table, key, .. }, _) => Trails::of_person(&mut sight, table, key)?,
            (Question::Window { from, until, .. }, _) => {
                Trails::of_window(&mut sight, *from, *until)?
            }
            (Question::Finding { .. }, None) => Trails::default(),
        };
        let mut told = self.tell(question, sight, trails)?;
        let unknown = |id: &FindingId| hidden.iter().all(|f| f.id != *id);
        for row in &mut told.rows {
            row.findings.retain(unknown);
            row.steps
                .iter_mut()
                .for_each(|s| s.findings.retain(unknown));
        }
        Ok(told)
    }

    fn tell(
        &self,
        question: &Question,
        mut sight: Sight,
        mut trails: Trails,
    ) -> Result<Investigation, DeskError> {
        let mut rows = Vec::new();
        let mut told = 0;
        for name in trails.order() {
            if told >= MOST_TOLD {
                break;
            }
            let Some(trail) = trails.rows.get(&name) else {
                continue;
            };
            let life = life::of(&mut sight, &name, trail, &mut trails.cuts)?;
            told += life.steps.len();
            rows.push(life);
        }
        if trails.count() > rows.len() as u64 {
            trails.cuts.push(Cut::Rows {
                shown: rows.len() as u64,
                all: trails.count(),
            });
        }
        self.name_findings(&sight.source, &sight.log, &mut rows)?;
        self.name_writers_of(&sight.log, &mut rows)?;
        let scope = scope::of(&mut sight, &trails, &rows)?;
        let blind = trails.blind_times(question);
        Ok(Investigation {
            question: question.clone(),
            source: sight.source.clone(),
            log: sight.log.clone(),
            made_at: self.now(),
            ledger_size: sight.size,
            masked: sight.masked,
            schemas: sight.schemas(),
            scope,
            rows,
            blind,
            cuts: trails.cuts,
        })
    }

    fn finding(&self, id: &FindingId) -> Result<Finding, Unanswered> {
        let mut found = None;
        self.each_finding(None, |finding| {
            if finding.id == *id {
                found = Some(finding);
            }
            found.is_none()
        })?;
        found.ok_or_else(|| Unanswered::NoFinding { id: id.clone() })
    }

    /// Visits the stored findings in order until `visit` says false, or the bound is reached.
    fn each_finding(
        &self,
        source: Option<&SourceName>,
        mut visit: impl FnMut(Finding) -> bool,
    ) -> Result<(), DeskError> {
        let mut after = None;
        for _ in 0..MOST_FINDINGS.div_ceil(FINDINGS_PAGE as usize) {
            let page = self.store().findings(&store::FindingQuery {
                source: source.cloned(),
                after: after.take(),
                limit: FINDINGS_PAGE,
                ..store::FindingQuery::default()
            })?;
            let full = page.len() == FINDINGS_PAGE as usize;
            after = page.last().map(|f| f.id.clone());
            for finding in page {
                if !visit(finding) {
                    return Ok(());
                }
            }
            if !full {
                break;
            }
        }
        Ok(())
    }

    /// Puts the ids of findings to the rows and to the steps that they are about.
    fn name_findings(
        &self,
        source: &SourceName,
        log: &str,
        rows: &mut [RowLife],
    ) -> Result<(), DeskError> {
        let names = rows.iter().enumerate();
        let places: BTreeMap<(String, String), usize> = names
            .map(|(i, row)| ((row.table.clone(), row.key.clone()), i))
            .collect();
        self.each_finding(Some(source), |finding| {
            let place = places.get(&(finding.table.clone(), finding.key.clone()));
            if let Some(row) = place.and_then(|i| rows.get_mut(*i)) {
                let step = row.steps.iter_mut().find(|s| s.entry == finding.position);
                match step.filter(|_| finding.log == log) {
                    Some(step) => step.findings.push(finding.id),
                    None => row.findings.push(finding.id),
                }
            }
            true
        })
    }

    /// Lines of the server's log that came after the change was journaled.
    fn name_writers_of(&self, log: &str, rows: &mut [RowLife]) -> Result<(), DeskError> {
        let steps = rows.iter_mut().flat_map(|row| &mut row.steps);
        for step in steps.filter(|step| !step.findings.is_empty()) {
            if let Some(company) = step.company.as_mut().filter(|c| c.logged.is_none()) {
                company.logged = self.logged_at(log, company.position)?;
            }
        }
        Ok(())
    }

    /// The source that is asked about: the one named, or the only one.
    fn asked_source(&self, named: Option<&SourceName>) -> Result<SourceName, Unanswered> {
        let sources = &self.config().source;
        match (named, sources.as_slice()) {
            (Some(name), _) if sources.iter().any(|s| s.name == *name) => Ok(name.clone()),
            (Some(name), _) => Err(DeskError::UnknownSource(name.to_string()).into()),
            (None, [only]) => Ok(only.name.clone()),
            (None, several) => {
                let names: Vec<&str> = several.iter().map(|s| s.name.as_str()).collect();
                let known = names.join(", ");
                Err(Unanswered::WhichSource { known })
            }
        }
    }
}

/// The row that a finding's own entry is about.
fn row_of_entry(sight: &Sight, finding: &Finding) -> Option<RowName> {
    if finding.log != sight.log || finding.position >= sight.size {
        return None;
    }
    match sight.entry(finding.position).ok()? {
        LedgerEntry::Row(entry) => Some((entry.table, entry.key)),
        _ => None,
    }
}
