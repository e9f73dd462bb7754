//! The same tests on both databases: each gets a place of its own for its store.

#[path = "../address/mod.rs"]
mod address;

use address::settings;
use std::path::PathBuf;
use store::{Store, StoreError};
use testkit::postgres::{Database, Server};

/// Which database a test runs on.
#[derive(Clone, Copy, Debug)]
pub enum On {
    Sqlite,
    Postgres,
}

impl On {
    pub fn place(self) -> Place {
        match self {
            Self::Sqlite => Place::Sqlite(tempfile::tempdir().unwrap()),
            Self::Postgres => Place::Postgres(Server::shared().database()),
        }
    }
}

/// Where one store lives; it can be opened again.
pub enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(Database),
}

impl Place {
    pub fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Store, StoreError> {
        match self {
            Self::Sqlite(folder) => {
                let path: PathBuf = folder.path().join("balefire.db");
                Store::open(&path)
            }
            Self::Postgres(database) => Store::open_postgres(settings(database)),
        }
    }
}

/// Makes two tests of each function named: one on SQLite, one on PostgreSQL.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(super::on::On::Sqlite); })*
        }
        mod postgres {
            $(#[test] fn $test() { super::$test(super::on::On::Postgres); })*
        }
    };
}
pub(crate) use on_both;
