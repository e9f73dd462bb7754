//! The stream itself: connected, lost, connected again, event by event.

use super::{Dump, elsewhere};
use crate::ConnectError;
use crate::source::mysql::catalog::Table;
use crate::source::mysql::dump::Came;
use crate::source::mysql::event::Event;
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
    /// What our count of files is ahead of the server's by: a server that another one took over
    /// from counts its own, and positions only grow.
    ahead: u64,
    /// Reading went on on another server since this was asked last.
    moved: bool,
    /// The server that we read from, once we did.
    server: Option<String>,
    /// The last transaction before `at`, where transactions have names.
    gtid: Option<String>,
    /// The second that it was begun in. Names alone do not do: a server that is set up anew counts
    /// from one again.
    begun: Option<u32>,
    /// The same of the transaction that is being read.
    beginning: Option<u32>,
    heard: Instant,
    failed: Option<Outage>,
    /// For how long the server keeps its binlog; 0 for always.
    kept_s: u64,
    warned: bool,
}

/// What a new look at the tables does not change.
#[derive(Debug, Default)]
pub(super) struct Known {
    ahead: u64,
    server: Option<String>,
    gtid: Option<String>,
    begun: Option<u32>,
}

/// The server and its file that we read on in.
struct Found {
    server: String,
    kept_s: u64,
    file: String,
    /// Where, in the server's own count.
    at: u64,
    /// The transaction before it, where that was not known and the server can say it.
    gtid: Option<String>,
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

impl Known {
    /// For a place before the transaction that was read last: which one stands there is not known.
    pub(super) fn before(self) -> Self {
        Self { gtid: None, ..self }
    }
}

impl Following {
    pub(super) fn new(assembler: Assembler, at: u64, known: Option<Known>) -> Self {
        let known = known.unwrap_or_default();
        Self {
            assembler,
            dump: None,
            at,
            ahead: known.ahead,
            moved: false,
            server: known.server,
            gtid: known.gtid,
            begun: known.begun,
            beginning: None,
            heard: Instant::now(),
            failed: None,
            kept_s: 0,
            warned: false,
        }
    }

    pub(super) fn known(self) -> Known {
        Known {
            ahead: self.ahead,
            server: self.server,
            gtid: self.gtid,
            begun: self.begun,
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

    /// Whether another server took over since this was asked last.
    pub(super) fn has_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Where the server's log ends, in our count; `None` when another server than the one that is
    /// followed answers, to which reading moves next.
    pub(super) fn end(&mut self, session: &mut Session) -> Result<Option<u64>, ConnectError> {
        let server = identity(session)?;
        if self.server.as_ref().is_some_and(|known| *known != server) {
            self.dump = None;
            return Ok(None);
        }
        Ok(Some(self.counted(place::end(session)?)))
    }

    /// A place of the server in our count.
    pub(super) fn counted(&self, place: u64) -> u64 {
        place.wrapping_add(self.ahead << 32)
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
        // Not `counted`: what came is still borrowed from the connection.
        let place = place.wrapping_add(self.ahead << 32);
        if matches!(event, Event::Gtid(_)) {
            self.beginning = Some(header.timestamp);
        }
        let told = self.assembler.take(&header, event, place);
        self.heard = Instant::now();
        if self.assembler.is_between() {
            self.at = place;
            if let Some(gtid) = self.assembler.gtid()
                && self.gtid.as_deref() != Some(gtid)
            {
                self.gtid = Some(gtid.to_owned());
                self.begun = self.beginning;
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
            Ok(Ok(found)) => match Dump::open(address, &found.file, found.at) {
                Ok(dump) => {
                    self.dump = Some(dump);
                    self.server = Some(found.server);
                    self.gtid = self.gtid.take().or(found.gtid);
                    self.kept_s = found.kept_s;
                    self.failed = None;
                    self.heard = Instant::now();
                    Ok(Next::Quiet(self.at))
                }
                Err(error) => self.fail(error),
            },
            Ok(Err(LostReason::OtherHistory { detail })) => {
                match source.again(|session| self.moved_to(session, address)) {
                    Ok(true) => Ok(Next::Quiet(self.at)),
                    Ok(false) => Ok(Next::Lost(LostReason::OtherHistory { detail })),
                    Err(error) => self.fail(error),
                }
            }
            Ok(Err(reason)) => Ok(Next::Lost(reason)),
            Err(error) => self.fail(error),
        }
    }

    /// Goes on behind the last transaction on the server that answers now, if it has that one.
    fn moved_to(
        &mut self,
        session: &mut Session,
        address: &ServerAddress,
    ) -> Result<bool, ConnectError> {
        let (Some(gtid), Some(begun)) = (self.gtid.clone(), self.begun) else {
            return Ok(false);
        };
        let Some(place) = elsewhere::behind(session, address, &gtid, begun)? else {
            return Ok(false);
        };
        self.server = Some(identity(session)?);
        let next = (self.at >> 32) + 1;
        self.ahead = next.wrapping_sub(place >> 32);
        self.at = self.counted(place);
        self.moved = true;
        tracing::warn!(
            server = session.server,
            gtid,
            "another server answers and has the transaction that was read last; going on behind it"
        );
        Ok(true)
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
        let at = self.at.wrapping_sub(self.ahead << 32);
        let (number, offset) = (at >> 32, at & 0xffff_ffff);
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
        let gtid = match &self.gtid {
            Some(_) => None,
            None => last_before(session, &file.name, at)?,
        };
        Ok(Ok(Found {
            server,
            kept_s,
            file: file.name.clone(),
            at,
            gtid,
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

/// The transaction that ends at a place; `None` where the server does not say (MySQL), or where
/// several stand beside each other.
fn last_before(session: &mut Session, file: &str, at: u64) -> Result<Option<String>, ConnectError> {
    if !session.mariadb {
        return Ok(None);
    }
    let offset = at & 0xffff_ffff;
    let sql = format!("SELECT BINLOG_GTID_POS({}, {offset})", literal(file));
    let found = session.value("asking for the last transaction", &sql)?;
    Ok(found.filter(|gtid| !gtid.is_empty() && !gtid.contains(',')))
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
