//! Where in the binlog something stands: the file's number and the offset in it, in one number.

use super::session::{Session, odd};
use crate::ConnectError;

const DOING: &str = "asking for the binlog's position";
/// The first event of a file.
pub(super) const FIRST: u64 = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) size: u64,
}

/// A file grows beyond 4 GiB by one transaction alone, and the next one begins behind it.
pub(super) fn place(file: u64, offset: u64) -> u64 {
    match u32::try_from(offset) {
        Ok(offset) => file << 32 | u64::from(offset),
        Err(_) => (file + 1) << 32 | FIRST,
    }
}

/// The number at the end of a file's name.
pub(super) fn number(name: &str) -> Option<u64> {
    name.rsplit_once('.')?.1.parse().ok()
}

/// All files that the server has, the oldest first.
pub(super) fn files(session: &mut Session) -> Result<Vec<File>, ConnectError> {
    let rows = session.rows("listing the binlog's files", "SHOW BINARY LOGS")?;
    let mut files = Vec::with_capacity(rows.len());
    for row in rows {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let name = cells.next().unwrap_or_default();
        let size = cells.next().unwrap_or_default().parse().unwrap_or(0);
        let number = number(&name)
            .ok_or_else(|| odd("listing the binlog's files", "a name has no number"))?;
        files.push(File { name, number, size });
    }
    Ok(files)
}

/// MySQL 8.2 has the new name, 8.4 no longer the old one.
pub(super) fn end_statement(session: &Session) -> &'static str {
    if session.mariadb || !session.at_least(8, 2) {
        "SHOW MASTER STATUS"
    } else {
        "SHOW BINARY LOG STATUS"
    }
}

/// Where the server writes next.
pub(super) fn end(session: &mut Session) -> Result<u64, ConnectError> {
    let rows = session.rows(DOING, end_statement(session))?;
    let row = rows.into_iter().next().ok_or_else(off)?;
    let mut cells = row.into_iter().map(Option::unwrap_or_default);
    of(cells.next(), cells.next())
}

fn off() -> ConnectError {
    ConnectError::CannotGuard {
        table: "*".to_owned(),
        why: "the server writes no binlog (log_bin is OFF)".to_owned(),
    }
}

fn of(file: Option<String>, offset: Option<String>) -> Result<u64, ConnectError> {
    let file = file.as_deref().and_then(number);
    let offset = offset.and_then(|o| o.parse().ok());
    match (file, offset) {
        (Some(file), Some(offset)) => Ok(place(file, offset)),
        _ => Err(odd(DOING, "it is no file and offset")),
    }
}

/// Seconds for which the server keeps its files; 0 for always.
pub(super) fn kept_s(session: &mut Session) -> Result<u64, ConnectError> {
    let sql = "SHOW GLOBAL VARIABLES WHERE Variable_name IN \
               ('binlog_expire_logs_seconds', 'expire_logs_days')";
    let rows = session.rows("asking how long the binlog is kept", sql)?;
    let find = |name: &str| {
        let row = rows
            .iter()
            .find(|r| r.first().is_some_and(|n| n.as_deref() == Some(name)));
        let value = row.and_then(|r| r.get(1)?.as_deref()?.parse::<f64>().ok());
        value.unwrap_or(0.0)
    };
    let seconds = find("binlog_expire_logs_seconds");
    let days = find("expire_logs_days") * 86_400.0;
    Ok(if seconds > 0.0 { seconds } else { days } as u64)
}

/// Begins a snapshot; the place in the binlog that it shows the tables at.
pub(super) fn snapshot(session: &mut Session) -> Result<u64, ConnectError> {
    if session.mariadb {
        super::scan::begin(session)?;
        // MariaDB notes the place when the snapshot is taken, without a lock.
        let sql = "SHOW STATUS WHERE Variable_name IN \
                   ('Binlog_snapshot_file', 'Binlog_snapshot_position')";
        let rows = session.rows(DOING, sql)?;
        let find = |name: &str| {
            let row = rows.iter().find(|r| {
                let found = r.first().and_then(Option::as_deref);
                found.is_some_and(|f| f.eq_ignore_ascii_case(name))
            });
            row.and_then(|r| r.get(1)?.clone())
                .filter(|v| !v.is_empty())
        };
        let file = find("Binlog_snapshot_file").ok_or_else(off)?;
        return of(Some(file), find("Binlog_snapshot_position"));
    }
    // MySQL notes nothing. A global read lock waits for commits that are under way, so that the
    // log's end and the snapshot are the same moment; it is held for two statements.
    let doing = "holding writers for the moment of a snapshot";
    session.run(doing, "FLUSH TABLES WITH READ LOCK")?;
    let taken = super::scan::begin(session).and_then(|()| end(session));
    if !session.broken {
        session.run(doing, "UNLOCK TABLES")?;
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_grow_with_files_and_offsets() {
        assert_eq!(number("mysql-bin.000123"), Some(123));
        assert_eq!(number("binlog"), None);
        assert!(place(1, 0xffff_ffff) < place(1, 1 << 32));
        assert_eq!(place(1, 1 << 32), place(2, FIRST));
    }
}
