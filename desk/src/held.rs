//! Incidents in memory: the open ones always, closed ones while somebody looks at them.
//!
//! Deliberately not here: deciding (`commander`), and lists (`incident_list`).

use crate::{DeskError, Told};
use incident::access::Access;
use incident::{Incident, IncidentHead, Recorded};
use model::IncidentId;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Incidents kept in memory although nothing is done on them any more; beyond it the one that was
/// asked for longest ago is let go, and read again when somebody asks.
const MOST_IDLE: usize = 128;
/// Facts of one piece of an incident's record. A command copies at most one piece.
const PIECE: usize = 128;

/// Facts in order, in pieces that versions of an incident share.
#[derive(Clone, Default)]
pub(crate) struct Facts {
    full: Arc<Vec<Arc<[Arc<Recorded>]>>>,
    last: Arc<Vec<Arc<Recorded>>>,
}

impl Facts {
    pub fn of(recorded: Vec<Recorded>) -> Self {
        let mut facts = Self::default();
        facts.extend(recorded.into_iter().map(Arc::new));
        facts
    }
    pub fn extend(&mut self, more: impl IntoIterator<Item = Arc<Recorded>>) {
        let mut last = (*self.last).clone();
        for recorded in more {
            last.push(recorded);
            if last.len() == PIECE {
                Arc::make_mut(&mut self.full).push(std::mem::take(&mut last).into());
            }
        }
        self.last = Arc::new(last);
    }
    pub fn len(&self) -> usize {
        self.full.len() * PIECE + self.last.len()
    }
    /// From a place on, oldest first.
    pub fn from(&self, place: usize) -> impl Iterator<Item = &Arc<Recorded>> {
        let pieces = self.full.iter().skip(place / PIECE);
        let skipped = place / PIECE * PIECE;
        let all = pieces
            .flat_map(|piece| piece.iter())
            .chain(self.last.iter());
        // Behind the last full piece only the rest of the tail is left out.
        all.skip(place - skipped.min(self.full.len() * PIECE))
    }
    pub fn last(&self) -> Option<&Arc<Recorded>> {
        self.last.last().or_else(|| self.full.last()?.last())
    }
}

/// One incident as it stands, with its facts.
#[derive(Clone)]
pub(crate) struct Held {
    pub incident: Arc<Incident>,
    pub recorded: Facts,
    /// How far its text is in the index.
    pub text: crate::incident_text::TextMark,
}

/// The incidents in memory; only the commander changes one.
#[derive(Clone)]
pub(crate) struct Incidents {
    store: store::Store,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    held: RwLock<HashMap<IncidentId, Kept>>,
    /// Who may see the incidents that not everybody may know of, closed ones too.
    restricted: RwLock<HashMap<IncidentId, Access>>,
    /// Rises with every look, so that the idle one looked at longest ago is known.
    looks: AtomicU64,
    /// Rises with every change, so that what was read before one is not kept after it.
    changes: AtomicU64,
}

struct Kept {
    held: Held,
    active: bool,
    looked: AtomicU64,
}

impl Incidents {
    pub fn new(store: store::Store) -> Self {
        Self {
            store,
            shared: Arc::default(),
        }
    }

    /// From memory, or read from its facts. `None`: there is no such incident.
    pub fn get(&self, id: &IncidentId) -> Result<Option<Held>, DeskError> {
        if let Some(kept) = self.read().get(id) {
            kept.looked.store(self.look(), Ordering::Relaxed);
            return Ok(Some(kept.held.clone()));
        }
        let changes = self.shared.changes.load(Ordering::SeqCst);
        let Some(read) = read(&self.store, id)? else {
            return Ok(None);
        };
        let mut held = self.write();
        // What the commander put meanwhile is newer than what was read.
        if let Some(kept) = held.get(id) {
            return Ok(Some(kept.held.clone()));
        }
        if self.shared.changes.load(Ordering::SeqCst) == changes {
            self.keep(&mut held, id.clone(), read.clone());
        }
        Ok(Some(read))
    }

    /// Those that are not closed, newest first.
    pub fn open(&self) -> Vec<Arc<Incident>> {
        self.those(|incident| !incident.closed())
    }
    /// Those that are open or still worked on, newest first.
    pub fn active(&self) -> Vec<Arc<Incident>> {
        self.those(Incident::active)
    }

    /// Incidents that whoever `sees` stands for must not know of.
    pub fn hidden(&self, sees: impl Fn(&Access) -> bool) -> BTreeSet<IncidentId> {
        let restricted = self.shared.restricted.read();
        let restricted = restricted.unwrap_or_else(PoisonError::into_inner);
        let hidden = restricted.iter().filter(|(_, access)| !sees(access));
        hidden.map(|(id, _)| id.clone()).collect()
    }

