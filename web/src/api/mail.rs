//! A mail posted by the mail server: `POST /api/v1/intake/mail`, the bytes as `message/rfc822`.
//!
//! Deliberately not here: what of a mail becomes the report (`desk::people_report::by_mail`).

use crate::flood::Heard;
use crate::narrate;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use desk::people_report::{ByMail, Letter, LetterError};
use serde_json::{Value, json};

pub(crate) fn take(visit: &Visit) -> Reply {
    let words = visit.words();
    let original = &visit.intake.original[..];
    let letter = match Letter::read(original) {
        Ok(letter) => letter,
        Err(error) => {
            let (status, key) = match error {
                LetterError::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "mail-too-large"),
                LetterError::NoMail => (StatusCode::UNPROCESSABLE_ENTITY, "mail-no-mail"),
                LetterError::TooManyParts => {
                    (StatusCode::UNPROCESSABLE_ENTITY, "mail-too-many-parts")
                }
            };
            return Reply::problem(status, "mail", &words.text(key), json!({}));
        }
    };
    let flood = &visit.app.flood;
    let now = visit.desk().now();
    let heard = flood.mail(&letter.from, now);
    if heard == Heard::Later {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let reply = Reply::problem(status, "report", &words.text("report-later"), json!({}));
        return reply.with_header(header::RETRY_AFTER, "60");
    }
    let answer = letter.may_be_answered() && flood.answer(&letter.from, now);
    let crowded = heard != Heard::AtOnce;
    match visit
        .desk()
        .report_by_mail(&letter, original, crowded, answer)
    {
        Ok(ByMail::Reported {
            report,
            paged,
            answered,
        }) => Reply::json(&json!({
            "outcome": "reported", "report": report, "positions_paged": paged,
            "receipt_sent": answered,
        })),
        Ok(ByMail::Added { report }) => {
            Reply::json(&json!({ "outcome": "added", "report": report }))
        }
        Ok(ByMail::Ignored) => Reply::json(&json!({ "outcome": "ignored" })),
        Err(error) => {
            tracing::error!(error = %crate::perform::chain(&error), "a mail was not stored");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let text = narrate::desk_error(words, &error);
            Reply::problem(status, "report", &text, json!({}))
                .with_header(header::RETRY_AFTER, "60")
        }
    }
}

pub(super) fn answer_schema() -> Value {
    json!({
        "type": "object",
        "required": ["outcome"],
        "properties": {
            "outcome": { "enum": ["reported", "added", "ignored"] },
            "report": { "type": "string" },
            "positions_paged": { "type": "integer" },
            "receipt_sent": { "type": "boolean" },
        },
    })
}
