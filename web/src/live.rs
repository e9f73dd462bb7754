//! Live updates by server-sent events: a tick with the change counter, nothing else.
//!
//! The page fetches its own parts again after a tick, through the same doors as everything,
//! so the stream itself carries no data of an incident. A page of one incident is told of that
//! incident; every other page of what its reader may know. It ends when the session ends.

use crate::app::App;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use desk::{Changed, Desk, Session};
use futures_util::stream;
use model::IncidentId;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout_at};

/// A page is told of a change at once, and then not again for this long.
const GAP: Duration = Duration::from_millis(150);
/// What is of no incident in particular (sources, findings, the outbox) reaches a page of one
/// incident this long after the tick before; rows of a busy shop would redraw it all the time.
const GENERAL_GAP: Duration = Duration::from_millis(1_000);
/// The session is looked up this often: a stream is dead within a second of its account's end.
const CHECK: Duration = Duration::from_millis(500);
/// A silent stream says something after so many checks, so that a proxy keeps it open.
const CHECKS_OF_SILENCE: u32 = 30;

/// By what the reader came in.
enum Who {
    Cookie(String),
    Token(String),
}

impl Who {
    fn lives(&self, desk: &Desk) -> bool {
        match self {
            Self::Cookie(token) => desk.session_lives(token),
            Self::Token(_) => self.session(desk).is_some(),
        }
    }
    fn session(&self, desk: &Desk) -> Option<Session> {
        match self {
            Self::Cookie(token) => desk.session(token),
            Self::Token(token) => desk.session_of_token(token).ok().flatten(),
        }
    }
}

struct Stream {
    app: Arc<App>,
    who: Who,
    /// Only what concerns this incident, and what is of none.
    of: Option<IncidentId>,
    changes: watch::Receiver<u64>,
    /// The change counter up to which changes were looked at.
    seen: u64,
    checks: Interval,
    silent: u32,
    last: Option<Instant>,
    /// When the page is to be told, once something has changed.
    due: Option<Instant>,
    /// Frees the place when the stream is dropped.
    _place: OwnedSemaphorePermit,
}

pub(crate) fn events(visit: Visit) -> Response {
    let who = match (visit.bearer.clone(), visit.token.clone()) {
        (Some(token), _) => Who::Token(token),
        (None, Some(token)) => Who::Cookie(token),
        (None, None) => {
            return Reply::refuse(&visit, StatusCode::UNAUTHORIZED, "login").into_response();
        }
    };
    let of = visit.query.given("incident").map(IncidentId::from);
    if of.as_ref().is_some_and(|id| visit.incident(id).is_none()) {
        return Reply::not_found(&visit).into_response();
    }
    let Ok(place) = visit.app.streams.clone().try_acquire_owned() else {
        return Reply::refuse(&visit, StatusCode::SERVICE_UNAVAILABLE, "busy").into_response();
    };
    let mut checks = interval(CHECK);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once: what changed while the page was on its way is fetched.
    let start = Stream {
        of,
        who,
        seen: visit.desk().changed_since(u64::MAX).count,
        changes: visit.app.changes.clone(),
        checks,
        silent: 0,
        last: None,
        due: Some(Instant::now()),
        app: visit.app.clone(),
        _place: place,
    };
    let mut response = Sse::new(stream::unfold(start, next)).into_response();
    // Proxies that buffer would hold every tick back.
    response
        .headers_mut()
        .insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    response
}

enum Woken {
    Check,
    /// `false`: the watcher is gone, and nothing will ever change for this stream.
    Change(bool),
    Due,
}

async fn next(mut stream: Stream) -> Option<(Result<Event, Infallible>, Stream)> {
    loop {
        match stream.woken().await {
            Woken::Change(false) => return None,
            Woken::Change(true) => stream.look()?,
            Woken::Check => {
                if !stream.who.lives(&stream.app.desk) {
                    return None;
                }
                stream.silent += 1;
                if stream.silent >= CHECKS_OF_SILENCE {
                    stream.silent = 0;
                    return Some((Ok(Event::default().comment("still here")), stream));
                }
            }
            Woken::Due => {
                if !stream.who.lives(&stream.app.desk) {
                    return None;
                }
                stream.silent = 0;
                stream.due = None;
                stream.last = Some(Instant::now());
                let event = Event::default().event("tick").data(stream.seen.to_string());
                return Some((Ok(event), stream));
            }
        }
    }
}

impl Stream {
    async fn woken(&mut self) -> Woken {
        let (checks, changes) = (&mut self.checks, &mut self.changes);
        let first = async {
            tokio::select! {
                _ = checks.tick() => Woken::Check,
                changed = changes.changed() => Woken::Change(changed.is_ok()),
            }
        };
        match self.due {
            Some(due) => timeout_at(due, first).await.unwrap_or(Woken::Due),
            None => first.await,
        }
    }

    /// Looks at what changed and sets when to tell. `None`: the incident is no longer for this reader.
    fn look(&mut self) -> Option<()> {
        self.changes.mark_unchanged();
        let changed = self.app.desk.changed_since(self.seen);
        self.seen = changed.count;
        let gap = self.gap(&changed)?;
        if let Some(gap) = gap {
            let now = Instant::now();
            let due = self.last.map_or(now, |last| (last + gap).max(now));
            self.due = Some(self.due.map_or(due, |before| before.min(due)));
        }
        Some(())
    }

    /// How long after the last tick the next one may come; inner `None`: nothing to be told.
    fn gap(&self, changed: &Changed) -> Option<Option<Duration>> {
        let told = match &self.of {
            Some(id) if changed.all || changed.incidents.contains(id) => {
                return self.sees(id).then_some(Some(GAP));
            }
            Some(_) => changed.general.then_some(GENERAL_GAP),
            None => {
                let seen = |id| self.sees(id);
                let any = changed.all || changed.general || changed.incidents.iter().any(seen);
                any.then_some(GAP)
            }
        };
        Some(told)
    }

    fn sees(&self, id: &IncidentId) -> bool {
        let desk = &self.app.desk;
        let Some(incident) = desk.incident(id) else {
            return false;
        };
        if incident.access.open() {
            return true;
        }
        let session = self.who.session(desk);
        session.is_some_and(|s| desk.sees(&desk.viewer(&s.account, &s.positions), &incident))
    }
}
