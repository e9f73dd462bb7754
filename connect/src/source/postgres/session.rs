//! A connection on which statements are run: login, rows, copies.
//!
//! Every session runs under the same settings, so that the server writes a value in one way only.

use super::login;
use super::url::Target;
use super::wire::{Message, Reader, Wait, Wire, put_text};
use crate::ConnectError;
use crate::source::ServerAddress;
use std::io;
use std::time::Duration;

/// A statement gets this time on the server, and a little more on the way.
const STATEMENT_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(45);
/// A copy of a table says nothing while the server sorts it.
const COPY_WITHIN: Duration = Duration::from_secs(3600);
/// Rows that one statement may give where all are kept: columns of all tables of a shop.
const MAX_ROWS: usize = 1_000_000;

/// One row as text; `None` is NULL.
pub(super) type Texts = Vec<Option<String>>;

/// Receives the cells of each row in the server's bytes.
pub(super) type EachRow<'a> = &'a mut dyn FnMut(&[Option<&[u8]>]) -> Result<(), ConnectError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Nothing can be written.
    Read,
    /// Slot and publication are made and removed.
    Attach,
    /// Changes are streamed.
    Follow,
}

pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) server: String,
    /// As `server_version_num`, 150004 for 15.4.
    pub(super) version: u32,
    /// The connection cannot be used any more.
    pub(super) broken: bool,
}

impl Session {
    pub(super) fn open(address: &ServerAddress, purpose: Purpose) -> Result<Self, ConnectError> {
        let target = Target::of(address)?;
        let wire = login::connect(address, &target, purpose)?;
        let mut session = Self {
            wire,
            server: target.server(),
            version: 0,
            broken: false,
        };
        let rows = session.simple("asking for the version", "SHOW server_version_num")?;
        let version = rows
            .first()
            .and_then(|row| row.first()?.as_deref()?.parse().ok());
        session.version = version.ok_or_else(|| session.odd("connecting", "it has no version"))?;
        // Names in our own statements are the system's; the feed's session has the same path, so
        // that names within values are written alike. Unnamed, the schema of temporary tables would
        // come first.
        session.simple(
            "setting the search path",
            "SET search_path = pg_catalog, pg_temp",
        )?;
        if purpose == Purpose::Read {
            session.simple(
                "setting a limit",
                &format!("SET statement_timeout = {}", STATEMENT_WITHIN.as_millis()),
            )?;
            session.simple(
                "giving up writing",
                "SET default_transaction_read_only = on",
            )?;
            // A row that a policy hides must be an error, never a row that is not there.
            session.simple("asking for every row", "SET row_security = off")?;
        }
        Ok(session)
    }

    /// Runs one statement without parameters, or several that give nothing.
    pub(super) fn simple(&mut self, doing: &str, sql: &str) -> Result<Vec<Texts>, ConnectError> {
        self.wire.put(b'Q', |out| put_text(out, sql));
        self.kept(doing)
    }

    /// Runs one statement with parameters in text form.
    pub(super) fn query(
        &mut self,
        doing: &str,
        sql: &str,
        parameters: &[&[u8]],
    ) -> Result<Vec<Texts>, ConnectError> {
        self.ask(sql, parameters);
        self.kept(doing)
    }

    /// As [`Session::query`], handing over each row in the server's bytes.
    pub(super) fn each_row(
        &mut self,
        doing: &str,
        sql: &str,
        parameters: &[&[u8]],
        each: EachRow<'_>,
    ) -> Result<(), ConnectError> {
        self.ask(sql, parameters);
        self.answered(doing, each)
    }

    fn ask(&mut self, sql: &str, parameters: &[&[u8]]) {
        self.put_parse(sql);
        self.wire.put(b'B', |out| {
            out.extend_from_slice(&[0, 0, 0, 0]);
            out.extend_from_slice(&(parameters.len() as u16).to_be_bytes());
            for parameter in parameters {
                out.extend_from_slice(&(parameter.len() as u32).to_be_bytes());
                out.extend_from_slice(parameter);
            }
            out.extend_from_slice(&[0, 0]);
        });
        self.wire.put(b'E', |out| out.extend_from_slice(&[0; 5]));
        self.wire.put(b'S', |_| {});
    }

    /// Sends the statement for preparation under the empty name; its types are the server's guess.
    pub(super) fn put_parse(&mut self, sql: &str) {
        self.wire.put(b'P', |out| {
            out.push(0);
            put_text(out, sql);
            out.extend_from_slice(&[0, 0]);
        });
    }

