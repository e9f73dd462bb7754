//! The address of a server, read from its file. What stands in the file never gets into an error.

use crate::ConnectError;
use crate::source::{ServerAddress, TlsMode};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

const DEFAULT_PORT: u16 = 3306;

/// Where the server is and who we are there.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) database: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    /// The server's Unix socket.
    Socket(PathBuf),
}

/// Without the password.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.server())
    }
}

impl Target {
    pub(super) fn of(address: &ServerAddress) -> Result<Self, ConnectError> {
        let path = &address.url_file;
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ConnectError::Missing { path: path.clone() },
            _ => ConnectError::Unreadable {
                path: path.clone(),
                source,
            },
        })?;
        let target = Self::parse(text.trim()).map_err(|what| ConnectError::AddressFile {
            path: path.clone(),
            what,
        })?;
        if address.tls == TlsMode::Off && !target.is_local() {
            return Err(ConnectError::TlsWanted {
                server: target.server(),
            });
        }
        Ok(target)
    }

    /// Host and port, for people.
    pub(super) fn server(&self) -> String {
        match &self.host {
            Host::Name(name) => format!("{name}:{}", self.port),
            Host::Socket(path) => path.display().to_string(),
        }
    }

    fn is_local(&self) -> bool {
        match &self.host {
            Host::Socket(_) => true,
            Host::Name(name) => {
                name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
        }
    }

    fn parse(url: &str) -> Result<Self, &'static str> {
        let rest = url
            .strip_prefix("mysql://")
            .or_else(|| url.strip_prefix("mariadb://"))
            .ok_or("it does not begin with mysql://")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !query.is_empty() {
            return Err("it has parameters; TLS is set in the configuration");
        }
        let (place, database) = rest
            .split_once('/')
            .ok_or("the database is missing behind the host")?;
        let (who, place) = place.rsplit_once('@').ok_or("the user is missing")?;
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        let (host, port) = host_and_port(place)?;
        let host = decoded(host)?;
        let target = Self {
            host: match host.as_str() {
                "" => return Err("the host is missing"),
                path if path.starts_with('/') => Host::Socket(Path::new(path).to_owned()),
                _ => Host::Name(host),
            },
            port,
            user: decoded(user)?,
            password: decoded(password)?,
            database: decoded(database)?,
        };
        let texts = [&target.user, &target.database];
        if texts
            .iter()
            .any(|text| text.is_empty() || text.contains('\0'))
        {
            return Err("the user or the database is missing");
        }
        Ok(target)
    }
}

fn host_and_port(place: &str) -> Result<(&str, u16), &'static str> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("a bracket is missing")?;
            (host, port.strip_prefix(':'))
        }
        None => match place.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        None | Some("") => DEFAULT_PORT,
        Some(port) => port.parse().map_err(|_| "the port is not a number")?,
    };
    Ok((host, port))
}

fn decoded(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "a percent sign is not followed by two hexadecimal digits";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2).ok_or(WRONG)?;
        let digits = std::str::from_utf8(digits).map_err(|_| WRONG)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| WRONG)?);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_whole() {
        let target = Target::parse("mysql://guard:p%40ss%3A@db.example:3307/shop").unwrap();
        assert_eq!(target.host, Host::Name("db.example".into()));
        assert_eq!((target.port, target.user.as_str()), (3307, "guard"));
        assert_eq!(
            (target.password.as_str(), target.database.as_str()),
            ("p@ss:", "shop")
        );
        let six = Target::parse("mariadb://g@[::1]/shop").unwrap();
        assert_eq!((six.host, six.port), (Host::Name("::1".into()), 3306));
        let socket = Target::parse("mysql://g@%2Frun%2Fmysqld.sock/shop").unwrap();
        assert_eq!(socket.host, Host::Socket("/run/mysqld.sock".into()));
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let target = Target::parse("mysql://guard:geheim@db.example/shop").unwrap();
        assert!(!format!("{target:?}").contains("geheim"));
        for url in [
            "geheim",
            "mysql://geheim",
            "mysql://u:geheim@h:x/d",
            "mysql://u:geheim%z@h/d",
            "mysql://u:geheim@h/",
            "mysql://u:geheim@h/d?ssl-mode=disabled",
        ] {
            let what = Target::parse(url).unwrap_err();
            assert!(!what.contains("geheim"), "{url}: {what}");
        }
    }
}
