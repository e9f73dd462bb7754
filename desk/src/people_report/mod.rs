//! Reports by people (P1): durable, and the leading group paged, before the receipt is given.
//!
//! Whichever way a report comes (page, API, mail, detector), [`Desk::report`] is the one door.
//! Deliberately not here: what triage does with it (`report_triage`), and limits by address,
//! which belong to the way it comes by.

pub(crate) mod by_mail;
mod concern;
pub(crate) mod follow_up;
pub(crate) mod index;
mod receipt;
mod shape;
mod sniff;
mod uploads;

pub use by_mail::ByMail;
pub use connect::letter::{Letter, LetterError, MAX_BYTES as MAX_MAIL_BYTES};
pub use follow_up::More;
pub use receipt::Receipt;
pub use shape::{
    Decided, DecisionKind, NewReport, Received, ReportState, ReportView, Said, SeenWhen, Via,
};
pub use sniff::FileKind;
pub use uploads::{
    Attachment, KeptFile, MAX_BYTES_AT_ONCE, MAX_FILE_BYTES, MAX_FILES, MAX_FILES_AT_ONCE, Upload,
    UploadError, Uploads,
};

use crate::dispatch::{REPORT, ReportPage};
use crate::{Desk, DeskError, Told};
use model::{Digest, GroupId, Instant, OutboxId, ReceiptNo};
use receipt::Typed;
use serde_json::json;
use store::{Batch, NewOutbox, PutDocument, StoreError};

pub(crate) const REPORTS: &str = "report";
/// Documents that name the received files, by SHA-256.
pub(crate) const UPLOADS: &str = "upload";
/// Most characters of a report's longest field.
pub const MAX_TEXT: usize = 8_000;
/// Most characters of each other field.
pub const MAX_LINE: usize = 400;
/// Two requests may bring the same file at the same moment; one of them tries again.
const TRIES: usize = 5;
/// Of reports that come in a crowd, one a minute pages.
const CROWD_US: i64 = 60_000_000;

/// What reports need beside the store: the key of their receipts, and the folder of files.
pub(crate) struct Keeper {
    receipt_key: [u8; 32],
    uploads: Uploads,
}

impl Keeper {
    /// Files that the store does not name are removed.
    pub fn open(
        folder: &crate::DataFolder,
        store: &store::Store,
        master: &journal::vault::MasterKey,
    ) -> Result<Self, DeskError> {
        index::build(store)?;
        let named = |name: &str| Ok(store.document(UPLOADS, name)?.is_some());
        Ok(Self {
            receipt_key: master.derive("receipts of reports"),
            uploads: Uploads::open(folder.uploads(), named)?,
        })
    }
}

