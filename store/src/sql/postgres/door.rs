//! From settings to a connection that is let in and behaves as the store needs it.

use super::line::{Line, wait};
use super::{Link, PostgresSettings, PostgresTls, SqlError, tls};
use crate::StoreError;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Error, NoTls};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A statement gets this time on the server, and a little more on the way.
const STATEMENT_MS: u64 = 60_000;
const ANSWER_WITHIN: Duration = Duration::from_secs(75);
/// The oldest version that is tested and still mended by its makers.
const OLDEST: i64 = 140_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Write,
}

/// Makes connections; each of them reads the password anew, so that it may change.
#[derive(Clone)]
pub(crate) struct Door {
    settings: PostgresSettings,
    line: Arc<Line>,
}

impl Door {
    pub fn new(settings: PostgresSettings) -> Result<Self, StoreError> {
        settings.check()?;
        let line = Line::open().map_err(|source| StoreError::Unreachable {
            server: settings.server(),
            source,
        })?;
        Ok(Self {
            settings,
            line: Arc::new(line),
        })
    }

    pub fn server(&self) -> String {
        self.settings.server()
    }

    pub fn open(&self, purpose: Purpose) -> Result<Link, StoreError> {
        let mut config = Config::new();
        config
            .host(&self.settings.host)
            .port(self.settings.port)
            .dbname(&self.settings.database)
            .user(&self.settings.user)
            .application_name("balefire")
            .connect_timeout(CONNECT_WITHIN)
            .tcp_user_timeout(Duration::from_secs(30))
            .keepalives_idle(Duration::from_secs(30));
        if let Some(password) = self.settings.password()? {
            config.password(password);
        }
        let (client, connection) = self.enter(config)?;
        let link = Link {
            client,
            connection,
            statements: RefCell::new(HashMap::new()),
            lost: Cell::new(false),
            within: ANSWER_WITHIN,
            _line: Arc::clone(&self.line),
        };
        let prepared = set_up(&link, purpose).and_then(|()| unfit(&link));
        match prepared.map_err(|e| self.failed(e))? {
            None => Ok(link),
            Some(what) => Err(StoreError::Unfit {
                server: self.server(),
                what,
            }),
        }
    }

    fn enter(&self, mut config: Config) -> Result<(Client, AbortHandle), StoreError> {
        let handle = self.line.handle().clone();
        let secure = self.settings.tls == PostgresTls::Verify && !self.settings.over_socket();
        config.ssl_mode(if secure {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        let entered = if secure {
            let connector = tls::connector(&self.settings)?;
            let spawner = handle.clone();
            handle.spawn(async move {
                let (client, connection) = config.connect(connector).await?;
                Ok::<_, Error>((client, spawner.spawn(connection).abort_handle()))
            })
        } else {
            let spawner = handle.clone();
            handle.spawn(async move {
                let (client, connection) = config.connect(NoTls).await?;
                Ok::<_, Error>((client, spawner.spawn(connection).abort_handle()))
            })
        };
        match wait(entered, CONNECT_WITHIN * 2) {
            Some(Ok(Ok(entered))) => Ok(entered),
            Some(Ok(Err(error))) => Err(self.refused(&error)),
            Some(Err(_)) | None => Err(self.failed(SqlError::lost("the server does not answer"))),
        }
    }

    fn refused(&self, error: &Error) -> StoreError {
        let server = self.server();
        if let Some(said) = error.as_db_error() {
            let (code, message) = (said.code().code().to_owned(), said.message().to_owned());
            // Starting or stopping: to be tried again.
            if code.starts_with("57P") {
                return self.failed(SqlError::lost(message));
            }
            return StoreError::LoginRefused {
                server,
                code,
                message,
            };
        }
        let cause = std::error::Error::source(error);
        let what = cause.map_or_else(|| error.to_string(), ToString::to_string);
        let text = error.to_string();
        if text.contains("TLS") {
            return StoreError::Tls { server, what };
        }
        if text.contains("password") || text.contains("authentication") {
            return StoreError::LoginRefused {
                server,
                code: "28P01".to_owned(),
                message: what,
            };
        }
        self.failed(SqlError::lost(what))
    }

    fn failed(&self, error: SqlError) -> StoreError {
        match error {
            SqlError::Lost { detail } => StoreError::Unreachable {
                server: self.server(),
                source: io::Error::other(detail),
            },
            other => StoreError::of(other, "preparing a connection"),
        }
    }
}

fn set_up(link: &Link, purpose: Purpose) -> Result<(), SqlError> {
    // What the server holds back longer than this is a fault of ours or of the network. Values of
    // the plan decide it anew each time: a rare word and a common one need other ways.
    let mut settings = format!(
        "SET statement_timeout = {STATEMENT_MS}; SET lock_timeout = 5000;
         SET idle_in_transaction_session_timeout = {STATEMENT_MS};
         SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
         SET standard_conforming_strings = on; SET client_min_messages = warning; SET jit = off;
         SET plan_cache_mode = force_custom_plan; SET TimeZone = 'UTC';"
    );
    match purpose {
        Purpose::Read => settings.push_str("SET default_transaction_read_only = on;"),
        // An acknowledgement means fsynced; a server that is told to wait for more keeps to it.
        Purpose::Write => settings.push_str(
            "SELECT set_config('synchronous_commit', 'on', false)
             WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');",
        ),
    }
    link.run(&settings)
}

/// What keeps this server from holding the store.
fn unfit(link: &Link) -> Result<Option<String>, SqlError> {
    let sql = "SELECT CAST(current_setting('server_version_num') AS BIGINT), current_setting('server_encoding'),
               CAST(pg_is_in_recovery() AS TEXT), current_setting('fsync')";
    let rows = link.query(sql, &[])?;
    let row = rows.first().ok_or(SqlError::NoRow)?;
    let row = crate::sql::Row::Postgres(row);
    let version: i64 = row.get(0)?;
    let (encoding, follows, fsync): (String, String, String) =
        (row.get(1)?, row.get(2)?, row.get(3)?);
    if fsync == "off" {
        tracing::warn!(
            "the store's PostgreSQL runs with fsync = off: a power failure can lose what was acknowledged"
        );
    }
    Ok(if version < OLDEST {
        Some(format!(
            "it is PostgreSQL {}; the store needs {} or later",
            version / 10_000,
            OLDEST / 10_000
        ))
    } else if encoding != "UTF8" {
        Some(format!(
            "the database is encoded as {encoding}; make one with ENCODING 'UTF8'"
        ))
    } else if follows == "true" {
        Some("it is a standby, which takes no writes; name the primary".to_owned())
    } else {
        None
    })
}
