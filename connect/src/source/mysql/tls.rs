//! TLS to the server: its certificate and its name are checked, always. Provider: ring, named here,
//! since a program with two linked providers and no choice between them panics.

use super::url::Target;
use crate::ConnectError;
use crate::source::ServerAddress;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

pub(super) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// Where systems keep the authorities that they trust: Debian, Red Hat, Alpine, SUSE.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// Shakes hands over a connection on which the server agreed to TLS.
pub(super) fn secured(
    address: &ServerAddress,
    target: &Target,
    name: &str,
    mut socket: TcpStream,
) -> Result<TlsStream, ConnectError> {
    let failed = |what: &str, source| ConnectError::Tls {
        server: target.server(),
        what: what.to_owned(),
        source,
    };
    let roots = authorities(address.ca_file.as_deref())?;
    if roots.is_empty() {
        return Err(failed("no certificate of an authority was found", None));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| {
            failed(
                "its versions are not supported",
                Some(std::io::Error::other(e)),
            )
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| failed("the host is no name that a certificate could hold", None))?;
    let mut connection = ClientConnection::new(Arc::new(config), name)
        .map_err(|e| failed("it could not begin", Some(std::io::Error::other(e))))?;
    while connection.is_handshaking() {
        connection
            .complete_io(&mut socket)
            .map_err(|e| failed("the handshake failed", Some(e)))?;
    }
    Ok(StreamOwned::new(connection, socket))
}

fn authorities(file: Option<&Path>) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        let unreadable = |source: rustls::pki_types::pem::Error| ConnectError::Unreadable {
            path: file.to_owned(),
            source: std::io::Error::other(source),
        };
        for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
            // One that is no authority is left out; if none is left, that is said.
            drop(roots.add(certificate.map_err(unreadable)?));
        }
        return Ok(roots);
    }
    for path in SYSTEM_AUTHORITIES {
        let Ok(found) = CertificateDer::pem_file_iter(path) else {
            continue;
        };
        roots.add_parsable_certificates(found.filter_map(Result::ok));
        if !roots.is_empty() {
            break;
        }
    }
    Ok(roots)
}
