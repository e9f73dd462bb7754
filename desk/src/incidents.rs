//! Incidents as they stand, and the one way to act on them.
//!
//! Deliberately not here: what a command may do (room `incident`) and how many commands are
//! stored at once (`commander`).

use crate::commander::Ask;
use crate::error::CommandError;
use crate::held::Held;
use crate::{Desk, DeskError};
use incident::access::Access;
use incident::brief::SentBrief;
use incident::learning::Topic;
use incident::{Command, Incident, Recorded};
use model::{IncidentId, Operation, SourceName};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Desk {
    /// Those that are not closed, newest first. All of them are in memory.
    pub fn open_incidents(&self) -> Vec<Arc<Incident>> {
        self.inner.incidents.open()
    }
    /// Those that are open, or of which a repair is still being applied, newest first.
    pub(crate) fn active_incidents(&self) -> Vec<Arc<Incident>> {
        self.inner.incidents.active()
    }
    /// Of those that not everybody may know of, the ones that `sees` does not let through.
    pub(crate) fn hidden_incidents(&self, sees: impl Fn(&Access) -> bool) -> BTreeSet<IncidentId> {
        self.inner.incidents.hidden(sees)
    }
    /// An incident as it stands; a closed one may be read from its facts first.
    pub fn incident(&self, id: &IncidentId) -> Option<Arc<Incident>> {
        self.held(id).map(|held| held.incident)
    }
    /// The newest open incident of a source.
    pub fn open_incident_of(&self, source: &SourceName) -> Option<IncidentId> {
        let open = self
            .open_incidents()
            .into_iter()
            .find(|i| i.takes_findings_of(source));
        open.map(|i| i.id.clone())
    }
    /// The facts of an incident, oldest first.
    pub fn recorded(&self, id: &IncidentId) -> Vec<Arc<Recorded>> {
        self.held(id)
            .map(|held| held.recorded.from(0).cloned().collect())
            .unwrap_or_default()
    }
    /// A brief to the management as it went out.
    pub fn sent_brief(&self, id: &IncidentId, number: u32) -> Option<SentBrief> {
        let held = self.held(id)?;
        let facts = held.recorded.from(0).map(|recorded| &**recorded);
        incident::brief::sent(facts).find(|sent| sent.number == number)
    }
    fn held(&self, id: &IncidentId) -> Option<Held> {
        self.inner.incidents.get(id).unwrap_or_else(|error| {
            tracing::error!(incident = %id, error = %crate::error::chain(&error), "an incident cannot be read");
            None
        })
    }
    /// One of which something already says that it is there: not to find it is an error.
    pub(crate) fn listed_incident(&self, id: &IncidentId) -> Result<Arc<Incident>, DeskError> {
        let held = self.inner.incidents.get(id)?;
        held.map(|held| held.incident).ok_or_else(|| {
            tracing::error!(incident = %id, "an incident that is listed is not stored");
            DeskError::Broken {
                told: "what is kept of an incident cannot be read".to_owned(),
                may_pass: false,
            }
        })
    }
    /// Carries a command out; returns when its facts are durable.
    pub fn execute(
        &self,
        op: Operation,
        id: &IncidentId,
        command: Command,
    ) -> Result<Vec<Recorded>, CommandError> {
        self.execute_if(op, id, command, None)
    }

    /// The same, only while the incident stands at the version that the caller saw.
    pub fn execute_at(
        &self,
        op: Operation,
        id: &IncidentId,
        command: Command,
        version: u32,
    ) -> Result<Vec<Recorded>, CommandError> {
        self.execute_if(op, id, command, Some(version))
    }

    fn execute_if(
        &self,
        op: Operation,
        id: &IncidentId,
        command: Command,
        version: Option<u32>,
    ) -> Result<Vec<Recorded>, CommandError> {
        // Half of a merge alone would leave a pointer without the other one.
        if matches!(command, Command::Joining(_)) {
            return Err(incident::Refusal::SystemOnly.into());
        }
        let op = self.admit(op, id)?;
        self.guest_may(&op, id, &command)?;
        let left = match &command {
            Command::RecordDecision {
                topic: Topic::AcceptRows { rows },
                text,
            } => Some((op.clone(), rows.clone(), text.clone())),
            _ => None,
        };
        let ask = Ask::Command {
            op,
            id: id.clone(),
            command: Box::new(command),
        };
        let recorded = self.ask(match version {
            Some(version) => Ask::At {
                version,
                ask: Box::new(ask),
            },
            None => ask,
        })?;
        // The decision stands in the incident; what the guard holds for lawful takes two people.
        if let Some((op, rows, text)) = left
            && let Err(error) = self.ask_acceptance_of_rows(&op, id, &rows, &text)
        {
            tracing::warn!(incident = %id, error = %error.told(), "rows stay as they are in the incident only: ask again with `balefire accept ask`");
        }
        Ok(recorded)
    }
    pub(crate) fn ask(&self, ask: Ask) -> Result<Vec<Recorded>, CommandError> {
        self.inner.commander.ask(ask)
    }
}
