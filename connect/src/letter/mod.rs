//! A mail as a stranger sent it (RFC 5322, MIME), read within bounds.
//!
//! Nothing that it says of itself is proof: whether the sender is who they say is for the mail
//! server to judge (SPF, DKIM). Deliberately not here: what becomes of it (room `desk`).

use lettre::Address;
use mail_parser::{Message, MessageParser, MimeHeaders as _, PartType};
use thiserror::Error;

/// Bytes of one mail as it travels; base64 makes files a third longer.
pub const MAX_BYTES: usize = 36 << 20;
/// Lines that may begin a part. A parser gives each part a place of its own, so that a mail of
/// nothing but separators would take a hundred times its size.
const MAX_SEPARATORS: usize = 2_000;
/// Lines of the head; a mail over many servers has some sixty.
const MAX_HEAD_LINES: usize = 4_000;
/// Attachments that are handed on; the original holds the rest.
pub const MAX_ATTACHED: usize = 4;
/// Characters of text that are handed on.
const MAX_TEXT_CHARS: usize = 20_000;
const MAX_SUBJECT_CHARS: usize = 400;

#[derive(Debug, PartialEq, Eq, Error)]
pub enum LetterError {
    #[error("a mail has at most {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    #[error("this is no mail: it needs the header lines of one (From, Date, Subject)")]
    NoMail,
    #[error(
        "the mail has too many parts or header lines to be read; send it with fewer attachments"
    )]
    TooManyParts,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    Person,
    /// A program or a list: it is heard, and gets no answer (RFC 3834, section 2).
    Program,
    /// An answer that a program gave by itself, or a message that came back: nobody reports by it.
    Answer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// `name@shop.example` as the mail says; empty where it names nobody.
    pub from: String,
    pub subject: String,
    /// Plain text; what was written in HTML alone is turned into text.
    pub text: String,
    /// The text goes on in the original.
    pub cut: bool,
    pub writer: Writer,
    /// At most [`MAX_ATTACHED`].
    pub attached: Vec<Attached>,
    /// All attachments that there are.
    pub attachments: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// As the sender calls it; may be empty, and is never a path.
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Letter {
    /// Reads the bytes of one mail.
    pub fn read(bytes: &[u8]) -> Result<Self, LetterError> {
        if bytes.len() > MAX_BYTES {
            return Err(LetterError::TooLarge);
        }
        if too_many_parts(bytes) {
            return Err(LetterError::TooManyParts);
        }
        let mail = MessageParser::default()
            .parse(bytes)
            // The parser may give a mail without any part, and then reads the first one all the same.
            .filter(|mail| !mail.parts.is_empty() && looks_like_mail(mail))
            .ok_or(LetterError::NoMail)?;
        let text = text_of(&mail);
        let mut chars = text.chars();
        let shown: String = chars.by_ref().take(MAX_TEXT_CHARS).collect();
        Ok(Self {
            from: from(&mail),
            subject: one_line(mail.subject().unwrap_or("")),
            cut: chars.next().is_some(),
            text: shown,
            writer: writer(&mail),
            attached: attached(&mail),
            attachments: mail.attachment_count(),
        })
    }

    /// Whether an answer may be sent to the address that it names: only to a person, and never to
    /// what is no mailbox of one.
    pub fn may_be_answered(&self) -> bool {
        let Ok(address) = self.from.parse::<Address>() else {
            return false;
        };
        let user = address.user().to_ascii_lowercase();
        let machine = ["mailer-daemon", "postmaster", "bounce", "owner-"]
            .iter()
            .any(|name| user.starts_with(name));
        let silent = ["noreply", "no-reply", "donotreply", "do-not-reply"]
            .iter()
            .any(|name| user.contains(name));
        self.writer == Writer::Person && !machine && !silent && !user.ends_with("-request")
    }
}

fn too_many_parts(bytes: &[u8]) -> bool {
    let separators = bytes.windows(3).filter(|w| *w == b"\n--").count();
    if separators > MAX_SEPARATORS {
        return true;
    }
    let head = bytes.windows(2).position(|w| w == b"\n\n");
    let head = head.or_else(|| bytes.windows(4).position(|w| w == b"\r\n\r\n"));
    let head = &bytes[..head.unwrap_or(bytes.len())];
    head.iter().filter(|b| **b == b'\n').count() > MAX_HEAD_LINES
}

fn looks_like_mail(mail: &Message<'_>) -> bool {
    ["From", "Date", "Subject", "Message-ID", "Received"]
        .into_iter()
        .any(|name| mail.header_raw(name).is_some())
}

fn from(mail: &Message<'_>) -> String {
    let first = mail.from().and_then(|from| from.first());
    let address = first.and_then(|a| a.address.as_deref()).unwrap_or("");
    address
        .parse::<Address>()
        .map_or_else(|_| String::new(), |a| a.to_string())
}

/// Every part that is meant to be read, in order.
fn text_of(mail: &Message<'_>) -> String {
    let mut out = String::new();
    for part in 0..mail.text_body_count() {
        if out.len() > MAX_TEXT_CHARS * 4 {
            break;
        }
        if let Some(text) = mail.body_text(part) {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            out.push_str(text.trim());
        }
    }
    out.replace("\r\n", "\n")
        .chars()
        .filter(|c| !c.is_control() || *c == '\n' || *c == '\t')
        .collect()
}

fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let plain: String = plain.take(MAX_SUBJECT_CHARS).collect();
    plain.trim().to_owned()
}

fn writer(mail: &Message<'_>) -> Writer {
    let raw = |name: &'static str| {
        let value = mail.header_raw(name).unwrap_or("");
        value.trim().to_ascii_lowercase()
    };
    let auto = raw("Auto-Submitted");
    if auto.starts_with("auto-replied") || mail.is_content_type("multipart", "report") {
        return Writer::Answer;
    }
    let listed = !raw("List-Id").is_empty();
    let bulk = ["bulk", "junk", "list"].contains(&raw("Precedence").as_str());
    let automatic = !auto.is_empty() && !auto.starts_with("no");
    if listed || bulk || automatic || raw("Return-Path") == "<>" {
        return Writer::Program;
    }
    Writer::Person
}

fn attached(mail: &Message<'_>) -> Vec<Attached> {
    mail.attachments()
        .take(MAX_ATTACHED)
        .map(|part| {
            let name = part.attachment_name().unwrap_or("").to_owned();
            // A mail within the mail is handed on as it came.
            let bytes = match &part.body {
                PartType::Message(inner) if inner.parts.is_empty() => Vec::new(),
                PartType::Message(inner) => inner.raw_message().to_vec(),
                _ => part.contents().to_vec(),
            };
            Attached { name, bytes }
        })
        .collect()
}

#[cfg(test)]
mod tests;
