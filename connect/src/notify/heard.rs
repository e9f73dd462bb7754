//! What somebody says to our robot in a chat, as the provider hands it on.
//!
//! DingTalk: <https://open.dingtalk.com/document/isvapp/receive-message>. The signature covers the
//! time alone, so a message's own id is what keeps it from being taken twice.

use super::{SecretFile, dingtalk};
use model::Instant;
use serde::Deserialize;

/// A message is refused when the provider's clock and ours are further apart (its own rule).
const MOST_APART_MS: i64 = 3_600_000;

/// Words of a chat whose signature is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The provider's name of the message; one message has one.
    pub id: String,
    /// The user id within the company; empty for somebody from outside.
    pub sender: String,
    /// As the chat shows them.
    pub shown_as: String,
    /// The group's title; empty in a talk with the robot alone.
    pub place: String,
    pub text: String,
    pub at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHeard {
    #[error("the secret of the chat's app cannot be read")]
    NoSecret,
    #[error("the signature is missing, false or too old")]
    Unsigned,
    #[error("this is no text message of a chat")]
    NoText,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    msg_id: String,
    #[serde(default)]
    sender_staff_id: String,
    #[serde(default)]
    sender_nick: String,
    #[serde(default)]
    conversation_title: String,
    text: Text,
    create_at: Millis,
}

#[derive(Deserialize)]
struct Text {
    content: String,
}

/// The documents say text, the provider sends a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Millis {
    Number(i64),
    Text(String),
}

/// Reads a message of DingTalk. `timestamp` (milliseconds) and `sign` are its headers.
pub fn from_dingtalk(
    secret: &SecretFile,
    (timestamp, sign): (&str, &str),
    body: &[u8],
    now: Instant,
) -> Result<Heard, NotHeard> {
    let secret = secret.read().map_err(|_| NotHeard::NoSecret)?;
    let sent_ms: i64 = timestamp.parse().map_err(|_| NotHeard::Unsigned)?;
    let apart = (now.0 / 1_000).saturating_sub(sent_ms).saturating_abs();
    if apart > MOST_APART_MS || !dingtalk::signed_by(timestamp, secret.reveal(), sign) {
        return Err(NotHeard::Unsigned);
    }
    let body: Body = serde_json::from_slice(body).map_err(|_| NotHeard::NoText)?;
    let at_ms = match body.create_at {
        Millis::Number(ms) => ms,
        Millis::Text(text) => text.parse().map_err(|_| NotHeard::NoText)?,
    };
    let text = body.text.content.trim();
    if text.is_empty() || body.msg_id.is_empty() {
        return Err(NotHeard::NoText);
    }
    // Said later than it came is a wrong clock.
    let at = Instant(at_ms.saturating_mul(1_000)).min(now);
    Ok(Heard {
        id: body.msg_id,
        sender: body.sender_staff_id,
        shown_as: body.sender_nick,
        place: body.conversation_title,
        text: text.to_owned(),
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_784_000_000_000_000);

    fn secret(folder: &tempfile::TempDir) -> SecretFile {
        let path = folder.path().join("app");
        std::fs::write(&path, "of-the-app\n").expect("written");
        SecretFile::new(path)
    }

    fn body(create_at: &str) -> String {
        format!(
            r#"{{"msgId":"m1","senderStaffId":"u1","senderNick":"Li","conversationTitle":"duty",
               "text":{{"content":" CN-7 refunds stopped "}},"msgtype":"text","createAt":{create_at}}}"#
        )
    }

    #[test]
    fn only_what_is_signed_with_the_secret_and_fresh_is_heard() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = secret(&folder);
        let at = |ms: i64| {
            let stamp = (NOW.0 / 1_000 + ms).to_string();
            let sign = dingtalk::signature(&stamp, "of-the-app");
            (stamp, sign)
        };
        let hear = |(stamp, sign): &(String, String), text: &str| {
            from_dingtalk(&file, (stamp, sign), text.as_bytes(), NOW)
        };
        let sent = (NOW.0 / 1_000 - 5_000).to_string();
        let heard = hear(&at(0), &body(&sent)).expect("heard");
        assert_eq!(
            (heard.text.as_str(), heard.sender.as_str()),
            ("CN-7 refunds stopped", "u1")
        );
        assert_eq!(heard.at, NOW.plus_s(-5));
        let quoted = hear(&at(0), &body(&format!("\"{sent}\"")));
        assert_eq!(quoted.expect("heard"), heard);
        let ahead = hear(&at(0), &body("9999999999999999")).expect("heard");
        assert_eq!(ahead.at, NOW);

        for ms in [-3_600_001, 3_600_001, i64::MIN / 2] {
            assert_eq!(hear(&at(ms), &body(&sent)), Err(NotHeard::Unsigned), "{ms}");
        }
        let other = (at(0).0, dingtalk::signature(&at(0).0, "another"));
        assert_eq!(hear(&other, &body(&sent)), Err(NotHeard::Unsigned));
        let none = (String::new(), String::new());
        assert_eq!(hear(&none, &body(&sent)), Err(NotHeard::Unsigned));
        for text in [
            "",
            "[]",
            r#"{"msgId":"m","text":{"content":" "},"createAt":1}"#,
        ] {
            assert_eq!(hear(&at(0), text), Err(NotHeard::NoText), "{text}");
        }
        let gone = SecretFile::new(folder.path().join("none"));
        let (stamp, sign) = at(0);
        let unread = from_dingtalk(&gone, (&stamp, &sign), body(&sent).as_bytes(), NOW);
        assert_eq!(unread, Err(NotHeard::NoSecret));
    }
}
