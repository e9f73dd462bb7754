//! Small secrets at rest, and tickets that this process signs: both under a key that is derived
//! from the folder's master key, so that a copy of the database alone opens nothing.

use crate::{Desk, DeskError, Told};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use model::Instant;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest sealed text that is looked at.
const MAX_SEALED: usize = 8 * 1024;

#[derive(serde::Serialize, serde::Deserialize)]
struct Ticket<T> {
    until: Instant,
    is: T,
}

impl Desk {
    /// Encrypts and authenticates (AES-256-GCM, random nonce); `purpose` must be given again.
    pub(crate) fn seal(&self, purpose: &str, bytes: &[u8]) -> Result<String, DeskError> {
        let mut nonce = [0_u8; NONCE_LEN];
        crate::account::random(&mut nonce)?;
        let mut sealed = bytes.to_vec();
        let done = self.sealing_key()?.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(purpose.as_bytes()),
            &mut sealed,
        );
        done.map_err(|_| DeskError::Refused(Told::new("not-sealed")))?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(out))
    }

    /// `None` for what was not sealed here, or for another purpose.
    pub(crate) fn unseal(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        if text.len() > MAX_SEALED {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        let key = self.sealing_key().ok()?;
        Some(key.open_in_place(nonce, aad, &mut sealed).ok()?.to_vec())
    }

    /// Something that the browser carries for a while and can neither read nor change.
    pub(crate) fn ticket(
        &self,
        purpose: &str,
        is: impl Serialize,
        until: Instant,
    ) -> Result<String, DeskError> {
        self.seal(purpose, &serde_json::to_vec(&Ticket { until, is })?)
    }

    pub(crate) fn read_ticket<T: DeserializeOwned>(&self, purpose: &str, text: &str) -> Option<T> {
        let bytes = self.unseal(purpose, text)?;
        let ticket: Ticket<T> = serde_json::from_slice(&bytes).ok()?;
        (ticket.until > self.now()).then_some(ticket.is)
    }

    fn sealing_key(&self) -> Result<LessSafeKey, DeskError> {
        let key = UnboundKey::new(&AES_256_GCM, &self.inner.account_key)
            .map_err(|_| DeskError::Refused(Told::new("seal-key")))?;
        Ok(LessSafeKey::new(key))
    }
}
