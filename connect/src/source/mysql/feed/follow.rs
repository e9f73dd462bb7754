//! The stream itself: connected, lost, connected again, event by event.

use super::Dump;
use crate::ConnectError;
use crate::source::mysql::catalog::Table;
use crate::source::mysql::dump::Came;
use crate::source::mysql::group::{Assembler, Told, Transaction};
use crate::source::mysql::guarded::Access;
use crate::source::mysql::place::{self, FIRST};
use crate::source::mysql::session::{Session, literal};
use crate::source::mysql::source::MysqlSource;
use crate::source::mysql::watched::WatchedTables;
use crate::source::mysql::wire::Wait;
use crate::source::{LostReason, ServerAddress};
use std::time::{Duration, Instant};

/// Between two tries to connect: from the first to the second, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A server that is away for longer is said to be; whoever polls tries again.
const SILENT_OUTAGE: Duration = Duration::from_secs(15);
/// The server says something each second; a connection that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(20);
/// Share of the time for which the server keeps its binlog.
const WARN_BEHIND: f64 = 0.8;

pub(super) struct Following {
    assembler: Assembler,
    dump: Option<Dump>,
    /// Between two transactions; reading goes on from here.
    at: u64,
    /// The server that we read from, once we did.
    server: Option<String>,
    /// The last transaction before `at`, where transactions have names.
    gtid: Option<String>,
    heard: Instant,
    failed: Option<Outage>,
    /// For how long the server keeps its binlog; 0 for always.
    kept_s: u64,
    warned: bool,
}

/// The server and its file that we read on in.
struct Found {
    server: String,
    kept_s: u64,
    file: String,
}

struct Outage {
    since: Instant,
    pause: Duration,
    next: Instant,
}

pub(super) enum Next {
    Transaction(Box<Transaction>),
    /// Nothing came in time; everything up to here is known.
    Nothing(u64),
    /// Something came that does not concern us.
    Quiet(u64),
    Statement {
        tables: Vec<String>,
        sql: String,
    },
    Differs {
        table: String,
    },
    Lost(LostReason),
}

impl Following {
    pub(super) fn new(assembler: Assembler, at: u64) -> Self {
        Self {
            assembler,
            dump: None,
            at,
            server: None,
            gtid: None,
            heard: Instant::now(),
            failed: None,
            kept_s: 0,
            warned: false,
        }
    }

    /// Warns once when we are so far behind that the server may throw away what was not read.
    pub(super) fn is_behind(&mut self, lag_s: f64) {
        let far = self.kept_s > 0 && lag_s > self.kept_s as f64 * WARN_BEHIND;
        if far && !self.warned {
            tracing::warn!(
                lag_s,
                kept_s = self.kept_s,
                "the guard is so far behind that the server may throw away binlog that was not read"
            );
        }
        self.warned = far;
    }

    /// Behind the last thing that happened.
    pub(super) fn place(&self) -> u64 {
        self.at
    }

    pub(super) fn is_connected(&self) -> bool {
        self.dump.is_some()
    }

    pub(super) fn watch(&mut self, database: &str, tables: &[Table], guarded: &[Access]) {
        let lower = self.assembler.lower_case();
        let watched = WatchedTables::new(database, lower, tables, guarded);
        self.assembler.set_watched(watched);
    }

    /// The next thing that happened, waiting for at most this time.
    pub(super) fn next(
        &mut self,
        address: &ServerAddress,
        source: &mut MysqlSource,
        wait: Duration,
    ) -> Result<Next, ConnectError> {
        let Some(dump) = &mut self.dump else {
            return self.connect(address, source, wait);
        };
        let how = if wait.is_zero() {
            Wait::Not
        } else {
            Wait::Within(wait)
        };
        let came = match dump.next(how) {
            Ok(came) => came,
            Err(error) if passes(&error) => {
                tracing::warn!(%error, "the binlog's connection is lost; connecting again");
                self.dump = None;
                return Ok(Next::Quiet(self.at));
            }
            Err(error) => {
                self.dump = None;
                return Err(error);
            }
        };
        let (header, event, place) = match came {
            Came::Event(header, event, place) => (header, event, place),
            Came::Lost(reason) => return Ok(Next::Lost(reason)),
            Came::Nothing => {
                if self.heard.elapsed() > SILENCE {
                    tracing::warn!("the server is silent; connecting again");
                    self.dump = None;
                }
                return Ok(Next::Nothing(self.at));
            }
        };
        let told = self.assembler.take(&header, event, place);
        self.heard = Instant::now();
        if self.assembler.is_between() {
            self.at = place;
            if self.gtid.as_deref() != self.assembler.gtid() {
                self.gtid = self.assembler.gtid().map(str::to_owned);
            }
        }
        Ok(match told {
            Told::Nothing => Next::Quiet(self.at),
            Told::Transaction(transaction) => Next::Transaction(transaction),
            Told::Statement { tables, sql } => Next::Statement { tables, sql },
            Told::Differs { table } => Next::Differs { table },
            Told::Lost(reason) => Next::Lost(reason),
        })
    }

