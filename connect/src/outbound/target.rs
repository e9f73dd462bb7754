//! A URL to send to, checked as far as the text goes; its path and query are treated as secrets.
//!
//! Deliberately not here: where its host leads (`guard`).

use super::OutboundError;
use std::fmt;
use url::{Host, Url};

/// Providers' URLs have a few hundred characters.
pub const MAX_URL_BYTES: usize = 2_048;

/// `http` or `https`, a host, no user name or password, no fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
}

impl Target {
    pub fn parse(text: &str) -> Result<Self, OutboundError> {
        let wrong = |why| Err(OutboundError::Address { why });
        let text = text.trim();
        if text.len() > MAX_URL_BYTES {
            return wrong("it is longer than 2,048 bytes");
        }
        // The parser would drop these silently, and what is dropped is not what was read.
        if text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
        {
            return wrong("it has a space, a line break or a backslash in it");
        }
        let Ok(url) = Url::parse(text) else {
            return wrong("it is no URL such as https://hooks.example/path");
        };
        if !matches!(url.scheme(), "http" | "https") {
            return wrong("it begins with neither https:// nor http://");
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return wrong("it holds a user name or password; use headers or a secret file");
        }
        if url.fragment().is_some() {
            return wrong("it has a #fragment, which is never sent");
        }
        let no_host = authority(text).is_empty() || url.host_str().is_none_or(str::is_empty);
        if no_host || url.port() == Some(0) {
            return wrong("it has no host or no port that could be reached");
        }
        Ok(Self { url })
    }

    /// Shown to people: everything after it may be a secret.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// As it stands in the `Host` header: without the scheme's own port.
    pub fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    /// For people to recognise it by: without path and query.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.url.scheme(), self.authority())
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    pub(super) fn ip(&self) -> Option<std::net::IpAddr> {
        match self.url.host()? {
            Host::Ipv4(v4) => Some(v4.into()),
            Host::Ipv6(v6) => Some(v6.into()),
            Host::Domain(_) => None,
        }
    }

    /// The same URL with these pairs added to its query.
    #[must_use]
    pub fn with_query(&self, pairs: &[(&str, &str)]) -> Self {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(pairs);
        Self { url }
    }

    /// With its secrets: for the wire alone.
    pub(crate) fn reveal(&self) -> &str {
        self.url.as_str()
    }
}

fn authority(text: &str) -> &str {
    let after = text.split_once("://").map_or(text, |(_, rest)| rest);
    after.split(['/', '?', '#']).next().unwrap_or_default()
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.url.scheme(), self.authority())
    }
}
