//! Where a POST comes from, and whether its token is the session's.
//!
//! Two fences against forged requests: what the browser says of the origin, and a token that
//! only our own pages hold. Clients that are no browsers send no origin and need the token.

use axum::http::{HeaderMap, header};

/// False when a browser says that another site sent this.
pub(crate) fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return false;
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else {
        return true;
    };
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    matches!((authority, text(header::HOST.as_str())), (Some(a), Some(h)) if a.eq_ignore_ascii_case(h))
}

/// Compares in a time that depends on the lengths only.
pub(crate) fn same_token(expected: &str, given: &str) -> bool {
    let differing = expected
        .bytes()
        .zip(given.bytes())
        .fold(0, |seen, (a, b)| seen | (a ^ b));
    // An empty token would match an empty field.
    !expected.is_empty() && expected.len() == given.len() && std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn ours(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
            .collect();
        is_ours(&headers)
    }

    #[test]
    fn only_our_own_pages_may_post() {
        assert!(ours(&[]));
        assert!(ours(&[
            ("host", "b.example:8443"),
            ("origin", "https://b.example:8443")
        ]));
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(!ours(&[("sec-fetch-site", "cross-site")]));
        assert!(!ours(&[("sec-fetch-site", "same-site")]));
        assert!(!ours(&[
            ("host", "b.example"),
            ("origin", "https://evil.example")
        ]));
        assert!(!ours(&[("host", "b.example"), ("origin", "null")]));
        assert!(!ours(&[
            ("host", "b.example"),
            ("origin", "https://b.example.evil.example")
        ]));
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(same_token("abc", "abc"));
        assert!(!same_token("abc", "abd"));
        assert!(!same_token("abc", "ab"));
        assert!(!same_token("", ""));
    }
}
