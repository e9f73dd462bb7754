//! The cookies of the product: session, language, look.
//!
//! The session's cookie is HttpOnly and SameSite=Lax. Strict would log people out who follow
//! the link in a call-out message, which is how most of them arrive.

use axum::http::{HeaderMap, header};

pub(crate) const LANGUAGE: &str = "balefire_lang";
pub(crate) const THEME: &str = "balefire_theme";
/// Sealed state of a single sign-on that was begun.
pub(crate) const SIGN_ON: &str = "balefire_sign_on";
const SENT: &str = "balefire_sent";
/// Long enough for a slow page, short enough to be gone with the hour.
const SENT_S: u32 = 600;
const SIGN_ON_S: u32 = 600;
const YEAR_S: u32 = 31_536_000;

/// `__Host-` binds the cookie to this host and to TLS; browsers refuse it without TLS.
pub(crate) const fn session_name(secure: bool) -> &'static str {
    if secure {
        "__Host-balefire"
    } else {
        "balefire_session"
    }
}

pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v)
}

pub(crate) fn session(token: &str, secure: bool) -> String {
    set(session_name(secure), token, None, secure)
}
pub(crate) fn end_session(secure: bool) -> String {
    set(session_name(secure), "", Some(0), secure)
}
pub(crate) fn sign_on(sealed: &str, secure: bool) -> String {
    set(SIGN_ON, sealed, Some(SIGN_ON_S), secure)
}
pub(crate) fn end_sign_on(secure: bool) -> String {
    set(SIGN_ON, "", Some(0), secure)
}
pub(crate) fn choice(name: &str, value: &str, secure: bool) -> String {
    set(name, value, Some(YEAR_S), secure)
}

/// The number of the form that was carried out last: for the script that keeps what is typed, so
/// without HttpOnly. It is a number of our own making that opens nothing.
pub(crate) fn sent(request: &str) -> String {
    format!("{SENT}={request}; Path=/; SameSite=Strict; Max-Age={SENT_S}")
}

fn set(name: &str, value: &str, max_age_s: Option<u32>, secure: bool) -> String {
    let mut out = format!("{name}={value}; Path=/; SameSite=Lax; HttpOnly");
    if let Some(seconds) = max_age_s {
        out.push_str(&format!("; Max-Age={seconds}"));
    }
    if secure {
        out.push_str("; Secure");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn one_cookie_is_read_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; balefire_session=tok; b=2"),
        );
        assert_eq!(read(&headers, "balefire_session"), Some("tok"));
        assert_eq!(read(&headers, "session"), None);
    }

    #[test]
    fn a_session_is_out_of_reach_of_scripts() {
        expect_test::expect!["balefire_session=t; Path=/; SameSite=Lax; HttpOnly"]
            .assert_eq(&session("t", false));
        expect_test::expect!["__Host-balefire=t; Path=/; SameSite=Lax; HttpOnly; Secure"]
            .assert_eq(&session("t", true));
    }
}
