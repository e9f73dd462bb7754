//! What both kinds of servers have in common: what they refuse, and the file with the address.

use super::refusal::Cause;
use super::{RepairError, RowFault};
use crate::ConnectError;
use crate::source::{ServerAddress, TlsMode};
use model::RepairStep;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// Beyond the limit that the server itself keeps, so that its own words arrive.
pub(super) const ANSWER_AFTER_MS: u64 = 15_000;
pub(super) const CONNECT_WITHIN: std::time::Duration = std::time::Duration::from_secs(15);

/// Why a server did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(Refusal),
    /// There is no connection any more.
    Lost(Cause),
}

/// The server's own words; its details, which may hold values of the shop, are left out.
#[derive(Debug)]
pub(super) struct Refusal {
    /// SQLSTATE, or MySQL's number.
    pub(super) code: String,
    pub(super) message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Refusal {}

/// Codes that stand for the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A lock was not had in time, or had to be given up.
    Locked,
    /// The account may not write, or nobody may.
    ReadOnly,
    /// It is not one statement.
    NotOne,
    Other,
}

/// The error for what a server said while doing this, for this row where one is concerned.
pub(super) fn error(
    doing: &str,
    step: Option<&RepairStep>,
    failure: Failure,
    meaning: impl Fn(&str) -> Meaning,
) -> RepairError {
    let refusal = match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Lost(source) => {
            return RepairError::Lost {
                doing: doing.to_owned(),
                source,
            };
        }
    };
    let what = step.map_or_else(
        || "a table of the repair".to_owned(),
        |s| format!("row {} of {}", s.key, s.table),
    );
    match (meaning(&refusal.code), step) {
        (Meaning::Locked, _) => RepairError::Locked {
            what,
            doing: doing.to_owned(),
            source: refusal.into(),
        },
        (Meaning::ReadOnly, step) => RepairError::ReadOnly {
            what: step.map_or(what, |step| format!("table {}", step.table)),
            source: refusal.into(),
        },
        (Meaning::NotOne, Some(step)) => RepairError::row(step, RowFault::Statement),
        (_, Some(step)) => RepairError::row_sql(step, refusal),
        (_, None) => RepairError::Sql {
            doing: doing.to_owned(),
            source: refusal.into(),
        },
    }
}

/// The one line of the address's file. What stands in it never gets into an error.
pub(super) fn url_of(address: &ServerAddress) -> Result<String, ConnectError> {
    let path = &address.url_file;
    let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ConnectError::Missing { path: path.clone() },
        _ => ConnectError::Unreadable {
            path: path.clone(),
            source,
        },
    })?;
    Ok(text.trim().to_owned())
}

/// Without TLS only this machine is spoken to.
pub(super) fn check_tls(
    address: &ServerAddress,
    host: &str,
    server: &str,
) -> Result<(), ConnectError> {
    let here = host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if address.tls == TlsMode::Off && !here {
        return Err(ConnectError::TlsWanted {
            server: server.to_owned(),
        });
    }
    Ok(())
}

/// Where systems keep the authorities that they trust: Debian, Red Hat, Alpine, SUSE.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// The file with the certificates that may sign the server's.
pub(super) fn authorities(address: &ServerAddress, server: &str) -> Result<PathBuf, ConnectError> {
    if let Some(file) = &address.ca_file {
        return Ok(file.clone());
    }
    let mut known = SYSTEM_AUTHORITIES.iter().map(PathBuf::from);
    known
        .find(|path| path.is_file())
        .ok_or_else(|| ConnectError::Tls {
            server: server.to_owned(),
            what: "no certificate of an authority was found".to_owned(),
            source: None,
        })
}

/// The server quotes values and statements: what is shown of them has an end, and where the message
/// is about a value, what stands in `quote`s is left out.
pub(super) fn shown(message: &str, quote: Option<char>) -> String {
    const MOST: usize = 300;
    let mut out = String::new();
    let mut within = false;
    for c in message.chars() {
        if Some(c) == quote {
            if !within {
                out.push_str("(a value)");
            }
            within = !within;
        } else if !within {
            out.push(c);
        }
    }
    if let Some((at, _)) = out.char_indices().nth(MOST) {
        out.truncate(at);
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn values_in_messages_are_left_out() {
        let message = "Duplicate entry '13800000000' for key 'phone'";
        assert_eq!(
            shown(message, Some('\'')),
            "Duplicate entry (a value) for key (a value)"
        );
        assert_eq!(shown("Unknown column 'x'", None), "Unknown column 'x'");
        assert_eq!(shown(&"x".repeat(400), None).chars().count(), 301);
    }
}
