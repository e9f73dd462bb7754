//! Second factors: an authenticator app (TOTP) and recovery codes, each taken once.
//!
//! What is kept stands in one document an account, replaced at an expected version: of two
//! requests with the same code in the same instant one finds the document changed, and fails.

use super::membership::AccountRefusal;
use super::totp;
use crate::account::{attempt_key, random, token_hash};
use crate::{Desk, DeskError};
use model::{AccountId, Instant};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Batch, PutDocument, StoreError};

const CREDENTIALS: &str = "credential";
const PURPOSE: &str = "second factor";
const APP: &str = "code";
const RECOVERY: &str = "recovery code";
/// Recovery codes of one account.
pub const RECOVERY_CODES: usize = 10;
/// Wrong codes within `CODE_WINDOW_S` before an account must wait: at most 240 guesses a day at
/// three of a million codes.
pub const CODE_ATTEMPTS: u32 = 10;
pub const CODE_WINDOW_S: i64 = 3600;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Credential {
    /// Sealed secret of the authenticator app.
    #[serde(default)]
    totp: Option<String>,
    /// Sealed secret that is being set up; it counts for nothing until its first code was given.
    #[serde(default)]
    pending: Option<String>,
    /// The last step whose code was taken.
    #[serde(default)]
    last_step: i64,
    /// Hashes of the recovery codes that are left.
    #[serde(default)]
    recovery: Vec<String>,
    #[serde(default)]
    since: Option<Instant>,
}

/// What the owner sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FactorStatus {
    pub enrolled: bool,
    pub since: Option<Instant>,
    pub recovery_left: usize,
}

/// A secret to be put into an authenticator app.
#[derive(Clone)]
pub struct Enrolment {
    /// For the QR code.
    pub uri: String,
    /// For those who type it.
    pub secret: String,
}

impl Desk {
    pub fn second_factor(&self, account: &AccountId) -> Result<FactorStatus, DeskError> {
        let (credential, _) = self.credential(account)?;
        Ok(FactorStatus {
            enrolled: credential.totp.is_some(),
            since: credential.since,
            recovery_left: credential.recovery.len(),
        })
    }

    pub(crate) fn has_second_factor(&self, account: &AccountId) -> Result<bool, DeskError> {
        Ok(self.credential(account)?.0.totp.is_some())
    }

    /// Begins the set-up, or shows the one that was begun. An account that has a factor keeps it
    /// until the new one is confirmed.
    pub fn begin_second_factor(&self, account: &AccountId) -> Result<Enrolment, DeskError> {
        let (mut credential, version) = self.credential(account)?;
        let begun = credential.pending.as_deref();
        let secret = match begun.and_then(|sealed| self.unseal(&purpose(account), sealed)) {
            Some(secret) => secret,
            None => {
                let mut secret = vec![0_u8; totp::SECRET_BYTES];
                random(&mut secret)?;
                credential.pending = Some(self.seal(&purpose(account), &secret)?);
                self.put_credential(account, &credential, version, Vec::new())?;
                secret
            }
        };
        Ok(Enrolment {
            uri: totp::uri(&secret, "Balefire", account.as_str()),
            secret: totp::base32(&secret),
        })
    }

    /// Confirms the set-up with the app's first code; gives the recovery codes, shown once.
    pub fn confirm_second_factor(
        &self,
        account: &AccountId,
        code: &str,
    ) -> Result<Vec<String>, DeskError> {
        self.count_code(APP, account)?;
        let (mut credential, version) = self.credential(account)?;
        let pending = credential.pending.take();
        let secret = pending
            .as_deref()
            .and_then(|s| self.unseal(&purpose(account), s))
            .ok_or(AccountRefusal::State)?;
        let step = totp::step_of(&secret, code, self.now(), 0);
        credential.last_step = step.ok_or(AccountRefusal::WrongSecret)?;
        credential.totp = pending;
        credential.since = Some(self.now());
        let codes = recovery_codes()?;
        credential.recovery = codes.iter().map(|c| token_hash(&plain(c))).collect();
        let leaf = self.leaf("second-factor-set-up", account)?;
        self.put_credential(account, &credential, version, vec![leaf])?;
        self.clear_codes(APP, account)?;
        Ok(codes)
    }

    /// New recovery codes; the old ones end. The caller has asked for the second factor again.
    pub fn renew_recovery(&self, account: &AccountId) -> Result<Vec<String>, DeskError> {
        let (mut credential, version) = self.credential(account)?;
        if credential.totp.is_none() {
            return Err(AccountRefusal::State.into());
        }
        let codes = recovery_codes()?;
        credential.recovery = codes.iter().map(|c| token_hash(&plain(c))).collect();
        let leaf = self.leaf("recovery-codes-renewed", account)?;
        self.put_credential(account, &credential, version, vec![leaf])?;
        Ok(codes)
    }

