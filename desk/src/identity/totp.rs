//! Time-based one-time passwords: RFC 6238 with HMAC-SHA-1, six digits, steps of 30 seconds,
//! which is what every authenticator app understands.
//!
//! Pure. Deliberately not here: which steps were used already, and how often somebody tried.

use model::Instant;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

/// Bytes of a secret: the length of the hash, as RFC 4226 section 4 recommends.
pub const SECRET_BYTES: usize = 20;
pub const STEP_S: i64 = 30;
pub const DIGITS: usize = 6;
/// Steps before and after the current one that are taken: clocks of phones are a little off.
const SKEW_STEPS: i64 = 1;

/// The step of a moment.
pub fn step_at(now: Instant) -> i64 {
    now.0.div_euclid(1_000_000 * STEP_S)
}

/// The code of one step.
pub fn code(secret: &[u8], step: i64) -> String {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    // RFC 4226 section 5.3: the last half-byte says where the four bytes stand.
    let at = usize::from(bytes[bytes.len() - 1] & 0x0f);
    let four = [
        bytes[at] & 0x7f,
        bytes[at + 1],
        bytes[at + 2],
        bytes[at + 3],
    ];
    format!("{:06}", u32::from_be_bytes(four) % 1_000_000)
}

/// The step whose code this is: near now, and after the last one that was taken.
pub fn step_of(secret: &[u8], given: &str, now: Instant, last: i64) -> Option<i64> {
    let digits: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != DIGITS {
        return None;
    }
    let here = step_at(now);
    let near = here - SKEW_STEPS..=here + SKEW_STEPS;
    let mut fits = near.filter(|step| same(&code(secret, *step), &digits));
    fits.rfind(|step| *step > last)
}

/// As authenticator apps take it (the Key URI format): issuer and account in the label.
pub fn uri(secret: &[u8], issuer: &str, account: &str) -> String {
    let (issuer, account) = (escaped(issuer), escaped(account));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}",
        base32(secret)
    )
}

/// RFC 4648 without padding, for those who type the secret.
pub fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::new();
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(LETTERS[(held >> bits & 31) as usize] as char);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(LETTERS[(held << (5 - bits) & 31) as usize] as char);
    }
    out
}

fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    text.bytes()
        .map(|b| match plain(b) {
            true => char::from(b).to_string(),
            false => format!("%{b:02X}"),
        })
        .collect()
}

fn same(a: &str, b: &str) -> bool {
    let differing = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |seen, (a, b)| seen | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B gives eight digits; six are their last ones.
    #[test]
    fn the_vectors_of_the_standard() {
        let secret = b"12345678901234567890";
        for (seconds, eight) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = step_at(Instant::from_secs(seconds));
            assert_eq!(code(secret, step), &eight[2..], "{seconds}");
        }
    }

    #[test]
    fn a_code_is_taken_near_its_time_and_once() {
        let secret = b"12345678901234567890";
        let now = Instant::from_secs(1_111_111_111);
        let here = step_at(now);
        for near in [here - 1, here, here + 1] {
            assert_eq!(step_of(secret, &code(secret, near), now, 0), Some(near));
        }
        for far in [here - 2, here + 2] {
            assert_eq!(step_of(secret, &code(secret, far), now, 0), None);
        }
        let used = code(secret, here);
        assert_eq!(step_of(secret, &used, now, here), None, "a used code");
        assert_eq!(step_of(secret, &code(secret, here - 1), now, here), None);
        assert_eq!(step_of(secret, "", now, 0), None);
        assert_eq!(step_of(secret, "0000000", now, 0), None);
    }

    #[test]
    fn secrets_are_written_as_apps_read_them() {
        // RFC 4648 section 10.
        for (bytes, text) in [("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        let uri = uri(b"12345678901234567890", "Balefire", "a b&c");
        assert_eq!(
            uri,
            "otpauth://totp/Balefire:a%20b%26c?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Balefire&algorithm=SHA1&digits=6&period=30"
        );
    }
}
