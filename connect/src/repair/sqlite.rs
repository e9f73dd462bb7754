//! A SQLite shop as a repair writes it.
//!
//! `BEGIN IMMEDIATE`: from here on nobody else writes, so what is checked stays so, and no row needs a
//! lock of its own. Triggers need not be known beforehand, since SQLite counts every row that changes.

use super::applied::Image;
use super::procedure::{self, Shop};
use super::refusal::Cause;
pub use super::{Applied, MoneyCap, RepairError, RepairLimits, RowFault};
use crate::source::sqlite::{bound, quoted, value_of};
use model::{Dialect, RepairProposal, RepairStep, Value};
use rusqlite::{Connection, OpenFlags, params_from_iter};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Applies the proposal as a whole or not at all. A dry run does the same and rolls back.
pub fn apply(
    path: &Path,
    proposal: &RepairProposal,
    limits: &RepairLimits,
    dry_run: bool,
) -> Result<Applied, RepairError> {
    if proposal.dialect != Dialect::Sqlite {
        return Err(RepairError::OtherDatabase {
            written_for: proposal.dialect,
        });
    }
    super::limits::check(proposal, limits)?;
    let mut file = File::open(path, limits)?;
    procedure::run(&mut file, proposal, limits, dry_run)
}

struct File {
    path: PathBuf,
    db: Connection,
    broken_before: BTreeSet<BrokenKey>,
}

impl File {
    fn open(path: &Path, limits: &RepairLimits) -> Result<Self, RepairError> {
        if !path.is_file() {
            return Err(RepairError::Missing {
                path: path.to_owned(),
            });
        }
        // Without CREATE: a repair never makes a new file.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> rusqlite::Result<Connection> {
            let db = Connection::open_with_flags(path, flags)?;
            db.busy_timeout(Duration::from_millis(u64::from(limits.lock_timeout_ms)))?;
            db.pragma_update(None, "synchronous", "FULL")?;
            db.pragma_update(None, "foreign_keys", true)?;
            Ok(db)
        };
        let db = open().map_err(|e| of(path, "opening it for writing", e))?;
        db.execute_batch("BEGIN IMMEDIATE")
            .map_err(|e| of(path, "taking the write lock", e))?;
        Ok(Self {
            path: path.to_owned(),
            db,
            broken_before: BTreeSet::new(),
        })
    }

    /// Names of the columns of a table, generated ones left out.
    fn columns(&self, step: &RepairStep) -> Result<Vec<String>, RepairError> {
        let sql = "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid";
        let failed = |e| RepairError::row_sql(step, e);
        let mut statement = self.db.prepare_cached(sql).map_err(failed)?;
        let names = statement.query_map([&step.table], |row| row.get(0));
        let names: rusqlite::Result<Vec<String>> = names.map_err(failed)?.collect();
        let names = names.map_err(failed)?;
        if names.is_empty() {
            let table = step.table.clone();
            return Err(RepairError::NoTable { table });
        }
        Ok(names)
    }
}

impl Shop for File {
    fn examine(
        &mut self,
        proposal: &RepairProposal,
        _limits: &RepairLimits,
    ) -> Result<(), RepairError> {
        // A lawful order and its lines may come back in any sequence; the keys are checked at the end.
        self.db
            .pragma_update(None, "defer_foreign_keys", true)
            .map_err(|e| failed("preparing the repair", e))?;
        self.broken_before = broken_keys(&self.db, proposal)?;
        Ok(())
    }

