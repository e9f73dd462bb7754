//! Live updates by server-sent events: a tick with the change counter, nothing else.
//!
//! The page fetches its own parts again after a tick, through the same doors as everything,
//! so the stream itself carries no data of an incident. It ends when the session ends.

use crate::app::App;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// At most so often a page is told that something changed.
const TURN: Duration = Duration::from_millis(500);
/// The session is looked up again after so many turns.
const TURNS_BETWEEN_CHECKS: u32 = 4;
/// A silent stream says something after so many turns, so that a proxy keeps it open.
const TURNS_OF_SILENCE: u32 = 30;

struct Stream {
    app: Arc<App>,
    token: String,
    changes: watch::Receiver<u64>,
    interval: Interval,
    turn: u32,
    silent: u32,
    /// Frees the place when the stream is dropped.
    _place: OwnedSemaphorePermit,
}

pub(crate) fn events(visit: Visit) -> Response {
    let Some(token) = visit.token.clone() else {
        return Reply::refuse(&visit, StatusCode::UNAUTHORIZED, "login").into_response();
    };
    let Ok(place) = visit.app.streams.clone().try_acquire_owned() else {
        return Reply::refuse(&visit, StatusCode::SERVICE_UNAVAILABLE, "busy").into_response();
    };
    let mut interval = interval(TURN);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut changes = visit.app.changes.clone();
    changes.mark_changed();
    let start = Stream {
        app: visit.app.clone(),
        token,
        changes,
        interval,
        turn: 0,
        silent: 0,
        _place: place,
    };
    let mut response = Sse::new(stream::unfold(start, next)).into_response();
    // Proxies that buffer would hold every tick back.
    response
        .headers_mut()
        .insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    response
}

async fn next(mut stream: Stream) -> Option<(Result<Event, Infallible>, Stream)> {
    loop {
        stream.interval.tick().await;
        stream.turn = stream.turn.wrapping_add(1);
        // An error means that the watcher is gone: nothing will ever change for this stream.
        let changed = stream.changes.has_changed().ok()?;
        // The end of a session is a change: its stream is gone within a turn, before it says more.
        if (changed || stream.turn.is_multiple_of(TURNS_BETWEEN_CHECKS))
            && !stream.app.desk.session_lives(&stream.token)
        {
            return None;
        }
        if changed {
            stream.silent = 0;
            let counter = *stream.changes.borrow_and_update();
            return Some((
                Ok(Event::default().event("tick").data(counter.to_string())),
                stream,
            ));
        }
        stream.silent += 1;
        if stream.silent >= TURNS_OF_SILENCE {
            stream.silent = 0;
            return Some((Ok(Event::default().comment("still here")), stream));
        }
    }
}
