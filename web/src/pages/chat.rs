//! `POST /chat/{channel}`: DingTalk hands on what somebody says to our robot in a group.
//!
//! Deliberately not here: the signature (room `connect`) and whose words they are (room `desk`).

use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::StatusCode;
use desk::chat::{ChatError, FromChat};
use serde_json::json;

/// The answer stands in the chat, where everybody reads it: it names neither an incident nor why
/// words were not recorded.
pub(crate) fn hear(visit: &Visit) -> Reply {
    let header = |name: &str| {
        let value = visit.headers.get(name).and_then(|v| v.to_str().ok());
        value.unwrap_or_default()
    };
    let signed = (header("timestamp"), header("sign"));
    let channel = visit.params.get("channel");
    let key = match visit
        .desk()
        .hear_chat(channel, signed, &visit.intake.original)
    {
        Ok(FromChat::OnRecord) => "chat-on-record",
        Ok(FromChat::NotRecorded) => "chat-not-recorded",
        // Whoever cannot sign learns nothing, not even which channels there are.
        Err(error @ (ChatError::NoChannel | ChatError::NotHeard(_))) => {
            // The operator does: a wrong secret or clock looks like silence otherwise.
            tracing::warn!(%error, "a message of a chat is not taken");
            return told(visit, StatusCode::UNAUTHORIZED, "chat-unsigned");
        }
        Err(error @ ChatError::Desk(_)) => {
            tracing::error!(%error, "words of a chat were not put on the record");
            return told(visit, StatusCode::SERVICE_UNAVAILABLE, "chat-later");
        }
    };
    let text = visit.words().text(key);
    Reply::json(&json!({ "msgtype": "text", "text": { "content": text } }))
}

fn told(visit: &Visit, status: StatusCode, key: &str) -> Reply {
    Reply::problem(status, "chat", &visit.words().text(key), json!({}))
}
