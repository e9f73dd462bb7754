//! A stream that ended: begun again, given up for a while, or gone for good.

use super::super::super::source::PostgresSource;
use super::super::super::{lsn, slot};
use super::super::stream::{History, Stream};
use super::{Follower, Turn};
use crate::ConnectError;
use crate::source::LostReason;
use std::time::{Duration, Instant};

/// A lost connection is no error for so long.
const GRACE: Duration = Duration::from_secs(10);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(2);
/// A connection that was lost.
pub(super) struct Outage {
    since: Instant,
    retry_at: Instant,
    pause: Duration,
    error: Option<ConnectError>,
}

impl Follower {
    /// The stream ended with this error: what it means, or when it is tried again.
    pub(super) fn ended(&mut self, error: ConnectError) -> Result<Turn, ConnectError> {
        self.stream = None;
        self.held = None;
        self.meaning.forget();
        if let Some(reason) = self.gone(&error) {
            return Ok(Turn::Lost(reason));
        }
        if !error.may_pass() {
            return Err(error);
        }
        let now = Instant::now();
        let outage = self.outage.get_or_insert(Outage {
            since: now,
            retry_at: now,
            pause: FIRST_RETRY,
            error: None,
        });
        outage.retry_at = now + outage.pause;
        outage.pause = (outage.pause * 2).min(LAST_RETRY);
        if now.saturating_duration_since(outage.since) > GRACE {
            return Err(error);
        }
        tracing::debug!(%error, "the stream of changes ended; it is begun again");
        outage.error = Some(error);
        Ok(Turn::Quiet)
    }

    /// Errors that say: what was not read cannot be read any more.
    fn gone(&self, error: &ConnectError) -> Option<LostReason> {
        let ConnectError::Server { code, message, .. } = error else {
            return None;
        };
        match code.as_str() {
            // The publication is not there, or was not when this was written.
            "42704" if message.contains("publication") => Some(LostReason::PublicationChanged {
                publication: self.address.slot.clone(),
            }),
            // No such slot; it cannot be read any more; a file of the log is gone.
            "42704" | "55000" | "58P01" => Some(LostReason::SlotGone {
                slot: self.address.slot.clone(),
                detail: message.clone(),
            }),
            _ => None,
        }
    }

    /// Connects when it is time to; waits for that no longer than `until`.
    pub(super) fn connected(
        &mut self,
        source: &mut PostgresSource,
        until: Instant,
    ) -> Result<Option<LostReason>, ConnectError> {
        if let Some(outage) = &self.outage {
            let now = Instant::now();
            let pause = outage.retry_at.min(until).saturating_duration_since(now);
            if !pause.is_zero() {
                let _ = self.quiet.1.recv_timeout(pause);
            }
            if Instant::now() < outage.retry_at {
                return Ok(None);
            }
        }
        match self.connect(source) {
            Ok(lost) => {
                self.outage = None;
                Ok(lost)
            }
            Err(error) => match self.ended(error)? {
                Turn::Lost(reason) => Ok(Some(reason)),
                _ => Ok(None),
            },
        }
    }

    fn connect(&mut self, source: &mut PostgresSource) -> Result<Option<LostReason>, ConnectError> {
        let (mut stream, history) = Stream::open(&self.address)?;
        if let Some(detail) = self.elsewhere(&mut stream, &history)? {
            return Ok(Some(LostReason::OtherHistory { detail }));
        }
        self.history = Some(history);
        self.meaning.forget();
        stream
            .start(&self.address.slot, self.delivered)
            .map_err(|error| self.in_recovery(error))?;
        // Asked only now: from here on nobody but us can confirm anything to the slot.
        if let Some(reason) = self.moved(source)? {
            return Ok(Some(reason));
        }
        self.stream = Some(stream);
        Ok(None)
    }

    /// Whether somebody else confirmed what was not handed over: the server never sends it to us.
    fn moved(&self, source: &mut PostgresSource) -> Result<Option<LostReason>, ConnectError> {
        let name = &self.address.slot;
        let Some(slot) = source.again(|session| slot::look(session, name))? else {
            return Ok(None);
        };
        let known = self.delivered.max(self.heard).max(self.confirmed);
        Ok((slot.confirmed > known).then(|| LostReason::SlotMoved {
            slot: name.clone(),
            from: lsn::shown(known),
            to: lsn::shown(slot.confirmed),
        }))
    }

    /// A standby before PostgreSQL 16 streams no changes; it may be promoted.
    fn in_recovery(&self, error: ConnectError) -> ConnectError {
        match &error {
            ConnectError::Server { code, message, .. } if code == "0A000" => {
                ConnectError::Unreachable {
                    server: "the stream of changes".to_owned(),
                    source: std::io::Error::other(message.clone()),
                }
            }
            _ => error,
        }
    }

    /// Whether what was read is no part of this server's history.
    fn elsewhere(
        &self,
        stream: &mut Stream,
        now: &History,
    ) -> Result<Option<String>, ConnectError> {
        if now.end < self.delivered {
            return Ok(Some(format!(
                "its log ends at {}, and {} was read already",
                lsn::shown(now.end),
                lsn::shown(self.delivered)
            )));
        }
        let Some(before) = &self.history else {
            return Ok(None);
        };
        if before.system != now.system {
            return Ok(Some(
                "another database cluster stands behind the address".to_owned(),
            ));
        }
        if before.timeline == now.timeline {
            return Ok(None);
        }
        match stream.switched(now.timeline, before.timeline)? {
            Some(at) if at >= self.delivered => Ok(None),
            _ => Ok(Some(format!(
                "timeline {} was left for {} before what was read already",
                before.timeline, now.timeline
            ))),
        }
    }
}
