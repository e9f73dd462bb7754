//! One connection to MariaDB or MySQL for one repair: statements in, rows as the server's own text out.
//!
//! [`connect`] is the only place that knows how a connection is made.

use crate::ConnectError;
use crate::repair::server::{
    ANSWER_AFTER_MS, CONNECT_WITHIN, Failure, Refusal, authorities, check_tls, shown, url_of,
};
use crate::source::{ServerAddress, TlsMode};
use model::Value;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Params, SslOpts};
use std::io;
use std::time::Duration;
use tokio::runtime::Runtime;

/// One row as the server's text; `None` is NULL.
pub(super) type Cells = Vec<Option<Vec<u8>>>;

pub(super) struct Client {
    runtime: Runtime,
    connection: Option<Conn>,
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
    let url = url_of(address)?.replacen("mariadb://", "mysql://", 1);
    if !url.starts_with("mysql://") {
        return Err(wrong("it does not begin with mysql://"));
    }
    if url.contains('?') {
        return Err(wrong("it has parameters; TLS is set in the configuration"));
    }
    let opts = Opts::from_url(&url)
        .map_err(|_| wrong("it is not of the form mysql://user:password@host:port/database"))?;
    if opts.db_name().is_none_or(str::is_empty) {
        return Err(wrong("the database is missing behind the host"));
    }
    let host = opts
        .ip_or_hostname()
        .replace("%2F", "/")
        .replace("%2f", "/");
    let server = format!("{host}:{}", opts.tcp_port());
    check_tls(address, &host, &server)?;
    let mut builder = OptsBuilder::from_opts(opts)
        .prefer_socket(false)
        .stmt_cache_size(0)
        // An update counts the rows that it found, also where they held the values already.
        .client_found_rows(true);
    if host.starts_with('/') {
        builder = builder.socket(Some(host.clone()));
    } else if address.tls == TlsMode::Verify {
        let roots = vec![authorities(address, &server)?.into()];
        let tls = SslOpts::default()
            .with_root_certs(roots)
            .with_disable_built_in_roots(true);
        builder = builder.ssl_opts(tls);
    }
    // A program with two linked providers and no choice between them panics. That one was chosen
    // before is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let unreachable = |source| ConnectError::Unreachable {
        server: server.clone(),
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(unreachable)?;
    let opening = async { tokio::time::timeout(CONNECT_WITHIN, Conn::new(builder)).await };
    let connection = runtime.block_on(opening);
    let connection = connection.map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?;
    let answer_within = u64::from(statement_timeout_ms) + ANSWER_AFTER_MS;
    Ok(Client {
        connection: Some(connection.map_err(|error| login_error(&server, error))?),
        runtime,
        answer_within: Duration::from_millis(answer_within),
    })
}

fn login_error(server: &str, error: mysql_async::Error) -> ConnectError {
    let server = server.to_owned();
    match error {
        mysql_async::Error::Server(said) => ConnectError::LoginRefused {
            server,
            code: said.code.to_string(),
            message: shown(&said.message, None),
        },
        mysql_async::Error::Io(mysql_async::IoError::Tls(tls)) => ConnectError::Tls {
            server,
            what: tls.to_string(),
            source: None,
        },
        // The handshake's own words come as an error of the socket.
        mysql_async::Error::Io(mysql_async::IoError::Io(source))
            if source.kind() == io::ErrorKind::InvalidData =>
        {
            ConnectError::Tls {
                server,
                what: source.to_string(),
                source: None,
            }
        }
        mysql_async::Error::Io(mysql_async::IoError::Io(source)) => {
            ConnectError::Unreachable { server, source }
        }
        mysql_async::Error::Driver(mysql_async::DriverError::NoClientSslFlagFromServer) => {
            ConnectError::Tls {
                server,
                what: "the server has it switched off".to_owned(),
                source: None,
            }
        }
        other => ConnectError::Unreachable {
            server,
            source: io::Error::other(other),
        },
    }
}

impl Client {
    /// Runs one of our own statements, without parameters.
    pub(super) fn rows(&mut self, sql: &str) -> Result<Vec<Cells>, Failure> {
        let rows = self.wait(async |connection| {
            let rows: Vec<mysql_async::Row> = connection.query(sql).await?;
            Ok(rows)
        })?;
        Ok(rows.into_iter().map(cells).collect())
    }

    /// The first cell of the first row.
    pub(super) fn text(&mut self, sql: &str) -> Result<Option<String>, Failure> {
        let cell = self.rows(sql)?.into_iter().flatten().flatten().next();
        Ok(cell.map(|cell| String::from_utf8_lossy(&cell).into_owned()))
    }

    /// Runs one statement with its parameters; the server refuses several in one. Gives the number of
    /// rows that it changed.
    pub(super) fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, Failure> {
        let values: Vec<mysql_async::Value> = parameters.iter().map(bound).collect();
        let values = if values.is_empty() {
            Params::Empty
        } else {
            Params::Positional(values)
        };
        self.wait(async |connection| {
            let prepared = connection.prep(sql).await?;
            connection.exec_drop(&prepared, values.clone()).await?;
            Ok(connection.affected_rows())
        })
    }

    fn wait<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, mysql_async::Error>,
    ) -> Result<T, Failure> {
        let Some(connection) = &mut self.connection else {
            return Err(Failure::Lost(
                io::Error::from(io::ErrorKind::NotConnected).into(),
            ));
        };
        let limit = self.answer_within;
        let timed = async { tokio::time::timeout(limit, work(connection)).await };
        match self.runtime.block_on(timed) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failure(error)),
            Err(_) => Err(Failure::Lost(
                io::Error::new(io::ErrorKind::TimedOut, "the server does not answer").into(),
            )),
        }
    }
}

/// The connection is closed within its own runtime; the server rolls back what was not committed.
impl Drop for Client {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let limit = Duration::from_secs(5);
            let ended = async { tokio::time::timeout(limit, connection.disconnect()).await };
            drop(self.runtime.block_on(ended));
        }
    }
}

fn cells(row: mysql_async::Row) -> Cells {
    let cell = |value| match value {
        mysql_async::Value::NULL => None,
        mysql_async::Value::Bytes(bytes) => Some(bytes),
        // The text protocol has no others.
        other => Some(other.as_sql(true).into_bytes()),
    };
    row.unwrap().into_iter().map(cell).collect()
}

fn bound(value: &Value) -> mysql_async::Value {
    match value {
        Value::Null => mysql_async::Value::NULL,
        Value::Integer(i) => mysql_async::Value::Int(*i),
        Value::Real(r) => mysql_async::Value::Double(*r),
        Value::Text(bytes) | Value::Blob(bytes) => mysql_async::Value::Bytes(bytes.clone()),
    }
}

fn failure(error: mysql_async::Error) -> Failure {
    let said = match error {
        mysql_async::Error::Server(said) => said,
        // Not sent at all: too few parameters.
        mysql_async::Error::Driver(
            driver @ mysql_async::DriverError::StmtParamsMismatch { .. },
        ) => {
            return Failure::Refused(Refusal {
                code: "client".to_owned(),
                message: shown(&driver.to_string(), None),
            });
        }
        other => return Failure::Lost(other.into()),
    };
    // Shutting down, killed: the connection is gone, or soon will be.
    if matches!(said.code, 1053 | 1927) {
        return Failure::Lost(mysql_async::Error::Server(said).into());
    }
    // Duplicate entries and wrong values are quoted.
    let quote = matches!(said.code, 1062 | 1292 | 1366 | 1411).then_some('\'');
    Failure::Refused(Refusal {
        code: said.code.to_string(),
        message: shown(&said.message, quote),
    })
}
