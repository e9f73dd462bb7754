//! TLS to the server: its certificate and its name are checked, always.

use super::PostgresSettings;
use crate::StoreError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Where systems keep the authorities that they trust: Debian, Red Hat, Alpine, SUSE.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

pub(super) fn connector(settings: &PostgresSettings) -> Result<MakeRustlsConnect, StoreError> {
    let failed = |what: &str| StoreError::Tls {
        server: settings.server(),
        what: what.to_owned(),
    };
    let mut known = SYSTEM_AUTHORITIES.iter().map(PathBuf::from);
    let file = settings
        .ca_file
        .clone()
        .or_else(|| known.find(|path| path.is_file()))
        .ok_or_else(|| failed("no certificate of an authority was found"))?;
    let unreadable = |source: rustls::pki_types::pem::Error| StoreError::Unreadable {
        path: file.clone(),
        source: io::Error::other(source),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&file).map_err(unreadable)? {
        // One that is no authority is left out; if none is left, the handshake fails.
        drop(roots.add(certificate.map_err(unreadable)?));
    }
    // Named, since a program with two linked providers and no choice between them panics.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| failed("its versions are not supported"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
