//! Opening a shop's file for reading, and saying in plain words why that fails.

use crate::ConnectError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a reader waits for a lock. In WAL mode readers need it only while a log is recovered.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that cannot write.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, ConnectError> {
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(ConnectError::Missing {
                path: path.to_owned(),
            });
        }
        Err(source) => {
            return Err(ConnectError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
        Ok(found) if !found.is_file() => {
            return Err(ConnectError::NotAFile {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<(Connection, String)> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        // The first statement that really reads the file: it finds what is no database.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let encoding = connection.pragma_query_value(None, "encoding", |row| row.get(0))?;
        Ok((connection, encoding))
    };
    let (connection, encoding) = open().map_err(|e| translate(path, "opening it", e))?;
    if encoding != "UTF-8" {
        return Err(ConnectError::Encoding {
            path: path.to_owned(),
            encoding,
        });
    }
    Ok(connection)
}

/// SQLite's error in the words of [`ConnectError`].
pub(super) fn translate(path: &Path, doing: &str, source: rusqlite::Error) -> ConnectError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => ConnectError::NotADatabase { path },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            ConnectError::CannotOpen { path, source }
        }
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
        ) => ConnectError::Locked { path, source },
        Some(ErrorCode::DatabaseCorrupt) => ConnectError::Damaged { path, source },
        _ => ConnectError::Sql {
            doing: doing.to_owned(),
            source,
        },
    }
}

/// Which file stands at a path: device and inode.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}
