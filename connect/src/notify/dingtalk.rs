//! DingTalk's custom robot of a group (钉钉自定义机器人).
//!
//! Deliberately not here: cards and buttons; a text reaches every client, and the link is enough.

use super::post::{Post, accepted, json_of, said};
use super::{
    Channel, ChannelKind, Handed, Limit, Message, Mobile, SecretFile, SendError, sign, text,
};
use model::Instant;
use serde_json::{Value, json};

/// More in a minute and the robot is shut out for ten.
pub const LIMIT: Limit = Limit {
    messages: 20,
    per_s: 60,
};
/// The provider takes 20,000 bytes of JSON; quotes and line breaks take two each.
const MAX_TEXT_BYTES: usize = 9_000;

pub struct DingTalk {
    pub post: Post,
    /// Begins with `SEC`; absent where the robot is kept by keywords or addresses.
    pub secret: Option<SecretFile>,
}

impl Channel for DingTalk {
    fn name(&self) -> &str {
        &self.post.name
    }
    fn kind(&self) -> ChannelKind {
        ChannelKind::DingTalk
    }
    fn limit(&self) -> Limit {
        self.post.limit
    }
    fn send(&self, message: &Message, now: Instant) -> Result<Handed, SendError> {
        let mut target = self.post.target()?;
        if let Some(secret) = &self.secret {
            let secret = secret.for_sending()?;
            let timestamp = (now.0 / 1_000).to_string();
            let sign = signature(&timestamp, secret.reveal());
            target = target.with_query(&[("timestamp", &timestamp), ("sign", &sign)]);
        }
        let answer = self.post.json(&target, &body(message)?)?;
        accepted(&answer)?;
        taken(&json_of(&answer)?)
    }
}

/// The secret is both the key and the second line of what is signed; milliseconds.
fn signed(timestamp_ms: &str, secret: &str) -> String {
    format!("{timestamp_ms}\n{secret}")
}

pub(super) fn signature(timestamp_ms: &str, secret: &str) -> String {
    let signed = signed(timestamp_ms, secret);
    sign::base64(&sign::hmac(secret.as_bytes(), signed.as_bytes()))
}

/// Whether DingTalk signed so: what a robot hears is signed with its app's secret in the same way.
pub(super) fn signed_by(timestamp_ms: &str, secret: &str, sign: &str) -> bool {
    let signed = signed(timestamp_ms, secret);
    sign::verifies(secret.as_bytes(), signed.as_bytes(), sign)
}

fn body(message: &Message) -> Result<Value, SendError> {
    let (mut mobiles, mut users, mut call) = (Vec::new(), Vec::new(), String::new());
    if !message.to.is_empty() {
        // The mark in the text and the entry in the list ring somebody only together.
        match Mobile::of(&message.to) {
            Mobile::Number(number) => {
                call = format!("@{number} ");
                mobiles.push(number);
            }
            Mobile::User(user) => {
                call = format!("@{user} ");
                users.push(user);
            }
            Mobile::Neither => return Err(Mobile::refused()),
        }
    }
    let content = text::whole(message, MAX_TEXT_BYTES - call.len(), text::harmless);
    Ok(json!({
        "msgtype": "text",
        "text": { "content": format!("{content}\n{call}").trim_end() },
        "at": { "atMobiles": mobiles, "atUserIds": users, "isAtAll": false },
    }))
}

fn taken(answer: &Value) -> Result<Handed, SendError> {
    let code = answer["errcode"].as_i64();
    let words = answer["errmsg"].as_str().unwrap_or_default();
    let why = || said(&format!("errcode {}", code.unwrap_or(-1)), words);
    match code {
        Some(0) => Ok(Handed {
            provider_id: None,
            delivered: false,
        }),
        // Throttled: for ten minutes nothing is taken.
        Some(130101 | 410100) => Err(SendError::Again {
            after_s: Some(600),
            why: why(),
        }),
        // Unknown or stopped robot, dissolved group, wrong signature, keyword or address.
        Some(300001 | 310000 | 400013 | 400101 | 400102 | 400106) => {
            Err(SendError::Broken { why: why() })
        }
        // What it does not want to show.
        Some(40035 | 430101..=430104) => Err(SendError::Never { why: why() }),
        _ => Err(SendError::Again {
            after_s: None,
            why: why(),
        }),
    }
}