    fn kept(&mut self, doing: &str) -> Result<Vec<Texts>, ConnectError> {
        let mut rows = Vec::new();
        self.answered(doing, &mut |row| {
            if rows.len() < MAX_ROWS {
                let text =
                    |cell: &Option<&[u8]>| cell.map(|c| String::from_utf8_lossy(c).into_owned());
                rows.push(row.iter().map(text).collect());
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// Reads the whole answer, also behind an error, so that the next statement finds the
    /// connection in order. An error of the receiver ends the connection.
    pub(super) fn answered(&mut self, doing: &str, each: EachRow<'_>) -> Result<(), ConnectError> {
        self.flush()?;
        let mut refused = None;
        loop {
            let message = self.message(Wait::Within(ANSWER_WITHIN))?;
            match message.tag {
                b'Z' => return refused.map_or(Ok(()), Err),
                b'E' => refused = Some(self.refusal(&message, doing)),
                b'D' => {
                    let Some(cells) = cells(self.wire.body(&message)) else {
                        return Err(self.odd(doing, "a row is cut off"));
                    };
                    if let Err(error) = each(&cells) {
                        self.broken = true;
                        return Err(error);
                    }
                }
                // Completed, described, noticed, settings told.
                b'C' | b'T' | b'N' | b'S' | b'1' | b'2' | b'3' | b'n' | b't' | b's' | b'I'
                | b'A' => {}
                _ => return Err(self.odd(doing, "a message does not belong there")),
            }
        }
    }

    /// Streams `COPY ... TO STDOUT`; the receiver gets the contents of each message.
    pub(super) fn copy(
        &mut self,
        doing: &str,
        sql: &str,
        each: &mut dyn FnMut(&[u8]) -> Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        self.wire.put(b'Q', |out| put_text(out, sql));
        self.flush()?;
        let mut refused = None;
        loop {
            let message = self.message(Wait::Within(COPY_WITHIN))?;
            match message.tag {
                b'd' => {
                    if let Err(error) = each(self.wire.body(&message)) {
                        self.broken = true;
                        return Err(error);
                    }
                }
                b'Z' => return refused.map_or(Ok(()), Err),
                b'E' => refused = Some(self.refusal(&message, doing)),
                b'H' | b'c' | b'C' | b'N' | b'S' | b'A' => {}
                _ => return Err(self.odd(doing, "a message does not belong there")),
            }
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), ConnectError> {
        self.wire.flush().map_err(|source| self.lost(source))
    }

    /// The next message; that none arrives in time is an error.
    pub(super) fn message(&mut self, wait: Wait) -> Result<Message, ConnectError> {
        match self.wire.next(wait) {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(self.lost(io::Error::new(
                io::ErrorKind::TimedOut,
                "the server does not answer",
            ))),
            Err(source) => Err(self.lost(source)),
        }
    }

    /// The connection is gone.
    pub(super) fn lost(&mut self, source: io::Error) -> ConnectError {
        self.broken = true;
        ConnectError::Unreachable {
            server: self.server.clone(),
            source,
        }
    }

    /// The server says something that it should not.
    pub(super) fn odd(&mut self, doing: &str, what: &str) -> ConnectError {
        self.broken = true;
        ConnectError::Protocol {
            doing: doing.to_owned(),
            what: what.to_owned(),
        }
    }

    /// What an error message says. One that ends the connection marks it so.
    pub(super) fn refusal(&mut self, message: &Message, doing: &str) -> ConnectError {
        let (fatal, code, message) = login::error_fields(self.wire.body(message));
        self.broken |= fatal;
        ConnectError::Server {
            doing: doing.to_owned(),
            code,
            message,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.broken {
            self.wire.put(b'X', |_| {});
            // Whoever does not hear it sees the connection end.
            drop(self.wire.flush());
        }
    }
}

/// The cells of a DataRow; `None` when it is cut off.
fn cells(body: &[u8]) -> Option<Vec<Option<&[u8]>>> {
    let mut reader = Reader(body);
    let count = reader.u16()?;
    let mut cells = Vec::with_capacity(count.into());
    for _ in 0..count {
        cells.push(match reader.i32()? {
            -1 => None,
            length => Some(reader.take(usize::try_from(length).ok()?)?),
        });
    }
    Some(cells)
}

/// A text as a literal; the server reads backslashes as they are (`standard_conforming_strings`).
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