    fn connect(
        &mut self,
        address: &ServerAddress,
        source: &mut MysqlSource,
        wait: Duration,
    ) -> Result<Next, ConnectError> {
        let now = Instant::now();
        if let Some(outage) = &self.failed
            && outage.next > now
        {
            let pause = (outage.next - now).min(wait);
            std::thread::park_timeout(pause);
            return Ok(Next::Nothing(self.at));
        }
        self.assembler.restart();
        match source.again(|session| self.find(session)) {
            Ok(Ok(found)) => match Dump::open(address, &found.file, self.at) {
                Ok(dump) => {
                    self.dump = Some(dump);
                    self.server = Some(found.server);
                    self.kept_s = found.kept_s;
                    self.failed = None;
                    self.heard = Instant::now();
                    Ok(Next::Quiet(self.at))
                }
                Err(error) => self.fail(error),
            },
            Ok(Err(reason)) => Ok(Next::Lost(reason)),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: ConnectError) -> Result<Next, ConnectError> {
        let now = Instant::now();
        let (since, pause) = match &self.failed {
            Some(outage) => (outage.since, (outage.pause * 2).min(LONGEST_PAUSE)),
            None => (now, FIRST_PAUSE),
        };
        if !passes(&error) || now.duration_since(since) > SILENT_OUTAGE {
            self.failed = None;
            return Err(error);
        }
        self.failed = Some(Outage {
            since,
            pause,
            next: now + pause,
        });
        Ok(Next::Nothing(self.at))
    }

    /// The file that we read on in, if the server still is the one that wrote it.
    fn find(&self, session: &mut Session) -> Result<Result<Found, LostReason>, ConnectError> {
        let server = identity(session)?;
        if self.server.as_ref().is_some_and(|known| *known != server) {
            return Ok(Err(LostReason::OtherHistory {
                detail: "another server answers at the address".to_owned(),
            }));
        }
        let files = place::files(session)?;
        let (number, offset) = (self.at >> 32, self.at & 0xffff_ffff);
        let Some(file) = files.iter().find(|f| f.number == number) else {
            let newest = files.last().map_or(0, |f| f.number);
            return Ok(Err(if number > newest {
                LostReason::OtherHistory {
                    detail: format!("its binlog ends with file {newest}, before file {number}"),
                }
            } else {
                LostReason::LogPurged {
                    file: format!("number {number}"),
                }
            }));
        };
        if offset > file.size.max(FIRST) {
            return Ok(Err(LostReason::OtherHistory {
                detail: format!(
                    "its binlog {} is shorter than what was read of it",
                    file.name
                ),
            }));
        }
        if let Some(detail) = self.is_other(session, &file.name, offset)? {
            return Ok(Err(LostReason::OtherHistory { detail }));
        }
        let kept_s = place::kept_s(session)?;
        Ok(Ok(Found {
            server,
            kept_s,
            file: file.name.clone(),
        }))
    }

    /// MariaDB says which transaction ends at a place of its binlog.
    fn is_other(
        &self,
        session: &mut Session,
        file: &str,
        offset: u64,
    ) -> Result<Option<String>, ConnectError> {
        let Some(gtid) = self.gtid.as_deref().filter(|_| session.mariadb) else {
            return Ok(None);
        };
        let sql = format!("SELECT BINLOG_GTID_POS({}, {offset})", literal(file));
        let there = session.value("asking for the last transaction", &sql)?;
        let there = there.unwrap_or_default();
        if there.split(',').any(|known| known == gtid) {
            return Ok(None);
        }
        Ok(Some(format!(
            "the last transaction that was read is {gtid}; the binlog has {there} there"
        )))
    }
}

/// What tells one server from another.
fn identity(session: &mut Session) -> Result<String, ConnectError> {
    let sql = if session.mariadb {
        "SELECT CONCAT_WS('|', @@GLOBAL.server_id, @@hostname, @@port, @@GLOBAL.log_bin_basename)"
    } else {
        "SELECT @@GLOBAL.server_uuid"
    };
    let found = session.value("asking which server this is", sql)?;
    Ok(found.unwrap_or_default())
}

/// Whether connecting again may help. A server that starts refuses with numbers of its own.
fn passes(error: &ConnectError) -> bool {
    match error {
        ConnectError::LoginRefused { code, .. } => ["/1040", "/1053", "/1927", "/1203"]
            .iter()
            .any(|end| code.ends_with(end)),
        ConnectError::Server { code, .. } => ["/1053", "/1927", "/2013", "/1317"]
            .iter()
            .any(|end| code.ends_with(end)),
        error => error.may_pass(),
    }
}
