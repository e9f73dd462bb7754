//! What the channels that speak HTTP share: where they post to, and what an answer's status means.
//!
//! Deliberately not here: the providers' own codes.

use super::{Limit, SecretFile, SendError};
use crate::outbound::{Answer, Method, Outbound, OutboundError, Request, Target};
use serde_json::Value;
use std::sync::Arc;

/// A URL as the configuration gives it: in the open, or in a file because it is the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlSource {
    Plain(Target),
    File(SecretFile),
}

impl UrlSource {
    /// The error never shows the URL.
    pub fn target(&self) -> Result<Target, String> {
        match self {
            Self::Plain(target) => Ok(target.clone()),
            Self::File(file) => {
                let url = file.read()?;
                Target::parse(url.reveal())
                    .map_err(|error| format!("in the file {}: {error}", file.path().display()))
            }
        }
    }

    /// For people; `None` while the file cannot be read.
    pub fn host(&self) -> Option<String> {
        self.target().ok().map(|target| target.host().to_owned())
    }
}

/// What every channel over HTTP is made of.
#[derive(Clone)]
pub struct Post {
    pub name: String,
    pub url: UrlSource,
    pub outbound: Arc<Outbound>,
    pub limit: Limit,
}

impl Post {
    pub(super) fn target(&self) -> Result<Target, SendError> {
        self.url.target().map_err(|why| SendError::Broken { why })
    }

    pub(super) fn json(&self, target: &Target, body: &Value) -> Result<Answer, SendError> {
        let json = (
            "content-type".into(),
            "application/json; charset=utf-8".into(),
        );
        let body = body.to_string().into_bytes();
        self.send(Method::Post, target, vec![json], body)
    }

    pub(super) fn send(
        &self,
        method: Method,
        target: &Target,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<Answer, SendError> {
        let request = Request {
            method,
            target,
            headers,
            body,
        };
        self.outbound.send(request).map_err(|error| refused(&error))
    }
}

fn refused(error: &OutboundError) -> SendError {
    let why = error.to_string();
    if error.passes() {
        SendError::Again { after_s: None, why }
    } else {
        SendError::Broken { why }
    }
}

/// `Ok` for 2xx alone; a redirect is a failure, since following it could lead anywhere.
pub(super) fn accepted(answer: &Answer) -> Result<(), SendError> {
    let status = answer.status;
    let why = format!("it answered with status {status}");
    match status {
        200..=299 => Ok(()),
        300..=399 => Err(SendError::Broken {
            why: format!("{why}; redirects are not followed, give the final URL"),
        }),
        401 | 403 | 404 | 407 | 410 => Err(SendError::Broken { why }),
        408 | 425 | 429 | 500..=599 => Err(SendError::Again {
            after_s: answer.retry_after_s,
            why,
        }),
        _ => Err(SendError::Never { why }),
    }
}

/// The answer as JSON. A page of HTML with status 200 is what gateways in between send.
pub(super) fn json_of(answer: &Answer) -> Result<Value, SendError> {
    serde_json::from_slice(&answer.body).map_err(|_| SendError::Again {
        after_s: None,
        why: "it answered with something that is not JSON; something stands in between".into(),
    })
}

/// A provider's code with what it said, for logs and pages; what it said is cut, and never holds
/// what we sent.
pub(super) fn said(code: &str, words: &str) -> String {
    let words = super::text::one_line(words);
    format!(
        "it answered {code}: {}",
        super::text::cut(&words, 160, super::text::as_it_is)
    )
}
