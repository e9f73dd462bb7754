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
            for recorded in &spare.behind {
                // Somebody may have read the version from its facts when they were stored already;
                // a fact that is folded twice would double what it says.
                if recorded.sequence >= incident.next_sequence {
                    incident.apply(recorded);
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use incident::{Category, Origin, Subclass};
    use model::{Actor, Instant, Operation, RequestId, Risk};

    fn held(recorded: Vec<Recorded>) -> Held {
        let facts = Facts::of(recorded.clone());
        Held {
            incident: Arc::new(Incident::replay(&recorded).expect("facts in order")),
            text: crate::incident_text::TextMark::of(&facts),
            recorded: facts,
        }
    }

    fn opened() -> Vec<Recorded> {
        let op = Operation {
            actor: Actor::system("test"),
            reason: String::new(),
            request: RequestId::new("opened"),
            now: Instant(0),
        };
        let request = incident::OpenRequest {
            id: IncidentId::new("i-1"),
            exercise: false,
            code_name: "code".to_owned(),
            risk: Risk::R2,
            category: Category::DataSecurity {
                subclass: Subclass::Tampering,
            },
            discovered_at: Instant(0),
            occurred_at: None,
            source: None,
            origin: Origin::Findings,
            access: incident::access::Access::default(),
        };
        let facts = incident::open(&op, plan::built_in::plan(), request);
        Incident::record_opening(&op, facts)
    }

    #[test]
    fn a_version_that_knows_its_facts_already_does_not_learn_them_twice() {
        let all = opened();
        assert!(all.len() > 3, "an opening calls people out");
        let published = held(all.clone());
        // A reader made its version from the store between the commit and its showing.
        let behind = all[1..].iter().cloned().map(Arc::new).collect();
        let read = Arc::new(Incident::replay(&all).expect("facts in order"));
        let mut replicas = Replicas::default();
        let id = IncidentId::new("i-1");
        replicas.keep(id.clone(), read, behind);
        let copy = replicas.copy(&id, published.clone());
        assert_eq!(copy.incident, *published.incident);
        // And one that lacks them learns them.
        let first = Arc::new(Incident::opened(&all[0]).expect("an opening"));
        let behind = all[1..].iter().cloned().map(Arc::new).collect();
        replicas.keep(id.clone(), first, behind);
        assert_eq!(
            replicas.copy(&id, published.clone()).incident,
            *published.incident
        );
    }
}
