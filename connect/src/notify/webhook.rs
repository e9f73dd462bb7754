//! A generic webhook by Standard Webhooks 1.0.0: a signed JSON body that any receiver can check.
//!
//! Deliberately not here: when a failed call is tried again (the outbox knows).

use super::post::{Post, accepted};
use super::{
    Channel, ChannelKind, Handed, Limit, Message, Secret, SecretFile, SendError, sign, text,
};
use crate::outbound::{Answer, Method, Outbound, OutboundError, Request, Target};
use model::Instant;
use serde_json::{Value, json};

pub const LIMIT: Limit = Limit {
    messages: 10,
    per_s: 1,
};
/// Of a body, by the standard's advice.
pub const MAX_BODY_BYTES: usize = 20 * 1_024;
/// Of the text in it; JSON may double quotes and line breaks.
const MAX_TEXT_BYTES: usize = 8_000;
/// Lengths of a key that the standard allows.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

pub struct Webhook {
    pub post: Post,
    /// `whsec_` and base64 of 24 to 64 bytes.
    pub secret: SecretFile,
}

impl Webhook {
    /// Sends one signed event. `id` stays the same over all tries.
    pub fn event(
        &self,
        id: &str,
        kind: &str,
        at: Instant,
        data: &Value,
        now: Instant,
    ) -> Result<Handed, SendError> {
        let body = json!({ "type": kind, "timestamp": at, "data": data }).to_string();
        if body.len() >= MAX_BODY_BYTES {
            return Err(SendError::Never {
                why: format!("the event has {} bytes; 20 KB are the most", body.len()),
            });
        }
        let key = key(&self.secret.for_sending()?).map_err(|why| SendError::Broken {
            why: format!("the secret file {} {why}", self.secret.path().display()),
        })?;
        let headers = headers(&[key], id, &body, now);
        let target = self.post.target()?;
        let answer = (self.post).send(Method::Post, &target, headers, body.into_bytes())?;
        // The receiver says that it is gone for good: no more is sent.
        if answer.status == 410 {
            return Err(SendError::Broken {
                why: "the receiver answered 410: it wants no more".into(),
            });
        }
        accepted(&answer)?;
        Ok(Handed {
            provider_id: None,
            delivered: false,
        })
    }
}

impl Channel for Webhook {
    fn name(&self) -> &str {
        &self.post.name
    }
    fn kind(&self) -> ChannelKind {
        ChannelKind::Webhook
    }
    fn limit(&self) -> Limit {
        self.post.limit
    }
    fn send(&self, message: &Message, now: Instant) -> Result<Handed, SendError> {
        let data = json!({
            "to": message.to,
            "subject": text::cut(&text::subject(message), 1_000, text::as_it_is),
            "body": text::cut(&text::tidy(&message.body), MAX_TEXT_BYTES, text::as_it_is),
            "link": message.link,
            "exercise": message.exercise,
            "possible_duplicate": message.possible_duplicate,
        });
        let at = now;
        self.event(message.id.as_str(), "message.sent", at, &data, now)
    }
}

/// Posts a body that was made before, signed with each of the keys: while a secret is exchanged
/// there are two. `id` and `body` stay the same over all tries; the timestamp is that of the try.
/// What the answer's status means is the caller's to say.
pub fn deliver(
    outbound: &Outbound,
    target: &Target,
    keys: &[Vec<u8>],
    id: &str,
    body: &str,
    now: Instant,
) -> Result<Answer, OutboundError> {
    outbound.send(Request {
        method: Method::Post,
        target,
        headers: headers(keys, id, body, now),
        body: body.as_bytes().to_vec(),
    })
}

fn headers(keys: &[Vec<u8>], id: &str, body: &str, now: Instant) -> Vec<(String, String)> {
    let seconds = now.0.div_euclid(1_000_000);
    let signatures: Vec<_> = keys
        .iter()
        .map(|key| signature(key, id, seconds, body))
        .collect();
    let header = |name: &str, value: String| (name.to_owned(), value);
    vec![
        header("content-type", "application/json".into()),
        header("webhook-id", id.into()),
        header("webhook-timestamp", seconds.to_string()),
        header("webhook-signature", signatures.join(" ")),
    ]
}

/// The bytes behind a `whsec_` text; the error goes on from the name of the file.
pub fn key(secret: &Secret) -> Result<Vec<u8>, &'static str> {
    use base64::Engine as _;
    let Some(encoded) = secret.reveal().strip_prefix("whsec_") else {
        return Err("must begin with whsec_");
    };
    let key = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .map_err(|_| "must hold base64 after whsec_")?;
    if KEY_BYTES.contains(&key.len()) {
        Ok(key)
    } else {
        Err("must hold 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)")
    }
}

fn signature(key: &[u8], id: &str, seconds: i64, body: &str) -> String {
    let signed = format!("{id}.{seconds}.{body}");
    format!("v1,{}", sign::base64(&sign::hmac(key, signed.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_outside_the_standard_are_refused() {
        let of = |text: &str| key(&Secret::new(text));
        assert_eq!(
            of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap().len(),
            24
        );
        assert!(of("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_err());
        assert!(of("whsec_AAAA").is_err() && of("whsec_not base64").is_err());
    }

    /// The worked example of the standard's reference documentation.
    #[test]
    fn the_standards_example_is_signed_as_it_says() {
        let key = key(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signed = signature(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
