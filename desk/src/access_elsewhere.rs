//! Need to know beyond the incidents' own pages: figures of sources, changes, reports and the
//! outbox, as they stand for somebody who may not know of some incident.
//!
//! What belongs to a hidden incident is taken out of counts and lists alike, so that neither a
//! number nor a gap tells of it. Deliberately not here: who may know what (`access`).

use crate::audit_turns::PartAudits;
use crate::daybook::ShadowReport;
use crate::source_view::{SourceView, UnwitnessedPage};
use crate::{Desk, DeskError};
use crate::{OutboxItem, ReportState, ReportView, SourceStatus};
use incident::access::Viewer;
use model::{
    Finding, FindingId, FindingKind, IncidentId, OutboxId, ReceiptNo, SourceName, Verdict,
};
use std::collections::BTreeSet;
use store::OutboxRow;

/// How much more is read so that a list stays full when some of it is left out.
const READ_AHEAD: u32 = 8;

/// A page of what went out or is to go out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutboxPage {
    /// Newest first.
    pub items: Vec<OutboxItem>,
    /// The last of them, where there are older ones.
    pub next: Option<OutboxId>,
}

impl Desk {
    pub fn sources_for(&self, viewer: &Viewer) -> Vec<SourceStatus> {
        // What cannot be told apart is not shown.
        let Some(hidden) = self.hidden_or_unknown(viewer) else {
            return Vec::new();
        };
        let mut all = self.sources();
        all.iter_mut().for_each(|status| leave_out(status, &hidden));
        all
    }

    pub fn source_views_for(&self, viewer: &Viewer) -> Result<Vec<SourceView>, DeskError> {
        let hidden = self.hidden_findings(viewer)?;
        let mut all = self.source_views()?;
        all.iter_mut()
            .for_each(|view| leave_out(&mut view.status, &hidden));
        Ok(all)
    }

    pub fn shadow_report_for(
        &self,
        viewer: &Viewer,
        source: &SourceName,
        days: u32,
    ) -> Result<ShadowReport, DeskError> {
        let hidden = self.hidden_findings(viewer)?;
        let mut report = self.shadow_report(source, days)?;
        report.leave_out(hidden.iter().filter(|f| f.source == *source));
        Ok(report)
    }

    /// How a source's partial audits are set, and what they have covered and found.
    pub fn part_audits_for(
        &self,
        viewer: &Viewer,
        source: &SourceName,
    ) -> Result<PartAudits, DeskError> {
        let mut hidden = self.hidden_findings(viewer)?;
        hidden.retain(|f| f.source == *source);
        let mut audits = self.part_audits(source)?;
        if !hidden.is_empty() {
            let about =
                |table: &str, key: &str| hidden.iter().any(|f| f.table == table && f.key == key);
            audits.turns.iter_mut().for_each(|t| t.leave_out(about));
        }
        Ok(audits)
    }

    pub fn unwitnessed_for(
        &self,
        viewer: &Viewer,
        source: &SourceName,
        after: Option<FindingId>,
    ) -> UnwitnessedPage {
        let Some(hidden) = self.hidden_or_unknown(viewer) else {
            return UnwitnessedPage::default();
        };
        let hidden: BTreeSet<FindingId> = hidden.into_iter().map(|f| f.id).collect();
        let mut page = self.unwitnessed(source, after);
        page.findings.retain(|f| !hidden.contains(&f.id));
        page
    }

    /// Newest first; without those that led to an incident which the viewer may not know of.
    pub fn reports_for(&self, viewer: &Viewer, limit: u32) -> Vec<ReportView> {
        let hidden = self.hidden_from(viewer);
        let rule = self.plan().need_to_know.conceal_from;
        let mut reports = self.reports(limit.saturating_mul(READ_AHEAD));
        reports.retain(|report| !told_of(report, &hidden, rule, viewer));
        reports.truncate(limit as usize);
        reports
    }

