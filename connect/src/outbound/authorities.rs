//! The certificates of authorities that a server's must lead to: the system's, or the operator's.

use super::OutboundError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;

/// Where systems keep the authorities that they trust: Debian, Red Hat, Alpine, SUSE.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// Those of the file, else the system's. The system may have none: then every handshake fails
/// and says so, while plain http to a listed host still works.
pub(crate) fn authorities(
    file: Option<&Path>,
) -> Result<Vec<CertificateDer<'static>>, OutboundError> {
    let Some(path) = file else {
        let found = SYSTEM
            .iter()
            .filter_map(|path| CertificateDer::pem_file_iter(path).ok());
        return Ok(found
            .map(|found| found.filter_map(Result::ok).collect::<Vec<_>>())
            .find(|found| !found.is_empty())
            .unwrap_or_default());
    };
    let found =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| OutboundError::Authorities {
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    if found.is_empty() {
        return Err(OutboundError::NoAuthorities);
    }
    Ok(found)
}
