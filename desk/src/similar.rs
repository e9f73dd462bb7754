//! Open incidents that may be one case with another (相似事件), to be merged: reports that tell the
//! same, rows in common, or the same risk at the same source within a day.
//!
//! Deliberately not here: how alike two reports are (`likeness`), and what merging does (`joining`).

use crate::triage_stack::{AlikeIncident, WhyIncident};
use crate::{Desk, DeskError};
use incident::access::Viewer;
use incident::{Incident, IncidentHead};
use model::IncidentId;
use std::collections::BTreeSet;

/// Reports of an incident whose words are compared, the first.
const MAX_REPORTS: usize = 8;
/// Rows named as the reason.
const MAX_NAMED: usize = 5;
const MAX_SUGGESTED: usize = 5;
/// A row stands in both: hardly chance.
const ROWS_POINTS: u32 = 80;
/// The same risk at the same source, soon after another.
const SOURCE_POINTS: u32 = 40;
const NEAR_S: f64 = 86_400.0;

impl Desk {
    /// Open incidents that may be one case with this one, as far as the viewer may know of them,
    /// the likest first; exercises only among exercises.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn incidents_similar(
        &self,
        viewer: &Viewer,
        incident: &Incident,
    ) -> Result<Vec<AlikeIncident>, DeskError> {
        let open = self.open_incidents_for(viewer);
        let others = open
            .iter()
            .filter(|o| o.id != incident.id && o.exercise == incident.exercise);
        let others: Vec<_> = others.collect();
        let ids: BTreeSet<&IncidentId> = others.iter().map(|o| &o.id).collect();
        let mut found: Vec<AlikeIncident> = Vec::new();
        let mut add = |head: IncidentHead, points: u32, why: Vec<WhyIncident>| match found
            .iter_mut()
            .find(|a| a.head.id == head.id)
        {
            Some(known) => {
                known.points = known.points.max(points);
                known.why.extend(why);
            }
            None => found.push(AlikeIncident { head, points, why }),
        };
        for other in &others {
            let head = || IncidentHead::of(other, other.opened_at);
            let rows = in_common(incident, other);
            if !rows.is_empty() {
                add(head(), ROWS_POINTS, vec![WhyIncident::SameRows(rows)]);
            }
            let apart_s = incident.opened_at.since_s(other.opened_at).abs();
            let same = incident.source.is_some() && incident.source == other.source;
            if same && incident.risk == other.risk && apart_s <= NEAR_S {
                let minutes = (apart_s / 60.0) as u32;
                add(head(), SOURCE_POINTS, vec![WhyIncident::Source(minutes)]);
            }
        }
        for name in incident.reports.iter().take(MAX_REPORTS) {
            let Some((report, _)) = self.report_for(viewer, name)? else {
                continue;
            };
            let alike = self.reports_like(viewer, &report);
            for case in self.incidents_like(viewer, &report, &alike)? {
                if ids.contains(&case.head.id) {
                    add(case.head, case.points, case.why);
                }
            }
        }
        found.sort_by_key(|a| std::cmp::Reverse(a.points));
        found.truncate(MAX_SUGGESTED);
        Ok(found)
    }
}

/// Rows that both hold, as `table key`; the first few.
fn in_common(one: &Incident, other: &Incident) -> Vec<String> {
    let theirs = &other.findings.rows;
    let tables = one.findings.rows.iter().flat_map(|(source, tables)| {
        let theirs = theirs.get(source);
        tables
            .iter()
            .filter_map(move |(table, keys)| Some((table, keys, theirs?.get(table)?)))
    });
    let both = tables.flat_map(|(table, keys, theirs)| {
        let both = keys.keys().filter(|key| theirs.contains_key(*key));
        both.map(move |key| format!("{table} {key}"))
    });
    both.take(MAX_NAMED).collect()
}
