//! The stack of triage: people's reports, incidents that detectors opened and nobody has graded,
//! and rows that nobody saw change, as one viewer may see them, the most urgent and oldest first.
//!
//! Deliberately not here: deciding (`report_triage`), and how likeness is measured (`likeness`).

use crate::likeness::{Likeness, Reason, Telling};
use crate::people_report::{ReportState, ReportView, SeenWhen, index};
use crate::{Desk, DeskError, IncidentQuery};
use incident::access::Viewer;
use incident::{Incident, IncidentHead, Origin};
use model::{IncidentId, Instant, ReceiptNo, Risk, SourceName};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Reports that a report is compared with, the newest.
const COMPARED: u32 = 200;
/// Suggestions of one kind for one report.
const MAX_SUGGESTED: usize = 3;
/// Numbers of a report that are looked for in the index.
const MAX_SOUGHT: usize = 4;
/// Lines of one page of the stack.
pub const MAX_STACK_PAGE: usize = 20;
/// Rows of a source looked through for the line that stands for them.
const HOUR_S: f64 = 3_600.0;

/// How pressing something is. The order is that of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// It goes on, or the level is one of the two highest.
    Now,
    High,
    Normal,
    /// It waits for an answer of the sender's.
    Waits,
}

impl Urgency {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Waits => "waits",
        }
    }
}

/// Which part of the stack; by default all of it.
#[derive(Clone, Debug, Default)]
pub struct StackQuery {
    pub risk: Option<Risk>,
    pub from: Option<StackFrom>,
    /// Hours that it has waited at least.
    pub waited_h: Option<u32>,
    pub part: StackPart,
}

/// How much of the stack.
#[derive(Clone, Debug)]
pub enum StackPart {
    /// Of [`MAX_STACK_PAGE`] lines; the first is 0.
    Page(usize),
    /// At most so many behind a place, so that what is decided meanwhile hides nothing.
    Behind {
        place: Option<StackPlace>,
        limit: usize,
    },
}

impl Default for StackPart {
    fn default() -> Self {
        Self::Page(0)
    }
}

/// Where a line stands in the stack, whatever else comes or goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StackPlace {
    urgency: Urgency,
    at: Instant,
    /// Kind and name of what waits.
    name: (u8, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackFrom {
    People,
    Detectors,
}

impl StackFrom {
    pub const ALL: [Self; 2] = [Self::People, Self::Detectors];
    pub const fn code(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Detectors => "detectors",
        }
    }
}

#[derive(Debug, Default)]
pub struct StackPage {
    pub lines: Vec<StackLine>,
    /// On all pages.
    pub count: usize,
    pub pages: usize,
    /// There are more behind these.
    pub more: bool,
}

#[derive(Debug)]
pub struct StackLine {
    pub urgency: Urgency,
    /// Since when it waits.
    pub at: Instant,
    pub what: Waiting,
}

#[derive(Debug)]
pub enum Waiting {
    Report {
        report: Box<ReportView>,
        alike: Vec<AlikeReport>,
    },
    /// Opened by detectors and graded by nobody yet.
    Incident(Arc<Incident>),
    /// Rows that nobody saw change.
    Unwitnessed { source: SourceName, rows: u64 },
}

/// A report that may tell the same.
#[derive(Debug)]
pub struct AlikeReport {
    pub report: ReportView,
    pub likeness: Likeness,
}

/// An incident that a report may belong to.
#[derive(Debug)]
pub struct AlikeIncident {
    pub head: IncidentHead,
    pub points: u32,
    pub why: Vec<WhyIncident>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyIncident {
    /// Rows of it that the report names.
    Rows(Vec<String>),
    /// It holds a report that is alike, and why.
    Report(ReceiptNo, Vec<Reason>),
    /// Its record names the same.
    Record(Vec<String>),
    /// As the report that opened it.
    Opening(Vec<Reason>),
    /// Rows that stand in both incidents.
    SameRows(Vec<String>),
    /// The same risk at the same source, so many minutes apart.
    Source(u32),
}

impl Desk {
    /// What waits for a decision.
    pub fn triage_stack(
        &self,
        viewer: &Viewer,
        query: &StackQuery,
    ) -> Result<StackPage, DeskError> {
        let now = self.now();
        let mut lines = Vec::new();
        if query.from != Some(StackFrom::Detectors) {
            lines.extend(self.waiting_reports(viewer)?.into_iter().map(report_line));
        }
        if query.from != Some(StackFrom::People) {
            lines.extend(self.fresh_incidents(viewer));
            lines.extend(self.unwitnessed_lines(viewer));
        }
        let waited = |at: Instant| now.since_s(at) / HOUR_S;
        lines.retain(|line: &StackLine| {
            query.risk.is_none_or(|risk| line.risk() == Some(risk))
                && query
                    .waited_h
                    .is_none_or(|h| waited(line.at) >= f64::from(h))
        });
        lines.sort_by_cached_key(StackLine::place);
        let count = lines.len();
        let (first, limit) = match &query.part {
            StackPart::Page(page) => (page.saturating_mul(MAX_STACK_PAGE), MAX_STACK_PAGE),
            StackPart::Behind { place: None, limit } => (0, *limit),
            StackPart::Behind {
                place: Some(place),
                limit,
            } => (lines.partition_point(|l| l.place() <= *place), *limit),
        };
        let mut page: Vec<StackLine> = lines.into_iter().skip(first).take(limit).collect();
        self.liken(viewer, &mut page);
        Ok(StackPage {
            count,
            pages: count.div_ceil(MAX_STACK_PAGE).max(1),
            more: first.saturating_add(page.len()) < count,
            lines: page,
        })
    }

