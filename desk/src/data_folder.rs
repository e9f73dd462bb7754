//! The data folder: where things lie in it, and that one process owns it.

use crate::DeskError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Paths in a data folder; owns nothing.
#[derive(Clone, Debug)]
pub struct DataFolder {
    root: PathBuf,
}

impl DataFolder {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
    pub fn root(&self) -> &Path {
        &self.root
    }
    pub fn config(&self) -> PathBuf {
        self.root.join("balefire.toml")
    }
    pub fn store(&self) -> PathBuf {
        self.root.join("balefire.db")
    }
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }
    pub fn outbox(&self) -> PathBuf {
        self.root.join("outbox.jsonl")
    }
    pub fn holds(&self) -> PathBuf {
        self.root.join("holds.json")
    }
    pub fn reports(&self) -> PathBuf {
        self.root.join("reports")
    }
    /// Call tree and contacts, for when the pages cannot be reached.
    pub fn emergency(&self) -> PathBuf {
        self.root.join("emergency")
    }
    pub fn evidence(&self) -> PathBuf {
        self.root.join("evidence")
    }
    /// Files that reporters sent, by SHA-256.
    pub fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }
    /// The control socket, through which the command line reaches a running server.
    pub fn socket(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// Creates the folder (0700) with its subfolders and takes the lock.
    pub fn own(&self) -> Result<Ownership, DeskError> {
        for folder in [
            &self.root,
            &self.keys(),
            &self.journal(),
            &self.reports(),
            &self.evidence(),
        ] {
            std::fs::create_dir_all(folder).map_err(|e| DeskError::file(folder, e))?;
        }
        private(&self.root)?;
        private(&self.keys())?;
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| DeskError::file(&path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Ownership { lock: file }),
            Err(TryLockError::WouldBlock) => Err(DeskError::InUse {
                folder: self.root.clone(),
            }),
            Err(TryLockError::Error(e)) => Err(DeskError::file(&path, e)),
        }
    }
}

fn private(folder: &Path) -> Result<(), DeskError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(folder, mode).map_err(|e| DeskError::file(folder, e))
}

/// Proof that this process owns the folder; the lock ends with it, or with the process.
#[derive(Debug)]
pub struct Ownership {
    lock: File,
}

impl Drop for Ownership {
    /// Closing alone is not enough: a process that is being started just now has a copy of the
    /// descriptor until it becomes another program, and the lock would live as long.
    fn drop(&mut self) {
        if let Err(error) = self.lock.unlock() {
            tracing::debug!(%error, "the lock of the data folder goes with its file");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lets_go_is_gone_even_while_a_copy_of_the_descriptor_lives() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(dir.path().join("data"));
        let first = folder.own().unwrap();
        let copy = first.lock.try_clone().unwrap();
        drop(first);
        let second = folder.own().unwrap();
        drop(copy);
        assert!(matches!(folder.own(), Err(DeskError::InUse { .. })));
        drop(second);
    }

    #[test]
    fn a_second_owner_is_refused_and_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(dir.path().join("data"));
        let first = folder.own().unwrap();
        assert!(matches!(folder.own(), Err(DeskError::InUse { .. })));
        drop(first);
        folder.own().unwrap();
    }
}
