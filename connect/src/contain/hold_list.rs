//! The hold list: a file that says which rows the shop must not ship or refund, and until when.
//!
//! The shop reads the file; nothing in its database changes. The file is always whole: it is
//! written beside, fsynced, renamed into place, and the folder is fsynced. A hold ends by itself
//! at its `until`, so that a guard that stops running does not stop a shop for ever.
//!
//! Deliberately not here: who may place a hold, and when.

use model::{HoldId, IncidentId, Instant};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Above this many rows a shop is stopped by other means than a list.
pub const MAX_HELD_ROWS: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldAction {
    Ship,
    Refund,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRow {
    pub table: String,
    /// The row's key as people read it.
    pub key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub id: HoldId,
    pub incident: IncidentId,
    pub rows: Vec<HeldRow>,
    pub forbids: Vec<HeldAction>,
    pub from: Instant,
    pub until: Instant,
}

#[derive(Debug, Error)]
pub enum ContainError {
    #[error("the hold list {} cannot be {doing}", path.display())]
    File {
        path: PathBuf,
        doing: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("the hold list {} is not what was written there", path.display())]
    NotAList {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("there would be {rows} rows on hold; at most {MAX_HELD_ROWS} can be")]
    TooManyRows { rows: usize },
}

impl ContainError {
    /// What to do about it, in plain English.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::File { .. } => {
                "check that the folder exists, is writable and not full; it is tried again"
            }
            Self::NotAList { .. } => {
                "somebody else wrote to the file: move it aside, then place the holds again"
            }
            Self::TooManyRows { .. } => "stop shipping or refunds in the shop as a whole instead",
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    holds: Vec<Hold>,
}

#[derive(Debug)]
pub struct HoldList {
    path: PathBuf,
    contents: Contents,
}

impl HoldList {
    /// Opens the list; a file that is not there is an empty list.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ContainError> {
        let path = path.as_ref().to_owned();
        let contents = match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|source| ContainError::NotAList {
                    path: path.clone(),
                    source,
                })?
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Contents::default(),
            Err(source) => {
                return Err(ContainError::File {
                    path,
                    doing: "read",
                    source,
                });
            }
        };
        Ok(Self { path, contents })
    }

    pub fn holds(&self) -> &[Hold] {
        &self.contents.holds
    }

    /// Places a hold, or replaces the one with its id: placed twice is placed once.
    pub fn place(&mut self, hold: Hold) -> Result<(), ContainError> {
        let mut holds = self.contents.holds.clone();
        holds.retain(|other| other.id != hold.id);
        holds.push(hold);
        let rows = holds.iter().map(|hold| hold.rows.len()).sum();
        if rows > MAX_HELD_ROWS {
            return Err(ContainError::TooManyRows { rows });
        }
        self.write(holds)
    }

    /// Takes a hold off; false when there is none with this id.
    pub fn lift(&mut self, id: &HoldId) -> Result<bool, ContainError> {
        let mut holds = self.contents.holds.clone();
        holds.retain(|hold| hold.id != *id);
        let found = holds.len() < self.contents.holds.len();
        if found {
            self.write(holds)?;
        }
        Ok(found)
    }

    /// Takes off what ended before `now`; gives the ids.
    pub fn expire(&mut self, now: Instant) -> Result<Vec<HoldId>, ContainError> {
        let (ended, holds): (Vec<Hold>, Vec<Hold>) = self
            .contents
            .holds
            .iter()
            .cloned()
            .partition(|hold| hold.until <= now);
        if !ended.is_empty() {
            self.write(holds)?;
        }
        Ok(ended.into_iter().map(|hold| hold.id).collect())
    }

    /// The hold that forbids this now, if there is one.
    pub fn forbidding(
        &self,
        table: &str,
        key: &str,
        action: HeldAction,
        now: Instant,
    ) -> Option<&Hold> {
        self.contents.holds.iter().find(|hold| {
            hold.from <= now
                && now < hold.until
                && hold.forbids.contains(&action)
                && hold
                    .rows
                    .iter()
                    .any(|row| row.table == table && row.key == key)
        })
    }

    /// A crash before the rename leaves the old list, one after it the new one; the caller is told
    /// of success only when the rename itself is on disk.
    fn write(&mut self, holds: Vec<Hold>) -> Result<(), ContainError> {
        let contents = Contents { holds };
        replace(&self.path, &contents).map_err(|source| ContainError::File {
            path: self.path.clone(),
            doing: "written",
            source,
        })?;
        self.contents = contents;
        Ok(())
    }
}

fn replace(path: &Path, contents: &Contents) -> io::Result<()> {
    let bytes = serde_json::to_vec_pretty(contents)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = File::create(&beside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(id: &str, key: &str, until: i64) -> Hold {
        Hold {
            id: id.into(),
            incident: "INC-1".into(),
            rows: vec![HeldRow {
                table: "orders".into(),
                key: key.into(),
            }],
            forbids: vec![HeldAction::Ship],
            from: Instant::from_secs(10),
            until: Instant::from_secs(until),
        }
    }

    #[test]
    fn holds_survive_a_restart_and_end_by_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("holds.json");
        let mut list = HoldList::open(&path).unwrap();
        list.place(hold("H1", "7", 100)).unwrap();
        list.place(hold("H1", "7", 200)).unwrap();
        list.place(hold("H2", "8", 50)).unwrap();
        let mut list = HoldList::open(&path).unwrap();
        assert_eq!(list.holds().len(), 2, "placing a hold twice must leave one");
        let at = Instant::from_secs;
        let forbids = |list: &HoldList, key, action, now| {
            list.forbidding("orders", key, action, now).is_some()
        };
        assert!(forbids(&list, "7", HeldAction::Ship, at(150)));
        assert!(!forbids(&list, "7", HeldAction::Refund, at(150)));
        assert!(!forbids(&list, "7", HeldAction::Ship, at(200)));
        assert!(!forbids(&list, "8", HeldAction::Ship, at(50)));
        assert_eq!(list.expire(at(60)).unwrap(), vec![HoldId::from("H2")]);
        assert!(list.lift(&"H1".into()).unwrap());
        assert!(!list.lift(&"H1".into()).unwrap());
        assert!(HoldList::open(&path).unwrap().holds().is_empty());
        assert!(!path.with_extension("json.new").exists());
    }

    #[test]
    fn a_strange_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("holds.json");
        fs::write(&path, "[1, 2").unwrap();
        assert!(matches!(
            HoldList::open(&path),
            Err(ContainError::NotAList { .. })
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "[1, 2");
    }

    #[test]
    fn a_failing_write_changes_nothing_in_memory_either() {
        let folder = tempfile::tempdir().unwrap();
        let mut list = HoldList::open(folder.path().join("missing/holds.json")).unwrap();
        assert!(matches!(
            list.place(hold("H1", "7", 100)),
            Err(ContainError::File { .. })
        ));
        assert!(list.holds().is_empty());
    }
}
