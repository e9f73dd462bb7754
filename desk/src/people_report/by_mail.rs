//! Reports that come by mail: what is taken from the letter, and the receipt that goes back.
//!
//! The receipt is the sender's secret and is kept nowhere: the outbox names the report and the
//! request, from which it is made again when it is sent. Deliberately not here: reading a mail
//! (`connect::letter`), and how many are heard from one sender (room `web`).

use super::receipt::{self, Typed};
use super::{KeptFile, MAX_FILES_AT_ONCE, MAX_LINE, More, NewReport, ReportView, Uploads, Via};
use crate::{Desk, DeskError, Told};
use connect::letter::Letter;
use connect::notify::{Channel, ChannelKind, Message, SendError};
use model::{Digest, OutboxId, ReceiptNo, RequestId};
use plan::Lang;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{NewOutbox, OutboxRow};

/// Kind of the outbox rows that bring a receipt to who reported by mail.
pub(crate) const RECEIPT: &str = "report-receipt";
/// Characters of a letter that become the report; the original is kept as a file.
const MAX_WHAT: usize = 4_000;
/// After so many tries over more than a day a receipt is given up: the report stands without it.
const MOST_TRIES: u32 = 30;

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByMail {
    Reported {
        report: ReceiptNo,
        paged: u32,
        /// A receipt goes back to the sender.
        answered: bool,
    },
    /// It named a receipt in its subject and was added to that report.
    Added { report: ReceiptNo },
    /// An automatic answer, or our own mail come back: nobody reports by it.
    Ignored,
}

/// What a row of the outbox holds.
#[derive(Debug, Serialize, Deserialize)]
struct ReceiptMail {
    report: ReceiptNo,
    request: RequestId,
    /// Files that the report had when it came; more may have been added since.
    files: usize,
}

impl Desk {
    /// Takes a letter whose bytes are `original`. `crowded`: more come than can be heard one by
    /// one. `answer`: the sender may be sent a receipt. The same bytes are one report.
    pub fn report_by_mail(
        &self,
        letter: &Letter,
        original: &[u8],
        crowded: bool,
        answer: bool,
    ) -> Result<ByMail, DeskError> {
        if letter.writer == connect::letter::Writer::Answer || self.is_own(&letter.from) {
            return Ok(ByMail::Ignored);
        }
        let (files, left_out) = self.files_of(letter, original);
        let request = RequestId::new(format!("mail-{}", Digest::of(original)));
        let text = what(letter, left_out);
        if let Some((typed, report)) = self.named_in(&letter.subject) {
            let more = More {
                text,
                files,
                request,
            };
            self.add_to_report(&typed, more)?;
            return Ok(ByMail::Added { report });
        }
        let contact = letter.from.chars().take(MAX_LINE).collect();
        let answered = answer && letter.may_be_answered() && self.mail_channel().is_some();
        let received = self.report(NewReport {
            contact,
            files,
            via: Via::Mail,
            crowded,
            receipt_by_mail: answered,
            ..NewReport::new(text, language(letter), request)
        })?;
        Ok(ByMail::Reported {
            report: received.report,
            paged: received.paged,
            answered,
        })
    }

    /// The original first: it is the evidence. What does not fit or cannot be kept is left out,
    /// and the report says so.
    fn files_of(&self, letter: &Letter, original: &[u8]) -> (Vec<KeptFile>, bool) {
        let uploads: &Uploads = self.uploads();
        let now = self.now();
        let attached = letter
            .attached
            .iter()
            .map(|a| (a.name.as_str(), &a.bytes[..]));
        let named = std::iter::once(("message.eml", original)).chain(attached);
        let mut files = Vec::new();
        let mut left_out = letter.attachments > letter.attached.len();
        for (name, bytes) in named.take(MAX_FILES_AT_ONCE).filter(|(_, b)| !b.is_empty()) {
            match uploads.keep(name, bytes, now) {
                Ok(file) => files.push(file),
                Err(error) => {
                    tracing::warn!(%error, "a file of a reported mail is not kept");
                    left_out = true;
                }
            }
        }
        (files, left_out)
    }

