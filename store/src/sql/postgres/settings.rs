//! Where the server is and who we are there. The password stands in a file and nowhere else.

use crate::StoreError;
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresSettings {
    /// A name, an address, or the folder of the server's Unix socket, which begins with `/`.
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    /// Holds the password alone; read again at each connection. None: the server asks for none.
    pub password_file: Option<PathBuf>,
    pub tls: PostgresTls,
    /// Certificates (PEM) that sign the server's; the system's when absent.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PostgresTls {
    /// Certificate and host name are checked.
    #[default]
    Verify,
    /// No TLS. Refused for servers that are not on this machine.
    Off,
}

impl PostgresSettings {
    /// Host, port and database, for people.
    pub(crate) fn server(&self) -> String {
        format!("{}:{}/{}", self.host, self.port, self.database)
    }

    pub(super) fn over_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        let here = self.over_socket()
            || self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let what = if self.tls == PostgresTls::Off && !here {
            "TLS is off, and the server is not on this machine; leave `tls` out"
        } else if [&self.host, &self.database, &self.user]
            .iter()
            .any(|t| t.is_empty())
        {
            "`host`, `database` and `user` must be named"
        } else {
            return Ok(());
        };
        Err(StoreError::Unfit {
            server: self.server(),
            what: what.to_owned(),
        })
    }

    pub(super) fn password(&self) -> Result<Option<String>, StoreError> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path).map_err(|source| StoreError::Unreadable {
            path: path.clone(),
            source,
        })?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}
