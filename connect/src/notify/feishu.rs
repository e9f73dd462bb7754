//! Feishu's and Lark's custom bot of a group (飞书自定义机器人).

use super::post::{Post, accepted, json_of, said};
use super::{
    Channel, ChannelKind, Handed, Limit, Message, Mobile, SecretFile, SendError, sign, text,
};
use model::Instant;
use serde_json::{Value, json};

/// The provider takes 5 in a second and 100 in a minute: five in any three seconds keep both.
pub const LIMIT: Limit = Limit {
    messages: 5,
    per_s: 3,
};
/// The provider takes 20 KB of JSON; quotes and line breaks take two bytes each.
const MAX_TEXT_BYTES: usize = 9_000;

pub struct Feishu {
    pub post: Post,
    pub secret: Option<SecretFile>,
}

impl Channel for Feishu {
    fn name(&self) -> &str {
        &self.post.name
    }
    fn kind(&self) -> ChannelKind {
        ChannelKind::Feishu
    }
    fn limit(&self) -> Limit {
        self.post.limit
    }
    fn send(&self, message: &Message, now: Instant) -> Result<Handed, SendError> {
        let mut body = body(message)?;
        if let Some(secret) = &self.secret {
            let timestamp = now.0.div_euclid(1_000_000).to_string();
            body["sign"] = signature(&timestamp, secret.for_sending()?.reveal()).into();
            body["timestamp"] = timestamp.into();
        }
        let answer = self.post.json(&self.post.target()?, &body)?;
        // Some refusals come with status 400 and say more in the body.
        match json_of(&answer) {
            Ok(json) if json["code"].as_i64().is_some_and(|code| code != 0) => taken(&json),
            read => {
                accepted(&answer)?;
                taken(&read?)
            }
        }
    }
}

/// The other way round than DingTalk's: time and secret are the key, the message is empty; seconds.
fn signature(timestamp_s: &str, secret: &str) -> String {
    let key = format!("{timestamp_s}\n{secret}");
    sign::base64(&sign::hmac(key.as_bytes(), b""))
}

fn body(message: &Message) -> Result<Value, SendError> {
    let call = match Mobile::of(&message.to) {
        _ if message.to.is_empty() => String::new(),
        Mobile::User(user) => format!("\n<at user_id=\"{user}\"></at>"),
        // It calls people by their open id alone.
        Mobile::Number(_) | Mobile::Neither => return Err(Mobile::refused()),
    };
    let content = text::whole(message, MAX_TEXT_BYTES - call.len(), text::harmless);
    Ok(json!({ "msg_type": "text", "content": { "text": format!("{content}{call}") } }))
}

fn taken(answer: &Value) -> Result<Handed, SendError> {
    // `StatusCode` is what older bots answer with.
    let code = answer["code"].as_i64().or(answer["StatusCode"].as_i64());
    let words = answer["msg"].as_str().unwrap_or_default();
    let why = || said(&format!("code {}", code.unwrap_or(-1)), words);
    match code {
        Some(0) => Ok(Handed {
            provider_id: None,
            delivered: false,
        }),
        Some(11232 | 11233 | 99991400) => Err(SendError::Again {
            after_s: Some(60),
            why: why(),
        }),
        // Unknown bot, wrong signature, address or keyword.
        Some(19001 | 19021 | 19022 | 19024) => Err(SendError::Broken { why: why() }),
        Some(9499 | 19002) => Err(SendError::Never { why: why() }),
        _ => Err(SendError::Again {
            after_s: None,
            why: why(),
        }),
    }
}
