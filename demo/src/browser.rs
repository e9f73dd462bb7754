//! A person's browser in miniature: cookies, forms and CSRF tokens over the real HTTP interface.
//! It parses just what it needs of our own pages; it is no browser for anything else.

use std::time::Duration;
use thiserror::Error;
use ureq::Agent;

/// An answer is waited for at most this long; a repair of many rows takes seconds.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Most bytes of a page that are read.
const MAX_PAGE_BYTES: u64 = 16 << 20;

#[derive(Debug, Error)]
pub enum BrowserError {
    #[error("{path}: the server did not answer")]
    Unreachable {
        path: String,
        source: Box<ureq::Error>,
    },
    #[error("{path}: status {status}: {message}")]
    Status {
        path: String,
        status: u16,
        message: String,
    },
    #[error("{path}: the page has no form token")]
    NoToken { path: String },
}

/// One logged-in person.
#[derive(Debug)]
pub struct Browser {
    agent: Agent,
    base: String,
    cookie: String,
}

/// What came back from a form.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Where the server sent us next; empty when it did not.
    pub location: String,
    pub body: String,
}

impl Browser {
    /// `base` is `http://127.0.0.1:PORT`.
    pub fn new(base: &str) -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .build();
        Self {
            agent: config.into(),
            base: base.to_owned(),
            cookie: String::new(),
        }
    }

    /// Logs in through the login form.
    pub fn login(base: &str, name: &str, password: &str) -> Result<Self, BrowserError> {
        let mut browser = Self::new(base);
        let answer = browser.submit(
            "/login",
            "/login",
            &[("name", name), ("password", password)],
        )?;
        match answer.status {
            303 if !browser.cookie.is_empty() => Ok(browser),
            status => Err(BrowserError::Status {
                path: "/login".into(),
                status,
                message: message_of(&answer.body),
            }),
        }
    }

    /// The page at `path`; an error when it is not there for this person.
    pub fn page(&mut self, path: &str) -> Result<String, BrowserError> {
        let answer = self.get(path)?;
        if answer.status == 200 {
            return Ok(answer.body);
        }
        Err(BrowserError::Status {
            path: path.into(),
            status: answer.status,
            message: message_of(&answer.body),
        })
    }

    /// Opens `page`, takes its form token, and posts `fields` to `action`.
    pub fn submit(
        &mut self,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer, BrowserError> {
        let form = self.get(page)?;
        let csrf = hidden(&form.body, "csrf")
            .ok_or_else(|| BrowserError::NoToken { path: page.into() })?;
        let request = hidden(&form.body, "request").unwrap_or_default();
        let mut all = vec![("csrf", csrf.as_str()), ("request", request.as_str())];
        all.extend_from_slice(fields);
        let sent = self
            .agent
            .post(format!("{}{action}", self.base))
            .header("cookie", &self.cookie)
            .header("origin", &self.base)
            .send_form(all);
        self.answer(action, sent)
    }

    fn get(&mut self, path: &str) -> Result<Answer, BrowserError> {
        let sent = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("cookie", &self.cookie)
            .call();
        self.answer(path, sent)
    }

    fn answer(
        &mut self,
        path: &str,
        sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, BrowserError> {
        let unreachable = |source| BrowserError::Unreachable {
            path: path.to_owned(),
            source: Box::new(source),
        };
        let mut response = sent.map_err(unreachable)?;
        for cookie in response.headers().get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap_or_default());
        }
        let location = response
            .headers()
            .get("location")
            .and_then(|l| l.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = response
            .body_mut()
            .with_config()
            .limit(MAX_PAGE_BYTES)
            .read_to_string()
            .map_err(unreachable)?;
        Ok(Answer {
            status: response.status().as_u16(),
            location,
            body,
        })
    }

    /// Keeps `name=value` of a Set-Cookie line, replacing an older value of that name.
    fn keep(&mut self, line: &str) {
        let pair = line.split(';').next().unwrap_or_default().trim();
        let name = pair.split('=').next().unwrap_or_default();
        let mut kept: Vec<&str> = self
            .cookie
            .split("; ")
            .filter(|old| !old.is_empty() && old.split('=').next() != Some(name))
            .collect();
        kept.push(pair);
        self.cookie = kept.join("; ");
    }
}

/// The value of `<input ... name="NAME" ... value="...">`, whatever the order of its attributes.
pub fn hidden(page: &str, name: &str) -> Option<String> {
    let wanted = format!("name=\"{name}\"");
    let at = page.find(&wanted)?;
    let start = page[..at].rfind('<')?;
    let tag = &page[start..start + page[start..].find('>')?];
    let value = tag.split("value=\"").nth(1)?.split('"').next()?;
    Some(
        value
            .replace("&quot;", "\"")
            .replace("&#38;", "&")
            .replace("&amp;", "&"),
    )
}

/// The message that a refusal page shows, for the narration.
pub fn message_of(page: &str) -> String {
    let marked = page
        .split("data-message>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    marked
        .unwrap_or_default()
        .trim()
        .chars()
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_field_is_found_in_any_order() {
        let page =
            r#"<form><input type="hidden" value="a&amp;b" name="csrf"><input name="x"></form>"#;
        assert_eq!(hidden(page, "csrf").as_deref(), Some("a&b"));
        assert_eq!(hidden(page, "request"), None);
    }

    #[test]
    fn a_newer_cookie_replaces_the_older() {
        let mut browser = Browser::new("http://127.0.0.1:1");
        browser.keep("a=1; Path=/");
        browser.keep("b=2; HttpOnly");
        browser.keep("a=3");
        assert_eq!(browser.cookie, "b=2; a=3");
    }
}
