//! The keys of data subjects: personal values are sealed under a key of their own subject, so
//! that destroying the key erases them without touching the tree.

use crate::Result;
use std::path::Path;

/// The key that wraps the subjects' keys on disk.
pub struct MasterKey([u8; 32]);

impl MasterKey {
    pub fn generate() -> Result<MasterKey> {
        todo!()
    }
    /// Reads the file (mode 0600), or makes it.
    pub fn load_or_create(path: &Path) -> Result<MasterKey> {
        todo!("{path:?}")
    }
}

/// The writing end of the vault: makes and destroys keys. File `subjects.keys` in `dir`.
pub struct SubjectKeys {}

impl SubjectKeys {
    pub fn open(dir: &Path, master: &MasterKey) -> Result<SubjectKeys> {
        todo!("{dir:?} {:?}", master.0.len())
    }
    /// Makes keys for those subjects that have none: one append, one fsync, none when all have.
    pub fn ensure(&mut self, subjects: &[&[u8]]) -> Result<()> {
        todo!("{subjects:?}")
    }
    /// Destroys the key; true when there was one. What was sealed under it never opens again.
    pub fn destroy(&mut self, subject: &[u8]) -> Result<bool> {
        todo!("{subject:?}")
    }
    pub fn reader(&self) -> VaultReader {
        todo!()
    }
}

/// Seals and opens with the keys held in memory. Cheap to clone; any thread.
#[derive(Clone)]
pub struct VaultReader {}

impl VaultReader {
    /// Appends the sealed value to `out`.
    pub fn seal(
        &self,
        subject: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        todo!("{subject:?} {aad:?} {plaintext:?} {out:?}")
    }
    pub fn open(&self, subject: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        todo!("{subject:?} {aad:?} {sealed:?}")
    }
    /// The key for keyed digests of this subject's values; gone with the subject's key.
    pub fn mac_key(&self, subject: &[u8]) -> Option<[u8; 32]> {
        todo!("{subject:?}")
    }
    /// Whether the subject had a key that was destroyed, and has none now.
    pub fn is_destroyed(&self, subject: &[u8]) -> bool {
        todo!("{subject:?}")
    }
}
