//! What a database says when it refuses, without the values that it quotes.

use std::error::Error;
use thiserror::Error;
use tokio_postgres::error::Severity;

#[derive(Debug, Error)]
pub enum SqlError {
    #[error("SQLite refused")]
    Sqlite(#[from] rusqlite::Error),
    /// The server's SQLSTATE and message; details are left out, they quote what is stored.
    #[error("PostgreSQL refused with {code}: {message}")]
    Server { code: String, message: String },
    /// The connection is gone; whether the statement was carried out is not known.
    #[error("the connection is gone: {detail}")]
    Lost { detail: String },
    #[error("the statement gave no row")]
    NoRow,
    #[error("column {column} is not what it should be")]
    Column { column: usize },
}

impl SqlError {
    pub(crate) fn lost(detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Lost { detail }
    }

    pub(crate) const fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }

    /// The server's SQLSTATE.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Server { code, .. } => Some(code),
            _ => None,
        }
    }
}

impl From<tokio_postgres::Error> for SqlError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(said) = error.as_db_error() {
            let code = said.code().code();
            let ended = matches!(
                said.parsed_severity(),
                Some(Severity::Fatal | Severity::Panic)
            );
            if ended || code.starts_with("08") || code.starts_with("57P") {
                return Self::lost(said.message());
            }
            // Class 22, "data exception": the message quotes the value.
            let message = match code.starts_with("22") {
                true => "a value does not fit",
                false => said.message(),
            };
            return Self::Server {
                code: code.to_owned(),
                message: message.to_owned(),
            };
        }
        let cause = error.source();
        if error.is_closed() || cause.is_some_and(|c| c.is::<std::io::Error>()) {
            return Self::lost(cause.map_or_else(|| error.to_string(), ToString::to_string));
        }
        Self::Server {
            code: "client".to_owned(),
            message: error.to_string(),
        }
    }
}
