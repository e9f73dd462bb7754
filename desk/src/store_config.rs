//! `[store]`: where the program's own data lies. A file in the data folder unless it says
//! otherwise; then a database of a PostgreSQL server. Deliberately not here: sources, which are the
//! shop's databases and are never written to by what stands here.

use crate::{DataFolder, DeskError};
use connect::source::TlsMode;
use model::Digest;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::{Path, PathBuf};
use store::{Batch, PostgresSettings, PostgresTls, Store};

const DEFAULT_PORT: u16 = 5432;
/// Which data folder a database belongs to.
const FOLDER_MARK: &str = "data folder";

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    pub kind: StoreKind,
    /// A name, an address, or the folder of the server's Unix socket.
    pub host: Option<String>,
    pub port: Option<u16>,
    pub database: Option<String>,
    pub user: Option<String>,
    /// File with the password alone; relative paths are taken from the configuration's folder.
    pub password_file: Option<PathBuf>,
    /// Refused, without showing the line in which it stands.
    password: Option<IgnoredAny>,
    pub tls: Option<TlsMode>,
    /// Certificates (PEM) that sign the server's; the system's when absent.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// `balefire.db` in the data folder.
    #[default]
    Sqlite,
    Postgres,
}

impl StoreConfig {
    /// Opens the store, and takes a new database for this folder. `folder_key` is the folder's own.
    pub(crate) fn open(&self, folder: &DataFolder, folder_key: &str) -> Result<Store, DeskError> {
        let Some(settings) = self.postgres() else {
            return Ok(Store::open(&folder.store())?);
        };
        let store = Store::open_postgres(settings)?;
        // Seven bytes: every database keeps such a number as it is.
        let digest = Digest::of(folder_key.as_bytes());
        let own = digest.0[..7].iter().fold(0, |n, b| n << 8 | u64::from(*b));
        match store.mark(FOLDER_MARK)? {
            Some(its) if its == own => {}
            Some(_) => return Err(DeskError::StoreOfAnother),
            None => {
                let marks = vec![(FOLDER_MARK.to_owned(), own)];
                store.commit(Batch {
                    marks,
                    ..Batch::default()
                })?;
            }
        }
        Ok(store)
    }

    fn postgres(&self) -> Option<PostgresSettings> {
        let named = |text: &Option<String>| text.clone().unwrap_or_default();
        (self.kind == StoreKind::Postgres).then(|| PostgresSettings {
            host: named(&self.host),
            port: self.port.unwrap_or(DEFAULT_PORT),
            database: named(&self.database),
            user: named(&self.user),
            password_file: self.password_file.clone(),
            tls: match self.tls.unwrap_or_default() {
                TlsMode::Verify => PostgresTls::Verify,
                TlsMode::Off => PostgresTls::Off,
            },
            ca_file: self.ca_file.clone(),
        })
    }

    pub(crate) fn in_folder(&mut self, folder: &Path) {
        let files = [&mut self.password_file, &mut self.ca_file];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
    }

    /// What is missing or out of place.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.password.is_some() {
            return Some("[store]: no password stands here; write it into a file of its own and name that in `password_file`".into());
        }
        let set = [
            ("host", self.host.is_some()),
            ("database", self.database.is_some()),
            ("user", self.user.is_some()),
            ("port", self.port.is_some()),
            ("password_file", self.password_file.is_some()),
            ("tls", self.tls.is_some()),
            ("ca_file", self.ca_file.is_some()),
        ];
        let (name, why) = match self.kind {
            StoreKind::Sqlite => (
                set.iter().find(|(_, set)| *set)?.0,
                "is for kind = \"postgres\"; without it the data lies in balefire.db",
            ),
            StoreKind::Postgres => (
                set[..3].iter().find(|(_, set)| !set)?.0,
                "is missing; kind = \"postgres\" needs `host`, `database` and `user`",
            ),
        };
        Some(format!("[store]: `{name}` {why}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use std::path::Path;

    #[test]
    fn a_store_has_what_its_kind_needs() {
        let told = |text: &str| Config::parse(&format!("[store]\n{text}")).unwrap_err();
        assert!(told("kind = \"postgres\"\nhost = \"db\"").contains("`database` is missing"));
        assert!(told("host = \"db\"").contains("`host` is for kind"));
        assert!(told("pasword_file = \"x\"").contains("did you mean `password_file`?"));
        let refused = told("kind = \"postgres\"\npassword = \"geheim\"");
        assert!(refused.contains("`password_file`") && !refused.contains("geheim"));
        let good = "kind = \"postgres\"\nhost = \"db\"\ndatabase = \"b\"\nuser = \"u\"\npassword_file = \"p\"";
        let mut config = Config::parse(&format!("[store]\n{good}")).unwrap();
        config.store.in_folder(Path::new("/etc/balefire"));
        let settings = config.store.postgres().unwrap();
        assert_eq!(settings.port, 5432);
        assert_eq!(
            settings.password_file.as_deref(),
            Some(Path::new("/etc/balefire/p"))
        );
        assert_eq!(Config::parse("").unwrap().store.postgres(), None);
    }
}
