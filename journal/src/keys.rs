//! The key that signs checkpoints, and the text form of its public half (C2SP signed-note vkey).
//!
//! One key signs for all logs of a folder: each log signs under its own origin as the key's
//! name, so that a plain witness or client can be given that log's vkey alone.

use crate::{JournalError, Result, files};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Signature type of plain Ed25519 (C2SP signed-note).
const ED25519: u8 = 1;
const FILE_PREFIX: &str = "BALEFIRE-LOG-KEY-1";

/// The private key of a folder's logs.
pub struct LogKey {
    name: String,
    signing: SigningKey,
}

impl LogKey {
    /// A new random key. `name` is what stands before every origin, such as `shop.example/journal`.
    pub fn generate(name: &str) -> Result<LogKey> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| JournalError::NoRandom)?;
        Self::from_seed(name, &seed)
    }

    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<LogKey> {
        check_name(name)?;
        Ok(LogKey {
            name: name.to_owned(),
            signing: SigningKey::from_bytes(seed),
        })
    }

    /// Reads the key file (mode 0600), or makes it. The name in an existing file wins nothing:
    /// another name than `name` is refused, because every checkpoint would look foreign.
    pub fn load_or_create(path: &Path, name: &str) -> Result<LogKey> {
        if let Some(bytes) = files::read_if_exists(path)? {
            let key = Self::parse(&bytes, path)?;
            if key.name != name {
                return Err(bad(path, "it belongs to another journal name"));
            }
            return Ok(key);
        }
        let key = Self::generate(name)?;
        let text = format!(
            "{FILE_PREFIX} {} {}\n",
            key.name,
            STANDARD.encode(key.signing.as_bytes())
        );
        files::create_secret(path, text.as_bytes())?;
        Ok(key)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<LogKey> {
        let text = std::str::from_utf8(bytes).map_err(|_| bad(path, "it is not text"))?;
        let mut words = text.split_ascii_whitespace();
        if words.next() != Some(FILE_PREFIX) {
            return Err(bad(path, "it is not a log key"));
        }
        let name = words.next().ok_or_else(|| bad(path, "it has no name"))?;
        let seed = words.next().and_then(|word| STANDARD.decode(word).ok());
        let seed = seed.and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        Self::from_seed(
            name,
            &seed.ok_or_else(|| bad(path, "its key is not 32 bytes"))?,
        )
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn vkey(&self) -> VerifierKey {
        VerifierKey::new(self.name.clone(), self.signing.verifying_key())
    }

    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.signing.sign(text).to_bytes()
    }
}

/// The public key: `name+hexid+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    fn new(name: String, key: VerifyingKey) -> Self {
        let hash = Sha256::new()
            .chain_update(name.as_bytes())
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        let id = [hash[0], hash[1], hash[2], hash[3]];
        VerifierKey { name, id, key }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four bytes that stand before each signature.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The same key as it signs for the log `origin`: what a plain C2SP client is given.
    pub fn for_origin(&self, origin: &str) -> VerifierKey {
        VerifierKey::new(origin.to_owned(), self.key)
    }

    /// Whether this key may speak for `origin`: its own name, or something below it.
    pub fn covers(&self, origin: &str) -> bool {
        origin
            .strip_prefix(self.name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub fn verify(&self, text: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.key.verify_strict(text, &signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{:08x}+{}",
            self.name,
            u32::from_be_bytes(self.id),
            STANDARD.encode(bytes)
        )
    }
}

impl FromStr for VerifierKey {
    type Err = JournalError;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why| JournalError::BadKey {
            place: "the verifier key".to_owned(),
            why,
        };
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("it is not name+id+key"));
        };
        check_name(name)?;
        let bytes = STANDARD
            .decode(key)
            .map_err(|_| wrong("its key is not base64"))?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(wrong("it is not an Ed25519 key"));
        };
        let key = key
            .try_into()
            .map_err(|_| wrong("its key is not 32 bytes"))?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| wrong("its key is not a point"))?;
        let parsed = VerifierKey::new(name.to_owned(), key);
        if format!("{:08x}", u32::from_be_bytes(parsed.id)) != id {
            return Err(wrong("its id does not belong to its name and key"));
        }
        Ok(parsed)
    }
}

fn check_name(name: &str) -> Result<()> {
    let bad = name.is_empty()
        || name
            .chars()
            .any(|c| c == '+' || c.is_whitespace() || c.is_control());
    if bad {
        let why = "a name must not be empty nor hold spaces or '+'";
        return Err(JournalError::BadKey {
            place: format!("the name {name:?}"),
            why,
        });
    }
    Ok(())
}

fn bad(path: &Path, why: &'static str) -> JournalError {
    JournalError::BadKey {
        place: path.display().to_string(),
        why,
    }
}