    /// The receipt that somebody wrote into a subject, with the name of its report.
    fn named_in(&self, subject: &str) -> Option<(String, ReceiptNo)> {
        let words = subject.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let typed = words.filter(|w| matches!(receipt::read(w), Typed::Receipt(_)));
        typed.take(3).find_map(|typed| {
            let found = self.report_by_receipt(typed)?;
            Some((typed.to_owned(), found.receipt))
        })
    }

    /// Our own letters that came back must not become reports.
    fn is_own(&self, from: &str) -> bool {
        let channels = self.config().channel.iter();
        let senders = channels.filter_map(|c| connect::notify::mail::sender(c.from.as_deref()?));
        let mut addresses = senders.map(|s| s.email.to_string());
        addresses.any(|own| own.eq_ignore_ascii_case(from))
    }

    fn mail_channel(&self) -> Option<&Arc<dyn Channel>> {
        let mut channels = self.channels().iter();
        channels.find(|c| c.kind() == ChannelKind::Mail)
    }

    /// Sends the receipt of a row. What will never be taken is given up: the report stands.
    pub(crate) fn send_receipt(&self, row: &OutboxRow) -> Result<(), DeskError> {
        let wanted: ReceiptMail = serde_json::from_str(&row.json)?;
        let (Some(channel), Some(view)) = (self.mail_channel(), self.report_named(&wanted.report)?)
        else {
            return Ok(());
        };
        let key = &self.inner.reports.receipt_key;
        let said = super::said(&view, wanted.files);
        let receipt = receipt::issue(key, wanted.request.as_str(), &said);
        let message = self.receipt_message(row, &view, receipt.as_str());
        match channel.send(&message, self.now()) {
            Ok(_) => Ok(()),
            Err(SendError::Again { why, .. }) if row.attempts < MOST_TRIES => Err(
                DeskError::Refused(Told::new("receipt-not-taken").with("why", why)),
            ),
            Err(error) => {
                tracing::warn!(id = %row.id, %error, "a receipt is given up; its report stands");
                Ok(())
            }
        }
    }

    fn receipt_message(&self, row: &OutboxRow, view: &ReportView, receipt: &str) -> Message {
        let words = document::words(view.lang.unwrap_or(self.config().web.language));
        let link = self.outside(&format!("/report/receipt?no={receipt}"));
        let values = [("receipt", receipt.into())];
        Message {
            id: row.id.clone(),
            to: view.contact.clone(),
            subject: words.with("mail-receipt-subject", &values),
            body: words.with("mail-receipt-body", &values),
            link: Some(link),
            possible_duplicate: row.attempts > 0,
            exercise: false,
        }
    }
}

/// The row that brings the receipt of a report.
pub(super) fn receipt_row(
    view: &ReportView,
    request: &RequestId,
) -> Result<NewOutbox, serde_json::Error> {
    let wanted = ReceiptMail {
        report: view.receipt.clone(),
        request: request.clone(),
        files: view.files.len(),
    };
    Ok(NewOutbox {
        id: OutboxId::new(format!("{}-receipt", view.receipt)),
        incident: None,
        channel: "mail".into(),
        kind: RECEIPT.into(),
        due_at: view.received_at,
        json: serde_json::to_string(&wanted)?,
    })
}

/// Subject and text, with what the reader must know of what is missing.
fn what(letter: &Letter, left_out: bool) -> String {
    let words = document::words(language(letter));
    let mut notes = String::new();
    let whole = format!("{}\n\n{}", letter.subject, letter.text);
    let whole = whole.trim();
    let shown: String = whole.chars().take(MAX_WHAT).collect();
    if letter.cut || shown.len() < whole.len() {
        notes.push_str(&format!("\n[{}]", words.text("mail-text-cut")));
    }
    if left_out {
        notes.push_str(&format!("\n[{}]", words.text("mail-files-left-out")));
    }
    if shown.is_empty() {
        return format!("[{}]{notes}", words.text("mail-no-text"));
    }
    shown + &notes
}

/// Chinese where the letter has a Chinese character, else English.
fn language(letter: &Letter) -> Lang {
    let chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    match letter.subject.contains(chinese) || letter.text.contains(chinese) {
        true => Lang::Zh,
        false => Lang::En,
    }
}
