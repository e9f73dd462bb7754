//! The start: which incidents are held in memory, and the index of a folder that has none yet.
//!
//! The index is made of facts alone. A folder that was written by an older program is read
//! through once, in order; a start that is cut short goes on where it stopped.
//! Deliberately not here: keeping the index up to date (`commander`).

use crate::held::{self, Incidents};
use crate::incident_text;
use crate::{DeskError, Told};
use incident::IncidentHead;
use model::IncidentId;
use store::{Batch, Store};

/// Number of the last opening that a start has put into the index; later ones were put there by
/// the commander, in the transaction of their facts.
const INDEXED: &str = "incident-index";
/// Incidents of one transaction.
const AT_ONCE: u32 = 200;

/// Puts the incidents into the index that are not there yet, and reads those that somebody still
/// works on.
pub(crate) fn open(store: &Store) -> Result<Incidents, DeskError> {
    fill(store)?;
    load(store)
}

fn fill(store: &Store) -> Result<(), DeskError> {
    let mut after = store.mark(INDEXED)?.unwrap_or(0);
    let mut filled = 0_usize;
    loop {
        let openings = store.openings_after(after, AT_ONCE)?;
        let Some((last, _)) = openings.last() else {
            break;
        };
        after = *last;
        let mut batch = Batch {
            marks: vec![(INDEXED.to_owned(), after)],
            ..Batch::default()
        };
        for (_, id) in &openings {
            batch.incidents.push(entry(store, id)?);
        }
        filled += openings.len();
        store.commit(batch)?;
        if openings.len() < AT_ONCE as usize {
            break;
        }
        tracing::info!(incidents = filled, "the index of incidents is being made");
    }
    Ok(())
}

fn entry(store: &Store, id: &IncidentId) -> Result<store::IncidentEntry, DeskError> {
    let held = held::read(store, id)?;
    let held = held.ok_or_else(|| DeskError::NotFound(Told::new("no-facts").with("id", id)))?;
    Ok(incident_text::entry(None, &held.incident, &held.recorded)?.0)
}

/// Reads the incidents that are open or still worked on.
fn load(store: &Store) -> Result<Incidents, DeskError> {
    let incidents = Incidents::new(store.clone());
    for id in store.active_incidents()? {
        incidents.get(&id)?;
    }
    let heads = store.restricted_heads()?;
    for head in &heads {
        incidents.restrict([serde_json::from_str::<IncidentHead>(head)?]);
    }
    Ok(incidents)
}
