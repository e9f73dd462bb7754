//! The keys of data subjects: personal values are sealed under a key of their own subject, so
//! that destroying the key erases them without touching the tree.
//!
//! Subjects are opaque here: whoever calls gives an id from which the person cannot be guessed.
//! A copy of `subjects.keys` made before a key was destroyed still holds it, wrapped under the
//! master key: backups of this file must be replaced within the time that the law gives.

mod file;

use crate::{JournalError, Result, files};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use file::{KeyFile, Record};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// A sealed value begins with the number of its algorithm: 1 is AES-256-GCM.
const ALGORITHM: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// What sealing adds to a value.
pub const SEAL_BYTES: usize = 1 + NONCE_BYTES + TAG_BYTES;
/// An id of a subject is a keyed hash or so.
pub const MAX_SUBJECT_BYTES: usize = 1_024;
const MASTER_PREFIX: &str = "BALEFIRE-MASTER-KEY-1";

type Key = [u8; 32];

/// The key that wraps the subjects' keys on disk.
pub struct MasterKey(Key);

impl MasterKey {
    pub fn generate() -> Result<MasterKey> {
        Ok(MasterKey(random()?))
    }

    pub fn from_bytes(key: [u8; 32]) -> MasterKey {
        MasterKey(key)
    }

    /// Reads the file (mode 0600), or makes it.
    pub fn load_or_create(path: &Path) -> Result<MasterKey> {
        if let Some(bytes) = files::read_if_exists(path)? {
            let text = String::from_utf8_lossy(&bytes);
            let encoded = text.trim_end().strip_prefix(MASTER_PREFIX).map(str::trim);
            let key = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
            let key = key.and_then(|key| key.try_into().ok()).map(MasterKey);
            return key.ok_or_else(|| JournalError::BadKey {
                place: path.display().to_string(),
                why: "it is not a master key",
            });
        }
        let key = Self::generate()?;
        let text = format!("{MASTER_PREFIX} {}\n", STANDARD.encode(key.0));
        files::create_secret(path, text.as_bytes())?;
        Ok(key)
    }

    /// A key for another purpose that whoever holds the master key can make again.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let state = Sha256::new()
            .chain_update(b"balefire derived key\0")
            .chain_update(self.0);
        state.chain_update(purpose.as_bytes()).finalize().into()
    }
}

/// The writing end of the vault: makes and destroys keys. File `subjects.keys` in `dir`.
pub struct SubjectKeys {
    file: KeyFile,
    reader: VaultReader,
}

impl SubjectKeys {
    pub fn open(dir: &Path, master: &MasterKey) -> Result<SubjectKeys> {
        let (file, records) = KeyFile::open(&dir.join("subjects.keys"), &master.0)?;
        let mut held = Held::default();
        for record in records {
            held.apply(record);
        }
        let nonces = Mutex::new(Nonces::new()?);
        let reader = VaultReader {
            held: Arc::new(RwLock::new(held)),
            nonces: Arc::new(nonces),
        };
        Ok(SubjectKeys { file, reader })
    }

    /// Makes keys for those subjects that have none: one append, one fsync, none when all have.
    /// A subject whose key was destroyed gets a new one, which opens nothing of before.
    pub fn ensure(&mut self, subjects: &[&[u8]]) -> Result<()> {
        let mut records: Vec<Record> = Vec::new();
        let mut new = HashSet::new();
        for subject in subjects {
            check_subject(subject)?;
            if self.reader.key(subject).is_none() && new.insert(*subject) {
                records.push(Record {
                    subject: (*subject).into(),
                    key: Some(random()?),
                });
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        self.file.append(&records)?;
        let mut held = self
            .reader
            .held
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        records.into_iter().for_each(|record| held.apply(record));
        Ok(())
    }

    /// Destroys the key; true when there was one. What was sealed under it never opens again.
    pub fn destroy(&mut self, subject: &[u8]) -> Result<bool> {
        if self.reader.key(subject).is_none() {
            return Ok(false);
        }
        let mut records = self.reader.held().records();
        records.retain(|record| *record.subject != *subject);
        records.push(Record {
            subject: subject.into(),
            key: None,
        });
        self.file.rewrite(&records)?;
        let mut held = self
            .reader
            .held
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        held.apply(Record {
            subject: subject.into(),
            key: None,
        });
        Ok(true)
    }

    pub fn reader(&self) -> VaultReader {
        self.reader.clone()
    }
}

/// What the file says, in memory.
#[derive(Default)]
struct Held {
    keys: HashMap<Box<[u8]>, Key>,
    destroyed: HashSet<Box<[u8]>>,
}

impl Held {
    fn apply(&mut self, record: Record) {
        match record.key {
            Some(key) => {
                self.destroyed.remove(&record.subject);
                self.keys.insert(record.subject, key);
            }
            None => {
                self.keys.remove(&record.subject);
                self.destroyed.insert(record.subject);
            }
        }
    }

    fn records(&self) -> Vec<Record> {
        let keys = self.keys.iter().map(|(subject, key)| (subject, Some(*key)));
        let gone = self.destroyed.iter().map(|subject| (subject, None));
        keys.chain(gone)
            .map(|(subject, key)| Record {
                subject: subject.clone(),
                key,
            })
            .collect()
    }
}

/// Seals and opens with the keys held in memory. Cheap to clone; any thread.
#[derive(Clone)]
pub struct VaultReader {
    held: Arc<RwLock<Held>>,
    nonces: Arc<Mutex<Nonces>>,
}

impl VaultReader {
    /// Appends the sealed value to `out`: algorithm, nonce, ciphertext, tag. `aad` is what the
    /// value is bound to, such as its table and column.
    pub fn seal(
        &self,
        subject: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        self.sealing(subject)?.seal(aad, plaintext, out)
    }

    /// Seals several values of one subject with one key schedule.
    pub fn sealing(&self, subject: &[u8]) -> Result<Sealing<'_>> {
        let subject = self.subject(subject).ok_or(JournalError::NoSubjectKey)?;
        Ok(subject.sealing())
    }

    /// The key of a subject, looked up once for several uses; `None` when it has none.
    pub fn subject(&self, subject: &[u8]) -> Option<Subject<'_>> {
        Some(Subject {
            key: self.key(subject)?,
            nonces: &self.nonces,
        })
    }