    /// Reports of people that wait and that the viewer may know of.
    fn waiting_reports(&self, viewer: &Viewer) -> Result<Vec<ReportView>, DeskError> {
        let mut found = Vec::new();
        for name in index::waiting(self.store())? {
            let report = self.report_named(&name)?;
            // Decided by somebody since the index was read.
            let report = report.filter(|r| r.waiting() && self.sees_report(viewer, r));
            found.extend(report);
        }
        Ok(found)
    }

    fn fresh_incidents(&self, viewer: &Viewer) -> Vec<StackLine> {
        let open = self.open_incidents_for(viewer).into_iter();
        open.filter(|i| i.origin == Origin::Findings && i.confirmed().is_none() && !i.exercise)
            .map(|i| StackLine {
                urgency: match i.level.0 {
                    ..=2 => Urgency::Now,
                    _ => Urgency::High,
                },
                at: i.opened_at,
                what: Waiting::Incident(i),
            })
            .collect()
    }

    fn unwitnessed_lines(&self, viewer: &Viewer) -> Vec<StackLine> {
        let mut lines = Vec::new();
        for status in self.sources_for(viewer) {
            if status.unwitnessed == 0 {
                continue;
            }
            let source = SourceName::new(status.name);
            let page = self.unwitnessed_for(viewer, &source, None);
            if let Some(oldest) = page.findings.iter().map(|f| f.seen_at).min() {
                lines.push(StackLine {
                    urgency: Urgency::Normal,
                    at: oldest,
                    what: Waiting::Unwitnessed {
                        source,
                        rows: status.unwitnessed,
                    },
                });
            }
        }
        lines
    }

    fn liken(&self, viewer: &Viewer, page: &mut [StackLine]) {
        if !page
            .iter()
            .any(|l| matches!(l.what, Waiting::Report { .. }))
        {
            return;
        }
        let others = self.compared(viewer);
        for line in page {
            if let Waiting::Report { report, alike } = &mut line.what {
                *alike = alike_reports(report, &others);
            }
        }
    }

    fn compared(&self, viewer: &Viewer) -> Vec<(ReportView, Telling)> {
        let reports = self.reports_for(viewer, COMPARED).into_iter();
        reports
            .map(|report| {
                let telling = telling(&report);
                (report, telling)
            })
            .collect()
    }

    /// Reports that may tell the same as this one, the likest first.
    pub fn reports_like(&self, viewer: &Viewer, report: &ReportView) -> Vec<AlikeReport> {
        alike_reports(report, &self.compared(viewer))
    }

    /// Incidents, open and closed, that this report may belong to, the likest first.
    pub fn incidents_like(
        &self,
        viewer: &Viewer,
        report: &ReportView,
        alike: &[AlikeReport],
    ) -> Result<Vec<AlikeIncident>, DeskError> {
        let told = telling(report);
        let mut found: Vec<(IncidentId, u32, WhyIncident)> = Vec::new();
        for other in alike {
            if let ReportState::Joined { incident } = &other.report.state {
                let why = WhyIncident::Report(
                    other.report.receipt.clone(),
                    other.likeness.reasons.clone(),
                );
                found.push((incident.clone(), other.likeness.points, why));
            }
        }
        for incident in self.open_incidents_for(viewer) {
            let named = rows_named(&incident, &told);
            if !named.is_empty() {
                found.push((incident.id.clone(), 70, WhyIncident::Rows(named)));
            }
            if let Origin::Report { receipt, text } = &incident.origin
                && *receipt != report.receipt
                && !alike.iter().any(|a| a.report.receipt == *receipt)
            {
                let other = Telling::of(text, "", Some(incident.risk), incident.opened_at);
                let likeness = told.likeness(&other);
                if likeness.suggested() {
                    let why = WhyIncident::Opening(likeness.reasons);
                    found.push((incident.id.clone(), likeness.points, why));
                }
            }
        }
        for mark in told.marks().take(MAX_SOUGHT) {
            let query = IncidentQuery {
                words: format!("\"{mark}\""),
                limit: MAX_SUGGESTED as u32,
                ..IncidentQuery::default()
            };
            for head in self.incident_list(viewer, &query)?.heads {
                let why = WhyIncident::Record(vec![mark.to_owned()]);
                found.push((head.id, 50, why));
            }
        }
        Ok(self.gathered(viewer, found))
    }

