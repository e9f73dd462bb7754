//! Acknowledged entries that are gone for good: an operator's decision, put on the record.
//!
//! The ledger's lost places are filled with entries that say so. A finding's id comes from its
//! place: an entry that took a lost one's place could take its finding's id too, and be missed.

use crate::DeskError;
use crate::config::Config;
use crate::ledger::WatchEntry;
use crate::source::mark_findings;
use journal::{Journal, JournalRecovery};
use model::Instant;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use store::{Batch, Store};

/// Entries of one log that are given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    pub log: String,
    pub entries: u64,
}

/// To be called once after opening with the loss accepted, before anything is appended.
pub(crate) fn put_on_record(
    store: &Store,
    config: &Config,
    journal: &mut Journal,
    recovered: &JournalRecovery,
    at: Instant,
) -> Result<Vec<Loss>, DeskError> {
    let lost = recovered.iter().filter(|r| r.recovery.lost_entries > 0);
    let mut lost: BTreeMap<String, u64> = lost
        .map(|r| (r.log.clone(), r.recovery.lost_entries))
        .collect();
    let lost_place = WatchEntry::Lost {
        at,
        reason: "an acknowledged entry stood here; its loss was accepted by the operator".into(),
    };
    let mut filler = Vec::new();
    lost_place.entry()?.encode(&mut filler)?;
    for (i, (source, log)) in config.source.iter().zip(&mut journal.ledgers).enumerate() {
        let mark = store.mark(&mark_findings(&source.name))?.unwrap_or(0);
        if log.size() >= mark {
            continue;
        }
        let entries = lost.entry(format!("ledger/{i}")).or_default();
        *entries = (*entries).max(mark - log.size());
        while log.size() < mark {
            log.append(&filler)?;
        }
        log.seal_group()?.wait()?;
    }
    let losses: Vec<Loss> = lost
        .into_iter()
        .map(|(log, entries)| Loss { log, entries })
        .collect();
    if !losses.is_empty() {
        let leaf = json!({ "kind": "loss", "at": at, "losses": losses });
        store.commit(Batch {
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
    }
    Ok(losses)
}
