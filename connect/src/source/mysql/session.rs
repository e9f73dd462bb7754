//! A connection on which statements are run, always under the same settings, so that the server
//! writes a value in one way only.

use super::charset::Charsets;
use super::login::{self, refusal};
use super::reader::Reader;
use super::url::Target;
use super::wire::{Wait, Wire};
use crate::ConnectError;
use crate::source::ServerAddress;
use std::io;
use std::time::Duration;

/// Each read of an answer; a statement that sorts a large table says nothing for long.
const ANSWER_WITHIN: Duration = Duration::from_secs(3600);
/// Rows that one statement may give where all are kept: columns of all tables of a shop.
const MAX_ROWS: usize = 1_000_000;
const QUERY: u8 = 3;

/// Every session reads in UTC, gets a column's own bytes, and can write nothing.
const SETTINGS: &str = "SET SESSION time_zone = '+00:00', sql_mode = '', character_set_results = NULL, \
     net_write_timeout = 3600, sql_select_limit = DEFAULT, max_sort_length = 16384, \
     collation_connection = utf8mb4_bin";

/// One row as text; `None` is NULL.
pub(super) type Texts = Vec<Option<String>>;

/// The cells of one row in the server's bytes, valid until the next row.
pub(super) struct Cells<'a> {
    bytes: &'a [u8],
    /// From and to; `usize::MAX` for NULL.
    at: &'a [(usize, usize)],
}

impl<'a> Cells<'a> {
    pub(super) fn get(&self, column: usize) -> Option<&'a [u8]> {
        let (from, to) = *self.at.get(column)?;
        self.bytes.get(from..to)
    }
    pub(super) fn len(&self) -> usize {
        self.at.len()
    }
}

pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) server: String,
    pub(super) database: String,
    /// As the server says it, `10.11.6-MariaDB-log`.
    pub(super) version: String,
    pub(super) mariadb: bool,
    /// Columns of the last answer.
    pub(super) columns: usize,
    pub(super) charsets: Charsets,
    /// The connection cannot be used any more.
    pub(super) broken: bool,
    at: Vec<(usize, usize)>,
}

impl Session {
    pub(super) fn open(address: &ServerAddress) -> Result<Self, ConnectError> {
        let target = Target::of(address)?;
        let logged_in = login::connect(address, &target)?;
        let mut session = Self {
            wire: logged_in.wire,
            server: target.server(),
            database: target.database,
            mariadb: logged_in.version.contains("MariaDB"),
            version: logged_in.version,
            columns: 0,
            charsets: Charsets::default(),
            broken: false,
            at: Vec::new(),
        };
        session.run("setting up the connection", SETTINGS)?;
        session.run("giving up writing", "SET SESSION TRANSACTION READ ONLY")?;
        Ok(session)
    }

    /// Major and minor version, for what differs between them.
    pub(super) fn at_least(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.version.split(|c: char| !c.is_ascii_digit());
        let mut part = || parts.next().and_then(|p| p.parse().ok()).unwrap_or(0);
        (part(), part()) >= (major, minor)
    }

    /// Runs a statement that gives nothing.
    pub(super) fn run(&mut self, doing: &str, sql: &str) -> Result<(), ConnectError> {
        self.each_row(doing, sql, &mut |_| Ok(()))
    }