    pub fn open(&self, subject: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let key = self.key(subject).ok_or(JournalError::NoSubjectKey)?;
        let unsealable = |why| JournalError::Unsealable { why };
        let Some((&ALGORITHM, rest)) = sealed.split_first() else {
            return Err(unsealable("its algorithm is unknown"));
        };
        let parts = rest.split_first_chunk::<NONCE_BYTES>();
        let parts = parts.and_then(|(nonce, rest)| Some((nonce, rest.split_last_chunk()?)));
        let Some((nonce, (value, tag))) = parts else {
            return Err(unsealable("it is too short"));
        };
        let tag: &[u8; TAG_BYTES] = tag;
        let mut value = value.to_vec();
        let cipher = Aes256Gcm::new(&key.into());
        let opened = cipher.decrypt_inout_detached(
            &Nonce::from(*nonce),
            aad,
            value.as_mut_slice().into(),
            &Tag::from(*tag),
        );
        opened
            .map_err(|_| unsealable("its key, place or bytes are not those it was sealed with"))?;
        Ok(value)
    }

    /// The key for keyed digests of this subject's values; gone with the subject's key.
    pub fn mac_key(&self, subject: &[u8]) -> Option<[u8; 32]> {
        Some(self.subject(subject)?.mac_key())
    }

    /// Whether the subject had a key that was destroyed, and has none now.
    pub fn is_destroyed(&self, subject: &[u8]) -> bool {
        self.held().destroyed.contains(subject)
    }

    /// Subjects that have a key.
    pub fn subjects(&self) -> usize {
        self.held().keys.len()
    }

    fn key(&self, subject: &[u8]) -> Option<Key> {
        self.held().keys.get(subject).copied()
    }

    fn held(&self) -> std::sync::RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One subject's key: see [`VaultReader::subject`].
pub struct Subject<'a> {
    key: Key,
    nonces: &'a Mutex<Nonces>,
}

impl<'a> Subject<'a> {
    /// As [`VaultReader::mac_key`].
    pub fn mac_key(&self) -> [u8; 32] {
        let state = Sha256::new().chain_update(b"balefire subject digest key\0");
        state.chain_update(self.key).finalize().into()
    }

    /// As [`VaultReader::sealing`].
    pub fn sealing(&self) -> Sealing<'a> {
        Sealing {
            cipher: Aes256Gcm::new(&self.key.into()),
            nonces: self.nonces,
        }
    }
}

/// One subject's key, ready to seal: see [`VaultReader::sealing`].
pub struct Sealing<'a> {
    cipher: Aes256Gcm,
    nonces: &'a Mutex<Nonces>,
}

impl Sealing<'_> {
    /// As [`VaultReader::seal`].
    pub fn seal(&self, aad: &[u8], plaintext: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let nonce = self
            .nonces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()?;
        let start = out.len();
        out.push(ALGORITHM);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plaintext);
        let value = &mut out[start + 1 + NONCE_BYTES..];
        let sealed = self
            .cipher
            .encrypt_inout_detached(&Nonce::from(nonce), aad, value.into());
        let Ok(tag) = sealed else {
            out.truncate(start);
            return Err(JournalError::Unsealable {
                why: "the value is too long",
            });
        };
        out.extend_from_slice(&tag);
        Ok(())
    }
}

/// Nonces that never repeat under one key: 64 random bits drawn when the vault is opened and
/// whenever the 32-bit count behind them is used up. Two openings would have to draw the same
/// 64 bits for a repetition.
struct Nonces {
    prefix: [u8; 8],
    count: u32,
}

impl Nonces {
    fn new() -> Result<Nonces> {
        Ok(Nonces {
            prefix: random()?,
            count: 0,
        })
    }

    fn next(&mut self) -> Result<[u8; NONCE_BYTES]> {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..8].copy_from_slice(&self.prefix);
        nonce[8..].copy_from_slice(&self.count.to_be_bytes());
        match self.count.checked_add(1) {
            Some(count) => self.count = count,
            None => *self = Self::new()?,
        }
        Ok(nonce)
    }
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| JournalError::NoRandom)?;
    Ok(bytes)
}

fn check_subject(subject: &[u8]) -> Result<()> {
    if subject.len() > MAX_SUBJECT_BYTES {
        let (what, size, max) = ("subject id", subject.len(), MAX_SUBJECT_BYTES);
        return Err(JournalError::TooLarge { what, size, max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_do_not_repeat_when_the_count_is_used_up() {
        let mut nonces = Nonces::new().unwrap();
        nonces.count = u32::MAX - 2;
        let drawn: Vec<_> = (0..6).map(|_| nonces.next().unwrap()).collect();
        let different: HashSet<_> = drawn.iter().collect();
        assert_eq!(different.len(), drawn.len());
        assert_ne!(drawn[2][..8], drawn[3][..8]);
    }
}
