//! What the sender adds by the receipt, and what triage asks back.

use super::uploads::KeptFile;
use super::{MAX_FILES, MAX_TEXT, REPORTS, ReportView, Said, TRIES};
use crate::{Desk, DeskError, Told};
use model::{Operation, ReceiptNo, RequestId};
use serde_json::{Value, json};
use store::{Batch, PutDocument, StoreError};

/// Messages of one report, both sides together.
const MAX_SAID: usize = 100;

/// More about a report, from its sender.
#[derive(Debug)]
pub struct More {
    pub text: String,
    pub files: Vec<KeptFile>,
    pub request: RequestId,
}

impl Desk {
    /// Adds to the report of a receipt; `NotFound` for a number that is none.
    /// A repeated request adds nothing twice.
    pub fn add_to_report(&self, typed: &str, more: More) -> Result<(), DeskError> {
        let text = more.text.trim().to_owned();
        if text.is_empty() && more.files.is_empty() {
            return Err(DeskError::Refused(Told::new("write-something")));
        }
        if text.chars().count() > MAX_TEXT {
            return Err(DeskError::Refused(
                Told::new("text-too-long").with("most", MAX_TEXT),
            ));
        }
        let unknown = || DeskError::NotFound(Told::new("receipt-unknown"));
        let name = self.report_by_receipt(typed).ok_or_else(unknown)?.receipt;
        let documents = self.upload_documents(&more.files)?;
        let at = self.now();
        let leaf = json!({ "kind": "report-more", "receipt": name, "at": at, "text": text,
            "files": more.files.iter().map(|f| f.attachment.sha256).collect::<Vec<_>>() });
        self.change_report(&name, documents, &leaf, |view| {
            if view
                .talk
                .iter()
                .any(|s| s.by_sender && s.request == more.request.as_str())
            {
                return Ok(false);
            }
            if view.files.len() + more.files.len() > MAX_FILES {
                return Err(DeskError::Refused(
                    Told::new("too-many-files").with("most", MAX_FILES),
                ));
            }
            view.files
                .extend(more.files.iter().map(|f| f.attachment.clone()));
            say(
                view,
                Said {
                    at,
                    by_sender: true,
                    text: text.clone(),
                    files: more
                        .files
                        .iter()
                        .map(|f| f.attachment.name.clone())
                        .collect(),
                    request: more.request.to_string(),
                },
            )?;
            Ok(true)
        })?;
        self.uploads().named(&more.files);
        Ok(())
    }

    /// Changes a kept report, with a leaf of the record; tries again when somebody else changed it
    /// meanwhile. `change` gives false where nothing is to be stored.
    pub(crate) fn change_report(
        &self,
        name: &ReceiptNo,
        documents: Vec<PutDocument>,
        leaf: &Value,
        mut change: impl FnMut(&mut ReportView) -> Result<bool, DeskError>,
    ) -> Result<(), DeskError> {
        for _ in 0..TRIES {
            let (before, version) = self.report_at(name)?;
            let mut view = before.clone();
            if !change(&mut view)? {
                return Ok(());
            }
            let mut batch = changed(&before, &view, version)?;
            batch.documents.extend(documents.clone());
            batch.leaves.push(serde_json::to_vec(leaf)?);
            match self.store().commit(batch) {
                Ok(_) => {
                    self.touched();
                    return Ok(());
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DeskError::Refused(Told::new("report-busy")))
    }

    /// A report with its version.
    pub(crate) fn report_at(&self, name: &ReceiptNo) -> Result<(ReportView, u64), DeskError> {
        let found = self.store().document(REPORTS, name.as_str())?;
        let found = found
            .ok_or_else(|| DeskError::NotFound(Told::new("report-unknown").with("name", name)))?;
        Ok((serde_json::from_str(&found.json)?, found.version))
    }
}

/// What is stored of a changed report, where it still stands at this version.
pub(crate) fn changed(
    before: &ReportView,
    view: &ReportView,
    version: u64,
) -> Result<Batch, DeskError> {
    let mut batch = Batch::default();
    super::index::follow(Some(before), view, &mut batch)?;
    batch.documents.push(PutDocument {
        collection: REPORTS,
        id: view.receipt.to_string(),
        expect_version: Some(version),
        json: serde_json::to_string(view)?,
        // Lists are by the time of receipt.
        at: view.received_at,
    });
    Ok(batch)
}

/// Puts triage's question into the talk; false where the same request asked it already.
pub(crate) fn asked(view: &mut ReportView, op: &Operation, text: &str) -> Result<bool, DeskError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TEXT {
        return Err(DeskError::Refused(
            Told::new("question-too-long").with("most", MAX_TEXT),
        ));
    }
    if view.talk.iter().any(|s| s.request == op.request.as_str()) {
        return Ok(false);
    }
    say(
        view,
        Said {
            at: op.now,
            by_sender: false,
            text: text.to_owned(),
            files: Vec::new(),
            request: op.request.to_string(),
        },
    )?;
    Ok(true)
}

fn say(view: &mut ReportView, said: Said) -> Result<(), DeskError> {
    if view.talk.len() >= MAX_SAID {
        return Err(DeskError::Refused(
            Told::new("too-many-messages").with("most", MAX_SAID),
        ));
    }
    view.talk.push(said);
    Ok(())
}
