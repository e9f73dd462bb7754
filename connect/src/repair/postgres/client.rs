//! One connection to PostgreSQL for one repair: statements in, rows as the server's own text out.
//!
//! [`connect`] is the only place that knows how a connection is made.

use crate::ConnectError;
use crate::repair::refusal::Cause;
use crate::repair::server::{
    ANSWER_AFTER_MS, CONNECT_WITHIN, Failure, Refusal, authorities, check_tls, shown, url_of,
};
use crate::source::{ServerAddress, TlsMode};
use model::Value;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

/// One row as text; `None` is NULL.
pub(super) type Texts = Vec<Option<String>>;

pub(super) struct Client {
    runtime: Runtime,
    client: tokio_postgres::Client,
    answer_within: Duration,
}

/// Logs in as the writing account, over TLS unless the server is on this machine.
pub(super) fn connect(
    address: &ServerAddress,
    statement_timeout_ms: u32,
) -> Result<Client, ConnectError> {
    let wrong = |what| ConnectError::AddressFile {
        path: address.url_file.clone(),
        what,
    };
    let url = url_of(address)?;
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(wrong("it does not begin with postgres://"));
    }
    let mut config: Config = url
        .parse()
        .map_err(|_| wrong("it is not of the form postgres://user:password@host:port/database"))?;
    let (host, over_tls) = match config.get_hosts() {
        [Host::Tcp(name)] => (name.clone(), address.tls == TlsMode::Verify),
        [Host::Unix(path)] => (path.display().to_string(), false),
        _ => return Err(wrong("it must name one host")),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let server = format!("{host}:{port}");
    check_tls(address, &host, &server)?;
    config
        .application_name("balefire repair")
        .connect_timeout(CONNECT_WITHIN)
        .ssl_mode(if over_tls {
            SslMode::Require
        } else {
            SslMode::Disable
        });
    let unreachable = |source| ConnectError::Unreachable {
        server: server.clone(),
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(unreachable)?;
    let refused = |error: tokio_postgres::Error| login_error(&server, &error);
    let client = if over_tls {
        let tls = MakeRustlsConnect::new(tls(address, &server)?);
        let (client, connection) = runtime.block_on(config.connect(tls)).map_err(refused)?;
        runtime.spawn(connection);
        client
    } else {
        let (client, connection) = runtime.block_on(config.connect(NoTls)).map_err(refused)?;
        runtime.spawn(connection);
        client
    };
    let answer_within = u64::from(statement_timeout_ms) + ANSWER_AFTER_MS;
    Ok(Client {
        runtime,
        client,
        answer_within: Duration::from_millis(answer_within),
    })
}

fn tls(address: &ServerAddress, server: &str) -> Result<ClientConfig, ConnectError> {
    let path = authorities(address, server)?;
    let unreadable = |source: rustls::pki_types::pem::Error| ConnectError::Unreadable {
        path: path.clone(),
        source: io::Error::other(source),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&path).map_err(unreadable)? {
        // One that is no authority is left out; if none is left, the handshake fails.
        drop(roots.add(certificate.map_err(unreadable)?));
    }
    // Named, since a program with two linked providers and no choice between them panics.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ConnectError::Tls {
            server: server.to_owned(),
            what: "its versions are not supported".to_owned(),
            source: Some(io::Error::other(e)),
        })?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn login_error(server: &str, error: &tokio_postgres::Error) -> ConnectError {
    let server = server.to_owned();
    if let Some(said) = error.as_db_error() {
        return ConnectError::LoginRefused {
            server,
            code: said.code().code().to_owned(),
            message: said.message().to_owned(),
        };
    }
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let what = cause.unwrap_or_else(|| error.to_string());
    if error.to_string().contains("TLS") {
        return ConnectError::Tls {
            server,
            what,
            source: None,
        };
    }
    ConnectError::Unreachable {
        server,
        source: io::Error::other(what),
    }
}

impl Client {
    /// Runs our own statements, without parameters; gives the rows of the last one that has any.
    pub(super) fn rows(&mut self, sql: &str) -> Result<Vec<Texts>, Failure> {
        let messages = self.wait(self.client.simple_query(sql))?;
        let mut rows = Vec::new();
        for message in messages {
            if let SimpleQueryMessage::Row(row) = message {
                let cells = (0..row.len()).map(|i| row.get(i).map(str::to_owned));
                rows.push(cells.collect());
            }
        }
        Ok(rows)
    }

    /// Runs one statement with its parameters as text; the server refuses several in one. Gives the
    /// number of rows that it changed.
    pub(super) fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, Failure> {
        let texts: Vec<AsText> = parameters.iter().map(|p| AsText(text_of(p))).collect();
        let values: Vec<&(dyn ToSql + Sync)> =
            texts.iter().map(|t| t as &(dyn ToSql + Sync)).collect();
        self.wait(async {
            let statement = self.client.prepare(sql).await?;
            self.client.execute(&statement, &values).await
        })
    }

    fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        let timed = async { tokio::time::timeout(self.answer_within, work).await };
        match self.runtime.block_on(timed) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failure(error)),
            Err(_) => Err(Failure::Lost(
                io::Error::new(io::ErrorKind::TimedOut, "the server does not answer").into(),
            )),
        }
    }
}

/// A value's text for a parameter of whatever type: the server reads it by the type's own input.
#[derive(Debug)]
struct AsText(Option<String>);

impl ToSql for AsText {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Cause> {
        let Some(text) = &self.0 else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

fn failure(error: tokio_postgres::Error) -> Failure {
    let Some(said) = error.as_db_error() else {
        let cause = std::error::Error::source(&error);
        return if error.is_closed() || cause.is_some_and(|c| c.is::<io::Error>()) {
            Failure::Lost(error.into())
        } else {
            // Not sent at all: too few parameters, a NUL in a text.
            Failure::Refused(Refusal {
                code: "client".to_owned(),
                message: shown(&error.to_string(), None),
            })
        };
    };
    let code = said.code().code();
    // Shut down, or ended by an administrator: the connection goes with it.
    if code.starts_with("57P") || code.starts_with("08") {
        return Failure::Lost(error.into());
    }
    // Class 22, "data exception": the message quotes the value.
    let quote = code.starts_with("22").then_some('"');
    Failure::Refused(Refusal {
        code: code.to_owned(),
        message: shown(said.message(), quote),
    })
}

/// A value as PostgreSQL reads it. Bytes that are no UTF-8 cannot be said to it; what arrives
/// instead is noticed when the row is read back.
pub(super) fn text_of(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(i) => i.to_string(),
        Value::Real(r) if r.is_infinite() => {
            let name = if *r > 0.0 { "Infinity" } else { "-Infinity" };
            name.to_owned()
        }
        Value::Real(r) => r.to_string(),
        Value::Text(t) => String::from_utf8_lossy(t).into_owned(),
        Value::Blob(b) => format!("\\x{}", model::digest::hex(b)),
    })
}