impl Desk {
    /// Stores the report and pages the leading group in one transaction.
    ///
    /// The same request with the same words and files gives the same receipt and changes nothing.
    /// Errors: `Refused` says in plain words what the sender must mend; others mean that nothing
    /// was stored (a full disk), and the sender is told to call instead.
    pub fn report(&self, report: NewReport) -> Result<Received, DeskError> {
        check(&report)?;
        let key = &self.inner.reports.receipt_key;
        let mut view = view(&report, self.leaders().len(), self.now());
        let said = said(&view, view.files.len());
        let receipt = receipt::issue(key, report.request.as_str(), &said);
        let name = receipt::name(key, &receipt);
        view.receipt = name.clone();
        view.access = self.access_of_report(&view.concerns)?;
        let received = |paged| Received {
            receipt: receipt.clone(),
            report: name.clone(),
            paged,
        };
        for _ in 0..TRIES {
            if let Some(known) = self.report_named(&name)? {
                return Ok(received(known.paged));
            }
            let mut batch = self.batch_of(&view, report.crowded)?;
            if report.receipt_by_mail {
                let row = by_mail::receipt_row(&view, &report.request)?;
                batch.outbox.push(row);
            }
            batch
                .documents
                .extend(self.upload_documents(&report.files)?);
            let hooked = self.report_webhooks(&view);
            batch.documents.extend(Self::webhook_rows(&hooked)?);
            match self.store().commit(batch) {
                Ok(_) => {
                    self.webhooks_take(&hooked);
                    self.uploads().named(&report.files);
                    self.touched();
                    return Ok(received(view.paged));
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DeskError::Refused(Told::new("same-report")))
    }

    fn batch_of(&self, view: &ReportView, crowded: bool) -> Result<Batch, DeskError> {
        let page = |position: &model::PositionId| {
            // A page that goes to others than usual is not bundled with the usual ones.
            let id = if crowded && view.access.open() {
                format!(
                    "reports-{}-{position}",
                    view.received_at.0.div_euclid(CROWD_US)
                )
            } else {
                format!("{}-{position}", view.receipt)
            };
            let page = ReportPage {
                report: view.receipt.clone(),
                position: position.clone(),
            };
            Ok(NewOutbox {
                id: OutboxId::new(id),
                incident: None,
                channel: "file".into(),
                kind: REPORT.into(),
                due_at: view.received_at,
                json: serde_json::to_string(&page)?,
            })
        };
        let pages: Result<_, serde_json::Error> = self.leaders().iter().map(page).collect();
        let mut index = Batch::default();
        index::follow(None, view, &mut index)?;
        // The record says that a report came in and what it said, not who sent it.
        let files: Vec<_> = view.files.iter().map(|f| f.sha256).collect();
        let leaf = json!({
            "kind": "report", "receipt": view.receipt, "at": view.received_at, "what": view.what,
            "when": view.when_text, "where": view.where_seen, "risk": view.risk, "files": files,
        });
        index.documents.push(PutDocument {
            collection: REPORTS,
            id: view.receipt.to_string(),
            expect_version: None,
            json: serde_json::to_string(view)?,
            at: view.received_at,
        });
        index.outbox = pages?;
        index.leaves.push(serde_json::to_vec(&leaf)?);
        Ok(index)
    }

    /// Names the files that no document names yet.
    fn upload_documents(&self, files: &[KeptFile]) -> Result<Vec<PutDocument>, DeskError> {
        let mut out: Vec<PutDocument> = Vec::new();
        for file in files {
            let id = file.attachment.sha256.to_string();
            if out.iter().any(|d| d.id == id) || self.store().document(UPLOADS, &id)?.is_some() {
                continue;
            }
            out.push(PutDocument {
                collection: UPLOADS,
                id,
                expect_version: None,
                json: json!({ "size_bytes": file.attachment.size_bytes }).to_string(),
                at: file.attachment.received_at,
            });
        }
        Ok(out)
    }

    /// Lead, deputy and members of the leading group: whoever is reached first sees it.
    fn leaders(&self) -> Vec<model::PositionId> {
        let plan = self.plan();
        let Some(group) = plan.group(&GroupId::new("leading")) else {
            return Vec::new();
        };
        group.everyone().into_iter().cloned().collect()
    }

    /// Where received files are kept.
    pub fn uploads(&self) -> &Uploads {
        &self.inner.reports.uploads
    }

    /// The report of a receipt as its holder typed it. A wrong number takes the same way as an
    /// unknown one, so that neither words nor time tell them apart.
    pub fn report_by_receipt(&self, typed: &str) -> Option<ReportView> {
        let name = match receipt::read(typed) {
            Typed::Receipt(receipt) => receipt::name(&self.inner.reports.receipt_key, &receipt),
            Typed::Old(name) => name,
            Typed::No => ReceiptNo::new("-"),
        };
        self.report_named(&name).ok()?
    }

    /// The report of a name, as staff know it.
    pub fn report_named(&self, name: &ReceiptNo) -> Result<Option<ReportView>, DeskError> {
        let found = self.store().document(REPORTS, name.as_str())?;
        Ok(found.map(|d| serde_json::from_str(&d.json)).transpose()?)
    }

    /// Newest first.
    pub fn reports(&self, limit: u32) -> Vec<ReportView> {
        let found = self.store().documents(REPORTS, limit).unwrap_or_default();
        found
            .iter()
            .filter_map(|d| serde_json::from_str(&d.json).ok())
            .collect()
    }
}

/// The report before it has its name.
fn view(report: &NewReport, paged: usize, now: Instant) -> ReportView {
    let via = match &report.via {
        Via::Api { .. } if report.anonymous => Via::Api { account: None },
        via => via.clone(),
    };
    ReportView {
        receipt: ReceiptNo::new("-"),
        received_at: now,
        what: report.what.trim().to_owned(),
        when_text: report.when_text.trim().to_owned(),
        where_seen: report.where_seen.trim().to_owned(),
        risk: report.risk,
        contact: match report.anonymous {
            true => String::new(),
            false => report.contact.trim().to_owned(),
        },
        state: ReportState::Received,
        paged: u32::try_from(paged).unwrap_or(u32::MAX),
        when: report.when,
        anonymous: report.anonymous,
        via,
        lang: Some(report.lang),
        files: report.files.iter().map(|f| f.attachment.clone()).collect(),
        talk: Vec::new(),
        decided: Vec::new(),
        concerns: report.concerns.trim().to_owned(),
        access: incident::access::Access::default(),
    }
}

/// Everything that makes one report another one. `files`: with how many it came.
fn said(view: &ReportView, files: usize) -> Vec<u8> {
    let files: Vec<Digest> = view.files.iter().take(files).map(|f| f.sha256).collect();
    let parts = json!([
        view.what,
        view.when,
        view.when_text,
        view.where_seen,
        view.risk,
        files,
        view.concerns,
    ]);
    parts.to_string().into_bytes()
}

/// Refuses what is empty or too long, in words that say what to do.
fn check(report: &NewReport) -> Result<(), DeskError> {
    let what = report.what.trim();
    if what.is_empty() || what.chars().count() > MAX_TEXT {
        return Err(DeskError::Refused(
            Told::new("say-what").with("most", MAX_TEXT),
        ));
    }
    if [
        &report.when_text,
        &report.where_seen,
        &report.contact,
        &report.concerns,
    ]
    .iter()
    .any(|t| t.chars().count() > MAX_LINE)
    {
        return Err(DeskError::Refused(
            Told::new("line-too-long").with("most", MAX_LINE),
        ));
    }
    if report.files.len() > MAX_FILES {
        return Err(DeskError::Refused(
            Told::new("too-many-files").with("most", MAX_FILES),
        ));
    }
    Ok(())
}