    /// At the start: who may see which.
    pub fn restrict(&self, heads: impl IntoIterator<Item = IncidentHead>) {
        for head in heads {
            self.set_access(&head.id, &head.access);
        }
    }

    fn set_access(&self, id: &IncidentId, access: &Access) {
        let restricted = self.shared.restricted.write();
        let mut restricted = restricted.unwrap_or_else(PoisonError::into_inner);
        match access.open() {
            true => drop(restricted.remove(id)),
            false => drop(restricted.insert(id.clone(), access.clone())),
        }
    }

    fn those(&self, wanted: impl Fn(&Incident) -> bool) -> Vec<Arc<Incident>> {
        let held = self.read();
        let active = held.values().filter(|kept| kept.active);
        let mut those: Vec<_> = active
            .map(|kept| Arc::clone(&kept.held.incident))
            .filter(|incident| wanted(incident))
            .collect();
        drop(held);
        those.sort_by(|a, b| b.opened_at.cmp(&a.opened_at).then_with(|| a.id.cmp(&b.id)));
        those
    }

    /// The commander's: the incident as it stands after a commit.
    pub fn put(&self, id: IncidentId, now: Held) {
        // First who may see it, then what there is to see.
        self.set_access(&id, &now.incident.access);
        let mut held = self.write();
        self.shared.changes.fetch_add(1, Ordering::SeqCst);
        held.remove(&id);
        self.keep(&mut held, id, now);
    }

    fn keep(&self, all: &mut HashMap<IncidentId, Kept>, id: IncidentId, held: Held) {
        let kept = Kept {
            active: held.incident.active(),
            looked: AtomicU64::new(self.look()),
            held,
        };
        let active = kept.active;
        all.insert(id, kept);
        if active {
            return;
        }
        let idle = || all.iter().filter(|(_, kept)| !kept.active);
        if idle().count() > MOST_IDLE {
            let oldest = idle().min_by_key(|(_, kept)| kept.looked.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                all.remove(&oldest);
            }
        }
    }

    fn look(&self) -> u64 {
        self.shared.looks.fetch_add(1, Ordering::Relaxed)
    }
    fn read(&self) -> RwLockReadGuard<'_, HashMap<IncidentId, Kept>> {
        let held = self.shared.held.read();
        held.unwrap_or_else(PoisonError::into_inner)
    }
    fn write(&self) -> RwLockWriteGuard<'_, HashMap<IncidentId, Kept>> {
        let held = self.shared.held.write();
        held.unwrap_or_else(PoisonError::into_inner)
    }
}

/// An incident again from its stored facts.
pub(crate) fn read(store: &store::Store, id: &IncidentId) -> Result<Option<Held>, DeskError> {
    let rows = store.facts(id)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut recorded = Vec::with_capacity(rows.len());
    for row in &rows {
        recorded.push(serde_json::from_str::<Recorded>(&row.json)?);
    }
    let incident = Incident::replay(&recorded)
        .map_err(|e| DeskError::Refused(Told::new("facts-unfit").with("id", id).with("why", e)))?;
    let recorded = Facts::of(recorded);
    Ok(Some(Held {
        text: crate::incident_text::TextMark::of(&recorded),
        incident: Arc::new(incident),
        recorded,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Actor, Instant, Operation, RequestId};

    fn fact(sequence: u32) -> Recorded {
        Recorded {
            sequence,
            operation: Operation {
                actor: Actor::system("test"),
                reason: String::new(),
                request: RequestId::new(format!("r{sequence}")),
                now: Instant(0),
            },
            fact: incident::Fact::WatchStarted,
        }
    }

    #[test]
    fn facts_in_pieces_are_the_facts_in_a_row() {
        for n in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7] {
            let mut facts = Facts::of((0..n as u32 / 2).map(fact).collect());
            let before = facts.clone();
            for sequence in n as u32 / 2..n as u32 {
                facts.extend([Arc::new(fact(sequence))]);
            }
            assert_eq!((before.len(), facts.len()), (n / 2, n));
            assert_eq!(facts.last().map(|f| f.sequence), (n as u32).checked_sub(1));
            for place in [0, 1, PIECE - 1, PIECE, PIECE + 3, n / 2, n] {
                let read: Vec<u32> = facts.from(place).map(|f| f.sequence).collect();
                let wanted: Vec<u32> = (place as u32..n as u32).collect();
                assert_eq!(read, wanted, "{n} facts from {place}");
            }
        }
    }
}
