//! Where a page of a list goes on: an opaque text, so that clients do not come to rely on it.
//!
//! It names the last item that was shown, and grants nothing: whoever makes one up gets an empty
//! or another page of what they may see anyway.

use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Items of one answer.
pub(super) const MAX_LIMIT: usize = 200;
const USUAL_LIMIT: usize = 50;
/// Longest name of an item.
const MAX_CURSOR_BYTES: usize = 512;

/// What of a list is asked for.
pub(super) struct Asked {
    pub limit: usize,
    /// The last item that was shown.
    pub after: Option<String>,
}

impl Asked {
    pub fn of(visit: &Visit) -> Result<Self, Reply> {
        let limit = match visit.query.given("limit") {
            None if visit.query.names("limit") => return Err(bad(visit, "limit")),
            None => USUAL_LIMIT,
            Some(text) => match text.parse() {
                Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => limit,
                _ => return Err(bad(visit, "limit")),
            },
        };
        let after = match visit.query.given("cursor") {
            None => None,
            Some(text) => Some(read(text).ok_or_else(|| bad(visit, "cursor"))?),
        };
        Ok(Self { limit, after })
    }
}

fn read(text: &str) -> Option<String> {
    if text.len() > MAX_CURSOR_BYTES {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    String::from_utf8(bytes).ok()
}

/// What comes after the item that was shown last; nothing where that is no longer there.
pub(super) fn behind<'a, T>(
    all: &'a [T],
    after: Option<&str>,
    name: impl Fn(&T) -> &str,
) -> &'a [T] {
    let Some(after) = after else {
        return all;
    };
    let last = all.iter().position(|item| name(item) == after);
    last.map_or(&[], |last| &all[last + 1..])
}

/// A parameter that cannot be read.
pub(super) fn bad(visit: &Visit, field: &str) -> Reply {
    let title = visit.words().text("api-bad-request").into_owned();
    let errors = json!({ "errors": [{ "pointer": format!("#/{field}") }] });
    Reply::problem(StatusCode::BAD_REQUEST, "bad-request", &title, errors)
}

/// One page of a list and, where there is more, the link to the next (RFC 8288).
pub(super) fn page(visit: &Visit, items: Vec<Value>, next: Option<&str>) -> Reply {
    page_with(visit, json!({ "items": items }), next)
}

/// The same, with more beside the items.
pub(super) fn page_with(visit: &Visit, mut body: Value, next: Option<&str>) -> Reply {
    let next = next.map(|last| BASE64_URL_SAFE_NO_PAD.encode(last));
    body["next"] = json!(next);
    let reply = Reply::json(&body);
    let Some(next) = next else {
        return reply;
    };
    let kept = visit.query.0.iter().filter(|(name, _)| name != "cursor");
    let kept: String = kept
        .map(|(name, value)| {
            let encoded = crate::pages::investigation::encoded;
            format!("{}={}&", encoded(name), encoded(value))
        })
        .collect();
    let link = format!("<{}?{kept}cursor={next}>; rel=\"next\"", visit.path);
    reply.with_header(header::LINK, &link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nonsense_is_refused() {
        let text = BASE64_URL_SAFE_NO_PAD.encode("i-1/二");
        assert_eq!(read(&text).as_deref(), Some("i-1/二"));
        assert_eq!(read("%"), None);
        assert_eq!(read("_w"), None, "not UTF-8");
        assert_eq!(read(&"A".repeat(MAX_CURSOR_BYTES + 1)), None);
    }
}
