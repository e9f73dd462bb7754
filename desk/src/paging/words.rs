//! What a message says: in the receiver's language, and in a group of a chat tool no more than
//! who is meant, the code name and where to look.
//!
//! Deliberately not here: to whom and when (`engine`), and each provider's form (room `connect`).

use super::engine::Send;
use super::page::{Paged, Receiver};
use crate::Desk;
use connect::notify::{ChannelKind, Message};
use model::{AccountId, Instant, ReceiptNo};
use plan::Lang;
use serde::{Deserialize, Serialize};

/// What an outbox row of kind `test` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TestCall {
    pub test_of: AccountId,
}

/// Subject and body of a page for one receiver, without the ways to answer.
pub(crate) type Said = (String, String);

/// The message to hand over. `said` gives the words of one page in a language.
pub(crate) fn message(
    desk: &Desk,
    send: &Send,
    kind: ChannelKind,
    parts: &[(Paged, Receiver)],
    said: &dyn Fn(&Paged, Lang) -> Said,
) -> Message {
    let exercise = parts.iter().any(|(page, _)| page.exercise);
    let (subject, body, link) = match parts {
        [(page, receiver)] => one(desk, kind, page, receiver, said),
        several => bundle(desk, kind, several, said),
    };
    Message {
        id: send.id.clone(),
        to: send.to.clone(),
        subject,
        body,
        link,
        possible_duplicate: send.possible_duplicate,
        exercise,
    }
}

fn one(
    desk: &Desk,
    kind: ChannelKind,
    page: &Paged,
    receiver: &Receiver,
    said: &dyn Fn(&Paged, Lang) -> Said,
) -> (String, String, Option<String>) {
    let (subject, body) = said(page, receiver.lang);
    if kind.is_robot() {
        return in_a_group(desk, &subject, std::slice::from_ref(receiver));
    }
    let body = format!("{body}{}", code_line(desk, page, receiver));
    (subject, body, link(desk, page, receiver))
}

/// Several pages to one receiver in one message that names them all.
fn bundle(
    desk: &Desk,
    kind: ChannelKind,
    parts: &[(Paged, Receiver)],
    said: &dyn Fn(&Paged, Lang) -> Said,
) -> (String, String, Option<String>) {
    let lang = parts[0].1.lang;
    let words = document::words(lang);
    let count = [("n", parts.len().into())];
    let subject = words.with("call-out-message-bundle", &count);
    if kind.is_robot() {
        let people: Vec<Receiver> = parts.iter().map(|(_, r)| r.clone()).collect();
        return in_a_group(desk, &subject, &people);
    }
    let mut body = String::new();
    for (page, receiver) in parts {
        let (title, text) = said(page, lang);
        let code = code_line(desk, page, receiver);
        body.push_str(&format!("{title}\n{text}{code}\n\n"));
    }
    (
        subject,
        body.trim_end().to_owned(),
        Some(desk.outside("/call-out")),
    )
}

/// Everybody in the group reads it, so it holds nothing to answer with; and, where the operator
/// did not ask for more, not even what it is about or for whom.
fn in_a_group(desk: &Desk, subject: &str, people: &[Receiver]) -> (String, String, Option<String>) {
    let link = Some(desk.outside("/call-out"));
    if !desk.config().messages.details {
        let words = document::words(people.first().map_or(Lang::Zh, |r| r.lang));
        let subject = words.text("call-out-message-bare").into_owned();
        return (subject, String::new(), link);
    }
    let mut names: Vec<&str> = people.iter().map(|r| r.name.as_str()).collect();
    names.dedup();
    let words = document::words(people.first().map_or(Lang::Zh, |r| r.lang));
    let names = names.join(&words.text("common-list-comma"));
    (subject.to_owned(), names, link)
}

/// The code to read out, where somebody can answer.
fn code_line(desk: &Desk, page: &Paged, receiver: &Receiver) -> String {
    let Some(who) = &receiver.account else {
        return String::new();
    };
    let code = desk.answer_code(&page.id, who);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let line =
        document::words(receiver.lang).with("call-out-message-code", &[("code", spaced.into())]);
    format!("\n{line}")
}

fn link(desk: &Desk, page: &Paged, receiver: &Receiver) -> Option<String> {
    let who = receiver.account.as_ref()?;
    let token = desk.answer_token(&page.id, who, page.due_at);
    Some(desk.outside(&format!("/answer/{token}")))
}

pub(crate) fn report_words(receipt: &ReceiptNo, lang: Lang) -> Said {
    let words = document::words(lang);
    let values = [("receipt", receipt.as_str().into())];
    (
        words.with("page-report-subject", &values),
        words.with("page-report-body", &values),
    )
}

pub(crate) fn test_words(at: Instant, lang: Lang) -> Said {
    let words = document::words(lang);
    let values = [("at", at.in_zone("Asia/Shanghai").into())];
    (
        words.text("call-out-test-subject").into_owned(),
        words.with("call-out-test-body", &values),
    )
}