    /// Takes one code of the app or one recovery code, once. Counted before it is looked at, in
    /// the store's single writer, so that parallel tries cannot pass the limit.
    pub fn take_second_factor(&self, account: &AccountId, code: &str) -> Result<(), DeskError> {
        // Counted apart: whoever is locked out of the one by an attacker still has the other.
        let digits = code.chars().filter(|c| !c.is_whitespace());
        let kind = match digits.clone().count() == totp::DIGITS
            && digits.clone().all(|c| c.is_ascii_digit())
        {
            true => APP,
            false => RECOVERY,
        };
        self.count_code(kind, account)?;
        let (mut credential, version) = self.credential(account)?;
        let sealed = credential.totp.as_deref().unwrap_or_default();
        let secret = self
            .unseal(&purpose(account), sealed)
            .ok_or(AccountRefusal::WrongSecret)?;
        let mut leaves = Vec::new();
        match totp::step_of(&secret, code, self.now(), credential.last_step) {
            Some(step) => credential.last_step = step,
            None => {
                let hash = token_hash(&plain(code));
                let place = credential.recovery.iter().position(|known| *known == hash);
                credential
                    .recovery
                    .remove(place.ok_or(AccountRefusal::WrongSecret)?);
                leaves.push(self.leaf("recovery-code-used", account)?);
            }
        }
        match self.put_credential(account, &credential, version, leaves) {
            // Somebody was faster, with this code or another one: only one of them is let in.
            Err(DeskError::Store(StoreError::Conflict { .. })) => {
                Err(AccountRefusal::WrongSecret.into())
            }
            Err(error) => Err(error),
            Ok(()) => self.clear_codes(kind, account),
        }
    }

    /// Takes the factor off; decided by `membership`, on the record with who did it.
    pub(crate) fn drop_second_factor(
        &self,
        account: &AccountId,
    ) -> Result<Vec<PutDocument>, DeskError> {
        let (_, version) = self.credential(account)?;
        if version == 0 {
            return Ok(Vec::new());
        }
        let empty = serde_json::to_string(&Credential::default())?;
        Ok(vec![self.document(
            CREDENTIALS,
            account.as_str(),
            version,
            empty,
        )])
    }

    fn credential(&self, account: &AccountId) -> Result<(Credential, u64), DeskError> {
        match self.store().document(CREDENTIALS, account.as_str())? {
            Some(found) => Ok((serde_json::from_str(&found.json)?, found.version)),
            None => Ok((Credential::default(), 0)),
        }
    }

    fn put_credential(
        &self,
        account: &AccountId,
        credential: &Credential,
        version: u64,
        leaves: Vec<Vec<u8>>,
    ) -> Result<(), DeskError> {
        let json = serde_json::to_string(credential)?;
        self.store().commit(Batch {
            documents: vec![self.document(CREDENTIALS, account.as_str(), version, json)],
            leaves,
            ..Batch::default()
        })?;
        self.touched();
        Ok(())
    }

    pub(crate) fn document(
        &self,
        collection: &'static str,
        id: &str,
        version: u64,
        json: String,
    ) -> PutDocument {
        PutDocument {
            collection,
            id: id.to_owned(),
            expect_version: (version > 0).then_some(version),
            json,
            at: self.now(),
        }
    }

    fn leaf(&self, kind: &str, account: &AccountId) -> Result<Vec<u8>, DeskError> {
        let leaf = json!({ "kind": kind, "account": account, "at": self.now() });
        Ok(serde_json::to_vec(&leaf)?)
    }

    fn count_code(&self, kind: &str, account: &AccountId) -> Result<(), DeskError> {
        let now = self.now();
        let refused = self.store().register_login_attempt(
            &attempt_key(kind, account.as_str()),
            now,
            now.plus_s(-CODE_WINDOW_S),
            CODE_ATTEMPTS,
        )?;
        match refused {
            None => Ok(()),
            Some(_) => Err(AccountRefusal::TooMany.into()),
        }
    }

    fn clear_codes(&self, kind: &str, account: &AccountId) -> Result<(), DeskError> {
        let key = attempt_key(kind, account.as_str());
        Ok(self.store().clear_login_attempts(&key)?)
    }
}

fn purpose(account: &AccountId) -> String {
    format!("{PURPOSE} of {account}")
}

/// Ten codes of sixteen letters and digits, 80 bits each: their hashes need no slow function.
fn recovery_codes() -> Result<Vec<String>, DeskError> {
    (0..RECOVERY_CODES).map(|_| code_of(4)).collect()
}

/// Groups of four letters and digits without those that are mistaken for each other.
pub(crate) fn code_of(groups: usize) -> Result<String, DeskError> {
    const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let mut bytes = vec![0_u8; groups * 4];
    random(&mut bytes)?;
    let text: String = bytes
        .iter()
        .map(|b| char::from(LETTERS[usize::from(b & 31)]))
        .collect();
    let groups: Vec<&str> = (0..groups).map(|i| &text[i * 4..i * 4 + 4]).collect();
    Ok(groups.join("-"))
}

/// A code as it is compared: people leave out the dashes and write small letters.
pub(crate) fn plain(code: &str) -> String {
    let letters = code.chars().filter(|c| c.is_ascii_alphanumeric());
    letters.map(|c| c.to_ascii_uppercase()).take(64).collect()
}
