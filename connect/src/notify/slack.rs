//! Slack's incoming webhook. The URL is the secret; there is no signature.

use super::post::{Post, accepted, said};
use super::{Channel, ChannelKind, Handed, Limit, Message, Mobile, SendError, text};
use crate::outbound::Answer;
use model::Instant;
use serde_json::{Value, json};

pub const LIMIT: Limit = Limit {
    messages: 1,
    per_s: 1,
};
/// Longer texts are taken but split on the screen.
const MAX_TEXT_BYTES: usize = 4_000;

pub struct Slack {
    pub post: Post,
}

impl Channel for Slack {
    fn name(&self) -> &str {
        &self.post.name
    }
    fn kind(&self) -> ChannelKind {
        ChannelKind::Slack
    }
    fn limit(&self) -> Limit {
        self.post.limit
    }
    fn send(&self, message: &Message, _: Instant) -> Result<Handed, SendError> {
        taken(&self.post.json(&self.post.target()?, &body(message)?)?)
    }
}

fn body(message: &Message) -> Result<Value, SendError> {
    let call = match Mobile::of(&message.to) {
        _ if message.to.is_empty() => String::new(),
        Mobile::User(user) => format!("<@{user}> "),
        Mobile::Number(_) | Mobile::Neither => return Err(Mobile::refused()),
    };
    let content = text::whole(message, MAX_TEXT_BYTES - call.len(), text::slack);
    Ok(json!({
        "text": format!("{content}\n{call}").trim_end(),
        "mrkdwn": false,
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    }))
}

/// 200 with the body `ok`; anything else names its reason in a word.
fn taken(answer: &Answer) -> Result<Handed, SendError> {
    let word = String::from_utf8_lossy(&answer.body);
    let word = word.trim();
    let why = || said(&format!("status {}", answer.status), word);
    match (answer.status, word) {
        (200, "ok") => Ok(Handed {
            provider_id: None,
            delivered: false,
        }),
        (400, "user_not_found" | "invalid_payload" | "no_text") => {
            Err(SendError::Never { why: why() })
        }
        (400, "channel_not_found" | "no_active_hooks" | "no_service" | "no_team") => {
            Err(SendError::Broken { why: why() })
        }
        (200..=299, _) => Err(SendError::Again {
            after_s: None,
            why: "it answered with something else than ok; something stands in between".into(),
        }),
        _ => accepted(answer).and(Err(SendError::Never { why: why() })),
    }
}
