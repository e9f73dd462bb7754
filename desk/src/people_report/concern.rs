//! Whom a report concerns, and who may therefore not read it, from the moment it comes in.
//!
//! Until the report belongs to an incident it carries an [`Access`] of its own, by the same rule
//! of the plan as incidents do; after that the incident's holds. Deliberately not here: the rule.

use super::{ReportState, ReportView, index};
use crate::account::Person;
use crate::{Desk, DeskError};
use incident::access::{Access, Viewer};
use model::{AccountId, IncidentId, PositionId, ReceiptNo};
use plan::{Act, Lang};
use std::collections::BTreeSet;

/// Persons whom one report may be kept from; naming more is a way to have nobody read it.
const MAX_CONCERNED: usize = 8;
/// Shorter names would be found in any text.
const MIN_NAME_CHARS: usize = 2;

impl Desk {
    /// Whether somebody may read a report: as its incident says, or, before, as it says itself.
    pub fn sees_report(&self, viewer: &Viewer, report: &ReportView) -> bool {
        match &report.state {
            ReportState::Joined { incident } => self.incident_for(viewer, incident).is_some(),
            _ => (report.access).sees(self.plan().need_to_know.conceal_from, viewer),
        }
    }

    /// The report of a name with the version of its document; not there for whoever may not know.
    pub fn report_for(
        &self,
        viewer: &Viewer,
        name: &ReceiptNo,
    ) -> Result<Option<(ReportView, u64)>, DeskError> {
        let found = match self.report_at(name) {
            Ok(found) => found,
            Err(DeskError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(found).filter(|(report, _)| self.sees_report(viewer, report)))
    }

    /// Reports that lead to no incident yet and that the viewer must not know of.
    pub(crate) fn hidden_reports(&self, viewer: &Viewer) -> Result<BTreeSet<ReceiptNo>, DeskError> {
        let rule = self.plan().need_to_know.conceal_from;
        let kept = index::kept(self.store())?.into_iter();
        Ok(kept
            .filter(|(_, access)| !access.sees(rule, viewer))
            .map(|(name, _)| name)
            .collect())
    }

    /// Who may read a report that says whom it concerns.
    ///
    /// # Errors
    /// The people cannot be read: it is not taken, rather than shown to whom it is about.
    pub(crate) fn access_of_report(&self, concerns: &str) -> Result<Access, DeskError> {
        if concerns.trim().is_empty() {
            return Ok(Access::default());
        }
        let people = self.accounts()?;
        let mut access = Access {
            suspects: self.meant(concerns, &people),
            ..Access::default()
        };
        let rule = self.plan().need_to_know.conceal_from;
        let decides = |p: &Person| {
            self.plan().allows(Act::OpenIncident, &p.positions)
                && access.sees(rule, &self.viewer(&p.id, &p.positions))
        };
        if access.suspects.len() > MAX_CONCERNED || !people.iter().any(decides) {
            // Somebody must read it; a report that nobody may read protects whoever it is about.
            tracing::warn!("a report names so many that nobody would be left to read it");
            return Ok(Access::default());
        }
        access.stand_ins = self.places(&access).0;
        Ok(access)
    }

    /// The people whose name, account or position stands in the words.
    fn meant(&self, concerns: &str, people: &[Person]) -> BTreeSet<AccountId> {
        let said = plain(concerns);
        let words: BTreeSet<String> = concerns
            .split(|c: char| !c.is_alphanumeric() && !"-_.@".contains(c))
            .map(str::to_lowercase)
            .collect();
        let plan = self.plan();
        let titles = |p: &&plan::Position| {
            // A title that many hold names nobody.
            if p.several {
                return false;
            }
            words.contains(p.id.as_str())
                || Lang::ALL.iter().any(|lang| {
                    let title = plain(p.title.in_lang(*lang));
                    title.chars().count() >= MIN_NAME_CHARS && said.contains(&title)
                })
        };
        let positions: Vec<&PositionId> = plan
            .positions
            .iter()
            .filter(titles)
            .map(|p| &p.id)
            .collect();
        let meant = |p: &&Person| {
            let name = plain(&p.name);
            let by_name = name.chars().count() >= MIN_NAME_CHARS && said.contains(&name);
            by_name
                || words.contains(&p.id.as_str().to_lowercase())
                || p.positions.iter().any(|held| positions.contains(&held))
        };
        people.iter().filter(meant).map(|p| p.id.clone()).collect()
    }

    /// Refused where a report's words would be read, in this incident, by whom they are kept from.
    pub(crate) fn keeps_as_well(&self, report: &ReportView, incident: &IncidentId) -> bool {
        let Some(incident) = self.incident(incident) else {
            return false;
        };
        let suspects = &report.access.suspects;
        suspects.is_subset(&incident.access.suspects)
    }
}

/// Letters and digits in lower case, so that spaces and signs do not hide a name.
fn plain(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}
