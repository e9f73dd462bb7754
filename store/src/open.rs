//! Opening: the lock that keeps a second process out, file rights, settings, schema, threads.

use crate::change::Changes;
use crate::error::sql;
use crate::reader::Readers;
use crate::writer::{QUEUE_BATCHES, Writer};
use crate::{Shared, Store, StoreError, outbox, schema};
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

/// How long we wait for a foreign connection (a sqlite3 shell) to let go of the file.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Only the owner reads or writes: the store holds password hashes and personal data.
const OWNER_ONLY: u32 = 0o600;
/// Most pages that SQLite allows in a file, its own default.
const MAX_PAGES: u64 = 4_294_967_294;

#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Read connections at most, opened as they are needed.
    pub readers: usize,
    /// Most bytes of the database file; beyond it writes answer [`StoreError::Full`].
    pub max_bytes: Option<u64>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            readers: 4,
            max_bytes: None,
        }
    }
}

pub(crate) fn open(path: &Path, options: &StoreOptions) -> Result<Store, StoreError> {
    // The lock comes first: whoever does not hold it must not touch the database, not even to
    // open and close it, since that would drop SQLite's own locks of this process.
    let lock = lock(path)?;
    let db = connect(path).and_then(|db| {
        schema::migrate(&db, path)?;
        outbox::recover(&db)?;
        limit_size(&db, options.max_bytes)?;
        Ok(db)
    });
    let db = db.map_err(|error| error.located(path))?;
    let changes = Arc::new(Changes::default());
    let (sender, queue) = sync_channel(QUEUE_BATCHES);
    let writer = Writer::new(db, path.to_owned(), Arc::clone(&changes));
    let thread = std::thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || writer.run(&queue))
        .map_err(|error| StoreError::file(path, error))?;
    let shared = Shared {
        path: path.to_owned(),
        queue: RwLock::new(Some(sender)),
        writer: Mutex::new(Some(thread)),
        readers: Readers::new(path.to_owned(), options.readers),
        changes,
        _lock: lock,
    };
    Ok(Store {
        shared: Arc::new(shared),
    })
}

/// Sets SQLite's own bound on the file's size.
pub(crate) fn limit_size(db: &Connection, max_bytes: Option<u64>) -> Result<(), StoreError> {
    let page: i64 = db
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .map_err(sql("read the page size"))?;
    let pages = max_bytes.map_or(MAX_PAGES, |bytes| bytes / page.unsigned_abs().max(1));
    let pages = i64::try_from(pages.clamp(1, MAX_PAGES)).unwrap_or(i64::MAX);
    db.pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))
        .map_err(sql("limit the file's size"))?;
    Ok(())
}

/// A file of its own beside the database: locking the database file itself would meddle with
/// SQLite's locks. The system gives the lock free when the process dies.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = owner_only()
        .create(true)
        .truncate(false)
        .open(&name)
        .map_err(|error| StoreError::file(&name, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(StoreError::file(&name, error)),
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    // Made by us first, since SQLite would make it readable to others. Its -wal and -shm files
    // take over these rights.
    match owner_only().create_new(true).open(path) {
        Ok(file) => drop(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY))
                .map_err(|error| StoreError::file(path, error))?;
        }
        Err(error) => return Err(StoreError::file(path, error)),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(sql("open the file"))?;
    db.busy_timeout(BUSY_TIMEOUT)
        .map_err(sql("set the busy timeout"))?;
    let mode: String = db
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(sql("switch to a write-ahead log"))?;
    if mode != "wal" {
        let error = io::Error::other("the file system does not carry a write-ahead log");
        return Err(StoreError::file(path, error));
    }
    // FULL: a commit is fsynced before it is answered. The writer makes checkpoints itself, after
    // it has answered, and sees their errors; SQLite's own are a net far below.
    db.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON;
         PRAGMA wal_autocheckpoint = 16384;
         PRAGMA journal_size_limit = 67108864;",
    )
    .map_err(sql("set the database up"))?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(OWNER_ONLY);
    options
}
