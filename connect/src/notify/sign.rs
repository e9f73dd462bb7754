//! Keyed digests that providers ask for.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// HMAC-SHA256; any length of key is good.
pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().into()
        }
        // HMAC hashes a long key and pads a short one: there is no wrong length.
        Err(_) => unreachable!("HMAC takes keys of every length"),
    }
}

/// Whether `signed` is the HMAC-SHA256 in Base64, compared in constant time.
pub(super) fn verifies(key: &[u8], message: &[u8], signed: &str) -> bool {
    use base64::Engine as _;
    let Ok(given) = base64::engine::general_purpose::STANDARD.decode(signed) else {
        return false;
    };
    Hmac::<Sha256>::new_from_slice(key).is_ok_and(|mut mac| {
        mac.update(message);
        mac.verify_slice(&given).is_ok()
    })
}

pub(super) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Percent-encoding of RFC 3986: everything but the unreserved characters.
pub(super) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                out.push_str(&model::digest::hex(&[byte]).to_ascii_uppercase());
            }
        }
    }
    out
}
