//! The connection on which the server streams its log: what arrives, and what we confirm.

use super::super::lsn;
use super::super::session::{Purpose, Session, literal};
use super::super::wire::{Message, Reader, Wait, put_text};
use crate::ConnectError;
use crate::source::ServerAddress;
use model::Dialect;
use std::time::{Duration, Instant};

/// The server ends a stream that says nothing for a minute (`wal_sender_timeout`).
const STATUS_EVERY: Duration = Duration::from_secs(5);
/// A confirmation is told at once, but not oftener than this.
const CONFIRM_EVERY: Duration = Duration::from_millis(100);
/// A server that was asked and says nothing for so long is not there any more.
const SILENT_FOR: Duration = Duration::from_secs(60);
const START_WITHIN: Duration = Duration::from_secs(30);
const DOING: &str = "following the log";

pub(super) struct Stream {
    session: Session,
    confirmed: u64,
    /// Up to where something arrived.
    received: u64,
    told_at: Option<Instant>,
    /// The server waits for an answer.
    asked: bool,
    silent_since: Option<Instant>,
}

/// Who the server says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    pub(super) system: String,
    pub(super) timeline: u32,
    /// Where its log ends.
    pub(super) end: u64,
}

/// What arrived.
pub(super) enum Arrived {
    Nothing,
    /// A message of the log; when the server sent it, in microseconds since 2000.
    Log {
        message: Message,
        sent_us: i64,
    },
    /// All that lies before this position was sent.
    Alive {
        position: u64,
    },
    Other,
}

impl Stream {
    pub(super) fn open(address: &ServerAddress) -> Result<(Self, History), ConnectError> {
        let mut session = Session::open(address, Purpose::Follow)?;
        let row = session.simple("asking who the server is", "IDENTIFY_SYSTEM")?;
        let row = row.into_iter().next().unwrap_or_default();
        let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        let history = History {
            system: cell(0),
            timeline: cell(1).parse().unwrap_or(0),
            end: lsn::parse(&cell(2)).unwrap_or(0),
        };
        let stream = Self {
            session,
            confirmed: 0,
            received: 0,
            told_at: None,
            asked: false,
            silent_since: None,
        };
        Ok((stream, history))
    }

