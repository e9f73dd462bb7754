//! Short messages through a gateway over HTTP: any by a template, two large ones by preset.
//!
//! A text has no link in it: providers refuse it, and people should not learn to follow one.
//! Deliberately not here: voice calls.

mod aliyun;
mod template;
mod tencent;

pub use aliyun::Aliyun;
pub use template::{Body, Escaping, Template};
pub use tencent::Tencent;

use super::post::{Post, accepted, json_of, said};
use super::{Channel, ChannelKind, Handed, Limit, Message, SecretFile, SendError, text};
use crate::outbound::{Answer, Method};
use model::Instant;
use std::collections::BTreeMap;

/// Providers allow one number about one a second; a gateway takes more.
pub const LIMIT: Limit = Limit {
    messages: 10,
    per_s: 1,
};
/// About 200 Chinese characters: three parts of 67.
pub const MAX_TEXT_BYTES: usize = 600;

pub struct Sms {
    pub post: Post,
    pub gateway: Gateway,
    /// At most so many bytes of text.
    pub max_text_bytes: usize,
}

pub enum Gateway {
    Http(HttpGateway),
    Aliyun(Aliyun),
    Tencent(Tencent),
}

/// Any gateway that takes one request for one message.
pub struct HttpGateway {
    pub method: Method,
    pub headers: Vec<(String, Template)>,
    pub body: Body,
    /// What `${secret}` stands for.
    pub secret: Option<SecretFile>,
    pub success: Success,
}

/// When the gateway has taken the message, beyond a status of 2xx.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Success {
    /// A JSON pointer (RFC 6901) into the answer, and the text that must stand there.
    pub json: Option<(String, String)>,
}

impl Channel for Sms {
    fn name(&self) -> &str {
        &self.post.name
    }
    fn kind(&self) -> ChannelKind {
        ChannelKind::Sms
    }
    fn limit(&self) -> Limit {
        self.post.limit
    }
    fn send(&self, message: &Message, now: Instant) -> Result<Handed, SendError> {
        let digits = message.to.strip_prefix('+').unwrap_or(&message.to);
        if !(5..=15).contains(&digits.len()) || !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(SendError::Never {
                why: "the address is no phone number such as +8613800138000".into(),
            });
        }
        let text = plain_text(message, self.max_text_bytes);
        match &self.gateway {
            Gateway::Http(gateway) => gateway.send(&self.post, message, &text),
            Gateway::Aliyun(aliyun) => aliyun.send(&self.post, message, &text, now),
            Gateway::Tencent(tencent) => tencent.send(&self.post, message, &text, now),
        }
    }
}

/// On one line, without links, marks first.
fn plain_text(message: &Message, most: usize) -> String {
    let body = text::without_links(&text::tidy(&message.body));
    let subject = text::without_links(&text::subject(message));
    let text = text::one_line(&format!("{subject} {body}"));
    text::cut(&text, most, text::as_it_is)
}

impl HttpGateway {
    fn send(&self, post: &Post, message: &Message, text: &str) -> Result<Handed, SendError> {
        let secret = self.secret.as_ref().map(SecretFile::for_sending);
        let secret = secret.transpose()?;
        let values = BTreeMap::from([
            ("to", message.to.as_str()),
            ("text", text),
            ("id", message.id.as_str()),
            ("secret", secret.as_ref().map_or("", |s| s.reveal())),
        ]);
        let mut headers: Vec<_> = vec![("content-type".into(), self.body.content_type().into())];
        for (name, value) in &self.headers {
            headers.push((name.clone(), value.fill(&values, Escaping::Header)));
        }
        let body = self.body.fill(&values).into_bytes();
        let answer = post.send(self.method, &post.target()?, headers, body)?;
        self.success.judge(&answer)
    }
}

impl Success {
    fn judge(&self, answer: &Answer) -> Result<Handed, SendError> {
        accepted(answer)?;
        let taken = Ok(Handed {
            provider_id: None,
            delivered: false,
        });
        let Some((pointer, expected)) = &self.json else {
            return taken;
        };
        let answer = json_of(answer)?;
        let found = match answer.pointer(pointer) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        if found == *expected {
            return taken;
        }
        Err(SendError::Again {
            after_s: None,
            why: said(pointer, &found),
        })
    }
}
