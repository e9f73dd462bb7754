//! Findings in the store: stored once, assigned to incidents, listed.

use crate::source::mark_findings;
use crate::view::FindingFilter;
use crate::{Desk, DeskError};
use model::{Finding, FindingId, IncidentId, SourceName};
use store::{Batch, FindingQuery, FindingRecord};

impl Desk {
    /// Stores findings and the mark up to which the ledger's findings are stored; gives the new ones.
    pub(crate) fn store_findings(
        &self,
        source: &SourceName,
        findings: Vec<Finding>,
        covered: u64,
    ) -> Result<Vec<Finding>, DeskError> {
        let records = findings.iter().map(|f| FindingRecord {
            finding: f.clone(),
            incident: None,
            source: source.clone(),
        });
        let batch = Batch {
            findings: records.collect(),
            marks: vec![(mark_findings(source), covered)],
            ..Batch::default()
        };
        let new = self.store().commit(batch)?.new_findings;
        self.touched();
        Ok(findings
            .into_iter()
            .filter(|f| new.contains(&f.id))
            .collect())
    }

    /// Findings of a source that joined no incident yet, oldest first, at most a page of them.
    pub(crate) fn without_incident(
        &self,
        source: &SourceName,
        after: Option<FindingId>,
    ) -> Result<Vec<Finding>, DeskError> {
        let query = FindingQuery {
            source: Some(source.clone()),
            after,
            unassigned: true,
            limit: u32::MAX,
            ..FindingQuery::default()
        };
        Ok(self.store().findings(&query)?)
    }

    /// With those of the incidents that were merged into it.
    pub(crate) fn findings_of(&self, incident: &IncidentId) -> Result<Vec<Finding>, DeskError> {
        let mut ids = vec![incident.clone()];
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(id) = ids.get(at).cloned() {
            at += 1;
            let merged = self.incident(&id);
            let merged = merged.iter().flat_map(|i| &i.joining.absorbed);
            for carried in merged {
                if !ids.contains(&carried.incident) {
                    ids.push(carried.incident.clone());
                }
            }
            let query = FindingQuery {
                incident: Some(id),
                limit: u32::MAX,
                ..FindingQuery::default()
            };
            found.extend(self.store().findings(&query)?);
        }
        Ok(found)
    }

    /// Oldest first.
    pub fn findings(&self, filter: &FindingFilter) -> Vec<Finding> {
        let query = FindingQuery {
            incident: filter.incident.clone(),
            source: filter.source.clone(),
            after: filter.after.clone(),
            limit: filter.limit,
            ..FindingQuery::default()
        };
        self.store().findings(&query).unwrap_or_else(|error| {
            tracing::error!(error = %crate::error::chain(&error), "findings cannot be read");
            Vec::new()
        })
    }
}
