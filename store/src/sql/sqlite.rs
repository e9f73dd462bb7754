//! The store's own file: opened for its user alone, every commit fsynced.

use super::Connection;
use crate::StoreError;
use rusqlite::OpenFlags;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long SQLite waits for another process before it says that the file is busy.
const BUSY_MS: u64 = 5_000;
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 128;
/// The store holds password hashes and personal data; -wal and -shm take these rights over.
const OWNER_ONLY: u32 = 0o600;

pub(crate) fn connect(path: &Path, read_only: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags |= if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let opened = || -> rusqlite::Result<Connection> {
        let db = rusqlite::Connection::open_with_flags(path, flags)?;
        db.busy_timeout(Duration::from_millis(BUSY_MS))?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        if !read_only {
            db.pragma_update(None, "journal_mode", "WAL")?;
        }
        // FULL: a commit is fsynced before it is answered.
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        Ok(Connection::Sqlite(db))
    };
    opened().map_err(|e| StoreError::open(e.into(), path))
}

/// The file belongs to its user alone: a new one from its first byte, an old one from now on.
pub(crate) fn private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let failed = |source| StoreError::File {
        path: PathBuf::from(path),
        source,
    };
    let mut options = std::fs::OpenOptions::new();
    match options
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(path)
    {
        Ok(file) => drop(file),
        // Narrowed by its name: opening and closing a database that this process uses would drop
        // SQLite's locks on it.
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let mode = std::fs::Permissions::from_mode(OWNER_ONLY);
            std::fs::set_permissions(path, mode).map_err(failed)?;
        }
        Err(e) => return Err(failed(e)),
    }
    Ok(())
}