    /// The rows as text.
    pub(super) fn rows(&mut self, doing: &str, sql: &str) -> Result<Vec<Texts>, ConnectError> {
        let mut rows = Vec::new();
        self.each_row(doing, sql, &mut |cells| {
            if rows.len() < MAX_ROWS {
                let text = |i| {
                    let cell = cells.get(i)?;
                    Some(String::from_utf8_lossy(cell).into_owned())
                };
                rows.push((0..cells.len()).map(text).collect());
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first cell of the first row.
    pub(super) fn value(&mut self, doing: &str, sql: &str) -> Result<Option<String>, ConnectError> {
        let rows = self.rows(doing, sql)?;
        Ok(rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next()?))
    }

    /// Hands each row over as it arrives. An error of the receiver ends the connection, since the
    /// server would go on sending.
    pub(super) fn each_row(
        &mut self,
        doing: &str,
        sql: &str,
        each: &mut dyn FnMut(&Cells<'_>) -> Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        let columns = self.ask(doing, sql)?;
        self.columns = columns;
        if columns == 0 {
            return Ok(());
        }
        // A definition for each column, and an end.
        for _ in 0..=columns {
            self.packet(doing)?;
        }
        loop {
            self.packet(doing)?;
            let packet = self.wire.packet();
            match packet.first() {
                Some(0xfe) if packet.len() < 9 => return Ok(()),
                Some(0xff) => return Err(self.refused(doing)),
                _ => {}
            }
            let mut at = std::mem::take(&mut self.at);
            let whole = split(packet, columns, &mut at);
            let handed = if whole {
                each(&Cells {
                    bytes: packet,
                    at: &at,
                })
            } else {
                Err(odd(doing, "a row is not of its length"))
            };
            self.at = at;
            if handed.is_err() {
                self.broken = true;
                return handed;
            }
        }
    }

    /// Sends a statement; the number of columns of its answer, 0 when it gives none.
    pub(super) fn ask(&mut self, doing: &str, sql: &str) -> Result<usize, ConnectError> {
        let mut body = Vec::with_capacity(sql.len() + 1);
        body.push(QUERY);
        body.extend_from_slice(sql.as_bytes());
        self.command(&body)?;
        self.packet(doing)?;
        match self.wire.packet().first() {
            Some(0) => Ok(0),
            Some(0xff) => Err(self.refused(doing)),
            // The server asks for a file of this machine: never.
            Some(0xfb) | None => {
                self.broken = true;
                Err(odd(doing, "it answers with something else than rows"))
            }
            _ => {
                let columns = Reader(self.wire.packet()).size();
                columns.ok_or_else(|| odd(doing, "the number of columns is missing"))
            }
        }
    }

    pub(super) fn command(&mut self, body: &[u8]) -> Result<(), ConnectError> {
        self.wire.begin(body).map_err(|source| {
            self.broken = true;
            ConnectError::Unreachable {
                server: self.server.clone(),
                source,
            }
        })
    }

    pub(super) fn packet(&mut self, doing: &str) -> Result<(), ConnectError> {
        match self.wire.next(Wait::Within(ANSWER_WITHIN)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.lost(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the server does not answer while {doing}"),
            ))),
            Err(source) => Err(self.lost(source)),
        }
    }

    pub(super) fn lost(&mut self, source: io::Error) -> ConnectError {
        self.broken = true;
        ConnectError::Unreachable {
            server: self.server.clone(),
            source,
        }
    }

    pub(super) fn refused(&mut self, doing: &str) -> ConnectError {
        let (code, message) = refusal(self.wire.packet());
        // Shutting down, killed, lost while answering: the connection is gone.
        if ["/1053", "/1927", "/2013"]
            .iter()
            .any(|end| code.ends_with(end))
        {
            self.broken = true;
        }
        ConnectError::Server {
            doing: doing.to_owned(),
            code,
            message: bounded(message),
        }
    }
}

/// The server quotes values and statements: what is shown of them has an end.
fn bounded(mut message: String) -> String {
    const MOST: usize = 300;
    if let Some((at, _)) = message.char_indices().nth(MOST) {
        message.truncate(at);
        message.push('…');
    }
    message
}

pub(super) fn odd(doing: &str, what: &str) -> ConnectError {
    ConnectError::Protocol {
        doing: doing.to_owned(),
        what: what.to_owned(),
    }
}

fn split(packet: &[u8], columns: usize, at: &mut Vec<(usize, usize)>) -> bool {
    at.clear();
    let mut reader = Reader(packet);
    for _ in 0..columns {
        if reader.0.first() == Some(&0xfb) {
            reader.0 = &reader.0[1..];
            at.push((usize::MAX, usize::MAX));
            continue;
        }
        let Some(cell) = reader.sized() else {
            return false;
        };
        let to = packet.len() - reader.0.len();
        at.push((to - cell.len(), to));
    }
    reader.0.is_empty()
}

/// A text as a literal that needs no escapes and has its own character set.
pub(super) fn literal(text: &str) -> String {
    format!("_utf8mb4 {}", bytes_literal(text.as_bytes()))
}

pub(super) fn bytes_literal(bytes: &[u8]) -> String {
    format!("X'{}'", model::digest::hex(bytes))
}

/// A name in backquotes.
pub(super) fn quoted(name: &str) -> String {
    model::Dialect::Mysql.quoted(name)
}
