//! WeCom's robot of a group (企业微信群机器人). The URL is the secret; there is no signature.

use super::post::{Post, accepted, json_of, said};
use super::{Channel, ChannelKind, Handed, Limit, Message, Mobile, SendError, text};
use model::Instant;
use serde_json::{Value, json};

pub const LIMIT: Limit = Limit {
    messages: 20,
    per_s: 60,
};
/// Of a text's content, by the provider's document 91770.
pub const MAX_TEXT_BYTES: usize = 2_048;

pub struct WeCom {
    pub post: Post,
}

impl Channel for WeCom {
    fn name(&self) -> &str {
        &self.post.name
    }
    fn kind(&self) -> ChannelKind {
        ChannelKind::WeCom
    }
    fn limit(&self) -> Limit {
        self.post.limit
    }
    fn send(&self, message: &Message, _: Instant) -> Result<Handed, SendError> {
        let answer = self.post.json(&self.post.target()?, &body(message)?)?;
        accepted(&answer)?;
        taken(&json_of(&answer)?)
    }
}

fn body(message: &Message) -> Result<Value, SendError> {
    let (mut mobiles, mut users) = (Vec::new(), Vec::new());
    if !message.to.is_empty() {
        match Mobile::of(&message.to) {
            Mobile::Number(number) => mobiles.push(number),
            Mobile::User(user) => users.push(user),
            Mobile::Neither => return Err(Mobile::refused()),
        }
    }
    let content = text::whole(message, MAX_TEXT_BYTES, text::harmless);
    Ok(json!({
        "msgtype": "text",
        "text": {
            "content": content,
            "mentioned_list": users,
            "mentioned_mobile_list": mobiles,
        },
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
        Some(45009) => Err(SendError::Again {
            after_s: Some(60),
            why: why(),
        }),
        Some(93000 | 93008 | 40001 | 40014) => Err(SendError::Broken { why: why() }),
        Some(40008 | 40058 | 44004 | 45002) => Err(SendError::Never { why: why() }),
        _ => Err(SendError::Again {
            after_s: None,
            why: why(),
        }),
    }
}
