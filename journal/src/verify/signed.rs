//! Signed notes as the verifier reads them: every byte of one is either implied by the others or
//! covered by the signature.

use super::hash::{self, Hash};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};

const DASH: &str = "\u{2014} ";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTree {
    pub size: u64,
    pub root: Hash,
    /// Bytes of the note up to the end of its last signature line.
    pub length: usize,
}

/// Where in the note, and what.
#[derive(Debug)]
pub struct NoteFault {
    pub at: usize,
    pub what: &'static str,
}

fn fault<T>(at: usize, what: &'static str) -> Result<T, NoteFault> {
    Err(NoteFault { at, what })
}

/// A number in decimal without leading zeroes.
pub fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = plain && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

/// Reads a note of `text` and signature lines; the text is what `key` signed as `name`.
pub fn text<'a>(note: &'a [u8], name: &str, key: &[u8; 32]) -> Result<&'a str, NoteFault> {
    let text = match std::str::from_utf8(note) {
        Ok(text) => text,
        Err(error) => return fault(error.valid_up_to(), "the note is not text"),
    };
    let Some(end) = text.rfind("\n\n") else {
        return fault(0, "the note has no signature");
    };
    let (body, mut at) = (&text[..=end], end + 2);
    let mut signed = false;
    while at < text.len() {
        let Some(length) = text[at..].find('\n') else {
            return fault(at, "a signature line has no end");
        };
        signed |= signature_line(&text[at..at + length], body, name, key).map_err(
            |NoteFault { at: within, what }| NoteFault {
                at: at + within,
                what,
            },
        )?;
        at += length + 1;
    }
    if signed {
        Ok(body)
    } else {
        fault(end + 2, "no signature of the log's key")
    }
}

/// Whether the line is a signature of this key; an error when it says so but is not.
fn signature_line(line: &str, body: &str, name: &str, key: &[u8; 32]) -> Result<bool, NoteFault> {
    let Some((signer, encoded)) = line
        .strip_prefix(DASH)
        .and_then(|rest| rest.split_once(' '))
    else {
        return fault(0, "this is not a signature line");
    };
    let start = DASH.len() + signer.len() + 1;
    let Ok(bytes) = STANDARD.decode(encoded) else {
        return fault(start, "a signature is not base64");
    };
    let Some((id, signature)) = bytes.split_at_checked(4) else {
        return fault(start, "a signature is too short");
    };
    let identity = hash::plain(&[name.as_bytes(), b"\n\x01", key].concat());
    if signer != name || id != &identity[..4] {
        return Ok(false);
    }
    let signature = Signature::from_slice(signature).ok();
    let key = VerifyingKey::from_bytes(key).ok();
    let holds = key
        .zip(signature)
        .is_some_and(|(key, signature)| key.verify_strict(body.as_bytes(), &signature).is_ok());
    if holds {
        Ok(true)
    } else {
        fault(start, "the signature does not hold")
    }
}

/// A checkpoint of exactly `origin`, size and root, signed by `key` under the origin's name.
pub fn checkpoint(note: &[u8], origin: &str, key: &[u8; 32]) -> Result<SignedTree, NoteFault> {
    let body = text(note, origin, key)?;
    let mut lines = body.split('\n');
    if lines.next() != Some(origin) {
        return fault(0, "the checkpoint is of another log");
    }
    let size_at = origin.len() + 1;
    let digits = lines.next().unwrap_or_default();
    let Some(size) = decimal(digits) else {
        return fault(size_at, "the checkpoint's size is not a number");
    };
    let root = lines.next().and_then(|line| STANDARD.decode(line).ok());
    let Some(root) = root.and_then(|root| root.try_into().ok()) else {
        return fault(
            size_at + digits.len() + 1,
            "the checkpoint's root is not a hash",
        );
    };
    Ok(SignedTree {
        size,
        root,
        length: note.len(),
    })
}

/// The bytes of a checkpoint's note that do not depend on the private key: all but the signature.
pub fn unsigned_note(origin: &str, size: u64, root: &Hash, key: &[u8; 32]) -> Vec<u8> {
    let identity = hash::plain(&[origin.as_bytes(), b"\n\x01", key].concat());
    let text = format!(
        "{origin}\n{size}\n{}\n\n{DASH}{origin} ",
        STANDARD.encode(root)
    );
    // Four bytes are five and a third characters: the sixth already holds signature bits.
    let id = STANDARD.encode(&identity[..4]);
    [text.as_bytes(), &id.as_bytes()[..5]].concat()
}
