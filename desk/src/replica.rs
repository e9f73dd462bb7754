//! Working copies of incidents, without copying an incident for every command.
//!
//! Readers hold the published version; the one before it, once no reader holds it any more, is
//! brought up to date with the facts that it lacks and becomes the next working copy. Folding
//! the same facts gives the same incident.
//! Deliberately not here: deciding and storing (`commander`).

use crate::held::{Facts, Held};
use incident::{Incident, Recorded};
use model::IncidentId;
use std::collections::HashMap;
use std::sync::Arc;

/// Versions kept for the next command; the one used longest ago goes first.
const MOST: usize = 64;

/// An incident within a group of commands.
pub(crate) struct Copy {
    pub incident: Incident,
    /// As it stood before the group; `None`: it was opened by the group.
    pub before: Option<Held>,
    /// What the group has recorded.
    pub fresh: Vec<Arc<Recorded>>,
}

impl Copy {
    /// Sequence number of the next fact.
    pub fn next(&self) -> u32 {
        self.incident.next_sequence
    }

    /// All facts with the fresh ones.
    pub fn facts(&self) -> Facts {
        let before = self.before.as_ref().map(|b| b.recorded.clone());
        let mut facts = before.unwrap_or_default();
        facts.extend(self.fresh.iter().cloned());
        facts
    }

    /// The same without what was recorded after the first `n` of its fresh facts. `None`: nothing
    /// is left of it.
    pub fn back_to(mut self, n: usize) -> Option<Self> {
        if self.fresh.len() <= n {
            return Some(self);
        }
        self.fresh.truncate(n);
        let (mut incident, rest) = match &self.before {
            Some(before) => ((*before.incident).clone(), self.fresh.as_slice()),
            None => {
                let (opening, rest) = self.fresh.split_first()?;
                (Incident::opened(opening)?, rest)
            }
        };
        rest.iter().for_each(|recorded| incident.apply(recorded));
        self.incident = incident;
        Some(self)
    }
}

/// Versions that lag behind the published ones.
#[derive(Default)]
pub(crate) struct Replicas {
    spare: HashMap<IncidentId, Spare>,
    turn: u64,
}

struct Spare {
    incident: Arc<Incident>,
    /// The facts that it lacks.
    behind: Vec<Arc<Recorded>>,
    turn: u64,
}

impl Replicas {
    /// A working copy of the published version.
    pub fn copy(&mut self, id: &IncidentId, published: Held) -> Copy {
        let spare = self.spare.remove(id);
        let own = spare.and_then(|spare| {
            // Somebody may still read the version; then another one is made.
            let mut incident = Arc::try_unwrap(spare.incident).ok()?;
            spare.behind.iter().for_each(|r| incident.apply(r));
            Some(incident)
        });
        Copy {
            incident: own.unwrap_or_else(|| (*published.incident).clone()),
            before: Some(published),
            fresh: Vec::new(),
        }
    }

    /// Keeps a version for the next command, with the facts that it lacks.
    pub fn keep(&mut self, id: IncidentId, incident: Arc<Incident>, behind: Vec<Arc<Recorded>>) {
        self.turn += 1;
        let turn = self.turn;
        let spare = Spare {
            incident,
            behind,
            turn,
        };
        self.spare.insert(id, spare);
        if self.spare.len() > MOST {
            let oldest = self.spare.iter().min_by_key(|(_, spare)| spare.turn);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.spare.remove(&oldest);
            }
        }
    }
}