    fn rows(
        &mut self,
        step: &RepairStep,
        holding: &[(String, Value)],
        _lock: bool,
    ) -> Result<Vec<Image>, RepairError> {
        let columns = self.columns(step)?;
        for (name, _) in holding {
            if !columns.contains(name) {
                let column = name.clone();
                return Err(RepairError::row(step, RowFault::NoColumn { column }));
            }
        }
        // With a table in front: SQLite reads a quoted name that is no column as a text otherwise.
        let exact = |name: &String| format!("target.{}", quoted(name));
        let tests: Vec<String> = holding
            .iter()
            .zip(1..)
            .map(|((name, _), n)| format!("{} IS ?{n} COLLATE BINARY", exact(name)))
            .collect();
        let sql = format!(
            "SELECT {} FROM {} AS target WHERE {} LIMIT 2",
            columns.iter().map(exact).collect::<Vec<_>>().join(", "),
            quoted(&step.table),
            tests.join(" AND ")
        );
        let failed = |e| RepairError::row_sql(step, e);
        let mut statement = self.db.prepare_cached(&sql).map_err(failed)?;
        let values = params_from_iter(holding.iter().map(|(_, value)| bound(value)));
        let mut rows = statement.query(values).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let mut image = Image::with_capacity(columns.len());
            for (i, name) in columns.iter().enumerate() {
                let value = value_of(row.get_ref(i).map_err(failed)?);
                image.push((name.clone(), value.to_value()));
            }
            found.push(image);
        }
        Ok(found)
    }

    fn execute(&mut self, step: &RepairStep) -> Result<u64, RepairError> {
        let failed = |e| match e {
            rusqlite::Error::MultipleStatement => RepairError::row(step, RowFault::Statement),
            source => RepairError::row_sql(step, source),
        };
        let mut statement = self.db.prepare(&step.sql).map_err(failed)?;
        let values = params_from_iter(step.parameters.iter().map(bound));
        statement.execute(values).map(|n| n as u64).map_err(failed)
    }

    fn changed(&mut self) -> Result<u64, RepairError> {
        Ok(self.db.total_changes())
    }

    fn settle(&mut self, proposal: &RepairProposal) -> Result<(), RepairError> {
        let broken = broken_keys(&self.db, proposal)?
            .into_iter()
            .find(|key| !self.broken_before.contains(key));
        match broken {
            None => Ok(()),
            Some((table, rowid, parent, _)) => Err(RepairError::ForeignKey {
                table,
                rowid,
                parent,
            }),
        }
    }

    fn clock_ms(&mut self) -> Result<i64, RepairError> {
        let sql = "SELECT CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)";
        self.db
            .query_row(sql, [], |row| row.get(0))
            .map_err(|e| failed("asking for the time", e))
    }

    fn rollback(&mut self) -> Result<(), RepairError> {
        self.db
            .execute_batch("ROLLBACK")
            .map_err(|e| of(&self.path, "rolling back", e))
    }

    fn commit(&mut self) -> Result<Option<String>, RepairError> {
        self.db
            .execute_batch("COMMIT")
            .map_err(|e| of(&self.path, "committing", e))?;
        Ok(None)
    }
}

fn failed(doing: &str, source: rusqlite::Error) -> RepairError {
    RepairError::Sql {
        doing: doing.to_owned(),
        source: Cause::from(source),
    }
}

fn of(path: &Path, doing: &str, source: rusqlite::Error) -> RepairError {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, PermissionDenied, ReadOnly,
    };
    let what = path.display().to_string();
    match source.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => RepairError::Locked {
            what,
            doing: doing.to_owned(),
            source: Cause::from(source),
        },
        Some(CannotOpen | PermissionDenied | ReadOnly) => RepairError::ReadOnly {
            what,
            source: Cause::from(source),
        },
        _ => failed(doing, source),
    }
}

type BrokenKey = (String, Option<i64>, String, i64);

/// More broken keys than this and the check is given up: the shop does not keep its keys at all.
const MAX_BROKEN_KEYS: usize = 100_000;

/// Foreign keys broken in the proposal's tables or towards them.
fn broken_keys(
    db: &Connection,
    proposal: &RepairProposal,
) -> Result<BTreeSet<BrokenKey>, RepairError> {
    let failed = |e| failed("checking foreign keys", e);
    let tables: BTreeSet<&str> = proposal.steps.iter().map(|s| s.table.as_str()).collect();
    let mut statement = db
        .prepare("SELECT \"table\", rowid, parent, fkid FROM pragma_foreign_key_check")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut broken = BTreeSet::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let read = || -> rusqlite::Result<BrokenKey> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let key = read().map_err(failed)?;
        let concerns = |name: &str| tables.iter().any(|table| table.eq_ignore_ascii_case(name));
        if concerns(&key.0) || concerns(&key.2) {
            broken.insert(key);
        }
        if broken.len() > MAX_BROKEN_KEYS {
            return Err(RepairError::TooManyBrokenKeys);
        }
    }
    Ok(broken)
}
