//! The few file operations of this room whose order decides what a crash leaves behind.

use crate::{JournalError, Result};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub fn read_if_exists(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(JournalError::io("read", path)(error)),
    }
}

pub fn create_dir(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(JournalError::io("create", dir))
}

/// Makes the names in a folder durable: a new file whose folder was not synced may vanish.
pub fn sync_dir(dir: &Path) -> Result<()> {
    let folder = File::open(dir).map_err(JournalError::io("open", dir))?;
    folder.sync_all().map_err(JournalError::io("sync", dir))
}

/// A new file that only its owner reads; it must not exist yet.
pub fn create_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(dir) = path.parent() {
        create_dir(dir)?;
    }
    replace(path, bytes, 0o600)
}

/// Puts `bytes` in place of the file at once: a crash leaves the old file or the new one.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let temporary = temporary_name(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let mut file = options
        .open(&temporary)
        .map_err(JournalError::io("create", &temporary))?;
    file.write_all(bytes)
        .map_err(JournalError::io("write", &temporary))?;
    // A crash before this sync leaves the old file and a leftover; after the rename the new one.
    file.sync_all()
        .map_err(JournalError::io("sync", &temporary))?;
    std::fs::rename(&temporary, path).map_err(JournalError::io("rename", &temporary))?;
    path.parent().map_or(Ok(()), sync_dir)
}

pub fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}