    /// One line an incident, with all its reasons.
    fn gathered(
        &self,
        viewer: &Viewer,
        found: Vec<(IncidentId, u32, WhyIncident)>,
    ) -> Vec<AlikeIncident> {
        let mut gathered: Vec<AlikeIncident> = Vec::new();
        for (id, points, why) in found {
            if let Some(known) = gathered.iter_mut().find(|a| a.head.id == id) {
                known.points = known.points.max(points);
                match (&why, known.why.iter_mut().find_map(record)) {
                    (WhyIncident::Record(more), Some(marks)) => marks.extend(more.clone()),
                    _ => known.why.push(why),
                }
                continue;
            }
            let Some(incident) = self.incident_for(viewer, &id) else {
                continue;
            };
            gathered.push(AlikeIncident {
                head: IncidentHead::of(&incident, incident.opened_at),
                points,
                why: vec![why],
            });
        }
        // Of two as like, the open one.
        gathered.sort_by_key(|a| (std::cmp::Reverse(a.points), a.head.closed()));
        gathered.truncate(MAX_SUGGESTED);
        gathered
    }
}

impl StackLine {
    pub fn place(&self) -> StackPlace {
        let name = match &self.what {
            Waiting::Incident(incident) => (0, incident.id.to_string()),
            Waiting::Report { report, .. } => (1, report.receipt.to_string()),
            Waiting::Unwitnessed { source, .. } => (2, source.to_string()),
        };
        StackPlace {
            urgency: self.urgency,
            at: self.at,
            name,
        }
    }

    fn risk(&self) -> Option<Risk> {
        match &self.what {
            Waiting::Report { report, .. } => report.risk,
            Waiting::Incident(incident) => Some(incident.risk),
            Waiting::Unwitnessed { .. } => Some(Risk::R2),
        }
    }
}

fn record(why: &mut WhyIncident) -> Option<&mut Vec<String>> {
    match why {
        WhyIncident::Record(marks) => Some(marks),
        _ => None,
    }
}

fn report_line(report: ReportView) -> StackLine {
    let urgency = match report.when {
        _ if report.waits_for_sender() => Urgency::Waits,
        SeenWhen::Now => Urgency::Now,
        SeenWhen::Today => Urgency::High,
        _ => Urgency::Normal,
    };
    StackLine {
        urgency,
        at: report.received_at,
        what: Waiting::Report {
            report: Box::new(report),
            alike: Vec::new(),
        },
    }
}

fn telling(report: &ReportView) -> Telling {
    Telling::of(
        &report.what,
        &report.where_seen,
        report.risk,
        report.received_at,
    )
}

fn alike_reports(report: &ReportView, others: &[(ReportView, Telling)]) -> Vec<AlikeReport> {
    let told = telling(report);
    let mut found: Vec<AlikeReport> = others
        .iter()
        .filter(|(other, _)| other.receipt != report.receipt)
        .map(|(other, telling)| (other, told.likeness(telling)))
        .filter(|(_, likeness)| likeness.suggested())
        .map(|(other, likeness)| AlikeReport {
            report: other.clone(),
            likeness,
        })
        .collect();
    found.sort_by_key(|a| (std::cmp::Reverse(a.likeness.points), a.report.received_at));
    found.truncate(MAX_SUGGESTED);
    found
}

/// Keys of the incident's rows that the report names.
fn rows_named(incident: &Incident, told: &Telling) -> Vec<String> {
    let tables = incident.findings.rows.values().flat_map(|t| t.values());
    let keys: Vec<_> = tables.collect();
    told.marks()
        .filter(|mark| keys.iter().any(|rows| rows.contains_key(*mark)))
        .map(str::to_owned)
        .collect()
}
