//! Small documents that name the reports which wait for triage, and those kept from somebody, so
//! that neither a stack nor a door reads every report there ever was.
//!
//! They change in the transaction of the report itself. Deliberately not here: the reports.

use super::{REPORTS, ReportState, ReportView};
use crate::DeskError;
use incident::access::Access;
use model::{Instant, ReceiptNo};
use store::{Batch, PutDocument, Store};

/// Reports that wait for triage.
pub(crate) const WAITING: &str = "report-waiting";
/// Reports that somebody must not know of, with who; until they belong to an incident.
const KEPT: &str = "report-kept";
/// Names the index's making, which happens once.
const MADE: &str = "report-index";
/// Reports looked at from each end of a stack that is longer than a page can be.
pub(crate) const MAX_EACH_END: u32 = 500;
/// Reports kept from somebody that are looked at.
const MAX_KEPT: u32 = 5_000;

/// What changes in the index when a report goes from `before` to `now`.
pub(crate) fn follow(
    before: Option<&ReportView>,
    now: &ReportView,
    batch: &mut Batch,
) -> Result<(), DeskError> {
    let id = now.receipt.to_string();
    let waited = before.is_some_and(ReportView::waiting);
    match (waited, now.waiting()) {
        (false, true) => batch.documents.push(entry(WAITING, now, "{}".to_owned())),
        (true, false) => batch.forget.push((WAITING, id.clone())),
        _ => {}
    }
    let kept = |view: &ReportView| {
        !view.access.open() && !matches!(view.state, ReportState::Joined { .. })
    };
    match (before.is_some_and(kept), kept(now)) {
        (false, true) => {
            let access = serde_json::to_string(&now.access)?;
            batch.documents.push(entry(KEPT, now, access));
        }
        (true, false) => batch.forget.push((KEPT, id)),
        _ => {}
    }
    Ok(())
}

fn entry(collection: &'static str, view: &ReportView, json: String) -> PutDocument {
    PutDocument {
        collection,
        id: view.receipt.to_string(),
        expect_version: None,
        json,
        at: view.received_at,
    }
}

/// Makes the index of a folder that has none yet.
pub(crate) fn build(store: &Store) -> Result<(), DeskError> {
    if store.document(MADE, "made")?.is_some() {
        return Ok(());
    }
    let mut batch = Batch::default();
    for document in store.documents(REPORTS, u32::MAX)? {
        let view: ReportView = serde_json::from_str(&document.json)?;
        follow(None, &view, &mut batch)?;
    }
    batch.documents.push(PutDocument {
        collection: MADE,
        id: "made".to_owned(),
        expect_version: None,
        json: "{}".to_owned(),
        at: Instant(0),
    });
    store.commit(batch)?;
    Ok(())
}

/// Names of the reports that wait: all of them, or the newest and the oldest of very many.
pub(crate) fn waiting(store: &Store) -> Result<Vec<ReceiptNo>, DeskError> {
    let newest = store.documents(WAITING, MAX_EACH_END)?;
    let mut names: Vec<String> = newest.into_iter().map(|d| d.id).collect();
    if names.len() == MAX_EACH_END as usize {
        let oldest = store.documents_before(WAITING, Instant(i64::MAX), MAX_EACH_END)?;
        names.extend(oldest);
        names.sort();
        names.dedup();
    }
    Ok(names.into_iter().map(ReceiptNo::new).collect())
}

/// Reports that are kept from somebody, with who may read them.
pub(crate) fn kept(store: &Store) -> Result<Vec<(ReceiptNo, Access)>, DeskError> {
    let found = store.documents(KEPT, MAX_KEPT)?;
    let read = |d: store::Document| Ok((ReceiptNo::new(d.id), serde_json::from_str(&d.json)?));
    found.into_iter().map(read).collect()
}
