//! What a page answers with, before it becomes HTTP.

use crate::cookies;
use crate::visit::Visit;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Characters of a form's number that is told back; ours have 32.
const MOST_TOLD: usize = 64;

pub(crate) struct Reply {
    status: StatusCode,
    kind: Cow<'static, str>,
    bytes: Cow<'static, [u8]>,
    extra: Vec<(header::HeaderName, String)>,
}

impl Reply {
    pub fn page(template: &impl Template) -> Self {
        Self::page_as(StatusCode::OK, template)
    }
    pub fn page_as(status: StatusCode, template: &impl Template) -> Self {
        match template.render() {
            Ok(html) => Self::text(status, "text/html; charset=utf-8", html),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                Self::text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "text/plain",
                    String::new(),
                )
            }
        }
    }
    pub fn text(status: StatusCode, kind: &'static str, text: String) -> Self {
        Self {
            status,
            kind: Cow::Borrowed(kind),
            bytes: text.into_bytes().into(),
            extra: Vec::new(),
        }
    }
    pub fn bytes(kind: &'static str, bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        Self {
            status: StatusCode::OK,
            kind: Cow::Borrowed(kind),
            bytes: bytes.into(),
            extra: Vec::new(),
        }
    }
    pub fn json(value: &Value) -> Self {
        Self::text(StatusCode::OK, "application/json", value.to_string())
    }
    /// RFC 9457.
    pub fn problem(status: StatusCode, kind: &str, title: &str, extra: Value) -> Self {
        let mut body = json!({
            "type": format!("urn:balefire:problem:{kind}"),
            "title": title,
            "status": status.as_u16(),
        });
        if let (Some(body), Value::Object(extra)) = (body.as_object_mut(), extra) {
            body.extend(extra);
        }
        Self::text(status, "application/problem+json", body.to_string())
    }
    /// After a POST: the browser gets the page by GET, so that reloading sends nothing again.
    pub fn see(path: &str) -> Self {
        let mut reply = Self::text(
            StatusCode::SEE_OTHER,
            "text/plain; charset=utf-8",
            String::new(),
        );
        reply.extra.push((header::LOCATION, path.to_owned()));
        reply
    }
    pub fn with_cookie(mut self, cookie: String) -> Self {
        self.extra.push((header::SET_COOKIE, cookie));
        self
    }
    /// A form that was carried out: the browser is told its number, so that the words that were
    /// kept of it on the device go. Nothing else says so for certain: a page may come from the
    /// browser's own store.
    pub fn after(self, visit: &Visit) -> Self {
        let sent = visit.form.get("request");
        let harmless = |c: u8| c.is_ascii_alphanumeric() || b"-_".contains(&c);
        let told = self.status == StatusCode::SEE_OTHER
            && (1..=MOST_TOLD).contains(&sent.len())
            && sent.bytes().all(harmless);
        match told {
            true => self.with_cookie(cookies::sent(sent)),
            false => self,
        }
    }
    pub fn with_header(mut self, name: header::HeaderName, value: &str) -> Self {
        self.extra.push((name, value.to_owned()));
        self
    }
    /// A page, or a problem for a program, that says in plain words what went wrong.
    /// `key` has the catalogue's entries `error-KEY` and `error-KEY-advice`.
    pub fn refuse(visit: &Visit, status: StatusCode, key: &str) -> Self {
        if visit.wants_json {
            let title = visit.words().text(&format!("error-{key}")).into_owned();
            let detail = visit
                .words()
                .text(&format!("error-{key}-advice"))
                .into_owned();
            return Self::problem(status, key, &title, json!({ "detail": detail }));
        }
        crate::pages::error::page(visit, status, key)
    }
    pub fn not_found(visit: &Visit) -> Self {
        Self::refuse(visit, StatusCode::NOT_FOUND, "not-found")
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.bytes.into_owned()).into_response();
        let headers = response.headers_mut();
        if let Ok(kind) = HeaderValue::from_str(&self.kind) {
            headers.insert(header::CONTENT_TYPE, kind);
        }
        for (name, value) in self.extra {
            // A value that is no header (a line break in it) is left out, never split.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(name, value);
            }
        }
        response
    }
}