    /// Newest first, those before `before` where it is given; without what was sent about such an
    /// incident, or about a report that led to it.
    pub fn outbox_for(
        &self,
        viewer: &Viewer,
        before: Option<&OutboxId>,
        limit: u32,
    ) -> Result<OutboxPage, DeskError> {
        let hidden = self.hidden_from(viewer);
        let receipts = self.hidden_receipts(viewer)?;
        let shown = |row: &OutboxRow| {
            let of_report = receipts.iter().any(|r| row.id.as_str().starts_with(r));
            !of_report && !row.incident.as_ref().is_some_and(|id| hidden.contains(id))
        };
        let most = limit as usize;
        let (mut rows, mut before) = (Vec::new(), before.cloned());
        while rows.len() <= most {
            let ask = limit.saturating_add(1).saturating_mul(READ_AHEAD);
            let found = self.store().outbox(None, before.as_ref(), ask)?;
            let ended = found.len() < ask as usize;
            before = found.last().map(|row| row.id.clone());
            rows.extend(found.into_iter().filter(shown));
            if ended {
                break;
            }
        }
        let more = rows.len() > most;
        rows.truncate(most);
        let next = rows.last().filter(|_| more).map(|row| row.id.clone());
        let items = rows.into_iter().map(|row| self.outbox_item(row)).collect();
        Ok(OutboxPage { items, next })
    }

    /// Whether an entry of a log belongs to an incident that the viewer may not know of. The
    /// record tells of all incidents, so to such a viewer it is closed as a whole.
    pub fn entries_hidden_from(
        &self,
        viewer: &Viewer,
        log: &str,
        entries: std::ops::Range<u64>,
    ) -> bool {
        let reports = self.hidden_reports_or_unknown(viewer);
        if self.hidden_from(viewer).is_empty() && reports.as_ref().is_some_and(BTreeSet::is_empty) {
            return false;
        }
        let concerns = |f: &Finding| f.log == log && entries.contains(&f.position);
        log == "record"
            || self
                .hidden_or_unknown(viewer)
                .is_none_or(|hidden| hidden.iter().any(concerns))
    }

    /// Names of reports that the viewer must not know of, by themselves or by their incident.
    pub(crate) fn hidden_receipts(&self, viewer: &Viewer) -> Result<Vec<String>, DeskError> {
        let mut names: Vec<String> = Vec::new();
        for id in self.hidden_from(viewer) {
            let incident = self.listed_incident(&id)?;
            names.extend(incident.reports.iter().map(ToString::to_string));
        }
        let reports = self.hidden_reports(viewer)?;
        names.extend(reports.iter().map(ToString::to_string));
        Ok(names)
    }

    fn hidden_reports_or_unknown(&self, viewer: &Viewer) -> Option<BTreeSet<ReceiptNo>> {
        self.hidden_reports(viewer)
            .inspect_err(|error| {
                tracing::error!(error = %error.told(), "reports that must stay hidden cannot be read");
            })
            .ok()
    }

    fn hidden_or_unknown(&self, viewer: &Viewer) -> Option<Vec<Finding>> {
        self.hidden_findings(viewer)
            .inspect_err(|error| {
                tracing::error!(error = %error.told(), "findings that must stay hidden cannot be read");
            })
            .ok()
    }
}

fn told_of(
    report: &ReportView,
    hidden: &BTreeSet<IncidentId>,
    rule: plan::ConcealFrom,
    viewer: &Viewer,
) -> bool {
    match &report.state {
        ReportState::Joined { incident } => hidden.contains(incident),
        _ => !report.access.sees(rule, viewer),
    }
}

/// The status as it would stand without the hidden findings.
fn leave_out(status: &mut SourceStatus, hidden: &[Finding]) {
    let own: Vec<&Finding> = hidden
        .iter()
        .filter(|f| f.source.as_str() == status.name)
        .collect();
    if own.is_empty() {
        return;
    }
    let unwitnessed = own.iter().filter(|f| !f.kind.alarms()).count() as u64;
    let alarms = own.len() as u64 - unwitnessed;
    status.findings = status.findings.saturating_sub(alarms);
    status.unwitnessed = status.unwitnessed.saturating_sub(unwitnessed);
    let changed: BTreeSet<u64> = own.iter().map(|f| f.position).collect();
    status.changes = status.changes.saturating_sub(changed.len() as u64);
    // As many rows as there would be without what was forged, and with what was deleted.
    let count = |kind| own.iter().filter(|f| f.kind == kind).count() as u64;
    status.rows =
        (status.rows + count(FindingKind::Deleted)).saturating_sub(count(FindingKind::Forged));
    let about = |table: &str, key: &str| own.iter().any(|f| f.table == table && f.key == key);
    status
        .recent
        .retain(|c| c.verdict == Verdict::Lawful || !about(&c.table, &c.key));
    let unlawful = status.recent.iter().any(|c| c.verdict == Verdict::Unlawful);
    status.still_writing &= unlawful;
}