    /// Where `timeline` was left for a later one; `None` when the server does not know.
    pub(super) fn switched(
        &mut self,
        now: u32,
        timeline: u32,
    ) -> Result<Option<u64>, ConnectError> {
        let rows = self.session.simple(
            "asking for the history of the server",
            &format!("TIMELINE_HISTORY {now}"),
        )?;
        let text = rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().nth(1).flatten());
        Ok(text.unwrap_or_default().lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let parent: u32 = words.next()?.parse().ok()?;
            let at = lsn::parse(words.next()?)?;
            (parent == timeline).then_some(at)
        }))
    }

    /// Starts behind `from`, or behind what the slot has confirmed where that is later.
    pub(super) fn start(&mut self, slot: &str, from: u64) -> Result<(), ConnectError> {
        let name = Dialect::Postgres.quoted(slot);
        let messages = if self.session.version >= 140_000 {
            ", messages 'true'"
        } else {
            ""
        };
        let sql = format!(
            "START_REPLICATION SLOT {name} LOGICAL {} (proto_version '1', publication_names {}{messages})",
            lsn::shown(from),
            literal(&name),
        );
        self.session.wire.put(b'Q', |out| put_text(out, &sql));
        self.session.flush()?;
        let mut refused = None;
        loop {
            let message = self.session.message(Wait::Within(START_WITHIN))?;
            match message.tag {
                b'W' => return Ok(()),
                b'E' => {
                    let error = self.session.refusal(&message, "to stream its log");
                    if self.session.broken {
                        return Err(error);
                    }
                    refused = Some(error);
                }
                b'Z' => {
                    let odd = "the stream did not begin";
                    return Err(refused.unwrap_or_else(|| self.session.odd(DOING, odd)));
                }
                b'N' | b'S' => {}
                _ => return Err(self.session.odd(DOING, "a message does not belong there")),
            }
        }
    }

    /// Drops a slot as soon as nobody reads from it any more.
    pub(super) fn drop_slot(mut self, slot: &str) -> Result<(), ConnectError> {
        let name = Dialect::Postgres.quoted(slot);
        let sql = format!("DROP_REPLICATION_SLOT {name} WAIT");
        self.session
            .simple("to drop the replication slot", &sql)
            .map(drop)
    }

    pub(super) fn next(&mut self, wait: Wait) -> Result<Arrived, ConnectError> {
        let Some(message) = self
            .session
            .wire
            .next(wait)
            .map_err(|e| self.session.lost(e))?
        else {
            return Ok(Arrived::Nothing);
        };
        self.silent_since = None;
        match message.tag {
            b'd' => {}
            b'E' => {
                let error = self.session.refusal(&message, DOING);
                self.session.broken = true;
                return Err(error);
            }
            b'N' | b'S' => return Ok(Arrived::Other),
            // A server that is shut down says so and leaves out the end of the copy.
            b'c' | b'C' => {
                let ended = std::io::Error::other("the server ended the stream");
                return Err(self.session.lost(ended));
            }
            _ => return Err(self.session.odd(DOING, "a message does not belong there")),
        }
        let mut body = Reader(self.session.wire.body(&message));
        let arrived = match body.u8() {
            Some(b'w') => body.u64().and_then(|_start| {
                let (end, sent_us) = (body.u64()?, body.i64()?);
                self.received = self.received.max(end);
                Some(Arrived::Log { message, sent_us })
            }),
            Some(b'k') => body.u64().and_then(|position| {
                let (_sent, asked) = (body.i64()?, body.u8()?);
                self.asked |= asked == 1;
                self.received = self.received.max(position);
                Some(Arrived::Alive { position })
            }),
            _ => None,
        };
        arrived.ok_or_else(|| self.session.odd(DOING, "a message is cut off"))
    }

    /// The log's own message within one that arrived.
    pub(super) fn log<'a>(&'a self, message: &Message) -> &'a [u8] {
        self.session.wire.body(message).get(25..).unwrap_or(&[])
    }

    pub(super) fn odd(&mut self, what: &str) -> ConnectError {
        self.session.odd(DOING, what)
    }

    /// Tells the server up to where everything is durable, when it is time to. `curious`: it shall
    /// say soon how far it has come itself.
    pub(super) fn confirm(
        &mut self,
        durable: u64,
        now: Instant,
        idle: bool,
        curious: bool,
    ) -> Result<(), ConnectError> {
        let since = self.told_at.map(|at| now.saturating_duration_since(at));
        let due = since.is_none_or(|s| s >= STATUS_EVERY);
        let soon = since.is_none_or(|s| s >= CONFIRM_EVERY);
        if idle {
            let since = *self.silent_since.get_or_insert(now);
            if now.saturating_duration_since(since) > SILENT_FOR {
                let silent = std::io::Error::from(std::io::ErrorKind::TimedOut);
                return Err(self.session.lost(silent));
            }
        }
        if due || self.asked || (soon && (curious || durable > self.confirmed)) {
            self.tell(durable, curious || (due && idle))?;
            self.told_at = Some(now);
        }
        Ok(())
    }

    /// Two status updates: the first says what is durable, where that is news. The second says what
    /// was received and leaves the rest open. So a server that is shut down does not wait for what
    /// is not durable here, and never takes us for a standby that its commits have to wait for.
    pub(super) fn tell(&mut self, durable: u64, answer: bool) -> Result<(), ConnectError> {
        if durable > self.confirmed {
            self.update(durable, durable, false);
        }
        self.update(self.received.max(durable), 0, answer);
        self.session.flush()?;
        self.confirmed = durable.max(self.confirmed);
        self.asked = false;
        Ok(())
    }

    fn update(&mut self, written: u64, flushed: u64, answer: bool) {
        self.session.wire.put(b'd', |out| {
            out.push(b'r');
            for position in [written, flushed, flushed, 0] {
                out.extend_from_slice(&position.to_be_bytes());
            }
            out.push(u8::from(answer));
        });
    }
}
